#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/model.sh does what its --help says, and says what is wrong where
# something is. usage: selftest.sh ROOT SCRATCH [COMPILER]
set -eu
root=$1 scratch=$2
test $# -lt 3 || export CC="$3"
mkdir -p "$scratch/user"
cd "$scratch/user"
export WEIR_MODEL_OUT="$scratch/out"

fail() {
    cat said >&2
    echo "$1" >&2
    exit 1
}

# model STATUS ARG...: ends so; what it says goes into the file said.
model() {
    wanted=$1
    shift
    status=0
    timeout 200 "$root/tools/model.sh" "$@" >said 2>&1 || status=$?
    test $status -eq "$wanted" || fail "model.sh $*: status $status"
}

# says PATTERN
says() {
    grep -q -e "$1" said || fail "not said: $1"
}

# A program with these lines in its only case.
program() {
    {
        echo '#include <pthread.h>'
        echo '#include <stdatomic.h>'
        echo '#include "model/model.h"'
        echo 'static atomic_int number; static atomic_bool small;'
        echo 'static pthread_mutex_t mutex; static int *_Atomic pointer;'
        echo 'static memory_order any = memory_order_relaxed;'
        echo 'static void body(void) { (void)&small, (void)&mutex, (void)&any;'
        echo "(void)&number, (void)&pointer; $2"
        echo '}'
        echo 'const mc_case mc_cases[] = {{"a_case", body}, {NULL, NULL}};'
    } >"$1"
}

# ---- what goes well --------------------------------------------------------

model 0 --help
says '^usage: '
program good.c 'MC_CHECK(atomic_load(&number) == 0);'
model 0 good.c
says '^a_case: 1 threads, 1 executions'
model 0 good.c -- --list
says '^a_case$'
! grep -q building said || fail "the checker is built each time"
model 0 "$root/tests/model/user/atomics.c"

# Several files, flags of one's own, a folder with a space in it.
mkdir -p 'a folder/headers'
echo 'int answer(void);' >'a folder/headers/answer.h'
printf '#include <answer.h>\nint answer(void) { return 42; }\n' \
    >'a folder/answer.c'
program two.c 'extern int answer(void); MC_CHECK(answer() == 42);'
(cd 'a folder' && CFLAGS=-Iheaders "$root/tools/model.sh" ../two.c answer.c) \
    >said 2>&1 || fail 'two files'

# What is found is printed and can be run again.
program bad.c 'atomic_store(&number, 2); MC_CHECK(atomic_load(&number) == 1);'
model 1 bad.c
says '^a_case: a failed check'
says 'body: bad.c:8$'
words=$(sed -n "s/^Again: \(.*\) --replay '\(.*\)'\$/\1 --replay \2/p" said)
test -n "$words" || fail "no words to run it again"
status=0
# shellcheck disable=SC2086 # words
timeout 60 $words >said 2>&1 || status=$?
test $status -eq 1 || fail "status $status of $words"
says '^a_case: a failed check'

# The trace that the guide explains is the one that is printed.
cd "$root"
status=0
timeout 200 tools/model.sh examples/model/spsc_ring.c -- \
    --show too_early_is_found >"$scratch/user/said" 2>&1 || status=$?
cd "$scratch/user"
test $status -eq 0 || fail "the example: status $status"
grep -E '^ +[0-9]+  |examples/model' said >steps
test "$(wc -l <steps)" -gt 10 || fail "no steps"
while IFS= read -r step; do
    grep -qxF -e "$step" "$root/docs/guide/prove.md" || {
        echo "$step" >said
        fail "docs/guide/prove.md has another trace"
    }
done <steps

# ---- what does not ---------------------------------------------------------

# All that does not compile, at once; then what does not link.
program wrong.c 'atomic_store(&small, 1);
    atomic_load_explicit(&number, any);
    atomic_fetch_add(&pointer, 1);
    atomic_fetch_xor(&number, 1);
    int i = 0;
    atomic_compare_exchange_strong_explicit(&number, &i, 1,
        memory_order_relaxed, memory_order_seq_cst);'
model 2 wrong.c
says 'atomic objects of 4 or 8 bytes'
says 'a memory order that is a constant'
says 'counts with integers'
says 'no fetch_xor'
says 'no seq_cst for a failure alone'
says '^model.sh: wrong.c does not compile$'
program wrong.c 'number = 1;
    static int i; __atomic_fetch_add(&i, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&mutex);'
model 2 wrong.c
says '^wrong.c:8: an atomic object is used without'
says '^wrong.c:9: an atomic object is used without'
says '^wrong.c:10: pthread_mutex_lock: threads of a model'
program wrong.c 'void nowhere(void); nowhere();'
model 2 wrong.c
says 'undefined reference to .nowhere'
echo 'int nothing;' >wrong.c
model 2 wrong.c
says '^model.sh: no table mc_cases in it'
model 2
says '^model.sh: no FILE.c'
model 2 nowhere.c
says '^model.sh: no such file: nowhere.c'
model 2 --list good.c
says 'options come behind --'
model 2 good.c -- --nonsense
says 'no such option'
CC=nowhere model 2 good.c
says 'nowhere does not run'
test -z "$(find "$scratch/out" -name '.work*')" || fail "something is left"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program of yours under the model checker (tests/model): every order of
# its steps, every value that a load may see. --help says how.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=${WEIR_MODEL_OUT:-$root/build/model}

usage() {
    cat <<'EOF'
usage: tools/model.sh FILE.c [SOURCE.c]... [-- OPTION...]
       make model FILE=FILE.c [SOURCES="SOURCE.c..."] [OPTIONS="OPTION..."]
Compiles the files for the model checker, links them with it and runs the cases
of the table mc_cases. C11's <stdatomic.h> in them is the checker's. OPTIONs are
those of the program; `-- --help` has them.

  tools/model.sh examples/model/spsc_ring.c
  tools/model.sh examples/model/spsc_ring.c -- --list
  tools/model.sh examples/model/spsc_ring.c -- --show too_early_is_found
  CC=clang CFLAGS=-Iinclude tools/model.sh my_model.c my_queue.c

The program is kept as build/model/FILE. docs/guide/prove.md is the guide.
Ends with 0: all as expected; 1: not; 2: it could not be built or run.
EOF
}

die() {
    echo "model.sh: $*" >&2
    exit 2
}

# ---- what is wanted --------------------------------------------------------

case ${1-} in
    --help) usage; exit ;;
    '' | --) die "no FILE.c; see --help" ;;
esac
files=0
for word in "$@"; do
    test "$word" != -- || break
    case $word in
        *.c) test -f "$word" || die "no such file: $word" ;;
        -*) die "$word: options come behind --; see --help" ;;
        *) die "$word: not a C file" ;;
    esac
    files=$((files + 1))
done
name=$(basename "$1" .c)

case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) ;;
    *) die "the checker runs on x86-64 Linux alone" ;;
esac
if test -z "${CC-}"; then
    CC=$(command -v gcc || command -v clang) || die "neither gcc nor clang"
fi
version=$($CC --version 2>/dev/null) || die "$CC does not run"

# ---- the checker, once -----------------------------------------------------

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d "$out/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# As in tests/model.cmake; gdb and addr2line find headers in DWARF 4 alone. The
# program is not optimised: what a compiler leaves out would not be checked.
plain="-std=gnu11 -D_GNU_SOURCE -gdwarf-4 -UNDEBUG -fno-pie
    -fno-strict-aliasing"
checked="$plain -DWR_MODEL -O1 -fsanitize=thread -fno-builtin
    -fno-omit-frame-pointer -include model/rename.h"

# compile FLAG...: with our headers, after those of FLAG.
compile() {
    # shellcheck disable=SC2086 # flags are words
    $CC "$@" -I"$root/tests/model/shim" -I"$root/tests" -I"$root/src" \
        -I"$root/include"
}

# Is there a library of this compiler, of these sources?
is_built() {
    test -f "$out/checker.a" || return 1
    printf '%s\n' "$version" | cmp -s - "$out/checker.by" || return 1
    test -z "$(find "$0" "$root"/tests/model/*.[ch] "$root/tests/model/shim" \
        "$root/src/base" "$root/src/os" -type f -newer "$out/checker.by")"
}

# Several may do so at once: what each makes is whole before it gets its name.
build_checker() (
    echo "building the checker, once, in $out" >&2
    cd "$work"
    printf '%s\n' "$version" >checker.by # older than what changes from now on
    set --
    for source in "$root"/tests/model/*.c; do
        case $source in
            */everything.c | */os.c) ;;
            *) set -- "$@" "$source" ;;
        esac
    done
    # shellcheck disable=SC2086
    compile $plain -O2 -c "$@" &&
        compile $checked -c "$root/tests/model/os.c" &&
        ar rc checker.a ./*.o && rm ./*.o || exit 1
    mv checker.a "$out/checker.a"
    mv checker.by "$out/checker.by"
)

is_built || build_checker || die "the checker cannot be built with $CC"

# ---- the program -----------------------------------------------------------

# Calls of libc that threads wait in. Here they are refused by the linker, which
# knows the line: the threads of a model are none of the system's.
waits="pthread_create pthread_join pthread_mutex_lock pthread_mutex_trylock
    pthread_cond_wait pthread_cond_timedwait pthread_cond_signal
    pthread_cond_broadcast pthread_spin_lock pthread_rwlock_rdlock
    pthread_rwlock_wrlock pthread_once pthread_barrier_wait thrd_create
    thrd_join thrd_yield thrd_sleep mtx_lock mtx_trylock cnd_wait cnd_signal
    cnd_broadcast call_once sem_wait sem_post sched_yield sleep usleep
    nanosleep"

# undefined PATTERN: where such names are, a line each, FILE:LINE: NAME.
undefined() {
    missing=": undefined reference to .\($1\).\$"
    sed -n "s|^\([^ ]*ld[^ ]*: \)*\(.*\)$missing|\2: \3|p" "$work/link.log" |
        sed "s|^$PWD/||" | sort -u
}

explain() {
    atomics=$(undefined '__tsan_atomic[0-9a-z_]*' | sed 's/: [^:]*$//' |
        sort -u)
    waiting=$(undefined '__wrap_[a-z_]*' | sed 's/__wrap_//')
    for place in $atomics; do
        echo "$place: an atomic object is used without atomic_load," \
            "atomic_store and the like of <stdatomic.h>" >&2
    done
    test -z "$waiting" || echo "$waiting" | while read -r line; do
        echo "$line: threads of a model are made by mc_spawn, and wait in" \
            "mc_join, mc_lock and mc_await" >&2
    done
    ! grep -q 'undefined reference to .mc_cases' "$work/link.log" ||
        die "no table mc_cases in it: tests/model/model.h shows one"
    test -n "$atomics$waiting" || cat "$work/link.log" >&2
}

wraps=
for call in memcpy memmove memset $waits; do
    wraps="$wraps,--wrap=$call"
done
number=0
objects=
while test $number -lt $files; do
    # shellcheck disable=SC2086
    compile $checked -O0 -I"$root/tests/model/user" ${CFLAGS-} \
        -c "$1" -o "$work/$number.o" || die "$1 does not compile"
    objects="$objects $number.o"
    number=$((number + 1))
    shift
done
test $# -eq 0 || shift
# shellcheck disable=SC2086
(cd "$work" && LC_ALL=C $CC -no-pie -Wl,-z,now"$wraps" -o program $objects \
    "$out/checker.a" -pthread) >"$work/link.log" 2>&1 || {
    explain
    die "$name cannot be checked like this"
}
mv "$work/program" "$out/$name"
rm -rf "$work"
# As one would call it oneself, for the words that it prints to be run again.
run=$out/$name
test "$run" = "${run#"$PWD"/}" || run=./${run#"$PWD"/}
status=0
"$run" "$@" || status=$?
exit $status

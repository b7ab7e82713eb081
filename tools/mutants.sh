#!/bin/sh
# SPDX-License-Identifier: MIT
# Every mutant: each law broken on purpose (tests/mutants), then each memory
# order weakened (tests/model). Ends with 1 when nobody notices one of them and
# there is no reason written.
# usage: mutants.sh [ROOM | ROOM.MUTANT]...    laws alone, of those alone
set -eu
cd "$(dirname "$0")/.."

# programs YES NO: the tests that mutants name with a word like YES, none like
# NO.
programs() {
    awk -v yes="$1" -v no="$2" '
        /^\+\+ [^:]*$/ && $0 " " ~ yes && $0 " " !~ no {
            print "test_" $2}' tests/mutants/*.txt | sort -u
}

models() {
    sed -n 's/^++ model:\([^ ]*\) .*/model_\1/p' tests/mutants/*.txt | sort -u
}

# build PRESET TARGET...
build() {
    mkdir -p build
    cmake --preset "$1" >"build/$1.log" || { cat "build/$1.log"; return 1; }
    preset=$1
    shift
    cmake --build --preset "$preset" --target "$@"
}

# Those two are what `make test` has, too.
# shellcheck disable=SC2046 # one target a word
build release weir_static $(programs . ' (asan|faults) ') $(models)
# shellcheck disable=SC2046
build asan weir_static $(programs ' (asan|faults) ' '^$')
status=0
tests/mutants/run.sh -p build/release -a build/asan . build/mutants "$@" ||
    status=1
test $# -eq 0 || exit $status

echo "== memory orders"
MODEL_ALL=1 build release model_mutants || status=1
exit $status

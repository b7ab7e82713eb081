#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one seed of a room's seed test again and tells what happens: each line
# with the worker it happens on, [-] for the thread that drives them.
# usage: replay.sh CASE SEED    CASE: pool, stream, loop_lane, ...: all of its
#                               cases; or one: cache.all
set -eu
cd "$(dirname "$0")/.."
asked=${1:-} seed=${2:-}
room=${asked%%.*}
rooms=$(ls tests/unit/test_seeds_*.c |
    sed 's,.*/test_seeds_,,; s,\.c$,,' | tr '\n' ' ')
case " $rooms" in
    *" $room "*) ;;
    *)
        echo "usage: make replay CASE=ROOM[.CASE] SEED=N, of: $rooms" >&2
        exit 2
        ;;
esac
case $seed in
    '' | *[!0-9]*)
        echo "usage: make replay CASE=$asked SEED=N, a number" >&2
        exit 2
        ;;
esac
mkdir -p build
{
    cmake --preset debug -DWEIR_TESTS=ON &&
        cmake --build --preset debug --target "test_seeds_$room"
} >build/replay.log 2>&1 || { cat build/replay.log >&2; exit 1; }
test "$asked" != "$room" || set --
WEIR_SEED=$seed "build/debug/tests/test_seeds_$room" ${1:+"${asked#*.}"}

#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzzer with a fresh seed under both sanitizers, for $1 seconds
# each (default 60). `make test` runs them shortly with a fixed seed, so that
# what it says depends on the change alone.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
cmake --preset asan >build/fuzz.log || { cat build/fuzz.log; exit 1; }
targets=$(find tests -name 'fuzz_*.c' -exec basename {} .c \; | sort)
# shellcheck disable=SC2086 # one word each
cmake --build --preset asan --target $targets
for fuzz in $targets; do
    seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
    "build/asan/tests/$fuzz" "$seed" "${1:-60}"
done

#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every fuzzer with a fresh seed under both sanitizers, one after the
# other. `make test` runs them shortly with a fixed seed, so that what it says
# depends on the change alone.
#
#   make fuzz [FUZZ_SECONDS=60] [FUZZ_ONLY="fuzz_npy fuzz_web"] [FUZZ_GUIDED=1]
#
# FUZZ_GUIDED: clang's libFuzzer, which looks for inputs that reach code that
# none reached before. What it finds is kept in build/libfuzzer/corpus, and goes
# on from there the next time. An input that ends a fuzzer is in
# build/libfuzzer; `build/asan/tests/fuzz_NAME FILE` runs it again. It belongs
# into tests/fuzz/corpus/fuzz_NAME when the bug is gone.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-${FUZZ_SECONDS:-60}}
corpus=$PWD/tests/fuzz/corpus
all=$(find tests/fuzz -name 'fuzz_*.c' -exec basename {} .c \; | sort)
targets=${FUZZ_ONLY:-$all}
mkdir -p build
failed=
export ASAN_OPTIONS=abort_on_error=1
export UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
export WEIR_FUZZ_CORPUS="$corpus"

build() {
    cmake "$@" >build/fuzz.log || { cat build/fuzz.log; exit 1; }
}

by_itself() {
    build --preset asan
    # shellcheck disable=SC2086 # one word each
    cmake --build --preset asan --target $targets
    for fuzz in $targets; do
        seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
        timeout $((seconds + 300)) "build/asan/tests/$fuzz" "$seed" \
            "$seconds" || failed="$failed $fuzz:$seed"
    done
}

guided() {
    # A server of its own process is not seen from the client.
    targets=$(echo "$targets" | tr ' ' '\n' | grep -v '^fuzz_http$')
    build -S . -B build/libfuzzer -G Ninja -DCMAKE_C_COMPILER=clang \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWEIR_FAULTS=ON \
        "-DWEIR_SANITIZE=address;undefined" -DWEIR_LIBFUZZER=ON \
        -DCMAKE_C_FLAGS=-fsanitize=fuzzer-no-link
    # shellcheck disable=SC2086 # one word each
    cmake --build build/libfuzzer --target $targets
    for fuzz in $targets; do
        mkdir -p "build/libfuzzer/corpus/$fuzz"
        echo "$fuzz:"
        "build/libfuzzer/tests/$fuzz" "-max_total_time=$seconds" -timeout=60 \
            -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
            "-artifact_prefix=build/libfuzzer/$fuzz-" \
            "build/libfuzzer/corpus/$fuzz" "$corpus/$fuzz" ||
            failed="$failed $fuzz"
    done
}

if [ -n "${FUZZ_GUIDED:-}" ]; then
    guided
else
    by_itself
fi
[ -z "$failed" ] || { echo "fuzz.sh: failed:$failed" >&2; exit 1; }

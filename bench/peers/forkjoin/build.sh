#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds what bench/forkjoin.sh compares with into FOLDER: peer_forkjoin_gomp
# and _omp (OpenMP by gcc and clang), _clang (the serial code by clang), _tbb
# (oneTBB), _rayon, and where LACE=FOLDER names a checkout of Lace, _lace.
# Installs nothing and fetches nothing. What cannot be built is left out, and a
# line says so; that is not an error.
# usage: [LACE=CHECKOUT] build.sh FOLDER
set -u
mkdir -p "$1" || exit 1
folder=$(cd "$1" && pwd) || exit 1
bench=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
test -z "${LACE:-}" || LACE=$(cd "$LACE" && pwd) || exit 1
cd "$bench" || exit 1
log=$folder/forkjoin.log
: >"$log"

# The same options as ours, and the same objects below the forks.
c="-std=c11 -O3 -g -Wall -Wextra -D_GNU_SOURCE -I. -I../src"
main="$folder/forkjoin_main.o $folder/forkjoin_work.o"
# shellcheck disable=SC2086
for source in forkjoin_main forkjoin_work; do
    gcc $c -c $source.c -o "$folder/$source.o" >>"$log" 2>&1
done

# built NAME COMMAND...: a line if it fails.
built() {
    name=$1
    shift
    rm -f "$folder/peer_forkjoin_$name"
    "$@" -o "$folder/peer_forkjoin_$name" >>"$log" 2>&1 ||
        echo "no $name here: it did not build (see $log)"
}

# shellcheck disable=SC2086
{
    built gomp gcc $c -fopenmp peers/forkjoin/omp.c $main -lm
    built omp clang $c -fopenmp=libomp peers/forkjoin/omp.c $main -lm
    built clang clang $c forkjoin_serial.c $main -lm -lpthread
    built tbb g++ -std=c++17 -O3 -g -Wall -Wextra -I. \
        peers/forkjoin/tbb.cpp $main -ltbb -lm
}

# rayon: a copy, so that Cargo.lock does not land in the tree.
rust() {
    rm -rf "${folder:?}/forkjoin"
    mkdir -p "$folder/forkjoin" || return 1
    cp peers/forkjoin/Cargo.toml peers/forkjoin/lib.rs "$folder/forkjoin"
    (cd "$folder/forkjoin" && cargo build --release --offline \
        --target-dir "$folder/forkjoin-target" \
        --config 'source.crates-io.replace-with="debian"' \
        --config 'source.debian.directory="/usr/share/cargo/registry"') \
        >>"$log" 2>&1
}
rm -f "$folder/peer_forkjoin_rayon"
if rust; then
    # shellcheck disable=SC2086
    built rayon gcc $main "$folder/forkjoin-target/release/libforkjoin.a" \
        -lm -lpthread -ldl
else
    echo "no rayon here: it did not build (see $log)"
fi

# Lace: without its counters, which is how it comes.
rm -f "$folder/peer_forkjoin_lace"
if test -z "${LACE:-}"; then
    echo "no Lace here: LACE does not name a checkout of it" \
        "(github:trolando/lace)"
elif ! test -f "$LACE/src/lace.c"; then
    echo "no Lace here: LACE has no src/lace.c"
else
    mkdir -p "$folder/lace" || exit 1
    for what in PIE_TIMES COUNT_TASKS COUNT_STEALS COUNT_SPLITS; do
        echo "#define LACE_$what 0"
    done >"$folder/lace/lace_config.h"
    # shellcheck disable=SC2086
    built lace gcc -std=gnu11 -O3 -g -I. \
        -I"$folder/lace" -I"$LACE/src" peers/forkjoin/lace.c \
        "$LACE/src/lace.c" $main -lm -lpthread
fi

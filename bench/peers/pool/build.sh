#!/bin/sh
# SPDX-License-Identifier: MIT
# Links the cases of bench/pool.c with what bench/pool.sh compares with, into
# FOLDER: peer_pool_glib, _uv, _tbb, _rayon, _crossbeam, _gomp, _omp. Installs
# nothing: `make bench` does. What cannot be built is left out, and a line says
# so; that is not an error.
# usage: build.sh FOLDER
set -u
mkdir -p "$1" || exit 1
folder=$(cd "$1" && pwd) || exit 1
bench=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
cd "$bench" || exit 1
log=$folder/pool.log
: >"$log"

c="-std=c11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -I. -I../src"
cases=
for source in pool pool_cost pool_latency pool_rest; do
    # shellcheck disable=SC2086
    gcc $c -c $source.c -o "$folder/$source.o" >>"$log" 2>&1
    cases="$cases $folder/$source.o"
done

# built NAME COMMAND...: a line if it fails.
built() {
    name=$1
    shift
    rm -f "$folder/peer_pool_$name"
    "$@" -o "$folder/peer_pool_$name" >>"$log" 2>&1 ||
        echo "no $name here: it did not build (see $log)"
}

# crate NAME: lib.rs with that feature, in a copy, so that Cargo.lock does not
# land in the tree.
crate() {
    rm -rf "${folder:?}/pool-$1"
    mkdir -p "$folder/pool-$1" &&
        cp peers/pool/Cargo.toml peers/pool/lib.rs "$folder/pool-$1" &&
        cd "$folder/pool-$1" && cargo build --release --offline \
        --features "$1_pool" --target-dir "$folder/pool-$1-target" \
        --config 'source.crates-io.replace-with="debian"' \
        --config 'source.debian.directory="/usr/share/cargo/registry"' \
        >>"$log" 2>&1
    cd "$bench" || exit 1
}

# shellcheck disable=SC2046,SC2086
{
    built glib gcc $c $(pkg-config --cflags glib-2.0) peers/pool/glib.c $cases \
        $(pkg-config --libs glib-2.0) -lpthread
    built uv gcc $c peers/pool/uv.c $cases -luv -lpthread
    built gomp gcc $c -fopenmp peers/pool/omp.c $cases -lpthread
    built omp clang $c -fopenmp=libomp peers/pool/omp.c $cases -lpthread
    built tbb g++ -std=c++17 -O2 -g -Wall -Wextra peers/pool/tbb.cpp $cases \
        -ltbb -lpthread
    for name in rayon channel; do
        crate $name
        peer=$name
        test $name = rayon || peer=crossbeam
        built $peer gcc $cases "$folder/pool-$name-target/release/libpool.a" \
            -lpthread -ldl -lm
    done
}

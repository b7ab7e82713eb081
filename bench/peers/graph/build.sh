#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds what bench/graph.sh compares with into FOLDER: peer_graph_gomp,
# peer_graph_omp (OpenMP tasks by gcc and clang), peer_graph_starpu,
# peer_graph_tbb (oneTBB's flow graph), peer_graph_blas (OpenBLAS with its own
# threads). Installs nothing: `make bench` does. What cannot be built is left
# out, and a line says so; that is not an error.
# usage: build.sh FOLDER
set -u
mkdir -p "$1" || exit 1
folder=$(cd "$1" && pwd) || exit 1
bench=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
cd "$bench" || exit 1
log=$folder/graph.log
: >"$log"

# The tile kernels are OpenBLAS, linked by archive: the same for all.
blas=$(dpkg -L libopenblas-pthread-dev 2>/dev/null | grep '/libopenblas\.a$')
common="$folder/graph_common.o $folder/graph_tiles.o"
c="-std=c11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -I. -I../src"

# built NAME COMMAND...: a line if it fails.
built() {
    name=$1
    shift
    rm -f "$folder/peer_graph_$name"
    if test -z "$blas"; then
        echo "no $name here: libopenblas-pthread-dev is missing"
    elif ! "$@" -o "$folder/peer_graph_$name" >>"$log" 2>&1; then
        echo "no $name here: it did not build (see $log)"
    fi
}

# shellcheck disable=SC2086
for source in graph_common graph_tiles; do
    gcc $c -c $source.c -o "$folder/$source.o" >>"$log" 2>&1
done
# shellcheck disable=SC2086
{
    built gomp gcc $c -fopenmp peers/graph/omp.c $common $blas -lm
    built omp clang $c -fopenmp=libomp peers/graph/omp.c $common $blas -lm
    starpu_c=$(pkg-config --cflags starpu-1.3 2>/dev/null)
    starpu=$(pkg-config --libs starpu-1.3 2>/dev/null)
    built starpu gcc $c $starpu_c peers/graph/starpu.c $common $blas $starpu \
        -lm -lpthread
    built tbb g++ -std=c++17 -O2 -g -Wall -Wextra -I. peers/graph/flow.cpp \
        $common $blas -ltbb -lm -lpthread
    built blas gcc $c peers/graph/blas.c "$folder/graph_common.o" $blas -lm \
        -lpthread
}

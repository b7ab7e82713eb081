#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The task graph beside OpenMP tasks (gcc's and clang's), StarPU and oneTBB's
# flow graph, as far as those could be built (bench/peers/graph/build.sh), and
# what the machine gives without any. Prints Markdown for bench/RESULTS.md.
# usage: graph.sh [--quick] [--build FOLDER]
# BENCH_BUDGET_S: no new round after that.
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
rounds=9 rare=3 budget=${BENCH_BUDGET_S:-420} count=100000 many=10000000
ms=3000 trips=20000 kills=100 size=4096
if test -n "$quick"; then
    rounds=3 rare=1 budget=${BENCH_BUDGET_S:-100} many=2000000
    ms=1000 trips=5000 kills=30
fi
# StarPU writes down what it measured of the machine.
export STARPU_HOME=$work STARPU_SILENT=1

# Lines "who program".
whos=$work/whos
while read -r who program; do
    if test -x "$build/bench/$program"; then
        echo "$who $build/bench/$program" >>"$whos"
    else
        echo "graph.sh: no $who here: $program is missing" >&2
    fi
done <<'WHOS'
weir bench_graph
gomp peers/peer_graph_gomp
omp peers/peer_graph_omp
starpu peers/peer_graph_starpu
tbb peers/peer_graph_tbb
WHOS

# has WHO CASE: who can do that; see the sources for why not.
has() {
    case $1.$2 in
        weir.*) true ;;
        *.columns | *.bounded | gomp.alive | tbb.own) false ;;
        starpu.*) test $((round % (rounds / rare))) -eq 0 ;;
    esac
}

# all_do CASE OPTION...: they take turns.
all_do() {
    local who program
    while read -r who program; do
        ! has "$who" "$1" || figures "$who" "$program" "$@" </dev/null
    done <"$whos"
}

# one WHO PROGRAM WORD...: if it is there.
one() {
    local who=$1 program=$build/bench/$2
    shift 2
    test ! -x "$program" || figures "$who" "$program" "$@" </dev/null
}

# Once is enough for what does not swing.
seldom() {
    local who program n
    while read -r who program; do
        n=$many
        test "$who" = weir || n=1000000
        figures "$who" "$program" memory --count $n </dev/null
        figures "$who" "$program" idle --ms $ms </dev/null
    done <"$whos"
    one procs bench_graph_procs idle --ms $ms
}

cholesky() {
    local who program words="cholesky --rounds 3 --size $size"
    # The tile kernels are called by many threads and have none of their own.
    export OPENBLAS_NUM_THREADS=1
    # shellcheck disable=SC2086
    {
        one perfect bench_graph_perfect serial --rounds 3 --size $size
        one perfect bench_graph_perfect halves --rounds 3 --size $size
        one weir bench_graph_cholesky $words
        one procs bench_graph_cholesky $words --procs 2
        for who in gomp omp starpu tbb; do
            one $who peers/peer_graph_$who $words
        done
        unset OPENBLAS_NUM_THREADS
        one blas peers/peer_graph_blas $words
    }
}

SECONDS=0 round=0
until test $round -ge $rounds || test $SECONDS -gt "$budget"; do
    for name in empty own bounded chain alive columns loose; do
        all_do $name --count $count
    done
    one floor bench_graph_floor submit --count $count
    one floor bench_graph_floor hop --count $count
    one floor bench_graph_floor trip --count $trips
    one floor bench_graph_floor sweep --count $count
    one floor bench_graph_floor kill --count $kills
    one weir bench_graph_procs trip --count $trips
    one weir bench_graph_procs rested --count 500
    one weir bench_graph_procs stream --count $count
    one weir bench_graph_procs stream2 --count $count
    one weir bench_graph_procs kill --count $kills
    test $((round % (rounds / rare))) -ne 0 || cholesky
    test $round -ne 0 || seldom
    round=$((round + 1))
done

summary >"$work/summary"
echo "### The task graph"
echo
machine
echo "$round interleaved rounds in $SECONDS s (StarPU, Cholesky: every" \
    "$((rounds / rare)).; memory, idle: once), $(kept weir:empty.wall) of" \
    "them quiet. Median (lowest to highest)." | wrap
echo
awk -v many=$many -f bench/graph.awk "$work/summary"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a job costs weir's pool, beside oneTBB's arena, rayon's spawn, threads on
# a crossbeam channel, GLib's and libuv's pools, OpenMP tasks, as far as those
# could be built (bench/peers/pool/build.sh), and a pool of thirty lines. Prints
# Markdown for bench/RESULTS.md. usage: pool.sh [--quick] [--build FOLDER]
# BENCH_BUDGET_S: no new round after that.
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
rounds=9 rare=3 budget=${BENCH_BUDGET_S:-420} count=1000000 words=
if test -n "$quick"; then
    rounds=1 rare=1 budget=${BENCH_BUDGET_S:-60} count=200000 words=--quick
fi

# Lines "who program".
whos=$work/whos
while read -r who program; do
    if test -x "$build/bench/$program"; then
        echo "$who $build/bench/$program" >>"$whos"
    else
        echo "pool.sh: no $who here: $program is missing" >&2
    fi
done <<'WHOS'
weir bench_pool
bursts bench_pool_bursts
floor bench_pool_floor
tbb peers/peer_pool_tbb
rayon peers/peer_pool_rayon
crossbeam peers/peer_pool_crossbeam
glib peers/peer_pool_glib
libuv peers/peer_pool_uv
gomp peers/peer_pool_gomp
omp peers/peer_pool_omp
WHOS

# has WHO CASE: who can do that; see the sources for why not.
has() {
    case $1.$2 in
        bursts.one | bursts.batch | bursts.window) true ;;
        bursts.*) false ;;
        weir.* | floor.batch | gomp.batch | omp.batch) true ;;
        gomp.* | omp.* | *.batch) false ;;
        libuv.window | libuv.hot | libuv.busy | libuv.life) false ;;
        libuv.feeding) false ;;
        tbb.fork | rayon.fork) true ;;
        *.fork) false ;;
    esac
}

# all_do WORKERS CASE OPTION...: they take turns, in an order that is drawn.
all_do() {
    local workers=$1 who program
    shift
    shuf "$whos" >"$work/turns"
    while read -r who program; do
        ! has "$who" "$1" || figures "$who/$workers" "$program" "$@" \
            --workers "$workers" $words </dev/null
    done <"$work/turns"
}

# Nobody is busy, so they need no turns.
idle() {
    local who program
    while read -r who program; do
        ! has "$who" idle || "$program" idle >"$work/idle.$who" &
    done <"$whos"
    wait
    while read -r who program; do
        test ! -e "$work/idle.$who" || awk -v who="$who" \
            '{print who "/2:" $1, $2, 1}' "$work/idle.$who" >>"$samples"
    done <"$whos"
}

SECONDS=0 round=0
until test $round -ge $rounds || test $SECONDS -gt "$budget"; do
    for workers in 1 2; do
        all_do $workers one --count $count --rounds 3
        all_do $workers batch --count $count --rounds 3
    done
    all_do 2 window --count $count --rounds 3
    for name in hot parked fork life; do
        all_do 2 $name
    done
    if test $((round % rare)) -eq 0; then
        for name in busy serial feeding; do
            all_do 2 $name
        done
        idle
    fi
    round=$((round + 1))
done

summary >"$work/summary"
echo "### The pool's micro costs"
echo
machine
echo "$round interleaved rounds in $SECONDS s (busy, serial, feeding, idle:" \
    "every $rare.), $(kept weir/2:one.wall) of them quiet. Median (lowest)" \
    "of the rounds." | wrap
echo
awk -v count=$count -f bench/pool.awk "$work/summary"

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fork and join, loops and sorts beside oneTBB, OpenMP (libgomp, libomp), rayon
# and Lace, as far as those could be built (bench/peers/forkjoin/build.sh), and
# the same work without a runtime. Prints Markdown for bench/RESULTS.md and
# leaves a chart, forkjoin.svg, in the build folder's bench/.
# usage: forkjoin.sh [--quick] [--build FOLDER]
# BENCH_BUDGET_S: no new round after that.
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
rounds=9 rare=3 ms=150 budget=${BENCH_BUDGET_S:-600}
fib=35 sky=10000000 queens=12 matmul=1024
exponents='4 5 6 7' shapes='random sorted few' words=1000000 workers='1 2'
# What takes hundreds of ns a fork does fewer of them.
slow_fib=30 big_fib=42 slow_sky=1000000 slowest_fib=26 slowest_sky=100000
if test -n "$quick"; then
    rounds=1 rare=1 ms=30 budget=${BENCH_BUDGET_S:-60}
    fib=30 sky=10000000 queens=10 matmul=512 exponents='4 6' shapes='random few'
    words=100000 slow_fib=24 big_fib=34 slow_sky=100000
    slowest_fib=20 slowest_sky=10000
    workers=2
fi

# A job is a line "WHO/WORKERS/LABEL PROGRAM WORD...".
often=$work/often seldom=$work/seldom
: >"$often"
: >"$seldom"

# job LIST WHO WORKERS LABEL PROGRAM WORD...: if the program is there.
job() {
    local list=$1 key=$2/$3/$4 count=$3 program=$build/bench/$5
    shift 5
    test ! -x "$program" ||
        echo "$key $program $* --workers $count --ms $ms" >>"$list"
}

# Lines "WHO PROGRAM FORM COST", what a tree's fork costs it roughly.
trees() {
    local who program form cost n list
    while read -r who program form cost; do
        local f=$fib s=$sky
        list=$often
        case $cost in
            slow) f=$slow_fib s=$slow_sky ;;
            slowest) f=$slowest_fib s=$slowest_sky list=$seldom ;;
        esac
        for n in 1 2; do
            test $n -eq 1 || test "$cost" != serial || continue
            job "$often" "$who" $n fib "$program" fib --form "$form" --size $f
            job "$often" "$who" $n skynet "$program" skynet --form "$form" \
                --size $s
            job "$list" "$who" $n nqueens "$program" nqueens --form "$form" \
                --size $queens
            test "$who" = noinline || test "$who" = wanted ||
                job "$often" "$who" $n matmul "$program" matmul \
                    --form "$form" --size $matmul
            test "$who" = noinline ||
                { test -n "$quick" && test "$cost" = slowest; } ||
                job "$list" "$who" $n uts "$program" uts --form "$form"
        done
    done <<'WHOS'
serial bench_forkjoin_serial inline serial
noinline bench_forkjoin_serial noinline serial
clang peers/peer_forkjoin_clang inline serial
weir bench_forkjoin_weir fork cheap
wanted bench_forkjoin_weir wanted cheap
lace peers/peer_forkjoin_lace spawn cheap
rayon peers/peer_forkjoin_rayon join cheap
tbb peers/peer_forkjoin_tbb static slow
gomp peers/peer_forkjoin_gomp tasks slowest
omp peers/peer_forkjoin_omp tasks slowest
WHOS
    job "$often" threads 2 matmul bench_forkjoin_serial matmul \
        --form threads --size $matmul
}

# More workers than processors, and two pools.
crowds() {
    local who program form f n
    while read -r who program form f; do
        for n in 4 8; do
            job "$often" "$who" $n fib "$program" fib --form "$form" --size "$f"
        done
        # A tree that takes many of the system's time slices.
        for n in 2 8; do
            test "$f" != "$fib" || job "$seldom" "$who" $n bigfib "$program" \
                fib --form "$form" --size $big_fib
        done
        test "$who" = lace ||
            job "$often" "$who" 2 pools "$program" pools --form "$form"
    done <<WHOS
weir bench_forkjoin_weir fork $fib
wanted bench_forkjoin_weir wanted $fib
lace peers/peer_forkjoin_lace spawn $fib
rayon peers/peer_forkjoin_rayon join $fib
tbb peers/peer_forkjoin_tbb static $slow_fib
WHOS
}

loops() {
    local who program form n k
    while read -r who program form; do
        for n in 1 2; do
            test $n -eq 2 || test "$who" != spin || continue
            test $n -eq 1 || test "$who" != serial || continue
            for k in 3 5 6; do
                job "$often" "$who" $n loop$k "$program" loop --form "$form" \
                    --size $((10 ** k))
            done
        done
    done <<'WHOS'
serial bench_forkjoin_serial inline
spin bench_forkjoin_serial spin
weir bench_forkjoin_weir fork
tbb peers/peer_forkjoin_tbb static
tbbauto peers/peer_forkjoin_tbb auto
gomp peers/peer_forkjoin_gomp static
omp peers/peer_forkjoin_omp static
rayon peers/peer_forkjoin_rayon join
WHOS
}

sorts() {
    local who program form n k shape
    while read -r who program form; do
        for n in $workers; do
            test "$n" = "${workers##* }" || test "${who#serial}" = "$who" ||
                continue
            for shape in $shapes; do
                for k in $exponents; do
                    job "$seldom" "$who" "$n" "$shape$k" "$program" sort \
                        --form "$form" --shape "$shape" --size $((10 ** k))
                done
            done
            case $who in
                *radix) ;;
                *) job "$seldom" "$who" "$n" strings "$program" strings \
                    --form "$form" --size $words ;;
            esac
        done
    done <<'WHOS'
serial bench_forkjoin_serial inline
serialradix bench_forkjoin_serial radix
weir bench_forkjoin_sort sort
stable bench_forkjoin_sort stable
pointer bench_forkjoin_sort pointer
radix bench_forkjoin_sort radix
tbb peers/peer_forkjoin_tbb static
rayon peers/peer_forkjoin_rayon join
rayonstable peers/peer_forkjoin_rayon stable
WHOS
}

trees
crowds
loops
sorts
for name in clang lace rayon tbb gomp omp; do
    test -x "$build/bench/peers/peer_forkjoin_$name" ||
        echo "forkjoin.sh: no $name here:" \
            "peers/peer_forkjoin_$name is missing" >&2
done

# Each round in an order of its own, the same in every run of this script.
shuffled() {
    awk -v seed=$((round + 1)) 'BEGIN {srand(seed)} {print rand(), $0}' "$@" |
        sort -k1,1g | cut -d ' ' -f 2-
}

SECONDS=0 round=0
until test $round -ge $rounds || test $SECONDS -gt "$budget"; do
    lists=("$often")
    test $((round % (rounds / rare))) -ne 0 || lists+=("$seldom")
    shuffled "${lists[@]}" >"$work/order"
    while read -r key command; do
        # shellcheck disable=SC2086
        figures "$key" $command </dev/null
    done <"$work/order"
    round=$((round + 1))
done

summary >"$work/summary"
echo "### Fork and join, loops, sorts"
echo
machine
compilers=$(gcc -dumpfullversion)
echo "gcc $compilers -O3 (weir itself -O2). $round interleaved rounds in" \
    "$SECONDS s, each in another order (sorts, and what is slow in OpenMP:" \
    "every $((rounds / rare)).), each job for $ms ms or one run;" \
    "$(kept weir/2/fib:fib.wall) of weir's fib were quiet. fib($fib)," \
    "skynet $sky, nqueens($queens), matmul $matmul." | wrap
echo
awk -v words=$words -v big_fib=$big_fib -v exponents="$exponents" \
    -v shapes="$shapes" -f bench/forkjoin.awk "$work/summary"
awk -f bench/forkjoin_svg.awk "$work/summary" >"$build/bench/forkjoin.svg"
echo "the chart is $build/bench/forkjoin.svg" >&2

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The frontier room, both engines, beside rayon with dashmap (where it could be
# built: bench/peers/build.sh) and plain C: bench/frontier.c, frontier_floor.c,
# peers/frontier/main.rs. Prints Markdown for bench/RESULTS.md.
# usage: frontier.sh [--quick] [--build FOLDER]
# BENCH_BUDGET_S: no new round after that.
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
rounds=9 budget=${BENCH_BUDGET_S:-400} many=100000
if test -n "$quick"; then
    rounds=3 budget=${BENCH_BUDGET_S:-90} many=30000
fi

# Lines "name program argument...", run in turns. The names are what
# frontier.awk looks for.
walks=$work/walks
{
    for key in id text; do
        text=
        test $key = id || text=--text
        echo "serial.$key bench_frontier_floor serial $text"
        echo "mutex.$key bench_frontier_floor mutex $text"
        for form in spawn levels; do
            echo "$form.1.$key peers/peer_frontier $form $text --threads 1"
            echo "$form.2.$key peers/peer_frontier $form $text"
            echo "$form.2.$key.edges peers/peer_frontier $form $text --edges"
        done
        for engine in workers owner; do
            owner=
            test $engine = workers || owner=--owner
            weir="bench_frontier graph $text $owner"
            echo "$engine.1.$key $weir --threads 1"
            echo "$engine.2.$key $weir"
            echo "$engine.1.$key.edges $weir --edges --threads 1"
            echo "$engine.2.$key.edges $weir --edges"
        done
    done
    for engine in workers owner; do
        owner=
        test $engine = workers || owner=--owner
        for width in 1 2; do
            echo "$engine.$width.id.each bench_frontier graph $owner" \
                "--one-by-one --threads $width"
        done
        for nodes in 10000 $many; do
            echo "$engine.later.$nodes bench_frontier later $owner --edges" \
                "--nodes $nodes"
        done
        for us in 1000 5000; do
            weir="bench_frontier parse $owner --edges --nodes 10000"
            weir="$weir --flight 64 --us $us"
            echo "$engine.job.$us $weir"
            echo "$engine.class.$us $weir --as-class"
        done
    done
    for nodes in 10000 $many; do
        echo "floor.later.$nodes bench_frontier_floor later --nodes $nodes"
    done
} >"$walks"

SECONDS=0 round=0
until test $round -ge $rounds || test $SECONDS -gt "$budget"; do
    while read -r name program words; do
        test -x "$build/bench/$program" || continue
        # shellcheck disable=SC2086
        figures "$name" "$build/bench/$program" $words </dev/null
    done <"$walks"
    round=$((round + 1))
done

summary >"$work/summary"
echo "### Frontier: keys looked up, answers that come later"
echo
machine
echo "$round interleaved rounds in $SECONDS s, $(kept workers.2.id:wall) of" \
    "them quiet. Lowest (median)."
echo
awk -v many=$many -f bench/frontier.awk "$work/summary"

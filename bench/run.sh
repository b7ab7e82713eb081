#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# All benchmarks: builds what they need, runs them one after the other and
# prints Markdown, to be looked at and put into bench/RESULTS.md by hand.
# Three quarters of an hour; with --quick ten minutes, on smaller files, with
# fewer runs.
# usage: run.sh [--quick] [delta] [stream] [loop] [http] [trace] [cache] [serve]
#               [frontier] [deps] [graph] [pool] [forkjoin]
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh

build=build/release
chosen=() arguments=()
for word in "$@"; do
    case $word in
        delta | stream | loop | http | trace | cache | serve | frontier | \
            deps | graph | pool | forkjoin)
            chosen+=("$word") ;;
        --quick) arguments+=("$word") ;;
        *) die "unknown word: $word (there are" \
            "--quick, delta, stream, loop, http, trace, cache, serve," \
            "frontier, deps, graph, pool, forkjoin)" ;;
    esac
done
test ${#chosen[@]} -gt 0 ||
    chosen=(forkjoin pool loop http trace cache serve frontier deps graph
        stream delta)

SECONDS=0
log=build/bench.log
mkdir -p build
{
    cmake --preset release && cmake --build --preset release --target bench
} >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "the build failed: $log"; }
case " ${chosen[*]} " in
    *' stream '* | *' loop '* | *' frontier '*)
        bench/peers/build.sh "$build/bench/peers" >&2 ;;
esac
case " ${chosen[*]} " in
    *' forkjoin '*)
        bench/peers/forkjoin/build.sh "$build/bench/peers" >&2 ;;
esac
case " ${chosen[*]} " in
    *' graph '*) bench/peers/graph/build.sh "$build/bench/peers" >&2 ;;
esac
case " ${chosen[*]} " in
    *' pool '*) bench/peers/pool/build.sh "$build/bench/peers" >&2 ;;
esac

echo "## $(date -u +%Y-%m-%d): bench/run.sh $*"
for name in "${chosen[@]}"; do
    echo
    "bench/$name.sh" "${arguments[@]}" --build "$build"
done
echo "all done in $SECONDS s" >&2

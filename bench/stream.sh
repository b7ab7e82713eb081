#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The stream room beside crossbeam-channel, rayon and oneTBB where those could
# be built (bench/peers/build.sh). Prints Markdown for bench/RESULTS.md.
# usage: stream.sh [--quick] [--build FOLDER]
# BENCH_BUDGET_S: no new round after that.
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
rounds=15 budget=${BENCH_BUDGET_S:-180}
if test -n "$quick"; then
    rounds=4 budget=${BENCH_BUDGET_S:-50}
fi

peers=$build/bench/peers
# A program takes the best of two in each round: the first one warms it up.
# Disturbed rounds are done again, until the time is over.
enough() {
    test "$(kept weir:queue.sp.1p.one_by_one)" -ge $rounds ||
        { test "$round" -ge $rounds && test $SECONDS -gt "$budget"; } ||
        test "$round" -ge $((2 * rounds)) ||
        test $SECONDS -gt $((budget * 3 / 2))
}
SECONDS=0 round=0
until enough; do
    figures weir "$build/bench/bench_stream" --rounds 2
    test ! -x "$peers/peer_rust" || figures rust "$peers/peer_rust" --rounds 2
    test ! -x "$peers/peer_tbb" || figures tbb "$peers/peer_tbb" --rounds 2
    figures floor "$build/bench/bench_floor" --rounds 20
    round=$((round + 1))
done

summary >"$work/summary"
# The rows as the programs print them.
awk '!/^floor/ {sub(/[^:]*:/, ""); print $1}' "$samples" >"$work/order"
echo "### stream"
echo
machine
echo "$round interleaved rounds, $(kept weir:queue.sp.1p.one_by_one) of them" \
    "quiet for weir; each the best of two."
cat <<'TEXT'
Nanoseconds per item, lowest (median); CPU: of all threads together, with what
a round sets up. Peers: crossbeam-channel (a batch is a Vec), rayon (a task per
item, but per_thread and ordered, which take all items out of the channel
first, and array, which has none), std's sync_channel (dispatch.plain_channel),
oneTBB's parallel_pipeline (a batch is an array in a token). t2 to t16: threads.
TEXT
echo
awk -f bench/stream.awk "$work/order" "$work/summary"

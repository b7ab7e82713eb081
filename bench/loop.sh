#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The loop room beside libuv's own pool and tokio with rayon, as far as those
# could be built (bench/CMakeLists.txt, bench/peers/build.sh). Prints Markdown
# for bench/RESULTS.md. usage: loop.sh [--quick] [--build FOLDER]
# BENCH_BUDGET_S: no new round after that.
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
rounds=15 rare=3 budget=${BENCH_BUDGET_S:-310} short=()
if test -n "$quick"; then
    rounds=3 rare=1 budget=${BENCH_BUDGET_S:-70} short=(--quick)
fi

# Lines "form program".
forms=$work/forms
while read -r form program; do
    test ! -x "$build/bench/$program" ||
        echo "$form $build/bench/$program" >>"$forms"
done <<'FORMS'
weir bench_loop
weir_sites bench_loop
weir_adaptive bench_loop
weir_uv bench_loop_uv
weir_uv_sites bench_loop_uv
libuv bench_loop_uv
one_hop peers/peer_bridge
two_hops peers/peer_bridge
floor bench_loop
FORMS

# all_do CASE [BUT]: the forms take turns, those apart that match.
all_do() {
    local form program
    while read -r form program; do
        # shellcheck disable=SC2053
        if test -z "${2:-}" || [[ $form != $2 ]]; then
            figures "$form" "$program" "$form" "$1" "${short[@]}"
        fi
    done <"$forms"
}

SECONDS=0 round=0 seldom=0
until test $round -ge $rounds || test $SECONDS -gt "$budget"; do
    all_do hot
    all_do cost
    for name in idle burst late; do
        all_do $name '*adaptive'
    done
    # The long ones three times, or once.
    if test $seldom -lt $rare &&
        test $((round * rare)) -ge $((seldom * rounds)); then
        all_do line '*@(sites|adaptive)'
        all_do mixed '*@(sites|adaptive)'
        seldom=$((seldom + 1))
    fi
    round=$((round + 1))
done

summary >"$work/summary"
echo "### loop"
echo
machine
echo "$round interleaved rounds ($seldom for line and mixed) in $SECONDS s," \
    "$(kept weir:hot.p50) of them quiet."
cat <<'TEXT'
Each figure is of one short run: the lowest over the runs (the median). Forms:
weir on a plain epoll loop; with a site; with a site that decides itself; weir
on libuv's loop, called as uv_queue_work is; the same with a site; libuv's own
pool; tokio and rayon, in one hop (pool.spawn, oneshot back) and in two
(rayon's global pool relays to another); and the floor: one mutex, a condition
variable there, an eventfd back, and nothing else. Pools are as wide as they
come: weir and the floor 1 thread less than processors, libuv 4, rayon 1 for
each processor, twice that for two hops; line and mixed: 4 threads each.

- hot: submit the next when the last is delivered; idle: after 2 ms of rest
- burst: 10^5 at once, first submit to last delivery; batch: by
  weir_call_submit_batch, 500 in a call
- line: a 10 ms job, 1 ms later one of 500 ms: until the first is delivered
- mixed: a job each 2 ms, 9 of 10 take 2 ms, the others 30: latency of the
  first kind (these jobs, and line's, sleep)
- late: how late a 1 ms timer is on the loop while 64 busy jobs are in flight
- cost: round trip around a job that is busy that long, minus the job; cpu: the
  processor time of all threads per offload, minus the job
TEXT
echo
awk -f bench/loop.awk "$work/summary"

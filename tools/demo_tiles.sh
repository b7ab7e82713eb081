#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `weir tiles` on a matrix of order 4096: a Cholesky factor on threads, on
# processes, and on processes one of which is killed on the way; the same bytes
# each time. Then a smaller one whose graph is written, LU and a product.
# Leaves demo/tiles.svg and demo/tiles.dot. Ends with 1 if anything is wrong.
# usage: demo_tiles.sh [BUILD-FOLDER]
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
build=${1:-build/release}
weir=$build/bin/weir

die() {
    echo "demo_tiles: $*" >&2
    exit 1
}

test -x "$weir" || die "$weir is missing: run make first"
mkdir -p demo
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

workers=$(nproc)
test "$workers" -le 16 || workers=16
test "$workers" -ge 2 || workers=2

# tiles ALGORITHM SIZE LABEL [OPTION]...: one run, and a line about it.
tiles() {
    local algorithm=$1 size=$2 label=$3
    "$weir" tiles "$algorithm" --size "$size" --report "$work/report" \
        "${@:4}" >"$work/said" 2>"$work/error" ||
        die "$algorithm, $label: $(head -n 1 "$work/error")"
    awk -v label="$label" '
        $1 == "time" {time = $2; rate = $4}
        $1 == "residual" {residual = $2}
        $1 == "tasks" {tasks = $2 + 0}
        $1 == "critical" {path = $2}
        $1 == "worker" {busy += $3; workers++}
        $1 == "lost" {lost = ", " $2 " lost with a process"}
        END {printf "  %-26s %.2f s, %.1f GFLOP/s, %.0f %% busy, " \
            "%d tasks, critical path %.2f s, residual %s%s\n", label, time,
            rate, busy / workers, tasks, path, residual, lost}' "$work/said"
}

same() { cmp "$work/$1" "$work/$2" || die "the factors differ"; }

echo "Cholesky of order 4096, tiles of 256:"
tiles cholesky 4096 "$workers threads" --workers "threads:$workers" \
    --output "$work/threads" --timeline "$work/tiles.svg"
tiles cholesky 4096 "$workers processes" --workers "procs:$workers" \
    --output "$work/procs"
same threads procs
# A process that had nothing in hand just then loses nothing: some patience.
for _ in 1 2 3 4 5 6 7 8; do
    tiles cholesky 4096 "$workers processes, 1 killed" \
        --workers "procs:$workers" --kill-worker 1 --output "$work/killed"
    same threads killed
    grep -q '"killed": 1' "$work/report" || die "nobody was killed"
    ! grep -q '"lost": 0' "$work/report" || continue
    break
done
echo "  all factors are the same $(stat -c %s "$work/threads") bytes"
mv "$work/tiles.svg" demo/tiles.svg
echo "  the threads' timeline is in demo/tiles.svg"

echo "the others, of order 2048:"
tiles lu 2048 "lu, processes, 1 killed" --workers "procs:$workers" \
    --kill-worker 0
tiles gemm 2048 "gemm, single, threads" --type single \
    --workers "threads:$workers"
tiles cholesky 1024 "cholesky of order 1024" --dot "$work/tiles.dot"
mv "$work/tiles.dot" demo/tiles.dot
if command -v dot >/dev/null; then
    dot -Tcanon -o /dev/null demo/tiles.dot || die "dot cannot read the graph"
fi
echo "  its task graph is in demo/tiles.dot"

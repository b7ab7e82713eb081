#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `weir delta` against rdiff on files of 1 GiB in the page cache, and against
# what the machine can do. Prints Markdown for bench/RESULTS.md. Ends with 1 if
# any output is wrong, or differs from rdiff's.
# usage: delta.sh [--quick] [--build FOLDER]
# BENCH_SIZE: bytes instead of 1 GiB; BENCH_BUDGET_S: no new round after that.
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
weir=$build/bin/weir
GIB=1073741824
size=${BENCH_SIZE:-$GIB} rounds=15 budget=${BENCH_BUDGET_S:-330}
if test -n "$quick"; then
    size=${BENCH_SIZE:-$((GIB / 2))} rounds=5 budget=${BENCH_BUDGET_S:-80}
fi

# ---- the files -------------------------------------------------------------

# Five times the size in memory (three inputs, a result, one in tmpfs), and on
# disk nearly as much.
fits() {
    local memory disk
    memory=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
    disk=$(df -Pk "$work" | awk 'NR == 2 {print $4}')
    test $(($1 * 11 / 2048)) -le "$memory" &&
        test $(($1 * 9 / 2048)) -le "$disk"
}
while ! fits "$size"; do
    size=$((size / 2))
    test $size -ge 16777216 || die "too little memory or disk"
done
shm=
if test -d /dev/shm && test -w /dev/shm &&
    test "$(df -Pk /dev/shm | awk 'NR == 2 {print $4}')" -gt \
        $((size * 5 / 4096)); then
    shm=$(mktemp -d /dev/shm/weir-bench.XXXXXX)
    cleanup+=("$shm")
fi
# 1 % of the file in places of 1 KiB, and in places of 64 KiB; both with an
# insertion at 400,000,001 (of 1 GiB).
at=$((size * 3725 / 10000 + 1))
test "$size" -ne $GIB || at=400000001
gendata=$build/bench/bench_gendata
base=$work/base
"$gendata" base "$base" "$size"
"$gendata" edit "$base" "$work/newA" $(((size / 1024 + 50) / 100)) 1024 $at 4099
"$gendata" edit "$base" "$work/newB" $(((size / 65536 + 50) / 100)) 65536 \
    $at 4099
# On disk now, so that the kernel does not write them while we measure.
sync "$base" "$work/newA" "$work/newB"

# ---- the runs --------------------------------------------------------------

peer=
! command -v rdiff >/dev/null || peer=rdiff

# inputs OPERATION: the action and its input files.
inputs() {
    case $1 in
        signature) echo "signature $base" ;;
        delta?) echo "delta $work/ref.signature $work/new${1#delta}" ;;
        patch?) echo "patch $base $work/ref.delta${1#patch}" ;;
    esac
}

# compare OPERATION FILE: with what the first tool made, or with what a patch
# has to restore. rdiff is the first.
compare() {
    local wanted=$work/ref.$1
    case $1 in
        patch?) wanted=$work/new${1#patch} ;;
    esac
    if ! test -e "$wanted"; then
        cp "$2" "$wanted"
    elif ! cmp "$2" "$wanted"; then
        die "$1: wrong result"
    fi
}

# once TOOL OPERATION PLACE: one run of one tool. Places: disk, null, tmpfs.
once() {
    local tool=$1 operation=$2 place=$3 output=$work/output-file command
    case $place in
        null) output=/dev/null ;;
        tmpfs) output=$shm/output ;;
    esac
    case $tool in
        rdiff) command=(rdiff --force) ;;
        cp) command=(cp) ;;
        w?) command=("$weir" delta --force --no-progress
            --threads "${tool#w}") ;;
    esac
    if test "$tool" = cp; then
        command+=("$work/new${operation#patch}")
    else
        # Words without spaces: actions, and files in a folder of ours.
        # shellcheck disable=SC2207
        command+=($(inputs "$operation"))
    fi
    test "$output" = /dev/null || rm -f "$output"
    cost "$operation.$place.$tool" "${command[@]}" "$output"
    if test "$output" != /dev/null; then
        test "$round" -gt 1 || compare "$operation" "$output"
        rm -f "$output"
    fi
}

rows=(signature.disk signature.null deltaA.disk deltaA.null deltaB.disk
    deltaB.null patchA.disk patchB.disk)
test -z "$shm" || rows+=(patchA.tmpfs)

# rdiff is slow and steady: it runs in every third round. The machine's limits
# are measured in every fifth, since a disturbed minute lowers them too.
SECONDS=0
for ((round = 1; round <= rounds; round++)); do
    for row in "${rows[@]}"; do
        operation=${row%.*} place=${row#*.}
        if test -n "$peer" && test $((round % 3)) -eq 1; then
            once rdiff "$operation" "$place"
        fi
        once w2 "$operation" "$place"
        once w1 "$operation" "$place"
        case $operation in
            patch?) once cp "$operation" "$place" ;;
        esac
    done
    if test $((round % 5)) -eq 1; then
        figures limit "$build/bench/bench_limits" --rounds 3 "$base" "$work"
    fi
    if test $SECONDS -gt "$budget"; then
        echo "stopped after $round rounds of $rounds: $budget s are over" >&2
        break
    fi
done

# ---- the tables ------------------------------------------------------------

summary >"$work/summary"
echo "### weir delta, files of $((size / 1048576)) MiB, warm"
echo
machine
cat <<'TEXT'
A: 1 % of the file edited in places of 1 KiB, and an insertion; B: in places of
64 KiB. Lowest (median) wall seconds; CPU is user + system. "Limit": what a
plain loop without a runtime takes for this, on two threads (limits below).
TEXT
echo
awk -v size="$size" -v shm="$shm" \
    -v literalsA="$(stat -c %s "$work/ref.deltaA")" \
    -v literalsB="$(stat -c %s "$work/ref.deltaB")" \
    -v signature="$(stat -c %s "$work/ref.signature")" \
    -f bench/delta.awk "$work/summary"
echo
if test -n "$peer"; then
    echo "Signature and deltas are rdiff's, byte for byte, with 1 and 2" \
        "threads; patches restore the file." | wrap
else
    echo "rdiff is not installed. Results are the same with 1 and 2 threads;" \
        "patches restore the file." | wrap
fi

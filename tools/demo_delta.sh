#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The main job on real input: archives of this machine's own files before and
# after a change, and `weir delta` carries the change from one to the other.
# Ends with 1 if the result is wrong, or is not rdiff's where there is an rdiff.
# usage: demo_delta.sh [BUILD-FOLDER]
# Needs about 4 GB in $TMPDIR (or /tmp) for half a minute; less space, a smaller
# input.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
build=${1:-build/release}
weir=$build/bin/weir
timerun=$build/bench/bench_timerun
marker=edited-for-the-demo
MIB=1048576
least=$((512 * MIB)) # version 2 is never smaller
usual=$((768 * MIB))

die() {
    echo "demo_delta: $*" >&2
    exit 1
}

for program in "$weir" "$timerun"; do
    test -x "$program" || die "$program is missing: run make first"
done
folder=$(cd "${TMPDIR:-/tmp}" && pwd -P)
work=$(mktemp -d "$folder/weir-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# How large the archives may be: they lie there four times, with deltas.
free=$(($(df -Pk "$work" | awk 'NR == 2 {print $4}') * 1024))
wanted=$((free * 2 / 11))
test $wanted -le $usual || wanted=$usual
test $wanted -gt $((least + 32 * MIB)) ||
    die "$folder needs $((least * 6 / 1000000)) MB of free space"

# ---- the input -------------------------------------------------------------

# gather FOLDER...: lines "size name" of real files until there are enough.
# What the packages brought comes first, then whatever else there is; a small
# machine's files are taken twice.
gather() {
    local from
    : >"$work/files"
    for from in "$@" "$@"; do
        test "$(total_of "$work/files")" -lt $wanted || break
        test -d "$from" || continue
        find "$from" -xdev -type f -readable -size +0 -size -65537k \
            ! -path $'*\n*' -printf "%s ${from#/}/%P\n" 2>/dev/null |
            sort -k 2 >>"$work/files" || true
    done
    total_of "$work/files" $wanted >"$work/enough"
}

# total_of FILE [LIMIT]: the size of the archive; with a limit, instead the
# lines until it is reached. An entry is a block, and the file in whole blocks.
total_of() {
    awk -v limit="${2-}" '
        {total += int(($1 + 511) / 512) * 512 + 512}
        limit {print}
        limit && total >= limit {exit}
        END {if (!limit) printf "%.0f\n", total}' "$1"
}

# Of 100 files one is new in version 2, one is gone, one is changed in the
# middle; the order stays. The lists are for tar, seen from /.
divide() {
    awk -v edited="${work#/}/$marker/" '{
        size = $1
        sub(/^[0-9]+ /, "")
        if (NR % 100 != 11)
            print >old
        if (NR % 100 == 73 && size >= 64) {
            print size, $0 >edits
            print edited $0 >new
        } else if (NR % 100 != 37)
            print >new
    }' old="$work/list1" new="$work/list2" edits="$work/edits" "$work/enough"
}

# A line more in the middle of every second file, other bytes in the rest.
edit_files() {
    local size name half skip count=0
    while read -r size name; do
        half=$((size / 2))
        count=$((count + 1))
        skip=$((count % 2 * 24))
        mkdir -p "$work/$marker/${name%/*}"
        {
            head -c $half "/$name"
            echo 'changed for the demo...'
            tail -c +$((half + skip + 1)) "/$name"
        } >"$work/$marker/$name"
    done <"$work/edits"
}

# archive LIST FILE
archive() {
    # 1: a file changed meanwhile, which is no harm here.
    tar --create --file="$2" --format=gnu --owner=0 --group=0 --numeric-owner \
        --mtime=@1000000000 --hard-dereference --no-recursion --no-unquote \
        --transform="s,^.*/$marker/,," -C / --files-from="$1" \
        2>"$work/tar.log" ||
        test $? -eq 1 || die "tar: $(tail -n 1 "$work/tar.log")"
}

bytes() {
    stat -c %s "$1"
}

mb() {
    echo "$((($1 + 500000) / 1000000)) MB"
}

echo "two versions of an archive of this machine's files, in $folder:"
gather /usr /opt /boot /var/lib /var/cache
divide
edit_files
archive "$work/list1" "$work/old"
archive "$work/list2" "$work/new"
rm -rf "${work:?}/$marker"
size=$(bytes "$work/new")
test "$size" -ge $least || die "only $(mb "$size") of files on this machine"
echo "  version 1: $(wc -l <"$work/list1") files," \
    "$(mb "$(bytes "$work/old")")"
new_names=$(awk 'NR % 100 == 11' "$work/enough" | wc -l)
gone_names=$(awk 'NR % 100 == 37' "$work/enough" | wc -l)
echo "  version 2: $new_names files new, $gone_names gone," \
    "$(wc -l <"$work/edits") changed in the middle, $(mb "$size")"

# ---- the job ---------------------------------------------------------------

# run TOOL STEP FILE...: the last file is what it makes. Notes what it cost as a
# line "step tool wall user system KiB other size".
run() {
    local tool=$1 step=$2
    local command=("$tool")
    test "$tool" != weir || command=("$weir" delta)
    shift 2
    "$timerun" -a "$work/cost" "${command[@]}" "$step" "$@" ||
        die "$tool $step failed"
    echo "$step $tool $(tail -n 1 "$work/cost") $(bytes "${!#}")" \
        >>"$work/costs"
    echo "  $tool $step: done in $(awk 'END {print $3 " s"}' "$work/costs")"
}

peer=
if command -v rdiff >/dev/null; then
    peer=rdiff
else
    echo "rdiff is not installed: nothing to compare with"
fi
echo "the job, with $(nproc) threads:"
for name in weir $peer; do
    run "$name" signature "$work/old" "$work/$name.sig"
done
for name in weir $peer; do
    run "$name" delta "$work/weir.sig" "$work/new" "$work/$name.delta"
done
identical=yes
if test -n "$peer"; then
    cmp "$work/weir.sig" "$work/rdiff.sig" || identical=no
    cmp "$work/weir.delta" "$work/rdiff.delta" || identical=no
    rm "$work/rdiff.sig" "$work/rdiff.delta"
fi
restored=yes
for name in weir $peer; do
    run "$name" patch "$work/old" "$work/weir.delta" "$work/restored"
    cmp "$work/new" "$work/restored" || restored=no
    rm "$work/restored"
done

# ---- the table -------------------------------------------------------------

echo
awk -v input="$size" -v peer="$peer" '
    {
        wall[$1, $2] = $3
        cpu[$1, $2] = $4 + $5
        rss[$1, $2] = $6 * 1024 / 1e6
        if ($2 == "weir")
            out[$1] = $8 / 1e6
    }
    END {
        line = "%-10s %9s %7s %7s %7s %9s"
        printf line, "weir delta", "output MB", "wall s", "CPU s", "MB/s",
            "peak MB"
        if (peer)
            printf " | %7s %6s %7s | %s", "rdiff s", "CPU s", "peak MB",
                "speed-up"
        print ""
        split("signature delta patch", steps, " ")
        for (i = 1; i <= 3; i++) {
            s = steps[i]
            printf line, s, sprintf("%.1f", out[s]),
                sprintf("%.2f", wall[s, "weir"]),
                sprintf("%.2f", cpu[s, "weir"]),
                sprintf("%.0f", input / 1e6 / wall[s, "weir"]),
                sprintf("%.0f", rss[s, "weir"])
            if (peer)
                printf " | %7.2f %6.2f %7.0f | %7.1fx",
                    wall[s, peer], cpu[s, peer], rss[s, peer],
                    wall[s, peer] / wall[s, "weir"]
            print ""
        }
    }' "$work/costs"
echo
if test -n "$peer"; then
    echo "signature and delta identical to rdiff's: $identical"
fi
echo "version 2 restored from version 1 and the delta: $restored"
test "$identical$restored" = yesyes

# SPDX-License-Identifier: MIT
# What the scripts of this folder share; sourced by them.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C

# A run is quiet if everybody else's processor time meanwhile was at most this
# share of its wall time, and a few clock ticks, in which it is counted.
NOISE_SHARE=${NOISE_SHARE:-0.10}
NOISE_TICKS_S=0.05

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# options ARGUMENT...: sets quick (empty or yes) and build.
options() {
    export quick='' build=build/release
    while test $# -gt 0; do
        case $1 in
            --quick) quick=yes ;;
            --build) build=${2:?--build needs a folder}; shift ;;
            *) die "unknown option: $1 (there are --quick, --build FOLDER)" ;;
        esac
        shift
    done
    timerun=$build/bench/bench_timerun
    test -x "$timerun" || die "$timerun is missing: run bench/run.sh"
}

# scratch: makes the folder $work, which goes when the script ends.
scratch() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
    cleanup=("$work")
    trap 'rm -rf "${cleanup[@]}"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    samples=$work/samples
    : >"$samples"
}

# A sample is a line "name value quiet", quiet being 1 or 0.

# timed COMMAND...: runs it, standard output to $work/output; the cost, as
# bench_timerun says it, with quiet behind, in $work/cost.
timed() {
    rm -f "$work/line"
    "$timerun" -a "$work/line" "$@" >"$work/output" ||
        die "failed with $?: $*"
    awk -v share="$NOISE_SHARE" -v ticks=$NOISE_TICKS_S '{
        print $0, $5 <= ticks + share * $1 ? 1 : 0
    }' "$work/line" >"$work/cost"
}

# cost NAME COMMAND...: samples NAME.wall and NAME.cpu in seconds, NAME.peak in
# MB (10^6 bytes).
cost() {
    local name=$1
    shift
    timed "$@"
    awk -v name="$name" '{
        print name ".wall", $1, $6
        print name ".cpu", $2 + $3, $6
        print name ".peak", $4 * 1024 / 1e6, 1
    }' "$work/cost" >>"$samples"
}

# figures PREFIX COMMAND...: samples PREFIX:name of a command that prints lines
# "name value unit".
figures() {
    local prefix=$1
    shift
    timed "$@"
    awk -v prefix="$prefix" 'NR == FNR {quiet = $6; next}
        !/^#/ {print prefix ":" $1, $2, quiet}' \
        "$work/cost" "$work/output" >>"$samples"
}

# summary: lines "name lowest median highest used all" of the samples. Used are
# the quiet ones, or all where no sample of that name was quiet.
summary() {
    sort -k1,1 -k2,2g "$samples" | awk '
        function flush(    n, i) {
            if (!total)
                return
            n = quiet ? quiet : total
            for (i = 1; i <= n; i++)
                v[i] = quiet ? q[i] : a[i]
            print name, v[1],
                n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2,
                v[n], quiet, total
        }
        $1 != name {flush(); name = $1; quiet = total = 0}
        {a[++total] = $2; if ($3) q[++quiet] = $2}
        END {flush()}'
}

# kept NAME: how many quiet samples there are of this name.
kept() {
    awk -v name="$1" '$1 == name && $3 {n++} END {print n + 0}' "$samples"
}

# wrap: breaks long lines of text.
wrap() {
    fold -s -w 80 | sed 's/ *$//'
}

# machine: where and when, for the results.
machine() {
    local model flags='' flag
    model=$(lscpu | sed -n 's/^Model name: *//p' | head -n 1)
    for flag in avx512f avx2; do
        grep -qw -m 1 $flag /proc/cpuinfo && flags="$flags $flag"
    done
    echo "Machine: $model,$flags, $(nproc) processors for us," \
        "$(awk '/^MemTotal/ {printf "%.0f GiB", $2 / 1048576}' \
            /proc/meminfo), kernel $(uname -r), $(sed -n \
            's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)." | wrap
    echo "Date: $(date -u '+%Y-%m-%d %H:%M UTC'), commit" \
        "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)."
}

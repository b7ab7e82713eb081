#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs all models of the rooms and prints the table of RESULTS.md, and a line
# of totals. usage: table.sh FOLDER-OF-THE-PROGRAMS
set -eu
for program in "$1"/model_*; do
    test -x "$program" || continue
    name=${program##*/model_}
    case $name in
    base_* | cache_* | deps_* | frontier_* | graph_* | loop_* | nn_* | \
        os_mutex | pool_* | stream_*) ;;
    *) continue ;;
    esac
    "$program" | sed "s/^/$name: /"
done | awk -F': ' '
    function grouped(n, text) {
        for (text = ""; n >= 1000; n = int(n / 1000))
            text = sprintf(",%03d%s", n % 1000, text)
        return n text
    }
    {
        case_name = $2
        gsub(/_/, " ", case_name)
        split($3, part, ", ")
        split(part[1], threads, " ")
        split(part[2], runs, " ")
        pruned = runs[4] + 0
        split(part[3], steps, " ")
        searched = part[4]
        match($0, /[0-9.]+ s$/)
        seconds = substr($0, RSTART, RLENGTH - 2)
        bounds = $0
        if (!sub(/.*bounds: /, "", bounds))
            sub(/.*(graphs|schedules), /, "", bounds)
        sub(/,? *[0-9.]+ s$/, "", bounds)
        gsub(/spurious wake-ups 0(, )?/, "", bounds)
        sub(/, $/, "", bounds)
        printf "| %s | %s | %s | %s | %s | %s | %s | %s | %.2f |\n", $1,
            case_name, threads[1], grouped(runs[1]), grouped(pruned), steps[3],
            searched, bounds, seconds
        cases++
        executions += runs[1]
        total += seconds
    }
    END {printf "%d cases, %s executions, %.0f s\n", cases,
        grouped(executions), total >"/dev/stderr"}'

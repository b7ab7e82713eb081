#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Weakens the memory order of every atomic operation that a model executes, by
# each single step, and wants a model to notice. Fails for what survives, and
# for operations that no model executes, unless survivors.txt has the reason.
# usage: mutants.sh ROOT FOLDER EVERYTHING PROGRAM...
#   FOLDER      is made; results come there
#   EVERYTHING  a program with all sites (model_everything)
#   PROGRAM     model programs
# MODEL_SECONDS: how long a case may take with a mutant (120).
# MODEL_ONLY: an extended regular expression; only places that match it.
# MODEL_ALL=1: tries the mutants that survivors.txt explains too.
# MODEL_JOBS: how many run at the same time (2).
# MODEL_VISITS: a folder where it is kept which case visits what, and how long
#   each takes (FOLDER/visits); what is newer than its program is used again.
# MODEL_STEP=visits: fills that folder alone. So a run can be in pieces, and
#   several runs side by side.
set -uo pipefail
export LC_ALL=C
root=$1 work=$2 everything=$3
shift 3
export work seconds=${MODEL_SECONDS:-120} visit_seconds=600
export visits=${MODEL_VISITS:-$work/visits}
only=${MODEL_ONLY:-.} all=${MODEL_ALL:-0} jobs=${MODEL_JOBS:-2}
rm -rf "$work"
mkdir -p "$work/runs" "$visits"

for program in "$everything" "$@"; do
    test -x "$program" || { echo "$program is not there" >&2; exit 1; }
done
# What has such sites of the library; the others check the checker.
for program in "$@"; do
    "$program" --list --sites | awk -F'\t' -v only="$only" '
        $1 == "site" && $2 ~ /^src\// && $2 ~ only {found = 1}
        END {exit !found}' && echo "$program"
done >"$work/programs"
test -s "$work/programs" || { echo "no model has such a site"; exit 1; }

# visit PROGRAM: runs it as it is: which cases visit what, how long each took.
visit() {
    local at=$visits/${1##*/}
    test "$at.sites" -nt "$1" && return
    "$1" --sites --seconds "$visit_seconds" >"$at.out" 2>"$at.err" || {
        echo "${1##*/} fails without a mutant"
        return 1
    }
    awk -F'[: ]' '/^site/ {next} $NF == "s" {print $1 "\t" $(NF - 1)}' \
        "$at.out" >"$at.took"
    grep '^site' "$at.out" >"$at.new"
    mv "$at.new" "$at.sites"
}
export -f visit
xargs -P "$jobs" -I{} bash -c 'visit {}' <"$work/programs" || exit 1
test "${MODEL_STEP:-}" != visits || exit 0

# place, operation, order, label, object, weaker orders; the cases that visit
# it, each with its program, the quick ones first.
while read -r program; do
    awk -F'\t' -v program="$program" -v only="$only" '
        FNR == NR {took[$1] = $2; next}
        $2 ~ /^src\// && $2 ~ only && $9 != "-" {
            gsub(/ /, "", $6)
            count = split($9, cases, ",")
            for (i = 1; i <= count; i++)
                print took[cases[i]] "\t" $2 "\t" $3 "\t" $4 "\t" $5 \
                    "\t" $6 "\t" $8 "\t" program "=" cases[i]
        }' "$visits/${program##*/}.took" "$visits/${program##*/}.sites"
done <"$work/programs" | sort -s -n -k1,1 | cut -f2- | awk -F'\t' '
    {key = $1 FS $2 FS $3 FS $4 FS $5 FS $6}
    !(key in runs) {order[++n] = key}
    {runs[key] = runs[key] (key in runs ? " " : "") $7}
    END {for (i = 1; i <= n; i++) print order[i] "\t" runs[order[i]]}' |
    sort -t: -k1,1 -k2,2n >"$work/executed"

# A mutant a line: place, operation, from, label, object, to, cases.
awk -F'\t' '
    $6 != "-" {
        n = split($6, to, ",")
        for (i = 1; i <= n; i++)
            print $1 "\t" $2 "\t" $3 "\t" $4 "\t" $5 "\t" to[i] "\t" $7
    }' "$work/executed" >"$work/mutants"

# The reasons, joined over lines that continue one.
awk '/^#/ || /^$/ {next}
    /^[ \t]/ {sub(/^[ \t]+/, " "); line = line $0; next}
    {if (line != "") print line; line = $0}
    END {if (line != "") print line}' "$root/tests/model/survivors.txt" \
    >"$work/reasons"

# explained PLACE LABEL OPERATION OBJECT FROM TO: sets why, and notes the use.
explained() {
    local i file label operation object from to
    for i in "${!pattern[@]}"; do
        read -r file label operation object from to <<<"${pattern[i]}"
        # Words may be patterns, but for the object: it may hold brackets.
        # shellcheck disable=SC2053
        if [[ ${1%:*} == $file && $2 == $label && $3 == $operation ]] &&
            [[ $5 == $from && $6 == $to ]] &&
            [[ $object == '*' || $4 == "$object" ]]; then
            why=${reason[i]}
            used[i]=1
            return 0
        fi
    done
    return 1
}
pattern=() reason=() used=()
while IFS= read -r line; do
    pattern+=("${line%%: *}")
    reason+=("${line#*: }")
    used+=(0)
done <"$work/reasons"

# Those that a reason is known for are not tried again.
: >"$work/todo"
while IFS=$'\t' read -r place operation from label object to runs; do
    if test "$all" != 1 &&
        explained "$place" "$label" "$operation" "$object" "$from" "$to"; then
        printf '%s\t' "$place" "$label" "$operation" "$object" "$from" "$to"
        echo "KNOWN TO SURVIVE"
    else
        printf '%s\t' "$place" "$operation" "$from" "$label" "$object" "$to" \
            >>"$work/todo"
        echo "$runs" >>"$work/todo"
    fi
done <"$work/mutants" >"$work/known"

# try NUMBER: runs that mutant until something notices.
try() {
    local place operation from label object to runs run log status begin cut=
    IFS=$'\t' read -r place operation from label object to runs \
        < <(sed -n "$1p" "$work/todo")
    log=$work/runs/$1
    printf '%s\t' "$place" "$label" "$operation" "$object" "$from" "$to" \
        >"$log.row"
    begin=$(date +%s%N)
    for run in $runs; do
        "${run%%=*}" --weaken "$place:$operation:$to" --seconds "$seconds" \
            "${run#*=}" >"$log.out" 2>"$log.err"
        status=$?
        # What was not seen then may come later.
        grep -q 'CUT after' "$log.out" && cut=", ${run#*=} was cut" &&
            ! grep -q -e 'FAILED: found' -e 'must not be' "$log.out" && continue
        test $status -ne 0 || continue
        if test $status -eq 1 && grep -q '^killed by ' "$log.out"; then
            printf 'killed by %s.%s (%s), %d ms\n' "${run%%=*}" \
                "${run#*=}" \
                "$(sed -n 's/^  FAILED: //p' "$log.out" | head -n 1 |
                    sed 's/^found \(.*\), not .*/\1/')" \
                $((($(date +%s%N) - begin) / 1000000)) |
                sed 's,by .*/model_,by ,' >>"$log.row"
        else
            echo "BROKEN: ${run%%=*} ended with $status" >>"$log.row"
        fi
        return
    done
    echo "SURVIVED$cut" >>"$log.row"
}
export -f try
seq "$(wc -l <"$work/todo")" | xargs -r -P "$jobs" -n 1 bash -c 'try "$0"'

# What no model executes, as if it were a mutant.
"$everything" --list --sites | awk -F'\t' -v only="$only" '
    FNR == NR {executed[$1 FS $2] = 1; next}
    $1 == "site" && $2 ~ /^src\// && $2 ~ only && !(($2 FS $3) in executed) {
        gsub(/ /, "", $6)
        print $2 "\t" $5 "\t" $3 "\t" $6 "\t" $4 "\tunexecuted\tNOT EXECUTED"
    }' "$work/executed" - >"$work/unexecuted"

killed=0 survived=0 left=0 alone=0 bad=0
while IFS=$'\t' read -r place label operation object from to result; do
    case $result in
        killed*) killed=$((killed + 1)) ;;
        'NOT EXECUTED')
            if test "$label" = ALONE; then
                alone=$((alone + 1))
                continue
            fi ;;&
        SURVIVED* | 'NOT EXECUTED' | 'KNOWN TO SURVIVE')
            if explained "$place" "$label" "$operation" "$object" \
                "$from" "$to"; then
                result="$result: $why"
                left=$((left + 1))
            else
                bad=$((bad + 1))
                survived=$((survived + 1))
                line="${place%:*} $label $operation $object $from $to: why"
                result="$result, unexplained; survivors.txt: $line"
            fi ;;
        *) bad=$((bad + 1)) ;;
    esac
    printf '%-32s %-14s %-16s %s -> %s: %s\n' "$place" "$label" \
        "$operation" "$from" "$to" "$result"
done < <(cat "$work"/runs/*.row "$work/known" "$work/unexecuted" 2>/dev/null |
    sort -t: -k1,1 -k2,2n)

# A reason that explains nothing any more goes.
for i in "${!pattern[@]}"; do
    test "${used[i]}" -eq 0 && [[ ${pattern[i]%% *}:1 =~ $only ]] || continue
    echo "survivors.txt: nothing is as ${pattern[i]}"
    bad=$((bad + 1))
done
echo "$(wc -l <"$work/mutants") mutants of $(wc -l <"$work/executed") sites:" \
    "$killed killed, $left survive or are not executed with a reason," \
    "$survived without; $alone ALONE sites not executed"
test $bad -eq 0

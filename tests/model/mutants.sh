#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Weakens the memory order of every atomic operation that a model executes, by
# each single step, and wants a model to notice. Fails for what survives, and
# for operations that no model executes, unless survivors.txt has the reason.
# usage: mutants.sh ROOT FOLDER EVERYTHING PROGRAM...
#   FOLDER      is made; results come there
#   EVERYTHING  a program with all sites (model_everything)
#   PROGRAM     model programs
# MODEL_SECONDS: how long a case may take with a mutant (60).
# MODEL_ONLY: an extended regular expression; only places that match it.
# MODEL_ALL=1: tries the mutants that survivors.txt explains too.
set -uo pipefail
export LC_ALL=C
root=$1 work=$2 everything=$3
shift 3
export work seconds=${MODEL_SECONDS:-60} visit_seconds=20
only=${MODEL_ONLY:-.} all=${MODEL_ALL:-0}
rm -rf "$work"
mkdir -p "$work/runs"

# What has sites of the library; the others check the checker.
for program in "$@"; do
    "$program" --list --sites | grep -q '^site.src/' && echo "$program"
done >"$work/programs"
test -s "$work/programs" || { echo "no model has a site of src/"; exit 1; }

# visits PROGRAM: runs it as it is: which cases visit what, how long it took.
visits() {
    local name=${1##*/} begin end
    begin=$(date +%s%N)
    "$1" --sites --seconds "$visit_seconds" >"$work/$name.sites" \
        2>"$work/$name.err" || {
        echo "$name fails without a mutant"
        return 1
    }
    end=$(date +%s%N)
    echo "$(((end - begin) / 1000000)) $1" >"$work/$name.took"
}
export -f visits
xargs -P 2 -I{} bash -c 'visits {}' <"$work/programs" || exit 1
cat "$work"/*.took | sort -n | cut -d' ' -f2- >"$work/programs"

# place, operation, order, label, object, visits, weaker orders; the programs
# with the cases that visit it, the quick ones first.
while read -r program; do
    awk -F'\t' -v program="$program" '
        $1 == "site" && $2 ~ /^src\// && $9 != "-" {
            gsub(/ /, "", $6)
            print $2 "\t" $3 "\t" $4 "\t" $5 "\t" $6 "\t" $8 "\t" \
                program "=" $9
        }' "$work/${program##*/}.sites"
done <"$work/programs" | awk -F'\t' '
    {key = $1 FS $2 FS $3 FS $4 FS $5 FS $6}
    !(key in runs) {order[++n] = key}
    {runs[key] = runs[key] (key in runs ? " " : "") $7}
    END {for (i = 1; i <= n; i++) print order[i] "\t" runs[order[i]]}' |
    sort -t: -k1,1 -k2,2n >"$work/executed"

# A mutant a line: place, operation, from, label, object, to, programs.
awk -F'\t' -v only="$only" '
    $6 != "-" && $1 ~ only {
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
    local place operation from label object to runs run cases log status begin
    IFS=$'\t' read -r place operation from label object to runs \
        < <(sed -n "$1p" "$work/todo")
    log=$work/runs/$1
    printf '%s\t' "$place" "$label" "$operation" "$object" "$from" "$to" \
        >"$log.row"
    begin=$(date +%s%N)
    for run in $runs; do
        IFS=, read -ra cases <<<"${run#*=}"
        "${run%%=*}" --weaken "$place:$operation:$to" --seconds "$seconds" \
            "${cases[@]}" >"$log.out" 2>"$log.err"
        status=$?
        test $status -ne 0 || continue
        if test $status -eq 1 && grep -q '^killed by ' "$log.out"; then
            printf 'killed by %s.%s (%s), %d ms\n' "${run%%=*}" \
                "$(sed -n 's/^killed by //p' "$log.out")" \
                "$(sed -n 's/^  FAILED: //p' "$log.out" | head -n 1 |
                    sed 's/^found \(.*\), not .*/\1/')" \
                $((($(date +%s%N) - begin) / 1000000)) |
                sed 's,by .*/model_,by ,' >>"$log.row"
        else
            echo "BROKEN: ${run%%=*} ended with $status" >>"$log.row"
        fi
        return
    done
    echo SURVIVED >>"$log.row"
}
export -f try
seq "$(wc -l <"$work/todo")" | xargs -r -P 2 -n 1 bash -c 'try "$0"'

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
        SURVIVED | 'NOT EXECUTED' | 'KNOWN TO SURVIVE')
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
if test "$only" = .; then
    for i in "${!pattern[@]}"; do
        test "${used[i]}" -eq 1 && continue
        echo "survivors.txt: nothing is as ${pattern[i]}"
        bad=$((bad + 1))
    done
fi
echo "$(wc -l <"$work/mutants") mutants of $(wc -l <"$work/executed") sites:" \
    "$killed killed, $left survive or are not executed with a reason," \
    "$survived without; $alone ALONE sites not executed"
test $bad -eq 0

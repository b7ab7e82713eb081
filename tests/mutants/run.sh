#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Breaks copies of the library's sources on purpose (<room>.txt beside this
# script; README.md has the format) and wants a test to fail, crash or hang for
# each: what no test would notice is not tested.
# usage: run.sh [-p PLAIN-TREE] [-a ASAN-TREE] ROOT WORK [ROOM | ROOM.MUTANT]...
#        run.sh --text ROOT WORK    only whether edits and cases are there
# The trees are build folders of Ninja with the tests in them: one for most
# cases and models, one that has AddressSanitizer and WEIR_FAULTS. A mutant
# whose first case is for a tree that is not there is left out.
# Prints the table; WORK/RESULTS.md is the page. WORK/times says how many
# milliseconds each mutant took: in all, to compile, to link, to run, and what
# watch.c said of the last case.
set -uo pipefail
export LC_ALL=C
shopt -s nullglob
jobs=${MUTANTS_JOBS:-$(nproc)} # mutants at once
limit=60 # seconds for a case, as in ctest; most take a tenth of one
model_limit=300

# ---- one mutant ------------------------------------------------------------

# cut_out MUTANT FOLDER: its edits and tests, as files in the folder.
cut_out() {
    awk -v name="${1#*.}" -v folder="$2" '
        /^== / {on = $3 == name ":"; to = ""}
        !on || /^#/ {next}
        /^== / {
            print $2 >(folder "/law")
            sub(/^== [^:]*: /, "")
            print >(folder "/what")
            next
        }
        /^\+\+ / {print $2, $3, $4, $5 >(folder "/cases"); next}
        /^!! / {sub(/^!! /, ""); print >(folder "/excuse"); next}
        /^-- / {
            n++
            print $2 >(folder "/files")
            to = folder "/old." n
            printf "" >to
            next
        }
        /^>>$/ {to = folder "/new." n; printf "" >to; next}
        to != "" {print >to}' "$here/${1%%.*}.txt"
}

# replace FILE OLD NEW: OLD must be there exactly once.
replace() {
    awk -v old_file="$2" -v new_file="$3" '
        function slurp(file,    line, text) {
            text = ""
            while ((getline line <file) > 0)
                text = text line "\n"
            return text
        }
        BEGIN {
            text = slurp(ARGV[1])
            old = slurp(old_file)
            # A blank line ends a mutant and is not part of it; both may end
            # in the middle of a line.
            new = slurp(new_file)
            sub(/\n+$/, "", old)
            sub(/\n+$/, "", new)
            at = index(text, old)
            if (old == "" || !at ||
                index(substr(text, at + length(old)), old))
                exit 1
            printf "%s%s%s", substr(text, 1, at - 1), new,
                substr(text, at + length(old))
        }' "$1" >"$1.new" && mv "$1.new" "$1"
}

# command KIND FILE: what makes that file of the tree.
command() {
    awk -F '\t' -v file="$2" '$1 == file {print $2; exit}' "$work/$1.commands"
}

# compile KIND OBJECT FOLDER: that object of the tree, from the copies.
compile() {
    local command
    command=$(command "$1" "$2")
    command=${command//-I$root\/src /-I$3\/src -I$root\/src }
    command=${command/-c $root\/src\/$room\//-c $3\/src\/$room\/}
    command=${command/-o $2/-o $3\/$(basename "$2")}
    command=${command/ -MF $2.d/ -MF $3\/d}
    test "$1" = model || command=${command/ -g / } # nobody debugs it
    (cd "${trees[$1]}" && eval "$command -w")
}

# objects KIND FOLDER WHERE: the tree's objects, those whose names contain
# WHERE, that depend on an edited file.
objects() {
    sed "s,^,$root/src/$room/," "$2/files" |
        awk -v where="$3" '
            NR == FNR {edited[$1]; next}
            $2 in edited && index($1, where) {print $1}' \
            - "$work/$1.deps" | sort -u
}

# file_of PROGRAM: as it is called in the folder tests/ of a tree.
file_of() {
    case $1 in
    model:*) echo "model_${1#model:}" ;;
    *) echo "test_$1" ;;
    esac
}

# links KIND FOLDER PROGRAM: what was compiled before the library's own, or the
# models' rooms; in place of it, what the program compiles for itself.
links() {
    local folder=$2/$1 file command object own first=""
    file=$(file_of "$3")
    command=$(command "$1" "tests/$file")
    command=${command/-o tests\/$file /-o $folder\/$file }
    mkdir -p "$folder/$file.own"
    ln -sfn ../../src "$folder/$file.own/src"
    for object in $(objects "$1" "$2" "/$file.dir/"); do
        compile "$1" "$object" "$folder/$file.own" || return 1
        own=$folder/$file.own/$(basename "$object")
        command=${command/ $object / $own }
    done
    for object in "$folder"/*.o; do
        own=$folder/$file.own/$(basename "$object")
        test -e "$own" || first="$first $object"
    done
    command=${command/ libweir.a/$first libweir.a}
    # A model that includes a source has its own of it, and that one counts.
    first=" -Wl,-z,muldefs$first"
    command=${command/ -Wl,--start-group/$first -Wl,--start-group}
    (cd "${trees[$1]}" && eval "$command")
}

# builds KIND FOLDER: objects of the edited sources, in FOLDER/KIND.
builds() {
    local object where=weir_objects.dir/src/$room/
    test "$1" != model || where=/model_$room.dir/
    test -e "$2/$1" && return
    mkdir -p "$2/$1"
    ln -s ../src "$2/$1/src"
    # Of other rooms what includes a header of this one stays as it was.
    for object in $(objects "$1" "$2" "$where"); do
        compile "$1" "$object" "$2/$1" || return 1
    done
}

# outcome KIND PROGRAM CASE LOG CPU-SECONDS: prints passes, skips, fails,
# crashes or hangs.
outcome() {
    local status seconds=$limit
    test "$1" != model || seconds=$model_limit
    (
        cd "${trees[$1]}/tests" || exit 1
        ulimit -c 0
        "$work/watch" "$seconds" "$5" "$2" "$3"
    ) >"$4" 2>&1
    status=$?
    case $status in
    0) echo passes ;;
    77) echo skips ;;
    12[234]) test "$1" = model && echo "takes too long" || echo hangs ;;
    1) echo fails ;;
    *)
        test "$1" != model || { echo "ends with $status"; return; }
        test $status -gt 128 && echo crashes || echo fails
        ;;
    esac
}

# fit KIND PROGRAM CASE: the case as it is, once: what fails without a mutant
# proves nothing. Prints its outcome, and ten times its CPU time and a little
# more: a mutant that uses that has no end.
fit() {
    local file=$work/fit/$1.$2.$3 got cpu
    if ! test -e "$file"; then
        got=$(outcome "$1" "${trees[$1]}/tests/$(file_of "$2")" "$3" \
            "$file.log.$$" $model_limit 2>/dev/null)
        cpu=$(sed -n 's/^watch: [a-z]* \([0-9.]*\) s.*/\1/p' "$file.log.$$")
        test "$got" = passes ||
            echo "as it is, $2 $3 ($1) $got: $(tail -n 2 "$file.log.$$")" >&2
        echo "$got $(echo "$cpu" | awk '{print 5 + 10 * $1}')" >"$file.$$"
        mv "$file.$$" "$file"
        rm "$file.log.$$"
    fi
    cat "$file"
}

# kind PROGRAM HOW: what it is: plain, asan or model.
kind() {
    case "$1 $2 " in
    model:*) echo model ;;
    *" asan "* | *" faults "*) echo asan ;;
    *) echo plain ;;
    esac
}

# tries FOLDER PROGRAM CASE HOW: the case on the mutant. HOW: asan, faults,
# and x<n>, so many times.
tries() {
    local kind times=1 how file cpu log=$1/$2.$3.log
    kind=$(kind "$2" "$4")
    file=$(file_of "$2")
    case $4 in
    *x[0-9]*) times=${4##*x} times=${times%% *} ;;
    esac
    test -n "${trees[$kind]:-}" || { echo "has no tree"; return; }
    read -r how cpu < <(fit "$kind" "$2" "$3")
    test "$how" = passes || { echo "$how as it is"; return; }
    builds "$kind" "$1" || { echo "does not compile"; return; }
    since compile
    test -e "$1/$kind/$file" || links "$kind" "$1" "$2" ||
        { echo "does not link"; return; }
    since link
    test -n "$(echo "$1/$kind"/*.o "$1/$kind/$file.own"/*.o)" ||
        { echo "has nothing of it in it"; return; }
    test "$kind" != model || cpu=$model_limit
    while test "$times" -gt 0; do
        how=$(outcome "$kind" "$1/$kind/$file" "$3" "$log" "$cpu" 2>/dev/null)
        test "$how" = passes || break
        times=$((times - 1))
    done
    since run
    sed -n 's/^watch: //p' "$log" >"$folder/end"
    test "$kind $how" != "model fails" ||
        how=$(sed -n 's/^  FAILED: found \(.*\), not .*/finds \1/p' "$log" |
            head -n 1)
    echo "${how:-finds nothing}"
}

# edits MUTANT FOLDER: the copy of the room, broken; or says why not.
edits() {
    local folder=$2 n=0 file
    cut_out "$1" "$folder"
    mkdir -p "$folder/src"
    cp -R "$root/src/$room" "$folder/src"
    while read -r file; do
        n=$((n + 1))
        replace "$folder/src/$room/$file" "$folder/old.$n" \
            "$folder/new.$n" && continue
        echo "edit $n is not there exactly once in $file"
        return 1
    done <"$folder/files"
}

# since WORD: notes that the time since the last note went there.
since() {
    local now=${EPOCHREALTIME/./}
    echo "$1 $((now - $(cat "$folder/clock")))" >>"$folder/spent"
    echo "$now" >"$folder/clock"
}

# verdict MUTANT FOLDER: killed, survived or wrong, and why. Or left, and where.
verdict() {
    local folder=$2 why program case how got tried=""
    why=$(edits "$1" "$folder") || { echo "wrong|$why"; return; }
    read -r program case how <"$folder/cases"
    test -n "${trees[$(kind "$program" "$how")]:-}" ||
        { echo "left|$(kind "$program" "$how")"; return; }
    since edit
    while read -r program case how; do
        got=$(tries "$folder" "$program" "$case" "$how" 2>"$folder/log")
        case $got in
        fails | crashes | hangs | "finds a"*)
            echo "killed|$program $case $got${how:+ ($how)}" | sed "s/ *)/)/"
            return
            ;;
        passes) tried="$tried $program $case;" ;;
        *)
            echo "wrong|$program $case: $got"
            return
            ;;
        esac
    done <"$folder/cases"
    if test -e "$folder/excuse"; then
        echo "survived|$(tr '\n' ' ' <"$folder/excuse")"
    else
        echo "wrong|NOT NOTICED by${tried%;}"
    fi
}

# names: all mutants, a line each.
names() {
    local file
    for file in "$here"/*.txt; do
        awk -v room="$(basename "$file" .txt)" '
            /^== / {sub(/:$/, "", $3); print room "." $3}' "$file"
    done
}

# there PROGRAM CASE: whether there is such a case.
there() {
    local source=$root/tests/unit/test_$1.c
    test "${1#model:}" = "$1" ||
        source=$root/tests/model/models/${1#model:}.c
    { test "$2" = all && grep -q '^SEEDS_MAIN(' "$source" 2>/dev/null; } ||
        grep -q "^[^/]*\<$2\>" "$source" 2>/dev/null
}

# text: whether all edits can be made, and the cases are there.
text() {
    local name room why program case status=0
    while read -r name; do
        room=${name%%.*}
        rm -rf "$work"
        mkdir -p "$work"
        why=$(edits "$name" "$work") || { echo "$name: $why"; status=1; }
        while read -r program case _; do
            there "$program" "$case" && continue
            echo "$name: there is no case $case in $program"
            status=1
        done <"$work/cases"
    done < <(names)
    return $status
}

# mutant NAME: its line of the table, in WORK/NAME.line.
mutant() {
    local folder=$work/$1 room=${1%%.*} line
    mkdir -p "$folder"
    echo "${EPOCHREALTIME/./}" >"$folder/clock"
    line=$(verdict "$1" "$folder")
    case $line in
    left*) rm -r "$folder"; return ;;
    wrong*) cat "$folder/log" >&2 2>/dev/null ;;
    esac
    printf '%s|%s|%s|%s|%s\n' "$(cat "$folder/law")" "$room" "${1#*.}" \
        "$(cat "$folder/what")" "$line" >"$work/$1.line"
    awk -v name="$1" -v end="$(cat "$folder/end" 2>/dev/null)" '
        {spent[$1] += $2 / 1000; all += $2 / 1000}
        END {
            printf "%d %d %d %d %s: %s\n", all, spent["compile"],
                spent["link"], spent["run"], name, end
        }' "$folder/spent" >>"$work/times"
    test "${line%%|*}" = wrong || rm -rf "$folder"
    echo "$1: ${line/|/, }" >&2
}

# about KIND: what depends on what in its tree, and what makes each file.
about() {
    ninja -C "${trees[$1]}" -t deps | awk '
        /^[^ ]/ {object = $1; sub(/:$/, "", object); next}
        NF == 1 {print object, $1}' >"$work/$1.deps"
    ninja -C "${trees[$1]}" -t compdb | awk '
        /^ *"command": "/ {
            sub(/^[^:]*: "/, "")
            sub(/",$/, "")
            gsub(/\\"/, "\"")
            gsub(/\\\\/, "\\")
            line = $0
        }
        /^ *"output": "/ {
            sub(/^[^:]*: "/, "")
            sub(/"$/, "")
            print $0 "\t" line
        }' >"$work/$1.commands"
}

# ---- all of them -----------------------------------------------------------

if test "$1" = --text; then
    root=$(realpath "$2") work=$(realpath -m "$3")
    here=$root/tests/mutants
    text
    exit
fi
declare -A trees
args=()
while getopts p:a: option; do
    tree=$(realpath "$OPTARG")
    args+=("-$option" "$tree")
    case $option in
    p) trees[plain]=$tree trees[model]=$tree ;;
    a) trees[asan]=$tree ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
root=$(realpath "$1") work=$(realpath -m "$2")
args+=("$root" "$work")
here=$root/tests/mutants
shift 2
test "${1:-}" != --one || { mutant "$2"; exit; }

rm -rf "$work"
mkdir -p "$work/fit"
cc -O2 -D_GNU_SOURCE -o "$work/watch" "$here/watch.c" || exit 1
names >"$work/all"
if test -n "$(sort "$work/all" | uniq -d)"; then
    echo "two mutants of one name: $(sort "$work/all" | uniq -d)" >&2
    exit 1
fi
if test $# -eq 0; then
    cp "$work/all" "$work/names"
else
    for name in "$@"; do
        grep -x -e "${name//./\\.}" -e "${name//./\\.}[.].*" "$work/all" || {
            echo "no mutant or room is called $name" >&2
            exit 1
        }
    done >"$work/names"
fi
for kind in "${!trees[@]}"; do
    about "$kind"
done
xargs -P "$jobs" -I NAME "$0" "${args[@]}" --one NAME <"$work/names"

cat /dev/null "$work"/*.line | sort -t '|' -k 1,1n -k 2,3 >"$work/lines"
touch "$work/times"
sort -n -r -o "$work/times" "$work/times"
"$here/table.sh" "$work" >"$work/RESULTS.md"
awk -F '|' '
    {
        count[$5]++
        printf "%2s %-9s %-28s %-8s %s\n", $1, $2, $3, $5, $6
    }
    END {
        printf "%d killed, %d survived (explained), %d unexplained\n",
            count["killed"], count["survived"], count["wrong"]
        exit count["wrong"] > 0
    }' "$work/lines" || { echo "see $work" >&2; exit 1; }

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Breaks copies of the library's sources on purpose (<room>.txt beside this
# script; README.md has the format) and wants a test to fail, crash or hang for
# each: what no test would notice is not tested.
# usage: run.sh [-a ASAN-TREE] [-m MODEL-TREE] ROOT TREE WORK
#            [ROOM | ROOM.MUTANT]...
#        run.sh --text ROOT WORK    only looks whether all edits can be made
# TREE, ASAN-TREE for cases that only AddressSanitizer notices, and MODEL-TREE
# for models (else TREE) are build folders of Ninja with the tests in them.
# Prints the table; WORK/table.md is the same in Markdown.
set -uo pipefail
export LC_ALL=C
shopt -s nullglob
jobs=$(nproc)
limit=20 # seconds for a case; on a quiet machine they take a tenth of one
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

# compile TREE OBJECT FOLDER: that object of the tree, from the copies.
compile() {
    local command
    command=$(ninja -C "$1" -t commands -s "$2" | tail -n 1)
    command=${command//-I$root\/src /-I$3\/src -I$root\/src }
    command=${command/-c $root\/src\/$room\//-c $3\/src\/$room\/}
    command=${command/-o $2/-o $3\/$(basename "$2")}
    command=${command/ -MF $2.d/ -MF $3\/d}
    (cd "$1" && eval "$command -w")
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
    local tree=${trees[$1]} folder=$2/$1 file command object own first=""
    file=$(file_of "$3")
    command=$(ninja -C "$tree" -t commands -s "tests/$file" | tail -n 1)
    command=${command/-o tests\/$file /-o $folder\/$file }
    mkdir -p "$folder/$file.own"
    ln -sfn ../../src "$folder/$file.own/src"
    for object in $(objects "$1" "$2" "/$file.dir/"); do
        compile "$tree" "$object" "$folder/$file.own" || return 1
        own=$folder/$file.own/$(basename "$object")
        command=${command/ $object / $own }
    done
    for object in "$folder"/*.o; do
        own=$folder/$file.own/$(basename "$object")
        test -e "$own" || first="$first $object"
    done
    command=${command/ libweir.a/$first libweir.a}
    command=${command/ -Wl,--start-group/$first -Wl,--start-group}
    (cd "$tree" && eval "$command")
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
        compile "${trees[$1]}" "$object" "$2/$1" || return 1
    done
}

# outcome KIND PROGRAM CASE LOG: prints passes, skips, fails, crashes or hangs.
outcome() {
    local status seconds=$limit
    test "$1" != model || seconds=$model_limit
    (
        cd "${trees[$1]}/tests" || exit 1
        ulimit -c 0
        timeout -k 1 "$seconds" "$2" "$3"
    ) >"$4" 2>&1
    status=$?
    case $status in
    0) echo passes ;;
    77) echo skips ;;
    124 | 137) test "$1" = model && echo "takes too long" || echo hangs ;;
    1) echo fails ;;
    *)
        test "$1" != model || { echo "ends with $status"; return; }
        test $status -gt 128 && echo crashes || echo fails
        ;;
    esac
}

# tries FOLDER PROGRAM CASE HOW: the case on the mutant. HOW: words, asan and
# so many times x<n>.
tries() {
    local kind=plain times=1 how file
    file=$(file_of "$2")
    test "${2#model:}" = "$2" || kind=model
    for how in $4; do
        case $how in
        asan) kind=asan ;;
        x*) times=${how#x} ;;
        esac
    done
    test -n "${trees[$kind]:-}" || { echo "has no tree"; return; }
    grep -qxF "$kind $2 $3" "$work/unfit" &&
        { echo "does not pass as it is"; return; }
    builds $kind "$1" || { echo "does not compile"; return; }
    test -e "$1/$kind/$file" || links $kind "$1" "$2" ||
        { echo "does not link"; return; }
    test -n "$(echo "$1/$kind"/*.o "$1/$kind/$file.own"/*.o)" ||
        { echo "has nothing of it in it"; return; }
    while test "$times" -gt 0; do
        how=$(outcome $kind "$1/$kind/$file" "$3" "$1/$2.$3.log" 2>/dev/null)
        test "$how" = passes || break
        times=$((times - 1))
    done
    test "$kind $how" != "model fails" ||
        how=$(sed -n 's/^  FAILED: found \(.*\), not .*/finds \1/p' \
            "$1/$2.$3.log" | head -n 1)
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

# verdict MUTANT FOLDER: killed, survived or wrong, and why.
verdict() {
    local folder=$2 why program case how got tried=""
    why=$(edits "$1" "$folder") || { echo "wrong|$why"; return; }
    while read -r program case how; do
        got=$(tries "$folder" "$program" "$case" "$how" 2>"$folder/log")
        case $got in
        fails | crashes | hangs | "finds a "* | "finds an abort")
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

# fit PROGRAM CASE KIND: notes and says if it does not pass as it is.
fit() {
    local log=$work/$3.$1.$2.log got
    test -n "${trees[$3]:-}" || return 0
    got=$(outcome "$3" "${trees[$3]}/tests/$(file_of "$1")" "$2" "$log" \
        2>/dev/null)
    if test "$got" != passes; then
        echo "$3 $1 $2" >>"$work/unfit"
        echo "as it is, $1 $2 ($3) $got: $(tail -n 1 "$log")" >&2
    fi
    rm "$log"
}

# names: all mutants, a line each.
names() {
    local file
    for file in "$here"/*.txt; do
        awk -v room="$(basename "$file" .txt)" '
            /^== / {sub(/:$/, "", $3); print room "." $3}' "$file"
    done
}

# text: whether all edits can be made.
text() {
    local name room why status=0
    while read -r name; do
        room=${name%%.*}
        rm -rf "$work"
        mkdir -p "$work"
        why=$(edits "$name" "$work") && continue
        echo "$name: $why"
        status=1
    done < <(names)
    return $status
}

# mutant NAME: its line of the table, in WORK/NAME.line.
mutant() {
    local folder=$work/$1 room=${1%%.*} line
    mkdir -p "$folder"
    line=$(verdict "$1" "$folder")
    test "${line%%|*}" = wrong && cat "$folder/log" >&2 2>/dev/null
    printf '%s|%s|%s|%s|%s\n' "$(cat "$folder/law")" "$room" "${1#*.}" \
        "$(cat "$folder/what")" "$line" >"$work/$1.line"
    test "${line%%|*}" = wrong || rm -rf "$folder"
    echo "$1: ${line/|/, }" >&2
}

# ---- all of them -----------------------------------------------------------

if test "$1" = --text; then
    root=$(realpath "$2") work=$(realpath -m "$3")
    here=$root/tests/mutants
    text
    exit
fi
declare -A trees
test "$1" = -a && trees[asan]=$(realpath "$2") && shift 2
test "$1" = -m && trees[model]=$(realpath "$2") && shift 2
root=$(realpath "$1") trees[plain]=$(realpath "$2") work=$(realpath -m "$3")
here=$root/tests/mutants
: "${trees[model]:=${trees[plain]}}"
shift 3
case ${1:-} in
--one) mutant "$2"; exit ;;
--fit)
    case $2 in
    model:*) fit "$2" "$3" model ;;
    *) fit "$2" "$3" "${4:-plain}" ;;
    esac
    exit ;;
esac

rm -rf "$work"
mkdir -p "$work"
: >"$work/unfit"
names >"$work/all"
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
if test -n "$(sort "$work/all" | uniq -d)"; then
    echo "two mutants of one name: $(sort "$work/all" | uniq -d)" >&2
    exit 1
fi

for kind in "${!trees[@]}"; do
    ninja -C "${trees[$kind]}" -t deps | awk '
        /^[^ ]/ {object = $1; sub(/:$/, "", object); next}
        NF == 1 {print object, $1}' >"$work/$kind.deps"
done

# What fails as it is proves nothing.
while read -r name; do
    mkdir "$work/$name"
    cut_out "$name" "$work/$name"
    cat "$work/$name/cases"
    rm -r "${work:?}/$name"
done <"$work/names" | sed 's/ x[0-9]*//; s/ *$//' | sort -u >"$work/cases"
args=(-m "${trees[model]}" "$root" "${trees[plain]}" "$work")
test -z "${trees[asan]:-}" || args=(-a "${trees[asan]}" "${args[@]}")
xargs -P "$jobs" -L 1 "$0" "${args[@]}" --fit <"$work/cases"
xargs -P "$jobs" -I NAME "$0" "${args[@]}" --one NAME <"$work/names"

sort -t '|' -k 1,1n -k 2,3 "$work"/*.line >"$work/lines"
awk -F '|' -v table="$work/table.md" '
    BEGIN {
        print "| law | room | mutant | what is wrong | verdict | by |" >table
        print "| --- | --- | --- | --- | --- | --- |" >table
    }
    {
        count[$5]++
        printf "%2s %-9s %-28s %-8s %s\n", $1, $2, $3, $5, $6
        printf "| %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5,
            $6 >table
    }
    END {
        printf "%d killed, %d survived (explained), %d unexplained\n",
            count["killed"], count["survived"], count["wrong"]
        exit count["wrong"] > 0
    }' "$work/lines" || { echo "see $work" >&2; exit 1; }

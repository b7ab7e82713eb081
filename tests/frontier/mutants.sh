#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Breaks copies of the frontier room on purpose (mutants.txt) and wants a test
# to fail, or hang, for each: what no test would notice is not tested.
# usage: mutants.sh ROOT LIBWEIR.A FOLDER CC   the copies come into FOLDER
set -uo pipefail
export LC_ALL=C
root=$1 library=$2 work=$3 cc=$4
here=$root/tests/frontier
limit=10 # seconds for a case; on a quiet machine they take a tenth of one

flags=(-std=c11 -D_GNU_SOURCE -fno-strict-aliasing -w -pthread
    -I"$root/include")

# cut_out NAME: the mutant's edits and tests, as files in the folder $work/NAME.
cut_out() {
    mkdir -p "$work/$1"
    awk -v name="$1" -v folder="$work/$1" '
        /^== / {on = index($0, "== " name ":") == 1; to = ""; next}
        !on || /^#/ {next}
        /^\+\+ / {print $2, $3 >(folder "/cases"); next}
        /^-- / {
            n++
            print $2 >(folder "/files")
            to = folder "/old." n
            printf "" >to
            next
        }
        /^>>$/ {to = folder "/new." n; printf "" >to; next}
        to != "" {print >to}' "$here/mutants.txt"
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
            # A blank line ends a mutant and is not part of it.
            new = slurp(new_file)
            sub(/\n\n$/, "\n", new)
            if (new == "\n")
                new = ""
            at = index(text, old)
            if (old == "" || !at ||
                index(substr(text, at + length(old)), old))
                exit 1
            printf "%s%s%s", substr(text, 1, at - 1), new,
                substr(text, at + length(old))
        }' "$1" >"$1.new" && mv "$1.new" "$1"
}

# room FOLDER: compiles the copy of the room that is there. Objects of sources
# that are as they should be are taken from $work/whole.
room() {
    local header source object headers=same
    for header in "$1"/src/frontier/*.h; do
        cmp -s "$header" "$root/src/frontier/${header##*/}" || headers=changed
    done
    for source in "$1"/src/frontier/*.c; do
        object=$(basename "$source" .c).o
        if test $headers = same && test -e "$work/whole/$object" &&
            cmp -s "$source" "$root/src/frontier/${source##*/}"; then
            cp "$work/whole/$object" "$1/$object"
        else
            "$cc" "${flags[@]}" -O1 -I"$1/src" -I"$root/src" -c \
                -o "$1/$object" "$source" || return 1
        fi
    done
}

# links FOLDER PROGRAM
links() {
    "$cc" "${flags[@]}" -o "$1/test_$2" "$work/test_$2.o" "$1"/*.o \
        "$library"
}

# fails FOLDER PROGRAM CASE: whether it fails, or hangs.
fails() {
    ! timeout -k 1 $limit "$1/test_$2" "$3" >"$1/$2.$3.log" 2>&1
}

# mutant NAME: prints a line; 1 if it was not noticed.
mutant() {
    local folder=$work/$1 n=0 file program case
    cut_out "$1"
    mkdir -p "$folder/src"
    cp -R "$root/src/frontier" "$folder/src"
    while read -r file; do
        n=$((n + 1))
        replace "$folder/src/frontier/$file" "$folder/old.$n" \
            "$folder/new.$n" || {
            echo "$1: edit $n does not apply: not there once in $file"
            return 1
        }
    done <"$folder/files"
    room "$folder" || { echo "$1: does not compile"; return 1; }
    while read -r program case; do
        links "$folder" "$program" || { echo "$1: does not link"; return 1; }
        if fails "$folder" "$program" "$case" 2>/dev/null; then
            echo "$1: noticed by $program $case"
            return 0
        fi
    done <"$folder/cases"
    echo "$1: NOT NOTICED by $(tr '\n' ';' <"$folder/cases")"
    return 1
}

if test "${5:-}" = --one; then
    mutant "$6"
    exit
fi

rm -rf "$work"
mkdir -p "$work/whole/src"
cp -R "$root/src/frontier" "$work/whole/src"
names=$(sed -n 's/^== \([a-z_]*\):.*/\1/p' "$here/mutants.txt")
sed -n 's/^++ //p' "$here/mutants.txt" | sort -u >"$work/cases"
cut -d ' ' -f 1 "$work/cases" | sort -u | xargs -P 2 -I NAME \
    "$cc" "${flags[@]}" -O0 -I"$root/tests" -I"$root/src" -c \
    -o "$work/test_NAME.o" "$root/tests/unit/test_NAME.c" || exit 1
room "$work/whole" || exit 1

# As it is, nothing may fail: or the mutants would prove nothing.
status=0
while read -r program case; do
    test -e "$work/whole/test_$program" || links "$work/whole" "$program" ||
        exit 1
    if fails "$work/whole" "$program" "$case"; then
        echo "as it is, $program $case fails:"
        tail -n 5 "$work/whole/$program.$case.log"
        status=1
    fi
done <"$work/cases"
test $status -eq 0 || exit 1

echo "$names" | xargs -P 2 -I NAME \
    "$0" "$root" "$library" "$work" "$cc" --one NAME || status=1
test $status -eq 0 || echo "see $work" >&2
exit $status

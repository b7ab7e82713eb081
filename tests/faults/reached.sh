#!/bin/sh
# SPDX-License-Identifier: MIT
# Has every place where the system may say no been made to fail by a test?
# usage: reached.sh SOURCE LOGS EXCEPTIONS CALLS FOLDER... [--table]
#   LOGS        a folder of what tests noted (WEIR_FAULTS_LOG), a file for each
#   EXCEPTIONS  lines "file function call reason": places that no test reaches
#   CALLS       a regular expression: the calls that may fail
#   FOLDER      where to look for them, below SOURCE; also files
# Prints the places that no test has reached and ends with 1 if there is one;
# with --table, all of them with a test that does.
set -eu
source=$1 logs=$2 exceptions=$3 calls=$4
shift 4
table=
folders=
for word; do
    case $word in
        --table) table=1 ;;
        *) folders="$folders $word" ;;
    esac
done
command -v addr2line >/dev/null || { echo "no addr2line"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source"

# Every call: file, first line, last line, function, name.
# shellcheck disable=SC2086
find $folders -name '*.[ch]' | sort | while read -r file; do
    awk -v calls="^($calls)\$" -v file="$file" '
    # A definition begins at the left edge.
    /^[A-Za-z_].*\(/ {
        head = $0
        sub(/\(.*/, "", head)
        n = split(head, words, /[ *]+/)
        function_name = words[n]
        sub(/^[^(]*\(/, "") # its own name is no call
    }
    /^[ \t]*\/\// { next }
    {
        line = $0
        sub(/\/\/.*/, "", line)
        gsub(/"([^"\\]|\\.)*"/, "", line)
        for (i = 1; i <= open_count; i++) {
            depth[i] += gsub(/\(/, "(", line) - gsub(/\)/, ")", line)
            if (depth[i] <= 0 && !ended[i])
                ended[i] = NR
        }
        rest = line
        while (match(rest, /[A-Za-z_0-9]+\(/)) {
            name = substr(rest, RSTART, RLENGTH - 1)
            before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
            rest = substr(rest, RSTART + RLENGTH - 1)
            if (name ~ calls && before != ">" && before != ".") {
                open_count++
                at[open_count] = NR
                names[open_count] = name
                inside[open_count] = function_name
                tail = rest
                depth[open_count] = \
                    gsub(/\(/, "(", tail) - gsub(/\)/, ")", tail)
                ended[open_count] = depth[open_count] <= 0 ? NR : 0
            }
        }
    }
    END {
        for (i = 1; i <= open_count; i++)
            print file, at[i], ended[i] ? ended[i] : at[i], inside[i], names[i]
    }' "$file"
done >"$work/sites"

# Every frame: program, offset, test.
for log in "$logs"/*; do
    awk -v test="$(basename "$log")" '
        /^\// { program = $0; next }
        { for (i = 2; i <= NF; i++) print program, $i, test }' "$log"
done | sort -u >"$work/frames"
: >"$work/lines"
for program in $(cut -d' ' -f1 "$work/frames" | sort -u); do
    awk -v p="$program" '$1 == p { print $2 }' "$work/frames" | sort -u |
        addr2line -a -i -e "$program" |
        awk -v p="$program" '
            /^0x/ { sub(/^0x0*/, "0x"); at = $0; next }
            { print p, at, $1 }' >>"$work/lines"
done

# What lines were reached by which test.
awk -v source="$source/" '
    NR == FNR {
        where = $3
        if (index(where, source) == 1)
            where = substr(where, length(source) + 1)
        known[$1 " " $2] = known[$1 " " $2] " " where
        next
    }
    {
        n = split(known[$1 " " $2], all, " ")
        for (i = 1; i <= n; i++) {
            split(all[i], part, ":")
            print part[1], part[2], $3
        }
    }' "$work/lines" "$work/frames" | sort -u >"$work/reached"

awk -v table="$table" '
    FILENAME == ARGV[1] {
        if ($0 !~ /^#/ && NF > 3)
            excused[$1 " " $2 " " $3] = 1
        next
    }
    FILENAME == ARGV[2] {
        key = $1 " " $2
        if (!(key in test))
            test[key] = $3
        next
    }
    {
        count++
        found = ""
        for (line = $2; line <= $3 && found == ""; line++)
            found = test[$1 " " line]
        key = $1 " " $4 " " $5
        if (table != "")
            print "| `" $1 "` | `" $4 "` | `" $5 "` | " \
                (found != "" ? "`" found "`" : "none") " |"
        if (found != "")
            reached++
        else if (key in excused)
            used[key] = 1
        else {
            missing++
            if (table == "")
                print $1 ":" $2 ": " $4 ": no test has made " $5 " fail"
        }
    }
    END {
        for (key in excused)
            if (!(key in used)) {
                print "excused, but reached or gone: " key
                missing++
            }
        if (table == "")
            print reached + 0 " of " count + 0 " places have failed"
        exit missing > 0 && table == ""
    }' "$exceptions" "$work/reached" "$work/sites"

#!/bin/sh
# SPDX-License-Identifier: MIT
# House rules that a reader would otherwise have to point out. Each has a case
# in tidy_selftest.sh that breaks it. usage: tidy.sh ROOT
set -eu
export LC_ALL=C
cd "$1"
lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT

# list NAME FIND-TEST...: the tree's files of one kind, one a line.
list() {
    name=$1
    shift
    find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "$@" \) \
        -print | sed 's,^\./,,' | sort >"$lists/$name"
}
list c -name '*.[ch]'
list md -name '*.md'
list code -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' \
    -o -name CMakeLists.txt -o -name Makefile -o -name '*.map' \
    -o -name '*.in' -o -path './.ci/*' -o -name .clang-format \
    -o -name .gitignore
list text -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' \
    -o -name CMakeLists.txt -o -name Makefile -o -name '*.map' \
    -o -name '*.in' -o -path './.ci/*' -o -name .clang-format \
    -o -name .gitignore -o -name '*.md' -o -name '*.scd' -o -name '*.json'

complaints=$lists/complaints
: >"$complaints"

# over LIST AWK-PROGRAM: runs awk over the files; what it prints is a complaint.
over() {
    xargs -r awk "$2" <"$lists/$1" >>"$complaints"
}

# Lines: 80 columns (a character, not a byte, is a column), no trailing space.
# In Markdown tables and links may be wider.
wide='{line = $0; gsub(/[\200-\277]/, "", line)}
    length(line) > 80 && !(FILENAME ~ /\.md$/ && /^ *\||\]\(|https?:/) {
        print FILENAME ":" FNR ": over 80 columns"}'
over code "$wide"
over md "$wide"
over text '/[ \t]$/ {print FILENAME ":" FNR ": trailing space"}'

# Size: a function ends at a lone } and starts at the last line that began in
# column one before its ") {".
over c 'FNR == 1 {inside = 0}
    /^[A-Za-z_]/ && !inside {head = FNR}
    /\) \{$/ && !inside {inside = 1; start = head}
    /^\}$/ && inside {
        inside = 0
        if (FNR - start + 1 > 70)
            print FILENAME ":" start ": function over 70 lines"}'
over c 'FNR == 801 {print FILENAME ": over 800 lines"}'

# The license: first line, or second below #!. Nothing more of it anywhere.
over code 'FNR == 1 {ok = /SPDX-License-Identifier: MIT/; next_ok = /^#!/
        if (!ok && !next_ok)
            print FILENAME ": first line is not the SPDX line"}
    FNR == 2 && next_ok && !/SPDX-License-Identifier: MIT/ {
        print FILENAME ": second line is not the SPDX line"}'

# Work that is left goes to an issue, not into the tree.
over text '/(^|[^A-Za-z_])(TO[D]O|FIX[M]E)([^A-Za-z_]|$)/ {
    print FILENAME ":" FNR ": unfinished work belongs in an issue"}'

# The preprocessor decides only in src/os. Elsewhere: the guard that opens a
# header, its #endif, and __cplusplus in public headers.
over c 'FNR == 1 {directives = 0}
    /^ *# *[a-z]/ {directives++}
    /^ *# *(if|ifdef|ifndef|elif|else)/ && FILENAME !~ /^src\/os\// {
        if (FILENAME ~ /\.h$/ && directives == 1 && /^#ifndef [A-Z0-9_]+_H$/)
            next
        if (FILENAME ~ /^include\// && /^#ifdef __cplusplus$/)
            next
        if (FILENAME == "include/weir/fork.h" && /^#ifndef WEIR_FORK_LOAD$/)
            next
        print FILENAME ":" FNR ": #if belongs in src/os"}'

# Atomics have one door, and the inline part of fork and join a small one of
# its own. Programs in examples/ stand for users and are free, as is what the
# checker has for users, and bench/forkrecord compares prototypes that are not
# in the library.
over c 'FILENAME != "src/base/atomic.h" && FILENAME !~ /^examples\// &&
    !(FILENAME == "include/weir/fork.h" && /^#define WEIR_FORK_LOAD/) &&
    FILENAME !~ /^bench\/forkrecord/ && FILENAME !~ /^tests\/model\/user\// &&
    (/stdatomic\.h/ || /(^|[^A-Za-z0-9_])(atomic_|_Atomic|__atomic_|__sync_)/) {
        print FILENAME ":" FNR ": atomics only through base/atomic.h"}'

# Public headers: our names only, and the four questions are answered.
over c '/^ *# *define / && FILENAME ~ /^include\// && $2 !~ /^WEIR_/ {
    print FILENAME ":" FNR ": public macro without WEIR_: " $2}'
for header in include/weir/*.h; do
    test -e "$header" || continue
    for word in threads blocking ownership errors; do
        grep -qE "^//   $word " "$header" ||
            echo "$header: no line on $word" >>"$complaints"
    done
done

# A label such as QUEUE_1 names a pair of memory orders. atomics.sh looks at
# the pairs; here, what a README or a comment calls a label must be one: two
# places in the code have it.
cat "$lists/c" "$lists/md" | grep -E '^(src|include)/' | xargs -r awk '
    {line = $0
     code = FILENAME ~ /\.[ch]$/
     while (match(line, /[A-Z][A-Z_-]*[A-Z][_-][0-9]+/)) {
        label = substr(line, RSTART, RLENGTH)
        before = RSTART > 1 ? substr(line, RSTART - 1, 1) : " "
        after = substr(line, RSTART + RLENGTH, 1)
        line = substr(line, RSTART + RLENGTH)
        if (before ~ /[A-Za-z0-9_-]/ || after ~ /[A-Za-z0-9_]/)
            continue
        if (label ~ /^(UTF|AVX|SHA|SSE|MD|RFC|ISO|IEEE|CRC|BLAKE|POSIX)[_-]/)
            continue
        if (!code || label ~ /-/)
            where[label] = FILENAME ":" FNR
        if (code && last[label] != FILENAME ":" FNR) {
            last[label] = FILENAME ":" FNR
            places[label]++
        }
     }}
    END {for (label in where) if (places[label] < 2)
        print where[label] ": label " label " has no other side"}' \
    >>"$complaints"

for room in src/*/; do
    test ! -d "$room" || test -f "$room/README.md" ||
        echo "${room%/}: no README.md" >>"$complaints"
done

# Links between our own pages lead somewhere.
while read -r page; do
    folder=$(dirname "$page")
    grep -noE '\]\([^) ]+\)' "$page" | while IFS=: read -r line link; do
        target=${link#??}
        target=${target%)}
        case $target in
            http://*|https://*|mailto:*|'#'*) continue ;;
        esac
        test -e "$folder/${target%%#*}" ||
            echo "$page:$line: dead link: $target"
    done
done <"$lists/md" >>"$complaints"

# Nothing here knows the machine it was written on, or where packages are from.
over text '/(^|[^A-Za-z0-9_.])\/(work|home|root)\/[A-Za-z0-9]/ {
        print FILENAME ":" FNR ": path of one machine"}
    /registry\.[a-z]+\.|crates\.i[o]|pypi\.or[g]|deb\.debian\.or[g]/ ||
    /proxy\.golang\.or[g]|artifactor[y]/ {
        print FILENAME ":" FNR ": host of a package registry"}'

cat "$complaints" >&2
test ! -s "$complaints"

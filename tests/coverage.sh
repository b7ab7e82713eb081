#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/coverage.md is true as far as a script can tell: every id is there once
# and has a test or an issue, and what stands in `backticks` exists. With a
# slash it is a file; with weir_ or WEIR_ before it, a name of the headers;
# anything else is a test.
# usage: coverage.sh ROOT [BUILD]    without BUILD, tests come on stdin
set -eu
export LC_ALL=C
root=$1
page=$root/docs/coverage.md
test -f "$page" || { echo "no $page" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
complaints=$scratch/complaints
: >"$complaints"

if test $# -gt 1; then
    ctest --test-dir "$2" -N | sed -n 's/^ *Test *#[0-9]*: *//p'
else
    cat
fi >"$scratch/tests"
test -s "$scratch/tests" || { echo "no tests are known" >&2; exit 1; }

# The ids: once each, none that requirements.md does not have, none empty.
awk -F' *[|] *' '
    BEGIN {
        split("A 9 B 9 C 9 D 11 E 9", last, " ")
        for (i = 1; i < 10; i += 2)
            for (n = 1; n <= last[i + 1]; n++)
                wanted[last[i] n]
    }
    $2 ~ /^[A-E][0-9]+$/ {
        if (!($2 in wanted))
            print $2 " is no id"
        else if (seen[$2]++)
            print $2 " is there twice"
        if ($6 !~ /`/ && $6 !~ /issue [0-9]+|later: /)
            print $2 " has neither a test nor an issue"
    }
    END {
        for (id in wanted)
            if (!seen[id])
                print id " is missing"
    }' "$page" >>"$complaints"

grep -o '`[^`]*`' "$page" | tr -d '`' | sort -u >"$scratch/names"
while read -r name; do
    case $name in
        */*) test -e "$root/$name" || echo "no such file: $name" ;;
        weir_*|WEIR_*)
            grep -qwr -e "$name" "$root/include" || echo "no such name: $name"
            ;;
        *)
            grep -qxF -e "$name" "$scratch/tests" ||
                echo "no such test: $name"
            ;;
    esac
done <"$scratch/names" >>"$complaints"

sed "s,^,docs/coverage.md: ," "$complaints" >&2
test ! -s "$complaints"

#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/coverage.md and docs/pains.md are true as far as a script can tell: every
# id is there once and has a test, or says why not; and what stands in
# `backticks` exists. With a slash it is a file; with weir_ or WEIR_ before it,
# a name of the headers; anything else is a test. In docs/guide/ names of the
# headers and figures of the metrics exist.
# usage: coverage.sh ROOT [BUILD]    without BUILD, tests come on stdin
set -eu
export LC_ALL=C
root=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

if test $# -gt 1; then
    ctest --test-dir "$2" -N | sed -n 's/^ *Test *#[0-9]*: *//p'
else
    cat
fi >"$scratch/tests"
test -s "$scratch/tests" || { echo "no tests are known" >&2; exit 1; }

# ids PAGE COLUMN WHY-NOT ID...: each is in the first column of one row, and in
# that column the row names a test, or matches why not. "D11" stands for D1 to
# D11.
ids() {
    ids_page=$1 column=$2 why_not=$3
    shift 3
    awk -F' *[|] *' -v ids="$*" -v column="$column" -v why_not="$why_not" '
        BEGIN {
            letters = ""
            for (i = split(ids, last, " "); i > 0; i--) {
                letter = substr(last[i], 1, 1)
                letters = letters letter
                for (n = substr(last[i], 2); n > 0; n--)
                    wanted[letter n]
            }
        }
        $2 ~ "^[" letters "][0-9]+$" {
            if (!($2 in wanted))
                print $2 " is no id"
            else if (seen[$2]++)
                print $2 " is there twice"
            if ($column !~ /`[a-z]+[.]/ && $column !~ why_not)
                print $2 " has neither a test nor a word on why not"
        }
        END {
            for (id in wanted)
                if (!seen[id])
                    print id " is missing"
        }' "$ids_page"
}

# is_test NAME: ctest knows it; or ctest knows not one test of its program,
# because a library is not there, and the sources have it.
is_test() {
    ! grep -qxF -e "$1" "$scratch/tests" || return 0
    kind=${1%%.*} program=${1#*.} case=${1##*.}
    case $kind in
        unit)
            program=${program%%.*}
            listed=weir_test source=tests/unit/test_$program.c
            ;;
        example) listed=weir_example source=examples/$program.c case=main ;;
        *) return 1 ;;
    esac
    ! grep -q "^$kind[.]$program\([.]\|\$\)" "$scratch/tests" &&
        grep -qsw -e "$listed($program" "$root"/tests/*.cmake &&
        grep -qsw -e "$case" "$root/$source"
}

# names PAGE: all that stands in backticks exists.
names() {
    grep -o '`[^`]*`' "$1" | tr -d '`' | sort -u >"$scratch/names"
    while read -r name_here; do
        case $name_here in
            */*)
                test -e "$root/$name_here" || echo "no such file: $name_here"
                ;;
            weir_*|WEIR_*)
                grep -qwr -e "$name_here" "$root/include" ||
                    echo "no such name: $name_here"
                ;;
            *) is_test "$name_here" || echo "no such test: $name_here" ;;
        esac
    done <"$scratch/names"
}

# check PAGE COLUMN WHY-NOT ID...
check() {
    page=$1
    test -f "$root/$page" || { echo "no $page" >&2; status=1; return; }
    shift
    {
        ids "$root/$page" "$@"
        names "$root/$page"
    } | sed "s,^,$page: ," >"$scratch/complaints"
    cat "$scratch/complaints" >&2
    test ! -s "$scratch/complaints" || status=1
}

# figures PAGE: names with weir_ or WEIR_ before them are in the headers, or
# are families of weir_metrics_prometheus.
figures() {
    grep -oE '`(weir|WEIR)_[A-Za-z0-9_]*' "$1" | tr -d '`' | sort -u |
        while read -r figure; do
            grep -qwr -e "$figure" "$root/include" ||
                grep -qsF -e "\"$figure\"" \
                    "$root/src/observe/metrics_prometheus.c" ||
                echo "no such name or figure: $figure"
        done
}

check docs/coverage.md 6 'issue [0-9]+|later: ' A9 B9 C9 D11 E9
check docs/pains.md 5 'does not apply|[Nn]ot in this version' P30
for page in "$root"/docs/guide/*.md; do
    test -e "$page" || continue
    figures "$page" | sed "s,^,${page#"$root"/}: ," >"$scratch/complaints"
    cat "$scratch/complaints" >&2
    test ! -s "$scratch/complaints" || status=1
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/races.md has each twin that the tests run, and no other; the files and
# names that it mentions exist. usage: races_page.sh ROOT
set -eu
export LC_ALL=C
cd "$1"
page=docs/races.md
status=0

complain() {
    echo "$page: $1" >&2
    status=1
}

twins=$(sed -n 's/^weir_race(\(.*\))$/\1/p' tests/races.cmake)
test -n "$twins" || complain "no twins are known"
for twin in $twins; do
    grep -qF "Program: \`examples/races/$twin.c\`" "$page" ||
        complain "lacks $twin"
done
for name in $(grep -o '`[^`]*`' "$page" | tr -d '`' | sort -u); do
    case $name in
        */*) test -e "$name" || complain "no such file: $name" ;;
        *) grep -qwr -e "$name" include || complain "no such name: $name" ;;
    esac
done
for program in $(grep -o 'race_[a-z_]*' "$page" | sort -u); do
    echo "$twins" | grep -qxF "${program#race_}" ||
        complain "no such program: $program"
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# What the man pages say in C, a compiler agrees with: each prototype under
# SYNOPSIS is that of the headers, and each EXAMPLE with a function compiles. A
# page of an adapter is left out where the library that it adapts to is not.
# usage: man_code.sh ROOT COMPILER
set -eu
root=$1 compiler=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# code SECTION PAGE: its literal blocks; and lines in bold, as prose has it.
code() {
    awk -v section="# $1" '
        /^# / {on = ($0 == section)}
        on && /^```$/ {literal = !literal; next}
        on && literal {gsub(/\\\\/, "\\"); print}
        on && !literal && /^\*.*\*$/ {
            gsub(/\\\*/, "\001")
            gsub(/\*/, "")
            gsub(/\001/, "*")
            gsub(/ _/, " ")
            gsub(/\*_/, "*")
            gsub(/_ /, " ")
            gsub(/_,/, ",")
            gsub(/_\)/, ")")
            print
        }' "$2"
}

# has HEADER: the compiler finds it.
has() {
    echo "#include <$1>" | "$compiler" -E -x c - >/dev/null 2>&1
}

for page in "$root"/man/*.3.scd "$root"/man/*.7.scd; do
    source=$scratch/$(basename "$page" .scd).c
    printf '#include <%s.h>\n' errno pthread stdbool stdio stdlib string \
        unistd weir weir/stream >"$source"
    case $page in
        *.3.scd)
            code SYNOPSIS "$page" >"$scratch/synopsis"
            grep -q 'weir_.*(' "$scratch/synopsis" || {
                echo "$page: no prototype under SYNOPSIS" >&2
                status=1
            }
            cat "$scratch/synopsis" >>"$source"
            ;;
    esac
    code EXAMPLE "$page" >"$scratch/example"
    test -s "$scratch/example" || {
        echo "$page: no EXAMPLE" >&2
        status=1
    }
    if grep -q '^}$' "$scratch/example"; then
        cat "$scratch/example" >>"$source"
    fi
    if grep -q '^#include <weir/uv.h>$' "$source" && ! has uv.h; then
        echo "left out, no uv.h: $page"
        continue
    fi
    "$compiler" -std=gnu11 -fsyntax-only -Wall -Wextra -Werror \
        -Wno-unused-function -I"$root/include" "$source" || status=1
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# Four lists name the same functions: what the library exports, what the map
# lists, what the headers declare, what the man pages have under NAME. A room
# that is a library of its own has its map beside its sources.
# usage: check_symbols.sh LIBRARY ROOT SCRATCH [ROOM]
set -eu
library=$1 root=$2 scratch=$3 room=${4-}
rm -rf "$scratch"
mkdir -p "$scratch"
status=0

# same TITLE A B: complains about every name that only one list has.
same() {
    diff "$scratch/$2" "$scratch/$3" >"$scratch/diff" && return
    echo "$1:" >&2
    sed -n "s/^</  only in $2:/p; s/^>/  only in $3:/p" "$scratch/diff" >&2
    status=1
}

# Each header belongs to one library.
if test -n "$room"; then
    map=$root/src/$room/libweir-$room.map
    cat "$root/include/weir/$room.h"
else
    map=$root/src/libweir.map
    for header in "$root"/include/weir/*.h; do
        name=$(basename "$header" .h)
        test -e "$root/src/$name/libweir-$name.map" || cat "$header"
    done
fi >"$scratch/declared"

nm -D --defined-only "$library" |
    awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' | sort >"$scratch/exported"
sed 's,/\*.*\*/,,; s/#.*//' "$map" |
    grep -oE '[A-Za-z_][A-Za-z0-9_]*;' | tr -d ';' |
    sort >"$scratch/map"
sed 's,//.*,,' "$scratch/declared" | awk '
    /WEIR_API/ && !/^ *#/ {text = ""; on = 1}
    on {text = text " " $0}
    on && /;/ {
        if (match(text, /weir_[a-z0-9_]+\(/))
            print substr(text, RSTART, RLENGTH - 1)
        on = 0
    }' | sort >"$scratch/headers"
for page in "$root"/man/*.3.scd; do
    awk '/^# / {on = ($0 == "# NAME"); next}
         on {text = text " " $0}
         END {
            sub(/ - .*/, "", text)
            gsub(/\\/, "", text)
            gsub(/,/, " ", text)
            print text
         }' "$page"
done | tr -s ' ' '\n' | sed '/^$/d' | sort >"$scratch/names"

test -s "$scratch/exported" || { echo "nothing is exported" >&2; exit 1; }
same "library and version script differ" exported map
same "headers and version script differ" headers map

# A page may also name a type or a macro, but only one that exists.
comm -23 "$scratch/map" "$scratch/names" >"$scratch/undocumented"
comm -13 "$scratch/map" "$scratch/names" | uniq | while read -r name; do
    grep -qwr -e "$name" "$root/include" || echo "$name"
done >"$scratch/unknown"
sort "$scratch/names" | uniq -d >"$scratch/twice"
for list in undocumented unknown twice; do
    test -s "$scratch/$list" || continue
    case $list in
        undocumented) echo "no man page has in NAME:" >&2 ;;
        unknown) echo "man pages name what no header has:" >&2 ;;
        twice) echo "two man pages have in NAME:" >&2 ;;
    esac
    sed 's/^/  /' "$scratch/$list" >&2
    status=1
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# The code that the pages show is code that is built and run: the program of
# README.md is examples/hello.c, and each ```c block of docs/guide/ is a part of
# a program in examples/. And no page is missing in the index beside it.
# usage: readme.sh ROOT
set -eu
export LC_ALL=C
cd "$1"
status=0

# A page's first ```c block, with the line that every file begins with.
{
    echo '// SPDX-License-Identifier: MIT'
    awk '/^```c$/ {on = 1; next} /^```$/ && on {exit} on' README.md
} | diff - examples/hello.c >&2 || {
    echo "README.md does not show examples/hello.c" >&2
    status=1
}

for page in docs/guide/*.md; do
    find examples -name '*.[ch]' -exec cat {} + | awk -v page="$page" '
        FNR == NR {all = all $0 "\n"; next}
        /^```c$/ {on = 1; block = ""; line = FNR; next}
        /^```$/ && on {
            on = 0
            blocks++
            if (block == "" || index(all, "\n" block) == 0) {
                print page ":" line ": not a part of any example"
                bad = 1
            }
        }
        on {block = block $0 "\n"}
        END {
            if (!blocks && page !~ /README/) {
                print page ": shows no code"
                bad = 1
            }
            exit bad
        }' - "$page" >&2 || status=1
done

# An index has a line for each page, and no two decisions have one number.
for page in docs/guide/*.md docs/decisions/*.md; do
    name=$(basename "$page")
    test "$name" = README.md ||
        grep -qF "($name)" "$(dirname "$page")/README.md" || {
        echo "$page: not in the README.md beside it" >&2
        status=1
    }
done
twice=$(cd docs/decisions && printf "%s\n" [0-9]*.md | cut -c 1-4 | uniq -d)
test -z "$twice" || {
    echo "two decisions have the number $twice" >&2
    status=1
}
exit $status

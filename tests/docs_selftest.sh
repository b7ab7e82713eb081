#!/bin/sh
# SPDX-License-Identifier: MIT
# coverage.sh, readme.sh and man_code.sh fail when they should: each of them is
# broken in every way it knows of. usage: docs_selftest.sh ROOT COMPILER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$1 compiler=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

fail() {
    echo "$1" >&2
    exit 1
}

# refuses WHAT PATTERN COMMAND...: it fails, and says what is wrong.
refuses() {
    what=$1 pattern=$2
    shift 2
    if "$@" 2>"$root/said"; then
        fail "not noticed: $what"
    fi
    grep -q -e "$pattern" "$root/said" || {
        cat "$root/said" >&2
        fail "not named: $what"
    }
}

# ---- coverage.sh -----------------------------------------------------------

mkdir -p "$root/docs/guide" "$root/bench" "$root/include" "$root/examples" \
    "$root/man"
echo 'int weir_good(void);' >"$root/include/weir.h"
: >"$root/bench/good.c"
page=$root/docs/coverage.md

# write ID-LEFT-OUT LINE: a page in which all is well but for these.
write() {
    for id in A1 A2 A3 A4 A5 A6 A7 A8 A9 B1 B2 B3 B4 B5 B6 B7 B8 B9 \
        C1 C2 C3 C4 C5 C6 C7 C8 C9 D1 D2 D3 D4 D5 D6 D7 D8 D9 D10 D11 \
        E1 E2 E3 E4 E5 E6 E7 E8 E9; do
        test "$id" = "$1" || echo "| $id | x | x | \`weir_good\` |" \
            "\`unit.good\` | \`bench/good.c\` |"
    done >"$page"
    echo "$2" >>"$page"
}
tests() {
    echo unit.good | "$here/coverage.sh" "$root"
}

write none ''
tests || fail "coverage.sh refuses what is good"
write D10 ''
refuses "an id left out" 'D10 is missing' tests
write none '| A1 | x | x | | `unit.good` | |'
refuses "an id twice" 'A1 is there twice' tests
write none '| E10 | x | x | | `unit.good` | |'
refuses "an id too many" 'E10 is no id' tests
write E9 '| E9 | x | x | | | |'
refuses "no test" 'E9 has neither' tests
write E9 '| E9 | x | x | | issue 12 | |'
tests || fail "coverage.sh refuses an issue"
write none 'see `unit.goo`'
refuses "no such test" 'no such test: unit.goo' tests
write none 'see `bench/bad.c`'
refuses "no such file" 'no such file: bench/bad.c' tests
write none 'see `weir_goo`'
refuses "no such name" 'no such name: weir_goo' tests

# ---- readme.sh -------------------------------------------------------------

printf '// SPDX-License-Identifier: MIT\nint a;\nint b;\n' \
    >"$root/examples/hello.c"
printf '# x\n\n```c\nint a;\nint b;\n```\n' >"$root/README.md"
printf '```c\nint b;\n```\n' >"$root/docs/guide/x.md"
echo "(x.md) (y.md)" >"$root/docs/guide/README.md"
mkdir "$root/docs/decisions"
: >"$root/docs/decisions/0001-a.md"
echo "(0001-a.md) (0001-b.md)" >"$root/docs/decisions/README.md"
"$here/readme.sh" "$root" || fail "readme.sh refuses what is good"
printf '```c\nint c;\n```\n' >"$root/docs/guide/x.md"
refuses "a guide with other code" 'x.md:1: not a part' "$here/readme.sh" "$root"
echo 'no code' >"$root/docs/guide/x.md"
refuses "a guide without code" 'shows no code' "$here/readme.sh" "$root"
rm "$root/docs/guide/x.md"
printf '```c\nint a;\n```\n' >"$root/docs/guide/y.md"
printf '```c\nint a;\n```\n' >"$root/README.md"
refuses "another program" 'does not show' "$here/readme.sh" "$root"

printf '```c\nint a;\nint b;\n```\n' >"$root/README.md"
"$here/readme.sh" "$root" || fail "readme.sh refuses what is good again"
: >"$root/docs/decisions/0001-b.md"
refuses "a number twice" "the number 0001" "$here/readme.sh" "$root"
mv "$root/docs/decisions/0001-b.md" "$root/docs/decisions/0002-c.md"
refuses "a page without a line" "0002-c.md: not in" "$here/readme.sh" "$root"

# ---- man_code.sh -----------------------------------------------------------

cp -R "$source/include/." "$root/include"
man=$root/man/weir_x.3.scd
: >"$root/man/weir.7.scd"
good='int weir_queue_close(void);'
man_page() {
    printf '# SYNOPSIS\n\n%s\n\n# EXAMPLE\n\n```\n%s\n```\n' "$1" "$2"
}
code_of() {
    "$here/man_code.sh" "$root" "$compiler"
}
man_page '*int x;*' 'int y;' >"$root/man/weir.7.scd"
man_page '*void weir_queue_close(weir_queue \**_queue_*);*' \
    'static int f(void) {
    return 0;
}' >"$man"
code_of || fail "man_code.sh refuses what is good"
man_page "*$good*" 'x' >"$man"
refuses "another prototype, in bold" 'weir_queue_close' code_of
man_page "\`\`\`
$good
\`\`\`" 'x' >"$man"
refuses "another prototype, literal" 'weir_queue_close' code_of
man_page '*#include <weir/stream.h>*' 'x' >"$man"
refuses "no prototype" 'no prototype' code_of
man_page '*void weir_queue_close(weir_queue \**_queue_*);*' \
    'static int f(void) {
    return x;
}' >"$man"
refuses "an example that does not compile" 'undeclared' code_of
man_page '*void weir_queue_close(weir_queue \**_queue_*);*' '' |
    sed '/^$/d' >"$man"
refuses "no example" 'no EXAMPLE' code_of
exit 0

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

# pains ID-LEFT-OUT LINE: the same for the other page.
pains() {
    n=1
    while test $n -le 30; do
        test P$n = "$1" || echo "| P$n | x | x | \`unit.good\` |"
        n=$((n + 1))
    done >"$root/docs/pains.md"
    echo "$2" >>"$root/docs/pains.md"
}

pains none ''
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
write none ''

pains P7 ''
refuses "a pain left out" 'P7 is missing' tests
pains P7 '| P7 | x | x | none |'
refuses "a pain without a test" 'P7 has neither' tests
pains P7 '| P7 | x | x | Not in this version |'
tests || fail "coverage.sh refuses what is not in this version"
pains none 'see `unit.goo`'
refuses "no such test of a pain" 'pains.md: no such test: unit.goo' tests
rm "$root/docs/pains.md"
refuses "no page" 'no docs/pains.md' tests

# A program that ctest knows nothing of: a library is not there.
mkdir -p "$root/tests/unit"
echo 'weir_test(uv' >"$root/tests/uv.cmake"
echo 'static void it_works(void) {' >"$root/tests/unit/test_uv.c"
pains none 'see `unit.uv.it_works`'
tests || fail "coverage.sh refuses a test that is left out"
pains none 'see `unit.uv.it`'
refuses "no such case" 'no such test: unit.uv.it$' tests
pains none 'see `unit.vu.it_works`'
refuses "no such program" 'no such test: unit.vu.it_works' tests
pains none 'see `unit.uv.it_works`'
refuses "a case of a program that is there" 'no such test: unit.uv.it_works' \
    sh -c "printf '%s\n' unit.good unit.uv.other |
        '$here/coverage.sh' '$root'"
pains none ''

mkdir -p "$root/src/observe"
echo '{"weir_x_total", "Help.",' >"$root/src/observe/metrics_prometheus.c"
echo 'see `weir_x_total` and `weir_good`' >"$root/docs/guide/z.md"
tests || fail "coverage.sh refuses a figure"
echo 'see `weir_x_tot`' >"$root/docs/guide/z.md"
refuses "no such figure" 'z.md: no such name or figure: weir_x_tot' tests
rm "$root/docs/guide/z.md"

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

# The page of an adapter: with what it adapts to, and without.
mkdir "$root/has"
echo 'typedef int uv_loop_t;' >"$root/has/uv.h"
printf '#!/bin/sh\nexec %s -I%s/has "$@"\n' "$compiler" "$root" >"$root/cc"
chmod +x "$root/cc"
man_page '```
#include <weir/uv.h>
int weir_uv_detach(void);
```' 'x' >"$man"
refuses "another prototype of an adapter" 'weir_uv_detach' \
    "$here/man_code.sh" "$root" "$root/cc"
printf '#!/bin/sh\ntest "$1" != -E && exec %s "$@"\n' "$compiler" >"$root/cc"
"$here/man_code.sh" "$root" "$root/cc" >"$root/said" ||
    fail "man_code.sh wants what an adapter adapts to"
grep -q 'left out, no uv.h' "$root/said" || fail "not said: left out"
exit 0

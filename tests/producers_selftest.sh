#!/bin/sh
# SPDX-License-Identifier: MIT
# producers.sh notices a producer that is not listed, and one that is gone.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/src/a" "$root/src/stream" "$root/docs" "$root/tests"

fail() {
    echo "producers.sh $1" >&2
    exit 1
}

echo 'int weir_sender_send(int x) { return weir_sender_try_send(x); }' \
    >"$root/src/stream/sender.c"
printf 'static int feed(int x) {\n    return weir_sender_send(x);\n}\n' \
    >"$root/src/a/feed.c"
"$here/producers.sh" "$root" --write
"$here/producers.sh" "$root" || fail "refuses what it wrote itself"
grep -q 'src/a/feed.c` | `feed` | `weir_sender_send' \
    "$root/docs/producers.md" || fail "does not name file, function and call"
grep -q 'src/stream' "$root/docs/producers.md" && fail "lists the room itself"

printf 'void more(void) {\n    weir_shared_sender_clone(0, 0);\n}\n' \
    >"$root/src/a/more.c"
"$here/producers.sh" "$root" 2>/dev/null && fail "misses a new producer"
rm "$root/src/a/more.c"
"$here/producers.sh" "$root" || fail "does not forget"
rm "$root/src/a/feed.c"
"$here/producers.sh" "$root" 2>/dev/null && fail "misses one that is gone"
exit 0

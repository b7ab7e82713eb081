#!/bin/sh
# SPDX-License-Identifier: MIT
# atomics.sh must complain about each of these, and not about what is right.
set -eu
checker=$(cd "$(dirname "$0")" && pwd)/atomics.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/src/room" "$tree/src/base"
failed=0
cases=0

# run TEXT: the checker's answer for a room with this one file.
run() {
    printf '%s\n' "$1" >"$tree/src/room/file.c"
    status=0
    output=$("$checker" "$tree" 2>&1) || status=$?
    cases=$((cases + 1))
}

# bad COMPLAINT TEXT
bad() {
    run "$2"
    case $status:$output in
        1:*"$1"*) ;;
        *)
            printf 'not found: %s\nin: %s\ntext: %s\n' "$1" "$output" "$2"
            failed=1
            ;;
    esac
}

# good TEXT
good() {
    run "$1"
    test "$status" = 0 || {
        printf 'refused: %s\ntext: %s\n' "$output" "$1"
        failed=1
    }
}

echo 'ROOM_1 pairs the two sides. ROOM_10 another.' >"$tree/src/room/README.md"
write='wr_store(&a, 1, release, ROOM_1, "it is ready");'
read='wr_load(&a, acquire, ROOM_1, "it is ready");'

# What is right, in all its shapes.
good "$write $read"
good 'int main(void) { return 0; }'
good "wr_atomic_u32 a; wr_atomic_init(&a, 0); $write $read"
good 'wr_fetch_sub(&a, 1, acq_rel, ROOM_1, "last one out");'
good "$write"' wr_exchange(&a, 1, acquire, ROOM_1, "takes it all");'
good "$read"' wr_compare_exchange(&a, &b, 1, seq_cst, ROOM_1, "one wins");'
good 'wr_load(&a, relaxed, ALONE, "a statistic");'
good "$write
x = wr_load(
    &f(a, b[i, j])->c, /* , relaxed */
    acquire, // ROOM_2, \"no reason at all\"
    ROOM_1, \"a (bracket, and a \\\"comma\\\" \"
            \"in two strings\");"
good '// wr_load(&a) and atomic_load(&a) in a comment'
good '/* __atomic_load
   wr_store(&a) */ char c = '"'\"'; char d = '\"'; // \" atomic_load"
good 'say("atomic_load(&a), wr_load(&a)");'

# Another door.
bad 'file.c:2: atomic_load_explicit only' '
x = atomic_load_explicit(&a, 1);'
bad '_Atomic only' '_Atomic int a;'
bad '__atomic_fetch_add only' '__atomic_fetch_add(&a, 1, 5);'
bad '__sync_synchronize only' '__sync_synchronize();'
bad 'atomic_thread_fence only' 'atomic_thread_fence(0);'
bad 'called, not passed' 'f = wr_load;'

# Incomplete.
bad 'needs an order' 'wr_load(&a);'
bad 'needs an order' 'wr_store(&a, release, ROOM_1, "it is ready");'
bad 'needs an order' 'wr_compare_exchange(&a, 1, relaxed, ALONE, "one wins");'
bad 'needs an order' 'wr_load(&a, acquire, ROOM_1'
bad 'no memory order' 'wr_load(&a, consume, ROOM_1, "it is ready");'
bad 'no memory order' 'wr_load(&a, order, ROOM_1, "it is ready");'
bad 'no order of a load' 'wr_load(&a, release, ROOM_1, "it is ready");'
bad 'no order of a store' 'wr_store(&a, 1, acq_rel, ROOM_1, "it is ready");'
bad 'a label is' 'wr_load(&a, acquire, label, "it is ready");'
bad 'a label is' 'wr_load(&a, acquire, ROOM, "it is ready");'
bad 'the reason is' 'wr_load(&a, relaxed, ALONE, "");'
bad 'the reason is' 'wr_load(&a, relaxed, ALONE, "statistic");'
bad 'the reason is' 'wr_load(&a, relaxed, ALONE, reason);'
bad 'file.c:3: the reason is' 'int a;

wr_load(&a,
        relaxed, ALONE, why());'

# One side only, or not explained.
bad 'ALONE orders nothing' 'wr_load(&a, acquire, ALONE, "it is ready");'
bad 'ROOM_1: no write releases it' "$read"
bad 'ROOM_1: no read acquires it' "$write"
bad 'ROOM_1: no write releases it' \
    "$read"' wr_store(&a, 1, relaxed, ROOM_1, "it is ready");'
bad 'ROOM_1: no read acquires it' \
    "$write"' wr_load(&a, relaxed, ROOM_1, "it is ready");'
bad 'ROOM_1: no read acquires it' \
    "$write"' wr_fetch_add(&a, 1, release, ROOM_1, "it is ready");'
bad 'ROOM_2 is not explained in src/room/README.md' \
    'wr_fetch_add(&a, 1, acq_rel, ROOM_2, "it is ready");'
echo 'ROOM_10 is not ROOM_ 1.' >"$tree/src/room/README.md"
bad 'ROOM_1 is not explained' "$write $read"
rm "$tree/src/room/README.md"
bad 'ROOM_1 is not explained in a README.md of its room' "$write $read"

# The door itself may do what it is there for.
echo 'atomic_load_explicit(&a, 1);' >"$tree/src/base/atomic.h"
good ''
rm -r "$tree/src/room" "$tree/src/base"
status=0
"$checker" "$tree" 2>/dev/null || status=$?
test "$status" = 1 || failed=1

echo "$cases texts"
exit $failed

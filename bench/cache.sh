#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The single-flight cache beside a GLib hash table with a lock: bench/cache.c,
# which says how. Prints Markdown for bench/RESULTS.md.
# usage: cache.sh [--quick] [--build FOLDER]
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"

echo "### Cache: hits, cold keys, a storm of them"
echo
if test -x "$build/bench/bench_cache"; then
    rounds=25
    test -z "$quick" || rounds=5
    "$build/bench/bench_cache" --rounds $rounds
else
    echo "(left out: no libglib2.0-dev when it was built)"
fi

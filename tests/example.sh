#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs an example and compares what it prints with what its comment says that
# it prints. usage: example.sh SOURCE PROGRAM
set -eu
source=$1 program=$2
printed=$(mktemp)
trap 'rm -f "$printed" "$printed.wanted"' EXIT

# The lines after "// Prints:", without their "//   ".
awk '/^\/\/ Prints:$/ {on = 1; next}
     on && !/^\/\/   / {exit}
     on {print substr($0, 6)}' "$source" >"$printed.wanted"
test -s "$printed.wanted" || {
    echo "$source does not say what it prints" >&2
    exit 1
}
status=0
timeout 60 "$program" >"$printed" || status=$?
test "$status" -eq 0 || echo "exit status $status" >&2
diff "$printed.wanted" "$printed" >&2 || status=1
exit "$status"

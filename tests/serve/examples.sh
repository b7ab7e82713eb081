#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the examples of docs/serve.md against a server and compares what they
# print: lines of four spaces, "$ " before a command, its output behind it, ...
# for anything. A command goes on after a \ at the end of a line.
#
#   examples.sh WEIR MODEL_MAKER docs/serve.md
set -eu
program=$1
maker=$2
page=$3
command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }

dir=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT
"$maker" small >"$dir/small.onnx"
"$maker" bars >"$dir/bars.onnx"
"$maker" page >"$dir/page.png"

# The server's line with its address comes through a pipe: no waiting in vain.
mkfifo "$dir/log"
"$program" serve --listen 127.0.0.1:0 2>"$dir/log" &
pid=$!
exec 3<"$dir/log"
read -r line <&3
WEIR=$(expr "$line" : '.*\(http:[^,]*\),')
export WEIR
cat <&3 >"$dir/rest" &

# A file for each command and one for what it should print.
awk -v dir="$dir" '
    /^    / && more { print substr($0, 5) > (dir "/" n ".cmd")
                      more = /\\$/; next }
    /^    \$ / { n++; print substr($0, 7) > (dir "/" n ".cmd")
                 more = /\\$/; next }
    /^    / && n { print substr($0, 5) > (dir "/" n ".out"); next }
    END { print n > (dir "/count") }' "$page"
count=$(cat "$dir/count")
[ "$count" -ge 20 ] || { echo "only $count examples in $page"; exit 1; }

status=0
i=1
while [ $i -le "$count" ]; do
    touch "$dir/$i.out"
    (cd "$dir" && sh -e "./$i.cmd") >"$dir/got" 2>&1 || true
    got=$(cat "$dir/got")
    # A pattern of the shell: dots for anything, all else as it stands.
    pattern=$(sed -e 's/[][*?\\]/\\&/g' -e 's/\.\.\./*/g' "$dir/$i.out")
    # shellcheck disable=SC2254
    case $got in
    $pattern) ;;
    *)
        echo "example: $(cat "$dir/$i.cmd")"
        echo "prints:  $got"
        echo "not:     $(cat "$dir/$i.out")"
        status=1
        ;;
    esac
    i=$((i + 1))
done
kill -TERM "$pid"
wait "$pid" || { echo "the server ended with $?"; status=1; }
pid=
echo "$count examples"
exit $status

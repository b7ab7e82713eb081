#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `weir deps fetch` on generated packages, from a registry on the loopback: what
# it finds, held against an independent walk; then a small real project, through
# the registry that npm's settings name, if that one answers.
# Leaves demo/deps.svg. Ends with 1 if anything is wrong; that there is no
# network is not wrong.
# usage: demo_deps.sh [BUILD-FOLDER]
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
build=${1:-build/release}
weir=$build/bin/weir
registry=$build/bench/deps_registry
timerun=$build/bench/bench_timerun
patience=30 # seconds for the registry of the settings

die() {
    echo "demo_deps: $*" >&2
    exit 1
}

for program in "$weir" "$registry" "$timerun"; do
    test -x "$program" || die "$program is missing: run make first"
done
mkdir -p demo
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
server=
stop() {
    test -n "$server" || return 0
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
cleanup() {
    stop
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# of NAME: that line of what `--verbose` said: "items", "packages".
of() {
    sed -n "s/^$1 *\([0-9]*\).*/\1/p" "$work/said"
}

# entries DOCUMENT: how many there are in it.
entries() {
    grep -c '^      "spec": ' "$1" || true
}

# ---- generated packages ----------------------------------------------------

# alone COMMAND...: with no settings but those given here.
alone() (
    for name in $(env | sed -n 's/^\(npm_config_[^=]*\)=.*/\1/pi'); do
        unset "$name"
    done
    unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
    mkdir -p "$work/home"
    export HOME=$work/home XDG_CONFIG_HOME=$work/home
    export npm_config_userconfig=$work/none npm_config_globalconfig=$work/none
    exec "$@"
)

# serve GRAPH LATENCY: a registry; sets server and url. It ends when this
# script does, however that is: it holds the other end of its input.
serve() {
    stop
    rm -f "$work/hold"
    mkfifo "$work/hold"
    mkdir -p "$work/$1"
    : >"$work/ready"
    "$registry" --graph "$1" --latency-ms "$2" --write-project "$work/$1" \
        <"$work/hold" >"$work/ready" &
    server=$!
    exec 5>"$work/hold"
    while ! grep -q '^port' "$work/ready"; do
        kill -0 "$server" 2>/dev/null || die "the registry did not start"
        sleep 0.05
    done
    url=http://127.0.0.1:$(sed -n 's/^port //p' "$work/ready")/
}

# fetch LABEL GRAPH OUTPUT [OPTION]...: one run, and a line about it.
fetch() {
    local label=$1 graph=$2 output=$3
    rm -f "$work/cost"
    alone "$timerun" -a "$work/cost" "$weir" deps fetch "$work/$graph" \
        -o "$work/$output" --registry "$url" --cache "$work/cache-$graph" \
        --verbose --no-progress "${@:4}" 2>"$work/said" ||
        die "it failed: $(head -n 3 "$work/said")"
    awk -v label="$label" -v items="$(of items)" -v packages="$(of packages)" \
        '{printf "  %-5s %.2f s (CPU %.2f s, %.0f MB): %d packages, %d items\n",
            label, $1, $2 + $3, $4 * 1024 / 1e6, packages, items}' "$work/cost"
}

# generated GRAPH LATENCY
generated() {
    local graph=$1
    serve "$graph" "$2"
    fetch cold "$graph" "$graph.cold"
    fetch warm "$graph" "$graph.warm"
    cmp "$work/$graph.cold" "$work/$graph.warm" ||
        die "cold and warm, the documents differ"
    grep -q '^packages .*: fetched 0,' "$work/said" ||
        die "warm, it asked the registry"
    test "$(entries "$work/$graph.cold")" = "$(of items)" ||
        die "the document has not as many entries as there were items"
    echo "  both documents are the same $(stat -c %s "$work/$graph.cold") bytes"
}

# walk GRAPH: the number of items must be what the simplest walk finds, which
# uses npm's own modules.
walk() {
    local status=0
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        echo "  no node with npm here: no independent walk"
        return
    fi
    alone timeout 120 node bench/registry/walk.mjs "$work/$1" "$url" \
        >"$work/walked" 2>"$work/error" || status=$?
    if test $status = 77; then
        echo "  npm's modules are not to be had: no independent walk"
        return
    fi
    test $status = 0 || die "the walk failed: $(head -n 1 "$work/error")"
    for line in "items $(of items)" "packages $(of packages)" "failed 0"; do
        grep -qx "$line" "$work/walked" ||
            die "an independent walk found: $(tr '\n' ' ' <"$work/walked")"
    done
    echo "  an independent walk with npm's own modules finds as many"
}

echo "4,060 made-up packages, from a registry on the loopback:"
generated large 0
echo "1,424 packages, each answer 20 ms late:"
generated medium 20
walk medium
rm -rf "$work/cache-medium"
fetch again medium medium.traced --trace "$work/deps.svg" >"$work/line"
cmp "$work/medium.cold" "$work/medium.traced" ||
    die "with a timeline, the document differs"
mv "$work/deps.svg" demo/deps.svg
echo "  a cold run's timeline is in demo/deps.svg"
stop
exec 5>&-

# ---- a real project --------------------------------------------------------

mkdir "$work/real"
cat >"$work/real/package.json" <<'END'
{
  "name": "real",
  "version": "1.0.0",
  "dependencies": {"express": "^4.21.0", "react": "^18.3.0"}
}
END
# What npm finds configured; without npm, what weir does.
where=()
if command -v npm >/dev/null; then
    found=$(cd "$work/real" && timeout 20 npm config get registry \
        2>/dev/null) || found=
    case $found in
        http://* | https://*) where=(--registry "$found") ;;
    esac
fi
real() {
    timeout -k 2 $patience "$weir" deps fetch "$work/real" -o "$work/$1" \
        "${where[@]}" --cache "$work/cache-real" --verbose --no-progress \
        "${@:2}" 2>"$work/said" </dev/null
}
echo "express and react, through the registry that is configured:"
status=0
real real.cold || status=$?
case $status in
    0)
        test "$(entries "$work/real.cold")" = "$(of items)" ||
            die "the document has not as many entries as there were items"
        for name in express react; do
            grep -A 2 "^      \"name\": \"$name\",\$" "$work/real.cold" |
                grep -q '"version": "[0-9]' || die "$name is not there"
        done
        echo "  cold  $(sed -n 's/^wall *\([0-9.]*\) ms.*/\1/p' "$work/said")" \
            "ms: $(of packages) packages, $(of items) items"
        real real.offline --offline || die "offline, it failed:" \
            "$(head -n 1 "$work/said")"
        cmp "$work/real.cold" "$work/real.offline" ||
            die "offline, the document differs"
        echo "  the same bytes again with --offline"
        ;;
    1)
        test ! -e "$work/real.cold" || die "it failed, and left a document"
        echo "  left out:" \
            "$(head -n 1 "$work/said" | cut -c 1-160)"
        ;;
    124 | 137)
        echo "  left out, it did not answer in $patience s"
        ;;
    *) die "it ended with $status: $(head -n 3 "$work/said")" ;;
esac

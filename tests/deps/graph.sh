#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A graph of the size of a well-known UI library's project: `weir deps fetch`
# finds what an independent walk with npm's own modules finds, and writes the
# same bytes at any width, with both engines, from the network, from its cache,
# and from a registry of which many answers fail at first.
# usage: graph.sh WEIR DEPS_REGISTRY WALK [GRAPH]
set -eu
weir=$1 registry=$2 walk=$3 graph=${4:-ui}
command -v node >/dev/null || { echo "no node"; exit 77; }
work=$(mktemp -d)
pid=
end() {
    test -z "$pid" || { kill -TERM "$pid" && wait "$pid"; } 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT
complain() {
    echo "graph.sh: $*" >&2
    exit 1
}

# serve PROJECT ARGUMENT...: sets url.
serve() {
    test -z "$pid" || { kill -TERM $pid && wait $pid; }
    mkdir -p "$work/$1"
    : >"$work/ready"
    "$registry" --graph "$graph" --write-project "$work/$1" --seed 3 \
        --tarballs http://tarballs.example.org/ "${@:2}" >"$work/ready" &
    pid=$!
    while ! grep -q port "$work/ready"; do
        kill -0 $pid || complain "no registry"
    done
    url=http://127.0.0.1:$(sed -n 's/^port //p' "$work/ready")/
}
# fetch CACHE ARGUMENT...: to $work/now.
fetch() {
    mkdir -p "$work/home"
    HOME=$work/home npm_config_cache=$work/$1 \
        npm_config_fetch_retry_mintimeout=10 \
        npm_config_fetch_retry_maxtimeout=50 "$weir" deps fetch \
        "$work/project" -o "$work/now" --registry "$url" "${@:2}" \
        2>"$work/error" || { cat "$work/error" >&2; complain "failed: $*"; }
}
same() {
    cmp -s "$work/now" "$work/first" || complain "other bytes: $*"
}

serve project
node "$walk" "$work/project" "$url" --list >"$work/walked" || exit $?
test "$(wc -l <"$work/walked")" -gt 50 || complain "the walk found too little"
fetch cache
mv "$work/now" "$work/first"
node -e '
    const page = JSON.parse(require("fs").readFileSync(process.argv[1]));
    if (page.failed.length > 0 || page.other.length > 0)
        throw new Error("something failed");
    process.stdout.write(page.packages.map((its) =>
        `${its.name}\t${its.spec}\t${its.version}\n`).sort().join(""));
' "$work/first" >"$work/found"
cmp "$work/walked" "$work/found" || complain "not what the walk finds"
fetch cache
same warm
fetch cache --offline
same offline
fetch cache --prefer-online
same revalidated
for engine in workers owner; do
    for threads in 0 1 2 11 64; do
        rm -rf "$work/cold"
        fetch cold --engine $engine --threads $threads
        same $engine $threads threads
    done
done
serve project --chaos 150 --retry-after 0
rm -rf "$work/cold"
fetch cold
same chaos
echo "graph.sh: $(wc -l <"$work/found") items, found by both"

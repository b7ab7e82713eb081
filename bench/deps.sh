#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `weir deps fetch` beside bun, utoo and pnpm (installed from npm's registry
# into the build folder, the first time) on the loopback registry of
# bench/registry. Prints Markdown for bench/RESULTS.md.
#   peers     a large graph without latency, cold and warm; a medium one at
#             20 ms per answer, cold and warm: all tools in turns
#   ablation  weir alone: parsing on one thread or on all, 0 and 20 ms, both
#             engines, on the large graph
#   graph     a graph of the size of a well-known UI library's project: the
#             counts beside those of an independent walk; the same bytes at
#             any width
# usage: deps.sh [--quick] [--npm] [--build FOLDER]
#        --npm: npm too, once each: it takes minutes
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
with_npm= others=()
for word in "$@"; do
    case $word in
        --npm) with_npm=yes ;;
        *) others+=("$word") ;;
    esac
done
options "${others[@]}"
scratch

weir=$PWD/$build/bin/weir
registry=$build/bench/deps_registry
transfers=$build/bench/bench_transfers
rounds=10 parts=6
test -z "$quick" || { rounds=3 parts=2; }
if ! { test -x "$registry" && test -x "$transfers" &&
    "$weir" deps fetch --help >"$work/output" 2>&1; }; then
    echo "weir deps: not measured; this build lacks it or its registry" \
        "(libcurl, libdeflate, jansson, inih, zlib)."
    exit 0
fi

# ---- peers -----------------------------------------------------------------

home=build/bench-deps
modules=$PWD/$home/node_modules
tools=(weir)
# peer NAME FILE: the program, from the package NAME, if it is to be had.
peer() {
    local found
    found=$(compgen -G "$modules/$2" | head -n 1) || true
    if test -z "$found" && command -v npm >/dev/null; then
        mkdir -p "$home"
        echo "deps: installing $1" >&2
        npm install --prefix "$home" --no-audit --no-fund --loglevel=error \
            "$1" >"$work/npm.log" 2>&1 || true
        found=$(compgen -G "$modules/$2" | head -n 1) || true
    fi
    if test -x "$found" && "$found" --version >"$work/version" 2>&1; then
        tools+=("$1")
        declare -g "$1=$found"
        echo "- $1 $(grep -oE '[0-9]+\.[0-9.]+' "$work/version" | head -n 1)"
    else
        echo "- $1 is absent: not to be had here"
    fi
}

# ---- registries ------------------------------------------------------------

declare -A port pid
stop_registries() {
    for name in "${!pid[@]}"; do
        kill -TERM "${pid[$name]}" 2>/dev/null || true
        wait "${pid[$name]}" 2>/dev/null || true
    done
}
trap 'stop_registries; rm -rf "${cleanup[@]}"' EXIT
# serve NAME ARGUMENT...
serve() {
    local name=$1
    mkdir -p "$work/$name"
    : >"$work/$name.ready"
    "$registry" --write-project "$work/$name" "${@:2}" \
        >"$work/$name.ready" </dev/null &
    pid[$name]=$!
}
ready() {
    for name in "${!pid[@]}"; do
        while ! grep -q port "$work/$name.ready"; do
            kill -0 "${pid[$name]}" 2>/dev/null || die "no registry $name"
            sleep 0.05
        done
        port[$name]=$(sed -n 's/^port //p' "$work/$name.ready")
    done
}
# asked NAME PATH: what the registry says, without a client.
asked() {
    exec 4<>"/dev/tcp/127.0.0.1/${port[$1]}"
    printf 'GET %s HTTP/1.1\r\nConnection: close\r\n\r\n' "$2" >&4
    cat <&4
    exec 4>&-
}
# busy NAME: the registry's processor time so far, in clock ticks.
busy() {
    awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/${pid[$1]}/stat"
}

# ---- one run ---------------------------------------------------------------

# command TOOL URL CACHE: sets the array command and variables of environment.
command_of() {
    environment=() before=()
    case $1 in
        weir | weir:*)
            environment=("npm_config_cache=$3")
            command=("$weir" deps fetch . -o deps.json --registry "$2"
                --no-progress)
            # shellcheck disable=SC2206
            test "$1" = weir || command+=(${1#weir:})
            ;;
        bun)
            environment=("BUN_INSTALL_CACHE_DIR=$3")
            command=("$bun" install --lockfile-only --ignore-scripts
                "--registry=$2")
            ;;
        utoo) command=("$utoo" deps "--registry=$2" "--cache-dir=$3") ;;
        pnpm)
            environment=(PNPM_CONFIG_PM_ON_FAIL=ignore
                "XDG_CACHE_HOME=$3/xdg")
            command=("$pnpm" install --lockfile-only --ignore-scripts
                "--registry=$2" "--store-dir=$3/store")
            ;;
        npm)
            command=(npm install --package-lock-only --ignore-scripts
                --no-audit --no-fund "--cache=$3" "--registry=$2")
            ;;
    esac
}

# once KEY TOOL REGISTRY CACHE: runs it in a fresh copy of the project and
# notes what it cost as KEY.figure.
once() {
    local key=$1 tool=$2 where=$3 cache=$4 ticks status=0
    local url=http://127.0.0.1:${port[$where]}/
    rm -rf "$work/project" "$work/line"
    cp -r "$work/$where" "$work/project"
    command_of "$tool" "$url" "$cache"
    asked "$where" /-/reset >"$work/output"
    ticks=$(busy "$where")
    (cd "$work/project" && exec timeout 300 env HOME="$work/home" \
        "${environment[@]}" "$OLDPWD/$timerun" -m -a "$work/line" \
        "${command[@]}") >"$work/output" 2>&1 </dev/null || status=$?
    if test $status -ne 0; then
        echo "deps: $tool failed with $status:" >&2
        tail -n 5 "$work/output" >&2
        echo "$key.failed 1 1" >>"$samples"
        return 0
    fi
    ticks=$(($(busy "$where") - ticks))
    asked "$where" /-/counts >"$work/counts"
    # Quiet: what the registry used is no disturbance.
    awk -v key="$key" -v share="$NOISE_SHARE" -v least=$NOISE_TICKS_S \
        -v registry=$ticks -v hz="$(getconf CLK_TCK)" \
        -v cache="$(du -s --apparent-size -B1 "$cache"* | awk '
            {all += $1} END {print all}')" '
        function figure(name) {
            return match(counts, "\"" name "\": [0-9]+") ? \
                substr(counts, RSTART + length(name) + 4, \
                    RLENGTH - length(name) - 4) + 0 : 0
        }
        function note(name, value) {print key "." name, value, quiet}
        FILENAME ~ /counts$/ {counts = counts $0; next}
        {
            quiet = $5 - registry / hz <= least + share * $1
            note("wall", $1); note("user", $2); note("sys", $3)
            note("rss", $4 / 1024); note("minor", $6); note("major", $7)
            note("voluntary", $8); note("involuntary", $9)
            note("cache", cache / 1e6)
            note("received", figure("bytes_out") / 1e6)
            note("sent", figure("bytes_in") / 1e6)
            note("requests", figure("requests"))
            note("flight", figure("in_flight_max"))
        }' "$work/counts" "$work/line" >>"$samples"
}

# pair KEY TOOL REGISTRY: cold, then warm.
pair() {
    local cache=$work/cache/$1
    rm -rf "$cache"*
    mkdir -p "$cache"
    once "$1.cold" "$2" "$3" "$cache"
    once "$1.warm" "$2" "$3" "$cache"
    rm -rf "$cache"*
}

floor() {
    local where
    for where in large medium20; do
        "$transfers" "${port[$where]}" 64 >"$work/output"
        awk -v key="floor.$where" '{print key "." $1, $2, 1}' \
            "$work/output" >>"$samples"
    done
}

# ---- the cases -------------------------------------------------------------

round() {
    local tool order=("${tools[@]}") i
    if (($1 % 2 == 0)); then # backwards
        order=()
        for ((i = ${#tools[@]} - 1; i >= 0; i--)); do
            order+=("${tools[i]}")
        done
    fi
    for tool in "${order[@]}"; do
        pair "large.$tool" "$tool" large
        pair "medium20.$tool" "$tool" medium20
    done
    floor
}

ablation() {
    local where engine threads key
    for where in large large20; do
        for engine in workers owner; do
            for threads in 1 all; do
                key=ablation.$where.$engine.$threads
                rm -rf "$work/cache"
                mkdir -p "$work/cache/$key"
                once "$key" "weir:--engine $engine --parse-threads $threads" \
                    "$where" "$work/cache/$key"
            done
        done
    done
}

# graph: prints what there is to say about B6.
graph() {
    local engine threads url=http://127.0.0.1:${port[ui]}/ first='' same=0
    for engine in workers owner; do
        for threads in 0 1 2 11 64; do
            rm -rf "$work/cache"
            npm_config_cache=$work/cache HOME=$work/home "$weir" deps fetch \
                "$work/ui" -o "$work/ui.$engine.$threads" --registry "$url" \
                --engine $engine --threads $threads --verbose --no-progress \
                2>"$work/verbose" || die "the ui graph failed: $engine $threads"
            test -n "$first" || first=$work/ui.$engine.$threads
            cmp -s "$first" "$work/ui.$engine.$threads" && same=$((same + 1))
        done
    done
    echo
    echo "The graph of a UI library's project, generated: $(sed -n \
        's/^items *\([0-9]*\) (failed \([0-9]*\).*/\1 items, \2 failed/p' \
        "$work/verbose"); $(node bench/registry/walk.mjs "$work/ui" "$url" \
        2>"$work/error" | awk '$1 == "items" {i = $2} $1 == "failed" {f = $2}
            END {print i ? "an independent walk (with npm'"'"'s own modules) \
finds " i ", " f " failed" : "the independent walk is absent: no node or npm"}'
        ). $same of 10 documents, at 0, 1, 2, 11 and 64 threads with both" \
        "engines, have the same bytes." | wrap
}

echo "### weir deps fetch"
echo
machine
echo
peer bun 'bun/bin/bun.exe'
peer utoo '@utoo/utoo-*/bin/utoo'
peer pnpm 'pnpm/pnpm'
mkdir -p "$work/home"
serve large --graph large
serve medium20 --graph medium --latency-ms 20
serve large20 --graph large --latency-ms 20
serve ui --graph ui
ready
for ((i = 0; i <= rounds; i++)); do
    echo "deps: round $i of $rounds" >&2
    round $i
    test $i -gt 0 || : >"$samples" # the first is for the machine to warm up
done
for ((i = 1; i <= parts; i++)); do
    echo "deps: ablation $i of $parts" >&2
    ablation
done
if test -n "$with_npm"; then
    tools+=(npm)
    pair large.npm npm large
    pair medium20.npm npm medium20
fi
sort -k1,1 -k2,2g "$samples" |
    awk -v tools="${tools[*]}" -f bench/deps.awk
graph
cat <<'END'

Phases: this is *resolve* (cold and warm) alone. weir deps fetch finds what can
be needed; bun, utoo, pnpm and npm also place it and write a lock file in the
same time, which weir's next part will do. *Full cold*, *cold install* and *warm
link* are measured when there is an install.
END

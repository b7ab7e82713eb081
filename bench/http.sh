#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/http_server.c on weir's pool, on the same with sites that decide
# where they run, and on libuv's own pool, loaded with wrk. Prints Markdown for
# bench/RESULTS.md. usage: http.sh [--quick] [--build FOLDER]
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"
scratch
rounds=3 seconds=4 connections=64
if test -n "$quick"; then
    rounds=2 seconds=1
fi
server=$build/tests/http_server
test -x "$server" || {
    echo "no http here: $server was not built (libuv, http_parser, zlib)" >&2
    exit 0
}
tools/need.sh wrk >&2 || { echo "no http here: no wrk" >&2; exit 0; }

ticks_s=$(getconf CLK_TCK)
# busy: the processor seconds that the server has used.
busy() {
    awk -v ticks="$ticks_s" '{sub(/.*\) /, ""); print ($12 + $13) / ticks}' \
        "/proc/$pid/stat"
}

# serve POOL: starts it; sets pid and address. weir4: as wide as libuv's.
serve() {
    : >"$work/said"
    case $1 in
        weir4) set -- weir --threads 4 ;;
    esac
    "$server" --pool "$@" >"$work/said" &
    pid=$!
    # It goes with the script.
    trap 'kill $pid 2>/dev/null || :; rm -rf "${cleanup[@]}"' EXIT
    until grep -q listening "$work/said"; do
        kill -0 $pid || die "the server did not start"
    done
    address=$(sed -n 's/^listening on //p' "$work/said")
}

# once POOL PATH: one run, with a server of its own, that must end well.
once() {
    local name=$1.$2
    serve "$1"
    timed wrk -t 1 -c $connections -d ${seconds}s -s bench/http.lua \
        "http://$address/$2"
    # Of what was used beside wrk, the server's part is no noise.
    awk -v server="$(busy)" -v share="$NOISE_SHARE" -v ticks=$NOISE_TICKS_S \
        -v name="$name" \
        -v peak="$(awk '/^VmHWM/ {print $2 * 1024 / 1e6}' \
            "/proc/$pid/status")" '
        NR == FNR {quiet = $5 - server <= ticks + share * $1; next}
        /^(rate|p50|p99|max|errors) [0-9.]+ / {
            print name "." $1, $2, quiet
            if ($1 == "rate")
                rate = $2
        }
        END {
            print name ".peak", peak, 1
            print name ".cpu", server * 1e6 / (rate * seconds), quiet
        }' seconds=$seconds "$work/cost" "$work/output" >>"$samples"
    kill -TERM $pid
    wait $pid || die "the server ended with $?"
}

SECONDS=0
for ((round = 0; round < rounds; round++)); do
    for path in hash gzip; do
        for pool in weir weir4 adaptive uv; do
            once $pool $path
        done
    done
done

echo "### http"
echo
machine
echo "$rounds interleaved runs of $seconds s each, in $SECONDS s."
cat <<'TEXT'
examples/http_server.c with bodies of 8 KiB from wrk (one thread, 64
connections, on the same processors): requests per second, highest (median);
latency, lowest (median) of the runs; CPU of the server per request; its peak
memory. Pools as wide as they come: weir 1 thread less than processors, libuv 4.
TEXT
echo
summary | awk '
    {
        low[$1] = $2
        mid[$1] = $3
        high[$1] = $4
        noisy = noisy || !$5
        used[$1] = $5
    }
    function figure(name, best) {
        return sprintf("%s%.4g (%.4g)", used[name] ? "" : "~", best[name],
            mid[name])
    }
    END {
        print "| path | pool | requests/s | p50, ms | p99, ms | max, ms |" \
            " CPU, us | peak, MB | errors |"
        print "|---|---|---|---|---|---|---|---|---|"
        n = split("hash.weir hash.weir4 hash.adaptive hash.uv gzip.weir" \
            " gzip.weir4 gzip.adaptive gzip.uv", rows, " ")
        label["weir"] = "weir"
        label["weir4"] = "weir, 4 threads"
        label["adaptive"] = "weir, adaptive sites"
        label["uv"] = "libuv"

        for (i = 1; i <= n; i++) {
            split(rows[i], part, ".")
            name = part[2] "." part[1]
            printf "| /%s | %s | %s | %s | %s | %s | %s | %.1f | %d |\n",
                part[1], label[part[2]],
                figure(name ".rate", high), figure(name ".p50", low),
                figure(name ".p99", low), figure(name ".max", low),
                figure(name ".cpu", low), high[name ".peak"],
                high[name ".errors"]
        }
        if (noisy)
            print "\n~ no run of this row was quiet: other load was on."
    }'

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The loopback registry does what the other tests believe of it. Asked through
# bash's own sockets: every byte that comes is seen.
# usage: registry.sh DEPS_REGISTRY
set -eu
registry=$1
work=$(mktemp -d)
pid=
end() {
    test -z "$pid" || { kill -TERM "$pid" && wait "$pid"; } 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT
failed=0
complain() {
    echo "registry.sh: $*" >&2
    failed=1
}

# start ARGUMENT...: sets pid, port, second.
start() {
    : >"$work/ready"
    "$registry" "$@" 3>"$work/ready" --ready-fd 3 >"$work/out" 2>&1 &
    pid=$!
    port=
    while test -z "$port"; do
        kill -0 $pid 2>/dev/null || { cat "$work/out" >&2; exit 1; }
        port=$(sed -n 's/^port //p' "$work/ready")
    done
    second=$(sed -n 's/^second //p' "$work/ready")
}
stop() {
    kill -TERM "$pid"
    wait "$pid" || complain "ended with $?"
    pid=
}

# ask PATH [HEADER]...: the answer's status in $status, its headers in
# $work/head, its body in $work/body. at: another port.
at=
ask() {
    local path=$1 line
    shift
    exec 4<>"/dev/tcp/127.0.0.1/${at:-$port}"
    {
        printf 'GET %s HTTP/1.1\r\nHost: here\r\n' "$path"
        test $# -eq 0 || printf '%s\r\n' "$@"
        printf 'Connection: close\r\n\r\n'
    } >&4
    # A reset ends what can be read, as a close does.
    timeout "${patience:-10}" cat <&4 >"$work/all" 2>"$work/error" || ended=$?
    exec 4>&-
    awk 'BEGIN {RS = "\r\n"} $0 == "" {exit} {print}' "$work/all" >"$work/head"
    status=$(sed -n '1s,HTTP/1.1 \([0-9]*\).*,\1,p' "$work/head")
    line=$(($(wc -c <"$work/head") + $(wc -l <"$work/head") + 2))
    tail -c +$((line + 1)) "$work/all" >"$work/body"
}
header() {
    sed -n "s/^$1: //Ip" "$work/head"
}
# want WHAT GOT EXPECTED
want() {
    test "$2" = "$3" || complain "$1: got \"$2\", not \"$3\""
}
want_status() {
    ask "${@:2}"
    want "$2" "$status" "$1"
}
# Everything that was promised came.
want_whole() {
    want "$1: length" "$(wc -c <"$work/body")" "$(header content-length)"
}
count() {
    ask /-/counts
    sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$work/body"
}
brief='Accept: application/vnd.npm.install-v1+json'
gzip='Accept-Encoding: gzip'

documents() {
    local name=$1 path etag since
    path=/${name/\//%2f}
    want_status 200 "$path" "$brief"
    want_whole brief
    cp "$work/body" "$work/brief"
    grep -q "^{\"name\":\"$name\",\"dist-tags\":{" "$work/brief" ||
        complain "$name: no document of it"
    want max-age "$(header cache-control)" "public, max-age=300"
    etag=$(header etag) since=$(header last-modified)
    want_status 304 "$path" "$brief" "If-None-Match: $etag"
    want_status 304 "$path" "$brief" "If-Modified-Since: $since"
    want_status 200 "$path" "$brief" 'If-None-Match: "other"'
    want_status 200 "$path" "$brief" "$gzip"
    want_whole gzip
    want encoding "$(header content-encoding)" gzip
    gunzip -c <"$work/body" | cmp -s - "$work/brief" ||
        complain "gzip is another document"
    want_status 200 "$path"
    grep -q '"readme":' "$work/body" || complain "no full document"
    test "$(header etag)" != "$etag" || complain "two documents, one ETag"
    want_status 200 "/$name" "$brief"
    cmp -s "$work/body" "$work/brief" || complain "/ is not %2f"
    want_status 200 "$path/latest"
    grep -q "^{\"name\":\"$name\",\"version\":" "$work/body" ||
        complain "no version's object"
    want_status 404 "$path/^1"
    want_status 404 "$path/99.0.0"
}

plain() {
    start --graph small --write-project "$work"
    ask /-/names
    want names "$(wc -l <"$work/body")" 40
    scoped=$(sed -n 's/%2f/\//p' "$work/body" | head -n 1)
    simple=$(grep -v % "$work/body" | head -n 1)
    documents "$scoped"
    documents "$simple"
    want_status 404 /no-such-package
    want error "$(cat "$work/body")" '{"error":"Not found"}'
    grep -q '"dependencies": {' "$work/package.json" || complain "no project"
    ask /-/reset
    # Two requests at once, in one segment.
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /%s HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n%s\r\n\r\n' \
        "$simple" 'Connection: close' >&4
    want pipelined \
        "$(timeout 10 cat <&4 | grep -ao 'HTTP/1.1 [24]0[04] ' | wc -l)" 2
    exec 4>&-
    want requests "$(count requests)" 2
    want connections "$(count in_flight)" 0
    test "$(count bytes_out)" -gt 1000 || complain "no bytes are counted"
    cp "$work/brief" "$work/first"
    stop
    start --graph small --tarballs "http://127.0.0.1:$port/"
    ask "/$simple" "$brief"
    cmp -s "$work/body" "$work/first" || complain "not the same again"
    stop
}

# Faults of which an answer is seen. fault KIND STATUS BYTES ENDS
lies() {
    start --graph none --second --retry-after 7
    local kind
    for kind in 401 403 404 429 500 502 503; do
        want_status $kind /fault-$kind
    done
    want_status 429 /fault-429-1
    want retry-after "$(header retry-after)" 7
    want_status 200 /fault-429-1
    want_status 304 /fault-304
    want_status 302 /fault-redirect
    want location "$(header location)" /-/moved/fault-redirect
    want_status 200 /-/moved/fault-redirect
    want_status 302 /fault-redirect-other
    want location "$(header location)" \
        "http://127.0.0.1:$second/-/moved/fault-redirect-other"
    want_status 302 /fault-redirect-loop
    want location "$(header location)" \
        "http://127.0.0.1:$port/fault-redirect-loop"
    ask /fault-longer
    test "$(header content-length)" -gt "$(wc -c <"$work/body")" ||
        complain "longer is not"
    ask /fault-shorter
    test "$(header content-length)" -lt "$(wc -c <"$work/body")" ||
        complain "shorter is not"
    ask /fault-close
    want close "$(wc -c <"$work/body")" $(($(header content-length) / 2))
    ended=0
    ask /fault-reset
    want reset $ended 1
    grep -q reset "$work/error" || complain "reset is none"
    ask /fault-hangup
    want hangup "$(wc -c <"$work/all")" 0
    for kind in garbage cut html empty deep wrong; do
        want_status 200 /fault-$kind
        want_whole $kind
    done
    want_status 200 /fault-cut-gzip
    want_whole cut-gzip
    gunzip -c <"$work/body" >"$work/error" 2>&1 && complain "cut-gzip is whole"
    want_status 200 /fault-bad-gzip
    want bad-gzip "$(header content-encoding)" gzip
    stop
}

sizes() {
    start --graph none --drip-ms 1
    want_status 200 /fault-bomb
    test "$(wc -c <"$work/body")" -lt 2000000 || complain "a large bomb"
    # Its size stands at its end; to inflate it would take seconds.
    want bomb "$(tail -c 4 "$work/body" | od -An -tu4 | tr -d ' ')" 1073741859
    want_status 200 /fault-giant
    want giant "$(gunzip -c <"$work/body" | grep -ao '"shasum"' | wc -l)" 50000
    want_status 200 /fault-headers
    test "$(wc -c <"$work/head")" -gt 4000000 || complain "few headers"
    want_status 200 /fault-chunked
    want chunked "$(header transfer-encoding)" chunked
    want_status 200 /fault-no-length
    want no-length "$(header content-length)" ''
    want_status 200 /fault-drip
    want_whole drip
    # Those that never end: they are still counted as under way.
    exec 5<>"/dev/tcp/127.0.0.1/$port" 6<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /fault-stall HTTP/1.1\r\n\r\n' >&5
    printf 'GET /fault-stall-body HTTP/1.1\r\n\r\n' >&6
    IFS= read -r -u 6 line
    want stall-body "$line" $'HTTP/1.1 200 OK\r'
    want stalled "$(count in_flight)" 2
    exec 5>&- 6>&-
    while test "$(count in_flight)" != 0; do :; done
    ask /-/counts
    grep -q '"stall": 1' "$work/body" || complain "faults are not counted"
    stop
}

doors() {
    mkdir "$work/docs"
    echo '{"name":"@s/hand"}' >"$work/docs/@s%2fhand.json"
    echo '{"name":"hand"}' >"$work/docs/hand.json"
    start --graph none --docs "$work/docs" --second --scope @s --token one \
        --second-token two --fault hand=503:2 --latency-ms 30
    want_status 401 /hand
    want_status 401 /hand 'Authorization: Bearer two'
    want_status 503 /hand 'Authorization: Bearer one'
    want_status 503 /hand 'Authorization: Bearer one'
    want_status 200 /hand 'Authorization: Bearer one'
    want hand "$(cat "$work/body")" '{"name":"hand"}'
    want_status 404 /@s%2fhand 'Authorization: Bearer one'
    at=$second
    want_status 401 /@s%2fhand 'Authorization: Bearer one'
    want_status 200 /@s%2fhand 'Authorization: Bearer two'
    want_status 404 /hand 'Authorization: Bearer two'
    at=
    want authorized "$(count authorized)" 8
    stop
}

# A parent that goes takes it along.
orphan() {
    mkfifo "$work/fifo"
    "$registry" --graph none <"$work/fifo" >"$work/out" &
    pid=$!
    exec 7>"$work/fifo"
    while ! grep -q port "$work/out"; do :; done
    exec 7>&-
    wait "$pid" || complain "orphan: ended with $?"
    pid=
    "$registry" --fault x=nothing >"$work/out" 2>&1 && complain "bad option"
    grep -q 'no such kind' "$work/out" || complain "bad option: no reason"
}

command -v gunzip >/dev/null || { echo "no gunzip"; exit 77; }
plain
lies
sizes
doors
orphan
exit $failed

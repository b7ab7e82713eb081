#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `weir deps fetch` promises, on the loopback registry.
# usage: fetch.sh CASE "WEIR DEPS COMMAND" DEPS_REGISTRY [WALK.mjs]
set -eu
case=$1 weir=$2 server=$3 walk=${4:-}
work=$(mktemp -d)
pids=()
end() {
    for pid in "${pids[@]}"; do
        { kill -TERM "$pid" && wait "$pid"; } 2>/dev/null || true
    done
    rm -rf "$work"
}
trap end EXIT
cd "$work"

# Nothing of whoever runs this gets in.
for name in $(env | sed -n 's/^\(npm_config_[^=]*\)=.*/\1/pi'); do
    unset "$name"
done
unset http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY
export HOME=$work/home XDG_CONFIG_HOME=$work/home
export npm_config_globalconfig=$work/global npm_config_userconfig=$work/user
mkdir home
export npm_config_fetch_retries=3 npm_config_fetch_retry_mintimeout=10
export npm_config_fetch_retry_maxtimeout=50 npm_config_fetch_timeout=20000

fail() {
    echo "fetch.sh $case: $*" >&2
    test ! -s err || sed 's/^/  /' err | head -20 >&2
    exit 1
}

# start ARGUMENT...: a registry; sets port, second, registry.
start() {
    local argument before=
    for argument in "$@"; do
        test "$before" != --write-project || mkdir -p "$argument"
        before=$argument
    done
    : >ready
    "$server" --tarballs http://example.com/ "$@" 3>ready --ready-fd 3 \
        >registry.out 2>&1 </dev/null &
    pids+=($!)
    port=
    while test -z "$port"; do
        kill -0 "${pids[-1]}" 2>/dev/null ||
            fail "no registry: $(cat registry.out)"
        port=$(sed -n 's/^port //p' ready)
    done
    second=$(sed -n 's/^second //p' ready)
    registry=http://127.0.0.1:$port/
}
count() { # of the registry's counts
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /-/counts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&4
    tr ',{}' '\n\n\n' <&4 | sed -n "s/^ *\"$1\": *//p" | tr -d ' \r'
    exec 4>&-
}

# fetch DIR OUTPUT [OPTION]...: status in $status.
fetch() {
    local dir=$1 output=$2
    shift 2
    status=0
    # shellcheck disable=SC2086
    timeout 120 $weir fetch "$dir" -o "$output" --node 20.0.0 "$@" \
        >out 2>err || status=$?
}
good() {
    fetch "$@"
    test "$status" = 0 || fail "status $status of $*"
}
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ ($3)"; }
project() { # DIR JSON
    mkdir -p "$1"
    printf '%s\n' "$2" >"$1/package.json"
}
# failing DIR CODE TEXT...: ends with 1, writes nothing, says all of that.
failing() {
    local dir=$1
    shift
    rm -f no.json
    fetch "$dir" no.json --registry "$registry" --cache "c-$dir"
    test "$status" = 1 || fail "status $status of $dir, not 1"
    test ! -e no.json || fail "$dir: half a document"
    for text in "$@"; do
        grep -qF -- "$text" err || fail "$dir: not said: $text"
    done
    test ! -s out || fail "$dir: something on standard output"
    leftovers
}
leftovers() {
    local files
    files=$(find . -maxdepth 1 -name '.weir*')
    test -z "$files" || fail "left behind: $files"
}

# ---- cases -----------------------------------------------------------------

case_identical() {
    start --graph medium --write-project p
    good p first.json --registry "$registry" --cache c-first
    for threads in 0 1 2 11 64; do
        for engine in workers owner; do
            local way="--threads $threads --engine $engine"
            # shellcheck disable=SC2086
            {
                good p a.json --registry "$registry" --cache "c$threads" $way
                same first.json a.json "cold, $way"
                good p a.json --registry "$registry" --cache "c$threads" $way
                same first.json a.json "warm, $way"
                good p a.json --registry "$registry" --cache "c$threads" \
                    --prefer-online $way
                same first.json a.json "asked again, $way"
                good p a.json --registry "$registry" --cache "c$threads" \
                    --offline $way
                same first.json a.json "offline, $way"
            }
            rm -rf "c$threads"
        done
    done
    good p a.json --registry "$registry" --cache c1 --parse-threads 1
    same first.json a.json "one parser"
    good p a.json --registry "$registry" --cache c2 --connections 1
    same first.json a.json "one connection"
}

case_faults_that_pass() {
    start --graph medium --write-project p
    good p first.json --registry "$registry" --cache c-first
    start --graph medium --chaos 150 --latency-ms 2 --retry-after 0
    for threads in 0 2 11; do
        for engine in workers owner; do
            good p a.json --registry "$registry" --cache c --verbose \
                --threads $threads --engine $engine
            same first.json a.json "faults, $threads $engine"
            rm -rf c
        done
    done
    start --graph medium --latency-ms 20 --chaos 150 --no-gzip --retry-after 0
    good p a.json --registry "$registry" --cache c
    same first.json a.json "latency, faults, no gzip"
    start --graph medium --no-etag --only-full --max-age 0
    good p a.json --registry "$registry" --cache c
    same first.json a.json "full documents"
    good p a.json --registry "$registry" --cache c
    same first.json a.json "full documents again"
    for fault in reset close hangup 429 500 503 cut-gzip longer bad-gzip; do
        start --graph none --retry-after 0
        project one "{\"dependencies\":{\"fault-$fault-2\":\"1\"}}"
        good one a.json --registry "$registry" --cache "c-$fault"
        grep -q '"version": "1.0.0"' a.json || fail "$fault: no version"
    done
}

case_faults_that_stay() {
    local fault memory=3000000
    export npm_config_fetch_retries=1 npm_config_fetch_timeout
    # A sanitizer takes terabytes of address space before main.
    # shellcheck disable=SC2086 # a command of two words
    (ulimit -v $memory; $weir fetch --help) >/dev/null 2>&1 || memory=unlimited
    start --graph none --retry-after 0
    for fault in stall stall-body longer reset close hangup 401 403 404 429 \
        500 502 503 redirect-loop garbage cut cut-gzip bad-gzip bomb huge deep \
        html empty; do
        project "$fault" "{\"dependencies\":{\"fault-$fault\":\"^1\"}}"
        # Those end by this alone. It tells nothing of the others: they have
        # time on a loaded machine.
        case $fault in
        stall | stall-body | longer) npm_config_fetch_timeout=300 ;;
        *) npm_config_fetch_timeout=20000 ;;
        esac
        (ulimit -v "$memory"; failing "$fault" "fault-$fault@^1 <- project") ||
            exit 1
    done
    failing 404 "weir deps: E404 "
    failing 401 "weir deps: E401 "
    failing garbage "weir deps: EJSONPARSE "
    # Everything that can be had is; what cannot is listed.
    start --graph none --retry-after 0
    project optional '{"optionalDependencies":{"fault-404":"^1",
        "fault-reset":"2","fault-garbage":"*"}}'
    good optional a.json --registry "$registry" --cache c-optional
    test "$(grep -c '"code": ' a.json)" = 3 || fail "not three are listed"
    grep -q '"code": "E404"' a.json || fail "no E404 in the document"
}

case_chains() {
    mkdir docs
    cat >docs/a.json <<END
{"name": "a", "dist-tags": {"latest": "1.2.3"}, "versions": {"1.2.3":
 {"name": "a", "version": "1.2.3", "dependencies": {"gone": "^4"},
  "optionalDependencies": {"lost": "~2"},
  "dist": {"tarball": "http://example.com/a", "integrity": "sha512-a"}}}}
END
    cat >docs/b.json <<END
{"name": "b", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0":
 {"name": "b", "version": "1.0.0", "dependencies": {"lost": "~2", "a": "9"},
  "dist": {"tarball": "http://example.com/b", "integrity": "sha512-b"}}}}
END
    start --graph none --docs docs
    project one '{"dependencies":{"a":"^1"}}'
    failing one "weir deps: E404 " "gone@^4 <- a@1.2.3 <- project"
    ! grep -q lost err || fail "an optional failure is told"
    project two '{"optionalDependencies":{"a":"^1"}}'
    good two a.json --registry "$registry" --cache c
    grep -q '"by": "a@1.2.3"' a.json || fail "no requirer"
    # To `lost` there is another way, which is not optional.
    project three '{"optionalDependencies":{"a":"^1"},"dependencies":{"b":"*"}}'
    failing three "lost@~2 <- b@1.0.0 <- project" "ETARGET" \
        "a@9 <- b@1.0.0 <- project"
    # A workspace is named by its path.
    project four '{"name":"four","workspaces":["packages/*"]}'
    project four/packages/w '{"name":"w","version":"1.0.0",
        "devDependencies":{"gone":"1"}}'
    failing four "gone@1 <- packages/w"
    status=0
    $weir fetch one --registry "$registry" --cache c --json >out 2>err ||
        status=$?
    test "$status" = 1 || fail "status $status"
    grep -q '"code": "E404"' out || fail "no JSON error"
    grep -q 'gone@^4 <- a@1.2.3 <- project' out || fail "no chain in the detail"
}

# What a registry and a project may call things.
case_names() {
    start --graph none
    project empty '{"dependencies":{"":"1"}}'
    failing empty "EINVALIDPACKAGENAME"
    test "$(count requests)" = 0 || fail "the registry itself was asked for"
    project ugly '{"dependencies":{"a\u001b[31m":"1","b":"\u009b31m",
        "c":"\u0007\u007f"}}'
    failing ugly "EINVALIDPACKAGENAME" "EINVALIDTAGNAME"
    ! LC_ALL=C grep -q "$(printf '[\001-\010\033\177]')" err ||
        fail "a control character"
    ! grep -qF "$(printf '\302\233')" err || fail "a control character"
    project long "{\"dependencies\":{\"$(printf 'x%.0s' {1..5000})\":\"1\"}}"
    failing long "xxx... <- project"
    # Each of many failures is told.
    {
        printf '{"dependencies":{"x":"1"'
        printf ',"fault-404-%d":"1"' {1000..1249}
        echo '}}'
    } >many.json
    project many "$(cat many.json)"
    failing many "fault-404-1000@1 <- project" "fault-404-1249@1 <- project"
    test "$(grep -c ' <- project' err)" = 251 || fail "not all are told"
}

case_closed() {
    local all before pid
    start --graph small --write-project p
    good p first.json --registry "$registry" --cache c-first
    all=$(count requests)
    status=0
    # shellcheck disable=SC2086
    $weir fetch p --registry "$registry" --cache c --node 20.0.0 \
        <&- >&- 2>err || status=$?
    test "$status" = 1 || fail "standard output is closed: status $status"
    grep -q EBADF err || fail "not said: EBADF"
    # shellcheck disable=SC2086
    $weir fetch p -o a.json --registry "$registry" --cache c-all \
        --node 20.0.0 --verbose <&- >&- 2>&- || fail "all is closed"
    same first.json a.json "all is closed"
    ! grep -rq "^items " c c-all || fail "figures in the cache"
    # A pipe that nobody reads from can be left.
    mkfifo pipe
    before=$(count requests)
    # shellcheck disable=SC2086
    env --default-signal=INT timeout -s KILL 120 $weir fetch p -o pipe \
        --registry "$registry" --cache c-pipe --node 20.0.0 >out 2>err &
    pid=$!
    # It listens to signals by then, and has what it will write, or nearly.
    while test $(($(count requests) - before)) -lt "$all"; do
        kill -0 $pid 2>/dev/null || fail "it ended by itself"
    done
    while kill -0 $pid 2>/dev/null; do
        sleep 0.2
        # Of timeout's child: it shall be that one that is told.
        pkill -INT -P $pid 2>/dev/null || true
    done
    status=0
    wait $pid || status=$?
    test "$status" = 130 || fail "status $status of a pipe that is left"
    grep -q SIGINT err || fail "nothing said of SIGINT"
}

case_semantics() {
    mkdir docs
    local needs_a needs_b name
    needs_a='"dependencies": {"b": "^1", "in": "1"},
        "bundleDependencies": ["in"], "devDependencies": {"never": "1"},
        "peerDependencies": {"peer": "1.0.0", "maybe": "1"},
        "peerDependenciesMeta": {"maybe": {"optional": true}},'
    needs_b='"dependencies": {"c": "^1", "d": "~1.0.0"},
        "optionalDependencies": {"e": "next"}, "_hasShrinkwrap": true,'
    for name in a b c d e peer; do
        local needs=needs_$name
        cat >docs/$name.json <<END
{"name": "$name", "dist-tags": {"latest": "1.1.0", "next": "2.0.0-rc.1"},
 "versions": {
  "1.0.0": {"name": "$name", "version": "1.0.0",
   "dist": {"tarball": "http://example.com/$name-1.0.0",
    "integrity": "sha512-$name"}},
  "1.1.0": {"name": "$name", "version": "1.1.0", ${!needs:-}
   "dist": {"tarball": "http://example.com/$name-1.1.0",
    "shasum": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}},
  "2.0.0-rc.1": {"name": "$name", "version": "2.0.0-rc.1",
   "dist": {"tarball": "http://example.com/$name-2"}}}}
END
    done
    start --graph none --docs docs
    project p '{"name":"p","version":"3.0.0",
        "dependencies":{"a":"^1","other":"npm:b@1.x","git":"user/repo",
            "tar":"http://example.com/x.tgz","folder":"file:./folder"},
        "devDependencies":{"peer":""},
        "overrides":{"c":"1.0.0","d@^1":"npm:c@1.1.0","e":"1.0.0"}}'
    good p a.json --registry "$registry" --cache c
    cat >expected.json <<'END'
{
  "format": 1,
  "project": {
    "name": "p",
    "version": "3.0.0"
  },
  "packages": [
    {
      "name": "a",
      "spec": "^1",
      "version": "1.1.0",
      "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
      "tarball": "http://example.com/a-1.1.0",
      "bundled": [
        "in"
      ],
      "requirers": [
        {
          "by": ".",
          "type": "prod"
        }
      ]
    },
    {
      "name": "b",
      "spec": "1.x",
      "version": "1.1.0",
      "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
      "tarball": "http://example.com/b-1.1.0",
      "shrinkwrap": true,
      "requirers": [
        {
          "by": ".",
          "type": "prod",
          "as": "other"
        }
      ]
    },
    {
      "name": "b",
      "spec": "^1",
      "version": "1.1.0",
      "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
      "tarball": "http://example.com/b-1.1.0",
      "shrinkwrap": true,
      "requirers": [
        {
          "by": "a@1.1.0",
          "type": "prod"
        }
      ]
    },
    {
      "name": "c",
      "spec": "1.0.0",
      "version": "1.0.0",
      "integrity": "sha512-c",
      "tarball": "http://example.com/c-1.0.0",
      "requirers": [
        {
          "by": "b@1.1.0",
          "type": "prod"
        }
      ]
    },
    {
      "name": "c",
      "spec": "1.1.0",
      "version": "1.1.0",
      "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
      "tarball": "http://example.com/c-1.1.0",
      "requirers": [
        {
          "by": "b@1.1.0",
          "type": "prod",
          "as": "d"
        }
      ]
    },
    {
      "name": "e",
      "spec": "1.0.0",
      "version": "1.0.0",
      "integrity": "sha512-e",
      "tarball": "http://example.com/e-1.0.0",
      "requirers": [
        {
          "by": "b@1.1.0",
          "type": "optional"
        }
      ]
    },
    {
      "name": "peer",
      "spec": "*",
      "version": "1.1.0",
      "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
      "tarball": "http://example.com/peer-1.1.0",
      "requirers": [
        {
          "by": ".",
          "type": "dev"
        }
      ]
    },
    {
      "name": "peer",
      "spec": "1.0.0",
      "version": "1.0.0",
      "integrity": "sha512-peer",
      "tarball": "http://example.com/peer-1.0.0",
      "requirers": [
        {
          "by": "a@1.1.0",
          "type": "peer"
        }
      ]
    }
  ],
  "other": [
    {
      "name": "folder",
      "spec": "file:./folder",
      "type": "directory",
      "requirers": [
        {
          "by": ".",
          "type": "prod"
        }
      ]
    },
    {
      "name": "git",
      "spec": "user/repo",
      "type": "git",
      "requirers": [
        {
          "by": ".",
          "type": "prod"
        }
      ]
    },
    {
      "name": "tar",
      "spec": "http://example.com/x.tgz",
      "type": "remote",
      "requirers": [
        {
          "by": ".",
          "type": "prod"
        }
      ]
    }
  ],
  "failed": []
}
END
    diff -u expected.json a.json >err || fail "another document"
    npm_config_legacy_peer_deps=true good p a.json --registry "$registry" \
        --cache c
    ! grep -q '"type": "peer"' a.json || fail "legacy-peer-deps: a peer"
    printf 'before=2020-01-01\n' >p/.npmrc
    failing p "not supported yet"
}

case_workspaces() {
    mkdir docs
    cat >docs/w2.json <<'END'
{"name": "w2", "dist-tags": {"latest": "9.0.0"}, "versions": {"9.0.0":
 {"name": "w2", "version": "9.0.0", "dependencies": {"w1": "^1"},
  "dist": {"tarball": "http://example.com/w2"}}}}
END
    start --graph none --docs docs
    project p '{"name":"p","workspaces":["packages/*"]}'
    project p/packages/w1 '{"name":"w1","version":"1.5.0",
        "dependencies":{"w2":"^9"}}'
    project p/packages/w2 '{"name":"w2","version":"2.0.0",
        "devDependencies":{"w1":"^1.2","w1b":"npm:w2@9.0.0"},
        "peerDependencies":{"w2":"*"}}'
    good p a.json --registry "$registry" --cache c
    cat >expected.json <<'END'
{
  "format": 1,
  "project": {
    "name": "p",
    "workspaces": [
      {
        "path": "packages/w1",
        "name": "w1",
        "version": "1.5.0"
      },
      {
        "path": "packages/w2",
        "name": "w2",
        "version": "2.0.0"
      }
    ]
  },
  "packages": [
    {
      "name": "w2",
      "spec": "9.0.0",
      "version": "9.0.0",
      "tarball": "http://example.com/w2",
      "requirers": [
        {
          "by": "packages/w2",
          "type": "dev",
          "as": "w1b"
        }
      ]
    },
    {
      "name": "w2",
      "spec": "^9",
      "version": "9.0.0",
      "tarball": "http://example.com/w2",
      "requirers": [
        {
          "by": "packages/w1",
          "type": "prod"
        }
      ]
    }
  ],
  "other": [],
  "failed": []
}
END
    diff -u expected.json a.json >err || fail "another document"
}

case_tokens() {
    start --graph small --write-project p --token secret --second \
        --second-token other --scope @s
    failing p E401
    echo "//127.0.0.1:$port/:_authToken=secret" >user
    echo "//127.0.0.1:$second/:_authToken=other" >>user
    good p a.json --registry "$registry" --cache c
    mkdir docs
    echo '{"name":"@s/x","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":
        {"name":"@s/x","version":"1.0.0","dist":{}}}}' >docs/@s%2fx.json
    start --graph none --docs docs --token secret --second \
        --second-token other --scope @s
    echo "//127.0.0.1:$port/:_authToken=secret" >user
    echo "//127.0.0.1:$second/:_authToken=other" >>user
    project q '{"dependencies":{"@s/x":"1"}}'
    failing q "@s/x@1 <- project"
    echo "@s:registry=http://127.0.0.1:$second/" >q/.npmrc
    good q a.json --registry "$registry" --cache c-q
    grep -q '"@s/x"' a.json || fail "not the scope's registry"
    # A scope alone is enough.
    good q b.json --cache c-r
    same a.json b.json "with and without a registry"
}

case_count() {
    command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
    start --graph ui --write-project p
    node "$walk" p "$registry" --list >walked 2>err || {
        test $? != 77 || { echo "skipped: $(cat err)"; exit 77; }
        fail "the walk"
    }
    # shellcheck disable=SC2046
    good p a.json --registry "$registry" --cache c --node "$(node --version)"
    sed -n 's/^      "\(name\|spec\|version\)": "\(.*\)",$/\2/p' a.json |
        paste -d' ' - - - | LC_ALL=C sort >found
    grep -vE '^(items|packages|versions|failed|requests) [0-9]+$' walked |
        tr '\t' ' ' | LC_ALL=C sort >expected
    cmp -s expected found || {
        diff expected found | head -20 >err
        fail "$(wc -l <expected) items walked, $(wc -l <found) found"
    }
    test "$(wc -l <found)" -gt 4500 || fail "only $(wc -l <found) items"
    echo "$(wc -l <found) items"
}

case_killed() {
    start --graph medium --write-project p
    good p first.json --registry "$registry" --cache c-first
    for i in $(seq 1 12); do
        rm -f a.json
        # shellcheck disable=SC2086
        $weir fetch p -o a.json --node 20.0.0 --registry "$registry" \
            --cache c >/dev/null 2>&1 &
        sleep "0.0$((i % 4))$((RANDOM % 10))"
        kill -KILL $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        test ! -e a.json || same first.json a.json "killed, and yet written"
        test $((i % 4)) != 0 || {
            good p a.json --registry "$registry" --cache c
            same first.json a.json "after kill"
            good p a.json --offline --registry "$registry" --cache c
            same first.json a.json "after kill, offline"
            rm -rf c
        }
    done
    leftovers
}

case_at_once() {
    local runs=()
    start --graph medium --write-project p
    good p first.json --registry "$registry" --cache c-first
    for i in 1 2 3 4; do
        $weir fetch p -o "a$i.json" --node 20.0.0 --registry "$registry" \
            --cache c >/dev/null 2>"err$i" &
        runs+=($!)
    done
    for i in 1 2 3 4; do
        wait "${runs[$((i - 1))]}" || { cp "err$i" err; fail "run $i"; }
        same first.json "a$i.json" "four at once"
    done
    good p a.json --offline --registry "$registry" --cache c
    same first.json a.json "offline, after four at once"
}

case_interrupted() {
    start --graph medium --write-project p --latency-ms 100
    echo before >a.json
    # So many requests have come when the signal is sent.
    for way in "INT 130 1 2" "TERM 143 100 2" "INT 130 200 0" \
        "TERM 143 400 1"; do
        local before
        before=$(count requests)
        # shellcheck disable=SC2086
        set -- $way
        # env: a shell starts what is in the background without SIGINT.
        env --default-signal=INT $weir fetch p -o a.json --threads "$4" \
            --node 20.0.0 --registry "$registry" --cache "c$1$4" \
            >out 2>err &
        while test $(($(count requests) - before)) -lt "$3"; do
            kill -0 $! 2>/dev/null || fail "it ended by itself"
        done
        kill "-$1" $! 2>/dev/null || true
        status=0
        wait $! || status=$?
        test "$status" = "$2" || fail "status $status after SIG$1, not $2"
        grep -q "SIG$1" err || fail "nothing said of SIG$1"
        test "$(cat a.json)" = before || fail "something was written"
        leftovers
    done
}

case_command_line() {
    project p '{"dependencies":{"x":"1"}}'
    fetch p no.json --cache c
    test "$status" = 1 || fail "no registry: status $status"
    grep -q "no registry is configured: set registry=" err ||
        fail "no line that says what to set"
    test "$(wc -l <err)" = 1 || fail "more than a line"
    start --graph none
    for arguments in "" "fetch" "fetch p q" "fetch p --threads x" \
        "fetch p --engine z" "fetch p --trace x.txt" "fetch p --wrong" \
        "fetch p -o" "fetch p --node y" "wrong"; do
        status=0
        # shellcheck disable=SC2086
        timeout 20 $weir $arguments >out 2>err || status=$?
        test "$status" = 2 || fail "status $status of '$arguments'"
        test -s err || fail "nothing said of '$arguments'"
    done
    # shellcheck disable=SC2086
    $weir fetch --help >out || fail "--help"
    grep -q Examples out || fail "no examples"
    project none '{}'
    rm none/package.json
    fetch none no.json --registry "$registry" --cache c
    test "$status" = 1 || fail "no package.json: status $status"
    echo '{' >p/package.json
    fetch p no.json --registry "$registry" --cache c
    test "$status" = 1 || fail "no JSON: status $status"
    grep -q EJSONPARSE err || fail "no EJSONPARSE"
    # Nothing to do is done.
    echo '{}' >p/package.json
    good p empty.json --registry "$registry" --cache c
    # shellcheck disable=SC2086
    $weir fetch p --registry "$registry" --cache c >out 2>err ||
        fail "to standard output"
    same empty.json out "standard output"
    status=0
    # shellcheck disable=SC2086
    $weir fetch p --registry "$registry" --cache c >/dev/full 2>err ||
        status=$?
    test "$status" = 1 && test -s err || fail "a full disk: status $status"
    fetch p no/where.json --registry "$registry" --cache c
    test "$status" = 1 && test -s err || fail "no folder: status $status"
    ln -s target.json link.json
    echo old >target.json
    good p link.json --registry "$registry" --cache c
    test -L link.json || fail "a link was replaced"
    same empty.json target.json "through a link"
    good p a.json --registry "$registry" --cache c --verbose \
        --trace timeline.svg --progress
    grep -q '<svg' timeline.svg || fail "no timeline"
    grep -q '^wall ' err || fail "no times"
    start --graph small --write-project q
    good q a.json --registry "$registry" --cache c --trace timeline.json
    grep -q traceEvents timeline.json || fail "no timeline"
    leftovers
}

"case_$case"

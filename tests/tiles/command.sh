#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `weir tiles` promises on its command line.
# usage: command.sh CASE WEIR
set -eu
export LC_ALL=C
case=$1 weir=$2
work=$(mktemp -d)
end() { rm -rf "$work"; }
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work"

fail() {
    echo "command.sh $case: $*" >&2
    test ! -s err || sed 's/^/  /' err | head -20 >&2
    exit 1
}
# tiles ARGUMENT...: one run; its status in $status.
tiles() {
    status=0
    timeout -k 5 200 "$weir" tiles "$@" >out 2>err || status=$?
}
good() {
    tiles "$@"
    test "$status" = 0 || fail "status $status of: $*"
    test ! -s err || fail "it said something: $*"
}
# refused STATUS TEXT ARGUMENT...: one line with that text, and nothing else.
refused() {
    local expected=$1 text=$2
    shift 2
    tiles "$@"
    test "$status" = "$expected" || fail "status $status of: $*"
    test "$(wc -l <err)" = 1 || fail "not one line: $*"
    grep -qF -- "$text" err || fail "not '$text': $*"
    test ! -s out || fail "it printed something: $*"
}
# figure NAME: that number of a report.
figure() { sed -n "s/^  \"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" report.json; }

banner='%%MatrixMarket matrix'

# A library that several threads may not call at once, or none.
tiles gemm --size 1 --workers threads:2
if grep -q OpenBLAS err; then
    echo "skipped: $(cat err)"
    exit 77
fi

help() {
    tiles --help
    test "$status" = 0 || fail "status $status"
    cp out help
    tiles lu --size 3 -h
    cmp -s out help || fail "-h is another page"
    for option in size seed input type tile workers kill-worker output \
        pivots timeline dot report quiet help; do
        grep -q -- "--$option" help || fail "no --$option"
    done
    # And what is there, exists.
    for option in $(grep -o '^  --[a-z-]*' help | sort -u); do
        tiles cholesky --size 2 "$option"
        ! grep -q "no option" err || fail "$option is none"
    done
    tiles
    test "$status" = 2 || fail "status $status without arguments"
    cmp -s err help || fail "without arguments it says another thing"
}

usage() {
    refused 2 "it is cholesky, lu or gemm, not qr" qr --size 2
    refused 2 "it is cholesky, lu or gemm, not --size" --size 2
    refused 2 "say --size, or --input" cholesky
    refused 2 "exclude each other" cholesky --size 2 --input a
    refused 2 "no option --sise" cholesky --sise 2
    refused 2 "a value is missing after --size" cholesky --size
    refused 2 "a value is missing after --size" cholesky --size=
    refused 2 "one algorithm alone, not also lu" cholesky lu
    for number in 0 -1 2x 1048577 99999999999999999999 ' 2'; do
        refused 2 "--size takes a number from 1 to 1048576, not '$number'" \
            cholesky "--size=$number"
        refused 2 "--tile takes a number from 1 to 1048576, not '$number'" \
            cholesky --size 2 "--tile=$number"
    done
    refused 2 "--type is double or single, not half" lu --size 2 --type half
    for workers in 2 procs threads procs=2 mpi:2; do
        refused 2 "--workers is threads:N or procs:N, not $workers" \
            lu --size 2 --workers $workers
    done
    refused 2 "--workers takes a number from 1 to 1024, not '0'" \
        lu --size 2 --workers procs:0
    refused 2 "--workers takes a number from 1 to 1024, not ''" \
        lu --size 2 --workers threads:
    refused 2 "--kill-worker needs --workers procs:N" \
        lu --size 2 --kill-worker 0
    refused 2 "--kill-worker names none of the processes" \
        lu --size 2 --workers procs:2 --kill-worker 2
    refused 2 "only gemm has a second --input" lu --input a --input b
    refused 2 "--input is given twice at most, not also c" \
        gemm --input a --input b --input c
    refused 2 "only lu has --pivots" cholesky --size 2 --pivots p
    refused 2 "take larger tiles" gemm --size 1000 --tile 1
    refused 1 "not enough memory for matrices of order 1048576" \
        cholesky --size 1048576 --tile 100000
    # As long as it may be, and longer.
    long=$(printf 'x%.0s' $(seq 3000))
    refused 2 "no option" cholesky "--$long"
}

input() {
    refused 3 "none.mtx: No such file or directory" lu --input none.mtx
    refused 3 ".: Is a directory" lu --input .
    printf '%s\n' "$banner array real general" '2 2' 1 2 oops 4 >bad.mtx
    refused 3 "bad.mtx: line 5: 'oops' is no finite number" lu --input bad.mtx
    printf '%s\n' "$banner coordinate real general" '2 2 3' '1 1 1' >cut.mtx
    refused 3 "cut.mtx: line 3: the file ends after 1 of 3 entries" \
        lu --input cut.mtx --workers procs:2
    printf '\0\0\0\0\0\0\360?' >one.raw # 1.0
    printf '%s\n' "$banner coordinate real general" '9 9 1' '1 1 1' >nine.mtx
    refused 3 "nine.mtx: the order is 9, that of one.raw is 1" \
        gemm --input one.raw --input nine.mtx
    printf abc >odd.raw
    refused 3 "odd.raw: 3 bytes are no square of numbers of 8 bytes" \
        gemm --input odd.raw
    printf '%s\n' "$banner array real general" '2 2' 4 1 2 4 >askew.mtx
    refused 3 "askew.mtx: it is not symmetric: row 2, column 1 is 1, row 1," \
        cholesky --input askew.mtx
    # [4 2; 2 5] = [2 0; 1 2] [2 1; 0 2]
    printf '%s\n' "$banner coordinate integer symmetric" '% mine' '2 2 3' \
        '1 1 4' '2 1 2' '2 2 5' >good.mtx
    good cholesky --input good.mtx --output factor.mtx
    printf '%s\n' "$banner array real general" '2 2' 2 1 0 2 >right.mtx
    cmp factor.mtx right.mtx || fail "the factor is another"
    good lu --input askew.mtx --output factor.mtx --pivots rows
    printf '%s\n' "$banner array real general" '2 2' 4 0.25 2 3.5 >right.mtx
    cmp factor.mtx right.mtx || fail "the factors are others"
    printf '1\n2\n' | cmp - rows || fail "the pivots are others"
    good gemm --input good.mtx --output square.mtx
    printf '%s\n' "$banner array real general" '2 2' 20 18 18 29 >right.mtx
    cmp square.mtx right.mtx || fail "the square is another"
    good gemm --input good.mtx --input askew.mtx --output product.mtx
    printf '%s\n' "$banner array real general" '2 2' 18 13 16 24 >right.mtx
    cmp product.mtx right.mtx || fail "the product is another"
    # From a pipe.
    good cholesky --input <(cat good.mtx) --output piped.mtx
    printf '%s\n' "$banner array real general" '2 2' 2 1 0 2 |
        cmp - piped.mtx || fail "from a pipe the factor is another"
}

output() {
    for algorithm in cholesky lu gemm; do
        for type in double single; do
            good $algorithm --size 100 --tile 30 --type $type --seed 7 \
                --output a.raw --workers threads:1
            for workers in threads:3 procs:1 procs:3; do
                good $algorithm --size 100 --tile 30 --type $type --seed 7 \
                    --output b.raw --workers $workers
                cmp a.raw b.raw || fail "$algorithm: other bytes on $workers"
            done
            good $algorithm --size 100 --tile 30 --type $type --seed 8 \
                --output b.raw
            ! cmp -s a.raw b.raw || fail "$algorithm: the seed does nothing"
        done
    done
    # What is there stays there if there is nothing better.
    echo old >kept
    printf '%s\n' "$banner array real general" '1 1' -1 >negative.mtx
    refused 4 "minor 1 is not positive" \
        cholesky --input negative.mtx --output kept
    test "$(cat kept)" = old || fail "a failed run wrote its output"
    refused 1 "no/where: No such file" lu --size 9 --output no/where
    refused 1 "/dev/full: No space left on device" \
        lu --size 100 --output /dev/full
    test -z "$(ls -A | grep '^\.weir')" || fail "a file was left behind"
}

singular() {
    printf '%s\n' "$banner coordinate real general" '3 3 2' '1 1 1' '2 2 1' \
        >s.mtx
    for workers in threads:2 procs:2; do
        refused 4 "minor 3 is not positive" \
            cholesky --input s.mtx --tile 1 --workers $workers
        refused 4 "no pivot is left in column 3" \
            lu --input s.mtx --tile 2 --workers $workers
    done
}

figures() {
    for workers in threads:2 procs:2; do
        good cholesky --size 300 --tile 50 --workers $workers \
            --report report.json
        test "$(figure tasks)" = 56 || fail "tasks: $(figure tasks)"
        test "$(figure edges)" = 105 || fail "edges: $(figure edges)"
        test "$(figure order)" = 300 || fail "order: $(figure order)"
        test "$(figure lost)" = 0 || fail "lost: $(figure lost)"
        for line in '^residual  *[0-9.e-]* (at most 16)$' \
            '^time  *[0-9.]* s, [0-9.]* GFLOP/s$' '^tasks  *56, edges 105$' \
            '^critical  *[0-9.]* s, [0-9]* tasks$' \
            '^worker 0 *[0-9.]* % busy, [0-9]* tasks$' \
            '^worker 1 *[0-9.]* % busy, [0-9]* tasks$'; do
            grep -q "$line" out || fail "not said: $line"
        done
        good cholesky --size 300 --tile 50 --workers $workers --quiet
        test ! -s out || fail "quiet, it says something"
    done
}

pictures() {
    for workers in threads:2 procs:2; do
        good lu --size 90 --tile 30 --workers $workers --dot g.dot \
            --timeline t.svg
        test "$(grep -c 'label=' g.dot)" = 13 || fail "not 13 tasks"
        grep -q 't1 \[label="getrf\\n0,0 step 0"' g.dot || fail "no getrf"
        grep -q 't1 -> t2' g.dot || fail "no edge from 1 to 2"
        grep -q '<svg' t.svg || fail "no picture"
        grep -q 'getrf' t.svg || fail "no getrf in the picture"
        sort g.dot >"g.${workers%:*}"
    done
    cmp g.threads g.procs || fail "the graphs differ"
}

killed() {
    for algorithm in cholesky lu gemm; do
        good $algorithm --size 400 --tile 50 --output a.raw
        for worker in 0 1; do
            good $algorithm --size 400 --tile 50 --workers procs:2 \
                --kill-worker $worker --output b.raw --report report.json
            cmp a.raw b.raw || fail "$algorithm: other bytes after a kill"
            test "$(figure killed)" = 1 || fail "nobody was killed"
            grep -q '^lost .* with 1 killed process' out ||
                fail "the loss is not told"
        done
    done
}

# Whoever ends it leaves neither processes nor files.
ended() {
    for signal in HUP TERM KILL; do
        "$weir" tiles lu --size 1500 --tile 10 --workers procs:2 \
            --output never.raw >out 2>err &
        pid=$!
        # Until there are the zygote and its processes.
        for _ in $(seq 2000); do
            zygote=$(cat /proc/$pid/task/*/children 2>/dev/null) || true
            children=$(cat /proc/${zygote%% *}/task/*/children \
                2>/dev/null) || true
            test "$(echo "$children" | wc -w)" -lt 2 || break
            kill -0 $pid 2>/dev/null || fail "it ended too early"
        done
        kill -$signal $pid
        { wait $pid; } 2>/dev/null || true
        for child in $zygote $children; do
            for _ in $(seq 2000); do
                kill -0 "$child" 2>/dev/null || break
                state=$(sed 's/.*) \(.\).*/\1/' "/proc/$child/stat" \
                    2>/dev/null) || true
                test "$state" != Z || break
            done
            ! kill -0 "$child" 2>/dev/null || test "$state" = Z ||
                fail "after SIG$signal process $child is left"
        done
        test ! -e never.raw || fail "after SIG$signal there is a file"
    done
}

$case

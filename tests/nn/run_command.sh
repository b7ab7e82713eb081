#!/bin/sh
# SPDX-License-Identifier: MIT
# `weir run`: what it prints and writes, and how it fails: one line, status 1
# (it failed) or 2 (the command line is wrong), and no file.
# usage: run_command.sh WEIR DATA PART
#   DATA: folder of ONNX's test models
#   PART: right | usage | failures | damaged
set -eu
weir=$1
data=$2
part=$3
test -f "$data/node/test_add/model.onnx" ||
    { echo "skipped: no ONNX test data (package libonnx-testdata)"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/out"
cd "$folder"
add=$data/node/test_add/model.onnx
x=$data/node/test_add/test_data_set_0/input_0.pb
y=$data/node/test_add/test_data_set_0/input_1.pb
sum=$data/node/test_add/test_data_set_0/output_0.pb

fail() {
    echo "$*" >&2
    cat err >&2
    exit 1
}

# expect STATUS WORDS ARGS...: `weir run ARGS` ends so; a failure is one line
# with WORDS in it, and leaves nothing in out/.
expect() {
    wanted=$1
    words=$2
    shift 2
    status=0
    $weir run "$@" >said 2>err || status=$?
    test $status -eq "$wanted" || fail "$*: status $status, not $wanted"
    test $status -eq 0 && return
    test "$(wc -l <err)" -eq 1 || fail "$*: not one line"
    grep -qF -- "$words" err || fail "$*: the line lacks '$words'"
    test -z "$(ls -A out)" || fail "$*: left $(ls -A out)"
}

says() {
    grep -qE -- "$1" said || { cat said; fail "it does not say '$1'"; }
}

# The elements of a .npy, and of a TensorProto that ends with its raw data.
last_bytes() {
    tail -c 240 "$1" | od -An -tx1
}

case $part in
right)
    expect 0 "" --help
    says '^Usage: weir run'
    says '^Examples:'
    # Inputs of ONNX's, the recorded output; then our own file as an input.
    expect 0 "" -i "x=$x" --input "y=$y" -o sum=out/sum.npy "$add"
    says '^model    model.onnx: 1 nodes, 1 after compiling$'
    says '^compile  [0-9.]+ ms$'
    says '^run      [0-9.]+ ms$'
    says '^output   sum float32\[3,4,5\]: 1.091592'
    last_bytes "$sum" >wanted
    last_bytes out/sum.npy | cmp - wanted || fail "another sum"
    expect 0 "" -i x=out/sum.npy -i y=zeros -o sum=out/again.npy "$add"
    cmp out/sum.npy out/again.npy || fail "sum + 0 is not sum"
    # It replaces what is there, raw bytes are read, shapes may be said.
    tail -c 240 out/sum.npy >out/raw
    expect 0 "" -i x:3x4x5=out/raw -i y=zeros:3,4,5 -o sum=out/again.npy "$add"
    cmp out/sum.npy out/again.npy || fail "raw bytes are not those"
    # Ones; the random ones are the same each time, others with another seed.
    expect 0 "" -i x=ones -i y=ones "$add"
    says '^output   sum .*: 2 2 2 2 [.]{3}; 2 to 2, sum 120$'
    expect 0 "" -i x=random -i y=random -o sum=out/1.npy "$add"
    expect 0 "" -i x=random -i y=random -o sum=out/2.npy --threads 1 "$add"
    expect 0 "" -i x=random -i y=random -o sum=out/3.npy --seed 1 "$add"
    cmp out/1.npy out/2.npy || fail "random is not the same each time"
    cmp -s out/1.npy out/3.npy && fail "another seed is the same"
    expect 0 "" -i x=random -i y=ones -n -p -r 5 --check --without=fusion \
        --without=sharing --trace=out/run.svg "$add"
    says '^run      first .* of 5: least'
    says '^ +0  Add '
    says ' 1 nodes$'
    says '^check    the same bits'
    grep -q '<svg' out/run.svg || fail "no picture"
    expect 0 "" -i x=random -i y=ones --trace=out/run.json "$add"
    grep -q traceEvents out/run.json || fail "no events"
    ;;
usage)
    expect 2 "no model given"
    expect 2 "more than one model" a b
    expect 2 "no such option: --bad" --bad "$add"
    expect 2 "-r needs a value" "$add" -r
    expect 2 "--repeat takes a number" -r -1 "$add"
    expect 2 "--threads takes a number" -t many "$add"
    expect 2 "--input takes NAME=" -i x "$add"
    expect 2 "--without takes" --without=sense "$add"
    expect 2 "--trace takes" --trace=run.png "$add"
    expect 2 "no input 'z'" -i z=zeros "$add"
    expect 2 "no input 'x:0x1'" -i x:0x1=zeros "$add"
    expect 2 "'x' twice" -i x=zeros -i x=zeros "$add"
    expect 2 "input 'y', float32[3,4,5], is not given" -i x=zeros "$add"
    expect 2 "no output 'z'" -i x=zeros -i y=zeros -o z=out/z.npy "$add"
    expect 2 "is no shape" -i x=zeros:3x -i y=zeros "$add"
    ;;
failures)
    expect 1 "No such file" nothing.onnx
    expect 1 "Is a directory" .
    expect 1 "nothing.npy: No such file" -i x=nothing.npy -i y=zeros "$add"
    printf 'nonsense' >bad
    cp bad bad.npy
    cp bad bad.pb
    expect 1 "bad.npy: not a .npy file" -i x=bad.npy -i y=zeros "$add"
    expect 1 "bad.pb: " -i x=bad.pb -i y=zeros "$add"
    expect 1 "8 bytes, but float32[3,4,5] has 240" -i x=bad -i y=zeros "$add"
    expect 1 "bad: not an ONNX model" -i x=zeros bad
    expect 1 "input 'x' is float32[3,4,5]" -i x=zeros:9x9 -i y=zeros "$add"
    expect 1 "cannot write" -i x=zeros -i y=zeros -o sum=no/where.npy "$add"
    expect 1 "(Unique): this operator is not supported" -i X=zeros \
        "$data/node/test_unique_sorted_without_axis/model.onnx"
    ;;
damaged)
    size=$(wc -c <"$add")
    cut=0
    while test $cut -lt "$size"; do
        head -c $cut "$add" >cut.onnx
        status=0
        $weir run -i x=zeros -i y=zeros cut.onnx >said 2>err || status=$?
        # A model may end before a field that need not be there.
        case $status in
            0) ;;
            1|2) test "$(wc -l <err)" -eq 1 || fail "cut at $cut: lines" ;;
            *) fail "cut at $cut: status $status" ;;
        esac
        cut=$((cut + 1))
    done
    test $cut -gt 50 || fail "no model"
    ;;
*)
    exit 2
    ;;
esac

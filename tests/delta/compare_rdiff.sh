#!/bin/sh
# SPDX-License-Identifier: MIT
# Signatures and deltas equal rdiff's, byte for byte, and each applies the
# other's. usage: compare_rdiff.sh WEIR MAKE_INPUTS PART
#   PART: kinds | options | pipes | sizes
set -eu
weir=$1
make_inputs=$2
part=$3
command -v rdiff >/dev/null || { echo "skipped: no rdiff here"; exit 77; }
case $(rdiff --version) in
    *'librsync 2.3.2'*) ;;
    *) echo "skipped: this rdiff is not 2.3.2"; exit 77 ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
compared=0

fail() {
    echo "$*" >&2
    cp -r "$folder" "${TMPDIR:-/tmp}/weir-delta-failed.$$" 2>/dev/null &&
        echo "files: ${TMPDIR:-/tmp}/weir-delta-failed.$$" >&2
    exit 1
}

# both WHAT RDIFF-STATUS WEIR-STATUS
both() {
    test "$2" -eq "$3" || fail "$1: rdiff ends with $2, weir with $3"
}

# compare WEIR-OPTIONS RDIFF-OPTIONS...: on files base and new. The options go
# to both programs for the signature.
compare() {
    ours=$1
    shift
    rm -f r.sig w.sig r.delta w.delta r.new w.new
    r=0; rdiff "$@" signature base r.sig 2>r.err || r=$?
    w=0; $weir delta $ours "$@" signature base w.sig 2>w.err || w=$?
    both "signature $*" $r $w
    test $r -eq 0 || return 0
    cmp -s r.sig w.sig || fail "signature $ours $*: differs"
    rdiff delta r.sig new r.delta
    $weir delta $ours delta r.sig new w.delta || fail "delta $ours $*: fails"
    cmp -s r.delta w.delta || fail "delta $ours $*: differs"
    # A sum cut to one byte may match what is not equal: then both restore
    # the same wrong file.
    rdiff patch base w.delta r.new
    $weir delta $ours patch base r.delta w.new || fail "patch $*: fails"
    cmp -s r.new w.new || fail "patch $*: differs"
    compared=$((compared + 1))
}

kinds() {
    seed=1
    for kind in random zeros periodic duplicates binary shuffled inserted \
        other same; do
        for size in 0 1 255 256 257 3000 70001 400000; do
            "$make_inputs" $kind $size $seed base new
            threads=$((seed % 7 + 1))
            compare "--threads $threads"
            cmp -s w.new new || fail "patch: not the new file"
            compare "--threads $threads --piece-size $((seed * 137))" -b 64
            seed=$((seed + 1))
        done
    done
}

options() {
    "$make_inputs" shuffled 60000 7 base new
    for hash in md4 blake2; do
        for rollsum in rabinkarp rollsum; do
            for sum in 0 -1 1 2 5 16 17 32 33 -2; do
                compare "--threads 3 --piece-size 5000" -H $hash -R $rollsum \
                    -b 200 -S $sum
            done
            for kernel in portable avx2 avx512; do
                $weir delta --kernel $kernel signature base k.sig 2>/dev/null ||
                    continue
                rm k.sig
                compare "--kernel $kernel --threads 2" -H $hash -R $rollsum
                compare "--kernel $kernel" -H $hash -R $rollsum -b 2100
            done
        done
    done
    compare "" -b 0x100
    compare "" -b=512
    compare "" --block-size=010 --sum-size 9
    compare "" --hash=none
    compare "" --rollsum none
    compare "" -b nonsense
    compare "" -b 99999999999
    compare "" -z
    compare "-I 100 -O 7"
}

pipes() {
    for size in 0 1 70000 3000000; do
        "$make_inputs" inserted $size $((size + 3)) base new
        for threads in 1 2 3 7; do
            rdiff signature - - <base >r.sig
            $weir delta --threads $threads signature <base >w.sig
            cmp -s r.sig w.sig || fail "signature of standard input: differs"
            cat base | rdiff signature >r.sig
            cat base | $weir delta --threads $threads signature - - >w.sig
            cmp -s r.sig w.sig || fail "signature from a pipe: differs"
            rdiff delta r.sig - - <new >r.delta
            cat new | $weir delta --threads $threads delta r.sig - |
                cat >w.delta
            cmp -s r.delta w.delta || fail "delta from a pipe: differs"
            cat r.sig | $weir delta --threads $threads delta - new >w.delta
            cmp -s r.delta w.delta || fail "signature in a pipe: differs"
            cat w.delta | $weir delta patch base - - | cmp -s - new ||
                fail "patch from a pipe: differs"
            compared=$((compared + 1))
        done
    done
    # An empty signature: literals as long as rdiff's buffer.
    : >base
    compare "--threads 2"
    compare "--threads 2" -b 40000
    rdiff -I 70000 delta r.sig new r.delta -f
    $weir delta -I 70000 -f delta r.sig new w.delta
    cmp -s r.delta w.delta || fail "slack delta -I: differs"
}

sizes() {
    seed=100
    for block in 1 2 3 4 7 8 16 31 64 100 1000 1024 2047 4096 30000 65536; do
        for kind in shuffled periodic binary; do
            size=$((block * 37 + 11))
            test $size -lt 300000 || size=300000
            "$make_inputs" $kind $size $seed base new
            case $((seed % 4)) in
                0) threads=1 ;;
                1) threads=2 ;;
                2) threads=3 ;;
                3) threads=7 ;;
            esac
            compare "--threads $threads --piece-size $((block * threads))" \
                -b $block
            compare "--threads $threads" -b $block -S 1 -R rollsum
            seed=$((seed + 1))
        done
    done
}

case $part in
    kinds|options|pipes|sizes) $part ;;
    *) echo "no part $part" >&2; exit 2 ;;
esac
echo "$compared comparisons, all equal"

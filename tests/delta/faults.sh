#!/bin/sh
# SPDX-License-Identifier: MIT
# Whatever goes wrong: one line, rdiff's status, and nothing left behind.
# usage: faults.sh WEIR MAKE_INPUTS PART
#   PART: truncated | flipped | files | interrupted | full
set -eu
weir=$1
make_inputs=$2
part=$3
script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir out
rdiff=
command -v rdiff >/dev/null && case $(rdiff --version) in
    *'librsync 2.3.2'*) rdiff=rdiff ;;
esac

fail() {
    echo "$*" >&2
    cat err >&2
    exit 1
}

# expect STATUS WHAT ARGS...: `weir delta ARGS`, whose output is out/x, ends so.
# 0 leaves the file, anything else one line and no file.
expect() {
    wanted=$1
    what=$2
    shift 2
    status=0
    $weir delta "$@" 2>err || status=$?
    test $status -eq "$wanted" || fail "$what: status $status, not $wanted"
    if test $status -eq 0; then
        test -f out/x || fail "$what: no output"
        rm out/x
    else
        test "$(wc -l <err)" -eq 1 || fail "$what: not one line"
    fi
    test -z "$(ls -A out)" || fail "$what: left $(ls -A out)"
}

# same_as_rdiff WHAT ARGS...: as rdiff ends; without rdiff, in some orderly way.
same_as_rdiff() {
    what=$1
    shift
    wanted=0
    if test -n "$rdiff"; then
        rdiff "$@" 2>/dev/null || wanted=$?
        rm -f out/x
    else
        $weir delta "$@" 2>/dev/null || wanted=$?
        rm -f out/x
        case $wanted in
            0|100|103|104|106|108) ;;
            *) fail "$what: status $wanted" ;;
        esac
    fi
    expect $wanted "$what" "$@"
}

small() {
    "$make_inputs" inserted 900 3 base new
    $weir delta -b 128 -S 6 signature base good.sig
    $weir delta delta good.sig new good.delta
}

truncated() {
    "$make_inputs" inserted 400 3 base new
    $weir delta -b 64 -S 5 signature base good.sig
    head -c 300 new >n
    mv n new
    $weir delta delta good.sig new good.delta
    for file in good.sig good.delta; do
        size=$(wc -c <$file)
        length=0
        while test $length -lt "$size"; do
            head -c $length $file >cut
            case $file in
                *.sig) same_as_rdiff "$file cut to $length" \
                    delta cut new out/x ;;
                *.delta) same_as_rdiff "$file cut to $length" \
                    patch base cut out/x ;;
            esac
            length=$((length + 1))
        done
    done
}

# One byte of a file becomes another.
flip() {
    {
        head -c $2 $1
        printf "\\$3"
        tail -c +$(($2 + 2)) $1
    } >flipped
}

flipped() {
    small
    for byte in 000 001 100 101 104 105 125 177 200 377; do
        at=0
        while test $at -lt 12; do
            flip good.sig $at $byte
            # A block length beyond 16 bits: rdiff would allocate for it.
            test $at -ge 4 && test $at -lt 6 ||
                same_as_rdiff "signature, byte $at is $byte" \
                    delta flipped new out/x
            at=$((at + 1))
        done
        at=0
        while test $at -lt 14; do
            flip good.delta $at $byte
            same_as_rdiff "delta, byte $at is $byte" patch base flipped out/x
            at=$((at + 1))
        done
    done
    # Lengths and positions no file has.
    for delta in '\101\000\000' '\104\177\377\377\377\377\377\377\377\000' \
        '\124\000\000\000\000\000\000\000\001\177\377\377\377\377\377\377\377' \
        '\121\177\377\377\377\377\377\377\377\001\000' \
        '\121\000\000\000\377\377\377\377\377\001\000' \
        '\105\000\000\000' '\126' '\100'; do
        printf "rs\\0026$delta" >odd
        same_as_rdiff "delta $delta" patch base odd out/x
    done
    # Magics of other kinds, and files that are something else.
    same_as_rdiff "a delta for a signature" delta good.delta new out/x
    same_as_rdiff "a signature for a delta" patch base good.sig out/x
    same_as_rdiff "text for a delta" patch base "$script" out/x
    same_as_rdiff "text for a signature" delta "$script" new out/x
    same_as_rdiff "nothing for a delta" patch base /dev/null out/x
    same_as_rdiff "nothing for a signature" delta /dev/null new out/x
}

files() {
    small
    head -c 500 base >short
    same_as_rdiff "a basis that is too short" patch short good.delta out/x
    same_as_rdiff "an empty basis" patch /dev/null good.delta out/x
    same_as_rdiff "a missing basis" patch none good.delta out/x
    same_as_rdiff "a missing input" signature none out/x
    same_as_rdiff "a folder for an input" signature . out/x
    same_as_rdiff "a folder for a signature" delta . new out/x
    cat base | expect 100 "a pipe for a basis" patch - good.delta out/x
    expect 100 "no such folder" signature base none/x
    expect 100 "a folder for an output" -f signature base out
    cp base out/x
    for again in signature,base delta,good.sig,new patch,base,good.delta; do
        status=0
        $weir delta $(echo $again | tr , ' ') out/x 2>err || status=$?
        test $status -eq 100 || fail "output exists: status $status"
        cmp -s base out/x || fail "output exists: changed"
    done
    rm out/x
    # In place: what is read is what is replaced.
    cp base both
    $weir delta -f patch both good.delta both
    cmp -s both new || fail "in place: not the new file"
    # A failed run does not touch what --force would have replaced.
    cp new kept
    status=0
    $weir delta -f patch short good.delta kept 2>err || status=$?
    test $status -eq 103 || fail "forced, short basis: status $status"
    cmp -s kept new || fail "forced, short basis: output changed"
    expect 101 "an unknown option" --none signature base out/x
    expect 101 "no action" base
    expect 101 "no arguments"
    expect 101 "delta of nothing" delta
    expect 101 "patch of nothing" patch
    expect 101 "too many files" signature base out/x more
    expect 101 "threads below 0" --threads -1 signature base out/x
    expect 101 "an unknown kernel" --kernel none signature base out/x
    expect 108 "a negative block size" -b -1 signature base out/x
}

# The program reads from a pipe that we hold open: when it has taken more than
# a pipe can hold it is in the middle of its work. Then the signal comes.
interrupted() {
    small
    head -c 2000000 /dev/zero >zeros
    mkfifo pipe
    for number in HUP INT TERM KILL; do
        for what in signature,pipe delta,good.sig,pipe patch,base,pipe; do
            # A job in the background of a script ignores INT: weir is told
            # not to by env.
            env --default-signal=INT $weir delta --threads 2 \
                $(echo $what | tr , ' ') out/x 2>err &
            child=$!
            exec 3>pipe
            case $what in
                patch*) printf 'rs\0026\103\177\377\377\377' >&3 ;;
            esac
            cat zeros >&3
            kill -$number $child
            status=0
            wait $child || status=$?
            exec 3>&-
            test $status -gt 128 || fail "$what $number: status $status"
            test -z "$(ls -A out)" || fail "$what $number: left $(ls -A out)"
        done
    done
}

full() {
    small
    head -c 3000000 /dev/urandom >large
    for device in signature,base delta,good.sig,new patch,base,good.delta; do
        status=0
        $weir delta -f $(echo $device | tr , ' ') /dev/full 2>err ||
            status=$?
        test $status -eq 100 || fail "$device to /dev/full: status $status"
    done
    # No room: a limit on the size of files stands for a full disk. Writing
    # beyond it is an error where its signal is ignored.
    printf 'rs\0026\103\000\055\306\300' >large.delta
    cat large >>large.delta
    printf '\000' >>large.delta
    trap '' XFSZ
    (
        ulimit -f 100
        expect 100 "delta, no room" --threads 2 delta good.sig large out/x
        expect 100 "signature, no room" -b 16 --threads 2 signature large out/x
        expect 100 "patch, no room" patch base large.delta out/x
    )
    expect 0 "patch, room" patch base large.delta out/x
}

case $part in
    truncated|flipped|files|interrupted|full) $part ;;
    *) echo "no part $part" >&2; exit 2 ;;
esac

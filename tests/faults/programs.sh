#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs on a system that says no: at every call in turn one line, a
# documented status, the old file or the whole new one, nothing beside it.
# usage: programs.sh PART WEIR SYSTEM_SO SWEEP SOURCE INPUTS
#   INPUTS: of delta the program that makes them, of run ONNX's models
#   PART: delta | tiles | run
set -eu
part=$1 weir=$2 system=$3 sweep=$4 source=$5 make_inputs=$6 data=$6
folder=$(mktemp -d)
reader=
trap 'test -z "$reader" || kill $reader; rm -rf "$folder"' EXIT
cd "$folder"
mkdir out logs
all=memory,threads,files,again,disk

calls='malloc|calloc|realloc|strdup|strndup|asprintf|realpath|mmap'
calls="$calls|open|openat|fopen|fdopen|read|pread|fstat|stat|lseek|write"
calls="$calls|writev|fflush|fclose|close|fchmod|link|linkat|rename|mkdir"
calls="$calls|ftruncate|fcntl|posix_memalign|wr_malloc|wr_calloc"
calls="$calls|wr_pages_alloc_huge"

# reaches FILE...: the sweeps so far have made each call in these fail.
reaches() {
    "$source/tests/faults/reached.sh" "$source" "$folder/logs" \
        "$source/tests/faults/unreached_$part.txt" \
        "$calls" "$@"
}

# Each sweep: a name for its log, what it makes, what that must be.
count=0
expect() {
    count=$((count + 1))
    echo "$*"
    WEIR_FAULTS_LOG=$folder/logs/$part$count "$sweep" "$system" "$@"
    rm -f out/*
}

# Something that is written to and not replaced. Not one of the system's: who
# runs this may be allowed to replace those.
begin_pipe() {
    mkfifo pipe
    exec 3<>pipe
    cat <&3 >/dev/null &
    reader=$!
}

end_pipe() {
    test -p pipe || { echo "a file took the pipe's place"; exit 1; }
    kill $reader
    reader=
    exec 3<&-
    rm pipe
}

delta() {
    "$make_inputs" inserted 900 3 base new
    $weir delta -b 128 -S 6 signature base good.sig
    $weir delta delta good.sig new good.delta
    errors=100,102
    expect out/x good.sig $errors $all \
        $weir delta -b 128 -S 6 signature base out/x
    expect out/x good.delta $errors $all $weir delta delta good.sig new out/x
    expect out/x new $errors $all $weir delta patch base good.delta out/x
    cp base out/x
    expect out/x new $errors $all $weir delta -f patch base good.delta out/x
    begin_pipe
    expect - - $errors memory,files,again \
        $weir delta -f patch base good.delta pipe
    end_pipe
    # Where files have names from the beginning, and a path without a folder.
    export WEIR_SYSTEM_NAMED=1
    expect out/x good.sig $errors $all \
        $weir delta -b 128 -S 6 signature base out/x
    cp base out/x
    expect out/x new $errors $all $weir delta -f patch base good.delta out/x
    cd out
    expect "$folder/out/x" "$folder/new" $errors memory,files \
        $weir delta patch ../base ../good.delta x
    cd ..
    unset WEIR_SYSTEM_NAMED
    # Large enough for several threads.
    head -c 1000000 /dev/zero | tr '\0' 'a' >large
    $weir delta -b 4096 signature large large.sig
    expect out/x large.sig $errors $all \
        $weir delta -b 4096 --threads 2 signature large out/x
    $weir delta delta large.sig base large.delta
    expect out/x large.delta $errors $all \
        $weir delta --threads 2 delta large.sig base out/x
    reaches src/programs/delta
}

tiles() {
    export OPENBLAS_NUM_THREADS=1 WEIR_SYSTEM_NAMED=1
    lu="$weir tiles lu --size 24 --tile 8 --workers threads:2 --quiet"
    $lu --output good.mtx
    expect out/x.mtx good.mtx 1,3 $all $lu --output out/x.mtx
    unset WEIR_SYSTEM_NAMED
    gemm="$weir tiles gemm --tile 8 --workers threads:2 --quiet --input"
    $gemm good.mtx --output product.mtx
    cp good.mtx out/x.mtx
    expect out/x.mtx product.mtx 1,3 files,disk \
        $gemm good.mtx --output out/x.mtx
    begin_pipe
    expect - - 1,3 memory,files $gemm good.mtx --output pipe
    end_pipe
    reaches src/programs/save.c
}

run() {
    model=$data/node/test_relu
    test -f "$model/model.onnx" || { echo "no libonnx-testdata"; exit 77; }
    once="$weir run -t 2 -i x=$model/test_data_set_0/input_0.pb"
    $once -o y=good.npy $model/model.onnx >/dev/null
    # What it says afterwards may fail: the file is whole then.
    expect out/y.npy good.npy 1 memory,threads,files,again,whole \
        $once -o y=out/y.npy $model/model.onnx
    expect - - 1 memory $once --check $model/model.onnx
}

case $part in
    delta|tiles|run) $part ;;
    *) echo "no part $part" >&2; exit 2 ;;
esac

#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs on a system that says no: at every call in turn one line, a
# documented status, the old file or the whole new one, nothing beside it.
# usage: programs.sh PART WEIR SYSTEM_SO SWEEP SOURCE INPUTS
#   INPUTS: of delta and serve the program that makes them, of run ONNX's
#     models, of deps the registry; of serve then the program that asks
#   PART: delta | tiles | run | serve | deps
set -eu
part=$1 weir=$2 system=$3 sweep=$4 source=$5 make_inputs=$6 data=$6
folder=$(mktemp -d)
reader=
registry=
trap 'test -z "$reader$registry" || kill $reader $registry; rm -rf "$folder"' \
    EXIT
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

# A run takes its time: of each call the first few and some. Nearly all of them:
# WEIR_FAULTS_MOST=400.
some() {
    WEIR_FAULTS_MOST=${WEIR_FAULTS_MOST:-$1}
    export WEIR_FAULTS_MOST
}

# Everything that it is asked for, and what it says no to.
serve() {
    for what in small.onnx bars.onnx page.png; do
        $make_inputs ${what%.*} >$what
    done
    some 6
    "$sweep" "$system" "$weir" "$folder" memory,dry,threads,files,net,again
    "$sweep" "$system" "$weir" "$folder" memory,texts
}

# A small project with all that it needs: what it has itself, what others
# have, and something optional that nobody has.
begin_project() {
    mkdir docs p bin home
    cat >docs/a.json <<END
{"name": "a", "dist-tags": {"latest": "1.2.3"}, "versions": {
 "1.2.3": {"name": "a", "version": "1.2.3", "dependencies": {"b": "^1"},
  "optionalDependencies": {"gone": "*"},
  "dist": {"tarball": "http://example.com/a", "integrity": "sha512-a"}},
 "1.0.0": {"name": "a", "version": "1.0.0",
  "dist": {"tarball": "http://example.com/o", "integrity": "sha512-o"}}}}
END
    cat >docs/b.json <<END
{"name": "b", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0":
 {"name": "b", "version": "1.0.0",
  "dist": {"tarball": "http://example.com/b", "integrity": "sha512-b"}}}}
END
    echo '{"name": "p", "version": "1.0.0", "dependencies": {"a": "^1"}}' \
        >p/package.json
    printf '#!/bin/sh\necho v20.0.0\n' >bin/node
    chmod +x bin/node
    PATH=$folder/bin:$PATH
    for name in $(env | sed -n 's/^\(npm_config_[^=]*\)=.*/\1/pi'); do
        unset "$name"
    done
    unset http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY
    export HOME=$folder/home XDG_CONFIG_HOME=$folder/home
    export npm_config_globalconfig=$folder/g npm_config_userconfig=$folder/u
    export npm_config_fetch_retries=1 npm_config_fetch_retry_mintimeout=1
    export npm_config_fetch_retry_maxtimeout=1
    echo 'prefer-dedupe=true' >u
    : >ready
    "$make_inputs" --graph none --docs docs --retry-after 0 3>ready \
        --ready-fd 3 >registry.out 2>&1 </dev/null &
    registry=$!
    port=
    while test -z "$port"; do
        kill -0 $registry || { cat registry.out; exit 1; }
        port=$(sed -n 's/^port //p' ready)
    done
}

deps() {
    begin_project
    some 4
    fetch="$weir deps fetch p --registry http://127.0.0.1:$port/ --cache c"
    $fetch -o good.json
    grep -q '"version": "1.2.3"' good.json
    kinds=$all,folders,net,dry,lines
    # Into a cache that is to be made, then out of what those have left of it.
    WEIR_SWEEP_FRESH=c expect out/x.json good.json 1 $kinds \
        $fetch --threads 1 -o out/x.json
    rm -rf c
    cp good.json out/x.json
    expect out/x.json good.json 1 $kinds \
        $fetch --threads 0 --prefer-online -o out/x.json
    $fetch -o after.json
    cmp after.json good.json
    # Why there is no `gone` differs.
    $fetch --offline -o offline.json
    grep -v '"code": ' after.json >after
    grep -v '"code": ' offline.json | cmp after -
}

case $part in
    delta|tiles|run|serve|deps) $part ;;
    *) echo "no part $part" >&2; exit 2 ;;
esac

#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds what bench/run.sh compares with, from Debian's packages alone, into
# FOLDER: peer_rust (crossbeam-channel, rayon), peer_bridge (tokio beside
# rayon), peer_frontier (rayon, dashmap) and peer_tbb (oneTBB). What cannot be
# built is left out, and a line says why; that is not an error.
# usage: build.sh FOLDER
set -u
mkdir -p "$1" || exit 1
folder=$(cd "$1" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd) || exit 1
root=$here/../..

# crate NAME FILE...: builds a copy of those, so that Cargo.lock does not land
# in the tree, under $folder/NAME-target.
crate() {
    name=$1
    shift
    rm -rf "${folder:?}/$name"
    mkdir -p "$folder/$name" || exit 1
    cp -R "$@" "$folder/$name"
    log=$folder/$name.log
    (cd "$folder/$name" && cargo build --release --offline \
        --target-dir "$folder/$name-target" \
        --config 'source.crates-io.replace-with="debian"' \
        --config 'source.debian.directory="/usr/share/cargo/registry"') \
        >"$log" 2>&1 && return 0
    tail -n 5 "$log" >&2
    return 1
}

# Each of need.sh's complaints names the packages; its status decides.
rm -f "$folder/peer_rust" "$folder/peer_bridge" "$folder/peer_frontier"
if "$root/tools/need.sh" cargo librust-crossbeam-channel-dev \
    librust-rayon-dev librust-libc-dev librust-tokio-dev; then
    if crate rust "$here/Cargo.toml" "$here/src"; then
        cp "$folder/rust-target/release/peers" "$folder/peer_rust"
        cp "$folder/rust-target/release/bridge" "$folder/peer_bridge"
    else
        echo "no crossbeam, rayon and tokio here: they did not build" \
            "(see $log)"
    fi
else
    echo "no crossbeam, rayon and tokio here: their packages are missing"
fi
if "$root/tools/need.sh" cargo librust-dashmap-dev librust-rayon-dev \
    librust-ahash-0.7-dev librust-libc-dev; then
    if crate frontier "$here/frontier/Cargo.toml" "$here/frontier/main.rs"; then
        cp "$folder/frontier-target/release/frontier" "$folder/peer_frontier"
    else
        echo "no rayon with dashmap here: it did not build (see $log)"
    fi
else
    echo "no rayon with dashmap here: their packages are missing"
fi

if "$root/tools/need.sh" libtbb-dev; then
    if ! c++ -std=c++17 -O2 -Wall -Wextra -o "$folder/peer_tbb" \
        "$here/pipeline.cpp" -ltbb >"$folder/tbb.log" 2>&1; then
        rm -f "$folder/peer_tbb"
        tail -n 5 "$folder/tbb.log" >&2
        echo "no oneTBB here: its program did not build"
    fi
else
    rm -f "$folder/peer_tbb"
    echo "no oneTBB here: its package is missing"
fi

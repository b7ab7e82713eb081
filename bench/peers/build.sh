#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds what bench/run.sh compares with, from Debian's packages alone, into
# FOLDER: peer_rust (crossbeam-channel, rayon), peer_bridge (tokio beside rayon)
# and peer_tbb (oneTBB). What cannot be built is left out, and a line says why;
# that is not an error.
# usage: build.sh FOLDER
set -u
mkdir -p "$1" || exit 1
folder=$(cd "$1" && pwd) || exit 1
here=$(cd "$(dirname "$0")" && pwd) || exit 1
root=$here/../..

# Each of need.sh's complaints names the packages; its status decides.
if "$root/tools/need.sh" cargo librust-crossbeam-channel-dev \
    librust-rayon-dev librust-libc-dev librust-tokio-dev; then
    # A copy, so that Cargo.lock does not land in the tree.
    rm -rf "$folder/rust"
    mkdir -p "$folder/rust" || exit 1
    cp -R "$here/Cargo.toml" "$here/src" "$folder/rust"
    log=$folder/rust.log
    if (cd "$folder/rust" && cargo build --release --offline \
        --target-dir "$folder/rust-target" \
        --config 'source.crates-io.replace-with="debian"' \
        --config 'source.debian.directory="/usr/share/cargo/registry"') \
        >"$log" 2>&1; then
        cp "$folder/rust-target/release/peers" "$folder/peer_rust"
        cp "$folder/rust-target/release/bridge" "$folder/peer_bridge"
    else
        rm -f "$folder/peer_rust" "$folder/peer_bridge"
        tail -n 5 "$log" >&2
        echo "no crossbeam, rayon and tokio here: they did not build" \
            "(see $log)"
    fi
else
    rm -f "$folder/peer_rust" "$folder/peer_bridge"
    echo "no crossbeam, rayon and tokio here: their packages are missing"
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

#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Real jobs on real input, with checks of their results: the inference service,
# `weir delta`, `weir deps`, `weir tiles`. Ends with 1 if anything is wrong.
# usage: demo.sh [BUILD-FOLDER]
set -euo pipefail
cd "$(dirname "$0")"
echo "== weir serve"
./demo_serve.sh "$@"
echo
echo "== weir delta"
./demo_delta.sh "$@"
echo
echo "== weir deps"
./demo_deps.sh "$@"
echo
echo "== weir tiles"
./demo_tiles.sh "$@"

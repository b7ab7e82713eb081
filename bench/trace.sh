#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What recording a timeline costs a job: bench/trace.c, which says how. Prints
# Markdown for bench/RESULTS.md. usage: trace.sh [--quick] [--build FOLDER]
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. bench/common.sh
options "$@"

echo "### Timeline: off and on against a pool without a trace"
echo
"$build/bench/bench_trace"

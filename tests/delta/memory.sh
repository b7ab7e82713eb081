#!/bin/sh
# SPDX-License-Identifier: MIT
# Memory is the signature and a few buffers, however large the file: for 1 GiB
# less than 20 MiB in all. usage: memory.sh WEIR PEAK
set -eu
weir=$1
peak="$2 20480"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# Holes: a gigabyte that takes no room on the disk. What is not zero is at
# its two ends, out of step.
printf 'begin' >base
truncate -s 1G base
printf 'end' >>base
$peak "$weir" delta --threads 2 signature base sig
$peak "$weir" delta --threads 2 delta sig base delta
$peak "$weir" delta --threads 2 delta sig - piped <base
cmp delta piped
cat base | $peak "$weir" delta --threads 2 delta sig - piped.again
cmp delta piped.again
# 12 bytes of a copy each: a delta of many commands costs no more.
$peak "$weir" delta patch base delta - >/dev/null

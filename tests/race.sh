#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program and wants exactly this exit status. A twin that stopped
# showing its bug would teach nothing. usage: race.sh STATUS PROGRAM ARG
set -u
wanted=$1
shift
status=0
"$@" || status=$?
test "$status" -eq "$wanted" && exit 0
echo "exit status $status, expected $wanted" >&2
exit 1

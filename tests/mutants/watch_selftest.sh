#!/bin/sh
# SPDX-License-Identifier: MIT
# watch.c tells what hangs from what does not. usage: watch_selftest.sh CC WORK
set -u
work=$2
rm -rf "$work"
mkdir -p "$work"
"$1" -O2 -D_GNU_SOURCE -o "$work/watch" "$(dirname "$0")/watch.c" || exit 1
mkfifo "$work/silent"
bad=0

# ends STATUS SECONDS CPU-SECONDS COMMAND: how watch ends with it. Descriptor 3
# is a pipe that nobody writes to.
ends() {
    "$work/watch" "$2" "$3" sh -c "$4" 3<>"$work/silent" 2>"$work/log"
    test $? -eq "$1" && return
    echo "not $1: $4; $(cat "$work/log")" >&2
    bad=1
}

ends 0 60 60 :
ends 7 60 60 'exit 7'
ends 134 60 60 'ulimit -c 0; kill -ABRT $$'
ends 122 600 60 'cat <&3'                      # waits for ever
ends 122 600 60 'cat <&3 & cat <&3 & wait'     # so do several
ends 122 600 60 'kill -STOP $$'                # nobody lets it go on
ends 123 600 1 'while :; do :; done'           # never waits
ends 123 600 1 'cat <&3 & while :; do :; done'
ends 124 2 60 'sleep 600'                      # for a time that is too long
ends 5 600 60 'sleep 3; exit 5'                # for one that is not
ends 5 600 60 'cat <&3 & sleep 3; exit 5'
ends 0 600 60 'sleep 600 & :'                  # what it leaves is killed
exit $bad

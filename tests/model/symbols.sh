#!/bin/sh
# SPDX-License-Identifier: MIT
# Sources that are checked reach neither past base/atomic.h nor to libc's memory
# functions: what they would change there, the checker would not see.
#
#   symbols.sh NM LIBRARY...
set -eu
nm=$1
shift
past='(__tsan_atomic|__atomic_|__sync_).*|malloc|calloc|realloc|free|strdup'
past="$past|aligned_alloc|posix_memalign|strlen|strcmp|qsort|abort|exit|_exit"
status=0
for library in "$@"; do
    seen=$("$nm" -A "$library")
    case $seen in
    *__tsan_func_entry*) ;;
    *)
        echo "$library: nothing in it is compiled to be checked"
        status=1
        ;;
    esac
    if printf '%s\n' "$seen" | grep -E " U ($past)\$"; then
        status=1
    fi
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual page names every key of the configuration, and no other.
#
#   keys.sh WEIR man/weir-serve.1.scd
set -eu
known=$("$1" serve --print-config | sed -n 's/^\([a-z_]*\) = .*/\1/p' | sort)
[ "$(echo "$known" | wc -l)" -ge 30 ] || { echo "too few keys"; exit 1; }
status=0
for key in $known; do
    grep -q "\*$key\*" "$2" || { echo "$2 lacks $key"; status=1; }
done
section='/^# CONFIGURATION/,/^# SIGNALS/'
named=$(sed -n "$section"'s/^\(\*[a-z_]*\*[a-z_*, ]*\)$/\1/p' "$2" |
    tr -d '*,' | tr ' ' '\n' | sort -u)
for name in $named; do
    case $name in mixed | batch) continue ;; esac
    echo "$known" | grep -qx "$name" || { echo "$2 has $name"; status=1; }
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes sure that Debian packages are there: says nothing when they are,
# installs them where it may, and otherwise prints the line to type and ends
# with 1. A package counts as there when the command that we want it for is,
# so that any other way of installing it is as good.
# usage: need.sh PACKAGE...
set -eu

# command_of PACKAGE: the command that the package is wanted for.
command_of() {
    case $1 in
        build-essential) echo c++ ;; # the last of cc, libc headers, make, c++
        ninja-build) echo ninja ;;
        protobuf-c-compiler) echo protoc-c ;;
        *) echo "$1" ;;
    esac
}

# missing PACKAGE...: those of them that are not there.
missing() {
    for package in "$@"; do
        case $package in
            lib* | *-dev)
                dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
                    grep -q '^install ok installed$' || echo "$package"
                ;;
            *)
                command -v "$(command_of "$package")" >/dev/null 2>&1 ||
                    echo "$package"
                ;;
        esac
    done
}

# The packages are words without spaces, so splitting them is what we want.
# shellcheck disable=SC2046
set -- $(missing "$@")
test $# -gt 0 || exit 0

root=
if test "$(id -u)" -ne 0; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        root='sudo -n'
    else
        root=none
    fi
fi
give_up() {
    echo "missing on this machine; as root, type:" >&2
    echo "apt-get install $*" >&2
    exit 1
}
if test "$root" = none || ! command -v apt-get >/dev/null 2>&1; then
    give_up "$@"
fi

apt() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=120 "$@" </dev/null
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing: $*"
# The lists may be absent or stale: one update, and one more try.
apt install -y --no-install-recommends "$@" >"$log" 2>&1 ||
    { apt update && apt install -y --no-install-recommends "$@"; } \
        >"$log" 2>&1 || { cat "$log" >&2; give_up "$@"; }

# shellcheck disable=SC2046
set -- $(missing "$@")
test $# -eq 0 || give_up "$@"

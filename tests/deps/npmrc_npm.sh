#!/bin/sh
# SPDX-License-Identifier: MIT
# npm's settings, read here and by the installed npm's own modules.
# usage: npmrc_npm.sh NPMRC_SHOW [SEED [CASES]]. 77: there is no npm.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
npm=$(command -v npm || true)
if [ -z "$npm" ] || ! command -v node >/dev/null; then
    echo "skipped: no npm here"
    exit 77
fi
modules=$(dirname -- "$(readlink -f -- "$npm")")/../node_modules
for module in @npmcli/config npm-registry-fetch; do
    if [ ! -d "$modules/$module" ]; then
        echo "skipped: this npm has no $module of its own"
        exit 77
    fi
done
exec node "$here/npmrc_npm.mjs" "$modules" "$@"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Compares versions, ranges, specs and choices with the modules inside the
# installed npm: against_npm.sh TOOL [SEED [ROUNDS [KINDS]]], 4,000 questions a
# round. Prints what differs, made small; 77 where npm is absent.
set -eu
tool=$1
shift
absent() {
    echo "skipped: $1"
    exit 77
}
command -v node >/dev/null || absent "no node"
npm=$(command -v npm) || absent "no npm"
modules=$(dirname "$(readlink -f "$npm")")/../node_modules
for module in semver npm-package-arg npm-pick-manifest \
    validate-npm-package-name; do
    [ -d "$modules/$module" ] || absent "no $module inside npm"
done
exec node "$(dirname "$0")/against_npm.mjs" "$tool" "$modules" "$@"

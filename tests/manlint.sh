#!/bin/sh
# SPDX-License-Identifier: MIT
# The man pages that scdoc made are well formed. usage: manlint.sh MANDIR
set -eu
command -v mandoc >/dev/null || { echo "skipped: no mandoc"; exit 77; }
ls "$1"/*.[0-9] >/dev/null 2>&1 || { echo "skipped: no pages built"; exit 77; }
mandoc -T lint -W error "$1"/*.[0-9]

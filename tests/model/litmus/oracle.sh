#!/bin/sh
# SPDX-License-Identifier: MIT
# oracle.py, where there is a python3. usage: oracle.sh COMMAND FILE...
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null || {
    echo "skipped: no python3 to compute the outcomes with"
    exit 77
}
exec python3 "$(dirname "$0")/oracle.py" "$@"

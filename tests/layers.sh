#!/bin/sh
# SPDX-License-Identifier: MIT
# A room includes only what stands on lower floors. usage: layers.sh ROOT
set -eu
export LC_ALL=C
cd "$1"

# Floor 0 has two rooms: os may include base, base may not include os.
find src include -name '*.[ch]' | sort | xargs -r awk '
    BEGIN {
        floor["base"] = 0; floor["os"] = 0.5
        floor["pool"] = 1
        floor["parallel"] = floor["stream"] = 2
        floor["loop"] = floor["cache"] = 2
        floor["frontier"] = floor["graph"] = floor["observe"] = 3
        floor["uv"] = 3
        floor["programs"] = 4
        room_of["procs"] = "graph" # a room with two headers
        room_of["fork"] = "pool"   # likewise
        room_of["sort"] = room_of["sort_inline"] = "parallel"
    }
    function complain(text) {print FILENAME ":" FNR ": " text; bad = 1}
    FNR == 1 {
        split(FILENAME, part, "/")
        room = part[2]
        if (part[1] == "include")
            room = part[3]
        sub(/\.h$/, "", room)
        if (room in room_of)
            room = room_of[room]
        umbrella = FILENAME == "include/weir.h"
        if (!umbrella && !(room in floor))
            complain("no floor for " room "; it belongs in layers.sh")
    }
    /^ *# *include *["<]/ && !umbrella {
        quoted = /"/
        match($0, /["<][^">]*/)
        target = substr($0, RSTART + 1, RLENGTH - 1)
        if (target == "weir.h") {
            if (room != "programs")
                complain("includes everything; take the one header it needs")
            next
        }
        slash = index(target, "/")
        if (quoted && (!slash || target ~ /\.\./)) {
            complain(target " is not of the form \"room/file.h\"")
            next
        }
        to = substr(target, 1, slash - 1)
        if (to == "weir") {
            to = substr(target, slash + 1)
            sub(/\.h$/, "", to)
            if (to in room_of)
                to = room_of[to]
            if (!(to in floor))
                complain("no floor for " target)
        } else if (FILENAME ~ /^include\// && (to in floor))
            complain("a public header includes the private " target)
        if (quoted && !(to in floor))
            complain(target " is not in a room")
        if ((to in floor) && to != room && floor[to] >= floor[room])
            complain(room " must not include " target)
    }
    END {exit bad}' >&2

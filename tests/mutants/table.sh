#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints RESULTS.md of what run.sh found: of all mutants, as one run's, or as
# several have tried them. usage: table.sh WORK... >RESULTS.md
set -eu
export LC_ALL=C
for work in "$@"; do
    cat "$work/lines"
done | sort -t '|' -k 1,1n -k 2,3 | awk -F '|' -v date="$(date -u +%F)" \
    -v processors="$(nproc)" -v compiler="$(cc -dumpversion)" -v model="$(
        sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" '
    BEGIN {
        rooms = split("base os pool parallel stream loop cache frontier graph" \
            " observe", room, " ")
        laws = split("publish before dispatch|count before push|a waiter " \
            "never holds a worker|quiesce before reuse|all or nothing|one " \
            "hop|one producer|a bound is a bound|arrival order never reaches " \
            "the result|ends exactly once, truthfully|stopping joins|idle " \
            "costs nothing", law, "|")
    }
    {
        verdicts[$5]++
        count[$1, $2]++
        count[$1, "all"]++
        count["all", $2]++
        count["all", "all"]++
        by = $6
        if ($5 == "killed")
            sub(/^[^ ]* [^ ]*/, "`&`", by)
        sub(/^`[^ ]*/, "&.", by)
        sub(/\. /, ".", by)
        row[NR] = "| " $1 " | " $2 " | " $3 " | " $4 " | " $5 " | " by " |"
    }
    END {
        print "# What the mutants came to\n"
        print date ", " processors " CPUs, " model ", gcc " compiler ":"
        print "`make mutants` makes this page anew, `build/mutants/RESULTS.md`."
        print "A mutant whose window is narrow may be noticed by another case"
        print "another time.\n"
        printf "**%d killed, %d survived (with a proof), %d unexplained.**\n",
            verdicts["killed"], verdicts["survived"], verdicts["wrong"]
        print "\nHow many mutants each room has of each law:\n"
        room[++rooms] = "all"
        head = "| law |"
        line = "| --- |"
        for (r = 1; r <= rooms; r++) {
            head = head " " room[r] " |"
            line = line " --- |"
        }
        print head "\n" line
        for (i = 1; i <= laws + 1; i++) {
            text = i > laws ? "| all |" : "| " i " " law[i] " |"
            for (r = 1; r <= rooms; r++)
                text = text " " count[i > laws ? "all" : i, room[r]] " |"
            print text
        }
        print "\nWhere a cell is empty the room has nothing that the law"
        print "speaks of, or is broken by the mutants of the room below:"
        print "`parallel/` keeps no memory that is reused, `base/` and `os/`"
        print "queue nothing.\n"
        print "| law | room | mutant | what is wrong | verdict | by |"
        print "| --- | --- | --- | --- | --- | --- |"
        for (i = 1; i <= NR; i++)
            print row[i]
    }'

# SPDX-License-Identifier: MIT
# Tables of bench/frontier.sh from its summary, "walk:figure lowest median
# highest used all".
{
    low[$1] = $2
    mid[$1] = $3
    used[$1] = $5
    noisy = noisy || !$5
}

function number(value) {
    return sprintf(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
}

function figure(name) {
    if (!(name in low))
        return "-"
    return (used[name] ? "" : "~") number(low[name]) " (" \
        number(mid[name]) ")"
}

# Millions of checks a second, from ns a check.
function speed(name) {
    if (!(name in low))
        return "-"
    return (used[name] ? "" : "~") number(1000 / low[name]) " (" \
        number(1000 / mid[name]) ")"
}

function row(text, walk) {
    if ((walk ":wall") in low)
        printf "| %s | %s | %s | %s | %s |\n", text, speed(walk ":wall"),
            figure(walk ":wall"), figure(walk ":cpu"),
            number(low[walk ":peak"])
}

function walks(key, engine, width) {
    row("C, one thread, one table", "serial." key)
    row("C, two threads, one lock", "mutex." key)
    row("rayon + dashmap, task per node, 1 thread", "spawn.1." key)
    row("rayon + dashmap, task per node", "spawn.2." key)
    row("rayon + dashmap, level by level, 1 thread", "levels.1." key)
    row("rayon + dashmap, level by level", "levels.2." key)
    for (width = 1; width <= 2; width++)
        for (engine = 1; engine <= 2; engine++)
            row("weir, " name[engine] ", width " width,
                name[engine] "." width "." key)
    for (width = 1; width <= 2; width++)
        for (engine = 1; engine <= 2; engine++)
            row("weir, " name[engine] ", width " width ", one by one",
                name[engine] "." width "." key ".each")
    row("edges kept: rayon + dashmap, task per node", "spawn.2." key ".edges")
    row("edges kept: rayon + dashmap, level by level",
        "levels.2." key ".edges")
    for (width = 1; width <= 2; width++)
        for (engine = 1; engine <= 2; engine++)
            row("edges kept: weir, " name[engine] ", width " width,
                name[engine] "." width "." key ".edges")
    print ""
}

function head(text) {
    print "| " text " | 10^6 checks/s | ns/check | CPU, ns/check | peak MB |"
    print "|---|---|---|---|---|"
}

function percent(walk, which) {
    return sprintf("%+.1f %%", 100 * (low[walk ":wall"] / which - 1)) \
        sprintf(" (%+.1f)", 100 * (mid[walk ":wall"] / which - 1))
}

function answers(who, nodes,    walk) {
    walk = who ".later." nodes
    if ((walk ":wall") in low)
        printf "| %s | %d | %s | %s | %s | %s | %s |\n", who, nodes,
            figure(walk ":wall"), percent(walk, low[walk ":ideal"]),
            percent(walk, low[walk ":rounds"]), figure(walk ":cpu"),
            figure(walk ":late")
}

function mixed(engine, us, form,    walk, ideal, work) {
    walk = engine "." form "." us
    if (!((walk ":wall") in low))
        return
    ideal = low[walk ":ideal"]
    work = 10000 * 50 / 1000 / 2
    ideal = work > ideal ? work : ideal
    printf "| %s, %s | %d | %s | %.0f | %s | %s |\n", engine,
        form == "job" ? "a job" : "a class", us / 1000, figure(walk ":wall"),
        ideal, percent(walk, ideal), figure(walk ":cpu")
}

# goal TEXT LEAST VALUE MEDIAN
function goal(text, least, got, median) {
    printf "| %s | %s | %s (%s) | %s |\n", text, number(least), number(got),
        number(median), (median >= least ? "yes" : "no")
}

function less(text, most, value, median) {
    printf "| %s | at most %s | %s (%s) | %s |\n", text, most, number(value),
        number(median), median <= most ? "yes" : "no"
}

function times(engine, key, form, text,    mine, peer) {
    mine = name[engine] ".2." key ":wall"
    peer = form ".2." key ":wall"
    if ((mine in low) && (peer in low))
        goal(name[engine] ", " text ", times rayon + dashmap " \
            (form == "spawn" ? "task per node" : "level by level"), 1,
            low[peer] / low[mine], mid[peer] / mid[mine])
}

function goals(engine,    key, walk, nodes) {
    walk = name[engine] ".2.id:wall"
    if (walk in low)
        goal(name[engine] ": 10^6 checks/s", 5, 1000 / low[walk],
            1000 / mid[walk])
    walk = name[engine] ".2.id.edges:wall"
    if (walk in low)
        goal(name[engine] ", edges kept: 10^6 checks/s", 5, 1000 / low[walk],
            1000 / mid[walk])
    times(engine, "id", "spawn", "8 bytes")
    times(engine, "id", "levels", "8 bytes")
    times(engine, "id.edges", "spawn", "8 bytes, edges kept")
    times(engine, "id.edges", "levels", "8 bytes, edges kept")
    times(engine, "text", "spawn", "16 bytes")
    times(engine, "text", "levels", "16 bytes")
    times(engine, "text.edges", "spawn", "16 bytes, edges kept")
    times(engine, "text.edges", "levels", "16 bytes, edges kept")
    for (nodes = 10000; nodes <= many; nodes += many - 10000) {
        walk = name[engine] ".later." nodes
        if ((walk ":wall") in low)
            less(name[engine] ", " nodes " answers: over the ideal, %", 5,
                100 * (low[walk ":wall"] / low[walk ":rounds"] - 1),
                100 * (mid[walk ":wall"] / low[walk ":rounds"] - 1))
    }
}

END {
    name[1] = "workers"
    name[2] = "owner"
    print "A graph of 10^6 nodes, five edges in and five out, visits that do" \
        " nothing else"
    print "(two threads where nothing is said):"
    print ""
    head("keys of 8 bytes")
    walks("id")
    head("keys of 16 bytes")
    walks("text")
    print "Answers 5 ms later, 256 in flight. Ideal: nodes / 256 x 5 ms;" \
        " with start-up: as many"
    print "times 5 ms as it takes when each answer brings its five at once." \
        " Late: how late the"
    print "bench's own timer was."
    print ""
    print "| who | nodes | ms | over the ideal | with start-up |" \
        " CPU, us/visit | late, us |"
    print "|---|---|---|---|---|---|---|"
    for (nodes = 10000; nodes <= many; nodes += many - 10000) {
        answers("floor", nodes)
        answers("workers", nodes)
        answers("owner", nodes)
    }
    print ""
    print "10,000 answers, 64 in flight, then 50 us of processor time each on" \
        " two workers: by a"
    print "job that ends the visit, or by a visit of another class. Ideal:" \
        " the larger of what"
    print "the answers and what the processors take."
    print ""
    print "| engine, by | ms an answer | ms | ideal | over it | CPU, us/node |"
    print "|---|---|---|---|---|---|"
    for (us = 1000; us <= 5000; us += 4000)
        for (i = 1; i <= 2; i++) {
            mixed(name[i], us, "job")
            mixed(name[i], us, "class")
        }
    print ""
    print "| wanted | | measured | met |"
    print "|---|---|---|---|"
    goals(1)
    goals(2)
    if (noisy)
        print "\n~ no run of this row was quiet: other load was on."
}

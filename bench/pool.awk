# SPDX-License-Identifier: MIT
# The tables of bench/pool.sh out of the lines of summary().

# A number with three digits that count.
function short(x) {
    return sprintf(x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x)
}

# cell WHO FIGURE: median (lowest), or a dash; ! marks one without a quiet run.
function cell(who, figure,    key) {
    key = who ":" figure
    if (!(key in median))
        return "–"
    if (figure ~ /^busy\.start/ && (who ":busy.never") in median &&
        median[who ":busy.never"] > 0)
        return "never"
    return short(median[key]) " (" short(lowest[key]) ")" \
        (quiet[key] ? "" : " noisy")
}

# row TITLE WORKERS FIGURE: one line with everybody.
function row(title, workers, figure,    i) {
    printf "| %s |", title
    for (i = 1; i <= whos; i++)
        printf " %s |", cell(name[i] "/" workers, figure)
    print ""
}

# best WORKERS FIGURE: the lowest median of the peers, and whose.
function best(workers, figure,    i, key, who) {
    who = ""
    for (i = 3; i <= whos; i++) { # not weir's own
        key = name[i] "/" workers ":" figure
        if (key in median && cell(name[i] "/" workers, figure) != "never" &&
            (who == "" || median[key] < median[who]))
            who = key
    }
    if (who == "")
        return "–"
    split(who, part, "/")
    return part[1] " " short(median[who])
}

# goal TITLE WORKERS FIGURE LIMIT UNIT [WHO]
function goal(title, workers, figure, limit, unit, who,    key) {
    who = (who == "" ? "weir" : who) "/" workers
    key = who ":" figure
    if (!(key in median))
        return
    printf "| %s | %s | ≤ %s %s | %s | %s |\n", title,
        cell(who, figure), limit, unit,
        median[key] <= limit ? "met" : "**missed**", best(workers, figure)
}

{
    lowest[$1] = $2
    median[$1] = $3
    quiet[$1] = $5
}

END {
    whos = split("weir bursts floor tbb rayon crossbeam glib libuv gomp omp", name)
    jobs = count >= 1000000 ? "10^6" : count / 100000 " x 10^5"

    print "| case | weir | goal | | best peer |"
    print "|---|---|---|---|---|"
    goal(jobs " empty jobs one by one, 2 workers", 2, "one.wall", 57, "ns")
    goal("the same with the option bursts", 2, "one.wall", 57, "ns", "bursts")
    goal("as a batch", 2, "batch.wall", 10, "ns")
    goal("the same with the option bursts", 2, "batch.wall", 10, "ns",
        "bursts")
    goal("round trip into a hot pool, p50", 2, "hot.trip.p50", 0.6, "us")
    goal("start in a parked pool over a bare futex wake, p50", 2,
        "parked.ratio", 1.15, "x")
    goal("from outside into a pool that feeds itself, p99", 2,
        "busy.start.p99", 100, "us")
    goal("fork to start, 20 us after it went idle, p50", 2,
        "fork.20us.p50", 0.3, "us")
    goal("pool start, one job, stop, p50", 2, "life.took.p50", 90, "us")
    goal("processor time of one job of 1 s", 2, "serial.cpu", 1.02, "s")
    goal("wake-ups of an idle pool", 2, "idle.wakes", 0, "/s")

    print ""
    printf "| figure |"
    for (i = 1; i <= whos; i++)
        printf " %s |", name[i]
    printf "\n|---|"
    for (i = 1; i <= whos; i++)
        printf "---|"
    print ""
    for (w = 1; w <= 2; w++) {
        row("one by one, " w " worker" (w > 1 ? "s" : "") ", wall ns", w,
            "one.wall")
        row("– processor time, ns", w, "one.cpu")
        row("batch, " w " worker" (w > 1 ? "s" : "") ", wall ns", w,
            "batch.wall")
        row("– processor time, ns", w, "batch.cpu")
    }
    row("window of 1024, 2 workers, wall ns", 2, "window.wall")
    row("– processor time, ns", 2, "window.cpu")
    row("hot: start p50, us", 2, "hot.start.p50")
    row("– trip p50, us", 2, "hot.trip.p50")
    row("– trip p99, us", 2, "hot.trip.p99")
    row("– processor time of a trip, us", 2, "hot.cpu")
    row("parked: start p50, us", 2, "parked.start.p50")
    row("– bare futex wake p50, us", 2, "parked.futex.p50")
    row("– one over the other", 2, "parked.ratio")
    row("busy: start p50, us", 2, "busy.start.p50")
    row("– p99, us", 2, "busy.start.p99")
    row("fork after 20 us: start p50, us", 2, "fork.20us.p50")
    row("– p99, us", 2, "fork.20us.p99")
    row("– processors used", 2, "fork.20us.cpus")
    row("fork after 2 ms: start p50, us", 2, "fork.2ms.p50")
    row("– processors used", 2, "fork.2ms.cpus")
    row("start, job, stop: p50, us", 2, "life.took.p50")
    row("– the first, us", 2, "life.first")
    row("– processor time, us", 2, "life.cpu")
    row("one job of 1 s: processor time, s", 2, "serial.cpu")
    row("– that feeds small ones, s", 2, "feeding.cpu")
    row("idle: wake-ups per second", 2, "idle.wakes")
    row("– processor time, %", 2, "idle.cpu")
}

# SPDX-License-Identifier: MIT
# Tables of bench/stream.sh from two files: the names of the rows in order,
# and its summary, "who:name lowest median highest used all".
NR == FNR {
    if ($1 !~ /\.(cpu|rate)$/ && !($1 in known)) {
        known[$1] = 1
        names[++count] = $1
    }
    next
}
{
    split($1, part, ":")
    low[part[1], part[2]] = $2
    mid[part[1], part[2]] = $3
    used[part[1], part[2]] = $5
    noisy = noisy || !$5
}

function figure(who, name,    text) {
    if (!((who, name) in low))
        return "-"
    text = sprintf("%.1f (%.1f)", low[who, name], mid[who, name])
    return used[who, name] ? text : "~" text
}

function ratio(above_who, above, below_who, below) {
    if (!((above_who, above) in low) || !((below_who, below) in low))
        return "-"
    return sprintf("%.2f", low[above_who, above] / low[below_who, below])
}

function table(    i, name, peer) {
    print "| row | weir | CPU | peer | CPU | peer/weir, wall | CPU |"
    print "|---|---|---|---|---|---|---|"
    for (i = 1; i <= count; i++) {
        name = names[i]
        peer = name ~ /^pipeline/ ? "tbb" : "rust"
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", name,
            figure("weir", name), figure("weir", name ".cpu"),
            figure(peer, name), figure(peer, name ".cpu"),
            ratio(peer, name, "weir", name),
            ratio(peer, name ".cpu", "weir", name ".cpu")
    }
}

function wanted(text, least, got, unit, met) {
    printf "| %s | %s %s | %.1f %s | %s |\n", text, least, unit, got, unit,
        (met ? "yes" : "no")
}

function w(name) {
    return low["weir", name]
}

# The lowest of a drain over the numbers of threads.
function best_drain(who, how,    n, list, i, got) {
    n = split("2 4 8 16", list, " ")
    for (i = 1; i <= n; i++)
        if (!got || low[who, how ".t" list[i]] < got)
            got = low[who, how ".t" list[i]]
    return got
}

function targets(    best) {
    print ""
    print "| wanted | at least | measured | met |"
    print "|---|---|---|---|"
    best = 1e3 / w("queue.sp.1p.one_by_one")
    wanted("queue, one producer, one by one", 50, best, "million/s",
        best >= 50)
    best = w("queue.sp.1p.batch64")
    if (w("queue.sp.1p.batch256") < best)
        best = w("queue.sp.1p.batch256")
    wanted("queue, one producer, in batches", 50, 1e3 / best, "million/s",
        1e3 / best >= 50)
    best = best_drain("weir", "drain.per_thread.100k")
    wanted("drain of 100,000 items of about 10 ns, any order", 10, best,
        "ns/item or less", best <= 10)
    best = best_drain("weir", "drain.ordered.100k")
    wanted("the same, in order", 10, best, "ns/item or less", best <= 10)
    best = 1e3 / w("pipeline.batch256")
    wanted("pipeline of three stages, batch 256", 10, best, "million/s",
        best >= 10)
}

# The same work without a runtime: what two threads would take if nothing else
# cost anything, and which part of our time that is.
function floor_row(text, name,    half) {
    half = low["floor", name] / 2
    printf "| %s | %.1f | %.1f | %.0f %% | %.0f %% | %.0f %% |\n", text,
        2 * half, half, 100 * half / best_drain("weir",
            "drain.per_thread.100k"), 100 * half / best_drain("weir",
            "drain.ordered.100k"), 100 * half / w("pipeline.batch256")
}

function floors() {
    print ""
    print "| floor: the work alone, ns/item | 1 thread | 2 threads | drain " \
        "reaches | in order | pipeline, batch 256 |"
    print "|---|---|---|---|---|---|"
    floor_row("in a loop, inline", "in_line")
    floor_row("in a loop, through a function pointer", "by_pointer")
}

# against A B: how much more A takes than B, in percent.
function against(text, a, b) {
    printf "| %s | %+.0f %% | %+.0f %% |\n", text, 100 * (w(a) / w(b) - 1),
        100 * (w(a ".cpu") / w(b ".cpu") - 1)
}

function verdicts(    n, list, i, t) {
    print ""
    print "| verdict | wall | CPU |"
    print "|---|---|---|"
    n = split("2 4 8 16", list, " ")
    for (i = 1; i <= n; i++) {
        t = ".100k.t" list[i]
        against("E4 locked shards against per-thread vectors, t" list[i],
            "drain.shards" t, "drain.per_thread" t)
        against("E4 channel against per-thread vectors, t" list[i],
            "drain.channel" t, "drain.per_thread" t)
    }
    against("E5 mp/4p/100k against sp/1p/100k", "e5.mp.4p.100k",
        "e5.sp.1p.100k")
    for (i = 1; i <= 4; i++)
        against("E1 " i " producers by the shared sender against the single" \
            " one", "queue.mp." i "p.one_by_one", "queue.sp.1p.one_by_one")
    against("E6 drain, one by one, against a plain channel",
        "dispatch.drain.one_by_one", "dispatch.plain_channel")
}

END {
    table()
    targets()
    floors()
    verdicts()
    if (noisy)
        print "\n~ no run of this row was quiet: other load was on."
}

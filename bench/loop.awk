# SPDX-License-Identifier: MIT
# Tables of bench/loop.sh from its summary, "form:case.figure lowest median
# highest used all".
{
    split($1, part, ":")
    low[part[1], part[2]] = $2
    mid[part[1], part[2]] = $3
    used[part[1], part[2]] = $5
    noisy = noisy || !$5
}

function has(who, name) {
    return (who, name) in low
}

function number(value) {
    return sprintf(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
}

function figure(who, name) {
    if (!has(who, name))
        return "-"
    return (used[who, name] ? "" : "~") number(low[who, name]) \
        " (" number(mid[who, name]) ")"
}

function row(text, name,    i, line) {
    line = "| " text " |"
    for (i = 1; i <= forms; i++)
        line = line " " figure(form[i], name) " |"
    print line
}

function rows(text, name, figures, unit,    n, list, i) {
    n = split(figures, list, " ")
    for (i = 1; i <= n; i++)
        row(text " " list[i] ", " unit, name "." list[i])
}

function table(    n, list, i) {
    forms = split("weir weir_sites weir_adaptive weir_uv weir_uv_sites libuv " \
        "one_hop two_hops floor", form, " ")
    print "| row | weir, epoll | + site | adaptive | weir, libuv | + site |" \
        " libuv alone | tokio+rayon | two hops | floor |"
    print "|---|---|---|---|---|---|---|---|---|---|"
    rows("hot", "hot", "p50 p90 p99 cpu", "us")
    row("hot allocations, each", "hot.allocations")
    rows("idle", "idle", "p50 p90 p99", "us")
    rows("burst", "burst", "wall cpu batch batch_cpu", "ns each")
    row("line, ms", "line.short")
    rows("mixed", "mixed", "p50 p90 p99 max", "ms")
    rows("late", "late", "p50 p99 max", "us")
    n = split("10us 100us 1ms 2ms 10ms", list, " ")
    for (i = 1; i <= n; i++)
        rows("cost " list[i], "cost." list[i], "p50 p90 cpu", "us")
}

# goal TEXT AT-MOST LOWEST MEDIAN UNIT: the median decides.
function goal(text, most, lowest, median, unit) {
    printf "| %s | %s%s | %s (%s)%s | %s |\n", text, most, unit,
        number(lowest), number(median), unit, median <= most ? "yes" : "no"
}

# times WHO NAME PEER: WHO's figure as a part of the peer's.
function times(text, most, who, name, peer) {
    if (has(who, name) && has(peer, name))
        goal(text, most, low[who, name] / low[peer, name],
            mid[who, name] / mid[peer, name], "x")
}

function plain(text, most, who, name, unit) {
    if (has(who, name))
        goal(text, most, low[who, name], mid[who, name], unit)
}

function percent(text, most, who, name, us) {
    if (has(who, name))
        goal(text, most, low[who, name] * 100 / us,
            mid[who, name] * 100 / us, " %")
}

function goals_of(who, text) {
    times(text ": hot p50, of libuv's", 0.5, who, "hot.p50", "libuv")
    times(text ": idle p50, of libuv's", 0.6, who, "idle.p50", "libuv")
    times(text ": burst, time of libuv's", 0.333, who, "burst.wall", "libuv")
    if (has(who, "burst.batch") && has("libuv", "burst.wall"))
        goal(text ": burst in batches, time of libuv's", 0.333,
            low[who, "burst.batch"] / low["libuv", "burst.wall"],
            mid[who, "burst.batch"] / mid["libuv", "burst.wall"], "x")
    plain(text ": 10 ms job before one of 500 ms", 12, who, "line.short",
        " ms")
    # No worse, that is: but for the noise.
    times(text ": mixed p99, of one hop's", 1.03, who, "mixed.p99", "one_hop")
    times(text ": mixed p99, of two hops'", 0.1, who, "mixed.p99", "two_hops")
    plain(text ": late p99", 1000, who, "late.p99", " us")
    plain(text ": allocations per offload", 0, who, "hot.allocations", "")
    plain(text ": cost p50 around 10 us", 10, who, "cost.10us.p50", " us")
    plain(text ": cost p50 around 100 us", 10, who, "cost.100us.p50", " us")
    percent(text ": cost p50 around 1 ms", 2, who, "cost.1ms.p50", 1000)
    percent(text ": cost p50 around 2 ms", 1, who, "cost.2ms.p50", 2000)
    percent(text ": cost p50 around 10 ms", 0.5, who, "cost.10ms.p50", 10000)
}

# What a site adds to an offload.
function site(text, plain_form, with_site,    name) {
    name = "hot.cpu"
    if (has(plain_form, name) && has(with_site, name))
        printf "\nA site adds %.2f us CPU to an offload (%s, lowest of hot; " \
            "p50: %.2f us).\n", low[with_site, name] - low[plain_form, name],
            text, low[with_site, "hot.p50"] - low[plain_form, "hot.p50"]
}

END {
    table()
    print ""
    print "| wanted | at most | measured | met |"
    print "|---|---|---|---|"
    goals_of("weir_uv", "weir on libuv")
    goals_of("weir", "weir on epoll")
    site("epoll", "weir", "weir_sites")
    if (noisy)
        print "\n~ no run of this row was quiet: other load was on."
}

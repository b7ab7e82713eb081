# SPDX-License-Identifier: MIT
# Tables of bench/forkjoin.sh from its summary, "who/workers/label:case.figure
# lowest median highest used all".
{
    name = $1
    if (name !~ /:alone\./)
        sub(/:[a-z]+\./, ".", name)
    low[name] = $2
    mid[name] = $3
    used[name] = $5
    noisy = noisy || !$5
}

function number(value) {
    return sprintf(value < 1 ? "%.3f" : value < 10 ? "%.2f" : \
        value < 100 ? "%.1f" : "%.0f", value)
}

# The lowest of all runs, and the median of all medians.
function best(key) {
    return low[key ".best"]
}

function usual(key) {
    return mid[key ".wall"]
}

function has(key) {
    return (key ".best") in low
}

function figure(key) {
    if (!has(key))
        return "-"
    return (used[key ".wall"] ? "" : "~") number(best(key)) " (" \
        number(usual(key)) ")"
}

function middle(name) {
    return name in mid ? number(mid[name]) : "-"
}

# How often b goes into a, by the lowest and by the medians.
function times(a, b) {
    if (!has(a) || !has(b))
        return "-"
    return number(best(a) / best(b)) " (" number(usual(a) / usual(b)) ")"
}

# ---- trees -----------------------------------------------------------------

function tree_row(text, who, label, base,    one, two) {
    one = who "/1/" label
    two = who "/2/" label
    if (!has(one) && !has(two))
        return
    print "| " text " | " figure(one) " | " times(one, base) " | " \
        figure(two) " | " times(one, two) " | " \
        times("serial/1/" label, two) " | " middle(two ".cpu") " | " \
        middle((has(two) ? two : one) ".peak") " |"
}

# base: what the ratios of one worker are to.
function tree(title, label, base, base_text) {
    print "| " title " | 1 worker | / " base_text " | 2 workers |" \
        " against own 1 | against serial | CPU of 2 | peak MB |"
    print "|---|---|---|---|---|---|---|---|"
    tree_row("serial, gcc", "serial", label, base)
    tree_row("serial, gcc, noinline", "noinline", label, base)
    tree_row("serial, clang", "clang", label, base)
    tree_row("two plain threads", "threads", label, base)
    tree_row("weir", "weir", label, base)
    tree_row("weir, forks where wanted", "wanted", label, base)
    tree_row("Lace", "lace", label, base)
    tree_row("rayon", "rayon", label, base)
    tree_row("oneTBB", "tbb", label, base)
    tree_row("OpenMP, libgomp", "gomp", label, base)
    tree_row("OpenMP, libomp", "omp", label, base)
    print ""
}

function crowd_row(text, who) {
    if (!has(who "/4/fib") && !has(who "/2/pools"))
        return
    print "| " text " | " times(who "/4/fib", who "/2/fib") " | " \
        times(who "/8/fib", who "/2/fib") " | " \
        times(who "/8/bigfib", who "/2/bigfib") " | " \
        times(who "/2/pools", who "/2/pools:alone") " |"
}

function crowds() {
    print "| two processors | fib, 4 workers / 2 | 8 / 2 | fib(" big_fib \
        "), 8 / 2 | two pools of 2 at once / one with all the work |"
    print "|---|---|---|---|---|"
    crowd_row("weir", "weir")
    crowd_row("weir, forks where wanted", "wanted")
    crowd_row("Lace", "lace")
    crowd_row("rayon", "rayon")
    crowd_row("oneTBB", "tbb")
    print ""
}

# ---- loops -----------------------------------------------------------------

function loop_row(text, who, label,    one, two) {
    one = who "/1/" label
    two = who "/2/" label
    if (has(one) || has(two))
        print "| " text " | " figure(one) " | " figure(two) " | " \
            times("serial/1/" label, two) " | " middle(two ".cpu") " |"
}

function loop(title, label) {
    print "| loop of " title ", us | 1 worker | 2 workers | against plain |" \
        " CPU of 2 |"
    print "|---|---|---|---|---|"
    loop_row("plain loop", "serial", label)
    loop_row("limit: two threads that spin", "spin", label)
    loop_row("weir", "weir", label)
    loop_row("oneTBB, static", "tbb", label)
    loop_row("oneTBB, auto", "tbbauto", label)
    loop_row("OpenMP static, libgomp", "gomp", label)
    loop_row("OpenMP static, libomp", "omp", label)
    loop_row("rayon", "rayon", label)
    print ""
}

# ---- sorts -----------------------------------------------------------------

function sort_cells(who, workers, label,    n, list, i, out) {
    n = split(exponents, list, " ")
    for (i = 1; i <= n; i++)
        out = out " | " figure(who "/" workers "/" label list[i])
    return out
}

function sort_row(text, who, shape,    big, list, n) {
    n = split(exponents, list, " ")
    big = who "/2/" shape list[n]
    if (has(big))
        print "| " text sort_cells(who, 2, shape) " | " \
            figure(who "/1/" shape list[n]) " | " middle(big ".cpu") " | " \
            middle(big ".peak") " |"
}

function sorts_of(shape,    n, list, i, head, line) {
    n = split(exponents, list, " ")
    for (i = 1; i <= n; i++) {
        head = head " | 10^" list[i]
        line = line "---|"
    }
    print "| sort of " shape " u32, ms, 2 workers" head " | 10^" list[n] \
        ", 1 worker | CPU of 2 | peak MB |"
    print "|---|---|---|---|" line
    sort_row("qsort, serial", "serial", shape)
    sort_row("by digits, serial", "serialradix", shape)
    sort_row("weir", "weir", shape)
    sort_row("weir, stable", "stable", shape)
    sort_row("weir, compare by pointer", "pointer", shape)
    sort_row("weir, by digits", "radix", shape)
    sort_row("oneTBB", "tbb", shape)
    sort_row("rayon, unstable", "rayon", shape)
    sort_row("rayon, stable", "rayonstable", shape)
    print ""
}

function string_row(text, who,    two) {
    two = who "/2/strings"
    if (has(two))
        print "| " text " | " figure(who "/1/strings") " | " figure(two) \
            " | " middle(two ".cpu") " | " middle(two ".peak") " |"
}

function strings() {
    printf "| sort of %d strings by strcmp, ms | 1 worker | 2 workers |" \
        " CPU of 2 | peak MB |\n", words
    print "|---|---|---|---|---|"
    string_row("qsort, serial (on one)", "serial")
    string_row("weir", "weir")
    string_row("weir, stable", "stable")
    string_row("weir, compare by pointer", "pointer")
    string_row("oneTBB", "tbb")
    string_row("rayon, unstable", "rayon")
    string_row("rayon, stable", "rayonstable")
    print ""
}

# ---- goals -----------------------------------------------------------------

function met(yes) {
    return yes ? "met" : "**missed**"
}

# A ratio of two rows; judged by the lowest, as the design says. `peer`: the
# same ratio of Lace, or whoever is named.
function ratio(text, sign, goal, a, b, peer_text, peer_a, peer_b,    value) {
    if (!has(a) || !has(b))
        return
    value = best(a) / best(b)
    print "| " text " | " sign " " goal " | " times(a, b) " | " \
        met(sign == "<=" ? value <= goal : value >= goal) " | " \
        (has(peer_a) && has(peer_b) ? peer_text " " times(peer_a, peer_b) : \
        "-") " |"
}

# A time, less another (or none); judged by the median.
function time(text, goal, unit, a, less, peer_text, peer,    value) {
    if (!has(a))
        return
    value = usual(a) - (less == "" ? 0 : usual(less))
    print "| " text " | <= " goal " " unit " | " number(value) " | " \
        met(value <= goal) " | " (has(peer) ? peer_text " " \
        number(usual(peer) - (less == "" ? 0 : usual(less))) : "-") " |"
}

# The same recursion with forks everywhere, and with forks where wanted.
function both(text, sign, goal, a, a_workers, b, b_workers, label,    i, way) {
    for (i = 1; i <= 2; i++) {
        way = i == 1 ? "weir" : "wanted"
        ratio(text (i == 1 ? "" : ", forks where wanted"), sign, goal,
            (a == "" ? way : a) "/" a_workers "/" label,
            (b == "" ? way : b) "/" b_workers "/" label, "Lace",
            (a == "" ? "lace" : a) "/" a_workers "/" label,
            (b == "" ? "lace" : b) "/" b_workers "/" label)
    }
}

function goals() {
    print "| wanted | | lowest (median) | | beside |"
    print "|---|---|---|---|---|"
    both("fib, 1 worker / noinline", "<=", 1.35, "", 1, "noinline", 1, "fib")
    both("fib, 2 workers against own 1", ">=", 1.9, "", 1, "", 2, "fib")
    both("skynet, 1 worker / serial", "<=", 1.35, "", 1, "serial", 1, "skynet")
    both("nqueens, 1 worker / serial", "<=", 1.10, "", 1, "serial", 1,
        "nqueens")
    both("nqueens, 2 workers against serial", ">=", 1.8, "serial", 1, "", 2,
        "nqueens")
    both("UTS T1, 2 workers against serial", ">=", 1.95, "serial", 1, "", 2,
        "uts")
    ratio("matmul, 2 workers: of two plain threads' speed", ">=", 0.98,
        "threads/2/matmul", "weir/2/matmul", "Lace", "threads/2/matmul",
        "lace/2/matmul")
    time("loop of 10^6, 2 workers", 29, "us", "weir/2/loop6", "",
        "two threads that spin", "spin/2/loop6")
    time("loop of 10^3, 2 workers, over the plain loop", 0.2, "us",
        "weir/2/loop3", "serial/1/loop3", "oneTBB static", "tbb/2/loop3")
    time("sort of 10^7 u32 by comparison, 2 workers", 120, "ms",
        "weir/2/random7", "", "rayon", "rayon/2/random7")
    ratio("the same, by rayon's time", "<=", 0.89, "weir/2/random7",
        "rayon/2/random7")
    time("sort of 10^7 u32 by digits, 2 workers", 35, "ms", "radix/2/random7",
        "", "serial", "serialradix/2/random7")
    ratio("the same, by the serial one's time", "<=", 0.61, "radix/2/random7",
        "serialradix/2/random7")
    crowd_goal(4)
    crowd_goal(8)
    ratio("fib(" big_fib "), 8 workers / 2", "<=", 1.1, "weir/8/bigfib",
        "weir/2/bigfib", "Lace", "lace/8/bigfib", "lace/2/bigfib")
    ratio("two pools of 2 at once / ideal", "<=", 1.1, "weir/2/pools",
        "weir/2/pools:alone", "rayon", "rayon/2/pools", "rayon/2/pools:alone")
}

function crowd_goal(workers) {
    ratio("fib, " workers " workers / 2", "<=", 1.1, "weir/" workers "/fib",
        "weir/2/fib", "Lace", "lace/" workers "/fib", "lace/2/fib")
    ratio("fib, " workers " workers / 2, forks where wanted", "<=", 1.1,
        "wanted/" workers "/fib", "wanted/2/fib", "Lace",
        "lace/" workers "/fib", "lace/2/fib")
}

END {
    print "Lowest of all runs, in brackets the median; CPU (of all threads)" \
        " and peak memory\nare medians. Ratios are of the lowest, in brackets" \
        " of the medians. oneTBB and\nOpenMP do smaller trees of fib and" \
        " skynet, where the unit is a fork, a leaf."
    print ""
    tree("fib, ns a fork", "fib", "noinline/1/fib", "noinline")
    tree("skynet, ns a leaf", "skynet", "serial/1/skynet", "serial")
    tree("nqueens, ms", "nqueens", "serial/1/nqueens", "serial")
    tree("UTS T1, ms", "uts", "serial/1/uts", "serial")
    tree("matmul, ms", "matmul", "serial/1/matmul", "serial")
    crowds()
    loop("10^3", "loop3")
    loop("10^5", "loop5")
    loop("10^6", "loop6")
    count = split(shapes, shape, " ")
    for (i = 1; i <= count; i++)
        sorts_of(shape[i])
    strings()
    goals()
    if (noisy)
        print "\n~ no run of this row was quiet: other load was on."
}

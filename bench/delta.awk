# SPDX-License-Identifier: MIT
# Tables of bench/delta.sh from its summary: "name lowest median highest used
# all".
{
    low[$1] = $2
    mid[$1] = $3
    high[$1] = $4
    used[$1] = $5
    all[$1] = $6
    runs += /\.wall /
}

# Of a rate the highest is the best.
function rate(name) {
    return high["limit:" name] * 1e6
}

# Seconds that the row must take on two threads, if nothing but this is done.
function limit(operation, place,    literals, sum) {
    if (operation == "signature")
        return size / rate("file.sign.2t")
    if (operation ~ /^patch/)
        return size / rate("cache.write.2t")
    literals = operation == "deltaA" ? literalsA : literalsB
    sum = (size - literals) / rate("file.sign.2t") + \
        literals / rate("file.read.2t") + literals / rate("hash.scan.2t")
    if (place == "disk")
        sum += literals / rate("cache.write.2t")
    return sum
}

function wall(key) {
    if (!(key ".wall" in low))
        return "-"
    return sprintf("%.2f (%.2f)", low[key ".wall"], mid[key ".wall"])
}

function seconds(name) {
    return (name in low) ? sprintf("%.2f", low[name]) : "-"
}

function ratio(above, below) {
    if (!(above in low) || !(below in low) || low[below] <= 0)
        return "-"
    return sprintf("%.2f", low[above] / low[below])
}

function count(key) {
    key = key ".wall"
    if (!(key in all))
        return "-"
    return used[key] ? used[key] "/" all[key] : "0/" all[key] " noisy"
}

function row(operation, place,    key, w, other) {
    key = operation "." place
    w = key ".w2"
    other = key ".rdiff"
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | ",
        operation, place, wall(w), seconds(w ".cpu"),
        wall(key ".w1"), wall(other),
        seconds(other ".cpu"),
        ratio(other ".wall", w ".wall"), ratio(other ".cpu", w ".cpu"),
        ratio(key ".w1.wall", w ".wall")
    printf "%.2f | %.0f %% | %s, %s |\n", limit(operation, place),
        100 * limit(operation, place) / low[w ".wall"], count(w), count(other)
}

# target NAME KEY-ABOVE KEY-BELOW LEAST GOAL: a ratio that should be high.
function target(name, above, below, least, goal,    got) {
    if (!(above in low) || !(below in low))
        return
    got = low[above] / low[below]
    printf "| %s | %s× | %s× | %.2f× | %s |\n", name, least, goal, got,
        (got >= goal ? "goal" : got >= least ? "yes" : "no")
}

function ceiling(name, got, least, goal, unit) {
    printf "| %s | %s%s | %s%s | %.2f%s | %s |\n", name, least, unit, goal,
        unit, got, unit, (got <= goal ? "goal" : got <= least ? "yes" : "no")
}

function patch_row(operation, place,    key) {
    key = operation "." place
    if (key ".cp.wall" in low)
        ceiling(operation ", " place ", wall: cp's time",
            low[key ".w2.wall"] / low[key ".cp.wall"], 1.5, 1.1, "×")
}

# The table of a signature has 12 bytes a block beside the strong sum.
function memory_row(name,    table, key, most) {
    table = (signature - 12) / 36 * 44 / 1e6
    for (key in high)
        if (key ~ "^" name "\\..*\\.w2\\.peak$" && high[key] > most)
            most = high[key]
    ceiling(name ": peak memory, signature table (" \
        sprintf("%.1f", table) " MB) +", (most - table) * 1e6 / 1048576, 64,
        16, " MiB")
}

function limit_row(name, text) {
    printf "| %s | %.2f GB/s | %.2f GB/s |\n", text, rate(name ".1t") / 1e9,
        rate(name ".2t") / 1e9
}

function limits() {
    print ""
    print "| limit of the machine | 1 thread | 2 threads |"
    print "|---|---|---|"
    limit_row("memory.read", "memory, read")
    limit_row("memory.copy", "memory, memcpy")
    limit_row("hash.blake2b", "BLAKE2b-256, blocks of 32 KiB in memory")
    limit_row("hash.scan", "scan without a match, in memory")
    limit_row("file.read", "file in the page cache, pread")
    limit_row("file.sign", "the same, with both sums of each block")
    limit_row("cache.write", "file to the page cache, write")
    if ("limit:disk.read.direct" in low)
        printf "| disk, past the cache: read, write | %.2f, %.2f GB/s | |\n",
            rate("disk.read.direct") / 1e9, rate("disk.write.direct") / 1e9
}

END {
    print "| operation | output to | weir, 2 threads | CPU | weir, 1 thread " \
        "| rdiff | CPU | rdiff/weir, wall | CPU | 1 to 2 threads | limit | " \
        "reached | quiet runs, weir, rdiff |"
    print "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    split("signature deltaA deltaB", names, " ")
    for (i = 1; i <= 3; i++) {
        row(names[i], "disk")
        row(names[i], "null")
    }
    row("patchA", "disk")
    row("patchB", "disk")
    if (shm)
        row("patchA", "tmpfs")
    print ""
    print "| cp of the result | wall | CPU |"
    print "|---|---|---|"
    split("patchA.disk patchB.disk patchA.tmpfs", names, " ")
    for (i = 1; i <= 3; i++)
        if (names[i] ".cp.wall" in low)
            printf "| %s | %s | %.2f |\n", names[i], wall(names[i] ".cp"),
                low[names[i] ".cp.cpu"]
    print ""
    print "| wanted | at least | goal | measured | met |"
    print "|---|---|---|---|---|"
    split("disk null", places, " ")
    for (i = 1; i <= 2; i++) {
        p = "." places[i]
        n = ", " places[i] ", rdiff's wall time"
        target("signature" n, "signature" p ".rdiff.wall",
            "signature" p ".w2.wall", 6, 10)
        target("deltaA" n, "deltaA" p ".rdiff.wall", "deltaA" p ".w2.wall",
            8, 12)
        target("deltaB" n, "deltaB" p ".rdiff.wall", "deltaB" p ".w2.wall",
            5, 8)
    }
    patch_row("patchA", "disk")
    patch_row("patchB", "disk")
    patch_row("patchA", "tmpfs")
    split("signature deltaA deltaB", names, " ")
    for (i = 1; i <= 3; i++)
        target(names[i] ", null, 1 to 2 threads", names[i] ".null.w1.wall",
            names[i] ".null.w2.wall", 1.8, 1.95)
    printf "| (two plain threads without a runtime, as signature) | | | " \
        "%.2f× | |\n", rate("file.sign.2t") / rate("file.sign.1t")
    memory_row("deltaA")
    memory_row("deltaB")
    limits()
}

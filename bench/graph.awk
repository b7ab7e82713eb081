# SPDX-License-Identifier: MIT
# Tables of bench/graph.sh from its summary, "who:case.figure lowest median
# highest used all".
{
    low[$1] = $2
    mid[$1] = $3
    high[$1] = $4
    used[$1] = $5
    noisy = noisy || !$5
}

function number(value) {
    return sprintf(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
}

function figure(name) {
    if (!(name in mid))
        return "-"
    return (used[name] ? "" : "~") number(mid[name]) " (" \
        number(low[name]) " to " number(high[name]) ")"
}

function middle(name) {
    return name in mid ? number(mid[name]) : "-"
}

function head(title, unit) {
    print "| " title " | " unit " | CPU | peak MB |"
    print "|---|---|---|---|"
}

function row(text, name) {
    if ((name ".wall") in mid)
        printf "| %s | %s | %s | %s |\n", text, figure(name ".wall"),
            middle(name ".cpu"), middle(name ".peak")
}

function rows(name, limit, limit_name) {
    row("weir", "weir:" name)
    if (name == "empty")
        row("weir, at most 2048 at once", "weir:bounded")
    row("OpenMP, libgomp", "gomp:" name)
    row("OpenMP, libomp", "omp:" name)
    row("StarPU", "starpu:" name)
    row("oneTBB flow graph", "tbb:" name)
    if (limit != "")
        row(limit, limit_name)
    print ""
}

function tasks() {
    head("independent empty tasks", "ns/task")
    rows("empty", "limit: jobs of weir's pool, no graph", "floor:empty")
    head("the same, each readwrite on 64 bytes of its own", "ns/task")
    rows("own")
    head("readwrite chain of 4096", "ns/task")
    rows("chain", "limit: a job of the pool that submits the next",
        "floor:chain")
    head("8000 slices of one buffer, none ended: the first time", "ns/submit")
    rows("fill")
    head("again, behind those 8000", "ns/submit")
    row("weir, 8000 columns of a matrix", "weir:columns")
    rows("alive")
    head("twice 8000 slices, submitted and run", "ns/task")
    rows("loose")
}

function memory_row(text, who,    name) {
    name = who ":memory."
    if (!((name "late") in mid))
        return
    printf "| %s | %s | %s | %s | %s | %s |\n", text,
        who == "weir" ? sprintf("%.0e", many) : "1e+06", middle(name "early"),
        middle(name "late"), middle(name "wall"), middle(who ":idle.share")
}

function memory() {
    print "| | tasks | MB after a tenth | MB after all | ns/task |" \
        " idle afterwards, % of a processor |"
    print "|---|---|---|---|---|---|"
    memory_row("weir", "weir")
    memory_row("OpenMP, libgomp", "gomp")
    memory_row("OpenMP, libomp", "omp")
    memory_row("StarPU", "starpu")
    memory_row("oneTBB flow graph", "tbb")
    print ""
}

function times_row(text, name) {
    if ((name ".p50") in mid)
        printf "| %s | %s | %s | %s | %s |\n", text, figure(name ".p50"),
            middle(name ".p99"), middle(name ".most"), middle(name ".cpu")
}

function processes() {
    print "| through processes, us | p50 | p99 | most | CPU |"
    print "|---|---|---|---|---|"
    times_row("weir: a task and back, one after the other", "weir:trip")
    times_row("weir: after 2 ms of rest", "weir:rested")
    times_row("limit: a word and back, both spin", "floor:spin")
    times_row("limit: both sleep on a futex", "floor:futex")
    times_row("limit: two pipes", "floor:pipe")
    times_row("weir: kill -9 to the task's error", "weir:kill")
    times_row("weir: kill -9 until the process is replaced", "weir:replaced")
    times_row("limit: kill -9 to poll on its pidfd", "floor:kill")
    print ""
    head("pipelined empty tasks", "ns/task")
    row("weir, one child", "weir:stream")
    row("weir, two children", "weir:stream2")
    row("limit: a word each way for each, 64 under way", "floor:stream")
    print ""
    if ("procs:idle.parent" in mid)
        printf "Idle: the parent %s %% of a processor, zygote and two" \
            " children together %s %%.\n\n", middle("procs:idle.parent"),
            middle("procs:idle.children")
}

# Kernels in it: their time (of all workers, on the clock) / 2 / wall.
function cholesky_row(text, who, perfect,    name) {
    name = who ":cholesky"
    if ((name ".wall") in mid)
        printf "| %s | %s | %s | %.1f %% | %.1f %% | %s | %s |\n", text,
            figure(name ".wall"), middle(name ".gflops"),
            100 * perfect / mid[name ".wall"],
            100 * perfect / low[name ".wall"], middle(name ".cpu"),
            middle(name ".peak")
}

function cholesky(    perfect) {
    if (!("perfect:cholesky.wall" in mid))
        return
    perfect = mid["perfect:cholesky.wall"] / 2
    print "| Cholesky 4096, tiles of 256 | ms | GFLOP/s | of perfect |" \
        " the best run | CPU ms | peak MB |"
    print "|---|---|---|---|---|---|---|"
    cholesky_row("weir, 2 workers", "weir", perfect)
    cholesky_row("weir, 2 processes", "procs", perfect)
    cholesky_row("OpenMP, libgomp", "gomp", perfect)
    cholesky_row("OpenMP, libomp", "omp", perfect)
    cholesky_row("StarPU", "starpu", perfect)
    cholesky_row("oneTBB flow graph", "tbb", perfect)
    cholesky_row("OpenBLAS, one call, its own threads", "blas", perfect)
    cholesky_row("the kernels on one thread", "perfect", perfect)
    printf "\nPerfect: the kernels on one thread, %s ms, by two. Two plain" \
        " threads with half\nof the updates each and no order take %s ms for" \
        " what one does in %s: %.1f %% of\nperfect is what this machine" \
        " gives.\n\n", middle("perfect:cholesky.wall"),
        middle("perfect:updates.wall"), middle("perfect:updates1.wall"),
        50 * mid["perfect:updates1.wall"] / mid["perfect:updates.wall"]
}

# goal TEXT MOST NAME FACTOR UNIT
function goal(text, most, name, factor, unit) {
    if (name in mid)
        printf "| %s | at most %s %s | %s (%s) | %s |\n", text, most, unit,
            number(mid[name] * factor), number(low[name] * factor),
            (mid[name] * factor <= most ? "yes" : "no")
}

function goals(    best, who, n, list, i) {
    print "| wanted | | median (lowest) | met |"
    print "|---|---|---|---|"
    goal("empty tasks, submit included", 0.5, "weir:empty.wall", 1e-3, "us")
    goal("chain of 4096", 0.5, "weir:chain.wall", 1e-3, "us")
    goal("submit, 8000 slices alive", 1, "weir:alive.wall", 1e-3, "us")
    goal("submit, 8000 columns alive", 1, "weir:columns.wall", 1e-3, "us")
    goal("through a child and back, p50", 6, "weir:trip.p50", 1, "us")
    goal("pipelined through one child", 1.5, "weir:stream.wall", 1e-3, "us")
    goal("parent idle", 0.1, "procs:idle.parent", 1, "%")
    goal("children idle", 0.1, "procs:idle.children", 1, "%")
    goal("kill -9 to the error, p50", 2, "weir:kill.p50", 1e-3, "ms")
    if ("weir:memory.late" in mid)
        printf "| resident after the last nine tenths of %.0e tasks | flat |" \
            " %+.1f MB | %s |\n", many, mid["weir:memory.late"] - \
            mid["weir:memory.early"], mid["weir:memory.late"] < \
            1.05 * mid["weir:memory.early"] ? "yes" : "no"
    if (!("weir:cholesky.wall" in mid))
        return
    best = 100 * mid["perfect:cholesky.wall"] / 2 / mid["weir:cholesky.wall"]
    printf "| Cholesky | at least 92 %% of perfect | %.1f | %s |\n", best,
        (best >= 92 ? "yes" : "no")
    n = split("gomp omp starpu blas", list, " ")
    best = "weir"
    for (i = 1; i <= n; i++)
        if ((list[i] ":cholesky.wall") in mid && \
            mid[list[i] ":cholesky.wall"] < mid[best ":cholesky.wall"])
            best = list[i]
    printf "| Cholesky | the fastest | %s is | %s |\n", best,
        best == "weir" ? "yes" : "no"
}

END {
    print "Two workers each. weir and StarPU have the thread that submits" \
        " beside them; with\nOpenMP and oneTBB it is one of the two. CPU: of" \
        " all threads, in the same unit.\noneTBB is told its edges, and has" \
        " no data; in OpenMP and StarPU what is named is\na first address, a" \
        " handle: nothing overlaps there. libgomp runs a task at once\nwhen" \
        " 128 wait, so that it cannot hold 8000."
    print ""
    tasks()
    memory()
    processes()
    cholesky()
    goals()
    if (noisy)
        print "\n~ no run of this row was quiet: other load was on."
}

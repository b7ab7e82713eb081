# SPDX-License-Identifier: MIT
# The tables of bench/deps.sh from its samples, sorted: "name value quiet".
function flush(    i, n, sum, squares, x) {
    if (!all)
        return
    n = calm ? calm : all
    for (i = 1; i <= n; i++) {
        x = calm ? q[i] : a[i]
        v[i] = x
        sum += x
        squares += x * x
    }
    low[name] = v[1]
    median[name] = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    mean = sum / n
    x = squares / n - mean * mean
    sigma[name] = n > 1 && x > 0 ? sqrt(x * n / (n - 1)) : 0
    quiet[name] = calm + 0
    runs[name] = all
}
$1 != name {flush(); name = $1; calm = all = 0}
{a[++all] = $2; if ($3) q[++calm] = $2}

function of(key, figure, format) {
    return sprintf(format, median[key "." figure])
}
function row(key, label) {
    if (key ".failed" in median) {
        printf "| %s | failed %d times |\n", label, runs[key ".failed"]
    }
    if (!(key ".wall" in median))
        return
    printf "| %s | %.3f, %.3f ± %.3f%s | %s | %s | %s | %s + %s | %s + %s " \
        "| %s | %s | %s | %s | %s |\n", label, low[key ".wall"],
        median[key ".wall"], sigma[key ".wall"],
        quiet[key ".wall"] ? "" : " *noisy*", of(key, "user", "%.2f"),
        of(key, "sys", "%.2f"), of(key, "rss", "%.0f"),
        of(key, "minor", "%d"), of(key, "major", "%d"),
        of(key, "voluntary", "%d"), of(key, "involuntary", "%d"),
        of(key, "received", "%.2f"), of(key, "sent", "%.2f"),
        of(key, "requests", "%d"), of(key, "flight", "%d"),
        of(key, "cache", "%.1f")
}
function head(text) {
    print "\n#### " text "\n"
    print "| | wall s: least, median ± σ | user s | sys s | RSS MiB | page " \
        "faults minor + major | switches voluntary + involuntary | received " \
        "MB | sent MB | requests | at once | cache MB |"
    print "|---|---|---|---|---|---|---|---|---|---|---|---|"
}
function table(where, temperature, text,    i, n, tool) {
    head(text)
    n = split(tools, tool, " ")
    for (i = 1; i <= n; i++)
        row(where "." tool[i] "." temperature, tool[i])
}
function counted(key,    k, n) {
    return sprintf("%d of %d", quiet[key], runs[key])
}
END {
    flush()
    table("large", "cold", "4,060 packages, 0 ms per answer, cold")
    printf "\nThe transfers alone, 64 at a time, nothing inflated: %.3f s " \
        "(median %.3f).\n", low["floor.large.wall"] / 1e3,
        median["floor.large.wall"] / 1e3
    table("large", "warm", "the same, warm")
    table("medium20", "cold", "1,424 packages, 20 ms per answer, cold")
    printf "\nThe transfers alone: %.3f s (median %.3f). 1,424 / 64 × 20 ms " \
        "= 0.445 s.\n", low["floor.medium20.wall"] / 1e3,
        median["floor.medium20.wall"] / 1e3
    table("medium20", "warm", "the same, warm")
    print "\nAt once: requests that the registry had read and not answered."
    printf "Quiet runs of weir, by table: %s, %s, %s, %s.\n",
        counted("large.weir.cold.wall"), counted("large.weir.warm.wall"),
        counted("medium20.weir.cold.wall"), counted("medium20.weir.warm.wall")
    head("weir: what parsing on many threads is worth (4,060 packages, cold)")
    split("large large20", place, " ")
    split("0 20", latency, " ")
    split("workers owner", engine, " ")
    split("1 all", threads, " ")
    for (i = 1; i <= 2; i++)
        for (j = 1; j <= 2; j++)
            for (k = 1; k <= 2; k++)
                row("ablation." place[i] "." engine[j] "." threads[k],
                    latency[i] " ms, " engine[j] ", parse on " threads[k])
}

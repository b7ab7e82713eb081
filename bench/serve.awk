# SPDX-License-Identifier: MIT
# The tables of bench/serve.sh from lines "name lowest median highest used all".
{
    low[$1] = $2
    median[$1] = $3
    high[$1] = $4
}
# How many times `b` is `a`, by medians; empty where there is none.
function times(a, b) {
    return (a in median) && (b in median) && median[b] > 0 \
        ? sprintf("%.2f", median[a] / median[b]) : "-"
}
function cell(name) {
    return name in median ? sprintf("%.2f (%.2f to %.2f)", median[name], \
        low[name], high[name]) : "-"
}
function row(what, a, b) {
    printf "| %s | %s | %s | %s |\n", what, cell(a), cell(b), times(a, b)
}
END {
    print "Medians (lowest to highest) of all rounds.\n"
    print "| cold, ms until all have it | weir | onnxruntime | ratio |"
    print "|---|---|---|---|"
    row("one client", "cold.weir.1", "cold.ort.1")
    row("eight at once", "cold.weir.8", "cold.ort.8")
    printf "| eight / one | %s | %s | |\n\n",
        times("cold.weir.8", "cold.weir.1"), times("cold.ort.8", "cold.ort.1")
    print "| one request, ms (least of a round) | weir | onnxruntime | ratio |"
    print "|---|---|---|---|"
    for (n = 1; n <= 2; n++) {
        name = n == 1 ? "large" : "small"
        for (t = 1; t <= threads; t++)
            row(name ", " t " thread" (t > 1 ? "s" : ""),
                "single.weir." name "." t, "single.ort." name "." t)
    }
    print "\n| 32 clients, two models | weir | onnxruntime | ratio |"
    print "|---|---|---|---|"
    for (n = 1; n <= 2; n++) {
        name = n == 1 ? "large" : "small"
        row(name ", requests/s", "service.weir." n ".rate",
            "service.ort." n ".rate")
        row(name ", p50 ms", "service.weir." n ".p50", "service.ort." n ".p50")
        row(name ", p99 ms", "service.weir." n ".p99", "service.ort." n ".p99")
    }
    print "\n| small model beside a compile | quiet | compiling | ratio |"
    print "|---|---|---|---|"
    print "| p50 ms | " cell("compile.quiet.1.p50") " | " \
        cell("compile.busy.1.p50") " | " \
        times("compile.busy.1.p50", "compile.quiet.1.p50") " |"
    print "| p99 ms | " cell("compile.quiet.1.p99") " | " \
        cell("compile.busy.1.p99") " | " \
        times("compile.busy.1.p99", "compile.quiet.1.p99") " |"
    print "\n| two services at once, small, requests/s | weir | onnxruntime | |"
    print "|---|---|---|---|"
    printf "| one alone | %s | %s | |\n", cell("two.weir.alone.1.rate"),
        cell("two.ort.alone.1.rate")
    printf "| each of two | %s | %s | |\n", cell("two.weir.each"),
        cell("two.ort.each")
    printf "| two together / one alone |"
    for (n = 1; n <= 2; n++) {
        who = n == 1 ? "weir" : "ort"
        alone = "two." who ".alone.1.rate"
        each = "two." who ".each"
        value = "-"
        if ((alone in median) && (each in median))
            value = sprintf("%.2f", 2 * median[each] / median[alone])
        printf " %s |", value
    }
    print " |"
}

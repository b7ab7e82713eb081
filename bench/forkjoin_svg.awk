# SPDX-License-Identifier: MIT
# A chart of bench/forkjoin.sh's trees from its summary: each contestant's time
# by that of the serial code, on one worker and on two, shorter is better.
{
    name = $1
    sub(/:[a-z]+\./, ".", name)
    if (name ~ /\.best$/) {
        sub(/\.best$/, "", name)
        low[name] = $2
    }
}

# A logarithmic scale.
function at(ratio) {
    ratio = ratio < LEAST ? LEAST : ratio > MOST ? MOST : ratio
    return LEFT + (RIGHT - LEFT) * log(ratio / LEAST) / log(MOST / LEAST)
}

function number(value) {
    return sprintf(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
}

function text(x, y, what, style) {
    body = body sprintf("<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", x, y,
        style, what)
}

function bar(y, high, ratio, colour) {
    body = body sprintf("<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\"" \
        " height=\"%.1f\" fill=\"%s\"/>\n", LEFT, y, at(ratio) - LEFT, high,
        colour)
    text(at(ratio) + 3, y + high - 0.5, number(ratio), " class=\"value\"")
}

function row(label, who, case_name, base,    one, two, ours) {
    one = who "/1/" case_name
    two = who "/2/" case_name
    if (!(one in low) && !(two in low))
        return
    ours = who == "weir" || who == "wanted"
    text(LEFT - 6, y + 14, label, " text-anchor=\"end\"" \
        (ours ? " class=\"ours\"" : ""))
    if (one in low)
        bar(y + 1, 8, low[one] / low[base], ours ? "#9cc4e4" : "#cccccc")
    if (two in low)
        bar(y + 9, 8, low[two] / low[base], ours ? "#1f6fb2" : "#888888")
    y += 21
}

function group(title, case_name, base) {
    if (!(base in low))
        return
    text(LEFT, y + 13, title, " class=\"title\"")
    y += 20
    row("weir", "weir", case_name, base)
    row("weir, where wanted", "wanted", case_name, base)
    row("Lace", "lace", case_name, base)
    row("rayon", "rayon", case_name, base)
    row("oneTBB", "tbb", case_name, base)
    row("libgomp", "gomp", case_name, base)
    row("libomp", "omp", case_name, base)
    y += 8
}

function line(ratio) {
    grid = grid sprintf("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"40\" y2=\"%d\"" \
        " stroke=\"%s\"/>\n", at(ratio), at(ratio), y,
        ratio == 1 ? "#000000" : "#dddddd")
    text(at(ratio), 36, ratio, " text-anchor=\"middle\"")
}

END {
    LEFT = 150
    RIGHT = 720
    LEAST = 0.2
    MOST = 500
    y = 44
    group("fib, by the serial code with its calls", "fib", "noinline/1/fib")
    group("skynet, by the serial code", "skynet", "serial/1/skynet")
    group("nqueens, by the serial code", "nqueens", "serial/1/nqueens")
    group("UTS T1, by the serial code", "uts", "serial/1/uts")
    group("matmul, by the serial code", "matmul", "serial/1/matmul")
    split("0.2 0.5 1 2 5 10 20 50 100 200 500", ticks, " ")
    for (i = 1; i in ticks; i++)
        line(ticks[i])
    text(LEFT, 16, "Time by that of the serial code: pale on one worker," \
        " dark on two; shorter is better", "")
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"780\"" \
        " height=\"%d\" viewBox=\"0 0 780 %d\">\n", y, y
    print "<style>text {font: 11px sans-serif} .value {font-size: 8px}" \
        " .title {font-weight: bold; paint-order: stroke; stroke: #ffffff;" \
        " stroke-width: 3px} .ours {font-weight: bold;" \
        " fill: #1f6fb2}</style>"
    print "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    printf "%s%s</svg>\n", grid, body
}

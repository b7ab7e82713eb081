#!/bin/sh
# SPDX-License-Identifier: MIT
# Configures, builds and tests each preset; a preset named clang is only built.
# The last line sums up, alone: "N passed, N failed[, N skipped]". Ends with 1
# when anything failed, a build included.
# usage: test.sh PRESET...
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0 broken=

# Thread sanitizer wants its memory layout; kernels that randomize more than
# 28 bits take it away, unless asked not to.
prefix_for() {
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null) || bits=0
    if test "$1" = tsan && test "${bits:-0}" -gt 28 &&
        setarch "$(uname -m)" -R true 2>/dev/null; then
        echo "setarch $(uname -m) -R"
    fi
}

build() {
    log=build/$1.log
    cmake --preset "$1" >"$log" 2>&1 || { cat "$log"; return 1; }
    cmake --build --preset "$1"
}

# cases REPORT PATTERN: how many cases of a JUnit report match.
cases() {
    grep -A 1 '^[[:space:]]*<testcase ' "$1" | tr -d '\n' |
        sed 's/<testcase /\n&/g' | grep -c "$2"
}

# count REPORT: adds one preset's results up. A case that could not be started
# is "notrun" like one that skipped itself, but it failed.
count() {
    test -s "$1" || return 1
    total=$(grep -c '^[[:space:]]*<testcase ' "$1")
    good=$(cases "$1" 'status="run"')
    left_out=$(cases "$1" 'SKIP_RETURN_CODE=77')
    passed=$((passed + good))
    failed=$((failed + total - good - left_out))
    skipped=$((skipped + left_out))
}

# explain REPORT: each case that failed and the end of what it printed, once
# more: the last thing on the screen is what a reader of a long log has.
explain() {
    awk -v limit=40 '
        /<testcase / {
            failing = !/status="(run|disabled)"/
            name = $0
            sub(/.* name="/, "", name)
            sub(/".*/, "", name)
            count = 0
        }
        /SKIP_RETURN_CODE=77/ { failing = 0 }
        { line[count++] = $0 }
        /<\/testcase>/ && failing {
            print "failed: " name
            for (i = count > limit ? count - limit : 1; i < count - 1; i++) {
                gsub(/&lt;/, "<", line[i])
                gsub(/&gt;/, ">", line[i])
                gsub(/&quot;/, "\"", line[i])
                gsub(/&amp;/, "\\&", line[i])
                print "    " line[i]
            }
        }' "$1"
}

mkdir -p build
start=$(date +%s)
for preset in "$@"; do
    echo "== $preset ($(($(date +%s) - start)) s so far)"
    if ! build "$preset"; then
        failed=$((failed + 1))
        broken="$broken $preset"
        continue
    fi
    test "$preset" != clang || continue
    report=$PWD/build/$preset/junit.xml
    rm -f "$report"
    $(prefix_for "$preset") ctest --preset "$preset" -j2 \
        --output-on-failure --output-junit "$report" && status=0 || status=1
    before=$failed
    count "$report" || failed=$((failed + 1))
    if test "$failed" -eq "$before"; then
        test "$status" -ne 0 || continue
        failed=$((failed + 1)) # ctest has a complaint of its own
    fi
    broken="$broken $preset"
done

for preset in $broken; do
    test ! -s "build/$preset/junit.xml" || explain "build/$preset/junit.xml"
done
test -z "$broken" || echo "failed presets:$broken"
line="$passed passed, $failed failed"
test "$skipped" -eq 0 || line="$line, $skipped skipped"
echo "$line"
test "$failed" -eq 0

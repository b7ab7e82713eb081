-- SPDX-License-Identifier: MIT
-- What wrk sends in bench/http.sh: an 8 KiB body, text-like, always the same.
-- Prints "name value unit" at the end.
wrk.method = "POST"
local words = {}
local x = 1
for i = 1, 1024 do
    x = (x * 1103515245 + 12345) % 2147483648
    words[i] = string.format("%07d ", math.floor(x / 65536) % 3000)
end
wrk.body = table.concat(words)

function done(summary, latency)
    local e = summary.errors
    print(string.format("rate %.1f /s", summary.requests * 1e6 /
        summary.duration))
    print(string.format("p50 %.3f ms", latency:percentile(50) / 1e3))
    print(string.format("p99 %.3f ms", latency:percentile(99) / 1e3))
    print(string.format("max %.3f ms", latency.max / 1e3))
    print(string.format("errors %d each", e.connect + e.read + e.write +
        e.status + e.timeout))
end

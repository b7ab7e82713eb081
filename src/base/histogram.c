// SPDX-License-Identifier: MIT
// Buckets of a logarithmic histogram with eight linear steps to each power of
// two: below 8 a bucket for each value, then the top four bits decide.
#include "base/histogram.h"

enum { STEPS_LOG2 = 3, STEPS = 1 << STEPS_LOG2 };

static unsigned bucket_of(uint64_t value) {
    if (value < STEPS)
        return (unsigned)value;
    unsigned top = 63U - (unsigned)__builtin_clzll(value);
    unsigned step = (unsigned)(value >> (top - STEPS_LOG2)) & (STEPS - 1);
    unsigned bucket = (top - STEPS_LOG2 + 1) * STEPS + step;
    return bucket < WEIR_HISTOGRAM_BUCKETS ? bucket
                                           : WEIR_HISTOGRAM_BUCKETS - 1;
}

void wr_histogram_add(weir_histogram *histogram, int64_t ns) {
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    histogram->count++;
    histogram->sum_ns += value;
    if (value > histogram->max_ns)
        histogram->max_ns = value;
    histogram->bucket[bucket_of(value)]++;
}

uint64_t weir_histogram_bound(unsigned bucket) {
    if (bucket >= WEIR_HISTOGRAM_BUCKETS - 1)
        return UINT64_MAX;
    if (bucket < STEPS)
        return bucket + 1U;
    unsigned shift = bucket / STEPS - 1;
    return (uint64_t)(STEPS + bucket % STEPS + 1) << shift;
}

uint64_t weir_histogram_quantile(const weir_histogram *histogram, double q) {
    if (histogram->count == 0)
        return 0;
    double wanted = q * (double)histogram->count;
    uint64_t below = 0;
    for (unsigned i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++) {
        below += histogram->bucket[i];
        if (below > 0 && (double)below >= wanted) {
            uint64_t highest = weir_histogram_bound(i) - 1;
            return highest < histogram->max_ns ? highest : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}

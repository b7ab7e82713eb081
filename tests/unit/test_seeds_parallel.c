// SPDX-License-Identifier: MIT
// Parallel loops and reductions under many seeds: each index once, the lowest
// failure, the same bits as on one worker.
#include "support/seeds.h"
#include "weir/parallel.h"

enum { INDICES = 3000 };

typedef struct ranges {
    size_t from, to, fails[3]; // indices that fail; SIZE_MAX: none
    unsigned char seen[INDICES];
    double sum;
} ranges;

static ranges r;

static int body(weir_worker *self, void *context, size_t from, size_t to) {
    (void)context;
    CHECK(r.from <= from && from < to && to <= r.to);
    for (size_t i = from; i < to; i++) {
        CHECK_EQ(r.seen[i]++, 0);
        if (i % 64 == 0)
            weir_yield(self);
        for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
            if (r.fails[k] == i)
                return -(int)(i % 50) - 1;
    }
    return 0;
}

static void leaf(weir_worker *self, void *context, size_t from, size_t to,
                 void *partial) {
    (void)context;
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += 1.0 / (double)(i + 1);
    weir_yield(self);
    *(double *)partial = sum;
}

static void combine(void *context, void *left, const void *right) {
    (void)context;
    *(double *)left += *(const double *)right;
}

static int work_body(weir_worker *self, void *argument) {
    (void)argument;
    int status = weir_parallel_for(self, r.from, r.to, body, NULL);
    const weir_reduction reduction = {sizeof(double), leaf, combine, NULL};
    r.sum = 0;
    CHECK_EQ(weir_parallel_reduce(self, r.from, r.to, &reduction, &r.sum), 0);
    return status;
}

static size_t lowest_failure(void) {
    size_t lowest = SIZE_MAX;
    for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
        if (r.fails[k] >= r.from && r.fails[k] < r.to && r.fails[k] < lowest)
            lowest = r.fails[k];
    return lowest;
}

// The same range on one worker has these bits.
static double sum_of_one(void) {
    weir_pool *pool = pool_seeded(1, 1);
    double sum = r.sum;
    int status = 1;
    for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
        r.fails[k] = SIZE_MAX;
    memset(r.seen, 0, sizeof(r.seen));
    CHECK_EQ(weir_run(pool, work_body, NULL, &status), 0);
    CHECK_EQ(status, 0);
    double expected = r.sum;
    r.sum = sum;
    pool_close(pool);
    return expected;
}

static void scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    memset(&r, 0, sizeof(r));
    r.from = seed_below(INDICES / 2);
    r.to = r.from + seed_below(INDICES - r.from + 1);
    for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
        r.fails[k] = seed_one_in(2) ? seed_below(INDICES) : SIZE_MAX;
    SAY("indices %zu to %zu", r.from, r.to);
    int status = 1;
    CHECK_EQ(weir_run(pool, work_body, NULL, &status), 0);
    size_t failure = lowest_failure();
    CHECK_EQ(status, failure == SIZE_MAX ? 0 : -(int)(failure % 50) - 1);
    // What comes before the failure all ran.
    for (size_t i = r.from; i < r.to && i < failure; i++)
        CHECK_EQ(r.seen[i], 1);
    double expected = sum_of_one();
    CHECK_EQ(memcmp(&r.sum, &expected, sizeof(expected)), 0);
}

SEEDS_MAIN("parallel", scenario, 150 / TEST_SMALLER)

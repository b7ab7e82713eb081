// SPDX-License-Identifier: MIT
// Parallel loops, reductions, searches, scans and packs under many seeds: each
// index once, the lowest failure, the same bits as on one worker.
#include "support/seeds.h"
#include "weir/parallel.h"

enum { INDICES = 3000 };

typedef struct ranges {
    size_t from, to, fails[3]; // indices that fail; SIZE_MAX: none
    unsigned char seen[INDICES];
    double sum, sums[INDICES];
    size_t kept, packed[INDICES];
    size_t failed_from; // of the first piece that could not be packed
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

static int leaf(weir_worker *self, void *context, size_t from, size_t to,
                void *partial) {
    (void)context;
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += 1.0 / (double)(i + 1);
    weir_yield(self);
    *(double *)partial = sum;
    return 0;
}

static void combine(void *context, void *left, const void *right) {
    (void)context;
    *(double *)left += *(const double *)right;
}

static int find(weir_worker *self, void *context, size_t from, size_t to,
                size_t *found) {
    (void)context;
    weir_yield(self);
    for (size_t i = from; i < to; i++)
        for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
            if (r.fails[k] == i) {
                *found = i;
                return 0;
            }
    return 0;
}

static int sums_up_to(weir_worker *self, void *context, size_t from, size_t to,
                      void *value) {
    (void)context;
    double sum = *(double *)value;
    for (size_t i = from; i < to; i++)
        r.sums[i] = sum += 1.0 / (double)(i + 1);
    weir_yield(self);
    return 0;
}

static int count_odd(weir_worker *self, void *context, size_t from, size_t to,
                     size_t *kept) {
    (void)context;
    weir_yield(self);
    for (size_t i = from; i < to; i++)
        *kept += i % 2;
    return 0;
}

static int write_odd(weir_worker *self, void *context, size_t from, size_t to,
                     size_t at, size_t rest) {
    (void)context;
    weir_yield(self);
    for (size_t i = from; i < to; i++)
        r.packed[i % 2 == 1 ? at++ : rest++] = i;
    return 0;
}

static int write_kept(weir_worker *self, void *context, size_t from, size_t to,
                      size_t at, size_t rest) {
    (void)context;
    CHECK_EQ(rest, 0);
    weir_yield(self);
    for (size_t i = from; i < to; i++) {
        for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
            if (r.fails[k] == i) {
                r.failed_from = from < r.failed_from ? from : r.failed_from;
                return -(int)(i % 50) - 1;
            }
        if (i % 2 == 1)
            r.packed[at++] = i;
    }
    return 0;
}

static size_t lowest_failure(void) {
    size_t lowest = SIZE_MAX;
    for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
        if (r.fails[k] >= r.from && r.fails[k] < r.to && r.fails[k] < lowest)
            lowest = r.fails[k];
    return lowest;
}

static void check_partition(void) {
    size_t at = 0;
    for (size_t part = 0; part < 2; part++)
        for (size_t i = r.from; i < r.to; i++)
            if (i % 2 != part)
                CHECK_EQ(r.packed[at++], i);
    CHECK_EQ(at, r.to - r.from);
}

// The error is that of the lowest index; the pieces before are packed.
static void check_pack(weir_worker *self) {
    enum { UNTOUCHED = 77 };
    size_t failure = lowest_failure();
    size_t kept = UNTOUCHED, at = 0;
    const weir_packing packing = {count_odd, write_kept, NULL};
    r.failed_from = r.to;
    int status = weir_parallel_pack(self, r.from, r.to, &packing, &kept);
    CHECK_EQ(status, failure == SIZE_MAX ? 0 : -(int)(failure % 50) - 1);
    CHECK(r.failed_from <= failure);
    for (size_t i = r.from; i < r.failed_from; i++)
        if (i % 2 == 1)
            CHECK_EQ(r.packed[at++], i);
    CHECK_EQ(kept, failure == SIZE_MAX ? at : UNTOUCHED);
}

static int work_body(weir_worker *self, void *argument) {
    (void)argument;
    int status = weir_parallel_for(self, r.from, r.to, body, NULL);
    const weir_reduction reduction = {sizeof(double), leaf, combine, NULL,
                                      NULL};
    r.sum = 0;
    CHECK_EQ(weir_parallel_reduce(self, r.from, r.to, &reduction, &r.sum), 0);
    size_t found = 0;
    CHECK_EQ(weir_parallel_find(self, r.from, r.to, find, NULL, &found), 0);
    CHECK_EQ(found, lowest_failure());
    double sum = 0.1;
    CHECK_EQ(
        weir_parallel_scan(self, r.from, r.to, &reduction, sums_up_to, &sum),
        0);
    const weir_packing packing = {count_odd, write_odd, NULL};
    CHECK_EQ(weir_parallel_partition(self, r.from, r.to, &packing, &r.kept), 0);
    check_partition();
    check_pack(self);
    return status;
}

// The same range on one worker has the same bits.
static void compare_with_one(void) {
    weir_pool *pool = pool_seeded(1, 1);
    static ranges before;
    before = r;
    int status = 1;
    for (size_t k = 0; k < TEST_COUNT(r.fails); k++)
        r.fails[k] = SIZE_MAX;
    memset(r.seen, 0, sizeof(r.seen));
    CHECK_EQ(weir_run(pool, work_body, NULL, &status), 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(memcmp(&r.sum, &before.sum, sizeof(r.sum)), 0);
    CHECK_EQ(memcmp(r.sums, before.sums, sizeof(r.sums)), 0);
    pool_close(pool);
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
    compare_with_one();
}

SEEDS_MAIN("parallel", scenario, 150 / TEST_SMALLER)

// SPDX-License-Identifier: MIT
// What weir/parallel.h promises, one promise a case, at widths 1, 2, 4 and on
// deterministic pools of many seeds.
#include "base/atomic.h"
#include "support/check.h"
#include "weir/parallel.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { SEEDS = 60, N = 20000 };

typedef int pool_function(weir_worker *self, void *argument);

// Runs function(argument) on every kind of pool; each must return `status`.
static void on_every_pool(pool_function *function, void *argument,
                          int expected) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3 + SEEDS; i++) {
        weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
        options.threads = i < 3 ? widths[i] : 0;
        options.virtual_workers = 3;
        options.seed = (uint64_t)i;
        weir_pool *pool;
        int status = 1;
        CHECK_EQ(weir_pool_create(&pool, &options), 0);
        CHECK_EQ(weir_run(pool, function, argument, &status), 0);
        if (status != expected)
            fprintf(stderr, "threads %d, seed %d\n", options.threads, i);
        CHECK_EQ(status, expected);
        weir_pool_destroy(pool);
    }
}

// ---- each index once -------------------------------------------------------

static wr_atomic_u32 visits[N];

static void count(wr_atomic_u32 *counter, uint32_t by) {
    wr_fetch_add(counter, by, relaxed, ALONE, "read after the loop");
}

static uint32_t counted(wr_atomic_u32 *counter) {
    return wr_load(counter, relaxed, ALONE, "after the loop");
}

static int visit(weir_worker *self, void *context, size_t from, size_t to) {
    (void)self;
    (void)context;
    CHECK(from < to);
    for (size_t i = from; i < to; i++)
        count(&visits[i], 1);
    return 0;
}

static int visit_all(weir_worker *self, void *argument) {
    static const size_t lengths[] = {0, 1, 2, 3, 255, 256, 257, 1000, N};
    (void)argument;
    for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
        memset(visits, 0, sizeof(visits));
        CHECK_EQ(weir_parallel_for(self, 0, lengths[n], visit, NULL), 0);
        for (size_t i = 0; i < N; i++)
            CHECK_EQ(counted(&visits[i]), i < lengths[n]);
    }
    CHECK_EQ(weir_parallel_for(self, 5, 3, visit, NULL), 0);
    return 0;
}

static void every_index_is_visited_once(void) {
    on_every_pool(visit_all, NULL, 0);
}

// ---- errors ----------------------------------------------------------------

// Fails at 700 with -ENOENT, at 900 with -ENOMEM, at each index above 10,000.
static int fail_some(weir_worker *self, void *context, size_t from, size_t to) {
    (void)self;
    (void)context;
    for (size_t i = from; i < to; i++) {
        count(&visits[i], 1);
        if (i == 700)
            return -ENOENT;
        if (i == 900)
            return -ENOMEM;
        if (i > 10000)
            return -EINVAL;
    }
    return 0;
}

static int run_failing(weir_worker *self, void *argument) {
    (void)argument;
    memset(visits, 0, sizeof(visits));
    int status = weir_parallel_for(self, 0, N, fail_some, NULL);
    for (size_t i = 0; i <= 700; i++)
        CHECK_EQ(counted(&visits[i]), 1); // all before the error ran
    return status;
}

static void the_error_of_the_lowest_index_is_returned(void) {
    on_every_pool(run_failing, NULL, -ENOENT);
}

// ---- nesting and cancelling ------------------------------------------------

static int inner(weir_worker *self, void *context, size_t from, size_t to) {
    (void)self;
    count(context, (uint32_t)(to - from));
    return 0;
}

static int outer(weir_worker *self, void *context, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        CHECK_EQ(weir_parallel_for(self, 0, i, inner, context), 0);
    return 0;
}

static int run_nested(weir_worker *self, void *argument) {
    (void)argument;
    wr_atomic_u32 total;
    wr_atomic_init(&total, 0);
    CHECK_EQ(weir_parallel_for(self, 0, 60, outer, &total), 0);
    CHECK_EQ(counted(&total), 60 * 59 / 2);
    return 0;
}

static void loops_nest(void) { on_every_pool(run_nested, NULL, 0); }

typedef struct cancelled_child {
    weir_job job;
    weir_scope *scope;
    wr_atomic_u32 pieces;
} cancelled_child;

static int cancel_from_inside(weir_worker *self, void *context, size_t from,
                              size_t to) {
    cancelled_child *child = context;
    (void)self;
    (void)from;
    (void)to;
    if (wr_fetch_add(&child->pieces, 1, relaxed, ALONE, "a counter") == 0)
        weir_scope_cancel(child->scope);
    return 0;
}

static int child_run(weir_worker *self, weir_job *job) {
    return weir_parallel_for(self, 0, N, cancel_from_inside, job);
}

static int run_cancelled(weir_worker *self, void *argument) {
    (void)argument;
    weir_scope scope;
    cancelled_child child = {.job = WEIR_JOB_INIT(child_run, NULL),
                             .scope = &scope};
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &child.job);
    int status = weir_scope_wait(self, &scope);
    CHECK(counted(&child.pieces) < 256);
    return status;
}

static void a_cancelled_loop_says_so_and_stops_early(void) {
    on_every_pool(run_cancelled, NULL, -ECANCELED);
}

// ---- reduction -------------------------------------------------------------

static float values[N];

static void sum_leaf(weir_worker *self, void *context, size_t from, size_t to,
                     void *partial) {
    (void)self;
    (void)context;
    float sum = 0;
    for (size_t i = from; i < to; i++)
        sum += values[i];
    memcpy(partial, &sum, sizeof(sum));
}

static void sum_combine(void *context, void *left, const void *right) {
    (void)context;
    float a, b;
    memcpy(&a, left, sizeof(a));
    memcpy(&b, right, sizeof(b));
    a += b;
    memcpy(left, &a, sizeof(a));
}

static int run_sum(weir_worker *self, void *argument) {
    static const weir_reduction sum = {
        .size = sizeof(float), .leaf = sum_leaf, .combine = sum_combine};
    float result = -1;
    CHECK_EQ(weir_parallel_reduce(self, 3, 3, &sum, &result), 0);
    CHECK(result == -1);
    CHECK_EQ(weir_parallel_reduce(self, 0, N, &sum, &result), 0);
    float *first = argument;
    if (*first == 0)
        *first = result;
    CHECK_EQ(memcmp(first, &result, sizeof(result)), 0);
    return 0;
}

static void a_sum_of_floats_has_the_same_bits_at_any_width(void) {
    uint64_t random = 42;
    for (int i = 0; i < N; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        values[i] = (float)(random >> 40) / 3.0F;
    }
    float first = 0;
    on_every_pool(run_sum, &first, 0);
    CHECK(first > 0);
}

// What a range is, put together: [first, end), or nothing that fits.
typedef struct range {
    size_t first, end;
} range;

static void range_leaf(weir_worker *self, void *context, size_t from, size_t to,
                       void *partial) {
    (void)self;
    if (context != NULL)
        weir_scope_cancel(context);
    *(range *)partial = (range){from, to};
}

static void range_combine(void *context, void *left, const void *right) {
    (void)context;
    range *to = left;
    const range *from = right;
    CHECK_EQ(to->end, from->first);
    to->end = from->end;
}

static const weir_reduction ranges = {
    .size = sizeof(range), .leaf = range_leaf, .combine = range_combine};

static int run_ranges(weir_worker *self, void *argument) {
    (void)argument;
    range result = {0, 0};
    CHECK_EQ(weir_parallel_reduce(self, 3, N, &ranges, &result), 0);
    CHECK_EQ(result.first, 3);
    CHECK_EQ(result.end, N);
    return 0;
}

static void the_left_part_is_combined_with_the_right_one(void) {
    on_every_pool(run_ranges, NULL, 0);
}

static int reduce_run(weir_worker *self, weir_job *job) {
    weir_reduction cancelling = ranges;
    cancelling.context = ((cancelled_child *)job)->scope;
    range result = {77, 78};
    int status = weir_parallel_reduce(self, 0, N, &cancelling, &result);
    CHECK_EQ(result.first, 77);
    CHECK_EQ(result.end, 78);
    return status;
}

static int run_cancelled_sum(weir_worker *self, void *argument) {
    (void)argument;
    weir_scope scope;
    cancelled_child child = {.job = WEIR_JOB_INIT(reduce_run, NULL),
                             .scope = &scope};
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &child.job);
    return weir_scope_wait(self, &scope);
}

static void a_cancelled_sum_says_so_and_leaves_the_result(void) {
    on_every_pool(run_cancelled_sum, NULL, -ECANCELED);
}

static int run_bad_sizes(weir_worker *self, void *argument) {
    weir_reduction bad = {.size = 0, .leaf = sum_leaf, .combine = sum_combine};
    (void)argument;
    CHECK_EQ(weir_parallel_reduce(self, 0, 9, &bad, NULL), -EINVAL);
    bad.size = WEIR_PARTIAL_MAX + 1;
    return weir_parallel_reduce(self, 0, 9, &bad, NULL);
}

static void a_partial_of_a_bad_size_is_refused(void) {
    on_every_pool(run_bad_sizes, NULL, -EINVAL);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_index_is_visited_once", every_index_is_visited_once},
        {"the_error_of_the_lowest_index_is_returned",
         the_error_of_the_lowest_index_is_returned},
        {"loops_nest", loops_nest},
        {"a_cancelled_loop_says_so_and_stops_early",
         a_cancelled_loop_says_so_and_stops_early},
        {"a_sum_of_floats_has_the_same_bits_at_any_width",
         a_sum_of_floats_has_the_same_bits_at_any_width},
        {"a_partial_of_a_bad_size_is_refused",
         a_partial_of_a_bad_size_is_refused},
        {"the_left_part_is_combined_with_the_right_one",
         the_left_part_is_combined_with_the_right_one},
        {"a_cancelled_sum_says_so_and_leaves_the_result",
         a_cancelled_sum_says_so_and_leaves_the_result},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// Finding, any and all, the best, the histogram: as a plain loop says, at any
// width.
#include "base/fault.h"
#include "support/parallel.h"

#include <sched.h>

enum { N = 6000, LONG = 100000 };

static int values[LONG];

static void draw(uint64_t *random, size_t count_of, uint32_t distinct) {
    for (size_t i = 0; i < count_of; i++)
        values[i] = (int)wr_random_below(random, distinct);
}

// ---- find ------------------------------------------------------------------

enum { WANTED = -7, FAILS = -8, FAILS_TOO = -9 };

static int find(weir_worker *self, void *context, size_t from, size_t to,
                size_t *found) {
    (void)self;
    CHECK(from < to);
    CHECK_EQ(*found, WEIR_NOT_FOUND);
    if (context != NULL)
        count(context, (uint32_t)(to - from));
    for (size_t i = from; i < to; i++) {
        if (values[i] == FAILS || values[i] == FAILS_TOO)
            return values[i] == FAILS ? -ENOENT : -ENOMEM;
        if (values[i] == WANTED) {
            *found = i;
            return 0;
        }
    }
    return 0;
}

static int find_serially(size_t from, size_t to, size_t *found) {
    *found = WEIR_NOT_FOUND;
    for (size_t i = from; i < to; i++) {
        if (values[i] == WANTED) {
            *found = i;
            return 0;
        }
        if (values[i] < 0)
            return values[i] == FAILS ? -ENOENT : -ENOMEM;
    }
    return 0;
}

static int run_find(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 11;
    for (int round = 0; round < 25; round++) {
        size_t from = wr_random_below(&random, N);
        size_t to = from + wr_random_below(&random, (uint32_t)(N - from + 1));
        memset(values, 0, sizeof(values));
        for (uint32_t k = wr_random_below(&random, 5); k > 0; k--)
            values[wr_random_below(&random, N)] = WANTED;
        if (round % 2 == 0)
            for (uint32_t k = wr_random_below(&random, 3); k > 0; k--)
                values[wr_random_below(&random, N)] =
                    wr_random_below(&random, 2) == 0 ? FAILS : FAILS_TOO;
        size_t expected, found = 77;
        int error = find_serially(from, to, &expected);
        CHECK_EQ(weir_parallel_find(self, from, to, find, NULL, &found), error);
        CHECK_EQ(found, error == 0 ? expected : 77);
    }
    return 0;
}

static void the_first_is_found_or_the_first_error(void) {
    on_every_pool(run_find, NULL, 0);
}

static int run_find_edges(weir_worker *self, void *argument) {
    (void)argument;
    static const size_t lengths[] = {0, 1, 2, 3, 63, 64, 65, 255, 256, 257};
    memset(values, 0, sizeof(values));
    for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++) {
        size_t length = lengths[n], found = 77;
        CHECK_EQ(weir_parallel_find(self, 0, length, find, NULL, &found), 0);
        CHECK_EQ(found, WEIR_NOT_FOUND);
        for (size_t i = 0; i<length; i += length> 3 ? length - 1 : 1) {
            values[i] = WANTED;
            CHECK_EQ(weir_parallel_find(self, 0, length, find, NULL, &found),
                     0);
            CHECK_EQ(found, i);
            values[i] = 0;
        }
    }
    return 0;
}

static void the_first_and_the_last_can_be_found(void) {
    on_every_pool(run_find_edges, NULL, 0);
}

// On one worker next to nothing is looked at after the one that was found.
static int run_early(weir_worker *self, void *argument) {
    (void)argument;
    wr_atomic_u32 looked;
    wr_atomic_init(&looked, 0);
    memset(values, 0, sizeof(values));
    values[1000] = WANTED;
    size_t found;
    int status = weir_parallel_find(self, 0, LONG, find, &looked, &found);
    CHECK_EQ(found, 1000);
    CHECK(counted(&looked) < LONG / 2);
    return status;
}

static void finding_ends_early(void) {
    on_pool(1, 0, run_early, NULL, 0);
    on_pool(0, 0, run_early, NULL, 0);
}

// Cancels, and finds what is not the first.
static int find_after_cancel(weir_worker *self, void *context, size_t from,
                             size_t to, size_t *found) {
    (void)from;
    cancel_all(self, context);
    if (to == N)
        *found = to - 1;
    return 0;
}

static int find_job(weir_worker *self, weir_job *job) {
    size_t found = 77;
    int status = weir_parallel_find(self, 0, N, find_after_cancel, job, &found);
    CHECK_EQ(found, 77);
    return status;
}

static int run_cancelled_find(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, find_job, 64);
}

static void a_cancelled_search_does_not_say_what_is_first(void) {
    on_every_pool(run_cancelled_find, NULL, -ECANCELED);
}

// Index 2 is found and index 1 not looked at: index 0 cancels in between.
typedef struct behind {
    weir_job job; // first
    weir_scope *scope;
    wr_atomic_u32 begun, cancelled;
} behind;

static int find_behind(weir_worker *self, void *context, size_t from, size_t to,
                       size_t *found) {
    behind *b = context;
    (void)self;
    CHECK_EQ(to - from, 1);
    if (from == 0) {
        while (counted(&b->begun) == 0)
            sched_yield();
        weir_scope_cancel(b->scope);
        count(&b->cancelled, 1);
    }
    if (from == 2) {
        count(&b->begun, 1);
        while (counted(&b->cancelled) == 0)
            sched_yield();
        *found = 2;
    }
    return 0;
}

static int behind_job(weir_worker *self, weir_job *job) {
    size_t found = 77;
    int status = weir_parallel_find(self, 0, 4, find_behind, job, &found);
    CHECK_EQ(found, 77);
    return status;
}

static int run_behind(weir_worker *self, void *argument) {
    weir_scope scope;
    behind b = {.job = WEIR_JOB_INIT(behind_job, NULL), .scope = &scope};
    (void)argument;
    // Where no second thread could be started nobody would begin index 2.
    if (weir_pool_width(weir_worker_pool(self)) < 2)
        return -ECANCELED;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &b.job);
    return weir_scope_wait(self, &scope);
}

static void what_is_found_behind_a_cancel_is_not_the_first(void) {
    on_pool(2, 0, run_behind, NULL, -ECANCELED);
}

// ---- any and all -----------------------------------------------------------

static int has_wanted(weir_worker *self, void *context, size_t from,
                      size_t to) {
    (void)self;
    if (context != NULL)
        count(context, 1);
    for (size_t i = from; i < to; i++)
        if (values[i] == WANTED)
            return 1;
    return 0;
}

static int has_none(weir_worker *self, void *context, size_t from, size_t to) {
    return !has_wanted(self, context, from, to);
}

static int run_any(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 12;
    CHECK_EQ(weir_parallel_any(self, 3, 3, has_wanted, NULL), 0);
    CHECK_EQ(weir_parallel_all(self, 4, 3, has_none, NULL), 1);
    for (int round = 0; round < 10; round++) {
        size_t length = 1 + wr_random_below(&random, N);
        memset(values, 0, sizeof(values));
        CHECK_EQ(weir_parallel_any(self, 0, length, has_wanted, NULL), 0);
        CHECK_EQ(weir_parallel_all(self, 0, length, has_none, NULL), 1);
        values[length] = WANTED; // not one of them
        CHECK_EQ(weir_parallel_any(self, 0, length, has_wanted, NULL), 0);
        values[wr_random_below(&random, (uint32_t)length)] = WANTED;
        CHECK_EQ(weir_parallel_any(self, 0, length, has_wanted, NULL), 1);
        CHECK_EQ(weir_parallel_all(self, 0, length, has_none, NULL), 0);
        CHECK_EQ(weir_parallel_all(self, 0, length, has_wanted, NULL),
                 length == 1);
    }
    return 0;
}

static void any_and_all_say_what_a_loop_says(void) {
    on_every_pool(run_any, NULL, 0);
}

static int run_any_early(weir_worker *self, void *argument) {
    (void)argument;
    wr_atomic_u32 pieces;
    wr_atomic_init(&pieces, 0);
    memset(values, 0, sizeof(values));
    values[0] = WANTED;
    CHECK_EQ(weir_parallel_any(self, 0, LONG, has_wanted, &pieces), 1);
    CHECK_EQ(counted(&pieces), 1);
    CHECK_EQ(weir_parallel_all(self, 0, LONG, has_none, &pieces), 0);
    CHECK_EQ(counted(&pieces), 2);
    return 0;
}

static void the_first_that_decides_ends_any_and_all(void) {
    on_pool(1, 0, run_any_early, NULL, 0);
}

static int cancel_test(weir_worker *self, void *context, size_t from,
                       size_t to) {
    (void)from;
    (void)to;
    cancel_all(self, context);
    return 0;
}

static int any_job(weir_worker *self, weir_job *job) {
    return weir_parallel_any(self, 0, N, cancel_test, job);
}

static int run_cancelled_any(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, any_job, 64);
}

static void a_cancelled_test_says_so(void) {
    on_every_pool(run_cancelled_any, NULL, -ECANCELED);
}

// ---- the best --------------------------------------------------------------

static int least(weir_worker *self, void *context, size_t from, size_t to,
                 size_t *index) {
    (void)self;
    if (context != NULL && from <= 500 && 500 < to)
        return -ENOENT;
    size_t best = from;
    for (size_t i = from; i < to; i++)
        if (values[i] < values[best])
            best = i;
    *index = best;
    return 0;
}

static int is_less(void *context, size_t index, size_t than) {
    (void)context;
    CHECK(than < index);
    return values[index] < values[than];
}

static int run_best(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 13;
    weir_choice choice = {least, is_less, NULL};
    size_t index = 77;
    CHECK_EQ(weir_parallel_best(self, 5, 5, &choice, &index), 0);
    CHECK_EQ(index, 77);
    for (int round = 0; round < 15; round++) {
        size_t from = wr_random_below(&random, N);
        size_t to = from + 1 + wr_random_below(&random, (uint32_t)(N - from));
        draw(&random, N, round % 2 == 0 ? 20 : 1000000);
        size_t expected = from;
        for (size_t i = from; i < to; i++)
            if (values[i] < values[expected])
                expected = i;
        CHECK_EQ(weir_parallel_best(self, from, to, &choice, &index), 0);
        CHECK_EQ(index, expected);
    }
    choice.context = &choice;
    index = 77;
    CHECK_EQ(weir_parallel_best(self, 0, 500, &choice, &index), 0);
    CHECK(index < 500);
    index = 77;
    CHECK_EQ(weir_parallel_best(self, 0, 501, &choice, &index), -ENOENT);
    CHECK_EQ(index, 77);
    return 0;
}

static void the_best_is_the_first_of_those_as_good(void) {
    on_every_pool(run_best, NULL, 0);
}

// ---- histogram -------------------------------------------------------------

typedef struct counting {
    size_t bins;
    size_t fails; // an index, SIZE_MAX: none
} counting;

static int count_values(weir_worker *self, void *context, size_t from,
                        size_t to, uint64_t *counts) {
    const counting *c = context;
    for (size_t i = from; i < to; i++) {
        if (i == c->fails)
            return -ENOENT;
        counts[(size_t)values[i] % c->bins]++;
    }
    weir_yield(self);
    return 0;
}

static int run_histogram(weir_worker *self, void *argument) {
    (void)argument;
    static const size_t lengths[] = {0, 1, 2, 63, 64, 65, 1000, N};
    static const size_t bins[] = {1, 2, 256, 1000};
    uint64_t random = 14;
    draw(&random, N, 5000);
    for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++)
        for (size_t b = 0; b < sizeof(bins) / sizeof(bins[0]); b++) {
            uint64_t counts[1000], expected[1000];
            counting c = {bins[b], SIZE_MAX};
            for (size_t i = 0; i < bins[b]; i++)
                counts[i] = expected[i] = i; // it adds to what is there
            for (size_t i = 0; i < lengths[n]; i++)
                expected[(size_t)values[i] % bins[b]]++;
            CHECK_EQ(weir_parallel_histogram(self, 0, lengths[n], count_values,
                                             &c, bins[b], counts),
                     0);
            for (size_t i = 0; i < bins[b]; i++)
                CHECK_EQ(counts[i], expected[i]);
        }
    return 0;
}

static void each_value_is_counted_once(void) {
    on_every_pool(run_histogram, NULL, 0);
}

static int run_bad_histogram(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t counts[4] = {1, 2, 3, 4};
    counting c = {4, 4000};
    CHECK_EQ(weir_parallel_histogram(self, 0, N, count_values, &c, 0, counts),
             -EINVAL);
    CHECK_EQ(
        weir_parallel_histogram(self, 0, 4000, count_values, &c, 4, counts), 0);
    CHECK_EQ(counts[0] + counts[1] + counts[2] + counts[3], 4010);
    uint64_t before = counts[0];
    int status =
        weir_parallel_histogram(self, 0, N, count_values, &c, 4, counts);
    CHECK_EQ(counts[0], before);
    return status;
}

static void a_histogram_that_fails_has_counted_nothing(void) {
    on_every_pool(run_bad_histogram, NULL, -ENOENT);
}

static int run_without_memory(weir_worker *self, void *argument) {
    int *worked = argument;
    uint64_t counts[4] = {1, 2, 3, 4};
    counting c = {4, SIZE_MAX};
    int status =
        weir_parallel_histogram(self, 0, N, count_values, &c, 4, counts);
    if (status != 0) {
        CHECK_EQ(status, -ENOMEM);
        CHECK_EQ(counts[0] + counts[1] + counts[2] + counts[3], 10);
    }
    *worked = status == 0;
    return 0;
}

static void a_histogram_without_memory_has_counted_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without WEIR_FAULTS");
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    int64_t held = wr_fault_held();
    weir_pool *pool;
    CHECK_EQ(weir_pool_create(&pool, &options), 0);
    int worked = 0, failed = 0;
    for (uint64_t step = 0; !worked; step++) {
        CHECK(step < 1000);
        CHECK(wr_fault_arm(WR_FAULT_ALLOC, step, 1));
        CHECK_EQ(weir_run(pool, run_without_memory, &worked, NULL), 0);
        failed += !worked;
    }
    CHECK(wr_fault_arm(WR_FAULT_ALLOC, 0, 0));
    CHECK(failed >= 2);      // the table, and a worker's counters
    weir_pool_destroy(pool); // the last threads that start are there, too
    CHECK_EQ(wr_fault_held(), held);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"the_first_is_found_or_the_first_error",
         the_first_is_found_or_the_first_error},
        {"the_first_and_the_last_can_be_found",
         the_first_and_the_last_can_be_found},
        {"finding_ends_early", finding_ends_early},
        {"a_cancelled_search_does_not_say_what_is_first",
         a_cancelled_search_does_not_say_what_is_first},
        {"what_is_found_behind_a_cancel_is_not_the_first",
         what_is_found_behind_a_cancel_is_not_the_first},
        {"any_and_all_say_what_a_loop_says", any_and_all_say_what_a_loop_says},
        {"the_first_that_decides_ends_any_and_all",
         the_first_that_decides_ends_any_and_all},
        {"a_cancelled_test_says_so", a_cancelled_test_says_so},
        {"the_best_is_the_first_of_those_as_good",
         the_best_is_the_first_of_those_as_good},
        {"each_value_is_counted_once", each_value_is_counted_once},
        {"a_histogram_that_fails_has_counted_nothing",
         a_histogram_that_fails_has_counted_nothing},
        {"a_histogram_without_memory_has_counted_nothing",
         a_histogram_without_memory_has_counted_nothing},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// What the tests of the sorts share: pools of every kind, inputs, what a
// cancelled sort is run in.
#ifndef TEST_SORTING_H
#define TEST_SORTING_H

#include "support/check.h"
#include "weir/sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SORT_WIDTHS = 3, SORT_SEEDS = 6 };

typedef int sort_function(weir_worker *self, void *argument);

// Runs function(argument) on a pool: 0 to 2 are 1, 2 and 4 threads, the others
// are deterministic, with the number as the seed.
static inline int sort_on_pool(int number, sort_function *function,
                               void *argument) {
    static const int widths[SORT_WIDTHS] = {1, 2, 4};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = number < SORT_WIDTHS ? widths[number] : 0;
    options.virtual_workers = 3;
    options.seed = (uint64_t)number;
    weir_pool *pool;
    int status = 1;
    CHECK_EQ(weir_pool_create(&pool, &options), 0);
    CHECK_EQ(weir_run(pool, function, argument, &status), 0);
    weir_pool_destroy(pool);
    return status;
}

static inline void sort_on_every_pool(sort_function *function, void *argument) {
    for (int i = 0; i < SORT_WIDTHS + SORT_SEEDS; i++)
        CHECK_EQ(sort_on_pool(i, function, argument), 0);
}

static inline void sort_on_threads(sort_function *function, void *argument) {
    for (int i = 0; i < SORT_WIDTHS; i++)
        CHECK_EQ(sort_on_pool(i, function, argument), 0);
}

static inline uint32_t sort_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + 1;
    return (uint32_t)(*state >> 32);
}

enum { SORT_PATTERNS = 10 };

// Inputs that sorts have been slow or wrong on.
static inline void sort_fill(uint32_t *values, size_t count, int pattern) {
    uint64_t state = count + (uint64_t)pattern;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)i;
        uint32_t left = (uint32_t)(count - i);
        uint32_t random = sort_random(&state);
        uint32_t all[SORT_PATTERNS] = {
            random,
            at,
            left,
            random % 4,
            7,
            at < left ? at : left,             // an organ pipe
            at % 37,                           // a saw
            left > 5 ? at : random,            // sorted, then a few more
            random % 2 != 0 ? at : UINT32_MAX, // every other
            at / 3,                            // sorted, with equals
        };
        values[i] = all[pattern];
    }
}

// A key, and where it was: what tells equal keys apart.
typedef struct sort_record {
    uint32_t key, index;
} sort_record;

static inline void sort_records_make(sort_record *records, size_t count,
                                     int pattern) {
    uint32_t *keys = malloc((count + 1) * sizeof(*keys));
    CHECK(keys != NULL);
    sort_fill(keys, count, pattern);
    for (size_t i = 0; i < count; i++)
        records[i] = (sort_record){keys[i], (uint32_t)i};
    free(keys);
}

// Each of the indices is there once, with the key that it had.
static inline void sort_records_permuted(const sort_record *records,
                                         size_t count,
                                         const sort_record *before) {
    unsigned char *seen = calloc(count + 1, 1);
    CHECK(seen != NULL);
    for (size_t i = 0; i < count; i++) {
        uint32_t index = records[i].index;
        CHECK(index < count);
        CHECK_EQ(seen[index], 0);
        seen[index] = 1;
        CHECK_EQ(records[i].key, before[index].key);
    }
    free(seen);
}

static inline void sort_records_check(const sort_record *records, size_t count,
                                      const sort_record *before, int stable) {
    sort_records_permuted(records, count, before);
    for (size_t i = 1; i < count; i++) {
        CHECK(records[i - 1].key <= records[i].key);
        if (stable && records[i - 1].key == records[i].key)
            CHECK(records[i - 1].index < records[i].index);
    }
}

// ---- what can be cancelled -------------------------------------------------

// A function that runs as the child of a scope, which it can cancel.
typedef struct sort_child {
    weir_job job;
    weir_scope scope;
    sort_function *function;
    void *argument;
} sort_child;

static inline int sort_child_run(weir_worker *self, weir_job *job) {
    sort_child *child = (sort_child *)job;
    return child->function(self, child->argument);
}

static inline int sort_in_scope(weir_worker *self, sort_child *child,
                                sort_function *function, void *argument,
                                int64_t deadline_ns) {
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    options.deadline_ns = deadline_ns;
    child->job = (weir_job)WEIR_JOB_INIT(sort_child_run, NULL);
    child->function = function;
    child->argument = argument;
    CHECK_EQ(weir_scope_begin(self, &child->scope, &options), 0);
    weir_scope_spawn(self, &child->scope, &child->job);
    return weir_scope_wait(self, &child->scope);
}

#endif

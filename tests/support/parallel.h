// SPDX-License-Identifier: MIT
// What the tests of the parallel room share: every kind of pool, loops that are
// cancelled from inside, and bodies that are long enough to be split.
#ifndef TEST_PARALLEL_H
#define TEST_PARALLEL_H

#include "base/atomic.h"
#include "base/random.h"
#include "support/check.h"
#include "weir/parallel.h"

#include <errno.h>
#include <stdbool.h>

typedef int pool_function(weir_worker *self, void *argument);

// Runs function(argument) on a pool; it must return `expected`.
static inline void on_pool(int threads, uint64_t seed, pool_function *function,
                           void *argument, int expected) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.virtual_workers = 3;
    options.seed = seed;
    weir_pool *pool;
    int status = 1;
    CHECK_EQ(weir_pool_create(&pool, &options), 0);
    CHECK_EQ(weir_run(pool, function, argument, &status), 0);
    if (status != expected)
        fprintf(stderr, "threads %d, seed %llu\n", threads,
                (unsigned long long)seed);
    CHECK_EQ(status, expected);
    weir_pool_destroy(pool);
}

// On every kind of pool: widths 1, 2, 4, and deterministic ones.
static inline void on_every_pool_of(int seeds, pool_function *function,
                                    void *argument, int expected) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++)
        on_pool(widths[i], 0, function, argument, expected);
    for (int i = 0; i < seeds; i++)
        on_pool(0, (uint64_t)i, function, argument, expected);
}

enum { PARALLEL_SEEDS = 12 };

static inline void on_every_pool(pool_function *function, void *argument,
                                 int expected) {
    on_every_pool_of(PARALLEL_SEEDS, function, argument, expected);
}

// ---- counting --------------------------------------------------------------

static inline uint32_t count(wr_atomic_u32 *counter, uint32_t by) {
    return wr_fetch_add(counter, by, relaxed, ALONE, "read after the loop");
}

static inline uint32_t counted(wr_atomic_u32 *counter) {
    return wr_load(counter, relaxed, ALONE, "after the loop");
}

// Long enough for a loop of some indices to be worth splitting.
static inline void work_a_while(void) {
    int64_t until = weir_now_ns() + 2000;
    while (weir_now_ns() < until)
        continue;
}

// ---- cancelled from inside -------------------------------------------------

// A job in a scope, whose callbacks end that scope.
typedef struct cancelled_child {
    weir_job job; // first
    weir_scope *scope;
    wr_atomic_u32 calls, cancelled;
} cancelled_child;

// What a callback does: the first one cancels all, and no other is over before
// it has: else a loop might end meanwhile.
static inline void cancel_all(weir_worker *self, cancelled_child *child) {
    if (count(&child->calls, 1) == 0) {
        weir_scope_cancel(child->scope);
        count(&child->cancelled, 1);
    }
    while (counted(&child->cancelled) == 0)
        weir_yield(self);
}

// Runs `run` as a job in a scope; returns what the scope says. run must have
// made fewer than `most` calls.
static inline int run_in_scope(weir_worker *self,
                               int (*run)(weir_worker *self, weir_job *job),
                               uint32_t most) {
    weir_scope scope;
    cancelled_child child = {.job = WEIR_JOB_INIT(run, NULL), .scope = &scope};
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &child.job);
    int status = weir_scope_wait(self, &scope);
    CHECK(counted(&child.calls) > 0 && counted(&child.calls) < most);
    return status;
}

#endif

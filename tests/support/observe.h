// SPDX-License-Identifier: MIT
// What the tests of observe/ share.
#ifndef TEST_OBSERVE_H
#define TEST_OBSERVE_H

#include "support/pool.h"
#include "weir/observe.h"

static inline weir_pool *pool_measured(int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.measure = 1;
    return pool_open(&options);
}

static inline weir_pool_stats stats_of(weir_pool *pool) {
    weir_pool_stats stats = {.size = sizeof(stats)};
    CHECK_EQ(weir_observe_pool(pool, &stats), 0);
    CHECK_EQ(stats.size, sizeof(stats));
    return stats;
}

static inline weir_worker_stats worker_of(weir_pool *pool, unsigned index) {
    weir_worker_stats stats = {.size = sizeof(stats)};
    CHECK_EQ(weir_observe_worker(pool, index, &stats), 0);
    CHECK_EQ(stats.size, sizeof(stats));
    return stats;
}

// Keeps the worker at a gate, inside a blocking section.
static inline int lent_run(weir_worker *self, weir_job *job) {
    held *h = (held *)job;
    h->index = weir_worker_index(self);
    CHECK_EQ(weir_blocking_begin(self), 0);
    gate_pass(&h->gate);
    weir_blocking_end(self);
    return 0;
}

static inline void hold_lent(weir_pool *pool, held *h, const char *name) {
    h->job = (weir_job)WEIR_JOB_INIT(lent_run, NULL);
    h->job.name = name;
    gate_init(&h->gate);
    submit(pool, &h->job);
    gate_await(&h->gate, 1);
}

// Lets jobs go and waits until they have ended: then the gates may go, too.
static inline void release_all(weir_pool *pool, held *list, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        release(&list[i]);
    wait_idle(pool);
    for (unsigned i = 0; i < count; i++)
        gate_fini(&list[i].gate);
}

// check_in_child runs the function in a forked child, which must come back.
static inline void check_in_child(void (*function)(void *), void *argument) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        function(argument);
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

#endif

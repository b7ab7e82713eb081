// SPDX-License-Identifier: MIT
// What the tests of the stream room share.
#ifndef TEST_STREAM_H
#define TEST_STREAM_H

#include "base/fault.h"
#include "support/pool.h"
#include "weir/stream.h"

// ---- queues ----------------------------------------------------------------

static inline weir_queue_options queue_options(size_t capacity) {
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(uint64_t);
    options.capacity = capacity;
    return options;
}

static inline weir_queue *queue_of(weir_pool *pool, size_t capacity,
                                   weir_sender **sender) {
    weir_queue_options options = queue_options(capacity);
    weir_queue *queue = NULL;
    CHECK_EQ(weir_queue_create(&queue, sender, pool, &options), 0);
    return queue;
}

static inline weir_queue_counts queue_counts(weir_queue *queue) {
    weir_queue_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_queue_count(queue, &counts), 0);
    return counts;
}

static inline weir_stream_report report_empty(void) {
    return (weir_stream_report){.size = sizeof(weir_stream_report)};
}

// ---- jobs that do what a test says -----------------------------------------

typedef struct actor {
    weir_job job;
    int (*act)(weir_worker *self, void *argument);
    void *argument;
    tally *ended; // counts its end, or NULL
} actor;

static inline int actor_run(weir_worker *self, weir_job *job) {
    actor *a = (actor *)job;
    return a->act(self, a->argument);
}

static inline void actor_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    actor *a = (actor *)job;
    if (a->ended != NULL)
        mark_set(a->ended);
}

static inline void act(weir_pool *pool, actor *a,
                       int (*function)(weir_worker *self, void *argument),
                       void *argument) {
    *a = (actor){.job = WEIR_JOB_INIT(actor_run, actor_done),
                 .act = function,
                 .argument = argument};
    submit(pool, &a->job);
}

// ---- pools -----------------------------------------------------------------

static inline bool is_deterministic(weir_pool *pool) {
    return weir_pool_step(pool) != -EINVAL;
}

// A pool in which nobody can take the place of a worker that waits.
static inline weir_pool *pool_strict(int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = WEIR_STAND_INS_NONE;
    return pool_open(&options);
}

// for_each_strict_pool: the same as for_each_pool, without stand-ins.
static inline void for_each_strict_pool(pool_test *test) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.stand_ins = WEIR_STAND_INS_NONE;
    for_each_pool_with(&options, test, TEST_SEEDS);
}

#endif // TEST_STREAM_H

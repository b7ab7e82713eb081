// SPDX-License-Identifier: MIT
// Pools that take every job for short and every queue for long, so that what is
// behind a job that runs is held by its worker; jobs that say when they began.
#ifndef TEST_BURSTS_H
#define TEST_BURSTS_H

#include "pool/internal.h"
#include "support/pool.h"

enum { JOBS = 40 };

static inline weir_pool *burst_pool(int threads, int stand_ins) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = stand_ins;
    options.bursts = 1;
    weir_pool *pool = pool_open(&options);
    wr_pool_lock(pool);
    pool->burst.used = true; // with one worker too
    pool->burst.least = 1;
    pool->burst.job_ns = INT64_MAX / 4;
    pool->burst.burst_ns = INT64_MAX / 4;
    for (unsigned i = 0; i < pool->index_limit; i++)
        pool->workers[i].burst_most = WR_BURST_MAX;
    wr_pool_unlock(pool);
    return pool;
}

// A job that writes down when it began; one of them waits at a gate.
typedef struct step {
    work work;
    unsigned at;
    gate *gate; // or NULL
    int (*also)(weir_worker *self);
} step;

static step steps[JOBS];
static tally begun;

static inline int step_run(weir_worker *self, weir_job *job) {
    step *s = (step *)job;
    s->at = (unsigned)tally_add(&begun);
    if (s->gate != NULL)
        gate_pass(s->gate);
    if (s->also != NULL)
        CHECK_EQ(s->also(self), 0);
    return work_run(self, job);
}

static inline void set_steps(void) {
    tally_init(&begun);
    for (unsigned i = 0; i < JOBS; i++) {
        steps[i] = (step){.work = work_of(0)};
        steps[i].work.job.run = step_run;
    }
}

// One batch. The first begins at once, and its worker holds what comes next.
static inline void submit_steps(weir_pool *pool, unsigned count) {
    weir_job *jobs[JOBS];
    for (unsigned i = 0; i < count; i++)
        jobs[i] = &steps[i].work.job;
    CHECK_EQ(weir_submit_batch(pool, jobs, count), 0);
}

// How many are held. For the moment when all workers run something.
static inline unsigned held_now(weir_pool *pool) {
    unsigned count = 0;
    wr_pool_lock(pool);
    for (unsigned i = 0; i < pool->index_limit; i++) {
        wr_mutex_lock(&pool->workers[i].burst_lock);
        count += pool->workers[i].burst_left;
        wr_mutex_unlock(&pool->workers[i].burst_lock);
    }
    wr_pool_unlock(pool);
    return count;
}

// One worker, in the third of ten jobs; the seven behind it are held.
typedef struct middle {
    weir_pool *pool;
    gate gate;
} middle;

static inline middle middle_open(int stand_ins) {
    return (middle){.pool = burst_pool(1, stand_ins)};
}

static inline void middle_start(middle *m) {
    gate_init(&m->gate);
    steps[2].gate = &m->gate;
    submit_steps(m->pool, 10);
    gate_await(&m->gate, 1);
    CHECK_EQ(held_now(m->pool), 7);
}

static inline void middle_end(middle *m) {
    pool_close(m->pool);
    gate_fini(&m->gate);
}

#endif // TEST_BURSTS_H

// SPDX-License-Identifier: MIT
// What the tests of the loop share: loops, calls that record their fate, and
// one way to drive a loop, whether its pool has threads or not.
//
// The thread that runs the test is the loop's thread, and results are plain
// variables: ThreadSanitizer checks the order that the loop promises.
#ifndef TEST_LOOP_H
#define TEST_LOOP_H

#include "base/fault.h"
#include "support/pool.h"
#include "weir/loop.h"

#include <limits.h>
#include <poll.h>

static inline void need_faults(void) {
    if (!wr_fault_arm(WR_FAULT_THREAD, 0, 0))
        SKIP("a build without WEIR_FAULTS");
}

// ---- calls -----------------------------------------------------------------

// A call that records its fate.
typedef struct errand {
    weir_call call;
    int result; // what run returns
    gate *gate; // run waits there, or NULL
    pthread_t home;
    weir_worker *self; // what run got
    int ran;
    int ended;
    int status; // what done got
    weir_outcome outcome;
    uint64_t run_order; // among all errands of the program
    uint64_t end_order;
} errand;

static tally errands_run;
static uint64_t errands_ended; // counted on the loop's thread

static inline int errand_run(weir_worker *self, weir_call *call) {
    errand *e = (errand *)call;
    e->ran++;
    e->self = self;
    e->run_order = tally_add(&errands_run);
    if (e->gate != NULL)
        gate_pass(e->gate);
    return e->result;
}

static inline void errand_done(weir_call *call, int status) {
    errand *e = (errand *)call;
    CHECK(pthread_equal(e->home, pthread_self()));
    e->ended++;
    e->status = status;
    e->outcome = weir_call_outcome(call);
    e->end_order = ++errands_ended;
}

static inline errand errand_of(int result) {
    return (errand){.call = WEIR_CALL_INIT(errand_run, errand_done),
                    .result = result,
                    .home = pthread_self()};
}

// One that waits at a gate: it keeps its worker busy.
static inline errand errand_at(gate *g) {
    errand e = errand_of(0);
    e.gate = g;
    return e;
}

static inline void check_call_ran(const errand *e, int status) {
    CHECK_EQ(e->ran, 1);
    CHECK_EQ(e->ended, 1);
    CHECK_EQ(e->status, status);
    CHECK_EQ(e->outcome, status < 0 ? WEIR_OUTCOME_FAILED : WEIR_OUTCOME_DONE);
}

static inline void check_call_not_run(const errand *e, int status) {
    CHECK_EQ(e->ran, 0);
    CHECK_EQ(e->ended, 1);
    CHECK_EQ(e->status, status);
    CHECK_EQ(e->outcome, status == -ETIMEDOUT ? WEIR_OUTCOME_TIMED_OUT
                                              : WEIR_OUTCOME_CANCELLED);
}

// A call as it was before, to show that a refusal changed nothing that shows.
static inline void check_call_untouched(const errand *e, const errand *before) {
    CHECK_EQ(memcmp(&e->call, &before->call, offsetof(weir_call, weir_private)),
             0);
    CHECK_EQ(weir_call_outcome(&e->call), weir_call_outcome(&before->call));
    CHECK_EQ(e->ran, 0);
    CHECK_EQ(e->ended, 0);
}

static inline void call_on(weir_loop *loop, weir_pool *pool, errand *e) {
    CHECK_EQ(weir_call_submit(loop, pool, &e->call), 0);
}

// A thread that is not the loop's submits a call: thread_start(far_call_main).
typedef struct far_call {
    weir_loop *loop;
    weir_pool *pool;
    errand e;
} far_call;

static inline void *far_call_main(void *arg) {
    far_call *s = arg;
    call_on(s->loop, s->pool, &s->e);
    return NULL;
}

static inline void call_in(weir_loop *loop, weir_lane *lane, errand *e) {
    CHECK_EQ(weir_call_submit_lane(loop, lane, &e->call), 0);
}

// gate_reached says whether somebody is at the gate.
static inline int gate_reached(gate *g) {
    pthread_mutex_lock(&g->mutex);
    int reached = g->arrived > 0;
    pthread_mutex_unlock(&g->mutex);
    return reached;
}

// A run that goes on until it is told to end, and says why it did.
static tally obedient_started;

static inline int obedient_run(weir_worker *self, weir_call *call) {
    ((errand *)call)->ran++;
    tally_add(&obedient_started);
    for (;;) {
        int why = weir_call_cancelled(call);
        if (why != 0)
            return why;
        if (self != NULL)
            weir_yield(self);
        sched_yield();
    }
}

static inline errand errand_obedient(void) {
    errand e = errand_of(0);
    e.call.run = obedient_run;
    return e;
}

// tell cancels a call that runs. It may obey, and end, before cancel has looked
// what it does.
static inline void tell(errand *e) {
    int error = weir_call_cancel(&e->call);
    CHECK(error == -EBUSY || error == -EALREADY);
}

// started_await drives the pool until a tally says that `n` have started.
static inline void started_await(weir_pool *pool, tally *t, uint64_t n) {
    while (tally_get(t) < n) {
        int stepped = pool == NULL ? -EINVAL : weir_pool_step(pool);
        CHECK(stepped != 0 || tally_get(t) >= n);
        if (stepped == -EINVAL)
            sched_yield();
    }
}

// ---- loops -----------------------------------------------------------------

// Without a limit of time: a loaded machine would stop a drain anywhere.
static inline weir_loop_options loop_options(void) {
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    options.drain_ns = WEIR_FOREVER;
    return options;
}

static inline weir_loop *loop_open_with(const weir_loop_options *options) {
    weir_loop *loop = NULL;
    CHECK_EQ(weir_loop_create(&loop, options), 0);
    CHECK(loop != NULL);
    return loop;
}

static inline weir_loop *loop_open(void) {
    weir_loop_options options = loop_options();
    return loop_open_with(&options);
}

static inline weir_loop_counts loop_counts_of(weir_loop *loop) {
    weir_loop_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_loop_count(loop, &counts), 0);
    return counts;
}

// The equation that holds at any time.
static inline void check_loop_sum(const weir_loop_counts *c) {
    CHECK_EQ(c->accepted,
             c->done + c->failed + c->cancelled + c->timed_out + c->pending);
    CHECK(c->ended <= c->pending);
    CHECK(c->pending <= c->pending_max);
    CHECK(c->ended <= c->ended_max);
    CHECK(c->spins_paid <= c->spins);
    CHECK(c->limited <= c->drains);
}

// loop_close ends every test: nothing may be left, and the accounts are right.
static inline void loop_close(weir_loop *loop) {
    weir_loop_counts c = loop_counts_of(loop);
    check_loop_sum(&c);
    CHECK_EQ(c.pending, 0);
    CHECK_EQ(c.ended, 0);
    CHECK_EQ(weir_loop_pending(loop), 0);
    weir_loop_destroy(loop);
}

static inline int drain(weir_loop *loop) {
    int delivered = weir_loop_drain(loop);
    CHECK(delivered >= 0);
    return delivered;
}

static inline int fd_readable(const weir_loop *loop) {
    struct pollfd p = {.fd = weir_loop_fd(loop), .events = POLLIN};
    int n = poll(&p, 1, 0);
    CHECK(n >= 0);
    CHECK(n == 0 || p.revents == POLLIN);
    return n;
}

static inline void fd_await(const weir_loop *loop) {
    while (!fd_readable(loop))
        sched_yield();
}

// fd_settle drains nothing until the descriptor is quiet: a thread may still
// be on its way to write it for what was delivered already. Never, if it is
// readable without a reason.
static inline void fd_settle(weir_loop *loop) {
    while (fd_readable(loop)) {
        CHECK_EQ(drain(loop), 0);
        sched_yield();
    }
}

// turn lets something happen and drains: with threads it waits for them, on a
// deterministic pool it is one step. `pool` NULL: there are threads.
static inline int turn(weir_loop *loop, weir_pool *pool) {
    int stepped = pool == NULL ? -EINVAL : weir_pool_step(pool);
    if (stepped == -EINVAL)
        CHECK_EQ(weir_loop_wait(loop, WEIR_FOREVER), 0);
    else
        CHECK(stepped == 0 || stepped == 1);
    int delivered = drain(loop);
    if (stepped == 0 && delivered == 0)
        CHECK_FAIL("nothing can happen any more");
    return delivered;
}

// settle drives the loop until nothing is pending.
static inline void settle(weir_loop *loop, weir_pool *pool) {
    while (weir_loop_pending(loop) > 0)
        turn(loop, pool);
}

// ended_await returns once `n` calls have ended and wait for the drain.
static inline void ended_await(weir_loop *loop, weir_pool *pool, uint64_t n) {
    while (loop_counts_of(loop).ended < n) {
        int stepped = pool == NULL ? -EINVAL : weir_pool_step(pool);
        if (stepped == 0 && loop_counts_of(loop).ended < n)
            CHECK_FAIL("nothing can happen any more");
        if (stepped == -EINVAL)
            sched_yield();
    }
    CHECK_EQ(loop_counts_of(loop).ended, n);
}

// ---- all workers held ------------------------------------------------------

// Jobs that keep every worker of a pool busy. A deterministic pool needs none:
// it runs nothing before it is driven.
typedef struct held_all {
    held each[8];
    unsigned count;
} held_all;

static inline void hold_all(weir_pool *pool, held_all *h) {
    h->count = 0;
    if (weir_pool_step(pool) != -EINVAL)
        return;
    for (; h->count < weir_pool_width(pool); h->count++)
        hold(pool, &h->each[h->count]);
}

// release_all returns once the jobs have ended. The calls behind them run too.
static inline void release_all(weir_pool *pool, held_all *h) {
    for (unsigned i = 0; i < h->count; i++)
        release(&h->each[i]);
    wait_idle(pool);
    for (unsigned i = 0; i < h->count; i++)
        gate_fini(&h->each[i].gate);
}

// on_each_pool runs the test on pools with 1, 2 and 4 threads and on
// deterministic ones under some seeds.
enum { LOOP_SEEDS = 50 };

static inline void on_each_pool(pool_test *test) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, test, LOOP_SEEDS);
}

// for_each_width leaves the deterministic ones out: where a gate must hold a
// worker, or several threads take part.
static inline void for_each_width(pool_test *test) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, test, 0);
}

// ---- lanes -----------------------------------------------------------------

static inline weir_lane_options lane_options(unsigned threads_max) {
    weir_lane_options options = WEIR_LANE_OPTIONS_INIT;
    options.threads_max = threads_max;
    options.keep_ns = WEIR_FOREVER;
    return options;
}

static inline weir_lane *lane_open_with(const weir_lane_options *options) {
    weir_lane *lane = NULL;
    CHECK_EQ(weir_lane_create(&lane, options), 0);
    CHECK(lane != NULL);
    return lane;
}

static inline weir_lane *lane_of(unsigned threads_max) {
    weir_lane_options options = lane_options(threads_max);
    return lane_open_with(&options);
}

static inline weir_lane_counts lane_counts_of(weir_lane *lane) {
    weir_lane_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_lane_count(lane, &counts), 0);
    return counts;
}

static inline void check_lane_sum(const weir_lane_counts *c) {
    CHECK_EQ(c->accepted, c->succeeded + c->failed + c->cancelled +
                              c->timed_out + c->queued + c->running);
    CHECK(c->queued <= c->queued_max);
    CHECK(c->running <= c->threads);
    CHECK(c->threads <= c->threads_highest);
    CHECK(c->threads_highest <= c->started_threads);
}

static inline void lane_close(weir_lane *lane) {
    CHECK_EQ(weir_lane_stop(lane, WEIR_STOP_DRAIN, WEIR_FOREVER), 0);
    weir_lane_counts c = lane_counts_of(lane);
    check_lane_sum(&c);
    CHECK_EQ(c.queued, 0);
    CHECK_EQ(c.running, 0);
    CHECK_EQ(c.threads, 0);
    weir_lane_destroy(lane);
}

// ---- closing ---------------------------------------------------------------

// What closed(loop, context) saw.
typedef struct closing {
    weir_loop *loop;
    pthread_t home;
    int called;
    uint64_t pending; // then
    int destroys;     // whether it destroys the loop
} closing;

static inline closing closing_of(weir_loop *loop) {
    return (closing){.loop = loop, .home = pthread_self()};
}

static inline void closing_closed(weir_loop *loop, void *context) {
    closing *c = context;
    CHECK(c->loop == loop);
    CHECK(pthread_equal(c->home, pthread_self()));
    c->called++;
    c->pending += weir_loop_pending(loop);
    if (c->destroys)
        weir_loop_destroy(loop);
}

static inline void close_begin(closing *c, weir_stop_mode mode) {
    CHECK_EQ(weir_loop_close(c->loop, mode, closing_closed, c), 0);
}

// close_settle drives the loop until closed was called, which must be last.
static inline void close_settle(closing *c, weir_pool *pool) {
    while (c->called == 0) {
        int stepped = pool == NULL ? -EINVAL : weir_pool_step(pool);
        if (stepped == -EINVAL)
            CHECK_EQ(weir_loop_wait(c->loop, WEIR_FOREVER), 0);
        int delivered = drain(c->loop);
        if (stepped == 0 && delivered == 0 && c->called == 0)
            CHECK_FAIL("nothing can happen any more");
    }
    CHECK_EQ(c->called, 1);
    CHECK_EQ(c->pending, 0);
}

#endif // TEST_LOOP_H

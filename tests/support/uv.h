// SPDX-License-Identifier: MIT
// What the tests of the libuv adapter share: a uv loop with weir beside it, and
// calls that record their fate.
#ifndef TEST_UV_H
#define TEST_UV_H

#include "base/fault.h"
#include "support/loop.h"
#include "weir/uv.h"

// ---- a uv loop with weir ---------------------------------------------------

typedef struct bench {
    uv_loop_t uv;
    weir_uv *weir;
    weir_loop *loop;
    weir_pool *pool;
    int detached;            // how often
    uint64_t detached_order; // after that many errands had ended
} bench;

static inline void bench_open_with(bench *b, const weir_uv_options *options) {
    memset(b, 0, sizeof(*b));
    CHECK_EQ(uv_loop_init(&b->uv), 0);
    CHECK_EQ(weir_uv_attach(&b->weir, &b->uv, options), 0);
    b->loop = weir_uv_loop(b->weir);
    b->pool = weir_uv_pool(b->weir);
    CHECK(b->loop != NULL && b->pool != NULL);
}

static inline weir_pool *pool_threads(int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    return pool_open(&options);
}

// bench_open: on a pool of the test's with so many threads.
static inline void bench_open(bench *b, int threads) {
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.pool = pool_threads(threads);
    bench_open_with(b, &options);
    CHECK(b->pool == options.pool);
}

static inline void bench_detached(void *context) {
    bench *b = context;
    b->detached++;
    b->detached_order = errands_ended;
}

static inline void bench_detach(bench *b, weir_stop_mode mode) {
    CHECK_EQ(weir_uv_detach(b->weir, mode, bench_detached, b), 0);
}

// bench_run runs the uv loop until nothing keeps it.
static inline void bench_run(bench *b) {
    CHECK_EQ(uv_run(&b->uv, UV_RUN_DEFAULT), 0);
    CHECK_EQ(uv_loop_alive(&b->uv), 0);
}

// bench_closed: the detach has come to its end, nothing is left in uv.
static inline void bench_closed(bench *b) {
    bench_run(b);
    CHECK_EQ(b->detached, 1);
    CHECK_EQ(uv_loop_close(&b->uv), 0);
}

// bench_close ends a test that has opened it with bench_open.
static inline void bench_close(bench *b) {
    weir_loop_counts counts = loop_counts_of(b->loop);
    check_loop_sum(&counts);
    CHECK_EQ(counts.pending, 0);
    bench_detach(b, WEIR_STOP_DRAIN);
    bench_closed(b);
    pool_close(b->pool);
}

static inline void bench_call(bench *b, errand *e) {
    call_on(b->loop, b->pool, e);
}

// ---- handles ---------------------------------------------------------------

// Counts the rounds of a uv loop, without keeping it.
typedef struct rounds {
    uv_check_t check;
    unsigned count;
} rounds;

static inline void rounds_on_check(uv_check_t *check) {
    ((rounds *)check)->count++;
}

static inline void rounds_open(rounds *r, uv_loop_t *uv) {
    r->count = 0;
    CHECK_EQ(uv_check_init(uv, &r->check), 0);
    CHECK_EQ(uv_check_start(&r->check, rounds_on_check), 0);
    uv_unref((uv_handle_t *)&r->check);
}

static inline void rounds_close(rounds *r) {
    uv_close((uv_handle_t *)&r->check, NULL);
}

// A timer that ends by itself; on_timer may be NULL.
typedef struct alarm_clock {
    uv_timer_t timer;
    int rang;
    void (*ring)(void *argument);
    void *argument;
} alarm_clock;

static inline void alarm_on_timer(uv_timer_t *timer) {
    alarm_clock *a = (alarm_clock *)timer;
    a->rang++;
    uv_close((uv_handle_t *)timer, NULL);
    if (a->ring != NULL)
        a->ring(a->argument);
}

static inline void alarm_set(alarm_clock *a, uv_loop_t *uv, uint64_t ms,
                             void (*ring)(void *argument), void *argument) {
    *a = (alarm_clock){.ring = ring, .argument = argument};
    CHECK_EQ(uv_timer_init(uv, &a->timer), 0);
    CHECK_EQ(uv_timer_start(&a->timer, alarm_on_timer, ms, 0), 0);
}

static inline void ring_gate(void *gate_to_open) { gate_open(gate_to_open); }

#endif // TEST_UV_H

// SPDX-License-Identifier: MIT
// Ends that come from elsewhere: the pool stops first, the cache stops at any
// moment, a rule is broken.
#include "support/cache.h"

enum { KEY = 7 };

// ---- the pool first --------------------------------------------------------

static void pool_stopped(weir_stop_mode mode) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    uint64_t number = fetch_idle(&b, KEY);
    held h;
    hold(pool, &h);
    ask asks[6];
    for (uint64_t i = 0; i < 6; i++) {
        ask_init(&b, &asks[i], i / 2);
        asks[i].get.argument = &asks[i];
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    stopper s;
    stopper_start(&s, pool, mode);
    release(&h);
    stopper_join(&s);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(asks[i].ended, 1);
        CHECK_EQ(asks[i].status, mode == WEIR_STOP_DRAIN ? 0 : -ESHUTDOWN);
    }
    ask a;
    ask_init(&b, &a, 100);
    a.get.argument = &a;
    CHECK_EQ(ask_try(&a), -ESHUTDOWN);
    CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), -ESHUTDOWN);
    CHECK_EQ(a.get.leads, 0);
    CHECK_EQ(find(&b, 100, NULL), -ENOENT);
    weir_cache_counts c = cache_counts(&b);
    check_identities(&b, &c); // it was not accepted
    ask_hit(&b, &a, KEY);     // what is known is known
    check_value(&a, number);
    CHECK_EQ(weir_cache_get_wait(b.cache, &asks[0].get),
             mode == WEIR_STOP_DRAIN ? 0 : -ESHUTDOWN);
    ask_release(&asks[0]);
    weir_cache_destroy(b.cache);
    CHECK_EQ(b.made, b.released);
    CHECK_EQ(b.dropped, 3);
    weir_pool_destroy(pool);
    gate_fini(&h.gate);
}

static void a_pool_may_be_stopped_first(void) {
    pool_stopped(WEIR_STOP_DRAIN);
    pool_stopped(WEIR_STOP_CANCEL);
    pool_stopped(WEIR_STOP_ABORT);
}

// That is not what the load came to.
static void a_stopped_pool_is_not_remembered_as_a_failure(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.failure_ttl_ns = WEIR_FOREVER;
    bench_start(&b, &options);
    held h;
    hold(pool, &h);
    ask a;
    ask_pending(&b, &a, KEY);
    stopper s;
    stopper_start(&s, pool, WEIR_STOP_CANCEL);
    release(&h);
    stopper_join(&s);
    CHECK_EQ(a.status, -ESHUTDOWN);
    CHECK_EQ(b.loads, 0);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    bench_close(&b);
    weir_pool_destroy(pool);
    gate_fini(&h.gate);
}

// A load that said later outlives the pool's threads: who waited is told by
// the pool, and what it brings is kept all the same.
static void pool_stopped_later(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[3];
    for (int i = 0; i < 3; i++)
        ask_pending(&b, &asks[i], KEY);
    begun(&b, KEY, 1);
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, &report), 0);
    for (int i = 0; i < 3; i++)
        check_left(&asks[i], -ESHUTDOWN);
    land(&b, KEY, 0);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    ask a;
    ask_hit(&b, &a, KEY);
    check_value(&a, 1);
    bench_stop(&b, WEIR_STOP_DRAIN); // needs no worker
    bench_free(&b);
}

static void a_later_load_publishes_after_its_pool_has_stopped(void) {
    for_each_pool(pool_stopped_later);
}

// ---- calls that are still returning ----------------------------------------

static void *lands_main(void *arg) {
    land(arg, KEY, 0);
    return NULL;
}

static void destroy_may_meet_a_flight_that_ends(void) {
    for (int i = 0; i < 200; i++) {
        weir_pool *pool = pool_of(1);
        bench b;
        bench_open(&b, pool);
        plan_of(&b, KEY)->is_later = 1;
        ask a;
        ask_pending(&b, &a, KEY);
        begun(&b, KEY, 1);
        pthread_t thread = thread_start(lands_main, &b);
        weir_cache_destroy(b.cache); // waits for it to be ended
        CHECK_EQ(a.ended, 1);
        CHECK(a.status == 0 || a.status == -ESHUTDOWN);
        thread_join(thread);
        CHECK_EQ(b.made, b.released);
        pool_close(pool);
    }
}

static void *asks_main(void *arg) {
    CHECK_EQ(ask_try(arg), WEIR_CACHE_PENDING);
    return NULL;
}

static void destroy_may_meet_a_get_that_returns(void) {
    for (int i = 0; i < 200; i++) {
        weir_pool *pool = pool_of(1 + i % 2);
        bench b;
        bench_open(&b, pool);
        ask a;
        ask_init(&b, &a, KEY);
        pthread_t thread = thread_start(asks_main, &a);
        settle(&b, 1); // its done was called
        weir_cache_destroy(b.cache);
        thread_join(thread);
        check_value(&a, 1);
        pool_close(pool);
    }
}

// ---- at any moment ---------------------------------------------------------

// Asks and changes until it is refused.
typedef struct busybody {
    weir_job job;
    bench *b;
    ask *asks;
    int count, asked;
    uint32_t random;
} busybody;

static int busybody_run(weir_worker *self, weir_job *job) {
    busybody *y = (busybody *)job;
    while (y->asked < y->count) {
        y->random = y->random * 1664525u + 1013904223u;
        ask *a = &y->asks[y->asked];
        ask_init(y->b, a, (y->random >> 16) % 10);
        int result = ask_try(a);
        if (result < 0) {
            CHECK_EQ(result, -ESHUTDOWN);
            return 0;
        }
        y->asked++;
        if ((y->random >> 20) % 4 == 0)
            invalidate(y->b, a->key);
        if ((y->random >> 20) % 4 == 1)
            weir_get_cancel(y->b->cache, &a->get);
        weir_yield(self);
    }
    return 0;
}

static weir_stop_mode stop_mode;

static void stops_amid(weir_pool *pool) {
    enum { BODIES = 3, ASKS = 20 };
    static const uint64_t next[] = {1, 2, 3};
    static ask asks[BODIES * ASKS];
    busybody bodies[BODIES];
    bench b;
    bench_open(&b, pool);
    b.may_overlap = 1;
    for (uint64_t i = 0; i < 3; i++)
        needs(&b, i, &next[i], 1);
    for (unsigned i = 0; i < BODIES; i++) {
        bodies[i] = (busybody){.job = WEIR_JOB_INIT(busybody_run, NULL),
                               .b = &b,
                               .asks = &asks[i * ASKS],
                               .count = ASKS,
                               .random = i * 7919u};
        submit(pool, &bodies[i].job);
    }
    for (unsigned i = 0; b.is_deterministic && i < 60; i++)
        (void)weir_pool_step(pool);
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_stop(b.cache, stop_mode, WEIR_FOREVER, &counts), 0);
    wait_idle(pool);
    weir_cache_counts after = cache_counts(&b);
    check_stopped(&b, &after);
    uint64_t asked = 0;
    for (unsigned i = 0; i < BODIES; i++)
        for (int j = 0; j < bodies[i].asked; j++, asked++) {
            ask *a = &asks[i * ASKS + (unsigned)j];
            CHECK_EQ(a->ended, 1);
            CHECK(a->status == 0 || a->status == -ECANCELED ||
                  a->status == -ESHUTDOWN);
        }
    CHECK_EQ(tally_get(&b.ended), asked);
    bench_free(&b);
}

static void a_stop_may_come_at_any_moment(void) {
    for (stop_mode = WEIR_STOP_DRAIN; stop_mode <= WEIR_STOP_ABORT; stop_mode++)
        for_each_pool(stops_amid);
}

static int destroys_run(weir_worker *self, void *argument) {
    (void)self;
    weir_cache_destroy(argument);
    return 0;
}

static void destroy_on_worker(void) {
    weir_pool *pool = pool_seeded(1, 1);
    bench b;
    bench_open(&b, pool);
    CHECK_EQ(weir_run(pool, destroys_run, b.cache, NULL), 0);
}

static void ends_twice(void) {
    weir_pool *pool = pool_seeded(1, 1);
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    // While its load's job has not ended, so that the flight is still there.
    weir_flight_end(plan_of(&b, KEY)->flight, -EIO, NULL);
    weir_flight_end(plan_of(&b, KEY)->flight, -EIO, NULL);
}

static void asks_twice(void) {
    weir_pool *pool = pool_seeded(1, 1);
    bench b;
    bench_open(&b, pool);
    ask a;
    ask_pending(&b, &a, KEY);
    (void)ask_try(&a);
}

static int wrong_load(void *context, weir_worker *self, weir_flight *flight,
                      weir_result *result) {
    (void)context, (void)self, (void)flight, (void)result;
    return 2;
}

static void returns_nonsense(void) {
    weir_pool *pool = pool_seeded(1, 1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.load = wrong_load;
    bench_start(&b, &options);
    ask a;
    ask_pending(&b, &a, KEY);
    wait_idle(pool);
}

static void broken_rules_abort(void) {
    check_aborts(destroy_on_worker, "worker");
    check_aborts(ends_twice, "twice");
    check_aborts(asks_twice, "get");
    check_aborts(returns_nonsense, "load");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_pool_may_be_stopped_first", a_pool_may_be_stopped_first},
        {"a_stopped_pool_is_not_remembered_as_a_failure",
         a_stopped_pool_is_not_remembered_as_a_failure},
        {"a_later_load_publishes_after_its_pool_has_stopped",
         a_later_load_publishes_after_its_pool_has_stopped},
        {"destroy_may_meet_a_flight_that_ends",
         destroy_may_meet_a_flight_that_ends},
        {"destroy_may_meet_a_get_that_returns",
         destroy_may_meet_a_get_that_returns},
        {"a_stop_may_come_at_any_moment", a_stop_may_come_at_any_moment},
        {"broken_rules_abort", broken_rules_abort},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

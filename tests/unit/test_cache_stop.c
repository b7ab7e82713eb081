// SPDX-License-Identifier: MIT
// Stopping and destroying, with flights open in every state.
#include "support/cache.h"

enum { KEY = 7 };

static int stop(bench *b, weir_stop_mode mode, int64_t deadline_ns) {
    return weir_cache_stop(b->cache, mode, deadline_ns, NULL);
}

// ---- afterwards ------------------------------------------------------------

static void refuses(weir_pool *pool) {
    for (weir_stop_mode mode = WEIR_STOP_DRAIN; mode <= WEIR_STOP_ABORT;
         mode++) {
        bench b;
        bench_open(&b, pool);
        put(&b, KEY, NULL);
        fetch_idle(&b, KEY + 1);
        bench_stop(&b, mode);
        CHECK_EQ(b.removed[WEIR_REMOVED_STOPPED], 2);
        CHECK_EQ(b.released, 2);
        ask a;
        ask_init(&b, &a, KEY);
        CHECK_EQ(ask_try(&a), -ESHUTDOWN);
        CHECK_EQ(weir_cache_get_wait(b.cache, &a.get), -ESHUTDOWN);
        CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), -ESHUTDOWN);
        CHECK_EQ(a.get.leads, 0);
        weir_result result = {.value = &a, .weight = 1};
        weir_entry *entry = NULL;
        CHECK_EQ(weir_cache_put(b.cache, &a.key, 8, &result, &entry),
                 -ESHUTDOWN);
        CHECK(entry == NULL);
        CHECK_EQ(b.released, 2); // the value is the caller's still
        CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
        CHECK_EQ(invalidate(&b, KEY), -ENOENT);
        CHECK_EQ(weir_cache_clear(b.cache), 0);
        CHECK_EQ(weir_cache_tidy(b.cache), 0);
        CHECK_EQ(weir_cache_resize(b.cache, 5), 0);
        bench_stop(&b, WEIR_STOP_DRAIN); // again
        bench_stop(&b, WEIR_STOP_ABORT);
        CHECK_EQ(b.logged, 2);
        bench_free(&b);
    }
}

static void a_stopped_cache_refuses_and_is_empty(void) {
    for_each_pool(refuses);
}

static void destroys(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    weir_cache_destroy(NULL);
    put(&b, KEY, NULL);
    ask a;
    ask_pending(&b, &a, KEY + 1);
    bench_free(&b); // without a stop
    CHECK_EQ(a.ended, 1);
    CHECK_EQ(b.removed[WEIR_REMOVED_STOPPED], b.logged);
}

static void destroy_stops_first(void) { for_each_pool(destroys); }

static void outlives(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    weir_entry *entry = NULL;
    uint64_t number = put(&b, KEY, &entry);
    ask a;
    ask_init(&b, &a, KEY + 1);
    a.keeps = 1;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    settle(&b, 1);
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(cache_counts(&b).lent_bytes, 2);
    weir_cache_destroy(b.cache);
    CHECK_EQ(b.released, 0);
    CHECK_EQ(entry_key(entry), KEY);
    CHECK_EQ(((value *)weir_entry_value(entry))->number, number);
    CHECK_EQ(weir_entry_weight(entry), 1);
    CHECK_EQ(entry_key(a.get.entry), KEY + 1);
    CHECK(weir_entry_keep(entry) == entry);
    weir_entry_release(entry);
    CHECK_EQ(b.released, 0);
    weir_entry_release(entry);
    CHECK_EQ(b.released, 1);
    weir_entry_release(a.get.entry);
    CHECK_EQ(b.released, 2);
}

static void entries_outlive_the_cache(void) { for_each_pool(outlives); }

// ---- drain -----------------------------------------------------------------

static void drains(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask asks[12];
    for (int i = 0; i < 12; i++) {
        ask_init(&b, &asks[i], KEY + (uint64_t)(i % 4));
        asks[i].get.argument = &asks[i];
        CHECK(ask_try(&asks[i]) >= 0);
    }
    bench_stop(&b, WEIR_STOP_DRAIN);
    for (int i = 0; i < 12; i++)
        check_value(&asks[i], asks[i % 4].value); // all have landed
    CHECK_EQ(b.loads, 4);
    CHECK_EQ(b.dropped, 4);
    CHECK_EQ(b.logged, 4); // they were published, then removed
    bench_free(&b);
}

static void drain_lets_flights_land(void) { for_each_pool(drains); }

static void drains_nested(weir_pool *pool) {
    enum { LENGTH = 12 };
    static uint64_t next[LENGTH];
    bench b;
    bench_open(&b, pool);
    for (uint64_t i = 0; i + 1 < LENGTH; i++) {
        next[i] = i + 1;
        needs(&b, i, &next[i], 1);
    }
    ask a;
    ask_pending(&b, &a, 0);
    bench_stop(&b, WEIR_STOP_DRAIN);
    check_value(&a, 1);
    CHECK_EQ(b.loads, LENGTH);
    bench_free(&b);
}

static void drain_lets_loads_get_what_they_need(void) {
    for_each_pool(drains_nested);
}

// A load puts another key, and gets one, while the cache drains.
static int puts_and_gets(bench *b, plan *p, weir_worker *self,
                         weir_flight *flight) {
    (void)self;
    gate_pass(p->argument);
    ask a;
    ask_init(b, &a, KEY + 1);
    CHECK_EQ(ask_try(&a), -ESHUTDOWN); // from nobody
    a.get.from = flight;
    put(b, KEY + 1, NULL);
    CHECK_EQ(ask_try(&a), 0);
    CHECK_EQ(a.status, 0);
    return 0;
}

typedef struct ender {
    bench *b;
    weir_stop_mode mode;
    int64_t deadline_ns;
    int result;
    weir_cache_counts counts;
    pthread_t thread;
} ender;

static void *ender_main(void *arg) {
    ender *e = arg;
    e->counts.size = sizeof(e->counts);
    e->result =
        weir_cache_stop(e->b->cache, e->mode, e->deadline_ns, &e->counts);
    return NULL;
}

static void ender_start(ender *e, bench *b, weir_stop_mode mode) {
    *e = (ender){.b = b, .mode = mode, .deadline_ns = WEIR_FOREVER};
    e->thread = thread_start(ender_main, e);
}

static void enders_join(ender *enders, int count) {
    // One may return while another still tells the listener what went.
    for (int i = 0; i < count; i++)
        thread_join(enders[i].thread);
    for (int i = 0; i < count; i++) {
        CHECK_EQ(enders[i].result, 0);
        check_stopped(enders[i].b, &enders[i].counts);
    }
}

// refusing waits until the cache refuses outsiders.
static void refusing(bench *b) {
    static const uint64_t key = 400;
    weir_get get = WEIR_GET_INIT(&key, sizeof(key), NULL);
    plan_of(b, key)->ttl_ns = -1;
    for (;;) {
        int refused = weir_cache_prefetch(b->cache, &get);
        if (refused == -ESHUTDOWN)
            return;
        CHECK_EQ(refused, 0);
        sched_yield();
    }
}

static void a_load_may_put_and_get_while_the_cache_drains(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open(&b, pool);
    gate busy;
    gate_init(&busy);
    plan *p = plan_of(&b, KEY);
    p->act = puts_and_gets;
    p->argument = &busy;
    ask a;
    ask_pending(&b, &a, KEY);
    gate_await(&busy, 1);
    ender e;
    ender_start(&e, &b, WEIR_STOP_DRAIN);
    refusing(&b);
    gate_open(&busy);
    enders_join(&e, 1);
    check_value(&a, a.value);
    gate_fini(&busy);
    bench_free(&b);
    pool_close(pool);
}

// ---- cancel ----------------------------------------------------------------

static void cancel_ends_what_has_not_begun(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    gate busy;
    gate_init(&busy);
    plan_of(&b, 0)->gate = &busy;
    ask asks[6];
    for (uint64_t i = 0; i < 6; i++) {
        ask_init(&b, &asks[i], i / 2);
        asks[i].get.argument = &asks[i];
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    gate_await(&busy, 1);
    CHECK_EQ(stop(&b, WEIR_STOP_CANCEL, 0), -ETIMEDOUT);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, 0)->flight), 0);
    gate_open(&busy);
    bench_stop(&b, WEIR_STOP_CANCEL);
    for (int i = 0; i < 6; i++)
        if (i < 2)
            check_value(&asks[i], 1); // its load ran
        else
            check_failed(&asks[i], -ESHUTDOWN);
    CHECK_EQ(b.loads, 1);
    CHECK_EQ(b.dropped, 3);
    CHECK_EQ(cache_counts(&b).abandoned, 2);
    gate_fini(&busy);
    bench_free(&b);
    pool_close(pool);
}

static void cancels(weir_pool *pool) {
    for (weir_stop_mode mode = WEIR_STOP_CANCEL; mode <= WEIR_STOP_ABORT;
         mode++) {
        bench b;
        bench_open(&b, pool);
        ask asks[12];
        for (int i = 0; i < 12; i++) {
            ask_init(&b, &asks[i], KEY + (uint64_t)(i % 4));
            if (i % 5 == 0)
                asks[i].get.deadline_ns = WEIR_FOREVER;
            CHECK(ask_try(&asks[i]) >= 0);
            if (i % 3 == 0 && b.is_deterministic)
                (void)weir_pool_step(pool);
        }
        bench_stop(&b, mode);
        for (int i = 0; i < 12; i++) {
            CHECK_EQ(asks[i].ended, 1);
            CHECK(asks[i].status == 0 || asks[i].status == -ESHUTDOWN);
            CHECK_EQ(asks[i].status, asks[i % 4].status);
        }
        bench_free(&b);
    }
}

static void each_get_ends_once_in_any_mode(void) { for_each_pool(cancels); }

// ---- abort -----------------------------------------------------------------

static int sees_abort(bench *b, plan *p, weir_worker *self,
                      weir_flight *flight) {
    (void)b;
    mark_set(p->argument);
    while (weir_flight_cancelled(flight) == 0)
        weir_yield(self);
    CHECK_EQ(weir_flight_cancelled(flight), -ESHUTDOWN);
    while (weir_cancelled(self) == 0)
        weir_yield(self);
    return -ECANCELED;
}

static void abort_tells_the_loads(void) {
    for (int threads = 1; threads <= 2; threads++) {
        weir_pool *pool = pool_of(threads);
        bench b;
        bench_open(&b, pool);
        tally running;
        tally_init(&running);
        ask asks[3];
        for (uint64_t i = 0; i < 3; i++) {
            plan_of(&b, i)->act = sees_abort;
            plan_of(&b, i)->argument = &running;
            ask_pending(&b, &asks[i], i);
        }
        mark_await(&running, (uint64_t)threads);
        bench_stop(&b, WEIR_STOP_ABORT);
        for (int i = 0; i < 3; i++)
            check_failed(&asks[i], -ESHUTDOWN);
        CHECK_EQ(cache_counts(&b).abandoned, 3);
        bench_free(&b);
        pool_close(pool);
    }
}

// Its waiters do not wait for a load that does not listen.
static void abort_lands_a_running_load_at_once(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open(&b, pool);
    gate busy;
    gate_init(&busy);
    plan_of(&b, KEY)->gate = &busy;
    ask a;
    ask_pending(&b, &a, KEY);
    gate_await(&busy, 1);
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_stop(b.cache, WEIR_STOP_ABORT, in_ms(1), &counts),
             -ETIMEDOUT);
    CHECK_EQ(counts.loading, 1);
    CHECK_EQ(counts.orphans, 1);
    settle(&b, 1);
    check_failed(&a, -ESHUTDOWN);
    gate_open(&busy);
    bench_stop(&b, WEIR_STOP_ABORT);
    CHECK_EQ(b.logged, 0); // what it made was released, not kept
    gate_fini(&busy);
    bench_free(&b);
    pool_close(pool);
}

static void aborts_later(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    rest(&b);
    int result =
        stop(&b, WEIR_STOP_ABORT, b.is_deterministic ? WEIR_FOREVER : in_ms(1));
    CHECK_EQ(result, b.is_deterministic ? -EDEADLK : -ETIMEDOUT);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), -ESHUTDOWN);
    settle(&b, 1);
    check_failed(&a, -ESHUTDOWN);
    land(&b, KEY, 0); // it must still be ended
    bench_stop(&b, WEIR_STOP_ABORT);
    CHECK_EQ(b.logged, 0);
    bench_free(&b);
}

static void abort_waits_for_loads_that_said_later(void) {
    for_each_pool(aborts_later);
}

// ---- what tells a load that said later -------------------------------------

typedef struct told {
    bench b;
    tally calls;
    int why;
    int ends;
} told;

static void told_cancelled(void *context, weir_flight *flight, int why) {
    told *t = context;
    CHECK_EQ(weir_flight_cancelled(flight), why);
    CHECK_EQ(flight_key(flight), KEY);
    t->why = why;
    if (t->ends)
        land(&t->b, KEY, why);
    mark_set(&t->calls);
}

static void told_open(told *t, weir_pool *pool, int ends) {
    weir_cache_options options = bench_options(&t->b, pool);
    options.cancelled = told_cancelled;
    options.cancel_unwanted = 1;
    tally_init(&t->calls);
    t->ends = ends;
    bench_start(&t->b, &options);
    t->b.may_overlap = 1;
    plan_of(&t->b, KEY)->is_later = 1;
}

// It ends the flight itself, so that nobody else need watch.
static void told_of_stop(weir_pool *pool) {
    told t;
    told_open(&t, pool, 1);
    ask a;
    ask_pending(&t.b, &a, KEY);
    begun(&t.b, KEY, 1);
    rest(&t.b);
    bench_stop(&t.b, WEIR_STOP_ABORT);
    CHECK_EQ(tally_get(&t.calls), 1);
    CHECK_EQ(t.why, -ESHUTDOWN);
    check_failed(&a, -ESHUTDOWN);
    bench_free(&t.b);
}

static void a_later_load_is_told_of_an_abort(void) {
    for_each_pool(told_of_stop);
}

static void told_unwanted(weir_pool *pool) {
    told t;
    told_open(&t, pool, 1);
    ask a;
    ask_pending(&t.b, &a, KEY);
    begun(&t.b, KEY, 1);
    rest(&t.b);
    CHECK_EQ(weir_get_cancel(t.b.cache, &a.get), 0);
    bench_until(&t.b, &t.calls, 1);
    CHECK_EQ(t.why, -ECANCELED);
    settle(&t.b, 1);
    check_left(&a, -ECANCELED);
    bench_close(&t.b);
    CHECK_EQ(tally_get(&t.calls), 1);
}

static void a_later_load_is_told_that_nobody_wants_it(void) {
    for_each_pool(told_unwanted);
}

// Once, whatever happens to it.
static void told_once(weir_pool *pool) {
    told t;
    told_open(&t, pool, 0);
    ask a;
    ask_pending(&t.b, &a, KEY);
    begun(&t.b, KEY, 1);
    rest(&t.b);
    CHECK_EQ(weir_get_cancel(t.b.cache, &a.get), 0);
    bench_until(&t.b, &t.calls, 1);
    CHECK_EQ(stop(&t.b, WEIR_STOP_ABORT, 0), -ETIMEDOUT);
    rest(&t.b);
    land(&t.b, KEY, 0);
    bench_stop(&t.b, WEIR_STOP_ABORT);
    CHECK_EQ(tally_get(&t.calls), 1);
    CHECK_EQ(t.why, -ECANCELED);
    bench_free(&t.b);
}

static void a_later_load_is_told_once(void) { for_each_pool(told_once); }

static void told_for_nothing(weir_pool *pool) {
    told t;
    told_open(&t, pool, 0);
    ask a;
    ask_pending(&t.b, &a, KEY);
    begun(&t.b, KEY, 1);
    CHECK_EQ(invalidate(&t.b, KEY), 0); // is no cancel
    land(&t.b, KEY, 0);
    settle(&t.b, 1);
    check_value(&a, 1);
    bench_close(&t.b);
    CHECK_EQ(tally_get(&t.calls), 0);
}

static void a_load_that_ends_is_told_nothing(void) {
    for_each_pool(told_for_nothing);
}

// ---- time, and again -------------------------------------------------------

static void a_stop_has_a_limit_and_may_be_repeated(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    put(&b, KEY + 1, NULL);
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_stop(b.cache, WEIR_STOP_DRAIN, 0, &counts), -ETIMEDOUT);
    CHECK_EQ(counts.waiting, 1); // filled in all the same
    CHECK_EQ(counts.loading, 1);
    int64_t limit = in_ms(2);
    CHECK_EQ(stop(&b, WEIR_STOP_DRAIN, limit), -ETIMEDOUT);
    CHECK(weir_now_ns() >= limit);
    CHECK_EQ(a.ended, 0); // it drains
    CHECK_EQ(find(&b, KEY + 1, NULL), 0);
    put(&b, KEY + 2, NULL); // it still takes this
    CHECK_EQ(find(&b, KEY + 2, NULL), 0);
    CHECK_EQ(stop(&b, WEIR_STOP_CANCEL, 0), -ETIMEDOUT);
    weir_result result = {.weight = 1};
    CHECK_EQ(weir_cache_put(b.cache, "k", 1, &result, NULL), -ESHUTDOWN);
    CHECK_EQ(stop(&b, WEIR_STOP_DRAIN, 0), -ETIMEDOUT); // no softer
    CHECK_EQ(weir_cache_put(b.cache, "k", 1, &result, NULL), -ESHUTDOWN);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), 0); // has begun
    CHECK_EQ(stop(&b, WEIR_STOP_ABORT, 0), -ETIMEDOUT);
    settle(&b, 1);
    check_failed(&a, -ESHUTDOWN);
    land(&b, KEY, 0);
    bench_stop(&b, WEIR_STOP_ABORT);
    bench_free(&b);
    pool_close(pool);
}

// A thread that ends loads itself looks, serves, and looks again.
static void looking_once_serves_a_thread_that_ends_loads(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    ask asks[3];
    for (uint64_t i = 0; i < 3; i++) {
        plan_of(&b, i)->is_later = 1;
        ask_pending(&b, &asks[i], i);
    }
    uint64_t landed = 0;
    for (int result; (result = stop(&b, WEIR_STOP_DRAIN, 0)) != 0;) {
        CHECK_EQ(result, -ETIMEDOUT);
        if (landed < 3 && loads_of(&b, landed) > 0) {
            begun(&b, landed, 1);
            land(&b, landed++, 0);
        }
        sched_yield();
    }
    for (int i = 0; i < 3; i++)
        CHECK_EQ(asks[i].status, 0);
    bench_free(&b);
    pool_close(pool);
}

static void several_threads_may_stop_at_once(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open(&b, pool);
    gate busy;
    gate_init(&busy);
    plan_of(&b, KEY)->gate = &busy;
    ask a;
    ask_pending(&b, &a, KEY);
    gate_await(&busy, 1);
    ender enders[4];
    for (int i = 0; i < 4; i++)
        ender_start(&enders[i], &b, i % 2 ? WEIR_STOP_DRAIN : WEIR_STOP_CANCEL);
    refusing(&b);
    gate_open(&busy);
    enders_join(enders, 4);
    check_value(&a, a.value);
    gate_fini(&busy);
    bench_free(&b);
    pool_close(pool);
}

static int stops_run(weir_worker *self, void *argument) {
    (void)self;
    return stop(argument, WEIR_STOP_DRAIN, WEIR_FOREVER);
}

static void on_a_worker(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    int status = 0;
    CHECK_EQ(weir_run(pool, stops_run, &b, &status), 0);
    CHECK_EQ(status, -EDEADLK);
    fetch_idle(&b, KEY); // it refuses nothing
    bench_close(&b);
}

static void a_worker_cannot_stop(void) { for_each_pool(on_a_worker); }

static void bad_stops_are_refused(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    weir_cache_counts counts = {.size = 0};
    CHECK_EQ(weir_cache_stop(b.cache, (weir_stop_mode)3, 0, NULL), -EINVAL);
    CHECK_EQ(weir_cache_stop(b.cache, (weir_stop_mode)-1, 0, NULL), -EINVAL);
    CHECK_EQ(weir_cache_stop(b.cache, WEIR_STOP_DRAIN, 0, &counts), -EINVAL);
    fetch_idle(&b, KEY); // nothing has changed
    bench_close(&b);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_stopped_cache_refuses_and_is_empty",
         a_stopped_cache_refuses_and_is_empty},
        {"destroy_stops_first", destroy_stops_first},
        {"entries_outlive_the_cache", entries_outlive_the_cache},
        {"drain_lets_flights_land", drain_lets_flights_land},
        {"drain_lets_loads_get_what_they_need",
         drain_lets_loads_get_what_they_need},
        {"a_load_may_put_and_get_while_the_cache_drains",
         a_load_may_put_and_get_while_the_cache_drains},
        {"cancel_ends_what_has_not_begun", cancel_ends_what_has_not_begun},
        {"each_get_ends_once_in_any_mode", each_get_ends_once_in_any_mode},
        {"abort_tells_the_loads", abort_tells_the_loads},
        {"abort_lands_a_running_load_at_once",
         abort_lands_a_running_load_at_once},
        {"abort_waits_for_loads_that_said_later",
         abort_waits_for_loads_that_said_later},
        {"a_later_load_is_told_of_an_abort", a_later_load_is_told_of_an_abort},
        {"a_later_load_is_told_that_nobody_wants_it",
         a_later_load_is_told_that_nobody_wants_it},
        {"a_later_load_is_told_once", a_later_load_is_told_once},
        {"a_load_that_ends_is_told_nothing", a_load_that_ends_is_told_nothing},
        {"a_stop_has_a_limit_and_may_be_repeated",
         a_stop_has_a_limit_and_may_be_repeated},
        {"looking_once_serves_a_thread_that_ends_loads",
         looking_once_serves_a_thread_that_ends_loads},
        {"several_threads_may_stop_at_once", several_threads_may_stop_at_once},
        {"a_worker_cannot_stop", a_worker_cannot_stop},
        {"bad_stops_are_refused", bad_stops_are_refused},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

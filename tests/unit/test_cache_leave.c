// SPDX-License-Identifier: MIT
// Leaving: who stops waiting takes only himself along; what becomes of a flight
// that nobody waits for.
#include "support/cache.h"

enum { KEY = 7, WAITERS = 9 };

static void open_unwanted(bench *b, weir_pool *pool, int cancel_unwanted) {
    weir_cache_options options = bench_options(b, pool);
    options.cancel_unwanted = cancel_unwanted;
    bench_start(b, &options);
    b->may_overlap = 1;
}

static void cancel(bench *b, ask *a) {
    CHECK_EQ(weir_get_cancel(b->cache, &a->get), 0);
}

static int finds_nothing(weir_worker *self, ask *a) {
    (void)self;
    CHECK_EQ(a->get.status, 0);
    return 0;
}

// ---- one of many -----------------------------------------------------------

// The one who leaves: the leader, one between, the last.
static void one_leaves(weir_pool *pool) {
    for (int who = 0; who < WAITERS; who += WAITERS / 2) {
        bench b;
        open_unwanted(&b, pool, 1);
        plan_of(&b, KEY)->is_later = 1;
        ask asks[WAITERS];
        for (int i = 0; i < WAITERS; i++)
            ask_pending(&b, &asks[i], KEY);
        begun(&b, KEY, 1);
        cancel(&b, &asks[who]);
        settle(&b, 1);
        check_left(&asks[who], -ECANCELED);
        for (int i = 0; i < WAITERS; i++)
            CHECK_EQ(asks[i].ended, i == who);
        CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), 0);
        CHECK_EQ(find(&b, KEY, NULL), -EAGAIN);
        land(&b, KEY, 0);
        settle(&b, WAITERS);
        for (int i = 0; i < WAITERS; i++)
            if (i != who)
                check_value(&asks[i], 1);
        CHECK_EQ(b.loads, 1);
        CHECK_EQ(cache_counts(&b).left, 1);
        bench_close(&b);
    }
}

static void who_leaves_takes_only_himself_along(void) {
    for_each_pool(one_leaves);
}

static void leader_leaves(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask leader, a;
    ask_init(&b, &leader, KEY);
    leader.get.argument = &leader;
    CHECK_EQ(ask_try(&leader), WEIR_CACHE_PENDING);
    ask_init(&b, &a, KEY);
    CHECK(ask_try(&a) >= 0);
    int left = weir_get_cancel(b.cache, &leader.get);
    CHECK(left == 0 || left == -EALREADY);
    settle(&b, 2);
    if (left == 0)
        check_left(&leader, -ECANCELED);
    check_value(&a, 1);
    CHECK_EQ(b.loads, 1);
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(leader.is_dropped, 1);
    bench_free(&b);
}

static void the_leader_may_leave_before_its_load_has_begun(void) {
    for_each_pool(leader_leaves);
}

// done is not called inside the call.
static void not_inside(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[4];
    for (int i = 0; i < 4; i++)
        ask_pending(&b, &asks[i], KEY);
    begun(&b, KEY, 1);
    for (int i = 0; i < 4; i++) {
        cancel(&b, &asks[i]);
        if (b.is_deterministic)
            CHECK_EQ(asks[i].ended, 0);
    }
    settle(&b, 4);
    for (int i = 0; i < 4; i++)
        check_left(&asks[i], -ECANCELED);
    land(&b, KEY, 0);
    bench_close(&b);
}

static void done_is_not_called_inside_a_cancel(void) {
    for_each_pool(not_inside);
}

static void what_is_over_cannot_be_left(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    ask a, never, hit;
    ask_init(&b, &never, KEY);
    CHECK_EQ(weir_get_cancel(b.cache, &never.get), -EALREADY);
    ask_pending(&b, &a, KEY);
    settle(&b, 1);
    wait_idle(pool);
    CHECK_EQ(weir_get_cancel(b.cache, &a.get), -EALREADY);
    ask_hit(&b, &hit, KEY);
    CHECK_EQ(weir_get_cancel(b.cache, &hit.get), -EALREADY);
    check_value(&a, 1);
    bench_close(&b);
    pool_close(pool);
}

static int run_told(weir_worker *self, ask *a) {
    CHECK_EQ(weir_cancelled(self), 0);
    gate_pass(a->argument);
    CHECK_EQ(weir_cancelled(self), -ECANCELED);
    return -5;
}

static void a_run_that_runs_is_told(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    gate busy;
    gate_init(&busy);
    ask a;
    ask_init(&b, &a, KEY);
    ask_acts(&a, run_told);
    a.argument = &busy;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    gate_await(&busy, 1);
    CHECK_EQ(weir_get_cancel(b.cache, &a.get), -EBUSY);
    gate_open(&busy);
    settle(&b, 1);
    CHECK_EQ(a.status, -5);
    CHECK_EQ(a.value, 1);
    gate_fini(&busy);
    bench_close(&b);
    pool_close(pool);
}

// The outcome is known, but run has not begun: leave, or be told the truth.
static void between(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[6];
    for (int i = 0; i < 6; i++) {
        ask_init(&b, &asks[i], KEY);
        if (i % 2)
            ask_acts(&asks[i], finds_nothing);
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    begun(&b, KEY, 1);
    land(&b, KEY, 0);
    int left[6];
    for (int i = 0; i < 6; i++) {
        left[i] = weir_get_cancel(b.cache, &asks[i].get);
        CHECK(left[i] == 0 || left[i] == -EALREADY || left[i] == -EBUSY);
        CHECK(left[i] != -EBUSY || i % 2);
    }
    settle(&b, 6);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(asks[i].ended, 1);
        if (left[i] == 0)
            check_left(&asks[i], -ECANCELED);
        else
            check_value(&asks[i], 1);
    }
    bench_close(&b);
}

static void leaving_and_an_answer_race_to_one_outcome(void) {
    for_each_pool(between);
}

// ---- deadlines -------------------------------------------------------------

static void a_deadline_ends_one_wait_and_no_other(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    open_unwanted(&b, pool, 1);
    plan_of(&b, KEY)->is_later = 1;
    ask late, past, a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    ask_pending_for(&b, &late, KEY, 2);
    ask_init(&b, &past, KEY);
    past.get.deadline_ns = 1;
    CHECK_EQ(ask_try(&past), -ETIMEDOUT); // is over already
    settle(&b, 1);
    CHECK(weir_now_ns() >= late.get.deadline_ns);
    check_left(&late, -ETIMEDOUT);
    CHECK_EQ(past.ended, 0);
    CHECK_EQ(a.ended, 0);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), 0);
    land(&b, KEY, 0);
    settle(&b, 2);
    check_value(&a, 1);
    CHECK_EQ(cache_counts(&b).left, 1);
    ask_init(&b, &past, KEY);
    past.get.deadline_ns = 1;
    CHECK_EQ(ask_try(&past), 0); // known now
    bench_close(&b);
    pool_close(pool);
}

static void a_deadline_that_is_over_starts_nothing(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    ask a;
    ask_init(&b, &a, KEY);
    a.get.deadline_ns = 1;
    CHECK_EQ(ask_try(&a), -ETIMEDOUT);
    CHECK_EQ(weir_cache_get_wait(b.cache, &a.get), -ETIMEDOUT);
    CHECK_EQ(a.get.leads, 0);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), 0); // reads it not
    wait_idle(pool);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    CHECK_EQ(cache_counts(&b).flights, 1);
    bench_close(&b);
    pool_close(pool);
}

// Its time was over when it was asked, which counts as an end here. On a
// deterministic pool a deadline is over once a later one has fired, whatever
// the clock says.
static void too_late(ask *a) {
    CHECK(a->get.deadline_ns != 0);
    CHECK(a->b->is_deterministic || weir_now_ns() >= a->get.deadline_ns);
    a->status = -ETIMEDOUT;
    a->ended++;
    mark_set(&a->b->ended);
}

static void deadlines(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask asks[12];
    for (int i = 0; i < 12; i++) {
        ask_init(&b, &asks[i], KEY + (uint64_t)(i % 2));
        if (i % 3 != 0)
            asks[i].get.deadline_ns = in_ms(i % 3 == 1 ? 100 : 1);
        if (ask_try(&asks[i]) < 0)
            too_late(&asks[i]);
    }
    settle(&b, 12);
    for (int i = 0; i < 12; i++) {
        CHECK(asks[i].status == 0 ||
              (i % 3 != 0 && asks[i].status == -ETIMEDOUT));
        CHECK((asks[i].value != 0) == (asks[i].status == 0));
    }
    CHECK_EQ(b.loads, 2);
    bench_close(&b);
}

static void deadlines_never_disturb_who_has_none(void) {
    for_each_pool(deadlines);
}

// ---- the last one ----------------------------------------------------------

static void goes_on(weir_pool *pool) {
    bench b;
    open_unwanted(&b, pool, 0);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[2], joins;
    for (int i = 0; i < 2; i++)
        ask_pending(&b, &asks[i], KEY);
    begun(&b, KEY, 1);
    for (int i = 0; i < 2; i++)
        cancel(&b, &asks[i]);
    settle(&b, 2);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), 0);
    CHECK_EQ(find(&b, KEY, NULL), -EAGAIN);
    ask_pending(&b, &joins, KEY);
    CHECK_EQ(joins.get.leads, 0);
    cancel(&b, &joins);
    settle(&b, 3);
    land(&b, KEY, 0);
    rest(&b);
    CHECK_EQ(fetch(&b, KEY), 1);
    CHECK_EQ(cache_counts(&b).loaded, 1);
    bench_close(&b);
}

static void a_flight_without_waiters_goes_on_and_publishes(void) {
    for_each_pool(goes_on);
}

static void is_cancelled(weir_pool *pool) {
    bench b;
    open_unwanted(&b, pool, 1);
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    ask asks[3];
    for (int i = 0; i < 3; i++)
        ask_pending(&b, &asks[i], KEY);
    begun(&b, KEY, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weir_flight_cancelled(p->flight), 0);
        cancel(&b, &asks[i]);
    }
    // At once: it is told, and nobody joins it any more.
    CHECK_EQ(weir_flight_cancelled(p->flight), -ECANCELED);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    settle(&b, 3);
    land(&b, KEY, 0);
    rest(&b);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT); // it never publishes
    CHECK_EQ(b.loads, 1);
    bench_stop(&b, WEIR_STOP_DRAIN);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.abandoned, 1);
    CHECK_EQ(c.left, 3);
    bench_free(&b);
}

static void an_unwanted_flight_is_cancelled_if_asked_for(void) {
    for_each_pool(is_cancelled);
}

static int until_unwanted(bench *b, plan *p, weir_worker *self,
                          weir_flight *flight) {
    (void)b, (void)p;
    while (weir_flight_cancelled(flight) == 0)
        weir_yield(self);
    return weir_flight_cancelled(flight);
}

// There is no other worker that could call done, or tell it.
static void a_load_on_the_only_worker_is_told(void) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    pool_options.threads = 1;
    pool_options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&pool_options);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.cancel_unwanted = 1;
    options.failure_ttl_ns = WEIR_FOREVER;
    bench_start(&b, &options);
    b.may_overlap = 1;
    plan_of(&b, KEY)->act = until_unwanted;
    ask a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    cancel(&b, &a);
    settle(&b, 1);
    check_left(&a, -ECANCELED);
    wait_idle(pool);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT); // nor is it remembered
    plan_of(&b, KEY)->act = NULL;
    CHECK_EQ(fetch(&b, KEY), 2);
    bench_close(&b);
    pool_close(pool);
}

// The next one is not told of a cancel that was not his.
static void newcomer(weir_pool *pool) {
    bench b;
    open_unwanted(&b, pool, 1);
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    ask first, second;
    ask_pending(&b, &first, KEY);
    begun(&b, KEY, 1);
    weir_flight *flight = p->flight;
    uint64_t number = p->number;
    cancel(&b, &first);
    settle(&b, 1);
    p->is_later = 0;
    ask_pending(&b, &second, KEY);
    land_flight(&b, p, flight, number, -ECANCELED);
    settle(&b, 2);
    check_left(&first, -ECANCELED);
    check_value(&second, 2);
    CHECK_EQ(fetch(&b, KEY), 2);
    bench_close(&b);
}

static void who_asks_after_an_unwanted_flight_is_served(void) {
    for_each_pool(newcomer);
}

// Leaving before the load has begun: it need not run at all.
static void an_unwanted_load_that_is_queued_does_not_run(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    open_unwanted(&b, pool, 1);
    held h;
    hold(pool, &h);
    ask a, again;
    ask_init(&b, &a, KEY);
    a.get.argument = &a;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    cancel(&b, &a);
    release(&h);
    settle(&b, 1);
    wait_idle(pool);
    CHECK_EQ(b.loads, 0);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    ask_pending(&b, &again, KEY);
    CHECK_EQ(again.get.leads, 1);
    settle(&b, 2);
    check_value(&again, 1);
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(a.is_dropped, 1);
    CHECK_EQ(cache_counts(&b).abandoned, 1);
    bench_free(&b);
    pool_close(pool);
    gate_fini(&h.gate);
}

static void a_deadline_of_the_last_waiter_cancels_too(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    open_unwanted(&b, pool, 1);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending_for(&b, &a, KEY, 1);
    settle(&b, 1);
    wait_idle(pool);
    if (loads_of(&b, KEY) > 0) {
        CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), -ECANCELED);
        land(&b, KEY, 0);
    }
    check_left(&a, -ETIMEDOUT);
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(cache_counts(&b).abandoned, 1);
    bench_free(&b);
    pool_close(pool);
}

static void prefetched(weir_pool *pool) {
    bench b;
    open_unwanted(&b, pool, 1);
    plan_of(&b, KEY)->is_later = 1;
    ask pre, a;
    ask_init(&b, &pre, KEY);
    CHECK_EQ(weir_cache_prefetch(b.cache, &pre.get), 0);
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    cancel(&b, &a);
    settle(&b, 1);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), 0);
    land(&b, KEY, 0);
    rest(&b);
    CHECK_EQ(fetch(&b, KEY), 1);
    bench_close(&b);
}

static void a_prefetched_flight_is_never_unwanted(void) {
    for_each_pool(prefetched);
}

// Also one that was there already.
static void prefetched_later(weir_pool *pool) {
    bench b;
    open_unwanted(&b, pool, 1);
    plan_of(&b, KEY)->is_later = 1;
    ask pre, a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    ask_init(&b, &pre, KEY);
    CHECK_EQ(weir_cache_prefetch(b.cache, &pre.get), 0);
    CHECK_EQ(pre.get.leads, 0);
    cancel(&b, &a);
    settle(&b, 1);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), 0);
    land(&b, KEY, 0);
    rest(&b);
    CHECK_EQ(fetch(&b, KEY), 1);
    bench_close(&b);
}

static void a_prefetch_makes_a_flight_wanted_for_good(void) {
    for_each_pool(prefetched_later);
}

static void a_wait_that_times_out_leaves(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    open_unwanted(&b, pool, 1);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_init(&b, &a, KEY);
    CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), 0);
    begun(&b, KEY, 1);
    a.get.deadline_ns = 1;
    CHECK_EQ(weir_cache_get_wait(b.cache, &a.get), -ETIMEDOUT);
    CHECK_EQ(cache_counts(&b).waiting, 0);
    land(&b, KEY, 0);
    CHECK_EQ(weir_cache_stop(b.cache, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    bench_free(&b);
    pool_close(pool);
}

// ---- all at once -----------------------------------------------------------

// Gets, leaves and deadlines of all kinds, from jobs: each get ends once, with
// a status that is its own.
typedef struct mixed {
    weir_job job;
    bench *b;
    ask *asks;
    int count;
    uint32_t random;
} mixed;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static int mixed_run(weir_worker *self, weir_job *job) {
    mixed *m = (mixed *)job;
    for (int i = 0; i < m->count; i++) {
        ask *a = &m->asks[i];
        ask_init(m->b, a, next_random(&m->random) % 3);
        if (next_random(&m->random) % 2)
            ask_acts(a, finds_nothing);
        if (next_random(&m->random) % 4 == 0)
            a->get.deadline_ns = weir_now_ns() + 20000;
        if (ask_try(a) < 0)
            too_late(a);
        if (next_random(&m->random) % 3 == 0)
            weir_yield(self);
        ask *other = &m->asks[next_random(&m->random) % (unsigned)(i + 1)];
        if (next_random(&m->random) % 2)
            weir_get_cancel(m->b->cache, &other->get);
        if (next_random(&m->random) % 8 == 0)
            invalidate(m->b, a->key);
    }
    return 0;
}

static void mixes(weir_pool *pool) {
    for (int unwanted = 0; unwanted < 2; unwanted++) {
        bench b;
        open_unwanted(&b, pool, unwanted);
        ask asks[32];
        mixed jobs[4];
        for (int i = 0; i < 4; i++) {
            jobs[i] = (mixed){.job = WEIR_JOB_INIT(mixed_run, NULL),
                              .b = &b,
                              .asks = &asks[i * 8],
                              .count = 8,
                              .random = (uint32_t)i * 77u +
                                        (uint32_t)(uintptr_t)unwanted};
            submit(pool, &jobs[i].job);
        }
        settle(&b, 32);
        wait_idle(pool);
        for (int i = 0; i < 32; i++) {
            CHECK_EQ(asks[i].ended, 1);
            CHECK(asks[i].status == 0 || asks[i].status == -ECANCELED ||
                  asks[i].status == -ETIMEDOUT);
        }
        bench_close(&b);
    }
}

static void gets_of_all_fates_end_once(void) { for_each_pool(mixes); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"who_leaves_takes_only_himself_along",
         who_leaves_takes_only_himself_along},
        {"the_leader_may_leave_before_its_load_has_begun",
         the_leader_may_leave_before_its_load_has_begun},
        {"done_is_not_called_inside_a_cancel",
         done_is_not_called_inside_a_cancel},
        {"what_is_over_cannot_be_left", what_is_over_cannot_be_left},
        {"a_run_that_runs_is_told", a_run_that_runs_is_told},
        {"leaving_and_an_answer_race_to_one_outcome",
         leaving_and_an_answer_race_to_one_outcome},
        {"a_deadline_ends_one_wait_and_no_other",
         a_deadline_ends_one_wait_and_no_other},
        {"a_deadline_that_is_over_starts_nothing",
         a_deadline_that_is_over_starts_nothing},
        {"deadlines_never_disturb_who_has_none",
         deadlines_never_disturb_who_has_none},
        {"a_flight_without_waiters_goes_on_and_publishes",
         a_flight_without_waiters_goes_on_and_publishes},
        {"an_unwanted_flight_is_cancelled_if_asked_for",
         an_unwanted_flight_is_cancelled_if_asked_for},
        {"a_load_on_the_only_worker_is_told",
         a_load_on_the_only_worker_is_told},
        {"who_asks_after_an_unwanted_flight_is_served",
         who_asks_after_an_unwanted_flight_is_served},
        {"an_unwanted_load_that_is_queued_does_not_run",
         an_unwanted_load_that_is_queued_does_not_run},
        {"a_deadline_of_the_last_waiter_cancels_too",
         a_deadline_of_the_last_waiter_cancels_too},
        {"a_prefetched_flight_is_never_unwanted",
         a_prefetched_flight_is_never_unwanted},
        {"a_prefetch_makes_a_flight_wanted_for_good",
         a_prefetch_makes_a_flight_wanted_for_good},
        {"a_wait_that_times_out_leaves", a_wait_that_times_out_leaves},
        {"gets_of_all_fates_end_once", gets_of_all_fates_end_once},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

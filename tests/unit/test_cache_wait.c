// SPDX-License-Identifier: MIT
// The other ways to ask: a wait outside the pool, a prefetch, a look; and in
// which order loads and runs come.
#include "support/cache.h"

enum { KEY = 7 };

// ---- waiting outside the pool ----------------------------------------------

static void waits(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    CHECK_EQ(fetch(&b, KEY), 1); // loads
    CHECK_EQ(fetch(&b, KEY), 1); // is there
    plan_of(&b, KEY + 1)->status = -EIO;
    plan_of(&b, KEY + 1)->has_reason = 1;
    ask a;
    ask_init(&b, &a, KEY + 1);
    CHECK_EQ(weir_cache_get_wait(b.cache, &a.get), 0);
    ask_accepted(&b);
    CHECK_EQ(a.get.status, -EIO);
    CHECK_EQ(a.get.leads, 1);
    ask_look(&a);
    CHECK_EQ(a.value, 2);
    ask_release(&a);
    CHECK_EQ(a.ended + a.ran, 0);
    bench_close(&b);
}

static void a_wait_returns_the_answer(void) { for_each_pool(waits); }

typedef struct waiter {
    bench *b;
    uint64_t key;
    int64_t deadline_ns;
    int result, status;
    uint64_t number;
    pthread_t thread;
} waiter;

static void *waiter_main(void *arg) {
    waiter *w = arg;
    ask a;
    ask_init(w->b, &a, w->key);
    a.get.deadline_ns = w->deadline_ns;
    w->result = weir_cache_get_wait(w->b->cache, &a.get);
    if (w->result != 0)
        return NULL;
    ask_accepted(w->b);
    w->status = a.get.status;
    ask_look(&a);
    ask_release(&a);
    w->number = a.value;
    return NULL;
}

static void threads_and_jobs_wait_for_one_load(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    waiter waiters[8];
    for (int i = 0; i < 8; i++) {
        waiters[i] = (waiter){.b = &b, .key = KEY};
        waiters[i].thread = thread_start(waiter_main, &waiters[i]);
    }
    begun(&b, KEY, 1);
    ask a;
    ask_pending(&b, &a, KEY);
    while (cache_counts(&b).waiting < 9)
        sched_yield();
    land(&b, KEY, 0);
    settle(&b, 1);
    check_value(&a, 1);
    for (int i = 0; i < 8; i++) {
        thread_join(waiters[i].thread);
        CHECK_EQ(waiters[i].result, 0);
        CHECK_EQ(waiters[i].status, 0);
        CHECK_EQ(waiters[i].number, 1);
    }
    CHECK_EQ(b.loads, 1);
    bench_close(&b);
    pool_close(pool);
}

// The flight goes on, and the time of one waiter is not that of another.
static void a_wait_has_a_deadline(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask a, late;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    for (int i = 0; i < 3; i++) {
        ask_init(&b, &late, KEY);
        late.get.deadline_ns = i == 0 ? 1 : in_ms(i);
        CHECK_EQ(weir_cache_get_wait(b.cache, &late.get), -ETIMEDOUT);
        CHECK(i == 0 || weir_now_ns() >= late.get.deadline_ns);
        CHECK(late.get.entry == NULL);
    }
    CHECK_EQ(a.ended, 0);
    land(&b, KEY, 0);
    settle(&b, 1);
    check_value(&a, 1);
    // A flight that a wait has started goes on without it.
    plan_of(&b, KEY + 1)->is_later = 1;
    int64_t ms = 1;
    do { // until it is not over before the call
        ask_init(&b, &late, KEY + 1);
        late.get.deadline_ns = in_ms(ms *= 2);
        CHECK_EQ(weir_cache_get_wait(b.cache, &late.get), -ETIMEDOUT);
    } while (late.get.leads == 0);
    CHECK_EQ(late.get.answered, 0);
    CHECK_EQ(find(&b, KEY + 1, NULL), -EAGAIN);
    begun(&b, KEY + 1, 1);
    land(&b, KEY + 1, 0);
    CHECK_EQ(find(&b, KEY + 1, NULL), 0);
    // What is known needs no time.
    ask_init(&b, &late, KEY);
    late.get.deadline_ns = 1;
    CHECK_EQ(weir_cache_get_wait(b.cache, &late.get), 0);
    ask_release(&late);
    CHECK_EQ(b.loads, 2);
    CHECK_EQ(cache_counts(&b).waiting, 0);
    weir_cache_destroy(b.cache);
    CHECK_EQ(b.made, b.released);
    pool_close(pool);
}

// A worker that waited would keep the load from running.
static void on_worker(bench *b, int expected) {
    ask a;
    uint64_t flights = cache_counts(b).flights;
    ask_init(b, &a, KEY);
    CHECK_EQ(weir_cache_get_wait(b->cache, &a.get), expected);
    CHECK_EQ(cache_counts(b).flights, flights);
    CHECK_EQ(cache_counts(b).waiting, 0);
    if (expected == 0) {
        ask_accepted(b);
        CHECK_EQ(a.get.status, 0);
        ask_release(&a);
    }
}

static int waits_unknown(weir_worker *self, void *argument) {
    (void)self;
    on_worker(argument, -EDEADLK);
    return 0;
}

static int waits_known(weir_worker *self, void *argument) {
    (void)self;
    on_worker(argument, 0);
    return 0;
}

static void workers_wait(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    CHECK_EQ(weir_run(pool, waits_unknown, &b, NULL), 0);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT); // it has changed nothing
    CHECK_EQ(b.loads, 0);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    weir_get_cancel(b.cache, &a.get);
    settle(&b, 1);
    CHECK_EQ(weir_run(pool, waits_unknown, &b, NULL), 0);
    land(&b, KEY, 0);
    rest(&b);
    while (find(&b, KEY, NULL) == -EAGAIN)
        sched_yield();
    CHECK_EQ(weir_run(pool, waits_known, &b, NULL), 0);
    bench_close(&b);
}

static void a_worker_may_wait_only_for_what_is_known(void) {
    for_each_pool(workers_wait);
}

static int waits_in_section(weir_worker *self, void *argument) {
    bench *b = argument;
    CHECK_EQ(weir_blocking_begin(self), 0);
    CHECK_EQ(fetch(b, KEY), 1);
    weir_blocking_end(self);
    return 0;
}

static void a_worker_may_wait_in_a_blocking_section(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    CHECK_EQ(weir_run(pool, waits_in_section, &b, NULL), 0);
    CHECK_EQ(b.loads, 1);
    bench_close(&b);
    pool_close(pool);
}

static int runs_meanwhile(weir_worker *self, void *argument) {
    (void)self;
    mark_set(argument);
    return 0;
}

// On a pool of its own: the place is lent while it waits.
typedef struct elsewhere {
    weir_job job;
    bench *b;
} elsewhere;

static int elsewhere_run(weir_worker *self, weir_job *job) {
    (void)self;
    CHECK_EQ(fetch(((elsewhere *)job)->b, KEY), 1);
    return 0;
}

static void a_worker_of_another_pool_lends_its_place(void) {
    weir_pool *pool = pool_of(1), *other = pool_of(1);
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    elsewhere e = {.job = WEIR_JOB_INIT(elsewhere_run, NULL), .b = &b};
    submit(other, &e.job);
    begun(&b, KEY, 1);
    int status = -1;
    work meanwhile = work_of(0);
    tally ran;
    tally_init(&ran);
    submit(other, &meanwhile.job);
    CHECK_EQ(weir_run(other, runs_meanwhile, &ran, &status), 0);
    CHECK_EQ(tally_get(&ran), 1);
    land(&b, KEY, 0);
    wait_idle(other);
    check_ran(&meanwhile, 0);
    bench_close(&b);
    pool_close(other);
    pool_close(pool);
}

static void without_threads_a_wait_that_cannot_end_is_said(void) {
    for (unsigned seed = 0; seed < 50; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + seed % 3);
        bench b;
        bench_open(&b, pool);
        plan_of(&b, KEY)->is_later = 1;
        ask a;
        ask_init(&b, &a, KEY);
        CHECK_EQ(weir_cache_get_wait(b.cache, &a.get), -EDEADLK);
        CHECK(a.get.entry == NULL);
        CHECK_EQ(find(&b, KEY, NULL), -EAGAIN); // the flight goes on
        land(&b, KEY, 0);
        rest(&b);
        CHECK_EQ(find(&b, KEY, NULL), 0);
        weir_cache_destroy(b.cache);
        CHECK_EQ(b.made, b.released);
        pool_close(pool);
    }
}

// ---- prefetch --------------------------------------------------------------

static void prefetches(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask first, second, a;
    ask_init(&b, &first, KEY);
    ask_init(&b, &second, KEY);
    first.get.argument = &first;
    second.get.argument = &second;
    first.get.done = NULL;     // is not read
    first.get.deadline_ns = 1; // nor this
    second.get.leads = 7;
    CHECK_EQ(weir_cache_prefetch(b.cache, &first.get), 0);
    CHECK_EQ(first.get.leads, 1);
    CHECK_EQ(weir_cache_prefetch(b.cache, &second.get), 0);
    CHECK_EQ(second.get.leads, 0);
    ask_pending(&b, &a, KEY);
    CHECK_EQ(a.get.leads, 0);
    begun(&b, KEY, 1);
    CHECK(weir_flight_argument(plan_of(&b, KEY)->flight) == &first);
    land(&b, KEY, 0);
    settle(&b, 1);
    check_value(&a, 1);
    CHECK_EQ(weir_cache_prefetch(b.cache, &second.get), 0); // READY
    CHECK_EQ(second.get.leads, 0);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.flights, 1);
    CHECK_EQ(c.coalesced, 1);
    CHECK_EQ(c.misses, 0);
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(first.ended + second.ended, 0);
    CHECK_EQ(b.dropped, 1);
    CHECK_EQ(first.is_dropped, 1);
    bench_free(&b);
}

static void a_prefetch_starts_a_flight_and_waits_for_nothing(void) {
    for_each_pool(prefetches);
}

static void a_get_after_a_prefetch_waits_less(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    ask a;
    ask_init(&b, &a, KEY);
    CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), 0);
    wait_idle(pool);
    ask_hit(&b, &a, KEY);
    check_value(&a, 1);
    bench_close(&b);
    pool_close(pool);
}

static void a_refused_prefetch_takes_no_argument(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    bench_stop(&b, WEIR_STOP_DRAIN);
    ask a;
    ask_init(&b, &a, KEY);
    a.get.argument = &a;
    CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), -ESHUTDOWN);
    bench_free(&b);
    CHECK_EQ(b.dropped, 0);
    pool_close(pool);
}

// ---- looking ---------------------------------------------------------------

static void looks(weir_pool *pool) {
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.failure_ttl_ns = WEIR_FOREVER;
    bench_start(&b, &options);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    CHECK_EQ(find(&b, KEY, NULL), -EAGAIN); // before its load has begun
    begun(&b, KEY, 1);
    CHECK_EQ(find(&b, KEY, NULL), -EAGAIN);
    land(&b, KEY, 0);
    settle(&b, 1);
    uint64_t number = 0;
    CHECK_EQ(find(&b, KEY, &number), 0);
    CHECK_EQ(number, 1);
    plan_of(&b, KEY + 1)->status = -EIO;
    ask_pending(&b, &a, KEY + 1);
    settle(&b, 2);
    CHECK_EQ(find(&b, KEY + 1, NULL), -EIO);
    CHECK_EQ(find(&b, KEY + 2, NULL), -ENOENT);
    CHECK_EQ(b.loads, 2); // it loads nothing
    bench_close(&b);
}

static void find_tells_each_state_and_loads_nothing(void) {
    for_each_pool(looks);
}

// Once a get was answered nobody finds less.
static int finds_it(weir_worker *self, ask *a) {
    (void)self;
    uint64_t number = 0;
    CHECK_EQ(find(a->b, a->key, &number), 0);
    CHECK_EQ(number, a->value);
    return 0;
}

static void never_contradicted(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask asks[24];
    for (int i = 0; i < 24; i++) {
        ask_init(&b, &asks[i], KEY + (uint64_t)(i / 4));
        ask_acts(&asks[i], finds_it);
        if (ask_try(&asks[i]) == WEIR_CACHE_PENDING)
            CHECK(find(&b, KEY + (uint64_t)(i / 4), NULL) != -ENOENT);
    }
    settle(&b, 24);
    bench_close(&b);
}

static void an_answer_is_never_contradicted(void) {
    for_each_pool(never_contradicted);
}

// ---- order -----------------------------------------------------------------

typedef struct order {
    pthread_mutex_t lock;
    uint64_t keys[8];
    int count;
} order;

static order loaded_in;

static void order_add(uint64_t key) {
    pthread_mutex_lock(&loaded_in.lock);
    loaded_in.keys[loaded_in.count++] = key;
    pthread_mutex_unlock(&loaded_in.lock);
}

static void order_init(void) {
    memset(&loaded_in, 0, sizeof(loaded_in));
    CHECK_EQ(pthread_mutex_init(&loaded_in.lock, NULL), 0);
}

static int load_order(bench *b, plan *p, weir_worker *self,
                      weir_flight *flight) {
    (void)b;
    (void)p;
    (void)self;
    order_add(flight_key(flight));
    return 0;
}

static void loads_come_by_priority(void) {
    static const int32_t priorities[] = {
        WEIR_PRIORITY_LOW, WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_HIGH};
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    order_init();
    held h;
    hold(pool, &h);
    ask asks[3];
    for (uint64_t i = 0; i < 3; i++) {
        plan_of(&b, i)->act = load_order;
        ask_init(&b, &asks[i], i);
        asks[i].get.priority = priorities[i];
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    release(&h);
    settle(&b, 3);
    for (uint64_t i = 0; i < 3; i++)
        CHECK_EQ(loaded_in.keys[i], 2 - i);
    bench_close(&b);
    pool_close(pool);
    gate_fini(&h.gate);
}

static int run_order(weir_worker *self, ask *a) {
    (void)self;
    order_add((uint64_t)(uintptr_t)a->argument);
    return 0;
}

// All waiters of one flight: their runs come by their own priority.
static void runs_come_by_priority(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    order_init();
    plan_of(&b, KEY)->is_later = 1;
    ask asks[4];
    static const int32_t priorities[] = {
        WEIR_PRIORITY_LOW, WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_HIGH,
        WEIR_PRIORITY_HIGH};
    for (uint64_t i = 0; i < 4; i++) {
        ask_init(&b, &asks[i], KEY);
        ask_acts(&asks[i], run_order);
        asks[i].argument = (void *)(uintptr_t)i;
        asks[i].get.priority = priorities[i];
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    begun(&b, KEY, 1);
    held h;
    hold(pool, &h);
    land(&b, KEY, 0);
    release(&h);
    settle(&b, 4);
    static const uint64_t expected[] = {2, 3, 1, 0};
    for (int i = 0; i < 4; i++)
        CHECK_EQ(loaded_in.keys[i], expected[i]);
    bench_close(&b);
    pool_close(pool);
    gate_fini(&h.gate);
}

// ---- the load --------------------------------------------------------------

// It ends its flight itself, before it has returned.
static int ends_early(bench *b, plan *p, weir_worker *self,
                      weir_flight *flight) {
    land_flight(b, p, flight, p->number, 0);
    weir_yield(self); // its waiters may be done and gone
    return WEIR_LOAD_LATER;
}

static void early(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->act = ends_early;
    ask asks[4];
    for (int i = 0; i < 4; i++) {
        ask_init(&b, &asks[i], KEY);
        CHECK(ask_try(&asks[i]) >= 0);
    }
    settle(&b, 4);
    for (int i = 0; i < 4; i++)
        check_value(&asks[i], 1);
    bench_close(&b);
}

static void a_flight_may_end_before_its_load_returns(void) {
    for_each_pool(early);
}

static void *ender_main(void *arg) {
    bench *b = arg;
    mark_await(&plan_of(b, KEY)->begun, 1);
    land(b, KEY, 0);
    return NULL;
}

static void any_thread_may_end_a_flight(void) {
    for (int i = 0; i < 50; i++) {
        weir_pool *pool = pool_of(1 + i % 2);
        bench b;
        bench_open(&b, pool);
        plan_of(&b, KEY)->is_later = 1;
        pthread_t thread = thread_start(ender_main, &b);
        CHECK_EQ(fetch(&b, KEY), 1);
        thread_join(thread);
        bench_close(&b);
        pool_close(pool);
    }
}

static int ends_null(bench *b, plan *p, weir_worker *self,
                     weir_flight *flight) {
    (void)self;
    bench_lock(b);
    p->running--;
    bench_unlock(b);
    weir_flight_end(flight, -EIO, NULL);
    return WEIR_LOAD_LATER;
}

static void ended_null(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->act = ends_null;
    ask a;
    ask_pending(&b, &a, KEY);
    settle(&b, 1);
    check_failed(&a, -EIO);
    CHECK_EQ(a.has_entry, 0);
    bench_close(&b);
}

static void a_failure_needs_no_result(void) { for_each_pool(ended_null); }

// A load may wait, and do what other jobs do.
static int scopes(bench *b, plan *p, weir_worker *self, weir_flight *flight) {
    (void)b;
    (void)p;
    CHECK_EQ(weir_flight_cancelled(flight), 0);
    weir_scope scope;
    work children[6];
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 6; i++) {
        children[i] = work_of(0);
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(children[i].ran, 1);
    return 0;
}

static void load_scopes(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask asks[12];
    for (uint64_t key = 0; key < 4; key++)
        plan_of(&b, key)->act = scopes; // before a load may look at it
    for (uint64_t i = 0; i < 12; i++) {
        ask_init(&b, &asks[i], i / 3);
        CHECK(ask_try(&asks[i]) >= 0);
    }
    settle(&b, 12);
    CHECK_EQ(b.loads, 4);
    bench_close(&b);
}

static void a_load_may_open_scopes(void) { for_each_pool(load_scopes); }

static void null_values(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_bare = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    settle(&b, 1);
    check_value(&a, 0);
    CHECK_EQ(a.has_entry, 1); // a value like any other
    ask_hit(&b, &a, KEY);
    CHECK_EQ(a.has_entry, 1);
    CHECK_EQ(b.loads, 1);
    CHECK_EQ(cache_counts(&b).entries, 1);
    bench_close(&b);
}

static void null_is_a_value_like_any_other(void) { for_each_pool(null_values); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_wait_returns_the_answer", a_wait_returns_the_answer},
        {"threads_and_jobs_wait_for_one_load",
         threads_and_jobs_wait_for_one_load},
        {"a_wait_has_a_deadline", a_wait_has_a_deadline},
        {"a_worker_may_wait_only_for_what_is_known",
         a_worker_may_wait_only_for_what_is_known},
        {"a_worker_may_wait_in_a_blocking_section",
         a_worker_may_wait_in_a_blocking_section},
        {"a_worker_of_another_pool_lends_its_place",
         a_worker_of_another_pool_lends_its_place},
        {"without_threads_a_wait_that_cannot_end_is_said",
         without_threads_a_wait_that_cannot_end_is_said},
        {"a_prefetch_starts_a_flight_and_waits_for_nothing",
         a_prefetch_starts_a_flight_and_waits_for_nothing},
        {"a_get_after_a_prefetch_waits_less",
         a_get_after_a_prefetch_waits_less},
        {"a_refused_prefetch_takes_no_argument",
         a_refused_prefetch_takes_no_argument},
        {"find_tells_each_state_and_loads_nothing",
         find_tells_each_state_and_loads_nothing},
        {"an_answer_is_never_contradicted", an_answer_is_never_contradicted},
        {"loads_come_by_priority", loads_come_by_priority},
        {"runs_come_by_priority", runs_come_by_priority},
        {"a_flight_may_end_before_its_load_returns",
         a_flight_may_end_before_its_load_returns},
        {"any_thread_may_end_a_flight", any_thread_may_end_a_flight},
        {"a_failure_needs_no_result", a_failure_needs_no_result},
        {"a_load_may_open_scopes", a_load_may_open_scopes},
        {"null_is_a_value_like_any_other", null_is_a_value_like_any_other},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// Promises that were once broken, each kept by a case of its own: locks of the
// caller's around a cancel, a bound of one flight, other people's entries, the
// pool's abort and its clock, work of one call that others wait for.
#include "support/cache.h"

enum { KEY = 7, SECOND = 1000000000 };

// ---- a caller's lock around a cancel ---------------------------------------

// Held around the cancel, and taken by whatever that calls or ends: nobody may
// be switched to meanwhile.
static pthread_mutex_t callers = PTHREAD_MUTEX_INITIALIZER;

static void callers_take(void) {
    if (pthread_mutex_trylock(&callers) != 0)
        CHECK_FAIL("it would wait for the lock that the caller holds");
    CHECK_EQ(pthread_mutex_unlock(&callers), 0);
}

typedef struct leaver {
    weir_job job;
    bench *b;
    ask *a;
    int result;
} leaver;

static int leaver_run(weir_worker *self, weir_job *job) {
    (void)self;
    leaver *l = (leaver *)job;
    CHECK_EQ(pthread_mutex_lock(&callers), 0);
    l->result = weir_get_cancel(l->b->cache, &l->a->get);
    CHECK_EQ(pthread_mutex_unlock(&callers), 0);
    return 0;
}

static void locked_done(weir_get *get, int status) {
    callers_take();
    ask_done(get, status);
}

static void locked_drop(bench *b, void *argument) {
    (void)b;
    (void)argument;
    callers_take();
}

static void leave_locked(uint64_t seed, int unwanted, int is_later) {
    weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.cancel_unwanted = unwanted;
    bench_start(&b, &options);
    b.on_drop = locked_drop;
    plan_of(&b, KEY)->is_later = is_later;
    ask asks[2];
    leaver leavers[2];
    for (int i = 0; i < 2; i++) {
        ask_init(&b, &asks[i], KEY);
        asks[i].get.done = locked_done;
        asks[i].get.argument = &asks[i];
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    if (is_later)
        begun(&b, KEY, 1);
    for (int i = 0; i < 2; i++) {
        leavers[i] = (leaver){.job = WEIR_JOB_INIT(leaver_run, NULL),
                              .b = &b,
                              .a = &asks[i],
                              .result = 12345};
        submit(pool, &leavers[i].job);
    }
    rest(&b);
    if (is_later)
        land(&b, KEY, -EIO);
    rest(&b);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(asks[i].ended, 1);
        CHECK(leavers[i].result == 0 || leavers[i].result == -EALREADY);
        CHECK_EQ(asks[i].status == -ECANCELED, leavers[i].result == 0);
    }
    CHECK_EQ(b.dropped, 1);
    bench_close(&b);
    pool_close(pool);
}

static void a_get_may_be_left_under_a_lock_of_its_done(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++)
        for (int kind = 0; kind < 4; kind++)
            leave_locked(seed, kind & 1, kind >> 1);
}

typedef struct canceller {
    weir_job job;
    weir_pool *pool;
    work *victim;
} canceller;

static int canceller_run(weir_worker *self, weir_job *job) {
    (void)self;
    canceller *c = (canceller *)job;
    CHECK_EQ(pthread_mutex_lock(&callers), 0);
    (void)weir_cancel(c->pool, &c->victim->job);
    CHECK_EQ(pthread_mutex_unlock(&callers), 0);
    return 0;
}

static void victim_done(weir_job *job, int status) {
    callers_take();
    work_done(job, status);
}

static void a_job_may_be_cancelled_under_a_lock_of_its_done(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
        weir_event never;
        weir_event_init(&never, pool, 1);
        work victim = work_of(0);
        victim.job.done = victim_done;
        CHECK_EQ(weir_event_attach(&never, NULL, &victim.job), 0);
        canceller c = {.job = WEIR_JOB_INIT(canceller_run, NULL),
                       .pool = pool,
                       .victim = &victim};
        submit(pool, &c.job);
        wait_idle(pool);
        check_not_run(&victim, -ECANCELED);
        pool_close(pool);
    }
}

// ---- one flight at a time --------------------------------------------------

enum { CHAIN = 400 };

static void open_narrow(bench *b, weir_pool *pool) {
    weir_cache_options options = bench_options(b, pool);
    options.flights_max = 1;
    options.capacity = 0; // each get is a flight
    bench_start(b, &options);
}

static int ends_itself(bench *b, plan *p, weir_worker *self,
                       weir_flight *flight) {
    (void)self;
    land_flight(b, p, flight, p->number, 0);
    return WEIR_LOAD_LATER;
}

static void waits_in_a_row(weir_pool *pool) {
    bench b;
    open_narrow(&b, pool);
    uint64_t most = b.is_deterministic ? 20 : CHAIN;
    for (uint64_t i = 0; i < most; i++) {
        if (i % 3 == 2)
            plan_of(&b, i)->act = ends_itself;
        CHECK_EQ(fetch(&b, i), i + 1);
        weir_cache_counts c = cache_counts(&b);
        CHECK_EQ(c.loading, 0); // the last answer was given
        CHECK_EQ(c.orphans, 0);
        CHECK_EQ(c.oldest_ns, 0);
        check_identities(&b, &c);
    }
    bench_close(&b);
}

static void one_flight_at_a_time_serves_waits_in_a_row(void) {
    for_each_pool(waits_in_a_row);
}

// Asks for the next key as soon as it is told of the last.
static void next_done(weir_get *get, int status) {
    ask *a = (ask *)get;
    bench *b = a->b;
    CHECK_EQ(status, 0);
    weir_entry_release(get->entry);
    CHECK_EQ(cache_counts(b).loading, 0);
    uint64_t most = *(const uint64_t *)a->argument;
    if (++a->key == most) {
        mark_set(&b->ended);
        return;
    }
    ask_accepted(b);
    CHECK_EQ(weir_cache_get(b->cache, get), WEIR_CACHE_PENDING);
}

static void gets_in_a_row(weir_pool *pool) {
    bench b;
    open_narrow(&b, pool);
    uint64_t most = b.is_deterministic ? 20 : CHAIN;
    for (uint64_t i = 2; i < most; i += 3)
        plan_of(&b, i)->act = ends_itself;
    ask a;
    ask_init(&b, &a, 0);
    a.get.done = next_done;
    a.argument = &most;
    ask_accepted(&b);
    CHECK_EQ(weir_cache_get(b.cache, &a.get), WEIR_CACHE_PENDING);
    settle(&b, 1);
    CHECK_EQ(b.loads, most);
    bench_close(&b);
}

static void one_flight_at_a_time_serves_gets_in_a_row(void) {
    for_each_pool(gets_in_a_row);
}

// ---- somebody else's entry, no key -----------------------------------------

static void an_entry_of_another_cache_is_not_there(void) {
    weir_pool *pool = pool_of(1);
    bench mine;
    bench other;
    bench_open(&mine, pool);
    bench_open(&other, pool);
    weir_entry *entry = NULL;
    uint64_t number = put(&mine, KEY, &entry);
    CHECK_EQ(weir_cache_invalidate_entry(other.cache, entry), -ENOENT);
    uint64_t others = put(&other, KEY, NULL);
    CHECK_EQ(weir_cache_invalidate_entry(other.cache, entry), -ENOENT);
    uint64_t found = 0;
    CHECK_EQ(find(&other, KEY, &found), 0);
    CHECK_EQ(found, others);
    CHECK_EQ(find(&mine, KEY, &found), 0);
    CHECK_EQ(found, number);
    CHECK_EQ(cache_counts(&other).entries, 1);
    CHECK_EQ(cache_counts(&mine).entries, 1);
    CHECK_EQ(other.logged + mine.logged, 0);
    CHECK_EQ(weir_cache_invalidate_entry(mine.cache, entry), 0);
    CHECK_EQ(find(&mine, KEY, NULL), -ENOENT);
    weir_entry_release(entry);
    bench_close(&other);
    bench_close(&mine);
    pool_close(pool);
}

static void a_key_that_is_nowhere_is_absent(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.removed = NULL; // for keys of 8 bytes
    bench_start(&b, &options);
    put(&b, KEY, NULL);
    int status = 12345;
    weir_entry *entry = NULL;
    CHECK_EQ(weir_cache_find(b.cache, NULL, 8, &status, &entry), -ENOENT);
    CHECK(status == 12345 && entry == NULL);
    CHECK_EQ(weir_cache_invalidate(b.cache, NULL, 8), -ENOENT);
    CHECK_EQ(weir_cache_invalidate(b.cache, NULL, 0), -ENOENT);
    weir_result result = {.weight = 1};
    CHECK_EQ(weir_cache_put(b.cache, NULL, 8, &result, NULL), -EINVAL);
    CHECK_EQ(weir_cache_put(b.cache, NULL, 0, &result, NULL), 0);
    CHECK_EQ(weir_cache_find(b.cache, NULL, 0, &status, &entry), 0);
    weir_entry_release(entry);
    CHECK_EQ(cache_counts(&b).entries, 2);
    CHECK_EQ(weir_cache_clear(b.cache), 2);
    weir_cache_destroy(b.cache);
    CHECK_EQ(b.made, b.released);
    pool_close(pool);
}

// ---- the pool's abort ------------------------------------------------------

static int hears_flight(bench *b, plan *p, weir_worker *self,
                        weir_flight *flight) {
    (void)b;
    (void)p;
    while (weir_flight_cancelled(flight) == 0)
        weir_yield(self);
    return -EIO;
}

static int hears_worker(bench *b, plan *p, weir_worker *self,
                        weir_flight *flight) {
    (void)b;
    (void)p;
    (void)flight;
    while (weir_cancelled(self) == 0)
        weir_yield(self);
    return -EIO;
}

// The load's own lifetime for it counts no more than the option.
static void hears_abort(int64_t option_ns, int64_t ttl_ns) {
    weir_pool *pool = pool_of(3);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.failure_ttl_ns = option_ns;
    bench_start(&b, &options);
    for (uint64_t i = 0; i < 4; i++)
        plan_of(&b, i)->ttl_ns = ttl_ns;
    plan_of(&b, 0)->act = hears_flight;
    plan_of(&b, 1)->act = hears_worker;
    plan_of(&b, 2)->is_later = 1;
    plan_of(&b, 3)->status = -EIO;
    ask asks[4];
    ask_pending(&b, &asks[3], 3);
    settle(&b, 1);
    for (uint64_t i = 0; i < 3; i++) {
        ask_pending(&b, &asks[i], i);
        begun(&b, i, 1);
    }
    stopper s;
    stopper_start(&s, pool, WEIR_STOP_ABORT);
    stopper_join(&s);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, 2)->flight), -ESHUTDOWN);
    land(&b, 2, -EIO);
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_EQ(asks[i].ended, 1);
        CHECK_EQ(asks[i].status, -ESHUTDOWN);
        CHECK_EQ(find(&b, i, NULL), -ENOENT);
    }
    CHECK_EQ(find(&b, 3, NULL), -EIO); // that was its own
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.failed, 1);
    CHECK_EQ(c.abandoned, 3);
    check_identities(&b, &c);
    weir_cache_destroy(b.cache);
    CHECK_EQ(b.made, b.released);
    weir_pool_destroy(pool);
}

static void what_an_abort_made_a_load_return_is_not_remembered(void) {
    hears_abort(WEIR_FOREVER - 1, 0);
    hears_abort(0, WEIR_FOREVER);
}

// ---- the pool's clock ------------------------------------------------------

// Time may go on while others could, so what is seen is this: nobody is given
// up before an alarm that comes first.
typedef struct limited {
    weir_pool *pool;
    weir_job alarm;
    int was_over; // when the get was answered
} limited;

static int alarm_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    CHECK_FAIL("an event happened that nobody fired");
}

static void limited_done(weir_get *get, int status) {
    limited *l = ((ask *)get)->argument;
    l->was_over = weir_cancel(l->pool, &l->alarm) == -EALREADY;
    ask_done(get, status);
}

// An hour later a load has one second.
static void limit_by_clock(uint64_t seed, int is_later) {
    weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.load_ns = SECOND;
    bench_start(&b, &options);
    weir_event never;
    weir_event_init(&never, pool, 1);
    int64_t hour_ns = weir_now_ns() + INT64_C(3600) * SECOND;
    limited l = {.pool = pool, .alarm = WEIR_JOB_INIT(alarm_run, NULL)};
    l.alarm.deadline_ns = hour_ns;
    CHECK_EQ(weir_event_attach(&never, NULL, &l.alarm), 0);
    wait_idle(pool); // the hour is over
    l.alarm.deadline_ns = hour_ns + SECOND - 1;
    CHECK_EQ(weir_event_attach(&never, NULL, &l.alarm), 0);
    plan_of(&b, KEY)->is_later = is_later;
    ask a;
    ask_init(&b, &a, KEY);
    a.get.done = limited_done;
    a.argument = &l;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    rest(&b);
    CHECK_EQ(a.ended, 1);
    if (is_later || a.status != 0) {
        check_failed(&a, -ETIMEDOUT);
        CHECK_EQ(l.was_over, 1);
    }
    if (is_later)
        land(&b, KEY, 0);
    bench_close(&b);
    pool_close(pool);
}

static void a_time_limit_follows_the_clock_of_its_pool(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        limit_by_clock(seed, 0);
        limit_by_clock(seed, 1);
    }
}

// And the cache's own clock may begin anywhere.
static void a_clock_may_be_negative(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 10);
    b.now = -5;
    plan_of(&b, KEY)->ttl_ns = WEIR_FOREVER - 1;
    plan_of(&b, KEY + 1)->ttl_ns = 5;
    put(&b, KEY, NULL);
    put(&b, KEY + 1, NULL);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    clock_add(&b, 4);
    CHECK_EQ(find(&b, KEY + 1, NULL), 0);
    clock_add(&b, 1);
    CHECK_EQ(find(&b, KEY + 1, NULL), -ENOENT);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    bench_close(&b);
    pool_close(pool);
}

// ---- what one call does for others -----------------------------------------

enum { MANY = 600, MARKS = 256 };

static void use_all(bench *b) {
    for (uint64_t i = 0; i < MANY; i++)
        CHECK_EQ(find(b, i, NULL), 0);
}

// All are used: a put looks at so many, takes their marks, and takes the next
// one all the same. Those behind it stay used, as the next puts show.
static void one_put_takes_few_marks(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, MANY);
    for (uint64_t i = 0; i < MANY; i++)
        put(&b, i, NULL);
    use_all(&b);
    static const uint64_t gone[] = {MARKS, 2 * MARKS + 1, MANY};
    for (uint64_t i = 0; i < TEST_COUNT(gone); i++) {
        put(&b, MANY + i, NULL);
        CHECK_EQ(b.logged, i + 1);
        CHECK_EQ(b.log[i], gone[i]);
        CHECK_EQ(cache_counts(&b).entries, MANY);
    }
    bench_close(&b);
    pool_close(pool);
}

static struct {
    bench *b;
    int armed;
    uint64_t loads; // that had begun when it was released
} slow;

// On threads it is so slow that the load has begun before it is over.
static void slow_release(bench *b, uint64_t key) {
    if (!slow.armed)
        return;
    slow.armed = 0;
    rest(b);
    if (!b->is_deterministic)
        mark_await(&plan_of(b, key)->begun, 2);
    slow.loads = loads_of(b, key);
}

static void slow_start(bench *b, weir_pool *pool) {
    weir_cache_options options = bench_options(b, pool);
    options.clock = bench_clock;
    options.ttl_ns = 100;
    bench_start(b, &options);
    b->on_release = slow_release;
    fetch_idle(b, KEY);
    clock_add(b, 100);
    slow.armed = 1;
    slow.loads = 0;
}

static void slow_end(bench *b) {
    CHECK_EQ(slow.armed, 0);
    CHECK_EQ(slow.loads, 2);
    CHECK_EQ(b->removed[WEIR_REMOVED_EXPIRED], 1);
    wait_idle(b->pool);
    bench_close(b);
}

static void replaces_slow(weir_pool *pool) {
    bench b;
    ask a;
    slow_start(&b, pool);
    ask_pending(&b, &a, KEY);
    settle(&b, 1);
    check_value(&a, 2);
    slow_end(&b);

    slow_start(&b, pool);
    ask_init(&b, &a, KEY);
    CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), 0);
    slow_end(&b);

    slow_start(&b, pool);
    CHECK_EQ(fetch(&b, KEY), 2);
    slow_end(&b);
}

// The deterministic pools first: there a failure is no hang.
static void a_slow_release_does_not_delay_the_next_load(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS / 4; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
        replaces_slow(pool);
        pool_close(pool);
    }
    weir_pool *pool = pool_of(2);
    replaces_slow(pool);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_get_may_be_left_under_a_lock_of_its_done",
         a_get_may_be_left_under_a_lock_of_its_done},
        {"a_job_may_be_cancelled_under_a_lock_of_its_done",
         a_job_may_be_cancelled_under_a_lock_of_its_done},
        {"one_flight_at_a_time_serves_waits_in_a_row",
         one_flight_at_a_time_serves_waits_in_a_row},
        {"one_flight_at_a_time_serves_gets_in_a_row",
         one_flight_at_a_time_serves_gets_in_a_row},
        {"an_entry_of_another_cache_is_not_there",
         an_entry_of_another_cache_is_not_there},
        {"a_key_that_is_nowhere_is_absent", a_key_that_is_nowhere_is_absent},
        {"what_an_abort_made_a_load_return_is_not_remembered",
         what_an_abort_made_a_load_return_is_not_remembered},
        {"a_time_limit_follows_the_clock_of_its_pool",
         a_time_limit_follows_the_clock_of_its_pool},
        {"a_clock_may_be_negative", a_clock_may_be_negative},
        {"one_put_takes_few_marks", one_put_takes_few_marks},
        {"a_slow_release_does_not_delay_the_next_load",
         a_slow_release_does_not_delay_the_next_load},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

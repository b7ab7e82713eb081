// SPDX-License-Identifier: MIT
// Two who end the same thing at once: stoppers beside each other, and beside
// the loads that they end. Each case repeats a race until it has had its time,
// or enough rounds.
#include "support/cache.h"

enum { KEY = 7, ROUNDS_LEAST = 20 };

// More rounds? Few where all is slow.
static int goes_on(int round, int most, int64_t end_ns) {
    return round < most && (round < ROUNDS_LEAST || weir_now_ns() < end_ns);
}

// Lets the others come to another point each round.
static void spin(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    tally nothing;
    tally_init(&nothing);
    for (uint64_t i = *seed >> 52; i > 0; i--)
        tally_add(&nothing);
}

// ---- many stoppers, one end ------------------------------------------------

enum { POLLERS = 4 };

typedef struct polled {
    bench b;
    tally looked;
} polled;

static void *poller_main(void *arg) {
    polled *p = arg;
    for (;;) {
        int result = weir_cache_stop(p->b.cache, WEIR_STOP_DRAIN, 0, NULL);
        tally_add(&p->looked);
        if (result == 0)
            return NULL;
        CHECK_EQ(result, -ETIMEDOUT);
    }
}

static void poll_round(weir_pool *pool, uint64_t *seed) {
    static polled p;
    bench_open(&p.b, pool);
    tally_init(&p.looked);
    plan_of(&p.b, KEY)->is_later = 1;
    ask a;
    ask_pending(&p.b, &a, KEY);
    begun(&p.b, KEY, 1);
    pthread_t threads[POLLERS];
    for (int i = 0; i < POLLERS; i++)
        threads[i] = thread_start(poller_main, &p);
    tally_await(&p.looked, POLLERS);
    spin(seed);
    land(&p.b, KEY, 0);
    for (int i = 0; i < POLLERS; i++)
        thread_join(threads[i]);
    check_value(&a, 1);
    bench_stop(&p.b, WEIR_STOP_DRAIN);
    bench_free(&p.b);
}

// Whose time is over may be about to be told that all is quiet: both must not
// take him off. What comes of it otherwise is seldom seen but by a sanitizer.
static void a_stopper_may_give_up_while_it_is_told(void) {
    weir_pool *pool = pool_of(2);
    int64_t end_ns = in_ms(1200);
    uint64_t seed = 1;
    for (int round = 0; goes_on(round, 3000, end_ns); round++)
        poll_round(pool, &seed);
    pool_close(pool);
}

// ---- a softer stop beside a harder one -------------------------------------

enum { FLEET = 2000 };

typedef struct fleet {
    weir_cache *cache;
    weir_get gets[FLEET];
    uint64_t keys[FLEET];
    weir_flight *flights[FLEET];
    int told[FLEET];
    tally begun;
    tally ended;
} fleet;

static int fleet_load(void *context, weir_worker *self, weir_flight *flight,
                      weir_result *result) {
    (void)self;
    (void)result;
    fleet *f = context;
    f->flights[flight_key(flight)] = flight;
    mark_set(&f->begun);
    return WEIR_LOAD_LATER;
}

static void fleet_cancelled(void *context, weir_flight *flight, int why) {
    fleet *f = context;
    CHECK_EQ(why, -ESHUTDOWN);
    f->told[flight_key(flight)]++;
}

// ABORT landed it; or it was told before, and its end came first.
static void fleet_done(weir_get *get, int status) {
    CHECK_EQ(status, -ESHUTDOWN);
    CHECK_EQ(get->answered, 1);
    CHECK(get->entry == NULL);
    mark_set(get->argument);
}

static void *fleet_cancel(void *arg) {
    fleet *f = arg;
    CHECK_EQ(weir_cache_stop(f->cache, WEIR_STOP_CANCEL, 0, NULL), -ETIMEDOUT);
    return NULL;
}

// Waits until the other is at it.
static void *fleet_abort(void *arg) {
    fleet *f = arg;
    weir_get get = WEIR_GET_INIT(&f->keys[0], sizeof(f->keys[0]), NULL);
    while (weir_cache_prefetch(f->cache, &get) != -ESHUTDOWN)
        continue;
    CHECK_EQ(weir_cache_stop(f->cache, WEIR_STOP_ABORT, 0, NULL), -ETIMEDOUT);
    return NULL;
}

static void fleet_round(weir_pool *pool) {
    static fleet f;
    memset(&f, 0, sizeof(f));
    tally_init(&f.begun);
    tally_init(&f.ended);
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.context = &f;
    options.load = fleet_load;
    options.cancelled = fleet_cancelled;
    CHECK_EQ(weir_cache_create(&f.cache, &options), 0);
    for (uint64_t i = 0; i < FLEET; i++) {
        f.keys[i] = i;
        f.gets[i] = (weir_get)WEIR_GET_INIT(&f.keys[i], 8, fleet_done);
        f.gets[i].argument = &f.ended;
        CHECK_EQ(weir_cache_get(f.cache, &f.gets[i]), WEIR_CACHE_PENDING);
    }
    mark_await(&f.begun, FLEET);
    pthread_t harder = thread_start(fleet_abort, &f);
    pthread_t softer = thread_start(fleet_cancel, &f);
    thread_join(softer);
    thread_join(harder);
    for (int i = 0; i < FLEET; i++) {
        CHECK_EQ(weir_flight_cancelled(f.flights[i]), -ESHUTDOWN);
        CHECK_EQ(f.told[i], 1);
    }
    mark_await(&f.ended, FLEET);
    weir_result result = {0};
    for (int i = 0; i < FLEET; i++)
        weir_flight_end(f.flights[i], 0, &result);
    weir_cache_destroy(f.cache);
}

static void an_abort_beside_a_cancel_tells_every_load(void) {
    weir_pool *pool = pool_of(1);
    int64_t end_ns = in_ms(1500);
    for (int round = 0; goes_on(round, 300, end_ns); round++)
        fleet_round(pool);
    pool_close(pool);
}

// ---- a load that reacts before it has landed -------------------------------

enum { FLOCK = 128 };

typedef struct reactor {
    bench *b;
    tally watching;
} reactor;

// Ends each load as soon as that is told.
static void *reactor_main(void *arg) {
    reactor *r = arg;
    int open[FLOCK];
    for (int i = 0; i < FLOCK; i++)
        open[i] = 1;
    tally_add(&r->watching);
    for (int left = FLOCK; left > 0;)
        for (uint64_t i = 0; i < FLOCK; i++) {
            plan *p = plan_of(r->b, i);
            if (!open[i] || weir_flight_cancelled(p->flight) == 0)
                continue;
            land(r->b, i, -EIO);
            open[i] = 0;
            left--;
        }
    return NULL;
}

static void react_round(weir_pool *pool) {
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.failure_ttl_ns = WEIR_FOREVER - 1;
    bench_start(&b, &options);
    ask asks[FLOCK];
    for (uint64_t i = 0; i < FLOCK; i++) {
        plan_of(&b, i)->is_later = 1;
        plan_of(&b, i)->has_reason = i % 2;
        ask_pending(&b, &asks[i], i);
    }
    for (uint64_t i = 0; i < FLOCK; i++)
        begun(&b, i, 1);
    reactor r = {.b = &b};
    tally_init(&r.watching);
    pthread_t thread = thread_start(reactor_main, &r);
    tally_await(&r.watching, 1);
    bench_stop(&b, WEIR_STOP_ABORT);
    thread_join(thread);
    for (int i = 0; i < FLOCK; i++)
        check_failed(&asks[i], -ESHUTDOWN);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.failed, 0);
    CHECK_EQ(c.abandoned, FLOCK);
    bench_free(&b);
}

// Its waiters are told of the stop, not of what the load makes of that.
static void who_reacts_to_an_abort_is_shut_down(void) {
    weir_pool *pool = pool_of(1);
    int64_t end_ns = in_ms(1200);
    for (int round = 0; goes_on(round, 1500, end_ns); round++)
        react_round(pool);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_stopper_may_give_up_while_it_is_told",
         a_stopper_may_give_up_while_it_is_told},
        {"an_abort_beside_a_cancel_tells_every_load",
         an_abort_beside_a_cancel_tells_every_load},
        {"who_reacts_to_an_abort_is_shut_down",
         who_reacts_to_an_abort_is_shut_down},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

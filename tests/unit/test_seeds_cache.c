// SPDX-License-Identifier: MIT
// The cache under many seeds: gets, puts, invalidations, cancels, deadlines,
// loads that fail or take long; in a case of its own loads that end later, and
// a stop of the pool. Each get is answered once, with a value of its own key
// that is not older than what was invalidated.
#include "support/cache.h"
#include "support/seeds.h"

enum { KEYS = 6, ASKS = 40 };

static uint64_t yields[KEYS];

// Others go on while it loads.
static int slow_load(bench *b, plan *p, weir_worker *self,
                     weir_flight *flight) {
    (void)b;
    (void)flight;
    for (uint64_t i = *(const uint64_t *)p->argument; i > 0; i--)
        weir_yield(self);
    return 0;
}

static void draw_plans(bench *b) {
    for (uint64_t key = 0; key < KEYS; key++) {
        plan *p = plan_of(b, key);
        p->weight = 1 + seed_below(3);
        p->status = seed_one_in(4) ? -EIO : 0;
        p->ttl_ns = seed_one_in(4) ? -1 : 0;
        yields[key] = seed_below(6);
        p->act = slow_load;
        p->argument = &yields[key];
    }
}

// What holds of an answer, whenever it came.
static void check_answer(const ask *a) {
    CHECK_EQ(a->ended, 1);
    if (a->has_entry)
        CHECK_EQ(a->value_key, a->key);
    CHECK(a->status == 0 || a->status == -EIO || a->status == -ECANCELED ||
          a->status == -ETIMEDOUT || a->status == -ESHUTDOWN);
    if (a->status == 0)
        CHECK(a->value != 0);
}

typedef struct session {
    bench b;
    ask asks[ASKS];
    int live[ASKS]; // was answered PENDING
    size_t count;
    uint64_t floor[KEYS]; // values up to this number are gone
    uint64_t least[ASKS]; // the floor when it was asked
    int stopped;          // the pool is, or is about to
    int drained;          // what was asked before is answered all the same
    // Loads that are to end later.
    struct {
        plan *p;
        weir_flight *flight;
        uint64_t number;
    } held[ASKS];
    size_t held_count;
} session;

static session s;

static void ask_one(uint64_t key) {
    ask *a = &s.asks[s.count];
    ask_init(&s.b, a, key);
    if (seed_one_in(6))
        a->get.deadline_ns = in_ms(3600000);
    s.least[s.count] = s.floor[key];
    int result = ask_try(a);
    SAY("get %zu of key %llu: %d", s.count, (unsigned long long)key, result);
    if (result >= 0)
        s.live[s.count++] = result == WEIR_CACHE_PENDING;
    CHECK(result >= 0 || (result == -ESHUTDOWN && s.stopped));
    CHECK(result <= 0 || !s.stopped); // nobody would ever tell
}

static void leave_one(void) {
    size_t which = seed_below(s.count);
    if (!s.live[which] || s.asks[which].ended != 0)
        return;
    int error = weir_get_cancel(s.b.cache, &s.asks[which].get);
    SAY("get %zu is left: %d", which, error);
    CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
}

static void act_once(weir_pool *pool) {
    uint64_t key = seed_below(KEYS);
    uint64_t what = seed_below(8);
    if (what < 3 && s.count < ASKS) {
        ask_one(key);
    } else if (what == 3) {
        s.floor[key] = s.b.numbers; // what was made until now is gone
        int error = invalidate(&s.b, key);
        SAY("key %llu is invalidated: %d", (unsigned long long)key, error);
        CHECK(error == 0 || error == -ENOENT);
    } else if (what == 4 && seed_one_in(3)) {
        SAY("key %llu is put", (unsigned long long)key);
        put(&s.b, key, NULL);
    } else if (what == 5 && s.count > 0) {
        leave_one();
    } else {
        (void)weir_pool_step(pool);
    }
}

static void check_asks(void) {
    for (size_t i = 0; i < s.count; i++) {
        check_answer(&s.asks[i]);
        // Who asks after an invalidation gets what was loaded afterwards.
        if (s.asks[i].status == 0)
            CHECK(s.asks[i].value > s.least[i]);
    }
}

static void open_cache(weir_pool *pool) {
    memset(&s, 0, sizeof(s));
    weir_cache_options options = bench_options(&s.b, pool);
    options.capacity = 2 + seed_below(10);
    options.failure_ttl_ns = seed_one_in(2) ? 0 : WEIR_FOREVER;
    options.clock = bench_clock;
    draw_plans(&s.b);
    s.b.may_overlap = 1;
    bench_start(&s.b, &options);
}

static void scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_cache(pool);
    for (uint64_t acts = 60 + seed_below(60); acts > 0; acts--) {
        act_once(pool);
        weir_cache_counts c = cache_counts(&s.b);
        check_identities(&s.b, &c);
    }
    rest(&s.b);
    check_asks();
    bench_close(&s.b);
}

// ---- the pool stops --------------------------------------------------------

static int later_load(bench *b, plan *p, weir_worker *self,
                      weir_flight *flight) {
    uint64_t number = p->number; // of this one: nobody else went on yet
    if (seed_one_in(2))
        return slow_load(b, p, self, flight);
    CHECK(s.held_count < ASKS);
    s.held[s.held_count].p = p;
    s.held[s.held_count].flight = flight;
    s.held[s.held_count++].number = number;
    return WEIR_LOAD_LATER;
}

static int land_one(void) {
    if (s.held_count == 0)
        return 0;
    size_t which = seed_below(s.held_count);
    plan *p = s.held[which].p;
    weir_flight *flight = s.held[which].flight;
    uint64_t number = s.held[which].number;
    s.held[which] = s.held[--s.held_count];
    SAY("a load of key %llu ends", (unsigned long long)flight_key(flight));
    land_flight(&s.b, p, flight, number, p->status);
    return 1;
}

static void act_later(weir_pool *pool) {
    if (seed_one_in(6))
        (void)land_one();
    else
        act_once(pool);
    weir_cache_counts c = cache_counts(&s.b);
    check_identities(&s.b, &c);
}

// What was asked is answered: with what it asked for, if the pool drains.
static void stop_pool(weir_pool *pool) {
    weir_stop_mode mode = (weir_stop_mode)seed_below(3);
    SAY("the pool is stopped, mode %d", (int)mode);
    s.drained = mode == WEIR_STOP_DRAIN;
    int64_t until = s.drained ? 0 : WEIR_FOREVER;
    int error;
    while ((error = weir_pool_stop(pool, mode, until, NULL)) == -ETIMEDOUT &&
           s.drained) {
        s.stopped = 1; // it takes no more
        if (seed_one_in(3) && s.count < ASKS)
            ask_one(seed_below(KEYS));
        CHECK(land_one() || weir_pool_step(pool) == 1);
    }
    CHECK_EQ(error, 0);
    s.stopped = 1;
    for (size_t i = 0; i < s.count; i++) {
        CHECK_EQ(s.asks[i].ended, 1);
        if (s.drained)
            CHECK(s.asks[i].status != -ESHUTDOWN);
    }
}

static void stop_scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_cache(pool);
    for (uint64_t key = 0; key < KEYS; key++)
        plan_of(&s.b, key)->act = later_load;
    for (uint64_t acts = seed_below(100); acts > 0; acts--)
        act_later(pool);
    stop_pool(pool);
    for (uint64_t acts = seed_below(20); acts > 0; acts--)
        act_later(pool);
    while (land_one()) // its value is kept all the same
        continue;
    check_asks();
    bench_close(&s.b);
}

SEEDS_CASE("cache", all, scenario, 1500 / TEST_SMALLER)
SEEDS_CASE("cache", its_pool_may_stop_at_any_step, stop_scenario,
           1500 / TEST_SMALLER)

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"all", all},
        {"its_pool_may_stop_at_any_step", its_pool_may_stop_at_any_step},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

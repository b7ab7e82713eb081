// SPDX-License-Identifier: MIT
// The cache under many seeds: gets, puts, invalidations, cancels, deadlines,
// loads that fail or take long. Each get is answered once, with a
// value of its own key that is not older than what was invalidated.
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

static void scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    memset(&s, 0, sizeof(s));
    weir_cache_options options = bench_options(&s.b, pool);
    options.capacity = 2 + seed_below(10);
    options.failure_ttl_ns = seed_one_in(2) ? 0 : WEIR_FOREVER;
    options.clock = bench_clock;
    draw_plans(&s.b);
    s.b.may_overlap = 1;
    bench_start(&s.b, &options);
    for (uint64_t acts = 60 + seed_below(60); acts > 0; acts--) {
        act_once(pool);
        weir_cache_counts c = cache_counts(&s.b);
        check_identities(&s.b, &c);
    }
    rest(&s.b);
    for (size_t i = 0; i < s.count; i++) {
        check_answer(&s.asks[i]);
        // Who asks after an invalidation gets what was loaded afterwards.
        if (s.asks[i].status == 0)
            CHECK(s.asks[i].value > s.least[i]);
    }
    bench_close(&s.b);
}

SEEDS_MAIN("cache", scenario, 1500 / TEST_SMALLER)

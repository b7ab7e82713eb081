// SPDX-License-Identifier: MIT
// The lives of entries: each value is released once, when the last who holds it
// lets go, whoever that is and whatever happened to its key meanwhile.
#include "support/cache.h"

enum { KEY = 7 };

static weir_entry *take(bench *b, uint64_t key) {
    int status = 0;
    weir_entry *entry = NULL;
    CHECK_EQ(weir_cache_find(b->cache, &key, sizeof(key), &status, &entry), 0);
    bench_lock(b);
    b->found++;
    bench_unlock(b);
    CHECK_EQ(status, 0);
    return entry;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

// ---- one thread, exactly ---------------------------------------------------

// Before: taken while it is kept; after: added while it is not. The cache lets
// go after `removed_at` of the releases.
static void count_down(weir_pool *pool, unsigned before, unsigned after,
                       unsigned removed_at) {
    bench b;
    weir_entry *entries[64];
    bench_open(&b, pool);
    put(&b, KEY, NULL);
    for (unsigned i = 0; i < before; i++)
        entries[i] = take(&b, KEY);
    for (unsigned i = 0; i < before; i++)
        CHECK(entries[i] == entries[0]);
    unsigned released = 0;
    for (; released < removed_at; released++)
        weir_entry_release(entries[released]);
    CHECK_EQ(b.released, 0); // the cache has it
    CHECK_EQ(invalidate(&b, KEY), 0);
    unsigned holders = before - released;
    CHECK_EQ(b.released, holders == 0);
    CHECK_EQ(cache_counts(&b).lent_bytes, holders > 0);
    if (holders > 0) {
        for (unsigned i = 0; i < after; i++)
            entries[before + i] = weir_entry_keep(entries[0]);
        for (; released < before + after; released++) {
            CHECK_EQ(b.released, 0);
            CHECK_EQ(cache_counts(&b).lent_bytes, 1);
            weir_entry_release(entries[released]);
        }
    }
    CHECK_EQ(b.released, 1);
    CHECK_EQ(cache_counts(&b).lent_bytes, 0);
    bench_close(&b);
}

static void a_value_goes_with_its_last_holder(void) {
    weir_pool *pool = pool_of(1);
    for (unsigned before = 0; before < 12; before++)
        for (unsigned after = 0; after < 4; after++)
            for (unsigned at = 0; at <= before; at++)
                count_down(pool, before, after, at);
    pool_close(pool);
}

static void many_hits_are_counted_exactly(void) {
    enum { HITS = 100001 }; // the last one is held
    static weir_entry *entries[HITS];
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    for (int i = 0; i < HITS; i++) {
        entries[i] = take(&b, KEY);
        if (i % 3 == 0)
            weir_entry_release(entries[i]);
    }
    CHECK_EQ(invalidate(&b, KEY), 0);
    for (int i = 0; i < HITS; i++) {
        CHECK_EQ(b.released, 0);
        if (i % 3 != 0)
            weir_entry_release(entries[i]);
    }
    CHECK_EQ(b.released, 1);
    bench_close(&b);
    pool_close(pool);
}

// Each way out of the cache, with and without a holder.
static void each_way_out(weir_pool *pool) {
    for (int way = 0; way < 8; way++)
        for (int holders = 0; holders < 3; holders++) {
            weir_entry *entries[3] = {NULL, NULL, NULL};
            bench b;
            bench_open_room(&b, pool, 2);
            plan_of(&b, KEY)->ttl_ns = 1000;
            put(&b, KEY, holders > 0 ? &entries[0] : NULL);
            if (holders > 1)
                entries[1] = take(&b, KEY);
            plan_of(&b, KEY)->ttl_ns = 0;
            clock_add(&b, way >= 6 ? 2000 : 0);
            if (way == 0)
                CHECK_EQ(invalidate(&b, KEY), 0);
            if (way == 1)
                CHECK_EQ(weir_cache_clear(b.cache), 1);
            if (way == 2)
                put(&b, KEY, NULL);
            if (way == 3)
                CHECK_EQ(weir_cache_resize(b.cache, 0), 0);
            plan_of(&b, KEY + 1)->weight = 2; // needs all the room
            if (way == 4)
                put(&b, KEY + 1, NULL);
            if (way == 5)
                bench_stop(&b, WEIR_STOP_DRAIN);
            if (way == 6)
                CHECK_EQ(weir_cache_tidy(b.cache), 1);
            if (way == 7)
                CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
            CHECK_EQ(b.released, holders == 0);
            CHECK_EQ(b.logged, 1);
            CHECK_EQ(cache_counts(&b).lent_bytes, holders > 0);
            for (int i = 0; i < holders; i++) {
                CHECK_EQ(b.released, 0);
                weir_entry_release(entries[i]);
            }
            CHECK_EQ(b.released, 1);
            bench_close(&b);
        }
}

static void each_way_out_of_the_cache_lets_go_once(void) {
    weir_pool *pool = pool_of(1);
    each_way_out(pool);
    pool_close(pool);
    pool = pool_seeded(1, 2);
    each_way_out(pool);
    pool_close(pool);
}

static void listener_keeps(bench *b, uint64_t key, weir_entry *entry,
                           weir_removal why) {
    (void)key, (void)why;
    b->plans[PLANS - 1].argument = weir_entry_keep(entry);
}

static void the_listener_may_keep_the_entry(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    b.on_removed = listener_keeps;
    uint64_t number = put(&b, KEY, NULL);
    CHECK_EQ(invalidate(&b, KEY), 0);
    CHECK_EQ(b.released, 0);
    weir_entry *entry = b.plans[PLANS - 1].argument;
    CHECK_EQ(((value *)weir_entry_value(entry))->number, number);
    weir_entry_release(entry);
    CHECK_EQ(b.released, 1);
    bench_close(&b);
    pool_close(pool);
}

// Waiters hold it beside the flight and the cache.
static void waiters_hold(weir_pool *pool) {
    // On some pools it is not kept at all.
    size_t room = weir_pool_step(pool) != -EINVAL ? 0 : 10;
    enum { WAITERS = 10 };
    ask asks[WAITERS];
    bench b;
    bench_open_room(&b, pool, room);
    for (int i = 0; i < WAITERS; i++) {
        if (i == 0)
            plan_of(&b, KEY)->is_later = 1;
        ask_init(&b, &asks[i], KEY);
        asks[i].keeps = 1;
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    begun(&b, KEY, 1);
    land(&b, KEY, 0);
    settle(&b, WAITERS);
    wait_idle(pool);
    CHECK_EQ(invalidate(&b, KEY), room == 0 ? -ENOENT : 0);
    const weir_entry *entry = asks[0].get.entry;
    for (int i = 0; i < WAITERS; i++) {
        CHECK_EQ(b.released, 0);
        CHECK(asks[i].get.entry == entry);
        ask_release(&asks[i]);
    }
    CHECK_EQ(b.released, 1);
    bench_close(&b);
}

static void waiters_hold_what_they_were_given(void) {
    for_each_pool(waiters_hold);
}

// ---- many threads ----------------------------------------------------------

// Holders write into what they hold, without a lock; release reads it all.
enum { THREADS = 4, ROUNDS = 4000, SLOTS = 16, KEYS = 6 };

typedef struct shared_value {
    uint64_t key;
    uint64_t marks[THREADS]; // each by one thread
    uint64_t canary;
} shared_value;

typedef struct market {
    weir_cache *cache;
    pthread_mutex_t lock;
    weir_entry *slots[SLOTS]; // entries on their way to another thread
    tally made, released, marks, marks_seen, removed;
} market;

static market the_market;

static shared_value *shared_make(uint64_t key) {
    shared_value *v = calloc(1, sizeof(*v));
    CHECK(v != NULL);
    v->key = key;
    v->canary = ~key;
    tally_add(&the_market.made);
    return v;
}

static int shared_load(void *context, weir_worker *self, weir_flight *flight,
                       weir_result *result) {
    (void)context, (void)self;
    result->value = shared_make(flight_key(flight));
    result->weight = 1;
    return 0;
}

static void shared_release(void *context, void *pointer) {
    (void)context;
    shared_value *v = pointer;
    CHECK_EQ(v->canary, ~v->key);
    for (int i = 0; i < THREADS; i++)
        for (uint64_t n = v->marks[i]; n > 0; n--)
            tally_add(&the_market.marks_seen);
    memset(v, 0x5a, sizeof(*v));
    free(v);
    tally_add(&the_market.released);
}

static void shared_removed(void *context, weir_entry *entry, weir_removal why) {
    (void)context, (void)why;
    CHECK_EQ(((shared_value *)weir_entry_value(entry))->key, entry_key(entry));
    tally_add(&the_market.removed);
}

typedef struct trader {
    pthread_t thread;
    unsigned index;
    uint32_t random;
} trader;

// Takes an entry of this key, one way or another; may be NULL.
static weir_entry *trader_take(trader *t, uint64_t key) {
    weir_cache *cache = the_market.cache;
    weir_entry *entry = NULL;
    int status = 0;
    if (next_random(&t->random) % 2) {
        int found = weir_cache_find(cache, &key, sizeof(key), &status, &entry);
        CHECK(found == 0 || found == -ENOENT || found == -EAGAIN);
        return entry;
    }
    if (next_random(&t->random) % 4 == 0) {
        weir_result result = {.value = shared_make(key), .weight = 1};
        CHECK_EQ(weir_cache_put(cache, &key, sizeof(key), &result, &entry), 0);
        return entry;
    }
    weir_get get = WEIR_GET_INIT(&key, sizeof(key), NULL);
    CHECK_EQ(weir_cache_get_wait(cache, &get), 0);
    CHECK_EQ(get.status, 0);
    return get.entry;
}

static void trader_changes(trader *t, uint64_t key) {
    weir_cache *cache = the_market.cache;
    switch (next_random(&t->random) % 12) {
    case 0: CHECK(weir_cache_invalidate(cache, &key, sizeof(key)) <= 0); break;
    case 1: CHECK(weir_cache_clear(cache) >= 0); break;
    case 2:
        CHECK_EQ(weir_cache_resize(cache, next_random(&t->random) % KEYS), 0);
        break;
    default: break;
    }
}

static void *trader_main(void *arg) {
    trader *t = arg;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t key = next_random(&t->random) % KEYS;
        weir_entry *entry = trader_take(t, key);
        if (entry != NULL) {
            shared_value *v = weir_entry_value(entry);
            CHECK_EQ(v->key, key);
            CHECK_EQ(v->canary, ~key);
            v->marks[t->index]++;
            tally_add(&the_market.marks);
            if (next_random(&t->random) % 3 == 0)
                weir_entry_release(weir_entry_keep(entry));
            if (next_random(&t->random) % 8 == 0)
                CHECK(weir_cache_invalidate_entry(the_market.cache, entry) <=
                      0);
        }
        trader_changes(t, key);
        // Somebody else releases it, some time.
        unsigned slot = next_random(&t->random) % SLOTS;
        pthread_mutex_lock(&the_market.lock);
        weir_entry *other = the_market.slots[slot];
        the_market.slots[slot] = entry;
        pthread_mutex_unlock(&the_market.lock);
        weir_entry_release(other);
    }
    return NULL;
}

static void a_market_of_entries_loses_none(void) {
    market *m = &the_market;
    for (int threads = 1; threads <= 2; threads++) {
        weir_pool *pool = pool_of(threads);
        memset(m, 0, sizeof(*m));
        CHECK_EQ(pthread_mutex_init(&m->lock, NULL), 0);
        weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
        options.pool = pool;
        options.load = shared_load;
        options.release = shared_release;
        options.removed = shared_removed;
        options.capacity = KEYS / 2;
        CHECK_EQ(weir_cache_create(&m->cache, &options), 0);
        trader traders[THREADS];
        for (unsigned i = 0; i < THREADS; i++) {
            traders[i] = (trader){.index = i, .random = i * 7919u + 1};
            traders[i].thread = thread_start(trader_main, &traders[i]);
        }
        for (unsigned i = 0; i < THREADS; i++)
            thread_join(traders[i].thread);
        weir_cache_counts counts = {.size = sizeof(counts)};
        CHECK_EQ(
            weir_cache_stop(m->cache, WEIR_STOP_DRAIN, WEIR_FOREVER, &counts),
            0);
        uint64_t removed = 0;
        for (int i = 0; i < REMOVALS; i++)
            removed += counts.removed[i];
        CHECK_EQ(tally_get(&m->removed), removed);
        weir_cache_destroy(m->cache);
        for (int i = 0; i < SLOTS; i++) // they outlive it
            weir_entry_release(m->slots[i]);
        CHECK_EQ(tally_get(&m->released), tally_get(&m->made));
        CHECK_EQ(tally_get(&m->marks_seen), tally_get(&m->marks));
        pthread_mutex_destroy(&m->lock);
        pool_close(pool);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_value_goes_with_its_last_holder",
         a_value_goes_with_its_last_holder},
        {"many_hits_are_counted_exactly", many_hits_are_counted_exactly},
        {"each_way_out_of_the_cache_lets_go_once",
         each_way_out_of_the_cache_lets_go_once},
        {"the_listener_may_keep_the_entry", the_listener_may_keep_the_entry},
        {"waiters_hold_what_they_were_given",
         waiters_hold_what_they_were_given},
        {"a_market_of_entries_loses_none", a_market_of_entries_loses_none},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

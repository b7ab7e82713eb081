// SPDX-License-Identifier: MIT
// Invalidate, put and clear, at every point of a load: what is stale is never
// published, and a put wins.
#include "support/cache.h"

enum { KEY = 7 };

static void open_change(bench *b, weir_pool *pool) {
    bench_open(b, pool);
    b->may_overlap = 1;
}

// ---- values that are there -------------------------------------------------

static void invalidates(weir_pool *pool) {
    bench b;
    open_change(&b, pool);
    CHECK_EQ(invalidate(&b, KEY), -ENOENT);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    CHECK_EQ(fetch_idle(&b, KEY + 1), 2);
    CHECK_EQ(invalidate(&b, KEY), 0);
    CHECK_EQ(b.removed[WEIR_REMOVED_INVALIDATED], 1);
    CHECK_EQ(b.released, 1);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    CHECK_EQ(invalidate(&b, KEY), -ENOENT);
    CHECK_EQ(fetch_idle(&b, KEY), 3);
    CHECK_EQ(fetch_idle(&b, KEY + 1), 2);
    bench_close(&b);
}

static void invalidate_makes_a_key_absent(void) { for_each_pool(invalidates); }

static void puts_values(weir_pool *pool) {
    bench b;
    open_change(&b, pool);
    uint64_t first = put(&b, KEY, NULL);
    CHECK_EQ(fetch_idle(&b, KEY), first);
    weir_entry *entry = NULL;
    uint64_t second = put(&b, KEY, &entry);
    CHECK(entry != NULL);
    CHECK_EQ(((value *)weir_entry_value(entry))->number, second);
    CHECK_EQ(b.removed[WEIR_REMOVED_REPLACED], 1);
    CHECK_EQ(b.released, 1);
    CHECK_EQ(fetch_idle(&b, KEY), second);
    CHECK_EQ(b.loads, 0);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.puts, 2);
    CHECK_EQ(c.entries, 1);
    CHECK_EQ(c.bytes, 1);
    weir_entry_release(entry);
    CHECK_EQ(b.released, 1); // the cache has one more
    bench_close(&b);
}

static void put_replaces_what_there_was(void) { for_each_pool(puts_values); }

static void by_entry(weir_pool *pool) {
    bench b;
    open_change(&b, pool);
    weir_entry *old = NULL, *new = NULL;
    put(&b, KEY, &old);
    uint64_t number = put(&b, KEY, &new);
    CHECK_EQ(weir_cache_invalidate_entry(b.cache, old), -ENOENT);
    CHECK_EQ(fetch_idle(&b, KEY), number);
    CHECK_EQ(weir_cache_invalidate_entry(b.cache, new), 0);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    CHECK_EQ(weir_cache_invalidate_entry(b.cache, new), -ENOENT);
    CHECK_EQ(b.removed[WEIR_REMOVED_INVALIDATED], 1);
    // Nor does an old entry end a flight of its key.
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    CHECK_EQ(weir_cache_invalidate_entry(b.cache, new), -ENOENT);
    begun(&b, KEY, 1);
    land(&b, KEY, 0);
    settle(&b, 1);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    weir_entry_release(old);
    weir_entry_release(new);
    bench_close(&b);
}

static void invalidate_entry_compares_first(void) { for_each_pool(by_entry); }

static void clears(weir_pool *pool) {
    bench b;
    open_change(&b, pool);
    CHECK_EQ(weir_cache_clear(b.cache), 0);
    for (uint64_t i = 0; i < 20; i++)
        put(&b, i, NULL);
    plan_of(&b, KEY + 20)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY + 20);
    CHECK_EQ(weir_cache_clear(b.cache), 20);
    CHECK_EQ(b.removed[WEIR_REMOVED_INVALIDATED], 20);
    CHECK_EQ(b.released, 20);
    for (uint64_t i = 0; i < 20; i++)
        CHECK_EQ(find(&b, i, NULL), -ENOENT);
    CHECK_EQ(cache_counts(&b).bytes, 0);
    begun(&b, KEY + 20, 1);
    land(&b, KEY + 20, 0);
    settle(&b, 1);
    check_value(&a, 21);
    CHECK_EQ(find(&b, KEY + 20, NULL), -ENOENT); // it was loading then
    CHECK_EQ(weir_cache_clear(b.cache), 0);
    bench_close(&b);
}

static void clear_invalidates_all_keys_at_once(void) { for_each_pool(clears); }

// ---- at each point of a load -----------------------------------------------

enum change { INVALIDATE, CLEAR, PUT, CHANGES };

static uint64_t do_change(bench *b, enum change what) {
    if (what == PUT)
        return put(b, KEY, NULL);
    if (what == CLEAR)
        CHECK(weir_cache_clear(b->cache) >= 0);
    else
        CHECK_EQ(invalidate(b, KEY), 0);
    return 0;
}

// after_change: the key is what the change made of it, not what the flight
// before it brought.
static void after_change(bench *b, enum change what, uint64_t number) {
    uint64_t found = 0;
    CHECK_EQ(find(b, KEY, &found), what == PUT ? 0 : -ENOENT);
    CHECK_EQ(found, number);
    uint64_t loads = b->loads;
    plan_of(b, KEY)->is_later = 0;
    uint64_t fetched = fetch_idle(b, KEY);
    if (what == PUT) {
        CHECK_EQ(fetched, number);
        CHECK_EQ(b->loads, loads);
    } else {
        CHECK_EQ(b->loads, loads + 1); // a load of its own
        CHECK_EQ(fetch_idle(b, KEY), fetched);
    }
}

static void before_it_begins(enum change what, int threads) {
    weir_pool *pool = pool_of(threads);
    bench b;
    open_change(&b, pool);
    held h[2];
    for (int i = 0; i < threads; i++)
        hold(pool, &h[i]);
    ask asks[3];
    for (int i = 0; i < 3; i++)
        ask_pending(&b, &asks[i], KEY);
    uint64_t number = do_change(&b, what);
    for (int i = 0; i < threads; i++)
        release(&h[i]);
    settle(&b, 3);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(asks[i].status, 0); // served
        CHECK(asks[i].value != 0 && asks[i].value != number);
        CHECK_EQ(asks[i].value, asks[0].value);
    }
    after_change(&b, what, number);
    CHECK_EQ(cache_counts(&b).stale, 1);
    bench_close(&b);
    pool_close(pool);
    for (int i = 0; i < threads; i++)
        gate_fini(&h[i].gate);
}

static void a_change_before_the_load_begins(void) {
    for (enum change what = 0; what < CHANGES; what++) {
        before_it_begins(what, 1);
        before_it_begins(what, 2);
    }
}

static void while_it_runs(enum change what, int threads) {
    weir_pool *pool = pool_of(threads);
    bench b;
    open_change(&b, pool);
    gate busy;
    gate_init(&busy);
    plan_of(&b, KEY)->gate = &busy;
    ask asks[3];
    for (int i = 0; i < 3; i++)
        ask_pending(&b, &asks[i], KEY);
    gate_await(&busy, 1);
    uint64_t number = do_change(&b, what);
    CHECK_EQ(weir_flight_cancelled(plan_of(&b, KEY)->flight), 0);
    CHECK_EQ(tally_get(&b.ended), 0);
    gate_open(&busy);
    settle(&b, 3);
    for (int i = 0; i < 3; i++)
        check_value(&asks[i], 1);
    after_change(&b, what, number);
    CHECK_EQ(cache_counts(&b).stale, 1);
    gate_fini(&busy);
    bench_close(&b);
    pool_close(pool);
}

static void a_change_while_the_load_runs(void) {
    for (enum change what = 0; what < CHANGES; what++) {
        while_it_runs(what, 1);
        while_it_runs(what, 2);
    }
}

static enum change now_tested;

static void returned_later(weir_pool *pool) {
    bench b;
    open_change(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[3];
    for (int i = 0; i < 3; i++)
        ask_pending(&b, &asks[i], KEY);
    begun(&b, KEY, 1);
    rest(&b);
    uint64_t number = do_change(&b, now_tested);
    CHECK_EQ(tally_get(&b.ended), 0);
    land(&b, KEY, 0);
    settle(&b, 3);
    for (int i = 0; i < 3; i++)
        check_value(&asks[i], 1);
    after_change(&b, now_tested, number);
    bench_close(&b);
}

static void a_change_after_the_load_returned_later(void) {
    for (enum change what = 0; what < CHANGES; what++) {
        now_tested = what;
        for_each_pool(returned_later);
    }
}

// The load changes its own key.
static int changes_itself(bench *b, plan *p, weir_worker *self,
                          weir_flight *flight) {
    (void)self;
    p->act = NULL;
    uint64_t number = do_change(b, now_tested);
    CHECK_EQ(weir_flight_cancelled(flight), 0);
    p->argument = (void *)(uintptr_t)number;
    return 0;
}

static void from_the_load(weir_pool *pool) {
    bench b;
    open_change(&b, pool);
    plan *p = plan_of(&b, KEY);
    p->act = changes_itself;
    ask a;
    ask_pending(&b, &a, KEY);
    settle(&b, 1);
    check_value(&a, 1);
    after_change(&b, now_tested, (uintptr_t)p->argument);
    bench_close(&b);
}

static void a_change_by_the_load_itself(void) {
    for (enum change what = 0; what < CHANGES; what++) {
        now_tested = what;
        for_each_pool(from_the_load);
    }
}

// A change, then gets, then the old flight lands, then the new one; and the
// other way round. Each get has what its flight loaded.
static void two_flights(weir_pool *pool, int old_first) {
    bench b;
    open_change(&b, pool);
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    ask before[2], after[3];
    for (int i = 0; i < 2; i++)
        ask_pending(&b, &before[i], KEY);
    begun(&b, KEY, 1);
    weir_flight *old = p->flight;
    CHECK_EQ(invalidate(&b, KEY), 0);
    for (int i = 0; i < 3; i++) {
        ask_pending(&b, &after[i], KEY);
        CHECK_EQ(after[i].get.leads, i == 0);
    }
    if (old_first) {
        land_flight(&b, p, old, 1, 0);
        settle(&b, 2);
        CHECK_EQ(find(&b, KEY, NULL), -EAGAIN); // the new one flies
        begun(&b, KEY, 2);
        land(&b, KEY, 0);
    } else {
        begun(&b, KEY, 2);
        land(&b, KEY, 0);
        settle(&b, 3);
        CHECK_EQ(find(&b, KEY, NULL), 0);
        land_flight(&b, p, old, 1, 0);
    }
    settle(&b, 5);
    for (int i = 0; i < 2; i++)
        check_value(&before[i], 1);
    for (int i = 0; i < 3; i++)
        check_value(&after[i], 2);
    CHECK_EQ(fetch_idle(&b, KEY), 2);
    CHECK_EQ(b.loads, 2);
    CHECK_EQ(b.removed[WEIR_REMOVED_REPLACED], 0);
    bench_close(&b);
}

static void old_lands_first(weir_pool *pool) { two_flights(pool, 1); }

static void who_asks_after_an_invalidate_waits_for_a_new_load(void) {
    for_each_pool(old_lands_first);
}

static void new_lands_first(weir_pool *pool) { two_flights(pool, 0); }

static void an_old_flight_that_lands_last_spoils_nothing(void) {
    for_each_pool(new_lands_first);
}

// A stale flight that fails says nothing about the key.
static void stale_failure(weir_pool *pool) {
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.failure_ttl_ns = WEIR_FOREVER;
    bench_start(&b, &options);
    b.may_overlap = 1;
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY);
    begun(&b, KEY, 1);
    CHECK_EQ(invalidate(&b, KEY), 0);
    land(&b, KEY, -EIO);
    settle(&b, 1);
    check_failed(&a, -EIO);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    plan_of(&b, KEY)->is_later = 0;
    CHECK_EQ(fetch_idle(&b, KEY), 2);
    bench_close(&b);
}

static void a_stale_failure_is_not_remembered(void) {
    for_each_pool(stale_failure);
}

// Invalidated five times over: five flights, each for those who asked in its
// time, none for the key but the last.
static void generations(weir_pool *pool) {
    enum { FLIGHTS = 5 };
    bench b;
    open_change(&b, pool);
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    ask asks[FLIGHTS][2];
    weir_flight *flights[FLIGHTS];
    uint64_t numbers[FLIGHTS];
    for (unsigned i = 0; i < FLIGHTS; i++) {
        for (int j = 0; j < 2; j++)
            ask_pending(&b, &asks[i][j], KEY);
        begun(&b, KEY, i + 1);
        flights[i] = p->flight;
        numbers[i] = p->number;
        if (i < FLIGHTS - 1)
            CHECK_EQ(invalidate(&b, KEY), 0);
    }
    static const unsigned order[FLIGHTS] = {2, 0, 4, 1, 3};
    for (unsigned i = 0; i < FLIGHTS; i++) {
        land_flight(&b, p, flights[order[i]], numbers[order[i]], 0);
        settle(&b, 2 * i + 2);
        uint64_t found = 0;
        CHECK_EQ(find(&b, KEY, &found), i < 2 ? -EAGAIN : 0);
        CHECK_EQ(found, i < 2 ? 0 : FLIGHTS);
    }
    for (unsigned i = 0; i < FLIGHTS; i++)
        for (int j = 0; j < 2; j++)
            check_value(&asks[i][j], numbers[i]);
    CHECK_EQ(cache_counts(&b).stale, FLIGHTS - 1);
    bench_close(&b);
}

static void many_generations_land_in_any_order(void) {
    for_each_pool(generations);
}

// ---- concurrently ----------------------------------------------------------

// Writers change what is loaded, then invalidate. Who asks afterwards must
// never be given what was before.
typedef struct source {
    pthread_mutex_t lock;
    uint64_t version; // what loads read
    uint64_t valid;   // nobody may be given less
} source;

static source the_source;

static uint64_t source_read(const uint64_t *what) {
    pthread_mutex_lock(&the_source.lock);
    uint64_t number = *what;
    pthread_mutex_unlock(&the_source.lock);
    return number;
}

static int source_load(void *context, weir_worker *self, weir_flight *flight,
                       weir_result *result) {
    (void)context;
    (void)flight;
    uint64_t version = source_read(&the_source.version);
    weir_yield(self);
    result->value = (void *)(uintptr_t)version;
    result->weight = 1;
    return 0;
}

typedef struct actor {
    weir_job job;
    weir_cache *cache;
    int put;
} actor;

static int writer_run(weir_worker *self, weir_job *job) {
    actor *a = (actor *)job;
    for (int i = 0; i < 30; i++) {
        pthread_mutex_lock(&the_source.lock);
        uint64_t version = ++the_source.version;
        pthread_mutex_unlock(&the_source.lock);
        weir_yield(self);
        int result = weir_cache_invalidate(a->cache, "k", 1);
        CHECK(result == 0 || result == -ENOENT);
        pthread_mutex_lock(&the_source.lock);
        if (the_source.valid < version)
            the_source.valid = version;
        pthread_mutex_unlock(&the_source.lock);
        weir_yield(self);
    }
    return 0;
}

typedef struct reader {
    weir_get get; // first
    weir_cache *cache;
    uint64_t valid;
    int left;
    tally *ended;
} reader;

static void reader_next(reader *r);

static void reader_look(reader *r) {
    CHECK_EQ(r->get.status, 0);
    uint64_t version = (uintptr_t)weir_entry_value(r->get.entry);
    if (version < r->valid)
        CHECK_FAIL("stale: version %llu, but %llu was valid",
                   (unsigned long long)version, (unsigned long long)r->valid);
    weir_entry_release(r->get.entry);
    r->left--;
}

static void reader_done(weir_get *get, int status) {
    CHECK_EQ(status, 0);
    reader_look((reader *)get);
    reader_next((reader *)get);
}

static void reader_next(reader *r) {
    while (r->left > 0) {
        r->get = (weir_get)WEIR_GET_INIT("k", 1, reader_done);
        r->valid = source_read(&the_source.valid);
        int result = weir_cache_get(r->cache, &r->get);
        if (result == WEIR_CACHE_PENDING)
            return;
        CHECK_EQ(result, 0);
        reader_look(r);
    }
    mark_set(r->ended);
}

static void writers_and_readers(weir_pool *pool) {
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.load = source_load;
    weir_cache *cache = NULL;
    CHECK_EQ(weir_cache_create(&cache, &options), 0);
    memset(&the_source, 0, sizeof(the_source));
    CHECK_EQ(pthread_mutex_init(&the_source.lock, NULL), 0);
    tally ended;
    tally_init(&ended);
    actor writers[2];
    reader readers[4];
    for (int i = 0; i < 4; i++) {
        if (i < 2) {
            writers[i] =
                (actor){.job = WEIR_JOB_INIT(writer_run, NULL), .cache = cache};
            submit(pool, &writers[i].job);
        }
        readers[i] = (reader){.cache = cache, .left = 60, .ended = &ended};
        reader_next(&readers[i]);
    }
    wait_idle(pool);
    CHECK_EQ(tally_get(&ended), 4);
    weir_cache_destroy(cache);
}

static void nobody_is_given_what_was_invalid_when_he_asked(void) {
    for_each_pool(writers_and_readers);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"invalidate_makes_a_key_absent", invalidate_makes_a_key_absent},
        {"put_replaces_what_there_was", put_replaces_what_there_was},
        {"invalidate_entry_compares_first", invalidate_entry_compares_first},
        {"clear_invalidates_all_keys_at_once",
         clear_invalidates_all_keys_at_once},
        {"a_change_before_the_load_begins", a_change_before_the_load_begins},
        {"a_change_while_the_load_runs", a_change_while_the_load_runs},
        {"a_change_after_the_load_returned_later",
         a_change_after_the_load_returned_later},
        {"a_change_by_the_load_itself", a_change_by_the_load_itself},
        {"who_asks_after_an_invalidate_waits_for_a_new_load",
         who_asks_after_an_invalidate_waits_for_a_new_load},
        {"an_old_flight_that_lands_last_spoils_nothing",
         an_old_flight_that_lands_last_spoils_nothing},
        {"a_stale_failure_is_not_remembered",
         a_stale_failure_is_not_remembered},
        {"many_generations_land_in_any_order",
         many_generations_land_in_any_order},
        {"nobody_is_given_what_was_invalid_when_he_asked",
         nobody_is_given_what_was_invalid_when_he_asked},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

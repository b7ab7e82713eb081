// SPDX-License-Identifier: MIT
// What is kept and for how long: capacity, who goes first, times, references,
// and the listener.
#include "support/cache.h"

enum { KEY = 7 };

// ---- capacity --------------------------------------------------------------

static void bounds(weir_pool *pool) {
    bench b;
    bench_open_room(&b, pool, 10);
    for (uint64_t i = 0; i < 40; i++) {
        plan_of(&b, i)->weight = 1 + i % 4;
        fetch_idle(&b, i);
        weir_cache_counts c = cache_counts(&b);
        CHECK(c.bytes <= 10);
        CHECK(c.bytes > 6 || i < 4); // no more room is made than is needed
        CHECK_EQ(c.entries + b.removed[WEIR_REMOVED_SIZE], i + 1);
    }
    CHECK(cache_counts(&b).bytes_max <= 10);
    CHECK_EQ(cache_counts(&b).capacity, 10);
    bench_close(&b);
}

static void the_weights_never_exceed_the_capacity(void) {
    for_each_pool(bounds);
}

static void heavy(weir_pool *pool) {
    bench b;
    bench_open_room(&b, pool, 10);
    for (uint64_t i = 0; i < 10; i++)
        fetch_idle(&b, i);
    plan_of(&b, 20)->weight = 11;
    ask asks[3];
    for (int i = 0; i < 3; i++)
        ask_init(&b, &asks[i], 20);
    plan_of(&b, 20)->is_later = 1;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    begun(&b, 20, 1);
    land(&b, 20, 0);
    settle(&b, 3);
    wait_idle(pool);
    for (int i = 0; i < 3; i++)
        check_value(&asks[i], 11); // its waiters are served
    CHECK_EQ(find(&b, 20, NULL), -ENOENT);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.too_heavy, 1);
    CHECK_EQ(c.entries, 10); // nobody went for it
    CHECK_EQ(c.bytes, 10);
    CHECK_EQ(b.logged, 0);
    plan_of(&b, 21)->weight = 10; // as heavy as it may be
    fetch_idle(&b, 21);
    CHECK_EQ(find(&b, 21, NULL), 0);
    CHECK_EQ(b.removed[WEIR_REMOVED_SIZE], 10);
    bench_close(&b);
    CHECK_EQ(b.logged, 11); // the heavy one was never kept
}

static void what_is_too_heavy_is_served_and_not_kept(void) {
    for_each_pool(heavy);
}

static void a_put_that_is_too_heavy_is_no_failure(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 10);
    put(&b, KEY, NULL);
    plan_of(&b, KEY)->weight = 11;
    put(&b, KEY, NULL);
    CHECK_EQ(b.released, 2); // in place of what there was, and not kept
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    weir_entry *entry = NULL;
    put(&b, KEY, &entry);
    CHECK_EQ(b.released, 2);
    CHECK(entry != NULL);
    CHECK_EQ(weir_entry_weight(entry), 11);
    CHECK_EQ(cache_counts(&b).lent_bytes, 11);
    weir_entry_release(entry);
    CHECK_EQ(b.released, 3);
    CHECK_EQ(cache_counts(&b).too_heavy, 2);
    // Nor is one that may not be kept at all.
    plan_of(&b, KEY)->weight = 1;
    put(&b, KEY, NULL);
    plan_of(&b, KEY)->ttl_ns = -1;
    put(&b, KEY, NULL);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    CHECK_EQ(b.released, 5);
    bench_close(&b);
    pool_close(pool);
}

static void no_room(weir_pool *pool) {
    bench b;
    bench_open_room(&b, pool, 0);
    plan *p = plan_of(&b, KEY);
    for (uint64_t round = 0; round < 3; round++) {
        p->weight = round == 2 ? 0 : 1; // not even what weighs nothing
        p->is_later = 1;
        ask asks[4];
        for (int i = 0; i < 4; i++)
            ask_pending(&b, &asks[i], KEY);
        begun(&b, KEY, round + 1);
        land(&b, KEY, 0);
        settle(&b, 4 * round + 4);
        for (int i = 0; i < 4; i++)
            check_value(&asks[i], round + 1);
        CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
        rest(&b);
    }
    CHECK_EQ(cache_counts(&b).entries, 0);
    CHECK_EQ(cache_counts(&b).coalesced, 9);
    CHECK_EQ(b.logged, 0);
    bench_close(&b);
}

static void without_room_flights_are_still_shared(void) {
    for_each_pool(no_room);
}

static void huge_weights_do_not_wrap_around(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, SIZE_MAX);
    for (uint64_t i = 0; i < 4; i++) {
        plan_of(&b, i)->weight = SIZE_MAX - i;
        put(&b, i, NULL);
        CHECK_EQ(cache_counts(&b).entries, 1);
        CHECK_EQ(cache_counts(&b).bytes, SIZE_MAX - i);
    }
    plan_of(&b, 5)->weight = SIZE_MAX / 2;
    plan_of(&b, 6)->weight = SIZE_MAX / 2;
    put(&b, 5, NULL);
    put(&b, 6, NULL);
    CHECK_EQ(cache_counts(&b).entries, 2);
    bench_close(&b);
    pool_close(pool);
}

// ---- who goes first --------------------------------------------------------

static void check_log(const bench *b, const char *keys) {
    CHECK_EQ(b->logged, strlen(keys));
    for (size_t i = 0; i < b->logged; i++)
        CHECK_EQ(b->log[i], keys[i]);
}

static void put_all(bench *b, const char *keys) {
    for (; *keys != '\0'; keys++)
        put(b, (uint64_t)*keys, NULL);
}

static void get_all(bench *b, const char *keys) {
    ask a;
    for (; *keys != '\0'; keys++)
        ask_hit(b, &a, (uint64_t)*keys);
}

static void the_oldest_goes_first(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 4);
    put_all(&b, "abcdefgh");
    check_log(&b, "abcd");
    bench_close(&b);
    pool_close(pool);
}

// The hand goes from the oldest to the newest. What was used since it last
// passed is passed by once more; the hand stays where it was.
static void what_is_used_is_kept(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 4);
    put_all(&b, "abcd");
    get_all(&b, "aac");
    put_all(&b, "e"); // passes a, takes b
    check_log(&b, "b");
    put_all(&b, "f"); // passes c, takes d
    check_log(&b, "bd");
    put_all(&b, "g"); // e was not used
    check_log(&b, "bde");
    put_all(&b, "h");
    check_log(&b, "bdef");
    CHECK_EQ(find(&b, 'a', NULL), 0); // where the hand was long ago
    CHECK_EQ(find(&b, 'c', NULL), 0);
    bench_close(&b);
    pool_close(pool);
}

// What is scanned once does not drive out what is used.
static void a_scan_does_not_empty_the_cache(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 32);
    for (uint64_t i = 0; i < 16; i++)
        put(&b, i, NULL);
    for (uint64_t i = 100; i < 400; i++) {
        ask a;
        put(&b, i, NULL);
        ask_hit(&b, &a, i % 16);
    }
    for (uint64_t i = 0; i < 16; i++)
        CHECK_EQ(find(&b, i, NULL), 0);
    bench_close(&b);
    pool_close(pool);
}

static void when_all_are_used_one_goes_all_the_same(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 4);
    put_all(&b, "abcd");
    for (int i = 0; i < 10; i++) {
        char key[2] = {(char)('e' + i), '\0'};
        for (uint64_t k = 'a'; k < 'z'; k++)
            if (find(&b, k, NULL) == 0)
                fetch_idle(&b, k);
        put_all(&b, key);
        CHECK_EQ(find(&b, (uint64_t)key[0], NULL), 0);
        CHECK_EQ(cache_counts(&b).entries, 4);
    }
    bench_close(&b);
    pool_close(pool);
}

static void removing_at_the_hand_does_not_lose_it(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 4);
    put_all(&b, "abcd");
    get_all(&b, "ab");
    put_all(&b, "e"); // takes c; the hand is at d
    CHECK_EQ(invalidate(&b, 'd'), 0);
    put_all(&b, "fg");
    check_log(&b, "cde");
    for (const char *k = "abfg"; *k != '\0'; k++)
        CHECK_EQ(invalidate(&b, (uint64_t)*k), 0);
    put_all(&b, "hijkl");
    CHECK_EQ(cache_counts(&b).entries, 4);
    bench_close(&b);
    pool_close(pool);
}

static void resize_makes_room(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 8);
    put_all(&b, "abcdefgh");
    get_all(&b, "b");
    CHECK_EQ(weir_cache_resize(b.cache, 5), 0);
    check_log(&b, "acd");
    CHECK_EQ(b.removed[WEIR_REMOVED_SIZE], 3);
    CHECK_EQ(cache_counts(&b).capacity, 5);
    CHECK_EQ(weir_cache_resize(b.cache, 8), 0);
    put_all(&b, "ijk");
    CHECK_EQ(cache_counts(&b).entries, 8);
    CHECK_EQ(weir_cache_resize(b.cache, 0), 0);
    CHECK_EQ(cache_counts(&b).entries, 0);
    CHECK_EQ(b.released, 11);
    CHECK_EQ(weir_cache_resize(b.cache, SIZE_MAX), 0);
    put_all(&b, "ab");
    CHECK_EQ(cache_counts(&b).entries, 2);
    bench_close(&b);
    pool_close(pool);
}

// ---- references ------------------------------------------------------------

static void held_entries(weir_pool *pool) {
    bench b;
    bench_open_room(&b, pool, 2);
    ask asks[6];
    for (uint64_t i = 0; i < 6; i++) {
        ask_init(&b, &asks[i], i);
        asks[i].keeps = 1;
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
        settle(&b, i + 1);
    }
    wait_idle(pool);
    CHECK_EQ(cache_counts(&b).entries, 2);
    CHECK_EQ(cache_counts(&b).lent_bytes, 4);
    CHECK_EQ(b.released, 0); // removed, and in use
    CHECK_EQ(b.removed[WEIR_REMOVED_SIZE], 4);
    for (uint64_t i = 0; i < 6; i++) {
        size_t size = 0;
        value *v = weir_entry_value(asks[i].get.entry);
        CHECK_EQ(v->key, i);
        CHECK_EQ(key_read(weir_entry_key(asks[i].get.entry, &size), 8), i);
        CHECK_EQ(weir_entry_weight(asks[i].get.entry), 1);
        ask_release(&asks[i]);
        CHECK_EQ(b.released, i < 4 ? i + 1 : 4);
    }
    CHECK_EQ(cache_counts(&b).lent_bytes, 0);
    bench_close(&b);
}

static void who_holds_an_entry_may_use_it_after_it_went(void) {
    for_each_pool(held_entries);
}

static void a_reference_more_is_one_release_more(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 10);
    weir_entry *entry = NULL;
    put(&b, KEY, &entry);
    CHECK(weir_entry_keep(entry) == entry);
    CHECK_EQ(cache_counts(&b).lent_bytes, 0); // it is kept
    CHECK_EQ(invalidate(&b, KEY), 0);
    CHECK_EQ(cache_counts(&b).lent_bytes, 1);
    weir_entry_release(entry);
    CHECK_EQ(b.released, 0);
    CHECK_EQ(cache_counts(&b).lent_bytes, 1);
    weir_entry_release(entry);
    CHECK_EQ(b.released, 1);
    CHECK_EQ(cache_counts(&b).lent_bytes, 0);
    weir_entry_release(NULL);
    bench_close(&b);
    pool_close(pool);
}

// ---- times -----------------------------------------------------------------

static void open_times(bench *b, weir_pool *pool, int64_t ttl_ns,
                       int64_t idle_ns) {
    weir_cache_options options = bench_options(b, pool);
    options.ttl_ns = ttl_ns;
    options.idle_ns = idle_ns;
    options.clock = bench_clock;
    bench_start(b, &options);
}

static void expires(weir_pool *pool) {
    bench b;
    open_times(&b, pool, 1000, 0);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    uint64_t number = put(&b, KEY + 1, NULL);
    clock_add(&b, 900);
    CHECK_EQ(fetch_idle(&b, KEY), 1); // a get does not make it younger
    CHECK_EQ(fetch_idle(&b, KEY + 1), number);
    clock_add(&b, 200);
    CHECK_EQ(find(&b, KEY + 1, NULL), -ENOENT);
    CHECK_EQ(fetch_idle(&b, KEY), 3);
    CHECK(b.removed[WEIR_REMOVED_EXPIRED] >= 1);
    CHECK(b.released >= 1);
    clock_add(&b, 900);
    CHECK_EQ(fetch_idle(&b, KEY), 3);
    CHECK_EQ(b.loads, 2);
    bench_close(&b);
}

static void a_value_is_kept_as_long_as_the_option_says(void) {
    for_each_pool(expires);
}

static void idles(weir_pool *pool) {
    bench b;
    open_times(&b, pool, 0, 1000);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    CHECK_EQ(fetch_idle(&b, KEY + 1), 2);
    for (int i = 0; i < 5; i++) {
        clock_add(&b, 700);
        CHECK_EQ(fetch_idle(&b, KEY), 1);
    }
    CHECK_EQ(fetch_idle(&b, KEY + 1), 3);
    clock_add(&b, 1100);
    CHECK_EQ(fetch_idle(&b, KEY), 4);
    bench_close(&b);
}

static void a_value_that_nobody_gets_goes(void) { for_each_pool(idles); }

static void both_times_hold(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    open_times(&b, pool, 1000, 600);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    clock_add(&b, 500);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    clock_add(&b, 450);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    clock_add(&b, 100); // not idle, but too old
    CHECK_EQ(fetch_idle(&b, KEY), 2);
    bench_close(&b);
    pool_close(pool);
}

static void result_times(weir_pool *pool) {
    static const int64_t ttls[] = {-1, 0, 5000, WEIR_FOREVER, 10};
    bench b;
    open_times(&b, pool, 1000, 0);
    for (uint64_t i = 0; i < 5; i++) {
        plan_of(&b, i)->ttl_ns = ttls[i];
        fetch_idle(&b, i);
        plan_of(&b, i + 10)->ttl_ns = ttls[i];
        put(&b, i + 10, NULL);
    }
    for (uint64_t i = 0; i <= 10; i += 10) {
        CHECK_EQ(find(&b, i, NULL), -ENOENT); // not at all
        for (uint64_t j = 1; j < 5; j++)
            CHECK_EQ(find(&b, i + j, NULL), 0);
    }
    clock_add(&b, 500);
    CHECK_EQ(find(&b, 4, NULL), -ENOENT);
    CHECK_EQ(find(&b, 14, NULL), -ENOENT);
    clock_add(&b, 1000);
    CHECK_EQ(find(&b, 1, NULL), -ENOENT); // as the option says
    CHECK_EQ(find(&b, 11, NULL), -ENOENT);
    CHECK_EQ(find(&b, 2, NULL), 0);
    clock_add(&b, 5000);
    CHECK_EQ(find(&b, 12, NULL), -ENOENT);
    clock_add(&b, INT64_C(1) << 61);
    CHECK_EQ(find(&b, 3, NULL), 0); // as long as there is room
    CHECK_EQ(find(&b, 13, NULL), 0);
    bench_close(&b);
}

static void the_result_may_say_how_long(void) { for_each_pool(result_times); }

// A load that takes longer than its value may be kept still brings it.
static int takes_time(bench *b, plan *p, weir_worker *self,
                      weir_flight *flight) {
    (void)p;
    (void)self;
    (void)flight;
    clock_add(b, 5000);
    return 0;
}

static void a_time_begins_when_the_load_has_ended(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    open_times(&b, pool, 1000, 1000);
    plan_of(&b, KEY)->act = takes_time;
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    clock_add(&b, 900);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    bench_close(&b);
    pool_close(pool);
}

static void tidy_removes_what_has_expired(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    open_times(&b, pool, 1000, 0);
    put_all(&b, "abc");
    clock_add(&b, 600);
    put_all(&b, "de");
    CHECK_EQ(weir_cache_tidy(b.cache), 0);
    clock_add(&b, 600);
    CHECK_EQ(cache_counts(&b).entries, 5); // nobody has looked
    CHECK_EQ(weir_cache_tidy(b.cache), 3);
    CHECK_EQ(b.removed[WEIR_REMOVED_EXPIRED], 3);
    CHECK_EQ(b.released, 3);
    CHECK_EQ(cache_counts(&b).entries, 2);
    CHECK_EQ(cache_counts(&b).bytes, 2);
    clock_add(&b, 600);
    CHECK_EQ(weir_cache_tidy(b.cache), 2);
    CHECK_EQ(weir_cache_tidy(b.cache), 0);
    bench_close(&b);
    pool_close(pool);
}

static void room_is_made_of_what_has_expired(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open_room(&b, pool, 2);
    plan_of(&b, 'a')->ttl_ns = 1000;
    put_all(&b, "a");
    get_all(&b, "a"); // used, which does not help it
    clock_add(&b, 2000);
    put_all(&b, "bc");
    check_log(&b, "a");
    CHECK_EQ(b.removed[WEIR_REMOVED_EXPIRED], 1);
    CHECK_EQ(b.removed[WEIR_REMOVED_SIZE], 0);
    bench_close(&b);
    pool_close(pool);
}

// The clock of the process, when no other is given.
static void without_a_clock_time_is_that_of_weir(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.ttl_ns = 1;
    bench_start(&b, &options);
    put(&b, KEY, NULL);
    until(weir_now_ns() + 1000);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    bench_close(&b);
    pool_close(pool);
}

// ---- the listener ----------------------------------------------------------

// Every cause once, with the value and its key still there.
static void causes(weir_pool *pool) {
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.capacity = 3;
    options.clock = bench_clock;
    bench_start(&b, &options);
    put_all(&b, "abc");
    put_all(&b, "a"); // replaced
    CHECK_EQ(invalidate(&b, 'b'), 0);
    plan_of(&b, 'd')->ttl_ns = 100;
    put_all(&b, "d");
    put_all(&b, "e"); // c goes, it is the oldest
    clock_add(&b, 200);
    CHECK_EQ(weir_cache_tidy(b.cache), 1);
    CHECK_EQ(weir_cache_clear(b.cache), 2);
    put_all(&b, "fg");
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(b.removed[WEIR_REMOVED_REPLACED], 1);
    CHECK_EQ(b.removed[WEIR_REMOVED_INVALIDATED], 3);
    CHECK_EQ(b.removed[WEIR_REMOVED_SIZE], 1);
    CHECK_EQ(b.removed[WEIR_REMOVED_EXPIRED], 1);
    CHECK_EQ(b.removed[WEIR_REMOVED_STOPPED], 2);
    CHECK_EQ(b.logged, 8);
    CHECK_EQ(b.released, 8);
    bench_free(&b);
    CHECK_EQ(b.logged, 8); // each once
}

static void each_removal_is_told_once_with_its_cause(void) {
    for_each_pool(causes);
}

// It calls everything that it may.
static void calls_back(bench *b, uint64_t key, weir_entry *entry,
                       weir_removal why) {
    (void)entry;
    b->on_removed = NULL; // this once
    uint64_t other = key + 1;
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_count(b->cache, &counts), 0);
    int found = find(b, key, NULL);
    CHECK(found == -ENOENT || (found == 0 && why == WEIR_REMOVED_REPLACED));
    if (why == WEIR_REMOVED_STOPPED) {
        b->plans[PLANS - 1].running++; // it was called
        return;
    }
    put(b, other, NULL);
    CHECK_EQ(find(b, other, NULL), 0);
    CHECK_EQ(invalidate(b, other), 0);
    ask_init(b, b->plans[PLANS - 1].argument, other);
    CHECK_EQ(ask_try(b->plans[PLANS - 1].argument), WEIR_CACHE_PENDING);
    CHECK(weir_cache_tidy(b->cache) >= 0);
    b->plans[PLANS - 1].running++;
}

static void listens(weir_pool *pool) {
    for (weir_removal why = 0; why <= WEIR_REMOVED_STOPPED; why++) {
        bench b;
        ask a;
        weir_cache_options options = bench_options(&b, pool);
        options.capacity = 2;
        options.clock = bench_clock;
        bench_start(&b, &options);
        b.plans[PLANS - 1].argument = &a;
        plan_of(&b, KEY)->ttl_ns = 100;
        plan_of(&b, KEY)->weight = 2;
        put(&b, KEY, NULL);
        b.on_removed = calls_back;
        if (why == WEIR_REMOVED_INVALIDATED)
            CHECK_EQ(invalidate(&b, KEY), 0);
        if (why == WEIR_REMOVED_REPLACED)
            put(&b, KEY, NULL);
        if (why == WEIR_REMOVED_SIZE)
            CHECK_EQ(weir_cache_resize(b.cache, 1), 0);
        if (why == WEIR_REMOVED_EXPIRED) {
            clock_add(&b, 200);
            CHECK_EQ(weir_cache_tidy(b.cache), 1);
        }
        if (why != WEIR_REMOVED_STOPPED)
            settle(&b, 1);
        rest(&b);
        bench_stop(&b, WEIR_STOP_DRAIN);
        CHECK_EQ(b.plans[PLANS - 1].running, 1);
        CHECK(b.removed[why] >= 1);
        bench_free(&b);
    }
}

static void the_listener_may_call_the_cache(void) { for_each_pool(listens); }

static void releases(bench *b, uint64_t key) {
    weir_cache_counts counts = {.size = sizeof(counts)};
    b->on_release = NULL;
    CHECK_EQ(weir_cache_count(b->cache, &counts), 0);
    CHECK_EQ(find(b, key, NULL), -ENOENT);
    put(b, key, NULL);
    ((plan *)&b->plans[PLANS - 1])->running++;
}

static void drops(bench *b, void *argument) {
    (void)argument;
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_count(b->cache, &counts), 0);
    put(b, KEY + 2, NULL);
    b->plans[PLANS - 2].running++;
}

static void release_and_drop(weir_pool *pool) {
    bench b;
    bench_open_room(&b, pool, 10);
    put(&b, KEY, NULL);
    b.on_release = releases;
    CHECK_EQ(invalidate(&b, KEY), 0);
    CHECK_EQ(b.plans[PLANS - 1].running, 1);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    b.on_drop = drops;
    ask a;
    ask_init(&b, &a, KEY + 1);
    a.get.argument = &a;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    settle(&b, 1);
    wait_idle(pool);
    CHECK_EQ(b.plans[PLANS - 2].running, 1);
    CHECK_EQ(find(&b, KEY + 2, NULL), 0);
    bench_close(&b);
}

static void release_and_drop_may_call_the_cache(void) {
    for_each_pool(release_and_drop);
}

// ---- from all sides --------------------------------------------------------

typedef struct churn {
    weir_job job;
    bench *b;
    uint32_t random;
} churn;

static int churn_run(weir_worker *self, weir_job *job) {
    churn *c = (churn *)job;
    bench *b = c->b;
    weir_entry *entry = NULL;
    int status;
    for (int i = 0; i < 60; i++) {
        c->random = c->random * 1664525u + 1013904223u;
        uint32_t what = c->random >> 16;
        uint64_t key = what / 8 % 24;
        if (what % 8 < 3) {
            int found =
                weir_cache_find(b->cache, &key, sizeof(key), &status, &entry);
            if (found == 0) {
                bench_lock(b);
                b->found++;
                bench_unlock(b);
                weir_yield(self);
                CHECK_EQ(((value *)weir_entry_value(entry))->key, key);
                weir_entry_release(entry);
            }
        } else if (what % 8 < 6) {
            put(b, key, NULL);
        } else if (what % 8 == 6) {
            CHECK(invalidate(b, key) <= 0);
        } else {
            CHECK_EQ(weir_cache_resize(b->cache, 8 + key), 0);
        }
        weir_cache_counts counts = {.size = sizeof(counts)};
        CHECK_EQ(weir_cache_count(b->cache, &counts), 0);
        CHECK(counts.bytes <= counts.capacity);
    }
    return 0;
}

static void churns(weir_pool *pool) {
    bench b;
    bench_open_room(&b, pool, 16);
    for (uint64_t i = 0; i < 24; i++)
        plan_of(&b, i)->weight = 1 + i % 5;
    churn jobs[4];
    for (unsigned i = 0; i < 4; i++) {
        jobs[i] = (churn){
            .job = WEIR_JOB_INIT(churn_run, NULL), .b = &b, .random = i * 991u};
        submit(pool, &jobs[i].job);
    }
    wait_idle(pool);
    CHECK(cache_counts(&b).bytes_max <= 40);
    bench_close(&b);
}

static void the_bound_holds_from_all_sides(void) { for_each_pool(churns); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"the_weights_never_exceed_the_capacity",
         the_weights_never_exceed_the_capacity},
        {"what_is_too_heavy_is_served_and_not_kept",
         what_is_too_heavy_is_served_and_not_kept},
        {"a_put_that_is_too_heavy_is_no_failure",
         a_put_that_is_too_heavy_is_no_failure},
        {"without_room_flights_are_still_shared",
         without_room_flights_are_still_shared},
        {"huge_weights_do_not_wrap_around", huge_weights_do_not_wrap_around},
        {"the_oldest_goes_first", the_oldest_goes_first},
        {"what_is_used_is_kept", what_is_used_is_kept},
        {"a_scan_does_not_empty_the_cache", a_scan_does_not_empty_the_cache},
        {"when_all_are_used_one_goes_all_the_same",
         when_all_are_used_one_goes_all_the_same},
        {"removing_at_the_hand_does_not_lose_it",
         removing_at_the_hand_does_not_lose_it},
        {"resize_makes_room", resize_makes_room},
        {"who_holds_an_entry_may_use_it_after_it_went",
         who_holds_an_entry_may_use_it_after_it_went},
        {"a_reference_more_is_one_release_more",
         a_reference_more_is_one_release_more},
        {"a_value_is_kept_as_long_as_the_option_says",
         a_value_is_kept_as_long_as_the_option_says},
        {"a_value_that_nobody_gets_goes", a_value_that_nobody_gets_goes},
        {"both_times_hold", both_times_hold},
        {"the_result_may_say_how_long", the_result_may_say_how_long},
        {"a_time_begins_when_the_load_has_ended",
         a_time_begins_when_the_load_has_ended},
        {"tidy_removes_what_has_expired", tidy_removes_what_has_expired},
        {"room_is_made_of_what_has_expired", room_is_made_of_what_has_expired},
        {"without_a_clock_time_is_that_of_weir",
         without_a_clock_time_is_that_of_weir},
        {"each_removal_is_told_once_with_its_cause",
         each_removal_is_told_once_with_its_cause},
        {"the_listener_may_call_the_cache", the_listener_may_call_the_cache},
        {"release_and_drop_may_call_the_cache",
         release_and_drop_may_call_the_cache},
        {"the_bound_holds_from_all_sides", the_bound_holds_from_all_sides},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

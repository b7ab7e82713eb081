// SPDX-License-Identifier: MIT
// Figures, options, bad arguments, no memory, bounds on flights, fork(2).
#include "support/cache.h"

enum { KEY = 7 };

// ---- figures ---------------------------------------------------------------

static void figures(weir_pool *pool) {
    bench b;
    bench_open_room(&b, pool, 100);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.hits + c.misses + c.coalesced + c.failed_hits + c.flights, 0);
    CHECK_EQ(c.capacity, 100);
    plan_of(&b, 1)->is_later = 1;
    plan_of(&b, 1)->weight = 30;
    ask asks[4];
    for (int i = 0; i < 3; i++)
        ask_pending(&b, &asks[i], 1); // a miss, two that join
    begun(&b, 1, 1);
    c = cache_counts(&b);
    CHECK_EQ(c.misses, 1);
    CHECK_EQ(c.coalesced, 2);
    CHECK_EQ(c.loading, 1);
    CHECK_EQ(c.orphans, 0);
    CHECK_EQ(c.waiting, 3);
    CHECK_EQ(c.entries + c.bytes, 0);
    check_identities(&b, &c);
    CHECK_EQ(weir_get_cancel(b.cache, &asks[2].get), 0);
    settle(&b, 1);
    until(weir_now_ns() + 1000);
    CHECK(cache_counts(&b).oldest_ns > 0);
    land(&b, 1, 0);
    settle(&b, 3);
    wait_idle(pool);
    ask_hit(&b, &asks[3], 1);
    plan_of(&b, 2)->status = -EIO;
    ask_pending(&b, &asks[3], 2);
    settle(&b, 5);
    wait_idle(pool);
    c = cache_counts(&b);
    check_identities(&b, &c);
    CHECK_EQ(c.hits, 1);
    CHECK_EQ(c.misses, 2);
    CHECK_EQ(c.left, 1);
    CHECK_EQ(c.flights, 2);
    CHECK_EQ(c.loaded, 1);
    CHECK_EQ(c.failed, 1);
    CHECK_EQ(c.abandoned + c.stale + c.puts, 0);
    CHECK_EQ(c.loading + c.waiting + c.oldest_ns, 0);
    CHECK_EQ(c.entries, 1);
    CHECK_EQ(c.bytes, 30);
    CHECK_EQ(c.bytes_max, 30);
    CHECK(c.load_total_ns >= 1000 && c.load_max_ns >= 1000);
    CHECK_EQ(invalidate(&b, 1), 0);
    c = cache_counts(&b);
    CHECK_EQ(c.bytes, 0);
    CHECK_EQ(c.bytes_max, 30);
    bench_close(&b);
}

static void the_figures_add_up(void) { for_each_pool(figures); }

// A snapshot is consistent also while all change.
typedef struct looker {
    bench *b;
    tally stop;
    uint64_t looks;
    pthread_t thread;
} looker;

static void *looker_main(void *arg) {
    looker *l = arg;
    weir_cache_counts last = {.size = sizeof(last)};
    do {
        weir_cache_counts c = cache_counts(l->b);
        CHECK_EQ(c.flights,
                 c.loaded + c.failed + c.abandoned + c.loading - c.orphans);
        CHECK(c.orphans <= c.loading);
        CHECK(c.bytes <= c.capacity && c.bytes <= c.bytes_max);
        CHECK(c.stale <= c.loaded + c.failed);
        CHECK(c.hits >= last.hits && c.flights >= last.flights);
        CHECK(c.waiting + c.left <= c.misses + c.coalesced);
        last = c;
        l->looks++;
    } while (tally_get(&l->stop) == 0 || l->looks < 100);
    return NULL;
}

static void a_snapshot_is_consistent_while_all_change(void) {
    enum { ROUNDS = 60, ASKS = 16 };
    static ask asks[ROUNDS][ASKS];
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open_room(&b, pool, 5);
    b.may_overlap = 1;
    for (uint64_t i = 0; i < 8; i++)
        plan_of(&b, i)->weight = 1 + i % 3;
    looker l = {.b = &b};
    tally_init(&l.stop);
    l.thread = thread_start(looker_main, &l);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < ASKS; i++) {
            ask_init(&b, &asks[round][i], i % 8);
            CHECK(ask_try(&asks[round][i]) >= 0);
            if (i % 4 == 0)
                (void)invalidate(&b, (i + round) % 8);
            if (i % 5 == 0)
                (void)weir_get_cancel(b.cache, &asks[round][i].get);
        }
        settle(&b, (round + 1) * ASKS);
    }
    tally_add(&l.stop);
    thread_join(l.thread);
    bench_close(&b);
    pool_close(pool);
}

// ---- options ---------------------------------------------------------------

static void the_name_is_copied_and_short(void) {
    weir_pool *pool = pool_of(1);
    char name[] = "a name of more than thirty-one bytes";
    static const char *const expected = "a name of more than thirty-one ";
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    bench_start(&b, &options);
    CHECK_STR(weir_cache_name(b.cache), "cache");
    bench_close(&b);
    options = bench_options(&b, pool);
    options.name = name;
    bench_start(&b, &options);
    memset(name, 'x', sizeof(name) - 1);
    CHECK_EQ(strlen(weir_cache_name(b.cache)), 31);
    CHECK_STR(weir_cache_name(b.cache), expected);
    bench_close(&b);
    pool_close(pool);
}

static void bad_options_are_refused(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache *cache = NULL;
    weir_cache_options good = bench_options(&b, pool), bad = good;
    bad.pool = NULL;
    CHECK_EQ(weir_cache_create(&cache, &bad), -EINVAL);
    bad = good;
    bad.load = NULL;
    CHECK_EQ(weir_cache_create(&cache, &bad), -EINVAL);
    int64_t *times[] = {&bad.ttl_ns, &bad.idle_ns, &bad.failure_ttl_ns,
                        &bad.load_ns};
    for (size_t i = 0; i < TEST_COUNT(times); i++) {
        bad = good;
        *times[i] = -1;
        CHECK_EQ(weir_cache_create(&cache, &bad), -EINVAL);
        *times[i] = INT64_MIN;
        CHECK_EQ(weir_cache_create(&cache, &bad), -EINVAL);
    }
    struct {
        weir_cache_options known;
        size_t from_the_future;
    } newer = {.known = good, .from_the_future = 1};
    newer.known.size = sizeof(newer);
    CHECK_EQ(weir_cache_create(&cache, &newer.known), -E2BIG);
    CHECK(cache == NULL);
    newer.from_the_future = 0;
    CHECK_EQ(weir_cache_create(&cache, &newer.known), 0);
    weir_cache_destroy(cache);
    pthread_mutex_destroy(&b.lock);
    pool_close(pool);
}

// ---- bad arguments ---------------------------------------------------------

static void bad_gets_are_refused(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    ask a;
    ask_init(&b, &a, KEY);
    a.get.done = NULL;
    CHECK_EQ(ask_try(&a), -EINVAL); // nobody would be told
    ask_init(&b, &a, KEY);
    a.get.key_size = (size_t)1 << 32;
    CHECK_EQ(ask_try(&a), -EINVAL);
    CHECK_EQ(weir_cache_get_wait(b.cache, &a.get), -EINVAL);
    CHECK_EQ(weir_cache_prefetch(b.cache, &a.get), -EINVAL);
    weir_result result = {.value = &a, .weight = 1};
    CHECK_EQ(weir_cache_put(b.cache, &a.key, (size_t)1 << 32, &result, NULL),
             -EINVAL);
    CHECK_EQ(weir_cache_put(b.cache, &a.key, 8, NULL, NULL), -EINVAL);
    weir_cache_counts counts = {.size = 3};
    CHECK_EQ(weir_cache_count(b.cache, &counts), -EINVAL);
    CHECK_EQ(b.released, 0);
    CHECK_EQ(cache_counts(&b).flights + cache_counts(&b).puts, 0);
    bench_close(&b);
    pool_close(pool);
}

// ---- a bound on flights ----------------------------------------------------

static void flights_bound(weir_pool *pool) {
    static const uint64_t more[] = {10, 11};
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.flights_max = 2;
    bench_start(&b, &options);
    plan_of(&b, 1)->is_later = 1;
    ask asks[5];
    ask_pending(&b, &asks[0], 1);
    begun(&b, 1, 1);
    plan_of(&b, 2)->is_later = 1;
    ask_pending(&b, &asks[1], 2);
    begun(&b, 2, 1);
    ask_init(&b, &asks[2], 3);
    CHECK_EQ(ask_try(&asks[2]), -EAGAIN);
    CHECK_EQ(find(&b, 3, NULL), -ENOENT);
    CHECK_EQ(weir_cache_prefetch(b.cache, &asks[2].get), -EAGAIN);
    ask_pending(&b, &asks[3], 1); // joins
    // Loads are not bound: they would wait for each other.
    ask_init(&b, &asks[4], 4);
    asks[4].get.from = plan_of(&b, 1)->flight;
    needs(&b, 4, more, 2);
    CHECK_EQ(ask_try(&asks[4]), WEIR_CACHE_PENDING);
    settle(&b, 1);
    check_value(&asks[4], asks[4].value);
    land(&b, 1, 0);
    settle(&b, 3);
    rest(&b);
    while (cache_counts(&b).loading > 1) // its load has yet to end
        sched_yield();
    ask_pending(&b, &asks[2], 3);
    settle(&b, 4);
    land(&b, 2, 0);
    settle(&b, 5);
    bench_close(&b);
}

static void flights_have_a_bound_for_outsiders(void) {
    for_each_pool(flights_bound);
}

// ---- no memory -------------------------------------------------------------

static void need_faults(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
}

static void disarm(void) { (void)wr_fault_arm(WR_FAULT_ALLOC, 0, 0); }

static void create_says_when_there_is_no_memory(void) {
    need_faults();
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    b.cache = NULL;
    uint64_t steps = 0;
    for (int error = -ENOMEM; error != 0; steps++) {
        wr_fault_arm(WR_FAULT_ALLOC, steps, 1);
        error = weir_cache_create(&b.cache, &options);
        CHECK(error == -ENOMEM || error == 0);
        CHECK((error == 0) == (b.cache != NULL));
    }
    disarm();
    CHECK(steps > 1);
    fetch(&b, KEY);
    bench_close(&b);
    pool_close(pool);
}

static void same_counts(const weir_cache_counts *one,
                        const weir_cache_counts *two) {
    CHECK_EQ(memcmp(one, two, sizeof(*one)), 0);
}

static void a_get_without_memory_has_changed_nothing(void) {
    need_faults();
    weir_pool *pool = pool_seeded(1, 1);
    bench b;
    bench_open(&b, pool);
    // Many keys, so that growing is met too.
    uint64_t refused = 0, n = 0;
    for (uint64_t key = 0; key < 200; key++) {
        ask a, pre;
        uint64_t step = 0;
        for (;; step++) {
            weir_cache_counts before = cache_counts(&b);
            ask_init(&b, &a, key);
            a.get.argument = &a;
            wr_fault_arm(WR_FAULT_ALLOC, step, 1000);
            int result = ask_try(&a);
            disarm();
            if (result == WEIR_CACHE_PENDING)
                break;
            CHECK_EQ(result, -ENOMEM);
            weir_cache_counts after = cache_counts(&b);
            same_counts(&before, &after);
            CHECK_EQ(find(&b, key, NULL), -ENOENT);
            CHECK_EQ(a.is_dropped + a.ended, 0);
            ask_init(&b, &pre, key);
            wr_fault_arm(WR_FAULT_ALLOC, step, 1000);
            CHECK_EQ(weir_cache_prefetch(b.cache, &pre.get), -ENOMEM);
            CHECK_EQ(weir_cache_get_wait(b.cache, &pre.get), -ENOMEM);
            disarm();
            after = cache_counts(&b);
            same_counts(&before, &after);
            refused++;
        }
        settle(&b, ++n);
        CHECK_EQ(a.status, 0);
        wait_idle(pool);
    }
    CHECK(refused >= 200);
    bench_close(&b);
    pool_close(pool);
}

static void a_put_without_memory_leaves_the_value(void) {
    need_faults();
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    for (uint64_t key = 0; key < 100; key++) {
        value *v = value_make(&b, key, 0);
        weir_result result = {.value = v, .weight = 1};
        int error = -ENOMEM;
        for (uint64_t step = 0; error != 0; step++) {
            weir_cache_counts before = cache_counts(&b);
            weir_entry *entry = NULL;
            wr_fault_arm(WR_FAULT_ALLOC, step, 1000);
            error = weir_cache_put(b.cache, &key, sizeof(key), &result, &entry);
            disarm();
            CHECK((error == 0) == (entry != NULL));
            weir_entry_release(entry);
            if (error == 0)
                break;
            CHECK_EQ(error, -ENOMEM);
            weir_cache_counts after = cache_counts(&b);
            same_counts(&before, &after);
            CHECK_EQ(find(&b, key, NULL), -ENOENT);
            CHECK_EQ(b.released, 0);
        }
        CHECK_EQ(find(&b, key, NULL), 0);
    }
    bench_close(&b);
    pool_close(pool);
}

// Replacing: what was there stays.
static void a_failed_put_leaves_what_was_there(void) {
    need_faults();
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    uint64_t number = put(&b, KEY, NULL);
    plan_of(&b, KEY + 1)->is_later = 1;
    ask a;
    ask_pending(&b, &a, KEY + 1);
    begun(&b, KEY + 1, 1);
    weir_result result = {.value = &a, .weight = 1};
    for (uint64_t i = 0; i < 4; i++) { // the first allocation, or the second
        uint64_t key = KEY + i % 2;
        wr_fault_arm(WR_FAULT_ALLOC, i / 2, 1000);
        CHECK_EQ(weir_cache_put(b.cache, &key, sizeof(key), &result, NULL),
                 -ENOMEM);
        disarm();
    }
    uint64_t found = 0;
    CHECK_EQ(find(&b, KEY, &found), 0);
    CHECK_EQ(found, number);
    land(&b, KEY + 1, 0);
    settle(&b, 1);
    CHECK_EQ(find(&b, KEY + 1, NULL), 0); // it publishes
    bench_close(&b);
    pool_close(pool);
}

// What has been accepted needs no more memory to come to its end.
static void nothing_but_starting_and_putting_needs_memory(void) {
    need_faults();
    weir_pool *pool = pool_seeded(3, 2);
    bench b;
    bench_open_room(&b, pool, 4);
    ask asks[12];
    for (uint64_t i = 0; i < 12; i++) {
        plan_of(&b, i % 6)->is_later = 1;
        plan_of(&b, i % 6)->is_bare = 1; // the test's own values allocate
        ask_pending(&b, &asks[i], i % 6);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 1000000);
    ask joins;
    ask_pending(&b, &joins, 0);
    CHECK_EQ(weir_get_cancel(b.cache, &joins.get), 0);
    for (uint64_t i = 0; i < 6; i++) {
        begun(&b, i, 1);
        land(&b, i, i == 5 ? -EIO : 0);
    }
    settle(&b, 13);
    CHECK_EQ(weir_cache_tidy(b.cache), 0);
    CHECK_EQ(weir_cache_resize(b.cache, 2), 0);
    CHECK_EQ(invalidate(&b, 4), 0);
    CHECK_EQ(weir_cache_clear(b.cache), 1);
    bench_stop(&b, WEIR_STOP_ABORT);
    CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), 0);
    disarm();
    for (int i = 0; i < 12; i++)
        CHECK_EQ(asks[i].status, i % 6 == 5 ? -EIO : 0);
    bench_free(&b);
    pool_close(pool);
}

// ---- fork(2) ---------------------------------------------------------------

static void child_calls(bench *b, ask *pending, weir_entry *entry) {
    uint64_t key = KEY;
    int status = 0;
    weir_entry *found = NULL;
    weir_result result = {.weight = 1};
    weir_cache_counts counts = {.size = sizeof(counts)};
    weir_cache *other = NULL;
    ask a;
    ask_init(b, &a, KEY);
    CHECK_EQ(weir_cache_get(b->cache, &a.get), -ECHILD);
    CHECK_EQ(weir_cache_get_wait(b->cache, &a.get), -ECHILD);
    CHECK_EQ(weir_cache_prefetch(b->cache, &a.get), -ECHILD);
    CHECK_EQ(weir_get_cancel(b->cache, &pending->get), -ECHILD);
    CHECK_EQ(weir_cache_find(b->cache, &key, 8, &status, &found), -ECHILD);
    CHECK_EQ(weir_cache_put(b->cache, &key, 8, &result, &found), -ECHILD);
    CHECK_EQ(weir_cache_invalidate(b->cache, &key, 8), -ECHILD);
    CHECK_EQ(weir_cache_invalidate_entry(b->cache, entry), -ECHILD);
    CHECK_EQ(weir_cache_clear(b->cache), -ECHILD);
    CHECK_EQ(weir_cache_tidy(b->cache), -ECHILD);
    CHECK_EQ(weir_cache_resize(b->cache, 3), -ECHILD);
    CHECK_EQ(weir_cache_count(b->cache, &counts), -ECHILD);
    CHECK_EQ(weir_cache_stop(b->cache, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL),
             -ECHILD);
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = b->pool;
    options.load = bench_load;
    CHECK_EQ(weir_cache_create(&other, &options), -ECHILD);
    CHECK(found == NULL && other == NULL);
    weir_flight_end(plan_of(b, KEY + 1)->flight, -EIO, NULL);
    CHECK_STR(weir_cache_name(b->cache), "cache");
    CHECK_EQ(entry_key(entry), KEY); // may be read
    CHECK_EQ(((value *)weir_entry_value(entry))->key, KEY);
    CHECK_EQ(weir_entry_weight(entry), 1);
    weir_cache_destroy(b->cache);
    CHECK_STR(weir_cache_name(b->cache), "cache"); // it freed nothing
    CHECK_EQ(b->logged + b->released, 0);
}

static void a_forked_child_is_refused(void) {
    for (int threads = 0; threads <= 2; threads++) {
        weir_pool *pool = pool_of(threads);
        bench b;
        bench_open(&b, pool);
        weir_entry *entry = NULL;
        put(&b, KEY, &entry);
        plan_of(&b, KEY + 1)->is_later = 1;
        ask a;
        ask_pending(&b, &a, KEY + 1);
        begun(&b, KEY + 1, 1);
        fflush(NULL);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            child_calls(&b, &a, entry);
            _exit(0);
        }
        int status;
        CHECK_EQ(waitpid(child, &status, 0), child);
        CHECK_EQ(status, 0);
        land(&b, KEY + 1, 0); // the parent is as it was
        settle(&b, 1);
        check_value(&a, a.value);
        CHECK_EQ(find(&b, KEY, NULL), 0);
        weir_entry_release(entry);
        bench_close(&b);
        pool_close(pool);
    }
}

// ---- context hooks ---------------------------------------------------------

// load, run and done see what was captured where their get was asked.
static _Thread_local uintptr_t context_now;

static void *hook_capture(void *context) {
    (void)context;
    return (void *)context_now;
}

static void hook_enter(void *context, void *captured) {
    (void)context;
    context_now = (uintptr_t)captured;
}

static void hook_leave(void *context, void *captured) {
    (void)context;
    CHECK_EQ(context_now, (uintptr_t)captured);
    context_now = 0;
}

static int load_in_context(bench *b, plan *p, weir_worker *self,
                           weir_flight *flight) {
    (void)b, (void)p, (void)self, (void)flight;
    CHECK_EQ(context_now, 100); // of who started it
    return 0;
}

static int run_in_context(weir_worker *self, ask *a) {
    (void)self;
    CHECK_EQ(context_now, (uintptr_t)a->argument);
    return 0;
}

static void context_done(weir_get *get, int status) {
    CHECK_EQ(context_now, (uintptr_t)((ask *)get)->argument);
    ask_done(get, status);
}

static void what_was_captured_is_there_in_load_run_and_done(void) {
    static const weir_pool_hooks hooks = {.size = sizeof(hooks),
                                          .capture = hook_capture,
                                          .enter = hook_enter,
                                          .leave = hook_leave};
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    pool_options.threads = 2;
    pool_options.hooks = &hooks;
    weir_pool *pool = pool_open(&pool_options);
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->act = load_in_context;
    plan_of(&b, KEY)->is_later = 1;
    ask asks[4];
    for (uintptr_t i = 0; i < 4; i++) {
        context_now = 100 + i;
        ask_init(&b, &asks[i], KEY);
        if (i % 2)
            ask_acts(&asks[i], run_in_context);
        asks[i].get.done = context_done;
        asks[i].argument = (void *)(100 + i);
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    context_now = 0;
    begun(&b, KEY, 1);
    land(&b, KEY, 0);
    settle(&b, 4);
    bench_close(&b);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"the_figures_add_up", the_figures_add_up},
        {"a_snapshot_is_consistent_while_all_change",
         a_snapshot_is_consistent_while_all_change},
        {"the_name_is_copied_and_short", the_name_is_copied_and_short},
        {"bad_options_are_refused", bad_options_are_refused},
        {"bad_gets_are_refused", bad_gets_are_refused},
        {"flights_have_a_bound_for_outsiders",
         flights_have_a_bound_for_outsiders},
        {"create_says_when_there_is_no_memory",
         create_says_when_there_is_no_memory},
        {"a_get_without_memory_has_changed_nothing",
         a_get_without_memory_has_changed_nothing},
        {"a_put_without_memory_leaves_the_value",
         a_put_without_memory_leaves_the_value},
        {"a_failed_put_leaves_what_was_there",
         a_failed_put_leaves_what_was_there},
        {"nothing_but_starting_and_putting_needs_memory",
         nothing_but_starting_and_putting_needs_memory},
        {"a_forked_child_is_refused", a_forked_child_is_refused},
        {"what_was_captured_is_there_in_load_run_and_done",
         what_was_captured_is_there_in_load_run_and_done},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

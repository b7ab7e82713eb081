// SPDX-License-Identifier: MIT
// Getting: one load for all who ask, each answered once with the truth.
#include "support/cache.h"

enum { KEY = 7, MANY = 64 };

// ---- one load --------------------------------------------------------------

static void many_ask(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[MANY];
    for (int i = 0; i < MANY; i++) {
        ask_pending(&b, &asks[i], KEY);
        CHECK_EQ(asks[i].get.leads, i == 0);
    }
    begun(&b, KEY, 1);
    CHECK_EQ(tally_get(&b.ended), 0);
    CHECK_EQ(cache_counts(&b).waiting, MANY);
    land(&b, KEY, 0);
    settle(&b, MANY);
    for (int i = 0; i < MANY; i++)
        check_value(&asks[i], 1);
    CHECK_EQ(b.loads, 1);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.misses, 1);
    CHECK_EQ(c.coalesced, MANY - 1);
    CHECK_EQ(c.waiting, 0);
    bench_close(&b);
}

static void a_thousand_callers_share_one_load(void) { for_each_pool(many_ask); }

typedef struct caller {
    bench *b;
    gate *gate;
    pthread_t thread;
    ask asks[MANY];
    uint64_t numbers[MANY];
} caller;

static void *caller_main(void *arg) {
    caller *c = arg;
    gate_pass(c->gate);
    for (int i = 0; i < MANY; i++)
        c->numbers[i] = fetch(c->b, KEY + (uint64_t)i);
    for (int i = 0; i < MANY; i++) {
        ask_init(c->b, &c->asks[i], KEY + (uint64_t)i);
        CHECK(ask_try(&c->asks[i]) >= 0);
    }
    return NULL;
}

static void callers_on(int threads) {
    enum { CALLERS = 6 };
    static caller callers[CALLERS];
    weir_pool *pool = pool_of(threads);
    bench b;
    bench_open(&b, pool);
    gate start;
    gate_init(&start);
    for (int i = 0; i < CALLERS; i++) {
        callers[i].b = &b;
        callers[i].gate = &start;
        callers[i].thread = thread_start(caller_main, &callers[i]);
    }
    gate_await(&start, CALLERS);
    gate_open(&start);
    for (int i = 0; i < CALLERS; i++)
        thread_join(callers[i].thread);
    settle(&b, CALLERS * MANY);
    CHECK_EQ(b.loads, MANY);
    for (int i = 1; i < CALLERS; i++)
        for (int k = 0; k < MANY; k++) {
            CHECK_EQ(callers[i].numbers[k], callers[0].numbers[k]);
            check_value(&callers[i].asks[k], callers[0].numbers[k]);
        }
    gate_fini(&start);
    bench_close(&b);
    pool_close(pool);
}

static void threads_that_ask_at_once_share_the_loads(void) {
    for (int round = 0; round < 20; round++) {
        callers_on(1);
        callers_on(2);
        callers_on(4);
    }
}

typedef struct asker {
    weir_job job;
    ask *asks;
    int from, to;
} asker;

static int asker_run(weir_worker *self, weir_job *job) {
    asker *j = (asker *)job;
    for (int i = j->from; i < j->to; i++) {
        CHECK(ask_try(&j->asks[i]) >= 0);
        weir_yield(self);
    }
    return 0;
}

static void jobs_ask(weir_pool *pool) {
    enum { ASKS = 24 };
    bench b;
    bench_open(&b, pool);
    ask asks[ASKS];
    for (int i = 0; i < ASKS; i++)
        ask_init(&b, &asks[i], KEY + (uint64_t)(i % 3));
    asker jobs[8];
    for (int i = 0; i < 8; i++) {
        jobs[i] = (asker){.job = WEIR_JOB_INIT(asker_run, NULL),
                          .asks = asks,
                          .from = i * ASKS / 8,
                          .to = (i + 1) * ASKS / 8};
        submit(pool, &jobs[i].job);
    }
    settle(&b, ASKS);
    wait_idle(pool);
    CHECK_EQ(b.loads, 3);
    int leads = 0;
    for (int i = 0; i < ASKS; i++) {
        check_value(&asks[i], asks[i % 3].value);
        leads += asks[i].get.leads;
    }
    CHECK_EQ(leads, 3);
    bench_close(&b);
}

static void jobs_that_ask_share_the_loads(void) { for_each_pool(jobs_ask); }

static void different(weir_pool *pool) {
    enum { KEYS = 16 };
    bench b;
    bench_open(&b, pool);
    ask asks[KEYS];
    for (int i = 0; i < KEYS; i++)
        ask_pending(&b, &asks[i], (uint64_t)i);
    settle(&b, KEYS);
    CHECK_EQ(b.loads, KEYS);
    for (int i = 0; i < KEYS; i++)
        CHECK_EQ(asks[i].value_key, i);
    CHECK_EQ(cache_counts(&b).entries, KEYS);
    bench_close(&b);
}

static void each_key_has_a_load_of_its_own(void) { for_each_pool(different); }

// ---- the answer ------------------------------------------------------------

static int run_never(weir_worker *self, ask *a) {
    (void)self;
    (void)a;
    CHECK_FAIL("run was called for an answer that was known");
    return 0;
}

static void hits(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    uint64_t number = fetch(&b, KEY);
    ask a;
    for (int i = 0; i < 10; i++) {
        ask_hit(&b, &a, KEY);
        check_value(&a, number);
    }
    ask_acts(&a, run_never); // nor is run called
    a.ended = 0;
    CHECK_EQ(ask_try(&a), 0);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.hits, 11);
    CHECK_EQ(c.misses, 1);
    CHECK_EQ(b.loads, 1);
    bench_close(&b);
}

static void a_hit_is_answered_at_once(void) { for_each_pool(hits); }

static void a_hit_allocates_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    fetch(&b, KEY);
    wait_idle(pool);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    for (int i = 0; i < 1000; i++) {
        ask a;
        ask_hit(&b, &a, KEY);
        CHECK_EQ(find(&b, KEY, NULL), 0);
        CHECK_EQ(find(&b, KEY + 1, NULL), -ENOENT);
    }
    CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), 0);
    bench_close(&b);
    pool_close(pool);
}

static int return_3(weir_worker *self, ask *a) {
    CHECK_EQ(a->get.status, 0);
    CHECK(a->get.entry != NULL);
    weir_yield(self);
    return -3;
}

static void runs(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask a, only_run;
    ask_init(&b, &a, KEY);
    ask_acts(&a, return_3);
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    settle(&b, 1);
    CHECK_EQ(a.ran, 1);
    CHECK_EQ(a.status, -3);
    CHECK_EQ(a.get.status, 0); // stays
    CHECK_EQ(a.value, 1);
    // done may be missing; what run does is over when the pool is idle.
    ask_init(&b, &only_run, KEY + 1);
    ask_acts(&only_run, return_3);
    only_run.get.done = NULL;
    CHECK_EQ(ask_try(&only_run), WEIR_CACHE_PENDING);
    begun(&b, KEY + 1, 1);
    wait_idle(pool);
    CHECK_EQ(only_run.ran, 1);
    CHECK_EQ(only_run.ended, 0);
    CHECK_EQ(only_run.get.status, 0);
    ask_release(&only_run);
    bench_close(&b);
}

static void run_comes_first_and_done_gets_what_it_returns(void) {
    for_each_pool(runs);
}

// A run is a job: it may open scopes and wait.
typedef struct child {
    weir_job job;
    int ran;
} child;

static int child_run(weir_worker *self, weir_job *job) {
    weir_yield(self);
    ((child *)job)->ran++;
    return 0;
}

static int scope_in(weir_worker *self) {
    child children[4];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 4; i++) {
        children[i] = (child){.job = WEIR_JOB_INIT(child_run, NULL)};
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(children[i].ran, 1);
    return 0;
}

static int run_scope(weir_worker *self, ask *a) {
    (void)a;
    return scope_in(self);
}

static void runs_wait(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask asks[6];
    for (int i = 0; i < 6; i++) {
        ask_init(&b, &asks[i], KEY);
        ask_acts(&asks[i], run_scope);
        CHECK(ask_try(&asks[i]) >= 0);
    }
    settle(&b, 6);
    for (int i = 0; i < 6; i++)
        check_value(&asks[i], 1);
    bench_close(&b);
}

static void a_run_may_work_and_wait(void) { for_each_pool(runs_wait); }

// done gives the get back: it asks again from there.
static void again_done(weir_get *get, int status) {
    ask *a = (ask *)get;
    CHECK_EQ(status, 0);
    ask_look(a);
    ask_release(a);
    mark_set(&a->b->ended);
    if (a->key == KEY + 5)
        return;
    a->key++;
    *get = (weir_get)WEIR_GET_INIT(&a->key, sizeof(a->key), again_done);
    bench *b = a->b;
    ask_accepted(b);
    CHECK_EQ(weir_cache_get(b->cache, get), WEIR_CACHE_PENDING);
}

static void asks_again(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    ask a;
    ask_init(&b, &a, KEY);
    a.get.done = again_done;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    settle(&b, 6);
    CHECK_EQ(b.loads, 6);
    bench_close(&b);
}

static void done_gives_the_get_back(void) { for_each_pool(asks_again); }

static void free_done(weir_get *get, int status) {
    ask *a = (ask *)get;
    bench *b = a->b;
    CHECK_EQ(status, 0);
    weir_entry_release(get->entry);
    memset(a, 0x5a, sizeof(*a));
    free(a);
    mark_set(&b->ended);
}

static void frees(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    for (int i = 0; i < 20; i++) {
        ask *a = malloc(sizeof(*a));
        CHECK(a != NULL);
        ask_init(&b, a, KEY);
        a->get.done = free_done;
        CHECK_EQ(weir_cache_get(b.cache, &a->get), WEIR_CACHE_PENDING);
        ask_accepted(&b);
    }
    begun(&b, KEY, 1);
    land(&b, KEY, 0);
    settle(&b, 20);
    bench_close(&b);
}

static void done_may_free_the_get(void) { for_each_pool(frees); }

// ---- arguments -------------------------------------------------------------

static void arguments(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[4], later;
    for (int i = 0; i < 4; i++) {
        ask_init(&b, &asks[i], KEY);
        asks[i].get.argument = &asks[i];
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
        CHECK_EQ(asks[i].get.leads, i == 0);
    }
    begun(&b, KEY, 1);
    CHECK(weir_flight_argument(plan_of(&b, KEY)->flight) == &asks[0]);
    CHECK_EQ(b.dropped, 0);
    land(&b, KEY, 0);
    settle(&b, 4);
    ask_init(&b, &later, KEY);
    later.get.argument = &later;
    CHECK_EQ(ask_try(&later), 0); // a hit takes none
    bench_stop(&b, WEIR_STOP_DRAIN);
    CHECK_EQ(asks[0].is_dropped, 1);
    CHECK_EQ(b.dropped, 1);
    bench_free(&b);
}

static void the_leaders_argument_is_taken_and_dropped_once(void) {
    for_each_pool(arguments);
}

static void argument_nulls(weir_pool *pool) {
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.drop = NULL;
    options.removed = NULL;
    bench_start(&b, &options);
    ask a;
    ask_init(&b, &a, KEY);
    a.get.argument = &a;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    settle(&b, 1);
    CHECK_EQ(weir_cache_stop(b.cache, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    bench_free(&b);
}

static void drop_and_removed_may_be_missing(void) {
    for_each_pool(argument_nulls);
}

// A flight that is never loaded drops its argument too.
static void a_load_that_never_ran_drops_its_argument(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    bench_open(&b, pool);
    held h;
    hold(pool, &h);
    ask a;
    ask_init(&b, &a, KEY);
    a.get.argument = &a;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    CHECK_EQ(weir_cache_stop(b.cache, WEIR_STOP_CANCEL, 1, NULL), -ETIMEDOUT);
    release(&h);
    bench_stop(&b, WEIR_STOP_CANCEL);
    CHECK_EQ(b.loads, 0);
    CHECK_EQ(a.is_dropped, 1);
    check_failed(&a, -ESHUTDOWN);
    bench_free(&b);
    pool_close(pool);
    gate_fini(&h.gate);
}

// ---- keys ------------------------------------------------------------------

typedef struct raw {
    tally loads;
    tally ended;
    char seen[300];
    size_t seen_size;
} raw;

static int raw_load(void *context, weir_worker *self, weir_flight *flight,
                    weir_result *result) {
    raw *r = context;
    (void)self;
    size_t size;
    const void *key = weir_flight_key(flight, &size);
    CHECK(size <= sizeof(r->seen));
    if (size > 0)
        memcpy(r->seen, key, size);
    r->seen_size = size;
    result->value = (void *)(uintptr_t)tally_add(&r->loads);
    result->weight = size;
    return 0;
}

static weir_cache *raw_open(raw *r, weir_pool *pool) {
    memset(r, 0, sizeof(*r));
    tally_init(&r->loads);
    tally_init(&r->ended);
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.context = r;
    options.load = raw_load;
    weir_cache *cache = NULL;
    CHECK_EQ(weir_cache_create(&cache, &options), 0);
    return cache;
}

// raw_get: the number of the load whose value the key has.
static uintptr_t raw_get(weir_cache *cache, const void *key, size_t size) {
    weir_get get = WEIR_GET_INIT(key, size, NULL);
    CHECK_EQ(weir_cache_get_wait(cache, &get), 0);
    CHECK_EQ(get.status, 0);
    size_t found = 12345;
    const void *copy = weir_entry_key(get.entry, &found);
    CHECK_EQ(found, size);
    CHECK(size == 0 || (copy != key && memcmp(copy, key, size) == 0));
    uintptr_t number = (uintptr_t)weir_entry_value(get.entry);
    CHECK_EQ(weir_entry_weight(get.entry), size);
    weir_entry_release(get.entry);
    return number;
}

static void a_key_of_no_size_is_a_key(void) {
    weir_pool *pool = pool_of(1);
    raw r;
    weir_cache *cache = raw_open(&r, pool);
    CHECK_EQ(raw_get(cache, NULL, 0), 1);
    CHECK_EQ(r.seen_size, 0);
    CHECK_EQ(raw_get(cache, "anything", 0), 1);
    CHECK_EQ(raw_get(cache, "", 1), 2);
    CHECK_EQ(weir_cache_invalidate(cache, NULL, 0), 0);
    CHECK_EQ(raw_get(cache, NULL, 0), 3);
    CHECK_EQ(raw_get(cache, "", 1), 2);
    weir_cache_destroy(cache);
    pool_close(pool);
}

static void keys_differ_in_any_byte_and_in_length(void) {
    weir_pool *pool = pool_of(2);
    raw r;
    weir_cache *cache = raw_open(&r, pool);
    char key[300];
    memset(key, 0, sizeof(key));
    uintptr_t next = 1;
    for (size_t size = 0; size <= 64; size++)
        CHECK_EQ(raw_get(cache, key, size), next++);
    for (size_t i = 0; i < 64; i++) {
        key[i] = 1;
        CHECK_EQ(raw_get(cache, key, 64), next++);
        key[i] = (char)0x80;
        CHECK_EQ(raw_get(cache, key, 64), next++);
        key[i] = 0;
    }
    for (size_t size = 0; size <= 64; size++)
        CHECK_EQ(raw_get(cache, key, size), size + 1);
    weir_cache_destroy(cache);
    pool_close(pool);
}

static void keys_are_read_during_the_call_only(void) {
    weir_pool *pool = pool_of(1);
    raw r;
    weir_cache *cache = raw_open(&r, pool);
    held h;
    hold(pool, &h);
    char *key = malloc(300);
    CHECK(key != NULL);
    memset(key, 'k', 300);
    weir_get get = WEIR_GET_INIT(key, 300, NULL);
    CHECK_EQ(weir_cache_prefetch(cache, &get), 0);
    memset(key, 'x', 300); // before the load has run
    free(key);
    release(&h);
    wait_idle(pool);
    CHECK_EQ(r.seen_size, 300);
    for (int i = 0; i < 300; i++)
        CHECK_EQ(r.seen[i], 'k');
    char same[300];
    memset(same, 'k', sizeof(same));
    CHECK_EQ(raw_get(cache, same, 300), 1);
    weir_cache_destroy(cache);
    pool_close(pool);
    gate_fini(&h.gate);
}

// A megabyte, different in its last byte.
static void a_key_may_be_long(void) {
    weir_pool *pool = pool_of(2);
    raw r;
    weir_cache *cache = raw_open(&r, pool);
    size_t size = 1 << 20;
    char *key = calloc(1, size);
    CHECK(key != NULL);
    weir_result result = {.weight = 1};
    weir_entry *entry = NULL;
    int status;
    CHECK_EQ(weir_cache_put(cache, key, size, &result, NULL), 0);
    key[size - 1] = 1;
    CHECK_EQ(weir_cache_find(cache, key, size, &status, &entry), -ENOENT);
    key[size - 1] = 0;
    CHECK_EQ(weir_cache_find(cache, key, size, &status, &entry), 0);
    weir_entry_release(entry);
    free(key);
    weir_cache_destroy(cache);
    pool_close(pool);
}

static void many_keys_are_all_found(void) {
    enum { KEYS = 20000 };
    weir_pool *pool = pool_of(2);
    raw r;
    weir_cache *cache = raw_open(&r, pool);
    weir_entry *entry = NULL;
    int status;
    for (uint32_t i = 0; i < KEYS; i++) {
        weir_result result = {.value = (void *)(uintptr_t)(i + 1), .weight = 1};
        CHECK_EQ(weir_cache_put(cache, &i, sizeof(i), &result, NULL), 0);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        CHECK_EQ(weir_cache_find(cache, &i, sizeof(i), &status, &entry), 0);
        CHECK_EQ((uintptr_t)weir_entry_value(entry), i + 1);
        weir_entry_release(entry);
    }
    for (uint32_t i = 0; i < KEYS; i += 2)
        CHECK_EQ(weir_cache_invalidate(cache, &i, sizeof(i)), 0);
    for (uint32_t i = 0; i < KEYS; i++) {
        int found = weir_cache_find(cache, &i, sizeof(i), &status, &entry);
        CHECK_EQ(found, i % 2 == 0 ? -ENOENT : 0);
        if (found == 0)
            weir_entry_release(entry);
    }
    CHECK_EQ(weir_cache_clear(cache), KEYS / 2);
    weir_cache_destroy(cache);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_thousand_callers_share_one_load",
         a_thousand_callers_share_one_load},
        {"threads_that_ask_at_once_share_the_loads",
         threads_that_ask_at_once_share_the_loads},
        {"jobs_that_ask_share_the_loads", jobs_that_ask_share_the_loads},
        {"each_key_has_a_load_of_its_own", each_key_has_a_load_of_its_own},
        {"a_hit_is_answered_at_once", a_hit_is_answered_at_once},
        {"a_hit_allocates_nothing", a_hit_allocates_nothing},
        {"run_comes_first_and_done_gets_what_it_returns",
         run_comes_first_and_done_gets_what_it_returns},
        {"a_run_may_work_and_wait", a_run_may_work_and_wait},
        {"done_gives_the_get_back", done_gives_the_get_back},
        {"done_may_free_the_get", done_may_free_the_get},
        {"the_leaders_argument_is_taken_and_dropped_once",
         the_leaders_argument_is_taken_and_dropped_once},
        {"drop_and_removed_may_be_missing", drop_and_removed_may_be_missing},
        {"a_load_that_never_ran_drops_its_argument",
         a_load_that_never_ran_drops_its_argument},
        {"a_key_of_no_size_is_a_key", a_key_of_no_size_is_a_key},
        {"keys_differ_in_any_byte_and_in_length",
         keys_differ_in_any_byte_and_in_length},
        {"keys_are_read_during_the_call_only",
         keys_are_read_during_the_call_only},
        {"a_key_may_be_long", a_key_may_be_long},
        {"many_keys_are_all_found", many_keys_are_all_found},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// The hazards of the reference system, one by one: a cache of compiled graphs
// beside a worker pool, with compile and compute requests. Those that are not
// the cache's have their tests where the service has its own:
//   H5 (order of a timeline), H7 (constants resolved too early), H9 (a crash in
//   a kernel), H11 (a context that is destroyed), H12 (one name, two contents).
#include "support/cache.h"

enum { KEY = 7, COMPUTES = 64 };

static weir_pool *strict_pool(int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = WEIR_STAND_INS_NONE;
    return pool_open(&options);
}

// ---- h1: a compute that arrives while its compile runs ---------------------

static int compute(weir_worker *self, ask *a) {
    weir_yield(self);
    CHECK_EQ(a->get.status, 0);
    CHECK(a->get.entry != NULL);
    return 0;
}

typedef struct request {
    weir_job job;
    ask a;
} request;

static int request_run(weir_worker *self, weir_job *job) {
    (void)self;
    request *r = (request *)job;
    CHECK(find(r->a.b, KEY, NULL) != -ENOENT); // it was submitted earlier
    CHECK(ask_try(&r->a) >= 0);
    return 0;
}

typedef enum order { FIFO, LIFO, DIRECT } order;

// Compile(k), then 64 times Compute(k), each a job of the pool that asks (or,
// DIRECT, asked here). LIFO: the compile has the lowest priority and the
// computes the highest, and they are queued before anything can run.
static void compile_and_compute(weir_pool *pool, order how) {
    static request requests[COMPUTES];
    bench b;
    bench_open(&b, pool);
    unsigned width = b.is_deterministic ? 0 : weir_pool_width(pool);
    held h[16];
    for (unsigned i = 0; i < width; i++)
        hold(pool, &h[i]);
    ask compile;
    ask_init(&b, &compile, KEY);
    compile.get.argument = &compile;
    if (how == LIFO)
        compile.get.priority = WEIR_PRIORITY_LOW;
    CHECK_EQ(ask_try(&compile), WEIR_CACHE_PENDING);
    for (int i = 0; i < COMPUTES; i++) {
        request *r = &requests[how == LIFO ? COMPUTES - 1 - i : i];
        r->job = (weir_job)WEIR_JOB_INIT(request_run, NULL);
        ask_init(&b, &r->a, KEY);
        ask_acts(&r->a, compute);
        if (how == LIFO)
            r->job.priority = r->a.get.priority = WEIR_PRIORITY_HIGH;
        if (how == DIRECT)
            CHECK_EQ(ask_try(&r->a), WEIR_CACHE_PENDING);
        else
            submit(pool, &r->job);
    }
    for (unsigned i = 0; i < width; i++)
        release(&h[i]);
    settle(&b, COMPUTES + 1);
    wait_idle(pool);
    CHECK_EQ(b.loads, 1);
    check_value(&compile, 1);
    for (int i = 0; i < COMPUTES; i++) {
        check_value(&requests[i].a, 1);
        CHECK_EQ(requests[i].a.get.leads, 0);
    }
    CHECK_EQ(cache_counts(&b).misses, 1);
    bench_close(&b);
    for (unsigned i = 0; i < width; i++)
        gate_fini(&h[i].gate);
}

static void all_orders(weir_pool *pool) {
    compile_and_compute(pool, FIFO);
    compile_and_compute(pool, LIFO);
    compile_and_compute(pool, DIRECT);
}

static void h1_one_compile_64_true_results_at_any_width(void) {
    static const int widths[] = {1, 2, 16};
    for (size_t i = 0; i < TEST_COUNT(widths); i++) {
        weir_pool *pool = pool_of(widths[i]);
        all_orders(pool);
        pool_close(pool);
        pool = strict_pool(widths[i]);
        all_orders(pool);
        pool_close(pool);
    }
}

static void h1_one_compile_64_true_results_in_any_order(void) {
    for (unsigned seed = 0; seed <= TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + seed % 4);
        all_orders(pool);
        pool_close(pool);
    }
}

// From the moment the call has returned, before any job of it has run.
static void at_submit(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask a;
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    ask_pending(&b, &a, KEY);
    CHECK_EQ(find(&b, KEY, NULL), -EAGAIN);
    begun(&b, KEY, 1);
    CHECK_EQ(find(&b, KEY, NULL), -EAGAIN);
    land(&b, KEY, 0);
    settle(&b, 1);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    bench_close(&b);
}

static void h1_a_flight_is_seen_from_its_submit_on(void) {
    for_each_pool(at_submit);
}

// ---- h2: waiters that fill the pool while the load is queued ---------------

static void waiters_first(int threads, int stand_ins) {
    enum { WAITERS = 12 };
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = stand_ins;
    weir_pool *pool = pool_open(&options);
    static request requests[WAITERS];
    bench b;
    bench_open(&b, pool);
    held h[2];
    for (int i = 0; i < threads; i++)
        hold(pool, &h[i]);
    ask compile;
    ask_init(&b, &compile, KEY);
    compile.get.priority = WEIR_PRIORITY_LOW; // after all that wait for it
    CHECK_EQ(ask_try(&compile), WEIR_CACHE_PENDING);
    for (int i = 0; i < WAITERS; i++) {
        request *r = &requests[i];
        r->job = (weir_job)WEIR_JOB_INIT(request_run, NULL);
        r->job.priority = WEIR_PRIORITY_HIGH;
        ask_init(&b, &r->a, KEY);
        ask_acts(&r->a, compute);
        submit(pool, &r->job);
    }
    for (int i = 0; i < threads; i++)
        release(&h[i]);
    settle(&b, WAITERS + 1);
    for (int i = 0; i < WAITERS; i++)
        check_value(&requests[i].a, 1);
    bench_close(&b);
    pool_close(pool);
    for (int i = 0; i < threads; i++)
        gate_fini(&h[i].gate);
}

static void h2_all_workers_wait_before_the_load_they_need(void) {
    for (int threads = 1; threads <= 2; threads++) {
        waiters_first(threads, WEIR_STAND_INS_NONE);
        waiters_first(threads, threads);
    }
}

// More distinct keys than workers, each load of which gets another; and the
// latter are started last.
static void storm(weir_pool *pool) {
    enum { KEYS = 16, DEPTH = 3 };
    static uint64_t next[KEYS * DEPTH];
    static ask asks[KEYS];
    bench b;
    bench_open(&b, pool);
    for (uint64_t i = 0; i < KEYS * (DEPTH - 1); i++) {
        next[i] = i + KEYS;
        needs(&b, i, &next[i], 1);
    }
    for (uint64_t i = 0; i < KEYS; i++)
        ask_pending(&b, &asks[i], i);
    settle(&b, KEYS);
    for (int i = 0; i < KEYS; i++)
        check_value(&asks[i], asks[i].value);
    CHECK_EQ(b.loads, KEYS * DEPTH);
    bench_close(&b);
}

static void h2_a_storm_of_loads_that_get_others(void) {
    for (int threads = 1; threads <= 2; threads++) {
        weir_pool *pool = strict_pool(threads);
        storm(pool);
        pool_close(pool);
    }
    for_each_pool(storm);
}

// ---- h3: a wait that helps runs what waits for it --------------------------

typedef struct part {
    weir_fork fork;
    int depth;
    long sum;
} part;

static void part_run(weir_worker *self, weir_fork *fork) {
    part *p = (part *)fork;
    if (p->depth == 0) {
        p->sum = 1;
        return;
    }
    part left = {.depth = p->depth - 1}, right = {.depth = p->depth - 1};
    weir_fork_begin(self, &right.fork, part_run);
    part_run(self, &left.fork);
    weir_fork_join(self, &right.fork, part_run);
    p->sum = left.sum + right.sum;
}

// A load that works in parallel on the pool whose queue is full of computes
// that want it.
static int parallel_load(bench *b, plan *p, weir_worker *self,
                         weir_flight *flight) {
    (void)b, (void)p, (void)flight;
    weir_scope scope;
    work children[8];
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 8; i++) {
        children[i] = work_of(0);
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    part all = {.depth = 6};
    part_run(self, &all.fork);
    CHECK_EQ(all.sum, 64);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(children[i].ran, 1);
    return 0;
}

static void loads_in_parallel(weir_pool *pool) {
    static request requests[COMPUTES];
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->act = parallel_load;
    ask compile;
    ask_pending(&b, &compile, KEY);
    for (int i = 0; i < COMPUTES; i++) {
        request *r = &requests[i];
        r->job = (weir_job)WEIR_JOB_INIT(request_run, NULL);
        ask_init(&b, &r->a, KEY);
        ask_acts(&r->a, compute);
        submit(pool, &r->job);
    }
    settle(&b, COMPUTES + 1);
    CHECK_EQ(b.loads, 1);
    wait_idle(pool);
    bench_close(&b);
}

static void h3_a_load_may_work_on_the_pool_of_its_waiters(void) {
    for (int threads = 1; threads <= 2; threads++) {
        weir_pool *pool = strict_pool(threads);
        for (int i = 0; i < 50; i++)
            loads_in_parallel(pool);
        pool_close(pool);
    }
    for_each_pool(loads_in_parallel);
}

// And what a compute does with an entry may wait for the same pool.
static int parallel_compute(weir_worker *self, ask *a) {
    return parallel_load(a->b, NULL, self, NULL);
}

static void computes_in_parallel(weir_pool *pool) {
    enum { ASKS = 12 };
    static ask asks[ASKS];
    bench b;
    bench_open(&b, pool);
    for (uint64_t i = 0; i < ASKS; i++) {
        if (i < 3) // later ones may be loading already
            plan_of(&b, i)->act = parallel_load;
        ask_init(&b, &asks[i], i % 3);
        ask_acts(&asks[i], parallel_compute);
        CHECK(ask_try(&asks[i]) >= 0);
    }
    settle(&b, ASKS);
    CHECK_EQ(b.loads, 3);
    bench_close(&b);
}

static void h3_a_compute_may_work_on_the_pool_of_its_load(void) {
    weir_pool *pool = strict_pool(1);
    for (int i = 0; i < 5; i++)
        computes_in_parallel(pool);
    pool_close(pool);
    for_each_pool(computes_in_parallel);
}

// ---- h4: a waiter that costs a worker --------------------------------------

static int does_nothing(weir_worker *self, void *argument) {
    (void)self, (void)argument;
    return 0;
}

static void h4_waiters_hold_no_worker(void) {
    for (int threads = 1; threads <= 2; threads++) {
        static ask asks[COMPUTES];
        weir_pool *pool = strict_pool(threads);
        bench b;
        bench_open(&b, pool);
        plan_of(&b, KEY)->is_later = 1;
        for (int i = 0; i < COMPUTES; i++)
            ask_pending(&b, &asks[i], KEY);
        begun(&b, KEY, 1);
        // Everybody else goes on, other keys too.
        CHECK_EQ(fetch(&b, KEY + 1), 2);
        ask other;
        ask_init(&b, &other, KEY + 1);
        CHECK_EQ(ask_try(&other), 0);
        int status = -1;
        CHECK_EQ(weir_run(pool, does_nothing, NULL, &status), 0);
        CHECK_EQ(status, 0);
        CHECK_EQ(counts_of(pool).loans, 0);
        CHECK(counts_of(pool).place_highest <= (uint64_t)threads);
        land(&b, KEY, 0);
        settle(&b, COMPUTES + 1);
        bench_close(&b);
        pool_close(pool);
    }
}

// ---- h6: a key that two clients can never share ----------------------------

typedef struct client {
    unsigned char key[24];
    uintptr_t number;
    pthread_t thread;
} client;

static int content_load(void *context, weir_worker *self, weir_flight *flight,
                        weir_result *result) {
    (void)self, (void)flight;
    result->value = (void *)(uintptr_t)tally_add(context);
    result->weight = 1;
    return 0;
}

static weir_cache *content_cache;

static void *client_main(void *arg) {
    client *c = arg;
    weir_get get = WEIR_GET_INIT(c->key, sizeof(c->key), NULL);
    CHECK_EQ(weir_cache_get_wait(content_cache, &get), 0);
    c->number = (uintptr_t)weir_entry_value(get.entry);
    weir_entry_release(get.entry);
    return NULL;
}

static void h6_clients_share_what_has_the_same_content(void) {
    enum { CLIENTS = 8 };
    weir_pool *pool = pool_of(2);
    tally loads;
    tally_init(&loads);
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.context = &loads;
    options.load = content_load;
    CHECK_EQ(weir_cache_create(&content_cache, &options), 0);
    client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        memset(&clients[i], 0, sizeof(clients[i]));
        memcpy(clients[i].key, i % 2 ? "graph one" : "graph two", 9);
        clients[i].thread = thread_start(client_main, &clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++)
        thread_join(clients[i].thread);
    for (int i = 2; i < CLIENTS; i++)
        CHECK_EQ(clients[i].number, clients[i % 2].number);
    CHECK(clients[0].number != clients[1].number);
    CHECK_EQ(tally_get(&loads), 2);
    weir_cache_destroy(content_cache);
    pool_close(pool);
}

// ---- h8: a lock held while an entry is used --------------------------------

static int computes_together(weir_worker *self, ask *a) {
    (void)self;
    gate_meet(a->argument, 2); // neither ends before both have begun
    return 0;
}

static void h8_two_computes_of_one_entry_overlap(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open(&b, pool);
    gate both;
    gate_init(&both);
    plan_of(&b, KEY)->is_later = 1;
    ask asks[2];
    for (int i = 0; i < 2; i++) {
        ask_init(&b, &asks[i], KEY);
        ask_acts(&asks[i], computes_together);
        asks[i].argument = &both;
        CHECK_EQ(ask_try(&asks[i]), WEIR_CACHE_PENDING);
    }
    begun(&b, KEY, 1);
    land(&b, KEY, 0);
    settle(&b, 2);
    gate_fini(&both);
    bench_close(&b);
    pool_close(pool);
}

static int computes_held(weir_worker *self, ask *a) {
    (void)self;
    gate_pass(a->argument);
    return 0;
}

// While a compute of A is held: a compile of B ends, A is found, invalidated,
// evicted, loaded anew.
static void h8_others_go_on_while_an_entry_is_used(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open_room(&b, pool, 1);
    gate busy;
    gate_init(&busy);
    ask a;
    ask_init(&b, &a, KEY);
    ask_acts(&a, computes_held);
    a.argument = &busy;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    gate_await(&busy, 1);
    CHECK_EQ(find(&b, KEY, NULL), 0);
    CHECK_EQ(fetch(&b, KEY + 1), 2); // evicts it
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    CHECK_EQ(fetch(&b, KEY), 3);
    CHECK_EQ(invalidate(&b, KEY), 0);
    CHECK_EQ(((value *)weir_entry_value(a.get.entry))->number, 1);
    gate_open(&busy);
    settle(&b, 1);
    check_value(&a, 1);
    gate_fini(&busy);
    bench_close(&b);
    pool_close(pool);
}

// ---- h9: a load that fails leaves its key loading for ever -----------------

static void failing(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan *p = plan_of(&b, KEY);
    ask asks[8];
    for (uint64_t round = 0; round < 4; round++) {
        p->is_later = round % 2 == 0;
        p->status = round < 3 ? -EIO : 0;
        uint64_t loads = loads_of(&b, KEY);
        for (int i = 0; i < 8; i++) {
            ask_init(&b, &asks[i], KEY);
            CHECK(ask_try(&asks[i]) >= 0);
        }
        if (p->is_later) {
            begun(&b, KEY, loads + 1);
            land(&b, KEY, p->status);
        }
        settle(&b, 8 * round + 8);
        for (int i = 0; i < 8; i++)
            CHECK(asks[i].status == p->status || !p->is_later);
        wait_idle(pool);
        if (round < 3)
            CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    }
    CHECK_EQ(find(&b, KEY, NULL), 0);
    bench_close(&b);
}

static void h9_every_waiter_of_a_failed_load_is_told(void) {
    for_each_pool(failing);
}

// A load that never ends is given up, and its key can be had again.
static void h9_a_load_that_never_ends_is_given_up(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.load_ns = 2000000;
    bench_start(&b, &options);
    b.may_overlap = 1;
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    ask asks[4];
    held h;
    hold(pool, &h); // nobody notices the time before all have asked
    for (int i = 0; i < 4; i++)
        ask_pending(&b, &asks[i], KEY);
    release(&h);
    settle(&b, 4);
    for (int i = 0; i < 4; i++)
        check_failed(&asks[i], -ETIMEDOUT);
    rest(&b);
    wait_idle(pool);
    int stuck = loads_of(&b, KEY) > 0;
    weir_flight *flight = p->flight;
    uint64_t number = p->number;
    p->is_later = 0;
    ask again;
    uint64_t n = 4;
    do {
        ask_init(&b, &again, KEY);
        CHECK_EQ(ask_try(&again), WEIR_CACHE_PENDING);
        settle(&b, ++n);
    } while (again.status == -ETIMEDOUT); // a slow machine
    check_value(&again, again.value);
    if (stuck)
        land_flight(&b, p, flight, number, 0);
    bench_close(&b);
    pool_close(pool);
    gate_fini(&h.gate);
}

// ---- h10: growth without bound, failures that stay -------------------------

static void h10_nothing_grows_without_bound(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    bench_open_room(&b, pool, 16);
    for (uint64_t i = 0; i < PLANS; i++)
        plan_of(&b, i)->status = i % 4 == 3 ? -EIO : 0;
    static ask asks[64];
    uint64_t n = 0;
    for (uint64_t from = 0; from < 20000; from += 64) {
        for (uint64_t i = 0; i < 64; i++) {
            ask_init(&b, &asks[i], from + i);
            CHECK(ask_try(&asks[i]) >= 0);
        }
        settle(&b, n += 64);
        wait_idle(pool);
        weir_cache_counts c = cache_counts(&b);
        CHECK(c.entries <= 16 && c.bytes <= 16);
        CHECK_EQ(c.loading, 0);
        CHECK_EQ(c.lent_bytes, 0);
        CHECK(b.made - b.released <= 16);
    }
    bench_close(&b);
    pool_close(pool);
}

static void h10_a_transient_failure_does_not_poison_its_key(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.failure_ttl_ns = 1000;
    options.clock = bench_clock;
    bench_start(&b, &options);
    plan_of(&b, KEY)->status = -ENOSPC;
    ask a;
    ask_pending(&b, &a, KEY);
    settle(&b, 1);
    wait_idle(pool);
    CHECK_EQ(find(&b, KEY, NULL), -ENOSPC);
    plan_of(&b, KEY)->status = 0;
    clock_add(&b, 2000);
    CHECK_EQ(fetch(&b, KEY), 2);
    bench_close(&b);
    pool_close(pool);
}

// Failures that are remembered are bounded like values.
static void h10_remembered_failures_are_bounded_too(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    weir_cache_options options = bench_options(&b, pool);
    options.failure_ttl_ns = WEIR_FOREVER;
    options.capacity = 10 * (256 + sizeof(uint64_t));
    bench_start(&b, &options);
    for (uint64_t i = 0; i < 200; i++) {
        plan_of(&b, i)->status = -EIO;
        plan_of(&b, i)->weight = 0;
        ask a;
        ask_pending(&b, &a, i);
        settle(&b, i + 1);
        wait_idle(pool);
    }
    int remembered = 0;
    for (uint64_t i = 0; i < 200; i++)
        remembered += find(&b, i, NULL) == -EIO;
    CHECK_EQ(remembered, 10);
    CHECK_EQ(find(&b, 199, NULL), -EIO);
    CHECK_EQ(b.logged, 0); // the listener hears of values
    bench_close(&b);
    pool_close(pool);
}

// ---- h11: no way to leave --------------------------------------------------

static void h11_a_wait_can_be_left_and_has_a_deadline(void) {
    weir_pool *pool = strict_pool(1);
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->is_later = 1;
    ask leaves, late, stays;
    ask_pending(&b, &leaves, KEY);
    ask_pending_for(&b, &late, KEY, 20);
    ask_pending(&b, &stays, KEY);
    begun(&b, KEY, 1);
    CHECK_EQ(weir_get_cancel(b.cache, &leaves.get), 0);
    settle(&b, 2);
    check_left(&leaves, -ECANCELED);
    check_left(&late, -ETIMEDOUT);
    land(&b, KEY, 0);
    settle(&b, 3);
    check_value(&stays, 1);
    bench_close(&b);
    pool_close(pool);
}

// ---- h12: other content under a key that looks the same --------------------

static void h12_a_key_is_all_of_its_bytes(void) {
    weir_pool *pool = pool_of(1);
    tally loads;
    tally_init(&loads);
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.context = &loads;
    options.load = content_load;
    CHECK_EQ(weir_cache_create(&content_cache, &options), 0);
    static const struct {
        const char *bytes;
        size_t size;
    } keys[] = {{"", 0},     {"\0", 1},       {"\0\0", 2},    {"a", 1},
                {"a\0", 2},  {"a\0b", 3},     {"a\0c", 3},    {"b\0a", 3},
                {"aaaa", 4}, {"aaaaaaaa", 8}, {"aaaaaaab", 8}};
    for (int round = 0; round < 2; round++)
        for (uintptr_t i = 0; i < TEST_COUNT(keys); i++) {
            weir_get get = WEIR_GET_INIT(keys[i].bytes, keys[i].size, NULL);
            CHECK_EQ(weir_cache_get_wait(content_cache, &get), 0);
            CHECK_EQ((uintptr_t)weir_entry_value(get.entry), i + 1);
            weir_entry_release(get.entry);
        }
    CHECK_EQ(tally_get(&loads), TEST_COUNT(keys));
    weir_cache_destroy(content_cache);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"h1_one_compile_64_true_results_at_any_width",
         h1_one_compile_64_true_results_at_any_width},
        {"h1_one_compile_64_true_results_in_any_order",
         h1_one_compile_64_true_results_in_any_order},
        {"h1_a_flight_is_seen_from_its_submit_on",
         h1_a_flight_is_seen_from_its_submit_on},
        {"h2_all_workers_wait_before_the_load_they_need",
         h2_all_workers_wait_before_the_load_they_need},
        {"h2_a_storm_of_loads_that_get_others",
         h2_a_storm_of_loads_that_get_others},
        {"h3_a_load_may_work_on_the_pool_of_its_waiters",
         h3_a_load_may_work_on_the_pool_of_its_waiters},
        {"h3_a_compute_may_work_on_the_pool_of_its_load",
         h3_a_compute_may_work_on_the_pool_of_its_load},
        {"h4_waiters_hold_no_worker", h4_waiters_hold_no_worker},
        {"h6_clients_share_what_has_the_same_content",
         h6_clients_share_what_has_the_same_content},
        {"h8_two_computes_of_one_entry_overlap",
         h8_two_computes_of_one_entry_overlap},
        {"h8_others_go_on_while_an_entry_is_used",
         h8_others_go_on_while_an_entry_is_used},
        {"h9_every_waiter_of_a_failed_load_is_told",
         h9_every_waiter_of_a_failed_load_is_told},
        {"h9_a_load_that_never_ends_is_given_up",
         h9_a_load_that_never_ends_is_given_up},
        {"h10_nothing_grows_without_bound", h10_nothing_grows_without_bound},
        {"h10_a_transient_failure_does_not_poison_its_key",
         h10_a_transient_failure_does_not_poison_its_key},
        {"h10_remembered_failures_are_bounded_too",
         h10_remembered_failures_are_bounded_too},
        {"h11_a_wait_can_be_left_and_has_a_deadline",
         h11_a_wait_can_be_left_and_has_a_deadline},
        {"h12_a_key_is_all_of_its_bytes", h12_a_key_is_all_of_its_bytes},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

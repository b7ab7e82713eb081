// SPDX-License-Identifier: MIT
// What happens in a window of a few instructions, or after a first attempt:
// cases that tests/mutants/frontier.txt needs and no world of nodes shows.
#include "support/pool.h"
#include "weir/frontier.h"

typedef struct walk {
    weir_frontier *frontier;
    int visits;
    int done;
    int status;
} walk;

static int plain_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)visit;
    weir_yield(self);
    ((walk *)context)->visits++;
    return 0;
}

static void note_done(void *context, int status) {
    walk *w = context;
    w->done++;
    w->status = status;
}

// A pool without spare workers, so that nobody makes up for one that sleeps.
static weir_pool *bare_pool(unsigned workers, uint64_t seed) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 0;
    options.virtual_workers = workers;
    options.seed = seed;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool;
    CHECK_EQ(weir_pool_create(&pool, &options), 0);
    return pool;
}

static void walk_start(walk *w, weir_pool *pool, weir_frontier_engine engine,
                       int (*visit)(void *, weir_worker *, weir_visit *)) {
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.context = w;
    options.visit = visit;
    options.done = note_done;
    options.engine = engine;
    options.attempts_max = 2;
    CHECK_EQ(weir_frontier_create(&w->frontier, &options), 0);
}

static void seed_one(walk *w, const char *key) {
    weir_key k = WEIR_KEY_INIT(key, strlen(key));
    CHECK_EQ(weir_frontier_seed(w->frontier, &k), 0);
}

static void walk_end(walk *w, weir_pool *pool) {
    weir_frontier_destroy(w->frontier);
    weir_pool_destroy(pool);
}

static const weir_frontier_engine engines[] = {WEIR_FRONTIER_WORKERS,
                                               WEIR_FRONTIER_OWNER};

// ---- seeds -----------------------------------------------------------------

// Seeds, goes on for some steps, seeds again: the second one meets a worker
// that is about to go idle at one of them.
static void seed_after(weir_frontier_engine engine, unsigned workers,
                       uint64_t seed, unsigned steps) {
    walk w = {0};
    weir_pool *pool = bare_pool(workers, seed);
    walk_start(&w, pool, engine, plain_visit);
    seed_one(&w, "first");
    while (steps-- > 0)
        if (weir_pool_step(pool) == 0)
            break;
    seed_one(&w, "second");
    while (weir_pool_step(pool) == 1)
        continue;
    CHECK_EQ(w.visits, 2);
    CHECK_EQ(w.done, 0);
    weir_frontier_close(w.frontier);
    CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(w.done, 1);
    walk_end(&w, pool);
}

static void a_seed_may_come_at_any_step(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (unsigned workers = 1; workers <= 3; workers++)
            for (uint64_t seed = 0; seed < 4; seed++)
                for (unsigned steps = 0; steps < 60; steps++)
                    seed_after(engines[e], workers, seed, steps);
}

// ---- closing ---------------------------------------------------------------

static void close_after(weir_frontier_engine engine, uint64_t seed,
                        unsigned steps) {
    walk w = {0};
    weir_pool *pool = bare_pool(2, seed);
    walk_start(&w, pool, engine, plain_visit);
    seed_one(&w, "first");
    seed_one(&w, "second");
    weir_frontier_close(w.frontier);
    weir_frontier_close(w.frontier);
    while (steps-- > 0)
        (void)weir_pool_step(pool);
    weir_frontier_close(w.frontier);
    CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(w.visits, 2);
    CHECK_EQ(w.done, 1);
    CHECK_EQ(w.status, 0);
    weir_frontier_close(w.frontier);
    CHECK_EQ(w.done, 1);
    walk_end(&w, pool);
}

static void a_second_close_is_nothing(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (uint64_t seed = 0; seed < 4; seed++)
            for (unsigned steps = 0; steps < 40; steps++)
                close_after(engines[e], seed, steps);
}

// ---- attempts --------------------------------------------------------------

// The first attempt at "root" adds one key and fails, the second adds another.
static int changing_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    ((walk *)context)->visits++;
    size_t size;
    const void *bytes = weir_visit_key(visit, &size);
    if (size != 4 || memcmp(bytes, "root", 4) != 0)
        return 0;
    int again = weir_visit_attempt(visit) > 1;
    weir_key key = WEIR_KEY_INIT(again ? "late" : "early", again ? 4 : 5);
    key.tag = again ? 2 : 1;
    weir_visit_add(visit, &key);
    return again ? 0 : -EIO;
}

static void check_asked(walk *w, const char *key, uint32_t tag) {
    weir_item *item;
    const weir_requirer *by;
    size_t count, size;
    CHECK_EQ(weir_frontier_find(w->frontier, key, strlen(key), &item), 0);
    CHECK_EQ(weir_item_status(item), 0);
    CHECK_EQ(weir_item_requirers(w->frontier, item, &by, &count), 0);
    CHECK_EQ(count, 1);
    CHECK_EQ(by[0].tag, tag);
    CHECK(by[0].item != NULL);
    const void *bytes = weir_item_key(by[0].item, &size);
    CHECK(size == 4 && memcmp(bytes, "root", 4) == 0);
    weir_requirer chain[3];
    CHECK_EQ(weir_item_chain(w->frontier, item, chain, 3), 2);
}

static void what_a_failed_attempt_added_stays(void) {
    for (size_t e = 0; e < TEST_COUNT(engines); e++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            walk w = {0};
            weir_pool *pool = bare_pool(1 + (unsigned)seed % 3, seed);
            walk_start(&w, pool, engines[e], changing_visit);
            seed_one(&w, "root");
            weir_frontier_close(w.frontier);
            CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, NULL), 0);
            CHECK_EQ(w.visits, 4);
            check_asked(&w, "early", 1);
            check_asked(&w, "late", 2);
            walk_end(&w, pool);
        }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_seed_may_come_at_any_step", a_seed_may_come_at_any_step},
        {"a_second_close_is_nothing", a_second_close_is_nothing},
        {"what_a_failed_attempt_added_stays",
         what_a_failed_attempt_added_stays},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

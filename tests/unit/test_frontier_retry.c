// SPDX-License-Identifier: MIT
// Attempts, back-off, and who may try again.
#include "support/frontier_model.h"

enum { MS = 1000000 };

// ---- attempts --------------------------------------------------------------

static void attempts(weir_pool *pool, weir_frontier_engine engine,
                     uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 8, seed);
    w.options.attempts_max = 4;
    w.is_yielding = 1;
    for (size_t i = 0; i < 8; i++) {
        w.nodes[i].fails = (unsigned)i;
        w.nodes[i].is_later = (i + seed) % 3 == 0;
        world_seed(&w, (edge){.to = (uint32_t)i});
    }
    enders_start(&w, 1);
    world_start(&w);
    CHECK_EQ(world_wait(&w), -EIO);
    for (size_t i = 0; i < 8; i++) {
        weir_item *item = item_of(&w, i);
        CHECK_EQ(weir_item_attempts(item), i < 4 ? i + 1 : 4);
        CHECK_EQ(w.nodes[i].attempts, i < 4 ? i + 1 : 4);
        CHECK_EQ(weir_item_status(item), i < 4 ? 0 : -EIO);
    }
    weir_frontier_counts c = world_counts(&w);
    CHECK_EQ(c.attempts, 1 + 2 + 3 + 4 * 5);
    CHECK_EQ(c.retries, 1 + 2 + 3 * 5);
    CHECK_EQ(c.failed, 4);
    CHECK_EQ(c.done, 4);
    check_world(&w, -EIO);
    world_end(&w);
}

static void an_item_is_tried_so_often_and_no_more(void) {
    for_each_world(attempts);
}

static int fails_anew(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)w;
    (void)self;
    (void)visit;
    return -(int)n->attempts;
}

static void last_counts(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 1, seed);
    w.options.attempts_max = 3;
    w.nodes[0].act = fails_anew;
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    CHECK_EQ(world_wait(&w), -3);
    CHECK_EQ(weir_item_status(item_of(&w, 0)), -3);
    world_end(&w);
}

static void the_last_failure_is_the_items(void) { for_each_world(last_counts); }

// By default there is one attempt.
static void one_attempt(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 1, seed);
    w.nodes[0].fails = 1;
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    CHECK_EQ(world_wait(&w), -EIO);
    CHECK_EQ(w.nodes[0].attempts, 1);
    world_end(&w);
}

static void one_attempt_is_the_default(void) {
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    CHECK_EQ(options.attempts_max, 1);
    for_each_world(one_attempt);
}

// ---- what may be tried again -----------------------------------------------

static int asked_transient(void *context, weir_visit *visit, int status) {
    world *w = context;
    node *n = node_of(w, visit);
    (void)tally_add(&w->asked);
    CHECK_EQ(status, n->status);
    CHECK_EQ(weir_visit_attempt(visit), n->attempts);
    CHECK(weir_visit_item(visit) == n->item);
    CHECK(weir_visit_data(visit) == n);
    CHECK(weir_visit_value(visit) != NULL);
    CHECK_EQ(weir_visit_cancelled(visit), 0);
    CHECK(n->attempts < w->options.attempts_max);
    weir_visit_delay(visit, 10);
    weir_visit_set(visit, value_of(w, n));
    return status == -EAGAIN;
}

static void asks(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 3, seed);
    w.options.attempts_max = 3;
    w.options.transient = asked_transient;
    for (size_t i = 0; i < 3; i++) {
        w.nodes[i].fails = i == 2 ? 2 : ALWAYS;
        w.nodes[i].status = i == 0 ? -ENOENT : -EAGAIN;
        w.nodes[i].is_later = seed % 2 == 0;
        world_seed(&w, (edge){.to = (uint32_t)i});
    }
    enders_start(&w, 1);
    world_start(&w);
    CHECK_EQ(world_wait(&w), -ENOENT);
    CHECK_EQ(w.nodes[0].attempts, 1);
    CHECK_EQ(w.nodes[1].attempts, 3);
    CHECK_EQ(w.nodes[2].attempts, 3);
    CHECK_EQ(tally_get(&w.asked), 1 + 2 + 2); // while attempts are left
    CHECK_EQ(weir_item_status(item_of(&w, 2)), 0);
    world_end(&w);
}

static void transient_decides(void) { for_each_world(asks); }

static void by_default(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    static const int statuses[] = {-ENOMEM, -EINVAL, -EIO, -ECANCELED, -12345};
    world w;
    world_make(&w, pool, engine, TEST_COUNT(statuses), seed);
    w.options.attempts_max = 2;
    for (size_t i = 0; i < TEST_COUNT(statuses); i++) {
        w.nodes[i].fails = ALWAYS;
        w.nodes[i].status = statuses[i];
        world_seed(&w, (edge){.to = (uint32_t)i});
    }
    world_start(&w);
    CHECK_EQ(world_wait(&w), -ENOMEM);
    for (size_t i = 0; i < TEST_COUNT(statuses); i++) {
        CHECK_EQ(w.nodes[i].attempts, i < 2 ? 1 : 2);
        CHECK_EQ(weir_item_status(item_of(&w, i)), statuses[i]);
        CHECK_EQ(weir_item_outcome(item_of(&w, i)), WEIR_ITEM_FAILED);
    }
    world_end(&w);
}

static void by_default_all_but_memory_and_mistakes_may(void) {
    for_each_world(by_default);
}

// Keys that cannot be added fail the attempt, whatever it returns.
typedef struct wrong {
    weir_key key;
    int then; // what the visit returns
} wrong;

static int adds_wrong(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)self;
    const wrong *x = n->argument;
    weir_key good = key_of(w, &(edge){.to = 9});
    if (x->then == 0) {
        weir_visit_add(visit, &x->key);
        weir_visit_add(visit, &good);
    } else {
        weir_key keys[] = {x->key, good};
        weir_visit_add_batch(visit, keys, 2);
    }
    return x->then;
}

static void adding_wrongly(weir_pool *pool, weir_frontier_engine engine,
                           uint64_t seed) {
    wrong bad[8];
    world w;
    world_make(&w, pool, engine, 10, seed);
    w.options.attempts_max = 3;
    for (size_t i = 0; i < 8; i++) {
        bad[i] = (wrong){.key = WEIR_KEY_INIT("9", 1)};
        bad[i].then = i % 2 == 0 ? 0 : -EIO;
        if (i / 2 == 0)
            bad[i].key.visit_class = WEIR_FRONTIER_CLASSES;
        if (i / 2 == 1)
            bad[i].key.size = (size_t)1 << 32;
        if (i / 2 == 2)
            bad[i].key.prefetch = 2;
        if (i / 2 == 3)
            bad[i].key.reserved = 1;
        w.nodes[i].act = adds_wrong;
        w.nodes[i].argument = &bad[i];
        world_seed(&w, (edge){.to = (uint32_t)i});
    }
    world_start(&w);
    CHECK_EQ(world_wait(&w), -EINVAL);
    for (size_t i = 0; i < 8; i++) {
        CHECK_EQ(weir_item_status(item_of(&w, i)), -EINVAL);
        CHECK_EQ(weir_item_attempts(item_of(&w, i)), 1);
    }
    CHECK_EQ(weir_item_status(item_of(&w, 9)), 0); // each add by itself
    CHECK_EQ(world_counts(&w).items, 9);
    CHECK_EQ(world_counts(&w).adds, 8 + 8);
    world_end(&w);
}

static void a_key_that_cannot_be_added_fails_the_attempt(void) {
    for_each_world(adding_wrongly);
}

// ---- how long between ------------------------------------------------------

// With threads: at least so long lies between attempts.
static void check_gaps(const world *w, const int64_t *least, size_t count) {
    for (size_t i = 0; i < w->count; i++) {
        const node *n = &w->nodes[i];
        CHECK_EQ(n->attempts, count + 1);
        for (size_t k = 0; k < count; k++)
            CHECK(n->at_ns[k + 1] - n->at_ns[k] >= least[k]);
    }
}

static void run_gaps(weir_frontier_engine engine, int64_t backoff,
                     int64_t backoff_max, int64_t delay, const int64_t *least,
                     size_t count) {
    weir_pool *pool = pool_of(2);
    world w;
    world_make(&w, pool, engine, 5, 11);
    w.options.attempts_max = (unsigned)count + 1;
    w.options.backoff_ns = backoff;
    w.options.backoff_max_ns = backoff_max;
    for (size_t i = 0; i < 5; i++) {
        w.nodes[i].fails = (unsigned)count;
        w.nodes[i].delay_ns = delay;
        world_seed(&w, (edge){.to = (uint32_t)i});
    }
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    check_gaps(&w, least, count);
    world_end(&w);
    pool_close(pool);
}

static void back_off_doubles_up_to_its_bound(void) {
    static const int64_t least[] = {MS / 2, MS, 2 * MS, 2 * MS, 2 * MS};
    for (int engine = 0; engine < 3; engine++)
        run_gaps((weir_frontier_engine)engine, MS, 4 * MS, 0, least,
                 TEST_COUNT(least));
}

// Were it not for the bound this would take years, and end by its time limit.
static void the_bound_is_kept(void) {
    static const int64_t least[] = {1, 1, 1, 1, 1, 1, 1};
    for (int engine = 0; engine < 3; engine++) {
        run_gaps((weir_frontier_engine)engine, INT64_MAX, 2, 0, least,
                 TEST_COUNT(least));
        run_gaps((weir_frontier_engine)engine, 0, INT64_MAX, 0, least, 2);
    }
}

static int delays_twice(world *w, node *n, weir_worker *self,
                        weir_visit *visit) {
    (void)w;
    (void)n;
    (void)self;
    weir_visit_delay(visit, 3 * MS);
    weir_visit_delay(visit, 1);
    weir_visit_delay(visit, 0);
    return 0;
}

static void a_visit_may_ask_for_a_longer_delay(void) {
    static const int64_t least[] = {3 * MS, 3 * MS};
    for (int engine = 0; engine < 3; engine++)
        run_gaps((weir_frontier_engine)engine, 1, 2, 3 * MS, least,
                 TEST_COUNT(least));
    // The longest counts, and only if it fails.
    weir_pool *pool = pool_of(1);
    world w;
    world_make(&w, pool, WEIR_FRONTIER_DEFAULT, 1, 1);
    w.options.attempts_max = 3;
    w.nodes[0].act = delays_twice;
    w.nodes[0].fails = 2;
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    check_gaps(&w, least, 2);
    world_end(&w);
    pool_close(pool);
}

// A delay of an attempt holds for that one, not for the next.
static int delays_once(world *w, node *n, weir_worker *self,
                       weir_visit *visit) {
    (void)w;
    (void)self;
    if (n->attempts == 1)
        weir_visit_delay(visit, MS);
    return n->attempts < 8 ? -EIO : 0;
}

static void delays_hour(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 2, seed);
    w.options.attempts_max = 8;
    w.options.backoff_ns = (int64_t)3600 * 1000 * MS;
    w.options.backoff_max_ns = 1;
    w.nodes[0].act = w.nodes[1].act = delays_once;
    world_seed(&w, (edge){.to = 0});
    world_seed(&w, (edge){.to = 1});
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    CHECK_EQ(w.nodes[0].attempts, 8);
    if (!w.is_deterministic)
        CHECK(w.nodes[0].at_ns[1] - w.nodes[0].at_ns[0] >= MS);
    world_end(&w);
}

static void a_delay_is_of_one_attempt(void) { for_each_world(delays_hour); }

// On a deterministic pool the longest time is over at once.
static void virtual_time(weir_pool *pool, weir_frontier_engine engine,
                         uint64_t seed) {
    if (weir_pool_step(pool) == -EINVAL)
        return;
    world w;
    world_make(&w, pool, engine, 6, seed);
    w.options.attempts_max = 200;
    w.options.backoff_ns = seed % 2 == 0 ? INT64_MAX : 1;
    w.options.backoff_max_ns = INT64_MAX;
    for (size_t i = 0; i < 6; i++) {
        w.nodes[i].fails = 150 + (unsigned)i;
        w.nodes[i].delay_ns = i == 0 ? INT64_MAX : 0;
        world_seed(&w, (edge){.to = (uint32_t)i});
    }
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    for (size_t i = 0; i < 6; i++)
        CHECK_EQ(w.nodes[i].attempts, 151 + i);
    world_end(&w);
}

static void no_back_off_is_too_long_to_count(void) {
    for_each_world(virtual_time);
}

// Who waits for his next attempt holds nobody up, and is waited for.
static void many_back_offs(weir_pool *pool, weir_frontier_engine engine,
                           uint64_t seed) {
    world w;
    uint64_t dice = seed;
    world_make(&w, pool, engine, 60, seed);
    const shape s = {.nodes = 60,
                     .edges = 150,
                     .seeds = 2,
                     .later = 4,
                     .fails = 1,
                     .retries = 10,
                     .attempts = 3,
                     .classes = 3,
                     .prefetch = 1};
    world_chance(&w, &s, &dice);
    w.options.caps[1] = 1;
    w.is_yielding = 1;
    enders_start(&w, 2);
    world_start(&w);
    int status = world_wait(&w);
    check_world(&w, status);
    world_end(&w);
}

static void back_offs_of_many_end(void) { for_each_world(many_back_offs); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"an_item_is_tried_so_often_and_no_more",
         an_item_is_tried_so_often_and_no_more},
        {"the_last_failure_is_the_items", the_last_failure_is_the_items},
        {"one_attempt_is_the_default", one_attempt_is_the_default},
        {"transient_decides", transient_decides},
        {"by_default_all_but_memory_and_mistakes_may",
         by_default_all_but_memory_and_mistakes_may},
        {"a_key_that_cannot_be_added_fails_the_attempt",
         a_key_that_cannot_be_added_fails_the_attempt},
        {"back_off_doubles_up_to_its_bound", back_off_doubles_up_to_its_bound},
        {"the_bound_is_kept", the_bound_is_kept},
        {"a_visit_may_ask_for_a_longer_delay",
         a_visit_may_ask_for_a_longer_delay},
        {"a_delay_is_of_one_attempt", a_delay_is_of_one_attempt},
        {"no_back_off_is_too_long_to_count", no_back_off_is_too_long_to_count},
        {"back_offs_of_many_end", back_offs_of_many_end},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

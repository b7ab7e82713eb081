// SPDX-License-Identifier: MIT
// Options, figures, and what happens when there is no memory.
#include "support/frontier_model.h"

// ---- options ---------------------------------------------------------------

static void refuse(const weir_frontier_options *options, int expected) {
    weir_frontier *frontier = NULL;
    CHECK_EQ(weir_frontier_create(&frontier, options), expected);
    CHECK(frontier == NULL);
}

static void bad_options_are_refused(void) {
    weir_pool *pool = pool_of(1);
    world w;
    world_make(&w, pool, WEIR_FRONTIER_DEFAULT, 1, 1);
    const weir_frontier_options good = w.options;
    weir_frontier_options bad = good;
    bad.pool = NULL;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.visit = NULL;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.attempts_max = 0;
    refuse(&bad, -EINVAL);
    bad.attempts_max = 65536;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.backoff_ns = -1;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.backoff_max_ns = -1;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.deadline_ns = -1;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.policy = (weir_frontier_policy)7;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.engine = (weir_frontier_engine)7;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.policy = WEIR_FRONTIER_FIRST;
    bad.no_edges = 1;
    refuse(&bad, -EINVAL);
    bad = good;
    bad.size = 3;
    refuse(&bad, -EINVAL);
    struct {
        weir_frontier_options options;
        uint64_t newer;
    } big = {good, 1};
    big.options.size = sizeof(big);
    refuse(&big.options, -E2BIG);
    refuse(NULL, -EINVAL);
    big.newer = 0; // unused
    CHECK_EQ(weir_frontier_create(&w.frontier, &big.options), 0);
    weir_frontier_counts counts = {.size = 3};
    CHECK_EQ(weir_frontier_count(w.frontier, &counts), -EINVAL);
    weir_frontier_close(w.frontier);
    CHECK_EQ(world_wait(&w), 0);
    world_end(&w);
    pool_close(pool);
}

// ---- figures ---------------------------------------------------------------

static int returns_later(world *w, node *n, weir_worker *self,
                         weir_visit *visit) {
    (void)w;
    (void)n;
    (void)self;
    (void)visit;
    return WEIR_VISIT_LATER;
}

static void to_rest(world *w) {
    while (w->is_deterministic && weir_pool_step(w->pool) == 1)
        continue;
}

static void end_node(world *w, size_t number, int status) {
    node *n = &w->nodes[number];
    visit_ends(w, n);
    weir_visit_end(n->visit, status);
    to_rest(w);
}

// Figures may be a moment late on other threads.
#define AWAIT(w, condition)                                                    \
    do {                                                                       \
        for (;;) {                                                             \
            weir_frontier_counts c = world_counts(w);                          \
            if (condition)                                                     \
                break;                                                         \
            CHECK(!(w)->is_deterministic);                                     \
            sched_yield();                                                     \
        }                                                                      \
    } while (0)

static void figures(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 10, seed);
    w.options.caps[2] = 2;
    for (size_t i = 0; i < 10; i++) {
        w.nodes[i].act = returns_later;
        w.nodes[i].visit_class = i < 5 ? 2 : 3;
    }
    world_open(&w);
    AWAIT(&w, c.adds == 0 && c.items == 0 && c.queued == 0 && c.attempts == 0);
    for (uint32_t i = 0; i < 10; i++)
        world_seed_now(&w, (edge){.to = i});
    world_seed_now(&w, (edge){.to = 4});
    to_rest(&w);
    AWAIT(&w, c.adds == 11 && c.items == 10 && c.duplicates == 1);
    AWAIT(&w, c.queued == 3 && c.in_flight[2] == 2 && c.in_flight[3] == 5);
    AWAIT(&w, c.attempts == 7 && c.waiting == 0 && c.bytes > 0);
    for (size_t i = 5; i < 10; i++)
        world_begun(&w, i, 1);
    end_node(&w, 5, 0);
    end_node(&w, 6, -EIO);
    AWAIT(&w, c.done == 1 && c.failed == 1 && c.in_flight[3] == 3);
    weir_frontier_close(w.frontier);
    for (size_t i = 7; i < 10; i++)
        end_node(&w, i, 0);
    AWAIT(&w, c.done == 4 && c.in_flight[3] == 0 && c.queued == 3);
    for (size_t ended = 0; ended < 5;)
        for (size_t i = 0; i < 5; i++)
            if (tally_get(&w.nodes[i].begun) == 1 &&
                w.nodes[i].argument == NULL) {
                mark_await(&w.nodes[i].begun, 1);
                w.nodes[i].argument = &w;
                end_node(&w, i, i == 3 ? -EPERM : 0);
                ended++;
            }
    CHECK_EQ(world_wait(&w), -EPERM); // 3 before 6
    weir_frontier_counts counts = world_counts(&w);
    CHECK_EQ(counts.adds, 11);
    CHECK_EQ(counts.duplicates, 1);
    CHECK_EQ(counts.items, 10);
    CHECK_EQ(counts.done, 8);
    CHECK_EQ(counts.failed, 2);
    CHECK_EQ(counts.cancelled, 0);
    CHECK_EQ(counts.attempts, 10);
    CHECK_EQ(counts.in_flight_max[2], 2);
    world_end(&w);
}

static void the_figures_are_true(void) { for_each_world(figures); }

// ---- no memory -------------------------------------------------------------

static void need_faults(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
}

static void disarm(void) { (void)wr_fault_arm(WR_FAULT_ALLOC, 0, 0); }

static void create_says_when_there_is_no_memory(void) {
    need_faults();
    for (int engine = 0; engine < 3; engine++)
        for (int threads = 0; threads < 3; threads++) {
            weir_pool *pool = pool_of(threads);
            world w;
            world_make(&w, pool, (weir_frontier_engine)engine, 2, 1);
            world_seed(&w, (edge){.to = 0});
            link_nodes(&w, 0, 1);
            uint64_t steps = 0;
            for (int error = -ENOMEM; error != 0; steps++) {
                wr_fault_arm(WR_FAULT_ALLOC, steps, 1);
                error = weir_frontier_create(&w.frontier, &w.options);
                disarm();
                CHECK(error == -ENOMEM || error == 0);
                CHECK((error == 0) == (w.frontier != NULL));
            }
            CHECK(steps > 1);
            world_seed_now(&w, w.seeds[0]);
            weir_frontier_close(w.frontier);
            CHECK_EQ(world_wait(&w), 0);
            world_end(&w);
            pool_close(pool);
        }
}

static void a_seed_without_memory_has_changed_nothing(void) {
    need_faults();
    enum { MANY = 3000 };
    for (int engine = 1; engine < 3; engine++) {
        weir_pool *pool = pool_seeded(3, 2);
        world w;
        world_make(&w, pool, (weir_frontier_engine)engine, MANY, 1);
        world_open(&w);
        uint64_t refused = 0;
        for (uint32_t i = 0; i < MANY; i++) {
            edge e = {.to = i, .tag = i};
            weir_key key = key_of(&w, &e);
            for (uint64_t step = 0;; step++) {
                weir_frontier_counts before = world_counts(&w);
                wr_fault_arm(WR_FAULT_ALLOC, step, 1000);
                int error = weir_frontier_seed(w.frontier, &key);
                disarm();
                if (error == 0)
                    break;
                CHECK_EQ(error, -ENOMEM);
                weir_frontier_counts after = world_counts(&w);
                CHECK_EQ(before.adds, after.adds);
                CHECK_EQ(before.items, after.items);
                CHECK_EQ(before.queued, after.queued);
                refused++;
            }
            world_seed(&w, e);
        }
        CHECK(refused > 0);
        weir_frontier_close(w.frontier);
        CHECK_EQ(world_wait(&w), 0);
        check_world(&w, 0);
        world_end(&w);
        pool_close(pool);
    }
}

// What the account of any run says, whatever failed for want of memory.
static void check_starved(world *w, int status) {
    weir_item *const *items = NULL;
    size_t count = 0, starved = 0;
    CHECK_EQ(weir_frontier_items(w->frontier, &items, &count), 0);
    for (size_t i = 0; i < count; i++) {
        int got = weir_item_status(items[i]);
        CHECK(got == 0 || got == -ENOMEM);
        CHECK_EQ(weir_item_outcome(items[i]),
                 got == 0 ? WEIR_ITEM_DONE : WEIR_ITEM_FAILED);
        check_item(w, items[i]);
        starved += got == -ENOMEM;
        // Who is done has all that it asked for.
        const node *n = &w->nodes[number_of_item(items[i])];
        for (size_t k = 0; k < n->edges_count && got == 0; k++)
            (void)item_of(w, n->edges[k].to);
        weir_requirer chain[4];
        CHECK(weir_item_chain(w->frontier, items[i], chain, 4) > 0);
    }
    CHECK_EQ(status, starved > 0 ? -ENOMEM : 0);
    CHECK_EQ(world_counts(w).failed, starved);
}

static void starve(weir_frontier_engine engine, uint64_t seed, uint64_t step,
                   uint64_t faults) {
    weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 3);
    world w;
    uint64_t dice = seed;
    world_make(&w, pool, engine, 60, seed);
    const shape s = {
        .nodes = 60, .edges = 200, .seeds = 0, .later = 4, .attempts = 1};
    world_chance(&w, &s, &dice);
    world_seed(&w, (edge){.to = 0});
    w.options.attempts_max = 3; // want of memory is not tried again
    world_start(&w);
    wr_fault_arm(WR_FAULT_ALLOC, step, faults);
    world_drive(&w);
    disarm();
    int status = world_wait(&w);
    check_starved(&w, status);
    if (status == 0)
        check_world(&w, status);
    world_end(&w);
    pool_close(pool);
}

static void a_visit_without_memory_fails_and_nothing_is_lost(void) {
    need_faults();
    for (int engine = 1; engine < 3; engine++)
        for (uint64_t seed = 0; seed < 20; seed++)
            for (uint64_t step = 0; step < 30; step++) {
                starve((weir_frontier_engine)engine, seed, step, 1);
                starve((weir_frontier_engine)engine, seed, step, 3);
                starve((weir_frontier_engine)engine, seed, step, 1000000);
            }
}

static void retrying(weir_frontier_engine engine, uint64_t seed,
                     uint64_t step) {
    weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 3);
    world w;
    world_make(&w, pool, engine, 20, seed);
    w.options.attempts_max = 3;
    for (uint32_t i = 0; i < 20; i++) {
        w.nodes[i].fails = i % 3;
        w.nodes[i].is_later = i % 4 == 0;
        world_seed(&w, (edge){.to = i});
    }
    world_start(&w);
    wr_fault_arm(WR_FAULT_ALLOC, step, 2);
    world_drive(&w);
    disarm();
    int status = world_wait(&w);
    for (size_t i = 0; i < 20; i++) {
        weir_item *item = item_of(&w, i);
        int got = weir_item_status(item);
        // Without memory for a back-off the failure stands.
        CHECK(got == 0 || got == -ENOMEM || got == -EIO);
        CHECK_EQ(weir_item_attempts(item), w.nodes[i].attempts);
    }
    CHECK(status == 0 || status == -ENOMEM || status == -EIO);
    world_end(&w);
    pool_close(pool);
}

static void a_back_off_without_memory_is_a_failure(void) {
    need_faults();
    for (int engine = 1; engine < 3; engine++)
        for (uint64_t seed = 0; seed < 20; seed++)
            for (uint64_t step = 0; step < 40; step++)
                retrying((weir_frontier_engine)engine, seed, step);
}

// With all that it found known already, ending needs no memory: nor does it to
// cancel, to tell, and to find the first failure.
static void ending_needs_no_memory(void) {
    need_faults();
    for (int engine = 1; engine < 3; engine++)
        for (int how = 0; how < 3; how++) {
            weir_pool *pool = pool_seeded(5, 2);
            world w;
            world_make(&w, pool, (weir_frontier_engine)engine, 40, 1);
            w.options.cancelled = world_cancelled;
            w.options.release = NULL; // no values
            for (uint32_t i = 0; i < 40; i++) {
                w.nodes[i].act = returns_later;
                world_seed(&w, (edge){.to = i});
            }
            world_start(&w);
            to_rest(&w);
            CHECK_EQ(tally_get(&w.visits), 40);
            wr_fault_arm(WR_FAULT_ALLOC, 0, 1000000);
            if (how == 1)
                weir_frontier_cancel(w.frontier);
            for (size_t i = 0; i < 40; i++)
                end_node(&w, i, how == 2 && i % 5 == 3 ? -1 - (int)i : 0);
            CHECK_EQ(tally_get(&w.done), 1);
            int status = 12345;
            CHECK_EQ(weir_frontier_wait(w.frontier, 0, &status), 0);
            CHECK_EQ(status, how == 0   ? 0
                             : how == 1 ? -ECANCELED
                                        : -14); // 13 comes first
            weir_item *const *items = (void *)&w;
            size_t count = 12345;
            CHECK_EQ(weir_frontier_items(w.frontier, &items, &count), -ENOMEM);
            CHECK_EQ(weir_frontier_find(w.frontier, "1", 1, &w.nodes[0].item),
                     0);
            CHECK(items == (void *)&w && count == 12345);
            disarm();
            CHECK_EQ(weir_frontier_items(w.frontier, &items, &count), 0);
            CHECK_EQ(count, 40);
            world_end(&w);
            pool_close(pool);
        }
}

static void results_without_memory_may_be_asked_again(void) {
    need_faults();
    for (int engine = 1; engine < 3; engine++)
        for (uint64_t step = 0; step < 12; step++) {
            weir_pool *pool = pool_of(1);
            world w;
            uint64_t dice = 3;
            world_make(&w, pool, (weir_frontier_engine)engine, 50, 1);
            const shape s = {.nodes = 50,
                             .edges = 150,
                             .seeds = 3,
                             .fails = 4,
                             .attempts = 1};
            world_chance(&w, &s, &dice);
            world_start(&w);
            int status = world_wait(&w);
            weir_item *const *items = NULL;
            const weir_requirer *list = NULL;
            weir_requirer chain[1] = {{.tag = 77}};
            size_t count = 12345;
            weir_item *item = item_of(&w, w.seeds[0].to);
            wr_fault_arm(WR_FAULT_ALLOC, step / 4, 1000);
            int error[4] = {0};
            for (size_t i = 0; i < 4; i++) { // in any order
                size_t what = (i + step) % 4;
                if (what == 0)
                    error[0] = weir_frontier_items(w.frontier, &items, &count);
                if (what == 1)
                    error[1] = weir_frontier_failed(w.frontier, &items, &count);
                if (what == 2)
                    error[2] =
                        weir_item_requirers(w.frontier, item, &list, &count);
                if (what == 3)
                    error[3] = (int)weir_item_chain(w.frontier, item, chain, 1);
            }
            disarm();
            for (size_t i = 0; i < 4; i++)
                CHECK(error[i] == -ENOMEM || error[i] == (i == 3));
            CHECK(error[2] == 0 || list == NULL);
            CHECK(error[3] == 1 || chain[0].tag == 77);
            CHECK(step > 3 || error[0] == -ENOMEM);
            check_world(&w, status);
            world_end(&w);
            pool_close(pool);
        }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"bad_options_are_refused", bad_options_are_refused},
        {"the_figures_are_true", the_figures_are_true},
        {"create_says_when_there_is_no_memory",
         create_says_when_there_is_no_memory},
        {"a_seed_without_memory_has_changed_nothing",
         a_seed_without_memory_has_changed_nothing},
        {"a_visit_without_memory_fails_and_nothing_is_lost",
         a_visit_without_memory_fails_and_nothing_is_lost},
        {"a_back_off_without_memory_is_a_failure",
         a_back_off_without_memory_is_a_failure},
        {"ending_needs_no_memory", ending_needs_no_memory},
        {"results_without_memory_may_be_asked_again",
         results_without_memory_may_be_asked_again},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

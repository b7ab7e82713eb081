// SPDX-License-Identifier: MIT
// What comes of it does not depend on width, engine, seed or timing.
#include "support/frontier_model.h"

// ---- ALL -------------------------------------------------------------------

static shape any_shape(uint64_t *dice) {
    size_t nodes = 1 + (size_t)dice_below(dice, 30);
    return (shape){.nodes = nodes,
                   .edges = (size_t)dice_below(dice, 4 * nodes + 1),
                   .seeds = (size_t)dice_below(dice, 5),
                   .later = (unsigned)dice_below(dice, 17),
                   .fails = (unsigned)dice_below(dice, 6),
                   .retries = (unsigned)dice_below(dice, 6),
                   .attempts = 1 + (unsigned)dice_below(dice, 4),
                   .classes = 1 + (int)dice_below(dice, 8),
                   .prefetch = (int)dice_below(dice, 2)};
}

static void any_world(world *w, weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed, weir_frontier_policy policy) {
    uint64_t dice = seed * 1000003;
    shape s = any_shape(&dice);
    world_make(w, pool, engine, s.nodes, seed);
    world_chance(w, &s, &dice);
    w->options.policy = policy;
    w->is_yielding = dice_below(&dice, 4) != 0;
    for (unsigned c = 0; c < WEIR_FRONTIER_CLASSES; c++)
        w->options.caps[c] = (unsigned)dice_below(&dice, 4);
}

static void run_any(weir_pool *pool, weir_frontier_engine engine, uint64_t seed,
                    weir_frontier_policy policy) {
    world w;
    any_world(&w, pool, engine, seed, policy);
    enders_start(&w, 2);
    world_start(&w);
    int status = world_wait(&w);
    if (policy == WEIR_FRONTIER_ALL)
        check_world(&w, status);
    else
        check_first(&w, status);
    world_end(&w);
}

static unsigned rounds_of(weir_pool *pool) {
    return weir_pool_step(pool) == -EINVAL ? 150 : 8;
}

static void all(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    for (unsigned round = rounds_of(pool); round > 0; round--)
        run_any(pool, engine, seed * 500 + round, WEIR_FRONTIER_ALL);
}

static void everything_is_as_in_a_walk(void) { for_each_world(all); }

static void first(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    for (unsigned round = rounds_of(pool); round > 0; round--)
        run_any(pool, engine, seed * 500 + round, WEIR_FRONTIER_FIRST);
}

static void the_first_failure_is_as_in_a_walk(void) { for_each_world(first); }

// ---- FIRST, by hand --------------------------------------------------------

// The long way is found first: what was passed over must be taken up again, and
// the failure itself comes nearer.
//
//   0 -> 1 -> 2 -> 3 (fails)    0 -> 4 (slow) -> 5 (fails)
//        6 -> 2, seeded last
static int returns_later(world *w, node *n, weir_worker *self,
                         weir_visit *visit) {
    (void)w;
    (void)n;
    (void)self;
    (void)visit;
    return WEIR_VISIT_LATER;
}

static void end_node(world *w, size_t number) {
    node *n = &w->nodes[number];
    int status = visit_works(w, n, n->visit);
    visit_ends(w, n);
    weir_visit_end(n->visit, status);
}

static void drive_to_rest(world *w) {
    while (w->is_deterministic && weir_pool_step(w->pool) == 1)
        continue;
}

static void overtaken(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 7, seed);
    w.options.policy = WEIR_FRONTIER_FIRST;
    link_nodes(&w, 0, 1);
    link_nodes(&w, 1, 2);
    link_nodes(&w, 2, 3);
    link_nodes(&w, 0, 4);
    link_nodes(&w, 4, 5);
    link_nodes(&w, 6, 2);
    world_seed(&w, (edge){.to = 0});
    world_seed(&w, (edge){.to = 6});
    w.nodes[3].fails = ALWAYS;
    w.nodes[3].status = -33;
    w.nodes[5].fails = ALWAYS;
    w.nodes[5].status = -55;
    w.nodes[4].act = returns_later;
    world_open(&w);
    world_seed_now(&w, (edge){.to = 0});
    world_begun(&w, 3, 1); // at distance 3
    world_begun(&w, 4, 1);
    while (!w.is_deterministic && world_counts(&w).failed == 0)
        sched_yield();
    drive_to_rest(&w);
    CHECK_EQ(tally_get(&w.done), 0);
    if (seed % 2 == 0) { // 3 is at 2 then, before 5
        world_seed_now(&w, (edge){.to = 6});
        drive_to_rest(&w);
    }
    end_node(&w, 4); // 5 is at 2
    if (seed % 2 != 0) {
        drive_to_rest(&w);
        world_seed_now(&w, (edge){.to = 6});
    }
    weir_frontier_close(w.frontier);
    CHECK_EQ(world_wait(&w), -33);
    check_first(&w, -33);
    world_end(&w);
}

static void a_failure_may_come_nearer(void) { for_each_world(overtaken); }

// 9 fails at once; 1 is passed over at distance 3, and then turns out to be at
// 1, where it fails before 9.
static void taken_up(weir_pool *pool, weir_frontier_engine engine,
                     uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 10, seed);
    w.options.policy = WEIR_FRONTIER_FIRST;
    link_nodes(&w, 2, 3);
    link_nodes(&w, 3, 4); // slow
    link_nodes(&w, 4, 1);
    link_nodes(&w, 2, 9);
    link_nodes(&w, 5, 1); // slow
    link_nodes(&w, 1, 6);
    world_seed(&w, (edge){.to = 2});
    world_seed(&w, (edge){.to = 5});
    w.nodes[9].fails = w.nodes[1].fails = ALWAYS;
    w.nodes[9].status = -99;
    w.nodes[1].status = -11;
    w.nodes[4].act = w.nodes[5].act = w.nodes[9].act = returns_later;
    world_start(&w);
    static const size_t slow[] = {9, 4, 5};
    for (size_t i = 0; i < 3; i++)
        world_begun(&w, slow[i], 1);
    for (size_t i = 0; i < 3; i++) {
        drive_to_rest(&w);
        end_node(&w, slow[i]);
    }
    int status = world_wait(&w);
    CHECK_EQ(status, -11);
    check_first(&w, -11);
    world_end(&w);
}

// 9 fails at distance 3 while 1 is passed over at 4. Then 4, which was visited
// long ago and is why 1 is known, turns out to be at 1: nobody asks for 1
// again, and yet it is at 2.
static void taken_up_at_the_end(weir_pool *pool, weir_frontier_engine engine,
                                uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 10, seed);
    w.options.policy = WEIR_FRONTIER_FIRST;
    link_nodes(&w, 2, 3);
    link_nodes(&w, 3, 8);
    link_nodes(&w, 8, 9); // slow
    link_nodes(&w, 8, 4); // slow
    link_nodes(&w, 4, 1);
    link_nodes(&w, 5, 4); // slow
    world_seed(&w, (edge){.to = 2});
    world_seed(&w, (edge){.to = 5});
    w.nodes[9].fails = w.nodes[1].fails = ALWAYS;
    w.nodes[9].status = -99;
    w.nodes[1].status = -11;
    w.nodes[4].act = w.nodes[5].act = w.nodes[9].act = returns_later;
    world_start(&w);
    static const size_t slow[] = {9, 4, 5};
    for (size_t i = 0; i < 3; i++)
        world_begun(&w, slow[i], 1);
    for (size_t i = 0; i < 3; i++) {
        drive_to_rest(&w);
        end_node(&w, slow[i]);
    }
    CHECK_EQ(world_wait(&w), -11);
    check_first(&w, -11);
    world_end(&w);
}

static void what_was_passed_over_is_taken_up(void) {
    for_each_world(taken_up);
    for_each_world(taken_up_at_the_end);
}

// After a failure nothing far away is begun.
static void nothing_after(weir_pool *pool, weir_frontier_engine engine,
                          uint64_t seed) {
    enum { MANY = 500 };
    world w;
    world_make(&w, pool, engine, MANY, seed);
    w.options.policy = WEIR_FRONTIER_FIRST;
    w.options.caps[0] = 1;
    for (size_t i = 0; i + 1 < MANY; i++)
        link_nodes(&w, i, i + 1);
    w.nodes[9].fails = ALWAYS;
    w.nodes[9].early = 1; // what it added stays added
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    CHECK_EQ(world_wait(&w), -EIO);
    CHECK_EQ(tally_get(&w.visits), 10);
    weir_item *item = item_of(&w, 10);
    CHECK_EQ(weir_item_outcome(item), WEIR_ITEM_CANCELLED);
    CHECK_EQ(weir_item_status(item), -ECANCELED);
    CHECK_EQ(weir_item_attempts(item), 0);
    CHECK_EQ(world_counts(&w).cancelled, 1);
    world_end(&w);
}

static void nothing_new_comes_after_a_failure(void) {
    for_each_world(nothing_after);
}

static int not_told(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)self;
    (void)n;
    CHECK_EQ(weir_visit_cancelled(visit), 0);
    pending_push(w, visit);
    return WEIR_VISIT_LATER;
}

static void running_on(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 10, seed);
    w.options.policy = WEIR_FRONTIER_FIRST;
    w.options.cancelled = world_cancelled;
    for (uint32_t i = 1; i < 10; i++) {
        w.nodes[i].act = not_told;
        link_nodes(&w, i, 0);
    }
    world_open(&w);
    for (uint32_t i = 1; i < 10; i++)
        world_seed_now(&w, (edge){.to = i});
    for (size_t i = 1; i < 10; i++)
        world_begun(&w, i, 1);
    drive_to_rest(&w);
    w.nodes[0].fails = ALWAYS;
    world_seed_now(&w, (edge){.to = 0});
    world_begun(&w, 0, 1);
    while (world_counts(&w).failed == 0)
        drive_to_rest(&w);
    for (size_t i = 1; i < 10; i++)
        CHECK_EQ(weir_visit_cancelled(w.nodes[i].visit), 0);
    world_seed_now(&w, (edge){.to = 0}); // seeds are taken
    weir_frontier_close(w.frontier);
    enders_start(&w, 1);
    CHECK_EQ(world_wait(&w), -EIO);
    CHECK_EQ(tally_get(&w.told), 0);
    CHECK_EQ(world_counts(&w).done, 9);
    CHECK_EQ(world_counts(&w).cancelled, 0);
    world_end(&w);
}

static void running_visits_go_on(void) { for_each_world(running_on); }

// An early seed may come after the failure in time.
static void late_seed(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 10, seed);
    w.options.policy = WEIR_FRONTIER_FIRST;
    w.nodes[5].fails = w.nodes[3].fails = w.nodes[7].fails = ALWAYS;
    w.nodes[3].status = -3;
    world_open(&w);
    world_seed_now(&w, (edge){.to = 5});
    world_begun(&w, 5, 1);
    while (world_counts(&w).failed == 0)
        drive_to_rest(&w);
    world_seed_now(&w, (edge){.to = 7});
    world_seed_now(&w, (edge){.to = 3});
    weir_frontier_close(w.frontier);
    CHECK_EQ(world_wait(&w), -3);
    CHECK_EQ(weir_item_outcome(item_of(&w, 7)), WEIR_ITEM_CANCELLED);
    CHECK_EQ(weir_item_outcome(item_of(&w, 5)), WEIR_ITEM_FAILED);
    weir_item *const *items = NULL;
    size_t count = 0;
    CHECK_EQ(weir_frontier_failed(w.frontier, &items, &count), 0);
    CHECK_EQ(count, 2);
    CHECK_EQ(number_of_item(items[0]), 3);
    CHECK_EQ(number_of_item(items[1]), 5);
    world_end(&w);
}

static void a_seed_may_come_before_a_failure(void) {
    for_each_world(late_seed);
}

// ---- without edges ---------------------------------------------------------

static void check_way(world *w, weir_item *item) {
    weir_requirer chain[64];
    int64_t length =
        weir_item_chain(w->frontier, item, chain, TEST_COUNT(chain));
    CHECK(length > 0 && length <= (int64_t)w->count);
    CHECK(chain[0].item == item);
    for (int64_t i = 0; i < length && i < 64; i++) {
        const weir_requirer *list = NULL;
        size_t count = 0;
        CHECK_EQ(weir_item_requirers(w->frontier, chain[i].item, &list, &count),
                 0);
        CHECK_EQ(count, 1);
        CHECK_EQ(list[0].tag, chain[i].tag);
        if (i + 1 == length)
            CHECK(list[0].item == NULL);
        else if (i + 1 < 64)
            CHECK(list[0].item == chain[i + 1].item);
    }
}

static void edgeless(weir_pool *pool, weir_frontier_engine engine,
                     uint64_t seed) {
    for (unsigned round = rounds_of(pool) / 8; round > 0; round--) {
        world w;
        model m;
        any_world(&w, pool, engine, seed * 500 + round, WEIR_FRONTIER_ALL);
        w.options.no_edges = 1;
        enders_start(&w, 2);
        world_start(&w);
        int status = world_wait(&w);
        model_make(&m, &w);
        check_items(&m);
        check_figures(&m);
        weir_item *const *items = NULL;
        size_t count = 0, before = 0;
        CHECK_EQ(weir_frontier_failed(w.frontier, &items, &count), 0);
        CHECK_EQ(count, m.failed_count);
        for (size_t i = 0; i < count; i++) {
            CHECK(i == 0 ||
                  nodes_compare(&w, (int64_t)before,
                                (int64_t)number_of_item(items[i])) < 0);
            before = number_of_item(items[i]);
        }
        CHECK_EQ(status, count == 0 ? 0 : weir_item_status(items[0]));
        for (size_t i = 0; i < m.count; i++)
            check_way(&w, item_of(&w, m.sorted[i]));
        model_free(&m);
        world_end(&w);
    }
}

static void without_edges_the_rest_is_the_same(void) {
    for_each_world(edgeless);
}

// ---- who asked -------------------------------------------------------------

static void tags(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 12, seed);
    // 11 and 2 and 10 ask for 1, with tags out of order, some twice.
    for (uint32_t i = 0; i < 6; i++) {
        world_edge(&w, 11, (edge){.to = 1, .tag = 5 - i / 2});
        world_edge(&w, 2, (edge){.to = 1, .tag = UINT32_MAX - i});
        world_edge(&w, 10, (edge){.to = 1, .tag = i * 3 % 7});
    }
    world_edge(&w, 1, (edge){.to = 1, .tag = 1});
    static const uint32_t seeds[] = {11, 2, 10};
    for (size_t i = 0; i < 3; i++)
        world_seed(&w, (edge){.to = seeds[i]});
    if (seed % 2 == 0) {
        world_seed(&w, (edge){.to = 1, .tag = 9});
        world_seed(&w, (edge){.to = 1, .tag = 3});
        world_seed(&w, (edge){.to = 1, .tag = 9});
    }
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    const weir_requirer *list = NULL;
    size_t count = 0;
    weir_item *item = item_of(&w, 1);
    CHECK_EQ(weir_item_requirers(w.frontier, item, &list, &count), 0);
    CHECK_EQ(count, 6 + 3 + 6 + 1 + (seed % 2 == 0 ? 2 : 0));
    check_world(&w, 0);
    weir_requirer chain[2] = {{.tag = 77}, {.tag = 77}};
    int64_t length = weir_item_chain(w.frontier, item, chain, 1);
    CHECK_EQ(length, seed % 2 == 0 ? 1 : 2);
    CHECK(chain[0].item == item);
    CHECK_EQ(chain[0].tag, seed % 2 == 0 ? 3 : 0); // by 10 rather than 11, 2
    CHECK_EQ(chain[1].tag, 77);                    // not written
    CHECK_EQ(weir_item_chain(w.frontier, item, NULL, 0), length);
    world_end(&w);
}

static void each_requirer_and_tag_is_there_once(void) { for_each_world(tags); }

// ---- many at once ask ------------------------------------------------------

static void *asker_main(void *arg) {
    world *w = arg;
    check_world(w, w->done_status);
    return NULL;
}

static void threads_may_ask_for_results_at_once(void) {
    weir_pool *pool = pool_of(2);
    for (uint64_t round = 0; round < 20; round++) {
        world w;
        pthread_t threads[4];
        uint64_t dice = round;
        const shape s = {
            .nodes = 200, .edges = 600, .seeds = 3, .fails = 2, .attempts = 1};
        world_make(&w, pool, (weir_frontier_engine)(round % 3), 200, round);
        world_chance(&w, &s, &dice);
        world_start(&w);
        (void)world_wait(&w);
        for (size_t i = 0; i < 4; i++)
            threads[i] = thread_start(asker_main, &w);
        for (size_t i = 0; i < 4; i++)
            thread_join(threads[i]);
        world_end(&w);
    }
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"everything_is_as_in_a_walk", everything_is_as_in_a_walk},
        {"the_first_failure_is_as_in_a_walk",
         the_first_failure_is_as_in_a_walk},
        {"a_failure_may_come_nearer", a_failure_may_come_nearer},
        {"what_was_passed_over_is_taken_up", what_was_passed_over_is_taken_up},
        {"nothing_new_comes_after_a_failure",
         nothing_new_comes_after_a_failure},
        {"running_visits_go_on", running_visits_go_on},
        {"a_seed_may_come_before_a_failure", a_seed_may_come_before_a_failure},
        {"without_edges_the_rest_is_the_same",
         without_edges_the_rest_is_the_same},
        {"each_requirer_and_tag_is_there_once",
         each_requirer_and_tag_is_there_once},
        {"threads_may_ask_for_results_at_once",
         threads_may_ask_for_results_at_once},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// Who goes first, and how many at once.
#include "support/frontier_model.h"

// A visit that is ended by nobody but world_end_one.
static int only_listed(world *w, node *n, weir_worker *self,
                       weir_visit *visit) {
    (void)n;
    (void)self;
    pending_push(w, visit);
    return WEIR_VISIT_LATER;
}

static void end_so_many(world *w, unsigned count) {
    while (count > 0)
        if (world_end_one(w))
            count--;
        else if (w->is_deterministic)
            CHECK_EQ(weir_pool_step(w->pool), 1);
        else
            sched_yield();
}

// ---- demand before prefetch ------------------------------------------------

// One place in the class, held by a root that adds all before it ends: what
// comes then comes one after the other.
static void open_held(world *w, weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed, size_t count) {
    world_make(w, pool, engine, count, seed);
    w->options.caps[0] = 1;
    w->nodes[0].is_later = 1;
    world_seed(w, (edge){.to = 0});
}

static void add_range(world *w, uint32_t from, uint32_t to, uint8_t prefetch) {
    for (uint32_t i = from; i < to; i++)
        world_edge(w, 0, (edge){.to = i, .prefetch = prefetch});
}

static uint64_t last_turn(const world *w, uint32_t from, uint32_t to) {
    uint64_t last = 0;
    for (uint32_t i = from; i < to; i++)
        last = w->nodes[i].turn > last ? w->nodes[i].turn : last;
    return last;
}

static uint64_t first_turn(const world *w, uint32_t from, uint32_t to) {
    uint64_t first = UINT64_MAX;
    for (uint32_t i = from; i < to; i++)
        first = w->nodes[i].turn < first ? w->nodes[i].turn : first;
    return first;
}

static void finish_held(world *w) {
    enders_start(w, 1);
    world_start(w);
    CHECK_EQ(world_wait(w), 0);
    check_world(w, 0);
}

static void demand_first(weir_pool *pool, weir_frontier_engine engine,
                         uint64_t seed) {
    world w;
    open_held(&w, pool, engine, seed, 41);
    add_range(&w, 1, 21, 1);
    add_range(&w, 21, 41, 0);
    finish_held(&w);
    CHECK(last_turn(&w, 21, 41) < first_turn(&w, 1, 21));
    world_end(&w);
}

static void demanded_keys_go_first(void) { for_each_world(demand_first); }

static void promoted(weir_pool *pool, weir_frontier_engine engine,
                     uint64_t seed) {
    world w;
    open_held(&w, pool, engine, seed, 40);
    add_range(&w, 1, 31, 1);  // prefetched
    add_range(&w, 31, 40, 0); // demanded
    add_range(&w, 10, 20, 0); // now these are too
    add_range(&w, 31, 40, 1); // that takes nothing back
    add_range(&w, 10, 15, 1);
    finish_held(&w);
    uint64_t last = last_turn(&w, 31, 40), other = last_turn(&w, 10, 20);
    last = last > other ? last : other;
    CHECK(last < first_turn(&w, 1, 10));
    CHECK(last < first_turn(&w, 20, 31));
    world_end(&w);
}

static void what_was_prefetched_may_become_demanded(void) {
    for_each_world(promoted);
}

static void promoted_by_seed(weir_pool *pool, weir_frontier_engine engine,
                             uint64_t seed) {
    world w;
    open_held(&w, pool, engine, seed, 21);
    w.nodes[0].act = only_listed;
    world_open(&w);
    world_seed_now(&w, (edge){.to = 0});
    world_begun(&w, 0, 1);
    for (uint32_t i = 1; i < 21; i++)
        world_seed_now(&w, (edge){.to = i, .prefetch = 1});
    for (uint32_t i = 11; i < 21; i++)
        world_seed_now(&w, (edge){.to = i});
    weir_frontier_close(w.frontier);
    end_so_many(&w, 1);
    CHECK_EQ(world_wait(&w), 0);
    CHECK(last_turn(&w, 11, 21) < first_turn(&w, 1, 11));
    world_end(&w);
}

static void a_seed_may_demand_what_was_prefetched(void) {
    for_each_world(promoted_by_seed);
}

// Prefetches alone fill the room.
static void prefetch_alone(weir_pool *pool, weir_frontier_engine engine,
                           uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 30, seed);
    for (uint32_t i = 0; i < 30; i++) {
        if (i > 0)
            world_edge(&w, (i - 1) / 2, (edge){.to = i, .prefetch = 1});
        w.nodes[i].is_later = i % 3 == 0;
    }
    world_seed(&w, (edge){.to = 0, .prefetch = 1});
    finish_held(&w);
    world_end(&w);
}

static void what_nobody_demands_is_visited_too(void) {
    for_each_world(prefetch_alone);
}

// ---- classes ---------------------------------------------------------------

static void other_class(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed) {
    enum { MANY = 5000 };
    world w;
    world_make(&w, pool, engine, MANY, seed);
    w.nodes[0].is_later = 1;
    for (size_t i = 4; i < MANY; i++) // those of class 0 go on and on
        link_nodes(&w, i < 8 ? 0 : (i - 4) / 2 + 2, i);
    w.nodes[1].visit_class = 1;
    w.nodes[2].visit_class = 7;
    w.nodes[3].visit_class = 5;
    link_nodes(&w, 0, 1);
    link_nodes(&w, 0, 2);
    world_edge(&w, 0, (edge){.to = 3, .prefetch = 1});
    w.options.caps[0] = 3;
    w.options.caps[1] = 1;
    world_seed(&w, (edge){.to = 0});
    finish_held(&w);
    // With threads on several places a visit may have begun long before it
    // could note its turn.
    for (size_t i = 1; i < 4; i++)
        if (w.is_deterministic || weir_pool_width(pool) == 1)
            CHECK(w.nodes[i].turn < MANY / 2);
    world_end(&w);
}

static void no_class_starves_another(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, other_class, 8);
}

// ---- caps ------------------------------------------------------------------

static void await_alive(world *w, unsigned visit_class, uint64_t n) {
    while (w->is_deterministic && weir_pool_step(w->pool) == 1)
        continue;
    tally_await(&w->alive[visit_class], n);
}

// With LATER visits that nobody ends, just as many begin as there is room for.
static void filled(weir_pool *pool, weir_frontier_engine engine,
                   uint64_t seed) {
    static const uint64_t most[] = {2, 5, 20, 1};
    world w;
    world_make(&w, pool, engine, 81, seed);
    for (size_t i = 1; i <= 80; i++) {
        w.nodes[i].act = only_listed;
        w.nodes[i].visit_class = (uint8_t)(1 + i % 4);
        world_edge(&w, 0, (edge){.to = (uint32_t)i, .prefetch = i % 3 == 0});
    }
    for (unsigned c = 0; c < 4; c++)
        w.options.caps[c + 1] = c == 2 ? 0 : (unsigned)most[c];
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    for (unsigned c = 0; c < 4; c++)
        await_alive(&w, c + 1, most[c]);
    weir_frontier_counts counts;
    do // who adds the last ones may still be at it
        counts = world_counts(&w);
    while (!w.is_deterministic && counts.queued < 80 - 2 - 5 - 20 - 1);
    for (unsigned c = 0; c < 4; c++)
        CHECK_EQ(counts.in_flight[c + 1], most[c]);
    CHECK_EQ(counts.queued, 80 - 2 - 5 - 20 - 1);
    CHECK_EQ(counts.waiting, 0);
    CHECK_EQ(tally_get(&w.done), 0);
    enders_start(&w, 2);
    CHECK_EQ(world_wait(&w), 0);
    counts = world_counts(&w);
    for (unsigned c = 0; c < 4; c++) {
        CHECK_EQ(tally_get(&w.highest[c + 1]), most[c]);
        if (c != 2)
            CHECK_EQ(counts.in_flight_max[c + 1], most[c]);
    }
    check_world(&w, 0);
    world_end(&w);
}

static void a_cap_is_reached_and_never_exceeded(void) {
    for_each_world(filled);
}

static void never_two(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 60, seed);
    w.is_yielding = 1;
    for (size_t i = 0; i < 60; i++) {
        w.nodes[i].visit_class = i % 2 == 0;
        w.nodes[i].is_later = i % 5 == 0;
        link_nodes(&w, i, (i * 3 + 1) % 60);
        link_nodes(&w, i, (i + 1) % 60);
    }
    w.options.caps[0] = 1;
    w.options.caps[1] = 2;
    world_seed(&w, (edge){.to = 0, .tag = 7});
    finish_held(&w); // visit_begins checks
    world_end(&w);
}

static void visits_on_workers_are_capped_too(void) {
    for_each_world(never_two);
}

static int ends_and_stays(world *w, node *n, weir_worker *self,
                          weir_visit *visit) {
    (void)self;
    tally *inside = w->argument;
    CHECK_EQ(tally_add(inside), 1);
    int status = visit_works(w, n, visit);
    visit_ends(w, n);
    weir_visit_end(visit, status);
    for (int i = 0; i < 5; i++) {
        world_yield(w);
        CHECK_EQ(tally_get(inside), 1); // there is no room yet
    }
    (void)tally_take(inside);
    return WEIR_VISIT_LATER;
}

static void stays(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    world w;
    tally inside;
    tally_init(&inside);
    world_make(&w, pool, engine, 20, seed);
    w.argument = &inside;
    w.is_yielding = 1;
    w.options.caps[0] = 1;
    for (size_t i = 0; i < 20; i++) {
        w.nodes[i].act = ends_and_stays;
        link_nodes(&w, i, (i + 1) % 20);
        link_nodes(&w, i, (i + 7) % 20);
    }
    world_seed(&w, (edge){.to = 0});
    finish_held(&w);
    world_end(&w);
}

static void room_is_held_until_visit_has_returned(void) {
    for_each_world(stays);
}

static void backing_off(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 3, seed);
    w.options.caps[0] = 1;
    w.options.attempts_max = 2;
    w.nodes[0].fails = 1;
    w.nodes[0].delay_ns = (int64_t)3600 * 1000000000;
    link_nodes(&w, 1, 2);
    world_open(&w);
    world_seed_now(&w, (edge){.to = 0});
    world_begun(&w, 0, 1);
    world_seed_now(&w, (edge){.to = 1});
    world_begun(&w, 2, 1); // in the room that 0 does not hold
    weir_frontier_close(w.frontier);
    if (!w.is_deterministic) {
        while (world_counts(&w).done < 2)
            sched_yield();
        weir_frontier_counts c = world_counts(&w);
        CHECK_EQ(c.waiting, 1);
        CHECK_EQ(c.in_flight[0], 0);
        CHECK_EQ(tally_get(&w.done), 0);
        weir_frontier_cancel(w.frontier);
    }
    int status = world_wait(&w);
    CHECK_EQ(status, w.is_deterministic ? 0 : -ECANCELED);
    world_end(&w);
}

static void who_backs_off_holds_no_room(void) { for_each_world(backing_off); }

// ---- caps that change ------------------------------------------------------

static void changed(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 60, seed);
    for (uint32_t i = 0; i < 60; i++) {
        w.nodes[i].act = only_listed;
        world_seed(&w, (edge){.to = i});
    }
    w.options.caps[0] = 2;
    world_open(&w);
    w.options.caps[0] = 6; // what visit_begins looks at
    for (size_t i = 0; i < w.seeds_count; i++)
        world_seed_now(&w, w.seeds[i]);
    weir_frontier_close(w.frontier);
    await_alive(&w, 0, 2);
    CHECK_EQ(world_counts(&w).in_flight[0], 2);
    CHECK_EQ(weir_frontier_set_cap(w.frontier, 8, 3), -EINVAL);
    CHECK_EQ(weir_frontier_set_cap(w.frontier, 1, 3), -EINVAL);
    CHECK_EQ(weir_frontier_set_cap(w.frontier, 0, 0), -EINVAL);
    CHECK_EQ(weir_frontier_set_cap(w.frontier, 0, 6), 0);
    await_alive(&w, 0, 6);
    CHECK_EQ(world_counts(&w).in_flight[0], 6);
    CHECK_EQ(weir_frontier_set_cap(w.frontier, 0, 3), 0);
    end_so_many(&w, 3);
    if (w.is_deterministic)
        await_alive(&w, 0, 3);
    CHECK_EQ(tally_get(&w.alive[0]), 3); // the last three fill it
    CHECK_EQ(tally_get(&w.visits), 6);
    end_so_many(&w, 1);
    await_alive(&w, 0, 3);
    CHECK_EQ(tally_get(&w.visits), 7);
    enders_start(&w, 1);
    CHECK_EQ(world_wait(&w), 0);
    CHECK_EQ(world_counts(&w).in_flight_max[0], 6);
    world_end(&w);
}

static void a_cap_may_change(void) { for_each_world(changed); }

static void uncapped(weir_pool *pool, weir_frontier_engine engine,
                     uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 50, seed);
    for (size_t i = 1; i < 50; i++) {
        w.nodes[i].act = only_listed;
        w.nodes[i].visit_class = (uint8_t)(i % 8);
        link_nodes(&w, 0, i);
    }
    w.options.caps[3] = 1;
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    for (unsigned c = 0; c < WEIR_FRONTIER_CLASSES; c++)
        await_alive(&w, c, c == 3 ? 1 : (c == 1 ? 7 : 6));
    enders_start(&w, 1);
    CHECK_EQ(world_wait(&w), 0);
    world_end(&w);
}

static void a_full_class_holds_up_no_other(void) { for_each_world(uncapped); }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"demanded_keys_go_first", demanded_keys_go_first},
        {"what_was_prefetched_may_become_demanded",
         what_was_prefetched_may_become_demanded},
        {"a_seed_may_demand_what_was_prefetched",
         a_seed_may_demand_what_was_prefetched},
        {"what_nobody_demands_is_visited_too",
         what_nobody_demands_is_visited_too},
        {"no_class_starves_another", no_class_starves_another},
        {"a_cap_is_reached_and_never_exceeded",
         a_cap_is_reached_and_never_exceeded},
        {"visits_on_workers_are_capped_too", visits_on_workers_are_capped_too},
        {"room_is_held_until_visit_has_returned",
         room_is_held_until_visit_has_returned},
        {"who_backs_off_holds_no_room", who_backs_off_holds_no_room},
        {"a_cap_may_change", a_cap_may_change},
        {"a_full_class_holds_up_no_other", a_full_class_holds_up_no_other},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

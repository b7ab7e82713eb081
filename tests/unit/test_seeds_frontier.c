// SPDX-License-Identifier: MIT
// The frontier under many seeds: worlds of chance, with caps, retries, later
// visits, cancels and stops. What comes of them is what one walk says.
#include "support/frontier_model.h"
#include "support/seeds.h"

static void draw_world(world *w, weir_pool *pool, uint64_t seed) {
    size_t nodes = 1 + (size_t)seed_below(40);
    shape s = {.nodes = nodes,
               .edges = (size_t)seed_below(4 * nodes + 1),
               .seeds = (size_t)seed_below(5),
               .later = (unsigned)seed_below(17),
               .fails = (unsigned)seed_below(6),
               .retries = (unsigned)seed_below(6),
               .attempts = 1 + (unsigned)seed_below(4),
               .classes = 1 + (int)seed_below(8),
               .prefetch = (int)seed_below(2)};
    weir_frontier_engine engine =
        seed_one_in(2) ? WEIR_FRONTIER_WORKERS : WEIR_FRONTIER_OWNER;
    uint64_t dice = seed;
    world_make(w, pool, engine, nodes, seed);
    world_chance(w, &s, &dice);
    w->is_yielding = !seed_one_in(4);
    for (unsigned c = 0; c < WEIR_FRONTIER_CLASSES; c++)
        w->options.caps[c] = (unsigned)seed_below(4);
    SAY("%zu nodes, %zu edges, %zu seeds, engine %d", nodes, s.edges, s.seeds,
        (int)engine);
}

// Ended early: each item has one outcome, and what ran is told.
static void end_early(world *w, weir_pool *pool) {
    int stops = seed_one_in(3);
    w->options.cancelled = world_cancelled;
    world_start(w);
    for (uint64_t steps = seed_below(200); steps > 0; steps--)
        if (weir_pool_step(pool) != 1 && !world_end_one(w))
            break;
    SAY(stops ? "the pool is stopped" : "it is cancelled");
    if (!stops)
        weir_frontier_cancel(w->frontier);
    while (stops) {
        int error = weir_pool_stop(pool, WEIR_STOP_CANCEL, 0, NULL);
        if (error == 0 || !world_end_one(w))
            break;
    }
    while (world_end_one(w))
        continue;
    int status = world_wait(w);
    CHECK(status <= 0);
}

static void scenario(weir_pool *pool, uint64_t seed) {
    world w;
    draw_world(&w, pool, seed);
    if (seed_one_in(3)) {
        end_early(&w, pool);
    } else {
        w.options.policy =
            seed_one_in(2) ? WEIR_FRONTIER_ALL : WEIR_FRONTIER_FIRST;
        world_start(&w);
        int status = world_wait(&w);
        SAY("it has ended with %d", status);
        if (w.options.policy == WEIR_FRONTIER_ALL)
            check_world(&w, status);
        else
            check_first(&w, status);
    }
    world_end(&w);
}

SEEDS_MAIN("frontier", scenario, 1500 / TEST_SMALLER)

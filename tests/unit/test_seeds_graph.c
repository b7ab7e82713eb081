// SPDX-License-Identifier: MIT
// The task graph under many seeds: programs of chance with failures, cancels
// and stops, against the same tasks one after the other.
#include "support/graph_model.h"
#include "support/seeds.h"

static void steps(weir_pool *pool, uint64_t most) {
    for (uint64_t i = seed_below(most + 1); i > 0; i--)
        if (weir_pool_step(pool) != 1)
            return;
}

static void scenario(weir_pool *pool, uint64_t seed) {
    static model m;
    weir_graph *graph = graph_of(pool);
    int statuses[MODEL_FLOWS];
    uint64_t stutters = seed_below(6);
    model_make(&m, graph, seed,
               seed_one_in(2) ? 4 + (uint32_t)seed_below(12) : 0);
    model_open(&m);
    size_t at = seed_one_in(2) ? seed_below(m.tasks_count) : m.tasks_count;
    size_t victim = seed_below(MODEL_FLOWS);
    for (size_t i = 0; i < m.tasks_count; i++) {
        SAY("task %zu of flow %zu", i, (size_t)m.tasks[i].flow);
        model_submit(&m, i, m.flows[m.tasks[i].flow]);
        steps(pool, stutters);
        if (i == at) {
            SAY("flow %zu is cancelled", victim);
            m.cancelled[victim] = 1;
            weir_flow_cancel(m.flows[victim]);
        }
    }
    model_close(&m, statuses);
    model_check(&m, statuses);
    while (graph_counts(graph).slots_used > 0) // who ended them leaves soon
        CHECK_EQ(weir_pool_step(pool), 1);
    graph_close(graph);
}

SEEDS_MAIN("graph", scenario, 1000 / TEST_SMALLER)

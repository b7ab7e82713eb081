// SPDX-License-Identifier: MIT
// The task graph under many seeds: programs of chance with failures, cancels
// and stops of the pool, against the same tasks one after the other.
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

// All that was begun ends: run, if the pool drains, else with the truth.
static void stop_pool(model *m, weir_pool *pool, weir_stop_mode mode) {
    int drains = mode == WEIR_STOP_DRAIN;
    m->stopped = !drains;
    // Flows are open: a drain cannot have ended.
    int error = weir_pool_stop(pool, mode, drains ? 0 : WEIR_FOREVER, NULL);
    SAY("the pool is stopped, mode %d: %d", (int)mode, error);
    CHECK_EQ(error, drains ? -ETIMEDOUT : 0);
    weir_flow *late = NULL;
    CHECK_EQ(weir_flow_begin(m->graph, NULL, &late), -ESHUTDOWN);
    for (size_t i = 0; i < m->tasks_count && !drains; i++) {
        model_task *t = &m->tasks[i];
        weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
        if (t->handle.id != 0)
            CHECK_EQ(weir_task_poll(m->graph, t->handle, &o), 0);
    }
}

static void stop_scenario(weir_pool *pool, uint64_t seed) {
    static model m;
    weir_graph *graph = graph_of(pool);
    int statuses[MODEL_FLOWS];
    uint64_t stutters = seed_below(6);
    model_make(&m, graph, seed,
               seed_one_in(2) ? 4 + (uint32_t)seed_below(12) : 0);
    model_open(&m);
    size_t cancel_at = seed_one_in(3) ? seed_below(m.tasks_count) : SIZE_MAX;
    size_t stop_at = seed_below(m.tasks_count);
    size_t victim = seed_below(MODEL_FLOWS);
    weir_stop_mode mode = (weir_stop_mode)seed_below(3);
    for (size_t i = 0; i < m.tasks_count; i++) {
        SAY("task %zu of flow %zu", i, (size_t)m.tasks[i].flow);
        model_submit(&m, i, m.flows[m.tasks[i].flow]);
        if (m.tasks[i].refused)
            CHECK(m.stopped || m.cancelled[m.tasks[i].flow]);
        else
            CHECK(!m.stopped);
        steps(pool, stutters);
        if (i == cancel_at) {
            SAY("flow %zu is cancelled", victim);
            m.cancelled[victim] = 1;
            weir_flow_cancel(m.flows[victim]);
        }
        if (i == stop_at)
            stop_pool(&m, pool, mode);
    }
    model_close(&m, statuses);
    model_check(&m, statuses);
    CHECK_EQ(weir_pool_stop(pool, mode, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(graph_counts(graph).slots_used, 0);
    graph_close(graph);
}

SEEDS_CASE("graph", all, scenario, 1000 / TEST_SMALLER)
SEEDS_CASE("graph", its_pool_may_stop_at_any_step, stop_scenario,
           1000 / TEST_SMALLER)

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"all", all},
        {"its_pool_may_stop_at_any_step", its_pool_may_stop_at_any_step},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// Tasks for several workers at once, on threads.
#include "support/graph.h"

typedef struct crew {
    tally arrived;
    uint32_t members;
    int meets; // all wait for each other
    int called[8];
    unsigned worker[8];
    int result[8];
    int lingers[8]; // until told
    int told[8];
    tally *clock;
    uint64_t at[8]; // on that clock
} crew;

static int crew_run(const weir_kernel_call *call) {
    crew *c = argument_of(call);
    CHECK_EQ(call->members, c->members);
    CHECK(call->member < c->members);
    c->called[call->member]++;
    c->worker[call->member] = call->worker;
    if (c->clock != NULL)
        c->at[call->member] = tally_get(c->clock);
    tally_add(&c->arrived);
    while (c->meets && tally_get(&c->arrived) < c->members)
        breathe(call);
    while (c->lingers[call->member] && !weir_kernel_cancelled(call))
        breathe(call);
    c->told[call->member] = weir_kernel_cancelled(call);
    return c->result[call->member];
}

static const weir_kernel crewing = {"crew", crew_run};

static crew crew_of(uint32_t members) {
    crew c = {.members = members, .meets = 1};
    tally_init(&c.arrived);
    return c;
}

static weir_task crew_go(weir_flow *flow, crew *c, const weir_access *accesses,
                         size_t count) {
    void *argument = c;
    weir_task task = {0};
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &crewing;
    spec.arguments = &argument;
    spec.arguments_size = sizeof(argument);
    spec.accesses = accesses;
    spec.accesses_count = count;
    spec.members = c->members;
    CHECK_EQ(weir_flow_submit(flow, &spec, &task), 0);
    return task;
}

static void check_called(const crew *c, int times) {
    for (uint32_t i = 0; i < c->members; i++)
        CHECK_EQ(c->called[i], times);
}

static void groups_on(weir_pool *pool) {
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    uint32_t width = weir_pool_width(pool);
    static crew c[12];
    tally singles;
    tally_init(&singles);
    for (uint32_t i = 0; i < 12; i++) {
        c[i] = crew_of(1 + i % (width < 4 ? width : 4));
        c[i].members = c[i].members < 2 && width > 1 ? 2 : c[i].members;
        crew_go(flow, &c[i], NO_ACCESS);
        for (int j = 0; j < 3; j++)
            task_go(flow, &counting, &singles, NO_ACCESS);
    }
    CHECK_EQ(flow_end(flow), 0);
    for (uint32_t i = 0; i < 12; i++) {
        check_called(&c[i], 1);
        for (uint32_t j = 0; j < c[i].members; j++)
            for (uint32_t k = 0; k < j; k++)
                CHECK(c[i].worker[j] != c[i].worker[k]);
    }
    CHECK_EQ(tally_get(&singles), 36);
    graph_close(graph);
}

static void members_run_at_once_on_different_workers(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, groups_on, SEEDS);
}

static void d16_a_group_beyond_the_pool_is_refused(void) {
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &empty;
    spec.members = weir_pool_width(pool) + 1;
    CHECK_EQ(weir_flow_submit(flow, &spec, NULL), -E2BIG);
    spec.members = weir_pool_width(pool);
    CHECK_EQ(weir_flow_submit(flow, &spec, NULL), 0);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(graph);
    pool_close(pool);
}

static void groups_of_several_graphs_take_turns(void) {
    weir_pool *pool = pool_of(2);
    weir_graph *graph[2] = {graph_of(pool), graph_of(pool)};
    weir_flow *flow[2] = {flow_of(graph[0]), flow_of(graph[1])};
    static crew c[100];
    for (size_t i = 0; i < 100; i++) {
        c[i] = crew_of(2);
        crew_go(flow[i % 2], &c[i], NO_ACCESS);
    }
    for (int i = 0; i < 2; i++)
        CHECK_EQ(flow_end(flow[i]), 0);
    for (size_t i = 0; i < 100; i++)
        check_called(&c[i], 1);
    for (int i = 0; i < 2; i++)
        graph_close(graph[i]);
    pool_close(pool);
}

static int add_run(const weir_kernel_call *call) {
    uint64_t *words = call->data[0];
    words[call->member]++;
    return 0;
}

static const weir_kernel adding = {"add", add_run};

static void group_chains(weir_pool *pool) {
    static uint64_t words[4];
    memset(words, 0, sizeof(words));
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    weir_buffer buffer = buffer_of(graph, words, sizeof(words));
    uint32_t width = weir_pool_width(pool);
    weir_access access = ALL_OF(WEIR_READWRITE, buffer);
    for (uint32_t i = 0; i < 60; i++) {
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        spec.kernel = &adding;
        spec.accesses = &access;
        spec.accesses_count = 1;
        spec.members = i % 2 ? 1 : width < 4 ? width : 4;
        CHECK_EQ(weir_flow_submit(flow, &spec, NULL), 0);
    }
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(words[0], 60);
    CHECK_EQ(words[1], width > 1 ? 30 : 0);
    graph_close(graph);
}

static void what_follows_a_group_waits_for_all_members(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, group_chains, 40);
}

static void a_group_has_ended_when_all_have(void) {
    weir_pool *pool = pool_of(3);
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    static unsigned char memory[8];
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    crew c = crew_of(2);
    c.lingers[1] = 1;
    weir_task task = crew_go(flow, &c, ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
    tally_await(&c.arrived, 2);
    settle(graph, flow);
    CHECK(!has_ended(graph, task));
    weir_flow_cancel(flow); // tells both
    CHECK_EQ(task_end(graph, task), 0);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(graph);
    pool_close(pool);
}

// Who waits for a member that has failed is told.
static void failing_groups(weir_pool *pool) {
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    if (weir_pool_width(pool) >= 2) {
        crew c = crew_of(2);
        c.result[1] = -EPIPE;
        c.lingers[0] = 1;
        weir_task task = crew_go(flow, &c, NO_ACCESS);
        weir_task_outcome o = outcome_of(graph, task);
        CHECK_EQ(o.status, -EPIPE);
        CHECK_EQ(o.root, o.number);
        CHECK(c.told[0]);
        c = crew_of(2);
        c.result[0] = -EIO;
        c.result[1] = -EPIPE;
        weir_task both = crew_go(flow, &c, NO_ACCESS);
        weir_task after = task_after(flow, &empty, NULL, &both, 1);
        CHECK_EQ(task_end(graph, both), -EIO); // the first by member
        CHECK_EQ(task_end(graph, after), -EIO);
        CHECK_EQ(weir_task_release(graph, task), 0);
        CHECK_EQ(flow_end(flow), -EPIPE);
    } else {
        CHECK_EQ(flow_end(flow), 0);
    }
    graph_close(graph);
}

static void a_group_fails_with_its_first_failure(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, failing_groups, 60);
}

static void a_group_that_is_cancelled_does_not_run(void) {
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    for (int round = 0; round < 50; round++) {
        weir_flow *flow = flow_of(graph);
        crew c = crew_of(2);
        held busy;
        hold(pool, &busy);
        weir_task task = crew_go(flow, &c, NO_ACCESS);
        weir_flow_cancel(flow);
        release(&busy);
        CHECK_EQ(task_end(graph, task), -ECANCELED);
        check_called(&c, 0);
        CHECK_EQ(flow_end(flow), -ECANCELED);
        wait_idle(pool);
        gate_fini(&busy.gate);
    }
    graph_close(graph);
    pool_close(pool);
}

static void *cancel_main(void *argument) {
    weir_flow_cancel(argument);
    return NULL;
}

// All members or none.
static void a_cancel_may_meet_a_group(void) {
    weir_pool *pool = pool_of(2);
    weir_graph *graph = graph_of(pool);
    for (int round = 0; round < 200 / TEST_SMALLER + 20; round++) {
        weir_flow *flow = flow_of(graph);
        crew c[4];
        weir_task task[4];
        for (size_t i = 0; i < 4; i++) {
            c[i] = crew_of(2);
            task[i] = crew_go(flow, &c[i], NO_ACCESS);
        }
        pthread_t thread = thread_start(cancel_main, flow);
        for (size_t i = 0; i < 4; i++) {
            int status = task_end(graph, task[i]);
            CHECK(status == 0 || status == -ECANCELED);
            check_called(&c[i], status == 0);
        }
        thread_join(thread);
        (void)flow_end(flow);
    }
    graph_close(graph);
    pool_close(pool);
}

static void groups_may_be_stopped(void) {
    for (uint64_t seed = 0; seed < 100; seed++) {
        weir_pool *pool = pool_seeded(seed, 2 + (unsigned)seed % 3);
        weir_graph *graph = graph_of(pool);
        weir_flow *flow = flow_of(graph);
        crew c[6];
        weir_task task[6];
        for (size_t i = 0; i < 6; i++) {
            c[i] = crew_of(2);
            task[i] = crew_go(flow, &c[i], NO_ACCESS);
        }
        for (uint64_t steps = 0; steps < seed % 37; steps++)
            (void)weir_pool_step(pool);
        CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL), 0);
        for (size_t i = 0; i < 6; i++) {
            weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
            CHECK_EQ(weir_task_poll(graph, task[i], &o), 0);
            CHECK(o.status == 0 || o.status == -ESHUTDOWN);
            check_called(&c[i], o.status == 0);
        }
        (void)flow_end(flow);
        graph_close(graph);
        weir_pool_destroy(pool);
    }
}

// ---- a group is not overtaken without end ----------------------------------

static void d17_a_group_is_not_overtaken_by_singles(void) {
    enum { SINGLES = 400, SLACK = 100 };
    for (int round = 0; round < 5; round++) {
        weir_pool *pool = pool_of(2);
        weir_graph *graph = graph_of(pool);
        weir_flow *flow = flow_of(graph);
        tally clock;
        tally_init(&clock);
        static probe p[SINGLES];
        for (size_t i = 0; i < SINGLES; i++)
            p[i] = (probe){.clock = &clock};
        for (size_t i = 0; i < 4; i++)
            task_go(flow, &probing, &p[i], NO_ACCESS);
        crew c = crew_of(2);
        c.clock = &clock;
        crew_go(flow, &c, NO_ACCESS);
        for (size_t i = 4; i < SINGLES; i++)
            task_go(flow, &probing, &p[i], NO_ACCESS);
        CHECK_EQ(flow_end(flow), 0);
        for (int i = 0; i < 2; i++)
            if (c.at[i] > 2 * SLACK)
                CHECK_FAIL("%llu of %d came before it",
                           (unsigned long long)c.at[i] / 2, SINGLES);
        graph_close(graph);
        pool_close(pool);
    }
}

// Exactly, where nothing else moves: the order of the deterministic pool.
static void a_group_between_singles_has_its_turn(void) {
    for (uint64_t seed = 0; seed < 50; seed++) {
        weir_pool *pool = pool_seeded(seed, 2);
        weir_graph *graph = graph_of(pool);
        weir_flow *flow = flow_of(graph);
        tally ran;
        tally_init(&ran);
        crew c = crew_of(2);
        crew_go(flow, &c, NO_ACCESS);
        for (size_t i = 0; i < 100; i++)
            task_go(flow, &counting, &ran, NO_ACCESS);
        while (tally_get(&c.arrived) < 2)
            CHECK_EQ(weir_pool_step(pool), 1);
        CHECK(tally_get(&ran) <= 20); // it was the first in the queue
        CHECK_EQ(flow_end(flow), 0);
        graph_close(graph);
        pool_close(pool);
    }
}

static const test_case cases[] = {
    CASE(members_run_at_once_on_different_workers),
    CASE(d16_a_group_beyond_the_pool_is_refused),
    CASE(groups_of_several_graphs_take_turns),
    CASE(what_follows_a_group_waits_for_all_members),
    CASE(a_group_has_ended_when_all_have),
    CASE(a_group_fails_with_its_first_failure),
    CASE(a_group_that_is_cancelled_does_not_run),
    CASE(a_cancel_may_meet_a_group),
    CASE(groups_may_be_stopped),
    CASE(d17_a_group_is_not_overtaken_by_singles),
    CASE(a_group_between_singles_has_its_turn),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

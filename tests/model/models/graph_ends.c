// SPDX-License-Identifier: MIT
// A cancel, an end, a submission and a look at what has ended against each
// other: threads of the model run the tickets.
#include "model/models/graph_world.h"

// The thread that ends the first task makes the second ready just as the flow
// is cancelled: the cancel finds it, or it finds the cancel.
static void after_a_cancel_nothing_begins(void) {
    world_open_by_hand();
    world_submit(&world_add);
    world_submit(&world_add);
    unsigned canceller = mc_spawn(world_cancel, NULL);
    bool ran = world_run(world_take());
    (void)mc_join(canceller);
    wr_ticket *second = world_take();
    MC_CHECK(second == NULL || !world_run(second));
    MC_CHECK(world_close() == -ECANCELED);
    MC_CHECK(data[0] == ran);
    mc_outcome((ran ? 1U : 0U) + (second != NULL ? 2U : 0U));
}

// The second task is submitted as the first ends: after it, or behind it.
static void who_skips_an_ended_task_sees_what_it_did(void) {
    world_open_by_hand();
    world_submit(&world_add);
    unsigned runner = mc_spawn(world_run_first, NULL);
    world_submit(&world_add);
    wr_ticket *second = world_ticket(1);
    bool skipped = second != NULL;
    if (skipped)
        MC_CHECK(world_run(second));
    (void)mc_join(runner);
    if (!skipped)
        MC_CHECK(world_run(world_ticket(1)));
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2);
    mc_outcome(skipped);
}

// ---- handles ---------------------------------------------------------------

static void who_sees_an_end_sees_what_was_done(void) {
    world_open_by_hand();
    weir_task task = world_submit_named(&world_add);
    unsigned runner = mc_spawn(world_run_first, NULL);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    int error = weir_task_poll(graph, task, &outcome);
    MC_CHECK(error == -EINPROGRESS ||
             (error == 0 && outcome.status == 0 && data[0] == 1));
    (void)mc_join(runner);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == 0);
    mc_outcome(error == 0);
}

// As above, but it is another thread that looks.
static void *poll_first(void *task) {
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    int error = weir_task_poll(graph, *(weir_task *)task, &outcome);
    MC_CHECK(error == -EINPROGRESS ||
             (error == 0 && outcome.status == 0 && data[0] == 1));
    return NULL;
}

static void who_sees_an_end_early_sees_all_of_it(void) {
    world_open_by_hand();
    weir_task task = world_submit_named(&world_add);
    unsigned poller = mc_spawn(poll_first, &task);
    MC_CHECK(world_run(world_take()));
    (void)mc_join(poller);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == 0);
}

// ---- flows -----------------------------------------------------------------

// A flow ends on another thread than the one that waits for it.
static void who_waits_for_a_flow_sees_what_was_done(void) {
    world_open_by_hand();
    world_submit(&world_add);
    unsigned runner = mc_spawn(world_run_first, NULL);
    int status = -1;
    weir_flow_close(flow);
    MC_CHECK(weir_flow_wait(flow, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == 0 && data[0] == 1);
    (void)mc_join(runner);
    MC_CHECK(world_close() == 0);
}

// It failed, so that there is more to see than the data.
static int add_and_fail(const weir_kernel_call *call) {
    world_add_run(call);
    return -EIO;
}

static const weir_kernel adds_and_fails = {"fails", add_and_fail};

static void who_finds_a_flow_ended_sees_what_was_done(void) {
    world_open_by_hand();
    world_submit(&adds_and_fails);
    weir_flow_close(flow);
    unsigned runner = mc_spawn(world_run_first, NULL);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    int error = weir_flow_outcome(flow, &outcome);
    MC_CHECK(error == -EINPROGRESS ||
             (error == 0 && outcome.status == -EIO && outcome.ran &&
              outcome.number == 1 && data[0] == 1));
    (void)mc_join(runner);
    MC_CHECK(world_close() == -EIO);
    mc_outcome(error == 0);
}

// ---- buffers, and the whole graph ------------------------------------------

// A buffer that could be closed is its owner's again. An access without order
// leaves no mark; it is counted.
static void close_beside(uint32_t mode) {
    world_open_by_hand();
    MC_CHECK(world_submit_to(flow, &world_add, mode, 1, NULL) == 0);
    unsigned runner = mc_spawn(world_run_first, NULL);
    int error = weir_buffer_close(graph, buffer);
    MC_CHECK(error == -EBUSY || (error == 0 && data[0]++ == 1));
    (void)mc_join(runner);
    MC_CHECK(world_close() == 0);
    mc_outcome(error == 0);
}

static void who_closes_a_buffer_may_use_it(void) {
    close_beside(WEIR_READWRITE);
}

static void who_closes_an_unordered_buffer_may_use_it(void) {
    close_beside(WEIR_UNORDERED);
}

// Nothing looks at a task or a flow any more that a reset has freed.
static void a_reset_is_refused_or_comes_after_all(void) {
    world_open_by_hand();
    MC_CHECK(world_submit_to(flow, &world_add, WEIR_UNORDERED, 1, NULL) == 0);
    weir_flow_release(flow);
    unsigned runner = mc_spawn(world_run_first, NULL);
    int closed = weir_buffer_close(graph, buffer);
    int error = weir_graph_reset(graph);
    MC_CHECK(error == -EBUSY || (error == 0 && closed == 0));
    weir_graph_counts counts = {.size = sizeof(counts)};
    MC_CHECK(weir_graph_count(graph, &counts) == 0);
    MC_CHECK(counts.flows == 0 && (error != 0 || counts.slots == 0));
    (void)mc_join(runner);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    MC_CHECK(data[0] == 1);
    mc_outcome(error == 0);
}

static void *claim_late(void *ticket) {
    MC_CHECK(!world_run(ticket));
    return NULL;
}

// Who has the ticket of a task that was cancelled learns so when it claims it,
// and gives the last hold back: then it puts the slot away, in memory that a
// reset frees.
static void a_reset_waits_for_a_ticket_that_is_claimed_late(void) {
    world_open_by_hand();
    MC_CHECK(world_submit_to(flow, &world_add, WEIR_UNORDERED, 1, NULL) == 0);
    wr_ticket *ticket = world_take();
    weir_flow_cancel(flow);
    weir_flow_release(flow);
    MC_CHECK(weir_buffer_close(graph, buffer) == 0);
    unsigned worker = mc_spawn(claim_late, ticket);
    int error = weir_graph_reset(graph);
    MC_CHECK(error == 0 || error == -EBUSY);
    (void)mc_join(worker);
    MC_CHECK(error == 0 || weir_graph_reset(graph) == 0);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    MC_CHECK(data[0] == 0);
    mc_outcome(error == 0);
}

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};
// The first runs or not; the second is made ready only behind it.
static const uint64_t cancels[] = {0, 1, 3, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    WORLD_CASE(after_a_cancel_nothing_begins, 1, 1, cancels),
    WORLD_CASE(who_skips_an_ended_task_sees_what_it_did, 1, 1, either),
    WORLD_CASE(who_sees_an_end_sees_what_was_done, 1, 1, either),
    WORLD_CASE(who_sees_an_end_early_sees_all_of_it, 1, 1, NULL),
    WORLD_CASE(who_waits_for_a_flow_sees_what_was_done, 1, 1, NULL),
    WORLD_CASE(who_finds_a_flow_ended_sees_what_was_done, 1, 1, either),
    WORLD_CASE(who_closes_a_buffer_may_use_it, 1, 1, either),
    WORLD_CASE(who_closes_an_unordered_buffer_may_use_it, 1, 1, either),
    WORLD_CASE(a_reset_is_refused_or_comes_after_all, 1, 1, either),
    WORLD_CASE(a_reset_waits_for_a_ticket_that_is_claimed_late, 2, 1, either),
    {.name = NULL},
};

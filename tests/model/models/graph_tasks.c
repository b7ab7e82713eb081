// SPDX-License-Identifier: MIT
// The task graph on the pool's threads: who comes after whom sees what it did,
// whatever comes between; each task ends once; memory is not used too long.
#include "model/models/graph_world.h"

// ---- order -----------------------------------------------------------------

static void a_task_sees_what_the_one_before_did(void) {
    world_open(1);
    world_submit(&world_add);
    world_submit(&world_add);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2);
}

static void two_workers_keep_the_order(void) {
    world_open(2);
    world_submit(&world_add);
    world_submit(&world_add);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2);
}

// ---- ends ------------------------------------------------------------------

static void who_waits_for_a_task_sees_what_it_did(void) {
    world_open(1);
    weir_task task = world_submit_named(&world_add);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    MC_CHECK(weir_task_wait(graph, task, WEIR_FOREVER, &outcome) == 0);
    MC_CHECK(outcome.status == 0 && data[0] == 1);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == 0);
}

// The worker that ends the first task makes the second ready meanwhile: each
// ends once all the same, run or cancelled.
static void a_cancel_ends_each_task_once(void) {
    world_open(1);
    world_submit(&world_add);
    world_submit(&world_add);
    weir_flow_cancel(flow);
    int status = world_close();
    MC_CHECK(status == (data[0] == 2 ? 0 : -ECANCELED));
    mc_outcome(data[0]);
}

// The slot of a task that has ended is another's at once: who still knows the
// first (a mark of the buffer) must not take one for the other.
static void a_slot_may_be_used_again(void) {
    world_open(1);
    weir_task first = world_submit_named(&world_add);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    MC_CHECK(weir_task_wait(graph, first, WEIR_FOREVER, &outcome) == 0);
    MC_CHECK(weir_task_release(graph, first) == 0);
    world_submit(&world_add);
    MC_CHECK(weir_task_poll(graph, first, &outcome) == -ESTALE);
    world_submit(&world_add);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 3);
}

// A cancel ends the task; its worker learns so as it claims the ticket, and
// puts the slot away, whose memory a reset frees.
static void a_reset_waits_for_a_worker_that_comes_late(void) {
    world_open(1);
    MC_CHECK(world_submit_to(flow, &world_add, WEIR_UNORDERED, 1, NULL) == 0);
    weir_flow_cancel(flow);
    MC_CHECK(weir_flow_wait(flow, WEIR_FOREVER, NULL) == 0);
    weir_flow_release(flow);
    MC_CHECK(weir_buffer_close(graph, buffer) == 0);
    bool ran = data[0] == 1;
    int error = weir_graph_reset(graph);
    MC_CHECK(error == 0 || error == -EBUSY);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    mc_outcome((ran ? 2U : 0U) + (error == 0));
}

// ---- failure ---------------------------------------------------------------

static void a_failure_reaches_who_comes_after(void) {
    world_open(1);
    world_submit(&world_fail);
    weir_task task = world_submit_named(&world_add);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    MC_CHECK(weir_task_wait(graph, task, WEIR_FOREVER, &outcome) == 0);
    MC_CHECK(outcome.status == -EIO && data[0] == 0);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == -EIO);
}

// ---- continuations ---------------------------------------------------------

static weir_job job;
static unsigned told;

static int told_run(weir_worker *self, weir_job *unused) {
    (void)self, (void)unused;
    told += data[0] == 1;
    return 0;
}

static void a_continuation_comes_after_its_task(void) {
    world_open(1);
    weir_task task = world_submit_named(&world_add);
    job = (weir_job)WEIR_JOB_INIT(told_run, NULL);
    MC_CHECK(weir_task_attach(graph, task, &job) == 0);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == 0);
    MC_CHECK(told == 1);
}

static const uint64_t any_number[] = {0, 1, 2, MC_OUTCOMES_END};
// It ran, so that its slot was put away before its flow ended; or not: then
// the reset may be refused.
static const uint64_t resets[] = {0, 1, 3, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    WORLD_CASE(a_task_sees_what_the_one_before_did, 1, 0, NULL),
    WORLD_CASE(two_workers_keep_the_order, 0, 0, NULL),
    WORLD_CASE(who_waits_for_a_task_sees_what_it_did, 1, 0, NULL),
    WORLD_CASE(a_cancel_ends_each_task_once, 1, 0, any_number),
    WORLD_CASE(a_slot_may_be_used_again, 1, 0, NULL),
    WORLD_CASE(a_reset_waits_for_a_worker_that_comes_late, 1, 0, resets),
    WORLD_CASE(a_failure_reaches_who_comes_after, 1, 0, NULL),
    WORLD_CASE(a_continuation_comes_after_its_task, 1, 0, NULL),
    {.name = NULL},
};

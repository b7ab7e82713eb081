// SPDX-License-Identifier: MIT
// The task graph on the pool's threads: who comes after whom sees what it did,
// whatever comes between; each task ends once; memory is not used too long.
#include "model/models/rooms.h"
#include "weir/graph.h"

static weir_pool *pool;
static weir_graph *graph;
static weir_flow *flow;
static weir_buffer buffer;
static uint64_t data[2];

static void world_open(int threads) {
    pool = rooms_pool(threads, 0);
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = pool;
    options.ring_bytes = 0;
    MC_CHECK(weir_graph_create(&graph, &options) == 0);
    MC_CHECK(weir_buffer_register(graph, data, sizeof(data), &buffer) == 0);
    MC_CHECK(weir_flow_begin(graph, NULL, &flow) == 0);
}

static int world_close(void) {
    int status = -1;
    weir_flow_close(flow);
    MC_CHECK(weir_flow_wait(flow, WEIR_FOREVER, &status) == 0);
    weir_flow_release(flow);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    return status;
}

static weir_task submit(const weir_kernel *kernel, uint32_t mode, bool handle) {
    weir_access access = WEIR_ACCESS(mode, buffer, 0, WEIR_WHOLE);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_task task = {0};
    spec.kernel = kernel;
    spec.accesses = &access;
    spec.accesses_count = 1;
    int error = weir_flow_submit(flow, &spec, handle ? &task : NULL);
    MC_CHECK(error == 0 || error == -ESHUTDOWN);
    return task;
}

// ---- order -----------------------------------------------------------------

// What kernels touch is plain: a wrong order is a race.
static int add_run(const weir_kernel_call *call) {
    uint64_t *value = call->data[0];
    value[0]++;
    return 0;
}

static const weir_kernel add = {"add", add_run};

static void a_task_sees_what_the_one_before_did(void) {
    world_open(1);
    (void)submit(&add, WEIR_READWRITE, false);
    (void)submit(&add, WEIR_READWRITE, false);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2);
}

static void two_workers_keep_the_order(void) {
    world_open(2);
    (void)submit(&add, WEIR_READWRITE, false);
    (void)submit(&add, WEIR_READWRITE, false);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2);
}

// ---- ends ------------------------------------------------------------------

static void who_waits_for_a_task_sees_what_it_did(void) {
    world_open(1);
    weir_task task = submit(&add, WEIR_READWRITE, true);
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
    (void)submit(&add, WEIR_READWRITE, false);
    (void)submit(&add, WEIR_READWRITE, false);
    weir_flow_cancel(flow);
    int status = world_close();
    MC_CHECK(status == (data[0] == 2 ? 0 : -ECANCELED));
    mc_outcome(data[0]);
}

// The slot of a task that has ended is another's at once: who still knows the
// first (a mark of the buffer) must not take one for the other.
static void a_slot_may_be_used_again(void) {
    world_open(1);
    weir_task first = submit(&add, WEIR_READWRITE, true);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    MC_CHECK(weir_task_wait(graph, first, WEIR_FOREVER, &outcome) == 0);
    MC_CHECK(weir_task_release(graph, first) == 0);
    (void)submit(&add, WEIR_READWRITE, false);
    MC_CHECK(weir_task_poll(graph, first, &outcome) == -ESTALE);
    (void)submit(&add, WEIR_READWRITE, false);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 3);
}

// ---- failure ---------------------------------------------------------------

static int fail_run(const weir_kernel_call *call) {
    (void)call;
    return -EIO;
}

static const weir_kernel fail = {"fail", fail_run};

static void a_failure_reaches_who_comes_after(void) {
    world_open(1);
    (void)submit(&fail, WEIR_READWRITE, false);
    weir_task task = submit(&add, WEIR_READWRITE, true);
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
    weir_task task = submit(&add, WEIR_READWRITE, true);
    job = (weir_job)WEIR_JOB_INIT(told_run, NULL);
    MC_CHECK(weir_task_attach(graph, task, &job) == 0);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == 0);
    MC_CHECK(told == 1);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

static const uint64_t any_number[] = {0, 1, 2, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    BOUNDED(a_task_sees_what_the_one_before_did, 1),
    BOUNDED(two_workers_keep_the_order, 0),
    BOUNDED(who_waits_for_a_task_sees_what_it_did, 1),
    {.name = "a_cancel_ends_each_task_once",
     .body = a_cancel_ends_each_task_once,
     .mode = MC_BOUNDED,
     .preemptions = 1,
     .outcomes = any_number},
    BOUNDED(a_slot_may_be_used_again, 1),
    BOUNDED(a_failure_reaches_who_comes_after, 1),
    BOUNDED(a_continuation_comes_after_its_task, 1),
    {.name = NULL},
};

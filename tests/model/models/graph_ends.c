// SPDX-License-Identifier: MIT
// The graph without its runners: an endpoint of the model's own takes tickets,
// and a thread of the model is who runs them. So few steps are left that what
// orders a cancel, an end and a submission against each other can be tried.
#include "model/models/rooms.h"

#include "graph/internal.h"

static weir_pool *pool;
static weir_graph *graph;
static weir_flow *flow;
static weir_buffer buffer;
static uint64_t data[2];

// ---- the endpoint ----------------------------------------------------------

enum { GIVEN_MAX = 4 };

static mc_mutex lock;
static wr_ticket *given[GIVEN_MAX]; // under lock
static unsigned given_count;        //

static int check(wr_endpoint *endpoint, wr_ticket *ticket) {
    (void)endpoint, (void)ticket;
    return 0;
}

static bool reaches(wr_endpoint *endpoint, const void *memory, size_t bytes) {
    (void)endpoint, (void)memory, (void)bytes;
    return true;
}

static int take(wr_endpoint *endpoint, wr_ticket *tickets, uint32_t count) {
    (void)endpoint, (void)count;
    mc_lock(&lock);
    given[given_count++] = tickets;
    mc_unlock(&lock);
    return 0;
}

static void tell(wr_endpoint *endpoint, wr_ticket *ticket, bool begun) {
    (void)endpoint, (void)ticket, (void)begun;
}

static const wr_endpoint_ops ops = {
    .check = check, .reaches = reaches, .submit = take, .tell = tell};

static wr_ticket *ticket_at(unsigned at) {
    mc_lock(&lock);
    wr_ticket *found = at < given_count ? given[at] : NULL;
    mc_unlock(&lock);
    return found;
}

// What a kernel does to its data is plain: who is not ordered races with it.
static bool run(wr_ticket *ticket) {
    if (!wr_ticket_claim(ticket))
        return false;
    uint64_t *value = ticket->data[0];
    value[0]++;
    wr_ending ending = {.exit_status = -1, .reason = ""};
    wr_ticket_ended(ticket, &ending);
    return true;
}

static void *run_first(void *unused) {
    MC_CHECK(run(ticket_at(0)));
    return unused;
}

// ---- the world -------------------------------------------------------------

static int never_run(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static const weir_kernel kernel = {"model", never_run};

static void world_open(void) {
    pool = rooms_pool(1, 0);
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = pool;
    options.ring_bytes = 0;
    MC_CHECK(weir_graph_create(&graph, &options) == 0);
    graph->threads.endpoint.ops = &ops;
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

static weir_task submit(bool handle) {
    weir_access access = WEIR_ACCESS(WEIR_READWRITE, buffer, 0, WEIR_WHOLE);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_task task = {0};
    spec.kernel = &kernel;
    spec.accesses = &access;
    spec.accesses_count = 1;
    MC_CHECK(weir_flow_submit(flow, &spec, handle ? &task : NULL) == 0);
    return task;
}

// ---- cases -----------------------------------------------------------------

static void *cancel(void *unused) {
    weir_flow_cancel(flow);
    return unused;
}

// The thread that ends the first task makes the second ready just as the flow
// is cancelled: the cancel finds it, or it finds the cancel.
static void after_a_cancel_nothing_begins(void) {
    world_open();
    (void)submit(false);
    (void)submit(false);
    unsigned canceller = mc_spawn(cancel, NULL);
    bool ran = run(ticket_at(0));
    (void)mc_join(canceller);
    wr_ticket *second = ticket_at(1);
    MC_CHECK(second == NULL || !run(second));
    MC_CHECK(world_close() == -ECANCELED);
    MC_CHECK(data[0] == ran);
    mc_outcome((ran ? 1U : 0U) + (second != NULL ? 2U : 0U));
}

// The second task is submitted as the first ends: after it, or behind it.
static void who_skips_an_ended_task_sees_what_it_did(void) {
    world_open();
    (void)submit(false);
    unsigned runner = mc_spawn(run_first, NULL);
    (void)submit(false);
    wr_ticket *second = ticket_at(1);
    bool skipped = second != NULL;
    if (skipped)
        MC_CHECK(run(second));
    (void)mc_join(runner);
    if (!skipped)
        MC_CHECK(run(ticket_at(1)));
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2);
    mc_outcome(skipped);
}

static void who_sees_an_end_sees_what_was_done(void) {
    world_open();
    weir_task task = submit(true);
    unsigned runner = mc_spawn(run_first, NULL);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    int error = weir_task_poll(graph, task, &outcome);
    MC_CHECK(error == -EINPROGRESS ||
             (error == 0 && outcome.status == 0 && data[0] == 1));
    (void)mc_join(runner);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == 0);
    mc_outcome(error == 0);
}

// A flow ends on another thread than the one that waits for it.
static void *poll_first(void *task) {
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    int error = weir_task_poll(graph, *(weir_task *)task, &outcome);
    MC_CHECK(error == -EINPROGRESS ||
             (error == 0 && outcome.status == 0 && data[0] == 1));
    return NULL;
}

static void who_sees_an_end_early_sees_all_of_it(void) {
    world_open();
    weir_task task = submit(true);
    unsigned poller = mc_spawn(poll_first, &task);
    MC_CHECK(run(ticket_at(0)));
    (void)mc_join(poller);
    MC_CHECK(weir_task_release(graph, task) == 0);
    MC_CHECK(world_close() == 0);
}

static void who_waits_for_a_flow_sees_what_was_done(void) {
    world_open();
    (void)submit(false);
    unsigned runner = mc_spawn(run_first, NULL);
    int status = -1;
    weir_flow_close(flow);
    MC_CHECK(weir_flow_wait(flow, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == 0 && data[0] == 1);
    (void)mc_join(runner);
    MC_CHECK(world_close() == 0);
}

#define BOUNDED(case, most, list)                                              \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1, .outcomes = list                                           \
    }

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};
// The first runs or not; the second is made ready only behind it.
static const uint64_t cancels[] = {0, 1, 3, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    BOUNDED(after_a_cancel_nothing_begins, 1, cancels),
    BOUNDED(who_skips_an_ended_task_sees_what_it_did, 1, either),
    BOUNDED(who_sees_an_end_sees_what_was_done, 1, either),
    BOUNDED(who_sees_an_end_early_sees_all_of_it, 1, NULL),
    BOUNDED(who_waits_for_a_flow_sees_what_was_done, 1, NULL),
    {.name = NULL},
};

// SPDX-License-Identifier: MIT
// model/models/graph_world.h: a graph with a buffer and a flow, on a real pool.
// Either the pool's workers run its tasks, or, if it was opened `by_hand`, the
// threads of the model do: an endpoint of the model's own keeps the tickets.
// Then so few steps are left that what orders a cancel, an end and a submission
// against each other can be tried.
#ifndef MODEL_GRAPH_WORLD_H
#define MODEL_GRAPH_WORLD_H

#include "graph/internal.h"
#include "model/models/rooms.h"

static weir_pool *pool;
static weir_graph *graph;
static weir_flow *flow;
static weir_buffer buffer;
static uint64_t data[2]; // the buffer

// What a kernel does to its data is plain: who is not ordered races with it.
ROOMS_OWN int world_add_run(const weir_kernel_call *call) {
    uint64_t *value = call->data[0];
    value[0]++;
    return 0;
}

ROOMS_OWN int world_fail_run(const weir_kernel_call *call) {
    (void)call;
    return -EIO;
}

// Races with whatever comes before it and is not ordered.
ROOMS_OWN int world_double_run(const weir_kernel_call *call) {
    uint64_t *value = call->data[0];
    value[0] *= 2;
    value[1] *= 2;
    return 0;
}

static const weir_kernel world_add
    __attribute__((unused)) = {"add", world_add_run};
static const weir_kernel world_fail
    __attribute__((unused)) = {"fail", world_fail_run};
static const weir_kernel world_double
    __attribute__((unused)) = {"double", world_double_run};

// ---- opened and closed -----------------------------------------------------

ROOMS_OWN void world_open(int threads) {
    pool = rooms_pool(threads, 0);
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = pool;
    options.ring_bytes = 0;
    MC_CHECK(weir_graph_create(&graph, &options) == 0);
    MC_CHECK(weir_buffer_register(graph, data, sizeof(data), &buffer) == 0);
    MC_CHECK(weir_flow_begin(graph, NULL, &flow) == 0);
}

ROOMS_OWN int world_close(void) {
    int status = -1;
    weir_flow_close(flow);
    MC_CHECK(weir_flow_wait(flow, WEIR_FOREVER, &status) == 0);
    weir_flow_release(flow);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    return status;
}

// ---- submitting ------------------------------------------------------------

ROOMS_OWN int world_submit_to(weir_flow *to, const weir_kernel *kernel,
                              uint32_t mode, uint32_t members,
                              weir_task *handle) {
    weir_access access = WEIR_ACCESS(mode, buffer, 0, WEIR_WHOLE);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.accesses = &access;
    spec.accesses_count = 1;
    spec.members = members;
    return weir_flow_submit(to, &spec, handle);
}

ROOMS_OWN void world_submit(const weir_kernel *kernel) {
    MC_CHECK(world_submit_to(flow, kernel, WEIR_READWRITE, 1, NULL) == 0);
}

ROOMS_OWN weir_task world_submit_named(const weir_kernel *kernel) {
    weir_task task = {0};
    MC_CHECK(world_submit_to(flow, kernel, WEIR_READWRITE, 1, &task) == 0);
    return task;
}

// ---- by hand ---------------------------------------------------------------

enum { WORLD_GIVEN = 4 };

static mc_mutex world_lock;
static wr_ticket *world_given[WORLD_GIVEN]; // world_lock
static unsigned world_given_count;          //
static unsigned world_taken_count;          //

static int world_check(wr_endpoint *endpoint, wr_ticket *ticket) {
    (void)endpoint, (void)ticket;
    return 0;
}

static bool world_reaches(wr_endpoint *endpoint, const void *memory,
                          size_t bytes) {
    (void)endpoint, (void)memory, (void)bytes;
    return true;
}

static int world_keep(wr_endpoint *endpoint, wr_ticket *tickets,
                      uint32_t count) {
    (void)endpoint;
    for (uint32_t i = 0; i < count; i++)
        wr_store(&tickets[i].told, 0, relaxed, ALONE, "the lock orders it");
    mc_lock(&world_lock);
    world_given[world_given_count++] = tickets;
    mc_unlock(&world_lock);
    return 0;
}

static void world_tell(wr_endpoint *endpoint, wr_ticket *ticket, bool begun) {
    (void)endpoint;
    if (begun)
        wr_store(&ticket->told, 1, relaxed, ALONE, "a hint");
}

ROOMS_OWN void world_open_by_hand(void) {
    static const wr_endpoint_ops ops = {.check = world_check,
                                        .reaches = world_reaches,
                                        .submit = world_keep,
                                        .tell = world_tell};
    world_open(1);
    graph->threads.endpoint.ops = &ops;
}

// The ticket, or the first of a group, that was given so many later than the
// first of all; NULL: none yet.
ROOMS_OWN wr_ticket *world_ticket(unsigned at) {
    mc_lock(&world_lock);
    wr_ticket *found = at < world_given_count ? world_given[at] : NULL;
    mc_unlock(&world_lock);
    return found;
}

// The first that nobody has taken; NULL: none.
ROOMS_OWN wr_ticket *world_take(void) {
    mc_lock(&world_lock);
    wr_ticket *found = NULL;
    if (world_taken_count < world_given_count)
        found = world_given[world_taken_count++];
    mc_unlock(&world_lock);
    return found;
}

// Runs a ticket that was claimed, as a worker would.
ROOMS_OWN void world_run_claimed(wr_ticket *ticket) {
    static char worker; // not looked into
    wr_call call;
    call.call = (weir_kernel_call){
        .data = ticket->data,
        .data_count = ticket->data_count,
        .member = ticket->member,
        .members = ticket->members,
        .self = (weir_worker *)(void *)&worker,
        .graph = ticket->graph,
    };
    call.told = &ticket->told;
    call.ticket = ticket;
    wr_ending ending = {.exit_status = -1, .reason = ""};
    ending.status = wr_call_run(&call, ticket->kernel->run);
    wr_ticket_ended(ticket, &ending);
}

// False: it was withdrawn.
ROOMS_OWN bool world_run(wr_ticket *ticket) {
    if (!wr_ticket_claim(ticket))
        return false;
    world_run_claimed(ticket);
    return true;
}

// Threads: each runs what it finds until there is nothing.
ROOMS_OWN void *world_run_all(void *unused) {
    for (wr_ticket *ticket; (ticket = world_take()) != NULL;)
        MC_CHECK(world_run(ticket));
    return unused;
}

ROOMS_OWN void *world_run_first(void *unused) {
    MC_CHECK(world_run(world_take()));
    return unused;
}

ROOMS_OWN void *world_cancel(void *unused) {
    weir_flow_cancel(flow);
    return unused;
}

// ---- cases -----------------------------------------------------------------

// Every schedule with so many preemptions; with stale reads, one older value in
// each execution.
#define WORLD_CASE(case, most, older, list)                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = older, .outcomes = list                                       \
    }

#endif

// SPDX-License-Identifier: MIT
// What the tests of the task graph share: graphs and flows that keep their
// accounts, kernels that note their fate, and a table of accesses by hand. The
// model that random programs are compared with is in support/graph_model.h.
//
// What kernels write is plain on purpose: the graph promises that who learns of
// an end sees it, and so does who was ordered after it.
#ifndef TEST_GRAPH_H
#define TEST_GRAPH_H

#include "base/fault.h"
#include "support/pool.h"
#include "weir/graph.h"

enum { RING = 1 << 16 };

// Under a sanitizer tests of many tasks take TEST_SMALLER times fewer (cmake).
enum { MANY = 1000000 / TEST_SMALLER };

// Seeds of a test that is long for each of them.
enum { SEEDS = TEST_SMALLER == 1 ? TEST_SEEDS : TEST_SEEDS / 5 };

#define CASE(name)                                                             \
    { #name, name }

// ---- graphs ----------------------------------------------------------------

static inline weir_graph_options graph_options(weir_pool *pool) {
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = pool;
    options.ring_bytes = RING;
    return options;
}

static inline weir_graph *graph_open(const weir_graph_options *options) {
    weir_graph *graph = NULL;
    CHECK_EQ(weir_graph_create(&graph, options), 0);
    CHECK(graph != NULL);
    return graph;
}

static inline weir_graph *graph_of(weir_pool *pool) {
    weir_graph_options options = graph_options(pool);
    return graph_open(&options);
}

static inline weir_graph_counts graph_counts(weir_graph *graph) {
    weir_graph_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_graph_count(graph, &counts), 0);
    CHECK_EQ(counts.submitted, counts.live + counts.succeeded + counts.failed +
                                   counts.poisoned + counts.cancelled);
    CHECK(counts.ready <= counts.live);
    CHECK(counts.slots_used <= counts.slots);
    for (int i = 0; i < WEIR_GRAPH_RINGS; i++)
        CHECK(counts.heap_used[i] <= counts.heap_highest[i]);
    return counts;
}

// graph_close: the accounts of a graph whose flows have all ended.
static inline void graph_close(weir_graph *graph) {
    weir_graph_counts counts = graph_counts(graph);
    CHECK_EQ(counts.live, 0);
    CHECK_EQ(counts.ready, 0);
    for (int i = 0; i < WEIR_GRAPH_RINGS; i++)
        CHECK_EQ(counts.heap_used[i], 0);
    weir_graph_destroy(graph);
}

static inline weir_buffer buffer_of(weir_graph *graph, void *memory,
                                    size_t bytes) {
    weir_buffer buffer;
    CHECK_EQ(weir_buffer_register(graph, memory, bytes, &buffer), 0);
    return buffer;
}

// ---- flows -----------------------------------------------------------------

static inline weir_flow *flow_of(weir_graph *graph) {
    weir_flow *flow = NULL;
    CHECK_EQ(weir_flow_begin(graph, NULL, &flow), 0);
    CHECK(flow != NULL);
    return flow;
}

// flow_end closes, waits and releases; returns the flow's status.
static inline int flow_end(weir_flow *flow) {
    int status = -1;
    weir_flow_close(flow);
    CHECK_EQ(weir_flow_wait(flow, WEIR_FOREVER, &status), 0);
    weir_flow_release(flow);
    return status;
}

// ---- tasks -----------------------------------------------------------------

#define ACCESSES(...)                                                          \
    (weir_access[]){__VA_ARGS__},                                              \
        sizeof((weir_access[]){__VA_ARGS__}) / sizeof(weir_access)
#define NO_ACCESS NULL, 0
#define ALL_OF(mode, buffer) WEIR_ACCESS(mode, buffer, 0, WEIR_WHOLE)
#define AFTER(...)                                                             \
    (weir_task[]){__VA_ARGS__},                                                \
        sizeof((weir_task[]){__VA_ARGS__}) / sizeof(weir_task)

// The argument of a task is a pointer to what the test and its kernel share.
static inline void *argument_of(const weir_kernel_call *call) {
    CHECK_EQ(call->arguments_size, sizeof(void *));
    CHECK_EQ((uintptr_t)call->arguments % 16, 0);
    return *(void *const *)call->arguments;
}

static inline int task_try(weir_flow *flow, const weir_kernel *kernel,
                           void *argument, const weir_access *accesses,
                           size_t count, weir_task *task) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.arguments = &argument;
    spec.arguments_size = sizeof(argument);
    spec.accesses = accesses;
    spec.accesses_count = count;
    return weir_flow_submit(flow, &spec, task);
}

static inline weir_task task_of(weir_flow *flow, const weir_kernel *kernel,
                                void *argument, const weir_access *accesses,
                                size_t count) {
    weir_task task = {0};
    CHECK_EQ(task_try(flow, kernel, argument, accesses, count, &task), 0);
    CHECK(task.id != 0);
    return task;
}

// The same without a handle.
static inline void task_go(weir_flow *flow, const weir_kernel *kernel,
                           void *argument, const weir_access *accesses,
                           size_t count) {
    CHECK_EQ(task_try(flow, kernel, argument, accesses, count, NULL), 0);
}

static inline weir_task task_after(weir_flow *flow, const weir_kernel *kernel,
                                   void *argument, const weir_task *after,
                                   size_t count) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_task task = {0};
    spec.kernel = kernel;
    spec.arguments = &argument;
    spec.arguments_size = sizeof(argument);
    spec.after = after;
    spec.after_count = count;
    CHECK_EQ(weir_flow_submit(flow, &spec, &task), 0);
    return task;
}

static inline weir_task_outcome outcome_of(weir_graph *graph, weir_task task) {
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_task_wait(graph, task, WEIR_FOREVER, &outcome), 0);
    return outcome;
}

// task_end waits, releases the handle, returns the status.
static inline int task_end(weir_graph *graph, weir_task task) {
    weir_task_outcome outcome = outcome_of(graph, task);
    CHECK_EQ(weir_task_release(graph, task), 0);
    return outcome.status;
}

static inline int has_ended(weir_graph *graph, weir_task task) {
    int polled = weir_task_poll(graph, task, NULL);
    CHECK(polled == 0 || polled == -EINPROGRESS);
    return polled == 0;
}

static inline uint64_t number_of(weir_graph *graph, weir_task task) {
    return outcome_of(graph, task).number;
}

// ---- kernels ---------------------------------------------------------------

static inline int empty_run(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static const weir_kernel empty = {"empty", empty_run};

// Another worker may go on: also on a deterministic pool.
static inline void breathe(const weir_kernel_call *call) {
    weir_yield(call->self);
}

// What a task does, and what became of it.
typedef struct probe {
    int result;   // that the kernel returns
    gate *gate;   // where it waits first, or NULL
    tally *clock; // of events, or NULL
    int ran;
    uint64_t began, ended; // on that clock
    unsigned worker;
    uint64_t number;
    const char *why;
} probe;

static inline int probing_run(const weir_kernel_call *call) {
    probe *p = argument_of(call);
    p->ran++;
    p->worker = call->worker;
    p->number = call->number;
    CHECK(call->self != NULL && call->graph != NULL);
    if (p->clock != NULL)
        p->began = tally_add(p->clock);
    if (p->gate != NULL)
        gate_pass(p->gate);
    else
        breathe(call);
    if (p->clock != NULL)
        p->ended = tally_add(p->clock);
    if (p->why != NULL)
        return weir_kernel_fail(call, p->result, "%s", p->why);
    return p->result;
}

static const weir_kernel probing = {"probe", probing_run};

// It counts.
static inline int count_run(const weir_kernel_call *call) {
    tally_add(argument_of(call));
    return 0;
}

static const weir_kernel counting = {"count", count_run};

// It fails with -EIO.
static inline int fail_run(const weir_kernel_call *call) {
    (void)call;
    return -EIO;
}

static const weir_kernel failing = {"fail", fail_run};

// It runs until nobody wants it any more.
static inline int until_cancelled_run(const weir_kernel_call *call) {
    probe *p = argument_of(call);
    p->ran++;
    if (p->clock != NULL)
        tally_add(p->clock);
    while (!weir_kernel_cancelled(call))
        breathe(call);
    return p->result;
}

static const weir_kernel until_cancelled = {"until", until_cancelled_run};

// ---- a flow that is held ---------------------------------------------------

// A task that waits at a gate, holding its accesses. Pools with threads.
typedef struct holder {
    probe probe;
    gate gate;
    weir_task task;
} holder;

static inline void holder_start(holder *h, weir_flow *flow, int result,
                                const weir_access *accesses, size_t count) {
    *h = (holder){.probe = {.result = result}};
    gate_init(&h->gate);
    h->probe.gate = &h->gate;
    h->task = task_of(flow, &probing, &h->probe, accesses, count);
}

// holder_hold returns once it runs.
static inline void holder_hold(holder *h, weir_flow *flow, int result,
                               const weir_access *accesses, size_t count) {
    holder_start(h, flow, result, accesses, count);
    gate_await(&h->gate, 1);
}

static inline void holder_open(holder *h) { gate_open(&h->gate); }

// holder_end: its status; for one that was let go.
static inline int holder_end(holder *h, weir_graph *graph) {
    int status = task_end(graph, h->task);
    gate_fini(&h->gate);
    return status;
}

// settle returns when everything that is ready now, and was so before, has been
// run by the other workers: they take jobs in order.
static inline void settle(weir_graph *graph, weir_flow *flow) {
    weir_task task = task_of(flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(task_end(graph, task), 0);
}

// ---- small random numbers --------------------------------------------------

static inline uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static inline uint64_t draw(uint64_t *state) { return mix((*state)++); }

static inline uint32_t draw_below(uint64_t *state, uint32_t limit) {
    return (uint32_t)(draw(state) % limit);
}

#endif // TEST_GRAPH_H

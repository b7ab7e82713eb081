// SPDX-License-Identifier: MIT
// The task graph and its processes, while one attempt after the other of what
// the system may refuse fails: see test_faults_rooms.c.
#include "support/faults.h"
#include "support/graph.h"

#include "os/os.h"
#include "weir/procs.h"

// TRY leaves to `out` with the error of a call.
#define TRY(call)                                                              \
    do {                                                                       \
        if ((error = (call)) != 0)                                             \
            goto out;                                                          \
    } while (0)

enum { BUFFERS = 20, BEFORE = 70, BYTES = 32 };

static unsigned char memory[BUFFERS][BYTES];

// ---- buffers, tasks, many edges --------------------------------------------

static int buffers_open(weir_graph *graph, weir_buffer *buffers) {
    for (size_t i = 0; i < BUFFERS; i++) {
        buffers[i].id = 77;
        int error = weir_buffer_register(graph, memory[i], BYTES, &buffers[i]);
        if (error != 0) {
            CHECK_EQ(buffers[i].id, 77);
            return error;
        }
    }
    return 0;
}

static int tasks_submit(weir_flow *flow, const weir_buffer *buffers,
                        weir_task *tasks) {
    for (size_t i = 0; i < BEFORE; i++) {
        // Many regions of one buffer, then some of each.
        weir_access access =
            i < BYTES ? (weir_access)WEIR_ACCESS(WEIR_READ, buffers[0], i, 1)
                      : (weir_access)WEIR_ACCESS(WEIR_READ,
                                                 buffers[i % BUFFERS], 0, 8);
        tasks[i].id = 0;
        int error = task_try(flow, &empty, NULL, &access, 1, &tasks[i]);
        if (error != 0) {
            CHECK_EQ(tasks[i].id, 0);
            return error;
        }
    }
    // One that comes after all of them, in both ways.
    weir_access all[BUFFERS];
    for (size_t i = 0; i < BUFFERS; i++)
        all[i] = (weir_access)WEIR_ACCESS(WEIR_WRITE, buffers[i], 0, BYTES);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.accesses = all;
    spec.accesses_count = BUFFERS;
    spec.after = tasks;
    spec.after_count = BEFORE;
    return weir_flow_submit(flow, &spec, NULL);
}

static int graph_scenario(void *context) {
    weir_graph_options options = graph_options(context);
    weir_graph *graph = NULL;
    weir_flow *flow = NULL;
    weir_buffer buffers[BUFFERS] = {{0}};
    static weir_task tasks[BEFORE];
    int error = weir_graph_create(&graph, &options);
    CHECK_EQ(graph == NULL, error != 0);
    TRY(error);
    TRY(buffers_open(graph, buffers));
    error = weir_flow_begin(graph, NULL, &flow);
    CHECK_EQ(flow == NULL, error != 0);
    TRY(error);
    error = tasks_submit(flow, buffers, tasks);
    int status = 1;
    weir_flow_close(flow);
    CHECK_EQ(weir_flow_wait(flow, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    weir_flow_release(flow);
    CHECK_EQ(graph_counts(graph).live, 0);
out:
    weir_graph_destroy(graph);
    return error;
}

static void a_graph_whose_tables_grow(void) {
    faults_sweep_in(pool_seeded(1, 2), graph_scenario);
    faults_sweep_in(faults_pool(), graph_scenario);
}

// ---- a flow within a task --------------------------------------------------

static int parent_run(const weir_kernel_call *call) {
    const weir_buffer *buffers = *(void *const *)call->arguments;
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *flow = NULL;
    int error = weir_flow_begin(call->graph, &options, &flow);
    CHECK_EQ(flow == NULL, error != 0);
    if (error != 0)
        return error;
    for (size_t i = 0; i < BUFFERS && error == 0; i++) {
        weir_access access = WEIR_ACCESS(WEIR_WRITE, buffers[i], 0, 8);
        error = task_try(flow, &empty, NULL, &access, 1, NULL);
    }
    weir_flow_close(flow);
    weir_flow_release(flow);
    return error;
}

static int child_scenario(void *context) {
    static const weir_kernel parent = {"parent", parent_run};
    weir_graph_options options = graph_options(context);
    weir_graph *graph = NULL;
    weir_flow *flow = NULL;
    weir_buffer buffers[BUFFERS] = {{0}};
    weir_access all[BUFFERS];
    int error = 0, status = 0;
    TRY(weir_graph_create(&graph, &options));
    TRY(buffers_open(graph, buffers));
    TRY(weir_flow_begin(graph, NULL, &flow));
    for (size_t i = 0; i < BUFFERS; i++)
        all[i] = (weir_access)WEIR_ACCESS(WEIR_WRITE, buffers[i], 0, BYTES);
    error = task_try(flow, &parent, buffers, all, BUFFERS, NULL);
    weir_flow_close(flow);
    CHECK_EQ(weir_flow_wait(flow, WEIR_FOREVER, &status), 0);
    weir_flow_release(flow);
    CHECK(error == 0 || status == 0);
    error = error != 0 ? error : status;
    CHECK_EQ(graph_counts(graph).live, 0);
out:
    weir_graph_destroy(graph);
    return error;
}

static void a_flow_within_a_task(void) {
    faults_sweep_in(pool_seeded(1, 2), child_scenario);
    faults_sweep_in(faults_pool(), child_scenario);
}

// ---- the heap --------------------------------------------------------------

// The ring is full until the first flow has ended: the second waits for it.
static int heap_wait(weir_graph *graph, weir_flow *first, weir_flow *second) {
    weir_buffer one = {77}, two = {77};
    void *at = NULL;
    int error = weir_buffer_alloc(first, RING - 64, 0, &one, &at);
    if (error != 0) {
        CHECK(one.id == 77 && at == NULL);
        return error;
    }
    weir_access access = ALL_OF(WEIR_WRITE, one);
    error = task_try(first, &empty, NULL, &access, 1, NULL);
    weir_flow_close(first);
    if (error == 0) {
        at = NULL;
        error = weir_buffer_alloc(second, RING - 64, WEIR_FOREVER, &two, &at);
        CHECK_EQ(two.id == 77 && at == NULL, error != 0);
    }
    CHECK_EQ(weir_flow_wait(first, WEIR_FOREVER, NULL), 0);
    (void)graph;
    return error;
}

static int heap_scenario(void *context) {
    weir_graph_options options = graph_options(context);
    options.heap_timeout_ns = WEIR_FOREVER;
    weir_graph *graph = NULL;
    weir_flow *first = NULL, *second = NULL;
    int error = 0;
    TRY(weir_graph_create(&graph, &options));
    TRY(weir_flow_begin(graph, NULL, &first));
    TRY(weir_flow_begin(graph, NULL, &second));
    error = heap_wait(graph, first, second);
out:
    weir_flow_release(first);
    weir_flow_release(second);
    weir_graph_destroy(graph);
    return error;
}

static void an_allocation_that_waits(void) {
    faults_sweep_in(pool_seeded(1, 2), heap_scenario);
    faults_sweep_in(faults_pool(), heap_scenario);
}

// ---- processes -------------------------------------------------------------

// What is armed when the zygote is made stays so in it and in its children; in
// the program it is disarmed again.
static int group_of(wr_fault_kind kind, uint64_t n, uint64_t count) {
    static const weir_kernel kernels[] = {{"empty", empty_run}};
    weir_zygote_options zygote_o = WEIR_ZYGOTE_OPTIONS_INIT;
    zygote_o.kernels = kernels;
    zygote_o.kernels_count = 1;
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = 2;
    weir_zygote *zygote = NULL;
    weir_procs *procs = NULL;
    wr_fault_arm(kind, n, count);
    int error = weir_zygote_create(&zygote, &zygote_o);
    faults_disarm();
    CHECK_EQ(zygote == NULL, error != 0);
    if (error != 0)
        return 1;
    error = weir_procs_create(&procs, zygote, &options);
    CHECK_EQ(procs == NULL, error != 0);
    weir_procs_destroy(procs);
    weir_zygote_destroy(zygote);
    return error;
}

static void processes_that_lack_something_say_so(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("a build without WEIR_FAULTS");
    if (wr_process_support() != 0)
        SKIP("no processes here");
    static const wr_fault_kind kinds[] = {WR_FAULT_ALLOC, WR_FAULT_FD};
    close(STDIN_FILENO); // so that a descriptor has to move
    fault_state before = faults_state();
    int refused = 0;
    for (size_t k = 0; k < TEST_COUNT(kinds); k++)
        for (uint64_t n = 0; n < 60; n++) {
            int error = group_of(kinds[k], n / 2, n % 2 == 0 ? 1 : 1000);
            // -EIO: one died before it was ready, for it had no memory.
            CHECK(error == 1 || error == 0 || error == -EIO ||
                  error == -EAGAIN);
            refused += error == -EIO;
            faults_check_state(&before);
        }
    CHECK(refused > 0);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(a_graph_whose_tables_grow),
        CASE(a_flow_within_a_task),
        CASE(an_allocation_that_waits),
        CASE(processes_that_lack_something_say_so),
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

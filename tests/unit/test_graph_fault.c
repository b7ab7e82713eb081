// SPDX-License-Identifier: MIT
// No memory, at every step: what fails has changed nothing, what was accepted
// goes on. Deterministic pools, so that nobody else allocates meanwhile.
#include "support/graph.h"

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
    weir_buffer buffer;
    unsigned char memory[256];
} bench;

static void bench_open(bench *b) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("a build without faults");
    memset(b, 0, sizeof(*b));
    b->pool = pool_seeded(1, 2);
    b->graph = graph_of(b->pool);
    b->flow = flow_of(b->graph);
    b->buffer = buffer_of(b->graph, b->memory, sizeof(b->memory));
}

static void bench_close(bench *b) {
    CHECK_EQ(flow_end(b->flow), 0);
    CHECK_EQ(weir_buffer_close(b->graph, b->buffer), 0);
    graph_close(b->graph);
    pool_close(b->pool);
}

static void check_unchanged(const weir_graph_counts *a,
                            const weir_graph_counts *b) {
    CHECK_EQ(a->submitted, b->submitted);
    CHECK_EQ(a->live, b->live);
    CHECK_EQ(a->ready, b->ready);
    CHECK_EQ(a->edges, b->edges);
    CHECK_EQ(a->slots_used, b->slots_used);
    CHECK_EQ(a->buffers, b->buffers);
    CHECK_EQ(a->flows, b->flows);
    for (int i = 0; i < WEIR_GRAPH_RINGS; i++)
        CHECK_EQ(a->heap_used[i], b->heap_used[i]);
}

// Each attempt of the function in turn finds no memory. `call` returns what it
// got, having undone it if it was 0.
static void at_each_step(bench *b, int (*call)(bench *b)) {
    uint64_t failures = 0;
    for (uint64_t step = 0; step < 1000; step++) {
        weir_graph_counts before = graph_counts(b->graph);
        wr_fault_arm(WR_FAULT_ALLOC, step, 1);
        int error = call(b);
        uint64_t seen = wr_fault_seen(WR_FAULT_ALLOC);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK(error == 0 || error == -ENOMEM);
        weir_graph_counts after = graph_counts(b->graph);
        if (error != 0) {
            check_unchanged(&before, &after);
            failures++;
        }
        if (seen <= step) {
            CHECK_EQ(error, 0);
            CHECK(failures > 0); // else this tests nothing
            return;
        }
    }
    CHECK_FAIL("it allocates for ever");
}

// ---- one call each ---------------------------------------------------------

static int create(bench *b) {
    weir_graph_options options = graph_options(b->pool);
    weir_graph *graph = NULL;
    int error = weir_graph_create(&graph, &options);
    CHECK((graph == NULL) == (error != 0));
    weir_graph_destroy(graph);
    return error;
}

static void create_leaves_nothing(void) {
    bench b;
    bench_open(&b);
    at_each_step(&b, create);
    bench_close(&b);
}

static unsigned char areas[64][64];

static int add_buffer(bench *b) {
    static size_t at;
    weir_buffer buffer = {77};
    void *memory = areas[at];
    int error = weir_buffer_register(b->graph, memory, 64, &buffer);
    if (error != 0) {
        CHECK_EQ(buffer.id, 77);
        CHECK_EQ(weir_buffer_register(b->graph, memory, 64, &buffer), 0);
        CHECK_EQ(weir_buffer_close(b->graph, buffer), 0);
    } else if (++at == 64) { // what is kept makes tables grow
        at = 0;
    }
    return error;
}

static void register_leaves_nothing(void) {
    bench b;
    bench_open(&b);
    at_each_step(&b, add_buffer);
    bench_close(&b);
}

static int begin(bench *b) {
    weir_flow *flow = NULL;
    int error = weir_flow_begin(b->graph, NULL, &flow);
    CHECK((flow == NULL) == (error != 0));
    if (error == 0)
        CHECK_EQ(flow_end(flow), 0);
    return error;
}

static void begin_leaves_nothing(void) {
    bench b;
    bench_open(&b);
    at_each_step(&b, begin);
    bench_close(&b);
}

static int alloc(bench *b) {
    weir_buffer buffer = {77};
    void *memory = NULL;
    int error = weir_buffer_alloc(b->flow, RING / 2 + 64, 0, &buffer, &memory);
    if (error == 0)
        CHECK_EQ(weir_buffer_close(b->graph, buffer), 0);
    else
        CHECK(buffer.id == 77 && memory == NULL);
    return error;
}

static void d7_an_allocation_leaves_nothing(void) {
    bench b;
    bench_open(&b);
    at_each_step(&b, alloc);
    weir_buffer buffer;
    void *memory;
    CHECK_EQ(weir_buffer_alloc(b.flow, RING, 0, &buffer, &memory), 0);
    bench_close(&b);
}

// ---- submit ----------------------------------------------------------------

enum { WIDE = 40 };

static weir_task gathered[WIDE];

// Everything that a submission can need memory for.
static int submit_all(bench *b) {
    static unsigned char argument[5000];
    static size_t turn;
    weir_buffer out = {77};
    weir_access a[WIDE + 1];
    for (size_t i = 0; i < WIDE; i++)
        a[i] = (weir_access)WEIR_ACCESS(i % 2 ? WEIR_READ : WEIR_WRITE,
                                        b->buffer, i * 5 + turn % 3, 3);
    turn++;
    a[WIDE] = (weir_access){
        .bytes = RING / 2 + 64, .mode = WEIR_WRITE, .allocate = &out};
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_task task = {77};
    spec.kernel = &empty;
    spec.arguments = argument;
    spec.arguments_size = sizeof(argument);
    spec.accesses = a;
    spec.accesses_count = WIDE + 1;
    spec.after = gathered;
    spec.after_count = WIDE;
    spec.members = 2;
    int error = weir_flow_submit(b->flow, &spec, &task);
    if (error == 0) {
        CHECK_EQ(weir_buffer_close(b->graph, out), 0);
        CHECK_EQ(task_end(b->graph, task), 0);
        while (weir_pool_step(b->pool) == 1)
            continue; // what ended it gives memory back
    } else {
        CHECK(task.id == 77 && out.id == 77);
    }
    return error;
}

static void submit_leaves_nothing(void) {
    bench b;
    bench_open(&b);
    for (int round = 0; round < 3; round++) {
        // Some have ended, some wait.
        for (size_t i = 0; i < WIDE; i++)
            gathered[i] = task_of(
                b.flow, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_READWRITE, b.buffer, i * 6, 6)));
        if (round == 1)
            CHECK_EQ(outcome_of(b.graph, gathered[WIDE / 2]).status, 0);
        at_each_step(&b, submit_all);
        for (size_t i = 0; i < WIDE; i++)
            CHECK_EQ(task_end(b.graph, gathered[i]), 0);
    }
    bench_close(&b);
}

static int submit_many(bench *b) {
    // More than there are slots for: chunks are made.
    static weir_task all[200];
    size_t count = 0;
    int error = 0;
    for (; count < 200 && error == 0; count += error == 0)
        error = task_try(b->flow, &empty, NULL,
                         ACCESSES(WEIR_ACCESS(WEIR_READ, b->buffer, count, 9)),
                         &all[count]);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0); // the rest is not to fail
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(task_end(b->graph, all[i]), 0);
    return error;
}

static void slots_run_out_of_memory(void) {
    uint64_t failures = 0;
    for (uint64_t step = 0; step < 60; step++) {
        bench b;
        bench_open(&b);
        wr_fault_arm(WR_FAULT_ALLOC, step, 1);
        int error = submit_many(&b);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK(error == 0 || error == -ENOMEM);
        failures += error != 0;
        weir_graph_counts c = graph_counts(b.graph);
        CHECK_EQ(c.live, 0);
        CHECK_EQ(c.submitted, c.succeeded);
        bench_close(&b);
    }
    CHECK(failures > 0);
}

// ---- what was accepted goes on ---------------------------------------------

static int child_run(const weir_kernel_call *call) {
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *flow = NULL;
    int error = weir_flow_begin(call->graph, &options, &flow);
    if (error != 0)
        return error;
    error = task_try(flow, &empty, NULL, NO_ACCESS, NULL);
    weir_flow_release(flow);
    return error;
}

static const weir_kernel with_child = {"child", child_run};

static int explain_run(const weir_kernel_call *call) {
    return weir_kernel_fail(call, -EIO, "because of %d", 7);
}

static const weir_kernel explaining = {"explain", explain_run};

// All allocations fail from `first` on while tasks run, fail, poison others,
// and give memory of the heap back.
static void d20_ending_needs_no_memory(void) {
    for (uint64_t first = 0; first < 12; first++) {
        bench b;
        bench_open(&b);
        weir_task bad =
            task_of(b.flow, &explaining, NULL,
                    ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
        weir_task poisoned =
            task_of(b.flow, &empty, NULL,
                    ACCESSES(WEIR_ACCESS(WEIR_READWRITE, b.buffer, 0, 8)));
        weir_task child = task_of(b.flow, &with_child, NULL, NO_ACCESS);
        weir_buffer out;
        weir_access a = {.bytes = RING, .mode = WEIR_WRITE, .allocate = &out};
        weir_task heap = task_of(b.flow, &empty, NULL, &a, 1);
        CHECK_EQ(weir_buffer_close(b.graph, out), 0);
        weir_flow_close(b.flow);
        wr_fault_arm(WR_FAULT_ALLOC, first, UINT64_MAX);
        int status = 0;
        CHECK_EQ(weir_flow_wait(b.flow, WEIR_FOREVER, &status), 0);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK_EQ(status, -EIO);
        weir_task_outcome o = outcome_of(b.graph, bad);
        CHECK_EQ(o.status, -EIO);
        if (o.reason[0] != 0)
            CHECK_STR(o.reason, "because of 7");
        CHECK_EQ(task_end(b.graph, bad), -EIO);
        CHECK_EQ(task_end(b.graph, poisoned), -EIO);
        CHECK_EQ(task_end(b.graph, heap), 0);
        int of_child = task_end(b.graph, child);
        CHECK(of_child == 0 || of_child == -ENOMEM);
        CHECK_EQ(graph_counts(b.graph).heap_used[0], 0);
        weir_flow_release(b.flow);
        graph_close(b.graph);
        pool_close(b.pool);
    }
}

static void waits_and_attached_jobs_need_little(void) {
    uint64_t failures = 0;
    for (uint64_t step = 0; step < 5; step++) {
        bench b;
        bench_open(&b);
        weir_task task = task_of(b.flow, &empty, NULL, NO_ACCESS);
        work w = work_of(0), before = w;
        wr_fault_arm(WR_FAULT_ALLOC, step, UINT64_MAX);
        int error = weir_task_attach(b.graph, task, &w.job);
        CHECK_EQ(weir_task_wait(b.graph, task, WEIR_FOREVER, NULL), 0);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK(error == 0 || error == -ENOMEM);
        if (error != 0) {
            check_untouched(&w, &before);
            failures++;
            CHECK_EQ(weir_task_attach(b.graph, task, &w.job), 0);
        }
        while (weir_pool_step(b.pool) == 1)
            continue;
        check_ran(&w, 0);
        CHECK_EQ(task_end(b.graph, task), 0);
        bench_close(&b);
    }
    CHECK(failures < 5);
}

static const test_case cases[] = {
    CASE(create_leaves_nothing),      CASE(register_leaves_nothing),
    CASE(begin_leaves_nothing),       CASE(d7_an_allocation_leaves_nothing),
    CASE(submit_leaves_nothing),      CASE(slots_run_out_of_memory),
    CASE(d20_ending_needs_no_memory), CASE(waits_and_attached_jobs_need_little),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

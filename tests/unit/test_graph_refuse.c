// SPDX-License-Identifier: MIT
// Every error that weir/graph.h names is provoked, and changes nothing.
#include "support/graph.h"

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
    weir_buffer buffer;
    unsigned char memory[256];
} bench;

static void bench_open(bench *b) {
    memset(b, 0, sizeof(*b));
    b->pool = pool_of(2);
    b->graph = graph_of(b->pool);
    b->flow = flow_of(b->graph);
    b->buffer = buffer_of(b->graph, b->memory, sizeof(b->memory));
}

static void bench_close(bench *b) {
    CHECK_EQ(flow_end(b->flow), 0);
    graph_close(b->graph);
    pool_close(b->pool);
}

// ---- graphs ----------------------------------------------------------------

static void refuse_graph(const weir_graph_options *options, int expected) {
    weir_graph *graph = NULL;
    CHECK_EQ(weir_graph_create(&graph, options), expected);
    CHECK(graph == NULL);
}

static void a_graph_with_bad_options_is_refused(void) {
    weir_pool *pool = pool_of(1);
    const weir_graph_options good = graph_options(pool);
    weir_graph_options bad = good;
    bad.pool = NULL;
    refuse_graph(&bad, -EINVAL);
    bad = good;
    bad.size = 3;
    refuse_graph(&bad, -EINVAL);
    bad = good;
    bad.heap_timeout_ns = -1;
    refuse_graph(&bad, -EINVAL);
    refuse_graph(NULL, -EINVAL);
    pool_close(pool);
}

static void a_heap_beyond_all_memory_is_refused(void) {
    weir_pool *pool = pool_of(1);
    weir_graph_options options = graph_options(pool);
    static const size_t sizes[] = {SIZE_MAX,         SIZE_MAX / 4,
                                   SIZE_MAX / 4 + 1, SIZE_MAX / 2 + 1,
                                   SIZE_MAX - 4096,  (size_t)1 << 62};
    for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
        weir_graph *graph = NULL;
        options.ring_bytes = sizes[i];
        int error = weir_graph_create(&graph, &options);
        CHECK(error == -EINVAL || error == -ENOMEM);
        CHECK(graph == NULL);
    }
    pool_close(pool);
}

static void a_stopped_pool_gets_no_graph(void) {
    weir_pool *pool = pool_of(1);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    weir_graph_options options = graph_options(pool);
    refuse_graph(&options, -ESHUTDOWN);
    weir_pool_destroy(pool);
}

static void counts_of_another_size_are_refused(void) {
    bench b;
    bench_open(&b);
    weir_graph_counts counts = {.size = 3};
    CHECK_EQ(weir_graph_count(b.graph, &counts), -EINVAL);
    bench_close(&b);
}

static void nothing_is_destroyed_twice_or_without(void) {
    weir_graph_destroy(NULL);
    weir_flow_release(NULL);
}

// ---- buffers ---------------------------------------------------------------

static void refuse_buffer(bench *b, void *memory, size_t bytes, int expected) {
    weir_buffer buffer = {77};
    CHECK_EQ(weir_buffer_register(b->graph, memory, bytes, &buffer), expected);
    CHECK_EQ(buffer.id, 77);
}

static void bad_buffers_are_refused(void) {
    bench b;
    bench_open(&b);
    refuse_buffer(&b, b.memory, 0, -EINVAL);
    refuse_buffer(&b, NULL, 8, -EINVAL);
    void *high = (void *)(UINTPTR_MAX - 7);
    refuse_buffer(&b, high, 16, -EINVAL);
    refuse_buffer(&b, &b, SIZE_MAX, -EINVAL);
    refuse_buffer(&b, b.memory, 256, -EEXIST);
    refuse_buffer(&b, b.memory + 255, 1, -EEXIST);
    refuse_buffer(&b, b.memory, 1, -EEXIST);
    refuse_buffer(&b, b.memory + 100, 1, -EEXIST);
    bench_close(&b);
}

static void buffers_may_touch_each_other(void) {
    bench b;
    bench_open(&b);
    static unsigned char memory[300];
    weir_buffer middle = buffer_of(b.graph, memory + 100, 100);
    weir_buffer before = buffer_of(b.graph, memory, 100);
    weir_buffer after = buffer_of(b.graph, memory + 200, 100);
    refuse_buffer(&b, memory + 99, 2, -EEXIST);
    refuse_buffer(&b, memory, 300, -EEXIST);
    CHECK_EQ(weir_buffer_close(b.graph, middle), 0);
    refuse_buffer(&b, memory + 99, 2, -EEXIST);
    refuse_buffer(&b, memory + 100, 101, -EEXIST);
    middle = buffer_of(b.graph, memory + 100, 100);
    size_t bytes = 0;
    CHECK(weir_buffer_memory(b.graph, middle, &bytes) == memory + 100);
    CHECK_EQ(bytes, 100);
    CHECK(weir_buffer_memory(b.graph, before, NULL) == memory);
    CHECK_EQ(weir_buffer_close(b.graph, before), 0);
    CHECK_EQ(weir_buffer_close(b.graph, after), 0);
    CHECK_EQ(weir_buffer_close(b.graph, middle), 0);
    bench_close(&b);
}

static void a_closed_buffer_is_stale(void) {
    bench b;
    bench_open(&b);
    weir_buffer old = b.buffer;
    CHECK_EQ(weir_buffer_close(b.graph, old), 0);
    b.buffer = buffer_of(b.graph, b.memory, sizeof(b.memory));
    weir_buffer none = {0}, wild = {~(uint64_t)0};
    weir_buffer stale[] = {old, none, wild};
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(weir_buffer_close(b.graph, stale[i]), -ESTALE);
        CHECK_EQ(weir_buffer_mend(b.graph, stale[i]), -ESTALE);
        CHECK(weir_buffer_memory(b.graph, stale[i], NULL) == NULL);
        weir_task task = {5};
        CHECK_EQ(task_try(b.flow, &empty, NULL,
                          ACCESSES(WEIR_ACCESS(WEIR_READ, stale[i], 0, 1)),
                          &task),
                 -ESTALE);
        CHECK_EQ(task.id, 5);
    }
    CHECK_EQ(graph_counts(b.graph).submitted, 0);
    bench_close(&b);
}

static void a_buffer_in_use_is_neither_closed_nor_mended(void) {
    bench b;
    bench_open(&b);
    for (uint32_t mode = WEIR_READ; mode <= WEIR_UNORDERED; mode++) {
        holder h;
        holder_hold(&h, b.flow, 0, ACCESSES(WEIR_ACCESS(mode, b.buffer, 3, 1)));
        CHECK_EQ(weir_buffer_close(b.graph, b.buffer), -EBUSY);
        CHECK_EQ(weir_buffer_mend(b.graph, b.buffer), -EBUSY);
        CHECK(weir_buffer_memory(b.graph, b.buffer, NULL) == b.memory);
        holder_open(&h);
        CHECK_EQ(holder_end(&h, b.graph), 0);
        CHECK_EQ(weir_buffer_mend(b.graph, b.buffer), 0);
        CHECK_EQ(weir_buffer_close(b.graph, b.buffer), 0);
        b.buffer = buffer_of(b.graph, b.memory, sizeof(b.memory));
    }
    bench_close(&b);
}

// A task that waits holds its buffers as one that runs does.
static void a_buffer_that_a_task_waits_with_is_in_use(void) {
    bench b;
    bench_open(&b);
    static unsigned char other[8];
    weir_buffer second = buffer_of(b.graph, other, sizeof(other));
    holder h;
    holder_hold(&h, b.flow, 0,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 1)));
    weir_task task = task_of(b.flow, &empty, NULL,
                             ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 0, 1),
                                      WEIR_ACCESS(WEIR_WRITE, second, 0, 8)));
    CHECK_EQ(weir_buffer_close(b.graph, second), -EBUSY);
    CHECK_EQ(weir_buffer_mend(b.graph, second), -EBUSY);
    holder_open(&h);
    CHECK_EQ(task_end(b.graph, task), 0);
    CHECK_EQ(weir_buffer_close(b.graph, second), 0);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

// ---- allocations -----------------------------------------------------------

static void refuse_alloc(weir_flow *flow, size_t bytes, int expected) {
    weir_buffer buffer = {77};
    void *memory = &buffer;
    CHECK_EQ(weir_buffer_alloc(flow, bytes, 0, &buffer, &memory), expected);
    CHECK_EQ(buffer.id, 77);
    CHECK(memory == &buffer);
}

static void bad_allocations_are_refused(void) {
    bench b;
    bench_open(&b);
    refuse_alloc(b.flow, 0, -EINVAL);
    static const size_t sizes[] = {RING + 1,      SIZE_MAX,      SIZE_MAX - 1,
                                   SIZE_MAX - 62, SIZE_MAX - 63, SIZE_MAX - 64,
                                   SIZE_MAX / 2};
    for (size_t i = 0; i < TEST_COUNT(sizes); i++)
        refuse_alloc(b.flow, sizes[i], -E2BIG);
    weir_buffer buffer;
    void *memory;
    CHECK_EQ(weir_buffer_alloc(b.flow, RING, 0, &buffer, &memory), 0);
    weir_flow_close(b.flow);
    refuse_alloc(b.flow, 64, -ESHUTDOWN);
    bench_close(&b);
}

static void without_a_heap_nothing_is_allocated(void) {
    weir_pool *pool = pool_of(1);
    weir_graph_options options = graph_options(pool);
    options.ring_bytes = 0;
    weir_graph *graph = graph_open(&options);
    weir_flow *flow = flow_of(graph);
    refuse_alloc(flow, 1, -ENOBUFS);
    weir_buffer out = {77};
    weir_access access = {.bytes = 8, .mode = WEIR_WRITE, .allocate = &out};
    CHECK_EQ(task_try(flow, &empty, NULL, &access, 1, NULL), -ENOBUFS);
    task_go(flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(graph);
    pool_close(pool);
}

// ---- submissions -----------------------------------------------------------

static void refuse_spec(bench *b, const weir_task_spec *spec, int expected) {
    weir_graph_counts before = graph_counts(b->graph);
    weir_task task = {77};
    CHECK_EQ(weir_flow_submit(b->flow, spec, &task), expected);
    CHECK_EQ(task.id, 77);
    weir_graph_counts after = graph_counts(b->graph);
    CHECK_EQ(after.submitted, before.submitted);
    CHECK_EQ(after.edges, before.edges);
}

static void refuse_accesses(bench *b, const weir_access *accesses, size_t count,
                            int expected) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &empty;
    spec.accesses = accesses;
    spec.accesses_count = count;
    refuse_spec(b, &spec, expected);
}

static void bad_accesses_are_refused(void) {
    bench b;
    bench_open(&b);
    weir_buffer m = b.buffer;
    const weir_access bad[] = {
        WEIR_ACCESS(0, m, 0, 1),
        WEIR_ACCESS(5, m, 0, 1),
        WEIR_ACCESS(~0U, m, 0, 1),
        WEIR_ACCESS(WEIR_READ, m, 8, 0),
        WEIR_ACCESS(WEIR_READ, m, 0, 0),
        WEIR_ACCESS(WEIR_READ, m, 1, WEIR_WHOLE),
        WEIR_ACCESS(WEIR_READ, m, 0, 257),
        WEIR_ACCESS(WEIR_READ, m, 256, 1),
        WEIR_ACCESS(WEIR_READ, m, 255, 2),
        WEIR_ACCESS(WEIR_READ, m, SIZE_MAX, 2),
        WEIR_ACCESS(WEIR_READ, m, SIZE_MAX, SIZE_MAX),
        WEIR_ACCESS(WEIR_READ, m, 1, SIZE_MAX),
        WEIR_ACCESS(WEIR_UNORDERED, m, 255, 2),
        WEIR_TILE(WEIR_READ, m, 0, 8, 2, 7),
        WEIR_TILE(WEIR_READ, m, 0, 8, 2, 0),
        WEIR_TILE(WEIR_READ, m, 0, 8, 2, 249),
        WEIR_TILE(WEIR_READ, m, 0, 1, UINT32_MAX, 1),
        WEIR_TILE(WEIR_READ, m, 0, 1, 3, SIZE_MAX / 2 + 1),
        WEIR_TILE(WEIR_READ, m, 0, 1, UINT32_MAX, SIZE_MAX / 3),
        WEIR_TILE(WEIR_READ, m, 0, 8, 33, 8),
    };
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        refuse_accesses(&b, &bad[i], 1, -EINVAL);
    task_go(b.flow, &empty, NULL,
            ACCESSES(WEIR_TILE(WEIR_READ, m, 0, 8, 2, 248)));
    task_go(b.flow, &empty, NULL,
            ACCESSES(WEIR_TILE(WEIR_READ, m, 0, 8, 32, 8)));
    bench_close(&b);
}

static void a_task_does_not_fight_itself(void) {
    bench b;
    bench_open(&b);
    for (uint32_t one = WEIR_READ; one <= WEIR_READWRITE; one++)
        for (uint32_t two = WEIR_READ; two <= WEIR_READWRITE; two++) {
            weir_access a[] = {WEIR_ACCESS(one, b.buffer, 0, 9),
                               WEIR_ACCESS(two, b.buffer, 8, 8)};
            if (one == WEIR_READ && two == WEIR_READ)
                task_go(b.flow, &empty, NULL, a, 2);
            else
                refuse_accesses(&b, a, 2, -EINVAL);
            a[0].bytes = 8;
            task_go(b.flow, &empty, NULL, a, 2);
        }
    // Strided, crossing in one byte only; and the same region twice.
    weir_access row = WEIR_ACCESS(WEIR_WRITE, b.buffer, 32, 16);
    weir_access column = WEIR_TILE(WEIR_READ, b.buffer, 5, 1, 8, 16);
    weir_access cross[] = {row, column};
    refuse_accesses(&b, cross, 2, -EINVAL);
    weir_access same[] = {row, row};
    refuse_accesses(&b, same, 2, -EINVAL);
    bench_close(&b);
}

// Who only wants the address of what the same task writes does no harm.
static void unordered_fights_nobody(void) {
    bench b;
    bench_open(&b);
    task_go(b.flow, &empty, NULL,
            ACCESSES(WEIR_ACCESS(WEIR_UNORDERED, b.buffer, 0, 256),
                     WEIR_ACCESS(WEIR_WRITE, b.buffer, 8, 8),
                     WEIR_ACCESS(WEIR_UNORDERED, b.buffer, 8, 8)));
    bench_close(&b);
}

static void bad_specs_are_refused(void) {
    bench b;
    bench_open(&b);
    const weir_task_spec base = WEIR_TASK_SPEC_INIT;
    weir_task_spec spec = base; // no kernel at all: nothing is run
    CHECK_EQ(weir_flow_submit(b.flow, &spec, NULL), 0);
    static const weir_kernel elsewhere = {"elsewhere", NULL};
    spec.kernel = &elsewhere;
    refuse_spec(&b, &spec, -EINVAL);
    spec.kernel = &empty;
    const weir_task_spec good = spec;
    spec.size = 3;
    refuse_spec(&b, &spec, -EINVAL);
    spec = good;
    spec.timeout_ns = 1;
    refuse_spec(&b, &spec, -EINVAL);
    spec.timeout_ns = -1;
    refuse_spec(&b, &spec, -EINVAL);
    spec = good;
    spec.members = 3;
    refuse_spec(&b, &spec, -E2BIG);
    spec.members = UINT32_MAX;
    refuse_spec(&b, &spec, -E2BIG);
    spec = good;
    static unsigned char big[(1 << 20) + 1];
    spec.arguments = big;
    spec.arguments_size = sizeof(big);
    refuse_spec(&b, &spec, -E2BIG);
    spec.arguments_size = SIZE_MAX;
    refuse_spec(&b, &spec, -E2BIG);
    spec.arguments_size = 1 << 20;
    CHECK_EQ(weir_flow_submit(b.flow, &spec, NULL), 0);
    bench_close(&b);
}

static void a_task_has_so_many_accesses_and_no_more(void) {
    bench b;
    bench_open(&b);
    static weir_access many[WEIR_ACCESSES_MAX + 1];
    static unsigned char memory[WEIR_ACCESSES_MAX + 1];
    weir_buffer wide = buffer_of(b.graph, memory, sizeof(memory));
    for (size_t i = 0; i < TEST_COUNT(many); i++)
        many[i] = (weir_access)WEIR_ACCESS(WEIR_WRITE, wide, i, 1);
    refuse_accesses(&b, many, TEST_COUNT(many), -E2BIG);
    task_go(b.flow, &empty, NULL, many, WEIR_ACCESSES_MAX);
    task_go(b.flow, &empty, NULL, many, WEIR_ACCESSES_MAX);
    bench_close(&b);
}

static void a_released_task_is_not_waited_for(void) {
    bench b;
    bench_open(&b);
    weir_task gone = task_of(b.flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(task_end(b.graph, gone), 0);
    weir_task wild = {~(uint64_t)0 - 5};
    weir_task stale[] = {gone, wild};
    for (size_t i = 0; i < 2; i++) {
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        spec.kernel = &empty;
        spec.after = &stale[i];
        spec.after_count = 1;
        refuse_spec(&b, &spec, -ESTALE);
        weir_job job = WEIR_JOB_INIT(NULL, NULL);
        weir_task_outcome outcome = {.size = sizeof(outcome)};
        CHECK_EQ(weir_task_release(b.graph, stale[i]), -ESTALE);
        CHECK_EQ(weir_task_poll(b.graph, stale[i], &outcome), -ESTALE);
        CHECK_EQ(weir_task_wait(b.graph, stale[i], 0, &outcome), -ESTALE);
        CHECK_EQ(weir_task_attach(b.graph, stale[i], &job), -ESTALE);
    }
    CHECK_EQ(weir_task_poll(b.graph, (weir_task){0}, NULL), -ESTALE);
    CHECK_EQ(weir_task_release(b.graph, (weir_task){0}), -ESTALE);
    bench_close(&b);
}

static void a_closed_flow_takes_nothing(void) {
    bench b;
    bench_open(&b);
    weir_flow_close(b.flow);
    weir_flow_close(b.flow);
    CHECK_EQ(task_try(b.flow, &empty, NULL, NO_ACCESS, NULL), -ESHUTDOWN);
    CHECK_EQ(weir_flow_scope_begin(b.flow), -ESHUTDOWN);
    weir_flow *cancelled = flow_of(b.graph);
    weir_flow_cancel(cancelled);
    weir_flow_cancel(cancelled);
    CHECK_EQ(task_try(cancelled, &empty, NULL, NO_ACCESS, NULL), -ESHUTDOWN);
    CHECK_EQ(weir_flow_scope_begin(cancelled), -ESHUTDOWN);
    CHECK_EQ(flow_end(cancelled), 0); // there was nothing to cancel
    bench_close(&b);
}

static void scopes_have_a_bottom_and_a_top(void) {
    bench b;
    bench_open(&b);
    CHECK_EQ(weir_flow_scope_end(b.flow), -EINVAL);
    for (int i = 0; i < WEIR_SCOPE_DEPTH_MAX; i++)
        CHECK_EQ(weir_flow_scope_begin(b.flow), 0);
    CHECK_EQ(weir_flow_scope_begin(b.flow), -E2BIG);
    for (int i = 0; i < WEIR_SCOPE_DEPTH_MAX; i++)
        CHECK_EQ(weir_flow_scope_end(b.flow), 0);
    CHECK_EQ(weir_flow_scope_end(b.flow), -EINVAL);
    bench_close(&b);
}

static void bad_flows_are_refused(void) {
    bench b;
    bench_open(&b);
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    weir_flow *flow = NULL;
    options.size = 3;
    CHECK_EQ(weir_flow_begin(b.graph, &options, &flow), -EINVAL);
    CHECK(flow == NULL);
    weir_task_outcome outcome = {.size = sizeof(outcome)};
    CHECK_EQ(weir_flow_outcome(b.flow, &outcome), -EINPROGRESS);
    weir_flow_close(b.flow);
    CHECK_EQ(weir_flow_wait(b.flow, WEIR_FOREVER, NULL), 0);
    outcome.size = 3;
    CHECK_EQ(weir_flow_outcome(b.flow, &outcome), -EINVAL);
    CHECK_EQ(graph_counts(b.graph).flows, 1);
    bench_close(&b);
}

static void an_outcome_of_another_size_is_refused(void) {
    bench b;
    bench_open(&b);
    weir_task task = task_of(b.flow, &empty, NULL, NO_ACCESS);
    weir_task_outcome outcome = {.size = 3};
    CHECK_EQ(weir_task_wait(b.graph, task, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_task_poll(b.graph, task, &outcome), -EINVAL);
    CHECK_EQ(weir_task_wait(b.graph, task, WEIR_FOREVER, &outcome), -EINVAL);
    CHECK_EQ(task_end(b.graph, task), 0);
    bench_close(&b);
}

// ---- fork ------------------------------------------------------------------

static int child_tries(bench *b, weir_task task) {
    weir_buffer buffer;
    weir_graph_counts counts = {.size = sizeof(counts)};
    weir_flow *flow;
    void *memory;
    weir_job job = WEIR_JOB_INIT(NULL, NULL);
    const weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    int all = weir_graph_reset(b->graph) == -ECHILD;
    all &= weir_graph_count(b->graph, &counts) == -ECHILD;
    all &= weir_buffer_register(b->graph, &flow, 8, &buffer) == -ECHILD;
    all &= weir_buffer_alloc(b->flow, 8, 0, &buffer, &memory) == -ECHILD;
    all &= weir_buffer_close(b->graph, b->buffer) == -ECHILD;
    all &= weir_buffer_mend(b->graph, b->buffer) == -ECHILD;
    all &= weir_flow_begin(b->graph, NULL, &flow) == -ECHILD;
    all &= weir_flow_wait(b->flow, 0, NULL) == -ECHILD;
    all &= weir_flow_attach(b->flow, &job) == -ECHILD;
    all &= weir_flow_scope_begin(b->flow) == -ECHILD;
    all &= weir_flow_scope_end(b->flow) == -ECHILD;
    all &= weir_flow_submit(b->flow, &spec, NULL) == -ECHILD;
    all &= weir_task_poll(b->graph, task, NULL) == -ECHILD;
    all &= weir_task_wait(b->graph, task, 0, NULL) == -ECHILD;
    all &= weir_task_attach(b->graph, task, &job) == -ECHILD;
    all &= weir_task_release(b->graph, task) == -ECHILD;
    weir_flow_close(b->flow);
    weir_flow_cancel(b->flow);
    weir_flow_release(b->flow);
    weir_graph_destroy(b->graph);
    return all;
}

static void a_forked_child_is_refused(void) {
    bench b;
    bench_open(&b);
    holder h;
    holder_hold(&h, b.flow, 0, NO_ACCESS);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(child_tries(&b, h.task) ? 0 : 1);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

static const test_case cases[] = {
    CASE(a_graph_with_bad_options_is_refused),
    CASE(a_heap_beyond_all_memory_is_refused),
    CASE(a_stopped_pool_gets_no_graph),
    CASE(counts_of_another_size_are_refused),
    CASE(nothing_is_destroyed_twice_or_without),
    CASE(bad_buffers_are_refused),
    CASE(buffers_may_touch_each_other),
    CASE(a_closed_buffer_is_stale),
    CASE(a_buffer_in_use_is_neither_closed_nor_mended),
    CASE(a_buffer_that_a_task_waits_with_is_in_use),
    CASE(bad_allocations_are_refused),
    CASE(without_a_heap_nothing_is_allocated),
    CASE(bad_accesses_are_refused),
    CASE(a_task_does_not_fight_itself),
    CASE(unordered_fights_nobody),
    CASE(bad_specs_are_refused),
    CASE(a_task_has_so_many_accesses_and_no_more),
    CASE(a_released_task_is_not_waited_for),
    CASE(a_closed_flow_takes_nothing),
    CASE(scopes_have_a_bottom_and_a_top),
    CASE(bad_flows_are_refused),
    CASE(an_outcome_of_another_size_is_refused),
    CASE(a_forked_child_is_refused),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

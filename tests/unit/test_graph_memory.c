// SPDX-License-Identifier: MIT
// What no caller can see: where tasks live, and when their memory is used
// again. Looks at the inside: src/graph/internal.h.
#include "graph/internal.h"
#include "support/check.h"
#include "support/pool.h"

#include <string.h>

static int nothing(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static int fails(const weir_kernel_call *call) {
    (void)call;
    return -EIO;
}

static const weir_kernel empty = {"empty", nothing};
static const weir_kernel failing = {"failing", fails};

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
} bench;

static void bench_open(bench *b) {
    b->pool = pool_of(2);
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = b->pool;
    CHECK_EQ(weir_graph_create(&b->graph, &options), 0);
    CHECK_EQ(weir_flow_begin(b->graph, NULL, &b->flow), 0);
}

static void flow_over(bench *b) {
    weir_flow_close(b->flow);
    CHECK_EQ(weir_flow_wait(b->flow, WEIR_FOREVER, NULL), 0);
    weir_flow_release(b->flow);
}

static void bench_close(bench *b) {
    flow_over(b);
    weir_graph_destroy(b->graph);
    pool_close(b->pool);
}

static void go(bench *b, const weir_kernel *kernel, weir_task *task) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    CHECK_EQ(weir_flow_submit(b->flow, &spec, task), 0);
}

static wr_task *address_of(bench *b, weir_task handle) {
    wr_task *task = wr_task_of(b->graph, handle);
    CHECK(task != NULL);
    wr_mutex_unlock(&task->lock);
    return task;
}

// C2: pointer identity over 1,000 further allocations.
static void c2_a_task_stays_where_it_is(void) {
    bench b;
    bench_open(&b);
    weir_task first;
    go(&b, &empty, &first);
    wr_task *place = address_of(&b, first);
    static weir_task more[1000];
    for (size_t i = 0; i < 1000; i++) {
        go(&b, &empty, &more[i]);
        CHECK(address_of(&b, first) == place);
    }
    for (size_t i = 0; i < 1000; i++) {
        CHECK(address_of(&b, more[i]) != place);
        CHECK_EQ(weir_task_release(b.graph, more[i]), 0);
    }
    CHECK(address_of(&b, first) == place);
    CHECK_EQ(weir_task_release(b.graph, first), 0);
    bench_close(&b);
}

// Memory follows what lives, not what was.
static void memory_is_used_again(void) {
    bench b;
    bench_open(&b);
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 50; i++)
            go(&b, i == 0 ? &failing : &empty, NULL);
        weir_task last;
        go(&b, &empty, &last);
        flow_over(&b);
        CHECK_EQ(weir_task_release(b.graph, last), 0);
        CHECK_EQ(weir_flow_begin(b.graph, NULL, &b.flow), 0);
    }
    weir_graph_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_graph_count(b.graph, &counts), 0);
    CHECK_EQ(counts.submitted, 200 * 51);
    CHECK(counts.slots <= 2 * WR_CHUNK_TASKS);
    bench_close(&b);
}

// An id that was used up is not used again: no old handle names a new task.
static void ids_are_never_mistaken(void) {
    bench b;
    bench_open(&b);
    weir_task task;
    go(&b, &empty, &task);
    CHECK_EQ(weir_task_wait(b.graph, task, WEIR_FOREVER, NULL), 0);
    flow_over(&b);
    wr_task *place = address_of(&b, task);
    wr_mutex_lock(&place->lock);
    place->id = ((uint64_t)UINT32_MAX - 1) << 32 | (place->index + 1);
    wr_mutex_unlock(&place->lock);
    CHECK_EQ(weir_task_poll(b.graph, task, NULL), -ESTALE);
    CHECK_EQ(weir_task_release(b.graph, (weir_task){place->id}), 0);
    CHECK_EQ(weir_flow_begin(b.graph, NULL, &b.flow), 0);
    for (int i = 0; i < 1000; i++) {
        go(&b, &empty, &task);
        CHECK(address_of(&b, task) != place);
        CHECK_EQ(weir_task_release(b.graph, task), 0);
    }
    bench_close(&b);
}

// Handles of before stay stale after a reset, though numbers begin anew.
static void a_reset_makes_no_handle_good_again(void) {
    bench b;
    bench_open(&b);
    weir_task old;
    static char memory[64];
    weir_buffer buffer;
    CHECK_EQ(weir_buffer_register(b.graph, memory, sizeof(memory), &buffer), 0);
    go(&b, &empty, &old);
    flow_over(&b);
    CHECK_EQ(weir_task_release(b.graph, old), 0);
    CHECK_EQ(weir_buffer_close(b.graph, buffer), 0);
    CHECK_EQ(weir_graph_reset(b.graph), 0);
    CHECK_EQ(weir_flow_begin(b.graph, NULL, &b.flow), 0);
    weir_buffer again;
    CHECK_EQ(weir_buffer_register(b.graph, memory, sizeof(memory), &again), 0);
    for (int i = 0; i < 500; i++) {
        weir_task task;
        go(&b, &empty, &task);
        CHECK(task.id != old.id);
        CHECK_EQ(weir_task_poll(b.graph, old, NULL), -ESTALE);
        CHECK_EQ(weir_task_release(b.graph, task), 0);
    }
    CHECK(weir_buffer_memory(b.graph, buffer, NULL) == NULL);
    CHECK(weir_buffer_memory(b.graph, again, NULL) == memory);
    bench_close(&b);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"c2_a_task_stays_where_it_is", c2_a_task_stays_where_it_is},
        {"memory_is_used_again", memory_is_used_again},
        {"ids_are_never_mistaken", ids_are_never_mistaken},
        {"a_reset_makes_no_handle_good_again",
         a_reset_makes_no_handle_good_again},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

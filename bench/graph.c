// SPDX-License-Identifier: MIT
// The task graph on threads: the rows of bench/graph.sh. The workers are as
// many as asked for, and the thread that submits is beside them.
//
//   bench_graph CASE [--option N]...
#include "graph.h"

#include "weir/graph.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static weir_pool *pool;
static weir_graph *graph;
static weir_buffer slices;
static uint64_t *sums; // of slices
static sem_t gate;

static int do_nothing(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static int do_add(const weir_kernel_call *call) {
    ++*(uint64_t *)call->data[0];
    return 0;
}

static int do_hold(const weir_kernel_call *call) {
    (void)call;
    while (sem_wait(&gate) != 0)
        continue;
    return 0;
}

static const weir_kernel nothing = {"nothing", do_nothing};
static const weir_kernel add = {"add", do_add};
static const weir_kernel hold = {"hold", do_hold};

// ---- set up ----------------------------------------------------------------

static void start(size_t bytes) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    pool_options.threads = (int)bench_set.threads;
    bench_ok("pool", weir_pool_create(&pool, &pool_options));
    options.pool = pool;
    bench_ok("graph", weir_graph_create(&graph, &options));
    sums = bench_memory(bytes);
    bench_ok("register", weir_buffer_register(graph, sums, bytes, &slices));
}

static void end(void) {
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
}

static weir_flow *begin(void) {
    weir_flow *flow;
    bench_ok("begin", weir_flow_begin(graph, NULL, &flow));
    return flow;
}

static void finish(weir_flow *flow) {
    int status;
    weir_flow_close(flow);
    bench_ok("wait", weir_flow_wait(flow, WEIR_FOREVER, &status));
    bench_ok("status", status);
    weir_flow_release(flow);
}

static void submit(weir_flow *flow, const weir_kernel *kernel,
                   const weir_access *accesses, size_t count, weir_task *task) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.accesses = accesses;
    spec.accesses_count = count;
    bench_ok("submit", weir_flow_submit(flow, &spec, task));
}

static void add_to(weir_flow *flow, unsigned i, weir_task *task) {
    weir_access access =
        WEIR_ACCESS(WEIR_READWRITE, slices, (size_t)i * SLICE, SLICE);
    submit(flow, &add, &access, 1, task);
}

static void sum_is(uint64_t wanted) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < SLICES; i++)
        sum += sums[(size_t)i * SLICE / 8];
    bench_same("sum of the slices", sum, wanted);
}

// ---- cases -----------------------------------------------------------------

static void empty(void) {
    bench_meter m = {.rounds = 0};
    start(SLICE);
    while (bench_more(&m)) {
        bench_begin(&m);
        weir_flow *flow = begin();
        for (unsigned i = 0; i < bench_set.count; i++)
            submit(flow, &nothing, NULL, 0, NULL);
        finish(flow);
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "empty", "ns");
    weir_graph_counts counts = {.size = sizeof(counts)};
    bench_ok("count", weir_graph_count(graph, &counts));
    bench_same("ran", counts.succeeded, (uint64_t)m.rounds * bench_set.count);
    end();
}

// At most 2 x WINDOW tasks at once, as a caller would who minds memory.
static void bounded(void) {
    bench_meter m = {.rounds = 0};
    start(SLICE);
    while (bench_more(&m)) {
        weir_task last = {0}, task;
        bench_begin(&m);
        weir_flow *flow = begin();
        for (unsigned i = 0; i < bench_set.count; i++) {
            int look = i % WINDOW == WINDOW - 1;
            submit(flow, &nothing, NULL, 0, look ? &task : NULL);
            if (!look)
                continue;
            if (last.id != 0) {
                bench_ok("task",
                         weir_task_wait(graph, last, WEIR_FOREVER, NULL));
                bench_ok("release", weir_task_release(graph, last));
            }
            last = task;
        }
        finish(flow);
        if (last.id != 0)
            bench_ok("release", weir_task_release(graph, last));
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "bounded", "ns");
    end();
}

static void own(void) {
    bench_meter m = {.rounds = 0};
    start((size_t)bench_set.count * SLICE);
    while (bench_more(&m)) {
        bench_begin(&m);
        weir_flow *flow = begin();
        for (unsigned i = 0; i < bench_set.count; i++) {
            weir_access access =
                WEIR_ACCESS(WEIR_READWRITE, slices, (size_t)i * SLICE, SLICE);
            submit(flow, &nothing, &access, 1, NULL);
        }
        finish(flow);
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "own", "ns");
    end();
}

static void chain(void) {
    bench_meter m = {.rounds = 0};
    unsigned repeat = bench_set.count / CHAIN + 1;
    start(SLICE);
    while (bench_more(&m)) {
        *sums = 0;
        bench_begin(&m);
        for (unsigned r = 0; r < repeat; r++) {
            weir_flow *flow = begin();
            for (unsigned i = 0; i < CHAIN; i++)
                add_to(flow, 0, NULL);
            finish(flow);
        }
        bench_end(&m, (double)repeat * CHAIN);
        bench_same("links", *sums, (uint64_t)repeat * CHAIN);
    }
    bench_meter_print(&m, "chain", "ns");
    end();
}

// Column i of a matrix by rows, `columns` wide; or slice i.
static weir_access piece(unsigned i, int column) {
    weir_access a =
        WEIR_ACCESS(WEIR_READWRITE, slices, (size_t)i * SLICE, SLICE);
    weir_access b = WEIR_TILE(WEIR_READWRITE, slices, (size_t)i * 8, 8, COLUMN,
                              (size_t)SLICES * 8);
    return column ? b : a;
}

// Nothing ends before all are submitted: they read what the gate's task writes.
static void gated(int column, const char *fill, const char *again_name) {
    bench_meter first = {.rounds = 0}, again = {.rounds = 0};
    weir_buffer closed;
    start((size_t)SLICES * COLUMN * 8);
    bench_ok("register",
             weir_buffer_register(graph, bench_memory(SLICE), SLICE, &closed));
    weir_access shut = WEIR_ACCESS(WEIR_WRITE, closed, 0, SLICE);
    weir_access open = WEIR_ACCESS(WEIR_READ, closed, 0, SLICE);
    sem_init(&gate, 0, 0);
    while (bench_more(&first)) {
        weir_flow *flow = begin();
        submit(flow, &hold, &shut, 1, NULL);
        bench_begin(&first);
        for (unsigned i = 0; i < SLICES; i++) {
            weir_access accesses[2] = {piece(i, column), open};
            submit(flow, &add, accesses, 2, NULL);
        }
        bench_end(&first, SLICES);
        bench_begin(&again);
        for (unsigned i = 0; i < SLICES; i++) {
            weir_access access = piece(i, column);
            submit(flow, &add, &access, 1, NULL);
        }
        bench_end(&again, SLICES);
        sem_post(&gate);
        finish(flow);
    }
    bench_meter_print(&first, fill, "ns");
    bench_meter_print(&again, again_name, "ns");
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)SLICES * COLUMN; i++)
        sum += sums[i];
    bench_same("sum of the pieces", sum, (uint64_t)first.rounds * 2 * SLICES);
    end();
}

static void alive(void) { gated(0, "fill", "alive"); }

static void columns(void) { gated(1, "columns_fill", "columns"); }

static void loose(void) {
    bench_meter m = {.rounds = 0};
    start((size_t)SLICES * SLICE);
    while (bench_more(&m)) {
        bench_begin(&m);
        weir_flow *flow = begin();
        for (unsigned i = 0; i < 2 * SLICES; i++)
            add_to(flow, i % SLICES, NULL);
        finish(flow);
        bench_end(&m, 2 * SLICES);
    }
    sum_is((uint64_t)m.rounds * 2 * SLICES);
    bench_meter_print(&m, "loose", "ns");
    end();
}

static void memory(void) {
    start((size_t)SLICES * SLICE);
    weir_task last = {0}, task;
    weir_flow *flow = begin();
    int64_t begun = bench_now_ns();
    for (unsigned i = 0; i < bench_set.count; i++) {
        int look = i % WINDOW == WINDOW - 1;
        if (i == bench_set.count / 10)
            bench_print("memory", "early", bench_resident(), "MB");
        add_to(flow, i % SLICES, look ? &task : NULL);
        if (!look)
            continue;
        if (last.id != 0) {
            bench_ok("task", weir_task_wait(graph, last, WEIR_FOREVER, NULL));
            bench_ok("release", weir_task_release(graph, last));
        }
        last = task;
    }
    finish(flow);
    int64_t wall = bench_now_ns() - begun;
    bench_print("memory", "late", bench_resident(), "MB");
    sum_is(bench_set.count);
    bench_print("memory", "wall", (double)wall / bench_set.count, "ns");
    bench_print("memory", "peak", bench_peak(), "MB");
    if (last.id != 0)
        bench_ok("release", weir_task_release(graph, last));
    end();
}

static void idle(void) {
    struct timespec rest = {bench_set.ms / 1000,
                            (long)(bench_set.ms % 1000) * 1000000};
    start(SLICE);
    weir_flow *flow = begin();
    for (unsigned i = 0; i < 1000; i++)
        submit(flow, &nothing, NULL, 0, NULL);
    finish(flow);
    int64_t begun = bench_cpu_ns();
    nanosleep(&rest, NULL);
    bench_print("idle", "share",
                (double)(bench_cpu_ns() - begun) / 1e4 / bench_set.ms, "%");
    end();
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {{"empty", empty}, {"bounded", bounded},
                                       {"own", own},     {"chain", chain},
                                       {"alive", alive}, {"columns", columns},
                                       {"loose", loose}, {"memory", memory},
                                       {"idle", idle},   {NULL, NULL}};
    return bench_main(argc, argv, cases);
}

// SPDX-License-Identifier: MIT
// The task graph on processes: the rows of bench/graph.sh.
//
//   bench_graph_procs CASE [--option N]...
#include "graph.h"

#include "base/atomic.h"
#include "weir/graph.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX = 64 };

static weir_zygote *zygote;
static weir_procs *procs;
static weir_pool *pool;
static weir_graph *graph;
static wr_atomic_u64 *here; // in shared memory: pid of the kernel that hangs

static int do_nothing(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static int do_hang(const weir_kernel_call *call) {
    wr_store((wr_atomic_u64 *)call->data[0], (uint64_t)getpid(), release, HERE,
             "the kernel runs");
    for (;;)
        pause();
    return 0;
}

static const weir_kernel kernels[] = {{"nothing", do_nothing},
                                      {"hang", do_hang}};

// ---- set up ----------------------------------------------------------------

static void start(unsigned children) {
    weir_zygote_options zygote_options = WEIR_ZYGOTE_OPTIONS_INIT;
    weir_procs_options procs_options = WEIR_PROCS_OPTIONS_INIT;
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    zygote_options.kernels = kernels;
    zygote_options.kernels_count = sizeof(kernels) / sizeof(kernels[0]);
    bench_ok("zygote", weir_zygote_create(&zygote, &zygote_options));
    bench_set.procs = procs_options.children = children;
    bench_ok("procs", weir_procs_create(&procs, zygote, &procs_options));
    pool_options.threads = (int)bench_set.threads;
    bench_ok("pool", weir_pool_create(&pool, &pool_options));
    options.pool = pool;
    bench_ok("graph", weir_graph_create(&graph, &options));
    here = weir_zygote_alloc(zygote, 4096);
    if (here == NULL)
        bench_fail("no shared memory", 0);
}

static void end(void) {
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    weir_procs_destroy(procs);
    weir_zygote_destroy(zygote);
}

static weir_flow *begin(void) {
    weir_flow *flow;
    bench_ok("begin", weir_flow_begin(graph, NULL, &flow));
    return flow;
}

static void finish(weir_flow *flow, int wanted) {
    int status;
    weir_flow_close(flow);
    bench_ok("wait", weir_flow_wait(flow, WEIR_FOREVER, &status));
    bench_same("status", (uint64_t)-status, (uint64_t)-wanted);
    weir_flow_release(flow);
}

static void submit(weir_flow *flow, const weir_kernel *kernel,
                   const weir_access *access, weir_task *task) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.accesses = access;
    spec.accesses_count = access != NULL;
    spec.procs = procs;
    bench_ok("submit", weir_flow_submit(flow, &spec, task));
}

// ---- cases -----------------------------------------------------------------

// One at a time: as soon as one has ended, the next.
static void trip(void) {
    unsigned warm = bench_set.count / 10 + 1;
    double *times = bench_memory((bench_set.count + warm) * sizeof(double));
    start(1);
    weir_flow *flow = begin();
    int64_t cpu = bench_cpu_ns();
    for (unsigned i = 0; i < bench_set.count + warm; i++) {
        weir_task task;
        int64_t begun = bench_now_ns();
        submit(flow, &kernels[0], NULL, &task);
        bench_ok("task", weir_task_wait(graph, task, WEIR_FOREVER, NULL));
        times[i] = (double)(bench_now_ns() - begun);
        bench_ok("release", weir_task_release(graph, task));
    }
    cpu = bench_cpu_ns() - cpu;
    finish(flow, 0);
    bench_times_print(times + warm, bench_set.count, "trip");
    bench_print("trip", "cpu", (double)cpu / 1e3 / (bench_set.count + warm),
                "us");
    bench_print("trip", "peak", bench_peak(), "MB");
    end();
}

// The same with a rest before each, long enough for both sides to sleep.
static void rested(void) {
    double *times = bench_memory(bench_set.count * sizeof(double));
    struct timespec rest = {0, 2000000};
    start(1);
    weir_flow *flow = begin();
    for (unsigned i = 0; i < bench_set.count; i++) {
        weir_task task;
        nanosleep(&rest, NULL);
        int64_t begun = bench_now_ns();
        submit(flow, &kernels[0], NULL, &task);
        bench_ok("task", weir_task_wait(graph, task, WEIR_FOREVER, NULL));
        times[i] = (double)(bench_now_ns() - begun);
        bench_ok("release", weir_task_release(graph, task));
    }
    finish(flow, 0);
    bench_times_print(times, bench_set.count, "rested");
    end();
}

static void stream_to(unsigned children, const char *name) {
    bench_meter m = {.rounds = 0};
    start(children);
    while (bench_more(&m)) {
        bench_begin(&m);
        weir_flow *flow = begin();
        for (unsigned i = 0; i < bench_set.count; i++)
            submit(flow, &kernels[0], NULL, NULL);
        finish(flow, 0);
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, name, "ns");
    end();
}

static void stream(void) { stream_to(1, "stream"); }

static void stream2(void) { stream_to(2, "stream2"); }

// The processor time of this process, the zygote and the children.
static void idle(void) {
    struct timespec rest = {bench_set.ms / 1000,
                            (long)(bench_set.ms % 1000) * 1000000};
    struct timespec moment = {0, 200000000};
    int pids[CHILDREN_MAX];
    int64_t before[CHILDREN_MAX], children = 0;
    start(2);
    weir_flow *flow = begin();
    for (unsigned i = 0; i < 1000; i++)
        submit(flow, &kernels[0], NULL, NULL);
    finish(flow, 0);
    nanosleep(&moment, NULL);
    int count = bench_children((int)getpid(), pids, CHILDREN_MAX);
    if (count < 2)
        bench_fail("processes found", count);
    for (int i = 0; i < count; i++)
        before[i] = bench_run_ns(pids[i]);
    bench_set.procs = 0; // from here on bench_cpu_ns is the parent's alone
    int64_t parent = bench_cpu_ns();
    nanosleep(&rest, NULL);
    parent = bench_cpu_ns() - parent;
    for (int i = 0; i < count; i++)
        children += bench_run_ns(pids[i]) - before[i];
    double share = 1e4 * bench_set.ms;
    bench_print("idle", "parent", (double)parent / share, "%");
    bench_print("idle", "children", (double)children / share, "%");
    end();
}

static uint64_t hanging(void) {
    return wr_load(here, acquire, HERE, "the kernel runs");
}

// From kill(2) to the return of the task's wait, and until the group is whole.
static void death(void) {
    double *times = bench_memory(bench_set.count * sizeof(double));
    double *whole = bench_memory(bench_set.count * sizeof(double));
    struct timespec rest = {0, 2000000};
    weir_buffer buffer;
    start(1);
    bench_ok("register", weir_buffer_register(graph, here, 8, &buffer));
    for (unsigned i = 0; i < bench_set.count; i++) {
        weir_task task;
        weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
        weir_access access = WEIR_ACCESS(WEIR_WRITE, buffer, 0, 8);
        weir_flow *flow = begin();
        wr_store(here, 0, relaxed, ALONE, "no kernel runs");
        submit(flow, &kernels[1], &access, &task);
        while (hanging() == 0)
            nanosleep(&rest, NULL);
        nanosleep(&rest, NULL);
        int64_t begun = bench_now_ns();
        kill((pid_t)hanging(), SIGKILL);
        bench_ok("task", weir_task_wait(graph, task, WEIR_FOREVER, &outcome));
        times[i] = (double)(bench_now_ns() - begun);
        while (weir_procs_pid(procs, 0) <= 0)
            nanosleep(&(struct timespec){0, 50000}, NULL);
        whole[i] = (double)(bench_now_ns() - begun);
        bench_same("status", (uint64_t)-outcome.status, EOWNERDEAD);
        bench_same("signal", (uint64_t)outcome.signal, SIGKILL);
        bench_ok("release", weir_task_release(graph, task));
        finish(flow, -EOWNERDEAD);
    }
    bench_times_print(times, bench_set.count, "kill");
    bench_times_print(whole, bench_set.count, "replaced");
    end();
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {{"trip", trip},     {"rested", rested},
                                       {"stream", stream}, {"stream2", stream2},
                                       {"idle", idle},     {"kill", death},
                                       {NULL, NULL}};
    return bench_main(argc, argv, cases);
}

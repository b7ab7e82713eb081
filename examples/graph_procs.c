// SPDX-License-Identifier: MIT
// Code that may crash, in processes of its own: of eight files one makes the
// decoder crash, one makes it exit, one makes it run for ever. Each of the
// three fails alone.
//
//   cc graph_procs.c $(pkg-config --cflags --libs weir)
//
// Prints:
//   file 0: 0 bytes
//   file 1: 10 bytes
//   file 2: its process died of signal 9
//   file 3: 30 bytes
//   file 4: its process left with 3
//   file 5: 50 bytes
//   file 6: took too long
//   file 7: 70 bytes
//   3 were lost with their process
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <weir/graph.h>

enum { FILES = 8, CHILDREN = 2 };

// In one of the processes. Its memory is its own, but for that of the buffers.
static int decode(const weir_kernel_call *call) {
    const int *number = call->arguments;
    int *size = call->data[0];
    if (*number == 2)
        kill(getpid(), SIGKILL); // such as a crash
    if (*number == 4)
        _exit(3); // a library that thinks that it may
    while (*number == 6)
        continue; // no end in sight
    *size = *number * 10;
    return 0;
}

static void print(int number, const weir_task_outcome *outcome, int size) {
    printf("file %d: ", number);
    if (outcome->status == 0)
        printf("%d bytes\n", size);
    else if (outcome->status == -ETIMEDOUT)
        printf("took too long\n");
    else if (outcome->signal != 0)
        printf("its process died of signal %d\n", outcome->signal);
    else
        printf("its process left with %d\n", outcome->exit_status);
}

static int submit(weir_flow *flow, weir_procs *procs, weir_buffer sizes,
                  int number, weir_task *task) {
    static const weir_kernel kernel = {"decode", NULL}; // there is one by name
    weir_access access = WEIR_ACCESS(WEIR_WRITE, sizes,
                                     (size_t)number * sizeof(int), sizeof(int));
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &kernel;
    spec.arguments = &number;
    spec.arguments_size = sizeof(number);
    spec.accesses = &access;
    spec.accesses_count = 1;
    spec.procs = procs;
    spec.timeout_ns = number == 6 ? 100000000 : 0;
    return weir_flow_submit(flow, &spec, task);
}

static int run(weir_graph *graph, weir_procs *procs, weir_zygote *zygote) {
    weir_flow *flow;
    weir_buffer buffer;
    weir_task tasks[FILES];
    int *sizes = weir_zygote_alloc(zygote, FILES * sizeof(int));
    if (sizes == NULL)
        return -ENOMEM;
    int error =
        weir_buffer_register(graph, sizes, FILES * sizeof(int), &buffer);
    if (error == 0)
        error = weir_flow_begin(graph, NULL, &flow);
    if (error != 0)
        return error;
    for (int i = 0; i < FILES && error == 0; i++)
        error = submit(flow, procs, buffer, i, &tasks[i]);
    weir_flow_close(flow);
    int waited = weir_flow_wait(flow, WEIR_FOREVER, NULL);
    weir_flow_release(flow);
    for (int i = 0; i < FILES && error == 0; i++) {
        weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
        error = weir_task_poll(graph, tasks[i], &outcome);
        if (error == 0)
            print(i, &outcome, sizes[i]);
    }
    return error != 0 ? error : waited;
}

int main(void) {
    static const weir_kernel kernels[] = {{"decode", decode}};
    weir_zygote_options early = WEIR_ZYGOTE_OPTIONS_INIT;
    weir_procs_options group = WEIR_PROCS_OPTIONS_INIT;
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    weir_procs_counts counts = {.size = sizeof(counts)};
    weir_zygote *zygote;
    weir_procs *procs;
    weir_pool *pool;
    weir_graph *graph;
    early.kernels = kernels;
    early.kernels_count = 1;
    if (weir_zygote_create(&zygote, &early) != 0) // before there are threads
        return 1;
    group.children = CHILDREN;
    if (weir_procs_create(&procs, zygote, &group) != 0)
        return 1;
    if (weir_pool_create(&pool, NULL) != 0)
        return 1;
    options.pool = pool;
    options.ring_bytes = 0;
    if (weir_graph_create(&graph, &options) != 0)
        return 1;
    int error = run(graph, procs, zygote);
    weir_graph_destroy(graph);
    if (error == 0 && weir_procs_count(procs, &counts) == 0)
        printf("%d were lost with their process\n", (int)counts.crashes);
    weir_pool_destroy(pool);
    weir_procs_destroy(procs);
    weir_zygote_destroy(zygote);
    return error != 0;
}

// SPDX-License-Identifier: MIT
// What fails, and what does not because of it: three columns are loaded and
// summed; one cannot be loaded. Its sum and the total are not computed, the
// other sums are; then it is loaded again.
//
//   cc graph_failure.c $(pkg-config --cflags --libs weir)
//
// Prints:
//   sum of column 1: 6
//   sum of column 2: not run, load (task 3) failed: column 2 is not there
//   sum of column 3: 24
//   total: not run, load (task 3) failed: column 2 is not there
//   of all: not found
//   again, the total is 45
#include <errno.h>
#include <stdio.h>
#include <weir/graph.h>

enum { COLUMNS = 3, ROWS = 3 };

static int columns[COLUMNS][ROWS], sums[COLUMNS], total;

struct column {
    int number, is_missing;
};

static int load_run(const weir_kernel_call *call) {
    const struct column *column = call->arguments;
    int *to = call->data[0];
    if (column->is_missing)
        return weir_kernel_fail(call, -ENOENT, "column %d is not there",
                                column->number);
    for (int i = 0; i < ROWS; i++)
        to[i] = (column->number - 1) * ROWS + i + 1;
    return 0;
}

static int sum_run(const weir_kernel_call *call) {
    const struct column *column = call->arguments;
    const int *from = call->data[0];
    int *to = call->data[1];
    *to = 0;
    for (int i = 0; i < column->number; i++)
        *to += from[i];
    return 0;
}

static const weir_kernel load = {"load", load_run}, sum = {"sum", sum_run};

static int submit(weir_flow *flow, const weir_kernel *kernel,
                  struct column column, const weir_access *accesses,
                  size_t count, weir_task *task) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.arguments = &column;
    spec.arguments_size = sizeof(column);
    spec.accesses = accesses;
    spec.accesses_count = count;
    return weir_flow_submit(flow, &spec, task);
}

static int submit_all(weir_flow *flow, const weir_buffer buffers[3],
                      int missing, weir_task tasks[COLUMNS + 1]) {
    int error = 0;
    for (size_t i = 0; i < COLUMNS && error == 0; i++) {
        weir_access access[] = {
            WEIR_ACCESS(WEIR_WRITE, buffers[0], i * sizeof(columns[0]),
                        sizeof(columns[0])),
            WEIR_ACCESS(WEIR_WRITE, buffers[1], i * sizeof(int), sizeof(int)),
        };
        struct column column = {(int)i + 1, (int)i + 1 == missing};
        error = submit(flow, &load, column, &access[0], 1, NULL);
        access[0].mode = WEIR_READ;
        if (error == 0)
            error = submit(flow, &sum, (struct column){ROWS, 0}, access, 2,
                           &tasks[i]);
    }
    weir_access access[] = {
        WEIR_ACCESS(WEIR_READ, buffers[1], 0, WEIR_WHOLE),
        WEIR_ACCESS(WEIR_WRITE, buffers[2], 0, WEIR_WHOLE),
    };
    if (error == 0)
        error = submit(flow, &sum, (struct column){COLUMNS, 0}, access, 2,
                       &tasks[COLUMNS]);
    return error;
}

// Says what came of a task, and gives its handle back.
static void print(weir_graph *graph, weir_task task, const char *what,
                  int result) {
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    int error = weir_task_poll(graph, task, &outcome);
    if (error != 0)
        printf("%s: %s\n", what, weir_strerror(error));
    else if (outcome.status == 0)
        printf("%s: %d\n", what, result);
    else
        printf("%s: %s, %s (task %d) failed: %s\n", what,
               outcome.ran ? "run" : "not run", outcome.kernel,
               (int)outcome.root, outcome.reason);
    (void)weir_task_release(graph, task);
}

// One flow: all is loaded and summed.
static int run(weir_graph *graph, const weir_buffer buffers[3], int missing,
               weir_task tasks[COLUMNS + 1]) {
    weir_flow *flow;
    int status = 0, error = weir_flow_begin(graph, NULL, &flow);
    if (error != 0)
        return error;
    error = submit_all(flow, buffers, missing, tasks);
    weir_flow_close(flow);
    int waited = weir_flow_wait(flow, WEIR_FOREVER, &status);
    weir_flow_release(flow); // its tasks' handles stay
    return error != 0 ? error : waited != 0 ? waited : status;
}

static int both(weir_graph *graph, const weir_buffer buffers[3]) {
    weir_task tasks[COLUMNS + 1] = {{0}};
    int status = run(graph, buffers, 2, tasks);
    for (int i = 0; i < COLUMNS; i++) {
        char what[32];
        snprintf(what, sizeof(what), "sum of column %d", i + 1);
        print(graph, tasks[i], what, sums[i]);
    }
    print(graph, tasks[COLUMNS], "total", total);
    printf("of all: %s\n", weir_strerror(status));
    // What is written anew is good again.
    status = run(graph, buffers, 0, tasks);
    for (int i = 0; i <= COLUMNS; i++)
        (void)weir_task_release(graph, tasks[i]);
    if (status == 0)
        printf("again, the total is %d\n", total);
    return status;
}

int main(void) {
    weir_pool *pool;
    weir_graph *graph;
    weir_buffer buffers[3];
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    if (weir_pool_create(&pool, NULL) != 0)
        return 1;
    options.pool = pool;
    options.ring_bytes = 0; // no heap is needed
    if (weir_graph_create(&graph, &options) != 0)
        return 1;
    int error =
        weir_buffer_register(graph, columns, sizeof(columns), &buffers[0]);
    if (error == 0)
        error = weir_buffer_register(graph, sums, sizeof(sums), &buffers[1]);
    if (error == 0)
        error = weir_buffer_register(graph, &total, sizeof(total), &buffers[2]);
    if (error == 0)
        error = both(graph, buffers);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    return error != 0;
}

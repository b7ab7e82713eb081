// SPDX-License-Identifier: MIT
// The shape of a computation as a picture: who waits for whom. An observer is
// told of each task and of each dependency, and writes them for Graphviz.
//
//   cc graph_picture.c $(pkg-config --cflags --libs weir)
//   ./a.out | dot -Tsvg >tasks.svg
//
// Prints:
//   digraph tasks {
//     t1 [label="1 left"];
//     t2 [label="2 right"];
//     t3 [label="3 left"];
//     t1 -> t3;
//     t4 [label="4 all"];
//     t2 -> t4;
//     t3 -> t4;
//     t5 [label="5 left"];
//     t3 -> t5 [style=dashed];
//     t4 -> t5 [style=dashed];
//   }
#include <stdint.h>
#include <stdio.h>
#include <weir/graph.h>

enum { ROWS = 4, ROW = 8 };

// Called one at a time, as tasks are submitted.
static void task_submitted(void *context, uint64_t number, const char *kernel) {
    fprintf(context, "  t%d [label=\"%d %s\"];\n", (int)number, (int)number,
            kernel);
}

// data: a failure of `from` goes along. Else the one only comes first.
static void task_edge(void *context, uint64_t from, uint64_t to, int data) {
    fprintf(context, "  t%d -> t%d%s;\n", (int)from, (int)to,
            data ? "" : " [style=dashed]");
}

static int add_one(const weir_kernel_call *call) {
    char *half = call->data[0]; // the first of its rows
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < ROW / 2; x++)
            half[y * ROW + x]++;
    return 0;
}

static int look(const weir_kernel_call *call) {
    const char *all = call->data[0];
    return all[0] == 2 && all[ROW / 2] == 1 ? 0 : -1;
}

static const weir_kernel left = {"left", add_one}, right = {"right", add_one};
static const weir_kernel whole = {"all", look};

// A column of the matrix is no range: it is rows with a stride.
static weir_access half_of(weir_buffer matrix, int mode, size_t column) {
    return (weir_access)WEIR_TILE((uint32_t)mode, matrix, column, ROW / 2, ROWS,
                                  ROW);
}

static int submit(weir_flow *flow, const weir_kernel *kernel,
                  weir_access access) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.accesses = &access;
    spec.accesses_count = 1;
    return weir_flow_submit(flow, &spec, NULL);
}

static int submit_all(weir_flow *flow, weir_buffer m) {
    weir_access all = WEIR_ACCESS(WEIR_READ, m, 0, WEIR_WHOLE);
    int error = submit(flow, &left, half_of(m, WEIR_READWRITE, 0));
    if (error == 0)
        error = submit(flow, &right, half_of(m, WEIR_READWRITE, ROW / 2));
    if (error == 0)
        error = submit(flow, &left, half_of(m, WEIR_READWRITE, 0));
    if (error == 0)
        error = submit(flow, &whole, all);
    return error == 0 ? submit(flow, &left, half_of(m, WEIR_WRITE, 0)) : error;
}

static char matrix[ROWS][ROW];

int main(void) {
    const weir_graph_observer observer = {.size = sizeof(observer),
                                          .context = stdout,
                                          .submitted = task_submitted,
                                          .edge = task_edge};
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    weir_pool *pool;
    weir_graph *graph;
    weir_buffer buffer;
    weir_flow *flow;
    if (weir_pool_create(&pool, NULL) != 0)
        return 1;
    options.pool = pool;
    options.observer = &observer;
    if (weir_graph_create(&graph, &options) != 0 ||
        weir_buffer_register(graph, matrix, sizeof(matrix), &buffer) != 0 ||
        weir_flow_begin(graph, NULL, &flow) != 0)
        return 1;
    printf("digraph tasks {\n");
    int status = 0, error = submit_all(flow, buffer);
    weir_flow_close(flow);
    if (error == 0)
        error = weir_flow_wait(flow, WEIR_FOREVER, &status);
    weir_flow_release(flow);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    printf("}\n");
    return error != 0 || status != 0;
}

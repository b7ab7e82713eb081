// SPDX-License-Identifier: MIT
// Memory that lives as long as a step: each block of a long input gets two
// buffers of the graph's heap, which its tasks write and read. A scope for each
// block gives them back. The heap has room for few blocks, so the submission
// waits for those before: never is more in use, however long the input is.
//
//   cc graph_heap.c $(pkg-config --cflags --libs weir)
//
// Prints:
//   1000 blocks: sum 4192256000
//   room for 8 blocks at once, no more was used: yes
//   in use at the end: 0 bytes
#include <stdio.h>
#include <weir/graph.h>

enum {
    BLOCKS = 1000,
    NUMBERS = 2048, // of a block
    BYTES = NUMBERS * (int)sizeof(int),
    AT_ONCE = 8
};

static int read_run(const weir_kernel_call *call) {
    int *block = call->data[0];
    for (int i = 0; i < NUMBERS; i++)
        block[i] = i;
    return 0;
}

static int double_run(const weir_kernel_call *call) {
    const int *from = call->data[0];
    int *to = call->data[1];
    for (int i = 0; i < NUMBERS; i++)
        to[i] = 2 * from[i];
    return 0;
}

static int add_run(const weir_kernel_call *call) {
    const int *block = call->data[0];
    long long *sum = call->data[1];
    for (int i = 0; i < NUMBERS; i++)
        *sum += block[i];
    return 0;
}

static const weir_kernel read_kernel = {"read", read_run};
static const weir_kernel double_kernel = {"double", double_run};
static const weir_kernel add_kernel = {"add", add_run};

static int submit(weir_flow *flow, const weir_kernel *kernel,
                  const weir_access *accesses, size_t count) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.accesses = accesses;
    spec.accesses_count = count;
    return weir_flow_submit(flow, &spec, NULL);
}

// The tasks of one block. Its buffers are allocated by the submission of who
// writes them.
static int submit_block(weir_flow *flow, weir_buffer sum) {
    weir_buffer block, doubled;
    int error = weir_flow_scope_begin(flow);
    if (error != 0)
        return error;
    weir_access first[] = {
        {.mode = WEIR_WRITE, .bytes = BYTES, .allocate = &block}};
    error = submit(flow, &read_kernel, first, 1);
    if (error == 0) {
        weir_access second[] = {
            WEIR_ACCESS(WEIR_READ, block, 0, WEIR_WHOLE),
            {.mode = WEIR_WRITE, .bytes = BYTES, .allocate = &doubled}};
        error = submit(flow, &double_kernel, second, 2);
    }
    if (error == 0) {
        weir_access third[] = {WEIR_ACCESS(WEIR_READ, doubled, 0, WEIR_WHOLE),
                               WEIR_ACCESS(WEIR_READWRITE, sum, 0, WEIR_WHOLE)};
        error = submit(flow, &add_kernel, third, 2);
    }
    // No later task may name them. Their memory comes back when those that do
    // have ended.
    int ended = weir_flow_scope_end(flow);
    return error != 0 ? error : ended;
}

static int run(weir_graph *graph, long long *sum) {
    weir_flow *flow;
    weir_buffer buffer;
    int status = 0, error = weir_buffer_register(graph, sum, 8, &buffer);
    if (error == 0)
        error = weir_flow_begin(graph, NULL, &flow);
    if (error != 0)
        return error;
    for (int i = 0; i < BLOCKS && error == 0; i++)
        error = submit_block(flow, buffer);
    weir_flow_close(flow);
    int waited = weir_flow_wait(flow, WEIR_FOREVER, &status);
    weir_flow_release(flow);
    return error != 0 ? error : waited != 0 ? waited : status;
}

int main(void) {
    weir_pool *pool;
    weir_graph *graph;
    long long sum = 0;
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    weir_graph_counts counts = {.size = sizeof(counts)};
    if (weir_pool_create(&pool, NULL) != 0)
        return 1;
    options.pool = pool;
    options.ring_bytes = (size_t)AT_ONCE * 2 * BYTES;
    if (weir_graph_create(&graph, &options) != 0)
        return 1;
    int error = run(graph, &sum);
    if (error == 0)
        error = weir_graph_count(graph, &counts);
    if (error == 0) {
        printf("%d blocks: sum %lld\n", BLOCKS, sum);
        printf("room for %d blocks at once, no more was used: %s\n", AT_ONCE,
               counts.heap_highest[1] <= options.ring_bytes ? "yes" : "no");
        printf("in use at the end: %d bytes\n", (int)counts.heap_used[1]);
    }
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    return error != 0;
}

// SPDX-License-Identifier: MIT
// The tiled Cholesky of bench/graph.sh on weir's threads, or with --procs N in
// so many processes. One buffer is the matrix, each access a tile of it.
//
//   bench_graph_cholesky cholesky [--size N] [--tile N] [--procs N] ...
#include "graph_tiles.h"

#include "weir/graph.h"

static weir_pool *pool;
static weir_zygote *zygote;
static weir_procs *procs;
static weir_graph *graph;
static weir_buffer matrix;

// ---- kernels: data[0] is what they write, arguments a copy of the tiles ----

static int do_potrf(const weir_kernel_call *call) {
    tile_potrf(call->arguments, call->data[0]);
    return 0;
}

static int do_trsm(const weir_kernel_call *call) {
    tile_trsm(call->arguments, call->data[1], call->data[0]);
    return 0;
}

static int do_syrk(const weir_kernel_call *call) {
    tile_syrk(call->arguments, call->data[1], call->data[0]);
    return 0;
}

static int do_gemm(const weir_kernel_call *call) {
    tile_gemm(call->arguments, call->data[1], call->data[2], call->data[0]);
    return 0;
}

enum { POTRF, TRSM, SYRK, GEMM, KERNELS };

static const weir_kernel kernels[KERNELS] = {{"potrf", do_potrf},
                                             {"trsm", do_trsm},
                                             {"syrk", do_syrk},
                                             {"gemm", do_gemm}};

// The panel before the diagonal before the rest, as the peers have it.
static const int32_t urgent[KERNELS] = {WEIR_PRIORITY_HIGH, WEIR_PRIORITY_HIGH,
                                        WEIR_PRIORITY_NORMAL,
                                        WEIR_PRIORITY_LOW};

// ---- the run ---------------------------------------------------------------

// Memory for the tiles: the zygote's, where there are processes.
static void *start(void) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    void *memory;
    if (bench_set.procs > 0) {
        weir_zygote_options zygote_options = WEIR_ZYGOTE_OPTIONS_INIT;
        weir_procs_options procs_options = WEIR_PROCS_OPTIONS_INIT;
        zygote_options.kernels = kernels;
        zygote_options.kernels_count = KERNELS;
        bench_ok("zygote", weir_zygote_create(&zygote, &zygote_options));
        memory = weir_zygote_alloc(zygote, tiles_bytes());
        if (memory == NULL)
            bench_fail("no shared memory", (long long)tiles_bytes());
        procs_options.children = bench_set.procs;
        bench_ok("procs", weir_procs_create(&procs, zygote, &procs_options));
    } else {
        memory = bench_memory(tiles_bytes());
    }
    pool_options.threads = (int)bench_set.threads;
    bench_ok("pool", weir_pool_create(&pool, &pool_options));
    options.pool = pool;
    bench_ok("graph", weir_graph_create(&graph, &options));
    bench_ok("register",
             weir_buffer_register(graph, memory, tiles_bytes(), &matrix));
    return memory;
}

static weir_access access_to(const tiles *t, uint32_t mode, const double *to) {
    weir_access access = WEIR_ACCESS(
        mode, matrix, (size_t)(to - t->data) * sizeof(double), t->bytes);
    return access;
}

// a or b NULL: the kernel has not so many tiles to read.
static void submit(weir_flow *flow, const tiles *t, unsigned kernel,
                   const double *to, const double *a, const double *b) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_access accesses[3] = {access_to(t, WEIR_READWRITE, to)};
    spec.accesses_count = 1;
    if (a != NULL)
        accesses[spec.accesses_count++] = access_to(t, WEIR_READ, a);
    if (b != NULL)
        accesses[spec.accesses_count++] = access_to(t, WEIR_READ, b);
    spec.kernel = &kernels[kernel];
    spec.priority = urgent[kernel];
    spec.accesses = accesses;
    spec.arguments = t;
    spec.arguments_size = sizeof(*t);
    spec.procs = procs;
    bench_ok("submit", weir_flow_submit(flow, &spec, NULL));
}

static void factor(weir_flow *flow, const tiles *t) {
    for (unsigned k = 0; k < t->side; k++) {
        const double *kk = tiles_at(t, k, k);
        submit(flow, t, POTRF, kk, NULL, NULL);
        for (unsigned i = k + 1; i < t->side; i++)
            submit(flow, t, TRSM, tiles_at(t, i, k), kk, NULL);
        for (unsigned i = k + 1; i < t->side; i++) {
            const double *ik = tiles_at(t, i, k);
            for (unsigned j = k + 1; j < i; j++)
                submit(flow, t, GEMM, tiles_at(t, i, j), ik, tiles_at(t, j, k));
            submit(flow, t, SYRK, tiles_at(t, i, i), ik, NULL);
        }
    }
}

static void cholesky(void) {
    static tiles t;
    tiles_meter m = {.meter.rounds = 0};
    tiles_make(&t, start());
    while (bench_more(&m.meter)) {
        weir_flow *flow;
        int status;
        tiles_begin(&t, &m);
        bench_ok("begin", weir_flow_begin(graph, NULL, &flow));
        factor(flow, &t);
        weir_flow_close(flow);
        bench_ok("wait", weir_flow_wait(flow, WEIR_FOREVER, &status));
        bench_ok("status", status);
        weir_flow_release(flow);
        tiles_end(&t, &m);
    }
    tiles_print(&m, "cholesky");
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    weir_procs_destroy(procs);
    weir_zygote_destroy(zygote);
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {{"cholesky", cholesky}, {NULL, NULL}};
    return bench_main(argc, argv, cases);
}

// SPDX-License-Identifier: MIT
//
// The libraries that decision 0007 chose from, on shapes of small convnets for
// reading text: one thread, best of several, in microseconds. Reorders of data
// are not counted, packing of weights is not either (it happens once).
// oneDNN is linked; XNNPACK and OpenBLAS are measured where they are installed.
//
// Then weir's own nodes on top of oneDNN: whole, in parts one after the other
// (what cutting costs), with a step, and how long preparing takes.
//
// usage: bench_kernels [ms]   for how long each figure is looked for (50)
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dnnl.h>

#include "programs/nn/graph.h"
#include "programs/nn/ops.h"

typedef struct shape {
    const char *name;
    int h, w, in, out, kh, kw, sh, sw, groups; // padded so that s1 keeps sizes
} shape;

static const shape convs[] = {
    {"3x3 s2, 3 to 16, 48x320", 48, 320, 3, 16, 3, 3, 2, 2, 1},
    {"3x3, 96 to 24, 80x80", 80, 80, 96, 24, 3, 3, 1, 1, 1},
    {"3x3, 64 to 64, 56x56", 56, 56, 64, 64, 3, 3, 1, 1, 1},
    {"1x3, 480 to 60, 1x40", 1, 40, 480, 60, 1, 3, 1, 1, 1},
    {"depthwise 3x3, 16, 24x160", 24, 160, 16, 16, 3, 3, 1, 1, 16},
    {"depthwise 3x3, 128, 12x160", 12, 160, 128, 128, 3, 3, 1, 1, 128},
    {"depthwise 3x3 s2, 128, 12x160", 12, 160, 128, 128, 3, 3, 2, 2, 128},
    {"depthwise 5x5, 240, 12x80", 12, 80, 240, 240, 5, 5, 1, 1, 240},
    {"depthwise 5x5 s2, 240, 12x80", 12, 80, 240, 240, 5, 5, 2, 2, 240},
    {"depthwise 5x5, 480, 3x80", 3, 80, 480, 480, 5, 5, 1, 1, 480},
    {"1x1, 16 to 32, 24x160", 24, 160, 16, 32, 1, 1, 1, 1, 1},
    {"1x1, 64 to 128, 12x160", 12, 160, 64, 128, 1, 1, 1, 1, 1},
    {"1x1, 240 to 240, 12x80", 12, 80, 240, 240, 1, 1, 1, 1, 1},
    {"1x1, 480 to 480, 3x80", 3, 80, 480, 480, 1, 1, 1, 1, 1},
    {"1x1, 8 to 32, 12x96", 12, 96, 8, 32, 1, 1, 1, 1, 1},
    {"1x1, 200 to 50, 1x1", 1, 1, 200, 50, 1, 1, 1, 1, 1},
    {"1x1, 480 to 120, 1x1", 1, 1, 480, 120, 1, 1, 1, 1, 1},
    {"1x1, 10 to 40, 1x1", 1, 1, 10, 40, 1, 1, 1, 1, 1},
};

typedef struct product {
    const char *name;
    int batch, m, k, n;
    int constant; // the right side is a weight
} product;

static const product products[] = {
    {"40x120 by 120x360", 1, 40, 120, 360, 1},
    {"40x120 by 120x120", 1, 40, 120, 120, 1},
    {"40x240 by 240x120", 1, 40, 240, 120, 1},
    {"8 times 40x15 by 15x40", 8, 40, 15, 40, 0},
    {"8 times 40x40 by 40x15", 8, 40, 40, 15, 0},
    {"40x120 by 120x6625", 1, 40, 120, 6625, 1},
    {"1x200 by 200x2", 1, 1, 200, 2, 1},
    {"512x512 by 512x512", 1, 512, 512, 512, 1},
};

enum { ARGS = 6 };

typedef struct job {
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[ARGS];
    dnnl_exec_arg_t arg[ARGS];
    int args;
    char implementation[48];
    // of the others
    void *operator;
    const shape *shape;
    const product *product;
    float *columns;
} job;

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static double budget = 50e-3;
static float *src, *dst, *weights, *packed;
static size_t biggest = (size_t)8 << 20;

// ---- the peers' functions, found at run time -------------------------------

typedef int xnn_conv(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t,
                     uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, size_t,
                     size_t, size_t, size_t, const float *, const float *,
                     float, float, uint32_t, void **);
typedef int xnn_conv_setup(void *, size_t, size_t, size_t, const float *,
                           float *, void *);
typedef int xnn_full(size_t, size_t, size_t, size_t, const float *,
                     const float *, float, float, uint32_t, void **);
typedef int xnn_full_setup(void *, size_t, const float *, float *, void *);
typedef void blas_gemm(int, int, int, int, int, int, float, const float *, int,
                       const float *, int, float, float *, int);
enum { BLAS_ROWS = 101, BLAS_PLAIN = 111 };

static struct {
    int (*start)(const void *);
    xnn_conv *conv;
    xnn_conv_setup *conv_setup;
    xnn_full *full;
    xnn_full_setup *full_setup;
    int (*run)(void *, void *);
    int (*drop)(void *);
    blas_gemm *gemm;
} peer;

static void *find(void *library, const char *name) {
    return library == NULL ? NULL : dlsym(library, name);
}

static void find_peers(void) {
    void *xnn = dlopen("libXNNPACK.so.0", RTLD_NOW);
    void *blas = dlopen("libopenblas.so.0", RTLD_NOW);
    void (*one)(int);
    *(void **)&one = find(RTLD_DEFAULT, "omp_set_num_threads");
    if (one != NULL)
        one(1);
    *(void **)&one = find(blas, "openblas_set_num_threads");
    if (one != NULL)
        one(1);
    *(void **)&peer.gemm = find(blas, "cblas_sgemm");
    *(void **)&peer.start = find(xnn, "xnn_initialize");
    *(void **)&peer.conv = find(xnn, "xnn_create_convolution2d_nhwc_f32");
    *(void **)&peer.conv_setup = find(xnn, "xnn_setup_convolution2d_nhwc_f32");
    *(void **)&peer.full = find(xnn, "xnn_create_fully_connected_nc_f32");
    *(void **)&peer.full_setup = find(xnn, "xnn_setup_fully_connected_nc_f32");
    *(void **)&peer.run = find(xnn, "xnn_run_operator");
    *(void **)&peer.drop = find(xnn, "xnn_delete_operator");
    if (peer.start != NULL && peer.start(NULL) != 0)
        peer.start = NULL;
}

// ---- measuring -------------------------------------------------------------

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// The best run's microseconds; tiny ones are run in rows of 16.
static double best(void (*run)(job *), job *j) {
    double found = 1e9, end = seconds() + budget;
    run(j);
    do {
        double start = seconds();
        for (int i = 0; i < 16; i++)
            run(j);
        double took = (seconds() - start) / 16;
        found = took < found ? took : found;
    } while (seconds() < end);
    return found * 1e6;
}

static void figure(double us) {
    if (us < 0)
        printf(" %9s", "-");
    else
        printf(" %9.1f", us);
    fflush(stdout);
}

// ---- oneDNN ----------------------------------------------------------------

static void must(dnnl_status_t status, const char *what) {
    if (status == dnnl_success)
        return;
    fprintf(stderr, "bench_kernels: %s: status %d\n", what, (int)status);
    exit(1);
}

static void add(job *j, int arg, const dnnl_memory_desc_t *md, void *data) {
    must(dnnl_memory_create(&j->memory[j->args], md, engine, data), "memory");
    j->arg[j->args] = (dnnl_exec_arg_t){arg, j->memory[j->args]};
    j->args++;
}

static const dnnl_memory_desc_t *wants(dnnl_primitive_desc_t pd, int arg) {
    return dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, arg);
}

// Makes the primitive with weights and all in the layouts that it wants.
static int make(job *j, const void *desc) {
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    must(dnnl_primitive_attr_create(&attr), "attr");
    dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    dnnl_status_t status =
        dnnl_primitive_desc_create(&pd, desc, attr, engine, NULL);
    dnnl_primitive_attr_destroy(attr);
    if (status != dnnl_success)
        return -1;
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    snprintf(j->implementation, sizeof(j->implementation), "%s", name);
    must(dnnl_primitive_create(&j->primitive, pd), "primitive");
    add(j, DNNL_ARG_SRC, wants(pd, DNNL_ARG_SRC), src);
    add(j, DNNL_ARG_WEIGHTS, wants(pd, DNNL_ARG_WEIGHTS), weights);
    add(j, DNNL_ARG_DST, wants(pd, DNNL_ARG_DST), dst);
    add(j, DNNL_ARG_SCRATCHPAD, wants(pd, DNNL_ARG_SCRATCHPAD), packed);
    dnnl_primitive_desc_destroy(pd);
    return 0;
}

static void run_dnnl(job *j) {
    dnnl_primitive_execute(j->primitive, stream, j->args, j->arg);
}

static double time_dnnl(job *j, const void *desc) {
    if (make(j, desc) != 0)
        return -1;
    double us = best(run_dnnl, j);
    for (int i = 0; i < j->args; i++)
        dnnl_memory_destroy(j->memory[i]);
    dnnl_primitive_destroy(j->primitive);
    return us;
}

static int half(int k) { return (k - 1) / 2; }

static int after(int size, int k, int stride) {
    return (size + 2 * half(k) - k) / stride + 1;
}

static double time_conv(job *j, const shape *s, dnnl_format_tag_t tag) {
    dnnl_dims_t in = {1, s->in, s->h, s->w};
    dnnl_dims_t out = {1, s->out, after(s->h, s->kh, s->sh),
                       after(s->w, s->kw, s->sw)};
    dnnl_dims_t k = {s->out, s->in, s->kh, s->kw};
    dnnl_dims_t gk = {s->groups, s->out / s->groups, s->in / s->groups, s->kh,
                      s->kw};
    dnnl_dims_t stride = {s->sh, s->sw};
    dnnl_dims_t pad = {half(s->kh), half(s->kw)};
    dnnl_memory_desc_t a, w, b;
    dnnl_memory_desc_init_by_tag(&a, 4, in, dnnl_f32, tag);
    dnnl_memory_desc_init_by_tag(&b, 4, out, dnnl_f32, tag);
    dnnl_memory_desc_init_by_tag(&w, s->groups > 1 ? 5 : 4,
                                 s->groups > 1 ? gk : k, dnnl_f32,
                                 dnnl_format_tag_any);
    dnnl_convolution_desc_t desc;
    *j = (job){0};
    must(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference,
                                            dnnl_convolution_direct, &a, &w,
                                            NULL, &b, stride, pad, pad),
         "convolution");
    return time_dnnl(j, &desc);
}

static double time_product(job *j, const product *p, int pack) {
    dnnl_dims_t m = {p->batch, p->m, p->k}, n = {p->batch, p->k, p->n};
    dnnl_dims_t o = {p->batch, p->m, p->n};
    dnnl_memory_desc_t a, w, b;
    dnnl_memory_desc_init_by_tag(&a, 3, m, dnnl_f32, dnnl_abc);
    dnnl_memory_desc_init_by_tag(&b, 3, o, dnnl_f32, dnnl_abc);
    dnnl_memory_desc_init_by_tag(&w, 3, n, dnnl_f32,
                                 pack ? dnnl_format_tag_any : dnnl_abc);
    if (p->batch == 1) {
        dnnl_dims_t m2 = {p->m, p->k}, n2 = {p->k, p->n}, o2 = {p->m, p->n};
        dnnl_memory_desc_init_by_tag(&a, 2, m2, dnnl_f32, dnnl_ab);
        dnnl_memory_desc_init_by_tag(&b, 2, o2, dnnl_f32, dnnl_ab);
        dnnl_memory_desc_init_by_tag(&w, 2, n2, dnnl_f32,
                                     pack ? dnnl_format_tag_any : dnnl_ab);
    }
    dnnl_matmul_desc_t desc;
    *j = (job){0};
    must(dnnl_matmul_desc_init(&desc, &a, &w, NULL, &b), "matmul");
    return time_dnnl(j, &desc);
}

// ---- the others ------------------------------------------------------------

static void run_xnn(job *j) { peer.run(j->operator, NULL); }

static double time_xnn(job *j, const shape *s) {
    if (peer.start == NULL || peer.conv == NULL)
        return -1;
    uint32_t py = (uint32_t)half(s->kh), px = (uint32_t)half(s->kw);
    if (peer.conv(py, px, py, px, (uint32_t)s->kh, (uint32_t)s->kw,
                  (uint32_t)s->sh, (uint32_t)s->sw, 1, 1, (uint32_t)s->groups,
                  (size_t)(s->in / s->groups), (size_t)(s->out / s->groups),
                  (size_t)s->in, (size_t)s->out, weights, NULL, -1e30f, 1e30f,
                  0, &j->operator) != 0 ||
        peer.conv_setup(j->operator, 1, (size_t)s->h, (size_t)s->w, src, dst,
                        NULL) != 0)
        return -1;
    double us = best(run_xnn, j);
    peer.drop(j->operator);
    return us;
}

static double time_xnn_full(job *j, const product *p) {
    if (peer.start == NULL || peer.full == NULL || !p->constant)
        return -1;
    if (peer.full((size_t)p->k, (size_t)p->n, (size_t)p->k, (size_t)p->n,
                  weights, NULL, -1e30f, 1e30f, 0, &j->operator) != 0 ||
        peer.full_setup(j->operator,(size_t) p->m, src, dst, NULL) != 0)
        return -1;
    double us = best(run_xnn, j);
    peer.drop(j->operator);
    return us;
}

// Lays the windows of a plain (N, C, H, W) image out as columns.
static void to_columns(float *to, const shape *s) {
    int oh = after(s->h, s->kh, s->sh), ow = after(s->w, s->kw, s->sw);
    int py = half(s->kh), px = half(s->kw);
    for (int c = 0; c < s->in; c++)
        for (int y = 0; y < s->kh; y++)
            for (int x = 0; x < s->kw; x++)
                for (int i = 0; i < oh; i++, to += ow) {
                    int row = i * s->sh - py + y;
                    const float *from = src + ((size_t)c * (size_t)s->h +
                                               (size_t)(row < 0 ? 0 : row)) *
                                                  (size_t)s->w;
                    for (int k = 0; k < ow; k++) {
                        int at = k * s->sw - px + x;
                        int in = row >= 0 && row < s->h && at >= 0 && at < s->w;
                        to[k] = in ? from[at] : 0;
                    }
                }
}

static void run_columns(job *j) {
    const shape *s = j->shape;
    int n = after(s->h, s->kh, s->sh) * after(s->w, s->kw, s->sw);
    int k = s->in * s->kh * s->kw;
    const float *b = src;
    if (s->kh * s->kw * s->sh * s->sw > 1) {
        to_columns(packed, s);
        b = packed;
    }
    peer.gemm(BLAS_ROWS, BLAS_PLAIN, BLAS_PLAIN, s->out, n, k, 1, weights, k, b,
              n, 0, dst, n);
}

static void run_gemm(job *j) {
    const product *p = j->product;
    size_t a = (size_t)p->m * (size_t)p->k, b = (size_t)p->k * (size_t)p->n;
    size_t c = (size_t)p->m * (size_t)p->n;
    for (size_t i = 0; i < (size_t)p->batch; i++)
        peer.gemm(BLAS_ROWS, BLAS_PLAIN, BLAS_PLAIN, p->m, p->n, p->k, 1,
                  src + i * a, p->k, weights + i * b, p->n, 0, dst + i * c,
                  p->n);
}

// A matrix by a vector in plain C, as for a 1x1 image: weights are k by n.
static void run_plain(job *j) {
    const shape *s = j->shape;
    int n = s->out;
    for (int o = 0; o < n; o++)
        dst[o] = 0;
    for (int i = 0; i < s->in; i++)
        for (int o = 0; o < n; o++)
            dst[o] += src[i] * weights[i * n + o];
}

// ---- tables ----------------------------------------------------------------

static void table_of_convs(void) {
    printf("%-30s %9s %9s %9s %9s %9s %9s %7s\n", "Conv, us", "nchw", "nhwc",
           "any", "xnnpack", "columns", "plain C", "GFLOP/s");
    for (size_t i = 0; i < sizeof(convs) / sizeof(*convs); i++) {
        const shape *s = &convs[i];
        job plain, j, any, other = {.shape = s};
        printf("%-30s", s->name);
        figure(time_conv(&plain, s, dnnl_nchw));
        double us = time_conv(&j, s, dnnl_nhwc);
        figure(us);
        figure(time_conv(&any, s, dnnl_format_tag_any));
        figure(time_xnn(&other, s));
        figure(s->groups > 1 || peer.gemm == NULL ? -1
                                                  : best(run_columns, &other));
        figure(s->h * s->w > 1 ? -1 : best(run_plain, &other));
        double flops = 2.0 * after(s->h, s->kh, s->sh) *
                       after(s->w, s->kw, s->sw) * s->kh * s->kw * s->in *
                       s->out / s->groups;
        printf(" %7.1f  %s; %s; %s\n", flops / us / 1e3, plain.implementation,
               j.implementation, any.implementation);
    }
}

static void table_of_products(void) {
    printf("\n%-30s %9s %9s %9s %9s %7s\n", "Product, us", "packed", "plain",
           "xnnpack", "openblas", "GFLOP/s");
    for (size_t i = 0; i < sizeof(products) / sizeof(*products); i++) {
        const product *p = &products[i];
        job j, plain, other = {.product = p};
        printf("%-30s", p->name);
        double us = time_product(&j, p, 1);
        figure(us);
        figure(time_product(&plain, p, 0));
        figure(time_xnn_full(&other, p));
        figure(peer.gemm == NULL ? -1 : best(run_gemm, &other));
        double flops = 2.0 * p->batch * p->m * p->k * p->n;
        printf(" %7.1f  %s; %s\n", flops / us / 1e3, j.implementation,
               plain.implementation);
    }
}

// ---- what a call costs beside its work -------------------------------------

static dnnl_memory_desc_t small;

static void run_memory(job *j) {
    (void)j;
    dnnl_memory_t memory;
    must(dnnl_memory_create(&memory, &small, engine, src), "memory");
    dnnl_memory_destroy(memory);
}

static void run_handle(job *j) {
    dnnl_memory_set_data_handle(j->memory[0], src);
}

static void table_of_calls(void) {
    job j = {0};
    dnnl_dims_t dims = {1, 16, 8, 8};
    dnnl_memory_desc_init_by_tag(&small, 4, dims, dnnl_f32, dnnl_nhwc);
    must(dnnl_memory_create(&j.memory[0], &small, engine, src), "memory");
    printf("\na memory object made and dropped: %.0f ns; its address set: "
           "%.0f ns\n",
           1e3 * best(run_memory, &j), 1e3 * best(run_handle, &j));
    dnnl_memory_destroy(j.memory[0]);
}

// ---- weir's nodes ----------------------------------------------------------

typedef struct node_job {
    job job;
    wr_nn_graph *graph;
    wr_nn_node *node;
    void *scratch;
    double prepare_ms;
} node_job;

static void run_node(job *j) {
    const node_job *n = (const node_job *)(const void *)j;
    const void *in[] = {src, weights, NULL};
    void *out[] = {dst};
    for (unsigned part = 0; part < n->node->parts; part++)
        n->node->op->run(n->graph, n->node, in, out, n->scratch, part);
}

static void node_inputs(node_job *n, const wr_nn_shape *a,
                        const wr_nn_shape *b) {
    wr_nn_shape unknown = {.rank = -1};
    n->node->input[0] = wr_nn_value_add(n->graph, "x", a, NULL);
    n->node->input[1] = wr_nn_value_add(n->graph, "w", b, weights);
    n->node->output[0] = wr_nn_value_add(n->graph, "y", &unknown, NULL);
}

static node_job node_new(const char *op) {
    node_job n = {.graph = wr_nn_graph_create(NULL)};
    if (n.graph == NULL ||
        wr_nn_node_add(n.graph, wr_nn_op_find(op), op, 2, 1) != 0)
        exit(1);
    n.node = &n.graph->node[0];
    return n;
}

static node_job node_of_conv(const shape *s) {
    node_job n = node_new("Conv");
    int64_t strides[] = {s->sh, s->sw};
    int64_t pads[] = {half(s->kh), half(s->kw), half(s->kh), half(s->kw)};
    wr_nn_shape x = {WR_NN_F32, 4, {1, s->h, s->w, s->in}};
    wr_nn_shape w = {WR_NN_F32, 4, {s->out, s->in / s->groups, s->kh, s->kw}};
    wr_nn_attr_set_ints(n.graph, n.node, "strides", strides, 2);
    wr_nn_attr_set_ints(n.graph, n.node, "pads", pads, 4);
    wr_nn_attr_set_int(n.graph, n.node, "group", s->groups);
    wr_nn_attr_set_int(n.graph, n.node, "weir_nhwc", 1);
    node_inputs(&n, &x, &w);
    return n;
}

static node_job node_of_product(const product *p) {
    node_job n = node_new("MatMul");
    wr_nn_shape a = {WR_NN_F32, 2, {p->m, p->k}};
    wr_nn_shape b = {WR_NN_F32, 2, {p->k, p->n}};
    node_inputs(&n, &a, &b);
    return n;
}

// Prints the microseconds of one run in so many parts, or "-".
static void time_node(node_job n, unsigned parts, const wr_nn_step *step,
                      double *ms) {
    wr_nn_why why = {{0}};
    size_t bytes = 0;
    if (step != NULL)
        wr_nn_steps_set(n.graph, n.node, step, 1);
    if (n.node->op->infer(n.graph, n.node, &why) != 0)
        exit(1);
    n.node->parts = parts;
    if (n.node->op->parts_max(n.graph, n.node) < parts) {
        figure(-1);
    } else {
        double start = seconds();
        if (n.node->op->prepare(n.graph, n.node, &bytes, &why) != 0)
            exit(1);
        *ms += 1e3 * (seconds() - start);
        n.scratch = packed;
        figure(best(run_node, &n.job));
    }
    wr_nn_graph_destroy(n.graph);
}

static void table_of_nodes(void) {
    const wr_nn_step step = {WR_NN_STEP_HARDSWISH, -1, 1.0f / 6, 0.5f};
    size_t count = sizeof(convs) / sizeof(*convs);
    size_t more = sizeof(products) / sizeof(*products);
    printf("\n%-30s %9s %9s %9s %9s %9s  (preparing, ms)\n", "Nodes, us",
           "whole", "2 parts", "4 parts", "8 parts", "hardswish");
    for (size_t i = 0; i < count + more; i++) {
        const product *p = i < count ? NULL : &products[i - count];
        if (p != NULL && (p->batch > 1 || !p->constant))
            continue;
        double ms[5] = {0};
        printf("%-30s", p == NULL ? convs[i].name : p->name);
        for (unsigned k = 0; k < 5; k++)
            time_node(p == NULL ? node_of_conv(&convs[i]) : node_of_product(p),
                      k < 4 ? 1u << k : 1, k < 4 ? NULL : &step, &ms[k]);
        printf("  (%.2f %.2f %.2f %.2f %.2f)\n", ms[0], ms[1], ms[2], ms[3],
               ms[4]);
    }
}

static float *numbers(void) {
    float *data = aligned_alloc(64, biggest * sizeof(float));
    if (data == NULL)
        exit(1);
    for (size_t i = 0; i < biggest; i++)
        data[i] = (float)(i * 7 % 23) / 23.0f - 0.5f;
    return data;
}

int main(int argc, char **argv) {
    if (argc > 1)
        budget = atof(argv[1]) / 1e3;
    find_peers();
    must(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    must(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags),
         "stream");
    src = numbers();
    dst = numbers();
    weights = numbers();
    packed = numbers();
    table_of_convs();
    table_of_products();
    table_of_calls();
    table_of_nodes();
    return 0;
}

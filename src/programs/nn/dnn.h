// SPDX-License-Identifier: MIT
//
// oneDNN as the operators see it: nodes are cut into parts, a part is one or a
// few pieces, a piece is one call of a kernel. For op_conv*.c and op_matmul*.c.
//
//   kernel   a primitive of oneDNN for one sub-problem, without state; pieces
//            of equal shape share it
//   pack     weights in the order that a kernel wants; pieces share them
//   seat     oneDNN's names for the addresses of one call. Making them costs
//            more than a small kernel, so a kernel keeps those it has used.
//
// oneDNN never starts a thread here: every thread that makes or calls a kernel
// first sets its own count of OpenMP threads to 1, for good.
//
//   threads    building: one thread. wr_nn_dnn_call: any number at a time.
//   blocking   nothing waits. The first calls of a kernel at the same time
//              allocate a seat each; oneDNN itself allocates a little in each
//              call.
//   ownership  a wr_nn_dnn is its node's state; it goes with everything in it.
#ifndef WEIR_PROGRAMS_NN_DNN_H
#define WEIR_PROGRAMS_NN_DNN_H

#include "os/os.h"
#include "programs/nn/graph.h"
#include "programs/nn/ops.h"

#include <dnnl.h>

typedef struct wr_nn_seat wr_nn_seat;

typedef struct wr_nn_kernel {
    dnnl_primitive_t primitive;
    wr_mutex lock; // of idle
    wr_nn_seat *idle;
} wr_nn_kernel;

typedef struct wr_nn_pack {
    const void *plain; // what was packed
    void *data;        // NULL: plain itself is in the right order
    dnnl_memory_t memory;
} wr_nn_pack;

// Offsets are in elements from the addresses given to wr_nn_dnn_call. The
// result's elements are `rows` runs of `count`, `stride` apart.
typedef struct wr_nn_work {
    unsigned kernel;
    int pack; // -1: weights are not packed
    size_t src, weights, bias, dst;
    size_t rows, count, stride;
    bool staged; // the kernel writes them one after the other: copied then
} wr_nn_work;

// Small products of a few rows by a constant matrix, without oneDNN.
typedef struct wr_nn_gemv {
    size_t rows, k, n;
    float *packed; // panels of 16 columns, k rows each; NULL: not in use
} wr_nn_gemv;

// Gemm's C where it is not a bias: result[r][c] += beta * C[r * step_row + c *
// step_column], in a pass of its own.
typedef struct wr_nn_addend {
    int input; // -1: none
    size_t columns, step_row, step_column;
    float beta;
} wr_nn_addend;

typedef struct wr_nn_dnn {
    dnnl_primitive_attr_t attr; // of all kernels
    bool fused;                 // kernels apply the node's steps
    wr_nn_kernel *kernel;
    unsigned kernels, kernels_room;
    wr_nn_pack *pack;
    unsigned packs, packs_room;
    wr_nn_work *work;
    unsigned works, works_room;
    unsigned *first; // work of part p: [first[p], first[p + 1])
    size_t stage;    // bytes of scratch for the hungriest staged piece
    size_t scratch;  // bytes of scratch for the hungriest kernel, behind it
    size_t bytes;
    wr_nn_gemv gemv;
    int bias;   // the input that is the kernels' bias; -1: none, or row
    float *row; // a bias, or weights, that were worked out, or NULL
    wr_nn_addend addend;
} wr_nn_dnn;

// ---- building --------------------------------------------------------------

// wr_nn_dnn_enter makes sure that oneDNN starts no thread for the caller.
// Errors: -ENOTSUP: a oneDNN whose threads cannot be held back.
int wr_nn_dnn_enter(void);
dnnl_engine_t wr_nn_dnn_engine(void); // after wr_nn_dnn_enter returned 0

// wr_nn_dnn_create: scale multiplies the result, before the steps.
// Errors: -ENOMEM, -ENOTSUP, with the line.
int wr_nn_dnn_create(wr_nn_dnn **out, unsigned parts, float scale,
                     const wr_nn_node *node, wr_nn_why *why);
void wr_nn_dnn_destroy(wr_nn_dnn *dnn); // NULL is allowed

// wr_nn_dnn_fuse hands the node's steps to the kernels if all are functions of
// one number that oneDNN has, and if that leaves it its choice of kernel for
// `desc`. Otherwise they stay wr_nn_steps_apply's. Before the first kernel.
// The first `done` steps are done already, as what is in desc.
int wr_nn_dnn_fuse(wr_nn_dnn *dnn, const void *desc, size_t done,
                   const wr_nn_node *node, wr_nn_why *why);

// wr_nn_dnn_kernel makes a kernel and returns its index. Errors: -ENOMEM,
// -ENOTSUP; without a line if why is NULL.
int wr_nn_dnn_kernel(wr_nn_dnn *dnn, const void *desc, const wr_nn_node *node,
                     wr_nn_why *why);
const dnnl_memory_desc_t *wr_nn_dnn_wants(const wr_nn_dnn *dnn, unsigned kernel,
                                          int arg);
const char *wr_nn_dnn_name(const wr_nn_dnn *dnn, unsigned kernel);

// wr_nn_dnn_pack puts constant weights, which are in the order `md`, into the
// kernel's, and returns the pack's index. Errors: -ENOMEM, -ENOTSUP.
int wr_nn_dnn_pack(wr_nn_dnn *dnn, unsigned kernel, const float *plain,
                   const dnnl_memory_desc_t *md, const wr_nn_node *node,
                   wr_nn_why *why);

// wr_nn_dnn_work appends a piece; pieces come in the order of the parts.
int wr_nn_dnn_work(wr_nn_dnn *dnn, const wr_nn_work *work);
// wr_nn_dnn_part_ends: the pieces so far belong to parts up to `part`.
void wr_nn_dnn_part_ends(wr_nn_dnn *dnn, unsigned part);

// wr_nn_rounded rounds bytes up to WR_NN_ALIGN.
size_t wr_nn_rounded(size_t bytes);

// wr_nn_dnn_refuse: the line for a status of oneDNN's.
int wr_nn_dnn_refuse(wr_nn_why *why, const wr_nn_node *node,
                     dnnl_status_t status, const char *what);

// For dnn_build.c: the first seat of a kernel, and the end of all.
bool wr_nn_seat_first(wr_nn_kernel *kernel); // false: no memory
void wr_nn_seats_destroy(wr_nn_kernel *kernel);

// wr_nn_flush makes numbers below FLT_MIN 0. Trained weights have them, and a
// processor takes a hundred times as long over a product with one.
void wr_nn_flush(float *data, size_t count);

// ---- running ---------------------------------------------------------------

typedef struct wr_nn_data {
    const float *src, *weights, *bias; // weights: not looked at if packed
    float *dst;
    void *scratch;
} wr_nn_data;

// wr_nn_dnn_call does one piece; the steps too if dnn->fused.
void wr_nn_dnn_call(const wr_nn_dnn *dnn, const wr_nn_work *work,
                    const wr_nn_data *data);

// wr_nn_dnn_run does a part: its pieces, and the steps if they are not fused.
void wr_nn_dnn_run(const wr_nn_graph *graph, const wr_nn_node *node,
                   const void *const *in, void *const *out, void *scratch,
                   unsigned part);
size_t wr_nn_dnn_scratch(const wr_nn_graph *graph, const wr_nn_node *node);
void wr_nn_dnn_forget(wr_nn_node *node);

// wr_nn_dnn_ns is how long the node takes here, roughly, with so many
// multiplications and additions in it.
double wr_nn_dnn_ns(const wr_nn_graph *graph, const wr_nn_node *node,
                    double operations, bool depthwise);

// ---- small products --------------------------------------------------------

// Up to this many multiplications the loop below is faster than a call.
enum { WR_NN_GEMV_MAX = 65536 };

// wr_nn_gemv_pack takes b[i * step_k + j * step_n], times scale.
// Errors: -ENOMEM.
int wr_nn_gemv_pack(wr_nn_dnn *dnn, size_t rows, size_t k, size_t n,
                    const float *b, size_t step_k, size_t step_n, float scale);
// y = a b, plus bias (or NULL); a and y are dense rows.
void wr_nn_gemv_run(const wr_nn_gemv *gemv, const float *a, const float *bias,
                    float *y);

#endif

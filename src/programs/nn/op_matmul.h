// SPDX-License-Identifier: MIT
//
// Between op_matmul.c, which checks, and op_matmul_build.c, which cuts and
// prepares.
#ifndef WEIR_PROGRAMS_NN_OP_MATMUL_H
#define WEIR_PROGRAMS_NN_OP_MATMUL_H

#include "programs/nn/dnn.h"

#include <string.h>

// What infer works out: `batch` products of an m by k and a k by n matrix. Both
// are dense, and may be stored the other way round.
typedef struct wr_nn_matmul {
    int64_t batch, m, k, n;
    bool turned_a, turned_b;
    float alpha, beta;
    // One product after the other on each side (true), or the same matrix each
    // time (false). regular: that is all there is to it.
    bool regular, many_a, many_b;
    // If not regular: by how many matrices a step of each dimension goes on.
    int dims;
    int64_t dim[WR_NN_RANK_MAX];
    int64_t step_a[WR_NN_RANK_MAX], step_b[WR_NN_RANK_MAX];
} wr_nn_matmul;

int wr_nn_matmul_prepare(const wr_nn_graph *graph, wr_nn_node *node,
                         size_t *bytes, wr_nn_why *why);
unsigned wr_nn_matmul_parts_max(const wr_nn_graph *graph,
                                const wr_nn_node *node);

// wr_nn_matmul_c: Gemm's third input, or -1.
static inline int wr_nn_matmul_c(const wr_nn_node *node) {
    return strcmp(node->op->name, "Gemm") == 0 && node->inputs > 2
               ? node->input[2]
               : -1;
}

#endif

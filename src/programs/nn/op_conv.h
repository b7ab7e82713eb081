// SPDX-License-Identifier: MIT
//
// Between op_conv.c, which checks, and op_conv_build.c, which cuts and
// prepares.
#ifndef WEIR_PROGRAMS_NN_OP_CONV_H
#define WEIR_PROGRAMS_NN_OP_CONV_H

#include "programs/nn/dnn.h"

// What infer works out. With one spatial dimension the other is H, and is 1.
typedef struct wr_nn_conv {
    bool transposed;
    bool nhwc; // order of the data; weights are always as the model has them
    int64_t n, c, h, w, o, oh, ow, groups;
    int64_t kh, kw;         // kernel
    int64_t sh, sw, dh, dw; // strides, dilations
    int64_t pt, pl, pb, pr; // pads; of the end they may be less than 0 in a
                            // ConvTranspose
} wr_nn_conv;

// How much of the data and kernel one number of the result reaches over.
static inline int64_t wr_nn_reach(int64_t kernel, int64_t dilation) {
    return (kernel - 1) * dilation + 1;
}

int wr_nn_conv_prepare(const wr_nn_graph *graph, wr_nn_node *node,
                       size_t *bytes, wr_nn_why *why);
void wr_nn_conv_run(const wr_nn_graph *graph, const wr_nn_node *node,
                    const void *const *in, void *const *out, void *scratch,
                    unsigned part);
unsigned wr_nn_conv_parts_max(const wr_nn_graph *graph, const wr_nn_node *node);

// Transposed convolutions whose results do not overlap: op_conv_tiles.c.
bool wr_nn_conv_is_tiles(const wr_nn_graph *graph, const wr_nn_node *node);
int wr_nn_conv_tiles_prepare(const wr_nn_graph *graph, wr_nn_dnn *dnn,
                             const wr_nn_node *node, wr_nn_why *why);
void wr_nn_conv_tiles_run(const wr_nn_graph *graph, const wr_nn_node *node,
                          const void *const *in, void *const *out,
                          void *scratch, unsigned part);

#endif

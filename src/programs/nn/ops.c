// SPDX-License-Identifier: MIT
//
// All operators, family by family.
#include "programs/nn/ops.h"

#include <string.h>

static const wr_nn_op *const families[] = {
    wr_nn_ops_arith,  wr_nn_ops_unary,  wr_nn_ops_move,    wr_nn_ops_view,
    wr_nn_ops_shape,  wr_nn_ops_index,  wr_nn_ops_scatter, wr_nn_ops_pad,
    wr_nn_ops_reduce, wr_nn_ops_norm,   wr_nn_ops_pool,    wr_nn_ops_resize,
    wr_nn_ops_conv,   wr_nn_ops_matmul, wr_nn_ops_fused,
};

const wr_nn_op *wr_nn_op_find(const char *name) {
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        for (const wr_nn_op *op = families[i]; op->name != NULL; op++)
            if (strcmp(op->name, name) == 0)
                return op;
    return NULL;
}

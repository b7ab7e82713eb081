// SPDX-License-Identifier: MIT
//
// Reading ONNX models and tensors (protobuf, onnx.proto; IR versions 3 to 10,
// the operator set "" alone, opsets 7 to 21 as far as each operator says).
#ifndef WEIR_PROGRAMS_NN_ONNX_H
#define WEIR_PROGRAMS_NN_ONNX_H

#include "programs/nn/types.h"

typedef struct wr_nn_limits {
    size_t bytes_max; // of the file and of all constants together
    int nodes_max;
    int values_max;
    size_t tensor_max; // bytes of one tensor, also of inputs and results
} wr_nn_limits;

#define WR_NN_LIMITS_INIT                                                      \
    { (size_t)1 << 30, 100000, 400000, (size_t)1 << 30 }

// wr_nn_onnx_read makes a checked graph with its digest from a model in memory;
// nothing points into `bytes` afterwards. An operator that we do not have is
// -ENOTSUP and names the node, also where no output needs it. External data
// (weights in other files) is -ENOTSUP. Initializers are constants, also where
// they are listed as inputs. Constant nodes become constants. Quantised,
// sparse, string tensors: -ENOTSUP. An attribute of another type than operators
// give its name is -EINVAL. limits: NULL for the usual ones. Shapes of values
// within (value_info) are not read. It needs little more memory than the
// weights have bytes, whatever is in the file never much more than 5/4 of
// limits->bytes_max, nor 64 times its size, for unpacking. Errors: -EINVAL,
// -ENOTSUP, -E2BIG, -ENOMEM; *out is set only without one.
int wr_nn_onnx_read(wr_nn_graph **out, const void *bytes, size_t size,
                    const wr_nn_limits *limits, wr_nn_why *why);

// wr_nn_onnx_tensor reads a TensorProto (the .pb files of ONNX's own tests).
// *data is malloc'ed, the caller's. Float16, float64, uint8, int8, ... -ENOTSUP
// but those that wr_nn_type has. Within the usual limits. Errors: as above.
int wr_nn_onnx_tensor(wr_nn_shape *shape, void **data, const void *bytes,
                      size_t size, wr_nn_why *why);

#endif

// SPDX-License-Identifier: MIT
//
// What the reader's files share. Threads: one per reader.
#ifndef WEIR_PROGRAMS_NN_ONNX_READ_H
#define WEIR_PROGRAMS_NN_ONNX_READ_H

#include "programs/nn/graph_names.h"
#include "programs/nn/onnx.h"

#include <onnx.pb-c.h>

// A node may have so many attributes; no operator has half of that.
enum { WR_NN_ATTRS_MAX = 64 };

typedef struct wr_nn_reader {
    const wr_nn_limits *limits;
    wr_nn_why *why;
    wr_nn_graph *scratch; // holds the unpacked file, until the graph is made
    size_t scratch_max;
    int scratch_status; // why it could not hold all: 0, -E2BIG or -ENOMEM
    wr_nn_graph *graph; // what is being made
    wr_nn_names names;  // of its values
    size_t constant_bytes;
} wr_nn_reader;

// wr_nn_onnx_unpack makes a message from bytes, in r->scratch, which it makes
// too. Errors: -EINVAL, -ENOMEM, -E2BIG, with the line.
int wr_nn_onnx_unpack(wr_nn_reader *r, ProtobufCMessage **out,
                      const ProtobufCMessageDescriptor *kind, const void *bytes,
                      size_t size);

// wr_nn_onnx_tensor_read makes shape and data, the latter in r->graph and
// aligned to WR_NN_ALIGN, from a tensor, whose memory it may take over. A line
// of refusal begins with the node, or with the tensor's name if that is NULL.
int wr_nn_onnx_tensor_read(wr_nn_reader *r, wr_nn_shape *shape, void **data,
                           Onnx__Tensor *tensor, const wr_nn_node *node);

// wr_nn_onnx_type is ours for a TensorProto.DataType. Errors: -ENOTSUP, and
// *name says what it is.
int wr_nn_onnx_type(int32_t number, const char **name);

// wr_nn_onnx_attrs gives the node its attributes.
int wr_nn_onnx_attrs(wr_nn_reader *r, wr_nn_node *node, const Onnx__Node *from);

// wr_nn_onnx_constant reads what a Constant node holds. `node` is for refusals.
int wr_nn_onnx_constant(wr_nn_reader *r, wr_nn_shape *shape, void **data,
                        const wr_nn_node *node, const Onnx__Node *from);

#endif

// SPDX-License-Identifier: MIT
//
// What the operators share: checking inputs and attributes, cutting work into
// parts, walking over broadcast and permuted tensors.
#ifndef WEIR_PROGRAMS_NN_OP_KIT_H
#define WEIR_PROGRAMS_NN_OP_KIT_H

#include "programs/nn/graph.h"
#include "programs/nn/op_kernel.h"

// ---- checking, for infer ---------------------------------------------------

// Sets of types.
enum {
    WR_NN_FLOATS_ONLY = 1 << WR_NN_F32,
    WR_NN_INTEGERS = 1 << WR_NN_I32 | 1 << WR_NN_I64,
    WR_NN_NUMBERS = WR_NN_FLOATS_ONLY | WR_NN_INTEGERS,
    WR_NN_BOOLS = 1 << WR_NN_BOOL,
    WR_NN_ALL = WR_NN_NUMBERS | WR_NN_BOOLS,
};

// wr_nn_op_begin is what every infer calls first: the inputs up to inputs_min
// are there, attributes have the kinds that ONNX gives them, shapes are known.
int wr_nn_op_begin(const wr_nn_graph *graph, const wr_nn_node *node,
                   wr_nn_why *why);

// The value of input i, or NULL where there is none.
const wr_nn_value *wr_nn_op_input(const wr_nn_graph *graph,
                                  const wr_nn_node *node, int i);
// The shape of an input that is there, or of an output.
const wr_nn_shape *wr_nn_op_in(const wr_nn_graph *graph, const wr_nn_node *node,
                               int i);
const wr_nn_shape *wr_nn_op_out(const wr_nn_graph *graph,
                                const wr_nn_node *node, int i);

// Input i has one of the types.
int wr_nn_op_type(const wr_nn_graph *graph, const wr_nn_node *node, int i,
                  int types, wr_nn_why *why);
// Inputs a and b have the same type.
int wr_nn_op_alike(const wr_nn_graph *graph, const wr_nn_node *node, int a,
                   int b, wr_nn_why *why);

// *axis becomes one of [0, rank); -rank counts from the end.
int wr_nn_op_axis(const wr_nn_node *node, int64_t axis, int rank, int *out,
                  wr_nn_why *why);

// The output's shape; refuses what does not fit into memory. Does nothing for
// an output that nobody wants.
int wr_nn_op_set(wr_nn_graph *graph, const wr_nn_node *node, int i,
                 const wr_nn_shape *shape, wr_nn_why *why);

// node->params: `bytes` of them, zeroed. NULL: no memory, with the line.
void *wr_nn_op_params(wr_nn_graph *graph, wr_nn_node *node, size_t bytes,
                      wr_nn_why *why);

// A list of integers from a constant input (int64 or int32, rank 0 or 1).
// *out points into the pile. Errors: -ENOTSUP if it is not a constant.
int wr_nn_op_list(wr_nn_graph *graph, const wr_nn_node *node, int i,
                  const int64_t **out, size_t *count, wr_nn_why *why);

// The same from input i or, below opset `since`, from the attribute. *out is
// NULL where neither is given.
int wr_nn_op_list_or_attr(wr_nn_graph *graph, const wr_nn_node *node, int i,
                          const char *name, int since, const int64_t **out,
                          size_t *count, wr_nn_why *why);

// Axes of a tensor as a set of bits; each once, each within the rank.
int wr_nn_op_axes(const wr_nn_node *node, const int64_t *axes, size_t count,
                  int rank, unsigned *out, wr_nn_why *why);

// ---- parts -----------------------------------------------------------------

// Part `part` of `parts` of [0, total), cut at multiples of `grain`.
void wr_nn_op_part(size_t total, size_t grain, unsigned parts, unsigned part,
                   size_t *from, size_t *to);

// As many parts as there are pieces of `least` in total, at least 1.
unsigned wr_nn_op_parts(size_t total, size_t least);

// For elementwise work: parts of output 0, at least 4096 elements each, and
// cuts that keep to cache lines.
enum { WR_NN_GRAIN = 64, WR_NN_PART_LEAST = 4096 };
unsigned wr_nn_op_parts_elements(const wr_nn_graph *graph,
                                 const wr_nn_node *node);

// ---- walks -----------------------------------------------------------------

// A walk visits the elements of an output in order; each operand has a stride
// (in elements) for each dimension, 0 where it is stretched. Dimensions that
// can be one are one, those of size 1 are gone; there is at least one.
enum { WR_NN_WALK_RANK = 16, WR_NN_WALK_OPERANDS = 3 };
typedef struct wr_nn_walk {
    size_t total; // elements
    int rank;
    int operands;
    size_t dim[WR_NN_WALK_RANK];
    ptrdiff_t stride[WR_NN_WALK_OPERANDS][WR_NN_WALK_RANK];
} wr_nn_walk;

// Begin with an empty walk of so many operands, add dimensions from the
// outermost, then finish.
void wr_nn_walk_begin(wr_nn_walk *walk, int operands);
void wr_nn_walk_add(wr_nn_walk *walk, size_t dim, const ptrdiff_t *stride);
void wr_nn_walk_finish(wr_nn_walk *walk);

// A walk over `out` with operands that broadcast to it.
void wr_nn_walk_broadcast(wr_nn_walk *walk, const wr_nn_shape *out,
                          const wr_nn_shape *const *in, int operands);

// All of operand k lies in order, one element after the other.
bool wr_nn_walk_plain(const wr_nn_walk *walk, int k);

// Where the walk stands: in a row of the innermost dimension.
typedef struct wr_nn_cursor {
    size_t index[WR_NN_WALK_RANK];
    ptrdiff_t offset[WR_NN_WALK_OPERANDS];
} wr_nn_cursor;

void wr_nn_cursor_set(wr_nn_cursor *cursor, const wr_nn_walk *walk,
                      size_t position);
// Elements left in this row, at most `most`.
size_t wr_nn_cursor_row(const wr_nn_cursor *cursor, const wr_nn_walk *walk,
                        size_t most);
void wr_nn_cursor_advance(wr_nn_cursor *cursor, const wr_nn_walk *walk,
                          size_t count); // within the row, or to its end

// Elements [from, to) of operand k, in the order of the walk, to out[0] and on
// (elements of `size` bytes: 1, 4 or 8).
void wr_nn_walk_copy(const wr_nn_walk *walk, int k, size_t size, void *out,
                     const void *in, size_t from, size_t to);

// Strides of a tensor as it lies, in elements.
void wr_nn_op_strides(const wr_nn_shape *shape, ptrdiff_t *stride);

// Elements [from, to) of operand k as int64, whatever integer or bool it is.
void wr_nn_walk_integers(const wr_nn_walk *walk, int k, wr_nn_type type,
                         const void *in, size_t from, size_t to, int64_t *out);
// out[at] and on = values, cut off to the type.
void wr_nn_store_integers(void *out, wr_nn_type type, size_t at,
                          const int64_t *values, size_t count);

// ---- two operands ----------------------------------------------------------

// What to do with them: one of the two is set.
typedef struct wr_nn_zipper {
    wr_nn_zip *const *zip;         // floats, WR_NN_FORMS of them
    wr_nn_compare *const *compare; // bytes
} wr_nn_zipper;

// Elements [from, to) of the walk. Operand 0 is at a as the walk says, or, if
// it is plain, a_here may be the address of its element `from` instead. out is
// the address of the result's element `from`; it may be the same as operand
// 0's, if that is plain.
void wr_nn_zip_walk(const wr_nn_zipper *zipper, const wr_nn_walk *walk,
                    void *out, const float *a_here, const float *a,
                    const float *b, size_t from, size_t to);

// map, also where in is out.
void wr_nn_map_any(wr_nn_map *map, float *out, const float *in, size_t count,
                   float a, float b);

#endif

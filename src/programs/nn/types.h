// SPDX-License-Identifier: MIT
//
// The inference engine's data: a graph as it was read, the same graph while it
// is compiled, and what an operator is. The life of a model:
//
//   wr_nn_onnx_read ---> graph (shared, never changed again, has a digest)
//   wr_nn_compile   ---> plan for given input shapes (shared, never changed)
//   wr_nn_run_start ---> one request: an arena, a chain of jobs, outputs
//
// Rules that hold for every function of the engine:
//   threads    a graph that is being built or compiled: one thread. A finished
//              graph and a plan: any number of threads, for reading.
//   blocking   nothing waits. Reading and compiling allocate; run functions of
//              operators do neither.
//   ownership  everything in a graph lives in the graph's pile and goes with
//              it. Names and constants may point into the pile of `parent`.
//   errors     0 or a negative errno with one line in *why that names the
//              node; -EINVAL: the model is wrong, -ENOTSUP: it may be right,
//              but this engine cannot do it, -ENOMEM, -E2BIG: over a limit.
#ifndef WEIR_PROGRAMS_NN_TYPES_H
#define WEIR_PROGRAMS_NN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- values ----------------------------------------------------------------

// Numbered as in ONNX (TensorProto.DataType). Floats are what graphs compute
// with. The others are shape arithmetic and masks: see `type` in an operator.
typedef enum wr_nn_type {
    WR_NN_NONE = 0,
    WR_NN_F32 = 1,
    WR_NN_I32 = 6,
    WR_NN_I64 = 7,
    WR_NN_BOOL = 9, // a byte, 0 or 1
    WR_NN_F64 = 11, // constants alone
} wr_nn_type;

enum {
    WR_NN_RANK_MAX = 8,
    WR_NN_ALIGN = 64,    // of every tensor, arena and packed weight
    WR_NN_ARGS_MAX = 64, // inputs (or outputs) of one node
    WR_NN_WHY_MAX = 320,
};

// A shape with its type. In a graph as read a dimension may be -1: known when
// inputs are bound. Rank 0 is a scalar. A dimension may be 0 in a constant
// (an empty list); at run time it never is.
typedef struct wr_nn_shape {
    wr_nn_type type;
    int rank; // -1: not known
    int64_t dim[WR_NN_RANK_MAX];
} wr_nn_shape;

// What every refusal says. text is one line without a newline.
typedef struct wr_nn_why {
    char text[WR_NN_WHY_MAX];
} wr_nn_why;

typedef struct wr_nn_value {
    const char *name; // "" if it has none
    wr_nn_shape shape;
    const void *data; // a constant's, aligned to its element; else NULL
} wr_nn_value;

// ---- nodes -----------------------------------------------------------------

typedef enum wr_nn_attr_kind {
    WR_NN_INT,
    WR_NN_FLOAT,
    WR_NN_STRING,
    WR_NN_INTS,
    WR_NN_FLOATS,
    WR_NN_TENSOR,
} wr_nn_attr_kind;

typedef struct wr_nn_attr {
    const char *name;
    wr_nn_attr_kind kind;
    size_t count; // of ints, floats, or bytes of the string
    union {
        int64_t i;
        float f;
        const char *string; // ends with a 0 as well
        const int64_t *ints;
        const float *floats;
        const wr_nn_value *tensor;
    };
} wr_nn_attr;

typedef struct wr_nn_op wr_nn_op;
typedef struct wr_nn_node wr_nn_node;
typedef struct wr_nn_graph wr_nn_graph;

struct wr_nn_node {
    const wr_nn_op *op;
    const char *name; // for people: the model's, or made up; never ""
    int inputs;       // counts; absent optional ones are value -1
    int outputs;
    int *input; // indices of values
    int *output;
    wr_nn_attr *attr;
    size_t attrs;

    // What infer works out for the others, in the form the operator likes
    // (pads resolved, axes made positive): in the pile. NULL: nothing.
    const void *params;
    // What prepare makes: packed weights, primitives. Freed by op->forget.
    void *state;
    unsigned parts; // run is called for each of [0, parts); set by the compiler
};

// A program of elementwise steps that is applied to a result while it is warm:
// what fusing leaves in a Conv, Gemm, MatMul or WeirFused. In node->params'
// owner's hands; see ops.h.

struct wr_nn_graph {
    struct wr_nn_pile *pile;   // owns everything below
    const wr_nn_graph *parent; // whose names and constants are shared, or NULL
    int opset;
    const char *name;

    wr_nn_value *value;
    int values, values_room;
    wr_nn_node *node; // producers before consumers once it is checked
    int nodes, nodes_room;

    int *input; // values, in the model's order
    int inputs;
    int *output;
    int outputs;

    uint8_t digest[32]; // of the canonical graph and its weights
};

// ---- operators -------------------------------------------------------------

enum {
    WR_NN_UNARY = 1 << 0,   // one input, one output, element by element
    WR_NN_BINARY = 1 << 1,  // two inputs or more, broadcast, element by element
    WR_NN_VIEW = 1 << 2,    // the same bytes with another shape (Reshape...)
    WR_NN_INPLACE = 1 << 3, // output 0 may lie on input 0 if nobody else
                            // reads that and both have as many bytes
};

// An operator. Everything in it is without state; a table of them is in ops.c.
struct wr_nn_op {
    const char *name; // ONNX's op_type; our own begin with "Weir"
    int inputs_min, inputs_max;
    int outputs_min, outputs_max;
    int since; // the lowest opset that it is right for
    unsigned flags;

    // Checks types, shapes and attributes; fills in the outputs' shapes and
    // node->params. All input shapes are known; inputs that decide a shape
    // (Reshape's second) must be constants by now, otherwise -ENOTSUP.
    int (*infer)(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why);

    // Once, after infer, when the graph no longer changes: node->state. NULL:
    // nothing to prepare. May read constants. bytes: what it holds, added.
    int (*prepare)(const wr_nn_graph *graph, wr_nn_node *node, size_t *bytes,
                   wr_nn_why *why);
    void (*forget)(wr_nn_node *node); // NULL if prepare is

    // An estimate: nanoseconds of serial work. NULL: 1 per output element.
    double (*cost)(const wr_nn_graph *graph, const wr_nn_node *node);

    // The most parts that run can be cut into. NULL: 1.
    unsigned (*parts_max)(const wr_nn_graph *graph, const wr_nn_node *node);

    // Scratch bytes that one call of run needs (aligned to WR_NN_ALIGN), for
    // node->parts parts. NULL: 0.
    size_t (*scratch)(const wr_nn_graph *graph, const wr_nn_node *node);

    // Does part `part` of node->parts. in[i] and out[i] are the data of the
    // node's inputs and outputs (NULL where absent). Parts may run at the same
    // time on different threads and write disjoint bytes; together they write
    // every byte of the outputs. The result is the same bits for any number of
    // parts wherever the operator itself allows that. Cannot fail.
    void (*run)(const wr_nn_graph *graph, const wr_nn_node *node,
                const void *const *in, void *const *out, void *scratch,
                unsigned part);
};

#endif

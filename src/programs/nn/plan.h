// SPDX-License-Identifier: MIT
//
// Compiling a graph for given input shapes. Rules: see types.h.
#ifndef WEIR_PROGRAMS_NN_PLAN_H
#define WEIR_PROGRAMS_NN_PLAN_H

#include "programs/nn/onnx.h"
#include "programs/nn/types.h"

// What an input is bound to. Integer inputs (shape parameters) are bound with
// their data and become constants; float inputs with data are not needed.
typedef struct wr_nn_binding {
    wr_nn_shape shape;
    const void *data; // for integer inputs; else NULL
} wr_nn_binding;

typedef struct wr_nn_compile_options {
    size_t arena_max;   // bytes of one request; default 1 GiB
    double cost_max_ns; // estimated serial work of one request; 0: no limit
    unsigned parts_max; // parts that one node is cut into; default 8
    double part_ns;     // least work of a part; default 50000
    unsigned without;   // WR_NN_WITHOUT_*: passes left out, for tests
    // Called between steps of the work: not 0 ends it with that status.
    int (*cancelled)(void *context);
    void *context;
} wr_nn_compile_options;

#define WR_NN_COMPILE_OPTIONS_INIT                                             \
    { (size_t)1 << 30, 0, 8, 50000.0, 0, NULL, NULL }

enum {
    WR_NN_WITHOUT_FOLDING = 1 << 0, // (shape arithmetic is folded anyway)
    WR_NN_WITHOUT_FUSION = 1 << 1,
    WR_NN_WITHOUT_LAYOUT = 1 << 2,  // everything stays N, C, H, W
    WR_NN_WITHOUT_SHARING = 1 << 3, // every value has bytes of its own
};

// Where a value is while the plan runs.
typedef enum wr_nn_place {
    WR_NN_NOWHERE,  // optimised away
    WR_NN_CONSTANT, // value.data
    WR_NN_INPUT,    // the caller's memory: slot
    WR_NN_OUTPUT,   // the caller's memory: slot
    WR_NN_ARENA,    // offset
} wr_nn_place;

typedef struct wr_nn_spot {
    wr_nn_place place;
    int slot;      // of an input or output
    size_t offset; // into the arena, or (views) into that input or constant
} wr_nn_spot;

// One node's place in the schedule.
typedef struct wr_nn_task {
    int needs;           // tasks that must have ended before it
    const int *unblocks; // tasks that need it
    int unblocks_count;
    unsigned parts; // = node->parts
    size_t scratch; // bytes for each part
    double cost_ns; // estimate, all parts together
} wr_nn_task;

typedef struct wr_nn_plan {
    wr_nn_graph *graph;     // after all passes; owned
    const wr_nn_task *task; // of graph->node[i]
    const wr_nn_spot *spot; // of graph->value[i]
    size_t arena_bytes;     // without scratch
    size_t scratch_bytes;   // of the hungriest task: parts * scratch
    size_t serial_bytes;    // what serial liveness alone would need: a bound
    size_t state_bytes;     // packed weights and primitives
    double cost_ns;         // of all tasks
    int64_t compile_ns;     // how long compiling took
    int nodes_read;         // before all passes

    // Inputs and outputs as the model lists them; integer inputs that were
    // bound are listed too (their memory is not read).
    wr_nn_shape *input;
    wr_nn_shape *output;
    int inputs, outputs;
    const char **input_name;
    const char **output_name;

    // Constants that compiling made, for wr_nn_plan_destroy.
    void **made;
    int mades;
    size_t made_bytes;
} wr_nn_plan;

// wr_nn_compile: `model` must outlive the plan. A bound shape that contradicts
// the model's is -EINVAL and names the input.
int wr_nn_compile(wr_nn_plan **out, const wr_nn_graph *model,
                  const wr_nn_binding *bindings, int count,
                  const wr_nn_compile_options *options,
                  const wr_nn_limits *limits, wr_nn_why *why);
void wr_nn_plan_destroy(wr_nn_plan *plan); // NULL is allowed

// wr_nn_plan_bytes is what the plan itself holds (weights, state, tables), the
// weight of its cache entry; not the model's own constants that it shares.
size_t wr_nn_plan_bytes(const wr_nn_plan *plan);

// wr_nn_plan_check proves that no two values that may live at the same time,
// by the partial order of the tasks, overlap in the arena, and that every
// in-place and view use is allowed. Returns 0 or -EINVAL with the line. For
// tests and debug builds; quadratic.
int wr_nn_plan_check(const wr_nn_plan *plan, wr_nn_why *why);

// wr_nn_plan_key hashes the model's digest, the bindings and the options that
// matter: the key of the compile cache.
void wr_nn_plan_key(uint8_t key[32], const wr_nn_graph *model,
                    const wr_nn_binding *bindings, int count,
                    const wr_nn_compile_options *options);

#endif

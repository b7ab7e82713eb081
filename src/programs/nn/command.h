// SPDX-License-Identifier: MIT
//
// `weir run MODEL.onnx`: reads, compiles, runs, prints.
#ifndef WEIR_PROGRAMS_NN_COMMAND_H
#define WEIR_PROGRAMS_NN_COMMAND_H

#include "programs/nn/plan.h"
#include "programs/nn/run.h"

// Returns the exit status: WR_NN_DONE and so on.
int wr_nn_main(int argc, char **argv);

enum { WR_NN_DONE = 0, WR_NN_FAILED = 1, WR_NN_USAGE = 2 };

// ---- inside (command*.c) ---------------------------------------------------

enum { WR_NN_GIVEN_MAX = 64 };

// What --input and --output were given: "LEFT=RIGHT".
typedef struct wr_nn_given {
    const char *whole;
    size_t left; // bytes of LEFT
    const char *right;
} wr_nn_given;

typedef struct wr_nn_options {
    const char *model;
    wr_nn_given input[WR_NN_GIVEN_MAX];
    int inputs;
    wr_nn_given output[WR_NN_GIVEN_MAX];
    int outputs;
    int threads; // 0: as many as there are
    int repeat;
    uint64_t seed;
    unsigned without;
    bool nodes, profile, check, help;
    const char *trace; // or NULL
} wr_nn_options;

// wr_nn_options_parse: -EINVAL with the line if the command line is wrong.
int wr_nn_options_parse(wr_nn_options *options, int argc, char **argv,
                        wr_nn_why *why);
const char *wr_nn_options_help(void);

// wr_nn_file_read reads a whole file; *bytes is malloc'ed, the caller's.
// Errors: -errno, -E2BIG (more than `most`), with the line.
int wr_nn_file_read(const char *path, size_t most, void **bytes, size_t *size,
                    wr_nn_why *why);

// wr_nn_file_write makes the file appear when it is complete; it replaces one
// that is there. The parts are written one after another.
typedef struct wr_nn_piece_of_file {
    const void *bytes;
    size_t size;
} wr_nn_piece_of_file;
int wr_nn_file_write(const char *path, const wr_nn_piece_of_file *pieces,
                     size_t count, wr_nn_why *why);

// Inputs with their data, malloc'ed, by the model's order.
typedef struct wr_nn_inputs {
    wr_nn_binding *binding;
    void **data;
    int count;
} wr_nn_inputs;

// wr_nn_inputs_read finds out what the model's inputs are to be. -EINVAL where
// the command line does not fit the model, -EBADMSG for a damaged file.
int wr_nn_inputs_read(wr_nn_inputs *out, const wr_nn_graph *model,
                      const wr_nn_options *options, const wr_nn_limits *limits,
                      wr_nn_why *why);
void wr_nn_inputs_free(wr_nn_inputs *inputs);

// Time spent in each task, in all runs.
typedef struct wr_nn_profile {
    const wr_nn_plan *plan;
    int64_t *spent_ns; // by task and worker
    unsigned workers;
    weir_trace *trace; // or NULL
} wr_nn_profile;

int wr_nn_profile_init(wr_nn_profile *profile, const wr_nn_plan *plan,
                       const weir_pool *pool, weir_trace *trace);
void wr_nn_profile_free(wr_nn_profile *profile);
wr_nn_observer wr_nn_profile_part;

void wr_nn_print_plan(const char *name, const wr_nn_plan *plan);
void wr_nn_print_nodes(const wr_nn_plan *plan);
void wr_nn_print_profile(const wr_nn_profile *profile, int runs);
void wr_nn_print_value(const char *kind, const char *name,
                       const wr_nn_shape *shape, const void *data);

#endif

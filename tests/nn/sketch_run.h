// SPDX-License-Identifier: MIT
// A request for a sketch, and what came of it.
#ifndef TEST_NN_SKETCH_RUN_H
#define TEST_NN_SKETCH_RUN_H

#include "nn/sketch.h"

enum { KEEP = 2 };

// A request with inputs of its own and what it must give.
typedef struct request {
    wr_nn_run run; // first
    const void *input[2];
    void *output[OUTPUTS];
    int32_t in[2][WORDS];
    int32_t out[OUTPUTS][WORDS];
    int32_t expected[OUTPUTS][WORDS];
    int ended;
    int status;
    int on_worker;
    int order;           // among those that count with `clock`
    tally *clock;        // or NULL
    wr_nn_cell *dies;    // destroyed in done, or NULL
    weir_pool *again_on; // started again in done, `again` times
    wr_nn_cell *again_in;
    int again;
} request;

static inline void request_done(wr_nn_run *run, int status) {
    request *r = (request *)run;
    r->ended++;
    r->status = status;
    r->on_worker += weir_worker_self() != NULL;
    if (r->clock != NULL)
        r->order = (int)tally_add(r->clock);
    if (r->dies != NULL)
        wr_nn_cell_destroy(r->dies);
    if (r->again > 0) {
        r->again--;
        CHECK_EQ(memcmp(r->out, r->expected, sizeof(r->out)), 0);
        memset(r->out, 0, sizeof(r->out));
        CHECK_EQ(wr_nn_run_start(r->again_in, r->again_on, run), 0);
    }
}

static inline void request_init(request *r, const sketch *s, uint64_t seed) {
    *r = (request){.run = {.done = request_done}};
    uint64_t random = seed;
    for (int i = 0; i < 2; i++) {
        r->input[i] = r->in[i];
        for (int j = 0; j < WORDS; j++)
            r->in[i][j] = (int32_t)wr_random_next(&random);
    }
    for (int i = 0; i < OUTPUTS; i++)
        r->output[i] = r->expected[i];
    CHECK_EQ(wr_nn_run_serial(&s->plan, r->input, r->output, false), 0);
    for (int i = 0; i < OUTPUTS; i++)
        r->output[i] = r->out[i];
    r->run.input = r->input;
    r->run.output = r->output;
}

static inline void request_is_right(const request *r) {
    CHECK_EQ(r->ended, 1);
    CHECK_EQ(r->status, 0);
    CHECK_EQ(r->on_worker, 1);
    CHECK(r->run.run_ns >= 0);
    CHECK_EQ(memcmp(r->out, r->expected, sizeof(r->out)), 0);
}

static inline wr_nn_cell *cell_of(const sketch *s) {
    wr_nn_cell *cell = NULL;
    CHECK_EQ(wr_nn_cell_create(&cell, &s->plan, KEEP), 0);
    return cell;
}

static inline void start(wr_nn_cell *cell, weir_pool *pool, request *r) {
    CHECK_EQ(wr_nn_run_start(cell, pool, &r->run), 0);
}

#endif // TEST_NN_SKETCH_RUN_H

// SPDX-License-Identifier: MIT
// What the tests of contexts share: tensors of one row, reads and builds that
// record their fate, dispatches.
#ifndef TEST_SERVE_CONTEXT_H
#define TEST_SERVE_CONTEXT_H

#include "support/serve.h"

static const wr_nn_shape row_shape = {
    .type = WR_NN_F32, .rank = 2, .dim = {1, WIDTH}};

static inline wr_context *context_open(bed *b) {
    wr_context *context = NULL;
    uint64_t id = 0;
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_context_create(b->service, &context, &id, &why), 0);
    CHECK(wr_context_find(b->service, id) == context);
    return context;
}

static inline uint64_t tensor_new(wr_context *context) {
    uint64_t id = 0;
    wr_nn_why why = {{0}};
    int error = wr_tensor_create(context, &row_shape, &id, &why);
    if (error != 0)
        CHECK_FAIL("tensor: %d: %s", error, why.text);
    return id;
}

static inline void write_row(wr_context *context, uint64_t id, float value) {
    float row[WIDTH];
    wr_nn_why why = {{0}};
    for (int i = 0; i < WIDTH; i++)
        row[i] = value + (float)i;
    CHECK_EQ(wr_tensor_write(context, id, row, sizeof(row), &why), 0);
    memset(row, 0x55, sizeof(row)); // it was copied
}

// ---- reads -----------------------------------------------------------------

typedef struct reading {
    wr_read read;
    float row[WIDTH];
    int ended;
    int status;
    uint64_t order; // among reads and builds
} reading;

static uint64_t answers;

static inline void reading_done(wr_read *read, int status) {
    reading *r = (reading *)read;
    r->ended++;
    r->status = status;
    r->order = ++answers;
    CHECK((status == 0) == (read->why.text[0] == 0));
    CHECK((status == 0) == (read->data != NULL));
    if (status == 0) {
        CHECK_EQ(read->size, sizeof(r->row));
        memcpy(r->row, read->data, sizeof(r->row));
    }
}

static inline void read_start(wr_context *context, uint64_t id, reading *r) {
    *r = (reading){.read = {.done = reading_done}};
    wr_nn_why why = {{0}};
    int error = wr_tensor_read(context, id, &r->read, &why);
    if (error != 0)
        CHECK_FAIL("read: %d: %s", error, why.text);
    CHECK_EQ(r->ended, 0);
}

// check_row: value + i, in each place times factor, plus.
static inline void check_row(bed *b, reading *r, float value, float factor,
                             float plus) {
    bed_until(b, r->ended);
    CHECK_EQ(r->ended, 1);
    if (r->status != 0)
        CHECK_FAIL("read: %d: %s", r->status, r->read.why.text);
    for (int i = 0; i < WIDTH; i++) {
        float ought = (value + (float)i) * factor + plus;
        if (fabsf(r->row[i] - ought) > 1e-4f)
            CHECK_FAIL("place %d is %g, expected %g", i, (double)r->row[i],
                       (double)ought);
    }
    wr_read_end(&r->read);
}

static inline void check_read_fails(bed *b, reading *r, int status,
                                    const char *text) {
    bed_until(b, r->ended);
    CHECK_EQ(r->ended, 1);
    CHECK_EQ(r->status, status);
    if (strstr(r->read.why.text, text) == NULL)
        CHECK_FAIL("the line lacks \"%s\": %s", text, r->read.why.text);
    wr_read_end(&r->read);
}

static inline void check_zeros(bed *b, wr_context *context, uint64_t id) {
    reading r;
    read_start(context, id, &r);
    bed_until(b, r.ended);
    CHECK_EQ(r.status, 0);
    for (int i = 0; i < WIDTH; i++)
        CHECK(r.row[i] == 0);
    wr_read_end(&r.read);
}

// ---- graphs ----------------------------------------------------------------

typedef struct building {
    wr_build build;
    int ended;
    int status;
    uint64_t order;
    uint64_t id;
} building;

static inline void building_done(wr_build *build, int status) {
    building *g = (building *)build;
    g->ended++;
    g->status = status;
    g->order = ++answers;
    CHECK((status == 0) == (build->why.text[0] == 0));
}

static inline building building_new(void) {
    return (building){.build = {.done = building_done}};
}

static const wr_infer_tensor row_input = {
    .name = "x", .shape = {.type = WR_NN_F32, .rank = 2, .dim = {1, WIDTH}}};

static inline int build_try(wr_context *context, const char *model,
                            const char *key, building *g, wr_nn_why *why) {
    *g = building_new();
    why->text[0] = 0;
    return wr_graph_build(context, model, &row_input, 1, key, &g->build, &g->id,
                          why);
}

static inline void build_start(wr_context *context, const char *model,
                               building *g) {
    wr_nn_why why;
    int error = build_try(context, model, NULL, g, &why);
    if (error != 0)
        CHECK_FAIL("build: %d: %s", error, why.text);
    CHECK_EQ(g->ended, 0);
    CHECK(g->id > 0);
}

static inline void build_from(wr_context *context, onnx_bytes file,
                              const char *key, building *g) {
    *g = building_new();
    wr_nn_why why = {{0}};
    int error = wr_graph_build_take(context, file.data, file.size, &row_input,
                                    1, key, &g->build, &g->id, &why);
    if (error != 0)
        CHECK_FAIL("build: %d: %s", error, why.text);
}

static inline void check_built(bed *b, building *g) {
    bed_until(b, g->ended);
    CHECK_EQ(g->ended, 1);
    if (g->status != 0)
        CHECK_FAIL("build: %d: %s", g->status, g->build.why.text);
}

static inline void check_build_fails(bed *b, building *g, int status,
                                     const char *text) {
    bed_until(b, g->ended);
    CHECK_EQ(g->ended, 1);
    CHECK_EQ(g->status, status);
    if (strstr(g->build.why.text, text) == NULL)
        CHECK_FAIL("the line lacks \"%s\": %s", text, g->build.why.text);
}

static inline uint64_t graph_now(bed *b, wr_context *context,
                                 const char *model) {
    building g;
    build_start(context, model, &g);
    check_built(b, &g);
    return g.id;
}

static inline int dispatch_try(wr_context *context, uint64_t graph, uint64_t in,
                               uint64_t out, wr_nn_why *why) {
    wr_bind x = {"x", in}, y = {"y", out};
    why->text[0] = 0;
    return wr_context_dispatch(context, graph, &x, 1, &y, 1, why);
}

static inline void dispatch(wr_context *context, uint64_t graph, uint64_t in,
                            uint64_t out) {
    wr_nn_why why;
    int error = dispatch_try(context, graph, in, out, &why);
    if (error != 0)
        CHECK_FAIL("dispatch: %d: %s", error, why.text);
}

#endif // TEST_SERVE_CONTEXT_H

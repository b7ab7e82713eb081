// SPDX-License-Identifier: MIT
// Reading the models that onnx.h writes, right ones and wrong ones.
#ifndef TEST_ONNX_READ_H
#define TEST_ONNX_READ_H

#include "programs/nn/graph.h"
#include "programs/nn/onnx.h"
#include "support/check.h"
#include "support/onnx.h"

#include <errno.h>

static const wr_nn_limits usual_limits = WR_NN_LIMITS_INIT;

// A refusal is one line; a status, one of those that onnx.h has.
static inline void check_refusal(int status, const wr_nn_why *why) {
    if (status != -EINVAL && status != -ENOTSUP && status != -E2BIG &&
        status != -ENOMEM)
        CHECK_FAIL("status %d: %s", status, why->text);
    if (why->text[0] == '\0' || strchr(why->text, '\n') != NULL ||
        strlen(why->text) >= sizeof why->text)
        CHECK_FAIL("status %d without its line", status);
}

// Reads the bytes from memory of exactly their size, which is gone and
// overwritten afterwards.
static inline int read_bytes(wr_nn_graph **out, const void *bytes, size_t size,
                             const wr_nn_limits *limits, wr_nn_why *why) {
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    CHECK(exact != NULL);
    if (size > 0)
        memcpy(exact, bytes, size);
    *out = NULL;
    why->text[0] = '\0';
    int status = wr_nn_onnx_read(out, exact, size, limits, why);
    if (status != 0)
        check_refusal(status, why);
    CHECK((status == 0) == (*out != NULL));
    memset(exact, 0xa5, size);
    free(exact);
    return status;
}

// Ends the model, which must be right, and reads it.
static inline wr_nn_graph *read_model(onnx_model *m) {
    onnx_bytes file = onnx_end(m);
    wr_nn_graph *graph;
    wr_nn_why why;
    if (read_bytes(&graph, file.data, file.size, &usual_limits, &why) != 0)
        CHECK_FAIL("%s", why.text);
    free(file.data);
    return graph;
}

// Ends the model, which must be refused so.
static inline void refuse_within(onnx_model *m, const wr_nn_limits *limits,
                                 int status, const char *line) {
    onnx_bytes file = onnx_end(m);
    wr_nn_graph *graph;
    wr_nn_why why;
    int actual = read_bytes(&graph, file.data, file.size, limits, &why);
    free(file.data);
    if (actual == 0)
        CHECK_FAIL("read, expected: %s", line);
    CHECK_STR(why.text, line);
    CHECK_EQ(actual, status);
}

static inline void refuse_model(onnx_model *m, int status, const char *line) {
    refuse_within(m, &usual_limits, status, line);
}

// x (float32[1,4]), to be followed by nodes that make y of it.
static inline onnx_model begin_xy(void) {
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(1, 4));
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(1, 4));
    return m;
}

static inline const wr_nn_value *value_called(const wr_nn_graph *graph,
                                              const char *name) {
    for (int i = 0; i < graph->values; i++)
        if (strcmp(graph->value[i].name, name) == 0)
            return &graph->value[i];
    CHECK_FAIL("no value '%s'", name);
}

#endif // TEST_ONNX_READ_H

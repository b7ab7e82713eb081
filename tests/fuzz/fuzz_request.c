// SPDX-License-Identifier: MIT
// Feeds damaged bodies to the readers of `weir serve`: JSON with numbers,
// graphs, tensors, dispatches, frames, and shapes in headers. What is looked
// for is a crash, a hang, a sanitizer's complaint, a refusal that is not one
// line, a tensor whose data is not as long as its shape, or one larger than the
// limit.
//
// How to run it: engine.h.
//
// The first byte says which reader gets the rest.
#include "engine.h"

#include "programs/nn/graph.h"
#include "programs/serve/json.h"
#include "weir/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 4096, TENSOR_BYTES = 1024, READERS = 6 };

static void broken(const char *what, const char *more) {
    fprintf(stdout, "fuzz_request: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static void check(int error, const wr_nn_why *why) {
    if (error == 0 || error == -ENOMEM)
        return;
    if (error != -EINVAL && error != -E2BIG)
        broken("an odd error", why->text);
    if (why->text[0] == '\0')
        broken("a refusal without a line", "");
    // The line may quote the client: what goes out is JSON.
    wr_string text = {0};
    wr_string_error(&text, why->text);
    for (size_t i = 0; i + 1 < text.size; i++)
        if ((unsigned char)text.data[i] < ' ')
            broken("an answer with control characters", text.data);
    free(text.data);
}

static uint64_t sum; // of all that was read, so that it is read

static void check_tensors(const wr_tensors *tensors) {
    if (tensors->count > WR_TENSORS_MAX)
        broken("too many tensors", "");
    for (int i = 0; i < tensors->count; i++) {
        const wr_infer_tensor *tensor = &tensors->tensor[i];
        size_t bytes = wr_nn_bytes(&tensor->shape);
        if (bytes > TENSOR_BYTES || bytes == 0)
            broken("a tensor of a forbidden size", "");
        if (tensor->name != NULL && strlen(tensor->name) > WR_WIRE_NAME_MAX)
            broken("a long name", tensor->name);
        for (size_t at = 0; tensor->data != NULL && at < bytes; at++)
            sum += ((const uint8_t *)tensor->data)[at];
    }
}

// What was read of frames, written again, is what was read.
static void write_back(const wr_tensors *tensors, const uint8_t *bytes,
                       size_t size) {
    wr_infer_result results[WR_TENSORS_MAX];
    uint8_t head[1024];
    size_t at = 0;
    for (int i = 0; i < tensors->count; i++)
        results[i] = (wr_infer_result){
            tensors->tensor[i].name != NULL ? tensors->tensor[i].name : "",
            tensors->tensor[i].shape, tensors->tensor[i].data};
    for (int i = 0; i < tensors->count || i == 0; i++) {
        size_t length = wr_frames_head(head, i, tensors->count, results);
        if (at + length > size || memcmp(head, bytes + at, length) != 0)
            broken("frames that are written otherwise than read", "");
        at += length;
        if (i < tensors->count)
            at += wr_nn_bytes(&results[i].shape);
    }
    if (at + wr_frames_tail(tensors->count, results) != size)
        broken("frames of another length", "");
}

static void try_frames(const uint8_t *data, size_t size) {
    wr_tensors tensors;
    wr_nn_why why = {""};
    uint8_t *bytes =
        aligned_alloc(WR_NN_ALIGN, (size / WR_NN_ALIGN + 1) * WR_NN_ALIGN);
    if (bytes == NULL)
        abort();
    memcpy(bytes, data, size);
    int error = wr_frames_read(&tensors, bytes, size, TENSOR_BYTES, &why);
    check(error, &why);
    if (error == 0) {
        check_tensors(&tensors);
        write_back(&tensors, bytes, size);
    }
    wr_tensors_free(&tensors);
    free(bytes);
}

static void try_json(unsigned reader, const uint8_t *data, size_t size) {
    wr_tensors tensors;
    wr_graph_request graph;
    wr_dispatch_request dispatch;
    wr_nn_shape shape;
    wr_nn_why why = {""};
    int error;
    switch (reader) {
    case 0:
        error = wr_json_infer(&tensors, data, size, TENSOR_BYTES, &why);
        if (error == 0)
            check_tensors(&tensors);
        wr_tensors_free(&tensors);
        break;
    case 1:
        error = wr_json_graph(&graph, data, size, TENSOR_BYTES, &why);
        if (error == 0)
            check_tensors(&graph.inputs);
        wr_graph_request_free(&graph);
        break;
    case 2:
        error = wr_json_dispatch(&dispatch, data, size, &why);
        for (int i = 0; error == 0 && i < dispatch.inputs_count; i++)
            sum += strlen(dispatch.inputs[i].name);
        wr_dispatch_request_free(&dispatch);
        break;
    default:
        error = wr_json_tensor(&shape, data, size, TENSOR_BYTES, &why);
        if (error == 0 && wr_nn_bytes(&shape) > TENSOR_BYTES)
            broken("a tensor of a forbidden size", "");
        break;
    }
    check(error, &why);
}

static void try_shape(const uint8_t *data, size_t size) {
    wr_nn_shape shape;
    wr_nn_why why = {""};
    char *text = calloc(1, size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    int error = wr_wire_shape(&shape, text, TENSOR_BYTES, &why);
    check(error, &why);
    if (error == 0 && wr_nn_bytes(&shape) > TENSOR_BYTES)
        broken("a shape of a forbidden size", text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    unsigned reader = data[0] % READERS;
    // A copy of its own, so that a sanitizer sees its end.
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        abort();
    memcpy(copy, data + 1, size - 1);
    if (reader == 4)
        try_frames(copy, size - 1);
    else if (reader == 5)
        try_shape(copy, size - 1);
    else
        try_json(reader, copy, size - 1);
    free(copy);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: right bodies, damaged a little

static size_t seed_frames(uint8_t *out) {
    static const wr_nn_type types[] = {WR_NN_F32, WR_NN_I64, WR_NN_BOOL};
    static const uint8_t zeros[TENSOR_BYTES];
    wr_infer_result results[4];
    int count = (int)below(4);
    size_t size = 0;
    for (int i = 0; i < count; i++)
        results[i] =
            (wr_infer_result){below(2) ? "name" : "",
                              {types[below(3)],
                               2,
                               {1 + (int64_t)below(3), 1 + (int64_t)below(9)}},
                              zeros};
    for (int i = 0; i < count || i == 0; i++) {
        size += wr_frames_head(out + size, i, count, results);
        if (i < count) {
            size_t bytes = wr_nn_bytes(&results[i].shape);
            memset(out + size, 0, bytes);
            size += bytes;
        }
    }
    size_t tail = wr_frames_tail(count, results);
    memset(out + size, 0, tail);
    return size + tail;
}

static size_t seed_text(uint8_t *out, unsigned reader) {
    static const char *const inputs[] = {
        "{\"name\": \"x\", \"shape\": [1,3], \"data\": [1,-2.5e3,0]}",
        "{\"shape\": [2], \"type\": \"int64\", \"data\": [1,2]}",
        "{\"shape\": [], \"type\": \"bool\", \"data\": [true]}",
        "{\"name\": \"\\u00e9\", \"shape\": [1,1,1,1], \"data\": [1e38]}"};
    static const char *const shapes[] = {"float32[1,3]", "int64[]",
                                         "bool[2,2,2,2,2,2,2,2]",
                                         "float32[9999999999]"};
    const char *a = inputs[below(4)], *b = inputs[below(4)];
    char *text = (char *)out;
    int size = 0;
    if (reader == 0)
        size = snprintf(text, INPUT_MAX, "{\"inputs\": [%s, %s]}", a, b);
    else if (reader == 1)
        size =
            snprintf(text, INPUT_MAX,
                     "{\"model\": \"m\", \"key\": \"k\", \"inputs\": [%s]}", a);
    else if (reader == 2)
        size = snprintf(text, INPUT_MAX,
                        "{\"graph\": %d, \"inputs\": {\"a\": 1, \"b\": 2}, "
                        "\"outputs\": {\"c\": %d}}",
                        (int)below(3), (int)below(3));
    else if (reader == 3)
        size = snprintf(text, INPUT_MAX,
                        "{\"type\": \"float32\", \"shape\": [%d, 3]}",
                        (int)below(99));
    else
        size = snprintf(text, INPUT_MAX, "%s", shapes[below(4)]);
    return (size_t)size;
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\"\\{}[],:0-e\x01\x40\x7f\x80\xff";
    return fuzz_damage(data, size, odd, sizeof(odd) - 1, 5, 100);
}

static void one_round(void) {
    static uint8_t data[2 * INPUT_MAX];
    data[0] = (uint8_t)below(READERS);
    size_t size =
        data[0] == 4 ? seed_frames(data + 1) : seed_text(data + 1, data[0]);
    LLVMFuzzerTestOneInput(data, 1 + damage(data + 1, size));
}

int main(int argc, char **argv) {
    int status = fuzz_main(argc, argv, "fuzz_request", one_round);
    printf("fuzz_request: sum %" PRIu64 "\n", sum);
    return status;
}

// SPDX-License-Identifier: MIT
#include "programs/nn/graph.h"
#include "programs/serve/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = {'W', 'E', 'I', 'R', 'T', 'N', 'S', '1'};
enum { HEAD_SIZE = 24 }; // of a tensor, before its dimensions

static uint64_t get(const uint8_t *at, size_t size) {
    uint64_t number = 0;
    for (size_t i = size; i > 0; i--)
        number = number << 8 | at[i - 1];
    return number;
}

static void put(uint8_t *at, size_t size, uint64_t number) {
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static size_t round_up(size_t size) {
    return (size + WR_FRAME_ALIGN - 1) / WR_FRAME_ALIGN * WR_FRAME_ALIGN;
}

typedef struct reader {
    const uint8_t *bytes;
    size_t size, at;
    size_t tensor_bytes;
    char *names; // where the next goes
    wr_nn_why *why;
} reader;

static int short_of(const reader *r, int index, const char *what) {
    return wr_nn_refuse(r->why, -EINVAL, NULL,
                        "tensor %d: the body ends (at %zu bytes) before its %s",
                        index, r->size, what);
}

// The zeros up to the next multiple.
static int skip_zeros(reader *r, int index) {
    size_t end = round_up(r->at);
    if (end > r->size)
        return short_of(r, index, "padding");
    for (; r->at < end; r->at++)
        if (r->bytes[r->at] != 0)
            return wr_nn_refuse(r->why, -EINVAL, NULL,
                                "tensor %d: byte %zu is padding and not 0",
                                index, r->at);
    return 0;
}

static int read_head(reader *r, int index, wr_nn_shape *shape,
                     size_t *name_size, uint64_t *bytes) {
    if (r->size - r->at < HEAD_SIZE)
        return short_of(r, index, "head");
    const uint8_t *head = r->bytes + r->at;
    uint64_t type = get(head, 4), rank = get(head + 4, 4);
    *name_size = (size_t)get(head + 8, 4);
    *bytes = get(head + 16, 8);
    if (type != WR_NN_F32 && type != WR_NN_I32 && type != WR_NN_I64 &&
        type != WR_NN_BOOL)
        return wr_nn_refuse(r->why, -EINVAL, NULL,
                            "tensor %d: type %llu; the types are 1 (float32), "
                            "6 (int32), 7 (int64), 9 (bool)",
                            index, (unsigned long long)type);
    if (rank > WR_NN_RANK_MAX || get(head + 12, 4) != 0 ||
        *name_size > WR_WIRE_NAME_MAX)
        return wr_nn_refuse(r->why, -EINVAL, NULL,
                            "tensor %d: at most %d dimensions, a name of at "
                            "most %d bytes, and then a 0",
                            index, WR_NN_RANK_MAX, WR_WIRE_NAME_MAX);
    r->at += HEAD_SIZE;
    if (r->size - r->at < 8 * rank + *name_size)
        return short_of(r, index, "shape and name");
    *shape = (wr_nn_shape){.type = (wr_nn_type)type, .rank = (int)rank};
    for (uint64_t i = 0; i < rank; i++, r->at += 8)
        shape->dim[i] = (int64_t)get(r->bytes + r->at, 8);
    return 0;
}

static int read_tensor(reader *r, int index, wr_infer_tensor *out) {
    size_t name_size = 0;
    uint64_t bytes = 0;
    int error = read_head(r, index, &out->shape, &name_size, &bytes);
    if (error != 0)
        return error;
    char what[32];
    snprintf(what, sizeof(what), "tensor %d", index);
    error = wr_wire_check(&out->shape, r->tensor_bytes, what, r->why);
    if (error != 0)
        return error;
    if (memchr(r->bytes + r->at, '\0', name_size) != NULL)
        return wr_nn_refuse(r->why, -EINVAL, NULL, "tensor %d: a 0 in its name",
                            index);
    memcpy(r->names, r->bytes + r->at, name_size);
    r->names[name_size] = '\0';
    out->name = name_size > 0 ? r->names : NULL;
    r->names += name_size + 1;
    r->at += name_size;
    if (bytes != wr_nn_bytes(&out->shape))
        return wr_nn_refuse(
            r->why, -EINVAL, NULL, "tensor %d: %llu bytes, its shape has %zu",
            index, (unsigned long long)bytes, wr_nn_bytes(&out->shape));
    error = skip_zeros(r, index);
    if (error != 0)
        return error;
    if (r->size - r->at < bytes)
        return short_of(r, index, "data");
    out->data = r->bytes + r->at;
    r->at += (size_t)bytes;
    for (size_t i = 0; out->shape.type == WR_NN_BOOL && i < bytes; i++)
        if (((const uint8_t *)out->data)[i] > 1)
            return wr_nn_refuse(r->why, -EINVAL, NULL,
                                "tensor %d: a bool is a byte, 0 or 1", index);
    return skip_zeros(r, index);
}

int wr_frames_read(wr_tensors *out, const void *bytes, size_t size,
                   size_t tensor_bytes, wr_nn_why *why) {
    memset(out, 0, sizeof(*out));
    reader r = {.bytes = bytes,
                .size = size,
                .at = 16,
                .tensor_bytes = tensor_bytes,
                .why = why};
    if (size < WR_FRAME_ALIGN || memcmp(bytes, magic, sizeof(magic)) != 0)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "the body does not begin with WEIRTNS1 and %d "
                            "bytes",
                            WR_FRAME_ALIGN);
    uint64_t count = get(r.bytes + 8, 4);
    if (count > WR_TENSORS_MAX || get(r.bytes + 12, 4) != 0)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "the body has at most %d tensors, and then a 0",
                            WR_TENSORS_MAX);
    out->tensor = calloc((size_t)count + 1, sizeof(*out->tensor));
    out->names = malloc(((size_t)count + 1) * (WR_WIRE_NAME_MAX + 1));
    if (out->tensor == NULL || out->names == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
    r.names = out->names;
    int error = skip_zeros(&r, 0);
    for (int i = 0; error == 0 && i < (int)count; i++) {
        error = read_tensor(&r, i, &out->tensor[i]);
        out->count = i + 1;
    }
    if (error == 0 && r.at != size)
        error = wr_nn_refuse(why, -EINVAL, NULL,
                             "%zu bytes after the last tensor", size - r.at);
    return error;
}

void wr_tensors_free(wr_tensors *tensors) {
    for (size_t i = 0; i < WR_TENSORS_MAX; i++)
        free(tensors->data[i]);
    free(tensors->tensor);
    free(tensors->names);
    memset(tensors, 0, sizeof(*tensors));
}

size_t wr_frames_tail(int count, const wr_infer_result *results) {
    if (count == 0)
        return 0;
    size_t bytes = wr_nn_bytes(&results[count - 1].shape);
    return round_up(bytes) - bytes;
}

size_t wr_frames_head(void *out, int index, int count,
                      const wr_infer_result *results) {
    size_t before =
        index == 0 ? WR_FRAME_ALIGN : wr_frames_tail(index, results);
    size_t size = before, rank = 0, name_size = 0;
    const wr_infer_result *result = index < count ? &results[index] : NULL;
    if (result != NULL) {
        name_size = strlen(result->name);
        if (name_size > WR_WIRE_NAME_MAX)
            name_size = WR_WIRE_NAME_MAX;
        rank = (size_t)result->shape.rank;
        size += round_up(HEAD_SIZE + 8 * rank + name_size);
    }
    if (out == NULL)
        return size;
    memset(out, 0, size);
    if (index == 0) {
        memcpy(out, magic, sizeof(magic));
        put((uint8_t *)out + 8, 4, (uint64_t)count);
    }
    if (result == NULL)
        return size; // of none: the whole's head alone
    uint8_t *head = (uint8_t *)out + before;
    put(head, 4, (uint64_t)result->shape.type);
    put(head + 4, 4, rank);
    put(head + 8, 4, name_size);
    put(head + 16, 8, wr_nn_bytes(&result->shape));
    for (size_t i = 0; i < rank; i++)
        put(head + HEAD_SIZE + 8 * i, 8, (uint64_t)result->shape.dim[i]);
    memcpy(head + HEAD_SIZE + 8 * rank, result->name, name_size);
    return size;
}

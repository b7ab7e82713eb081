// SPDX-License-Identifier: MIT
//
// Tensors: two ways to write the same numbers (raw, and one list per type), and
// many ways to get them wrong.
#include "programs/nn/onnx_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/nn/graph.h"
#include "programs/nn/graph_pile.h"

int wr_nn_onnx_type(int32_t number, const char **name) {
    static const char *const names[] = {
        "undefined", "float32", "uint8",     "int8",       "uint16",  "int16",
        "int32",     "int64",   "string",    "bool",       "float16", "float64",
        "uint32",    "uint64",  "complex64", "complex128", "bfloat16"};
    int32_t known = (int32_t)(sizeof names / sizeof names[0]);
    *name = number >= 0 && number < known ? names[number] : "unknown";
    bool ours = number > 0 && wr_nn_type_size((wr_nn_type)number) > 0;
    return ours ? number : -ENOTSUP;
}

typedef struct reading {
    wr_nn_reader *r;
    Onnx__Tensor *tensor;
    const wr_nn_node *node;
} reading;

static int refuse(const reading *t, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const reading *t, int status, const char *format, ...) {
    char text[WR_NN_WHY_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (t->node != NULL)
        return wr_nn_refuse(t->r->why, status, t->node, "its tensor %s", text);
    const char *name = t->tensor->name;
    return wr_nn_refuse(t->r->why, status, NULL, "tensor '%.120s' %s",
                        name == NULL ? "" : name, text);
}

// ---------------------------------------------------------------------------
// The shape

static int read_shape(const reading *t, wr_nn_shape *shape) {
    const Onnx__Tensor *tensor = t->tensor;
    const char *type_name;
    int type = wr_nn_onnx_type(tensor->data_type, &type_name);
    if (!tensor->has_data_type)
        return refuse(t, -EINVAL, "has no element type");
    if (type < 0)
        return refuse(t, -ENOTSUP,
                      "has elements of type %s (%" PRId32
                      "), which is not supported",
                      type_name, tensor->data_type);
    if (tensor->data_location != 0 || tensor->n_external_data > 0)
        return refuse(t, -ENOTSUP, "has its data in another file");
    if (tensor->has_segment)
        return refuse(t, -ENOTSUP, "is a segment of another");
    if (tensor->n_dims > WR_NN_RANK_MAX)
        return refuse(t, -ENOTSUP, "has %zu dimensions, the limit is %d",
                      tensor->n_dims, WR_NN_RANK_MAX);
    *shape =
        (wr_nn_shape){.type = (wr_nn_type)type, .rank = (int)tensor->n_dims};
    for (int i = 0; i < shape->rank; i++) {
        shape->dim[i] = tensor->dims[i];
        if (shape->dim[i] < 0)
            return refuse(t, -EINVAL, "has a dimension of %" PRId64,
                          shape->dim[i]);
    }
    size_t bytes = wr_nn_bytes(shape);
    if (bytes > t->r->limits->tensor_max) {
        char text[WR_NN_SHAPE_TEXT];
        return refuse(t, -E2BIG, "is too large: %s, the limit is %zu bytes",
                      wr_nn_shape_text(text, shape), t->r->limits->tensor_max);
    }
    return 0;
}

// ---------------------------------------------------------------------------
// The data

// Each type's numbers are in one of the lists, or in raw_data.
typedef struct list {
    void *data;
    size_t count;
    size_t element; // bytes
} list;

static int find_list(const reading *t, wr_nn_type type, list *from) {
    const Onnx__Tensor *tensor = t->tensor;
    enum { FLOATS, INT32S, INT64S, DOUBLES, STRINGS, RAW, LISTS };
    const list lists[LISTS] = {
        [FLOATS] = {tensor->float_data, tensor->n_float_data, 4},
        [INT32S] = {tensor->int32_data, tensor->n_int32_data, 4},
        [INT64S] = {tensor->int64_data, tensor->n_int64_data, 8},
        [DOUBLES] = {tensor->double_data, tensor->n_double_data, 8},
        [STRINGS] = {tensor->string_data, tensor->n_string_data, 1},
        [RAW] = {tensor->raw_data.data, tensor->raw_data.len, 1},
    };
    int own = type == WR_NN_F32   ? FLOATS
              : type == WR_NN_I64 ? INT64S
              : type == WR_NN_F64 ? DOUBLES
                                  : INT32S; // booleans too
    *from = lists[lists[RAW].count > 0 ? RAW : own];
    for (int i = 0; i < LISTS; i++)
        if (lists[i].count > 0 && lists[i].data != from->data)
            return refuse(t, -EINVAL,
                          "has data that does not belong to its type");
    return 0;
}

// The file is little endian.
static void to_host(uint8_t *data, size_t bytes, size_t element) {
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        return;
    for (size_t at = 0; at < bytes; at += element)
        for (size_t i = 0; i < element / 2; i++) {
            uint8_t low = data[at + i];
            data[at + i] = data[at + element - 1 - i];
            data[at + element - 1 - i] = low;
        }
}

// Large ones change hands, small ones are copied.
static int read_data(const reading *t, const wr_nn_shape *shape, void **data) {
    list from = {0};
    int status = find_list(t, shape->type, &from);
    if (status != 0)
        return status;
    size_t bytes = wr_nn_bytes(shape), size = wr_nn_type_size(shape->type);
    bool raw = from.element == 1;
    size_t expected = raw ? bytes : bytes / size;
    if (from.count != expected) {
        char text[WR_NN_SHAPE_TEXT];
        return refuse(t, -EINVAL, "has %zu %s of data, %s needs %zu",
                      from.count, raw ? "bytes" : "elements",
                      wr_nn_shape_text(text, shape), expected);
    }
    if (bytes > t->r->limits->bytes_max - t->r->constant_bytes)
        return refuse(t, -E2BIG, "makes the constants more than %zu bytes",
                      t->r->limits->bytes_max);
    t->r->constant_bytes += bytes;

    bool same = raw || from.element == size;
    bool moved =
        same && wr_nn_graph_move(t->r->graph, t->r->scratch, from.data, bytes);
    uint8_t *to = moved ? from.data : wr_nn_allocate(t->r->graph, bytes);
    if (to == NULL)
        return refuse(t, -ENOMEM, "does not fit into memory");
    if (same && !moved && bytes > 0)
        memcpy(to, from.data, bytes);
    if (raw)
        to_host(to, bytes, size);
    if (shape->type == WR_NN_BOOL) // whatever the file has for true
        for (size_t i = 0; i < bytes; i++)
            to[i] = (raw ? to[i] : ((const int32_t *)from.data)[i]) != 0;
    *data = to;
    return 0;
}

int wr_nn_onnx_tensor_read(wr_nn_reader *r, wr_nn_shape *shape, void **data,
                           Onnx__Tensor *tensor, const wr_nn_node *node) {
    reading t = {.r = r, .tensor = tensor, .node = node};
    int status = read_shape(&t, shape);
    return status != 0 ? status : read_data(&t, shape, data);
}

// ---------------------------------------------------------------------------
// A tensor alone

static int read_alone(wr_nn_reader *r, wr_nn_shape *shape, void **data,
                      const void *bytes, size_t size) {
    ProtobufCMessage *message;
    int status =
        wr_nn_onnx_unpack(r, &message, &onnx__tensor__descriptor, bytes, size);
    if (status != 0)
        return status;
    r->graph = wr_nn_graph_create(NULL);
    if (r->graph == NULL)
        return wr_nn_refuse(r->why, -ENOMEM, NULL, "out of memory");
    void *inside;
    status = wr_nn_onnx_tensor_read(r, shape, &inside, (Onnx__Tensor *)message,
                                    NULL);
    if (status != 0)
        return status;
    size_t length = wr_nn_bytes(shape);
    *data = malloc(length == 0 ? 1 : length);
    if (*data == NULL)
        return wr_nn_refuse(r->why, -ENOMEM, NULL, "out of memory");
    memcpy(*data, inside, length);
    return 0;
}

int wr_nn_onnx_tensor(wr_nn_shape *shape, void **data, const void *bytes,
                      size_t size, wr_nn_why *why) {
    static const wr_nn_limits limits = WR_NN_LIMITS_INIT;
    wr_nn_reader r = {.limits = &limits, .why = why};
    int status = read_alone(&r, shape, data, bytes, size);
    wr_nn_graph_destroy(r.graph);
    wr_nn_graph_destroy(r.scratch);
    return status;
}

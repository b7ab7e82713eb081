// SPDX-License-Identifier: MIT
// A little writer of ONNX models, for tests: it writes what it is told, right
// or wrong.
//
//   onnx_model m = onnx_begin(13);
//   onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(1, 3, -1));   // -1: symbolic
//   onnx_initializer(&m, "w", ONNX_FLOAT, ONNX_DIMS(3, 1), weights);
//   onnx_node(&m, "Mul", "scale", "x w", "y");  // names, between spaces
//   onnx_node(&m, "Clip", "", "y . six", "z");  // . is an absent input
//   onnx_attr_int(&m, "axis", 1);               // of the last node
//   onnx_output(&m, "z", ONNX_FLOAT, ONNX_DIMS(1, 3, -1));
//   onnx_bytes file = onnx_end(&m);             // free(file.data)
//
// What it has no words for is put together from onnx_put_*: field numbers are
// those of ONNX's onnx.proto; m.graph, m.node and m.model are open until the
// next node, or the end.
#ifndef TEST_ONNX_H
#define TEST_ONNX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// TensorProto.DataType
enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
};

// AttributeProto.AttributeType
enum {
    ONNX_ATTR_FLOAT = 1,
    ONNX_ATTR_INT = 2,
    ONNX_ATTR_STRING = 3,
    ONNX_ATTR_TENSOR = 4,
    ONNX_ATTR_GRAPH = 5,
    ONNX_ATTR_FLOATS = 6,
    ONNX_ATTR_INTS = 7,
    ONNX_ATTR_STRINGS = 8,
};

// A shape's rank and dimensions: two arguments. ONNX_SCALAR has none; an input
// or output with ONNX_NO_SHAPE does not say.
#define ONNX_DIMS(...)                                                         \
    (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),           \
        (const int64_t[]) {                                                    \
        __VA_ARGS__                                                            \
    }
#define ONNX_SCALAR 0, NULL
#define ONNX_NO_SHAPE -1, NULL

// ---------------------------------------------------------------------------
// Protobuf

typedef struct onnx_bytes {
    uint8_t *data;
    size_t size, room;
} onnx_bytes;

static inline void onnx_put(onnx_bytes *to, const void *data, size_t size) {
    if (to->size + size > to->room) {
        to->room = 2 * (to->size + size) + 64;
        to->data = realloc(to->data, to->room);
        if (to->data == NULL)
            abort();
    }
    if (size > 0)
        memcpy(to->data + to->size, data, size);
    to->size += size;
}

static inline void onnx_put_varint(onnx_bytes *to, uint64_t value) {
    uint8_t bytes[10];
    size_t size = 0;
    for (; value >= 0x80 && size < sizeof bytes - 1; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    onnx_put(to, bytes, size);
}

static inline void onnx_put_int(onnx_bytes *to, int field, int64_t value) {
    onnx_put_varint(to, (uint64_t)field << 3);
    onnx_put_varint(to, (uint64_t)value);
}

static inline void onnx_put_float(onnx_bytes *to, int field, float value) {
    onnx_put_varint(to, (uint64_t)field << 3 | 5);
    onnx_put(to, &value, sizeof value);
}

// Also of packed numbers and messages.
static inline void onnx_put_bytes(onnx_bytes *to, int field, const void *data,
                                  size_t size) {
    onnx_put_varint(to, (uint64_t)field << 3 | 2);
    onnx_put_varint(to, size);
    onnx_put(to, data, size);
}

static inline void onnx_put_text(onnx_bytes *to, int field, const char *text) {
    onnx_put_bytes(to, field, text, strlen(text));
}

// Puts the message, and empties it.
static inline void onnx_put_message(onnx_bytes *to, int field,
                                    onnx_bytes *message) {
    onnx_put_bytes(to, field, message->data, message->size);
    free(message->data);
    *message = (onnx_bytes){0};
}

// ---------------------------------------------------------------------------
// Tensors

static inline size_t onnx_type_size(int type) {
    return type == ONNX_FLOAT || type == ONNX_INT32    ? 4
           : type == ONNX_INT64 || type == ONNX_DOUBLE ? 8
           : type == ONNX_FLOAT16                      ? 2
                                                       : 1;
}

// A TensorProto without data.
static inline onnx_bytes onnx_tensor_head(const char *name, int type, int rank,
                                          const int64_t *dims) {
    onnx_bytes tensor = {0};
    for (int i = 0; i < rank; i++)
        onnx_put_int(&tensor, 1, dims[i]);
    onnx_put_int(&tensor, 2, type);
    if (name[0] != '\0')
        onnx_put_text(&tensor, 8, name);
    return tensor;
}

// A whole TensorProto, with raw_data.
static inline onnx_bytes onnx_tensor(const char *name, int type, int rank,
                                     const int64_t *dims, const void *data) {
    onnx_bytes tensor = onnx_tensor_head(name, type, rank, dims);
    size_t size = onnx_type_size(type);
    for (int i = 0; i < rank; i++)
        size *= (size_t)dims[i];
    onnx_put_bytes(&tensor, 9, data, size);
    return tensor;
}

// ---------------------------------------------------------------------------
// Models

typedef struct onnx_model {
    onnx_bytes model; // what comes before the graph
    onnx_bytes graph;
    onnx_bytes node; // the last one, which may still get attributes
    bool node_open;
} onnx_model;

static inline onnx_model onnx_begin(int opset) {
    onnx_model m = {0};
    onnx_bytes import = {0};
    onnx_put_int(&m.model, 1, 8); // ir_version
    onnx_put_text(&import, 1, "");
    onnx_put_int(&import, 2, opset);
    onnx_put_message(&m.model, 8, &import);
    onnx_put_text(&m.graph, 2, "test");
    return m;
}

static inline void onnx_close_node(onnx_model *m) {
    if (m->node_open)
        onnx_put_message(&m->graph, 1, &m->node);
    m->node_open = false;
}

static inline void onnx_value(onnx_model *m, int field, const char *name,
                              int type, int rank, const int64_t *dims) {
    onnx_bytes info = {0}, proto = {0}, tensor = {0}, shape = {0};
    for (int i = 0; i < rank; i++) {
        onnx_bytes dim = {0};
        if (dims[i] == -1)
            onnx_put_text(&dim, 2, "N"); // dim_param
        else
            onnx_put_int(&dim, 1, dims[i]);
        onnx_put_message(&shape, 1, &dim);
    }
    onnx_put_int(&tensor, 1, type);
    if (rank >= 0)
        onnx_put_message(&tensor, 2, &shape);
    onnx_put_message(&proto, 1, &tensor);
    onnx_put_text(&info, 1, name);
    onnx_put_message(&info, 2, &proto);
    onnx_put_message(&m->graph, field, &info);
}

static inline void onnx_input(onnx_model *m, const char *name, int type,
                              int rank, const int64_t *dims) {
    onnx_value(m, 11, name, type, rank, dims);
}

static inline void onnx_output(onnx_model *m, const char *name, int type,
                               int rank, const int64_t *dims) {
    onnx_value(m, 12, name, type, rank, dims);
}

static inline void onnx_initializer(onnx_model *m, const char *name, int type,
                                    int rank, const int64_t *dims,
                                    const void *data) {
    onnx_bytes tensor = onnx_tensor(name, type, rank, dims, data);
    onnx_put_message(&m->graph, 5, &tensor);
}

// "a b c", "." is the empty name
static inline void onnx_put_names(onnx_bytes *to, int field,
                                  const char *names) {
    while (*names != '\0') {
        size_t length = strcspn(names, " ");
        bool absent = length == 1 && names[0] == '.';
        if (length > 0)
            onnx_put_bytes(to, field, names, absent ? 0 : length);
        names += length + (names[length] == ' ');
    }
}

static inline void onnx_node(onnx_model *m, const char *op, const char *name,
                             const char *inputs, const char *outputs) {
    onnx_close_node(m);
    onnx_put_names(&m->node, 1, inputs);
    onnx_put_names(&m->node, 2, outputs);
    if (name[0] != '\0')
        onnx_put_text(&m->node, 3, name);
    onnx_put_text(&m->node, 4, op);
    m->node_open = true;
}

static inline onnx_bytes onnx_end(onnx_model *m) {
    onnx_close_node(m);
    onnx_put_message(&m->model, 7, &m->graph);
    onnx_bytes file = m->model;
    *m = (onnx_model){0};
    return file;
}

// ---------------------------------------------------------------------------
// Attributes of the last node

static inline onnx_bytes onnx_attr_head(const char *name, int type) {
    onnx_bytes attr = {0};
    onnx_put_text(&attr, 1, name);
    onnx_put_int(&attr, 20, type);
    return attr;
}

static inline void onnx_attr_int(onnx_model *m, const char *name,
                                 int64_t value) {
    onnx_bytes attr = onnx_attr_head(name, ONNX_ATTR_INT);
    onnx_put_int(&attr, 3, value);
    onnx_put_message(&m->node, 5, &attr);
}

static inline void onnx_attr_float(onnx_model *m, const char *name,
                                   float value) {
    onnx_bytes attr = onnx_attr_head(name, ONNX_ATTR_FLOAT);
    onnx_put_float(&attr, 2, value);
    onnx_put_message(&m->node, 5, &attr);
}

static inline void onnx_attr_string(onnx_model *m, const char *name,
                                    const char *value) {
    onnx_bytes attr = onnx_attr_head(name, ONNX_ATTR_STRING);
    onnx_put_text(&attr, 4, value);
    onnx_put_message(&m->node, 5, &attr);
}

// onnx_attr_ints(&m, "pads", ONNX_DIMS(1, 1, 1, 1))
static inline void onnx_attr_ints(onnx_model *m, const char *name, int count,
                                  const int64_t *values) {
    onnx_bytes attr = onnx_attr_head(name, ONNX_ATTR_INTS);
    for (int i = 0; i < count; i++)
        onnx_put_int(&attr, 8, values[i]);
    onnx_put_message(&m->node, 5, &attr);
}

static inline void onnx_attr_floats(onnx_model *m, const char *name, int count,
                                    const float *values) {
    onnx_bytes attr = onnx_attr_head(name, ONNX_ATTR_FLOATS);
    for (int i = 0; i < count; i++)
        onnx_put_float(&attr, 7, values[i]);
    onnx_put_message(&m->node, 5, &attr);
}

static inline void onnx_attr_tensor(onnx_model *m, const char *name, int type,
                                    int rank, const int64_t *dims,
                                    const void *data) {
    onnx_bytes attr = onnx_attr_head(name, ONNX_ATTR_TENSOR);
    onnx_bytes tensor = onnx_tensor("", type, rank, dims, data);
    onnx_put_message(&attr, 5, &tensor);
    onnx_put_message(&m->node, 5, &attr);
}

#endif // TEST_ONNX_H

// SPDX-License-Identifier: MIT
// Operator cases of the W3C web-platform-tests for WebNN, from JSON: tensors by
// name, options, and how near a result has to be.
#ifndef TEST_WEBNN_H
#define TEST_WEBNN_H

#include <jansson.h>

#include "support/nn_ops.h"

enum { SCENE_TENSORS = 32 };

// The tensors of one case that are known so far.
typedef struct scene {
    struct {
        const char *name;
        tensor tensor;
    } known[SCENE_TENSORS];
    int count;
    const char *lacking; // why the case cannot be run, or NULL
    char text[80];       // lacking may point here
} scene;

// ---- tensors ---------------------------------------------------------------

static inline bool webnn_type(const char *name, wr_nn_type *type) {
    static const struct {
        const char *name;
        wr_nn_type type;
    } types[] = {
        {"float32", WR_NN_F32},
        {"int32", WR_NN_I32},
        {"int64", WR_NN_I64},
        {"uint8", WR_NN_BOOL}, // where it is a truth value
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return true;
        }
    return false;
}

// A number, a number as text ("NaN", "Infinity"), or {"big": "123"}.
static inline double json_number(const json_t *value) {
    if (json_is_object(value))
        value = json_object_get(value, "big");
    if (json_is_string(value))
        return strtod(json_string_value(value), NULL);
    return json_number_value(value);
}

static inline void put_number(tensor *t, size_t i, double value) {
    if (t->shape.type == WR_NN_F32)
        ((float *)t->data)[i] = (float)value;
    else if (t->shape.type == WR_NN_I32)
        ((int32_t *)t->data)[i] = (int32_t)value;
    else if (t->shape.type == WR_NN_I64)
        ((int64_t *)t->data)[i] = (int64_t)value;
    else
        ((uint8_t *)t->data)[i] = (uint8_t)value;
}

static inline bool read_tensor(scene *s, const json_t *json, tensor *out) {
    const json_t *descriptor = json_object_get(json, "descriptor");
    const char *type_name =
        json_string_value(json_object_get(descriptor, "dataType"));
    const json_t *shape = json_object_get(descriptor, "shape");
    wr_nn_type type;
    if (type_name == NULL || !webnn_type(type_name, &type)) {
        snprintf(s->text, sizeof s->text, "type %.40s",
                 type_name == NULL ? "unknown" : type_name);
        s->lacking = s->text;
        return false;
    }
    int64_t dim[WR_NN_RANK_MAX];
    size_t rank = json_array_size(shape);
    CHECK(rank <= WR_NN_RANK_MAX);
    for (size_t i = 0; i < rank; i++)
        dim[i] = json_integer_value(json_array_get(shape, i));
    *out = tensor_of(type, (int)rank, dim);
    const json_t *data = json_object_get(json, "data");
    size_t count = wr_nn_elements(&out->shape);
    bool fill = !json_is_array(data);
    CHECK(fill || json_array_size(data) == count);
    for (size_t i = 0; i < count; i++)
        put_number(out, i, json_number(fill ? data : json_array_get(data, i)));
    return true;
}

static inline void scene_add(scene *s, const char *name, tensor t) {
    CHECK(s->count < SCENE_TENSORS);
    s->known[s->count].name = name;
    s->known[s->count++].tensor = t;
}

static inline const tensor *scene_find(const scene *s, const char *name) {
    for (int i = 0; name != NULL && i < s->count; i++)
        if (strcmp(s->known[i].name, name) == 0)
            return &s->known[i].tensor;
    return NULL;
}

static inline void scene_free(scene *s) {
    for (int i = 0; i < s->count; i++)
        tensor_free(&s->known[i].tensor);
}

// ---- options ---------------------------------------------------------------

// An argument by its name: {"name": ...} of the list, or of its "options".
static inline const json_t *argument(const json_t *operator,
                                     const char * name) {
    const json_t *list = json_object_get(operator, "arguments");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const json_t *value = json_object_get(one, name);
        if (value == NULL)
            value = json_object_get(json_object_get(one, "options"), name);
        if (value != NULL)
            return value;
    }
    return NULL;
}

static inline const char *text_of(const json_t *operator, const char * name,
                                  const char *missing) {
    const json_t *value = argument(operator, name);
    return json_is_string(value) ? json_string_value(value) : missing;
}

static inline double number_of(const json_t *operator, const char * name,
                               double missing) {
    const json_t *value = argument(operator, name);
    return value == NULL ? missing : json_number(value);
}

static inline bool truth_of(const json_t *operator, const char * name,
                            bool missing) {
    const json_t *value = argument(operator, name);
    return value == NULL ? missing : json_is_true(value);
}

// A list of integers; how many, or -1 where there is none.
static inline int list_of(const json_t *operator, const char * name,
                          int64_t *out) {
    const json_t *value = argument(operator, name);
    if (!json_is_array(value))
        return -1;
    for (size_t i = 0; i < json_array_size(value); i++)
        out[i] = json_integer_value(json_array_get(value, i));
    return (int)json_array_size(value);
}

// ---- tolerance -------------------------------------------------------------

// The first element that is too far off, or -1.
static inline long too_far(const tensor *actual, const tensor *expected,
                           bool in_ulps, double tolerance) {
    size_t count = wr_nn_elements(&expected->shape);
    if (expected->shape.type != WR_NN_F32) {
        size_t size = wr_nn_type_size(expected->shape.type);
        for (size_t i = 0; i < count; i++)
            if (memcmp((const char *)actual->data + i * size,
                       (const char *)expected->data + i * size, size) != 0)
                return (long)i;
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        float a = ((const float *)actual->data)[i];
        float b = ((const float *)expected->data)[i];
        if (isnan(a) || isnan(b)) {
            if (isnan(a) != isnan(b))
                return (long)i;
            continue;
        }
        double off = in_ulps ? ulps(a, b) : fabs((double)a - (double)b);
        if (off > tolerance)
            return (long)i;
    }
    return -1;
}

#endif // TEST_WEBNN_H

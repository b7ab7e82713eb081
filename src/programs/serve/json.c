// SPDX-License-Identifier: MIT
#include "programs/serve/json.h"

#include "programs/nn/graph.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- what all have in common -----------------------------------------------

static int no_memory(wr_nn_why *why) {
    return wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
}

// The object that the bytes are, whose fields are all among `known`.
static int parse(json_t **out, const void *bytes, size_t size, wr_nn_why *why) {
    json_error_t error;
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL && json_error_code(&error) == json_error_out_of_memory)
        return no_memory(why);
    if (root == NULL)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "the body is not JSON: line %d, column %d: %.160s",
                            error.line, error.column, error.text);
    *out = root;
    return 0;
}

static int check_fields(const json_t *object, const char *what,
                        const char *const *known, wr_nn_why *why) {
    if (!json_is_object(object))
        return wr_nn_refuse(why, -EINVAL, NULL, "%s is not an object", what);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        size_t i = 0;
        char text[160] = "";
        size_t used = 0;
        for (; known[i] != NULL && strcmp(known[i], key) != 0; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %s",
                                     known[i]);
        if (known[i] == NULL)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "%s has a field '%.60s'; it may have%s", what,
                                key, text);
    }
    return 0;
}

static int check_name(const json_t *value, const char *what, wr_nn_why *why) {
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > WR_WIRE_NAME_MAX)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s is not a string of 1 to %d bytes", what,
                            WR_WIRE_NAME_MAX);
    return 0;
}

// ---- shapes ----------------------------------------------------------------

// type (may be NULL: float32) and shape, as they are in an object.
static int get_shape(wr_nn_shape *out, const json_t *object, const char *what,
                     size_t tensor_bytes, wr_nn_why *why) {
    *out = (wr_nn_shape){.type = WR_NN_F32};
    const json_t *type = json_object_get(object, "type");
    if (type != NULL)
        out->type = json_is_string(type)
                        ? wr_wire_type(json_string_value(type),
                                       json_string_length(type))
                        : WR_NN_NONE;
    if (out->type == WR_NN_NONE)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s: the types are float32, int32, int64, bool",
                            what);
    const json_t *shape = json_object_get(object, "shape");
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s: shape is not a list of at most %d numbers",
                            what, WR_NN_RANK_MAX);
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim))
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "%s: dimension %zu is not a whole number", what,
                                i);
        out->dim[i] = json_integer_value(dim);
    }
    out->rank = (int)rank;
    return wr_wire_check(out, tensor_bytes, what, why);
}

// ---- data ------------------------------------------------------------------

static bool put_number(void *out, wr_nn_type type, size_t i,
                       const json_t *value) {
    if (type == WR_NN_BOOL && json_is_boolean(value)) {
        ((uint8_t *)out)[i] = json_is_true(value);
        return true;
    }
    if (type == WR_NN_F32) {
        double number = json_number_value(value);
        float single = (float)number;
        ((float *)out)[i] = single;
        return json_is_number(value) && isfinite(single);
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value))
        return false;
    if (type == WR_NN_I64)
        ((int64_t *)out)[i] = number;
    else if (type == WR_NN_I32)
        ((int32_t *)out)[i] = (int32_t)number;
    else
        ((uint8_t *)out)[i] = (uint8_t)number;
    return type == WR_NN_I64 ||
           (type == WR_NN_I32 && number >= INT32_MIN && number <= INT32_MAX) ||
           (type == WR_NN_BOOL && (number == 0 || number == 1));
}

static int get_data(void **out, const json_t *data, const wr_nn_shape *shape,
                    const char *what, wr_nn_why *why) {
    size_t count = wr_nn_elements(shape);
    if (!json_is_array(data))
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s: data is not a list of numbers", what);
    if (json_array_size(data) != count)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s: data has %zu numbers, its shape has %zu "
                            "(data is flat)",
                            what, json_array_size(data), count);
    size_t bytes = wr_nn_bytes(shape);
    bytes = (bytes + WR_NN_ALIGN - 1) / WR_NN_ALIGN * WR_NN_ALIGN;
    *out = aligned_alloc(WR_NN_ALIGN, bytes);
    if (*out == NULL)
        return no_memory(why);
    for (size_t i = 0; i < count; i++)
        if (!put_number(*out, shape->type, i, json_array_get(data, i)))
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "%s: data[%zu] is not a number of type %s",
                                what, i, wr_nn_type_name(shape->type));
    return 0;
}

// ---- inputs ----------------------------------------------------------------

static int get_input(wr_tensors *out, const json_t *input, int index,
                     bool need_data, size_t tensor_bytes, char **names,
                     wr_nn_why *why) {
    static const char *const fields[] = {"name", "shape", "type", "data", NULL};
    wr_infer_tensor *tensor = &out->tensor[index];
    char what[32];
    snprintf(what, sizeof(what), "inputs[%d]", index);
    int error = check_fields(input, what, fields, why);
    if (error != 0)
        return error;
    const json_t *name = json_object_get(input, "name");
    if (name != NULL) {
        char text[64];
        snprintf(text, sizeof(text), "%s: name", what);
        error = check_name(name, text, why);
        if (error != 0)
            return error;
        size_t length = json_string_length(name);
        memcpy(*names, json_string_value(name), length + 1);
        tensor->name = *names;
        *names += length + 1;
    }
    error = get_shape(&tensor->shape, input, what, tensor_bytes, why);
    if (error != 0)
        return error;
    const json_t *data = json_object_get(input, "data");
    if (data == NULL && !need_data)
        return 0;
    error = get_data(&out->data[index], data, &tensor->shape, what, why);
    tensor->data = out->data[index];
    return error;
}

static int get_inputs(wr_tensors *out, const json_t *inputs, bool need_data,
                      size_t tensor_bytes, wr_nn_why *why) {
    size_t count = json_array_size(inputs);
    if (!json_is_array(inputs) || count > WR_TENSORS_MAX)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "inputs is not a list of at most %d tensors",
                            WR_TENSORS_MAX);
    out->tensor = calloc(count + 1, sizeof(*out->tensor));
    out->names = malloc((count + 1) * (WR_WIRE_NAME_MAX + 1));
    if (out->tensor == NULL || out->names == NULL)
        return no_memory(why);
    char *names = out->names;
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = get_input(out, json_array_get(inputs, i), (int)i, need_data,
                          tensor_bytes, &names, why);
        out->count = (int)i + 1;
    }
    return error;
}

int wr_json_infer(wr_tensors *out, const void *bytes, size_t size,
                  size_t tensor_bytes, wr_nn_why *why) {
    static const char *const fields[] = {"inputs", NULL};
    memset(out, 0, sizeof(*out));
    json_t *root;
    int error = parse(&root, bytes, size, why);
    if (error != 0)
        return error;
    error = check_fields(root, "the body", fields, why);
    if (error == 0)
        error = get_inputs(out, json_object_get(root, "inputs"), true,
                           tensor_bytes, why);
    json_decref(root);
    return error;
}

int wr_json_graph(wr_graph_request *out, const void *bytes, size_t size,
                  size_t tensor_bytes, wr_nn_why *why) {
    static const char *const fields[] = {"model", "inputs", "key", NULL};
    memset(out, 0, sizeof(*out));
    json_t *root;
    int error = parse(&root, bytes, size, why);
    if (error != 0)
        return error;
    error = check_fields(root, "the body", fields, why);
    const json_t *model = json_object_get(root, "model");
    const json_t *key = json_object_get(root, "key");
    if (error == 0)
        error = check_name(model, "model", why);
    if (error == 0 && key != NULL)
        error = check_name(key, "key", why);
    if (error == 0) {
        out->model = strdup(json_string_value(model));
        out->key = key != NULL ? strdup(json_string_value(key)) : NULL;
        if (out->model == NULL || (key != NULL && out->key == NULL))
            error = no_memory(why);
    }
    if (error == 0)
        error = get_inputs(&out->inputs, json_object_get(root, "inputs"), false,
                           tensor_bytes, why);
    json_decref(root);
    return error;
}

void wr_graph_request_free(wr_graph_request *request) {
    free(request->model);
    free(request->key);
    wr_tensors_free(&request->inputs);
    memset(request, 0, sizeof(*request));
}

int wr_json_tensor(wr_nn_shape *out, const void *bytes, size_t size,
                   size_t tensor_bytes, wr_nn_why *why) {
    static const char *const fields[] = {"type", "shape", NULL};
    json_t *root;
    int error = parse(&root, bytes, size, why);
    if (error != 0)
        return error;
    error = check_fields(root, "the body", fields, why);
    if (error == 0)
        error = get_shape(out, root, "the tensor", tensor_bytes, why);
    json_decref(root);
    return error;
}

// ---- dispatches ------------------------------------------------------------

static int get_id(uint64_t *out, const json_t *value, const char *what,
                  wr_nn_why *why) {
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s is not an id (a number from 1 on)", what);
    *out = (uint64_t)json_integer_value(value);
    return 0;
}

static int get_binds(wr_bind *out, int *count, json_t *object, const char *what,
                     char **names, wr_nn_why *why) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        size_t length = strlen(name);
        char text[100];
        if (length == 0 || length > WR_WIRE_NAME_MAX)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "%s: a name has 1 to %d bytes", what,
                                WR_WIRE_NAME_MAX);
        snprintf(text, sizeof(text), "%s: the tensor of '%.60s'", what, name);
        int error = get_id(&out[*count].tensor, value, text, why);
        if (error != 0)
            return error;
        memcpy(*names, name, length + 1);
        out[*count].name = *names;
        *names += length + 1;
        ++*count;
    }
    return 0;
}

static int dispatch(wr_dispatch_request *out, const json_t *root,
                    wr_nn_why *why) {
    static const char *const fields[] = {"graph", "inputs", "outputs", NULL};
    int error = check_fields(root, "the body", fields, why);
    if (error != 0)
        return error;
    error = get_id(&out->graph, json_object_get(root, "graph"), "graph", why);
    if (error != 0)
        return error;
    json_t *inputs = json_object_get(root, "inputs");
    json_t *outputs = json_object_get(root, "outputs");
    size_t in = json_object_size(inputs), to = json_object_size(outputs);
    if (!json_is_object(inputs) || !json_is_object(outputs) ||
        in > WR_TENSORS_MAX || to > WR_TENSORS_MAX)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "inputs and outputs are objects of at most %d "
                            "names, each with a tensor's id",
                            WR_TENSORS_MAX);
    out->inputs = calloc(in + to + 1, sizeof(*out->inputs));
    out->names = malloc((in + to + 1) * (WR_WIRE_NAME_MAX + 1));
    if (out->inputs == NULL || out->names == NULL)
        return no_memory(why);
    out->outputs = out->inputs + in;
    char *names = out->names;
    error = get_binds(out->inputs, &out->inputs_count, inputs, "inputs", &names,
                      why);
    if (error != 0)
        return error;
    return get_binds(out->outputs, &out->outputs_count, outputs, "outputs",
                     &names, why);
}

int wr_json_dispatch(wr_dispatch_request *out, const void *bytes, size_t size,
                     wr_nn_why *why) {
    memset(out, 0, sizeof(*out));
    json_t *root;
    int error = parse(&root, bytes, size, why);
    if (error != 0)
        return error;
    error = dispatch(out, root, why);
    json_decref(root);
    return error;
}

void wr_dispatch_request_free(wr_dispatch_request *request) {
    free(request->inputs);
    free(request->names);
    memset(request, 0, sizeof(*request));
}

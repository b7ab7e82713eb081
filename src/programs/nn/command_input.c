// SPDX-License-Identifier: MIT
//
// From "--input NAME=..." to memory with the right bytes.
#include "programs/nn/command.h"

#include "base/random.h"
#include "programs/nn/graph.h"
#include "programs/nn/npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct source {
    const wr_nn_given *given; // NULL: not given
    wr_nn_shape shape;        // of the command line; rank -1: none there
} source;

// "1x3x48x320" or "1,3,48,320"; "" is a scalar. False: no shape.
static bool parse_shape(wr_nn_shape *shape, const char *text, size_t length) {
    shape->rank = 0;
    for (size_t i = 0; i < length;) {
        int64_t dim = 0;
        size_t begin = i;
        for (; i < length && text[i] >= '0' && text[i] <= '9'; i++)
            if (__builtin_mul_overflow(dim, 10, &dim) ||
                __builtin_add_overflow(dim, text[i] - '0', &dim))
                return false;
        if (i == begin || dim == 0 || shape->rank == WR_NN_RANK_MAX)
            return false;
        shape->dim[shape->rank++] = dim;
        if (i == length)
            break;
        if ((text[i] != 'x' && text[i] != ',') || ++i == length)
            return false;
    }
    return true;
}

// Whether LEFT is "NAME" or "NAME:SHAPE"; names may contain colons.
static bool fits(source *s, const wr_nn_given *given, const char *name) {
    size_t length = strlen(name);
    if (given->left < length || memcmp(given->whole, name, length) != 0)
        return false;
    s->given = given;
    s->shape.rank = -1;
    if (given->left == length)
        return true;
    return given->whole[length] == ':' &&
           parse_shape(&s->shape, given->whole + length + 1,
                       given->left - length - 1);
}

static int match(source *sources, const wr_nn_graph *model,
                 const wr_nn_options *options, wr_nn_why *why) {
    for (int g = 0; g < options->inputs; g++) {
        const wr_nn_given *given = &options->input[g];
        int found = -1;
        source s;
        for (int i = 0; i < model->inputs && found < 0; i++)
            if (fits(&s, given, model->value[model->input[i]].name))
                found = i;
        if (found < 0)
            return wr_nn_refuse(
                why, -EINVAL, NULL,
                "the model has no input '%.*s', nor is it NAME:SHAPE; the "
                "first input is '%.96s'",
                given->left > 96 ? 96 : (int)given->left, given->whole,
                model->inputs == 0 ? "(none)"
                                   : model->value[model->input[0]].name);
        if (sources[found].given != NULL)
            return wr_nn_refuse(why, -EINVAL, NULL, "input '%.96s' twice",
                                model->value[model->input[found]].name);
        sources[found] = s;
    }
    return 0;
}

// ---- made up ---------------------------------------------------------------

static bool is_word(const char *text, const char *word, const char **rest) {
    size_t length = strlen(word);
    if (strncmp(text, word, length) != 0 ||
        (text[length] != '\0' && text[length] != ':'))
        return false;
    *rest = text[length] == ':' ? text + length + 1 : NULL;
    return true;
}

static void fill(void *data, const wr_nn_shape *shape, char how,
                 uint64_t seed) {
    size_t count = wr_nn_elements(shape);
    for (size_t i = 0; i < count; i++) {
        int64_t whole = how == 'o';
        float real =
            how == 'r'
                ? (float)(wr_random_next(&seed) >> 40) / (float)(1 << 23) - 1
                : (float)whole;
        switch (shape->type) {
        case WR_NN_F32: ((float *)data)[i] = real; break;
        case WR_NN_I32: ((int32_t *)data)[i] = (int32_t)whole; break;
        case WR_NN_I64: ((int64_t *)data)[i] = whole; break;
        case WR_NN_BOOL: ((uint8_t *)data)[i] = (uint8_t)whole; break;
        case WR_NN_F64:
        case WR_NN_NONE: break;
        }
    }
}

// make: random, zeros, ones. 1: it is none of these but a file.
static int make(wr_nn_binding *out, void **data, const source *s,
                const wr_nn_value *wanted, const wr_nn_options *options,
                const wr_nn_limits *limits, uint64_t salt, wr_nn_why *why) {
    const char *rest;
    if (!is_word(s->given->right, "random", &rest) &&
        !is_word(s->given->right, "zeros", &rest) &&
        !is_word(s->given->right, "ones", &rest))
        return 1;
    char how = s->given->right[0];
    wr_nn_shape shape = s->shape.rank >= 0 ? s->shape : wanted->shape;
    shape.type = wanted->shape.type;
    if (rest != NULL && !parse_shape(&shape, rest, strlen(rest)))
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "input '%.96s': '%s' is no shape such as 1x3x48",
                            wanted->name, rest);
    char text[WR_NN_SHAPE_TEXT];
    wr_nn_shape_text(text, &shape);
    size_t bytes = wr_nn_bytes(&shape);
    if (!wr_nn_known(&shape))
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "input '%.96s' is %s: say its shape, such as "
                            "%.96s=%s:1x3x48",
                            wanted->name, text, wanted->name, s->given->right);
    if (bytes > limits->tensor_max)
        return wr_nn_refuse(why, -E2BIG, NULL, "input '%.96s': %s is too large",
                            wanted->name, text);
    if (how == 'r' && shape.type != WR_NN_F32)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "input '%.96s' is %s: only float32 can be random",
                            wanted->name, text);
    *data = malloc(bytes + 1);
    if (*data == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory for input '%.96s'",
                            wanted->name);
    out->shape = shape;
    fill(*data, &shape, how, options->seed * 1000003 + salt);
    return 0;
}

// ---- from files ------------------------------------------------------------

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static int read_npy(wr_nn_binding *out, void **data, uint8_t *bytes,
                    size_t size, wr_nn_why *why) {
    size_t offset;
    int status = wr_nn_npy_read(&out->shape, &offset, bytes, size, why);
    if (status != 0)
        return status;
    // A byte that is neither 0 nor 1 would be taken for true here, not there.
    if (out->shape.type == WR_NN_BOOL)
        for (size_t i = offset; i < size; i++)
            bytes[i] = bytes[i] != 0;
    *data = malloc(size - offset + 1);
    if (*data == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
    memcpy(*data, bytes + offset, size - offset);
    return 0;
}

static int read_raw(wr_nn_binding *out, void **data, const uint8_t *bytes,
                    size_t size, const source *s, const wr_nn_value *wanted,
                    wr_nn_why *why) {
    out->shape = s->shape.rank >= 0 ? s->shape : wanted->shape;
    out->shape.type = wanted->shape.type;
    char text[WR_NN_SHAPE_TEXT];
    wr_nn_shape_text(text, &out->shape);
    if (!wr_nn_known(&out->shape))
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "raw bytes need a shape, such as "
                            "%.96s:1x3x48=FILE; the model says %s",
                            wanted->name, text);
    if (wr_nn_bytes(&out->shape) != size)
        return wr_nn_refuse(why, -EINVAL, NULL, "%zu bytes, but %s has %zu",
                            size, text, wr_nn_bytes(&out->shape));
    *data = malloc(size + 1);
    if (*data == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
    memcpy(*data, bytes, size);
    return 0;
}

static int from_file(wr_nn_binding *out, void **data, const source *s,
                     const wr_nn_value *wanted, const wr_nn_limits *limits,
                     wr_nn_why *why) {
    const char *path = s->given->right;
    void *bytes;
    size_t size;
    int status = wr_nn_file_read(path, limits->tensor_max, &bytes, &size, why);
    if (status != 0)
        return status;
    wr_nn_why inner;
    if (ends_with(path, ".npy"))
        status = read_npy(out, data, bytes, size, &inner);
    else if (ends_with(path, ".pb"))
        status = wr_nn_onnx_tensor(&out->shape, data, bytes, size, &inner);
    else
        status = read_raw(out, data, bytes, size, s, wanted, &inner);
    free(bytes);
    if (status != 0)
        return wr_nn_refuse(why, -EBADMSG, NULL, "%s: %s", path, inner.text);
    if (s->shape.rank >= 0) {
        wr_nn_shape said = s->shape;
        said.type = out->shape.type;
        char text[WR_NN_SHAPE_TEXT];
        if (!wr_nn_same_shape(&said, &out->shape))
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "%s: the file is %s, the command line says "
                                "something else",
                                path, wr_nn_shape_text(text, &out->shape));
    }
    return 0;
}

// ---- all -------------------------------------------------------------------

static int read_one(wr_nn_inputs *out, int i, const source *s,
                    const wr_nn_graph *model, const wr_nn_options *options,
                    const wr_nn_limits *limits, wr_nn_why *why) {
    const wr_nn_value *wanted = &model->value[model->input[i]];
    wr_nn_binding *binding = &out->binding[i];
    char text[2][WR_NN_SHAPE_TEXT];
    wr_nn_shape_text(text[0], &wanted->shape);
    if (s->given == NULL)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "input '%.96s', %s, is not given (--input "
                            "%.96s=FILE, or =random)",
                            wanted->name, text[0], wanted->name);
    int status = make(binding, &out->data[i], s, wanted, options, limits,
                      (uint64_t)i, why);
    if (status == 1)
        status = from_file(binding, &out->data[i], s, wanted, limits, why);
    if (status != 0)
        return status;
    if (binding->shape.type != wanted->shape.type ||
        wr_nn_elements(&binding->shape) == 0)
        return wr_nn_refuse(
            why, -EINVAL, NULL, "%s is %s, but input '%.96s' is %s",
            s->given->right, wr_nn_shape_text(text[1], &binding->shape),
            wanted->name, text[0]);
    if (binding->shape.type != WR_NN_F32)
        binding->data = out->data[i];
    return 0;
}

int wr_nn_inputs_read(wr_nn_inputs *out, const wr_nn_graph *model,
                      const wr_nn_options *options, const wr_nn_limits *limits,
                      wr_nn_why *why) {
    size_t count = (size_t)model->inputs;
    source *sources = calloc(count + 1, sizeof(*sources));
    out->binding = calloc(count + 1, sizeof(*out->binding));
    out->data = calloc(count + 1, sizeof(*out->data));
    out->count = model->inputs;
    int status = 0;
    if (sources == NULL || out->binding == NULL || out->data == NULL)
        status = wr_nn_refuse(why, -ENOMEM, NULL, "no memory");
    if (status == 0)
        status = match(sources, model, options, why);
    for (int i = 0; i < model->inputs && status == 0; i++)
        status = read_one(out, i, &sources[i], model, options, limits, why);
    free(sources);
    if (status != 0)
        wr_nn_inputs_free(out);
    return status;
}

void wr_nn_inputs_free(wr_nn_inputs *inputs) {
    for (int i = 0; inputs->data != NULL && i < inputs->count; i++)
        free(inputs->data[i]);
    free(inputs->data);
    free(inputs->binding);
    *inputs = (wr_nn_inputs){.binding = NULL};
}

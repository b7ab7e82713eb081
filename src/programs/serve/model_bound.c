// SPDX-License-Identifier: MIT
//
// Inputs as somebody gives them, put into a model's order and checked.
#include "base/fault.h"
#include "programs/nn/graph.h"
#include "programs/serve/types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *said(const wr_infer_tensor *input, int place,
                        char text[96]) {
    if (input->name != NULL)
        snprintf(text, 96, "input '%.64s'", input->name);
    else
        snprintf(text, 96, "input %d", place);
    return text;
}

static bool shape_good(const wr_nn_shape *shape, size_t limit) {
    if (wr_nn_type_size(shape->type) == 0 || shape->rank < 0 ||
        shape->rank > WR_NN_RANK_MAX)
        return false;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 1)
            return false;
    return wr_nn_bytes(shape) <= limit;
}

int wr_shape_check(const wr_nn_shape *shape, size_t limit, const char *what,
                   wr_nn_why *why) {
    if (shape_good(shape, limit))
        return 0;
    if (wr_nn_type_size(shape->type) == 0 || shape->rank < 0 ||
        shape->rank > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "%s has no type or rank that there is", what);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 1)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "%s: dimension %d is %lld, not 1 or more", what,
                                i, (long long)shape->dim[i]);
    return wr_nn_refuse(why, -E2BIG, NULL,
                        "%s takes more than %zu bytes, the most for %s", what,
                        limit, wr_nn_type_name(shape->type));
}

int wr_bound_check(const wr_service *service, const wr_infer_tensor *inputs,
                   int count, bool values, wr_nn_why *why) {
    if (count < 0 || count > WR_NN_ARGS_MAX || (inputs == NULL && count > 0))
        return wr_nn_refuse(why, -EINVAL, NULL, "%d inputs; 0 to %d can be",
                            count, WR_NN_ARGS_MAX);
    size_t integers = 0;
    for (int i = 0; i < count; i++) {
        char what[96];
        bool floats = inputs[i].shape.type == WR_NN_F32;
        size_t limit = floats ? service->options.tensor_bytes : WR_INTEGERS_MAX;
        if (!shape_good(&inputs[i].shape, limit))
            return wr_shape_check(&inputs[i].shape, limit,
                                  said(&inputs[i], i, what), why);
        integers += floats ? 0 : wr_nn_bytes(&inputs[i].shape);
        if (integers > WR_INTEGERS_MAX)
            return wr_nn_refuse(why, -E2BIG, NULL,
                                "integer inputs take more than %d bytes",
                                WR_INTEGERS_MAX);
        if (inputs[i].data == NULL && (values || !floats))
            return wr_nn_refuse(why, -EINVAL, NULL, "%s has no values",
                                said(&inputs[i], i, what));
    }
    return 0;
}

// The model's input that `input` means, or -1.
static int input_place(const wr_nn_graph *graph, const wr_infer_tensor *input,
                       int position) {
    if (input->name == NULL)
        return position < graph->inputs ? position : -1;
    for (int i = 0; i < graph->inputs; i++)
        if (strcmp(graph->value[graph->input[i]].name, input->name) == 0)
            return i;
    return -1;
}

static int fits(const wr_nn_value *value, const wr_nn_shape *shape,
                wr_nn_why *why) {
    const wr_nn_shape *wanted = &value->shape;
    bool same = wanted->type == shape->type &&
                (wanted->rank == -1 || wanted->rank == shape->rank);
    for (int i = 0; same && i < wanted->rank; i++)
        same = wanted->dim[i] == -1 || wanted->dim[i] == shape->dim[i];
    if (same)
        return 0;
    char want[WR_NN_SHAPE_TEXT], have[WR_NN_SHAPE_TEXT];
    return wr_nn_refuse(why, -EINVAL, NULL, "input '%.64s' is %s, not %s",
                        value->name, wr_nn_shape_text(want, wanted),
                        wr_nn_shape_text(have, shape));
}

static size_t round_up(size_t bytes) { return (bytes + 15) / 16 * 16; }

static wr_bound *bound_create(int count, size_t integers) {
    size_t rows = (size_t)count;
    wr_bound *bound = wr_calloc(
        1, round_up(sizeof(*bound)) + round_up(rows * sizeof(bound->data[0])) +
               round_up(rows * sizeof(bound->bind[0])) + integers);
    if (bound == NULL)
        return NULL;
    unsigned char *at = (unsigned char *)bound + round_up(sizeof(*bound));
    bound->data = (const void **)(void *)at;
    at += round_up(rows * sizeof(bound->data[0]));
    bound->bind = (wr_nn_binding *)(void *)at;
    bound->count = count;
    return bound;
}

// Behind the bindings.
static unsigned char *bound_integers(wr_bound *bound) {
    return (unsigned char *)bound->bind +
           round_up((size_t)bound->count * sizeof(bound->bind[0]));
}

static void bound_fill(wr_bound *bound, int place, const wr_nn_shape *shape,
                       const void *data, unsigned char **integers) {
    bound->bind[place].shape = *shape;
    if (shape->type == WR_NN_F32) {
        bound->data[place] = data;
        return;
    }
    size_t bytes = wr_nn_bytes(shape);
    memcpy(*integers, data, bytes);
    bound->bind[place].data = *integers;
    *integers += round_up(bytes);
    bound->integers = true;
}

int wr_bound_make(wr_bound **out, const wr_model *model,
                  const wr_infer_tensor *inputs, int count, wr_nn_why *why) {
    const wr_nn_graph *graph = model->graph;
    const wr_infer_tensor *given[WR_NN_ARGS_MAX] = {NULL};
    if (graph->inputs > WR_NN_ARGS_MAX)
        return wr_nn_refuse(why, -ENOTSUP, NULL, "the model has %d inputs",
                            graph->inputs);
    size_t integers = 0;
    for (int i = 0; i < count; i++) {
        char what[96];
        int place = input_place(graph, &inputs[i], i);
        if (place < 0 || given[place] != NULL)
            return wr_nn_refuse(
                why, -EINVAL, NULL, "%s %s", said(&inputs[i], i, what),
                place < 0 ? "is not one of the model's" : "is given twice");
        int error =
            fits(&graph->value[graph->input[place]], &inputs[i].shape, why);
        if (error != 0)
            return error;
        given[place] = &inputs[i];
        if (inputs[i].shape.type != WR_NN_F32)
            integers += round_up(wr_nn_bytes(&inputs[i].shape));
    }
    for (int i = 0; i < graph->inputs; i++)
        if (given[i] == NULL)
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "the model's input '%.64s' is not given",
                                graph->value[graph->input[i]].name);
    wr_bound *bound = bound_create(graph->inputs, integers);
    if (bound == NULL) {
        *why = wr_no_memory;
        return -ENOMEM;
    }
    unsigned char *at = bound_integers(bound);
    for (int i = 0; i < graph->inputs; i++)
        bound_fill(bound, i, &given[i]->shape, given[i]->data, &at);
    *out = bound;
    return 0;
}

wr_bound *wr_bound_copy(const wr_bound *bound, int64_t items) {
    size_t integers = 0;
    for (int i = 0; i < bound->count; i++)
        if (bound->bind[i].data != NULL)
            integers += round_up(wr_nn_bytes(&bound->bind[i].shape));
    wr_bound *copy = bound_create(bound->count, integers);
    if (copy == NULL)
        return NULL;
    unsigned char *at = bound_integers(copy);
    for (int i = 0; i < bound->count; i++) {
        const wr_nn_binding *bind = &bound->bind[i];
        bound_fill(copy, i, &bind->shape, bind->data, &at);
        if (items > 1)
            copy->bind[i].shape.dim[0] = items;
    }
    return copy;
}

void wr_bound_free(wr_bound *bound) { wr_free(bound); }

wr_infer_tensor *wr_inputs_copy(const wr_infer_tensor *inputs, int count) {
    size_t bytes = round_up(((size_t)count + 1) * sizeof(*inputs));
    for (int i = 0; i < count; i++) {
        if (inputs[i].name != NULL)
            bytes += round_up(strlen(inputs[i].name) + 1);
        if (inputs[i].shape.type != WR_NN_F32)
            bytes += round_up(wr_nn_bytes(&inputs[i].shape));
    }
    unsigned char *at = wr_calloc(1, bytes);
    wr_infer_tensor *copy = (wr_infer_tensor *)(void *)at;
    if (copy == NULL)
        return NULL;
    at += round_up(((size_t)count + 1) * sizeof(*inputs));
    for (int i = 0; i < count; i++) {
        copy[i].shape = inputs[i].shape;
        if (inputs[i].name != NULL) {
            copy[i].name = (const char *)at;
            strcpy((char *)at, inputs[i].name);
            at += round_up(strlen(inputs[i].name) + 1);
        }
        if (inputs[i].shape.type != WR_NN_F32) {
            copy[i].data = at;
            memcpy(at, inputs[i].data, wr_nn_bytes(&inputs[i].shape));
            at += round_up(wr_nn_bytes(&inputs[i].shape));
        }
    }
    return copy;
}

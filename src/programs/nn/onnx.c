// SPDX-License-Identifier: MIT
//
// From bytes to a checked graph. The file is unpacked as a whole into a scratch
// graph's memory, with a ceiling; large weights then change hands instead of
// being copied, so reading needs little more than the weights' size.
#include "programs/nn/onnx.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/nn/graph.h"
#include "programs/nn/onnx_read.h"
#include "programs/nn/ops.h"

enum { IR_FROM = 3, IR_TO = 10, OPSET_FROM = 7, OPSET_TO = 21 };

static int out_of_memory(const wr_nn_reader *r) {
    return wr_nn_refuse(r->why, -ENOMEM, NULL, "out of memory");
}

// ---------------------------------------------------------------------------
// Unpacking

// A few bytes of a file can ask for much memory (an empty node has two): this
// is what holds it back. Nothing is given back before all is.
static void *scratch_allocate(void *context, size_t size) {
    wr_nn_reader *r = context;
    size_t used = wr_nn_graph_bytes(r->scratch);
    if (used > r->scratch_max || size > r->scratch_max - used) {
        r->scratch_status = -E2BIG;
        return NULL;
    }
    void *memory = wr_nn_allocate(r->scratch, size);
    if (memory == NULL)
        r->scratch_status = -ENOMEM;
    return memory;
}

static void scratch_free(void *context, void *data) {
    (void)context;
    (void)data;
}

// What an honest file may need: its bytes once more, a quarter of that for
// lengths and pointers, or, where it is small, what its small messages become.
static size_t ceiling(size_t bytes_max, size_t size) {
    size_t most = SIZE_MAX, spare = (size_t)1 << 20;
    if (size < SIZE_MAX / 64)
        most = 64 * size;
    if (bytes_max < SIZE_MAX / 2 && bytes_max + bytes_max / 4 < most)
        most = bytes_max + bytes_max / 4;
    return most < SIZE_MAX - spare ? most + spare : SIZE_MAX;
}

int wr_nn_onnx_unpack(wr_nn_reader *r, ProtobufCMessage **out,
                      const ProtobufCMessageDescriptor *kind, const void *bytes,
                      size_t size) {
    size_t most = r->limits->bytes_max;
    if (size > most)
        return wr_nn_refuse(r->why, -E2BIG, NULL,
                            "%zu bytes of model, the limit is %zu", size, most);
    if (size == 0)
        return wr_nn_refuse(r->why, -EINVAL, NULL, "an empty file");
    r->scratch_max = ceiling(most, size);
    r->scratch = wr_nn_graph_create(NULL);
    if (r->scratch == NULL)
        return out_of_memory(r);
    ProtobufCAllocator allocator = {scratch_allocate, scratch_free, r};
    *out = protobuf_c_message_unpack(kind, &allocator, size, bytes);
    if (*out != NULL)
        return 0;
    if (r->scratch_status == -ENOMEM)
        return out_of_memory(r);
    if (r->scratch_status != 0)
        return wr_nn_refuse(r->why, -E2BIG, NULL,
                            "it would need more than %zu bytes of memory",
                            r->scratch_max);
    return wr_nn_refuse(r->why, -EINVAL, NULL,
                        "not an ONNX model, or a damaged one");
}

// ---------------------------------------------------------------------------
// The model

static bool is_standard(const char *domain) {
    return domain == NULL || domain[0] == '\0' ||
           strcmp(domain, "ai.onnx") == 0;
}

static int read_opset(wr_nn_reader *r, const Onnx__Model *model) {
    int64_t opset = 0;
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSet *one = model->opset_import[i];
        if (!is_standard(one->domain))
            continue; // a node of it would be refused
        if (opset != 0)
            return wr_nn_refuse(r->why, -EINVAL, NULL,
                                "the operator set is imported twice");
        opset = one->version;
        if (opset < OPSET_FROM || opset > OPSET_TO)
            return wr_nn_refuse(r->why, opset <= 0 ? -EINVAL : -ENOTSUP, NULL,
                                "opset %" PRId64 " is not between %d and %d",
                                opset, OPSET_FROM, OPSET_TO);
    }
    // One that has others alone may be right, but every node is theirs.
    if (opset == 0)
        return wr_nn_refuse(
            r->why, model->n_opset_import > 0 ? -ENOTSUP : -EINVAL, NULL,
            "the model does not import ONNX's own operator set");
    r->graph->opset = (int)opset;
    return 0;
}

static int check_model(wr_nn_reader *r, const Onnx__Model *model) {
    int64_t version = model->ir_version;
    if (!model->has_ir_version || model->graph == NULL)
        return wr_nn_refuse(r->why, -EINVAL, NULL, "not an ONNX model: no %s",
                            model->graph == NULL ? "graph" : "version");
    if (version < IR_FROM || version > IR_TO)
        return wr_nn_refuse(r->why, version <= 0 ? -EINVAL : -ENOTSUP, NULL,
                            "ONNX's format %" PRId64
                            " is not between %d and %d",
                            version, IR_FROM, IR_TO);
    const Onnx__Graph *graph = model->graph;
    if (graph->n_sparse_initializer > 0)
        return wr_nn_refuse(r->why, -ENOTSUP, NULL,
                            "sparse constants are not supported");
    if (graph->n_node > (size_t)r->limits->nodes_max)
        return wr_nn_refuse(r->why, -E2BIG, NULL, "%zu nodes, the limit is %d",
                            graph->n_node, r->limits->nodes_max);
    return read_opset(r, model);
}

// ---------------------------------------------------------------------------
// Values

// The value of that name: a new one if there is none yet, since a node may come
// before those that it needs.
static int value_named(wr_nn_reader *r, const char *name) {
    int value = wr_nn_names_get(&r->names, name);
    if (value >= 0)
        return value;
    if (r->graph->values >= r->limits->values_max)
        return wr_nn_refuse(r->why, -E2BIG, NULL, "more than %d values",
                            r->limits->values_max);
    value = wr_nn_value_add(r->graph, name, NULL, NULL);
    // The graph's own copy of the name stays where it is.
    if (value < 0 ||
        wr_nn_names_put(&r->names, r->graph->value[value].name, value) < 0)
        return out_of_memory(r);
    return value;
}

static int read_initializer(wr_nn_reader *r, Onnx__Tensor *tensor) {
    const char *name = tensor->name;
    if (name == NULL || name[0] == '\0')
        return wr_nn_refuse(r->why, -EINVAL, NULL, "a constant has no name");
    if (wr_nn_names_get(&r->names, name) >= 0)
        return wr_nn_refuse(r->why, -EINVAL, NULL,
                            "two constants are called '%.200s'", name);
    int value = value_named(r, name);
    if (value < 0)
        return value;
    wr_nn_shape shape;
    void *data;
    int status = wr_nn_onnx_tensor_read(r, &shape, &data, tensor, NULL);
    if (status != 0)
        return status;
    r->graph->value[value].shape = shape;
    r->graph->value[value].data = data;
    return 0;
}

// "input 'x'"
typedef struct end {
    const char *what, *name;
} end;

static int read_dims(wr_nn_reader *r, wr_nn_shape *shape,
                     const Onnx__Shape *from, const end *e) {
    if (from->n_dim > WR_NN_RANK_MAX)
        return wr_nn_refuse(r->why, -ENOTSUP, NULL,
                            "%s '%.120s' has %zu dimensions, the limit is %d",
                            e->what, e->name, from->n_dim, WR_NN_RANK_MAX);
    shape->rank = (int)from->n_dim;
    for (int i = 0; i < shape->rank; i++) {
        int64_t dim =
            from->dim[i]->has_dim_value ? from->dim[i]->dim_value : -1;
        if (dim < -1 || dim == 0)
            return wr_nn_refuse(r->why, dim == 0 ? -ENOTSUP : -EINVAL, NULL,
                                "%s '%.120s' has a dimension of %" PRId64,
                                e->what, e->name, dim);
        shape->dim[i] = dim;
    }
    if (wr_nn_known(shape) && wr_nn_bytes(shape) > r->limits->tensor_max) {
        char text[WR_NN_SHAPE_TEXT];
        return wr_nn_refuse(r->why, -E2BIG, NULL,
                            "%s '%.120s' is too large: %s, the limit is %zu "
                            "bytes",
                            e->what, e->name, wr_nn_shape_text(text, shape),
                            r->limits->tensor_max);
    }
    return 0;
}

static int read_type(wr_nn_reader *r, wr_nn_shape *shape,
                     const Onnx__Type *type, const end *e) {
    *shape = (wr_nn_shape){.rank = -1};
    if (type == NULL || type->tensor_type == NULL)
        return wr_nn_refuse(r->why, type == NULL ? -EINVAL : -ENOTSUP, NULL,
                            "%s '%.120s' %s", e->what, e->name,
                            type == NULL ? "has no type" : "is not a tensor");
    int32_t number = type->tensor_type->elem_type;
    const char *type_name;
    int ours = wr_nn_onnx_type(number, &type_name);
    if (number == 0)
        return wr_nn_refuse(r->why, -EINVAL, NULL,
                            "%s '%.120s' has no element type", e->what,
                            e->name);
    if (ours < 0 || ours == WR_NN_F64)
        return wr_nn_refuse(r->why, -ENOTSUP, NULL,
                            "%s '%.120s' has elements of type %s (%" PRId32
                            "), which is not supported",
                            e->what, e->name, type_name, number);
    shape->type = (wr_nn_type)ours;
    if (type->tensor_type->shape == NULL)
        return 0;
    return read_dims(r, shape, type->tensor_type->shape, e);
}

static int *list_of(wr_nn_reader *r, size_t count) {
    return wr_nn_allocate(r->graph, (count == 0 ? 1 : count) * sizeof(int));
}

static int read_inputs(wr_nn_reader *r, const Onnx__Graph *from) {
    wr_nn_graph *graph = r->graph;
    graph->input = list_of(r, from->n_input);
    if (graph->input == NULL)
        return out_of_memory(r);
    for (size_t i = 0; i < from->n_input; i++) {
        end e = {"input", from->input[i]->name};
        if (e.name == NULL || e.name[0] == '\0')
            return wr_nn_refuse(r->why, -EINVAL, NULL, "an input has no name");
        int value = wr_nn_names_get(&r->names, e.name);
        if (value >= 0 && graph->value[value].data != NULL)
            continue; // its default is what it is
        if (value >= 0)
            return wr_nn_refuse(r->why, -EINVAL, NULL,
                                "two inputs are called '%.200s'", e.name);
        wr_nn_shape shape;
        int status = read_type(r, &shape, from->input[i]->type, &e);
        if (status != 0)
            return status;
        value = value_named(r, e.name);
        if (value < 0)
            return value;
        graph->value[value].shape = shape;
        graph->input[graph->inputs++] = value;
    }
    return 0;
}

static int read_outputs(wr_nn_reader *r, const Onnx__Graph *from) {
    wr_nn_graph *graph = r->graph;
    graph->output = list_of(r, from->n_output);
    if (graph->output == NULL)
        return out_of_memory(r);
    for (size_t i = 0; i < from->n_output; i++) {
        end e = {"output", from->output[i]->name};
        if (e.name == NULL || e.name[0] == '\0')
            return wr_nn_refuse(r->why, -EINVAL, NULL, "an output has no name");
        wr_nn_shape shape;
        int status = read_type(r, &shape, from->output[i]->type, &e);
        if (status != 0)
            return status;
        int value = value_named(r, e.name); // a new one will be refused
        if (value < 0)
            return value;
        // Inputs and constants know better what they are.
        if (graph->value[value].shape.type == WR_NN_NONE)
            graph->value[value].shape = shape;
        graph->output[graph->outputs++] = value;
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Nodes

// Absent ones at the end are as if they were not listed.
static int count_names(char *const *names, size_t count) {
    while (count > 0 && names[count - 1][0] == '\0')
        count--;
    return count > WR_NN_ARGS_MAX ? WR_NN_ARGS_MAX + 1 : (int)count;
}

static int read_names(wr_nn_reader *r, int node, bool outputs, int count,
                      char *const *names) {
    for (int i = 0; i < count; i++) {
        if (names[i][0] == '\0')
            continue;
        int value = value_named(r, names[i]);
        if (value < 0)
            return value;
        const wr_nn_node *to = &r->graph->node[node];
        (outputs ? to->output : to->input)[i] = value;
    }
    return 0;
}

static int read_constant(wr_nn_reader *r, const wr_nn_node *node,
                         const Onnx__Node *from) {
    if (count_names(from->output, from->n_output) != 1)
        return wr_nn_refuse(r->why, -EINVAL, node, "a constant has one output");
    wr_nn_shape shape;
    void *data;
    int status = wr_nn_onnx_constant(r, &shape, &data, node, from);
    int value = status != 0 ? status : value_named(r, from->output[0]);
    if (value < 0)
        return value;
    // Inputs that have the name, and nodes that produce it, are found later.
    if (r->graph->value[value].data != NULL)
        return wr_nn_refuse(r->why, -EINVAL, node,
                            "its output '%.120s' is produced twice",
                            from->output[0]);
    r->graph->value[value].shape = shape;
    r->graph->value[value].data = data;
    return 0;
}

static int read_node(wr_nn_reader *r, const Onnx__Node *from, size_t index) {
    const char *op_type = from->op_type == NULL ? "" : from->op_type;
    char made_up[80];
    const char *name = from->name;
    if (name == NULL || name[0] == '\0') {
        snprintf(made_up, sizeof made_up, "%.40s #%zu", op_type, index);
        name = made_up;
    }
    // Stands in until the node is there, for refusals.
    wr_nn_op no_op = {.name = op_type};
    wr_nn_node stand_in = {.op = &no_op, .name = name};
    if (!is_standard(from->domain))
        return wr_nn_refuse(r->why, -ENOTSUP, &stand_in,
                            "operators of '%.80s' are not supported",
                            from->domain);
    if (strcmp(op_type, "Constant") == 0)
        return read_constant(r, &stand_in, from);
    const wr_nn_op *op =
        strncmp(op_type, "Weir", 4) == 0 ? NULL : wr_nn_op_find(op_type);
    if (op == NULL)
        return wr_nn_refuse(r->why, -ENOTSUP, &stand_in,
                            "this operator is not supported");
    int inputs = count_names(from->input, from->n_input);
    int outputs = count_names(from->output, from->n_output);
    if (inputs > WR_NN_ARGS_MAX || outputs > WR_NN_ARGS_MAX)
        return wr_nn_refuse(r->why, -E2BIG, &stand_in,
                            "more than %d inputs or outputs", WR_NN_ARGS_MAX);

    int node = wr_nn_node_add(r->graph, op, name, inputs, outputs);
    if (node < 0)
        return out_of_memory(r);
    int status = read_names(r, node, false, inputs, from->input);
    if (status == 0)
        status = read_names(r, node, true, outputs, from->output);
    if (status == 0)
        status = wr_nn_onnx_attrs(r, &r->graph->node[node], from);
    return status;
}

static int read_graph(wr_nn_reader *r, const Onnx__Graph *from) {
    r->graph->name = wr_nn_text(r->graph, from->name);
    if (r->graph->name == NULL)
        return out_of_memory(r);
    int status = 0;
    for (size_t i = 0; status == 0 && i < from->n_initializer; i++)
        status = read_initializer(r, from->initializer[i]);
    if (status == 0)
        status = read_inputs(r, from);
    for (size_t i = 0; status == 0 && i < from->n_node; i++)
        status = read_node(r, from->node[i], i);
    if (status == 0)
        status = read_outputs(r, from);
    return status;
}

int wr_nn_onnx_read(wr_nn_graph **out, const void *bytes, size_t size,
                    const wr_nn_limits *limits, wr_nn_why *why) {
    static const wr_nn_limits usual = WR_NN_LIMITS_INIT;
    wr_nn_reader r = {.limits = limits == NULL ? &usual : limits, .why = why};
    ProtobufCMessage *message;
    int status =
        wr_nn_onnx_unpack(&r, &message, &onnx__model__descriptor, bytes, size);
    if (status == 0) {
        const Onnx__Model *model = (const Onnx__Model *)message;
        r.graph = wr_nn_graph_create(NULL);
        status = r.graph == NULL ? out_of_memory(&r) : check_model(&r, model);
        if (status == 0)
            status = read_graph(&r, model->graph);
    }
    wr_nn_names_free(&r.names);
    wr_nn_graph_destroy(r.scratch);
    if (status == 0)
        status = wr_nn_graph_check(r.graph, why);
    if (status == 0 && wr_nn_graph_digest(r.graph) != 0)
        status = out_of_memory(&r);
    if (status == 0)
        *out = r.graph;
    else
        wr_nn_graph_destroy(r.graph);
    return status;
}

// SPDX-License-Identifier: MIT
//
// Attributes of nodes, and Constant nodes, whose attribute is all they are.
#include "programs/nn/onnx_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "programs/nn/graph.h"
#include "programs/nn/graph_pile.h"

// AttributeProto.AttributeType
enum {
    FLOAT = 1,
    INT = 2,
    STRING = 3,
    TENSOR = 4,
    GRAPH = 5,
    FLOATS = 6,
    INTS = 7,
    STRINGS = 8,
    TENSORS = 9,
    GRAPHS = 10,
    SPARSE_TENSOR = 11,
    SPARSE_TENSORS = 12,
    TYPE_PROTO = 13,
    TYPE_PROTOS = 14,
    TYPES,
};

static const char *const type_names[TYPES] = {
    [0] = "no type",
    [FLOAT] = "a float",
    [INT] = "an integer",
    [STRING] = "a string",
    [TENSOR] = "a tensor",
    [GRAPH] = "a subgraph",
    [FLOATS] = "a list of floats",
    [INTS] = "a list of integers",
    [STRINGS] = "a list of strings",
    [TENSORS] = "a list of tensors",
    [GRAPHS] = "a list of subgraphs",
    [SPARSE_TENSOR] = "a sparse tensor",
    [SPARSE_TENSORS] = "a list of sparse tensors",
    [TYPE_PROTO] = "a type",
    [TYPE_PROTOS] = "a list of types",
};

// What an attribute of this name is wherever operators of ours have it. One of
// another type would be taken for missing.
static const struct {
    const char *name;
    int type;
} known[] = {
    {"allowzero", INT},
    {"alpha", FLOAT},
    {"antialias", INT},
    {"auto_pad", STRING},
    {"axes", INTS},
    {"axis", INT},
    {"batch_dims", INT},
    {"beta", FLOAT},
    {"bias", FLOAT},
    {"blocksize", INT},
    {"broadcast", INT},
    {"ceil_mode", INT},
    {"coordinate_transformation_mode", STRING},
    {"count_include_pad", INT},
    {"cubic_coeff_a", FLOAT},
    {"detect_negative", INT},
    {"detect_positive", INT},
    {"dilations", INTS},
    {"direction", STRING},
    {"end", INT},
    {"ends", INTS},
    {"epsilon", FLOAT},
    {"equation", STRING},
    {"exclude_outside", INT},
    {"exclusive", INT},
    {"extrapolation_value", FLOAT},
    {"fmod", INT},
    {"gamma", FLOAT},
    {"group", INT},
    {"hidden_size", INT},
    {"keepdims", INT},
    {"kernel_shape", INTS},
    {"lambd", FLOAT},
    {"largest", INT},
    {"max", FLOAT},
    {"min", FLOAT},
    {"mode", STRING},
    {"momentum", FLOAT},
    {"nearest_mode", STRING},
    {"noop_with_empty_axes", INT},
    {"num_outputs", INT},
    {"output_padding", INTS},
    {"output_shape", INTS},
    {"p", INT},
    {"pads", INTS},
    {"perm", INTS},
    {"ratio", FLOAT},
    {"reverse", INT},
    {"scales", FLOATS},
    {"select_last_index", INT},
    {"size", INT},
    {"sorted", INT},
    {"spatial", INT},
    {"split", INTS},
    {"start", INT},
    {"starts", INTS},
    {"storage_order", INT},
    {"strides", INTS},
    {"to", INT},
    {"training_mode", INT},
    {"transA", INT},
    {"transB", INT},
    {"upper", INT},
};

static int compare_known(const void *name, const void *entry) {
    return strcmp(name, *(const char *const *)entry);
}

static int known_type(const char *name) {
    size_t count = sizeof known / sizeof known[0];
    const void *found =
        bsearch(name, known, count, sizeof known[0], compare_known);
    if (found == NULL)
        return 0;
    return known[((const char *)found - (const char *)known) /
                 (ptrdiff_t)sizeof known[0]]
        .type;
}

// ---------------------------------------------------------------------------
// One attribute

// Which kinds of value it has: bits by type.
static unsigned values_of(const Onnx__Attribute *from) {
    return (unsigned)(from->has_f != 0) << FLOAT |
           (unsigned)(from->has_i != 0) << INT |
           (unsigned)(from->has_s != 0) << STRING |
           (unsigned)(from->t != NULL) << TENSOR |
           (unsigned)(from->has_g != 0) << GRAPH |
           (unsigned)(from->n_floats > 0) << FLOATS |
           (unsigned)(from->n_ints > 0) << INTS |
           (unsigned)(from->n_strings > 0) << STRINGS |
           (unsigned)(from->n_tensors > 0) << TENSORS |
           (unsigned)(from->n_graphs > 0) << GRAPHS |
           (unsigned)(from->has_sparse_tensor != 0) << SPARSE_TENSOR |
           (unsigned)(from->n_sparse_tensors > 0) << SPARSE_TENSORS |
           (unsigned)(from->has_tp != 0) << TYPE_PROTO |
           (unsigned)(from->n_type_protos > 0) << TYPE_PROTOS;
}

static int check_attr(const wr_nn_reader *r, const wr_nn_node *node,
                      const Onnx__Attribute *from) {
    if (from->name == NULL || from->name[0] == '\0')
        return wr_nn_refuse(r->why, -EINVAL, node, "an attribute has no name");
    const char *name = from->name;
    int type = from->type;
    if (from->ref_attr_name != NULL && from->ref_attr_name[0] != '\0')
        return wr_nn_refuse(r->why, -EINVAL, node,
                            "attribute '%.80s' refers to a function's", name);
    if (type <= 0 || type >= TYPES)
        return wr_nn_refuse(r->why, -EINVAL, node,
                            "attribute '%.80s' has no known type", name);
    // A value that is zero may be left out; one of another type is a mistake.
    if ((values_of(from) & ~(1U << type)) != 0)
        return wr_nn_refuse(r->why, -EINVAL, node,
                            "attribute '%.80s' says that it is %s, but has "
                            "another value",
                            name, type_names[type]);
    if (type > INTS || type == GRAPH)
        return wr_nn_refuse(r->why, -ENOTSUP, node,
                            "attribute '%.80s' is %s, which is not supported",
                            name, type_names[type]);
    int right = known_type(name);
    if (right != 0 && right != type)
        return wr_nn_refuse(r->why, -EINVAL, node,
                            "attribute '%.80s' is %s, not %s", name,
                            type_names[type], type_names[right]);
    if (type == TENSOR && from->t == NULL)
        return wr_nn_refuse(r->why, -EINVAL, node,
                            "attribute '%.80s' has no tensor", name);
    return 0;
}

// A copy, ended by a zero for strings' sake.
static void *copy(wr_nn_reader *r, const void *bytes, size_t size) {
    uint8_t *to = wr_nn_allocate(r->graph, size + 1);
    if (to != NULL && size > 0)
        memcpy(to, bytes, size);
    return to;
}

static int fill(wr_nn_reader *r, wr_nn_attr *attr, const wr_nn_node *node,
                const Onnx__Attribute *from) {
    const void *kept = "";
    attr->count = 1;
    switch (from->type) {
    case FLOAT:
        attr->kind = WR_NN_FLOAT;
        attr->f = from->f;
        break;
    case INT:
        attr->kind = WR_NN_INT;
        attr->i = from->i;
        break;
    case STRING:
        attr->kind = WR_NN_STRING;
        attr->count = from->s.len;
        attr->string = kept = copy(r, from->s.data, from->s.len);
        break;
    case FLOATS:
        attr->kind = WR_NN_FLOATS;
        attr->count = from->n_floats;
        attr->floats = kept =
            copy(r, from->floats, from->n_floats * sizeof *from->floats);
        break;
    case INTS:
        attr->kind = WR_NN_INTS;
        attr->count = from->n_ints;
        attr->ints = kept =
            copy(r, from->ints, from->n_ints * sizeof *from->ints);
        break;
    default: { // TENSOR: others were refused
        wr_nn_value *value = wr_nn_allocate(r->graph, sizeof *value);
        kept = value;
        if (value == NULL)
            break;
        void *data = NULL;
        int status =
            wr_nn_onnx_tensor_read(r, &value->shape, &data, from->t, node);
        if (status != 0)
            return status;
        value->name = "";
        value->data = data;
        attr->kind = WR_NN_TENSOR;
        attr->tensor = value;
    }
    }
    if (kept == NULL)
        return wr_nn_refuse(r->why, -ENOMEM, NULL, "out of memory");
    return 0;
}

int wr_nn_onnx_attrs(wr_nn_reader *r, wr_nn_node *node,
                     const Onnx__Node *from) {
    if (from->n_attribute > WR_NN_ATTRS_MAX)
        return wr_nn_refuse(r->why, -E2BIG, node,
                            "%zu attributes, the limit is %d",
                            from->n_attribute, WR_NN_ATTRS_MAX);
    int status = 0;
    for (size_t i = 0; status == 0 && i < from->n_attribute; i++) {
        const Onnx__Attribute *one = from->attribute[i];
        status = check_attr(r, node, one);
        if (status != 0)
            break;
        const char *name = wr_nn_text(r->graph, one->name);
        bool fresh = false;
        wr_nn_attr *attr =
            name == NULL ? NULL : wr_nn_attr_put(r->graph, node, name, &fresh);
        if (attr == NULL)
            status = wr_nn_refuse(r->why, -ENOMEM, NULL, "out of memory");
        else if (!fresh)
            status = wr_nn_refuse(r->why, -EINVAL, node,
                                  "attribute '%.80s' is there twice", name);
        else
            status = fill(r, attr, node, one);
    }
    return status;
}

// ---------------------------------------------------------------------------
// Constants

int wr_nn_onnx_constant(wr_nn_reader *r, wr_nn_shape *shape, void **data,
                        const wr_nn_node *node, const Onnx__Node *from) {
    if (from->n_input != 0 || from->n_attribute != 1)
        return wr_nn_refuse(r->why, -EINVAL, node,
                            "a constant has no inputs and one attribute");
    const Onnx__Attribute *one = from->attribute[0];
    int status = check_attr(r, node, one);
    if (status != 0)
        return status;
    if (strcmp(one->name, "value") == 0 && one->type == TENSOR)
        return wr_nn_onnx_tensor_read(r, shape, data, one->t, node);

    static const struct {
        const char *name;
        int type;
        wr_nn_type of;
        int rank;
    } forms[] = {
        {"value_float", FLOAT, WR_NN_F32, 0},
        {"value_floats", FLOATS, WR_NN_F32, 1},
        {"value_int", INT, WR_NN_I64, 0},
        {"value_ints", INTS, WR_NN_I64, 1},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strcmp(one->name, forms[i].name) != 0 || one->type != forms[i].type)
            continue;
        wr_nn_attr attr = {.name = ""};
        status = fill(r, &attr, node, one);
        if (status != 0)
            return status;
        *shape = (wr_nn_shape){.type = forms[i].of, .rank = forms[i].rank};
        shape->dim[0] = (int64_t)attr.count;
        *data = attr.kind == WR_NN_INT     ? copy(r, &attr.i, sizeof attr.i)
                : attr.kind == WR_NN_FLOAT ? copy(r, &attr.f, sizeof attr.f)
                : attr.kind == WR_NN_INTS  ? (void *)attr.ints
                                           : (void *)attr.floats;
        if (*data == NULL)
            return wr_nn_refuse(r->why, -ENOMEM, NULL, "out of memory");
        return 0;
    }
    return wr_nn_refuse(r->why, -ENOTSUP, node,
                        "a constant by '%.80s' (%s) is not supported",
                        one->name, type_names[one->type]);
}

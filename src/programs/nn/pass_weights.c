// SPDX-License-Identifier: MIT
//
// Batch norm becomes a scale and a shift per channel. Those, and others that
// models bring, go into the weights and the bias of what makes their data.
#include "programs/nn/pass.h"

#include <errno.h>
#include <math.h>

// ---------------------------------------------------------------------------
// Batch norm

typedef struct channels {
    const float *scale, *shift, *mean, *variance;
    int64_t count;
} channels;

static bool read_norm(const wr_nn_compiler *c, const wr_nn_node *node,
                      channels *in) {
    const wr_nn_shape *shape = &wr_nn_value_at(c, node->input[0])->shape;
    if (node->inputs < 5 || shape->rank < 2 ||
        wr_nn_attr_int(node, "training_mode", 0) != 0)
        return false;
    for (int k = 1; k < node->outputs; k++)
        if (node->output[k] >= 0 && c->uses[node->output[k]] > 0)
            return false;
    in->count = shape->dim[1];
    for (int k = 1; k < 5; k++)
        if (wr_nn_floats(c, node->input[k]) == NULL ||
            wr_nn_elements(&wr_nn_value_at(c, node->input[k])->shape) !=
                (size_t)in->count)
            return false;
    in->scale = wr_nn_floats(c, node->input[1]);
    in->shift = wr_nn_floats(c, node->input[2]);
    in->mean = wr_nn_floats(c, node->input[3]);
    in->variance = wr_nn_floats(c, node->input[4]);
    return true;
}

// A binary node of `value` and a constant with one element per channel.
static int per_channel(wr_nn_compiler *c, const char *op, const char *name,
                       int value, const float *data) {
    wr_nn_shape shape = wr_nn_value_at(c, value)->shape;
    shape.rank--;
    shape.dim[0] = shape.dim[1];
    for (int i = 1; i < shape.rank; i++)
        shape.dim[i] = 1;
    int in[2] = {value, wr_nn_edit_value(c, &shape, data)};
    if (in[1] < 0)
        return in[1];
    int node = wr_nn_edit_add(c, wr_nn_op_find(op), name, in, 2, 1);
    int status = node < 0 ? node : wr_nn_edit_infer(c, node);
    return status < 0 ? status : wr_nn_at(c, node)->output[0];
}

static int split_norm(wr_nn_compiler *c, int index) {
    channels in;
    wr_nn_node *node = wr_nn_at(c, index);
    if (!read_norm(c, node, &in))
        return 0;
    double epsilon = (double)wr_nn_attr_float(node, "epsilon", 1e-5f);
    size_t bytes = (size_t)in.count * sizeof(float);
    float *scale = wr_nn_make(c, bytes);
    float *shift = wr_nn_make(c, bytes);
    if (scale == NULL || shift == NULL)
        return 0; // it stays what it is
    for (int64_t i = 0; i < in.count; i++) {
        double factor =
            (double)in.scale[i] / sqrt((double)in.variance[i] + epsilon);
        scale[i] = (float)factor;
        shift[i] = (float)((double)in.shift[i] - (double)in.mean[i] * factor);
    }
    int value = node->input[0], result = node->output[0];
    const char *name = node->name;
    value = per_channel(c, "Mul", name, value, scale);
    if (value >= 0)
        value = per_channel(c, "Add", name, value, shift);
    if (value < 0)
        return value;
    wr_nn_edit_replace(c, result, value);
    wr_nn_edit_drop(c, index);
    return 0;
}

// ---------------------------------------------------------------------------
// Into the weights

typedef enum affine_kind { SCALES, DIVIDES, ADDS, SUBTRACTS } affine_kind;

// y = scale * x + shift, by channel.
typedef struct affine {
    const float *data; // the constant
    size_t step;       // 0: all channels alike
    affine_kind kind;
    int value; // the x
} affine;

static double scale_of(const affine *a, size_t channel) {
    double number = (double)a->data[channel * a->step];
    return a->kind == SCALES ? number : a->kind == DIVIDES ? 1 / number : 1;
}

static double shift_of(const affine *a, size_t channel) {
    double number = (double)a->data[channel * a->step];
    return a->kind == ADDS ? number : a->kind == SUBTRACTS ? -number : 0;
}

// Is a constant one number, or one per place of `axis` of the result?
static bool fits_axis(const wr_nn_shape *constant, const wr_nn_shape *result,
                      int axis, size_t *step) {
    *step = 0;
    if (constant->rank > result->rank)
        return false;
    int skip = result->rank - constant->rank;
    for (int i = 0; i < constant->rank; i++) {
        if (constant->dim[i] == 1)
            continue;
        if (i + skip != axis || constant->dim[i] != result->dim[axis])
            return false;
        *step = 1;
    }
    return true;
}

static bool read_kind(const wr_nn_node *node, int slot, affine *a) {
    static const struct {
        const char *name;
        affine_kind kind;
        bool either; // operands may be exchanged
    } kinds[] = {{"Mul", SCALES, true},
                 {"Div", DIVIDES, false},
                 {"Add", ADDS, true},
                 {"Sub", SUBTRACTS, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (wr_nn_is(node, kinds[i].name)) {
            a->kind = kinds[i].kind;
            return slot == 0 || kinds[i].either;
        }
    return false;
}

// Is the node such a thing, of its input `slot`, whose shape it has?
static bool read_affine(const wr_nn_compiler *c, const wr_nn_node *node,
                        int slot, int axis, affine *a) {
    if (node->inputs != 2 || !read_kind(node, slot, a))
        return false;
    a->data = wr_nn_floats(c, node->input[1 - slot]);
    a->value = node->input[slot];
    return a->data != NULL && wr_nn_same(c, a->value, node->output[0]) &&
           fits_axis(&wr_nn_value_at(c, node->input[1 - slot])->shape,
                     &wr_nn_value_at(c, node->output[0])->shape, axis,
                     &a->step);
}

// Where the weights of one channel of the result are.
typedef struct weights {
    int node;
    int axis; // of the result
    size_t channels;
    size_t outer, across, inner; // the weights as [outer][across][inner]
    size_t groups;               // of ConvTranspose: each has its channels
    bool takes_bias;             // as input 2
    const float *bias;           // or NULL
    size_t bias_step;
} weights;

static size_t product_of(const wr_nn_shape *shape, int from, int to) {
    size_t product = 1;
    for (int i = from; i < to; i++)
        product *= (size_t)shape->dim[i];
    return product;
}

// The bias as it is; false: it is nothing that we could add to.
static bool read_bias(const wr_nn_compiler *c, const wr_nn_node *node,
                      weights *w) {
    int bias = wr_nn_input_of(node, 2);
    if (!w->takes_bias || bias < 0)
        return true;
    w->bias = wr_nn_floats(c, bias);
    if (w->bias == NULL)
        return false;
    const wr_nn_shape *shape = &wr_nn_value_at(c, bias)->shape;
    if (wr_nn_is(node, "Gemm"))
        return fits_axis(shape, &wr_nn_value_at(c, node->output[0])->shape,
                         w->axis, &w->bias_step);
    w->bias_step = 1;
    return wr_nn_elements(shape) == w->channels;
}

static bool read_weights(const wr_nn_compiler *c, int index, weights *w) {
    const wr_nn_node *node = wr_nn_at(c, index);
    bool conv = wr_nn_is(node, "Conv");
    bool back = wr_nn_is(node, "ConvTranspose");
    bool gemm = wr_nn_is(node, "Gemm");
    bool dense = gemm || wr_nn_is(node, "MatMul");
    if ((!conv && !back && !dense) || node->inputs < 2 ||
        wr_nn_floats(c, node->input[1]) == NULL ||
        wr_nn_attr_find(node, "weir_steps") != NULL ||
        (gemm && wr_nn_attr_float(node, "beta", 1) != 1))
        return false;
    const wr_nn_shape *shape = &wr_nn_value_at(c, node->input[1])->shape;
    const wr_nn_shape *result = &wr_nn_value_at(c, node->output[0])->shape;
    if (shape->rank < 2 || (dense && (shape->rank != 2 || result->rank < 2)))
        return false;
    // Which dimension of the weights is the result's channel.
    int axis = conv || wr_nn_attr_int(node, "transB", 0) != 0 ? 0 : 1;
    *w =
        (weights){.node = index,
                  .axis = dense ? result->rank - 1 : 1,
                  .outer = product_of(shape, 0, axis),
                  .across = (size_t)shape->dim[axis],
                  .inner = product_of(shape, axis + 1, shape->rank),
                  .groups = back ? (size_t)wr_nn_attr_int(node, "group", 1) : 1,
                  .takes_bias = conv || back || gemm};
    w->channels = w->across * w->groups;
    return w->groups > 0 && w->outer % w->groups == 0 &&
           w->channels == (size_t)result->dim[w->axis] && read_bias(c, node, w);
}

// Too large a weight is not one.
static bool scale_weights(const weights *w, const affine *a, float *to,
                          const float *from) {
    size_t group = w->outer / w->groups;
    bool finite = true;
    for (size_t o = 0; o < w->outer; o++)
        for (size_t k = 0; k < w->across; k++) {
            double scale = scale_of(a, o / group * w->across + k);
            size_t at = (o * w->across + k) * w->inner;
            for (size_t i = at; i < at + w->inner; i++) {
                to[i] = (float)((double)from[i] * scale);
                finite &= isfinite(to[i]) != 0;
            }
        }
    return finite;
}

static bool shift_bias(const weights *w, const affine *a, float *to) {
    bool finite = true;
    for (size_t i = 0; i < w->channels; i++) {
        double old = w->bias == NULL ? 0 : (double)w->bias[i * w->bias_step];
        to[i] = (float)(old * scale_of(a, i) + shift_of(a, i));
        finite &= isfinite(to[i]) != 0;
    }
    return finite;
}

// New weights and bias; false: nothing has changed. *in: the node's inputs.
static bool make_weights(wr_nn_compiler *c, const weights *w, const affine *a,
                         int in[3]) {
    const wr_nn_node *node = wr_nn_at(c, w->node);
    const wr_nn_shape *shape = &wr_nn_value_at(c, node->input[1])->shape;
    bool scales = a->kind == SCALES || a->kind == DIVIDES;
    if (!scales && !w->takes_bias)
        return false;
    in[0] = node->input[0];
    in[1] = node->input[1];
    in[2] = wr_nn_input_of(node, 2);
    wr_nn_shape flat = {WR_NN_F32, 1, {(int64_t)w->channels}};
    if (w->takes_bias && (!scales || w->bias != NULL)) {
        float *bias = wr_nn_make(c, wr_nn_bytes(&flat));
        if (bias == NULL || !shift_bias(w, a, bias) ||
            (in[2] = wr_nn_edit_value(c, &flat, bias)) < 0)
            return false;
    }
    if (scales) {
        shape = &wr_nn_value_at(c, in[1])->shape; // values have moved
        float *data = wr_nn_make(c, wr_nn_bytes(shape));
        wr_nn_shape copy = *shape;
        if (data == NULL ||
            !scale_weights(w, a, data, wr_nn_floats(c, in[1])) ||
            (in[1] = wr_nn_edit_value(c, &copy, data)) < 0)
            return false;
    }
    return true;
}

static int absorb(wr_nn_compiler *c, int index) {
    wr_nn_node *node = wr_nn_at(c, index);
    for (int slot = 0; slot < node->inputs && slot < 2; slot++) {
        int value = node->input[slot];
        int maker = value < 0 ? -1 : c->producer[value];
        weights w;
        affine a;
        int in[3];
        if (maker < 0 || c->uses[value] != 1 || !read_weights(c, maker, &w) ||
            !read_affine(c, node, slot, w.axis, &a) ||
            !make_weights(c, &w, &a, in))
            continue;
        int result = node->output[0];
        int count = w.takes_bias ? 3 : wr_nn_at(c, maker)->inputs;
        int status = wr_nn_edit_inputs(c, maker, in, count);
        if (status == 0)
            status = wr_nn_edit_infer(c, maker);
        if (status != 0)
            return status;
        wr_nn_edit_replace(c, result, value);
        wr_nn_edit_drop(c, index);
        return 0;
    }
    return 0;
}

int wr_nn_pass_weights(wr_nn_compiler *c) {
    int nodes = c->graph->nodes;
    for (int i = 0; i < nodes; i++) {
        int status = wr_nn_is(wr_nn_at(c, i), "BatchNormalization")
                         ? split_norm(c, i)
                         : 0;
        if (status != 0)
            return status;
    }
    int status = wr_nn_settle(c);
    for (int i = 0; i < c->graph->nodes && status == 0; i++) {
        status = wr_nn_cancelled(c);
        if (status == 0 && wr_nn_at(c, i)->op != NULL)
            status = absorb(c, i);
    }
    return status;
}

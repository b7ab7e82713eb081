// SPDX-License-Identifier: MIT
//
// Which part of the graph works in N, H, W, C. Convolutions want that; what is
// between them can do it as well; everything else stays N, C, H, W. A value
// that is made on one side and read on the other is transposed there. A region
// is given up if transposing at its border takes longer than its convolutions
// save.
#include "programs/nn/pass.h"

#include <errno.h>

#include "base/fault.h"

static const int64_t to_nhwc[4] = {0, 2, 3, 1};
static const int64_t to_nchw[4] = {0, 3, 1, 2};

// What that is worth: figures of this engine's own convolutions, cautious ones.
static const double turn_ns = 0.15;       // of transposing a byte
static const double pointwise_gain = 1.5; // of a convolution's time
static const double window_gain = 5;

typedef enum kind {
    FIXED,  // N, C, H, W for ever
    CONV,   // saves its bytes
    POOL,   // has an attribute for it
    EACH,   // element by element, all inputs
    FIRST,  // element by element, input 0 alone
    JOIN,   // Concat: an axis, all inputs
    REDUCE, // axes
    ALONG,  // Softmax: an axis
    SCALED, // Resize: a list with an entry for each dimension
} kind;

typedef struct layout {
    wr_nn_compiler *c;
    int nodes, values;   // when we began
    uint8_t *kind;       // [node]
    uint8_t *inner;      // [node]: in N, H, W, C
    int *region;         // [node]: union-find
    int *inside;         // [value]: readers that want it in N, H, W, C
    int *twin;           // [value]: the same in N, H, W, C, or -1
    double *gain, *loss; // [region]
} layout;

static const wr_nn_shape *shape_of(const layout *l, int value) {
    return &wr_nn_value_at(l->c, value)->shape;
}

static bool is_image(const layout *l, int value) {
    return value >= 0 && shape_of(l, value)->rank == 4 &&
           shape_of(l, value)->type == WR_NN_F32;
}

static bool is_constant(const layout *l, int value) {
    return wr_nn_value_at(l->c, value)->data != NULL;
}

// Does changing sides leave all elements where they are?
static bool is_free(const wr_nn_shape *shape) {
    return shape->dim[1] == 1 || (shape->dim[2] == 1 && shape->dim[3] == 1);
}

static double weight(const layout *l, int value) {
    const wr_nn_shape *shape = shape_of(l, value);
    return is_free(shape) ? 0 : (double)wr_nn_bytes(shape);
}

// ---------------------------------------------------------------------------
// What a node can do

static bool is_number(const layout *l, int value) {
    return wr_nn_elements(shape_of(l, value)) == 1;
}

static bool operands_fit(const layout *l, const wr_nn_node *node) {
    for (int k = 0; k < node->inputs; k++) {
        int value = node->input[k];
        if (value < 0 || shape_of(l, value)->type != WR_NN_F32)
            return false;
        if (!is_image(l, value) && !is_number(l, value) &&
            (!is_constant(l, value) || shape_of(l, value)->rank > 4))
            return false;
    }
    return true;
}

static bool only_numbers_behind(const layout *l, const wr_nn_node *node) {
    for (int k = 1; k < node->inputs; k++)
        if (node->input[k] >= 0 && !is_number(l, node->input[k]))
            return false;
    return true;
}

static bool all_images(const layout *l, const wr_nn_node *node) {
    for (int k = 0; k < node->inputs; k++)
        if (!is_image(l, node->input[k]))
            return false;
    return true;
}

static bool axes_known(const layout *l, const wr_nn_node *node) {
    size_t count;
    int axes = wr_nn_input_of(node, 1);
    return wr_nn_attr_int(node, "keepdims", 1) == 1 &&
           (axes < 0 || wr_nn_int64s(l->c, axes, &count) != NULL);
}

// A constant, if it is there, with four elements or none?
static bool is_list(const layout *l, const wr_nn_node *node, int slot) {
    int value = wr_nn_input_of(node, slot);
    if (value < 0)
        return true;
    size_t count = wr_nn_elements(shape_of(l, value));
    return is_constant(l, value) && (count == 4 || count == 0);
}

static bool scales_known(const layout *l, const wr_nn_node *node) {
    if (wr_nn_attr_find(node, "axes") != NULL)
        return true;
    return is_list(l, node, 2) && is_list(l, node, 3) &&
           (l->c->graph->opset >= 11 || is_list(l, node, 1));
}

static kind kind_of(const layout *l, const wr_nn_node *node) {
    if (node->outputs < 1 || node->inputs < 1 || !is_image(l, node->output[0]))
        return FIXED;
    for (int k = 1; k < node->outputs; k++)
        if (node->output[k] >= 0)
            return FIXED;
    // A constant that was not folded stays where it is.
    if (wr_nn_is(node, "WeirFused") || (node->op->flags & WR_NN_BINARY) != 0)
        return operands_fit(l, node) ? EACH : FIXED;
    if (!is_image(l, node->input[0]) || is_constant(l, node->input[0]))
        return FIXED;
    if (wr_nn_is(node, "Conv") || wr_nn_is(node, "ConvTranspose"))
        return CONV;
    if (wr_nn_is(node, "MaxPool") || wr_nn_is(node, "AveragePool") ||
        wr_nn_is(node, "GlobalAveragePool"))
        return POOL;
    if ((node->op->flags & WR_NN_UNARY) != 0)
        return only_numbers_behind(l, node) ? FIRST : FIXED;
    if (wr_nn_is(node, "Concat"))
        return all_images(l, node) ? JOIN : FIXED;
    if (wr_nn_is(node, "Resize"))
        return scales_known(l, node) ? SCALED : FIXED;
    if (strncmp(node->op->name, "Reduce", 6) == 0)
        return axes_known(l, node) ? REDUCE : FIXED;
    if (wr_nn_is(node, "Softmax") || wr_nn_is(node, "LogSoftmax"))
        return l->c->graph->opset >= 13 ? ALONG : FIXED;
    return FIXED;
}

// Is this input one that changes sides with the node, and not a constant?
static bool carries(const layout *l, int index, int slot) {
    const wr_nn_node *node = wr_nn_at(l->c, index);
    if (l->kind[index] == FIXED || !is_image(l, node->input[slot]) ||
        is_constant(l, node->input[slot]))
        return false;
    return slot == 0 || l->kind[index] == EACH || l->kind[index] == JOIN;
}

// ---------------------------------------------------------------------------
// Choosing sides

static bool made_inside(const layout *l, int value) {
    int node = l->c->producer[value];
    return node >= 0 && l->inner[node] != 0;
}

// The bytes that are transposed for this value.
static double border(const layout *l, int value) {
    bool crosses = made_inside(l, value) ? l->c->uses[value] > l->inside[value]
                                         : l->inside[value] > 0;
    return crosses ? weight(l, value) : 0;
}

static double around(const layout *l, int index) {
    const wr_nn_node *node = wr_nn_at(l->c, index);
    double sum = border(l, node->output[0]);
    for (int k = 0; k < node->inputs; k++)
        if (carries(l, index, k))
            sum += border(l, node->input[k]);
    return sum;
}

static void set_side(layout *l, int index, bool inner) {
    const wr_nn_node *node = wr_nn_at(l->c, index);
    if ((l->inner[index] != 0) == inner)
        return;
    l->inner[index] = inner;
    for (int k = 0; k < node->inputs; k++)
        if (carries(l, index, k))
            l->inside[node->input[k]] += inner ? 1 : -1;
}

// Nodes that could be on either side go where less is transposed.
static bool improve(layout *l, int index) {
    if (l->kind[index] == FIXED || l->kind[index] == CONV)
        return false;
    bool was = l->inner[index] != 0;
    double before = around(l, index);
    set_side(l, index, !was);
    if (around(l, index) < before)
        return true;
    set_side(l, index, was);
    return false;
}

static int root_of(const layout *l, int node) {
    while (l->region[node] != node) {
        l->region[node] = l->region[l->region[node]];
        node = l->region[node];
    }
    return node;
}

// Nodes in N, H, W, C with a value between them are one region.
static void find_regions(layout *l) {
    for (int i = 0; i < l->nodes; i++) {
        l->region[i] = i;
        l->gain[i] = l->loss[i] = 0;
    }
    for (int i = 0; i < l->nodes; i++) {
        const wr_nn_node *node = wr_nn_at(l->c, i);
        for (int k = 0; l->inner[i] && k < node->inputs; k++)
            if (carries(l, i, k) && made_inside(l, node->input[k]))
                l->region[root_of(l, i)] =
                    root_of(l, l->c->producer[node->input[k]]);
    }
}

static double gain_of(const layout *l, const wr_nn_node *node) {
    const wr_nn_shape *weights = shape_of(l, node->input[1]);
    bool pointwise = weights->dim[2] == 1 && weights->dim[3] == 1;
    double cost =
        node->op->cost == NULL ? 0 : node->op->cost(l->c->graph, node);
    return cost * (pointwise ? pointwise_gain : window_gain);
}

static void judge(layout *l) {
    for (int i = 0; i < l->nodes; i++) {
        const wr_nn_node *node = wr_nn_at(l->c, i);
        if (!l->inner[i])
            continue;
        int region = root_of(l, i);
        if (l->kind[i] == CONV)
            l->gain[region] += gain_of(l, node);
        l->loss[region] += turn_ns * border(l, node->output[0]);
        for (int k = 0; k < node->inputs; k++)
            if (carries(l, i, k) && !made_inside(l, node->input[k]))
                // Several readers of the region share the one transposed.
                l->loss[region] += turn_ns * border(l, node->input[k]) /
                                   (double)l->inside[node->input[k]];
    }
    for (int i = 0; i < l->nodes; i++) {
        int region = root_of(l, i);
        if (l->inner[i] && l->gain[region] <= l->loss[region])
            l->inner[i] = 2; // given up; sides are still read above
    }
    for (int i = 0; i < l->nodes; i++)
        if (l->inner[i] == 2)
            set_side(l, i, false);
}

static void choose(layout *l) {
    enum { ROUNDS = 4 };
    for (int i = 0; i < l->nodes; i++) {
        l->kind[i] = (uint8_t)kind_of(l, wr_nn_at(l->c, i));
        l->inner[i] = 0;
    }
    for (int i = 0; i < l->nodes; i++)
        set_side(l, i, l->kind[i] != FIXED);
    bool moved = true;
    for (int round = 0; round < ROUNDS && moved; round++) {
        moved = false;
        for (int i = 0; i < l->nodes; i++)
            moved |= improve(l, i);
        for (int i = l->nodes - 1; i >= 0; i--)
            moved |= improve(l, i);
    }
    find_regions(l);
    judge(l);
}

// ---------------------------------------------------------------------------
// Changing sides

static wr_nn_shape turned(const wr_nn_shape *shape) {
    wr_nn_shape result = *shape;
    for (int i = 0; i < 4; i++)
        result.dim[i] = shape->dim[to_nhwc[i]];
    return result;
}

static void turn_floats(float *to, const float *from,
                        const wr_nn_shape *shape) {
    size_t channels = (size_t)shape->dim[1];
    size_t places = (size_t)(shape->dim[2] * shape->dim[3]);
    for (size_t n = 0; n < (size_t)shape->dim[0]; n++)
        for (size_t p = 0; p < places; p++)
            for (size_t k = 0; k < channels; k++)
                to[(n * places + p) * channels + k] =
                    from[(n * channels + k) * places + p];
}

// A constant operand. `trim`: leading dimensions of size 1 may go.
static int turn_constant(layout *l, int value, bool trim) {
    wr_nn_compiler *c = l->c;
    wr_nn_shape shape = *shape_of(l, value), full = shape;
    if (shape.rank > 4 || (trim && is_number(l, value)))
        return value; // a number is the same everywhere
    full.rank = 4;
    for (int i = 0; i < 4; i++)
        full.dim[i] = i < 4 - shape.rank ? 1 : shape.dim[i - (4 - shape.rank)];
    const void *data = wr_nn_value_at(c, value)->data;
    if (!is_free(&full)) {
        float *moved = wr_nn_make(c, wr_nn_bytes(&full));
        if (moved == NULL) { // too much was made: at run time then
            if (shape.rank < 4)
                value = wr_nn_edit_reshape(c, value, &full);
            return value < 0 ? value : wr_nn_edit_transpose(c, value, to_nhwc);
        }
        turn_floats(moved, data, &full);
        data = moved;
    }
    full = turned(&full);
    while (trim && full.rank > 1 && full.dim[0] == 1) {
        full.rank--;
        memmove(full.dim, full.dim + 1, (size_t)full.rank * sizeof *full.dim);
    }
    return wr_nn_edit_value(c, &full, data);
}

static int twin_of(layout *l, int value) {
    if (l->twin[value] < 0)
        l->twin[value] = wr_nn_edit_transpose(l->c, value, to_nhwc);
    return l->twin[value];
}

static int turn_inputs(layout *l, int index) {
    int inputs = wr_nn_at(l->c, index)->inputs;
    for (int k = 0; k < inputs; k++) {
        int value = wr_nn_at(l->c, index)->input[k];
        if (value < 0)
            continue;
        kind what = l->kind[index];
        if (carries(l, index, k))
            value = twin_of(l, value);
        else if (is_constant(l, value) && (what == EACH || what == JOIN))
            value = turn_constant(l, value, what == EACH);
        if (value < 0)
            return value;
        wr_nn_edit_input(l->c, index, k, value);
    }
    return 0;
}

// Where an axis of N, C, H, W is in N, H, W, C.
static int64_t turn_axis(int64_t axis) {
    if (axis < 0)
        axis += 4;
    return axis < 0 || axis > 3 ? axis : to_nchw[axis];
}

static int turn_axes(layout *l, int index) {
    wr_nn_compiler *c = l->c;
    size_t count = 0;
    const int64_t *axes = wr_nn_attr_ints(wr_nn_at(c, index), "axes", &count);
    int input = wr_nn_input_of(wr_nn_at(c, index), 1);
    bool by_input = axes == NULL && input >= 0;
    if (by_input)
        axes = wr_nn_int64s(c, input, &count);
    if (axes == NULL || count == 0 || count > WR_NN_RANK_MAX)
        return 0;
    int64_t *to = wr_nn_allocate(c->graph, count * sizeof *to);
    if (to == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        to[i] = turn_axis(axes[i]);
    if (!by_input)
        return wr_nn_attr_set_ints(c->graph, wr_nn_at(c, index), "axes", to,
                                   count);
    wr_nn_shape shape = {WR_NN_I64, 1, {(int64_t)count}};
    int value = wr_nn_edit_value(c, &shape, to);
    if (value >= 0)
        wr_nn_edit_input(c, index, 1, value);
    return value < 0 ? value : 0;
}

// The entries of a list, for each dimension one, in the order of N, H, W, C.
static int turn_list(layout *l, int index, int slot) {
    wr_nn_compiler *c = l->c;
    int value = wr_nn_input_of(wr_nn_at(c, index), slot);
    if (value < 0 || wr_nn_elements(shape_of(l, value)) != 4)
        return 0;
    wr_nn_shape shape = *shape_of(l, value);
    size_t size = wr_nn_type_size(shape.type);
    const char *from = wr_nn_value_at(c, value)->data;
    char *to = wr_nn_allocate(c->graph, 4 * size);
    if (to == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < 4; i++)
        memcpy(to + i * size, from + (size_t)to_nhwc[i] * size, size);
    value = wr_nn_edit_value(c, &shape, to);
    if (value >= 0)
        wr_nn_edit_input(c, index, slot, value);
    return value < 0 ? value : 0;
}

static int turn_lists(layout *l, int index) {
    if (wr_nn_attr_find(wr_nn_at(l->c, index), "axes") != NULL)
        return turn_axes(l, index);
    int status = l->c->graph->opset < 11 ? turn_list(l, index, 1) : 0;
    if (status == 0)
        status = turn_list(l, index, 2);
    return status == 0 ? turn_list(l, index, 3) : status;
}

static int turn_attributes(layout *l, int index) {
    wr_nn_node *node = wr_nn_at(l->c, index);
    switch ((kind)l->kind[index]) {
    case CONV:
    case POOL: return wr_nn_attr_set_int(l->c->graph, node, "weir_nhwc", 1);
    case REDUCE: return turn_axes(l, index);
    case SCALED: return turn_lists(l, index);
    case JOIN:
    case ALONG:
        return wr_nn_attr_set_int(l->c->graph, node, "axis",
                                  turn_axis(wr_nn_attr_int(node, "axis", -1)));
    case FIXED:
    case EACH:
    case FIRST: break;
    }
    return 0;
}

// The node's result is made in N, H, W, C; the old value is made from it.
static int turn_output(layout *l, int index) {
    wr_nn_compiler *c = l->c;
    int value = wr_nn_at(c, index)->output[0];
    wr_nn_shape shape = turned(shape_of(l, value));
    bool read_outside = c->uses[value] > l->inside[value];
    int twin = wr_nn_edit_value(c, &shape, NULL);
    if (twin < 0)
        return twin;
    wr_nn_edit_move(c, index, twin);
    l->twin[value] = twin;
    int status = wr_nn_edit_infer(c, index);
    if (status != 0)
        return status;
    if (!wr_nn_same_shape(&shape, shape_of(l, twin)))
        return wr_nn_refuse(c->why, -EINVAL, wr_nn_at(c, index),
                            "has another shape in N, H, W, C");
    if (!read_outside)
        return 0;
    int back = wr_nn_edit_transpose(c, twin, to_nchw);
    if (back >= 0)
        wr_nn_edit_move(c, c->producer[back], value);
    return back < 0 ? back : 0;
}

static int turn(layout *l) {
    for (int i = 0; i < l->values; i++)
        l->twin[i] = -1;
    int status = 0;
    for (int i = 0; i < l->nodes && status == 0; i++) {
        if (!l->inner[i])
            continue;
        status = wr_nn_cancelled(l->c);
        if (status == 0)
            status = turn_inputs(l, i);
        if (status == 0)
            status = turn_attributes(l, i);
        if (status == 0)
            status = turn_output(l, i);
    }
    return status;
}

int wr_nn_pass_layout(wr_nn_compiler *c) {
    size_t nodes = (size_t)c->graph->nodes + 1;
    size_t values = (size_t)c->graph->values + 1;
    layout l = {.c = c,
                .nodes = c->graph->nodes,
                .values = c->graph->values,
                .kind = wr_malloc(nodes),
                .inner = wr_malloc(nodes),
                .region = wr_malloc(nodes * sizeof(int)),
                .inside = wr_calloc(values, sizeof(int)),
                .twin = wr_malloc(values * sizeof(int)),
                .gain = wr_malloc(nodes * sizeof(double)),
                .loss = wr_malloc(nodes * sizeof(double))};
    int status = -ENOMEM;
    if (l.kind != NULL && l.inner != NULL && l.region != NULL &&
        l.inside != NULL && l.twin != NULL && l.gain != NULL &&
        l.loss != NULL) {
        choose(&l);
        status = turn(&l);
    }
    wr_free(l.kind);
    wr_free(l.inner);
    wr_free(l.region);
    wr_free(l.inside);
    wr_free(l.twin);
    wr_free(l.gain);
    wr_free(l.loss);
    return status;
}

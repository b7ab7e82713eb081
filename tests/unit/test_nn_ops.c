// SPDX-License-Identifier: MIT
// Elementwise operators, steps, and operators that move: beside plain loops.
// call_run runs each serially, in several numbers of parts and in place, and
// wants the same bits.
#include "base/random.h"
#include "support/nn_ops.h"

static uint64_t seed = 11;

static int64_t below(int64_t bound) {
    return (int64_t)wr_random_below(&seed, (uint32_t)bound);
}

// The offset, in a tensor that broadcasts to `out`, of out's element `at`.
static size_t stretched(const wr_nn_shape *in, const wr_nn_shape *out,
                        size_t at) {
    size_t offset = 0, step = 1;
    for (int i = out->rank - 1; i >= 0; i--) {
        size_t index = at % (size_t)out->dim[i];
        at /= (size_t)out->dim[i];
        int k = i - (out->rank - in->rank);
        if (k < 0)
            continue;
        offset += in->dim[k] == 1 ? 0 : index * step;
        step *= (size_t)in->dim[k];
    }
    return offset;
}

static tensor random_operand(const wr_nn_shape *out) {
    int64_t dim[WR_NN_RANK_MAX];
    int rank = (int)below(out->rank + 1);
    for (int i = 0; i < rank; i++)
        dim[i] = below(3) == 0 ? 1 : out->dim[out->rank - rank + i];
    tensor t = tensor_of(WR_NN_F32, rank, dim);
    for (size_t i = 0; i < wr_nn_elements(&t.shape); i++)
        ((float *)t.data)[i] = (float)(below(2001) - 1000) / 500.0f;
    return t;
}

// Widths around what the inner loops care about.
static wr_nn_shape random_shape(void) {
    static const int64_t widths[] = {1, 2, 3, 7, 16, 47, 48, 49, 130, 1100};
    wr_nn_shape shape = {.type = WR_NN_F32, .rank = 1 + (int)below(4)};
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = 1 + below(i == shape.rank - 1 ? 1 : 5);
    shape.dim[shape.rank - 1] = widths[below(10)];
    return shape;
}

static void operands_broadcast_as_numpys_do(void) {
    for (int round = 0; round < 400; round++) {
        wr_nn_shape out = random_shape();
        tensor a = random_operand(&out), b = random_operand(&out);
        call c = call_begin(13, "Sub");
        call_in(&c, &a);
        call_in(&c, &b);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        const wr_nn_shape *shape = &c.out[0].shape;
        for (size_t i = 0; i < wr_nn_elements(shape); i++) {
            float x = ((float *)a.data)[stretched(&a.shape, shape, i)];
            float y = ((float *)b.data)[stretched(&b.shape, shape, i)];
            CHECK(((float *)c.out[0].data)[i] == x - y);
        }
        call_end(&c);
        tensor_free(&a);
        tensor_free(&b);
    }
}

static void comparisons_broadcast_and_give_bools(void) {
    for (int round = 0; round < 100; round++) {
        wr_nn_shape out = random_shape();
        tensor a = random_operand(&out), b = random_operand(&out);
        call c = call_begin(13, "Less");
        call_in(&c, &a);
        call_in(&c, &b);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        const wr_nn_shape *shape = &c.out[0].shape;
        CHECK_EQ(shape->type, WR_NN_BOOL);
        for (size_t i = 0; i < wr_nn_elements(shape); i++) {
            float x = ((float *)a.data)[stretched(&a.shape, shape, i)];
            float y = ((float *)b.data)[stretched(&b.shape, shape, i)];
            CHECK_EQ(((uint8_t *)c.out[0].data)[i], x < y);
        }
        call_end(&c);
        tensor_free(&a);
        tensor_free(&b);
    }
}

// One float result from one or two lists of floats.
static tensor apply(int opset, const char *op, const tensor *x, const tensor *y,
                    const tensor *z) {
    call c = call_begin(opset, op);
    call_in(&c, x);
    if (y != NULL)
        call_in(&c, y);
    if (z != NULL)
        call_in(&c, z);
    if (call_infer(&c) != 0)
        CHECK_FAIL("%s", c.why.text);
    call_run(&c);
    tensor out = c.out[0];
    c.out[0].data = NULL;
    call_end(&c);
    return out;
}

static void many_operands_are_taken_in_order(void) {
    tensor x = floats(DIMS(2, 1), (float[]){1, 5});
    tensor y = floats(DIMS(3), (float[]){4, 0, 9});
    tensor z = floats(SCALAR, (float[]){2});
    static const struct {
        const char *op;
        float out[6];
    } wanted[] = {
        {"Max", {4, 2, 9, 5, 5, 9}},
        {"Min", {1, 0, 1, 2, 0, 2}},
        {"Sum", {7, 3, 12, 11, 7, 16}},
        {"Mean", {7 / 3.0f, 1, 4, 11 / 3.0f, 7 / 3.0f, 16 / 3.0f}},
    };
    for (int i = 0; i < 4; i++) {
        tensor out = apply(13, wanted[i].op, &x, &y, &z);
        CHECK_EQ(wr_nn_elements(&out.shape), 6);
        for (int k = 0; k < 6; k++)
            CHECK(ulps(((float *)out.data)[k], wanted[i].out[k]) <= 1);
        tensor_free(&out);
        out = apply(13, wanted[i].op, &x, NULL, NULL);
        CHECK(memcmp(out.data, x.data, 8) == 0);
        tensor_free(&out);
    }
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&z);
}

// The first two stay where they are along a row that only the third has.
static void a_later_operand_may_be_the_long_one(void) {
    tensor x = floats(DIMS(1, 1, 1), (float[]){3});
    tensor y = floats(DIMS(1, 1, 1), (float[]){4});
    for (int long_row = 0; long_row < 2; long_row++) {
        tensor z = some_floats(DIMS(1, 2, long_row != 0 ? 700 : 8));
        tensor out = apply(13, "Sum", &x, &y, &z);
        size_t count = wr_nn_elements(&out.shape);
        CHECK_EQ(count, wr_nn_elements(&z.shape));
        for (size_t i = 0; i < count; i++)
            CHECK(((float *)out.data)[i] == 7 + ((float *)z.data)[i]);
        tensor_free(&out);
        tensor_free(&z);
    }
    tensor_free(&x);
    tensor_free(&y);
}

static void nan_goes_through(void) {
    tensor x = floats(DIMS(4), (float[]){NAN, 1, NAN, -3});
    tensor y = floats(DIMS(4), (float[]){2, NAN, NAN, -4});
    tensor low = floats(SCALAR, (float[]){-2});
    tensor high = floats(SCALAR, (float[]){2});
    static const char *const two[] = {"Max", "Min", "Add", "Mul"};
    for (int i = 0; i < 4; i++) {
        tensor out = apply(13, two[i], &x, &y, NULL);
        for (int k = 0; k < 4; k++)
            CHECK_EQ(isnan(((float *)out.data)[k]) != 0, k < 3);
        tensor_free(&out);
    }
    tensor relu = apply(13, "Relu", &x, NULL, NULL);
    CHECK(isnan(((float *)relu.data)[0]) && ((float *)relu.data)[3] == 0);
    tensor clip = apply(13, "Clip", &x, &low, &high);
    CHECK(isnan(((float *)clip.data)[2]) && ((float *)clip.data)[3] == -2);
    tensor less = apply(13, "LessOrEqual", &x, &y, NULL);
    CHECK(((uint8_t *)less.data)[0] == 0 && ((uint8_t *)less.data)[2] == 0);
    tensor soft = apply(13, "Softmax", &x, NULL, NULL);
    for (int k = 0; k < 4; k++)
        CHECK(isnan(((float *)soft.data)[k]));
    tensor *all[] = {&x, &y, &low, &high, &relu, &clip, &less, &soft};
    for (int i = 0; i < 8; i++)
        tensor_free(all[i]);
}

static void zeros_keep_their_sign_and_denormals_count(void) {
    float tiny = 1e-42f;
    tensor x = floats(DIMS(3), (float[]){-0.0f, tiny, -tiny});
    tensor y = floats(DIMS(3), (float[]){1, 2, 0.5f});
    tensor product = apply(13, "Mul", &x, &y, NULL);
    CHECK(signbit(((float *)product.data)[0]) != 0);
    CHECK(((float *)product.data)[1] == 2 * tiny);
    CHECK(((float *)product.data)[2] == -0.5f * tiny);
    tensor sum = apply(13, "Add", &x, &x, NULL);
    CHECK(((float *)sum.data)[2] == -2 * tiny);
    tensor turned = apply(13, "Neg", &x, NULL, NULL);
    CHECK(signbit(((float *)turned.data)[0]) == 0);
    tensor *all[] = {&x, &y, &product, &sum, &turned};
    for (int i = 0; i < 5; i++)
        tensor_free(all[i]);
}

static void integers_wrap_and_never_trap(void) {
    static const struct {
        const char *op;
        int64_t a, b, out;
    } wanted[] = {
        {"Add", INT64_MAX, 1, INT64_MIN},
        {"Sub", INT64_MIN, 1, INT64_MAX},
        {"Mul", INT64_MIN, -1, INT64_MIN},
        {"Div", 7, 0, 0},
        {"Div", INT64_MIN, -1, INT64_MIN},
        {"Div", -7, 2, -3},
        {"Mod", -7, 3, 2},
        {"Mod", 7, -3, -2},
        {"Mod", INT64_MIN, -1, 0},
        {"Mod", 5, 0, 0},
        {"Pow", 3, 4, 81},
        {"Pow", 2, -1, 0},
        {"Max", -5, 3, 3},
        {"Min", -5, 3, -5},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        tensor a = LONGS(wanted[i].a), b = LONGS(wanted[i].b);
        tensor out = apply(13, wanted[i].op, &a, &b, NULL);
        CHECK_EQ(*(int64_t *)out.data, wanted[i].out);
        tensor_free(&a);
        tensor_free(&b);
        tensor_free(&out);
    }
}

static void casts_stay_within_their_type(void) {
    tensor x = floats(DIMS(6), (float[]){1e20f, -1e20f, NAN, -1.9f, 2.9f, 0});
    static const int64_t wide[] = {INT64_MAX, INT64_MIN, 0, -1, 2, 0};
    static const int32_t narrow[] = {INT32_MAX, INT32_MIN, 0, -1, 2, 0};
    static const uint8_t truth[] = {1, 1, 1, 1, 1, 0};
    static const struct {
        wr_nn_type type;
        const void *out;
    } wanted[] = {{WR_NN_I64, wide}, {WR_NN_I32, narrow}, {WR_NN_BOOL, truth}};
    for (int i = 0; i < 3; i++) {
        call c = call_begin(13, "Cast");
        call_in(&c, &x);
        call_int(&c, "to", (int64_t)wanted[i].type);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        CHECK(memcmp(c.out[0].data, wanted[i].out,
                     wr_nn_bytes(&c.out[0].shape)) == 0);
        call_end(&c);
    }
    tensor_free(&x);
}

// ---- steps -----------------------------------------------------------------

// The same program as operators of their own, for odd widths and operands that
// are whole, last-dimensional, single and otherwise.
static void steps_are_the_operators_they_are_named_for(void) {
    tensor x = some_floats(DIMS(3, 5, 333));
    tensor whole = some_floats(DIMS(3, 5, 333));
    tensor row = some_floats(DIMS(333)), column = some_floats(DIMS(5, 1));
    tensor one = floats(SCALAR, (float[]){0.75f});
    const wr_nn_step steps[] = {
        {WR_NN_STEP_ADD, 1, 0, 0},      {WR_NN_STEP_MUL, 2, 0, 0},
        {WR_NN_STEP_SUB, 3, 0, 0},      {WR_NN_STEP_DIV, 4, 0, 0},
        {WR_NN_STEP_SIGMOID, -1, 0, 0}, {WR_NN_STEP_TANH, -1, 0, 0},
        {WR_NN_STEP_LINEAR, -1, 3, -1}, {WR_NN_STEP_CLIP, -1, -2, 1.5f},
        {WR_NN_STEP_MAX, 2, 0, 0},      {WR_NN_STEP_MIN, 1, 0, 0},
        {WR_NN_STEP_SWISH, -1, 1, 0},   {WR_NN_STEP_HARDSWISH, -1, .2f, .5f},
        {WR_NN_STEP_GELU, -1, 0, 0},    {WR_NN_STEP_RELU, -1, 0, 0},
    };
    const char *ops[] = {"Add", "Mul", "Sub", "Div", "Sigmoid", "Tanh", NULL,
                         NULL,  "Max", "Min", NULL,  NULL,      "Gelu", "Relu"};
    const tensor *operand[] = {&x, &whole, &row, &column, &one};
    enum { STEPS = sizeof steps / sizeof steps[0] };
    tensor so_far = floats(DIMS(3, 5, 333), x.data);
    for (size_t count = 1; count <= STEPS; count++) {
        const wr_nn_step *step = &steps[count - 1];
        call c = call_begin(21, "WeirFused");
        for (int i = 0; i < 5; i++)
            call_in(&c, operand[i]);
        call_node(&c);
        CHECK_EQ(wr_nn_steps_set(c.graph, c.node, steps, count), 0);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        // The next operator on what came out before.
        if (ops[count - 1] != NULL) {
            tensor next =
                apply(21, ops[count - 1], &so_far,
                      step->operand < 0 ? NULL : operand[step->operand], NULL);
            tensor_free(&so_far);
            so_far = next;
        } else {
            wr_nn_step alone = *step;
            call one_step = call_begin(21, "WeirFused");
            call_in(&one_step, &so_far);
            call_node(&one_step);
            CHECK_EQ(wr_nn_steps_set(one_step.graph, one_step.node, &alone, 1),
                     0);
            CHECK_EQ(call_infer(&one_step), 0);
            call_run(&one_step);
            tensor_free(&so_far);
            so_far = one_step.out[0];
            one_step.out[0].data = NULL;
            call_end(&one_step);
        }
        CHECK(memcmp(c.out[0].data, so_far.data, wr_nn_bytes(&so_far.shape)) ==
              0);
        call_end(&c);
    }
    tensor *all[] = {&x, &whole, &row, &column, &one, &so_far};
    for (int i = 0; i < 6; i++)
        tensor_free(all[i]);
}

static void steps_may_be_applied_to_any_stretch(void) {
    tensor x = some_floats(DIMS(4, 700)), row = some_floats(DIMS(700));
    const wr_nn_step steps[] = {{WR_NN_STEP_ADD, 1, 0, 0},
                                {WR_NN_STEP_RELU, -1, 0, 0},
                                {WR_NN_STEP_MUL, 1, 0, 0}};
    call c = call_begin(21, "WeirFused");
    call_in(&c, &x);
    call_in(&c, &row);
    call_node(&c);
    CHECK_EQ(wr_nn_steps_set(c.graph, c.node, steps, 3), 0);
    CHECK_EQ(call_infer(&c), 0);
    call_run(&c);
    for (int round = 0; round < 50; round++) {
        tensor y = floats(DIMS(4, 700), x.data);
        size_t first = (size_t)below(2800);
        size_t count = (size_t)below(2800 - (int64_t)first + 1);
        wr_nn_steps_apply(c.graph, c.node, &y.shape, y.data, first, count,
                          c.data);
        for (size_t i = 0; i < 2800; i++) {
            const tensor *from =
                i >= first && i < first + count ? &c.out[0] : &x;
            CHECK(((float *)y.data)[i] == ((float *)from->data)[i]);
        }
        tensor_free(&y);
    }
    call_end(&c);
    tensor_free(&x);
    tensor_free(&row);
}

// ---- moving ----------------------------------------------------------------

static void transposing_moves_every_element_to_its_place(void) {
    static const wr_nn_type types[] = {WR_NN_F32, WR_NN_I64, WR_NN_BOOL};
    for (int round = 0; round < 120; round++) {
        int rank = 2 + (int)below(3);
        int64_t dim[4], perm[4] = {0, 1, 2, 3};
        for (int i = 0; i < rank; i++) {
            dim[i] = 1 + below(i == rank - 1 ? 70 : 18);
            int other = (int)below(i + 1);
            int64_t swap = perm[i];
            perm[i] = perm[other];
            perm[other] = swap;
        }
        wr_nn_type type = types[below(3)];
        size_t size = wr_nn_type_size(type);
        tensor x = tensor_of(type, rank, dim);
        for (size_t i = 0; i < wr_nn_bytes(&x.shape); i++)
            ((uint8_t *)x.data)[i] = (uint8_t)below(256);
        call c = call_begin(13, "Transpose");
        call_in(&c, &x);
        call_ints(&c, "perm", rank, perm);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        for (size_t at = 0; at < wr_nn_elements(&x.shape); at++) {
            size_t rest = at, from = 0;
            int64_t index[4];
            for (int i = rank - 1; i >= 0; i--) {
                index[perm[i]] =
                    (int64_t)(rest % (size_t)c.out[0].shape.dim[i]);
                rest /= (size_t)c.out[0].shape.dim[i];
            }
            for (int i = 0; i < rank; i++)
                from = from * (size_t)dim[i] + (size_t)index[i];
            CHECK(memcmp((uint8_t *)c.out[0].data + at * size,
                         (uint8_t *)x.data + from * size, size) == 0);
        }
        call_end(&c);
        tensor_free(&x);
    }
}

// Python's slices, element by element.
static void slices_are_pythons(void) {
    for (int round = 0; round < 500; round++) {
        int64_t dim = 1 + below(9);
        int64_t start = below(25) - 12, end = below(25) - 12;
        int64_t step = below(2) == 0 ? 1 + below(4) : -1 - below(4);
        if (below(8) == 0)
            end = step > 0 ? INT64_MAX : INT64_MIN;
        tensor x = some_floats(DIMS(2, dim));
        tensor starts = LONGS(start), ends = LONGS(end), axes = LONGS(-1),
               steps = LONGS(step);
        call c = call_begin(13, "Slice");
        call_in(&c, &x);
        call_const(&c, &starts);
        call_const(&c, &ends);
        call_const(&c, &axes);
        call_const(&c, &steps);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        int64_t i = start < 0 ? start + dim : start;
        int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
        i = i < low ? low : i > high ? high : i;
        int64_t stop = end < 0 ? end + dim : end, count = 0;
        stop = stop < low ? low : stop > high ? high : stop;
        for (; step > 0 ? i < stop : i > stop; i += step, count++) {
            CHECK(count < c.out[0].shape.dim[1]);
            CHECK(((float *)c.out[0].data)[count] == ((float *)x.data)[i]);
        }
        CHECK_EQ(count, c.out[0].shape.dim[1]);
        call_end(&c);
        tensor *all[] = {&x, &starts, &ends, &axes, &steps};
        for (int k = 0; k < 5; k++)
            tensor_free(all[k]);
    }
}

static void what_is_split_can_be_joined_again(void) {
    for (int64_t axis = 0; axis < 3; axis++) {
        tensor x = some_floats(DIMS(6, 6, 6));
        tensor sizes = LONGS(1, 0, 3, 2);
        call c = call_begin(13, "Split");
        call_in(&c, &x);
        call_const(&c, &sizes);
        call_int(&c, "axis", axis - 3);
        c.outputs = 4;
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        call join = call_begin(13, "Concat");
        for (int i = 0; i < 4; i++)
            call_in(&join, &c.out[i]);
        call_int(&join, "axis", axis);
        CHECK_EQ(call_infer(&join), 0);
        call_run(&join);
        CHECK(memcmp(join.out[0].data, x.data, wr_nn_bytes(&x.shape)) == 0);
        call_end(&join);
        call_end(&c);
        tensor_free(&x);
        tensor_free(&sizes);
    }
}

static void computed_indices_are_brought_into_range(void) {
    tensor x = floats(DIMS(3), (float[]){10, 20, 30});
    tensor at = LONGS(-100, -1, 0, 2, 100);
    tensor out = apply(13, "Gather", &x, &at, NULL);
    static const float wanted[] = {10, 30, 10, 30, 30};
    CHECK(memcmp(out.data, wanted, sizeof wanted) == 0);
    tensor_free(&out);
    tensor more = floats(DIMS(5), (float[]){1, 2, 3, 4, 5});
    out = apply(16, "ScatterElements", &x, &at, &more);
    tensor_free(&out);
    tensor_free(&x);
    tensor_free(&at);
    tensor_free(&more);
}

static void empty_lists_do_in_shape_arithmetic(void) {
    tensor none = longs(0, NULL), two = LONGS(3, 4);
    tensor x = floats(SCALAR, (float[]){7});
    tensor joined, out;
    call c = call_begin(13, "Concat");
    call_in(&c, &none);
    call_in(&c, &two);
    call_in(&c, &none);
    call_int(&c, "axis", 0);
    CHECK_EQ(call_infer(&c), 0);
    call_run(&c);
    joined = c.out[0];
    c.out[0].data = NULL;
    call_end(&c);
    CHECK_EQ(joined.shape.dim[0], 2);
    out = apply(15, "Shape", &x, NULL, NULL);
    CHECK_EQ(out.shape.dim[0], 0);
    tensor_free(&out);
    out = apply(13, "ReduceProd", &none, NULL, NULL);
    CHECK_EQ(*(int64_t *)out.data, 1);
    tensor_free(&out);
    out = apply(13, "Add", &none, &none, NULL);
    CHECK_EQ(wr_nn_elements(&out.shape), 0);
    tensor_free(&out);
    call r = call_begin(13, "Reshape");
    call_in(&r, &x);
    call_const(&r, &none);
    CHECK_EQ(call_infer(&r), 0);
    call_run(&r);
    CHECK_EQ(r.out[0].shape.rank, 0);
    call_end(&r);
    tensor *all[] = {&none, &two, &x, &joined};
    for (int i = 0; i < 4; i++)
        tensor_free(all[i]);
}

static void padding_mirrors_repeats_and_cuts(void) {
    static const struct {
        const char *mode;
        int64_t before, after;
        int64_t count;
        float out[9];
    } wanted[] = {
        {"constant", 2, 1, 6, {9, 9, 1, 2, 3, 9}},
        {"edge", 2, 1, 6, {1, 1, 1, 2, 3, 3}},
        {"reflect", 2, 1, 6, {3, 2, 1, 2, 3, 2}},
        {"reflect", 5, 0, 8, {2, 1, 2, 3, 2, 1, 2, 3}},
        {"wrap", 2, 4, 9, {2, 3, 1, 2, 3, 1, 2, 3, 1}},
        {"constant", -1, 1, 3, {2, 3, 9}},
        {"constant", -2, -1, 0, {0}},
        {"edge", -4, 5, 4, {3, 3, 3, 3}},
    };
    tensor x = floats(DIMS(1, 3), (float[]){1, 2, 3});
    tensor nine = floats(SCALAR, (float[]){9});
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        tensor pads = LONGS(0, wanted[i].before, 0, wanted[i].after);
        call c = call_begin(19, "Pad");
        call_in(&c, &x);
        call_const(&c, &pads);
        call_in(&c, &nine);
        call_text(&c, "mode", wanted[i].mode);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        CHECK_EQ(c.out[0].shape.dim[1], wanted[i].count);
        CHECK(memcmp(c.out[0].data, wanted[i].out,
                     wr_nn_bytes(&c.out[0].shape)) == 0);
        call_end(&c);
        tensor_free(&pads);
    }
    tensor_free(&x);
    tensor_free(&nine);
}

static const test_case cases[] = {
    {"operands_broadcast_as_numpys_do", operands_broadcast_as_numpys_do},
    {"comparisons_broadcast_and_give_bools",
     comparisons_broadcast_and_give_bools},
    {"many_operands_are_taken_in_order", many_operands_are_taken_in_order},
    {"a_later_operand_may_be_the_long_one",
     a_later_operand_may_be_the_long_one},
    {"nan_goes_through", nan_goes_through},
    {"zeros_keep_their_sign_and_denormals_count",
     zeros_keep_their_sign_and_denormals_count},
    {"integers_wrap_and_never_trap", integers_wrap_and_never_trap},
    {"casts_stay_within_their_type", casts_stay_within_their_type},
    {"steps_are_the_operators_they_are_named_for",
     steps_are_the_operators_they_are_named_for},
    {"steps_may_be_applied_to_any_stretch",
     steps_may_be_applied_to_any_stretch},
    {"transposing_moves_every_element_to_its_place",
     transposing_moves_every_element_to_its_place},
    {"slices_are_pythons", slices_are_pythons},
    {"what_is_split_can_be_joined_again", what_is_split_can_be_joined_again},
    {"computed_indices_are_brought_into_range",
     computed_indices_are_brought_into_range},
    {"empty_lists_do_in_shape_arithmetic", empty_lists_do_in_shape_arithmetic},
    {"padding_mirrors_repeats_and_cuts", padding_mirrors_repeats_and_cuts},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}

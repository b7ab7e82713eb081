// SPDX-License-Identifier: MIT
// What operators refuse, each with its status and its line; and what differs
// from one operator set to the next.
#include <errno.h>

#include "support/nn_ops.h"

// A call of up to four inputs, named by what they are; see `kinds`.
typedef struct wrong {
    const char *op;
    int opset;
    const char *inputs; // letters of `kinds`, '-': absent; capitals: constants
    const char *attrs;  // name=1 name=[1,2] name=1.5 name:text, by blanks
    int status;         // 0: it is right, `line` is the result's shape
    const char *line;
} wrong;

static tensor kinds[128];

static void make_kinds(void) {
    kinds['x'] = some_floats(DIMS(2, 3, 4, 5));
    kinds['y'] = some_floats(DIMS(3, 4));
    kinds['v'] = some_floats(DIMS(3));
    kinds['w'] = some_floats(DIMS(7));
    kinds['s'] = floats(SCALAR, (float[]){1});
    kinds['o'] = some_floats(DIMS(1, 3, 1, 4));
    kinds['i'] = LONGS(0, 1, 2);
    kinds['j'] = LONGS(2, 3, 4, 5);
    kinds['k'] = LONGS(1);
    kinds['z'] = LONGS(0);
    kinds['n'] = LONGS(-1);
    kinds['e'] = longs(0, NULL);
    kinds['p'] = LONGS(6, -1);
    kinds['q'] = LONGS(-1, -1);
    kinds['r'] = LONGS(7, -1);
    kinds['t'] = LONGS(5, -2);
    kinds['u'] = LONGS(1, 1);
    kinds['h'] = LONGS(INT64_MAX, 1);
    kinds['g'] = LONGS(0, 0, 0, 0, -3, 0, 0, 0);
    kinds['m'] = LONGS(1, 1, 1, 1, 1, 1, 1, 1, 1);
    kinds['b'] = tensor_of(WR_NN_BOOL, DIMS(3));
    kinds['f'] = tensor_of(WR_NN_I32, DIMS(3));
    kinds['l'] = tensor_of(WR_NN_I64, DIMS(2, 3, 4, 5));
    kinds['c'] = floats(DIMS(4), (float[]){1, 1, 2, 0.5f});
    kinds['d'] = floats(DIMS(4), (float[]){1, 1, 0, 2});
    kinds['a'] = floats(DIMS(2), (float[]){1, 1});
}

static void free_kinds(void) {
    for (int i = 0; i < 128; i++)
        tensor_free(&kinds[i]);
}

// Sets the attributes; `text` is cut up.
static void set_attrs(call *c, char *text) {
    for (char *word = strtok(text, " "); word != NULL;
         word = strtok(NULL, " ")) {
        char *mark = strpbrk(word, "=:");
        CHECK(mark != NULL);
        char kind = *mark;
        *mark++ = '\0';
        if (kind == ':') {
            call_text(c, word, mark);
        } else if (*mark == '[') {
            int64_t list[16];
            int count = 0;
            for (mark++; *mark != ']'; mark += *mark == ',')
                list[count++] = strtoll(mark, &mark, 10);
            call_ints(c, word, count, list);
        } else if (strchr(mark, '.') != NULL) {
            call_float(c, word, strtof(mark, NULL));
        } else {
            call_int(c, word, strtoll(mark, NULL, 10));
        }
    }
}

static void hold(const wrong *w) {
    call c = call_begin(w->opset, w->op);
    char attrs[200];
    snprintf(attrs, sizeof attrs, "%s", w->attrs);
    for (const char *at = w->inputs; *at != '\0'; at++) {
        if (*at == '-')
            call_absent(&c);
        else if (*at >= 'A' && *at <= 'Z')
            call_const(&c, &kinds[*at - 'A' + 'a']);
        else
            call_in(&c, &kinds[(unsigned char)*at]);
    }
    set_attrs(&c, attrs);
    int status = call_infer(&c);
    char text[WR_NN_SHAPE_TEXT];
    if (status != w->status)
        CHECK_FAIL("%s %s {%s}: status %d: %s", w->op, w->inputs, w->attrs,
                   status, c.why.text);
    const char *line =
        status == 0 ? wr_nn_shape_text(text, call_shape(&c, 0)) : c.why.text;
    if (strstr(line, w->line) == NULL)
        CHECK_FAIL("%s %s {%s}: \"%s\", not \"%s\"", w->op, w->inputs, w->attrs,
                   line, w->line);
    if (status != 0 && strncmp(line, "node 'it' (", 11) != 0)
        CHECK_FAIL("no node in: %s", line);
    if (status == 0)
        call_run(&c);
    else
        c.outputs = 0;
    call_end(&c);
}

static void hold_all(const wrong *list, size_t count) {
    make_kinds();
    for (size_t i = 0; i < count; i++)
        hold(&list[i]);
    free_kinds();
}

#define HOLD(list) hold_all(list, sizeof(list) / sizeof(list)[0])
enum { WRONG = -EINVAL, CANNOT = -ENOTSUP };

// ---------------------------------------------------------------------------

static void elementwise_operators_check_what_they_get(void) {
    static const wrong list[] = {
        {"Add", 13, "x", "", WRONG, "has 1 inputs"},
        {"Add", 13, "x-", "", WRONG, "input 1 is missing"},
        {"Add", 13, "vi", "", WRONG, "input 0 is float32, but input 1 int64"},
        {"Add", 13, "bb", "", CANNOT, "input 0 is bool: not supported"},
        {"Add", 13, "vw", "", WRONG, "3"},
        {"Add", 13, "xo", "", WRONG, ""},
        {"Sum", 13, "ii", "", CANNOT, "input 0 is int64"},
        {"Max", 13, "x-s", "", WRONG, "input 1 is missing"},
        {"Pow", 13, "iv", "", CANNOT, "integers with a float32 exponent"},
        {"Pow", 13, "vi", "", 0, "float32[3]"},
        {"Mod", 13, "vv", "", WRONG, "float32 needs fmod=1"},
        {"Mod", 13, "vv", "fmod=1", 0, "float32[3]"},
        {"PRelu", 13, "vx", "", WRONG, ""},
        {"PRelu", 13, "sv", "", WRONG, "does not broadcast to the input"},
        {"And", 13, "vv", "", CANNOT, "input 0 is float32"},
        {"Equal", 13, "bb", "", 0, "bool[3]"},
        {"Where", 13, "vvv", "", CANNOT, "input 0 is float32"},
        {"Where", 13, "bvi", "", WRONG, "input 1 is float32, but input 2"},
        {"Relu", 13, "i", "", CANNOT, "input 0 is int64: not supported"},
        {"Not", 13, "v", "", CANNOT, "input 0 is float32"},
        {"Elu", 13, "v", "alpha=1", WRONG, "'alpha' is an integer, not a fl"},
        {"Gelu", 20, "v", "approximate:wild", WRONG, "approximate is 'wild'"},
        {"Clip", 13, "vw", "", WRONG, "input 1 is not one element"},
        {"Clip", 13, "vk", "", WRONG, "input 0 is float32, but input 1 int64"},
        {"Clip", 13, "v-s", "", 0, "float32[3]"},
        {"Clip", 11, "v", "min=0.5", WRONG, "inputs from opset 11 on"},
        {"Clip", 10, "vs", "", WRONG, "attributes before opset 11"},
        {"Clip", 6, "v", "min=0.5", 0, "float32[3]"},
        {"Clip", 11, "i", "", CANNOT, "input 0 is int64"},
        {"Clip", 12, "ik", "", 0, "int64[3]"},
        {"Cast", 13, "v", "to=10", CANNOT, "type 10: not supported"},
        {"Cast", 13, "v", "to=1.0", WRONG, "'to' is a float, not an integer"},
        {"WeirFused", 13, "i", "", CANNOT, "input 0 is int64"},
    };
    HOLD(list);
}

static void views_check_that_elements_are_kept(void) {
    static const wrong list[] = {
        {"Reshape", 13, "xP", "", 0, "float32[6,20]"},
        {"Reshape", 13, "xp", "", CANNOT, "computed from data"},
        {"Reshape", 13, "xQ", "", WRONG, "dimension 1 of the new shape is -1"},
        {"Reshape", 13, "xR", "", WRONG, "float32[2,3,4,5] does not become"},
        {"Reshape", 13, "xT", "", WRONG, "is -2"},
        {"Reshape", 13, "xV", "", WRONG, "input 1 is float32, not integers"},
        {"Reshape", 13, "xL", "", WRONG, "input 1 has rank 4, not 1"},
        {"Reshape", 13, "xM", "", CANNOT, "rank 9 is more than 8"},
        {"Reshape", 13, "xH", "", WRONG, "does not become"},
        {"Reshape", 13, "sZ", "", WRONG, "0 keeps dimension 0"},
        {"Reshape", 14, "vZ", "allowzero=1", WRONG, "does not become"},
        {"Reshape", 14, "vZ", "", 0, "float32[3]"},
        {"Reshape", 13, "x", "", WRONG, "the new shape is missing"},
        {"Reshape", 4, "x", "shape=[6,-1]", 0, "float32[6,20]"},
        {"Flatten", 13, "x", "axis=4", 0, "float32[120,1]"},
        {"Flatten", 13, "x", "axis=-3", 0, "float32[2,60]"},
        {"Flatten", 13, "x", "axis=5", WRONG, "axis 5 is out of range for ra"},
        {"Squeeze", 13, "oZ", "", 0, "float32[3,1,4]"},
        {"Squeeze", 13, "o", "", 0, "float32[3,4]"},
        {"Squeeze", 11, "o", "axes=[0,-2]", 0, "float32[3,4]"},
        {"Squeeze", 13, "oK", "", WRONG, "dimension 1 is 3, not 1"},
        {"Squeeze", 13, "o", "axes=[0]", WRONG, "an input from opset 13 on"},
        {"Squeeze", 11, "oZ", "", WRONG, "an attribute before opset 13"},
        {"Squeeze", 11, "o", "axes=[4]", WRONG, "axis 4 is out of range"},
        {"Squeeze", 11, "o", "axes=[0,-4]", WRONG, "axis 0 is there twice"},
        {"Unsqueeze", 13, "vN", "", 0, "float32[3,1]"},
        {"Unsqueeze", 11, "v", "axes=[0,2]", 0, "float32[1,3,1]"},
        {"Unsqueeze", 13, "v", "", WRONG, "the axes are missing"},
        {"Unsqueeze", 11, "v", "axes=[3]", WRONG, "axis 3 is out of range"},
        {"Unsqueeze", 13, "xM", "", CANNOT, "rank 13 is more than 8"},
        {"Dropout", 13, "vsB", "", 0, "float32[3]"},
    };
    // A mask of three is no training_mode.
    wrong dropout = list[sizeof list / sizeof list[0] - 1];
    make_kinds();
    for (size_t i = 0; i + 1 < sizeof list / sizeof list[0]; i++)
        hold(&list[i]);
    dropout.status = CANNOT;
    dropout.line = "training_mode must be a constant false";
    hold(&dropout);
    free_kinds();
}

static void moving_checks_axes_and_lists(void) {
    static const wrong list[] = {
        {"Transpose", 13, "y", "", 0, "float32[4,3]"},
        {"Transpose", 13, "y", "perm=[0]", WRONG, "perm has 1 entries for ra"},
        {"Transpose", 13, "y", "perm=[0,0]", WRONG, "perm is no permutation"},
        {"Transpose", 13, "y", "perm=[0,2]", WRONG, "perm is no permutation"},
        {"Transpose", 13, "y", "perm=1", WRONG, "'perm' is an integer, not a"},
        {"Concat", 13, "xx", "axis=1", 0, "float32[2,6,4,5]"},
        {"Concat", 13, "xx", "", WRONG, "the axis is missing"},
        {"Concat", 13, "xx", "axis=4", WRONG, "axis 4 is out of range"},
        {"Concat", 13, "xo", "axis=0", WRONG, "differ beyond axis 0"},
        {"Concat", 13, "xl", "axis=0", WRONG, "input 0 is float32, but inpu"},
        {"Concat", 13, "x-", "axis=0", WRONG, "input 1 is missing"},
        {"Split", 13, "x", "axis=1", 0, "float32[2,3,4,5]"},
        {"Split", 13, "x", "axis=9", WRONG, "axis 9 is out of range"},
        {"Split", 13, "xI", "axis=1", WRONG, "3 sizes for 1 outputs"},
        {"Split", 13, "xK", "axis=1", WRONG, "the sizes are 1 together, not"},
        {"Split", 13, "x", "split=[2]", WRONG, "an input from opset 13 on"},
        {"Split", 11, "x", "split=[5]", WRONG, "size 5 of piece 0 does not f"},
        {"Split", 18, "x", "num_outputs=2", WRONG, "num_outputs is 2, but th"},
        {"Slice", 13, "vK", "", WRONG, "ends are missing"},
        {"Slice", 13, "vKU", "", WRONG, "1 starts, but 2 ends"},
        {"Slice", 13, "vKNZZ", "", WRONG, "a step is 0"},
        {"Slice", 13, "vKNK", "", WRONG, "axis 1 is out of range"},
        {"Slice", 13, "xUUU", "", WRONG, "axis 1 is there twice"},
        {"Slice", 13, "vKn", "", CANNOT, "computed from data"},
        {"Slice", 9, "v", "starts=[1] ends=[9]", 0, "float32[2]"},
        {"Slice", 10, "v", "starts=[1] ends=[9]", WRONG, "an input from ops"},
        {"Expand", 13, "oJ", "", WRONG, ""},
        {"Expand", 13, "sJ", "", 0, "float32[2,3,4,5]"},
        {"Expand", 13, "oN", "", WRONG, "dimension 0 of the new shape is -1"},
        {"Expand", 13, "oM", "", CANNOT, "rank 9 is more than 8"},
        {"Expand", 13, "sH", "", -E2BIG, "is too large"},
        {"Tile", 13, "yU", "", 0, "float32[3,4]"},
        {"Tile", 13, "yK", "", WRONG, "1 repeats for rank 2"},
        {"Tile", 13, "yQ", "", WRONG, "repeat 0 is -1"},
        {"Tile", 13, "yH", "", -E2BIG, "the result is too large"},
        {"Pad", 13, "xG", "", WRONG, "dimension 0 of 2 cannot be padded"},
        {"Pad", 13, "xK", "", WRONG, "pads has 1 entries, not 8"},
        {"Pad", 13, "vU", "mode:odd", WRONG, "mode is 'odd'"},
        {"Pad", 18, "vU", "mode:wrap", WRONG, "mode is 'wrap'"},
        {"Pad", 13, "vUa", "", WRONG, "input 2 is not one element"},
        {"Pad", 13, "vUk", "", WRONG, "input 0 is float32, but input 2"},
        {"Pad", 13, "vH", "", WRONG, "pads has 9223372036854775807"},
        {"Pad", 2, "v", "pads=[1,1] value=2.5", 0, "float32[5]"},
        {"Pad", 18, "yU-N", "", 0, "float32[3,6]"},
        {"DepthToSpace", 13, "x", "blocksize=2", WRONG, "blocks of 2 do not "},
        {"SpaceToDepth", 13, "x", "", WRONG, "blocksize 0 do not go"},
        {"Trilu", 14, "v", "", WRONG, "rank 1 is less than 2"},
        {"Trilu", 14, "yI", "", WRONG, "input 1 is not one element"},
        {"CumSum", 14, "yI", "", WRONG, "input 1 is not one axis"},
        {"CumSum", 14, "vK", "", WRONG, "axis 1 is out of range"},
    };
    HOLD(list);
}

static void shapes_and_indices_are_checked(void) {
    static const wrong list[] = {
        {"Shape", 15, "x", "start=-3 end=3", 0, "int64[2]"},
        {"Shape", 15, "x", "start=9", 0, "int64[0]"},
        {"Size", 13, "x", "", 0, "int64[]"},
        {"ConstantOfShape", 13, "J", "", 0, "float32[2,3,4,5]"},
        {"ConstantOfShape", 13, "N", "", WRONG, "dimension 0 is -1"},
        {"ConstantOfShape", 13, "j", "", CANNOT, "computed from data"},
        {"ConstantOfShape", 13, "M", "", CANNOT, "rank 9 is more than 8"},
        {"ConstantOfShape", 13, "K", "value=1", WRONG, "value is not a tens"},
        {"Range", 13, "ZKK", "", 0, "int64[1]"},
        {"Range", 13, "ZKZ", "", WRONG, "the step is 0"},
        {"Range", 13, "SZK", "", WRONG, "input 0 is float32, but input 1"},
        {"Range", 13, "ZIK", "", WRONG, "input 1 is not one element"},
        {"Range", 13, "ZkK", "", CANNOT, "computed from data"},
        {"Gather", 13, "xI", "axis=1", 0, "float32[2,3,4,5]"},
        {"Gather", 13, "xI", "", WRONG, "index 2 is out of range for 2"},
        {"Gather", 13, "xV", "", CANNOT, "input 1 is float32"},
        {"Gather", 13, "xk", "axis=-5", WRONG, "axis -5 is out of range"},
        {"Gather", 13, "xl", "", 0, "float32[2,3,4,5,3,4,5]"},
        {"GatherElements", 13, "xk", "", WRONG, "indices int64[1] do not fit"},
        {"GatherElements", 13, "vI", "", 0, "float32[3]"},
        {"GatherElements", 13, "aI", "", WRONG, "index 2 is out of range"},
        {"GatherND", 13, "xi", "", 0, "float32[5]"},
        {"GatherND", 13, "vi", "", WRONG, "do not fit data float32[3]"},
        {"GatherND", 13, "xi", "batch_dims=1", WRONG, "with batch_dims 1"},
        {"ScatterElements", 16, "viv", "", 0, "float32[3]"},
        {"ScatterElements", 16, "viw", "", WRONG, "do not go"},
        {"ScatterElements", 16, "viv", "reduction:x", WRONG, "reduction is"},
        {"ScatterElements", 16, "aIv", "", WRONG, "index 2 is out of range"},
        {"ScatterND", 16, "viv", "", WRONG, "do not go"},
        {"ScatterND", 16, "vks", "", 0, "float32[3]"},
    };
    HOLD(list);
}

static void folding_checks_axes_and_windows(void) {
    static const wrong list[] = {
        {"ReduceSum", 13, "xI", "", 0, "float32[1,1,1,5]"},
        {"ReduceSum", 11, "x", "axes=[-1] keepdims=0", 0, "float32[2,3,4]"},
        {"ReduceSum", 13, "x", "axes=[1]", WRONG, "an input from opset 13 on"},
        {"ReduceMax", 13, "xI", "", WRONG, "an attribute before opset 18"},
        {"ReduceMax", 18, "xI", "", 0, "float32[1,1,1,5]"},
        {"ReduceMax", 13, "x", "axes=[4]", WRONG, "axis 4 is out of range"},
        {"ReduceMax", 13, "x", "axes=[1,1]", WRONG, "axis 1 is there twice"},
        {"ReduceMax", 13, "e", "", WRONG, "there is nothing to reduce"},
        {"ReduceSum", 13, "xi", "", CANNOT, "computed from data"},
        {"ReduceL2", 13, "i", "", CANNOT, "input 0 is int64"},
        {"ArgMax", 13, "x", "axis=4", WRONG, "axis 4 is out of range"},
        {"ArgMax", 13, "x", "axis=2 keepdims=0", 0, "int64[2,3,5]"},
        {"Softmax", 13, "x", "axis=4", WRONG, "axis 4 is out of range"},
        {"Softmax", 9, "x", "axis=4", 0, "float32[2,3,4,5]"},
        {"Softmax", 13, "i", "", CANNOT, "input 0 is int64"},
        {"BatchNormalization", 13, "xvvvv", "", 0, "float32[2,3,4,5]"},
        {"BatchNormalization", 13, "xvvvw", "", WRONG, "input 4 is not one "},
        {"BatchNormalization", 13, "vvvvv", "", WRONG, "rank 1 is less than"},
        {"BatchNormalization", 14, "xvvvv", "training_mode=1", CANNOT,
         "training is not supported"},
        {"InstanceNormalization", 13, "yvv", "", WRONG, "rank 2 is less tha"},
        {"LayerNormalization", 17, "yw", "", WRONG, ""},
        {"LayerNormalization", 17, "yy", "", CANNOT, "more than the normali"},
        {"LayerNormalization", 17, "ys", "axis=2", WRONG, "axis 2 is out of"},
        {"MaxPool", 12, "x", "kernel_shape=[2,2]", 0, "float32[2,3,3,4]"},
        {"MaxPool", 12, "x", "", WRONG, "kernel_shape is missing"},
        {"MaxPool", 12, "x", "kernel_shape=[2]", WRONG, "has 1 entries, not "},
        {"MaxPool", 12, "x", "kernel_shape=[0,1]", WRONG, "kernel_shape has 0"},
        {"MaxPool", 12, "x", "kernel_shape=[2,2] strides=[1,0]", WRONG,
         "strides has 0"},
        {"MaxPool", 12, "x", "kernel_shape=[2,2] pads=[1,1]", WRONG,
         "pads has 2 entries, not 4"},
        {"MaxPool", 12, "x", "kernel_shape=[2,2] pads=[-1,0,0,0]", WRONG,
         "pads has -1"},
        {"MaxPool", 12, "x", "kernel_shape=[9,1]", WRONG,
         "a window of 9 does not fit into 4"},
        {"MaxPool", 12, "x", "kernel_shape=[2,2] auto_pad:SAME", WRONG,
         "auto_pad is 'SAME'"},
        {"MaxPool", 12, "v", "kernel_shape=[1]", WRONG, "rank 1 is less than"},
        {"LpPool", 12, "x", "kernel_shape=[2,2] p=3", CANNOT, "p = 3"},
        {"GlobalMaxPool", 12, "y", "", WRONG, "rank 2 is less than 3"},
        {"Resize", 13, "x-C", "", 0, "float32[2,3,8,2]"},
        {"Resize", 13, "x-D", "", WRONG, "4 cannot be scaled by 0"},
        {"Resize", 13, "x--J", "", 0, "float32[2,3,4,5]"},
        {"Resize", 13, "x-c", "", CANNOT, "computed from data"},
        {"Resize", 13, "x-CJ", "", WRONG, "4 scales and 4 sizes for 4"},
        {"Resize", 13, "x--I", "", WRONG, "0 scales and 3 sizes for 4"},
        {"Resize", 13, "x-C", "mode:cubic", CANNOT, "mode 'cubic'"},
        {"Resize", 10, "xC", "", 0, "float32[2,3,8,2]"},
    };
    HOLD(list);
}

static void results_that_fit_nowhere_are_refused(void) {
    tensor huge = tensor_of(WR_NN_F32, DIMS(1, 1));
    huge.shape.dim[0] = INT64_MAX / 64;
    tensor other = tensor_of(WR_NN_F32, DIMS(1, 1));
    other.shape.dim[1] = INT64_MAX / 64;
    call c = call_begin(13, "Add");
    call_in(&c, &huge);
    call_in(&c, &other);
    CHECK_EQ(call_infer(&c), -E2BIG);
    CHECK(strstr(c.why.text, "is too large") != NULL);
    c.outputs = 0;
    call_end(&c);
    tensor_free(&huge);
    tensor_free(&other);
}

static void unknown_shapes_are_not_guessed(void) {
    tensor x = some_floats(DIMS(3));
    x.shape.dim[0] = -1;
    call c = call_begin(13, "Relu");
    call_in(&c, &x);
    CHECK_EQ(call_infer(&c), CANNOT);
    CHECK(strstr(c.why.text, "the shape of input 0 is not known") != NULL);
    c.outputs = 0;
    call_end(&c);
    tensor_free(&x);
}

static void wrong_steps_are_refused(void) {
    static const struct {
        wr_nn_step step;
        const char *line;
    } wanted[] = {
        {{WR_NN_STEP_ADD, 5, 0, 0}, "step 0 has no operand 5"},
        {{WR_NN_STEP_ADD, -1, 0, 0}, "step 0 has no operand -1"},
        {{WR_NN_STEP_ADD, 1, 0, 0}, "input 1 is int64"},
        {{WR_NN_STEP_ADD, 2, 0, 0}, "does not broadcast to float32[3,4]"},
        {{(wr_nn_step_kind)99, -1, 0, 0}, "step 0 is unknown"},
    };
    tensor x = some_floats(DIMS(3, 4)), i = LONGS(1);
    tensor more = some_floats(DIMS(2, 3, 4));
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        call c = call_begin(13, "WeirFused");
        call_in(&c, &x);
        call_in(&c, &i);
        call_in(&c, &more);
        call_node(&c);
        CHECK_EQ(wr_nn_steps_set(c.graph, c.node, &wanted[k].step, 1), 0);
        CHECK(call_infer(&c) < 0);
        if (strstr(c.why.text, wanted[k].line) == NULL)
            CHECK_FAIL("\"%s\", not \"%s\"", c.why.text, wanted[k].line);
        c.outputs = 0;
        call_end(&c);
    }
    tensor_free(&x);
    tensor_free(&i);
    tensor_free(&more);
}

static const test_case cases[] = {
    {"elementwise_operators_check_what_they_get",
     elementwise_operators_check_what_they_get},
    {"views_check_that_elements_are_kept", views_check_that_elements_are_kept},
    {"moving_checks_axes_and_lists", moving_checks_axes_and_lists},
    {"shapes_and_indices_are_checked", shapes_and_indices_are_checked},
    {"folding_checks_axes_and_windows", folding_checks_axes_and_windows},
    {"results_that_fit_nowhere_are_refused",
     results_that_fit_nowhere_are_refused},
    {"unknown_shapes_are_not_guessed", unknown_shapes_are_not_guessed},
    {"wrong_steps_are_refused", wrong_steps_are_refused},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}

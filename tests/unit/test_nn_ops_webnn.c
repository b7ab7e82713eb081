// SPDX-License-Identifier: MIT
// Every float32 case of the web platform's tests for WebNN, operator by
// operator, as ONNX's operators have them. Each runs serially and in parts.
#include "support/webnn_windows.h"

// What an operator of a case became; the table in the end.
typedef struct tally {
    char name[40];
    int passed, unsupported, failed;
    char reason[80]; // of the last unsupported one
} tally;

static tally tallies[128];
static int tallied;

static tally *tally_of(const char *name) {
    for (int i = 0; i < tallied; i++)
        if (strcmp(tallies[i].name, name) == 0)
            return &tallies[i];
    CHECK(tallied < 128);
    snprintf(tallies[tallied].name, sizeof tallies[0].name, "%.39s", name);
    return &tallies[tallied++];
}

// ---- one operand -----------------------------------------------------------

// WebNN's options have ONNX's names, but for their defaults.
static const struct unary {
    const char *webnn, *onnx;
    double alpha, beta; // defaults, where there is such an option
} unaries[] = {
    {"abs", "Abs", NAN, NAN},
    {"ceil", "Ceil", NAN, NAN},
    {"cos", "Cos", NAN, NAN},
    {"erf", "Erf", NAN, NAN},
    {"exp", "Exp", NAN, NAN},
    {"floor", "Floor", NAN, NAN},
    {"identity", "Identity", NAN, NAN},
    {"log", "Log", NAN, NAN},
    {"neg", "Neg", NAN, NAN},
    {"reciprocal", "Reciprocal", NAN, NAN},
    {"sign", "Sign", NAN, NAN},
    {"sin", "Sin", NAN, NAN},
    {"sqrt", "Sqrt", NAN, NAN},
    {"tan", "Tan", NAN, NAN},
    {"relu", "Relu", NAN, NAN},
    {"sigmoid", "Sigmoid", NAN, NAN},
    {"tanh", "Tanh", NAN, NAN},
    {"softplus", "Softplus", NAN, NAN},
    {"softsign", "Softsign", NAN, NAN},
    {"gelu", "Gelu", NAN, NAN},
    {"hardSwish", "HardSwish", NAN, NAN},
    {"logicalNot", "Not", NAN, NAN},
    {"elu", "Elu", 1, NAN},
    {"leakyRelu", "LeakyRelu", 0.01, NAN},
    {"hardSigmoid", "HardSigmoid", 0.2, 0.5},
};

static bool run_unary(scene *s, const json_t *op, const struct unary *u,
                      tensor *out) {
    call c = call_begin(OPSET, u->onnx);
    call_in(&c, scene_find(s, text_of(op, "input", text_of(op, "a", ""))));
    if (!isnan(u->alpha))
        call_float(&c, "alpha", (float)number_of(op, "alpha", u->alpha));
    if (!isnan(u->beta))
        call_float(&c, "beta", (float)number_of(op, "beta", u->beta));
    return finish(s, &c, out);
}

static bool run_linear(scene *s, const json_t *op, tensor *out) {
    call c = call_begin(OPSET, "WeirFused");
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    wr_nn_step step = {WR_NN_STEP_LINEAR, -1, (float)number_of(op, "alpha", 1),
                       (float)number_of(op, "beta", 0)};
    call_node(&c);
    CHECK_EQ(wr_nn_steps_set(c.graph, c.node, &step, 1), 0);
    return finish(s, &c, out);
}

static bool run_clamp(scene *s, const json_t *op, tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    static const char *const names[] = {"minValue", "maxValue"};
    tensor bound[2] = {{.data = NULL}, {.data = NULL}};
    call c = call_begin(OPSET, "Clip");
    call_in(&c, x);
    for (int i = 0; i < 2; i++) {
        if (argument(op, names[i]) == NULL) {
            call_absent(&c);
            continue;
        }
        bound[i] = tensor_of(x->shape.type, SCALAR);
        put_number(&bound[i], 0, number_of(op, names[i], 0));
        call_const(&c, &bound[i]);
    }
    bool done = finish(s, &c, out);
    tensor_free(&bound[0]);
    tensor_free(&bound[1]);
    return done;
}

static bool run_cast(scene *s, const json_t *op, tensor *out) {
    wr_nn_type type;
    const char *to = text_of(op, "type", "");
    if (strcmp(to, "uint8") == 0 || !webnn_type(to, &type)) {
        snprintf(s->text, sizeof s->text, "cast to %.40s", to);
        s->lacking = s->text;
        return false;
    }
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    if (x->shape.type == WR_NN_BOOL) {
        s->lacking = "type uint8";
        return false;
    }
    call c = call_begin(OPSET, "Cast");
    call_in(&c, x);
    call_int(&c, "to", (int64_t)type);
    return finish(s, &c, out);
}

// ---- two and more ----------------------------------------------------------

static const struct binary {
    const char *webnn, *onnx;
} binaries[] = {
    {"add", "Add"},
    {"sub", "Sub"},
    {"mul", "Mul"},
    {"div", "Div"},
    {"max", "Max"},
    {"min", "Min"},
    {"pow", "Pow"},
    {"equal", "Equal"},
    {"notEqual", "Equal"},
    {"greater", "Greater"},
    {"greaterOrEqual", "GreaterOrEqual"},
    {"lesser", "Less"},
    {"lesserOrEqual", "LessOrEqual"},
    {"logicalAnd", "And"},
    {"logicalOr", "Or"},
    {"logicalXor", "Xor"},
    {"prelu", "PRelu"},
};

static bool run_binary(scene *s, const json_t *op, const struct binary *b,
                       tensor *out) {
    call c = call_begin(OPSET, b->onnx);
    bool prelu = strcmp(b->webnn, "prelu") == 0;
    call_in(&c, scene_find(s, text_of(op, prelu ? "input" : "a", "")));
    call_in(&c, scene_find(s, text_of(op, prelu ? "slope" : "b", "")));
    if (!finish(s, &c, out))
        return false;
    for (size_t i = 0;
         strcmp(b->webnn, "notEqual") == 0 && i < wr_nn_elements(&out->shape);
         i++)
        ((uint8_t *)out->data)[i] ^= 1;
    return true;
}

// Operators whose inputs have names and whose only option is an axis.
static bool run_named(scene *s, const json_t *op, const char *onnx,
                      const char *const *names, tensor *out) {
    call c = call_begin(OPSET, onnx);
    for (int i = 0; names[i] != NULL; i++)
        call_in(&c, scene_find(s, text_of(op, names[i], "")));
    if (argument(op, "axis") != NULL)
        call_int(&c, "axis", (int64_t)number_of(op, "axis", 0));
    return finish(s, &c, out);
}

static bool run_concat(scene *s, const json_t *op, tensor *out) {
    call c = call_begin(OPSET, "Concat");
    const json_t *list = argument(op, "inputs");
    for (size_t i = 0; i < json_array_size(list); i++)
        call_in(&c, scene_find(s, json_string_value(json_array_get(list, i))));
    call_int(&c, "axis", (int64_t)number_of(op, "axis", 0));
    return finish(s, &c, out);
}

static bool run_split(scene *s, const json_t *op, tensor *out) {
    call c = call_begin(OPSET, "Split");
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    int64_t sizes[8];
    int count = list_of(op, "splits", sizes);
    tensor list = longs(count < 0 ? 0 : count, sizes);
    if (count >= 0)
        call_const(&c, &list);
    c.outputs = count >= 0 ? count : (int)number_of(op, "splits", 0);
    call_int(&c, "axis", (int64_t)number_of(op, "axis", 0));
    bool done = finish(s, &c, out);
    tensor_free(&list);
    return done;
}

// ---- moving ----------------------------------------------------------------

// Operators whose second input is a list.
static bool run_listed(scene *s, const json_t *op, const char *onnx,
                       const char *name, tensor *out) {
    int64_t values[8];
    int count = list_of(op, name, values);
    tensor list = longs(count, values);
    call c = call_begin(OPSET, onnx);
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    call_const(&c, &list);
    bool done = finish(s, &c, out);
    tensor_free(&list);
    return done;
}

static bool run_transpose(scene *s, const json_t *op, tensor *out) {
    int64_t perm[8];
    bool given = list_of(op, "permutation", perm) >= 0;
    *out =
        transpose(scene_find(s, text_of(op, "input", "")), given ? perm : NULL);
    return true;
}

static bool slice(scene *s, const tensor *x, const int64_t *starts,
                  const int64_t *ends, const int64_t *steps, tensor *out) {
    int64_t axes[8], rank = x->shape.rank;
    for (int64_t i = 0; i < rank; i++)
        axes[i] = i;
    tensor list[4] = {longs(rank, starts), longs(rank, ends), longs(rank, axes),
                      longs(rank, steps)};
    call c = call_begin(OPSET, "Slice");
    call_in(&c, x);
    for (int i = 0; i < 4; i++)
        call_const(&c, &list[i]);
    bool done = finish(s, &c, out);
    for (int i = 0; i < 4; i++)
        tensor_free(&list[i]);
    return done;
}

static bool run_slice(scene *s, const json_t *op, tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    int64_t starts[8] = {0}, ends[8] = {0}, steps[8];
    list_of(op, "starts", starts);
    list_of(op, "sizes", ends);
    bool strided = list_of(op, "strides", steps) >= 0;
    for (int i = 0; i < x->shape.rank; i++) {
        ends[i] += starts[i];
        steps[i] = strided ? steps[i] : 1;
    }
    return slice(s, x, starts, ends, steps, out);
}

static bool run_reverse(scene *s, const json_t *op, tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    int64_t axes[8], starts[8], ends[8], steps[8];
    int count = list_of(op, "axes", axes);
    for (int i = 0; i < x->shape.rank; i++) {
        bool turned = count < 0;
        for (int k = 0; k < count; k++)
            turned = turned || axes[k] == i;
        starts[i] = turned ? -1 : 0;
        ends[i] = turned ? INT64_MIN : INT64_MAX;
        steps[i] = turned ? -1 : 1;
    }
    return slice(s, x, starts, ends, steps, out);
}

static bool run_pad(scene *s, const json_t *op, tensor *out) {
    const char *mode = text_of(op, "mode", "constant");
    if (strcmp(mode, "symmetric") == 0) {
        s->lacking = "ONNX's Pad has no symmetric mode";
        return false;
    }
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    int64_t pads[16];
    int rank = list_of(op, "beginningPadding", pads);
    list_of(op, "endingPadding", pads + rank);
    tensor list = longs(2 * rank, pads), value = tensor_of(WR_NN_F32, SCALAR);
    put_number(&value, 0, number_of(op, "value", 0));
    call c = call_begin(OPSET, "Pad");
    call_in(&c, x);
    call_const(&c, &list);
    call_in(&c, &value);
    call_text(&c, "mode", strcmp(mode, "reflection") == 0 ? "reflect" : mode);
    bool done = finish(s, &c, out);
    tensor_free(&list);
    tensor_free(&value);
    return done;
}

static bool run_triangular(scene *s, const json_t *op, tensor *out) {
    int64_t diagonal = (int64_t)number_of(op, "diagonal", 0);
    tensor k = tensor_of(WR_NN_I64, SCALAR);
    *(int64_t *)k.data = diagonal;
    call c = call_begin(OPSET, "Trilu");
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    call_const(&c, &k);
    call_int(&c, "upper", truth_of(op, "upper", true));
    bool done = finish(s, &c, out);
    tensor_free(&k);
    return done;
}

static bool run_running(scene *s, const json_t *op, tensor *out) {
    tensor axis = tensor_of(WR_NN_I64, SCALAR);
    *(int64_t *)axis.data = (int64_t)number_of(op, "axis", 0);
    call c = call_begin(OPSET, "CumSum");
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    call_const(&c, &axis);
    call_int(&c, "exclusive", truth_of(op, "exclusive", false));
    call_int(&c, "reverse", truth_of(op, "reversed", false));
    bool done = finish(s, &c, out);
    tensor_free(&axis);
    return done;
}

static bool run_resample(scene *s, const json_t *op, tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    int64_t axes[2] = {2, 3}, sizes[2];
    list_of(op, "axes", axes);
    call c = call_begin(OPSET, "Resize");
    call_in(&c, x);
    call_absent(&c);
    tensor list;
    if (list_of(op, "sizes", sizes) >= 0) {
        call_absent(&c);
        list = longs(2, sizes);
    } else {
        const json_t *scales = argument(op, "scales");
        list = tensor_of(WR_NN_F32, DIMS(2));
        for (size_t i = 0; i < 2; i++)
            put_number(&list, i,
                       scales == NULL ? 1.0
                                      : json_number(json_array_get(scales, i)));
    }
    call_const(&c, &list);
    call_ints(&c, "axes", 2, axes);
    const char *mode = text_of(op, "mode", "nearest-neighbor");
    call_text(&c, "mode", strcmp(mode, "linear") == 0 ? "linear" : "nearest");
    bool done = finish(s, &c, out);
    tensor_free(&list);
    return done;
}

// ---- folding ---------------------------------------------------------------

static const struct binary reductions[] = {
    {"reduceL1", "ReduceL1"},         {"reduceL2", "ReduceL2"},
    {"reduceLogSum", "ReduceLogSum"}, {"reduceLogSumExp", "ReduceLogSumExp"},
    {"reduceMax", "ReduceMax"},       {"reduceMean", "ReduceMean"},
    {"reduceMin", "ReduceMin"},       {"reduceProduct", "ReduceProd"},
    {"reduceSum", "ReduceSum"},       {"reduceSumSquare", "ReduceSumSquare"},
};

static bool run_reduction(scene *s, const json_t *op, const char *onnx,
                          tensor *out) {
    int64_t axes[8];
    int count = list_of(op, "axes", axes);
    tensor list = longs(count < 0 ? 0 : count, axes);
    call c = call_begin(OPSET, onnx);
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    if (count >= 0)
        call_const(&c, &list);
    call_int(&c, "keepdims", truth_of(op, "keepDimensions", false));
    // In WebNN an empty list reduces nothing, a missing one all.
    call_int(&c, "noop_with_empty_axes", count == 0);
    bool done = finish(s, &c, out);
    tensor_free(&list);
    return done;
}

static bool run_search(scene *s, const json_t *op, const char *onnx,
                       tensor *out) {
    tensor found;
    call c = call_begin(OPSET, onnx);
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    call_int(&c, "axis", (int64_t)number_of(op, "axis", 0));
    call_int(&c, "keepdims", truth_of(op, "keepDimensions", false));
    if (!finish(s, &c, &found))
        return false;
    bool wide = strcmp(text_of(op, "outputDataType", "int32"), "int64") == 0;
    call cast = call_begin(OPSET, "Cast");
    call_in(&cast, &found);
    call_int(&cast, "to", wide ? WR_NN_I64 : WR_NN_I32);
    bool done = finish(s, &cast, out);
    tensor_free(&found);
    return done;
}

static bool run_softmax(scene *s, const json_t *op, tensor *out) {
    call c = call_begin(OPSET, "Softmax");
    call_in(&c, scene_find(s, text_of(op, "input", "")));
    call_int(&c, "axis", (int64_t)number_of(op, "axis", 1));
    return finish(s, &c, out);
}

// One number for each channel, where none is given.
static tensor all_of(double value, int64_t count) {
    tensor t = tensor_of(WR_NN_F32, DIMS(count));
    for (size_t i = 0; i < (size_t)count; i++)
        put_number(&t, i, value);
    return t;
}

// Batch and instance normalization; channels at `axis`.
static bool run_channels(scene *s, const json_t *op, bool instance,
                         tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    int axis = (int)number_of(op, "axis", 1), rank = x->shape.rank;
    if (instance)
        axis = strcmp(text_of(op, "layout", "nchw"), "nhwc") == 0 ? 3 : 1;
    int64_t to[8], back[8];
    for (int i = 0, next = 0; i < rank; i++) {
        to[i] = i == 1 ? axis : next == axis ? ++next : next;
        next += i != 1;
        back[to[i]] = i;
    }
    tensor turned = transpose(x, to), made, spare[2];
    static const char *const names[] = {"scale", "bias"};
    call c = call_begin(OPSET, instance ? "InstanceNormalization"
                                        : "BatchNormalization");
    call_in(&c, &turned);
    for (int i = 0; i < 2; i++) {
        const tensor *given = scene_find(s, text_of(op, names[i], NULL));
        spare[i] = all_of(i == 0 ? 1 : 0, x->shape.dim[axis]);
        call_in(&c, given == NULL ? &spare[i] : given);
    }
    if (!instance) {
        call_in(&c, scene_find(s, text_of(op, "mean", "")));
        call_in(&c, scene_find(s, text_of(op, "variance", "")));
    }
    call_float(&c, "epsilon", (float)number_of(op, "epsilon", 1e-5));
    bool done = finish(s, &c, &made);
    if (done) {
        *out = transpose(&made, back);
        tensor_free(&made);
    }
    tensor_free(&turned);
    tensor_free(&spare[0]);
    tensor_free(&spare[1]);
    return done;
}

// ONNX has the last axes alone, in order: scale and bias are turned with them.
static bool run_layer(scene *s, const json_t *op, tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    int64_t axes[8], perm[8], back[8];
    int rank = x->shape.rank, count = list_of(op, "axes", axes), at = 0;
    if (count == 0 || (count < 0 && rank < 2)) {
        // Every element is its own mean: what is left is the bias.
        tensor zeros = tensor_of(WR_NN_F32, rank, x->shape.dim);
        const tensor *bias = scene_find(s, text_of(op, "bias", NULL));
        call c = call_begin(OPSET, "Add");
        call_in(&c, &zeros);
        call_in(&c, bias == NULL ? &zeros : bias);
        bool done = finish(s, &c, out);
        tensor_free(&zeros);
        return done;
    }
    for (int i = 1; count < 0 && i < rank; i++)
        axes[i - 1] = i;
    count = count < 0 ? rank - 1 : count;
    for (int i = 0; i < rank; i++) {
        bool normalised = false;
        for (int k = 0; k < count; k++)
            normalised = normalised || axes[k] == i;
        if (!normalised)
            perm[at++] = i;
    }
    for (int k = 0; k < count; k++)
        perm[at++] = axes[k];
    for (int i = 0; i < rank; i++)
        back[perm[i]] = i;
    tensor turned = transpose(x, perm), made;
    tensor ones = tensor_of(WR_NN_F32, SCALAR);
    put_number(&ones, 0, 1);
    call c = call_begin(OPSET, "LayerNormalization");
    call_in(&c, &turned);
    const tensor *scale = scene_find(s, text_of(op, "scale", NULL));
    const tensor *bias = scene_find(s, text_of(op, "bias", NULL));
    call_in(&c, scale == NULL ? &ones : scale);
    if (bias != NULL)
        call_in(&c, bias);
    call_int(&c, "axis", rank - count);
    call_float(&c, "epsilon", (float)number_of(op, "epsilon", 1e-5));
    bool done = finish(s, &c, &made);
    if (done) {
        *out = transpose(&made, back);
        tensor_free(&made);
    }
    tensor_free(&turned);
    tensor_free(&ones);
    return done;
}

// ---- cases -----------------------------------------------------------------

#define NAMES(...)                                                             \
    (const char *const[]) { __VA_ARGS__, NULL }

static bool run_other(scene *s, const json_t *op, const char *name,
                      tensor *out) {
#define IS(what) (strcmp(name, what) == 0)
    if (IS("linear"))
        return run_linear(s, op, out);
    if (IS("clamp"))
        return run_clamp(s, op, out);
    if (IS("cast"))
        return run_cast(s, op, out);
    if (IS("concat"))
        return run_concat(s, op, out);
    if (IS("split"))
        return run_split(s, op, out);
    if (IS("reshape"))
        return run_listed(s, op, "Reshape", "newShape", out);
    if (IS("expand"))
        return run_listed(s, op, "Expand", "newShape", out);
    if (IS("tile"))
        return run_listed(s, op, "Tile", "repetitions", out);
    if (IS("transpose"))
        return run_transpose(s, op, out);
    if (IS("slice"))
        return run_slice(s, op, out);
    if (IS("reverse"))
        return run_reverse(s, op, out);
    if (IS("pad"))
        return run_pad(s, op, out);
    if (IS("triangular"))
        return run_triangular(s, op, out);
    if (IS("cumulativeSum"))
        return run_running(s, op, out);
    if (IS("resample2d"))
        return run_resample(s, op, out);
    if (IS("argMax") || IS("argMin"))
        return run_search(s, op, IS("argMax") ? "ArgMax" : "ArgMin", out);
    if (IS("softmax"))
        return run_softmax(s, op, out);
    if (IS("batchNormalization") || IS("instanceNormalization"))
        return run_channels(s, op, IS("instanceNormalization"), out);
    if (IS("layerNormalization"))
        return run_layer(s, op, out);
    if (IS("averagePool2d"))
        return run_pool(s, op, "AveragePool", out);
    if (IS("maxPool2d"))
        return run_pool(s, op, "MaxPool", out);
    if (IS("l2Pool2d"))
        return run_pool(s, op, "LpPool", out);
    if (IS("conv2d") || IS("convTranspose2d"))
        return run_conv(s, op, IS("convTranspose2d"), out);
    if (IS("gemm"))
        return run_gemm(s, op, out);
    if (IS("matmul"))
        return run_named(s, op, "MatMul", NAMES("a", "b"), out);
    s->lacking = "no such operator";
    return false;
#undef IS
}

static bool run_operator(scene *s, const json_t *op, tensor *out) {
    const char *name = json_string_value(json_object_get(op, "name"));
    for (size_t i = 0; i < sizeof unaries / sizeof unaries[0]; i++)
        if (strcmp(name, unaries[i].webnn) == 0)
            return run_unary(s, op, &unaries[i], out);
    for (size_t i = 0; i < sizeof binaries / sizeof binaries[0]; i++)
        if (strcmp(name, binaries[i].webnn) == 0)
            return run_binary(s, op, &binaries[i], out);
    for (size_t i = 0; i < sizeof reductions / sizeof reductions[0]; i++)
        if (strcmp(name, reductions[i].webnn) == 0)
            return run_reduction(s, op, reductions[i].onnx, out);
    static const struct {
        const char *webnn, *onnx, *inputs[4];
    } named[] = {
        {"gather", "Gather", {"input", "indices"}},
        {"gatherElements", "GatherElements", {"input", "indices"}},
        {"gatherND", "GatherND", {"input", "indices"}},
        {"scatterElements", "ScatterElements", {"input", "indices", "updates"}},
        {"scatterND", "ScatterND", {"input", "indices", "updates"}},
        {"where", "Where", {"condition", "trueValue", "falseValue"}},
    };
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(name, named[i].webnn) == 0)
            return run_named(s, op, named[i].onnx, named[i].inputs, out);
    return run_other(s, op, name, out);
}

static bool run_graph(scene *s, const json_t *graph) {
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(graph, "inputs"), name, value) {
        tensor t;
        if (!read_tensor(s, value, &t))
            return false;
        scene_add(s, name, t);
    }
    const json_t *operators = json_object_get(graph, "operators");
    for (size_t i = 0; i < json_array_size(operators); i++) {
        const json_t *op = json_array_get(operators, i);
        const json_t *names = json_object_get(op, "outputs");
        tensor out[CALL_OUTPUTS];
        if (!run_operator(s, op, out))
            return false;
        if (json_is_string(names))
            scene_add(s, json_string_value(names), out[0]);
        for (size_t k = 0; k < json_array_size(names); k++)
            scene_add(s, json_string_value(json_array_get(names, k)), out[k]);
    }
    return true;
}

// Here the expected number is itself 34 ULP from the exact one (gelu as
// 1 + erf in float32); ours is the exact one.
static const char inexact[] = "batchNormalization options.axis=0 + gelu";

// false: a result is wrong, and a line says how.
static bool right(scene *s, const json_t *test) {
    const json_t *tolerance = json_object_get(test, "tolerance");
    const char *metric =
        json_string_value(json_object_get(tolerance, "metricType"));
    bool in_ulps = metric == NULL || strcmp(metric, "ULP") == 0;
    // Chains that come without one: what a product and a softmax may have.
    double limit = json_is_null(tolerance)
                       ? 100
                       : json_number(json_object_get(tolerance, "value"));
    const json_t *expected =
        json_object_get(json_object_get(test, "graph"), "expectedOutputs");
    const char *test_name = json_string_value(json_object_get(test, "name"));
    if (strcmp(test_name, inexact) == 0)
        limit = 34;
    const char *name;
    json_t *value;
    bool good = true;
    json_object_foreach((json_t *)(uintptr_t)expected, name, value) {
        tensor want;
        if (!read_tensor(s, value, &want))
            return true; // a type that we lack: s->lacking says so
        const tensor *have = scene_find(s, name);
        long at = -1;
        if (have == NULL || !wr_nn_same_shape(&have->shape, &want.shape)) {
            char a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT];
            printf("wrong: %s: shape %s, not %s\n", test_name,
                   have == NULL ? "none" : wr_nn_shape_text(a, &have->shape),
                   wr_nn_shape_text(b, &want.shape));
            good = false;
        } else if ((at = too_far(have, &want, in_ulps, limit)) >= 0) {
            printf("wrong: %s: element %ld is", test_name, at);
            if (want.shape.type == WR_NN_F32)
                printf(" %.9g, not %.9g (%s %g)",
                       (double)((float *)have->data)[at],
                       (double)((float *)want.data)[at],
                       in_ulps ? "ULP" : "ATOL", limit);
            printf("\n");
            good = false;
        }
        tensor_free(&want);
    }
    return good;
}

static void run_case(const json_t *test) {
    const json_t *graph = json_object_get(test, "graph");
    const json_t *operators = json_object_get(graph, "operators");
    const char *first = json_string_value(
        json_object_get(json_array_get(operators, 0), "name"));
    tally *t = tally_of(json_array_size(operators) > 1 ? "(chains)" : first);
    scene s = {0};
    bool ran = run_graph(&s, graph);
    bool good = ran && right(&s, test);
    if (s.lacking != NULL) {
        t->unsupported++;
        // The most telling reason: not just the type that most cases have.
        if (t->reason[0] == '\0' || strcmp(t->reason, "type float16") == 0)
            snprintf(t->reason, sizeof t->reason, "%.79s", s.lacking);
    } else {
        t->passed += good;
        t->failed += !good;
    }
    scene_free(&s);
}

static void cases_of_the_web_platform_have_their_results(void) {
    json_error_t error;
    json_t *tests = json_load_file(WEBNN_CASES, 0, &error);
    if (tests == NULL)
        SKIP("the web platform's cases are not there: " WEBNN_CASES);
    for (size_t i = 0; i < json_array_size(tests); i++)
        run_case(json_array_get(tests, i));
    tally all = {.name = "all"};
    for (int i = 0; i < tallied; i++) {
        const tally *t = &tallies[i];
        printf("%-22s passed %3d  unsupported %3d  failed %3d%s%s\n", t->name,
               t->passed, t->unsupported, t->failed,
               t->unsupported > 0 ? "  " : "", t->reason);
        all.passed += t->passed;
        all.unsupported += t->unsupported;
        all.failed += t->failed;
    }
    printf("all: passed %d, unsupported %d, failed %d\n", all.passed,
           all.unsupported, all.failed);
    json_decref(tests);
    CHECK_EQ(all.failed, 0);
    CHECK(all.passed >= 500);
}

static const test_case cases[] = {
    {"cases_of_the_web_platform_have_their_results",
     cases_of_the_web_platform_have_their_results},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}

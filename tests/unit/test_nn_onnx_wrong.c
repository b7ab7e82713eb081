// SPDX-License-Identifier: MIT
// Wrong ONNX models, and right ones that the engine cannot do: each has its
// status and its line.
#include "support/onnx_read.h"

// ---------------------------------------------------------------------------
// Damage

// A model with one of everything, for its bytes.
static onnx_bytes a_bit_of_all(void) {
    static const float floats[] = {1, 2, 3, 4};
    onnx_model m = begin_xy();
    onnx_initializer(&m, "w", ONNX_FLOAT, ONNX_DIMS(2, 2), floats);
    onnx_bytes typed = onnx_tensor_head("t", ONNX_INT64, ONNX_DIMS(2));
    onnx_put_bytes(&typed, 7, "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    onnx_put_message(&m.graph, 5, &typed);
    onnx_node(&m, "Constant", "", "", "k");
    onnx_attr_tensor(&m, "value", ONNX_FLOAT, ONNX_DIMS(1), floats);
    onnx_node(&m, "Clip", "clip", "x . k", "a");
    onnx_node(&m, "Conv", "conv", "a w", "b");
    onnx_attr_ints(&m, "pads", ONNX_DIMS(0, 0, 0, 0));
    onnx_attr_string(&m, "auto_pad", "NOTSET");
    onnx_attr_float(&m, "alpha", 0.5F);
    onnx_node(&m, "Reshape", "", "b t", "y");
    return onnx_end(&m);
}

static void a_cut_model_is_refused_at_every_byte(void) {
    onnx_bytes file = a_bit_of_all();
    wr_nn_graph *graph;
    wr_nn_why why;
    for (size_t size = 0; size < file.size; size++)
        CHECK_EQ(read_bytes(&graph, file.data, size, &usual_limits, &why),
                 -EINVAL);
    CHECK_EQ(read_bytes(&graph, file.data, file.size, &usual_limits, &why), 0);
    wr_nn_graph_destroy(graph);
    free(file.data);
}

static void a_turned_bit_is_read_or_refused_with_a_line(void) {
    onnx_bytes file = a_bit_of_all();
    int refused = 0;
    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        wr_nn_graph *graph;
        wr_nn_why why;
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refused +=
            read_bytes(&graph, file.data, file.size, &usual_limits, &why) != 0;
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        wr_nn_graph_destroy(graph);
    }
    CHECK(refused > 1000);
    free(file.data);
}

static void what_is_no_model_is_refused(void) {
    static const char *const files[] = {"", "\n", "\x89PNG\r\n\x1a\n",
                                        "{\"model\": 1}", "\x08\x08"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        wr_nn_graph *graph;
        wr_nn_why why;
        CHECK_EQ(
            read_bytes(&graph, files[i], strlen(files[i]), &usual_limits, &why),
            -EINVAL);
    }
}

static void nested_subgraphs_are_refused_however_deep(void) {
    // A graph in an attribute of a node of a graph in an ...
    enum { DEEP = 20000 };
    onnx_bytes graph = {0};
    onnx_model m = begin_xy();
    for (int i = 0; i < 12; i++) {
        onnx_bytes attr = onnx_attr_head("body", ONNX_ATTR_GRAPH), node = {0};
        onnx_put_message(&attr, 6, &graph);
        onnx_put_message(&node, 5, &attr);
        onnx_put_message(&graph, 1, &node);
    }
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_bytes attr = onnx_attr_head("body", ONNX_ATTR_GRAPH);
    onnx_put_message(&attr, 6, &graph);
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -ENOTSUP,
                 "node 'Relu #0' (Relu): attribute 'body' is a subgraph, which "
                 "is not supported");

    // Far deeper: each length counts what is left of the file.
    m = begin_xy();
    onnx_node(&m, "Relu", "", "x", "y");
    attr = onnx_attr_head("body", ONNX_ATTR_GRAPH);
    onnx_bytes deep = {0};
    for (int i = DEEP; i > 0; i--) {
        static const uint8_t tags[] = {0x0a, 0x2a, 0x32}; // node, attr, graph
        onnx_put(&deep, &tags[i % 3], 1);
        onnx_put_varint(&deep, (uint64_t)i);
    }
    onnx_put_message(&attr, 6, &deep);
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -ENOTSUP,
                 "node 'Relu #0' (Relu): attribute 'body' is a subgraph, which "
                 "is not supported");
}

// ---------------------------------------------------------------------------
// Versions

static onnx_model with_versions(int64_t format, const char *domain,
                                int64_t opset) {
    onnx_model m = begin_xy();
    m.model.size = 0;
    onnx_put_int(&m.model, 1, format);
    onnx_bytes import = {0};
    onnx_put_text(&import, 1, domain);
    onnx_put_int(&import, 2, opset);
    onnx_put_message(&m.model, 8, &import);
    onnx_node(&m, "Relu", "", "x", "y");
    return m;
}

static void versions_out_of_range_are_refused(void) {
    onnx_model m = with_versions(2, "", 13);
    refuse_model(&m, -ENOTSUP, "ONNX's format 2 is not between 3 and 10");
    m = with_versions(11, "", 13);
    refuse_model(&m, -ENOTSUP, "ONNX's format 11 is not between 3 and 10");
    m = with_versions(0, "", 13);
    refuse_model(&m, -EINVAL, "ONNX's format 0 is not between 3 and 10");
    m = with_versions(8, "", 6);
    refuse_model(&m, -ENOTSUP, "opset 6 is not between 7 and 21");
    m = with_versions(8, "ai.onnx", 22);
    refuse_model(&m, -ENOTSUP, "opset 22 is not between 7 and 21");
    m = with_versions(8, "", 0);
    refuse_model(&m, -EINVAL, "opset 0 is not between 7 and 21");
    m = with_versions(8, "", INT64_MAX);
    refuse_model(&m, -ENOTSUP,
                 "opset 9223372036854775807 is not between 7 and 21");
    m = with_versions(8, "ai.onnx.ml", 2);
    refuse_model(&m, -ENOTSUP,
                 "the model does not import ONNX's own operator set");
    m = with_versions(8, "", 13);
    onnx_bytes import = {0};
    onnx_put_int(&import, 2, 14);
    onnx_put_message(&m.model, 8, &import);
    refuse_model(&m, -EINVAL, "the operator set is imported twice");
    m = begin_xy();
    m.model.size = 0;
    onnx_put_int(&m.model, 1, 8);
    refuse_model(&m, -EINVAL,
                 "the model does not import ONNX's own operator set");
    m = with_versions(3, "ai.onnx", 7);
    wr_nn_graph_destroy(read_model(&m));
    m = with_versions(10, "", 21);
    wr_nn_graph_destroy(read_model(&m));
}

// ---------------------------------------------------------------------------
// Nodes

static void an_operator_that_is_not_there_names_its_node(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "LSTM", "memory", "x", "y");
    refuse_model(&m, -ENOTSUP,
                 "node 'memory' (LSTM): this operator is not supported");
    m = begin_xy();
    onnx_node(&m, "", "", "x", "y");
    refuse_model(&m, -ENOTSUP, "node ' #0' (): this operator is not supported");
    m = begin_xy(); // also where nobody needs it
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_node(&m, "If", "", "x", "z");
    refuse_model(&m, -ENOTSUP,
                 "node 'If #1' (If): this operator is not supported");
    m = begin_xy(); // the compiler's own are not for models
    onnx_node(&m, "WeirFused", "", "x", "y");
    refuse_model(&m, -ENOTSUP,
                 "node 'WeirFused #0' (WeirFused): this operator "
                 "is not supported");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    onnx_put_text(&m.node, 7, "com.example");
    refuse_model(&m, -ENOTSUP,
                 "node 'r' (Relu): operators of 'com.example' are not "
                 "supported");
}

static void hostile_names_make_no_second_line(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "No\nsuch\x1b[2J", "a\r\nb", "x", "y");
    refuse_model(&m, -ENOTSUP,
                 "node 'a??b' (No?such?[2J): this operator is not supported");
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    onnx_bytes file;
    m = begin_xy();
    onnx_node(&m, name, name, "x", "y");
    file = onnx_end(&m);
    wr_nn_graph *graph;
    wr_nn_why why;
    CHECK_EQ(read_bytes(&graph, file.data, file.size, &usual_limits, &why),
             -ENOTSUP);
    CHECK(strstr(why.text, "this operator is not supported") != NULL);
    free(file.data);
}

static void a_cycle_is_refused(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "Add", "one", "x b", "a");
    onnx_node(&m, "Add", "two", "a x", "b");
    onnx_node(&m, "Relu", "", "b", "y");
    refuse_model(&m, -EINVAL,
                 "node 'one' (Add): it needs its own result (a cycle)");
}

static void every_name_is_produced_once(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "Relu", "one", "x", "y");
    onnx_node(&m, "Relu", "two", "x", "y");
    refuse_model(&m, -EINVAL,
                 "node 'two' (Relu): its output 'y' is produced twice");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "nothing", "y");
    refuse_model(&m, -EINVAL,
                 "node 'r' (Relu): nothing produces its input 'nothing'");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "z");
    refuse_model(&m, -EINVAL, "nothing produces output 'y'");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "x");
    refuse_model(&m, -EINVAL,
                 "node 'r' (Relu): its output 'x' is an input of the graph");
    static const float one = 1;
    for (int i = 0; i < 2; i++) { // whichever comes first
        m = begin_xy();
        if (i == 1)
            onnx_node(&m, "Relu", "r", "x", "y");
        onnx_node(&m, "Constant", "k", "", "y");
        onnx_attr_float(&m, "value_float", 1);
        if (i == 0)
            onnx_node(&m, "Relu", "r", "x", "y");
        refuse_model(&m, -EINVAL,
                     "node 'r' (Relu): its output 'y' is a constant");
    }
    m = begin_xy();
    onnx_initializer(&m, "y", ONNX_FLOAT, ONNX_SCALAR, &one);
    onnx_node(&m, "Constant", "k", "", "y");
    onnx_attr_float(&m, "value_float", 1);
    refuse_model(&m, -EINVAL,
                 "node 'k' (Constant): its output 'y' is produced twice");
    m = begin_xy();
    onnx_node(&m, "Constant", "k", "", "x");
    onnx_attr_float(&m, "value_float", 1);
    onnx_node(&m, "Relu", "r", "x", "y");
    refuse_model(&m, -EINVAL, "input 'x' of the graph is a constant");
}

static void names_of_ends_are_there_once(void) {
    static const float one = 1;
    onnx_model m = begin_xy();
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(1));
    refuse_model(&m, -EINVAL, "two inputs are called 'x'");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(1));
    refuse_model(&m, -EINVAL, "output 'y' of the graph is there twice");
    m = begin_xy();
    onnx_initializer(&m, "k", ONNX_FLOAT, ONNX_SCALAR, &one);
    onnx_initializer(&m, "k", ONNX_FLOAT, ONNX_SCALAR, &one);
    refuse_model(&m, -EINVAL, "two constants are called 'k'");
    m = begin_xy();
    onnx_initializer(&m, "", ONNX_FLOAT, ONNX_SCALAR, &one);
    refuse_model(&m, -EINVAL, "a constant has no name");
    m = begin_xy();
    onnx_input(&m, "", ONNX_FLOAT, ONNX_SCALAR);
    refuse_model(&m, -EINVAL, "an input has no name");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    onnx_output(&m, "", ONNX_FLOAT, ONNX_SCALAR);
    refuse_model(&m, -EINVAL, "an output has no name");
    m = onnx_begin(13);
    refuse_model(&m, -EINVAL, "the graph has no outputs");
}

static void inputs_that_must_be_there_are(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "Add", "sum", ". x", "y");
    refuse_model(&m, -EINVAL,
                 "node 'sum' (Add): input 1 of at least 2 is missing");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x x", "y");
    refuse_model(&m, -EINVAL, "node 'r' (Relu): 2 inputs, at most 1 can be");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "");
    refuse_model(&m, -EINVAL,
                 "node 'r' (Relu): output 1 of at least 1 is missing");
    m = begin_xy();
    char names[200] = "x";
    for (size_t i = 0; i < 65; i++)
        memcpy(names + 1 + 2 * i, " x", 3);
    onnx_node(&m, "Concat", "c", names, "y");
    refuse_model(&m, -E2BIG,
                 "node 'c' (Concat): more than 64 inputs or outputs");
}

// ---------------------------------------------------------------------------
// Attributes

static void attributes_have_the_type_that_they_say(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    onnx_bytes attr = onnx_attr_head("k", ONNX_ATTR_INT);
    onnx_put_float(&attr, 2, 1);
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -EINVAL,
                 "node 'r' (Relu): attribute 'k' says that it is "
                 "an integer, but has another value");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    attr = onnx_attr_head("k", 0);
    onnx_put_int(&attr, 3, 1);
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -EINVAL,
                 "node 'r' (Relu): attribute 'k' has no known type");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    attr = onnx_attr_head("k", 99);
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -EINVAL,
                 "node 'r' (Relu): attribute 'k' has no known type");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    attr = onnx_attr_head("k", ONNX_ATTR_TENSOR);
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -EINVAL, "node 'r' (Relu): attribute 'k' has no tensor");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    attr = onnx_attr_head("k", ONNX_ATTR_STRINGS);
    onnx_put_text(&attr, 9, "one");
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -ENOTSUP,
                 "node 'r' (Relu): attribute 'k' is a list of "
                 "strings, which is not supported");
}

static void attributes_have_the_type_that_operators_want(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "Conv", "c", "x x", "y");
    onnx_attr_int(&m, "strides", 2); // else it would be taken for missing
    refuse_model(&m, -EINVAL,
                 "node 'c' (Conv): attribute 'strides' is an "
                 "integer, not a list of integers");
    m = begin_xy();
    onnx_node(&m, "Softmax", "s", "x", "y");
    onnx_attr_float(&m, "axis", 1);
    refuse_model(&m, -EINVAL,
                 "node 's' (Softmax): attribute 'axis' is a "
                 "float, not an integer");
}

static void attributes_are_there_once_and_few(void) {
    onnx_model m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    onnx_attr_int(&m, "k", 1);
    onnx_attr_int(&m, "k", 2);
    refuse_model(&m, -EINVAL, "node 'r' (Relu): attribute 'k' is there twice");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    for (int i = 0; i < 65; i++)
        onnx_attr_int(&m, "k", 1);
    refuse_model(&m, -E2BIG, "node 'r' (Relu): 65 attributes, the limit is 64");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    onnx_attr_int(&m, "", 1);
    refuse_model(&m, -EINVAL, "node 'r' (Relu): an attribute has no name");
    m = begin_xy();
    onnx_node(&m, "Relu", "r", "x", "y");
    onnx_bytes attr = onnx_attr_head("k", ONNX_ATTR_INT);
    onnx_put_text(&attr, 21, "outer");
    onnx_put_message(&m.node, 5, &attr);
    refuse_model(&m, -EINVAL,
                 "node 'r' (Relu): attribute 'k' refers to a function's");
}

static void constants_have_one_value(void) {
    static const float one = 1;
    onnx_model m = begin_xy();
    onnx_node(&m, "Constant", "k", "", "y");
    refuse_model(&m, -EINVAL,
                 "node 'k' (Constant): a constant has no inputs "
                 "and one attribute");
    m = begin_xy();
    onnx_node(&m, "Constant", "k", "x", "y");
    onnx_attr_tensor(&m, "value", ONNX_FLOAT, ONNX_SCALAR, &one);
    refuse_model(&m, -EINVAL,
                 "node 'k' (Constant): a constant has no inputs "
                 "and one attribute");
    m = begin_xy();
    onnx_node(&m, "Constant", "k", "", "y z");
    onnx_attr_tensor(&m, "value", ONNX_FLOAT, ONNX_SCALAR, &one);
    refuse_model(&m, -EINVAL, "node 'k' (Constant): a constant has one output");
    m = begin_xy();
    onnx_node(&m, "Constant", "k", "", "y");
    onnx_attr_string(&m, "value_string", "text");
    refuse_model(&m, -ENOTSUP,
                 "node 'k' (Constant): a constant by "
                 "'value_string' (a string) is not supported");
    m = begin_xy();
    onnx_node(&m, "Constant", "k", "", "y");
    onnx_attr_int(&m, "value_float", 1);
    refuse_model(&m, -ENOTSUP,
                 "node 'k' (Constant): a constant by "
                 "'value_float' (an integer) is not supported");
    m = begin_xy();
    onnx_node(&m, "Constant", "k", "", "y");
    onnx_attr_tensor(&m, "value", ONNX_INT8, ONNX_SCALAR, &one);
    refuse_model(&m, -ENOTSUP,
                 "node 'k' (Constant): its tensor has elements of type int8 "
                 "(3), which is not supported");
}

// ---------------------------------------------------------------------------
// Tensors

// The model whose constant is this tensor, and the tensor alone, are refused
// so. The tensor goes.
static void refuse_tensor(onnx_bytes tensor, int status, const char *line) {
    wr_nn_shape shape;
    void *data = NULL;
    wr_nn_why why = {""};
    CHECK_EQ(wr_nn_onnx_tensor(&shape, &data, tensor.data, tensor.size, &why),
             status);
    CHECK_STR(why.text, line);
    CHECK(data == NULL);
    onnx_model m = begin_xy();
    onnx_put_message(&m.graph, 5, &tensor);
    onnx_node(&m, "Add", "", "x k", "y");
    refuse_model(&m, status, line);
}

static void data_has_the_size_of_its_shape(void) {
    static const float floats[] = {1, 2, 3};
    onnx_bytes tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(2, 2));
    onnx_put_bytes(&tensor, 9, floats, sizeof floats);
    refuse_tensor(tensor, -EINVAL,
                  "tensor 'k' has 12 bytes of data, "
                  "float32[2,2] needs 16");
    tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(2));
    onnx_put_bytes(&tensor, 4, floats, sizeof floats);
    refuse_tensor(tensor, -EINVAL,
                  "tensor 'k' has 3 elements of data, float32[2] needs 2");
    tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(2));
    refuse_tensor(tensor, -EINVAL, // no weights at all
                  "tensor 'k' has 0 elements of data, float32[2] needs 2");
    tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(2));
    onnx_put_bytes(&tensor, 4, floats, 7);
    refuse_tensor(tensor, -EINVAL, "not an ONNX model, or a damaged one");
}

static void data_belongs_to_its_type(void) {
    onnx_bytes tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(1));
    onnx_put_bytes(&tensor, 7, "\1", 1);
    refuse_tensor(tensor, -EINVAL,
                  "tensor 'k' has data that does not belong to its type");
    tensor = onnx_tensor_head("k", ONNX_INT64, ONNX_DIMS(1));
    onnx_put_bytes(&tensor, 7, "\1", 1);
    onnx_put_bytes(&tensor, 9, "12345678", 8);
    refuse_tensor(tensor, -EINVAL,
                  "tensor 'k' has data that does not belong to its type");
    tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(1));
    onnx_put_text(&tensor, 6, "text");
    refuse_tensor(tensor, -EINVAL,
                  "tensor 'k' has data that does not belong to its type");
}

static void types_that_are_not_ours_are_named(void) {
    static const struct {
        int type;
        const char *line;
    } cases[] = {
        {ONNX_UINT8, "tensor 'k' has elements of type uint8 (2), which is not "
                     "supported"},
        {ONNX_STRING, "tensor 'k' has elements of type string (8), which is "
                      "not supported"},
        {ONNX_FLOAT16, "tensor 'k' has elements of type float16 (10), which is "
                       "not supported"},
        {99, "tensor 'k' has elements of type unknown (99), which is not "
             "supported"},
        {-5, "tensor 'k' has elements of type unknown (-5), which is not "
             "supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse_tensor(onnx_tensor("k", cases[i].type, ONNX_DIMS(1), "12345678"),
                      -ENOTSUP, cases[i].line);
    onnx_bytes tensor = {0};
    onnx_put_text(&tensor, 8, "k");
    refuse_tensor(tensor, -EINVAL, "tensor 'k' has no element type");
}

static void impossible_dimensions_are_refused(void) {
    static const int64_t huge = INT64_MAX, half = (int64_t)1 << 32;
    onnx_bytes tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(-1));
    refuse_tensor(tensor, -EINVAL, "tensor 'k' has a dimension of -1");
    tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(INT64_MIN));
    refuse_tensor(tensor, -EINVAL,
                  "tensor 'k' has a dimension of -9223372036854775808");
    tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(huge, huge));
    refuse_tensor(tensor, -E2BIG,
                  "tensor 'k' is too large: float32[9223372036854775807,"
                  "9223372036854775807], the limit is 1073741824 bytes");
    // Multiplied, these are 0 again.
    tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(half, half));
    refuse_tensor(tensor, -E2BIG,
                  "tensor 'k' is too large: float32[4294967296,4294967296], "
                  "the limit is 1073741824 bytes");
    tensor =
        onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1));
    refuse_tensor(tensor, -ENOTSUP,
                  "tensor 'k' has 9 dimensions, the limit is 8");
}

static void data_elsewhere_is_refused(void) {
    onnx_bytes tensor = onnx_tensor_head("k", ONNX_FLOAT, ONNX_DIMS(1));
    onnx_put_int(&tensor, 14, 1);
    refuse_tensor(tensor, -ENOTSUP, "tensor 'k' has its data in another file");
    tensor = onnx_tensor("k", ONNX_FLOAT, ONNX_DIMS(1), "1234");
    onnx_put_text(&tensor, 13, "\x0a\x08location");
    refuse_tensor(tensor, -ENOTSUP, "tensor 'k' has its data in another file");
    tensor = onnx_tensor("k", ONNX_FLOAT, ONNX_DIMS(1), "1234");
    onnx_put_text(&tensor, 3, "");
    refuse_tensor(tensor, -ENOTSUP, "tensor 'k' is a segment of another");
    onnx_model m = begin_xy();
    onnx_put_text(&m.graph, 15, "");
    onnx_node(&m, "Relu", "", "x", "y");
    refuse_model(&m, -ENOTSUP, "sparse constants are not supported");
}

// ---------------------------------------------------------------------------
// Inputs and outputs

static void refuse_input(int status, int type, int rank, const int64_t *dims,
                         const char *line) {
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", type, rank, dims);
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_SCALAR);
    refuse_model(&m, status, line);
}

static void inputs_that_cannot_be_are_refused(void) {
    refuse_input(-EINVAL, ONNX_FLOAT, ONNX_DIMS(1, -2),
                 "input 'x' has a dimension of -2");
    refuse_input(-ENOTSUP, ONNX_FLOAT, ONNX_DIMS(0),
                 "input 'x' has a dimension of 0");
    refuse_input(-ENOTSUP, ONNX_FLOAT, ONNX_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1),
                 "input 'x' has 9 dimensions, the limit is 8");
    refuse_input(-E2BIG, ONNX_FLOAT, ONNX_DIMS(INT64_MAX, INT64_MAX),
                 "input 'x' is too large: float32[9223372036854775807,"
                 "9223372036854775807], the limit is 1073741824 bytes");
    refuse_input(-ENOTSUP, ONNX_UINT8, ONNX_SCALAR,
                 "input 'x' has elements of type uint8 (2), which is not "
                 "supported");
    refuse_input(-ENOTSUP, ONNX_DOUBLE, ONNX_SCALAR,
                 "input 'x' has elements of type float64 (11), which is not "
                 "supported");
    refuse_input(-EINVAL, 0, ONNX_SCALAR, "input 'x' has no element type");
    onnx_model m = begin_xy();
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_output(&m, "x", ONNX_FLOAT16, ONNX_SCALAR);
    refuse_model(&m, -ENOTSUP,
                 "output 'x' has elements of type float16 (10), which is not "
                 "supported");
}

static void ends_are_tensors(void) {
    onnx_model m = begin_xy();
    onnx_bytes info = {0}, type = {0};
    onnx_put_text(&info, 1, "z");
    onnx_put_bytes(&m.graph, 11, info.data, info.size);
    refuse_model(&m, -EINVAL, "input 'z' has no type");
    m = begin_xy();
    onnx_put_text(&type, 4, ""); // sequence_type
    onnx_put_message(&info, 2, &type);
    onnx_put_message(&m.graph, 11, &info);
    refuse_model(&m, -ENOTSUP, "input 'z' is not a tensor");
}

// ---------------------------------------------------------------------------
// Limits

static void limits_are_kept(void) {
    static const float floats[64] = {0};
    wr_nn_limits limits = usual_limits;
    limits.nodes_max = 1;
    onnx_model m = begin_xy();
    onnx_node(&m, "Relu", "", "x", "a");
    onnx_node(&m, "Relu", "", "a", "y");
    refuse_within(&m, &limits, -E2BIG, "2 nodes, the limit is 1");
    limits = usual_limits;
    limits.values_max = 2;
    m = begin_xy();
    onnx_node(&m, "Relu", "", "x", "a");
    onnx_node(&m, "Relu", "", "a", "y");
    refuse_within(&m, &limits, -E2BIG, "more than 2 values");
    limits = usual_limits;
    limits.tensor_max = 255;
    m = begin_xy();
    onnx_initializer(&m, "k", ONNX_FLOAT, ONNX_DIMS(64), floats);
    refuse_within(&m, &limits, -E2BIG,
                  "tensor 'k' is too large: float32[64], the limit is 255 "
                  "bytes");
    limits.tensor_max = 15;
    m = begin_xy();
    refuse_within(&m, &limits, -E2BIG,
                  "input 'x' is too large: float32[1,4], the limit is 15 "
                  "bytes");
    limits = usual_limits;
    limits.bytes_max = 10;
    wr_nn_graph *graph;
    wr_nn_why why;
    CHECK_EQ(read_bytes(&graph, "0123456789a", 11, &limits, &why), -E2BIG);
    CHECK_STR(why.text, "11 bytes of model, the limit is 10");
}

static void few_bytes_cannot_ask_for_many_constants(void) {
    // As a varint, a zero of eight bytes is one.
    enum { ZEROS = 20000 };
    static const uint8_t zeros[ZEROS];
    wr_nn_limits limits = usual_limits;
    limits.bytes_max = 100000;
    onnx_model m = begin_xy();
    onnx_bytes tensor = onnx_tensor_head("k", ONNX_INT64, ONNX_DIMS(ZEROS));
    onnx_put_bytes(&tensor, 7, zeros, ZEROS);
    onnx_put_message(&m.graph, 5, &tensor);
    onnx_node(&m, "Add", "", "x k", "y");
    refuse_within(&m, &limits, -E2BIG,
                  "tensor 'k' makes the constants more than 100000 bytes");
}

static void few_bytes_cannot_ask_for_much_memory(void) {
    // An empty node has two bytes in a file, and more than a hundred here.
    wr_nn_limits limits = usual_limits;
    limits.bytes_max = 1000000;
    onnx_model m = begin_xy();
    for (int i = 0; i < 100000; i++)
        onnx_put_text(&m.graph, 1, "");
    refuse_within(&m, &limits, -E2BIG,
                  "it would need more than 2298576 bytes of memory");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_cut_model_is_refused_at_every_byte",
         a_cut_model_is_refused_at_every_byte},
        {"a_turned_bit_is_read_or_refused_with_a_line",
         a_turned_bit_is_read_or_refused_with_a_line},
        {"what_is_no_model_is_refused", what_is_no_model_is_refused},
        {"nested_subgraphs_are_refused_however_deep",
         nested_subgraphs_are_refused_however_deep},
        {"versions_out_of_range_are_refused",
         versions_out_of_range_are_refused},
        {"an_operator_that_is_not_there_names_its_node",
         an_operator_that_is_not_there_names_its_node},
        {"hostile_names_make_no_second_line",
         hostile_names_make_no_second_line},
        {"a_cycle_is_refused", a_cycle_is_refused},
        {"every_name_is_produced_once", every_name_is_produced_once},
        {"names_of_ends_are_there_once", names_of_ends_are_there_once},
        {"inputs_that_must_be_there_are", inputs_that_must_be_there_are},
        {"attributes_have_the_type_that_they_say",
         attributes_have_the_type_that_they_say},
        {"attributes_have_the_type_that_operators_want",
         attributes_have_the_type_that_operators_want},
        {"attributes_are_there_once_and_few",
         attributes_are_there_once_and_few},
        {"constants_have_one_value", constants_have_one_value},
        {"data_has_the_size_of_its_shape", data_has_the_size_of_its_shape},
        {"data_belongs_to_its_type", data_belongs_to_its_type},
        {"types_that_are_not_ours_are_named",
         types_that_are_not_ours_are_named},
        {"impossible_dimensions_are_refused",
         impossible_dimensions_are_refused},
        {"data_elsewhere_is_refused", data_elsewhere_is_refused},
        {"inputs_that_cannot_be_are_refused",
         inputs_that_cannot_be_are_refused},
        {"ends_are_tensors", ends_are_tensors},
        {"limits_are_kept", limits_are_kept},
        {"few_bytes_cannot_ask_for_many_constants",
         few_bytes_cannot_ask_for_many_constants},
        {"few_bytes_cannot_ask_for_much_memory",
         few_bytes_cannot_ask_for_much_memory},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

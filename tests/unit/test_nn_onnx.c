// SPDX-License-Identifier: MIT
// Reading right ONNX models. Wrong ones are in test_nn_onnx_wrong.c.
#include "support/onnx_read.h"

#include <dirent.h>

static void a_model_is_read_as_it_is_written(void) {
    static const float w[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, 3, 8, 8));
    onnx_initializer(&m, "w", ONNX_FLOAT, ONNX_DIMS(4, 3, 1, 1), w);
    onnx_node(&m, "Conv", "first", "x w", "a");
    onnx_attr_ints(&m, "pads", ONNX_DIMS(1, 1, 0, 0));
    onnx_node(&m, "Relu", "", "a", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, 4, 9, 9));
    wr_nn_graph *graph = read_model(&m);

    CHECK_EQ(graph->opset, 13);
    CHECK_STR(graph->name, "test");
    CHECK_EQ(graph->nodes, 2);
    CHECK_EQ(graph->values, 4);
    CHECK_EQ(graph->inputs, 1);
    CHECK_EQ(graph->outputs, 1);
    char text[WR_NN_SHAPE_TEXT];
    const wr_nn_value *x = &graph->value[graph->input[0]];
    CHECK_STR(x->name, "x");
    CHECK_STR(wr_nn_shape_text(text, &x->shape), "float32[?,3,8,8]");
    const wr_nn_value *y = &graph->value[graph->output[0]];
    CHECK_STR(y->name, "y");
    CHECK_STR(wr_nn_shape_text(text, &y->shape), "float32[?,4,9,9]");

    const wr_nn_node *conv = &graph->node[0], *relu = &graph->node[1];
    CHECK_STR(conv->name, "first");
    CHECK_STR(conv->op->name, "Conv");
    CHECK_STR(relu->name, "Relu #1");
    CHECK_EQ(conv->inputs, 2);
    CHECK_EQ(conv->input[0], graph->input[0]);
    const wr_nn_value *weights = &graph->value[conv->input[1]];
    CHECK_STR(wr_nn_shape_text(text, &weights->shape), "float32[4,3,1,1]");
    CHECK(memcmp(weights->data, w, sizeof w) == 0);
    CHECK_EQ((uintptr_t)weights->data % WR_NN_ALIGN, 0);
    CHECK_EQ(relu->input[0], conv->output[0]);
    CHECK_EQ(relu->output[0], graph->output[0]);
    size_t count;
    CHECK_EQ(wr_nn_attr_ints(conv, "pads", &count)[1], 1);
    CHECK_EQ(count, 4);
    wr_nn_graph_destroy(graph);
}

static void reading_again_gives_the_same_digest(void) {
    uint8_t first[32] = {0};
    for (int i = 0; i < 3; i++) {
        static const float one = 1, two = 2;
        onnx_model m = begin_xy();
        onnx_initializer(&m, "k", ONNX_FLOAT, ONNX_SCALAR,
                         i == 2 ? &two : &one);
        onnx_node(&m, "Add", i == 1 ? "named" : "", "x k", "y");
        wr_nn_graph *graph = read_model(&m);
        if (i == 0)
            memcpy(first, graph->digest, sizeof first);
        bool same = memcmp(first, graph->digest, sizeof first) == 0;
        CHECK_EQ(same, i < 2);
        wr_nn_graph_destroy(graph);
    }
}

// ---------------------------------------------------------------------------
// Constants

static void constant_nodes_become_constants(void) {
    static const float floats[] = {1.5F, 2.5F};
    onnx_model m = begin_xy();
    // Before and after the node that needs it.
    onnx_node(&m, "Constant", "", "", "a");
    onnx_attr_tensor(&m, "value", ONNX_FLOAT, ONNX_DIMS(1, 2), floats);
    onnx_node(&m, "Sum", "", "x a b c d e", "y");
    onnx_node(&m, "Constant", "", "", "b");
    onnx_attr_float(&m, "value_float", 2.5F);
    onnx_node(&m, "Constant", "", "", "c");
    onnx_attr_floats(&m, "value_floats", 2, floats);
    onnx_node(&m, "Constant", "", "", "d");
    onnx_attr_int(&m, "value_int", -7);
    onnx_node(&m, "Constant", "", "", "e");
    onnx_attr_ints(&m, "value_ints", ONNX_DIMS(8, 9, 10));
    wr_nn_graph *graph = read_model(&m);
    CHECK_EQ(graph->nodes, 1);

    static const char *const shapes[] = {"float32[1,2]", "float32[]",
                                         "float32[2]", "int64[]", "int64[3]"};
    for (int i = 0; i < 5; i++) {
        const wr_nn_value *one = &graph->value[graph->node[0].input[1 + i]];
        char text[WR_NN_SHAPE_TEXT];
        CHECK_STR(wr_nn_shape_text(text, &one->shape), shapes[i]);
        CHECK(one->data != NULL);
    }
    CHECK(memcmp(value_called(graph, "a")->data, floats, 8) == 0);
    CHECK(memcmp(value_called(graph, "b")->data, &floats[1], 4) == 0);
    CHECK(memcmp(value_called(graph, "c")->data, floats, 8) == 0);
    CHECK_EQ(*(const int64_t *)value_called(graph, "d")->data, -7);
    CHECK_EQ(((const int64_t *)value_called(graph, "e")->data)[2], 10);
    wr_nn_graph_destroy(graph);
}

static void initializers_listed_as_inputs_are_constants(void) {
    static const float one = 1;
    onnx_model m = begin_xy();
    onnx_input(&m, "k", ONNX_FLOAT, ONNX_DIMS(1)); // format 3 wants that
    onnx_initializer(&m, "k", ONNX_FLOAT, ONNX_DIMS(1), &one);
    onnx_node(&m, "Add", "", "x k", "y");
    wr_nn_graph *graph = read_model(&m);
    CHECK_EQ(graph->inputs, 1);
    CHECK(value_called(graph, "k")->data != NULL);
    wr_nn_graph_destroy(graph);
}

// A TensorProto of three, in the list of its own type.
static onnx_bytes typed_tensor(int type, const char *name) {
    onnx_bytes tensor = onnx_tensor_head(name, type, ONNX_DIMS(3)), list = {0};
    static const float floats[] = {1, -2, 3};
    static const double doubles[] = {1, -2, 3};
    static const int64_t ints[] = {1, -2, 3};
    if (type == ONNX_FLOAT) {
        onnx_put_bytes(&tensor, 4, floats, sizeof floats);
        return tensor;
    }
    if (type == ONNX_DOUBLE) {
        onnx_put_bytes(&tensor, 10, doubles, sizeof doubles);
        return tensor;
    }
    for (int i = 0; i < 3; i++)
        onnx_put_varint(&list, (uint64_t)ints[i]);
    onnx_put_message(&tensor, type == ONNX_INT64 ? 7 : 5, &list);
    return tensor;
}

static const int our_types[] = {ONNX_FLOAT, ONNX_INT32, ONNX_INT64, ONNX_BOOL,
                                ONNX_DOUBLE};

static bool is_one_minus_two_three(const wr_nn_shape *shape, const void *data) {
    const int32_t *i32 = data;
    const int64_t *i64 = data;
    const float *f32 = data;
    const double *f64 = data;
    const uint8_t *truth = data;
    if (shape->rank != 1 || shape->dim[0] != 3)
        return false;
    switch (shape->type) {
    case WR_NN_F32: return f32[0] == 1 && f32[1] == -2 && f32[2] == 3;
    case WR_NN_F64: return f64[0] == 1 && f64[1] == -2 && f64[2] == 3;
    case WR_NN_I32: return i32[0] == 1 && i32[1] == -2 && i32[2] == 3;
    case WR_NN_I64: return i64[0] == 1 && i64[1] == -2 && i64[2] == 3;
    case WR_NN_BOOL: return truth[0] == 1 && truth[1] == 1 && truth[2] == 1;
    case WR_NN_NONE: break;
    }
    return false;
}

static void numbers_are_read_in_lists_of_their_type(void) {
    for (size_t i = 0; i < sizeof our_types / sizeof our_types[0]; i++) {
        onnx_model m = begin_xy();
        onnx_bytes tensor = typed_tensor(our_types[i], "k");
        onnx_put_message(&m.graph, 5, &tensor);
        onnx_node(&m, "Add", "", "x k", "y");
        wr_nn_graph *graph = read_model(&m);
        const wr_nn_value *k = value_called(graph, "k");
        CHECK_EQ(k->shape.type, our_types[i]);
        CHECK(is_one_minus_two_three(&k->shape, k->data));
        wr_nn_graph_destroy(graph);
    }
}

static void large_tensors_are_read_in_every_form(void) {
    // Those change hands instead of being copied.
    enum { MANY = 5000 };
    static float numbers[MANY];
    for (int i = 0; i < MANY; i++)
        numbers[i] = (float)i;
    onnx_model m = begin_xy();
    onnx_initializer(&m, "raw", ONNX_FLOAT, ONNX_DIMS(50, 100), numbers);
    onnx_bytes floats = onnx_tensor_head("floats", ONNX_FLOAT, ONNX_DIMS(MANY));
    onnx_put_bytes(&floats, 4, numbers, sizeof numbers);
    onnx_put_message(&m.graph, 5, &floats);
    onnx_bytes truths = onnx_tensor_head("truths", ONNX_BOOL, ONNX_DIMS(MANY));
    onnx_bytes list = {0};
    for (int i = 0; i < MANY; i++)
        onnx_put_varint(&list, (uint64_t)(i % 3) << 8);
    onnx_put_message(&truths, 5, &list);
    onnx_put_message(&m.graph, 5, &truths);
    onnx_node(&m, "Constant", "", "", "node");
    onnx_attr_tensor(&m, "value", ONNX_FLOAT, ONNX_DIMS(MANY), numbers);
    onnx_node(&m, "Sum", "", "x raw floats truths node", "y");
    wr_nn_graph *graph = read_model(&m);
    static const char *const names[] = {"raw", "floats", "node"};
    for (int i = 0; i < 3; i++) {
        const wr_nn_value *one = value_called(graph, names[i]);
        CHECK(memcmp(one->data, numbers, sizeof numbers) == 0);
        CHECK_EQ((uintptr_t)one->data % WR_NN_ALIGN, 0);
    }
    const uint8_t *truth = value_called(graph, "truths")->data;
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(truth[i], i % 3 != 0);
    wr_nn_graph_destroy(graph);
}

static void truth_is_one(void) {
    static const uint8_t truths[] = {0, 1, 2, 255};
    onnx_model m = begin_xy();
    onnx_initializer(&m, "k", ONNX_BOOL, ONNX_DIMS(4), truths);
    onnx_node(&m, "Where", "", "k x x", "y");
    wr_nn_graph *graph = read_model(&m);
    CHECK(memcmp(value_called(graph, "k")->data, "\0\1\1\1", 4) == 0);
    wr_nn_graph_destroy(graph);
}

static void an_empty_list_is_a_constant(void) {
    onnx_model m = begin_xy();
    onnx_initializer(&m, "k", ONNX_INT64, ONNX_DIMS(0), "");
    onnx_bytes bare = onnx_tensor_head("bare", ONNX_INT64, ONNX_DIMS(0));
    onnx_put_message(&m.graph, 5, &bare);
    onnx_node(&m, "Sum", "", "x k bare", "y");
    wr_nn_graph *graph = read_model(&m);
    CHECK(value_called(graph, "k")->data != NULL);
    CHECK(value_called(graph, "bare")->data != NULL);
    wr_nn_graph_destroy(graph);
}

// ---------------------------------------------------------------------------
// Nodes

static void absent_inputs_are_minus_one(void) {
    static const float six = 6;
    onnx_model m = begin_xy();
    onnx_initializer(&m, "six", ONNX_FLOAT, ONNX_SCALAR, &six);
    onnx_node(&m, "Clip", "", "x . six", "a");
    onnx_node(&m, "Clip", "", "a . .", "y ."); // at the end: not there
    wr_nn_graph *graph = read_model(&m);
    CHECK_EQ(graph->node[0].inputs, 3);
    CHECK_EQ(graph->node[0].input[1], -1);
    CHECK(graph->node[0].input[2] >= 0);
    CHECK_EQ(graph->node[1].inputs, 1);
    CHECK_EQ(graph->node[1].outputs, 1);
    wr_nn_graph_destroy(graph);
}

static void attributes_of_every_kind_are_read(void) {
    static const float floats[] = {0.5F, -1};
    static const int64_t ten = 10;
    onnx_model m = begin_xy();
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_attr_tensor(&m, "t", ONNX_INT64, ONNX_SCALAR, &ten);
    onnx_attr_ints(&m, "ints", ONNX_DIMS(INT64_MIN, 0, INT64_MAX));
    onnx_attr_int(&m, "int", -1);
    onnx_attr_string(&m, "text", "half_pixel");
    onnx_attr_floats(&m, "floats", 2, floats);
    onnx_attr_float(&m, "float", 0.25F);
    // Zeros and empty lists may be left out.
    onnx_bytes zero = onnx_attr_head("zero", ONNX_ATTR_INT);
    onnx_put_message(&m.node, 5, &zero);
    onnx_bytes none = onnx_attr_head("none", ONNX_ATTR_INTS);
    onnx_put_message(&m.node, 5, &none);
    onnx_bytes nothing = onnx_attr_head("nothing", ONNX_ATTR_STRING);
    onnx_put_message(&m.node, 5, &nothing);
    wr_nn_graph *graph = read_model(&m);

    const wr_nn_node *node = &graph->node[0];
    size_t count;
    CHECK_EQ(node->attrs, 9);
    CHECK_EQ(wr_nn_attr_int(node, "int", 0), -1);
    CHECK(wr_nn_attr_float(node, "float", 0) == 0.25F);
    CHECK_STR(wr_nn_attr_string(node, "text", "?"), "half_pixel");
    CHECK_STR(wr_nn_attr_string(node, "nothing", "?"), "");
    CHECK(wr_nn_attr_ints(node, "ints", &count)[0] == INT64_MIN);
    CHECK(wr_nn_attr_ints(node, "ints", &count)[2] == INT64_MAX);
    CHECK_EQ(count, 3);
    CHECK(wr_nn_attr_ints(node, "none", &count) != NULL);
    CHECK_EQ(count, 0);
    CHECK_EQ(wr_nn_attr_int(node, "zero", 5), 0);
    const wr_nn_attr *attr = wr_nn_attr_find(node, "floats");
    CHECK(attr->kind == WR_NN_FLOATS && attr->count == 2);
    CHECK(attr->floats[0] == 0.5F && attr->floats[1] == -1);
    attr = wr_nn_attr_find(node, "t");
    CHECK_EQ(attr->kind, WR_NN_TENSOR);
    CHECK_EQ(attr->tensor->shape.rank, 0);
    CHECK_EQ(*(const int64_t *)attr->tensor->data, 10);
    wr_nn_graph_destroy(graph);
}

static void nodes_may_be_in_any_order(void) {
    // Each needs the next: sorting must not take the square of the time.
    enum { NODES = 50000 };
    onnx_model m = begin_xy();
    for (int i = 0; i < NODES; i++) {
        char in[24] = "x", out[24] = "y";
        if (i < NODES - 1)
            snprintf(in, sizeof in, "v%d", i + 1);
        if (i > 0)
            snprintf(out, sizeof out, "v%d", i);
        onnx_node(&m, "Relu", "", in, out);
    }
    wr_nn_graph *graph = read_model(&m);
    CHECK_EQ(graph->nodes, NODES);
    CHECK_EQ(graph->node[0].input[0], graph->input[0]);
    CHECK_EQ(graph->node[NODES - 1].output[0], graph->output[0]);
    CHECK_STR(graph->node[0].name, "Relu #49999");
    wr_nn_graph_destroy(graph);
}

static void likely_names_are_found_soon(void) {
    // Long ones that differ at their ends, which a bad table would mix up.
    enum { NODES = 20000 };
    char in[100], out[100];
    memset(in, 'a', sizeof in);
    memset(out, 'a', sizeof out);
    onnx_model m = begin_xy();
    for (int i = 0; i < NODES; i++) {
        snprintf(in + 80, 20, "%d", i);
        snprintf(out + 80, 20, "%d", i + 1);
        onnx_node(&m, "Relu", "", i == 0 ? "x" : in,
                  i == NODES - 1 ? "y" : out);
    }
    wr_nn_graph *graph = read_model(&m);
    CHECK_EQ(graph->nodes, NODES);
    wr_nn_graph_destroy(graph);
}

static void inputs_may_lack_a_shape(void) {
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_NO_SHAPE);
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_SCALAR);
    wr_nn_graph *graph = read_model(&m);
    CHECK_EQ(value_called(graph, "x")->shape.rank, -1);
    CHECK_EQ(value_called(graph, "y")->shape.rank, 0);
    wr_nn_graph_destroy(graph);
}

static void what_is_of_no_use_is_skipped(void) {
    onnx_model m = begin_xy();
    onnx_bytes import = {0};
    onnx_put_text(&import, 1, "com.example");
    onnx_put_int(&import, 2, 1);
    onnx_put_message(&m.model, 8, &import);
    onnx_put_text(&m.model, 2, "a producer");
    onnx_put_text(&m.model, 6, "documentation");
    onnx_put_text(&m.graph, 13, "\x0a\x01v"); // value_info
    onnx_put_int(&m.graph, 1000, 1);          // of the future
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_put_text(&m.node, 6, "documentation");
    wr_nn_graph *graph = read_model(&m);
    CHECK_EQ(graph->nodes, 1);
    wr_nn_graph_destroy(graph);
}

// ---------------------------------------------------------------------------
// Tensors alone

static void a_tensor_alone_is_read(void) {
    for (size_t i = 0; i < sizeof our_types / sizeof our_types[0]; i++) {
        onnx_bytes tensor = typed_tensor(our_types[i], "");
        wr_nn_shape shape;
        void *data;
        wr_nn_why why;
        CHECK_EQ(
            wr_nn_onnx_tensor(&shape, &data, tensor.data, tensor.size, &why),
            0);
        free(tensor.data);
        CHECK_EQ(shape.type, our_types[i]);
        CHECK(is_one_minus_two_three(&shape, data));
        free(data);
    }
    static float large[3000] = {1, 2, 3};
    onnx_bytes tensor = onnx_tensor("", ONNX_FLOAT, ONNX_DIMS(30, 100), large);
    wr_nn_shape shape;
    void *data;
    wr_nn_why why;
    CHECK_EQ(wr_nn_onnx_tensor(&shape, &data, tensor.data, tensor.size, &why),
             0);
    CHECK(memcmp(data, large, sizeof large) == 0);
    free(tensor.data);
    free(data);
}

// ---------------------------------------------------------------------------
// ONNX's own models, where they are installed

static uint8_t *load(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    CHECK_EQ(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    CHECK_EQ(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void onnxs_own_models_are_read_or_refused_with_a_line(void) {
    DIR *directory = opendir(ONNX_TESTDATA "/node");
    if (directory == NULL)
        SKIP("ONNX's test data is not installed");
    int read = 0, refused = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, ONNX_TESTDATA "/node/%.200s/model.onnx",
                 entry->d_name);
        size_t size;
        uint8_t *bytes = load(path, &size);
        if (bytes == NULL)
            continue;
        wr_nn_graph *graph;
        wr_nn_why why;
        int status = read_bytes(&graph, bytes, size, &usual_limits, &why);
        if (status == -EINVAL || status == -E2BIG)
            CHECK_FAIL("%s is right, but: %s", path, why.text);
        read += status == 0;
        refused += status != 0;
        wr_nn_graph_destroy(graph);
        free(bytes);
    }
    closedir(directory);
    printf("%d read, %d refused\n", read, refused);
    CHECK(read > 0);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_model_is_read_as_it_is_written", a_model_is_read_as_it_is_written},
        {"reading_again_gives_the_same_digest",
         reading_again_gives_the_same_digest},
        {"constant_nodes_become_constants", constant_nodes_become_constants},
        {"initializers_listed_as_inputs_are_constants",
         initializers_listed_as_inputs_are_constants},
        {"numbers_are_read_in_lists_of_their_type",
         numbers_are_read_in_lists_of_their_type},
        {"large_tensors_are_read_in_every_form",
         large_tensors_are_read_in_every_form},
        {"truth_is_one", truth_is_one},
        {"an_empty_list_is_a_constant", an_empty_list_is_a_constant},
        {"absent_inputs_are_minus_one", absent_inputs_are_minus_one},
        {"attributes_of_every_kind_are_read",
         attributes_of_every_kind_are_read},
        {"nodes_may_be_in_any_order", nodes_may_be_in_any_order},
        {"likely_names_are_found_soon", likely_names_are_found_soon},
        {"inputs_may_lack_a_shape", inputs_may_lack_a_shape},
        {"what_is_of_no_use_is_skipped", what_is_of_no_use_is_skipped},
        {"a_tensor_alone_is_read", a_tensor_alone_is_read},
        {"onnxs_own_models_are_read_or_refused_with_a_line",
         onnxs_own_models_are_read_or_refused_with_a_line},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

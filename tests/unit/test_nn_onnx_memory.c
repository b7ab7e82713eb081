// SPDX-License-Identifier: MIT
// What reading a model takes, and what happens when there is none. The linker
// leads every allocation of this program's own code here (--wrap), and so the
// reader's; protobuf-c allocates through the reader.
#include "support/onnx_read.h"

#include <malloc.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void __wrap_free(void *memory);

static size_t held, peak;     // bytes
static long calls, fail_from; // allocations so far; 0: none fails

static bool no_memory(void) { return ++calls >= fail_from && fail_from > 0; }

static void *gained(void *memory) {
    held += malloc_usable_size(memory);
    peak = held > peak ? held : peak;
    return memory;
}

void *__wrap_malloc(size_t size) {
    return no_memory() ? NULL : gained(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    return no_memory() ? NULL : gained(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size) {
    return __wrap_reallocarray(old, 1, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size) {
    if (no_memory())
        return NULL;
    held -= malloc_usable_size(old);
    return gained(__real_reallocarray(old, count, size));
}

void __wrap_free(void *memory) {
    held -= malloc_usable_size(memory);
    __real_free(memory);
}

// ---------------------------------------------------------------------------

enum { TENSORS = 8, FLOATS = 1 << 18, TOTAL = TENSORS * FLOATS * 4 };

// 8 tensors of 1 MiB, added up.
static onnx_bytes a_heavy_model(bool in_nodes) {
    float *numbers = malloc(FLOATS * sizeof *numbers);
    for (int i = 0; i < FLOATS; i++)
        numbers[i] = (float)i;
    onnx_model m = begin_xy();
    for (int i = 0; i < TENSORS; i++) {
        char name[24], inputs[60], out[24] = "y";
        snprintf(name, sizeof name, "w%d", i);
        snprintf(inputs, sizeof inputs, "x %s", name);
        if (i > 0)
            snprintf(inputs, sizeof inputs, "v%d %s", i, name);
        if (i < TENSORS - 1)
            snprintf(out, sizeof out, "v%d", i + 1);
        if (in_nodes) {
            onnx_node(&m, "Constant", "", "", name);
            onnx_attr_tensor(&m, "value", ONNX_FLOAT, ONNX_DIMS(FLOATS),
                             numbers);
        } else {
            onnx_initializer(&m, name, ONNX_FLOAT, ONNX_DIMS(FLOATS), numbers);
        }
        onnx_node(&m, "Add", "", inputs, out);
    }
    free(numbers);
    return onnx_end(&m);
}

static void weights_are_not_there_twice(void) {
    for (int in_nodes = 0; in_nodes < 2; in_nodes++) {
        onnx_bytes file = a_heavy_model(in_nodes != 0);
        size_t before = peak = held;
        wr_nn_graph *graph;
        wr_nn_why why;
        CHECK_EQ(
            wr_nn_onnx_read(&graph, file.data, file.size, &usual_limits, &why),
            0);
        size_t most = peak - before, kept = held - before;
        printf("%d bytes of weights: %zu at most, %zu kept\n", TOTAL, most,
               kept);
        CHECK(most < TOTAL + TOTAL / 20);
        CHECK(kept < TOTAL + TOTAL / 50);
        CHECK(wr_nn_graph_bytes(graph) <= kept);
        CHECK(wr_nn_graph_bytes(graph) >= TOTAL);
        wr_nn_graph_destroy(graph);
        CHECK_EQ(held, before);
        free(file.data);
    }
    CHECK(calls > 0); // they come here
}

static onnx_bytes a_model_with_a_bit_of_all(void) {
    static const float floats[1500] = {1, 2, 3, 4};
    static const int64_t shape[] = {1, 4};
    onnx_model m = begin_xy();
    onnx_initializer(&m, "w", ONNX_FLOAT, ONNX_DIMS(1500), floats);
    onnx_node(&m, "Constant", "", "", "k");
    onnx_attr_tensor(&m, "value", ONNX_FLOAT, ONNX_DIMS(1), floats);
    onnx_node(&m, "Clip", "clip", "x . k", "v0");
    for (int i = 0; i < 40; i++) {
        char in[24], out[24];
        snprintf(in, sizeof in, "v%d", i);
        snprintf(out, sizeof out, "v%d", i + 1);
        onnx_node(&m, "Relu", "", in, out);
        onnx_attr_ints(&m, "pads", ONNX_DIMS(0, 0, 0, 0));
        onnx_attr_floats(&m, "floats", 1500, floats);
        onnx_attr_string(&m, "auto_pad", "NOTSET");
    }
    onnx_initializer(&m, "s", ONNX_INT64, ONNX_DIMS(2), shape);
    onnx_node(&m, "Reshape", "", "v40 s", "y");
    onnx_attr_tensor(&m, "t", ONNX_FLOAT, ONNX_DIMS(1500), floats);
    return onnx_end(&m);
}

static void running_out_of_memory_is_told_and_leaves_nothing(void) {
    onnx_bytes file = a_model_with_a_bit_of_all();
    int status = -ENOMEM;
    long failed = 0;
    while (status != 0) {
        wr_nn_graph *graph = NULL;
        wr_nn_why why = {""};
        size_t before = held;
        calls = 0;
        fail_from = ++failed;
        status =
            wr_nn_onnx_read(&graph, file.data, file.size, &usual_limits, &why);
        fail_from = 0;
        if (status != 0) {
            CHECK_EQ(status, -ENOMEM);
            CHECK_STR(why.text, "out of memory");
            CHECK(graph == NULL);
        }
        wr_nn_graph_destroy(graph);
        CHECK_EQ(held, before);
    }
    printf("%ld allocations\n", failed - 1);
    CHECK(failed > 20);
    free(file.data);
}

static void a_tensor_alone_that_does_not_fit_leaves_nothing(void) {
    static const float floats[1500] = {1, 2, 3, 4};
    onnx_bytes tensor = onnx_tensor("", ONNX_FLOAT, ONNX_DIMS(1500), floats);
    int status = -ENOMEM;
    for (long failed = 1; status != 0; failed++) {
        wr_nn_shape shape;
        void *data = NULL;
        wr_nn_why why = {""};
        size_t before = held;
        calls = 0;
        fail_from = failed;
        status =
            wr_nn_onnx_tensor(&shape, &data, tensor.data, tensor.size, &why);
        fail_from = 0;
        CHECK(status == 0 || status == -ENOMEM);
        CHECK((status == 0) == (data != NULL));
        CHECK((status != 0) == (why.text[0] != '\0'));
        free(data);
        CHECK_EQ(held, before);
    }
    free(tensor.data);
}

static void a_copy_that_does_not_fit_leaves_nothing(void) {
    onnx_bytes file = a_model_with_a_bit_of_all();
    wr_nn_graph *graph;
    CHECK_EQ(wr_nn_onnx_read(&graph, file.data, file.size, NULL, NULL), 0);
    free(file.data);
    size_t before = held;
    wr_nn_graph *copy = NULL;
    for (long failed = 1; copy == NULL; failed++) {
        calls = 0;
        fail_from = failed;
        copy = wr_nn_graph_copy(graph);
        fail_from = 0;
        if (copy == NULL)
            CHECK_EQ(held, before);
    }
    CHECK_EQ(copy->nodes, graph->nodes);

    // What is added to it may not fit either; then it stays as it is.
    wr_nn_node *node = &copy->node[0];
    static const int64_t ints[1000] = {1};
    static char text[9000];
    memset(text, 'a', sizeof text - 1);
    fail_from = 1;
    CHECK_EQ(wr_nn_attr_set_ints(copy, node, "k", ints, 1000), -ENOMEM);
    CHECK_EQ(wr_nn_attr_set_ints(copy, node, "k", ints, SIZE_MAX), -ENOMEM);
    CHECK_EQ(wr_nn_attr_set_string(copy, node, "k", text), -ENOMEM);
    CHECK_EQ(wr_nn_attr_set_int(copy, node, text, 1), -ENOMEM);
    CHECK_EQ(wr_nn_node_add(copy, node->op, text, 1, 1), -ENOMEM);
    CHECK_EQ(wr_nn_value_add(copy, text, NULL, NULL), -ENOMEM);
    CHECK(wr_nn_graph_create(NULL) == NULL);
    CHECK_EQ(wr_nn_graph_digest(copy), -ENOMEM);
    fail_from = 0;
    CHECK(wr_nn_attr_find(node, "k") == NULL);
    CHECK_EQ(copy->nodes, graph->nodes);
    CHECK_EQ(copy->values, graph->values);
    wr_nn_graph_destroy(copy);
    CHECK_EQ(held, before);
    wr_nn_graph_destroy(graph);
}

static void a_hostile_file_is_held_back(void) {
    // Two bytes for an empty node, dimension, attribute or constant.
    static const int fields[] = {1, 5, 11, 12};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        wr_nn_limits limits = usual_limits;
        limits.bytes_max = 2000000;
        onnx_model m = begin_xy();
        for (int j = 0; j < 400000; j++)
            onnx_put_text(&m.graph, fields[i], "");
        onnx_bytes file = onnx_end(&m);
        wr_nn_graph *graph;
        wr_nn_why why;
        size_t before = peak = held;
        CHECK_EQ(wr_nn_onnx_read(&graph, file.data, file.size, &limits, &why),
                 -E2BIG);
        CHECK_EQ(held, before);
        CHECK(peak - before < 4000000);
        free(file.data);
    }
}

static void a_small_file_cannot_ask_for_much(void) {
    // One message in pieces, which are put together again and again: the
    // square of their number.
    onnx_model m = begin_xy();
    onnx_node(&m, "Relu", "", "x", "y");
    onnx_bytes attr = onnx_attr_head("t", ONNX_ATTR_TENSOR);
    for (int i = 0; i < 20000; i++)
        onnx_put_text(&attr, 5, "\x08\x01"); // a dimension
    onnx_put_message(&m.node, 5, &attr);
    onnx_bytes file = onnx_end(&m);
    wr_nn_graph *graph;
    wr_nn_why why;
    size_t before = peak = held;
    CHECK_EQ(wr_nn_onnx_read(&graph, file.data, file.size, &usual_limits, &why),
             -E2BIG);
    CHECK_EQ(held, before);
    CHECK(peak - before < 64 * file.size + 2000000);
    free(file.data);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"weights_are_not_there_twice", weights_are_not_there_twice},
        {"running_out_of_memory_is_told_and_leaves_nothing",
         running_out_of_memory_is_told_and_leaves_nothing},
        {"a_tensor_alone_that_does_not_fit_leaves_nothing",
         a_tensor_alone_that_does_not_fit_leaves_nothing},
        {"a_copy_that_does_not_fit_leaves_nothing",
         a_copy_that_does_not_fit_leaves_nothing},
        {"a_hostile_file_is_held_back", a_hostile_file_is_held_back},
        {"a_small_file_cannot_ask_for_much", a_small_file_cannot_ask_for_much},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

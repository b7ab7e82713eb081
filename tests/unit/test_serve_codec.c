// SPDX-License-Identifier: MIT
// What goes over the wire of `weir serve`, as bytes: JSON, frames, shapes.
#include "support/check.h"

#include "programs/nn/graph.h"
#include "programs/serve/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { MOST = 4096 }; // bytes of one tensor

static wr_tensors tensors;
static wr_nn_why why;

static int infer(const char *text) {
    wr_tensors_free(&tensors);
    why.text[0] = '\0';
    return wr_json_infer(&tensors, text, strlen(text), MOST, &why);
}

static void refuses(const char *text, int error, const char *line) {
    CHECK_EQ(infer(text), error);
    CHECK_STR(why.text, line);
    wr_tensors_free(&tensors);
}

// ---- JSON ------------------------------------------------------------------

static void tensors_are_read_from_json(void) {
    CHECK_EQ(infer("{\"inputs\": [{\"name\": \"x\", \"shape\": [2,3], "
                   "\"data\": [1,2.5,-3e2,0,0.1,16777217]},"
                   "{\"shape\": [], \"type\": \"int64\", \"data\": "
                   "[-9223372036854775808]},"
                   "{\"shape\": [2], \"type\": \"bool\", \"data\": [true,0]},"
                   "{\"shape\": [1], \"type\": \"int32\", \"data\": [7]}]}"),
             0);
    CHECK_EQ(tensors.count, 4);
    CHECK_STR(tensors.tensor[0].name, "x");
    CHECK_EQ(tensors.tensor[0].shape.type, WR_NN_F32);
    CHECK_EQ(tensors.tensor[0].shape.rank, 2);
    CHECK_EQ(tensors.tensor[0].shape.dim[1], 3);
    const float *x = tensors.tensor[0].data;
    CHECK((uintptr_t)x % WR_NN_ALIGN == 0);
    CHECK(x[0] == 1.0f && x[1] == 2.5f && x[2] == -300.0f && x[4] == 0.1f);
    CHECK(x[5] == 16777216.0f); // the nearest there is
    CHECK(tensors.tensor[1].name == NULL);
    CHECK_EQ(tensors.tensor[1].shape.rank, 0);
    CHECK(*(const int64_t *)tensors.tensor[1].data == INT64_MIN);
    const uint8_t *flags = tensors.tensor[2].data;
    CHECK(flags[0] == 1 && flags[1] == 0);
    CHECK_EQ(*(const int32_t *)tensors.tensor[3].data, 7);
    CHECK_EQ(infer("{\"inputs\": []}"), 0);
    CHECK_EQ(tensors.count, 0);
    wr_tensors_free(&tensors);
}

static void bad_json_is_refused_with_its_place(void) {
    refuses("", -EINVAL,
            "the body is not JSON: line 1, column 0: '[' or '{' expected near "
            "end of file");
    CHECK_EQ(infer("{\"inputs\": [\n1,,]}"), -EINVAL);
    CHECK(strstr(why.text, "the body is not JSON: line 2, column ") != NULL);
    CHECK_EQ(infer("{\"inputs\": [], \"inputs\": []}"), -EINVAL);
    CHECK(strstr(why.text, "duplicate") != NULL);
    refuses("[]", -EINVAL, "the body is not an object");
    refuses("{}", -EINVAL, "inputs is not a list of at most 64 tensors");
    refuses("{\"inputs\": [], \"input\": 1}", -EINVAL,
            "the body has a field 'input'; it may have inputs");
    refuses("{\"inputs\": [{\"shpae\": [1]}]}", -EINVAL,
            "inputs[0] has a field 'shpae'; it may have name shape type data");
    refuses("{\"inputs\": [7]}", -EINVAL, "inputs[0] is not an object");
    refuses("{\"inputs\": [{\"name\": 3, \"shape\": [1]}]}", -EINVAL,
            "inputs[0]: name is not a string of 1 to 256 bytes");
    char deep[5000];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    CHECK_EQ(infer(deep), -EINVAL);
    wr_tensors_free(&tensors);
}

static void bad_shapes_and_data_are_refused(void) {
    refuses("{\"inputs\": [{\"shape\": [1,2], \"data\": [1]}]}", -EINVAL,
            "inputs[0]: data has 1 numbers, its shape has 2 (data is flat)");
    refuses("{\"inputs\": [{\"shape\": [1,2], \"data\": [[1,2]]}]}", -EINVAL,
            "inputs[0]: data has 1 numbers, its shape has 2 (data is flat)");
    refuses("{\"inputs\": [{\"shape\": [1], \"data\": [null]}]}", -EINVAL,
            "inputs[0]: data[0] is not a number of type float32");
    refuses("{\"inputs\": [{\"shape\": [1], \"data\": [1e39]}]}", -EINVAL,
            "inputs[0]: data[0] is not a number of type float32");
    refuses("{\"inputs\": [{\"shape\": [1], \"type\": \"int32\", \"data\": "
            "[2147483648]}]}",
            -EINVAL, "inputs[0]: data[0] is not a number of type int32");
    refuses("{\"inputs\": [{\"shape\": [1], \"type\": \"int64\", \"data\": "
            "[1.0]}]}",
            -EINVAL, "inputs[0]: data[0] is not a number of type int64");
    refuses("{\"inputs\": [{\"shape\": [1], \"type\": \"bool\", \"data\": "
            "[2]}]}",
            -EINVAL, "inputs[0]: data[0] is not a number of type bool");
    refuses("{\"inputs\": [{\"shape\": [1], \"type\": \"float16\"}]}", -EINVAL,
            "inputs[0]: the types are float32, int32, int64, bool");
    refuses("{\"inputs\": [{\"shape\": [0], \"data\": []}]}", -EINVAL,
            "inputs[0]: dimension 0 is 0; it is at least 1");
    refuses("{\"inputs\": [{\"shape\": [1,1,1,1,1,1,1,1,1]}]}", -EINVAL,
            "inputs[0]: shape is not a list of at most 8 numbers");
    refuses("{\"inputs\": [{\"shape\": [1.5]}]}", -EINVAL,
            "inputs[0]: dimension 0 is not a whole number");
    refuses("{\"inputs\": [{\"shape\": [1025]}]}", -E2BIG,
            "inputs[0]: more than the 4096 bytes that a tensor may have");
    // A product that overflows is large, not small.
    refuses("{\"inputs\": [{\"shape\": "
            "[4294967296,4294967296,4294967296,4294967296]}]}",
            -E2BIG,
            "inputs[0]: more than the 4096 bytes that a tensor may have");
    refuses("{\"inputs\": [{\"shape\": [1]}]}", -EINVAL,
            "inputs[0]: data is not a list of numbers");
}

static void results_are_written_as_json(void) {
    static const float floats[] = {1,   0.1f,   -INFINITY,
                                   NAN, 1e-45f, 3.4028235e38f};
    static const int64_t large[] = {INT64_MIN};
    static const uint8_t flags[] = {1, 0};
    const wr_infer_result results[] = {
        {"a \"quoted\"\n", {WR_NN_F32, 2, {2, 3}}, floats},
        {"b\xff", {WR_NN_I64, 0, {0}}, large},
        {"\xc3\xa9", {WR_NN_BOOL, 1, {2}}, flags}};
    wr_timing timing = {1500000, 0, 250, 3};
    wr_string text = {0};
    CHECK_EQ(wr_json_results(&text, results, 3, &timing, 4096), 0);
    CHECK_STR(
        text.data,
        "{\"outputs\": [{\"name\": \"a \\\"quoted\\\"\\u000a\", \"type\": "
        "\"float32\", \"shape\": [2,3], \"data\": "
        "[1,0.100000001,null,null,1.40129846e-45,3.40282347e+38]}, {\"name\": "
        "\"b\\u00ff\", \"type\": \"int64\", \"shape\": [], \"data\": "
        "[-9223372036854775808]}, {\"name\": \"\xc3\xa9\", \"type\": \"bool\", "
        "\"shape\": [2], \"data\": [true,false]}], \"timing\": {\"queue_ms\": "
        "1.500, \"compile_ms\": 0.000, \"run_ms\": 0.000, \"batch\": 3}}\n");
    free(text.data);
    // More than there may be: it stops soon, and says so.
    static const float many[1000];
    const wr_infer_result whole = {"y", {WR_NN_F32, 1, {1000}}, many};
    text = (wr_string){0};
    CHECK_EQ(wr_json_results(&text, &whole, 1, &timing, 500), -E2BIG);
    CHECK(text.size < 800);
    free(text.data);
}

static void any_line_becomes_a_string(void) {
    static const struct {
        const char *text, *quoted;
    } lines[] = {{"", "\"\""},
                 {"\\ \" \t\x7f", "\"\\\\ \\\" \\u0009\\u007f\""},
                 {"\xe2\x82\xac", "\"\xe2\x82\xac\""},
                 {"\xe2\x82", "\"\\u00e2\\u0082\""},            // cut
                 {"\xc0\x80", "\"\\u00c0\\u0080\""},            // overlong
                 {"\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\""}, // surrogate
                 {"\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\""}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        wr_string text = {0};
        wr_string_quote(&text, lines[i].text);
        CHECK_STR(text.data, lines[i].quoted);
        free(text.data);
    }
}

// ---- other bodies ----------------------------------------------------------

static void graphs_and_tensors_are_read(void) {
    wr_graph_request g;
    static const char good[] =
        "{\"model\": \"m\", \"key\": \"k\", \"inputs\": [{\"name\": \"x\", "
        "\"shape\": [1,2]}, {\"name\": \"n\", \"type\": \"int64\", \"shape\": "
        "[1], \"data\": [4]}]}";
    CHECK_EQ(wr_json_graph(&g, good, sizeof(good) - 1, MOST, &why), 0);
    CHECK_STR(g.model, "m");
    CHECK_STR(g.key, "k");
    CHECK_EQ(g.inputs.count, 2);
    CHECK(g.inputs.tensor[0].data == NULL);
    CHECK(*(const int64_t *)g.inputs.tensor[1].data == 4);
    wr_graph_request_free(&g);
    static const char none[] = "{\"inputs\": []}";
    CHECK_EQ(wr_json_graph(&g, none, sizeof(none) - 1, MOST, &why), -EINVAL);
    CHECK_STR(why.text, "model is not a string of 1 to 256 bytes");
    wr_graph_request_free(&g);

    wr_nn_shape shape;
    static const char tensor[] = "{\"type\": \"int32\", \"shape\": [3,4]}";
    CHECK_EQ(wr_json_tensor(&shape, tensor, sizeof(tensor) - 1, MOST, &why), 0);
    CHECK_EQ(shape.type, WR_NN_I32);
    CHECK_EQ(shape.dim[1], 4);
    static const char bare[] = "{\"type\": \"int32\"}";
    CHECK_EQ(wr_json_tensor(&shape, bare, sizeof(bare) - 1, MOST, &why),
             -EINVAL);
    CHECK_STR(why.text, "the tensor: shape is not a list of at most 8 numbers");
}

static void dispatches_are_read(void) {
    static const struct {
        const char *text, *line;
    } bad[] = {
        {"{\"graph\": 0, \"inputs\": {}, \"outputs\": {}}",
         "graph is not an id (a number from 1 on)"},
        {"{\"graph\": 1, \"inputs\": [], \"outputs\": {}}",
         "inputs and outputs are objects of at most 64 names, each with a "
         "tensor's id"},
        {"{\"graph\": 1, \"inputs\": {\"x\": \"1\"}, \"outputs\": {}}",
         "inputs: the tensor of 'x' is not an id (a number from 1 on)"},
        {"{\"graph\": 1, \"inputs\": {}, \"outputs\": {\"\": 1}}",
         "outputs: a name has 1 to 256 bytes"},
    };
    wr_dispatch_request d;
    static const char good[] = "{\"graph\": 9, \"inputs\": {\"a\": 1, \"b\": "
                               "2}, \"outputs\": {\"c\": 3}}";
    CHECK_EQ(wr_json_dispatch(&d, good, sizeof(good) - 1, &why), 0);
    CHECK_EQ(d.graph, 9);
    CHECK_EQ(d.inputs_count, 2);
    CHECK_EQ(d.outputs_count, 1);
    CHECK_STR(d.outputs[0].name, "c");
    CHECK_EQ(d.outputs[0].tensor, 3);
    wr_dispatch_request_free(&d);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(wr_json_dispatch(&d, bad[i].text, strlen(bad[i].text), &why),
                 -EINVAL);
        CHECK_STR(why.text, bad[i].line);
        wr_dispatch_request_free(&d);
    }
}

static void shapes_are_read_from_a_header(void) {
    static const char *const bad[] = {"float32",
                                      "float32[",
                                      "float32[1,",
                                      "float32[1,]",
                                      "float32[1]x",
                                      "float32[,1]",
                                      "float32[-1]",
                                      "float32[1.5]",
                                      "float32[0]",
                                      "float33[1]",
                                      "[1]",
                                      "float32[ 1]",
                                      "float32[1025]",
                                      "float32[1,1,1,1,1,1,1,1,1]",
                                      "float32[99999999999999999999]"};
    wr_nn_shape shape;
    CHECK_EQ(wr_wire_shape(&shape, "float32[2,3]", MOST, &why), 0);
    CHECK(shape.type == WR_NN_F32 && shape.rank == 2 && shape.dim[1] == 3);
    CHECK_EQ(wr_wire_shape(&shape, "int64[]", MOST, &why), 0);
    CHECK(shape.type == WR_NN_I64 && shape.rank == 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int error = wr_wire_shape(&shape, bad[i], MOST, &why);
        CHECK(error == -EINVAL || error == -E2BIG);
    }
}

// ---- frames ----------------------------------------------------------------

enum { FRAMES_ROOM = 4096 };

// All frames in one aligned block.
static size_t frames(uint8_t *out, int count, const wr_infer_result *results) {
    size_t size = 0;
    for (int i = 0; i < count || i == 0; i++) {
        size += wr_frames_head(out + size, i, count, results);
        if (i < count) {
            size_t bytes = wr_nn_bytes(&results[i].shape);
            memcpy(out + size, results[i].data, bytes);
            size += bytes;
        }
    }
    size_t tail = wr_frames_tail(count, results);
    memset(out + size, 0, tail);
    return size + tail;
}

static const float six[] = {1, 2, 3, 4, 5, 6};
static const int64_t two[] = {-1, 1};
static const wr_infer_result written[] = {
    {"first", {WR_NN_F32, 2, {2, 3}}, six},
    {"", {WR_NN_I64, 1, {2}}, two},
    {"third", {WR_NN_F32, 0, {0}}, six}};

static void frames_read_back(void) {
    uint8_t *bytes = aligned_alloc(64, FRAMES_ROOM);
    CHECK(bytes != NULL);
    for (int count = 0; count <= 3; count++) {
        size_t size = frames(bytes, count, written);
        CHECK_EQ(size % WR_FRAME_ALIGN, 0);
        CHECK_EQ(wr_frames_read(&tensors, bytes, size, MOST, &why), 0);
        CHECK_EQ(tensors.count, count);
        for (int i = 0; i < count; i++) {
            const wr_infer_tensor *t = &tensors.tensor[i];
            CHECK(wr_nn_same_shape(&t->shape, &written[i].shape));
            CHECK_STR(t->name != NULL ? t->name : "", written[i].name);
            CHECK_EQ((uintptr_t)t->data % WR_NN_ALIGN, 0); // where they lie
            CHECK(memcmp(t->data, written[i].data, wr_nn_bytes(&t->shape)) ==
                  0);
        }
        wr_tensors_free(&tensors);
    }
    free(bytes);
}

// Every byte that is missing, and every bit of a head that is turned over, is
// refused or means another tensor; nothing is read beyond the end.
static void damaged_frames_are_refused(void) {
    uint8_t *bytes = aligned_alloc(64, FRAMES_ROOM);
    CHECK(bytes != NULL);
    size_t whole = frames(bytes, 3, written);
    for (size_t size = 0; size < whole; size++) {
        uint8_t *part = malloc(size + 1); // so that a sanitizer sees the end
        CHECK(part != NULL);
        memcpy(part, bytes, size);
        CHECK_EQ(wr_frames_read(&tensors, part, size, MOST, &why), -EINVAL);
        CHECK(why.text[0] != '\0' && strchr(why.text, '\n') == NULL);
        wr_tensors_free(&tensors);
        free(part);
    }
    int refused = 0;
    for (size_t bit = 0; bit < 8 * whole; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int error = wr_frames_read(&tensors, bytes, whole, MOST, &why);
        CHECK(error == 0 || error == -EINVAL || error == -E2BIG);
        refused += error != 0;
        wr_tensors_free(&tensors);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    // Names and numbers may be anything; all else is as it must be.
    CHECK_EQ(refused, 8 * (long long)whole - 8 * (5 + 5) - 8 * (24 + 16 + 4));
    memset(bytes + whole, 0, WR_FRAME_ALIGN);
    CHECK_EQ(
        wr_frames_read(&tensors, bytes, whole + WR_FRAME_ALIGN, MOST, &why),
        -EINVAL);
    CHECK_STR(why.text, "64 bytes after the last tensor");
    wr_tensors_free(&tensors);
    free(bytes);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"tensors_are_read_from_json", tensors_are_read_from_json},
        {"bad_json_is_refused_with_its_place",
         bad_json_is_refused_with_its_place},
        {"bad_shapes_and_data_are_refused", bad_shapes_and_data_are_refused},
        {"results_are_written_as_json", results_are_written_as_json},
        {"any_line_becomes_a_string", any_line_becomes_a_string},
        {"graphs_and_tensors_are_read", graphs_and_tensors_are_read},
        {"dispatches_are_read", dispatches_are_read},
        {"shapes_are_read_from_a_header", shapes_are_read_from_a_header},
        {"frames_read_back", frames_read_back},
        {"damaged_frames_are_refused", damaged_frames_are_refused},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

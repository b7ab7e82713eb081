// SPDX-License-Identifier: MIT
// Graphs: shapes, refusals, attributes, names, order, copies. The digest has
// its own program.
#include "programs/nn/graph.h"
#include "programs/nn/graph_names.h"
#include "support/check.h"

#include <errno.h>

static int forgotten;

static void forget(wr_nn_node *node) {
    forgotten++;
    node->state = NULL;
}

static const wr_nn_op add = {.name = "Add",
                             .inputs_min = 2,
                             .inputs_max = 3,
                             .outputs_min = 1,
                             .outputs_max = 2,
                             .since = 7,
                             .forget = forget};
static const wr_nn_op many = {
    .name = "Many", .inputs_max = 1000, .outputs_max = 1000};

// ---------------------------------------------------------------------------
// Building

static const wr_nn_shape vector = {.type = WR_NN_F32, .rank = 1, .dim = {4}};
static const float four[4] = {1, 2, 3, 4};

static void ends(wr_nn_graph *graph, int input, int output) {
    graph->input = wr_nn_allocate(graph, sizeof(int));
    graph->output = wr_nn_allocate(graph, sizeof(int));
    graph->input[0] = input;
    graph->output[0] = output;
    graph->inputs = graph->outputs = 1;
}

static int value(wr_nn_graph *graph, const char *name) {
    return wr_nn_value_add(graph, name, &vector, NULL);
}

static int node(wr_nn_graph *graph, const char *name, int a, int b, int out) {
    int index = wr_nn_node_add(graph, &add, name, 2, 1);
    CHECK(index >= 0);
    graph->node[index].input[0] = a;
    graph->node[index].input[1] = b;
    graph->node[index].output[0] = out;
    return index;
}

// x -> one -> a -> two -> b
typedef struct chain {
    wr_nn_graph *graph;
    int x, a, b;
} chain;

static chain make_chain(void) {
    chain c = {.graph = wr_nn_graph_create(NULL)};
    CHECK(c.graph != NULL);
    c.graph->opset = 13;
    c.x = value(c.graph, "x");
    c.a = value(c.graph, "a");
    c.b = value(c.graph, "b");
    node(c.graph, "one", c.x, c.x, c.a);
    node(c.graph, "two", c.a, c.x, c.b);
    ends(c.graph, c.x, c.b);
    return c;
}

// The chain is refused so, and goes.
static void refused(chain c, int status, const char *line) {
    wr_nn_why why;
    CHECK_EQ(wr_nn_graph_check(c.graph, &why), status);
    CHECK_STR(why.text, line);
    wr_nn_graph_destroy(c.graph);
}

// ---------------------------------------------------------------------------
// Refusals

static void a_refusal_is_one_line_that_names_the_node(void) {
    wr_nn_why why;
    wr_nn_node bad = {.op = &add, .name = "layer\n1"};
    CHECK_EQ(wr_nn_refuse(&why, -EINVAL, &bad, "axis %d", 7), -EINVAL);
    CHECK_STR(why.text, "node 'layer?1' (Add): axis 7");
    CHECK_EQ(wr_nn_refuse(&why, -ENOTSUP, NULL, "no %s", "luck"), -ENOTSUP);
    CHECK_STR(why.text, "no luck");
    bad.op = NULL;
    wr_nn_refuse(&why, -EINVAL, &bad, "what");
    CHECK_STR(why.text, "node 'layer?1' (?): what");
    CHECK_EQ(wr_nn_refuse(NULL, -ENOMEM, &bad, "nobody asks"), -ENOMEM);
}

static void a_long_name_leaves_room_for_what_is_said(void) {
    char name[1000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    wr_nn_node bad = {.op = &add, .name = name};
    wr_nn_why why;
    wr_nn_refuse(&why, -EINVAL, &bad, "the point");
    CHECK(strstr(why.text, "the point") != NULL);
    wr_nn_refuse(&why, -EINVAL, &bad, "%s", name);
    CHECK_EQ(strlen(why.text), WR_NN_WHY_MAX - 1);
}

static void a_refusal_is_printable_text(void) {
    // Latin, Chinese and a face stay; a lone byte, an overlong slash, a
    // surrogate, a C1 control and what is cut off do not.
    wr_nn_why why;
    wr_nn_refuse(&why, -EINVAL, NULL, "%s",
                 "\xc3\xa9\xe5\xb1\x82\xf0\x9f\x98\x80"
                 "\xff|\xc0\xaf|\xed\xa0\x80|\xc2\x85|\x1b\x7f|\xe5\xb1");
    CHECK_STR(why.text, "\xc3\xa9\xe5\xb1\x82\xf0\x9f\x98\x80"
                        "?|??|???|??|??|??");
}

// ---------------------------------------------------------------------------
// Shapes

static void types_are_as_wide_as_they_are(void) {
    CHECK_EQ(wr_nn_type_size(WR_NN_F32), 4);
    CHECK_EQ(wr_nn_type_size(WR_NN_I32), 4);
    CHECK_EQ(wr_nn_type_size(WR_NN_I64), 8);
    CHECK_EQ(wr_nn_type_size(WR_NN_F64), 8);
    CHECK_EQ(wr_nn_type_size(WR_NN_BOOL), 1);
    CHECK_EQ(wr_nn_type_size((wr_nn_type)2), 0);
    CHECK_STR(wr_nn_type_name(WR_NN_F32), "float32");
    CHECK_STR(wr_nn_type_name((wr_nn_type)2), "none");
}

static void sizes_do_not_overflow(void) {
    wr_nn_shape shape = {WR_NN_F32, 3, {2, 3, 4}};
    CHECK_EQ(wr_nn_elements(&shape), 24);
    CHECK_EQ(wr_nn_bytes(&shape), 96);
    shape.dim[1] = -1;
    CHECK(!wr_nn_known(&shape));
    CHECK(wr_nn_elements(&shape) == SIZE_MAX);
    shape = (wr_nn_shape){WR_NN_F32, 0, {0}};
    CHECK_EQ(wr_nn_elements(&shape), 1);
    shape = (wr_nn_shape){WR_NN_F32, -1, {0}};
    CHECK(wr_nn_bytes(&shape) == SIZE_MAX);
    shape = (wr_nn_shape){WR_NN_F32, 2, {(int64_t)1 << 32, (int64_t)1 << 32}};
    CHECK(wr_nn_elements(&shape) == SIZE_MAX);
    shape = (wr_nn_shape){WR_NN_F32, 2, {(int64_t)1 << 31, (int64_t)1 << 31}};
    CHECK(wr_nn_elements(&shape) == (size_t)1 << 62);
    CHECK(wr_nn_bytes(&shape) == SIZE_MAX);
    shape = (wr_nn_shape){WR_NN_F32, 3, {1 << 20, 0, 1 << 20}};
    CHECK_EQ(wr_nn_bytes(&shape), 0);
    // Nothing is in it, but who multiplies the others overflows.
    shape = (wr_nn_shape){WR_NN_F32, 3, {INT64_MAX, INT64_MAX, 0}};
    CHECK(wr_nn_bytes(&shape) == SIZE_MAX);
    shape = (wr_nn_shape){WR_NN_F32, 2, {0, INT64_MAX}};
    CHECK(wr_nn_elements(&shape) == SIZE_MAX);
}

static void shapes_have_a_text(void) {
    char text[WR_NN_SHAPE_TEXT];
    wr_nn_shape shape = {WR_NN_F32, 4, {1, 3, -1, 48}};
    CHECK_STR(wr_nn_shape_text(text, &shape), "float32[1,3,?,48]");
    shape.rank = 0;
    CHECK_STR(wr_nn_shape_text(text, &shape), "float32[]");
    shape.rank = -1;
    CHECK_STR(wr_nn_shape_text(text, &shape), "float32[...]");
    shape = (wr_nn_shape){WR_NN_I64, 8, {0}};
    for (int i = 0; i < 8; i++)
        shape.dim[i] = INT64_MAX;
    CHECK_EQ(strlen(wr_nn_shape_text(text, &shape)), WR_NN_SHAPE_TEXT - 1);
}

static void shapes_are_the_same_with_their_type(void) {
    wr_nn_shape a = {WR_NN_F32, 2, {2, -1}}, b = a;
    CHECK(wr_nn_same_shape(&a, &b));
    b.type = WR_NN_I32;
    CHECK(!wr_nn_same_shape(&a, &b));
    b = a;
    b.dim[1] = 1;
    CHECK(!wr_nn_same_shape(&a, &b));
    b = a;
    b.rank = 1;
    CHECK(!wr_nn_same_shape(&a, &b));
}

static void shapes_broadcast_as_numpys_do(void) {
    static const struct {
        wr_nn_shape a, b, out;
    } cases[] = {
        {{WR_NN_F32, 2, {3, 4}}, {WR_NN_F32, 1, {4}}, {WR_NN_F32, 2, {3, 4}}},
        {{WR_NN_F32, 2, {3, 1}}, {WR_NN_F32, 1, {4}}, {WR_NN_F32, 2, {3, 4}}},
        {{WR_NN_F32, 0, {0}}, {WR_NN_F32, 2, {5, 6}}, {WR_NN_F32, 2, {5, 6}}},
        {{WR_NN_I64, 1, {1}}, {WR_NN_F32, 1, {0}}, {WR_NN_I64, 1, {0}}},
        {{WR_NN_F32, 2, {-1, -1}},
         {WR_NN_F32, 2, {7, 1}},
         {WR_NN_F32, 2, {7, -1}}},
        {{WR_NN_F32, -1, {0}}, {WR_NN_F32, 1, {2}}, {WR_NN_F32, -1, {0}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wr_nn_shape out;
        CHECK_EQ(wr_nn_broadcast(&out, &cases[i].a, &cases[i].b, NULL, NULL),
                 0);
        CHECK(wr_nn_same_shape(&out, &cases[i].out));
        if (cases[i].a.type != cases[i].b.type)
            continue;
        wr_nn_shape in_place = cases[i].b;
        CHECK_EQ(wr_nn_broadcast(&in_place, &in_place, &cases[i].a, NULL, NULL),
                 0);
        CHECK(wr_nn_same_shape(&in_place, &cases[i].out));
    }
}

static void shapes_that_do_not_broadcast_are_named(void) {
    wr_nn_shape a = {WR_NN_F32, 2, {3, 4}}, b = {WR_NN_F32, 1, {3}}, out;
    wr_nn_node sum = {.op = &add, .name = "sum"};
    wr_nn_why why;
    CHECK_EQ(wr_nn_broadcast(&out, &a, &b, &sum, &why), -EINVAL);
    CHECK_STR(why.text,
              "node 'sum' (Add): float32[3,4] and float32[3] do not broadcast");
}

// ---------------------------------------------------------------------------
// Memory and attributes

static void what_is_allocated_is_zeroed_and_aligned(void) {
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 4097, 100000};
    wr_nn_graph *graph = wr_nn_graph_create(NULL);
    size_t total = 0;
    for (size_t i = 0; i < 200; i++) {
        size_t size = sizes[i % (sizeof sizes / sizeof sizes[0])];
        uint8_t *bytes = wr_nn_allocate(graph, size);
        CHECK(bytes != NULL);
        CHECK_EQ((uintptr_t)bytes % WR_NN_ALIGN, 0);
        for (size_t j = 0; j < size; j++)
            CHECK_EQ(bytes[j], 0);
        memset(bytes, 0xff, size);
        CHECK_STR(wr_nn_text(graph, "between"), "between");
        total += size;
    }
    CHECK(wr_nn_graph_bytes(graph) >= total);
    CHECK(wr_nn_graph_bytes(graph) < total + total / 4 + 65536);
    CHECK(wr_nn_allocate(graph, SIZE_MAX) == NULL);
    CHECK_STR(wr_nn_text(graph, NULL), "");
    wr_nn_graph_destroy(graph);
    wr_nn_graph_destroy(NULL);
}

static void attributes_are_found_by_name_and_kind(void) {
    chain c = make_chain();
    wr_nn_node *one = &c.graph->node[0];
    size_t count = 9;
    const int64_t pads[] = {1, 2};
    CHECK(wr_nn_attr_find(one, "axis") == NULL);
    CHECK_EQ(wr_nn_attr_set_int(c.graph, one, "axis", -1), 0);
    CHECK_EQ(wr_nn_attr_set_ints(c.graph, one, "pads", pads, 2), 0);
    CHECK_EQ(wr_nn_attr_set_ints(c.graph, one, "none", NULL, 0), 0);
    CHECK_EQ(wr_nn_attr_set_float(c.graph, one, "alpha", 0.5F), 0);
    CHECK_EQ(wr_nn_attr_set_string(c.graph, one, "mode", "linear"), 0);
    CHECK_EQ(wr_nn_attr_set_bytes(c.graph, one, "steps", "a\0b", 3), 0);

    CHECK_EQ(wr_nn_attr_int(one, "axis", 5), -1);
    CHECK_EQ(wr_nn_attr_int(one, "alpha", 5), 5);
    CHECK_EQ(wr_nn_attr_int(one, "axi", 6), 6);
    CHECK(wr_nn_attr_float(one, "alpha", 0) == 0.5F);
    CHECK(wr_nn_attr_float(one, "axis", 2) == 2);
    CHECK_STR(wr_nn_attr_string(one, "mode", "?"), "linear");
    CHECK_STR(wr_nn_attr_string(one, "pads", "?"), "?");
    CHECK_EQ(wr_nn_attr_ints(one, "pads", &count)[1], 2);
    CHECK_EQ(count, 2);
    CHECK(wr_nn_attr_ints(one, "none", &count) != NULL && count == 0);
    CHECK(wr_nn_attr_ints(one, "mode", &count) == NULL && count == 0);
    const wr_nn_attr *steps = wr_nn_attr_find(one, "steps");
    CHECK(steps->count == 3 && memcmp(steps->string, "a\0b\0", 4) == 0);
    CHECK_EQ((uintptr_t)steps->string % WR_NN_ALIGN, 0);
    wr_nn_graph_destroy(c.graph);
}

static void setting_an_attribute_replaces_it(void) {
    chain c = make_chain();
    wr_nn_node *one = &c.graph->node[0];
    char name[24];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 100; i++) {
            snprintf(name, sizeof name, "a%d", i * 37 % 100);
            CHECK_EQ(wr_nn_attr_set_int(c.graph, one, name, round + i), 0);
        }
    CHECK_EQ(one->attrs, 100);
    CHECK_EQ(wr_nn_attr_int(one, "a37", 0), 2);
    CHECK_EQ(wr_nn_attr_set_string(c.graph, one, "a37", "text"), 0);
    CHECK_EQ(one->attrs, 100);
    CHECK_STR(wr_nn_attr_string(one, "a37", "?"), "text");
    CHECK_EQ(wr_nn_attr_int(one, "a37", 1), 1);
    for (size_t i = 1; i < one->attrs; i++)
        CHECK(strcmp(one->attr[i - 1].name, one->attr[i].name) < 0);
    wr_nn_graph_destroy(c.graph);
}

// ---------------------------------------------------------------------------
// Names

static void names_are_kept_apart(void) {
    // Prefixes of one another, high bytes, the empty one: beside a plain list.
    enum { NAMES = 3000 };
    static char text[NAMES][8];
    static int numbers[NAMES];
    wr_nn_names names = {0};
    unsigned state = 1;
    int kept = 0;
    for (int i = 0; i < NAMES; i++) {
        size_t length = (state = state * 1103515245U + 12345) >> 16 & 7;
        memset(text[kept], 0, sizeof text[kept]);
        for (size_t j = 0; j < length; j++) {
            state = state * 1103515245U + 12345;
            text[kept][j] = "a\x80\xff\x01"[state >> 16 & 3];
        }
        int there = 0;
        while (there < kept && strcmp(text[there], text[kept]) != 0)
            there++;
        int expected = there < kept ? numbers[there] : -1;
        CHECK_EQ(wr_nn_names_get(&names, text[kept]), expected);
        CHECK_EQ(wr_nn_names_put(&names, text[kept], i), there < kept);
        if (there < kept)
            continue;
        numbers[kept++] = i;
    }
    CHECK_EQ(names.count, kept);
    CHECK(kept > 500);
    wr_nn_names_free(&names);
    CHECK_EQ(wr_nn_names_get(&names, ""), -1);
}

// ---------------------------------------------------------------------------
// Checking

static void a_graph_in_order_stays_as_it_is(void) {
    chain c = make_chain();
    node(c.graph, "three", c.x, c.x, value(c.graph, "c"));
    wr_nn_why why;
    CHECK_EQ(wr_nn_graph_check(c.graph, &why), 0);
    CHECK_STR(c.graph->node[0].name, "one");
    CHECK_STR(c.graph->node[1].name, "two");
    CHECK_STR(c.graph->node[2].name, "three");
    wr_nn_graph_destroy(c.graph);
}

static void producers_come_before_consumers(void) {
    wr_nn_graph *graph = wr_nn_graph_create(NULL);
    graph->opset = 13;
    // Each node needs the one behind it: the longest way to be out of order.
    enum { NODES = 200000 };
    for (int i = 0; i <= NODES; i++)
        CHECK_EQ(wr_nn_value_add(graph, "", &vector, NULL), i);
    for (int i = 0; i < NODES; i++)
        node(graph, "n", i + 1, NODES, i);
    ends(graph, NODES, 0);
    wr_nn_why why;
    CHECK_EQ(wr_nn_graph_check(graph, &why), 0);
    CHECK_EQ(graph->nodes, NODES);
    for (int i = 0; i < NODES; i++)
        CHECK_EQ(graph->node[i].output[0], NODES - 1 - i);
    wr_nn_graph_destroy(graph);
}

static void a_cycle_names_a_node_on_it(void) {
    chain c = make_chain();
    c.graph->node[0].input[1] = c.b;
    refused(c, -EINVAL, "node 'one' (Add): it needs its own result (a cycle)");
    c = make_chain(); // of one node, that is not the first
    c.graph->node[1].input[1] = c.b;
    refused(c, -EINVAL, "node 'two' (Add): it needs its own result (a cycle)");
}

static void every_value_has_one_origin(void) {
    chain c = make_chain();
    c.graph->node[1].output[0] = c.a;
    refused(c, -EINVAL, "node 'two' (Add): its output 'a' is produced twice");
    c = make_chain();
    c.graph->node[1].output[0] = c.x;
    refused(c, -EINVAL,
            "node 'two' (Add): its output 'x' is an input of the graph");
    c = make_chain();
    c.graph->value[c.b].data = four;
    refused(c, -EINVAL, "node 'two' (Add): its output 'b' is a constant");
    c = make_chain();
    c.graph->value[c.x].data = four;
    refused(c, -EINVAL, "input 'x' of the graph is a constant");
    c = make_chain();
    int more = value(c.graph, "more");
    c.graph->node[1].input[0] = more;
    refused(c, -EINVAL, "node 'two' (Add): nothing produces its input 'more'");
    c = make_chain();
    int two[2] = {c.x, c.x};
    c.graph->input = two;
    c.graph->inputs = 2;
    refused(c, -EINVAL, "input 'x' of the graph is there twice");
}

static void names_are_there_once(void) {
    chain c = make_chain();
    value(c.graph, "a");
    refused(c, -EINVAL, "two values are called 'a'");
    c = make_chain(); // no name is no name
    value(c.graph, "");
    value(c.graph, "");
    wr_nn_why why;
    CHECK_EQ(wr_nn_graph_check(c.graph, &why), 0);
    wr_nn_graph_destroy(c.graph);
}

static void outputs_are_there(void) {
    chain c = make_chain();
    c.graph->outputs = 0;
    refused(c, -EINVAL, "the graph has no outputs");
    c = make_chain();
    c.graph->output[0] = value(c.graph, "z");
    refused(c, -EINVAL, "nothing produces output 'z'");
    c = make_chain();
    int two[2] = {c.b, c.b};
    c.graph->output = two;
    c.graph->outputs = 2;
    refused(c, -EINVAL, "output 'b' of the graph is there twice");
    c = make_chain(); // inputs and constants may be outputs
    int three[2] = {c.x, wr_nn_value_add(c.graph, "k", &vector, four)};
    c.graph->output = three;
    c.graph->outputs = 2;
    wr_nn_why why;
    CHECK_EQ(wr_nn_graph_check(c.graph, &why), 0);
    wr_nn_graph_destroy(c.graph);
}

static void counts_are_as_the_operator_has_them(void) {
    chain c = make_chain();
    c.graph->node[0].input[1] = -1;
    refused(c, -EINVAL, "node 'one' (Add): input 2 of at least 2 is missing");
    c = make_chain();
    c.graph->node[1].outputs = 0;
    refused(c, -EINVAL, "node 'two' (Add): output 1 of at least 1 is missing");
    c = make_chain();
    wr_nn_node_add(c.graph, &add, "wide", 4, 1);
    c.graph->node[2].input[0] = c.graph->node[2].input[1] = c.x;
    refused(c, -EINVAL, "node 'wide' (Add): 4 inputs, at most 3 can be");
    c = make_chain();
    wr_nn_node_add(c.graph, &many, "", WR_NN_ARGS_MAX + 1, 1);
    refused(c, -E2BIG, "node 'Many #2' (Many): 65 inputs, the limit is 64");
    c = make_chain(); // absent ones that need not be there
    wr_nn_node_add(c.graph, &many, "", WR_NN_ARGS_MAX, 2);
    c.graph->node[2].input[5] = c.b;
    wr_nn_why why;
    CHECK_EQ(wr_nn_graph_check(c.graph, &why), 0);
    wr_nn_graph_destroy(c.graph);
}

static void what_is_no_value_is_refused(void) {
    chain c = make_chain();
    c.graph->node[0].input[0] = 3;
    refused(c, -EINVAL, "node 'one' (Add): input 1 is no value");
    c = make_chain();
    c.graph->node[0].output[0] = -2;
    refused(c, -EINVAL, "node 'one' (Add): output 1 is no value");
    c = make_chain();
    c.graph->input[0] = -1;
    refused(c, -EINVAL, "input 0 of the graph is no value");
    c = make_chain();
    c.graph->output[0] = 99;
    refused(c, -EINVAL, "output 0 of the graph is no value");
    c = make_chain();
    c.graph->node[0].op = NULL;
    refused(c, -EINVAL, "node 'one' (?): no operator");
}

static void an_old_opset_is_refused(void) {
    chain c = make_chain();
    c.graph->opset = 6;
    refused(c, -ENOTSUP,
            "node 'one' (Add): opset 6 is too old for it: known from 7 on");
}

// ---------------------------------------------------------------------------
// Changing

static void a_copy_is_a_graph_of_its_own(void) {
    chain c = make_chain();
    c.graph->value[c.a].data = four;
    wr_nn_attr_set_int(c.graph, &c.graph->node[0], "axis", 1);
    c.graph->node[0].state = &forgotten;
    c.graph->node[0].params = four;
    wr_nn_graph *copy = wr_nn_graph_copy(c.graph);
    CHECK(copy != NULL && copy->parent == c.graph);
    CHECK_EQ(copy->opset, 13);
    CHECK(copy->value[c.a].data == four);
    CHECK(copy->value[c.b].name == c.graph->value[c.b].name);
    CHECK(copy->node[0].state == NULL && copy->node[0].params == NULL);

    copy->node[0].input[0] = c.a;
    copy->output[0] = c.a;
    copy->value[c.x].shape.rank = 2;
    for (int i = 0; i < 9; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        CHECK_EQ(wr_nn_attr_set_int(copy, &copy->node[0], name, i), 0);
        CHECK(value(copy, "") >= 0);
        CHECK(wr_nn_node_add(copy, &add, "", 2, 1) >= 0);
    }
    wr_nn_attr_set_int(copy, &copy->node[0], "axis", 2);
    CHECK_EQ(c.graph->node[0].input[0], c.x);
    CHECK_EQ(c.graph->output[0], c.b);
    CHECK_EQ(c.graph->value[c.x].shape.rank, 1);
    CHECK_EQ(c.graph->node[0].attrs, 1);
    CHECK_EQ(wr_nn_attr_int(&c.graph->node[0], "axis", 0), 1);
    CHECK_EQ(wr_nn_attr_int(&copy->node[0], "axis", 0), 2);

    forgotten = 0;
    wr_nn_graph_destroy(copy);
    CHECK_EQ(forgotten, 0);
    wr_nn_graph_destroy(c.graph);
    CHECK_EQ(forgotten, 1);
}

static void compacting_keeps_the_order(void) {
    chain c = make_chain();
    node(c.graph, "three", c.x, c.x, value(c.graph, "c"));
    node(c.graph, "four", c.x, c.x, value(c.graph, "d"));
    c.graph->node[0].op = NULL;
    c.graph->node[2].op = NULL;
    wr_nn_graph_compact(c.graph);
    CHECK_EQ(c.graph->nodes, 2);
    CHECK_STR(c.graph->node[0].name, "two");
    CHECK_STR(c.graph->node[1].name, "four");
    wr_nn_graph_destroy(c.graph);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_refusal_is_one_line_that_names_the_node",
         a_refusal_is_one_line_that_names_the_node},
        {"a_long_name_leaves_room_for_what_is_said",
         a_long_name_leaves_room_for_what_is_said},
        {"a_refusal_is_printable_text", a_refusal_is_printable_text},
        {"types_are_as_wide_as_they_are", types_are_as_wide_as_they_are},
        {"sizes_do_not_overflow", sizes_do_not_overflow},
        {"shapes_have_a_text", shapes_have_a_text},
        {"shapes_are_the_same_with_their_type",
         shapes_are_the_same_with_their_type},
        {"shapes_broadcast_as_numpys_do", shapes_broadcast_as_numpys_do},
        {"shapes_that_do_not_broadcast_are_named",
         shapes_that_do_not_broadcast_are_named},
        {"what_is_allocated_is_zeroed_and_aligned",
         what_is_allocated_is_zeroed_and_aligned},
        {"attributes_are_found_by_name_and_kind",
         attributes_are_found_by_name_and_kind},
        {"setting_an_attribute_replaces_it", setting_an_attribute_replaces_it},
        {"names_are_kept_apart", names_are_kept_apart},
        {"a_graph_in_order_stays_as_it_is", a_graph_in_order_stays_as_it_is},
        {"producers_come_before_consumers", producers_come_before_consumers},
        {"a_cycle_names_a_node_on_it", a_cycle_names_a_node_on_it},
        {"every_value_has_one_origin", every_value_has_one_origin},
        {"names_are_there_once", names_are_there_once},
        {"outputs_are_there", outputs_are_there},
        {"counts_are_as_the_operator_has_them",
         counts_are_as_the_operator_has_them},
        {"what_is_no_value_is_refused", what_is_no_value_is_refused},
        {"an_old_opset_is_refused", an_old_opset_is_refused},
        {"a_copy_is_a_graph_of_its_own", a_copy_is_a_graph_of_its_own},
        {"compacting_keeps_the_order", compacting_keeps_the_order},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// A graph's digest: what counts and what does not. Each case builds the same
// graph twice, with a difference.
#include "programs/nn/graph.h"
#include "support/check.h"

#include <math.h>

static const wr_nn_op sum = {.name = "Sum",
                             .inputs_min = 1,
                             .inputs_max = 4,
                             .outputs_min = 1,
                             .outputs_max = 2};
static const wr_nn_op product = {.name = "Product",
                                 .inputs_min = 1,
                                 .inputs_max = 4,
                                 .outputs_min = 1,
                                 .outputs_max = 2};

enum { BIG = 6000 }; // floats: more than the digest's own buffer

typedef struct built {
    wr_nn_graph *graph;
    int x, y, weights, left, right, out, dead;
    int of_left, of_right, of_out, of_dead; // nodes
    float *data;
} built;

static int value(wr_nn_graph *graph, const char *name, int64_t size,
                 const void *data) {
    wr_nn_shape shape = {.type = WR_NN_F32, .rank = 1, .dim = {size}};
    return wr_nn_value_add(graph, name, &shape, data);
}

static int node(wr_nn_graph *graph, const wr_nn_op *op, int a, int b, int out) {
    int index = wr_nn_node_add(graph, op, "", 2, 2);
    CHECK(index >= 0);
    graph->node[index].input[0] = a;
    graph->node[index].input[1] = b;
    graph->node[index].output[0] = out;
    return index;
}

// out = Sum(Sum(x, weights), Product(y, x)), and a dead Sum(y, y)
static built build(void) {
    built b = {.graph = wr_nn_graph_create(NULL)};
    wr_nn_graph *graph = b.graph;
    graph->opset = 13;
    b.data = wr_nn_allocate(graph, BIG * sizeof *b.data);
    for (int i = 0; i < BIG; i++)
        b.data[i] = (float)i;
    b.x = value(graph, "x", BIG, NULL);
    b.y = value(graph, "y", BIG, NULL);
    b.weights = value(graph, "weights", BIG, b.data);
    b.left = value(graph, "left", BIG, NULL);
    b.right = value(graph, "right", BIG, NULL);
    b.out = value(graph, "out", BIG, NULL);
    b.dead = value(graph, "dead", BIG, NULL);
    b.of_left = node(graph, &sum, b.x, b.weights, b.left);
    b.of_right = node(graph, &product, b.y, b.x, b.right);
    b.of_out = node(graph, &sum, b.left, b.right, b.out);
    b.of_dead = node(graph, &sum, b.y, b.y, b.dead);
    graph->input = wr_nn_allocate(graph, 2 * sizeof(int));
    graph->input[0] = b.x;
    graph->input[1] = b.y;
    graph->inputs = 2;
    graph->output = wr_nn_allocate(graph, 2 * sizeof(int));
    graph->output[0] = b.out;
    graph->output[1] = b.left;
    graph->outputs = 1;
    wr_nn_node *left = &graph->node[b.of_left];
    CHECK_EQ(wr_nn_attr_set_int(graph, left, "axis", 1), 0);
    CHECK_EQ(wr_nn_attr_set_float(graph, left, "alpha", 1), 0);
    return b;
}

typedef struct digest {
    uint8_t bytes[32];
} digest;

// Ends the graph.
static digest digest_of(built b) {
    wr_nn_why why = {""};
    if (wr_nn_graph_check(b.graph, &why) != 0)
        CHECK_FAIL("%s", why.text);
    CHECK_EQ(wr_nn_graph_digest(b.graph), 0);
    digest result;
    memcpy(result.bytes, b.graph->digest, sizeof result.bytes);
    wr_nn_graph_destroy(b.graph);
    return result;
}

static void same(built a) {
    digest one = digest_of(a), two = digest_of(build());
    CHECK(memcmp(&one, &two, sizeof one) == 0);
}

static void other(built a) {
    digest one = digest_of(a), two = digest_of(build());
    CHECK(memcmp(&one, &two, sizeof one) != 0);
}

// ---------------------------------------------------------------------------
// What does not count

static void the_same_graph_has_the_same_digest(void) {
    same(build());
    digest one = digest_of(build()), none = {{0}};
    CHECK(memcmp(&one, &none, sizeof one) != 0);
    built b = build(); // and a copy of it too
    wr_nn_graph *original = b.graph;
    b.graph = wr_nn_graph_copy(original);
    memset(b.graph->digest, 0, sizeof b.graph->digest);
    same(b);
    wr_nn_graph_destroy(original);
}

static void names_within_do_not_count(void) {
    built b = build();
    b.graph->value[b.left].name = "elsewhere";
    b.graph->value[b.weights].name = "w";
    b.graph->node[b.of_left].name = "first";
    b.graph->name = "net";
    same(b);
}

static void the_order_of_nodes_does_not_count(void) {
    built b = build();
    wr_nn_node first = b.graph->node[0];
    for (int i = 0; i < 3; i++)
        b.graph->node[i] = b.graph->node[i + 1];
    b.graph->node[3] = first;
    same(b);
}

static void the_order_of_values_does_not_count(void) {
    built b = build();
    wr_nn_graph *graph = b.graph;
    int moved = value(graph, "", BIG, b.data);
    graph->value[moved] = graph->value[b.weights];
    graph->value[b.weights] = (wr_nn_value){.name = "nobody's"};
    graph->node[b.of_left].input[1] = moved;
    same(b);
}

static void constants_that_nobody_reads_do_not_count(void) {
    built b = build();
    value(b.graph, "spare", 4, b.data);
    same(b);
}

static void the_order_of_attributes_does_not_count(void) {
    built b = build();
    wr_nn_node *left = &b.graph->node[b.of_left];
    left->attrs = 0;
    CHECK_EQ(wr_nn_attr_set_float(b.graph, left, "alpha", 1), 0);
    CHECK_EQ(wr_nn_attr_set_int(b.graph, left, "axis", 2), 0);
    CHECK_EQ(wr_nn_attr_set_int(b.graph, left, "axis", 1), 0);
    same(b);
}

static void shapes_within_do_not_count(void) {
    // They follow from the rest.
    built b = build();
    b.graph->value[b.left].shape = (wr_nn_shape){.rank = -1};
    same(b);
}

// ---------------------------------------------------------------------------
// What counts

static void weights_count(void) {
    built b = build();
    b.data[BIG - 1] += 1;
    other(b);
    b = build();
    b.graph->value[b.weights].shape.rank = 2;
    b.graph->value[b.weights].shape.dim[1] = 1; // the same bytes
    other(b);
    b = build();
    b.graph->value[b.weights].shape.type = WR_NN_I32;
    other(b);
    b = build();
    b.data[0] = -0.0F; // equal, but not the same
    other(b);
}

static void attributes_count(void) {
    built b = build();
    wr_nn_attr_set_int(b.graph, &b.graph->node[b.of_left], "axis", 2);
    other(b);
    b = build();
    wr_nn_attr_set_float(b.graph, &b.graph->node[b.of_left], "alpha", 2);
    other(b);
    b = build();
    wr_nn_attr_set_float(b.graph, &b.graph->node[b.of_left], "alpha", NAN);
    other(b);
    b = build();
    wr_nn_attr_set_ints(b.graph, &b.graph->node[b.of_left], "axis",
                        (const int64_t[]){1}, 1);
    other(b);
    b = build();
    wr_nn_attr_set_string(b.graph, &b.graph->node[b.of_out], "mode", "");
    other(b);
    b = build();
    b.graph->node[b.of_left].attrs--;
    other(b);
}

static void what_a_node_does_counts(void) {
    built b = build();
    b.graph->node[b.of_out].op = &product;
    other(b);
    b = build(); // edges swapped
    b.graph->node[b.of_out].input[0] = b.right;
    b.graph->node[b.of_out].input[1] = b.left;
    other(b);
    b = build();
    b.graph->node[b.of_right].input[1] = b.y;
    other(b);
    b = build(); // an absent input
    b.graph->node[b.of_out].input[1] = -1;
    other(b);
    b = build(); // another of its results is asked for
    int second = value(b.graph, "", BIG, NULL);
    b.graph->node[b.of_out].output[1] = second;
    other(b);
}

static void which_result_is_read_counts(void) {
    built one = build(), two = build();
    built *both[] = {&one, &two};
    for (int i = 0; i < 2; i++) {
        wr_nn_graph *graph = both[i]->graph;
        int second = value(graph, "", BIG, NULL);
        graph->node[both[i]->of_left].output[1] = second;
        graph->node[both[i]->of_out].input[0] = i ? second : both[i]->left;
    }
    digest a = digest_of(one), b = digest_of(two);
    CHECK(memcmp(&a, &b, sizeof a) != 0);
}

static void what_is_outside_counts(void) {
    built b = build();
    b.graph->value[b.x].name = "z";
    other(b);
    b = build();
    b.graph->value[b.x].shape.dim[0] = -1;
    other(b);
    b = build();
    b.graph->value[b.out].name = "result";
    other(b);
    b = build();
    b.graph->value[b.out].shape.rank = -1;
    other(b);
    b = build();
    b.graph->outputs = 2;
    other(b);
    b = build();
    b.graph->output[0] = b.left;
    other(b);
    b = build();
    b.graph->input[0] = b.y;
    b.graph->input[1] = b.x;
    other(b);
    b = build();
    b.graph->opset = 14;
    other(b);
}

static void dead_nodes_count(void) {
    built b = build(); // what is wrong in them may be refused
    b.graph->node[b.of_dead].op = &product;
    other(b);
    b = build();
    b.graph->node[b.of_dead].op = NULL;
    wr_nn_graph_compact(b.graph);
    other(b);
}

static void a_second_node_is_not_the_first(void) {
    // Sum(left, left) and Sum(left, its double) are the same numbers, but not
    // the same work.
    built one = build(), two = build();
    one.graph->node[one.of_out].input[1] = one.left;
    wr_nn_graph *graph = two.graph;
    int again = value(graph, "", BIG, NULL);
    int copy = node(graph, &sum, two.x, two.weights, again);
    graph->node[copy].attr = graph->node[two.of_left].attr;
    graph->node[copy].attrs = graph->node[two.of_left].attrs;
    graph->node[two.of_out].input[1] = again;
    digest a = digest_of(one), b = digest_of(two);
    CHECK(memcmp(&a, &b, sizeof a) != 0);
}

static void a_deep_graph_is_digested(void) {
    wr_nn_graph *graph = wr_nn_graph_create(NULL);
    enum { DEEP = 100000 };
    built b = {.graph = graph};
    for (int i = 0; i <= DEEP; i++)
        value(graph, "", 1, NULL);
    // Each reads the one before twice: 2^100000 ways through.
    for (int i = 0; i < DEEP; i++)
        node(graph, &sum, i, i, i + 1);
    graph->input = wr_nn_allocate(graph, sizeof(int));
    graph->output = wr_nn_allocate(graph, sizeof(int));
    graph->output[0] = DEEP;
    graph->inputs = graph->outputs = 1;
    digest one = digest_of(b), none = {{0}};
    CHECK(memcmp(&one, &none, sizeof one) != 0);
}

// x1 .. x300 -> Sum(x1, x2): more than the digest's buffer holds at once.
static built with_inputs(const char *first, const char *last) {
    enum { INPUTS = 300 };
    built b = {.graph = wr_nn_graph_create(NULL)};
    b.graph->input = wr_nn_allocate(b.graph, INPUTS * sizeof(int));
    b.graph->output = wr_nn_allocate(b.graph, sizeof(int));
    for (int i = 0; i < INPUTS; i++) {
        char name[24];
        snprintf(name, sizeof name, "x%d", i);
        b.graph->input[i] = value(b.graph,
                                  i == 0            ? first
                                  : i == INPUTS - 1 ? last
                                                    : name,
                                  BIG, NULL);
    }
    b.graph->inputs = INPUTS;
    b.graph->output[0] = value(b.graph, "out", BIG, NULL);
    b.graph->outputs = 1;
    node(b.graph, &sum, 0, 1, b.graph->output[0]);
    return b;
}

static void much_counts_to_its_end(void) {
    digest plain = digest_of(with_inputs("a", "z"));
    digest again = digest_of(with_inputs("a", "z"));
    digest first = digest_of(with_inputs("b", "z"));
    digest last = digest_of(with_inputs("a", "y"));
    CHECK(memcmp(&plain, &again, sizeof plain) == 0);
    CHECK(memcmp(&plain, &first, sizeof plain) != 0);
    CHECK(memcmp(&plain, &last, sizeof plain) != 0);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"the_same_graph_has_the_same_digest",
         the_same_graph_has_the_same_digest},
        {"names_within_do_not_count", names_within_do_not_count},
        {"the_order_of_nodes_does_not_count",
         the_order_of_nodes_does_not_count},
        {"the_order_of_values_does_not_count",
         the_order_of_values_does_not_count},
        {"constants_that_nobody_reads_do_not_count",
         constants_that_nobody_reads_do_not_count},
        {"the_order_of_attributes_does_not_count",
         the_order_of_attributes_does_not_count},
        {"shapes_within_do_not_count", shapes_within_do_not_count},
        {"weights_count", weights_count},
        {"attributes_count", attributes_count},
        {"what_a_node_does_counts", what_a_node_does_counts},
        {"which_result_is_read_counts", which_result_is_read_counts},
        {"what_is_outside_counts", what_is_outside_counts},
        {"dead_nodes_count", dead_nodes_count},
        {"a_second_node_is_not_the_first", a_second_node_is_not_the_first},
        {"a_deep_graph_is_digested", a_deep_graph_is_digested},
        {"much_counts_to_its_end", much_counts_to_its_end},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

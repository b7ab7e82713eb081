// SPDX-License-Identifier: MIT
// Building graphs: from names and from bytes, keys, failures, leaving.
#include "support/serve_context.h"

static void a_graph_may_come_from_bytes(bed *b) {
    wr_context *c = context_open(b);
    uint64_t in = tensor_new(c), out = tensor_new(c);
    building g;
    reading r;
    build_from(c, affine(3, 2, -1), NULL, &g);
    write_row(c, in, 1);
    dispatch(c, g.id, in, out); // nothing of it is known yet
    read_start(c, out, &r);
    check_row(b, &r, 1, 3, 2);
    check_built(b, &g);
    CHECK_EQ(bed_counts(b).models, 0); // it has no name
    wr_context_destroy(c);
    weir_cache_clear(wr_service_cache(b->service));
    bed_until(b, bed_counts(b).models_bytes == 0);
}

static void graphs_come_from_bytes_on_any_pool(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, a_graph_may_come_from_bytes, BED_SEEDS);
}

static void a_build_needs_no_listener(void) {
    bed b;
    bed_open(&b, 2);
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c), id = 0;
    onnx_bytes file = affine(3, 2, -1);
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_graph_build_take(c, file.data, file.size, &row_input, 1, NULL,
                                 NULL, &id, &why),
             0);
    reading r;
    dispatch(c, id, in, out);
    read_start(c, out, &r);
    bed_until(&b, r.ended);
    CHECK_EQ(r.status, 0);
    for (int i = 0; i < WIDTH; i++)
        CHECK(r.row[i] == 2);
    wr_read_end(&r.read);
    bed_close(&b);
}

static void all_contexts_share_one_compile(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c[8];
    building g[8];
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < 8; i++) {
        c[i] = context_open(&b);
        // The same content, by name and by bytes.
        if (i % 2 == 0)
            build_start(c[i], "m", &g[i]);
        else
            build_from(c[i], affine(2, 1, -1), NULL, &g[i]);
    }
    hand_set(&the_hand.hold, 0);
    for (int i = 0; i < 8; i++)
        check_built(&b, &g[i]);
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    bed_close(&b);
}

static void a_build_waits_for_a_model_that_is_being_loaded(void) {
    bed b;
    bed_open(&b, 1);
    wr_context *c = context_open(&b);
    loading l;
    building g;
    load_start(&b, &l, "m", affine(2, 1, -1), 0);
    build_start(c, "m", &g);
    check_built(&b, &g);
    CHECK_EQ(l.status, 0);
    onnx_bytes bad = affine(2, 1, -1);
    bad.size -= 10;
    load_start(&b, &l, "bad", bad, 0);
    build_start(c, "bad", &g);
    check_build_fails(&b, &g, -ENOENT, "no model 'bad'");
    bed_close(&b);
}

// ---- keys ------------------------------------------------------------------

static void a7_a_key_means_one_content(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    load_now(&b, "same", affine(2, 1, -1));
    load_now(&b, "other", affine(3, 1, -1));
    wr_context *c = context_open(&b);
    building g, again, wrong;
    wr_nn_why why;
    hand_set(&the_hand.hold, 1);
    CHECK_EQ(build_try(c, "m", "k", &g, &why), 0);
    CHECK_EQ(build_try(c, "same", "k", &again, &why), 0); // while it compiles
    CHECK_EQ(again.id, g.id);
    CHECK_EQ(build_try(c, "other", "k", &wrong, &why), -EEXIST);
    CHECK(strstr(why.text, "'k' has other content") != NULL);
    hand_set(&the_hand.hold, 0);
    check_built(&b, &g);
    check_built(&b, &again);
    CHECK_EQ(build_try(c, "m", "k", &again, &why), 0); // when it is there
    CHECK_EQ(again.id, g.id);
    check_built(&b, &again);
    CHECK_EQ(bed_counts(&b).graphs, 1);
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    // Other shapes are other content.
    wr_infer_tensor two = row_input;
    two.shape.dim[0] = 2;
    uint64_t id = 0;
    CHECK_EQ(wr_graph_build(c, "m", &two, 1, "k", NULL, &id, &why), -EEXIST);
    // Another context's key is another key.
    wr_context *d = context_open(&b);
    CHECK_EQ(build_try(d, "other", "k", &wrong, &why), 0);
    check_built(&b, &wrong);
    // A key is free when its graph is destroyed.
    CHECK_EQ(wr_graph_destroy(c, g.id, &why), 0);
    CHECK_EQ(build_try(c, "other", "k", &g, &why), 0);
    CHECK(g.id != again.id);
    check_built(&b, &g);
    CHECK_EQ(build_try(c, "m", "", &g, &why), -EINVAL);
    bed_close(&b);
}

// Of bytes it is known when they have been read, whichever are read first.
static void keys_of_bytes(bed *b) {
    wr_context *c = context_open(b);
    building g[4];
    build_from(c, affine(2, 1, -1), "k", &g[0]);
    build_from(c, affine(3, 1, -1), "k", &g[1]);
    build_from(c, affine(2, 1, -1), "k", &g[2]);
    load_now(b, "m", affine(4, 1, -1));
    wr_nn_why why;
    int error = build_try(c, "m", "k", &g[3], &why);
    CHECK(error == 0 || error == -EEXIST); // it may be known by now
    for (int i = 1; i < (error == 0 ? 4 : 3); i++)
        CHECK_EQ(g[i].id, g[0].id);
    check_built(b, &g[0]);
    check_build_fails(b, &g[1], -EEXIST, "has other content");
    check_built(b, &g[2]);
    if (error == 0)
        check_build_fails(b, &g[3], -EEXIST, "has other content");
    uint64_t in = tensor_new(c), out = tensor_new(c);
    reading r;
    write_row(c, in, 1);
    dispatch(c, g[0].id, in, out);
    read_start(c, out, &r);
    check_row(b, &r, 1, 2, 1);
}

// The first are read last.
static void keys_of_bytes_read_late(bed *b) {
    wr_context *c = context_open(b);
    building g[4];
    wr_nn_why why;
    load_now(b, "m", affine(2, 1, -1));
    tally_init(&the_hand.reads);
    hand_set(&the_hand.hold_read, 1);
    build_from(c, affine(2, 1, -1), "k", &g[0]);
    bed_until(b, tally_get(&the_hand.read_held) == 1);
    build_from(c, affine(3, 1, -1), "k", &g[1]);
    CHECK_EQ(build_try(c, "m", "k", &g[2], &why), 0);
    build_from(c, affine(2, 1, -1), "k", &g[3]);
    if (b->threads != 1 && weir_pool_width(b->pool) > 1)
        bed_until(b, tally_get(&the_hand.reads) == 1);
    for (int i = 0; i < 3; i++)
        bed_turn(b);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(g[i].ended, 0);
    hand_set(&the_hand.hold_read, 0);
    check_built(b, &g[0]);
    check_build_fails(b, &g[1], -EEXIST, "has other content");
    check_built(b, &g[2]);
    check_built(b, &g[3]);
    for (int i = 1; i < 4; i++)
        CHECK_EQ(g[i].id, g[0].id);
}

static void a7_the_first_bytes_of_a_key_count(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, keys_of_bytes, BED_SEEDS);
    for_each_bed(&options, keys_of_bytes_read_late, BED_SEEDS);
}

static void a_failed_graphs_key_may_be_used_again(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c = context_open(&b);
    building g[3];
    wr_nn_why why;
    hand_set(&the_hand.failing, 1);
    hand_set(&the_hand.hold, 1);
    CHECK_EQ(build_try(c, "m", "k", &g[0], &why), 0);
    CHECK_EQ(build_try(c, "m", "k", &g[1], &why), 0);
    hand_set(&the_hand.hold, 0);
    check_build_fails(&b, &g[0], -EINVAL, "the test says no");
    check_build_fails(&b, &g[1], -EINVAL, "the test says no");
    CHECK_EQ(build_try(c, "m", "k", &g[2], &why), 0);
    CHECK(g[2].id != g[0].id);
    check_built(&b, &g[2]);
    bed_close(&b);
}

// ---- failing and leaving ---------------------------------------------------

static void bytes_that_are_no_model_fail_the_build(void) {
    bed b;
    bed_open(&b, 1);
    wr_context *c = context_open(&b);
    building g;
    onnx_bytes bad = affine(2, 1, -1);
    bad.size /= 2;
    build_from(c, bad, NULL, &g);
    bed_until(&b, g.ended);
    CHECK_EQ(g.status, -EINVAL);
    CHECK(strchr(g.build.why.text, '\n') == NULL);
    bed_close(&b);
}

static void inputs_that_do_not_fit_are_refused(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 1, 2));
    wr_context *c = context_open(&b);
    building g;
    wr_nn_why why;
    CHECK_EQ(build_try(c, "m", NULL, &g, &why), -EINVAL);
    CHECK(strstr(why.text, "[2,4]") != NULL);
    CHECK_EQ(build_try(c, "nobody", NULL, &g, &why), -ENOENT);
    CHECK_EQ(bed_counts(&b).graphs, 0);
    CHECK_EQ(bed_counts(&b).operations, 0);
    build_from(c, affine(2, 1, 2), NULL, &g); // here it is known later
    check_build_fails(&b, &g, -EINVAL, "[2,4]");
    bed_close(&b);
}

static void who_leaves_a_build_leaves_the_graph(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c);
    building g[2];
    reading r;
    write_row(c, in, 1);
    for (int i = 0; i < 2; i++) {
        hand_set(&the_hand.hold, 1);
        if (i == 0)
            build_start(c, "m", &g[i]);
        else
            build_from(c, affine(5, 1, -1), NULL, &g[i]);
        wr_build_cancel(&g[i].build);
        CHECK_EQ(g[i].ended, 0);
        check_build_fails(&b, &g[i], -ECANCELED, "the client left");
        hand_set(&the_hand.hold, 0);
        dispatch(c, g[i].id, in, out);
        read_start(c, out, &r);
        check_row(&b, &r, 1, i == 0 ? 2 : 5, 1);
    }
    CHECK_EQ(tally_get(&the_hand.told), 0);
    bed_close(&b);
}

static void a_graph_destroyed_while_it_is_made_answers_first(void) {
    bed b;
    bed_open(&b, 2);
    wr_context *c = context_open(&b);
    building g;
    wr_nn_why why;
    build_from(c, affine(2, 1, -1), NULL, &g);
    CHECK_EQ(wr_graph_destroy(c, g.id, &why), 0);
    check_built(&b, &g); // it comes before
    bed_until(&b, bed_counts(&b).operations == 0);
    CHECK_EQ(bed_counts(&b).graphs, 0);
    bed_close(&b);
}

// Integers are a part of the graph: they decide shapes.
static void integer_inputs_are_compiled_in(void) {
    bed b;
    bed_open(&b, 2);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(1, WIDTH));
    onnx_input(&m, "s", ONNX_INT64, ONNX_DIMS(2));
    onnx_node(&m, "Reshape", "r", "x s", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, -1));
    load_now(&b, "m", onnx_end(&m));
    wr_context *c = context_open(&b);
    int64_t to[2] = {2, 2}, four[2] = {4, 1};
    wr_infer_tensor inputs[2] = {row_input, row_input};
    inputs[1].name = "s";
    inputs[1].shape = (wr_nn_shape){.type = WR_NN_I64, .rank = 1, .dim = {2}};
    inputs[1].data = to;
    building g = building_new(), h = building_new();
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_graph_build(c, "m", inputs, 2, NULL, &g.build, &g.id, &why), 0);
    inputs[1].data = four;
    CHECK_EQ(wr_graph_build(c, "m", inputs, 2, NULL, &h.build, &h.id, &why), 0);
    to[0] = four[0] = -9; // they were copied
    check_built(&b, &g);
    check_built(&b, &h);
    CHECK_EQ(tally_get(&the_hand.compiles), 2);
    wr_nn_shape square = {.type = WR_NN_F32, .rank = 2, .dim = {2, 2}};
    uint64_t in = tensor_new(c), out = 0;
    CHECK_EQ(wr_tensor_create(c, &square, &out, &why), 0);
    reading r;
    write_row(c, in, 1);
    dispatch(c, g.id, in, out); // only x is bound
    CHECK_EQ(dispatch_try(c, h.id, in, out, &why), -EINVAL);
    read_start(c, out, &r);
    check_row(&b, &r, 1, 1, 0);
    wr_bind both[2] = {{"x", in}, {"s", in}}, y = {"y", out};
    CHECK_EQ(wr_context_dispatch(c, g.id, both, 2, &y, 1, &why), -EINVAL);
    CHECK(strstr(why.text, "a part of the graph") != NULL);
    bed_close(&b);
}

static const test_case cases[] = {
    CASE(graphs_come_from_bytes_on_any_pool),
    CASE(a_build_needs_no_listener),
    CASE(all_contexts_share_one_compile),
    CASE(a_build_waits_for_a_model_that_is_being_loaded),
    CASE(a7_a_key_means_one_content),
    CASE(a7_the_first_bytes_of_a_key_count),
    CASE(a_failed_graphs_key_may_be_used_again),
    CASE(bytes_that_are_no_model_fail_the_build),
    CASE(inputs_that_do_not_fit_are_refused),
    CASE(who_leaves_a_build_leaves_the_graph),
    CASE(a_graph_destroyed_while_it_is_made_answers_first),
    CASE(integer_inputs_are_compiled_in),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

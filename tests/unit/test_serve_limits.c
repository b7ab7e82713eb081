// SPDX-License-Identifier: MIT
// Each limit is reached once: what is over it gets its line, what was there
// goes on, and room that is given back can be used again.
#include "support/serve_context.h"

static void load_fails(bed *b, const char *name, onnx_bytes file, int status,
                       const char *text) {
    loading l;
    load_start(b, &l, name, file, 0);
    bed_until(b, l.ended);
    CHECK_EQ(l.status, status);
    if (strstr(l.load.why.text, text) == NULL)
        CHECK_FAIL("the line lacks \"%s\": %s", text, l.load.why.text);
}

static void a_models_file_has_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    onnx_bytes file = affine(2, 1, -1);
    options.model_bytes = file.size - 1;
    bed_open_with(&b, 1, &options);
    loading l = {.load.done = loading_done};
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_service_load_take(b.service, &l.load, "m", file.data, file.size,
                                  0, &why),
             -E2BIG);
    CHECK(strstr(why.text, "more than") != NULL);
    free(file.data); // still ours
    CHECK_EQ(bed_counts(&b).models, 0);
    bed_close(&b);
}

static void names_have_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.models = 2;
    bed_open_with(&b, 1, &options);
    load_now(&b, "a", affine(2, 1, -1));
    load_now(&b, "b", affine(2, 1, -1));
    loading l = {.load.done = loading_done};
    wr_nn_why why = {{0}};
    onnx_bytes file = affine(2, 1, -1);
    CHECK_EQ(wr_service_load_take(b.service, &l.load, "c", file.data, file.size,
                                  0, &why),
             -EAGAIN);
    CHECK_EQ(wr_service_unload(b.service, "a", &why), 0);
    load_now(&b, "c", file);
    load_now(&b, "b", affine(2, 1, -1)); // one that is there is no new name
    bed_close(&b);
}

static void all_models_together_have_a_limit(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "a", affine(2, 1, -1));
    size_t one = bed_counts(&b).models_bytes;
    bed_close(&b);
    wr_service_options options = bed_options();
    options.models_bytes = one + one / 2;
    bed_open_with(&b, 1, &options);
    load_now(&b, "a", affine(2, 1, -1));
    load_fails(&b, "b", affine(3, 1, -1), -EAGAIN, "left of");
    load_now(&b, "b", affine(2, 1, -1)); // the same content takes no more
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_service_unload(b.service, "a", &why), 0);
    CHECK_EQ(wr_service_unload(b.service, "b", &why), 0);
    load_now(&b, "b", affine(3, 1, -1));
    bed_close(&b);
    options.models_bytes = one / 2;
    bed_open_with(&b, 1, &options);
    load_fails(&b, "a", affine(2, 1, -1), -E2BIG, "there are");
    CHECK_EQ(bed_counts(&b).models_bytes, 0);
    bed_close(&b);
}

static void plans_that_are_kept_have_a_limit(void) {
    bed b;
    request r;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 1, -1));
    request_start(&b, &r, "m", 8, 1);
    check_result(&b, &r, 2, 1);
    size_t one = cache_counts_of(&b).bytes;
    CHECK(one > 0);
    bed_close(&b);
    wr_service_options options = bed_options();
    options.cache_bytes = 2 * one;
    bed_open_with(&b, 1, &options);
    load_now(&b, "m", affine(2, 1, -1));
    for (int rows = 1; rows <= 8; rows++) {
        request_start(&b, &r, "m", rows, 1);
        check_result(&b, &r, 2, 1);
        CHECK(cache_counts_of(&b).bytes <= 2 * one);
    }
    CHECK(cache_counts_of(&b).removed[WEIR_REMOVED_SIZE] > 0);
    request_start(&b, &r, "m", 1, 1); // made again
    check_result(&b, &r, 2, 1);
    CHECK_EQ(tally_get(&the_hand.compiles), 9);
    bed_close(&b);
}

static void one_tensor_has_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.tensor_bytes = 4 * WIDTH * sizeof(float);
    bed_open_with(&b, 1, &options);
    load_now(&b, "m", affine(2, 1, -1));
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    onnx_node(&m, "Concat", "four", "x x x x", "y");
    onnx_attr_int(&m, "axis", 0);
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    load_now(&b, "four", onnx_end(&m));
    wr_nn_why why;
    request r;
    request_start(&b, &r, "m", 4, 1);
    check_result(&b, &r, 2, 1);
    request_init(&r, "m", 5, 1); // the input
    CHECK_EQ(request_try(&b, &r, &why), -E2BIG);
    request_start(&b, &r, "four", 2, 1); // the result
    check_ends(&b, &r, -E2BIG, "output 'y'");
    wr_context *c = context_open(&b);
    wr_nn_shape shape = row_shape;
    uint64_t id = 0;
    shape.dim[0] = 5;
    CHECK_EQ(wr_tensor_create(c, &shape, &id, &why), -E2BIG);
    shape.dim[0] = INT64_MAX / 2;
    shape.dim[1] = INT64_MAX / 2;
    CHECK_EQ(wr_tensor_create(c, &shape, &id, &why), -E2BIG);
    shape.dim[0] = 4;
    shape.dim[1] = WIDTH;
    CHECK_EQ(wr_tensor_create(c, &shape, &id, &why), 0);
    bed_close(&b);
}

static void one_runs_memory_has_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.arena_bytes = 4096;
    bed_open_with(&b, 1, &options);
    static float weights[WIDTH * 64];
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    onnx_initializer(&m, "up", ONNX_FLOAT, ONNX_DIMS(WIDTH, 64), weights);
    onnx_initializer(&m, "down", ONNX_FLOAT, ONNX_DIMS(64, WIDTH), weights);
    onnx_node(&m, "MatMul", "one", "x up", "z");
    onnx_node(&m, "Softmax", "two", "z", "w");
    onnx_attr_int(&m, "axis", 1);
    onnx_node(&m, "MatMul", "three", "w down", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    load_now(&b, "m", onnx_end(&m));
    request r;
    request_start(&b, &r, "m", 1, 1);
    bed_until(&b, r.ended);
    CHECK_EQ(r.status, 0);
    request_end(&b, &r);
    float many[64 * WIDTH] = {0};
    request_init(&r, "m", 1, 1);
    r.input.shape.dim[0] = 64;
    r.input.data = many;
    request_send(&b, &r);
    bed_until(&b, r.ended);
    CHECK_EQ(r.status, -E2BIG);
    CHECK_EQ(bed_counts(&b).arenas_bytes > 0, 1);
    request_end(&b, &r);
    bed_close(&b);
}

static void integer_inputs_have_a_limit(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 1, -1));
    static int64_t values[8193];
    request r;
    wr_nn_why why;
    request_init(&r, "m", 1, 1);
    r.input.shape = (wr_nn_shape){.type = WR_NN_I64, .rank = 1, .dim = {8193}};
    r.input.data = values;
    CHECK_EQ(request_try(&b, &r, &why), -E2BIG);
    r.input.shape.dim[0] = 8192;
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL); // but of another type
    bed_close(&b);
}

// What a graph of the small model is charged.
static size_t graph_weight(void) {
    bed b;
    wr_service_options options = bed_options();
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    graph_now(&b, context_open(&b), "m");
    weir_cache_counts counts = {.size = sizeof counts};
    CHECK_EQ(weir_cache_count(wr_service_cache(b.service), &counts), 0);
    bed_close(&b);
    CHECK(counts.bytes > 0);
    return counts.bytes;
}

static void graphs_are_paid_for_by_their_context(void) {
    bed b;
    wr_service_options options = bed_options();
    options.context_bytes = graph_weight();
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c = context_open(&b);
    uint64_t first = graph_now(&b, c, "m");
    building second;
    build_start(c, "m", &second);
    check_build_fails(&b, &second, -EAGAIN, "over the limit");
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_graph_destroy(c, first, &why), 0);
    bed_until(&b, bed_counts(&b).operations == 0);
    graph_now(&b, c, "m");
    graph_now(&b, context_open(&b), "m"); // has its own
    bed_close(&b);
}

static void one_context_has_limits(void) {
    bed b;
    wr_service_options options = bed_options();
    size_t row = WIDTH * sizeof(float);
    options.context_bytes = graph_weight() + 4 * row;
    options.tensors = 5;
    bed_open_with(&b, 2, &options);
    wr_context *c = context_open(&b), *other = context_open(&b);
    wr_nn_why why = {{0}};
    wr_nn_shape shape = row_shape;
    uint64_t id = 0, t[5];
    load_now(&b, "m", affine(2, 1, -1));
    uint64_t g = graph_now(&b, c, "m");
    shape.dim[0] = (int64_t)(options.context_bytes / row) + 1;
    CHECK_EQ(wr_tensor_create(c, &shape, &id, &why), -E2BIG);
    for (int i = 0; i < 4; i++)
        t[i] = tensor_new(c);
    CHECK_EQ(wr_tensor_create(c, &row_shape, &id, &why), -EAGAIN);
    tensor_new(other); // has its own
    // A write that takes effect at once needs no room.
    write_row(c, t[0], 1);
    CHECK_EQ(wr_tensor_destroy(c, t[3], &why), 0);
    // One that waits does.
    the_hand.hold_runs = true;
    dispatch(c, g, t[0], t[1]);
    write_row(c, t[0], 5);
    float more[WIDTH] = {0};
    CHECK_EQ(wr_tensor_write(c, t[0], more, row, &why), -EAGAIN);
    CHECK_EQ(bed_counts(&b).tensor_bytes, 5 * row);
    hand_let_go();
    bed_until(&b, bed_counts(&b).operations == 0);
    CHECK_EQ(wr_tensor_write(c, t[0], more, row, &why), 0);
    bed_close(&b);
    // Their number, whatever their size.
    options.context_bytes = 100 * row;
    bed_open_with(&b, 1, &options);
    c = context_open(&b);
    for (int i = 0; i < 5; i++)
        t[i] = tensor_new(c);
    CHECK_EQ(wr_tensor_create(c, &row_shape, &id, &why), -EAGAIN);
    CHECK_EQ(wr_tensor_destroy(c, t[4], &why), 0);
    tensor_new(c);
    bed_close(&b);
}

static void contexts_have_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.contexts = 2;
    bed_open_with(&b, 1, &options);
    wr_context *c = context_open(&b), *d = NULL;
    context_open(&b);
    uint64_t id = 0;
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_context_create(b.service, &d, &id, &why), -EAGAIN);
    CHECK(d == NULL);
    wr_context_destroy(c);
    context_open(&b);
    bed_close(&b);
}

static void graphs_have_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.graphs = 2;
    bed_open_with(&b, 1, &options);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    graph_now(&b, c, "m");
    building h;
    wr_nn_why why;
    CHECK_EQ(build_try(c, "m", NULL, &h, &why), -EAGAIN);
    onnx_bytes file = affine(2, 1, -1);
    CHECK_EQ(wr_graph_build_take(c, file.data, file.size, &row_input, 1, NULL,
                                 &h.build, &h.id, &why),
             -EAGAIN);
    free(file.data); // still ours
    CHECK_EQ(wr_graph_destroy(c, g, &why), 0);
    graph_now(&b, c, "m");
    bed_close(&b);
}

static void operations_have_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.operations = 3;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c);
    uint64_t g = graph_now(&b, c, "m");
    reading r[3];
    wr_nn_why why;
    the_hand.hold_runs = true;
    dispatch(c, g, in, out);
    read_start(c, out, &r[0]);
    read_start(c, out, &r[1]);
    CHECK_EQ(bed_counts(&b).operations, 3);
    r[2] = (reading){.read = {.done = reading_done}};
    CHECK_EQ(wr_tensor_read(c, out, &r[2].read, &why), -EAGAIN);
    CHECK_EQ(dispatch_try(c, g, in, out, &why), -EAGAIN);
    float row[WIDTH] = {0};
    CHECK_EQ(wr_tensor_write(c, in, row, sizeof(row), &why), -EAGAIN);
    CHECK_EQ(wr_tensor_destroy(c, in, &why), -EAGAIN);
    building h;
    CHECK_EQ(build_try(c, "m", NULL, &h, &why), -EAGAIN);
    hand_let_go();
    bed_until(&b, r[0].ended && r[1].ended);
    read_start(c, out, &r[2]);
    bed_until(&b, r[2].ended);
    for (int i = 0; i < 3; i++)
        wr_read_end(&r[i].read);
    bed_close(&b);
}

static void requests_have_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.requests = 3;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    request r[3], more;
    wr_nn_why why;
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < 3; i++)
        request_start(&b, &r[i], "m", 1, (float)i);
    request_init(&more, "m", 1, 1);
    CHECK_EQ(request_try(&b, &more, &why), -EAGAIN);
    CHECK(strstr(why.text, "3 requests") != NULL);
    hand_set(&the_hand.hold, 0);
    for (int i = 0; i < 3; i++)
        check_result(&b, &r[i], 2, 1);
    request_start(&b, &more, "m", 1, 1);
    check_result(&b, &more, 2, 1);
    wr_service_counts counts = bed_counts(&b);
    CHECK_EQ(counts.refused, 1);
    CHECK_EQ(counts.requests, 4);
    bed_close(&b);
}

static void runs_at_once_have_a_limit(void) {
    bed b;
    wr_service_options options = bed_options();
    options.running = 3;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out[4];
    request r[4];
    request_start(&b, &r[0], "m", 1, 1);
    check_result(&b, &r[0], 2, 1);
    the_hand.hold_runs = true;
    for (int i = 0; i < 4; i++) { // of both doors together
        request_start(&b, &r[i], "m", 1, (float)i);
        out[i] = tensor_new(c);
        dispatch(c, g, in, out[i]);
    }
    CHECK_EQ(the_hand.count, 3);
    CHECK_EQ(bed_counts(&b).running, 3);
    for (int left = 8; left > 0; left--) {
        CHECK_EQ(the_hand.count, left < 3 ? left : 3);
        hand_let_one(0);
        bed_until(&b, the_hand.count == (left - 1 < 3 ? left - 1 : 3) &&
                          bed_counts(&b).running ==
                              (uint64_t)(left - 1 < 3 ? left - 1 : 3));
    }
    for (int i = 0; i < 4; i++)
        check_result(&b, &r[i], 2, 1);
    bed_close(&b);
}

static void options_are_checked(void) {
    weir_pool *pool = pool_of(1);
    weir_loop *loop = loop_open();
    wr_service_options good = WR_SERVICE_OPTIONS_INIT;
    wr_service *service = NULL;
    CHECK_EQ(wr_service_create(&service, &good), -EINVAL); // no loop
    good.loop = loop;
    good.pool = pool;
    wr_service_options bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].running = 0;
    bad[1].requests = 0;
    bad[2].batch = 0;
    bad[3].batch = 65;
    bad[4].request_ns = -1;
    bad[5].operations = 0;
    for (int i = 0; i < 6; i++)
        CHECK_EQ(wr_service_create(&service, &bad[i]), -EINVAL);
    CHECK_EQ(wr_service_create(&service, NULL), -EINVAL);
    CHECK_EQ(wr_service_create(&service, &good), 0);
    wr_service_destroy(service); // never used
    wr_service_destroy(NULL);
    loop_close(loop);
    pool_close(pool);
}

static const test_case cases[] = {
    CASE(a_models_file_has_a_limit),
    CASE(names_have_a_limit),
    CASE(all_models_together_have_a_limit),
    CASE(plans_that_are_kept_have_a_limit),
    CASE(one_tensor_has_a_limit),
    CASE(one_runs_memory_has_a_limit),
    CASE(integer_inputs_have_a_limit),
    CASE(graphs_are_paid_for_by_their_context),
    CASE(one_context_has_limits),
    CASE(contexts_have_a_limit),
    CASE(graphs_have_a_limit),
    CASE(operations_have_a_limit),
    CASE(requests_have_a_limit),
    CASE(runs_at_once_have_a_limit),
    CASE(options_are_checked),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

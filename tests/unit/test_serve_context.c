// SPDX-License-Identifier: MIT
// Contexts: the order of effects. H5, H7, H11, H13, A6.
#include "support/serve_context.h"

static void a_tensor_begins_as_zeros(void) {
    bed b;
    bed_open(&b, 1);
    wr_context *c = context_open(&b);
    check_zeros(&b, c, tensor_new(c));
    bed_close(&b);
}

static void a_read_sees_the_write_before_it(void) {
    bed b;
    bed_open(&b, 1);
    wr_context *c = context_open(&b);
    uint64_t t = tensor_new(c);
    reading r[2];
    write_row(c, t, 5);
    read_start(c, t, &r[0]);
    write_row(c, t, 7);
    read_start(c, t, &r[1]);
    check_row(&b, &r[0], 5, 1, 0);
    check_row(&b, &r[1], 7, 1, 0);
    wr_service_counts counts = bed_counts(&b);
    CHECK_EQ(counts.writes, 2);
    CHECK_EQ(counts.reads, 2);
    bed_close(&b);
}

static void bytes_may_be_handed_over(void) {
    bed b;
    bed_open(&b, 1);
    wr_context *c = context_open(&b);
    uint64_t t = tensor_new(c);
    float *row = malloc(sizeof(float) * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        row[i] = 3 + (float)i;
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_tensor_write_take(c, t, row, 3, &why), -EINVAL); // still ours
    CHECK_EQ(wr_tensor_write_take(c, t, row, sizeof(float) * WIDTH, &why), 0);
    reading r;
    read_start(c, t, &r);
    check_row(&b, &r, 3, 1, 0);
    bed_close(&b);
}

static void a_dispatch_runs_and_a_read_is_its_fence(bed *b) {
    load_now(b, "m", affine(2, 1, -1));
    wr_context *c = context_open(b);
    uint64_t in = tensor_new(c), out = tensor_new(c);
    building g;
    reading r;
    build_start(c, "m", &g);
    write_row(c, in, 4);
    dispatch(c, g.id, in, out); // before the build has ended
    read_start(c, out, &r);
    check_row(b, &r, 4, 2, 1);
    check_built(b, &g);
    CHECK(g.order < r.order);
    CHECK(g.build.compile_ns > 0);
    wr_context_destroy(c);
}

static void dispatches_work_on_any_pool(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, a_dispatch_runs_and_a_read_is_its_fence, BED_SEEDS);
}

// ---- hazards ---------------------------------------------------------------

static void h5_a_build_that_ends_first_lets_no_read_past_its_dispatch(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    load_now(&b, "n", affine(3, 3, -1));
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c);
    uint64_t g0 = graph_now(&b, c, "m");
    building g1;
    reading r;
    write_row(c, in, 4);
    write_row(c, out, 100); // what a read past the dispatch would see
    the_hand.hold_runs = true;
    dispatch(c, g0, in, out);
    read_start(c, out, &r);
    build_start(c, "n", &g1);
    check_built(&b, &g1); // while g0 runs
    CHECK_EQ(the_hand.count, 1);
    CHECK_EQ(r.ended, 0);
    hand_let_go();
    check_row(&b, &r, 4, 2, 1);
    bed_close(&b);
}

// The other way round: build g1, dispatch g1, build g2, and g2 is ready first.
static void h5_a_dispatch_waits_for_its_own_build(void) {
    bed b;
    bed_open(&b, 3);
    load_now(&b, "m", affine(2, 1, -1));
    load_now(&b, "n", affine(3, 3, -1));
    wr_context *c = context_open(&b), *other = context_open(&b);
    graph_now(&b, other, "n"); // so that g2 is a hit
    uint64_t in = tensor_new(c), out = tensor_new(c);
    building g1, g2;
    reading r;
    hand_set(&the_hand.hold, 1);
    build_start(c, "m", &g1);
    write_row(c, in, 4);
    dispatch(c, g1.id, in, out);
    build_start(c, "n", &g2);
    read_start(c, out, &r);
    check_built(&b, &g2);
    CHECK_EQ(g1.ended, 0);
    CHECK_EQ(r.ended, 0);
    hand_set(&the_hand.hold, 0);
    check_row(&b, &r, 4, 2, 1);
    check_built(&b, &g1);
    bed_close(&b);
}

// What a dispatch reads is what is there at its place, not when it was asked.
static void h7_tensors_are_resolved_at_their_place(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c), out2 = tensor_new(c);
    building g;
    reading r, r2, now;
    hand_set(&the_hand.hold, 1);
    build_start(c, "m", &g);
    write_row(c, in, 1);
    dispatch(c, g.id, in, out);
    write_row(c, in, 10); // waits for the dispatch that reads the old one
    dispatch(c, g.id, in, out2);
    write_row(c, in, 20);
    read_start(c, out, &r);
    read_start(c, out2, &r2);
    read_start(c, in, &now);
    hand_set(&the_hand.hold, 0);
    check_row(&b, &r, 1, 2, 1);
    check_row(&b, &r2, 10, 2, 1);
    check_row(&b, &now, 20, 1, 0);
    bed_close(&b);
}

static void a_chain_of_dispatches_is_a_chain(void) {
    bed b;
    bed_open(&b, 4);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t t[9];
    for (int i = 0; i < 9; i++)
        t[i] = tensor_new(c);
    write_row(c, t[0], 1);
    for (int i = 0; i < 8; i++)
        dispatch(c, g, t[i], t[i + 1]);
    reading r;
    read_start(c, t[8], &r);
    check_row(&b, &r, 1, 256, 0);
    bed_close(&b);
}

static void two_tensors_in_turn_make_a_chain_too(void) {
    bed b;
    bed_open(&b, 4);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t t[2] = {tensor_new(c), tensor_new(c)};
    write_row(c, t[0], 1);
    for (int i = 0; i < 10; i++)
        dispatch(c, g, t[i % 2], t[(i + 1) % 2]);
    reading r;
    read_start(c, t[0], &r);
    check_row(&b, &r, 1, 1024, 0);
    bed_close(&b);
}

static void what_does_not_touch_runs_at_the_same_time(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), a = tensor_new(c), d = tensor_new(c);
    write_row(c, in, 1);
    the_hand.hold_runs = true;
    dispatch(c, g, in, a);
    dispatch(c, g, in, d);
    CHECK_EQ(the_hand.count, 2); // one graph, one input: both run
    hand_let_one(1);
    reading r;
    read_start(c, d, &r);
    check_row(&b, &r, 1, 2, 0);
    hand_let_go();
    bed_close(&b);
}

static void what_a_read_was_given_stays_as_it_was(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out = tensor_new(c);
    reading before, after;
    write_row(c, in, 1);
    write_row(c, out, 50);
    read_start(c, out, &before);
    bed_until(&b, before.ended);
    dispatch(c, g, in, out);
    read_start(c, out, &after);
    check_row(&b, &after, 1, 2, 0);
    CHECK(((const float *)before.read.data)[0] == 50);
    wr_context_destroy(c);
    CHECK(((const float *)before.read.data)[1] == 51);
    check_row(&b, &before, 50, 1, 0);
    bed_close(&b);
}

// ---- A6 --------------------------------------------------------------------

static void a6_a_failed_build_flags_what_it_should_have_written(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c), next = tensor_new(c);
    building g;
    reading r, r2, r3;
    hand_set(&the_hand.failing, 1);
    hand_set(&the_hand.hold, 1);
    build_start(c, "m", &g);
    write_row(c, out, 9);
    dispatch(c, g.id, in, out);
    dispatch(c, g.id, out, next); // reads what was not written
    read_start(c, out, &r);
    read_start(c, next, &r2);
    hand_set(&the_hand.hold, 0);
    check_build_fails(&b, &g, -EINVAL, "the test says no");
    check_read_fails(&b, &r, -EINVAL, "the test says no");
    check_read_fails(&b, &r2, -EINVAL, "the test says no");
    wr_service_counts counts = bed_counts(&b);
    CHECK_EQ(counts.dispatches, 2);
    CHECK_EQ(counts.dispatches_failed, 2);
    // A later dispatch of it fails the same way; a write lifts the flag.
    dispatch(c, g.id, in, out);
    read_start(c, out, &r);
    write_row(c, out, 3);
    read_start(c, out, &r3);
    check_read_fails(&b, &r, -EINVAL, "the test says no");
    check_row(&b, &r3, 3, 1, 0);
    bed_close(&b);
}

static void a6_a_failed_run_flags_what_it_should_have_written(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out = tensor_new(c);
    reading r, r2;
    write_row(c, in, 1);
    write_row(c, out, 9);
    the_hand.error = -ENOMEM;
    dispatch(c, g, in, out);
    read_start(c, out, &r);
    check_read_fails(&b, &r, -ENOMEM, "memory");
    read_start(c, out, &r); // it stays flagged
    check_read_fails(&b, &r, -ENOMEM, "memory");
    dispatch(c, g, in, out); // until one succeeds
    read_start(c, out, &r2);
    check_row(&b, &r2, 1, 2, 0);
    bed_close(&b);
}

static void a6_what_reads_it_fails_with_the_same_reason(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m"); // which is good
    uint64_t t[3] = {tensor_new(c), tensor_new(c), tensor_new(c)};
    reading r;
    the_hand.error = -ENOMEM;
    dispatch(c, g, t[0], t[1]);
    dispatch(c, g, t[1], t[2]);
    read_start(c, t[2], &r);
    check_read_fails(&b, &r, -ENOMEM, "tensor 2 was not written: ");
    CHECK_EQ(bed_counts(&b).dispatches_failed, 2);
    bed_close(&b);
}

static void a6_a_compile_that_never_ends_flags_too(void) {
    bed b;
    wr_service_options options = bed_options();
    options.compile_ns = 20000000; // 20 ms
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c);
    building g;
    reading r;
    hand_set(&the_hand.deaf, 1);
    hand_set(&the_hand.hold, 1);
    build_start(c, "m", &g);
    dispatch(c, g.id, in, out);
    read_start(c, out, &r);
    check_build_fails(&b, &g, -ETIMEDOUT, "longer than 20 ms");
    check_read_fails(&b, &r, -ETIMEDOUT, "longer than 20 ms");
    hand_set(&the_hand.hold, 0);
    bed_close(&b);
}

// ---- H11 -------------------------------------------------------------------

static void h11_destroying_a_context_answers_everything(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c);
    building g;
    reading r[3];
    hand_set(&the_hand.hold, 1);
    build_start(c, "m", &g);
    bed_until(&b, tally_get(&the_hand.held) == 1); // it compiles
    dispatch(c, g.id, in, out);
    for (int i = 0; i < 3; i++)
        read_start(c, out, &r[i]);
    write_row(c, in, 1);
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_tensor_destroy(c, in, &why), 0);
    CHECK_EQ(wr_graph_destroy(c, g.id, &why), 0);
    wr_context_destroy(c);
    CHECK_EQ(g.ended, 0); // never inside the call
    CHECK_EQ(bed_counts(&b).contexts, 0);
    check_build_fails(&b, &g, -ECANCELED, "the context was destroyed");
    for (int i = 0; i < 3; i++)
        check_read_fails(&b, &r[i], -ECANCELED, "the context was destroyed");
    tally_await(&the_hand.told, 1); // nobody else wanted it
    bed_close(&b);
}

static void a_compile_that_others_want_goes_on(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b), *d = context_open(&b);
    building g, h;
    hand_set(&the_hand.hold, 1);
    build_start(c, "m", &g);
    build_start(d, "m", &h);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    wr_context_destroy(c);
    check_build_fails(&b, &g, -ECANCELED, "the context was destroyed");
    hand_set(&the_hand.hold, 0);
    check_built(&b, &h);
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    CHECK_EQ(tally_get(&the_hand.told), 0);
    bed_close(&b);
}

static void a_context_may_go_while_it_runs_and_while_it_queues(void) {
    bed b;
    wr_service_options options = bed_options();
    options.running = 1;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out[3];
    reading r[3];
    the_hand.hold_runs = true;
    for (int i = 0; i < 3; i++) {
        out[i] = tensor_new(c);
        dispatch(c, g, in, out[i]);
        read_start(c, out[i], &r[i]);
    }
    CHECK_EQ(the_hand.count, 1);
    int starts = the_hand.starts;
    wr_context_destroy(c);
    for (int i = 0; i < 3; i++)
        check_read_fails(&b, &r[i], -ECANCELED, "the context was destroyed");
    hand_let_go();
    bed_until(&b, bed_counts(&b).running == 0);
    CHECK_EQ(the_hand.starts, starts); // queued ones did not start
    bed_close(&b);
}

static void a_context_may_go_at_any_time(bed *b) {
    load_now(b, "m", affine(2, 0, -1));
    for (int turns = 0; turns < 20; turns++) {
        wr_context *c = context_open(b);
        uint64_t t[3] = {tensor_new(c), tensor_new(c), tensor_new(c)};
        building g, g2;
        reading r[2];
        build_start(c, "m", &g);
        build_from(c, affine(3, (float)turns, -1), "k", &g2);
        write_row(c, t[0], 1);
        dispatch(c, g.id, t[0], t[1]);
        dispatch(c, g2.id, t[1], t[2]);
        read_start(c, t[1], &r[0]);
        read_start(c, t[2], &r[1]);
        for (int i = 0; i < turns && weir_loop_pending(b->loop) > 0; i++)
            bed_turn(b);
        wr_context_destroy(c);
        bed_until(b, g.ended && g2.ended && r[0].ended && r[1].ended);
        CHECK_EQ(g.ended + g2.ended + r[0].ended + r[1].ended, 4);
        CHECK(g.status == 0 || g.status == -ECANCELED);
        CHECK(g2.status == 0 || g2.status == -ECANCELED);
        for (int i = 0; i < 2; i++) {
            CHECK(r[i].status == 0 || r[i].status == -ECANCELED);
            wr_read_end(&r[i].read);
        }
    }
    weir_cache_clear(wr_service_cache(b->service));
}

static void h11_a_context_may_go_at_any_time(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, a_context_may_go_at_any_time, BED_SEEDS);
}

// ---- H13 -------------------------------------------------------------------

static void h13_lengths_names_and_shapes_are_checked(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out = tensor_new(c), wide = 0;
    wr_nn_shape two = row_shape;
    two.dim[0] = 2;
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_tensor_create(c, &two, &wide, &why), 0);
    float row[WIDTH] = {0};
    CHECK_EQ(wr_tensor_write(c, in, row, sizeof(row) - 1, &why), -EINVAL);
    CHECK(strstr(why.text, "15 bytes") != NULL);
    CHECK_EQ(wr_tensor_write(c, in, row, sizeof(row) + 1, &why), -EINVAL);
    CHECK_EQ(wr_tensor_write(c, in, NULL, sizeof(row), &why), -EINVAL);
    CHECK_EQ(wr_tensor_write(c, 99, row, sizeof(row), &why), -ENOENT);
    CHECK_EQ(dispatch_try(c, g, wide, out, &why), -EINVAL);
    CHECK(strstr(why.text, "[2,4]") != NULL);
    CHECK_EQ(dispatch_try(c, g, in, wide, &why), -EINVAL);
    CHECK_EQ(dispatch_try(c, g, in, in, &why), -EINVAL);
    CHECK(strstr(why.text, "input and output") != NULL);
    CHECK_EQ(dispatch_try(c, 77, in, out, &why), -ENOENT);
    CHECK_EQ(dispatch_try(c, g, 77, out, &why), -ENOENT);
    CHECK_EQ(dispatch_try(c, g, in, 77, &why), -ENOENT);
    wr_bind x = {"x", in}, y = {"y", out}, z = {"z", out};
    wr_bind both[2] = {x, x}, xz[2] = {x, {"z", wide}},
            yy[2] = {y, {"q", wide}};
    CHECK_EQ(wr_context_dispatch(c, g, &x, 1, &z, 1, &why), -EINVAL);
    CHECK(strstr(why.text, "'y' is not given") != NULL);
    CHECK_EQ(wr_context_dispatch(c, g, NULL, 0, &y, 1, &why), -EINVAL);
    CHECK_EQ(wr_context_dispatch(c, g, both, 2, &y, 1, &why), -EINVAL);
    CHECK_EQ(wr_context_dispatch(c, g, xz, 2, &y, 1, &why), -EINVAL);
    CHECK_EQ(wr_context_dispatch(c, g, &x, 1, yy, 2, &why), -EINVAL);
    wr_bind twice[2] = {y, {"y2", out}};
    CHECK_EQ(wr_context_dispatch(c, g, &x, 1, twice, 2, &why), -EINVAL);
    CHECK(strstr(why.text, "two outputs") != NULL);
    CHECK_EQ(bed_counts(&b).dispatches, 0);
    check_zeros(&b, c, out); // nothing has happened
    bed_close(&b);
}

// Before the graph is known nothing can be checked: then it is later, and the
// output says so.
static void h13_what_cannot_be_checked_yet_is_flagged_later(void) {
    bed b;
    bed_open(&b, 1);
    wr_context *c = context_open(&b);
    uint64_t in = tensor_new(c), out = tensor_new(c), wide = 0;
    wr_nn_shape two = row_shape;
    two.dim[0] = 2;
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_tensor_create(c, &two, &wide, &why), 0);
    building g;
    reading r, r2;
    build_from(c, affine(2, 0, -1), NULL, &g);
    CHECK_EQ(dispatch_try(c, g.id, wide, out, &why), 0);
    read_start(c, out, &r);
    dispatch(c, g.id, in, out);
    read_start(c, out, &r2);
    check_built(&b, &g);
    check_read_fails(&b, &r, -EINVAL, "[2,4]");
    check_row(&b, &r2, 0, 0, 0);
    bed_close(&b);
}

// ---- ids, destroying, leaving ----------------------------------------------

static void ids_are_never_used_again(void) {
    bed b;
    bed_open(&b, 1);
    wr_context *c = context_open(&b);
    wr_nn_why why = {{0}};
    uint64_t last = 0;
    for (int i = 0; i < 10; i++) {
        uint64_t t = tensor_new(c);
        CHECK(t > last);
        last = t;
        CHECK_EQ(wr_tensor_destroy(c, t, &why), 0);
        reading r = {.read = {.done = reading_done}};
        CHECK_EQ(wr_tensor_read(c, t, &r.read, &why), -ENOENT);
        CHECK_EQ(wr_tensor_destroy(c, t, &why), -ENOENT);
    }
    CHECK_EQ(bed_counts(&b).tensors, 0);
    CHECK_EQ(bed_counts(&b).tensor_bytes, 0);
    wr_context *d = context_open(&b);
    wr_context_destroy(c);
    CHECK(wr_context_find(b.service, 1) == NULL);
    CHECK(wr_context_find(b.service, 2) == d);
    context_open(&b);
    CHECK(wr_context_find(b.service, 3) != NULL);
    bed_close(&b);
}

static void destroying_takes_effect_in_order(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out = tensor_new(c);
    reading r;
    wr_nn_why why = {{0}};
    write_row(c, in, 1);
    the_hand.hold_runs = true;
    dispatch(c, g, in, out);
    read_start(c, out, &r);
    CHECK_EQ(wr_graph_destroy(c, g, &why), 0);
    CHECK_EQ(wr_tensor_destroy(c, in, &why), 0);
    CHECK_EQ(wr_tensor_destroy(c, out, &why), 0);
    CHECK_EQ(dispatch_try(c, g, in, out, &why), -ENOENT);
    CHECK_EQ(bed_counts(&b).operations, 5);
    hand_let_go();
    check_row(&b, &r, 1, 2, 0);
    bed_until(&b, bed_counts(&b).operations == 0);
    CHECK_EQ(bed_counts(&b).tensor_bytes, 0);
    CHECK_EQ(bed_counts(&b).graphs, 0);
    bed_close(&b);
}

static void a_read_whose_client_left_holds_nobody_up(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out = tensor_new(c);
    reading r[2];
    the_hand.hold_runs = true;
    write_row(c, in, 1);
    dispatch(c, g, in, out);
    read_start(c, out, &r[0]);
    write_row(c, out, 8);
    read_start(c, out, &r[1]);
    wr_read_cancel(&r[0].read);
    wr_read_cancel(&r[0].read);
    check_read_fails(&b, &r[0], -ECANCELED, "the client left");
    hand_let_go();
    check_row(&b, &r[1], 8, 1, 0);
    bed_close(&b);
}

static void contexts_do_not_see_each_other(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    wr_context *c = context_open(&b), *d = context_open(&b);
    uint64_t g = graph_now(&b, c, "m");
    uint64_t in = tensor_new(c), out = tensor_new(c);
    wr_nn_why why;
    CHECK_EQ(dispatch_try(d, g, in, out, &why), -ENOENT);
    graph_now(&b, d, "m");
    CHECK_EQ(tally_get(&the_hand.compiles), 1); // but share what is compiled
    bed_close(&b);
}

static const test_case cases[] = {
    CASE(a_tensor_begins_as_zeros),
    CASE(a_read_sees_the_write_before_it),
    CASE(bytes_may_be_handed_over),
    CASE(dispatches_work_on_any_pool),
    CASE(h5_a_build_that_ends_first_lets_no_read_past_its_dispatch),
    CASE(h5_a_dispatch_waits_for_its_own_build),
    CASE(h7_tensors_are_resolved_at_their_place),
    CASE(a_chain_of_dispatches_is_a_chain),
    CASE(two_tensors_in_turn_make_a_chain_too),
    CASE(what_does_not_touch_runs_at_the_same_time),
    CASE(what_a_read_was_given_stays_as_it_was),
    CASE(a6_a_failed_build_flags_what_it_should_have_written),
    CASE(a6_a_failed_run_flags_what_it_should_have_written),
    CASE(a6_what_reads_it_fails_with_the_same_reason),
    CASE(a6_a_compile_that_never_ends_flags_too),
    CASE(h11_destroying_a_context_answers_everything),
    CASE(a_compile_that_others_want_goes_on),
    CASE(a_context_may_go_while_it_runs_and_while_it_queues),
    CASE(h11_a_context_may_go_at_any_time),
    CASE(h13_lengths_names_and_shapes_are_checked),
    CASE(h13_what_cannot_be_checked_yet_is_flagged_later),
    CASE(ids_are_never_used_again),
    CASE(destroying_takes_effect_in_order),
    CASE(a_read_whose_client_left_holds_nobody_up),
    CASE(contexts_do_not_see_each_other),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

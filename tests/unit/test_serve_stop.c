// SPDX-License-Identifier: MIT
// Stopping, soft and hard, at any moment. A8.
#include "support/serve_context.h"

static void check_refuses(bed *b, wr_context *c, uint64_t tensor) {
    wr_nn_why why = {{0}};
    request r;
    request_init(&r, "m", 1, 1);
    CHECK_EQ(request_try(b, &r, &why), -ESHUTDOWN);
    CHECK_STR(why.text, "the service is stopping");
    loading l = {.load.done = loading_done};
    onnx_bytes file = affine(7, 0, -1);
    CHECK_EQ(wr_service_load_take(b->service, &l.load, "new", file.data,
                                  file.size, 0, &why),
             -ESHUTDOWN);
    free(file.data);
    uint64_t id = 0;
    wr_context *d = NULL;
    CHECK_EQ(wr_context_create(b->service, &d, &id, &why), -ESHUTDOWN);
    if (c == NULL)
        return;
    CHECK_EQ(wr_tensor_create(c, &row_shape, &id, &why), -ESHUTDOWN);
    float row[WIDTH] = {0};
    CHECK_EQ(wr_tensor_write(c, tensor, row, sizeof(row), &why), -ESHUTDOWN);
    reading rd = {.read = {.done = reading_done}};
    CHECK_EQ(wr_tensor_read(c, tensor, &rd.read, &why), -ESHUTDOWN);
    building g;
    CHECK_EQ(build_try(c, "m", NULL, &g, &why), -ESHUTDOWN);
}

// Everything there is, under way: a request that runs, one that is queued, one
// that waits for its plan, one for its model; a build, dispatches, reads.
typedef struct scene {
    request r[4];
    building g;
    reading rd[2];
    loading l;
    wr_context *c;
    uint64_t in, out;
    held h;
} scene;

static void set_up(bed *b, scene *s) {
    wr_service_options options = bed_options();
    options.running = 1;
    bed_open_with(b, 2, &options);
    load_now(b, "m", affine(2, 0, -1));
    load_now(b, "cold", affine(3, 0, -1));
    s->c = context_open(b);
    s->in = tensor_new(s->c);
    s->out = tensor_new(s->c);
    uint64_t hot = graph_now(b, s->c, "m");
    write_row(s->c, s->in, 1);
    the_hand.hold_runs = true;
    hand_set(&the_hand.hold, 1);
    request_start(b, &s->r[0], "m", 1, 1);
    request_start(b, &s->r[1], "m", 1, 1);
    request_start(b, &s->r[2], "cold", 1, 1);
    build_start(s->c, "cold", &s->g);
    dispatch(s->c, hot, s->in, s->out);
    read_start(s->c, s->out, &s->rd[0]);
    dispatch(s->c, s->g.id, s->out, s->in);
    read_start(s->c, s->in, &s->rd[1]);
    bed_until(b, tally_get(&the_hand.held) == 1);
    hold(b->pool, &s->h); // the other worker: the next load is not read
    load_start(b, &s->l, "late", affine(4, 0, -1), 0);
    request_start(b, &s->r[3], "late", 1, 1);
}

static void take_down(bed *b, scene *s) {
    bed_close(b);
    gate_fini(&s->h.gate);
}

static void a8_a_soft_stop_finishes_what_was_accepted(void) {
    bed b;
    scene s;
    set_up(&b, &s);
    wr_service_stop(b.service, 0, bed_stopped, &b);
    check_refuses(&b, s.c, s.in);
    release(&s.h);
    bed_until(&b, s.l.ended);
    for (int i = 0; i < 10; i++)
        bed_turn(&b);
    CHECK_EQ(b.stopped, 0); // a compile is under way, and a run
    hand_let_go();
    bed_until(&b, b.stopped);
    CHECK_EQ(s.l.status, 0);
    check_result(&b, &s.r[0], 2, 0);
    check_result(&b, &s.r[1], 2, 0);
    check_result(&b, &s.r[2], 3, 0);
    check_result(&b, &s.r[3], 4, 0);
    check_built(&b, &s.g);
    check_row(&b, &s.rd[0], 1, 2, 0);
    check_row(&b, &s.rd[1], 1, 6, 0);
    wr_service_counts c = bed_counts(&b);
    CHECK_EQ(c.succeeded, 4);
    check_counts(&c);
    check_refuses(&b, NULL, 0);
    take_down(&b, &s);
}

static void check_ended_hard(bed *b, scene *s) {
    for (int i = 0; i < 4; i++)
        check_ends(b, &s->r[i], -ESHUTDOWN, "the service is stopping");
    check_build_fails(b, &s->g, -ESHUTDOWN, "the service is stopping");
    for (int i = 0; i < 2; i++)
        check_read_fails(b, &s->rd[i], -ESHUTDOWN, "the service is stopping");
    wr_service_counts c = bed_counts(b);
    CHECK_EQ(c.shut_down, 4);
    CHECK_EQ(c.pending, 0);
    check_counts(&c);
}

static void a8_a_hard_stop_ends_what_was_accepted(void) {
    bed b;
    scene s;
    set_up(&b, &s);
    wr_service_stop(b.service, 1, bed_stopped, &b);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(s.r[i].ended, 0); // never inside the call
    check_refuses(&b, NULL, 0);
    release(&s.h);
    the_hand.hold_runs = false;
    hand_let_one(0); // the run that was told ends when the engine says so
    bed_until(&b, b.stopped);
    CHECK_EQ(tally_get(&the_hand.told), 1); // the compile was
    check_ended_hard(&b, &s);
    CHECK_EQ(s.l.ended, 1); // and the model was not read any more
    CHECK_EQ(s.l.status, -ESHUTDOWN);
    take_down(&b, &s);
}

static void a_soft_stop_may_be_followed_by_a_hard_one(void) {
    bed b;
    scene s;
    set_up(&b, &s);
    wr_service_stop(b.service, 0, bed_stopped, &b);
    for (int i = 0; i < 5; i++)
        drain(b.loop);
    wr_service_stop(b.service, 1, bed_stopped, &b);
    wr_service_stop(b.service, 0, bed_stopped, &b); // not softer again
    release(&s.h);
    the_hand.hold_runs = false;
    hand_let_one(0);
    bed_until(&b, b.stopped);
    check_ended_hard(&b, &s);
    wr_service_stop(b.service, 1, bed_stopped, &b); // nothing
    take_down(&b, &s);
}

static void a_deaf_compile_is_waited_for(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    hand_set(&the_hand.deaf, 1);
    hand_set(&the_hand.hold, 1);
    request_start(&b, &r, "m", 1, 1);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    wr_service_stop(b.service, 1, bed_stopped, &b);
    check_ends(&b, &r, -ESHUTDOWN, "the service is stopping");
    for (int i = 0; i < 5; i++)
        bed_turn(&b);
    CHECK_EQ(b.stopped, 0);
    hand_set(&the_hand.hold, 0);
    bed_until(&b, b.stopped);
    bed_close(&b);
}

static void a_service_without_work_stops_at_once(void) {
    bed b;
    bed_open(&b, 1);
    context_open(&b);
    bed_stop(&b, 0);
    bed_close(&b);
    bed_open(&b, 1);
    bed_stop(&b, 1);
    bed_close(&b);
}

static void a_stop_lets_nothing_wait_for_company(void) {
    bed b;
    wr_service_options options = bed_options();
    options.batch = 4;
    options.batch_ns = 1000;
    options.request_ns = 0;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    for (int i = 0; i < 2; i++) {
        request_start(&b, &r, "m", 1, 1);
        if (i == 1)
            break;
        while (!r.ended) {
            bed_tick(&b, 100);
            bed_turn(&b);
        }
        check_result(&b, &r, 2, 0);
    }
    wr_service_stop(b.service, 0, bed_stopped, &b);
    check_result(&b, &r, 2, 0);
    bed_close(&b);
}

static void stop_in_done(wr_infer *infer, int status) {
    request_done(infer, status);
    bed *b = infer->context;
    wr_service_stop(b->service, 0, bed_stopped, b);
}

static void done_may_stop(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    request_init(&r, "m", 1, 1);
    r.infer.done = stop_in_done;
    r.infer.context = &b;
    request_send(&b, &r);
    bed_until(&b, b.stopped);
    check_result(&b, &r, 2, 0);
    bed_close(&b);
}

static void destroy_in_stopped(wr_service *service, void *context) {
    wr_service_destroy(service);
    ((bed *)context)->stopped++;
}

static void stopped_may_destroy_it(void) {
    for (int hard = 0; hard < 2; hard++) {
        bed b;
        bed_open(&b, 2);
        load_now(&b, "m", affine(2, 0, -1));
        request r;
        request_start(&b, &r, "m", 1, 1);
        check_result(&b, &r, 2, 0);
        context_open(&b);
        wr_service_stop(b.service, hard, destroy_in_stopped, &b);
        bed_until(&b, b.stopped);
        loop_close(b.loop);
        pool_close(b.pool);
    }
}

static void destroy_busy(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    request_start(&b, &r, "m", 1, 1);
    wr_service_destroy(b.service);
}

static void destroying_a_busy_service_aborts(void) {
    check_aborts(destroy_busy, "a service is destroyed when it has stopped");
}

// ---- at any moment ---------------------------------------------------------

static int stop_turns, stop_hard;

static void life(bed *b) {
    enum { N = 12 };
    request r[N];
    building g[3];
    reading rd[3];
    loading l[3];
    onnx_bytes file[3];
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};
        file[i] = affine((float)(2 + i), 0, -1);
        load_start(b, &l[i], name, file[i], 0);
        for (int k = 0; k < N / 3; k++)
            request_start(b, &r[i * N / 3 + k], name, 1 + k % 2, 1);
        wr_context *c = context_open(b);
        uint64_t in = tensor_new(c), out = tensor_new(c);
        build_start(c, name, &g[i]);
        dispatch(c, g[i].id, in, out);
        read_start(c, out, &rd[i]);
    }
    for (int i = 0; i < stop_turns && weir_loop_pending(b->loop) > 0; i++)
        bed_turn(b);
    wr_service_stop(b->service, stop_hard, bed_stopped, b);
    while (b->stopped == 0) {
        bed_tick(b, 200);
        bed_turn(b);
    }
    CHECK_EQ(b->stopped, 1);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(r[i].ended, 1);
        CHECK(r[i].status == 0 || (stop_hard && r[i].status == -ESHUTDOWN));
        request_end(b, &r[i]);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(g[i].ended, 1);
        CHECK_EQ(rd[i].ended, 1);
        CHECK_EQ(l[i].ended, 1);
        CHECK(l[i].status == 0 || (stop_hard && l[i].status == -ESHUTDOWN));
        CHECK(g[i].status == 0 || (stop_hard && g[i].status == -ESHUTDOWN));
        CHECK(rd[i].status == 0 || (stop_hard && rd[i].status == -ESHUTDOWN));
        wr_read_end(&rd[i].read);
    }
    wr_service_counts c = bed_counts(b);
    CHECK_EQ(c.requests, N);
    CHECK_EQ(c.succeeded + c.shut_down, N);
    check_counts(&c);
}

static void a8_a_stop_may_come_at_any_moment(void) {
    wr_service_options options = bed_options();
    options.running = 2;
    options.batch = 4;
    options.batch_ns = 300;
    for (stop_hard = 0; stop_hard < 2; stop_hard++)
        for (stop_turns = 0; stop_turns < 60; stop_turns += 3)
            for_each_bed(&options, life, 6);
}

static const test_case cases[] = {
    CASE(a8_a_soft_stop_finishes_what_was_accepted),
    CASE(a8_a_hard_stop_ends_what_was_accepted),
    CASE(a_soft_stop_may_be_followed_by_a_hard_one),
    CASE(a_deaf_compile_is_waited_for),
    CASE(a_service_without_work_stops_at_once),
    CASE(a_stop_lets_nothing_wait_for_company),
    CASE(done_may_stop),
    CASE(stopped_may_destroy_it),
    CASE(destroying_a_busy_service_aborts),
    CASE(a8_a_stop_may_come_at_any_moment),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

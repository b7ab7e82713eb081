// SPDX-License-Identifier: MIT
// Whatever fails, each request ends once, with a truthful status and a line.
#include "support/serve_context.h"

static void a_compile_that_never_ends_times_out(void) {
    bed b;
    wr_service_options options = bed_options();
    options.compile_ns = 20000000;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    request r[4];
    hand_set(&the_hand.deaf, 1);
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < 4; i++)
        request_start(&b, &r[i], "m", 1, 1);
    for (int i = 0; i < 4; i++)
        check_ends(&b, &r[i], -ETIMEDOUT, "compiling took longer than 20 ms");
    // It still holds its worker; what it makes in the end is thrown away.
    hand_set(&the_hand.hold, 0);
    bed_until(&b, cache_counts_of(&b).loading == 0);
    for (;;) { // a loaded machine may need more than that, too
        request_start(&b, &r[0], "m", 1, 1);
        bed_until(&b, r[0].ended);
        if (r[0].status != -ETIMEDOUT)
            break;
        request_end(&b, &r[0]);
    }
    check_result(&b, &r[0], 2, 0);
    bed_close(&b);
}

static void a_compile_that_is_told_ends_early(void) {
    bed b;
    wr_service_options options = bed_options();
    options.compile_ns = 20000000;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    hand_set(&the_hand.hold, 1);
    do { // on a loaded machine the time may be over before it has begun
        request_start(&b, &r, "m", 1, 1);
        check_ends(&b, &r, -ETIMEDOUT, "compiling took longer than 20 ms");
        bed_until(&b, cache_counts_of(&b).loading == 0);
    } while (tally_get(&the_hand.told) == 0);
    hand_set(&the_hand.hold, 0);
    bed_close(&b);
}

static void a_run_that_cannot_start_fails_its_request_alone(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    request r[3];
    request_start(&b, &r[0], "m", 1, 1);
    check_result(&b, &r[0], 2, 0);
    the_hand.error = -ENOMEM;
    for (int i = 0; i < 3; i++)
        request_start(&b, &r[i], "m", 1, 1);
    check_ends(&b, &r[0], -ENOMEM, "memory");
    check_result(&b, &r[1], 2, 0);
    check_result(&b, &r[2], 2, 0);
    CHECK_EQ(bed_counts(&b).failed, 1);
    bed_close(&b);
}

// Everything is under way when the pool is stopped beneath it.
static void a_pool_that_stops_answers_everything(void) {
    for (int mode = 0; mode < 2; mode++) {
        bed b;
        wr_service_options options = bed_options();
        options.running = 1;
        bed_open_with(&b, 2, &options);
        load_now(&b, "hot", affine(2, 0, -1));
        load_now(&b, "cold", affine(3, 0, -1));
        wr_context *c = context_open(&b);
        uint64_t in = tensor_new(c), out = tensor_new(c);
        uint64_t hot = graph_now(&b, c, "hot");
        request r[4];
        building g;
        reading rd[2];
        the_hand.hold_runs = true;
        hand_set(&the_hand.hold, 1);
        request_start(&b, &r[0], "hot", 1, 1);  // runs
        request_start(&b, &r[1], "hot", 1, 1);  // is queued
        request_start(&b, &r[2], "cold", 1, 1); // waits for its plan
        build_start(c, "cold", &g);
        dispatch(c, hot, in, out);
        read_start(c, out, &rd[0]);
        dispatch(c, g.id, out, in);
        read_start(c, in, &rd[1]);
        bed_until(&b, tally_get(&the_hand.held) == 1);
        // Cancelling ends those who wait for the plan; so nobody wants it.
        CHECK_EQ(weir_pool_stop(b.pool,
                                mode == 0 ? WEIR_STOP_ABORT : WEIR_STOP_CANCEL,
                                WEIR_FOREVER, NULL),
                 0);
        // The run is refused now; who made it is told.
        the_hand.hold_runs = false;
        wr_nn_run *run = the_hand.run[0].run;
        the_hand.count = 0;
        CHECK_EQ(__real_wr_nn_run_start(the_hand.run[0].cell, b.pool, run),
                 -ESHUTDOWN);
        run->done(run, -ESHUTDOWN);
        hand_set(&the_hand.hold, 0);
        for (int i = 0; i < 3; i++)
            check_ends(&b, &r[i], -ESHUTDOWN, "the pool was stopped");
        check_build_fails(&b, &g, -ESHUTDOWN, "the pool was stopped");
        for (int i = 0; i < 2; i++)
            check_read_fails(&b, &rd[i], -ESHUTDOWN, "the pool was stopped");
        // And so is who comes now.
        request_start(&b, &r[3], "cold", 1, 1);
        check_ends(&b, &r[3], -ESHUTDOWN, "the pool was stopped");
        loading l;
        load_start(&b, &l, "new", affine(7, 0, -1), 0);
        bed_until(&b, l.ended);
        CHECK_EQ(l.status, -ESHUTDOWN);
        CHECK_STR(l.load.why.text, "the pool was stopped");
        bed_close(&b);
    }
}

static void a_load_that_the_pool_never_reads_is_answered(void) {
    bed b;
    bed_open(&b, 1);
    held h;
    hold(b.pool, &h);
    loading l;
    request r;
    building g;
    load_start(&b, &l, "m", affine(2, 0, -1), 0);
    request_start(&b, &r, "m", 1, 1);
    build_start(context_open(&b), "m", &g);
    CHECK_EQ(weir_pool_stop(b.pool, WEIR_STOP_CANCEL, in_ms(5), NULL),
             -ETIMEDOUT);
    release(&h);
    bed_until(&b, l.ended);
    CHECK_EQ(l.status, -ESHUTDOWN);
    check_ends(&b, &r, -ESHUTDOWN, "no model 'm': the pool was stopped");
    check_build_fails(&b, &g, -ESHUTDOWN, "no model 'm'");
    bed_close(&b);
    gate_fini(&h.gate);
}

// A loop that closes first: answers come by wr_service_tick.
static void a_loop_that_closes_first_loses_no_answer(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    CHECK_EQ(weir_loop_close(b.loop, WEIR_STOP_DRAIN, NULL, NULL), 0);
    drain(b.loop);
    request_start(&b, &r, "m", 1, 1);
    CHECK_EQ(wr_service_next_deadline(b.service), 0);
    wr_service_tick(b.service);
    CHECK_EQ(r.ended, 1);
    CHECK_EQ(r.status, -ESHUTDOWN);
    request_end(&b, &r);
    wr_service_stop(b.service, 0, bed_stopped, &b);
    while (b.stopped == 0)
        wr_service_tick(b.service);
    bed_close(&b);
}

// ---- memory ----------------------------------------------------------------

// All that can be asked for, by somebody who is told "out of memory" at any
// place. Returns how many answers did not come to 0.
static int tour(bed *b) {
    loading l = {.load.done = loading_done};
    wr_nn_why why = {{0}};
    onnx_bytes file = affine(2, 1, -1);
    int bad = 0;
    if (wr_service_load_take(b->service, &l.load, "m", file.data, file.size, 0,
                             &why) != 0) {
        free(file.data);
        return 1;
    }
    request r[3];
    for (int i = 0; i < 3; i++) {
        request_init(&r[i], "m", 1, (float)i);
        bool sent = wr_service_infer(b->service, &r[i].infer, &why) == 0;
        bad += !sent;
        r[i].rows = sent ? 1 : 0; // 0: not asked
    }
    for (int i = 0; i < 3; i++) {
        while (r[i].rows > 0 && !r[i].ended) {
            bed_tick(b, 100);
            bed_turn(b);
        }
        bad += r[i].status != 0;
        request_end(b, &r[i]);
    }
    bed_until(b, l.ended);
    wr_context *c = NULL;
    uint64_t id, in = 0, out = 0;
    if (l.status != 0 || wr_context_create(b->service, &c, &id, &why) != 0)
        return bad + 1;
    float row[WIDTH] = {1, 2, 3, 4};
    building g = building_new();
    reading rd = {.read = {.done = reading_done}};
    int steps = 0;
    bool ok = wr_tensor_create(c, &row_shape, &in, &why) == 0 &&
              wr_tensor_create(c, &row_shape, &out, &why) == 0 &&
              wr_graph_build(c, "m", &row_input, 1, "k", &g.build, &g.id,
                             &why) == 0 &&
              ++steps && wr_tensor_write(c, in, row, sizeof(row), &why) == 0 &&
              dispatch_try(c, g.id, in, out, &why) == 0 &&
              wr_tensor_read(c, out, &rd.read, &why) == 0 && ++steps;
    bed_until(b, (steps < 1 || g.ended) && (steps < 2 || rd.ended));
    bad += !ok + (g.status != 0) + (rd.status != 0);
    if (ok && rd.status == 0)
        CHECK(rd.row[0] == 3 && rd.row[3] == 9);
    wr_read_end(&rd.read);
    wr_context_destroy(c);
    return bad;
}

static void lack_of_memory_at_any_place_is_told(void) {
    need_faults();
    wr_service_options options = bed_options();
    options.batch = 2;
    options.batch_ns = 100;
    for (int threads = 0; threads < 2; threads++) {
        for (uint64_t at = 0;; at++) {
            bed b;
            weir_pool *pool = threads == 0 ? pool_seeded(at, 2) : pool_of(1);
            bed_open_on(&b, pool, threads, &options);
            wr_fault_arm(WR_FAULT_ALLOC, at, 1);
            int bad = tour(&b);
            uint64_t seen = wr_fault_seen(WR_FAULT_ALLOC);
            wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
            if (seen <= at)
                CHECK_EQ(bad, 0);
            CHECK(tour(&b) == 0); // nothing of it stays
            bed_close(&b);
            if (seen <= at)
                break;
        }
    }
}

static void create_without_memory_says_so(void) {
    need_faults();
    weir_pool *pool = pool_of(1);
    weir_loop *loop = loop_open();
    wr_service_options options = WR_SERVICE_OPTIONS_INIT;
    options.loop = loop;
    options.pool = pool;
    wr_service *service = NULL;
    for (uint64_t at = 0; service == NULL; at++) {
        wr_fault_arm(WR_FAULT_ALLOC, at, 1);
        int error = wr_service_create(&service, &options);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK((error == -ENOMEM) == (service == NULL));
    }
    wr_service_destroy(service);
    loop_close(loop);
    pool_close(pool);
}

static const test_case cases[] = {
    CASE(a_compile_that_never_ends_times_out),
    CASE(a_compile_that_is_told_ends_early),
    CASE(a_run_that_cannot_start_fails_its_request_alone),
    CASE(a_pool_that_stops_answers_everything),
    CASE(a_load_that_the_pool_never_reads_is_answered),
    CASE(a_loop_that_closes_first_loses_no_answer),
    CASE(lack_of_memory_at_any_place_is_told),
    CASE(create_without_memory_says_so),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

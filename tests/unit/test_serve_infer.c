// SPDX-License-Identifier: MIT
// Requests through the simple door: A2, A3, A4, A5; turns; leaving; times.
#include "support/serve.h"

static void a_request_is_answered(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    request r;
    request_start(&b, &r, "m", 1, 3);
    check_result(&b, &r, 2, 1);
    request_start(&b, &r, "m", 3, -7);
    check_result(&b, &r, 2, 1);
    wr_service_counts c = bed_counts(&b);
    CHECK_EQ(c.succeeded, 2);
    CHECK_EQ(c.run.count, 2);
    CHECK_EQ(c.compile.count, 2);
    CHECK_EQ(c.queue.count, 2);
    CHECK(c.models_bytes > 0);
    CHECK(c.arenas_bytes > 0);
    bed_close(&b);
}

static void inputs_may_be_given_by_name_or_by_position(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "add", adder());
    float one[WIDTH] = {1, 2, 3, 4}, ten[WIDTH] = {10, 20, 30, 40};
    wr_nn_shape shape = {.type = WR_NN_F32, .rank = 2, .dim = {1, WIDTH}};
    wr_infer_tensor inputs[2][2] = {{{"b", shape, ten}, {"a", shape, one}},
                                    {{NULL, shape, one}, {NULL, shape, ten}}};
    for (int i = 0; i < 2; i++) {
        request r;
        request_init(&r, "add", 1, 0);
        r.infer.inputs = inputs[i];
        r.infer.count = 2;
        request_send(&b, &r);
        bed_until(&b, r.ended);
        CHECK_EQ(r.status, 0);
        for (int k = 0; k < WIDTH; k++)
            CHECK(r.y[k] == one[k] + ten[k]);
        request_end(&b, &r);
    }
    bed_close(&b);
}

// ---- one compile -----------------------------------------------------------

enum { CLIENTS = 64 };
static request clients[CLIENTS];

// The model is not even read when the requests come.
static void submit_before_it_is_read(bed *b) {
    loading l;
    load_start(b, &l, "m", affine(3, -2, -1), 0);
    for (int i = 0; i < CLIENTS; i++)
        request_start(b, &clients[i], "m", 2, (float)i);
    for (int i = 0; i < CLIENTS; i++)
        check_result(b, &clients[i], 3, -2);
    CHECK_EQ(l.status, 0);
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
}

static void a2_what_was_submitted_before_is_found(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, submit_before_it_is_read, BED_SEEDS);
    bed b;
    bed_open(&b, 16);
    submit_before_it_is_read(&b);
    bed_close(&b);
}

static void all_wait_for_one(bed *b) {
    load_now(b, "m", affine(5, 1, -1));
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < CLIENTS; i++)
        request_start(b, &clients[i], "m", 1, (float)i);
    bed_until(b, tally_get(&the_hand.held) == 1);
    hand_set(&the_hand.hold, 0);
    for (int i = 0; i < CLIENTS; i++)
        check_result(b, &clients[i], 5, 1);
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    weir_cache_counts c = cache_counts_of(b);
    CHECK_EQ(c.misses, 1);
    CHECK_EQ(c.coalesced, CLIENTS - 1);
}

static void a3_more_requests_than_workers_wait_for_one_compile(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, all_wait_for_one, BED_SEEDS);
}

// All but the compile's own worker are free.
static void a3_waiting_for_a_compile_holds_no_worker(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "hot", affine(2, 0, -1));
    load_now(&b, "cold", affine(7, 0, -1));
    request hot;
    request_start(&b, &hot, "hot", 1, 1);
    check_result(&b, &hot, 2, 0);
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < CLIENTS; i++)
        request_start(&b, &clients[i], "cold", 1, (float)i);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    for (int i = 0; i < 20; i++) {
        request_start(&b, &hot, "hot", 1, (float)i);
        check_result(&b, &hot, 2, 0);
    }
    hand_set(&the_hand.hold, 0);
    for (int i = 0; i < CLIENTS; i++)
        check_result(&b, &clients[i], 7, 0);
    bed_close(&b);
}

// Even the only one: it lends its place.
static void a3_one_worker_runs_beside_a_compile(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "hot", affine(2, 0, -1));
    load_now(&b, "cold", affine(7, 0, -1));
    request hot, cold;
    request_start(&b, &hot, "hot", 1, 1);
    check_result(&b, &hot, 2, 0);
    hand_set(&the_hand.hold, 1);
    request_start(&b, &cold, "cold", 1, 1);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    for (int i = 0; i < 20; i++) {
        request_start(&b, &hot, "hot", 1, (float)i);
        check_result(&b, &hot, 2, 0);
    }
    CHECK_EQ(cold.ended, 0);
    hand_set(&the_hand.hold, 0);
    check_result(&b, &cold, 7, 0);
    bed_close(&b);
}

// Compiles leave a worker to the runs of what is there.
static void many_cold_models_leave_a_worker_to_the_hot_one(void) {
    bed b;
    bed_open(&b, 3);
    load_now(&b, "hot", affine(2, 0, -1));
    request hot, cold[6];
    request_start(&b, &hot, "hot", 1, 1);
    check_result(&b, &hot, 2, 0);
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < 6; i++) {
        char name[8];
        snprintf(name, sizeof(name), "cold%d", i);
        load_now(&b, name, affine((float)(10 + i), 0, -1));
        request_start(&b, &cold[i], name, 1, 1);
    }
    bed_until(&b, tally_get(&the_hand.held) == 2);
    for (int i = 0; i < 20; i++) {
        request_start(&b, &hot, "hot", 1, (float)i);
        check_result(&b, &hot, 2, 0);
    }
    CHECK_EQ(tally_get(&the_hand.held), 2);
    hand_set(&the_hand.hold, 0);
    for (int i = 0; i < 6; i++)
        check_result(&b, &cold[i], (float)(10 + i), 0);
    bed_close(&b);
}

static void a4_a_failure_goes_to_all_and_is_tried_again(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    hand_set(&the_hand.hold, 1);
    hand_set(&the_hand.failing, 1);
    for (int i = 0; i < 8; i++)
        request_start(&b, &clients[i], "m", 1, 1);
    hand_set(&the_hand.hold, 0);
    for (int i = 0; i < 8; i++)
        check_ends(&b, &clients[i], -EINVAL, "the test says no");
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    request_start(&b, &clients[0], "m", 1, 1);
    check_result(&b, &clients[0], 2, 1);
    CHECK_EQ(tally_get(&the_hand.compiles), 2);
    bed_close(&b);
}

static void a_failure_may_be_remembered_for_a_while(void) {
    bed b;
    wr_service_options options = bed_options();
    options.failure_ns = INT64_C(3600000000000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    hand_set(&the_hand.failing, 1);
    for (int i = 0; i < 3; i++) {
        request_start(&b, &clients[i], "m", 1, 1);
        check_ends(&b, &clients[i], -EINVAL, "the test says no");
    }
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    bed_close(&b);
}

// Nor what may be gone the next moment.
static void lack_of_memory_is_never_remembered(void) {
    bed b;
    wr_service_options options = bed_options();
    options.failure_ns = INT64_C(3600000000000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    the_hand.failure = -ENOMEM;
    hand_set(&the_hand.failing, 1);
    request_start(&b, &clients[0], "m", 1, 1);
    check_ends(&b, &clients[0], -ENOMEM, "the test says no");
    request_start(&b, &clients[0], "m", 1, 1);
    check_result(&b, &clients[0], 2, 1);
    bed_close(&b);
}

// ---- at the same time ------------------------------------------------------

static void a5_two_runs_of_one_plan_overlap(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    load_now(&b, "n", affine(3, 1, -1));
    request r[2], other;
    request_start(&b, &r[0], "m", 1, 1);
    check_result(&b, &r[0], 2, 1);
    the_hand.hold_runs = true;
    for (int i = 0; i < 2; i++)
        request_start(&b, &r[i], "m", 1, (float)i);
    CHECK_EQ(the_hand.count, 2); // both begun, none ended
    // And another compile ends meanwhile.
    request_start(&b, &other, "n", 1, 5);
    bed_until(&b, the_hand.count == 3);
    CHECK_EQ(tally_get(&the_hand.compiles), 2);
    hand_let_one(1);
    bed_until(&b, r[1].ended);
    CHECK_EQ(r[0].ended, 0);
    hand_let_go();
    check_result(&b, &r[0], 2, 1);
    check_result(&b, &r[1], 2, 1);
    check_result(&b, &other, 3, 1);
    bed_close(&b);
}

// ---- turns -----------------------------------------------------------------

static void a_burst_for_one_model_does_not_starve_another(void) {
    bed b;
    wr_service_options options = bed_options();
    options.running = 1;
    bed_open_with(&b, 1, &options);
    load_now(&b, "busy", affine(2, 0, -1));
    load_now(&b, "rare", affine(3, 0, -1));
    request rare;
    request_start(&b, &clients[0], "busy", 1, 0);
    check_result(&b, &clients[0], 2, 0);
    request_start(&b, &rare, "rare", 1, 0);
    check_result(&b, &rare, 3, 0);
    the_hand.hold_runs = true;
    for (int i = 0; i < CLIENTS; i++)
        request_start(&b, &clients[i], "busy", 1, (float)i);
    request_start(&b, &rare, "rare", 1, 1);
    uint64_t before = requests_ended;
    hand_let_go();
    check_result(&b, &rare, 3, 0);
    // One is running, one has its turn before: no more than that.
    CHECK(rare.order <= before + 3);
    for (int i = 0; i < CLIENTS; i++)
        check_result(&b, &clients[i], 2, 0);
    // Within a model the first is the first.
    for (int i = 1; i < CLIENTS; i++)
        CHECK(clients[i].order > clients[i - 1].order);
    bed_close(&b);
}

static void one_models_many_shapes_get_one_models_share(void) {
    bed b;
    wr_service_options options = bed_options();
    options.running = 1;
    bed_open_with(&b, 1, &options);
    load_now(&b, "busy", affine(2, 0, -1));
    load_now(&b, "rare", affine(3, 0, -1));
    request rare[3], warm;
    for (int rows = 1; rows <= ROWS_MAX; rows++) {
        request_start(&b, &warm, "busy", rows, 0);
        check_result(&b, &warm, 2, 0);
    }
    request_start(&b, &warm, "rare", 1, 0);
    check_result(&b, &warm, 3, 0);
    the_hand.hold_runs = true;
    for (int i = 0; i < 4 * ROWS_MAX; i++)
        request_start(&b, &clients[i], "busy", 1 + i % ROWS_MAX, 0);
    for (int i = 0; i < 3; i++)
        request_start(&b, &rare[i], "rare", 1, 0);
    uint64_t before = requests_ended;
    hand_let_go();
    for (int i = 0; i < 3; i++) {
        check_result(&b, &rare[i], 3, 0);
        CHECK(rare[i].order <= before + 3 + 2 * (uint64_t)i);
    }
    for (int i = 0; i < 4 * ROWS_MAX; i++)
        check_result(&b, &clients[i], 2, 0);
    bed_close(&b);
}

// ---- leaving ---------------------------------------------------------------

static void queued_work_of_a_client_that_left_is_not_started(void) {
    bed b;
    wr_service_options options = bed_options();
    options.running = 1;
    bed_open_with(&b, 1, &options);
    load_now(&b, "m", affine(2, 0, -1));
    request_start(&b, &clients[0], "m", 1, 0);
    check_result(&b, &clients[0], 2, 0);
    the_hand.hold_runs = true;
    for (int i = 0; i < 4; i++)
        request_start(&b, &clients[i], "m", 1, (float)i);
    CHECK_EQ(the_hand.count, 1);
    wr_service_infer_cancel(b.service, &clients[2].infer);
    CHECK_EQ(clients[2].ended, 0); // never inside the call
    check_ends(&b, &clients[2], -ECANCELED, "the client left");
    int starts = the_hand.starts;
    hand_let_go();
    check_result(&b, &clients[0], 2, 0);
    check_result(&b, &clients[1], 2, 0);
    check_result(&b, &clients[3], 2, 0);
    CHECK_EQ(the_hand.starts, starts + 2);
    bed_close(&b);
}

static void a_run_whose_client_left_is_cancelled(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    request_start(&b, &r, "m", 1, 0);
    check_result(&b, &r, 2, 0);
    the_hand.hold_runs = true;
    request_start(&b, &r, "m", 1, 0);
    wr_service_infer_cancel(b.service, &r.infer);
    hand_let_go();
    check_ends(&b, &r, -ECANCELED, "the client left");
    bed_close(&b);
}

static void who_leaves_a_flight_leaves_it_to_the_others(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < 3; i++)
        request_start(&b, &clients[i], "m", 1, (float)i);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    wr_service_infer_cancel(b.service, &clients[0].infer); // the leader
    check_ends(&b, &clients[0], -ECANCELED, "the client left");
    hand_set(&the_hand.hold, 0);
    check_result(&b, &clients[1], 2, 0);
    check_result(&b, &clients[2], 2, 0);
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    CHECK_EQ(tally_get(&the_hand.told), 0);
    bed_close(&b);
}

static void the_last_who_leaves_cancels_the_compile(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 0, -1));
    hand_set(&the_hand.hold, 1);
    request_start(&b, &clients[0], "m", 1, 0);
    request_start(&b, &clients[1], "m", 1, 0);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    wr_service_infer_cancel(b.service, &clients[0].infer);
    wr_service_infer_cancel(b.service, &clients[1].infer);
    check_ends(&b, &clients[0], -ECANCELED, "the client left");
    check_ends(&b, &clients[1], -ECANCELED, "the client left");
    tally_await(&the_hand.told, 1); // though it is held
    // Who asks afterwards is served by a compile of its own.
    hand_set(&the_hand.hold, 0);
    request_start(&b, &clients[0], "m", 1, 0);
    check_result(&b, &clients[0], 2, 0);
    CHECK_EQ(tally_get(&the_hand.compiles), 2);
    bed_close(&b);
}

static void a_client_may_leave_at_any_time(bed *b) {
    load_now(b, "m", affine(2, 0, -1));
    for (int turns = 0; turns < 24; turns++) {
        request r;
        loading l;
        load_start(b, &l, "n", affine(3, (float)turns, -1), 1);
        request_start(b, &r, turns % 2 == 0 ? "m" : "n", 1 + turns % 3, 1);
        for (int i = 0; i < turns / 2 && weir_loop_pending(b->loop) > 0; i++)
            bed_turn(b);
        wr_service_infer_cancel(b->service, &r.infer);
        wr_service_infer_cancel(b->service, &r.infer);
        bed_until(b, r.ended);
        CHECK_EQ(r.ended, 1);
        CHECK(r.status == 0 || r.status == -ECANCELED);
        wr_service_infer_cancel(b->service, &r.infer); // too late: nothing
        request_end(b, &r);
        bed_until(b, l.ended);
        CHECK_EQ(l.status, 0);
    }
}

static void leaving_and_an_answer_race_to_one_outcome(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, a_client_may_leave_at_any_time, BED_SEEDS);
}

static int ended_inside;
static bed *nested_bed;
static request nested;

static void nest(wr_infer *infer, int status) {
    request_done(infer, status);
    request *r = (request *)infer;
    request_end(nested_bed, r);
    request_start(nested_bed, &nested, "m", 1, 4);
    ended_inside = nested.ended;
}

static void done_may_ask_again(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 0, -1));
    nested_bed = &b;
    nested = (request){.rows = 0};
    request r;
    request_init(&r, "m", 1, 1);
    r.infer.done = nest;
    request_send(&b, &r);
    bed_until(&b, nested.ended);
    CHECK_EQ(ended_inside, 0);
    check_result(&b, &nested, 2, 0);
    bed_close(&b);
}

// ---- times -----------------------------------------------------------------

static void a_request_has_a_time(void) {
    bed b;
    wr_service_options options = bed_options();
    options.request_ns = 1000;
    options.running = 1;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    request r[3];
    CHECK(wr_service_next_deadline(b.service) == WEIR_FOREVER);
    request_start(&b, &r[0], "m", 1, 1);
    CHECK_EQ(wr_service_next_deadline(b.service), b.now_ns + 1000);
    check_result(&b, &r[0], 2, 0);
    CHECK(wr_service_next_deadline(b.service) == WEIR_FOREVER);
    // One that runs, one that is queued, one that waits for its plan.
    the_hand.hold_runs = true;
    hand_set(&the_hand.hold, 1);
    request_start(&b, &r[0], "m", 1, 1);
    request_start(&b, &r[1], "m", 1, 1);
    request_start(&b, &r[2], "m", 2, 1);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    bed_tick(&b, 999);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(r[i].ended, 0);
    bed_tick(&b, 1);
    check_ends(&b, &r[1], -ETIMEDOUT, "longer than");
    check_ends(&b, &r[2], -ETIMEDOUT, "longer than");
    tally_await(&the_hand.told, 1); // nobody wants that plan any more
    CHECK_EQ(r[0].ended, 0);        // it ends when its run does
    hand_let_go();
    check_ends(&b, &r[0], -ETIMEDOUT, "longer than");
    wr_service_counts c = bed_counts(&b);
    CHECK_EQ(c.timed_out, 3);
    bed_close(&b);
}

static void a_request_that_waits_for_a_load_has_a_time_too(void) {
    bed b;
    wr_service_options options = bed_options();
    options.request_ns = 1000;
    bed_open_with(&b, 1, &options);
    held h;
    hold(b.pool, &h);
    loading l;
    request r;
    load_start(&b, &l, "m", affine(2, 0, -1), 0);
    request_start(&b, &r, "m", 1, 1);
    bed_tick(&b, 1000);
    check_ends(&b, &r, -ETIMEDOUT, "longer than");
    release(&h);
    bed_until(&b, l.ended);
    CHECK_EQ(l.status, 0);
    bed_close(&b);
    gate_fini(&h.gate);
}

static void times_are_measured_apart(void) {
    bed b;
    wr_service_options options = bed_options();
    options.running = 1;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    hand_set(&the_hand.hold, 1);
    the_hand.hold_runs = true;
    request r[2];
    request_start(&b, &r[0], "m", 1, 1);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    b.now_ns += 5000;
    hand_set(&the_hand.hold, 0);
    bed_until(&b, the_hand.count == 1);
    request_start(&b, &r[1], "m", 1, 1);
    b.now_ns += 300;
    hand_let_go();
    bed_until(&b, r[0].ended && r[1].ended);
    CHECK_EQ(r[0].infer.compile_ns, 5000);
    CHECK_EQ(r[0].infer.queue_ns, 5000);
    CHECK(r[0].infer.run_ns > 0);
    CHECK_EQ(r[1].infer.compile_ns, 0); // a hit
    CHECK_EQ(r[1].infer.queue_ns, 300);
    CHECK_EQ(r[0].infer.batch, 1);
    check_result(&b, &r[0], 2, 0);
    check_result(&b, &r[1], 2, 0);
    bed_close(&b);
}

static const test_case cases[] = {
    CASE(a_request_is_answered),
    CASE(inputs_may_be_given_by_name_or_by_position),
    CASE(a2_what_was_submitted_before_is_found),
    CASE(a3_more_requests_than_workers_wait_for_one_compile),
    CASE(a3_waiting_for_a_compile_holds_no_worker),
    CASE(a3_one_worker_runs_beside_a_compile),
    CASE(many_cold_models_leave_a_worker_to_the_hot_one),
    CASE(a4_a_failure_goes_to_all_and_is_tried_again),
    CASE(a_failure_may_be_remembered_for_a_while),
    CASE(lack_of_memory_is_never_remembered),
    CASE(a5_two_runs_of_one_plan_overlap),
    CASE(a_burst_for_one_model_does_not_starve_another),
    CASE(one_models_many_shapes_get_one_models_share),
    CASE(queued_work_of_a_client_that_left_is_not_started),
    CASE(a_run_whose_client_left_is_cancelled),
    CASE(who_leaves_a_flight_leaves_it_to_the_others),
    CASE(the_last_who_leaves_cancels_the_compile),
    CASE(leaving_and_an_answer_race_to_one_outcome),
    CASE(done_may_ask_again),
    CASE(a_request_has_a_time),
    CASE(a_request_that_waits_for_a_load_has_a_time_too),
    CASE(times_are_measured_apart),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

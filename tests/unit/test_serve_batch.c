// SPDX-License-Identifier: MIT
// Requests that run together, and those that must not.
#include "support/serve.h"

enum { MANY = 16 };
static request all[MANY];

static wr_service_options batching(int batch, int64_t wait_ns) {
    wr_service_options options = bed_options();
    options.batch = batch;
    options.batch_ns = wait_ns;
    return options;
}

static void await(bed *b, request *r) {
    while (!r->ended) {
        bed_tick(b, 100);
        bed_turn(b);
    }
}

// warm has the plans for 1, 2, 4, ... `most` items compiled.
static void warm(bed *b, const char *model, float factor, float plus,
                 int most) {
    for (int n = 1; n <= most; n *= 2) {
        uint64_t loaded = cache_counts_of(b).loaded;
        for (int i = 0; i < n; i++)
            request_start(b, &all[i], model, 1, (float)i);
        for (int i = 0; i < n; i++) {
            await(b, &all[i]);
            check_result(b, &all[i], factor, plus);
        }
        bed_until(b, cache_counts_of(b).loaded == loaded + 1);
    }
}

static void requests_run_together(void) {
    bed b;
    wr_service_options options = batching(8, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    warm(&b, "m", 2, 1, 8);
    wr_service_counts before = bed_counts(&b);
    int starts = the_hand.starts;
    for (int i = 0; i < 8; i++)
        request_start(&b, &all[i], "m", 1, (float)(i * i));
    for (int i = 0; i < 8; i++) {
        bed_until(&b, all[i].ended);
        CHECK_EQ(all[i].infer.batch, 8);
        CHECK(all[i].infer.run_ns > 0);
        CHECK_EQ(all[i].infer.results[0].shape.dim[0], 1);
        check_result(&b, &all[i], 2, 1);
    }
    wr_service_counts after = bed_counts(&b);
    CHECK_EQ(the_hand.starts, starts + 1);
    CHECK_EQ(after.batches, before.batches + 1);
    CHECK_EQ(after.batched, before.batched + 8);
    bed_close(&b);
}

static float bits_of(bed *b, int i) {
    bed_until(b, all[i].ended);
    CHECK_EQ(all[i].status, 0);
    return all[i].y[i % WIDTH];
}

static void results_are_those_of_single_runs(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(0.37f, 1.01f, -1));
    warm(&b, "m", 0.37f, 1.01f, 4);
    float single[4];
    for (int i = 0; i < 4; i++) {
        request_start(&b, &all[i], "m", 1, 0.1f * (float)i);
        bed_tick(&b, 1000);
        single[i] = bits_of(&b, i);
        CHECK_EQ(all[i].infer.batch, 1);
        request_end(&b, &all[i]);
    }
    for (int i = 0; i < 4; i++)
        request_start(&b, &all[i], "m", 1, 0.1f * (float)i);
    for (int i = 0; i < 4; i++) {
        CHECK(bits_of(&b, i) == single[i]);
        CHECK_EQ(all[i].infer.batch, 4);
    }
    // Results share memory: each may be given back at any time.
    request_end(&b, &all[2]);
    request_end(&b, &all[0]);
    CHECK(((const float *)all[3].infer.results[0].data)[3] == single[3]);
    request_end(&b, &all[3]);
    request_end(&b, &all[1]);
    bed_close(&b);
}

static void company_is_waited_for_until_a_deadline(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    warm(&b, "m", 2, 1, 2);
    int starts = the_hand.starts;
    request_start(&b, &all[0], "m", 1, 0);
    CHECK_EQ(wr_service_next_deadline(b.service), b.now_ns + 1000);
    bed_tick(&b, 600);
    CHECK_EQ(the_hand.starts, starts);
    request_start(&b, &all[1], "m", 1, 1);
    CHECK_EQ(wr_service_next_deadline(b.service), b.now_ns + 400);
    bed_tick(&b, 399);
    CHECK_EQ(the_hand.starts, starts);
    CHECK_EQ(all[0].ended + all[1].ended, 0);
    bed_tick(&b, 1);
    bed_until(&b, all[0].ended && all[1].ended);
    CHECK_EQ(the_hand.starts, starts + 1);
    CHECK_EQ(all[0].infer.batch, 2);
    check_result(&b, &all[0], 2, 1);
    check_result(&b, &all[1], 2, 1);
    CHECK(wr_service_next_deadline(b.service) ==
          WEIR_FOREVER); // request_ns: their time is not counted any more
    bed_close(&b);
}

static void what_differs_does_not_run_together(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    load_now(&b, "n", affine(3, 1, -1));
    warm(&b, "m", 2, 1, 2);
    warm(&b, "n", 3, 1, 2);
    request_start(&b, &all[0], "m", 1, 0);
    request_start(&b, &all[1], "n", 1, 1); // another model
    request_start(&b, &all[2], "m", 3, 2); // more items than one
    bed_until(&b, all[2].ended);           // it waits for nobody
    CHECK_EQ(all[0].ended + all[1].ended, 0);
    bed_tick(&b, 1000);
    bed_until(&b, all[0].ended && all[1].ended);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(all[i].infer.batch, 1);
    check_result(&b, &all[0], 2, 1);
    check_result(&b, &all[1], 3, 1);
    check_result(&b, &all[2], 2, 1);
    bed_close(&b);
}

// Not a multiple: as few runs as there are bits.
static void what_is_queued_runs_as_powers_of_two(void) {
    bed b;
    wr_service_options options = batching(8, 0);
    options.running = 1;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    request_start(&b, &all[15], "m", 1, 0);
    check_result(&b, &all[15], 2, 1);
    for (int round = 0; round < 3; round++) {
        the_hand.hold_runs = true;
        request_start(&b, &all[15], "m", 1, 0);
        bed_until(&b, the_hand.count == 1);
        for (int i = 0; i < 7; i++)
            request_start(&b, &all[i], "m", 1, (float)i);
        int starts = the_hand.starts;
        hand_let_go();
        for (int i = 0; i < 7; i++)
            bed_until(&b, all[i].ended);
        if (round == 2) { // all plans are there
            CHECK_EQ(the_hand.starts, starts + 3);
            CHECK_EQ(all[0].infer.batch, 4);
            CHECK_EQ(all[3].infer.batch, 4);
            CHECK_EQ(all[4].infer.batch, 2);
            CHECK_EQ(all[6].infer.batch, 1);
        }
        for (int i = 0; i < 7; i++)
            check_result(&b, &all[i], 2, 1);
        check_result(&b, &all[15], 2, 1);
        bed_until(&b, cache_counts_of(&b).loading == 0);
    }
    bed_close(&b);
}

// A plan for more items is compiled beside what goes on.
static void nobody_waits_for_a_bigger_plan(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    warm(&b, "m", 2, 1, 1);
    hand_set(&the_hand.hold, 1);
    for (int i = 0; i < 4; i++)
        request_start(&b, &all[i], "m", 1, (float)i);
    bed_until(&b, tally_get(&the_hand.held) == 1);
    for (int i = 0; i < 4; i++) {
        bed_until(&b, all[i].ended);
        CHECK_EQ(all[i].infer.batch, 1);
        check_result(&b, &all[i], 2, 1);
    }
    hand_set(&the_hand.hold, 0);
    bed_until(&b, cache_counts_of(&b).loading == 0);
    bed_close(&b);
}

static void check_never_together(const char *name, onnx_bytes file,
                                 float factor, float plus, int rounds,
                                 uint64_t compiles) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, name, file);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < 4; i++)
            request_start(&b, &all[i], name, 1, (float)i);
        for (int i = 0; i < 4; i++) {
            await(&b, &all[i]);
            CHECK_EQ(all[i].infer.batch, 1);
            check_result(&b, &all[i], factor, plus);
        }
        bed_until(&b, cache_counts_of(&b).loading == 0);
    }
    CHECK_EQ(tally_get(&the_hand.compiles), compiles);
    CHECK_EQ(bed_counts(&b).batches, 0);
    bed_close(&b);
}

static void a_model_of_one_item_runs_singly(void) {
    check_never_together("m", affine(2, 1, 1), 2, 1, 3, 1);
}

// Its output's first dimension stays 1: it would be the sum over strangers.
static void a_model_that_mixes_its_items_runs_singly(void) {
    onnx_model m = onnx_begin(13);
    int64_t axes[] = {0};
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, WIDTH));
    onnx_initializer(&m, "axes", ONNX_INT64, ONNX_DIMS(1), axes);
    onnx_node(&m, "ReduceSum", "sum", "x axes", "y");
    onnx_attr_int(&m, "keepdims", 1);
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(1, WIDTH));
    check_never_together("m", onnx_end(&m), 1, 0, 3, 3);
}

static void what_the_cache_cannot_keep_is_not_compiled_again_and_again(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    options.cache_bytes = 0;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    for (int round = 0; round < 5; round++) {
        request_start(&b, &all[4], "m", 1, 0); // one plan for all of them
        request_start(&b, &all[0], "m", 1, 0);
        request_start(&b, &all[1], "m", 1, 1);
        await(&b, &all[0]);
        await(&b, &all[1]);
        await(&b, &all[4]);
        check_result(&b, &all[0], 2, 1);
        check_result(&b, &all[1], 2, 1);
        check_result(&b, &all[4], 2, 1);
    }
    bed_until(&b, cache_counts_of(&b).loading == 0);
    CHECK(tally_get(&the_hand.compiles) <= 20);
    bed_close(&b);
}

static void a_bigger_plan_that_fails_is_not_tried_again_and_again(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    warm(&b, "m", 2, 1, 1);
    hand_set(&the_hand.failing, 1000);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 4; i++)
            request_start(&b, &all[i], "m", 1, (float)i);
        for (int i = 0; i < 4; i++) {
            await(&b, &all[i]);
            CHECK_EQ(all[i].infer.batch, 1);
            check_result(&b, &all[i], 2, 1);
        }
        bed_until(&b, cache_counts_of(&b).loading == 0);
    }
    CHECK_EQ(tally_get(&the_hand.compiles), 3); // for 1, 4 and 2 items
    bed_close(&b);
}

// ---- leaving ---------------------------------------------------------------

static void one_that_leaves_a_batch_leaves_the_others_right(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    warm(&b, "m", 2, 1, 4);
    // While it waits for company.
    for (int i = 0; i < 3; i++)
        request_start(&b, &all[i], "m", 1, (float)i);
    wr_service_infer_cancel(b.service, &all[1].infer);
    check_ends(&b, &all[1], -ECANCELED, "the client left");
    bed_tick(&b, 1000);
    bed_until(&b, all[0].ended && all[2].ended);
    CHECK_EQ(all[0].infer.batch, 2);
    check_result(&b, &all[0], 2, 1);
    check_result(&b, &all[2], 2, 1);
    // While it is put together, and while it runs.
    for (int when = 0; when < 2; when++) {
        the_hand.hold_runs = true;
        for (int i = 0; i < 4; i++)
            request_start(&b, &all[i], "m", 1, (float)i);
        if (when == 1)
            bed_until(&b, the_hand.count == 1);
        wr_service_infer_cancel(b.service, &all[3].infer);
        if (when == 1) // at once: nothing reads its memory any more
            check_ends(&b, &all[3], -ECANCELED, "the client left");
        bed_until(&b, the_hand.count == 1);
        hand_let_go();
        if (when == 0)
            check_ends(&b, &all[3], -ECANCELED, "the client left");
        for (int i = 0; i < 3; i++) {
            bed_until(&b, all[i].ended);
            CHECK_EQ(all[i].infer.batch, 4);
            check_result(&b, &all[i], 2, 1);
        }
    }
    bed_close(&b);
}

static void a_batch_that_all_leave_is_cancelled(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    warm(&b, "m", 2, 1, 4);
    for (int when = 0; when < 2; when++) {
        the_hand.hold_runs = true;
        int starts = the_hand.starts;
        for (int i = 0; i < 4; i++)
            request_start(&b, &all[i], "m", 1, (float)i);
        if (when == 1)
            bed_until(&b, the_hand.count == 1);
        for (int i = 0; i < 4; i++)
            wr_service_infer_cancel(b.service, &all[i].infer);
        for (int i = 0; i < 4; i++)
            check_ends(&b, &all[i], -ECANCELED, "the client left");
        CHECK_EQ(the_hand.starts, starts + when);
        hand_let_go();
        bed_until(&b, bed_counts(&b).running == 0);
    }
    bed_close(&b);
}

static void a_batch_that_fails_fails_all_of_it(void) {
    bed b;
    wr_service_options options = batching(4, 1000);
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 1, -1));
    warm(&b, "m", 2, 1, 4);
    the_hand.error = -ENOMEM;
    for (int i = 0; i < 4; i++)
        request_start(&b, &all[i], "m", 1, (float)i);
    for (int i = 0; i < 4; i++)
        check_ends(&b, &all[i], -ENOMEM, "memory");
    bed_close(&b);
}

static void any_life(bed *b) {
    uint64_t random = (uint64_t)b->threads;
    load_now(b, "m", affine(2, 1, -1));
    load_now(b, "n", affine(3, 1, -1));
    for (int round = 0; round < 12; round++) {
        int count = 1 + (int)wr_random_below(&random, MANY);
        float factor[MANY];
        for (int i = 0; i < count; i++) {
            bool m = wr_random_below(&random, 3) > 0;
            factor[i] = m ? 2 : 3;
            request_start(b, &all[i], m ? "m" : "n", 1, (float)i);
            if (wr_random_below(&random, 4) == 0)
                bed_turn(b);
        }
        for (int i = 0; i < count; i++)
            if (wr_random_below(&random, 5) == 0)
                wr_service_infer_cancel(b->service, &all[i].infer);
        for (int i = 0; i < count; i++) {
            await(b, &all[i]);
            CHECK_EQ(all[i].ended, 1);
            if (all[i].status == -ECANCELED)
                request_end(b, &all[i]);
            else
                check_result(b, &all[i], factor[i], 1);
        }
    }
}

static void any_life_of_a_batch_ends_each_request_once(void) {
    wr_service_options options = batching(8, 300);
    options.running = 2;
    for_each_bed(&options, any_life, BED_SEEDS);
}

static const test_case cases[] = {
    CASE(requests_run_together),
    CASE(results_are_those_of_single_runs),
    CASE(company_is_waited_for_until_a_deadline),
    CASE(what_differs_does_not_run_together),
    CASE(what_is_queued_runs_as_powers_of_two),
    CASE(nobody_waits_for_a_bigger_plan),
    CASE(a_model_of_one_item_runs_singly),
    CASE(a_model_that_mixes_its_items_runs_singly),
    CASE(what_the_cache_cannot_keep_is_not_compiled_again_and_again),
    CASE(a_bigger_plan_that_fails_is_not_tried_again_and_again),
    CASE(one_that_leaves_a_batch_leaves_the_others_right),
    CASE(a_batch_that_all_leave_is_cancelled),
    CASE(a_batch_that_fails_fails_all_of_it),
    CASE(any_life_of_a_batch_ends_each_request_once),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

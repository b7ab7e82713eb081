// SPDX-License-Identifier: MIT
// Models: content by digest, names for it, loads in order. A7, H12.
#include "support/serve.h"

static int load_refused(bed *b, const char *name, void *bytes, size_t size,
                        const char *text) {
    loading l = {.load.done = loading_done};
    wr_nn_why why = {{0}};
    int error =
        wr_service_load_take(b->service, &l.load, name, bytes, size, 0, &why);
    CHECK(error < 0);
    if (strstr(why.text, text) == NULL)
        CHECK_FAIL("the line lacks \"%s\": %s", text, why.text);
    return error;
}

static void a7_one_content_under_two_names_is_one(void) {
    bed b;
    bed_open(&b, 2);
    loading l, l2;
    load_start(&b, &l, "one", affine(2, 1, -1), 0);
    load_start(&b, &l2, "two", affine(2, 1, -1), 0);
    bed_until(&b, l.ended && l2.ended);
    CHECK_EQ(l.status, 0);
    CHECK_EQ(l2.status, 0);
    CHECK_EQ(l.load.fresh, 1);
    CHECK_EQ(l2.load.fresh, 1); // the name is, the content is not
    CHECK_STR(l2.load.digest, l.load.digest);
    CHECK_EQ(strlen(l.load.digest), 64);
    uint64_t bytes = bed_counts(&b).models_bytes;
    request r, r2;
    request_start(&b, &r, "one", 1, 1);
    request_start(&b, &r2, "two", 1, 2);
    check_result(&b, &r, 2, 1);
    check_result(&b, &r2, 2, 1);
    CHECK_EQ(tally_get(&the_hand.compiles), 1);
    load_now(&b, "three", affine(2, 1, -1));
    CHECK_EQ(bed_counts(&b).models_bytes, bytes);
    CHECK_EQ(bed_counts(&b).models, 3);
    bed_close(&b);
}

static void a7_other_content_under_a_used_name_is_refused(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    loading l;
    load_start(&b, &l, "m", affine(2, 1, -1), 0); // the same: fine
    bed_until(&b, l.ended);
    CHECK_EQ(l.status, 0);
    CHECK_EQ(l.load.fresh, 0);
    load_start(&b, &l, "m", affine(9, 9, -1), 0);
    bed_until(&b, l.ended);
    CHECK_EQ(l.status, -EEXIST);
    CHECK(strstr(l.load.why.text, "'m' has other content") != NULL);
    request r;
    request_start(&b, &r, "m", 1, 1);
    check_result(&b, &r, 2, 1);
    load_start(&b, &l, "m", affine(9, 9, -1), 1); // asked for
    bed_until(&b, l.ended);
    CHECK_EQ(l.status, 0);
    CHECK_EQ(l.load.fresh, 1);
    request_start(&b, &r, "m", 1, 1);
    check_result(&b, &r, 9, 9);
    wr_service_counts c = bed_counts(&b);
    CHECK_EQ(c.loads, 4);
    CHECK_EQ(c.loads_failed, 1);
    bed_close(&b);
}

// Which of two contents wins does not depend on which is read first.
static void the_first_wins(bed *b) {
    loading l[4];
    request r[2];
    load_start(b, &l[0], "m", affine(2, 1, -1), 0);
    request_start(b, &r[0], "m", 1, 1);
    load_start(b, &l[1], "m", affine(3, 1, -1), 0);
    load_start(b, &l[2], "m", affine(4, 1, -1), 1);
    load_start(b, &l[3], "m", affine(4, 1, -1), 0);
    check_result(b, &r[0], 2, 1);
    bed_until(b, l[0].ended && l[1].ended && l[2].ended && l[3].ended);
    CHECK_EQ(l[0].status, 0);
    CHECK_EQ(l[1].status, -EEXIST);
    CHECK_EQ(l[2].status, 0);
    CHECK_EQ(l[3].status, 0);
    CHECK_EQ(l[3].load.fresh, 0);
    request_start(b, &r[1], "m", 1, 1);
    check_result(b, &r[1], 4, 1);
}

// The first is read last.
static void the_last_read_wins_all_the_same(bed *b) {
    loading l[3];
    request r;
    hand_set(&the_hand.hold_read, 1);
    load_start(b, &l[0], "m", affine(2, 1, -1), 0);
    bed_until(b, tally_get(&the_hand.read_held) == 1);
    load_start(b, &l[1], "m", affine(3, 1, -1), 0);
    load_start(b, &l[2], "m", affine(2, 1, -1), 0);
    request_start(b, &r, "m", 1, 1);
    // With one worker they cannot be read before; with more they are.
    if (b->threads != 1 && weir_pool_width(b->pool) > 1)
        bed_until(b, tally_get(&the_hand.reads) == 1);
    for (int i = 0; i < 3; i++)
        bed_turn(b);
    CHECK_EQ(l[1].ended + l[2].ended, 0);
    hand_set(&the_hand.hold_read, 0);
    bed_until(b, l[0].ended && l[1].ended && l[2].ended);
    CHECK_EQ(l[0].status, 0);
    CHECK_EQ(l[1].status, -EEXIST);
    CHECK_EQ(l[2].status, 0);
    check_result(b, &r, 2, 1);
}

static void loads_of_a_name_take_effect_in_order(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, the_first_wins, BED_SEEDS);
    for_each_bed(&options, the_last_read_wins_all_the_same, BED_SEEDS);
}

// Eight clients bring the same file at once.
static void one_is_read(bed *b) {
    loading l[8];
    hand_set(&the_hand.hold_read, 1);
    for (int i = 0; i < 8; i++) {
        char name[3] = {'m', (char)('0' + i), 0};
        load_start(b, &l[i], name, affine(2, 1, -1), 0);
    }
    hand_set(&the_hand.hold_read, 0);
    for (int i = 0; i < 8; i++) {
        bed_until(b, l[i].ended);
        CHECK_EQ(l[i].status, 0);
    }
    CHECK_EQ(tally_get(&the_hand.reads), 1);
    // What ends badly ends so for all.
    tally_init(&the_hand.reads);
    tally_init(&the_hand.read_held);
    hand_set(&the_hand.hold_read, 1);
    for (int i = 0; i < 8; i++) {
        onnx_bytes bad = affine(2, 1, -1);
        bad.size -= 10;
        load_start(b, &l[i], "bad", bad, 0);
    }
    hand_set(&the_hand.hold_read, 0);
    for (int i = 0; i < 8; i++) {
        bed_until(b, l[i].ended);
        CHECK_EQ(l[i].status, -EINVAL);
    }
    CHECK_EQ(tally_get(&the_hand.reads), 1);
}

static void files_that_are_the_same_are_read_once(void) {
    wr_service_options options = bed_options();
    for_each_bed(&options, one_is_read, BED_SEEDS);
}

// They look the same where it is looked, and are not.
static void files_that_look_the_same_are_told_apart(void) {
    bed b;
    bed_open(&b, 2);
    enum { BIG = 50000 };
    float *w = calloc(BIG, sizeof(float));
    CHECK(w != NULL);
    loading l[3];
    hand_set(&the_hand.hold_read, 1);
    for (int i = 0; i < 3; i++) {
        w[BIG / 2 + 100] = (float)(i / 2); // the third is another
        onnx_model m = onnx_begin(13);
        onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(BIG));
        onnx_initializer(&m, "w", ONNX_FLOAT, ONNX_DIMS(BIG), w);
        onnx_node(&m, "Add", "plus", "x w", "y");
        onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(BIG));
        load_start(&b, &l[i],
                   i == 0   ? "a"
                   : i == 1 ? "b"
                            : "c",
                   onnx_end(&m), 0);
    }
    hand_set(&the_hand.hold_read, 0);
    bed_until(&b, l[0].ended && l[1].ended && l[2].ended);
    CHECK_EQ(tally_get(&the_hand.reads), 2);
    CHECK_STR(l[1].load.digest, l[0].load.digest);
    CHECK(strcmp(l[2].load.digest, l[0].load.digest) != 0);
    free(w);
    bed_close(&b);
}

static void a_failed_load_answers_those_who_waited_for_it(void) {
    bed b;
    bed_open(&b, 1);
    onnx_bytes bad = affine(2, 1, -1);
    bad.size -= 10;
    loading l;
    request r;
    load_start(&b, &l, "m", bad, 0);
    request_start(&b, &r, "m", 1, 1);
    check_ends(&b, &r, -ENOENT, "no model 'm'");
    bed_until(&b, l.ended);
    CHECK_EQ(l.status, -EINVAL);
    // The name is free.
    load_now(&b, "m", affine(2, 1, -1));
    request_start(&b, &r, "m", 1, 1);
    check_result(&b, &r, 2, 1);
    bed_close(&b);
}

static void if_the_next_load_is_good_they_get_that(void) {
    bed b;
    bed_open(&b, 2);
    onnx_bytes bad = affine(2, 1, -1);
    bad.size -= 10;
    loading l[2];
    request r;
    load_start(&b, &l[0], "m", bad, 0);
    load_start(&b, &l[1], "m", affine(3, 1, -1), 0);
    request_start(&b, &r, "m", 1, 1);
    check_result(&b, &r, 3, 1);
    bed_until(&b, l[0].ended && l[1].ended);
    CHECK_EQ(l[0].status, -EINVAL);
    CHECK_EQ(l[1].status, 0);
    bed_close(&b);
}

static void an_operator_that_is_not_there_is_named(void) {
    bed b;
    bed_open(&b, 1);
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(1));
    onnx_node(&m, "Frobnicate", "odd", "x", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(1));
    loading l;
    load_start(&b, &l, "m", onnx_end(&m), 0);
    bed_until(&b, l.ended);
    CHECK_EQ(l.status, -ENOTSUP);
    CHECK(strstr(l.load.why.text, "odd") != NULL);
    CHECK(strstr(l.load.why.text, "Frobnicate") != NULL);
    bed_close(&b);
}

static void names_are_checked(void) {
    bed b;
    bed_open(&b, 1);
    static char bytes[] = "x";
    CHECK_EQ(load_refused(&b, "", bytes, 1, "name"), -EINVAL);
    CHECK_EQ(load_refused(&b, NULL, bytes, 1, "name"), -EINVAL);
    CHECK_EQ(load_refused(&b, "a/b", bytes, 1, "name"), -EINVAL);
    CHECK_EQ(load_refused(&b, "a b", bytes, 1, "name"), -EINVAL);
    char name[66];
    memset(name, 'n', 65);
    name[65] = 0;
    CHECK_EQ(load_refused(&b, name, bytes, 1, "name"), -EINVAL);
    CHECK_EQ(load_refused(&b, "m", bytes, 0, "empty"), -EINVAL);
    CHECK_EQ(load_refused(&b, "m", NULL, 5, "empty"), -EINVAL);
    CHECK_EQ(bed_counts(&b).models, 0);
    name[64] = 0;
    load_now(&b, name, affine(2, 1, -1));
    load_now(&b, "A-z_0.9", affine(2, 1, -1));
    bed_close(&b);
}

typedef struct listing {
    char names[256];
    int count, stop_at;
} listing;

static int list_one(void *context, const wr_model_info *info) {
    listing *l = context;
    snprintf(l->names + strlen(l->names), sizeof(l->names) - strlen(l->names),
             "%s:%d:%d ", info->name, info->nodes, (int)info->requests);
    CHECK(info->bytes > 0);
    CHECK_EQ(strlen(info->digest), 64);
    CHECK_EQ(info->graph->inputs, 1);
    return ++l->count == l->stop_at;
}

static void models_are_listed_in_order(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "b", affine(2, 1, -1));
    load_now(&b, "c", affine(3, 1, -1));
    load_now(&b, "a", affine(4, 1, -1));
    request r;
    for (int i = 0; i < 2; i++) {
        request_start(&b, &r, "c", 1, 1);
        check_result(&b, &r, 3, 1);
    }
    listing l = {.count = 0};
    wr_service_models(b.service, list_one, &l);
    CHECK_STR(l.names, "a:2:0 b:2:0 c:2:2 ");
    l = (listing){.stop_at = 2};
    wr_service_models(b.service, list_one, &l);
    CHECK_STR(l.names, "a:2:0 b:2:0 ");
    bed_close(&b);
}

static void unloading_forgets_a_name_and_lets_work_go_on(void) {
    bed b;
    bed_open(&b, 2);
    wr_nn_why why = {{0}};
    CHECK_EQ(wr_service_unload(b.service, "m", &why), -ENOENT);
    load_now(&b, "m", affine(2, 1, -1));
    hand_set(&the_hand.hold, 1);
    request r;
    request_start(&b, &r, "m", 1, 1);
    CHECK_EQ(wr_service_unload(b.service, "m", &why), 0);
    CHECK_EQ(bed_counts(&b).models, 0);
    request other;
    request_init(&other, "m", 1, 1);
    CHECK_EQ(request_try(&b, &other, &why), -ENOENT);
    hand_set(&the_hand.hold, 0);
    check_result(&b, &r, 2, 1);
    // Its plan keeps it while it is kept itself; then nothing does.
    CHECK(bed_counts(&b).models_bytes > 0);
    weir_cache_clear(wr_service_cache(b.service));
    bed_until(&b, bed_counts(&b).models_bytes == 0);
    loading l;
    load_start(&b, &l, "m", affine(3, 1, -1), 0);
    CHECK_EQ(wr_service_unload(b.service, "m", &why), -EAGAIN);
    bed_until(&b, l.ended);
    bed_close(&b);
}

// A plan that somebody replaces under it serves to the end.
static void a_plan_outlives_its_name_and_its_entry(void) {
    bed b;
    bed_open(&b, 2);
    load_now(&b, "m", affine(2, 1, -1));
    request r[2];
    request_start(&b, &r[0], "m", 1, 1);
    check_result(&b, &r[0], 2, 1);
    the_hand.hold_runs = true;
    request_start(&b, &r[0], "m", 1, 1);
    request_start(&b, &r[1], "m", 1, 2);
    loading l;
    load_start(&b, &l, "m", affine(5, 5, -1), 1);
    bed_until(&b, l.ended);
    weir_cache_clear(wr_service_cache(b.service));
    hand_let_go();
    check_result(&b, &r[0], 2, 1);
    check_result(&b, &r[1], 2, 1);
    request_start(&b, &r[0], "m", 1, 1);
    check_result(&b, &r[0], 5, 5);
    bed_close(&b);
}

static void a_wrong_request_is_refused_with_a_line(void) {
    bed b;
    bed_open(&b, 1);
    load_now(&b, "m", affine(2, 1, 2));
    load_now(&b, "add", adder());
    wr_nn_why why;
    request r;
    request_init(&r, "nobody", 1, 1);
    CHECK_EQ(request_try(&b, &r, &why), -ENOENT);
    CHECK(strstr(why.text, "nobody") != NULL);
    request_init(&r, "m", 1, 1); // one row, not two
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    CHECK(strstr(why.text, "[2,4]") != NULL);
    request_init(&r, "m", 2, 1);
    r.input.name = "z";
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    CHECK(strstr(why.text, "'z' is not one of the model's") != NULL);
    request_init(&r, "m", 2, 1);
    r.input.data = NULL;
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    CHECK(strstr(why.text, "no values") != NULL);
    request_init(&r, "m", 2, 1);
    r.input.shape.dim[0] = 0;
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    request_init(&r, "m", 2, 1);
    r.input.shape.type = WR_NN_I64;
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    request_init(&r, "m", 2, 1);
    r.input.shape.rank = WR_NN_RANK_MAX + 1;
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    request_init(&r, "m", 2, 1);
    r.infer.count = 0;
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    CHECK(strstr(why.text, "'x' is not given") != NULL);
    request_init(&r, "add", 1, 1);
    r.input.name = "a";
    wr_infer_tensor twice[2] = {r.input, r.input};
    r.infer.inputs = twice;
    r.infer.count = 2;
    CHECK_EQ(request_try(&b, &r, &why), -EINVAL);
    CHECK(strstr(why.text, "given twice") != NULL);
    request_end(&b, &r); // of a refused one: nothing
    CHECK_EQ(bed_counts(&b).requests, 0);
    bed_close(&b);
}

static const test_case cases[] = {
    CASE(a7_one_content_under_two_names_is_one),
    CASE(a7_other_content_under_a_used_name_is_refused),
    CASE(loads_of_a_name_take_effect_in_order),
    CASE(files_that_are_the_same_are_read_once),
    CASE(files_that_look_the_same_are_told_apart),
    CASE(a_failed_load_answers_those_who_waited_for_it),
    CASE(if_the_next_load_is_good_they_get_that),
    CASE(an_operator_that_is_not_there_is_named),
    CASE(names_are_checked),
    CASE(models_are_listed_in_order),
    CASE(unloading_forgets_a_name_and_lets_work_go_on),
    CASE(a_plan_outlives_its_name_and_its_entry),
    CASE(a_wrong_request_is_refused_with_a_line),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// Many clients that do everything at once. A1.
#include "support/serve_context.h"

enum { CLIENTS = 64, CONTENTS = 8, ROUNDS = 4 };

// A client with a context of its own: it builds, writes, dispatches and reads,
// and asks at the simple door in between.
typedef struct client {
    wr_context *context;
    uint64_t in, out;
    building g;
    reading rd;
    request r[2];
    int content;
} client;

static client clients[CLIENTS];

static float factor_of(int content) { return (float)(2 + content); }

static void client_start(bed *b, client *k, uint64_t *random) {
    char name[8];
    k->content = (int)wr_random_below(random, CONTENTS);
    snprintf(name, sizeof(name), "m%d", k->content);
    request_start(b, &k->r[0], name, 1, 1);
    // Half of them bring the content themselves.
    if (wr_random_below(random, 2) == 0)
        build_start(k->context, name, &k->g);
    else
        build_from(k->context, affine(factor_of(k->content), 0, -1), NULL,
                   &k->g);
    write_row(k->context, k->in, 3);
    dispatch(k->context, k->g.id, k->in, k->out);
    read_start(k->context, k->out, &k->rd);
    request_start(b, &k->r[1], name, 1 + (int)wr_random_below(random, 3), 2);
}

static void client_check(bed *b, client *k) {
    float factor = factor_of(k->content);
    check_built(b, &k->g);
    check_row(b, &k->rd, 3, factor, 0);
    check_result(b, &k->r[0], factor, 0);
    check_result(b, &k->r[1], factor, 0);
    wr_nn_why why;
    CHECK_EQ(wr_graph_destroy(k->context, k->g.id, &why), 0);
}

static void everybody(bed *b) {
    uint64_t random = (uint64_t)b->threads + 7;
    for (int i = 0; i < CONTENTS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "m%d", i);
        load_now(b, name, affine(factor_of(i), 0, -1));
    }
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].context = context_open(b);
        clients[i].in = tensor_new(clients[i].context);
        clients[i].out = tensor_new(clients[i].context);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            client_start(b, &clients[i], &random);
            if (wr_random_below(&random, 8) == 0)
                bed_turn(b);
        }
        for (int i = 0; i < CLIENTS; i++)
            client_check(b, &clients[i]);
    }
    // One compile for each content and shape, whoever asked, in whatever way.
    CHECK(tally_get(&the_hand.compiles) <= CONTENTS * 3);
    wr_service_counts c = bed_counts(b);
    CHECK_EQ(c.requests, CLIENTS * ROUNDS * 2);
    CHECK_EQ(c.succeeded, CLIENTS * ROUNDS * 2);
    CHECK_EQ(c.dispatches, CLIENTS * ROUNDS);
    CHECK_EQ(c.dispatches_failed, 0);
    CHECK_EQ(c.reads, CLIENTS * ROUNDS);
    for (int i = 0; i < CLIENTS; i++)
        wr_context_destroy(clients[i].context);
}

static void a1_compiles_and_computes_of_many_clients_mix(void) {
    wr_service_options options = bed_options();
    options.requests = 2 * CLIENTS;
    for_each_bed(&options, everybody, 8);
}

static void a1_with_a_cache_that_is_too_small(void) {
    wr_service_options options = bed_options();
    options.requests = 2 * CLIENTS;
    options.running = 3;
    bed b;
    bed_open_with(&b, 2, &options);
    load_now(&b, "m", affine(2, 0, -1));
    request r;
    request_start(&b, &r, "m", 1, 1);
    check_result(&b, &r, 2, 0);
    options.cache_bytes = cache_counts_of(&b).bytes * 3;
    bed_close(&b);
    bed_open_with(&b, 2, &options);
    for (int i = 0; i < CONTENTS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "m%d", i);
        load_now(&b, name, affine(factor_of(i), 0, -1));
    }
    uint64_t random = 3;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].context = context_open(&b);
        clients[i].in = tensor_new(clients[i].context);
        clients[i].out = tensor_new(clients[i].context);
        client_start(&b, &clients[i], &random);
    }
    for (int i = 0; i < CLIENTS; i++)
        client_check(&b, &clients[i]);
    CHECK(cache_counts_of(&b).bytes_max <= options.cache_bytes);
    CHECK(cache_counts_of(&b).removed[WEIR_REMOVED_SIZE] > 0);
    bed_close(&b);
}

// ---- any program of a context ----------------------------------------------

// Steps at random on a few tensors, beside the same ones one after the other.
enum { TENSORS = 4, STEPS = 40 };

typedef struct model_run {
    float value[TENSORS]; // of the first place; the others follow
    float plus[TENSORS];  // what the places differ by
    reading rd[STEPS];
    float ought[STEPS], ought_plus[STEPS];
    int reads;
} model_run;

static model_run runs;

static void random_step(wr_context *c, const uint64_t *tensor,
                        const building *graphs, model_run *m,
                        uint64_t *random) {
    int at = (int)wr_random_below(random, TENSORS);
    int to = (int)wr_random_below(random, TENSORS);
    uint32_t what = wr_random_below(random, 4);
    if (what == 0) {
        float value = (float)wr_random_below(random, 50);
        write_row(c, tensor[at], value);
        m->value[at] = value;
        m->plus[at] = 1;
    } else if (what == 1) {
        m->ought[m->reads] = m->value[at];
        m->ought_plus[m->reads] = m->plus[at];
        read_start(c, tensor[at], &m->rd[m->reads++]);
    } else if (at != to) {
        int g = (int)wr_random_below(random, 3);
        static const float times[] = {-1, 0.5f, 1};
        static const float plus[] = {2, 1, 3};
        dispatch(c, graphs[g].id, tensor[at], tensor[to]);
        m->value[to] = m->value[at] * times[g] + plus[g];
        m->plus[to] = m->plus[at] * times[g];
    }
}

static void any_program(bed *b) {
    static const float times[] = {-1, 0.5f, 1};
    static const float plus[] = {2, 1, 3};
    uint64_t random = (uint64_t)b->threads * 31 + 5;
    for (int round = 0; round < 10; round++) {
        wr_context *c = context_open(b);
        uint64_t tensor[TENSORS];
        building graphs[3];
        model_run *m = &runs;
        memset(m, 0, sizeof(*m));
        for (int i = 0; i < TENSORS; i++)
            tensor[i] = tensor_new(c);
        for (int i = 0; i < 3; i++)
            build_from(c, affine(times[i], plus[i], -1), NULL, &graphs[i]);
        for (int i = 0; i < STEPS; i++) {
            random_step(c, tensor, graphs, m, &random);
            if (wr_random_below(&random, 4) == 0)
                bed_turn(b);
        }
        for (int i = 0; i < m->reads; i++) {
            bed_until(b, m->rd[i].ended);
            CHECK_EQ(m->rd[i].status, 0);
            for (int k = 0; k < WIDTH; k++)
                CHECK(fabsf(m->rd[i].row[k] -
                            (m->ought[i] + m->ought_plus[i] * (float)k)) <
                      1e-3f);
            wr_read_end(&m->rd[i].read);
        }
        bed_until(b, graphs[0].ended && graphs[1].ended && graphs[2].ended);
        wr_context_destroy(c);
    }
}

static void any_program_is_as_if_one_step_after_the_other(void) {
    wr_service_options options = bed_options();
    options.running = 3;
    for_each_bed(&options, any_program, 20);
}

static const test_case cases[] = {
    CASE(a1_compiles_and_computes_of_many_clients_mix),
    CASE(a1_with_a_cache_that_is_too_small),
    CASE(any_program_is_as_if_one_step_after_the_other),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// What orders two tasks, and what does not.
#include "support/graph.h"

enum { BYTES = 4096 };

// A graph on two workers with one buffer.
typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
    weir_buffer buffer;
    unsigned char memory[BYTES];
} bench;

static void bench_open(bench *b) {
    memset(b, 0, sizeof(*b));
    b->pool = pool_of(2);
    b->graph = graph_of(b->pool);
    b->flow = flow_of(b->graph);
    b->buffer = buffer_of(b->graph, b->memory, BYTES);
}

static void bench_close(bench *b) {
    CHECK_EQ(flow_end(b->flow), 0);
    CHECK_EQ(weir_buffer_close(b->graph, b->buffer), 0);
    graph_close(b->graph);
    pool_close(b->pool);
}

// follows: while a task with the first access runs, does one with the second
// wait? The one worker that is free takes ready tasks in order: if the marker
// has ended and the second has not, it was not ready.
static int follows(bench *b, weir_access first, weir_access second) {
    holder h;
    probe p = {0};
    holder_hold(&h, b->flow, 0, &first, 1);
    weir_task task = task_of(b->flow, &probing, &p, &second, 1);
    settle(b->graph, b->flow);
    int waits = !has_ended(b->graph, task);
    holder_open(&h);
    CHECK_EQ(task_end(b->graph, task), 0);
    CHECK_EQ(p.ran, 1);
    CHECK_EQ(holder_end(&h, b->graph), 0);
    return waits;
}

static int ranges_follow(bench *b, uint32_t first, size_t at, size_t bytes,
                         uint32_t second, size_t at2, size_t bytes2) {
    weir_access one = WEIR_ACCESS(first, b->buffer, at, bytes);
    weir_access two = WEIR_ACCESS(second, b->buffer, at2, bytes2);
    return follows(b, one, two);
}

static void modes_order_as_they_say(void) {
    static const int waits[5][5] = {
        // of:   -  R  W  RW U    after
        {0, 0, 0, 0, 0}, //
        {0, 0, 1, 1, 0}, // READ
        {0, 1, 1, 1, 0}, // WRITE
        {0, 1, 1, 1, 0}, // READWRITE
        {0, 0, 0, 0, 0}, // UNORDERED
    };
    bench b;
    bench_open(&b);
    for (uint32_t first = WEIR_READ; first <= WEIR_UNORDERED; first++)
        for (uint32_t second = WEIR_READ; second <= WEIR_UNORDERED; second++)
            CHECK_EQ(ranges_follow(&b, first, 64, 64, second, 100, 64),
                     waits[first][second]);
    bench_close(&b);
}

static void bytes_that_only_touch_are_apart(void) {
    bench b;
    bench_open(&b);
    CHECK(!ranges_follow(&b, WEIR_WRITE, 0, 10, WEIR_WRITE, 10, 10));
    CHECK(!ranges_follow(&b, WEIR_WRITE, 10, 10, WEIR_READ, 0, 10));
    CHECK(ranges_follow(&b, WEIR_WRITE, 0, 11, WEIR_WRITE, 10, 10));
    CHECK(ranges_follow(&b, WEIR_WRITE, 10, 10, WEIR_READ, 0, 11));
    CHECK(ranges_follow(&b, WEIR_WRITE, 5, 1, WEIR_READ, 0, 11));
    CHECK(ranges_follow(&b, WEIR_WRITE, 0, 11, WEIR_READ, 5, 1));
    CHECK(!ranges_follow(&b, WEIR_WRITE, BYTES - 1, 1, WEIR_READ, 0, 1));
    bench_close(&b);
}

static weir_access whole(bench *b, uint32_t mode) {
    return (weir_access)ALL_OF(mode, b->buffer);
}

static void the_whole_buffer_is_all_its_bytes(void) {
    bench b;
    bench_open(&b);
    weir_access last = WEIR_ACCESS(WEIR_READ, b.buffer, BYTES - 1, 1);
    weir_access first = WEIR_ACCESS(WEIR_READ, b.buffer, 0, 1);
    CHECK(follows(&b, whole(&b, WEIR_WRITE), last));
    CHECK(follows(&b, whole(&b, WEIR_WRITE), first));
    CHECK(follows(&b, last, whole(&b, WEIR_WRITE)));
    CHECK(follows(&b, whole(&b, WEIR_READ), whole(&b, WEIR_READWRITE)));
    CHECK(!follows(&b, whole(&b, WEIR_READ), whole(&b, WEIR_READ)));
    bench_close(&b);
}

// ---- tiles against a picture of bytes --------------------------------------

enum { SIDE = 12, AREA = SIDE * SIDE };

static void paint(const weir_access *a, unsigned char *picture) {
    memset(picture, 0, BYTES);
    uint32_t rows = a->rows == 0 ? 1 : a->rows;
    for (uint32_t r = 0; r < rows; r++)
        memset(picture + a->offset + r * a->stride, 1, a->bytes);
}

static int share_a_byte(const weir_access *a, const weir_access *b) {
    unsigned char one[BYTES], two[BYTES];
    paint(a, one);
    paint(b, two);
    for (size_t i = 0; i < BYTES; i++)
        if (one[i] && two[i])
            return 1;
    return 0;
}

static weir_access any_tile(bench *b, uint32_t mode, uint64_t *state) {
    // Mostly of one matrix, sometimes with a stride of its own.
    size_t stride =
        draw_below(state, 3) == 0 ? 1 + draw_below(state, 20) : SIDE;
    size_t bytes = 1 + draw_below(state, (uint32_t)stride);
    uint32_t rows = draw_below(state, 7);
    size_t offset = draw_below(state, AREA / 2);
    weir_access tile = WEIR_TILE(mode, b->buffer, offset, bytes, rows, stride);
    if (rows < 2 && draw_below(state, 2) == 0)
        tile.stride = 0;
    return tile;
}

static void tiles_wait_exactly_for_common_bytes(void) {
    bench b;
    bench_open(&b);
    uint64_t state = 7;
    int apart = 0, common = 0;
    for (int i = 0; i < 600 / TEST_SMALLER + 200; i++) {
        weir_access one = any_tile(&b, WEIR_WRITE, &state);
        weir_access two = any_tile(&b, WEIR_READWRITE, &state);
        int expected = share_a_byte(&one, &two);
        if (follows(&b, one, two) != expected)
            CHECK_FAIL("round %d: %zu+%zu*%u/%zu and %zu+%zu*%u/%zu", i,
                       one.offset, one.bytes, one.rows, one.stride, two.offset,
                       two.bytes, two.rows, two.stride);
        common += expected;
        apart += !expected;
    }
    CHECK(apart > 20 && common > 20);
    bench_close(&b);
}

static void interleaved_columns_run_at_the_same_time(void) {
    bench b;
    bench_open(&b);
    weir_access left = WEIR_TILE(WEIR_READWRITE, b.buffer, 0, 4, 8, 8);
    weir_access right = WEIR_TILE(WEIR_READWRITE, b.buffer, 4, 4, 8, 8);
    weir_access row = WEIR_ACCESS(WEIR_READ, b.buffer, 16, 8);
    CHECK(!follows(&b, left, right));
    CHECK(follows(&b, left, row));
    CHECK(follows(&b, row, right));
    bench_close(&b);
}

static void tiles_of_a_grid_run_at_the_same_time(void) {
    // All hold their tile at once: on as many workers as tiles they meet.
    weir_pool *pool = pool_of(4);
    weir_graph *graph = graph_of(pool);
    static unsigned char memory[64];
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    weir_flow *flow = flow_of(graph);
    gate all;
    gate_init(&all);
    probe p[4] = {{0}};
    for (size_t i = 0; i < 4; i++) {
        p[i].gate = &all;
        size_t at = (i / 2) * 32 + (i % 2) * 4;
        task_go(flow, &probing, &p[i],
                ACCESSES(WEIR_TILE(WEIR_READWRITE, buffer, at, 4, 4, 8)));
    }
    gate_await(&all, 4);
    gate_open(&all);
    CHECK_EQ(flow_end(flow), 0);
    gate_fini(&all);
    graph_close(graph);
    pool_close(pool);
}

static void a_reader_waits_for_every_writer_of_its_bytes(void) {
    weir_pool *pool = pool_of(4);
    weir_graph *graph = graph_of(pool);
    static unsigned char memory[64];
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    weir_flow *flow = flow_of(graph);
    holder h[3];
    probe p = {0};
    for (size_t i = 0; i < 3; i++)
        holder_hold(&h[i], flow, 0,
                    ACCESSES(WEIR_ACCESS(WEIR_WRITE, buffer, i * 20, 20)));
    weir_task reader =
        task_of(flow, &probing, &p, ACCESSES(ALL_OF(WEIR_READ, buffer)));
    for (size_t i = 0; i < 3; i++) {
        settle(graph, flow);
        CHECK(!has_ended(graph, reader));
        holder_open(&h[i]);
        CHECK_EQ(holder_end(&h[i], graph), 0);
    }
    CHECK_EQ(task_end(graph, reader), 0);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(graph);
    pool_close(pool);
}

static void a_writer_waits_for_every_reader(void) {
    weir_pool *pool = pool_of(4);
    weir_graph *graph = graph_of(pool);
    static unsigned char memory[64];
    weir_buffer buffer = buffer_of(graph, memory, sizeof(memory));
    weir_flow *flow = flow_of(graph);
    holder h[3];
    probe p = {0};
    for (size_t i = 0; i < 3; i++)
        holder_hold(&h[i], flow, 0,
                    ACCESSES(WEIR_ACCESS(WEIR_READ, buffer, i, 32)));
    weir_task writer = task_of(
        flow, &probing, &p, ACCESSES(WEIR_ACCESS(WEIR_WRITE, buffer, 31, 1)));
    for (size_t i = 3; i-- > 0;) {
        settle(graph, flow);
        CHECK(!has_ended(graph, writer));
        holder_open(&h[i]);
        CHECK_EQ(holder_end(&h[i], graph), 0);
    }
    CHECK_EQ(task_end(graph, writer), 0);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(graph);
    pool_close(pool);
}

// ---- chains, explicit edges ------------------------------------------------

typedef struct step {
    uint64_t *sum;
    uint64_t expected;
} step;

static int step_run(const weir_kernel_call *call) {
    step *s = argument_of(call);
    uint64_t seen = *s->sum;
    breathe(call);
    CHECK(call->data_count == 0 || call->data[0] == s->sum);
    *s->sum = seen + 1;
    return seen == s->expected ? 0 : -EIO;
}

static const weir_kernel stepping = {"step", step_run};

enum { STEPS = 300 };

static void readwrite_chains_run_in_order(weir_pool *pool) {
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    static uint64_t sums[4];
    static step s[4][STEPS];
    memset(sums, 0, sizeof(sums));
    weir_buffer buffer = buffer_of(graph, sums, sizeof(sums));
    for (size_t i = 0; i < STEPS; i++)
        for (size_t j = 0; j < 4; j++) {
            s[j][i] = (step){&sums[j], i};
            task_go(flow, &stepping, &s[j][i],
                    ACCESSES(WEIR_ACCESS(WEIR_READWRITE, buffer, j * 8, 8)));
        }
    CHECK_EQ(flow_end(flow), 0);
    for (size_t j = 0; j < 4; j++)
        CHECK_EQ(sums[j], STEPS);
    graph_close(graph);
}

static void a_readwrite_chain_runs_in_order(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, readwrite_chains_run_in_order, 20);
}

static void explicit_edges(weir_pool *pool) {
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    uint64_t sum = 0;
    static step s[STEPS];
    weir_task last = {0};
    for (size_t i = 0; i < STEPS; i++) {
        s[i] = (step){&sum, i};
        weir_task next = task_after(flow, &stepping, &s[i], &last, i > 0);
        if (i > 0)
            CHECK_EQ(weir_task_release(graph, last), 0);
        last = next;
    }
    CHECK_EQ(task_end(graph, last), 0);
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(sum, STEPS);
    graph_close(graph);
}

static void edges_of_ones_own_order_tasks(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, explicit_edges, 20);
}

static void an_edge_may_come_from_what_has_ended(void) {
    bench b;
    bench_open(&b);
    weir_task first = task_of(b.flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(outcome_of(b.graph, first).status, 0);
    weir_task twice[] = {first, first};
    weir_task second = task_after(b.flow, &empty, NULL, twice, 2);
    CHECK_EQ(task_end(b.graph, second), 0);
    CHECK_EQ(task_end(b.graph, first), 0);
    CHECK_EQ(graph_counts(b.graph).edges, 0);
    bench_close(&b);
}

// A task with one edge from each of many, and one before as many.
static void many_to_one_and_one_to_many(void) {
    enum { FAN = 1000 };
    bench b;
    bench_open(&b);
    static weir_task all[FAN];
    static probe p[FAN];
    tally clock;
    tally_init(&clock);
    probe head = {.clock = &clock}, tail = {.clock = &clock};
    weir_task first = task_of(b.flow, &probing, &head, NO_ACCESS);
    for (size_t i = 0; i < FAN; i++) {
        p[i] = (probe){.clock = &clock};
        all[i] = task_after(b.flow, &probing, &p[i], &first, 1);
    }
    weir_task last = task_after(b.flow, &probing, &tail, all, FAN);
    CHECK_EQ(task_end(b.graph, last), 0);
    for (size_t i = 0; i < FAN; i++) {
        CHECK_EQ(task_end(b.graph, all[i]), 0);
        CHECK(head.ended < p[i].began && p[i].ended < tail.began);
    }
    CHECK_EQ(task_end(b.graph, first), 0);
    bench_close(&b);
}

// ---- what a kernel gets ----------------------------------------------------

typedef struct expect {
    void *data[4];
    uint32_t count;
} expect;

static int look_run(const weir_kernel_call *call) {
    const expect *e = argument_of(call);
    CHECK_EQ(call->data_count, e->count);
    for (uint32_t i = 0; i < e->count; i++)
        CHECK(call->data[i] == e->data[i]);
    CHECK_EQ(call->member, 0);
    CHECK_EQ(call->members, 1);
    CHECK(call->self == weir_worker_self());
    CHECK_EQ(call->worker, weir_worker_index(call->self));
    return 0;
}

static const weir_kernel looking = {"look", look_run};

static void a_kernel_gets_what_was_named(void) {
    bench b;
    bench_open(&b);
    expect e = {{b.memory + 8, b.memory, b.memory + 96, b.memory + 200}, 4};
    task_go(b.flow, &looking, &e,
            ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 8, 8),
                     WEIR_ACCESS(WEIR_UNORDERED, b.buffer, 0, BYTES),
                     WEIR_TILE(WEIR_WRITE, b.buffer, 96, 4, 3, 16),
                     WEIR_ACCESS(WEIR_READWRITE, b.buffer, 200, 1)));
    bench_close(&b);
}

typedef struct lot {
    unsigned char bytes[100000];
} lot;

static int lot_run(const weir_kernel_call *call) {
    const lot *l = call->arguments;
    CHECK_EQ(call->arguments_size, sizeof(*l));
    CHECK_EQ((uintptr_t)l % 16, 0);
    for (size_t i = 0; i < sizeof(l->bytes); i++)
        CHECK_EQ(l->bytes[i], (unsigned char)(i * 7));
    return 0;
}

static void arguments_are_copied(void) {
    bench b;
    bench_open(&b);
    static lot l;
    static const weir_kernel kernel = {"lot", lot_run};
    for (size_t i = 0; i < sizeof(l.bytes); i++)
        l.bytes[i] = (unsigned char)(i * 7);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &kernel;
    spec.arguments = &l;
    spec.arguments_size = sizeof(l);
    CHECK_EQ(weir_flow_submit(b.flow, &spec, NULL), 0);
    memset(&l, 0, sizeof(l));
    bench_close(&b);
}

// ---- priority, fairness ----------------------------------------------------

static void ready_tasks_go_by_priority_then_in_order(void) {
    weir_pool *pool = pool_of(1);
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    held busy;
    hold(pool, &busy);
    tally clock;
    tally_init(&clock);
    static const int32_t priority[6] = {
        WEIR_PRIORITY_LOW,  WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_HIGH,
        WEIR_PRIORITY_HIGH, WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_LOW};
    static const uint64_t turn[6] = {5, 3, 1, 2, 4, 6};
    probe p[6];
    for (size_t i = 0; i < 6; i++) {
        p[i] = (probe){.clock = &clock};
        void *argument = &p[i];
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        spec.kernel = &probing;
        spec.arguments = &argument;
        spec.arguments_size = sizeof(argument);
        spec.priority = priority[i];
        CHECK_EQ(weir_flow_submit(flow, &spec, NULL), 0);
    }
    release(&busy);
    CHECK_EQ(flow_end(flow), 0);
    for (size_t i = 0; i < 6; i++)
        CHECK_EQ(p[i].ended, 2 * turn[i]);
    wait_idle(pool);
    gate_fini(&busy.gate);
    graph_close(graph);
    pool_close(pool);
}

static const test_case cases[] = {
    {"modes_order_as_they_say", modes_order_as_they_say},
    {"bytes_that_only_touch_are_apart", bytes_that_only_touch_are_apart},
    {"the_whole_buffer_is_all_its_bytes", the_whole_buffer_is_all_its_bytes},
    {"tiles_wait_exactly_for_common_bytes",
     tiles_wait_exactly_for_common_bytes},
    {"interleaved_columns_run_at_the_same_time",
     interleaved_columns_run_at_the_same_time},
    {"tiles_of_a_grid_run_at_the_same_time",
     tiles_of_a_grid_run_at_the_same_time},
    {"a_reader_waits_for_every_writer_of_its_bytes",
     a_reader_waits_for_every_writer_of_its_bytes},
    {"a_writer_waits_for_every_reader", a_writer_waits_for_every_reader},
    {"a_readwrite_chain_runs_in_order", a_readwrite_chain_runs_in_order},
    {"edges_of_ones_own_order_tasks", edges_of_ones_own_order_tasks},
    {"an_edge_may_come_from_what_has_ended",
     an_edge_may_come_from_what_has_ended},
    {"many_to_one_and_one_to_many", many_to_one_and_one_to_many},
    {"a_kernel_gets_what_was_named", a_kernel_gets_what_was_named},
    {"arguments_are_copied", arguments_are_copied},
    {"ready_tasks_go_by_priority_then_in_order",
     ready_tasks_go_by_priority_then_in_order},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

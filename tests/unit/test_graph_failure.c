// SPDX-License-Identifier: MIT
// What a failure takes with it, what it leaves alone, and how data are good
// again.
#include "support/graph.h"

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
    weir_buffer buffer;
    unsigned char memory[256];
} bench;

static void bench_on(bench *b, weir_pool *pool) {
    memset(b, 0, sizeof(*b));
    b->pool = pool;
    b->graph = graph_of(b->pool);
    b->flow = flow_of(b->graph);
    b->buffer = buffer_of(b->graph, b->memory, sizeof(b->memory));
}

static void bench_open(bench *b) { bench_on(b, pool_of(2)); }

static int bench_off(bench *b) {
    int status = flow_end(b->flow);
    graph_close(b->graph);
    return status;
}

static int bench_close(bench *b) {
    int status = bench_off(b);
    pool_close(b->pool);
    return status;
}

static weir_task touch(bench *b, const weir_kernel *kernel, uint32_t mode,
                       size_t at, size_t bytes) {
    return task_of(b->flow, kernel, NULL,
                   ACCESSES(WEIR_ACCESS(mode, b->buffer, at, bytes)));
}

// ended_well: a task that only looks tells whether the data are there.
static int is_good(bench *b, size_t at, size_t bytes) {
    weir_task task = touch(b, &empty, WEIR_READ, at, bytes);
    weir_task_outcome o = outcome_of(b->graph, task);
    CHECK_EQ(o.ran, o.status == 0);
    CHECK_EQ(weir_task_release(b->graph, task), 0);
    return o.status == 0;
}

static void check_poisoned(bench *b, weir_task task, uint64_t root,
                           int status) {
    weir_task_outcome o = outcome_of(b->graph, task);
    CHECK_EQ(o.status, status);
    CHECK_EQ(o.ran, 0);
    CHECK_EQ(o.root, root);
    CHECK(o.number > root);
    CHECK_EQ(weir_task_release(b->graph, task), 0);
}

static void a_reader_fails_with_its_writer(void) {
    bench b;
    bench_open(&b);
    weir_task bad = touch(&b, &failing, WEIR_WRITE, 0, 16);
    weir_task early = touch(&b, &empty, WEIR_READ, 15, 8);
    weir_task apart = touch(&b, &empty, WEIR_READ, 16, 8);
    weir_task_outcome o = outcome_of(b.graph, bad);
    CHECK_EQ(o.status, -EIO);
    CHECK_EQ(o.ran, 1);
    CHECK_EQ(o.root, o.number);
    CHECK_EQ(o.signal, 0);
    CHECK_EQ(o.exit_status, -1);
    CHECK_STR(o.kernel, "fail");
    CHECK_STR(o.reason, "");
    weir_task late = touch(&b, &empty, WEIR_READ, 0, 1);
    check_poisoned(&b, early, o.number, -EIO);
    check_poisoned(&b, late, o.number, -EIO);
    CHECK_EQ(task_end(b.graph, apart), 0);
    CHECK_EQ(task_end(b.graph, bad), -EIO);
    weir_graph_counts c = graph_counts(b.graph);
    CHECK_EQ(c.failed, 1);
    CHECK_EQ(c.poisoned, 2);
    CHECK_EQ(c.succeeded, 1);
    CHECK_EQ(bench_close(&b), -EIO);
}

static void the_reason_goes_along(void) {
    bench b;
    bench_open(&b);
    probe p = {.result = -ENOSPC, .why = "disk 7 is full"};
    weir_task bad = task_of(b.flow, &probing, &p,
                            ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    weir_task middle = touch(&b, &empty, WEIR_READWRITE, 0, 8);
    weir_task last = touch(&b, &empty, WEIR_READ, 7, 1);
    weir_task all[] = {bad, middle, last};
    for (size_t i = 0; i < 3; i++) {
        weir_task_outcome o = outcome_of(b.graph, all[i]);
        CHECK_EQ(o.status, -ENOSPC);
        CHECK_STR(o.reason, "disk 7 is full");
        CHECK_STR(o.kernel, "probe");
        CHECK_EQ(o.root, 1);
        CHECK_EQ(o.number, i + 1);
        CHECK_EQ(weir_task_release(b.graph, all[i]), 0);
    }
    weir_flow_close(b.flow);
    int status;
    CHECK_EQ(weir_flow_wait(b.flow, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, -ENOSPC);
    weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_flow_outcome(b.flow, &o), 0);
    CHECK_EQ(o.number, 1);
    CHECK_STR(o.reason, "disk 7 is full");
    CHECK_EQ(bench_close(&b), -ENOSPC);
}

static void d25_a_long_reason_is_cut_between_characters(void) {
    bench b;
    bench_open(&b);
    static char text[2001]; // two bytes to each character
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    probe p = {.result = -EIO, .why = text};
    weir_task_outcome o =
        outcome_of(b.graph, task_of(b.flow, &probing, &p, NO_ACCESS));
    size_t length = strlen(o.reason);
    CHECK(length < WEIR_REASON_MAX && length > WEIR_REASON_MAX - 4);
    CHECK_EQ(length % 2, 0);
    CHECK_EQ(strncmp(o.reason, text, length), 0);
    CHECK_EQ(bench_close(&b), -EIO);
}

static void a_positive_result_is_a_failure(void) {
    bench b;
    bench_open(&b);
    probe p = {.result = 3};
    weir_task task = task_of(b.flow, &probing, &p, NO_ACCESS);
    CHECK_EQ(task_end(b.graph, task), -EINVAL);
    CHECK_EQ(bench_close(&b), -EINVAL);
}

static void writers_and_earlier_readers_are_not_poisoned(void) {
    bench b;
    bench_open(&b);
    gate g;
    gate_init(&g);
    probe p = {.gate = &g, .result = -EIO};
    weir_task before = touch(&b, &empty, WEIR_READ, 0, 8);
    weir_task bad = task_of(b.flow, &probing, &p,
                            ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    weir_task writes = touch(&b, &empty, WEIR_WRITE, 4, 8);
    weir_task unordered = touch(&b, &empty, WEIR_UNORDERED, 0, 8);
    weir_task apart = touch(&b, &empty, WEIR_READWRITE, 100, 8);
    gate_await(&g, 1);
    gate_open(&g);
    CHECK_EQ(task_end(b.graph, bad), -EIO);
    CHECK_EQ(task_end(b.graph, before), 0);
    CHECK_EQ(task_end(b.graph, writes), 0);
    CHECK_EQ(task_end(b.graph, unordered), 0);
    CHECK_EQ(task_end(b.graph, apart), 0);
    gate_fini(&g);
    CHECK_EQ(bench_close(&b), -EIO);
}

// ---- good again ------------------------------------------------------------

static void a_write_that_covers_heals(void) {
    bench b;
    bench_open(&b);
    CHECK_EQ(task_end(b.graph, touch(&b, &failing, WEIR_WRITE, 16, 16)), -EIO);
    CHECK(!is_good(&b, 16, 1));
    // Parts of it do not, not even together; nor READWRITE, which fails.
    CHECK_EQ(task_end(b.graph, touch(&b, &empty, WEIR_WRITE, 16, 8)), 0);
    CHECK_EQ(task_end(b.graph, touch(&b, &empty, WEIR_WRITE, 24, 8)), 0);
    CHECK(!is_good(&b, 16, 16));
    CHECK_EQ(task_end(b.graph, touch(&b, &empty, WEIR_READWRITE, 16, 16)),
             -EIO);
    CHECK(!is_good(&b, 31, 1));
    // One that covers more does.
    CHECK_EQ(task_end(b.graph, touch(&b, &empty, WEIR_WRITE, 8, 32)), 0);
    CHECK(is_good(&b, 16, 16));
    CHECK(is_good(&b, 0, 256));
    CHECK_EQ(task_end(b.graph, touch(&b, &empty, WEIR_READWRITE, 16, 16)), 0);
    CHECK_EQ(bench_close(&b), -EIO);
}

static void a_write_under_several_failures_heals_them_all(void) {
    bench b;
    bench_open(&b);
    for (size_t i = 0; i < 8; i++)
        CHECK_EQ(task_end(b.graph, touch(&b, &failing, WEIR_WRITE, i * 12, 16)),
                 -EIO);
    weir_task tile =
        task_of(b.flow, &failing, NULL,
                ACCESSES(WEIR_TILE(WEIR_WRITE, b.buffer, 130, 3, 5, 10)));
    CHECK_EQ(task_end(b.graph, tile), -EIO);
    CHECK(!is_good(&b, 140, 1));
    CHECK(is_good(&b, 133, 7));
    CHECK_EQ(task_end(b.graph, touch(&b, &empty, WEIR_WRITE, 0, 200)), 0);
    CHECK(is_good(&b, 0, 256));
    CHECK_EQ(bench_close(&b), -EIO);
}

static void a_healing_write_may_be_submitted_before_the_failure(void) {
    bench b;
    bench_open(&b);
    gate g;
    gate_init(&g);
    probe p = {.gate = &g, .result = -EIO};
    weir_task bad = task_of(b.flow, &probing, &p,
                            ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    weir_task poisoned = touch(&b, &empty, WEIR_READ, 0, 8);
    weir_task heals = touch(&b, &empty, WEIR_WRITE, 0, 8);
    weir_task fine = touch(&b, &empty, WEIR_READ, 0, 8);
    gate_await(&g, 1);
    gate_open(&g);
    CHECK_EQ(task_end(b.graph, bad), -EIO);
    CHECK_EQ(task_end(b.graph, poisoned), -EIO);
    CHECK_EQ(task_end(b.graph, heals), 0);
    CHECK_EQ(task_end(b.graph, fine), 0);
    gate_fini(&g);
    CHECK_EQ(bench_close(&b), -EIO);
}

static void mend_makes_data_good(void) {
    bench b;
    bench_open(&b);
    static unsigned char other[8];
    weir_buffer second = buffer_of(b.graph, other, sizeof(other));
    weir_task bad = task_of(b.flow, &failing, NULL,
                            ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8),
                                     WEIR_ACCESS(WEIR_WRITE, second, 0, 8)));
    CHECK_EQ(task_end(b.graph, bad), -EIO);
    CHECK_EQ(task_end(b.graph, touch(&b, &failing, WEIR_WRITE, 50, 8)), -EIO);
    CHECK(!is_good(&b, 0, 8) && !is_good(&b, 57, 1));
    CHECK_EQ(weir_buffer_mend(b.graph, b.buffer), 0);
    CHECK(is_good(&b, 0, 256));
    weir_task reads = task_of(b.flow, &empty, NULL,
                              ACCESSES(WEIR_ACCESS(WEIR_READ, second, 0, 1)));
    CHECK_EQ(task_end(b.graph, reads), -EIO); // of another buffer
    CHECK_EQ(bench_close(&b), -EIO);
}

static void a_buffer_that_is_closed_forgets_its_failures(void) {
    bench b;
    bench_open(&b);
    CHECK_EQ(task_end(b.graph, touch(&b, &failing, WEIR_WRITE, 0, 8)), -EIO);
    CHECK(!is_good(&b, 0, 8));
    CHECK_EQ(weir_buffer_close(b.graph, b.buffer), 0);
    b.buffer = buffer_of(b.graph, b.memory, sizeof(b.memory));
    CHECK(is_good(&b, 0, 256));
    CHECK_EQ(bench_close(&b), -EIO);
}

static void memory_of_the_heap_comes_without_old_failures(void) {
    bench b;
    bench_open(&b);
    for (int i = 0; i < 10; i++) {
        weir_buffer buffer;
        void *memory;
        CHECK_EQ(weir_flow_scope_begin(b.flow), 0);
        CHECK_EQ(
            weir_buffer_alloc(b.flow, RING, WEIR_FOREVER, &buffer, &memory), 0);
        weir_task reads =
            task_of(b.flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_READ, buffer)));
        weir_task bad = task_of(b.flow, &failing, NULL,
                                ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
        CHECK_EQ(task_end(b.graph, reads), 0);
        CHECK_EQ(task_end(b.graph, bad), -EIO);
        CHECK_EQ(weir_flow_scope_end(b.flow), 0);
    }
    CHECK_EQ(bench_close(&b), -EIO);
}

// ---- roots -----------------------------------------------------------------

static void the_lowest_root_counts(void) {
    for (uint64_t seed = 0; seed < 50; seed++) {
        bench b;
        bench_on(&b, pool_seeded(seed, 4));
        probe p[3] = {
            {.result = -EIO}, {.result = -ENOSPC}, {.result = -EPIPE}};
        weir_task t[3];
        for (size_t i = 0; i < 3; i++)
            t[i] = task_of(b.flow, &probing, &p[i],
                           ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, i, 1)));
        weir_task reads = touch(&b, &empty, WEIR_READ, 0, 3);
        weir_task later = touch(&b, &empty, WEIR_READ, 1, 2);
        weir_task last[] = {later, t[2]};
        weir_task by_edge = task_after(b.flow, &empty, NULL, last, 2);
        check_poisoned(&b, reads, 1, -EIO);
        check_poisoned(&b, by_edge, 2, -ENOSPC);
        check_poisoned(&b, later, 2, -ENOSPC);
        CHECK_EQ(bench_off(&b), -EIO);
        pool_close(b.pool);
    }
}

static void the_flow_has_the_status_of_its_first_task(void) {
    for (uint64_t seed = 0; seed < 50; seed++) {
        bench b;
        bench_on(&b, pool_seeded(seed, 3));
        probe p[2] = {{.result = -ENOSPC}, {.result = -EPIPE}};
        for (size_t i = 0; i < 2; i++)
            task_go(b.flow, &probing, &p[i], NO_ACCESS);
        task_go(b.flow, &empty, NULL, NO_ACCESS);
        CHECK_EQ(bench_off(&b), -ENOSPC);
        pool_close(b.pool);
    }
}

static void an_edge_from_a_failed_task_poisons(void) {
    bench b;
    bench_open(&b);
    weir_task bad = task_of(b.flow, &failing, NULL, NO_ACCESS);
    weir_task early = task_after(b.flow, &empty, NULL, &bad, 1);
    CHECK_EQ(task_end(b.graph, early), -EIO);
    weir_task late = task_after(b.flow, &empty, NULL, &bad, 1);
    CHECK_EQ(task_end(b.graph, late), -EIO);
    weir_task pair[] = {{0}, late};
    pair[1] = task_of(b.flow, &empty, NULL, NO_ACCESS);
    weir_task fine = task_after(b.flow, &empty, NULL, pair, 2);
    CHECK_EQ(task_end(b.graph, fine), 0);
    CHECK_EQ(task_end(b.graph, pair[1]), 0);
    CHECK_EQ(task_end(b.graph, bad), -EIO);
    CHECK_EQ(bench_close(&b), -EIO);
}

// The handle is released while what failed by it is still asked about.
static void an_edge_from_a_released_failure_is_remembered(void) {
    bench b;
    bench_open(&b);
    weir_task bad = task_of(b.flow, &failing, NULL, NO_ACCESS);
    CHECK_EQ(outcome_of(b.graph, bad).status, -EIO);
    settle(b.graph, b.flow);
    weir_task late = task_after(b.flow, &empty, NULL, &bad, 1);
    CHECK_EQ(outcome_of(b.graph, late).status, -EIO);
    CHECK_EQ(weir_task_release(b.graph, bad), 0);
    for (int i = 0; i < 2000; i++)
        task_go(b.flow, &empty, NULL, NO_ACCESS);
    weir_task_outcome o = outcome_of(b.graph, late);
    CHECK_EQ(o.status, -EIO);
    CHECK_EQ(o.root, 1);
    CHECK_STR(o.kernel, "fail");
    weir_task last = task_after(b.flow, &empty, NULL, &late, 1);
    CHECK_EQ(weir_task_release(b.graph, late), 0);
    CHECK_EQ(outcome_of(b.graph, last).root, 1);
    CHECK_EQ(bench_close(&b), -EIO);
}

// It is named once its flow has gone too: by the handle alone it is known.
static void a_failure_named_after_its_flow_is_remembered(void) {
    bench b;
    bench_open(&b);
    weir_flow *first = flow_of(b.graph);
    weir_task bad = task_of(first, &failing, NULL, NO_ACCESS);
    CHECK_EQ(flow_end(first), -EIO);
    weir_task late = task_after(b.flow, &empty, NULL, &bad, 1);
    CHECK_EQ(weir_task_release(b.graph, bad), 0);
    for (int i = 0; i < 2000; i++)
        task_go(b.flow, &empty, NULL, NO_ACCESS);
    weir_task_outcome o = outcome_of(b.graph, late);
    CHECK_EQ(o.status, -EIO);
    CHECK_EQ(o.root, 1);
    CHECK_STR(o.kernel, "fail");
    CHECK_EQ(weir_task_release(b.graph, late), 0);
    CHECK_EQ(bench_close(&b), -EIO);
}

static void poison_crosses_flows(void) {
    bench b;
    bench_open(&b);
    weir_flow *second = flow_of(b.graph);
    weir_task bad = touch(&b, &failing, WEIR_WRITE, 0, 8);
    weir_task reads = task_of(second, &empty, NULL,
                              ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 0, 8)));
    check_poisoned(&b, reads, 1, -EIO);
    CHECK_EQ(flow_end(second), -EIO);
    CHECK_EQ(task_end(b.graph, bad), -EIO);
    CHECK_EQ(bench_close(&b), -EIO);
}

// The root is known after its handle, its task and its flow are gone.
static void a_root_is_remembered_longer_than_its_flow(void) {
    bench b;
    bench_open(&b);
    weir_flow *first = flow_of(b.graph);
    probe p = {.result = -ENOSPC, .why = "long ago"};
    task_go(first, &probing, &p,
            ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    CHECK_EQ(flow_end(first), -ENOSPC);
    for (int i = 0; i < 5000; i++)
        task_go(b.flow, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer,
                                     8 + (size_t)(i % 240), 8)));
    weir_task reads = touch(&b, &empty, WEIR_READ, 0, 1);
    weir_task_outcome o = outcome_of(b.graph, reads);
    CHECK_EQ(o.status, -ENOSPC);
    CHECK_EQ(o.root, 1);
    CHECK_STR(o.reason, "long ago");
    CHECK_EQ(task_end(b.graph, reads), -ENOSPC);
    CHECK_EQ(bench_close(&b), -ENOSPC);
}

// ---- among very many pieces ------------------------------------------------

enum { PIECES = 80000 }; // more than are kept when nothing is known of them

// A graph with a buffer of 4 * PIECES bytes, of which the first 64 are apart.
static void many_open(bench *b, unsigned char **memory) {
    bench_open(b);
    *memory = calloc(PIECES, 4);
    CHECK(*memory != NULL);
    CHECK_EQ(weir_buffer_close(b->graph, b->buffer), 0);
    b->buffer = buffer_of(b->graph, *memory, (size_t)PIECES * 4);
}

static void name_many_pieces(bench *b) {
    for (size_t i = 64; i < PIECES; i++)
        task_go(b->flow, NULL, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b->buffer, i * 4, 4)));
}

static void a_failure_is_not_forgotten_among_many_pieces(void) {
    bench b;
    unsigned char *memory;
    many_open(&b, &memory);
    CHECK_EQ(task_end(b.graph, touch(&b, &failing, WEIR_WRITE, 0, 8)), -EIO);
    name_many_pieces(&b);
    CHECK(graph_counts(b.graph).regions < PIECES); // some were forgotten
    CHECK(!is_good(&b, 7, 1));
    CHECK(is_good(&b, 8, 1));
    CHECK_EQ(bench_close(&b), -EIO);
    free(memory);
}

// A writer that others cover fails after all the rest has been forgotten.
static void a_covered_writer_may_fail_late(void) {
    bench b;
    unsigned char *memory;
    many_open(&b, &memory);
    holder h;
    holder_hold(&h, b.flow, -EIO,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    weir_task covers = touch(&b, &empty, WEIR_WRITE, 0, 16);
    name_many_pieces(&b);
    weir_task reads = touch(&b, &empty, WEIR_READ, 4, 4);
    holder_open(&h);
    CHECK_EQ(task_end(b.graph, covers), 0);
    CHECK_EQ(task_end(b.graph, reads), 0);
    CHECK_EQ(holder_end(&h, b.graph), -EIO);
    CHECK(is_good(&b, 0, 8));
    CHECK_EQ(bench_close(&b), -EIO);
    free(memory);
}

// ---- what does not run keeps its place -------------------------------------

static void what_is_poisoned_keeps_its_place(void) {
    bench b;
    bench_open(&b);
    CHECK_EQ(task_end(b.graph, touch(&b, &failing, WEIR_WRITE, 0, 8)), -EIO);
    holder h; // reads [64, 72) for long
    holder_hold(&h, b.flow, 0,
                ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 64, 8)));
    weir_task skipped =
        task_of(b.flow, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 0, 8),
                         WEIR_ACCESS(WEIR_WRITE, b.buffer, 64, 8)));
    weir_task writes = touch(&b, &empty, WEIR_WRITE, 64, 8);
    settle(b.graph, b.flow);
    CHECK(!has_ended(b.graph, skipped)); // else the next would overtake h
    CHECK(!has_ended(b.graph, writes));
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(task_end(b.graph, skipped), -EIO);
    CHECK_EQ(task_end(b.graph, writes), 0);
    CHECK_EQ(bench_close(&b), -EIO);
}

static void what_is_cancelled_keeps_its_place(void) {
    bench b;
    bench_open(&b);
    holder h;
    holder_hold(&h, b.flow, 0,
                ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 64, 8)));
    weir_flow *second = flow_of(b.graph);
    weir_task skipped =
        task_of(second, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 64, 8)));
    weir_flow_cancel(second);
    weir_task writes = touch(&b, &empty, WEIR_WRITE, 64, 8);
    settle(b.graph, b.flow);
    CHECK(!has_ended(b.graph, skipped));
    CHECK(!has_ended(b.graph, writes));
    CHECK_EQ(weir_flow_wait(second, 0, NULL), -ETIMEDOUT);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(task_end(b.graph, skipped), -ECANCELED);
    CHECK_EQ(task_end(b.graph, writes), 0);
    CHECK_EQ(flow_end(second), -ECANCELED);
    CHECK_EQ(bench_close(&b), 0);
}

// ---- many ------------------------------------------------------------------

static void d15_a_chain_of_a_million_fails(void) {
    bench b;
    bench_open(&b);
    holder h;
    holder_hold(&h, b.flow, -EIO,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    for (int i = 1; i < MANY; i++)
        task_go(b.flow, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_READWRITE, b.buffer, 0, 8)));
    CHECK_EQ(graph_counts(b.graph).live, MANY);
    weir_task last = touch(&b, &empty, WEIR_READ, 0, 8);
    holder_open(&h);
    check_poisoned(&b, last, 1, -EIO);
    CHECK_EQ(graph_counts(b.graph).poisoned, MANY);
    CHECK_EQ(holder_end(&h, b.graph), -EIO);
    CHECK_EQ(bench_close(&b), -EIO);
}

static void a_failure_takes_many_dependents_at_once(void) {
    enum { WIDE = 100000 / TEST_SMALLER };
    bench b;
    bench_open(&b);
    holder h;
    holder_hold(&h, b.flow, -EIO,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    for (int i = 0; i < WIDE; i++)
        task_go(b.flow, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 0, 8)));
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), -EIO);
    CHECK_EQ(flow_end(b.flow), -EIO);
    CHECK_EQ(graph_counts(b.graph).poisoned, WIDE);
    graph_close(b.graph);
    pool_close(b.pool);
}

static void independent_branches_finish(void) {
    enum { BRANCHES = 16, LENGTH = 50 };
    bench b;
    bench_open(&b);
    tally ran;
    tally_init(&ran);
    for (size_t i = 0; i < LENGTH; i++)
        for (size_t j = 0; j < BRANCHES; j++)
            task_go(b.flow, i == 5 && j % 4 == 0 ? &failing : &counting, &ran,
                    ACCESSES(WEIR_ACCESS(WEIR_READWRITE, b.buffer, j * 8, 8)));
    CHECK_EQ(flow_end(b.flow), -EIO);
    weir_graph_counts c = graph_counts(b.graph);
    CHECK_EQ(c.failed, 4);
    CHECK_EQ(c.poisoned, 4 * (LENGTH - 6));
    CHECK_EQ(tally_get(&ran), 12 * LENGTH + 4 * 5);
    graph_close(b.graph);
    pool_close(b.pool);
}

static const test_case cases[] = {
    CASE(a_reader_fails_with_its_writer),
    CASE(the_reason_goes_along),
    CASE(d25_a_long_reason_is_cut_between_characters),
    CASE(a_positive_result_is_a_failure),
    CASE(writers_and_earlier_readers_are_not_poisoned),
    CASE(a_write_that_covers_heals),
    CASE(a_write_under_several_failures_heals_them_all),
    CASE(a_healing_write_may_be_submitted_before_the_failure),
    CASE(mend_makes_data_good),
    CASE(a_buffer_that_is_closed_forgets_its_failures),
    CASE(memory_of_the_heap_comes_without_old_failures),
    CASE(the_lowest_root_counts),
    CASE(the_flow_has_the_status_of_its_first_task),
    CASE(an_edge_from_a_failed_task_poisons),
    CASE(an_edge_from_a_released_failure_is_remembered),
    CASE(a_failure_named_after_its_flow_is_remembered),
    CASE(poison_crosses_flows),
    CASE(a_root_is_remembered_longer_than_its_flow),
    CASE(a_failure_is_not_forgotten_among_many_pieces),
    CASE(a_covered_writer_may_fail_late),
    CASE(what_is_poisoned_keeps_its_place),
    CASE(what_is_cancelled_keeps_its_place),
    CASE(d15_a_chain_of_a_million_fails),
    CASE(a_failure_takes_many_dependents_at_once),
    CASE(independent_branches_finish),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

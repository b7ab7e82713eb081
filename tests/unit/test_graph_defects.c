// SPDX-License-Identifier: MIT
// Defects of the system that was looked at (research, 4.1 and 4.2): each is
// answered by a test that carries its number. Those not here are in the file
// that src/graph/conformance.md names.
#include "support/graph.h"

#include <time.h>

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
} bench;

static bench bench_on(weir_pool *pool, size_t ring_bytes) {
    bench b = {.pool = pool};
    weir_graph_options options = graph_options(pool);
    options.ring_bytes = ring_bytes;
    options.heap_timeout_ns = WEIR_FOREVER;
    b.graph = graph_open(&options);
    b.flow = flow_of(b.graph);
    return b;
}

static bench bench_of(int threads) { return bench_on(pool_of(threads), RING); }

static void bench_close(bench *b) {
    CHECK_EQ(flow_end(b->flow), 0);
    graph_close(b->graph);
    pool_close(b->pool);
}

static int try_take(weir_flow *flow, size_t bytes, weir_buffer *out) {
    void *memory;
    return weir_buffer_alloc(flow, bytes, 0, out, &memory);
}

static weir_buffer take(weir_flow *flow, size_t bytes) {
    weir_buffer buffer = {0};
    CHECK_EQ(try_take(flow, bytes, &buffer), 0);
    return buffer;
}

static void give(bench *b, weir_buffer buffer) {
    CHECK_EQ(weir_buffer_close(b->graph, buffer), 0);
}

// ---- allocator -------------------------------------------------------------

static void d1_an_empty_ring_takes_all_that_it_can_hold(void) {
    bench b = bench_of(1);
    for (size_t first = 64; first < RING; first += RING / 8) {
        weir_buffer one = take(b.flow, first);
        weir_buffer two = take(b.flow, 64);
        give(&b, one);
        give(&b, two); // empty: wherever it stopped
        give(&b, take(b.flow, RING));
    }
    bench_close(&b);
}

static void d2_one_block_back_is_room_for_one(void) {
    bench b = bench_of(1);
    weir_buffer two[2] = {take(b.flow, RING / 2), take(b.flow, RING / 2)};
    for (int i = 0; i < 20; i++) {
        give(&b, two[i % 2]);
        two[i % 2] = take(b.flow, RING / 2);
    }
    bench_close(&b);
}

// Runs that follow each other, two at any time, for ever: nothing grows.
static void d4_memory_is_flat_while_there_is_always_a_run(void) {
    enum { RUNS = 20000 / TEST_SMALLER, TASKS = 16 };
    bench b = bench_of(2);
    static uint64_t word;
    weir_buffer buffer = buffer_of(b.graph, &word, sizeof(word));
    weir_flow *before = flow_of(b.graph);
    weir_graph_counts early = {0};
    for (int run = 0; run < RUNS; run++) {
        weir_flow *next = flow_of(b.graph);
        for (int i = 0; i < TASKS; i++)
            task_go(next, &empty, NULL,
                    ACCESSES(ALL_OF(WEIR_READWRITE, buffer)));
        CHECK_EQ(flow_end(before), 0); // it is in flight until here
        before = next;
        if (run == RUNS / 10)
            early = graph_counts(b.graph);
    }
    weir_graph_counts late = graph_counts(b.graph);
    CHECK(late.slots <= early.slots + 256);
    CHECK(late.slots <= 1024);
    CHECK(late.regions <= early.regions + 8);
    CHECK_EQ(flow_end(before), 0);
    bench_close(&b);
}

static void d5_no_size_is_rounded_to_nothing(void) {
    bench b = bench_of(1);
    static const size_t sizes[] = {
        SIZE_MAX,        SIZE_MAX - 1,    SIZE_MAX - 62,   SIZE_MAX - 63,
        SIZE_MAX - 64,   SIZE_MAX - 1022, SIZE_MAX - 1023, SIZE_MAX - 4095,
        SIZE_MAX - 4096, SIZE_MAX / 2 + 1};
    for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
        weir_buffer buffer = {77};
        CHECK_EQ(try_take(b.flow, sizes[i], &buffer), -E2BIG);
        weir_access out[2] = {
            {.bytes = 64, .mode = WEIR_WRITE, .allocate = &buffer},
            {.bytes = sizes[i], .mode = WEIR_WRITE, .allocate = &buffer}};
        int error = task_try(b.flow, &empty, NULL, out + 1, 1, NULL);
        CHECK(error == -E2BIG || error == -EINVAL); // SIZE_MAX: WEIR_WHOLE
        weir_buffer second = {77};
        out[0].allocate = &second;
        error = task_try(b.flow, &empty, NULL, out, 2, NULL);
        CHECK(error == -E2BIG || error == -EINVAL);
        CHECK(buffer.id == 77 && second.id == 77);
    }
    CHECK_EQ(graph_counts(b.graph).heap_used[0], 0);
    bench_close(&b);
}

static void d6_a_ring_of_an_odd_size_holds_that_much(void) {
    static const size_t sizes[] = {1, 63, 65, 1500, 4095, 4097, 100000};
    for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
        bench b = bench_on(pool_of(1), sizes[i]);
        give(&b, take(b.flow, sizes[i]));
        bench_close(&b);
    }
}

// A wake-up that comes between the look and the sleep is not lost.
typedef struct waiter {
    weir_flow *flow;
    int answer;
    tally begun;
    pthread_t thread;
} waiter;

static void *waiter_main(void *argument) {
    waiter *w = argument;
    weir_buffer buffer;
    void *memory;
    tally_add(&w->begun);
    w->answer = weir_buffer_alloc(w->flow, 64, WEIR_FOREVER, &buffer, &memory);
    return NULL;
}

static void d8_no_wake_up_is_lost(void) {
    bench b = bench_of(2);
    for (int round = 0; round < 400 / TEST_SMALLER + 50; round++) {
        weir_buffer all = take(b.flow, RING);
        waiter w = {.flow = flow_of(b.graph)};
        tally_init(&w.begun);
        w.thread = thread_start(waiter_main, &w);
        tally_await(&w.begun, 1);
        for (int i = 0; i < round % 50; i++)
            sched_yield(); // earlier, meanwhile, later
        if (round % 2)
            give(&b, all);
        else
            weir_flow_cancel(w.flow);
        thread_join(w.thread);
        CHECK_EQ(w.answer, round % 2 ? 0 : -ESHUTDOWN);
        CHECK_EQ(flow_end(w.flow), 0);
        if (round % 2 == 0)
            give(&b, all);
    }
    bench_close(&b);
}

// ---- lifetimes -------------------------------------------------------------

// A writer that nobody reads from holds its memory all the same.
static void d9_a_queued_writer_holds_its_memory(void) {
    bench b = bench_of(2);
    holder h;
    CHECK_EQ(weir_flow_scope_begin(b.flow), 0);
    weir_buffer buffer = take(b.flow, RING);
    holder_hold(&h, b.flow, 0, NO_ACCESS);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_access access = ALL_OF(WEIR_WRITE, buffer);
    spec.accesses = &access;
    spec.accesses_count = 1;
    spec.after = &h.task;
    spec.after_count = 1;
    CHECK_EQ(weir_flow_submit(b.flow, &spec, NULL), 0);
    CHECK_EQ(weir_flow_scope_end(b.flow), 0);
    weir_buffer other;
    CHECK_EQ(try_take(b.flow, 64, &other), -ETIMEDOUT);
    CHECK_EQ(graph_counts(b.graph).heap_used[0], RING);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    settle(b.graph, b.flow);
    while (try_take(b.flow, RING, &other) == -ETIMEDOUT)
        sched_yield();
    bench_close(&b);
}

static void d9_what_is_used_after_its_scope_is_refused(void) {
    bench b = bench_of(2);
    CHECK_EQ(weir_flow_scope_begin(b.flow), 0);
    weir_buffer old = take(b.flow, 64);
    CHECK_EQ(weir_flow_scope_end(b.flow), 0);
    for (int i = 0; i < 20; i++) { // its memory is others' meanwhile
        CHECK_EQ(weir_flow_scope_begin(b.flow), 0);
        weir_buffer next = take(b.flow, 64);
        CHECK(next.id != old.id);
        CHECK_EQ(task_try(b.flow, &empty, NULL,
                          ACCESSES(ALL_OF(WEIR_READ, old)), NULL),
                 -ESTALE);
        CHECK_EQ(weir_flow_scope_end(b.flow), 0);
    }
    bench_close(&b);
}

// 4.2: cancellation gave back what a running task still read.
static void a_cancel_leaves_running_tasks_their_memory(void) {
    bench b = bench_of(2);
    weir_flow *flow = flow_of(b.graph);
    holder h;
    weir_buffer buffer = take(flow, RING), other;
    holder_hold(&h, flow, 0, ACCESSES(ALL_OF(WEIR_READ, buffer)));
    weir_flow_cancel(flow);
    CHECK_EQ(try_take(b.flow, 64, &other), -ETIMEDOUT);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(try_take(b.flow, RING, &other), 0);
    bench_close(&b);
}

// ---- dependencies ----------------------------------------------------------

// Each slice is named twice, and whole rows of them by one more: in all far
// more than could be looked through one after the other.
static void d10_slices_of_one_buffer_stay_cheap(void) {
    enum { SLICES = 40000 / TEST_SMALLER };
    bench b = bench_of(2);
    unsigned char *memory = calloc(SLICES, 8);
    CHECK(memory != NULL);
    weir_buffer buffer = buffer_of(b.graph, memory, (size_t)SLICES * 8);
    holder h;
    holder_hold(&h, b.flow, 0, ACCESSES(ALL_OF(WEIR_READ, buffer)));
    int64_t begin = weir_now_ns();
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < SLICES; i++)
            task_go(b.flow, &empty, NULL,
                    ACCESSES(WEIR_ACCESS(WEIR_READWRITE, buffer, i * 8, 8)));
    CHECK(weir_now_ns() - begin < (int64_t)20 * 1000000000);
    CHECK_EQ(graph_counts(b.graph).live, 2 * SLICES + 1);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(flow_end(b.flow), 0);
    graph_close(b.graph);
    pool_close(b.pool);
    free(memory);
}

static void d11_readers_and_writers_are_ordered_too(void) {
    bench b = bench_of(2);
    static uint64_t word;
    weir_buffer buffer = buffer_of(b.graph, &word, sizeof(word));
    static const uint32_t modes[][2] = {{WEIR_READ, WEIR_WRITE},
                                        {WEIR_WRITE, WEIR_WRITE},
                                        {WEIR_READ, WEIR_READWRITE}};
    for (size_t i = 0; i < TEST_COUNT(modes); i++) {
        holder h;
        holder_hold(&h, b.flow, 0, ACCESSES(ALL_OF(modes[i][0], buffer)));
        weir_task task = task_of(b.flow, &empty, NULL,
                                 ACCESSES(ALL_OF(modes[i][1], buffer)));
        weir_task edge = task_after(b.flow, &empty, NULL, AFTER(h.task));
        settle(b.graph, b.flow);
        CHECK(!has_ended(b.graph, task) && !has_ended(b.graph, edge));
        holder_open(&h);
        CHECK_EQ(task_end(b.graph, task), 0);
        CHECK_EQ(task_end(b.graph, edge), 0);
        CHECK_EQ(holder_end(&h, b.graph), 0);
    }
    bench_close(&b);
}

static void d12_ranges_with_other_offsets_overlap(void) {
    bench b = bench_of(2);
    static unsigned char memory[64];
    weir_buffer buffer = buffer_of(b.graph, memory, sizeof(memory));
    holder h;
    holder_hold(&h, b.flow, 0,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, buffer, 8, 16)));
    weir_task task = task_of(b.flow, &empty, NULL,
                             ACCESSES(WEIR_ACCESS(WEIR_READ, buffer, 20, 30)));
    settle(b.graph, b.flow);
    CHECK(!has_ended(b.graph, task));
    holder_open(&h);
    CHECK_EQ(task_end(b.graph, task), 0);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

static void d13_buffers_are_told_apart_by_themselves(void) {
    enum { BUFFERS = 4000 };
    bench b = bench_of(2);
    static unsigned char memory[BUFFERS];
    static weir_buffer buffer[BUFFERS];
    for (size_t i = 0; i < BUFFERS; i++)
        buffer[i] = buffer_of(b.graph, memory + (i * 7) % BUFFERS, 1);
    held busy[2];
    for (int i = 0; i < 2; i++)
        hold(b.pool, &busy[i]); // nothing ends meanwhile
    for (size_t i = 0; i < BUFFERS; i++)
        task_go(b.flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_WRITE, buffer[i])));
    CHECK_EQ(graph_counts(b.graph).edges, 0);
    for (int i = 0; i < 2; i++)
        release(&busy[i]);
    CHECK_EQ(flow_end(b.flow), 0);
    for (size_t i = 0; i < BUFFERS; i++)
        CHECK_EQ(weir_buffer_close(b.graph, buffer[i]), 0);
    wait_idle(b.pool);
    for (int i = 0; i < 2; i++)
        gate_fini(&busy[i].gate);
    graph_close(b.graph);
    pool_close(b.pool);
}

static void d14_writes_of_a_group_that_overlap_are_refused(void) {
    bench b = bench_of(2);
    static unsigned char memory[64];
    weir_buffer buffer = buffer_of(b.graph, memory, sizeof(memory));
    weir_access a[2] = {WEIR_ACCESS(WEIR_WRITE, buffer, 0, 40),
                        WEIR_ACCESS(WEIR_WRITE, buffer, 32, 32)};
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &empty;
    spec.accesses = a;
    spec.accesses_count = 2;
    spec.members = 2;
    CHECK_EQ(weir_flow_submit(b.flow, &spec, NULL), -EINVAL);
    a[0].bytes = 32;
    CHECK_EQ(weir_flow_submit(b.flow, &spec, NULL), 0);
    bench_close(&b);
}

// ---- scheduling ------------------------------------------------------------

static int64_t cpu_ns(void) {
    struct timespec t;
    CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

// One task runs (asleep), many wait: nobody burns a core. On a machine that is
// shared a wait may cost something, never most of the time.
static void d18_what_waits_uses_no_cpu_time(void) {
    bench b = bench_of(2);
    static uint64_t word;
    weir_buffer buffer = buffer_of(b.graph, &word, sizeof(word));
    holder h;
    holder_hold(&h, b.flow, 0, ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
    for (int i = 0; i < 1000; i++)
        task_go(b.flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_READ, buffer)));
    settle(b.graph, b.flow);
    int64_t begin = cpu_ns();
    CHECK_EQ(weir_task_wait(b.graph, h.task, in_ms(500), NULL), -ETIMEDOUT);
    CHECK(cpu_ns() - begin < 250000000);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

static void d19_runs_overlap_beyond_any_depth(void) {
    enum { RUNS = 8 };
    bench b = bench_of(RUNS);
    weir_flow *flow[RUNS];
    holder h[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        flow[i] = flow_of(b.graph);
        holder_start(&h[i], flow[i], 0, NO_ACCESS);
        weir_flow_close(flow[i]);
    }
    for (size_t i = 0; i < RUNS; i++)
        gate_await(&h[i].gate, 1); // all run at once
    for (size_t i = RUNS; i-- > 0;) {
        holder_open(&h[i]);
        CHECK_EQ(flow_end(flow[i]), 0);
        CHECK_EQ(holder_end(&h[i], b.graph), 0);
    }
    bench_close(&b);
}

// ---- the subtle race -------------------------------------------------------

// Who attaches to a task that is just ending, while slots are recycled: by an
// edge, by data, by a wait. It waits for it or finds it ended, never another.
typedef struct chain {
    bench *bench;
    weir_buffer buffer;
    size_t word;
    uint64_t *words;
    pthread_t thread;
} chain;

static int next_run(const weir_kernel_call *call) {
    uint64_t *word = call->data[0];
    (*word)++;
    return 0;
}

static const weir_kernel next_kernel = {"next", next_run};

static void *chain_main(void *argument) {
    chain *c = argument;
    weir_flow *flow = flow_of(c->bench->graph);
    weir_access access = WEIR_ACCESS(WEIR_UNORDERED, c->buffer, c->word * 8, 8);
    weir_task last = {0};
    for (int i = 0; i < 20000 / TEST_SMALLER; i++) {
        // Ordered by the edge alone, or by data alone.
        access.mode = i % 64 < 32 ? WEIR_UNORDERED : WEIR_READWRITE;
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        weir_task task;
        spec.kernel = &next_kernel;
        spec.accesses = &access;
        spec.accesses_count = 1;
        spec.after = &last;
        spec.after_count = i % 64 <= 32;
        CHECK_EQ(weir_flow_submit(flow, &spec, &task), 0);
        if (last.id != 0)
            CHECK_EQ(weir_task_release(c->bench->graph, last), 0);
        last = task;
        if (i % 64 == 63)
            CHECK_EQ(outcome_of(c->bench->graph, last).status, 0);
    }
    CHECK_EQ(task_end(c->bench->graph, last), 0);
    CHECK_EQ(flow_end(flow), 0);
    return NULL;
}

static void recycling_never_meets_who_attaches(void) {
    enum { CHAINS = 3 };
    bench b = bench_of(2);
    static uint64_t words[CHAINS * 8];
    memset(words, 0, sizeof(words));
    weir_buffer buffer = buffer_of(b.graph, words, sizeof(words));
    chain c[CHAINS];
    for (size_t i = 0; i < CHAINS; i++) {
        c[i] = (chain){&b, buffer, i * 8, words, 0};
        c[i].thread = thread_start(chain_main, &c[i]);
    }
    for (size_t i = 0; i < CHAINS; i++) {
        thread_join(c[i].thread);
        CHECK_EQ(words[i * 8], 20000 / TEST_SMALLER);
    }
    bench_close(&b);
}

// ---- C1 --------------------------------------------------------------------

static void more_tasks_live_than_any_window(size_t count) {
    bench b = bench_of(2);
    held busy[2];
    for (int i = 0; i < 2; i++)
        hold(b.pool, &busy[i]);
    for (size_t i = 0; i < count; i++)
        task_go(b.flow, &empty, NULL, NO_ACCESS);
    weir_graph_counts c = graph_counts(b.graph);
    CHECK_EQ(c.live, count);
    CHECK_EQ(c.ready, count);
    CHECK(c.slots >= count);
    for (int i = 0; i < 2; i++)
        release(&busy[i]);
    CHECK_EQ(flow_end(b.flow), 0);
    CHECK_EQ(graph_counts(b.graph).succeeded, count);
    wait_idle(b.pool);
    for (int i = 0; i < 2; i++)
        gate_fini(&busy[i].gate);
    CHECK_EQ(weir_graph_reset(b.graph), 0);
    CHECK_EQ(graph_counts(b.graph).slots, 0);
    graph_close(b.graph);
    pool_close(b.pool);
}

static void two_thousand_tasks_live_at_once(void) {
    more_tasks_live_than_any_window(2048);
}

static void a_million_tasks_live_at_once(void) {
    more_tasks_live_than_any_window(MANY);
}

static const test_case cases[] = {
    CASE(d1_an_empty_ring_takes_all_that_it_can_hold),
    CASE(d2_one_block_back_is_room_for_one),
    CASE(d4_memory_is_flat_while_there_is_always_a_run),
    CASE(d5_no_size_is_rounded_to_nothing),
    CASE(d6_a_ring_of_an_odd_size_holds_that_much),
    CASE(d8_no_wake_up_is_lost),
    CASE(d9_a_queued_writer_holds_its_memory),
    CASE(d9_what_is_used_after_its_scope_is_refused),
    CASE(a_cancel_leaves_running_tasks_their_memory),
    CASE(d10_slices_of_one_buffer_stay_cheap),
    CASE(d11_readers_and_writers_are_ordered_too),
    CASE(d12_ranges_with_other_offsets_overlap),
    CASE(d13_buffers_are_told_apart_by_themselves),
    CASE(d14_writes_of_a_group_that_overlap_are_refused),
    CASE(d18_what_waits_uses_no_cpu_time),
    CASE(d19_runs_overlap_beyond_any_depth),
    CASE(recycling_never_meets_who_attaches),
    CASE(two_thousand_tasks_live_at_once),
    CASE(a_million_tasks_live_at_once),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

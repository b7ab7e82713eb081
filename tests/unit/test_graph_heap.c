// SPDX-License-Identifier: MIT
// The ring heap: scopes choose the ring, a full ring holds back who allocates,
// and every way out of that wait.
#include "support/graph.h"

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
} bench;

static bench bench_timed(weir_pool *pool, int64_t heap_timeout_ns) {
    bench b = {.pool = pool};
    weir_graph_options options = graph_options(pool);
    options.heap_timeout_ns = heap_timeout_ns;
    b.graph = graph_open(&options);
    b.flow = flow_of(b.graph);
    return b;
}

static bench bench_of(int threads) {
    return bench_timed(pool_of(threads), WEIR_FOREVER);
}

static void bench_close(bench *b) {
    CHECK_EQ(flow_end(b->flow), 0);
    graph_close(b->graph);
    pool_close(b->pool);
}

static weir_buffer take(weir_flow *flow, size_t bytes, unsigned char **memory) {
    weir_buffer buffer = {0};
    void *at = NULL;
    CHECK_EQ(weir_buffer_alloc(flow, bytes, WEIR_FOREVER, &buffer, &at), 0);
    CHECK_EQ((uintptr_t)at % 64, 0);
    if (memory != NULL)
        *memory = at;
    return buffer;
}

static int try_take(weir_flow *flow, size_t bytes, int64_t deadline_ns) {
    weir_buffer buffer = {77};
    void *at = &buffer;
    int error = weir_buffer_alloc(flow, bytes, deadline_ns, &buffer, &at);
    if (error != 0)
        CHECK(buffer.id == 77 && at == &buffer);
    return error;
}

static void scope_in(weir_flow *flow) {
    CHECK_EQ(weir_flow_scope_begin(flow), 0);
}

static void scope_out(weir_flow *flow) {
    CHECK_EQ(weir_flow_scope_end(flow), 0);
}

// ---- rings -----------------------------------------------------------------

static void scopes_choose_the_ring(void) {
    bench b = bench_of(1);
    take(b.flow, 64, NULL); // without a scope
    CHECK_EQ(graph_counts(b.graph).heap_used[0], 64);
    for (int depth = 0; depth < 10; depth++) {
        scope_in(b.flow);
        int ring = depth < 3 ? depth : 3;
        uint64_t before = graph_counts(b.graph).heap_used[ring];
        take(b.flow, 100, NULL);
        CHECK_EQ(graph_counts(b.graph).heap_used[ring], before + 128);
    }
    CHECK_EQ(graph_counts(b.graph).heap_used[3], 7 * 128);
    for (int depth = 10; depth-- > 0;) {
        scope_out(b.flow);
        int ring = depth < 3 ? depth : 3;
        uint64_t left = ring == 3 ? (uint64_t)(depth - 3) * 128 : 0;
        CHECK_EQ(graph_counts(b.graph).heap_used[ring], ring == 0 ? 64 : left);
    }
    CHECK_EQ(graph_counts(b.graph).heap_highest[3], 7 * 128);
    bench_close(&b);
}

static void blocks_are_aligned_and_apart(void) {
    bench b = bench_of(1);
    static unsigned char *at[200];
    static weir_buffer buffer[200];
    for (size_t i = 0; i < 200; i++) {
        scope_in(b.flow);
        scope_out(b.flow);
        buffer[i] = take(b.flow, 1 + i, &at[i]);
        memset(at[i], (int)i, 1 + i);
        size_t bytes = 0;
        CHECK(weir_buffer_memory(b.graph, buffer[i], &bytes) == at[i]);
        CHECK_EQ(bytes, 1 + i);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j <= i; j++)
            CHECK_EQ(at[i][j], (unsigned char)i);
    bench_close(&b);
}

static void rings_are_independent(void) {
    bench b = bench_of(1);
    scope_in(b.flow);
    scope_in(b.flow);
    take(b.flow, RING, NULL); // ring 1 is full
    CHECK_EQ(try_take(b.flow, 1, 0), -EDEADLK);
    scope_in(b.flow);
    take(b.flow, RING, NULL);
    scope_in(b.flow);
    take(b.flow, RING, NULL);
    weir_flow *other = flow_of(b.graph);
    unsigned char *at;
    take(other, RING, &at); // ring 0
    CHECK_EQ(flow_end(other), 0);
    bench_close(&b);
}

static void an_inner_ring_comes_back_while_the_outer_is_held(void) {
    bench b = bench_of(2);
    weir_buffer outer = take(b.flow, RING / 2, NULL);
    scope_in(b.flow);
    for (int i = 0; i < 100; i++) {
        scope_in(b.flow);
        weir_buffer inner = take(b.flow, RING / 2 + 64, NULL);
        task_go(b.flow, &empty, NULL,
                ACCESSES(ALL_OF(WEIR_WRITE, inner), ALL_OF(WEIR_READ, outer)));
        scope_out(b.flow);
    }
    CHECK_EQ(graph_counts(b.graph).heap_used[0], RING / 2);
    bench_close(&b);
}

static void a_buffer_ends_with_its_scope(void) {
    bench b = bench_of(2);
    scope_in(b.flow);
    weir_buffer outer = take(b.flow, 64, NULL);
    scope_in(b.flow);
    weir_buffer inner = take(b.flow, 64, NULL);
    scope_out(b.flow);
    CHECK(weir_buffer_memory(b.graph, inner, NULL) == NULL);
    CHECK_EQ(weir_buffer_close(b.graph, inner), -ESTALE);
    CHECK_EQ(weir_buffer_mend(b.graph, inner), -ESTALE);
    CHECK_EQ(task_try(b.flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_READ, inner)),
                      NULL),
             -ESTALE);
    task_go(b.flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_READ, outer)));
    weir_flow_close(b.flow); // open scopes end
    CHECK(weir_buffer_memory(b.graph, outer, NULL) == NULL);
    CHECK_EQ(graph_counts(b.graph).buffers, 0);
    bench_close(&b);
}

static void a_buffer_may_be_closed_before_its_scope(void) {
    bench b = bench_of(2);
    unsigned char *at;
    weir_buffer buffer = take(b.flow, RING, &at);
    holder h;
    holder_hold(&h, b.flow, 0, ACCESSES(ALL_OF(WEIR_READ, buffer)));
    CHECK_EQ(weir_buffer_close(b.graph, buffer), 0); // the task keeps it
    CHECK_EQ(weir_buffer_close(b.graph, buffer), -ESTALE);
    CHECK_EQ(graph_counts(b.graph).heap_used[0], RING);
    CHECK_EQ(try_take(b.flow, 64, 0), -ETIMEDOUT);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    take(b.flow, RING, NULL);
    bench_close(&b);
}

// ---- outputs of a submission -----------------------------------------------

static int fill_run(const weir_kernel_call *call) {
    memset(call->data[0], 7, 100);
    memset(call->data[1], 9, 200);
    return 0;
}

static int look_run(const weir_kernel_call *call) {
    const unsigned char *one = call->data[0], *two = call->data[1];
    for (int i = 0; i < 100; i++)
        CHECK_EQ(one[i], 7);
    for (int i = 0; i < 200; i++)
        CHECK_EQ(two[i], 9);
    return 0;
}

static const weir_kernel fill = {"fill", fill_run};
static const weir_kernel look = {"look", look_run};

static void outputs_are_allocated_by_the_submission(weir_pool *pool) {
    bench b = bench_timed(pool, WEIR_FOREVER);
    for (int i = 0; i < 300; i++) { // several times the ring
        weir_buffer one = {0}, two = {0};
        scope_in(b.flow);
        weir_access out[] = {
            {.bytes = 100, .mode = WEIR_WRITE, .allocate = &one},
            {.bytes = 200, .mode = WEIR_WRITE, .allocate = &two}};
        task_go(b.flow, &fill, NULL, out, 2);
        size_t bytes = 0;
        CHECK(weir_buffer_memory(b.graph, two, &bytes) != NULL);
        CHECK_EQ(bytes, 200);
        task_go(b.flow, &look, NULL,
                ACCESSES(ALL_OF(WEIR_READ, one), ALL_OF(WEIR_READ, two)));
        scope_out(b.flow);
    }
    CHECK_EQ(flow_end(b.flow), 0);
    graph_close(b.graph);
}

static void outputs_may_be_allocated_at_submit(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, outputs_are_allocated_by_the_submission, 20);
}

static void refuse_output(bench *b, weir_access access, int expected) {
    weir_buffer one = {77};
    weir_graph_counts before = graph_counts(b->graph);
    weir_access out[] = {{.bytes = 64, .mode = WEIR_WRITE, .allocate = &one},
                         access};
    CHECK_EQ(task_try(b->flow, &empty, NULL, out, 2, NULL), expected);
    CHECK_EQ(one.id, 77);
    weir_graph_counts after = graph_counts(b->graph);
    CHECK_EQ(before.submitted, after.submitted);
    CHECK_EQ(before.buffers, after.buffers);
    CHECK_EQ(before.heap_used[0], after.heap_used[0]);
}

static void a_refused_submission_allocates_nothing(void) {
    bench b = bench_of(2);
    weir_buffer out = {77}, old = take(b.flow, 64, NULL);
    refuse_output(&b, (weir_access)WEIR_ACCESS(WEIR_READ, old, 65, 1), -EINVAL);
    weir_access access = {.bytes = 64, .mode = WEIR_READ, .allocate = &out};
    refuse_output(&b, access, -EINVAL);
    access.mode = WEIR_READWRITE;
    refuse_output(&b, access, -EINVAL);
    access.mode = WEIR_WRITE;
    access.offset = 8;
    refuse_output(&b, access, -EINVAL);
    access.offset = 0;
    access.buffer = old;
    refuse_output(&b, access, -EINVAL);
    access.buffer.id = 0;
    access.bytes = 0;
    refuse_output(&b, access, -EINVAL);
    access.bytes = RING; // more than there is, together
    refuse_output(&b, access, -E2BIG);
    access.bytes = RING + 1;
    refuse_output(&b, access, -E2BIG);
    access.bytes = SIZE_MAX - 10;
    refuse_output(&b, access, -E2BIG);
    access.bytes = RING - 64; // with `old`, which is held by this flow
    refuse_output(&b, access, -EDEADLK);
    CHECK_EQ(out.id, 77);
    bench_close(&b);
}

// ---- a full ring -----------------------------------------------------------

typedef struct taker {
    weir_flow *flow;
    size_t bytes;
    int64_t deadline_ns;
    int answer;
    weir_buffer buffer;
    pthread_t thread;
} taker;

static void *taker_main(void *argument) {
    taker *t = argument;
    void *memory;
    t->answer = weir_buffer_alloc(t->flow, t->bytes, t->deadline_ns, &t->buffer,
                                  &memory);
    return NULL;
}

// taker_wait returns once the thread waits in the allocation.
static void taker_wait(taker *t, bench *b, weir_flow *flow, size_t bytes) {
    uint64_t before = graph_counts(b->graph).heap_waits;
    *t = (taker){.flow = flow, .bytes = bytes, .deadline_ns = WEIR_FOREVER};
    t->thread = thread_start(taker_main, t);
    while (graph_counts(b->graph).heap_waits == before)
        sched_yield();
}

static int taker_end(taker *t) {
    thread_join(t->thread);
    return t->answer;
}

// A ring that a held task fills; nobody's scope holds it.
static void fill_ring(bench *b, holder *h, weir_flow *flow) {
    scope_in(flow);
    weir_buffer buffer = take(flow, RING, NULL);
    holder_hold(h, flow, 0, ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
    scope_out(flow);
    CHECK_EQ(graph_counts(b->graph).heap_used[0], RING);
}

static void what_comes_back_unblocks(void) {
    bench b = bench_of(2);
    holder h;
    taker t;
    fill_ring(&b, &h, b.flow);
    taker_wait(&t, &b, b.flow, 64);
    holder_open(&h);
    CHECK_EQ(taker_end(&t), 0);
    CHECK(weir_buffer_memory(b.graph, t.buffer, NULL) != NULL);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(graph_counts(b.graph).heap_waits, 1);
    bench_close(&b);
}

static void a_cancel_unblocks(void) {
    bench b = bench_of(2);
    holder h;
    taker t;
    fill_ring(&b, &h, b.flow);
    weir_flow *other = flow_of(b.graph);
    taker_wait(&t, &b, other, 64);
    weir_flow_cancel(other);
    CHECK_EQ(taker_end(&t), -ESHUTDOWN);
    taker_wait(&t, &b, b.flow, 64);
    weir_flow_close(b.flow);
    CHECK_EQ(taker_end(&t), -ESHUTDOWN);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(flow_end(other), 0);
    bench_close(&b);
}

static void *stop_main(void *argument) {
    CHECK_EQ(weir_pool_stop(argument, WEIR_STOP_CANCEL, WEIR_FOREVER, NULL), 0);
    return NULL;
}

static void a_stop_of_the_pool_unblocks(void) {
    bench b = bench_of(2);
    holder h;
    taker t;
    fill_ring(&b, &h, b.flow);
    taker_wait(&t, &b, b.flow, 64);
    pthread_t stopping = thread_start(stop_main, b.pool);
    CHECK_EQ(taker_end(&t), -ESHUTDOWN);
    holder_open(&h);
    thread_join(stopping);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(flow_end(b.flow), 0);
    graph_close(b.graph);
    weir_pool_destroy(b.pool);
}

static void the_deadline_ends_the_wait(void) {
    bench b = bench_of(2);
    holder h;
    fill_ring(&b, &h, b.flow);
    CHECK_EQ(try_take(b.flow, 64, 0), -ETIMEDOUT);
    CHECK_EQ(try_take(b.flow, 64, -1), -ETIMEDOUT);
    CHECK_EQ(try_take(b.flow, 64, weir_now_ns() - 1), -ETIMEDOUT);
    int64_t deadline = in_ms(20);
    CHECK_EQ(try_take(b.flow, 64, deadline), -ETIMEDOUT);
    CHECK(weir_now_ns() >= deadline);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

static void the_heaps_timeout_ends_the_wait(void) {
    bench b = bench_timed(pool_of(2), 20000000);
    holder h;
    fill_ring(&b, &h, b.flow);
    int64_t begin = weir_now_ns();
    CHECK_EQ(try_take(b.flow, 64, WEIR_FOREVER), -ETIMEDOUT);
    CHECK(weir_now_ns() - begin >= 20000000);
    weir_buffer out = {77};
    weir_access access = {.bytes = 64, .mode = WEIR_WRITE, .allocate = &out};
    CHECK_EQ(task_try(b.flow, &empty, NULL, &access, 1, NULL), -ETIMEDOUT);
    CHECK_EQ(out.id, 77);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

static void a_heap_that_never_waits_says_so(void) {
    bench b = bench_timed(pool_of(2), 0);
    holder h;
    fill_ring(&b, &h, b.flow);
    CHECK_EQ(try_take(b.flow, 64, WEIR_FOREVER), -ETIMEDOUT);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    take(b.flow, RING, NULL);
    bench_close(&b);
}

// The timeout begins anew with whatever comes back: the wait as a whole takes
// longer than it, and is no error.
static void d3_the_timeout_counts_from_the_last_progress(void) {
    enum { PARTS = 3 };
    const int64_t timeout = 2500;
    bench b = bench_timed(pool_of(PARTS), timeout * 1000000);
    holder h[PARTS];
    scope_in(b.flow);
    for (size_t i = 0; i < PARTS; i++) {
        weir_buffer part = take(b.flow, RING / 4, NULL);
        holder_hold(&h[i], b.flow, 0, ACCESSES(ALL_OF(WEIR_WRITE, part)));
    }
    scope_out(b.flow);
    weir_flow *other = flow_of(b.graph);
    taker t;
    int64_t begin = weir_now_ns();
    taker_wait(&t, &b, other, RING);
    for (size_t i = 0; i < PARTS; i++) {
        until(begin + (int64_t)(i + 1) * 1000000000);
        holder_open(&h[i]);
    }
    CHECK_EQ(taker_end(&t), 0);
    CHECK(weir_now_ns() - begin > timeout * 1000000);
    CHECK_EQ(flow_end(other), 0);
    for (size_t i = 0; i < PARTS; i++)
        CHECK_EQ(holder_end(&h[i], b.graph), 0);
    bench_close(&b);
}

// ---- what can never come back ----------------------------------------------

static void who_holds_the_ring_himself_is_told(void) {
    bench b = bench_of(2);
    scope_in(b.flow);
    weir_buffer mine = take(b.flow, RING / 2, NULL);
    CHECK_EQ(try_take(b.flow, RING / 2 + 1, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(try_take(b.flow, RING / 2 + 1, 0), -EDEADLK);
    CHECK_EQ(try_take(b.flow, RING, WEIR_FOREVER), -EDEADLK);
    // That its tasks have ended does not help while the scope is open.
    task_go(b.flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_WRITE, mine)));
    settle(b.graph, b.flow);
    CHECK_EQ(try_take(b.flow, RING, WEIR_FOREVER), -EDEADLK);
    take(b.flow, RING / 2, NULL);
    scope_out(b.flow);
    take(b.flow, RING, NULL); // waits for the task at most
    bench_close(&b);
}

static void behind_what_one_holds_nothing_comes_back(void) {
    bench b = bench_of(2);
    take(b.flow, RING / 2, NULL); // for as long as the flow is open
    weir_flow *other = flow_of(b.graph);
    holder h;
    scope_in(other);
    weir_buffer theirs = take(other, RING / 2, NULL);
    holder_hold(&h, other, 0, ACCESSES(ALL_OF(WEIR_WRITE, theirs)));
    scope_out(other);
    CHECK_EQ(try_take(b.flow, RING, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(try_take(b.flow, RING / 2 + 1, 0), -EDEADLK);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    CHECK_EQ(flow_end(other), 0);
    bench_close(&b);
}

static void what_others_hold_may_come_back(void) {
    bench b = bench_of(2);
    weir_flow *other = flow_of(b.graph);
    take(other, RING, NULL);
    CHECK_EQ(try_take(b.flow, 64, 0), -ETIMEDOUT);
    taker t;
    taker_wait(&t, &b, b.flow, RING);
    weir_flow_close(other);
    CHECK_EQ(taker_end(&t), 0);
    CHECK_EQ(flow_end(other), 0);
    bench_close(&b);
}

static void whatever_gives_it_back_unblocks(void) {
    bench b = bench_of(2);
    weir_flow *other = flow_of(b.graph);
    taker t;
    scope_in(other);
    weir_buffer buffer = take(other, RING, NULL);
    taker_wait(&t, &b, b.flow, 64);
    scope_out(other);
    CHECK_EQ(taker_end(&t), 0);
    CHECK_EQ(weir_buffer_close(b.graph, t.buffer), 0);
    buffer = take(other, RING, NULL);
    taker_wait(&t, &b, b.flow, 64);
    CHECK_EQ(weir_buffer_close(b.graph, buffer), 0);
    CHECK_EQ(taker_end(&t), 0);
    CHECK_EQ(flow_end(other), 0);
    bench_close(&b);
}

// Without threads nobody else could ever end that scope.
static void without_threads_a_wait_that_cannot_end_is_said(void) {
    bench b = bench_timed(pool_seeded(1, 2), WEIR_FOREVER);
    weir_flow *other = flow_of(b.graph);
    take(other, RING, NULL);
    CHECK_EQ(try_take(b.flow, 64, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(flow_end(other), 0);
    take(b.flow, 64, NULL);
    bench_close(&b);
}

// ---- under load ------------------------------------------------------------

// Each task checks that its memory is as the one before left it.
typedef struct stamp {
    unsigned char value;
    unsigned char next;
    size_t bytes;
} stamp;

static int stamp_run(const weir_kernel_call *call) {
    const stamp *s = call->arguments;
    unsigned char *at = call->data[0];
    for (size_t i = 0; s->value != 0 && i < s->bytes; i++)
        CHECK_EQ(at[i], s->value);
    breathe(call);
    memset(at, s->next, s->bytes);
    return 0;
}

static const weir_kernel stamping = {"stamp", stamp_run};

static void stamp_go(weir_flow *flow, weir_buffer buffer, uint32_t mode,
                     stamp s) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    weir_access access = ALL_OF(mode, buffer);
    spec.kernel = &stamping;
    spec.arguments = &s;
    spec.arguments_size = sizeof(s);
    spec.accesses = &access;
    spec.accesses_count = 1;
    CHECK_EQ(weir_flow_submit(flow, &spec, NULL), 0);
}

static void memory_is_nobody_elses_while_tasks_have_it(weir_pool *pool) {
    bench b = bench_timed(pool, WEIR_FOREVER);
    uint64_t state = 3;
    for (int i = 0; i < 60; i++) {
        unsigned depth = draw_below(&state, 5);
        for (unsigned d = 0; d < depth; d++)
            scope_in(b.flow);
        size_t bytes = 1 + draw_below(&state, RING / 3);
        scope_in(b.flow);
        weir_buffer buffer = take(b.flow, bytes, NULL);
        unsigned char value = 0;
        unsigned steps = 1 + draw_below(&state, 4);
        for (unsigned k = 0; k < steps; k++) {
            stamp s = {value, (unsigned char)(1 + draw_below(&state, 200)),
                       bytes < 50 ? bytes : 50};
            stamp_go(b.flow, buffer, k == 0 ? WEIR_WRITE : WEIR_READWRITE, s);
            value = s.next;
        }
        if (draw_below(&state, 3) == 0)
            CHECK_EQ(weir_buffer_close(b.graph, buffer), 0);
        for (unsigned d = 0; d < depth + 1; d++)
            scope_out(b.flow);
    }
    CHECK_EQ(flow_end(b.flow), 0);
    graph_close(b.graph);
}

static void memory_is_held_while_it_is_used(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, memory_is_nobody_elses_while_tasks_have_it,
                       40 / TEST_SMALLER + 10);
}

typedef struct many {
    bench *bench;
    uint64_t seed;
    pthread_t thread;
} many;

static void *many_main(void *argument) {
    many *m = argument;
    weir_flow *flow = flow_of(m->bench->graph);
    for (int i = 0; i < 300 / TEST_SMALLER; i++) {
        scope_in(flow);
        size_t bytes = 1 + draw_below(&m->seed, RING);
        weir_buffer buffer = take(flow, bytes, NULL);
        stamp s = {0, 1, bytes < 50 ? bytes : 50};
        stamp_go(flow, buffer, WEIR_WRITE, s);
        s = (stamp){1, 2, s.bytes};
        stamp_go(flow, buffer, WEIR_READWRITE, s);
        scope_out(flow);
    }
    CHECK_EQ(flow_end(flow), 0);
    return NULL;
}

static void many_threads_share_a_small_ring(void) {
    bench b = bench_of(2);
    many m[4];
    for (size_t i = 0; i < 4; i++) {
        m[i] = (many){&b, i * 1000, 0};
        m[i].thread = thread_start(many_main, &m[i]);
    }
    for (size_t i = 0; i < 4; i++)
        thread_join(m[i].thread);
    bench_close(&b);
}

static const test_case cases[] = {
    CASE(scopes_choose_the_ring),
    CASE(blocks_are_aligned_and_apart),
    CASE(rings_are_independent),
    CASE(an_inner_ring_comes_back_while_the_outer_is_held),
    CASE(a_buffer_ends_with_its_scope),
    CASE(a_buffer_may_be_closed_before_its_scope),
    CASE(outputs_may_be_allocated_at_submit),
    CASE(a_refused_submission_allocates_nothing),
    CASE(what_comes_back_unblocks),
    CASE(a_cancel_unblocks),
    CASE(a_stop_of_the_pool_unblocks),
    CASE(the_deadline_ends_the_wait),
    CASE(the_heaps_timeout_ends_the_wait),
    CASE(a_heap_that_never_waits_says_so),
    CASE(d3_the_timeout_counts_from_the_last_progress),
    CASE(who_holds_the_ring_himself_is_told),
    CASE(behind_what_one_holds_nothing_comes_back),
    CASE(what_others_hold_may_come_back),
    CASE(whatever_gives_it_back_unblocks),
    CASE(without_threads_a_wait_that_cannot_end_is_said),
    CASE(memory_is_held_while_it_is_used),
    CASE(many_threads_share_a_small_ring),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// Flows: several at once, cancelled, stopped with their pool, released early.
// Flows within tasks are in test_graph_child.c.
#include "support/graph.h"

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_buffer buffer;
    unsigned char memory[256];
} bench;

static void bench_on(bench *b, weir_pool *pool) {
    memset(b, 0, sizeof(*b));
    b->pool = pool;
    b->graph = graph_of(pool);
    b->buffer = buffer_of(b->graph, b->memory, sizeof(b->memory));
}

static void bench_close(bench *b) {
    graph_close(b->graph);
    pool_close(b->pool);
}

static void an_empty_flow_ends_when_it_is_closed(void) {
    bench b;
    bench_on(&b, pool_of(1));
    weir_flow *flow = flow_of(b.graph);
    CHECK_EQ(weir_flow_wait(flow, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_flow_wait(flow, in_ms(5), NULL), -ETIMEDOUT);
    weir_flow_close(flow);
    int status = -1;
    CHECK_EQ(weir_flow_wait(flow, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(weir_flow_wait(flow, 0, &status), 0); // and again
    weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_flow_outcome(flow, &o), 0);
    CHECK_EQ(o.number, 0);
    CHECK_EQ(o.status, 0);
    CHECK_EQ(o.root, 0);
    CHECK_EQ(o.exit_status, -1);
    weir_flow_release(flow);
    CHECK_EQ(graph_counts(b.graph).flows, 0);
    bench_close(&b);
}

static void a_flow_ends_with_its_last_task(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_flow *flow = flow_of(b.graph);
    holder h;
    holder_hold(&h, flow, 0, NO_ACCESS);
    weir_flow_close(flow);
    CHECK_EQ(weir_flow_wait(flow, in_ms(5), NULL), -ETIMEDOUT);
    weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_flow_outcome(flow, &o), -EINPROGRESS);
    holder_open(&h);
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

static void tasks_run_while_their_flow_is_open(void) {
    bench b;
    bench_on(&b, pool_of(1));
    weir_flow *flow = flow_of(b.graph);
    for (int i = 0; i < 100; i++) {
        weir_task task = task_of(flow, &empty, NULL, NO_ACCESS);
        CHECK_EQ(task_end(b.graph, task), 0);
    }
    CHECK_EQ(flow_end(flow), 0);
    bench_close(&b);
}

static void independent_flows_run_at_the_same_time(void) {
    bench b;
    bench_on(&b, pool_of(3));
    weir_flow *flow[3];
    holder h[3];
    for (size_t i = 0; i < 3; i++) {
        flow[i] = flow_of(b.graph);
        holder_start(&h[i], flow[i], 0,
                     ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, i, 1)));
    }
    for (size_t i = 0; i < 3; i++) // all three are there at once
        gate_await(&h[i].gate, 1);
    for (size_t i = 3; i-- > 0;) {
        holder_open(&h[i]);
        CHECK_EQ(flow_end(flow[i]), 0);
        CHECK_EQ(holder_end(&h[i], b.graph), 0);
    }
    bench_close(&b);
}

static void flows_are_ordered_by_what_they_share(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_flow *first = flow_of(b.graph), *second = flow_of(b.graph);
    holder h;
    holder_hold(&h, first, 0,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    weir_task reads = task_of(second, &empty, NULL,
                              ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 7, 8)));
    weir_task apart =
        task_of(second, &empty, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 100, 8)));
    CHECK_EQ(task_end(b.graph, apart), 0);
    CHECK(!has_ended(b.graph, reads));
    // Released, and not waited for: its place in the order stays.
    weir_flow_release(first);
    CHECK_EQ(weir_flow_wait(second, 0, NULL), -ETIMEDOUT);
    holder_open(&h);
    CHECK_EQ(task_end(b.graph, reads), 0);
    CHECK_EQ(flow_end(second), 0);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

// ---- several threads submit ------------------------------------------------

typedef struct crowd {
    bench *bench;
    weir_flow *flow; // NULL: one of its own
    uint64_t *sum;
    pthread_t thread;
} crowd;

static int add_run(const weir_kernel_call *call) {
    uint64_t *sum = call->data[0];
    uint64_t seen = *sum;
    breathe(call);
    *sum = seen + 1;
    return 0;
}

static const weir_kernel add = {"add", add_run};

enum { CROWD = 4, EACH = 2000 / TEST_SMALLER };

static void *crowd_main(void *argument) {
    crowd *c = argument;
    weir_flow *flow = c->flow != NULL ? c->flow : flow_of(c->bench->graph);
    for (size_t i = 0; i < EACH; i++)
        task_go(flow, &add, NULL,
                ACCESSES(WEIR_ACCESS(WEIR_READWRITE, c->bench->buffer,
                                     (i % 2) * 8, 8)));
    if (c->flow == NULL)
        CHECK_EQ(flow_end(flow), 0);
    return NULL;
}

static void crowded(int shared) {
    bench b;
    bench_on(&b, pool_of(2));
    crowd c[CROWD];
    weir_flow *flow = flow_of(b.graph);
    for (size_t i = 0; i < CROWD; i++) {
        c[i] = (crowd){.bench = &b, .flow = shared ? flow : NULL};
        c[i].thread = thread_start(crowd_main, &c[i]);
    }
    for (size_t i = 0; i < CROWD; i++)
        thread_join(c[i].thread);
    CHECK_EQ(flow_end(flow), 0);
    uint64_t sums[2];
    memcpy(sums, b.memory, sizeof(sums));
    CHECK_EQ(sums[0], CROWD * EACH / 2);
    CHECK_EQ(sums[1], CROWD * EACH / 2);
    CHECK_EQ(graph_counts(b.graph).submitted, CROWD * EACH);
    bench_close(&b);
}

static void threads_may_submit_to_one_flow(void) { crowded(1); }

static void threads_may_submit_to_flows_of_their_own(void) { crowded(0); }

// A kernel may submit to a flow that is no child of its task.
typedef struct tree {
    weir_flow *flow;
    tally *ran;
    unsigned depth;
} tree;

static int tree_run(const weir_kernel_call *call);
static const weir_kernel growing = {"tree", tree_run};

static void grow(weir_flow *flow, tally *ran, unsigned depth) {
    tree t = {flow, ran, depth};
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &growing;
    spec.arguments = &t;
    spec.arguments_size = sizeof(t);
    CHECK_EQ(weir_flow_submit(flow, &spec, NULL), 0);
}

static int tree_run(const weir_kernel_call *call) {
    const tree *t = call->arguments;
    tally_add(t->ran);
    for (unsigned i = 0; t->depth > 0 && i < 2; i++)
        grow(t->flow, t->ran, t->depth - 1);
    return 0;
}

static void trees(weir_pool *pool) {
    weir_graph *graph = graph_of(pool);
    weir_flow *flow = flow_of(graph);
    tally ran;
    tally_init(&ran);
    grow(flow, &ran, 6);
    while (tally_get(&ran) < 127)
        if (weir_pool_step(pool) == -EINVAL)
            sched_yield();
    CHECK_EQ(flow_end(flow), 0);
    CHECK_EQ(tally_get(&ran), 127);
    graph_close(graph);
}

static void kernels_may_submit(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, trees, 30);
}

// ---- cancel ----------------------------------------------------------------

static void cancel_ends_what_has_not_started(void) {
    bench b;
    bench_on(&b, pool_of(1));
    weir_flow *flow = flow_of(b.graph), *other = flow_of(b.graph);
    held busy;
    hold(b.pool, &busy);
    probe p[4] = {{0}};
    weir_task t[4];
    for (size_t i = 0; i < 3; i++)
        t[i] = task_of(flow, &probing, &p[i],
                       ACCESSES(WEIR_ACCESS(WEIR_READWRITE, b.buffer, 0, 8)));
    t[3] = task_of(other, &probing, &p[3],
                   ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 8, 8)));
    weir_flow_cancel(flow);
    release(&busy);
    for (size_t i = 0; i < 3; i++) {
        weir_task_outcome o = outcome_of(b.graph, t[i]);
        CHECK_EQ(o.status, -ECANCELED);
        CHECK_EQ(o.ran, 0);
        CHECK_EQ(p[i].ran, 0);
    }
    CHECK_EQ(outcome_of(b.graph, t[3]).status, 0);
    CHECK_EQ(flow_end(flow), -ECANCELED);
    CHECK_EQ(flow_end(other), 0);
    weir_graph_counts c = graph_counts(b.graph);
    CHECK_EQ(c.cancelled, 3);
    CHECK_EQ(c.succeeded, 1);
    wait_idle(b.pool);
    gate_fini(&busy.gate);
    bench_close(&b);
}

// The workers have not heard of it yet: what is submitted next is not put where
// they look for it.
static void what_was_cancelled_keeps_its_place_in_memory(void) {
    enum { TASKS = 100 };
    bench b;
    bench_on(&b, pool_of(1));
    held busy;
    hold(b.pool, &busy);
    weir_flow *flow = flow_of(b.graph), *other = flow_of(b.graph);
    static probe first[TASKS], second[TASKS];
    for (size_t i = 0; i < TASKS; i++)
        task_go(flow, &probing, &first[i], NO_ACCESS);
    weir_flow_cancel(flow);
    for (size_t i = 0; i < TASKS; i++)
        task_go(other, &probing, &second[i], NO_ACCESS);
    release(&busy);
    CHECK_EQ(flow_end(flow), -ECANCELED);
    CHECK_EQ(flow_end(other), 0);
    for (size_t i = 0; i < TASKS; i++) {
        CHECK_EQ(first[i].ran, 0);
        CHECK_EQ(second[i].ran, 1);
    }
    wait_idle(b.pool);
    gate_fini(&busy.gate);
    bench_close(&b);
}

static void cancel_tells_what_runs(void) {
    bench b;
    bench_on(&b, pool_of(2));
    static const int results[] = {0, -ECANCELED, -EIO};
    for (size_t i = 0; i < 3; i++) {
        weir_flow *flow = flow_of(b.graph);
        tally clock;
        tally_init(&clock);
        probe p = {.clock = &clock, .result = results[i]};
        weir_task task = task_of(flow, &until_cancelled, &p, NO_ACCESS);
        tally_await(&clock, 1);
        weir_flow_cancel(flow);
        weir_task_outcome o = outcome_of(b.graph, task);
        CHECK_EQ(o.ran, 1);
        CHECK_EQ(o.status, results[i]); // it ends as it says
        CHECK_EQ(flow_end(flow), results[i]);
    }
    bench_close(&b);
}

static void cancel_without_anything_is_no_failure(void) {
    bench b;
    bench_on(&b, pool_of(1));
    weir_flow *flow = flow_of(b.graph);
    weir_task task = task_of(flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(task_end(b.graph, task), 0);
    weir_flow_cancel(flow);
    CHECK_EQ(flow_end(flow), 0);
    bench_close(&b);
}

static void a_failure_counts_more_than_a_cancel(void) {
    bench b;
    bench_on(&b, pool_of(1));
    weir_flow *flow = flow_of(b.graph);
    gate g;
    gate_init(&g);
    probe p = {.gate = &g, .result = -EIO}, late = {0};
    weir_task first =
        task_of(flow, &probing, &late, ACCESSES(ALL_OF(WEIR_READ, b.buffer)));
    CHECK_EQ(task_end(b.graph, first), 0);
    weir_task second = task_of(flow, &probing, &p, NO_ACCESS);
    gate_await(&g, 1);
    weir_task third = task_of(flow, &empty, NULL, NO_ACCESS);
    weir_flow_cancel(flow);
    gate_open(&g);
    CHECK_EQ(task_end(b.graph, second), -EIO);
    CHECK_EQ(task_end(b.graph, third), -ECANCELED);
    CHECK_EQ(flow_end(flow), -EIO);
    gate_fini(&g);
    bench_close(&b);
}

static void what_depends_on_the_cancelled_fails(void) {
    bench b;
    bench_on(&b, pool_of(1));
    weir_flow *flow = flow_of(b.graph), *other = flow_of(b.graph);
    held busy;
    hold(b.pool, &busy);
    weir_task first = task_of(
        flow, &empty, NULL, ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    weir_task early = task_of(other, &empty, NULL,
                              ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 0, 8)));
    weir_flow_cancel(flow);
    release(&busy);
    CHECK_EQ(task_end(b.graph, early), -ECANCELED);
    weir_task late = task_of(other, &empty, NULL,
                             ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 0, 8)));
    CHECK_EQ(outcome_of(b.graph, first).root, 1);
    CHECK_EQ(outcome_of(b.graph, first).number, 1);
    CHECK_EQ(outcome_of(b.graph, late).root, 1);
    CHECK_EQ(task_end(b.graph, late), -ECANCELED);
    CHECK_EQ(flow_end(flow), -ECANCELED);
    CHECK_EQ(flow_end(other), -ECANCELED);
    CHECK_EQ(weir_buffer_mend(b.graph, b.buffer), 0);
    flow = flow_of(b.graph);
    task_go(flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_READWRITE, b.buffer)));
    CHECK_EQ(flow_end(flow), 0);
    wait_idle(b.pool);
    gate_fini(&busy.gate);
    bench_close(&b);
}

// A task that waits, of a flow that is cancelled: what fails later is not why.
static void what_is_cancelled_first_is_cancelled(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_flow *flow = flow_of(b.graph), *other = flow_of(b.graph);
    holder h;
    holder_hold(&h, other, -EIO,
                ACCESSES(WEIR_ACCESS(WEIR_WRITE, b.buffer, 0, 8)));
    weir_task waits = task_of(flow, &empty, NULL,
                              ACCESSES(WEIR_ACCESS(WEIR_READ, b.buffer, 0, 8)));
    weir_flow_cancel(flow);
    CHECK_EQ(weir_task_wait(b.graph, waits, 0, NULL), -ETIMEDOUT);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), -EIO);
    CHECK_EQ(task_end(b.graph, waits), -ECANCELED);
    CHECK_EQ(flow_end(flow), -ECANCELED);
    CHECK_EQ(flow_end(other), -EIO);
    bench_close(&b);
}

// Anyone may cancel at any moment; each task ends once, with one truth.
static void *cancel_main(void *argument) {
    crowd *c = argument;
    while (graph_counts(c->bench->graph).succeeded < 20)
        sched_yield();
    weir_flow_cancel(c->flow);
    return NULL;
}

static void a_cancel_may_meet_anything(void) {
    enum { TASKS = 400 };
    for (int round = 0; round < 20; round++) {
        bench b;
        bench_on(&b, pool_of(2));
        weir_flow *flow = flow_of(b.graph);
        static probe p[TASKS];
        static weir_task t[TASKS];
        memset(p, 0, sizeof(p));
        crowd c = {.bench = &b, .flow = flow};
        c.thread = thread_start(cancel_main, &c);
        size_t accepted = 0;
        for (; accepted < TASKS; accepted++) {
            int error =
                task_try(flow, &probing, &p[accepted],
                         ACCESSES(WEIR_ACCESS(WEIR_READWRITE, b.buffer,
                                              accepted % 16, 1 + accepted % 3)),
                         &t[accepted]);
            if (error != 0) {
                CHECK_EQ(error, -ESHUTDOWN);
                break;
            }
        }
        thread_join(c.thread);
        int status = flow_end(flow);
        int cancelled = 0;
        for (size_t i = 0; i < accepted; i++) {
            weir_task_outcome o = outcome_of(b.graph, t[i]);
            CHECK_EQ(o.ran, p[i].ran);
            CHECK_EQ(o.status, p[i].ran ? 0 : -ECANCELED);
            cancelled += !p[i].ran;
        }
        CHECK_EQ(status, cancelled > 0 ? -ECANCELED : 0);
        CHECK_EQ(graph_counts(b.graph).cancelled, cancelled);
        bench_close(&b);
    }
}

static void cancels_under_seeds(weir_pool *pool) {
    bench b;
    bench_on(&b, pool);
    weir_flow *flow[3];
    for (size_t i = 0; i < 3; i++)
        flow[i] = flow_of(b.graph);
    probe p[60] = {{0}};
    for (size_t i = 0; i < 60; i++)
        task_go(flow[i % 3], &probing, &p[i],
                ACCESSES(WEIR_ACCESS(i % 5 == 0 ? WEIR_WRITE : WEIR_READWRITE,
                                     b.buffer, i % 7, 2)));
    CHECK_EQ(weir_flow_wait(flow[0], 0, NULL), -ETIMEDOUT);
    weir_flow_cancel(flow[1]);
    for (size_t i = 0; i < 3; i++) {
        int status = flow_end(flow[i]);
        CHECK(status == 0 || status == -ECANCELED);
    }
    for (size_t i = 0; i < 60; i++)
        CHECK(p[i].ran <= 1);
    graph_close(b.graph);
}

static void a_cancel_may_come_under_any_seed(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, cancels_under_seeds, SEEDS);
}

// ---- the pool stops --------------------------------------------------------

static void a_drain_waits_for_open_flows(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_flow *flow = flow_of(b.graph);
    CHECK_EQ(weir_pool_stop(b.pool, WEIR_STOP_DRAIN, in_ms(5), NULL),
             -ETIMEDOUT);
    weir_flow *late = NULL;
    CHECK_EQ(weir_flow_begin(b.graph, NULL, &late), -ESHUTDOWN);
    tally ran;
    tally_init(&ran);
    for (int i = 0; i < 100; i++) // what was begun goes on, from any thread
        task_go(flow, &counting, &ran, NO_ACCESS);
    weir_flow_close(flow);
    CHECK_EQ(weir_pool_stop(b.pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(tally_get(&ran), 100);
    CHECK_EQ(flow_end(flow), 0);
    graph_close(b.graph);
    weir_pool_destroy(b.pool);
}

static void a_stop_ends_flows(weir_stop_mode mode) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_flow *flow = flow_of(b.graph);
    tally clock;
    tally_init(&clock);
    probe p = {.clock = &clock, .result = -EINTR}, never = {0};
    weir_task runs = task_of(flow, &until_cancelled, &p,
                             ACCESSES(ALL_OF(WEIR_WRITE, b.buffer)));
    tally_await(&clock, 1);
    weir_task waits =
        task_of(flow, &probing, &never, ACCESSES(ALL_OF(WEIR_WRITE, b.buffer)));
    CHECK_EQ(weir_pool_stop(b.pool, mode, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(task_try(flow, &empty, NULL, NO_ACCESS, NULL), -ESHUTDOWN);
    CHECK_EQ(task_end(b.graph, runs), -EINTR);
    CHECK_EQ(task_end(b.graph, waits), -ESHUTDOWN);
    CHECK_EQ(never.ran, 0);
    CHECK_EQ(flow_end(flow), -EINTR);
    weir_flow *late = NULL;
    CHECK_EQ(weir_flow_begin(b.graph, NULL, &late), -ESHUTDOWN);
    graph_close(b.graph);
    weir_pool_destroy(b.pool);
}

static void a_stop_that_cancels_ends_flows(void) {
    a_stop_ends_flows(WEIR_STOP_CANCEL);
}

static void a_stop_that_aborts_ends_flows(void) {
    a_stop_ends_flows(WEIR_STOP_ABORT);
}

static void a_stop_may_come_at_any_moment(void) {
    for (uint64_t seed = 0; seed < 100; seed++) {
        bench b;
        bench_on(&b, pool_seeded(seed, 1 + (unsigned)seed % 4));
        weir_flow *flow = flow_of(b.graph);
        probe p[40] = {{0}};
        weir_task t[40];
        for (size_t i = 0; i < 40; i++)
            t[i] = task_of(
                flow, &probing, &p[i],
                ACCESSES(WEIR_ACCESS(WEIR_READWRITE, b.buffer, i % 5, 2)));
        for (uint64_t steps = 0; steps < seed; steps++)
            if (weir_pool_step(b.pool) != 1)
                break;
        weir_stop_mode mode = seed % 2 ? WEIR_STOP_CANCEL : WEIR_STOP_ABORT;
        CHECK_EQ(weir_pool_stop(b.pool, mode, WEIR_FOREVER, NULL), 0);
        for (size_t i = 0; i < 40; i++) {
            weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
            CHECK_EQ(weir_task_poll(b.graph, t[i], &o), 0);
            CHECK_EQ(o.ran, p[i].ran);
            CHECK_EQ(o.status, p[i].ran ? 0 : -ESHUTDOWN);
        }
        (void)flow_end(flow);
        graph_close(b.graph);
        weir_pool_destroy(b.pool);
    }
}

// ---- the end of a graph ----------------------------------------------------

static void destroy_ends_what_has_not_ended(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_flow *flow = flow_of(b.graph);
    tally clock;
    tally_init(&clock);
    probe p = {.clock = &clock}, never = {0};
    task_go(flow, &until_cancelled, &p, ACCESSES(ALL_OF(WEIR_WRITE, b.buffer)));
    weir_task kept =
        task_of(flow, &probing, &never, ACCESSES(ALL_OF(WEIR_READ, b.buffer)));
    CHECK(kept.id != 0);
    tally_await(&clock, 1);
    weir_buffer heap;
    void *memory;
    CHECK_EQ(weir_buffer_alloc(flow, 64, 0, &heap, &memory), 0);
    weir_graph_destroy(b.graph);
    CHECK_EQ(p.ran, 1);
    CHECK_EQ(never.ran, 0);
    pool_close(b.pool);
}

static void graphs_on_one_pool_are_apart(void) {
    weir_pool *pool = pool_of(2);
    static unsigned char memory[64]; // known to both
    weir_graph *graph[2] = {graph_of(pool), graph_of(pool)};
    weir_flow *flow[2];
    for (int i = 0; i < 2; i++) {
        weir_buffer buffer = buffer_of(graph[i], memory, sizeof(memory));
        flow[i] = flow_of(graph[i]);
        task_go(flow[i], i == 0 ? &failing : &empty, NULL,
                ACCESSES(ALL_OF(WEIR_READ, buffer)));
    }
    CHECK_EQ(flow_end(flow[0]), -EIO);
    CHECK_EQ(flow_end(flow[1]), 0);
    for (int i = 0; i < 2; i++)
        graph_close(graph[i]);
    pool_close(pool);
}

static void a_task_without_a_kernel_gathers(void) {
    bench b;
    bench_on(&b, pool_of(2));
    weir_flow *flow = flow_of(b.graph);
    holder h;
    holder_hold(&h, flow, 0, ACCESSES(ALL_OF(WEIR_WRITE, b.buffer)));
    weir_task all =
        task_of(flow, NULL, NULL, ACCESSES(ALL_OF(WEIR_READ, b.buffer)));
    CHECK(!has_ended(b.graph, all));
    weir_task after = task_after(flow, NULL, NULL, AFTER({0}, all));
    holder_open(&h);
    CHECK_EQ(task_end(b.graph, all), 0);
    CHECK_EQ(task_end(b.graph, after), 0);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    weir_task bad = task_of(flow, &failing, NULL, NO_ACCESS);
    weir_task gathers = task_after(flow, NULL, NULL, AFTER(bad));
    CHECK_EQ(outcome_of(b.graph, gathers).root, 4);
    CHECK_EQ(task_end(b.graph, gathers), -EIO);
    CHECK_EQ(flow_end(flow), -EIO);
    bench_close(&b);
}

static const test_case cases[] = {
    CASE(an_empty_flow_ends_when_it_is_closed),
    CASE(a_flow_ends_with_its_last_task),
    CASE(tasks_run_while_their_flow_is_open),
    CASE(independent_flows_run_at_the_same_time),
    CASE(flows_are_ordered_by_what_they_share),
    CASE(threads_may_submit_to_one_flow),
    CASE(threads_may_submit_to_flows_of_their_own),
    CASE(kernels_may_submit),
    CASE(cancel_ends_what_has_not_started),
    CASE(what_was_cancelled_keeps_its_place_in_memory),
    CASE(cancel_tells_what_runs),
    CASE(cancel_without_anything_is_no_failure),
    CASE(a_failure_counts_more_than_a_cancel),
    CASE(what_depends_on_the_cancelled_fails),
    CASE(what_is_cancelled_first_is_cancelled),
    CASE(a_cancel_may_meet_anything),
    CASE(a_cancel_may_come_under_any_seed),
    CASE(a_drain_waits_for_open_flows),
    CASE(a_stop_that_cancels_ends_flows),
    CASE(a_stop_that_aborts_ends_flows),
    CASE(a_stop_may_come_at_any_moment),
    CASE(destroy_ends_what_has_not_ended),
    CASE(graphs_on_one_pool_are_apart),
    CASE(a_task_without_a_kernel_gathers),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

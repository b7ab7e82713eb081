// SPDX-License-Identifier: MIT
// Handles: to wait for, to poll, to go on from, stale when they should be.
#include "support/graph.h"

typedef struct bench {
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
} bench;

static bench bench_of(int threads) {
    bench b = {.pool = pool_of(threads)};
    b.graph = graph_of(b.pool);
    b.flow = flow_of(b.graph);
    return b;
}

static void bench_close(bench *b) {
    CHECK_EQ(flow_end(b->flow), 0);
    graph_close(b->graph);
    pool_close(b->pool);
}

static void a_task_is_polled_and_waited_for(void) {
    bench b = bench_of(2);
    holder h;
    holder_hold(&h, b.flow, 0, NO_ACCESS);
    weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_task_poll(b.graph, h.task, &o), -EINPROGRESS);
    CHECK_EQ(o.number, 1);
    CHECK_EQ(weir_task_poll(b.graph, h.task, NULL), -EINPROGRESS);
    CHECK_EQ(weir_task_wait(b.graph, h.task, 0, &o), -ETIMEDOUT);
    CHECK_EQ(weir_task_wait(b.graph, h.task, -7, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_task_wait(b.graph, h.task, in_ms(5), NULL), -ETIMEDOUT);
    holder_open(&h);
    CHECK_EQ(weir_task_wait(b.graph, h.task, WEIR_FOREVER, &o), 0);
    CHECK_EQ(weir_task_wait(b.graph, h.task, 0, &o), 0); // it has ended
    CHECK_EQ(weir_task_poll(b.graph, h.task, &o), 0);
    CHECK_EQ(o.status, 0);
    CHECK_EQ(o.ran, 1);
    CHECK_EQ(o.number, 1);
    CHECK_EQ(o.root, 0);
    CHECK_EQ(o.signal, 0);
    CHECK_EQ(o.exit_status, -1);
    CHECK_STR(o.kernel, "");
    CHECK_STR(o.reason, "");
    CHECK_EQ(holder_end(&h, b.graph), 0);
    bench_close(&b);
}

static void numbers_count_from_one(void) {
    bench b = bench_of(2);
    for (uint64_t i = 1; i <= 3000; i++) {
        weir_task task = task_of(b.flow, &empty, NULL, NO_ACCESS);
        if (i % 100 == 0)
            CHECK_EQ(number_of(b.graph, task), i);
        CHECK_EQ(weir_task_release(b.graph, task), 0);
    }
    bench_close(&b);
}

static void a_handle_outlives_its_flow(void) {
    bench b = bench_of(2);
    weir_flow *flow = flow_of(b.graph);
    weir_task fine = task_of(flow, &empty, NULL, NO_ACCESS);
    weir_task bad = task_of(flow, &failing, NULL, NO_ACCESS);
    CHECK_EQ(flow_end(flow), -EIO);
    for (int i = 0; i < 1000; i++)
        task_go(b.flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(task_end(b.graph, fine), 0);
    CHECK_EQ(task_end(b.graph, bad), -EIO);
    bench_close(&b);
}

static void a_released_task_goes_on(void) {
    bench b = bench_of(2);
    holder h;
    holder_hold(&h, b.flow, 0, NO_ACCESS);
    CHECK_EQ(weir_task_release(b.graph, h.task), 0);
    CHECK_EQ(weir_task_release(b.graph, h.task), -ESTALE);
    CHECK_EQ(weir_task_poll(b.graph, h.task, NULL), -ESTALE);
    CHECK_EQ(graph_counts(b.graph).live, 1);
    holder_open(&h);
    bench_close(&b);
    gate_fini(&h.gate);
}

// What was released long ago is never taken for what has its place now.
static void stale_handles_stay_stale_while_slots_are_recycled(void) {
    enum { KEPT = 1000 };
    bench b = bench_of(2);
    static weir_task old[KEPT];
    for (size_t i = 0; i < 100000 / TEST_SMALLER; i++) {
        weir_task task = task_of(b.flow, &empty, NULL, NO_ACCESS);
        if (i % 100 == 99)
            CHECK_EQ(outcome_of(b.graph, task).status, 0);
        CHECK_EQ(weir_task_release(b.graph, task), 0);
        size_t at = i % KEPT;
        if (old[at].id != 0) {
            CHECK(old[at].id != task.id);
            CHECK_EQ(weir_task_poll(b.graph, old[at], NULL), -ESTALE);
            CHECK_EQ(weir_task_release(b.graph, old[at]), -ESTALE);
        }
        old[at] = task;
    }
    CHECK(graph_counts(b.graph).slots <= 1024); // flat
    bench_close(&b);
}

static void memory_of_tasks_is_used_again(void) {
    bench b = bench_of(2);
    unsigned char memory[64];
    weir_buffer buffer = buffer_of(b.graph, memory, sizeof(memory));
    uint64_t slots = 0, regions = 0;
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 1000; i++)
            task_go(b.flow, &empty, NULL,
                    ACCESSES(WEIR_ACCESS(WEIR_WRITE, buffer, i % 57, 8)));
        weir_task last =
            task_of(b.flow, &empty, NULL, ACCESSES(ALL_OF(WEIR_WRITE, buffer)));
        CHECK_EQ(task_end(b.graph, last), 0);
        weir_graph_counts c = graph_counts(b.graph);
        if (round == 0)
            slots = c.slots;
        CHECK(slots >= 1 && c.slots <= 2 * 2048);
        if (round == 10)
            regions = c.regions;
        CHECK(round <= 10 || c.regions <= 2 * regions + 64);
    }
    bench_close(&b);
}

static void handles_that_are_kept_keep_their_slots(void) {
    enum { KEPT = 5000 };
    bench b = bench_of(2);
    static weir_task kept[KEPT];
    for (size_t i = 0; i < KEPT; i++)
        kept[i] =
            task_of(b.flow, i % 7 == 0 ? &failing : &empty, NULL, NO_ACCESS);
    for (size_t i = 0; i < KEPT; i++)
        CHECK_EQ(outcome_of(b.graph, kept[i]).number, i + 1);
    CHECK(graph_counts(b.graph).slots_used >= KEPT);
    for (size_t i = 0; i < KEPT; i++)
        CHECK_EQ(task_end(b.graph, kept[i]), i % 7 == 0 ? -EIO : 0);
    CHECK_EQ(flow_end(b.flow), -EIO);
    graph_close(b.graph);
    pool_close(b.pool);
}

// ---- continuations ---------------------------------------------------------

typedef struct follow {
    work work;
    bench *bench;
    weir_task task;
    int seen;
    const int *written; // by the task
} follow;

static int follow_run(weir_worker *self, weir_job *job) {
    follow *f = (follow *)job;
    f->work.index = weir_worker_index(self);
    weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_task_poll(f->bench->graph, f->task, &o), 0);
    f->seen = *f->written;
    f->work.ran++;
    return 0;
}

typedef struct writing {
    gate *gate;
    int value;
    int result;
} writing;

static int writing_run(const weir_kernel_call *call) {
    writing *w = argument_of(call);
    if (w->gate != NULL)
        gate_pass(w->gate);
    w->value = 42;
    return w->result;
}

static const weir_kernel writer = {"writer", writing_run};

static void a_job_goes_on_from_a_task(void) {
    bench b = bench_of(2);
    for (int result = 0; result >= -EIO; result -= EIO) {
        gate g;
        gate_init(&g);
        writing w = {&g, 0, result};
        weir_task task = task_of(b.flow, &writer, &w, NO_ACCESS);
        follow f[2];
        for (int i = 0; i < 2; i++) {
            f[i] = (follow){work_of(0), &b, task, 0, &w.value};
            f[i].work.job.run = follow_run;
        }
        CHECK_EQ(weir_task_attach(b.graph, task, &f[0].work.job), 0);
        gate_open(&g);
        CHECK_EQ(outcome_of(b.graph, task).status, result);
        CHECK_EQ(weir_task_attach(b.graph, task, &f[1].work.job), 0); // late
        CHECK_EQ(flow_end(b.flow), result);
        wait_idle(b.pool);
        for (int i = 0; i < 2; i++) {
            check_ran(&f[i].work, 0);
            CHECK_EQ(f[i].seen, 42);
        }
        CHECK_EQ(weir_task_release(b.graph, task), 0);
        gate_fini(&g);
        b.flow = flow_of(b.graph);
    }
    bench_close(&b);
}

static void a_job_goes_on_from_a_flow(void) {
    bench b = bench_of(2);
    gate g;
    gate_init(&g);
    writing w = {&g, 0, 0};
    weir_task task = task_of(b.flow, &writer, &w, NO_ACCESS);
    follow f = {work_of(0), &b, task, 0, &w.value};
    f.work.job.run = follow_run;
    CHECK_EQ(weir_flow_attach(b.flow, &f.work.job), 0);
    weir_flow_close(b.flow);
    gate_open(&g);
    CHECK_EQ(weir_flow_wait(b.flow, WEIR_FOREVER, NULL), 0);
    wait_idle(b.pool);
    check_ran(&f.work, 0);
    CHECK_EQ(f.seen, 42);
    work late = work_of(0);
    CHECK_EQ(weir_flow_attach(b.flow, &late.job), 0);
    wait_idle(b.pool);
    check_ran(&late, 0);
    gate_fini(&g);
    bench_close(&b);
}

static void an_attached_job_may_be_cancelled(void) {
    bench b = bench_of(2);
    holder h;
    holder_hold(&h, b.flow, 0, NO_ACCESS);
    work w = work_of(0), kept = work_of(0);
    CHECK_EQ(weir_task_attach(b.graph, h.task, &w.job), 0);
    CHECK_EQ(weir_task_attach(b.graph, h.task, &kept.job), 0);
    CHECK_EQ(weir_cancel(b.pool, &w.job), 0);
    holder_open(&h);
    CHECK_EQ(holder_end(&h, b.graph), 0);
    weir_flow_close(b.flow);
    wait_idle(b.pool);
    check_not_run(&w, -ECANCELED);
    check_ran(&kept, 0);
    bench_close(&b);
}

// A continuation may submit, and release what it came from.
typedef struct relay {
    weir_job job;
    bench *bench;
    weir_task task;
    int left;
    tally *ran;
} relay;

static int relay_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void relay_done(weir_job *job, int status) {
    relay *r = (relay *)job;
    CHECK_EQ(status, 0);
    CHECK_EQ(weir_task_release(r->bench->graph, r->task), 0);
    if (r->left-- == 0) {
        weir_flow_close(r->bench->flow);
        return;
    }
    r->task = task_of(r->bench->flow, &counting, r->ran, NO_ACCESS);
    r->job = (weir_job)WEIR_JOB_INIT(relay_run, relay_done);
    CHECK_EQ(weir_task_attach(r->bench->graph, r->task, &r->job), 0);
}

static void relays(weir_pool *pool) {
    bench b = {.pool = pool, .graph = graph_of(pool)};
    b.flow = flow_of(b.graph);
    tally ran;
    tally_init(&ran);
    relay r = {.bench = &b, .left = 100, .ran = &ran};
    r.job = (weir_job)WEIR_JOB_INIT(relay_run, relay_done);
    r.task = task_of(b.flow, &counting, &ran, NO_ACCESS);
    CHECK_EQ(weir_task_attach(b.graph, r.task, &r.job), 0);
    int status;
    CHECK_EQ(weir_flow_wait(b.flow, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(tally_get(&ran), 101);
    wait_idle(pool);
    CHECK_EQ(flow_end(b.flow), 0);
    graph_close(b.graph);
}

static void a_continuation_may_submit(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, relays, 20);
}

// ---- waits in kernels ------------------------------------------------------

typedef struct waiting {
    bench *bench;
    weir_task task;
    gate *known; // opened when task is written
    int answer;
} waiting;

static int waiting_run(const weir_kernel_call *call) {
    waiting *w = argument_of(call);
    if (w->known != NULL)
        gate_pass(w->known);
    w->answer = weir_task_wait(call->graph, w->task, WEIR_FOREVER, NULL);
    return 0;
}

static const weir_kernel waits = {"waits", waiting_run};

// The only worker lends its place: what it waits for can run.
static void a_kernel_that_waits_lends_its_place(weir_pool *pool) {
    bench b = {.pool = pool, .graph = graph_of(pool)};
    b.flow = flow_of(b.graph);
    enum { DEEP = 8 };
    static waiting w[DEEP];
    weir_task last = {0};
    weir_task inner = task_of(b.flow, &empty, NULL, NO_ACCESS);
    for (size_t i = 0; i < DEEP; i++) {
        w[i] = (waiting){&b, i == 0 ? inner : last, NULL, -1};
        last = task_of(b.flow, &waits, &w[i], NO_ACCESS);
    }
    CHECK_EQ(outcome_of(b.graph, last).status, 0);
    for (size_t i = 0; i < DEEP; i++)
        CHECK_EQ(w[i].answer, 0);
    CHECK_EQ(flow_end(b.flow), 0);
    graph_close(b.graph);
}

// One that is submitted before what it waits for: it must let that pass.
static void a_wait_lets_later_tasks_pass(void) {
    bench b = bench_of(1);
    gate known;
    gate_init(&known);
    waiting w = {&b, {0}, &known, -1};
    weir_task first = task_of(b.flow, &waits, &w, NO_ACCESS);
    gate_await(&known, 1);
    w.task = task_of(b.flow, &empty, NULL, NO_ACCESS);
    gate_open(&known);
    CHECK_EQ(task_end(b.graph, first), 0);
    CHECK_EQ(w.answer, 0);
    gate_fini(&known);
    bench_close(&b);
}

static void waits_in_kernels(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, a_kernel_that_waits_lends_its_place, 50);
}

static void a_task_cannot_wait_for_itself(void) {
    bench b = bench_of(1);
    gate known;
    gate_init(&known);
    waiting w = {&b, {0}, &known, 0};
    w.task = task_of(b.flow, &waits, &w, NO_ACCESS);
    gate_open(&known);
    CHECK_EQ(outcome_of(b.graph, w.task).status, 0);
    CHECK_EQ(w.answer, -EDEADLK);
    gate_fini(&known);
    bench_close(&b);
}

typedef struct flow_waiting {
    weir_flow *flow;
    gate known;
    int answer;
} flow_waiting;

static int flow_waiting_run(const weir_kernel_call *call) {
    flow_waiting *w = argument_of(call);
    gate_pass(&w->known);
    w->answer = weir_flow_wait(w->flow, WEIR_FOREVER, NULL);
    return 0;
}

static const weir_kernel waits_for_flow = {"waits", flow_waiting_run};

static void a_task_cannot_wait_for_its_flow(void) {
    bench b = bench_of(2);
    flow_waiting w = {.flow = b.flow};
    gate_init(&w.known);
    weir_task task = task_of(b.flow, &waits_for_flow, &w, NO_ACCESS);
    weir_flow_close(b.flow);
    gate_open(&w.known);
    CHECK_EQ(task_end(b.graph, task), 0);
    CHECK_EQ(w.answer, -EDEADLK);
    gate_fini(&w.known);
    bench_close(&b);
}

static void a_task_may_wait_for_another_flow(void) {
    bench b = bench_of(1);
    flow_waiting w = {.flow = flow_of(b.graph)};
    gate_init(&w.known);
    gate_open(&w.known);
    weir_task task = task_of(b.flow, &waits_for_flow, &w, NO_ACCESS);
    task_go(w.flow, &empty, NULL, NO_ACCESS);
    weir_flow_close(w.flow);
    CHECK_EQ(task_end(b.graph, task), 0);
    CHECK_EQ(w.answer, 0);
    CHECK_EQ(flow_end(w.flow), 0);
    gate_fini(&w.known);
    bench_close(&b);
}

// ---- without threads -------------------------------------------------------

static void without_threads_a_wait_that_cannot_end_is_said(void) {
    weir_pool *pool = pool_seeded(3, 2);
    bench b = {.pool = pool, .graph = graph_of(pool)};
    b.flow = flow_of(b.graph);
    weir_task task = task_of(b.flow, &empty, NULL, NO_ACCESS);
    CHECK_EQ(task_end(b.graph, task), 0);
    CHECK_EQ(weir_flow_wait(b.flow, WEIR_FOREVER, NULL), -EDEADLK); // open
    CHECK_EQ(weir_flow_wait(b.flow, 0, NULL), -ETIMEDOUT);
    bench_close(&b);
}

// ---- many threads ----------------------------------------------------------

typedef struct herd {
    bench *bench;
    weir_task task;
    int status;
} herd;

static void *herd_main(void *argument) {
    herd *h = argument;
    weir_task_outcome o = outcome_of(h->bench->graph, h->task);
    h->status = o.status;
    return NULL;
}

static void many_threads_wait_for_one_task(void) {
    enum { HERD = 8 };
    bench b = bench_of(2);
    for (int round = 0; round < 20; round++) {
        holder h;
        holder_hold(&h, b.flow, -EIO, NO_ACCESS);
        herd all[HERD];
        pthread_t threads[HERD];
        for (size_t i = 0; i < HERD; i++) {
            all[i] = (herd){&b, h.task, 0};
            threads[i] = thread_start(herd_main, &all[i]);
        }
        holder_open(&h);
        for (size_t i = 0; i < HERD; i++) {
            thread_join(threads[i]);
            CHECK_EQ(all[i].status, -EIO);
        }
        CHECK_EQ(holder_end(&h, b.graph), -EIO);
    }
    CHECK_EQ(flow_end(b.flow), -EIO);
    graph_close(b.graph);
    pool_close(b.pool);
}

static const test_case cases[] = {
    CASE(a_task_is_polled_and_waited_for),
    CASE(numbers_count_from_one),
    CASE(a_handle_outlives_its_flow),
    CASE(a_released_task_goes_on),
    CASE(stale_handles_stay_stale_while_slots_are_recycled),
    CASE(memory_of_tasks_is_used_again),
    CASE(handles_that_are_kept_keep_their_slots),
    CASE(a_job_goes_on_from_a_task),
    CASE(a_job_goes_on_from_a_flow),
    CASE(an_attached_job_may_be_cancelled),
    CASE(a_continuation_may_submit),
    CASE(waits_in_kernels),
    CASE(a_wait_lets_later_tasks_pass),
    CASE(a_task_cannot_wait_for_itself),
    CASE(a_task_cannot_wait_for_its_flow),
    CASE(a_task_may_wait_for_another_flow),
    CASE(without_threads_a_wait_that_cannot_end_is_said),
    CASE(many_threads_wait_for_one_task),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

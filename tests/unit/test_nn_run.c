// SPDX-License-Identifier: MIT
// Running plans: the chain of jobs, its ends, its memory. The plans are drawn,
// not compiled: see nn/sketch.h.
#include "base/fault.h"
#include "nn/sketch_run.h"

enum { MANY = 64 };

// Another plan each time, the same ones in the same order each run.
static uint64_t next_seed(void) {
    static uint64_t seed;
    return ++seed;
}

// ---- right -----------------------------------------------------------------

static void one_run(weir_pool *pool) {
    sketch *s = sketch_random(next_seed());
    wr_nn_cell *cell = cell_of(s);
    for (uint64_t i = 0; i < 3; i++) {
        request r;
        request_init(&r, s, i);
        sketch_reset(s);
        s->in_order = true;
        start(cell, pool, &r);
        wait_idle(pool);
        s->in_order = false;
        request_is_right(&r);
        for (int t = 0; t < s->graph->nodes; t++)
            CHECK_EQ(tally_get(&s->probe[t].ran), s->task[t].parts);
    }
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void results_are_the_serial_ones_and_each_part_runs_once(void) {
    for_each_pool(one_run);
}

static void many_runs(weir_pool *pool) {
    sketch *s = sketch_random(next_seed());
    wr_nn_cell *cell = cell_of(s);
    static request r[MANY];
    for (uint64_t i = 0; i < MANY; i++)
        request_init(&r[i], s, i);
    for (uint64_t i = 0; i < MANY; i++)
        start(cell, pool, &r[i]);
    wait_idle(pool);
    for (uint64_t i = 0; i < MANY; i++)
        request_is_right(&r[i]);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void many_runs_at_once_share_a_cell(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, many_runs, 20);
}

typedef struct caller {
    weir_pool *pool;
    sketch *s;
    wr_nn_cell *cell;
    request r[16];
} caller;

static void *caller_main(void *argument) {
    caller *c = argument;
    for (uint64_t i = 0; i < TEST_COUNT(c->r); i++)
        start(c->cell, c->pool, &c->r[i]);
    return NULL;
}

static void runs_start_on_any_thread(void) {
    weir_pool *pool = pool_of(2);
    sketch *s = sketch_random(7);
    wr_nn_cell *cell = cell_of(s);
    static caller c[4];
    pthread_t thread[4];
    for (uint64_t i = 0; i < 4; i++) {
        c[i] = (caller){.pool = pool, .s = s, .cell = cell};
        for (uint64_t j = 0; j < TEST_COUNT(c[i].r); j++)
            request_init(&c[i].r[j], s, 100 * i + j);
    }
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(caller_main, &c[i]);
    for (int i = 0; i < 4; i++)
        thread_join(thread[i]);
    wait_idle(pool);
    for (int i = 0; i < 4; i++)
        for (size_t j = 0; j < TEST_COUNT(c[i].r); j++)
            request_is_right(&c[i].r[j]);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
}

static void started_again(weir_pool *pool) {
    sketch *s = sketch_random(next_seed());
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, 1);
    r.again = 30;
    r.again_on = pool;
    r.again_in = cell;
    start(cell, pool, &r);
    wait_idle(pool);
    CHECK_EQ(r.ended, 31);
    CHECK_EQ(r.again, 0);
    CHECK_EQ(r.status, 0);
    CHECK_EQ(memcmp(r.out, r.expected, sizeof(r.out)), 0);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void a_run_may_be_started_again_in_its_done(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, started_again, 20);
}

static void cell_dies(weir_pool *pool) {
    sketch *s = sketch_random(next_seed());
    request r;
    request_init(&r, s, 1);
    r.dies = cell_of(s);
    start(r.dies, pool, &r);
    wait_idle(pool);
    request_is_right(&r);
    sketch_close(s);
}

static void the_last_done_may_destroy_the_cell(void) {
    for_each_pool(cell_dies);
}

// ---- odd plans -------------------------------------------------------------

static void empty_plan(weir_pool *pool) {
    sketch *s = sketch_open();
    sketch_outputs(s, 1, 2, 0);
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, next_seed());
    CHECK_EQ(memcmp(r.expected[0], r.in[1], sizeof(r.in[1])), 0);
    CHECK_EQ(memcmp(r.expected[1], s->constant, sizeof(s->constant)), 0);
    start(cell, pool, &r);
    wait_idle(pool);
    request_is_right(&r);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void a_plan_without_tasks_gives_inputs_and_constants(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, empty_plan, 8);
}

static void outputs_may_be_the_same_value_or_lie_in_the_arena(void) {
    sketch *s = sketch_open();
    int in = 0;
    int a = sketch_task(s, 1, 100, WR_NN_OUTPUT, 0, &in, 1);
    int b = sketch_task(s, 2, 100, WR_NN_ARENA, 0, &a, 1);
    sketch_outputs(s, a, a, b);
    weir_pool *pool = pool_of(2);
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, 1);
    CHECK_EQ(memcmp(r.expected[0], r.expected[1], sizeof(r.in[1])), 0);
    CHECK(memcmp(r.expected[0], r.expected[2], sizeof(r.in[1])) != 0);
    start(cell, pool, &r);
    wait_idle(pool);
    request_is_right(&r);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
}

// A value that is a view of the second half of an input.
static void a_spot_has_an_offset_into_its_memory(void) {
    sketch *s = sketch_open();
    static const int32_t wide[2 * WORDS] = {[WORDS] = 42, [WORDS + 1] = 43};
    int view = sketch_value(s, WR_NN_INPUT, 0, NULL);
    s->spot[view].offset = WORDS * sizeof(int32_t);
    sketch_outputs(s, view, view, 2);
    int32_t out[OUTPUTS][WORDS] = {{0}};
    void *output[OUTPUTS] = {out[0], out[1], out[2]};
    const void *input[2] = {wide, NULL};
    CHECK_EQ(wr_nn_run_serial(&s->plan, input, output, false), 0);
    CHECK_EQ(memcmp(out[0], wide + WORDS, sizeof(out[0])), 0);
    sketch_close(s);
}

// ---- turns -----------------------------------------------------------------

static uint64_t jobs_for_a_chain(double cost_ns, unsigned parts) {
    weir_pool *pool = pool_of(1);
    sketch *s = sketch_open();
    int value = 0;
    for (int i = 0; i < 40; i++)
        value = sketch_task(s, parts, cost_ns, WR_NN_ARENA, 0, &value, 1);
    sketch_outputs(s, value, value, value);
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, 1);
    start(cell, pool, &r);
    wait_idle(pool);
    request_is_right(&r);
    uint64_t jobs = counts_of(pool).submitted;
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
    return jobs;
}

static void short_tasks_share_a_job_and_long_ones_have_their_own(void) {
    CHECK_EQ(jobs_for_a_chain(1000, 1), 1);
    CHECK_EQ(jobs_for_a_chain(50000, 1), 10);    // 4 to a turn of 200 us
    CHECK_EQ(jobs_for_a_chain(1000000, 1), 40);  // one each
    CHECK_EQ(jobs_for_a_chain(4000000, 4), 160); // one for each part
}

// Many short tasks that one releases are not lost where there is no room.
static void wide_plan(weir_pool *pool) {
    sketch *s = sketch_open();
    int in = 0;
    int root = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &in, 1);
    int middle[7], all[5];
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 7; j++)
            middle[j] = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &root, 1);
        all[i] = sketch_task(s, 3, 9000, WR_NN_ARENA, 0, middle, 7);
    }
    sketch_outputs(s, all[0], all[2], all[4]);
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, next_seed());
    sketch_reset(s);
    start(cell, pool, &r);
    wait_idle(pool);
    request_is_right(&r);
    CHECK_EQ(sketch_ran(s), sketch_parts(s));
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void a_task_may_release_many(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, wide_plan, 50);
}

// The longest is the most urgent, from its first task to its last.
static void priority_orders_what_is_queued(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    tally clock;
    tally_init(&clock);
    sketch *s[3];
    wr_nn_cell *cell[3];
    request r[3];
    for (int i = 0; i < 3; i++) {
        s[i] = sketch_open();
        int value = 0;
        for (int j = 0; j <= 2 * i; j++)
            value = sketch_task(s[i], 1, 1e6, WR_NN_ARENA, 0, &value, 1);
        sketch_outputs(s[i], value, value, value);
        cell[i] = cell_of(s[i]);
        request_init(&r[i], s[i], 1);
        r[i].clock = &clock;
        r[i].run.priority = i - 1;
        start(cell[i], pool, &r[i]);
    }
    release(&h);
    wait_idle(pool);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(r[i].order, 3 - i);
        wr_nn_cell_destroy(cell[i]);
        sketch_close(s[i]);
    }
    gate_fini(&h.gate);
    pool_close(pool);
}

// ---- cancel ----------------------------------------------------------------

// Cancels the run in the middle of its part number `at`.
typedef struct canceller {
    wr_nn_run *run;
    uint64_t at;
} canceller;

static void hook_cancel(sketch *s, int task, unsigned part) {
    (void)task;
    (void)part;
    canceller *c = s->context;
    if (sketch_ran(s) == c->at)
        wr_nn_run_cancel(c->run);
}

static void cancelled_at_each_point(weir_pool *pool) {
    sketch *s = sketch_random(next_seed());
    wr_nn_cell *cell = cell_of(s);
    unsigned width = weir_pool_width(pool);
    unsigned parts = sketch_parts(s);
    for (uint64_t at = 1; at <= parts; at++) {
        request r;
        request_init(&r, s, at);
        sketch_reset(s);
        canceller c = {&r.run, at};
        s->hook = hook_cancel;
        s->context = &c;
        start(cell, pool, &r);
        wait_idle(pool);
        s->hook = NULL;
        CHECK_EQ(r.ended, 1);
        CHECK_EQ(r.on_worker, 1);
        uint64_t ran = sketch_ran(s);
        if (r.status == 0) {
            CHECK_EQ(ran, parts);
            CHECK_EQ(memcmp(r.out, r.expected, sizeof(r.out)), 0);
            continue;
        }
        CHECK_EQ(r.status, -ECANCELED);
        CHECK(ran < parts);
        // Only those that had begun on other workers.
        CHECK(ran >= at && ran < at + width);
    }
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void a_cancel_at_any_point_ends_a_run_once(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        options.virtual_workers = 1 + (unsigned)seed % 4;
        options.seed = seed;
        weir_pool *pool = pool_open(&options);
        cancelled_at_each_point(pool);
        pool_close(pool);
    }
}

static void a_cancel_before_the_start_holds(void) {
    weir_pool *pool = pool_of(2);
    sketch *s = sketch_random(3);
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, 1);
    sketch_reset(s);
    wr_nn_run_cancel(&r.run);
    start(cell, pool, &r);
    wait_idle(pool);
    CHECK_EQ(r.ended, 1);
    CHECK_EQ(r.status, -ECANCELED);
    CHECK_EQ(sketch_ran(s), 0);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
}

// From a thread outside, at times that nobody chooses.
static void a_cancel_from_outside_ends_a_run_once(void) {
    weir_pool *pool = pool_of(2);
    sketch *s = sketch_random(11);
    wr_nn_cell *cell = cell_of(s);
    static request r[MANY];
    uint64_t cancelled = 0;
    for (int round = 0; round < 10; round++) {
        held h[2];
        hold(pool, &h[0]);
        hold(pool, &h[1]);
        for (uint64_t i = 0; i < MANY; i++) {
            request_init(&r[i], s, i);
            start(cell, pool, &r[i]);
        }
        release(&h[0]);
        release(&h[1]);
        // Static memory, so a cancel that comes late is harmless here.
        for (uint64_t i = 0; i < MANY; i += 3)
            wr_nn_run_cancel(&r[MANY - 1 - i].run);
        wait_idle(pool);
        gate_fini(&h[0].gate);
        gate_fini(&h[1].gate);
        for (int i = 0; i < MANY; i++) {
            CHECK_EQ(r[i].ended, 1);
            if (r[i].status == 0)
                CHECK_EQ(memcmp(r[i].out, r[i].expected, sizeof(r[i].out)), 0);
            else
                CHECK_EQ(r[i].status, -ECANCELED);
            cancelled += r[i].status != 0;
        }
    }
    CHECK(cancelled > 0);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
}

// ---- stop ------------------------------------------------------------------

static void stopped_after(uint64_t seed, int steps, weir_stop_mode mode) {
    weir_pool *pool = pool_seeded(seed, 1 + (unsigned)seed % 4);
    sketch *s = sketch_random(seed + 1);
    wr_nn_cell *cell = cell_of(s);
    request r[3];
    for (uint64_t i = 0; i < 3; i++) {
        request_init(&r[i], s, i);
        start(cell, pool, &r[i]);
    }
    for (int i = 0; i < steps && weir_pool_step(pool) == 1; i++)
        continue;
    pool_close_how(pool, mode);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(r[i].ended, 1);
        CHECK_EQ(r[i].on_worker, 1);
        if (mode == WEIR_STOP_DRAIN || r[i].status == 0) {
            CHECK_EQ(r[i].status, 0);
            CHECK_EQ(memcmp(r[i].out, r[i].expected, sizeof(r[i].out)), 0);
        } else {
            CHECK_EQ(r[i].status, -ESHUTDOWN);
        }
    }
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void a_stop_at_any_point_ends_each_run_once(void) {
    static const weir_stop_mode modes[] = {WEIR_STOP_DRAIN, WEIR_STOP_CANCEL,
                                           WEIR_STOP_ABORT};
    for (uint64_t seed = 0; seed < 24; seed++)
        for (int steps = 0; steps < 120; steps += 1 + (int)(seed % 5))
            stopped_after(seed, steps, modes[(seed + (uint64_t)steps) % 3]);
}

static void hook_gate(sketch *s, int task, unsigned part) {
    (void)part;
    if (task == 1)
        gate_pass(s->context);
}

static void stop_held_in_the_middle(weir_stop_mode mode, int expected) {
    weir_pool *pool = pool_of(2);
    sketch *s = sketch_open();
    int value = 0;
    for (int i = 0; i < 4; i++)
        value = sketch_task(s, 2, 1000000, WR_NN_ARENA, 0, &value, 1);
    sketch_outputs(s, value, value, value);
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, 1);
    gate door;
    gate_init(&door);
    s->hook = hook_gate;
    s->context = &door;
    sketch_reset(s);
    start(cell, pool, &r);
    gate_await(&door, 2);
    stopper stop;
    stopper_start(&stop, pool, mode);
    gate_open(&door);
    stopper_join(&stop);
    CHECK_EQ(r.ended, 1);
    CHECK_EQ(r.status, expected);
    CHECK_EQ(sketch_ran(s), expected == 0 ? 8 : 4);
    if (expected == 0)
        request_is_right(&r);
    weir_pool_destroy(pool);
    gate_fini(&door);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void a_drain_finishes_a_run_and_a_cancel_ends_it(void) {
    stop_held_in_the_middle(WEIR_STOP_DRAIN, 0);
    stop_held_in_the_middle(WEIR_STOP_CANCEL, -ESHUTDOWN);
    stop_held_in_the_middle(WEIR_STOP_ABORT, -ESHUTDOWN);
}

static void a_stopped_pool_refuses_a_run(void) {
    weir_pool *pool = pool_of(1);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    sketch *s = sketch_random(5);
    wr_nn_cell *cell = cell_of(s);
    request r;
    request_init(&r, s, 1);
    CHECK_EQ(wr_nn_run_start(cell, pool, &r.run), -ESHUTDOWN);
    CHECK_EQ(r.ended, 0);
    weir_pool_destroy(pool);
    // The cell is as good as before.
    pool = pool_of(1);
    start(cell, pool, &r);
    wait_idle(pool);
    request_is_right(&r);
    pool_close(pool);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

// ---- memory ----------------------------------------------------------------

static void a_cell_keeps_so_many_arenas(void) {
    weir_pool *pool = pool_of(2);
    sketch *s = sketch_random(9);
    wr_nn_cell *cell = cell_of(s);
    CHECK_EQ(wr_nn_cell_bytes(cell), 0);
    static request r[MANY];
    held h[2];
    hold(pool, &h[0]);
    hold(pool, &h[1]);
    request_init(&r[0], s, 0);
    start(cell, pool, &r[0]);
    size_t first = wr_nn_cell_bytes(cell);
    request_init(&r[1], s, 1);
    start(cell, pool, &r[1]);
    size_t each = wr_nn_cell_bytes(cell) - first; // scratch is there only once
    CHECK(each > s->plan.arena_bytes);
    CHECK(first > each);
    for (uint64_t i = 2; i < MANY; i++) {
        request_init(&r[i], s, i);
        start(cell, pool, &r[i]);
    }
    CHECK_EQ(wr_nn_cell_bytes(cell), first + (MANY - 1) * each);
    release(&h[0]);
    release(&h[1]);
    wait_idle(pool);
    CHECK_EQ(wr_nn_cell_bytes(cell), first + (KEEP - 1) * each);
    for (int i = 0; i < MANY; i++)
        request_is_right(&r[i]);
    // Those that are kept are used again.
    request_init(&r[0], s, 0);
    start(cell, pool, &r[0]);
    wait_idle(pool);
    request_is_right(&r[0]);
    CHECK_EQ(wr_nn_cell_bytes(cell), first + (KEEP - 1) * each);
    gate_fini(&h[0].gate);
    gate_fini(&h[1].gate);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
}

static void two_pools_may_share_a_cell(void) {
    sketch *s = sketch_random(13);
    wr_nn_cell *cell = cell_of(s);
    weir_pool *pool[2] = {pool_of(1), pool_of(3)};
    static request r[2][16];
    for (int i = 0; i < 16; i++)
        for (int p = 0; p < 2; p++) {
            request_init(&r[p][i], s, (uint64_t)i);
            start(cell, pool[p], &r[p][i]);
        }
    for (int p = 0; p < 2; p++)
        pool_close(pool[p]);
    for (int i = 0; i < 16; i++)
        for (int p = 0; p < 2; p++)
            request_is_right(&r[p][i]);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
}

static void lack_of_memory_is_told_at_the_start(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 1))
        SKIP("built without WEIR_FAULTS");
    weir_pool *pool = pool_of(1);
    sketch *s = sketch_random(4);
    request r;
    request_init(&r, s, 1);
    wr_nn_cell *cell = NULL;
    for (uint64_t i = 0; i < 2; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        CHECK_EQ(wr_nn_cell_create(&cell, &s->plan, KEEP), -ENOMEM);
        CHECK(cell == NULL);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    cell = cell_of(s);
    // Scratch and its list; tables, with scratch that stays; tables, arena.
    static const uint64_t fails[] = {0, 1, 2, 0, 1};
    for (size_t i = 0; i < TEST_COUNT(fails); i++) {
        wr_fault_arm(WR_FAULT_ALLOC, fails[i], 1);
        CHECK_EQ(wr_nn_run_start(cell, pool, &r.run), -ENOMEM);
        CHECK_EQ(r.ended, 0);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 2, 1);
    start(cell, pool, &r);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    wait_idle(pool);
    request_is_right(&r);
    for (uint64_t i = 0; i < 3; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        CHECK_EQ(wr_nn_run_serial(&s->plan, r.input, r.output, true), -ENOMEM);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
}

// ---- looking on ------------------------------------------------------------

typedef struct seen {
    tally calls[TASKS_MAX];
    weir_pool *pool;
} seen;

static void seen_part(void *context, int task, unsigned part, int64_t from_ns,
                      int64_t to_ns, int worker) {
    (void)part;
    seen *v = context;
    CHECK(from_ns > 0 && to_ns >= from_ns);
    CHECK(worker >= 0 && (unsigned)worker < weir_pool_index_limit(v->pool));
    tally_add(&v->calls[task]);
}

static void the_observer_sees_every_part(void) {
    weir_pool *pool = pool_of(2);
    sketch *s = sketch_random(21);
    wr_nn_cell *cell = cell_of(s);
    seen v = {.pool = pool};
    wr_nn_cell_observe(cell, seen_part, &v);
    request r;
    request_init(&r, s, 1);
    start(cell, pool, &r);
    wait_idle(pool);
    request_is_right(&r);
    for (int t = 0; t < s->graph->nodes; t++)
        CHECK_EQ(tally_get(&v.calls[t]), s->task[t].parts);
    wr_nn_cell_destroy(cell);
    sketch_close(s);
    pool_close(pool);
}

// ---- poison ----------------------------------------------------------------

static void poison_changes_nothing_that_is_right(void) {
    for (uint64_t seed = 0; seed < 100; seed++) {
        sketch *s = sketch_random(seed);
        request r;
        request_init(&r, s, seed);
        CHECK_EQ(wr_nn_run_serial(&s->plan, r.input, r.output, true), 0);
        CHECK_EQ(memcmp(r.out, r.expected, sizeof(r.out)), 0);
        sketch_close(s);
    }
}

// The second half of what a task should write stays as it was.
static void poison_shows_what_is_not_written(void) {
    sketch *s = sketch_open();
    int in = 0;
    int a = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &in, 1);
    int b = sketch_task(s, 1, 100, WR_NN_OUTPUT, 1, &in, 1);
    s->probe[0].lazy = s->probe[1].lazy = true;
    sketch_outputs(s, a, b, 2);
    request r;
    request_init(&r, s, 1);
    CHECK_EQ(wr_nn_run_serial(&s->plan, r.input, r.output, true), 0);
    for (int i = WORDS / 2; i < WORDS; i++) {
        CHECK_EQ(r.out[0][i], -1);
        CHECK_EQ(r.out[1][i], -1);
    }
    sketch_close(s);
}

// The second half of b lies where the first half of a is, which c still reads.
// b does not write that half, so the result would be right by luck.
static void poison_shows_values_that_overlap(void) {
    for (int wrong = 0; wrong < 2; wrong++) {
        sketch *s = sketch_open();
        int in = 0;
        s->plan.arena_bytes = WORDS * sizeof(int32_t); // room before a
        int a = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &in, 1);
        int b = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &in, 1);
        s->probe[1].lazy = true;
        int c = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &a, 1);
        if (wrong)
            s->spot[b].offset = WORDS / 2 * sizeof(int32_t);
        sketch_outputs(s, a, c, 2);
        request r;
        request_init(&r, s, 1);
        CHECK_EQ(wr_nn_run_serial(&s->plan, r.input, r.output, true), 0);
        CHECK_EQ(r.out[0][0] == -1, wrong);
        sketch_close(s);
    }
}

// A task that works in place keeps its input; what is dead after its last
// reader is gone.
static void poison_spares_work_in_place(void) {
    sketch *s = sketch_open();
    int in = 0;
    int a = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &in, 1);
    int b = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &a, 1);
    s->spot[b] = s->spot[a];
    int c = sketch_task(s, 1, 100, WR_NN_ARENA, 0, &b, 1);
    sketch_outputs(s, c, 2, 2);
    request r;
    request_init(&r, s, 1);
    CHECK_EQ(wr_nn_run_serial(&s->plan, r.input, r.output, true), 0);
    CHECK_EQ(memcmp(r.out, r.expected, sizeof(r.out)), 0);
    // `b` is dead once c is made, so handing it out as well shows NaNs.
    s->plan.arena_bytes += WORDS * sizeof(int32_t);
    int ghost = sketch_value(s, WR_NN_ARENA, 0, NULL);
    s->spot[ghost] = s->spot[b];
    s->graph->output[1] = ghost;
    CHECK_EQ(wr_nn_run_serial(&s->plan, r.input, r.output, true), 0);
    for (int i = 0; i < WORDS; i++)
        CHECK_EQ(r.out[1][i], -1);
    sketch_close(s);
}

static const test_case cases[] = {
#define CASE(name)                                                             \
    { #name, name }
    CASE(results_are_the_serial_ones_and_each_part_runs_once),
    CASE(many_runs_at_once_share_a_cell),
    CASE(runs_start_on_any_thread),
    CASE(a_run_may_be_started_again_in_its_done),
    CASE(the_last_done_may_destroy_the_cell),
    CASE(a_plan_without_tasks_gives_inputs_and_constants),
    CASE(outputs_may_be_the_same_value_or_lie_in_the_arena),
    CASE(a_spot_has_an_offset_into_its_memory),
    CASE(short_tasks_share_a_job_and_long_ones_have_their_own),
    CASE(a_task_may_release_many),
    CASE(priority_orders_what_is_queued),
    CASE(a_cancel_at_any_point_ends_a_run_once),
    CASE(a_cancel_before_the_start_holds),
    CASE(a_cancel_from_outside_ends_a_run_once),
    CASE(a_stop_at_any_point_ends_each_run_once),
    CASE(a_drain_finishes_a_run_and_a_cancel_ends_it),
    CASE(a_stopped_pool_refuses_a_run),
    CASE(a_cell_keeps_so_many_arenas),
    CASE(two_pools_may_share_a_cell),
    CASE(lack_of_memory_is_told_at_the_start),
    CASE(the_observer_sees_every_part),
    CASE(poison_changes_nothing_that_is_right),
    CASE(poison_shows_what_is_not_written),
    CASE(poison_shows_values_that_overlap),
    CASE(poison_spares_work_in_place),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

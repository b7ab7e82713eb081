// SPDX-License-Identifier: MIT
// Scopes: children that borrow, order, errors by key, cancel, deadlines.
#include "support/pool.h"

// Each test is a function that runs on a worker of every kind of pool.
typedef int on_worker(weir_worker *self, void *arg);

static on_worker *current;

static void current_in(weir_pool *pool) {
    int status = 1;
    CHECK_EQ(weir_run(pool, current, NULL, &status), 0);
    CHECK_EQ(status, 0);
}

static void on_each_pool(on_worker *function) {
    current = function;
    for_each_pool(current_in);
}

static void begin(weir_worker *self, weir_scope *scope) {
    CHECK_EQ(weir_scope_begin(self, scope, NULL), 0);
}

// ---- children --------------------------------------------------------------

static int borrow_body(weir_worker *self, void *arg) {
    (void)arg;
    work works[40];
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < 40; i++) {
        works[i] = work_of(0);
        weir_scope_spawn(self, &scope, &works[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    for (int i = 0; i < 40; i++)
        check_ran(&works[i], 0); // plain memory of this stack
    begin(self, &scope);         // the same memory, again
    works[0] = work_of(-3);
    weir_scope_spawn(self, &scope, &works[0].job);
    CHECK_EQ(weir_scope_wait(self, &scope), -3);
    return 0;
}

static void children_borrow_from_the_stack_that_waits(void) {
    on_each_pool(borrow_body);
}

static int empty_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope scope;
    begin(self, &scope);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    begin(self, &scope);
    weir_scope_cancel(&scope);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    return 0;
}

static void an_empty_scope_ends_at_once(void) { on_each_pool(empty_body); }

static tally freed;

static void freeing_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    memset(job, 0xa5, sizeof(work));
    free(job);
    tally_add(&freed);
}

static int freed_body(weir_worker *self, void *arg) {
    (void)arg;
    tally_init(&freed);
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < 30; i++) {
        work *w = malloc(sizeof(*w));
        CHECK(w != NULL);
        *w = work_of(0);
        w->job.done = freeing_done;
        weir_scope_spawn(self, &scope, &w->job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(tally_get(&freed), 30);
    return 0;
}

static void the_wait_ends_after_every_done_returned(void) {
    on_each_pool(freed_body);
}

enum { MANY = 100000 };
static weir_job many[MANY];
static tally many_run;

static int count_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    tally_add(&many_run);
    return 0;
}

static int many_body(weir_worker *self, void *arg) {
    (void)arg;
    tally_init(&many_run);
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < MANY; i++) {
        many[i] = (weir_job)WEIR_JOB_INIT(count_run, NULL);
        weir_scope_spawn(self, &scope, &many[i]);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(tally_get(&many_run), MANY);
    return 0;
}

static void a_hundred_thousand_children(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    current = many_body;
    for_each_pool_with(&options, current_in, 3);
}

// A child that spawns siblings into the scope it is in.
typedef struct sibling {
    weir_job job;
    weir_scope *scope;
    int depth;
    tally *ran;
} sibling;

static void sibling_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    free(job);
}

static int sibling_run(weir_worker *self, weir_job *job);

static void sibling_spawn(weir_worker *self, weir_scope *scope, int depth,
                          tally *ran) {
    sibling *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    *s = (sibling){.job = WEIR_JOB_INIT(sibling_run, sibling_done),
                   .scope = scope,
                   .depth = depth,
                   .ran = ran};
    weir_scope_spawn(self, scope, &s->job);
}

static int sibling_run(weir_worker *self, weir_job *job) {
    sibling *s = (sibling *)job;
    tally_add(s->ran);
    for (int i = 0; s->depth > 0 && i < 2; i++)
        sibling_spawn(self, s->scope, s->depth - 1, s->ran);
    return 0;
}

static int sibling_body(weir_worker *self, void *arg) {
    (void)arg;
    tally ran;
    tally_init(&ran);
    weir_scope scope;
    begin(self, &scope);
    sibling_spawn(self, &scope, 6, &ran);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(tally_get(&ran), 127);
    return 0;
}

static void a_child_may_spawn_siblings(void) { on_each_pool(sibling_body); }

// Scopes in children of scopes, `depth` deep and two wide.
typedef struct nest {
    weir_job job;
    int depth;
    long sum;
} nest;

static int nest_run(weir_worker *self, weir_job *job) {
    nest *n = (nest *)job;
    n->sum = 1;
    if (n->depth == 0)
        return 0;
    nest children[2];
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < 2; i++) {
        children[i] =
            (nest){.job = WEIR_JOB_INIT(nest_run, NULL), .depth = n->depth - 1};
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    n->sum += children[0].sum + children[1].sum;
    return 0;
}

static int nest_body(weir_worker *self, void *arg) {
    (void)arg;
    nest root = {.depth = 6};
    CHECK_EQ(nest_run(self, &root.job), 0);
    CHECK_EQ(root.sum, 127);
    return 0;
}

static void scopes_nest(void) { on_each_pool(nest_body); }

static void without_stand_ins_a_scope_runs_its_own_children(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.stand_ins = WEIR_STAND_INS_NONE;
    current = nest_body;
    for_each_pool_with(&options, current_in, TEST_SEEDS);
    current = borrow_body;
    for_each_pool_with(&options, current_in, TEST_SEEDS);
    current = sibling_body;
    for_each_pool_with(&options, current_in, TEST_SEEDS);
}

static tally started_early;

static int early_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    mark_set(&started_early);
    return 0;
}

static int early_body(weir_worker *self, void *arg) {
    (void)arg;
    tally_init(&started_early);
    weir_job child = WEIR_JOB_INIT(early_run, NULL);
    weir_scope scope;
    begin(self, &scope);
    weir_scope_spawn(self, &scope, &child);
    mark_await(&started_early, 1); // another worker, since this one is here
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    return 0;
}

static void an_idle_worker_starts_a_child_before_the_wait(void) {
    weir_pool *pool = pool_of(2);
    current = early_body;
    for (int i = 0; i < 100; i++)
        current_in(pool);
    pool_close(pool);
}

// ---- order -----------------------------------------------------------------

typedef struct noted {
    weir_job job;
    int id;
} noted;

static int order[64];
static int order_count;

static int noted_run(weir_worker *self, weir_job *job) {
    (void)self;
    order[order_count++] = ((noted *)job)->id;
    return 0;
}

static void spawn_in_order(weir_worker *self, int fifo) {
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    options.fifo = fifo;
    noted jobs[30];
    order_count = 0;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, &options), 0);
    for (int i = 0; i < 30; i++) {
        jobs[i] = (noted){.job = WEIR_JOB_INIT(noted_run, NULL), .id = i};
        weir_scope_spawn(self, &scope, &jobs[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(order_count, 30);
    for (int i = 0; i < 30; i++)
        CHECK_EQ(order[i], fifo ? i : 29 - i);
}

static int order_body(weir_worker *self, void *arg) {
    (void)arg;
    spawn_in_order(self, 1);
    spawn_in_order(self, 0);
    return 0;
}

static void one_worker_starts_children_in_the_chosen_order(void) {
    current = order_body;
    weir_pool *pool = pool_of(1);
    current_in(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        current_in(pool);
        pool_close(pool);
    }
}

// ---- errors ----------------------------------------------------------------

static int lowest_body(weir_worker *self, void *arg) {
    (void)arg;
    work works[40];
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < 40; i++) { // keys in a scrambled order; 13 up fail
        int key = i * 7 % 40;
        works[i] = work_of(key >= 13 ? -100 - key : 0);
        works[i].job.key = (uint64_t)key;
        weir_scope_spawn(self, &scope, &works[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), -113);
    for (int i = 0; i < 40; i++)
        check_ran(&works[i], works[i].result); // nobody was stopped
    return 0;
}

static void the_error_is_that_of_the_lowest_key(void) {
    on_each_pool(lowest_body);
}

static int big_keys_body(weir_worker *self, void *arg) {
    (void)arg;
    work works[2] = {work_of(-1), work_of(-2)};
    works[0].job.key = UINT64_MAX;
    works[1].job.key = UINT64_MAX - 1;
    weir_scope scope;
    begin(self, &scope);
    weir_scope_spawn(self, &scope, &works[0].job);
    weir_scope_spawn(self, &scope, &works[1].job);
    CHECK_EQ(weir_scope_wait(self, &scope), -2);
    begin(self, &scope);
    works[0] = work_of(-1);
    works[0].job.key = UINT64_MAX;
    weir_scope_spawn(self, &scope, &works[0].job);
    CHECK_EQ(weir_scope_wait(self, &scope), -1);
    return 0;
}

static void the_highest_key_is_a_key_too(void) { on_each_pool(big_keys_body); }

static int first_spawned_body(weir_worker *self, void *arg) {
    (void)arg;
    work works[20];
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < 20; i++) {
        works[i] = work_of(i < 7 ? 0 : -i);
        weir_scope_spawn(self, &scope, &works[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), -7);
    return 0;
}

static void among_equal_keys_it_is_the_first_spawned(void) {
    on_each_pool(first_spawned_body);
}

static int truth_first_body(weir_worker *self, void *arg) {
    (void)arg;
    work works[2] = {work_of(0), work_of(-5)};
    works[1].job.key = 1;
    weir_scope scope;
    begin(self, &scope);
    weir_scope_spawn(self, &scope, &works[0].job);
    weir_scope_spawn(self, &scope, &works[1].job);
    (void)weir_cancel(weir_worker_pool(self), &works[0].job);
    CHECK_EQ(weir_scope_wait(self, &scope), -5);
    return 0;
}

static void an_error_that_was_seen_comes_before_a_cancel(void) {
    on_each_pool(truth_first_body);
}

// 60 children; `scrambled`: by key, else all of one key, by spawn order.
static void stop_in_order(weir_worker *self, int scrambled) {
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    options.stop_on_error = 1;
    work works[60];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, &options), 0);
    for (int i = 0; i < 60; i++) {
        int rank = scrambled ? i * 7 % 60 : i;
        works[i] = work_of(rank >= 20 ? -100 - rank : 0);
        works[i].job.key = scrambled ? (uint64_t)rank : 0;
        weir_scope_spawn(self, &scope, &works[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), -120); // in any order, any width
    for (int i = 0; i < 60; i++)
        if (works[i].ran || works[i].result >= -120)
            check_ran(&works[i], works[i].result);
        else
            check_not_run(&works[i], -ECANCELED);
}

static int stop_body(weir_worker *self, void *arg) {
    (void)arg;
    stop_in_order(self, 1);
    stop_in_order(self, 0);
    return 0;
}

static void stop_on_error_gives_the_same_error_in_any_order(void) {
    on_each_pool(stop_body);
}

static int stop_one_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    options.stop_on_error = 1;
    options.fifo = 1;
    work works[10];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, &options), 0);
    for (int i = 0; i < 10; i++) { // the first to start has key 5 and fails
        works[i] = work_of(i == 0 ? -9 : 0);
        works[i].job.key = (uint64_t)((i + 5) % 10);
        weir_scope_spawn(self, &scope, &works[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), -9);
    for (int i = 1; i < 10; i++)
        if (works[i].job.key >= 5)
            check_not_run(&works[i], -ECANCELED);
        else
            check_ran(&works[i], 0);
    return 0;
}

static void stop_on_error_stops_only_what_comes_after(void) {
    current = stop_one_body;
    weir_pool *pool = pool_of(1);
    current_in(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        current_in(pool);
        pool_close(pool);
    }
}

// ---- cancel ----------------------------------------------------------------

static int cancel_body(weir_worker *self, void *arg) {
    (void)arg;
    work works[20], late = work_of(0);
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < 20; i++) {
        works[i] = work_of(0);
        weir_scope_spawn(self, &scope, &works[i].job);
    }
    weir_scope_cancel(&scope);
    weir_scope_cancel(&scope);
    weir_scope_spawn(self, &scope, &late.job);
    CHECK_EQ(weir_scope_wait(self, &scope), -ECANCELED);
    check_not_run(&late, -ECANCELED);
    for (int i = 0; i < 20; i++)
        if (works[i].ran)
            check_ran(&works[i], 0);
        else
            check_not_run(&works[i], -ECANCELED);
    CHECK_EQ(weir_cancelled(self), 0); // the scope's, not its opener's
    return 0;
}

static void a_cancelled_scope_ends_children_without_running_them(void) {
    on_each_pool(cancel_body);
}

static int cancel_child_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_pool *pool = weir_worker_pool(self);
    work works[4];
    weir_scope scope;
    begin(self, &scope);
    for (int i = 0; i < 4; i++) {
        works[i] = work_of(0);
        works[i].job.key = (uint64_t)i;
        weir_scope_spawn(self, &scope, &works[i].job);
    }
    int answer = weir_cancel(pool, &works[2].job);
    int status = weir_scope_wait(self, &scope);
    if (answer == 0) {
        CHECK_EQ(status, -ECANCELED);
        check_not_run(&works[2], -ECANCELED);
    } else {
        CHECK_EQ(status, 0);
        check_ran(&works[2], 0);
    }
    for (int i = 0; i < 4; i++)
        if (i != 2)
            check_ran(&works[i], 0);
    return 0;
}

static void a_child_may_be_cancelled_alone(void) {
    on_each_pool(cancel_child_body);
}

// Innermost children poll until told; the outermost scope is cancelled from a
// thread outside.
typedef struct polling {
    weir_job job;
    int depth;
    int why;
} polling;

static gate polling_gate;
static weir_scope *outer_scope;

static int polling_run(weir_worker *self, weir_job *job) {
    polling *p = (polling *)job;
    if (p->depth == 0) {
        gate_pass(&polling_gate);
        while ((p->why = weir_cancelled(self)) == 0)
            sched_yield();
        return 0;
    }
    polling child = {.job = WEIR_JOB_INIT(polling_run, NULL),
                     .depth = p->depth - 1};
    weir_scope scope;
    begin(self, &scope);
    weir_scope_spawn(self, &scope, &child.job);
    int status = weir_scope_wait(self, &scope);
    p->why = status != 0 ? status : child.why;
    return 0;
}

static int polling_body(weir_worker *self, void *arg) {
    (void)arg;
    polling root = {.job = WEIR_JOB_INIT(polling_run, NULL), .depth = 3};
    weir_scope scope;
    begin(self, &scope);
    outer_scope = &scope;
    weir_scope_spawn(self, &scope, &root.job);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(root.why, -ECANCELED);
    CHECK_EQ(weir_cancelled(self), 0);
    return 0;
}

static void *polling_cancel(void *arg) {
    (void)arg;
    gate_await(&polling_gate, 1);
    weir_scope_cancel(outer_scope);
    gate_open(&polling_gate);
    return NULL;
}

static void cancelling_reaches_the_scopes_inside(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        gate_init(&polling_gate);
        weir_pool *pool = pool_of(widths[i]);
        pthread_t thread = thread_start(polling_cancel, NULL);
        current = polling_body;
        current_in(pool);
        thread_join(thread);
        pool_close(pool);
    }
}

static int inner_only_body(weir_worker *self, void *arg) {
    (void)arg;
    work outer_child = work_of(0), inner_child = work_of(0);
    weir_scope outer, inner;
    begin(self, &outer);
    begin(self, &inner);
    weir_scope_cancel(&inner);
    weir_scope_spawn(self, &inner, &inner_child.job);
    CHECK_EQ(weir_scope_wait(self, &inner), -ECANCELED);
    weir_scope_spawn(self, &outer, &outer_child.job);
    CHECK_EQ(weir_scope_wait(self, &outer), 0);
    check_ran(&outer_child, 0);
    check_not_run(&inner_child, -ECANCELED);
    begin(self, &outer);
    begin(self, &inner);
    weir_scope_cancel(&outer);
    inner_child = work_of(0);
    weir_scope_spawn(self, &inner, &inner_child.job);
    CHECK_EQ(weir_scope_wait(self, &inner), -ECANCELED);
    check_not_run(&inner_child, -ECANCELED);
    CHECK_EQ(weir_scope_wait(self, &outer), 0);
    return 0;
}

static void cancelling_goes_inward_and_not_outward(void) {
    on_each_pool(inner_only_body);
}

// ---- deadlines -------------------------------------------------------------

static int deadline_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    options.deadline_ns = 1;
    work w = work_of(0);
    polling nested = {.job = WEIR_JOB_INIT(polling_run, NULL)};
    weir_scope scope, inner;
    CHECK_EQ(weir_scope_begin(self, &scope, &options), 0);
    weir_scope_spawn(self, &scope, &w.job);
    begin(self, &inner); // the enclosing scope's deadline holds in here
    weir_scope_spawn(self, &inner, &nested.job);
    CHECK_EQ(weir_scope_wait(self, &inner), -ETIMEDOUT);
    CHECK_EQ(weir_scope_wait(self, &scope), -ETIMEDOUT);
    check_not_run(&w, -ETIMEDOUT);
    return 0;
}

static void after_its_deadline_a_scope_starts_no_child(void) {
    static const int widths[] = {1, 2, 4};
    current = deadline_body;
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        current_in(pool);
        pool_close(pool);
    }
}

static int late_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    int64_t deadline_ns = options.deadline_ns = in_ms(100);
    polling root = {.job = WEIR_JOB_INIT(polling_run, NULL), .depth = 2};
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, &options), 0);
    weir_scope_spawn(self, &scope, &root.job);
    int status = weir_scope_wait(self, &scope);
    CHECK(weir_now_ns() >= deadline_ns);
    if (status == 0)
        CHECK_EQ(root.why, -ETIMEDOUT);
    return 0;
}

static void running_children_are_told_of_the_scopes_deadline(void) {
    static const int widths[] = {1, 2, 4};
    current = late_body;
    for (int i = 0; i < 3; i++) {
        gate_init(&polling_gate);
        gate_open(&polling_gate);
        weir_pool *pool = pool_of(widths[i]);
        current_in(pool);
        pool_close(pool);
    }
}

static int own_deadline_body(weir_worker *self, void *arg) {
    (void)arg;
    work late = work_of(0), calm = work_of(0);
    late.job.deadline_ns = 1;
    calm.job.key = 1;
    weir_scope scope;
    begin(self, &scope);
    weir_scope_spawn(self, &scope, &late.job);
    weir_scope_spawn(self, &scope, &calm.job);
    CHECK_EQ(weir_scope_wait(self, &scope), -ETIMEDOUT);
    check_not_run(&late, -ETIMEDOUT);
    check_ran(&calm, 0);
    return 0;
}

static void a_child_has_its_own_deadline(void) {
    static const int widths[] = {1, 2, 4};
    current = own_deadline_body;
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        current_in(pool);
        pool_close(pool);
    }
}

// ---- rules -----------------------------------------------------------------

static int options_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope scope;
    weir_scope_options small = {.size = sizeof(size_t) - 1};
    CHECK_EQ(weir_scope_begin(self, &scope, &small), -EINVAL);
    struct {
        weir_scope_options known;
        size_t from_the_future;
    } newer = {.known = {.size = sizeof(newer)}, .from_the_future = 1};
    CHECK_EQ(weir_scope_begin(self, &scope, &newer.known), -E2BIG);
    newer.from_the_future = 0;
    CHECK_EQ(weir_scope_begin(self, &scope, &newer.known), 0);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    weir_scope_options older = {.size = sizeof(size_t), .deadline_ns = 1};
    work w = work_of(0);
    CHECK_EQ(weir_scope_begin(self, &scope, &older), 0);
    weir_scope_spawn(self, &scope, &w.job);
    CHECK_EQ(weir_scope_wait(self, &scope), 0); // the deadline was not read
    return 0;
}

static void scope_options_have_a_size(void) { on_each_pool(options_body); }

static int outer_first_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope outer, inner;
    begin(self, &outer);
    begin(self, &inner);
    return weir_scope_wait(self, &outer);
}

static int left_open_body(weir_worker *self, void *arg) {
    (void)arg;
    static weir_scope scope;
    begin(self, &scope);
    return 0;
}

static void abort_with(on_worker *function) {
    weir_pool *pool = pool_of(1);
    int error = weir_run(pool, function, NULL, NULL);
    (void)error;
}

static void outer_first(void) { abort_with(outer_first_body); }

static void left_open(void) { abort_with(left_open_body); }

static void waiting_out_of_order_or_not_at_all_aborts(void) {
    check_aborts(outer_first, "scope");
    check_aborts(left_open, "scope");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"children_borrow_from_the_stack_that_waits",
         children_borrow_from_the_stack_that_waits},
        {"an_empty_scope_ends_at_once", an_empty_scope_ends_at_once},
        {"the_wait_ends_after_every_done_returned",
         the_wait_ends_after_every_done_returned},
        {"a_hundred_thousand_children", a_hundred_thousand_children},
        {"a_child_may_spawn_siblings", a_child_may_spawn_siblings},
        {"scopes_nest", scopes_nest},
        {"without_stand_ins_a_scope_runs_its_own_children",
         without_stand_ins_a_scope_runs_its_own_children},
        {"an_idle_worker_starts_a_child_before_the_wait",
         an_idle_worker_starts_a_child_before_the_wait},
        {"one_worker_starts_children_in_the_chosen_order",
         one_worker_starts_children_in_the_chosen_order},
        {"the_error_is_that_of_the_lowest_key",
         the_error_is_that_of_the_lowest_key},
        {"the_highest_key_is_a_key_too", the_highest_key_is_a_key_too},
        {"among_equal_keys_it_is_the_first_spawned",
         among_equal_keys_it_is_the_first_spawned},
        {"an_error_that_was_seen_comes_before_a_cancel",
         an_error_that_was_seen_comes_before_a_cancel},
        {"stop_on_error_gives_the_same_error_in_any_order",
         stop_on_error_gives_the_same_error_in_any_order},
        {"stop_on_error_stops_only_what_comes_after",
         stop_on_error_stops_only_what_comes_after},
        {"a_cancelled_scope_ends_children_without_running_them",
         a_cancelled_scope_ends_children_without_running_them},
        {"a_child_may_be_cancelled_alone", a_child_may_be_cancelled_alone},
        {"cancelling_reaches_the_scopes_inside",
         cancelling_reaches_the_scopes_inside},
        {"cancelling_goes_inward_and_not_outward",
         cancelling_goes_inward_and_not_outward},
        {"after_its_deadline_a_scope_starts_no_child",
         after_its_deadline_a_scope_starts_no_child},
        {"running_children_are_told_of_the_scopes_deadline",
         running_children_are_told_of_the_scopes_deadline},
        {"a_child_has_its_own_deadline", a_child_has_its_own_deadline},
        {"scope_options_have_a_size", scope_options_have_a_size},
        {"waiting_out_of_order_or_not_at_all_aborts",
         waiting_out_of_order_or_not_at_all_aborts},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// Jobs: submitting one, many, at a bound; their order; who owns their memory.
#include "support/pool.h"

enum { JOBS = 60 };

static void statuses_in(weir_pool *pool) {
    work works[JOBS];
    for (int i = 0; i < JOBS; i++) {
        works[i] = work_of(i % 3 == 0 ? 0 : -i);
        submit(pool, &works[i].job);
    }
    wait_idle(pool);
    for (int i = 0; i < JOBS; i++)
        check_ran(&works[i], i % 3 == 0 ? 0 : -i);
}

static void each_job_runs_once_and_done_gets_its_status(void) {
    for_each_pool(statuses_in);
}

static void without_done_in(weir_pool *pool) {
    work works[JOBS];
    for (int i = 0; i < JOBS; i++) {
        works[i] = work_of(-1);
        works[i].job.done = NULL;
        submit(pool, &works[i].job);
    }
    wait_idle(pool);
    for (int i = 0; i < JOBS; i++)
        CHECK_EQ(works[i].ran, 1);
    CHECK_EQ(counts_of(pool).failed, JOBS);
}

static void a_job_without_done_runs_too(void) {
    for_each_pool(without_done_in);
}

// ---- who runs it -----------------------------------------------------------

static weir_pool *expected_pool;

static int self_run(weir_worker *self, weir_job *job) {
    CHECK(self != NULL);
    CHECK(weir_worker_self() == self);
    CHECK(weir_worker_pool(self) == expected_pool);
    CHECK(weir_worker_index(self) < weir_pool_index_limit(expected_pool));
    return work_run(self, job);
}

static void self_in(weir_pool *pool) {
    expected_pool = pool;
    work works[JOBS];
    CHECK(weir_worker_self() == NULL);
    for (int i = 0; i < JOBS; i++) {
        works[i] = work_of(0);
        works[i].job.run = self_run;
        submit(pool, &works[i].job);
    }
    CHECK(weir_worker_self() == NULL);
    wait_idle(pool);
    CHECK(weir_worker_self() == NULL);
    for (int i = 0; i < JOBS; i++) {
        check_ran(&works[i], 0);
        CHECK_EQ(works[i].done_on_worker, 1);
    }
}

static void run_and_done_are_called_on_a_worker_of_the_pool(void) {
    for_each_pool(self_in);
}

static gate meeting;

static int meet_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    gate_meet(&meeting, 4);
    return 0;
}

static void as_many_jobs_run_at_once_as_the_pool_is_wide(void) {
    weir_pool *pool = pool_of(4);
    CHECK_EQ(weir_pool_width(pool), 4);
    for (int round = 0; round < 200; round++) {
        gate_init(&meeting);
        weir_job jobs[4];
        for (int i = 0; i < 4; i++) {
            jobs[i] = (weir_job)WEIR_JOB_INIT(meet_run, NULL);
            submit(pool, &jobs[i]);
        }
        wait_idle(pool);
        gate_fini(&meeting);
    }
    pool_close(pool);
}

static void a_batch_wakes_as_many_workers_as_it_has_jobs(void) {
    weir_pool *pool = pool_of(4);
    for (int round = 0; round < 200; round++) {
        gate_init(&meeting);
        weir_job jobs[4];
        weir_job *batch[4];
        for (int i = 0; i < 4; i++) {
            jobs[i] = (weir_job)WEIR_JOB_INIT(meet_run, NULL);
            batch[i] = &jobs[i];
        }
        CHECK_EQ(weir_submit_batch(pool, batch, 4), 0);
        wait_idle(pool);
        gate_fini(&meeting);
    }
    pool_close(pool);
}

// ---- order -----------------------------------------------------------------

// Jobs of a single worker note the order in which they start.
typedef struct noted {
    weir_job job;
    int id;
} noted;

static int order[1024];
static int order_count;

static int noted_run(weir_worker *self, weir_job *job) {
    (void)self;
    order[order_count++] = ((noted *)job)->id;
    return 0;
}

static void noted_init(noted *n, int id, int32_t priority) {
    *n = (noted){.job = WEIR_JOB_INIT(noted_run, NULL), .id = id};
    n->job.priority = priority;
}

static void submit_in_order(weir_pool *pool) {
    noted jobs[JOBS];
    order_count = 0;
    for (int i = 0; i < JOBS; i++) {
        noted_init(&jobs[i], i, WEIR_PRIORITY_NORMAL);
        submit(pool, &jobs[i].job);
    }
    wait_idle(pool);
    CHECK_EQ(order_count, JOBS);
    for (int i = 0; i < JOBS; i++)
        CHECK_EQ(order[i], i);
}

// What goes by the arrivals and what, having a deadline, does not: one order.
static void what_arrived_first_is_queued_first(void) {
    weir_pool *pool = pool_of(1);
    noted jobs[JOBS];
    held h;
    hold(pool, &h);
    order_count = 0;
    for (int i = 0; i < JOBS; i++) {
        noted_init(&jobs[i], i, WEIR_PRIORITY_NORMAL);
        if (i % 3 == 2)
            jobs[i].job.deadline_ns = in_ms(3600 * 1000);
        submit(pool, &jobs[i].job);
    }
    release(&h);
    wait_idle(pool);
    for (int i = 0; i < JOBS; i++)
        CHECK_EQ(order[i], i);
    pool_close(pool);
    gate_fini(&h.gate);
}

static void jobs_of_one_priority_start_first_in_first_out(void) {
    weir_pool *pool = pool_of(1);
    submit_in_order(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        submit_in_order(pool);
        pool_close(pool);
    }
}

static void batch_in_order(weir_pool *pool) {
    noted jobs[JOBS];
    weir_job *batch[JOBS];
    order_count = 0;
    for (int i = 0; i < JOBS; i++) {
        noted_init(&jobs[i], i, WEIR_PRIORITY_NORMAL);
        batch[i] = &jobs[i].job;
    }
    CHECK_EQ(weir_submit_batch(pool, batch, 0), 0);
    CHECK_EQ(weir_submit_batch(pool, batch, JOBS), 0);
    wait_idle(pool);
    CHECK_EQ(order_count, JOBS);
    for (int i = 0; i < JOBS; i++)
        CHECK_EQ(order[i], i);
}

static void a_batch_starts_in_its_order(void) {
    weir_pool *pool = pool_of(1);
    batch_in_order(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        batch_in_order(pool);
        pool_close(pool);
    }
}

static void a_higher_priority_starts_first(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    noted jobs[9];
    order_count = 0;
    static const int32_t priorities[] = {
        WEIR_PRIORITY_LOW, WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_HIGH};
    for (int i = 0; i < 9; i++) {
        noted_init(&jobs[i], i, priorities[i % 3]);
        submit(pool, &jobs[i].job);
    }
    release(&h);
    wait_idle(pool);
    static const int expected[] = {2, 5, 8, 1, 4, 7, 0, 3, 6};
    for (int i = 0; i < 9; i++)
        CHECK_EQ(order[i], expected[i]);
    pool_close(pool);
}

// Every 64th pick takes the lowest: 3 low ones, then, when there are no more,
// 3 normal ones. Ids: 1000 + i low, 2000 + i normal, else high.
static void every_64th_pick_takes_the_lowest_that_is_not_empty(void) {
    enum { HIGH = 500, FEW = 3 };
    static noted high[HIGH], low[FEW], normal[FEW];
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    order_count = 0;
    for (int i = 0; i < HIGH; i++) {
        noted_init(&high[i], i, WEIR_PRIORITY_HIGH);
        submit(pool, &high[i].job);
    }
    for (int i = 0; i < FEW; i++) {
        noted_init(&low[i], 1000 + i, WEIR_PRIORITY_LOW);
        noted_init(&normal[i], 2000 + i, WEIR_PRIORITY_NORMAL);
        submit(pool, &normal[i].job);
        submit(pool, &low[i].job);
    }
    release(&h);
    wait_idle(pool);
    CHECK_EQ(order_count, HIGH + 2 * FEW);
    int first = 0;
    while (order[first] < 1000)
        first++;
    CHECK(first < 64);
    for (int i = 0; i < FEW; i++) {
        CHECK_EQ(order[first + 64 * i], 1000 + i);
        CHECK_EQ(order[first + 64 * (FEW + i)], 2000 + i);
    }
    pool_close(pool);
}

// ---- memory ----------------------------------------------------------------

static tally freed;

static void free_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    memset(job, 0xa5, sizeof(*job));
    free(job);
    tally_add(&freed);
}

static void free_in(weir_pool *pool) {
    tally_init(&freed);
    for (int i = 0; i < JOBS; i++) {
        work *w = malloc(sizeof(*w));
        CHECK(w != NULL);
        *w = work_of(0);
        w->job.done = free_done;
        submit(pool, &w->job);
    }
    wait_idle(pool);
    CHECK_EQ(tally_get(&freed), JOBS);
}

static void done_may_free_the_job(void) { for_each_pool(free_in); }

typedef struct again {
    weir_job job;
    weir_pool *pool;
    int left;
    int ran;
} again;

static int again_run(weir_worker *self, weir_job *job) {
    (void)self;
    ((again *)job)->ran++;
    return 0;
}

static void again_done(weir_job *job, int status) {
    again *a = (again *)job;
    CHECK_EQ(status, 0);
    if (--a->left > 0)
        submit(a->pool, &a->job);
}

static void again_in(weir_pool *pool) {
    again jobs[8];
    for (int i = 0; i < 8; i++) {
        jobs[i] = (again){.job = WEIR_JOB_INIT(again_run, again_done),
                          .pool = pool,
                          .left = 50};
        submit(pool, &jobs[i].job);
    }
    wait_idle(pool);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(jobs[i].ran, 50);
}

static void done_may_submit_the_job_again(void) { for_each_pool(again_in); }

typedef struct tree {
    weir_job job;
    int depth;
} tree;

static tally grown;

static void tree_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    free(job);
}

static int tree_run(weir_worker *self, weir_job *job) {
    tree *t = (tree *)job;
    tally_add(&grown);
    for (int i = 0; t->depth > 0 && i < 2; i++) {
        tree *child = calloc(1, sizeof(*child));
        CHECK(child != NULL);
        child->job = (weir_job)WEIR_JOB_INIT(tree_run, tree_done);
        child->depth = t->depth - 1;
        submit(weir_worker_pool(self), &child->job);
    }
    return 0;
}

static void tree_in(weir_pool *pool) {
    tally_init(&grown);
    tree *root = calloc(1, sizeof(*root));
    CHECK(root != NULL);
    root->job = (weir_job)WEIR_JOB_INIT(tree_run, tree_done);
    root->depth = 6;
    submit(pool, &root->job);
    wait_idle(pool);
    CHECK_EQ(tally_get(&grown), 127);
}

static void wait_idle_waits_for_what_jobs_submitted(void) {
    for_each_pool(tree_in);
}

// ---- refused ---------------------------------------------------------------

static void a_refused_job_stays_yours_untouched(void) {
    weir_pool *stopped = pool_of(2);
    CHECK_EQ(weir_pool_stop(stopped, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    work w = work_of(-3);
    work before = w;
    CHECK_EQ(weir_submit(stopped, &w.job), -ESHUTDOWN);
    check_untouched(&w, &before);
    CHECK_EQ(weir_try_submit(stopped, &w.job), -ESHUTDOWN);
    check_untouched(&w, &before);
    CHECK_EQ(weir_submit_wait(stopped, &w.job, WEIR_FOREVER), -ESHUTDOWN);
    check_untouched(&w, &before);
    weir_event event;
    weir_event_init(&event, stopped, 1);
    CHECK_EQ(weir_event_attach(&event, stopped, &w.job), -ESHUTDOWN);
    check_untouched(&w, &before);

    weir_pool *other = pool_of(1);
    submit(other, &w.job);
    wait_idle(other);
    check_ran(&w, -3);
    pool_close(other);
    weir_pool_destroy(stopped);
}

static void a_refused_batch_is_refused_whole(void) {
    weir_pool *pool = pool_of(2);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    work works[5], before[5];
    weir_job *batch[5];
    for (int i = 0; i < 5; i++) {
        works[i] = before[i] = work_of(0);
        batch[i] = &works[i].job;
    }
    CHECK_EQ(weir_submit_batch(pool, batch, 5), -ESHUTDOWN);
    for (int i = 0; i < 5; i++)
        check_untouched(&works[i], &before[i]);
    CHECK_EQ(counts_of(pool).submitted, 0);
    weir_pool_destroy(pool);
}

static tally held_contexts;

static void *context_capture(void *context) {
    tally_add(&held_contexts);
    return context;
}

static void context_release(void *context, void *captured) {
    CHECK(captured == context);
    tally_take(&held_contexts);
}

static void a_refusal_gives_back_what_was_captured(void) {
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .context = &held_contexts,
                             .capture = context_capture,
                             .release = context_release};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.hooks = &hooks;
    options.jobs_max = 1;
    tally_init(&held_contexts);
    weir_pool *pool = pool_open(&options);
    held h;
    hold(pool, &h);
    work works[3] = {work_of(0), work_of(0), work_of(0)};
    work before = works[0];
    weir_job *batch[] = {&works[0].job, &works[1].job, &works[2].job};
    CHECK_EQ(weir_try_submit(pool, &works[0].job), -EAGAIN);
    check_untouched(&works[0], &before);
    stopper s;
    stopper_start(&s, pool, WEIR_STOP_DRAIN);
    CHECK_EQ(weir_submit(pool, &works[0].job), -ESHUTDOWN);
    CHECK_EQ(weir_submit_batch(pool, batch, 3), -ESHUTDOWN);
    for (int i = 0; i < 3; i++)
        check_untouched(&works[i], &before);
    release(&h);
    stopper_join(&s);
    CHECK_EQ(tally_get(&held_contexts), 0);
    weir_pool_destroy(pool);
}

// ---- a broken rule aborts --------------------------------------------------

static void submit_twice(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    work w = work_of(0);
    submit(pool, &w.job);
    int error = weir_submit(pool, &w.job);
    (void)error;
}

static void submit_running(void) {
    weir_pool *pool = pool_of(2);
    held h;
    hold(pool, &h);
    int error = weir_submit(pool, &h.job);
    (void)error;
}

static int itself_run(weir_worker *self, weir_job *job) {
    return weir_submit(weir_worker_pool(self), job);
}

static void submit_itself(void) {
    weir_pool *pool = pool_seeded(0, 1);
    weir_job job = WEIR_JOB_INIT(itself_run, NULL);
    submit(pool, &job);
    wait_idle(pool);
}

static void attach_submitted(void) {
    weir_pool *pool = pool_seeded(0, 1);
    work w = work_of(0);
    weir_event event;
    weir_event_init(&event, pool, 1);
    submit(pool, &w.job);
    int error = weir_event_attach(&event, NULL, &w.job);
    (void)error;
}

static void submit_attached(void) {
    weir_pool *pool = pool_seeded(0, 1);
    work w = work_of(0);
    weir_event event;
    weir_event_init(&event, pool, 1);
    CHECK_EQ(weir_event_attach(&event, NULL, &w.job), 0);
    int error = weir_submit(pool, &w.job);
    (void)error;
}

static void batch_twice(void) {
    weir_pool *pool = pool_seeded(0, 1);
    work w = work_of(0);
    weir_job *batch[] = {&w.job, &w.job};
    int error = weir_submit_batch(pool, batch, 2);
    (void)error;
}

static int spawn_twice_run(weir_worker *self, void *arg) {
    (void)arg;
    work w = work_of(0);
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &w.job);
    weir_scope_spawn(self, &scope, &w.job);
    return 0;
}

static void spawn_twice(void) {
    weir_pool *pool = pool_seeded(0, 1);
    int error = weir_run(pool, spawn_twice_run, NULL, NULL);
    (void)error;
}

static void a_job_submitted_twice_aborts(void) {
    check_aborts(submit_twice, "twice");
    check_aborts(submit_running, "twice");
    check_aborts(submit_itself, "twice");
    check_aborts(batch_twice, "twice");
    check_aborts(spawn_twice, "twice");
}

static void a_job_attached_and_submitted_aborts(void) {
    check_aborts(attach_submitted, "twice");
    check_aborts(submit_attached, "twice");
}

// ---- detaching with hooks ---------------------------------------------------

static weir_pool *busy_pool;

static void *nothing_captured(void *context) {
    (void)context;
    return NULL;
}

static void looking_release(void *context, void *captured) {
    (void)captured;
    tally_add(context);
    CHECK_EQ(weir_pool_wait_idle(busy_pool, 0), -ETIMEDOUT);
}

static void a_detach_is_over_before_the_pool_is_idle(void) {
    tally released;
    tally_init(&released);
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .context = &released,
                             .capture = nothing_captured,
                             .release = looking_release};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.hooks = &hooks;
    busy_pool = pool_open(&options);
    weir_event event;
    weir_event_init(&event, busy_pool, 1);
    work w = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &w.job), 0);
    CHECK_EQ(weir_event_detach(&event, &w.job), 0);
    CHECK_EQ(tally_get(&released), 1);
    CHECK_EQ(weir_pool_wait_idle(busy_pool, 0), 0);
    pool_close(busy_pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"each_job_runs_once_and_done_gets_its_status",
         each_job_runs_once_and_done_gets_its_status},
        {"a_job_without_done_runs_too", a_job_without_done_runs_too},
        {"run_and_done_are_called_on_a_worker_of_the_pool",
         run_and_done_are_called_on_a_worker_of_the_pool},
        {"as_many_jobs_run_at_once_as_the_pool_is_wide",
         as_many_jobs_run_at_once_as_the_pool_is_wide},
        {"a_batch_wakes_as_many_workers_as_it_has_jobs",
         a_batch_wakes_as_many_workers_as_it_has_jobs},
        {"jobs_of_one_priority_start_first_in_first_out",
         jobs_of_one_priority_start_first_in_first_out},
        {"a_batch_starts_in_its_order", a_batch_starts_in_its_order},
        {"a_higher_priority_starts_first", a_higher_priority_starts_first},
        {"every_64th_pick_takes_the_lowest_that_is_not_empty",
         every_64th_pick_takes_the_lowest_that_is_not_empty},
        {"done_may_free_the_job", done_may_free_the_job},
        {"done_may_submit_the_job_again", done_may_submit_the_job_again},
        {"wait_idle_waits_for_what_jobs_submitted",
         wait_idle_waits_for_what_jobs_submitted},
        {"a_refused_job_stays_yours_untouched",
         a_refused_job_stays_yours_untouched},
        {"a_refused_batch_is_refused_whole", a_refused_batch_is_refused_whole},
        {"a_refusal_gives_back_what_was_captured",
         a_refusal_gives_back_what_was_captured},
        {"a_job_submitted_twice_aborts", a_job_submitted_twice_aborts},
        {"a_job_attached_and_submitted_aborts",
         a_job_attached_and_submitted_aborts},
        {"what_arrived_first_is_queued_first",
         what_arrived_first_is_queued_first},
        {"a_detach_is_over_before_the_pool_is_idle",
         a_detach_is_over_before_the_pool_is_idle},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

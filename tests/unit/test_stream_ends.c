// SPDX-License-Identifier: MIT
// Pipelines: how they end early, input from outside, and what is refused.
#include "support/line.h"

// ---- ending early ----------------------------------------------------------

static int cancelling_work(weir_worker *self, void *context,
                           weir_token *token) {
    line *l = context;
    CHECK_EQ(weir_token_cancelled(token), 0);
    if (weir_token_sequence(token) == 10) {
        CHECK_EQ(weir_pipeline_cancel(l->pipeline), 0);
        CHECK(weir_token_cancelled(token));
    }
    return plain_work(self, context, token);
}

static void w7_in_pool(weir_pool *pool) {
    line *l = line_open(pool, 400);
    l->stages[1].run = cancelling_work;
    // weir_token_cancelled may turn at any time while others run.
    l->options.parallel_after = 1000;
    line_create(l);
    line_run(l);
    CHECK_EQ(l->report.status, -ECANCELED);
    CHECK(l->report.delivered <= 10);
    CHECK_EQ(l->report.error_sequence, l->report.delivered);
    CHECK(l->ended_count <= 10 + 8 + 1);
    CHECK_EQ(l->report.failed, 0);
    CHECK_EQ(weir_pipeline_cancel(l->pipeline), -EALREADY);
    line_close(l);
}

static void w7_cancelling_starts_nothing_more(void) {
    for_each_pool(w7_in_pool);
}

// Finishes what stage 1 keeps.
static size_t finish_kept(line *l, size_t done) {
    pthread_mutex_lock(&l->lock);
    size_t count = l->held_count;
    pthread_mutex_unlock(&l->lock);
    for (; done < count; done++)
        weir_token_finish(l->held[done], 0);
    return done;
}

static void a_deadline_ends_a_pipeline(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, TOKENS - 1);
    l->keep = true; // so that nothing would ever end
    l->options.deadline_ns = in_ms(20);
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    until(l->options.deadline_ns);
    // A slow machine may not have begun a token by now.
    size_t done = 0;
    while (weir_pipeline_wait(l->pipeline, in_ms(1), &l->report) != 0)
        done = finish_kept(l, done);
    CHECK_EQ(l->report.status, -ETIMEDOUT);
    CHECK_EQ(l->report.error_sequence, l->report.delivered);
    check_sums(l);
    line_close(l);
    pool_close(pool);
}

static void tokens_kept_for_later_are_waited_for(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 100);
    l->keep = true;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    mark_await(&l->reached, 8);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, in_ms(1), NULL), -ETIMEDOUT);
    CHECK_EQ(weir_pipeline_cancel(l->pipeline), 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, in_ms(1), NULL), -ETIMEDOUT);
    CHECK_EQ(finish_kept(l, 0), 8);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.status, -ECANCELED);
    CHECK_EQ(l->report.cancelled, 8);
    check_sums(l);
    line_close(l);
    pool_close(pool);
}

static void a_deadline_that_does_not_pass_leaves_no_trace(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 100);
    l->options.deadline_ns = in_ms(600000);
    line_create(l);
    line_run(l);
    CHECK_EQ(l->report.delivered, 100);
    line_close(l);
    wait_idle(pool);
    CHECK_EQ(counts_of(pool).timed_out, 0);
    CHECK_EQ(counts_of(pool).attached, 0);
    pool_close(pool);
}

static int gated_work(weir_worker *self, void *context, weir_token *token) {
    line *l = context;
    gate_pass((gate *)(void *)l->hold);
    return plain_work(self, context, token);
}

static void a_stopped_pool_ends_a_pipeline(void) {
    static const weir_stop_mode how[] = {WEIR_STOP_CANCEL, WEIR_STOP_ABORT};
    for (size_t i = 0; i < TEST_COUNT(how); i++) {
        weir_pool *pool = pool_of(2);
        line *l = line_open(pool, 100);
        gate g;
        gate_init(&g);
        l->hold = (weir_event *)(void *)&g;
        l->stages[1].run = gated_work;
        line_create(l);
        CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
        gate_await(&g, 2);
        stopper s;
        stopper_start(&s, pool, how[i]);
        gate_open(&g);
        stopper_join(&s);
        CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
        CHECK_EQ(l->report.status, -ESHUTDOWN);
        check_sums(l);
        line_close(l);
        line *other = line_open(pool, 1);
        line_create(other);
        CHECK_EQ(weir_pipeline_start(other->pipeline), -ESHUTDOWN);
        CHECK_EQ(weir_pipeline_run(other->pipeline, NULL), -ESHUTDOWN);
        line_close(other);
        weir_pool_destroy(pool);
        gate_fini(&g);
    }
}

static void tokens_kept_for_later_outlive_the_pool(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 100);
    l->keep = true;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    mark_await(&l->reached, 8);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_ABORT, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, 0, NULL), -ETIMEDOUT);
    for (size_t i = 0; i < 8; i++)
        weir_token_finish(l->held[i], 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.status, -ESHUTDOWN);
    CHECK_EQ(l->report.cancelled, 8);
    check_sums(l);
    line_close(l);
    weir_pool_destroy(pool);
}

static void destroy_in_pool(weir_pool *pool) {
    line *l = line_open(pool, 300);
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    weir_pipeline_destroy(l->pipeline);
    CHECK_EQ(l->live, 0);
    // Never started: nothing to wait for.
    line_create(l);
    line_close(l);
    weir_pipeline_destroy(NULL);
}

static void destroying_cancels_first(void) { for_each_pool(destroy_in_pool); }

static void destroy_at_end(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    weir_pipeline_destroy(((actor *)job)->argument);
}

static int nothing(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void the_end_is_an_event(void) {
    for (uint64_t seed = 0; seed < 30; seed++) {
        weir_pool *pool = seed < 3 ? pool_of(1 << seed) : pool_seeded(seed, 2);
        line *l = line_open(pool, 30);
        line_create(l);
        // A job may even free it then.
        actor a = {.job = WEIR_JOB_INIT(nothing, destroy_at_end),
                   .argument = l->pipeline};
        CHECK_EQ(weir_event_attach(weir_pipeline_finished(l->pipeline), pool,
                                   &a.job),
                 0);
        CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
        wait_idle(pool);
        CHECK_EQ(l->sunk, 30);
        l->pipeline = NULL;
        line_close(l);
        pool_close(pool);
    }
}

// ---- input from outside ----------------------------------------------------

static void push_value(line *l, weir_token *token) {
    uint64_t sequence = weir_token_sequence(token);
    *(uint64_t *)weir_token_data(token) = sequence * 7;
    pthread_mutex_lock(&l->lock);
    if (++l->live > l->live_highest)
        l->live_highest = l->live;
    pthread_mutex_unlock(&l->lock);
    weir_pipeline_push(l->pipeline, token);
}

static int push_all(weir_worker *self, void *argument) {
    (void)self;
    line *l = argument;
    for (uint64_t i = 0; i < l->tokens; i++) {
        weir_token *token;
        CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, WEIR_FOREVER), 0);
        push_value(l, token);
    }
    weir_pipeline_close(l->pipeline);
    weir_pipeline_close(l->pipeline);
    return 0;
}

static void external_in_pool(weir_pool *pool) {
    static const size_t batches[] = {1, 4};
    for (size_t b = 0; b < 2; b++) {
        line *l = line_open(pool, 50);
        line_external(l);
        l->options.batch = batches[b];
        line_create(l);
        CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
        actor a;
        act(pool, &a, push_all, l);
        CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
        wait_idle(pool);
        CHECK_EQ(l->report.delivered, 50);
        CHECK(l->hash == hash_of(50));
        check_sums(l);
        line_close(l);
    }
}

static void tokens_may_come_from_outside(void) {
    for_each_pool(external_in_pool);
}

// What an event loop does: reads until tokens run out, and goes on when told.
typedef struct loop {
    line *line;
    weir_watch watch;
    weir_job room;
    uint64_t pushed;
    uint64_t stalls;
} loop;

static int loop_go_on(weir_worker *self, weir_job *job);

static void loop_turn(loop *lo) {
    line *l = lo->line;
    weir_token *token;
    int error = 0;
    while (lo->pushed < l->tokens &&
           (error = weir_pipeline_try_begin(l->pipeline, &token)) == 0) {
        push_value(l, token);
        lo->pushed++;
    }
    if (lo->pushed == l->tokens) {
        weir_pipeline_close(l->pipeline);
        return;
    }
    CHECK_EQ(error, -EAGAIN);
    lo->stalls++;
}

static int loop_go_on(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void loop_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    loop *lo = (loop *)(void *)((char *)job - offsetof(loop, room));
    loop_turn(lo);
    if (lo->pushed < lo->line->tokens)
        CHECK_EQ(
            weir_pipeline_on_room(lo->line->pipeline, &lo->watch, &lo->room),
            0);
}

static void d2_in_pool(weir_pool *pool) {
    line *l = line_open(pool, 100);
    line_external(l);
    l->options.tokens_max = 4;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    loop lo = {.line = l, .room = WEIR_JOB_INIT(loop_go_on, loop_done)};
    loop_turn(&lo);
    CHECK_EQ(lo.stalls, 1);
    CHECK_EQ(weir_pipeline_on_room(l->pipeline, &lo.watch, &lo.room), 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    wait_idle(pool);
    CHECK_EQ(lo.pushed, 100);
    CHECK_EQ(l->report.delivered, 100);
    check_sums(l);
    CHECK(l->live_highest <= 4);
    line_close(l);
}

static void a_loop_stops_reading_when_tokens_run_out(void) {
    for_each_pool(d2_in_pool);
}

static void flush_sends_a_batch_that_is_not_full(void) {
    weir_pool *pool = pool_of(1);
    line *l = line_open(pool, 10);
    line_external(l);
    l->options.batch = 4;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    weir_token *token, *again;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), 0);
        push_value(l, token);
    }
    weir_pipeline_flush(l->pipeline);
    mark_await(&l->reached, 2);
    weir_pipeline_flush(l->pipeline);
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), 0);
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &again), 0);
    CHECK(token == again);
    CHECK_EQ(weir_token_sequence(token), 2);
    push_value(l, token);
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), 0);
    weir_pipeline_close(l->pipeline); // takes the begun one back
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), -EPIPE);
    CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, WEIR_FOREVER), -EPIPE);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.delivered, 3);
    check_sums(l);
    line_close(l);
    pool_close(pool);
}

static void a_push_after_the_stop_ends_as_never_started(void) {
    weir_pool *pool = pool_of(1);
    line *l = line_open(pool, 10);
    line_external(l);
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    weir_token *token;
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), 0);
    CHECK_EQ(weir_pipeline_cancel(l->pipeline), 0);
    weir_token *other;
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &other), -EPIPE);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, in_ms(1), NULL), -ETIMEDOUT);
    push_value(l, token);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.never_started, 1);
    CHECK_EQ(l->report.status, -ECANCELED);
    CHECK_EQ(l->report.error_sequence, 0);
    check_sums(l);
    line_close(l);
    pool_close(pool);
}

static void a_source_that_waits_learns_of_the_stop(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 10);
    line_external(l);
    l->options.tokens_max = 2;
    l->keep = true;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    weir_token *token;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, WEIR_FOREVER), 0);
        push_value(l, token);
    }
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), -EAGAIN);
    CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, in_ms(2)), -ETIMEDOUT);
    mark_await(&l->reached, 2); // both are kept
    weir_watch watch;
    CHECK_EQ(weir_pipeline_on_room(l->pipeline, &watch, NULL), 0);
    CHECK_EQ(weir_watch_cancel(&watch), 0);
    CHECK_EQ(weir_pipeline_on_room(l->pipeline, &watch, NULL), 0);
    CHECK_EQ(weir_pipeline_cancel(l->pipeline), 0);
    CHECK_EQ(weir_event_wait(&watch.event, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, WEIR_FOREVER), -EPIPE);
    for (size_t done = 0; done < 2;) {
        pthread_mutex_lock(&l->lock);
        weir_token *token_held = l->held_count > done ? l->held[done] : NULL;
        pthread_mutex_unlock(&l->lock);
        if (token_held != NULL) {
            weir_token_finish(token_held, 0);
            done++;
        }
    }
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.cancelled, 2);
    check_sums(l);
    line_close(l);
    pool_close(pool);
}

// ---- errors of the calls ---------------------------------------------------

static int create_with(weir_pool *pool, const weir_pipeline_options *options) {
    weir_pipeline *pipeline = NULL;
    int error = weir_pipeline_create(&pipeline, pool, options);
    CHECK(error == 0 || pipeline == NULL);
    weir_pipeline_destroy(pipeline);
    return error;
}

static void bad_options_are_refused(void) {
    weir_pool *pool = pool_of(1);
    line *l = line_open(pool, 10);
    weir_pipeline_options options = l->options;
    CHECK_EQ(create_with(pool, NULL), -EINVAL);
    options.stages_count = 0;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options.stages_count = WEIR_STAGES_MAX + 1;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options = l->options;
    options.tokens_max = 3;
    options.batch = 4;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options.tokens_max = SIZE_MAX / 2;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options = l->options;
    options.batch = SIZE_MAX / 2;
    options.tokens_max = 0;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options = l->options;
    options.token_size = SIZE_MAX - 100;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options.token_size = SIZE_MAX / 8;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options = l->options;
    options.on_error = (weir_on_error)9;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options = l->options;
    l->stages[0].mode = WEIR_STAGE_PARALLEL;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    options.external_source = 1;
    CHECK_EQ(create_with(pool, &options), 0);
    l->stages[1].mode = (weir_stage_mode)5;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    l->stages[1] = l->stages[0];
    l->stages[2].run = NULL;
    CHECK_EQ(create_with(pool, &options), -EINVAL);
    l->stages[2].run = line_sink;
    struct {
        weir_pipeline_options known;
        size_t from_the_future;
    } newer = {.known = options, .from_the_future = 1};
    newer.known.size = sizeof(newer);
    CHECK_EQ(create_with(pool, &newer.known), -E2BIG);
    line_close(l);
    pool_close(pool);
}

static void calls_out_of_place_are_refused(void) {
    weir_pool *pool = pool_of(1);
    line *l = line_open(pool, 10);
    line_create(l);
    weir_token *token;
    weir_watch watch;
    CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, 0), -EINVAL);
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), -EINVAL);
    CHECK_EQ(weir_pipeline_on_room(l->pipeline, &watch, NULL), -EINVAL);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, NULL), -EDEADLK);
    l->report.size = 0;
    CHECK_EQ(weir_pipeline_run(l->pipeline, &l->report), -EINVAL);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, 0, &l->report), -EINVAL);
    weir_pipeline_counts counts = {.size = 0};
    CHECK_EQ(weir_pipeline_count(l->pipeline, &counts), -EINVAL);
    l->report = report_empty();
    line_run(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), -EALREADY);
    CHECK_EQ(weir_pipeline_run(l->pipeline, NULL), -EALREADY);
    line_close(l);
    l = line_open(pool, 10);
    line_external(l);
    line_create(l);
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), -EINVAL);
    CHECK_EQ(weir_pipeline_on_room(l->pipeline, &watch, NULL), -EINVAL);
    weir_pipeline_close(l->pipeline);
    line_close(l);
    pool_close(pool);
}

static void a_wait_that_can_never_end_is_said(void) {
    weir_pool *pool = pool_seeded(5, 2);
    line *l = line_open(pool, 10);
    line_external(l);
    l->options.tokens_max = 1;
    l->keep = true;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, NULL), -EDEADLK);
    weir_token *token;
    CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, WEIR_FOREVER), 0);
    push_value(l, token);
    CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(l->held_count, 1);
    weir_token_finish(l->held[0], 0);
    weir_pipeline_close(l->pipeline);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.delivered, 1);
    line_close(l);
    pool_close(pool);
}

// The first stage takes what comes from outside one after the other.
static void outside_in_pool(weir_pool *pool) {
    enum { PUSHED = 100 };
    line *l = line_open(pool, PUSHED);
    line_external(l);
    l->stages[0].mode = WEIR_STAGE_SERIAL_IN_ORDER;
    l->options.batch = 2;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    for (int i = 0; i < PUSHED; i++) {
        weir_token *token;
        CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, WEIR_FOREVER), 0);
        push_value(l, token);
    }
    weir_pipeline_close(l->pipeline);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.delivered, PUSHED);
    line_close(l);
}

static void what_comes_from_outside_is_in_order_from_the_start(void) {
    for_each_pool_with(&(weir_pool_options)WEIR_POOL_OPTIONS_INIT,
                       outside_in_pool, 20);
}

static int away_source(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    line *l = context;
    l->held[0] = token;
    mark_set(&l->reached);
    return WEIR_STAGE_LATER;
}

static void a_source_that_is_away_is_waited_for(void) {
    weir_pool *pool = pool_of(2);
    line *l = line_open(pool, 10);
    l->stages[0].run = away_source;
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    mark_await(&l->reached, 1);
    CHECK_EQ(weir_pipeline_cancel(l->pipeline), 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, in_ms(50), NULL), -ETIMEDOUT);
    weir_token_finish(l->held[0], 0);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    CHECK_EQ(l->report.status, -ECANCELED);
    CHECK_EQ(l->report.delivered, 0);
    line_close(l);
    pool_close(pool);
}

static void push_what_was_not_begun(void) {
    weir_pool *pool = pool_seeded(5, 1);
    line *l = line_open(pool, 10);
    line_external(l);
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    weir_token *token;
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), 0);
    weir_pipeline_push(l->pipeline, token);
    weir_pipeline_push(l->pipeline, token);
}

static void a_token_pushed_twice_aborts(void) {
    check_aborts(push_what_was_not_begun, "the token that was begun, once");
}

static void no_memory_changes_nothing(void) {
    weir_pool *pool = pool_of(1);
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    line *l = line_open(pool, 10);
    for (uint64_t i = 0; i < 5; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        CHECK_EQ(create_with(pool, &l->options), -ENOMEM);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    }
    CHECK_EQ(create_with(pool, &l->options), 0);
    CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), 5);
    line_close(l);
    pool_close(pool);
}

static void child_of_fork(line *l) {
    weir_token *token;
    weir_watch watch;
    weir_pipeline *other;
    weir_stage_counts stage = {.size = sizeof(stage)};
    weir_pipeline_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_pipeline_create(&other, l->pool, &l->options), -ECHILD);
    CHECK_EQ(weir_pipeline_start(l->pipeline), -ECHILD);
    CHECK_EQ(weir_pipeline_run(l->pipeline, NULL), -ECHILD);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, 0, NULL), -ECHILD);
    CHECK_EQ(weir_pipeline_cancel(l->pipeline), -ECHILD);
    CHECK_EQ(weir_pipeline_begin(l->pipeline, &token, 0), -ECHILD);
    CHECK_EQ(weir_pipeline_try_begin(l->pipeline, &token), -ECHILD);
    CHECK_EQ(weir_pipeline_on_room(l->pipeline, &watch, NULL), -ECHILD);
    CHECK_EQ(weir_pipeline_stage_count(l->pipeline, 0, &stage), -ECHILD);
    CHECK_EQ(weir_pipeline_count(l->pipeline, &counts), -ECHILD);
    weir_pipeline_close(l->pipeline);
    weir_pipeline_flush(l->pipeline);
    weir_pipeline_destroy(l->pipeline);
    _exit(0);
}

static void a_forked_child_is_refused(void) {
    weir_pool *pool = pool_of(1);
    line *l = line_open(pool, 10);
    line_external(l);
    line_create(l);
    CHECK_EQ(weir_pipeline_start(l->pipeline), 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        child_of_fork(l);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    weir_pipeline_close(l->pipeline);
    CHECK_EQ(weir_pipeline_wait(l->pipeline, WEIR_FOREVER, &l->report), 0);
    line_close(l);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"w7_cancelling_starts_nothing_more",
         w7_cancelling_starts_nothing_more},
        {"a_deadline_ends_a_pipeline", a_deadline_ends_a_pipeline},
        {"tokens_kept_for_later_are_waited_for",
         tokens_kept_for_later_are_waited_for},
        {"a_deadline_that_does_not_pass_leaves_no_trace",
         a_deadline_that_does_not_pass_leaves_no_trace},
        {"a_stopped_pool_ends_a_pipeline", a_stopped_pool_ends_a_pipeline},
        {"tokens_kept_for_later_outlive_the_pool",
         tokens_kept_for_later_outlive_the_pool},
        {"destroying_cancels_first", destroying_cancels_first},
        {"the_end_is_an_event", the_end_is_an_event},
        {"tokens_may_come_from_outside", tokens_may_come_from_outside},
        {"a_loop_stops_reading_when_tokens_run_out",
         a_loop_stops_reading_when_tokens_run_out},
        {"flush_sends_a_batch_that_is_not_full",
         flush_sends_a_batch_that_is_not_full},
        {"a_push_after_the_stop_ends_as_never_started",
         a_push_after_the_stop_ends_as_never_started},
        {"a_source_that_waits_learns_of_the_stop",
         a_source_that_waits_learns_of_the_stop},
        {"bad_options_are_refused", bad_options_are_refused},
        {"calls_out_of_place_are_refused", calls_out_of_place_are_refused},
        {"a_wait_that_can_never_end_is_said",
         a_wait_that_can_never_end_is_said},
        {"a_token_pushed_twice_aborts", a_token_pushed_twice_aborts},
        {"no_memory_changes_nothing", no_memory_changes_nothing},
        {"a_forked_child_is_refused", a_forked_child_is_refused},
        {"what_comes_from_outside_is_in_order_from_the_start",
         what_comes_from_outside_is_in_order_from_the_start},
        {"a_source_that_is_away_is_waited_for",
         a_source_that_is_away_is_waited_for},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// Pipelines under many seeds: stages of every mode, batches, a source within
// or outside, tokens that fail or finish later, both policies, a worker that
// helps; a cancel, or a stop of the pool, in the middle. What comes out is what
// one worker would have made, and each token that came in ends once.
#include "support/seeds.h"
#include "support/stream.h"

enum { TOKENS = 40, STAGES = 4 };

typedef struct data {
    uint64_t number, stages; // its place in the input; stages that it has seen
} data;

typedef struct token {
    int fails_at;          // a stage, or -1
    int later[STAGES];     // is finished from outside
    int seen[STAGES];      // how often
    int has_failed, ended; // how often
    int status;            // once it has ended
} token;

typedef struct session {
    weir_pipeline *pipeline;
    weir_stage stages[STAGES];
    int stages_count, is_external, is_skipping;
    uint64_t tokens, begun, live, live_max;
    token each[TOKENS];
    uint64_t in_stage[STAGES]; // now, also while it is to be finished later
    weir_token *held[TOKENS];  // to be finished later
    size_t held_count;
    weir_token *open; // begun outside, not pushed
    int cancelled, stopped;
    int input_over; // before it was cancelled, or stopped
    actor helper;
} session;

static session s;

static int error_of(uint64_t number) { return -(int)(number % 30) - 1; }

// ---- stages ----------------------------------------------------------------

// What one worker, token after token, would have done before this.
static void check_turn(int stage, uint64_t number) {
    if (s.stages[stage].mode != WEIR_STAGE_SERIAL_IN_ORDER)
        return;
    for (uint64_t i = 0; i < number; i++) {
        const token *t = &s.each[i];
        int lost = t->fails_at >= 0 && t->fails_at < stage;
        CHECK(t->seen[stage] || lost || s.cancelled || s.stopped);
        if (!s.is_skipping)
            CHECK(!t->has_failed);
    }
    for (uint64_t i = number + 1; i < s.tokens; i++)
        CHECK_EQ(s.each[i].seen[stage], 0);
}

static int leave(int stage, uint64_t number) {
    token *t = &s.each[number];
    s.in_stage[stage]--;
    t->has_failed |= t->fails_at == stage;
    return t->fails_at == stage ? error_of(number) : 0;
}

static int pass(weir_worker *self, int stage, weir_token *of) {
    data *d = weir_token_data(of);
    uint64_t number = weir_token_sequence(of);
    token *t = &s.each[number];
    CHECK_EQ(d->number, number);
    CHECK_EQ(d->stages++, stage);
    CHECK_EQ(t->seen[stage], 0);
    CHECK(!t->has_failed && !t->ended);
    check_turn(stage, number);
    t->seen[stage]++;
    s.in_stage[stage]++;
    if (s.stages[stage].mode != WEIR_STAGE_PARALLEL)
        CHECK_EQ(s.in_stage[stage], 1);
    int later = t->later[stage];
    if (later)
        s.held[s.held_count++] = of;
    weir_yield(self);
    return later ? WEIR_STAGE_LATER : leave(stage, number);
}

static void begin_token(weir_token *of) {
    uint64_t number = weir_token_sequence(of);
    CHECK_EQ(number, s.begun);
    s.begun++;
    s.live++;
    CHECK(s.live <= s.live_max);
    *(data *)weir_token_data(of) = (data){.number = number};
}

static int stage_0(weir_worker *self, void *context, weir_token *of) {
    (void)context;
    if (!s.is_external) {
        if (weir_token_sequence(of) == s.tokens) {
            s.input_over = !s.cancelled && !s.stopped;
            return WEIR_STAGE_END;
        }
        begin_token(of);
    }
    return pass(self, 0, of);
}

static int stage_1(weir_worker *self, void *context, weir_token *of) {
    (void)context;
    return pass(self, 1, of);
}

static int stage_2(weir_worker *self, void *context, weir_token *of) {
    (void)context;
    return pass(self, 2, of);
}

static int stage_3(weir_worker *self, void *context, weir_token *of) {
    (void)context;
    return pass(self, 3, of);
}

static void token_ended(void *context, weir_token *of, int status) {
    (void)context;
    token *t = &s.each[weir_token_sequence(of)];
    CHECK_EQ(t->ended++, 0);
    t->status = status;
    s.live--;
    if (status == 0)
        CHECK(t->seen[s.stages_count - 1] && !t->has_failed);
    else if (t->has_failed)
        CHECK_EQ(status, error_of(weir_token_sequence(of)));
    else
        CHECK((status == -ECANCELED && (s.cancelled || !s.is_skipping)) ||
              (status == -ESHUTDOWN && s.stopped));
}

// ---- what is asked for -----------------------------------------------------

static weir_stage_mode draw_mode(int is_source) {
    static const weir_stage_mode modes[] = {
        WEIR_STAGE_SERIAL_IN_ORDER, WEIR_STAGE_SERIAL, WEIR_STAGE_PARALLEL};
    return modes[seed_below(is_source ? 2 : 3)];
}

static void draw_tokens(void) {
    s.tokens = seed_below(TOKENS + 1);
    uint64_t failing = 6 + seed_below(60), later = 2 + seed_below(12);
    for (uint64_t i = 0; i < s.tokens; i++) {
        token *t = &s.each[i];
        t->fails_at = seed_one_in(failing)
                          ? (int)seed_below((uint64_t)s.stages_count)
                          : -1;
        for (int k = 0; k < s.stages_count; k++)
            t->later[k] = seed_one_in(later);
    }
    // An input that fails has no more.
    for (uint64_t i = 0; i < s.tokens && !s.is_external; i++)
        if (s.each[i].fails_at == 0)
            s.tokens = i + 1;
}

static void open_pipeline(weir_pool *pool) {
    static int (*const runs[STAGES])(weir_worker *, void *, weir_token *) = {
        stage_0, stage_1, stage_2, stage_3};
    memset(&s, 0, sizeof(s));
    s.stages_count = 1 + (int)seed_below(STAGES);
    s.is_external = seed_one_in(2);
    s.is_skipping = seed_one_in(2);
    for (int k = 0; k < s.stages_count; k++)
        s.stages[k] =
            (weir_stage){"stage", draw_mode(k == 0 && !s.is_external), runs[k]};
    draw_tokens();
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = s.stages;
    options.stages_count = (size_t)s.stages_count;
    options.batch = 1 + seed_below(2) * seed_below(5);
    options.tokens_max = options.batch * (1 + seed_below(6));
    options.token_size = sizeof(data);
    options.parallel_after = seed_below(2) * seed_below(20);
    options.external_source = s.is_external;
    options.on_error = s.is_skipping ? WEIR_ON_ERROR_SKIP : WEIR_ON_ERROR_STOP;
    options.ended = token_ended;
    s.live_max = options.tokens_max;
    SAY("%d stages, %llu tokens, batches of %zu, %zu at once%s%s",
        s.stages_count, (unsigned long long)s.tokens, options.batch,
        options.tokens_max, s.is_external ? ", from outside" : "",
        s.is_skipping ? ", errors are skipped" : "");
    CHECK_EQ(weir_pipeline_create(&s.pipeline, pool, &options), 0);
}

static int help(weir_worker *self, void *argument) {
    (void)self;
    (void)argument;
    int error = weir_pipeline_wait(s.pipeline, WEIR_FOREVER, NULL);
    CHECK(error == 0 || (error < 0 && s.stopped));
    return 0;
}

static void helper_done(weir_job *job, int status) {
    (void)job;
    CHECK(status == 0 || s.stopped);
}

static void start_pipeline(weir_pool *pool) {
    CHECK_EQ(weir_pipeline_start(s.pipeline), 0);
    if (!seed_one_in(3))
        return;
    s.helper =
        (actor){.job = WEIR_JOB_INIT(actor_run, helper_done), .act = help};
    submit(pool, &s.helper.job);
}

// ---- acts ------------------------------------------------------------------

static int has_ended(void) {
    int status;
    return weir_event_status(weir_pipeline_finished(s.pipeline), &status) !=
           -EAGAIN;
}

static int finish_one(void) {
    if (s.held_count == 0)
        return 0;
    size_t pick = seed_below(s.held_count);
    weir_token *of = s.held[pick];
    s.held[pick] = s.held[--s.held_count];
    data *d = weir_token_data(of);
    SAY("token %llu is finished", (unsigned long long)d->number);
    weir_token_finish(of, leave((int)d->stages - 1, d->number));
    return 1;
}

// One token more from outside, or a part of the way to it.
static int feed(void) {
    if (!s.is_external || s.begun == s.tokens)
        return 0;
    if (s.open == NULL) {
        int error = weir_pipeline_try_begin(s.pipeline, &s.open);
        CHECK(error == 0 || error == -EAGAIN || error == -EPIPE);
        if (error == -EPIPE) // it has stopped: there is no more input
            s.tokens = s.begun;
        if (error != 0) {
            s.open = NULL;
            return error == -EPIPE;
        }
        CHECK_EQ(weir_token_sequence(s.open), s.begun);
    }
    if (seed_one_in(4))
        return 1;
    weir_token *of = s.open;
    s.open = NULL;
    SAY("token %llu is pushed", (unsigned long long)s.begun);
    begin_token(of);
    weir_pipeline_push(s.pipeline, of);
    return 1;
}

static void act_once(weir_pool *pool) {
    uint64_t what = seed_below(8);
    if (what < 2)
        (void)feed();
    else if (what == 2)
        (void)finish_one();
    else if (what == 3 && s.is_external && seed_one_in(4))
        weir_pipeline_flush(s.pipeline);
    else
        (void)weir_pool_step(pool);
}

// Whatever it takes; and if nothing does, it would never end.
static void drive_to_end(weir_pool *pool) {
    int closed = 0;
    while (!has_ended()) {
        int acted = weir_pool_step(pool) == 1;
        if (!seed_one_in(3))
            acted |= feed();
        if (!seed_one_in(3))
            acted |= finish_one();
        if (acted || has_ended())
            continue;
        if (feed() || finish_one())
            continue;
        CHECK(!closed && s.is_external && !s.cancelled);
        if (s.begun < s.tokens) { // a batch that is not full
            weir_pipeline_flush(s.pipeline);
            CHECK(weir_pool_step(pool) == 1 || has_ended());
            continue;
        }
        s.input_over = !s.stopped;
        weir_pipeline_close(s.pipeline);
        closed = 1;
    }
    CHECK_EQ(s.held_count, 0);
    CHECK_EQ(s.live, 0);
}

// ---- what came of it -------------------------------------------------------

static void check_sums(const weir_stream_report *report) {
    uint64_t delivered = 0, failed = 0, lost = s.begun;
    for (uint64_t i = 0; i < s.begun; i++) {
        const token *t = &s.each[i];
        CHECK_EQ(t->ended, 1);
        delivered += t->status == 0;
        failed += t->has_failed != 0;
        if (t->status != 0 && lost == s.begun)
            lost = i;
    }
    CHECK_EQ(report->delivered, delivered);
    CHECK_EQ(report->failed, failed);
    CHECK_EQ(report->delivered + report->failed + report->cancelled +
                 report->never_started,
             s.begun);
    if (lost < s.begun) {
        CHECK_EQ(report->status, s.each[lost].status);
        CHECK_EQ(report->error_sequence, lost);
    } else if (report->status != 0) { // the source was cut off
        CHECK(!s.input_over);
        CHECK(report->status == -ECANCELED
                  ? s.cancelled
                  : report->status == -ESHUTDOWN && s.stopped);
        CHECK_EQ(report->error_sequence, s.begun);
    }
    weir_pipeline_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_pipeline_count(s.pipeline, &counts), 0);
    CHECK_EQ(counts.in_flight, 0);
    CHECK_EQ(counts.runners, 0);
    CHECK_EQ(counts.begun, s.begun);
}

// Nobody ended it early.
static void check_whole(const weir_stream_report *report, uint64_t tokens) {
    uint64_t first = 0, failing = 0;
    while (first < tokens && s.each[first].fails_at < 0)
        first++;
    for (uint64_t i = 0; i < tokens; i++)
        failing += s.each[i].fails_at >= 0;
    CHECK_EQ(report->status, first < tokens ? error_of(first) : 0);
    for (uint64_t i = 0; i < first; i++)
        CHECK_EQ(s.each[i].status, 0);
    if (s.is_skipping) {
        CHECK_EQ(s.begun, tokens);
        CHECK_EQ(report->delivered, tokens - failing);
    } else if (s.stages[s.stages_count - 1].mode ==
               WEIR_STAGE_SERIAL_IN_ORDER) {
        CHECK_EQ(report->delivered, first);
    }
}

static weir_stream_report report_of(weir_pool *pool) {
    weir_stream_report report = report_empty();
    int error = weir_pipeline_wait(s.pipeline, WEIR_FOREVER, &report);
    CHECK_EQ(error, 0);
    SAY("status %d at %llu, %llu delivered", report.status,
        (unsigned long long)report.error_sequence,
        (unsigned long long)report.delivered);
    if (!s.stopped)
        wait_idle(pool);
    check_sums(&report);
    return report;
}

// ---- scenarios -------------------------------------------------------------

static void whole_scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_pipeline(pool);
    start_pipeline(pool);
    uint64_t tokens = s.tokens;
    for (uint64_t acts = seed_below(100); acts > 0; acts--)
        act_once(pool);
    drive_to_end(pool);
    weir_stream_report report = report_of(pool);
    check_whole(&report, tokens);
    weir_pipeline_destroy(s.pipeline);
}

static void cancel_scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_pipeline(pool);
    start_pipeline(pool);
    for (uint64_t acts = seed_below(150); acts > 0; acts--)
        act_once(pool);
    int over = has_ended();
    s.cancelled = !over;
    int error = weir_pipeline_cancel(s.pipeline);
    SAY("it is cancelled: %d", error);
    CHECK_EQ(error, over ? -EALREADY : 0);
    drive_to_end(pool);
    (void)report_of(pool);
    weir_pipeline_destroy(s.pipeline);
}

static void stop_scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_pipeline(pool);
    start_pipeline(pool);
    for (uint64_t acts = seed_below(150); acts > 0; acts--)
        act_once(pool);
    weir_stop_mode mode = (weir_stop_mode)seed_below(3);
    s.stopped = 1;
    int error = weir_pool_stop(pool, mode, 0, NULL);
    SAY("the pool is stopped, mode %d: %d", (int)mode, error);
    CHECK(error == 0 || error == -ETIMEDOUT);
    drive_to_end(pool);
    (void)report_of(pool);
    CHECK_EQ(weir_pool_stop(pool, mode, WEIR_FOREVER, NULL), 0);
    weir_pipeline_destroy(s.pipeline);
}

SEEDS_CASE("stream_pipeline", it_does_what_one_worker_would, whole_scenario,
           1000 / TEST_SMALLER)
SEEDS_CASE("stream_pipeline", it_may_be_cancelled_at_any_step, cancel_scenario,
           1000 / TEST_SMALLER)
SEEDS_CASE("stream_pipeline", its_pool_may_stop_at_any_step, stop_scenario,
           1000 / TEST_SMALLER)

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"it_does_what_one_worker_would", it_does_what_one_worker_would},
        {"it_may_be_cancelled_at_any_step", it_may_be_cancelled_at_any_step},
        {"its_pool_may_stop_at_any_step", its_pool_may_stop_at_any_step},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

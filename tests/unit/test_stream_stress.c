// SPDX-License-Identifier: MIT
// Pipelines and drains of every shape, drawn from a seed, with stages that
// fail, finish later, or stop everything at random. What must hold of each is
// the same: one outcome per token, results in order, the first error reported.
#include "support/stream.h"

#include "base/random.h"

enum { STAGES = 5, TOKENS = 400, HELD = 1024 };

enum { FAIL_NONE, FAIL_ONE, FAIL_TWO };

typedef struct shape {
    weir_pool *pool;
    weir_stage stages[STAGES];
    weir_pipeline_options options;
    uint64_t tokens;     // in the input
    uint64_t fails[2];   // sequences that fail, or UINT64_MAX
    unsigned fail_at[2]; // in this stage
    unsigned later_odds; // of 16
    uint64_t cancel_at;  // in the first parallel stage, or UINT64_MAX
    weir_pipeline *pipeline;

    pthread_mutex_t lock;
    uint64_t in_stage[STAGES]; // now
    uint64_t next[STAGES];     // serial in order: the next
    uint64_t last[STAGES];     // in order: what came last, plus one
    uint64_t begun;
    uint64_t live, live_highest;
    uint64_t delivered; // by the last stage
    uint8_t outcomes[TOKENS + 1];
    int status_of[TOKENS + 1];

    weir_token *held[HELD]; // to be finished later
    int held_status[HELD];
    size_t held_count;
    bool finisher_ends;
    actor finisher;
} shape;

typedef struct data {
    uint64_t value;
    uint64_t random;
    uint64_t stage;
} data;

// ---- stages ----------------------------------------------------------------

static int verdict(shape *s, unsigned stage, uint64_t sequence) {
    for (int i = 0; i < 2; i++)
        if (s->fails[i] == sequence && s->fail_at[i] == stage)
            return -EIO - i;
    return 0;
}

static void stage_enter(shape *s, unsigned stage, weir_token *token) {
    uint64_t sequence = weir_token_sequence(token);
    weir_stage_mode mode = s->stages[stage].mode;
    pthread_mutex_lock(&s->lock);
    s->in_stage[stage]++;
    if (mode != WEIR_STAGE_PARALLEL)
        CHECK_EQ(s->in_stage[stage], 1);
    if (mode == WEIR_STAGE_SERIAL_IN_ORDER) {
        CHECK(sequence >= s->last[stage]);
        s->last[stage] = sequence + 1;
    }
    pthread_mutex_unlock(&s->lock);
}

static void stage_leave(shape *s, unsigned stage) {
    pthread_mutex_lock(&s->lock);
    s->in_stage[stage]--;
    pthread_mutex_unlock(&s->lock);
}

// Hands the token to the finisher. False: it has enough.
static bool hand_over(shape *s, weir_token *token, int status) {
    pthread_mutex_lock(&s->lock);
    bool room = s->held_count < HELD && !s->finisher_ends;
    if (room) {
        s->held[s->held_count] = token;
        s->held_status[s->held_count++] = status;
    }
    pthread_mutex_unlock(&s->lock);
    return room;
}

static int stage_common(weir_worker *self, shape *s, weir_token *token,
                        unsigned stage) {
    data *d = weir_token_data(token);
    uint64_t sequence = weir_token_sequence(token);
    stage_enter(s, stage, token);
    CHECK_EQ(d->stage, stage);
    CHECK_EQ(d->value, sequence * 3 + stage);
    d->stage++;
    d->value++;
    if (wr_random_next(&d->random) % 8 == 0)
        weir_yield(self);
    if (sequence == s->cancel_at && stage == 1)
        CHECK_EQ(weir_pipeline_cancel(s->pipeline), 0);
    int status = verdict(s, stage, sequence);
    bool later = wr_random_next(&d->random) % 16 < s->later_odds;
    stage_leave(s, stage);
    if (later && hand_over(s, token, status))
        return WEIR_STAGE_LATER;
    return status;
}

static int source(weir_worker *self, void *context, weir_token *token) {
    shape *s = context;
    uint64_t sequence = weir_token_sequence(token);
    if (sequence == s->tokens)
        return WEIR_STAGE_END;
    CHECK(sequence < s->tokens);
    data *d = weir_token_data(token);
    *d = (data){.value = sequence * 3, .random = sequence * 77 + 5};
    pthread_mutex_lock(&s->lock);
    s->begun++;
    if (++s->live > s->live_highest)
        s->live_highest = s->live;
    pthread_mutex_unlock(&s->lock);
    return stage_common(self, s, token, 0);
}

static int stage_1(weir_worker *self, void *context, weir_token *token) {
    return stage_common(self, context, token, 1);
}

static int stage_2(weir_worker *self, void *context, weir_token *token) {
    return stage_common(self, context, token, 2);
}

static int stage_3(weir_worker *self, void *context, weir_token *token) {
    return stage_common(self, context, token, 3);
}

static int stage_4(weir_worker *self, void *context, weir_token *token) {
    return stage_common(self, context, token, 4);
}

static void ended(void *context, weir_token *token, int status) {
    shape *s = context;
    uint64_t sequence = weir_token_sequence(token);
    pthread_mutex_lock(&s->lock);
    CHECK_EQ(s->outcomes[sequence], 0);
    s->outcomes[sequence]++;
    s->status_of[sequence] = status;
    s->live--;
    if (status == 0) {
        const data *d = weir_token_data(token);
        CHECK_EQ(d->stage, s->options.stages_count);
        s->delivered++;
    }
    pthread_mutex_unlock(&s->lock);
}

// ---- finishing later -------------------------------------------------------

// Finishes one held token, a random one. False: there is none.
static bool finish_one(shape *s, uint64_t *random) {
    pthread_mutex_lock(&s->lock);
    size_t count = s->held_count;
    weir_token *token = NULL;
    int status = 0;
    if (count > 0) {
        size_t pick = wr_random_below(random, (uint32_t)count);
        token = s->held[pick];
        status = s->held_status[pick];
        s->held[pick] = s->held[count - 1];
        s->held_status[pick] = s->held_status[count - 1];
        s->held_count--;
    }
    pthread_mutex_unlock(&s->lock);
    if (token != NULL)
        weir_token_finish(token, status);
    return token != NULL;
}

static bool finisher_over(shape *s) {
    pthread_mutex_lock(&s->lock);
    bool over = s->finisher_ends && s->held_count == 0;
    pthread_mutex_unlock(&s->lock);
    return over;
}

static int finisher(weir_worker *self, void *argument) {
    shape *s = argument;
    uint64_t random = 1;
    while (!finisher_over(s))
        if (!finish_one(s, &random))
            weir_yield(self);
    return 0;
}

static void *finisher_main(void *argument) {
    shape *s = argument;
    uint64_t random = 1;
    while (!finisher_over(s))
        if (!finish_one(s, &random))
            sched_yield();
    return NULL;
}

// ---- one run ---------------------------------------------------------------

static weir_stage_mode mode_of(uint64_t *random, bool first) {
    uint32_t pick = wr_random_below(random, first ? 2 : 3);
    return pick == 0   ? WEIR_STAGE_SERIAL_IN_ORDER
           : pick == 1 ? WEIR_STAGE_SERIAL
                       : WEIR_STAGE_PARALLEL;
}

static void shape_draw(shape *s, uint64_t seed) {
    static int (*const runs[])(weir_worker *, void *, weir_token *) = {
        source, stage_1, stage_2, stage_3, stage_4};
    uint64_t random = seed;
    size_t count = 1 + wr_random_below(&random, STAGES);
    for (size_t i = 0; i < count; i++)
        s->stages[i] = (weir_stage){"stage", mode_of(&random, i == 0), runs[i]};
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = s->stages;
    options.stages_count = count;
    options.context = s;
    options.batch =
        1 + wr_random_below(&random, 2) * wr_random_below(&random, 9);
    options.tokens_max = options.batch * (1 + wr_random_below(&random, 8)) +
                         wr_random_below(&random, (uint32_t)options.batch);
    options.token_size = sizeof(data);
    options.parallel_after = wr_random_below(&random, 3) * 50;
    if (wr_random_below(&random, 3) == 0)
        options.on_error = WEIR_ON_ERROR_SKIP;
    options.ended = ended;
    s->options = options;
    s->tokens = wr_random_below(&random, TOKENS);
    s->later_odds = wr_random_below(&random, 3) * 3;
    s->cancel_at = UINT64_MAX;
    if (wr_random_below(&random, 8) == 0)
        s->cancel_at = wr_random_below(&random, TOKENS);
    for (int i = 0; i < 2; i++) {
        s->fails[i] = UINT64_MAX;
        if (wr_random_below(&random, 2) == 0)
            s->fails[i] = wr_random_below(&random, TOKENS);
        s->fail_at[i] = wr_random_below(&random, (uint32_t)count);
    }
}

// The sequence that must be reported, if nothing is cancelled.
static uint64_t first_error(const shape *s, int *status) {
    uint64_t first = UINT64_MAX;
    for (int i = 0; i < 2; i++)
        if (s->fails[i] < s->tokens && s->fails[i] < first) {
            first = s->fails[i];
            *status = -EIO - i;
        }
    if (s->fails[0] == s->fails[1] && first != UINT64_MAX &&
        s->fail_at[1] < s->fail_at[0])
        *status = -EIO - 1;
    return first;
}

static void shape_check(shape *s, const weir_stream_report *report) {
    uint64_t sum = report->delivered + report->failed + report->cancelled +
                   report->never_started;
    CHECK_EQ(report->delivered, s->delivered);
    CHECK_EQ(report->never_started, 0);
    CHECK_EQ(s->live, 0);
    CHECK(s->live_highest <= s->options.tokens_max);
    uint64_t outcomes = 0;
    for (uint64_t i = 0; i < TOKENS; i++)
        outcomes += s->outcomes[i];
    CHECK_EQ(outcomes, s->begun);
    CHECK_EQ(sum, s->begun);
    for (uint64_t i = 0; i < s->begun; i++)
        CHECK_EQ(s->outcomes[i], 1);

    uint64_t lost = 0;
    while (lost < s->begun && s->status_of[lost] == 0)
        lost++;
    if (lost < s->begun) {
        CHECK_EQ(report->error_sequence, lost);
        CHECK_EQ(report->status, s->status_of[lost]);
    }
    bool in_order = s->options.stages_count > 0 &&
                    s->stages[s->options.stages_count - 1].mode ==
                        WEIR_STAGE_SERIAL_IN_ORDER;
    if (in_order && s->options.on_error == WEIR_ON_ERROR_STOP)
        CHECK_EQ(report->delivered, lost); // nothing after the first
    if (s->cancel_at < s->tokens && s->options.stages_count > 1)
        return;
    int status = 0;
    uint64_t error = first_error(s, &status);
    CHECK_EQ(report->status, status);
    if (error == UINT64_MAX) {
        CHECK_EQ(report->delivered, s->tokens);
        return;
    }
    CHECK_EQ(report->error_sequence, error);
}

static void one_shape(weir_pool *pool, uint64_t seed) {
    shape *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    s->pool = pool;
    pthread_mutex_init(&s->lock, NULL);
    shape_draw(s, seed);
    CHECK_EQ(weir_pipeline_create(&s->pipeline, pool, &s->options), 0);
    bool determ = is_deterministic(pool);
    pthread_t thread;
    tally ended_finisher;
    tally_init(&ended_finisher);
    if (determ)
        act(pool, &s->finisher, finisher, s);
    else
        thread = thread_start(finisher_main, s);
    weir_stream_report report = report_empty();
    CHECK_EQ(weir_pipeline_run(s->pipeline, &report), 0);
    pthread_mutex_lock(&s->lock);
    s->finisher_ends = true;
    CHECK_EQ(s->held_count, 0);
    pthread_mutex_unlock(&s->lock);
    if (determ)
        wait_idle(pool);
    else
        thread_join(thread);
    shape_check(s, &report);
    weir_pipeline_destroy(s->pipeline);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void on_threads(int threads) {
    weir_pool *pool = pool_of(threads);
    for (uint64_t seed = 0; seed < 100; seed++) {
        printf("  threads %d, seed %d\n", threads, (int)seed);
        fflush(stdout);
        one_shape(pool, seed);
    }
    pool_close(pool);
}

static void any_pipeline_on_one_thread(void) { on_threads(1); }

static void any_pipeline_on_two_threads(void) { on_threads(2); }

static void any_pipeline_on_four_threads(void) { on_threads(4); }

static void any_pipeline_on_no_thread(void) {
    for (uint64_t seed = 0; seed < 200; seed++) {
        printf("  seed %d\n", (int)seed);
        fflush(stdout);
        weir_pool *pool = pool_seeded(seed, 2 + (unsigned)seed % 3);
        one_shape(pool, seed);
        pool_close(pool);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"any_pipeline_on_one_thread", any_pipeline_on_one_thread},
        {"any_pipeline_on_two_threads", any_pipeline_on_two_threads},
        {"any_pipeline_on_four_threads", any_pipeline_on_four_threads},
        {"any_pipeline_on_no_thread", any_pipeline_on_no_thread},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

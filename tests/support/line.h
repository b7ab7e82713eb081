// SPDX-License-Identifier: MIT
// A pipeline for tests: read in order, work in parallel, write in order. It
// checks itself that results come in order and that each token ends once.
#ifndef TEST_LINE_H
#define TEST_LINE_H

#include "support/stream.h"

enum { TOKENS = 512 };

typedef struct line {
    weir_pool *pool;
    weir_pipeline *pipeline;
    weir_pipeline_options options;
    weir_stage stages[4];
    weir_stream_report report;

    uint64_t tokens; // in the input
    uint64_t source_fails_at;
    uint64_t fails_at;
    weir_event *hold; // stage 1 waits for it, or for token hold_at
    uint64_t hold_at;
    tally reached; // tokens that came to stage 1

    pthread_mutex_t lock;
    uint64_t live, live_highest;
    uint64_t next; // the sink's
    uint64_t sunk;
    uint64_t hash;
    uint64_t ended_count;
    int8_t ended[TOKENS];
    weir_token *held[TOKENS];
    size_t held_count;
    bool keep; // stage 1 keeps its tokens for later
} line;

static inline int line_source(weir_worker *self, void *context,
                              weir_token *token) {
    (void)self;
    line *l = context;
    uint64_t sequence = weir_token_sequence(token);
    if (sequence == l->tokens)
        return WEIR_STAGE_END;
    *(uint64_t *)weir_token_data(token) = sequence * 7;
    pthread_mutex_lock(&l->lock);
    if (++l->live > l->live_highest)
        l->live_highest = l->live;
    pthread_mutex_unlock(&l->lock);
    return sequence == l->source_fails_at ? -ENXIO : 0;
}

static inline int line_work(weir_worker *self, void *context,
                            weir_token *token) {
    line *l = context;
    uint64_t sequence = weir_token_sequence(token);
    if (!l->keep)
        mark_set(&l->reached);
    if (l->hold != NULL && (l->hold_at == UINT64_MAX || sequence == l->hold_at))
        CHECK_EQ(weir_event_wait(l->hold, WEIR_FOREVER, NULL), 0);
    if (sequence % 5 == 0)
        weir_yield(self);
    uint64_t *data = weir_token_data(token);
    *data = *data * 3 + 1;
    if (l->keep) {
        pthread_mutex_lock(&l->lock);
        l->held[l->held_count++] = token;
        pthread_mutex_unlock(&l->lock);
        mark_set(&l->reached);
        return WEIR_STAGE_LATER;
    }
    return sequence == l->fails_at ? -EIO : 0;
}

static inline int line_sink(weir_worker *self, void *context,
                            weir_token *token) {
    (void)self;
    line *l = context;
    uint64_t sequence = weir_token_sequence(token);
    uint64_t data = *(uint64_t *)weir_token_data(token);
    CHECK_EQ(data, sequence * 21 + 1);
    // No lock: the stage is serial, and the pool orders what it runs.
    if (l->options.on_error == WEIR_ON_ERROR_STOP)
        CHECK_EQ(sequence, l->next);
    CHECK(sequence >= l->next);
    l->next = sequence + 1;
    l->sunk++;
    l->hash = l->hash * 31 + data;
    return 0;
}

static inline void line_ended(void *context, weir_token *token, int status) {
    (void)status;
    line *l = context;
    pthread_mutex_lock(&l->lock);
    l->live--;
    l->ended_count++;
    CHECK_EQ(l->ended[weir_token_sequence(token)]++, 0);
    pthread_mutex_unlock(&l->lock);
}

static inline line *line_open(weir_pool *pool, uint64_t tokens) {
    line *l = calloc(1, sizeof(*l));
    CHECK(l != NULL);
    pthread_mutex_init(&l->lock, NULL);
    tally_init(&l->reached);
    l->pool = pool;
    l->tokens = tokens;
    l->source_fails_at = l->fails_at = l->hold_at = UINT64_MAX;
    l->stages[0] =
        (weir_stage){"read", WEIR_STAGE_SERIAL_IN_ORDER, line_source};
    l->stages[1] = (weir_stage){"work", WEIR_STAGE_PARALLEL, line_work};
    l->stages[2] = (weir_stage){"write", WEIR_STAGE_SERIAL_IN_ORDER, line_sink};
    l->options = (weir_pipeline_options)WEIR_PIPELINE_OPTIONS_INIT;
    l->options.stages = l->stages;
    l->options.stages_count = 3;
    l->options.context = l;
    l->options.tokens_max = 8;
    l->options.token_size = sizeof(uint64_t);
    l->options.ended = line_ended;
    l->report = report_empty();
    return l;
}

static inline void line_create(line *l) {
    CHECK_EQ(weir_pipeline_create(&l->pipeline, l->pool, &l->options), 0);
}

// Its input comes from outside; stage 0 is the work.
static inline void line_external(line *l) {
    l->stages[0] = l->stages[1];
    l->stages[1] = l->stages[2];
    l->options.stages_count = 2;
    l->options.external_source = 1;
}

static inline void line_close(line *l) {
    weir_pipeline_destroy(l->pipeline);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static inline void check_sums(const line *l) {
    const weir_stream_report *r = &l->report;
    CHECK_EQ(r->delivered, l->sunk);
    CHECK_EQ(r->delivered + r->failed + r->cancelled + r->never_started,
             l->ended_count);
    CHECK_EQ(l->live, 0);
    CHECK(l->live_highest <= l->options.tokens_max);
    weir_pipeline_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_pipeline_count(l->pipeline, &counts), 0);
    CHECK_EQ(counts.in_flight, 0);
    CHECK_EQ(counts.begun, l->ended_count);
    CHECK(counts.in_flight_highest <= counts.tokens_max);
    CHECK(counts.tokens_max <= l->options.tokens_max);
}

static inline void line_run(line *l) {
    CHECK_EQ(weir_pipeline_run(l->pipeline, &l->report), 0);
    check_sums(l);
}

static inline uint64_t hash_of(uint64_t tokens) {
    uint64_t hash = 0;
    for (uint64_t i = 0; i < tokens; i++)
        hash = hash * 31 + i * 21 + 1;
    return hash;
}

static inline int plain_work(weir_worker *self, void *context,
                             weir_token *token) {
    (void)self;
    (void)context;
    uint64_t *data = weir_token_data(token);
    *data = *data * 3 + 1;
    return 0;
}

#endif // TEST_LINE_H

// SPDX-License-Identifier: MIT
// The end of a pipeline: it comes after everybody who still has to come back
// to the pipeline has done so. Then the report says all, nobody works on it,
// and whoever hears of the end may free it.
#include "model/models/rooms.h"
#include "weir/stream.h"

static weir_pipeline *pipeline;

typedef int source_run(weir_worker *self, void *context, weir_token *token);

static void make_pipeline(weir_pool *pool, source_run *source,
                          size_t tokens_max) {
    const weir_stage stage = {"source", WEIR_STAGE_SERIAL, source};
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = &stage;
    options.stages_count = 1;
    options.tokens_max = tokens_max;
    options.batch = 1;
    MC_CHECK(weir_pipeline_create(&pipeline, pool, &options) == 0);
}

// ---- the report ------------------------------------------------------------

enum { SENT = 1 };

static weir_queue *queue;
static weir_sender *sender;
static weir_drain *drain;
static unsigned dropped;

static void drop_item(void *context, void *item) {
    (void)context;
    (void)item;
    dropped++;
}

static int work(weir_worker *self, void *context, uint64_t sequence, void *item,
                void *result) {
    (void)self;
    (void)context;
    (void)sequence;
    (void)item;
    (void)result;
    return 0;
}

static void *cancel_drain(void *unused) {
    int error = weir_drain_cancel(drain);
    MC_CHECK(error == 0 || error == -EALREADY);
    return unused;
}

static void start_drain(weir_pool *pool) {
    weir_queue_options how = WEIR_QUEUE_OPTIONS_INIT;
    how.item_size = sizeof(int);
    how.capacity = SENT;
    how.dropped = drop_item;
    MC_CHECK(weir_queue_create(&queue, &sender, pool, &how) == 0);
    int item = 0;
    MC_CHECK(weir_sender_try_send(sender, &item) == 0);
    weir_drain_options options = WEIR_DRAIN_OPTIONS_INIT;
    options.work = work;
    options.batch = 1;
    MC_CHECK(weir_drain_start(&drain, pool, queue, &options) == 0);
}

// Another thread than the one that waits cancels it.
static void the_report_says_all_when_it_has_ended(void) {
    mc_bound("one item");
    weir_pool *pool = rooms_pool(1, 0);
    start_drain(pool);
    unsigned other = mc_spawn(cancel_drain, NULL);
    weir_stream_report report = {.size = sizeof(report)};
    MC_CHECK(weir_drain_wait(drain, WEIR_FOREVER, &report) == 0);
    MC_CHECK(report.failed == 0 && report.cancelled == 0);
    MC_CHECK(report.delivered + report.never_started == SENT);
    (void)mc_join(other);
    MC_CHECK(report.never_started == dropped);
    weir_drain_destroy(drain);
    weir_sender_drop(sender);
    weir_queue_destroy(queue);
    weir_pool_destroy(pool);
    mc_outcome(dropped);
}

// ---- who frees it ----------------------------------------------------------

static weir_job after;

static int no_source(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    (void)token;
    return WEIR_STAGE_END;
}

static int free_pipeline(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    weir_pipeline_destroy(pipeline);
    return 0;
}

static void who_hears_of_the_end_may_free_it_while_start_returns(void) {
    weir_pool *pool = rooms_pool(1, 0);
    make_pipeline(pool, no_source, 1);
    after = (weir_job)WEIR_JOB_INIT(free_pipeline, NULL);
    weir_event *end = weir_pipeline_finished(pipeline);
    MC_CHECK(weir_event_attach(end, pool, &after) == 0);
    MC_CHECK(weir_pipeline_start(pipeline) == 0);
    weir_pool_destroy(pool);
}

// ---- who works on it -------------------------------------------------------

static weir_token *kept; // the first; the source has it finished later
static rooms_flag is_kept;

static int keep_one(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    (void)context;
    if (kept != NULL)
        return WEIR_STAGE_END;
    kept = token;
    rooms_raise(&is_kept);
    return WEIR_STAGE_LATER;
}

// The token is finished as the runner of its stage has not come back yet, and
// another runner takes all to the end.
static void nobody_works_on_what_has_ended(void) {
    mc_bound("one token");
    weir_pool *pool = rooms_pool(2, 0);
    make_pipeline(pool, keep_one, 2);
    MC_CHECK(weir_pipeline_start(pipeline) == 0);
    rooms_await(&is_kept);
    weir_token_finish(kept, 0);
    weir_stream_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pipeline_wait(pipeline, WEIR_FOREVER, &report) == 0);
    MC_CHECK(report.status == 0 && report.delivered == 1);
    weir_pipeline_counts counts = {.size = sizeof(counts)};
    MC_CHECK(weir_pipeline_count(pipeline, &counts) == 0);
    MC_CHECK(counts.runners == 0 && counts.in_flight == 0);
    weir_pipeline_destroy(pipeline);
    weir_pool_destroy(pool);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

static const uint64_t drops[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    {.name = "the_report_says_all_when_it_has_ended",
     .body = the_report_says_all_when_it_has_ended,
     .mode = MC_BOUNDED,
     .preemptions = 1,
     .stale = 1,
     .outcomes = drops},
    BOUNDED(who_hears_of_the_end_may_free_it_while_start_returns, 2),
    BOUNDED(nobody_works_on_what_has_ended, 1),
    {.name = NULL},
};

// SPDX-License-Identifier: MIT
//
// The line as a pipeline of three stages on a pool of its own.
#include "programs/delta/line.h"

#include "os/os.h"
#include "weir/pool.h"
#include "weir/stream.h"

#include <errno.h>
#include <string.h>

enum { THREADS_AUTO_MAX = 32 }; // more would wait for memory, not compute

typedef struct line_state {
    const wr_line *line;
    void *const *tokens;
    wr_failure *failure; // drain's
} line_state;

static void *token_of(const line_state *state, const weir_token *token) {
    return state->tokens[weir_token_index(token)];
}

static int run_fill(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    line_state *state = context;
    const wr_line *line = state->line;
    bool filled = line->fill(line->context, token_of(state, token));
    return filled ? 0 : WEIR_STAGE_END;
}

static int run_work(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    line_state *state = context;
    if (weir_token_cancelled(token))
        return -ECANCELED; // what failed comes before it
    const wr_line *line = state->line;
    line->work(line->context, token_of(state, token));
    return 0;
}

static int run_drain(weir_worker *self, void *context, weir_token *token) {
    (void)self;
    line_state *state = context;
    const wr_line *line = state->line;
    wr_status status =
        line->drain(line->context, token_of(state, token), state->failure);
    return status == WR_OK ? 0 : -EIO; // state->failure says more
}

static wr_status status_of(int error) {
    return error == -ENOMEM ? WR_MEMORY_ERROR : WR_INTERNAL_ERROR;
}

static int run_pipeline(weir_pool *pool, line_state *state, size_t count,
                        weir_stream_report *report) {
    const weir_stage stages[] = {
        {"fill", WEIR_STAGE_SERIAL_IN_ORDER, run_fill},
        {"work", WEIR_STAGE_PARALLEL, run_work},
        {"drain", WEIR_STAGE_SERIAL_IN_ORDER, run_drain},
    };
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = stages;
    options.stages_count = sizeof(stages) / sizeof(stages[0]);
    options.context = state;
    options.tokens_max = count;
    weir_pipeline *pipeline;
    int error = weir_pipeline_create(&pipeline, pool, &options);
    if (error != 0)
        return error;
    error = weir_pipeline_run(pipeline, report);
    weir_pipeline_destroy(pipeline);
    return error;
}

wr_status wr_line_run(const wr_line *line, void *const *tokens, size_t count,
                      unsigned threads, wr_failure *failure) {
    if (threads <= 1 || count <= 1)
        return wr_line_run_serial(line, tokens[0], failure);

    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = (int)threads;
    options.name = "delta";
    weir_pool *pool;
    int error = weir_pool_create(&pool, &options);
    if (error == -EAGAIN) // not one thread to be had: this one will do
        return wr_line_run_serial(line, tokens[0], failure);
    if (error != 0)
        return wr_fail(failure, status_of(error), "cannot start threads: %s",
                       weir_strerror(error));
    line_state state = {line, tokens, failure};
    weir_stream_report report = {.size = sizeof(report)};
    error = run_pipeline(pool, &state, count, &report);
    weir_pool_destroy(pool);
    if (error == 0)
        error = report.status;
    if (error != 0 && failure->status == WR_OK)
        wr_fail(failure, status_of(error), "the pipeline failed: %s",
                weir_strerror(error));
    return failure->status;
}

unsigned wr_line_threads(unsigned wish) {
    if (wish > 0)
        return wish;
    wr_cpu_limits limits;
    wr_cpu_limits_read(&limits);
    unsigned usable = limits.usable > 0 ? (unsigned)limits.usable : 1;
    return usable < THREADS_AUTO_MAX ? usable : THREADS_AUTO_MAX;
}

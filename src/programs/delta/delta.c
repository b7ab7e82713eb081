// SPDX-License-Identifier: MIT
//
// `weir delta delta`: stripes are read and scanned by whatever thread is free,
// then joined and written in order.
#include "programs/delta/command.h"
#include "programs/delta/line.h"
#include "programs/delta/progress.h"
#include "programs/delta/stitch.h"
#include "programs/delta/table.h"

#include <stdlib.h>
#include <string.h>

typedef struct stripe_token {
    wr_stripe stripe;
    wr_buffer bytes;
    size_t size;     // bytes to read, or read
    uint64_t offset; // where to read them, if the input is positioned
    wr_failure failure;
} stripe_token;

typedef struct delta_job {
    // Read-only while the line runs.
    wr_table table;
    wr_scan_rule rule;
    wr_cut cut;

    // fill's.
    wr_input *input;
    uint64_t filled;  // own positions dealt out so far
    wr_buffer behind; // the bytes read beyond them, for the next stripe
    size_t behind_size;
    bool ended;

    // drain's.
    wr_stitch stitch;
    wr_emitter *emitter;
    wr_progress progress;
    uint64_t bytes;
} delta_job;

// ---------------------------------------------------------------------------
// The line's three steps

// A stripe's own positions are cut.piece bytes; the block_len bytes behind them
// belong to its windows. Where they are the last ones, they become its own.
static void settle_stripe(delta_job *job, stripe_token *t, bool last) {
    t->stripe.size = t->size;
    t->stripe.own = last ? t->size : job->cut.piece;
    t->stripe.run_count = 0;
    job->ended = last;
}

static void fill_from_pipe(delta_job *job, stripe_token *t) {
    size_t whole = job->cut.piece + job->rule.block_len;
    size_t behind = job->behind_size;
    if (wr_buffer_reserve(&t->bytes, behind, &t->failure) == WR_OK) {
        if (behind > 0)
            memcpy(t->bytes.data, job->behind.data, behind);
        wr_buffer_read(&t->bytes, job->input, behind, whole, &t->size,
                       &t->failure);
    }
    bool last = t->failure.status != WR_OK || t->size < whole;
    settle_stripe(job, t, last);
    job->behind_size = last ? 0 : job->rule.block_len;
    // Copied now: the token may be scanned and used again before the next fill.
    if (!last &&
        wr_buffer_reserve(&job->behind, job->behind_size, &t->failure) == WR_OK)
        memcpy(job->behind.data, t->bytes.data + t->stripe.own,
               job->behind_size);
}

static bool fill(void *context, void *token) {
    delta_job *job = context;
    stripe_token *t = token;
    t->failure.status = WR_OK;
    if (job->ended)
        return false;
    t->offset = job->filled;
    if (job->input->positioned) {
        // Only dealt out here; work reads it, on every thread at once.
        uint64_t left = wr_input_expected(job->input) - job->filled;
        uint64_t whole = (uint64_t)job->cut.piece + job->rule.block_len;
        t->size = (size_t)(left < whole ? left : whole);
        settle_stripe(job, t, left <= whole);
    } else {
        fill_from_pipe(job, t);
    }
    job->filled += t->stripe.own;
    return t->stripe.own > 0 || t->failure.status != WR_OK;
}

static void work(void *context, void *token) {
    const delta_job *job = context;
    stripe_token *t = token;
    size_t got = t->size;
    if (job->input->positioned &&
        (wr_buffer_reserve(&t->bytes, t->size, &t->failure) != WR_OK ||
         wr_input_read_at(job->input, t->offset, t->bytes.data, t->size, &got,
                          &t->failure) != WR_OK))
        return;
    if (got < t->size)
        wr_fail(&t->failure, WR_IO_ERROR, "%s shrank while it was read",
                job->input->name);
    if (t->failure.status != WR_OK)
        return;
    t->stripe.data = t->bytes.data;
    wr_stripe_scan(&job->rule, &t->stripe);
}

static wr_status drain(void *context, void *token, wr_failure *failure) {
    delta_job *job = context;
    stripe_token *t = token;
    if (t->failure.status != WR_OK) {
        *failure = t->failure;
        return failure->status;
    }
    job->bytes += t->stripe.own;
    wr_progress_add(&job->progress, t->stripe.own);
    return wr_stitch_add(&job->stitch, &t->stripe, failure);
}

// ---------------------------------------------------------------------------
// Running

static wr_status run_line(delta_job *job, wr_failure *failure) {
    size_t count = job->cut.tokens;
    size_t runs =
        wr_runs_max(job->cut.piece + job->rule.block_len, job->rule.block_len);
    stripe_token *stripes = calloc(count, sizeof(*stripes));
    void **tokens = calloc(count, sizeof(*tokens));
    if (stripes == NULL || tokens == NULL)
        wr_fail_memory(failure, "buffers");
    for (size_t i = 0; i < count && failure->status == WR_OK; i++) {
        tokens[i] = &stripes[i];
        stripes[i].stripe.runs = malloc(runs * sizeof(wr_run));
        if (stripes[i].stripe.runs == NULL)
            wr_fail_memory(failure, "buffers");
    }
    if (failure->status == WR_OK) {
        wr_line line = {job, fill, work, drain};
        wr_line_run(&line, tokens, count, job->cut.threads, failure);
    }
    for (size_t i = 0; stripes != NULL && i < count; i++) {
        wr_buffer_free(&stripes[i].bytes);
        free(stripes[i].stripe.runs);
    }
    wr_buffer_free(&job->behind);
    free(stripes);
    free(tokens);
    return failure->status;
}

// Against a signature without blocks nothing can match, and rdiff does not
// scan: its literals are as long as its input buffer.
static wr_status run_slack(delta_job *job, size_t literal,
                           wr_failure *failure) {
    wr_buffer bytes = {.data = NULL};
    size_t held;
    do {
        if (wr_buffer_read(&bytes, job->input, 0, literal, &held, failure) !=
                WR_OK ||
            held == 0 ||
            wr_emitter_slack(job->emitter, bytes.data, held, failure) != WR_OK)
            break;
        job->bytes += held;
        wr_progress_add(&job->progress, held);
    } while (wr_emitter_release(job->emitter, failure) == WR_OK &&
             held == literal);
    wr_buffer_free(&bytes);
    return failure->status;
}

static wr_status make_delta(delta_job *job, const wr_delta_options *options,
                            wr_output *output, wr_failure *failure) {
    wr_writer *writer = wr_writer_create(output);
    job->emitter = malloc(sizeof(*job->emitter));
    if (writer == NULL || job->emitter == NULL)
        wr_fail_memory(failure, "a buffer");
    else
        wr_emitter_begin(job->emitter, writer, failure);
    size_t slack = (size_t)options->input_size;
    if (slack == 0)
        slack = job->table.header.block_len;
    if (failure->status == WR_OK && job->table.count == 0)
        run_slack(job, slack, failure);
    if (failure->status == WR_OK && job->table.count > 0) {
        job->rule = wr_scan_rule_make(options->kernels, &job->table);
        job->cut = wr_cut_choose(options, job->rule.block_len, job->rule.lanes,
                                 WR_PIECE_DELTA);
        wr_stitch_begin(&job->stitch, &job->rule, job->emitter);
        run_line(job, failure);
    }
    if (failure->status == WR_OK)
        wr_emitter_end(job->emitter, failure);
    wr_writer_destroy(writer);
    return failure->status;
}

// ---------------------------------------------------------------------------
// The command

static wr_status load(delta_job *job, wr_input *signature, bool statistics,
                      wr_failure *failure) {
    wr_speed speed = wr_speed_begin();
    if (wr_table_load(&job->table, signature, &speed.bytes_in, failure) ==
            WR_OK &&
        statistics)
        wr_print_signature_stats("loadsig", job->table.count,
                                 job->table.header.block_len, &speed);
    return failure->status;
}

static void print_statistics(const delta_job *job, wr_speed *speed,
                             const wr_output *output) {
    const wr_emitter_stats *stats = &job->emitter->stats;
    speed->bytes_in = job->bytes;
    speed->bytes_out = output->written;
    uint64_t searches = 0;
    if (job->table.count > 0)
        searches = job->stitch.matches + stats->literal_bytes;
    wr_print_match_stats(searches, job->stitch.matches);
    wr_print_delta_stats("delta", stats, speed);
}

// Everything is open; the signature is not read yet.
static wr_status run(delta_job *job, const wr_delta_options *options,
                     wr_input *signature, wr_output *output,
                     wr_failure *failure) {
    if (options->file_count > 3)
        return wr_fail(failure, WR_SYNTAX_ERROR, "Too many arguments.");
    if (load(job, signature, options->statistics, failure) != WR_OK)
        return failure->status;
    wr_speed speed = wr_speed_begin();
    wr_progress_begin(&job->progress, options->progress, "delta",
                      wr_input_expected(job->input));
    make_delta(job, options, output, failure);
    wr_progress_end(&job->progress);
    if (failure->status == WR_OK && options->statistics)
        print_statistics(job, &speed, output);
    return failure->status;
}

wr_status wr_delta_delta(const wr_delta_options *options, wr_failure *failure) {
    wr_input signature, input;
    wr_output output = {.fd = -1};
    delta_job job = {.input = &input};
    if (options->file_count < 1)
        return wr_fail(failure, WR_SYNTAX_ERROR,
                       "Usage for delta: weir delta [OPTIONS] delta SIGNATURE "
                       "[NEWFILE [DELTA]]");
    if (wr_input_open(&signature, options->files[0], failure) != WR_OK)
        return failure->status;
    if (wr_input_open(&input, options->files[1], failure) == WR_OK) {
        wr_output_options how = {.force = options->force};
        if (wr_output_open(&output, options->files[2], how, failure) == WR_OK &&
            run(&job, options, &signature, &output, failure) == WR_OK)
            wr_output_commit(&output, failure);
        wr_output_abandon(&output);
        wr_input_close(&input);
    }
    wr_input_close(&signature);
    wr_table_free(&job.table);
    free(job.emitter);
    return failure->status;
}

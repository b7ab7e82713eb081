// SPDX-License-Identifier: MIT
//
// `weir delta signature`: pieces of whole blocks are read, hashed by whatever
// thread is free, and their sums written in order.
#include "programs/delta/command.h"
#include "programs/delta/format.h"
#include "programs/delta/line.h"
#include "programs/delta/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 64 };

typedef struct piece {
    wr_buffer bytes;
    size_t size;      // bytes read
    uint64_t offset;  // where to read them, if the input is positioned
    uint8_t *records; // the sums
    size_t records_size;
    wr_failure failure;
} piece;

typedef struct signature_job {
    // Read-only while the line runs.
    const wr_hash_kernels *kernels;
    wr_signature_header header;
    wr_cut cut;
    size_t lanes;

    // fill's.
    wr_input *input;
    uint64_t filled; // bytes
    bool ended;

    // drain's.
    wr_writer *writer;
    wr_progress progress;
    uint64_t bytes, blocks;
} signature_job;

// ---------------------------------------------------------------------------
// The line's three steps

static bool fill(void *context, void *token) {
    signature_job *job = context;
    piece *p = token;
    p->failure.status = WR_OK;
    p->size = 0;
    if (job->ended)
        return false;
    p->offset = job->filled;
    if (job->input->positioned) {
        // Only dealt out here; work reads it, on every thread at once.
        uint64_t left = wr_input_expected(job->input) - job->filled;
        p->size = left < job->cut.piece ? (size_t)left : job->cut.piece;
        job->ended = p->size == left;
    } else {
        wr_buffer_read(&p->bytes, job->input, 0, job->cut.piece, &p->size,
                       &p->failure);
        job->ended = p->size < job->cut.piece || p->failure.status != WR_OK;
    }
    job->filled += p->size;
    return p->size > 0 || p->failure.status != WR_OK;
}

static void read_piece(const signature_job *job, piece *p) {
    size_t got;
    if (wr_buffer_reserve(&p->bytes, p->size, &p->failure) != WR_OK ||
        wr_input_read_at(job->input, p->offset, p->bytes.data, p->size, &got,
                         &p->failure) != WR_OK)
        return;
    if (got < p->size)
        wr_fail(&p->failure, WR_IO_ERROR, "%s shrank while it was read",
                job->input->name);
}

typedef struct block_sums {
    uint32_t weak;
    uint8_t strong[WR_STRONG_MAX];
} block_sums;

// Sums different blocks of `len` bytes, as many at once as fill the registers.
static void sum_blocks(const signature_job *job, const uint8_t *const *blocks,
                       size_t len, size_t count, block_sums *sums) {
    uint8_t strong[BATCH_MAX][WR_STRONG_MAX];
    for (size_t from = 0; from < count; from += job->lanes) {
        size_t now = count - from < job->lanes ? count - from : job->lanes;
        wr_strong_many(job->kernels, job->header.strong, blocks + from, len,
                       now, strong);
        // Now, while the bytes are near.
        for (size_t i = 0; i < now; i++) {
            block_sums *to = &sums[from + i];
            memcpy(to->strong, strong[i], sizeof(to->strong));
            to->weak = wr_weak_block(job->kernels, job->header.weak,
                                     blocks[from + i], len);
        }
    }
}

// Writes the records of `count` blocks that follow each other. A block like the
// one before it, mostly zeros, has the same sums.
static uint8_t *sum_row(const signature_job *job, const uint8_t *data,
                        size_t len, size_t count, uint8_t *out) {
    const uint8_t *blocks[BATCH_MAX] = {NULL};
    block_sums sums[BATCH_MAX];
    size_t which[BATCH_MAX], different = 0;
    for (size_t i = 0; i < count; i++, data += len) {
        if (i == 0 || memcmp(data, data - len, len) != 0)
            blocks[different++] = data;
        which[i] = different - 1;
    }
    sum_blocks(job, blocks, len, different, sums);
    for (size_t i = 0; i < count; i++) {
        wr_put_be32(out, sums[which[i]].weak);
        memcpy(out + WR_WEAK_SIZE, sums[which[i]].strong,
               job->header.strong_len);
        out += WR_WEAK_SIZE + job->header.strong_len;
    }
    return out;
}

static void work(void *context, void *token) {
    const signature_job *job = context;
    piece *p = token;
    p->records_size = 0;
    if (job->input->positioned && p->failure.status == WR_OK)
        read_piece(job, p);
    if (p->failure.status != WR_OK)
        return;
    uint8_t *out = p->records;
    size_t block_len = job->header.block_len;
    size_t at = 0;
    while (p->size - at >= block_len) {
        size_t count = (p->size - at) / block_len;
        if (count > BATCH_MAX)
            count = BATCH_MAX;
        out = sum_row(job, p->bytes.data + at, block_len, count, out);
        at += count * block_len;
    }
    if (at < p->size)
        out = sum_row(job, p->bytes.data + at, p->size - at, 1, out);
    p->records_size = (size_t)(out - p->records);
}

static wr_status drain(void *context, void *token, wr_failure *failure) {
    signature_job *job = context;
    piece *p = token;
    if (p->failure.status != WR_OK) {
        *failure = p->failure;
        return failure->status;
    }
    job->bytes += p->size;
    job->blocks += p->records_size / (WR_WEAK_SIZE + job->header.strong_len);
    wr_progress_add(&job->progress, p->size);
    return wr_writer_put(job->writer, p->records, p->records_size, failure);
}

// ---------------------------------------------------------------------------
// The command

static wr_status run_line(signature_job *job, wr_failure *failure) {
    size_t count = job->cut.tokens;
    size_t records = job->cut.piece / job->header.block_len *
                     (WR_WEAK_SIZE + job->header.strong_len);
    piece *pieces = calloc(count, sizeof(*pieces));
    void **tokens = calloc(count, sizeof(*tokens));
    if (pieces == NULL || tokens == NULL)
        wr_fail_memory(failure, "buffers");
    for (size_t i = 0; i < count && failure->status == WR_OK; i++) {
        tokens[i] = &pieces[i];
        pieces[i].records = malloc(records);
        if (pieces[i].records == NULL)
            wr_fail_memory(failure, "buffers");
    }
    if (failure->status == WR_OK) {
        wr_line line = {job, fill, work, drain};
        wr_line_run(&line, tokens, count, job->cut.threads, failure);
    }
    for (size_t i = 0; pieces != NULL && i < count; i++) {
        wr_buffer_free(&pieces[i].bytes);
        free(pieces[i].records);
    }
    free(pieces);
    free(tokens);
    return failure->status;
}

static wr_status make_signature(signature_job *job, wr_output *output,
                                wr_failure *failure) {
    job->writer = wr_writer_create(output);
    if (job->writer == NULL)
        return wr_fail_memory(failure, "a buffer");
    uint8_t head[WR_SIGNATURE_HEADER_SIZE];
    wr_signature_header_put(head, &job->header);
    if (wr_writer_put(job->writer, head, sizeof(head), failure) == WR_OK &&
        run_line(job, failure) == WR_OK)
        wr_writer_flush(job->writer, failure);
    wr_writer_destroy(job->writer);
    return failure->status;
}

// Which hashes are meant by their names.
static wr_status choose_kinds(const wr_delta_options *options,
                              wr_signature_choice *choice,
                              wr_failure *failure) {
    choice->strong = WR_STRONG_BLAKE2B;
    choice->weak = WR_WEAK_RABINKARP;
    if (options->hash != NULL && strcmp(options->hash, "md4") == 0)
        choice->strong = WR_STRONG_MD4;
    else if (options->hash != NULL && strcmp(options->hash, "blake2") != 0)
        return wr_fail(failure, WR_SYNTAX_ERROR, "Unknown hash algorithm '%s'.",
                       options->hash);
    if (options->rollsum != NULL && strcmp(options->rollsum, "rollsum") == 0)
        choice->weak = WR_WEAK_ROLLSUM;
    else if (options->rollsum != NULL &&
             strcmp(options->rollsum, "rabinkarp") != 0)
        return wr_fail(failure, WR_SYNTAX_ERROR,
                       "Unknown rollsum algorithm '%s'.", options->rollsum);
    return WR_OK;
}

static wr_status choose(signature_job *job, const wr_delta_options *options,
                        wr_failure *failure) {
    wr_signature_choice choice = {.block_len = options->block_len,
                                  .strong_len = options->strong_len};
    uint32_t recommended;
    if (options->file_count > 2)
        return wr_fail(failure, WR_SYNTAX_ERROR, "Too many arguments.");
    if (choose_kinds(options, &choice, failure) != WR_OK ||
        wr_signature_choose(&job->header, &choice, job->input->size,
                            &recommended, failure) != WR_OK)
        return failure->status;
    if (job->header.strong_len < recommended)
        fprintf(stderr,
                "weir delta: warning: sum size %" PRIu32
                " is smaller than the recommended %" PRIu32 "\n",
                job->header.strong_len, recommended);
    job->kernels = options->kernels;
    job->lanes = wr_strong_lanes(job->kernels, job->header.strong);
    job->cut = wr_cut_choose(options, job->header.block_len, job->lanes,
                             WR_PIECE_SIGNATURE);
    return WR_OK;
}

wr_status wr_delta_signature(const wr_delta_options *options,
                             wr_failure *failure) {
    wr_input input;
    wr_output output = {.fd = -1};
    wr_speed speed = wr_speed_begin();
    signature_job job = {.input = &input};
    if (wr_input_open(&input, options->files[0], failure) != WR_OK)
        return failure->status;
    wr_output_options how = {.force = options->force};
    if (wr_output_open(&output, options->files[1], how, failure) == WR_OK &&
        choose(&job, options, failure) == WR_OK) {
        wr_progress_begin(&job.progress, options->progress, "signature",
                          wr_input_expected(&input));
        make_signature(&job, &output, failure);
        wr_progress_end(&job.progress);
    }
    speed.bytes_in = job.bytes;
    speed.bytes_out = output.written;
    if (failure->status == WR_OK)
        wr_output_commit(&output, failure);
    wr_output_abandon(&output);
    wr_input_close(&input);
    if (failure->status == WR_OK && options->statistics)
        wr_print_signature_stats("signature", job.blocks, job.header.block_len,
                                 &speed);
    return failure->status;
}

// SPDX-License-Identifier: MIT
//
// `weir delta patch`: one thread. The work is copying, and the kernel's page
// cache, not the processor, decides how fast that goes: large copies are left
// to the kernel (copy_file_range), small ones are gathered.
#include "programs/delta/command.h"
#include "programs/delta/format.h"
#include "programs/delta/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 256 * 1024,      // of the delta, at once
    GATHER_MAX = 64 * 1024,      // longer copies are the kernel's
    RANGE_MAX = 8 * 1024 * 1024, // progress is shown after each of these
};

typedef struct patch_job {
    wr_input *basis, *delta;
    wr_output *output;
    wr_writer *writer;
    wr_progress progress;
    wr_emitter_stats stats;
    bool ranges; // copy_file_range works here, as far as we know
    uint64_t bytes;

    // The delta: bytes [at, held) of the buffer are not used yet.
    size_t at, held;
    uint8_t buffer[READ_SIZE];
} patch_job;

// ---------------------------------------------------------------------------
// Reading the delta

// Reads on until `size` bytes are there; size <= WR_COMMAND_MAX.
static wr_status need(patch_job *job, size_t size, wr_failure *failure) {
    if (job->held - job->at >= size)
        return WR_OK;
    // Literals in the buffer may still be referred to.
    if (wr_writer_release(job->writer, failure) != WR_OK)
        return failure->status;
    memmove(job->buffer, job->buffer + job->at, job->held - job->at);
    job->held -= job->at;
    job->at = 0;
    size_t got;
    if (wr_input_read(job->delta, job->buffer + job->held,
                      READ_SIZE - job->held, &got, failure) != WR_OK)
        return failure->status;
    job->held += got;
    job->bytes += got;
    if (job->held < size)
        return wr_fail(failure, WR_INPUT_ENDED,
                       "%s ends before its end command", job->delta->name);
    return WR_OK;
}

static wr_status next_command(patch_job *job, wr_command *command,
                              wr_failure *failure) {
    if (need(job, 1, failure) != WR_OK)
        return failure->status;
    size_t size = wr_command_size(job->buffer[job->at]);
    if (need(job, size, failure) != WR_OK ||
        wr_command_get(command, job->buffer + job->at, failure) != WR_OK)
        return failure->status;
    job->at += size;
    if (command->kind == WR_COMMAND_LITERAL) {
        job->stats.literals++;
        job->stats.literal_bytes += command->length;
        job->stats.literal_command_bytes += size;
    } else if (command->kind == WR_COMMAND_COPY) {
        job->stats.copies++;
        job->stats.copy_bytes += command->length;
        job->stats.copy_command_bytes += size;
    }
    return WR_OK;
}

// ---------------------------------------------------------------------------
// Commands

static wr_status run_literal(patch_job *job, uint64_t length,
                             wr_failure *failure) {
    while (length > 0) {
        if (need(job, 1, failure) != WR_OK)
            return failure->status;
        size_t there = job->held - job->at;
        size_t now = there < length ? there : (size_t)length;
        if (wr_writer_refer(job->writer, job->buffer + job->at, now, failure) !=
            WR_OK)
            return failure->status;
        job->at += now;
        length -= now;
        wr_progress_add(&job->progress, now);
    }
    return WR_OK;
}

static wr_status basis_ended(patch_job *job, uint64_t offset,
                             wr_failure *failure) {
    // A position no file can have is rdiff's I/O error.
    if (lseek(job->basis->fd, (off_t)offset, SEEK_SET) < 0)
        return wr_fail(failure, WR_IO_ERROR, "cannot seek in %s: %s",
                       job->basis->name, strerror(errno));
    return wr_fail(failure, WR_INPUT_ENDED,
                   "%s is shorter than the delta's basis", job->basis->name);
}

// Through the writer's buffer, a piece at a time.
static wr_status gather(patch_job *job, uint64_t offset, uint64_t length,
                        wr_failure *failure) {
    while (length > 0) {
        size_t now = length < GATHER_MAX ? (size_t)length : GATHER_MAX;
        size_t got;
        uint8_t *room = wr_writer_room(job->writer, now, failure);
        if (room == NULL || wr_input_read_at(job->basis, offset, room, now,
                                             &got, failure) != WR_OK)
            return failure->status;
        if (got == 0)
            return basis_ended(job, offset, failure);
        if (wr_writer_fill(job->writer, got, failure) != WR_OK)
            return failure->status;
        offset += got;
        length -= got;
        wr_progress_add(&job->progress, got);
    }
    return WR_OK;
}

// Lets the kernel copy as much as it can; *length is what it left.
static wr_status copy_range(patch_job *job, uint64_t *offset, uint64_t *length,
                            wr_failure *failure) {
    if (wr_writer_flush(job->writer, failure) != WR_OK)
        return failure->status;
    while (*length > 0) {
        size_t now = *length < RANGE_MAX ? (size_t)*length : RANGE_MAX;
        off_t at = (off_t)*offset;
        ssize_t done =
            copy_file_range(job->basis->fd, &at, job->output->fd, NULL, now, 0);
        if (done < 0 && errno == EINTR)
            continue;
        // Not between these files, or at the end: plain reads know the reason.
        if (done <= 0) {
            job->ranges = job->ranges && done == 0;
            return WR_OK;
        }
        *offset += (uint64_t)done;
        *length -= (uint64_t)done;
        job->output->written += (uint64_t)done;
        wr_progress_add(&job->progress, (uint64_t)done);
    }
    return WR_OK;
}

static wr_status run_copy(patch_job *job, const wr_command *command,
                          wr_failure *failure) {
    uint64_t offset = command->offset, length = command->length;
    uint64_t size = (uint64_t)job->basis->size;
    if (job->basis->size >= 0 && (offset >= size || length > size - offset))
        return basis_ended(job, offset, failure);
    if (job->ranges && length > GATHER_MAX &&
        copy_range(job, &offset, &length, failure) != WR_OK)
        return failure->status;
    return gather(job, offset, length, failure);
}

static wr_status run_commands(patch_job *job, wr_failure *failure) {
    wr_command command;
    wr_status status;
    do {
        status = next_command(job, &command, failure);
        if (status == WR_OK && command.kind == WR_COMMAND_LITERAL)
            status = run_literal(job, command.length, failure);
        else if (status == WR_OK && command.kind == WR_COMMAND_COPY)
            status = run_copy(job, &command, failure);
    } while (status == WR_OK && command.kind != WR_COMMAND_END);
    return status;
}

// ---------------------------------------------------------------------------
// The command

static wr_status run(patch_job *job, wr_failure *failure) {
    uint8_t head[WR_DELTA_HEADER_SIZE];
    size_t got;
    if (wr_input_read(job->delta, head, sizeof(head), &got, failure) != WR_OK)
        return failure->status;
    if (got < sizeof(head))
        return wr_fail(failure, WR_INPUT_ENDED, "%s ends inside its header",
                       job->delta->name);
    if (wr_get_be32(head) != WR_DELTA_MAGIC)
        return wr_fail(failure, WR_BAD_MAGIC,
                       "%s is not a delta: it starts with %#x",
                       job->delta->name, (unsigned)wr_get_be32(head));
    job->bytes += got;
    job->writer = wr_writer_create(job->output);
    if (job->writer == NULL)
        return wr_fail_memory(failure, "a buffer");
    if (run_commands(job, failure) == WR_OK)
        wr_writer_flush(job->writer, failure);
    wr_writer_destroy(job->writer);
    return failure->status;
}

wr_status wr_delta_patch_open(const wr_delta_options *options, wr_input *basis,
                              wr_input *delta, wr_output *output,
                              wr_failure *failure) {
    if (options->file_count > 3)
        return wr_fail(failure, WR_SYNTAX_ERROR, "Too many arguments.");
    wr_speed speed = wr_speed_begin();
    patch_job *job = calloc(1, sizeof(*job)); // too large for the stack
    if (job == NULL)
        return wr_fail_memory(failure, "a buffer");
    job->basis = basis;
    job->delta = delta;
    job->output = output;
    // Positions in the basis count from its start, also where standard input
    // was read before.
    basis->base = 0;
    job->ranges = basis->size >= 0;
    // Of the output; a delta does not say how long that will be.
    wr_progress_begin(&job->progress, options->progress, "patch", 0);
    run(job, failure);
    wr_progress_end(&job->progress);
    speed.bytes_in = job->bytes;
    speed.bytes_out = output->written;
    if (failure->status == WR_OK && options->statistics)
        wr_print_delta_stats("patch", &job->stats, &speed);
    free(job);
    return failure->status;
}

wr_status wr_delta_patch(const wr_delta_options *options, wr_failure *failure) {
    wr_input basis, delta;
    wr_output output = {.fd = -1};
    if (options->file_count < 1)
        return wr_fail(failure, WR_SYNTAX_ERROR,
                       "Usage for patch: weir delta [OPTIONS] patch BASIS "
                       "[DELTA [NEWFILE]]");
    if (wr_input_open(&basis, options->files[0], failure) != WR_OK)
        return failure->status;
    if (wr_input_open(&delta, options->files[1], failure) == WR_OK) {
        wr_output_options how = {.force = options->force};
        if (wr_output_open(&output, options->files[2], how, failure) == WR_OK &&
            wr_delta_patch_open(options, &basis, &delta, &output, failure) ==
                WR_OK)
            wr_output_commit(&output, failure);
        wr_output_abandon(&output);
        wr_input_close(&delta);
    }
    wr_input_close(&basis);
    return failure->status;
}

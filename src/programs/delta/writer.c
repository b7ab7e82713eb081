// SPDX-License-Identifier: MIT
#include "programs/delta/io.h"

#include <stdlib.h>
#include <string.h>

enum {
    SCRATCH_SIZE = 2 * WR_WRITER_ROOM_MAX,
    PIECES_MAX = 512,
    COPY_BELOW = 2048 // smaller pieces are cheaper to copy than to refer to
};

struct wr_writer {
    wr_output *output;
    size_t used;      // bytes of scratch
    size_t pieces;    // entries of vector
    bool refers;      // some piece is not in scratch
    bool scratch_end; // the last piece ends at scratch + used
    struct iovec vector[PIECES_MAX];
    uint8_t scratch[SCRATCH_SIZE];
};

wr_writer *wr_writer_create(wr_output *output) {
    wr_writer *writer = malloc(sizeof(*writer));
    if (writer == NULL)
        return NULL;
    writer->output = output;
    writer->used = writer->pieces = 0;
    writer->refers = writer->scratch_end = false;
    return writer;
}

void wr_writer_destroy(wr_writer *writer) { free(writer); }

wr_status wr_writer_flush(wr_writer *writer, wr_failure *failure) {
    size_t pieces = writer->pieces;
    writer->used = writer->pieces = 0;
    writer->refers = writer->scratch_end = false;
    return wr_output_writev(writer->output, writer->vector, pieces, failure);
}

wr_status wr_writer_release(wr_writer *writer, wr_failure *failure) {
    return writer->refers ? wr_writer_flush(writer, failure) : WR_OK;
}

uint8_t *wr_writer_room(wr_writer *writer, size_t size, wr_failure *failure) {
    bool full = SCRATCH_SIZE - writer->used < size ||
                (writer->pieces == PIECES_MAX && !writer->scratch_end);
    if (full && wr_writer_flush(writer, failure) != WR_OK)
        return NULL;
    return writer->scratch + writer->used;
}

wr_status wr_writer_fill(wr_writer *writer, size_t size, wr_failure *failure) {
    uint8_t *at = writer->scratch + writer->used;
    if (!writer->scratch_end)
        writer->vector[writer->pieces++] = (struct iovec){.iov_base = at};
    writer->vector[writer->pieces - 1].iov_len += size;
    writer->scratch_end = true;
    writer->used += size;
    if (writer->used == SCRATCH_SIZE)
        return wr_writer_flush(writer, failure);
    return WR_OK;
}

wr_status wr_writer_put(wr_writer *writer, const void *data, size_t size,
                        wr_failure *failure) {
    const uint8_t *from = data;
    while (size > 0) {
        size_t now = size < WR_WRITER_ROOM_MAX ? size : WR_WRITER_ROOM_MAX;
        uint8_t *to = wr_writer_room(writer, now, failure);
        if (to == NULL)
            return failure->status;
        memcpy(to, from, now);
        if (wr_writer_fill(writer, now, failure) != WR_OK)
            return failure->status;
        from += now;
        size -= now;
    }
    return WR_OK;
}

wr_status wr_writer_refer(wr_writer *writer, const void *data, size_t size,
                          wr_failure *failure) {
    if (size < COPY_BELOW)
        return wr_writer_put(writer, data, size, failure);
    if (writer->pieces == PIECES_MAX &&
        wr_writer_flush(writer, failure) != WR_OK)
        return failure->status;
    // The vector only reads: the cast drops a promise it keeps.
    struct iovec piece = {(void *)(uintptr_t)data, size};
    writer->vector[writer->pieces++] = piece;
    writer->refers = true;
    writer->scratch_end = false;
    return WR_OK;
}

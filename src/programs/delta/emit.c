// SPDX-License-Identifier: MIT
#include "programs/delta/emit.h"

#include <string.h>

wr_status wr_emitter_begin(wr_emitter *emitter, wr_writer *writer,
                           wr_failure *failure) {
    emitter->writer = writer;
    emitter->stats = (wr_emitter_stats){.literals = 0};
    emitter->copy_offset = emitter->copy_length = 0;
    emitter->held = emitter->seen = 0;
    emitter->seen_at = NULL;
    uint8_t head[WR_DELTA_HEADER_SIZE];
    wr_put_be32(head, WR_DELTA_MAGIC);
    return wr_writer_put(writer, head, sizeof(head), failure);
}

static wr_status write_copy(wr_emitter *emitter, wr_failure *failure) {
    if (emitter->copy_length == 0)
        return WR_OK;
    uint8_t command[WR_COMMAND_MAX];
    size_t size =
        wr_copy_put(command, emitter->copy_offset, emitter->copy_length);
    emitter->stats.copies++;
    emitter->stats.copy_bytes += emitter->copy_length;
    emitter->stats.copy_command_bytes += size;
    emitter->copy_length = 0;
    return wr_writer_put(emitter->writer, command, size, failure);
}

static wr_status write_literal(wr_emitter *emitter, wr_failure *failure) {
    size_t length = emitter->held + emitter->seen;
    if (length == 0)
        return WR_OK;
    uint8_t command[WR_COMMAND_MAX];
    size_t size = wr_literal_put(command, length);
    emitter->stats.literals++;
    emitter->stats.literal_bytes += length;
    emitter->stats.literal_command_bytes += size;
    size_t held = emitter->held, seen = emitter->seen;
    emitter->held = emitter->seen = 0;
    wr_writer *writer = emitter->writer;
    if (wr_writer_put(writer, command, size, failure) == WR_OK &&
        wr_writer_put(writer, emitter->hold, held, failure) == WR_OK)
        wr_writer_refer(writer, emitter->seen_at, seen, failure);
    return failure->status;
}

// The caller's bytes become ours.
static void hold_seen(wr_emitter *emitter) {
    if (emitter->seen > 0)
        memcpy(emitter->hold + emitter->held, emitter->seen_at, emitter->seen);
    emitter->held += emitter->seen;
    emitter->seen = 0;
}

wr_status wr_emitter_literal(wr_emitter *emitter, const uint8_t *data,
                             size_t size, wr_failure *failure) {
    if (size > 0 && write_copy(emitter, failure) != WR_OK)
        return failure->status;
    if (emitter->seen > 0 && emitter->seen_at + emitter->seen != data)
        hold_seen(emitter);
    while (size > 0) {
        if (emitter->seen == 0)
            emitter->seen_at = data;
        size_t room = WR_LITERAL_MAX - emitter->held - emitter->seen;
        size_t now = size < room ? size : room;
        emitter->seen += now;
        data += now;
        size -= now;
        if (now == room && write_literal(emitter, failure) != WR_OK)
            return failure->status;
    }
    return WR_OK;
}

wr_status wr_emitter_slack(wr_emitter *emitter, const uint8_t *data,
                           size_t size, wr_failure *failure) {
    if (write_literal(emitter, failure) != WR_OK ||
        write_copy(emitter, failure) != WR_OK)
        return failure->status;
    emitter->seen_at = data;
    emitter->seen = size;
    return write_literal(emitter, failure);
}

wr_status wr_emitter_copy(wr_emitter *emitter, uint64_t offset, uint64_t length,
                          wr_failure *failure) {
    if (emitter->copy_length > 0 &&
        emitter->copy_offset + emitter->copy_length == offset) {
        emitter->copy_length += length;
        return WR_OK;
    }
    if (write_literal(emitter, failure) != WR_OK ||
        write_copy(emitter, failure) != WR_OK)
        return failure->status;
    emitter->copy_offset = offset;
    emitter->copy_length = length;
    return WR_OK;
}

wr_status wr_emitter_release(wr_emitter *emitter, wr_failure *failure) {
    hold_seen(emitter);
    return wr_writer_release(emitter->writer, failure);
}

wr_status wr_emitter_end(wr_emitter *emitter, wr_failure *failure) {
    uint8_t end = 0;
    if (write_literal(emitter, failure) != WR_OK ||
        write_copy(emitter, failure) != WR_OK ||
        wr_writer_put(emitter->writer, &end, 1, failure) != WR_OK)
        return failure->status;
    return wr_writer_flush(emitter->writer, failure);
}

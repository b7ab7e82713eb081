// SPDX-License-Identifier: MIT
//
// Writes a delta, command by command: joins copies that continue each other,
// cuts literals every WR_LITERAL_MAX bytes from their start, as rdiff does.
//
// Threads:   one.
// Blocking:  writes to the output.
// Errors:    of the output.
// Ownership: literals may be referred to until wr_emitter_release.
#ifndef WR_DELTA_EMIT_H
#define WR_DELTA_EMIT_H

#include "programs/delta/format.h"
#include "programs/delta/io.h"

typedef struct wr_emitter_stats {
    uint64_t literals, literal_bytes, literal_command_bytes;
    uint64_t copies, copy_bytes, copy_command_bytes;
} wr_emitter_stats;

typedef struct wr_emitter {
    wr_writer *writer;
    wr_emitter_stats stats;

    // The copy that may still grow; length 0: none.
    uint64_t copy_offset, copy_length;

    // The literal that may still grow: `held` bytes of our own, then `seen`
    // bytes of the caller's.
    size_t held, seen;
    const uint8_t *seen_at;
    uint8_t hold[WR_LITERAL_MAX];
} wr_emitter;

// Writes the delta's header. The writer must outlive the emitter.
wr_status wr_emitter_begin(wr_emitter *emitter, wr_writer *writer,
                           wr_failure *failure);

wr_status wr_emitter_literal(wr_emitter *emitter, const uint8_t *data,
                             size_t size, wr_failure *failure);

wr_status wr_emitter_copy(wr_emitter *emitter, uint64_t offset, uint64_t length,
                          wr_failure *failure);

// A literal command of its own, of any length (>= 1), referred to at most until
// wr_emitter_release.
wr_status wr_emitter_slack(wr_emitter *emitter, const uint8_t *data,
                           size_t size, wr_failure *failure);

// After this no reference to literals is left.
wr_status wr_emitter_release(wr_emitter *emitter, wr_failure *failure);

// Writes what is pending and the END command.
wr_status wr_emitter_end(wr_emitter *emitter, wr_failure *failure);

#endif

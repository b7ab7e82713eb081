// SPDX-License-Identifier: MIT
//
// The three commands of `weir delta`, and what they share.
#ifndef WR_DELTA_COMMAND_H
#define WR_DELTA_COMMAND_H

#include "programs/delta/emit.h"
#include "programs/delta/failure.h"
#include "programs/delta/io.h"
#include "programs/delta/options.h"

#include <stddef.h>
#include <stdint.h>

// `weir delta ...`: parses, runs, prints; returns the exit status.
int wr_delta_main(int argc, char **argv);

wr_status wr_delta_signature(const wr_delta_options *options,
                             wr_failure *failure);
wr_status wr_delta_delta(const wr_delta_options *options, wr_failure *failure);
wr_status wr_delta_patch(const wr_delta_options *options, wr_failure *failure);

// The patch itself, of files that are open; the output is left to be committed.
wr_status wr_delta_patch_open(const wr_delta_options *options, wr_input *basis,
                              wr_input *delta, wr_output *output,
                              wr_failure *failure);

// ---------------------------------------------------------------------------
// How the work is cut

enum {
    WR_FLIGHT_BYTES = 12 * 1024 * 1024,     // of buffers, for few threads
    WR_FLIGHT_BYTES_MAX = 48 * 1024 * 1024, // where blocks are large, or many
                                            // threads
    WR_PIECE_SIGNATURE = 256 * 1024, // small: read into the nearest caches
    WR_PIECE_DELTA = 1024 * 1024,    // larger: a stripe begins out of step
    WR_PIECE_BLOCKS = 16384          // bounds what small blocks bring with them
};

typedef struct wr_cut {
    unsigned threads;
    size_t tokens;
    size_t piece; // bytes, a multiple of block_len
} wr_cut;

// How to cut a file in pieces of whole blocks, about `bytes` long. `batch` is
// the number of blocks a piece should at least have, as far as memory allows.
wr_cut wr_cut_choose(const wr_delta_options *options, size_t block_len,
                     size_t batch, size_t bytes);

// A buffer that grows to what is really there, so that an absurd block length
// costs nothing before the data comes.
typedef struct wr_buffer {
    uint8_t *data;
    size_t capacity;
} wr_buffer;

// Makes room for `size` bytes, keeping what is there.
wr_status wr_buffer_reserve(wr_buffer *buffer, size_t size,
                            wr_failure *failure);

// Reads until `size` bytes are there or the input ends; `held` are there.
wr_status wr_buffer_read(wr_buffer *buffer, wr_input *input, size_t held,
                         size_t size, size_t *now_held, wr_failure *failure);

void wr_buffer_free(wr_buffer *buffer);

// ---------------------------------------------------------------------------
// Statistics, on standard error, in rdiff's words

typedef struct wr_speed {
    uint64_t bytes_in, bytes_out;
    int64_t start_ns;
} wr_speed;

wr_speed wr_speed_begin(void);
void wr_print_signature_stats(const char *what, uint64_t blocks,
                              uint64_t block_len, const wr_speed *speed);
void wr_print_match_stats(uint64_t searches, uint64_t matches);
void wr_print_delta_stats(const char *what, const wr_emitter_stats *stats,
                          const wr_speed *speed);

#endif

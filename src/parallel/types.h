// SPDX-License-Identifier: MIT
// The data of one call. It lives on the stack of the call.
#ifndef WR_PARALLEL_TYPES_H
#define WR_PARALLEL_TYPES_H

#include "base/atomic.h"
#include "os/os.h"
#include "weir/parallel.h"

enum {
    // A piece is at most this part of what each worker would get: it is not
    // interrupted, so the others may have to wait for it.
    WR_FOR_PIECES = 32,
    WR_FOR_FIRST = 64, // the first one is this part of that, or one index
    WR_FOR_ALIGN = 64, // parts of twice that or more begin at multiples of it
    // Pieces become larger while they take less than this, and smaller when
    // they take more. Times are in wr_ticks, about nanoseconds.
    WR_FOR_SHORT = 4000,
    WR_FOR_LONG = 16000,

    // A loop that may be tiny is tried for so long before it is split, and
    // then only if its rest seems to be long enough: one with at least FEW
    // indices for each worker and less than MANY in all.
    WR_TRY_LONG = 1000,
    WR_REST_LONG = 2000,
    WR_TRY_FEW = 16,
    WR_TRY_MANY = 65536,

    WR_REDUCE_LEAVES = 1024,   // at most
    WR_REDUCE_LEAVES_FEW = 32, // of a range of FEW * FEW indices or less

    // A scan, or a pack, goes by windows of so many blocks at most. A block of
    // a short range is larger than its share, up to BLOCK_FEW indices.
    WR_WINDOW_BLOCKS = 64,
    WR_WINDOW_BLOCK = 8192,
    WR_WINDOW_BLOCKS_FEW = 16,
    WR_WINDOW_BLOCK_FEW = 64,
    WR_PARTITION_BLOCKS = 256,
};

// ---- how it ends -----------------------------------------------------------

// What became of a call, told by all who work for it.
typedef struct wr_outcome {
    // The lowest position that failed so far, SIZE_MAX: none. Lowered under
    // lock, read by anyone as a hint to stop.
    wr_atomic_u64 failed;

    wr_mutex lock;
    int error;      // of that position
    int told;       // why the work around it should end, 0: it should not
    size_t told_at; // the lowest position that was not begun because of that
} wr_outcome;

void wr_outcome_init(wr_outcome *outcome);
void wr_outcome_note(wr_outcome *outcome, size_t at, int error);
// wr_outcome_goes_on: what begins at `from` is still to be done.
bool wr_outcome_goes_on(weir_worker *self, wr_outcome *outcome, size_t from);
// For the caller, when all have joined. The first ends it: the error, or why
// it was told to end.
int wr_outcome_end(wr_outcome *outcome);
size_t wr_outcome_failed(const wr_outcome *outcome);

// ---- loops -----------------------------------------------------------------

typedef struct wr_for wr_for;

// Does [from, to). On an error that is not at `from` stores where it is in *at.
typedef int wr_piece(weir_worker *self, const wr_for *loop, size_t from,
                     size_t to, size_t *at);

// Shared by all pieces of one loop.
struct wr_for {
    // Read-only. body with its context, or, if that is NULL, piece: one
    // indirect call less for the plain loop.
    weir_range_body *body;
    wr_piece *piece;
    void *what; // context, or what the call is about
    size_t most;
    size_t indices; // of the user's in it, 0: as many as it has itself
    bool timed; // not on a deterministic pool: the clock decides nothing there

    wr_atomic_u64 size; // how many indices the next piece of any worker has
    wr_outcome outcome;
};

// wr_for_run does [from, to). Returns as weir_parallel_for; then
// wr_outcome_failed and outcome.told say more.
int wr_for_run(weir_worker *self, wr_for *loop, size_t from, size_t to);

// wr_for_tiny: a loop over so many indices may be over in no time.
bool wr_for_tiny(const weir_worker *self, size_t count);

// A half that another worker may take.
typedef struct wr_for_half {
    weir_fork fork;
    wr_for *loop;
    size_t from, to;
} wr_for_half;

// ---- reductions ------------------------------------------------------------

// Shared by all nodes of one reduction's tree.
typedef struct wr_reduce {
    // Read-only.
    const weir_reduction *reduction;
    size_t leaf;
    int64_t started; // in ticks

    wr_atomic_u32 split; // 1: forks are worth it
    wr_outcome outcome;
} wr_reduce;

// The right half of a node of the reduction tree.
typedef struct wr_reduce_half {
    weir_fork fork;
    wr_reduce *reduce;
    size_t from, to;
    bool done;
    _Alignas(max_align_t) unsigned char partial[WEIR_PARTIAL_MAX];
} wr_reduce_half;

// ---- blocks ----------------------------------------------------------------

// A range in blocks of a fixed size; the last may be smaller.
typedef struct wr_blocks {
    size_t from, to, size;
} wr_blocks;

static inline size_t wr_blocks_count(const wr_blocks *blocks) {
    size_t length = blocks->to - blocks->from;
    return length / blocks->size + (length % blocks->size != 0);
}

static inline size_t wr_block_from(const wr_blocks *blocks, size_t block) {
    return blocks->from + block * blocks->size;
}

static inline size_t wr_block_to(const wr_blocks *blocks, size_t block) {
    size_t from = wr_block_from(blocks, block);
    return blocks->to - from > blocks->size ? from + blocks->size : blocks->to;
}

// wr_window_block is the size of a block where it depends on the length alone.
size_t wr_window_block(size_t length);
// wr_window_next moves *window to the next part of `to`, of so many blocks at
// most; false: there is none.
bool wr_window_next(wr_blocks *window, size_t to, size_t most);

#endif

// SPDX-License-Identifier: MIT
// The parallel loop: lazy binary splitting. See README.md.
// Source: Tzannes, Caragea, Barua, Vishkin, "Lazy binary-splitting", 2010.
#include "parallel/types.h"
#include "pool/internal.h"

static void run_range(weir_worker *self, wr_for *loop, size_t from, size_t to);

static void run_half(weir_worker *self, weir_fork *fork) {
    wr_for_half *half = wr_container_of(fork, wr_for_half, fork);
    run_range(self, half->loop, half->from, half->to);
}

static void note(wr_for *loop, size_t from, int error, int told) {
    wr_mutex_lock(&loop->lock);
    if (told != 0)
        loop->told = told;
    if (error != 0 &&
        from < wr_load(&loop->failed, relaxed, ALONE, "under the lock")) {
        wr_store(&loop->failed, from, relaxed, ALONE,
                 "a hint for others; the result is read after the joins");
        loop->error = error;
    }
    wr_mutex_unlock(&loop->lock);
}

// Runs one piece; false: the rest of the range need not run.
static bool run_piece(weir_worker *self, wr_for *loop, size_t from, size_t to) {
    if (from > wr_load(&loop->failed, relaxed, ALONE,
                       "a hint: a piece too many does no harm"))
        return false;
    int told = weir_cancelled(self);
    int error = told == 0 ? loop->body(self, loop->context, from, to) : 0;
    if (told != 0 || error != 0)
        note(loop, from, error, told);
    return told == 0 && error == 0;
}

// While nobody has taken the half that was offered, goes on piece by piece.
static void run_range(weir_worker *self, wr_for *loop, size_t from, size_t to) {
    while (to - from > loop->piece) {
        if (wr_fork_wanted(self)) {
            size_t middle = from + (to - from) / 2;
            wr_for_half half = {.loop = loop, .from = middle, .to = to};
            weir_fork_begin(self, &half.fork, run_half);
            run_range(self, loop, from, middle);
            weir_fork_join(self, &half.fork, run_half);
            return;
        }
        if (!run_piece(self, loop, from, from + loop->piece))
            return;
        from += loop->piece;
    }
    if (to > from)
        (void)run_piece(self, loop, from, to);
}

int weir_parallel_for(weir_worker *self, size_t from, size_t to,
                      weir_range_body *body, void *context) {
    if (from >= to)
        return 0;
    wr_for loop = {.body = body, .context = context};
    loop.piece = (to - from) / WR_FOR_PIECES;
    if (loop.piece < 1)
        loop.piece = 1;
    if (loop.piece > WR_FOR_PIECE_MAX)
        loop.piece = WR_FOR_PIECE_MAX;
    wr_atomic_init(&loop.failed, SIZE_MAX);
    wr_mutex_init(&loop.lock);
    run_range(self, &loop, from, to);
    wr_mutex_fini(&loop.lock);
    return loop.error != 0 ? loop.error : loop.told;
}

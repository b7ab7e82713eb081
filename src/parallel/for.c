// SPDX-License-Identifier: MIT
// The parallel loop: lazy binary splitting. See README.md.
// Source: Tzannes, Caragea, Barua, Vishkin, "Lazy binary-splitting", 2010.
#include "parallel/types.h"
#include "pool/internal.h"

// ---- how it ends -----------------------------------------------------------

void wr_outcome_init(wr_outcome *outcome) {
    wr_atomic_init(&outcome->failed, SIZE_MAX);
    wr_mutex_init(&outcome->lock);
    outcome->error = 0;
    outcome->told = 0;
    outcome->told_at = SIZE_MAX;
}

size_t wr_outcome_failed(const wr_outcome *outcome) {
    return wr_load(&outcome->failed, relaxed, ALONE,
                   "a hint while it runs; exact after the joins");
}

void wr_outcome_note(wr_outcome *outcome, size_t at, int error) {
    wr_mutex_lock(&outcome->lock);
    if (at < wr_outcome_failed(outcome)) {
        wr_store(&outcome->failed, at, relaxed, ALONE,
                 "a hint for others; the result is read after the joins");
        outcome->error = error;
    }
    wr_mutex_unlock(&outcome->lock);
}

static void note_told(wr_outcome *outcome, size_t from, int told) {
    wr_mutex_lock(&outcome->lock);
    outcome->told = told;
    if (from < outcome->told_at)
        outcome->told_at = from;
    wr_mutex_unlock(&outcome->lock);
}

bool wr_outcome_goes_on(weir_worker *self, wr_outcome *outcome, size_t from) {
    if (from > wr_outcome_failed(outcome))
        return false;
    int told = weir_cancelled(self);
    if (told != 0)
        note_told(outcome, from, told);
    return told == 0;
}

int wr_outcome_end(wr_outcome *outcome) {
    wr_mutex_fini(&outcome->lock);
    return outcome->error != 0 ? outcome->error : outcome->told;
}

// ---- pieces ----------------------------------------------------------------

// Runs one piece; false: the rest of the range need not run.
static bool run_piece(weir_worker *self, wr_for *loop, size_t from, size_t to) {
    if (!wr_outcome_goes_on(self, &loop->outcome, from))
        return false;
    size_t at = from;
    int error = loop->body != NULL ? loop->body(self, loop->what, from, to)
                                   : loop->piece(self, loop, from, to, &at);
    if (error != 0)
        wr_outcome_note(&loop->outcome, at, error);
    return error == 0;
}

static size_t piece_size(const wr_for *loop) {
    return wr_load(&loop->size, relaxed, ALONE,
                   "a hint: any size does, and all workers learn from all");
}

static void set_piece_size(wr_for *loop, size_t size) {
    wr_store(&loop->size, size, relaxed, ALONE,
             "a hint: any size does, and all workers learn from all");
}

// The next pieces should take some microseconds.
static void learn(wr_for *loop, size_t size, int64_t took) {
    if (took < WR_FOR_SHORT && size < loop->most)
        set_piece_size(loop, size < loop->most / 4 ? size * 4 : loop->most);
    else if (took > WR_FOR_LONG && size > 1)
        set_piece_size(loop, size / 2);
}

// ---- splitting -------------------------------------------------------------

// Where a part of [from, ...) that should have `size` indices ends. Rounded
// where that matters little: whole cache lines and vectors then, if indices are
// those of an array. A plain loop that is cut elsewhere takes a sixth longer.
static size_t end_of(size_t from, size_t size) {
    size_t end = from + size;
    return size < 2 * (size_t)WR_FOR_ALIGN ? end : end - end % WR_FOR_ALIGN;
}

static void run_range(weir_worker *self, wr_for *loop, size_t from, size_t to);

static void run_half(weir_worker *self, weir_fork *fork) {
    wr_for_half *half = wr_container_of(fork, wr_for_half, fork);
    run_range(self, half->loop, half->from, half->to);
}

static void split(weir_worker *self, wr_for *loop, size_t from, size_t to) {
    size_t middle = end_of(from, (to - from) / 2);
    wr_for_half half = {.loop = loop, .from = middle, .to = to};
    weir_fork_begin(self, &half.fork, run_half);
    run_range(self, loop, from, middle);
    weir_fork_join(self, &half.fork, run_half);
}

// While nobody has taken the half that was offered, goes on piece by piece.
static void run_range(weir_worker *self, wr_for *loop, size_t from, size_t to) {
    int64_t last = loop->timed ? wr_ticks() : 0;
    for (;;) {
        size_t size = piece_size(loop);
        if (to - from <= size)
            break;
        if (wr_fork_wanted(self)) {
            split(self, loop, from, to);
            return;
        }
        size_t end = end_of(from, size);
        if (!run_piece(self, loop, from, end))
            return;
        from = end;
        if (loop->timed) {
            int64_t now = wr_ticks();
            learn(loop, size, now - last);
            last = now;
        }
    }
    (void)run_piece(self, loop, from, to);
}

bool wr_for_tiny(const weir_worker *self, size_t count) {
    return !self->pool->deterministic && count < WR_TRY_MANY &&
           count >= WR_TRY_FEW * (size_t)self->pool->width;
}

// Whether the rest will probably take long, too.
static bool rest_is_long(int64_t took, size_t done, size_t rest) {
    return (double)took * (double)rest > (double)WR_REST_LONG * (double)done;
}

// Runs the first pieces without splitting, in case the loop is tiny. Returns
// where the rest begins.
static size_t try_range(weir_worker *self, wr_for *loop, size_t from,
                        size_t to) {
    size_t begin = from;
    // What runs as one piece is not shared: the last one must not be much.
    size_t most = (to - from) / 8 + 1;
    size_t size = (to - from) / WR_FOR_FIRST / self->pool->width + 1;
    int64_t start = wr_ticks();
    while (from < to) {
        size_t end = size < to - from ? end_of(from, size) : to;
        if (!run_piece(self, loop, from, end))
            return to;
        from = end;
        if (from == to)
            break;
        int64_t took = wr_ticks() - start;
        if (took > WR_TRY_LONG && rest_is_long(took, from - begin, to - from))
            break;
        size *= took < WR_TRY_LONG / 4 ? 8 : 2;
        if (size > most)
            size = most;
    }
    return from;
}

int wr_for_run(weir_worker *self, wr_for *loop, size_t from, size_t to) {
    const weir_pool *pool = self->pool;
    wr_outcome_init(&loop->outcome);
    if (from >= to)
        return 0;
    size_t first = (to - from) / WR_FOR_PIECES / pool->width;
    loop->most = first > 1 ? first : 1;
    loop->timed = loop->most > 1 && !pool->deterministic;
    if (loop->timed)
        first /= WR_FOR_FIRST;
    wr_atomic_init(&loop->size, first > 1 ? first : 1);
    if (wr_for_tiny(self, loop->indices != 0 ? loop->indices : to - from))
        from = try_range(self, loop, from, to);
    if (from < to)
        run_range(self, loop, from, to);
    return wr_outcome_end(&loop->outcome);
}

// ---- the loop itself -------------------------------------------------------

int weir_parallel_for(weir_worker *self, size_t from, size_t to,
                      weir_range_body *body, void *context) {
    wr_for loop = {.body = body, .what = context};
    return wr_for_run(self, &loop, from, to);
}

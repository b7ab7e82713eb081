// SPDX-License-Identifier: MIT
// Looking for something in a range, with early exit.
#include "base/check.h"
#include "parallel/types.h"

#include <limits.h>

// The outcome of a piece that ends the loop without being an error.
enum { FOUND = INT_MAX };

typedef struct finding {
    weir_find_body *body;
    void *context;
} finding;

static int find_piece(weir_worker *self, const wr_for *loop, size_t from,
                      size_t to, size_t *at) {
    const finding *what = loop->what;
    size_t found = WEIR_NOT_FOUND;
    int error = what->body(self, what->context, from, to, &found);
    if (error != 0 || found == WEIR_NOT_FOUND)
        return error;
    wr_check(from <= found && found < to, "what was found is not in the range");
    *at = found;
    return FOUND;
}

int weir_parallel_find(weir_worker *self, size_t from, size_t to,
                       weir_find_body *body, void *context, size_t *found) {
    finding what = {.body = body, .context = context};
    wr_for loop = {.piece = find_piece, .what = &what};
    int status = wr_for_run(self, &loop, from, to);
    size_t at = wr_outcome_failed(&loop.outcome);
    // Before it may be another one, where it was told to end.
    if (status == FOUND && loop.outcome.told_at < at)
        return loop.outcome.told;
    if (status != 0 && status != FOUND)
        return status;
    *found = status == FOUND ? at : WEIR_NOT_FOUND;
    return 0;
}

typedef struct testing {
    weir_test_body *test;
    void *context;
    bool decides; // the answer that ends the loop
    size_t from;
} testing;

// What decides is noted as if it were the first of all: nothing before it need
// be done either.
static int test_piece(weir_worker *self, const wr_for *loop, size_t from,
                      size_t to, size_t *at) {
    const testing *what = loop->what;
    if ((what->test(self, what->context, from, to) != 0) != what->decides)
        return 0;
    *at = what->from;
    return FOUND;
}

static int test(weir_worker *self, size_t from, size_t to, testing what) {
    wr_for loop = {.piece = test_piece, .what = &what};
    what.from = from;
    int status = wr_for_run(self, &loop, from, to);
    if (status != 0 && status != FOUND)
        return status;
    return (status == FOUND) == what.decides;
}

int weir_parallel_any(weir_worker *self, size_t from, size_t to,
                      weir_test_body *body, void *context) {
    testing what = {.test = body, .context = context, .decides = true};
    return test(self, from, to, what);
}

int weir_parallel_all(weir_worker *self, size_t from, size_t to,
                      weir_test_body *body, void *context) {
    testing what = {.test = body, .context = context, .decides = false};
    return test(self, from, to, what);
}

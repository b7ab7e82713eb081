// SPDX-License-Identifier: MIT
// The histogram: each worker counts for itself, then all is added up. Sums of
// integers do not depend on who counted what.
#include "base/fault.h"
#include "parallel/types.h"
#include "weir/pool.h"

#include <errno.h>

typedef struct counting {
    weir_histogram_body *body;
    void *context;
    size_t bins;
    uint64_t **rows; // one per worker index, NULL: it has taken no part
} counting;

static int count_piece(weir_worker *self, const wr_for *loop, size_t from,
                       size_t to, size_t *at) {
    const counting *what = loop->what;
    (void)at;
    // A wait inside a body helps that body alone, and its index stays its own:
    // nobody else has this row meanwhile.
    uint64_t **row = &what->rows[weir_worker_index(self)];
    if (*row == NULL)
        *row = wr_calloc(what->bins, sizeof(**row));
    if (*row == NULL)
        return -ENOMEM;
    return what->body(self, what->context, from, to, *row);
}

int weir_parallel_histogram(weir_worker *self, size_t from, size_t to,
                            weir_histogram_body *body, void *context,
                            size_t bins, uint64_t *counts) {
    if (bins == 0)
        return -EINVAL;
    if (from >= to)
        return 0;
    unsigned workers = weir_pool_index_limit(weir_worker_pool(self));
    counting what = {.body = body, .context = context, .bins = bins};
    what.rows = wr_calloc(workers, sizeof(*what.rows));
    if (what.rows == NULL)
        return -ENOMEM;
    wr_for loop = {.piece = count_piece, .what = &what};
    int status = wr_for_run(self, &loop, from, to);
    for (unsigned i = 0; i < workers; i++) {
        uint64_t *row = what.rows[i];
        if (row == NULL)
            continue;
        for (size_t bin = 0; status == 0 && bin < bins; bin++)
            counts[bin] += row[bin];
        wr_free(row);
    }
    wr_free(what.rows);
    return status;
}

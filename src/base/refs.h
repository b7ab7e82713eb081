// SPDX-License-Identifier: MIT
// Reference counts. Who adds one has one, or holds the lock under which one
// surely exists: a count never comes back from 0.
#ifndef WR_REFS_H
#define WR_REFS_H

#include "base/atomic.h"

typedef struct wr_refs {
    wr_atomic_u64 count;
} wr_refs;

static inline void wr_refs_init(wr_refs *refs, uint64_t count) {
    wr_atomic_init(&refs->count, count);
}

static inline void wr_refs_add(wr_refs *refs, uint64_t count) {
    wr_fetch_add(&refs->count, count, relaxed, ALONE,
                 "the caller has one already");
}

// wr_refs_drop is true for the one that gave the last ones back: it sees all
// that was done by those who gave theirs back before.
static inline bool wr_refs_drop(wr_refs *refs, uint64_t count) {
    if (wr_fetch_sub(&refs->count, count, release, REFS_1,
                     "what was done with it is done") != count)
        return false;
    return wr_load(&refs->count, acquire, REFS_1,
                   "the last one sees what all have done") == 0;
}

#endif

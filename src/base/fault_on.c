// SPDX-License-Identifier: MIT
// The build with WEIR_FAULTS: attempts are numbered, and the armed ones fail.
#include "base/fault.h"

#include "base/atomic.h"

#include <stdlib.h>

typedef struct fault {
    wr_atomic_u64 seen;  // attempts since armed
    wr_atomic_u64 first; // the first that fails
    wr_atomic_u64 count; // how many fail from there; 0: disarmed
} fault;

static fault faults[WR_FAULT_KINDS];

bool wr_fault(wr_fault_kind kind) {
    fault *f = &faults[kind];
    uint64_t count = wr_load(&f->count, acquire, FAULT_1,
                             "a window is seen whole: count, first, seen");
    uint64_t number = wr_fetch_add(&f->seen, 1, relaxed, ALONE,
                                   "each attempt gets a number of its own");
    uint64_t first =
        wr_load(&f->first, relaxed, ALONE, "FAULT_1 has brought it with count");
    return number >= first && number - first < count;
}

bool wr_fault_arm(wr_fault_kind kind, uint64_t first, uint64_t count) {
    fault *f = &faults[kind];
    wr_store(&f->count, 0, relaxed, ALONE, "disarmed while it changes");
    wr_store(&f->first, first, relaxed, ALONE, "FAULT_1 publishes it");
    wr_store(&f->seen, 0, relaxed, ALONE, "FAULT_1 publishes it");
    wr_store(&f->count, count, release, FAULT_1, "first and seen are set");
    return true;
}

uint64_t wr_fault_seen(wr_fault_kind kind) {
    return wr_load(&faults[kind].seen, relaxed, ALONE,
                   "a count, read by a test that knows its threads are done");
}

void *wr_malloc(size_t bytes) {
    return wr_fault(WR_FAULT_ALLOC) ? NULL : malloc(bytes);
}

void *wr_calloc(size_t count, size_t bytes) {
    return wr_fault(WR_FAULT_ALLOC) ? NULL : calloc(count, bytes);
}

void wr_free(void *memory) { free(memory); }

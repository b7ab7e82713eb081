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
static wr_fault_told *teller; // or NULL
static wr_atomic_u64 held;

bool wr_fault(wr_fault_kind kind) {
    fault *f = &faults[kind];
    uint64_t count = wr_load(&f->count, acquire, FAULT_1,
                             "a window is seen whole: count, first, seen");
    uint64_t number = wr_fetch_add(&f->seen, 1, relaxed, ALONE,
                                   "each attempt gets a number of its own");
    uint64_t first =
        wr_load(&f->first, relaxed, ALONE, "FAULT_1 has brought it with count");
    bool fails = number >= first && number - first < count;
    if (fails && teller != NULL)
        teller(kind);
    return fails;
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

void wr_fault_tell(wr_fault_told *told) { teller = told; }

int64_t wr_fault_held(void) {
    return (int64_t)wr_load(&held, relaxed, ALONE,
                            "a count, read by a test that knows its threads "
                            "are done");
}

void wr_fault_hold(int change) {
    wr_fetch_add(&held, (uint64_t)(int64_t)change, relaxed, ALONE,
                 "a count, orders nothing");
}

static void *hold(void *memory) {
    if (memory != NULL)
        wr_fault_hold(1);
    return memory;
}

void *wr_malloc(size_t bytes) {
    return wr_fault(WR_FAULT_ALLOC) ? NULL : hold(malloc(bytes));
}

void *wr_calloc(size_t count, size_t bytes) {
    return wr_fault(WR_FAULT_ALLOC) ? NULL : hold(calloc(count, bytes));
}

void wr_free(void *memory) {
    if (memory != NULL)
        wr_fault_hold(-1);
    free(memory);
}

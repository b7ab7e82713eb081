// SPDX-License-Identifier: MIT
// The build without WEIR_FAULTS: nothing fails unless the system says so.
#include "base/fault.h"

#include <stdlib.h>

bool wr_fault(wr_fault_kind kind) {
    (void)kind;
    return false;
}

bool wr_fault_arm(wr_fault_kind kind, uint64_t first, uint64_t count) {
    (void)kind;
    (void)first;
    (void)count;
    return false;
}

uint64_t wr_fault_seen(wr_fault_kind kind) {
    (void)kind;
    return 0;
}

void wr_fault_tell(wr_fault_told *told) { (void)told; }

int64_t wr_fault_held(void) { return 0; }

void wr_fault_hold(int change) { (void)change; }

void *wr_malloc(size_t bytes) { return malloc(bytes); }

void *wr_calloc(size_t count, size_t bytes) { return calloc(count, bytes); }

void wr_free(void *memory) { free(memory); }

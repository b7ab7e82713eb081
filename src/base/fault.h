// SPDX-License-Identifier: MIT
// Failures on demand, for tests. Each place where the system may say no asks
// wr_fault first. Builds without WEIR_FAULTS link fault_off.c, in which nothing
// ever fails and nothing is counted.
#ifndef WR_FAULT_H
#define WR_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum wr_fault_kind {
    WR_FAULT_ALLOC,   // malloc, mmap
    WR_FAULT_THREAD,  // thread start
    WR_FAULT_FD,      // eventfd, sockets, descriptors of processes
    WR_FAULT_FIBER,   // fiber creation
    WR_FAULT_PROCESS, // fork
    WR_FAULT_SEND,    // a request to a zygote
    WR_FAULT_KINDS
} wr_fault_kind;

// wr_fault is true when this attempt must fail.
bool wr_fault(wr_fault_kind kind);

// wr_fault_arm makes attempts number `first` (counted from 0, from now on) to
// first + count - 1 fail; count 0 disarms. Returns false in a build without
// faults.
bool wr_fault_arm(wr_fault_kind kind, uint64_t first, uint64_t count);

// wr_fault_seen returns how many attempts were made since wr_fault_arm.
uint64_t wr_fault_seen(wr_fault_kind kind);

// wr_fault_tell has each attempt that fails told to `told`, by its thread, from
// where it fails: so tests know which places have failed. Before any thread is
// started.
typedef void wr_fault_told(wr_fault_kind kind);
void wr_fault_tell(wr_fault_told *told);

// wr_fault_held counts what the library holds: blocks, mappings, threads.
// wr_fault_hold is for who takes (1) and gives back (-1) without wr_malloc.
int64_t wr_fault_held(void);
void wr_fault_hold(int change);

// wr_malloc, wr_calloc: the library's allocation, through wr_fault.
void *wr_malloc(size_t bytes);
void *wr_calloc(size_t count, size_t bytes);
void wr_free(void *memory);

// wr_grow moves an array of `count` things of `size` bytes to where there is
// room for more. NULL: no memory, it stays where it is.
static inline void *wr_grow(void *array, size_t count, size_t room,
                            size_t size) {
    void *grown = room > SIZE_MAX / size ? NULL : wr_malloc(room * size);
    if (grown == NULL)
        return NULL;
    if (count > 0)
        memcpy(grown, array, count * size);
    wr_free(array);
    return grown;
}

#endif

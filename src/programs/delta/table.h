// SPDX-License-Identifier: MIT
//
// A signature in memory: which block of the basis has this weak and strong sum?
//
// Only the first of several blocks with equal sums is ever found, as in rdiff.
// Memory, for n blocks: n * (strong_len + 12) bytes and the filter; 4 * n more
// while it is built.
//
// Threads:   load, add and build belong to one thread; once built, anybody may
//            look up.
// Ownership: the table owns its memory; free a table even when load failed.
#ifndef WR_DELTA_TABLE_H
#define WR_DELTA_TABLE_H

#include "programs/delta/format.h"
#include "programs/delta/hash.h"
#include "programs/delta/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WR_NO_BLOCK UINT32_MAX // no block has this number

typedef struct wr_table_entry {
    uint32_t weak; // canonical, see table.c
    uint32_t block;
} wr_table_entry;

typedef struct wr_table {
    wr_signature_header header;
    wr_filter filter; // the weak sums, for the scan
    size_t count;     // blocks in the signature

    // Built from the parts below: the entries of bucket i are
    // entries[first[i]] .. entries[first[i + 1] - 1], ordered by weak sum,
    // strong sum and block, each (weak, strong) once.
    wr_table_entry *entries;
    uint32_t *first;
    unsigned shift; // bucket = hash of the weak sum >> shift
    uint32_t alias; // the weak sum that 0 is the same as

    // One per block.
    uint8_t *strong; // header.strong_len bytes each
    uint32_t *weak;  // only while loading
    size_t capacity;
} wr_table;

// A multiple of 2^32 / golden ratio spreads poor weak sums over the buckets.
static inline uint32_t wr_table_bucket(const wr_table *table, uint32_t weak) {
    return (weak == 0 ? table->alias : weak) * 0x9e3779b1 >> table->shift;
}

// Prepares an empty table; `expected` blocks are a guess.
wr_status wr_table_begin(wr_table *table, const wr_signature_header *header,
                         size_t expected, wr_failure *failure);

// The next block's sums, as the signature file has them.
wr_status wr_table_add(wr_table *table, uint32_t weak, const uint8_t *strong,
                       wr_failure *failure);

wr_status wr_table_build(wr_table *table, wr_failure *failure);

// Reads a signature file: begin, add, build. *bytes counts what was read.
wr_status wr_table_load(wr_table *table, wr_input *input, uint64_t *bytes,
                        wr_failure *failure);

// Is there a block with this weak sum? Exact, as the filter's answer, but
// quicker where the answer is most likely yes: what wr_table_find will read is
// fetched.
bool wr_table_expects(const wr_table *table, uint32_t weak);

// Begins to fetch what wr_table_expects will read.
static inline void wr_table_prefetch(const wr_table *table, uint32_t weak) {
    __builtin_prefetch(&table->first[wr_table_bucket(table, weak)]);
}

// The first block with these sums, or WR_NO_BLOCK.
uint32_t wr_table_find(const wr_table *table, uint32_t weak,
                       const uint8_t *strong);

void wr_table_free(wr_table *table);

#endif

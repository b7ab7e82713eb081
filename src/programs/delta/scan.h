// SPDX-License-Identifier: MIT
//
// Where does the new file match the basis? The scan of one stripe.
//
// rdiff's rule, to the letter: at position p the window is the next block_len
// bytes, fewer only at the end of the file. If its sums are in the table, it
// is a match and the scan goes on behind it; if not, the scan goes on at p + 1.
// What a window matches depends on nothing but its bytes, so any position can
// be asked about by anybody; only which positions are asked depends on what
// came before. stitch.h is about that.
//
// Threads: a scanner belongs to one thread; table and data are only read.
// Errors:  none. Ownership: data and runs are borrowed.
#ifndef WR_DELTA_SCAN_H
#define WR_DELTA_SCAN_H

#include "programs/delta/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_AHEAD_MAX = 32 }; // at least the lanes of any strong sum

// Everything a scan needs that does not change.
typedef struct wr_scan_rule {
    const wr_hash_kernels *kernels;
    const wr_table *table;
    wr_roll roll;
    size_t block_len;
    size_t lanes; // of the strong sum
} wr_scan_rule;

wr_scan_rule wr_scan_rule_make(const wr_hash_kernels *kernels,
                               const wr_table *table);

// Some consecutive windows, which match one block again and again (step 0) or
// one block after the other (step 1). Only at the end of the file the last
// window may be shorter than a block.
typedef struct wr_run {
    uint64_t at;    // of the first window, from the start of the data
    uint32_t block; // the first window's
    uint32_t count; // windows, at least 1
    uint32_t step;
} wr_run;

// A stripe of the file: positions [0, own) of `data` are its own; behind them
// follow the bytes that its windows need, or the end of the file.
typedef struct wr_stripe {
    const uint8_t *data;
    size_t size; // >= own + block_len, or the data ends with the file
    size_t own;
    wr_run *runs; // room for wr_runs_max(own, block_len)
    size_t run_count;
} wr_stripe;

size_t wr_runs_max(size_t own, size_t block_len);

// Applies the rule from position 0 until it leaves [0, own).
void wr_stripe_scan(const wr_scan_rule *rule, wr_stripe *stripe);

// A scan in progress over some data. After a match the next window most likely
// matches too, and the one behind it: so several windows are summed at once,
// and what they match is remembered. Elsewhere a window whose weak sum is known
// most likely does not match, but to be sure costs a strong sum: a scanner that
// may put such doubts off sums several at once, and takes back what it said if
// one of them was a match after all.
typedef struct wr_scanner {
    const wr_scan_rule *rule;
    const uint8_t *data;
    size_t size;
    size_t own;   // looks ahead no further than this
    size_t burst; // how many windows to sum when it looks ahead

    // Known: windows ahead_at + i * block_len, i < ahead_count.
    size_t ahead_at;
    size_t ahead_count;
    uint32_t ahead_weak[WR_AHEAD_MAX];
    uint32_t ahead_block[WR_AHEAD_MAX]; // or WR_NO_BLOCK

    // Windows put off, in ascending order; the scan went on as if they did not
    // match. doubts_max 0: never put off.
    size_t doubts_max;
    size_t doubt_count;
    unsigned
        caution; // candidates to be sure of at once, after a doubt came true
    size_t doubt_at[WR_AHEAD_MAX];
    uint32_t doubt_weak[WR_AHEAD_MAX];
} wr_scanner;

// A scanner for a long scan, with doubts; and one that answers a few questions.
void wr_scanner_begin(wr_scanner *scanner, const wr_scan_rule *rule,
                      const wr_stripe *stripe);
void wr_scanner_begin_sure(wr_scanner *scanner, const wr_scan_rule *rule,
                           const wr_stripe *stripe);

// The first position in [from, to) whose window matches, and what; or `to`.
// to <= size; `from` is where a window was expected: the start or behind a
// match. With doubts the answer may lie before `from`: then a window there
// matched after all, and what was answered about later positions is void.
size_t wr_scanner_next(wr_scanner *scanner, size_t from, size_t to,
                       uint32_t *block);

// Resolves the doubts left: the first position that matched after all, which
// makes later answers void, or WR_NOWHERE.
#define WR_NOWHERE SIZE_MAX
size_t wr_scanner_resolve(wr_scanner *scanner, uint32_t *block);

#endif

// SPDX-License-Identifier: MIT
#include "programs/delta/stitch.h"

#include <string.h>

void wr_stitch_begin(wr_stitch *stitch, const wr_scan_rule *rule,
                     wr_emitter *emitter) {
    *stitch = (wr_stitch){.rule = rule, .emitter = emitter};
}

// ---------------------------------------------------------------------------
// Emitting

// `count` windows from `at` on, the first of which matches `block`.
static wr_status emit_windows(wr_stitch *stitch, const wr_stripe *stripe,
                              size_t at, uint32_t block, uint32_t count,
                              uint32_t step, wr_failure *failure) {
    uint64_t block_len = stitch->rule->block_len;
    uint64_t left = stripe->size - at;
    uint64_t length = count * block_len < left ? count * block_len : left;
    uint64_t offset = block * block_len;
    stitch->matches += count;
    if (step == 1)
        return wr_emitter_copy(stitch->emitter, offset, length, failure);
    while (length > 0) {
        uint64_t now = length < block_len ? length : block_len;
        if (wr_emitter_copy(stitch->emitter, offset, now, failure) != WR_OK)
            return failure->status;
        length -= now;
    }
    return WR_OK;
}

// ---------------------------------------------------------------------------
// Rescanning

// The scan is at `at`, inside a match of `run`. Applies the rule until `to` or
// one match, whichever comes first, and moves `at` behind it.
static wr_status rescan(wr_stitch *stitch, const wr_stripe *stripe,
                        wr_scanner *scanner, const wr_run *run, size_t *at,
                        size_t to, wr_failure *failure) {
    size_t block_len = stitch->rule->block_len;
    uint32_t block;
    size_t match = wr_scanner_next(scanner, *at, to, &block);
    stitch->rescanned += match - *at + (match < to);
    if (wr_emitter_literal(stitch->emitter, stripe->data + *at, match - *at,
                           failure) != WR_OK)
        return failure->status;
    *at = match;
    if (match == to)
        return WR_OK;

    // A run over one block is data that repeats every block_len bytes: so what
    // matches here matches again a block further, to the end of the run. Zeros
    // would otherwise be rescanned for ever: no phase ever meets another. But
    // equal sums are not equal bytes where sums were cut short, so look.
    size_t count = 1;
    size_t end = (size_t)run->at + run->count * block_len;
    if (run->step == 0 && end <= stripe->size && end - match >= 2 * block_len &&
        memcmp(stripe->data + match, stripe->data + match + block_len,
               end - match - block_len) == 0)
        count = (end - match) / block_len;
    if (emit_windows(stitch, stripe, match, block, (uint32_t)count,
                     count > 1 ? 0 : 1, failure) != WR_OK)
        return failure->status;
    *at = match + count * block_len;
    return WR_OK;
}

// ---------------------------------------------------------------------------
// Stitching

// Takes the windows of a run from number `k` on.
static wr_status take_run(wr_stitch *stitch, const wr_stripe *stripe,
                          const wr_run *run, uint32_t k, wr_failure *failure) {
    size_t at = (size_t)run->at + k * stitch->rule->block_len;
    return emit_windows(stitch, stripe, at, run->block + k * run->step,
                        run->count - k, run->step, failure);
}

// Follows the true scan from `at` through one run of the stripe's; leaves it
// behind the run or, rescanning, anywhere further on.
static wr_status follow_run(wr_stitch *stitch, const wr_stripe *stripe,
                            wr_scanner *scanner, const wr_run *run, size_t *at,
                            wr_failure *failure) {
    size_t block_len = stitch->rule->block_len;
    size_t start = (size_t)run->at;
    size_t end = start + run->count * block_len;
    if (*at < start) {
        if (wr_emitter_literal(stitch->emitter, stripe->data + *at, start - *at,
                               failure) != WR_OK)
            return failure->status;
        *at = start;
    }
    while (*at < end && *at < stripe->own) {
        size_t k = (*at - start) / block_len;
        if ((*at - start) % block_len == 0) {
            *at = end;
            return take_run(stitch, stripe, run, (uint32_t)k, failure);
        }
        size_t to = start + (k + 1) * block_len; // where the scans may meet
        if (to > stripe->own)
            to = stripe->own;
        if (rescan(stitch, stripe, scanner, run, at, to, failure) != WR_OK)
            return failure->status;
    }
    return WR_OK;
}

wr_status wr_stitch_add(wr_stitch *stitch, const wr_stripe *stripe,
                        wr_failure *failure) {
    wr_scanner scanner;
    wr_scanner_begin_sure(&scanner, stitch->rule, stripe);
    size_t at = (size_t)stitch->entry;
    for (size_t i = 0; i < stripe->run_count && at < stripe->own; i++)
        if (follow_run(stitch, stripe, &scanner, &stripe->runs[i], &at,
                       failure) != WR_OK)
            return failure->status;
    if (at < stripe->own) {
        if (wr_emitter_literal(stitch->emitter, stripe->data + at,
                               stripe->own - at, failure) != WR_OK)
            return failure->status;
        at = stripe->own;
    }
    stitch->entry = at - stripe->own;
    return wr_emitter_release(stitch->emitter, failure);
}

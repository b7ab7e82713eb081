// SPDX-License-Identifier: MIT
#include "programs/delta/scan.h"

#include <string.h>

enum {
    FETCH_BLOCK_MAX = 4096, // shorter ones are waited for in groups
    DOUBT_BLOCK_MIN = 2048, // a shorter block is summed sooner than put off
    CAUTION = 16
};

// ---------------------------------------------------------------------------
// Runs

size_t wr_runs_max(size_t own, size_t block_len) { return own / block_len + 2; }

static void run_add(wr_stripe *stripe, size_t at, uint32_t block,
                    size_t block_len) {
    if (stripe->run_count > 0) {
        wr_run *run = &stripe->runs[stripe->run_count - 1];
        bool follows = at == run->at + (uint64_t)run->count * block_len;
        if (follows && run->count == 1 && block - run->block <= 1)
            run->step = block - run->block;
        if (follows && block == run->block + run->count * run->step &&
            run->count < UINT32_MAX) {
            run->count++;
            return;
        }
    }
    stripe->runs[stripe->run_count++] =
        (wr_run){.at = at, .block = block, .count = 1, .step = 1};
}

// Takes back what lies behind `at`, which no run covers.
static void runs_cut(wr_stripe *stripe, size_t at) {
    while (stripe->run_count > 0 && stripe->runs[stripe->run_count - 1].at > at)
        stripe->run_count--;
}

// ---------------------------------------------------------------------------
// Scanner

wr_scan_rule wr_scan_rule_make(const wr_hash_kernels *kernels,
                               const wr_table *table) {
    size_t block_len = table->header.block_len;
    return (wr_scan_rule){
        .kernels = kernels,
        .table = table,
        .roll = wr_roll_make(table->header.weak, block_len),
        .block_len = block_len,
        .lanes = wr_strong_lanes(kernels, table->header.strong),
    };
}

void wr_scanner_begin_sure(wr_scanner *scanner, const wr_scan_rule *rule,
                           const wr_stripe *stripe) {
    scanner->rule = rule;
    scanner->data = stripe->data;
    scanner->size = stripe->size;
    scanner->own = stripe->own;
    scanner->burst = 1;
    scanner->ahead_at = scanner->ahead_count = 0;
    scanner->doubts_max = scanner->doubt_count = 0;
    scanner->caution = 0;
}

void wr_scanner_begin(wr_scanner *scanner, const wr_scan_rule *rule,
                      const wr_stripe *stripe) {
    wr_scanner_begin_sure(scanner, rule, stripe);
    scanner->burst = rule->lanes;
    if (rule->lanes > 1 && rule->block_len >= DOUBT_BLOCK_MIN)
        scanner->doubts_max =
            rule->lanes < WR_AHEAD_MAX ? rule->lanes : WR_AHEAD_MAX;
}

// Is the window at `at` one of those remembered? Then *i is which.
static bool ahead_has(const wr_scanner *s, size_t at, size_t *i) {
    size_t block_len = s->rule->block_len;
    if (at < s->ahead_at || (at - s->ahead_at) % block_len != 0)
        return false;
    *i = (at - s->ahead_at) / block_len;
    return *i < s->ahead_count;
}

// Do the windows at `at` and one block before it hold the same bytes? Zeros
// are that cheap: comparing costs a third of summing, and finds a difference,
// where there is one, at once.
static bool repeats(const wr_scanner *s, size_t at) {
    size_t block_len = s->rule->block_len;
    const uint8_t *window = s->data + at;
    return memcmp(window, window - block_len, block_len) == 0;
}

// Weak sums of `group` windows from number s->ahead_count on, as far as they
// are whole and ours. Returns the position behind them, or 0 at the end.
static size_t sum_group(wr_scanner *s, size_t at, size_t group,
                        bool *repeated) {
    const wr_scan_rule *rule = s->rule;
    for (; group > 0; group--) {
        size_t i = s->ahead_count;
        if (i > 0) {
            repeated[i] = repeats(s, at);
            s->ahead_weak[i] =
                repeated[i] ? s->ahead_weak[i - 1]
                            : wr_weak_block(rule->kernels, rule->roll.kind,
                                            s->data + at, rule->block_len);
        }
        wr_table_prefetch(rule->table, s->ahead_weak[i]);
        s->ahead_count++;
        at += rule->block_len;
        if (at >= s->own || s->size - at < rule->block_len)
            return 0;
    }
    return at;
}

// Sums windows from `from` on, until `burst` of them have a weak sum that some
// block has, and remembers what they match. `weak` is the first one's.
static void look_ahead(wr_scanner *s, size_t from, uint32_t weak) {
    const wr_scan_rule *rule = s->rule;
    size_t block_len = rule->block_len;
    const uint8_t *window[WR_AHEAD_MAX] = {NULL};
    size_t index[WR_AHEAD_MAX], before;
    uint8_t strong[WR_AHEAD_MAX][WR_STRONG_MAX];
    bool repeated[WR_AHEAD_MAX] = {false};
    uint32_t block = WR_NO_BLOCK; // of the window before `from`
    if (from >= block_len && ahead_has(s, from - block_len, &before)) {
        block = s->ahead_block[before];
        repeated[0] = repeats(s, from);
    }
    size_t group = block_len < FETCH_BLOCK_MAX ? s->burst : 1;
    size_t likely = 0, next = from;
    s->ahead_at = from;
    s->ahead_count = 0;
    s->ahead_weak[0] = weak;
    do {
        size_t i = s->ahead_count;
        next = sum_group(s, next, group, repeated);
        for (; i < s->ahead_count; i++) {
            s->ahead_block[i] = WR_NO_BLOCK;
            if (!repeated[i] &&
                wr_table_expects(rule->table, s->ahead_weak[i])) {
                window[likely] = s->data + from + i * block_len;
                index[likely++] = i;
            }
        }
    } while (next > 0 && likely < s->burst &&
             s->ahead_count + group <= WR_AHEAD_MAX);
    wr_strong_many(rule->kernels, rule->table->header.strong, window, block_len,
                   likely, strong);
    for (size_t k = 0; k < likely; k++)
        s->ahead_block[index[k]] =
            wr_table_find(rule->table, s->ahead_weak[index[k]], strong[k]);
    for (size_t k = 0; k < s->ahead_count; k++) {
        if (repeated[k])
            s->ahead_block[k] = block;
        block = s->ahead_block[k];
    }
    // A scanner that begins with small bursts trusts a long row of matches.
    if (s->burst < rule->lanes)
        s->burst = 2 * s->burst < rule->lanes ? 2 * s->burst : rule->lanes;
}

static uint32_t match_one(const wr_scanner *s, size_t at, size_t len,
                          uint32_t weak) {
    const wr_scan_rule *rule = s->rule;
    const uint8_t *window = s->data + at;
    uint8_t strong[1][WR_STRONG_MAX];
    wr_strong_many(rule->kernels, rule->table->header.strong, &window, len, 1,
                   strong);
    return wr_table_find(rule->table, weak, strong[0]);
}

// ---------------------------------------------------------------------------
// Doubts

size_t wr_scanner_resolve(wr_scanner *s, uint32_t *block) {
    const wr_scan_rule *rule = s->rule;
    const uint8_t *window[WR_AHEAD_MAX] = {NULL};
    uint8_t strong[WR_AHEAD_MAX][WR_STRONG_MAX];
    size_t count = s->doubt_count;
    s->doubt_count = 0;
    for (size_t i = 0; i < count; i++)
        window[i] = s->data + s->doubt_at[i];
    wr_strong_many(rule->kernels, rule->table->header.strong, window,
                   rule->block_len, count, strong);
    for (size_t i = 0; i < count; i++) {
        *block = wr_table_find(rule->table, s->doubt_weak[i], strong[i]);
        if (*block != WR_NO_BLOCK) {
            s->caution = CAUTION;
            return s->doubt_at[i];
        }
    }
    return WR_NOWHERE;
}

// A weak sum that is known, out of step with earlier matches: most likely
// chance. Unless the window behind it is known too.
static bool doubtful(wr_scanner *s, size_t at) {
    const wr_scan_rule *rule = s->rule;
    size_t next = at + rule->block_len;
    if (next >= s->own || s->size - next < rule->block_len)
        return true;
    uint32_t weak = wr_weak_block(rule->kernels, rule->roll.kind,
                                  s->data + next, rule->block_len);
    return !wr_table_expects(rule->table, weak);
}

// What the whole window at `at`, whose weak sum is in the table, matches:
// *match is where, which is before `at` if a doubt came true. `expected`: `at`
// lies behind a match or a number of blocks further.
static uint32_t match_whole(wr_scanner *s, size_t at, uint32_t weak,
                            bool expected, size_t *match) {
    size_t i;
    *match = at;
    if (ahead_has(s, at, &i))
        return s->ahead_block[i];
    if (!expected && s->doubts_max > 0 && s->caution == 0) {
        if (doubtful(s, at)) {
            uint32_t block = WR_NO_BLOCK;
            s->doubt_at[s->doubt_count] = at;
            s->doubt_weak[s->doubt_count++] = weak;
            if (s->doubt_count == s->doubts_max)
                *match = wr_scanner_resolve(s, &block);
            return block;
        }
        expected = true;
    }
    if (!expected) {
        uint32_t block = match_one(s, at, s->rule->block_len, weak);
        if (s->caution > 0)
            s->caution = block == WR_NO_BLOCK ? s->caution - 1 : CAUTION;
        return block;
    }
    look_ahead(s, at, weak);
    return s->ahead_block[0];
}

// ---------------------------------------------------------------------------
// The rule

// The part of [from, to) where windows are whole: to + block_len <= size + 1.
static size_t next_whole(wr_scanner *s, size_t from, size_t to,
                         uint32_t *block) {
    const wr_scan_rule *rule = s->rule;
    size_t i;
    uint32_t weak;
    if (ahead_has(s, from, &i)) {
        *block = s->ahead_block[i];
        if (*block != WR_NO_BLOCK)
            return from;
        weak = s->ahead_weak[i];
    } else {
        weak = wr_weak_block(rule->kernels, rule->roll.kind, s->data + from,
                             rule->block_len);
    }
    for (size_t at = from;;) {
        at = wr_scan(rule->kernels, &rule->roll, &rule->table->filter, s->data,
                     at, to, &weak);
        if (at == to)
            return to;
        bool expected = (at - from) % rule->block_len == 0;
        size_t match;
        *block = match_whole(s, at, weak, expected, &match);
        if (*block != WR_NO_BLOCK)
            return match;
        if (at + 1 == to)
            return to;
        weak = wr_roll_step(&rule->roll, weak, s->data[at],
                            s->data[at + rule->block_len]);
        at++;
    }
}

// The part of [from, to) where windows end with the file.
static size_t next_tail(const wr_scanner *s, size_t from, size_t to,
                        uint32_t *block) {
    const wr_scan_rule *rule = s->rule;
    wr_weak_kind kind = rule->roll.kind;
    size_t at = from;
    uint32_t weak =
        wr_weak_block(rule->kernels, kind, s->data + at, s->size - at);
    for (;;) {
        at = wr_scan_tail(kind, &rule->table->filter, s->data, at, to, s->size,
                          &weak);
        if (at == to)
            return to;
        *block = match_one(s, at, s->size - at, weak);
        if (*block != WR_NO_BLOCK)
            return at;
        if (at + 1 == to)
            return to;
        weak = wr_roll_out(kind, weak, s->size - at, s->data[at]);
        at++;
    }
}

size_t wr_scanner_next(wr_scanner *scanner, size_t from, size_t to,
                       uint32_t *block) {
    size_t block_len = scanner->rule->block_len;
    size_t whole = scanner->size >= block_len ? scanner->size - block_len + 1
                                              : 0; // first one that is not
    size_t middle = to < whole ? to : whole;
    if (from < middle) {
        size_t at = next_whole(scanner, from, middle, block);
        if (at != middle)
            return at;
        from = middle;
    }
    return from < to ? next_tail(scanner, from, to, block) : to;
}

void wr_stripe_scan(const wr_scan_rule *rule, wr_stripe *stripe) {
    wr_scanner scanner;
    wr_scanner_begin(&scanner, rule, stripe);
    stripe->run_count = 0;
    size_t from = 0;
    for (;;) {
        uint32_t block;
        size_t at;
        if (from < stripe->own)
            at = wr_scanner_next(&scanner, from, stripe->own, &block);
        else
            at = wr_scanner_resolve(&scanner, &block);
        if (at == WR_NOWHERE)
            return;
        if (at < from)
            runs_cut(stripe, at);
        if (at < stripe->own)
            run_add(stripe, at, block, rule->block_len);
        from = at < stripe->own ? at + rule->block_len : at;
    }
}

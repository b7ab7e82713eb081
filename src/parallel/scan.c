// SPDX-License-Identifier: MIT
// Scan and pack: all blocks of a window say how much theirs is, then all write,
// each knowing what comes before it.
// Source: Blelloch, "Prefix sums and their applications", 1990.
#include "base/check.h"
#include "parallel/types.h"

#include <errno.h>
#include <string.h>

// ---- windows ---------------------------------------------------------------

size_t wr_window_block(size_t length) {
    size_t block = (length - 1) / WR_WINDOW_BLOCKS + 1;
    size_t few = (length - 1) / WR_WINDOW_BLOCKS_FEW + 1;
    if (few > WR_WINDOW_BLOCK_FEW)
        few = WR_WINDOW_BLOCK_FEW;
    if (block < few)
        block = few;
    return block < WR_WINDOW_BLOCK ? block : WR_WINDOW_BLOCK;
}

bool wr_window_next(wr_blocks *window, size_t to, size_t most) {
    window->from = window->to;
    bool more = (to - window->from) / window->size >= most;
    window->to = more ? window->from + most * window->size : to;
    return window->from < to;
}

typedef int block_function(weir_worker *self, void *what, size_t block);

typedef struct blocks {
    block_function *run;
    void *what;
} blocks;

static int run_blocks(weir_worker *self, const wr_for *loop, size_t from,
                      size_t to, size_t *at) {
    const blocks *all = loop->what;
    for (size_t i = from; i < to; i++) {
        int error = all->run(self, all->what, i);
        if (error != 0) {
            *at = i;
            return error;
        }
    }
    return 0;
}

// One pass over the blocks [0, *count) of a range of `length`. *count becomes
// how many are done, up to the first that failed. 0, or why to stop right now;
// *error: that of the block *count, what is before it is done.
static int pass(weir_worker *self, block_function *run, void *what,
                size_t length, size_t *count, int *error) {
    blocks all = {run, what};
    wr_for loop = {.piece = run_blocks, .what = &all, .indices = length};
    int status = wr_for_run(self, &loop, 0, *count);
    *error = loop.outcome.error;
    if (*error != 0)
        *count = wr_outcome_failed(&loop.outcome);
    // Told to end: blocks before that one may be missing.
    return loop.outcome.told != 0 ? status : 0;
}

// ---- scan ------------------------------------------------------------------

typedef struct scan {
    wr_blocks window;
    size_t length; // of all windows
    const weir_reduction *reduction;
    weir_scan_body *body;
    size_t stride;
    // Of each block the value of what is in it, then of what is before it.
    _Alignas(
        max_align_t) unsigned char values[WR_WINDOW_BLOCKS * WEIR_PARTIAL_MAX];
} scan;

static int scan_leaf(weir_worker *self, void *argument, size_t i) {
    scan *what = argument;
    return what->reduction->leaf(
        self, what->reduction->context, wr_block_from(&what->window, i),
        wr_block_to(&what->window, i), what->values + i * what->stride);
}

static int scan_body(weir_worker *self, void *argument, size_t i) {
    scan *what = argument;
    return what->body(
        self, what->reduction->context, wr_block_from(&what->window, i),
        wr_block_to(&what->window, i), what->values + i * what->stride);
}

// Replaces the values of blocks by those of what is before them.
static void add_up(scan *what, size_t count, void *value) {
    const weir_reduction *reduction = what->reduction;
    _Alignas(max_align_t) unsigned char own[WEIR_PARTIAL_MAX];
    for (size_t i = 0; i < count; i++) {
        unsigned char *at = what->values + i * what->stride;
        memcpy(own, at, reduction->size);
        memcpy(at, value, reduction->size);
        reduction->combine(reduction->context, value, own);
    }
}

static int scan_window(weir_worker *self, scan *what, void *value) {
    size_t count = wr_blocks_count(&what->window);
    int failed, error;
    int status = pass(self, scan_leaf, what, what->length, &count, &failed);
    if (status != 0)
        return status;
    add_up(what, count, value);
    status = pass(self, scan_body, what, what->length, &count, &error);
    if (status != 0)
        return status;
    return error != 0 ? error : failed;
}

int weir_parallel_scan(weir_worker *self, size_t from, size_t to,
                       const weir_reduction *reduction, weir_scan_body *body,
                       void *value) {
    if (reduction->size == 0 || reduction->size > WEIR_PARTIAL_MAX)
        return -EINVAL;
    if (from >= to)
        return 0;
    size_t align = _Alignof(max_align_t);
    scan what;
    what.reduction = reduction;
    what.body = body;
    what.length = to - from;
    what.stride = (reduction->size + align - 1) / align * align;
    what.window = (wr_blocks){from, from, wr_window_block(to - from)};
    _Alignas(max_align_t) unsigned char sum[WEIR_PARTIAL_MAX];
    memcpy(sum, value, reduction->size);
    int status = 0;
    while (status == 0 && wr_window_next(&what.window, to, WR_WINDOW_BLOCKS))
        status = scan_window(self, &what, sum);
    if (status == 0)
        memcpy(value, sum, reduction->size);
    return status;
}

// ---- pack and partition ----------------------------------------------------

typedef struct packed {
    wr_blocks window;
    size_t length; // of all windows
    const weir_packing *packing;
    bool others; // are written too, from place `rest` on
    size_t at, rest;
    // Of each block how many it keeps, then the place of the first.
    size_t places[WR_PARTITION_BLOCKS];
} packed;

static int pack_count(weir_worker *self, void *argument, size_t i) {
    packed *what = argument;
    const weir_packing *packing = what->packing;
    size_t first = wr_block_from(&what->window, i);
    size_t last = wr_block_to(&what->window, i);
    what->places[i] = 0;
    int error =
        packing->count(self, packing->context, first, last, &what->places[i]);
    wr_check(error != 0 || what->places[i] <= last - first,
             "more is kept of a range than is in it");
    return error;
}

static int pack_write(weir_worker *self, void *argument, size_t i) {
    packed *what = argument;
    const weir_packing *packing = what->packing;
    size_t first = wr_block_from(&what->window, i);
    size_t before = what->places[i] - what->at;
    size_t rest = 0;
    if (what->others)
        rest = what->rest + (first - what->window.from) - before;
    return packing->write(self, packing->context, first,
                          wr_block_to(&what->window, i), what->places[i], rest);
}

// Replaces what the blocks keep by where it begins. Returns the place after.
static size_t pack_places(packed *what, size_t count) {
    size_t at = what->at;
    for (size_t i = 0; i < count; i++) {
        size_t kept = what->places[i];
        what->places[i] = at;
        at += kept;
    }
    return at;
}

static int pack_window(weir_worker *self, packed *what) {
    size_t count = wr_blocks_count(&what->window);
    int failed, error;
    int status = pass(self, pack_count, what, what->length, &count, &failed);
    if (status != 0)
        return status;
    if (failed != 0 && what->others)
        return failed; // nothing is written before all is counted
    size_t end = pack_places(what, count);
    what->rest = end;
    status = pass(self, pack_write, what, what->length, &count, &error);
    if (status != 0)
        return status;
    what->at = end;
    return error != 0 ? error : failed;
}

// By windows of `most` blocks of one size.
static int pack(weir_worker *self, packed *what, size_t from, size_t to,
                size_t size, size_t most, size_t *kept) {
    int status = 0;
    what->length = to - from;
    what->at = 0;
    what->window = (wr_blocks){from, from, size};
    while (status == 0 && wr_window_next(&what->window, to, most))
        status = pack_window(self, what);
    if (status == 0)
        *kept = what->at;
    return status;
}

int weir_parallel_pack(weir_worker *self, size_t from, size_t to,
                       const weir_packing *packing, size_t *kept) {
    packed what;
    what.packing = packing;
    what.others = false;
    to = to > from ? to : from;
    size_t size = to > from ? wr_window_block(to - from) : 1;
    return pack(self, &what, from, to, size, WR_WINDOW_BLOCKS, kept);
}

// All of it is one window.
int weir_parallel_partition(weir_worker *self, size_t from, size_t to,
                            const weir_packing *packing, size_t *kept) {
    packed what;
    what.packing = packing;
    what.others = true;
    to = to > from ? to : from;
    size_t size = to > from ? (to - from - 1) / WR_PARTITION_BLOCKS + 1 : 1;
    return pack(self, &what, from, to, size, WR_PARTITION_BLOCKS, kept);
}

// SPDX-License-Identifier: MIT
// Sites: what a loop has measured where, what it advises, and what it decides.
#include "base/options.h"
#include "loop/internal.h"

// ---- finding ---------------------------------------------------------------

static unsigned hash_of(const weir_site *site) {
    uint64_t bits = (uint64_t)(uintptr_t)site >> 3;
    return (unsigned)((bits * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

wr_site_cell *wr_site_cell_of(weir_loop *loop, const weir_site *site) {
    unsigned slot = hash_of(site) & loop->table_mask;
    while (loop->table[slot] != 0) {
        wr_site_cell *cell = &loop->cells[loop->table[slot] - 1];
        if (cell->stats.site == site)
            return cell;
        slot = (slot + 1) & loop->table_mask;
    }
    if (loop->cells_count == loop->options.sites_max)
        return NULL;
    wr_site_cell *cell = &loop->cells[loop->cells_count++];
    cell->stats.site = site;
    cell->penalty_next = WR_INLINE_PENALTY;
    loop->table[slot] = loop->cells_count;
    return cell;
}

// ---- deciding --------------------------------------------------------------

static int64_t longest_recent(const wr_site_cell *cell) {
    int64_t longest = 0;
    for (int i = 0; i < WR_INLINE_RECENT; i++)
        if (cell->recent_ns[i] > longest)
            longest = cell->recent_ns[i];
    return longest;
}

bool wr_site_inline(const weir_loop *loop, wr_site_cell *cell) {
    if (cell->penalty > 0) {
        cell->penalty--;
        return false;
    }
    return cell->runs >= WR_INLINE_RUNS && cell->mean_ns < WR_INLINE_MEAN_NS &&
           longest_recent(cell) <= WR_INLINE_MAX_NS &&
           loop->inline_ns < WR_INLINE_MAX_NS;
}

void wr_site_learn(wr_site_cell *cell, int64_t run_ns, bool inlined) {
    cell->recent_ns[cell->runs % WR_INLINE_RECENT] = run_ns;
    // The first ones set the mean, then each moves it by an eighth.
    int64_t weight = cell->runs < 8 ? (int64_t)cell->runs + 1 : 8;
    cell->mean_ns += (run_ns - cell->mean_ns) / weight;
    cell->runs++;
    if (!inlined || run_ns <= WR_INLINE_MAX_NS)
        return;
    cell->penalty = cell->penalty_next;
    if (cell->penalty_next < WR_INLINE_PENALTY_MAX)
        cell->penalty_next *= 2;
}

// ---- measuring -------------------------------------------------------------

void wr_site_delivered(wr_site_cell *cell, const wr_call *call, int64_t now) {
    weir_site_stats *stats = &cell->stats;
    stats->active--;
    switch ((weir_outcome)call->outcome) {
    case WEIR_OUTCOME_NONE: break;
    case WEIR_OUTCOME_DONE: stats->done++; break;
    case WEIR_OUTCOME_FAILED: stats->failed++; break;
    case WEIR_OUTCOME_CANCELLED: stats->cancelled++; break;
    case WEIR_OUTCOME_TIMED_OUT: stats->timed_out++; break;
    }
    bool ended = call->outcome == WEIR_OUTCOME_DONE ||
                 call->outcome == WEIR_OUTCOME_FAILED;
    if (!ended)
        return;
    wr_histogram_add(&stats->delivery, now - call->ended_ns);
    if (!call->ran) // somebody else did it: weir_call_complete
        return;
    stats->inlined += call->inlined;
    // One that began inline may have gone on elsewhere.
    if (!call->inlined || call->queue_ns > 0)
        wr_histogram_add(&stats->queue, call->queue_ns);
    wr_histogram_add(&stats->run, call->run_ns);
    stats->slow += call->run_ns > WR_SLOW_NS;
    if (!call->inlined)
        wr_site_learn(cell, call->run_ns, false);
}

static weir_advice advise(const weir_site_stats *stats) {
    uint64_t runs = stats->run.count;
    if (runs < WR_ADVICE_RUNS)
        return WEIR_ADVICE_WAIT;
    uint64_t most = weir_histogram_quantile(&stats->run, 0.9);
    bool inlined = stats->inlined * 2 > runs;
    if (!inlined && most < WR_INLINE_MEAN_NS)
        return WEIR_ADVICE_INLINE;
    if (inlined && most > WR_OFFLOAD_NS)
        return WEIR_ADVICE_OFFLOAD;
    return WEIR_ADVICE_KEEP;
}

int weir_loop_site(weir_loop *loop, unsigned index, weir_site_stats *stats) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    weir_site_stats copy;
    wr_mutex_lock(&loop->lock);
    bool there = index < loop->cells_count;
    if (there)
        copy = loop->cells[index].stats;
    wr_mutex_unlock(&loop->lock);
    if (!there)
        return -ENOENT;
    copy.size = stats->size;
    copy.advice = advise(&copy);
    return wr_out_copy(stats, &copy, sizeof(copy));
}

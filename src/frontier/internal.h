// SPDX-License-Identifier: MIT
// What the files of the frontier call of each other. No lock is held on entry
// or return, unless it says so.
#ifndef WR_FRONTIER_INTERNAL_H
#define WR_FRONTIER_INTERNAL_H

#include "frontier/types.h"
#include "pool/internal.h"

#include <string.h>

static inline bool wr_frontier_forked(const weir_frontier *frontier) {
    return wr_forkmark_forked(&frontier->pool->forkmark);
}

// On a deterministic pool: somebody else may go on here.
static inline void wr_frontier_point(const weir_frontier *frontier) {
    if (frontier->deterministic)
        wr_determ_point();
}

// Why it ends early, or 0.
static inline int wr_frontier_told(const weir_frontier *frontier) {
    weir_frontier *own = (weir_frontier *)(uintptr_t)frontier;
    return -(int)wr_load(&own->told, relaxed, ALONE, "a hint, looked at again");
}

// ---- place.c ---------------------------------------------------------------

// wr_place_enter gives the calling thread's place, for itself alone until
// wr_place_leave.
wr_place *wr_place_enter(weir_frontier *frontier);
void wr_place_leave(weir_frontier *frontier, wr_place *place);

static inline void wr_cell_add(wr_atomic_u64 *cell, uint64_t count) {
    uint64_t now = wr_load(cell, relaxed, ALONE, "one thread writes it");
    wr_store(cell, now + count, relaxed, ALONE, "a figure");
}

// wr_chunk_take: memory that is never given back singly; large ones
// in huge pages, for looking up misses the TLB more than the cache. NULL: none.
void *wr_chunk_take(weir_frontier *frontier, size_t bytes);
void wr_chunk_free_all(weir_frontier *frontier);

// wr_arena_take: memory that stays until the frontier goes. NULL: none.
void *wr_arena_take(weir_frontier *frontier, wr_place *place, size_t bytes);

// wr_edges_room makes room for `count` more edges in *edges. False: no memory.
bool wr_edges_room(weir_frontier *frontier, wr_place *place, wr_edges **edges,
                   size_t count);
static inline void wr_edges_add(wr_edges *edges, uint32_t item, uint32_t tag) {
    edges->out[edges->count++] = (wr_out){item, tag};
}

// ---- table.c ---------------------------------------------------------------

void wr_keys_init(weir_frontier *frontier);
void wr_keys_fini(weir_frontier *frontier);
weir_item *wr_item_of(const weir_frontier *frontier, uint32_t id);

static inline const unsigned char *wr_item_bytes(const weir_item *item) {
    const unsigned char *key = item->key;
    if (item->key_size > WR_KEY_INSIDE)
        memcpy(&key, item->key, sizeof(key));
    return key;
}

static inline enum wr_item_state wr_item_state(weir_item *item) {
    return (enum wr_item_state)wr_load(&item->state, relaxed, ALONE,
                                       "its holder's, or a hint");
}

static inline void wr_item_become(weir_item *item, enum wr_item_state state) {
    wr_store(&item->state, state, relaxed, ALONE, "its holder's");
}

// By key.
int wr_item_compare(const weir_item *a, const weir_item *b);

static inline uint32_t wr_item_level(const weir_item *item) {
    weir_item *own = (weir_item *)(uintptr_t)item;
    return wr_load(&own->level, relaxed, ALONE, "a bound, or nobody else's");
}

static inline void wr_item_set_level(weir_item *item, uint32_t level) {
    wr_store(&item->level, level, relaxed, ALONE, "nobody else's");
}

enum { WR_ADD_MOST = 64 };

// Who asks for keys, and how far from the seeds they are at most.
typedef struct wr_asker {
    uint32_t id, level;
} wr_asker;

// What became of keys that were looked up.
typedef struct wr_found {
    weir_item *item[WR_ADD_MOST];
    weir_item *fresh[WR_ADD_MOST]; // the new ones, in order
    size_t fresh_count;
    int error; // 0, -ENOMEM: that one is NULL
} wr_found;

// wr_keys_add looks up to WR_ADD_MOST keys up and makes items of those that
// are new, which nobody else may take yet.
void wr_keys_add(weir_frontier *frontier, wr_asker from, const weir_key *keys,
                 size_t count, wr_found *found);
// wr_keys_find: NULL if there is none.
weir_item *wr_keys_find(weir_frontier *frontier, const void *key, size_t size);

typedef struct wr_walk {
    unsigned shard;
    uint32_t slot;
} wr_walk;
// wr_keys_next gives all items, one after the other, while nobody adds; start
// with a zeroed walk. NULL: that was all.
weir_item *wr_keys_next(weir_frontier *frontier, wr_walk *walk);
uint64_t wr_keys_bytes(weir_frontier *frontier, uint64_t *items);

// ---- ready.c: what waits to be visited -------------------------------------

void wr_items_init(wr_items *items);
// wr_ready_push: the item counts already.
void wr_ready_push(weir_frontier *frontier, wr_place *place, weir_item *item);
// wr_ready_demand: a prefetch that waits, or is about to, is wanted now. True:
// somebody might start it.
bool wr_ready_demand(weir_frontier *frontier, wr_place *place, weir_item *item);
// wr_ready_take gives the next item to be visited, whose state is TAKEN then,
// or NULL.
weir_item *wr_ready_take(weir_frontier *frontier, wr_place *place);
// wr_ready_more: there seems to be more for another runner.
bool wr_ready_more(weir_frontier *frontier, wr_place *place);
// wr_ready_any: there is something to take.
bool wr_ready_any(weir_frontier *frontier);
void wr_ready_set_cap(weir_frontier *frontier, unsigned visit_class,
                      unsigned cap);
uint64_t wr_ready_class_queued(wr_class *c, uint64_t *in_flight_max);
uint64_t wr_ready_place_queued(wr_place *place);
// wr_ready_leave: a visit of this class has ended.
void wr_ready_leave(weir_frontier *frontier, unsigned visit_class);
// wr_ready_return: a taken item is not visited after all. Wakes nobody.
void wr_ready_return(weir_frontier *frontier, unsigned visit_class);

// ---- runner.c --------------------------------------------------------------

// wr_runner_start makes `runner` accepted work that waits to be woken, if that
// works out. Errors: -ESHUTDOWN.
int wr_runner_start(weir_frontier *frontier, wr_runner *runner,
                    int (*run)(weir_worker *self, weir_job *job),
                    void (*done)(weir_job *job, int status));
int wr_runner_init(weir_frontier *frontier); // -ESHUTDOWN
// wr_runner_wake has up to `count` idle runners look for work.
void wr_runner_wake(weir_frontier *frontier, size_t count);
// wr_runner_dismiss takes all idle runners back: the work is over.
void wr_runner_dismiss(weir_frontier *frontier);
// wr_runner_drain ends all that waits: it ends early, and nobody may be left to
// do so. The caller holds a part.
void wr_runner_drain(weir_frontier *frontier);

// ---- visit.c ---------------------------------------------------------------

void wr_visit_free(weir_frontier *frontier, weir_visit *visit);
static inline bool wr_visit_starving(weir_frontier *frontier) {
    return wr_load(&frontier->starving, relaxed, ALONE,
                   "set under the lock; a hint without") != 0;
}
// wr_visit_item visits a taken item. self: the runner's worker. False: there is
// no memory for it; the item waits again, and the runner ends its turn.
bool wr_visit_item(weir_frontier *frontier, wr_place *place, weir_worker *self,
                   weir_item *item);
// wr_visit_trouble: the attempt has failed, with the first error told here.
void wr_visit_trouble(weir_visit *visit, int error);
// wr_visit_part_over: a call that had a part of a visit is over.
void wr_visit_part_over(weir_visit *visit);
// wr_visit_over: an attempt has come to its outcome, and all it added counts.
// True: the item does not count any more, which is left to the caller to say.
bool wr_visit_over(weir_frontier *frontier, const wr_outcome *outcome);
// wr_visit_find adds keys, which count before anybody can take them. from: who
// asks, and his edges. Returns 0 or -ENOMEM: some may have been added. *wake:
// how many runners should be woken, once the place was left.
int wr_visit_find(weir_frontier *frontier, wr_place *place, uint32_t from,
                  wr_edges **edges, const weir_key *keys, size_t count,
                  size_t *wake);
// wr_visit_found: to be called after it, the place left.
void wr_visit_found(weir_frontier *frontier, size_t wake);
// wr_visit_unseen ends an item without a visit, which the caller uncounts;
// wr_visit_cancel one that was taken.
void wr_visit_unseen(weir_frontier *frontier, weir_item *item, int status);
void wr_visit_cancel(weir_frontier *frontier, weir_item *item, int status);

static inline bool wr_key_good(const weir_key *key) {
    return key->size <= UINT32_MAX && (key->key != NULL || key->size == 0) &&
           key->visit_class < WEIR_FRONTIER_CLASSES && key->prefetch <= 1 &&
           key->reserved == 0;
}

// ---- owner.c ---------------------------------------------------------------

int wr_owner_init(weir_frontier *frontier); // -ESHUTDOWN
// wr_owner_add writes what a visit found into its place's letter. -ENOMEM: all
// from there on are not in it.
int wr_owner_add(weir_frontier *frontier, wr_place *place,
                 const weir_item *from, const weir_key *keys, size_t count);
// wr_owner_outcome writes what the place's current visit came to. False: no
// memory.
bool wr_owner_outcome(weir_frontier *frontier, wr_place *place,
                      const wr_outcome *outcome);
// wr_owner_post sends the place's letter, if there is one; wr_owner_post_visit
// what a visit came to, with the visit.
// Then somebody has to call him: wr_owner_call.
void wr_owner_post(weir_frontier *frontier, wr_place *place);
void wr_owner_call(weir_frontier *frontier);
void wr_owner_post_visit(weir_frontier *frontier, weir_visit *visit,
                         const wr_outcome *outcome);
// wr_owner_dismiss takes the owner back, if it is idle.
void wr_owner_dismiss(weir_frontier *frontier);
// wr_owner_work reads what mail there is, unless somebody is at it.
void wr_owner_work(weir_frontier *frontier);

// ---- end.c -----------------------------------------------------------------

// wr_end_count: `count` more before anybody can take them. The caller counts,
// or holds something that does.
static inline void wr_end_count(weir_frontier *frontier, uint64_t count) {
    (void)wr_fetch_add(&frontier->outstanding, count, relaxed, ALONE,
                       "the caller's own still counts");
}
// wr_end_uncount: that many have ended. After it the frontier may be gone,
// unless the caller holds a part.
void wr_end_uncount(weir_frontier *frontier, uint64_t count);
// wr_end_early: it ends for this reason, unless it was told another or is over.
// The caller holds a part.
void wr_end_early(weir_frontier *frontier, int why);
// FIRST: wr_end_defer sets an item aside; _locked. wr_end_undefer takes it back
// if it has come to stand before the first failure: the caller counts it, and
// pushes it.
void wr_end_defer(weir_frontier *frontier, weir_item *item);
bool wr_end_undefer(weir_frontier *frontier, weir_item *item);
// wr_end_trouble: there was no memory for what this item's visit found.
void wr_end_trouble(weir_frontier *frontier, weir_item *item);
// wr_end_notify tells a visit that is LATER, if that is due.
void wr_end_notify(weir_visit *visit, int why);
// wr_end_keep, wr_end_drop: parts. After drop it may be gone.
static inline void wr_end_keep(weir_frontier *frontier) {
    wr_refs_add(&frontier->parts, 1);
}
void wr_end_drop(weir_frontier *frontier);
int wr_end_watch(weir_frontier *frontier); // -ESHUTDOWN
// wr_end_empty frees all but the frontier's own memory.
void wr_end_empty(weir_frontier *frontier);

// ---- pause.c ---------------------------------------------------------------

// wr_pause_create: NULL: no memory.
wr_pause *wr_pause_create(weir_frontier *frontier, weir_item *item);
// wr_pause_start: the item is tried again after a while; it still counts.
void wr_pause_start(wr_pause *pause, int64_t again_ns);
// wr_pause_end_all ends all back-offs early.
void wr_pause_end_all(weir_frontier *frontier);
// wr_pause_after is how long to wait after this attempt.
int64_t wr_pause_after(const weir_frontier *frontier, const weir_item *item,
                       int64_t at_least_ns);

// ---- result.c --------------------------------------------------------------

// wr_result_level gives each item its distance from the seeds, as far as edges
// are known, and returns the first failed one in the order of options.policy.
// Nobody else is at work.
weir_item *wr_result_level(weir_frontier *frontier);
// By policy: a comes before b.
bool wr_result_before(const weir_frontier *frontier, const weir_item *a,
                      const weir_item *b);
void wr_result_fini(weir_frontier *frontier);

#endif

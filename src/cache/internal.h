// SPDX-License-Identifier: MIT
// What the files of the cache call of each other. _locked: the cache's lock is
// held on entry and on return. Everything else: it is not held.
#ifndef WR_CACHE_INTERNAL_H
#define WR_CACHE_INTERNAL_H

#include "cache/types.h"
#include "pool/internal.h"

#include <string.h>

// ---- cache.c ---------------------------------------------------------------

int64_t wr_cache_now(const weir_cache *cache);

static inline bool wr_cache_forked(const weir_cache *cache) {
    return wr_forkmark_forked(&cache->pool->forkmark);
}

// wr_cache_lock aborts on a thread that may not use a deterministic pool.
static inline void wr_cache_lock(weir_cache *cache) {
    if (cache->deterministic)
        wr_pool_check_thread(cache->pool);
    wr_mutex_lock(&cache->lock);
}

// On a deterministic pool: somebody else may go on here.
static inline void wr_cache_unlock(weir_cache *cache) {
    bool deterministic = cache->deterministic;
    wr_mutex_unlock(&cache->lock);
    if (deterministic)
        wr_determ_point();
}

// wr_cache_leave takes one off what is outstanding and unlocks; the cache may
// be gone afterwards. _locked on entry only.
void wr_cache_leave(weir_cache *cache);

// ---- table.c ---------------------------------------------------------------

int wr_cache_table_init(weir_cache *cache); // -ENOMEM
void wr_cache_table_fini(weir_cache *cache);
static inline size_t wr_cache_table_slot(const wr_cache_table *table,
                                         uint64_t hash) {
    return (size_t)(hash >> 32) & table->mask; // the best bits
}

static inline wr_cache_node *wr_bucket_find(wr_cache_node *node, uint64_t hash,
                                            const void *key, size_t key_size) {
    for (; node != NULL; node = node->next)
        if (node->hash == hash && node->key_size == key_size &&
            (key_size == 0 || memcmp(node->key, key, key_size) == 0))
            break;
    return node;
}

// All _locked. find returns NULL if there is none.
wr_cache_node *wr_cache_table_find(weir_cache *cache, uint64_t hash,
                                   const void *key, size_t key_size);
void wr_cache_table_add(weir_cache *cache,
                        wr_cache_node *node); // takes the ref
// wr_cache_table_settle takes a node that has neither flight nor entry out.
void wr_cache_table_settle(weir_cache *cache, wr_cache_node *node);

// wr_node_create: with one reference, not in the table. NULL: no memory.
wr_cache_node *wr_node_create(uint64_t hash, const void *key, size_t key_size);
wr_cache_node *wr_node_keep(wr_cache_node *node);
void wr_node_drop(wr_cache_node *node); // any

// ---- entry.c ---------------------------------------------------------------

// wr_entry_create: with one reference, not kept. NULL: no memory.
weir_entry *wr_entry_create(weir_cache *cache, wr_cache_node *node);
// wr_entry_discard frees an entry that never had a value.
void wr_entry_discard(weir_entry *entry);
// wr_entry_fill gives it its value. Nobody else has it yet.
void wr_entry_fill(weir_entry *entry, int status, const weir_result *result);
// wr_entry_unkeep gives back what the cache held while it kept it.
void wr_entry_unkeep(weir_entry *entry);
// wr_core_release releases a value that came to be no entry's. NULL: nothing.
void wr_core_release(wr_cache_core *core, const weir_result *result);
// wr_core_drop: the cache's reference.
void wr_core_drop(wr_cache_core *core);

// ---- keep.c: what is kept, and for how long --------------------------------

void wr_trash_init(wr_trash *trash);
// wr_trash_empty tells `removed` of each, in order, and lets it go.
void wr_trash_empty(weir_cache *cache, wr_trash *trash);

// All _locked.
// wr_keep_publish makes the entry its node's, if it may be kept; the node may
// have none.
void wr_keep_publish(weir_cache *cache, weir_entry *entry, int64_t ttl_ns,
                     wr_trash *trash);
// wr_keep_remove takes a kept entry away from its node, which is not settled.
void wr_keep_remove(weir_cache *cache, weir_entry *entry, weir_removal why,
                    wr_trash *trash);
// wr_keep_expired: its time is over.
bool wr_keep_expired(const weir_cache *cache, const weir_entry *entry,
                     int64_t now_ns);
void wr_keep_fit(weir_cache *cache, wr_trash *trash); // down to capacity

// ---- change.c --------------------------------------------------------------

// wr_cache_remove_all makes all keys absent; returns how many values there
// were.
int64_t wr_cache_remove_all(weir_cache *cache, weir_removal why);

// ---- get.c -----------------------------------------------------------------

// wr_cache_refuses: nothing may start, but for a load of this cache while it
// drains. _locked.
bool wr_cache_refuses(const weir_cache *cache, const weir_flight *from);

// ---- flight.c --------------------------------------------------------------

// wr_flight_create makes a flight for a node with its entry; it has one
// reference, the load's. NULL: no memory.
weir_flight *wr_flight_create(weir_cache *cache, wr_cache_node *node);
// wr_flight_discard frees one that was never published.
void wr_flight_discard(weir_flight *flight);
// wr_flight_publish makes it the node's: from here on it is found. _locked.
void wr_flight_publish(weir_cache *cache, weir_flight *flight, void *argument);
// wr_flight_launch queues its load. Errors: -ESHUTDOWN: it has failed with
// that, and its argument is not taken.
int wr_flight_launch(weir_flight *flight, int32_t priority);
// wr_flight_land gives it its outcome, unless it has one; then a value is
// released. result may be NULL.
void wr_flight_land(weir_flight *flight, int status, const weir_result *result,
                    bool over);
weir_flight *wr_flight_keep(weir_flight *flight);
void wr_flight_drop(weir_flight *flight);
// wr_flight_join: a get waits for it. _locked.
void wr_flight_join(weir_flight *flight, wr_get *get);
// wr_flight_unwait: it does not any more, if it still did. True: the flight has
// become unwanted; it was superseded and told, and the caller cancels its job.
// _locked.
bool wr_flight_unwait(wr_get *get);
// wr_flight_leave does both, and gives back the get's reference. It may call
// everything.
void wr_flight_leave(wr_get *get);
// wr_flight_hold keeps it from being finished until wr_flight_unhold, which
// finishes it, maybe, on a worker if `late`. hold is _locked.
void wr_flight_hold(weir_flight *flight);
void wr_flight_unhold(weir_flight *flight, bool late);
// wr_flight_supersede: its key is not its own any more. _locked.
void wr_flight_supersede(weir_cache *cache, weir_flight *flight);
// wr_flight_tell: the load should end; the first reason stays. _locked.
void wr_flight_tell(weir_flight *flight, int why);
// wr_flight_notify calls options.cancelled if that is due.
void wr_flight_notify(weir_flight *flight);
// wr_flight_reaches: waiting for `from` would, through others, wait for `to`.
// _locked.
bool wr_flight_reaches(weir_cache *cache, weir_flight *from,
                       const weir_flight *to);

#endif

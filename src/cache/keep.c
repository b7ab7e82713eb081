// SPDX-License-Identifier: MIT
// What is kept, and for how long: capacity, order of eviction, time.
// Source of the order: Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is simpler
// than LRU", NSDI 2024. A hit sets a flag and moves nothing.
#include "cache/internal.h"

// ---- what goes -------------------------------------------------------------

void wr_trash_init(wr_trash *trash) {
    trash->first = NULL;
    trash->end = &trash->first;
}

void wr_trash_empty(weir_cache *cache, wr_trash *trash) {
    weir_entry *entry = trash->first;
    while (entry != NULL) {
        weir_entry *next = entry->trash;
        // A remembered failure was not a value.
        if (cache->options.removed != NULL && entry->status == 0)
            cache->options.removed(cache->options.context, entry,
                                   (weir_removal)entry->why);
        wr_entry_unkeep(entry);
        entry = next;
    }
}

// ---- how much it counts ----------------------------------------------------

static size_t charge_of(const weir_entry *entry) {
    if (entry->status == 0)
        return entry->weight;
    size_t more = (size_t)WR_CACHE_FAILURE + entry->node->key_size;
    return entry->weight > SIZE_MAX - more ? SIZE_MAX : entry->weight + more;
}

static bool too_heavy(const weir_cache *cache, size_t charge) {
    return cache->capacity == 0 || charge > cache->capacity;
}

// ---- out -------------------------------------------------------------------

void wr_keep_remove(weir_cache *cache, weir_entry *entry, weir_removal why,
                    wr_trash *trash) {
    if (cache->hand == &entry->kept)
        cache->hand = entry->kept.prev;
    wr_list_remove(&entry->kept);
    cache->bytes -= charge_of(entry);
    cache->counts.entries--;
    if (entry->status == 0)
        cache->counts.removed[why]++;
    entry->node->entry = NULL;
    wr_fetch_add(&cache->core->lent, entry->weight, relaxed, ALONE, "a figure");
    entry->why = (uint8_t)why;
    entry->trash = NULL;
    *trash->end = entry;
    trash->end = &entry->trash;
}

bool wr_keep_expired(const weir_cache *cache, const weir_entry *entry,
                     int64_t now_ns) {
    int64_t idle_ns = cache->options.idle_ns;
    return now_ns >= entry->expires_ns ||
           (idle_ns > 0 && now_ns - entry->used_ns >= idle_ns);
}

// The hand goes from the oldest towards the newest, takes the mark off those
// that were used, and takes the first that was not.
static void evict_one(weir_cache *cache, int64_t now_ns, wr_trash *trash) {
    wr_link *at = cache->hand != NULL ? cache->hand : cache->kept.prev;
    for (int marks = 0;; at = at->prev) {
        if (at == &cache->kept)
            at = cache->kept.prev;
        weir_entry *entry = wr_container_of(at, weir_entry, kept);
        bool expired = cache->timed && wr_keep_expired(cache, entry, now_ns);
        // So many marks at once and no more: hits wait for the lock.
        if (entry->used && !expired && marks++ < WR_CACHE_MARKS) {
            entry->used = false;
            continue;
        }
        wr_cache_node *node = entry->node;
        cache->hand = at;
        wr_keep_remove(cache, entry,
                       expired ? WEIR_REMOVED_EXPIRED : WEIR_REMOVED_SIZE,
                       trash);
        wr_cache_table_settle(cache, node);
        return;
    }
}

static void make_room(weir_cache *cache, size_t charge, int64_t now_ns,
                      wr_trash *trash) {
    while (cache->bytes > cache->capacity - charge)
        evict_one(cache, now_ns, trash);
}

void wr_keep_fit(weir_cache *cache, wr_trash *trash) {
    int64_t now_ns = cache->timed ? wr_cache_now(cache) : 0;
    // With no capacity even what weighs nothing goes.
    while (cache->capacity == 0 && !wr_list_empty(&cache->kept))
        evict_one(cache, now_ns, trash);
    make_room(cache, 0, now_ns, trash);
}

// ---- in --------------------------------------------------------------------

void wr_keep_publish(weir_cache *cache, weir_entry *entry, int64_t ttl_ns,
                     wr_trash *trash) {
    if (ttl_ns < 0)
        return;
    size_t charge = charge_of(entry);
    if (too_heavy(cache, charge)) {
        if (entry->status == 0)
            cache->counts.too_heavy++;
        return;
    }
    if (ttl_ns != WEIR_FOREVER || cache->options.idle_ns > 0)
        cache->timed = true;
    int64_t now_ns = cache->timed ? wr_cache_now(cache) : 0;
    make_room(cache, charge, now_ns, trash);
    wr_refs_add(&entry->refs, WR_KEPT_REFS);
    entry->lent = 0;
    wr_list_push_front(&cache->kept, &entry->kept);
    entry->node->entry = entry;
    entry->used_ns = now_ns;
    entry->expires_ns = now_ns > 0 && ttl_ns > WEIR_FOREVER - now_ns
                            ? WEIR_FOREVER
                            : now_ns + ttl_ns;
    wr_fetch_sub(&cache->core->lent, entry->weight, relaxed, ALONE, "a figure");
    cache->bytes += charge;
    cache->counts.entries++;
    if (cache->bytes > cache->counts.bytes_max)
        cache->counts.bytes_max = cache->bytes;
}

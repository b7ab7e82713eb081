// SPDX-License-Identifier: MIT
// Changing what is there: put, invalidate, clear, tidy, resize.
#include "cache/internal.h"

int weir_cache_put(weir_cache *cache, const void *key, size_t key_size,
                   const weir_result *result, weir_entry **out) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    if (key_size > UINT32_MAX || (key == NULL && key_size > 0) ||
        result == NULL)
        return -EINVAL;
    uint64_t hash = wr_hash(&cache->seed, key, key_size);
    wr_cache_node *spare = wr_node_create(hash, key, key_size);
    if (spare == NULL)
        return -ENOMEM;
    weir_entry *entry = wr_entry_create(cache, spare);
    if (entry == NULL) {
        wr_node_drop(spare);
        return -ENOMEM;
    }
    wr_trash trash;
    wr_trash_init(&trash);
    wr_cache_lock(cache);
    bool refused =
        cache->stopping && (cache->stopped || cache->mode != WEIR_STOP_DRAIN);
    int error = refused ? -ESHUTDOWN : 0;
    if (error == 0) {
        wr_cache_node *node = wr_cache_table_find(cache, hash, key, key_size);
        if (node != NULL) {
            node->flight = NULL; // it is superseded
            if (node->entry != NULL)
                wr_keep_remove(cache, node->entry, WEIR_REMOVED_REPLACED,
                               &trash);
            wr_cache_table_settle(cache, node);
        }
        wr_cache_table_add(cache, wr_node_keep(spare));
        wr_entry_fill(entry, 0, result);
        cache->counts.puts++;
        int64_t ttl_ns = result->ttl_ns;
        if (ttl_ns == 0)
            ttl_ns = cache->options.ttl_ns > 0 ? cache->options.ttl_ns
                                               : WEIR_FOREVER;
        wr_keep_publish(cache, entry, ttl_ns, &trash);
        wr_cache_table_settle(cache, spare);
    }
    wr_cache_unlock(cache);
    wr_trash_empty(cache, &trash);
    wr_node_drop(spare);
    if (error != 0)
        wr_entry_discard(entry);
    else if (out != NULL)
        *out = entry;
    else
        weir_entry_release(entry);
    return error;
}

// Makes a node's key absent. _locked.
static void forget(weir_cache *cache, wr_cache_node *node, weir_removal why,
                   wr_trash *trash) {
    node->flight = NULL; // it is superseded
    if (node->entry != NULL)
        wr_keep_remove(cache, node->entry, why, trash);
    wr_cache_table_settle(cache, node);
}

int weir_cache_invalidate(weir_cache *cache, const void *key, size_t key_size) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    if (key_size > UINT32_MAX || (key == NULL && key_size > 0))
        return -ENOENT;
    uint64_t hash = wr_hash(&cache->seed, key, key_size);
    wr_trash trash;
    wr_trash_init(&trash);
    wr_cache_lock(cache);
    wr_cache_node *node = wr_cache_table_find(cache, hash, key, key_size);
    if (node != NULL)
        forget(cache, node, WEIR_REMOVED_INVALIDATED, &trash);
    wr_cache_unlock(cache);
    wr_trash_empty(cache, &trash);
    return node != NULL ? 0 : -ENOENT;
}

int weir_cache_invalidate_entry(weir_cache *cache, const weir_entry *entry) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    wr_trash trash;
    wr_trash_init(&trash);
    wr_cache_lock(cache);
    wr_cache_node *node = entry->node;
    bool there =
        entry->core == cache->core && node->linked && node->entry == entry;
    if (there)
        forget(cache, node, WEIR_REMOVED_INVALIDATED, &trash);
    wr_cache_unlock(cache);
    wr_trash_empty(cache, &trash);
    return there ? 0 : -ENOENT;
}

int64_t wr_cache_remove_all(weir_cache *cache, weir_removal why) {
    int64_t removed = 0;
    wr_trash trash;
    wr_trash_init(&trash);
    wr_cache_lock(cache);
    for (wr_link *link = cache->flights.next; link != &cache->flights;
         link = link->next)
        wr_flight_supersede(cache, wr_container_of(link, weir_flight, open));
    while (!wr_list_empty(&cache->kept)) {
        weir_entry *entry = wr_container_of(cache->kept.prev, weir_entry, kept);
        removed += entry->status == 0;
        forget(cache, entry->node, why, &trash);
    }
    wr_cache_unlock(cache);
    wr_trash_empty(cache, &trash);
    return removed;
}

int64_t weir_cache_clear(weir_cache *cache) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    return wr_cache_remove_all(cache, WEIR_REMOVED_INVALIDATED);
}

int64_t weir_cache_tidy(weir_cache *cache) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    int64_t removed = 0;
    wr_trash trash;
    wr_trash_init(&trash);
    wr_cache_lock(cache);
    int64_t now_ns = cache->timed ? wr_cache_now(cache) : 0;
    wr_link *next;
    for (wr_link *link = cache->kept.next; cache->timed && link != &cache->kept;
         link = next) {
        next = link->next;
        weir_entry *entry = wr_container_of(link, weir_entry, kept);
        if (!wr_keep_expired(cache, entry, now_ns))
            continue;
        removed += entry->status == 0;
        forget(cache, entry->node, WEIR_REMOVED_EXPIRED, &trash);
    }
    wr_cache_unlock(cache);
    wr_trash_empty(cache, &trash);
    return removed;
}

int weir_cache_resize(weir_cache *cache, size_t capacity) {
    if (wr_cache_forked(cache))
        return -ECHILD;
    wr_trash trash;
    wr_trash_init(&trash);
    wr_cache_lock(cache);
    cache->capacity = capacity;
    wr_keep_fit(cache, &trash);
    wr_cache_unlock(cache);
    wr_trash_empty(cache, &trash);
    return 0;
}

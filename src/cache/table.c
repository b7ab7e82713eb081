// SPDX-License-Identifier: MIT
// The keys: nodes in a table of chains. It grows bit by bit, so that no call
// takes long because the table is large.
#include "base/fault.h"
#include "cache/internal.h"

#include <string.h>

// ---- nodes -----------------------------------------------------------------

wr_cache_node *wr_node_create(uint64_t hash, const void *key, size_t key_size) {
    wr_cache_node *node = wr_calloc(1, sizeof(*node) + key_size);
    if (node == NULL)
        return NULL;
    wr_refs_init(&node->refs, 1);
    node->hash = hash;
    node->key_size = (uint32_t)key_size;
    if (key_size > 0)
        memcpy(node->key, key, key_size);
    return node;
}

wr_cache_node *wr_node_keep(wr_cache_node *node) {
    wr_refs_add(&node->refs, 1);
    return node;
}

void wr_node_drop(wr_cache_node *node) {
    if (wr_refs_drop(&node->refs, 1))
        wr_free(node);
}

// ---- the table -------------------------------------------------------------

int wr_cache_table_init(weir_cache *cache) {
    cache->table.bucket =
        wr_calloc(WR_CACHE_BUCKETS, sizeof(*cache->table.bucket));
    if (cache->table.bucket == NULL)
        return -ENOMEM;
    cache->table.mask = WR_CACHE_BUCKETS - 1;
    return 0;
}

void wr_cache_table_fini(weir_cache *cache) {
    wr_free(cache->table.bucket);
    wr_free(cache->old.bucket);
}

wr_cache_node *wr_cache_table_find(weir_cache *cache, uint64_t hash,
                                   const void *key, size_t key_size) {
    wr_cache_node *node = wr_bucket_find(
        cache->table.bucket[wr_cache_table_slot(&cache->table, hash)], hash,
        key, key_size);
    if (node == NULL && cache->old.bucket != NULL)
        node = wr_bucket_find(
            cache->old.bucket[wr_cache_table_slot(&cache->old, hash)], hash,
            key, key_size);
    return node;
}

static void link_node(wr_cache_table *table, wr_cache_node *node) {
    wr_cache_node **bucket =
        &table->bucket[wr_cache_table_slot(table, node->hash)];
    node->next = *bucket;
    *bucket = node;
}

// Moves some buckets of the old table to the new one.
static void move_some(weir_cache *cache) {
    wr_cache_table *old = &cache->old;
    for (int i = 0; i < WR_CACHE_MOVE && old->bucket != NULL; i++) {
        wr_cache_node *node = old->bucket[cache->moved];
        old->bucket[cache->moved] = NULL;
        while (node != NULL) {
            wr_cache_node *next = node->next;
            link_node(&cache->table, node);
            node = next;
        }
        if (cache->moved++ == old->mask) {
            wr_free(old->bucket);
            old->bucket = NULL;
        }
    }
}

// Begins to move to a table twice as large. Without memory the chains just
// grow longer.
static void grow(weir_cache *cache) {
    size_t buckets = (cache->table.mask + 1) * 2;
    wr_cache_node **bucket = wr_calloc(buckets, sizeof(*bucket));
    if (bucket == NULL)
        return;
    cache->old = cache->table;
    cache->moved = 0;
    cache->table.bucket = bucket;
    cache->table.mask = buckets - 1;
}

void wr_cache_table_add(weir_cache *cache, wr_cache_node *node) {
    move_some(cache);
    if (cache->old.bucket == NULL && cache->nodes > cache->table.mask)
        grow(cache);
    link_node(&cache->table, node);
    node->linked = true;
    cache->nodes++;
}

static bool unlink_from(wr_cache_table *table, wr_cache_node *node) {
    if (table->bucket == NULL)
        return false;
    wr_cache_node **at = &table->bucket[wr_cache_table_slot(table, node->hash)];
    while (*at != NULL && *at != node)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = node->next;
    return true;
}

void wr_cache_table_settle(weir_cache *cache, wr_cache_node *node) {
    if (!node->linked || node->flight != NULL || node->entry != NULL)
        return;
    wr_assert(unlink_from(&cache->table, node) ||
              unlink_from(&cache->old, node));
    node->linked = false;
    cache->nodes--;
    wr_node_drop(node);
}

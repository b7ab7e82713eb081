// SPDX-License-Identifier: MIT
// Entries: a value with its references. They know how to release it without
// the cache, which they may outlive.
#include "base/fault.h"
#include "cache/internal.h"

void wr_core_drop(wr_cache_core *core) {
    if (wr_refs_drop(&core->refs, 1))
        wr_free(core);
}

void wr_core_release(wr_cache_core *core, const weir_result *result) {
    if (result != NULL && result->value != NULL && core->release != NULL)
        core->release(core->context, result->value);
}

weir_entry *wr_entry_create(weir_cache *cache, wr_cache_node *node) {
    weir_entry *entry = wr_calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    wr_refs_init(&entry->refs, 1);
    entry->node = wr_node_keep(node);
    entry->core = cache->core;
    wr_refs_add(&cache->core->refs, 1);
    return entry;
}

void wr_entry_discard(weir_entry *entry) {
    wr_node_drop(entry->node);
    wr_core_drop(entry->core);
    wr_free(entry);
}

void wr_entry_fill(weir_entry *entry, int status, const weir_result *result) {
    entry->status = status;
    if (result == NULL)
        return;
    entry->value = result->value;
    entry->weight = result->weight;
    wr_fetch_add(&entry->core->lent, entry->weight, relaxed, ALONE, "a figure");
}

weir_entry *weir_entry_keep(weir_entry *entry) {
    wr_refs_add(&entry->refs, 1);
    return entry;
}

static void last_gone(weir_entry *entry) {
    wr_cache_core *core = entry->core;
    wr_fetch_sub(&core->lent, entry->weight, relaxed, ALONE, "a figure");
    if (entry->value != NULL && core->release != NULL)
        core->release(core->context, entry->value);
    wr_entry_discard(entry);
}

void weir_entry_release(weir_entry *entry) {
    if (entry != NULL && wr_refs_drop(&entry->refs, 1))
        last_gone(entry);
}

void wr_entry_unkeep(weir_entry *entry) {
    if (wr_refs_drop(&entry->refs, WR_KEPT_REFS - entry->lent))
        last_gone(entry);
}

void *weir_entry_value(const weir_entry *entry) { return entry->value; }

size_t weir_entry_weight(const weir_entry *entry) { return entry->weight; }

const void *weir_entry_key(const weir_entry *entry, size_t *size) {
    if (size != NULL)
        *size = entry->node->key_size;
    return entry->node->key;
}

// SPDX-License-Identifier: MIT
// The table of keys: in parts, each with a lock, a table of open addressing and
// memory of its own, so that looking one key up costs about two cache misses,
// both fetched ahead in a batch.
#include "base/fault.h"
#include "frontier/internal.h"

// Open addressing wants more than few collisions: keys that lie close together
// (numbers, say) must not come to slots that do. A bijection, so no collision
// is added. Source: the finalizer of MurmurHash3, Austin Appleby, with the
// constants of David Stafford's "Mix13".
static uint64_t hash_of(const weir_frontier *frontier, const void *key,
                        size_t size) {
    uint64_t z = wr_hash(&frontier->secret, key, size);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned shard_of(uint64_t hash) {
    return (unsigned)(hash >> (64 - WR_SHARD_BITS));
}

static uint32_t rest_of(uint64_t hash) {
    return (uint32_t)(hash >> (32 - WR_SHARD_BITS));
}

// ---- memory ----------------------------------------------------------------

// Chunk k holds the units from WR_CHUNK_FIRST * (2^k - 1) on.
static unsigned chunk_of(uint32_t unit) {
    return 31 - (unsigned)__builtin_clz(unit + WR_CHUNK_FIRST) - 10;
}

static uint32_t chunk_units(unsigned chunk) {
    return (uint32_t)WR_CHUNK_FIRST << chunk;
}

static weir_item *item_at(const wr_shard *shard, uint32_t unit) {
    unsigned chunk = chunk_of(unit);
    uint32_t inside = unit + WR_CHUNK_FIRST - chunk_units(chunk);
    return (weir_item *)(void *)(shard->chunk[chunk] +
                                 (size_t)inside * WR_UNIT);
}

weir_item *wr_item_of(const weir_frontier *frontier, uint32_t id) {
    return item_at(&frontier->shard[id >> WR_UNIT_BITS],
                   id & ((UINT32_C(1) << WR_UNIT_BITS) - 1));
}

// Room for `units` in one chunk. False: no memory, or the shard is full.
static bool take_units(weir_frontier *frontier, wr_shard *shard, uint32_t units,
                       uint32_t *unit) {
    uint32_t at = shard->used;
    unsigned chunk = chunk_of(at);
    uint32_t end = chunk_units(chunk + 1) - WR_CHUNK_FIRST;
    if (end - at < units) {
        at = end;
        chunk++;
    }
    if (chunk >= WR_CHUNKS || at + units > UINT32_C(1) << WR_UNIT_BITS)
        return false;
    if (chunk >= shard->chunks) {
        unsigned char *memory =
            wr_chunk_take(frontier, (size_t)chunk_units(chunk) * WR_UNIT);
        if (memory == NULL)
            return false;
        shard->chunk[chunk] = memory;
        shard->chunks = chunk + 1;
    }
    shard->used = at + units;
    *unit = at;
    return true;
}

// ---- slots -----------------------------------------------------------------

static uint32_t bits_of(wr_shard *shard) {
    return wr_load(&shard->bits, relaxed, ALONE, "under the lock, or a hint");
}

static wr_slot *slots_of(wr_shard *shard) {
    return wr_load(&shard->slots, relaxed, ALONE, "under the lock, or a hint");
}

static void put(wr_slot *slots, uint32_t bits, wr_slot slot) {
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    uint32_t at = slot.hash >> (32 - bits);
    while (slots[at].unit != 0)
        at = (at + 1) & mask;
    slots[at] = slot;
}

// Room for one more. False: no memory.
static bool make_room(wr_shard *shard) {
    uint32_t bits = bits_of(shard);
    wr_slot *old = slots_of(shard);
    if (old != NULL &&
        (uint64_t)(shard->count + 1) * 4 <= (UINT64_C(3) << bits))
        return true;
    uint32_t more = old == NULL ? WR_SLOTS_FIRST : bits + 1;
    wr_slot *slots = wr_calloc((size_t)1 << more, sizeof(*slots));
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; old != NULL && i >> bits == 0; i++)
        if (old[i].unit != 0)
            put(slots, more, old[i]);
    wr_store(&shard->slots, slots, relaxed, ALONE, "under the lock");
    wr_store(&shard->bits, more, relaxed, ALONE, "under the lock");
    wr_free(old);
    return true;
}

static bool same_key(const weir_item *item, const void *key, size_t size) {
    return item->key_size == size &&
           (size == 0 || memcmp(wr_item_bytes(item), key, size) == 0);
}

// The first item with this hash (key NULL), or the one with this key.
static weir_item *probe(wr_shard *shard, uint32_t hash, const weir_key *key) {
    const wr_slot *slots = slots_of(shard);
    if (slots == NULL)
        return NULL;
    uint32_t bits = bits_of(shard), mask = (UINT32_C(1) << bits) - 1;
    for (uint32_t at = hash >> (32 - bits); slots[at].unit != 0;
         at = (at + 1) & mask) {
        if (slots[at].hash != hash)
            continue;
        weir_item *item = item_at(shard, slots[at].unit - 1);
        if (key == NULL || same_key(item, key->key, key->size))
            return item;
    }
    return NULL;
}

// ---- items -----------------------------------------------------------------

static bool fill_key(wr_shard *shard, weir_item *item, const weir_key *key) {
    if (key->size > WR_KEY_INSIDE) {
        void *copy = wr_malloc(key->size);
        if (copy == NULL)
            return false;
        memcpy(copy, key->key, key->size);
        memcpy(item->key, &copy, sizeof(copy));
        shard->outside += key->size;
    } else if (key->size > 0) {
        memcpy(item->key, key->key, key->size);
    }
    return true;
}

// A new item. NULL: no memory. The shard is locked.
static weir_item *insert(weir_frontier *frontier, wr_shard *shard,
                         uint32_t hash, wr_asker from, const weir_key *key) {
    size_t inside = key->size > WR_KEY_INSIDE ? sizeof(void *) : key->size;
    uint32_t units =
        (uint32_t)((offsetof(weir_item, key) + inside + WR_UNIT - 1) / WR_UNIT);
    uint32_t used = shard->used, unit;
    if (!make_room(shard) || !take_units(frontier, shard, units, &unit))
        return NULL;
    weir_item *item = item_at(shard, unit);
    memset(item, 0, offsetof(weir_item, key));
    if (!fill_key(shard, item, key)) {
        shard->used = used;
        return NULL;
    }
    item->key_size = (uint32_t)key->size;
    item->id = (uint32_t)(shard - frontier->shard) << WR_UNIT_BITS | unit;
    item->first = from.id;
    item->first_tag = key->tag;
    item->next = item->prev = WR_NOBODY;
    wr_atomic_init(&item->level, from.level);
    item->visit_class = key->visit_class;
    wr_atomic_init(&item->state,
                   key->prefetch ? WR_ITEM_PREFETCH : WR_ITEM_DEMAND);
    put(slots_of(shard), bits_of(shard), (wr_slot){hash, unit + 1});
    shard->count++;
    return item;
}

static void found_new(wr_found *found, size_t at, weir_item *item) {
    if (item == NULL) {
        found->item[at] = NULL;
        found->error = -ENOMEM;
        return;
    }
    found->item[at] = item;
    found->fresh[found->fresh_count++] = item;
}

// The key's hash is another key's as well, as far as it was looked at.
static weir_item *look_closely(weir_frontier *frontier, uint64_t hash,
                               wr_asker from, const weir_key *key,
                               wr_found *found, size_t at) {
    wr_shard *shard = &frontier->shard[shard_of(hash)];
    wr_mutex_lock(&shard->lock);
    weir_item *item = probe(shard, rest_of(hash), key);
    bool known = item != NULL;
    if (!known)
        item = insert(frontier, shard, rest_of(hash), from, key);
    wr_mutex_unlock(&shard->lock);
    if (!known)
        found_new(found, at, item);
    return known ? item : NULL;
}

// The compiler takes a function that only prefetches for one without effect:
// it has to be part of its caller.
static inline __attribute__((always_inline)) void
fetch_ahead(weir_frontier *frontier, const uint64_t *hash, size_t count) {
    for (size_t i = 0; i < count; i++)
        wr_prefetch(&frontier->shard[shard_of(hash[i])], WR_CACHE_LINE);
    for (size_t i = 0; i < count; i++) {
        wr_shard *shard = &frontier->shard[shard_of(hash[i])];
        uint32_t bits = bits_of(shard);
        uint32_t slot = bits == 0 ? 0 : rest_of(hash[i]) >> (32 - bits);
        uintptr_t at = (uintptr_t)slots_of(shard) + slot * sizeof(wr_slot);
        wr_prefetch((const void *)at, 1); // a hint: any address will do
    }
}

void wr_keys_add(weir_frontier *frontier, wr_asker from, const weir_key *keys,
                 size_t count, wr_found *found) {
    uint64_t hash[WR_ADD_MOST];
    weir_item *alike[WR_ADD_MOST];
    found->fresh_count = 0;
    found->error = 0;
    for (size_t i = 0; i < count; i++)
        hash[i] = hash_of(frontier, keys[i].key, keys[i].size);
    if (count > 1)
        fetch_ahead(frontier, hash, count);
    for (size_t i = 0; i < count; i++) {
        wr_shard *shard = &frontier->shard[shard_of(hash[i])];
        wr_mutex_lock(&shard->lock);
        alike[i] = probe(shard, rest_of(hash[i]), NULL);
        weir_item *item = NULL;
        if (alike[i] == NULL)
            item = insert(frontier, shard, rest_of(hash[i]), from, &keys[i]);
        wr_mutex_unlock(&shard->lock);
        if (alike[i] == NULL)
            found_new(found, i, item);
        else
            wr_prefetch(alike[i], WR_CACHE_LINE);
    }
    // Keys never change, so they are compared without the lock.
    for (size_t i = 0; i < count; i++) {
        weir_item *item = alike[i];
        if (item != NULL && !same_key(item, keys[i].key, keys[i].size))
            item = look_closely(frontier, hash[i], from, &keys[i], found, i);
        if (item == NULL)
            continue;
        wr_check(item->visit_class == keys[i].visit_class,
                 "a key was added with two classes");
        found->item[i] = item;
    }
}

weir_item *wr_keys_find(weir_frontier *frontier, const void *key, size_t size) {
    uint64_t hash = hash_of(frontier, key, size);
    wr_shard *shard = &frontier->shard[shard_of(hash)];
    weir_key wanted = WEIR_KEY_INIT(key, size);
    wr_mutex_lock(&shard->lock);
    weir_item *item = probe(shard, rest_of(hash), &wanted);
    wr_mutex_unlock(&shard->lock);
    return item;
}

int wr_item_compare(const weir_item *a, const weir_item *b) {
    size_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order =
        size == 0 ? 0 : memcmp(wr_item_bytes(a), wr_item_bytes(b), size);
    if (order != 0)
        return order;
    return a->key_size < b->key_size ? -1 : a->key_size > b->key_size;
}

// ---- all of them -----------------------------------------------------------

weir_item *wr_keys_next(weir_frontier *frontier, wr_walk *walk) {
    for (; walk->shard < WR_SHARDS; walk->shard++, walk->slot = 0) {
        wr_shard *shard = &frontier->shard[walk->shard];
        const wr_slot *slots = slots_of(shard);
        uint32_t bits = bits_of(shard);
        while (slots != NULL && walk->slot >> bits == 0) {
            uint32_t unit = slots[walk->slot++].unit;
            if (unit != 0)
                return item_at(shard, unit - 1);
        }
    }
    return NULL;
}

uint64_t wr_keys_bytes(weir_frontier *frontier, uint64_t *items) {
    uint64_t bytes = 0;
    *items = 0;
    for (unsigned i = 0; i < WR_SHARDS; i++) {
        wr_shard *shard = &frontier->shard[i];
        wr_mutex_lock(&shard->lock);
        *items += shard->count;
        bytes += shard->outside;
        if (shard->chunks > 0)
            bytes += (uint64_t)(chunk_units(shard->chunks) - WR_CHUNK_FIRST) *
                     WR_UNIT;
        if (slots_of(shard) != NULL)
            bytes += sizeof(wr_slot) << bits_of(shard);
        wr_mutex_unlock(&shard->lock);
    }
    return bytes;
}

void wr_keys_init(weir_frontier *frontier) {
    wr_entropy(&frontier->secret, sizeof(frontier->secret));
    for (unsigned i = 0; i < WR_SHARDS; i++) {
        wr_shard *shard = &frontier->shard[i];
        wr_mutex_init(&shard->lock);
        wr_atomic_init(&shard->bits, 0);
        wr_atomic_init(&shard->slots, NULL);
    }
}

void wr_keys_fini(weir_frontier *frontier) {
    wr_walk walk = {0, 0};
    weir_item *item;
    while ((item = wr_keys_next(frontier, &walk)) != NULL) {
        if (item->value != NULL && frontier->options.release != NULL)
            frontier->options.release(frontier->options.context, item->value);
        if (item->key_size > WR_KEY_INSIDE)
            wr_free((void *)(uintptr_t)wr_item_bytes(item));
    }
    for (unsigned i = 0; i < WR_SHARDS; i++) {
        wr_shard *shard = &frontier->shard[i];
        wr_free(slots_of(shard));
        wr_mutex_fini(&shard->lock);
    }
    wr_chunk_free_all(frontier);
}

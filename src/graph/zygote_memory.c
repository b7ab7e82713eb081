// SPDX-License-Identifier: MIT
// The shared memory: blocks of whole pages, first fit, neighbours joined. What
// is known about it is in the program's own memory, where no process can spoil
// it.
#include "graph/zygote.h"

#include "base/check.h"
#include "graph/endpoint.h"

#include <errno.h>

#define USED (UINT32_C(1) << 31)

static uint32_t length_of(uint32_t entry) { return entry & ~USED; }

static void set_block(wr_page_map *map, uint32_t at, uint32_t pages,
                      uint32_t used) {
    map->page[at] = pages | used;
    map->page[at + pages - 1] = pages | used;
}

int wr_page_map_init(wr_page_map *map, size_t bytes) {
    map->page_bytes = wr_page_size();
    if (bytes == 0 || bytes > SIZE_MAX - map->page_bytes)
        return bytes == 0 ? -EINVAL : -ENOMEM;
    map->bytes = wr_round_up(bytes, map->page_bytes);
    size_t pages = map->bytes / map->page_bytes;
    if (pages >= USED)
        return -ENOMEM;
    map->pages = (uint32_t)pages;
    map->page = wr_pages_alloc(pages * sizeof(*map->page));
    if (map->page == NULL)
        return -ENOMEM;
    map->memory = wr_shared_alloc(map->bytes);
    if (map->memory == NULL) {
        wr_pages_free(map->page, pages * sizeof(*map->page));
        map->page = NULL;
        return -ENOMEM;
    }
    wr_mutex_init(&map->lock);
    set_block(map, 0, map->pages, 0);
    map->lowest = 0;
    return 0;
}

void wr_page_map_fini(wr_page_map *map) {
    if (map->page == NULL)
        return;
    wr_shared_free(map->memory, map->bytes);
    wr_pages_free(map->page, map->pages * sizeof(*map->page));
    map->page = NULL;
}

static void *take(wr_page_map *map, uint32_t wanted) {
    uint32_t at = map->lowest;
    bool skipped = false; // a free block that is too small
    while (at < map->pages) {
        uint32_t entry = map->page[at];
        uint32_t length = length_of(entry);
        if ((entry & USED) != 0 || length < wanted) {
            skipped = skipped || (entry & USED) == 0;
            at += length;
            continue;
        }
        set_block(map, at, wanted, USED);
        if (length > wanted)
            set_block(map, at + wanted, length - wanted, 0);
        if (!skipped)
            map->lowest = at + wanted;
        return map->memory + (size_t)at * map->page_bytes;
    }
    return NULL;
}

void *wr_page_map_take(wr_page_map *map, size_t bytes) {
    if (bytes == 0 || bytes > map->bytes)
        return NULL;
    size_t pages = (bytes + map->page_bytes - 1) / map->page_bytes;
    wr_mutex_lock(&map->lock);
    void *memory = take(map, (uint32_t)pages);
    wr_mutex_unlock(&map->lock);
    return memory;
}

static uint32_t page_of(const wr_page_map *map, const void *memory) {
    uintptr_t offset = (uintptr_t)memory - (uintptr_t)map->memory;
    bool ours = offset < map->bytes && offset % map->page_bytes == 0;
    wr_check(ours, "memory was given back that is not the zygote's");
    return (uint32_t)(offset / map->page_bytes);
}

// A page in the middle of a block has whatever was left there: of a block that
// begins here the last page says the same, and so do its neighbours.
static uint32_t used_block(const wr_page_map *map, uint32_t at) {
    uint32_t entry = map->page[at];
    uint32_t length = length_of(entry);
    bool whole = (entry & USED) != 0 && length != 0 &&
                 length <= map->pages - at &&
                 map->page[at + length - 1] == entry;
    wr_check(whole, "memory of a zygote was given back twice, or in part");
    return length;
}

void wr_page_map_give(wr_page_map *map, void *memory) {
    uint32_t at = page_of(map, memory);
    wr_mutex_lock(&map->lock);
    uint32_t length = used_block(map, at);
    wr_mutex_unlock(&map->lock);
    // Without the lock: it may take long, and nobody else has the block.
    wr_shared_clear(memory, (size_t)length * map->page_bytes);

    wr_mutex_lock(&map->lock);
    map->page[at] = 0;
    map->page[at + length - 1] = 0;
    uint32_t end = at + length;
    if (end < map->pages && (map->page[end] & USED) == 0) {
        length += map->page[end];
        map->page[end] = 0;
    }
    if (at > 0 && (map->page[at - 1] & USED) == 0) {
        uint32_t before = map->page[at - 1];
        map->page[at - 1] = 0;
        at -= before;
        length += before;
    }
    set_block(map, at, length, 0);
    if (at < map->lowest)
        map->lowest = at;
    wr_mutex_unlock(&map->lock);
}

void *weir_zygote_alloc(weir_zygote *zygote, size_t bytes) {
    if (wr_forkmark_forked(&zygote->mark))
        return NULL;
    return wr_page_map_take(&zygote->map, bytes);
}

void weir_zygote_free(weir_zygote *zygote, void *memory) {
    if (memory != NULL && !wr_forkmark_forked(&zygote->mark))
        wr_page_map_give(&zygote->map, memory);
}

bool wr_zygote_shares(const weir_zygote *zygote, const void *memory,
                      size_t bytes) {
    uintptr_t offset = (uintptr_t)memory - (uintptr_t)zygote->map.memory;
    return offset <= zygote->map.bytes && bytes <= zygote->map.bytes - offset;
}

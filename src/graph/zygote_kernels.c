// SPDX-License-Identifier: MIT
// The kernels that processes know: those of the program when the zygote was
// made, by number, and behind them those loaded from libraries since.
#include "graph/zygote.h"

#include "base/fault.h"

#include <errno.h>
#include <string.h>

enum { KERNELS_MAX = 1 << 20 };

static const char *name_of(const weir_zygote *zygote, uint32_t number) {
    return number < zygote->known_count
               ? zygote->known[number].name
               : zygote->texts[number - zygote->known_count].name;
}

// Where the name is, or the free place where it belongs.
static uint32_t *slot_of(const weir_zygote *zygote, const char *name) {
    uint64_t hash = wr_hash(&zygote->secret, name, strlen(name));
    uint32_t at = (uint32_t)(hash >> 32) & zygote->slots_mask;
    while (zygote->slots[at] != 0 &&
           strcmp(name_of(zygote, zygote->slots[at] - 1), name) != 0)
        at = (at + 1) & zygote->slots_mask;
    return &zygote->slots[at];
}

// Is it a text of 1 to max - 1 bytes?
static bool fits(const char *text, size_t max) {
    if (text == NULL)
        return false;
    size_t length = strnlen(text, max);
    return length > 0 && length < max;
}

static int slots_make(weir_zygote *zygote, size_t count) {
    uint32_t slots = 1;
    while (slots < 2 * (count + WR_LOADED_MAX))
        slots *= 2;
    zygote->slots = wr_calloc(slots, sizeof(*zygote->slots));
    zygote->slots_mask = slots - 1;
    zygote->texts = wr_pages_alloc(WR_LOADED_MAX * sizeof(*zygote->texts));
    wr_entropy(&zygote->secret, sizeof(zygote->secret));
    return zygote->slots == NULL || zygote->texts == NULL ? -ENOMEM : 0;
}

int wr_zygote_kernels_init(weir_zygote *zygote, const weir_kernel *kernels,
                           size_t count) {
    wr_mutex_init(&zygote->kernels_lock);
    if (count > KERNELS_MAX || (count > 0 && kernels == NULL))
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!fits(kernels[i].name, WR_KERNEL_NAME_MAX) ||
            kernels[i].run == NULL)
            return -EINVAL;
    int error = slots_make(zygote, count);
    if (error != 0)
        return error;
    zygote->known = wr_calloc(count + 1, sizeof(*zygote->known));
    if (zygote->known == NULL)
        return -ENOMEM;
    zygote->base = kernels;
    for (size_t i = 0; i < count; i++) {
        wr_known_kernel *known = &zygote->known[i];
        uint32_t *slot = slot_of(zygote, kernels[i].name);
        if (*slot != 0)
            return -EEXIST;
        memcpy(known->name, kernels[i].name, strlen(kernels[i].name) + 1);
        known->run = kernels[i].run;
        *slot = (uint32_t)i + 1;
        // Counted as it is known: name_of must not take it for a loaded one.
        zygote->known_count = (uint32_t)i + 1;
    }
    return 0;
}

void wr_zygote_kernels_fini(weir_zygote *zygote) {
    wr_free(zygote->known);
    wr_free(zygote->slots);
    wr_pages_free(zygote->texts, WR_LOADED_MAX * sizeof(*zygote->texts));
}

// The tables that were given, and what was given out, are looked at by address
// first. The caller's table may be gone, and something else be there: the name
// decides.
static int64_t by_address(weir_zygote *zygote, const weir_kernel *kernel) {
    uintptr_t at = (uintptr_t)kernel - (uintptr_t)zygote->loaded;
    if (at < sizeof(zygote->loaded))
        return (int64_t)(zygote->known_count + at / sizeof(*kernel));
    at = (uintptr_t)kernel - (uintptr_t)zygote->base;
    size_t index = at / sizeof(*kernel);
    if (index < zygote->known_count && kernel->name != NULL &&
        strcmp(kernel->name, zygote->known[index].name) == 0)
        return (int64_t)index;
    return -ENOENT;
}

int64_t wr_zygote_kernel(weir_zygote *zygote, const weir_kernel *kernel) {
    int64_t number = by_address(zygote, kernel);
    if (number >= 0 || !fits(kernel->name, WR_KERNEL_NAME_MAX))
        return number;
    wr_mutex_lock(&zygote->kernels_lock);
    uint32_t found = *slot_of(zygote, kernel->name);
    wr_mutex_unlock(&zygote->kernels_lock);
    return found == 0 ? -ENOENT : (int64_t)found - 1;
}

// Under the lock. A name that is there already is fine if it means the same.
static int add(weir_zygote *zygote, const char *name, const char *library,
               const char *symbol, uint32_t *index) {
    uint32_t *slot = slot_of(zygote, name);
    if (*slot != 0) {
        uint32_t number = *slot - 1;
        if (number < zygote->known_count)
            return -EEXIST;
        *index = number - zygote->known_count;
        const wr_loaded_kernel *there = &zygote->texts[*index];
        return strcmp(there->library, library) == 0 &&
                       strcmp(there->symbol, symbol) == 0
                   ? 0
                   : -EEXIST;
    }
    if (zygote->loaded_count == WR_LOADED_MAX)
        return -ENOSPC;
    *index = zygote->loaded_count++;
    wr_loaded_kernel *entry = &zygote->texts[*index];
    memcpy(entry->name, name, strlen(name) + 1);
    memcpy(entry->library, library, strlen(library) + 1);
    memcpy(entry->symbol, symbol, strlen(symbol) + 1);
    memcpy(&zygote->board->loaded[*index], entry, sizeof(*entry));
    zygote->loaded[*index] = (weir_kernel){.name = entry->name, .run = NULL};
    *slot = zygote->known_count + *index + 1;
    wr_store(&zygote->board->loaded_count, zygote->loaded_count, release,
             LOADED_1, "the entry is written");
    return 0;
}

int weir_zygote_load(weir_zygote *zygote, const char *name, const char *library,
                     const char *symbol, const weir_kernel **out) {
    if (wr_forkmark_forked(&zygote->mark))
        return -ECHILD;
    if (!fits(name, WR_KERNEL_NAME_MAX) || !fits(library, WR_LOADED_PATH_MAX) ||
        !fits(symbol, WR_LOADED_SYMBOL_MAX))
        return -EINVAL;
    uint32_t index = 0;
    wr_mutex_lock(&zygote->kernels_lock);
    int error = add(zygote, name, library, symbol, &index);
    wr_mutex_unlock(&zygote->kernels_lock);
    if (error == 0)
        *out = &zygote->loaded[index];
    return error;
}

// SPDX-License-Identifier: MIT
//
// Things by number: a sorted array, since numbers are given in order. And
// memory for tensors.
#include "base/fault.h"
#include "programs/serve/types.h"

#include <stdlib.h>
#include <string.h>

// Where the id is, or belongs.
static int place_of(const wr_ids *ids, uint64_t id) {
    int low = 0;
    for (int high = ids->count; low < high;) {
        int middle = low + (high - low) / 2;
        if (ids->slot[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t wr_ids_add(wr_ids *ids, void *item) {
    if (ids->count == ids->room) {
        int room = ids->room == 0 ? 8 : ids->room * 2;
        struct wr_id *more =
            wr_fault(WR_FAULT_ALLOC)
                ? NULL
                : realloc(ids->slot, (size_t)room * sizeof(*more));
        if (more == NULL)
            return 0;
        ids->slot = more;
        ids->room = room;
    }
    ids->slot[ids->count++] = (struct wr_id){++ids->last, item};
    return ids->last;
}

void *wr_ids_find(const wr_ids *ids, uint64_t id) {
    int place = place_of(ids, id);
    if (place == ids->count || ids->slot[place].id != id)
        return NULL;
    return ids->slot[place].item;
}

void wr_ids_remove(wr_ids *ids, uint64_t id) {
    int place = place_of(ids, id);
    if (place == ids->count || ids->slot[place].id != id)
        return;
    ids->count--;
    memmove(&ids->slot[place], &ids->slot[place + 1],
            (size_t)(ids->count - place) * sizeof(ids->slot[0]));
}

void wr_ids_free(wr_ids *ids) {
    free(ids->slot);
    *ids = (wr_ids){.last = ids->last};
}

size_t wr_room_round(size_t bytes) {
    return (bytes + WR_NN_ALIGN - 1) / WR_NN_ALIGN * WR_NN_ALIGN;
}

void *wr_room_alloc(size_t bytes) {
    return wr_fault(WR_FAULT_ALLOC)
               ? NULL
               : aligned_alloc(WR_NN_ALIGN, wr_room_round(bytes + 1));
}

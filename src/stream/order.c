// SPDX-License-Identifier: MIT
// The reorder window.
#include "stream/types.h"

#include "base/fault.h"
#include "base/options.h"

#include <string.h>

enum { CAPACITY_DEFAULT = 256 };

int weir_order_create(weir_order **out, const weir_order_options *options) {
    weir_order_options opts;
    int error = wr_options_copy(&opts, sizeof(opts), options);
    if (error != 0)
        return error;
    if (opts.capacity == 0)
        opts.capacity = CAPACITY_DEFAULT;
    if (opts.item_size == 0 || opts.capacity > SIZE_MAX / 2 / opts.item_size)
        return -EINVAL;

    weir_order *order = wr_aligned_alloc(WR_CACHE_LINE, sizeof(*order));
    unsigned char *is_there = wr_calloc(opts.capacity, 1);
    unsigned char *items = wr_malloc(opts.capacity * opts.item_size);
    if (order == NULL || is_there == NULL || items == NULL) {
        wr_free(items);
        wr_free(is_there);
        wr_free(order);
        return -ENOMEM;
    }
    order->item_size = opts.item_size;
    order->capacity = opts.capacity;
    order->next = opts.first;
    order->end = opts.first;
    order->is_there = is_there;
    order->items = items;
    wr_mutex_init(&order->lock);
    *out = order;
    return 0;
}

void weir_order_destroy(weir_order *order) {
    if (order == NULL)
        return;
    wr_mutex_fini(&order->lock);
    wr_free(order->items);
    wr_free(order->is_there);
    wr_free(order);
}

static int order_put_locked(weir_order *order, uint64_t sequence,
                            const void *item) {
    if (sequence < order->next)
        return -EALREADY;
    if (sequence - order->next >= order->capacity)
        return -EAGAIN;
    size_t slot = (size_t)(sequence % order->capacity);
    if (order->is_there[slot])
        return -EALREADY;
    memcpy(order->items + slot * order->item_size, item, order->item_size);
    order->is_there[slot] = 1;
    order->present++;
    if (sequence >= order->end)
        order->end = sequence + 1;
    return 0;
}

int weir_order_put(weir_order *order, uint64_t sequence, const void *item) {
    wr_mutex_lock(&order->lock);
    int error = order_put_locked(order, sequence, item);
    wr_mutex_unlock(&order->lock);
    return error;
}

int weir_order_take(weir_order *order, void *item, uint64_t *sequence) {
    wr_mutex_lock(&order->lock);
    size_t slot = (size_t)(order->next % order->capacity);
    bool there = order->is_there[slot] != 0;
    if (there) {
        memcpy(item, order->items + slot * order->item_size, order->item_size);
        order->is_there[slot] = 0;
        order->present--;
        if (sequence != NULL)
            *sequence = order->next;
        order->next++;
    }
    wr_mutex_unlock(&order->lock);
    return there ? 0 : -EAGAIN;
}

// The first number that is neither taken nor there.
static uint64_t order_missing_locked(const weir_order *order) {
    uint64_t missing = order->next;
    while (missing < order->end && order->is_there[missing % order->capacity])
        missing++;
    return missing;
}

int weir_order_finish(weir_order *order, uint64_t end, weir_order_gap *gap) {
    wr_mutex_lock(&order->lock);
    weir_order_gap found = {.next = order->next,
                            .missing = order_missing_locked(order)};
    // Those that lie between next and missing are not behind the gap.
    found.stranded = order->present - (found.missing - order->next);
    uint64_t put_end = order->end;
    wr_mutex_unlock(&order->lock);

    if (gap != NULL) {
        int error = wr_out_copy(gap, &found, sizeof(found));
        if (error != 0)
            return error;
    }
    if (put_end > end)
        return -EALREADY;
    if (found.missing < end)
        return -ENOENT;
    return found.next < end ? -EBUSY : 0;
}

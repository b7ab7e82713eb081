// SPDX-License-Identifier: MIT
// The bounded queue: its life, its receiving side and its counts. The sending
// side is in sender.c.
#include "stream/internal.h"

#include "base/fault.h"
#include "base/options.h"
#include "pool/internal.h"

#include <string.h>

enum { CAPACITY_DEFAULT = 256 };

// ---- life ------------------------------------------------------------------

static int queue_build(weir_queue **out, weir_pool *pool,
                       const weir_queue_options *options) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    weir_queue_options opts;
    int error = wr_options_copy(&opts, sizeof(opts), options);
    if (error != 0)
        return error;
    if (opts.capacity == 0)
        opts.capacity = CAPACITY_DEFAULT;
    if (opts.item_size == 0 || opts.capacity > SIZE_MAX / 2 / opts.item_size)
        return -EINVAL;

    weir_queue *queue = wr_aligned_alloc(WR_CACHE_LINE, sizeof(*queue));
    unsigned char *ring = wr_malloc(opts.capacity * opts.item_size);
    if (queue == NULL || ring == NULL) {
        wr_free(ring);
        wr_free(queue);
        return -ENOMEM;
    }
    queue->pool = pool;
    queue->options = opts;
    queue->ring = ring;
    queue->senders = 1;
    queue->room = opts.capacity;
    wr_mutex_init(&queue->send_lock);
    wr_mutex_init(&queue->lock);
    wr_list_init(&queue->receivers);
    wr_list_init(&queue->readable);
    wr_list_init(&queue->blocked);
    wr_list_init(&queue->writable);
    *out = queue;
    return 0;
}

static void queue_free(weir_queue *queue) {
    wr_mutex_fini(&queue->lock);
    wr_mutex_fini(&queue->send_lock);
    wr_free(queue->ring);
    wr_free(queue);
}

int weir_queue_create(weir_queue **out, weir_sender **sender, weir_pool *pool,
                      const weir_queue_options *options) {
    weir_queue *queue;
    int error = queue_build(&queue, pool, options);
    if (error != 0)
        return error;
    queue->sender.queue = queue;
    *sender = &queue->sender;
    *out = queue;
    return 0;
}

int weir_queue_create_shared(weir_queue **out, weir_shared_sender **sender,
                             weir_pool *pool,
                             const weir_queue_options *options) {
    weir_shared_sender *handle = wr_malloc(sizeof(*handle));
    if (handle == NULL)
        return wr_pool_forked(pool) ? -ECHILD : -ENOMEM;
    weir_queue *queue;
    int error = queue_build(&queue, pool, options);
    if (error != 0) {
        wr_free(handle);
        return error;
    }
    handle->queue = queue;
    *sender = handle;
    *out = queue;
    return 0;
}

// ---- both sides ------------------------------------------------------------

void wr_queue_lock_both(weir_queue *queue) {
    wr_mutex_lock(&queue->lock);
    wr_mutex_lock(&queue->send_lock);
    queue->queued += queue->pushed;
    queue->pushed = 0;
    queue->room += queue->freed;
    queue->freed = 0;
}

void wr_queue_unlock_both(weir_queue *queue) {
    wr_mutex_unlock(&queue->send_lock);
    wr_mutex_unlock(&queue->lock);
}

void wr_queue_tell_both(weir_queue *queue, size_t count, wr_link *fire) {
    wr_watches_take(fire, &queue->receivers, count);
    if (count > 0)
        wr_watches_take(fire, &queue->readable, SIZE_MAX);
    queue->wanted =
        !wr_list_empty(&queue->receivers) || !wr_list_empty(&queue->readable);
}

// ---- closing ---------------------------------------------------------------

static void *queue_slot(const weir_queue *queue, size_t i) {
    size_t place = queue->first + i;
    if (place >= queue->options.capacity)
        place -= queue->options.capacity;
    return queue->ring + place * queue->options.item_size;
}

size_t wr_queue_close(weir_queue *queue) {
    wr_link fire;
    wr_list_init(&fire);
    wr_queue_lock_both(queue);
    if (queue->closed) {
        wr_queue_unlock_both(queue);
        return 0;
    }
    queue->closed = true;
    queue->refuses = true;
    // Nobody touches the ring any more, so it can be gone through unlocked.
    size_t left = queue->queued;
    queue->queued = 0;
    queue->dropped += left;
    wr_watches_take(&fire, &queue->receivers, SIZE_MAX);
    wr_watches_take(&fire, &queue->readable, SIZE_MAX);
    wr_watches_take(&fire, &queue->blocked, SIZE_MAX);
    wr_watches_take(&fire, &queue->writable, SIZE_MAX);
    wr_queue_unlock_both(queue);
    wr_watches_fire(&fire);
    if (queue->options.dropped != NULL)
        for (size_t i = 0; i < left; i++)
            queue->options.dropped(queue->options.context,
                                   queue_slot(queue, i));
    return left;
}

void weir_queue_close(weir_queue *queue) {
    if (wr_stream_enter(queue->pool) == 0)
        (void)wr_queue_close(queue);
}

void weir_queue_destroy(weir_queue *queue) {
    if (queue == NULL || wr_stream_enter(queue->pool) != 0)
        return;
    (void)wr_queue_close(queue);
    wr_mutex_lock(&queue->lock);
    wr_check(!queue->destroyed, "a queue is destroyed once");
    wr_check(queue->claimed == 0, "a queue outlives its drains");
    queue->destroyed = true;
    bool last = queue->senders == 0;
    wr_mutex_unlock(&queue->lock);
    if (last)
        queue_free(queue);
}

void wr_queue_sender_gone(weir_queue *queue) {
    wr_link fire;
    wr_list_init(&fire);
    wr_mutex_lock(&queue->lock);
    wr_assert(queue->senders > 0);
    queue->senders--;
    bool last = queue->senders == 0 && queue->destroyed;
    if (queue->senders == 0) {
        wr_watches_take(&fire, &queue->receivers, SIZE_MAX);
        wr_watches_take(&fire, &queue->readable, SIZE_MAX);
    }
    wr_mutex_unlock(&queue->lock);
    if (last)
        queue_free(queue);
    // They are on the stacks of those that wait, not in the queue.
    wr_watches_fire(&fire);
}

// ---- receiving -------------------------------------------------------------

// `count` places are free again.
static void queue_free_locked(weir_queue *queue, size_t count, wr_link *fire) {
    queue->freed += count;
    wr_watches_take(fire, &queue->blocked, count);
    wr_watches_take(fire, &queue->writable, SIZE_MAX);
}

// Copies the oldest items out, at most count_max.
static size_t queue_take_locked(weir_queue *queue, void *items,
                                size_t count_max) {
    size_t count = queue->queued < count_max ? queue->queued : count_max;
    if (count == 0)
        return 0;
    size_t size = queue->options.item_size;
    size_t to_end = queue->options.capacity - queue->first;
    if (count < to_end) {
        wr_copy(items, queue->ring + queue->first * size, count * size);
        queue->first += count;
    } else {
        memcpy(items, queue->ring + queue->first * size, to_end * size);
        memcpy((unsigned char *)items + to_end * size, queue->ring,
               (count - to_end) * size);
        queue->first = count - to_end;
    }
    queue->queued -= count;
    queue->received += count;
    return count;
}

static int queue_empty_error(const weir_queue *queue) {
    return queue->closed || queue->senders == 0 ? -EPIPE : -EAGAIN;
}

// What was sent is asked for only when there is less than is wanted.
static void queue_look_locked(weir_queue *queue, size_t count_max) {
    if (queue->queued >= count_max)
        return;
    wr_mutex_unlock(&queue->lock);
    wr_queue_lock_both(queue);
    wr_mutex_unlock(&queue->send_lock);
}

// Nothing is there: links the watch, unless something is there after all.
// False: look again.
static bool queue_link_receiver(weir_queue *queue, weir_watch *waiter) {
    wr_queue_lock_both(queue);
    bool empty = queue->queued == 0 && queue_empty_error(queue) == -EAGAIN;
    if (empty) {
        wr_list_push_back(&queue->receivers, &wr_watch_of(waiter)->link);
        queue->wanted = true;
        queue->receives_waited++;
    }
    wr_queue_unlock_both(queue);
    return empty;
}

// One attempt: 0, -EAGAIN or -EPIPE.
static int queue_receive_once(weir_queue *queue, void *items, size_t count_max,
                              size_t *received) {
    wr_link fire;
    wr_list_init(&fire);
    wr_mutex_lock(&queue->lock);
    queue_look_locked(queue, count_max);
    size_t count = queue_take_locked(queue, items, count_max);
    int error = 0;
    if (count > 0)
        queue_free_locked(queue, count, &fire);
    else
        error = queue_empty_error(queue);
    wr_mutex_unlock(&queue->lock);
    wr_watches_fire(&fire);
    if (count > 0)
        *received = count;
    return error;
}

int weir_queue_receive_batch(weir_queue *queue, void *items, size_t count_max,
                             size_t *received, int64_t deadline_ns) {
    int error = wr_stream_enter(queue->pool);
    if (error != 0)
        return error;
    if (count_max == 0)
        return -EINVAL;
    for (;;) {
        error = queue_receive_once(queue, items, count_max, received);
        if (error != -EAGAIN)
            return error;
        weir_watch waiter;
        (void)wr_watch_init(&waiter, queue->pool, &queue->lock, NULL);
        if (!queue_link_receiver(queue, &waiter))
            continue;
        error = wr_watch_wait(&waiter, deadline_ns);
        if (error != 0)
            return error;
    }
}

int weir_queue_receive(weir_queue *queue, void *item, int64_t deadline_ns) {
    size_t received;
    return weir_queue_receive_batch(queue, item, 1, &received, deadline_ns);
}

int weir_queue_try_receive(weir_queue *queue, void *item) {
    int error = wr_stream_enter(queue->pool);
    if (error != 0)
        return error;
    size_t received;
    return queue_receive_once(queue, item, 1, &received);
}

void wr_queue_watch(weir_queue *queue, weir_watch *watch) {
    wr_queue_lock_both(queue);
    bool now = queue->queued > 0 || queue_empty_error(queue) == -EPIPE;
    if (!now) {
        wr_list_push_back(&queue->readable, &wr_watch_of(watch)->link);
        queue->wanted = true;
    }
    wr_queue_unlock_both(queue);
    if (now)
        wr_watch_fire(watch);
}

int weir_queue_on_readable(weir_queue *queue, weir_watch *watch,
                           weir_job *job) {
    int error = wr_stream_enter(queue->pool);
    if (error == 0)
        error = wr_watch_init(watch, queue->pool, &queue->lock, job);
    if (error == 0)
        wr_queue_watch(queue, watch);
    return error;
}

// ---- claiming: a drain -----------------------------------------------------

int wr_queue_claim(weir_queue *queue, void *items, size_t count_max,
                   size_t share, size_t *count) {
    wr_queue_lock_both(queue);
    wr_mutex_unlock(&queue->send_lock);
    // What is there is shared out among those that could take it.
    size_t fair = (queue->queued + share - 1) / share;
    size_t taken =
        queue_take_locked(queue, items, fair < count_max ? fair : count_max);
    queue->claimed += taken;
    int error = taken > 0 ? 0 : queue_empty_error(queue);
    wr_mutex_unlock(&queue->lock);
    if (error == 0)
        *count = taken;
    return error;
}

void wr_queue_release(weir_queue *queue, size_t count) {
    wr_link fire;
    wr_list_init(&fire);
    wr_mutex_lock(&queue->lock);
    wr_assert(queue->claimed >= count);
    queue->claimed -= count;
    queue_free_locked(queue, count, &fire);
    wr_mutex_unlock(&queue->lock);
    wr_watches_fire(&fire);
}

// ---- counts ----------------------------------------------------------------

int weir_queue_count(weir_queue *queue, weir_queue_counts *counts) {
    int error = wr_stream_enter(queue->pool);
    if (error != 0)
        return error;
    wr_queue_lock_both(queue);
    weir_queue_counts now = {
        .capacity = queue->options.capacity,
        .queued = queue->queued,
        .claimed = queue->claimed,
        .highest = queue->highest,
        .sent = queue->sent,
        .received = queue->received,
        .dropped = queue->dropped,
        .sends_waited = queue->sends_waited,
        .receives_waited = queue->receives_waited,
        .senders = queue->senders,
    };
    wr_queue_unlock_both(queue);
    return wr_out_copy(counts, &now, sizeof(now));
}

// SPDX-License-Identifier: MIT
// The sending side of a queue: one producer, or several by name.
#include "stream/internal.h"

#include "base/fault.h"

#include <string.h>

// Copies in as many of the items as there is room for. Under send_lock.
static size_t queue_fill_locked(weir_queue *queue, const unsigned char *items,
                                size_t count) {
    if (count > queue->room)
        count = queue->room;
    if (count == 0)
        return 0;
    size_t capacity = queue->options.capacity;
    size_t size = queue->options.item_size;
    size_t to_end = capacity - queue->place;
    if (count < to_end) {
        wr_copy(queue->ring + queue->place * size, items, count * size);
        queue->place += count;
    } else {
        memcpy(queue->ring + queue->place * size, items, to_end * size);
        memcpy(queue->ring, items + to_end * size, (count - to_end) * size);
        queue->place = count - to_end;
    }
    queue->room -= count;
    queue->pushed += count;
    queue->sent += count;
    if (capacity - queue->room > queue->highest)
        queue->highest = capacity - queue->room;
    return count;
}

// Law 7: one producer. Under the lock, so that a second one is seen for sure.
static void sender_check_locked(weir_sender *sender, uintptr_t caller) {
    if (sender->owner == 0)
        sender->owner = caller;
    wr_check(sender->owner == caller,
             "a weir_sender is used by one thread; see weir_sender_hand_over");
}

static const unsigned char *queue_unsent(const weir_queue *queue,
                                         const void *items, size_t sent) {
    return (const unsigned char *)items + sent * queue->options.item_size;
}

// The usual case: the sender's lock alone. Returns 0 (all are sent), -EPIPE,
// or -EAGAIN (some are unsent, or somebody is to be told).
static int queue_put_fast(weir_queue *queue, weir_sender *sender,
                          const void *items, size_t count, size_t *sent) {
    uintptr_t caller = sender != NULL ? wr_caller_id(queue->pool) : 0;
    wr_mutex_lock(&queue->send_lock);
    if (sender != NULL)
        sender_check_locked(sender, caller);
    int error = queue->refuses ? -EPIPE : -EAGAIN;
    if (error == -EAGAIN) {
        *sent += queue_fill_locked(queue, queue_unsent(queue, items, *sent),
                                   count - *sent);
        if (*sent == count && !queue->wanted)
            error = 0;
    }
    wr_mutex_unlock(&queue->send_lock);
    return error;
}

// With both locks: there may be room that senders do not know of, and
// receivers that wait. `told` items were sent already. What does not fit leaves
// `waiter`, if any, linked.
static int queue_put_slow(weir_queue *queue, const void *items, size_t count,
                          size_t *sent, size_t told, weir_watch *waiter) {
    wr_link fire;
    wr_list_init(&fire);
    wr_queue_lock_both(queue);
    int error = queue->refuses ? -EPIPE : 0;
    if (error == 0) {
        size_t done = queue_fill_locked(
            queue, queue_unsent(queue, items, *sent), count - *sent);
        *sent += done;
        wr_queue_tell_both(queue, told + done, &fire);
        if (*sent < count)
            error = -EAGAIN;
    } else if (*sent == count) {
        error = 0; // all were in before it closed
    }
    if (error == -EAGAIN && waiter != NULL) {
        wr_list_push_back(&queue->blocked, &wr_watch_of(waiter)->link);
        queue->sends_waited++;
    }
    wr_queue_unlock_both(queue);
    wr_watches_fire(&fire);
    return error;
}

int wr_queue_put(weir_queue *queue, weir_sender *sender, const void *items,
                 size_t count, size_t *sent, int64_t deadline_ns, bool wait) {
    *sent = 0;
    int error = wr_stream_enter(queue->pool);
    if (error != 0)
        return error;
    error = queue_put_fast(queue, sender, items, count, sent);
    if (error != -EAGAIN)
        return error;
    error = queue_put_slow(queue, items, count, sent, *sent, NULL);
    while (error == -EAGAIN && wait) {
        weir_watch waiter;
        (void)wr_watch_init(&waiter, queue->pool, &queue->lock, NULL);
        error = queue_put_slow(queue, items, count, sent, 0, &waiter);
        if (error != -EAGAIN)
            break;
        int waited = wr_watch_wait(&waiter, deadline_ns);
        if (waited != 0)
            return waited;
        error = queue_put_slow(queue, items, count, sent, 0, NULL);
    }
    return error;
}

int wr_queue_watch_writable(weir_queue *queue, weir_watch *watch,
                            weir_job *job) {
    int error = wr_stream_enter(queue->pool);
    if (error == 0)
        error = wr_watch_init(watch, queue->pool, &queue->lock, job);
    if (error != 0)
        return error;
    wr_queue_lock_both(queue);
    bool now = queue->refuses || queue->room > 0;
    if (!now)
        wr_list_push_back(&queue->writable, &wr_watch_of(watch)->link);
    wr_queue_unlock_both(queue);
    if (now)
        wr_watch_fire(watch);
    return 0;
}

// ---- one producer ----------------------------------------------------------

int weir_sender_send(weir_sender *sender, const void *item,
                     int64_t deadline_ns) {
    size_t sent;
    return wr_queue_put(sender->queue, sender, item, 1, &sent, deadline_ns,
                        true);
}

int weir_sender_try_send(weir_sender *sender, const void *item) {
    size_t sent;
    return wr_queue_put(sender->queue, sender, item, 1, &sent, 0, false);
}

int weir_sender_send_batch(weir_sender *sender, const void *items, size_t count,
                           size_t *sent, int64_t deadline_ns) {
    return wr_queue_put(sender->queue, sender, items, count, sent, deadline_ns,
                        true);
}

int weir_sender_try_send_batch(weir_sender *sender, const void *items,
                               size_t count, size_t *sent) {
    return wr_queue_put(sender->queue, sender, items, count, sent, 0, false);
}

void weir_sender_hand_over(weir_sender *sender) {
    weir_queue *queue = sender->queue;
    if (wr_stream_enter(queue->pool) != 0)
        return;
    wr_mutex_lock(&queue->send_lock);
    sender->owner = 0;
    wr_mutex_unlock(&queue->send_lock);
}

void weir_sender_drop(weir_sender *sender) {
    if (sender != NULL && wr_stream_enter(sender->queue->pool) == 0)
        wr_queue_sender_gone(sender->queue);
}

int weir_sender_on_writable(weir_sender *sender, weir_watch *watch,
                            weir_job *job) {
    return wr_queue_watch_writable(sender->queue, watch, job);
}

// ---- several ---------------------------------------------------------------

int weir_shared_sender_send(weir_shared_sender *sender, const void *item,
                            int64_t deadline_ns) {
    size_t sent;
    return wr_queue_put(sender->queue, NULL, item, 1, &sent, deadline_ns, true);
}

int weir_shared_sender_try_send(weir_shared_sender *sender, const void *item) {
    size_t sent;
    return wr_queue_put(sender->queue, NULL, item, 1, &sent, 0, false);
}

int weir_shared_sender_send_batch(weir_shared_sender *sender, const void *items,
                                  size_t count, size_t *sent,
                                  int64_t deadline_ns) {
    return wr_queue_put(sender->queue, NULL, items, count, sent, deadline_ns,
                        true);
}

int weir_shared_sender_try_send_batch(weir_shared_sender *sender,
                                      const void *items, size_t count,
                                      size_t *sent) {
    return wr_queue_put(sender->queue, NULL, items, count, sent, 0, false);
}

int weir_shared_sender_on_writable(weir_shared_sender *sender,
                                   weir_watch *watch, weir_job *job) {
    return wr_queue_watch_writable(sender->queue, watch, job);
}

int weir_shared_sender_clone(weir_shared_sender *sender,
                             weir_shared_sender **out) {
    weir_queue *queue = sender->queue;
    int error = wr_stream_enter(queue->pool);
    if (error != 0)
        return error;
    weir_shared_sender *handle = wr_malloc(sizeof(*handle));
    if (handle == NULL)
        return -ENOMEM;
    handle->queue = queue;
    wr_mutex_lock(&queue->lock);
    // The caller's handle keeps the queue alive, so this cannot be the first.
    wr_assert(queue->senders > 0);
    queue->senders++;
    wr_mutex_unlock(&queue->lock);
    *out = handle;
    return 0;
}

void weir_shared_sender_drop(weir_shared_sender *sender) {
    if (sender == NULL || wr_stream_enter(sender->queue->pool) != 0)
        return;
    wr_queue_sender_gone(sender->queue);
    wr_free(sender);
}

// SPDX-License-Identifier: MIT
// A queue's two sides with a lock each: nobody sleeps while there is an item,
// or room; nothing is lost, doubled or out of order; the last side frees it.
// Waits are on the pool's events, without its workers.
#include "model/models/rooms.h"
#include "weir/stream.h"

enum { CAPACITY = 1 };

static weir_queue *queue;
static weir_sender *sender;
static unsigned dropped;

static void drop_item(void *context, void *item) {
    (void)context;
    (void)item;
    dropped++;
}

static void make_queue(void) {
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = CAPACITY;
    options.dropped = drop_item;
    mc_bound("capacity 1");
    MC_CHECK(weir_queue_create(&queue, &sender, rooms_pool_without_workers(),
                               &options) == 0);
}

// Sends 1, 2, ..., up to what it was given.
static void *send_some(void *count) {
    int sent = 0;
    int error = 0;
    for (int i = 1; error == 0 && i <= *(int *)count; i++) {
        error = weir_sender_send(sender, &i, WEIR_FOREVER);
        sent += error == 0;
    }
    MC_CHECK(error == 0 || error == -EPIPE);
    weir_sender_drop(sender);
    *(int *)count = sent;
    return NULL;
}

static void all_that_was_sent_is_received_in_order(void) {
    make_queue();
    int count = 2;
    unsigned other = mc_spawn(send_some, &count);
    int item = 0;
    for (int i = 1; i <= 2; i++) {
        MC_CHECK(weir_queue_receive(queue, &item, WEIR_FOREVER) == 0);
        MC_CHECK(item == i);
    }
    MC_CHECK(weir_queue_receive(queue, &item, WEIR_FOREVER) == -EPIPE);
    (void)mc_join(other);
    weir_queue_destroy(queue);
    MC_CHECK(count == 2 && dropped == 0);
}

static void who_closes_frees_who_waits(void) {
    make_queue();
    int count = 2;
    unsigned other = mc_spawn(send_some, &count);
    int item = 0;
    MC_CHECK(weir_queue_receive(queue, &item, WEIR_FOREVER) == 0);
    MC_CHECK(item == 1);
    weir_queue_destroy(queue);
    (void)mc_join(other);
    MC_CHECK((unsigned)count == 1 + dropped);
    mc_outcome(dropped);
}

// The deadline and the item race; an item is never lost.
static void a_receive_that_times_out_takes_nothing(void) {
    make_queue();
    int count = 1;
    unsigned other = mc_spawn(send_some, &count);
    int item = 0;
    int error = weir_queue_receive(queue, &item, wr_now_ns() + 1);
    MC_CHECK(error == 0 || error == -ETIMEDOUT);
    if (error != 0)
        MC_CHECK(weir_queue_receive(queue, &item, WEIR_FOREVER) == 0);
    MC_CHECK(item == 1);
    (void)mc_join(other);
    weir_queue_destroy(queue);
}

// ---- several ---------------------------------------------------------------

static void *receive_one(void *item) {
    MC_CHECK(weir_queue_receive(queue, item, WEIR_FOREVER) == 0);
    return NULL;
}

static void each_item_wakes_a_receiver(void) {
    make_queue();
    int items[2] = {0, 0};
    unsigned a = mc_spawn(receive_one, &items[0]);
    unsigned b = mc_spawn(receive_one, &items[1]);
    int count = 2;
    (void)send_some(&count);
    (void)mc_join(a);
    (void)mc_join(b);
    MC_CHECK(items[0] + items[1] == 3 && items[0] != items[1]);
    weir_queue_destroy(queue);
}

static weir_shared_sender *shared;

static void *send_shared(void *item) {
    MC_CHECK(weir_shared_sender_send(shared, item, WEIR_FOREVER) == 0);
    return NULL;
}

static void each_free_place_wakes_a_sender(void) {
    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = CAPACITY;
    mc_bound("capacity 1");
    MC_CHECK(weir_queue_create_shared(
                 &queue, &shared, rooms_pool_without_workers(), &options) == 0);
    int items[2] = {1, 2};
    unsigned a = mc_spawn(send_shared, &items[0]);
    unsigned b = mc_spawn(send_shared, &items[1]);
    int sum = 0;
    for (int i = 0; i < 2; i++) {
        int item = 0;
        MC_CHECK(weir_queue_receive(queue, &item, WEIR_FOREVER) == 0);
        sum += item;
    }
    MC_CHECK(sum == 3);
    (void)mc_join(a);
    (void)mc_join(b);
    weir_shared_sender_drop(shared);
    weir_queue_destroy(queue);
}

static void *drop_sender(void *unused) {
    weir_sender_drop(sender);
    return unused;
}

static void the_last_side_to_go_frees_it(void) {
    make_queue();
    unsigned other = mc_spawn(drop_sender, NULL);
    weir_queue_destroy(queue);
    (void)mc_join(other);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

static const uint64_t drops[] = {0, 1, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    BOUNDED(all_that_was_sent_is_received_in_order, 3),
    {.name = "who_closes_frees_who_waits",
     .body = who_closes_frees_who_waits,
     .mode = MC_BOUNDED,
     .preemptions = 3,
     .outcomes = drops},
    {.name = "a_receive_that_times_out_takes_nothing",
     .body = a_receive_that_times_out_takes_nothing,
     .mode = MC_BOUNDED,
     .preemptions = 3,
     .timeouts = 1},
    BOUNDED(each_item_wakes_a_receiver, 1),
    BOUNDED(each_free_place_wakes_a_sender, 1),
    BOUNDED(the_last_side_to_go_frees_it, 3),
    {.name = NULL},
};

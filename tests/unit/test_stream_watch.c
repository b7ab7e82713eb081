// SPDX-License-Identifier: MIT
// Watches: being told that a queue is readable or writable, without waiting.
#include "support/stream.h"

// ---- watches ---------------------------------------------------------------

static void check_watch(weir_pool *pool, const work *w) {
    wait_idle(pool);
    check_ran(w, 0);
}

static void a_watch_tells_in_pool(weir_pool *pool) {
    weir_sender *sender;
    weir_queue *queue = queue_of(pool, 1, &sender);
    weir_watch watch;
    uint64_t item = 3;
    // Readable: an item comes; it is there; nothing will come.
    work w = work_of(0);
    CHECK_EQ(weir_queue_on_readable(queue, &watch, &w.job), 0);
    CHECK_EQ(weir_sender_try_send(sender, &item), 0);
    check_watch(pool, &w);
    w = work_of(0);
    CHECK_EQ(weir_queue_on_readable(queue, &watch, &w.job), 0);
    check_watch(pool, &w);
    // Writable: there is no room; the receiver makes some; there is.
    w = work_of(0);
    CHECK_EQ(weir_sender_on_writable(sender, &watch, &w.job), 0);
    CHECK_EQ(weir_queue_try_receive(queue, &item), 0);
    check_watch(pool, &w);
    w = work_of(0);
    CHECK_EQ(weir_sender_on_writable(sender, &watch, &w.job), 0);
    check_watch(pool, &w);
    w = work_of(0);
    CHECK_EQ(weir_queue_on_readable(queue, &watch, &w.job), 0);
    weir_sender_drop(sender);
    check_watch(pool, &w);
    CHECK_EQ(weir_watch_cancel(&watch), -EALREADY);
    weir_queue_destroy(queue);
}

static void a_watch_submits_its_job_when_it_is_true(void) {
    for_each_pool(a_watch_tells_in_pool);
}

static void a_watch_tells_of_a_closed_receiver(void) {
    weir_pool *pool = pool_of(1);
    weir_queue_options options = queue_options(1);
    weir_queue *queue;
    weir_shared_sender *sender;
    CHECK_EQ(weir_queue_create_shared(&queue, &sender, pool, &options), 0);
    uint64_t item = 3;
    CHECK_EQ(weir_shared_sender_try_send(sender, &item), 0);
    weir_watch watch;
    CHECK_EQ(weir_shared_sender_on_writable(sender, &watch, NULL), 0);
    int status;
    CHECK_EQ(weir_event_status(&watch.event, &status), -EAGAIN);
    weir_queue_close(queue);
    CHECK_EQ(weir_event_wait(&watch.event, WEIR_FOREVER, NULL), 0);
    weir_shared_sender_drop(sender);
    weir_queue_destroy(queue);
    pool_close(pool);
}

static void a_cancelled_watch_gives_the_job_back(void) {
    weir_pool *pool = pool_of(1);
    weir_sender *sender;
    weir_queue *queue = queue_of(pool, 1, &sender);
    weir_watch watch;
    work w = work_of(0);
    CHECK_EQ(weir_queue_on_readable(queue, &watch, &w.job), 0);
    CHECK_EQ(weir_watch_cancel(&watch), 0);
    uint64_t item = 1;
    CHECK_EQ(weir_sender_try_send(sender, &item), 0);
    wait_idle(pool);
    CHECK_EQ(w.ran, 0);
    CHECK_EQ(w.ended, 0);
    submit(pool, &w.job); // it is ours
    check_watch(pool, &w);
    weir_sender_drop(sender);
    weir_queue_destroy(queue);
    pool_close(pool);
}

static void a_watch_outlives_a_job_that_was_cancelled(void) {
    weir_pool *pool = pool_of(1);
    weir_sender *sender;
    weir_queue *queue = queue_of(pool, 1, &sender);
    weir_watch watch;
    work w = work_of(0);
    CHECK_EQ(weir_queue_on_readable(queue, &watch, &w.job), 0);
    CHECK_EQ(weir_cancel(pool, &w.job), 0);
    wait_idle(pool);
    check_not_run(&w, -ECANCELED);
    CHECK_EQ(weir_watch_cancel(&watch), 0);
    memset(&watch, 0xee, sizeof(watch)); // its memory goes
    weir_sender_drop(sender);
    weir_queue_destroy(queue);
    pool_close(pool);
}

static void a_stopped_pool_takes_no_watch_with_a_job(void) {
    weir_pool *pool = pool_of(1);
    weir_sender *sender;
    weir_queue *queue = queue_of(pool, 1, &sender);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    weir_watch watch;
    work w = work_of(0);
    CHECK_EQ(weir_queue_on_readable(queue, &watch, &w.job), -ESHUTDOWN);
    CHECK_EQ(weir_sender_on_writable(sender, &watch, &w.job), -ESHUTDOWN);
    weir_sender_drop(sender);
    weir_queue_destroy(queue);
    weir_pool_destroy(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_watch_submits_its_job_when_it_is_true",
         a_watch_submits_its_job_when_it_is_true},
        {"a_watch_tells_of_a_closed_receiver",
         a_watch_tells_of_a_closed_receiver},
        {"a_cancelled_watch_gives_the_job_back",
         a_cancelled_watch_gives_the_job_back},
        {"a_watch_outlives_a_job_that_was_cancelled",
         a_watch_outlives_a_job_that_was_cancelled},
        {"a_stopped_pool_takes_no_watch_with_a_job",
         a_stopped_pool_takes_no_watch_with_a_job},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

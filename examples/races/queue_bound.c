// SPDX-License-Identifier: MIT
// The bounded queue whose bound is not one.
//
//   queue_bound naive   a queue of 4, a dispatcher, two workers: all 10,000
//                       items get in while not one is finished
//   queue_bound weir    the same with a drain: 4 get in
//
// The naive queue is correct, and so is everything else in it. What breaks the
// bound is the dispatcher: it takes an item out of the queue, which makes room,
// and puts it into the workers' list, which has no bound. That list is often
// somebody else's: the task list of a thread pool. A producer that reads a
// socket then reads all of it into memory. In weir an item counts against the
// queue's capacity until its result is delivered.
#include <weir/stream.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOUND = 4, ITEMS = 10000, WORKERS = 2 };

// No item is finished before this opens.
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static int gate_is_open;

static void gate_pass(void) {
    pthread_mutex_lock(&gate_lock);
    while (!gate_is_open)
        pthread_cond_wait(&gate_changed, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
}

static void gate_open(void) {
    pthread_mutex_lock(&gate_lock);
    gate_is_open = 1;
    pthread_cond_broadcast(&gate_changed);
    pthread_mutex_unlock(&gate_lock);
}

// ---- naive -----------------------------------------------------------------

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int queue[BOUND], queued, sent_all;       // bounded, as promised
static int tasks[ITEMS], tasks_end, tasks_taken; // the workers' list
static int dispatched_all;

static void naive_send(int item) {
    pthread_mutex_lock(&lock);
    while (queued == BOUND)
        pthread_cond_wait(&changed, &lock);
    queue[queued++] = item;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void *naive_dispatch(void *unused) {
    pthread_mutex_lock(&lock);
    for (;;) {
        while (queued == 0 && !sent_all)
            pthread_cond_wait(&changed, &lock);
        if (queued == 0)
            break;
        tasks[tasks_end++] = queue[0]; // here the bound is lost
        memmove(queue, queue + 1, (size_t)--queued * sizeof(queue[0]));
        pthread_cond_broadcast(&changed);
    }
    dispatched_all = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *naive_work(void *unused) {
    for (;;) {
        pthread_mutex_lock(&lock);
        while (tasks_taken == tasks_end && !dispatched_all)
            pthread_cond_wait(&changed, &lock);
        int more = tasks_taken < tasks_end;
        tasks_taken += more;
        pthread_mutex_unlock(&lock);
        if (!more)
            return unused;
        gate_pass();
    }
}

static int naive(void) {
    pthread_t threads[1 + WORKERS];
    for (int i = 0; i <= WORKERS; i++)
        if (pthread_create(&threads[i], NULL,
                           i == 0 ? naive_dispatch : naive_work, NULL) != 0)
            return -1;
    // With a bound this loop would stop at 4, or a few more in work, and the
    // gate below would never open.
    int admitted = 0;
    for (; admitted < ITEMS; admitted++)
        naive_send(admitted);
    gate_open();
    pthread_mutex_lock(&lock);
    sent_all = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i <= WORKERS; i++)
        pthread_join(threads[i], NULL);
    return admitted;
}

// ---- weir ------------------------------------------------------------------

static int work(weir_worker *self, void *context, uint64_t sequence, void *item,
                void *result) {
    (void)self, (void)context, (void)sequence, (void)item, (void)result;
    gate_pass();
    return 0;
}

static void check(int error) {
    if (error == 0)
        return;
    fprintf(stderr, "queue_bound: %s\n", weir_strerror(error));
    exit(2);
}

static int with_weir(void) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    pool_options.threads = WORKERS;
    weir_pool *pool;
    check(weir_pool_create(&pool, &pool_options));

    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = BOUND;
    weir_queue *bounded;
    weir_sender *sender;
    check(weir_queue_create(&bounded, &sender, pool, &options));

    weir_drain_options drain_options = WEIR_DRAIN_OPTIONS_INIT;
    drain_options.work = work;
    weir_drain *drain;
    check(weir_drain_start(&drain, pool, bounded, &drain_options));

    // Try for as long as it takes the workers to take all they can get.
    int admitted = 0;
    weir_queue_counts counts = {.size = sizeof(counts)};
    for (int tries = 0; tries < ITEMS || counts.claimed == 0; tries++) {
        int error = weir_sender_try_send(sender, &admitted);
        if (error != -EAGAIN) {
            check(error);
            admitted++;
        }
        check(weir_queue_count(bounded, &counts));
    }
    gate_open();
    weir_sender_drop(sender);
    weir_stream_report report = {.size = sizeof(report)};
    check(weir_drain_wait(drain, WEIR_FOREVER, &report));
    weir_drain_destroy(drain);
    weir_queue_destroy(bounded);
    weir_pool_destroy(pool);
    return (int)report.delivered == admitted ? admitted : -1;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: queue_bound naive|weir\n");
        return 2;
    }
    int admitted = is_naive ? naive() : with_weir();
    printf("%s: bound %d, admitted %d while nothing was finished\n", argv[1],
           BOUND, admitted);
    return admitted > BOUND ? 1 : admitted == BOUND ? 0 : 2;
}

// SPDX-License-Identifier: MIT
// One producer, a bounded queue, every worker squares, results in order.
#include <stdio.h>
#include <weir/stream.h>

static int square(weir_worker *self, void *context, uint64_t sequence,
                  void *item, void *result) {
    (void)self, (void)context, (void)sequence;
    int value = *(int *)item;
    *(int *)result = value * value;
    return 0;
}

static int print(weir_worker *self, void *context, uint64_t sequence,
                 void *results, size_t count) {
    (void)self, (void)context;
    for (size_t i = 0; i < count; i++)
        printf("%d: %d\n", (int)sequence + (int)i, ((int *)results)[i]);
    return 0;
}

static int fail(int error) {
    fprintf(stderr, "%s\n", weir_strerror(error));
    return 1;
}

int main(void) {
    weir_pool *pool;
    int error = weir_pool_create(&pool, NULL);
    if (error != 0)
        return fail(error);

    weir_queue_options options = WEIR_QUEUE_OPTIONS_INIT;
    options.item_size = sizeof(int);
    options.capacity = 4;
    weir_queue *queue;
    weir_sender *sender;
    error = weir_queue_create(&queue, &sender, pool, &options);
    if (error != 0)
        return fail(error);

    weir_drain_options how = WEIR_DRAIN_OPTIONS_INIT;
    how.work = square;
    how.deliver = print;
    how.result_size = sizeof(int);
    how.ordered = 1;
    weir_drain *drain;
    error = weir_drain_start(&drain, pool, queue, &how);
    if (error != 0)
        return fail(error);

    // Waits whenever four items are in the queue, in work, or not printed.
    for (int i = 0; i < 10 && error == 0; i++)
        error = weir_sender_send(sender, &i, WEIR_FOREVER);
    weir_sender_drop(sender); // nothing more will come

    weir_stream_report report = {.size = sizeof(report)};
    int waited = weir_drain_wait(drain, WEIR_FOREVER, &report);
    weir_drain_destroy(drain);
    weir_queue_destroy(queue);
    weir_pool_destroy(pool);
    return error != 0 || waited != 0 || report.delivered != 10;
}

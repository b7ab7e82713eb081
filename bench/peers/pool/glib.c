// SPDX-License-Identifier: MIT
// GLib's GThreadPool, exclusive, as a form of bench/pool.c.
#include "../../pool.h"

#include <glib.h>

static void work(gpointer data, gpointer unused) {
    (void)unused;
    task *t = data;
    t->run(t);
    if (t->done != NULL)
        t->done(t);
}

static void *open_pool(unsigned workers) {
    GThreadPool *pool =
        g_thread_pool_new(work, NULL, (gint)workers, TRUE, NULL);
    if (pool == NULL)
        bench_fail("g_thread_pool_new", workers);
    return pool;
}

static void submit(void *pool, task *t) { g_thread_pool_push(pool, t, NULL); }

static void close_pool(void *pool) { g_thread_pool_free(pool, FALSE, TRUE); }

const form bench_form = {.name = "glib",
                         .task_size = sizeof(task),
                         .outside = 1,
                         .stops = 1,
                         .open = open_pool,
                         .submit = submit,
                         .close = close_pool};

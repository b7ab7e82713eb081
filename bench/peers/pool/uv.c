// SPDX-License-Identifier: MIT
// libuv's pool as a form of bench/pool.c. Its jobs come from the thread of a
// loop and end there: it has no other way.
#include "../../pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

typedef struct uv_task {
    task head;
    uv_work_t work;
} uv_task;

static uv_loop_t loop;

static task *of_work(uv_work_t *work) {
    return (task *)(void *)((char *)work - offsetof(uv_task, work));
}

static void work(uv_work_t *w) {
    task *t = of_work(w);
    t->run(t);
}

static void after(uv_work_t *w, int status) {
    task *t = of_work(w);
    if (status != 0)
        bench_fail("a job's status", status);
    if (t->done != NULL)
        t->done(t);
}

static void *open_pool(unsigned workers) {
    char number[16];
    snprintf(number, sizeof(number), "%u", workers);
    if (setenv("UV_THREADPOOL_SIZE", number, 1) != 0 || uv_loop_init(&loop))
        bench_fail("uv_loop_init", workers);
    return &loop;
}

static void submit(void *pool, task *t) {
    int error = uv_queue_work(pool, &((uv_task *)(void *)t)->work, work, after);
    if (error != 0)
        bench_fail("uv_queue_work", error);
}

static void finish(void *pool) { uv_run(pool, UV_RUN_DEFAULT); }

static void close_pool(void *pool) {
    if (uv_loop_close(pool) != 0)
        bench_fail("uv_loop_close", 0);
}

const form bench_form = {.name = "libuv",
                         .task_size = sizeof(uv_task),
                         .open = open_pool,
                         .submit = submit,
                         .finish = finish,
                         .close = close_pool};

// SPDX-License-Identifier: MIT
// libuv as a form of bench/loop.c: its loop, and its own pool beside it.
#include "../loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

// ---- the loop --------------------------------------------------------------

static uv_loop_t loop;
static uv_poll_t watched;
static void (*watched_readable)(void);

void bench_uv_open(void) { bench_ok("uv_loop_init", uv_loop_init(&loop)); }

void *bench_uv_loop(void) { return &loop; }

static void readable(uv_poll_t *handle, int status, int events) {
    (void)handle, (void)events;
    bench_ok("poll", status);
    watched_readable();
}

void bench_uv_watch(int fd, void (*callback)(void)) {
    watched_readable = callback;
    bench_ok("uv_poll_init", uv_poll_init(&loop, &watched, fd));
    bench_ok("uv_poll_start", uv_poll_start(&watched, UV_READABLE, readable));
}

void bench_uv_run(void) { uv_run(&loop, UV_RUN_DEFAULT); }

void bench_uv_stop(void) { uv_stop(&loop); }

void bench_uv_close(void) {
    if (watched_readable != NULL)
        uv_close((uv_handle_t *)&watched, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_ok("uv_loop_close", uv_loop_close(&loop));
}

// ---- its own pool ----------------------------------------------------------

typedef struct uv_task {
    task head;
    uv_work_t work;
} uv_task;

static void open_own(unsigned threads) {
    if (threads > 0) {
        char number[16];
        snprintf(number, sizeof(number), "%u", threads);
        bench_ok("setenv", setenv("UV_THREADPOOL_SIZE", number, 1));
    }
    bench_uv_open();
}

static task *of_work(uv_work_t *work) {
    return (task *)(void *)((char *)work - offsetof(uv_task, work));
}

static void run(uv_work_t *work) {
    task *t = of_work(work);
    t->run(t);
}

static void done(uv_work_t *work, int status) {
    bench_ok("work", status);
    task *t = of_work(work);
    t->done(t);
}

static void submit(task *t) {
    uv_task *own = (uv_task *)(void *)t;
    bench_ok("uv_queue_work", uv_queue_work(&loop, &own->work, run, done));
}

const form bench_form_libuv = {
    .name = "libuv",
    .task_size = sizeof(uv_task),
    .open = open_own,
    .submit = submit,
    .watch = bench_uv_watch,
    .run = bench_uv_run,
    .stop = bench_uv_stop,
    .close = bench_uv_close,
};

// SPDX-License-Identifier: MIT
// weir beside libuv's loop, as forms of loop.c: called as uv_queue_work is,
// without a site and with one. And libuv as it comes.
#include "loop.h"

#include <weir/uv.h>

typedef struct weir_task {
    task head;
    weir_uv_work work;
} weir_task;

static const weir_site offload = WEIR_SITE_INIT("offload");

static weir_uv *weir;
static weir_pool *pool; // NULL: it has its own

static void open_loop(unsigned threads) {
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    if (threads > 0) {
        weir_pool_options wanted = WEIR_POOL_OPTIONS_INIT;
        wanted.threads = (int)threads;
        bench_ok("weir_pool_create", weir_pool_create(&pool, &wanted));
        options.pool = pool;
    }
    bench_uv_open();
    bench_ok("weir_uv_attach",
             weir_uv_attach(&weir, bench_uv_loop(), &options));
}

static void close_loop(void) {
    bench_ok("weir_uv_detach",
             weir_uv_detach(weir, WEIR_STOP_DRAIN, NULL, NULL));
    bench_uv_close();
    weir_pool_destroy(pool);
}

static task *of_work(weir_uv_work *work) {
    weir_task *own =
        (weir_task *)(void *)((char *)work - offsetof(weir_task, work));
    return &own->head;
}

static void run(weir_uv_work *work) {
    task *t = of_work(work);
    t->run(t);
}

static void done(weir_uv_work *work, int status) {
    bench_ok("work", status);
    task *t = of_work(work);
    t->done(t);
}

static void submit_at(task *t, const weir_site *site) {
    weir_uv_work *work = &((weir_task *)(void *)t)->work;
    bench_ok("weir_uv_queue_work_at",
             weir_uv_queue_work_at(weir, work, site, run, done));
}

static void submit(task *t) { submit_at(t, NULL); }

static void submit_offload(task *t) { submit_at(t, &offload); }

static const form plain = {
    "weir_uv",      sizeof(weir_task), open_loop,     submit,    NULL,
    bench_uv_watch, bench_uv_run,      bench_uv_stop, close_loop};
static const form sites = {
    "weir_uv_sites", sizeof(weir_task), open_loop,     submit_offload, NULL,
    bench_uv_watch,  bench_uv_run,      bench_uv_stop, close_loop};

const form *const forms[] = {&plain, &sites, &bench_form_libuv, NULL};

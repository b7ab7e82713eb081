// SPDX-License-Identifier: MIT
// weir beside a plain epoll loop, as forms of loop.c: without a site, with
// one, and with one that decides itself where its calls run.
#include "loop.h"

#include <sys/epoll.h>
#include <unistd.h>
#include <weir/loop.h>

typedef struct weir_task {
    task head;
    weir_call call;
} weir_task;

static const weir_site offload = WEIR_SITE_INIT("offload");
static const weir_site adaptive =
    WEIR_SITE_INIT_MODE("adaptive", WEIR_SITE_ADAPTIVE);

static weir_pool *pool;
static weir_loop *loop;
static int epoll;
static int stopped;
static void (*watched_readable)(void);

static void add(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    bench_ok("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void open_loop(unsigned threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads > 0 ? (int)threads : WEIR_THREADS_BESIDE_LOOP;
    bench_ok("weir_pool_create", weir_pool_create(&pool, &options));
    bench_ok("weir_loop_create", weir_loop_create(&loop, NULL));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        bench_fail("epoll_create1", epoll);
    add(weir_loop_fd(loop));
}

static void watch(int fd, void (*readable)(void)) {
    watched_readable = readable;
    add(fd);
}

static void run(void) {
    struct epoll_event events[4];
    for (stopped = 0;;) {
        int delivered = weir_loop_drain_spin(loop);
        if (delivered < 0)
            bench_fail("weir_loop_drain_spin", delivered);
        if (stopped)
            return;
        // Having done something, look for more before sleeping.
        int count = epoll_wait(epoll, events, 4, delivered > 0 ? 0 : -1);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd != weir_loop_fd(loop))
                watched_readable();
    }
}

static void stop(void) { stopped = 1; }

static void closed(weir_loop *which, void *context) {
    (void)which, (void)context;
    stop();
}

static void close_loop(void) {
    bench_ok("weir_loop_close",
             weir_loop_close(loop, WEIR_STOP_DRAIN, closed, NULL));
    run();
    weir_loop_destroy(loop);
    weir_pool_destroy(pool);
    close(epoll);
}

static weir_task *of_call(weir_call *call) {
    return (weir_task *)(void *)((char *)call - offsetof(weir_task, call));
}

static int run_call(weir_worker *self, weir_call *call) {
    (void)self;
    task *t = &of_call(call)->head;
    t->run(t);
    return 0;
}

static void done(weir_call *call, int status) {
    bench_ok("call", status);
    task *t = &of_call(call)->head;
    t->done(t);
}

static weir_call *prepare(task *t, const weir_site *site) {
    weir_call *call = &((weir_task *)(void *)t)->call;
    call->run = run_call;
    call->done = done;
    call->site = site;
    return call;
}

static void submit_at(task *t, const weir_site *site) {
    bench_ok("weir_call_submit",
             weir_call_submit(loop, pool, prepare(t, site)));
}

static void submit_all(task *first, size_t count) {
    weir_task *tasks = (weir_task *)(void *)first;
    weir_call *calls[500];
    size_t ready = 0;
    for (size_t i = 0; i < count; i++) {
        calls[ready++] = prepare(&tasks[i].head, NULL);
        if (ready < sizeof(calls) / sizeof(*calls) && i + 1 < count)
            continue;
        bench_ok("weir_call_submit_batch",
                 weir_call_submit_batch(loop, pool, calls, ready));
        ready = 0;
    }
}

static void submit(task *t) { submit_at(t, NULL); }

static void submit_offload(task *t) { submit_at(t, &offload); }

static void submit_adaptive(task *t) { submit_at(t, &adaptive); }

static const form plain = {
    "weir", sizeof(weir_task), open_loop, submit, submit_all, watch, run,
    stop,   close_loop};
static const form sites = {"weir_sites", sizeof(weir_task),
                           open_loop,    submit_offload,
                           NULL,         watch,
                           run,          stop,
                           close_loop};
static const form decides = {"weir_adaptive",
                             sizeof(weir_task),
                             open_loop,
                             submit_adaptive,
                             NULL,
                             watch,
                             run,
                             stop,
                             close_loop};

const form *const forms[] = {&plain, &sites, &decides, &bench_form_floor, NULL};

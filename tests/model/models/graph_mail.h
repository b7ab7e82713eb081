// SPDX-License-Identifier: MIT
// model/models/graph_mail.h: a group of processes whose processes are threads.
// The zygote and its keeper are not there (graph_keeper.c has them): a model
// wakes up for the bell itself.
#ifndef MODEL_GRAPH_MAIL_H
#define MODEL_GRAPH_MAIL_H

#include "model/models/graph_process.h"

#define start procs_start
#include "graph/procs.c"
#undef start

enum { PROCESSES = 2, PAYLOAD = 64 };

// ---- the world -------------------------------------------------------------

static weir_zygote zygote; // the program's
static weir_zygote copy;   // what the fork left of it to the processes
static weir_procs *group;
static worker workers[PROCESSES];
static unsigned threads[PROCESSES];

// One that looks once before it sleeps, as those do that have no CPU.
static void *process_main(void *own) {
    worker *self = own;
    if (setjmp(ways_out[mc_self()]) != 0)
        return NULL;
    say(self, WR_MAIL_READY);
    serve(self);
}

static void *ready_process_main(void *own) {
    worker *self = own;
    if (setjmp(ways_out[mc_self()]) != 0)
        return NULL;
    serve(self);
}

static void zygote_open(int (*kernel)(const weir_kernel_call *call),
                        unsigned cpus) {
    static wr_known_kernel known;
    known.run = kernel;
    zygote.cpus = cpus;
    zygote.known = &known;
    zygote.known_count = 1;
    zygote.watch = -1;
    wr_atomic_init(&zygote.next_look, UINT64_MAX);
    MC_CHECK(wr_forkmark_init(&zygote.mark) == 0);
    MC_CHECK(wr_wakefd_open(&zygote.bell) == 0);
    copy = zygote;
    copy.cpus = 1;
    wr_list_init(&zygote.to_reap);
    wr_list_init(&zygote.to_spawn);
}

// The keeper has seen that it is ready.
static void take_for_ready(wr_child *child) {
    child->state = WR_CHILD_READY;
    group->live++;
    group->starting--;
}

static void make_processes(size_t mail_bytes, bool ready) {
    for (uint32_t i = 0; i < group->children; i++) {
        child_init(group, i, mail_bytes);
        wr_child *child = &group->child[i];
        wr_child_mail_init(child);
        child->state = WR_CHILD_STARTING;
        child->watch = 1;
        if (ready)
            take_for_ready(child);
        workers[i] = (worker){.zygote = &copy,
                              .mail = child->mail,
                              .group = group->group,
                              .stride = group->stride,
                              .payload = group->payload,
                              .depth = group->depth,
                              .index = i};
        MC_CHECK(wr_forkmark_init(&workers[i].mark) == 0);
    }
}

// The keeper has made all of it; processes that are `ready` have said so.
static void world_open(int (*kernel)(const weir_kernel_call *call),
                       unsigned cpus, unsigned processes, unsigned depth,
                       bool ready) {
    static _Alignas(WR_CACHE_LINE) char memory[8192];
    static wr_place places[PROCESSES * TASKS];
    static wr_child child[PROCESSES];
    zygote_open(kernel, cpus);
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = processes;
    options.depth = depth;
    options.payload = PAYLOAD;
    size_t mail_bytes = wr_mailbox_bytes(PAYLOAD, depth);
    MC_CHECK(wr_page_size() + processes * mail_bytes <= sizeof(memory));
    group = procs_alloc(&zygote, &options);
    MC_CHECK(group != NULL && depth <= TASKS);
    group->child = child;
    group->places = places;
    group->memory = memory;
    group->group = (wr_mail_group *)(void *)memory;
    group->watched = true; // but no look is ever due: nothing may hang on one
    group->look_ns = INT64_MAX;
    make_processes(mail_bytes, ready);
}

static void start(unsigned process) {
    bool ready = group->child[process].state == WR_CHILD_READY;
    threads[process] =
        mc_spawn(ready ? ready_process_main : process_main, &workers[process]);
}

static int64_t limit_ns; // of the tasks that are submitted

static void submit_task(unsigned number) {
    make_task(number, limit_ns);
    MC_CHECK(submit(&group->endpoint, &tasks[number].ticket, 1) == 0);
}

// A turn of the keeper, without what it does for the zygote.
static bool keep(void) {
    bool gone = false;
    bool busy = false;
    (void)wr_procs_tend(group, &gone, &busy);
    return gone;
}

static void await_bell(void) {
    MC_CHECK(mo_wakefd_wait(&zygote.bell));
    wr_wakefd_clear(&zygote.bell);
}

ROOMS_OWN void keep_until_over(unsigned number) {
    while (!rooms_raised(&tasks[number].over)) {
        await_bell();
        (void)keep();
    }
}

// The part of `keep` that outcomes need, in fewer steps.
static void collect_until_over(unsigned number) {
    while (!rooms_raised(&tasks[number].over)) {
        await_bell();
        wr_store(&group->group->rung, 0, seq_cst, MAIL_4,
                 "before the look at all frames");
        (void)wr_procs_collect(group, true);
    }
}

static void world_free(void) {
    for (uint32_t i = 0; i < group->children; i++) {
        (void)mc_join(threads[i]);
        MC_CHECK(exits[threads[i]] == 0);
    }
    MC_CHECK(group->counts.in_flight == 0 && group->counts.queued == 0);
    wr_wakefd_close(&zygote.bell);
    wr_mutex_fini(&group->lock);
    wr_free(group);
}

// All processes are told to stop, and do.
ROOMS_OWN void world_close(void) {
    wr_mutex_lock(&group->lock);
    group->closing = true;
    wr_mutex_unlock(&group->lock);
    (void)keep();
    world_free();
}

// The same in fewer steps, where it is not what a case is about.
static void world_end(void) {
    for (uint32_t i = 0; i < group->children; i++) {
        wr_child *child = &group->child[i];
        wr_store(&child->mail->stop, 1, seq_cst, MAIL_6,
                 "before asleep is looked at");
        wr_child_wake(child);
    }
    world_free();
}

#endif

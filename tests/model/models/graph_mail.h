// SPDX-License-Identifier: MIT
// model/models/graph_mail.h: a group of processes whose processes are threads.
// Included once in a program: both sides are its own source, so that what they
// call of the system is a stand-in here. The zygote and its keeper are not
// there (graph_keeper.c has them): a model wakes up for the bell itself.
#ifndef MODEL_GRAPH_MAIL_H
#define MODEL_GRAPH_MAIL_H

#include "model/models/rooms.h"
#include "model/os.h"

#include <errno.h>
#include <setjmp.h>

static _Noreturn void process_exit(int status);
static ssize_t process_write(int fd, const void *bytes, size_t count);

#undef _exit
#define _exit process_exit
#define write process_write
#include "graph/child.c"
#undef write
#define start procs_start
#include "graph/procs.c"
#undef start

enum { MAIL_PROCESSES = 2, MAIL_TASKS = 2, MAIL_PAYLOAD = 64 };

// ---- a process -------------------------------------------------------------

static jmp_buf ends[MC_THREADS_MAX];

// The thread ends in place of the process.
static _Noreturn void process_exit(int status) {
    MC_CHECK(status == 0);
    longjmp(ends[mc_self()], 1);
}

static ssize_t process_write(int fd, const void *bytes, size_t count) {
    uint64_t one;
    MC_CHECK(count == sizeof(one));
    memcpy(&one, bytes, sizeof(one));
    MC_CHECK(one == 1);
    wr_wakefd_signal(&(wr_wakefd){.read_fd = fd, .write_fd = fd});
    return (ssize_t)count;
}

// ---- tasks -----------------------------------------------------------------

// All of it is plain but `over`: two at once are a race.
typedef struct mail_task {
    wr_ticket ticket;
    uint64_t argument;
    unsigned begun; // by the process that runs it
    wr_ending ending;
    unsigned claimed, ended;
    rooms_flag over;
} mail_task;

static mail_task tasks[MAIL_TASKS];

static mail_task *task_of(wr_ticket *ticket) {
    return wr_container_of(ticket, mail_task, ticket);
}

// The graph's answers (settle.c).
bool wr_ticket_claim(wr_ticket *ticket) {
    task_of(ticket)->claimed++;
    return true;
}

void wr_ticket_ended(wr_ticket *ticket, const wr_ending *ending) {
    mail_task *task = task_of(ticket);
    MC_CHECK(task->claimed == 1 && task->ended == 0);
    MC_CHECK(task->begun == !ending->unrun);
    task->ended++;
    task->ending = *ending;
    rooms_raise(&task->over);
}

void wr_ticket_unrun(wr_ticket *ticket, int status) {
    (void)ticket, (void)status;
    MC_CHECK(!"something was doomed");
}

static int begin(const weir_kernel_call *call) {
    uint64_t argument;
    MC_CHECK(call->number < MAIL_TASKS && call->members == 1);
    MC_CHECK(call->arguments_size == sizeof(argument));
    memcpy(&argument, call->arguments, sizeof(argument));
    MC_CHECK(argument == 100 + call->number);
    tasks[call->number].begun++;
    return 0;
}

// ---- the world -------------------------------------------------------------

static weir_zygote zygote; // the program's
static weir_zygote copy;   // what the fork left of it to the processes
static weir_procs *group;
static worker workers[MAIL_PROCESSES];
static unsigned threads[MAIL_PROCESSES];

// One that looks once before it sleeps, as those do that have no CPU.
static void *process_main(void *own) {
    worker *self = own;
    if (setjmp(ends[mc_self()]) != 0)
        return NULL;
    say(self, WR_MAIL_READY);
    serve(self);
}

static void *ready_process_main(void *own) {
    worker *self = own;
    if (setjmp(ends[mc_self()]) != 0)
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

static void make_processes(size_t mail_bytes, bool ready) {
    for (uint32_t i = 0; i < group->children; i++) {
        child_init(group, i, mail_bytes);
        wr_child *child = &group->child[i];
        wr_child_mail_init(child);
        child->state = ready ? WR_CHILD_READY : WR_CHILD_STARTING;
        child->watch = 1;
        workers[i] = (worker){.zygote = &copy,
                              .mail = child->mail,
                              .group = group->group,
                              .stride = group->stride,
                              .payload = group->payload,
                              .depth = group->depth,
                              .index = i};
        MC_CHECK(wr_forkmark_init(&workers[i].mark) == 0);
    }
    if (ready) {
        group->live = group->children;
        group->starting = 0;
    }
}

// The keeper has made all of it; processes that are `ready` have said so.
static void world_open(int (*kernel)(const weir_kernel_call *call),
                       unsigned cpus, unsigned processes, unsigned depth,
                       bool ready) {
    static _Alignas(WR_CACHE_LINE) char memory[8192];
    static wr_place places[MAIL_PROCESSES * MAIL_TASKS];
    static wr_child child[MAIL_PROCESSES];
    zygote_open(kernel, cpus);
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = processes;
    options.depth = depth;
    options.payload = MAIL_PAYLOAD;
    size_t mail_bytes = wr_mailbox_bytes(MAIL_PAYLOAD, depth);
    MC_CHECK(wr_page_size() + processes * mail_bytes <= sizeof(memory));
    group = procs_alloc(&zygote, &options);
    MC_CHECK(group != NULL && depth <= MAIL_TASKS);
    group->child = child;
    group->places = places;
    group->memory = memory;
    group->group = (wr_mail_group *)(void *)memory;
    make_processes(mail_bytes, ready);
}

static void start(unsigned process) {
    bool ready = group->child[process].state == WR_CHILD_READY;
    threads[process] =
        mc_spawn(ready ? ready_process_main : process_main, &workers[process]);
}

static void submit_task(unsigned number) {
    static const weir_kernel known = {.name = "k"};
    mail_task *task = &tasks[number];
    task->argument = 100 + number;
    task->ticket = (wr_ticket){.kernel = &known,
                               .arguments = &task->argument,
                               .arguments_size = sizeof(task->argument),
                               .number = number,
                               .members = 1};
    MC_CHECK(submit(&group->endpoint, &task->ticket, 1) == 0);
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

static void keep_until_over(unsigned number) {
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

// All processes are told to stop, and do.
static void world_close(void) {
    wr_mutex_lock(&group->lock);
    group->closing = true;
    wr_mutex_unlock(&group->lock);
    (void)keep();
    for (uint32_t i = 0; i < group->children; i++)
        (void)mc_join(threads[i]);
    MC_CHECK(group->counts.in_flight == 0 && group->counts.queued == 0);
    wr_wakefd_close(&zygote.bell);
    wr_mutex_fini(&group->lock);
    wr_free(group);
}

#endif

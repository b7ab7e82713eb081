// SPDX-License-Identifier: MIT
// model/models/graph_process.h: a process as a thread, and the tasks that it
// runs. Included once in a program: child.c is its own source, so that what it
// calls of the system is a stand-in.
#ifndef MODEL_GRAPH_PROCESS_H
#define MODEL_GRAPH_PROCESS_H

#include "graph/procs_types.h"
#include "model/models/rooms.h"
#include "model/os.h"

#include <errno.h>
#include <setjmp.h>

static _Noreturn void process_exit(int status);
static ssize_t process_write(int fd, const void *bytes, size_t count);
static int process_follow(int parent);

#undef _exit
#define _exit process_exit
#define write process_write
#define wr_process_follow process_follow
#include "graph/child.c"
#undef write
#undef wr_process_follow

enum { TASKS = 2 };

// ---- a process -------------------------------------------------------------

static jmp_buf ways_out[MC_THREADS_MAX];
static int exits[MC_THREADS_MAX];

// The thread ends in place of the process.
static _Noreturn void process_exit(int status) {
    exits[mc_self()] = status;
    longjmp(ways_out[mc_self()], 1);
}

static ssize_t process_write(int fd, const void *bytes, size_t count) {
    uint64_t one;
    MC_CHECK(count == sizeof(one));
    memcpy(&one, bytes, sizeof(one));
    MC_CHECK(one == 1);
    wr_wakefd_signal(&(wr_wakefd){.read_fd = fd, .write_fd = fd});
    return (ssize_t)count;
}

static int process_follow(int parent) {
    (void)parent;
    return 0;
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

static mail_task tasks[TASKS];

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
    mc_check_failed("nothing is doomed", __FILE__, __LINE__);
}

// What is to be run; arguments and number as `begin` wants them.
static void make_task(unsigned number, int64_t timeout_ns) {
    static const weir_kernel known = {.name = "k"};
    mail_task *task = &tasks[number];
    task->argument = 100 + number;
    task->ticket = (wr_ticket){.kernel = &known,
                               .arguments = &task->argument,
                               .arguments_size = sizeof(task->argument),
                               .number = number,
                               .timeout_ns = timeout_ns,
                               .members = 1};
}

static int begin(const weir_kernel_call *call) {
    uint64_t argument;
    MC_CHECK(call->number < TASKS && call->members == 1);
    MC_CHECK(call->arguments_size == sizeof(argument));
    memcpy(&argument, call->arguments, sizeof(argument));
    MC_CHECK(argument == 100 + call->number);
    tasks[call->number].begun++;
    return 0;
}

#endif

// SPDX-License-Identifier: MIT
// What the tests of zygotes and processes share: an owner of tickets that is no
// graph, kernels that do what nobody should, and looking at what is left of it
// all.
#ifndef TEST_PROCS_H
#define TEST_PROCS_H

#include "graph/endpoint.h"
#include "support/pool.h"
#include "weir/procs.h"

#include <fcntl.h>

// ---- an owner of tickets ---------------------------------------------------

enum { ERRAND_MEMBERS_MAX = 4 };

// One task, of one member or several. `ended` counts calls of wr_ticket_ended,
// or is the number of members after wr_ticket_unrun (then `unrun` is set).
typedef struct errand {
    wr_ticket ticket[ERRAND_MEMBERS_MAX];
    wr_ending endings[ERRAND_MEMBERS_MAX];
    wr_ending ending; // of the member that ended last
    char reason[WEIR_REASON_MAX];
    tally ended;
    tally claims;
    int withdrawn;                   // the claim says no
    int unrun;                       // never claimed
    void (*then)(struct errand *of); // called when it has ended, or NULL
    void *data[4];
} errand;

// The owner is found as a graph would be.
static inline errand *errand_of(wr_ticket *ticket) {
    return (errand *)(void *)ticket->graph;
}

static inline void errand_all_ended(errand *e) {
    uint32_t members = e->ticket->members; // with the last mark it is gone
    for (uint32_t i = 0; i < members; i++)
        mark_set(&e->ended);
}

bool wr_ticket_claim(wr_ticket *ticket) {
    errand *e = errand_of(ticket);
    tally_add(&e->claims);
    if (e->withdrawn)
        errand_all_ended(e);
    return !e->withdrawn;
}

void wr_ticket_ended(wr_ticket *ticket, const wr_ending *ending) {
    errand *e = errand_of(ticket);
    e->endings[ticket->member] = *ending;
    if (ticket->members == 1) {
        e->ending = *ending;
        snprintf(e->reason, sizeof(e->reason), "%s",
                 ending->reason == NULL ? "" : ending->reason);
    }
    if (e->then != NULL)
        e->then(e);
    mark_set(&e->ended);
}

void wr_ticket_unrun(wr_ticket *ticket, int status) {
    errand *e = errand_of(ticket);
    e->ending = (wr_ending){.status = status, .unrun = true};
    e->unrun = 1;
    errand_all_ended(e);
}

static inline bool errand_over(void *argument) {
    errand *e = argument;
    return wr_load(&e->ended, acquire, TEST_POOL_1,
                   "then the outcome may be read") >= e->ticket->members;
}

// Waits with the endpoint's help, or without.
static inline void errand_await(wr_endpoint *endpoint, errand *e) {
    while (!errand_over(e)) {
        if (endpoint != NULL)
            endpoint->ops->linger(endpoint, errand_over, e);
        sched_yield();
    }
}

static inline int errand_submit(wr_endpoint *endpoint, errand *e) {
    int error = endpoint->ops->check(endpoint, e->ticket);
    // Copied, as the graph does it.
    for (uint32_t i = 1; i < ERRAND_MEMBERS_MAX; i++)
        e->ticket[i].kernel_at = e->ticket->kernel_at;
    return error != 0
               ? error
               : endpoint->ops->submit(endpoint, e->ticket, e->ticket->members);
}

static inline int errand_run(wr_endpoint *endpoint, errand *e) {
    int error = errand_submit(endpoint, e);
    if (error == 0)
        errand_await(endpoint, e);
    return error;
}

// An errand with one address and no arguments.
static inline void errand_init_team(errand *e, const weir_kernel *kernel,
                                    void *data, uint32_t members) {
    static tally numbers;
    memset(e, 0, sizeof(*e));
    e->data[0] = data;
    uint64_t number = tally_add(&numbers);
    for (uint32_t i = 0; i < members; i++)
        e->ticket[i] = (wr_ticket){.kernel = kernel,
                                   .number = number,
                                   .graph = (weir_graph *)(void *)e,
                                   .data = e->data,
                                   .data_count = 1,
                                   .member = i,
                                   .members = members};
    tally_init(&e->ended);
    tally_init(&e->claims);
}

static inline void errand_init(errand *e, const weir_kernel *kernel,
                               void *data) {
    errand_init_team(e, kernel, data, 1);
}

// ---- what is left ----------------------------------------------------------

static inline int descriptors_open(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    CHECK(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

// The letter of the process's state: 'Z': only remains; 0: there is none.
static inline int process_state(int pid) {
    char path[32];
    char text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end == NULL ? 0 : name_end[2];
}

static inline int process_exists(int pid) {
    int state = process_state(pid);
    return state != 0 && state != 'Z' && state != 'X';
}

static inline void process_await_end(int pid) {
    while (process_exists(pid))
        sched_yield();
}

// Children of this process that it has not waited for.
static inline int has_children(void) {
    return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

#endif

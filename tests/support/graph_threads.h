// SPDX-License-Identifier: MIT
// What the tests of the endpoint of threads share: a graph that is none. It
// hands tickets to the endpoint, and says of each what the seam lets it say. A
// ticket that is gone is overwritten at once: whoever still looks at it, or
// writes to it, is found out.
#ifndef TEST_GRAPH_THREADS_H
#define TEST_GRAPH_THREADS_H

#include "graph/endpoint.h"
#include "support/pool.h"

#include <stdint.h>

enum { MEMBERS_MAX = 8, GONE = 0x5a };

// One task of the graph that is none.
typedef struct unit unit;
struct unit {
    wr_ticket tickets[MEMBERS_MAX];
    wr_threads *threads;
    weir_kernel kernel;
    uint32_t members;
    int32_t priority;
    bool withdrawn;        // claim says no
    void (*over)(unit *u); // it has ended in whatever way; or NULL
    void *context;
    tally meet; // members that have come to unit_meet
    weir_event met;
    tally begun;
    tally claims; // asked
    tally ended;
    tally unrun;
    tally overs;
    int unrun_status;
    wr_ending endings[MEMBERS_MAX];
    char reasons[MEMBERS_MAX][64];
};

static inline unit *unit_of(const wr_ticket *ticket) {
    return (unit *)(void *)ticket->task;
}

static inline unit *unit_called(const weir_kernel_call *call) {
    return (unit *)(uintptr_t)call->arguments;
}

static inline int unit_kernel(const weir_kernel_call *call) {
    tally_add(&unit_called(call)->begun);
    return 0;
}

static inline void unit_init(unit *u, wr_threads *threads, uint32_t members,
                             int (*run)(const weir_kernel_call *call)) {
    memset(u, 0, sizeof(*u));
    u->threads = threads;
    u->members = members;
    u->kernel = (weir_kernel){"unit", run != NULL ? run : unit_kernel};
}

static inline void unit_fill(unit *u) {
    memset(u->tickets, 0, sizeof(u->tickets));
    for (uint32_t i = 0; i < u->members; i++) {
        u->tickets[i].kernel = &u->kernel;
        u->tickets[i].arguments = u;
        u->tickets[i].graph = u->threads->graph;
        u->tickets[i].task = (struct wr_task *)(void *)u;
        u->tickets[i].member = i;
        u->tickets[i].members = u->members;
        u->tickets[i].priority = u->priority;
    }
}

static inline int unit_try(unit *u) {
    wr_endpoint *endpoint = &u->threads->endpoint;
    unit_fill(u);
    CHECK_EQ(endpoint->ops->check(endpoint, u->tickets), 0);
    return endpoint->ops->submit(endpoint, u->tickets, u->members);
}

static inline void unit_submit(unit *u) { CHECK_EQ(unit_try(u), 0); }

static inline void check_gone(const unit *u) {
    const unsigned char *byte = (const void *)u->tickets;
    for (size_t i = 0; i < u->members * sizeof(u->tickets[0]); i++)
        CHECK_EQ(byte[i], GONE);
}

static inline void check_unit_ran(const unit *u) {
    unit *mine = (unit *)(uintptr_t)u;
    CHECK_EQ(tally_get(&mine->claims), 1);
    CHECK_EQ(tally_get(&mine->ended), u->members);
    CHECK_EQ(tally_get(&mine->unrun), 0);
    CHECK_EQ(tally_get(&mine->overs), 1);
    check_gone(u);
}

static inline void check_unit_unrun(const unit *u, int status) {
    unit *mine = (unit *)(uintptr_t)u;
    CHECK_EQ(tally_get(&mine->begun), 0);
    CHECK_EQ(tally_get(&mine->ended), 0);
    CHECK_EQ(tally_get(&mine->unrun), 1);
    CHECK_EQ(tally_get(&mine->overs), 1);
    CHECK_EQ(u->unrun_status, status);
    check_gone(u);
}

static inline void unit_over(unit *u) {
    if (u->over != NULL)
        u->over(u);
    mark_set(&u->overs); // the last touch
}

static inline void unit_gone(unit *u) {
    memset(u->tickets, GONE, u->members * sizeof(u->tickets[0]));
}

// ---- what the endpoint calls -----------------------------------------------

bool wr_ticket_claim(wr_ticket *ticket) {
    unit *u = unit_of(ticket);
    CHECK_EQ(ticket->member, 0);
    tally_add(&u->claims);
    if (!u->withdrawn)
        return true;
    unit_gone(u);
    unit_over(u);
    return false;
}

void wr_ticket_ended(wr_ticket *ticket, const wr_ending *ending) {
    unit *u = unit_of(ticket);
    uint32_t member = ticket->member;
    uint32_t members = ticket->members;
    CHECK(weir_worker_self() != NULL);
    CHECK_EQ(weir_worker_index(weir_worker_self()), ending->worker);
    u->endings[member] = *ending;
    snprintf(u->reasons[member], sizeof(u->reasons[member]), "%s",
             ending->reason);
    memset(ticket, GONE, sizeof(*ticket));
    uint64_t before = wr_fetch_add(&u->ended, 1, acq_rel, TEST_THREADS_1,
                                   "the last sees what all did");
    if (before + 1 == members)
        unit_over(u);
}

void wr_ticket_unrun(wr_ticket *ticket, int status) {
    unit *u = unit_of(ticket);
    CHECK_EQ(ticket->member, 0);
    tally_add(&u->unrun);
    u->unrun_status = status;
    unit_gone(u);
    unit_over(u);
}

// ---- members ---------------------------------------------------------------

// unit_meet returns when all members have come, on pools with threads.
static inline void unit_meet(const weir_kernel_call *call) {
    unit *u = unit_called(call);
    tally_add(&u->meet);
    tally_await(&u->meet, call->members);
}

// The same, for deterministic pools too: a wait that the pool knows of. The
// event was made for all members.
static inline void unit_meet_event(const weir_kernel_call *call) {
    unit *u = unit_called(call);
    CHECK_EQ(weir_event_fire(&u->met, 0), 0);
    CHECK_EQ(weir_event_wait(&u->met, WEIR_FOREVER, NULL), 0);
}

static inline void unit_event(unit *u, weir_pool *pool) {
    weir_event_init(&u->met, pool, u->members);
}

#endif

// SPDX-License-Identifier: MIT
// A group of processes, as the program sees it. The protocols: procs.md.
#ifndef WR_GRAPH_PROCS_TYPES_H
#define WR_GRAPH_PROCS_TYPES_H

#include "graph/endpoint.h"
#include "graph/mailbox.h"
#include "graph/zygote.h"
#include "pool/trace.h"

typedef struct wr_child wr_child;

enum {
    WR_CHILDREN_MAX = 1024,
    WR_DEPTH_MAX = 64,
    WR_PAYLOAD_MAX = 1 << 20,
    WR_PROCS_PRIORITIES = 3,
    WR_PROCS_LOWEST_EVERY = 64, // picks between two of the lowest priority
    WR_SPAWN_TRIES = 3,         // in a row; then the group has one fewer
    WR_COLLECT_MAX = 4,         // outcomes with a reason at once
};

// A frame's other half, where no process can spoil it.
typedef struct wr_place {
    wr_child *child;
    wr_ticket *ticket;   // NULL: none
    uint64_t generation; // of the frame
} wr_place;

//   ABSENT --> WANTED --> ASKED --> STARTING --> READY --> KILLED
//     ^          ^          |           |          |         |
//     |          |          v           v          v         v
//     +----------+--------------------- DEAD <---------------+
typedef enum wr_child_state {
    WR_CHILD_ABSENT,   // no process, and none to come
    WR_CHILD_WANTED,   // in zygote->to_spawn
    WR_CHILD_ASKED,    // the zygote makes it
    WR_CHILD_STARTING, // is there
    WR_CHILD_READY,    // takes tasks
    WR_CHILD_KILLED,   // is there, but takes no more
    WR_CHILD_DEAD,     // has ended; in zygote->to_reap, or asked for
} wr_child_state;

typedef enum wr_kill_cause {
    WR_KILL_NONE,
    WR_KILL_OVERRAN,
    WR_KILL_BROKEN, // its mailbox said what cannot be
    WR_KILL_CLOSING,
} wr_kill_cause;

// Under procs->lock; states change on the keeper alone, but for READY to
// KILLED.
struct wr_child {
    weir_procs *procs;
    wr_mailbox *mail;
    wr_place *places;
    uint32_t index;
    wr_child_state state;
    uint64_t head;       // frames from head to tail have tasks
    uint64_t tail;       //
    uint64_t generation; // the last that was given
    bool reserved;       // for a group of tasks: gets no others
    int pid;             // or -1
    int watch;           // or -1
    wr_kill_cause cause;
    uint64_t overran; // generation of the frame that it was killed for
    uint32_t lost_at; // place whose task ended with the process...
    uint32_t lost;    // ...and how many follow, itself included
    // The keeper's own.
    bool ended;          // its descriptor has told so
    wr_link todo;        // in zygote->to_reap or to_spawn
    int64_t spawn_at_ns; // WANTED: not before
    unsigned failures;   // to start, in a row
};

enum { WR_PROCS_STARTING, WR_PROCS_UP, WR_PROCS_GONE }; // phase

struct weir_procs {
    wr_endpoint endpoint;
    weir_zygote *zygote;
    wr_link link; // in zygote->groups or arrivals
    uint32_t children;
    uint32_t depth;
    size_t payload;
    size_t stride;
    char name[16];
    weir_trace *trace;
    wr_trace_ring **rings;
    char *memory;         // shared: `group`, then mailboxes
    wr_mail_group *group; //

    wr_mutex lock; // of all that follows
    wr_child *child;
    wr_place *places;
    wr_link ready[WR_PROCS_PRIORITIES]; // tickets; of a group the first
    wr_link returned; // claimed members of groups whose process has died
    wr_link doomed;   // tickets, of a group the first: never to run
    wr_link finished; // tickets with an outcome (wr_outcome_note)
    wr_ticket *gang;  // the group that children are reserved for, or NULL
    uint32_t returned_count;
    uint32_t spinners;
    uint32_t live;     // children READY
    uint32_t starting; // children that were not READY yet, since create
    uint32_t absent;
    uint32_t timed; // frames with a time limit
    uint64_t picks;
    uint64_t submits;
    uint64_t sleeps; // of processes that are gone
    bool dispatching;
    bool again;
    bool dead; // nothing will run here any more
    bool closing;
    bool closing_begun;  // the keeper's own
    int64_t kill_all_ns; //
    uint64_t seen;       // submits; the keeper's own
    bool watched;        // the keeper looks now and then, though nobody rings
    uint64_t ran;        // tasks, at the last of those looks
    int64_t look_ns;     // when the next is due
    int error;           // why it was never UP
    weir_procs_counts counts;

    wr_atomic_u32 phase;
};

// What came of a ticket in `finished`, kept in its own memory.
typedef struct wr_outcome_note {
    int64_t begin_ns;
    int64_t end_ns;
    int32_t status;
    uint32_t worker;
    bool unrun;
} wr_outcome_note;

// Where a ticket is that was claimed and has no frame. Its address counts.
extern wr_place wr_place_claimed;

// procs_dispatch.c. The lock is held in those that end in _locked.
void wr_procs_dispatch(weir_procs *procs);
void wr_procs_dispatch_locked(weir_procs *procs);
// wr_procs_return_locked: a claimed ticket goes to the front of those ready.
void wr_procs_return_locked(weir_procs *procs, wr_ticket *ticket);
// wr_child_take_back_locked takes back all frames that were not started.
void wr_child_take_back_locked(wr_child *child);
// wr_procs_doom_locked: all that wait never run.
void wr_procs_doom_locked(weir_procs *procs);
void wr_child_wake(wr_child *child);

// procs_collect.c. wr_procs_collect hands on some outcomes: how many. If
// `wait` is false, none if another thread is at it.
size_t wr_procs_collect(weir_procs *procs, bool wait);
// wr_procs_gather_locked makes room in mailboxes: outcomes without a reason go
// to procs->finished, to be handed on by the next wr_procs_collect.
void wr_procs_gather_locked(weir_procs *procs);
void wr_procs_linger(weir_procs *procs, bool (*over)(void *argument),
                     void *argument);
// wr_procs_spin counts the threads that look for outcomes.
void wr_procs_spin_begin(weir_procs *procs);
uint64_t wr_procs_spin_end(weir_procs *procs); // submissions so far
// wr_child_kill_locked: no more frames for it; kills it.
void wr_child_kill_locked(wr_child *child, wr_kill_cause cause);

// procs_keeper.c. wr_zygote_disown kills a zygote that does not do what it is
// there for: what it says is not heard any more, nothing is asked, and all goes
// on as if it had died. On the keeper.
void wr_zygote_disown(weir_zygote *zygote);

// procs_death.c, on the keeper.
void wr_child_mail_init(wr_child *child);
void wr_child_ended(wr_child *child);
void wr_child_reaped(wr_child *child, int signal, int exit_status);
void wr_child_spawned(wr_child *child, int pid, int error);
void wr_procs_zygote_broken(weir_procs *procs);
// wr_procs_tend does all that is due; returns when it is to be called again at
// the latest. *gone says whether the group is gone; *busy becomes true if much
// comes back while much is submitted.
int64_t wr_procs_tend(weir_procs *procs, bool *gone, bool *busy);

static inline wr_mail_frame *wr_child_frame(const wr_child *child,
                                            uint64_t position) {
    return wr_mail_frame_at(child->mail, child->procs->stride,
                            position % child->procs->depth);
}

static inline wr_place *wr_child_place(const wr_child *child,
                                       uint64_t position) {
    return &child->places[position % child->procs->depth];
}

static inline uint64_t wr_child_used(const wr_child *child) {
    return child->tail - child->head;
}

static inline wr_ticket *wr_ticket_of_link(wr_link *link) {
    return (wr_ticket *)(void *)((char *)link - offsetof(wr_ticket, link));
}

#endif

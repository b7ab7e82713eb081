// SPDX-License-Identifier: MIT
// The data of the stream room, all of it. README.md beside this file has the
// protocols. Each object has one lock. Under it nothing of the pool is called,
// because a call into a deterministic pool may switch to a fiber that wants
// the same lock, and because hooks may call back; so what is to be fired or
// submitted is collected under the lock and done after it.
#ifndef WR_STREAM_TYPES_H
#define WR_STREAM_TYPES_H

#include "base/atomic.h"
#include "base/check.h"
#include "base/list.h"
#include "os/os.h"
#include "weir/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

typedef struct wr_watch wr_watch;
typedef struct wr_group wr_group;
typedef struct wr_stage wr_stage;
typedef struct wr_runner wr_runner;

// ---- watches ---------------------------------------------------------------

// Lives in weir_watch.weir_private. Linked in a list of the object it watches,
// under that object's lock; once somebody has taken it, to fire it, `link` is
// his.
struct wr_watch {
    wr_link link;
    wr_mutex *lock; // of the object
    weir_job *job;  // attached to the event, or NULL
    // Called in place of firing the event, or NULL. The watch may be set up
    // again as soon as it runs.
    void (*notify)(weir_watch *watch);
    bool taken; // somebody is about to fire it; under the lock
};

static_assert(sizeof(wr_watch) <= sizeof(((weir_watch *)0)->weir_private),
              "a watch's private words fit");

static inline wr_watch *wr_watch_of(weir_watch *watch) {
    return (wr_watch *)(void *)watch->weir_private;
}

static inline weir_watch *wr_watch_public(wr_watch *watch) {
    return wr_container_of(watch, weir_watch, weir_private);
}

// ---- queue -----------------------------------------------------------------

// The single producer's handle, part of the queue's memory.
struct weir_sender {
    weir_queue *queue;
    uintptr_t owner; // who sends, see wr_caller_id; 0: nobody. Under send_lock
};

// One of several; each has memory of its own.
struct weir_shared_sender {
    weir_queue *queue;
};

// A ring of `capacity` items with two locks, so that a sender and a receiver
// meet only when one of them has run out:
//
//      free, known to senders   sent, not told   known to receivers   freed
//   |<------- room ----------->|<--- pushed --->|<--- queued ------->|<--->|
//
// and `claimed` places whose item is out and still counts. Always
// room + pushed + queued + claimed + freed == capacity. Whoever runs out takes
// both locks and evens out: pushed goes to queued, freed to room.
// Lock order: lock, then send_lock.
struct weir_queue {
    // Read-only after create.
    weir_pool *pool;
    weir_queue_options options;
    unsigned char *ring;
    weir_sender sender; // of a queue with a single producer

    // Senders: under send_lock.
    _Alignas(WR_CACHE_LINE) wr_mutex send_lock;
    size_t place; // in the ring, of the next item
    size_t room;
    size_t pushed;
    uint64_t sent;
    size_t highest; // most that were not in room
    bool refuses;   // closed, as senders see it
    bool wanted; // receivers or readable may be not empty: changed under both

    // Receivers and the rest: under lock.
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    size_t first; // in the ring, of the oldest item
    size_t queued;
    size_t freed;
    size_t claimed;
    size_t senders; // handles; 0: nothing more will come
    bool closed;    // the receiving side takes no more
    bool destroyed; // and its handle is gone: the last sender frees
    // Four lists of wr_watch.link. A receiver links itself only while nothing
    // is queued or pushed, a sender only while nothing is free, so whoever is
    // linked is owed one wake per item (or place) that comes.
    wr_link receivers; // blocked in receive
    wr_link readable;  // watches
    wr_link blocked;   // blocked in send
    wr_link writable;  // watches
    uint64_t received;
    uint64_t dropped;
    uint64_t sends_waited;
    uint64_t receives_waited;
};

// ---- order -----------------------------------------------------------------

// Item n lies in slot n mod capacity; present[] says whether it does.
struct weir_order {
    // Read-only after create.
    size_t item_size;
    size_t capacity;

    // Everything else: under lock.
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    uint64_t next;    // the lowest sequence not taken
    uint64_t present; // items in the window
    uint64_t end;     // one more than the highest sequence ever put
    unsigned char *is_there;
    unsigned char *items;
};

// ---- pipeline --------------------------------------------------------------

// What a token's stage said about "later".
enum wr_later {
    WR_LATER_NO,      // not in a stage
    WR_LATER_RUNNING, // its stage runs, weir_token_finish may come
    WR_LATER_WAITING, // the stage returned WEIR_STAGE_LATER
    WR_LATER_FINISHED // weir_token_finish came before the stage returned
};

// A token belongs to whoever has its group; `later` and, while it is not NO,
// `status` are guarded by pipeline->lock. In a drain a token is touched only
// when it is lost; until then it is all zero but for group and index.
struct weir_token {
    wr_group *group;
    uint64_t sequence;
    int32_t status; // 0, or why it will not be delivered
    uint32_t index;
    uint8_t later;     // enum wr_later
    uint8_t seen;      // a function of the user's was called for it
    uint8_t failed;    // status is its own error
    uint8_t left_over; // drain: a result that deliver was not called with
    uint8_t padding[4];
};

static_assert(sizeof(weir_token) % 16 == 0, "token data is aligned to 16");

// A group is `batch` tokens that move as one.
//
//   free --> filled by the source --> [ready --> running --> parked] per stage
//    ^                                    (parked: a serial stage is taken, or
//    +----------- ended <-----------       a token is to be finished later)
//
// free, ready, parked: under pipeline->lock. running: the runner's alone, but
// for `pending` and `suspended`, which are always under the lock.
struct wr_group {
    wr_link link; // in pipeline->free, ->ready[stage] or stage->parked
    weir_pipeline *pipeline;
    uint64_t number; // groups in the order of the input: 0, 1, 2, ...
    uint64_t base;   // sequence of the first token
    size_t count;    // tokens that came in
    size_t at;       // the stage goes on with this one
    size_t pending;  // tokens that wait for weir_token_finish
    unsigned stage;
    bool suspended;         // nobody runs it until pending is 0
    bool lost;              // the status of some token is not 0
    weir_stage_counts ran;  // by this stage, to be added to its counts
    unsigned char *tokens;  // batch of them, pipeline->stride apart
    unsigned char *items;   // drain: batch items,
    unsigned char *results; // and their results
};

// How far a run of one group through one stage came.
typedef enum wr_progress {
    WR_PROGRESS_DONE,
    WR_PROGRESS_SUSPENDED, // the group may already be somebody else's
    WR_PROGRESS_EMPTY      // source of a drain: nothing to claim now
} wr_progress;

typedef wr_progress wr_stage_run(weir_worker *self, wr_group *group);

struct wr_stage {
    // Read-only after create.
    weir_stage user;
    wr_stage_run *run;

    // Under pipeline->lock.
    bool taken;       // serial: a group is in it, or ready for it
    uint64_t next;    // in order: the number of the group whose turn it is
    wr_link parked;   // serial: wr_group.link, as they came
    wr_group **slots; // in order: parked groups, at number mod groups_count
    weir_stage_counts counts;
};

// A runner is a job that takes ready groups through their stages.
struct wr_runner {
    weir_job job;
    wr_link link; // in pipeline->idle while the job is ours
    weir_pipeline *pipeline;
    bool began; // its run was called. pipeline->lock
};

struct weir_pipeline {
    // Read-only after create.
    weir_pool *pool;
    weir_pipeline_options options;
    wr_stage stages[WEIR_STAGES_MAX];
    unsigned stages_count;
    size_t batch;
    size_t groups_count;
    size_t stride; // bytes from token to token
    wr_group *groups;
    wr_group **slots; // of all stages
    wr_runner *runners;
    size_t runners_count;
    unsigned char *memory; // of tokens, or of items and results
    weir_drain *drain;     // whose engine this is, or NULL

    // Tokens from this sequence on are not wanted any more. Written under
    // lock, only ever lowered; read by anyone.
    _Alignas(WR_CACHE_LINE) wr_atomic_u64 cutoff;

    // Everything else: under lock.
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    // The memory goes with the last of these: the user's handle, jobs that are
    // the pool's (runners, anchor), a watch on a queue, threads that pump.
    size_t refs;
    bool started;
    bool source_done;   // no token will come in any more
    bool source_ended;  // and that because the input was at its end
    bool source_parked; // drain: waits for the queue to be readable
    bool handed;        // external source: a token is begun and not pushed
    bool stopped;       // cutoff was lowered
    bool close_queue;   // drain: and the queue is still to be closed
    bool no_pool;       // the pool refuses jobs: whoever comes runs groups
    bool settled;       // the anchor was taken back
    bool ended;         // the event has been, or is being, fired
    bool lost_any;      // report.error_sequence is set
    int32_t halt;       // 0, or why everything is to end
    uint64_t next_number;
    uint64_t next_sequence;         // also: how many tokens came in
    wr_group *current;              // external source: being filled
    wr_link free;                   // wr_group.link
    size_t live;                    // groups that are not free
    wr_link ready[WEIR_STAGES_MAX]; // wr_group.link, may run their stage
    size_t ready_count;
    size_t in_flight;
    size_t in_flight_highest;
    wr_link idle;     // wr_runner.link
    size_t pending;   // runners submitted that have not begun
    size_t executing; // threads that are taking groups through stages
    size_t executing_highest;
    size_t busy;     // threads that are about to come back to the lock
    wr_link helpers; // wr_watch.link: workers that wait for the end
    wr_link room;    // wr_watch.link: of the external source
    weir_stream_report report;

    weir_event finished;
    // Attached from start to end to an event that never happens: its deadline
    // is the pipeline's, and it learns when the pool is stopped.
    weir_job anchor;
    weir_event anchor_event;
};

static inline weir_token *wr_group_token(const wr_group *group, size_t i) {
    return (weir_token *)(void *)(group->tokens + i * group->pipeline->stride);
}

// ---- drain -----------------------------------------------------------------

// A drain is a pipeline whose source claims items from a queue.
struct weir_drain {
    // Read-only after start.
    weir_pipeline *pipeline;
    weir_queue *queue;
    weir_drain_options options;
    size_t item_size;
    size_t result_stride;

    weir_watch watch; // in the queue's list while the source is parked
};

#endif

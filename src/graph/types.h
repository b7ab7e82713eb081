// SPDX-License-Identifier: MIT
// The data of the graph, all of it but regions (region.h), rings (ring.h) and
// processes. README.md beside this file has the protocols. Lock order:
// graph->lock, then one task's lock, then graph->spare_lock. No lock is held
// when an endpoint, an event or the pool is called, but for the endpoints'
// check, reaches and tell.
#ifndef WR_GRAPH_TYPES_H
#define WR_GRAPH_TYPES_H

#include "base/atomic.h"
#include "base/check.h"
#include "base/list.h"
#include "base/refs.h"
#include "graph/endpoint.h"
#include "graph/region.h"
#include "graph/ring.h"
#include "graph/sizes.h"
#include "os/os.h"
#include "weir/graph.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

typedef struct wr_task wr_task;
typedef struct wr_cause wr_cause;
typedef struct wr_extent wr_extent;
typedef struct wr_round wr_round;
typedef struct wr_domain wr_domain;

enum {
    WR_TASK_HOT = 256,   // bytes of a task that each submission writes
    WR_INLINE_EDGES = 4, // of a task, without an allocation
    WR_INLINE_USES = 3,
    WR_INLINE_ARGUMENTS = 64,   // bytes
    WR_ARGUMENTS_MAX = 1 << 20, // bytes
    WR_FLOW_CREDIT = 64,        // tasks that a flow counts at a time
    WR_READERS_PRUNE = 8,       // a list of readers this long is looked through
};

// ---- causes ----------------------------------------------------------------

// Why data are missing: what came of the task where it began. Lives in that
// task, whose memory stays as long as anybody refers to it.
struct wr_cause {
    wr_refs refs;
    uint64_t number; // the task's
    int status;      // 0: it did not fail by itself
    int signal;
    int exit_status;
    const char *kernel;
    char *reason;   // allocated, or NULL
    bool cancelled; // it did not run: its flow was cancelled, or shut down
};

// ---- tasks -----------------------------------------------------------------

// BUILDING -> WAITING -> READY -> RUNNING -> ENDING -> DONE | FAILED -> SPARE
// WAITING ends in ENDING too, when something that the task depends on failed;
// READY, when its flow is cancelled. Each change away from READY is a
// compare-exchange: exactly one of dispatch and cancel wins.
enum wr_task_state {
    WR_TASK_SPARE,
    WR_TASK_BUILDING,
    WR_TASK_WAITING,
    WR_TASK_READY,
    WR_TASK_RUNNING,
    WR_TASK_ENDING, // one thread ends it
    WR_TASK_DONE,
    WR_TASK_FAILED,
};

// Why a task's memory is not spare. Bits of wr_task.holds.
enum {
    WR_HOLD_LIVE = 1,   // it has not ended
    WR_HOLD_HANDLE = 2, // weir_task_release was not called
    WR_HOLD_TICKET = 4, // an endpoint has its ticket
    WR_HOLD_CAUSE = 8,  // its cause is referred to
};

// One task waits for another. Lives in the task that waits.
typedef struct wr_edge wr_edge;
struct wr_edge {
    wr_edge *next; // in from's list
    wr_task *to;
    bool data; // a failure goes along
};

// What a task does with one piece of a buffer.
typedef struct wr_use {
    wr_extent *extent;
    wr_region *region; // NULL: UNORDERED
    uint32_t mode;
    wr_shape shape; // the region may be forgotten before the task ends
} wr_use;

// What every task needs comes first, in few cache lines: the thread that
// submits and the one that runs it hand each of them over. Beside each: its
// guard. "built": the thread that builds it, read-only afterwards. "ending":
// the thread that ends it.
struct wr_task {
    wr_atomic_u64 live_id; // id, while the task has not ended; else 0
    uint64_t id;           // lock; changes when the task becomes spare
    wr_edge *successors;   // lock
    wr_cause *failure;     // lock: refers to the cause with the lowest number
    weir_flow *flow;       // built
    wr_endpoint *endpoint; // built; NULL: nothing is run
    wr_ticket *tickets;    // built: &ticket, or those of a group
    wr_atomic_u32 state;   // enum wr_task_state
    wr_atomic_u32 pending; // edges not released, and one while BUILDING

    wr_atomic_u32 parts; // the kernel, and child flows that have not ended
    wr_atomic_u32 members_left;
    wr_atomic_u32 began; // 1: a kernel was called
    wr_mutex lock;
    uint32_t holds;      // lock
    uint32_t uses_count; // built
    wr_use *uses;        // built
    wr_edge *edges;      // built: where its own lie
    void *extra;         // built: what did not fit inline, or NULL
    wr_domain *domain;   // graph->lock: of its child flows, or NULL
    wr_task *next;       // in a list of what is to be ended, or of spare ones
    bool tracked; // built: has uses of heap or unordered buffers to give back
    bool cause_kept; // lock: its handle refers to its cause
    bool watched;    // lock: event was made: somebody waits, or did
    bool blamed;     // ending: cause was written
    bool ran;        // ending
    bool withdrawn;  // ending: cancelled while an endpoint has its ticket

    wr_ticket ticket; // built: of a single task

    // What most tasks need, without an allocation.
    _Alignas(16) unsigned char inline_arguments[WR_INLINE_ARGUMENTS];
    void *inline_data[WR_INLINE_USES];
    wr_edge inline_edges[WR_INLINE_EDGES];
    wr_use inline_uses[WR_INLINE_USES];

    weir_graph *graph; // for ever
    uint32_t index;    // for ever
    uint32_t seen_at;  // graph->lock: which of that submission's predecessors
    uint64_t seen;     // graph->lock: the submission that last found it
    unsigned depth;    // built: scopes that were open in its flow

    // Of few tasks.
    uint32_t failed_by; // lock: of a group: the lowest member that failed
    wr_cause cause;     // ending, or lock in a group: its own
    unsigned worker;    // ending, as the times: if somebody wants them
    int64_t begin_ns;
    int64_t end_ns;
    weir_event event; // lock
};

typedef struct wr_chunk {
    wr_task task[WR_CHUNK_TASKS];
} wr_chunk;

// ---- regions ---------------------------------------------------------------

// A task that is remembered: it may have ended, and its memory be another's.
typedef struct wr_mark {
    wr_task *task;   // NULL: none
    uint64_t id;     // that it had
    uint64_t number; //
} wr_mark;

// What is remembered about a region: who writes it last of those submitted, and
// who reads what that one writes. Hangs on wr_region.marks. graph->lock.
typedef struct wr_marks {
    wr_mark writer;
    wr_mark last; // the last that was writer, also if another covers it now
    wr_cause *missing; // refers to it: the data are not there; or NULL
    wr_mark *readers;
    uint32_t readers_count;
    uint32_t readers_room;
    uint64_t stamp;      // number of the submission that last named it
    uint32_t stamp_mode; // what for
    uint32_t pins;       // a submission under way names it
} wr_marks;

// ---- buffers ---------------------------------------------------------------

// A buffer. graph->lock.
struct wr_extent {
    uint64_t id;
    uint32_t index; // in graph->extents
    char *memory;
    size_t bytes;
    wr_regions *regions; // of flows without a parent; NULL: never named
    wr_refs uses; // tasks that name it and have not ended, as far as they are
                  // tracked; one while it is open
    bool closed;  // the handle is stale

    // Of the heap.
    weir_flow *flow; // whose scope it ends with; NULL: registered, or closed
    bool heap;
    wr_task *parent; // of that flow
    unsigned ring;
    unsigned depth;
    wr_link link; // in flow->extents, innermost scope last
    wr_block block;
};

// A slot of the table of handles.
typedef struct wr_handle {
    wr_extent *extent; // NULL: free
    uint32_t generation;
    uint32_t next_free;
} wr_handle;

// Regions as the flows of one task see them: they are ordered among themselves.
typedef struct wr_local {
    wr_extent *extent;
    wr_regions *regions;
} wr_local;

struct wr_domain {
    wr_local *locals;
    size_t count;
    size_t room;
};

// ---- flows -----------------------------------------------------------------

struct weir_flow {
    weir_graph *graph;
    wr_task *parent; // or NULL
    // refs: the handle, the work, the watch. Dropped under graph->lock.
    wr_refs refs;
    wr_refs outstanding; // tasks not ended, credit, and one until it is closed
    weir_event ended;
    weir_job watch;     // attached to ended: how the pool knows of the flow
    wr_atomic_u32 told; // 0, or the negated errno it was cancelled with
    wr_atomic_u32 has_ended;

    // graph->lock.
    wr_link link;    // in graph->flows
    uint64_t credit; // of outstanding, for tasks still to be submitted
    bool closed;
    bool released;
    unsigned base;   // depth at which its scopes begin
    unsigned depth;  // scopes open
    wr_link extents; // of the heap, open
    uint64_t failed; // lowest number of a task that failed; 0: none did
    bool failed_ran;
    wr_cause *failure; // refers to its cause
};

// ---- the graph -------------------------------------------------------------

// An allocation that waits, waits for the next round: something came back.
struct wr_round {
    weir_event event;
    wr_refs refs;
};

// What a submission collects before it changes anything.
typedef struct wr_before {
    wr_task *task;
    uint64_t id;
    uint64_t number;
    bool data;
} wr_before;

struct weir_graph {
    // Read-only after create.
    weir_graph_options options;
    weir_graph_observer observer; // all NULL: none
    bool observed;
    weir_pool *pool;
    wr_threads threads;
    char *heap; // or NULL
    size_t heap_bytes;

    wr_atomic_u32 stops; // grows with every flow that is cancelled

    // refs: the graph itself, flows until the last of them is gone, tickets
    // that were withdrawn.
    wr_refs refs;
    weir_event gone;

    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    uint64_t numbers; // of tasks submitted
    uint64_t stamps;  // of attempts to submit
    wr_link flows;
    wr_handle *extents;
    uint32_t extents_count; // handles ever made
    uint32_t extents_room;
    uint32_t extents_free; // first free one, UINT32_MAX: none
    uint64_t extents_open;
    wr_extent **ordered; // registered ones by address
    size_t ordered_count;
    size_t ordered_room;
    wr_ring rings[WEIR_GRAPH_RINGS];
    wr_round *round; // what allocations wait for, or NULL
    uint64_t heap_waits;
    wr_before *before; // scratch of a submission
    size_t before_room;
    wr_shape *shapes; // scratch: of a submission
    size_t shapes_room;
    wr_chunk **chunks;
    size_t chunks_count;
    size_t chunks_room;
    wr_task *mine;       // spare tasks
    uint32_t generation; // of the tasks of new chunks
    uint32_t extents_generation;
    uint64_t edges;
    uint64_t poisoned;
    uint64_t failed;
    uint64_t cancelled;
    wr_endpoint *waiting_for; // one that tasks were sent to and that lingers

    _Alignas(WR_CACHE_LINE) wr_mutex spare_lock;
    wr_task *spare; // given back by whoever ended them
};

#endif

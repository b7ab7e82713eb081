// SPDX-License-Identifier: MIT
// The data of the loop room, all of it. README.md beside this file has the
// protocols. Unless a group says otherwise a field is guarded by the loop's
// lock, loop->lock. Lock order: loop->lock, then a pool's locks or lane->lock,
// then loop->post_lock; never two loops' locks at once.
#ifndef WR_LOOP_TYPES_H
#define WR_LOOP_TYPES_H

#include "base/atomic.h"
#include "base/check.h"
#include "base/heap.h"
#include "base/histogram.h"
#include "base/list.h"
#include "os/os.h"
#include "weir/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>

typedef struct wr_call wr_call;
typedef struct wr_site_cell wr_site_cell;

enum {
    WR_DRAIN_CALLS = 1024,
    WR_DRAIN_NS = 1000 * 1000,
    WR_LOOP_SPIN_NS = 50 * 1000,
    WR_SPIN_REST = 16, // waits without a look, the first time: see drain.c
    WR_SITES_MAX = 64,
    WR_SITES_LIMIT = 65536,
    WR_LANE_THREADS = 64,
    WR_LANE_THREADS_LIMIT = 4096,
    WR_ADVICE_RUNS = 32,            // fewer runs: no advice
    WR_INLINE_RUNS = 16,            // fewer measured runs: never inline
    WR_INLINE_MEAN_NS = 100 * 1000, // longer on average: never inline
    WR_INLINE_MAX_NS = 250 * 1000,  // one of the recent ones longer: never
    WR_INLINE_RECENT = 32,          // how many are recent
    WR_INLINE_PENALTY = 64,         // calls offloaded after one was too long
    WR_INLINE_PENALTY_MAX = 1 << 20,
    WR_OFFLOAD_NS = 1000 * 1000, // inline runs longer than that: advice
};
#define WR_LANE_KEEP_NS INT64_C(10000000000)

// ---- calls -----------------------------------------------------------------

//   IDLE --submit--> AWAY --run ends, or ends without run--> ENDED --+
//    ^                 (in a pool's or a lane's hands)               |
//    +-------------- done is about to be called <--------------------+
//
// EXPECTED is AWAY for a call that weir_call_complete ends.
enum wr_call_state {
    WR_CALL_IDLE,
    WR_CALL_AWAY,
    WR_CALL_EXPECTED,
    WR_CALL_ENDED // link is in loop->ended or loop->taken
};

// Lives in weir_call.weir_private.
struct wr_call {
    weir_job job;        // on a pool
    wr_atomic_u32 state; // enum wr_call_state
    wr_atomic_u32 told;  // negated errno: weir_call_cancelled says it
    weir_loop *loop;
    weir_pool *pool;     // it is on one of the two, or NULL and NULL: expected,
    weir_lane *lane;     // inline
    wr_link link;        // in loop->ended, or lane->queue (lane->lock)
    wr_link all;         // in loop->calls from accepted to delivered
    wr_heap_node timer;  // in loop->timers while timed
    wr_site_cell *cell;  // or NULL
    void *captured;      // from hooks.capture
    void *pool_captured; // from the pool's, on its way there
    // Of the thread that runs it, until the outcome is posted.
    int (*next_run)(weir_worker *self, weir_call *call); // continuation
    int (*part)(weir_worker *self, weir_call *call);     // what runs now
    weir_pool *next_pool;
    weir_lane *next_lane;
    int64_t accepted_ns; // measured calls: when it was (re)queued
    int64_t queue_ns;    // sum over all parts
    int64_t run_ns;
    int64_t ended_ns;
    int64_t submitted_ns; // the first accepted_ns
    int32_t status;
    uint8_t outcome; // weir_outcome
    uint8_t ran;
    uint8_t timed;
    uint8_t inlined;
    uint8_t lane_running; // lane->lock: no longer in lane->queue
    uint8_t cancelled;    // weir_call_cancel came while it ran
};

static_assert(sizeof(wr_call) <= sizeof(((weir_call *)0)->weir_private),
              "a call's private words fit");

static inline wr_call *wr_call_of(weir_call *call) {
    return (wr_call *)(void *)call->weir_private;
}

static inline weir_call *wr_call_public(wr_call *call) {
    return wr_container_of(call, weir_call, weir_private);
}

// ---- sites -----------------------------------------------------------------

// What one loop knows of one site.
struct wr_site_cell {
    weir_site_stats stats; // loop->lock
    // The loop's thread alone: for WEIR_SITE_ADAPTIVE.
    uint64_t runs;
    int64_t mean_ns; // moving average of run
    int64_t recent_ns[WR_INLINE_RECENT];
    unsigned penalty;      // calls to offload before the next try
    unsigned penalty_next; // how many the next strike costs
};

// ---- loops -----------------------------------------------------------------

struct weir_loop {
    // Read-only after create.
    weir_loop_options options;
    weir_loop_hooks hooks;
    char name[32];
    wr_wakefd fd;
    wr_forkmark forkmark;

    // The thread that owns it: the address of something of that thread's.
    wr_atomic_ptr owner;

    // The loop's thread alone.
    unsigned drains;         // under way: 2 and more are nested inside done
    bool held;               // hold(1) was called last
    int64_t inline_ns;       // ran inline, by ADAPTIVE, since the last drain
    int64_t wait_began_ns;   // it went to look or sleep then; 0: it has not
    unsigned spin_missed;    // waits in a row that were too long to look
    int64_t spin_mean_ns;    // how long it took when looking paid; 0: never
    unsigned spin_vain;      // looks in vain in a row
    unsigned spin_rest;      // waits to go without a look after waking a worker
    unsigned spin_rest_next; // how many the next time
    bool woke; // a submit had to wake a worker since the last wait was over
    void (*closed)(weir_loop *loop, void *context);
    void *closed_context;

    wr_link taken; // wr_call.link: was in ended, is to be delivered

    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    wr_link calls;  // wr_call.all
    wr_heap timers; // wr_call.timer
    bool closing;
    bool close_over; // closed was, or is, called
    weir_stop_mode mode;
    uint64_t taken_count;
    weir_loop_counts counts; // but wakes and ended
    wr_site_cell *cells;     // sites_max of them, cells_count in use
    unsigned cells_count;
    unsigned *table; // index + 1 of the cell of a site, open addressing
    unsigned table_mask;

    // The mailbox: what threads that end calls share with the loop's thread,
    // which empties it whole.
    _Alignas(WR_CACHE_LINE) wr_mutex post_lock;
    wr_link ended;  // wr_call.link, in the order they ended
    bool armed;     // the consumer may be asleep: the next post writes the fd
    bool signalled; // the fd is readable
    uint64_t wakes; // times it was written
    // How many are in ended. Changed under post_lock, read without as a hint.
    wr_atomic_u32 ended_count;
};

// ---- lanes -----------------------------------------------------------------

typedef struct wr_lane_thread wr_lane_thread;

//   FREE --> STARTING --> LIVE --> LEFT --> STARTING or (joined) FREE
//
// The thread itself may be done before its starter knows that it exists:
// `handle` and `left` may come in either order, and it is joined after both.
struct wr_lane_thread {
    weir_lane *lane;
    wr_thread thread;
    unsigned index;
    wr_atomic_u32 wake; // changed under lane->lock, slept on without
    // lane->lock.
    wr_link idle;  // in lane->idle while it sleeps
    bool used;     // not FREE
    bool handle;   // `thread` is there to be joined
    bool left;     // it has left its loop
    bool fresh;    // it has not looked at the queue yet, or was woken
    wr_call *call; // that it runs
    int64_t since_ns;
};

struct weir_lane {
    // Read-only after create.
    weir_lane_options options;
    char name[16];
    wr_forkmark forkmark;
    wr_lane_thread *threads; // threads_max of them

    // Everything else: under lock.
    wr_mutex lock;
    wr_link queue; // wr_call.link
    wr_link idle;  // wr_lane_thread.idle; the last to fall asleep first
    bool stopping;
    weir_stop_mode mode;
    weir_lane_counts counts; // .threads: in their loop
    unsigned used;           // slots used and not left
    unsigned coming;         // threads that are `fresh`
    wr_atomic_u32 outside;   // changed when a thread leaves or starts: stop
};

#endif

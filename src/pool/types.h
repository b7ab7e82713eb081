// SPDX-License-Identifier: MIT
// The data of the pool, all of it. README.md beside this file has the
// protocols. Unless a group says otherwise a field is guarded by the pool's
// lock, pool->lock. Lock order: pool->lock, then one worker's deque_lock or
// burst_lock, or pool->arrivals_lock; budget->lock last; never two pools' locks
// at once.
#ifndef WR_POOL_TYPES_H
#define WR_POOL_TYPES_H

#include "base/atomic.h"
#include "base/check.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/random.h"
#include "os/os.h"
#include "pool/trace.h"
#include "weir/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

typedef struct wr_job wr_job;
typedef struct wr_scope wr_scope;
typedef struct wr_event wr_event;
typedef struct wr_frame wr_frame;
typedef struct wr_broadcast wr_broadcast;
typedef struct wr_run wr_run;

enum {
    WR_PRIORITIES = 3,
    WR_LOWEST_EVERY = 64, // inbox picks between two of the lowest priority
    WR_INBOX_EVERY = 16,  // picks between two that look at the inbox first
    WR_PREFETCH_BYTES = 448,
    WR_GATHER_EVERY = 16,    // inbox picks between two that look at arrivals
    WR_BURST_MAX = 32,       // jobs that a worker takes at once, with the first
    WR_BURST_LEAST = 4,      // a shorter burst is none
    WR_BURST_NS = 20 * 1000, // a burst that takes longer ends early
    WR_BURST_JOB_NS = 4 * 1000, // one of its jobs that does too
    WR_FORK_DEPTH = 4096,       // default of fork_depth
    WR_FORKS_OPEN = 4,   // open forks that a worker keeps for others, at most
    WR_FORKS_ENOUGH = 8, // not taken: enough for any pool, see fork.c
    WR_FORK_DEPTH_MAX = 1 << 24,
    WR_THREADS_MAX = 4096,
    WR_VIRTUAL_MAX = 64,
    WR_VIRTUAL_DEFAULT = 2,
    WR_FIBER_STACK = 256 * 1024, // bytes, default of the deterministic pool
    WR_OUTSIDE_SLOTS = 32,       // futex words that outside threads share
    WR_WAKES_MAX = 16,           // wakes held back until the lock is free
    WR_SPIN_NS = 100 * 1000,     // a searcher looks this long before it parks
    WR_SPIN_SHORT_NS = 5 * 1000, // the same, where that did not pay of late
    WR_SPIN_JOIN_NS = 50 * 1000, // whoever waits looks this long
    WR_SPIN_ROUNDS = 8,          // looks between two at the clock
    WR_SPIN_YIELD = 256,         // looks between two at other threads' turn
    WR_SPIN_PAYS_MAX = 3,        // see weir_worker.spin_pays
    WR_SLOW_NS = 100 * 1000 * 1000, // a job that runs longer is slow
};

// A deadline in pool->timers, of a job or of a scope.
typedef struct wr_timer {
    wr_heap_node node;
    bool of_scope;
} wr_timer;

// ---- jobs ------------------------------------------------------------------

//            +--> ATTACHED --+
//   IDLE ----+               +--> QUEUED --> RUNNING --+--> ENDED = IDLE again
//            +---------------+       |                 |
//                    \--> ENDING <---+-----------------+ (never: RUNNING)
//
// ENDING: ends without running, its done is still to be called. Every change
// is made under pool->lock, except to ENDED, which the worker that ends the
// job stores just before done, and from QUEUED to RUNNING in a burst.
enum wr_job_state {
    WR_JOB_IDLE,
    WR_JOB_ATTACHED, // link is in event->jobs
    WR_JOB_QUEUED,   // link is in pool->inbox[], pool->arrivals (its lock),
                     // worker->burst (its lock too), pool->gangs or
                     // scope->children; in none: it has a seat
    WR_JOB_ENDING,   // link is in pool->ending or scope->children
    WR_JOB_RUNNING,  // link is in no list
    WR_JOB_ENDED,    // it ran
    WR_JOB_ENDED_UNRUN
};

// Lives in weir_job.weir_private.
struct wr_job {
    wr_atomic_u32 state; // enum wr_job_state
    wr_link link;
    wr_timer timer; // in pool->timers while timed
    wr_atomic_ptr
        pool;        // where it was accepted; a cancel may look as it changes
    wr_scope *scope; // it is a child of, or NULL
    wr_event *event; // while ATTACHED
    void *captured;  // from hooks.capture
    void *call;      // the wr_run of weir_run, or NULL
    union {
        wr_frame *frame;                // while RUNNING
        bool (*claim)(weir_job *first); // of a gang, while QUEUED
    };
    uint64_t sequence; // in its scope: breaks ties of keys; members of its gang
    int64_t queued_ns; // 0: nobody wants to know
    int32_t status;    // while ENDING: what done will be told
    uint8_t timed;     // timer is in the heap
    uint8_t quiet;     // ended by stop_on_error: not an error of the scope
};

static_assert(sizeof(wr_job) <= sizeof(((weir_job *)0)->weir_private),
              "a job's private words fit");

static inline wr_job *wr_job_of(weir_job *job) {
    return (wr_job *)(void *)job->weir_private;
}

static inline weir_job *wr_job_public(wr_job *job) {
    return wr_container_of(job, weir_job, weir_private);
}

// ---- forks -----------------------------------------------------------------

//   private --opened by its owner--> OPEN --taken by a thief--> TAKEN --> DONE
//   INLINE: it ran in weir_fork_begin, the deque was full
// A private one has no state yet. OPEN and TAKEN: under the owner's deque_lock.
enum wr_fork_state {
    WR_FORK_OPEN,
    WR_FORK_TAKEN,
    WR_FORK_DONE,
    WR_FORK_INLINE
};

// A weir_fork as the pool sees it. Its user writes to it as a weir_fork, maybe
// in the same function, once links are optimized: neither may be moved past the
// other.
typedef struct __attribute__((may_alias)) wr_fork {
    weir_fork_function *function;
    // Set when it is opened, or INLINE.
    wr_frame *frame;     // it was begun in
    weir_worker *owner;  // began it, will join it
    wr_atomic_u32 state; // enum wr_fork_state
    uint32_t thief;      // index of the worker that took it
} wr_fork;

static_assert(sizeof(wr_fork) <= sizeof(weir_fork),
              "a fork's private words fit");

static inline wr_fork *wr_fork_of(weir_fork *fork) {
    return (wr_fork *)(void *)fork;
}

static inline weir_fork *wr_fork_public(wr_fork *fork) {
    return (weir_fork *)(void *)fork;
}

// What weir/fork.h sees of a worker, as weir_fork_ends.
typedef struct wr_fork_ends {
    weir_fork **head;
    wr_atomic_ptr limit;
    wr_atomic_ptr low;
    wr_atomic_ptr enough;
} wr_fork_ends;

static_assert(
    sizeof(wr_fork_ends) == sizeof(weir_fork_ends) &&
        offsetof(wr_fork_ends, limit) == offsetof(weir_fork_ends, limit) &&
        offsetof(wr_fork_ends, low) == offsetof(weir_fork_ends, low) &&
        offsetof(wr_fork_ends, enough) == offsetof(weir_fork_ends, enough),
    "the inline part sees the same words");

// ---- frames ----------------------------------------------------------------

// A frame is one thing that runs on a worker's stack: a job or a stolen fork.
// `below` goes down one stack; `parent` goes to the frame that the work
// descends from, maybe on another stack. A parent outlives its descendants,
// because it waits for them, so the links of live frames are always good. All
// but the last group is set before the frame is visible and never changes; a
// frame is linked and unlinked under pool->lock.
struct wr_frame {
    wr_frame *below;
    wr_frame *parent; // NULL for a job from the inbox
    wr_fork *fork;    // or NULL
    wr_scope *scope;  // the job is a child of, or NULL
    wr_scope *around; // the innermost scope it runs in, or NULL
    int64_t started_ns;
    int64_t deadline_ns;  // the job's, 0: none
    weir_worker *worker;  // runs it
    wr_run *call;         // the job is this weir_run's, or NULL
    void *captured;       // what hooks.enter got
    wr_atomic_u32 cancel; // 1: weir_cancel was called on the job
    wr_atomic_ptr name;   // the job's; changed by its worker, see wr_job_named
    wr_atomic_ptr owner;  // of the name, see wr_jobs_unname; or NULL
    // The frame's own worker only.
    void *piece;          // of the owner's, that runs; descendants read it
    weir_job *job;        // NULL for a fork, and once its done is called
    bool parted;          // `job` is only an address: its memory may be gone
    bool ended;           // the job's done is called now, or was
    int64_t queued_ns;    // the job's
    int64_t ended_ns;     // run returned; 0: nobody wants to know
    wr_scope *open_scope; // the innermost scope this frame has open
    unsigned deque_base;  // forks of the worker's at the start, all opened
    // pool->lock.
    unsigned told; // times that the watchdog has told of it
};

// ---- scopes ----------------------------------------------------------------

// Lives in weir_scope.weir_private.
struct wr_scope {
    weir_pool *pool;
    wr_frame *frame;         // opened it
    weir_worker *owner;      // of that frame
    wr_scope *outer_open;    // the same frame's next older open scope
    wr_scope *around;        // that, or the one the frame runs in
    wr_link children;        // wr_job.link, queued: the next to start first
    wr_link ready;           // in pool->scopes while children is not empty
    wr_timer timer;          // in pool->timers while timed
    uint64_t outstanding;    // children not ended: counted before queued
    uint64_t spawned;        // gives each child its sequence
    uint64_t error_key;      // of the failed child that is first in error
    uint64_t error_sequence; // order: ran before never ran, key, sequence
    int64_t deadline_ns;
    int32_t error; // its status, 0: none
    uint8_t error_ran;
    wr_atomic_u32 why; // 0, or the negated errno it was cancelled with
    uint8_t timed;
    uint8_t fifo;
    uint8_t stop_on_error;
};

static_assert(sizeof(wr_scope) <= sizeof(((weir_scope *)0)->weir_private),
              "a scope's private words fit");

static inline wr_scope *wr_scope_of(weir_scope *scope) {
    return (wr_scope *)(void *)scope->weir_private;
}

// ---- events ----------------------------------------------------------------

// Lives in weir_event.weir_private.
struct wr_event {
    weir_pool *pool;
    wr_link jobs;       // wr_job.link, ATTACHED, in attach order
    wr_link attached;   // in pool->events while jobs is not empty
    uint32_t remaining; // fires until it happens; 0: it has
    uint32_t slots;     // bit i: somebody sleeps on pool->slots[i]
    int32_t status;
    uint32_t workers; // of this pool that wait for it
};

static_assert(sizeof(wr_event) <= sizeof(((weir_event *)0)->weir_private),
              "an event's private words fit");

static inline wr_event *wr_event_of(weir_event *event) {
    return (wr_event *)(void *)event->weir_private;
}

// ---- broadcasts ------------------------------------------------------------

// On the caller's stack. Workers run those whose number is higher than their
// broadcast_seen, in order.
struct wr_broadcast {
    wr_link link; // in pool->broadcasts, by number
    uint64_t number;
    unsigned remaining; // workers that have not run it
    void (*function)(weir_worker *self, void *argument);
    void *argument;
};

// ---- weir_run --------------------------------------------------------------

// One call of weir_run from a thread that is not on the pool: on the caller's
// stack, or allocated for a deterministic pool.
struct wr_run {
    weir_job job;
    weir_event event; // of the pool whose worker waits, or of the pool called
    wr_frame *frame;  // the caller's, if it is a worker: the run descends from
    int (*function)(weir_worker *self, void *argument);
    void *argument;
    int status;
    bool ran;
    bool allocated;
    bool abandoned; // the caller has gone: nobody wants the result
};

// ---- workers ---------------------------------------------------------------

// A worker is one thread (or fiber) with one index.
//
//   SEARCHING --found work--> PLACED (holds a place) --no more--> SEARCHING
//      |  ^                     |  ^
//      |  | woken               |  | what it waited for has come
//      v  |                     v  |
//     IDLE (in pool->idle)     LENT (waits, or is in a blocking section)
//
// `parked` is a flag beside it: the thread sleeps on `wake`, as IDLE or LENT.
// AWAY: not counted as looking for work: not started, ended, or in a callback.
enum wr_worker_state { WR_AWAY, WR_SEARCHING, WR_IDLE, WR_PLACED, WR_LENT };

struct weir_worker {
    // First: weir/fork.h knows. head: the worker itself, without a lock. The
    // others are written under deque_lock, and read by the worker without.
    // A union of both views, so that a compiler that sees both (with link-time
    // optimization) knows them for the same words.
    union {
        wr_fork_ends forks;
        weir_fork_ends forks_public;
    };

    // Read-only once the worker runs.
    weir_pool *pool;
    unsigned index;
    weir_fork **deque; // fork_depth entries

    // The worker itself; others read it under pool->lock, under which it is
    // written.
    wr_frame *frame; // what runs on top of its stack, or NULL

    // The worker itself.
    uint64_t picks;
    uint64_t random;
    void *slot;
    unsigned close_most;    // forks that the next pop may make private again
    unsigned spin_pays;     // up and down with gaps that a spin bridges
    struct wr_relay *relay; // see gang.h; or NULL
    wr_atomic_u64 forks_inline;

    // pool->lock.
    enum wr_worker_state state;
    bool parked;
    bool live;            // has a thread or fiber
    bool wants_token;     // sleeps until the budget has one
    bool section;         // in a blocking section
    bool tokenless;       // runs without a token, up to its next job boundary
    bool reserved;        // waits for the rest of the gang that assembles
    bool seated;          // has a seat in a gang, or runs it
    bool stood_up;        // had one: other work goes first now
    bool decided;         // the gang of its seat was claimed, or not:
    bool claimed;         // which
    wr_job *seat;         // its member of the gang, not yet begun, or NULL
    void *seat_captured;  // what that job captured
    uint64_t seat_gang;   // number of the gang
    int64_t placed_ns;    // busy since then, see below; 0: it is not
    uint64_t jobs;        // ended after it ran them
    wr_link idle;         // in pool->idle while IDLE
    const void *waits_on; // scope, fork, event or broadcast, or NULL
    uint64_t broadcast_seen;
    wr_atomic_u32 *elsewhere; // word of another pool it sleeps on, or NULL
    int64_t sleep_until_ns;   // while parked
    wr_thread thread;
    wr_fiber *fiber;

    // pool->lock: its figures. A worker is busy while it holds a place, from
    // the first thing that it runs there.
    uint64_t steals; // forks of others
    uint64_t parks;  // went to sleep
    uint64_t wakes;  // was woken
    int64_t busy_ns; // up to placed_ns
    int64_t lent_ns; // while LENT: since then
    unsigned told;   // times that the watchdog has told of this loan

    // deque_lock. The entries below forks.head are the forks this worker has
    // begun and not joined, oldest first. Those below deque_first are taken,
    // those from deque_private on are nobody's business but the worker's: it
    // alone changes deque_private, so it reads that without the lock.
    _Alignas(WR_CACHE_LINE) wr_mutex deque_lock;
    unsigned deque_first;
    unsigned deque_private;
    // Written under deque_lock, read by anyone as a hint: some are OPEN.
    wr_atomic_u32 deque_open;

    // Its burst: what it has taken out of the inbox and not begun, and what of
    // it has ended and is not counted in the pool. The worker itself: under
    // burst_lock. Others, and the worker where it fills it: under pool->lock
    // too. See burst.c.
    _Alignas(WR_CACHE_LINE) wr_mutex burst_lock;
    unsigned burst_left;
    wr_link burst; // wr_job.link, QUEUED
    uint64_t burst_succeeded;
    uint64_t burst_failed;
    wr_atomic_u32 burst_open; // not empty; read under pool->lock alone, a hint

    // pool->lock.
    wr_link bursting; // in pool->bursts while it may have one
    int64_t burst_ns; // since then
    int64_t began_ns; // the last that it began at top level
    unsigned burst_most;
    unsigned burst_pause;  // jobs to begin before the next burst
    unsigned burst_pauses; // in a row

    // Changed under pool->lock, slept on without.
    _Alignas(WR_CACHE_LINE) wr_atomic_u32 wake;
};

// ---- pools -----------------------------------------------------------------

// How long jobs wait and run, of a pool that measures.
typedef struct wr_times {
    weir_histogram queue; // one for each job started
    weir_histogram run;   // one for each job that ran and has ended
    uint64_t slow;        // of those, longer than WR_SLOW_NS
} wr_times;

// When jobs are short, and a queue is long, for bursts.
typedef struct wr_burst_limits {
    bool used; // false: none in this pool
    unsigned least;
    int64_t job_ns;
    int64_t burst_ns;
} wr_burst_limits;

enum wr_pool_mode { WR_MODE_RUN, WR_MODE_DRAIN, WR_MODE_CANCEL, WR_MODE_ABORT };

struct weir_pool {
    // Read-only after create.
    weir_pool_options options;
    weir_pool_hooks hooks;
    unsigned width;
    unsigned index_limit;
    weir_worker *workers; // `allocated` of them
    unsigned allocated;   // at least index_limit; more if threads were refused
    int *cpus;            // where worker i is pinned: cpus[i % cpus_count]
    wr_forkmark forkmark;
    int64_t created_ns;
    bool timing;           // times or a trace may want to know of jobs
    wr_times *times;       // under lock; NULL: not measured
    wr_trace_ring **rings; // of worker i, or NULL: no trace
    wr_burst_limits burst;
    char name[16];
    char reason[WR_CPU_REASON_MAX];

    // Everything else: under lock.
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    enum wr_pool_mode mode;
    bool quit;    // nothing is outstanding and nothing will come: threads end
    bool joining; // a thread is joining them
    bool stopped; // and has

    wr_link inbox[WR_PRIORITIES]; // wr_job.link, lowest priority first
    uint64_t inbox_picks;
    wr_link bursts;      // weir_worker.bursting, the oldest first
    uint64_t burst_jobs; // in bursts, and of those begun, not yet counted
    wr_link ending;      // wr_job.link, ENDING
    wr_link scopes;      // wr_scope.ready
    wr_link events;      // wr_event.attached
    wr_link broadcasts;  // wr_broadcast.link
    wr_link gangs;       // wr_job.link, gang after gang, by member
    uint64_t broadcast_number;

    // Gangs: see gang.c.
    wr_job *gang;           // first member of the gang that assembles, or NULL
    unsigned gang_members;  // how many it has
    unsigned gang_reserved; // workers that wait for the rest of it
    unsigned seated;        // workers that are
    unsigned seated_lent;   // of those, in state LENT
    uint64_t gang_jobs;     // QUEUED and members of gangs
    uint64_t gang_number;   // of the last that got its seats

    wr_heap timers;      // of jobs and scopes; key: deadline
    weir_worker *keeper; // sleeps until the first of them

    wr_link idle; // weir_worker.idle: ordinary workers before stand-ins
    unsigned idle_count;
    unsigned searching; // workers in state SEARCHING
    unsigned placed;    // workers in state PLACED
    unsigned lent;      // workers in state LENT
    unsigned live;      // threads (or fibers)
    unsigned finished;  // threads that have left their loop

    uint64_t outstanding;     // jobs accepted and not ended
    uint64_t admitted;        // of those, all but children of scopes
    uint64_t shut_down;       // ended with -ESHUTDOWN by stopping
    weir_pool_counts counts;  // queued, running and the like kept up to date
    unsigned runs_queued;     // weir_run calls in the inbox
    unsigned token_waiters;   // workers with wants_token
    bool tokenless;           // a searcher found no token; see wake_waiters
    unsigned room_waiters;    // threads in weir_submit_wait
    unsigned outside_waiters; // threads that sleep on `outside`
    unsigned next_slot;

    const void *watchdog; // that watches this pool, or NULL
    bool watch_sleeps;    // it sleeps until a worker has a place

    // Wakes that unlock sends.
    wr_atomic_u32 *wakes[WR_WAKES_MAX];
    unsigned wakes_count;

    // The budget: see budget.c.
    weir_budget *budget;
    wr_link budget_link;  // in budget->pools, under budget->lock
    unsigned tokens;      // held; under budget->lock
    unsigned pins;        // pokes under way; under budget->lock
    bool starved;         // wants a token; under budget->lock
    wr_link starved_link; // in budget->starved while starved
    bool poke;            // unlock wakes starved pools

    // The deterministic pool: see determ.c.
    bool deterministic;
    bool no_fibers;
    uint64_t random;
    int64_t virtual_now_ns; // the latest deadline that has fired
    wr_fiber *driver;       // the stack of the thread that drives
    const void *creator;    // stands for the thread that created it
    bool driving;

    // Arrivals: see arrivals.c. Their own lock, but the first, which is
    // read-only after create.
    _Alignas(WR_CACHE_LINE) wr_mutex arrivals_lock;
    bool arrivals_used;
    bool arrivals_open;    // false from the first stop on
    wr_link arrivals;      // wr_job.link, QUEUED, normal priority
    wr_atomic_u32 arrived; // how many; read without the lock as a hint

    // Changed under lock, slept on without. `outside`: room, idleness, stop
    // and broadcasts. slots: events. watch: the watchdog.
    _Alignas(WR_CACHE_LINE) wr_atomic_u32 outside;
    wr_atomic_u32 slots[WR_OUTSIDE_SLOTS];
    wr_atomic_u32 watch;

    // Hints that are read without the lock. hungry: idle workers that a fork
    // should wake. pushes: grows with everything queued.
    _Alignas(WR_CACHE_LINE) wr_atomic_u32 hungry;
    wr_atomic_u32 pushes;
    wr_atomic_u32 abort;      // 1: mode is ABORT
    wr_atomic_u32 ending_all; // 1: mode is CANCEL or ABORT
};

#endif

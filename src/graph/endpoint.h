// SPDX-License-Identifier: MIT
// The seam between the graph and what runs kernels: an endpoint. Two kinds:
// workers of the pool (threads.c) and processes (procs.h); ranks of MPI will be
// a third. The graph hands over tickets that are ready; an endpoint claims each
// at the last moment, runs it, and says what it came to. An endpoint knows
// nothing of tasks, buffers or order.
//
//   threads    every function: any thread. No lock of the graph is held in
//              submit, linger and the endpoint's calls of wr_ticket_*; check
//              and reaches are called under the graph's lock, tell under a
//              lock of the graph's too: these three take the endpoint's own
//              locks at most for a few instructions, and call nothing.
//   blocking   nothing waits but linger, which spins for a bounded time.
//   ownership  a ticket is the endpoint's from submit until it called
//              wr_ticket_ended for it, or wr_ticket_claim said no.
#ifndef WR_GRAPH_ENDPOINT_H
#define WR_GRAPH_ENDPOINT_H

#include "base/atomic.h"
#include "base/list.h"
#include "os/os.h"
#include "weir/procs.h"

#include <stdbool.h>

typedef struct wr_endpoint wr_endpoint;

// What is to be run. The graph fills in all but the last group before check or
// submit, and does not change it while the endpoint has the ticket. Tickets of
// one group lie side by side in memory: ticket[0], ticket[1], ... by member.
typedef struct wr_ticket {
    const weir_kernel *kernel;
    const void *arguments; // aligned to 16
    void *const *data;     // addresses, data_count
    weir_graph *graph;
    struct wr_task *task; // the graph's own
    uint64_t number;
    int64_t timeout_ns; // 0: none; from the kernel's start
    size_t arguments_size;
    uint32_t data_count;
    uint32_t member;
    uint32_t members; // 1: no group
    int32_t priority;

    // The endpoint's own.
    wr_link link;
    void *place;        // where it is now
    uint32_t kernel_at; // what check found out about the kernel
    wr_atomic_u32 told; // 1: cancelled, see tell
    weir_job job;       // last: not all need it
} wr_ticket;

typedef struct wr_ending {
    int status;
    int signal;      // that ended its process, or 0
    int exit_status; // of its process, or -1
    bool unrun;      // the kernel never began
    unsigned worker; // index of the pool's worker, or of the process
    int64_t begin_ns;
    int64_t end_ns;
    const char *reason; // "": none; valid during the call
} wr_ending;

// Of the graph, for endpoints:

// wr_ticket_claim: true: run it now. False: it was withdrawn; the ticket is
// gone. For a group it is called once, with ticket[0], when all its members
// have their places; the answer holds for all of them.
bool wr_ticket_claim(wr_ticket *ticket);

// wr_ticket_ended: once for each claimed ticket; it is gone then. May submit
// what has become ready, to this endpoint too, before it returns; deep
// recursion cannot come of that, because no submit ends a ticket itself.
void wr_ticket_ended(wr_ticket *ticket, const wr_ending *ending);

// wr_ticket_unrun ends a ticket, or a group, that was not claimed and never
// will be (the pool was stopped, the zygote is dead): in place of a claim.
void wr_ticket_unrun(wr_ticket *ticket, int status);

typedef struct wr_endpoint_ops {
    // May this ticket ever run here? Looks at kernel, sizes and members; sets
    // kernel_at (of each member's ticket the graph copies it from the first).
    // Errors as of weir_flow_submit.
    int (*check)(wr_endpoint *endpoint, wr_ticket *ticket);
    // Does what runs here see this memory at its address?
    bool (*reaches)(wr_endpoint *endpoint, const void *memory, size_t bytes);
    // Takes a ticket that is ready, or all tickets of a group. First come,
    // first served within a priority. Errors: nothing was taken, the graph ends
    // the task with it. What was taken and cannot run any more is ended later,
    // with wr_ticket_unrun, from elsewhere.
    int (*submit)(wr_endpoint *endpoint, wr_ticket *tickets, uint32_t count);
    // Its flow is cancelled: weir_kernel_cancelled answers 1 from now on, and a
    // kernel that has not begun need not. `begun` false: only if it has not, as
    // far as is known; so a cancel tells those that wait behind others first.
    // The ticket was claimed, or is just being claimed; wr_ticket_ended was not
    // called for it, or has not got far: its memory is good, its place may not
    // be any more.
    void (*tell)(wr_endpoint *endpoint, wr_ticket *ticket, bool begun);
    // The caller is about to wait for something that over(argument) tells.
    // Looks for outcomes and hands them on meanwhile, until it is over or some
    // microseconds went by in which nothing came. NULL: nothing to gain.
    void (*linger)(wr_endpoint *endpoint, bool (*over)(void *argument),
                   void *argument);
} wr_endpoint_ops;

struct wr_endpoint {
    const wr_endpoint_ops *ops;
};

// ---- the two kinds ---------------------------------------------------------

// wr_threads_endpoint (threads.c): the workers of `pool`. Lives in `out`, which
// wr_threads_fini ends when no ticket is there any more. Groups of all graphs
// on one pool take turns, so that none holds a worker that another waits for.
enum { WR_THREADS_PRIORITIES = 3 };

typedef struct wr_threads {
    wr_endpoint endpoint;
    weir_pool *pool;
    weir_graph *graph;
    bool timed;     // endings say when; set by the graph after init
    unsigned width; // of the pool

    struct wr_vehicle *vehicles; // allocated; NULL: no runners

    // lock; see runner.c.
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    wr_link ready[WR_THREADS_PRIORITIES]; // wr_ticket.link, lowest first
    uint64_t picks;
    struct wr_vehicle *spare;
    // Runners that look at `ready`: begun and not waiting, and not begun, by
    // priority. For a moment one may not be counted yet.
    int running;
    int submitting; // vehicles that are on their way to the pool
    int queued[WR_THREADS_PRIORITIES];
    wr_atomic_u32 waiting; // tickets in `ready`; without the lock a hint

    // arrivals_lock, which is taken with `lock` held or alone: submitters meet
    // runners once per burst, not once per ticket.
    _Alignas(WR_CACHE_LINE) wr_mutex arrivals_lock;
    bool full;             // so many look that none is wanted; written with
                           // both locks held
    wr_link arrivals;      // of NORMAL priority, behind those in `ready`
    wr_atomic_u32 arrived; // of those; without the lock a hint
} wr_threads;
void wr_threads_init(wr_threads *out, weir_pool *pool, weir_graph *graph);
void wr_threads_fini(wr_threads *threads);

// wr_threads_running: the innermost ticket of this graph that runs on this
// worker's stack, or that what runs there descends from; NULL: none.
wr_ticket *wr_threads_running(weir_worker *self, const weir_graph *graph);

// wr_procs_endpoint (procs.c): the processes of a group.
wr_endpoint *wr_procs_endpoint(weir_procs *procs);

// wr_zygote_shares: these bytes are all memory of the zygote's.
bool wr_zygote_shares(const weir_zygote *zygote, const void *memory,
                      size_t bytes);

// ---- calls (kernel.c) ------------------------------------------------------

// What is behind weir_kernel_call.weir_private: made by the endpoint, on the
// stack of the call.
typedef struct wr_call {
    weir_kernel_call call;
    const wr_atomic_u32 *told; // not 0: cancelled
    wr_ticket *ticket;         // NULL in another process
    char reason[WEIR_REASON_MAX];
} wr_call;

// wr_call_run runs the kernel of a call whose public part and `told`, `ticket`
// are filled in (weir_private is set here). Returns the status.
int wr_call_run(wr_call *call, int (*run)(const weir_kernel_call *call));

#endif

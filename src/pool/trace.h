// SPDX-License-Identifier: MIT
// The recorder behind weir_trace: rings of events, one for each worker of each
// pool that was given the trace and one for all other threads. Rooms above
// record through this header; observe/ turns what is kept into files.
#ifndef WR_POOL_TRACE_H
#define WR_POOL_TRACE_H

#include "base/atomic.h"
#include "weir/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wr_trace_kind {
    WR_TRACE_JOB,      // begin..end: run; id: the job
    WR_TRACE_QUEUED,   // begin..end: accepted to started; id: the job; its end
                       // is the begin of the JOB, on the same ring
    WR_TRACE_FORK,     // a fork taken from another worker
    WR_TRACE_PARK,     // asleep, nothing to do
    WR_TRACE_LOAN,     // the place was lent: a wait or a blocking section
    WR_TRACE_TOKEN,    // a stage of a pipeline; id: the token's sequence
    WR_TRACE_CALL,     // an offloaded call: accepted to delivered; id: the call
    WR_TRACE_DELIVERY, // its outcome waited for the loop
    WR_TRACE_SPAN,     // the user's own
    WR_TRACE_KINDS
};

enum { WR_TRACE_NAME_MAX = 32 };

// 64 bytes.
typedef struct wr_trace_event {
    int64_t begin_ns;
    int64_t end_ns;
    uint64_t id;
    uint32_t kind; // enum wr_trace_kind
    uint32_t reserved;
    char name[WR_TRACE_NAME_MAX]; // "": none
} wr_trace_event;

// One ring: a track of the timeline.
typedef struct wr_trace_ring wr_trace_ring;

// wr_trace_switch is the flag that every recording place looks at first.
struct weir_trace_head {
    wr_atomic_u32 on;
};

// wr_trace_on: one relaxed load when there is a trace, none otherwise.
static inline bool wr_trace_on(const weir_trace *trace) {
    return trace != NULL &&
           wr_load(&((const struct weir_trace_head *)(const void *)trace)->on,
                   relaxed, ALONE, "a switch; nothing hangs on its order") != 0;
}

// For observe/, which has the public functions. events_max is not 0. Errors:
// -ENOMEM; of totals -ECHILD.
int wr_trace_create(weir_trace **out, unsigned events_max);
void wr_trace_destroy(weir_trace *trace);
void wr_trace_start(weir_trace *trace);
void wr_trace_stop(weir_trace *trace);
int wr_trace_totals(weir_trace *trace, uint64_t *recorded,
                    uint64_t *overwritten);

// wr_trace_ring_of: the worker's; NULL: it is none, or of a pool without this
// trace.
wr_trace_ring *wr_trace_ring_of(const weir_trace *trace,
                                const weir_worker *worker);

// wr_trace_join makes rings for the workers of a pool. On 0 `rings` points to
// `count` of them, which live as long as the trace. Errors: -ENOMEM, -ECHILD.
int wr_trace_join(weir_trace *trace, const char *pool_name, unsigned count,
                  wr_trace_ring ***rings);

// wr_trace_emit records one event; ring NULL: the one of all other threads.
// The name is copied; NULL: none. Any thread; takes the ring's lock alone, so
// it may be called under any lock. Nothing happens while the trace is off.
void wr_trace_emit(weir_trace *trace, wr_trace_ring *ring,
                   enum wr_trace_kind kind, const char *name, uint64_t id,
                   int64_t begin_ns, int64_t end_ns);

// wr_trace_emit_job records a JOB and, before it, that it was QUEUED since
// queued_ns, 0: not known. As two calls of wr_trace_emit, at less cost.
void wr_trace_emit_job(weir_trace *trace, wr_trace_ring *ring, const char *name,
                       uint64_t id, int64_t queued_ns, int64_t begin_ns,
                       int64_t end_ns);

// A copy of what one ring keeps, oldest first, for the writers in observe/.
typedef struct wr_trace_track {
    char name[WR_TRACE_NAME_MAX]; // "weir/0"; "other threads"
    unsigned pool;                // number of the pool, from 1; 0: none
    unsigned index;               // of the worker in it
    wr_trace_event *events;
    size_t count;
    uint64_t overwritten;
} wr_trace_track;

// wr_trace_copy gives copies of all rings; free with wr_trace_copy_free.
// The pools come in order of joining, all other threads last.
// Errors: -ENOMEM, -ECHILD.
int wr_trace_copy(weir_trace *trace, wr_trace_track **tracks, size_t *count);
void wr_trace_copy_free(wr_trace_track *tracks, size_t count);

#endif

// SPDX-License-Identifier: MIT
// Rings of events. README.md of observe/, "Timeline", says why a lock per ring
// is enough.
#include "pool/trace.h"

#include "base/fault.h"
#include "pool/types.h"

#include <stdio.h>
#include <string.h>

enum {
    COPY_CHUNK = 256, // events copied at one holding of a ring's lock
    NO_RING = 1       // rings of the group of all other threads
};

// The lock guards the events, `recorded` and `at`; the rest never changes.
struct wr_trace_ring {
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    wr_trace_event *events;
    unsigned capacity;
    unsigned at;       // where the next event goes
    uint64_t recorded; // since the last start; event n is at n % capacity
    unsigned pool;
    unsigned index;
    char name[WR_TRACE_NAME_MAX];
};

// The rings that were made together.
typedef struct group {
    struct group *next;
    unsigned count;
    wr_trace_ring *rings;
    wr_trace_ring **pointers; // to them
    wr_trace_event *events;   // of all of them
    size_t events_bytes;
} group;

struct weir_trace {
    struct weir_trace_head head;
    wr_forkmark forkmark;
    unsigned events_max;
    // Under lock, which comes before the locks of rings.
    wr_mutex lock;
    group *first; // in order of making: all other threads, then the pools
    group *last;
    unsigned pools;
};

// ---- names -----------------------------------------------------------------

// A name is cut between characters, if it is UTF-8: never inside the at most
// four bytes of one. `to` is all zero.
static void copy_name(char to[WR_TRACE_NAME_MAX], const char *from) {
    if (from == NULL)
        return;
    size_t length = strnlen(from, WR_TRACE_NAME_MAX);
    memcpy(to, from, length);
    if (length < WR_TRACE_NAME_MAX)
        return;
    size_t cut = WR_TRACE_NAME_MAX - 1;
    for (size_t back = 0; back < 4; back++)
        if ((to[cut - back] & 0xC0) != 0x80) {
            cut -= back;
            break;
        }
    memset(to + cut, 0, WR_TRACE_NAME_MAX - cut);
}

// ---- making ----------------------------------------------------------------

static void group_free(group *g) {
    if (g->rings != NULL)
        for (unsigned i = 0; i < g->count; i++)
            wr_mutex_fini(&g->rings[i].lock);
    wr_pages_free(g->events, g->events_bytes);
    wr_free(g->pointers);
    wr_free(g->rings);
    wr_free(g);
}

// Pages are the system's own zeroes: a ring takes memory as it fills.
static group *group_make(unsigned count, unsigned capacity) {
    size_t ring_bytes = capacity * sizeof(wr_trace_event);
    if (count > SIZE_MAX / ring_bytes)
        return NULL;
    group *g = wr_calloc(1, sizeof(*g));
    if (g == NULL)
        return NULL;
    g->count = count;
    g->events_bytes = count * ring_bytes;
    g->events = wr_pages_alloc(g->events_bytes);
    g->pointers = wr_calloc(count, sizeof(wr_trace_ring *));
    if (g->events != NULL && g->pointers != NULL)
        g->rings =
            wr_aligned_alloc(WR_CACHE_LINE, count * sizeof(wr_trace_ring));
    if (g->rings == NULL) {
        group_free(g);
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        wr_trace_ring *ring = &g->rings[i];
        wr_mutex_init(&ring->lock);
        ring->events = g->events + (size_t)i * capacity;
        ring->capacity = capacity;
        ring->index = i;
        g->pointers[i] = ring;
    }
    return g;
}

int wr_trace_create(weir_trace **out, unsigned events_max) {
    weir_trace *trace = wr_calloc(1, sizeof(*trace));
    if (trace == NULL)
        return -ENOMEM;
    trace->events_max = events_max;
    trace->first = group_make(NO_RING, events_max);
    if (trace->first == NULL || wr_forkmark_init(&trace->forkmark) != 0) {
        if (trace->first != NULL)
            group_free(trace->first);
        wr_free(trace);
        return -ENOMEM;
    }
    trace->last = trace->first;
    copy_name(trace->first->rings->name, "other threads");
    wr_mutex_init(&trace->lock);
    wr_atomic_init(&trace->head.on, 0);
    *out = trace;
    return 0;
}

void wr_trace_destroy(weir_trace *trace) {
    if (trace == NULL || wr_forkmark_forked(&trace->forkmark))
        return;
    for (group *g = trace->first, *next; g != NULL; g = next) {
        next = g->next;
        group_free(g);
    }
    wr_mutex_fini(&trace->lock);
    wr_forkmark_fini(&trace->forkmark);
    wr_free(trace);
}

int wr_trace_join(weir_trace *trace, const char *pool_name, unsigned count,
                  wr_trace_ring ***rings) {
    if (wr_forkmark_forked(&trace->forkmark))
        return -ECHILD;
    wr_assert(count > 0);
    group *g = group_make(count, trace->events_max);
    if (g == NULL)
        return -ENOMEM;
    wr_mutex_lock(&trace->lock);
    unsigned pool = ++trace->pools;
    for (unsigned i = 0; i < count; i++) {
        wr_trace_ring *ring = &g->rings[i];
        char name[WR_TRACE_NAME_MAX + 16];
        snprintf(name, sizeof(name), "%.20s/%u", pool_name, i);
        copy_name(ring->name, name);
        ring->pool = pool;
    }
    trace->last->next = g;
    trace->last = g;
    wr_mutex_unlock(&trace->lock);
    *rings = g->pointers;
    return 0;
}

wr_trace_ring *wr_trace_ring_of(const weir_trace *trace,
                                const weir_worker *worker) {
    if (worker == NULL || worker->pool->options.trace != trace)
        return NULL;
    return worker->pool->rings[worker->index];
}

// ---- recording -------------------------------------------------------------

// _locked by the ring's lock.
static void keep(wr_trace_ring *ring, const wr_trace_event *event) {
    ring->events[ring->at] = *event;
    ring->recorded++;
    ring->at = ring->at + 1 == ring->capacity ? 0 : ring->at + 1;
}

// The first event may be NULL.
static void emit(weir_trace *trace, wr_trace_ring *ring,
                 const wr_trace_event *first, const wr_trace_event *second) {
    if (ring == NULL)
        ring = trace->first->rings;
    wr_mutex_lock(&ring->lock);
    // Again: whoever stops or starts takes this lock between the switch and
    // its return, so that nothing is recorded after that.
    if (wr_trace_on(trace)) {
        if (first != NULL)
            keep(ring, first);
        keep(ring, second);
    }
    wr_mutex_unlock(&ring->lock);
}

void wr_trace_emit(weir_trace *trace, wr_trace_ring *ring,
                   enum wr_trace_kind kind, const char *name, uint64_t id,
                   int64_t begin_ns, int64_t end_ns) {
    if (!wr_trace_on(trace) || wr_forkmark_forked(&trace->forkmark))
        return;
    wr_trace_event event = {.begin_ns = begin_ns,
                            .end_ns = end_ns < begin_ns ? begin_ns : end_ns,
                            .id = id,
                            .kind = kind};
    copy_name(event.name, name);
    emit(trace, ring, NULL, &event);
}

void wr_trace_emit_job(weir_trace *trace, wr_trace_ring *ring, const char *name,
                       uint64_t id, int64_t queued_ns, int64_t begin_ns,
                       int64_t end_ns) {
    if (!wr_trace_on(trace) || wr_forkmark_forked(&trace->forkmark))
        return;
    wr_trace_event job = {.begin_ns = begin_ns,
                          .end_ns = end_ns < begin_ns ? begin_ns : end_ns,
                          .id = id,
                          .kind = WR_TRACE_JOB};
    copy_name(job.name, name);
    wr_trace_event queued = job;
    queued.kind = WR_TRACE_QUEUED;
    queued.begin_ns = queued_ns < begin_ns ? queued_ns : begin_ns;
    queued.end_ns = begin_ns;
    emit(trace, ring, queued_ns != 0 ? &queued : NULL, &job);
}

// Turns the switch and has seen to it, at each ring, that nobody is still
// recording by its old state. _locked by trace->lock.
static void turn(weir_trace *trace, uint32_t on, bool forget) {
    wr_store(&trace->head.on, 0, relaxed, ALONE,
             "the locks of the rings order it");
    for (group *g = trace->first; g != NULL; g = g->next)
        for (unsigned i = 0; i < g->count; i++) {
            wr_trace_ring *ring = &g->rings[i];
            wr_mutex_lock(&ring->lock);
            if (forget) {
                ring->recorded = 0;
                ring->at = 0;
            }
            wr_mutex_unlock(&ring->lock);
        }
    wr_store(&trace->head.on, on, relaxed, ALONE,
             "a switch; nothing hangs on its order");
}

void wr_trace_start(weir_trace *trace) {
    if (wr_forkmark_forked(&trace->forkmark))
        return;
    wr_mutex_lock(&trace->lock);
    turn(trace, 1, true);
    wr_mutex_unlock(&trace->lock);
}

void wr_trace_stop(weir_trace *trace) {
    if (wr_forkmark_forked(&trace->forkmark))
        return;
    wr_mutex_lock(&trace->lock);
    turn(trace, 0, false);
    wr_mutex_unlock(&trace->lock);
}

// ---- looking ---------------------------------------------------------------

// The oldest event that a ring still has. _locked by its lock.
static uint64_t oldest(const wr_trace_ring *ring) {
    return ring->recorded > ring->capacity ? ring->recorded - ring->capacity
                                           : 0;
}

int wr_trace_totals(weir_trace *trace, uint64_t *recorded,
                    uint64_t *overwritten) {
    if (wr_forkmark_forked(&trace->forkmark))
        return -ECHILD;
    *recorded = 0;
    *overwritten = 0;
    wr_mutex_lock(&trace->lock);
    for (group *g = trace->first; g != NULL; g = g->next)
        for (unsigned i = 0; i < g->count; i++) {
            wr_trace_ring *ring = &g->rings[i];
            wr_mutex_lock(&ring->lock);
            *recorded += ring->recorded;
            *overwritten += oldest(ring);
            wr_mutex_unlock(&ring->lock);
        }
    wr_mutex_unlock(&trace->lock);
    return 0;
}

// Copies events [from, recorded) to the track's memory, the newest first, so
// that what is overwritten meanwhile is the end of the work and not its
// beginning. The lock is held for one chunk at a time: a recording worker
// may hold its pool's lock. Nobody starts meanwhile: trace->lock is held.
// Returns the first event that was copied.
static uint64_t copy_down(wr_trace_ring *ring, wr_trace_event *to,
                          uint64_t from, uint64_t recorded) {
    uint64_t high = recorded;
    while (high > from) {
        uint64_t low = high - from > COPY_CHUNK ? high - COPY_CHUNK : from;
        wr_mutex_lock(&ring->lock);
        uint64_t kept = oldest(ring);
        low = low < kept ? kept : low;
        for (uint64_t n = low; n < high; n++)
            to[n - from] = ring->events[n % ring->capacity];
        wr_mutex_unlock(&ring->lock);
        if (low >= high)
            break;
        high = low;
    }
    return high;
}

static int copy_ring(wr_trace_ring *ring, wr_trace_track *track) {
    memcpy(track->name, ring->name, sizeof(track->name));
    track->pool = ring->pool;
    track->index = ring->index;
    wr_mutex_lock(&ring->lock);
    uint64_t recorded = ring->recorded;
    uint64_t from = oldest(ring);
    wr_mutex_unlock(&ring->lock);
    if (recorded == 0)
        return 0;
    size_t count = (size_t)(recorded - from);
    track->events = wr_malloc(count * sizeof(wr_trace_event));
    if (track->events == NULL)
        return -ENOMEM;
    uint64_t copied = copy_down(ring, track->events, from, recorded);
    track->overwritten = copied;
    track->count = (size_t)(recorded - copied);
    memmove(track->events, track->events + (copied - from),
            track->count * sizeof(wr_trace_event));
    return 0;
}

void wr_trace_copy_free(wr_trace_track *tracks, size_t count) {
    for (size_t i = 0; i < count; i++)
        wr_free(tracks[i].events);
    wr_free(tracks);
}

int wr_trace_copy(weir_trace *trace, wr_trace_track **tracks, size_t *count) {
    if (wr_forkmark_forked(&trace->forkmark))
        return -ECHILD;
    wr_mutex_lock(&trace->lock);
    size_t rings = 0;
    for (group *g = trace->first; g != NULL; g = g->next)
        rings += g->count;
    wr_trace_track *all = wr_calloc(rings, sizeof(*all));
    int error = all == NULL ? -ENOMEM : 0;
    // The group of all other threads is the first, its track the last.
    size_t i = rings - 1;
    for (group *g = trace->first; g != NULL && error == 0; g = g->next)
        for (unsigned n = 0; n < g->count && error == 0; n++) {
            error = copy_ring(&g->rings[n], &all[i]);
            i = i + 1 == rings ? 0 : i + 1;
        }
    wr_mutex_unlock(&trace->lock);
    if (error != 0) {
        if (all != NULL)
            wr_trace_copy_free(all, rings);
        return error;
    }
    *tracks = all;
    *count = rings;
    return 0;
}

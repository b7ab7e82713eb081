// SPDX-License-Identifier: MIT
// weir/observe.h: what a program's pools, lanes and loops do, and how long it
// takes: figures, a watchdog, and a timeline.
//
//   weir_metrics   all counters and times of what was added to it, as text for
//                  a person or for a Prometheus scraper
//   weir_watchdog  tells of jobs that run, or workers that wait, for too long
//   weir_trace     what ran when, on which worker, as a file for Perfetto (or
//                  chrome://tracing) or as a picture for any browser
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    any thread; of one metrics object, one call at a time.
//   blocking   takes the lock of what it looks at for a moment, and allocates.
//              Writing to a file may block.
//   ownership  what is observed outlives the observer, or is removed first.
//              Names are copied.
//   errors     0 or a negative errno; a call that fails has changed nothing,
//              except that a file may hold the beginning of the text.
//   fork(2)    in a child process: -ECHILD; destroy and stop free nothing.
//   snapshots  the figures of one pool, worker, lane, loop or site are of one
//              moment and add up; different objects are looked at one after
//              the other.
#ifndef WEIR_OBSERVE_H
#define WEIR_OBSERVE_H

#include "weir/cache.h"
#include "weir/loop.h"
#include "weir/pool.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- figures of a pool -----------------------------------------------------

typedef enum weir_pool_advice {
    WEIR_POOL_FINE,
    WEIR_POOL_CROWDED, // more than twice as many jobs are active (queued or
                       // running) as there are places: latency will suffer
    WEIR_POOL_SLOW,    // 1 of 10 jobs runs longer than 100 ms: split them, or
                       // is it blocking? (needs measure)
} weir_pool_advice;

typedef struct weir_pool_stats {
    size_t size; // set before the call
    unsigned width;
    unsigned threads;     // alive now, stand-ins included
    int64_t age_ns;       // since the pool was created
    int64_t busy_ns;      // all workers together: held a place and ran
                          // something; up to this moment
    double utilisation;   // busy_ns / (age_ns * width)
    uint64_t slow;        // jobs that ran longer than 100 ms; measure
    weir_histogram queue; // accepted to started; all zero without measure
    weir_histogram run;   // started to ended; all zero without measure
    weir_pool_advice advice;
    uint32_t reserved;
    weir_pool_counts counts; // as weir_pool_count gives them; last, for it
                             // grows
} weir_pool_stats;

// Errors: -EINVAL (stats->size), -ECHILD.
WEIR_API int weir_observe_pool(weir_pool *pool, weir_pool_stats *stats);

enum { WEIR_NAME_MAX = 48 };

typedef struct weir_worker_stats {
    size_t size; // set before the call
    int alive;
    int lent;        // waits, or is in a blocking section
    uint64_t jobs;   // that it has run
    uint64_t steals; // forks of others that it has run
    uint64_t parks;  // went to sleep
    uint64_t wakes;  // was woken on purpose
    int64_t busy_ns; // ran something, up to this moment
    int64_t for_ns;  // how long its newest job runs already; 0: it has none
    char name[WEIR_NAME_MAX]; // of that job; "": it has none
} weir_worker_stats;

// weir_observe_worker looks at the worker of an index below
// weir_pool_index_limit. Errors: -ENOENT (no such index), -EINVAL, -ECHILD.
WEIR_API int weir_observe_worker(weir_pool *pool, unsigned index,
                                 weir_worker_stats *stats);

// ---- metrics ---------------------------------------------------------------

typedef struct weir_metrics weir_metrics;

// Errors: -ENOMEM.
WEIR_API int weir_metrics_create(weir_metrics **out) WEIR_MUST_CHECK;
WEIR_API void weir_metrics_destroy(weir_metrics *metrics); // NULL is allowed

// weir_metrics_add_* add something under a name, which becomes a label.
// Errors: -EALREADY (it is there, or another of its kind has that name),
// -EINVAL (no name), -ENOMEM.
WEIR_API int weir_metrics_add_pool(weir_metrics *metrics, weir_pool *pool,
                                   const char *name) WEIR_MUST_CHECK;
WEIR_API int weir_metrics_add_lane(weir_metrics *metrics, weir_lane *lane,
                                   const char *name) WEIR_MUST_CHECK;
WEIR_API int weir_metrics_add_loop(weir_metrics *metrics, weir_loop *loop,
                                   const char *name) WEIR_MUST_CHECK;
WEIR_API int weir_metrics_add_cache(weir_metrics *metrics, weir_cache *cache,
                                    const char *name) WEIR_MUST_CHECK;

// weir_metrics_remove takes a pool, lane, loop or cache out again. Errors:
// -ENOENT.
WEIR_API int weir_metrics_remove(weir_metrics *metrics, const void *object);

// weir_metrics_text writes all of it for a person, with advice: sites that
// should run inline or be offloaded, pools that are crowded, slow jobs.
// Errors: -EIO (out would not take it), -ENOMEM, -ECHILD.
WEIR_API int weir_metrics_text(weir_metrics *metrics, FILE *out);

// weir_metrics_prometheus writes all of it in the Prometheus text exposition
// format, version 0.0.4: times in seconds as histograms, with cumulative
// buckets. Errors: as weir_metrics_text.
// Source: prometheus.io, "Exposition formats".
WEIR_API int weir_metrics_prometheus(weir_metrics *metrics, FILE *out);

// ---- watchdog --------------------------------------------------------------

typedef struct weir_stall {
    char name[WEIR_NAME_MAX]; // the job's, or "?"
    unsigned worker;          // index
    int lent; // 1: its worker waits or is in a blocking section; 0: it runs
    int64_t for_ns;
} weir_stall;

// weir_observe_stalls lists jobs that have been running, and workers that have
// been lent, for at least over_ns, the longest first; at most `max` of them.
// Returns how many there are, which may be more than max. For a timer of your
// event loop. Errors: -EINVAL (over_ns below 0), -ECHILD.
WEIR_API int weir_observe_stalls(weir_pool *pool, int64_t over_ns,
                                 weir_stall *stalls, unsigned max);

typedef struct weir_watchdog weir_watchdog;

typedef struct weir_watchdog_options {
    size_t size; // set by the initializer
    weir_pool *pool;
    int64_t over_ns; // default 0: 1 s
    // Called on the watchdog's thread, once per stalled job or loan and again
    // each time the time has doubled. NULL: one line on standard error.
    void (*report)(void *context, const weir_stall *stall);
    void *context;
} weir_watchdog_options;

#define WEIR_WATCHDOG_OPTIONS_INIT(observed_pool)                              \
    { sizeof(weir_watchdog_options), (observed_pool), 0, NULL, NULL }

// weir_watchdog_start starts a thread that watches a pool, for programs whose
// loop may be stuck itself. It sleeps without waking while the pool is idle.
// Errors: -EINVAL (no pool, it is deterministic, or it has a watchdog),
// -E2BIG, -ENOMEM, -EAGAIN, -ECHILD.
WEIR_API int
weir_watchdog_start(weir_watchdog **out,
                    const weir_watchdog_options *options) WEIR_MUST_CHECK;

// weir_watchdog_stop ends and frees it: before the pool is destroyed. Waits
// for a report that is being made. NULL is allowed.
WEIR_API void weir_watchdog_stop(weir_watchdog *watchdog);

// ---- timeline --------------------------------------------------------------

typedef struct weir_trace_options {
    size_t size;         // set by the initializer
    unsigned events_max; // kept for each worker, and for all other threads
                         // together: the newest; default 0: 16384, at most
                         // 2^24; 64 bytes each
} weir_trace_options;

#define WEIR_TRACE_OPTIONS_INIT                                                \
    { sizeof(weir_trace_options), 0 }

// weir_trace_create makes a recorder, switched off. Give it to pools when they
// are created (weir_pool_options.trace). It records: each job and stolen fork
// with its worker, its start and end and, for jobs, its time in the queue;
// parks; loans; tokens of pipelines by stage; calls, from submit to delivery.
// While it is off it costs nothing that can be measured. What a pool recorded
// stays, with its memory, until the trace is destroyed: one trace is not for a
// program that makes pools again and again.
// options NULL: defaults. Errors: -EINVAL, -E2BIG, -ENOMEM.
WEIR_API int
weir_trace_create(weir_trace **out,
                  const weir_trace_options *options) WEIR_MUST_CHECK;

// weir_trace_destroy: its pools are destroyed first. NULL is allowed.
WEIR_API void weir_trace_destroy(weir_trace *trace);

// weir_trace_start and _stop switch recording, at any time, also while pools
// run. Start forgets what was recorded before.
WEIR_API void weir_trace_start(weir_trace *trace);
WEIR_API void weir_trace_stop(weir_trace *trace);

// weir_trace_span records something of your own, on the track of `self`, or of
// all other threads (NULL). The name is copied, 31 bytes of it.
WEIR_API void weir_trace_span(weir_trace *trace, weir_worker *self,
                              const char *name, int64_t begin_ns,
                              int64_t end_ns);

typedef struct weir_trace_counts {
    size_t size;          // set before the call
    uint64_t recorded;    // since the last start
    uint64_t overwritten; // of those, no longer kept
} weir_trace_counts;

// Errors: -EINVAL (counts->size).
WEIR_API int weir_trace_count(weir_trace *trace, weir_trace_counts *counts);

// weir_trace_json writes what is kept in the Trace Event Format (JSON object
// form), which Perfetto and chrome://tracing open. May be called while it
// records. Errors: -EIO, -ENOMEM.
// Source: "Trace Event Format", the Chromium project.
WEIR_API int weir_trace_json(weir_trace *trace, FILE *out);

// weir_trace_svg writes a picture of it: one row per worker and one for other
// threads, time from left to right, names and times on hover, counts and a
// legend. One file, no script from elsewhere. `width` in pixels; 0: 1200;
// less than 440 is drawn as 440.
// What is narrower than a pixel is drawn together with its neighbours.
// Errors: -EINVAL (width above 20000), -EIO, -ENOMEM.
WEIR_API int weir_trace_svg(weir_trace *trace, FILE *out, unsigned width);

#ifdef __cplusplus
}
#endif
#endif // WEIR_OBSERVE_H

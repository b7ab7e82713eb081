// SPDX-License-Identifier: MIT
// What observe/ keeps: the list of what is to be observed, copies of figures
// for the writers, and the watchdog. README.md beside this file says who
// touches what.
#ifndef WR_OBSERVE_TYPES_H
#define WR_OBSERVE_TYPES_H

#include "base/list.h"
#include "os/os.h"
#include "pool/internal.h"
#include "weir/observe.h"

#include <stdbool.h>
#include <stdio.h>

// ---- pool.c: looking at a pool ---------------------------------------------

// Something that may take too long: a job that runs, or a worker whose place
// is lent.
typedef struct wr_stalling {
    const wr_frame *frame; // the job's; of a loan, the lender's
    const weir_worker *worker;
    int64_t since_ns;
    unsigned *told; // times that the watchdog has told of it
} wr_stalling;

// wr_stalling_each visits all of them, at a time that is `now_ns`. The newest
// job of a worker that is lent for over_ns or longer is seen as the loan alone.
// _locked: the pool's lock; bursts were recalled before that time.
void wr_stalling_each(weir_pool *pool, int64_t now_ns, int64_t over_ns,
                      void (*visit)(void *context, const wr_stalling *one),
                      void *context);
void wr_stalling_copy(weir_stall *to, const wr_stalling *one, int64_t now_ns);

// ---- watchdog.c ------------------------------------------------------------

enum { WR_WATCHDOG_BATCH = 16 };

struct weir_watchdog {
    // Read-only after start.
    weir_watchdog_options options;
    wr_thread thread;

    // pool->lock.
    bool stop;

    // Its own thread: found under the lock, reported without.
    weir_stall found[WR_WATCHDOG_BATCH];
    unsigned found_count;
    int64_t now_ns;
    int64_t next_ns; // when the next may be due
};

// ---- metrics.c: what is observed -------------------------------------------

enum wr_observed_kind {
    WR_OBSERVED_POOL,
    WR_OBSERVED_LANE,
    WR_OBSERVED_LOOP,
    WR_OBSERVED_CACHE,
    WR_OBSERVED_KINDS
};

typedef struct wr_observed {
    wr_link link; // in metrics->observed, in the order of their coming
    void *object;
    char name[]; // copied
} wr_observed;

struct weir_metrics {
    wr_forkmark forkmark;
    wr_link observed[WR_OBSERVED_KINDS];
};

// ---- metrics.c: a copy of all figures --------------------------------------

typedef struct wr_pool_shot {
    const char *name;
    const char *reason;
    bool measured;
    weir_pool_stats stats;
    weir_worker_stats *workers; // index_limit of them
    unsigned workers_count;
} wr_pool_shot;

typedef struct wr_lane_shot {
    const char *name;
    weir_lane_counts counts;
} wr_lane_shot;

// Sites that have the same file, line and name are one.
typedef struct wr_loop_shot {
    const char *name;
    weir_loop_counts counts;
    weir_site_stats *sites;
    size_t sites_count;
} wr_loop_shot;

typedef struct wr_cache_shot {
    const char *name;
    weir_cache_counts counts;
} wr_cache_shot;

typedef struct wr_shot {
    wr_pool_shot *pools;
    wr_lane_shot *lanes;
    wr_loop_shot *loops;
    wr_cache_shot *caches;
    size_t pools_count;
    size_t lanes_count;
    size_t loops_count;
    size_t caches_count;
} wr_shot;

// wr_shot_take looks at all of it, one object after the other. Free it in any
// case. Errors: -ENOMEM, -ECHILD.
int wr_shot_take(weir_metrics *metrics, wr_shot *shot);
void wr_shot_free(wr_shot *shot);
// wr_worker_used: alive, or it was.
bool wr_worker_used(const weir_worker_stats *worker);
// wr_metrics_end tells whether `out` took all of it: 0 or -EIO.
int wr_metrics_end(FILE *out);

// ---- small things that several files ask ------------------------------------

static inline const char *wr_text_of(const char *text) {
    return text != NULL ? text : "";
}

// wr_mostly_slow: `slow` are one of ten of those that ran, or more.
static inline bool wr_mostly_slow(uint64_t slow, const weir_histogram *run) {
    return slow > 0 && slow * 10 >= run->count;
}

// ---- metrics_format.c: text in columns -------------------------------------

enum { WR_CELL_MAX = 96 };

// Numbers as a person reads them, in any locale: "12,345", "1.23 ms".
const char *wr_format_count(char text[WR_CELL_MAX], uint64_t count);
const char *wr_format_ns(char text[WR_CELL_MAX], uint64_t ns);

// wr_format_name copies at most `size` - 1 bytes, whole characters of them.
void wr_format_name(char *to, size_t size, const char *from);

typedef struct wr_table {
    unsigned columns;
    uint32_t left; // bit i: column i is aligned to the left
    char (*cells)[WR_CELL_MAX];
    size_t count;
    size_t room;
    int error; // -ENOMEM: there was no room for some cell
} wr_table;

// wr_table_cell adds the next cell, row by row.
void wr_table_cell(wr_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void wr_table_count(wr_table *table, uint64_t count);
void wr_table_ns(wr_table *table, uint64_t ns);
// wr_table_write writes the rows, each after `indent`, and frees the table.
// Returns table->error.
int wr_table_write(wr_table *table, FILE *out, const char *indent);

#endif

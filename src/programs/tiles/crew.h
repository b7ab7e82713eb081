// SPDX-License-Identifier: MIT
//
// Who does the work: threads of this process, or processes beside it that may
// be killed.
//
// Threads: one at a time. Blocking: starts and ends threads and processes.
// Errors: negative errnos, with the reason.
#ifndef WEIR_PROGRAMS_TILES_CREW_H
#define WEIR_PROGRAMS_TILES_CREW_H

#include "programs/tiles/types.h"

#include "weir/graph.h"
#include "weir/observe.h"

typedef struct wr_tiles_crew {
    bool processes;
    unsigned workers;
    weir_zygote *zygote; // of processes, or NULL
    weir_procs *procs;   // of processes, or NULL
    weir_pool *pool;     // beside processes: for what must not be cut off
    weir_trace *trace;   // or NULL
} wr_tiles_crew;

enum { WR_TILES_WORKERS_MAX = 1024 };

// wr_tiles_crew_open: first, while this program has one thread. bytes: of all
// that will be taken with wr_tiles_crew_alloc, each rounded up to pages.
int wr_tiles_crew_open(wr_tiles_crew *crew, bool processes, unsigned workers,
                       size_t bytes, wr_tiles_why *why);

// Zeroed memory that all workers see. NULL: there is none.
void *wr_tiles_crew_alloc(wr_tiles_crew *crew, size_t bytes);
void wr_tiles_crew_free(wr_tiles_crew *crew, void *memory, size_t bytes);

// wr_tiles_crew_start: events 0: without a timeline, else so many for each
// worker.
int wr_tiles_crew_start(wr_tiles_crew *crew, unsigned events,
                        wr_tiles_why *why);

void wr_tiles_crew_close(wr_tiles_crew *crew); // all zero: nothing

#endif

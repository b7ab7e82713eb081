// SPDX-License-Identifier: MIT
//
// What a run looked like: every task that was submitted, what it depended on,
// when and where it ran. From it: what to do again, the critical path, how busy
// the workers were, a picture.
//
// Threads: the observer's functions one at a time, as the graph calls them;
// everything else when no flow is under way, but for wr_tiles_shape_ended.
// Blocking: none; allocates. Errors: memory that is short is kept in `status`.
#ifndef WEIR_PROGRAMS_TILES_SHAPE_H
#define WEIR_PROGRAMS_TILES_SHAPE_H

#include "programs/tiles/plan.h"

#include "os/os.h"
#include "weir/graph.h"

#include <stdio.h>

typedef struct wr_tiles_node {
    int64_t begin_ns, end_ns; // 0: did not run
    uint32_t op;              // index in the plan
    uint32_t worker;
    int32_t status;
    bool ended;
    bool again;   // its op was submitted before
    bool inside;  // on the program's own threads, though others are not
    bool spoiled; // failed because something that it reads from did
} wr_tiles_node;

typedef struct wr_tiles_edge {
    uint32_t from, to; // numbers of tasks
    bool data;
} wr_tiles_edge;

typedef struct wr_tiles_shape {
    weir_graph_observer observer; // for weir_graph_options
    wr_tiles_node *nodes;         // task number n is nodes[n - 1]
    wr_tiles_edge *edges;
    size_t count, room;
    size_t edges_count, edges_room;
    int status; // 0, -ENOMEM

    // What the next submission is about; set by whoever submits.
    uint32_t op;
    bool again, inside;

    wr_mutex lock; // of what follows
    uint64_t ended;
    uint64_t alarm; // at so many ended: wakes
    wr_wakefd wake;
} wr_tiles_shape;

int wr_tiles_shape_init(wr_tiles_shape *shape); // -ENOMEM, -EMFILE, -ENFILE
void wr_tiles_shape_fini(wr_tiles_shape *shape);

// Tasks that have ended. Any thread.
uint64_t wr_tiles_shape_ended(wr_tiles_shape *shape);

// wr_tiles_shape_alarm: `wake` is signalled once so many have ended, counted
// from the first; at once, if they have.
void wr_tiles_shape_alarm(wr_tiles_shape *shape, uint64_t ended);

// wr_tiles_shape_judge: of the tasks from number `first` on, which failed on
// their own account, and which because of others.
void wr_tiles_shape_judge(wr_tiles_shape *shape, uint64_t first);

typedef struct wr_tiles_path {
    int64_t ns;
    uint64_t tasks;
} wr_tiles_path;

// wr_tiles_shape_path: the chain of tasks, each dependent on the one before,
// that took the longest. Errors: -ENOMEM.
int wr_tiles_shape_path(const wr_tiles_shape *shape, wr_tiles_path *out);

// wr_tiles_shape_busy: what a worker ran.
wr_tiles_path wr_tiles_shape_busy(const wr_tiles_shape *shape, uint32_t worker,
                                  bool inside);

// wr_tiles_shape_dot writes the graph of the plan for Graphviz: each task once,
// however often it ran.
int wr_tiles_shape_dot(const wr_tiles_shape *shape, const wr_tiles_plan *plan,
                       FILE *out);

#endif

// SPDX-License-Identifier: MIT
//
// A timeline: steps that take effect as if one after the other, in the order
// in which they were added, though those that touch different things go on at
// the same time. It knows who waits for whom, and nothing else: no threads, no
// tensors, no memory of its own.
//
//   wr_timeline_add ---> waiting ---> ready ---> begun ---> ended
//                          |  all its     | wr_timeline_   | wr_timeline_end
//                          |  touches are |  next          |
//                          |  granted     |                |
//
// A thing (a tensor, a graph) keeps the touches of the steps that have not
// ended, in order. A touch that writes is granted when it is the first; one
// that reads, when no writer is before it. So a read waits for the writes
// before it (RAW), a write for the reads and writes before it (WAR, WAW), by
// identity: what happens to other things changes nothing. A step waits only for
// earlier ones, hence never in a circle.
//
//   threads    one at a time.
//   blocking   nothing.
//   ownership  all structs are the caller's; steps and touches are lent from
//              add to end, things for as long as steps touch them.
//   errors     none; a broken rule aborts.
#ifndef WR_SERVE_TIMELINE_H
#define WR_SERVE_TIMELINE_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct wr_thing {
    wr_link touches;
} wr_thing;

typedef struct wr_step wr_step;

typedef struct wr_touch {
    wr_thing *thing; // the caller's: what, and how
    bool writes;
    bool granted;
    wr_link link; // in thing->touches
    wr_step *step;
} wr_touch;

typedef enum wr_step_state {
    WR_STEP_OUTSIDE, // not added, or ended
    WR_STEP_WAITING,
    WR_STEP_READY,
    WR_STEP_BEGUN,
} wr_step_state;

struct wr_step {
    wr_touch *touch; // the caller's: of different things
    int touches;
    int missing; // touches that are not granted
    wr_step_state state;
    uint64_t order;
    wr_link link;  // in timeline->steps
    wr_link ready; // in timeline->ready
};

typedef struct wr_timeline {
    wr_link steps; // that have not ended, as added
    wr_link ready; // in order
    uint64_t added;
    int count; // of steps
} wr_timeline;

void wr_timeline_init(wr_timeline *timeline);
void wr_thing_init(wr_thing *thing);
static inline bool wr_thing_idle(const wr_thing *thing) {
    return wr_list_empty(&thing->touches);
}

// wr_timeline_add appends a step with its touches filled in.
void wr_timeline_add(wr_timeline *timeline, wr_step *step);

// wr_timeline_next returns a step that may begin, the earliest, which it now
// has; or NULL.
wr_step *wr_timeline_next(wr_timeline *timeline);

// wr_timeline_end: the step's effects are there. What waited for it gets ready.
// A step that has not begun is taken out, as if it had never been added.
void wr_timeline_end(wr_timeline *timeline, wr_step *step);

// wr_timeline_first is the earliest step that has not ended, or NULL.
wr_step *wr_timeline_first(wr_timeline *timeline);

#endif

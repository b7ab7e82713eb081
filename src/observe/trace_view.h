// SPDX-License-Identifier: MIT
// What was recorded, made ready for the writers: in order of time, the parents
// before what happened inside them, with the depth of each event.
#ifndef WR_OBSERVE_TRACE_VIEW_H
#define WR_OBSERVE_TRACE_VIEW_H

#include "pool/trace.h"

enum {
    WR_LANES = 8,                // depths that are drawn
    WR_LANE_PARK = WR_LANES,     // behind the first of them
    WR_LANE_NONE = WR_LANES + 1, // not drawn: in a queue, or nested too deep
};

// One track; `lane` of an event is in its `reserved`.
typedef struct wr_view_row {
    wr_trace_track *track;
    wr_trace_event **queued; // events of kind QUEUED, by their end
    size_t queued_count;
    unsigned lanes;     // used, at least 1
    size_t hidden;      // events nested too deep
    uint64_t busy_ns;   // ran something and was not lent
    uint64_t lent_ns;   // in what ran
    uint64_t parked_ns; // set by wr_view_cut_parks
    int64_t from_ns;    // all that ended after this is kept
} wr_view_row;

typedef struct wr_view {
    wr_trace_track *tracks;
    wr_view_row *rows; // one for each track
    size_t count;
    int64_t begin_ns; // of all that is no park
    int64_t end_ns;
    size_t events;
    uint64_t overwritten;
} wr_view;

// wr_view_make copies what `trace` keeps; end with wr_view_free. Errors:
// -ENOMEM, -ECHILD.
int wr_view_make(wr_view *view, weir_trace *trace);
void wr_view_free(wr_view *view);

// wr_view_cut_parks cuts parks to the span of the rest. Their order by begin is
// kept.
void wr_view_cut_parks(wr_view *view);

// wr_view_wait returns how long a job was queued, or -1: not known.
int64_t wr_view_wait(const wr_view_row *row, const wr_trace_event *job);

// wr_view_label is the event's name, or what it is if it has none.
const char *wr_view_label(const wr_trace_event *event);
// wr_view_kind names a kind: "job", "queued".
const char *wr_view_kind(uint32_t kind);

// From begin to end, at most INT64_MAX.
static inline uint64_t wr_view_between(int64_t begin_ns, int64_t end_ns) {
    uint64_t ns = (uint64_t)end_ns - (uint64_t)begin_ns;
    return ns > INT64_MAX ? INT64_MAX : ns;
}

static inline uint64_t wr_view_length(const wr_trace_event *event) {
    return wr_view_between(event->begin_ns, event->end_ns);
}

#endif

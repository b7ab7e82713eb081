// SPDX-License-Identifier: MIT
// From events to the boxes of a picture. An event that is narrower than the
// grain is drawn together with others that begin in the same column of that
// width, so that a picture has no more boxes than it has columns.
#ifndef WR_OBSERVE_TRACE_BOXES_H
#define WR_OBSERVE_TRACE_BOXES_H

#include "observe/trace_view.h"

// From time to place.
typedef struct wr_scale {
    int64_t begin_ns;
    double ns;     // from left to right, above 0
    double pixels; // the same
    double grain;  // pixels
} wr_scale;

static inline double wr_scale_x(const wr_scale *scale, int64_t ns) {
    double from_begin =
        ns < scale->begin_ns
            ? -(double)((uint64_t)scale->begin_ns - (uint64_t)ns)
            : (double)((uint64_t)ns - (uint64_t)scale->begin_ns);
    return from_begin * (scale->pixels / scale->ns);
}

typedef struct wr_box {
    unsigned lane;
    size_t count; // events in it; 1: it is one of them as it is
    int64_t begin_ns;
    int64_t end_ns;
    uint64_t busy_ns;            // all of them together
    const wr_trace_event *event; // the longest of them
} wr_box;

// wr_boxes_each calls `draw` for each box of a row.
void wr_boxes_each(const wr_view_row *row, const wr_scale *scale,
                   void (*draw)(void *context, const wr_box *box),
                   void *context);

// wr_boxes_fit makes the grain as fine as it can be with at most about `limit`
// boxes in all rows together, at least a pixel.
void wr_boxes_fit(const wr_view *view, wr_scale *scale, size_t limit);

// wr_boxes_queue fills columns[0..count) with how many jobs of these rows were
// queued, on average over the time of a column, and returns the highest. As
// many doubles after them are for its own use.
double wr_boxes_queue(const wr_view_row *rows, size_t rows_count,
                      const wr_scale *scale, double *columns, size_t count);

#endif

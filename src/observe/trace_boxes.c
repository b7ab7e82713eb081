// SPDX-License-Identifier: MIT
#include "observe/trace_boxes.h"

#include <string.h>

enum { LANES = WR_LANES + 1 }; // with that of parks

// A box that may still grow, and the column that it is in.
typedef struct growing {
    wr_box box; // count 0: none
    int64_t column;
} growing;

void wr_boxes_each(const wr_view_row *row, const wr_scale *scale,
                   void (*draw)(void *context, const wr_box *box),
                   void *context) {
    growing lanes[LANES] = {{{0}, 0}};
    for (size_t i = 0; i < row->track->count; i++) {
        const wr_trace_event *event = &row->track->events[i];
        unsigned lane = event->reserved;
        if (lane == WR_LANE_NONE)
            continue;
        growing *g = &lanes[lane];
        double x = wr_scale_x(scale, event->begin_ns);
        bool wide = wr_scale_x(scale, event->end_ns) - x >= scale->grain;
        int64_t column = (int64_t)(x / scale->grain);
        if (g->box.count > 0 && (wide || g->column != column)) {
            draw(context, &g->box);
            g->box.count = 0;
        }
        uint64_t length = wr_view_length(event);
        if (g->box.count == 0) {
            g->box = (wr_box){lane,          1,      event->begin_ns,
                              event->end_ns, length, event};
            g->column = column;
        } else {
            g->box.count++;
            g->box.busy_ns += length;
            if (event->end_ns > g->box.end_ns)
                g->box.end_ns = event->end_ns;
            if (length > wr_view_length(g->box.event))
                g->box.event = event;
        }
        if (wide) {
            draw(context, &g->box);
            g->box.count = 0;
        }
    }
    for (unsigned lane = 0; lane < LANES; lane++)
        if (lanes[lane].box.count > 0)
            draw(context, &lanes[lane].box);
}

static void count_box(void *context, const wr_box *box) {
    (void)box;
    ++*(size_t *)context;
}

void wr_boxes_fit(const wr_view *view, wr_scale *scale, size_t limit) {
    for (scale->grain = 1; scale->grain < scale->pixels; scale->grain *= 2) {
        size_t boxes = 0;
        for (size_t i = 0; i < view->count && boxes <= limit; i++)
            wr_boxes_each(&view->rows[i], scale, count_box, &boxes);
        if (boxes <= limit)
            return;
    }
}

// ---- queues ----------------------------------------------------------------

static double within(double x, double high) {
    return x < 0 ? 0 : x > high ? high : x;
}

// What lies between x and the right end of its column goes to that column, and
// a whole one to each column after it: kept as a difference to the column
// before, so that an event costs the same however long it is.
static void add_from(double *columns, double *steps, size_t count, double x,
                     double weight) {
    size_t column = (size_t)x;
    if (column >= count)
        return;
    columns[column] += weight * ((double)column + 1 - x);
    if (column + 1 < count)
        steps[column + 1] += weight;
}

double wr_boxes_queue(const wr_view_row *rows, size_t rows_count,
                      const wr_scale *scale, double *columns, size_t count) {
    double *steps = columns + count;
    memset(columns, 0, 2 * count * sizeof(*columns));
    double per_pixel = (double)count / scale->pixels;
    for (size_t r = 0; r < rows_count; r++)
        for (size_t i = 0; i < rows[r].queued_count; i++) {
            const wr_trace_event *queued = rows[r].queued[i];
            double x = wr_scale_x(scale, queued->begin_ns) * per_pixel;
            double end = wr_scale_x(scale, queued->end_ns) * per_pixel;
            add_from(columns, steps, count, within(x, (double)count), 1);
            add_from(columns, steps, count, within(end, (double)count), -1);
        }
    double highest = 0;
    double level = 0;
    for (size_t i = 0; i < count; i++) {
        level += steps[i];
        columns[i] += level;
        if (columns[i] < 0.001)
            columns[i] = 0;
        if (columns[i] > highest)
            highest = columns[i];
    }
    return highest;
}

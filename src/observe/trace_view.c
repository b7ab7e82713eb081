// SPDX-License-Identifier: MIT
#include "observe/trace_view.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64 }; // deeper than any lane: what is inside is not drawn

static const struct {
    const char *name;
    int rank; // among events of the same time the parent has the lower
} kinds[WR_TRACE_KINDS] = {
    [WR_TRACE_JOB] = {"job", 0},   [WR_TRACE_QUEUED] = {"queued", 6},
    [WR_TRACE_FORK] = {"fork", 1}, [WR_TRACE_PARK] = {"asleep", 5},
    [WR_TRACE_LOAN] = {"lent", 4}, [WR_TRACE_TOKEN] = {"token", 2},
    [WR_TRACE_CALL] = {"call", 0}, [WR_TRACE_DELIVERY] = {"delivery", 1},
    [WR_TRACE_SPAN] = {"span", 3},
};

const char *wr_view_kind(uint32_t kind) { return kinds[kind].name; }

const char *wr_view_label(const wr_trace_event *event) {
    return event->name[0] != '\0' ? event->name : kinds[event->kind].name;
}

// ---- order -----------------------------------------------------------------

static int compare_times(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int compare_events(const void *a, const void *b) {
    const wr_trace_event *x = a;
    const wr_trace_event *y = b;
    int order = compare_times(x->begin_ns, y->begin_ns);
    if (order == 0)
        order = compare_times(y->end_ns, x->end_ns);
    return order != 0 ? order : kinds[x->kind].rank - kinds[y->kind].rank;
}

static int compare_ends(const void *a, const void *b) {
    const wr_trace_event *const *x = a;
    const wr_trace_event *const *y = b;
    return compare_times((*x)->end_ns, (*y)->end_ns);
}

static int sort_row(wr_view_row *row) {
    wr_trace_track *track = row->track;
    qsort(track->events, track->count, sizeof(wr_trace_event), compare_events);
    size_t count = 0;
    for (size_t i = 0; i < track->count; i++)
        count += track->events[i].kind == WR_TRACE_QUEUED;
    if (count == 0)
        return 0;
    row->queued = wr_malloc(count * sizeof(*row->queued));
    if (row->queued == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < track->count; i++)
        if (track->events[i].kind == WR_TRACE_QUEUED)
            row->queued[row->queued_count++] = &track->events[i];
    qsort(row->queued, count, sizeof(*row->queued), compare_ends);
    return 0;
}

int64_t wr_view_wait(const wr_view_row *row, const wr_trace_event *job) {
    size_t low = 0;
    for (size_t high = row->queued_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (row->queued[middle]->end_ns < job->begin_ns)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < row->queued_count; low++) {
        const wr_trace_event *queued = row->queued[low];
        if (queued->end_ns != job->begin_ns)
            break;
        if (queued->id == job->id)
            return (int64_t)wr_view_length(queued);
    }
    return -1;
}

// ---- the span of time ------------------------------------------------------

// A park may have begun long before, and says nothing about work: it does not
// stretch the picture, unless there is nothing else.
static void find_span(wr_view *view, bool parks) {
    bool found = false;
    for (size_t t = 0; t < view->count; t++) {
        const wr_trace_track *track = &view->tracks[t];
        for (size_t i = 0; i < track->count; i++) {
            const wr_trace_event *event = &track->events[i];
            if (event->kind == WR_TRACE_PARK && !parks)
                continue;
            if (!found || event->begin_ns < view->begin_ns)
                view->begin_ns = event->begin_ns;
            if (!found || event->end_ns > view->end_ns)
                view->end_ns = event->end_ns;
            found = true;
        }
    }
    if (!found && !parks)
        find_span(view, true);
}

static int64_t cut(const wr_view *view, int64_t ns) {
    return ns < view->begin_ns ? view->begin_ns
           : ns > view->end_ns ? view->end_ns
                               : ns;
}

void wr_view_cut_parks(wr_view *view) {
    for (size_t t = 0; t < view->count; t++)
        for (size_t i = 0; i < view->tracks[t].count; i++) {
            wr_trace_event *event = &view->tracks[t].events[i];
            if (event->kind != WR_TRACE_PARK)
                continue;
            event->begin_ns = cut(view, event->begin_ns);
            event->end_ns = cut(view, event->end_ns);
            view->rows[t].parked_ns += wr_view_length(event);
        }
}

// ---- depth -----------------------------------------------------------------

static void set_lane(wr_view_row *row, wr_trace_event *event, unsigned lane) {
    event->reserved = lane < WR_LANES ? lane : WR_LANE_NONE;
    if (lane >= WR_LANES)
        row->hidden++;
    else if (lane >= row->lanes)
        row->lanes = lane + 1;
}

// A worker's events nest: the lane is the depth. What the innermost event is
// says whether the worker is busy.
static void nest(wr_view_row *row) {
    const wr_trace_event *open[DEPTH_MAX];
    bool counts[DEPTH_MAX]; // as busy
    unsigned depth = 0;
    int64_t busy_ns = 0;
    for (size_t i = 0; i < row->track->count; i++) {
        wr_trace_event *event = &row->track->events[i];
        if (event->kind == WR_TRACE_QUEUED || event->kind == WR_TRACE_PARK) {
            event->reserved =
                event->kind == WR_TRACE_PARK ? WR_LANE_PARK : WR_LANE_NONE;
            continue;
        }
        while (depth > 0 && open[depth - 1]->end_ns <= event->begin_ns)
            depth--;
        int64_t length = (int64_t)wr_view_length(event);
        bool inside = depth > 0 && counts[depth - 1];
        bool busy = inside || event->kind == WR_TRACE_JOB ||
                    event->kind == WR_TRACE_FORK;
        if (event->kind == WR_TRACE_LOAN) {
            busy = false;
            busy_ns -= inside ? length : 0;
            row->lent_ns += inside ? (uint64_t)length : 0;
        } else if (busy && !inside) {
            busy_ns += length;
        }
        set_lane(row, event, depth);
        if (depth == DEPTH_MAX)
            continue;
        counts[depth] = busy;
        open[depth++] = event;
    }
    row->busy_ns = busy_ns > 0 ? (uint64_t)busy_ns : 0;
}

// What other threads do may overlap: the first lane that is free, and a
// delivery in the lane of its call, which it ends.
static void spread(wr_view_row *row) {
    const wr_trace_event *last[WR_LANES] = {NULL};
    for (size_t i = 0; i < row->track->count; i++) {
        wr_trace_event *event = &row->track->events[i];
        unsigned lane = WR_LANES;
        for (unsigned l = 0; l < WR_LANES && lane == WR_LANES; l++)
            if (last[l] != NULL && event->kind == WR_TRACE_DELIVERY &&
                last[l]->kind == WR_TRACE_CALL && last[l]->id == event->id &&
                last[l]->end_ns >= event->end_ns)
                lane = l;
        for (unsigned l = 0; l < WR_LANES && lane == WR_LANES; l++)
            if (last[l] == NULL || last[l]->end_ns <= event->begin_ns)
                lane = l;
        set_lane(row, event, lane);
        if (lane < WR_LANES && event->kind != WR_TRACE_DELIVERY)
            last[lane] = event;
    }
}

// ---- making ----------------------------------------------------------------

static int make_row(wr_view *view, wr_view_row *row) {
    wr_trace_track *track = row->track;
    row->lanes = 1;
    row->from_ns = view->begin_ns;
    if (track->count == 0)
        return 0;
    int error = sort_row(row);
    if (error != 0)
        return error;
    if (track->pool != 0)
        nest(row);
    else
        spread(row);
    // What ended before the first end that is left may have been overwritten.
    if (track->overwritten > 0) {
        row->from_ns = view->end_ns;
        for (size_t i = 0; i < track->count; i++)
            if (track->events[i].end_ns < row->from_ns)
                row->from_ns = track->events[i].end_ns;
    }
    return 0;
}

int wr_view_make(wr_view *view, weir_trace *trace) {
    *view = (wr_view){.begin_ns = 0};
    int error = wr_trace_copy(trace, &view->tracks, &view->count);
    if (error != 0)
        return error;
    view->rows = wr_calloc(view->count, sizeof(*view->rows));
    if (view->rows == NULL)
        error = -ENOMEM;
    find_span(view, false);
    for (size_t i = 0; i < view->count && error == 0; i++) {
        view->rows[i].track = &view->tracks[i];
        view->events += view->tracks[i].count;
        view->overwritten += view->tracks[i].overwritten;
        error = make_row(view, &view->rows[i]);
    }
    if (error != 0)
        wr_view_free(view);
    return error;
}

void wr_view_free(wr_view *view) {
    for (size_t i = 0; view->rows != NULL && i < view->count; i++)
        wr_free(view->rows[i].queued);
    wr_free(view->rows);
    wr_trace_copy_free(view->tracks, view->count);
}

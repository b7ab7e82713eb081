// SPDX-License-Identifier: MIT
// The timeline in the Trace Event Format, object form. A pool is a process, a
// worker a thread of it. What a worker does nests and is written as complete
// events (X); what may overlap, as pairs of nestable asynchronous ones (b, e):
// times in queues, calls, and all that other threads do.
//
// Thread numbers are the worker's index + 1, and other threads have the process
// number after the last pool: viewers take a process 0 or a thread 0 for the
// kernel's idle thread, or mix it up with thread 1.
#include "weir/observe.h"

#include "observe/trace_text.h"
#include "observe/trace_view.h"

#include <string.h>

typedef struct writer {
    wr_text text;
    const char *separator; // before the next event
    uint64_t pairs;        // asynchronous pairs so far: their ids
    unsigned pools;
} writer;

static unsigned process_of(const writer *w, const wr_trace_track *track) {
    return track->pool != 0 ? track->pool : w->pools + 1;
}

static void put_field(wr_text *text, const char *name, uint64_t value) {
    wr_text_put(text, ",\"");
    wr_text_put(text, name);
    wr_text_put(text, "\":");
    wr_text_unsigned(text, value);
}

static void put_place(writer *w, const wr_trace_track *track) {
    put_field(&w->text, "pid", process_of(w, track));
    put_field(&w->text, "tid", track->index + 1);
}

static void open_event(writer *w, const char *phase) {
    wr_text_put(&w->text, w->separator);
    w->separator = ",\n";
    wr_text_put(&w->text, "{\"ph\":\"");
    wr_text_put(&w->text, phase);
    wr_text_put(&w->text, "\"");
}

// ---- who is who ------------------------------------------------------------

static void put_metadata(writer *w, const wr_trace_track *track,
                         const char *what, const char *name) {
    open_event(w, "M");
    put_place(w, track);
    wr_text_put(&w->text, ",\"name\":\"");
    wr_text_put(&w->text, what);
    wr_text_put(&w->text, "\",\"args\":{\"name\":\"");
    wr_text_json(&w->text, name);
    wr_text_put(&w->text, "\"}}");
}

static void put_order(writer *w, const wr_trace_track *track, const char *what,
                      unsigned index) {
    open_event(w, "M");
    put_place(w, track);
    wr_text_put(&w->text, ",\"name\":\"");
    wr_text_put(&w->text, what);
    wr_text_put(&w->text, "\",\"args\":{\"sort_index\":");
    wr_text_unsigned(&w->text, index);
    wr_text_put(&w->text, "}}");
}

static void put_track(writer *w, const wr_trace_track *track, bool first) {
    char process[WR_TRACE_NAME_MAX];
    memcpy(process, track->name, sizeof(process));
    char *slash = strrchr(process, '/');
    if (track->pool != 0 && slash != NULL)
        *slash = '\0';
    if (first) {
        put_metadata(w, track, "process_name", process);
        put_order(w, track, "process_sort_index", process_of(w, track));
    }
    put_metadata(w, track, "thread_name", track->name);
    put_order(w, track, "thread_sort_index", track->index);
}

// ---- events ----------------------------------------------------------------

static void put_head(writer *w, const char *phase, const wr_trace_track *track,
                     const wr_trace_event *event, int64_t at_ns) {
    open_event(w, phase);
    wr_text_put(&w->text, ",\"cat\":\"");
    wr_text_put(&w->text, wr_view_kind(event->kind));
    wr_text_put(&w->text, "\",\"name\":\"");
    wr_text_json(&w->text, wr_view_label(event));
    if (event->name[0] != '\0' &&
        (event->kind == WR_TRACE_QUEUED || event->kind == WR_TRACE_DELIVERY)) {
        wr_text_put(&w->text, " (");
        wr_text_put(&w->text, wr_view_kind(event->kind));
        wr_text_put(&w->text, ")");
    }
    wr_text_put(&w->text, "\"");
    put_place(w, track);
    wr_text_put(&w->text, ",\"ts\":");
    wr_text_micro(&w->text, at_ns);
}

// Identities are text: some are addresses, wider than what a reader of JSON
// may take for a number.
static void put_args(writer *w, const wr_view_row *row,
                     const wr_trace_event *event) {
    wr_text *text = &w->text;
    wr_text_put(text, ",\"args\":{\"id\":\"");
    wr_text_unsigned(text, event->id);
    wr_text_put(text, "\"");
    int64_t wait_ns =
        event->kind == WR_TRACE_JOB ? wr_view_wait(row, event) : -1;
    if (wait_ns >= 0) {
        wr_text_put(text, ",\"queued_us\":");
        wr_text_micro(text, wait_ns);
    }
    wr_text_put(text, "}");
}

static void put_complete(writer *w, const wr_view_row *row,
                         const wr_trace_event *event) {
    put_head(w, "X", row->track, event, event->begin_ns);
    wr_text_put(&w->text, ",\"dur\":");
    wr_text_micro(&w->text, (int64_t)wr_view_length(event));
    put_args(w, row, event);
    wr_text_put(&w->text, "}");
}

static void put_pair(writer *w, const wr_view_row *row,
                     const wr_trace_event *event) {
    w->pairs++;
    put_head(w, "b", row->track, event, event->begin_ns);
    put_field(&w->text, "id", w->pairs);
    put_args(w, row, event);
    wr_text_put(&w->text, "}");
    put_head(w, "e", row->track, event, event->end_ns);
    put_field(&w->text, "id", w->pairs);
    wr_text_put(&w->text, "}");
}

static void put_row(writer *w, const wr_view_row *row) {
    for (size_t i = 0; i < row->track->count && !w->text.failed; i++) {
        const wr_trace_event *event = &row->track->events[i];
        if (row->track->pool == 0 || event->kind == WR_TRACE_QUEUED ||
            event->kind == WR_TRACE_CALL || event->kind == WR_TRACE_DELIVERY)
            put_pair(w, row, event);
        else
            put_complete(w, row, event);
    }
}

// ---- the file --------------------------------------------------------------

static void put_view(writer *w, const wr_view *view) {
    wr_text_put(&w->text, "{\"displayTimeUnit\":\"ns\",\"otherData\":{"
                          "\"producer\":\"weir ");
    wr_text_put(&w->text, weir_version());
    wr_text_put(&w->text, "\",\"events\":\"");
    wr_text_unsigned(&w->text, view->events);
    wr_text_put(&w->text, "\",\"overwritten\":\"");
    wr_text_unsigned(&w->text, view->overwritten);
    wr_text_put(&w->text, "\"},\n\"traceEvents\":[");
    w->separator = "\n";
    unsigned named = 0;
    for (size_t i = 0; i < view->count; i++)
        if (view->tracks[i].pool > w->pools)
            w->pools = view->tracks[i].pool;
    // A worker that never did anything is left out.
    for (size_t i = 0; i < view->count; i++) {
        const wr_trace_track *track = &view->tracks[i];
        if (track->count == 0)
            continue;
        put_track(w, track, process_of(w, track) != named);
        named = process_of(w, track);
    }
    for (size_t i = 0; i < view->count; i++)
        put_row(w, &view->rows[i]);
    wr_text_put(&w->text, "\n]}\n");
}

int weir_trace_json(weir_trace *trace, FILE *out) {
    wr_view view;
    int error = wr_view_make(&view, trace);
    if (error != 0)
        return error;
    writer w = {.pools = 0};
    wr_text_begin(&w.text, out);
    put_view(&w, &view);
    wr_view_free(&view);
    return wr_text_end(&w.text);
}

// SPDX-License-Identifier: MIT
#include "observe/trace_names.h"

#include "base/fault.h"

#include <errno.h>
#include <string.h>

enum { TABLE_FIRST = 64 };

// Open addressing, at most half full. label NULL: free.
typedef struct table {
    wr_name *names;
    size_t size; // a power of two
    size_t used;
} table;

static uint32_t hash_of(const char *label) {
    uint32_t hash = 2166136261; // FNV-1a
    for (; *label != '\0'; label++)
        hash = (hash ^ (unsigned char)*label) * 16777619;
    return hash ^ hash >> 16;
}

static wr_name *find(const table *t, const char *label) {
    size_t at = hash_of(label);
    for (;; at++) {
        wr_name *name = &t->names[at & (t->size - 1)];
        if (name->label == NULL || strcmp(name->label, label) == 0)
            return name;
    }
}

static int grow(table *t) {
    table larger = {.size = t->size == 0 ? TABLE_FIRST : t->size * 2,
                    .used = t->used};
    larger.names = wr_calloc(larger.size, sizeof(*larger.names));
    if (larger.names == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->size; i++)
        if (t->names[i].label != NULL)
            *find(&larger, t->names[i].label) = t->names[i];
    wr_free(t->names);
    *t = larger;
    return 0;
}

// What is neither work nor somebody's call has a look of its own.
static bool has_colour(const wr_trace_event *event) {
    return event->kind != WR_TRACE_QUEUED && event->kind != WR_TRACE_PARK &&
           event->kind != WR_TRACE_LOAN && event->kind != WR_TRACE_DELIVERY;
}

static int fill(table *t, const wr_trace_track *track) {
    for (size_t i = 0; i < track->count; i++) {
        const wr_trace_event *event = &track->events[i];
        if (!has_colour(event))
            continue;
        if (2 * t->used >= t->size && grow(t) != 0)
            return -ENOMEM;
        wr_name *name = find(t, wr_view_label(event));
        if (name->label == NULL) {
            name->label = wr_view_label(event);
            t->used++;
        }
        name->total_ns += wr_view_length(event);
        name->count++;
    }
    return 0;
}

static bool comes_before(const wr_name *a, const wr_name *b) {
    if (a->total_ns != b->total_ns)
        return a->total_ns > b->total_ns;
    return strcmp(a->label, b->label) < 0;
}

static void add_other(wr_names *names, const wr_name *name) {
    names->others++;
    names->other.total_ns += name->total_ns;
    names->other.count += name->count;
}

static void rank(wr_names *names, wr_name name) {
    for (size_t i = 0; i < names->count; i++)
        if (comes_before(&name, &names->top[i])) {
            wr_name lower = names->top[i];
            names->top[i] = name;
            name = lower;
        }
    if (names->count < WR_COLOURS)
        names->top[names->count++] = name;
    else
        add_other(names, &name);
}

static void choose_colours(wr_names *names) {
    bool taken[WR_COLOURS] = {false};
    for (size_t i = 0; i < names->count; i++) {
        unsigned colour = hash_of(names->top[i].label) % WR_COLOURS;
        while (taken[colour])
            colour = (colour + 1) % WR_COLOURS;
        taken[colour] = true;
        names->top[i].colour = colour;
    }
}

int wr_names_make(wr_names *names, const wr_view *view) {
    *names = (wr_names){.other = {.colour = WR_COLOUR_OTHER}};
    table t = {.names = NULL};
    int error = grow(&t);
    for (size_t i = 0; i < view->count && error == 0; i++)
        error = fill(&t, &view->tracks[i]);
    for (size_t i = 0; i < t.size && error == 0; i++)
        if (t.names[i].label != NULL)
            rank(names, t.names[i]);
    wr_free(t.names);
    choose_colours(names);
    return error;
}

unsigned wr_names_colour(const wr_names *names, const wr_trace_event *event) {
    const char *label = wr_view_label(event);
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->top[i].label, label) == 0)
            return names->top[i].colour;
    return WR_COLOUR_OTHER;
}

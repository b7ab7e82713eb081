// SPDX-License-Identifier: MIT
// Which names get a colour of their own: those that took the most time. Which
// colour follows from the name, unless it is taken already, so that pictures of
// the same program look alike.
#ifndef WR_OBSERVE_TRACE_NAMES_H
#define WR_OBSERVE_TRACE_NAMES_H

#include "observe/trace_view.h"

enum {
    WR_COLOURS = 7,
    WR_COLOUR_OTHER = WR_COLOURS // of all other names
};

typedef struct wr_name {
    const char *label; // in the view
    uint64_t total_ns;
    size_t count;
    unsigned colour;
} wr_name;

typedef struct wr_names {
    wr_name top[WR_COLOURS]; // the one with the most time first
    size_t count;
    wr_name other; // all the rest together
    size_t others; // names in it
} wr_names;

// Errors: -ENOMEM.
int wr_names_make(wr_names *names, const wr_view *view);

unsigned wr_names_colour(const wr_names *names, const wr_trace_event *event);

#endif

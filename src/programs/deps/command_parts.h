// SPDX-License-Identifier: MIT
// The parts of the command. Private to command*.c.
#ifndef WEIR_PROGRAMS_DEPS_COMMAND_PARTS_H
#define WEIR_PROGRAMS_DEPS_COMMAND_PARTS_H

#include "programs/deps/resolve.h"
#include "weir/observe.h"

typedef enum wr_deps_show {
    WR_SHOW_TERMINAL, // on a terminal alone
    WR_SHOW_ALWAYS,
    WR_SHOW_NEVER,
} wr_deps_show;

// What the command line says.
typedef struct wr_deps_options {
    const char *dir;
    const char *output;                          // NULL: standard output
    const char *registry, *cache, *node, *trace; // or NULL
    bool offline, prefer_offline, prefer_online;
    bool json, verbose, parse_serially;
    wr_deps_show progress;
    int threads;          // as weir_pool_options has them
    unsigned connections; // 0: as the settings say, or 64
    weir_frontier_engine engine;
} wr_deps_options;

// ---- command_run.c ---------------------------------------------------------

// wr_deps_fetch is `weir deps fetch`; returns the exit status.
int wr_deps_fetch(const wr_deps_options *options);

// ---- command_say.c ---------------------------------------------------------

// wr_deps_refuse tells of a failure, as a line or as npm's JSON; returns 1.
int wr_deps_refuse(const wr_deps_options *options, const wr_why *why);
// wr_deps_report tells what a resolve failed of; returns 1.
int wr_deps_report(const wr_deps_options *options, wr_resolve *resolve,
                   int status);

typedef struct wr_deps_times {
    int64_t begin_ns, ready_ns, resolved_ns, written_ns;
} wr_deps_times;
void wr_deps_figures(const wr_resolve_counts *counts, const char *node,
                     const wr_deps_times *times);

// ---- command_save.c --------------------------------------------------------

// wr_deps_save writes a file all or nothing: nobody sees a part of it, whatever
// happens meanwhile. path NULL: standard output. Errors: with why.
int wr_deps_save(const char *path, const char *text, size_t size, wr_why *why);

#endif

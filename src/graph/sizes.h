// SPDX-License-Identifier: MIT
// How much is made at a time, how often is looked. Models have other ones:
// tests/model/shim.
#ifndef WR_GRAPH_SIZES_H
#define WR_GRAPH_SIZES_H

#include <stdint.h>

enum { WR_CHUNK_TASKS = 64 }; // tasks that are allocated together

// Nanoseconds between looks that nobody has asked for: see procs.md, Outcomes.
#define WR_LOOK_NS INT64_C(100000000)

#endif

// SPDX-License-Identifier: MIT
// How much is made at a time. Models have less: tests/model/shim.
#ifndef WR_GRAPH_SIZES_H
#define WR_GRAPH_SIZES_H

enum { WR_CHUNK_TASKS = 64 }; // tasks that are allocated together

#endif

// SPDX-License-Identifier: MIT
// Finding everything a project can need: a frontier over (package, spec) items
// and package fetches, one flight per package name through a weir_cache.
//
//   item key      name NUL fetch-spec    class ITEM, no cap: waits for its
//                                        package's document (a get of the
//                                        cache), chooses a version, parses it,
//                                        adds what that needs
//   fetch key     FETCH NUL url          class NET, capped: one request, with
//                                        the frontier's retries and back-off;
//                                        ends the cache's flight
//
// Inflating and parsing are jobs of the pool. Nothing waits on a worker.
#ifndef WEIR_PROGRAMS_DEPS_RESOLVE_H
#define WEIR_PROGRAMS_DEPS_RESOLVE_H

#include "programs/deps/manifest.h"
#include "programs/deps/npmrc.h"
#include "programs/deps/store.h"
#include "programs/deps/web.h"
#include "weir/frontier.h"

typedef struct wr_resolve wr_resolve;

typedef struct wr_resolve_options {
    weir_pool *pool;
    wr_web *web;     // NULL: offline
    wr_store *store; // NULL: none
    const wr_npmrc *config;
    const wr_project *project;
    weir_frontier_engine engine;
    unsigned requests_max; // in flight at once; default 64
    bool parse_serially;   // one document at a time (the ablation of B3)
    void (*done)(void *context, wr_resolve *resolve, int status); // on a worker
    void *context;
} wr_resolve_options;

// wr_resolve_start: done is called once if it returns 0. status: 0, -ENOENT
// (something that is needed failed: see wr_resolve_report), -ECANCELED, ...
int wr_resolve_start(wr_resolve **out, const wr_resolve_options *options,
                     wr_why *why);
void wr_resolve_cancel(wr_resolve *resolve);
void wr_resolve_free(wr_resolve *resolve); // after done

// wr_resolve_write writes the document: JSON, sorted, its bytes a function of
// the project and the registries' answers alone. The text is malloc'ed.
int wr_resolve_write(wr_resolve *resolve, char **text, size_t *size);

// What failed, as lines for people (each item with the chain of requirers) or
// as npm's --json error object. The text is malloc'ed; NULL if nothing did.
int wr_resolve_report(wr_resolve *resolve, bool json, char **text);

typedef struct wr_resolve_counts {
    uint64_t items, items_done, packages, failed, optional_failed;
    uint64_t fetched, not_modified, from_cache, retries, bytes;
    // Time spent in each phase, summed over threads.
    int64_t store_ns, inflate_ns, parse_ns, pick_ns, manifest_ns, write_ns;
} wr_resolve_counts;
void wr_resolve_count(wr_resolve *resolve, wr_resolve_counts *out); // any

#endif

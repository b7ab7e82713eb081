// SPDX-License-Identifier: MIT
// Finding everything a project can need: a frontier over (package, spec) items
// and package fetches, one flight per package name through a weir_cache.
//
//   item key      \1 name NUL fetch-spec class ITEM, no cap: waits for its
//                                        package's document (a get of the
//                                        cache), chooses a version, parses it,
//                                        adds what that needs
//   other key     \2 name NUL spec       class ITEM: git, a tarball, a folder:
//                                        listed, not followed
//   wrong key     \3 text                class ITEM: fails
//   fetch key     \4 number, address     class NET, capped: one request, with
//                                        the frontier's retries and back-off;
//                                        ends the cache's flight. Each flight
//                                        that needs the network has a new one,
//                                        for the cache may forget a document
//
// Inflating and parsing are jobs of the pool. Nothing waits on a worker, but
// the one job that asks for node's version.
//
//   threads    start, write, report, free: one thread, outside the pool, the
//              web's. cancel: the same. count: any.
//   errors     0 or a negative errno, with why where there is one.
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
    wr_web *web;     // NULL: offline, or see web_needed
    wr_depot *store; // NULL: none
    const wr_npmrc *config;
    const wr_project *project;
    weir_frontier_engine engine;
    unsigned requests_max; // in flight at once; default 64
    bool parse_serially;   // one document at a time (the ablation of B3)
    void (*done)(void *context, wr_resolve *resolve, int status); // on a worker
    void *context;

    // True here or in the settings: that holds.
    bool offline, prefer_offline, prefer_online;
    // The node that `engines` are compared with, "20.11.1"; NULL: the
    // settings', else the first `node` in `path`, asked when the first
    // document wants to know; what it said is remembered in `memo`, a folder.
    const char *node;
    const char *path, *memo; // or NULL
    // Bytes of documents that are kept; what was forgotten is loaded again.
    // Default 64 MiB.
    size_t documents_max;
    // Where there is no web yet: called once, on any thread, when there shall
    // be one; then wr_resolve_web.
    void (*web_needed)(void *context);
    // Called on the web's thread when it has handed work to the pool, for who
    // drives a deterministic one.
    void (*kicked)(void *context);
} wr_resolve_options;

// wr_resolve_start: done is called once if it returns 0. status: 0, -ENOENT
// (something that is needed failed: see wr_resolve_report), -ECANCELED, ...
int wr_resolve_start(wr_resolve **out, const wr_resolve_options *options,
                     wr_why *why);
// wr_resolve_web hands in what web_needed asked for. NULL: there is none; what
// needs it fails with `why`.
void wr_resolve_web(wr_resolve *resolve, wr_web *web, const wr_why *why);
void wr_resolve_cancel(wr_resolve *resolve);
// wr_resolve_settle waits, after done, until nothing of it runs any more.
void wr_resolve_settle(wr_resolve *resolve);
void wr_resolve_free(wr_resolve *resolve); // after done; NULL is allowed

// wr_resolve_write writes the document: JSON, sorted, its bytes a function of
// the project and the registries' answers alone. The text is malloc'ed.
int wr_resolve_write(wr_resolve *resolve, char **text, size_t *size);

// What failed, as lines for people (each item with the chain of requirers) or
// as npm's --json error object. The text is malloc'ed; NULL if nothing did that
// is needed. -ENOMEM.
int wr_resolve_report(wr_resolve *resolve, bool json, char **text);

// wr_resolve_error_json is such an object for any failure; NULL: no memory.
char *wr_resolve_error_json(const char *code, const char *summary,
                            const char *detail);

typedef struct wr_resolve_counts {
    uint64_t items, items_done, packages, failed, optional_failed;
    uint64_t fetched, not_modified, from_cache, retries, bytes;
    uint64_t in_flight; // requests now
    // Time spent in each phase, summed over threads.
    int64_t store_ns, inflate_ns, parse_ns, pick_ns, manifest_ns, write_ns;
} wr_resolve_counts;
// wr_resolve_count: failed and optional_failed are known at the end alone.
void wr_resolve_count(wr_resolve *resolve, wr_resolve_counts *out); // any

// wr_resolve_node is the node version that was used, once done, or NULL.
const char *wr_resolve_node(const wr_resolve *resolve);

#endif

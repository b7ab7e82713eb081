// SPDX-License-Identifier: MIT
// The data of a resolve, all of it; README.md beside this file has the
// protocols. Private to resolve*.c.
#ifndef WEIR_PROGRAMS_DEPS_RESOLVE_PARTS_H
#define WEIR_PROGRAMS_DEPS_RESOLVE_PARTS_H

#include "base/check.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/refs.h"
#include "os/os.h"
#include "programs/deps/doc.h"
#include "programs/deps/pick.h"
#include "programs/deps/resolve.h"
#include "weir/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    WR_CLASS_ITEM = 0,
    WR_CLASS_NET = 1,
    WR_KIND_ITEM = 1, // the first byte of a key
    WR_KIND_OTHER = 2,
    WR_KIND_WRONG = 3,
    WR_KIND_FETCH = 4,
    WR_FETCH_KEY = 1 + 8 + sizeof(void *),
    WR_TAG_EDGE = 3, // bits of an edge's type in a tag; above: its index
};

// A chosen version, shared by all items that chose it.
typedef struct wr_chosen {
    wr_refs refs;
    wr_manifest manifest;
    wr_text version; // the key in "versions", behind this struct
} wr_chosen;

// What came of an item, its value in the frontier.
typedef struct wr_found {
    wr_why *why;       // it failed; or NULL
    wr_chosen *chosen; // otherwise
} wr_found;

// A value of the cache: a package's document, or why there is none.
typedef struct wr_package {
    wr_refs refs; // the cache's, and the store's writer
    const wr_doc *doc;
    void *owned; // to be freed, or NULL: the store's
    wr_why *why;
    size_t versions;
    wr_atomic_ptr chosen[]; // wr_chosen of each version, or NULL
} wr_package;

// An edge of the project's own: the tag of a seed is its index here.
typedef struct wr_seed {
    const char *path; // "." or a workspace's
    const wr_manifest *manifest;
    size_t edge;
} wr_seed;

typedef enum wr_fetch_state {
    WR_FETCH_ADDING,   // its key is being added
    WR_FETCH_QUEUED,   // no attempt is under way
    WR_FETCH_PARKED,   // waits for the web
    WR_FETCH_STARTING, // on its way into the web
    WR_FETCH_RUNNING,  // in the web
    WR_FETCH_ANSWERED, // on the web's thread, or a job of the pool
    WR_FETCH_OVER,     // whoever made it that ends the flight
} wr_fetch_state;

// A flight that needs the network, until it has landed.
typedef struct wr_fetch {
    wr_link link;   // in resolve->fetches
    wr_link parked; // in resolve->parked, or in a canceller's list
    wr_resolve *resolve;
    weir_flight *flight;
    weir_visit *leader; // whose get leads the flight; it outlives it
    weir_visit *visit;  // the attempt under way
    // resolve->lock
    unsigned refs;
    wr_fetch_state state, was;
    bool adding; // its key is being added: it does not land meanwhile
    bool held;   // it would have landed, with this:
    int held_status;
    weir_result held_result;
    // Whoever the state names.
    wr_web_request request;
    weir_job job;
    wr_why why; // of the last attempt
    bool has_record;
    wr_record record;
    uint64_t number;
    unsigned damaged; // answers that could not be inflated
    bool again;       // ask once more when the job is over
    char *etag, *modified;
    char *key; // of the store: what was asked for, a space, the URL
    char *url; // the end of key
    char text[];
} wr_fetch;

typedef enum wr_phase {
    WR_PHASE_STORE,
    WR_PHASE_INFLATE,
    WR_PHASE_PARSE,
    WR_PHASE_PICK,
    WR_PHASE_MANIFEST,
    WR_PHASE_WRITE,
    WR_PHASES,
} wr_phase;

typedef enum wr_tally {
    WR_TALLY_FETCHED,
    WR_TALLY_NOT_MODIFIED,
    WR_TALLY_FROM_CACHE,
    WR_TALLY_BYTES,
    WR_TALLY_PACKAGES,
    WR_TALLY_ITEMS_DONE,
    WR_TALLY_FATAL,
    WR_TALLY_OPTIONAL_FAILED,
    WR_TALLIES,
} wr_tally;

typedef enum wr_node_state {
    WR_NODE_UNASKED,
    WR_NODE_ASKED,
    WR_NODE_KNOWN,
} wr_node_state;

struct wr_resolve {
    // Read-only after start.
    wr_resolve_options options;
    const wr_settings *settings;
    bool offline, prefer_offline, prefer_online;
    unsigned attempts_max;
    int64_t started; // seconds since 1970
    weir_frontier *frontier;
    weir_cache *cache;
    weir_cache *forgotten; // keys that the cache had no room for
    wr_seed *seed;
    size_t seeds;
    const wr_workspace **workspace; // sorted by name
    size_t workspaces;

    wr_atomic_u64 tally[WR_TALLIES];
    wr_atomic_u64 phase_ns[WR_PHASES];

    // The version of node: `pick` and the text are written by the job before
    // node_known is set.
    weir_event node_event;
    weir_job node_job;
    wr_atomic_u32 node_known;
    wr_pick_options pick;
    wr_pick_options plain; // where no version names a node
    char node_text[64];

    wr_mutex lock;
    // Fired by each job that may go on after its flight has landed, and at the
    // end: nothing touches the resolve any more.
    weir_event settled;
    bool settled_made;
    bool refused; // start fails: nobody is told

    // lock. Nothing of the runtime's is called under it.
    wr_link fetches; // wr_fetch.link
    wr_link parked;  // wr_fetch.parked
    wr_link lined;   // parked here: answers that wait for their turn to be
                     // parsed (parse_serially)
    bool parsing;
    bool cancelled;
    bool needed; // web_needed was called
    bool no_web;
    wr_web *web;
    wr_why web_why;
    uint64_t numbers;
    wr_node_state node_state;

    // Made once it has ended, by whoever asks first; one thread.
    bool judged;
    weir_item *const *item; // sorted by key
    size_t items;
    struct wr_verdict *verdict; // of each item, if any failed
    size_t fatal;
};

// Of an item at the end: how far from the project over edges that are not
// optional; 0: not at all.
typedef struct wr_verdict {
    uint32_t distance;
} wr_verdict;

// ---- resolve.c -------------------------------------------------------------

void wr_resolve_add(wr_resolve *resolve, wr_tally tally, uint64_t count);
// wr_resolve_spent counts the time since begin_ns; returns now.
int64_t wr_resolve_spent(wr_resolve *resolve, wr_phase phase, int64_t begin_ns);
static inline bool wr_text_same(wr_text a, wr_text b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}
int wr_text_order(wr_text a, wr_text b); // bytes, the shorter first
// A key's parts, without its kind.
void wr_resolve_key(const weir_item *item, uint8_t *kind, wr_text *name,
                    wr_text *spec);
static inline wr_text wr_text_of(const char *text) {
    return (wr_text){text, text != NULL ? strlen(text) : 0};
}

// ---- resolve_edge.c --------------------------------------------------------

// Prepares workspaces. -ENOMEM.
int wr_resolve_rules(wr_resolve *resolve, wr_why *why);
// wr_resolve_seed adds the project's own edges.
int wr_resolve_seed(wr_resolve *resolve, wr_why *why);
// wr_resolve_edges adds what a chosen version needs. -ENOMEM.
int wr_resolve_edges(wr_resolve *resolve, weir_visit *visit,
                     const wr_manifest *manifest);

// ---- resolve_item.c --------------------------------------------------------

int wr_resolve_item(wr_resolve *resolve, weir_visit *visit, wr_text name,
                    wr_text spec);
// wr_resolve_fail makes `why` the value of a visit; returns error.
int wr_resolve_fail(weir_visit *visit, int error, const wr_why *why);
void wr_found_free(wr_found *found);
void wr_chosen_drop(wr_chosen *chosen); // NULL is allowed

// ---- resolve_fetch.c, resolve_answer.c -------------------------------------

// The cache's.
int wr_resolve_load(void *context, weir_worker *self, weir_flight *flight,
                    weir_result *result);
void wr_resolve_release(void *context, void *value);
void wr_resolve_removed(void *context, weir_entry *entry, weir_removal why);
// wr_resolve_fetch is the visit of a fetch key.
int wr_resolve_fetch(wr_resolve *resolve, weir_visit *visit);
int wr_fetch_fail(weir_result *result, int error, const wr_why *why);
int wr_fetch_keep(wr_resolve *resolve, weir_result *result, const void *image,
                  size_t size, void *owned, wr_package **out);
// wr_fetch_enter adds a new fetch key for the flight; -ECANCELED: the caller
// ends the flight.
int wr_fetch_enter(wr_fetch *fetch);
// wr_resolve_lost: what a visit added could not be kept.
void wr_resolve_lost(wr_resolve *resolve, weir_visit *leader, int why);
// wr_fetch_land ends the flight, and the fetch.
void wr_fetch_land(wr_fetch *fetch, int status, const weir_result *result);
void wr_fetch_unref(wr_fetch *fetch);
void wr_fetch_answered(wr_web_request *request, int status);

// ---- resolve_node.c --------------------------------------------------------

// wr_resolve_node_known: true: pick.node holds, or there is none. false: `job`
// will be run when it is known, or (then *error is not 0) never.
bool wr_resolve_node_known(wr_resolve *resolve, weir_job *job, int *error);

// ---- resolve_judge.c -------------------------------------------------------

// wr_resolve_judge finds out which failures matter. -ENOMEM, -EBUSY.
int wr_resolve_judge(wr_resolve *resolve);

// ---- resolve_page.c --------------------------------------------------------

// Text that grows. A failure for memory stays: look at `failed` at the end.
typedef struct wr_resolve_page {
    char *at;
    size_t size, room;
    bool failed;
} wr_resolve_page;

void wr_resolve_put(wr_resolve_page *page, const char *text, size_t size);
void wr_resolve_puts(wr_resolve_page *page, const char *text);
// The bytes of the UTF-8 character at `at`; 0: it is none.
size_t wr_resolve_character(const unsigned char *at, size_t size);
// As a part of a JSON string; as one, quotes and all.
void wr_resolve_escape(wr_resolve_page *page, wr_text text);
void wr_resolve_quote(wr_resolve_page *page, wr_text text);
// name@version of an item, "." or a workspace's path for a seed (NULL).
void wr_resolve_by(const wr_resolve *resolve, wr_resolve_page *page,
                   const weir_requirer *requirer);
// The edge over which a requirer asked.
const wr_edge *wr_resolve_edge(const wr_resolve *resolve,
                               const weir_requirer *requirer);

#endif

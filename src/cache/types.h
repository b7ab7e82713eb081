// SPDX-License-Identifier: MIT
// The data of the cache room, all of it. README.md beside this file has the
// protocols. Unless a group says otherwise a field is guarded by the cache's
// lock, cache->lock. Nothing of the pool and no callback is called under it:
// on a deterministic pool either could be a switch to somebody who wants it.
#ifndef WR_CACHE_TYPES_H
#define WR_CACHE_TYPES_H

#include "base/atomic.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/refs.h"
#include "os/os.h"
#include "weir/cache.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

typedef struct wr_cache_node wr_cache_node;
typedef struct wr_cache_core wr_cache_core;

enum {
    WR_CACHE_BUCKETS = 16,  // at first
    WR_CACHE_MARKS = 256,   // that one eviction takes off at most
    WR_CACHE_MOVE = 8,      // buckets moved with each insertion while it grows
    WR_CACHE_FAILURE = 256, // bytes that a remembered failure weighs, with its
                            // key and the weight of its reason
};

// ---- keys ------------------------------------------------------------------

// A key in the table, or one that was. While `linked` it is in the table and
// has a flight (LOADING), an entry (READY, FAILED) or, between put and landing,
// an entry alone. A flight or entry that its node does not name any more was
// superseded: it is nobody's answer.
struct wr_cache_node {
    wr_refs refs; // the table, each flight and each entry
    uint32_t key_size;
    uint64_t hash;
    // cache->lock
    wr_cache_node *next; // in its bucket
    weir_flight *flight;
    weir_entry *entry;
    bool linked;
    unsigned char key[];
};

// Far more than are ever given back while an entry is kept.
#define WR_KEPT_REFS (UINT64_C(1) << 62)

// ---- entries ---------------------------------------------------------------

// What outlives the cache: how to release values.
struct wr_cache_core {
    wr_refs refs; // the cache and each entry
    void *context;
    void (*release)(void *context, void *value);
    wr_atomic_u64 lent; // weights of entries that are not kept
};

struct weir_entry {
    // Who holds it: its flight and callers; and the cache while it is kept, by
    // WR_KEPT_REFS. Those that hits hand out meanwhile are counted in `lent`
    // alone, under the lock, and are added when it is kept no longer: so a hit
    // has one atomic operation less. Never goes up from 0: who adds one has
    // one, or the lock.
    wr_refs refs;
    int32_t status; // 0, or it is a failure (value: the reason)
    void *value;
    size_t weight;
    wr_cache_node *node;
    wr_cache_core *core;
    // cache->lock
    wr_link kept;       // in cache->kept, newest first, while it is kept
    int64_t expires_ns; // WEIR_FOREVER: never
    int64_t used_ns;    // the last get, if idle_ns matters
    uint64_t lent;      // references that hits gave since it is kept
    bool used;          // since the hand last passed
    uint8_t why;        // enum weir_removal, in a wr_trash
    weir_entry *trash;  // the next one there
};

// Entries that were taken out under the lock, to be told of and let go after.
typedef struct wr_trash {
    weir_entry *first;
    weir_entry **end;
} wr_trash;

// ---- flights ---------------------------------------------------------------

//   started --> load runs --> (LATER --> weir_flight_end) --> finished
//          \------- landed, at the latest then, or before: load_ns, ABORT
//
// Landed: the outcome stands, the event happens, the key is READY, FAILED or
// absent. Finished (parts is 0): nobody will call on it any more; its argument
// is dropped, its memory goes with the last reference.
struct weir_flight {
    weir_job job;       // the load
    weir_job watch;     // waits for `landing` with a deadline: load_ns
    weir_job late;      // finishes it, where the caller must not
    weir_event landing; // happens when it has landed
    weir_cache *cache;
    wr_cache_node *node;
    void *argument;
    int64_t started_ns;
    wr_refs refs;       // the load until finished, the watch, each waiter
    wr_atomic_u32 told; // negated errno for weir_flight_cancelled, or 0
    // Written by the load's own thread before it ends.
    weir_result result; // of a load that returned
    int32_t returned;   // by it
    // Fixed once landed; read without the lock by whom the event told.
    weir_entry *entry; // made with the flight; NULL: it failed without a reason
    int32_t status;
    // cache->lock
    wr_link open;  // in cache->flights until finished
    wr_link waits; // wr_get.edge of gets whose `from` this is
    unsigned waiting;
    unsigned parts;  // what keeps it from being finished: the load's job, what
                     // the load began, calls that are looking at it
    bool kept_alive; // a prefetch: never unwanted
    bool landed;
    bool over;         // its load has ended, or will never be
    bool began;        // the load was called
    bool barred;       // it must not be called any more
    bool later;        // it returned WEIR_LOAD_LATER
    bool notified;     // options.cancelled was called
    bool ending;       // weir_flight_end was called
    bool holds;        // an argument that must be dropped
    unsigned stopped;  // the weir_stop_mode it was told of, 0: none
    uint64_t visit;    // the last search for cycles that was here
    weir_flight *next; // in that search
};

// ---- gets ------------------------------------------------------------------

// Lives in weir_get.weir_private.
typedef struct wr_get {
    weir_job job; // attached to the flight's landing
    weir_cache *cache;
    weir_flight *flight; // while pending
    wr_link edge;        // in from->waits; cache->lock
    bool left;           // it does not count in flight->waiting any more; too
    wr_atomic_u32 pending;
} wr_get;

static_assert(sizeof(wr_get) <= sizeof(((weir_get *)0)->weir_private),
              "a get's private words fit");

static inline wr_get *wr_get_of(weir_get *get) {
    return (wr_get *)(void *)get->weir_private;
}

static inline weir_get *wr_get_public(wr_get *get) {
    return wr_container_of(get, weir_get, weir_private);
}

// ---- the cache -------------------------------------------------------------

// A hash table of chains that grows bit by bit: while it does there are two,
// and buckets below `moved` of the old one are empty.
typedef struct wr_cache_table {
    wr_cache_node **bucket;
    size_t mask; // buckets - 1
} wr_cache_table;

// Somebody in weir_cache_stop, on its stack.
typedef struct wr_cache_stopper {
    wr_link link; // in cache->stoppers, then with whoever fires
    weir_event quiet;
    bool taken; // somebody is about to fire; link is his. cache->lock
} wr_cache_stopper;

struct weir_cache {
    // Read-only after create.
    weir_cache_options options;
    weir_pool *pool;
    wr_cache_core *core;
    wr_hash_secret seed;
    bool deterministic;
    char name[32];

    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    wr_cache_table table;
    wr_cache_table old; // bucket NULL: it does not grow
    size_t moved;
    size_t nodes;
    wr_link kept;  // weir_entry.kept, newest first
    wr_link *hand; // the next that the hand looks at, or NULL: the oldest
    size_t capacity;
    size_t bytes; // weights of the kept
    bool timed;   // one of them may expire: hits look at the clock
    weir_cache_counts counts;
    wr_link flights;      // weir_flight.open
    uint64_t visits;      // searches for cycles
    uint64_t outstanding; // loads not finished, watches, pending gets
    bool stopping;
    bool stopped; // it has drained: not even its loads' puts come any more
    weir_stop_mode mode; // while stopping
    wr_link stoppers;
};

#endif

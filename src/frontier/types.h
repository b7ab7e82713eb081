// SPDX-License-Identifier: MIT
// The data of the frontier room, all of it. README.md beside this file has the
// protocols. No lock here is held while anything of the pool that may be a
// switch point, or a callback, is called.
#ifndef WR_FRONTIER_TYPES_H
#define WR_FRONTIER_TYPES_H

#include "base/atomic.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/refs.h"
#include "os/os.h"
#include "weir/frontier.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

typedef struct wr_place wr_place;

// ---- items -----------------------------------------------------------------

// An item is named by an id of 32 bits: its shard, and where it lies in that.
enum {
    WR_SHARD_BITS = 6,
    WR_SHARDS = 1 << WR_SHARD_BITS,
    WR_UNIT = 8,                       // bytes that an id counts in
    WR_UNIT_BITS = 32 - WR_SHARD_BITS, // so a shard has 512 MiB
    WR_CHUNK_FIRST = 1024,             // units; each is twice the one before
    WR_CHUNKS = WR_UNIT_BITS - 10 + 1,
    WR_KEY_INSIDE = 1024, // bytes; longer keys lie elsewhere
    WR_SLOTS_FIRST = 4,   // log2, of a shard's table
};

#define WR_NOBODY UINT32_MAX // the id of no item

enum wr_item_state {
    WR_ITEM_DEMAND,   // waits, or is about to
    WR_ITEM_PREFETCH, // the same; under the class's lock
    WR_ITEM_TAKEN,    // somebody has it: visit, back-off
    WR_ITEM_DEFERRED, // set aside: under frontier->lock
    WR_ITEM_DONE,
    WR_ITEM_FAILED,
    WR_ITEM_CANCELLED,
};

// Who has an item writes it: whoever took it from its list. What is fixed when
// it is made is published by its shard's lock.
struct weir_item {
    void *value;
    struct wr_edges *out; // what its visits added, the newest block first
    uint32_t key_size;    // fixed
    uint32_t id;          // fixed
    uint32_t first;       // fixed: who made it known; WR_NOBODY: a seed
    uint32_t first_tag;   // fixed
    wr_atomic_u32 state;  // enum wr_item_state
    int32_t status;
    uint32_t next;       // in the list that it waits in; then in searches
    uint32_t prev;       // in a list of prefetches; then in failed, deferred
    wr_atomic_u32 level; // FIRST, while it runs: not below its distance from
                         // the seeds; once all has ended: that
    uint16_t attempts;
    uint8_t visit_class; // fixed
    bool trouble;        // the owner had no memory for what it found: under
                         // frontier->lock
    unsigned char key[]; // or, if it is long, a pointer to it
};

// Lists of items by `next`, or of prefetches by both.
typedef struct wr_items {
    uint32_t first, last; // WR_NOBODY: none
    size_t count;
} wr_items;

typedef struct wr_out {
    uint32_t item, tag;
} wr_out;

typedef struct wr_edges {
    struct wr_edges *next;
    uint32_t count, max;
    wr_out out[];
} wr_edges;

// One part of the table: keys whose hash begins alike.
typedef struct wr_slot {
    uint32_t hash;
    uint32_t unit; // of the item, and 1; 0: nothing
} wr_slot;

typedef struct wr_shard {
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    uint32_t count;      // items
    uint32_t used;       // units
    uint32_t chunks;     // there
    wr_atomic_u32 bits;  // log2 of the slots; also read as a hint, without lock
    wr_atomic_ptr slots; // the same
    // Written before an id that needs it is known.
    unsigned char *chunk[WR_CHUNKS];
    uint64_t outside; // bytes of keys that lie elsewhere
} wr_shard;

// ---- outcomes --------------------------------------------------------------

// An item in back-off.
typedef struct wr_pause {
    weir_job job; // attached to frontier->never, with a deadline
    weir_frontier *frontier;
    weir_item *item;
    wr_link link; // in frontier->pauses; frontier->lock
} wr_pause;

// How a visit came out.
typedef struct wr_outcome {
    weir_item *item;
    int32_t status;
    int64_t again_ns; // again after this long
    wr_pause *pause;  // for that, or NULL
    bool cancelled;   // its status says that it was told to end
} wr_outcome;

// What visits found and how they came out, in the order it happened, on its way
// to the owner. Counts as outstanding while it is there.
typedef struct wr_letter {
    struct wr_letter *next;
    weir_visit *visit; // that it is part of, or NULL
    size_t size, room;
    unsigned char *bytes;
} wr_letter;

// ---- visits ----------------------------------------------------------------

// parts: the call of options.visit, and that it has not been ended; and a call
// of options.cancelled. The last one completes it.
struct weir_visit {
    weir_frontier *frontier;
    weir_item *item;
    wr_refs parts;
    void *data;
    int64_t delay_ns;
    int32_t status;        // what it was ended with
    wr_atomic_u32 trouble; // negated errno of an add that could not be
    // frontier->lock
    bool ended;
    bool notified;
    wr_link later; // in frontier->later while it has returned LATER
    // What it came to, on its way to the owner, if it has no other.
    wr_letter letter;
    uint64_t outcome[(sizeof(wr_outcome) + 24) / sizeof(uint64_t)];
};

// ---- who works -------------------------------------------------------------

// Figures: each is written by one thread (those of `outside` under its lock).
typedef struct wr_cells {
    wr_atomic_u64 adds, duplicates, done, failed, cancelled, attempts, retries;
    wr_atomic_u64 begun[WEIR_FRONTIER_CLASSES], ended[WEIR_FRONTIER_CLASSES];
    wr_atomic_u64 bytes; // chunks of edges
} wr_cells;

// Memory for edges, never given back singly.
typedef struct wr_arena {
    unsigned char *at;
    size_t left, size; // of the newest chunk
} wr_arena;

// What belongs to a worker's index. The last place is for all threads that are
// no worker of the pool: they hold outside_lock.
struct wr_place {
    _Alignas(WR_CACHE_LINE) wr_mutex lock; // of the list alone
    wr_items list;                         // demand of classes without a cap
    wr_atomic_u32 waiting;                 // whether it has any, as a hint
    wr_atomic_u32 demand[WEIR_FRONTIER_CLASSES]; // how many of each class; too
    // The worker's own.
    _Alignas(WR_CACHE_LINE) wr_arena arena;
    wr_cells cells;
    weir_visit *spare;
    uint64_t ended; // items that have ended and still count as outstanding
    unsigned turn;  // what is looked at first
    const weir_visit *current; // that the runner on it is calling
    struct wr_letter *letter;
};

// A job that visits what there is, until there is nothing or others want the
// worker. Idle, it is attached to its event: so it is accepted work, which a
// pool that drains still runs.
typedef struct wr_runner {
    weir_job job;
    weir_event wake;
    weir_frontier *frontier;
    bool again;             // it ended for fairness alone
    bool starved;           // it ended for want of memory
    struct wr_runner *next; // in frontier->idle
} wr_runner;

typedef struct wr_class {
    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    bool capped; // fixed
    unsigned cap;
    wr_items demand, prefetch;
    unsigned in_flight;     // only with a cap
    unsigned in_flight_max; // too
    wr_atomic_u32 ready;    // 1: something could start; a hint outside the lock
} wr_class;

// ---- the frontier ----------------------------------------------------------

struct weir_frontier {
    // Read-only after create.
    weir_frontier_options options;
    weir_pool *pool;
    wr_hash_secret secret;
    bool deterministic;
    bool owned; // WEIR_FRONTIER_OWNER
    bool edges;
    unsigned classes; // with a cap
    unsigned places;  // without the one for outside
    wr_place *place;
    wr_runner *runner; // as many as places

    // Items that were added and have not ended, letters on their way, and one
    // until the frontier is closed. Nobody can find an item before it counts.
    _Alignas(WR_CACHE_LINE) wr_atomic_u64 outstanding;
    wr_atomic_u32 told;    // negated errno: it ends early
    wr_atomic_u32 failing; // FIRST: something has failed
    wr_atomic_u32 idle_count;
    wr_atomic_u32 prefetches; // 1: there was one
    wr_atomic_u32 starving;   // 1: a runner found no memory for a visit. What
                              // it left waits for the end of one, or a push
    // What still touches it: the work as a whole, create, runners, the owner,
    // pauses, calls of cancel. `watch` has `last`.
    wr_refs parts;

    _Alignas(WR_CACHE_LINE) wr_mutex lock;
    wr_runner *idle;
    wr_link later;     // weir_visit.later
    wr_link pauses;    // wr_pause.link
    uint32_t failed;   // list by prev
    uint32_t deferred; // by prev, and backwards by next
    size_t failed_count;
    bool reserve_used;
    weir_item *first_failed; // FIRST: as far as is known
    wr_edges *seeds;         // as if somebody outside had added them
    bool closed;
    bool over;        // nothing is outstanding any more
    int told_in_time; // `told` at that moment
    uint64_t pausing;

    weir_visit reserve;    // for the case that there is no memory
    wr_mutex outside_lock; // place[places]

    wr_mutex chunk_lock; // also taken under a shard's
    struct wr_chunk *chunks;
    unsigned char *slab_at;
    size_t slab_left;

    // The owner's.
    wr_mutex mail_lock;
    wr_letter *mail, **mail_end;
    bool owner_idle;  // his job waits to be woken
    bool owner_gone;  // it has ended, with its pool: senders read themselves
    bool owner_works; // one of those does
    bool owner_over;  // all is over
    wr_runner owner;

    weir_job watch;   // waits for `never` until the deadline
    weir_event never; // never happens
    weir_event ended; // done has returned
    int32_t status;
    wr_atomic_u32 has_ended; // results may be looked at
    // Who calls done, while it does.
    bool gone;       // done destroyed it
    wr_refs last;    // the call of done, and `watch`: then nobody is left
    bool *destroyed; // set in there; NULL: nobody does
    pthread_t done_thread;
    const weir_worker *done_worker;

    // Results: made once, under this lock.
    wr_mutex result_lock;
    weir_item **sorted; // by key; weir_item.next is the rank then
    size_t sorted_count;
    weir_item **sorted_failed;
    weir_requirer *requirers; // of all, those of one item together
    size_t *requirers_at;     // by rank in sorted: where they begin
    bool levelled;            // weir_item.level is right

    _Alignas(WR_CACHE_LINE) wr_class visit_class[WEIR_FRONTIER_CLASSES];
    wr_shard shard[WR_SHARDS];
};

#endif

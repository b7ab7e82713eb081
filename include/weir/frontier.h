// SPDX-License-Identifier: MIT
// weir/frontier.h: visit each key once, stop exactly when all is done.
//
// A frontier is for work that is found while it is done: crawlers, resolvers,
// build tools, garbage collectors. It starts with seeds; each key (bytes) is
// visited once, a visit adds the keys it finds, and when the last visit has
// ended and no more seeds can come, done is called. What came of each key, who
// asked for it and how it was reached is kept, in an order that no timing
// changes.
//
//              add, again: nothing          visit           0
//   (unknown) ---> QUEUED --------------> VISITED ------------> DONE
//                   ^  |  cap, demand first  |  | error
//                   |  | cancel, deadline    |  +-------------> FAILED
//                   |  v                     | transient error
//                   | CANCELLED              v
//                   +------- back-off --- WAITING
//
//   static int visit(void *context, weir_worker *self, weir_visit *visit)
//   {
//       size_t size;
//       const char *url = weir_visit_key(visit, &size);
//       ...
//       for (i = 0; i < links; i++)
//           weir_visit_add(visit, &link[i]); // a weir_key
//       return 0;
//   }
//   ...
//   weir_key start = WEIR_KEY_INIT("/", 1);
//   int error = weir_frontier_seed(frontier, &start);
//   weir_frontier_close(frontier);
//   weir_frontier_wait(frontier, WEIR_FOREVER, &status);
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    functions of a frontier: any thread, workers too. Functions of a
//              visit that add, set or end: whoever has the visit, one thread
//              at a time (forks of a visit take turns): options.visit until it
//              hands the visit to another thread, then that one. Those that
//              only look (key, item, attempt, data, cancelled): any thread
//              while the visit is valid. With a deterministic pool: its creator
//              and its workers.
//   blocking   nothing waits; "Waits" where it does. Adding allocates.
//   ownership  keys are copied. Items, their keys and what results are given as
//              belong to the frontier and stay at one address until it is
//              destroyed. A value that a visit sets belongs to the frontier
//              from then on: see options.release. The pool outlives the
//              frontier.
//   errors     0 or a negative errno; a call that fails has changed nothing.
//              What a visit comes to never mixes with what a call returns: it
//              is the item's status. A broken rule (a visit ended twice, one
//              key added with two classes, a visit that returns something
//              else) is a bug of the caller and aborts with a line that names
//              it.
//   memory     what a visit (or seed's caller) did before it added a key is
//              seen by the visit of that key if this was what made it known;
//              what an attempt did by the next one, transient and release; what
//              all visits did by done and by whoever learns that the frontier
//              has ended. Other items' values are not to be looked at before.
//   fork(2)    in a child process every function that returns a status returns
//              -ECHILD; others do nothing, or answer as in the parent.
//   callbacks  are called with no lock held. visit: on a worker, with no
//              particular captured context. transient: where the attempt ends.
//              cancelled: on a worker, or in weir_frontier_cancel. done: on a
//              worker, or in the weir_visit_end, _close, _cancel or _destroy
//              that ended it (_create, if its deadline was over). release: in
//              weir_visit_set and destroy. Hold no lock around those that the
//              callbacks take. They may call anything here but wait, destroy,
//              and what is for an ended frontier; done may call the latter, and
//              destroy: it is called when no other callback runs any more but
//              release. Only visit may wait, with means of the pool: its place
//              is lent. None may throw, longjmp or exit.
//   order      when there is room in a class, what is demanded goes first; by
//              arrival, roughly. No class starves another. Nothing orders an
//              item after what it asked for, and nothing of the result depends
//              on the order: see options.policy.
//   fairness   a worker visits a bounded number of items before other jobs of
//              the pool have their turn.
//   stopping   a frontier that has not ended is accepted work of its pool, as
//              attached jobs are: a drain waits for it, so close it; stopped in
//              another mode the pool ends it as weir_frontier_cancel does, but
//              with -ESHUTDOWN. LATER visits must still be ended. In jobs_max
//              it counts as weir_pool_index_limit + 2, and one for each item in
//              back-off.
//   idle       a frontier that waits for visits to end uses no CPU time.
//
// "By key" is: compared as by memcmp; a key that is the beginning of another
// comes first.
//
// Tables are keyed with a secret, so keys may come from an enemy. Memory is
// what bounds the number of items: bound what you add.
#ifndef WEIR_FRONTIER_H
#define WEIR_FRONTIER_H

#include "weir/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_frontier weir_frontier;
typedef struct weir_item weir_item;   // a key that was added
typedef struct weir_visit weir_visit; // one attempt at an item

enum {
    WEIR_VISIT_LATER = 1,      // from visit: weir_visit_end will be called
    WEIR_FRONTIER_CLASSES = 8, // classes of visits, 0 to 7; never changes
};

// ---- keys ------------------------------------------------------------------

// A key to be visited, as it is added.
typedef struct weir_key {
    const void *key;     // may be anything, size 0 too
    size_t size;         // less than 4 GiB
    uint32_t tag;        // of this edge, yours: see weir_requirer
    uint8_t visit_class; // whose cap holds, see options.caps; the same whenever
                         // this key is added
    uint8_t prefetch;    // 1: visited when no demand of its class waits. Added
                         // again as demand, it becomes that, if it still waits
    uint16_t reserved;   // zero
} weir_key;

// A key of class 0, demanded.
#define WEIR_KEY_INIT(key, size)                                               \
    { (key), (size), 0, 0, 0, 0 }

// ---- frontiers -------------------------------------------------------------

typedef enum weir_frontier_policy {
    WEIR_FRONTIER_ALL,   // a failed item stops nothing
    WEIR_FRONTIER_FIRST, // a failed item stops what comes after it
} weir_frontier_policy;

// Two engines, the same results. See docs/decisions/ for how they compare.
typedef enum weir_frontier_engine {
    WEIR_FRONTIER_DEFAULT, // the one that won
    WEIR_FRONTIER_WORKERS, // workers look keys up themselves and take from each
                           // other
    WEIR_FRONTIER_OWNER,   // one job at a time looks keys up and hands out
                           // visits
} weir_frontier_engine;

// Options for weir_frontier_create. Start from WEIR_FRONTIER_OPTIONS_INIT, fill
// in pool and visit; a field left as it is there means its default.
typedef struct weir_frontier_options {
    size_t size; // set by the initializer

    weir_pool *pool;
    void *context;    // given to each callback as it is
    const char *name; // for reports; valid as long as the pool; default
                      // "frontier"

    // Visits an item. Returns 0, a negative errno (the item has failed), or
    // WEIR_VISIT_LATER: then weir_visit_end must follow, or was called, from
    // any thread. A visit has ended when it was ended and visit has returned;
    // until then no worker is held after LATER, but room in its class is.
    int (*visit)(void *context, weir_worker *self, weir_visit *visit);

    // All is over: called once. status: why it was ended early, if that was
    // before its end: -ECANCELED, -ETIMEDOUT, -ESHUTDOWN, the first of them; or
    // the status of the first failed item, in the order of `policy`; or 0, also
    // if there was nothing to do. If done destroys the frontier nobody may wait
    // for it.
    void (*done)(void *context, int status); // or NULL

    // Called once for each value that is not NULL.
    void (*release)(void *context, void *value); // or NULL

    // Tells a visit what weir_visit_cancelled says: once, after visit returned
    // WEIR_VISIT_LATER, unless it was ended. The visit stays valid until this
    // returns, even if another thread ends it meanwhile; it may end it itself.
    void (*cancelled)(void *context, weir_visit *visit, int why); // or NULL

    // May an attempt that failed with `status` be followed by another? Asked
    // while attempts are left and nothing was cancelled. It may call functions
    // of the visit but add and end. NULL: any may but -ENOMEM and -EINVAL.
    int (*transient)(void *context, weir_visit *visit, int status);

    // The most visits of each class at once, from the call of visit to its end;
    // back-off does not count. 0: no cap. Visits that do not return LATER are
    // bounded by the pool's workers besides.
    unsigned caps[WEIR_FRONTIER_CLASSES];

    // An item is tried at most so often; default 1. Between attempt n and the
    // next lie backoff_ns * 2^(n-1), at most backoff_max_ns, less a random part
    // of up to half (so that what failed together does not come back together),
    // but at least what weir_visit_delay asked for. Defaults: 100 ms, 10 s. On
    // a deterministic pool delays and the deadline are over in their order,
    // whatever the clock says.
    unsigned attempts_max;
    int64_t backoff_ns;
    int64_t backoff_max_ns;
    uint64_t seed; // of that randomness, with the key and the attempt

    // At this time of weir_now_ns it is cancelled, with -ETIMEDOUT. Noticed
    // when a worker has time. 0: none.
    int64_t deadline_ns;

    // What comes after what: items in the order of their distance from the
    // seeds, then by key. With FIRST, once an item has failed for good nothing
    // new is visited but what might come before it (running visits go on, and
    // seeds are taken): unless it is ended early, the failure reported is the
    // first in that order among all that a full run would have had, with its
    // chain, at any width and timing. What else was visited, and the failures
    // after the first, are up to timing; the rest ends CANCELLED, -ECANCELED.
    weir_frontier_policy policy;

    weir_frontier_engine engine;

    // 1: who asked for what is not kept, 8 bytes for each add. Then an item has
    // one requirer, the first that came, and policy must be ALL.
    int no_edges;
} weir_frontier_options;

#define WEIR_FRONTIER_OPTIONS_INIT                                             \
    {                                                                          \
        sizeof(weir_frontier_options), NULL, NULL, NULL, NULL, NULL, NULL,     \
            NULL, NULL, {0}, 1, 100000000, 10000000000, 0, 0,                  \
            WEIR_FRONTIER_ALL, WEIR_FRONTIER_DEFAULT, 0                        \
    }

// weir_frontier_create makes an empty frontier that takes seeds.
// Errors: -EINVAL (no pool or visit, a negative time, attempts_max 0 or more
// than 65535, an unknown policy or engine, no_edges with FIRST), -E2BIG,
// -ENOMEM, -ESHUTDOWN (the pool is stopping), -ECHILD.
WEIR_API int
weir_frontier_create(weir_frontier **out,
                     const weir_frontier_options *options) WEIR_MUST_CHECK;

// weir_frontier_seed adds a key from outside, until weir_frontier_close, also
// while visits run. Errors: -ENOMEM, -EINVAL (size, class, prefetch, reserved),
// -ESHUTDOWN (it was closed or is being ended early), -ECHILD.
WEIR_API int weir_frontier_seed(weir_frontier *frontier,
                                const weir_key *key) WEIR_MUST_CHECK;

// weir_frontier_close: no more seeds. Until then the frontier does not end.
// Again: nothing. done may be called before it returns.
WEIR_API void weir_frontier_close(weir_frontier *frontier);

// weir_frontier_cancel ends it early: nothing new is visited, what waits (in
// back-off too) ends CANCELLED, running visits are told. It has ended once
// those have. It closes the frontier too. Again, or too late: nothing.
WEIR_API void weir_frontier_cancel(weir_frontier *frontier);

// weir_frontier_set_cap changes a cap that options.caps gave, from the next
// visit on. Errors: -EINVAL (no such class, it has no cap, cap is 0), -ECHILD.
WEIR_API int weir_frontier_set_cap(weir_frontier *frontier,
                                   unsigned visit_class, unsigned cap);

// weir_frontier_wait waits at most until deadline_ns (in the past: looks once)
// for the end; *status (may be NULL) is what done was told, and done has
// returned. For threads outside the pool; a worker of another pool lends its
// place. On a deterministic pool this is what runs the visits.
// Errors: -ETIMEDOUT, -EDEADLK (called on a worker of its pool; deterministic:
// nothing left to run would end it, as when it is not closed), -ECHILD.
WEIR_API int weir_frontier_wait(weir_frontier *frontier, int64_t deadline_ns,
                                int *status) WEIR_MUST_CHECK;

// weir_frontier_destroy frees an ended frontier, its items and values; one that
// has not ended is cancelled and waited for first: outside the pool's workers,
// and on a deterministic pool only if it can end. NULL is allowed. No other
// call may come; a weir_visit_end, _seed, _close or _cancel that was begun
// before it ended may still be returning. In a forked child it frees nothing.
WEIR_API void weir_frontier_destroy(weir_frontier *frontier);

// ---- visits ----------------------------------------------------------------

// A visit is valid from the call of options.visit until that has returned and,
// if that was WEIR_VISIT_LATER, weir_visit_end is called. Where another thread
// may end it before visit has returned it stays valid in visit, which may then
// only look at it.

WEIR_API const void *weir_visit_key(const weir_visit *visit, size_t *size);
WEIR_API weir_item *weir_visit_item(const weir_visit *visit);
WEIR_API unsigned weir_visit_attempt(const weir_visit *visit); // 1 at first

// A pointer of yours that goes with the visit, NULL at first, to find what it
// waits for in options.cancelled.
WEIR_API void *weir_visit_data(const weir_visit *visit);
WEIR_API void weir_visit_set_data(weir_visit *visit, void *data);

// weir_visit_add says that this item needs `key` visited too. That visit may
// begin before this call returns, and waits for nothing; an attempt that fails
// takes nothing back. Nothing to check: if there is no memory, or a field is
// out of range, the attempt has failed, with the first such -ENOMEM or -EINVAL,
// whatever it returns. Once the frontier is ended early what is added ends
// CANCELLED.
WEIR_API void weir_visit_add(weir_visit *visit, const weir_key *key);

// weir_visit_add_batch adds many, each by itself, but faster: memory is fetched
// ahead.
WEIR_API void weir_visit_add_batch(weir_visit *visit, const weir_key *keys,
                                   size_t count);

// weir_visit_set makes `value` the item's; another one that was there (from an
// earlier attempt) is released. It stays whatever the visit comes to.
// weir_visit_value gives what is there.
WEIR_API void weir_visit_set(weir_visit *visit, void *value);
WEIR_API void *weir_visit_value(const weir_visit *visit);

// weir_visit_delay: should this attempt fail, the next is at least so far away
// (a server said "retry after"), backoff_max_ns or not. The longest counts.
WEIR_API void weir_visit_delay(weir_visit *visit, int64_t delay_ns);

// weir_visit_cancelled says whether the visit should end early: 0, -ECANCELED,
// -ETIMEDOUT (the frontier's deadline: it looks at the clock itself),
// -ESHUTDOWN (its pool is being stopped), or -ENOMEM or -EINVAL: something that
// it added could not be. weir_cancelled knows of the pool alone. A visit that
// ends with one of the first three, told so, is CANCELLED, not FAILED.
WEIR_API int weir_visit_cancelled(const weir_visit *visit);

// weir_visit_end ends a visit that returned WEIR_VISIT_LATER, with what it
// would have returned. It may come before visit has returned.
WEIR_API void weir_visit_end(weir_visit *visit, int status);

// ---- figures ---------------------------------------------------------------

// A snapshot, as cheap with any number of items; set size before the call.
// While it runs the figures are taken one after the other, each true at its
// moment; exact once it has ended: then
//   items = done + failed + cancelled       adds = items + duplicates
typedef struct weir_frontier_counts {
    size_t size;
    uint64_t adds;       // keys added, seeds too
    uint64_t duplicates; // of those, known already
    uint64_t items;      // different keys
    uint64_t done;
    uint64_t failed;    // for good
    uint64_t cancelled; // never visited to an end
    uint64_t attempts;  // visits begun
    uint64_t retries;   // attempts that failed and were followed by another
    uint64_t queued;    // items now that wait for a visit
    uint64_t waiting;   // items now in back-off
    uint64_t in_flight[WEIR_FRONTIER_CLASSES];     // visits now
    uint64_t in_flight_max[WEIR_FRONTIER_CLASSES]; // the most at once; of
                                                   // classes with a cap
    uint64_t bytes; // of memory for items, keys and edges
} weir_frontier_counts;

// Errors: -EINVAL (counts->size), -ECHILD.
WEIR_API int weir_frontier_count(weir_frontier *frontier,
                                 weir_frontier_counts *counts);

// ---- results ---------------------------------------------------------------

// For an ended frontier: in done, and after weir_frontier_wait has returned 0.
// Several threads may ask at once. The first call of each kind allocates and
// sorts. An item that is NULL or another frontier's is a bug of the caller.

// weir_frontier_items gives all items, by key. Errors: -EBUSY (it has not
// ended), -ENOMEM, -ECHILD.
WEIR_API int weir_frontier_items(weir_frontier *frontier,
                                 weir_item *const **items,
                                 size_t *count) WEIR_MUST_CHECK;

// weir_frontier_failed gives the failed ones, in the order of options.policy
// (with no_edges: by key). Errors: as weir_frontier_items.
WEIR_API int weir_frontier_failed(weir_frontier *frontier,
                                  weir_item *const **items,
                                  size_t *count) WEIR_MUST_CHECK;

// weir_frontier_find gives the item of a key. Errors: -ENOENT, -EBUSY, -ECHILD.
WEIR_API int weir_frontier_find(weir_frontier *frontier, const void *key,
                                size_t size, weir_item **item) WEIR_MUST_CHECK;

// The key at any time; the rest once it has ended.
WEIR_API const void *weir_item_key(const weir_item *item, size_t *size);
WEIR_API void *weir_item_value(const weir_item *item);

typedef enum weir_item_state {
    WEIR_ITEM_OPEN, // the frontier has not ended
    WEIR_ITEM_DONE,
    WEIR_ITEM_FAILED,
    WEIR_ITEM_CANCELLED, // not visited to an end
} weir_item_state;
WEIR_API weir_item_state weir_item_outcome(const weir_item *item);

// weir_item_status: 0; what its last attempt failed with; or why it was
// cancelled: -ECANCELED, -ETIMEDOUT or -ESHUTDOWN.
WEIR_API int weir_item_status(const weir_item *item);
WEIR_API unsigned weir_item_attempts(const weir_item *item);

// Who asked for an item: with which tag; item NULL: it was a seed.
typedef struct weir_requirer {
    const weir_item *item;
    uint32_t tag;
    uint32_t reserved;
} weir_requirer;

// weir_item_requirers gives everybody who asked, each (item, tag) once, seeds
// first, then by key, then by tag. Errors: as weir_frontier_items.
WEIR_API int weir_item_requirers(weir_frontier *frontier, const weir_item *item,
                                 const weir_requirer **requirers,
                                 size_t *count) WEIR_MUST_CHECK;

// weir_item_chain gives a shortest way from a seed to the item: chain[0].item
// is `item`, each next one asked for the one before it, the last was a seed;
// chain[i].tag is what chain[i].item was asked for with. Among shortest ways,
// that whose requirers come first by key, from the item on, then the lowest
// tags. With no_edges: the way by which it became known. Returns the length of
// the whole chain, of which at most `count_max` were written (0: chain may be
// NULL). Errors: as weir_frontier_items.
WEIR_API int64_t weir_item_chain(weir_frontier *frontier, const weir_item *item,
                                 weir_requirer *chain,
                                 size_t count_max) WEIR_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif // WEIR_FRONTIER_H

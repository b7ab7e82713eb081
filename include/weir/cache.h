// SPDX-License-Identifier: MIT
// weir/cache.h: one load for a thousand callers.
//
// A cache maps keys (bytes) to values (pointers of yours) that are expensive to
// make. Whoever asks first for a key that is not there starts its load: a job
// of the cache's own on its pool, a flight. Everyone who asks meanwhile joins
// that flight; nobody starts a second one, and nobody holds a worker.
//
//             get: starts a flight           load ended with 0
//   absent ----------------------> LOADING --------------------> READY
//     ^ ^                          |  ^  |                         |
//     | +--- load failed ----------+  |  +-- failed, remembered -> FAILED
//     |                          get  +---- time is over ------------+
//     +--- invalidate, put, size, time, stop --------------------- (all)
//
//   struct request { weir_get get; ... };
//   static void request_done(weir_get *get, int status);
//   ...
//   request->get = (weir_get)WEIR_GET_INIT(name, strlen(name), request_done);
//   int error = weir_cache_get(cache, &request->get);
//   if (error == 0) {                             // known now, done not called
//       use(request->get.status, request->get.entry);
//       weir_entry_release(request->get.entry);
//   } else if (error < 0) {                       // refused
//       ...
//   }                       // else WEIR_CACHE_PENDING: done, maybe already
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    any thread, workers too. With a deterministic pool: its creator
//              and its workers.
//   blocking   nothing blocks; "Waits" where it does. Starting a flight and
//              putting a value allocate; a hit does not.
//   ownership  a get is your memory, lent from a call that answers
//              WEIR_CACHE_PENDING until its done is called, which may be before
//              that call returns: look at nothing in it then. Keys are read
//              during the call only. Values are reference counted entries: each
//              entry that a function gives you is yours until
//              weir_entry_release, also when it was removed meanwhile, also
//              after the cache is gone: context and what release needs outlive
//              the last one. The pool outlives the cache; stop the cache first.
//   errors     0, WEIR_CACHE_PENDING or a negative errno; a call that fails
//              has changed nothing for its caller. What a load returns never
//              mixes with what a call returns: it is in get->status. A broken
//              rule (a get asked twice, a flight ended twice, a load that
//              returns something else) is a bug of the caller and aborts with a
//              line that names it.
//   memory     what the starter did before weir_cache_get is seen by the load;
//              what the load, weir_flight_end's or put's caller did is seen by
//              everyone who gets the entry; what holders did before they
//              released it is seen by release. Landing, joining and cancelling
//              allocate nothing and cannot fail.
//   fork(2)    in a child process every function that returns a status returns
//              -ECHILD; others do nothing. Entries may be read there, not
//              released.
//   callbacks  are called with no lock held. load, run and done: on a worker
//              of the pool, with the captured context (see weir_pool_hooks) of
//              who started the load, or asked. removed, release and drop: on
//              whatever thread caused it, inside any function here but
//              weir_entry_keep, weir_get_cancel, weir_flight_cancelled and
//              weir_cache_count: hold no lock there that they take. All may
//              call anything here but stop and destroy; only load and run may
//              wait; none may throw, longjmp or exit. clock alone is called
//              under the cache's lock: it calls nothing here.
//   order      calls on one key take effect one after the other. Once a flight
//              is started its key is LOADING, before any job of it is queued;
//              once it has landed its key is READY, FAILED or absent, before
//              any waiter is told.
//
// The key decides the value: whoever joins a flight gets what its starter's
// argument made. Tables are keyed with a secret, so keys may come from an
// enemy. Not in this version: a refresh beside a value that is still served
// (load it yourself and put it).
#ifndef WEIR_CACHE_H
#define WEIR_CACHE_H

#include "weir/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_cache weir_cache;
typedef struct weir_entry weir_entry;
typedef struct weir_flight weir_flight; // valid inside its load
typedef struct weir_get weir_get;

// ---- loads -----------------------------------------------------------------

// What a load makes.
typedef struct weir_result {
    void *value;    // yours; NULL is a value like any other. A failed load may
                    // have one too: the reason, for those who waited
    size_t weight;  // bytes it counts against the capacity
    int64_t ttl_ns; // how long it may be kept. 0: as the options say; -1: not
                    // at all; WEIR_FOREVER: as long as there is room. After a
                    // failure: how long that is remembered, see failure_ttl_ns
} weir_result;

enum {
    WEIR_CACHE_PENDING = 1, // from weir_cache_get: done will be called
    WEIR_LOAD_LATER = 1,    // from load: weir_flight_end will be called
};

typedef enum weir_removal {
    WEIR_REMOVED_INVALIDATED, // weir_cache_invalidate, _clear
    WEIR_REMOVED_REPLACED,    // weir_cache_put
    WEIR_REMOVED_SIZE,        // no room
    WEIR_REMOVED_EXPIRED,     // its time was over
    WEIR_REMOVED_STOPPED,     // weir_cache_stop, _destroy
} weir_removal;

// Options for weir_cache_create. Start from WEIR_CACHE_OPTIONS_INIT, fill in
// pool and load; a field left as it is there means its default.
typedef struct weir_cache_options {
    size_t size; // set by the initializer

    weir_pool *pool;  // where loads, run and done happen
    void *context;    // given to each callback as it is
    const char *name; // for reports; copied, at most 31 bytes; default "cache"

    // Makes the value of weir_flight_key. Each key has at most one current
    // flight; one that was superseded (invalidate, put, clear), gave up
    // (load_ns) or is unwanted may still run beside the next.
    // Returns 0 with *result filled in (it comes zeroed), a negative errno, or
    // WEIR_LOAD_LATER: then weir_flight_end must follow, or was called, from
    // any thread. It is a job like any other: it may open scopes and fork, ask
    // weir_cancelled or weir_flight_cancelled, and get other keys of this cache
    // with get.from = flight; while it waits for those it returns
    // WEIR_LOAD_LATER.
    int (*load)(void *context, weir_worker *self, weir_flight *flight,
                weir_result *result);

    // Called once for each value (also of failures) that is not NULL, when the
    // last reference to its entry goes. A release that gives back entries of
    // its own recurses: keep such chains short.
    void (*release)(void *context, void *value); // or NULL

    // Called once for each value that the cache kept and keeps no longer, with
    // the cache's reference, which goes afterwards; keep one if you need it
    // longer. Not for remembered failures. It may come after the key's next
    // value is there.
    void (*removed)(void *context, weir_entry *entry,
                    weir_removal why); // or NULL

    // Called once for each argument, not NULL, that a flight took (get.leads),
    // when its load has ended or will never be. The get that brought it may be
    // over long before, or after.
    void (*drop)(void *context, void *argument); // or NULL

    // Tells a load that returned WEIR_LOAD_LATER, or is about to, what
    // weir_flight_cancelled says: at most once for each flight, on a worker,
    // or on the thread in weir_cache_stop; stopping the pool alone does not
    // call it. The flight stays valid until it returns, even if another thread
    // ends it meanwhile; it may end it itself.
    void (*cancelled)(void *context, weir_flight *flight, int why); // or NULL

    // The sum of the weights of kept values never exceeds it: room is made
    // first, oldest first among those not used since the hand last passed
    // (SIEVE). A value that is heavier by itself is not kept. 0: nothing is
    // kept, flights are still shared. Default SIZE_MAX. A weight of 0 is never
    // in the way, and goes when its turn comes: give each value its true one. A
    // remembered failure weighs 256 bytes and its key besides. Values that
    // somebody still holds after they were removed do not count here, but in
    // weir_cache_counts.lent_bytes.
    size_t capacity;

    // Gets that would start one more flight than this are refused with -EAGAIN,
    // but for those of loads (get.from). Default 0: no bound.
    size_t flights_max;

    int64_t ttl_ns;  // kept this long after load or put; default 0: for ever
    int64_t idle_ns; // kept this long after the last get; default 0: for ever

    // A failure goes to those who wait for that flight, and is then forgotten:
    // the next get loads again. >0: gets are answered with it for so long. Only
    // what a load itself returned is remembered, never a cancelled, late, shut
    // down or superseded flight.
    int64_t failure_ttl_ns;

    // A flight that takes longer than this from the get that started it, its
    // time in the queue included, fails with -ETIMEDOUT: its waiters are
    // answered, the key is absent, what the load still makes is released.
    // Noticed when a worker has time. Default 0: as long as it takes.
    int64_t load_ns;

    // 1: a flight whose last waiter leaves is cancelled: it ends without
    // running, or weir_flight_cancelled says so; its key is absent at that
    // moment, so that nobody joins it any more, and it never publishes.
    // Default 0: it goes on, and publishes.
    int cancel_unwanted;

    // The clock of all times above, for tests; NULL: weir_now_ns. load_ns and
    // the deadlines of gets are on the pool's clock regardless.
    int64_t (*clock)(void *context);
} weir_cache_options;

#define WEIR_CACHE_OPTIONS_INIT                                                \
    {                                                                          \
        sizeof(weir_cache_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL,  \
            NULL, SIZE_MAX, 0, 0, 0, 0, 0, 0, NULL                             \
    }

// weir_cache_create makes an empty cache.
// Errors: -EINVAL (no pool or load, a negative time), -E2BIG, -ENOMEM, -ECHILD.
WEIR_API int
weir_cache_create(weir_cache **out,
                  const weir_cache_options *options) WEIR_MUST_CHECK;

// ---- getting ---------------------------------------------------------------

// One question: embed it in a struct of yours. Zero it (or use WEIR_GET_INIT)
// before the first use, fill in the first fields, ask.
struct weir_get {
    const void *key; // copied if need be; may be anything, size 0 too
    size_t key_size; // less than 4 GiB

    // For a pending get. run (or NULL) is a job, started once the outcome is
    // known, also if that is a failure: it finds the answer filled in and may
    // work and wait; what it returns is told to done, status stays. done (or
    // NULL, if run is not) is called exactly once, last, as the done of a job.
    // It is told what run returned; or, if there is no run, the flight's
    // status; or, if the get ended first, why: -ECANCELED (weir_get_cancel),
    // -ETIMEDOUT (the deadline was first), -ESHUTDOWN (the pool was stopped):
    // then answered is 0, status the same, entry NULL, and run is not called.
    // In done the get is yours again: it may be freed or asked again.
    int (*run)(weir_worker *self, weir_get *get);
    void (*done)(weir_get *get, int status);

    void *argument;      // for the load, if this get starts it: see `leads`.
                         // Not part of the get: it may outlive it
    weir_flight *from;   // the flight whose load asks, or NULL. It must not
                         // have ended when the call is made
    int64_t deadline_ns; // for run to start by, of weir_now_ns; 0: none. Late
                         // ones are noticed when a worker has time
    int32_t priority;    // WEIR_PRIORITY_* of the load it starts, and of run

    // The answer.
    int32_t status;    // 0: entry is the value. Otherwise the load's failure,
                       // entry is its reason or NULL
    int32_t leads;     // 1: this get has started the flight, which has taken
                       // the argument and will drop it; 0: the argument is
                       // yours. Set by each call, also by one that fails
    int32_t answered;  // 1: status is what the load came to, not the get's own
    weir_entry *entry; // yours to release, if it is not NULL

    uint64_t weir_private[36];
};

#define WEIR_GET_INIT(key, key_size, done)                                     \
    {                                                                          \
        (key), (key_size), NULL, (done), NULL, NULL, 0, 0, 0, 0, 0, NULL, {    \
            0                                                                  \
        }                                                                      \
    }

// weir_cache_get asks for get->key. Returns 0 if the answer is known now: in
// get->status and get->entry, and neither run nor done is called. Returns
// WEIR_CACHE_PENDING if it will be known later. A second get of a key that is
// LOADING joins the flight, whatever its argument and priority. A pending get
// is an accepted job of the pool.
// Errors: -EDEADLK (get->from, directly or through others, is what the flight
// of this key waits for: it would wait for itself; which of two loads that wait
// for each other is refused depends on who asks last), -EAGAIN (flights_max),
// -ETIMEDOUT (the deadline is over already and the answer is not known),
// -ENOMEM, -EINVAL (key_size, neither run nor done), -ESHUTDOWN (the cache is
// stopping, but for loads of a cache that drains; or the answer is not known
// and the pool is stopping: those who joined in that moment are answered with
// it), -ECHILD. Cycles are found among the flights of one cache, by `from`;
// bound others with deadlines.
WEIR_API int weir_cache_get(weir_cache *cache, weir_get *get) WEIR_MUST_CHECK;

// weir_cache_get_wait is weir_cache_get that returns when the answer is known;
// run and done are not called and may both be NULL. Waits at most until
// get->deadline_ns (0: for ever). For threads outside the pool; a worker of
// another pool lends its place meanwhile.
// Errors: -EDEADLK (also: the answer is not known, and the caller is a worker
// of the pool, outside a blocking section: then nothing was started; or, on a
// deterministic pool, nothing left to run would make it known), -ETIMEDOUT, as
// weir_cache_get. After an error look at get->leads: a flight that it started
// goes on.
WEIR_API int weir_cache_get_wait(weir_cache *cache,
                                 weir_get *get) WEIR_MUST_CHECK;

// weir_get_cancel leaves: done is called with -ECANCELED, soon, on a worker,
// never inside this call, which calls nothing of yours (where the pool is being
// stopped before the cache, maybe drop) and never waits. Nobody
// else who waits for the flight notices; if nobody is left and cancel_unwanted
// is set, the load is told before it returns. The caller must know that the
// get's memory is still valid, as for weir_cancel, and that weir_cache_get has
// returned.
// Errors: -EBUSY (the outcome is known and run is running: it is flagged, see
// weir_cancelled), -EALREADY (it is over, or never was pending), -ECHILD.
WEIR_API int weir_get_cancel(weir_cache *cache, weir_get *get);

// weir_cache_prefetch starts a flight for get->key if it is absent, without
// waiting for it; of *get only key, argument, from and priority are read and
// leads is written. A flight that it found or started is never unwanted.
// Returns 0. Errors: as weir_cache_get, but -EDEADLK and -ETIMEDOUT; a cache
// that stops refuses all.
WEIR_API int weir_cache_prefetch(weir_cache *cache,
                                 weir_get *get) WEIR_MUST_CHECK;

// weir_cache_find gives what is known of a key and loads nothing: *status and
// *entry as in a get. Also while the cache stops.
// Errors: -EAGAIN (LOADING), -ENOENT (absent), -ECHILD.
WEIR_API int weir_cache_find(weir_cache *cache, const void *key,
                             size_t key_size, int *status,
                             weir_entry **entry) WEIR_MUST_CHECK;

// ---- flights ---------------------------------------------------------------

// A flight is valid from the call of its load until that returns (anything but
// WEIR_LOAD_LATER) or until weir_flight_end is called, also if it was
// superseded, cancelled or timed out: it must still be ended. Where another
// thread may end it before load has returned it stays valid in load.

// The key and the argument it was started with.
WEIR_API const void *weir_flight_key(const weir_flight *flight, size_t *size);
WEIR_API void *weir_flight_argument(const weir_flight *flight);

// weir_flight_cancelled says whether the load should end early: 0, or why:
// -ECANCELED (nobody waits for it any more, see cancel_unwanted), -ETIMEDOUT
// (load_ns), -ESHUTDOWN (the cache or the pool aborts). In the load's own job
// weir_cancelled is not 0 then either. A flight that was superseded is not
// cancelled for that: it has waiters, or (without cancel_unwanted) might have.
WEIR_API int weir_flight_cancelled(const weir_flight *flight);

// weir_flight_end ends a load that returned WEIR_LOAD_LATER, with what it
// would have returned. It may come before load has returned. result may be NULL
// with a failure. If the pool has been stopped, those who waited are gone, and
// it publishes all the same.
WEIR_API void weir_flight_end(weir_flight *flight, int status,
                              const weir_result *result);

// ---- changing --------------------------------------------------------------

// weir_cache_put keeps a value that was made elsewhere, in place of what there
// was. It wins over a flight: that one serves those who wait for it and does
// not publish. entry (or NULL) is given a reference. On failure the value is
// still yours; on 0 it never is. A value that cannot be kept (too heavy, ttl
// -1) is not a failure: the key becomes absent, the value is released unless
// entry holds it. A cache that drains still takes it. Errors: -ENOMEM, -EINVAL
// (key_size, no result), -ESHUTDOWN, -ECHILD.
WEIR_API int weir_cache_put(weir_cache *cache, const void *key, size_t key_size,
                            const weir_result *result,
                            weir_entry **entry) WEIR_MUST_CHECK;

// weir_cache_invalidate makes the key absent. Whoever gets it afterwards sees a
// load that starts afterwards. A flight that was loading serves those who wait
// for it already, and does not publish.
// Errors: -ENOENT (it was absent), -ECHILD.
WEIR_API int weir_cache_invalidate(weir_cache *cache, const void *key,
                                   size_t key_size);

// weir_cache_invalidate_entry does so only if `entry` is what the key has.
// Errors: -ENOENT (it is not), -ECHILD.
WEIR_API int weir_cache_invalidate_entry(weir_cache *cache,
                                         const weir_entry *entry);

// weir_cache_clear invalidates all keys at one moment. Returns how many values
// it removed (failures do not count, here and in tidy). Errors: -ECHILD.
WEIR_API int64_t weir_cache_clear(weir_cache *cache);

// weir_cache_tidy removes what has expired. Without it an expired value goes
// when its key is asked for or room is needed. Returns how many it removed.
// Errors: -ECHILD.
WEIR_API int64_t weir_cache_tidy(weir_cache *cache);

// weir_cache_resize sets the capacity and makes room down to it. Errors:
// -ECHILD.
WEIR_API int weir_cache_resize(weir_cache *cache, size_t capacity);

// ---- entries ---------------------------------------------------------------

WEIR_API void *weir_entry_value(const weir_entry *entry);
WEIR_API size_t weir_entry_weight(const weir_entry *entry);
WEIR_API const void *weir_entry_key(const weir_entry *entry, size_t *size);

// weir_entry_keep adds a reference, for someone else; it returns its argument.
WEIR_API weir_entry *weir_entry_keep(weir_entry *entry);

// weir_entry_release gives one back. NULL is allowed.
WEIR_API void weir_entry_release(weir_entry *entry);

// ---- figures ---------------------------------------------------------------

// A consistent snapshot; set size before the call. Every get that was accepted
// is in exactly one of hits, misses, coalesced, failed_hits; so is every find
// that gave something. At any time
//   flights = loaded + failed + abandoned + landed not yet (loading - orphans)
typedef struct weir_cache_counts {
    size_t size;
    uint64_t hits;        // found READY
    uint64_t misses;      // started a flight
    uint64_t coalesced;   // joined one
    uint64_t failed_hits; // answered with a remembered failure
    uint64_t left;        // of the pending ones: cancelled or timed out
    uint64_t flights;     // started, prefetches too
    uint64_t loaded;      // of those, ended with 0
    uint64_t failed;      // with a failure of the load's own
    uint64_t abandoned;   // cancelled as unwanted, timed out, or shut down
    uint64_t stale;       // of loaded and failed: superseded, not published
    uint64_t puts;
    uint64_t removed[8]; // by enum weir_removal
    uint64_t too_heavy;  // never kept
    uint64_t entries;    // kept now
    uint64_t bytes;      // their weights
    uint64_t bytes_max;  // the most that ever were
    uint64_t lent_bytes; // weights of values not kept that somebody holds
    uint64_t loading;    // loads now that have not ended
    uint64_t orphans;    // of those, for nobody: the flight has landed
    uint64_t oldest_ns;  // how long ago the oldest of those loads began
    uint64_t waiting;    // gets now that wait for a flight
    uint64_t capacity;
    uint64_t load_total_ns; // sum of the times from start to landing
    uint64_t load_max_ns;   // the longest
} weir_cache_counts;

// Errors: -EINVAL (counts->size), -ECHILD.
WEIR_API int weir_cache_count(weir_cache *cache, weir_cache_counts *counts);

WEIR_API const char *weir_cache_name(const weir_cache *cache);

// ---- stopping --------------------------------------------------------------

// weir_cache_stop refuses new gets and puts from here on (-ESHUTDOWN), ends
// what is open, and returns when no load, run or done is left and no call that
// started one is under way. DRAIN lets flights land, with what their loads get
// and put. CANCEL ends those whose load has not started with -ESHUTDOWN. ABORT
// lands all of them so at once, tells the loads (weir_flight_cancelled), and
// waits for them to return or be ended. Gets whose outcome is known are
// answered with it. Then it removes all values. *counts (may be NULL) are
// filled in as weir_cache_count does, also on -ETIMEDOUT. May be called again,
// with a harder mode or by another thread. Waits at most until deadline_ns; 0:
// look once, which is the way for a thread that ends loads with
// weir_flight_end itself: ask again until it is 0, and serve them between.
// Needs no worker, so a pool that has stopped is no obstacle; a pool that
// drains waits for the pending gets, hence for their loads.
// Errors: -ETIMEDOUT, -EINVAL (mode, counts->size), -EDEADLK (on a worker of
// the pool; or, on a deterministic pool, nothing left to run would end it),
// -ECHILD.
WEIR_API int weir_cache_stop(weir_cache *cache, weir_stop_mode mode,
                             int64_t deadline_ns, weir_cache_counts *counts);

// weir_cache_destroy stops with ABORT and without a limit, and frees the cache.
// Entries that are held stay good. No other function on the cache may run or
// come, except that a get whose done was called and a weir_flight_end may still
// be returning. NULL is allowed; in a forked child it frees nothing. Waits;
// never on a worker of the pool (that aborts).
WEIR_API void weir_cache_destroy(weir_cache *cache);

#ifdef __cplusplus
}
#endif
#endif // WEIR_CACHE_H

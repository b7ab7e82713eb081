// SPDX-License-Identifier: MIT
// The deque and the record layouts of bench/forkrecord.c, its only user.
//
// One deque protocol serves all layouts, so that they differ in nothing else.
// Each worker has an array of slots: [0, tail) is stolen, [tail, split) is
// public, [split, head) is private. Private slots are touched by their owner
// alone, with plain stores. Everything public changes under the deque's lock.
// A thief that finds nothing public sets `hungry`; the owner polls it at each
// fork and then publishes the older half. A joiner whose child was stolen
// steals from that thief only, so it runs descendants only.

#ifndef FORKRECORD_H
#define FORKRECORD_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define LINE_ALIGNED __attribute__((aligned(128)))

enum { WORKERS = 2, SLOTS = 4096, ROUNDS_MAX = 1000 };

// The state word. In layout B it shares its place with the function pointer,
// which is never so small.
enum { QUEUED = 0, DONE = 1, NOT_PUSHED = 2, STOLEN_BY = 16 };

typedef struct worker worker;
typedef void run(worker *w, void *arg);

enum locking { LOCK_MUTEX, LOCK_WORD };
enum layout { IN_DEQUE, FN_AND_POINTER, POINTER };

struct worker {
    // Owner only.
    void *head;  // first free slot
    void *split; // first private slot
    void *end;
    char *slots;
    size_t slot_size;
    enum layout layout;
    enum locking locking;
    unsigned id;
    long steals;
    unsigned idle;
    // Written by thieves (set) and the owner (cleared), polled at each fork.
    LINE_ALIGNED atomic_int hungry;
    // Under the lock; atomic so that a thief may look before it locks.
    LINE_ALIGNED pthread_mutex_t mutex;
    atomic_int word;
    atomic_size_t tail;
    atomic_size_t public_end;
};

// Layout A: the deque keeps the whole record.
struct slot_a {
    run *fn;
    atomic_uintptr_t state;
    long arg[2];
    long result;
    long spare[3];
};
_Static_assert(sizeof(struct slot_a) == 64, "one line per record");

// Layout B: the deque keeps function and pointer; the record has no header.
struct slot_b {
    atomic_uintptr_t fn; // or the state, once stolen
    void *arg;
};

// Layout C: the deque keeps a pointer to this, the record's first member.
struct fork {
    run *fn;
    atomic_uintptr_t state;
    uintptr_t reserved[2];
};

static worker team[WORKERS];
static atomic_bool stop;

#define LOAD(p) atomic_load_explicit((p), memory_order_relaxed)
#define STORE(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)

INLINE void pause_cpu(void) { __builtin_ia32_pause(); }

// --- The deque's public side: the same for every layout --------------------

INLINE void lock_word(worker *w) {
    while (atomic_exchange_explicit(&w->word, 1, memory_order_acquire)) {
        while (LOAD(&w->word)) {
            pause_cpu();
        }
    }
}

INLINE void unlock_word(worker *w) {
    atomic_store_explicit(&w->word, 0, memory_order_release);
}

static void lock(worker *w) {
    if (w->locking == LOCK_WORD) {
        lock_word(w);
    } else {
        pthread_mutex_lock(&w->mutex);
    }
}

static void unlock(worker *w) {
    if (w->locking == LOCK_WORD) {
        unlock_word(w);
    } else {
        pthread_mutex_unlock(&w->mutex);
    }
}

static size_t index_of(const worker *w, const void *slot) {
    return (size_t)((const char *)slot - w->slots) / w->slot_size;
}

static void set_split(worker *w, size_t split) {
    w->split = w->slots + split * w->slot_size;
    STORE(&w->public_end, split);
}

NOINLINE static void publish(worker *w) {
    lock(w);
    size_t head = index_of(w, w->head);
    size_t split = index_of(w, w->split);
    set_split(w, split + (head - split + 1) / 2);
    STORE(&w->hungry, 0);
    unlock(w);
}

struct loot {
    run *fn;
    void *arg;
    atomic_uintptr_t *state;
};

static struct loot look_at(worker *victim, size_t index) {
    char *slot = victim->slots + index * victim->slot_size;
    if (victim->layout == IN_DEQUE) {
        struct slot_a *a = (void *)slot;
        return (struct loot){a->fn, a, &a->state};
    }
    if (victim->layout == FN_AND_POINTER) {
        struct slot_b *b = (void *)slot;
        return (struct loot){(run *)LOAD(&b->fn), b->arg, &b->fn};
    }
    struct fork *fork = *(struct fork **)(void *)slot;
    return (struct loot){fork->fn, fork, &fork->state};
}

// A joiner passes the state of the record it waits for. Its thief may end that
// record and begin another at any moment; only while it has not, which the lock
// keeps true, are the victim's forks all descendants of that record.
static bool steal(worker *w, worker *victim, atomic_uintptr_t *awaited) {
    if (LOAD(&victim->tail) >= LOAD(&victim->public_end)) {
        if (!LOAD(&victim->hungry)) {
            STORE(&victim->hungry, 1);
        }
        return false;
    }
    lock(victim);
    size_t tail = LOAD(&victim->tail);
    if (tail >= LOAD(&victim->public_end) ||
        (awaited && LOAD(awaited) == DONE)) {
        unlock(victim);
        return false;
    }
    struct loot loot = look_at(victim, tail);
    STORE(loot.state, STOLEN_BY + w->id);
    STORE(&victim->tail, tail + 1);
    unlock(victim);
    w->steals++;
    loot.fn(w, loot.arg);
    // The last touch: the record's stack may be gone right after it.
    atomic_store_explicit(loot.state, DONE, memory_order_release);
    return true;
}

static void rest(worker *w) {
    // Other programs share these cores: do not spin a whole time slice away.
    if (++w->idle % 1024 == 0) {
        sched_yield();
    } else {
        pause_cpu();
    }
}

static void wait_for_thief(worker *w, atomic_uintptr_t *state) {
    uintptr_t now;
    while ((now = atomic_load_explicit(state, memory_order_acquire)) != DONE) {
        if (!steal(w, &team[now - STOLEN_BY], state)) {
            rest(w);
        }
    }
}

// The topmost slot is public. Takes it back (true: the caller runs it) or
// waits until its thief is done (false). Either way it is popped.
NOINLINE static bool take_back(worker *w, atomic_uintptr_t *state) {
    size_t top = index_of(w, w->head) - 1;
    lock(w);
    bool stolen = LOAD(&w->tail) > top;
    if (stolen) {
        unlock(w);
        wait_for_thief(w, state);
        lock(w);
        STORE(&w->tail, top);
        set_split(w, top);
    } else {
        size_t tail = LOAD(&w->tail);
        set_split(w, tail + (top - tail) / 2);
    }
    w->head = w->slots + top * w->slot_size;
    unlock(w);
    return !stolen;
}

INLINE void poll_hungry(worker *w) {
    if (!LIKELY(!LOAD(&w->hungry))) {
        publish(w);
    }
}

NOINLINE static void die(const char *why) {
    fprintf(stderr, "forkrecord: %s\n", why);
    exit(1);
}

// --- A: record in the deque, head in memory --------------------------------

INLINE void a_fork(worker *w, run *fn, long arg0, long arg1) {
    struct slot_a *slot = w->head;
    if (!LIKELY((void *)slot != w->end)) {
        die("deque full"); // as Lace does: the caller has no record to keep
    }
    slot->fn = fn;
    STORE(&slot->state, QUEUED);
    slot->arg[0] = arg0;
    slot->arg[1] = arg1;
    w->head = slot + 1;
    poll_hungry(w);
}

INLINE struct slot_a *a_join(worker *w, bool *mine) {
    struct slot_a *slot = (struct slot_a *)w->head - 1;
    if (LIKELY((void *)slot >= w->split)) {
        w->head = slot;
        *mine = true;
    } else {
        *mine = take_back(w, &slot->state);
    }
    return slot;
}

static long a_fib(worker *w, long n);

static void a_fib_run(worker *w, void *arg) {
    struct slot_a *slot = arg;
    slot->result = a_fib(w, slot->arg[0]);
}

static long a_fib(worker *w, long n) {
    if (n < 2) {
        return n;
    }
    a_fork(w, a_fib_run, n - 2, 0);
    long left = a_fib(w, n - 1);
    bool mine;
    struct slot_a *slot = a_join(w, &mine);
    return left + (mine ? a_fib(w, slot->arg[0]) : slot->result);
}

static long a_sky(worker *w, long first, long size);

static void a_sky_run(worker *w, void *arg) {
    struct slot_a *slot = arg;
    slot->result = a_sky(w, slot->arg[0], slot->arg[1]);
}

static long a_sky(worker *w, long first, long size) {
    if (size == 1) {
        return first;
    }
    for (int i = 0; i < 10; i++) {
        a_fork(w, a_sky_run, first + i * (size / 10), size / 10);
    }
    long sum = 0;
    for (int i = 9; i >= 0; i--) {
        bool mine;
        struct slot_a *slot = a_join(w, &mine);
        sum += mine ? a_sky(w, slot->arg[0], slot->arg[1]) : slot->result;
    }
    return sum;
}

// --- AR: the same with the head passed along in a register, as Lace --------

INLINE void ar_fork(worker *w, struct slot_a *head, run *fn, long arg0,
                    long arg1) {
    if (!LIKELY((void *)head != w->end)) {
        die("deque full");
    }
    head->fn = fn;
    STORE(&head->state, QUEUED);
    head->arg[0] = arg0;
    head->arg[1] = arg1;
    if (!LIKELY(!LOAD(&w->hungry))) {
        w->head = head + 1;
        publish(w);
    }
}

INLINE bool ar_join(worker *w, struct slot_a *slot) {
    if (LIKELY((void *)slot >= w->split)) {
        return true;
    }
    w->head = slot + 1;
    return take_back(w, &slot->state);
}

static long ar_fib(worker *w, struct slot_a *head, long n);

static void ar_fib_run(worker *w, void *arg) {
    struct slot_a *slot = arg;
    slot->result = ar_fib(w, w->head, slot->arg[0]);
}

static long ar_fib(worker *w, struct slot_a *head, long n) {
    if (n < 2) {
        return n;
    }
    ar_fork(w, head, ar_fib_run, n - 2, 0);
    long left = ar_fib(w, head + 1, n - 1);
    return left +
           (ar_join(w, head) ? ar_fib(w, head, head->arg[0]) : head->result);
}

static long ar_sky(worker *w, struct slot_a *head, long first, long size);

static void ar_sky_run(worker *w, void *arg) {
    struct slot_a *slot = arg;
    slot->result = ar_sky(w, w->head, slot->arg[0], slot->arg[1]);
}

static long ar_sky(worker *w, struct slot_a *head, long first, long size) {
    if (size == 1) {
        return first;
    }
    for (int i = 0; i < 10; i++) {
        ar_fork(w, head++, ar_sky_run, first + i * (size / 10), size / 10);
    }
    long sum = 0;
    for (int i = 9; i >= 0; i--) {
        head--;
        sum += ar_join(w, head) ? ar_sky(w, head, head->arg[0], head->arg[1])
                                : head->result;
    }
    return sum;
}

static long ar_fib_root(worker *w, long n) { return ar_fib(w, w->head, n); }

static long ar_sky_root(worker *w, long first, long size) {
    return ar_sky(w, w->head, first, size);
}

// --- B: record on the stack, function and pointer in the deque -------------

INLINE void b_fork(worker *w, void *record, run *fn) {
    struct slot_b *slot = w->head;
    if (!LIKELY((void *)slot != w->end)) {
        die("deque full"); // without a header there is no place to note it
    }
    STORE(&slot->fn, (uintptr_t)fn);
    slot->arg = record;
    w->head = slot + 1;
    poll_hungry(w);
}

// Calls what the slot says.
INLINE void b_join(worker *w, void *record, run *fn) {
    (void)record;
    (void)fn;
    struct slot_b *slot = (struct slot_b *)w->head - 1;
    if (LIKELY((void *)slot >= w->split)) {
        w->head = slot;
    } else if (!take_back(w, &slot->fn)) {
        return;
    }
    ((run *)LOAD(&slot->fn))(w, slot->arg);
}

// BN: the same slot, but the function is named again at the join.
#define bn_fork b_fork
INLINE void bn_join(worker *w, void *record, run *fn) {
    struct slot_b *slot = (struct slot_b *)w->head - 1;
    if (LIKELY((void *)slot >= w->split)) {
        w->head = slot;
    } else if (!take_back(w, &slot->fn)) {
        return;
    }
    fn(w, record);
}

// --- C: record on the stack, pointer in the deque, function named twice ----

INLINE void c2_fork(worker *w, void *record, run *fn) {
    struct fork *fork = record;
    struct fork **slot = w->head;
    fork->fn = fn;
    if (!LIKELY((void *)slot != w->end)) {
        STORE(&fork->state, NOT_PUSHED); // full: the join runs it
        return;
    }
    STORE(&fork->state, QUEUED);
    *slot = fork;
    w->head = slot + 1;
    poll_hungry(w);
}

// Was it popped, and so is the caller's to run?
INLINE bool c2_pop(worker *w, struct fork *fork) {
    struct fork **slot = (struct fork **)w->head - 1;
    if (LIKELY((void *)slot >= w->split && LOAD(&fork->state) == QUEUED)) {
        w->head = slot;
        return true;
    }
    return LOAD(&fork->state) == NOT_PUSHED || take_back(w, &fork->state);
}

INLINE void c2_join(worker *w, void *record, run *fn) {
    if (c2_pop(w, record)) {
        fn(w, record);
    }
}

#endif

// SPDX-License-Identifier: MIT
// Prototype, not part of the library: what does one fork and join cost for
// each place where the fork record could live? The answer and what follows
// from it: docs/decisions/0001-fork-record-layout.md.
//
// It stands alone (C11, pthreads) and uses <stdatomic.h> directly instead of
// the project's shim, because it measures types that do not exist yet.
//
//     cc -O2 -D_GNU_SOURCE -pthread bench/forkrecord.c -o forkrecord
//     ./forkrecord [-r rounds] [-t threads] [-v variant] [-k fib|sky] [-n size]
//
// Exit status: 0, 1 for a wrong sum or a thread that did not start, 2 for a
// bad command line.

#include "forkrecord.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// CS: the same behind two calls into a static library.
NOINLINE static void cs_fork(worker *w, void *record, run *fn) {
    c2_fork(w, record, fn);
}

NOINLINE static bool cs_pop(worker *w, void *record) {
    return c2_pop(w, record);
}

// A one-line wrapper in the header, so that the function is called directly.
INLINE void cs_join(worker *w, void *record, run *fn) {
    if (cs_pop(w, record)) {
        fn(w, record);
    }
}

// C1: as CS through a pointer that the compiler must load, which is what a
// call into a shared library does (the PLT, or a call through the GOT).
typedef void fork_call(worker *w, void *record, run *fn);
typedef bool pop_call(worker *w, void *record);

static void c1_fork_body(worker *w, void *record, run *fn) {
    c2_fork(w, record, fn);
}

static bool c1_pop_body(worker *w, void *record) { return c2_pop(w, record); }

extern fork_call *c1_fork;
fork_call *c1_fork = c1_fork_body;
extern pop_call *c1_pop;
pop_call *c1_pop = c1_pop_body;

INLINE void c1_join(worker *w, void *record, run *fn) {
    if (c1_pop(w, record)) {
        fn(w, record);
    }
}

// C0: nothing in the header at all, the library calls through the record.
static void c0_join_body(worker *w, void *record, run *fn) {
    if (c2_pop(w, record)) {
        fn(w, record);
    }
}

#define c0_fork c1_fork
extern fork_call *c0_join;
fork_call *c0_join = c0_join_body;

// --- L: layout C, all slots public, every push and pop under the lock ------

#define DEFINE_LOCKED(v, lock_it, unlock_it)                                   \
    static void v##_fork_body(worker *w, void *record, run *fn) {              \
        struct fork *fork = record;                                            \
        fork->fn = fn;                                                         \
        lock_it;                                                               \
        struct fork **slot = w->head;                                          \
        bool full = (void *)slot == w->end;                                    \
        STORE(&fork->state, full ? NOT_PUSHED : QUEUED);                       \
        if (!full) {                                                           \
            *slot = fork;                                                      \
            w->head = slot + 1;                                                \
            STORE(&w->public_end, LOAD(&w->public_end) + 1);                   \
        }                                                                      \
        unlock_it;                                                             \
    }                                                                          \
    static bool v##_pop_body(worker *w, void *record) {                        \
        struct fork *fork = record;                                            \
        if (LOAD(&fork->state) == NOT_PUSHED) {                                \
            return true;                                                       \
        }                                                                      \
        lock_it;                                                               \
        size_t top = LOAD(&w->public_end) - 1;                                 \
        bool mine = LOAD(&w->tail) <= top;                                     \
        if (!mine) {                                                           \
            unlock_it;                                                         \
            wait_for_thief(w, &fork->state);                                   \
            lock_it;                                                           \
            STORE(&w->tail, top);                                              \
        }                                                                      \
        STORE(&w->public_end, top);                                            \
        w->head = (struct fork **)w->head - 1;                                 \
        unlock_it;                                                             \
        return mine;                                                           \
    }                                                                          \
    extern fork_call *v##_fork;                                                \
    fork_call *v##_fork = v##_fork_body;                                       \
    extern pop_call *v##_pop;                                                  \
    pop_call *v##_pop = v##_pop_body;                                          \
    INLINE void v##_join(worker *w, void *record, run *fn) {                   \
        if (v##_pop(w, record)) {                                              \
            fn(w, record);                                                     \
        }                                                                      \
    }

DEFINE_LOCKED(lm, pthread_mutex_lock(&w->mutex),
              pthread_mutex_unlock(&w->mutex))
DEFINE_LOCKED(lw, lock_word(w), unlock_word(w))

// --- The two kernels, for every layout with its record on the stack --------

struct no_header {
    char nothing[1]; // lies in the padding: an empty struct is not C
};

#define DEFINE_KERNELS(v, header)                                              \
    struct v##_fib_record {                                                    \
        header fork;                                                           \
        int n;                                                                 \
        long value;                                                            \
    };                                                                         \
    static long v##_fib(worker *w, long n);                                    \
    static void v##_fib_run(worker *w, void *arg) {                            \
        struct v##_fib_record *record = arg;                                   \
        record->value = v##_fib(w, record->n);                                 \
    }                                                                          \
    static long v##_fib(worker *w, long n) {                                   \
        if (n < 2) {                                                           \
            return n;                                                          \
        }                                                                      \
        struct v##_fib_record right;                                           \
        right.n = (int)n - 2;                                                  \
        v##_fork(w, &right, v##_fib_run);                                      \
        long left = v##_fib(w, n - 1);                                         \
        v##_join(w, &right, v##_fib_run);                                      \
        return left + right.value;                                             \
    }                                                                          \
    struct v##_sky_record {                                                    \
        header fork;                                                           \
        long first;                                                            \
        long size;                                                             \
        long sum;                                                              \
    };                                                                         \
    static long v##_sky(worker *w, long first, long size);                     \
    static void v##_sky_run(worker *w, void *arg) {                            \
        struct v##_sky_record *record = arg;                                   \
        record->sum = v##_sky(w, record->first, record->size);                 \
    }                                                                          \
    static long v##_sky(worker *w, long first, long size) {                    \
        if (size == 1) {                                                       \
            return first;                                                      \
        }                                                                      \
        struct v##_sky_record child[10];                                       \
        for (int i = 0; i < 10; i++) {                                         \
            child[i].first = first + i * (size / 10);                          \
            child[i].size = size / 10;                                         \
            v##_fork(w, &child[i], v##_sky_run);                               \
        }                                                                      \
        long sum = 0;                                                          \
        for (int i = 9; i >= 0; i--) {                                         \
            v##_join(w, &child[i], v##_sky_run);                               \
            sum += child[i].sum;                                               \
        }                                                                      \
        return sum;                                                            \
    }

DEFINE_KERNELS(b, struct no_header)
DEFINE_KERNELS(bn, struct no_header)
DEFINE_KERNELS(c0, struct fork)
DEFINE_KERNELS(c1, struct fork)
DEFINE_KERNELS(c2, struct fork)
DEFINE_KERNELS(cs, struct fork)
DEFINE_KERNELS(lm, struct fork)
DEFINE_KERNELS(lw, struct fork)

// --- D: floors -------------------------------------------------------------

#define DEFINE_FLOOR(v, attribute, at_fork)                                    \
    attribute static long v##_fib(worker *w, long n) {                         \
        if (n < 2) {                                                           \
            return n;                                                          \
        }                                                                      \
        at_fork;                                                               \
        long left = v##_fib(w, n - 1);                                         \
        return left + v##_fib(w, n - 2);                                       \
    }                                                                          \
    attribute static long v##_sky(worker *w, long first, long size) {          \
        if (size == 1) {                                                       \
            return first;                                                      \
        }                                                                      \
        long sum = 0;                                                          \
        for (int i = 0; i < 10; i++) {                                         \
            at_fork;                                                           \
            sum += v##_sky(w, first + i * (size / 10), size / 10);             \
        }                                                                      \
        return sum;                                                            \
    }

DEFINE_FLOOR(inlined, , (void)w)
DEFINE_FLOOR(called, NOINLINE, (void)w)
DEFINE_FLOOR(poll, , poll_hungry(w))

// --- Measuring -------------------------------------------------------------

struct variant {
    const char *name;
    const char *what;
    long (*fib)(worker *w, long n);
    long (*sky)(worker *w, long first, long size);
    enum layout layout;
    enum locking locking;
    bool serial;
};

static const struct variant variants[] = {
    {"D0", "serial, inlining allowed", inlined_fib, inlined_sky, POINTER,
     LOCK_MUTEX, true},
    {"D1", "serial, noinline", called_fib, called_sky, POINTER, LOCK_MUTEX,
     true},
    {"DP", "poll, no record", poll_fib, poll_sky, POINTER, LOCK_MUTEX, true},
    {"AR", "in deque, head in register", ar_fib_root, ar_sky_root, IN_DEQUE,
     LOCK_MUTEX, false},
    {"A", "in deque, 64 B", a_fib, a_sky, IN_DEQUE, LOCK_MUTEX, false},
    {"B", "slot {fn, ptr}, called by slot", b_fib, b_sky, FN_AND_POINTER,
     LOCK_MUTEX, false},
    {"BN", "slot {fn, ptr}, named", bn_fib, bn_sky, FN_AND_POINTER, LOCK_MUTEX,
     false},
    {"C2", "slot ptr, inline, named", c2_fib, c2_sky, POINTER, LOCK_MUTEX,
     false},
    {"CS", "slot ptr, static library, named", cs_fib, cs_sky, POINTER,
     LOCK_MUTEX, false},
    {"C1", "slot ptr, shared library, named", c1_fib, c1_sky, POINTER,
     LOCK_MUTEX, false},
    {"C0", "shared library calls the function", c0_fib, c0_sky, POINTER,
     LOCK_MUTEX, false},
    {"LW", "C1, lock word at push and pop", lw_fib, lw_sky, POINTER, LOCK_WORD,
     false},
    {"LM", "C1, mutex at push and pop", lm_fib, lm_sky, POINTER, LOCK_MUTEX,
     false},
};

enum { VARIANTS = sizeof variants / sizeof *variants, KERNELS = 2 };

static const char *const kernel_names[KERNELS] = {"fib", "sky"};

struct options {
    int rounds;
    int threads;         // 0: one, then two
    int kernel;          // -1: both
    long size;           // 0: the kernel's own
    const char *variant; // NULL: all
};

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void reset_team(const struct variant *v) {
    static const size_t sizes[] = {sizeof(struct slot_a), sizeof(struct slot_b),
                                   sizeof(struct fork *)};
    for (unsigned i = 0; i < WORKERS; i++) {
        worker *w = &team[i];
        w->id = i;
        w->layout = v->layout;
        w->locking = v->locking;
        w->slot_size = sizes[v->layout];
        w->head = w->split = w->slots;
        w->end = w->slots + SLOTS * w->slot_size;
        w->steals = 0;
        STORE(&w->hungry, 0);
        STORE(&w->tail, 0);
        STORE(&w->public_end, 0);
    }
    STORE(&stop, false);
}

static void *thief_main(void *arg) {
    worker *w = arg;
    while (!LOAD(&stop)) {
        if (!steal(w, &team[1 - w->id], NULL)) {
            rest(w);
        }
    }
    return NULL;
}

static long forks_in(int kernel, long size, long *sum) {
    if (kernel == 0) {
        long a = 0;
        long b = 1;
        for (long i = 0; i < size; i++) {
            long next = a + b;
            a = b;
            b = next;
        }
        *sum = a;
        return b - 1;
    }
    long leaves = 1;
    long forks = 0;
    for (long i = 0; i < size; i++) {
        leaves *= 10;
        forks += leaves;
    }
    *sum = leaves * (leaves - 1) / 2;
    return forks;
}

// Nanoseconds per fork and join, wall.
static double measure(const struct variant *v, int kernel, long size,
                      int threads, long *steals) {
    long expected;
    long forks = forks_in(kernel, size, &expected);
    long leaves = 1;
    for (long i = 0; kernel == 1 && i < size; i++) {
        leaves *= 10;
    }
    reset_team(v);
    pthread_t thief;
    if (threads == 2 && pthread_create(&thief, NULL, thief_main, &team[1])) {
        die("no second thread");
    }
    double start = now_ns();
    long sum =
        kernel == 0 ? v->fib(&team[0], size) : v->sky(&team[0], 0, leaves);
    double spent = now_ns() - start;
    STORE(&stop, true);
    if (threads == 2) {
        pthread_join(thief, NULL);
    }
    if (sum != expected) {
        die("wrong sum");
    }
    *steals = team[0].steals + team[1].steals;
    return spent / (double)forks;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void table(const struct options *o, int kernel, int threads) {
    static double ns[VARIANTS][ROUNDS_MAX];
    static long steals[VARIANTS];
    long size = o->size ? o->size : kernel == 0 ? 35 : 7;
    for (int round = 0; round < o->rounds; round++) {
        for (int i = 0; i < VARIANTS; i++) {
            const struct variant *v = &variants[i];
            if ((o->variant && strcmp(o->variant, v->name)) ||
                (v->serial && threads == 2)) {
                continue;
            }
            ns[i][round] = measure(v, kernel, size, threads, &steals[i]);
        }
    }
    printf("%s(%ld), %d thread%s, %d rounds: ns per fork+join, wall\n",
           kernel_names[kernel], size, threads, threads == 1 ? "" : "s",
           o->rounds);
    for (int i = 0; i < VARIANTS; i++) {
        if (ns[i][0] == 0) {
            continue;
        }
        qsort(ns[i], (size_t)o->rounds, sizeof(double), by_value);
        printf("  %-2s  %-36s best %6.2f  median %6.2f  steals %ld\n",
               variants[i].name, variants[i].what, ns[i][0],
               ns[i][o->rounds / 2], steals[i]);
    }
    memset(ns, 0, sizeof ns);
    fflush(stdout);
}

// 1 if `text` is a whole number in [low, high].
static bool number(const char *text, long low, long high, long *out) {
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return !errno && end != text && !*end && *out >= low && *out <= high;
}

static bool known_variant(const char *name) {
    for (int i = 0; i < VARIANTS; i++) {
        if (!strcmp(variants[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool parse(int argc, char **argv, struct options *o) {
    int c;
    long value = 0;
    bool good = true;
    while (good && (c = getopt(argc, argv, "r:t:v:k:n:")) != -1) {
        if (c == 'r') {
            good = number(optarg, 1, ROUNDS_MAX, &value);
            o->rounds = (int)value;
        } else if (c == 't') {
            good = number(optarg, 1, WORKERS, &value);
            o->threads = (int)value;
        } else if (c == 'n') {
            good = number(optarg, 1, 45, &o->size);
        } else if (c == 'v') {
            good = known_variant(optarg);
            o->variant = optarg;
        } else if (c == 'k') {
            o->kernel = !strcmp(optarg, "sky");
            good = o->kernel || !strcmp(optarg, "fib");
        } else {
            return false; // getopt has said why
        }
    }
    if (!good || optind != argc || (o->kernel != 0 && o->size > 9)) {
        fprintf(stderr, "usage: forkrecord [-r rounds] [-t 1|2] [-v variant] "
                        "[-k fib|sky] [-n size (fib 1-45, sky 1-9)]\n");
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    struct options o = {.rounds = 15, .kernel = -1};
    if (!parse(argc, argv, &o)) {
        return 2;
    }
    for (int i = 0; i < WORKERS; i++) {
        team[i].slots = calloc(SLOTS, sizeof(struct slot_a));
        if (!team[i].slots || pthread_mutex_init(&team[i].mutex, NULL)) {
            die("out of memory");
        }
    }
    for (int kernel = 0; kernel < KERNELS; kernel++) {
        for (int threads = 1; threads <= WORKERS; threads++) {
            if ((o.kernel == -1 || o.kernel == kernel) &&
                (o.threads == 0 || o.threads == threads)) {
                table(&o, kernel, threads);
            }
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        free(team[i].slots);
        pthread_mutex_destroy(&team[i].mutex);
    }
    return 0;
}

// SPDX-License-Identifier: MIT
// os/os.h: everything weir asks of the operating system. The only #ifdefs of
// the library are in this folder. linux.c is the Linux backend, posix.c uses
// POSIX alone; CMake picks one by name (WEIR_OS) and both pass the same tests.
// fiber.c (ucontext) and common.c serve both.
//
//   threads    every function: any thread.
//   blocking   only wr_futex_wait, wr_mutex_lock, wr_thread_join.
//   ownership  init/fini use the caller's memory.
//   errors     0 or a negative errno; all or nothing.
#ifndef WR_OS_H
#define WR_OS_H

#include "base/atomic.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_CACHE_LINE = 64 };

// ---- clock -----------------------------------------------------------------

// wr_now_ns: CLOCK_MONOTONIC.
int64_t wr_now_ns(void);

// wr_ticks is a clock that is cheaper to read, for guesses: a tick is about a
// nanosecond, give or take a factor of two, and it may jump.
int64_t wr_ticks(void);

// ---- chance ----------------------------------------------------------------

// wr_entropy fills at most 256 bytes with what nobody can guess.
void wr_entropy(void *bytes, size_t size);

// ---- futex -----------------------------------------------------------------

// wr_futex_wait sleeps while *word == expected, until woken or deadline_ns
// (WEIR_FOREVER: none). May wake without a reason: the caller looks again.
// Returns 0 (woken, or maybe), -EAGAIN (*word was different), -ETIMEDOUT.
int wr_futex_wait(wr_atomic_u32 *word, uint32_t expected, int64_t deadline_ns);

// wr_futex_wake wakes at most `count` sleepers. Never touches *word, whose
// memory may already be gone.
void wr_futex_wake(wr_atomic_u32 *word, int count);

// wr_prefetch fetches `bytes` from `from` on into this core's cache, to be
// written; any address will do.
static inline void wr_prefetch(const void *from, size_t bytes) {
    for (size_t at = 0; at < bytes; at += WR_CACHE_LINE)
        __builtin_prefetch((const char *)from + at, 1);
}

// wr_spin_pause tells the CPU that this is a spin loop.
void wr_spin_pause(void);

// ---- lock ------------------------------------------------------------------

// A lock that spins briefly before it parks. Destroying it right after the
// last unlock is allowed, also while the thread that unlocked is still inside
// unlock. The fast ways are here, because a lock without a rival is most of
// what the library does: README.md, "The lock".
typedef struct wr_mutex {
    wr_atomic_u32 word; // 0: free; 1: held; 2: held, and somebody may sleep
} wr_mutex;

static inline void wr_mutex_init(wr_mutex *mutex) {
    wr_atomic_init(&mutex->word, 0);
}

// Programs under the model checker have its lock, which takes fewer steps to
// explore, but for the one that checks this one (tests/model).
#if defined(WR_MODEL) && !defined(WR_MODEL_REAL_LOCK)
static inline bool wr_mutex_trylock(wr_mutex *mutex) {
    return mc_word_trylock(&mutex->word.value);
}

static inline void wr_mutex_lock(wr_mutex *mutex) {
    mc_word_lock(&mutex->word.value);
}

static inline void wr_mutex_unlock(wr_mutex *mutex) {
    mc_word_unlock(&mutex->word.value);
}

static inline void wr_mutex_fini(wr_mutex *mutex) { // it is not held
    mc_word_end(&mutex->word.value);
}

#else

void wr_mutex_lock_slow(wr_mutex *mutex);

void wr_mutex_fini(wr_mutex *mutex); // it is not held

static inline bool wr_mutex_trylock(wr_mutex *mutex) {
    uint32_t found = 0;
    return wr_compare_exchange(&mutex->word, &found, 1, acquire, MUTEX_1,
                               "what the last holder did is seen");
}

static inline void wr_mutex_lock(wr_mutex *mutex) {
    if (!wr_mutex_trylock(mutex))
        wr_mutex_lock_slow(mutex);
}

static inline void wr_mutex_unlock(wr_mutex *mutex) {
    if (wr_exchange(&mutex->word, 0, release, MUTEX_1,
                    "the next holder sees what was done here") == 2)
        wr_futex_wake(&mutex->word, 1);
}

#endif

// ---- threads ---------------------------------------------------------------

typedef struct wr_thread {
    pthread_t id;
} wr_thread;

typedef struct wr_thread_options {
    const char *name;  // at most 15 bytes are shown; copied
    size_t stack_size; // bytes, raised to what the system takes; 0: its default
    int cpu;           // run on this CPU only; -1: anywhere
} wr_thread_options;

// wr_thread_start runs main(arg) on a new thread that has every signal
// blocked, except those that a fault raises on the thread itself.
// Errors: -EAGAIN (no more threads or memory, or stack refused), -EINVAL (no
// such CPU, or this backend cannot pin).
int wr_thread_start(wr_thread *out, const wr_thread_options *options,
                    void *(*main)(void *), void *arg);
void wr_thread_join(wr_thread *thread);
void wr_thread_yield(void);

// ---- CPUs ------------------------------------------------------------------

enum { WR_CPU_REASON_MAX = 160, WR_CPUS_MAX = 4096 };

// How many CPUs this process may really use, and why.
typedef struct wr_cpu_limits {
    int online;   // CPUs of the machine
    int affinity; // CPUs this process may run on
    int quota;    // cgroup quota rounded up to whole CPUs; 0: none
    int usable;   // the smallest of those, at least 1
    char reason[WR_CPU_REASON_MAX]; // "2 of 8 CPUs: cgroup quota 1.50"
} wr_cpu_limits;

void wr_cpu_limits_read(wr_cpu_limits *out);

// The same for cgroup files under `root` in place of "/" (tests make trees).
// `root` holds proc/self/cgroup, proc/self/mountinfo and the cgroup mounts.
void wr_cpu_limits_read_at(wr_cpu_limits *out, const char *root);

typedef enum wr_cpu_order {
    WR_CPU_COMPACT, // neighbours first: fill a core, then a package
    WR_CPU_SPREAD,  // far apart first: packages, then cores, then threads
} wr_cpu_order;

// wr_cpu_list fills cpus[] with the CPUs this process may run on, in the order
// asked for. Returns how many, at most `count_max`; 0: this backend cannot
// tell.
int wr_cpu_list(wr_cpu_order order, int *cpus, int count_max);

// wr_cpu_current returns the CPU this thread runs on, or -1.
int wr_cpu_current(void);

// ---- wake-up through a file descriptor -------------------------------------

// A counter that poll(2) can wait for: eventfd on Linux, a pipe elsewhere.
typedef struct wr_wakefd {
    int read_fd;  // readable while signalled
    int write_fd; // the same as read_fd with eventfd
} wr_wakefd;

int wr_wakefd_open(wr_wakefd *out); // -EMFILE, -ENFILE, -ENOMEM
void wr_wakefd_close(wr_wakefd *fd);
void wr_wakefd_signal(wr_wakefd *fd); // any thread; never blocks
void wr_wakefd_clear(wr_wakefd *fd);  // the reader; never blocks

// ---- memory ----------------------------------------------------------------

// Zeroed pages, aligned to a page, straight from the system. wr_pages_huge
// asks for huge pages where they pay and falls back to small ones.
void *wr_pages_alloc(size_t bytes);      // NULL: out of memory
void *wr_pages_alloc_huge(size_t bytes); // NULL: out of memory
void wr_pages_free(void *pages, size_t bytes);

// wr_aligned_alloc: zeroed, `alignment` a power of two; freed by wr_free.
void *wr_aligned_alloc(size_t alignment, size_t bytes);

// ---- processes -------------------------------------------------------------

// What worker processes need. Only Linux has it all: elsewhere
// wr_process_support says -ENOSYS, and so do those that have an error; the
// others do nothing there.

// wr_process_support: 0, or -ENOSYS (a system call is missing or forbidden).
int wr_process_support(void);

// wr_process_alone: does this process have one thread? One that was joined a
// moment ago does not count. May wait for it, if there are no descriptors.
bool wr_process_alone(void);

// wr_process_follow: the caller is killed when the thread that forked it ends.
// Errors: -ESRCH (that process, `parent`, is gone already), -ENOSYS.
int wr_process_follow(int parent);

// wr_process_begin makes a process out of what fork left: the signals in
// `ignored` (ended by 0) ignored, all others with their default action and not
// blocked, no descriptors but 0, 1, 2 and the `count` (at most 4) in `keep`,
// which are over 2. exit(3) runs nothing that was registered before.
void wr_process_begin(const int *ignored, const int *keep, size_t count);

// wr_process_close_but closes the descriptors over 2 but those in `keep`.
void wr_process_close_but(const int *keep, size_t count);

// wr_process_name: at most 15 bytes are shown.
void wr_process_name(const char *name);

// wr_process_watch: a descriptor (over 2) that stands for the process and is
// readable when it has ended. Errors: -ESRCH, -EMFILE, -ENFILE, -ENOMEM,
// -ENOSYS.
int wr_process_watch(int pid);

// wr_process_kill: with SIGKILL; one that has ended is no error.
void wr_process_kill(int watch);

// wr_process_reap takes the remains of a child of the caller that has ended.
// True: *signal (or 0) and *exit_status (or -1) say how. False: it is no child
// of the caller, or somebody else took them.
bool wr_process_reap(int watch, int *signal, int *exit_status);

// wr_high_fd gives a duplicate over 2, closed on exec, in place of fd, which it
// closes. Errors: -EMFILE; fd is closed then too.
int wr_high_fd(int fd);

// Zeroed memory that stays the same in children. NULL: out of memory, or not
// here. wr_shared_clear: it reads as zero again and takes no memory; whole
// pages.
size_t wr_page_size(void);
void *wr_shared_alloc(size_t bytes);
void wr_shared_free(void *memory, size_t bytes);
void wr_shared_clear(void *memory, size_t bytes);

// As wr_futex_wait without a deadline and wr_futex_wake, between processes.
void wr_shared_wait(wr_atomic_u32 *word, uint32_t expected);
void wr_shared_wake(wr_atomic_u32 *word);

// ---- fork detection --------------------------------------------------------

// A mark that is set in the process that made it and not in its children: on
// Linux a page that fork wipes, so that looking costs one load.
typedef struct wr_forkmark {
    const volatile uint32_t *word;
    uint32_t pid; // the portable backend's way
} wr_forkmark;

int wr_forkmark_init(wr_forkmark *mark); // -ENOMEM
void wr_forkmark_fini(wr_forkmark *mark);
bool wr_forkmark_forked(const wr_forkmark *mark);

// ---- fibers ----------------------------------------------------------------

// A stack of its own, switched to by hand, all on one thread. Sanitizers are
// told of each switch.
typedef struct wr_fiber wr_fiber;

// wr_fiber_create makes a fiber that runs main(arg) when first switched to;
// main must not return. stack_size 0: 256 KiB. Errors: -ENOMEM, -ENOSYS (no
// fibers here).
int wr_fiber_create(wr_fiber **out, size_t stack_size, void (*main)(void *),
                    void *arg);
// wr_fiber_adopt stands for the stack the caller runs on. Errors: as above.
int wr_fiber_adopt(wr_fiber **out);
// wr_fiber_switch leaves `from`, the running one, and enters `to`.
void wr_fiber_switch(wr_fiber *from, wr_fiber *to);
// wr_fiber_destroy frees a fiber that is not running.
void wr_fiber_destroy(wr_fiber *fiber);

#endif

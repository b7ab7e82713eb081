// SPDX-License-Identifier: MIT
// os/os.h for sources under the model checker. Compiled as they are, so that
// what it keeps is checked like theirs, and is as new in each execution.
#include "model/os.h"

#include "base/check.h"
#include "base/fault.h"
#include "weir/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_NS = 1000000, PAGE = 4096, CPUS = 2 };

// ---- clock -----------------------------------------------------------------

// Each thread has a time of its own that its own history makes: what others do
// must not decide here. It passes quickly, so that no bounded spin lasts.
static int64_t ticked_ns[MC_THREADS_MAX];

static int64_t *own_time(void) {
    unsigned self = mc_self();
    return &ticked_ns[self < MC_THREADS_MAX ? self : 0];
}

int64_t wr_now_ns(void) {
    int64_t *now = own_time();
    *now += TICK_NS;
    return *now;
}

int64_t weir_now_ns(void) { return wr_now_ns(); }

void wr_spin_pause(void) {}

void wr_entropy(void *bytes, size_t size) {
    unsigned char *out = bytes;
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)(i * 37 + 11);
}

// ---- futex -----------------------------------------------------------------

int wr_futex_wait(wr_atomic_u32 *word, uint32_t expected, int64_t deadline_ns) {
    bool timed = deadline_ns != WEIR_FOREVER;
    int error = mc_futex_wait(&word->value, expected, timed);
    int64_t *now = own_time();
    if (error == -ETIMEDOUT && *now < deadline_ns)
        *now = deadline_ns;
    return error;
}

void wr_futex_wake(wr_atomic_u32 *word, int count) {
    mc_futex_wake(&word->value, count);
}

void wr_shared_wait(wr_atomic_u32 *word, uint32_t expected) {
    (void)mc_futex_wait(&word->value, expected, false);
}

void wr_shared_wake(wr_atomic_u32 *word) { mc_futex_wake(&word->value, 1); }

// ---- threads ---------------------------------------------------------------

int wr_thread_start(wr_thread *out, const wr_thread_options *options,
                    void *(*main)(void *), void *arg) {
    if (options->cpu < -1 || options->cpu >= CPUS)
        return -EINVAL;
    if (wr_fault(WR_FAULT_THREAD))
        return -EAGAIN;
    unsigned thread = mc_spawn(main, arg);
    if (thread == MC_NO_THREAD)
        return -EAGAIN;
    out->id = (pthread_t)thread;
    return 0;
}

void wr_thread_join(wr_thread *thread) { (void)mc_join((unsigned)thread->id); }

// Who yields looks again and again at what others will change.
void wr_thread_yield(void) { mc_await(); }

// ---- CPUs ------------------------------------------------------------------

void wr_cpu_limits_read(wr_cpu_limits *out) {
    *out = (wr_cpu_limits){.online = CPUS, .affinity = CPUS, .usable = CPUS};
    strcpy(out->reason, "2 CPUs: model");
}

void wr_cpu_limits_read_at(wr_cpu_limits *out, const char *root) {
    (void)root;
    wr_cpu_limits_read(out);
}

int wr_cpu_list(wr_cpu_order order, int *cpus, int count_max) {
    (void)order;
    int count = 0;
    for (; count < CPUS && count < count_max; count++)
        cpus[count] = count;
    return count;
}

int wr_cpu_current(void) { return (int)(mc_self() % CPUS); }

// ---- wake-up through a file descriptor -------------------------------------

// A descriptor is a number of the thread that opens it: then no thread asks
// what others have opened, and no step is spent on it. It is used once.
enum { FDS_EACH = 4, FDS = FDS_EACH * MC_THREADS_MAX, FD_FIRST = 100 };

typedef struct counter {
    bool open; // a signal beside the close is a race, as it would be for real
    wr_atomic_u32 count;
} counter;

static counter counters[FDS];
static int opened[MC_THREADS_MAX];

static counter *counter_of(const wr_wakefd *fd) {
    int at = fd->read_fd - FD_FIRST;
    wr_check(at >= 0 && at < FDS, "a wake-up descriptor is open");
    return &counters[at];
}

int wr_wakefd_open(wr_wakefd *out) {
    if (wr_fault(WR_FAULT_FD))
        return -EMFILE;
    int self = (int)mc_self();
    if (opened[self] == FDS_EACH)
        return -EMFILE;
    int at = self * FDS_EACH + opened[self]++;
    counters[at].open = true;
    wr_atomic_init(&counters[at].count, 0);
    *out = (wr_wakefd){.read_fd = at + FD_FIRST, .write_fd = at + FD_FIRST};
    return 0;
}

void wr_wakefd_close(wr_wakefd *fd) {
    counter *own = counter_of(fd);
    wr_check(own->open, "a wake-up descriptor is closed once");
    own->open = false;
    *fd = (wr_wakefd){.read_fd = -1, .write_fd = -1};
}

void wr_wakefd_signal(wr_wakefd *fd) {
    counter *own = counter_of(fd);
    wr_check(own->open, "a wake-up descriptor is open when it is signalled");
    (void)wr_fetch_add(&own->count, 1, release, MODEL_FD_1,
                       "what the signal is about is there");
    mc_futex_wake(&own->count.value, INT32_MAX);
}

void wr_wakefd_clear(wr_wakefd *fd) {
    counter *own = counter_of(fd);
    wr_check(own->open, "a wake-up descriptor is open when it is cleared");
    (void)wr_exchange(&own->count, 0, acquire, MODEL_FD_1,
                      "what was signalled so far is seen");
}

bool mo_wakefd_wait(const wr_wakefd *fd) {
    if (fd->read_fd < 0)
        return false;
    counter *own = counter_of(fd);
    if (!own->open)
        return false;
    while (wr_load(&own->count, relaxed, ALONE, "poll orders nothing") == 0)
        (void)mc_futex_wait(&own->count.value, 0, false);
    return true;
}

// ---- memory ----------------------------------------------------------------

size_t wr_page_size(void) { return PAGE; }

void *wr_aligned_alloc(size_t alignment, size_t bytes) {
    wr_assert(alignment != 0 && (alignment & (alignment - 1)) == 0);
    if (alignment < sizeof(void *))
        alignment = sizeof(void *);
    void *memory = NULL;
    if (wr_fault(WR_FAULT_ALLOC) ||
        posix_memalign(&memory, alignment, bytes == 0 ? 1 : bytes) != 0)
        return NULL;
    return memset(memory, 0, bytes);
}

void *wr_pages_alloc(size_t bytes) { return wr_aligned_alloc(PAGE, bytes); }

void *wr_pages_alloc_huge(size_t bytes) { return wr_pages_alloc(bytes); }

void wr_pages_free(void *pages, size_t bytes) {
    (void)bytes;
    free(pages);
}

void *wr_shared_alloc(size_t bytes) { return wr_pages_alloc(bytes); }

void wr_shared_free(void *memory, size_t bytes) {
    wr_pages_free(memory, bytes);
}

void wr_shared_clear(void *memory, size_t bytes) { memset(memory, 0, bytes); }

// ---- forks: there are none (process_none.c, fiber_none.c for the rest) -----

int wr_forkmark_init(wr_forkmark *mark) {
    *mark = (wr_forkmark){.pid = 1};
    return 0;
}

void wr_forkmark_fini(wr_forkmark *mark) { *mark = (wr_forkmark){0}; }

bool wr_forkmark_forked(const wr_forkmark *mark) {
    (void)mark;
    return false;
}

// SPDX-License-Identifier: MIT
// The portable backend: POSIX.1-2008 and nothing else, which the two lines
// below make the compiler check. It says what a new backend has to do, and
// keeps os.h honest; it is not meant to be fast. See README.md for what it
// cannot do.
#undef _GNU_SOURCE
#define _XOPEN_SOURCE 700

#include "os/os.h"

#include "base/check.h"
#include "base/fault.h"
#include "os/backend.h"
#include "weir/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// ---- futex -----------------------------------------------------------------

// Sleepers meet in a bucket chosen by the word's address. A word changes
// before its wake call, which takes the bucket's lock: a sleeper that looked
// at the word under that lock either saw the change or is already waiting.
typedef struct bucket {
    pthread_mutex_t lock;
    pthread_cond_t changed;
} bucket;

enum { BUCKETS = 64 };

static bucket buckets[BUCKETS];
static pthread_once_t buckets_once = PTHREAD_ONCE_INIT;

static void buckets_init(void) {
    pthread_condattr_t attr;
    wr_assert(pthread_condattr_init(&attr) == 0);
    wr_assert(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    for (size_t i = 0; i < BUCKETS; i++) {
        wr_assert(pthread_mutex_init(&buckets[i].lock, NULL) == 0);
        wr_assert(pthread_cond_init(&buckets[i].changed, &attr) == 0);
    }
    pthread_condattr_destroy(&attr);
}

static bucket *bucket_of(const wr_atomic_u32 *word) {
    wr_assert(pthread_once(&buckets_once, buckets_init) == 0);
    uint64_t mixed = (uint64_t)(uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15);
    return &buckets[mixed >> 58];
}

int wr_futex_wait(wr_atomic_u32 *word, uint32_t expected, int64_t deadline_ns) {
    int64_t at = deadline_ns < 0 ? 0 : deadline_ns;
    struct timespec until = {.tv_sec = (time_t)(at / 1000000000),
                             .tv_nsec = (long)(at % 1000000000)};
    bucket *b = bucket_of(word);
    int error = 0;
    wr_assert(pthread_mutex_lock(&b->lock) == 0);
    if (wr_load(word, relaxed, ALONE, "the bucket's lock orders it") !=
        expected)
        error = EAGAIN;
    else if (deadline_ns == WEIR_FOREVER)
        error = pthread_cond_wait(&b->changed, &b->lock);
    else
        error = pthread_cond_timedwait(&b->changed, &b->lock, &until);
    wr_assert(pthread_mutex_unlock(&b->lock) == 0);
    wr_assert(error == 0 || error == EAGAIN || error == ETIMEDOUT);
    return -error;
}

void wr_futex_wake(wr_atomic_u32 *word, int count) {
    (void)count; // all, since sleepers of other words share the bucket
    bucket *b = bucket_of(word);
    wr_assert(pthread_mutex_lock(&b->lock) == 0);
    wr_assert(pthread_cond_broadcast(&b->changed) == 0);
    wr_assert(pthread_mutex_unlock(&b->lock) == 0);
}

// ---- threads and CPUs ------------------------------------------------------

int wr_backend_pin(pthread_attr_t *attr, int cpu) {
    (void)attr;
    (void)cpu;
    return EINVAL; // POSIX knows no CPUs
}

void wr_backend_name_self(const char *name) { (void)name; }

void wr_cpu_limits_read(wr_cpu_limits *out) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int count = online < 1             ? 1
                : online > WR_CPUS_MAX ? WR_CPUS_MAX
                                       : (int)online;
    *out = (wr_cpu_limits){
        .online = count, .affinity = count, .quota = 0, .usable = count};
    snprintf(out->reason, sizeof(out->reason), "%d CPU%s: all online", count,
             count == 1 ? "" : "s");
}

void wr_cpu_limits_read_at(wr_cpu_limits *out, const char *root) {
    (void)root; // no cgroups
    wr_cpu_limits_read(out);
}

int wr_cpu_list(wr_cpu_order order, int *cpus, int count_max) {
    (void)order;
    (void)cpus;
    (void)count_max;
    return 0;
}

int wr_cpu_current(void) { return -1; }

// ---- wake-up through a file descriptor -------------------------------------

// POSIX.1-2008 has no pipe2: a child that another thread forks and executes
// just now may inherit the two ends.
static int set_flags(int fd) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -1;
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}

int wr_wakefd_open(wr_wakefd *out) {
    int ends[2];
    if (wr_fault(WR_FAULT_FD))
        return -EMFILE;
    if (pipe(ends) != 0)
        return errno == ENFILE ? -ENFILE : -EMFILE;
    if (set_flags(ends[0]) != 0 || set_flags(ends[1]) != 0) {
        close(ends[0]);
        close(ends[1]);
        return -ENOMEM;
    }
    *out = (wr_wakefd){.read_fd = ends[0], .write_fd = ends[1]};
    return 0;
}

void wr_wakefd_close(wr_wakefd *fd) {
    close(fd->read_fd);
    close(fd->write_fd);
    *fd = (wr_wakefd){.read_fd = -1, .write_fd = -1};
}

void wr_wakefd_signal(wr_wakefd *fd) {
    ssize_t written;
    do
        written = write(fd->write_fd, "", 1);
    while (written < 0 && errno == EINTR);
    // EAGAIN: the pipe is full, so it is signalled.
    wr_assert(written == 1 || errno == EAGAIN || errno == EWOULDBLOCK);
}

void wr_wakefd_clear(wr_wakefd *fd) {
    char bytes[512];
    ssize_t taken;
    do
        taken = read(fd->read_fd, bytes, sizeof(bytes));
    while (taken > 0 || (taken < 0 && errno == EINTR));
    // EAGAIN: it is empty now.
    wr_assert(errno == EAGAIN || errno == EWOULDBLOCK);
}

// ---- memory ----------------------------------------------------------------

void *wr_pages_alloc(size_t bytes) {
    long page = sysconf(_SC_PAGESIZE);
    if (bytes == 0)
        return NULL;
    return wr_aligned_alloc(page > 0 ? (size_t)page : 4096, bytes);
}

void *wr_pages_alloc_huge(size_t bytes) { return wr_pages_alloc(bytes); }

void wr_pages_free(void *pages, size_t bytes) {
    (void)bytes;
    wr_free(pages);
}

// ---- memory that processes share -------------------------------------------

size_t wr_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *wr_shared_alloc(size_t bytes) {
    (void)bytes;
    return NULL;
}

void wr_shared_free(void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
}

void wr_shared_clear(void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
}

void wr_shared_wait(wr_atomic_u32 *word, uint32_t expected) {
    (void)word;
    (void)expected;
}

void wr_shared_wake(wr_atomic_u32 *word) { (void)word; }

// ---- fork detection --------------------------------------------------------

int wr_forkmark_init(wr_forkmark *mark) {
    *mark = (wr_forkmark){.pid = (uint32_t)getpid()};
    return wr_fault(WR_FAULT_ALLOC) ? -ENOMEM : 0;
}

void wr_forkmark_fini(wr_forkmark *mark) { *mark = (wr_forkmark){0}; }

bool wr_forkmark_forked(const wr_forkmark *mark) {
    return (uint32_t)getpid() != mark->pid;
}

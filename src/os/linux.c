// SPDX-License-Identifier: MIT
// The Linux backend: futex, eventfd, pinning, pages. CPUs are in cpu.c.
#include "os/os.h"

#include "base/check.h"
#include "base/fault.h"
#include "os/backend.h"
#include "weir/base.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// 32-bit systems with a 64-bit time_t have a system call of their own.
#if defined(SYS_futex_time64) && defined(_TIME_BITS) && _TIME_BITS == 64
#define FUTEX_CALL SYS_futex_time64
#elif defined(SYS_futex)
#define FUTEX_CALL SYS_futex
#else
#define FUTEX_CALL SYS_futex_time64
#endif

enum { HUGE_PAGE = 2 << 20 };

// ---- futex -----------------------------------------------------------------

int wr_futex_wait(wr_atomic_u32 *word, uint32_t expected, int64_t deadline_ns) {
    // FUTEX_WAIT_BITSET, because its time is absolute and monotonic: a wait
    // that is interrupted and starts again still ends at the deadline.
    struct timespec until;
    struct timespec *timeout = NULL;
    if (deadline_ns != WEIR_FOREVER) {
        int64_t at = deadline_ns < 0 ? 0 : deadline_ns;
        until.tv_sec = (time_t)(at / 1000000000);
        until.tv_nsec = (long)(at % 1000000000);
        timeout = &until;
    }
    long result = syscall(FUTEX_CALL, &word->value,
                          FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                          timeout, NULL, FUTEX_BITSET_MATCH_ANY);
    if (result == 0 || errno == EINTR)
        return 0;
    wr_assert(errno == EAGAIN || errno == ETIMEDOUT);
    return -errno;
}

void wr_futex_wake(wr_atomic_u32 *word, int count) {
    // The word may be gone: then this wakes nobody, or a sleeper of whatever
    // is there now, which looks again. An unmapped address is no error here.
    syscall(FUTEX_CALL, &word->value, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count,
            NULL, NULL, 0);
}

// ---- threads ---------------------------------------------------------------

int wr_backend_pin(pthread_attr_t *attr, int cpu) {
    if (cpu >= WR_CPUS_MAX)
        return EINVAL;
    size_t bytes = CPU_ALLOC_SIZE(WR_CPUS_MAX);
    cpu_set_t *set = CPU_ALLOC(WR_CPUS_MAX);
    if (set == NULL)
        return ENOMEM;
    CPU_ZERO_S(bytes, set);
    CPU_SET_S((size_t)cpu, bytes, set);
    int error = pthread_attr_setaffinity_np(attr, bytes, set);
    CPU_FREE(set);
    return error;
}

void wr_backend_name_self(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

int wr_cpu_current(void) { return sched_getcpu(); }

// ---- wake-up through a file descriptor -------------------------------------

int wr_wakefd_open(wr_wakefd *out) {
    int fd = -1;
    errno = EMFILE;
    if (!wr_fault(WR_FAULT_FD))
        fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? -errno : -ENOMEM;
    *out = (wr_wakefd){.read_fd = fd, .write_fd = fd};
    return 0;
}

void wr_wakefd_close(wr_wakefd *fd) {
    close(fd->read_fd);
    *fd = (wr_wakefd){.read_fd = -1, .write_fd = -1};
}

void wr_wakefd_signal(wr_wakefd *fd) {
    uint64_t one = 1;
    ssize_t written;
    do
        written = write(fd->write_fd, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
    // EAGAIN: the counter is at its limit, so it is signalled.
    wr_assert(written == sizeof(one) || errno == EAGAIN);
}

void wr_wakefd_clear(wr_wakefd *fd) {
    uint64_t count;
    ssize_t taken;
    do
        taken = read(fd->read_fd, &count, sizeof(count));
    while (taken < 0 && errno == EINTR);
    // EAGAIN: it was not signalled.
    wr_assert(taken == sizeof(count) || errno == EAGAIN);
}

// ---- memory ----------------------------------------------------------------

static void *map(size_t bytes) {
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    wr_fault_hold(1);
    return pages;
}

static void unmap(void *pages, size_t bytes) {
    wr_assert(munmap(pages, bytes) == 0);
    wr_fault_hold(-1);
}

static size_t whole_pages(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

void *wr_pages_alloc(size_t bytes) {
    return wr_fault(WR_FAULT_ALLOC) ? NULL : map(bytes);
}

// Huge pages need memory aligned to one: map more, then give back both ends.
void *wr_pages_alloc_huge(size_t bytes) {
    if (bytes < HUGE_PAGE || bytes > SIZE_MAX / 2)
        return wr_pages_alloc(bytes);
    if (wr_fault(WR_FAULT_ALLOC))
        return NULL;
    size_t kept = whole_pages(bytes);
    char *start = map(kept + HUGE_PAGE);
    if (start == NULL)
        return map(bytes);
    size_t before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
    size_t after = HUGE_PAGE - before;
    if (before != 0)
        munmap(start, before);
    if (after != 0)
        munmap(start + before + kept, after);
    madvise(start + before, kept, MADV_HUGEPAGE); // small pages serve too
    return start + before;
}

void wr_pages_free(void *pages, size_t bytes) {
    if (pages != NULL)
        unmap(pages, bytes);
}

// ---- fork detection --------------------------------------------------------

int wr_forkmark_init(wr_forkmark *mark) {
    *mark = (wr_forkmark){.pid = (uint32_t)getpid()};
    size_t bytes = whole_pages(1);
    if (wr_fault(WR_FAULT_ALLOC))
        return -ENOMEM;
    uint32_t *page = map(bytes);
    if (page == NULL)
        return -ENOMEM;
    if (madvise(page, bytes, MADV_WIPEONFORK) != 0) {
        unmap(page, bytes); // before Linux 4.14: ask for the pid
        return 0;
    }
    *page = 1;
    mark->word = page;
    return 0;
}

void wr_forkmark_fini(wr_forkmark *mark) {
    if (mark->word != NULL)
        unmap((void *)(uintptr_t)mark->word, whole_pages(1));
    *mark = (wr_forkmark){0};
}

bool wr_forkmark_forked(const wr_forkmark *mark) {
    if (mark->word != NULL)
        return *mark->word == 0;
    return (uint32_t)getpid() != mark->pid;
}

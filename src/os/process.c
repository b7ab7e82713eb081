// SPDX-License-Identifier: MIT
// Linux: what worker processes need.
#include "os/os.h"

#include "base/check.h"
#include "base/fault.h"
#include "os/sanitizer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The same number on every architecture; older headers lack some.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

// 32-bit systems with 64-bit time have this one only; without a time limit the
// two are the same.
#ifdef SYS_futex
#define FUTEX_CALL SYS_futex
#else
#define FUTEX_CALL SYS_futex_time64
#endif

enum { ID_PIDFD = 3, NO_FILE = 3 };

// ---- what there is ---------------------------------------------------------

int wr_process_support(void) {
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0)
        return errno == ENOSYS || errno == EPERM ? -ENOSYS : 0;
    int sent = (int)syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0);
    close(fd);
    return sent != 0 ? -ENOSYS : 0;
}

// Thread sanitizer has a thread of its own as soon as there was another.
#ifdef WR_TSAN
enum { HIDDEN_THREADS = 1 };
#else
enum { HIDDEN_THREADS = 0 };
#endif

enum {
    EXITING = 4, // of the flags in stat: the kernel's PF_EXITING
    GONE_WITHIN_NS = 1000000000,
};

// Will this thread of the process run no more? One that was joined is in the
// kernel, on its way out, for a while.
static bool thread_exits(int folder, const char *name) {
    char path[64];
    char text[512];
    snprintf(path, sizeof(path), "%.32s/stat", name);
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    int error = errno;
    close(fd);
    if (size <= 0)
        return size < 0 && error == ESRCH;
    text[size] = '\0';
    // PID (NAME) STATE PPID PGRP SESSION TTY TPGID FLAGS; a name may be
    // anything
    const char *rest = strrchr(text, ')');
    char state = 0;
    unsigned flags = 0;
    if (rest == NULL ||
        sscanf(rest, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
        return false;
    return state == 'Z' || state == 'X' || (flags & EXITING) != 0;
}

// How many do not; -1: nobody can tell.
static int threads_that_stay(void) {
    DIR *folder = opendir("/proc/self/task");
    if (folder == NULL)
        return -1;
    int count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.' &&
            !thread_exits(dirfd(folder), entry->d_name))
            count++;
    closedir(folder);
    return count;
}

bool wr_process_alone(void) {
    int64_t end_ns = wr_now_ns() + GONE_WITHIN_NS;
    for (;;) {
        // A folder has a link for itself, one for its name, one for each
        // folder in it.
        struct stat tasks;
        if (stat("/proc/self/task", &tasks) != 0)
            return true; // nobody can tell
        if (tasks.st_nlink <= 3 + HIDDEN_THREADS)
            return true;
        int count = threads_that_stay();
        if (count >= 0)
            return count <= 1 + HIDDEN_THREADS;
        // Without descriptors: those that go are gone soon.
        if (wr_now_ns() >= end_ns)
            return false;
        struct timespec moment = {.tv_nsec = 1000000};
        nanosleep(&moment, NULL);
    }
}

// ---- becoming one ----------------------------------------------------------

int wr_process_follow(int parent) {
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0, 0, 0) != 0)
        return -ENOSYS;
    // From here on the parent's end is noticed; had it ended before, this
    // process would have another by now.
    return getppid() == parent ? 0 : -ESRCH;
}

static void close_range_slowly(int first, int last) {
    long max = sysconf(_SC_OPEN_MAX);
    if (max < 0 || max > 65536)
        max = 65536;
    for (int fd = first; fd <= last && fd < max; fd++)
        close(fd);
}

static void close_all(int first, int last) {
    if (first > last)
        return;
    if (syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) != 0)
        close_range_slowly(first, last);
}

void wr_process_close_but(const int *keep, size_t count) {
    int from = NO_FILE;
    for (;;) {
        int next = INT32_MAX; // the lowest that is kept from here on
        for (size_t i = 0; i < count; i++)
            if (keep[i] >= from && keep[i] < next)
                next = keep[i];
        close_all(from, next == INT32_MAX ? next : next - 1);
        if (next == INT32_MAX)
            return;
        from = next + 1;
    }
}

// What exit(3) calls first, since it was registered last: what the program had
// registered is the program's, such as the end of its temporary files.
#ifdef __GLIBC__
static void leave(int status, void *argument) {
    (void)argument;
    fflush(NULL);
    _exit(status);
}

static void leave_alone(void) { (void)on_exit(leave, NULL); }
#else
static void leave_alone(void) {}
#endif

void wr_process_begin(const int *ignored, const int *keep, size_t count) {
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); // some cannot be set
    for (; *ignored != 0; ignored++)
        signal(*ignored, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    wr_process_close_but(keep, count);
    leave_alone();
}

void wr_process_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// ---- watching one ----------------------------------------------------------

int wr_high_fd(int fd) {
    if (fd >= NO_FILE)
        return fd;
    int high = wr_fault(WR_FAULT_FD) ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, NO_FILE);
    close(fd);
    return high < 0 ? -EMFILE : high;
}

int wr_process_watch(int pid) {
    if (wr_fault(WR_FAULT_FD))
        return -EMFILE;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0)
        return wr_high_fd(fd);
    return errno == ESRCH || errno == EMFILE || errno == ENFILE ||
                   errno == ENOSYS
               ? -errno
               : -ENOMEM;
}

void wr_process_kill(int watch) {
    (void)syscall(SYS_pidfd_send_signal, watch, SIGKILL, NULL, 0);
}

bool wr_process_reap(int watch, int *signal, int *exit_status) {
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    if (waitid((idtype_t)ID_PIDFD, (id_t)watch, &info, WEXITED | WNOHANG) != 0)
        return false;
    if (info.si_pid == 0)
        return false;
    *signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    *exit_status = info.si_code == CLD_EXITED ? info.si_status : -1;
    return true;
}

// ---- shared memory ---------------------------------------------------------

size_t wr_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *wr_shared_alloc(size_t bytes) {
    if (wr_fault(WR_FAULT_ALLOC))
        return NULL;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    wr_fault_hold(1);
    return memory;
}

void wr_shared_free(void *memory, size_t bytes) {
    if (memory == NULL)
        return;
    wr_assert(munmap(memory, bytes) == 0);
    wr_fault_hold(-1);
}

void wr_shared_clear(void *memory, size_t bytes) {
    if (madvise(memory, bytes, MADV_REMOVE) != 0)
        memset(memory, 0, bytes);
}

void wr_shared_wait(wr_atomic_u32 *word, uint32_t expected) {
    // Woken, interrupted or changed: the caller looks again.
    (void)syscall(FUTEX_CALL, &word->value, FUTEX_WAIT, expected, NULL, NULL,
                  0);
}

void wr_shared_wake(wr_atomic_u32 *word) {
    (void)syscall(FUTEX_CALL, &word->value, FUTEX_WAKE, 1, NULL, NULL, 0);
}

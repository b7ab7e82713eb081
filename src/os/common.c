// SPDX-License-Identifier: MIT
// What is the same in every backend: the clock, the start of a thread.
#include "os/os.h"

#include "base/check.h"
#include "base/fault.h"
#include "os/backend.h"
#include "weir/base.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t wr_now_ns(void) {
    struct timespec now;
    wr_assert(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t weir_now_ns(void) { return wr_now_ns(); }

int64_t wr_ticks(void) {
#if defined(__x86_64__)
    return (int64_t)(__builtin_ia32_rdtsc() >> 1); // of 2 to 4 GHz
#else
    return wr_now_ns();
#endif
}

void wr_entropy(void *bytes, size_t size) {
    // It fails on kernels without getrandom alone.
    wr_assert(getentropy(bytes, size) == 0);
}

void wr_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __asm__ __volatile__("pause" ::: "memory");
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ __volatile__("yield" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

// What a new thread takes over from the one that started it.
typedef struct thread_start {
    void *(*main)(void *);
    void *arg;
    char name[16]; // empty: keep the name of the starter
} thread_start;

static void *thread_enter(void *memory) {
    thread_start start = *(thread_start *)memory;
    wr_free(memory);
    if (start.name[0] != '\0')
        wr_backend_name_self(start.name);
    return start.main(start.arg);
}

// A handler of the host program must never run on a thread of ours. A fault is
// raised on the thread that made it: blocked, it would kill the process
// without asking the handler of a crash reporter or a sanitizer.
static void signals_to_block(sigset_t *set) {
    static const int faults[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                 SIGTRAP, SIGABRT, SIGSYS};
    sigfillset(set);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(set, faults[i]);
}

// Raises `bytes` to what the system takes: its minimum, whole pages.
static size_t stack_bytes(size_t bytes) {
    long page = sysconf(_SC_PAGESIZE);
    long least = sysconf(_SC_THREAD_STACK_MIN);
    size_t unit = page > 0 ? (size_t)page : 4096;
    if (least > 0 && bytes < (size_t)least)
        bytes = (size_t)least;
    if (bytes > SIZE_MAX - unit)
        return bytes; // refused by the system
    return (bytes + unit - 1) / unit * unit;
}

// Returns 0 or a positive errno.
static int thread_attr(pthread_attr_t *attr, const wr_thread_options *options) {
    if (options->stack_size != 0 &&
        pthread_attr_setstacksize(attr, stack_bytes(options->stack_size)) != 0)
        return EAGAIN;
    return options->cpu < 0 ? 0 : wr_backend_pin(attr, options->cpu);
}

static int thread_create(wr_thread *out, const pthread_attr_t *attr,
                         thread_start *start) {
    sigset_t blocked;
    sigset_t before;
    signals_to_block(&blocked);
    wr_assert(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
    int error = wr_fault(WR_FAULT_THREAD)
                    ? EAGAIN
                    : pthread_create(&out->id, attr, thread_enter, start);
    wr_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return error;
}

int wr_thread_start(wr_thread *out, const wr_thread_options *options,
                    void *(*main)(void *), void *arg) {
    if (options->cpu < -1)
        return -EINVAL;
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return -EAGAIN;

    int error = thread_attr(&attr, options);
    thread_start *start = NULL;
    if (error == 0) {
        start = wr_calloc(1, sizeof(*start));
        error = start == NULL ? EAGAIN : 0;
    }
    if (error == 0) {
        start->main = main;
        start->arg = arg;
        if (options->name != NULL)
            memcpy(start->name, options->name,
                   strnlen(options->name, sizeof(start->name) - 1));
        error = thread_create(out, &attr, start);
    }
    if (error == 0)
        wr_fault_hold(1);
    else
        wr_free(start);
    pthread_attr_destroy(&attr);
    // EINVAL can only be about the CPU: the stack was made to fit.
    return error == 0                             ? 0
           : error == EINVAL && options->cpu >= 0 ? -EINVAL
                                                  : -EAGAIN;
}

void wr_thread_join(wr_thread *thread) {
    wr_assert(pthread_join(thread->id, NULL) == 0);
    wr_fault_hold(-1);
}

void wr_thread_yield(void) { sched_yield(); }

void *wr_aligned_alloc(size_t alignment, size_t bytes) {
    wr_assert(alignment != 0 && (alignment & (alignment - 1)) == 0);
    if (alignment < sizeof(void *))
        alignment = sizeof(void *);
    void *memory = NULL;
    if (wr_fault(WR_FAULT_ALLOC) ||
        posix_memalign(&memory, alignment, bytes == 0 ? 1 : bytes) != 0)
        return NULL;
    wr_fault_hold(1);
    return memset(memory, 0, bytes);
}

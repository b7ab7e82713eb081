// SPDX-License-Identifier: MIT
// Which calls fail, and how: for sweep.c and serve.c.
#ifndef WEIR_TESTS_FAULTS_WAYS_H
#define WEIR_TESTS_FAULTS_WAYS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct way {
    const char *kind, *call, *answer;
    int number;      // the errno of `answer`, or 0
    bool is_nothing; // it must go on as if nothing had been
} way;

static const way ways[] = {
    {"memory", "malloc", "", ENOMEM, false},
    {"memory", "calloc", "", ENOMEM, false},
    {"memory", "realloc", "", ENOMEM, false},
    {"memory", "strdup", "", ENOMEM, false},
    {"memory", "strndup", "", ENOMEM, false},
    {"memory", "asprintf", "", ENOMEM, false},
    {"memory", "posix_memalign", "", ENOMEM, false},
    {"memory", "aligned_alloc", "", ENOMEM, false},
    {"memory", "reallocarray", "", ENOMEM, false},
    {"folders", "getline", "", ENOMEM, false},
    {"memory", "mmap", "", ENOMEM, false},
    {"dry", "malloc", "all:", ENOMEM, false},
    {"dry", "calloc", "all:", ENOMEM, false},
    {"dry", "realloc", "all:", ENOMEM, false},
    {"memory", "fdopen", "", ENOMEM, false},
    {"memory", "open_memstream", "", ENOMEM, false},
    {"files", "realpath", "", ENOMEM, false},
    {"threads", "pthread_create", "", EAGAIN, false},
    {"threads", "pthread_create", "all:", EAGAIN, false},
    {"threads", "fork", "", EAGAIN, false},
    {"threads", "eventfd", "", EMFILE, false},
    {"threads", "epoll_create1", "", EMFILE, false},
    {"threads", "epoll_ctl", "", ENOMEM, false},
    {"threads", "timerfd_create", "", EMFILE, false},
    {"threads", "signalfd", "", EMFILE, false},
    {"threads", "socket", "", EMFILE, false},
    {"threads", "pipe2", "", EMFILE, false},
    {"threads", "posix_spawn", "", EAGAIN, false},
    {"net", "setsockopt", "", ENOMEM, false},
    {"net", "bind", "", EADDRINUSE, false},
    {"net", "listen", "", EADDRINUSE, false},
    {"net", "getsockname", "", ENOBUFS, false},
    {"net", "accept4", "", EMFILE, false},
    {"net", "accept4", "", ECONNABORTED, false},
    {"net", "send", "", ECONNRESET, false},
    {"net", "recv", "", ECONNRESET, false},
    {"files", "open", "", EMFILE, false},
    {"files", "open", "", EOPNOTSUPP, false},
    {"files", "fcntl", "", EMFILE, false},
    {"files", "openat", "", EMFILE, false},
    {"files", "fopen", "", EMFILE, false},
    {"files", "read", "", EIO, false},
    {"files", "read", "all:", EIO, false},
    {"files", "pread", "", EIO, false},
    {"files", "fstat", "", EIO, false},
    {"folders", "fstatat", "", EIO, false},
    {"folders", "faccessat", "", EACCES, false},
    {"folders", "opendir", "", EMFILE, false},
    {"folders", "fdopendir", "", EMFILE, false},
    {"folders", "flock", "", ENOLCK, false},
    {"folders", "unlink", "", EACCES, false},
    {"folders", "unlinkat", "", EACCES, false},
    {"files", "stat", "", EACCES, false},
    {"files", "lseek", "", EIO, false},
    {"files", "write", "", ENOSPC, false},
    {"files", "write", "all:", EIO, false},
    {"files", "writev", "", ENOSPC, false},
    {"files", "fflush", "", ENOSPC, false},
    {"files", "fclose", "", ENOSPC, false},
    {"files", "close", "", EIO, false},
    {"files", "fchmod", "", EPERM, false},
    {"files", "linkat", "", EIO, false},
    {"files", "rename", "", EIO, false},
    {"files", "link", "", EIO, false},
    {"files", "mkdir", "", EACCES, false},
    {"files", "ftruncate", "", EIO, false},
    {"again", "read", "", EINTR, true},
    {"again", "read", "short", 0, true},
    {"again", "pread", "", EINTR, true},
    {"again", "pread", "short", 0, true},
    {"again", "write", "", EINTR, true},
    {"again", "write", "short", 0, true},
    {"again", "writev", "", EINTR, true},
    {"again", "writev", "short", 0, true},
    {"again", "poll", "", EINTR, true},
    {"again", "epoll_wait", "", EINTR, true},
    {"again", "recv", "", EINTR, true},
    {"again", "accept4", "", EINTR, true},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

// Whether a list of kinds and calls, divided by commas, has it.
static inline bool way_in(const way *w, const char *list) {
    while (list != NULL && *list != '\0') {
        size_t size = strcspn(list, ",");
        if ((strlen(w->kind) == size && memcmp(w->kind, list, size) == 0) ||
            (strlen(w->call) == size && memcmp(w->call, list, size) == 0))
            return true;
        list += size + (list[size] == ',');
    }
    return false;
}

// What the library is told: the attempt `at` of the call.
static inline void way_text(char *out, size_t size, const way *w,
                            unsigned long at) {
    if (w->number != 0)
        snprintf(out, size, "%s:%lu:%s%d", w->call, at, w->answer, w->number);
    else
        snprintf(out, size, "%s:%lu:%s", w->call, at, w->answer);
}

// The attempt after `at`: every one of the first WEIR_FAULTS_MOST, then ever
// fewer, and soon few if that is a small number.
static inline unsigned long way_next(unsigned long at) {
    const char *text = getenv("WEIR_FAULTS_MOST");
    unsigned long most = text != NULL ? strtoul(text, NULL, 10) : 400;
    return at + 1 + (at < most ? 0 : at / (most < 100 ? 2 : 8));
}

#endif

// SPDX-License-Identifier: MIT
//
// Outputs that appear only when complete.
//
// Linux can write a file that has no name yet (O_TMPFILE) and give it one when
// it is done: then even a kill leaves nothing. Where the file system cannot,
// the file gets a temporary name beside its place, and a handler removes it on
// the signals that ask a program to end.
#include "programs/delta/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEW_FILE_MODE = 0666, MODE_BITS = 07777, NAME_TRIES = 100 };

static const int ending_signals[] = {SIGHUP, SIGINT, SIGTERM};
enum { ENDING_SIGNALS = sizeof(ending_signals) / sizeof(ending_signals[0]) };

// The one temporary name there is, for the handler. Written only while the
// signals are blocked.
static char pending_name[PATH_MAX];
static volatile sig_atomic_t pending;

// ---------------------------------------------------------------------------
// Signals

static void on_signal(int number) {
    if (pending)
        unlink(pending_name);
    // The handler was installed with SA_RESETHAND: now it ends us, visibly.
    raise(number);
}

static void ending_signals_set(sigset_t *set) {
    sigemptyset(set);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        sigaddset(set, ending_signals[i]);
}

// Hands a name to the handler, or takes it back (NULL).
static void pending_set(const char *name) {
    sigset_t blocked, before;
    ending_signals_set(&blocked);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    pending = 0;
    if (name != NULL) {
        strcpy(pending_name, name); // fits: wr_output checked it
        pending = 1;
        struct sigaction action = {.sa_handler = on_signal};
        action.sa_flags = (int)SA_RESETHAND;
        for (size_t i = 0; i < ENDING_SIGNALS; i++) {
            struct sigaction old;
            sigaction(ending_signals[i], NULL, &old);
            if (old.sa_handler != SIG_IGN)
                sigaction(ending_signals[i], &action, NULL);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// ---------------------------------------------------------------------------
// Opening

static wr_status cannot(wr_failure *failure, const char *what,
                        const char *name) {
    return wr_fail(failure, WR_IO_ERROR, "cannot %s %s: %s", what, name,
                   strerror(errno));
}

static wr_status open_direct(wr_output *output, const char *path,
                             wr_failure *failure) {
    output->direct = true;
    output->fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    return output->fd >= 0 ? WR_OK : cannot(failure, "write", path);
}

// A name beside `path` that nobody uses: path, ".weir-", a number.
static char *temporary_name(const char *path, unsigned attempt) {
    char *name;
    int size = asprintf(&name, "%s.weir-%ld-%u", path, (long)getpid(), attempt);
    return size >= 0 ? name : NULL;
}

// The directory a path lies in.
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

// -1 where the file system, or a machine without /proc, could not give the file
// a name later.
static int open_nameless(const char *path) {
    if (access("/proc/self/fd", X_OK) != 0)
        return -1;
    char *directory = directory_of(path);
    if (directory == NULL)
        return -1;
    int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, NEW_FILE_MODE);
    free(directory);
    return fd;
}

static wr_status open_named(wr_output *output, wr_failure *failure) {
    for (unsigned i = 0; i < NAME_TRIES; i++) {
        char *name = temporary_name(output->path, i);
        if (name == NULL)
            return wr_fail_memory(failure, "a file name");
        if (strlen(name) >= sizeof(pending_name)) {
            free(name);
            errno = ENAMETOOLONG;
            break;
        }
        // Known to the handler first: a signal right after open finds it. At
        // worst it removes a name that a dead process of our number left.
        pending_set(name);
        output->fd =
            open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, NEW_FILE_MODE);
        if (output->fd >= 0) {
            output->temporary = name;
            return WR_OK;
        }
        int error = errno;
        pending_set(NULL);
        free(name);
        errno = error;
        if (error != EEXIST)
            break;
    }
    return cannot(failure, "write beside", output->path);
}

// What replaces a file keeps its permissions, and its owner where we may.
static void keep_mode(const wr_output *output, const struct stat *old) {
    struct stat mine;
    if (fstat(output->fd, &mine) != 0)
        return;
    bool same = mine.st_uid == old->st_uid && mine.st_gid == old->st_gid;
    if (!same && fchown(output->fd, old->st_uid, old->st_gid) != 0)
        return; // not ours to give away: then not with its special bits either
    if (fchmod(output->fd, old->st_mode & MODE_BITS) != 0)
        return;
}

wr_status wr_output_open(wr_output *output, const char *path,
                         wr_output_options options, wr_failure *failure) {
    *output = (wr_output){.fd = STDOUT_FILENO, .direct = true};
    output->name = "standard output";
    if (path == NULL || strcmp(path, "-") == 0)
        return WR_OK;

    *output = (wr_output){.fd = -1, .replace = options.force, .name = path};
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (!exists && errno != ENOENT) // else a device might be replaced
        return cannot(failure, "write", path);
    if (exists && !options.force)
        return wr_fail(failure, WR_IO_ERROR,
                       "%s exists; --force would replace it", path);
    if (exists && !S_ISREG(old.st_mode))
        return open_direct(output, path, failure);

    errno = ENOENT;
    if (path[0] != '\0')
        output->path = exists ? realpath(path, NULL) : strdup(path);
    if (output->path == NULL)
        return cannot(failure, "write", path);
    if (!options.named)
        output->fd = open_nameless(output->path);
    if (output->fd < 0 && open_named(output, failure) != WR_OK) {
        wr_output_abandon(output);
        return failure->status;
    }
    if (exists)
        keep_mode(output, &old);
    return WR_OK;
}

// ---------------------------------------------------------------------------
// Writing

wr_status wr_output_writev(wr_output *output, struct iovec *vector,
                           size_t count, wr_failure *failure) {
    while (count > 0) {
        int now = count < IOV_MAX ? (int)count : IOV_MAX;
        ssize_t written = writev(output->fd, vector, now);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return cannot(failure, "write", output->name);
        output->written += (uint64_t)written;
        size_t left = (size_t)written;
        while (count > 0 && left >= vector->iov_len) {
            left -= vector->iov_len;
            vector++;
            count--;
        }
        if (left > 0) {
            vector->iov_base = (char *)vector->iov_base + left;
            vector->iov_len -= left;
        }
    }
    return WR_OK;
}

// ---------------------------------------------------------------------------
// Closing

// Gives the nameless file `name`; fails with EEXIST if that is taken.
static int link_fd(int fd, const char *name) {
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

// A nameless file cannot replace another one: it takes a temporary name first.
static int link_temporary(wr_output *output) {
    for (unsigned i = 0; i < NAME_TRIES; i++) {
        char *name = temporary_name(output->path, i);
        if (name == NULL || strlen(name) >= sizeof(pending_name)) {
            errno = name == NULL ? ENOMEM : ENAMETOOLONG;
            free(name);
            return -1;
        }
        pending_set(name);
        if (link_fd(output->fd, name) == 0) {
            output->temporary = name;
            return 0;
        }
        int error = errno;
        pending_set(NULL);
        free(name);
        errno = error;
        if (error != EEXIST)
            return -1;
    }
    return -1;
}

static int put_in_place(wr_output *output) {
    if (output->temporary == NULL && !output->replace)
        return link_fd(output->fd, output->path);
    if (output->temporary == NULL && link_temporary(output) != 0)
        return -1;
    if (output->replace) {
        if (rename(output->temporary, output->path) != 0)
            return -1;
    } else {
        // Not rename: something may have come to the place meanwhile.
        if (link(output->temporary, output->path) != 0)
            return -1;
        unlink(output->temporary);
    }
    pending_set(NULL);
    free(output->temporary);
    output->temporary = NULL;
    return 0;
}

// What was not written yet may fail only now: closing any descriptor of the
// file tells. The other one is still needed, and tells nothing more.
static int close_copy(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? -1 : close(copy);
}

wr_status wr_output_commit(wr_output *output, wr_failure *failure) {
    bool standard = output->fd == STDOUT_FILENO;
    if ((!standard && close_copy(output->fd) != 0) ||
        (!output->direct && put_in_place(output) != 0)) {
        cannot(failure, "write", output->name);
        wr_output_abandon(output);
        return failure->status;
    }
    if (!standard)
        close(output->fd);
    output->fd = -1;
    free(output->path);
    output->path = NULL;
    return WR_OK;
}

void wr_output_abandon(wr_output *output) {
    if (output->temporary != NULL) {
        unlink(output->temporary);
        pending_set(NULL);
    }
    if (output->fd >= 0 && output->fd != STDOUT_FILENO)
        close(output->fd);
    free(output->temporary);
    free(output->path);
    output->temporary = NULL;
    output->path = NULL;
    output->fd = -1;
}

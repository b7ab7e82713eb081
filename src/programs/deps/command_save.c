// SPDX-License-Identifier: MIT
// Files that are there whole or not at all.
#include "programs/deps/command_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int file, const char *text, size_t size) {
    while (size != 0) {
        ssize_t wrote = write(file, text, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -errno;
        text += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

// A name beside `path` that nobody has. -ENOENT: it is too long.
static int name_beside(const char *path, char *out, size_t room, int attempt) {
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    int size = snprintf(out, room, "%.*s.weir-%ld-%d", folder, path,
                        (long)getpid(), attempt);
    return size > 0 && (size_t)size < room ? 0 : -ENAMETOOLONG;
}

static int folder_of(const char *path, char *out, size_t room) {
    const char *slash = strrchr(path, '/');
    int size =
        snprintf(out, room, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1,
                 slash != NULL ? path : ".");
    return size > 0 && (size_t)size < room ? 0 : -ENAMETOOLONG;
}

// A file without a name leaves nothing behind, even if this is killed; it gets
// one just before it takes the place of what was there.
static int open_nameless(const char *path) {
    char folder[PATH_MAX];
    int error = folder_of(path, folder, sizeof(folder));
    if (error != 0)
        return error;
    int file = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    return file >= 0 ? file : -errno;
}

static int give_name(int file, const char *path, char *name, size_t room) {
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", file);
    for (int i = 0; i < 100; i++) {
        int error = name_beside(path, name, room, i);
        if (error != 0)
            return error;
        if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

static int open_named(const char *path, char *name, size_t room) {
    for (int i = 0; i < 100; i++) {
        int error = name_beside(path, name, room, i);
        if (error != 0)
            return error;
        int file = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        if (file >= 0)
            return file;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

static int replace(const char *path, const char *text, size_t size,
                   const struct stat *old) {
    char name[PATH_MAX];
    bool named = false;
    int file = open_nameless(path);
    if (file < 0) {
        named = true;
        file = open_named(path, name, sizeof(name));
    }
    if (file < 0)
        return file;
    int error = write_all(file, text, size);
    if (error == 0 && old != NULL && fchmod(file, old->st_mode & 07777) != 0)
        error = -errno;
    if (error == 0 && !named) {
        error = give_name(file, path, name, sizeof(name));
        named = error == 0;
    }
    if (close(file) != 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(name, path) != 0)
        error = -errno;
    if (error != 0 && named)
        (void)unlink(name);
    return error;
}

// Devices and pipes are written to, not replaced.
static int write_into(const char *path, const char *text, size_t size) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    int error = write_all(file, text, size);
    if (close(file) != 0 && error == 0)
        error = -errno;
    return error;
}

// Whoever reads may take any time, or never come: a signal ends it.
static int write_out(const char *path, const char *text, size_t size) {
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &signals, &before);
    int error = path != NULL ? write_into(path, text, size)
                             : write_all(STDOUT_FILENO, text, size);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static int save(const char *path, const char *text, size_t size) {
    char real[PATH_MAX];
    struct stat old;
    if (path == NULL)
        return write_out(NULL, text, size);
    if (stat(path, &old) != 0)
        return errno == ENOENT ? replace(path, text, size, NULL) : -errno;
    if (S_ISDIR(old.st_mode))
        return -EISDIR;
    if (!S_ISREG(old.st_mode))
        return write_out(path, text, size);
    // A link stays one.
    if (realpath(path, real) == NULL)
        return -errno;
    return replace(real, text, size, &old);
}

int wr_deps_save(const char *path, const char *text, size_t size, wr_why *why) {
    int error = save(path, text, size);
    if (error == 0)
        return 0;
    char code[16] = "EIO";
    const char *name = strerrorname_np(-error);
    if (name != NULL)
        snprintf(code, sizeof(code), "%s", name);
    return wr_refuse(why, error, code, "cannot write %s: %s",
                     path != NULL ? path : "standard output", strerror(-error));
}

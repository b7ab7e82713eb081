// SPDX-License-Identifier: MIT
#include "programs/save.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct writing {
    int (*write)(void *context, FILE *out);
    void *context;
} writing;

// ---- names -----------------------------------------------------------------

// A name beside `path` that nobody has.
static int name_beside(const char *path, char *out, int attempt) {
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    int size = snprintf(out, PATH_MAX, "%.*s.weir-%ld-%d", folder, path,
                        (long)getpid(), attempt);
    return size > 0 && size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

// A file without a name leaves nothing behind, even if this is killed; it gets
// one just before it takes the place of what was there.
static int open_nameless(const char *path) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int size = snprintf(folder, sizeof(folder), "%.*s",
                        slash != NULL ? (int)(slash - path) + 1 : 1,
                        slash != NULL ? path : ".");
    if (size <= 0 || (size_t)size >= sizeof(folder))
        return -ENAMETOOLONG;
    int file = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    return file >= 0 ? file : -errno;
}

static int open_named(const char *path, char *name) {
    for (int i = 0; i < 100; i++) {
        int error = name_beside(path, name, i);
        if (error != 0)
            return error;
        int file = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST)
            return file >= 0 ? file : -errno;
    }
    return -EEXIST;
}

static int give_name(int file, const char *path, char *name) {
    char self[64];
    snprintf(self, sizeof(self), "/proc/self/fd/%d", file);
    for (int i = 0; i < 100; i++) {
        int error = name_beside(path, name, i);
        if (error != 0)
            return error;
        if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

// ---- writing ---------------------------------------------------------------

static int flushed(FILE *out) {
    errno = 0;
    if (fflush(out) == 0 && !ferror(out))
        return 0;
    return errno != 0 ? -errno : -EIO;
}

static int write_all(FILE *out, const writing *what) {
    int error = what->write(what->context, out);
    return error != 0 ? error : flushed(out);
}

static int replace(const char *path, const struct stat *old,
                   const writing *what) {
    char name[PATH_MAX];
    int file = open_nameless(path);
    bool named = file < 0;
    if (named)
        file = open_named(path, name);
    if (file < 0)
        return file;
    FILE *out = fdopen(file, "w");
    int error = out == NULL ? -errno : write_all(out, what);
    if (error == 0 && old != NULL && fchmod(file, old->st_mode & 07777) != 0)
        error = -errno;
    if (error == 0 && !named) {
        error = give_name(file, path, name);
        named = error == 0;
    }
    if ((out != NULL ? fclose(out) : close(file)) != 0 && error == 0)
        error = -errno;
    if (error == 0 && rename(name, path) != 0)
        error = -errno;
    if (error != 0 && named)
        (void)unlink(name);
    return error;
}

static int write_into(const char *path, const writing *what) {
    int file = path != NULL ? open(path, O_WRONLY | O_CLOEXEC)
                            : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (file < 0)
        return -errno;
    FILE *out = fdopen(file, "w");
    // What stands in a closed standard output's place may be only for reading;
    // write would have said EBADF, fdopen says EINVAL.
    int error =
        out == NULL ? -(errno == EINVAL ? EBADF : errno) : write_all(out, what);
    if ((out != NULL ? fclose(out) : close(file)) != 0 && error == 0)
        error = -errno;
    return error;
}

static int write_through(const char *path, const writing *what) {
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &signals, &before);
    int error = write_into(path, what);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int wr_save(const char *path, int (*write)(void *context, FILE *out),
            void *context) {
    const writing what = {write, context};
    char real[PATH_MAX];
    struct stat old;
    if (path == NULL)
        return write_through(NULL, &what);
    if (stat(path, &old) != 0)
        return errno == ENOENT ? replace(path, NULL, &what) : -errno;
    if (S_ISDIR(old.st_mode))
        return -EISDIR;
    if (!S_ISREG(old.st_mode))
        return write_through(path, &what);
    // A link stays one.
    if (realpath(path, real) == NULL)
        return -errno;
    return replace(real, &old, &what);
}

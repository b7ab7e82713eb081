// SPDX-License-Identifier: MIT
// A system that says no on demand, for a whole program: loaded before libc
// (LD_PRELOAD), it stands between weir and the calls below. Only calls that
// come from weir itself count; its libraries are left alone.
//
//   WEIR_SYSTEM_FAULT=<call>:<number>:<answer>
//     the attempt of that number (from 0) answers so: an errno by number, or
//     `short` (one byte only), or `all:<errno>` (it and all after it fail).
//     With <call> `disk`: no file grows beyond <number> bytes.
//   WEIR_SYSTEM_NAMED=1         a file system that knows no nameless files
//   WEIR_SYSTEM_SEEN=<file>     how many attempts of that call came, at exit,
//     and how many descriptors were open then
//   WEIR_FAULTS_LOG=<file>      where each failure happened, see fault_log.c
#include "base/atomic.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SHORT = -1, RANGES = 8, DEPTH = 16, FDS = 1024 };

typedef struct range {
    uintptr_t base, from, to;
    char name[256];
} range;

static range ranges[RANGES];
static int ranges_count;
static char fault_call[32]; // empty: none
static unsigned long fault_number;
static int fault_answer;
static bool fault_all;
static wr_atomic_u64 seen;
static const char *seen_path, *log_path;
static bool no_nameless;
static pid_t self; // what a child attempts is not counted

// ---- who calls -------------------------------------------------------------

static int add_range(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    bool program = info->dlpi_name[0] == 0;
    if (!program && strstr(info->dlpi_name, "/libweir") == NULL)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0 ||
            ranges_count == RANGES)
            continue;
        range *r = &ranges[ranges_count++];
        r->base = info->dlpi_addr;
        r->from = info->dlpi_addr + part->p_vaddr;
        r->to = r->from + part->p_memsz;
        snprintf(r->name, sizeof(r->name), "%s", info->dlpi_name);
    }
    return 0;
}

static const range *range_of(const void *caller) {
    for (int i = 0; i < ranges_count; i++)
        if ((uintptr_t)caller >= ranges[i].from &&
            (uintptr_t)caller < ranges[i].to)
            return &ranges[i];
    return NULL;
}

static void note(const range *r) {
    char line[PATH_MAX + 512], program[PATH_MAX];
    void *frames[DEPTH];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length < 0 ? 0 : length] = 0;
    int size = snprintf(line, sizeof(line), "%s\n%s",
                        r->name[0] != 0 ? r->name : program, fault_call);
    int found = backtrace(frames, DEPTH);
    for (int i = 1; i < found; i++)
        if (range_of(frames[i]) == r)
            size += snprintf(line + size, sizeof(line) - (size_t)size, " %#zx",
                             (size_t)((uintptr_t)frames[i] - r->base - 1));
    line[size++] = '\n';
    int file = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    (void)!write(file, line, (size_t)size);
    close(file);
}

// answer is 0 where the call goes through, else what it says instead.
static int answer(const char *call, const void *caller) {
    if (strcmp(call, fault_call) != 0)
        return 0;
    const range *r = range_of(caller);
    if (r == NULL || getpid() != self)
        return 0;
    uint64_t number = wr_fetch_add(&seen, 1, relaxed, ALONE,
                                   "each attempt gets a number of its own");
    if (number != fault_number && !(fault_all && number > fault_number))
        return 0;
    if (log_path != NULL)
        note(r);
    return fault_answer;
}

#define ANSWER(call) answer(call, __builtin_return_address(0))

// ---- when ------------------------------------------------------------------

static void limit_disk(unsigned long bytes) {
    struct rlimit limit = {bytes, bytes};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
}

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("WEIR_SYSTEM_FAULT");
    char what[32] = "";
    self = getpid();
    seen_path = getenv("WEIR_SYSTEM_SEEN");
    no_nameless = getenv("WEIR_SYSTEM_NAMED") != NULL;
    log_path = getenv("WEIR_FAULTS_LOG");
    void *first[1];
    (void)backtrace(first, 1); // the first loads what it needs
    dl_iterate_phdr(add_range, NULL);
    if (text == NULL ||
        sscanf(text, "%31[^:]:%lu:%31s", fault_call, &fault_number, what) < 2)
        return;
    if (strcmp(fault_call, "disk") == 0) {
        limit_disk(fault_number);
        return;
    }
    fault_all = strncmp(what, "all:", 4) == 0;
    fault_answer =
        strcmp(what, "short") == 0 ? SHORT : atoi(what + (fault_all ? 4 : 0));
}

__attribute__((destructor)) static void end(void) {
    if (seen_path == NULL || getpid() != self)
        return;
    fault_call[0] = 0;
    int still_open = 0;
    for (int fd = 0; fd < FDS; fd++)
        still_open += fcntl(fd, F_GETFD) >= 0;
    char line[64];
    int size = snprintf(
        line, sizeof(line), "%lu %d\n",
        (unsigned long)wr_load(&seen, relaxed, ALONE, "a count at the end"),
        still_open);
    int file = open(seen_path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file >= 0) {
        (void)!write(file, line, (size_t)size);
        close(file);
    }
}

// ---- the calls -------------------------------------------------------------

// REAL is libc's own, looked up once.
#define REAL(name) ((__typeof__(&name))real(&real_##name, #name))

typedef void any_function(void);

static any_function *real(wr_atomic_ptr *slot, const char *name) {
    any_function *function;
    void *found = wr_load(slot, relaxed, ALONE, "whoever looked, found this");
    if (found == NULL) {
        found = dlsym(RTLD_NEXT, name);
        wr_store(slot, found, relaxed, ALONE, "all find the same");
    }
    memcpy(&function, &found, sizeof(function));
    return function;
}

#define NO(failed)                                                             \
    do {                                                                       \
        int no = ANSWER(__func__);                                             \
        if (no != 0) {                                                         \
            errno = no;                                                        \
            return (failed);                                                   \
        }                                                                      \
    } while (0)

// CALL(type, name, failed, parameters, arguments)
#define CALL(type, name, failed, parameters, arguments)                        \
    static wr_atomic_ptr real_##name;                                          \
    type name parameters {                                                     \
        NO(failed);                                                            \
        return REAL(name) arguments;                                           \
    }

CALL(void *, malloc, NULL, (size_t size), (size))
CALL(void *, calloc, NULL, (size_t count, size_t size), (count, size))
CALL(void *, realloc, NULL, (void *at, size_t size), (at, size))
CALL(char *, strdup, NULL, (const char *text), (text))
CALL(char *, strndup, NULL, (const char *text, size_t size), (text, size))
CALL(char *, realpath, NULL, (const char *restrict path, char *restrict out),
     (path, out))
CALL(void *, mmap, MAP_FAILED,
     (void *at, size_t size, int how, int flags, int fd, off_t from),
     (at, size, how, flags, fd, from))
CALL(int, close, (REAL(close)(fd), -1), (int fd), (fd))
CALL(int, fstat, -1, (int fd, struct stat *out), (fd, out))
CALL(int, stat, -1, (const char *restrict path, struct stat *restrict out),
     (path, out))
CALL(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
CALL(off_t, lseek, -1, (int fd, off_t at, int from), (fd, at, from))
CALL(int, linkat, -1,
     (int from, const char *old, int to, const char *new, int flags),
     (from, old, to, new, flags))
CALL(int, link, -1, (const char *old, const char *new), (old, new))
CALL(int, rename, -1, (const char *old, const char *new), (old, new))
CALL(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
CALL(int, ftruncate, -1, (int fd, off_t size), (fd, size))
CALL(void *, aligned_alloc, NULL, (size_t at, size_t size), (at, size))
CALL(void *, reallocarray, NULL, (void *at, size_t count, size_t size),
     (at, count, size))
CALL(int, fstatat, -1,
     (int folder, const char *restrict path, struct stat *restrict out,
      int flags),
     (folder, path, out, flags))
CALL(int, faccessat, -1, (int folder, const char *path, int how, int flags),
     (folder, path, how, flags))
CALL(DIR *, opendir, NULL, (const char *path), (path))
CALL(DIR *, fdopendir, NULL, (int fd), (fd))
CALL(int, flock, -1, (int fd, int how), (fd, how))
CALL(int, unlink, -1, (const char *path), (path))
CALL(int, unlinkat, -1, (int folder, const char *path, int flags),
     (folder, path, flags))
CALL(FILE *, fdopen, NULL, (int fd, const char *how), (fd, how))
CALL(FILE *, fopen, NULL, (const char *restrict path, const char *restrict how),
     (path, how))
CALL(FILE *, open_memstream, NULL, (char **out, size_t *size), (out, size))
CALL(int, fclose, (REAL(fclose)(file), EOF), (FILE * file), (file))
CALL(int, eventfd, -1, (unsigned first, int flags), (first, flags))
CALL(int, epoll_create1, -1, (int flags), (flags))
CALL(int, epoll_ctl, -1, (int epoll, int what, int fd, struct epoll_event *how),
     (epoll, what, fd, how))
CALL(int, timerfd_create, -1, (int clock, int flags), (clock, flags))
CALL(int, signalfd, -1, (int fd, const sigset_t *set, int flags),
     (fd, set, flags))
CALL(int, socket, -1, (int domain, int type, int protocol),
     (domain, type, protocol))
CALL(int, pipe2, -1, (int ends[2], int flags), (ends, flags))
CALL(int, setsockopt, -1,
     (int fd, int level, int what, const void *value, socklen_t size),
     (fd, level, what, value, size))
CALL(int, bind, -1, (int fd, __CONST_SOCKADDR_ARG to, socklen_t size),
     (fd, to, size))
CALL(int, listen, -1, (int fd, int most), (fd, most))
CALL(int, getsockname, -1,
     (int fd, __SOCKADDR_ARG out, socklen_t *restrict size), (fd, out, size))
CALL(int, accept4, -1,
     (int fd, __SOCKADDR_ARG out, socklen_t *restrict size, int flags),
     (fd, out, size, flags))
CALL(ssize_t, send, -1, (int fd, const void *data, size_t size, int flags),
     (fd, data, size, flags))
CALL(ssize_t, recv, -1, (int fd, void *data, size_t size, int flags),
     (fd, data, size, flags))
CALL(int, poll, -1, (struct pollfd * fds, nfds_t count, int ms),
     (fds, count, ms))
CALL(int, epoll_wait, -1,
     (int epoll, struct epoll_event *out, int most, int ms),
     (epoll, out, most, ms))
CALL(pid_t, fork, -1, (void), ())

static wr_atomic_ptr real_read, real_pread, real_write;

// Counters and the like (eventfd, timerfd) may be interrupted, no more.
static bool may_fail(int fd) {
    struct stat about;
    return fault_answer == EINTR ||
           (REAL(fstat)(fd, &about) == 0 && (about.st_mode & S_IFMT) != 0);
}

#define SOME(name, ...)                                                        \
    int no = may_fail(fd) ? ANSWER(#name) : 0;                                 \
    if (no > 0) {                                                              \
        errno = no;                                                            \
        return -1;                                                             \
    }                                                                          \
    if (no == SHORT && size > 1)                                               \
        size = 1;                                                              \
    return REAL(name)(__VA_ARGS__)

ssize_t read(int fd, void *to, size_t size) { SOME(read, fd, to, size); }

ssize_t pread(int fd, void *to, size_t size, off_t at) {
    SOME(pread, fd, to, size, at);
}

ssize_t write(int fd, const void *from, size_t size) {
    SOME(write, fd, from, size);
}

static wr_atomic_ptr real_open, real_openat, real___getdelim;

// What getline is.
ssize_t __getdelim(char **line, size_t *size, int end, FILE *file) {
    int no = ANSWER("getline");
    if (no != 0) {
        errno = no;
        return -1;
    }
    return REAL(__getdelim)(line, size, end, file);
}

int open(const char *path, int flags, ...) {
    if ((flags & O_TMPFILE) == O_TMPFILE && no_nameless) {
        errno = EOPNOTSUPP;
        return -1;
    }
    NO(-1);
    va_list more;
    va_start(more, flags);
    mode_t mode =
        (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return REAL(open)(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    NO(-1);
    va_list more;
    va_start(more, flags);
    mode_t mode =
        (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return REAL(openat)(folder, path, flags, mode);
}

static wr_atomic_ptr real_writev, real_fcntl, real_vasprintf, real_fflush;

// A stream in memory has no disk.
int fflush(FILE *file) {
    if (file != NULL && fileno(file) >= 0)
        NO(EOF);
    return REAL(fflush)(file);
}

ssize_t writev(int fd, const struct iovec *from, int count) {
    int no = ANSWER("writev");
    if (no > 0) {
        errno = no;
        return -1;
    }
    struct iovec less = from[0];
    if (no == SHORT && less.iov_len > 1)
        less.iov_len = 1;
    return no == SHORT ? REAL(writev)(fd, &less, 1)
                       : REAL(writev)(fd, from, count);
}

int fcntl(int fd, int what, ...) {
    NO(-1);
    va_list more;
    va_start(more, what);
    void *with = va_arg(more, void *);
    va_end(more);
    return REAL(fcntl)(fd, what, with);
}

int asprintf(char **restrict out, const char *restrict format, ...) {
    NO(-1);
    va_list more;
    va_start(more, format);
    int size = REAL(vasprintf)(out, format, more);
    va_end(more);
    return size;
}

// These answer with the number itself.
static wr_atomic_ptr real_posix_memalign, real_pthread_create;
static wr_atomic_ptr real_posix_spawn;

int posix_spawn(pid_t *restrict out, const char *restrict path,
                const posix_spawn_file_actions_t *restrict files,
                const posix_spawnattr_t *restrict how,
                char *const argv[restrict], char *const envp[restrict]) {
    int no = ANSWER("posix_spawn");
    return no != 0 ? no : REAL(posix_spawn)(out, path, files, how, argv, envp);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    int no = ANSWER("posix_memalign");
    return no != 0 ? no : REAL(posix_memalign)(out, alignment, size);
}

int pthread_create(pthread_t *restrict out, const pthread_attr_t *restrict how,
                   void *(*main)(void *), void *restrict arg) {
    int no = ANSWER("pthread_create");
    return no != 0 ? no : REAL(pthread_create)(out, how, main, arg);
}

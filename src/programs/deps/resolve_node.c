// SPDX-License-Identifier: MIT
// Which node this is: asked once, when the first document wants to know. What a
// program said is remembered by its path, size and time, so that it costs
// nothing the next time.
#include "programs/deps/resolve_parts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASK_MS = 10000, PATH_BYTES = 4096 };

// A smaller one may be a script or a shim that asks the folder which node to
// be; that is not remembered.
static const off_t whole_node = (off_t)16 << 20;

// The first node in PATH.
static bool find_node(const char *path, char *out, struct stat *about) {
    while (path != NULL && *path != '\0') {
        const char *end = strchrnul(path, ':');
        int size =
            snprintf(out, PATH_BYTES, "%.*s/node", (int)(end - path), path);
        if (end != path && size > 0 && size < PATH_BYTES &&
            access(out, X_OK) == 0 && stat(out, about) == 0 &&
            S_ISREG(about->st_mode))
            return true;
        path = *end != '\0' ? end + 1 : end;
    }
    return false;
}

// ---- what is remembered ----------------------------------------------------

static int label(char *out, size_t room, const char *node,
                 const struct stat *about) {
    return snprintf(out, room, "%s\n%" PRId64 " %" PRId64 ".%09ld\n", node,
                    (int64_t)about->st_size, (int64_t)about->st_mtim.tv_sec,
                    about->st_mtim.tv_nsec);
}

static bool recall(const char *memo, const char *head, size_t size, char *out,
                   size_t room) {
    char name[PATH_BYTES], text[PATH_BYTES + 256];
    if (memo == NULL ||
        snprintf(name, sizeof(name), "%s/node", memo) >= (int)sizeof(name))
        return false;
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t got = read(file, text, sizeof(text) - 1);
    close(file);
    if (got <= (ssize_t)size || memcmp(text, head, size) != 0)
        return false;
    text[got] = '\0';
    // A line that was cut short is none.
    char *end = strchr(text + size, '\n');
    if (end == NULL || (size_t)(end - text) - size >= room)
        return false;
    *end = '\0';
    strcpy(out, text + size);
    return true;
}

static void remember(const char *memo, const char *head, const char *version) {
    char name[PATH_BYTES], other[PATH_BYTES + 32], text[PATH_BYTES + 256];
    if (memo == NULL ||
        snprintf(name, sizeof(name), "%s/node", memo) >= (int)sizeof(name))
        return;
    snprintf(other, sizeof(other), "%s.%ld", name, (long)getpid());
    int size = snprintf(text, sizeof(text), "%s%s\n", head, version);
    int file = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        return;
    bool good = write(file, text, (size_t)size) == size;
    if (close(file) != 0 || !good || rename(other, name) != 0)
        (void)unlink(other);
}

// ---- asking ----------------------------------------------------------------

// Reads a line, for at most ten seconds.
static bool read_line(int from, char *out, size_t room) {
    size_t size = 0;
    int64_t end = weir_now_ns() + ASK_MS * INT64_C(1000000);
    for (;;) {
        int64_t left = (end - weir_now_ns()) / 1000000;
        struct pollfd look = {.fd = from, .events = POLLIN};
        if (left <= 0 || size + 1 >= room || poll(&look, 1, (int)left) < 0)
            return false;
        ssize_t got = read(from, out + size, room - 1 - size);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    while (size != 0 && (out[size - 1] == '\n' || out[size - 1] == '\r'))
        size--;
    out[size] = '\0';
    return true;
}

static bool ask(const char *node, char *out, size_t room) {
    extern char **environ;
    char *arguments[] = {(char *)(uintptr_t)node, (char[]){"--version"}, NULL};
    int ends[2];
    pid_t child;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int error =
        posix_spawn(&child, node, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    bool good = error == 0 && read_line(ends[0], out, room);
    close(ends[0]);
    if (error != 0)
        return false;
    int status = 0;
    if (!good)
        (void)kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int find_out(weir_worker *self, weir_job *job) {
    wr_resolve *resolve = wr_container_of(job, wr_resolve, node_job);
    const wr_resolve_options *options = &resolve->options;
    char node[PATH_BYTES], head[PATH_BYTES + 64];
    char *text = resolve->node_text;
    size_t room = sizeof(resolve->node_text);
    struct stat about;
    if (!find_node(options->path, node, &about))
        return 0;
    int size = label(head, sizeof(head), node, &about);
    bool good = size > 0 && size < (int)sizeof(head) &&
                recall(options->memo, head, (size_t)size, text, room);
    if (!good) {
        bool lent = weir_blocking_begin(self) == 0;
        good = ask(node, text, room);
        if (lent)
            weir_blocking_end(self);
        if (good && about.st_size >= whole_node)
            remember(options->memo, head, text);
    }
    resolve->pick.has_node = good && wr_semver_parse(&resolve->pick.node, text,
                                                     strlen(text), true) == 0;
    return 0;
}

static void found_out(weir_job *job, int status) {
    wr_resolve *resolve = wr_container_of(job, wr_resolve, node_job);
    (void)status; // without it engines are not looked at
    wr_store(&resolve->node_known, 1, release, NODE_1,
             "what find_out wrote may be read");
    (void)weir_event_fire(&resolve->node_event, 0);
}

bool wr_resolve_node_known(wr_resolve *resolve, weir_job *job, int *error) {
    *error = 0;
    if (wr_load(&resolve->node_known, acquire, NODE_1,
                "then what find_out wrote may be read") != 0)
        return true;
    wr_mutex_lock(&resolve->lock);
    bool first = resolve->node_state == WR_NODE_UNASKED;
    if (first)
        resolve->node_state = WR_NODE_ASKED;
    wr_mutex_unlock(&resolve->lock);
    if (first) {
        resolve->node_job = (weir_job)WEIR_JOB_INIT(find_out, found_out);
        resolve->node_job.name = "node --version";
        *error = weir_submit(resolve->options.pool, &resolve->node_job);
        if (*error != 0)
            return false;
    }
    *error = weir_event_attach(&resolve->node_event, NULL, job);
    return false;
}

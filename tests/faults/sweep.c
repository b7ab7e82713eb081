// SPDX-License-Identifier: MIT
// Runs a command of weir again and again, each time with another call of the
// system failing (system.c), and checks what a failure may leave: the file of
// before or the whole new one, nothing beside it, one line that says why, a
// status that is documented; never a signal, a hang or a part of a file.
//
// usage: sweep SYSTEM_SO OUTPUT WANTED STATUSES CALLS COMMAND...
//   OUTPUT    what the command makes, in a folder of its own, or - (none)
//   WANTED    what it must be if the command says 0, or - (not compared)
//   STATUSES  what it may say else: 1,100,102
//   CALLS     which calls: classes of the table below, e.g. memory,files;
//             disk: it is full; whole: what fails may leave the whole new file;
//             lines: it may say why in several
// WEIR_SWEEP_FRESH=FOLDER  is gone before each run
#include "ways.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 30, SAID_MAX = 8192 };

typedef struct sweep {
    const char *system, *output, *wanted, *statuses, *calls;
    char **command;
    char folder[PATH_MAX], seen[PATH_MAX], said[SAID_MAX];
    bool exists; // the output did, before: its bytes are `old`
    char *old, *wanted_bytes;
    size_t old_size, wanted_size;
    unsigned long runs, failed, places;
} sweep;

static void fail(const sweep *s, const char *fault, const char *what) {
    printf("%s: %s\n%s", fault, what, s->said);
    exit(1);
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *bytes = NULL;
    *size = 0;
    for (size_t got = 1; got > 0; *size += got) {
        bytes = realloc(bytes, *size + 65536);
        if (bytes == NULL)
            abort();
        got = fread(bytes + *size, 1, 65536, file);
    }
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

// ---- one run ---------------------------------------------------------------

static int remove_one(const char *path, const struct stat *about, int kind,
                      struct FTW *where) {
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static void begin_again(sweep *s) {
    const char *fresh = getenv("WEIR_SWEEP_FRESH");
    if (fresh != NULL && access(fresh, F_OK) == 0 &&
        nftw(fresh, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        perror(fresh);
        exit(1);
    }
    if (strcmp(s->output, "-") == 0)
        return;
    if (s->exists)
        write_file(s->output, s->old, s->old_size);
    else
        unlink(s->output);
}

static void in_child(const sweep *s, const char *fault, int said) {
    alarm(SECONDS_MAX); // a hang ends by its signal
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0)
        _exit(126);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    close(said);
    close(nothing);
    setenv("LD_PRELOAD", s->system, 1);
    setenv("WEIR_SYSTEM_FAULT", fault, 1);
    setenv("WEIR_SYSTEM_SEEN", s->seen, 1);
    execvp(s->command[0], s->command);
    _exit(127);
}

static bool is_allowed(const sweep *s, int status) {
    for (const char *at = s->statuses; at != NULL && *at != 0;) {
        if (atoi(at) == status)
            return true;
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
    return false;
}

static void check_line(const sweep *s, const char *fault) {
    size_t lines = 0;
    bool all = strncmp(s->said, "weir", 4) == 0;
    for (const char *at = s->said; *at != 0; at++) {
        lines += *at == '\n';
        // What a line goes on with is indented.
        if (*at == '\n' && at[1] != 0)
            all = all && (at[1] == ' ' || strncmp(at + 1, "weir", 4) == 0);
    }
    if (!all || lines == 0 || (lines > 1 && strstr(s->calls, "lines") == NULL))
        fail(s, fault, "not one line of weir's");
}

static bool same(const sweep *s, const char *bytes, size_t size) {
    size_t got = 0;
    char *found = read_file(s->output, &got);
    bool is_same = found != NULL && got == size &&
                   (size == 0 || memcmp(found, bytes, size) == 0);
    free(found);
    return is_same;
}

static void check_files(const sweep *s, const char *fault, int status) {
    if (strcmp(s->output, "-") == 0)
        return;
    bool is_there = access(s->output, F_OK) == 0;
    if (status == 0 && s->wanted_bytes != NULL &&
        !same(s, s->wanted_bytes, s->wanted_size))
        fail(s, fault, "status 0, and its output is another");
    if (status == 0 && !is_there)
        fail(s, fault, "status 0 and no output");
    // What fails after it was written need not take it back.
    bool is_whole = strstr(s->calls, "whole") != NULL && is_there &&
                    same(s, s->wanted_bytes, s->wanted_size);
    if (status != 0 && is_there != s->exists && !is_whole)
        fail(s, fault, s->exists ? "the old file is gone" : "left its output");
    if (status != 0 && s->exists && !is_whole && !same(s, s->old, s->old_size))
        fail(s, fault, "the old file has changed");
    DIR *folder = opendir(s->folder);
    int count = 0;
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;)
        count += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    if (folder != NULL)
        closedir(folder);
    if (count != is_there)
        fail(s, fault, "something is left beside the output");
}

// Returns how many attempts the run made of the call.
static unsigned long run(sweep *s, const char *fault, bool is_nothing) {
    begin_again(s);
    unlink(s->seen);
    fflush(stdout);
    int ends[2]; // not a file: that could be full too
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    pid_t child = fork();
    if (child == 0)
        in_child(s, fault, ends[1]);
    close(ends[1]);
    size_t said = 0;
    for (ssize_t got = 1; got > 0 && said < SAID_MAX - 1; said += (size_t)got) {
        got = read(ends[0], s->said + said, SAID_MAX - 1 - said);
        if (got < 0)
            abort();
    }
    s->said[said] = 0;
    close(ends[0]);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    s->runs++;
    if (WIFSIGNALED(status))
        fail(s, fault, WTERMSIG(status) == SIGALRM ? "hangs" : "a signal");
    status = WEXITSTATUS(status);
    if (status != 0 && is_nothing)
        fail(s, fault, "it should have gone on");
    if (status != 0 && !is_allowed(s, status)) {
        printf("status %d\n", status);
        fail(s, fault, "a status that is not documented");
    }
    if (status != 0)
        check_line(s, fault);
    s->failed += status != 0;
    check_files(s, fault, status);
    size_t size = 0;
    char *seen = read_file(s->seen, &size);
    unsigned long count = seen != NULL ? strtoul(seen, NULL, 10) : 0;
    free(seen);
    return count;
}

// ---- all of them -----------------------------------------------------------

static void sweep_way(sweep *s, const way *w) {
    for (unsigned long at = 0;; at = way_next(at)) {
        char fault[64];
        way_text(fault, sizeof(fault), w, at);
        if (run(s, fault, w->is_nothing) <= at)
            return;
        s->places++;
    }
}

// The disk is full after so many bytes.
static void sweep_disk(sweep *s) {
    for (size_t at = 0; at < s->wanted_size;
         at += at < 16 ? 1 : (s->wanted_size - at) / 8 + 1) {
        char fault[64];
        snprintf(fault, sizeof(fault), "disk:%zu", at);
        unsigned long failed = s->failed;
        run(s, fault, false);
        if (s->failed == failed)
            fail(s, fault, "more was written than there is room for");
    }
}

static void prepare(sweep *s) {
    if (strcmp(s->output, "-") != 0) {
        s->old = read_file(s->output, &s->old_size);
        s->exists = s->old != NULL;
        snprintf(s->folder, sizeof(s->folder), "%s", s->output);
        char *slash = strrchr(s->folder, '/');
        snprintf(slash != NULL ? slash : s->folder, 2, "%s",
                 slash == s->folder ? "/"
                 : slash != NULL    ? ""
                                    : ".");
    }
    if (strcmp(s->wanted, "-") != 0) {
        s->wanted_bytes = read_file(s->wanted, &s->wanted_size);
        if (s->wanted_bytes == NULL)
            perror(s->wanted), exit(1);
    }
    const char *temporary = getenv("TMPDIR");
    if (temporary == NULL)
        temporary = "/tmp";
    snprintf(s->seen, sizeof(s->seen), "%.4000s/weir-seen-%ld", temporary,
             (long)getpid());
}

int main(int argc, char **argv) {
    if (argc < 7)
        return 2;
    sweep s = {.system = argv[1],
               .output = argv[2],
               .wanted = argv[3],
               .statuses = argv[4],
               .calls = argv[5],
               .command = argv + 6};
    prepare(&s);
    run(&s, "none:0:0", true);
    for (size_t i = 0; i < WAYS; i++)
        if (way_in(&ways[i], s.calls))
            sweep_way(&s, &ways[i]);
    if (strstr(s.calls, "disk") != NULL)
        sweep_disk(&s);
    begin_again(&s);
    unlink(s.seen);
    printf("%lu runs, %lu calls failed, %lu runs said no\n", s.runs, s.places,
           s.failed);
    if (s.failed == 0) {
        puts("no run has failed: this tests nothing");
        return 1;
    }
    return 0;
}

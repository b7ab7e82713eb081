// SPDX-License-Identifier: MIT
// With WEIR_FAULTS_LOG=<file> set, each attempt that a test makes fail is noted
// there: the program, then a line with the kind and where in it the call stands
// and from where that was called. tests/faults.sh reads it. Part of every test
// program of a build with faults.
#include "base/fault.h"

#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const char __executable_start[], etext[]; // the linker's

enum { DEPTH = 16, KNOWN = 512 };

static const char *path;

// Most of what a sweep makes fail has failed at that place before.
static _Thread_local uint64_t known[KNOWN];

static int is_new(const uintptr_t *at, int count) {
    uint64_t hash = 1;
    for (int i = 0; i < count; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t *slot = &known[hash >> 55];
    int new = *slot != hash;
    *slot = hash;
    return new;
}

// A descriptor kept open would be closed by children that begin anew.
static void note(const char *text, size_t size) {
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    (void)!write(file, text, size);
    close(file);
}

static void told(wr_fault_kind kind) {
    void *frames[DEPTH];
    uintptr_t at[DEPTH];
    int count = 0, found = backtrace(frames, DEPTH);
    for (int i = 1; i < found; i++) {
        const char *frame = frames[i];
        if (frame >= __executable_start && frame < etext)
            at[count++] = (uintptr_t)(frame - __executable_start);
    }
    if (!is_new(at, count))
        return;
    char line[DEPTH * 20];
    int size = snprintf(line, sizeof(line), "%d", (int)kind);
    for (int i = 0; i < count; i++)
        size += snprintf(line + size, sizeof(line) - (size_t)size, " %#zx",
                         (size_t)at[i] - 1);
    line[size++] = '\n';
    note(line, (size_t)size);
}

__attribute__((constructor)) static void begin(void) {
    path = getenv("WEIR_FAULTS_LOG");
    if (path == NULL || path[0] == 0)
        return;
    char line[PATH_MAX + 2];
    ssize_t size = readlink("/proc/self/exe", line, PATH_MAX);
    if (size <= 0)
        return;
    line[size] = '\n';
    void *first[1];
    (void)backtrace(first, 1); // the first loads what it needs
    note(line, (size_t)size + 1);
    wr_fault_tell(told);
}

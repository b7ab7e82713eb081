// SPDX-License-Identifier: MIT
// Where there are no worker processes. POSIX has no signal at a parent's death,
// and nothing that poll(2) could wait for in a process that is not a child.
#include "os/os.h"

#include <errno.h>

int wr_process_support(void) { return -ENOSYS; }

bool wr_process_alone(void) { return true; }

int wr_process_follow(int parent) {
    (void)parent;
    return -ENOSYS;
}

void wr_process_begin(const int *ignored, const int *keep, size_t count) {
    (void)ignored;
    (void)keep;
    (void)count;
}

void wr_process_close_but(const int *keep, size_t count) {
    (void)keep;
    (void)count;
}

void wr_process_name(const char *name) { (void)name; }

int wr_process_watch(int pid) {
    (void)pid;
    return -ENOSYS;
}

void wr_process_kill(int watch) { (void)watch; }

bool wr_process_reap(int watch, int *signal, int *exit_status) {
    (void)watch;
    *signal = 0;
    *exit_status = -1;
    return false;
}

int wr_high_fd(int fd) { return fd; }

// SPDX-License-Identifier: MIT
// Runs a command and says what it cost, as one line:
//
//   wall user system peak-KiB other
//
// The first three in seconds; `other` is the processor time in seconds that
// everybody else on this machine (and under it: steal) took meanwhile, so that
// a disturbed run can be told from a quiet one. Threads and waited-for children
// of the command are counted with it.
//
//   bench_timerun [-m] [-a FILE] COMMAND [ARGUMENT]...
//
// -m: behind these, minor and major page faults, voluntary and involuntary
// switches.
// The line goes to standard error, or with -a to the end of FILE. Ends with
// the command's status; 128 + signal if one killed it, 127 if it did not start.
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double of_timeval(struct timeval value) {
    return (double)value.tv_sec + (double)value.tv_usec / 1e6;
}

// Processor seconds that all processors together were not idle since boot, or
// 0 where nobody knows.
static double busy_s(void) {
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL)
        return 0;
    unsigned long long t[8];
    int count = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
                       &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
    fclose(file);
    if (count != 8)
        return 0;
    // User, nice, system, (idle, waiting for a disk,) interrupts, steal.
    unsigned long long busy = t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
    return (double)busy / (double)sysconf(_SC_CLK_TCK);
}

static int start(pid_t *child, char **command) {
    posix_spawnattr_t attributes;
    sigset_t fatal;
    sigemptyset(&fatal);
    sigaddset(&fatal, SIGINT);
    sigaddset(&fatal, SIGQUIT);
    int error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        posix_spawnattr_setsigdefault(&attributes, &fatal);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        error = posix_spawnp(child, command[0], NULL, &attributes, command,
                             environ);
        posix_spawnattr_destroy(&attributes);
    }
    return error;
}

int main(int argc, char **argv) {
    FILE *out = stderr;
    int first = 1;
    bool more = argc > 1 && strcmp(argv[1], "-m") == 0;
    first += more;
    if (argc > first + 1 && strcmp(argv[first], "-a") == 0) {
        out = fopen(argv[first + 1], "a");
        if (out == NULL) {
            fprintf(stderr, "bench_timerun: %s: %s\n", argv[first + 1],
                    strerror(errno));
            return 127;
        }
        first += 2;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: bench_timerun [-m] [-a FILE] COMMAND...\n");
        return 127;
    }
    // The terminal's interrupt is for the command; we still report on it.
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    pid_t child;
    double busy = busy_s();
    double begun = clock_s();
    int error = start(&child, argv + first);
    if (error != 0) {
        fprintf(stderr, "bench_timerun: %s: %s\n", argv[first],
                strerror(error));
        return 127;
    }
    int status;
    struct rusage usage;
    while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR)
        continue;
    double wall = clock_s() - begun;
    double user = of_timeval(usage.ru_utime);
    double system = of_timeval(usage.ru_stime);
    double other = busy_s() - busy - user - system;
    fprintf(out, "%.4f %.4f %.4f %ld %.2f", wall, user, system, usage.ru_maxrss,
            other > 0 ? other : 0);
    if (more)
        fprintf(out, " %ld %ld %ld %ld", usage.ru_minflt, usage.ru_majflt,
                usage.ru_nvcsw, usage.ru_nivcsw);
    fputc('\n', out);
    if (fclose(out) != 0)
        return 127;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

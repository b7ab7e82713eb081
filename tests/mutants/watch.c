// SPDX-License-Identifier: MIT
// Runs a program until it ends, or until it is plain that it will not:
//
//   watch SECONDS CPU-SECONDS PROGRAM [ARGUMENT]...
//
// It is stuck when every thread of it, and of all that it started, sleeps in a
// wait that will not be over by itself before SECONDS are, and again and again
// none of them has moved. What waits for a time that is near, or in a way not
// known here, is not stuck; nor is what could run and does not get to. So a
// loaded machine changes nothing. A loop without an end is told by the CPU time
// that it has used, and what is left by SECONDS on the clock.
//
// Ends with the program's status, 128 + N for a signal, or: 124 SECONDS are
// over, 123 CPU-SECONDS are used, 122 stuck. Then everything is killed. The
// last line on standard error says how much CPU time it was.
#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STUCK = 122,
    BUSY = 123,
    LATE = 124,
    LOOKS = 10, // so many alike in a row
    PROCESSES = 8192,
};

#define LOOK 0.1 // a look each so many seconds

typedef struct process {
    pid_t id, parent;
    char state;
    bool ours;
    unsigned long long ticks; // CPU time, its own and of its dead children
} process;

// What one look has seen.
typedef struct look {
    process found[PROCESSES];
    size_t count;
    double end; // what sleeps until then sleeps for good
    double cpu;
    uint64_t sum; // of all that changes when a thread has moved
    bool asleep;  // for good
} look;

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// What those that are gone have used.
static double cpu_of_the_dead(void) {
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}

// ---- processes -------------------------------------------------------------

// read_text: what a file of /proc says, or false: it is gone.
static bool read_text(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(text, 1, size - 1, file);
    fclose(file);
    text[length] = 0;
    return length > 0;
}

static bool read_process(const char *id, process *p) {
    char path[300], text[1024];
    snprintf(path, sizeof(path), "/proc/%s/stat", id);
    if (!read_text(path, text, sizeof(text)))
        return false;
    const char *rest = strrchr(text, ')'); // a name may hold anything
    unsigned long long user, system, below_user, below_system;
    int parent;
    if (rest == NULL ||
        sscanf(rest + 1,
               " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu "
               "%llu",
               &p->state, &parent, &user, &system, &below_user,
               &below_system) != 6)
        return false;
    p->id = (pid_t)atoi(id);
    p->parent = (pid_t)parent;
    p->ticks = user + system + below_user + below_system;
    p->ours = false;
    return true;
}

// find_ours: what descends from this process.
static void find_ours(look *l) {
    l->count = 0;
    DIR *all = opendir("/proc");
    if (all == NULL)
        return;
    for (struct dirent *e; (e = readdir(all)) != NULL;)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
            l->count < PROCESSES &&
            read_process(e->d_name, l->found + l->count))
            l->count++;
    closedir(all);
    pid_t self = getpid();
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < l->count; i++) {
            process *p = &l->found[i];
            bool ours = p->parent == self;
            for (size_t j = 0; !p->ours && !ours && j < l->count; j++)
                ours = l->found[j].ours && l->found[j].id == p->parent;
            more |= ours && !p->ours;
            p->ours |= ours;
        }
    }
}

// ---- threads ---------------------------------------------------------------

// until: when a futex wait that has an absolute time is over; 0: not known.
static double until(pid_t id, unsigned long long address) {
    struct timespec t;
    struct iovec here = {&t, sizeof(t)};
    struct iovec there = {(void *)(uintptr_t)address, sizeof(t)};
    if (process_vm_readv(id, &here, 1, &there, 1, 0) != sizeof(t))
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// for_ever: whether a thread that is in this system call stays there until
// somebody else moves, until `end` at least. `a` are the call's arguments.
static bool for_ever(pid_t id, long call, const unsigned long long *a,
                     double end) {
    double most_ms = (end - now()) * 1000;
    switch (call) {
    case SYS_read:
    case SYS_readv:
    case SYS_write:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept4:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_rt_sigsuspend: return true;
    case SYS_futex:
        if ((a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT)
            return a[3] == 0;
        return (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
               (a[3] == 0 || until(id, a[3]) > end);
    case SYS_ppoll:
    case SYS_rt_sigtimedwait: return a[2] == 0;
    case SYS_poll: return (int)a[2] < 0 || (int)a[2] > most_ms;
    case SYS_epoll_wait:
    case SYS_epoll_pwait: return (int)a[3] < 0 || (int)a[3] > most_ms;
    default: return false;
    }
}

static uint64_t mix(uint64_t sum, const char *text) {
    for (; *text != 0; text++)
        sum = (sum ^ (unsigned char)*text) * 0x100000001b3;
    return sum;
}

// see_thread adds what a thread does to the sum; false: it may go on by itself.
static bool see_thread(look *l, pid_t id, const char *folder) {
    char path[400], text[2048];
    snprintf(path, sizeof(path), "%s/status", folder);
    if (!read_text(path, text, sizeof(text)))
        return false;
    const char *state = strstr(text, "State:\t");
    const char *switches = strstr(text, "voluntary_ctxt_switches:");
    if (state == NULL || switches == NULL)
        return false;
    l->sum = mix(mix(l->sum, folder), switches);
    if (strchr("ZXTt", state[7]) != NULL)
        return true; // dead or stopped
    snprintf(path, sizeof(path), "%s/syscall", folder);
    if (state[7] != 'S' || !read_text(path, text, sizeof(text)))
        return false;
    l->sum = mix(l->sum, text);
    long call;
    unsigned long long a[6];
    return sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", &call, &a[0],
                  &a[1], &a[2], &a[3], &a[4], &a[5]) == 7 &&
           for_ever(id, call, a, l->end);
}

// see_threads: of one process. As soon as one may go on there is no need to
// look at the others.
static void see_threads(look *l, pid_t id) {
    char path[64], folder[350];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)id);
    DIR *tasks = opendir(path);
    if (tasks == NULL) {
        l->asleep = false;
        return;
    }
    for (struct dirent *e; l->asleep && (e = readdir(tasks)) != NULL;) {
        snprintf(folder, sizeof(folder), "%s/%s", path, e->d_name);
        l->asleep &= e->d_name[0] == '.' || see_thread(l, id, folder);
    }
    closedir(tasks);
}

static void take_a_look(look *l) {
    find_ours(l);
    l->sum = 0;
    l->asleep = l->count > 0 && l->count < PROCESSES;
    l->cpu = cpu_of_the_dead();
    for (size_t i = 0; i < l->count; i++) {
        const process *p = &l->found[i];
        if (!p->ours)
            continue;
        l->cpu += (double)p->ticks / (double)sysconf(_SC_CLK_TCK);
        if (l->asleep && p->state != 'Z')
            see_threads(l, p->id);
    }
}

// ---- from start to end -----------------------------------------------------

static void kill_all(look *l) {
    for (bool any = true; any;) {
        any = false;
        find_ours(l);
        for (size_t i = 0; i < l->count; i++)
            if (l->found[i].ours) {
                any = true;
                (void)kill(l->found[i].id, SIGKILL);
            }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
}

// gone: buries who has died, and whether the program is among them.
static bool gone(pid_t program, int *ends_with) {
    int status;
    bool is_gone = false;
    for (pid_t id; (id = waitpid(-1, &status, WNOHANG)) > 0;)
        if (id == program) {
            is_gone = true;
            *ends_with = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                             : WEXITSTATUS(status);
        }
    return is_gone;
}

static int watch(pid_t program, look *l, double seconds, double cpu,
                 const sigset_t *child) {
    double next = now() + LOOK;
    uint64_t before = 0;
    l->end = now() + seconds;
    for (int status, alike = 0; alike < LOOKS;) {
        double left = next - now();
        struct timespec pause = {0, left > 0 ? (long)(left * 1e9) : 0};
        bool told = sigtimedwait(child, NULL, &pause) >= 0;
        if (gone(program, &status))
            return status;
        if (told && now() < next)
            continue;
        take_a_look(l);
        if (l->cpu > cpu)
            return BUSY;
        if (now() > l->end)
            return LATE;
        alike = l->asleep && l->sum == before ? alike + 1 : 0;
        before = l->sum;
        next = now() + LOOK;
    }
    return STUCK;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: watch SECONDS CPU-SECONDS PROGRAM [ARGUMENT]"
                        "...\n");
        return 2;
    }
    static look l;
    sigset_t child, before;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    // What loses its parent stays below this process, and is buried here.
    prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
    pid_t program = fork();
    if (program < 0)
        return 2;
    if (program == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        execvp(argv[3], argv + 3);
        fprintf(stderr, "%s: %s\n", argv[3], strerror(errno));
        _exit(2);
    }
    double started = now();
    int status = watch(program, &l, atof(argv[1]), atof(argv[2]), &child);
    kill_all(&l);
    static const char *const words[] = {"stuck", "busy", "late"};
    fprintf(stderr, "watch: %s %.2f s of CPU in %.2f s\n",
            status >= STUCK && status <= LATE ? words[status - STUCK] : "ended",
            cpu_of_the_dead(), now() - started);
    return status;
}

// SPDX-License-Identifier: MIT
#include "graph.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bench_settings bench_set = {200000, 5, 2, 4096, 256, 3000, 0};

// ---- options ---------------------------------------------------------------

static const struct {
    const char *name;
    unsigned *value;
} options[] = {
    {"--count", &bench_set.count},     {"--rounds", &bench_set.rounds},
    {"--threads", &bench_set.threads}, {"--size", &bench_set.size},
    {"--tile", &bench_set.tile},       {"--ms", &bench_set.ms},
    {"--procs", &bench_set.procs},
};

static void usage(const bench_case *cases) {
    fprintf(stderr, "usage: CASE [--option N]..., the cases being");
    for (; cases->name != NULL; cases++)
        fprintf(stderr, " %s", cases->name);
    fprintf(stderr, ", the options");
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        fprintf(stderr, " %s", options[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

static void option(const bench_case *cases, const char *name,
                   const char *text) {
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(name, options[i].name) != 0)
            continue;
        char *end;
        unsigned long value = text != NULL ? strtoul(text, &end, 10) : 0;
        if (value == 0 || *end != '\0' || value > 50000000)
            usage(cases);
        *options[i].value = (unsigned)value;
        return;
    }
    usage(cases);
}

int bench_main(int argc, char **argv, const bench_case *cases) {
    const bench_case *chosen = cases;
    while (chosen->name != NULL &&
           (argc < 2 || strcmp(argv[1], chosen->name) != 0))
        chosen++;
    if (chosen->name == NULL)
        usage(cases);
    for (int i = 2; i < argc; i += 2)
        option(cases, argv[i], argv[i + 1]);
    if (bench_set.rounds > ROUNDS_MAX || bench_set.size % bench_set.tile != 0)
        usage(cases);
    chosen->run();
    return 0;
}

void bench_fail(const char *what, long long got) {
    fprintf(stderr, "bench: %s: %lld\n", what, got);
    exit(1);
}

void bench_ok(const char *what, int error) {
    if (error != 0)
        bench_fail(what, error);
}

void bench_same(const char *what, uint64_t got, uint64_t wanted) {
    if (got != wanted)
        bench_fail(what, (long long)got);
}

void *bench_memory(size_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (memory == NULL)
        bench_fail("no memory", (long long)bytes);
    return memset(memory, 0, bytes);
}

// ---- what the system knows -------------------------------------------------

static int64_t clock_ns(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

static double status_mb(const char *field) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kib = 0;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtod(line + strlen(field), NULL);
    if (file != NULL)
        fclose(file);
    return kib * 1024 / 1e6;
}

double bench_peak(void) { return status_mb("VmHWM:"); }

double bench_resident(void) { return status_mb("VmRSS:"); }

int64_t bench_run_ns(int pid) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    int64_t sum = threads != NULL ? 0 : -1;
    struct dirent *entry;
    while (threads != NULL && (entry = readdir(threads)) != NULL) {
        char file[512];
        snprintf(file, sizeof(file), "%s/%s/schedstat", path, entry->d_name);
        FILE *stat = entry->d_name[0] != '.' ? fopen(file, "r") : NULL;
        long long ns;
        if (stat == NULL)
            continue;
        if (fscanf(stat, "%lld", &ns) == 1)
            sum += ns;
        fclose(stat);
    }
    if (threads != NULL)
        closedir(threads);
    return sum;
}

static int parent_of(int pid) {
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    int parent = -1;
    if (file == NULL)
        return -1;
    const char *end =
        fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
    if (end == NULL || sscanf(end + 1, " %*c %d", &parent) != 1)
        parent = -1;
    fclose(file);
    return parent;
}

int bench_children(int pid, int *out, int most) {
    int count = 0;
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        int child = atoi(entry->d_name);
        if (child <= 0 || count == most || parent_of(child) != pid)
            continue;
        out[count++] = child;
        count += bench_children(child, out + count, most - count);
    }
    if (processes != NULL)
        closedir(processes);
    return count;
}

int64_t bench_cpu_ns(void) {
    int64_t sum = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    int pids[64];
    int count = 0;
    if (bench_set.procs > 0)
        count = bench_children((int)getpid(), pids, 64);
    for (int i = 0; i < count; i++)
        sum += bench_run_ns(pids[i]);
    return sum;
}

// ---- figures ---------------------------------------------------------------

void bench_print(const char *name, const char *figure, double value,
                 const char *unit) {
    printf("%s.%s %.4g %s\n", name, figure, value, unit);
    fflush(stdout);
}

int bench_more(const bench_meter *m) { return m->rounds <= bench_set.rounds; }

void bench_begin(bench_meter *m) {
    m->cpu_begun = bench_cpu_ns();
    m->wall_begun = bench_now_ns();
}

void bench_end(bench_meter *m, double tasks) {
    m->wall[m->rounds] = (double)(bench_now_ns() - m->wall_begun) / tasks;
    m->cpu[m->rounds++] = (double)(bench_cpu_ns() - m->cpu_begun) / tasks;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, unsigned count, double part) {
    qsort(values, count, sizeof(values[0]), compare);
    return values[(unsigned)((double)(count - 1) * part + 0.5)];
}

void bench_meter_print(bench_meter *m, const char *name, const char *unit) {
    bench_print(name, "wall", quantile(m->wall + 1, m->rounds - 1, 0.5), unit);
    bench_print(name, "cpu", quantile(m->cpu + 1, m->rounds - 1, 0.5), unit);
    bench_print(name, "peak", bench_peak(), "MB");
}

void bench_times_print(double *times, unsigned count, const char *name) {
    bench_print(name, "p50", quantile(times, count, 0.5) / 1e3, "us");
    bench_print(name, "p99", quantile(times, count, 0.99) / 1e3, "us");
    bench_print(name, "most", times[count - 1] / 1e3, "us");
}

// SPDX-License-Identifier: MIT
// How many CPUs this process may really use, and in which order to take them.
#include "os/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int at_most(int a, int b) { return a < b ? a : b; }

static const char *plural(int count) { return count == 1 ? "" : "s"; }

void wr_cpu_limits_conclude(wr_cpu_limits *out, int online, int affinity,
                            int64_t quota_hundredths) {
    *out = (wr_cpu_limits){.online = online < 1 ? 1 : online};
    out->affinity = affinity < 1 ? out->online : affinity;
    out->usable = at_most(out->online, out->affinity);
    if (quota_hundredths != WR_NO_QUOTA) {
        int64_t whole = quota_hundredths / 100 + (quota_hundredths % 100 != 0);
        out->quota = whole > INT32_MAX ? INT32_MAX : (int)whole;
    }

    size_t bytes = sizeof(out->reason);
    if (out->quota != 0 && out->quota < out->usable) {
        out->usable = out->quota;
        snprintf(out->reason, bytes, "%d of %d CPU%s: cgroup quota %d.%02d",
                 out->usable, out->online, plural(out->online),
                 (int)(quota_hundredths / 100), (int)(quota_hundredths % 100));
    } else if (out->affinity < out->online) {
        snprintf(out->reason, bytes, "%d of %d CPU%s: affinity", out->usable,
                 out->online, plural(out->online));
    } else {
        snprintf(out->reason, bytes, "%d CPU%s: all online", out->usable,
                 plural(out->usable));
    }
}

// The CPUs the caller may run on, which is what threads it starts will have.
// Returns how many, or -1.
static int allowed(int *cpus, int count_max) {
    size_t bytes = CPU_ALLOC_SIZE(WR_CPUS_MAX);
    cpu_set_t *set = CPU_ALLOC(WR_CPUS_MAX);
    int count = -1;
    if (set != NULL && sched_getaffinity(0, bytes, set) == 0) {
        count = 0;
        for (size_t cpu = 0; cpu < WR_CPUS_MAX && count < count_max; cpu++)
            if (CPU_ISSET_S(cpu, bytes, set))
                cpus[count++] = (int)cpu;
    }
    CPU_FREE(set);
    return count;
}

void wr_cpu_limits_read_at(wr_cpu_limits *out, const char *root) {
    int cpus[WR_CPUS_MAX];
    wr_cpu_limits_conclude(out, (int)sysconf(_SC_NPROCESSORS_ONLN),
                           allowed(cpus, WR_CPUS_MAX), wr_cgroup_quota(root));
}

void wr_cpu_limits_read(wr_cpu_limits *out) { wr_cpu_limits_read_at(out, "/"); }

// ---- order -----------------------------------------------------------------

// A number in a file of /sys about a CPU; `missing` where there is none.
static int topology(int cpu, const char *name, int missing) {
    char path[128];
    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s",
             cpu, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return missing;
    int value;
    if (fscanf(file, "%d", &value) != 1)
        value = missing;
    fclose(file);
    return value;
}

static int compare(int a, int b) { return (a > b) - (a < b); }

static int compact(const void *left, const void *right) {
    const wr_cpu_place *a = left;
    const wr_cpu_place *b = right;
    int order = compare(a->package, b->package);
    if (order == 0)
        order = compare(a->core, b->core);
    return order != 0 ? order : compare(a->cpu, b->cpu);
}

static int spread(const void *left, const void *right) {
    const wr_cpu_place *a = left;
    const wr_cpu_place *b = right;
    int order = compare(a->thread, b->thread);
    if (order == 0)
        order = compare(a->core_rank, b->core_rank);
    if (order == 0)
        order = compare(a->package, b->package);
    return order != 0 ? order : compare(a->cpu, b->cpu);
}

void wr_cpu_sort(wr_cpu_order order, wr_cpu_place *places, int count) {
    size_t bytes = sizeof(*places);
    if (count < 1)
        return;
    qsort(places, (size_t)count, bytes, compact);
    places[0].core_rank = places[0].thread = 0;
    for (int i = 1; i < count; i++) {
        wr_cpu_place *before = &places[i - 1];
        wr_cpu_place *at = &places[i];
        bool package = at->package == before->package;
        bool core = package && at->core == before->core;
        at->thread = core ? before->thread + 1 : 0;
        at->core_rank = package ? before->core_rank + !core : 0;
    }
    if (order == WR_CPU_SPREAD)
        qsort(places, (size_t)count, bytes, spread);
}

int wr_cpu_list(wr_cpu_order order, int *cpus, int count_max) {
    int found[WR_CPUS_MAX];
    int count = allowed(found, WR_CPUS_MAX);
    wr_cpu_place *places =
        count < 1 ? NULL : calloc((size_t)count, sizeof(*places));
    if (places == NULL)
        return 0;
    // Without topology each CPU is a core of its own: numeric order.
    for (int i = 0; i < count; i++)
        places[i] = (wr_cpu_place){
            .cpu = found[i],
            .package = topology(found[i], "physical_package_id", 0),
            .core = topology(found[i], "core_id", found[i]),
        };
    wr_cpu_sort(order, places, count);
    count = at_most(count, count_max);
    for (int i = 0; i < count; i++)
        cpus[i] = places[i].cpu;
    free(places);
    return count;
}

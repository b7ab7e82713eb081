// SPDX-License-Identifier: MIT
// The parts of the CPU count that tests feed by hand. Linux backend only.
#ifndef WR_CPU_H
#define WR_CPU_H

#include "os/os.h"

// A quota in hundredths of a CPU; WR_NO_QUOTA: none.
#define WR_NO_QUOTA INT64_MAX

// wr_cgroup_quota returns the tightest CPU quota on the way from this
// process's cgroup to the root of its mount, of every cgroup v1 and v2 mount
// found in proc/self/mountinfo under `root`. What is missing or makes no sense
// is no quota.
int64_t wr_cgroup_quota(const char *root);

// wr_cpu_limits_conclude derives quota, usable and the reason.
void wr_cpu_limits_conclude(wr_cpu_limits *out, int online, int affinity,
                            int64_t quota_hundredths);

// Where a CPU sits. Ids mean nothing but same or different.
typedef struct wr_cpu_place {
    int cpu;
    int package;
    int core;      // within the package
    int core_rank; // set by wr_cpu_sort: nth core of its package
    int thread;    // set by wr_cpu_sort: nth thread of its core
} wr_cpu_place;

void wr_cpu_sort(wr_cpu_order order, wr_cpu_place *places, int count);

#endif

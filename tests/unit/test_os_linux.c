// SPDX-License-Identifier: MIT
// What only the Linux backend promises: names, pinning, affinity, cgroups.
#include "base/fault.h"
#include "os/cpu.h"
#include "os/os.h"
#include "support/check.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- threads ---------------------------------------------------------------

static void *read_own_name(void *arg) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%ld/comm",
             syscall(SYS_gettid));
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    CHECK(fgets(arg, 64, file) != NULL);
    fclose(file);
    return NULL;
}

static void check_name(const char *name, const char *shown) {
    char text[64];
    wr_thread thread;
    wr_thread_options options = {.name = name, .cpu = -1};
    CHECK_EQ(wr_thread_start(&thread, &options, read_own_name, text), 0);
    wr_thread_join(&thread);
    CHECK_STR(text, shown);
}

static void a_thread_shows_its_name_from_the_start(void) {
    check_name("weir-worker-3", "weir-worker-3\n");
    check_name("exactly-15-byte", "exactly-15-byte\n");
    check_name("a-name-that-is-much-too-long", "a-name-that-is-\n");
}

static int allowed_cpus(int *cpus) {
    cpu_set_t set;
    int count = 0;
    CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &set))
            cpus[count++] = cpu;
    return count;
}

static void *check_pinned(void *arg) {
    int cpus[CPU_SETSIZE];
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(wr_cpu_current(), *(int *)arg);
        wr_thread_yield();
    }
    CHECK_EQ(allowed_cpus(cpus), 1);
    CHECK_EQ(cpus[0], *(int *)arg);
    return NULL;
}

static void a_pinned_thread_runs_on_its_cpu_alone(void) {
    int cpus[CPU_SETSIZE];
    int count = allowed_cpus(cpus);
    if (count == 1)
        SKIP("one CPU: every thread is pinned");
    for (int i = 0; i < count; i++) {
        wr_thread thread;
        wr_thread_options options = {.cpu = cpus[i]};
        CHECK_EQ(wr_thread_start(&thread, &options, check_pinned, &cpus[i]), 0);
        wr_thread_join(&thread);
    }
    int after[CPU_SETSIZE];
    CHECK_EQ(allowed_cpus(after), count); // the starter is as free as before
}

static void pinning_to_a_cpu_that_is_not_there_is_refused(void) {
    struct stat there;
    if (stat("/sys/devices/system/cpu/cpu4095", &there) == 0)
        SKIP("this machine has 4096 CPUs");
    wr_thread thread;
    wr_thread_options options = {.cpu = 4095};
    CHECK_EQ(wr_thread_start(&thread, &options, check_pinned, NULL), -EINVAL);
}

static void pages_beyond_memory_are_refused(void) {
    CHECK(wr_pages_alloc(SIZE_MAX / 4) == NULL);
    CHECK(wr_pages_alloc_huge(SIZE_MAX / 4) == NULL);
    CHECK(wr_pages_alloc_huge(SIZE_MAX) == NULL);
    CHECK(wr_pages_alloc(0) == NULL);
}

static void huge_pages_begin_at_a_huge_page(void) {
    for (size_t mib = 2; mib <= 32; mib *= 2) {
        void *pages = wr_pages_alloc_huge(mib << 20);
        CHECK(pages != NULL);
        CHECK_EQ((uintptr_t)pages % (2 << 20), 0);
        wr_pages_free(pages, mib << 20);
    }
}

static long mapped_pages(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;
    CHECK(file != NULL);
    CHECK_EQ(fscanf(file, "%ld", &pages), 1);
    fclose(file);
    return pages;
}

static void pages_are_given_back_whole(void) {
    static const size_t sizes[] = {1, 5000, 2 << 20, (2 << 20) + 1, 5 << 20};
    mapped_pages(); // what stdio allocates once is not counted
    long before = mapped_pages();
    for (int i = 0; i < 1000; i++) {
        size_t bytes = sizes[i % 5];
        void *pages =
            i / 5 % 2 == 0 ? wr_pages_alloc_huge(bytes) : wr_pages_alloc(bytes);
        CHECK(pages != NULL);
        wr_pages_free(pages, bytes);
    }
    // A lost page each time would be 1000; some slack for the libc.
    CHECK(mapped_pages() - before < 500);
}

// Looking must cost a load, not a system call.
static void forkmark_is_a_page_that_fork_wipes(void) {
    wr_forkmark mark;
    CHECK_EQ(wr_forkmark_init(&mark), 0);
    CHECK(mark.word != NULL && *mark.word == 1);
    wr_forkmark_fini(&mark);
}

static void forkmark_without_the_page_asks_for_the_pid(void) {
    wr_forkmark mark = {.word = NULL, .pid = (uint32_t)getpid()};
    CHECK(!wr_forkmark_forked(&mark));
    mark.pid = (uint32_t)getppid();
    CHECK(wr_forkmark_forked(&mark));
    wr_forkmark_fini(&mark);
}

// ---- affinity --------------------------------------------------------------

static void affinity_shrinks_what_is_usable(void) {
    int cpus[CPU_SETSIZE];
    int count = allowed_cpus(cpus);
    if (count == 1)
        SKIP("one CPU: nothing to take away");
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpus[count - 1], &one);
    CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);

    wr_cpu_limits limits;
    char expected[64];
    int online = (int)sysconf(_SC_NPROCESSORS_ONLN);
    wr_cpu_limits_read_at(&limits, "/nonexistent");
    snprintf(expected, sizeof(expected), "1 of %d CPUs: affinity", online);
    CHECK_EQ(limits.online, online);
    CHECK_EQ(limits.affinity, 1);
    CHECK_EQ(limits.quota, 0);
    CHECK_EQ(limits.usable, 1);
    CHECK_STR(limits.reason, expected);

    int listed[4];
    CHECK_EQ(wr_cpu_list(WR_CPU_COMPACT, listed, 4), 1);
    CHECK_EQ(listed[0], cpus[count - 1]);
}

static void cpu_list_is_what_affinity_allows(void) {
    int cpus[CPU_SETSIZE];
    int listed[CPU_SETSIZE];
    int count = allowed_cpus(cpus);
    for (int order = WR_CPU_COMPACT; order <= WR_CPU_SPREAD; order++) {
        CHECK_EQ(wr_cpu_list((wr_cpu_order)order, listed, CPU_SETSIZE), count);
        for (int i = 0; i < count; i++) {
            bool found = false;
            for (int j = 0; j < count; j++)
                found = found || listed[j] == cpus[i];
            CHECK(found);
        }
    }
}

static void check_reason(int online, int affinity, int64_t quota, int usable,
                         const char *reason) {
    wr_cpu_limits limits;
    wr_cpu_limits_conclude(&limits, online, affinity, quota);
    CHECK_EQ(limits.usable, usable);
    CHECK_STR(limits.reason, reason);
}

static void the_reason_names_the_tightest_limit(void) {
    check_reason(8, 8, WR_NO_QUOTA, 8, "8 CPUs: all online");
    check_reason(1, 1, WR_NO_QUOTA, 1, "1 CPU: all online");
    check_reason(8, 3, WR_NO_QUOTA, 3, "3 of 8 CPUs: affinity");
    check_reason(8, 8, 150, 2, "2 of 8 CPUs: cgroup quota 1.50");
    check_reason(8, 8, 101, 2, "2 of 8 CPUs: cgroup quota 1.01");
    check_reason(8, 8, 200, 2, "2 of 8 CPUs: cgroup quota 2.00");
    check_reason(8, 8, 1, 1, "1 of 8 CPUs: cgroup quota 0.01");
    check_reason(8, 3, 250, 3, "3 of 8 CPUs: affinity");
    check_reason(8, 3, 150, 2, "2 of 8 CPUs: cgroup quota 1.50");
    check_reason(8, 8, 6400, 8, "8 CPUs: all online");
    check_reason(8, 8, INT64_MAX - 1, 8, "8 CPUs: all online");
    check_reason(0, -1, WR_NO_QUOTA, 1, "1 CPU: all online");
}

// Two packages of two cores of two threads, numbered as Linux likes to: first
// threads first.
static void check_order(wr_cpu_order order, const int *expected) {
    wr_cpu_place places[8];
    for (int cpu = 0; cpu < 8; cpu++)
        places[cpu] = (wr_cpu_place){
            .cpu = cpu, .package = cpu / 2 % 2, .core = cpu % 2 * 4};
    wr_cpu_sort(order, places, 8);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(places[i].cpu, expected[i]);
}

static void compact_fills_a_core_then_a_package(void) {
    check_order(WR_CPU_COMPACT, (const int[]){0, 4, 1, 5, 2, 6, 3, 7});
}

static void spread_takes_packages_then_cores_then_threads(void) {
    check_order(WR_CPU_SPREAD, (const int[]){0, 2, 1, 3, 4, 6, 5, 7});
}

// ---- cgroups ---------------------------------------------------------------

// A tree of files that stands for "/".
static char tree[64];

static int remove_one(const char *path, const struct stat *info, int type,
                      struct FTW *at) {
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void tree_remove(void) {
    if (tree[0] != '\0')
        nftw(tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    tree[0] = '\0';
}

static void tree_new(void) {
    tree_remove();
    snprintf(tree, sizeof(tree), "/tmp/weir-cgroup-XXXXXX");
    CHECK(mkdtemp(tree) != NULL);
}

static void put(const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof(path), "%s%s", tree, name);
    for (char *at = path + strlen(tree) + 1; *at != '\0'; at++)
        if (*at == '/') {
            *at = '\0';
            CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);
            *at = '/';
        }
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK_EQ(fclose(file), 0);
}

// A new tree with these two files.
static void tree_of(const char *cgroup, const char *mountinfo) {
    tree_new();
    put("/proc/self/cgroup", cgroup);
    put("/proc/self/mountinfo", mountinfo);
}

#define ROOT_MOUNT "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
#define MOUNT_V2                                                               \
    ROOT_MOUNT "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 "     \
               "cgroup2 rw,nsdelegate\n"
#define MOUNT_V1                                                               \
    ROOT_MOUNT "31 22 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup "        \
               "rw,cpuset\n"                                                   \
               "32 22 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 "          \
               "master:2 - cgroup cgroup rw,cpu,cpuacct\n"

#define CHECK_QUOTA(expected) CHECK_EQ(wr_cgroup_quota(tree), expected)

static void v2_quota_is_read(void) {
    tree_of("0::/job\n", MOUNT_V2);
    put("/sys/fs/cgroup/job/cpu.max", "150000 100000\n");
    CHECK_QUOTA(150);
    put("/sys/fs/cgroup/job/cpu.max", "50000 200000\n");
    CHECK_QUOTA(25);
    put("/sys/fs/cgroup/job/cpu.max", "1000 1000000\n");
    CHECK_QUOTA(1); // never zero
    wr_cpu_limits limits;
    wr_cpu_limits_read_at(&limits, tree);
    CHECK_EQ(limits.quota, 1);
    CHECK_EQ(limits.usable, 1);
    tree_remove();
}

static void v2_max_is_no_quota(void) {
    tree_of("0::/job\n", MOUNT_V2);
    put("/sys/fs/cgroup/job/cpu.max", "max 100000\n");
    CHECK_QUOTA(WR_NO_QUOTA);
    tree_remove();
}

static void v2_tightest_parent_wins(void) {
    tree_of("0::/a/b/c\n", MOUNT_V2);
    put("/sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "250000 100000\n");
    CHECK_QUOTA(250);
    put("/sys/fs/cgroup/cpu.max", "120000 100000\n");
    CHECK_QUOTA(120); // a container's own root has one
    put("/sys/fs/cgroup/a/b/c/cpu.max", "30000 100000\n");
    CHECK_QUOTA(30);
    put("/sys/fs/cpu.max", "10000 100000\n");
    put("/cpu.max", "10000 100000\n");
    CHECK_QUOTA(30); // nothing above the mount counts
    tree_remove();
}

static void v2_siblings_do_not_matter(void) {
    tree_of("0::/a/b\n", MOUNT_V2);
    put("/sys/fs/cgroup/a/x/cpu.max", "1000 100000\n");
    put("/sys/fs/cgroup/b/cpu.max", "1000 100000\n");
    CHECK_QUOTA(WR_NO_QUOTA);
    tree_remove();
}

static void v1_quota_is_read(void) {
    tree_of("4:cpu,cpuacct:/job\n2:cpuset:/other\n", MOUNT_V1);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "150000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "50000\n");
    put("/sys/fs/cgroup/cpuset/other/cpu.cfs_quota_us", "1000\n");
    put("/sys/fs/cgroup/cpuset/other/cpu.cfs_period_us", "50000\n");
    CHECK_QUOTA(300);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
    CHECK_QUOTA(WR_NO_QUOTA);
    tree_remove();
}

static void v1_tightest_parent_wins(void) {
    tree_of("4:cpuacct,cpu:/a/b\n", MOUNT_V1);
    put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "70000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "90000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    CHECK_QUOTA(70);
    tree_remove();
}

// Some controllers on v1, the rest on v2: both count, wherever they are.
static void hybrid_takes_the_tighter_of_v1_and_v2(void) {
    tree_of("1:cpu:/one\n0::/two\n", ROOT_MOUNT
            "31 22 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
            "32 22 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/cpu/one/cpu.cfs_quota_us", "300000\n");
    put("/sys/fs/cgroup/cpu/one/cpu.cfs_period_us", "100000\n");
    CHECK_QUOTA(300);
    put("/sys/fs/cgroup/unified/two/cpu.max", "200000 100000\n");
    CHECK_QUOTA(200);
    put("/sys/fs/cgroup/cpu/one/cpu.cfs_quota_us", "100000\n");
    CHECK_QUOTA(100);
    tree_remove();
}

// Docker without a cgroup namespace: the host's path, of which only the end is
// mounted.
static void a_mount_of_a_part_is_followed(void) {
    tree_of("4:cpu:/docker/abc/sub\n",
            ROOT_MOUNT "32 22 0:28 /docker/abc /sys/fs/cgroup/cpu ro - "
                       "cgroup cgroup rw,cpu\n");
    put("/sys/fs/cgroup/cpu/sub/cpu.cfs_quota_us", "180000\n");
    put("/sys/fs/cgroup/cpu/sub/cpu.cfs_period_us", "100000\n");
    CHECK_QUOTA(180);
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "110000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    CHECK_QUOTA(110);
    put("/proc/self/cgroup", "4:cpu:/docker/abc\n");
    CHECK_QUOTA(110);
    tree_remove();
}

static void a_mount_of_another_part_is_passed_over(void) {
    tree_of("0::/docker/abc\n",
            ROOT_MOUNT "32 22 0:28 /docker/ab /other rw - cgroup2 cgroup2 rw\n"
                       "33 22 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("/other/cpu.max", "1000 100000\n");
    put("/otherc/cpu.max", "1000 100000\n");
    put("/sys/fs/cgroup/docker/abc/cpu.max", "220000 100000\n");
    CHECK_QUOTA(220);
    tree_remove();
}

// Moved out of its namespace, or a path of the host: the mount point itself is
// all that can be seen.
static void a_path_outside_falls_back_to_the_mount_point(void) {
    tree_of("0::/../other\n", MOUNT_V2);
    put("/sys/fs/cgroup/cpu.max", "170000 100000\n");
    put("/sys/fs/other/cpu.max", "1000 100000\n");
    CHECK_QUOTA(170);
    put("/proc/self/cgroup", "0::/host/path\n");
    put("/proc/self/mountinfo",
        ROOT_MOUNT "33 22 0:28 /elsewhere /sys/fs/cgroup rw - cgroup2 c rw\n");
    CHECK_QUOTA(170);
    tree_remove();
}

static void a_namespace_root_has_the_containers_quota(void) {
    tree_of("0::/\n", MOUNT_V2);
    put("/sys/fs/cgroup/cpu.max", "130000 100000\n");
    CHECK_QUOTA(130);
    tree_remove();
}

static void a_removed_cgroup_leaves_its_parents(void) {
    tree_of("0::/a/gone (deleted)\n", MOUNT_V2);
    put("/sys/fs/cgroup/a/cpu.max", "140000 100000\n");
    CHECK_QUOTA(140);
    tree_remove();
}

static void mount_points_with_spaces_are_read(void) {
    tree_of("0::/job\n", ROOT_MOUNT
            "33 22 0:28 / /my\\040cgroup\\134 rw - cgroup2 cgroup2 rw\n");
    put("/my cgroup\\/job/cpu.max", "160000 100000\n");
    CHECK_QUOTA(160);
    tree_remove();
}

static void garbage_is_no_quota(void) {
    static const char *const texts[] = {
        "",         "\n",           "max",          "100000",
        "100000\n", "100000 0\n",   "0 100000\n",   "-5 100000\n",
        "5 -100\n", "x 100000\n",   "100000 x\n",   "100000  100000\n",
        " 1 1\n",   "1 1 1\n",      "\xff\xfe\n",   "0x10 0x10\n",
        "1e5 1e5",  "100000\t1000", "+1000 1000\n", "999999999999999999999 1\n",
    };
    tree_of("0::/job\n", MOUNT_V2);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put("/sys/fs/cgroup/job/cpu.max", texts[i]);
        CHECK_QUOTA(WR_NO_QUOTA);
    }
    put("/sys/fs/cgroup/job/cpu.max", "9223372036854775807 1\n");
    CHECK_QUOTA(WR_NO_QUOTA);
    put("/sys/fs/cgroup/job/cpu.max", "100000 100000");
    CHECK_QUOTA(100); // a missing newline is no harm
    tree_remove();
}

static void garbage_in_proc_is_no_quota(void) {
    static const char *const cgroups[] = {
        "",         "\n",  ":",
        "::",       "0::", "0:/",
        "0::job\n", "0:",  "7:cpux:/job\n",
        "0::/job",
    };
    static const char *const mounts[] = {
        "",
        "\n",
        "-",
        " - \n",
        "1 2 3 4 5 6\n",
        "1 2 3 / /sys/fs/cgroup rw -\n",
        "1 2 3 / /sys/fs/cgroup rw - cgroup2\n",
        "1 2 3 / /sys/fs/cgroup rw cgroup2 cgroup2 rw\n",
        "1 2 3 / /sys/fs/cgroup\\777 rw - cgroup2 cgroup2 rw\n",
        "1 2 3 / /sys/fs/cgroup rw - cgroup cgroup rw,cpuset\n",
    };
    tree_new();
    put("/sys/fs/cgroup/job/cpu.max", "100000 100000\n");
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    for (size_t i = 0; i < sizeof(cgroups) / sizeof(cgroups[0]); i++) {
        put("/proc/self/cgroup", cgroups[i]);
        put("/proc/self/mountinfo", MOUNT_V2);
        CHECK_QUOTA(i == 9 ? 100 : WR_NO_QUOTA);
        for (size_t j = 0; j < sizeof(mounts) / sizeof(mounts[0]); j++) {
            put("/proc/self/mountinfo", mounts[j]);
            CHECK_QUOTA(WR_NO_QUOTA);
        }
    }
    tree_remove();
}

static void very_long_lines_are_survived(void) {
    enum { LONG = 20000 };
    char *text = calloc(1, LONG + 100);
    CHECK(text != NULL);
    strcpy(text, "0::");
    memset(text + 3, 'x', LONG);
    text[3] = '/';
    tree_of(text, MOUNT_V2);
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    CHECK_QUOTA(WR_NO_QUOTA);
    memcpy(text, "1 2 3 / ", 8);
    text[8] = '/';
    strcpy(text + LONG, " rw - cgroup2 cgroup2 rw\n");
    put("/proc/self/cgroup", "0::/job\n");
    put("/proc/self/mountinfo", text);
    CHECK_QUOTA(WR_NO_QUOTA);
    free(text);
    tree_remove();
}

static void missing_files_are_no_quota(void) {
    tree_new();
    CHECK_QUOTA(WR_NO_QUOTA);
    put("/proc/self/cgroup", "0::/job\n4:cpu:/job\n");
    CHECK_QUOTA(WR_NO_QUOTA);
    put("/proc/self/mountinfo", MOUNT_V2 MOUNT_V1);
    CHECK_QUOTA(WR_NO_QUOTA);
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "100000\n");
    CHECK_QUOTA(WR_NO_QUOTA); // no period
    put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    CHECK_QUOTA(100);
    CHECK_EQ(remove(tree) != 0, 1);
    tree_remove();
    CHECK_EQ(wr_cgroup_quota("/nonexistent"), WR_NO_QUOTA);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_thread_shows_its_name_from_the_start",
         a_thread_shows_its_name_from_the_start},
        {"a_pinned_thread_runs_on_its_cpu_alone",
         a_pinned_thread_runs_on_its_cpu_alone},
        {"pinning_to_a_cpu_that_is_not_there_is_refused",
         pinning_to_a_cpu_that_is_not_there_is_refused},
        {"pages_beyond_memory_are_refused", pages_beyond_memory_are_refused},
        {"huge_pages_begin_at_a_huge_page", huge_pages_begin_at_a_huge_page},
        {"pages_are_given_back_whole", pages_are_given_back_whole},
        {"forkmark_is_a_page_that_fork_wipes",
         forkmark_is_a_page_that_fork_wipes},
        {"forkmark_without_the_page_asks_for_the_pid",
         forkmark_without_the_page_asks_for_the_pid},
        {"affinity_shrinks_what_is_usable", affinity_shrinks_what_is_usable},
        {"cpu_list_is_what_affinity_allows", cpu_list_is_what_affinity_allows},
        {"the_reason_names_the_tightest_limit",
         the_reason_names_the_tightest_limit},
        {"compact_fills_a_core_then_a_package",
         compact_fills_a_core_then_a_package},
        {"spread_takes_packages_then_cores_then_threads",
         spread_takes_packages_then_cores_then_threads},
        {"v2_quota_is_read", v2_quota_is_read},
        {"v2_max_is_no_quota", v2_max_is_no_quota},
        {"v2_tightest_parent_wins", v2_tightest_parent_wins},
        {"v2_siblings_do_not_matter", v2_siblings_do_not_matter},
        {"v1_quota_is_read", v1_quota_is_read},
        {"v1_tightest_parent_wins", v1_tightest_parent_wins},
        {"hybrid_takes_the_tighter_of_v1_and_v2",
         hybrid_takes_the_tighter_of_v1_and_v2},
        {"a_mount_of_a_part_is_followed", a_mount_of_a_part_is_followed},
        {"a_mount_of_another_part_is_passed_over",
         a_mount_of_another_part_is_passed_over},
        {"a_path_outside_falls_back_to_the_mount_point",
         a_path_outside_falls_back_to_the_mount_point},
        {"a_namespace_root_has_the_containers_quota",
         a_namespace_root_has_the_containers_quota},
        {"a_removed_cgroup_leaves_its_parents",
         a_removed_cgroup_leaves_its_parents},
        {"mount_points_with_spaces_are_read",
         mount_points_with_spaces_are_read},
        {"garbage_is_no_quota", garbage_is_no_quota},
        {"garbage_in_proc_is_no_quota", garbage_in_proc_is_no_quota},
        {"very_long_lines_are_survived", very_long_lines_are_survived},
        {"missing_files_are_no_quota", missing_files_are_no_quota},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

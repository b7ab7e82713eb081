// SPDX-License-Identifier: MIT
// Feeds odd /proc and /sys files to what finds this process's CPU quota: what
// is looked for is a crash, a hang, a sanitizer's complaint, a quota that no
// file says, a count of CPUs that cannot be, or an answer that is another the
// second time.
//
// An input is a small tree: "=NAME\n" begins a file, what follows is in it.
// NAME is one of a few, so that nothing is written elsewhere. How to run it:
// engine.h.
#include "engine.h"

#include "os/cpu.h"

#include <fcntl.h>

enum { INPUT_MAX = 4096, FILES = 12 };

// What an input may have, and the folders for that.
static const char *const names[FILES] = {
    "proc/self/cgroup",
    "proc/self/mountinfo",
    "cg/cpu.max",
    "cg/a/cpu.max",
    "cg/a/b/cpu.max",
    "cg/a b/cpu.max",
    "cg/cpu.cfs_quota_us",
    "cg/cpu.cfs_period_us",
    "cg/a/cpu.cfs_quota_us",
    "cg/a/cpu.cfs_period_us",
    "cg/a/b/cpu.cfs_quota_us",
    "cg/a/b/cpu.cfs_period_us",
};
static const char *const folders[] = {"proc", "proc/self", "cg",
                                      "cg/a", "cg/a/b",    "cg/a b"};
static char root[64];

static void broken(const char *what, const char *more) {
    printf("fuzz_cgroup: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static void in_tree(char *out, size_t size, const char *name) {
    snprintf(out, size, "%s/%s", root, name);
}

static void remove_tree(void) {
    char path[128];
    for (size_t i = 0; i < FILES; i++) {
        in_tree(path, sizeof(path), names[i]);
        unlink(path);
    }
    for (size_t i = sizeof(folders) / sizeof(folders[0]); i > 0; i--) {
        in_tree(path, sizeof(path), folders[i - 1]);
        rmdir(path);
    }
    rmdir(root);
}

static void prepare(void) {
    char path[128];
    if (root[0] != '\0')
        return;
    struct stat status;
    snprintf(root, sizeof(root), "%s/weir-fuzz-XXXXXX",
             stat("/dev/shm", &status) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(root) == NULL)
        broken("no folder", root);
    atexit(remove_tree);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        in_tree(path, sizeof(path), folders[i]);
        if (mkdir(path, 0700) != 0)
            broken("no folder", path);
    }
}

static void put_file(size_t at, const char *text, size_t size) {
    char path[128];
    in_tree(path, sizeof(path), names[at]);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size)
        broken("cannot write", path);
    close(fd);
}

// Writes the files of an input; all others are gone.
static void put_tree(const char *text, size_t size) {
    static bool there[FILES];
    bool now[FILES] = {false};
    for (size_t at = 0; at < size;) {
        const char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t length = end == NULL ? size - at : (size_t)(end - line);
        size_t begin = at + length + (end != NULL), stop = begin;
        while (stop < size && (text[stop] != '=' || text[stop - 1] != '\n'))
            stop++;
        for (size_t i = 0; i < FILES; i++)
            if (length == strlen(names[i]) + 1 && line[0] == '=' && !now[i] &&
                memcmp(line + 1, names[i], length - 1) == 0) {
                put_file(i, text + begin, stop - begin);
                now[i] = true;
            }
        at = stop > at ? stop : at + 1;
    }
    for (size_t i = 0; i < FILES; i++) {
        char path[128];
        in_tree(path, sizeof(path), names[i]);
        if (there[i] && !now[i])
            unlink(path);
        there[i] = now[i];
    }
}

// Wherever it comes from, some digits of the input say so.
static bool has_digits(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (text[i] >= '1' && text[i] <= '9')
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    prepare();
    put_tree(text, size);
    int64_t quota = wr_cgroup_quota(root);
    if (quota < 1)
        broken("no quota", "less than a hundredth");
    if (quota != WR_NO_QUOTA &&
        (!has_digits(text, size) || memmem(text, size, "cgroup", 6) == NULL))
        broken("a quota out of nothing", "");
    // It reads all of them again.
    wr_cpu_limits limits;
    wr_cpu_limits_read_at(&limits, root);
    int64_t whole = quota / 100 + (quota % 100 != 0);
    if (quota != WR_NO_QUOTA &&
        limits.quota != (whole > INT32_MAX ? INT32_MAX : whole))
        broken("another quota the second time", limits.reason);
    if (limits.usable < 1 || limits.usable > limits.online ||
        limits.usable > limits.affinity || limits.quota < 0 ||
        (limits.quota == 0) != (quota == WR_NO_QUOTA) ||
        (limits.quota != 0 && limits.usable > limits.quota))
        broken("CPUs that cannot be", limits.reason);
    if (limits.reason[0] == '\0' || strchr(limits.reason, '\n') != NULL ||
        strlen(limits.reason) >= sizeof(limits.reason))
        broken("not one line", limits.reason);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: trees whose quota is known, then damaged a little

static char *put_text(char *at, const char *end, const char *name,
                      const char *text) {
    int size = snprintf(at, (size_t)(end - at), "=%s\n%s\n", name, text);
    return at + size;
}

static int64_t hundredths(int64_t quota, int64_t period) {
    return (quota * 100 + period - 1) / period;
}

// Returns the tightest quota there is; *size: of the text.
static int64_t seed_tree(char *text, size_t *size) {
    static const char *const places[] = {"cg", "cg/a", "cg/a/b"};
    const char *end = text + INPUT_MAX;
    bool two = below(2);
    int64_t tightest = WR_NO_QUOTA;
    char *at = put_text(text, end, names[0],
                        two ? "9:memory:/x\n0::/a/b" : "0::/\n4:cpu,x:/a/b");
    at = put_text(
        at, end, names[1],
        two ? "22 1 0:2 / / rw - ext4 e rw\n30 22 0:26 / /cg rw,x shared:4 - "
              "cgroup2 cgroup2 rw,nsdelegate"
            : "31 22 0:27 / /cg rw shared:9 master:2 - cgroup cgroup rw,cpu,x");
    for (size_t i = 0; i < 3; i++) {
        int64_t quota = 1 + (int64_t)below(400000), period = 100000;
        char name[64], line[64];
        bool none = below(3) == 0;
        snprintf(name, sizeof(name), "%s/cpu.%s", places[i],
                 two ? "max" : "cfs_quota_us");
        if (two && none)
            snprintf(line, sizeof(line), "max %" PRId64, period);
        else if (two)
            snprintf(line, sizeof(line), "%" PRId64 " %" PRId64, quota, period);
        else
            snprintf(line, sizeof(line), "%" PRId64, none ? -1 : quota);
        at = put_text(at, end, name, line);
        snprintf(name, sizeof(name), "%s/cpu.cfs_period_us", places[i]);
        if (!two)
            at = put_text(at, end, name, "100000");
        if (!none && hundredths(quota, period) < tightest)
            tightest = hundredths(quota, period);
    }
    *size = (size_t)(at - text);
    return tightest;
}

static void one_round(void) {
    static const char odd[] = "\n\0 =:,/\\.-0149mc\xff";
    static char text[INPUT_MAX + 64];
    size_t size;
    int64_t quota = seed_tree(text, &size);
    if (below(8) == 0) {
        LLVMFuzzerTestOneInput((uint8_t *)text, size);
        if (wr_cgroup_quota(root) != quota)
            broken("not the tightest quota", text);
        return;
    }
    size = fuzz_damage((uint8_t *)text, size, odd, sizeof(odd) - 1, 6, 250);
    LLVMFuzzerTestOneInput((uint8_t *)text, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_cgroup", one_round);
}

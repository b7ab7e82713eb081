// SPDX-License-Identifier: MIT
// The CPU quota of this process's cgroup. /proc/self/cgroup gives its path in
// each hierarchy, /proc/self/mountinfo where each hierarchy is mounted and
// which part of it: inside a container both are only a piece of the host's.
#include "os/cpu.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, HIERARCHIES = 2 };

// One hierarchy with a CPU controller: [0] cgroup v2, [1] cgroup v1.
typedef struct hierarchy {
    char path[PATH_BYTES];  // of this process; empty: not in this hierarchy
    bool matched;           // a mount shows this path
    char other[PATH_BYTES]; // a mount point that does not; empty: none
    int64_t quota;
} hierarchy;

typedef struct search {
    const char *root;
    hierarchy of[HIERARCHIES];
} search;

static int64_t tighter(int64_t a, int64_t b) { return a < b ? a : b; }

// A whole non-negative decimal number; *text moves behind it.
static bool take_number(const char **text, int64_t *out) {
    if (!isdigit((unsigned char)**text))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(*text, &end, 10);
    if (errno != 0)
        return false;
    *text = end;
    *out = value;
    return true;
}

static int64_t hundredths(int64_t quota, int64_t period) {
    if (quota <= 0 || period <= 0)
        return WR_NO_QUOTA;
    if (quota > INT64_MAX / 100 - period)
        return WR_NO_QUOTA; // more CPUs than there are
    int64_t value = (quota * 100 + period - 1) / period;
    return value;
}

// Reads the first line, without its newline. False: no such file, or no line.
static bool first_line(const char *path, char *line, size_t bytes) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(line, (int)bytes, file) != NULL;
    fclose(file);
    if (got)
        line[strcspn(line, "\n")] = '\0';
    return got;
}

static bool join(char *out, const char *a, const char *b, const char *c) {
    int length = snprintf(out, PATH_BYTES, "%s%s%s", a, b, c);
    return length >= 0 && length < PATH_BYTES;
}

// "150000 100000" or "max 100000".
static int64_t quota_v2(const char *folder) {
    char path[PATH_BYTES];
    char line[128];
    if (!join(path, folder, "/cpu.max", "") ||
        !first_line(path, line, sizeof(line)))
        return WR_NO_QUOTA;
    const char *at = line;
    int64_t quota;
    int64_t period;
    if (!take_number(&at, &quota) || *at++ != ' ' ||
        !take_number(&at, &period) || *at != '\0')
        return WR_NO_QUOTA;
    return hundredths(quota, period);
}

static bool number_file(const char *folder, const char *name, int64_t *out) {
    char path[PATH_BYTES];
    char line[128];
    if (!join(path, folder, name, "") || !first_line(path, line, sizeof(line)))
        return false;
    const char *at = line;
    return take_number(&at, out) && *at == '\0';
}

// Two files; a quota of -1 is none.
static int64_t quota_v1(const char *folder) {
    int64_t quota;
    int64_t period;
    if (!number_file(folder, "/cpu.cfs_quota_us", &quota) ||
        !number_file(folder, "/cpu.cfs_period_us", &period))
        return WR_NO_QUOTA;
    return hundredths(quota, period);
}

// The tightest quota of mount/below and every folder above it up to mount.
static int64_t walk(const search *s, int version, const char *mount,
                    const char *below) {
    char folder[PATH_BYTES];
    if (!join(folder, s->root, mount, below))
        return WR_NO_QUOTA;
    size_t top = strlen(s->root) + strlen(mount);
    int64_t quota = WR_NO_QUOTA;
    for (;;) {
        quota =
            tighter(quota, version == 0 ? quota_v2(folder) : quota_v1(folder));
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < top)
            return quota;
        *slash = '\0';
    }
}

// True when `word` is one of the comma-separated words of `list`.
static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 &&
            (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

// "/.." is a cgroup outside of this process's namespace: no mount shows it.
static bool leads_out(const char *path) {
    const char *at = strstr(path, "/..");
    return at != NULL && (at[3] == '/' || at[3] == '\0');
}

// A line of /proc/self/cgroup: "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1).
static void read_cgroup_line(search *s, char *line) {
    char *controllers = strchr(line, ':');
    if (controllers == NULL)
        return;
    *controllers++ = '\0';
    char *path = strchr(controllers, ':');
    if (path == NULL || path[1] != '/')
        return;
    *path++ = '\0';
    hierarchy *h = NULL;
    if (strcmp(line, "0") == 0 && controllers[0] == '\0')
        h = &s->of[0];
    else if (has_word(controllers, "cpu"))
        h = &s->of[1];
    if (h != NULL && strlen(path) < PATH_BYTES)
        strcpy(h->path, path);
}

// mountinfo writes space, tab, newline and backslash as \ooo.
static void unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
            from[2] >= '0' && from[2] <= '7' && from[3] >= '0' &&
            from[3] <= '7') {
            *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
                           (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

// `part` is the part of the hierarchy that is mounted at `mount`.
static void read_mount(search *s, int version, char *part, char *mount) {
    hierarchy *h = &s->of[version];
    unescape(part);
    unescape(mount);
    if (strcmp(mount, "/") == 0)
        mount = "";
    size_t length = strcmp(part, "/") == 0 ? 0 : strlen(part);
    bool shows = h->path[0] != '\0' && !leads_out(h->path) &&
                 strncmp(h->path, part, length) == 0 &&
                 (h->path[length] == '/' || h->path[length] == '\0');
    if (shows) {
        const char *below = h->path + length;
        h->matched = true;
        h->quota =
            tighter(h->quota, walk(s, version, mount,
                                   strcmp(below, "/") == 0 ? "" : below));
    } else if (h->other[0] == '\0' && mount[0] != '\0' &&
               strlen(mount) < PATH_BYTES) {
        strcpy(h->other, mount);
    }
}

// "36 35 98:0 /part /mount options [tags] - type source options".
static void read_mount_line(search *s, char *line) {
    char *words[6];
    char *rest = line;
    for (int i = 0; i < 6; i++) {
        words[i] = strsep(&rest, " ");
        if (rest == NULL)
            return;
    }
    for (char *tag; (tag = strsep(&rest, " ")) != NULL;)
        if (strcmp(tag, "-") == 0)
            break;
    char *type = strsep(&rest, " ");
    strsep(&rest, " ");
    if (type == NULL || rest == NULL)
        return;
    if (strcmp(type, "cgroup2") == 0)
        read_mount(s, 0, words[3], words[4]);
    else if (strcmp(type, "cgroup") == 0 && has_word(rest, "cpu"))
        read_mount(s, 1, words[3], words[4]);
}

static void each_line(search *s, const char *name,
                      void (*use)(search *, char *)) {
    char path[PATH_BYTES];
    if (!join(path, s->root, name, ""))
        return;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) >= 0) {
        line[strcspn(line, "\n")] = '\0';
        use(s, line);
    }
    free(line);
    fclose(file);
}

int64_t wr_cgroup_quota(const char *root) {
    search *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return WR_NO_QUOTA;
    s->root = strcmp(root, "/") == 0 ? "" : root;
    for (int i = 0; i < HIERARCHIES; i++)
        s->of[i].quota = WR_NO_QUOTA;
    each_line(s, "/proc/self/cgroup", read_cgroup_line);
    each_line(s, "/proc/self/mountinfo", read_mount_line);

    int64_t quota = WR_NO_QUOTA;
    for (int i = 0; i < HIERARCHIES; i++) {
        hierarchy *h = &s->of[i];
        // In a container that sees the host's path but not the host's tree,
        // the mount point is as near as it gets.
        if (!h->matched && h->path[0] != '\0' && h->other[0] != '\0')
            h->quota = walk(s, i, h->other, "");
        quota = tighter(quota, h->quota);
    }
    free(s);
    return quota;
}

// SPDX-License-Identifier: MIT
// Looking for the folders that a pattern names. A folder's names are read
// before any of it is entered, so that depth costs no open files. `**` enters
// no symbolic links, so it ends.
#include "programs/deps/project_inside.h"

#include "base/fault.h"
#include "base/hash.h"
#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

// Where a `**` has been: a path and the `**` as two hashes under secrets, so
// that nobody can choose names that meet.
typedef struct been {
    uint64_t hash[2]; // both 0: free
} been;

typedef struct walk {
    const wr_glob_path *glob;
    wr_hash_secret secret[2];
    been *been; // open addressing, a power of two
    size_t beens, rooms;
    size_t dir; // where in `path` what is relative begins
    int (*found)(void *context, const char *path);
    void *context;
    char path[PATH_MAX];
} walk;

static int expand(walk *w, size_t size, size_t at);

// Puts a name behind the path; 0: no room.
static size_t push(walk *w, size_t size, wr_text name) {
    size_t needed = size + 1 + name.size;
    if (needed >= sizeof(w->path))
        return 0;
    w->path[size] = '/';
    memcpy(w->path + size + 1, name.at, name.size);
    w->path[needed] = 0;
    return needed;
}

static bool is(wr_text name, const char *text) {
    return name.size == strlen(text) && memcmp(name.at, text, name.size) == 0;
}

// A segment that is a name: whether it is there is seen at the end.
static int expand_literal(walk *w, size_t size, size_t at, wr_text name) {
    size_t next = is(name, "node_modules") ? 0 : push(w, size, name);
    if (next == 0)
        return 0;
    return expand(w, next, at + 1);
}

// ---- the names in a folder -------------------------------------------------

typedef struct names {
    char *text; // each with a byte that says what it is, and a 0
    size_t size, room;
} names;

enum { FOLDER = 'f', LINK = 'l' };

static int add_name(names *n, char kind, const char *name) {
    size_t size = strlen(name) + 1;
    if (n->room - n->size < size + 1) {
        size_t room = 2 * (n->room + size + 512);
        char *larger = wr_malloc(room);
        if (larger == NULL)
            return -ENOMEM;
        if (n->size > 0)
            memcpy(larger, n->text, n->size);
        wr_free(n->text);
        n->text = larger;
        n->room = room;
    }
    n->text[n->size++] = kind;
    memcpy(n->text + n->size, name, size);
    n->size += size;
    return 0;
}

// 0: neither a folder nor a link to one.
static char kind_of(DIR *dir, const struct dirent *entry) {
    struct stat status;
    if (entry->d_type == DT_DIR)
        return FOLDER;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return 0;
    if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    if (S_ISDIR(status.st_mode))
        return FOLDER;
    return fstatat(dirfd(dir), entry->d_name, &status, 0) == 0 &&
                   S_ISDIR(status.st_mode)
               ? LINK
               : 0;
}

static int read_names(names *n, const char *path) {
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOMEM ? -ENOMEM : 0; // nothing to be found there
    struct dirent *entry;
    int error = 0;
    while (error == 0 && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            strcmp(name, "node_modules") == 0)
            continue;
        char kind = kind_of(dir, entry);
        if (kind != 0)
            error = add_name(n, kind, name);
    }
    closedir(dir);
    return error;
}

// ---- the segments ----------------------------------------------------------

// A folder that `**` comes by. As in npm, it takes a link as its last name, if
// it does not begin the pattern.
static int enter(walk *w, size_t size, size_t at, char kind, wr_text name) {
    if (name.at[0] == '.' || (kind == LINK && at == 0))
        return 0;
    size_t next = push(w, size, name);
    return next == 0 ? 0 : expand(w, next, kind == LINK ? at + 1 : at);
}

static int expand_names(walk *w, size_t size, size_t at, wr_text segment) {
    names n = {0};
    bool all = wr_glob_is_star2(segment);
    int error = read_names(&n, w->path);
    for (size_t i = 0; error == 0 && i < n.size;) {
        char kind = n.text[i];
        wr_text name = {n.text + i + 1, strlen(n.text + i + 1)};
        i += name.size + 2;
        if (all) {
            error = enter(w, size, at, kind, name);
        } else if (wr_glob_segment(segment, name, false)) {
            size_t next = push(w, size, name);
            if (next != 0)
                error = expand(w, next, at + 1);
        }
        w->path[size] = 0;
    }
    wr_free(n.text);
    return error;
}

// ---- folders that a `**` has been to ---------------------------------------

static been *place_of(been *list, size_t rooms, const been *one) {
    size_t at = (size_t)one->hash[0] & (rooms - 1);
    while ((list[at].hash[0] | list[at].hash[1]) != 0 &&
           memcmp(&list[at], one, sizeof(*one)) != 0)
        at = (at + 1) & (rooms - 1);
    return &list[at];
}

static int make_room(walk *w) {
    if (w->beens * 2 < w->rooms)
        return 0;
    size_t rooms = w->rooms == 0 ? 256 : 2 * w->rooms;
    been *larger = wr_calloc(rooms, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < w->rooms; i++)
        if ((w->been[i].hash[0] | w->been[i].hash[1]) != 0)
            *place_of(larger, rooms, &w->been[i]) = w->been[i];
    wr_free(w->been);
    w->been = larger;
    w->rooms = rooms;
    return 0;
}

// With several `**` there are as many ways to a folder as ways to share out its
// depth among them: the first is enough. 1: it was here; or an error.
static int was_here(walk *w, size_t size, size_t at) {
    been one;
    size_t first = 0;
    while (!wr_glob_is_star2(w->glob->segment[first]))
        first++;
    if (first == at)
        return 0; // there is one way to it
    int error = make_room(w);
    if (error != 0)
        return error;
    // Longer than 64 bytes: the hash is a PRF then, and equal ones are the
    // same.
    char padded[72] = "";
    const char *path = w->path;
    if (size < sizeof(padded)) {
        memcpy(padded, w->path, size);
        path = padded;
    }
    for (size_t i = 0; i < 2; i++)
        one.hash[i] = wr_hash(&w->secret[i], path,
                              size < sizeof(padded) ? sizeof(padded) : size) +
                      (uint64_t)at * UINT64_C(0x9e3779b97f4a7c15) + 1;
    been *place = place_of(w->been, w->rooms, &one);
    if ((place->hash[0] | place->hash[1]) != 0)
        return 1;
    *place = one;
    w->beens++;
    return 0;
}

static void forget(walk *w) {
    wr_free(w->been);
    w->been = NULL;
    w->beens = w->rooms = 0;
}

// ---- all segments ----------------------------------------------------------

static int expand(walk *w, size_t size, size_t at) {
    if (at == w->glob->segments) {
        const char *relative = w->path + w->dir;
        return size > w->dir ? w->found(w->context, relative + 1) : 0;
    }
    wr_text segment = w->glob->segment[at];
    if (wr_glob_is_literal(segment))
        return expand_literal(w, size, at, segment);
    if (wr_glob_is_star2(segment)) {
        int error = was_here(w, size, at);
        if (error != 0)
            return error < 0 ? error : 0;
        error = expand(w, size, at + 1);
        if (error != 0)
            return error;
        // What that has left behind the path.
        w->path[size] = 0;
    }
    return expand_names(w, size, at, segment);
}

int wr_glob_walk(const wr_glob *glob, const char *dir,
                 int (*found)(void *context, const char *path), void *context) {
    walk *w = wr_malloc(sizeof(*w));
    int error = 0;
    if (w == NULL)
        return -ENOMEM;
    w->dir = strlen(dir);
    w->found = found;
    w->context = context;
    w->been = NULL;
    w->beens = w->rooms = 0;
    wr_entropy(&w->secret, sizeof(w->secret));
    if (w->dir >= sizeof(w->path))
        error = -ENAMETOOLONG;
    for (size_t i = 0; error == 0 && i < glob->paths; i++) {
        memcpy(w->path, dir, w->dir + 1);
        w->glob = &glob->path[i];
        error = expand(w, w->dir, 0);
        forget(w); // another pattern
    }
    wr_free(w);
    return error;
}

// SPDX-License-Identifier: MIT
// A project: its package.json, and those of the workspaces that its patterns
// name. The order of patterns matters to what is left out alone; the result is
// sorted.
#include "programs/deps/project_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct reader {
    wr_project *project;
    const char *dir;
    bool legacy_peers;
    wr_glob **wanted, **unwanted; // NULL: taken out again
    wr_text *pattern;             // of wanted, without `!` and `./`
    size_t wanteds, unwanteds;
    char **path; // what was found
    size_t paths, room;
    wr_why *why;
} reader;

static int no_memory(wr_why *why) {
    return wr_refuse(why, -ENOMEM, "ENOMEM", "no memory for a project");
}

// ---- a file ----------------------------------------------------------------

static int read_all(char *out, int fd, size_t *size) {
    size_t used = 0;
    while (used < *size) {
        ssize_t got = read(fd, out + used, *size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    *size = used;
    return 0;
}

static int read_open(char **out, size_t *size, int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    if (!S_ISREG(status.st_mode))
        return -ENOTSUP;
    if (status.st_size > WR_MANIFEST_BYTES_MAX)
        return -E2BIG;
    *size = (size_t)status.st_size;
    *out = wr_malloc(*size + 1);
    if (*out == NULL)
        return -ENOMEM;
    int error = read_all(*out, fd, size);
    if (error != 0)
        wr_free(*out);
    return error;
}

static int refuse_file(reader *r, int error, const char *name) {
    switch (error) {
    case -ENOMEM: return no_memory(r->why);
    case -ENOENT:
    case -ENOTDIR:
        return wr_refuse(r->why, -ENOENT, "ENOENT", "%s: no such file", name);
    case -EISDIR:
        return wr_refuse(r->why, error, "EISDIR", "%s: is a folder", name);
    case -ENOTSUP:
        return wr_refuse(r->why, -EINVAL, "EBADDOC", "%s: is no file", name);
    case -E2BIG:
        return wr_refuse(r->why, error, "ETOOBIG", "%s: more than %d bytes",
                         name, (int)WR_MANIFEST_BYTES_MAX);
    case -EACCES:
        return wr_refuse(r->why, error, "EACCES", "%s: %s", name,
                         strerror(-error));
    default:
        return wr_refuse(r->why, error, "EIO", "%s: %s", name,
                         strerror(-error));
    }
}

// dir/path/package.json; path "": the root.
static int read_manifest(wr_manifest *out, reader *r, const char *path,
                         wr_manifest_role role) {
    char file[PATH_MAX], *text = NULL;
    const char *slash = *path == 0 ? "" : "/";
    int length = snprintf(file, sizeof(file), "%s/%s%spackage.json", r->dir,
                          path, slash);
    const char *name = file + strlen(r->dir) + 1;
    if (length >= (int)sizeof(file))
        return refuse_file(r, -ENAMETOOLONG, path);
    // A pipe would be waited for.
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse_file(r, -errno, name);
    size_t size = 0;
    int error = read_open(&text, &size, fd);
    close(fd);
    if (error != 0)
        return refuse_file(r, error, name);
    wr_why why = {"", ""};
    error = wr_manifest_parse_as(out, text, size, role, r->legacy_peers, &why);
    wr_free(text);
    if (error != 0)
        wr_refuse(r->why, error, why.code, "%s: %s", name, why.text);
    return error;
}

// ---- patterns --------------------------------------------------------------

// The pattern without its `!` and the slash it begins with; odd: not wanted.
static wr_text strip(wr_text pattern, bool *unwanted) {
    *unwanted = false;
    while (pattern.size > 0 && pattern.at[0] == '!') {
        *unwanted = !*unwanted;
        pattern.at++;
        pattern.size--;
    }
    size_t skip = pattern.size > 1 && pattern.at[0] == '.' ? 1 : 0;
    if (pattern.size <= skip || pattern.at[skip] != '/')
        return pattern;
    while (skip < pattern.size && pattern.at[skip] == '/')
        skip++;
    return (wr_text){pattern.at + skip, pattern.size - skip};
}

static bool has(const wr_glob *glob, wr_text pattern) {
    char text[PATH_MAX];
    if (pattern.size >= sizeof(text))
        return false;
    memcpy(text, pattern.at, pattern.size);
    text[pattern.size] = 0;
    return wr_glob_has(glob, text, false, false);
}

static void take_out(wr_glob **list, size_t *count, size_t at) {
    wr_glob_free(list[at]);
    --*count;
    memmove(list + at, list + at + 1, (*count - at) * sizeof(*list));
}

// What is wanted after it was unwanted is wanted. (As in npm, the pattern
// behind one that is taken out is not looked at.)
static void want_again(reader *r, wr_text pattern) {
    for (size_t i = 0; i < r->unwanteds; i++)
        if (has(r->unwanted[i], pattern))
            take_out(r->unwanted, &r->unwanteds, i);
}

static void leave_out(reader *r) {
    for (size_t i = 0; i < r->unwanteds; i++) {
        for (size_t j = 0; j < r->wanteds;) {
            if (!has(r->unwanted[i], r->pattern[j])) {
                j++;
                continue;
            }
            take_out(r->wanted, &r->wanteds, j);
            memmove(r->pattern + j, r->pattern + j + 1,
                    (r->wanteds - j) * sizeof(*r->pattern));
        }
    }
}

static int read_patterns(reader *r) {
    const wr_manifest *root = &r->project->root;
    r->wanted = wr_calloc(root->workspaces, sizeof(*r->wanted));
    r->unwanted = wr_calloc(root->workspaces, sizeof(*r->unwanted));
    r->pattern = wr_calloc(root->workspaces, sizeof(*r->pattern));
    if (r->wanted == NULL || r->unwanted == NULL || r->pattern == NULL)
        return no_memory(r->why);
    for (size_t i = 0; i < root->workspaces; i++) {
        bool unwanted;
        const char *rejected;
        wr_glob *glob;
        wr_text pattern = strip(root->workspace[i], &unwanted);
        int error = wr_glob_parse(&glob, pattern.at, pattern.size, &rejected);
        if (error == -ENOMEM)
            return no_memory(r->why);
        if (error != 0)
            return wr_refuse(r->why, error, "EWORKSPACESCONFIG",
                             "package.json: workspaces '%.*s': %s",
                             (int)pattern.size, pattern.at, rejected);
        if (unwanted) {
            r->unwanted[r->unwanteds++] = glob;
            continue;
        }
        want_again(r, pattern);
        r->pattern[r->wanteds] = pattern;
        r->wanted[r->wanteds++] = glob;
    }
    leave_out(r);
    return 0;
}

// ---- what they name --------------------------------------------------------

static int add_found(void *context, const char *path) {
    reader *r = context;
    for (size_t i = 0; i < r->unwanteds; i++)
        if (wr_glob_has(r->unwanted[i], path, true, true))
            return 0;
    if (r->paths == r->room) {
        size_t room = r->room == 0 ? 64 : 2 * r->room;
        char **larger = wr_calloc(room, sizeof(*larger));
        if (larger == NULL)
            return -ENOMEM;
        if (r->paths > 0)
            memcpy(larger, r->path, r->paths * sizeof(*larger));
        wr_free(r->path);
        r->path = larger;
        r->room = room;
    }
    size_t size = strlen(path) + 1;
    char *copy = wr_malloc(size);
    if (copy == NULL)
        return -ENOMEM;
    r->path[r->paths++] = memcpy(copy, path, size);
    return 0;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int find_folders(reader *r) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < r->wanteds; i++)
        error = wr_glob_walk(r->wanted[i], r->dir, add_found, r);
    if (error != 0)
        return error == -ENOMEM ? no_memory(r->why)
                                : refuse_file(r, error, r->dir);
    if (r->paths > 1)
        qsort(r->path, r->paths, sizeof(*r->path), compare_paths);
    size_t kept = 0;
    for (size_t i = 0; i < r->paths; i++) {
        if (kept > 0 && strcmp(r->path[kept - 1], r->path[i]) == 0)
            wr_free(r->path[i]);
        else
            r->path[kept++] = r->path[i];
    }
    r->paths = kept;
    return 0;
}

// The folder's name, with its scope's folder before it.
static wr_text name_of_folder(const char *path) {
    const char *slash = strrchr(path, '/'), *name = path;
    if (slash != NULL) {
        const char *before = slash;
        while (before > path && before[-1] != '/')
            before--;
        name = *before == '@' ? before : slash + 1;
    }
    return (wr_text){name, strlen(name)};
}

static int read_workspaces(reader *r) {
    wr_project *project = r->project;
    project->workspace = wr_calloc(r->paths, sizeof(wr_workspace));
    if (project->workspace == NULL)
        return no_memory(r->why);
    for (size_t i = 0; i < r->paths; i++) {
        wr_workspace *one = &project->workspace[project->workspaces];
        int error =
            read_manifest(&one->manifest, r, r->path[i], WR_MANIFEST_WORKSPACE);
        if (error == -ENOENT)
            continue;
        if (error != 0)
            return error;
        one->path = r->path[i];
        r->path[i] = NULL;
        if (one->manifest.name.size == 0)
            one->manifest.name = name_of_folder(one->path);
        project->workspaces++;
    }
    if (r->why != NULL)
        *r->why = (wr_why){"", ""};
    return 0;
}

// ---- their edges -----------------------------------------------------------

static int compare_names(const void *a, const void *b) {
    const wr_edge *x = a, *y = b;
    int order = wr_manifest_compare(x->name, y->name);
    return order != 0 ? order : wr_manifest_compare(x->spec, y->spec);
}

// `file:` and the path; a # would begin a fragment.
static size_t put_spec(char *out, const char *path) {
    size_t size = 5;
    memcpy(out, "file:", 5);
    for (; *path != 0; path++) {
        if (*path == '#') {
            memcpy(out + size, "%23", 3);
            size += 3;
        } else {
            out[size++] = *path;
        }
    }
    return size;
}

static int check_edges(reader *r, const wr_edge *edge, size_t edges) {
    for (size_t i = 0; i < edges; i++) {
        const wr_override *override;
        if (i > 0 && wr_manifest_compare(edge[i - 1].name, edge[i].name) == 0)
            return wr_refuse(
                r->why, -EINVAL, "EDUPLICATEWORKSPACE",
                "workspaces of the same name '%.*s': %.*s and %.*s",
                (int)edge[i].name.size, edge[i].name.at,
                (int)edge[i - 1].spec.size - 5, edge[i - 1].spec.at + 5,
                (int)edge[i].spec.size - 5, edge[i].spec.at + 5);
        int error =
            wr_manifest_override_of(&override, &r->project->root, &edge[i]);
        if (error != 0)
            return no_memory(r->why);
        error = wr_manifest_contradiction(override, &edge[i], r->why);
        if (error != 0)
            return error;
    }
    return 0;
}

static int add_edges(reader *r) {
    wr_project *project = r->project;
    size_t count = project->workspaces, texts = 0;
    for (size_t i = 0; i < count; i++)
        texts += 5 + 3 * strlen(project->workspace[i].path);
    if (count == 0)
        return 0;
    wr_edge *edge = wr_manifest_reserve(&project->root, count, texts);
    if (edge == NULL)
        return no_memory(r->why);
    char *text = (char *)(edge + count);
    for (size_t i = 0; i < count; i++) {
        const wr_workspace *one = &project->workspace[i];
        size_t size = put_spec(text, one->path);
        edge[i] =
            (wr_edge){one->manifest.name, {text, size}, WR_EDGE_WORKSPACE};
        text += size;
    }
    qsort(edge, count, sizeof(*edge), compare_names);
    int error = check_edges(r, edge, count);
    if (error == 0 && wr_manifest_add(&project->root, edge, count) != 0)
        error = no_memory(r->why);
    return error;
}

// ---- the whole -------------------------------------------------------------

static int read_project(reader *r) {
    int error = read_manifest(&r->project->root, r, "", WR_MANIFEST_ROOT);
    if (error != 0 || r->project->root.workspaces == 0)
        return error;
    error = read_patterns(r);
    if (error == 0)
        error = find_folders(r);
    if (error == 0 && r->paths > 0)
        error = read_workspaces(r);
    if (error == 0)
        error = add_edges(r);
    return error;
}

int wr_project_read(wr_project *out, const char *dir, bool legacy_peers,
                    wr_why *why) {
    *out = (wr_project){0};
    reader r = {.project = out,
                .dir = *dir == 0 ? "." : dir,
                .legacy_peers = legacy_peers,
                .why = why};
    int error = read_project(&r);
    for (size_t i = 0; i < r.wanteds; i++)
        wr_glob_free(r.wanted[i]);
    for (size_t i = 0; i < r.unwanteds; i++)
        wr_glob_free(r.unwanted[i]);
    for (size_t i = 0; i < r.paths; i++)
        wr_free(r.path[i]);
    wr_free(r.wanted);
    wr_free(r.unwanted);
    wr_free(r.pattern);
    wr_free(r.path);
    if (error != 0)
        wr_project_free(out);
    return error;
}

void wr_project_free(wr_project *project) {
    for (size_t i = 0; i < project->workspaces; i++) {
        wr_manifest_free(&project->workspace[i].manifest);
        wr_free(project->workspace[i].path);
    }
    wr_free(project->workspace);
    wr_manifest_free(&project->root);
    *project = (wr_project){0};
}

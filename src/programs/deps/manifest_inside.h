// SPDX-License-Identifier: MIT
// What the parts of manifests and projects share.
#ifndef WEIR_PROGRAMS_DEPS_MANIFEST_INSIDE_H
#define WEIR_PROGRAMS_DEPS_MANIFEST_INSIDE_H

#include "programs/deps/manifest.h"

#include <jansson.h>

typedef enum wr_manifest_role {
    WR_MANIFEST_PACKAGE,   // a registry's version
    WR_MANIFEST_WORKSPACE, // its overrides do not count
    WR_MANIFEST_ROOT,
} wr_manifest_role;

int wr_manifest_parse_as(wr_manifest *out, const char *json, size_t size,
                         wr_manifest_role role, bool legacy_peers, wr_why *why);

static inline wr_text wr_manifest_text(const json_t *string) {
    return (wr_text){json_string_value(string), json_string_length(string)};
}
// Compares by bytes.
int wr_manifest_compare(wr_text a, wr_text b);
int wr_manifest_compare_edges(const void *a, const void *b); // name, type

// wr_manifest_read_plain reads a package's in place, if it is plain enough. Its
// texts point into json.
enum { WR_MANIFEST_PLAIN_EDGES = 128 };
typedef struct wr_manifest_plain {
    wr_text name, version, integrity, tarball, shasum;
    bool has_shrinkwrap;
    size_t edges;
    const char *meta;                      // peerDependenciesMeta
    unsigned seen;                         // fields
    wr_edge edge[WR_MANIFEST_PLAIN_EDGES]; // one per name, sorted
} wr_manifest_plain;
bool wr_manifest_read_plain(wr_manifest_plain *out, const char *json,
                            size_t size, bool legacy_peers);

// wr_manifest_overrides fills in out->override, whose texts point into the
// tree, and checks it against out->edge. The array is the caller's to free.
int wr_manifest_overrides(wr_manifest *out, const json_t *root, wr_why *why);

// wr_manifest_contradiction: an edge of the root that an override would change.
int wr_manifest_contradiction(const wr_override *override, const wr_edge *edge,
                              wr_why *why);

// wr_manifest_reserve gives memory that goes with the manifest: edges, and
// behind them so many bytes of text. NULL: none.
wr_edge *wr_manifest_reserve(wr_manifest *manifest, size_t edges, size_t texts);
// wr_manifest_add puts edges in, each in place of one that has its name.
int wr_manifest_add(wr_manifest *manifest, const wr_edge *edge, size_t edges);

// Patterns of workspaces, as npm's minimatch reads them; without extglobs.
typedef struct wr_glob wr_glob;

// wr_glob_parse: *rejected says what it has that is not read (-EINVAL).
int wr_glob_parse(wr_glob **out, const char *pattern, size_t size,
                  const char **rejected);
void wr_glob_free(wr_glob *glob); // NULL is allowed
// dots: `*` matches names that begin with a dot. folder: the path is one, so
// that `a/**` and `a/` match `a`.
bool wr_glob_has(const wr_glob *glob, const char *path, bool dots, bool folder);
// wr_glob_walk calls found for each path below dir that may be a folder that
// the pattern names, relative to dir, perhaps more than once, never one below a
// node_modules. Stops when found returns an error.
int wr_glob_walk(const wr_glob *glob, const char *dir,
                 int (*found)(void *context, const char *path), void *context);

#endif

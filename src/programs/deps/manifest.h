// SPDX-License-Identifier: MIT
// A package.json, or a version's object in a registry document: what it needs.
//
//   threads    any.
//   ownership  a manifest owns its texts (in `memory`).
//   errors     -EINVAL with why (EJSONPARSE; EBADDOC: a field of the wrong
//              type where npm fails too), -ENOENT (ENOENT: no such file),
//              -E2BIG, -ENOMEM, what open and read give.
#ifndef WEIR_PROGRAMS_DEPS_MANIFEST_H
#define WEIR_PROGRAMS_DEPS_MANIFEST_H

#include "programs/deps/types.h"

enum { WR_MANIFEST_BYTES_MAX = 16 << 20 };

// In npm's order of loading: of edges with one name the later replaces the
// earlier.
typedef enum wr_edge_type {
    WR_EDGE_PEER,
    WR_EDGE_PEER_OPTIONAL,
    WR_EDGE_PROD,
    WR_EDGE_OPTIONAL,
    WR_EDGE_DEV,
    WR_EDGE_WORKSPACE,
} wr_edge_type;
const char *wr_edge_type_name(wr_edge_type type); // "peer", "peerOptional", ..

typedef struct wr_edge {
    wr_text name, spec;
    wr_edge_type type;
} wr_edge;

typedef struct wr_override { // the simple shape: one level
    wr_text name;
    wr_text range; // size 0: any spec of that name
    wr_text spec;  // $references are replaced; "*": leaves the edge's own
                   // spec; size 0: any version
} wr_override;

typedef struct wr_manifest {
    wr_text name, version;      // size 0: none
    wr_text integrity, tarball; // of a registry's version: dist.integrity
                                // (or made of dist.shasum), dist.tarball
    wr_edge *edge;              // one per name, sorted by name (bytes);
    size_t edges;               // a package's bundled ones left out (as npm,
                                // a top keeps them)
    wr_text *bundled;           // names of bundleDependencies, sorted
    size_t bundleds;
    bool has_shrinkwrap; // _hasShrinkwrap
    // Of a project's root only.
    wr_override *override;
    size_t overrides;
    wr_text *workspace; // patterns, in order
    size_t workspaces;
    void *memory;
} wr_manifest;

// wr_manifest_parse reads one. top: a project's root or workspace, of which dev
// dependencies count, and overrides and workspaces are read. legacy_peers: no
// peer edges. A UTF-8 byte order mark is skipped; of a key that occurs twice
// the last holds. -EINVAL with EOVERRIDE: an override contradicts a direct
// dependency, or has a shape that is not simple (the line names it).
int wr_manifest_parse(wr_manifest *out, const char *json, size_t size, bool top,
                      bool legacy_peers, wr_why *why);
void wr_manifest_free(wr_manifest *manifest); // also a zeroed one

// wr_manifest_override_of gives the override that npm applies to an edge (of
// the root, of a workspace, of a package): the first by that name whose range
// meets the edge's spec (one that is a tag or a folder meets any). *out NULL:
// none. Errors: -ENOMEM.
int wr_manifest_override_of(const wr_override **out, const wr_manifest *root,
                            const wr_edge *edge);

// A project: its root and its workspaces, sorted by path (bytes). The root has
// an edge WR_EDGE_WORKSPACE for each, `file:` and its path, in place of any
// other edge of that name. A workspace without a name is called by its folder,
// as npm does.
typedef struct wr_workspace {
    char *path; // relative to the project's folder, '/' between
    wr_manifest manifest;
} wr_workspace;

typedef struct wr_project {
    wr_manifest root;
    wr_workspace *workspace;
    size_t workspaces;
} wr_project;

// wr_project_read reads DIR/package.json and the workspaces it names (globs
// with *, ?, [], ** and !negation; node_modules is never entered; later
// patterns win). -EINVAL with EDUPLICATEWORKSPACE; why->text names the file.
int wr_project_read(wr_project *out, const char *dir, bool legacy_peers,
                    wr_why *why);
void wr_project_free(wr_project *project); // also a zeroed one

#endif

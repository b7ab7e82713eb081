// SPDX-License-Identifier: MIT
// Reading a manifest: everything points into jansson's tree until the end, when
// it is copied into one block. What is JSON is decided by the scanner (as
// JSON.parse decides it); jansson, which is stricter with what no registry
// sends, reads what that has made plain.
#include "programs/deps/doc_scan.h"
#include "programs/deps/manifest_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Blocks are chained: a project adds edges to its root.
typedef struct block {
    struct block *before;
} block;

enum { SHA1_HEX = 40, SHA1_BYTES = 20, SHA1_SIZE = 5 + 28 };

typedef struct reading {
    json_t *root;
    wr_manifest_role role;
    wr_manifest m; // its arrays are temporary
    char sha1[SHA1_SIZE];
    wr_why *why;
} reading;

const char *wr_edge_type_name(wr_edge_type type) {
    static const char *const names[] = {
        "peer", "peerOptional", "prod", "optional", "dev", "workspace"};
    return names[type];
}

int wr_manifest_compare(wr_text a, wr_text b) {
    size_t least = a.size < b.size ? a.size : b.size;
    int order = least == 0 ? 0 : memcmp(a.at, b.at, least);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int no_memory(wr_why *why) {
    return wr_refuse(why, -ENOMEM, "ENOMEM", "no memory for a package.json");
}

// ---- JSON ------------------------------------------------------------------

static int not_json(wr_why *why, const wr_scan *s, const char *json) {
    return wr_refuse(why, -EINVAL, "EJSONPARSE", "not JSON: %s, at byte %zu",
                     s->wrong, (size_t)(s->wrong_at - json));
}

// The tree of what the scanner has let pass: there is nothing in it that
// jansson refuses. When its memory ends it says all kinds of things, and where
// its buffer cannot grow it loses letters and says nothing (2.14): but malloc
// has said it.
static int load_plain(json_t **out, const char *json, size_t size,
                      wr_why *why) {
    int before = errno;
    errno = 0;
    *out = json_loadb(json, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool lost = *out == NULL || errno == ENOMEM;
    errno = before;
    if (!lost)
        return 0;
    json_decref(*out);
    *out = NULL;
    return no_memory(why);
}

static int load_all(reading *r, const char *json, size_t size, bool plain) {
    if (plain)
        return load_plain(&r->root, json, size, r->why);
    char *clean = wr_malloc(3 * size);
    if (clean == NULL)
        return no_memory(r->why);
    int error =
        load_plain(&r->root, clean, wr_scan_clean(clean, json, size), r->why);
    wr_free(clean);
    return error;
}

static int load(reading *r, const char *json, size_t size) {
    wr_scan s;
    wr_scan_start(&s, json, size);
    const char *p = wr_scan_value(&s, wr_scan_space(&s, json), 0);
    if (p == NULL || !wr_scan_end(&s, p))
        return not_json(r->why, &s, json);
    return load_all(r, json, size, !s.not_plain);
}

// As JavaScript's `if` sees it.
static bool is_true(const json_t *value) {
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_STRING: return json_string_length(value) > 0;
    case JSON_INTEGER: return json_integer_value(value) != 0;
    case JSON_REAL: return json_real_value(value) != 0.0;
    default: return true;
    }
}

static json_t *field(const reading *r, const char *name) {
    return json_object_get(r->root, name);
}

static wr_text text_field(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? wr_manifest_text(value) : (wr_text){0};
}

// ---- edges -----------------------------------------------------------------

static int wrong_type(reading *r, const char *what, const char *name) {
    return wr_refuse(r->why, -EINVAL, "EBADDOC",
                     "%s: the spec of '%.200s' is not a string", what, name);
}

// What a field has: npm takes an array for an object with 0, 1, ...
static int count_of(reading *r, const char *what, size_t *count) {
    const json_t *deps = field(r, what);
    if (json_is_array(deps) && json_array_size(deps) > 0)
        return wr_refuse(r->why, -EINVAL, "EBADDOC",
                         "%s is an array; it names no packages", what);
    if (json_is_string(deps) && json_string_length(deps) > 0 &&
        strncmp(what, "peer", 4) != 0)
        return wr_refuse(r->why, -EINVAL, "EBADDOC",
                         "%s is a string; it names no packages", what);
    *count += json_is_object(deps) ? json_object_size(deps) : 0;
    return 0;
}

static bool may_be_absent(const json_t *meta, const char *name) {
    const json_t *entry = json_object_get(meta, name);
    return is_true(json_object_get(entry, "optional"));
}

static int add_edges(reading *r, const char *what, wr_edge_type type) {
    const json_t *optional =
        type == WR_EDGE_PROD ? field(r, "optionalDependencies") : NULL;
    const json_t *meta =
        type == WR_EDGE_PEER ? field(r, "peerDependenciesMeta") : NULL;
    const json_t *accept = field(r, "acceptDependencies");
    const char *name;
    json_t *spec;
    json_object_foreach(field(r, what), name, spec) {
        // npm takes these out before it looks at them.
        if (json_object_get(optional, name) != NULL)
            continue;
        if (!json_is_string(spec))
            return wrong_type(r, what, name);
        const json_t *wider = json_object_get(accept, name);
        if (wider != NULL && !json_is_string(wider))
            return wrong_type(r, "acceptDependencies", name);
        r->m.edge[r->m.edges++] =
            (wr_edge){{name, strlen(name)},
                      wr_manifest_text(spec),
                      may_be_absent(meta, name) ? WR_EDGE_PEER_OPTIONAL : type};
    }
    return 0;
}

int wr_manifest_compare_edges(const void *a, const void *b) {
    const wr_edge *x = a, *y = b;
    int order = wr_manifest_compare(x->name, y->name);
    return order != 0 ? order : (int)x->type - (int)y->type;
}

static int compare_texts(const void *a, const void *b) {
    return wr_manifest_compare(*(const wr_text *)a, *(const wr_text *)b);
}

// One for each name, the last that npm loads; of a package that brings some
// with it, without those.
static void settle_edges(reading *r) {
    wr_manifest *m = &r->m;
    size_t kept = 0;
    if (m->edges > 1)
        qsort(m->edge, m->edges, sizeof(*m->edge), wr_manifest_compare_edges);
    for (size_t i = 0; i < m->edges; i++) {
        const wr_edge *e = &m->edge[i];
        if (i + 1 < m->edges && wr_manifest_compare(e->name, e[1].name) == 0)
            continue;
        if (r->role == WR_MANIFEST_PACKAGE && m->bundleds > 0 &&
            bsearch(&e->name, m->bundled, m->bundleds, sizeof(*m->bundled),
                    compare_texts) != NULL)
            continue;
        m->edge[kept++] = *e;
    }
    m->edges = kept;
}

static int read_edges(reading *r, bool legacy_peers) {
    static const struct {
        const char *what;
        wr_edge_type type;
    } kinds[] = {{"peerDependencies", WR_EDGE_PEER},
                 {"dependencies", WR_EDGE_PROD},
                 {"optionalDependencies", WR_EDGE_OPTIONAL},
                 {"devDependencies", WR_EDGE_DEV}};
    size_t from = legacy_peers ? 1 : 0, count = 0;
    size_t to = r->role == WR_MANIFEST_PACKAGE ? 3 : 4;
    int error = 0;
    for (size_t i = from; error == 0 && i < to; i++)
        error = count_of(r, kinds[i].what, &count);
    if (error != 0 || count == 0)
        return error;
    r->m.edge = wr_calloc(count, sizeof(*r->m.edge));
    if (r->m.edge == NULL)
        return no_memory(r->why);
    for (size_t i = from; error == 0 && i < to; i++)
        error = add_edges(r, kinds[i].what, kinds[i].type);
    settle_edges(r);
    return error;
}

// ---- bundled packages ------------------------------------------------------

static void add_bundled(reading *r, const char *name, size_t size) {
    r->m.bundled[r->m.bundleds++] = (wr_text){name, size};
}

static int read_bundled(reading *r) {
    const json_t *said = field(r, "bundleDependencies");
    if (said == NULL)
        said = field(r, "bundledDependencies");
    if (json_is_true(said))
        said = field(r, "dependencies");
    size_t count =
        json_is_array(said) ? json_array_size(said) : json_object_size(said);
    if (count == 0)
        return 0;
    r->m.bundled = wr_calloc(count, sizeof(*r->m.bundled));
    if (r->m.bundled == NULL)
        return no_memory(r->why);
    const char *name;
    json_t *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)said, name, value)
        add_bundled(r, name, strlen(name));
    json_array_foreach(said, i, value) if (json_is_string(value))
        add_bundled(r, json_string_value(value), json_string_length(value));
    if (r->m.bundleds > 1)
        qsort(r->m.bundled, r->m.bundleds, sizeof(*r->m.bundled),
              compare_texts);
    size_t kept = 0;
    for (i = 0; i < r->m.bundleds; i++)
        if (i == 0 ||
            compare_texts(&r->m.bundled[i - 1], &r->m.bundled[i]) != 0)
            r->m.bundled[kept++] = r->m.bundled[i];
    r->m.bundleds = kept;
    return 0;
}

// ---- where its tarball is --------------------------------------------------

static int hex_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// "sha1-" and base64 of what the hex digits say.
static bool sha1_of(char out[SHA1_SIZE], wr_text hex) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[SHA1_BYTES + 1] = {0};
    if (hex.size != SHA1_HEX)
        return false;
    for (size_t i = 0; i < SHA1_HEX; i++) {
        int digit = hex_of(hex.at[i]);
        if (digit < 0)
            return false;
        bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | digit);
    }
    memcpy(out, "sha1-", 5);
    out += 5;
    for (size_t i = 0; i < sizeof(bytes); i += 3) {
        unsigned three = (unsigned)bytes[i] << 16 |
                         (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = letters[three >> shift & 63];
    }
    out[-1] = '=';
    return true;
}

static void read_dist(reading *r) {
    const json_t *dist = field(r, "dist");
    r->m.name = text_field(r->root, "name");
    r->m.version = text_field(r->root, "version");
    r->m.tarball = text_field(dist, "tarball");
    r->m.integrity = text_field(dist, "integrity");
    if (r->m.integrity.size == 0 &&
        sha1_of(r->sha1, text_field(dist, "shasum")))
        r->m.integrity = (wr_text){r->sha1, SHA1_SIZE};
}

// ---- workspaces ------------------------------------------------------------

static int read_workspaces(reading *r) {
    const json_t *said = field(r, "workspaces"), *pattern;
    if (said == NULL)
        return 0;
    if (json_is_array(json_object_get(said, "packages")))
        said = json_object_get(said, "packages");
    if (!json_is_array(said))
        return wr_refuse(r->why, -EINVAL, "EWORKSPACESCONFIG",
                         "workspaces is not an array of patterns");
    if (json_array_size(said) == 0)
        return 0;
    r->m.workspace = wr_calloc(json_array_size(said), sizeof(wr_text));
    if (r->m.workspace == NULL)
        return no_memory(r->why);
    size_t i;
    json_array_foreach(said, i, pattern) {
        if (!json_is_string(pattern))
            return wr_refuse(r->why, -EINVAL, "EWORKSPACESCONFIG",
                             "pattern %zu of workspaces is not a string", i);
        r->m.workspace[r->m.workspaces++] = wr_manifest_text(pattern);
    }
    return 0;
}

// ---- the copy --------------------------------------------------------------

typedef void visitor(wr_text *text, void *context);

static void each_text(wr_manifest *m, visitor *visit, void *context) {
    wr_text *single[] = {&m->name, &m->version, &m->integrity, &m->tarball};
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        visit(single[i], context);
    for (size_t i = 0; i < m->edges; i++) {
        visit(&m->edge[i].name, context);
        visit(&m->edge[i].spec, context);
    }
    for (size_t i = 0; i < m->overrides; i++) {
        visit(&m->override[i].name, context);
        visit(&m->override[i].range, context);
        visit(&m->override[i].spec, context);
    }
    for (size_t i = 0; i < m->bundleds; i++)
        visit(&m->bundled[i], context);
    for (size_t i = 0; i < m->workspaces; i++)
        visit(&m->workspace[i], context);
}

static void add_size(wr_text *text, void *context) {
    *(size_t *)context += text->size;
}

static void move_text(wr_text *text, void *context) {
    char **to = context;
    if (text->size > 0)
        memcpy(*to, text->at, text->size);
    text->at = *to;
    *to += text->size;
}

static void *take(char **from, const void *array, size_t bytes) {
    if (bytes == 0)
        return NULL;
    void *copy = memcpy(*from, array, bytes);
    *from += bytes;
    return copy;
}

static int settle(wr_manifest *out, wr_manifest *m, wr_why *why) {
    size_t edge = m->edges * sizeof(*m->edge);
    size_t override = m->overrides * sizeof(*m->override);
    size_t bundled = m->bundleds * sizeof(*m->bundled);
    size_t workspace = m->workspaces * sizeof(*m->workspace);
    size_t size = sizeof(block) + edge + override + bundled + workspace;
    size_t texts = 0;
    each_text(m, add_size, &texts);
    block *memory = wr_malloc(size + texts);
    if (memory == NULL)
        return no_memory(why);
    memory->before = NULL;
    char *at = (char *)(memory + 1);
    *out = *m;
    out->memory = memory;
    out->edge = take(&at, m->edge, edge);
    out->override = take(&at, m->override, override);
    out->bundled = take(&at, m->bundled, bundled);
    out->workspace = take(&at, m->workspace, workspace);
    each_text(out, move_text, &at);
    return 0;
}

void wr_manifest_free(wr_manifest *manifest) {
    for (block *b = manifest->memory, *before; b != NULL; b = before) {
        before = b->before;
        wr_free(b);
    }
    *manifest = (wr_manifest){0};
}

wr_edge *wr_manifest_reserve(wr_manifest *manifest, size_t edges,
                             size_t texts) {
    block *memory = wr_malloc(sizeof(block) + edges * sizeof(wr_edge) + texts);
    if (memory == NULL)
        return NULL;
    memory->before = manifest->memory;
    manifest->memory = memory;
    return (wr_edge *)(memory + 1);
}

int wr_manifest_add(wr_manifest *manifest, const wr_edge *edge, size_t edges) {
    size_t count = manifest->edges + edges;
    wr_edge *all = wr_manifest_reserve(manifest, count, 0);
    if (all == NULL)
        return -ENOMEM;
    if (manifest->edges > 0)
        memcpy(all, manifest->edge, manifest->edges * sizeof(*edge));
    memcpy(all + manifest->edges, edge, edges * sizeof(*edge));
    qsort(all, count, sizeof(*edge), wr_manifest_compare_edges);
    manifest->edge = all;
    manifest->edges = 0;
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count ||
            wr_manifest_compare(all[i].name, all[i + 1].name) != 0)
            all[manifest->edges++] = all[i];
    return 0;
}

// ---- the whole -------------------------------------------------------------

static int read_all(reading *r, bool legacy_peers) {
    if (!json_is_object(r->root))
        return wr_refuse(r->why, -EINVAL, "EBADDOC",
                         "a package.json that is no object");
    read_dist(r);
    // npm takes what begins with _ out of a package.json that is a file.
    r->m.has_shrinkwrap =
        r->role == WR_MANIFEST_PACKAGE && is_true(field(r, "_hasShrinkwrap"));
    int error = read_bundled(r);
    if (error == 0)
        error = read_edges(r, legacy_peers);
    if (error == 0 && r->role == WR_MANIFEST_ROOT)
        error = wr_manifest_overrides(&r->m, r->root, r->why);
    if (error == 0 && r->role == WR_MANIFEST_ROOT)
        error = read_workspaces(r);
    return error;
}

// Returns 1 if it is not plain.
static int parse_plain(wr_manifest *out, const char *json, size_t size,
                       bool legacy_peers, wr_why *why) {
    wr_manifest_plain plain;
    char sha1[SHA1_SIZE];
    if (!wr_manifest_read_plain(&plain, json, size, legacy_peers))
        return 1;
    wr_manifest m = {
        .name = plain.name,
        .version = plain.version,
        .integrity = plain.integrity,
        .tarball = plain.tarball,
        .edge = plain.edge,
        .edges = plain.edges,
        .has_shrinkwrap = plain.has_shrinkwrap,
    };
    if (m.integrity.size == 0 && sha1_of(sha1, plain.shasum))
        m.integrity = (wr_text){sha1, SHA1_SIZE};
    return settle(out, &m, why);
}

int wr_manifest_parse_as(wr_manifest *out, const char *json, size_t size,
                         wr_manifest_role role, bool legacy_peers,
                         wr_why *why) {
    *out = (wr_manifest){0};
    if (size > WR_MANIFEST_BYTES_MAX)
        return wr_refuse(why, -E2BIG, "ETOOBIG",
                         "%zu bytes; at most %d of a package.json are read",
                         size, (int)WR_MANIFEST_BYTES_MAX);
    if (size >= 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0) {
        json += 3;
        size -= 3;
    }
    int error = role == WR_MANIFEST_PACKAGE
                    ? parse_plain(out, json, size, legacy_peers, why)
                    : 1;
    if (error <= 0)
        return error;
    reading r = {.role = role, .why = why};
    error = load(&r, json, size);
    if (error == 0)
        error = read_all(&r, legacy_peers);
    if (error == 0)
        error = settle(out, &r.m, why);
    wr_free(r.m.edge);
    wr_free(r.m.override);
    wr_free(r.m.bundled);
    wr_free(r.m.workspace);
    json_decref(r.root);
    return error;
}

int wr_manifest_parse(wr_manifest *out, const char *json, size_t size, bool top,
                      bool legacy_peers, wr_why *why) {
    return wr_manifest_parse_as(out, json, size,
                                top ? WR_MANIFEST_ROOT : WR_MANIFEST_PACKAGE,
                                legacy_peers, why);
}

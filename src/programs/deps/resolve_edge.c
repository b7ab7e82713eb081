// SPDX-License-Identifier: MIT
// From what a package.json asks for to keys of the frontier: overrides,
// workspaces, aliases, specs of other kinds.
#include "programs/deps/resolve_parts.h"

// ---- overrides -------------------------------------------------------------

// The spec that holds for an edge of a package that is not the root.
static int overridden(const wr_resolve *resolve, const wr_edge *edge,
                      wr_text *spec) {
    const wr_override *rule = NULL;
    const wr_manifest *root = &resolve->options.project->root;
    *spec = edge->spec;
    if (root->overrides == 0)
        return 0;
    int error = wr_manifest_override_of(&rule, root, edge);
    if (error != 0 || rule == NULL)
        return error;
    // npm: a rule without a value of its own changes nothing.
    if (rule->spec.size != 1 || rule->spec.at[0] != '*')
        *spec = rule->spec;
    return 0;
}

// ---- workspaces ------------------------------------------------------------

static int by_name(const void *left, const void *right) {
    const wr_workspace *const *a = left, *const *b = right;
    return wr_text_order((*a)->manifest.name, (*b)->manifest.name);
}

int wr_resolve_rules(wr_resolve *resolve, wr_why *why) {
    const wr_project *project = resolve->options.project;
    if (project->workspaces == 0)
        return 0;
    resolve->workspace =
        wr_calloc(project->workspaces, sizeof(*resolve->workspace));
    if (resolve->workspace == NULL)
        return wr_refuse(why, -ENOMEM, "ENOMEM", "out of memory");
    for (size_t i = 0; i < project->workspaces; i++)
        resolve->workspace[i] = &project->workspace[i];
    resolve->workspaces = project->workspaces;
    qsort(resolve->workspace, resolve->workspaces, sizeof(*resolve->workspace),
          by_name);
    return 0;
}

static const wr_workspace *find_workspace(const wr_resolve *resolve,
                                          wr_text name) {
    size_t low = 0, high = resolve->workspaces;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const wr_workspace *here = resolve->workspace[middle];
        int order = wr_text_order(name, here->manifest.name);
        if (order == 0)
            return here;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

// A workspace of that name is taken if its version will do; a tag and an alias
// of another name mean the registry.
static bool is_workspace(const wr_resolve *resolve, const wr_spec *spec) {
    const wr_workspace *found = find_workspace(resolve, spec->name);
    if (found == NULL ||
        (spec->alias && !wr_text_same(spec->package, spec->name)))
        return false;
    if (spec->type == WR_SPEC_RANGE && wr_range_is_any(spec->range))
        return true;
    wr_semver version;
    wr_text text = found->manifest.version;
    if (wr_semver_parse(&version, text.at, text.size, true) != 0)
        return false;
    if (spec->type == WR_SPEC_RANGE)
        return wr_range_has(spec->range, &version, false);
    return spec->type == WR_SPEC_VERSION &&
           wr_semver_compare(&version, &spec->version) == 0;
}

// ---- keys ------------------------------------------------------------------

static bool is_plain_byte(unsigned char byte) {
    switch (byte) {
    case ' ':
    case '.':
    case '^':
    case '~':
    case '<':
    case '>':
    case '=':
    case '*':
    case '|':
    case '+':
    case '-': return true;
    default:
        return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
               (byte >= 'A' && byte <= 'Z');
    }
}

// True where a spec is the registry's beyond doubt, so that its key is made
// without parsing it: most are. What is wrong with it the visit will say.
static bool is_plain(wr_text spec) {
    if (spec.size != 0 && spec.at[0] == '.')
        return false;
    for (size_t i = 0; i < spec.size; i++) {
        unsigned char byte = (unsigned char)spec.at[i];
        // The end of a tarball's name.
        bool tar =
            byte == '.' && i + 1 < spec.size && (spec.at[i + 1] | 0x20) == 't';
        if (!is_plain_byte(byte) || tar)
            return false;
    }
    return true;
}

static wr_text trimmed(wr_text text) {
    while (text.size != 0 && text.at[0] == ' ') {
        text.at++;
        text.size--;
    }
    while (text.size != 0 && text.at[text.size - 1] == ' ')
        text.size--;
    return text.size != 0 ? text : (wr_text){"*", 1};
}

// Bytes of keys, and the keys that point into them.
typedef struct batch {
    char *at;
    size_t size, room;
    weir_key *key;
    size_t keys;
} batch;

static bool put_key(batch *b, uint8_t kind, wr_text name, wr_text spec,
                    uint32_t tag) {
    size_t size = 2 + name.size + spec.size;
    if (size > b->room - b->size) {
        return false;
    }
    char *at = b->at + b->size;
    at[0] = (char)kind;
    memcpy(at + 1, name.at, name.size);
    at[1 + name.size] = 0;
    if (spec.size != 0)
        memcpy(at + 2 + name.size, spec.at, spec.size);
    if (memchr(name.at, 0, name.size) != NULL)
        at[0] = WR_KIND_WRONG;
    b->size += size;
    weir_key *key = &b->key[b->keys++];
    *key = (weir_key)WEIR_KEY_INIT(at, size);
    key->tag = tag;
    key->visit_class = WR_CLASS_ITEM;
    return true;
}

// One edge. Its key takes at most name + spec + 3 bytes: an alias's package
// and spec are parts of the spec, "*" is the byte more.
static bool put_edge(wr_resolve *resolve, batch *b, const wr_edge *edge,
                     wr_text asked, uint32_t tag) {
    // It would be the registry itself that is asked for.
    if (edge->name.size == 0)
        return put_key(b, WR_KIND_WRONG, edge->name, asked, tag);
    if (is_plain(asked) && resolve->workspaces == 0)
        return put_key(b, WR_KIND_ITEM, edge->name, trimmed(asked), tag);
    wr_spec spec = {.memory = NULL};
    if (wr_spec_parse(&spec, edge->name, asked, NULL) != 0)
        // The visit will find out why, and fail.
        return put_key(b, WR_KIND_ITEM, edge->name, asked, tag);
    bool good = true;
    if (!wr_spec_is_registry(&spec))
        good = put_key(b, WR_KIND_OTHER, edge->name, asked, tag);
    else if (!is_workspace(resolve, &spec))
        good = put_key(b, WR_KIND_ITEM, spec.package, spec.fetch, tag);
    wr_spec_free(&spec);
    return good;
}

static bool followed(const wr_edge *edge) {
    return edge->type != WR_EDGE_PEER_OPTIONAL &&
           edge->type != WR_EDGE_WORKSPACE;
}

static size_t room_of(const wr_edge *edge, wr_text spec) {
    return edge->name.size + spec.size + 3;
}

// ---- the project -----------------------------------------------------------

static int seed_edge(wr_resolve *resolve, const wr_seed *seed, wr_text asked,
                     uint32_t tag) {
    const wr_edge *edge = &seed->manifest->edge[seed->edge];
    weir_key key;
    size_t room = room_of(edge, asked);
    batch b = {wr_malloc(room), 0, room, &key, 0};
    if (b.at == NULL)
        return -ENOMEM;
    int error = 0;
    if (!put_edge(resolve, &b, edge, asked, tag))
        error = -EINVAL;
    if (error == 0 && b.keys != 0)
        error = weir_frontier_seed(resolve->frontier, &key);
    free(b.at);
    return error;
}

static int seed_manifest(wr_resolve *resolve, const char *path,
                         const wr_manifest *manifest, bool root) {
    for (size_t i = 0; i < manifest->edges; i++) {
        const wr_edge *edge = &manifest->edge[i];
        // The root's edge to a workspace is to the workspace, whatever else
        // it says.
        if (!followed(edge) ||
            (root && find_workspace(resolve, edge->name) != NULL))
            continue;
        wr_text asked = edge->spec;
        int error = root ? 0 : overridden(resolve, edge, &asked);
        if (error != 0)
            return error;
        wr_seed *seed = &resolve->seed[resolve->seeds];
        *seed = (wr_seed){path, manifest, i};
        error = seed_edge(resolve, seed, asked, (uint32_t)resolve->seeds);
        if (error != 0)
            return error;
        resolve->seeds++;
    }
    return 0;
}

int wr_resolve_seed(wr_resolve *resolve, wr_why *why) {
    const wr_project *project = resolve->options.project;
    size_t most = project->root.edges + 1;
    for (size_t i = 0; i < project->workspaces; i++)
        most += project->workspace[i].manifest.edges;
    resolve->seed = wr_calloc(most, sizeof(*resolve->seed));
    int error = resolve->seed != NULL ? 0 : -ENOMEM;
    if (error == 0)
        error = seed_manifest(resolve, ".", &project->root, true);
    for (size_t i = 0; error == 0 && i < project->workspaces; i++)
        error = seed_manifest(resolve, project->workspace[i].path,
                              &project->workspace[i].manifest, false);
    if (error == 0)
        return 0;
    return wr_refuse(why, error, error == -ENOMEM ? "ENOMEM" : "EINVAL",
                     "cannot start: %s", weir_strerror(error));
}

// ---- packages --------------------------------------------------------------

enum { FEW_EDGES = 64, FEW_BYTES = 4096 };

int wr_resolve_edges(wr_resolve *resolve, weir_visit *visit,
                     const wr_manifest *manifest) {
    weir_key few_keys[FEW_EDGES];
    char few_bytes[FEW_BYTES];
    wr_text few_specs[FEW_EDGES];
    size_t edges = manifest->edges;
    if (edges == 0)
        return 0;
    if (edges > UINT32_MAX >> WR_TAG_EDGE)
        return -E2BIG;
    bool few = edges <= FEW_EDGES;
    weir_key *key = few ? few_keys : wr_calloc(edges, sizeof(*key));
    wr_text *spec = few ? few_specs : wr_calloc(edges, sizeof(*spec));
    batch b = {NULL, 0, 0, key, 0};
    int error = key != NULL && spec != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; error == 0 && i < edges; i++) {
        error = overridden(resolve, &manifest->edge[i], &spec[i]);
        b.room += room_of(&manifest->edge[i], spec[i]);
    }
    if (error == 0)
        b.at = b.room <= FEW_BYTES ? few_bytes : wr_malloc(b.room);
    if (b.at == NULL)
        error = -ENOMEM;
    for (size_t i = 0; error == 0 && i < edges; i++) {
        const wr_edge *edge = &manifest->edge[i];
        uint32_t tag = (uint32_t)i << WR_TAG_EDGE | (uint32_t)edge->type;
        if (followed(edge) && !put_edge(resolve, &b, edge, spec[i], tag))
            error = -ENOMEM;
    }
    if (error == 0)
        weir_visit_add_batch(visit, key, b.keys);
    if (b.at != few_bytes)
        free(b.at);
    if (!few) {
        free(key);
        free(spec);
    }
    return error;
}

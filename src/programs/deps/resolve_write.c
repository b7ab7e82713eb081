// SPDX-License-Identifier: MIT
// The document: everything the project can need, sorted.
#include "programs/deps/resolve_parts.h"

#include <stdio.h>

// Somebody who asked for an item. Texts of `by` are in a page that still grows.
typedef struct asker {
    size_t by, by_size;
    const char *type;
    wr_text as; // the folder's name, if it is another; size 0: none
} asker;

typedef struct writer {
    wr_resolve *resolve;
    wr_resolve_page page;  // the document
    wr_resolve_page names; // of one item's askers
    asker *asker;
    size_t askers, room;
    const char *texts; // names.at, for sorting
} writer;

static int by_asker(const void *left, const void *right, void *context) {
    const asker *a = left, *b = right;
    const writer *w = context;
    int order = wr_text_order((wr_text){w->texts + a->by, a->by_size},
                              (wr_text){w->texts + b->by, b->by_size});
    if (order == 0)
        order = strcmp(a->type, b->type);
    return order != 0 ? order : wr_text_order(a->as, b->as);
}

// ---- pieces ----------------------------------------------------------------

static void put(writer *w, const char *text) {
    wr_resolve_puts(&w->page, text);
}

static void put_field(writer *w, const char *indent, const char *key,
                      wr_text value, bool *first) {
    put(w, *first ? "\n" : ",\n");
    put(w, indent);
    put(w, "\"");
    put(w, key);
    put(w, "\": ");
    wr_resolve_quote(&w->page, value);
    *first = false;
}

static void put_optional(writer *w, const char *indent, const char *key,
                         wr_text value, bool *first) {
    if (value.size != 0)
        put_field(w, indent, key, value, first);
}

static int collect(writer *w, const weir_item *item, wr_text name) {
    const weir_requirer *requirer;
    size_t count;
    int error =
        weir_item_requirers(w->resolve->frontier, item, &requirer, &count);
    if (error != 0)
        return error;
    if (count > w->room) {
        asker *more = realloc(w->asker, count * 2 * sizeof(*more));
        if (more == NULL)
            return -ENOMEM;
        w->asker = more;
        w->room = count * 2;
    }
    w->names.size = 0;
    w->askers = count;
    for (size_t i = 0; i < count; i++) {
        const wr_edge *edge = wr_resolve_edge(w->resolve, &requirer[i]);
        size_t by = w->names.size;
        wr_resolve_by(w->resolve, &w->names, &requirer[i]);
        bool other = !wr_text_same(edge->name, name);
        w->asker[i] =
            (asker){by, w->names.size - by, wr_edge_type_name(edge->type),
                    other ? edge->name : (wr_text){NULL, 0}};
    }
    if (w->names.failed)
        return -ENOMEM;
    w->texts = w->names.at;
    if (count > 1)
        qsort_r(w->asker, count, sizeof(*w->asker), by_asker, w);
    return 0;
}

// Two specs of one package that chose one version ask as one.
static int put_requirers(writer *w, const weir_item *item, wr_text name) {
    int error = collect(w, item, name);
    if (error != 0)
        return error;
    put(w, ",\n      \"requirers\": [");
    for (size_t i = 0; i < w->askers; i++) {
        const asker *a = &w->asker[i];
        bool first = true;
        if (i > 0 && by_asker(a - 1, a, w) == 0)
            continue;
        put(w, i > 0 ? ",\n        {" : "\n        {");
        put_field(w, "          ", "by",
                  (wr_text){w->texts + a->by, a->by_size}, &first);
        put_field(w, "          ", "type", wr_text_of(a->type), &first);
        put_optional(w, "          ", "as", a->as, &first);
        put(w, "\n        }");
    }
    put(w, "\n      ]");
    return 0;
}

// ---- entries ---------------------------------------------------------------

static void put_bundled(writer *w, const wr_manifest *manifest) {
    if (manifest->bundleds == 0)
        return;
    put(w, ",\n      \"bundled\": [");
    for (size_t i = 0; i < manifest->bundleds; i++) {
        put(w, i > 0 ? ",\n        " : "\n        ");
        wr_resolve_quote(&w->page, manifest->bundled[i]);
    }
    put(w, "\n      ]");
}

static void put_found(writer *w, const wr_found *found, bool *first) {
    const wr_manifest *manifest = &found->manifest;
    put_field(w, "      ", "version", found->version, first);
    put_optional(w, "      ", "integrity", manifest->integrity, first);
    put_optional(w, "      ", "tarball", manifest->tarball, first);
    if (manifest->has_shrinkwrap)
        put(w, ",\n      \"shrinkwrap\": true");
    put_bundled(w, manifest);
}

static void put_kind(writer *w, wr_text name, wr_text spec, bool *first) {
    wr_spec parsed = {.memory = NULL};
    if (wr_spec_parse(&parsed, name, spec, NULL) != 0)
        return;
    put_field(w, "      ", "type", wr_text_of(wr_spec_type_name(parsed.type)),
              first);
    wr_spec_free(&parsed);
}

typedef enum part { PACKAGES, OTHER, FAILED } part;

static part part_of(const weir_item *item, uint8_t kind) {
    if (weir_item_status(item) != 0)
        return FAILED;
    return kind == WR_KIND_OTHER ? OTHER : PACKAGES;
}

static int put_item(writer *w, const weir_item *item, part which, bool first) {
    wr_text name, spec;
    uint8_t kind;
    bool none = true;
    const wr_found *found = weir_item_value(item);
    wr_resolve_key(item, &kind, &name, &spec);
    put(w, first ? "\n    {" : ",\n    {");
    put_field(w, "      ", "name", name, &none);
    put_field(w, "      ", "spec", spec, &none);
    if (which == PACKAGES)
        put_found(w, found, &none);
    else if (which == OTHER)
        put_kind(w, name, spec, &none);
    else
        put_field(w, "      ", "code", wr_text_of(found->why->code), &none);
    int error = put_requirers(w, item, name);
    put(w, "\n    }");
    return error;
}

static int put_part(writer *w, const char *title, part which) {
    const wr_resolve *resolve = w->resolve;
    bool first = true;
    int error = 0;
    put(w, ",\n  \"");
    put(w, title);
    put(w, "\": [");
    for (size_t i = 0; error == 0 && i < resolve->items; i++) {
        const weir_item *item = resolve->item[i];
        wr_text name, spec;
        uint8_t kind;
        wr_resolve_key(item, &kind, &name, &spec);
        if (kind == WR_KIND_FETCH || part_of(item, kind) != which)
            continue;
        error = put_item(w, item, which, first);
        first = false;
    }
    put(w, first ? "]" : "\n  ]");
    return error;
}

static void put_project(writer *w) {
    const wr_project *project = w->resolve->options.project;
    bool none = true;
    put(w, "{\n  \"format\": 1,\n  \"project\": {");
    put_optional(w, "    ", "name", project->root.name, &none);
    put_optional(w, "    ", "version", project->root.version, &none);
    if (project->workspaces != 0) {
        put(w, none ? "\n    \"workspaces\": [" : ",\n    \"workspaces\": [");
        for (size_t i = 0; i < project->workspaces; i++) {
            const wr_workspace *workspace = &project->workspace[i];
            bool first = true;
            put(w, i > 0 ? ",\n      {" : "\n      {");
            put_field(w, "        ", "path", wr_text_of(workspace->path),
                      &first);
            put_optional(w, "        ", "name", workspace->manifest.name,
                         &first);
            put_optional(w, "        ", "version", workspace->manifest.version,
                         &first);
            put(w, "\n      }");
        }
        put(w, "\n    ]");
        none = false;
    }
    put(w, none ? "}" : "\n  }");
}

int wr_resolve_write(wr_resolve *resolve, char **text, size_t *size) {
    writer w = {.resolve = resolve};
    int error = weir_frontier_wait(resolve->frontier, WEIR_FOREVER, NULL);
    if (error == 0)
        error = wr_resolve_judge(resolve);
    if (error != 0)
        return error;
    put_project(&w);
    error = put_part(&w, "packages", PACKAGES);
    if (error == 0)
        error = put_part(&w, "other", OTHER);
    if (error == 0)
        error = put_part(&w, "failed", FAILED);
    put(&w, "\n}\n");
    free(w.asker);
    free(w.names.at);
    if (error == 0 && w.page.failed)
        error = -ENOMEM;
    if (error != 0) {
        free(w.page.at);
        return error;
    }
    *text = w.page.at;
    *size = w.page.size;
    return 0;
}

// SPDX-License-Identifier: MIT
// The document: everything the project can need, sorted. Written in pieces, on
// all workers.
#include "programs/deps/resolve_parts.h"

#include "weir/parallel.h"

#include <stdio.h>

enum { PIECE = 128, FEW = 16 };

typedef enum part { PACKAGES, OTHER, FAILED, PARTS } part;

// Entries of some items, each with a comma before it.
typedef struct piece {
    wr_resolve_page page[PARTS];
} piece;

// Somebody who asked for an item.
typedef struct asker {
    wr_text name;    // or a workspace's path, or "."
    wr_text version; // at NULL: it is a path
    wr_edge_type type;
    wr_text as; // the folder's name, if it is another; size 0: none
} asker;

typedef struct writer {
    wr_resolve *resolve;
    wr_resolve_page *page;
    asker *asker;
    size_t askers, room;
} writer;

typedef struct document {
    wr_resolve *resolve;
    piece *piece;
    size_t pieces;
} document;

#define PUT(w, literal)                                                        \
    wr_resolve_put((w)->page, "" literal, sizeof(literal) - 1)

static void put_text(writer *w, const char *text) {
    wr_resolve_puts(w->page, text);
}

static void put_quoted(writer *w, wr_text text) {
    wr_resolve_quote(w->page, text);
}

// ---- who asked -------------------------------------------------------------

static int by_asker(const void *left, const void *right) {
    const asker *a = left, *b = right;
    if ((a->version.at == NULL) != (b->version.at == NULL))
        return a->version.at == NULL ? -1 : 1;
    int order = wr_text_order(a->name, b->name);
    if (order == 0)
        order = wr_text_order(a->version, b->version);
    if (order == 0 && a->type != b->type)
        order = strcmp(wr_edge_type_name(a->type), wr_edge_type_name(b->type));
    return order != 0 ? order : wr_text_order(a->as, b->as);
}

// They come by key, so all but sorted.
static void sort_askers(asker *list, size_t count) {
    if (count > FEW) {
        qsort(list, count, sizeof(*list), by_asker);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        asker moved = list[i];
        size_t to = i;
        while (to > 0 && by_asker(&list[to - 1], &moved) > 0) {
            list[to] = list[to - 1];
            to--;
        }
        list[to] = moved;
    }
}

static asker asker_of(const wr_resolve *resolve, const weir_requirer *requirer,
                      wr_text name) {
    const wr_edge *edge = wr_resolve_edge(resolve, requirer);
    bool other = !wr_text_same(edge->name, name);
    asker a = {.type = edge->type, .as = other ? edge->name : (wr_text){0}};
    if (requirer->item == NULL) {
        a.name = wr_text_of(resolve->seed[requirer->tag].path);
        return a;
    }
    const wr_found *found = weir_item_value(requirer->item);
    wr_text spec;
    uint8_t kind;
    wr_resolve_key(requirer->item, &kind, &a.name, &spec);
    a.version = found->chosen->version;
    return a;
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
    w->askers = count;
    for (size_t i = 0; i < count; i++)
        w->asker[i] = asker_of(w->resolve, &requirer[i], name);
    sort_askers(w->asker, count);
    return 0;
}

static void put_asker(writer *w, const asker *a, bool first) {
    if (!first)
        PUT(w, ",");
    PUT(w, "\n        {\n          \"by\": \"");
    wr_resolve_escape(w->page, a->name);
    if (a->version.at != NULL) {
        PUT(w, "@");
        wr_resolve_escape(w->page, a->version);
    }
    PUT(w, "\",\n          \"type\": \"");
    put_text(w, wr_edge_type_name(a->type));
    PUT(w, "\"");
    if (a->as.size != 0) {
        PUT(w, ",\n          \"as\": ");
        put_quoted(w, a->as);
    }
    PUT(w, "\n        }");
}

// Two specs of one package that chose one version ask as one.
static int put_requirers(writer *w, const weir_item *item, wr_text name) {
    int error = collect(w, item, name);
    if (error != 0)
        return error;
    PUT(w, ",\n      \"requirers\": [");
    for (size_t i = 0; i < w->askers; i++) {
        const asker *a = &w->asker[i];
        if (i == 0 || by_asker(a - 1, a) != 0)
            put_asker(w, a, i == 0);
    }
    PUT(w, "\n      ]");
    return 0;
}

// ---- entries ---------------------------------------------------------------

static void put_bundled(writer *w, const wr_manifest *manifest) {
    if (manifest->bundleds == 0)
        return;
    PUT(w, ",\n      \"bundled\": [");
    for (size_t i = 0; i < manifest->bundleds; i++) {
        put_text(w, i > 0 ? ",\n        " : "\n        ");
        put_quoted(w, manifest->bundled[i]);
    }
    PUT(w, "\n      ]");
}

static void put_found(writer *w, const wr_found *found) {
    const wr_manifest *manifest = &found->chosen->manifest;
    PUT(w, ",\n      \"version\": ");
    put_quoted(w, found->chosen->version);
    if (manifest->integrity.size != 0) {
        PUT(w, ",\n      \"integrity\": ");
        put_quoted(w, manifest->integrity);
    }
    if (manifest->tarball.size != 0) {
        PUT(w, ",\n      \"tarball\": ");
        put_quoted(w, manifest->tarball);
    }
    if (manifest->has_shrinkwrap)
        PUT(w, ",\n      \"shrinkwrap\": true");
    put_bundled(w, manifest);
}

static void put_kind(writer *w, wr_text name, wr_text spec) {
    wr_spec parsed = {.memory = NULL};
    if (wr_spec_parse(&parsed, name, spec, NULL) != 0)
        return;
    PUT(w, ",\n      \"type\": ");
    put_quoted(w, wr_text_of(wr_spec_type_name(parsed.type)));
    wr_spec_free(&parsed);
}

static void put_code(writer *w, const wr_found *found) {
    PUT(w, ",\n      \"code\": ");
    put_quoted(w,
               wr_text_of(found != NULL && found->why != NULL ? found->why->code
                                                              : "EUNKNOWN"));
}

static int put_item(writer *w, piece *into, const weir_item *item) {
    wr_text name, spec;
    uint8_t kind;
    const wr_found *found = weir_item_value(item);
    wr_resolve_key(item, &kind, &name, &spec);
    if (kind == WR_KIND_FETCH)
        return 0;
    bool failed = weir_item_status(item) != 0;
    part which = failed ? FAILED : kind == WR_KIND_OTHER ? OTHER : PACKAGES;
    w->page = &into->page[which];
    PUT(w, ",\n    {\n      \"name\": ");
    put_quoted(w, name);
    PUT(w, ",\n      \"spec\": ");
    put_quoted(w, spec);
    if (which == PACKAGES)
        put_found(w, found);
    else if (which == OTHER)
        put_kind(w, name, spec);
    else
        put_code(w, found);
    int error = put_requirers(w, item, name);
    PUT(w, "\n    }");
    return error;
}

static int put_pieces(weir_worker *self, void *context, size_t from,
                      size_t to) {
    document *d = context;
    writer w = {.resolve = d->resolve};
    int error = 0;
    (void)self;
    for (size_t i = from; error == 0 && i < to; i++) {
        size_t end = (i + 1) * PIECE;
        if (end > d->resolve->items)
            end = d->resolve->items;
        for (size_t j = i * PIECE; error == 0 && j < end; j++)
            error = put_item(&w, &d->piece[i], d->resolve->item[j]);
    }
    free(w.asker);
    return error;
}

static int put_all(weir_worker *self, void *context) {
    document *d = context;
    return weir_parallel_for(self, 0, d->pieces, put_pieces, d);
}

// ---- the whole -------------------------------------------------------------

static void put_workspaces(writer *w, const wr_project *project, bool none) {
    put_text(w, none ? "\n    \"workspaces\": [" : ",\n    \"workspaces\": [");
    for (size_t i = 0; i < project->workspaces; i++) {
        const wr_workspace *workspace = &project->workspace[i];
        const wr_manifest *manifest = &workspace->manifest;
        put_text(w, i > 0 ? ",\n      {" : "\n      {");
        PUT(w, "\n        \"path\": ");
        put_quoted(w, wr_text_of(workspace->path));
        PUT(w, ",\n        \"name\": ");
        put_quoted(w, manifest->name);
        if (manifest->version.size != 0) {
            PUT(w, ",\n        \"version\": ");
            put_quoted(w, manifest->version);
        }
        PUT(w, "\n      }");
    }
    PUT(w, "\n    ]");
}

static void put_project(writer *w) {
    const wr_project *project = w->resolve->options.project;
    const wr_manifest *root = &project->root;
    bool none = true;
    PUT(w, "{\n  \"format\": 1,\n  \"project\": {");
    if (root->name.size != 0) {
        PUT(w, "\n    \"name\": ");
        put_quoted(w, root->name);
        none = false;
    }
    if (root->version.size != 0) {
        put_text(w, none ? "\n    \"version\": " : ",\n    \"version\": ");
        put_quoted(w, root->version);
        none = false;
    }
    if (project->workspaces != 0)
        put_workspaces(w, project, none);
    put_text(w, none && project->workspaces == 0 ? "}" : "\n  }");
}

static void put_part(writer *w, const document *d, const char *title,
                     part which) {
    bool none = true;
    put_text(w, ",\n  \"");
    put_text(w, title);
    put_text(w, "\": [");
    for (size_t i = 0; i < d->pieces; i++) {
        const wr_resolve_page *page = &d->piece[i].page[which];
        size_t comma = none ? 1 : 0;
        w->page->failed |= page->failed;
        if (page->size == 0)
            continue;
        wr_resolve_put(w->page, page->at + comma, page->size - comma);
        none = false;
    }
    put_text(w, none ? "]" : "\n  ]");
}

static int write_pieces(document *d) {
    int status = 0;
    d->pieces = (d->resolve->items + PIECE - 1) / PIECE;
    d->piece = wr_calloc(d->pieces + 1, sizeof(*d->piece));
    if (d->piece == NULL)
        return -ENOMEM;
    int error = weir_run(d->resolve->options.pool, put_all, d, &status);
    return error != 0 ? error : status;
}

// Room for all of it at once: growing would copy it again and again.
static void make_room(wr_resolve_page *page, const document *d) {
    size_t room = 4096;
    for (size_t i = 0; i < d->pieces; i++)
        for (int j = 0; j < PARTS; j++)
            room += d->piece[i].page[j].size;
    page->at = wr_malloc(room);
    page->failed = page->at == NULL;
    page->room = page->failed ? 0 : room;
}

int wr_resolve_write(wr_resolve *resolve, char **text, size_t *size) {
    document d = {resolve, NULL, 0};
    wr_resolve_page page = {NULL, 0, 0, false};
    writer w = {.resolve = resolve, .page = &page};
    int error = weir_frontier_wait(resolve->frontier, WEIR_FOREVER, NULL);
    if (error == 0)
        error = wr_resolve_judge(resolve);
    if (error == 0)
        error = write_pieces(&d);
    if (error == 0) {
        make_room(&page, &d);
        put_project(&w);
        put_part(&w, &d, "packages", PACKAGES);
        put_part(&w, &d, "other", OTHER);
        put_part(&w, &d, "failed", FAILED);
        PUT(&w, "\n}\n");
        error = page.failed ? -ENOMEM : 0;
    }
    for (size_t i = 0; d.piece != NULL && i < d.pieces; i++)
        for (int j = 0; j < PARTS; j++)
            free(d.piece[i].page[j].at);
    free(d.piece);
    if (error != 0) {
        free(page.at);
        return error;
    }
    *text = page.at;
    *size = page.size;
    return 0;
}

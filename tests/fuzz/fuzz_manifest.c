// SPDX-License-Identifier: MIT
// Feeds damaged package.json to `weir deps`: what is looked for is a crash, a
// hang, a sanitizer's complaint, a refusal without its line, edges that are not
// sorted, or JSON that the document's reader and this one judge differently.
//
// The first byte has the flags. How to run it: engine.h.
#include "engine.h"

#include "programs/deps/doc.h"
#include "programs/deps/manifest.h"

#include "weir/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void broken(const char *what, const char *more) {
    fprintf(stdout, "fuzz_manifest: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static void check_line(const wr_why *why) {
    if (why->code[0] == 0 || why->text[0] == 0 ||
        strpbrk(why->text, "\n\r\t") != NULL)
        broken("not one line", why->text);
}

static volatile size_t seen; // so that reading is not left out

static void check_text(wr_text text) {
    for (size_t i = 0; i < text.size; i++)
        seen += (uint8_t)text.at[i];
}

static void check_manifest(const wr_manifest *m) {
    wr_text one[] = {m->name, m->version, m->integrity, m->tarball};
    for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++)
        check_text(one[i]);
    for (size_t i = 0; i < m->edges; i++) {
        const wr_edge *e = &m->edge[i];
        const wr_override *found;
        check_text(e->name);
        check_text(e->spec);
        if (i > 0) {
            wr_text a = e[-1].name, b = e->name;
            size_t least = a.size < b.size ? a.size : b.size;
            int order = memcmp(a.at, b.at, least);
            if (order > 0 || (order == 0 && a.size >= b.size))
                broken("edges that are not sorted", "");
        }
        if (wr_manifest_override_of(&found, m, e) != 0)
            broken("no override of it", "");
        if (found != NULL)
            check_text(found->spec);
    }
    for (size_t i = 0; i < m->bundleds; i++)
        check_text(m->bundled[i]);
    for (size_t i = 0; i < m->workspaces; i++)
        check_text(m->workspace[i]);
}

static void check_same(wr_text a, wr_text b, const char *what) {
    if (a.size != b.size || (a.size > 0 && memcmp(a.at, b.at, a.size) != 0))
        broken("read in two ways", what);
}

// What is plain is read without a tree: a member whose name has an escape
// makes it not plain, and changes nothing.
static void check_other_way(const wr_manifest *m, int error, const char *json,
                            size_t size, bool legacy_peers) {
    static const char more[] = "{\"\\u0078\":0,";
    size_t from = 0, head = sizeof(more) - 1;
    wr_why why = {"", ""};
    wr_manifest other;
    while (from < size && memchr(" \n\r\t", json[from], 4) != NULL)
        from++;
    if (from == size || json[from++] != '{')
        return;
    char *text = malloc(head + size);
    if (text == NULL)
        abort();
    memcpy(text, more, head);
    memcpy(text + head, json + from, size - from);
    int found = wr_manifest_parse(&other, text, head + size - from, false,
                                  legacy_peers, &why);
    free(text);
    // {} has no place for it.
    if (found != error && (error != 0 || strcmp(why.code, "EJSONPARSE") != 0))
        broken("one way refuses it", why.text);
    if (error != 0 || found != 0) {
        wr_manifest_free(&other);
        return;
    }
    check_same(m->name, other.name, "name");
    check_same(m->version, other.version, "version");
    check_same(m->integrity, other.integrity, "integrity");
    check_same(m->tarball, other.tarball, "tarball");
    if (m->edges != other.edges || m->bundleds != other.bundleds ||
        m->has_shrinkwrap != other.has_shrinkwrap)
        broken("read in two ways", "edges");
    for (size_t i = 0; i < m->edges; i++) {
        check_same(m->edge[i].name, other.edge[i].name, "an edge");
        check_same(m->edge[i].spec, other.edge[i].spec, "a spec");
        if (m->edge[i].type != other.edge[i].type)
            broken("read in two ways", "a type");
    }
    wr_manifest_free(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wr_manifest m;
    wr_doc *doc = NULL;
    size_t image_size;
    wr_why why = {"", ""}, doc_why = {"", ""};
    if (size == 0)
        return 0;
    char *json = malloc(size);
    if (json == NULL)
        abort();
    memcpy(json, data + 1, size - 1);
    int error = wr_manifest_parse(&m, json, size - 1, data[0] & 1,
                                  (data[0] & 2) != 0, &why);
    wr_doc_parse(&doc, &image_size, json, size - 1, &doc_why);
    bool marked = size > 3 && memcmp(json, "\xef\xbb\xbf", 3) == 0;
    bool no_json = strcmp(why.code, "EJSONPARSE") == 0;
    if (!marked && no_json != (strcmp(doc_why.code, "EJSONPARSE") == 0))
        broken(why.text, doc_why.text);
    if (error == -ENOMEM)
        broken("jansson refuses what the scanner takes", why.text);
    if (error != 0)
        check_line(&why);
    if ((data[0] & 1) == 0)
        check_other_way(&m, error, json, size - 1, (data[0] & 2) != 0);
    free(json);
    check_manifest(&m);
    wr_manifest_free(&m);
    free(doc);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: documents that might be right, damaged a little

enum { INPUT_MAX = 8192 };
static const char *pick(const char *const *list, size_t count) {
    return list[below(count)];
}
#define PICK(list) pick(list, sizeof(list) / sizeof((list)[0]))

static size_t put(uint8_t *out, size_t at, const char *text) {
    size_t size = strlen(text);
    if (at + size > INPUT_MAX)
        return at;
    memcpy(out + at, text, size);
    return at + size;
}

static size_t make_field(uint8_t *out, size_t at) {
    static const char *const fields[] = {"dependencies",
                                         "devDependencies",
                                         "optionalDependencies",
                                         "peerDependencies",
                                         "peerDependenciesMeta",
                                         "acceptDependencies",
                                         "overrides",
                                         "bundleDependencies",
                                         "bundledDependencies",
                                         "dist",
                                         "workspaces",
                                         "name",
                                         "_hasShrinkwrap",
                                         "n\\u0061me"};
    static const char *const names[] = {
        "a",       "b",        "@s/c",     "a@^1",   "a@>=2",
        ".",       "",         "\\ud83d",  "shasum", "integrity",
        "\\u0000", "packages", "b@ 1 - 2", "\xff"};
    static const char *const values[] = {
        "\"^1.0.0\"",
        "\"*\"",
        "\"\"",
        "\"$a\"",
        "\"npm:x@1\"",
        "1",
        "null",
        "true",
        "{\"optional\":true}",
        "{\".\":\"2\"}",
        "[]",
        "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"",
        "1e999",
        "\"git+ssh://git@example.com/a.git#semver:^1\"",
        "\"file:../x\"",
        "{\"b\":\"1\"}",
        "\"latest\"",
        "[\"packages/*\"]"};
    at = put(out, at, "\"");
    at = put(out, at, PICK(fields));
    at = put(out, at, "\":");
    if (below(6) == 0)
        return put(out, at, PICK(values));
    at = put(out, at, "{");
    for (size_t i = below(5); i > 0; i--) {
        at = put(out, at, "\"");
        at = put(out, at, PICK(names));
        at = put(out, at, "\":");
        at = put(out, at, below(4) ? values[below(5)] : PICK(values));
        at = put(out, at, i > 1 ? "," : "");
    }
    return put(out, at, "}");
}

static size_t make_manifest(uint8_t *out) {
    size_t at = put(out, 0, below(8) ? "{" : "\xef\xbb\xbf{");
    for (size_t i = below(8); i > 0; i--) {
        at = make_field(out, at);
        at = put(out, at, i > 1 ? "," : "");
    }
    return put(out, at, "}");
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\"\\{}[],:u0-\x80\xff ";
    if (below(3) == 0)
        return size;
    return fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 0);
}

static void one_round(void) {
    static uint8_t data[1 + 2 * INPUT_MAX];
    data[0] = (uint8_t)below(4);
    size_t size = make_manifest(data + 1);
    LLVMFuzzerTestOneInput(data, 1 + damage(data + 1, size));
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_manifest", one_round);
}

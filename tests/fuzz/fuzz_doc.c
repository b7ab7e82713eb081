// SPDX-License-Identifier: MIT
// Feeds damaged registry documents, and damaged images of them, to `weir deps`:
// what is looked for is a crash, a hang, a sanitizer's complaint, a refusal
// without its line, an image that its own check refuses, or a version that is
// there and cannot be found or read.
//
// The first byte says what the rest is: a document, or an image. How to run it:
// engine.h.
#include "engine.h"

#include "programs/deps/doc.h"
#include "programs/deps/manifest.h"

#include "weir/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void broken(const char *what, const char *more) {
    fprintf(stdout, "fuzz_doc: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static void check_line(const wr_why *why) {
    if (why->code[0] == 0 || why->text[0] == 0 ||
        strpbrk(why->text, "\n\r\t") != NULL)
        broken("not one line", why->text);
}

static volatile size_t seen; // so that reading is not left out

static size_t read_all(wr_text text) {
    size_t sum = 0;
    for (size_t i = 0; i < text.size; i++)
        sum += (uint8_t)text.at[i];
    return sum;
}

static size_t read_manifest(wr_text json, bool own) {
    wr_manifest m;
    wr_why why = {"", ""};
    int error = wr_manifest_parse(&m, json.at, json.size, false, false, &why);
    if (error != 0) {
        check_line(&why);
        if (own && strcmp(why.code, "EBADDOC") != 0)
            broken("a version that was cut out is refused", why.text);
    }
    size_t sum = m.edges;
    wr_manifest_free(&m);
    return sum;
}

// All that an image has. own: made here, so what is there is right.
static void use(const wr_doc *doc, bool own) {
    wr_text version;
    for (size_t i = 0; i < wr_doc_count(doc); i++) {
        wr_doc_version v;
        wr_doc_version_at(doc, i, &v);
        seen += read_all(v.text) + read_all(v.node) + read_all(v.json) +
                read_all(v.semver.pre);
        int64_t found = wr_doc_find(doc, v.text);
        if (own && found != (int64_t)i)
            broken("a version is not found", "");
        if (i < 8)
            seen += read_manifest(v.json, own);
    }
    if (wr_doc_tag(doc, (wr_text){"latest", 6}, &version)) {
        seen += read_all(version);
        wr_doc_find(doc, version);
    }
    wr_doc_find(doc, (wr_text){"1.0.0", 5});
    wr_doc_find(doc, (wr_text){"", 0});
}

static void *copy_of(const void *data, size_t size) {
    void *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    return size == 0 ? copy : memcpy(copy, data, size);
}

static void try_image(const uint8_t *data, size_t size) {
    void *copy = copy_of(data, size);
    if (wr_doc_check(copy, size) == 0)
        use(copy, false);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wr_doc *doc;
    size_t image_size;
    wr_why why = {"", ""};
    if (size == 0)
        return 0;
    if (data[0] & 1) {
        try_image(data + 1, size - 1);
        return 0;
    }
    char *json = copy_of(data + 1, size - 1);
    if (wr_doc_parse(&doc, &image_size, json, size - 1, &why) != 0) {
        check_line(&why);
    } else {
        if (wr_doc_check(doc, image_size) != 0)
            broken("an image of its own is refused", json);
        use(doc, true);
        free(doc);
    }
    free(json);
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

static size_t make_version(uint8_t *out, size_t at) {
    static const char *const keys[] = {
        "1.0.0",   "1.0.0-a.1",   "2.3.4",  "v1.0.0",      "01.2.3",  "", "x",
        "1.0.0+b", "\\u0031.0.0", "1.0.0-", "9.9.9-0.0.1", "10.20.30"};
    static const char *const members[] = {
        "\"engines\":{\"node\":\">=8\"}",
        "\"engines\":{\"no\\u0064e\":\"\\u003e4\",\"npm\":1}",
        "\"engines\":[\"node\"]",
        "\"deprecated\":\"so\"",
        "\"deprecated\":false",
        "\"dist\":{\"shasum\":\"00\",\"signatures\":[{}],\"tarball\":\"t\"}",
        "\"dist\":null",
        "\"scripts\":{\"install\":\"x\",\"test\":\"y\"}",
        "\"dependencies\":{\"a\":\"^1\",\"b\":\"\\ud83d\"}",
        "\"peerDependencies\":{\"c\":\"*\"}",
        "\"readme\":[1,2.5e3,true,null,{\"a\":[]}]",
        "\"\\u006eame\":\"n\"",
        "\"bundleDependencies\":true"};
    at = put(out, at, "\"");
    at = put(out, at, PICK(keys));
    at = put(out, at, below(20) ? "\":{" : "\":");
    for (size_t i = below(5); i > 0; i--) {
        at = put(out, at, PICK(members));
        at = put(out, at, i > 1 ? "," : "");
    }
    return put(out, at, "}");
}

static size_t make_document(uint8_t *out) {
    static const char *const tags[] = {
        "\"dist-tags\":{\"latest\":\"1.0.0\",\"next\":\"x\"},",
        "\"dist-tags\":{\"\\u006catest\":\"\\u0031\",\"latest\":1},", "",
        "\"dist-tags\":[],"};
    size_t at = 0;
    at = put(out, at, below(2) ? "{\"name\":\"n\"," : " { ");
    at = put(out, at, PICK(tags));
    at = put(out, at, "\"versions\":{");
    for (size_t i = below(9); i > 0; i--) {
        at = make_version(out, at);
        at = put(out, at, i > 1 ? "," : "");
    }
    at = put(out, at, below(3) ? "}" : "},\"time\":{\"a\":\"b\"}");
    return put(out, at, "}");
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\"\\{}[],:u0-\x80\xff ";
    if (below(3) == 0)
        return size;
    return fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 0);
}

// One round: a document, or the image of one.
static void one_round(void) {
    static uint8_t data[1 + 2 * INPUT_MAX + 65536];
    wr_doc *doc;
    size_t image_size;
    size_t size = make_document(data + 1);
    data[0] = 0;
    if (below(2) == 0 &&
        wr_doc_parse(&doc, &image_size, (char *)data + 1, size, NULL) == 0) {
        data[0] = 1;
        memcpy(data + 1, doc, image_size);
        size = image_size;
        free(doc);
    }
    LLVMFuzzerTestOneInput(data, 1 + damage(data + 1, size));
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_doc", one_round);
}

// SPDX-License-Identifier: MIT
// Feeds odd names and specs to the reader of `weir deps`: what is looked for is
// a crash, a sanitizer's complaint, a refusal without code or line, or a spec
// that is another one when what it fetches is read again.
//
// An input is a name, a 0, and a spec. How to run it: engine.h.
#include "engine.h"

#include "programs/deps/spec.h"

#include "weir/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void broken(const char *what, wr_text text) {
    fprintf(stdout, "fuzz_spec: %s: %.*s\n", what, (int)text.size, text.at);
    fflush(stdout);
    abort();
}

static bool same(wr_text a, wr_text b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

static void check_refusal(int error, const wr_why *why, wr_text text) {
    if (error != -EINVAL)
        broken("not a documented error", text);
    if (why->code[0] != 'E' || why->text[0] == '\0')
        broken("no code or line", text);
    for (const char *at = why->text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            broken("not a printable line", text);
}

// What a registry is asked for is a spec of the same kind. Where space was
// trimmed npm may take it for something else then.
static void check_again(const wr_spec *spec, wr_text text) {
    wr_spec again;
    wr_why why;
    wr_text fetch = spec->fetch, raw = spec->raw;
    bool written = fetch.at >= raw.at && fetch.at < raw.at + raw.size;
    bool trimmed = written && (fetch.at + fetch.size != raw.at + raw.size ||
                               (fetch.at > raw.at && fetch.at[-1] != '@'));
    if (trimmed || spec->package.size == 0)
        return;
    if (wr_spec_parse(&again, spec->package, spec->fetch, &why) != 0)
        broken("what is fetched is no spec", text);
    if (wr_spec_is_registry(&again) &&
        (!same(again.fetch, fetch) || again.type != spec->type || again.alias ||
         !same(again.package, spec->package)))
        broken("what is fetched is another spec", text);
    wr_spec_free(&again);
}

static void check_spec(const wr_spec *spec, wr_text name, wr_text text) {
    if (!same(spec->name, name) || !same(spec->raw, text))
        broken("not what was written", text);
    if (name.size > 0 && !wr_name_is_valid(name))
        broken("no valid name", name);
    if (wr_spec_type_name(spec->type)[0] == '\0')
        broken("no type", text);
    if ((spec->range != NULL) != (spec->type == WR_SPEC_RANGE))
        broken("a range, or none", text);
    if (!wr_spec_is_registry(spec))
        return;
    if (spec->fetch.size == 0)
        broken("nothing to fetch", text);
    if (spec->alias && !wr_name_is_valid(spec->package))
        broken("no valid package", text);
    check_again(spec, text);
}

static wr_text copy_of(const uint8_t *data, size_t size) {
    char *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return (wr_text){copy, size};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size == 0 ? NULL : memchr(data, 0, size);
    size_t length = end == NULL ? size : (size_t)(end - data);
    size_t skip = end == NULL ? size : length + 1;
    // In memory of their own: a sanitizer sees their ends.
    wr_text name = copy_of(data, length);
    wr_text text = copy_of(size == 0 ? data : data + skip, size - skip);
    wr_spec spec;
    wr_why why;
    int error = wr_spec_parse(&spec, name, text, &why);
    if (error != 0)
        check_refusal(error, &why, text);
    else
        check_spec(&spec, name, text);
    wr_spec_free(&spec);
    free((char *)name.at);
    free((char *)text.at);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: pieces of specs, damaged a little

enum { INPUT_MAX = 4096 };
static size_t put(char *out, size_t size, const char *text) {
    size_t length = strlen(text);
    if (size + length > INPUT_MAX)
        return size;
    memcpy(out + size, text, length);
    return size + length;
}

static size_t put_spec(char *out, size_t size) {
    static const char *const first[] = {
        "",      "",        "npm:",        "git+ssh://", "https://",
        "git@",  "github:", "file:",       "./",         "workspace:",
        "gist:", "http:",   "git+file://", "@s/",        "^",
        "~/"};
    static const char *const next[] = {"foo",
                                       "1.2.3",
                                       ">=1 <2",
                                       "github.com",
                                       "example.com",
                                       "git.sr.ht",
                                       "gist.github.com",
                                       "127.0.0.1",
                                       "[::1]",
                                       "a.tgz",
                                       "user",
                                       "latest",
                                       "%41",
                                       "..",
                                       "*",
                                       "x.git",
                                       "0x7f.1",
                                       "bitbucket.org",
                                       "user:pass@",
                                       "tree"};
    static const char *const between[] = {"/", "/",        ":",  "@",  "#", ".",
                                          " ", "#semver:", "::", "||", "?"};
    size = put(out, size, first[below(16)]);
    for (size_t i = below(6); i > 0; i--) {
        size = put(out, size, next[below(20)]);
        if (i > 1 || below(8) == 0)
            size = put(out, size, between[below(11)]);
    }
    return size;
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\t\n @:/#%.\\[]?-+*~09\xc2\xa0\xe2\x80\xff";
    if (below(2) == 0)
        return size;
    return fuzz_damage(data, size, odd, sizeof(odd) - 1, 5, 0);
}

static void one_round(void) {
    static uint8_t data[2 * INPUT_MAX];
    char *out = (char *)data;
    size_t size = 0;
    if (below(4) != 0)
        size = put(out, size, below(3) ? "foo" : "@scope/foo");
    out[size++] = '\0';
    size = put_spec(out, size);
    LLVMFuzzerTestOneInput(data, damage(data, size));
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_spec", one_round);
}

// SPDX-License-Identifier: MIT
// Feeds odd versions and ranges to the reader of `weir deps`: what is looked
// for is a crash, a sanitizer's complaint, an order that is none, something
// that is written and read back as another, or a range that contradicts itself.
//
// An input is up to five lines: three versions, two ranges. How to run it:
// engine.h.
#include "engine.h"

#include "programs/deps/semver.h"

#include "weir/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS = 3, RANGES = 2, LENGTH_MAX = 256 };

static void broken(const char *what, wr_text text) {
    fprintf(stdout, "fuzz_semver: %s: %.*s\n", what, (int)text.size, text.at);
    fflush(stdout);
    abort();
}

// Numbers of 16 digits and more are rounded, as npm does: no order is total
// then, and bounds may be none.
static bool has_large_number(wr_text text) {
    size_t digits = 0;
    for (size_t i = 0; i < text.size && digits < 16; i++)
        digits = text.at[i] >= '0' && text.at[i] <= '9' ? digits + 1 : 0;
    return digits >= 16;
}

static int sign(int order) { return (order > 0) - (order < 0); }

static void check_writing(const wr_semver *version, wr_text text) {
    char first[700], second[700];
    wr_semver again;
    size_t size = wr_semver_write(first, sizeof(first), version);
    if (strlen(first) != size)
        broken("not the length", text);
    if (size > LENGTH_MAX)
        return;
    if (wr_semver_parse(&again, first, size, true) != 0)
        broken("what was written is no version", text);
    wr_semver_write(second, sizeof(second), &again);
    if (strcmp(first, second) != 0 || wr_semver_compare(version, &again) != 0)
        broken("written and read it is another", text);
}

static bool read_version(wr_semver *out, wr_text text) {
    wr_semver strict;
    bool loose = wr_semver_parse(out, text.at, text.size, true) == 0;
    if (wr_semver_parse(&strict, text.at, text.size, false) == 0 &&
        (!loose || wr_semver_compare(out, &strict) != 0))
        broken("strict, it is another", text);
    if (loose)
        check_writing(out, text);
    return loose;
}

static void check_order(const wr_semver *a, const wr_semver *b,
                        const wr_semver *c, wr_text text) {
    int ab = sign(wr_semver_compare(a, b)), bc = sign(wr_semver_compare(b, c));
    int ac = sign(wr_semver_compare(a, c));
    if (ab != -sign(wr_semver_compare(b, a)) || wr_semver_compare(a, a) != 0)
        broken("no order of two", text);
    if ((ab <= 0 && bc <= 0 && ac > 0) || (ab >= 0 && bc >= 0 && ac < 0) ||
        (ab == 0 && bc != ac))
        broken("no order of three", text);
}

static void check_range_again(const wr_range *range, wr_text text,
                              const wr_semver *version) {
    static char written[64 << 10];
    size_t size = wr_range_write(written, sizeof(written), range, false);
    wr_range *again;
    if (size > LENGTH_MAX)
        return;
    if (wr_range_parse(&again, written, size) != 0)
        broken("what was written is no range", text);
    if (version != NULL && wr_range_has(range, version, false) !=
                               wr_range_has(again, version, false))
        broken("written and read it has another", text);
    wr_range_free(again);
}

static void check_has(const wr_range *range, wr_text text, const wr_semver *low,
                      const wr_semver *high) {
    if (wr_range_has(range, low, false) && !has_large_number(text) &&
        !wr_range_has(range, low, true))
        broken("not with prereleases", text);
    int side = wr_range_side(range, low);
    if (side != 0 && wr_range_has(range, low, false))
        broken("it has what is beside it", text);
    if (side > 0 && wr_range_side(range, high) <= 0)
        broken("above it is not above it", text);
    if (wr_range_side(range, high) < 0 && side >= 0)
        broken("below it is not below it", text);
    if (wr_range_is_any(range) && low->pre.size == 0 &&
        !wr_range_has(range, low, false))
        broken("any has not any", text);
}

static size_t split(wr_text *out, size_t most, const uint8_t *data,
                    size_t size) {
    size_t count = 0;
    const char *at = (const char *)data;
    for (const char *end = at + size; count < most; count++) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        // In memory of its own: a sanitizer sees its ends.
        size_t length = (size_t)((line == NULL ? end : line) - at);
        char *copy = malloc(length == 0 ? 1 : length);
        if (copy == NULL)
            abort();
        if (length > 0)
            memcpy(copy, at, length);
        out[count] = (wr_text){copy, length};
        at = line == NULL ? end : line + 1;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wr_text line[VERSIONS + RANGES];
    wr_semver version[VERSIONS];
    wr_range *range[RANGES] = {NULL, NULL};
    bool large = has_large_number((wr_text){(const char *)data, size});
    split(line, VERSIONS + RANGES, data, size);
    int valid = 0;
    for (int i = 0; i < VERSIONS; i++)
        valid += read_version(&version[valid], line[i]);
    if (valid == VERSIONS && !large)
        check_order(&version[0], &version[1], &version[2], line[0]);
    for (int i = 0; i < RANGES; i++) {
        wr_text text = line[VERSIONS + i];
        if (valid > 0)
            (void)wr_range_admits(text, &version[0]);
        if (wr_range_parse(&range[i], text.at, text.size) != 0)
            continue;
        check_range_again(range[i], text, valid > 0 ? &version[0] : NULL);
        if (valid < 2 || large)
            continue;
        bool order = wr_semver_compare(&version[0], &version[1]) <= 0;
        check_has(range[i], text, &version[!order], &version[order]);
    }
    for (int i = 0; range[0] != NULL && range[1] != NULL && i < valid; i++)
        if (version[i].pre.size == 0 && !large &&
            wr_range_has(range[0], &version[i], false) &&
            wr_range_has(range[1], &version[i], false) &&
            !wr_range_intersects(range[0], range[1]))
            broken("both have it and do not meet", line[VERSIONS]);
    for (int i = 0; i < RANGES; i++)
        wr_range_free(range[i]);
    for (int i = 0; i < VERSIONS + RANGES; i++)
        free((char *)line[i].at);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: pieces of versions and ranges, damaged a little

enum { INPUT_MAX = 4096 };
static size_t put(char *out, size_t size, const char *text) {
    size_t length = strlen(text);
    if (size + length > INPUT_MAX)
        return size;
    memcpy(out + size, text, length);
    return size + length;
}

static size_t put_number(char *out, size_t size) {
    static const char *const large[] = {"9007199254740991", "9007199254740992",
                                        "123456789012345678901234567890"};
    char text[12];
    if (below(200) == 0)
        return put(out, size, large[below(3)]);
    snprintf(text, sizeof(text), "%s%d", below(30) == 0 ? "0" : "",
             (int)below(below(5) == 0 ? 1000 : 3));
    return put(out, size, text);
}

static size_t put_version(char *out, size_t size) {
    static const char *const pre[] = {"-a", "-0",   "-1.b", "-rc.1", "beta",
                                      "--", "-a.0", "+b",   "-a+b",  ".4"};
    for (int i = 0; i < 3; i++) {
        size = put(out, size, i > 0 ? "." : "");
        size = put_number(out, size);
    }
    return below(2) ? put(out, size, pre[below(10)]) : size;
}

static size_t put_range(char *out, size_t size) {
    static const char *const before[] = {
        "^", "~", ">", "<", ">=", "<=", "=", "", "v", "~> ", "> ", "* "};
    static const char *const between[] = {" ", " ", "||", " || ", " - ", ""};
    static const char *const partial[] = {"1", "1.x", "*", "0", "0.1", "x", ""};
    for (size_t i = 1 + below(4); i > 0; i--) {
        size = put(out, size, before[below(12)]);
        size = below(3) ? put_version(out, size)
                        : put(out, size, partial[below(7)]);
        if (i > 1)
            size = put(out, size, between[below(6)]);
    }
    return size;
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\t =<>^~|-+.*xv09\xc2\xa0\xe2\x80\xff";
    if (below(2) == 0)
        return size;
    return fuzz_damage(data, size, odd, sizeof(odd) - 1, 5, 0);
}

static void one_round(void) {
    static uint8_t data[2 * INPUT_MAX];
    char *out = (char *)data;
    size_t size = 0;
    for (int i = 0; i < VERSIONS + RANGES; i++) {
        size = i < VERSIONS ? put_version(out, size) : put_range(out, size);
        size = put(out, size, "\n");
    }
    LLVMFuzzerTestOneInput(data, damage(data, size));
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_semver", one_round);
}

// SPDX-License-Identifier: MIT
// Answers questions about versions, ranges, specs and choices, one a line, for
// the comparison with npm's modules (against_npm.mjs). Fields have a space
// between; what is no printable ASCII, and %, is written as %XX.
//
//   v TEXT             the version, strict and loose; - for none
//   c A B              their order, loose
//   r RANGE            normal form: loose, and with prereleases
//   s RANGE VERSION    has it: loose, with prereleases, and as engines do
//   i A B              they intersect
//   n NAME             a valid name
//   p NAME SPEC        type, package, fetch, alias; or the error's code
//   k SPEC TAG NODE DOCUMENT    the version chosen, or the error's code
//   t TYPE COUNT TEXT  processor time of COUNT, nanoseconds each: TYPE r (a
//                      range is parsed), h (asked), p (a spec is parsed)
#include "programs/deps/pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIELDS = 5 };

typedef struct line {
    wr_text field[FIELDS];
} line;

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10;
}

static wr_text unescape(char *text) {
    size_t used = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '%' && at[1] != '\0' && at[2] != '\0') {
            text[used++] = (char)(digit_of(at[1]) << 4 | digit_of(at[2]));
            at += 2;
        } else {
            text[used++] = *at;
        }
    }
    return (wr_text){text, used};
}

static void split(line *out, char *text) {
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < FIELDS; i++) {
        char *field = strsep(&text, " ");
        if (field == NULL)
            return;
        // Each field in its own memory, so that a sanitizer sees its end.
        wr_text plain = unescape(field);
        char *copy = malloc(plain.size == 0 ? 1 : plain.size);
        memcpy(copy, plain.at, plain.size);
        out->field[i] = (wr_text){copy, plain.size};
    }
}

static void put(wr_text text) {
    putchar(' ');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c > 0x20 && c < 0x7f && c != '%')
            putchar(c);
        else
            printf("%%%02X", c);
    }
}

static void put_version(wr_text text, bool loose) {
    wr_semver version;
    char normal[600];
    if (wr_semver_parse(&version, text.at, text.size, loose) != 0) {
        printf(" -");
        return;
    }
    size_t size = wr_semver_write(normal, sizeof(normal), &version);
    put((wr_text){normal, size});
}

static void say_order(const line *in) {
    wr_semver a, b;
    if (wr_semver_parse(&a, in->field[1].at, in->field[1].size, true) != 0 ||
        wr_semver_parse(&b, in->field[2].at, in->field[2].size, true) != 0) {
        printf(" -");
        return;
    }
    int order = wr_semver_compare(&a, &b);
    printf(" %d", (order > 0) - (order < 0));
}

static void put_range(const wr_range *range, bool prereleases) {
    size_t size = wr_range_write(NULL, 0, range, prereleases);
    char *text = malloc(size + 1);
    wr_range_write(text, size + 1, range, prereleases);
    printf(" <");
    put((wr_text){text, size});
    free(text);
}

static void say_range(const line *in) {
    wr_range *range;
    if (wr_range_parse(&range, in->field[1].at, in->field[1].size) != 0) {
        printf(" - -");
        return;
    }
    put_range(range, false);
    put_range(range, true);
    wr_range_free(range);
}

static void say_has(const line *in) {
    wr_range *range;
    wr_semver version, strict;
    int error = wr_range_parse(&range, in->field[1].at, in->field[1].size);
    bool valid = wr_semver_parse(&version, in->field[2].at, in->field[2].size,
                                 true) == 0;
    bool also = wr_semver_parse(&strict, in->field[2].at, in->field[2].size,
                                false) == 0;
    printf(" %d %d %d",
           error == 0 && valid && wr_range_has(range, &version, false),
           error == 0 && valid && wr_range_has(range, &version, true),
           also ? wr_range_admits(in->field[1], &strict) : 0);
    // What a list is searched by may not say no to what is in the range.
    if (error == 0 && valid && wr_range_side(range, &version) != 0 &&
        wr_range_has(range, &version, false))
        printf(" beside");
    if (error == 0)
        wr_range_free(range);
}

static void say_meet(const line *in) {
    wr_range *a = NULL, *b = NULL;
    if (wr_range_parse(&a, in->field[1].at, in->field[1].size) != 0 ||
        wr_range_parse(&b, in->field[2].at, in->field[2].size) != 0)
        printf(" -");
    else
        printf(" %d", wr_range_intersects(a, b));
    wr_range_free(a);
    wr_range_free(b);
}

static void say_spec(const line *in) {
    wr_spec spec;
    wr_why why;
    if (wr_spec_parse(&spec, in->field[1], in->field[2], &why) != 0) {
        printf(" %s", why.code);
        return;
    }
    printf(" %s", wr_spec_type_name(spec.type));
    if (wr_spec_is_registry(&spec)) {
        put(spec.package);
        put(spec.fetch);
        printf(" %d", spec.alias);
    }
    wr_spec_free(&spec);
}

static void say_pick(const line *in) {
    wr_spec spec;
    wr_why why = {"", ""};
    wr_doc *doc;
    size_t size, index;
    wr_text json = in->field[4], node = in->field[3];
    wr_pick_options options = {.tag = in->field[2]};
    options.has_node =
        wr_semver_parse(&options.node, node.at, node.size, false) == 0;
    if (wr_spec_parse(&spec, (wr_text){"p", 1}, in->field[1], &why) != 0) {
        printf(" %s", why.code);
        return;
    }
    if (!wr_spec_is_registry(&spec) ||
        wr_doc_parse(&doc, &size, json.at, json.size, &why) != 0) {
        printf(" %s", why.code);
        wr_spec_free(&spec);
        return;
    }
    if (wr_pick(&index, doc, &spec, &options, &why) == 0) {
        wr_doc_version version;
        wr_doc_version_at(doc, index, &version);
        put(version.text);
    } else {
        printf(" %s", why.code);
    }
    free(doc);
    wr_spec_free(&spec);
}

static int64_t cpu_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void say_time(const line *in) {
    char number[24] = "";
    wr_text text = in->field[3];
    if (in->field[2].size < sizeof(number))
        memcpy(number, in->field[2].at, in->field[2].size);
    int64_t count = strtoll(number, NULL, 10), best = INT64_MAX;
    volatile bool sink = false;
    for (int round = 0; round < 9; round++) {
        wr_range *range = NULL;
        wr_semver version = {4, 17, 21, {NULL, 0}};
        wr_spec spec;
        if (in->field[1].at[0] != 'p' &&
            wr_range_parse(&range, text.at, text.size) != 0)
            return;
        int64_t from = cpu_ns();
        for (int64_t i = 0; i < count; i++) {
            version.patch = (uint64_t)i;
            if (in->field[1].at[0] == 'h') {
                sink = wr_range_has(range, &version, false);
            } else if (in->field[1].at[0] == 'r') {
                wr_range_free(range);
                if (wr_range_parse(&range, text.at, text.size) != 0)
                    abort();
            } else if (wr_spec_parse(&spec, (wr_text){"left-pad", 8}, text,
                                     NULL) == 0) {
                wr_spec_free(&spec);
            }
        }
        int64_t took = cpu_ns() - from;
        best = took < best ? took : best;
        wr_range_free(range);
    }
    (void)sink;
    printf(" %.1f", (double)best / (double)(count > 0 ? count : 1));
}

static void answer(const line *in) {
    switch (in->field[0].size == 0 ? 0 : in->field[0].at[0]) {
    case 'v':
        put_version(in->field[1], false);
        put_version(in->field[1], true);
        break;
    case 'c': say_order(in); break;
    case 'r': say_range(in); break;
    case 's': say_has(in); break;
    case 'i': say_meet(in); break;
    case 'n': printf(" %d", wr_name_is_valid(in->field[1])); break;
    case 'p': say_spec(in); break;
    case 'k': say_pick(in); break;
    case 't': say_time(in); break;
    default: printf(" ?");
    }
    putchar('\n');
}

int main(void) {
    char *text = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&text, &room, stdin)) > 0) {
        line in;
        if (text[size - 1] == '\n')
            text[size - 1] = '\0';
        split(&in, text);
        answer(&in);
        for (int i = 0; i < FIELDS; i++)
            free((char *)in.field[i].at);
    }
    free(text);
    return 0;
}

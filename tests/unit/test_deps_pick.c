// SPDX-License-Identifier: MIT
// Which version a spec gets.
#include "programs/deps/pick.h"

#include "base/fault.h"
#include "support/check.h"

#include <errno.h>

static wr_text text_of(const char *text) {
    return (wr_text){text, strlen(text)};
}

static const char *tag = "", *node = "";

// What is chosen for a spec in a document; "!CODE" where nothing is.
static const char *pick(const char *json, const char *text) {
    static char answer[600];
    wr_doc *doc;
    size_t size, index = SIZE_MAX;
    wr_spec spec;
    wr_why why;
    wr_pick_options options = {.tag = text_of(tag)};
    options.has_node = node[0] != '\0';
    if (options.has_node)
        CHECK_EQ(wr_semver_parse(&options.node, node, strlen(node), false), 0);
    if (wr_doc_parse(&doc, &size, json, strlen(json), &why) != 0)
        CHECK_FAIL("%s: %s", json, why.text);
    CHECK_EQ(wr_spec_parse(&spec, text_of("p"), text_of(text), &why), 0);
    int error = wr_pick(&index, doc, &spec, &options, &why);
    if (error == 0) {
        wr_doc_version version;
        CHECK(index < wr_doc_count(doc));
        wr_doc_version_at(doc, index, &version);
        snprintf(answer, sizeof(answer), "%.*s", (int)version.text.size,
                 version.text.at);
    } else {
        CHECK_EQ(error, -ENOENT);
        CHECK_EQ(wr_pick(&index, doc, &spec, &options, NULL), -ENOENT);
        CHECK(strpbrk(why.text, "\n") == NULL && why.text[0] != '\0');
        snprintf(answer, sizeof(answer), "!%s", why.code);
    }
    wr_spec_free(&spec);
    free(doc);
    return answer;
}

static const char plain[] =
    "{\"name\":\"p\",\"dist-tags\":{\"latest\":\"1.1.0\",\"next\":\"2.0.0-b\","
    "\"gone\":\"9.9.9\"},\"versions\":{\"1.0.0\":{},\"1.1.0\":{},\"1.2.0\":{},"
    "\"2.0.0-a\":{},\"2.0.0-b\":{},\"0.9.0\":{},\"nonsense\":{},"
    "\"v3.0.0\":{}}}";

static void a_version_is_that_or_none(void) {
    CHECK_STR(pick(plain, "1.0.0"), "1.0.0");
    CHECK_STR(pick(plain, " =v1.0.0+build"), "1.0.0");
    CHECK_STR(pick(plain, "2.0.0-a"), "2.0.0-a");
    CHECK_STR(pick(plain, "1.0.1"), "!ETARGET");
    // A key must be the version as it is written in normal form.
    CHECK_STR(pick(plain, "3.0.0"), "!ETARGET");
}

static void a_tag_is_its_version_or_none(void) {
    CHECK_STR(pick(plain, "latest"), "1.1.0");
    CHECK_STR(pick(plain, "next"), "2.0.0-b");
    CHECK_STR(pick(plain, "absent"), "!ETARGET");
    CHECK_STR(pick(plain, "gone"), "!ETARGET");
    CHECK_STR(pick(plain, "constructor"), "!ETARGET");
}

static void a_range_gets_latest_if_it_has_it(void) {
    CHECK_STR(pick(plain, "^1.0.0"), "1.1.0");
    CHECK_STR(pick(plain, ""), "1.1.0");
    CHECK_STR(pick(plain, ">1.1.0 <2"), "1.2.0");
}

static void a_range_gets_its_highest(void) {
    CHECK_STR(pick(plain, "~1.0.0 || ~0.9.0"), "1.0.0");
    CHECK_STR(pick(plain, "<1"), "0.9.0");
    CHECK_STR(pick(plain, ">=2.0.0-a <3"), "2.0.0-b");
    CHECK_STR(pick(plain, ">=2"), "v3.0.0");
    CHECK_STR(pick(plain, "^4"), "!ETARGET");
    CHECK_STR(pick(plain, "^2.0.0"), "!ETARGET");
}

static void another_tag_may_be_the_default(void) {
    tag = "next";
    CHECK_STR(pick(plain, "^1.0.0"), "1.2.0");
    // Any at all: a prerelease, too; but only as it is written so.
    CHECK_STR(pick(plain, "*"), "2.0.0-b");
    CHECK_STR(pick(plain, "x"), "v3.0.0");
    tag = "absent";
    CHECK_STR(pick(plain, "^1"), "1.2.0");
    tag = "";
}

static void versions_that_are_none_are_skipped(void) {
    static const char some[] =
        "{\"dist-tags\":{\"latest\":\"nonsense\"},\"versions\":{\"nonsense\":"
        "{},\"1.0.0\":{}}}";
    CHECK_STR(pick(some, "^1"), "1.0.0");
    CHECK_STR(pick(some, "x"), "1.0.0");
    CHECK_STR(pick(some, "*"), "nonsense");
    CHECK_STR(pick("{\"versions\":{\"nonsense\":{}}}", "*"), "!ETARGET");
}

static void deprecated_ones_come_last(void) {
    static const char some[] =
        "{\"dist-tags\":{\"latest\":\"1.2.0\"},\"versions\":{"
        "\"1.0.0\":{\"deprecated\":false},\"1.1.0\":{\"deprecated\":\"\"},"
        "\"1.2.0\":{\"deprecated\":\"no\"},\"1.3.0\":{\"deprecated\":\"n\"}}}";
    CHECK_STR(pick(some, "^1"), "1.1.0");
    CHECK_STR(pick(some, ">1.1"), "1.3.0");
    CHECK_STR(pick(some, "latest"), "1.2.0");
}

static const char engines[] =
    "{\"dist-tags\":{\"latest\":\"1.3.0\"},\"versions\":{"
    "\"1.0.0\":{\"engines\":{\"node\":\">=10\"}},"
    "\"1.1.0\":{\"deprecated\":\"x\",\"engines\":{\"node\":\">=10\"}},"
    "\"1.2.0\":{\"engines\":{\"node\":\">=20\"}},"
    "\"1.3.0\":{\"engines\":{\"node\":\">=20\"}},"
    "\"1.4.0\":{\"deprecated\":\"x\",\"engines\":{\"node\":\">=20\"}},"
    "\"2.0.0\":{\"engines\":{\"node\":\"node >= 4\"}}}}";

static void engines_that_accept_come_first(void) {
    node = "v18.1.0";
    CHECK_STR(pick(engines, "^1"), "1.0.0");
    CHECK_STR(pick(engines, ">=1.1 <1.4"), "1.1.0");
    CHECK_STR(pick(engines, ">=1.2 <2"), "1.3.0");
    CHECK_STR(pick(engines, "1.4.x"), "1.4.0");
    CHECK_STR(pick(engines, "latest"), "1.3.0");
    node = "v20.0.0-nightly";
    CHECK_STR(pick(engines, "^1"), "1.3.0");
    CHECK_STR(pick(engines, "*"), "1.3.0");
    node = "";
}

static void what_engines_cannot_be_read_does_not_accept(void) {
    node = "v20.0.0";
    CHECK_STR(pick(engines, ">=1.2"), "1.3.0");
    CHECK_STR(pick(engines, "^2"), "2.0.0");
    node = "";
}

static void without_a_node_engines_do_not_count(void) {
    CHECK_STR(pick(engines, ">=1.4"), "2.0.0");
    CHECK_STR(pick(engines, "1.2.x || 1.0.x"), "1.2.0");
}

static void a_package_without_versions_says_so(void) {
    static const char none[] = "{\"dist-tags\":{\"latest\":\"1.0.0\"},"
                               "\"versions\":{}}";
    CHECK_STR(pick(none, "^1"), "!ENOVERSIONS");
    CHECK_STR(pick(none, "*"), "!ENOVERSIONS");
    CHECK_STR(pick(none, "latest"), "!ETARGET");
    CHECK_STR(pick(none, "1.0.0"), "!ETARGET");
}

// Every range of a large document, against looking at all of it.
static void searching_finds_what_looking_finds(void) {
    enum { MAJORS = 9, MINORS = 20 };
    char *json = malloc(40 * MAJORS * MINORS + 100);
    size_t size = (size_t)sprintf(json, "{\"versions\":{");
    for (int major = 0; major < MAJORS; major++)
        for (int minor = 0; minor < MINORS; minor++)
            size += (size_t)sprintf(json + size, "%s\"%d.%d.0%s\":{}",
                                    major + minor == 0 ? "" : ",", major, minor,
                                    minor % 3 == 1 ? "-x" : "");
    sprintf(json + size, "}}");
    for (int major = 0; major < MAJORS; major++)
        for (int minor = 0; minor < MINORS; minor++) {
            char text[60], expected[60];
            snprintf(text, sizeof(text), "<%d.%d.0 || %d.%d.0", major, minor,
                     MAJORS, minor);
            int m = major, n = minor - 1;
            if (n >= 0 && n % 3 == 1)
                n--;
            if (n < 0) {
                m--;
                n = MINORS - 2; // the last is a prerelease
            }
            snprintf(expected, sizeof(expected), m < 0 ? "!ETARGET" : "%d.%d.0",
                     m, n);
            CHECK_STR(pick(json, text), expected);
        }
    free(json);
}

static void lack_of_memory_is_told(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without WEIR_FAULTS");
    char json[1200] = "{\"versions\":{\"1.0.0\":{\"engines\":{\"node\":\"";
    while (strlen(json) < 1000)
        strcat(json, ">=20 || >=21 || ");
    strcat(json, ">=22\"}}}}");
    wr_doc *doc;
    wr_spec spec;
    wr_why why;
    size_t size, index;
    wr_pick_options options = {.has_node = true, .node = {22, 0, 0, {0}}};
    CHECK_EQ(wr_doc_parse(&doc, &size, json, strlen(json), &why), 0);
    CHECK_EQ(wr_spec_parse(&spec, text_of("p"), text_of("^1"), &why), 0);
    CHECK(wr_fault_arm(WR_FAULT_ALLOC, 0, UINT64_MAX));
    CHECK_EQ(wr_pick(&index, doc, &spec, &options, &why), -ENOMEM);
    CHECK(wr_fault_arm(WR_FAULT_ALLOC, 0, 0));
    CHECK_STR(why.code, "ENOMEM");
    CHECK_EQ(wr_pick(&index, doc, &spec, &options, &why), 0);
    CHECK_EQ(index, 0);
    wr_spec_free(&spec);
    free(doc);
}

static void choosing_allocates_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without WEIR_FAULTS");
    wr_doc *doc;
    wr_spec spec;
    wr_why why;
    size_t size, index;
    wr_pick_options options = {.has_node = true, .node = {18, 0, 0, {0}}};
    CHECK_EQ(wr_doc_parse(&doc, &size, engines, strlen(engines), &why), 0);
    CHECK_EQ(wr_spec_parse(&spec, text_of("p"), text_of("^1"), &why), 0);
    CHECK(wr_fault_arm(WR_FAULT_ALLOC, 0, 0));
    CHECK_EQ(wr_pick(&index, doc, &spec, &options, &why), 0);
    CHECK_EQ(wr_fault_seen(WR_FAULT_ALLOC), 0);
    wr_spec_free(&spec);
    free(doc);
}

static const test_case cases[] = {
#define CASE(name)                                                             \
    { #name, name }
    CASE(a_version_is_that_or_none),
    CASE(a_tag_is_its_version_or_none),
    CASE(a_range_gets_latest_if_it_has_it),
    CASE(a_range_gets_its_highest),
    CASE(another_tag_may_be_the_default),
    CASE(versions_that_are_none_are_skipped),
    CASE(deprecated_ones_come_last),
    CASE(engines_that_accept_come_first),
    CASE(what_engines_cannot_be_read_does_not_accept),
    CASE(without_a_node_engines_do_not_count),
    CASE(a_package_without_versions_says_so),
    CASE(searching_finds_what_looking_finds),
    CASE(lack_of_memory_is_told),
    CASE(choosing_allocates_nothing),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

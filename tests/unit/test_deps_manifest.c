// SPDX-License-Identifier: MIT
#include "programs/deps/manifest.h"

#include "support/check.h"

#include "base/fault.h"

#include <errno.h>
#include <jansson.h>

static wr_manifest m;
static wr_why why;

static int parse_as(const char *json, size_t size, bool top, bool legacy) {
    char *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, json, size);
    why = (wr_why){"", ""};
    int error = wr_manifest_parse(&m, copy, size, top, legacy, &why);
    memset(copy, 'x', size); // nothing may point into it
    free(copy);
    if (error != 0 && (why.code[0] == 0 || why.text[0] == 0 ||
                       strchr(why.text, '\n') != NULL || m.memory != NULL))
        CHECK_FAIL("error %d without its line", error);
    return error;
}

static int root(const char *json) {
    return parse_as(json, strlen(json), true, false);
}

static int package(const char *json) {
    return parse_as(json, strlen(json), false, false);
}

// All of it on one line: "name spec type, ...".
static const char *edges(void) {
    static char list[2048];
    size_t used = 0;
    list[0] = 0;
    for (size_t i = 0; i < m.edges; i++) {
        const wr_edge *e = &m.edge[i];
        used += (size_t)snprintf(
            list + used, sizeof(list) - used, "%s%.*s %.*s %s",
            i > 0 ? ", " : "", (int)e->name.size, e->name.at, (int)e->spec.size,
            e->spec.at, wr_edge_type_name(e->type));
    }
    return list;
}

static const char *told(wr_text of) {
    static char buffer[4][512];
    static unsigned next;
    char *out = buffer[next++ % 4];
    snprintf(out, sizeof(buffer[0]), "%.*s", (int)of.size,
             of.size > 0 ? of.at : "");
    return out;
}

static const char *texts(const wr_text *list, size_t count) {
    static char line[1024];
    size_t used = 0;
    line[0] = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
                                 i > 0 ? " " : "", told(list[i]));
    return line;
}

static void drop(void) { wr_manifest_free(&m); }

static void edges_are(int status, const char *expected) {
    CHECK_EQ(status, 0);
    CHECK_STR(edges(), expected);
    drop();
}

// ---- edges -----------------------------------------------------------------

static void a_package_needs_what_npm_says(void) {
    CHECK_EQ(package("{\"name\":\"a\",\"version\":\"1.2.3\",\"dependencies\":{"
                     "\"z\":\"^1\",\"@s/b\":\"npm:c@2\",\"B\":\"\"},"
                     "\"optionalDependencies\":{\"o\":\"*\"},"
                     "\"peerDependencies\":{\"p\":\">=3\"},\"dist\":{"
                     "\"tarball\":\"http://x/a.tgz\",\"integrity\":"
                     "\"sha512-x\",\"shasum\":\"00\"}}"),
             0);
    CHECK_STR(told(m.name), "a");
    CHECK_STR(told(m.version), "1.2.3");
    CHECK_STR(told(m.tarball), "http://x/a.tgz");
    CHECK_STR(told(m.integrity), "sha512-x");
    edges_are(0, "@s/b npm:c@2 prod, B  prod, o * optional, p >=3 peer, "
                 "z ^1 prod");
    edges_are(package("{}"), "");
    wr_manifest nothing = {0};
    wr_manifest_free(&nothing);
}

static void a_later_kind_of_edge_replaces_an_earlier(void) {
    edges_are(root("{\"devDependencies\":{\"a\":\"5\"},"
                   "\"optionalDependencies\":{\"a\":\"4\",\"b\":\"4\"},"
                   "\"dependencies\":{\"a\":\"3\",\"b\":\"3\",\"c\":\"3\"},"
                   "\"peerDependencies\":{\"a\":\"1\",\"b\":\"1\",\"c\":\"1\","
                   "\"d\":\"1\",\"e\":\"1\"},\"peerDependenciesMeta\":{\"e\":{"
                   "\"optional\":true},\"c\":{\"optional\":true}}}"),
              "a 5 dev, b 4 optional, c 3 prod, d 1 peer, e 1 peerOptional");
}

static void only_a_top_has_dev_dependencies(void) {
    static const char json[] = "{\"devDependencies\":{\"a\":\"5\",\"b\":5},"
                               "\"dependencies\":{\"a\":\"3\"}}";
    edges_are(package(json), "a 3 prod");
    CHECK_EQ(root(json), -EINVAL);
}

static void peers_may_be_left_out(void) {
    static const char json[] =
        "{\"peerDependencies\":{\"a\":\"1\",\"b\":2},\"dependencies\":{"
        "\"a\":\"3\"}}";
    edges_are(parse_as(json, strlen(json), false, true), "a 3 prod");
    CHECK_EQ(package(json), -EINVAL);
}

static void a_peer_may_be_optional(void) {
    edges_are(package("{\"peerDependencies\":{\"a\":\"\",\"b\":\"\",\"c\":\"\","
                      "\"d\":\"\",\"e\":\"\",\"f\":\"\",\"g\":\"\"},"
                      "\"peerDependenciesMeta\":{\"a\":{\"optional\":false},"
                      "\"b\":{\"optional\":1},\"c\":{\"optional\":\"\"},"
                      "\"d\":{\"optional\":\"no\"},\"e\":true,\"f\":null,"
                      "\"z\":{\"optional\":true},\"g\":{\"optional\":0.0}}}"),
              "a  peer, b  peerOptional, c  peer, d  peerOptional, e  peer, "
              "f  peer, g  peer");
}

static void bundled_packages_are_no_edges(void) {
    static const char json[] =
        "{\"dependencies\":{\"a\":\"1\",\"b\":\"2\"},\"optionalDependencies\":{"
        "\"c\":\"3\"},\"peerDependencies\":{\"d\":\"4\"},"
        "\"bundleDependencies\":[\"d\",\"b\",\"c\",\"x\",\"b\",7]}";
    CHECK_EQ(package(json), 0);
    CHECK_STR(texts(m.bundled, m.bundleds), "b c d x");
    edges_are(0, "a 1 prod");
    // npm: a project brings nothing with it.
    CHECK_EQ(root(json), 0);
    CHECK_STR(texts(m.bundled, m.bundleds), "b c d x");
    edges_are(0, "a 1 prod, b 2 prod, c 3 optional, d 4 peer");
}

static void bundled_packages_may_be_written_in_many_ways(void) {
    static const char *const is[][2] = {
        {"\"bundleDependencies\":true", "a b"},
        {"\"bundledDependencies\":[\"a\"]", "a"},
        {"\"bundleDependencies\":false,\"bundledDependencies\":[\"a\"]", ""},
        {"\"bundleDependencies\":[],\"bundledDependencies\":[\"a\"]", ""},
        {"\"bundleDependencies\":{\"b\":\"x\"}", "b"},
        {"\"bundleDependencies\":\"a\"", ""},
        {"\"bundleDependencies\":null", ""},
        {"\"bundleDependencies\":1", ""}};
    for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
        char json[256];
        snprintf(json, sizeof(json),
                 "{\"dependencies\":{\"a\":\"1\",\"b\":\"2\"},%s}", is[i][0]);
        CHECK_EQ(package(json), 0);
        CHECK_STR(texts(m.bundled, m.bundleds), is[i][1]);
        drop();
    }
}

// ---- the rest of a package -------------------------------------------------

static void integrity_is_made_of_a_shasum(void) {
    static const char *const is[][2] = {
        {"\"shasum\":\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"",
         "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
        {"\"shasum\":\"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\"",
         "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
        {"\"integrity\":\"\",\"shasum\":"
         "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"",
         "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
        {"\"shasum\":\"da39a3ee5e6b4b0d3255bfef95601890afd8070\"", ""},
        {"\"shasum\":\"da39a3ee5e6b4b0d3255bfef95601890afd8070g\"", ""},
        {"\"integrity\":7", ""}};
    for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
        char json[256];
        snprintf(json, sizeof(json), "{\"dist\":{%s}}", is[i][0]);
        CHECK_EQ(package(json), 0);
        CHECK_STR(told(m.integrity), is[i][1]);
        drop();
    }
}

static void a_shrinkwrap_is_noticed(void) {
    CHECK_EQ(package("{\"_hasShrinkwrap\":true}"), 0);
    CHECK(m.has_shrinkwrap);
    drop();
    CHECK_EQ(package("{\"_hasShrinkwrap\":false}"), 0);
    CHECK(!m.has_shrinkwrap);
    drop();
    CHECK_EQ(root("{\"_hasShrinkwrap\":true}"), 0);
    CHECK(!m.has_shrinkwrap);
    drop();
}

// ---- JSON ------------------------------------------------------------------

static void a_byte_order_mark_is_skipped(void) {
    edges_are(root("\xef\xbb\xbf{\"dependencies\":{\"a\":\"1\"}}"), "a 1 prod");
    CHECK_EQ(root("\xef\xbb\xbf\xef\xbb\xbf{}"), -EINVAL);
    CHECK_STR(why.code, "EJSONPARSE");
}

static void of_a_key_that_is_there_twice_the_last_holds(void) {
    edges_are(root("{\"dependencies\":{\"x\":\"9\"},\"dependencies\":{"
                   "\"a\":1,\"b\":\"2\",\"a\":\"3\",\"\\u0062\":\"4\"}}"),
              "a 3 prod, b 4 prod");
}

static void what_json_parse_takes_is_taken(void) {
    edges_are(root("{\"dependencies\":{\"a\":\"1\\u0020\\ud83d\\ude00\","
                   "\"b\":\"\\ud83d\",\"c\":\"\xff\",\"d\\u0000\":\"x\"},"
                   "\"x\":[1e999,-1E+400,123456789012345678901234567890,"
                   "0.1e-999,\"\\u0000\",\"\xed\xa0\x80\",\"\xc0\xaf\"]}"),
              "a 1 \xf0\x9f\x98\x80 prod, b \xef\xbf\xbd prod, "
              "c \xef\xbf\xbd prod, d\xef\xbf\xbd x prod");
    CHECK_EQ(package("{\"_hasShrinkwrap\":100000000000000000000000,"
                     "\"peerDependencies\":{\"a\":\"\",\"b\":\"\"},"
                     "\"peerDependenciesMeta\":{\"a\":{\"optional\":1e999},"
                     "\"b\":{\"optional\":0e999}}}"),
             0);
    CHECK(m.has_shrinkwrap);
    edges_are(0, "a  peerOptional, b  peer");
}

static void what_is_no_json_is_refused_with_its_place(void) {
    CHECK_EQ(root("{\"a\":1,}"), -EINVAL);
    CHECK_STR(why.code, "EJSONPARSE");
    CHECK_STR(why.text, "not JSON: a name is missing, at byte 7");
    static const char sample[] =
        "{\"name\":\"a\",\"dependencies\":{\"b\":"
        "\"^1\"},\"x\":[true,null,-1.5e3,\"\\u00e9\"]}";
    for (size_t size = 0; size < sizeof(sample) - 1; size++) {
        CHECK_EQ(parse_as(sample, size, true, false), -EINVAL);
        CHECK_STR(why.code, "EJSONPARSE");
    }
    edges_are(root(sample), "b ^1 prod");
    char deep[2048];
    memset(deep, '[', 1024);
    memset(deep + 1024, ']', 1024);
    CHECK_EQ(parse_as(deep, 2048, true, false), -EINVAL);
    CHECK(strstr(why.text, "512 levels") != NULL);
    CHECK_EQ(parse_as(deep + 512, 1024, true, false), -EINVAL);
    CHECK_STR(why.code, "EBADDOC");
    CHECK_EQ(wr_manifest_parse(&m, deep, (size_t)WR_MANIFEST_BYTES_MAX + 1,
                               true, false, &why),
             -E2BIG);
    CHECK_STR(why.code, "ETOOBIG");
}

static void fields_of_the_wrong_type_are_refused_where_npm_fails(void) {
    static const char *const wrong[] = {
        "[]",
        "null",
        "\"x\"",
        "1",
        "{\"dependencies\":{\"a\":1}}",
        "{\"dependencies\":{\"a\":null}}",
        "{\"dependencies\":{\"a\":{\"version\":\"1\"}}}",
        "{\"optionalDependencies\":{\"a\":false}}",
        "{\"peerDependencies\":{\"a\":[]},\"dependencies\":{\"a\":\"1\"}}",
        "{\"devDependencies\":{\"a\":1}}",
        "{\"dependencies\":[\"a\"]}",
        "{\"dependencies\":\"a\"}",
        "{\"dependencies\":{\"a\":\"1\"},\"acceptDependencies\":{\"a\":2}}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (root(wrong[i]) != -EINVAL)
            CHECK_FAIL("%s is taken", wrong[i]);
        CHECK_STR(why.code, "EBADDOC");
    }
    CHECK_EQ(root("{\"dependencies\":{\"lodash\":1}}"), -EINVAL);
    CHECK_STR(why.text, "dependencies: the spec of 'lodash' is not a string");
}

static void fields_of_the_wrong_type_are_nothing_where_npm_goes_on(void) {
    static const char *const nothing[] = {
        "{\"dependencies\":null}",
        "{\"dependencies\":false}",
        "{\"dependencies\":\"\"}",
        "{\"dependencies\":[]}",
        "{\"dependencies\":7}",
        "{\"peerDependencies\":\"react\"}",
        "{\"name\":1,\"version\":{},\"dist\":3}"};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
        edges_are(root(nothing[i]), "");
    edges_are(root("{\"dependencies\":{\"a\":1},\"optionalDependencies\":{"
                   "\"a\":\"2\"}}"),
              "a 2 optional");
    edges_are(root("{\"peerDependencies\":{\"a\":\"1\"},"
                   "\"peerDependenciesMeta\":\"a\"}"),
              "a 1 peer");
}

// ---- overrides -------------------------------------------------------------

static const char *overrides(void) {
    static char list[1024];
    size_t used = 0;
    list[0] = 0;
    for (size_t i = 0; i < m.overrides; i++)
        used += (size_t)snprintf(
            list + used, sizeof(list) - used, "%s%s(%s)=%s", i > 0 ? ", " : "",
            told(m.override[i].name), told(m.override[i].range),
            told(m.override[i].spec));
    return list;
}

static void overrides_are(const char *json, const char *expected) {
    if (root(json) != 0)
        CHECK_FAIL("%s: %s", json, why.text);
    CHECK_STR(overrides(), expected);
    drop();
}

static void overrides_of_one_level_are_read(void) {
    overrides_are("{\"overrides\":{\"a\":\"1.0.0\",\"@s/b@^2\":\"npm:c@3\","
                  "\"a@ >=1 <2 \":\"\",\"d\":{\".\":\"4\"},\"e@*\":\"latest\","
                  "\"f\":{},\"g@1\":{},\"h\":{\".\":\"\"},\".\":\"9\"}}",
                  "a()=1.0.0, @s/b(^2)=npm:c@3, a(>=1 <2)=*, d()=4, "
                  "e()=latest, f()=*, g(1)=1, h()=*");
    overrides_are("{}", "");
    overrides_are("{\"overrides\":{}}", "");
    overrides_are("{\"overrides\":null}", "");
    CHECK_EQ(package("{\"overrides\":{\"a\":{\"b\":\"1\"}}}"), 0);
    CHECK_EQ(m.overrides, 0);
    drop();
}

static void a_reference_is_a_direct_dependency(void) {
    static const char all[] =
        "{\"devDependencies\":{\"a\":\"1\"},\"optionalDependencies\":{"
        "\"a\":\"2\",\"b\":\"2\"},\"dependencies\":{\"a\":\"3\",\"b\":\"3\","
        "\"c\":\"3\"},\"peerDependencies\":{\"a\":\"4\",\"b\":\"4\","
        "\"c\":\"4\",\"d\":\"4\"},\"overrides\":{\"w\":\"$a\",\"x\":\"$b\","
        "\"y\":\"$c\",\"z\":{\".\":\"$d\"},\"a\":\"$a\"}}";
    overrides_are(all, "w()=1, x()=2, y()=3, z()=4, a()=1");
    CHECK_EQ(root("{\"overrides\":{\"a\":\"$b\"}}"), -EINVAL);
    CHECK_STR(why.code, "EOVERRIDE");
    CHECK_STR(why.text, "override of 'a': it refers to no direct dependency");
    CHECK_EQ(root("{\"overrides\":{\"a\":\"$\"}}"), -EINVAL);
}

static void other_shapes_of_overrides_are_named(void) {
    static const char *const wrong[] = {"{\"foo\":{\"bar\":\"1\"}}",
                                        "{\"foo\":{\".\":\"1\",\"bar\":\"1\"}}",
                                        "{\"foo\":1}",
                                        "{\"foo\":null}",
                                        "{\"foo\":[\"1\"]}",
                                        "{\"foo\":{\".\":{}}}",
                                        "{\"foo@latest-x\":\"1\"}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char json[256];
        snprintf(json, sizeof(json), "{\"overrides\":%s}", wrong[i]);
        if (root(json) != -EINVAL)
            CHECK_FAIL("%s is taken", wrong[i]);
        CHECK_STR(why.code, "EOVERRIDE");
        CHECK(strstr(why.text, "'foo") != NULL);
    }
    CHECK_EQ(root("{\"overrides\":[\"a\"]}"), -EINVAL);
    CHECK_EQ(root("{\"overrides\":{\"\":\"1\"}}"), -EINVAL);
    CHECK_STR(why.code, "EOVERRIDE");
}

static void a_direct_dependency_cannot_be_overridden(void) {
    CHECK_EQ(root("{\"dependencies\":{\"a\":\"^1\"},\"overrides\":{\"a\":"
                  "\"2\"}}"),
             -EINVAL);
    CHECK_STR(why.code, "EOVERRIDE");
    CHECK_STR(why.text, "override for a@^1 conflicts with direct dependency");
    CHECK_EQ(root("{\"devDependencies\":{\"a\":\"^1\"},\"overrides\":{\"a@1\":"
                  "\"2\"}}"),
             -EINVAL);
    overrides_are("{\"dependencies\":{\"a\":\"^1\"},\"overrides\":{\"a\":"
                  "\"^1\"}}",
                  "a()=^1");
    overrides_are("{\"dependencies\":{\"a\":\"^1\"},\"overrides\":{\"a@^2\":"
                  "\"3\"}}",
                  "a(^2)=3");
    // The first that is for it decides.
    overrides_are("{\"dependencies\":{\"a\":\"^1\"},\"overrides\":{\"a\":\"*\","
                  "\"a@^1\":\"3\"}}",
                  "a()=*, a(^1)=3");
}

static const char *for_edge(const char *name, const char *spec) {
    const wr_override *found;
    wr_edge edge = {{name, strlen(name)}, {spec, strlen(spec)}, WR_EDGE_PROD};
    CHECK_EQ(wr_manifest_override_of(&found, &m, &edge), 0);
    return found == NULL ? "none" : told(found->spec);
}

static void an_override_is_for_the_ranges_it_meets(void) {
    CHECK_EQ(root("{\"overrides\":{\"a@^2\":\"two\",\"a@>=3\":\"three\","
                  "\"b\":\"bee\"}}"),
             0);
    CHECK_STR(for_edge("a", "^1.0.0"), "none");
    CHECK_STR(for_edge("a", "2.1.0"), "two");
    CHECK_STR(for_edge("a", ">=1"), "two");
    CHECK_STR(for_edge("a", "3.0.0 - 4"), "three");
    CHECK_STR(for_edge("a", "npm:other@^3"), "three");
    CHECK_STR(for_edge("a", "npm:other@^1"), "none");
    CHECK_STR(for_edge("a", "next"), "two");
    CHECK_STR(for_edge("a", "file:../a"), "two");
    CHECK_STR(for_edge("a", ""), "two");
    CHECK_STR(for_edge("b", "^1"), "bee");
    CHECK_STR(for_edge("b", "git+ssh://git@example.com/b.git"), "bee");
    CHECK_STR(for_edge("a", "git+ssh://git@example.com/a.git"), "none");
    CHECK_STR(for_edge("c", "^1"), "none");
    drop();
}

// ---- workspaces ------------------------------------------------------------

static void workspaces_are_patterns(void) {
    CHECK_EQ(root("{\"workspaces\":[\"packages/*\",\"!x\",\"a\"]}"), 0);
    CHECK_STR(texts(m.workspace, m.workspaces), "packages/* !x a");
    drop();
    CHECK_EQ(root("{\"workspaces\":{\"packages\":[\"b\"],\"nohoist\":[]}}"), 0);
    CHECK_STR(texts(m.workspace, m.workspaces), "b");
    drop();
    CHECK_EQ(package("{\"workspaces\":7}"), 0);
    CHECK_EQ(m.workspaces, 0);
    drop();
    static const char *const wrong[] = {
        "7", "\"packages/*\"", "{}", "{\"packages\":\"x\"}", "[1]", "null"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char json[128];
        snprintf(json, sizeof(json), "{\"workspaces\":%s}", wrong[i]);
        if (root(json) != -EINVAL)
            CHECK_FAIL("%s is taken", wrong[i]);
        CHECK_STR(why.code, "EWORKSPACESCONFIG");
    }
}

// ---- memory ----------------------------------------------------------------

static const char everything[] =
    "{\"name\":\"a\",\"version\":\"1\",\"dependencies\":{\"b\":\"^1\xff\"},"
    "\"devDependencies\":{\"b\":\"1\",\"c\":\"2\"},\"bundleDependencies\":["
    "\"z\"],\"overrides\":{\"d@^1\":\"2\",\"c@^7\":\"4\"},\"workspaces\":["
    "\"p/*\"]}";

// (parse_as has overwritten the JSON.)
static void texts_outlive_the_json(void) {
    CHECK_EQ(root(everything), 0);
    CHECK_STR(edges(), "b 1 dev, c 2 dev");
    CHECK_STR(overrides(), "d(^1)=2, c(^7)=4");
    CHECK_STR(texts(m.workspace, m.workspaces), "p/*");
    CHECK_STR(texts(m.bundled, m.bundleds), "z");
    CHECK_STR(told(m.name), "a");
    drop();
    drop();
}

static void *json_malloc(size_t size) {
    void *memory = wr_malloc(size);
    if (memory == NULL)
        errno = ENOMEM; // as malloc does
    return memory;
}

static void running_out_of_memory_is_told_and_leaves_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0))
        SKIP("a build without WEIR_FAULTS");
    json_set_alloc_funcs(json_malloc, wr_free);
    CHECK_EQ(root(everything), 0);
    uint64_t count = wr_fault_seen(WR_FAULT_ALLOC);
    drop();
    CHECK(count > 20);
    for (uint64_t i = 0; i < count; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        if (root(everything) != -ENOMEM)
            CHECK_FAIL("allocation %d may fail and nobody notices: %s", (int)i,
                       why.text);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
}

#define CASE(name)                                                             \
    { #name, name }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(a_package_needs_what_npm_says),
        CASE(a_later_kind_of_edge_replaces_an_earlier),
        CASE(only_a_top_has_dev_dependencies),
        CASE(peers_may_be_left_out),
        CASE(a_peer_may_be_optional),
        CASE(bundled_packages_are_no_edges),
        CASE(bundled_packages_may_be_written_in_many_ways),
        CASE(integrity_is_made_of_a_shasum),
        CASE(a_shrinkwrap_is_noticed),
        CASE(a_byte_order_mark_is_skipped),
        CASE(of_a_key_that_is_there_twice_the_last_holds),
        CASE(what_json_parse_takes_is_taken),
        CASE(what_is_no_json_is_refused_with_its_place),
        CASE(fields_of_the_wrong_type_are_refused_where_npm_fails),
        CASE(fields_of_the_wrong_type_are_nothing_where_npm_goes_on),
        CASE(overrides_of_one_level_are_read),
        CASE(a_reference_is_a_direct_dependency),
        CASE(other_shapes_of_overrides_are_named),
        CASE(a_direct_dependency_cannot_be_overridden),
        CASE(an_override_is_for_the_ranges_it_meets),
        CASE(workspaces_are_patterns),
        CASE(texts_outlive_the_json),
        CASE(running_out_of_memory_is_told_and_leaves_nothing),
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

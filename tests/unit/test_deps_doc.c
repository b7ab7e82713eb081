// SPDX-License-Identifier: MIT
#include "programs/deps/doc.h"

#include "support/check.h"

#include "base/fault.h"

#include <errno.h>
#include <libdeflate.h>

static wr_doc *doc;
static size_t doc_size;
static wr_why why;

static int parse_bytes(const char *json, size_t size) {
    // Exactly so much memory, for the sanitizer to see what is beyond.
    char *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, json, size);
    why = (wr_why){"", ""};
    doc = NULL;
    int error = wr_doc_parse(&doc, &doc_size, copy, size, &why);
    free(copy);
    if (error != 0 && (why.code[0] == 0 || why.text[0] == 0 ||
                       strchr(why.text, '\n') != NULL))
        CHECK_FAIL("error %d without its line", error);
    if (error == 0)
        CHECK_EQ(wr_doc_check(doc, doc_size), 0);
    return error;
}

static int parse(const char *json) { return parse_bytes(json, strlen(json)); }

static wr_text text(const char *of) { return (wr_text){of, strlen(of)}; }

static char *told(wr_text of) {
    static char buffer[4][2048];
    static unsigned next;
    char *out = buffer[next++ % 4];
    CHECK(of.size < sizeof(buffer[0]));
    memcpy(out, of.at, of.size);
    out[of.size] = 0;
    return out;
}

static wr_doc_version at(size_t index) {
    wr_doc_version version;
    CHECK(index < wr_doc_count(doc));
    wr_doc_version_at(doc, index, &version);
    return version;
}

// All keys, in order.
static const char *keys(void) {
    static char list[1024];
    size_t used = 0;
    list[0] = 0;
    for (size_t i = 0; i < wr_doc_count(doc); i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                 i > 0 ? " " : "", told(at(i).text));
    return list;
}

static const char *tag(const char *name) {
    wr_text version;
    return wr_doc_tag(doc, text(name), &version) ? told(version) : "(none)";
}

static void drop(void) {
    free(doc);
    doc = NULL;
}

// ---- cutting ---------------------------------------------------------------

static void a_document_is_cut_into_its_versions(void) {
    CHECK_EQ(parse(" { \"name\" : \"a\" , \"dist-tags\":{\"latest\":\"1.2.3\"}"
                   ",\"versions\":{\"1.2.3\":{\"name\":\"a\",\"version\":"
                   "\"1.2.3\",\"engines\":{\"node\":\">=8\"},"
                   "\"dist\":{\"tarball\":\"http://x/a\"}}}}\n"),
             0);
    CHECK_EQ(wr_doc_count(doc), 1);
    wr_doc_version v = at(0);
    CHECK_STR(told(v.text), "1.2.3");
    CHECK(v.valid && !v.deprecated);
    CHECK_EQ(v.semver.major, 1);
    CHECK_EQ(v.semver.minor, 2);
    CHECK_EQ(v.semver.patch, 3);
    CHECK_EQ(v.semver.pre.size, 0);
    CHECK_STR(told(v.node), ">=8");
    CHECK_STR(told(v.json),
              "{\"name\":\"a\",\"version\":\"1.2.3\",\"engines\":{\"node\":"
              "\">=8\"},\"dist\":{\"tarball\":\"http://x/a\"}}");
    drop();
}

static void versions_are_highest_first(void) {
    CHECK_EQ(parse("{\"versions\":{\"1.0.0\":{},\"10.0.0\":{},\"2.0.0\":{},"
                   "\"2.0.0-b.2\":{},\"2.0.0-b.10\":{},\"2.0.0-b\":{},"
                   "\"1.0.0+z\":{},\"1.0.0+a\":{}}}"),
             0);
    CHECK_STR(keys(), "10.0.0 2.0.0 2.0.0-b.10 2.0.0-b.2 2.0.0-b 1.0.0 "
                      "1.0.0+a 1.0.0+z");
    CHECK_STR(told(at(2).semver.pre), "b.10");
    drop();
}

static void keys_that_are_no_versions_come_last(void) {
    CHECK_EQ(parse("{\"versions\":{\"zz\":{},\"\":{},\"0.0.1\":{},"
                   "\"latest\":{},\"1.2\":{}}}"),
             0);
    CHECK_STR(keys(), "0.0.1  1.2 latest zz");
    CHECK(at(0).valid);
    for (size_t i = 1; i < 5; i++)
        CHECK(!at(i).valid);
    drop();
}

static void a_version_is_found_by_its_key(void) {
    char json[64 * 300], *end = json;
    end += sprintf(end, "{\"versions\":{\"no version\":{}");
    for (int i = 0; i < 300; i++)
        end += sprintf(end, ",\"%d.%d.0%s\":{\"bin\":%d}", i * 7 % 300, i % 3,
                       i % 5 == 0 ? "-rc.1" : "", i);
    sprintf(end, "}}");
    CHECK_EQ(parse(json), 0);
    CHECK_EQ(wr_doc_count(doc), 301);
    for (size_t i = 0; i < 301; i++)
        CHECK_EQ(wr_doc_find(doc, at(i).text), i);
    CHECK_EQ(wr_doc_find(doc, text("no version")), 300);
    CHECK_EQ(wr_doc_find(doc, text("1.0.9")), -1);
    CHECK_EQ(wr_doc_find(doc, text("no")), -1);
    CHECK_EQ(wr_doc_find(doc, text("")), -1);
    drop();
}

static void tags_are_found(void) {
    CHECK_EQ(parse("{\"versions\":{},\"dist-tags\":{\"next\":\"2.0.0\","
                   "\"latest\":\"1.0.0\",\"\":\"3.0.0\",\"odd\":1,"
                   "\"latest2\":\"\"}}"),
             0);
    CHECK_STR(tag("latest"), "1.0.0");
    CHECK_STR(tag("next"), "2.0.0");
    CHECK_STR(tag(""), "3.0.0");
    CHECK_STR(tag("latest2"), "");
    CHECK_STR(tag("late"), "(none)");
    CHECK_STR(tag("zz"), "(none)");
    drop();
    CHECK_EQ(parse("{\"versions\":{},\"dist-tags\":[\"latest\"]}"), 0);
    CHECK_STR(tag("latest"), "(none)");
    drop();
}

static void deprecated_is_what_javascript_calls_true(void) {
    static const struct {
        const char *value;
        bool deprecated;
    } is[] = {{"true", true},    {"false", false}, {"null", false},
              {"\"\"", false},   {"\"x\"", true},  {"0", false},
              {"-0.0e9", false}, {"1", true},      {"0.5", true},
              {"{}", true},      {"[]", true},     {"\"false\"", true}};
    for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
        char json[128];
        sprintf(json, "{\"versions\":{\"1.0.0\":{\"deprecated\":%s}}}",
                is[i].value);
        CHECK_EQ(parse(json), 0);
        if (at(0).deprecated != is[i].deprecated)
            CHECK_FAIL("deprecated %s", is[i].value);
        drop();
    }
}

static void engines_are_found_however_they_are_written(void) {
    static const char *const is[][2] = {
        {"{\"node\":\">=1\"}", ">=1"},
        {"{ \"npm\" : \"*\" , \"node\" : \"4\" }", "4"},
        {"{\"node\":\">=1\",\"node\":\"2\"}", "2"},
        {"{\"no\\u0064e\":\"\\u003e=5\"}", ">=5"},
        {"{\"node\":\"\"}", ""},
        {"{\"node\":4}", ""},
        {"{\"node\":\"4\",\"node\":4}", ""},
        {"{\"node \":\"4\"}", ""},
        {"[\"node >= 1\"]", ""},
        {"\"node\"", ""},
        {"{}", ""},
        {"{},\"engines\":{\"node\":\"7\"}", "7"},
        {"{\"node\":\"7\"},\"engines\":{}", ""},
        {"{\"node\":\"7\"},\"engines\":null", ""},
        {"{\"a\":{\"node\":\"7\"}}", ""}};
    for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++) {
        char json[256];
        sprintf(json, "{\"versions\":{\"1.0.0\":{\"engines\":%s,\"os\":[]}}}",
                is[i][0]);
        CHECK_EQ(parse(json), 0);
        CHECK_STR(told(at(0).node), is[i][1]);
        drop();
    }
}

static void what_no_resolve_needs_is_gone(void) {
    CHECK_EQ(parse("{\"readme\":\"long\",\"versions\":{\"1.0.0\":{"
                   "\"readme\":\"long\",\"maintainers\":[{\"name\":\"x\"}],"
                   "\"devDependencies\":{\"a\":\"1\"},"
                   "\"scripts\":{\"test\":\"x\",\"install\":\"y\",\"a\":1},"
                   "\"dist\":{\"signatures\":[{\"sig\":\"x\"}],"
                   "\"shasum\":\"00\",\"unpackedSize\":3},"
                   "\"users\":{},\"name\":\"a\"}}}"),
             0);
    CHECK_STR(told(at(0).json), "{\"scripts\":{\"install\":\"y\"},\"dist\":{"
                                "\"shasum\":\"00\"},\"name\":\"a\"}");
    drop();
}

static void what_is_kept_is_as_it_was_written(void) {
    static const char kept[] =
        "{\"name\":\"a\",\"version\":\"1.0.0\",\"dependencies\":{\"b\" : \"1\"}"
        ",\"optionalDependencies\":{},\"peerDependencies\":null,"
        "\"peerDependenciesMeta\":{\"x\":{\"optional\":true}},"
        "\"bundleDependencies\":true,\"bundledDependencies\":[\"b\"],"
        "\"acceptDependencies\":{},\"os\":[\"!win32\"],\"cpu\":[\"x64\"],"
        "\"libc\":\"glibc\",\"bin\":{\"a\":\"./a\\u0020b\"},\"engines\":{ },"
        "\"license\":{\"type\":\"MIT\"},\"funding\":[{\"url\":\"x\"}],"
        "\"deprecated\":\"no\",\"hasInstallScript\":true,"
        "\"_hasShrinkwrap\":false,\"workspaces\":[],\"dist\":7,\"scripts\":[]}";
    char json[2048];
    sprintf(json, "{\"versions\":{\"1.0.0\":%s}}", kept);
    CHECK_EQ(parse(json), 0);
    CHECK_STR(told(at(0).json), kept);
    drop();
}

static void of_a_key_that_is_there_twice_the_last_holds(void) {
    CHECK_EQ(parse("{\"versions\":{\"9.0.0\":{}},\"dist-tags\":{\"a\":\"1\"},"
                   "\"dist-tags\":{\"b\":\"1\",\"c\":\"2\",\"b\":\"3\",\"\":"
                   "\"\",\"\":\"4\"},\"versions\":{\"1.0.0\":{\"bin\":1},"
                   "\"2.0.0\":{},\"1.0.0\":{\"bin\":2},\"x\":{\"bin\":1},"
                   "\"x\":{\"bin\":2},\"1.0\\u002e0\":{\"bin\":3}}}"),
             0);
    CHECK_STR(keys(), "2.0.0 1.0.0 x");
    CHECK_STR(told(at(1).json), "{\"bin\":3}");
    CHECK_STR(told(at(2).json), "{\"bin\":2}");
    CHECK_STR(tag("a"), "(none)");
    CHECK_STR(tag("b"), "3");
    CHECK_STR(tag(""), "4");
    drop();
    CHECK_EQ(parse("{\"name\":\"a\",\"versions\":{\"9.0.0\":{}},\"versions\":"
                   "null,\"dist-tags\":{\"a\":\"1\"},\"dist-tags\":0}"),
             0);
    CHECK_EQ(wr_doc_count(doc), 0);
    CHECK_STR(tag("a"), "(none)");
    drop();
    CHECK_EQ(parse("{\"versions\":{\"1.0.0\":{\"deprecated\":\"x\","
                   "\"deprecated\":false}}}"),
             0);
    CHECK(!at(0).deprecated);
    drop();
}

static void escapes_mean_what_they_say(void) {
    CHECK_EQ(parse("{\"\\u0076ersions\":{\"\\u0031.0.0\":{\"di\\u0073t\":{"
                   "\"tar\\u0062all\":\"t\",\"x\":1}}},\"dist\\u002dtags\":{"
                   "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\":"
                   "\"1\\u002e0\",\"\\ud83d\":\"2\",\"\\ude00x\":\"3\"}}"),
             0);
    CHECK_STR(keys(), "1.0.0");
    CHECK_STR(told(at(0).json), "{\"di\\u0073t\":{\"tar\\u0062all\":\"t\"}}");
    CHECK_STR(tag("\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
              "1.0");
    CHECK_STR(tag("\xef\xbf\xbd"), "2");
    CHECK_STR(tag("\xef\xbf\xbdx"), "3");
    drop();
}

// ---- what is refused -------------------------------------------------------

static void a_document_without_versions_has_none(void) {
    static const char *const none[] = {
        "{\"versions\":{}}", "{\"name\":\"a\",\"time\":{\"unpublished\":{}}}",
        "{\"_id\":\"a\"}", "{\"name\":\"a\",\"versions\":null}",
        "{\"versions\":{\"1.0.0\":null,\"1.0.1\":[],\"1.0.2\":\"x\"}}"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        CHECK_EQ(parse(none[i]), 0);
        CHECK_EQ(wr_doc_count(doc), 0);
        CHECK_EQ(wr_doc_find(doc, text("1.0.0")), -1);
        drop();
    }
}

static void what_is_no_document_is_refused(void) {
    static const char *const none[] = {"{}",
                                       "[]",
                                       "null",
                                       "3",
                                       "\"versions\"",
                                       "{\"error\":\"not found\"}",
                                       "{\"versions\":[]}",
                                       "{\"versions\":3}",
                                       "{\"versions\":\"x\"}"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        CHECK_EQ(parse(none[i]), -EINVAL);
        CHECK_STR(why.code, "EBADDOC");
    }
}

static void what_is_no_json_is_refused_with_its_place(void) {
    static const struct {
        const char *json, *line;
    } wrong[] = {
        {"", "not JSON: it ends too early, at byte 0"},
        {"<html>", "not JSON: a value is missing, at byte 0"},
        {"{\"versions\":{}}x", "not JSON: something follows its end, at byte "
                               "15"},
        {"{\"versions\":{},}", "not JSON: a name is missing, at byte 15"},
        {"{\"versions\" {}}", "not JSON: a colon is missing, at byte 12"},
        {"{\"versions\":{} \"a\":1}", "not JSON: a comma is missing, at byte "
                                      "15"},
        {"{\"versions\":{\"a\":{\"b\":[1,]}}}",
         "not JSON: a value is missing, at byte 25"},
        {"{\"a\":\"\x01\"}",
         "not JSON: a control character in a string, at byte 6"},
        {"{\"a\":\"\\x\"}",
         "not JSON: an unknown escape in a string, at byte 7"},
        {"{\"a\":01}", "not JSON: a comma is missing, at byte 6"},
        {"\xef\xbb\xbf{\"versions\":{}}",
         "not JSON: a value is missing, at byte 0"},
        {"{'a':1}", "not JSON: a name is missing, at byte 1"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_EQ(parse(wrong[i].json), -EINVAL);
        CHECK_STR(why.code, "EJSONPARSE");
        CHECK_STR(why.text, wrong[i].line);
    }
}

static const char sample[] =
    "{\"name\":\"a\",\"dist-tags\":{\"latest\":\"1.0.0\"},\"versions\":{"
    "\"1.0.0\":{\"name\":\"a\",\"dependencies\":{\"b\":\"^1\\u0020\"},"
    "\"engines\":{\"node\":\"\\u003e4\"},\"x\":[1,-2.5e+3,true,false,null,{}],"
    "\"dist\":{\"shasum\":\"0\"},\"deprecated\":\"so\"},"
    "\"2.0.0-x.1\":{\"scripts\":{\"install\":\"x\"}},\"odd\":{}}} ";

static void a_document_cut_anywhere_is_refused(void) {
    for (size_t size = 0; size < sizeof(sample) - 2; size++) {
        CHECK_EQ(parse_bytes(sample, size), -EINVAL);
        CHECK_STR(why.code, "EJSONPARSE");
    }
    CHECK_EQ(parse(sample), 0);
    CHECK_STR(keys(), "2.0.0-x.1 1.0.0 odd");
    drop();
}

// `levels` of them in all.
static int parse_nested(unsigned levels, const char *open, const char *close) {
    static char json[8192];
    char *end = json + sprintf(json, "{\"versions\":{},\"x\":");
    for (unsigned i = 1; i < levels; i++)
        end += sprintf(end, "%s", open);
    end += sprintf(end, "1");
    for (unsigned i = 1; i < levels; i++)
        end += sprintf(end, "%s", close);
    sprintf(end, "}");
    return parse(json);
}

static void nesting_has_a_limit(void) {
    CHECK_EQ(parse_nested(512, "[", "]"), 0);
    drop();
    CHECK_EQ(parse_nested(512, "{\"a\":", "}"), 0);
    drop();
    CHECK_EQ(parse_nested(513, "[", "]"), -EINVAL);
    CHECK_STR(why.code, "EJSONPARSE");
    CHECK(strstr(why.text, "512 levels") != NULL);
    CHECK_EQ(parse_nested(513, "{\"a\":", "}"), -EINVAL);
}

static void size_has_a_limit(void) {
    why = (wr_why){"", ""};
    // Not one byte of it is read.
    CHECK_EQ(
        wr_doc_parse(&doc, &doc_size, "{", (size_t)WR_DOC_BYTES_MAX + 1, &why),
        -E2BIG);
    CHECK_STR(why.code, "ETOOBIG");
    size_t versions = WR_DOC_VERSIONS_MAX + 1, size = 0;
    char *json = malloc(versions * 16 + 64);
    size += (size_t)sprintf(json, "{\"versions\":{\"0\":{}");
    for (size_t i = 1; i < versions; i++)
        size += (size_t)sprintf(json + size, ",\"%zu\":{}", i);
    sprintf(json + size, "}}");
    CHECK_EQ(parse(json), -E2BIG);
    CHECK_STR(why.code, "ETOOBIG");
    free(json);
}

// ---- images ----------------------------------------------------------------

static void use_all(const wr_doc *of) {
    wr_doc_version v;
    wr_text version;
    size_t sum = 0;
    for (size_t i = 0; i < wr_doc_count(of); i++) {
        wr_doc_version_at(of, i, &v);
        wr_text texts[] = {v.text, v.node, v.json, v.semver.pre};
        for (size_t t = 0; t < 4; t++)
            for (size_t b = 0; b < texts[t].size; b++)
                sum += (unsigned char)texts[t].at[b];
        wr_doc_find(of, v.text);
    }
    if (wr_doc_tag(of, text("latest"), &version))
        for (size_t b = 0; b < version.size; b++)
            sum += (unsigned char)version.at[b];
    wr_doc_find(of, text("1.0.0"));
    wr_doc_find(of, text("none"));
    volatile size_t seen = sum;
    (void)seen;
}

static void an_image_may_lie_anywhere(void) {
    CHECK_EQ(parse(sample), 0);
    wr_doc *first = doc;
    for (size_t shift = 0; shift < 8; shift++) {
        char *moved = malloc(doc_size + shift);
        memcpy(moved + shift, first, doc_size);
        CHECK_EQ(wr_doc_check(moved + shift, doc_size), 0);
        doc = (wr_doc *)(moved + shift);
        CHECK_STR(keys(), "2.0.0-x.1 1.0.0 odd");
        CHECK_STR(told(at(1).node), ">4");
        CHECK_STR(tag("latest"), "1.0.0");
        use_all(doc);
        free(moved);
    }
    free(first);
}

static void an_image_that_was_changed_is_refused_or_harmless(void) {
    CHECK_EQ(parse(sample), 0);
    size_t refused = 0;
    for (size_t size = 0; size < doc_size; size++) {
        char *cut = malloc(size == 0 ? 1 : size);
        memcpy(cut, doc, size);
        CHECK_EQ(wr_doc_check(cut, size), -EINVAL);
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * doc_size; bit++) {
        char *bad = malloc(doc_size);
        memcpy(bad, doc, doc_size);
        bad[bit / 8] = (char)(bad[bit / 8] ^ 1 << bit % 8);
        if (wr_doc_check(bad, doc_size) == 0)
            use_all((wr_doc *)bad);
        else
            refused++;
        free(bad);
    }
    CHECK(refused > 100);
    drop();
}

static void running_out_of_memory_is_told_and_leaves_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0))
        SKIP("a build without WEIR_FAULTS");
    CHECK_EQ(parse(sample), 0); // the thread has room for tables now
    drop();
    wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0);
    CHECK_EQ(parse(sample), 0);
    uint64_t count = wr_fault_seen(WR_FAULT_ALLOC);
    drop();
    CHECK(count >= 2 && count < 8);
    for (uint64_t i = 0; i < count; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        CHECK_EQ(parse(sample), -ENOMEM);
        CHECK(doc == NULL);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
}

// ---- gzip ------------------------------------------------------------------

static size_t gzip(uint8_t *out, size_t room, const char *in, size_t size) {
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    size_t made = libdeflate_gzip_compress(c, in, size, out, room);
    libdeflate_free_compressor(c);
    CHECK(made > 0);
    return made;
}

static uint8_t *plain;
static size_t plain_size;

static int inflate_most(const uint8_t *bytes, size_t size, size_t most) {
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    why = (wr_why){"", ""};
    plain = NULL;
    int error = wr_doc_inflate(&plain, &plain_size, copy, size, most, &why);
    free(copy);
    CHECK((error == 0) == (plain != NULL));
    return error;
}

static char *much(size_t size) {
    char *out = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        out[i] = (char)('a' + i * i / 7 % 23);
    out[size] = 0;
    return out;
}

static void gzip_is_inflated(void) {
    static const size_t sizes[] = {0, 1, 100, 4096, 5000, 300000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *in = much(sizes[i]);
        uint8_t *zip = malloc(sizes[i] + 1000);
        size_t size = gzip(zip, sizes[i] + 1000, in, sizes[i]);
        CHECK_EQ(inflate_most(zip, size, 1 << 20), 0);
        CHECK_EQ(plain_size, sizes[i]);
        CHECK(memcmp(plain, in, sizes[i]) == 0);
        free(plain);
        free(zip);
        free(in);
    }
}

static void gzip_of_several_members_is_one_text(void) {
    uint8_t zip[4096];
    char *in = much(20000), whole[20010];
    size_t size = gzip(zip, sizeof(zip), in, 20000);
    size += gzip(zip + size, sizeof(zip) - size, "the end", 7);
    memcpy(whole, in, 20000);
    memcpy(whole + 20000, "the end", 7);
    memset(zip + size, 0, 9);
    for (size_t zeros = 0; zeros < 10; zeros += 9) {
        CHECK_EQ(inflate_most(zip, size + zeros, 1 << 20), 0);
        CHECK_EQ(plain_size, 20007);
        CHECK(memcmp(plain, whole, 20007) == 0);
        free(plain);
    }
    free(in);
}

static void damaged_gzip_is_refused(void) {
    uint8_t zip[4096], bad[4096];
    char *in = much(3000);
    size_t size = gzip(zip, sizeof(zip), in, 3000);
    for (size_t cut = 0; cut < size; cut++) {
        CHECK_EQ(inflate_most(zip, cut, 1 << 20), -EINVAL);
        CHECK_STR(why.code, "EZLIB");
    }
    // Behind the head (time, flags and system mean nothing) any bit counts, but
    // for those that fill up the last byte of the stream.
    size_t passed = 0;
    for (size_t bit = 80; bit < 8 * size; bit++) {
        memcpy(bad, zip, size);
        bad[bit / 8] = (uint8_t)(bad[bit / 8] ^ 1 << bit % 8);
        if (inflate_most(bad, size, 1 << 20) != 0)
            continue;
        CHECK(plain_size == 3000 && memcmp(plain, in, 3000) == 0);
        free(plain);
        passed++;
    }
    CHECK(passed < 8);
    memcpy(bad, zip, size);
    memcpy(bad + size, "more", 4);
    CHECK_EQ(inflate_most(bad, size + 4, 1 << 20), -EINVAL);
    CHECK_EQ(inflate_most((const uint8_t *)"{\"versions\":{}}", 15, 99),
             -EINVAL);
    CHECK_STR(why.code, "EZLIB");
    free(in);
}

static void what_inflates_to_too_much_is_refused(void) {
    static uint8_t zip[1 << 14];
    char *in = calloc(1, 10 << 20);
    size_t size = gzip(zip, sizeof(zip), in, 10 << 20);
    CHECK_EQ(inflate_most(zip, size, (10 << 20) - 1), -E2BIG);
    CHECK_STR(why.code, "ETOOBIG");
    CHECK_EQ(inflate_most(zip, size, 10 << 20), 0);
    CHECK_EQ(plain_size, 10 << 20);
    free(plain);
    // One that says that it is small.
    memset(zip + size - 4, 0, 4);
    CHECK(inflate_most(zip, size, 1 << 20) == -E2BIG);
    free(in);
}

static void a_lie_about_the_size_costs_little(void) {
    uint8_t zip[256];
    size_t size = gzip(zip, sizeof(zip), "{}", 2);
    memset(zip + size - 4, 0xff, 4);
    // From here on the thread has a decompressor.
    CHECK_EQ(inflate_most(zip, size, SIZE_MAX / 2), -EINVAL);
    if (!wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0))
        return;
    char *in = much(100000);
    static uint8_t large[100000];
    size = gzip(large, sizeof(large), in, 100000);
    CHECK_EQ(inflate_most(large, size, 1 << 20), 0);
    uint64_t count = wr_fault_seen(WR_FAULT_ALLOC);
    CHECK_EQ(count, 1);
    free(plain);
    size += gzip(large + size, sizeof(large) - size, in, 100000);
    free(in);
    wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0);
    CHECK_EQ(inflate_most(large, size, 1 << 20), 0);
    free(plain);
    count = wr_fault_seen(WR_FAULT_ALLOC);
    CHECK(count > 1);
    for (uint64_t i = 0; i < count; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        CHECK_EQ(inflate_most(large, size, 1 << 20), -ENOMEM);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
}

#define CASE(name)                                                             \
    { #name, name }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(a_document_is_cut_into_its_versions),
        CASE(versions_are_highest_first),
        CASE(keys_that_are_no_versions_come_last),
        CASE(a_version_is_found_by_its_key),
        CASE(tags_are_found),
        CASE(deprecated_is_what_javascript_calls_true),
        CASE(engines_are_found_however_they_are_written),
        CASE(what_no_resolve_needs_is_gone),
        CASE(what_is_kept_is_as_it_was_written),
        CASE(of_a_key_that_is_there_twice_the_last_holds),
        CASE(escapes_mean_what_they_say),
        CASE(a_document_without_versions_has_none),
        CASE(what_is_no_document_is_refused),
        CASE(what_is_no_json_is_refused_with_its_place),
        CASE(a_document_cut_anywhere_is_refused),
        CASE(nesting_has_a_limit),
        CASE(size_has_a_limit),
        CASE(an_image_may_lie_anywhere),
        CASE(an_image_that_was_changed_is_refused_or_harmless),
        CASE(running_out_of_memory_is_told_and_leaves_nothing),
        CASE(gzip_is_inflated),
        CASE(gzip_of_several_members_is_one_text),
        CASE(damaged_gzip_is_refused),
        CASE(what_inflates_to_too_much_is_refused),
        CASE(a_lie_about_the_size_costs_little),
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

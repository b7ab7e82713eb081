// SPDX-License-Identifier: MIT
// Specs, names, and the line that says why not.
#include "programs/deps/spec.h"

#include "base/fault.h"
#include "support/check.h"

#include <errno.h>

static wr_text text_of(const char *text) {
    return (wr_text){text, strlen(text)};
}

static bool is(wr_text text, const char *expected) {
    return text.size == strlen(expected) &&
           memcmp(text.at, expected, text.size) == 0;
}

static wr_spec spec(const char *name, const char *text) {
    wr_spec out;
    wr_why why;
    if (wr_spec_parse(&out, text_of(name), text_of(text), &why) != 0)
        CHECK_FAIL("%s@%s: %s: %s", name, text, why.code, why.text);
    return out;
}

static void check_registry(const char *text, wr_spec_type type,
                           const char *package, const char *fetch) {
    wr_spec read = spec("foo", text);
    if (read.type != type || !is(read.package, package) ||
        !is(read.fetch, fetch) || !is(read.raw, text) ||
        !is(read.name, "foo") || !wr_spec_is_registry(&read))
        CHECK_FAIL("%s: %s %.*s", text, wr_spec_type_name(read.type),
                   (int)read.fetch.size, read.fetch.at);
    wr_spec_free(&read);
}

static void check_other(const char *text, wr_spec_type type) {
    wr_spec read = spec("foo", text);
    if (read.type != type || wr_spec_is_registry(&read) || !is(read.raw, text))
        CHECK_FAIL("%s is %s", text, wr_spec_type_name(read.type));
    wr_spec_free(&read);
}

static void check_refused(const char *name, const char *text,
                          const char *code) {
    wr_spec out;
    wr_why why;
    if (wr_spec_parse(&out, text_of(name), text_of(text), &why) != -EINVAL)
        CHECK_FAIL("%s@%s is a spec", name, text);
    CHECK_STR(why.code, code);
    CHECK(why.text[0] != '\0');
    CHECK(strpbrk(why.text, "\n\r") == NULL);
    CHECK_EQ(wr_spec_parse(&out, text_of(name), text_of(text), NULL), -EINVAL);
    wr_spec_free(&out); // what was refused needs none, and bears it
}

// ---- the registry ----------------------------------------------------------

static void a_version_is_exactly_that(void) {
    check_registry("1.2.3", WR_SPEC_VERSION, "foo", "1.2.3");
    check_registry(" v1.2.3-a ", WR_SPEC_VERSION, "foo", "v1.2.3-a");
    check_registry("=1.2.3+b", WR_SPEC_VERSION, "foo", "=1.2.3+b");
    wr_spec read = spec("foo", "=1.2.3-rc");
    CHECK(read.version.major == 1 && is(read.version.pre, "rc"));
    CHECK(read.range == NULL && !read.alias);
    wr_spec_free(&read);
}

static void a_range_is_parsed(void) {
    check_registry("^1.2.3", WR_SPEC_RANGE, "foo", "^1.2.3");
    check_registry("1.x || >=2.5.0", WR_SPEC_RANGE, "foo", "1.x || >=2.5.0");
    wr_spec read = spec("foo", "~1.2");
    wr_semver in = {1, 2, 9, {NULL, 0}};
    CHECK(read.range != NULL && wr_range_has(read.range, &in, false));
    wr_spec_free(&read);
}

static void nothing_is_any(void) {
    check_registry("", WR_SPEC_RANGE, "foo", "*");
    check_registry("*", WR_SPEC_RANGE, "foo", "*");
    check_registry("  \t", WR_SPEC_RANGE, "foo", "*");
}

static void a_tag_is_what_else_fits_a_url(void) {
    check_registry("latest", WR_SPEC_TAG, "foo", "latest");
    check_registry(" next-11 ", WR_SPEC_TAG, "foo", "next-11");
    check_registry("1.2.3.4", WR_SPEC_TAG, "foo", "1.2.3.4");
    check_refused("foo", "a b", "EINVALIDTAGNAME");
    check_refused("foo", ">", "EINVALIDTAGNAME");
    check_refused("foo", "\xc3\xa9t\xc3\xa9", "EINVALIDTAGNAME");
    check_refused("foo", "latest@bar", "EINVALIDTAGNAME");
}

static void an_alias_fetches_another_package(void) {
    check_registry("npm:bar@^1.2.3", WR_SPEC_RANGE, "bar", "^1.2.3");
    check_registry("npm:@s/bar@1.2.3", WR_SPEC_VERSION, "@s/bar", "1.2.3");
    check_registry("NPM:bar", WR_SPEC_RANGE, "bar", "*");
    check_registry("npm:bar@", WR_SPEC_RANGE, "bar", "*");
    check_registry("npm:bar@next", WR_SPEC_TAG, "bar", "next");
    wr_spec read = spec("foo", "npm:bar@1");
    CHECK(read.alias);
    wr_spec_free(&read);
}

static void an_alias_that_is_none_is_refused(void) {
    check_refused("foo", "npm:bar@npm:baz@1", "EINVALIDSPEC");
    check_refused("foo", "npm:npm:bar", "EINVALIDSPEC");
    check_refused("foo", "npm:u/repository", "EINVALIDSPEC");
    check_refused("foo", "npm:./folder", "EINVALIDSPEC");
    check_refused("foo", "npm:", "EINVALIDSPEC");
    check_refused("foo", "npm:git@example.com:a/b", "EINVALIDSPEC");
    check_refused("foo", "npm:_bar@1", "EINVALIDPACKAGENAME");
    check_refused("foo", "npm:bar@a b", "EINVALIDTAGNAME");
    check_refused("foo", "npm:bar@jsr:x", "EUNSUPPORTEDPROTOCOL");
}

// ---- others ----------------------------------------------------------------

static void what_begins_like_a_path_is_a_file_or_folder(void) {
    check_other("file:../x", WR_SPEC_DIRECTORY);
    check_other("FILE:x.tgz", WR_SPEC_FILE);
    check_other("./x", WR_SPEC_DIRECTORY);
    check_other(".", WR_SPEC_DIRECTORY);
    check_other("../x.TAR.GZ", WR_SPEC_FILE);
    check_other("/a/b.tar", WR_SPEC_FILE);
    check_other("~/a", WR_SPEC_DIRECTORY);
    check_other("c:/x", WR_SPEC_DIRECTORY);
    check_other("a/b/c", WR_SPEC_DIRECTORY);
    check_other("x.tgz", WR_SPEC_FILE);
}

static void repositories_of_known_hosts_are_git(void) {
    static const char *const all[] = {
        "user/repository",
        "user/repository#semver:^1",
        "github:user/repository",
        "gitlab:group/sub/repository",
        "bitbucket:user/repository",
        "gist:11081aaa281",
        "sourcehut:~user/repository",
        "https://github.com/user/repository",
        "https://www.github.com/user/repository.git#v1",
        "https://github.com/user/repository/tree/branch",
        "git@github.com:user/repository",
        "git+ssh://git@gitlab.com/user/repository",
        "ssh://git@bitbucket.org/user/repository",
        "https://gist.github.com/user/1",
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        check_other(all[i], WR_SPEC_GIT);
}

static void other_git_urls_are_git(void) {
    check_other("git://example.com/a.git", WR_SPEC_GIT);
    check_other("git+https://example.com/a#v1", WR_SPEC_GIT);
    check_other("git+ssh://git@example.com:a/b.git#1234", WR_SPEC_GIT);
    check_other("git+ssh://git@example.com:22/a/b", WR_SPEC_GIT);
    check_other("git+file:///a/b", WR_SPEC_GIT);
}

static void tarballs_elsewhere_are_remote(void) {
    check_other("https://example.com/a.tgz", WR_SPEC_REMOTE);
    check_other("http://127.0.0.1:8080/a", WR_SPEC_REMOTE);
    check_other("http://[::1]/a", WR_SPEC_REMOTE);
    check_other("https://github.com/u/r/archive/1.tar.gz", WR_SPEC_REMOTE);
    check_other("HTTPS://example.com", WR_SPEC_REMOTE);
}

static void protocols_of_others_are_refused(void) {
    check_refused("foo", "workspace:*", "EUNSUPPORTEDPROTOCOL");
    check_refused("foo", "catalog:", "EUNSUPPORTEDPROTOCOL");
    check_refused("foo", "link:../a", "EUNSUPPORTEDPROTOCOL");
    check_refused("foo", "ftp://example.com/a", "EUNSUPPORTEDPROTOCOL");
}

static void what_is_no_url_is_refused(void) {
    check_refused("foo", "http://", "EINVALIDSPEC");
    check_refused("foo", "http://a b/", "EINVALIDSPEC");
    check_refused("foo", "http://example.com:70000/", "EINVALIDSPEC");
    check_refused("foo", "http://example.com:8a/", "EINVALIDSPEC");
    check_refused("foo", "http://1.2.3.256/", "EINVALIDSPEC");
    check_refused("foo", "http://[::1/", "EINVALIDSPEC");
    check_refused("foo", "http://user@/", "EINVALIDSPEC");
    check_refused("foo", "http://%ff/", "EINVALIDSPEC");
}

static void a_fragment_that_contradicts_itself_is_refused(void) {
    check_refused("foo", "u/r#semver:1::semver:2", "EINVALIDSPEC");
    check_refused("foo", "u/r#v1::semver:2", "EINVALIDSPEC");
    check_refused("foo", "u/r#semver:2::v1", "EINVALIDSPEC");
    check_refused("foo", "u/r#path:a::path:b", "EINVALIDSPEC");
    check_refused("foo", "git://example.com/a#a::b", "EINVALIDSPEC");
    check_other("u/r#semver:^1::path:a", WR_SPEC_GIT);
}

static void types_have_npms_names(void) {
    CHECK_STR(wr_spec_type_name(WR_SPEC_VERSION), "version");
    CHECK_STR(wr_spec_type_name(WR_SPEC_RANGE), "range");
    CHECK_STR(wr_spec_type_name(WR_SPEC_TAG), "tag");
    CHECK_STR(wr_spec_type_name(WR_SPEC_GIT), "git");
    CHECK_STR(wr_spec_type_name(WR_SPEC_REMOTE), "remote");
    CHECK_STR(wr_spec_type_name(WR_SPEC_FILE), "file");
    CHECK_STR(wr_spec_type_name(WR_SPEC_DIRECTORY), "directory");
}

// ---- names -----------------------------------------------------------------

static void names_that_were_ever_allowed_are(void) {
    static const char *const valid[] = {"a",       "JSONStream", "@scope/name",
                                        "a.b_c-d", "~a",         "a'(b)*!",
                                        "@_s/-x",  "http"};
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        if (!wr_name_is_valid(text_of(valid[i])))
            CHECK_FAIL("%s is not valid", valid[i]);
    char longer[301];
    memset(longer, 'a', 300);
    CHECK(wr_name_is_valid((wr_text){longer, 300}));
}

static void names_that_could_be_paths_are_not(void) {
    static const char *const wrong[] = {
        "",       ".",     "../a",         ".a",           "_a",
        "-a",     " a",    "a ",           "a/b",          "@a",
        "@a/",    "@/a",   "@a/b/c",       "@a/../b",      "@a/.b",
        "a b",    "a%2fb", "\xc3\xa9",     "node_modules", "Favicon.ico",
        "a\\b",   "a:b",   "Node_Modules", "a?b",          "a#b",
        "@a/b c", "a\nb"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (wr_name_is_valid(text_of(wrong[i])))
            CHECK_FAIL("%s is valid", wrong[i]);
        if (wrong[i][0] != '\0')
            check_refused(wrong[i], "1.0.0", "EINVALIDPACKAGENAME");
    }
    CHECK(!wr_name_is_valid((wr_text){"a\0b", 3}));
}

// ---- memory and lines ------------------------------------------------------

static void a_spec_owns_its_texts(void) {
    char name[] = "foo", text[] = "npm:bar@^1.0.0-x";
    wr_spec read;
    CHECK_EQ(wr_spec_parse(&read, text_of(name), text_of(text), NULL), 0);
    memset(name, '#', sizeof(name));
    memset(text, '#', sizeof(text));
    CHECK(is(read.name, "foo") && is(read.raw, "npm:bar@^1.0.0-x"));
    CHECK(is(read.package, "bar") && is(read.fetch, "^1.0.0-x"));
    wr_spec_free(&read);
    wr_spec_free(&read); // zeroed
}

static void lack_of_memory_is_told(void) {
    static const char *const all[] = {
        "^1.2.3", "u/r#semver:1", "git+file://a\\b", "https://example.com/"};
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without WEIR_FAULTS");
    for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
        for (uint64_t i = 0;; i++) {
            wr_spec read;
            wr_why why;
            CHECK(wr_fault_arm(WR_FAULT_ALLOC, i, 1));
            int error =
                wr_spec_parse(&read, text_of("foo"), text_of(all[k]), &why);
            CHECK(wr_fault_arm(WR_FAULT_ALLOC, 0, 0));
            if (error == 0) {
                CHECK(i > 1);
                wr_spec_free(&read);
                break;
            }
            CHECK_EQ(error, -ENOMEM);
            CHECK_STR(why.code, "ENOMEM");
        }
}

static void a_refusal_is_one_printable_line(void) {
    wr_why why;
    CHECK_EQ(wr_refuse(&why, -EIO, "ECODE", "a %s\x1b[2J b\n%d", "\xff\x07", 7),
             -EIO);
    CHECK_STR(why.code, "ECODE");
    CHECK_STR(why.text, "a \\xff\\x07\\x1b[2J b\\x0a7");
    wr_refuse(&why, -EIO, "E", "%s", "na\xc3\xafve \xc2\x9b \xe2\x82\xac");
    CHECK_STR(why.text, "na\xc3\xafve \\xc2\\x9b \xe2\x82\xac");
    CHECK_EQ(wr_refuse(NULL, -EPERM, "E", "x"), -EPERM);
}

static void too_long_a_refusal_is_cut(void) {
    wr_why why;
    char text[2000];
    memset(text, '\n', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    wr_refuse(&why, -EIO, text, "%s", text);
    CHECK_EQ(strlen(why.code), sizeof(why.code) - 1);
    CHECK(strlen(why.text) > sizeof(why.text) - 5);
    CHECK(strcmp(why.text + strlen(why.text) - 4, "\\x0a") == 0);
    check_refused("foo", "a b c d e f", "EINVALIDTAGNAME");
}

static const test_case cases[] = {
#define CASE(name)                                                             \
    { #name, name }
    CASE(a_version_is_exactly_that),
    CASE(a_range_is_parsed),
    CASE(nothing_is_any),
    CASE(a_tag_is_what_else_fits_a_url),
    CASE(an_alias_fetches_another_package),
    CASE(an_alias_that_is_none_is_refused),
    CASE(what_begins_like_a_path_is_a_file_or_folder),
    CASE(repositories_of_known_hosts_are_git),
    CASE(other_git_urls_are_git),
    CASE(tarballs_elsewhere_are_remote),
    CASE(protocols_of_others_are_refused),
    CASE(what_is_no_url_is_refused),
    CASE(a_fragment_that_contradicts_itself_is_refused),
    CASE(types_have_npms_names),
    CASE(names_that_were_ever_allowed_are),
    CASE(names_that_could_be_paths_are_not),
    CASE(a_spec_owns_its_texts),
    CASE(lack_of_memory_is_told),
    CASE(a_refusal_is_one_printable_line),
    CASE(too_long_a_refusal_is_cut),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
#include "programs/deps/manifest.h"

#include "support/check.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static wr_project project;
static wr_why why;

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *where) {
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void clear(void) {
    if (dir[0] != 0)
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    dir[0] = 0;
}

static void begin(void) {
    static bool registered;
    if (!registered)
        atexit(clear);
    registered = true;
    clear();
    strcpy(dir, "/tmp/weir-project-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
}

static const char *in_dir(const char *path) {
    static char full[2][512];
    static unsigned next;
    char *out = full[next++ % 2];
    snprintf(out, sizeof(full[0]), "%s/%s", dir, path);
    return out;
}

// A file, and the folders it is in.
static void put(const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof(full), "%s", in_dir(path));
    for (char *p = full + strlen(dir) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = 0;
        mkdir(full, 0700);
        *p = '/';
    }
    FILE *file = fopen(full, "w");
    CHECK(file != NULL);
    fputs(text, file);
    fclose(file);
}

// A package of a name that no other has.
static void put_package(const char *path) {
    char file[256], json[256];
    int at = snprintf(json, sizeof(json), "{\"name\":\"%s\"}", path);
    while (--at >= 0)
        if (json[at] == '/')
            json[at] = '-';
    snprintf(file, sizeof(file), "%s/package.json", path);
    put(file, json);
}

static int read_dir(void) {
    why = (wr_why){"", ""};
    int error = wr_project_read(&project, dir, false, &why);
    if (error != 0 && (why.code[0] == 0 || why.text[0] == 0 ||
                       strchr(why.text, '\n') != NULL ||
                       project.workspaces != 0 || project.workspace != NULL))
        CHECK_FAIL("error %d without its line", error);
    return error;
}

static const char *paths(void) {
    static char list[1024];
    size_t used = 0;
    list[0] = 0;
    for (size_t i = 0; i < project.workspaces; i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
                                 i > 0 ? " " : "", project.workspace[i].path);
    return list;
}

static void drop(void) { wr_project_free(&project); }

static void patterns_are(const char *patterns, const char *expected) {
    char json[512];
    snprintf(json, sizeof(json), "{\"workspaces\":[%s]}", patterns);
    put("package.json", json);
    if (read_dir() != 0)
        CHECK_FAIL("%s: %s", patterns, why.text);
    if (strcmp(paths(), expected) != 0)
        CHECK_FAIL("%s: '%s', not '%s'", patterns, paths(), expected);
    drop();
}

static void fails(int error, const char *code, const char *text) {
    CHECK_EQ(read_dir(), error);
    CHECK_STR(why.code, code);
    if (strstr(why.text, text) == NULL)
        CHECK_FAIL("'%s' has no '%s'", why.text, text);
}

static bool same(wr_text text, const char *as) {
    return text.size == strlen(as) && memcmp(text.at, as, text.size) == 0;
}

static const wr_edge *edge(const char *name) {
    for (size_t i = 0; i < project.root.edges; i++)
        if (same(project.root.edge[i].name, name))
            return &project.root.edge[i];
    CHECK_FAIL("no edge '%s'", name);
}

// ---- what is found ---------------------------------------------------------

static void a_project_is_its_package_json(void) {
    begin();
    put("package.json", "\xef\xbb\xbf{\"name\":\"p\",\"dependencies\":{"
                        "\"a\":\"1\"},\"peerDependencies\":{\"b\":\"1\"}}");
    CHECK_EQ(read_dir(), 0);
    CHECK(same(project.root.name, "p"));
    CHECK_EQ(project.root.edges, 2);
    CHECK_EQ(project.workspaces, 0);
    drop();
    CHECK_EQ(wr_project_read(&project, dir, true, &why), 0);
    CHECK_EQ(project.root.edges, 1);
    drop();
    drop();
}

static void workspaces_are_found(void) {
    begin();
    put("package.json", "{\"workspaces\":{\"packages\":[\"p/*\"]}}");
    put("p/b/package.json",
        "{\"name\":\"bee\",\"dependencies\":{\"x\":\"1\"},\"devDependencies\":"
        "{\"y\":\"2\"}}");
    put("p/a/package.json", "{\"name\":\"@s/a\",\"version\":\"1.0.0\"}");
    put("p/file", "");
    CHECK_EQ(read_dir(), 0);
    CHECK_STR(paths(), "p/a p/b");
    CHECK(same(project.workspace[0].manifest.name, "@s/a"));
    CHECK_EQ(project.workspace[1].manifest.edges, 2);
    drop();
}

static void patterns_name_folders(void) {
    begin();
    static const char *const folders[] = {
        "a",     "b",       "ab",  "p/a", "p/b",        "p/ab",
        "p/q/a", "p/q/b/c", "x-1", "x-2", "x-\xc3\xa9", "r/p/a"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        put_package(folders[i]);
    patterns_are("\"a\"", "a");
    patterns_are("\"./a\",\"/b/\"", "a b");
    patterns_are("\"p/*\"", "p/a p/ab p/b");
    patterns_are("\"p/?\"", "p/a p/b");
    patterns_are("\"p/a*\"", "p/a p/ab");
    patterns_are("\"p/*b\"", "p/ab p/b");
    patterns_are("\"p/[a-b]\"", "p/a p/b");
    patterns_are("\"p/[!a]\"", "p/b");
    patterns_are("\"p/[^b]*\"", "p/a p/ab");
    patterns_are("\"x-?\"", "x-1 x-2 x-\xc3\xa9");
    patterns_are("\"x-[0-9]\"", "x-1 x-2");
    patterns_are("\"x-[\xc3\xa8-\xc3\xaa]\"", "x-\xc3\xa9");
    patterns_are("\"*/a\"", "p/a");
    patterns_are("\"p/**\"", "p/a p/ab p/b p/q/a p/q/b/c");
    patterns_are("\"**/a\"", "a p/a p/q/a r/p/a");
    patterns_are("\"p/**/**/c\"", "p/q/b/c");
    patterns_are("\"{p,r/p}/{a,b}\"", "p/a p/b r/p/a");
    patterns_are("\"p/{a,q/{a,b/c}}\"", "p/a p/q/a p/q/b/c");
    patterns_are("\"p/{a}\"", "");
    patterns_are("\"p\\\\\\\\a\"", "p/a");
    patterns_are("\"p/../a\",\"p/./b\"", "a p/b");
    patterns_are("\"none\",\"none/*\",\"none/**\"", "");
    patterns_are("", "");
    patterns_are("\"p/*\",\"p/a\",\"p/*b\"", "p/a p/ab p/b");
}

static void a_workspace_may_be_elsewhere(void) {
    char inner[80];
    begin();
    put("lib/package.json", "{}");
    put("app/package.json", "{\"workspaces\":[\"../lib\"]}");
    strcpy(inner, in_dir("app"));
    CHECK_EQ(wr_project_read(&project, inner, false, &why), 0);
    CHECK_STR(paths(), "../lib");
    CHECK(same(project.workspace[0].manifest.name, "lib"));
    drop();
}

static void folders_that_begin_with_a_dot_are_left_out(void) {
    begin();
    put_package("p/.a");
    put_package("p/b");
    put_package("p/.c/d");
    patterns_are("\"p/*\"", "p/b");
    patterns_are("\"p/**\"", "p/b");
    patterns_are("\"p/?a\"", "");
    patterns_are("\"p/[.]a\"", "");
    patterns_are("\"p/.*\"", "p/.a");
    patterns_are("\"p/.c/*\"", "p/.c/d");
}

static void node_modules_is_never_entered(void) {
    begin();
    put_package("node_modules/a");
    put_package("p/node_modules/b");
    put_package("p/a");
    patterns_are("\"**\"", "p/a");
    patterns_are("\"*/*\"", "p/a");
    patterns_are("\"node_modules/a\",\"p/node_modules/*\"", "");
    patterns_are("\"p/*/b\"", "");
}

static void negated_patterns_leave_out(void) {
    begin();
    put_package("p/a");
    put_package("p/b");
    put_package("p/b/c");
    put_package("p/.x");
    patterns_are("\"p/*\",\"!p/b\"", "p/a");
    patterns_are("\"p/**\",\"!p/b\"", "p/a p/b/c");
    patterns_are("\"p/**\",\"!p/b/**\"", "p/a");
    patterns_are("\"p/**\",\"!./p/a\"", "p/b p/b/c");
    patterns_are("\"!p/b\",\"p/*\"", "p/a");
    patterns_are("\"p/*\",\"!!p/b\"", "p/a p/b");
    patterns_are("\"p/*\",\"!!!p/b\"", "p/a");
    patterns_are("\"p/.x\",\"p/a\",\"!p/*\"", "");
    patterns_are("\"p/*\",\"!**\"", "");
    patterns_are("\"!p/a\"", "");
}

static void a_later_pattern_wins(void) {
    begin();
    put_package("p/a");
    put_package("p/b/a");
    put_package("p/b/b");
    patterns_are("\"p/**\",\"!p/b/**\",\"p/b/a\"", "p/a p/b/a p/b/b");
    patterns_are("\"p/b/a\",\"p/a\",\"!p/b/**\"", "p/a");
    patterns_are("\"!p/b/**\",\"p/b/a\"", "p/b/a");
}

// There are millions of ways to share out the depth among so many.
static void many_two_stars_look_into_a_folder_once(void) {
    char path[256] = "";
    begin();
    for (int i = 0; i < 60; i++)
        strcat(path, "a/");
    strcat(path, "package.json");
    put(path, "{}");
    put("package.json",
        "{\"workspaces\":[\"**/a/**/a/**/a/**/a/**/a/**/a/**\"]}");
    CHECK_EQ(wr_project_read(&project, dir, false, &why), 0);
    CHECK_EQ(project.workspaces, 1);
    wr_project_free(&project);
}

static void links_are_followed_by_two_stars_once(void) {
    begin();
    put_package("real/x/y");
    put_package("p/a");
    CHECK_EQ(symlink("../real/x", in_dir("p/link")), 0);
    put("real/x/package.json", "{}");
    CHECK_EQ(symlink(".", in_dir("p/loop")), 0);
    CHECK_EQ(symlink("nowhere", in_dir("p/gone")), 0);
    patterns_are("\"p/*\"", "p/a p/link");
    patterns_are("\"p/link/*\"", "p/link/y");
    patterns_are("\"p/**/y\"", "p/link/y");
    patterns_are("\"**/y\"", "real/x/y");
    patterns_are("\"p/**\"", "p/a p/link");
}

static void a_folder_without_package_json_is_no_workspace(void) {
    begin();
    put("p/a/readme", "");
    put_package("p/b");
    put("p/c", "");
    patterns_are("\"p/*\",\"p/c\",\"p/d\"", "p/b");
    CHECK_STR(why.code, "");
}

// ---- edges -----------------------------------------------------------------

static void a_workspace_is_an_edge_of_the_root(void) {
    begin();
    put("package.json",
        "{\"dependencies\":{\"a\":\"^1\",\"z\":\"2\"},\"devDependencies\":{"
        "\"b\":\"^1\"},\"workspaces\":[\"p/*\"]}");
    put("p/a/package.json", "{\"name\":\"a\"}");
    put("p/b#1/package.json", "{\"name\":\"b\"}");
    CHECK_EQ(read_dir(), 0);
    CHECK_EQ(project.root.edges, 3);
    CHECK_EQ(edge("a")->type, WR_EDGE_WORKSPACE);
    CHECK(same(edge("a")->spec, "file:p/a"));
    CHECK_EQ(edge("b")->type, WR_EDGE_WORKSPACE);
    CHECK(same(edge("b")->spec, "file:p/b%231"));
    CHECK_EQ(edge("z")->type, WR_EDGE_PROD);
    CHECK(same(project.root.edge[0].name, "a"));
    CHECK(same(project.root.edge[2].name, "z"));
    drop();
}

static void a_workspace_without_a_name_is_called_by_its_folder(void) {
    begin();
    put("package.json", "{\"workspaces\":[\"p/**\"]}");
    put("p/one/package.json", "{}");
    put("p/@s/two/package.json", "{\"name\":\"\"}");
    CHECK_EQ(read_dir(), 0);
    CHECK(same(project.workspace[0].manifest.name, "@s/two"));
    CHECK(same(project.workspace[1].manifest.name, "one"));
    CHECK(same(edge("@s/two")->spec, "file:p/@s/two"));
    drop();
}

static void two_workspaces_of_one_name_are_refused(void) {
    begin();
    put("package.json", "{\"workspaces\":[\"p/*\"]}");
    put("p/a/package.json", "{\"name\":\"same\"}");
    put("p/b/package.json", "{\"name\":\"other\"}");
    put("p/c/package.json", "{\"name\":\"same\"}");
    fails(-EINVAL, "EDUPLICATEWORKSPACE", "'same': p/a and p/c");
    put("p/c/package.json", "{\"name\":\"third\"}");
    CHECK_EQ(read_dir(), 0);
    drop();
}

static void an_override_of_a_workspace_is_refused(void) {
    begin();
    put("p/a/package.json", "{\"name\":\"a\"}");
    put("package.json",
        "{\"workspaces\":[\"p/*\"],\"overrides\":{\"a\":\"2\"}}");
    fails(-EINVAL, "EOVERRIDE", "a@file:p/a");
    put("package.json",
        "{\"workspaces\":[\"p/*\"],\"overrides\":{\"a\":\"\",\"b\":\"2\"}}");
    CHECK_EQ(read_dir(), 0);
    CHECK_EQ(project.root.overrides, 2);
    drop();
}

static void a_workspaces_own_overrides_do_not_count(void) {
    begin();
    put("package.json", "{\"workspaces\":[\"a\"]}");
    put("a/package.json", "{\"dependencies\":{\"b\":\"1\"},\"overrides\":{"
                          "\"b\":\"2\",\"c\":{\"d\":\"1\"}},\"workspaces\":3}");
    CHECK_EQ(read_dir(), 0);
    CHECK_EQ(project.workspace[0].manifest.overrides, 0);
    CHECK_EQ(project.workspace[0].manifest.edges, 1);
    drop();
}

// ---- failures --------------------------------------------------------------

static void what_is_wrong_names_its_file(void) {
    begin();
    fails(-ENOENT, "ENOENT", "package.json: no such file");
    put("package.json", "{\"a\":}");
    fails(-EINVAL, "EJSONPARSE",
          "package.json: not JSON: a value is missing, at byte 5");
    put("package.json", "{\"dependencies\":{\"a\":1}}");
    fails(-EINVAL, "EBADDOC", "package.json: dependencies");
    put("package.json", "{\"overrides\":{\"a\":{\"b\":\"1\"}}}");
    fails(-EINVAL, "EOVERRIDE", "package.json: override of 'a'");
    put("package.json", "{\"workspaces\":[\"p/*\"]}");
    put("p/a/package.json", "nothing");
    fails(-EINVAL, "EJSONPARSE", "p/a/package.json: not JSON");
    CHECK_EQ(remove(in_dir("package.json")), 0);
    CHECK_EQ(mkdir(in_dir("package.json"), 0700), 0);
    fails(-EISDIR, "EISDIR", "package.json");
}

static void what_is_no_file_is_not_waited_for(void) {
    begin();
    CHECK_EQ(mkfifo(in_dir("package.json"), 0600), 0);
    fails(-EINVAL, "EBADDOC", "package.json: is no file");
    CHECK_EQ(remove(in_dir("package.json")), 0);
    put("package.json", "");
    CHECK_EQ(truncate(in_dir("package.json"), (off_t)WR_MANIFEST_BYTES_MAX + 1),
             0);
    fails(-E2BIG, "ETOOBIG", "package.json");
}

static void patterns_that_are_not_read_are_named(void) {
    static const char *const wrong[][2] = {{"+(a|b)", "extended globs"},
                                           {"x/{1..3}", "ranges in braces"},
                                           {"[[:alpha:]]", "classes by name"},
                                           {"*/../a", "'..' behind"},
                                           {"a\\u0000b", "a NUL"}};
    begin();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char json[128];
        snprintf(json, sizeof(json), "{\"workspaces\":[\"%s\"]}", wrong[i][0]);
        // (A NUL has become U+FFFD, which is a letter.)
        put("package.json", json);
        if (i == 4) {
            CHECK_EQ(read_dir(), 0);
            drop();
            continue;
        }
        fails(-EINVAL, "EWORKSPACESCONFIG", wrong[i][1]);
        CHECK(strstr(why.text, wrong[i][0]) != NULL);
    }
    put("package.json",
        "{\"workspaces\":[\"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"
        "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}\"]}");
    fails(-EINVAL, "EWORKSPACESCONFIG", "too many alternatives");
}

static void running_out_of_memory_is_told_and_leaves_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0))
        SKIP("a build without WEIR_FAULTS");
    begin();
    put("package.json", "{\"workspaces\":[\"{p,q}/**\",\"!p/b\"],"
                        "\"overrides\":{\"x\":\"1\"}}");
    put("p/a/package.json", "{\"name\":\"a\",\"dependencies\":{\"x\":\"1\"}}");
    put_package("p/b");
    put_package("q/c/d");
    wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0);
    CHECK_EQ(read_dir(), 0);
    uint64_t count = wr_fault_seen(WR_FAULT_ALLOC);
    CHECK_STR(paths(), "p/a q/c/d");
    drop();
    CHECK(count > 15);
    for (uint64_t i = 0; i < count; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        if (read_dir() != -ENOMEM)
            CHECK_FAIL("allocation %d may fail and nobody notices", (int)i);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
}

#define CASE(name)                                                             \
    { #name, name }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(a_project_is_its_package_json),
        CASE(workspaces_are_found),
        CASE(patterns_name_folders),
        CASE(a_workspace_may_be_elsewhere),
        CASE(folders_that_begin_with_a_dot_are_left_out),
        CASE(node_modules_is_never_entered),
        CASE(negated_patterns_leave_out),
        CASE(a_later_pattern_wins),
        CASE(many_two_stars_look_into_a_folder_once),
        CASE(links_are_followed_by_two_stars_once),
        CASE(a_folder_without_package_json_is_no_workspace),
        CASE(a_workspace_is_an_edge_of_the_root),
        CASE(a_workspace_without_a_name_is_called_by_its_folder),
        CASE(two_workspaces_of_one_name_are_refused),
        CASE(an_override_of_a_workspace_is_refused),
        CASE(a_workspaces_own_overrides_do_not_count),
        CASE(what_is_wrong_names_its_file),
        CASE(what_is_no_file_is_not_waited_for),
        CASE(patterns_that_are_not_read_are_named),
        CASE(running_out_of_memory_is_told_and_leaves_nothing),
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

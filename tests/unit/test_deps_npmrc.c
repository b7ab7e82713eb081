// SPDX-License-Identifier: MIT
// npm's settings: where they come from, what they may be, who gets a token.
#include "base/fault.h"
#include "programs/deps/npmrc.h"
#include "support/check.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VARIABLES = 16 };

// A home, a project, a prefix; NULL: no such file.
typedef struct place {
    char root[64];
    char home[96], project[96], prefix[96];
    char variable[VARIABLES][256];
    char *environment[VARIABLES + 1];
    size_t variables;
    wr_npmrc_options options;
} place;

static void set_variable(place *here, const char *name, const char *value) {
    CHECK(here->variables < VARIABLES);
    snprintf(here->variable[here->variables], 256, "%s=%s", name, value);
    here->environment[here->variables] = here->variable[here->variables];
    here->variables++;
}

static void write_text(const char *folder, const char *name, const char *text) {
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void make_place(place *out) {
    *out = (place){.root = "/tmp/weir-npmrc-XXXXXX"};
    CHECK(mkdtemp(out->root) != NULL);
    snprintf(out->home, sizeof(out->home), "%s/home", out->root);
    snprintf(out->project, sizeof(out->project), "%s/project", out->root);
    snprintf(out->prefix, sizeof(out->prefix), "%s/prefix", out->root);
    char etc[128];
    snprintf(etc, sizeof(etc), "%s/etc", out->prefix);
    CHECK(mkdir(out->home, 0700) == 0 && mkdir(out->project, 0700) == 0 &&
          mkdir(out->prefix, 0700) == 0 && mkdir(etc, 0700) == 0);
    set_variable(out, "HOME", out->home);
    set_variable(out, "PREFIX", out->prefix);
    out->options.dir = out->project;
    out->options.environment = out->environment;
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void end_place(place *here) {
    nftw(here->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void project(place *here, const char *text) {
    write_text(here->project, ".npmrc", text);
}

static wr_npmrc *read_good(const place *here) {
    wr_npmrc *config;
    wr_why why = {0};
    int error = wr_npmrc_read(&config, &here->options, &why);
    if (error != 0)
        CHECK_FAIL("refused: %s", why.text);
    return config;
}

// The project's file is refused with a line that ends like this.
static void refused(place *here, const char *text, const char *place_and_key,
                    const char *rest) {
    wr_npmrc *config;
    wr_why why = {0};
    char line[512];
    project(here, text);
    CHECK_EQ(wr_npmrc_read(&config, &here->options, &why), -EINVAL);
    CHECK(config == NULL);
    snprintf(line, sizeof(line), "%s/.npmrc:%s: %s", here->project,
             place_and_key, rest);
    CHECK_STR(why.text, line);
    CHECK_STR(why.code, "ECONFIG");
}

static const char *authorization(place *here, const char *text,
                                 const char *url) {
    static char out[256];
    project(here, text);
    wr_npmrc *config = read_good(here);
    const char *header = wr_npmrc_authorization(config, url);
    snprintf(out, sizeof(out), "%s", header == NULL ? "none" : header);
    wr_npmrc_free(config);
    return out;
}

// ---------------------------------------------------------------------------
// Sources

static void without_settings_npms_defaults_hold(void) {
    place here;
    char cache[160];
    make_place(&here);
    wr_npmrc *config = read_good(&here);
    const wr_settings *is = wr_npmrc_settings(config);
    snprintf(cache, sizeof(cache), "%s/.npm/_weir", here.home);
    CHECK_STR(is->cache, cache);
    CHECK_STR(is->tag, "latest");
    CHECK(is->cafile == NULL && is->ca == NULL && is->proxy == NULL &&
          is->https_proxy == NULL && is->noproxy == NULL &&
          is->before == NULL && is->node_version == NULL);
    CHECK(is->strict_ssl && !is->legacy_peer_deps && !is->offline &&
          !is->prefer_offline && !is->prefer_online);
    CHECK(is->fetch_retries == 2 && is->fetch_retry_factor == 10 &&
          is->maxsockets == 0);
    CHECK(is->fetch_retry_mintimeout_ms == 10000 &&
          is->fetch_retry_maxtimeout_ms == 60000 &&
          is->fetch_timeout_ms == 300000);
    CHECK(wr_npmrc_authorization(config, "https://a.example.com/") == NULL);
    wr_npmrc_free(config);
    wr_npmrc_free(NULL);
    end_place(&here);
}

static void the_first_source_wins(void) {
    place here;
    make_place(&here);
    char etc[128];
    snprintf(etc, sizeof(etc), "%s/etc", here.prefix);
    const char *const tags[] = {"of-global", "of-user", "of-project",
                                "of-environment"};
    for (size_t i = 0; i < 4; i++) {
        char line[64];
        snprintf(line, sizeof(line), "tag=%s\n", tags[i]);
        if (i == 0)
            write_text(etc, "npmrc", line);
        else if (i == 1)
            write_text(here.home, ".npmrc", line);
        else if (i == 2)
            project(&here, line);
        else
            set_variable(&here, "NPM_CONFIG_tag", tags[i]);
        wr_npmrc *config = read_good(&here);
        CHECK_STR(wr_npmrc_settings(config)->tag, tags[i]);
        wr_npmrc_free(config);
    }
    end_place(&here);
}

static void the_command_line_wins_over_all(void) {
    place here;
    make_place(&here);
    project(&here, "registry=https://a.example.com/\ncache=/of/project\n");
    set_variable(&here, "npm_config_registry", "https://b.example.com");
    wr_npmrc *config = read_good(&here);
    CHECK_STR(wr_npmrc_settings(config)->registry, "https://b.example.com/");
    CHECK_STR(wr_npmrc_settings(config)->cache, "/of/project/_weir");
    wr_npmrc_free(config);
    here.options.registry = "http://127.0.0.1:4873";
    here.options.cache = "/of/command/";
    config = read_good(&here);
    CHECK_STR(wr_npmrc_settings(config)->registry, "http://127.0.0.1:4873/");
    CHECK_STR(wr_npmrc_settings(config)->cache, "/of/command/_weir");
    wr_npmrc_free(config);
    here.options.registry = "ftp://a.example.com/";
    wr_why why = {0};
    CHECK_EQ(wr_npmrc_read(&config, &here.options, &why), -EINVAL);
    CHECK(strncmp(why.text, "--registry: ", 12) == 0);
    end_place(&here);
}

static void files_may_lie_elsewhere(void) {
    place here;
    char path[160];
    make_place(&here);
    write_text(here.root, "mine", "tag=mine\n");
    write_text(here.root, "all", "tag=all\nfetch-retries=7\n");
    snprintf(path, sizeof(path), "%s/mine", here.root);
    set_variable(&here, "npm_config_userconfig", path);
    snprintf(path, sizeof(path), "%s/all", here.root);
    set_variable(&here, "npm_config_globalconfig", path);
    wr_npmrc *config = read_good(&here);
    CHECK_STR(wr_npmrc_settings(config)->tag, "mine");
    CHECK_EQ(wr_npmrc_settings(config)->fetch_retries, 7);
    wr_npmrc_free(config);
    // In the home folder one file is not two.
    here.options.dir = here.home;
    write_text(here.home, ".npmrc", "tag=home\n");
    config = read_good(&here);
    CHECK_STR(wr_npmrc_settings(config)->tag, "home");
    wr_npmrc_free(config);
    end_place(&here);
}

static void a_file_that_cannot_be_read_is_told(void) {
    place here;
    char path[160];
    wr_npmrc *config;
    wr_why why = {0};
    make_place(&here);
    snprintf(path, sizeof(path), "%s/.npmrc", here.project);
    CHECK_EQ(mkdir(path, 0700), 0);
    CHECK_EQ(wr_npmrc_read(&config, &here.options, &why), -EISDIR);
    CHECK(strncmp(why.text, path, strlen(path)) == 0);
    end_place(&here);
}

static void names_of_variables_are_npms(void) {
    place here;
    make_place(&here);
    set_variable(&here, "NPM_config_FETCH_RETRIES", "4");
    set_variable(&here, "npm_config_fetch_retry_factor", "");
    set_variable(&here, "npm_config__auth", "of-old"); // npm looks away, too
    set_variable(&here, "npm_config_@sc:registry", "https://s.example.com");
    set_variable(&here, "npm_config_//a_b.example.com/:_authToken", "Tok_en");
    wr_npmrc *config = read_good(&here);
    CHECK_EQ(wr_npmrc_settings(config)->fetch_retries, 4);
    CHECK_EQ(wr_npmrc_settings(config)->fetch_retry_factor, 10);
    CHECK_STR(wr_npmrc_registry_of(config, (wr_text){"@sc/x", 5}),
              "https://s.example.com/");
    CHECK_STR(wr_npmrc_authorization(config, "https://a_b.example.com/x"),
              "Bearer Tok_en");
    wr_npmrc_free(config);
    end_place(&here);
}

// ---------------------------------------------------------------------------
// The dialect

static void tag_is(place *here, const char *line, const char *tag) {
    project(here, line);
    wr_npmrc *config = read_good(here);
    CHECK_STR(wr_npmrc_settings(config)->tag, tag);
    wr_npmrc_free(config);
}

static void the_dialect_is_npms(void) {
    place here;
    make_place(&here);
    tag_is(&here, "tag = one ", "one");
    tag_is(&here, "tag=one\rtag=two", "two");
    tag_is(&here, "\xef\xbb\xbftag=mark", "mark");
    tag_is(&here, "tag=one ; more", "one");
    tag_is(&here, "tag=one#more", "one");
    tag_is(&here, "tag=a\\;b\\#c\\\\d\\e\\", "a;b#c\\d\\e\\");
    tag_is(&here, "tag=\"q ; \\u0041\"", "q ; A");
    tag_is(&here, "tag='single ; \"q\"'", "single ; \"q\"");
    tag_is(&here, "tag='\"json\"'", "json");
    tag_is(&here, "tag=\"half", "\"half");
    tag_is(&here, "tag='", "latest");
    tag_is(&here, "tag=a=b=c", "a=b=c");
    tag_is(&here, "'tag'=quoted", "quoted");
    tag_is(&here, "tag", "true");
    tag_is(&here, "# tag=no\n; tag=no\n\n=\n=tag\n \t tag=yes", "yes");
    tag_is(&here, "tag=top\n[section]\ntag=below", "top");
    tag_is(&here, "[no section\ntag=top", "top");
    tag_is(&here, "tag:no", "latest");
    end_place(&here);
}

static void variables_are_put_in(void) {
    place here;
    make_place(&here);
    set_variable(&here, "A", "alpha");
    set_variable(&here, "SLASH", "a\\${A}");
    set_variable(&here, "HOST", "h.example.com");
    tag_is(&here, "tag=${A}", "alpha");
    tag_is(&here, "tag=x${A}y${A}z", "xalphayalphaz");
    tag_is(&here, "tag=${NONE}", "${NONE}");
    tag_is(&here, "tag=x${NONE?}y", "xy");
    tag_is(&here, "tag=${A?}", "alpha");
    tag_is(&here, "tag=\\${A}", "${A}");
    tag_is(&here, "tag=\"\\\\\\\\${A}\"", "\\alpha");
    tag_is(&here, "tag=${SLASH}", "a\\${A}"); // once
    tag_is(&here, "tag=${}${A", "${}${A");
    tag_is(&here, "tag=${a}", "${a}");
    CHECK_STR(authorization(&here, "//${HOST}/:_authToken=${A}",
                            "https://h.example.com/x"),
              "Bearer alpha");
    end_place(&here);
}

static void lists_are_put_together(void) {
    place here;
    make_place(&here);
    project(&here, "noproxy[]=a.example\nnoproxy[]=b.example\n"
                   "ca[]=\"one\\n1\"\nca[]=two\n");
    wr_npmrc *config = read_good(&here);
    CHECK_STR(wr_npmrc_settings(config)->noproxy, "a.example,b.example");
    CHECK_STR(wr_npmrc_settings(config)->ca, "one\n1\ntwo");
    wr_npmrc_free(config);
    tag_is(&here, "tag=x\nunknown[]=1\nunknown[]=2", "x");
    refused(&here, "tag[]=x", "1: tag", "it takes one value");
    end_place(&here);
}

// ---------------------------------------------------------------------------
// Values

static void bad_values_are_told_with_their_line(void) {
    place here;
    make_place(&here);
    refused(&here, "\n\nstrict-ssl=no", "3: strict-ssl", "it is true or false");
    refused(&here, "offline=null", "1: offline", "it is true or false");
    refused(&here, "tag=x\r\nfetch-retries=many\r\n", "2: fetch-retries",
            "it is a whole number from 0 to 1000");
    refused(&here, "fetch-retries=-1", "1: fetch-retries",
            "it is a whole number from 0 to 1000");
    refused(&here, "fetch-retries=1.5", "1: fetch-retries",
            "it is a whole number from 0 to 1000");
    refused(&here, "fetch-timeout=Infinity", "1: fetch-timeout",
            "it is a number from 0 to 604800000");
    refused(&here, "fetch-timeout=nan", "1: fetch-timeout",
            "it is a number from 0 to 604800000");
    refused(&here, "maxsockets=", "1: maxsockets",
            "it is a whole number from 1 to 65536");
    refused(&here, "proxy=host:80", "1: proxy", "it is the URL of a proxy");
    refused(&here, "cafile=true", "1: cafile", "it is a path");
    refused(&here, "tag=\"a\\u0000b\"", "1: tag", "it has a character 0 in it");
    refused(&here, "tag='{\"a\":1}'", "1: tag", "it takes a text");
    refused(&here, "_authToken=x", "1: _authToken",
            "it must say for whom: //HOST/:_authToken");
    refused(&here, "//a.example.com/:_authToken=\"a\\nb\"",
            "1: //a.example.com/:_authToken",
            "it has a control character in it");
    const char *const urls[] = {"a.example.com", "ftp://a.example.com/",
                                "http://",       "https:///x",
                                "http://a b/",   "https://a.example.com/?x",
                                "null",          "http://a.example.com:99999",
                                "https://a\\b/", "http://[::1/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "registry=\"%s\"", urls[i]);
        refused(&here, line, "1: registry",
                "it is not the URL of a registry (http:// or https://)");
    }
    refused(&here, "registry=https://me:secret@a.example.com/", "1: registry",
            "it has a user or password in it; those belong into "
            "//HOST/:_auth");
    end_place(&here);
}

static void numbers_are_javascripts(void) {
    place here;
    make_place(&here);
    project(&here, "fetch-retries=0x10\nfetch-retry-factor=\"3\"\n"
                   "fetch-timeout=1e3\nfetch-retry-mintimeout=1.5\n"
                   "fetch-retry-maxtimeout=\nmaxsockets='+7'\n"
                   "min-release-age=0.5");
    wr_npmrc *config = read_good(&here);
    const wr_settings *is = wr_npmrc_settings(config);
    CHECK_EQ(is->fetch_retries, 16);
    CHECK_EQ(is->fetch_retry_factor, 3);
    CHECK_EQ(is->fetch_timeout_ms, 1000);
    CHECK_EQ(is->fetch_retry_mintimeout_ms, 2);
    CHECK_EQ(is->fetch_retry_maxtimeout_ms, 0);
    CHECK_EQ(is->maxsockets, 7);
    CHECK(is->before != NULL);
    wr_npmrc_free(config);
    end_place(&here);
}

static void paths_are_npms(void) {
    place here;
    char path[200];
    make_place(&here);
    const char *const lines[][2] = {
        {"cafile=~/a//b/../c", "home/a/c"},
        {"cafile=x/./y", "project/x/y"},
        {"cafile=../z", "z"},
    };
    for (size_t i = 0; i < 3; i++) {
        project(&here, lines[i][0]);
        wr_npmrc *config = read_good(&here);
        snprintf(path, sizeof(path), "%s/%s", here.root, lines[i][1]);
        CHECK_STR(wr_npmrc_settings(config)->cafile, path);
        wr_npmrc_free(config);
    }
    project(&here, "cafile=/../..//a/");
    wr_npmrc *config = read_good(&here);
    CHECK_STR(wr_npmrc_settings(config)->cafile, "/a");
    wr_npmrc_free(config);
    end_place(&here);
}

static void too_much_is_refused(void) {
    place here;
    wr_npmrc *config;
    wr_why why = {0};
    make_place(&here);
    char path[160];
    snprintf(path, sizeof(path), "%s/.npmrc", here.project);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    for (int i = 0; i < 3000; i++)
        fprintf(file, "//h%d.example.com/:_authToken=x\n", i);
    CHECK_EQ(fclose(file), 0);
    CHECK_EQ(wr_npmrc_read(&config, &here.options, &why), -E2BIG);
    CHECK(strstr(why.text, "settings") != NULL);
    CHECK_EQ(truncate(path, (off_t)5 << 20), 0);
    CHECK_EQ(wr_npmrc_read(&config, &here.options, &why), -E2BIG);
    end_place(&here);
}

// ---------------------------------------------------------------------------
// Tokens

static void scopes_have_registries(void) {
    place here;
    make_place(&here);
    project(&here, "registry=https://a.example.com/npm\n"
                   "@one:registry=https://b.example.com\n"
                   "@on:registry=https://c.example.com/x/\n");
    wr_npmrc *config = read_good(&here);
    const char *const names[][2] = {
        {"@one/x", "https://b.example.com/"},
        {"@on/x", "https://c.example.com/x/"},
        {"@o/x", "https://a.example.com/npm/"},
        {"one", "https://a.example.com/npm/"},
        {"@one", "https://a.example.com/npm/"},
        {"", "https://a.example.com/npm/"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK_STR(wr_npmrc_registry_of(
                      config, (wr_text){names[i][0], strlen(names[i][0])}),
                  names[i][1]);
    wr_npmrc_free(config);
    end_place(&here);
}

static const char tokens[] = "registry=https://a.example.com/npm/\n"
                             "//a.example.com/npm/:_authToken=long\n"
                             "//a.example.com/npm/sub:_auth=YTpi\n"
                             "//a.example.com:8443/:_authToken=port\n"
                             "//b.example.com/:username=me\n"
                             "//b.example.com/:_password=c2VjcmV0\n"
                             "//c.example.com/:_authToken=\n"
                             "//c.example.com:_authToken=whole\n"
                             "//[::1]:99/:_authToken=six\n";

static void the_longest_prefix_gives_the_token(void) {
    place here;
    make_place(&here);
    const char *const cases[][2] = {
        {"https://a.example.com/npm/x", "Bearer long"},
        {"https://a.example.com/npm/", "Bearer long"},
        {"https://a.example.com/npm", "none"},
        {"https://a.example.com/npmx/", "none"},
        {"https://a.example.com/", "none"},
        {"https://A.Example.COM:443/npm/x", "Bearer long"},
        {"https://a.example.com/npm/sub/x", "Basic YTpi"},
        {"https://a.example.com/npm/subx", "Bearer long"},
        {"https://a.example.com:8443/any", "Bearer port"},
        {"https://b.example.com/x", "Basic bWU6c2VjcmV0"},
        {"https://c.example.com/x", "Bearer whole"},
        {"https://c.example.com", "Bearer whole"},
        {"https://[::1]:99/x?y=/#z", "Bearer six"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK_STR(authorization(&here, tokens, cases[i][0]), cases[i][1]);
    end_place(&here);
}

static void nobody_else_gets_a_token(void) {
    place here;
    make_place(&here);
    const char *const urls[] = {
        "https://x.a.example.com/npm/x",
        "https://a.example.com.evil.example.org/npm/x",
        "https://a.example.com@evil.example.org/npm/x",
        "https://evil.example.org/a.example.com/npm/",
        "https://evil.example.org\\@a.example.com/npm/x",
        "https://a.example.com:444/npm/x",
        "https://a.example.com:0443x/npm/x",
        "https://a.example.com/x?//a.example.com/npm/",
        "https://a.example.com/npm/../other",
        "https://a.example.com/npm/%2e%2E/other",
        "https://a.example.com/NPM/x",
        "https://b.example.com:8443/x",
        "https://a%2eexample.com/npm/x",
        "https://a.example.com\t/npm/x",
        "ftp://a.example.com/npm/x",
        "//a.example.com/npm/x",
        "a.example.com/npm/x",
        "https://",
        "",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        CHECK_STR(authorization(&here, tokens, urls[i]), "none");
    end_place(&here);
}

static void http_gets_no_token_that_was_not_meant_for_it(void) {
    place here;
    make_place(&here);
    // As npm would: the setting says nothing of https.
    CHECK_STR(authorization(&here, tokens, "http://a.example.com/npm/x"),
              "none");
    CHECK_STR(authorization(&here, tokens, "http://a.example.com:443/npm/x"),
              "none");
    CHECK_STR(authorization(&here, tokens, "http://[::1]:99/x"), "Bearer six");
    const char *const local[] = {"127.0.0.1:1", "localhost:1", "127.9.9.9:1"};
    const char *const other[] = {"127.example.com:1", "localhost.example:1",
                                 "10.0.0.1:1", "127.0.0.1.example:1"};
    char text[128], url[64];
    for (size_t i = 0; i < 7; i++) {
        const char *host = i < 3 ? local[i] : other[i - 3];
        snprintf(text, sizeof(text), "//%s/:_authToken=t", host);
        snprintf(url, sizeof(url), "http://%s/x", host);
        CHECK_STR(authorization(&here, text, url), i < 3 ? "Bearer t" : "none");
        // A registry that is asked over http is the user's own choice.
        snprintf(text, sizeof(text),
                 "//%s/:_authToken=t\n@sc:registry=http://%s/y", host, host);
        CHECK_STR(authorization(&here, text, url), "Bearer t");
        snprintf(text, sizeof(text), "//%s/:_authToken=t\nregistry=http://%s/y",
                 host, host);
        CHECK_STR(authorization(&here, text, url), "Bearer t");
        snprintf(url, sizeof(url), "https://%s/x", host);
        CHECK_STR(authorization(&here, text, url), "Bearer t");
    }
    end_place(&here);
}

static void passwords_are_base64(void) {
    place here;
    make_place(&here);
    const char *const cases[][2] = {
        {"", "none"},
        {"YQ==", "Basic bTph"},
        {"YQ", "Basic bTph"},
        {"YWI=", "Basic bTphYg=="},
        {"Y W J j", "Basic bTphYmM="},
        {"-_8", "Basic bTr7/w=="},
        {"YQ==YQ", "Basic bTph"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text),
                 "//h.example/:username=m\n"
                 "//h.example/:_password=%s\n",
                 cases[i][0]);
        CHECK_STR(authorization(&here, text, "https://h.example/"),
                  cases[i][1]);
    }
    end_place(&here);
}

static void running_out_of_memory_is_told_and_leaves_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0))
        SKIP("a build without WEIR_FAULTS");
    place here;
    make_place(&here);
    set_variable(&here, "npm_config_fetch_retries", "3");
    project(&here, tokens);
    write_text(here.home, ".npmrc",
               "noproxy[]=a\nnoproxy[]=b\nca='x'\n"
               "@sc:registry=https://s.example\n");
    wr_npmrc_free(read_good(&here));
    uint64_t count = wr_fault_seen(WR_FAULT_ALLOC);
    CHECK(count > 50);
    for (uint64_t i = 0; i < count; i++) {
        wr_npmrc *config;
        wr_why why = {0};
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        if (wr_npmrc_read(&config, &here.options, &why) != -ENOMEM)
            CHECK_FAIL("allocation %d may fail and nobody notices", (int)i);
        CHECK(config == NULL);
        CHECK_STR(why.code, "ENOMEM");
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    end_place(&here);
}

static const test_case cases[] = {
    {"without_settings_npms_defaults_hold",
     without_settings_npms_defaults_hold},
    {"the_first_source_wins", the_first_source_wins},
    {"the_command_line_wins_over_all", the_command_line_wins_over_all},
    {"files_may_lie_elsewhere", files_may_lie_elsewhere},
    {"a_file_that_cannot_be_read_is_told", a_file_that_cannot_be_read_is_told},
    {"names_of_variables_are_npms", names_of_variables_are_npms},
    {"the_dialect_is_npms", the_dialect_is_npms},
    {"variables_are_put_in", variables_are_put_in},
    {"lists_are_put_together", lists_are_put_together},
    {"bad_values_are_told_with_their_line",
     bad_values_are_told_with_their_line},
    {"numbers_are_javascripts", numbers_are_javascripts},
    {"paths_are_npms", paths_are_npms},
    {"too_much_is_refused", too_much_is_refused},
    {"scopes_have_registries", scopes_have_registries},
    {"the_longest_prefix_gives_the_token", the_longest_prefix_gives_the_token},
    {"nobody_else_gets_a_token", nobody_else_gets_a_token},
    {"http_gets_no_token_that_was_not_meant_for_it",
     http_gets_no_token_that_was_not_meant_for_it},
    {"passwords_are_base64", passwords_are_base64},
    {"running_out_of_memory_is_told_and_leaves_nothing",
     running_out_of_memory_is_told_and_leaves_nothing},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

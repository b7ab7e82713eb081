// SPDX-License-Identifier: MIT
// Feeds damaged .npmrc files to the reader of npm's settings: what is looked
// for is a crash, a hang, a sanitizer's complaint, a refusal without a line
// that says where, a value that is none, or a token for somebody it was not
// meant for.
//
// How to run it: engine.h.
#include "engine.h"

#include "programs/deps/npmrc.h"
#include "weir/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

static void broken(const char *what, const char *more) {
    fprintf(stdout, "fuzz_npmrc: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

// ---------------------------------------------------------------------------
// One input, as the user's file. It lies in memory.

static char file_name[64];
static char user_config[128];

static void provide(const uint8_t *data, size_t size) {
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("npmrc", MFD_CLOEXEC);
        if (fd < 0)
            abort();
        snprintf(file_name, sizeof(file_name), "/proc/self/fd/%d", fd);
        snprintf(user_config, sizeof(user_config), "npm_config_userconfig=%s",
                 file_name);
    }
    if (ftruncate(fd, 0) != 0 ||
        (size > 0 && pwrite(fd, data, size, 0) != (ssize_t)size))
        abort();
}

static bool is_plain(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool has_user(const char *url) {
    const char *at = strchr(url, '@'), *host = strstr(url, "//");
    return at != NULL &&
           (host == NULL || at < host + 2 + strcspn(host + 2, "/"));
}

static void check_registry(const char *url) {
    size_t size = url == NULL ? 0 : strlen(url);
    if (url != NULL &&
        (size < 9 || url[size - 1] != '/' || strncasecmp(url, "http", 4) != 0 ||
         strchr(url, ' ') != NULL || has_user(url) || !is_plain(url)))
        broken("no registry", url);
}

static bool holds(const uint8_t *data, size_t size, const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= size; i++)
        if (strncasecmp((const char *)data + i, text, length) == 0)
            return true;
    return false;
}

static void check_tokens(const wr_npmrc *config, const uint8_t *data,
                         size_t size) {
    static const char *const urls[] = {
        "https://h.example.com/npm/x/y", "https://[::1]:99/npm/",
        "http://127.0.0.1:4873/npm/..",  "https://evil.example/npm/x",
        "http://h.example.com/npm/x",
    };
    // What is written with escapes can be anything.
    bool escapes = memchr(data, '\\', size) != NULL;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        const char *header = wr_npmrc_authorization(config, urls[i]);
        if (header == NULL)
            continue;
        if (!is_plain(header) || (strncmp(header, "Bearer ", 7) != 0 &&
                                  strncmp(header, "Basic ", 6) != 0))
            broken("no header", header);
        if (i == 3 && !escapes && !holds(data, size, "evil.example"))
            broken("a token for another host", header);
        if (i == 4 && !escapes && !holds(data, size, "http:"))
            broken("a token over http", header);
    }
}

static void check_settings(const wr_npmrc *config) {
    const wr_settings *is = wr_npmrc_settings(config);
    check_registry(is->registry);
    check_registry(wr_npmrc_registry_of(config, (wr_text){"@one/x", 6}));
    if (is->cache[0] != '/' || is->tag[0] == '\0' ||
        (is->cafile != NULL && is->cafile[0] != '/'))
        broken("no path or tag", is->cache);
    if (is->fetch_retries > 1000 || is->fetch_retry_factor > 1000 ||
        is->maxsockets > 65536 || is->fetch_timeout_ms < 0 ||
        is->fetch_retry_mintimeout_ms < 0 || is->fetch_retry_maxtimeout_ms < 0)
        broken("a number out of its bounds", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char home[] = "HOME=/nowhere/home", prefix[] = "PREFIX=/nowhere",
                host[] = "HOST=h.example.com", one[] = "A=value";
    char *environment[] = {user_config, home, prefix, host, one, NULL};
    wr_npmrc_options options = {.dir = "/nowhere/project",
                                .environment = environment};
    wr_npmrc *config;
    wr_why why = {0};
    if (data == NULL)
        data = (const uint8_t *)"";
    provide(data, size);
    int error = wr_npmrc_read(&config, &options, &why);
    if (error != 0) {
        if (why.text[0] == '\0' || !is_plain(why.text))
            broken("not one line", why.text);
        if (error == -EINVAL &&
            strncmp(why.text, file_name, strlen(file_name)) != 0)
            broken("not the place", why.text);
        if (error != -EINVAL && error != -E2BIG)
            broken("not expected", why.text);
        return 0;
    }
    check_settings(config);
    check_tokens(config, data, size);
    wr_npmrc_free(config);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: lines that might be right, damaged a little

enum { INPUT_MAX = 4096 };
static size_t seed_lines(char *out) {
    static const char *const keys[] = {
        "registry",
        "@one:registry",
        "cache",
        "cafile",
        "ca[]",
        "proxy",
        "noproxy[]",
        "tag",
        "strict-ssl",
        "offline",
        "fetch-retries",
        "fetch-timeout",
        "maxsockets",
        "//h.example.com/npm/:_authToken",
        "//${HOST}/npm/:_auth",
        "//[::1]:99/npm/:username",
        "//[::1]:99/npm/:_password",
        "//127.0.0.1:4873/:_authToken",
        "//h.example.com:_authToken",
        "prefix",
        "before",
    };
    static const char *const values[] = {
        "https://h.example.com/npm/",
        "http://127.0.0.1:4873",
        "\"https://[::1]:99/npm\"",
        "true",
        "'false'",
        "null",
        "7",
        "1e3",
        "0x10",
        "\"a\\u0041\\n\"",
        "${A}",
        "${NONE?}",
        "\\${A}",
        "~/x/../y",
        "YTpi",
        "a;b\\;c#d",
        "",
        "HTTPS://User@h.example.com:8443/",
        "-1",
        "'{\"a\":[1]}'",
    };
    size_t size = 0;
    for (size_t i = below(9); i > 0; i--)
        size += (size_t)snprintf(
            out + size, INPUT_MAX - size, "%s%s%s%s%s\n",
            below(8) ? "" : " ; x\n[sec]\n#",
            keys[below(sizeof(keys) / sizeof(keys[0]))], below(9) ? "=" : " = ",
            values[below(sizeof(values) / sizeof(values[0]))],
            below(7) ? "" : "\r");
    return size;
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\n[]=;#\\\"'${}?:/@ \xff";
    if (below(3) == 0)
        return size;
    return fuzz_damage(data, size, odd, sizeof(odd) - 1, 5, 0);
}

static void one_round(void) {
    static uint8_t data[2 * INPUT_MAX];
    size_t size = seed_lines((char *)data);
    LLVMFuzzerTestOneInput(data, damage(data, size));
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_npmrc", one_round);
}

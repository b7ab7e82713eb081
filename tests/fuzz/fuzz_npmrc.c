// SPDX-License-Identifier: MIT
// Feeds damaged .npmrc files to the reader of npm's settings: what is looked
// for is a crash, a hang, a sanitizer's complaint, a refusal without a line
// that says where, a value that is none, or a token for somebody it was not
// meant for.
//
// LLVMFuzzerTestOneInput is the entry a fuzzing engine wants. This program has
// a small engine of its own, so that any compiler can run it:
//
//   fuzz_npmrc [SEED [SECONDS]]    default: seed from the clock, 5 seconds
//   fuzz_npmrc FILE...             runs the inputs in these files
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
static uint64_t state;

static uint64_t random_next(void) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t bound) { return (size_t)(random_next() % bound); }

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
    for (size_t i = below(5); i > 0 && size > 0; i--) {
        size_t at = below(size);
        switch (below(5)) {
        case 0: data[at] ^= (uint8_t)(1 << below(8)); break;
        case 1: data[at] = (uint8_t)odd[below(sizeof(odd) - 1)]; break;
        case 2: size = at; break;
        case 3: // a byte goes
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        default: // a byte comes
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)odd[below(sizeof(odd) - 1)];
            size++;
        }
    }
    return size;
}

static int run_files(int argc, char **argv) {
    static uint8_t data[8 << 20];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
    }
    return 0;
}

int main(int argc, char **argv) {
    uint64_t seed = (uint64_t)weir_now_ns();
    int64_t seconds = 5;
    char *end = NULL;
    if (argc > 1)
        seed = strtoull(argv[1], &end, 0);
    if (end != NULL && *end != '\0')
        return run_files(argc, argv);
    if (argc > 2)
        seconds = strtoll(argv[2], NULL, 0);
    printf("fuzz_npmrc: seed %" PRIu64 ", %" PRId64 " s\n", seed, seconds);
    fflush(stdout);

    static uint8_t data[2 * INPUT_MAX];
    int64_t until = weir_now_ns() + seconds * 1000000000;
    uint64_t rounds = 0;
    for (; rounds % 16 != 0 || weir_now_ns() < until; rounds++) {
        state = seed + rounds; // one round can be had again by its own seed
        size_t size = seed_lines((char *)data);
        LLVMFuzzerTestOneInput(data, damage(data, size));
    }
    printf("fuzz_npmrc: %" PRIu64 " inputs\n", rounds);
    return 0;
}

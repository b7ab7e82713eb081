// SPDX-License-Identifier: MIT
// What tests of web.h need around a request: settings by hand (the linker puts
// __wrap_wr_npmrc_* in their place), a client, a look at its descriptors.
#ifndef TEST_DEPS_FETCHING_H
#define TEST_DEPS_FETCHING_H

#include "deps/scripted.h"
#include "programs/deps/web.h"
#include "support/check.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>

static wr_settings settings = {.strict_ssl = true};
static const char *token_prefix; // URLs that begin so get the token

const wr_settings *__wrap_wr_npmrc_settings(const wr_npmrc *config);
const wr_settings *__wrap_wr_npmrc_settings(const wr_npmrc *config) {
    (void)config;
    return &settings;
}

const char *__wrap_wr_npmrc_authorization(const wr_npmrc *config,
                                          const char *url);
const char *__wrap_wr_npmrc_authorization(const wr_npmrc *config,
                                          const char *url) {
    (void)config;
    const char *host = strstr(url, "//");
    return token_prefix != NULL && host != NULL &&
                   strncmp(host, token_prefix, strlen(token_prefix)) == 0
               ? "Bearer secret"
               : NULL;
}

typedef struct fetch {
    wr_web_request request;
    int status;
    unsigned dones;
    pthread_t thread; // that done was called on
    char url[512];
} fetch;

typedef struct client {
    wr_web *web;
    unsigned left; // the last done stops the loop
} client;

static client desk;

static inline int count_descriptors(void) {
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    CHECK(dir != NULL);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static inline void client_open_bounded(unsigned connections, size_t bytes) {
    wr_why why = {.code = ""};
    wr_web_options options = {.connections_max = connections,
                              .bytes_max = bytes};
    int error = wr_web_create(&desk.web, &options, &why);
    if (error != 0)
        CHECK_FAIL("create: %d %s %s", error, why.code, why.text);
    desk.left = 0;
}

static inline void client_open(void) { client_open_bounded(0, 0); }

static inline void client_close(void) {
    wr_web_counts counts;
    wr_web_count(desk.web, &counts);
    CHECK_EQ(counts.in_flight, 0);
    wr_web_destroy(desk.web);
}

static inline void fetch_done(wr_web_request *request, int status) {
    fetch *self = request->context;
    self->status = status;
    self->dones++;
    self->thread = pthread_self();
    CHECK((status == 0) == (request->why.code[0] == '\0'));
    CHECK(status == 0 || (request->body == NULL && request->why.text[0] != 0));
    if (--desk.left == 0)
        wr_web_stop(desk.web);
}

static inline void fetch_begin(fetch *self, const char *url) {
    snprintf(self->url, sizeof(self->url), "%s", url);
    self->request.url = self->url;
    self->request.done = fetch_done;
    self->request.context = self;
    desk.left++;
    CHECK_EQ(wr_web_start(desk.web, &self->request), 0);
}

static inline void fetch_at(fetch *self, const scripted *server,
                            const char *path) {
    char url[512];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server->port, path);
    fetch_begin(self, url);
}

// One request, to its end.
static inline fetch *fetch_one(fetch *self, const scripted *server,
                               const char *path) {
    fetch_at(self, server, path);
    CHECK_EQ(wr_web_run(desk.web), 0);
    CHECK_EQ(self->dones, 1);
    return self;
}

static inline void fetch_free(fetch *self) {
    free(self->request.body);
    memset(self, 0, sizeof(*self));
}

static inline void check_body(const fetch *self, const char *text) {
    if (self->status != 0)
        CHECK_FAIL("%s: %d %s %s", self->url, self->status,
                   self->request.why.code, self->request.why.text);
    CHECK_EQ(self->request.answer, 200);
    CHECK_EQ(self->request.body_size, strlen(text));
    CHECK(memcmp(self->request.body, text, strlen(text)) == 0);
}

static inline void check_failed(const fetch *self, int status,
                                const char *code) {
    // As much of a code as there is room for.
    if (self->status != status ||
        strncmp(self->request.why.code, code,
                sizeof(self->request.why.code) - 1) != 0)
        CHECK_FAIL("%s: %d %s (%s), expected %d %s", self->url, self->status,
                   self->request.why.code, self->request.why.text, status,
                   code);
}

// Nothing is left open in the end.
static inline int fetching_main(int argc, char **argv, const test_case *cases,
                                size_t count) {
    static const char *const names[] = {
        "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY",
        "proxy",       "PROXY",       "no_proxy",   "NO_PROXY"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    client_open(); // what curl and OpenSSL open and keep for good
    client_close();
    int descriptors = count_descriptors();
    int status = test_main(argc, argv, cases, count);
    // A look-up that was given up closes its own on its own thread.
    for (int i = 0; i < 100000 && count_descriptors() != descriptors; i++)
        sched_yield();
    CHECK_EQ(count_descriptors(), descriptors);
    return status;
}

#endif

// SPDX-License-Identifier: MIT
// A resolve without a network: this test is the web. The pool is deterministic,
// so a seed is an order of all that happens.
#include "support/check.h"

#include "base/fault.h"
#include "programs/deps/resolve.h"

#include <errno.h>
#include <stdbool.h>

enum { REQUESTS_MAX = 256, PACKAGES = 24, SEEDS = 40 };

// What a registry answers to the n-th request for a name, n from 0.
typedef enum answer {
    ANSWER_WELL,
    ANSWER_RESET,
    ANSWER_503,
    ANSWER_404,
    ANSWER_BAD_GZIP,
    ANSWER_GARBAGE,
} answer;

struct wr_web {
    wr_web_request *request[REQUESTS_MAX];
    bool cancelled[REQUESTS_MAX];
    size_t requests;
    size_t started; // ever
    unsigned asked[PACKAGES];
    answer (*answer)(unsigned package, unsigned times);
};

typedef struct world {
    wr_web web;
    weir_pool *pool;
    wr_npmrc *config;
    wr_project project;
    wr_resolve *resolve;
    uint64_t chance;
    int done;
    int status;
    bool wanted; // a web
} world;

static uint64_t chance(world *w) {
    w->chance = w->chance * 6364136223846793005U + 1442695040888963407U;
    return w->chance >> 33;
}

// ---- the web ---------------------------------------------------------------

int wr_web_start(wr_web *web, wr_web_request *request) {
    CHECK(web->requests < REQUESTS_MAX);
    web->request[web->requests] = request;
    web->cancelled[web->requests++] = false;
    web->started++;
    return 0;
}

void wr_web_cancel(wr_web *web, wr_web_request *request) {
    for (size_t i = 0; i < web->requests; i++)
        if (web->request[i] == request)
            web->cancelled[i] = true;
}

static unsigned package_of(const char *url) {
    const char *name = strrchr(url, '/') + 1;
    CHECK(name[0] == 'p');
    return (unsigned)atoi(name + 1);
}

// Package i needs the next two, one of them under another name, and the one
// after those if it can be had.
static void write_document(wr_web_request *request, unsigned i) {
    char text[2048];
    int size = snprintf(
        text, sizeof(text),
        "{\"name\":\"p%u\",\"dist-tags\":{\"latest\":\"1.1.0\"},\"versions\":"
        "{\"1.0.0\":{\"version\":\"1.0.0\",\"dist\":{}},\"1.1.0\":{"
        "\"version\":\"1.1.0\",\"dist\":{\"integrity\":\"sha512-%u\"},"
        "\"dependencies\":{%s\"p%u\":\"^1.%u\",\"other\":\"npm:p%u@1.1.0\"},"
        "\"optionalDependencies\":{\"p%u\":\"*\"}}}}",
        i, i, i + 4 < PACKAGES ? "" : "\"p0\":\"1\",", (i + 1) % PACKAGES,
        i % 2, (i + 2) % PACKAGES, (i + 3) % PACKAGES);
    request->body = malloc((size_t)size);
    memcpy(request->body, text, (size_t)size);
    request->body_size = (size_t)size;
    request->answer = 200;
}

static int make_answer(world *w, wr_web_request *request) {
    unsigned package = package_of(request->url);
    request->max_age_s = request->retry_after_ms = -1;
    switch (w->web.answer(package, w->web.asked[package]++)) {
    case ANSWER_RESET:
        return wr_refuse(&request->why, -EAGAIN, "ECONNRESET", "a reset");
    case ANSWER_503:
        request->answer = 503;
        request->retry_after_ms = 5;
        return 0;
    case ANSWER_404: request->answer = 404; return 0;
    case ANSWER_BAD_GZIP: request->gzip = true; break;
    case ANSWER_GARBAGE:
        write_document(request, package);
        request->body_size /= 2;
        return 0;
    case ANSWER_WELL: break;
    }
    write_document(request, package);
    return 0;
}

// Answers one of the requests.
static void answer_one(world *w) {
    wr_web *web = &w->web;
    size_t at = (size_t)chance(w) % web->requests;
    wr_web_request *request = web->request[at];
    bool cancelled = web->cancelled[at];
    web->requests--;
    web->request[at] = web->request[web->requests];
    web->cancelled[at] = web->cancelled[web->requests];
    if (cancelled)
        request->done(request, -ECANCELED);
    else
        request->done(request, make_answer(w, request));
}

static answer all_well(unsigned package, unsigned times) {
    (void)package;
    (void)times;
    return ANSWER_WELL;
}

// ---- the world -------------------------------------------------------------

static void on_done(void *context, wr_resolve *resolve, int status) {
    world *w = context;
    (void)resolve;
    w->done++;
    w->status = status;
}

static void on_web_needed(void *context) {
    world *w = context;
    CHECK(!w->wanted);
    w->wanted = true;
}

static void world_init(world *w, uint64_t seed, const char *manifest) {
    static char registry[] = "npm_config_registry=http://127.0.0.1:1/";
    static char retries[] = "npm_config_fetch_retries=2";
    static char home[] = "HOME=/nonexistent";
    static char *environment[] = {registry, retries, home, NULL};
    wr_npmrc_options options = {.dir = "/nonexistent",
                                .environment = environment};
    weir_pool_options pool = WEIR_POOL_OPTIONS_INIT;
    wr_why why;
    memset(w, 0, sizeof(*w));
    w->chance = seed;
    w->web.answer = all_well;
    CHECK_EQ(wr_npmrc_read(&w->config, &options, &why), 0);
    CHECK_EQ(wr_manifest_parse(&w->project.root, manifest, strlen(manifest),
                               true, false, &why),
             0);
    pool.threads = 0;
    pool.seed = seed;
    CHECK_EQ(weir_pool_create(&w->pool, &pool), 0);
}

static wr_resolve_options options_of(world *w) {
    return (wr_resolve_options){
        .pool = w->pool,
        .web = &w->web,
        .config = w->config,
        .project = &w->project,
        .done = on_done,
        .context = w,
        .node = "20.0.0",
    };
}

static int start(world *w, const wr_resolve_options *options) {
    wr_why why;
    return wr_resolve_start(&w->resolve, options, &why);
}

// Lets things happen until nothing can; cancels at a step.
static void drive(world *w, uint64_t cancel_at) {
    for (uint64_t i = 0;; i++) {
        if (i == cancel_at)
            wr_resolve_cancel(w->resolve);
        if (w->web.requests != 0 && chance(w) % 8 == 0)
            answer_one(w);
        else if (weir_pool_step(w->pool) == 1)
            continue;
        else if (w->web.requests != 0)
            answer_one(w);
        else if (i >= cancel_at || cancel_at == UINT64_MAX)
            break;
    }
}

static void world_fini(world *w) {
    CHECK_EQ(w->web.requests, 0);
    wr_resolve_free(w->resolve);
    weir_pool_destroy(w->pool);
    wr_project_free(&w->project);
    wr_npmrc_free(w->config);
}

static const char all[] =
    "{\"name\":\"x\",\"dependencies\":{\"p0\":\"^1\",\"p9\":\"1.0.0\"}}";

static char *document(world *w, size_t *size) {
    char *text;
    CHECK_EQ(w->done, 1);
    CHECK_EQ(w->status, 0);
    CHECK_EQ(wr_resolve_write(w->resolve, &text, size), 0);
    return text;
}

static void check_same(world *w, char **first, size_t *first_size) {
    size_t size;
    char *text = document(w, &size);
    if (*first == NULL) {
        *first = text;
        *first_size = size;
        return;
    }
    CHECK_EQ(size, *first_size);
    CHECK(memcmp(text, *first, size) == 0);
    free(text);
}

// ---- cases -----------------------------------------------------------------

static void any_order_gives_the_same_document(void) {
    char *first = NULL;
    size_t size = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w;
        world_init(&w, seed, all);
        wr_resolve_options options = options_of(&w);
        options.engine =
            seed % 2 == 0 ? WEIR_FRONTIER_WORKERS : WEIR_FRONTIER_OWNER;
        options.parse_serially = seed % 3 == 0;
        options.requests_max = (unsigned)(seed % 5);
        CHECK_EQ(start(&w, &options), 0);
        drive(&w, UINT64_MAX);
        CHECK_EQ(w.web.started, PACKAGES);
        check_same(&w, &first, &size);
        world_fini(&w);
    }
    free(first);
}

static answer first_fails(unsigned package, unsigned times) {
    static const answer kinds[] = {ANSWER_RESET, ANSWER_503, ANSWER_BAD_GZIP};
    return times < package % 3 ? kinds[(package + times) % 3] : ANSWER_WELL;
}

static void what_passes_is_tried_again(void) {
    char *first = NULL;
    size_t size = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w;
        world_init(&w, seed, all);
        wr_resolve_options options = options_of(&w);
        if (seed > 0)
            w.web.answer = first_fails;
        CHECK_EQ(start(&w, &options), 0);
        drive(&w, UINT64_MAX);
        CHECK_EQ(w.web.started, seed == 0 ? PACKAGES : PACKAGES * 2);
        check_same(&w, &first, &size);
        world_fini(&w);
    }
    free(first);
}

static void a_cancel_at_any_step_ends_it(void) {
    size_t early = 0;
    for (uint64_t at = 0; at < 1200; at++) {
        world w;
        world_init(&w, at, all);
        wr_resolve_options options = options_of(&w);
        options.parse_serially = at % 3 == 0;
        options.requests_max = (unsigned)(at % 7);
        w.web.answer = first_fails;
        CHECK_EQ(start(&w, &options), 0);
        drive(&w, at);
        CHECK_EQ(w.done, 1);
        CHECK(w.status == 0 || w.status == -ECANCELED);
        early += w.status != 0;
        world_fini(&w);
    }
    CHECK(early > 100);
}

static answer seven_is_gone(unsigned package, unsigned times) {
    (void)times;
    return package == 7 ? ANSWER_404 : ANSWER_WELL;
}

static void a_failure_that_matters_has_its_chain(void) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w;
        char *text;
        world_init(&w, seed, "{\"dependencies\":{\"p5\":\"^1\"}}");
        wr_resolve_options options = options_of(&w);
        w.web.answer = seven_is_gone;
        CHECK_EQ(start(&w, &options), 0);
        drive(&w, UINT64_MAX);
        CHECK_EQ(w.done, 1);
        CHECK_EQ(w.status, -ENOENT);
        CHECK_EQ(wr_resolve_report(w.resolve, false, &text), 0);
        CHECK(strstr(text, "E404 ") == text);
        CHECK(strstr(text, "\n  p7@1.1.0 <- p5@1.1.0 <- project\n") != NULL);
        free(text);
        CHECK_EQ(wr_resolve_report(w.resolve, true, &text), 0);
        CHECK(strstr(text, "\"code\": \"E404\"") != NULL);
        free(text);
        CHECK_EQ(w.web.asked[7], 1);
        world_fini(&w);
    }
}

static answer one_is_gone(unsigned package, unsigned times) {
    (void)times;
    return package == 1 ? ANSWER_GARBAGE : ANSWER_WELL;
}

static void one_that_is_optional_does_not_matter(void) {
    world w;
    size_t size;
    world_init(&w, 1, "{\"optionalDependencies\":{\"p1\":\"^1\"}}");
    wr_resolve_options options = options_of(&w);
    w.web.answer = one_is_gone;
    CHECK_EQ(start(&w, &options), 0);
    drive(&w, UINT64_MAX);
    char *text = document(&w, &size);
    text[size - 1] = '\0';
    CHECK(strstr(text, "\"code\": \"EJSONPARSE\"") != NULL);
    free(text);
    CHECK_EQ(wr_resolve_report(w.resolve, false, &text), 0);
    CHECK(text == NULL);
    world_fini(&w);
}

static void what_was_forgotten_is_loaded_again(void) {
    char *first = NULL;
    size_t size = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w;
        world_init(&w, seed, all);
        wr_resolve_options options = options_of(&w);
        if (seed > 0)
            options.documents_max = 1;
        CHECK_EQ(start(&w, &options), 0);
        drive(&w, UINT64_MAX);
        CHECK(w.web.started >= PACKAGES);
        check_same(&w, &first, &size);
        world_fini(&w);
    }
    free(first);
}

static void a_web_may_come_late_or_never(void) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w;
        wr_why why = {"ENETWORK", "there is none"};
        world_init(&w, seed, all);
        wr_resolve_options options = options_of(&w);
        options.web = NULL;
        options.web_needed = on_web_needed;
        CHECK_EQ(start(&w, &options), 0);
        drive(&w, UINT64_MAX);
        CHECK(w.wanted);
        CHECK_EQ(w.done, 0);
        if (seed % 4 == 3)
            wr_resolve_cancel(w.resolve);
        else
            wr_resolve_web(w.resolve, seed % 2 == 0 ? &w.web : NULL, &why);
        drive(&w, UINT64_MAX);
        CHECK_EQ(w.done, 1);
        CHECK_EQ(w.status, seed % 2 == 0   ? 0
                           : seed % 4 == 3 ? -ECANCELED
                                           : -ENOENT);
        world_fini(&w);
    }
}

static void offline_nothing_is_asked(void) {
    world w;
    char *text;
    world_init(&w, 3, all);
    wr_resolve_options options = options_of(&w);
    options.offline = true;
    CHECK_EQ(start(&w, &options), 0);
    drive(&w, UINT64_MAX);
    CHECK_EQ(w.status, -ENOENT);
    CHECK_EQ(w.web.started, 0);
    CHECK_EQ(wr_resolve_report(w.resolve, false, &text), 0);
    CHECK(strstr(text, "ENOTCACHED ") == text);
    free(text);
    world_fini(&w);
}

static void lack_of_memory_is_told(void) {
    for (uint64_t at = 0; at < 3000; at += 1 + at / 200) {
        world w;
        char *text = NULL;
        size_t size;
        world_init(&w, at, all);
        wr_resolve_options options = options_of(&w);
        if (!wr_fault_arm(WR_FAULT_ALLOC, at, 1)) {
            world_fini(&w);
            SKIP("built without faults");
        }
        int error = start(&w, &options);
        if (error == 0)
            drive(&w, UINT64_MAX);
        (void)wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        if (error == 0) {
            if (w.done != 1)
                CHECK_FAIL("allocation %llu fails: it does not end",
                           (unsigned long long)at);
            CHECK(w.status == 0 || w.status == -ENOENT || w.status == -ENOMEM);
            if (w.status == 0) {
                CHECK_EQ(wr_resolve_write(w.resolve, &text, &size), 0);
            } else if (w.status == -ENOENT) {
                CHECK_EQ(wr_resolve_report(w.resolve, false, &text), 0);
                CHECK(strstr(text, "ENOMEM") != NULL);
            }
        } else {
            CHECK_EQ(error, -ENOMEM);
        }
        free(text);
        world_fini(&w);
    }
}

static const test_case cases[] = {
#define CASE(name)                                                             \
    { #name, name }
    CASE(any_order_gives_the_same_document),
    CASE(what_passes_is_tried_again),
    CASE(a_cancel_at_any_step_ends_it),
    CASE(a_failure_that_matters_has_its_chain),
    CASE(one_that_is_optional_does_not_matter),
    CASE(what_was_forgotten_is_loaded_again),
    CASE(a_web_may_come_late_or_never),
    CASE(offline_nothing_is_asked),
    CASE(lack_of_memory_is_told),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

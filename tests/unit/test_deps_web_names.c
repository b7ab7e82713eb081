// SPDX-License-Identifier: MIT
// web.h: names, by a getaddrinfo that the test plays.
#include "deps/fetching.h"

#include <dlfcn.h>
#include <netdb.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static unsigned asked, answered;
static int verdict;
static bool held;

// Every name is this machine, when it is let go, or there is none. libcurl must
// find it in this program.
__attribute__((visibility("default"))) int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **out) {
    static int (*real)(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);
    (void)name;
    pthread_mutex_lock(&lock);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    asked++;
    pthread_cond_broadcast(&news);
    while (held)
        pthread_cond_wait(&news, &lock);
    int error = verdict;
    pthread_mutex_unlock(&lock);
    if (error == 0)
        error = real("127.0.0.1", service, hints, out);
    pthread_mutex_lock(&lock);
    answered++;
    pthread_cond_broadcast(&news);
    pthread_mutex_unlock(&lock);
    return error;
}

static void await(const unsigned *count, unsigned most) {
    pthread_mutex_lock(&lock);
    while (*count < most)
        pthread_cond_wait(&news, &lock);
    pthread_mutex_unlock(&lock);
}

static void let_go(void) {
    pthread_mutex_lock(&lock);
    held = false;
    pthread_cond_broadcast(&news);
    pthread_mutex_unlock(&lock);
}

static bool play_ok(scripted_peer *peer, const char *request) {
    (void)request;
    return scripted_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void fetch_named(fetch *self, const scripted *server) {
    char url[128];
    snprintf(url, sizeof(url), "http://pkg.example.com:%d/", server->port);
    fetch_begin(self, url);
}

static void a_name_is_looked_up_once(void) {
    scripted server = {.play = play_ok};
    scripted_start(&server);
    client_open_bounded(16, 0);
    fetch all[50] = {{.dones = 0}};
    for (int i = 0; i < 50; i++)
        fetch_named(&all[i], &server);
    CHECK_EQ(wr_web_run(desk.web), 0);
    for (int i = 0; i < 50; i++) {
        check_body(&all[i], "ok");
        fetch_free(&all[i]);
    }
    CHECK_EQ(asked, 1);
    client_close();
    scripted_stop(&server);
}

static void a_name_that_does_not_exist_fails_each(void) {
    scripted server = {.play = play_ok};
    scripted_start(&server);
    verdict = EAI_NONAME;
    client_open_bounded(4, 0);
    fetch all[10] = {{.dones = 0}};
    for (int i = 0; i < 10; i++)
        fetch_named(&all[i], &server);
    CHECK_EQ(wr_web_run(desk.web), 0);
    for (int i = 0; i < 10; i++)
        check_failed(&all[i], -EAGAIN, "ENOTFOUND");
    // It may exist later.
    verdict = 0;
    fetch one = {.dones = 0};
    fetch_named(&one, &server);
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_body(&one, "ok");
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
}

static void *cancel_at_look_up(void *context) {
    await(&asked, 1);
    wr_web_cancel(desk.web, context);
    return NULL;
}

// The look-up ends only after the request has: waiting for it would be a hang.
static void a_look_up_is_cancelled_without_waiting(void) {
    held = true;
    scripted server = {.play = play_ok};
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    fetch_named(&one, &server);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, cancel_at_look_up, &one.request) == 0);
    CHECK_EQ(wr_web_run(desk.web), 0);
    pthread_join(thread, NULL);
    check_failed(&one, -ECANCELED, "ECANCELED");
    let_go();
    await(&answered, 1);
    client_close();
    scripted_stop(&server);
}

static void a_look_up_that_never_ends_times_out(void) {
    held = true;
    settings.fetch_timeout_ms = 30;
    scripted server = {.play = play_ok};
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    fetch_named(&one, &server);
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_failed(&one, -EAGAIN, "ETIMEDOUT");
    let_go();
    await(&answered, 1);
    client_close();
    scripted_stop(&server);
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(a_name_is_looked_up_once),
    CASE(a_name_that_does_not_exist_fails_each),
    CASE(a_look_up_is_cancelled_without_waiting),
    CASE(a_look_up_that_never_ends_times_out),
};

int main(int argc, char **argv) {
    return fetching_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

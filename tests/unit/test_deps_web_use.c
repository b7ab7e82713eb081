// SPDX-License-Identifier: MIT
// web.h: threads, cancelling, the loop and what else runs on it, no memory.
#include "base/fault.h"
#include "deps/fetching.h"
#include "os/os.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

// ---- a hand on the loop ----------------------------------------------------

// Called when the loop is about to sleep, by the number of its sleep.
static void (*before_sleep)(unsigned sleep, int timeout);
static unsigned sleeps;
static wr_atomic_u32 signals;

int __real_epoll_wait(int poll, struct epoll_event *events, int count,
                      int timeout);
int __wrap_epoll_wait(int poll, struct epoll_event *events, int count,
                      int timeout);
int __wrap_epoll_wait(int poll, struct epoll_event *events, int count,
                      int timeout) {
    if (timeout != 0 && before_sleep != NULL)
        before_sleep(sleeps++, timeout);
    return __real_epoll_wait(poll, events, count, timeout);
}

void __real_wr_wakefd_signal(wr_wakefd *fd);
void __wrap_wr_wakefd_signal(wr_wakefd *fd);
void __wrap_wr_wakefd_signal(wr_wakefd *fd) {
    wr_fetch_add(&signals, 1, relaxed, ALONE, "read by who signals");
    __real_wr_wakefd_signal(fd);
}

static bool play_ok(scripted_peer *peer, const char *request) {
    if (strncmp(request, "GET /held ", 10) == 0)
        scripted_hold(peer);
    return scripted_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static scripted server; // of the case that runs

static void begin(unsigned connections) {
    server.play = play_ok;
    scripted_start(&server);
    client_open_bounded(connections, 0);
}

static void end(void) {
    client_close();
    scripted_stop(&server);
}

// ---- threads ---------------------------------------------------------------

enum { THREADS = 4, EACH = 100 };

static fetch many[THREADS][EACH];

static void *start_many(void *context) {
    fetch *mine = context;
    for (int i = 0; i < EACH; i++) {
        fetch *self = &mine[i];
        snprintf(self->url, sizeof(self->url), "http://127.0.0.1:%d/%d",
                 server.port, i);
        self->request.url = self->url;
        self->request.done = fetch_done;
        self->request.context = self;
        CHECK_EQ(wr_web_start(desk.web, &self->request), 0);
    }
    return NULL;
}

static void requests_come_from_any_thread(void) {
    begin(8);
    desk.left = THREADS * EACH;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, start_many, many[i]) == 0);
    CHECK_EQ(wr_web_run(desk.web), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++) {
            check_body(&many[i][j], "ok");
            CHECK_EQ(many[i][j].dones, 1);
            CHECK(pthread_equal(many[i][j].thread, pthread_self()));
            fetch_free(&many[i][j]);
        }
    end();
    CHECK(server.accepted <= 8);
}

static void *cancel_many(void *context) {
    fetch *mine = context;
    for (int i = 0; i < EACH; i++)
        wr_web_cancel(desk.web, &mine[i].request);
    return NULL;
}

static void *start_and_cancel_many(void *context) {
    start_many(context);
    return cancel_many(context);
}

static void cancels_race_to_one_outcome(void) {
    begin(8);
    desk.left = THREADS * EACH;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, start_and_cancel_many,
                             many[i]) == 0);
    CHECK_EQ(wr_web_run(desk.web), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++) {
            fetch *self = &many[i][j];
            CHECK_EQ(self->dones, 1);
            if (self->status != -ECANCELED)
                check_body(self, "ok");
            else
                CHECK_STR(self->request.why.code, "ECANCELED");
            fetch_free(self);
        }
    end();
}

// ---- cancel ----------------------------------------------------------------

static void *cancel_when_there(void *context) {
    scripted_await(&server, 1);
    wr_web_cancel(desk.web, context);
    return NULL;
}

static void what_is_under_way_is_cancelled(void) {
    begin(1);
    fetch held = {.dones = 0};
    pthread_t thread;
    fetch_at(&held, &server, "/held");
    CHECK(pthread_create(&thread, NULL, cancel_when_there, &held.request) == 0);
    CHECK_EQ(wr_web_run(desk.web), 0);
    pthread_join(thread, NULL);
    check_failed(&held, -ECANCELED, "ECANCELED");
    // Its place is free, and its connection not used again.
    fetch next = {.dones = 0};
    check_body(fetch_one(&next, &server, "/next"), "ok");
    fetch_free(&next);
    end();
    CHECK_EQ(server.accepted, 2);
}

static void what_waits_is_cancelled(void) {
    begin(1);
    fetch held = {.dones = 0}, waiting = {.dones = 0};
    fetch_at(&held, &server, "/held");
    fetch_at(&waiting, &server, "/waiting");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, cancel_when_there, &waiting.request) ==
          0);
    desk.left = 1; // run ends with the first done
    CHECK_EQ(wr_web_run(desk.web), 0);
    pthread_join(thread, NULL);
    check_failed(&waiting, -ECANCELED, "ECANCELED");
    CHECK_EQ(held.dones, 0);
    desk.left = 1;
    scripted_release(&server);
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_body(&held, "ok");
    fetch_free(&held);
    end();
    CHECK_EQ(server.requests, 1);
}

static void a_cancel_right_behind_the_start_counts(void) {
    begin(1);
    fetch one = {.dones = 0};
    fetch_at(&one, &server, "/held");
    wr_web_cancel(desk.web, &one.request);
    wr_web_cancel(desk.web, &one.request); // and once more
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_failed(&one, -ECANCELED, "ECANCELED");
    CHECK_EQ(one.dones, 1);
    end();
}

static void a_cancel_of_what_is_over_changes_nothing(void) {
    begin(1);
    fetch one = {.dones = 0}, next = {.dones = 0};
    check_body(fetch_one(&one, &server, "/"), "ok");
    wr_web_cancel(desk.web, &one.request);
    fetch_one(&next, &server, "/");
    check_body(&one, "ok");
    CHECK_EQ(one.dones, 1);
    check_body(&next, "ok");
    fetch_free(&one);
    fetch_free(&next);
    end();
}

// ---- done ------------------------------------------------------------------

static unsigned rounds;

static void done_again(wr_web_request *request, int status) {
    CHECK_EQ(status, 0);
    free(request->body);
    if (++rounds == 30)
        wr_web_stop(desk.web);
    else
        CHECK_EQ(wr_web_start(desk.web, request), 0);
}

static void done_may_start_it_again(void) {
    begin(1);
    fetch one = {.dones = 0};
    fetch_at(&one, &server, "/");
    one.request.done = done_again; // nothing runs yet
    CHECK_EQ(wr_web_run(desk.web), 0);
    CHECK_EQ(rounds, 30);
    end();
}

static fetch second;

static void done_starts_and_cancels(wr_web_request *request, int status) {
    (void)request;
    CHECK_EQ(status, -ECANCELED);
    fetch_at(&second, &server, "/held");
    wr_web_cancel(desk.web, &second.request);
}

static void done_may_start_and_cancel(void) {
    begin(1);
    fetch one = {.dones = 0};
    fetch_at(&one, &server, "/held");
    one.request.done = done_starts_and_cancels; // nothing runs yet
    wr_web_cancel(desk.web, &one.request);
    desk.left = 0;
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_failed(&second, -ECANCELED, "ECANCELED");
    CHECK_EQ(second.dones, 1);
    fetch next = {.dones = 0};
    check_body(fetch_one(&next, &server, "/"), "ok");
    fetch_free(&next);
    end();
}

// ---- the loop --------------------------------------------------------------

static void stop_in_sleep(unsigned sleep, int timeout) {
    CHECK_EQ(sleep, 0);
    CHECK_EQ(timeout, -1); // no timer is left: nothing would wake it
    wr_web_stop(desk.web);
}

static void an_idle_loop_sleeps_for_good(void) {
    settings.fetch_timeout_ms = 300000;
    begin(4);
    fetch all[16] = {{.dones = 0}};
    for (int i = 0; i < 16; i++)
        fetch_at(&all[i], &server, "/");
    CHECK_EQ(wr_web_run(desk.web), 0);
    for (int i = 0; i < 16; i++) {
        check_body(&all[i], "ok");
        fetch_free(&all[i]);
    }
    before_sleep = stop_in_sleep; // four connections are kept meanwhile
    CHECK_EQ(wr_web_run(desk.web), 0);
    CHECK_EQ(sleeps, 1);
    before_sleep = NULL;
    end();
}

static void start_all_in_sleep(unsigned sleep, int timeout) {
    (void)timeout;
    if (sleep != 0)
        return;
    uint32_t before = wr_load(&signals, relaxed, ALONE, "its own");
    for (int i = 0; i < EACH; i++)
        fetch_at(&many[0][i], &server, "/");
    CHECK_EQ(wr_load(&signals, relaxed, ALONE, "its own") - before, 1);
}

static void a_burst_wakes_the_loop_once(void) {
    begin(4);
    before_sleep = start_all_in_sleep;
    CHECK_EQ(wr_web_run(desk.web), 0);
    before_sleep = NULL;
    for (int i = 0; i < EACH; i++) {
        check_body(&many[0][i], "ok");
        fetch_free(&many[0][i]);
    }
    end();
}

static void a_stop_before_the_run_counts(void) {
    begin(1);
    wr_web_stop(desk.web);
    CHECK_EQ(wr_web_run(desk.web), 0);
    fetch one = {.dones = 0};
    check_body(fetch_one(&one, &server, "/"), "ok"); // and only once
    fetch_free(&one);
    end();
}

typedef struct call {
    weir_call call;
    pthread_t thread;
    int status;
} call;

static void call_done(weir_call *base, int status) {
    call *self = (call *)(void *)base;
    self->status = status;
    self->thread = pthread_self();
    wr_web_stop(desk.web);
}

static void *complete(void *context) {
    weir_call_complete(context, 7);
    return NULL;
}

static void calls_of_its_loop_are_delivered(void) {
    begin(1);
    call one = {.call = WEIR_CALL_INIT(NULL, call_done)};
    CHECK_EQ(weir_call_expect(wr_web_loop(desk.web), &one.call), 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, complete, &one.call) == 0);
    CHECK_EQ(wr_web_run(desk.web), 0);
    pthread_join(thread, NULL);
    CHECK_EQ(one.status, 7);
    CHECK(pthread_equal(one.thread, pthread_self()));
    end();
}

static int ends[2];
static unsigned readies;

static void ready(void *context, int fd) {
    CHECK(context == &readies);
    CHECK_EQ(fd, ends[0]);
    char byte;
    CHECK_EQ(read(fd, &byte, 1), 1);
    if (++readies == 3) {
        CHECK_EQ(wr_web_watch(desk.web, fd, NULL, NULL), 0);
        wr_web_stop(desk.web);
    }
}

static void descriptors_are_watched(void) {
    CHECK_EQ(pipe(ends), 0);
    begin(1);
    CHECK_EQ(wr_web_watch(desk.web, ends[0], NULL, NULL), -ENOENT);
    CHECK_EQ(wr_web_watch(desk.web, ends[0], ready, &sleeps), 0);
    CHECK_EQ(wr_web_watch(desk.web, ends[0], ready, &readies), 0); // instead
    CHECK_EQ(write(ends[1], "abcd", 4), 4);
    CHECK_EQ(wr_web_run(desk.web), 0);
    CHECK_EQ(readies, 3);
    fetch one = {.dones = 0}; // the fourth byte is nobody's
    check_body(fetch_one(&one, &server, "/"), "ok");
    CHECK_EQ(readies, 3);
    fetch_free(&one);
    CHECK_EQ(wr_web_watch(desk.web, -1, ready, NULL), -EBADF);
    end();
    close(ends[0]);
    close(ends[1]);
}

// ---- settings --------------------------------------------------------------

static void a_cafile_that_cannot_be_read_is_told_at_once(void) {
    wr_web *web = NULL;
    wr_web_options options = {.connections_max = 1};
    wr_why why = {.code = ""};
    settings.cafile = "/"; // a folder
    CHECK_EQ(wr_web_create(&web, &options, &why), -EISDIR);
    CHECK_STR(why.code, "ECAFILE");
    CHECK(web == NULL && strstr(why.text, "cafile /") != NULL);
    settings.cafile = "/not/there"; // as none: npm's rule
    client_open();
    client_close();
}

// ---- memory ----------------------------------------------------------------

static void lack_of_memory_at_any_place_is_told(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("a build without faults");
    server.play = play_ok;
    scripted_start(&server);
    unsigned failed = 0;
    for (uint64_t at = 0;; at++) {
        wr_why why = {.code = ""};
        wr_web_options options = {.connections_max = 1};
        wr_fault_arm(WR_FAULT_ALLOC, at, 1);
        int error = wr_web_create(&desk.web, &options, &why);
        if (error != 0) {
            CHECK_EQ(error, -ENOMEM);
            CHECK(why.code[0] != '\0');
            failed++;
            continue;
        }
        fetch one = {.request = {.accept = "text/x"}};
        desk.left = 0;
        fetch_one(&one, &server, "/");
        bool seen = wr_fault_seen(WR_FAULT_ALLOC) > at;
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        if (one.status == 0)
            check_body(&one, "ok");
        else
            check_failed(&one, -ENOMEM, "ENOMEM");
        failed += one.status != 0;
        fetch_free(&one);
        client_close();
        if (!seen)
            break;
    }
    CHECK(failed >= 6);
    scripted_stop(&server);
}

static void lack_of_descriptors_is_told(void) {
    if (!wr_fault_arm(WR_FAULT_FD, 0, 1))
        SKIP("a build without faults");
    wr_web *web = NULL;
    wr_web_options options = {.connections_max = 1};
    wr_why why = {.code = ""};
    CHECK_EQ(wr_web_create(&web, &options, &why), -EMFILE);
    CHECK_STR(why.code, "EWEB");
    wr_fault_arm(WR_FAULT_FD, 1, 1); // the loop's
    CHECK_EQ(wr_web_create(&web, &options, &why), -EMFILE);
    wr_fault_arm(WR_FAULT_FD, 0, 0);
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(requests_come_from_any_thread),
    CASE(cancels_race_to_one_outcome),
    CASE(what_is_under_way_is_cancelled),
    CASE(what_waits_is_cancelled),
    CASE(a_cancel_right_behind_the_start_counts),
    CASE(a_cancel_of_what_is_over_changes_nothing),
    CASE(done_may_start_it_again),
    CASE(done_may_start_and_cancel),
    CASE(an_idle_loop_sleeps_for_good),
    CASE(a_burst_wakes_the_loop_once),
    CASE(a_stop_before_the_run_counts),
    CASE(calls_of_its_loop_are_delivered),
    CASE(descriptors_are_watched),
    CASE(a_cafile_that_cannot_be_read_is_told_at_once),
    CASE(lack_of_memory_at_any_place_is_told),
    CASE(lack_of_descriptors_is_told),
};

int main(int argc, char **argv) {
    return fetching_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

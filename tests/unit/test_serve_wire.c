// SPDX-License-Identifier: MIT
// `weir serve` and clients that it should not trust: slow ones, too many, too
// large, gone; and how it stops.
#include "serve/client.h"

#include <poll.h>
#include <sys/resource.h>
#include <time.h>

#define SMALL "/v1/models/small/infer"
#define SLOW "/v1/models/slow/infer"

static const char three[] =
    "{\"inputs\": [{\"shape\": [1,3], \"data\": [1,2,3]}]}";

// A request that takes long: `rows` rows through the slow model.
static void ask_slow(const peer *p, int rows) {
    static const float zeros[SLOW_WIDTH * 4096];
    char header[128];
    snprintf(header, sizeof(header), RAW "Weir-Shape: float32[%d,%d]\r\n", rows,
             SLOW_WIDTH);
    peer_ask(p, "POST", SLOW, header, zeros,
             (size_t)rows * SLOW_WIDTH * sizeof(float));
}

// A figure of /metrics.
static long long figure(peer *p, const char *name) {
    reply r = {.body = NULL};
    do { // somebody else may be given figures
        free(r.body);
        peer_ask(p, "GET", "/metrics", "", NULL, 0);
        r = peer_reply(p, false);
    } while (r.status == 503);
    CHECK_EQ(r.status, 200);
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "\nweir_serve_%s ", name);
    const char *at = strstr(r.body, pattern);
    if (at == NULL)
        CHECK_FAIL("no %s in /metrics", name);
    long long value = atoll(at + strlen(pattern));
    free(r.body);
    return value;
}

// Asks until it is so. Each look is a round through the server. What ends on
// its own is asked for by a total.
static void until(peer *p, const char *name, long long value) {
    while (figure(p, name) != value)
        ;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- slow clients ----------------------------------------------------------

static void slow_clients_are_cut(void) {
    server s = server_start("--set limits.idle=1s --set limits.receive=1s "
                            "--set limits.send=1s");
    load_model(&s, "slow", model_slow(1));
    static const char *const beginnings[] = {
        "", "GET", "GET / HTTP/1.1\r\nHost: x\r\nA",
        "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
        "Content-Length: 100\r\n\r\n{"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        int64_t begin = now_ms(); // the server may count from the dial
        peer p = peer_dial(&s);
        peer_say(&p, "%s", beginnings[i]);
        reply r = peer_reply(&p, false);
        CHECK_EQ(r.status, 408);
        CHECK(now_ms() - begin >= 990);
        CHECK(peer_ended(&p));
        free(r.body);
        peer_close(&p);
    }
    // One that sends a byte now and then, so that it is never idle for long.
    peer p = peer_dial(&s);
    peer_say(&p, "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
                 "Content-Length: 100000\r\n\r\n");
    int64_t begin = now_ms();
    struct pollfd poller = {.fd = p.fd, .events = POLLIN};
    while (poll(&poller, 1, 20) == 0)
        peer_say(&p, " ");
    CHECK(now_ms() - begin < 20000);
    peer_close(&p);
    // One that does not take its answer: more than the buffers on the way have
    // room for.
    p = peer_dial(&s);
    int small = 4096;
    setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 4; i++)
        ask_slow(&p, 4096);
    poller = (struct pollfd){.fd = p.fd, .events = POLLRDHUP};
    CHECK_EQ(poll(&poller, 1, 30000), 1);
    peer_close(&p);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK_EQ(server_ended(&s), 0);
    server_adds_up(&s);
    CHECK_EQ(server_count(&s, "connections", "slow"), 6);
}

// ---- too much --------------------------------------------------------------

static void headers_and_paths_have_a_limit(void) {
    server s = server_start("--set limits.header_bytes=2KiB");
    static char text[70000];
    static const struct {
        const char *before;
        size_t length;
        int status;
    } tries[] = {{"GET / HTTP/1.1\r\nHost: x\r\nA: ", 1000, 200},
                 {"GET / HTTP/1.1\r\nHost: x\r\nA: ", 3000, 431},
                 {"GET / HTTP/1.1\r\nHost: x\r\nA: ", 60000, 431},
                 {"GET /", 600, 414},
                 {"GET /", 60000, 414}};
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        peer p = peer_dial(&s);
        memset(text, 'a', tries[i].length);
        text[tries[i].length] = '\0';
        peer_send(&p, tries[i].before, strlen(tries[i].before));
        peer_send(&p, text, tries[i].length);
        peer_say(&p, "%s",
                 tries[i].before[5] == ' ' ? "\r\n\r\n"
                                           : " HTTP/1.1\r\nHost: x\r\n\r\n");
        reply r = peer_reply(&p, false);
        CHECK_EQ(r.status, tries[i].status);
        free(r.body);
        peer_close(&p);
    }
    server_stop(&s);
}

static void bodies_have_limits_each_and_together(void) {
    server s = server_start(
        "--set limits.control_bytes=1KiB --set limits.json_bytes=4KiB "
        "--set limits.input_bytes=64KiB --set limits.model_bytes=256KiB "
        "--set limits.tensor_bytes=8KiB --set limits.bodies_bytes=256KiB");
    static char body[400000];
    static const struct {
        const char *method, *path, *header;
        size_t limit;
    } routes[] = {{"POST", "/v1/contexts/1/dispatch", JSON, 1 << 10},
                  {"POST", "/v1/contexts/1/graphs", JSON, 1 << 10},
                  {"POST", SMALL, JSON, 4 << 10},
                  {"POST", SMALL, FRAMES, 64 << 10},
                  {"PUT", "/v1/contexts/1/tensors/1", RAW, 8 << 10},
                  {"POST", "/v1/models/m", RAW, 256 << 10}};
    memset(body, 'x', sizeof(body));
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        for (size_t more = 0; more < 2; more++) {
            peer p = peer_dial(&s);
            peer_ask(&p, routes[i].method, routes[i].path, routes[i].header,
                     body, routes[i].limit + more);
            reply r = peer_reply(&p, false);
            if ((r.status == 413) != (more == 1))
                CHECK_FAIL("%s %s, %zu bytes: %d", routes[i].method,
                           routes[i].path, routes[i].limit + more, r.status);
            free(r.body);
            peer_close(&p);
        }
    // Four that are promised fill all the room; nothing has been sent of them.
    peer held[4], p = peer_dial(&s);
    for (int i = 0; i < 4; i++) {
        held[i] = peer_dial(&s);
        peer_say(&held[i],
                 "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" FRAMES
                 "Content-Length: %d\r\n\r\n",
                 (64 << 10) - 64);
        until(&p, "http_requests", i + 2);
    }
    reply r = peer_expect(&p, 503, "POST", SMALL, JSON, three, strlen(three));
    CHECK(reply_header(&r, "Retry-After") != NULL);
    free(r.body);
    for (int i = 0; i < 4; i++)
        peer_close(&held[i]);
    until(&p, "bodies_bytes", 0);
    peer_wants(&p, 404, "POST", SMALL, JSON, three);
    peer_close(&p);
    server_stop(&s);
}

static void a_full_queue_is_a_503(void) {
    server s = server_start("--set limits.requests=2 --set limits.running=1 "
                            "--set server.retry_after=7s "
                            "--set batching.items=1");
    load_model(&s, "slow", model_slow(200));
    load_model(&s, "small", model_small());
    peer busy[2], p = peer_dial(&s);
    for (int i = 0; i < 2; i++) {
        busy[i] = peer_dial(&s);
        ask_slow(&busy[i], 2048);
        until(&p, "inferences_total", i + 1);
    }
    reply r = peer_expect(&p, 503, "POST", SMALL, JSON, three, strlen(three));
    CHECK_STR(reply_header(&r, "Retry-After"), "7");
    free(r.body);
    for (int i = 0; i < 2; i++) {
        r = peer_reply(&busy[i], false);
        CHECK_EQ(r.status, 200);
        free(r.body);
        peer_close(&busy[i]);
    }
    peer_wants(&p, 200, "POST", SMALL, JSON, three);
    peer_close(&p);
    server_stop(&s);
}

static void a_request_has_a_time_limit(void) {
    server s = server_start("--set limits.request=200ms");
    load_model(&s, "slow", model_slow(200));
    peer p = peer_dial(&s);
    ask_slow(&p, 4096);
    reply r = peer_reply(&p, false);
    CHECK_EQ(r.status, 504);
    free(r.body);
    peer_close(&p);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK_EQ(server_ended(&s), 0);
    server_adds_up(&s);
    CHECK_EQ(server_count(&s, "inferences", "timed_out"), 1);
}

static void connections_over_the_limit_are_refused(void) {
    server s = server_start("--set limits.connections=300 "
                            "--set limits.connections_per_address=5000");
    enum { MANY = 2000, LIMIT = 300 };
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < MANY + 50)
        SKIP("not enough descriptors");
    peer *all = calloc(MANY, sizeof(*all));
    CHECK(all != NULL);
    for (int i = 0; i < LIMIT; i++) {
        all[i] = peer_dial(&s);
        peer_wants(&all[i], 200, "GET", "/healthz", "", NULL);
    }
    int told = 0;
    for (int i = LIMIT; i < MANY; i++) {
        all[i] = peer_dial(&s);
        peer_ask(&all[i], "GET", "/healthz", "", NULL, 0);
        reply r = peer_reply(&all[i], false);
        // Beyond WR_LINGER_MAX at a time they may be cut without a word.
        CHECK(r.status == 503 || (r.status == 0 && i >= LIMIT + 200));
        told += r.status == 503;
        if (r.status != 0)
            CHECK(peer_ended(&all[i]));
        free(r.body);
    }
    CHECK(told > 0);
    for (int i = 0; i < LIMIT; i++) // the others are none the worse
        peer_wants(&all[i], 200, "GET", "/healthz", "", NULL);
    for (int i = 0; i < MANY; i++)
        peer_close(&all[i]);
    free(all);
    // Room comes back. A refusal may be told until the server has seen it.
    reply r;
    do {
        peer p = peer_dial(&s);
        peer_ask(&p, "GET", "/healthz", "", NULL, 0);
        r = peer_reply(&p, false);
        free(r.body);
        peer_close(&p);
    } while (r.status == 503 || r.status == 0);
    CHECK_EQ(r.status, 200);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK_EQ(server_ended(&s), 0);
    server_adds_up(&s);
    CHECK(server_count(&s, "connections", "refused") >= MANY - LIMIT);
}

static void an_address_has_a_limit_of_its_own(void) {
    server s = server_start("--set limits.connections_per_address=2");
    peer a = peer_dial(&s), b = peer_dial(&s);
    peer_wants(&a, 200, "GET", "/healthz", "", NULL);
    peer_wants(&b, 200, "GET", "/healthz", "", NULL);
    peer c = peer_dial(&s);
    reply r = peer_reply(&c, false);
    CHECK_EQ(r.status, 429);
    CHECK(reply_header(&r, "Retry-After") != NULL);
    free(r.body);
    peer_close(&a);
    peer_close(&b);
    peer_close(&c);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK_EQ(server_ended(&s), 0);
}

// ---- clients that leave ----------------------------------------------------

static void a_client_that_vanishes_takes_its_work_along(void) {
    server s = server_start("--set limits.running=1 --set batching.items=1");
    load_model(&s, "slow", model_slow(400));
    load_model(&s, "small", model_small());
    peer watcher = peer_dial(&s);
    peer first = peer_dial(&s), queued[5];
    ask_slow(&first, 4096);
    until(&watcher, "plans_running", 1);
    for (int i = 0; i < 5; i++) {
        queued[i] = peer_dial(&s);
        ask_slow(&queued[i], 16);
        until(&watcher, "inferences_total", i + 2);
    }
    for (int i = 0; i < 5; i++)
        peer_close(&queued[i]);
    peer_close(&first);
    until(&watcher, "inferences", 0);
    until(&watcher, "bodies_bytes", 0);
    until(&watcher, "connections", 1);
    peer_wants(&watcher, 200, "POST", SMALL, JSON, three);
    peer_close(&watcher);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK_EQ(server_ended(&s), 0);
    server_adds_up(&s);
    CHECK(server_count(&s, "inferences", "cancelled") >= 5);
    CHECK_EQ(server_count(&s, "requests", "gone"), 6);
}

// Who has sent his last byte gets the answers that are there at once. While
// somebody works for him he looks like one who has left, and is taken for one.
static void half_a_connection_gets_what_is_there(void) {
    server s = server_start("");
    load_model(&s, "slow", model_slow(400));
    peer watcher = peer_dial(&s);
    peer p = peer_dial(&s);
    for (int i = 0; i < 3; i++)
        peer_ask(&p, "GET", "/healthz", "", NULL, 0);
    CHECK_EQ(shutdown(p.fd, SHUT_WR), 0);
    for (int i = 0; i < 3; i++) {
        reply r = peer_reply(&p, false);
        CHECK_EQ(r.status, 200);
        free(r.body);
    }
    CHECK(peer_ended(&p)); // nothing more can come
    peer_close(&p);
    p = peer_dial(&s); // half a request, and no more to come
    peer_say(&p, "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
                 "Content-Length: 5\r\n\r\nab");
    CHECK_EQ(shutdown(p.fd, SHUT_WR), 0);
    CHECK(peer_ended(&p));
    peer_close(&p);
    p = peer_dial(&s);
    ask_slow(&p, 4096);
    until(&watcher, "inferences_total", 1);
    CHECK_EQ(shutdown(p.fd, SHUT_WR), 0);
    CHECK(peer_ended(&p));
    peer_close(&p);
    until(&watcher, "inferences", 0);
    peer_close(&watcher);
    server_stop(&s);
    CHECK_EQ(server_count(&s, "requests", "gone"), 2);
}

// ---- stopping --------------------------------------------------------------

// However long that takes here.
static void a_stop_answers_what_was_accepted(void) {
    server s = server_start("--set limits.running=1 --set batching.items=1 "
                            "--set server.shutdown=1h");
    load_model(&s, "slow", model_slow(40));
    enum { CLIENTS = 6 };
    peer watcher = peer_dial(&s), clients[CLIENTS], half = peer_dial(&s);
    peer_say(&half,
             "POST " SLOW " HTTP/1.1\r\nHost: x\r\n" JSON
             "Content-Length: %zu\r\n\r\n{",
             strlen(three));
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = peer_dial(&s);
        ask_slow(&clients[i], 1024);
        until(&watcher, "inferences_total", i + 1);
    }
    peer idle = peer_dial(&s);
    peer_wants(&idle, 200, "GET", "/healthz", "", NULL);
    peer_ask(&watcher, "GET", "/", "", NULL, 0);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK(server_says(&s, "SIGTERM"));
    // Who had begun may end, and is answered.
    peer_say(&half, "%s", three + 1);
    reply r = peer_reply(&half, false);
    CHECK_EQ(r.status, 400); // that shape is not the model's
    CHECK_STR(reply_header(&r, "Connection"), "close");
    free(r.body);
    for (int i = 0; i < CLIENTS; i++) {
        r = peer_reply(&clients[i], false);
        CHECK_EQ(r.status, 200);
        free(r.body);
        CHECK(peer_ended(&clients[i]));
        peer_close(&clients[i]);
    }
    r = peer_reply(&watcher, false); // answered or closed, not half of it
    CHECK(r.status == 200 || r.status == 0);
    free(r.body);
    CHECK(peer_ended(&idle));
    peer_close(&idle);
    peer_close(&half);
    peer_close(&watcher);
    CHECK_EQ(server_ended(&s), 0);
    server_adds_up(&s);
    CHECK_EQ(server_count(&s, "requests", "cut"), 0);
    CHECK_EQ(server_count(&s, "inferences", "succeeded"), CLIENTS);
}

static void a_draining_server_says_so(void) {
    server s = server_start("--set limits.running=1 --set batching.items=1 "
                            "--set server.shutdown=1h");
    load_model(&s, "slow", model_slow(400));
    peer watcher = peer_dial(&s), p = peer_dial(&s), q = peer_dial(&s);
    ask_slow(&p, 4096);
    until(&watcher, "plans_running", 1);
    // Half a request each, so that these connections are not idle.
    peer_say(&q, "POST " SLOW " HTTP/1.1\r\nHost: x\r\n" JSON
                 "Content-Length: 1\r\n\r\n");
    until(&watcher, "http_requests", 3);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK(server_says(&s, "SIGTERM"));
    // Behind it, in the same breath: new requests.
    peer_say(&q, "xGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    reply r = peer_reply(&q, false);
    CHECK_EQ(r.status, 400);
    free(r.body);
    CHECK(peer_ended(&q)); // and no more of this connection
    r = peer_reply(&p, false);
    CHECK_EQ(r.status, 200);
    free(r.body);
    peer_close(&p);
    peer_close(&q);
    peer_close(&watcher);
    CHECK_EQ(server_ended(&s), 0);
    server_adds_up(&s);
}

static void a_second_signal_waits_for_nobody(void) {
    for (int by_time = 0; by_time < 2; by_time++) {
        server s = server_start(by_time ? "--set server.shutdown=50ms"
                                        : "--set server.shutdown=1h");
        load_model(&s, "slow", model_slow(400));
        peer watcher = peer_dial(&s), p = peer_dial(&s);
        ask_slow(&p, 4096);
        until(&watcher, "plans_running", 1);
        int64_t begin = now_ms();
        CHECK_EQ(kill(s.pid, SIGTERM), 0);
        CHECK(server_says(&s, "SIGTERM"));
        if (!by_time)
            CHECK_EQ(kill(s.pid, SIGINT), 0);
        reply r = peer_reply(&p, false);
        CHECK(r.status == 503 || r.status == 0);
        free(r.body);
        peer_close(&p);
        peer_close(&watcher);
        CHECK_EQ(server_ended(&s), 1); // it says that it was not all
        CHECK(now_ms() - begin < 15000);
        server_adds_up(&s);
        CHECK(server_count(&s, "inferences", "shut_down") +
                  server_count(&s, "inferences", "cancelled") ==
              1);
    }
}

// ---- all of it for a while -------------------------------------------------

static uint64_t random_state = 1;
static unsigned below(unsigned bound) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % bound;
}

static void misbehave(const server *s) {
    peer p = peer_dial(s);
    switch (below(6)) {
    case 0: break; // comes and goes
    case 1: peer_say(&p, "GET /metr"); break;
    case 2:
        peer_say(&p, "POST " SMALL " HTTP/1.1\r\nHost: x\r\n" JSON
                     "Content-Length: 5000000\r\n\r\n{\"inputs\"");
        break;
    case 3: ask_slow(&p, 16); break;
    case 4: peer_ask(&p, "POST", SMALL, JSON, "garbage", 7); break;
    default: {
        uint8_t noise[200];
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (uint8_t)below(256);
        peer_send(&p, noise, sizeof(noise));
    }
    }
    struct linger reset = {1, 0};
    if (below(2) == 0)
        setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    peer_close(&p);
}

static void memory_stays_within_its_bound(void) {
    server s = server_start("--set limits.cache_bytes=64MiB "
                            "--set server.trace_events=1024");
    load_model(&s, "slow", model_slow(2));
    load_model(&s, "small", model_small());
    peer p = peer_dial(&s);
    const char *seconds = getenv("WEIR_SOAK_SECONDS");
    int64_t length = (seconds != NULL ? atoi(seconds) : 20) * 1000;
    int64_t begin = now_ms();
    long settled = 0, most = 0;
    int rounds = 0;
    for (; now_ms() - begin < length || rounds < 200; rounds++) {
        misbehave(&s);
        peer_wants(&p, 200, "POST", SMALL, JSON, three);
        ask_slow(&p, 1 + (int)below(4));
        reply r = peer_reply(&p, false);
        CHECK_EQ(r.status, 200);
        free(r.body);
        char path[64];
        r = peer_expect(&p, 201, "POST", "/v1/contexts", "", "", 0);
        int id = 0;
        CHECK_EQ(sscanf(r.body, "{\"id\": %d", &id), 1);
        free(r.body);
        snprintf(path, sizeof(path), "/v1/contexts/%d/tensors", id);
        peer_wants(&p, 201, "POST", path, JSON, "{\"shape\": [1000]}");
        snprintf(path, sizeof(path), "/v1/contexts/%d", id);
        peer_wants(&p, 204, "DELETE", path, "", NULL);
        if (rounds % 50 != 49)
            continue;
        long memory = server_memory(&s);
        if (now_ms() - begin < length / 4 || settled == 0)
            settled = memory > settled ? memory : settled;
        most = memory > most ? memory : most;
    }
    printf("%d rounds, %ld kB after a quarter, %ld kB at most\n", rounds,
           settled, most);
    if (!WEIR_SANITIZED) // which keeps what was freed
        CHECK(most < settled + settled / 4 + 16 * 1024);
    until(&p, "bodies_bytes", 0);
    until(&p, "inferences", 0);
    until(&p, "contexts", 0);
    until(&p, "http_requests", 1);
    peer_close(&p);
    server_stop(&s);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"slow_clients_are_cut", slow_clients_are_cut},
        {"headers_and_paths_have_a_limit", headers_and_paths_have_a_limit},
        {"bodies_have_limits_each_and_together",
         bodies_have_limits_each_and_together},
        {"a_full_queue_is_a_503", a_full_queue_is_a_503},
        {"a_request_has_a_time_limit", a_request_has_a_time_limit},
        {"connections_over_the_limit_are_refused",
         connections_over_the_limit_are_refused},
        {"an_address_has_a_limit_of_its_own",
         an_address_has_a_limit_of_its_own},
        {"a_client_that_vanishes_takes_its_work_along",
         a_client_that_vanishes_takes_its_work_along},
        {"half_a_connection_gets_what_is_there",
         half_a_connection_gets_what_is_there},
        {"a_stop_answers_what_was_accepted", a_stop_answers_what_was_accepted},
        {"a_draining_server_says_so", a_draining_server_says_so},
        {"a_second_signal_waits_for_nobody", a_second_signal_waits_for_nobody},
        {"memory_stays_within_its_bound", memory_stays_within_its_bound},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// web.h: what is sent, and answers as they should be.
#include "deps/fetching.h"

#include <time.h>

typedef struct script {
    const char *answer; // the same for each request
    bool pieces, close;
} script;

static bool play_script(scripted_peer *peer, const char *request) {
    (void)request;
    const script *self = peer->server->context;
    return (self->pieces
                ? scripted_pieces(peer, self->answer)
                : scripted_send(peer, self->answer, strlen(self->answer))) &&
           !self->close;
}

static void answer_with(fetch *self, const char *answer, bool pieces,
                        bool close) {
    script plan = {answer, pieces, close};
    scripted server = {.play = play_script, .context = &plan};
    scripted_start(&server);
    client_open();
    fetch_one(self, &server, "/a");
    client_close();
    scripted_stop(&server);
}

// ---- what is sent ----------------------------------------------------------

// The body is the request, as it came.
static bool play_echo(scripted_peer *peer, const char *request) {
    return scripted_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                        strlen(request)) &&
           scripted_send(peer, request, strlen(request));
}

static const char *body_text(fetch *self) {
    static char text[8192];
    CHECK_EQ(self->status, 0);
    CHECK(self->request.body_size < sizeof(text));
    memcpy(text, self->request.body, self->request.body_size);
    text[self->request.body_size] = '\0';
    return text;
}

static void a_request_says_what_was_asked_for(void) {
    scripted server = {.play = play_echo};
    char expected[1024];
    fetch one = {.request = {.accept = "text/x",
                             .etag = "W/\"1\"",
                             .last_modified = "yesterday"}};
    scripted_start(&server);
    client_open();
    fetch_one(&one, &server, "/@a%2fb?c=d");
    snprintf(expected, sizeof(expected),
             "GET /@a%%2fb?c=d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
             "User-Agent: weir\r\nAccept-Encoding: gzip\r\nAccept: text/x\r\n"
             "If-None-Match: W/\"1\"\r\nIf-Modified-Since: yesterday\r\n\r\n",
             server.port);
    CHECK_STR(body_text(&one), expected);
    // The next one on the same connection has nothing of the last one's.
    fetch_free(&one);
    fetch_one(&one, &server, "/b");
    snprintf(expected, sizeof(expected),
             "GET /b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: weir\r\n"
             "Accept: */*\r\nAccept-Encoding: gzip\r\n\r\n",
             server.port);
    CHECK_STR(body_text(&one), expected);
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
}

static void a_value_that_would_be_two_headers_is_refused(void) {
    scripted server = {.play = play_echo};
    fetch one = {.request = {.etag = "a\r\nX-Evil: 1"}};
    scripted_start(&server);
    client_open();
    check_failed(fetch_one(&one, &server, "/"), -EPROTO, "EINVALIDHEADER");
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.requests, 0);
}

// ---- answers ---------------------------------------------------------------

static void an_answer_comes_whole(void) {
    fetch one = {.dones = 0};
    answer_with(&one,
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e1\"\r\n"
                "Last-Modified: Sat, 21 Nov 2026 15:00:00 GMT\r\n"
                "Content-Encoding: gzip\r\nCache-Control: public, max-age=300"
                "\r\n\r\nhello",
                false, false);
    check_body(&one, "hello");
    CHECK(one.request.gzip); // and not inflated
    CHECK_STR(one.request.new_etag, "\"e1\"");
    CHECK_STR(one.request.new_last_modified, "Sat, 21 Nov 2026 15:00:00 GMT");
    CHECK_EQ(one.request.max_age_s, 300);
    CHECK_EQ(one.request.retry_after_ms, -1);
    fetch_free(&one);
}

// It would be kept, and be refused as a header from then on.
static void a_validator_that_is_no_text_is_none(void) {
    fetch one = {.dones = 0};
    answer_with(&one,
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\0011\""
                "\r\nLast-Modified: a\x7f\r\n\r\nhello",
                false, false);
    check_body(&one, "hello");
    CHECK_STR(one.request.new_etag, "");
    CHECK_STR(one.request.new_last_modified, "");
    fetch_free(&one);
}

static void bytes_may_come_one_by_one(void) {
    fetch one = {.dones = 0};
    answer_with(&one,
                "HTTP/1.1 200 OK\r\nETag: x\r\nContent-Length: 5\r\n\r\nhello",
                true, false);
    check_body(&one, "hello");
    CHECK_STR(one.request.new_etag, "x");
    CHECK(!one.request.gzip);
    CHECK_EQ(one.request.max_age_s, -1);
    fetch_free(&one);
}

static void a_body_may_come_in_chunks(void) {
    fetch one = {.dones = 0};
    // What a trailer says is not believed.
    answer_with(&one,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nETag: late\r\n\r\n",
                true, false);
    check_body(&one, "hello");
    CHECK_STR(one.request.new_etag, "");
    fetch_free(&one);
}

static void a_body_may_end_with_the_connection(void) {
    fetch one = {.dones = 0};
    answer_with(&one, "HTTP/1.0 200 OK\r\n\r\nhello", false, true);
    check_body(&one, "hello");
    fetch_free(&one);
}

static void a_body_may_be_empty(void) {
    fetch one = {.dones = 0};
    answer_with(&one, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false,
                false);
    check_body(&one, "");
    fetch_free(&one);
}

static void interim_answers_are_passed_over(void) {
    fetch one = {.dones = 0};
    answer_with(&one,
                "HTTP/1.1 103 Early Hints\r\nETag: early\r\n"
                "Cache-Control: max-age=9\r\n\r\n"
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                false, false);
    check_body(&one, "ok");
    CHECK_STR(one.request.new_etag, "");
    CHECK_EQ(one.request.max_age_s, -1);
    fetch_free(&one);
}

static void other_answers_are_answers(void) {
    static const struct {
        const char *text;
        int answer;
    } table[] = {
        {"HTTP/1.1 304 Not Modified\r\nETag: e\r\n\r\n", 304},
        {"HTTP/1.1 404 Not Found\r\nETag: e\r\nContent-Length: 4\r\n\r\nnone",
         404},
        {"HTTP/1.1 429 Slow\r\nETag: e\r\nContent-Length: 0\r\n\r\n", 429},
        {"HTTP/1.1 503 No\r\nETag: e\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         503},
        {"HTTP/1.1 401 Who\r\nETag: e\r\nContent-Length: 0\r\n"
         "WWW-Authenticate: Basic realm=x\r\n\r\n",
         401},
        {"HTTP/1.1 302 Found\r\nETag: e\r\nContent-Length: 0\r\n\r\n", 302},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        fetch one = {.dones = 0};
        answer_with(&one, table[i].text, false, false);
        CHECK_EQ(one.status, 0);
        CHECK_EQ(one.request.answer, table[i].answer);
        CHECK(one.request.body == NULL);
        CHECK_EQ(one.request.body_size, 0);
        CHECK_STR(one.request.new_etag, "e");
    }
}

static void cache_control_is_read(void) {
    static const struct {
        const char *headers;
        int64_t age;
    } table[] = {
        {"", -1},
        {"Cache-Control: public\r\n", -1},
        {"Cache-Control: max-age=60\r\n", 60},
        {"cache-control:max-age=\"60\" , immutable\r\n", 60},
        {"Cache-Control: MAX-AGE=60\r\n", 60},
        {"Cache-Control: s-maxage=5, max-age=60\r\n", 60},
        {"Cache-Control: max-age=60, no-cache\r\n", 0},
        {"Cache-Control: no-store\r\nCache-Control: max-age=60\r\n", 0},
        {"Cache-Control: max-age=60\r\nCache-Control: max-age=5\r\n", 5},
        {"Cache-Control: no-cache=\"set-cookie\", max-age=1\r\n", 0},
        {"Cache-Control: max-age=soon\r\n", 0},
        {"Cache-Control: max-age=\r\n", -1},
        {"Cache-Control: ,,;, =\r\n", -1},
        {"Cache-Control: max-age=99999999999999999999999\r\n",
         INT64_C(100) * 366 * 24 * 3600},
        {"Cache-Control: max-age=60\r\nAge: 20\r\n", 40},
        {"Age: 90\r\nCache-Control: max-age=60\r\n", 0},
        {"Cache-Control: max-age=60\r\nAge: young\r\n", 60},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        fetch one = {.dones = 0};
        char text[512];
        snprintf(text, sizeof(text),
                 "HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\nok",
                 table[i].headers);
        answer_with(&one, text, false, false);
        check_body(&one, "ok");
        if (one.request.max_age_s != table[i].age)
            CHECK_FAIL("%s: %lld", table[i].headers,
                       (long long)one.request.max_age_s);
        fetch_free(&one);
    }
}

static int64_t retry_after(const char *value) {
    fetch one = {.dones = 0};
    char text[512];
    snprintf(text, sizeof(text),
             "HTTP/1.1 429 Slow\r\nRetry-After: %s\r\n"
             "Content-Length: 0\r\n\r\n",
             value);
    answer_with(&one, text, false, false);
    CHECK_EQ(one.status, 0);
    return one.request.retry_after_ms;
}

static void retry_after_is_read(void) {
    CHECK_EQ(retry_after("7"), 7000);
    CHECK_EQ(retry_after("0"), 0);
    CHECK_EQ(retry_after("soon"), -1);
    CHECK_EQ(retry_after("-1"), -1);
    CHECK_EQ(retry_after(""), -1);
    CHECK_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0); // long ago
    char date[64];
    time_t then = time(NULL) + 1000;
    struct tm parts;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT",
             gmtime_r(&then, &parts));
    int64_t wait = retry_after(date);
    CHECK(wait > 0 && wait <= 1000 * 1000);
}

static void marks_too_long_to_keep_are_none(void) {
    char text[1024], etag[200];
    memset(etag, 'e', sizeof(etag));
    etag[sizeof(etag) - 1] = '\0';
    fetch one = {.dones = 0};
    snprintf(text, sizeof(text),
             "HTTP/1.1 200 OK\r\nETag: %s\r\nLast-Modified: %s\r\n"
             "Content-Length: 2\r\n\r\nok",
             etag, etag);
    answer_with(&one, text, false, false);
    check_body(&one, "ok");
    CHECK_STR(one.request.new_etag, "");
    CHECK_STR(one.request.new_last_modified, "");
    fetch_free(&one);
}

// ---- sizes -----------------------------------------------------------------

static bool play_large(scripted_peer *peer, const char *request) {
    enum { SIZE = 3000000 };
    char *bytes = malloc(SIZE);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * i >> 3);
    bool chunked = strncmp(request, "GET /chunked", 12) == 0;
    bool sent =
        chunked ? scripted_say(peer,
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n%x\r\n",
                               SIZE)
                : scripted_say(peer,
                               "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                               SIZE);
    sent = sent && scripted_send(peer, bytes, SIZE) &&
           (!chunked || scripted_say(peer, "\r\n0\r\n\r\n"));
    free(bytes);
    return sent;
}

static void large_bodies_arrive(void) {
    scripted server = {.play = play_large};
    scripted_start(&server);
    client_open();
    for (int i = 0; i < 2; i++) {
        fetch one = {.dones = 0};
        fetch_one(&one, &server, i == 0 ? "/whole" : "/chunked");
        CHECK_EQ(one.status, 0);
        CHECK_EQ(one.request.body_size, 3000000);
        for (size_t j = 0; j < one.request.body_size; j++)
            CHECK(one.request.body[j] == (uint8_t)(j * j >> 3));
        fetch_free(&one);
    }
    client_close();
    scripted_stop(&server);
}

static void what_is_allowed_exactly_is_allowed(void) {
    script plan = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n0\r\n\r\n",
                   false, false};
    scripted server = {.play = play_script, .context = &plan};
    scripted_start(&server);
    client_open_bounded(1, 5);
    fetch one = {.dones = 0};
    check_body(fetch_one(&one, &server, "/"), "hello");
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
}

// ---- connections -----------------------------------------------------------

static bool play_ok(scripted_peer *peer, const char *request) {
    (void)request;
    return scripted_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void connections_are_kept(void) {
    scripted server = {.play = play_ok};
    scripted_start(&server);
    client_open();
    for (int i = 0; i < 50; i++) {
        fetch one = {.dones = 0};
        check_body(fetch_one(&one, &server, "/"), "ok");
        fetch_free(&one);
    }
    wr_web_counts counts;
    wr_web_count(desk.web, &counts);
    CHECK_EQ(counts.requests, 50);
    CHECK_EQ(counts.connections, 1);
    CHECK_EQ(counts.in_flight_max, 1);
    CHECK(counts.bytes_received >= 50 * 40 && counts.bytes_sent >= 50 * 40);
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.accepted, 1);
}

static bool play_held(scripted_peer *peer, const char *request) {
    scripted_hold(peer);
    return play_ok(peer, request);
}

static void *release_at_three(void *context) {
    scripted *server = context;
    scripted_await(server, 3);
    scripted_release(server);
    return NULL;
}

static void connections_to_a_host_are_bounded(void) {
    scripted server = {.play = play_held};
    scripted_start(&server);
    client_open_bounded(3, 0);
    fetch all[20] = {{.dones = 0}};
    for (int i = 0; i < 20; i++)
        fetch_at(&all[i], &server, "/");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, release_at_three, &server) == 0);
    CHECK_EQ(wr_web_run(desk.web), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 20; i++) {
        check_body(&all[i], "ok");
        fetch_free(&all[i]);
    }
    wr_web_counts counts;
    wr_web_count(desk.web, &counts);
    CHECK_EQ(counts.in_flight_max, 3);
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.accepted, 3);
    CHECK_EQ(server.inside_max, 3);
}

// The other end closes right behind its answer, as servers do after a while.
static void a_connection_closed_meanwhile_is_replaced(void) {
    script plan = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false,
                   true};
    scripted server = {.play = play_script, .context = &plan};
    scripted_start(&server);
    client_open();
    for (int i = 0; i < 20; i++) {
        fetch one = {.dones = 0};
        check_body(fetch_one(&one, &server, "/"), "ok");
        fetch_free(&one);
    }
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.accepted, 20);
}

static bool play_once_each(scripted_peer *peer, const char *request) {
    return peer->served == 0 ? play_ok(peer, request) : scripted_reset(peer);
}

static void a_request_that_a_kept_connection_loses_is_sent_again(void) {
    scripted server = {.play = play_once_each};
    scripted_start(&server);
    client_open();
    for (int i = 0; i < 5; i++) {
        fetch one = {.dones = 0};
        check_body(fetch_one(&one, &server, "/"), "ok");
        fetch_free(&one);
    }
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.accepted, 5);
    CHECK_EQ(server.requests, 9);
}

// ---- proxies ---------------------------------------------------------------

static void a_proxy_is_asked_where_one_is_set(void) {
    scripted server = {.play = play_echo};
    scripted_start(&server);
    char proxy[64], expected[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d/", server.port);
    settings.proxy = proxy;
    settings.noproxy = "example.org";
    client_open();
    fetch one = {.dones = 0};
    fetch_begin(&one, "http://pkg.example.com/a");
    CHECK_EQ(wr_web_run(desk.web), 0);
    snprintf(expected, sizeof(expected), "GET http://pkg.example.com/a HTTP/");
    CHECK(strncmp(body_text(&one), expected, strlen(expected)) == 0);
    fetch_free(&one);
    client_close();
    settings.noproxy = "example.org,127.0.0.1";
    client_open();
    fetch_one(&one, &server, "/direct");
    CHECK(strncmp(body_text(&one), "GET /direct HTTP/", 17) == 0);
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
}

static bool play_proxy(scripted_peer *peer, const char *request) {
    return strncmp(request, "CONNECT ", 8) == 0
               ? scripted_say(peer, "HTTP/1.1 403 No\r\n"
                                    "Content-Length: 0\r\n\r\n") &&
                     false
               : play_echo(peer, request);
}

static int fetch_far(const char *url) {
    client_open();
    fetch one = {.dones = 0};
    fetch_begin(&one, url);
    CHECK_EQ(wr_web_run(desk.web), 0);
    int status = one.status;
    fetch_free(&one);
    client_close();
    return status;
}

static void the_environments_proxies_come_after_npms(void) {
    scripted server = {.play = play_proxy};
    scripted_start(&server);
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", server.port);
    setenv("all_proxy", "http://127.0.0.1:1", 1); // curl's, not npm's
    setenv("HTTP_PROXY", proxy, 1);
    CHECK_EQ(fetch_far("http://example.com/"), 0);
    setenv("http_proxy", "http://127.0.0.1:1", 1); // goes before it
    CHECK_EQ(fetch_far("http://example.com/"), -EAGAIN);
    setenv("https_proxy", proxy, 1); // and this before that
    CHECK_EQ(fetch_far("http://example.com/"), 0);
    CHECK_EQ(fetch_far("https://example.com/"), -EPROTO); // by CONNECT
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    CHECK_EQ(fetch_far("https://example.com/"), -EAGAIN);
    settings.proxy = proxy; // npm's own go before them all
    CHECK_EQ(fetch_far("https://example.com/"), -EPROTO);
    CHECK_EQ(fetch_far("http://example.com/"), 0);
    settings.proxy = NULL;
    setenv("NO_PROXY", "127.0.0.1", 1);
    client_open();
    fetch one = {.dones = 0};
    fetch_one(&one, &server, "/direct");
    CHECK(strncmp(body_text(&one), "GET /direct HTTP/", 17) == 0);
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.requests, 6);
}

static void a_handle_changes_its_proxy_with_the_scheme(void) {
    scripted server = {.play = play_proxy};
    scripted_start(&server);
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", server.port);
    setenv("http_proxy", proxy, 1); // none for https
    client_open_bounded(1, 0);
    for (int i = 0; i < 3; i++) {
        fetch one = {.dones = 0};
        fetch_begin(&one, "http://example.com/");
        CHECK_EQ(wr_web_run(desk.web), 0);
        CHECK_EQ(one.status, 0);
        fetch_free(&one);
        // No TLS there: a handshake fails, a CONNECT would be counted.
        char url[64];
        snprintf(url, sizeof(url), "https://127.0.0.1:1/");
        fetch_begin(&one, url);
        CHECK_EQ(wr_web_run(desk.web), 0);
        check_failed(&one, -EAGAIN, "ECONNREFUSED");
    }
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.requests, 3);
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(a_request_says_what_was_asked_for),
    CASE(a_value_that_would_be_two_headers_is_refused),
    CASE(an_answer_comes_whole),
    CASE(a_validator_that_is_no_text_is_none),
    CASE(bytes_may_come_one_by_one),
    CASE(a_body_may_come_in_chunks),
    CASE(a_body_may_end_with_the_connection),
    CASE(a_body_may_be_empty),
    CASE(interim_answers_are_passed_over),
    CASE(other_answers_are_answers),
    CASE(cache_control_is_read),
    CASE(retry_after_is_read),
    CASE(marks_too_long_to_keep_are_none),
    CASE(large_bodies_arrive),
    CASE(what_is_allowed_exactly_is_allowed),
    CASE(connections_are_kept),
    CASE(connections_to_a_host_are_bounded),
    CASE(a_connection_closed_meanwhile_is_replaced),
    CASE(a_request_that_a_kept_connection_loses_is_sent_again),
    CASE(a_proxy_is_asked_where_one_is_set),
    CASE(the_environments_proxies_come_after_npms),
    CASE(a_handle_changes_its_proxy_with_the_scheme),
};

int main(int argc, char **argv) {
    return fetching_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// web.h: what may go wrong with an answer, and what is said of it.
#include "deps/fetching.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct script {
    const char *answer;
    enum { KEEP, CLOSE, RESET, HOLD } then;
} script;

static bool play_script(scripted_peer *peer, const char *request) {
    (void)request;
    const script *self = peer->server->context;
    scripted_send(peer, self->answer, strlen(self->answer));
    if (self->then == HOLD)
        scripted_hold(peer);
    if (self->then == RESET)
        return scripted_reset(peer);
    return self->then == KEEP;
}

static void expect_of(const scripted *model, int status, const char *code) {
    scripted server = *model;
    fetch one = {.dones = 0};
    scripted_start(&server);
    client_open();
    check_failed(fetch_one(&one, &server, "/name"), status, code);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/name: ", server.port);
    if (strncmp(one.request.why.text, url, strlen(url)) != 0)
        CHECK_FAIL("%s does not begin with the URL", one.request.why.text);
    client_close();
    scripted_stop(&server);
}

static void expect(script plan, int status, const char *code) {
    scripted model = {.play = play_script, .context = &plan};
    expect_of(&model, status, code);
}

// ---- cut off ---------------------------------------------------------------

static void a_truncated_body_is_transient(void) {
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhello",
        "HTTP/1.1 404 No\r\nContent-Length: 10\r\n\r\nhello",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        expect((script){answers[i], CLOSE}, -EAGAIN, "ECONNRESET");
}

static void a_truncation_is_told_in_bytes(void) {
    script plan = {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", CLOSE};
    scripted server = {.play = play_script, .context = &plan};
    fetch one = {.dones = 0};
    scripted_start(&server);
    client_open();
    fetch_one(&one, &server, "/");
    CHECK(strstr(one.request.why.text, "after 5 of 10 bytes") != NULL);
    client_close();
    scripted_stop(&server);
}

static void a_reset_is_transient(void) {
    expect((script){"", RESET}, -EAGAIN, "ECONNRESET");
    expect((script){"", CLOSE}, -EAGAIN, "ECONNRESET");
    expect((script){"HTTP/1.1 200 OK\r\nCont", RESET}, -EAGAIN, "ECONNRESET");
    expect((script){"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", RESET},
           -EAGAIN, "ECONNRESET");
}

static void headers_cut_off_are_no_answer(void) {
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 404 None\r\nETa",
        "HTTP/1.1 304 Same\r\nETag: x\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        expect((script){answers[i], CLOSE}, -EAGAIN, "ECONNRESET");
}

static void a_refused_connection_is_transient(void) {
    // A port that was somebody's, and is nobody's now.
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(bind(fd, (void *)&address, size) == 0);
    CHECK(getsockname(fd, (void *)&address, &size) == 0);
    scripted nobody = {.port = ntohs(address.sin_port)}; // does not listen
    client_open();
    fetch one = {.dones = 0};
    check_failed(fetch_one(&one, &nobody, "/"), -EAGAIN, "ECONNREFUSED");
    client_close();
    close(fd);
}

static void a_name_that_does_not_exist_is_told(void) {
    // Too long a label: no resolver asks anybody.
    client_open();
    fetch one = {.dones = 0};
    fetch_begin(&one, "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                      "aaaaaaaaaaaaaaaaaaaaaaaa.example.com/");
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_failed(&one, -EAGAIN, "ENOTFOUND");
    client_close();
}

// ---- time ------------------------------------------------------------------

static void an_answer_that_does_not_come_times_out(void) {
    settings.fetch_timeout_ms = 30;
    expect((script){"", HOLD}, -EAGAIN, "ETIMEDOUT");
    expect((script){"HTTP/1.1 200 OK\r\n", HOLD}, -EAGAIN, "ETIMEDOUT");
}

static void a_body_that_stalls_times_out(void) {
    settings.fetch_timeout_ms = 30;
    expect((script){"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", HOLD},
           -EAGAIN, "ETIMEDOUT");
}

// Byte after byte, for as long as anybody listens.
static bool play_drip(scripted_peer *peer, const char *request) {
    (void)request;
    scripted_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    while (scripted_send(peer, "x", 1))
        ;
    return false;
}

static void a_body_that_never_ends_times_out(void) {
    settings.fetch_timeout_ms = 50;
    scripted server = {.play = play_drip};
    fetch one = {.dones = 0};
    scripted_start(&server);
    client_open_bounded(1, SIZE_MAX);
    check_failed(fetch_one(&one, &server, "/"), -EAGAIN, "ETIMEDOUT");
    client_close();
    scripted_stop(&server);
}

static bool play_first_held(scripted_peer *peer, const char *request) {
    if (strncmp(request, "GET /held ", 10) == 0)
        scripted_hold(peer);
    return scripted_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void what_timed_out_gives_its_place_up(void) {
    settings.fetch_timeout_ms = 4000; // enough for next
    scripted server = {.play = play_first_held};
    fetch held = {.dones = 0}, next = {.dones = 0};
    scripted_start(&server);
    client_open_bounded(1, 0);
    fetch_at(&held, &server, "/held");
    fetch_at(&next, &server, "/next"); // waits longer than its own time
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_failed(&held, -EAGAIN, "ETIMEDOUT");
    check_body(&next, "ok");
    fetch_free(&next);
    client_close();
    scripted_stop(&server);
}

// ---- garbage ---------------------------------------------------------------

static void what_is_no_http_is_refused(void) {
    static const char *const answers[] = {
        "{\"name\":\"x\"}\n\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "\r\n\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: "
        "6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "fffffffffffffffffffff\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5"
        "\r\n\r\nhello",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        expect((script){answers[i], CLOSE}, -EPROTO, "EPROTO");
}

static bool play_flood(scripted_peer *peer, const char *request) {
    (void)request;
    const char *line = peer->server->context;
    scripted_say(peer, "HTTP/1.1 %s\r\n",
                 line[0] == '\r' ? "102 Processing" : "200 OK");
    while (scripted_send(peer, line, strlen(line)))
        ;
    return false;
}

static void headers_without_an_end_are_refused(void) {
    static char lines[] = "X-More: and more and more and more and more\r\n";
    static char interim[] = "\r\nHTTP/1.1 102 Processing\r\nA: b\r\n\r\n"
                            "HTTP/1.1 102 Processing\r\n";
    static char line[] = "and more and more and more and more and more ";
    char *floods[] = {lines, interim, line};
    for (int i = 0; i < 3; i++) {
        scripted model = {.play = play_flood, .context = floods[i]};
        expect_of(&model, -EPROTO, "EPROTO");
    }
}

static void surplus_bytes_are_not_the_next_answer(void) {
    script plan = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 "
                   "200 OK\r\nContent-Length: 4\r\n\r\nevil",
                   KEEP};
    scripted server = {.play = play_script, .context = &plan};
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
}

// ---- too large -------------------------------------------------------------

static void expect_too_large(const char *answer, bool flood) {
    script plan = {answer, HOLD};
    scripted server = {.play = play_script, .context = &plan};
    if (flood) {
        server.play = play_flood;
        server.context = (void *)(uintptr_t)answer;
    }
    fetch one = {.dones = 0};
    scripted_start(&server);
    client_open_bounded(1, 1000);
    check_failed(fetch_one(&one, &server, "/"), -E2BIG, "E2BIG");
    client_close();
    scripted_stop(&server);
}

static void a_gigantic_body_is_refused_by_its_word(void) {
    expect_too_large("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", false);
    expect_too_large("HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n"
                     "\r\nx",
                     false);
}

static void a_gigantic_body_is_refused_by_its_bytes(void) {
    // After these lines the rest is body: it ends with the connection, which
    // does not end.
    expect_too_large("Connection: close\r\n\r\nand more and more and more",
                     true);
}

static bool play_404_flood(scripted_peer *peer, const char *request) {
    (void)request;
    scripted_say(peer, "HTTP/1.1 404 None\r\n\r\n");
    char line[1000];
    memset(line, 'x', sizeof(line));
    while (scripted_send(peer, line, sizeof(line)))
        ;
    return false;
}

static void what_nobody_wants_is_not_read_to_its_end(void) {
    scripted server = {.play = play_404_flood};
    fetch one = {.dones = 0};
    scripted_start(&server);
    client_open();
    fetch_one(&one, &server, "/");
    CHECK_EQ(one.status, 0);
    CHECK_EQ(one.request.answer, 404);
    CHECK(one.request.body == NULL);
    client_close();
    scripted_stop(&server);
}

// ---- URLs and redirects ----------------------------------------------------

static void urls_that_cannot_be_fetched_are_refused(void) {
    static const struct {
        const char *url, *code;
    } table[] = {
        {"ftp://example.com/a", "EUNSUPPORTEDPROTOCOL"},
        {"file:///a", "EUNSUPPORTEDPROTOCOL"},
        {"", "EUNSUPPORTEDPROTOCOL"},
        {"http://", "EINVALIDURL"},
        {"http:///a", "EINVALIDURL"},
        {"http://exa mple.com/", "EINVALIDURL"},
        {"http://example.com\\@example.org/", "EINVALIDURL"},
        {"http://example.com/\r\nX: y", "EINVALIDURL"},
        {"http://example.com:99999/", "EINVALIDURL"},
        {"http://[::1/", "EINVALIDURL"},
    };
    client_open();
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        fetch one = {.dones = 0};
        fetch_begin(&one, table[i].url);
        CHECK_EQ(wr_web_run(desk.web), 0);
        check_failed(&one, -EPROTO, table[i].code);
    }
    client_close();
}

static void secrets_of_a_url_are_not_told(void) {
    script plan = {"junk", CLOSE};
    scripted server = {.play = play_script, .context = &plan};
    scripted_start(&server);
    client_open();
    char url[128];
    snprintf(url, sizeof(url), "http://me:secret@127.0.0.1:%d/a?sig=secret",
             server.port);
    fetch one = {.dones = 0};
    fetch_begin(&one, url);
    CHECK_EQ(wr_web_run(desk.web), 0);
    CHECK(one.status != 0);
    CHECK(strstr(one.request.why.text, "secret") == NULL);
    CHECK(strstr(one.request.why.text, "/a: ") != NULL);
    client_close();
    scripted_stop(&server);
}

static int other_port; // where /away leads to

// /N leads to /N-1; /away to the other server; what else, to itself.
static bool play_redirects(scripted_peer *peer, const char *request) {
    int left = 0;
    char token[64], path[64] = "";
    sscanf(request, "GET %63s", path);
    scripted_header(request, "Authorization", token, sizeof(token));
    if (sscanf(path, "/down/%d", &left) == 1 && left > 0)
        return scripted_say(peer,
                            "HTTP/1.1 302 Found\r\nLocation: %d\r\n"
                            "Content-Length: 5\r\n\r\nmoved",
                            left - 1);
    if (strcmp(path, "/loop") == 0)
        return scripted_say(peer, "HTTP/1.1 301 Moved\r\nLocation: /loop\r\n"
                                  "Content-Length: 0\r\n\r\n");
    if (strcmp(path, "/away") == 0 || strcmp(path, "/and/back") == 0)
        return scripted_say(peer,
                            "HTTP/1.1 307 Away\r\nETag: old\r\n"
                            "Location: http://127.0.0.1:%d/%s\r\n"
                            "Content-Length: 0\r\n\r\n",
                            other_port,
                            path[1] == 'a' && path[2] == 'w' ? "here" : "back");
    if (strcmp(path, "/ftp") == 0)
        return scripted_say(peer, "HTTP/1.1 302 Found\r\nLocation: "
                                  "ftp://example.com/\r\nContent-Length: 0"
                                  "\r\n\r\n");
    if (strcmp(path, "/up") == 0)
        return scripted_say(peer, "HTTP/1.1 302 Found\r\nLocation: "
                                  "/own/%%2e%%2e/../own/./x\r\n"
                                  "Content-Length: 0\r\n\r\n");
    if (strcmp(path, "/back") == 0) // of the other server
        return scripted_say(peer,
                            "HTTP/1.1 302 Found\r\n"
                            "Location: http://127.0.0.1:%s/end\r\n"
                            "Content-Length: 0\r\n\r\n",
                            (char *)peer->server->context);
    return scripted_say(peer,
                        "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                        strlen(token), token);
}

static void redirects_are_followed(void) {
    scripted server = {.play = play_redirects};
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    check_body(fetch_one(&one, &server, "/down/20"), "");
    CHECK_STR(one.request.why.code, "");
    fetch_free(&one);
    wr_web_counts counts;
    wr_web_count(desk.web, &counts);
    CHECK_EQ(counts.redirects, 20);
    CHECK_EQ(counts.connections, 1);
    client_close();
    scripted_stop(&server);
}

static void a_redirect_loop_ends(void) {
    scripted server = {.play = play_redirects};
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    check_failed(fetch_one(&one, &server, "/loop"), -EPROTO, "EMAXREDIRECT");
    fetch_free(&one);
    check_failed(fetch_one(&one, &server, "/down/21"), -EPROTO, "EMAXREDIRECT");
    fetch_free(&one);
    check_failed(fetch_one(&one, &server, "/ftp"), -EPROTO,
                 "EUNSUPPORTEDPROTOCOL");
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.requests, 21 + 21 + 1);
}

static void a_token_goes_to_its_own_place_alone(void) {
    char port[16], prefix[64];
    scripted other = {.play = play_redirects, .context = port};
    scripted server = {.play = play_redirects};
    scripted_start(&other);
    scripted_start(&server);
    other_port = other.port;
    snprintf(port, sizeof(port), "%d", server.port);
    snprintf(prefix, sizeof(prefix), "//127.0.0.1:%d/", server.port);
    token_prefix = prefix;
    client_open();
    fetch one = {.dones = 0};
    check_body(fetch_one(&one, &server, "/here"), "Bearer secret");
    fetch_free(&one);
    check_body(fetch_one(&one, &server, "/away"), ""); // to the other: none
    CHECK_STR(one.request.new_etag, ""); // nothing of the hop before
    fetch_free(&one);
    check_body(fetch_one(&one, &server, "/and/back"), "Bearer secret");
    fetch_free(&one);
    check_body(fetch_one(&one, &other, "/back"), "Bearer secret");
    fetch_free(&one);
    // What a server may read as another path gets none.
    check_body(fetch_one(&one, &server, "/own/../x"), "");
    fetch_free(&one);
    check_body(fetch_one(&one, &server, "/own/.."), "");
    fetch_free(&one);
    check_body(fetch_one(&one, &server, "/own/..x/.../x"), "Bearer secret");
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
    scripted_stop(&other);
}

// ---- proxies ---------------------------------------------------------------

static void expect_proxy(const char *answer, int status, const char *code) {
    script plan = {answer, CLOSE};
    scripted server = {.play = play_script, .context = &plan};
    scripted_start(&server);
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d/", server.port);
    settings.https_proxy = proxy;
    client_open();
    fetch one = {.dones = 0};
    fetch_begin(&one, "https://example.com/a");
    CHECK_EQ(wr_web_run(desk.web), 0);
    check_failed(&one, status, code);
    CHECK_EQ(one.request.answer, 0);
    client_close();
    scripted_stop(&server);
    CHECK(server.requests >= 1);
}

static void a_proxys_refusal_is_told_as_its_own(void) {
    expect_proxy("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n"
                 "Proxy-Authenticate: Basic realm=x\r\n\r\n",
                 -EACCES, "EPROXY");
    expect_proxy("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", -EPROTO,
                 "EPROXY");
    expect_proxy("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", -EAGAIN,
                 "ECONNRESET");
    expect_proxy("", -EAGAIN, "ECONNRESET");
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(a_truncated_body_is_transient),
    CASE(a_truncation_is_told_in_bytes),
    CASE(a_reset_is_transient),
    CASE(headers_cut_off_are_no_answer),
    CASE(a_refused_connection_is_transient),
    CASE(a_name_that_does_not_exist_is_told),
    CASE(an_answer_that_does_not_come_times_out),
    CASE(a_body_that_stalls_times_out),
    CASE(a_body_that_never_ends_times_out),
    CASE(what_timed_out_gives_its_place_up),
    CASE(what_is_no_http_is_refused),
    CASE(headers_without_an_end_are_refused),
    CASE(surplus_bytes_are_not_the_next_answer),
    CASE(a_gigantic_body_is_refused_by_its_word),
    CASE(a_gigantic_body_is_refused_by_its_bytes),
    CASE(what_nobody_wants_is_not_read_to_its_end),
    CASE(urls_that_cannot_be_fetched_are_refused),
    CASE(secrets_of_a_url_are_not_told),
    CASE(redirects_are_followed),
    CASE(a_redirect_loop_ends),
    CASE(a_token_goes_to_its_own_place_alone),
    CASE(a_proxys_refusal_is_told_as_its_own),
};

int main(int argc, char **argv) {
    return fetching_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// web.h: TLS, by certificates made here.
#include "deps/fetching.h"
#include "deps/scripted_tls.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

// /plain leads to where `context` says; else the token comes back.
static bool play(scripted_peer *peer, const char *request) {
    char token[64];
    scripted_header(request, "Authorization", token, sizeof(token));
    if (strncmp(request, "GET /plain ", 11) == 0)
        return scripted_say(peer,
                            "HTTP/1.1 302 Found\r\nLocation: %s\r\n"
                            "Content-Length: 0\r\n\r\n",
                            (const char *)peer->server->context);
    if (strncmp(request, "GET /cut ", 9) == 0) {
        scripted_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
        return false;
    }
    return scripted_say(peer,
                        "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                        strlen(token), token);
}

static char file[] = "/tmp/weir-cafile-XXXXXX";

static void use_authority(bool of_another, bool as_file) {
    char *text = scripted_tls_authority(of_another);
    if (!as_file) {
        settings.ca = text;
        return;
    }
    int fd = mkstemp(file);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    free(text);
    settings.cafile = file;
}

static void forget_authority(void) {
    if (settings.cafile != NULL)
        unlink(settings.cafile);
    free((void *)(uintptr_t)settings.ca);
    settings.ca = settings.cafile = NULL;
}

static fetch *fetch_tls(fetch *self, const scripted *server, const char *path) {
    char url[128];
    snprintf(url, sizeof(url), "https://127.0.0.1:%d%s", server->port, path);
    fetch_begin(self, url);
    CHECK_EQ(wr_web_run(desk.web), 0);
    CHECK_EQ(self->dones, 1);
    return self;
}

// code NULL: it is trusted.
static void expect(const scripted_certificate *what, const char *code) {
    scripted server = {.play = play};
    scripted_tls_start(&server, what);
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    fetch_tls(&one, &server, "/");
    if (code == NULL)
        check_body(&one, "");
    else
        check_failed(&one, -EACCES, code);
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
    forget_authority();
    scripted_tls_stop(&server);
}

static const scripted_certificate good = {"IP:127.0.0.1", -1, 1, true};

static void a_good_certificate_is_trusted(void) {
    use_authority(false, true);
    expect(&good, NULL);
    use_authority(false, false); // ca, the text itself
    expect(&good, NULL);
}

static void the_files_word_counts_more_than_the_text(void) {
    use_authority(true, false);
    use_authority(false, true);
    expect(&good, NULL);
}

static void an_unknown_authority_is_refused(void) {
    expect(&good, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");
    use_authority(true, true);
    expect(&good, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");
}

static void an_expired_certificate_is_refused(void) {
    scripted_certificate what = good;
    what.from_day = -3, what.until_day = -1;
    use_authority(false, true);
    expect(&what, "CERT_HAS_EXPIRED");
    what.from_day = 1, what.until_day = 3;
    use_authority(false, false);
    expect(&what, "CERT_NOT_YET_VALID");
}

static void a_self_signed_certificate_is_refused(void) {
    scripted_certificate what = good;
    what.by_authority = false;
    expect(&what, "DEPTH_ZERO_SELF_SIGNED_CERT");
}

static void another_hosts_certificate_is_refused(void) {
    scripted_certificate what = good;
    what.name = "DNS:example.com";
    use_authority(false, true);
    expect(&what, "ERR_TLS_CERT_ALTNAME_INVALID");
}

static void without_strict_ssl_all_of_them_will_do(void) {
    scripted_certificate what = {"DNS:example.com", -3, -1, false};
    settings.strict_ssl = false;
    expect(&what, NULL);
}

static bool play_junk(scripted_peer *peer, const char *request) {
    (void)peer, (void)request;
    return false;
}

static bool greet_junk(scripted_peer *peer) {
    char hello[1024];
    CHECK(recv(peer->fd, hello, sizeof(hello), 0) > 0);
    return send(peer->fd, "HTTP/1.1 400 Bad\r\n\r\n", 20, MSG_NOSIGNAL) < 0;
}

static bool greet_reset(scripted_peer *peer) {
    char hello[1024];
    CHECK(recv(peer->fd, hello, sizeof(hello), 0) > 0);
    return scripted_reset(peer);
}

static bool greet_close(scripted_peer *peer) {
    char hello[4096];
    CHECK(recv(peer->fd, hello, sizeof(hello), 0) > 0);
    return false;
}

static void expect_greeted(bool (*greet)(scripted_peer *peer), int status,
                           const char *code) {
    scripted server = {.play = play_junk, .greet = greet};
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    check_failed(fetch_tls(&one, &server, "/"), status, code);
    client_close();
    scripted_stop(&server);
}

static void what_speaks_no_tls_is_told(void) {
    expect_greeted(greet_junk, -EACCES, "EPROTO");
}

static void a_handshake_cut_off_is_transient(void) {
    expect_greeted(greet_reset, -EAGAIN, "ECONNRESET");
    expect_greeted(greet_close, -EAGAIN, "ECONNRESET");
}

static void a_body_cut_off_under_tls_is_no_end(void) {
    scripted server = {.play = play};
    use_authority(false, true);
    scripted_tls_start(&server, &good);
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    check_failed(fetch_tls(&one, &server, "/cut"), -EAGAIN, "ECONNRESET");
    client_close();
    scripted_stop(&server);
    forget_authority();
    scripted_tls_stop(&server);
}

static void a_token_never_goes_in_the_clear_once_it_was_not(void) {
    scripted plain = {.play = play};
    scripted_start(&plain);
    char where[64];
    snprintf(where, sizeof(where), "http://127.0.0.1:%d/", plain.port);
    scripted server = {.play = play, .context = where};
    use_authority(false, true);
    scripted_tls_start(&server, &good);
    scripted_start(&server);
    token_prefix = "//127.0.0.1:"; // of both, even
    client_open();
    fetch one = {.dones = 0};
    check_body(fetch_tls(&one, &server, "/"), "Bearer secret");
    fetch_free(&one);
    check_body(fetch_tls(&one, &server, "/plain"), "");
    fetch_free(&one);
    check_body(fetch_one(&one, &plain, "/"), "Bearer secret");
    fetch_free(&one);
    client_close();
    scripted_stop(&server);
    scripted_stop(&plain);
    forget_authority();
    scripted_tls_stop(&server);
}

static void connections_are_kept_under_tls(void) {
    scripted server = {.play = play};
    use_authority(false, true);
    scripted_tls_start(&server, &good);
    scripted_start(&server);
    client_open();
    for (int i = 0; i < 10; i++) {
        fetch one = {.dones = 0};
        check_body(fetch_tls(&one, &server, "/"), "");
        fetch_free(&one);
    }
    client_close();
    scripted_stop(&server);
    CHECK_EQ(server.accepted, 1);
    forget_authority();
    scripted_tls_stop(&server);
}

// A plain write to a connection that was reset raises SIGPIPE, which would end
// the program.
static void a_peer_that_is_gone_kills_nobody(void) {
    signal(SIGPIPE, SIG_DFL);
    scripted server = {.play = play};
    use_authority(false, true);
    scripted_tls_start(&server, &good);
    scripted_start(&server);
    client_open();
    fetch one = {.dones = 0};
    check_body(fetch_tls(&one, &server, "/"), "");
    fetch_free(&one);
    scripted_reset(server.peers[0]);
    scripted_stop(&server); // with a connection kept: it is reset
    client_close();         // says goodbye to it
    sigset_t pending;
    sigpending(&pending);
    CHECK_EQ(sigismember(&pending, SIGPIPE), 0);
    forget_authority();
    scripted_tls_stop(&server);
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(a_good_certificate_is_trusted),
    CASE(the_files_word_counts_more_than_the_text),
    CASE(an_unknown_authority_is_refused),
    CASE(an_expired_certificate_is_refused),
    CASE(a_self_signed_certificate_is_refused),
    CASE(another_hosts_certificate_is_refused),
    CASE(without_strict_ssl_all_of_them_will_do),
    CASE(what_speaks_no_tls_is_told),
    CASE(a_handshake_cut_off_is_transient),
    CASE(a_body_cut_off_under_tls_is_no_end),
    CASE(a_token_never_goes_in_the_clear_once_it_was_not),
    CASE(connections_are_kept_under_tls),
    CASE(a_peer_that_is_gone_kills_nobody),
};

int main(int argc, char **argv) {
    return fetching_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

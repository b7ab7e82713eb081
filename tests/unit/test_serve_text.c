// SPDX-License-Identifier: MIT
// Text in pictures, over real connections to a real process.
#include "serve/client.h"
#include "serve/pages.h"

#define TEXT "/v1/text?recogniser=bars&letters=ab"
#define TURNING TEXT "&direction=ends"
#define PNG "Content-Type: image/png\r\n"

// ---- the server ------------------------------------------------------------

// Takes what both take, and gives something else: x itself.
static onnx_bytes model_same(void) {
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, 3, HIGH, -1));
    onnx_node(&m, "Neg", "minus", "x", "y");
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, 3, HIGH, -1));
    return onnx_end(&m);
}

static void put_letters(peer *p) {
    peer_wants(p, 201, "PUT", "/v1/letters/ab", "", "a\nb\n");
}

static server open_with(const char *more, int slow) {
    server s = server_start(more);
    load_model(&s, "bars", model_bars(slow));
    load_model(&s, "ends", model_ends());
    peer p = peer_dial(&s);
    put_letters(&p);
    peer_close(&p);
    return s;
}

// ---- answers ---------------------------------------------------------------

enum { LINES_MAX = 64 };

typedef struct answer {
    int count;
    struct {
        char text[32];
        double sure;
        bool turned;
        int box[4];
    } line[LINES_MAX];
} answer;

// Takes the answer apart, as strictly as it is written.
static answer answer_of(reply r) {
    answer a = {.count = 0};
    const char *at = r.body;
    CHECK_EQ(strncmp(at, "{\"lines\": [", 11), 0);
    for (at += 11; *at == '{'; a.count++) {
        CHECK(a.count < LINES_MAX);
        char turned[8];
        int used = 0, *box = a.line[a.count].box;
        CHECK_EQ(sscanf(at,
                        "{\"text\": \"%31[ab ]\", \"sure\": %lf, \"turned\": "
                        "%7[a-z], \"box\": [%d, %d, %d, %d]}%n",
                        a.line[a.count].text, &a.line[a.count].sure, turned,
                        &box[0], &box[1], &box[2], &box[3], &used),
                 7);
        a.line[a.count].turned = strcmp(turned, "true") == 0;
        CHECK(a.line[a.count].turned || strcmp(turned, "false") == 0);
        CHECK(a.line[a.count].sure > 0.4 && a.line[a.count].sure <= 1);
        at += used;
        if (strncmp(at, ", ", 2) == 0)
            at += 2;
    }
    double prepare, infer, decode;
    int used = 0;
    CHECK_EQ(sscanf(at,
                    "], \"timing\": {\"prepare_ms\": %lf, \"infer_ms\": %lf, "
                    "\"decode_ms\": %lf}}\n%n",
                    &prepare, &infer, &decode, &used),
             3);
    CHECK_EQ(at + used - r.body, r.size);
    CHECK(prepare > 0 && infer >= 0 && decode >= 0);
    free(r.body);
    return a;
}

static void ask(const peer *p, const char *path, const onnx_bytes *picture) {
    peer_ask(p, "POST", path, PNG, picture->data, picture->size);
}

static answer read_page(peer *p, const char *path, onnx_bytes picture) {
    answer a = answer_of(
        peer_expect(p, 200, "POST", path, PNG, picture.data, picture.size));
    free(picture.data);
    return a;
}

// It is refused with a line that has `says` in it.
static void refused(peer *p, int status, const char *path, onnx_bytes picture,
                    const char *says) {
    reply r =
        peer_expect(p, status, "POST", path, PNG, picture.data, picture.size);
    CHECK_EQ(strncmp(r.body, "{\"error\": \"", 11), 0);
    CHECK(strchr(r.body, '\n') == r.body + r.size - 1);
    if (strstr(r.body, says) == NULL)
        CHECK_FAIL("%s in place of %s", r.body, says);
    free(r.body);
    free(picture.data);
}

// A figure of /metrics, its labels included.
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

static void until(peer *p, const char *name, long long least) {
    while (figure(p, name) < least)
        ;
}

static void until_none(peer *p, const char *name) {
    while (figure(p, name) > 0)
        ;
}

static const char *const three[] = {"aab", "abaa", "aaab"};

// ---- dictionaries ----------------------------------------------------------

static void a_dictionary_is_kept_under_its_name(void) {
    server s = server_start("");
    peer p = peer_dial(&s);
    put_letters(&p);
    peer_wants(&p, 204, "PUT", "/v1/letters/ab", "", "a\nb\n");
    peer_wants(&p, 409, "PUT", "/v1/letters/ab", "", "a\nc\n");
    peer_wants(&p, 409, "PUT", "/v1/letters/ab", "", "a\nb");
    peer_wants(&p, 204, "PUT", "/v1/letters/ab", "", "a\nb\n");
    peer_wants(&p, 201, "PUT", "/v1/letters/ac", "", "a\nc\n");
    reply r = peer_expect(&p, 405, "GET", "/v1/letters/ab", "", NULL, 0);
    CHECK_STR(reply_header(&r, "Allow"), "PUT");
    free(r.body);
    peer_close(&p);
    server_stop(&s);
}

static void a_bad_dictionary_is_refused_with_its_line(void) {
    static const struct {
        const char *text, *says;
    } bad[] = {{"a\n\nb\n", "line 2 of the dictionary is empty"},
               {"a\nb\n\xff\n", "line 3 of the dictionary is no UTF-8"},
               {"\xed\xa0\x80\n", "line 1 of the dictionary is no UTF-8"},
               {"seventeen letters\n", "line 1 of the dictionary is too long"},
               {"", "the dictionary is empty"}};
    server s = server_start("");
    peer p = peer_dial(&s);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reply r = peer_expect(&p, 400, "PUT", "/v1/letters/x", "", bad[i].text,
                              strlen(bad[i].text));
        if (strstr(r.body, bad[i].says) == NULL)
            CHECK_FAIL("%s in place of %s", r.body, bad[i].says);
        free(r.body);
    }
    // None of them has taken the name.
    peer_wants(&p, 201, "PUT", "/v1/letters/x", "", "a\n");
    peer_close(&p);
    server_stop(&s);
}

static void dictionaries_have_limits(void) {
    enum { BYTES = 1 << 20, BOOKS = 16 };
    server s = server_start("");
    char *text = malloc(BYTES + 1), path[32];
    CHECK(text != NULL);
    for (size_t i = 0; i < BYTES + 1; i++)
        text[i] = i % 2 == 0 ? 'a' : '\n';
    peer p = peer_dial(&s);
    peer_ask(&p, "PUT", "/v1/letters/l", "", text, BYTES + 1);
    reply r = peer_reply(&p, false);
    CHECK_EQ(r.status, 413);
    free(r.body);
    peer_close(&p);
    p = peer_dial(&s);
    for (int i = 0; i <= BOOKS; i++) {
        snprintf(path, sizeof(path), "/v1/letters/l%d", i);
        r = peer_expect(&p, i < BOOKS ? 201 : 503, "PUT", path, "", text,
                        i == 0 ? BYTES : 2);
        CHECK((reply_header(&r, "Retry-After") != NULL) == (i == BOOKS));
        free(r.body);
    }
    peer_wants(&p, 204, "PUT", "/v1/letters/l3", "", "a\n");
    free(text);
    peer_close(&p);
    server_stop(&s);
}

// ---- reading ---------------------------------------------------------------

static void lines_are_read_from_top_to_bottom(void) {
    server s = open_with("", 0);
    peer p = peer_dial(&s);
    answer a = read_page(&p, TEXT, png_lines(three, 3));
    CHECK_EQ(a.count, 3);
    for (int i = 0; i < 3; i++) {
        CHECK_STR(a.line[i].text, three[i]);
        CHECK(!a.line[i].turned);
        // The ink and a little around it.
        int right = MARGIN - LETTER + 2 * LETTER * (int)strlen(three[i]);
        int top = MARGIN + PITCH * i;
        const int *box = a.line[i].box;
        CHECK(box[0] <= MARGIN && box[0] > MARGIN - 6);
        CHECK(box[1] <= top && box[1] > top - 6);
        CHECK(box[2] >= right && box[2] < right + 6);
        CHECK(box[3] >= top + LETTER && box[3] < top + LETTER + 6);
    }
    // Lines of many widths, each on its own.
    static const char many[] = "abaababbaaba";
    for (int letters = 2; letters < 12; letters++) {
        const char *line = &many[sizeof(many) - 1 - (size_t)letters];
        page wide = page_blank(2 * MARGIN + 2 * LETTER * letters, 60);
        write_line(&wide, 0, line);
        a = read_page(&p, TEXT, png_of(wide));
        CHECK_EQ(a.count, 1);
        CHECK_STR(a.line[0].text, line);
    }
    peer_close(&p);
    server_stop(&s);
}

static void lines_on_their_heads_are_turned(void) {
    server s = open_with("", 0);
    peer p = peer_dial(&s);
    page over = page_of(three, 3);
    turn_over(&over);
    answer a = read_page(&p, TURNING, png_of(over));
    CHECK_EQ(a.count, 3);
    for (int i = 0; i < 3; i++) {
        CHECK_STR(a.line[i].text, three[2 - i]);
        CHECK(a.line[i].turned);
    }
    // Each as it is, also beside others.
    static const char *const mixed[] = {"aab", "abb", "aaaab"};
    a = read_page(&p, TURNING, png_lines(mixed, 3));
    CHECK_EQ(a.count, 3);
    CHECK_STR(a.line[0].text, "aab");
    CHECK_STR(a.line[1].text, "aab");
    CHECK_STR(a.line[2].text, "aaaab");
    CHECK(!a.line[0].turned && a.line[1].turned && !a.line[2].turned);
    // Nobody asked which way it is.
    a = read_page(&p, TEXT, png_line("abb"));
    CHECK_STR(a.line[0].text, "abb");
    CHECK(!a.line[0].turned);
    peer_close(&p);
    server_stop(&s);
}

static void an_empty_picture_has_no_lines(void) {
    server s = open_with("", 0);
    peer p = peer_dial(&s);
    CHECK_EQ(read_page(&p, TURNING, png_of(page_blank(50, 40))).count, 0);
    CHECK_EQ(read_page(&p, TEXT, png_of(page_blank(1, 1))).count, 0);
    CHECK_EQ(figure(&p, "inferences_total"), 0);
    peer_close(&p);
    server_stop(&s);
}

static void more_than_64_lines_are_the_first_64(void) {
    enum { ROWS = 70 };
    static const char *lines[ROWS];
    static const char *const some[] = {"aab", "abaab", "aaaab", "aaab", "abab"};
    for (size_t i = 0; i < ROWS; i++)
        lines[i] = some[i % 5];
    server s = open_with("", 0);
    peer p = peer_dial(&s);
    answer a = read_page(&p, TURNING, png_lines(lines, ROWS));
    CHECK_EQ(a.count, LINES_MAX);
    for (int i = 0; i < LINES_MAX; i++) {
        CHECK_STR(a.line[i].text, lines[i]);
        CHECK(a.line[i].box[1] > (i > 0 ? a.line[i - 1].box[1] : -1));
    }
    peer_close(&p);
    server_stop(&s);
}

static void two_pictures_at_once_share_plans(void) {
    server s = open_with("--set batching.items=1", 0);
    enum { CLIENTS = 2 };
    peer clients[CLIENTS], watcher = peer_dial(&s);
    onnx_bytes picture = png_lines(three, 3);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = peer_dial(&s);
        ask(&clients[i], TURNING, &picture);
    }
    for (int i = 0; i < CLIENTS; i++) {
        reply r = peer_reply(&clients[i], false);
        CHECK_EQ(r.status, 200);
        answer a = answer_of(r);
        CHECK_EQ(a.count, 3);
        for (int j = 0; j < 3; j++)
            CHECK_STR(a.line[j].text, three[j]);
        peer_close(&clients[i]);
    }
    // One for the direction, one for what is 320 wide.
    CHECK_EQ(figure(&watcher, "cache_gets_total{found=\"miss\"}"), 2);
    CHECK_EQ(figure(&watcher, "inferences_total"), 2 * 3 * CLIENTS);
    free(picture.data);
    peer_close(&watcher);
    server_stop(&s);
}

// ---- what is wrong ---------------------------------------------------------

static void a_wrong_request_is_refused_with_a_line(void) {
    server s = open_with("", 0);
    peer p = peer_dial(&s);
    static const char *const missing[] = {
        "/v1/text", "/v1/text?recogniser=bars", "/v1/text?letters=ab",
        "/v1/text?recogniser&letters=ab"};
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
        refused(&p, 400, missing[i], png_line("ab"),
                "recogniser=MODEL and letters=DICTIONARY");
    refused(&p, 404, "/v1/text?recogniser=bars&letters=no", png_line("ab"),
            "no dictionary 'no'");
    refused(&p, 404, "/v1/text?recogniser=no&letters=ab", png_line("ab"),
            "no model 'no'");
    refused(&p, 404, TEXT "&direction=no", png_line("ab"), "no model 'no'");
    peer_wants(&p, 400, "POST", TEXT, PNG, "GIF89a");
    peer_wants(&p, 400, "POST", TEXT, PNG, "");
    peer_wants(&p, 405, "GET", "/v1/text", "", NULL);
    CHECK_EQ(read_page(&p, TEXT, png_line("ab")).count, 1);
    peer_close(&p);
    server_stop(&s);
}

static void a_damaged_picture_is_refused_with_a_line(void) {
    server s = open_with("", 0);
    peer p = peer_dial(&s);
    onnx_bytes whole = png_lines(three, 3);
    for (size_t cut = 0; cut < whole.size - 12; cut += 1 + cut / 40) {
        reply r = peer_expect(&p, 400, "POST", TEXT, PNG, whole.data, cut);
        bool begun = strstr(r.body, "the PNG is damaged") != NULL;
        CHECK(begun || strstr(r.body, "the picture is no PNG") != NULL);
        CHECK(cut >= 33 || !begun);           // its size is not all there
        CHECK(cut < whole.size / 2 || begun); // its pixels are
        free(r.body);
    }
    uint8_t *pixels = memmem(whole.data, whole.size, "IDAT", 4);
    CHECK(pixels != NULL);
    for (size_t at = (size_t)(pixels - whole.data) + 4; at < whole.size - 12;
         at += whole.size / 20) {
        whole.data[at] ^= 0x10; // its checksum is not
        free(peer_expect(&p, 400, "POST", TEXT, PNG, whole.data, whole.size)
                 .body);
        whole.data[at] ^= 0x10;
    }
    // A few bytes that say that they are a large picture.
    static const unsigned char huge[] = {
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
        0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x40, 0x00,
        0x08, 0x00, 0x00, 0x00, 0x00, 0x8c, 0xa3, 0x4f, 0x58, 0x00, 0x00, 0x00,
        0x00, 0x49, 0x44, 0x41, 0x54, 0x35, 0xaf, 0x06, 0x1e};
    reply r = peer_expect(&p, 413, "POST", TEXT, PNG, huge, sizeof(huge));
    CHECK(strstr(r.body, "the picture is 16384 x 16384; at most") != NULL);
    free(r.body);
    CHECK_EQ(read_page(&p, TEXT, whole).count, 3);
    peer_close(&p);
    server_stop(&s);
}

static void a_model_of_another_shape_is_one_clear_error(void) {
    server s = open_with("", 0);
    load_model(&s, "small", model_small());
    load_model(&s, "same", model_same());
    peer p = peer_dial(&s);
    refused(&p, 400, "/v1/text?recogniser=small&letters=ab",
            png_lines(three, 3),
            "model 'small': input 'x' is float32[?,3], not");
    refused(&p, 400, TEXT "&direction=small", png_lines(three, 3),
            "model 'small': input 'x' is float32[?,3], not");
    refused(&p, 400, "/v1/text?recogniser=same&letters=ab", png_lines(three, 3),
            "model 'same' is not what reading text needs");
    refused(&p, 400, TEXT "&direction=same", png_lines(three, 3),
            "model 'same' is not what reading text needs");
    // Each is good for the other's work, as far as its input goes.
    refused(&p, 400, TEXT "&direction=bars", png_lines(three, 3),
            "model 'bars' is not what reading text needs");
    CHECK_EQ(read_page(&p, TURNING, png_lines(three, 3)).count, 3);
    peer_close(&p);
    server_stop(&s);
}

// ---- who leaves, and the end -----------------------------------------------

static void a_client_that_vanishes_takes_its_picture_along(void) {
    server s = open_with("--set limits.running=1 --set batching.items=1", 120);
    peer watcher = peer_dial(&s), p = peer_dial(&s);
    onnx_bytes picture = png_many(LINES_MAX);
    ask(&p, TEXT, &picture);
    until(&watcher, "plans_running", 1);
    peer_close(&p);
    until_none(&watcher, "inferences");
    until_none(&watcher, "bodies_bytes");
    CHECK_EQ(figure(&watcher, "inferences_total"), LINES_MAX);
    free(picture.data);
    peer_close(&watcher);
    server_stop(&s);
    CHECK(server_count(&s, "inferences", "cancelled") > LINES_MAX / 2);
    CHECK_EQ(server_count(&s, "requests", "gone"), 1);
}

// Between any two stages, and in the middle of them.
static void clients_may_vanish_at_any_moment(void) {
    server s = open_with("", 0);
    peer watcher = peer_dial(&s);
    onnx_bytes picture = png_lines(three, 3);
    enum { ROUNDS = 60 };
    for (int i = 0; i < ROUNDS; i++) {
        peer p = peer_dial(&s);
        ask(&p, TURNING, &picture);
        for (int look = 0; look < i % 6; look++)
            peer_wants(&watcher, 200, "GET", "/healthz", "", NULL);
        if (i % 5 == 4) { // one that stays
            reply r = peer_reply(&p, false);
            CHECK_EQ(r.status, 200);
            CHECK_EQ(answer_of(r).count, 3);
        }
        peer_close(&p);
    }
    free(picture.data);
    until_none(&watcher, "inferences");
    until_none(&watcher, "bodies_bytes");
    CHECK_EQ(read_page(&watcher, TURNING, png_line("aab")).count, 1);
    peer_close(&watcher);
    server_stop(&s);
}

static void pictures_at_once_have_a_limit(void) {
    enum { PICTURES = 16, LINES = 15 }; // fewer than limits.requests
    server s = open_with("--set limits.running=1 --set batching.items=1", 240);
    peer watcher = peer_dial(&s), clients[PICTURES];
    onnx_bytes picture = png_many(LINES);
    for (int i = 0; i < PICTURES; i++) {
        clients[i] = peer_dial(&s);
        ask(&clients[i], TEXT, &picture);
        until(&watcher, "inferences_total", LINES * (i + 1));
    }
    reply r = peer_expect(&watcher, 503, "POST", TEXT, PNG, picture.data,
                          picture.size);
    CHECK(reply_header(&r, "Retry-After") != NULL);
    free(r.body);
    for (int i = 0; i < PICTURES; i++)
        peer_close(&clients[i]);
    until_none(&watcher, "inferences");
    until_none(&watcher, "bodies_bytes");
    free(picture.data);
    CHECK_EQ(read_page(&watcher, TEXT, png_line("aab")).count, 1);
    peer_close(&watcher);
    server_stop(&s);
}

// A picture asks the models after it was accepted: it may still do so.
static void a_stop_finishes_the_pictures_that_were_accepted(void) {
    server s = open_with("--set server.shutdown=1h", 0);
    peer watcher = peer_dial(&s), p = peer_dial(&s);
    page large = page_blank(3000, 2000); // so that it is read for a while
    for (int i = 0; i < 3; i++)
        write_line(&large, i, three[i]);
    onnx_bytes picture = png_of(large);
    ask(&p, TURNING, &picture);
    until(&watcher, "http_requests", 2);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK(server_says(&s, "SIGTERM"));
    reply r = peer_reply(&p, false);
    if (r.status != 200)
        CHECK_FAIL("%d: %s", r.status, r.body);
    answer a = answer_of(r);
    CHECK_EQ(a.count, 3);
    for (int i = 0; i < 3; i++)
        CHECK_STR(a.line[i].text, three[i]);
    CHECK(peer_ended(&p));
    free(picture.data);
    peer_close(&p);
    peer_close(&watcher);
    CHECK_EQ(server_ended(&s), 0);
    server_adds_up(&s);
    CHECK_EQ(server_count(&s, "inferences", "succeeded"), 6);
}

static void a_hard_stop_ends_pictures(void) {
    server s = open_with("--set limits.running=1 --set batching.items=1 "
                         "--set server.shutdown=1h",
                         120);
    peer watcher = peer_dial(&s), p = peer_dial(&s);
    onnx_bytes picture = png_many(LINES_MAX);
    ask(&p, TEXT, &picture);
    until(&watcher, "plans_running", 1);
    CHECK_EQ(kill(s.pid, SIGTERM), 0);
    CHECK(server_says(&s, "SIGTERM"));
    CHECK_EQ(kill(s.pid, SIGINT), 0);
    reply r = peer_reply(&p, false);
    CHECK(r.status == 503 || r.status == 0);
    free(r.body);
    free(picture.data);
    peer_close(&p);
    peer_close(&watcher);
    CHECK_EQ(server_ended(&s), 1); // it says that it was not all
    server_adds_up(&s);
    CHECK_EQ(server_count(&s, "inferences", "shut_down") +
                 server_count(&s, "inferences", "cancelled") +
                 server_count(&s, "inferences", "succeeded"),
             LINES_MAX);
    CHECK(server_count(&s, "inferences", "succeeded") < LINES_MAX / 2);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_dictionary_is_kept_under_its_name",
         a_dictionary_is_kept_under_its_name},
        {"a_bad_dictionary_is_refused_with_its_line",
         a_bad_dictionary_is_refused_with_its_line},
        {"dictionaries_have_limits", dictionaries_have_limits},
        {"lines_are_read_from_top_to_bottom",
         lines_are_read_from_top_to_bottom},
        {"lines_on_their_heads_are_turned", lines_on_their_heads_are_turned},
        {"an_empty_picture_has_no_lines", an_empty_picture_has_no_lines},
        {"more_than_64_lines_are_the_first_64",
         more_than_64_lines_are_the_first_64},
        {"two_pictures_at_once_share_plans", two_pictures_at_once_share_plans},
        {"a_wrong_request_is_refused_with_a_line",
         a_wrong_request_is_refused_with_a_line},
        {"a_damaged_picture_is_refused_with_a_line",
         a_damaged_picture_is_refused_with_a_line},
        {"a_model_of_another_shape_is_one_clear_error",
         a_model_of_another_shape_is_one_clear_error},
        {"a_client_that_vanishes_takes_its_picture_along",
         a_client_that_vanishes_takes_its_picture_along},
        {"clients_may_vanish_at_any_moment", clients_may_vanish_at_any_moment},
        {"pictures_at_once_have_a_limit", pictures_at_once_have_a_limit},
        {"a_stop_finishes_the_pictures_that_were_accepted",
         a_stop_finishes_the_pictures_that_were_accepted},
        {"a_hard_stop_ends_pictures", a_hard_stop_ends_pictures},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

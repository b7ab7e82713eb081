// SPDX-License-Identifier: MIT
// Text of others in JSON of ours: what `weir serve` and `weir deps` write of a
// name is read by a strict reader. What is looked for is a crash, a sanitizer's
// complaint, JSON that is none, text that is UTF-8 and comes back as another,
// or two opinions of what a character is. How to run it: engine.h.
#include "engine.h"

// What the reader refuses ends the round, with its seed.
#define _Exit(status) abort()
#include "programs/deps/resolve_parts.h"
#include "programs/serve/json.h"
#include "support/json.h"

enum { INPUT_MAX = 512 };

static void broken(const char *what, const char *text) {
    printf("fuzz_quote: %s: %s\n", what, text);
    fflush(stdout);
    abort();
}

// Both say how long a character is. True: the text is UTF-8.
static bool is_utf8(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    bool right = true;
    while (left > 0) {
        size_t length = wr_utf8_length(at);
        if (wr_resolve_character(at, left) != length || length > left)
            broken("two opinions of a character", text);
        right = right && length > 0;
        length += length == 0;
        at += length;
        left -= length;
    }
    return right;
}

static void check_json(const char *json_bytes, const char *key,
                       const char *text, bool same) {
    json *root = json_read(json_bytes);
    const json *value = key == NULL ? root : json_get(root, key);
    if (value == NULL || value->kind != JSON_STRING)
        broken("no string", json_bytes);
    if (same && strcmp(value->text, text) != 0)
        broken("it comes back as another", json_bytes);
    if (!same && strlen(value->text) < 1)
        broken("nothing is left of it", json_bytes);
    json_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = calloc(1, size + 1);
    if (text == NULL)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    bool right = is_utf8(text);
    wr_string out = {0};
    wr_string_error(&out, text);
    if (out.failed || out.size != strlen(out.data) ||
        memchr(out.data, '\n', out.size - 1) != NULL)
        broken("not one line", out.data);
    check_json(out.data, "error", text, right);
    free(out.data);
    wr_resolve_page page = {0};
    wr_resolve_quote(&page, (wr_text){text, strlen(text)});
    wr_resolve_put(&page, "", 1);
    if (page.failed || strlen(page.at) + 1 != page.size)
        broken("a 0 in the text", page.at);
    check_json(page.at, NULL, text, right);
    free(page.at);
    free(text);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: letters of every length, and what is none

static void one_round(void) {
    static const char *const parts[] = {"a",
                                        "package",
                                        "\"",
                                        "\\",
                                        "\n",
                                        "\x01",
                                        "\x7f",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "\xed\xa0\x80",
                                        "\xc0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xff",
                                        "\xe2\x82",
                                        "/",
                                        "12345678",
                                        "\xef\xbf\xbf"};
    static const char odd[] = "\"\\\n\x1f\x7f\x80\xbf\xc2\xe0\xed\xf0\xf4\xff";
    static uint8_t data[2 * INPUT_MAX];
    size_t size = 0;
    for (size_t i = below(24); i > 0; i--)
        size += (size_t)snprintf((char *)data + size, INPUT_MAX - size, "%s",
                                 parts[below(18)]);
    if (below(2))
        size = fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 0);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_quote", one_round);
}

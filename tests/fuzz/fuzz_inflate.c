// SPDX-License-Identifier: MIT
// Feeds damaged gzip to what inflates registry documents: what is looked for is
// a crash, a hang, a sanitizer's complaint, a refusal without its line, more
// bytes than were allowed, two ways of inflating that differ, or text that is
// not what was deflated. How to run it: engine.h.
#include "engine.h"

#include "programs/deps/doc.h"

#include <errno.h>
#include <libdeflate.h>

enum { MOST = 1 << 20, LEVELS = 10, TEXT_MAX = 8192, INPUT_MAX = 4 * TEXT_MAX };

static void broken(const char *what, const char *more) {
    printf("fuzz_inflate: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static int inflate(uint8_t **out, size_t *out_size, const uint8_t *data,
                   size_t size, size_t most) {
    wr_why why = {"", ""};
    *out = NULL;
    int error = wr_doc_inflate(out, out_size, data, size, most, &why);
    if (error != 0) {
        if (*out != NULL)
            broken("refused, and something to be freed", why.text);
        if (why.text[0] == '\0' || strpbrk(why.text, "\n\r\t") != NULL)
            broken("not one line", why.text);
        if (!(error == -EINVAL && strcmp(why.code, "EZLIB") == 0) &&
            !(error == -E2BIG && strcmp(why.code, "ETOOBIG") == 0) &&
            error != -ENOMEM)
            broken("an odd error", why.text);
    } else if (*out_size > most) {
        broken("more than was allowed", "");
    }
    return error;
}

// With room for exactly that it is the same; with less, too much.
static void in_bounds(const uint8_t *data, size_t size, const uint8_t *whole,
                      size_t whole_size) {
    uint8_t *again;
    size_t again_size = 0;
    if (inflate(&again, &again_size, data, size, whole_size) != 0 ||
        again_size != whole_size || memcmp(again, whole, whole_size) != 0)
        broken("not the same with room for exactly that", "");
    free(again);
    if (whole_size > 0 &&
        inflate(&again, &again_size, data, size, whole_size - 1) != -E2BIG)
        broken("it fits where it cannot", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size != 0 ? size : 1), *whole;
    size_t whole_size = 0, lent_size = 0;
    if (copy == NULL)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    int error = inflate(&whole, &whole_size, copy, size, MOST);
    if (error == 0)
        in_bounds(copy, size, whole, whole_size);
    const uint8_t *lent;
    if (wr_doc_inflate_lent(&lent, &lent_size, copy, size)) {
        if (error == -EINVAL)
            broken("one says yes and the other no", "");
        if (error == 0 &&
            (lent_size != whole_size || memcmp(lent, whole, whole_size) != 0))
            broken("two ways, two texts", "");
    }
    if (error == 0)
        free(whole);
    free(copy);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: members of text, damaged a little

static uint8_t text[4 * TEXT_MAX];
static size_t text_size;
static struct libdeflate_compressor *engine[LEVELS];

static size_t seed_text(uint8_t *out) {
    static const char *const words[] = {
        "{\"name\":\"", "versions", "\":{\"1.0.0\":{\"dist\":", "}}", "aaaaaa"};
    size_t size = 0, count = below(300);
    for (size_t i = 0; i < count; i++) {
        const char *word = words[below(5)];
        size_t length = strlen(word);
        if (size + length > TEXT_MAX)
            break;
        memcpy(out + size, word, length);
        size += length;
        if (below(4) == 0 && size < TEXT_MAX)
            out[size++] = (uint8_t)below(256);
    }
    return size;
}

static size_t seed_members(uint8_t *out) {
    size_t size = 0, members = 1 + (below(3) == 0);
    text_size = 0;
    for (size_t i = 0; i < members; i++) {
        size_t level = below(LEVELS), more = seed_text(text + text_size);
        if (engine[level] == NULL)
            engine[level] = libdeflate_alloc_compressor((int)level);
        if (engine[level] == NULL)
            abort();
        size += libdeflate_gzip_compress(engine[level], text + text_size, more,
                                         out + size, INPUT_MAX - size);
        text_size += more;
    }
    size_t zeros = below(8) == 0 ? below(20) : 0;
    memset(out + size, 0, zeros);
    return size + zeros;
}

static void as_it_was(const uint8_t *data, size_t size) {
    uint8_t *whole;
    size_t whole_size = 0;
    if (inflate(&whole, &whole_size, data, size, MOST) != 0 ||
        whole_size != text_size || memcmp(whole, text, text_size) != 0)
        broken("not what was deflated", "");
    free(whole);
}

static void one_round(void) {
    static const char odd[] = "\0\x01\x08\x1f\x8b\x7f\x80\xff";
    static uint8_t data[2 * INPUT_MAX];
    size_t size = seed_members(data);
    if (below(5) == 0)
        as_it_was(data, size);
    else
        size = fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 20);
    // The length that the end tells is looked at before the rest.
    if (below(4) == 0 && size > 4)
        data[size - 1 - below(4)] = (uint8_t)below(256);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_inflate", one_round);
}

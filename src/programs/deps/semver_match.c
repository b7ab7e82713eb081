// SPDX-License-Identifier: MIT
// The shapes that npm's semver takes for versions. It uses bounded repetition
// (256 digits, 250 letters), which decides what is skipped and what is an
// error: so these bounds are here as well.
#include "programs/deps/semver_parts.h"

#include <string.h>

size_t wr_space_at(const char *text, size_t size) {
    const unsigned char *at = (const unsigned char *)text;
    if (size == 0)
        return 0;
    if (at[0] == ' ' || (at[0] >= 9 && at[0] <= 13))
        return 1;
    if (at[0] < 0x80)
        return 0;
    if (size >= 2 && at[0] == 0xc2 && at[1] == 0xa0)
        return 2;
    if (size < 3)
        return 0;
    uint32_t three = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
    return three == 0xe19a80 ||                                // U+1680
                   (three >= 0xe28080 && three <= 0xe2808a) || // U+2000..
                   three == 0xe280a8 || three == 0xe280a9 ||   // U+2028, 9
                   three == 0xe280af || three == 0xe2819f ||   // U+202F, 205F
                   three == 0xe38080 || three == 0xefbbbf      // U+3000, FEFF
               ? 3
               : 0;
}

wr_text wr_trimmed(wr_text text) {
    size_t space;
    while ((space = wr_space_at(text.at, text.size)) > 0) {
        text.at += space;
        text.size -= space;
    }
    for (size_t size = 1; size <= 3 && size <= text.size;)
        if (wr_space_at(text.at + text.size - size, size) == size) {
            text.size -= size;
            size = 1;
        } else {
            size++;
        }
    return text;
}

size_t wr_utf16_length(const char *text, size_t size) {
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        length += (byte & 0xc0) != 0x80;
        length += byte >= 0xf0;
    }
    return length;
}

static bool is_letter(char c) { // of an identifier
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static size_t digits_at(const char *text, size_t size, size_t most) {
    size_t i = 0;
    if (size > most)
        size = most;
    while (i < size && wr_is_digit(text[i]))
        i++;
    return i;
}

// Without `loose`, no zeros lead.
static size_t number_at(const char *text, size_t size, bool loose) {
    if (loose || size == 0)
        return digits_at(text, size, WR_SEMVER_DIGITS_MAX);
    if (text[0] == '0')
        return 1;
    return digits_at(text, size, 1 + WR_SEMVER_DIGITS_MAX);
}

static size_t part_at(const char *text, size_t size, bool loose, bool partial) {
    if (partial && size > 0 &&
        (text[0] == 'x' || text[0] == 'X' || text[0] == '*'))
        return 1;
    return number_at(text, size, loose);
}

static size_t letters_at(const char *text, size_t size) {
    size_t i = 0;
    while (i < size && i < WR_SEMVER_ID_MAX &&
           (is_letter(text[i]) || wr_is_digit(text[i])))
        i++;
    return i;
}

static size_t id_at(const char *text, size_t size, bool loose) {
    size_t digits = digits_at(text, size, WR_SEMVER_DIGITS_MAX);
    if (digits < size && is_letter(text[digits]))
        return digits + 1 + letters_at(text + digits + 1, size - digits - 1);
    return number_at(text, size, loose);
}

// Identifiers with dots between: "beta.1".
static size_t ids_at(const char *text, size_t size, bool loose) {
    size_t used = id_at(text, size, loose);
    while (used > 0 && used < size && text[used] == '.') {
        size_t id = id_at(text + used + 1, size - used - 1, loose);
        if (id == 0)
            break;
        used += 1 + id;
    }
    return used;
}

// "-beta.1"; loose: also without its hyphen, or one that has nothing but it.
static size_t pre_at(wr_text *pre, const char *text, size_t size, bool loose) {
    size_t hyphen = size > 0 && text[0] == '-';
    size_t ids =
        hyphen || loose ? ids_at(text + hyphen, size - hyphen, loose) : 0;
    if (ids == 0 && hyphen && loose) {
        hyphen = 0;
        ids = ids_at(text, size, loose);
    }
    *pre = (wr_text){text + hyphen, ids};
    return ids == 0 ? 0 : hyphen + ids;
}

static size_t build_at(const char *text, size_t size) {
    size_t used = 0;
    while (used < size && text[used] == (used == 0 ? '+' : '.')) {
        size_t id = letters_at(text + used + 1, size - used - 1);
        if (id == 0)
            break;
        used += 1 + id;
    }
    return used;
}

static bool match_tail(wr_text *pre, const char *text, size_t size,
                       bool loose) {
    size_t used = pre_at(pre, text, size, loose);
    used += build_at(text + used, size - used);
    return used == size;
}

static wr_text without_prefix(wr_text text, bool many) {
    if (!many) {
        size_t v = text.size > 0 && text.at[0] == 'v';
        return (wr_text){text.at + v, text.size - v};
    }
    while (text.size > 0) {
        size_t skip = text.at[0] == 'v' || text.at[0] == '='
                          ? 1
                          : wr_space_at(text.at, text.size);
        if (skip == 0)
            break;
        text.at += skip;
        text.size -= skip;
    }
    return text;
}

bool wr_shape_match(wr_shape *out, wr_text text, bool loose, bool partial) {
    text = without_prefix(text, loose || partial);
    memset(out, 0, sizeof(*out));
    const char *at = text.at;
    size_t used = 0;
    for (int i = 0; i < 3; i++) {
        if (i > 0 && used == text.size)
            return partial;
        if (i > 0 && at[used++] != '.')
            return false;
        size_t part = part_at(at + used, text.size - used, loose, partial);
        if (part == 0)
            return false;
        out->number[i] = (wr_text){at + used, part};
        used += part;
    }
    if (match_tail(&out->pre, at + used, text.size - used, loose))
        return true;
    // `1.2.34.5` is 1.2.3-4.5: the number gives a digit to what follows.
    if (!loose || out->number[2].size < 2)
        return false;
    out->number[2].size--;
    used--;
    return match_tail(&out->pre, at + used, text.size - used, loose);
}

static size_t skip(const char *text, size_t size, bool loose, bool partial) {
    size_t used = 0;
    for (int i = 0; i < 3; i++) {
        bool dot = i == 0 || (used < size && text[used] == '.');
        size_t from = used + (i > 0);
        size_t part =
            dot ? part_at(text + from, size - from, loose, partial) : 0;
        if (part == 0)
            return partial ? used : 0;
        used = from + part;
    }
    wr_text pre;
    used += pre_at(&pre, text + used, size - used, loose);
    return used + build_at(text + used, size - used);
}

size_t wr_shape_skip(const char *text, size_t size) {
    size_t used = skip(text, size, true, false);
    return used > 0 ? used : skip(text, size, false, true);
}

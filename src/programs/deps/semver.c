// SPDX-License-Identifier: MIT
// One version: reading, comparing, writing.
#include "programs/deps/semver_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static wr_text without_zeros(wr_text digits) {
    while (digits.size > 1 && digits.at[0] == '0') {
        digits.at++;
        digits.size--;
    }
    return digits;
}

bool wr_number_read(uint64_t *out, wr_text digits) {
    digits = without_zeros(digits);
    if (digits.size > 16)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < digits.size; i++)
        value = value * 10 + (uint64_t)(digits.at[i] - '0');
    *out = value;
    return value <= WR_SEMVER_NUMBER_MAX;
}

double wr_number_rounded(wr_text digits) {
    char text[WR_SEMVER_DIGITS_MAX + 8];
    digits = without_zeros(digits);
    size_t size = digits.size < sizeof(text) ? digits.size : sizeof(text) - 1;
    memcpy(text, digits.at, size);
    text[size] = '\0';
    return strtod(text, NULL);
}

// Digits up to `stop` or the end, as most versions have them. Returns behind
// the stop, or NULL.
static const char *plain_number(uint64_t *out, const char *at, const char *end,
                                char stop) {
    const char *first = at;
    uint64_t value = 0;
    for (; at < end && wr_is_digit(*at); at++)
        value = value * 10 + (uint64_t)(*at - '0');
    if (at == first || at - first > 15 || (*first == '0' && at - first > 1))
        return NULL;
    *out = value;
    if (stop == '\0')
        return at == end ? at : NULL;
    return at < end && *at == stop ? at + 1 : NULL;
}

static bool parse_plain(wr_semver *out, const char *text, size_t size) {
    const char *end = text + size;
    const char *at = plain_number(&out->major, text, end, '.');
    if (at != NULL)
        at = plain_number(&out->minor, at, end, '.');
    if (at != NULL)
        at = plain_number(&out->patch, at, end, '\0');
    out->pre = (wr_text){at, 0};
    return at != NULL;
}

int wr_semver_parse(wr_semver *out, const char *text, size_t size, bool loose) {
    wr_shape shape;
    if (size <= 3 * 16 && parse_plain(out, text, size))
        return 0;
    if (size > WR_SEMVER_LENGTH_MAX &&
        wr_utf16_length(text, size) > WR_SEMVER_LENGTH_MAX)
        return -EINVAL;
    if (!wr_shape_match(&shape, wr_trimmed((wr_text){text, size}), loose,
                        false) ||
        !wr_number_read(&out->major, shape.number[0]) ||
        !wr_number_read(&out->minor, shape.number[1]) ||
        !wr_number_read(&out->patch, shape.number[2]))
        return -EINVAL;
    out->pre = shape.pre;
    return 0;
}

// ---- prereleases -----------------------------------------------------------

typedef struct id {
    wr_text text;
    bool digits; // only
    bool number; // below 2^53 - 1: what npm keeps as a number
} id;

// Takes the first identifier off.
static id next_id(wr_text *pre) {
    id next = {.digits = true};
    size_t size = 0;
    for (; size < pre->size && pre->at[size] != '.'; size++)
        next.digits = next.digits && wr_is_digit(pre->at[size]);
    next.text = (wr_text){pre->at, size};
    size_t dot = size < pre->size;
    pre->at += size + dot;
    pre->size -= size + dot;
    uint64_t value;
    if (next.digits) {
        wr_text digits = without_zeros(next.text);
        next.number =
            wr_number_read(&value, digits) && value < WR_SEMVER_NUMBER_MAX;
        if (next.number)
            next.text = digits;
    }
    return next;
}

static int compare_bytes(wr_text a, wr_text b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.at, b.at, size);
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

static int compare_ids(const id *a, const id *b) {
    if (a->digits != b->digits)
        return a->digits ? -1 : 1;
    if (!a->digits)
        return compare_bytes(a->text, b->text);
    if (a->number && b->number) {
        if (a->text.size != b->text.size)
            return a->text.size < b->text.size ? -1 : 1;
        return compare_bytes(a->text, b->text);
    }
    // Too large for a number of JavaScript, where it is rounded.
    double x = wr_number_rounded(a->text), y = wr_number_rounded(b->text);
    return (x > y) - (x < y);
}

static int compare_pre(wr_text a, wr_text b) {
    if (a.size == 0 || b.size == 0)
        return (a.size == 0) - (b.size == 0);
    for (;;) {
        id x = next_id(&a), y = next_id(&b);
        // What is not the same decides, even if it compares as equal (rounded).
        if (x.number != y.number || compare_bytes(x.text, y.text) != 0)
            return compare_ids(&x, &y);
        if (a.size == 0 || b.size == 0)
            return (a.size > 0) - (b.size > 0);
    }
}

static int compare_main(const wr_semver *a, const wr_semver *b) {
    if (a->major != b->major)
        return a->major < b->major ? -1 : 1;
    if (a->minor != b->minor)
        return a->minor < b->minor ? -1 : 1;
    return (a->patch > b->patch) - (a->patch < b->patch);
}

int wr_semver_compare(const wr_semver *a, const wr_semver *b) {
    int order = compare_main(a, b);
    if (order != 0 || (a->pre.size | b->pre.size) == 0)
        return order;
    return compare_pre(a->pre, b->pre);
}

bool wr_semver_same(const wr_semver *a, const wr_semver *b) {
    wr_text x = a->pre, y = b->pre;
    if (compare_main(a, b) != 0)
        return false;
    while (x.size > 0 && y.size > 0) {
        id left = next_id(&x), right = next_id(&y);
        if (compare_bytes(left.text, right.text) != 0)
            return false;
    }
    return x.size == y.size;
}

size_t wr_semver_write(char *out, size_t size, const wr_semver *version) {
    char text[2 * WR_SEMVER_LENGTH_MAX + 80];
    size_t used =
        (size_t)snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64 ".%" PRIu64,
                         version->major, version->minor, version->patch);
    wr_text pre = version->pre;
    char between = '-';
    while (pre.size > 0) {
        id next = next_id(&pre);
        if (used + 1 + next.text.size >= sizeof(text))
            break; // was parsed by nobody
        text[used++] = between;
        memcpy(text + used, next.text.at, next.text.size);
        used += next.text.size;
        between = '.';
    }
    if (size > 0) {
        size_t fits = used < size ? used : size - 1;
        memcpy(out, text, fits);
        out[fits] = '\0';
    }
    return used;
}

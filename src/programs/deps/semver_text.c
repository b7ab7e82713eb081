// SPDX-License-Identifier: MIT
// npm reads a range by rewriting its text, step by step; what the steps do to
// odd input (`> = 1`, `1.2.3= 2`) follows from their order, so they are steps
// here as well. Each is linear.
#include "programs/deps/semver_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t wr_range_squeeze(char *out, const char *text, size_t size) {
    wr_text rest = wr_trimmed((wr_text){text, size});
    size_t used = 0;
    while (rest.size > 0) {
        size_t space = 0, one;
        while ((one = wr_space_at(rest.at + space, rest.size - space)) > 0)
            space += one;
        out[used++] = space > 0 ? ' ' : rest.at[0];
        rest.at += space > 0 ? space : 1;
        rest.size -= space > 0 ? space : 1;
    }
    return used;
}

static bool is_id(char c) {
    return wr_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-';
}

size_t wr_range_strip_builds(char *text, size_t size) {
    const char *plus = memchr(text, '+', size);
    if (plus == NULL)
        return size;
    size_t used = (size_t)(plus - text);
    for (size_t i = used; i < size;) {
        char dot = '+';
        size_t end = i;
        while (end + 1 < size && text[end] == dot && is_id(text[end + 1])) {
            for (end++; end < size && is_id(text[end]);)
                end++;
            dot = '.';
        }
        if (end > i)
            i = end;
        else
            text[used++] = text[i++];
    }
    return used;
}

// `> 1.2` is `>1.2`. Of a run of spaces, operators, `v` and `=` before a
// version: [space] [< or >] [=] [space] and whatever; the second space goes.
static size_t trim_comparisons(char *text, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < size;) {
        size_t op = i + (text[i] == ' ');
        op += op < size && (text[op] == '<' || text[op] == '>');
        op += op < size && text[op] == '=';
        bool space = op < size && text[op] == ' ';
        size_t version = op + space;
        while (version < size && (text[version] == 'v' ||
                                  text[version] == '=' || text[version] == ' '))
            version++;
        size_t end = version;
        if (version < size && (wr_is_digit(text[version]) ||
                               wr_is_x((wr_text){text + version, 1})))
            end += wr_shape_skip(text + version, size - version);
        bool found = end > version;
        // Nothing that begins before `version` is followed by one.
        if (!found && end == i)
            end++;
        size_t drop = found && space ? op : size;
        for (; i < end; i++)
            if (i != drop)
                text[used++] = text[i];
    }
    return used;
}

// `~ 1`, `~> 1` are `~1`; `^ 1` is `^1`.
static size_t trim_signs(char *text, size_t size, char sign) {
    size_t used = 0;
    for (size_t i = 0; i < size;) {
        char c = text[i++];
        text[used++] = c;
        if (c != sign)
            continue;
        size_t space = i + (sign == '~' && i < size && text[i] == '>');
        if (space < size && text[space] == ' ')
            i = space + 1;
    }
    return used;
}

size_t wr_range_trim_operators(char *text, size_t size) {
    if (memchr(text, ' ', size) == NULL)
        return size;
    size = trim_comparisons(text, size);
    size = trim_signs(text, size, '~');
    return trim_signs(text, size, '^');
}

// ---- hyphens ---------------------------------------------------------------

typedef struct writer {
    char *at;
    size_t size;
} writer;

static void put(writer *out, const char *text, size_t size) {
    memcpy(out->at + out->size, text, size);
    out->size += size;
}

static void put_text(writer *out, wr_text text) {
    put(out, text.at, text.size);
}

static void put_string(writer *out, const char *text) {
    put(out, text, strlen(text));
}

void wr_number_write(char out[WR_NUMBER_ROOM], double value) {
    for (int digits = 0; digits < 17; digits++) {
        snprintf(out, WR_NUMBER_ROOM, "%.*e", digits, value);
        if (strtod(out, NULL) >= value && strtod(out, NULL) <= value)
            return;
    }
}

// One more, as JavaScript writes it: what is too large for a version is so
// afterwards; from 10^21 on it has an exponent (`1.5e+21`), which may even be
// read as the end of a version (`1.5-e`, and a build).
static void put_next(writer *out, wr_text digits) {
    uint64_t value;
    char text[WR_NUMBER_ROOM];
    double rounded;
    if (wr_number_read(&value, digits))
        snprintf(text, sizeof(text), "%" PRIu64, value + 1);
    else if ((rounded = wr_number_rounded(digits) + 1) < 1e21)
        snprintf(text, sizeof(text), "%s", "9007199254740992");
    else
        wr_number_write(text, rounded);
    put_string(out, text);
}

static void put_from(writer *out, wr_text text, const wr_shape *from,
                     const char *zero) {
    const wr_text *number = from->number;
    if (wr_is_x(number[0]))
        return;
    put_string(out, ">=");
    if (wr_is_x(number[1])) {
        put_text(out, number[0]);
        put_string(out, ".0.0");
    } else if (wr_is_x(number[2])) {
        put_text(out, number[0]);
        put_string(out, ".");
        put_text(out, number[1]);
        put_string(out, ".0");
    } else {
        put_text(out, text);
        if (from->pre.size > 0)
            return;
    }
    put_string(out, zero);
}

static void put_until(writer *out, wr_text text, const wr_shape *until,
                      bool prereleases) {
    const wr_text *number = until->number;
    if (wr_is_x(number[0]))
        return;
    bool full = !wr_is_x(number[1]) && !wr_is_x(number[2]);
    if (full && until->pre.size == 0 && !prereleases) {
        put_string(out, "<=");
        put_text(out, text);
        return;
    }
    put_string(out, full && until->pre.size > 0 ? "<=" : "<");
    if (wr_is_x(number[1])) {
        put_next(out, number[0]);
        put_string(out, ".0.0-0");
        return;
    }
    put_text(out, number[0]);
    put_string(out, ".");
    if (!full) {
        put_next(out, number[1]);
        put_string(out, ".0-0");
        return;
    }
    put_text(out, number[1]);
    put_string(out, ".");
    if (until->pre.size > 0) {
        put_text(out, number[2]);
        put_string(out, "-");
        put_text(out, until->pre);
    } else {
        put_next(out, number[2]);
        put_string(out, "-0");
    }
}

size_t wr_range_hyphen(char *out, wr_text text, bool loose, bool prereleases,
                       bool *differs) {
    const char *space = memchr(text.at, ' ', text.size);
    const char *hyphen =
        space == NULL ? NULL : memmem(text.at, text.size, " - ", 3);
    if (hyphen == NULL)
        return 0;
    // A build that was stripped may have left a space at an end.
    wr_text from = {text.at, (size_t)(hyphen - text.at)};
    wr_text until = {hyphen + 3, text.size - from.size - 3};
    if (from.size > 0 && from.at[0] == ' ')
        from = (wr_text){from.at + 1, from.size - 1};
    if (until.size > 0 && until.at[until.size - 1] == ' ')
        until.size--;
    wr_shape low, high;
    if (!wr_shape_match(&low, from, loose, true) ||
        !wr_shape_match(&high, until, loose, true))
        return 0;
    *differs = true;
    writer to = {out, 0};
    put_from(&to, from, &low, prereleases ? "-0" : "");
    if (to.size > 0 && !wr_is_x(high.number[0]))
        put_string(&to, " ");
    put_until(&to, until, &high, prereleases);
    // "* - *" is nothing, which is any: a space says so.
    if (to.size == 0)
        put_string(&to, " ");
    return to.size;
}

// SPDX-License-Identifier: MIT
#include "observe/trace_text.h"

#include <errno.h>
#include <string.h>

enum { REPLACEMENT = 0xFFFD, CONTROL_PICTURES = 0x2400 };

static void flush(wr_text *text) {
    if (!text->failed &&
        fwrite(text->buffer, 1, text->length, text->out) != text->length)
        text->failed = true;
    text->length = 0;
}

void wr_text_begin(wr_text *text, FILE *out) {
    text->out = out;
    text->failed = false;
    text->length = 0;
}

int wr_text_end(wr_text *text) {
    flush(text);
    if (text->failed || fflush(text->out) != 0)
        return -EIO;
    return 0;
}

static void put_bytes(wr_text *text, const char *bytes, size_t count) {
    while (count > 0) {
        size_t room = sizeof(text->buffer) - text->length;
        size_t part = count < room ? count : room;
        memcpy(text->buffer + text->length, bytes, part);
        text->length += part;
        bytes += part;
        count -= part;
        if (text->length == sizeof(text->buffer))
            flush(text);
    }
}

void wr_text_put(wr_text *text, const char *string) {
    put_bytes(text, string, strlen(string));
}

// ---- numbers ---------------------------------------------------------------

// Puts the digits at the end of `digits` and returns the first of them.
static char *digits_of(char digits[21], uint64_t value) {
    char *at = digits + 20;
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return at;
}

void wr_text_unsigned(wr_text *text, uint64_t value) {
    char digits[21];
    wr_text_put(text, digits_of(digits, value));
}

void wr_text_thousands(wr_text *text, uint64_t value) {
    char digits[21];
    char *at = digits_of(digits, value);
    for (size_t left = strlen(at); left > 0; left--, at++) {
        put_bytes(text, at, 1);
        if (left > 1 && left % 3 == 1)
            put_bytes(text, ",", 1);
    }
}

// `decimals` digits after the point, at most 3.
static void put_decimal(wr_text *text, uint64_t value, unsigned decimals) {
    uint64_t scale = decimals == 3 ? 1000 : decimals == 2 ? 100 : 10;
    if (decimals == 0) {
        wr_text_unsigned(text, value);
        return;
    }
    char part[21];
    char *at = digits_of(part, scale + value % scale);
    *at = '.';
    wr_text_unsigned(text, value / scale);
    wr_text_put(text, at);
}

void wr_text_micro(wr_text *text, int64_t ns) {
    if (ns < 0)
        put_bytes(text, "-", 1);
    put_decimal(text, ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns, 3);
}

void wr_text_pixel(wr_text *text, double value) {
    if (value < 0) {
        put_bytes(text, "-", 1);
        value = -value;
    }
    uint64_t hundredths = (uint64_t)(value * 100 + 0.5);
    if (hundredths % 100 == 0)
        wr_text_unsigned(text, hundredths / 100);
    else if (hundredths % 10 == 0)
        put_decimal(text, hundredths / 10, 1);
    else
        put_decimal(text, hundredths, 2);
}

void wr_text_time(wr_text *text, uint64_t ns) {
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, " s"}, {1000000, " ms"}, {1000, " \u00b5s"}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t unit = units[i].ns;
        // What would round up to 1000 of a unit is 1 of the next.
        if (ns < unit - unit / 2000)
            continue;
        unsigned decimals = ns < unit * 10 - unit / 200   ? 2
                            : ns < unit * 100 - unit / 20 ? 1
                                                          : 0;
        uint64_t part = decimals == 2   ? unit / 100
                        : decimals == 1 ? unit / 10
                                        : unit;
        put_decimal(text, ns / part + (ns % part >= part / 2), decimals);
        wr_text_put(text, units[i].name);
        return;
    }
    wr_text_unsigned(text, ns);
    wr_text_put(text, " ns");
}

// ---- names -----------------------------------------------------------------

uint32_t wr_utf8_next(const char **at) {
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)*at;
    uint32_t first = bytes[0];
    if (first == 0)
        return 0;
    ++*at;
    if (first < 0x80)
        return first;
    size_t length = first >= 0xF8   ? 0
                    : first >= 0xF0 ? 4
                    : first >= 0xE0 ? 3
                    : first >= 0xC0 ? 2
                                    : 0;
    if (length == 0)
        return REPLACEMENT;
    uint32_t character = first & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return REPLACEMENT;
        character = character << 6 | (bytes[i] & 0x3FU);
    }
    bool surrogate = character >= 0xD800 && character < 0xE000;
    if (character < lowest[length] || character > 0x10FFFF || surrogate)
        return REPLACEMENT;
    *at += length - 1;
    return character;
}

static void put_character(wr_text *text, uint32_t character) {
    char bytes[4];
    size_t length = character < 0x80      ? 1
                    : character < 0x800   ? 2
                    : character < 0x10000 ? 3
                                          : 4;
    for (size_t i = length; i-- > 1; character >>= 6)
        bytes[i] = (char)(0x80 | (character & 0x3F));
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    bytes[0] = (char)(marks[length] | character);
    put_bytes(text, bytes, length);
}

void wr_text_json(wr_text *text, const char *name) {
    for (uint32_t character; (character = wr_utf8_next(&name)) != 0;) {
        if (character == '"' || character == '\\')
            put_bytes(text, "\\", 1);
        if (character >= 0x20 && character != 0x7F) {
            put_character(text, character);
            continue;
        }
        static const char hex[] = "0123456789abcdef";
        wr_text_put(text, "\\u00");
        put_bytes(text, &hex[character >> 4], 1);
        put_bytes(text, &hex[character & 15], 1);
    }
}

void wr_text_xml(wr_text *text, const char *name, size_t characters) {
    while (characters-- > 0) {
        uint32_t character = wr_utf8_next(&name);
        switch (character) {
        case 0: return;
        case '<': wr_text_put(text, "&lt;"); break;
        case '>': wr_text_put(text, "&gt;"); break;
        case '&': wr_text_put(text, "&amp;"); break;
        case '"': wr_text_put(text, "&quot;"); break;
        case 0x7F: put_character(text, CONTROL_PICTURES + 0x21); break;
        case 0xFFFE:
        case 0xFFFF: put_character(text, REPLACEMENT); break;
        default:
            if (character < 0x20)
                character += CONTROL_PICTURES;
            put_character(text, character);
        }
    }
}

size_t wr_text_characters(const char *name) {
    size_t count = 0;
    while (wr_utf8_next(&name) != 0)
        count++;
    return count;
}

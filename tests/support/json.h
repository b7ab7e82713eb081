// SPDX-License-Identifier: MIT
// A strict reader of JSON (RFC 8259) for tests: what is not JSON, or not UTF-8,
// fails the test with its place. Numbers stay text, so that a test sees every
// digit.
#ifndef TEST_JSON_H
#define TEST_JSON_H

#include "support/check.h"

#include <stdint.h>

typedef enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_kind;

typedef struct json {
    json_kind kind;
    char *key;          // in an object
    char *text;         // of a string, decoded, or of a number, as it is
    struct json *first; // inside an array or object
    struct json *next;
    size_t count; // inside
} json;

typedef struct json_reader {
    const char *start;
    const char *at;
    int depth;
} json_reader;

static inline json *json_value(json_reader *r);

// strncmp would do, but a sanitizer makes that look at all of the file.
static inline int text_starts(const char *text, const char *with) {
    while (*with != '\0' && *text == *with) {
        text++;
        with++;
    }
    return *with == '\0';
}

static inline void json_expect(json_reader *r, const char *text) {
    size_t length = strlen(text);
    if (!text_starts(r->at, text))
        CHECK_FAIL("JSON: no %s at byte %zu: %.40s", text,
                   (size_t)(r->at - r->start), r->at);
    r->at += length;
}

static inline void json_space(json_reader *r) {
    while (*r->at != '\0' && strchr(" \t\r\n", *r->at) != NULL)
        r->at++;
}

static inline unsigned json_hex4(json_reader *r) {
    unsigned value = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = *r->at == '\0' ? NULL : strchr(digits, *r->at | 32);
        CHECK(digit != NULL);
        value = value * 16 + (unsigned)(digit - digits);
    }
    return value;
}

// Only what is no surrogate and not zero: names here hold nothing else.
static inline char *json_escape(json_reader *r, char *to) {
    static const char plain[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    char c = *r->at++;
    if (c == 'u') {
        unsigned value = json_hex4(r);
        CHECK(value > 0 && (value < 0xD800 || value > 0xDFFF));
        if (value >= 0x800) {
            *to++ = (char)(0xE0 | value >> 12);
            *to++ = (char)(0x80 | (value >> 6 & 0x3F));
        } else if (value >= 0x80) {
            *to++ = (char)(0xC0 | value >> 6);
        }
        *to++ = (char)(value >= 0x80 ? 0x80 | (value & 0x3F) : value);
        return to;
    }
    for (size_t i = 0; i < sizeof(plain) - 1; i += 2)
        if (plain[i] == c) {
            *to++ = plain[i + 1];
            return to;
        }
    CHECK_FAIL("JSON: no such escape: \\%c", c);
}

// check_utf8 fails unless the text is valid UTF-8 (Unicode, table 3-7).
static inline void check_utf8(const char *text) {
    const unsigned char *b = (const unsigned char *)text;
    while (*b != 0) {
        unsigned more = *b < 0x80                 ? 0
                        : *b >= 0xC2 && *b < 0xE0 ? 1
                        : *b >= 0xE0 && *b < 0xF0 ? 2
                        : *b >= 0xF0 && *b < 0xF5 ? 3
                                                  : 9;
        unsigned low = *b == 0xE0 ? 0xA0 : *b == 0xF0 ? 0x90 : 0x80;
        unsigned high = *b == 0xED ? 0x9F : *b == 0xF4 ? 0x8F : 0xBF;
        if (more == 9 || (more > 0 && (b[1] < low || b[1] > high)) ||
            (more > 1 && (b[2] & 0xC0) != 0x80) ||
            (more > 2 && (b[3] & 0xC0) != 0x80))
            CHECK_FAIL("not UTF-8 at byte %zu",
                       (size_t)((const char *)b - text));
        b += more + 1;
    }
}

static inline char *json_string(json_reader *r) {
    json_expect(r, "\"");
    const char *end = r->at;
    while (*end != '"' && *end != '\0')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    size_t length = (size_t)(end - r->at);
    char *text = malloc(length + 1);
    CHECK(text != NULL);
    char *to = text;
    while (*r->at != '"') {
        CHECK((unsigned char)*r->at >= 0x20); // the end as well
        if (*r->at == '\\') {
            r->at++;
            to = json_escape(r, to);
        } else {
            *to++ = *r->at++;
        }
    }
    *to = '\0';
    r->at++;
    check_utf8(text);
    return text;
}

static inline void json_digits(json_reader *r) {
    CHECK(*r->at >= '0' && *r->at <= '9');
    while (*r->at >= '0' && *r->at <= '9')
        r->at++;
}

static inline char *json_number(json_reader *r) {
    const char *start = r->at;
    r->at += *r->at == '-';
    if (*r->at == '0')
        r->at++;
    else
        json_digits(r);
    if (*r->at == '.') {
        r->at++;
        json_digits(r);
    }
    if (*r->at == 'e' || *r->at == 'E') {
        r->at++;
        r->at += *r->at == '+' || *r->at == '-';
        json_digits(r);
    }
    char *text = strndup(start, (size_t)(r->at - start));
    CHECK(text != NULL);
    return text;
}

static inline void json_inside(json_reader *r, json *value, const char *close) {
    json **last = &value->first;
    CHECK(++r->depth < 32);
    r->at++;
    json_space(r);
    while (*r->at != *close) {
        if (value->count > 0) {
            json_expect(r, ",");
            json_space(r);
        }
        char *key = NULL;
        if (value->kind == JSON_OBJECT) {
            key = json_string(r);
            json_space(r);
            json_expect(r, ":");
        }
        *last = json_value(r);
        (*last)->key = key;
        last = &(*last)->next;
        value->count++;
        json_space(r);
    }
    r->at++;
    r->depth--;
}

static inline json *json_value(json_reader *r) {
    json *value = calloc(1, sizeof(*value));
    CHECK(value != NULL);
    json_space(r);
    switch (*r->at) {
    case '{':
        value->kind = JSON_OBJECT;
        json_inside(r, value, "}");
        break;
    case '[':
        value->kind = JSON_ARRAY;
        json_inside(r, value, "]");
        break;
    case '"':
        value->kind = JSON_STRING;
        value->text = json_string(r);
        break;
    case 'n': json_expect(r, "null"); break;
    case 't':
        value->kind = JSON_TRUE;
        json_expect(r, "true");
        break;
    case 'f':
        value->kind = JSON_FALSE;
        json_expect(r, "false");
        break;
    default: value->kind = JSON_NUMBER; value->text = json_number(r);
    }
    json_space(r);
    return value;
}

static inline void json_free(json *value) {
    while (value != NULL) {
        json *next = value->next;
        json_free(value->first);
        free(value->key);
        free(value->text);
        free(value);
        value = next;
    }
}

static inline json *json_read(const char *text) {
    json_reader r = {.start = text, .at = text};
    json *value = json_value(&r);
    if (*r.at != '\0')
        CHECK_FAIL("JSON: something after the end: %.40s", r.at);
    return value;
}

// json_get returns the member of an object, or NULL; one of two fails.
static inline json *json_get(const json *object, const char *key) {
    json *found = NULL;
    CHECK(object != NULL && object->kind == JSON_OBJECT);
    for (json *member = object->first; member != NULL; member = member->next)
        if (strcmp(member->key, key) == 0) {
            CHECK(found == NULL);
            found = member;
        }
    return found;
}

static inline const char *json_text(const json *object, const char *key) {
    json *member = json_get(object, key);
    if (member == NULL || member->text == NULL)
        CHECK_FAIL("JSON: no text or number \"%s\"", key);
    return member->text;
}

static inline long long json_integer(const json *object, const char *key) {
    char *end;
    CHECK_EQ(json_get(object, key)->kind, JSON_NUMBER);
    long long value = strtoll(json_text(object, key), &end, 10);
    CHECK_EQ(*end, '\0');
    return value;
}

#endif // TEST_JSON_H

// SPDX-License-Identifier: MIT
// A strict reader of the Prometheus text exposition format, version 0.0.4: what
// a scraper might forgive, this does not. Anything wrong fails the test, with
// the line.
#ifndef TEST_PROMETHEUS_H
#define TEST_PROMETHEUS_H

#include "support/check.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROM_SAMPLES = 4096, PROM_LABELS = 8, PROM_TEXT = 512 };

typedef struct prom_sample {
    char series[PROM_TEXT]; // name and labels, as written
    char name[128];
    char base[PROM_TEXT]; // labels without le, as written
    char le[32];          // "": none
    char text[64];        // the value, as written
    double value;
} prom_sample;

typedef struct prom {
    prom_sample samples[PROM_SAMPLES];
    size_t count;
    char families[256][128]; // in order
    size_t families_count;
    // Of the family that is being read.
    char family[128];
    char type[16];
    bool has_help;
} prom;

#define PROM_CHECK(condition, line)                                            \
    do {                                                                       \
        if (!(condition))                                                      \
            CHECK_FAIL("%s is false: %s", #condition, (line));                 \
    } while (0)

static inline bool prom_first(int c, bool colon) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (colon && c == ':');
}

// Copies a metric or label name; returns what follows it.
static inline const char *prom_name(const char *at, char *to, size_t room,
                                    bool colon, const char *line) {
    PROM_CHECK(prom_first(*at, colon), line);
    size_t length = 0;
    while (prom_first(at[length], colon) ||
           (at[length] >= '0' && at[length] <= '9'))
        length++;
    PROM_CHECK(length < room, line);
    memcpy(to, at, length);
    to[length] = 0;
    return at + length;
}

// The length of one UTF-8 character.
static inline size_t prom_character(const char *at, const char *line) {
    unsigned char c = (unsigned char)*at;
    size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    PROM_CHECK(c < 0x80 || (c >= 0xC2 && c <= 0xF4), line);
    for (size_t i = 1; i < length; i++)
        PROM_CHECK(((unsigned char)at[i] & 0xC0) == 0x80, line);
    return length;
}

// A quoted value; `to` gets it without escapes.
static inline const char *prom_value(const char *at, char *to, size_t room,
                                     const char *line) {
    PROM_CHECK(*at == '"', line);
    at++;
    size_t length = 0;
    while (*at != '"') {
        PROM_CHECK(*at != 0 && length + 5 < room, line);
        if (*at == '\\') {
            PROM_CHECK(at[1] == '\\' || at[1] == '"' || at[1] == 'n', line);
            to[length++] = at[1] == 'n' ? '\n' : at[1];
            at += 2;
            continue;
        }
        size_t bytes = prom_character(at, line);
        memcpy(to + length, at, bytes);
        length += bytes;
        at += bytes;
    }
    to[length] = 0;
    return at + 1;
}

static inline const char *prom_labels(prom_sample *sample, const char *at,
                                      const char *line) {
    char names[PROM_LABELS][64];
    PROM_CHECK(*at == '{', line);
    at++;
    for (size_t i = 0;; i++) {
        PROM_CHECK(i < PROM_LABELS, line);
        const char *start = at;
        char value[PROM_TEXT];
        at = prom_name(at, names[i], sizeof(names[i]), false, line);
        PROM_CHECK(strncmp(names[i], "__", 2) != 0, line);
        for (size_t k = 0; k < i; k++)
            PROM_CHECK(strcmp(names[k], names[i]) != 0, line);
        PROM_CHECK(*at == '=', line);
        at = prom_value(at + 1, value, sizeof(value), line);
        if (strcmp(names[i], "le") == 0) {
            PROM_CHECK(strlen(value) < sizeof(sample->le), line);
            strcpy(sample->le, value);
        } else {
            size_t used = strlen(sample->base);
            PROM_CHECK(used + (size_t)(at - start) + 2 < PROM_TEXT, line);
            strcat(sample->base, used > 0 ? "," : "");
            strncat(sample->base, start, (size_t)(at - start));
        }
        if (*at == '}')
            return at + 1;
        PROM_CHECK(*at == ',', line);
        at++;
    }
}

// Digits, and maybe a point and more digits. Nothing of any locale.
static inline void prom_number(const char *text, double *value,
                               const char *line) {
    size_t digits = strspn(text, "0123456789");
    PROM_CHECK(digits > 0, line);
    *value = 0;
    for (size_t i = 0; i < digits; i++)
        *value = *value * 10 + (text[i] - '0');
    if (text[digits] == 0)
        return;
    PROM_CHECK(text[digits] == '.', line);
    const char *rest = text + digits + 1;
    PROM_CHECK(*rest != 0, line);
    PROM_CHECK(strspn(rest, "0123456789") == strlen(rest), line);
    double unit = 1;
    for (; *rest != 0; rest++)
        *value += (*rest - '0') * (unit /= 10);
}

static inline bool prom_ends(const char *text, const char *end) {
    size_t a = strlen(text);
    size_t b = strlen(end);
    return a > b && strcmp(text + a - b, end) == 0;
}

static inline void prom_comment(prom *p, const char *line) {
    char keyword[8], name[128], rest[256];
    PROM_CHECK(sscanf(line, "# %7s %127s %255[^\n]", keyword, name, rest) == 3,
               line);
    char whole[128];
    PROM_CHECK(*prom_name(name, whole, sizeof(whole), true, line) == 0, line);
    if (strcmp(keyword, "HELP") == 0) {
        for (size_t i = 0; i < p->families_count; i++)
            PROM_CHECK(strcmp(p->families[i], name) != 0, line); // only once
        PROM_CHECK(p->families_count < 256, line);
        strcpy(p->families[p->families_count++], name);
        strcpy(p->family, name);
        p->type[0] = 0;
        PROM_CHECK(strchr(rest, '\\') == NULL, line);
        return;
    }
    PROM_CHECK(strcmp(keyword, "TYPE") == 0, line);
    PROM_CHECK(strcmp(p->family, name) == 0, line); // right after its HELP
    PROM_CHECK(p->type[0] == 0, line);
    PROM_CHECK(strcmp(rest, "counter") == 0 || strcmp(rest, "gauge") == 0 ||
                   strcmp(rest, "histogram") == 0,
               line);
    PROM_CHECK((strcmp(rest, "counter") == 0) == prom_ends(name, "_total"),
               line);
    strcpy(p->type, rest);
}

static inline void prom_sample_line(prom *p, const char *line) {
    PROM_CHECK(p->count < PROM_SAMPLES, line);
    prom_sample *sample = &p->samples[p->count];
    memset(sample, 0, sizeof(*sample));
    const char *at =
        prom_name(line, sample->name, sizeof(sample->name), true, line);
    if (*at == '{')
        at = prom_labels(sample, at, line);
    PROM_CHECK((size_t)(at - line) < sizeof(sample->series), line);
    memcpy(sample->series, line, (size_t)(at - line));
    PROM_CHECK(*at == ' ', line);
    PROM_CHECK(strlen(at + 1) < sizeof(sample->text), line);
    strcpy(sample->text, at + 1);
    prom_number(sample->text, &sample->value, line);
    PROM_CHECK(p->type[0] != 0, line);
    bool histogram = strcmp(p->type, "histogram") == 0;
    const char *suffix = sample->name + strlen(p->family);
    PROM_CHECK(strncmp(sample->name, p->family, strlen(p->family)) == 0, line);
    PROM_CHECK(histogram || *suffix == 0, line);
    PROM_CHECK(!histogram || strcmp(suffix, "_bucket") == 0 ||
                   strcmp(suffix, "_sum") == 0 || strcmp(suffix, "_count") == 0,
               line);
    PROM_CHECK((sample->le[0] != 0) == (histogram && suffix[1] == 'b'), line);
    for (size_t i = 0; i < p->count; i++)
        PROM_CHECK(strcmp(p->samples[i].series, sample->series) != 0, line);
    p->count++;
}

// From the first bucket at `i`: cumulative, in order, up to +Inf, then sum and
// count. Returns the sample after it.
static inline size_t prom_histogram(const prom *p, size_t i) {
    const prom_sample *first = &p->samples[i];
    double bound = -1;
    double below = 0;
    bool infinite = false;
    for (; i < p->count && prom_ends(p->samples[i].name, "_bucket") &&
           strcmp(p->samples[i].base, first->base) == 0;
         i++) {
        const prom_sample *bucket = &p->samples[i];
        PROM_CHECK(!infinite, bucket->series);
        PROM_CHECK(bucket->value >= below, bucket->series);
        below = bucket->value;
        infinite = strcmp(bucket->le, "+Inf") == 0;
        double le = 0;
        if (!infinite) {
            prom_number(bucket->le, &le, bucket->series);
            PROM_CHECK(le > bound, bucket->series);
            bound = le;
        }
    }
    PROM_CHECK(infinite, first->series);
    PROM_CHECK(i + 1 < p->count, first->series);
    PROM_CHECK(prom_ends(p->samples[i].name, "_sum"), first->series);
    PROM_CHECK(strcmp(p->samples[i].base, first->base) == 0, first->series);
    PROM_CHECK(prom_ends(p->samples[i + 1].name, "_count"), first->series);
    PROM_CHECK(strcmp(p->samples[i + 1].base, first->base) == 0, first->series);
    PROM_CHECK(p->samples[i + 1].value == below, first->series);
    return i + 2;
}

// prom_parse checks all of it. `text` is written to.
static inline void prom_parse(prom *p, char *text) {
    memset(p, 0, sizeof(*p));
    for (char *line = text, *end; *line != 0; line = end + 1) {
        end = strchr(line, '\n');
        PROM_CHECK(end != NULL, line); // the last line ends, too
        *end = 0;
        PROM_CHECK(*line != 0, "an empty line");
        if (*line == '#')
            prom_comment(p, line);
        else
            prom_sample_line(p, line);
    }
    for (size_t i = 0; i < p->count;)
        i = p->samples[i].le[0] != 0 ? prom_histogram(p, i) : i + 1;
}

// prom_find returns the sample of this series, or NULL.
static inline const prom_sample *prom_find(const prom *p, const char *series) {
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->samples[i].series, series) == 0)
            return &p->samples[i];
    return NULL;
}

static inline double prom_get(const prom *p, const char *series) {
    const prom_sample *sample = prom_find(p, series);
    if (sample == NULL)
        CHECK_FAIL("there is no %s", series);
    return sample->value;
}

#endif

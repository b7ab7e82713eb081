// SPDX-License-Identifier: MIT
// Text on its way to a file, for the two writers of the timeline: numbers that
// no locale changes, times for people, and names that may hold anything.
#ifndef WR_OBSERVE_TRACE_TEXT_H
#define WR_OBSERVE_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct wr_text {
    FILE *out;
    bool failed; // out would not take it: nothing more is written
    size_t length;
    char buffer[8192];
} wr_text;

void wr_text_begin(wr_text *text, FILE *out);
// wr_text_end writes what is left. Errors: -EIO.
int wr_text_end(wr_text *text);

void wr_text_put(wr_text *text, const char *string);
void wr_text_unsigned(wr_text *text, uint64_t value);
// wr_text_thousands puts commas between groups of three digits.
void wr_text_thousands(wr_text *text, uint64_t value);
// wr_text_micro writes a time in microseconds, three digits after the point.
void wr_text_micro(wr_text *text, int64_t ns);
// wr_text_pixel writes hundredths, without zeroes at the end.
void wr_text_pixel(wr_text *text, double value);
// wr_text_time writes a time for people: three digits that count and a unit.
void wr_text_time(wr_text *text, uint64_t ns);

// wr_utf8_next returns the character at *at and goes on to the next one; 0 at
// the end. What is not UTF-8 is U+FFFD, a byte at a time.
uint32_t wr_utf8_next(const char **at);

// wr_text_json writes a name as the inside of a JSON string.
void wr_text_json(wr_text *text, const char *name);
// wr_text_xml writes at most `characters` of a name as text of XML; control
// characters as the pictures that Unicode has of them.
void wr_text_xml(wr_text *text, const char *name, size_t characters);
// wr_text_characters is how many characters wr_text_xml writes.
size_t wr_text_characters(const char *name);

#endif

// SPDX-License-Identifier: MIT
// Is it well-formed XML? As much of XML 1.0 as a picture needs: elements,
// attributes, text, the five entities. Anything else fails the test.
#ifndef TEST_XML_H
#define TEST_XML_H

#include "support/json.h"

#include <ctype.h>

typedef struct xml_reader {
    const char *start;
    const char *at;
    int depth;
    size_t elements;
} xml_reader;

static inline void xml_fail(const xml_reader *r, const char *why) {
    CHECK_FAIL("XML: %s at byte %zu: %.60s", why, (size_t)(r->at - r->start),
               r->at);
}

static inline size_t xml_name(const char *at) {
    size_t length = 0;
    if (isalpha((unsigned char)*at))
        while (isalnum((unsigned char)at[length]) || at[length] == '-' ||
               at[length] == ':')
            length++;
    return length;
}

// One character of text or of an attribute.
static inline void xml_character(xml_reader *r) {
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;",
                                           "&apos;"};
    if ((unsigned char)*r->at < 0x20 && *r->at != '\n' && *r->at != '\t')
        xml_fail(r, "a control character, or the end");
    if (text_starts(r->at, "\xEF\xBF\xBE") ||
        text_starts(r->at, "\xEF\xBF\xBF"))
        xml_fail(r, "no character");
    if (*r->at == '<' || text_starts(r->at, "]]>"))
        xml_fail(r, "markup where text should be");
    if (*r->at != '&') {
        r->at++;
        return;
    }
    for (size_t i = 0; i < 5; i++)
        if (text_starts(r->at, entities[i])) {
            r->at += strlen(entities[i]);
            return;
        }
    xml_fail(r, "no such entity");
}

static inline void xml_attributes(xml_reader *r) {
    const char *names[16];
    size_t lengths[16];
    size_t count = 0;
    while (*r->at == ' ') {
        r->at++;
        size_t length = xml_name(r->at);
        if (length == 0 || count == 16)
            xml_fail(r, "no attribute, or too many");
        for (size_t i = 0; i < count; i++)
            if (lengths[i] == length && memcmp(names[i], r->at, length) == 0)
                xml_fail(r, "an attribute twice");
        names[count] = r->at;
        lengths[count++] = length;
        r->at += length;
        if (r->at[0] != '=' || r->at[1] != '"')
            xml_fail(r, "no value");
        for (r->at += 2; *r->at != '"';)
            xml_character(r);
        r->at++;
    }
}

static inline void xml_element(xml_reader *r) {
    const char *name = r->at + 1;
    size_t length = xml_name(name);
    if (*r->at != '<' || length == 0 || ++r->depth > 32)
        xml_fail(r, "no element");
    r->elements++;
    r->at += 1 + length;
    xml_attributes(r);
    r->depth--;
    if (text_starts(r->at, "/>")) {
        r->at += 2;
        return;
    }
    if (*r->at != '>')
        xml_fail(r, "a tag that does not end");
    r->at++;
    r->depth++;
    while (!text_starts(r->at, "</")) {
        if (*r->at == '<')
            xml_element(r);
        else
            xml_character(r);
    }
    r->depth--;
    if (memcmp(r->at + 2, name, length) != 0 || r->at[2 + length] != '>')
        xml_fail(r, "another tag is closed");
    r->at += 3 + length;
}

// check_xml returns how many elements there are.
static inline size_t check_xml(const char *text) {
    xml_reader r = {.start = text, .at = text};
    check_utf8(text);
    xml_element(&r);
    while (*r.at == '\n')
        r.at++;
    if (*r.at != '\0')
        xml_fail(&r, "something after the end");
    return r.elements;
}

#endif // TEST_XML_H

// SPDX-License-Identifier: MIT
#include "programs/serve/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Room for so many more bytes, and a 0.
static bool room(wr_string *text, size_t more) {
    if (text->failed || more > SIZE_MAX / 4 - text->size) {
        text->failed = true;
        return false;
    }
    if (text->size + more < text->room)
        return true;
    size_t wanted = 2 * (text->size + more) + 256;
    char *data = realloc(text->data, wanted);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->room = wanted;
    return true;
}

bool wr_string_room(wr_string *text, size_t more) { return room(text, more); }

void wr_string_put(wr_string *text, const char *bytes, size_t size) {
    if (!room(text, size))
        return;
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void wr_string_print(wr_string *text, const char *format, ...) {
    for (size_t more = 128;;) {
        if (!room(text, more))
            return;
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(text->data + text->size, text->room - text->size,
                               format, arguments);
        va_end(arguments);
        if (length < 0) {
            text->failed = true;
            return;
        }
        if ((size_t)length < text->room - text->size) {
            text->size += (size_t)length;
            return;
        }
        more = (size_t)length;
    }
}

size_t wr_utf8_length(const unsigned char *at) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80             ? 1
                    : (at[0] & 0xe0) == 0xc0 ? 2
                    : (at[0] & 0xf0) == 0xe0 ? 3
                    : (at[0] & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (length < 2)
        return length;
    uint32_t code = at[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) // a 0 ends it as well
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool odd = code < least[length] || code > 0x10ffff ||
               (code >= 0xd800 && code < 0xe000);
    return odd ? 0 : length;
}

void wr_string_quote(wr_string *text, const char *string) {
    wr_string_put(text, "\"", 1);
    const unsigned char *at = (const unsigned char *)string;
    while (*at != '\0') {
        size_t length = wr_utf8_length(at);
        if (*at == '"' || *at == '\\')
            wr_string_print(text, "\\%c", *at);
        else if (length == 0 || *at < ' ' || *at == 0x7f)
            wr_string_print(text, "\\u%04x", *at); // as in Latin-1
        else
            wr_string_put(text, (const char *)at, length);
        at += length > 0 ? length : 1;
    }
    wr_string_put(text, "\"", 1);
}

void wr_string_error(wr_string *text, const char *line) {
    wr_string_print(text, "{\"error\": ");
    wr_string_quote(text, line);
    wr_string_print(text, "}\n");
}

void wr_string_dims(wr_string *text, const wr_nn_shape *shape) {
    wr_string_put(text, "[", 1);
    for (int i = 0; i < shape->rank; i++)
        wr_string_print(text, "%s%" PRId64, i == 0 ? "" : ",", shape->dim[i]);
    wr_string_put(text, "]", 1);
}

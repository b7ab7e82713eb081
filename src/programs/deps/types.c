// SPDX-License-Identifier: MIT
#include "programs/deps/types.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What people shall see of a byte: itself, or \xNN. Bytes of UTF-8 beyond ASCII
// stay; a terminal's controls do not.
static size_t show(char out[4], unsigned char byte) {
    static const char digits[] = "0123456789abcdef";
    if (byte >= 0x20 && byte != 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

// The length of the UTF-8 sequence that begins here; 0: there is none.
static size_t sequence(const unsigned char *at) {
    size_t size = at[0] < 0x80                     ? 1
                  : at[0] >= 0xc2 && at[0] <= 0xdf ? 2
                  : at[0] >= 0xe0 && at[0] <= 0xef ? 3
                  : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                   : 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    // U+0080 to U+009F are controls, too.
    if (size == 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return 0;
    return size;
}

static void escape(char *out, size_t room, const char *text) {
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != 0;) {
        char shown[4];
        size_t taken = sequence(at), size = taken;
        if (taken > 1) {
            memcpy(shown, at, taken);
        } else if (taken == 1) {
            size = show(shown, *at);
        } else {
            static const char digits[] = "0123456789abcdef";
            memcpy(shown, "\\x", 2);
            shown[2] = digits[*at >> 4];
            shown[3] = digits[*at & 15];
            size = 4;
            taken = 1;
        }
        if (used + size >= room)
            break;
        memcpy(out + used, shown, size);
        used += size;
        at += taken;
    }
    out[used] = '\0';
}

int wr_refuse(wr_why *why, int error, const char *code, const char *format,
              ...) {
    if (why == NULL)
        return error;
    char text[sizeof(why->text)];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    snprintf(why->code, sizeof(why->code), "%s", code);
    escape(why->text, sizeof(why->text), text);
    return error;
}

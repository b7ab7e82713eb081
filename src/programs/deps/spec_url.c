// SPDX-License-Identifier: MIT
// URLs. Source: url.spec.whatwg.org, "URL parsing", as far as one can tell a
// valid from an invalid URL and needs its host, path and fragment.
#include "programs/deps/semver_parts.h"
#include "programs/deps/spec_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>

static int hex_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int byte_at(const char *text, size_t size) { // of %XX, or -1
    if (size < 3 || text[0] != '%')
        return -1;
    int high = hex_of(text[1]), low = hex_of(text[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

// How many bytes of UTF-8 this one begins; 0: none.
static int sequence(int byte) {
    return byte < 0x80    ? 1
           : byte < 0xc2  ? 0
           : byte < 0xe0  ? 2
           : byte < 0xf0  ? 3
           : byte <= 0xf4 ? 4
                          : 0;
}

// The second byte is what overlong forms and surrogates fail by.
static bool may_follow(int first, int second) {
    return !(first == 0xe0 && second < 0xa0) &&
           !(first == 0xed && second > 0x9f) &&
           !(first == 0xf0 && second < 0x90) &&
           !(first == 0xf4 && second > 0x8f);
}

int wr_spec_decode(char *text, size_t *size) {
    size_t used = 0;
    for (size_t i = 0; i < *size;) {
        if (text[i] != '%') {
            text[used++] = text[i++];
            continue;
        }
        int first = byte_at(text + i, *size - i);
        int count = first < 0 ? 0 : sequence(first);
        if (count == 0)
            return -EINVAL;
        text[used++] = (char)first;
        i += 3;
        for (int k = 1; k < count; k++, i += 3) {
            int byte = byte_at(text + i, *size - i);
            if (byte < 0 || (byte & 0xc0) != 0x80 ||
                (k == 1 && !may_follow(first, byte)))
                return -EINVAL;
            text[used++] = (char)byte;
        }
    }
    *size = used;
    return 0;
}

// ---- hosts -----------------------------------------------------------------

static bool is_forbidden(char c, bool web) {
    unsigned char byte = (unsigned char)c;
    if (c == '\0' || strchr("\t\n\r #/:<>?@[\\]^|", c) != NULL)
        return true;
    return web && (byte < 0x20 || byte == 0x7f || c == '%');
}

// In place: percent-decoded, lower case.
static wr_text domain(char *text, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < size; used++) {
        int byte = byte_at(text + i, size - i);
        char c = byte < 0 ? text[i] : (char)byte;
        i += byte < 0 ? 1 : 3;
        text[used] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (wr_text){text, used};
}

// Beyond ASCII a host must be UTF-8. Space (U+00A0, ..) is none; what has no
// width (U+FEFF) is left out. In place.
static int check_beyond(wr_text *host, char *text) {
    size_t used = 0;
    for (size_t i = 0; i < host->size;) {
        size_t space = wr_space_at(text + i, host->size - i);
        int count = sequence((unsigned char)text[i]);
        if (count == 0 || (size_t)count > host->size - i)
            return -EINVAL;
        for (int k = 1; k < count; k++) {
            int byte = (unsigned char)text[i + (size_t)k];
            if ((byte & 0xc0) != 0x80 ||
                (k == 1 && !may_follow((unsigned char)text[i], byte)))
                return -EINVAL;
        }
        bool no_width = space == 3 && (unsigned char)text[i] == 0xef;
        if (space > 0 && !no_width)
            return -EINVAL;
        if (space == 0) {
            memmove(text + used, text + i, (size_t)count);
            used += (size_t)count;
        }
        i += (size_t)count;
    }
    host->size = used;
    return used == 0 ? -EINVAL : 0;
}

static int read_host(wr_spec_url *out, char *text, size_t size, bool web) {
    if (size == 0)
        return web ? -EINVAL : 0;
    out->host = (wr_text){text, size};
    if (text[0] == '[')
        return text[size - 1] == ']' &&
                       wr_host_is_ipv6((wr_text){text + 1, size - 2})
                   ? 0
                   : -EINVAL;
    if (web) {
        out->host = domain(text, size);
        if (check_beyond(&out->host, text) != 0)
            return -EINVAL;
    }
    for (size_t i = 0; i < out->host.size; i++)
        if (is_forbidden(out->host.at[i], web))
            return -EINVAL;
    return web && wr_host_is_bad_ipv4(out->host) ? -EINVAL : 0;
}

static bool is_port(const char *text, size_t size) {
    unsigned value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
        if (value > 65535)
            return false;
    }
    return true;
}

// [user[:password]@]host[:port]
static int read_authority(wr_spec_url *out, char *text, size_t size, bool web) {
    size_t host = size;
    while (host > 0 && text[host - 1] != '@')
        host--;
    if (host > 0 && host == size)
        return -EINVAL;
    text += host;
    size -= host;
    bool inside = false;
    size_t end = 0;
    for (; end < size && (inside || text[end] != ':'); end++)
        inside = text[end] == '[' || (inside && text[end] != ']');
    if (end < size && (end == 0 || !is_port(text + end + 1, size - end - 1)))
        return -EINVAL;
    return read_host(out, text, end, web);
}

// ---- paths -----------------------------------------------------------------

// How many dots a segment stands for; 0: it is another one.
static int dots(const char *text, size_t size) {
    int count = 0;
    for (size_t i = 0; i < size; count++) {
        size_t one = text[i] == '.'                       ? 1
                     : byte_at(text + i, size - i) == '.' ? 3
                                                          : 0;
        if (one == 0 || count == 2)
            return 0;
        i += one;
    }
    return count;
}

// In place: `..` and `.` resolved. What is not empty begins with a slash.
static wr_text resolve_path(char *text, size_t size, bool web) {
    size_t used = 0;
    if (size == 0)
        return web ? (wr_text){"/", 1} : (wr_text){text, 0};
    for (size_t i = 1;;) {
        size_t end = i;
        while (end < size && text[end] != '/' && !(web && text[end] == '\\'))
            end++;
        bool last = end == size;
        int count = dots(text + i, end - i);
        if (count == 2)
            while (used > 0 && text[--used] != '/')
                ;
        if (count == 0 || last)
            text[used++] = '/';
        if (count == 0) {
            memmove(text + used, text + i, end - i);
            used += end - i;
        }
        if (last)
            return (wr_text){text, used};
        i = end + 1;
    }
}

// ---- all of it -------------------------------------------------------------

// What is no URL's is taken off: spaces and controls at the ends, tabs and
// ends of lines anywhere.
static wr_text strip(char *out, wr_text text) {
    while (text.size > 0 && (unsigned char)text.at[0] <= 0x20)
        text = wr_text_from(text, 1);
    while (text.size > 0 && (unsigned char)text.at[text.size - 1] <= 0x20)
        text.size--;
    size_t used = 0;
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] != '\t' && text.at[i] != '\n' && text.at[i] != '\r')
            out[used++] = text.at[i];
    return (wr_text){out, used};
}

static size_t read_scheme(char *text, size_t size) { // 0: none
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = text[i] = (char)(c - 'A' + 'a');
        if (c == ':')
            return i;
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!letter && (i == 0 || !other))
            break;
    }
    return 0;
}

static bool is_web(wr_text scheme) {
    return wr_text_is(scheme, "http") || wr_text_is(scheme, "https") ||
           wr_text_is(scheme, "ws") || wr_text_is(scheme, "wss") ||
           wr_text_is(scheme, "ftp");
}

static int read_url(wr_spec_url *out, char *text, size_t size) {
    size_t at = read_scheme(text, size);
    if (at == 0)
        return -EINVAL;
    out->scheme = (wr_text){text, at++};
    bool web = is_web(out->scheme);
    int64_t hash = wr_text_find((wr_text){text, size}, '#');
    if (hash >= 0) {
        out->hash = (wr_text){text + hash + 1, size - (size_t)hash - 1};
        size = (size_t)hash;
    }
    int64_t query = wr_text_find((wr_text){text, size}, '?');
    if (query >= 0)
        size = (size_t)query;
    size_t slashes = at;
    while (slashes < size &&
           (text[slashes] == '/' || (web && text[slashes] == '\\')))
        slashes++;
    bool authority = web || slashes - at >= 2;
    if (!authority && slashes == at) { // "opaque"
        out->path = (wr_text){text + at, size - at};
        return 0;
    }
    if (authority) {
        at = web ? slashes : at + 2;
        size_t end = at;
        while (end < size && text[end] != '/' && !(web && text[end] == '\\'))
            end++;
        int error = read_authority(out, text + at, end - at, web);
        if (error != 0)
            return error;
        at = end;
    }
    out->path = resolve_path(text + at, size - at, web);
    return 0;
}

int wr_spec_url_parse(wr_spec_url *out, wr_text text) {
    memset(out, 0, sizeof(*out));
    out->memory = wr_malloc(text.size + 1);
    if (out->memory == NULL)
        return -ENOMEM;
    wr_text plain = strip(out->memory, text);
    int error = read_url(out, out->memory, plain.size);
    if (error != 0) {
        wr_free(out->memory);
        out->memory = NULL;
    }
    return error;
}

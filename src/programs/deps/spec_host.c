// SPDX-License-Identifier: MIT
// Addresses as hosts of URLs. Source: url.spec.whatwg.org, "Host parsing".
#include "programs/deps/spec_parts.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int hex_of(char c) {
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Four numbers with dots between, at the end of an IPv6 address.
static bool is_dotted(wr_text text) {
    for (int part = 0; part < 4; part++) {
        unsigned value = 0;
        size_t digits = 0;
        if (part > 0) {
            if (text.size == 0 || text.at[0] != '.')
                return false;
            text = wr_text_from(text, 1);
        }
        for (; digits < text.size && is_digit(text.at[digits]); digits++) {
            if (digits > 0 && value == 0)
                return false;
            value = value * 10 + (unsigned)(text.at[digits] - '0');
            if (value > 255)
                return false;
        }
        if (digits == 0)
            return false;
        text = wr_text_from(text, digits);
    }
    return text.size == 0;
}

bool wr_host_is_ipv6(wr_text text) {
    int pieces = 0;
    bool compressed = false;
    if (wr_text_begins(text, "::")) {
        compressed = true;
        pieces = 1;
        text = wr_text_from(text, 2);
    } else if (wr_text_begins(text, ":")) {
        return false;
    }
    while (text.size > 0) {
        if (pieces == 8)
            return false;
        if (text.at[0] == ':') {
            if (compressed)
                return false;
            compressed = true;
            pieces++;
            text = wr_text_from(text, 1);
            continue;
        }
        size_t digits = 0;
        while (digits < 4 && digits < text.size && hex_of(text.at[digits]) >= 0)
            digits++;
        if (digits < text.size && text.at[digits] == '.')
            return digits > 0 && pieces <= 6 && is_dotted(text) &&
                   (compressed || pieces == 6);
        text = wr_text_from(text, digits);
        if (text.size > 0) {
            if (text.at[0] != ':' || text.size == 1)
                return false;
            text = wr_text_from(text, 1);
        }
        pieces++;
    }
    return compressed || pieces == 8;
}

// One part of an IPv4 address: decimal, 0octal, 0xhexadecimal.
static bool read_part(wr_text part, double *value) {
    int base = 10;
    if (part.size == 0)
        return false;
    if (part.size >= 2 && part.at[0] == '0') {
        bool hex = part.at[1] == 'x' || part.at[1] == 'X';
        base = hex ? 16 : 8;
        part = wr_text_from(part, hex ? 2 : 1);
    }
    *value = 0;
    for (size_t i = 0; i < part.size; i++) {
        int digit = hex_of(part.at[i]);
        if (digit < 0 || digit >= base)
            return false;
        *value = *value * base + digit;
    }
    return true;
}

static bool is_number(wr_text part) {
    double value;
    bool digits = part.size > 0;
    for (size_t i = 0; i < part.size; i++)
        digits = digits && is_digit(part.at[i]);
    return digits || (part.size >= 2 && part.at[0] == '0' &&
                      (part.at[1] == 'x' || part.at[1] == 'X') &&
                      read_part(part, &value));
}

bool wr_host_is_bad_ipv4(wr_text text) {
    if (text.size > 0 && text.at[text.size - 1] == '.')
        text.size--;
    size_t last = text.size;
    while (last > 0 && text.at[last - 1] != '.')
        last--;
    if (!is_number(wr_text_from(text, last)))
        return false;
    double value = 0, most = 4294967296.0;
    for (int parts = 1;; parts++) {
        int64_t dot = wr_text_find(text, '.');
        wr_text part = {text.at, dot < 0 ? text.size : (size_t)dot};
        if (parts > 4 || !read_part(part, &value))
            return true;
        if (dot < 0)
            return value >= most;
        if (value > 255)
            return true;
        most /= 256;
        text = wr_text_from(text, part.size + 1);
    }
}

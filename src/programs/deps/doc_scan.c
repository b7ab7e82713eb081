// SPDX-License-Identifier: MIT
// One pass, no recursion, a bit of memory for each level. Nearly all bytes of
// a document are in strings: these go by words of eight bytes, by arithmetic
// that finds a quote, a backslash or a control character in any of them
// (Mycroft's test for a zero byte, 1987). docs/decisions/0011 has figures.
#include "programs/deps/doc_scan.h"

#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)

static const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;

void wr_scan_start(wr_scan *s, const char *json, size_t size) {
    *s = (wr_scan){.end = json + size};
}

static const char *wrong(wr_scan *s, const char *at, const char *what) {
    s->wrong = at == s->end ? "it ends too early" : what;
    s->wrong_at = at;
    return NULL;
}

static inline bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *space_more(const wr_scan *s, const char *p) {
    while (p < s->end && is_space(*p))
        p++;
    return p;
}

static inline const char *space(const wr_scan *s, const char *p) {
    if (LIKELY(p < s->end && (uint8_t)*p > ' '))
        return p;
    return space_more(s, p);
}

const char *wr_scan_space(const wr_scan *s, const char *p) {
    return space(s, p);
}

static inline bool is_digit(const wr_scan *s, const char *p) {
    return p < s->end && *p >= '0' && *p <= '9';
}

static inline int hex_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Four digits, or -1.
static int hex4(const char *p) {
    int value = 0;
    for (unsigned i = 0; i < 4; i++) {
        int digit = hex_of(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

// p is behind a backslash.
static const char *escape(wr_scan *s, const char *p) {
    s->escaped = true;
    if (p == s->end)
        return wrong(s, p, "");
    switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return p + 1;
    case 'u': break;
    default: return wrong(s, p, "an unknown escape in a string");
    }
    if (s->end - p < 5)
        return wrong(s, s->end, "");
    int unit = hex4(p + 1);
    if (unit < 0)
        return wrong(s, p, "an escape without its four digits");
    s->not_plain |= unit == 0 || (unit >= 0xd800 && unit < 0xe000);
    return p + 5;
}

// p is behind the opening quote; returns behind the closing one.
static inline const char *string(wr_scan *s, const char *p) {
    uint64_t high = 0;
    for (;;) {
        if (LIKELY(s->end - p >= 8)) {
            uint64_t word;
            memcpy(&word, p, 8);
            uint64_t quote = word ^ '"' * ones, slash = word ^ '\\' * ones;
            uint64_t found = ((quote - ones) & ~quote) |
                             ((slash - ones) & ~slash) |
                             ((word - ' ' * ones) & ~word);
            found &= tops;
            high |= word;
            if (found == 0) {
                p += 8;
                continue;
            }
            if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
                p += __builtin_ctzll(found) / 8;
        }
        for (; p < s->end; p++) {
            char c = *p;
            high |= (uint8_t)c;
            if (c == '"' || c == '\\' || (uint8_t)c < ' ')
                break;
        }
        if (p == s->end)
            return wrong(s, p, "");
        if (LIKELY(*p == '"')) {
            s->not_plain |= (high & tops) != 0;
            return p + 1;
        }
        if (*p != '\\')
            return wrong(s, p, "a control character in a string");
        p = escape(s, p + 1);
        if (p == NULL)
            return NULL;
    }
}

static const char *digits(const wr_scan *s, const char *p) {
    while (is_digit(s, p))
        p++;
    return p;
}

static const char *number(wr_scan *s, const char *p) {
    const char *first = p;
    p += *p == '-';
    if (!is_digit(s, p))
        return wrong(s, p,
                     first == p ? "a value is missing"
                                : "a number without digits");
    p = *p == '0' ? p + 1 : digits(s, p);
    if (p < s->end && *p == '.') {
        if (!is_digit(s, ++p))
            return wrong(s, p, "a number without digits behind its point");
        p = digits(s, p);
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < s->end && (*p == '+' || *p == '-');
        if (!is_digit(s, p))
            return wrong(s, p, "a number without digits in its exponent");
        p = digits(s, p);
        s->not_plain = true;
    }
    s->not_plain |= p - first > 15;
    return p;
}

static const char *word(wr_scan *s, const char *p, const char *text,
                        size_t size) {
    if ((size_t)(s->end - p) < size || memcmp(p, text, size) != 0)
        return wrong(s, p, "a value is missing");
    return p + size;
}

static inline const char *scalar(wr_scan *s, const char *p) {
    switch (*p) {
    case '"': return string(s, p + 1);
    case 't': return word(s, p, "true", 4);
    case 'f': return word(s, p, "false", 5);
    case 'n': return word(s, p, "null", 4);
    default: return number(s, p);
    }
}

// The levels that are open inside the value; a bit for each: is it an object?
typedef struct open_levels {
    uint64_t object[WR_SCAN_LEVELS / 64];
    unsigned count, most;
} open_levels;

static inline bool enter(wr_scan *s, open_levels *open, const char *p) {
    if (open->count >= open->most) {
        s->too_deep = true;
        wrong(s, p, "nested more than 512 levels deep");
        return false;
    }
    uint64_t bit = UINT64_C(1) << open->count % 64;
    uint64_t *kinds = &open->object[open->count++ / 64];
    *kinds = *p == '{' ? *kinds | bit : *kinds & ~bit;
    return true;
}

static inline bool in_object(const open_levels *open) {
    unsigned last = open->count - 1;
    return open->object[last / 64] >> last % 64 & 1;
}

const char *wr_scan_value(wr_scan *s, const char *p, unsigned level) {
    open_levels open = {.most = WR_SCAN_LEVELS - level};
value:
    if (p == s->end)
        return wrong(s, p, "");
    if (*p != '{' && *p != '[') {
        p = scalar(s, p);
        if (p == NULL || open.count == 0)
            return p;
        goto behind;
    }
    if (!enter(s, &open, p))
        return NULL;
    char close = *p == '{' ? '}' : ']';
    p = space(s, p + 1);
    if (p < s->end && *p == close)
        goto closed;
    if (close == ']')
        goto value;
key:
    if (p == s->end || *p != '"')
        return wrong(s, p, "a name is missing");
    p = string(s, p + 1);
    if (p == NULL)
        return NULL;
    p = space(s, p);
    if (p == s->end || *p != ':')
        return wrong(s, p, "a colon is missing");
    p = space(s, p + 1);
    goto value;
behind:
    p = space(s, p);
    if (p == s->end)
        return wrong(s, p, "");
    if (*p == ',') {
        p = space(s, p + 1);
        if (in_object(&open))
            goto key;
        goto value;
    }
    if (*p != (in_object(&open) ? '}' : ']'))
        return wrong(s, p, "a comma is missing");
closed:
    p++;
    if (--open.count == 0)
        return p;
    goto behind;
}

bool wr_scan_end(wr_scan *s, const char *p) {
    p = space(s, p);
    if (p == s->end)
        return true;
    wrong(s, p, "something follows its end");
    return false;
}

int wr_scan_member(wr_scan *s, wr_scan_object *object) {
    const char *p = space(s, object->p);
    if (p < s->end && *p == '}') {
        object->p = p + 1;
        return 0;
    }
    if (object->begun) {
        if (p == s->end || *p != ',') {
            wrong(s, p, "a comma is missing");
            return -1;
        }
        p = space(s, p + 1);
    }
    object->begun = true;
    if (p == s->end || *p != '"') {
        wrong(s, p, "a name is missing");
        return -1;
    }
    object->key.at = p + 1;
    s->escaped = false;
    p = string(s, p + 1);
    if (p == NULL)
        return -1;
    object->key.size = (size_t)(p - 1 - object->key.at);
    p = space(s, p);
    if (p == s->end || *p != ':') {
        wrong(s, p, "a colon is missing");
        return -1;
    }
    object->p = space(s, p + 1);
    if (object->p < s->end)
        return 1;
    wrong(s, s->end, "");
    return -1;
}

// ---- what texts mean -------------------------------------------------------

static size_t put_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

// The second half of a pair whose first half ends at p, or -1.
static int low_half(const char *p, const char *end) {
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    int unit = hex4(p + 2);
    return unit >= 0xdc00 && unit < 0xe000 ? unit : -1;
}

// The code of `uXXXX` at *p and, if need be, of the escape behind it.
static unsigned unescape_u(const char **p, const char *end) {
    unsigned unit = (unsigned)hex4(*p + 1);
    *p += 5;
    if (unit < 0xd800 || unit >= 0xe000)
        return unit;
    int low = unit < 0xdc00 ? low_half(*p, end) : -1;
    if (low < 0)
        return 0xfffd;
    *p += 6;
    return 0x10000 + ((unit - 0xd800) << 10) + ((unsigned)low - 0xdc00);
}

size_t wr_scan_unescape(char *out, wr_text raw) {
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = raw.at, *end = raw.at + raw.size;
    char *start = out;
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        p++;
        if (*p == 'u') {
            out += put_utf8(out, unescape_u(&p, end));
            continue;
        }
        const char *known = strchr(from, *p);
        *out++ = known != NULL ? to[known - from] : *p;
        p++;
    }
    return (size_t)(out - start);
}

// How many bytes at p are one character; 0: none is.
static size_t utf8_size(const uint8_t *p, const uint8_t *end) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = *p < 0x80   ? 1
                  : *p < 0xc0 ? 0
                  : *p < 0xe0 ? 2
                  : *p < 0xf0 ? 3
                  : *p < 0xf8 ? 4
                              : 0;
    if (size < 2)
        return size;
    if ((size_t)(end - p) < size)
        return 0;
    uint32_t code = *p & (0xffU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool good = code >= least[size] && code < 0x110000 &&
                (code < 0xd800 || code >= 0xe000);
    return good ? size : 0;
}

static const char *clean_escape(char **out, const char *p, const char *end) {
    if (p[1] != 'u') {
        *(*out)++ = p[0];
        *(*out)++ = p[1];
        return p + 2;
    }
    const char *from = p++;
    unsigned code = unescape_u(&p, end);
    if (code == 0 || code == 0xfffd) {
        *out += put_utf8(*out, 0xfffd);
        return p;
    }
    memcpy(*out, from, (size_t)(p - from));
    *out += p - from;
    return p;
}

static const char *clean_string(char **out, const char *p, const char *end) {
    *(*out)++ = *p++;
    while (*p != '"') {
        if (*p == '\\') {
            p = clean_escape(out, p, end);
            continue;
        }
        size_t size = utf8_size((const uint8_t *)p, (const uint8_t *)end);
        if (size == 0) {
            *out += put_utf8(*out, 0xfffd);
            p++;
        } else {
            memcpy(*out, p, size);
            *out += size;
            p += size;
        }
    }
    *(*out)++ = *p++;
    return p;
}

static const char *clean_number(char **out, const char *p, const char *end) {
    const char *first = p;
    bool truth = false, mantissa = true;
    for (; p < end && strchr("+-.0123456789eE", *p) != NULL && *p != 0; p++) {
        mantissa &= *p != 'e' && *p != 'E';
        truth |= mantissa && *p >= '1' && *p <= '9';
    }
    if (p - first > 15 || !mantissa) {
        *(*out)++ = truth ? '1' : '0';
        return p;
    }
    memcpy(*out, first, (size_t)(p - first));
    *out += p - first;
    return p;
}

size_t wr_scan_clean(char *out, const char *json, size_t size) {
    const char *p = json, *end = json + size;
    char *start = out;
    while (p < end) {
        if (*p == '"')
            p = clean_string(&out, p, end);
        else if (*p == '-' || (*p >= '0' && *p <= '9'))
            p = clean_number(&out, p, end);
        else
            *out++ = *p++;
    }
    return (size_t)(out - start);
}

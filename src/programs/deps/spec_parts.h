// SPDX-License-Identifier: MIT
// What the files spec*.c have in common.
#ifndef WEIR_PROGRAMS_DEPS_SPEC_PARTS_H
#define WEIR_PROGRAMS_DEPS_SPEC_PARTS_H

#include "programs/deps/spec.h"

#include <string.h>

static inline bool wr_text_is(wr_text text, const char *expected) {
    size_t size = strlen(expected);
    return text.size == size && memcmp(text.at, expected, size) == 0;
}

static inline bool wr_text_begins(wr_text text, const char *start) {
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.at, start, size) == 0;
}

static inline wr_text wr_text_from(wr_text text, size_t skip) {
    return (wr_text){text.at + skip, text.size - skip};
}

// Where a byte is, or -1.
static inline int64_t wr_text_find(wr_text text, char c) {
    const char *at = text.size == 0 ? NULL : memchr(text.at, c, text.size);
    return at == NULL ? -1 : at - text.at;
}

// ---- spec_url.c ------------------------------------------------------------

// A URL as browsers read it (url.spec.whatwg.org), without a base. Not done:
// hosts beyond ASCII are taken as they are, `xn--` is not looked into.
typedef struct wr_spec_url {
    wr_text scheme; // lower case, without the colon
    wr_text host;   // lower case and decoded where the scheme is a web's
    wr_text path;   // not encoded by the parser, `..` resolved
    wr_text hash;   // what follows `#`
    char *memory;
} wr_spec_url;

// -EINVAL (no URL), -ENOMEM.
int wr_spec_url_parse(wr_spec_url *out, wr_text text);

// wr_spec_decode undoes %XX in place, as decodeURIComponent does. -EINVAL.
int wr_spec_decode(char *text, size_t *size);

// ---- spec_host.c -----------------------------------------------------------

bool wr_host_is_ipv6(wr_text text); // without its brackets
// wr_host_is_bad_ipv4: its last part is a number, so it should be an address,
// and is none.
bool wr_host_is_bad_ipv4(wr_text text);

// ---- spec_name.c -----------------------------------------------------------

bool wr_is_unreserved(wr_text text); // encodeURIComponent changes nothing

// ---- spec_git.c ------------------------------------------------------------

// wr_spec_is_hosted: 1 if it is a repository at a known host, 0, or an error
// (-EINVAL: with a fragment that contradicts itself).
int wr_spec_is_hosted(wr_text spec);
// wr_spec_check_fragment: what follows `#` of a git URL. -EINVAL, -ENOMEM.
int wr_spec_check_fragment(wr_text fragment);

#endif

// SPDX-License-Identifier: MIT
#include "base/options.h"

#include "base/check.h"

#include <errno.h>
#include <string.h>

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// memcpy, because a caller's struct is known here by its first bytes only.
static size_t size_member(const void *options) {
    size_t size;
    memcpy(&size, options, sizeof(size));
    return size;
}

int wr_options_copy(void *dst, size_t known_size, const void *src) {
    wr_assert(known_size >= sizeof(size_t));
    memset(dst, 0, known_size);
    if (src == NULL)
        return 0;

    size_t given_size = size_member(src);
    if (given_size < sizeof(given_size))
        return -EINVAL;
    const unsigned char *bytes = src;
    for (size_t i = known_size; i < given_size; i++)
        if (bytes[i] != 0)
            return -E2BIG;
    memcpy(dst, src, smaller(given_size, known_size));
    return 0;
}

int wr_out_copy(void *dst, const void *src, size_t known_size) {
    wr_assert(known_size >= sizeof(size_t));
    size_t wanted_size = size_member(dst);
    if (wanted_size < sizeof(wanted_size))
        return -EINVAL;

    // The caller's size stays: it says how much of this is theirs to read.
    unsigned char *to = dst;
    const unsigned char *from = src;
    size_t common = smaller(wanted_size, known_size);
    memcpy(to + sizeof(size_t), from + sizeof(size_t), common - sizeof(size_t));
    memset(to + common, 0, wanted_size - common);
    return 0;
}

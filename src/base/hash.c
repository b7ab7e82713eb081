// SPDX-License-Identifier: MIT
#include "base/hash.h"

#include <string.h>

static inline uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

typedef struct state {
    uint64_t a, b, c, d;
} state;

static inline void round_once(state *s) {
    s->a += s->b;
    s->b = rotate(s->b, 13) ^ s->a;
    s->a = rotate(s->a, 32);
    s->c += s->d;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = rotate(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
}

static inline void take(state *s, uint64_t word) {
    s->d ^= word;
    round_once(s);
    s->a ^= word;
}

static inline uint64_t little(uint64_t word) {
    const union {
        uint16_t number;
        uint8_t byte;
    } probe = {1};
    return probe.byte == 1 ? word : __builtin_bswap64(word);
}

static inline uint32_t little32(uint32_t word) {
    return (uint32_t)(little(1) == 1 ? word : __builtin_bswap32(word));
}

static uint64_t siphash(const wr_hash_secret *secret, const unsigned char *at,
                        size_t size) {
    // The constants spell "somepseudorandomlygeneratedbytes".
    state s = {secret->word[0] ^ UINT64_C(0x736f6d6570736575),
               secret->word[1] ^ UINT64_C(0x646f72616e646f6d),
               secret->word[0] ^ UINT64_C(0x6c7967656e657261),
               secret->word[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t word;
    for (size_t left = size / 8; left > 0; left--, at += 8) {
        memcpy(&word, at, 8);
        take(&s, little(word));
    }
    word = 0;
    if (size % 8 != 0)
        memcpy(&word, at, size % 8);
    take(&s, little(word) | (uint64_t)size << 56);
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        round_once(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

__extension__ typedef unsigned __int128 wide;

// 1 to 15 bytes as two words, the missing ones 0, without a loop: pieces that
// may overlap.
static inline void tail(uint64_t pair[2], const unsigned char *at,
                        size_t size) {
    uint64_t word;
    uint32_t low, high;
    pair[1] = 0;
    if (size >= 8) {
        memcpy(&word, at, 8);
        pair[0] = little(word);
        if (size > 8) {
            memcpy(&word, at + size - 8, 8);
            pair[1] = little(word) >> (8 * (16 - size));
        }
    } else if (size >= 4) {
        memcpy(&low, at, 4);
        memcpy(&high, at + size - 4, 4);
        pair[0] = little32(low) | (uint64_t)little32(high) << (8 * (size - 4));
    } else {
        pair[0] = at[0] | (uint64_t)at[size / 2] << (8 * (size / 2)) |
                  (uint64_t)at[size - 1] << (8 * (size - 1));
    }
}

uint64_t wr_hash(const wr_hash_secret *secret, const void *bytes, size_t size) {
    if (size > 64)
        return siphash(secret, bytes, size);
    // Padded with zeros; the size is hashed too, so that they do not count.
    const uint64_t *key = secret->word;
    wide sum = 0;
    const unsigned char *at = bytes;
    uint64_t pair[2];
    size_t left = size;
    for (; left >= 16; left -= 16, at += 16, key += 2) {
        memcpy(pair, at, 16);
        pair[0] = little(pair[0]);
        pair[1] = little(pair[1]);
        sum += (wide)(pair[0] + key[0]) * (pair[1] + key[1]);
    }
    if (left > 0) {
        tail(pair, at, left);
        sum += (wide)(pair[0] + key[0]) * (pair[1] + key[1]);
    }
    key = secret->word + 8;
    wide folded = (wide)(uint64_t)sum * key[0] +
                  (wide)(uint64_t)(sum >> 64) * key[1] +
                  (wide)(size * UINT64_C(0x9e3779b97f4a7c15)) * key[2] + key[3];
    return (uint64_t)(folded >> 64);
}

// SPDX-License-Identifier: MIT
// The work below the forks, the same object for all contestants: their own
// compilers make their calls and forks, not this.
#include "forkjoin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fj_fail(const char *what, long long got) {
    fprintf(stderr, "forkjoin: %s: %lld\n", what, got);
    exit(1);
}

void *fj_memory(size_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (memory == NULL)
        fj_fail("no memory", (long long)bytes);
    return memset(memory, 0, bytes);
}

// ---- unbalanced tree search ------------------------------------------------

static uint32_t turned(uint32_t x, int by) { return x << by | x >> (32 - by); }

// The word of step i of SHA-1, which takes the place of that of step i - 16.
// One at a time: compilers that do two at once wait for their own stores.
static inline uint32_t word(uint32_t w[16], int i) {
    if (i >= 16)
        w[i & 15] = turned(w[(i + 13) & 15] ^ w[(i + 8) & 15] ^
                               w[(i + 2) & 15] ^ w[i & 15],
                           1);
    return w[i & 15];
}

// A step: word e becomes the next a, b is turned.
#define STEP(a, b, c, d, e, f, k, i)                                           \
    e += turned(a, 5) + f(b, c, d) + k + word(w, i), b = turned(b, 30)

// Five of them, after which the words have their names again.
#define STEPS(f, k, i)                                                         \
    STEP(a, b, c, d, e, f, k, i), STEP(e, a, b, c, d, f, k, (i) + 1),          \
        STEP(d, e, a, b, c, f, k, (i) + 2),                                    \
        STEP(c, d, e, a, b, f, k, (i) + 3), STEP(b, c, d, e, a, f, k, (i) + 4)

static inline uint32_t chosen(uint32_t x, uint32_t y, uint32_t z) {
    return z ^ (x & (y ^ z));
}

static inline uint32_t parity(uint32_t x, uint32_t y, uint32_t z) {
    return x ^ y ^ z;
}

static inline uint32_t majority(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) | (z & (x | y));
}

// SHA-1 (FIPS 180-4) of a message that is one block with its padding.
static void digest(uint32_t out[5], const uint32_t block[16]) {
    uint32_t w[16], a = 0x67452301, b = 0xefcdab89, c = 0x98badcfe,
                    d = 0x10325476, e = 0xc3d2e1f0;
    memcpy(w, block, sizeof(w));
    for (int i = 0; i < 20; i += 5)
        STEPS(chosen, 0x5a827999, i);
    for (int i = 20; i < 40; i += 5)
        STEPS(parity, 0x6ed9eba1, i);
    for (int i = 40; i < 60; i += 5)
        STEPS(majority, 0x8f1bbcdc, i);
    for (int i = 60; i < 80; i += 5)
        STEPS(parity, 0xca62c1d6, i);
    out[0] = a + 0x67452301;
    out[1] = b + 0xefcdab89;
    out[2] = c + 0x98badcfe;
    out[3] = d + 0x10325476;
    out[4] = e + 0xc3d2e1f0;
}

// The root is the digest of 16 bytes of zero and the seed.
void fj_uts_root(fj_node *node) {
    uint32_t block[16] = {0};
    block[4] = 19;
    block[5] = 0x80000000;
    block[15] = 20 * 8;
    digest(node->word, block);
}

// A child is the digest of its parent and its index.
void fj_uts_child(fj_node *child, const fj_node *parent, unsigned index) {
    uint32_t block[16] = {0};
    memcpy(block, parent->word, sizeof(parent->word));
    block[5] = index;
    block[6] = 0x80000000;
    block[15] = 24 * 8;
    digest(child->word, block);
}

// Geometric: how often a draw that succeeds one time in 1 + 4 fails before.
unsigned fj_uts_count(const fj_node *node, unsigned depth) {
    if (depth >= 10)
        return 0;
    double draw = (double)(node->word[4] & 0x7fffffff) / 2147483648.0;
    double count = floor(log(1 - draw) / log(1 - 1.0 / (1 + 4)));
    return count < FJ_UTS_CHILDREN - 1 ? (unsigned)count : FJ_UTS_CHILDREN - 1;
}

// ---- matrices and ranges ---------------------------------------------------

void fj_leaf(float *c, const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < FJ_LEAF; i++) {
        float row[FJ_LEAF];
        memcpy(row, c + i * n, sizeof(row));
        for (size_t k = 0; k < FJ_LEAF; k++) {
            float by = a[i * n + k];
            for (size_t j = 0; j < FJ_LEAF; j++)
                row[j] += by * b[k * n + j];
        }
        memcpy(c + i * n, row, sizeof(row));
    }
}

void fj_triple(uint32_t *a, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        a[i] = a[i] * 3 + 1;
}

// SPDX-License-Identifier: MIT
// A keyed hash for tables whose keys may come from an enemy: without the secret
// nobody can choose keys that collide.
// Sources: up to 64 bytes the NH family: Black, Halevi, Krawczyk, Krovetz,
// Rogaway, "UMAC: fast and secure message authentication", 1999, with 64-bit
// words as in Dai and Krovetz, "VHASH security", 2007, folded by a multilinear
// hash (Lemire and Kaser, "Strongly universal string hashing is fast", 2014):
// two given keys share the top 32 bits with a chance of about 2^-27. Longer
// ones: SipHash-1-3, Aumasson and Bernstein, "SipHash: a fast short-input PRF",
// 2012.
#ifndef WR_HASH_H
#define WR_HASH_H

#include <stddef.h>
#include <stdint.h>

// Filled with entropy by its owner.
typedef struct wr_hash_secret {
    uint64_t word[12];
} wr_hash_secret;

// wr_hash: the top bits are the best. `bytes` may be NULL if size is 0.
uint64_t wr_hash(const wr_hash_secret *secret, const void *bytes, size_t size);

#endif

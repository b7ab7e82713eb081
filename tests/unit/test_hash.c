// SPDX-License-Identifier: MIT
// The keyed hash and reference counts of base/.
#include "base/hash.h"
#include "base/refs.h"
#include "support/check.h"
#include "support/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static wr_hash_secret secret_of(uint64_t seed) {
    wr_hash_secret secret;
    for (size_t i = 0; i < 12; i++)
        secret.word[i] = seed = seed * UINT64_C(6364136223846793005) + i + 1;
    return secret;
}

// SipHash-1-3's own test values for the key 00 01 .. 0f and the input 00 01 02
// .. are for short inputs, which the other family hashes here; what is checked
// is that every byte, and the size, counts at every length.
static void every_byte_and_the_size_count(void) {
    wr_hash_secret secret = secret_of(7);
    unsigned char bytes[200];
    for (size_t size = 0; size < sizeof(bytes); size++) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)(i * 7);
        uint64_t whole = wr_hash(&secret, bytes, size);
        CHECK(whole == wr_hash(&secret, bytes, size));
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 1;
            CHECK(wr_hash(&secret, bytes, size) != whole);
            bytes[i] ^= 1;
        }
        bytes[size] = 0; // padded with zeros, but not the same
        CHECK(wr_hash(&secret, bytes, size + 1) != whole);
    }
    CHECK(wr_hash(&secret, NULL, 0) == wr_hash(&secret, bytes, 0));
}

static void the_secret_decides(void) {
    wr_hash_secret a = secret_of(1), b = secret_of(2);
    CHECK(wr_hash(&a, "weir", 4) != wr_hash(&b, "weir", 4));
    char longer[100] = {0};
    CHECK(wr_hash(&a, longer, 100) != wr_hash(&b, longer, 100));
    // Each word of a key has a secret of its own: where it stands counts.
    static const char two[] = "01234567abcdefgh",
                      swapped[] = "abcdefgh01234567";
    CHECK(wr_hash(&a, two, 16) != wr_hash(&a, swapped, 16));
}

// 2^16 keys of a kind in 2^10 buckets of the bits that tables use: no bucket
// has twice its share.
static void spread(const char *format) {
    wr_hash_secret secret = secret_of(3);
    static unsigned bucket[1024];
    memset(bucket, 0, sizeof(bucket));
    for (unsigned i = 0; i < 65536; i++) {
        char key[96];
        int size = snprintf(key, sizeof(key), format, i);
        bucket[(wr_hash(&secret, key, (size_t)size) >> 32) & 1023]++;
    }
    for (int i = 0; i < 1024; i++)
        CHECK(bucket[i] > 16 && bucket[i] < 128);
}

static void keys_spread_evenly(void) {
    spread("%u");
    spread("key-%08u");
    spread("sha256:%032u");
    spread("a path/that is/rather longer/than sixty-four bytes/of text, %020u");
}

static void the_last_reference_is_told_once(void) {
    wr_refs refs;
    wr_refs_init(&refs, 1);
    wr_refs_add(&refs, 2);
    CHECK(!wr_refs_drop(&refs, 1));
    CHECK(!wr_refs_drop(&refs, 1));
    CHECK(wr_refs_drop(&refs, 1));
}

// Two give back one each, at once, again and again: one of them is the last.
enum { ROUNDS = 2000 };

typedef struct sharing {
    wr_refs refs[ROUNDS];
    wr_atomic_u32 ready[2]; // the round that each is in
    unsigned last[2];       // times that each was told
} sharing;

static sharing shared;

static void drop_rounds(int me) {
    for (uint32_t i = 0; i < ROUNDS; i++) {
        wr_store(&shared.ready[me], i + 1, relaxed, ALONE, "a meeting");
        while (wr_load(&shared.ready[!me], relaxed, ALONE, "a meeting") <= i)
            sched_yield();
        shared.last[me] += wr_refs_drop(&shared.refs[i], 1);
    }
}

static void *drop_main(void *argument) {
    (void)argument;
    drop_rounds(1);
    return NULL;
}

static void of_two_at_once_one_is_the_last(void) {
    for (int i = 0; i < ROUNDS; i++)
        wr_refs_init(&shared.refs[i], 2);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, drop_main, NULL), 0);
    drop_rounds(0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(shared.last[0] + shared.last[1], ROUNDS);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_byte_and_the_size_count", every_byte_and_the_size_count},
        {"the_secret_decides", the_secret_decides},
        {"keys_spread_evenly", keys_spread_evenly},
        {"the_last_reference_is_told_once", the_last_reference_is_told_once},
        {"of_two_at_once_one_is_the_last", of_two_at_once_one_is_the_last},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

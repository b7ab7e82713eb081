// SPDX-License-Identifier: MIT
#include "programs/delta/table.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUCKET_BITS_MIN = 4,
    BUCKET_BITS_MAX = 28,
    LINEAR_MAX = 8, // longer buckets are searched by halving
    CAPACITY_MIN = 64,
    READ_SIZE = 64 * 1024
};

// rdiff keys its hash table with the weak sum, mixed first if it is a rollsum,
// and has no key 0: what comes out as 0 becomes 0xffffffff. So the weak sum 0
// (which both mixes map to 0) is the same as the one that maps to 0xffffffff,
// and only the strong sums tell such blocks apart.
static const uint32_t ALIAS_RABINKARP = 0xffffffff;
static const uint32_t ALIAS_ROLLSUM = 0x331da083; // checked in test_delta_table

static uint32_t canonical(const wr_table *table, uint32_t weak) {
    return weak == 0 ? table->alias : weak;
}

// ---------------------------------------------------------------------------
// Filling

static wr_status grow(wr_table *table, size_t capacity, wr_failure *failure) {
    if (capacity > SIZE_MAX / WR_STRONG_MAX)
        return wr_fail_memory(failure, "the signature");
    size_t strong_len = table->header.strong_len;
    uint8_t *strong = realloc(table->strong, capacity * strong_len);
    if (strong == NULL)
        return wr_fail_memory(failure, "the signature");
    table->strong = strong;
    uint32_t *weak = realloc(table->weak, capacity * sizeof(*weak));
    if (weak == NULL)
        return wr_fail_memory(failure, "the signature");
    table->weak = weak;
    table->capacity = capacity;
    return WR_OK;
}

wr_status wr_table_begin(wr_table *table, const wr_signature_header *header,
                         size_t expected, wr_failure *failure) {
    *table = (wr_table){.header = *header};
    table->alias =
        header->weak == WR_WEAK_RABINKARP ? ALIAS_RABINKARP : ALIAS_ROLLSUM;
    return expected > 0 ? grow(table, expected, failure) : WR_OK;
}

wr_status wr_table_add(wr_table *table, uint32_t weak, const uint8_t *strong,
                       wr_failure *failure) {
    if (table->count == INT32_MAX)
        return wr_fail(failure, WR_MEMORY_ERROR,
                       "the signature has more than 2^31 - 1 blocks");
    if (table->count == table->capacity) {
        size_t more = table->capacity / 2 + CAPACITY_MIN;
        if (grow(table, table->capacity + more, failure) != WR_OK)
            return failure->status;
    }
    size_t strong_len = table->header.strong_len;
    memcpy(table->strong + table->count * strong_len, strong, strong_len);
    table->weak[table->count++] = canonical(table, weak);
    return WR_OK;
}

// ---------------------------------------------------------------------------
// Building

static const uint8_t *strong_of(const wr_table *table, uint32_t block) {
    return table->strong + (size_t)block * table->header.strong_len;
}

// Orders by weak sum and strong sum; equal ones by block.
static int entry_compare(const void *a, const void *b, void *context) {
    const wr_table *table = context;
    const wr_table_entry *left = a, *right = b;
    if (left->weak != right->weak)
        return left->weak < right->weak ? -1 : 1;
    int order =
        memcmp(strong_of(table, left->block), strong_of(table, right->block),
               table->header.strong_len);
    if (order != 0)
        return order;
    return left->block < right->block ? -1 : left->block > right->block;
}

static bool entry_same(const wr_table *table, const wr_table_entry *a,
                       const wr_table_entry *b) {
    return a->weak == b->weak &&
           memcmp(strong_of(table, a->block), strong_of(table, b->block),
                  table->header.strong_len) == 0;
}

// Counts into buckets and deals the blocks out, in order.
static void deal(wr_table *table, size_t buckets) {
    uint32_t *first = table->first;
    for (size_t i = 0; i < table->count; i++)
        first[wr_table_bucket(table, table->weak[i]) + 1]++;
    for (size_t i = 0; i < buckets; i++)
        first[i + 1] += first[i];
    // Each bucket's start moves to its end while it is filled...
    for (size_t i = 0; i < table->count; i++) {
        uint32_t weak = table->weak[i];
        uint32_t at = first[wr_table_bucket(table, weak)]++;
        table->entries[at] = (wr_table_entry){weak, (uint32_t)i};
    }
    // ... which is the next one's start.
    memmove(first + 1, first, buckets * sizeof(*first));
    first[0] = 0;
}

// Sorts each bucket, keeps the first of equal entries and closes the gaps.
// Returns the number of distinct weak sums.
static size_t settle(wr_table *table, size_t buckets) {
    size_t kept = 0, weaks = 0;
    for (size_t i = 0; i < buckets; i++) {
        size_t from = table->first[i], to = table->first[i + 1];
        table->first[i] = (uint32_t)kept;
        if (to - from > 1)
            qsort_r(table->entries + from, to - from, sizeof(*table->entries),
                    entry_compare, table);
        for (size_t j = from; j < to; j++) {
            const wr_table_entry *entry = &table->entries[j];
            const wr_table_entry *last = NULL;
            if (kept > table->first[i])
                last = &table->entries[kept - 1];
            if (last != NULL && entry_same(table, entry, last))
                continue;
            weaks += last == NULL || entry->weak != last->weak;
            table->entries[kept++] = *entry;
        }
    }
    table->first[buckets] = (uint32_t)kept;
    return weaks;
}

wr_status wr_table_build(wr_table *table, wr_failure *failure) {
    unsigned bits = BUCKET_BITS_MIN;
    while (bits < BUCKET_BITS_MAX && ((size_t)1 << bits) < table->count)
        bits++;
    size_t buckets = (size_t)1 << bits;
    table->shift = 32 - bits;
    table->first = calloc(buckets + 1, sizeof(*table->first));
    // One more than needed: malloc(0) may be NULL.
    table->entries = malloc((table->count + 1) * sizeof(*table->entries));
    if (table->first == NULL || table->entries == NULL)
        return wr_fail_memory(failure, "the signature");
    deal(table, buckets);
    free(table->weak);
    table->weak = NULL;

    size_t weaks = settle(table, buckets);
    if (wr_filter_init(&table->filter, weaks + 1) != 0)
        return wr_fail_memory(failure, "the signature");
    for (uint32_t i = 0; i < table->first[buckets]; i++) {
        wr_filter_add(&table->filter, table->entries[i].weak);
        if (table->entries[i].weak == table->alias)
            wr_filter_add(&table->filter, 0);
    }
    return WR_OK;
}

void wr_table_free(wr_table *table) {
    wr_filter_free(&table->filter);
    free(table->entries);
    free(table->first);
    free(table->strong);
    free(table->weak);
    *table = (wr_table){.count = 0};
}

// ---------------------------------------------------------------------------
// Looking up

// Narrows [*from, *to), the bucket of the weak sum (canonical), to few entries:
// those that may have this weak sum, and this strong sum if one is given.
static void narrow(const wr_table *table, uint32_t weak, const uint8_t *strong,
                   uint32_t *from, uint32_t *to) {
    size_t strong_len = table->header.strong_len;
    while (*to - *from > LINEAR_MAX) {
        uint32_t middle = *from + (*to - *from) / 2;
        const wr_table_entry *entry = &table->entries[middle];
        bool before = entry->weak < weak;
        if (entry->weak == weak && strong != NULL)
            before =
                memcmp(strong_of(table, entry->block), strong, strong_len) < 0;
        if (before)
            *from = middle + 1;
        else
            *to = middle + 1;
    }
}

bool wr_table_expects(const wr_table *table, uint32_t weak) {
    uint32_t bucket = wr_table_bucket(table, weak);
    uint32_t from = table->first[bucket], to = table->first[bucket + 1];
    weak = canonical(table, weak);
    narrow(table, weak, NULL, &from, &to);
    for (uint32_t i = from; i < to; i++) {
        if (table->entries[i].weak == weak) {
            __builtin_prefetch(strong_of(table, table->entries[i].block));
            return true;
        }
    }
    return false;
}

uint32_t wr_table_find(const wr_table *table, uint32_t weak,
                       const uint8_t *strong) {
    uint32_t bucket = wr_table_bucket(table, weak);
    uint32_t from = table->first[bucket], to = table->first[bucket + 1];
    weak = canonical(table, weak);
    narrow(table, weak, strong, &from, &to);
    for (uint32_t i = from; i < to; i++) {
        const wr_table_entry *entry = &table->entries[i];
        if (entry->weak == weak &&
            memcmp(strong_of(table, entry->block), strong,
                   table->header.strong_len) == 0)
            return entry->block;
    }
    return WR_NO_BLOCK;
}

// ---------------------------------------------------------------------------
// Loading

// Takes the whole records out of the buffer; returns how many bytes they were.
static wr_status take_records(wr_table *table, const uint8_t *buffer,
                              size_t size, size_t *taken, wr_failure *failure) {
    size_t record = WR_WEAK_SIZE + table->header.strong_len;
    size_t at = 0;
    for (; size - at >= record; at += record) {
        const uint8_t *strong = buffer + at + WR_WEAK_SIZE;
        if (wr_table_add(table, wr_get_be32(buffer + at), strong, failure) !=
            WR_OK)
            return failure->status;
    }
    *taken = at;
    return WR_OK;
}

static wr_status load_records(wr_table *table, wr_input *input, uint64_t *bytes,
                              wr_failure *failure) {
    uint8_t *buffer = malloc(READ_SIZE);
    if (buffer == NULL)
        return wr_fail_memory(failure, "a buffer");
    size_t held = 0, got;
    do {
        size_t taken = 0;
        if (wr_input_read(input, buffer + held, READ_SIZE - held, &got,
                          failure) != WR_OK)
            break;
        *bytes += got;
        held += got;
        if (take_records(table, buffer, held, &taken, failure) != WR_OK)
            break;
        memmove(buffer, buffer + taken, held - taken);
        held -= taken;
    } while (got > 0);
    free(buffer);
    // rdiff takes an end inside a weak sum for the end of the file.
    if (failure->status == WR_OK && held >= WR_WEAK_SIZE)
        wr_fail(failure, WR_INPUT_ENDED, "%s ends inside a block's sums",
                input->name);
    return failure->status;
}

wr_status wr_table_load(wr_table *table, wr_input *input, uint64_t *bytes,
                        wr_failure *failure) {
    *table = (wr_table){.count = 0};
    uint8_t head[WR_SIGNATURE_HEADER_SIZE];
    wr_signature_header header;
    size_t got;
    *bytes = 0;
    if (wr_input_read(input, head, sizeof(head), &got, failure) != WR_OK ||
        wr_signature_header_get(&header, head, got, failure) != WR_OK)
        return failure->status;
    *bytes = got;

    uint64_t record = WR_WEAK_SIZE + header.strong_len;
    uint64_t expected = wr_input_expected(input) / record;
    if (expected > INT32_MAX)
        expected = 0; // wr_table_add will say so, if it comes to that
    if (wr_table_begin(table, &header, (size_t)expected, failure) != WR_OK ||
        load_records(table, input, bytes, failure) != WR_OK)
        return failure->status;
    return wr_table_build(table, failure);
}

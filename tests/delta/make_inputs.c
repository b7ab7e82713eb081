// SPDX-License-Identifier: MIT
// Writes a pair of files for a comparison: what to sign, and what to describe.
// usage: make_inputs KIND SIZE SEED BASE NEW
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t random_next(void) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t bound) {
    return bound == 0 ? 0 : (size_t)(random_next() % bound);
}

typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
} bytes;

static void append(bytes *to, const void *data, size_t size) {
    if (to->size + size >= to->capacity) {
        to->capacity = 2 * (to->size + size) + 64;
        to->data = realloc(to->data, to->capacity);
        if (to->data == NULL)
            abort();
    }
    if (size > 0)
        memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void append_random(bytes *to, size_t size) {
    for (; size > 0; size--) {
        uint8_t byte = (uint8_t)random_next();
        append(to, &byte, 1);
    }
}

// ---------------------------------------------------------------------------
// Bases

static void fill(bytes *to, size_t size, const char *kind) {
    size_t period = size;
    if (strcmp(kind, "zeros") == 0)
        period = 1;
    if (strcmp(kind, "periodic") == 0)
        period = 1 + below(300);
    if (strcmp(kind, "duplicates") == 0)
        period = 1 + below(5000);
    bytes part = {.size = 0};
    append_random(&part, period);
    if (period == 1 && size > 0)
        part.data[0] = 0;
    while (to->size < size) {
        size_t left = size - to->size;
        append(to, part.data, left < part.size ? left : part.size);
    }
    if (strcmp(kind, "duplicates") == 0) // equal stretches, not one period
        for (size_t i = below(20); i > 0 && size > 0; i--)
            to->data[below(size)] ^= 1;
    if (strcmp(kind, "binary") == 0)
        for (size_t i = 0; i < size; i++)
            to->data[i] &= 1;
    free(part.data);
}

// ---------------------------------------------------------------------------
// New files

// Overwrites scattered places.
static void edit(const bytes *base, bytes *new) {
    append(new, base->data, base->size);
    for (size_t i = 1 + base->size / 3000; i > 0 && new->size > 0; i--) {
        size_t at = below(new->size);
        size_t length = below(60);
        for (size_t j = at; j < at + length && j < new->size; j++)
            new->data[j] = (uint8_t)random_next();
    }
}

// Parts of the base in another order, with odd lengths and gaps between them.
static void shuffle(const bytes *base, bytes *new) {
    while (new->size < base->size + 100) {
        size_t at = below(base->size), length = below(base->size / 5 + 20);
        if (length > base->size - at)
            length = base->size - at;
        if (below(3) == 0)
            append_random(new, below(70));
        append(new, base->data + at, length);
    }
}

// Something inserted, something removed, the end cut or longer.
static void insert(const bytes *base, bytes *new) {
    size_t at = below(base->size + 1);
    append(new, base->data, at);
    append_random(new, 1 + below(5000));
    at += below(base->size - at + 1) / 3;
    append(new, base->data + at, base->size - at);
    if (below(2) == 0)
        append_random(new, below(500));
    else
        new->size -= below(new->size / 2);
}

static void make_new(const char *kind, const bytes *base, bytes *new) {
    if (strcmp(kind, "other") == 0)
        append_random(new, base->size + 1);
    else if (strcmp(kind, "same") == 0)
        append(new, base->data, base->size);
    else if (strcmp(kind, "shuffled") == 0 || below(3) == 0)
        shuffle(base, new);
    else if (strcmp(kind, "inserted") == 0 || below(2) == 0)
        insert(base, new);
    else
        edit(base, new);
}

static int write_file(const char *path, const bytes *content) {
    FILE *file = fopen(path, "wb");
    if (file == NULL ||
        fwrite(content->data, 1, content->size, file) != content->size ||
        fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fputs("usage: make_inputs KIND SIZE SEED BASE NEW\n", stderr);
        return 2;
    }
    const char *kind = argv[1];
    state = strtoull(argv[3], NULL, 10);
    bytes base = {.size = 0}, new = {.size = 0};
    append(&base, "", 0);
    append(&new, "", 0);
    fill(&base, strtoull(argv[2], NULL, 10), kind);
    make_new(kind, &base, &new);
    int status = write_file(argv[4], &base) | write_file(argv[5], &new);
    free(base.data);
    free(new.data);
    return status;
}

// SPDX-License-Identifier: MIT
#include "registry.h"

#include <libdeflate.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void registry_die(const char *what, const char *detail) {
    fprintf(stderr, "deps_registry: %s%s%s\n", what, detail != NULL ? ": " : "",
            detail != NULL ? detail : "");
    exit(2);
}

void *registry_alloc(size_t size) {
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL)
        registry_die("out of memory", NULL);
    return memory;
}

static void make_room(text *to, size_t size) {
    if (to->size + size + 1 <= to->room)
        return;
    to->room = (to->size + size + 1) * (to->room > 0 ? 2 : 1);
    to->at = realloc(to->at, to->room);
    if (to->at == NULL)
        registry_die("out of memory", NULL);
}

void text_add(text *to, const char *bytes, size_t size) {
    make_room(to, size);
    memcpy(to->at + to->size, bytes, size);
    to->size += size;
    to->at[to->size] = 0;
}

void text_put(text *to, const char *string) {
    text_add(to, string, strlen(string));
}

void text_format(text *to, const char *format, ...) {
    va_list list;
    make_room(to, 2048);
    va_start(list, format);
    int size = vsnprintf(to->at + to->size, 2048, format, list);
    va_end(list);
    if (size < 0 || size >= 2048)
        registry_die("a line is too long", format);
    to->size += (size_t)size;
}

void text_gzip(text *to, const char *bytes, size_t size) {
    static struct libdeflate_compressor *compressor;
    if (compressor == NULL)
        compressor = libdeflate_alloc_compressor(6);
    if (compressor == NULL)
        registry_die("out of memory", NULL);
    size_t most = libdeflate_gzip_compress_bound(compressor, size);
    char *space = registry_alloc(most);
    size_t got = libdeflate_gzip_compress(compressor, bytes, size, space, most);
    if (got == 0)
        registry_die("cannot compress", NULL);
    text_add(to, space, got);
    free(space);
}

// splitmix64's finish, over both.
uint64_t registry_mix(uint64_t a, uint64_t b) {
    uint64_t x = a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 31);
}

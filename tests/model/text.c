// SPDX-License-Identifier: MIT
// mem*, str* and what ends a program, as the sources that are checked see them.
// Compilers call memcpy and its like for assignments of structs: link with
// --wrap for those three.
#include "model/heap.h"
#include "model/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HERE __builtin_return_address(0)

void *__real_memmove(void *to, const void *from, size_t bytes);
void *__wrap_memcpy(void *to, const void *from, size_t bytes);
void *__wrap_memmove(void *to, const void *from, size_t bytes);
void *__wrap_memset(void *to, int value, size_t bytes);

static void reads(const void *memory, size_t bytes, const void *place) {
    ma_access(memory, bytes, false, place);
}

static void writes(const void *memory, size_t bytes, const void *place) {
    ma_access(memory, bytes, true, place);
}

void *__wrap_memcpy(void *to, const void *from, size_t bytes) {
    reads(from, bytes, HERE);
    writes(to, bytes, HERE);
    return __real_memcpy(to, from, bytes);
}

void *__wrap_memmove(void *to, const void *from, size_t bytes) {
    reads(from, bytes, HERE);
    writes(to, bytes, HERE);
    return __real_memmove(to, from, bytes);
}

void *__wrap_memset(void *to, int value, size_t bytes) {
    writes(to, bytes, HERE);
    return __real_memset(to, value, bytes);
}

// Newer compilers call these in code that they instrument.
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
    __attribute__((alias("__wrap_memcpy")));
void *__tsan_memmove(void *to, const void *from, size_t bytes)
    __attribute__((alias("__wrap_memmove")));
void *__tsan_memset(void *to, int value, size_t bytes)
    __attribute__((alias("__wrap_memset")));

void *mh_memcpy(void *to, const void *from, size_t bytes) {
    reads(from, bytes, HERE);
    writes(to, bytes, HERE);
    return __real_memcpy(to, from, bytes);
}

void *mh_memmove(void *to, const void *from, size_t bytes) {
    reads(from, bytes, HERE);
    writes(to, bytes, HERE);
    return __real_memmove(to, from, bytes);
}

void *mh_memset(void *to, int value, size_t bytes) {
    writes(to, bytes, HERE);
    return __real_memset(to, value, bytes);
}

int mh_memcmp(const void *a, const void *b, size_t bytes) {
    reads(a, bytes, HERE);
    reads(b, bytes, HERE);
    return memcmp(a, b, bytes);
}

void *mh_memchr(const void *memory, int value, size_t bytes) {
    const char *found = memchr(memory, value, bytes);
    reads(memory,
          found == NULL ? bytes : (size_t)(found - (const char *)memory) + 1,
          HERE);
    return (void *)(uintptr_t)found;
}

// ---- texts: read with their ends -------------------------------------------

size_t mh_strlen(const char *text) {
    size_t length = strlen(text);
    reads(text, length + 1, HERE);
    return length;
}

size_t mh_strnlen(const char *text, size_t bytes) {
    size_t length = strnlen(text, bytes);
    reads(text, length < bytes ? length + 1 : bytes, HERE);
    return length;
}

static size_t compared(const char *a, const char *b, size_t bytes) {
    size_t i = 0;
    while (i < bytes && a[i] == b[i] && a[i] != '\0')
        i++;
    return i < bytes ? i + 1 : bytes;
}

int mh_strcmp(const char *a, const char *b) {
    size_t bytes = compared(a, b, SIZE_MAX);
    reads(a, bytes, HERE);
    reads(b, bytes, HERE);
    return strcmp(a, b);
}

int mh_strncmp(const char *a, const char *b, size_t bytes) {
    size_t looked = compared(a, b, bytes);
    reads(a, looked, HERE);
    reads(b, looked, HERE);
    return strncmp(a, b, bytes);
}

char *mh_strchr(const char *text, int value) {
    char *found = strchr(text, value);
    reads(text, (found == NULL ? strlen(text) : (size_t)(found - text)) + 1,
          HERE);
    return found;
}

char *mh_strrchr(const char *text, int value) {
    reads(text, strlen(text) + 1, HERE);
    return strrchr(text, value);
}

char *mh_strcpy(char *to, const char *from) {
    size_t bytes = strlen(from) + 1;
    reads(from, bytes, HERE);
    writes(to, bytes, HERE);
    return __real_memcpy(to, from, bytes);
}

char *mh_strncpy(char *to, const char *from, size_t bytes) {
    size_t length = strnlen(from, bytes);
    reads(from, length < bytes ? length + 1 : bytes, HERE);
    writes(to, bytes, HERE);
    __real_memset(to, 0, bytes);
    return __real_memcpy(to, from, length);
}

// Arguments that are texts are not looked at.
static int print(char *to, size_t room, const char *format, va_list args,
                 const void *place) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0 || room == 0)
        return length;
    size_t bytes = (size_t)length + 1;
    writes(to, bytes < room ? bytes : room, place);
    return vsnprintf(to, room, format, args);
}

int mh_snprintf(char *to, size_t room, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = print(to, room, format, args, HERE);
    va_end(args);
    return length;
}

int mh_vsnprintf(char *to, size_t room, const char *format, va_list args) {
    return print(to, room, format, args, HERE);
}

void mh_qsort(void *array, size_t count, size_t size,
              int (*compare)(const void *, const void *)) {
    reads(array, count * size, HERE);
    writes(array, count * size, HERE);
    qsort(array, count, size, compare);
}

// ---- ends ------------------------------------------------------------------

static noreturn void ended(void) {
    fputs("model: the program ended outside of a thread\n", stderr);
    exit(2);
}

void mh_abort(void) {
    char place[160];
    mc_report(MC_ABORT, "abort at %s", ma_place(HERE, place, sizeof place));
    ended();
}

void mh_exit(int status) {
    char place[160];
    mc_report(MC_ABORT, "exit(%d) at %s", status,
              ma_place(HERE, place, sizeof place));
    ended();
}

void mh_assert_fail(const char *text, const char *file, unsigned line,
                    const char *function) {
    mc_report(MC_ABORT, "%s:%u: %s: assertion failed: %s", file, line, function,
              text);
    ended();
}

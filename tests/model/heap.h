// SPDX-License-Identifier: MIT
// model/heap.h: what the sources call in place of libc, beyond engine.h.
// rename.h gives them these names.
#ifndef MC_HEAP_H
#define MC_HEAP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdnoreturn.h>

char *mh_strndup(const char *text, size_t bytes);

// text.c: each tells access.c what it reads and writes.
void *mh_memcpy(void *to, const void *from, size_t bytes);
void *mh_memmove(void *to, const void *from, size_t bytes);
void *mh_memset(void *to, int value, size_t bytes);
int mh_memcmp(const void *a, const void *b, size_t bytes);
void *mh_memchr(const void *memory, int value, size_t bytes);
size_t mh_strlen(const char *text);
size_t mh_strnlen(const char *text, size_t bytes);
int mh_strcmp(const char *a, const char *b);
int mh_strncmp(const char *a, const char *b, size_t bytes);
char *mh_strchr(const char *text, int value);
char *mh_strrchr(const char *text, int value);
char *mh_strcpy(char *to, const char *from);
char *mh_strncpy(char *to, const char *from, size_t bytes);
int mh_snprintf(char *to, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int mh_vsnprintf(char *to, size_t room, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
void mh_qsort(void *array, size_t count, size_t size,
              int (*compare)(const void *, const void *));

// These end the execution with MC_ABORT.
noreturn void mh_abort(void);
noreturn void mh_exit(int status);
noreturn void mh_assert_fail(const char *text, const char *file, unsigned line,
                             const char *function);

#endif

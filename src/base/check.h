// SPDX-License-Identifier: MIT
// Checks of what must be true. A failed check is a bug, so it aborts.
#ifndef WR_CHECK_H
#define WR_CHECK_H

#include <stddef.h>

_Noreturn void wr_check_failed(const char *file, int line, const char *what);

// wr_check is always on: for what a caller can get wrong. `rule` is what the
// caller broke, in words.
#define wr_check(condition, rule)                                              \
    ((condition) ? (void)0 : wr_check_failed(__FILE__, __LINE__, rule))

// wr_assert is for this library's own invariants. Always on too: it guards
// slow paths only, and a broken invariant found late costs more.
#define wr_assert(condition)                                                   \
    ((condition) ? (void)0 : wr_check_failed(__FILE__, __LINE__, #condition))

// wr_container_of gives the struct that holds `member` at `pointer`.
#define wr_container_of(pointer, type, member)                                 \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif

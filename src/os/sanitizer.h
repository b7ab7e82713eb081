// SPDX-License-Identifier: MIT
// Telling address and thread sanitizer about stacks of our own. Without them
// every function here is empty.
#ifndef WR_SANITIZER_H
#define WR_SANITIZER_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define WR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WR_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define WR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WR_TSAN 1
#endif
#endif

#ifdef WR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
enum { WR_HAS_ASAN = 1 };
#else
enum { WR_HAS_ASAN = 0 };
#endif
#ifdef WR_TSAN
#include <sanitizer/tsan_interface.h>
#endif

// wr_asan_leave: about to switch to the stack [bottom, bottom + size). `keep`
// receives the fake stack of the one that is left; NULL: it never comes back.
static inline void wr_asan_leave(void **keep, const void *bottom, size_t size) {
#ifdef WR_ASAN
    __sanitizer_start_switch_fiber(keep, bottom, size);
#else
    (void)keep;
    (void)bottom;
    (void)size;
#endif
}

// wr_asan_arrive: has switched. `kept` is the fake stack of the one that is
// entered; bottom and size receive the stack that was left.
static inline void wr_asan_arrive(void *kept, const void **bottom,
                                  size_t *size) {
#ifdef WR_ASAN
    __sanitizer_finish_switch_fiber(kept, bottom, size);
#else
    (void)kept;
    (void)bottom;
    (void)size;
#endif
}

// wr_asan_forget: a stack is about to be unmapped; its address may serve again.
static inline void wr_asan_forget(void *bottom, size_t size) {
#ifdef WR_ASAN
    __asan_unpoison_memory_region(bottom, size);
#else
    (void)bottom;
    (void)size;
#endif
}

static inline void *wr_tsan_create(void) {
#ifdef WR_TSAN
    return __tsan_create_fiber(0);
#else
    return NULL;
#endif
}

static inline void *wr_tsan_current(void) {
#ifdef WR_TSAN
    return __tsan_get_current_fiber();
#else
    return NULL;
#endif
}

static inline void wr_tsan_switch(void *fiber) {
#ifdef WR_TSAN
    __tsan_switch_to_fiber(fiber, 0);
#else
    (void)fiber;
#endif
}

static inline void wr_tsan_destroy(void *fiber) {
#ifdef WR_TSAN
    __tsan_destroy_fiber(fiber);
#else
    (void)fiber;
#endif
}

#endif

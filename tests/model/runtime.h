// SPDX-License-Identifier: MIT
// model/runtime.h: what runtime.c, access.c, heap.c and tsan.c ask of each
// other, beyond engine.h.
#ifndef MC_RUNTIME_H
#define MC_RUNTIME_H

#include "model/engine.h"

// One area of addresses: a stack per thread, each above its guard pages, then
// a heap per thread.
#define MR_AREA UINT64_C(0x200000000000)
#define MR_STACK_BYTES UINT64_C(0x40000)
#define MR_STACK_STRIDE UINT64_C(0x80000)
#define MR_HEAPS (MR_AREA + MC_THREADS_MAX * MR_STACK_STRIDE)
#define MR_HEAP_BYTES UINT64_C(0x1000000)
#define MR_AREA_BYTES (MC_THREADS_MAX * (MR_STACK_STRIDE + MR_HEAP_BYTES))

// Of libc's control block, at least this is copied.
#define MR_CONTROL_LEAST 2560

// mr_map: zeroed memory, touched page by page. mr_die: one line, exit 2.
void *mr_map(size_t bytes);
noreturn void mr_die(const char *what);

// libc's own: the linker gives the plain names to text.c (--wrap), where they
// count as accesses of the thread that runs.
void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__real_memset(void *to, int value, size_t bytes);

// Of mr_setup and mr_start.
void mr_catch_crashes(void);
void ma_setup(const void *statics, size_t bytes);
void mh_setup(void);
void ma_stack_begins(unsigned thread, const void *top);

// A function begins or ends on the running thread; `low` is the lowest address
// of its frame, `place` in its code.
void ma_frame_begins(const void *low, const void *place);
void ma_frame_ends(const void *low, const void *place);

// As ma_access of a read, by a function that has told where its frame is.
void ma_read(const void *memory, size_t bytes, const void *place);

// As ma_gone, with the code place that did it.
void ma_gone_at(const void *memory, size_t bytes, const void *place);
// As ma_fresh.
void ma_fresh_at(const void *memory, size_t bytes, const void *place);

// A code address as 32 bits, and back. 0 is none.
extern const char __executable_start[]; // of the linker
static inline uint32_t ma_code(const void *place) {
    return (uint32_t)((uintptr_t)place - (uintptr_t)__executable_start);
}
static inline const void *ma_uncode(uint32_t code) {
    return __executable_start + code;
}

// ma_place: "job.c:31" of a code address; ma_symbol: "mail+8", false if there
// is none. Slow: for reports.
const char *ma_place(const void *code, char *out, size_t room);
bool ma_symbol(const void *address, char *out, size_t room);

// As ma_name, of a stack and of a heap; false if it is none.
bool ma_frame_name(const void *address, char *out, size_t room);
bool mh_name(const void *address, char *out, size_t room);

#endif

// SPDX-License-Identifier: MIT
// What compilers call before each access of code that they compile with
// -fsanitize=thread. Its atomics are left out on purpose: an atomic that does
// not come through base/atomic.h does not link.
#include "model/runtime.h"

#define HERE __builtin_return_address(0)
// The caller's stack pointer: the lowest address of its frame.
#define LOW ((const char *)__builtin_frame_address(0) + 2 * sizeof(void *))

#define READS(name, bytes)                                                     \
    void name(const void *memory);                                             \
    void name(const void *memory) { ma_read(memory, bytes, HERE); }
#define WRITES(name, bytes)                                                    \
    void name(void *memory);                                                   \
    void name(void *memory) { ma_access(memory, bytes, true, HERE); }
#define CHANGES(name, bytes)                                                   \
    void name(void *memory);                                                   \
    void name(void *memory) {                                                  \
        ma_read(memory, bytes, HERE);                                          \
        ma_access(memory, bytes, true, HERE);                                  \
    }

READS(__tsan_read1, 1)
READS(__tsan_read2, 2)
READS(__tsan_read4, 4)
READS(__tsan_read8, 8)
READS(__tsan_read16, 16)
READS(__tsan_unaligned_read2, 2)
READS(__tsan_unaligned_read4, 4)
READS(__tsan_unaligned_read8, 8)
READS(__tsan_unaligned_read16, 16)
READS(__tsan_volatile_read1, 1)
READS(__tsan_volatile_read2, 2)
READS(__tsan_volatile_read4, 4)
READS(__tsan_volatile_read8, 8)
READS(__tsan_volatile_read16, 16)
READS(__tsan_unaligned_volatile_read2, 2)
READS(__tsan_unaligned_volatile_read4, 4)
READS(__tsan_unaligned_volatile_read8, 8)
READS(__tsan_unaligned_volatile_read16, 16)
WRITES(__tsan_write1, 1)
WRITES(__tsan_write2, 2)
WRITES(__tsan_write4, 4)
WRITES(__tsan_write8, 8)
WRITES(__tsan_write16, 16)
WRITES(__tsan_unaligned_write2, 2)
WRITES(__tsan_unaligned_write4, 4)
WRITES(__tsan_unaligned_write8, 8)
WRITES(__tsan_unaligned_write16, 16)
WRITES(__tsan_volatile_write1, 1)
WRITES(__tsan_volatile_write2, 2)
WRITES(__tsan_volatile_write4, 4)
WRITES(__tsan_volatile_write8, 8)
WRITES(__tsan_volatile_write16, 16)
WRITES(__tsan_unaligned_volatile_write2, 2)
WRITES(__tsan_unaligned_volatile_write4, 4)
WRITES(__tsan_unaligned_volatile_write8, 8)
WRITES(__tsan_unaligned_volatile_write16, 16)
CHANGES(__tsan_read_write1, 1)
CHANGES(__tsan_read_write2, 2)
CHANGES(__tsan_read_write4, 4)
CHANGES(__tsan_read_write8, 8)
CHANGES(__tsan_read_write16, 16)
CHANGES(__tsan_unaligned_read_write2, 2)
CHANGES(__tsan_unaligned_read_write4, 4)
CHANGES(__tsan_unaligned_read_write8, 8)
CHANGES(__tsan_unaligned_read_write16, 16)

void __tsan_read_range(const void *memory, size_t bytes);
void __tsan_read_range(const void *memory, size_t bytes) {
    ma_read(memory, bytes, HERE);
}

void __tsan_write_range(void *memory, size_t bytes);
void __tsan_write_range(void *memory, size_t bytes) {
    ma_access(memory, bytes, true, HERE);
}

// Classes of C++: a table pointer is read, or written.
void __tsan_vptr_read(void **table);
void __tsan_vptr_read(void **table) { ma_read(table, sizeof *table, HERE); }

void __tsan_vptr_update(void **table, void *value);
void __tsan_vptr_update(void **table, void *value) {
    (void)value;
    ma_access(table, sizeof *table, true, HERE);
}

void __tsan_init(void);
void __tsan_init(void) {}

void __tsan_func_entry(const void *caller);
void __tsan_func_entry(const void *caller) {
    (void)caller;
    ma_frame_begins(LOW, HERE);
}

void __tsan_func_exit(void);
void __tsan_func_exit(void) { ma_frame_ends(LOW, HERE); }

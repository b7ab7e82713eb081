// SPDX-License-Identifier: MIT
// model/self/subject.h: small functions that are compiled as models are, for
// test_model_runtime to run on threads of its own.
#ifndef TEST_SUBJECT_H
#define TEST_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct subject_loan {
    void (*pause)(void); // while the local is lent
    bool looks;          // at it afterwards
} subject_loan;

typedef struct subject_big {
    uint64_t words[40];
    char tail[5];
} subject_big;

extern int subject_zero;
extern int subject_seven;
extern uint8_t subject_bytes[16];
extern uint64_t subject_words[4];
extern subject_big subject_a, subject_b;
extern int *subject_frame; // into the stack of who called subject_lend
extern void *subject_memory;
extern int subject_ran;

// Each is a thread's main.
void subject_write_zero(void *unused);
void subject_read_zero(void *unused);
void subject_write_byte(void *index);
void subject_write_word(void *unused);
void subject_read_half(void *half);
void subject_copy_struct(void *unused);
void subject_clear_struct(void *unused);
void subject_write_tail(void *unused);
void subject_lend(void *loan);     // a local, through subject_frame
void subject_borrow(void *unused); // writes it
void subject_keep(void *unused);   // reads a local of a function that returned
void subject_thread_local(void *out);
void subject_allocate(void *bytes);
void subject_allocate_aligned(void *unused);
void subject_use(void *unused);
void subject_use_beyond(void *unused);
void subject_free(void *unused);
void subject_reallocate(void *unused);
void subject_texts(void *unused);
void subject_sort(void *unused);
void subject_abort(void *unused);
void subject_crash(void *address);
void subject_divide(void *by);
void subject_deep(void *levels);
void subject_hang(void *unused);
void subject_many(void *count); // accesses

#endif

// SPDX-License-Identifier: MIT
#include "model/self/subject.h"

#include <stdlib.h>
#include <string.h>

int subject_zero;
int subject_seven = 7;
uint8_t subject_bytes[16];
uint64_t subject_words[4];
subject_big subject_a, subject_b;
int *subject_frame;
void *subject_memory;
int subject_ran;

static _Thread_local int local = 11;
static _Thread_local int local_zero;

void subject_write_zero(void *unused) {
    (void)unused;
    subject_zero = 5;
}

void subject_read_zero(void *unused) {
    (void)unused;
    subject_ran = subject_zero + 1;
}

void subject_write_byte(void *index) { subject_bytes[(uintptr_t)index] = 1; }

void subject_write_word(void *unused) {
    (void)unused;
    subject_words[0] = 1;
}

void subject_read_half(void *half) {
    const uint32_t *halves = (const uint32_t *)(void *)subject_words;
    if (halves[(uintptr_t)half] == 99)
        abort();
}

void subject_copy_struct(void *unused) {
    (void)unused;
    subject_a = subject_b;
}

void subject_clear_struct(void *unused) {
    (void)unused;
    subject_b = (subject_big){{0}, {0}};
}

void subject_write_tail(void *unused) {
    (void)unused;
    subject_b.tail[4] = 1;
}

__attribute__((noinline)) void subject_lend(void *loan) {
    const subject_loan *how = loan;
    int lent = 3;
    subject_frame = &lent;
    how->pause();
    if (how->looks && lent == 99)
        abort();
}

void subject_borrow(void *unused) {
    (void)unused;
    *subject_frame = 4;
}

static void nothing(void) {}

void subject_keep(void *unused) {
    (void)unused;
    subject_loan none = {nothing, false};
    subject_lend(&none);
    if (*subject_frame == 99)
        abort();
}

void subject_thread_local(void *out) {
    int **places = out;
    places[0] = &local;
    places[1] = &local_zero;
    local++;
    local_zero++;
}

void subject_allocate(void *bytes) {
    subject_memory = malloc((size_t)(uintptr_t)bytes);
}

void subject_allocate_aligned(void *unused) {
    (void)unused;
    subject_memory = aligned_alloc(256, 256);
}

void subject_use(void *unused) {
    (void)unused;
    *(uint64_t *)subject_memory = 1;
}

void subject_use_beyond(void *unused) {
    (void)unused;
    ((char *)subject_memory)[20] = 1;
}

void subject_free(void *unused) {
    (void)unused;
    free(subject_memory);
}

void subject_reallocate(void *unused) {
    (void)unused;
    strcpy(subject_memory, "abcdefg");
    subject_memory = realloc(subject_memory, 100);
    if (strcmp(subject_memory, "abcdefg") != 0)
        abort();
}

void subject_texts(void *unused) {
    (void)unused;
    memset(subject_bytes, 'a', 15);
    if (strlen((const char *)subject_bytes) != 15)
        abort();
}

static int compare(const void *a, const void *b) {
    const uint64_t *x = a;
    const uint64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

void subject_sort(void *unused) {
    (void)unused;
    for (unsigned i = 0; i < 4; i++)
        subject_words[i] = 4 - i;
    qsort(subject_words, 4, sizeof subject_words[0], compare);
    if (subject_words[0] != 1 || subject_words[3] != 4)
        abort();
}

void subject_abort(void *unused) {
    (void)unused;
    abort();
}

void subject_crash(void *address) { *(int *)address = 1; }

void subject_divide(void *by) {
    subject_seven = subject_seven / (int)(uintptr_t)by;
}

void subject_deep(void *levels) {
    char room[1024];
    memset(room, 1, sizeof room);
    if (levels != NULL)
        subject_deep((char *)levels - 1);
    subject_ran += room[5];
}

void subject_hang(void *unused) {
    (void)unused;
    while (*(volatile int *)&subject_zero == 0)
        ;
}

void subject_many(void *count) {
    for (uintptr_t i = 0; i < (uintptr_t)count; i++)
        subject_words[i & 3]++;
}

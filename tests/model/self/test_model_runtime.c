// SPDX-License-Identifier: MIT
// The parts of the model checker below its explorer: stacks, statics,
// thread-locals, plain accesses, memory. The cases say themselves what is
// ordered before what, in place of the execution graph. A number as argument
// measures instead.
#include "model/heap.h"
#include "model/runtime.h"
#include "model/self/subject.h"
#include "support/check.h"

#include <time.h>

// ---- in place of step.c and memory.c ---------------------------------------

typedef struct stage {
    unsigned self;
    uint16_t clock[MC_THREADS_MAX][MC_THREADS_MAX];
    mc_finding found;
    unsigned plain_writes, plain_reads, ends;
    bool atomic; // mc_is_atomic says so of everything
    bool ended[MC_THREADS_MAX];
    char text[1000];
} stage;

static stage *st;

unsigned mc_self(void) { return st->self; }

const uint16_t *mc_clock(unsigned thread) { return st->clock[thread]; }

bool mc_is_atomic(const void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
    return st->atomic;
}

void mc_plain_write(void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
    st->plain_writes++;
}

void mc_plain_read(const void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
    st->plain_reads++;
}

void mc_memory_ends(const void *memory, size_t bytes) {
    (void)memory;
    (void)bytes;
    st->ends++;
}

void mc_thread_ended(void) {
    st->ended[st->self] = true;
    for (;;)
        mr_pause();
}

void mc_report(mc_finding what, const char *format, ...) {
    st->found = what;
    va_list args;
    va_start(args, format);
    vsnprintf(st->text, sizeof st->text, format, args);
    va_end(args);
    while (st->self != MC_NO_THREAD)
        mr_pause();
}

static void begin(void) {
    if (st == NULL) {
        st = mr_own(sizeof *st);
        st->self = MC_NO_THREAD;
        mr_setup();
    }
    memset(st, 0, sizeof *st);
    st->self = MC_NO_THREAD;
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        st->clock[i][i] = 1;
    mr_begin();
    ma_begin();
    mh_begin();
}

static void go_on(unsigned thread) {
    st->self = thread;
    mr_resume(thread);
    st->self = MC_NO_THREAD;
}

// The thread runs main(arg) until it pauses or ends, or something is wrong.
static void on(unsigned thread, void (*main)(void *), void *arg) {
    mr_start(thread, main, arg);
    st->ended[thread] = false;
    go_on(thread);
}

// All that thread `before` did is ordered before what `after` does now.
static void order(unsigned before, unsigned after) {
    uint16_t *learns = st->clock[after];
    learns[after]++;
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        if (st->clock[before][i] > learns[i])
            learns[i] = st->clock[before][i];
    learns[before] = ++st->clock[before][before];
}

#define FOUND(what) CHECK_EQ(st->found, what)
#define SAYS(part)                                                             \
    do {                                                                       \
        if (strstr(st->text, part) == NULL)                                    \
            CHECK_FAIL("\"%s\" is not in \"%s\"", part, st->text);             \
    } while (0)

// ---- races -----------------------------------------------------------------

static void a_write_and_a_read_race_unless_ordered(void) {
    begin();
    on(0, subject_write_zero, NULL);
    on(1, subject_read_zero, NULL);
    FOUND(MC_RACE);
    SAYS("thread 1 reads static subject_zero (4 bytes) at subject.c:");
    SAYS("thread 0, which writes it at subject.c:");
    begin();
    on(0, subject_write_zero, NULL);
    order(0, 1);
    on(1, subject_read_zero, NULL);
    FOUND(MC_NOTHING);
    begin();
    on(0, subject_read_zero, NULL);
    on(1, subject_write_zero, NULL);
    FOUND(MC_RACE);
    SAYS("thread 0, which reads it");
    begin();
    on(0, subject_read_zero, NULL);
    order(0, 1);
    on(1, subject_write_zero, NULL);
    FOUND(MC_NOTHING);
}

static void what_comes_after_the_order_races(void) {
    begin();
    order(0, 1);
    on(0, subject_write_zero, NULL);
    on(1, subject_write_zero, NULL);
    FOUND(MC_RACE);
}

static void order_goes_on_from_thread_to_thread(void) {
    begin();
    on(0, subject_write_zero, NULL);
    order(0, 1);
    order(1, 2);
    on(2, subject_write_zero, NULL);
    FOUND(MC_NOTHING);
    order(2, 3);
    on(3, subject_read_zero, NULL);
    FOUND(MC_NOTHING);
    on(4, subject_write_zero, NULL);
    FOUND(MC_RACE);
}

static void each_reader_must_be_ordered_before_a_write(void) {
    begin();
    on(0, subject_read_half, NULL);
    on(1, subject_read_half, NULL);
    on(2, subject_read_half, NULL);
    FOUND(MC_NOTHING);
    order(0, 3);
    order(2, 3);
    on(3, subject_write_word, NULL);
    FOUND(MC_RACE);
    SAYS("after thread 1");
}

static void bytes_of_a_word_do_not_race(void) {
    begin();
    for (uintptr_t i = 0; i < 8; i++)
        on((unsigned)i, subject_write_byte, (void *)i);
    FOUND(MC_NOTHING);
    order(3, 1);
    on(1, subject_write_byte, (void *)3);
    FOUND(MC_NOTHING);
    on(2, subject_write_byte, (void *)3);
    FOUND(MC_RACE);
    SAYS("subject_bytes+3 (1 bytes)");
}

static void a_word_races_with_its_half(void) {
    begin();
    on(0, subject_read_half, (void *)1);
    on(1, subject_write_word, NULL);
    FOUND(MC_RACE);
    SAYS("subject_words+4");
    begin();
    on(0, subject_write_word, NULL);
    on(1, subject_read_half, (void *)1);
    FOUND(MC_RACE);
}

static void structs_are_accesses_too(void) {
    begin();
    on(0, subject_copy_struct, NULL);
    on(1, subject_write_tail, NULL);
    FOUND(MC_RACE);
    SAYS("subject_b+324");
    begin();
    on(0, subject_clear_struct, NULL);
    on(1, subject_write_tail, NULL);
    FOUND(MC_RACE);
    begin();
    on(0, subject_write_tail, NULL);
    on(1, subject_copy_struct, NULL);
    FOUND(MC_RACE);
}

static void libc_calls_are_accesses(void) {
    begin();
    on(0, subject_texts, NULL);
    on(1, subject_write_byte, (void *)15);
    FOUND(MC_RACE);
    begin();
    on(0, subject_sort, NULL);
    CHECK(st->ended[0]);
    on(1, subject_write_word, NULL);
    FOUND(MC_RACE);
}

static void touch(void *writes) {
    ma_atomic_touch(&subject_zero, 4, writes != NULL);
}

static void an_atomic_access_races_with_plain_ones_only(void) {
    begin();
    on(0, touch, "");
    on(1, touch, "");
    FOUND(MC_NOTHING);
    begin();
    on(0, subject_write_zero, NULL);
    on(1, touch, NULL);
    FOUND(MC_RACE);
    begin();
    on(0, subject_read_zero, NULL);
    on(1, touch, NULL);
    FOUND(MC_NOTHING);
    on(1, touch, "");
    FOUND(MC_RACE);
}

static void plain_accesses_to_atomic_bytes_are_told(void) {
    begin();
    st->atomic = true;
    on(0, touch, "");
    on(0, subject_write_zero, NULL);
    CHECK_EQ(st->plain_writes, 1);
    on(0, subject_read_zero, NULL);
    CHECK_EQ(st->plain_reads, 1);
    begin();
    st->atomic = true;
    on(0, subject_write_zero, NULL);
    CHECK_EQ(st->plain_writes, 0);
}

static void use_that(void *memory) {
    ma_access(memory, 8, true, __builtin_return_address(0));
}

// ---- frames ----------------------------------------------------------------

static subject_loan lends_and_looks = {mr_pause, true};
static subject_loan lends = {mr_pause, false};

static void a_lent_local_may_be_used_when_ordered(void) {
    begin();
    on(0, subject_lend, &lends_and_looks);
    order(0, 1);
    on(1, subject_borrow, NULL);
    FOUND(MC_NOTHING);
    order(1, 0);
    go_on(0);
    FOUND(MC_NOTHING);
    CHECK(st->ended[0]);
}

static void a_local_is_not_used_before_its_function_began(void) {
    begin();
    order(0, 1);
    on(0, subject_lend, &lends_and_looks);
    on(1, use_that, subject_frame);
    FOUND(MC_RACE);
    SAYS("writes stack of thread 0, in subject_lend (8 bytes)");
    SAYS("not ordered after the beginning of its function");
}

static void a_function_ends_after_who_uses_its_locals(void) {
    begin();
    on(0, subject_lend, &lends);
    order(0, 1);
    on(1, subject_borrow, NULL);
    FOUND(MC_NOTHING);
    go_on(0);
    FOUND(MC_RACE);
    SAYS("thread 0 ends stack of thread 0");
}

static void a_local_is_gone_when_its_function_returned(void) {
    begin();
    on(0, subject_lend, &lends_and_looks);
    int *lent = subject_frame;
    go_on(0);
    CHECK(st->ended[0]);
    order(0, 1);
    subject_frame = lent;
    on(1, subject_borrow, NULL);
    FOUND(MC_USE_AFTER_FREE);
    SAYS("its function has returned");
}

static void a_thread_uses_no_frame_that_it_left(void) {
    begin();
    on(0, subject_keep, NULL);
    FOUND(MC_USE_AFTER_FREE);
    SAYS("thread 0 reads stack of thread 0");
    SAYS("its function has returned");
}

static void nothing(void) {}

static void lend_twice(void *unused) {
    (void)unused;
    subject_loan none = {nothing, true};
    subject_lend(&none);
    subject_lend(&lends);
}

static void a_later_frame_at_the_same_place_may_be_lent(void) {
    begin();
    on(0, lend_twice, NULL);
    order(0, 1);
    on(1, subject_borrow, NULL);
    order(1, 0);
    go_on(0);
    FOUND(MC_NOTHING);
    CHECK(st->ended[0]);
}

// ---- threads ---------------------------------------------------------------

static void count_up(void *count) {
    for (int i = 0; i < 3; i++) {
        ++*(int *)count;
        mr_pause();
    }
}

static void threads_go_on_where_they_paused(void) {
    begin();
    int counts[MC_THREADS_MAX] = {0};
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        on(i, count_up, &counts[i]);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = MC_THREADS_MAX; i-- > 0;)
            go_on(i);
    for (unsigned i = 0; i < MC_THREADS_MAX; i++) {
        CHECK_EQ(counts[i], 3);
        CHECK(!st->ended[i]);
        go_on(i);
        CHECK(st->ended[i]);
    }
}

static void each_thread_has_its_thread_locals(void) {
    begin();
    int *places[3][2];
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 3; i++) {
            on(i, subject_thread_local, places[i]);
            CHECK_EQ(*places[i][0], 12);
            CHECK_EQ(*places[i][1], 1);
            CHECK(mr_is_thread_local(places[i][0]));
        }
    CHECK(places[0][0] != places[1][0] && places[1][0] != places[2][0]);
    CHECK(!mr_is_thread_local(&subject_zero));
}

static void statics_are_as_new_in_each_execution(void) {
    begin();
    on(0, subject_write_zero, NULL);
    subject_seven = 8;
    CHECK_EQ(subject_zero, 5);
    begin();
    CHECK_EQ(subject_zero, 0);
    CHECK_EQ(subject_seven, 7);
}

static void stacks_are_at_the_same_addresses(void) {
    begin();
    on(3, subject_lend, &lends_and_looks);
    int *first = subject_frame;
    unsigned thread;
    CHECK(mr_is_stack(first, &thread) && thread == 3);
    CHECK(!mr_is_stack(&subject_zero, &thread));
    begin();
    on(2, subject_lend, &lends_and_looks);
    order(2, 3);
    on(3, subject_lend, &lends_and_looks);
    CHECK(subject_frame == first);
    CHECK_EQ((uintptr_t)first / MR_STACK_STRIDE, MR_AREA / MR_STACK_STRIDE + 3);
}

// ---- memory ----------------------------------------------------------------

static void addresses_depend_on_the_thread_alone(void) {
    begin();
    on(1, subject_allocate, (void *)24);
    void *first = subject_memory;
    on(1, subject_allocate, (void *)24);
    CHECK(subject_memory != first);
    begin();
    on(2, subject_allocate, (void *)1000);
    order(2, 0);
    on(0, subject_allocate, (void *)1000);
    order(0, 1);
    on(1, subject_allocate, (void *)24);
    CHECK(subject_memory == first);
    on(1, subject_allocate_aligned, NULL);
    CHECK_EQ((uintptr_t)subject_memory % 256, 0);
}

static void freed_memory_is_not_used(void) {
    begin();
    on(0, subject_allocate, (void *)24);
    on(0, subject_use, NULL);
    on(0, subject_free, NULL);
    FOUND(MC_NOTHING);
    on(0, subject_use, NULL);
    FOUND(MC_USE_AFTER_FREE);
    SAYS("heap of thread 0 (24 bytes from subject.c:");
    SAYS("thread 0 freed it at subject.c:");
}

static void memory_is_not_used_beyond_its_end(void) {
    begin();
    on(0, subject_allocate, (void *)20);
    on(0, subject_use_beyond, NULL);
    FOUND(MC_USE_AFTER_FREE);
    SAYS("no allocation holds");
    begin();
    on(0, subject_allocate, (void *)21);
    on(0, subject_use_beyond, NULL);
    FOUND(MC_NOTHING);
}

static void an_allocation_is_ordered_before_its_use(void) {
    begin();
    on(0, subject_allocate, (void *)24);
    order(0, 1);
    on(0, subject_allocate, (void *)24); // after that
    void *second = subject_memory;
    on(1, use_that, second);
    FOUND(MC_RACE);
    SAYS("after thread 0, which writes it");
    begin();
    on(0, subject_allocate, (void *)24);
    order(0, 1);
    on(1, use_that, subject_memory);
    FOUND(MC_NOTHING);
}

static void freeing_is_ordered_after_all_uses(void) {
    begin();
    on(0, subject_allocate, (void *)24);
    order(0, 1);
    order(0, 2);
    on(1, subject_use, NULL);
    on(2, subject_free, NULL);
    FOUND(MC_RACE);
    SAYS("thread 2 ends heap of thread 0");
    begin();
    on(0, subject_allocate, (void *)24);
    order(0, 1);
    on(1, subject_use, NULL);
    order(1, 2);
    st->atomic = true;
    on(2, subject_free, NULL);
    FOUND(MC_NOTHING);
    CHECK_EQ(st->ends, 1);
}

static void memory_is_freed_once(void) {
    begin();
    on(0, subject_allocate, (void *)24);
    on(0, subject_free, NULL);
    on(0, subject_free, NULL);
    FOUND(MC_USE_AFTER_FREE);
    SAYS("which was freed at subject.c:");
    begin();
    subject_memory = &subject_zero;
    on(0, subject_free, NULL);
    FOUND(MC_USE_AFTER_FREE);
    SAYS("frees static subject_zero");
}

static void what_nobody_frees_leaks(void) {
    begin();
    on(0, subject_allocate, (void *)24);
    void *first = subject_memory;
    order(0, 1);
    on(1, subject_allocate, (void *)77);
    FOUND(MC_NOTHING);
    order(1, 0);
    subject_memory = first;
    on(0, subject_free, NULL);
    mh_end();
    FOUND(MC_LEAK);
    SAYS("nobody freed 77 bytes of thread 1 from subject.c:");
    begin();
    on(0, subject_allocate, (void *)24);
    on(0, subject_free, NULL);
    mh_end();
    FOUND(MC_NOTHING);
}

static void reallocated_memory_keeps_what_it_held(void) {
    begin();
    on(0, subject_allocate, (void *)8);
    on(0, subject_reallocate, NULL);
    FOUND(MC_NOTHING);
    CHECK(st->ended[0]);
    on(0, subject_free, NULL);
    mh_end();
    FOUND(MC_NOTHING);
}

static void endless_allocation_ends(void) {
    begin();
    on(0, subject_allocate, (void *)(9 << 20));
    FOUND(MC_NOTHING);
    on(0, subject_allocate, (void *)(9 << 20));
    FOUND(MC_ENDLESS);
}

static void an_abort_is_a_finding(void) {
    begin();
    on(0, subject_abort, NULL);
    FOUND(MC_ABORT);
    SAYS("abort at subject.c:");
}

static void a_crash_is_a_finding(void) {
    begin();
    on(0, subject_crash, NULL);
    FOUND(MC_ABORT);
    SAYS("thread 0 at subject.c:");
    SAYS("Segmentation fault, memory at (nil)");
    begin();
    on(1, subject_divide, NULL);
    FOUND(MC_ABORT);
    SAYS("thread 1 at subject.c:");
    begin();
    on(2, subject_deep, (void *)1000);
    FOUND(MC_ABORT);
    SAYS("thread 2 calls too deep at");
    begin();
    on(2, subject_deep, (void *)100);
    FOUND(MC_NOTHING);
    CHECK(st->ended[2]);
}

static void a_loop_without_a_step_ends(void) {
    begin();
    on(0, subject_hang, NULL);
    FOUND(MC_ENDLESS);
    SAYS("goes round without a step at subject.c:");
}

static void the_checker_itself_may_touch_all(void) {
    begin();
    on(0, subject_write_zero, NULL);
    subject_read_zero(NULL);
    FOUND(MC_NOTHING);
}

// ---- figures ---------------------------------------------------------------

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void pause_often(void *unused) {
    (void)unused;
    for (;;)
        mr_pause();
}

static void measure(unsigned long count) {
    double best[3] = {1e9, 1e9, 1e9};
    for (unsigned round = 0; round < 40; round++) {
        begin();
        double start = seconds();
        on(0, subject_many, (void *)count);
        double time = seconds() - start;
        best[0] = time < best[0] ? time : best[0];
        on(1, pause_often, NULL);
        start = seconds();
        for (unsigned long i = 0; i < count; i++)
            go_on(1);
        time = seconds() - start;
        best[1] = time < best[1] ? time : best[1];
        start = seconds();
        for (unsigned long i = 0; i < count / 10; i++)
            begin();
        time = (seconds() - start) * 10;
        best[2] = time < best[2] ? time : best[2];
    }
    double scale = 1e9 / (double)count;
    printf("an access %.1f ns, a resume with its pause %.1f ns, "
           "a beginning %.1f ns\n",
           best[0] * scale / 2, best[1] * scale, best[2] * scale);
}

#define CASE(name)                                                             \
    { #name, name }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(a_write_and_a_read_race_unless_ordered),
        CASE(what_comes_after_the_order_races),
        CASE(order_goes_on_from_thread_to_thread),
        CASE(each_reader_must_be_ordered_before_a_write),
        CASE(bytes_of_a_word_do_not_race),
        CASE(a_word_races_with_its_half),
        CASE(structs_are_accesses_too),
        CASE(libc_calls_are_accesses),
        CASE(an_atomic_access_races_with_plain_ones_only),
        CASE(plain_accesses_to_atomic_bytes_are_told),
        CASE(a_lent_local_may_be_used_when_ordered),
        CASE(a_local_is_not_used_before_its_function_began),
        CASE(a_function_ends_after_who_uses_its_locals),
        CASE(a_local_is_gone_when_its_function_returned),
        CASE(a_thread_uses_no_frame_that_it_left),
        CASE(a_later_frame_at_the_same_place_may_be_lent),
        CASE(threads_go_on_where_they_paused),
        CASE(each_thread_has_its_thread_locals),
        CASE(statics_are_as_new_in_each_execution),
        CASE(stacks_are_at_the_same_addresses),
        CASE(addresses_depend_on_the_thread_alone),
        CASE(freed_memory_is_not_used),
        CASE(memory_is_not_used_beyond_its_end),
        CASE(an_allocation_is_ordered_before_its_use),
        CASE(freeing_is_ordered_after_all_uses),
        CASE(memory_is_freed_once),
        CASE(what_nobody_frees_leaks),
        CASE(reallocated_memory_keeps_what_it_held),
        CASE(endless_allocation_ends),
        CASE(an_abort_is_a_finding),
        CASE(a_crash_is_a_finding),
        CASE(a_loop_without_a_step_ends),
        CASE(the_checker_itself_may_touch_all),
    };
    if (argc == 2 && atol(argv[1]) > 0) {
        measure((unsigned long)atol(argv[1]));
        return 0;
    }
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}

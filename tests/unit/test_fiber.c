// SPDX-License-Identifier: MIT
#include "base/fault.h"
#include "os/os.h"
#include "support/check.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 << 10 };

// ---- switching -------------------------------------------------------------

typedef struct counter {
    wr_fiber *home;
    wr_fiber *self;
    int steps;
} counter;

// What is on the stack must be there after each switch.
static void count_steps(void *arg) {
    counter *c = arg;
    volatile int local = 0;
    volatile unsigned char filler[4096];
    memset((void *)(uintptr_t)filler, 0x5a, sizeof(filler));
    for (;;) {
        CHECK_EQ(local, c->steps);
        CHECK_EQ(filler[(local * 37) % 4096], 0x5a);
        local = local + 1;
        c->steps = local;
        wr_fiber_switch(c->self, c->home);
    }
}

static void a_fiber_keeps_its_stack_over_1000_switches(void) {
    counter c = {0};
    CHECK_EQ(wr_fiber_adopt(&c.home), 0);
    CHECK_EQ(wr_fiber_create(&c.self, STACK, count_steps, &c), 0);
    CHECK_EQ(c.steps, 0); // not before it is switched to
    for (int i = 1; i <= 1000; i++) {
        wr_fiber_switch(c.home, c.self);
        CHECK_EQ(c.steps, i);
    }
    wr_fiber_destroy(c.self);
    wr_fiber_destroy(c.home);
}

static void many_fibers_take_turns(void) {
    enum { FIBERS = 100, ROUNDS = 50 };
    static counter c[FIBERS];
    wr_fiber *home;
    CHECK_EQ(wr_fiber_adopt(&home), 0);
    for (int i = 0; i < FIBERS; i++) {
        c[i].home = home;
        CHECK_EQ(wr_fiber_create(&c[i].self, STACK, count_steps, &c[i]), 0);
    }
    for (int round = 1; round <= ROUNDS; round++)
        for (int i = 0; i < FIBERS; i++) {
            wr_fiber_switch(home, c[(i * 7) % FIBERS].self);
            CHECK_EQ(c[(i * 7) % FIBERS].steps, round);
        }
    for (int i = 0; i < FIBERS; i++)
        wr_fiber_destroy(c[i].self);
    wr_fiber_destroy(home);
}

// A chain: each fiber makes the next, enters it, and is entered again on the
// way back.
enum { DEPTH = 20 };

typedef struct chain {
    wr_fiber *at[DEPTH + 1]; // [0] is home
    int entered;
    int left;
} chain;

static void go_deeper(void *arg) {
    chain *c = arg;
    int mine = ++c->entered;
    if (mine < DEPTH) {
        CHECK_EQ(wr_fiber_create(&c->at[mine + 1], STACK, go_deeper, c), 0);
        wr_fiber_switch(c->at[mine], c->at[mine + 1]);
        wr_fiber_destroy(c->at[mine + 1]);
    }
    CHECK_EQ(DEPTH - c->left, mine);
    c->left++;
    wr_fiber_switch(c->at[mine], c->at[mine - 1]);
    CHECK_FAIL("a destroyed fiber ran");
}

static void fibers_enter_fibers_and_come_back(void) {
    chain c = {.entered = 0};
    CHECK_EQ(wr_fiber_adopt(&c.at[0]), 0);
    CHECK_EQ(wr_fiber_create(&c.at[1], STACK, go_deeper, &c), 0);
    wr_fiber_switch(c.at[0], c.at[1]);
    CHECK_EQ(c.entered, DEPTH);
    CHECK_EQ(c.left, DEPTH);
    wr_fiber_destroy(c.at[1]);
    wr_fiber_destroy(c.at[0]);
}

static void a_fiber_may_end_before_it_begins_or_half_way(void) {
    for (int i = 0; i < 300; i++) {
        counter c = {0};
        CHECK_EQ(wr_fiber_adopt(&c.home), 0);
        CHECK_EQ(wr_fiber_create(&c.self, STACK, count_steps, &c), 0);
        if (i % 2 == 0)
            wr_fiber_switch(c.home, c.self);
        wr_fiber_destroy(c.self);
        CHECK_EQ(c.steps, i % 2 == 0);
        wr_fiber_destroy(c.home);
    }
}

static void *run_fibers(void *arg) {
    (void)arg;
    for (int i = 0; i < 20; i++)
        a_fiber_keeps_its_stack_over_1000_switches();
    return NULL;
}

static void threads_have_fibers_of_their_own(void) {
    wr_thread threads[4];
    wr_thread_options options = {.name = "fibers", .cpu = -1};
    for (int i = 0; i < 4; i++)
        CHECK_EQ(wr_thread_start(&threads[i], &options, run_fibers, NULL), 0);
    for (int i = 0; i < 4; i++)
        wr_thread_join(&threads[i]);
}

// ---- stacks ----------------------------------------------------------------

static void use_stack(void *arg) {
    counter *c = arg;
    volatile unsigned char most[STACK - (24 << 10)];
    memset((void *)(uintptr_t)most, 1, sizeof(most));
    c->steps = most[0];
    wr_fiber_switch(c->self, c->home);
}

static void a_stack_has_the_size_asked_for(void) {
    static const size_t sizes[] = {STACK, STACK + 1, 0, 8 << 20};
    for (int i = 0; i < 4; i++) {
        counter c = {0};
        CHECK_EQ(wr_fiber_adopt(&c.home), 0);
        CHECK_EQ(wr_fiber_create(&c.self, sizes[i], use_stack, &c), 0);
        wr_fiber_switch(c.home, c.self);
        CHECK_EQ(c.steps, 1);
        wr_fiber_destroy(c.self);
        wr_fiber_destroy(c.home);
    }
}

// Uses half a stack too much, so that without a guard page it would end in the
// stack of the fiber that lies below, and nobody would know.
static uintptr_t top;
static int sink;

static void overflow(int depth) {
    volatile unsigned char frame[512];
    frame[depth % 512] = (unsigned char)depth;
    if (top - (uintptr_t)frame < STACK + STACK / 2)
        overflow(depth + 1);
    sink += frame[depth % 512]; // used after the call: a real frame each
}

static void overflow_stack(void *arg) {
    volatile unsigned char first = 0;
    (void)arg;
    signal(SIGSEGV, SIG_DFL);
    top = (uintptr_t)&first;
    overflow(0);
    _Exit(0);
}

static void a_stack_that_overflows_faults(void) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        counter c = {0};
        CHECK_EQ(wr_fiber_adopt(&c.home), 0);
        CHECK_EQ(wr_fiber_create(&c.self, STACK, overflow_stack, &c), 0);
        for (int i = 0; i < 3; i++) {
            wr_fiber *neighbour;
            CHECK_EQ(wr_fiber_create(&neighbour, STACK, count_steps, &c), 0);
        }
        wr_fiber_switch(c.home, c.self);
        _Exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
}

// ---- failure ---------------------------------------------------------------

static void a_stack_beyond_memory_is_enomem(void) {
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 8192, SIZE_MAX / 2};
    for (int i = 0; i < 3; i++) {
        wr_fiber *fiber = NULL;
        CHECK_EQ(wr_fiber_create(&fiber, sizes[i], count_steps, NULL), -ENOMEM);
        CHECK(fiber == NULL);
    }
}

static void creation_fails_on_demand(void) {
    wr_fiber *fiber = NULL;
    if (!wr_fault_arm(WR_FAULT_FIBER, 0, 1))
        SKIP("built without WEIR_FAULTS");
    CHECK_EQ(wr_fiber_create(&fiber, STACK, count_steps, NULL), -ENOMEM);
    CHECK(wr_fault_arm(WR_FAULT_ALLOC, 0, 2));
    CHECK_EQ(wr_fiber_create(&fiber, STACK, count_steps, NULL), -ENOMEM);
    CHECK_EQ(wr_fiber_adopt(&fiber), -ENOMEM);
    CHECK(fiber == NULL);
    CHECK_EQ(wr_fiber_create(&fiber, STACK, count_steps, NULL), 0);
    wr_fiber_destroy(fiber);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_fiber_keeps_its_stack_over_1000_switches",
         a_fiber_keeps_its_stack_over_1000_switches},
        {"many_fibers_take_turns", many_fibers_take_turns},
        {"fibers_enter_fibers_and_come_back",
         fibers_enter_fibers_and_come_back},
        {"a_fiber_may_end_before_it_begins_or_half_way",
         a_fiber_may_end_before_it_begins_or_half_way},
        {"threads_have_fibers_of_their_own", threads_have_fibers_of_their_own},
        {"a_stack_has_the_size_asked_for", a_stack_has_the_size_asked_for},
        {"a_stack_that_overflows_faults", a_stack_that_overflows_faults},
        {"a_stack_beyond_memory_is_enomem", a_stack_beyond_memory_is_enomem},
        {"creation_fails_on_demand", creation_fails_on_demand},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// Fibers on ucontext. A switch saves and restores the signal mask too, two
// system calls; what fibers are for here (replaying an order of events) does
// not need better.
#include "os/os.h"

#include "base/check.h"
#include "base/fault.h"
#include "os/sanitizer.h"

#include <errno.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK_DEFAULT = 256 << 10, STACK_LEAST = 32 << 10 };

struct wr_fiber {
    ucontext_t context;
    void (*main)(void *);
    void *arg;
    wr_fiber *left; // the one that switched here last
    bool started;

    void *mapped; // guard page, then the stack; NULL: adopted
    size_t mapped_bytes;

    // For the sanitizers.
    const void *bottom;
    size_t size;
    void *fake_stack;
    wr_fiber *dying; // not NULL: leave for this one, for ever
    void *tsan;
};

// Runs first on a stack that was just entered.
static void arrived(wr_fiber *self) {
    wr_fiber *left = self->left;
    wr_asan_arrive(self->fake_stack, &left->bottom, &left->size);
}

// makecontext passes ints only: a pointer travels as two.
static void enter(unsigned high, unsigned low) {
    wr_fiber *self = (wr_fiber *)((uintptr_t)high << 16 << 16 | low);
    arrived(self);
    self->main(self->arg);
    wr_check(false, "a fiber's main must not return");
}

static size_t page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }

// A stack that overflows hits the guard page, not a neighbour.
static int map_stack(wr_fiber *fiber, size_t stack_size) {
    size_t page = page_bytes();
    if (stack_size == 0)
        stack_size = STACK_DEFAULT;
    if (stack_size < STACK_LEAST)
        stack_size = STACK_LEAST;
    if (stack_size > SIZE_MAX - 2 * page)
        return -ENOMEM;
    size_t size = (stack_size + page - 1) / page * page;
    char *mapped = mmap(NULL, page + size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return -ENOMEM;
    if (mprotect(mapped, page, PROT_NONE) != 0) {
        munmap(mapped, page + size);
        return -ENOMEM;
    }
    fiber->mapped = mapped;
    fiber->mapped_bytes = page + size;
    fiber->bottom = mapped + page;
    fiber->size = size;
    return 0;
}

int wr_fiber_create(wr_fiber **out, size_t stack_size, void (*main)(void *),
                    void *arg) {
    if (wr_fault(WR_FAULT_FIBER))
        return -ENOMEM;
    wr_fiber *fiber = wr_calloc(1, sizeof(*fiber));
    if (fiber == NULL)
        return -ENOMEM;
    int error = map_stack(fiber, stack_size);
    if (error != 0) {
        wr_free(fiber);
        return error;
    }
    fiber->main = main;
    fiber->arg = arg;
    fiber->tsan = wr_tsan_create();

    wr_assert(getcontext(&fiber->context) == 0);
    fiber->context.uc_stack.ss_sp = (char *)fiber->mapped + page_bytes();
    fiber->context.uc_stack.ss_size = fiber->size;
    fiber->context.uc_link = NULL;
    uintptr_t self = (uintptr_t)fiber;
    // The cast is what makecontext asks for.
    makecontext(&fiber->context, (void (*)(void))enter, 2,
                (unsigned)(self >> 16 >> 16), (unsigned)self);
    *out = fiber;
    return 0;
}

int wr_fiber_adopt(wr_fiber **out) {
    wr_fiber *fiber = wr_calloc(1, sizeof(*fiber));
    if (fiber == NULL)
        return -ENOMEM;
    fiber->started = true;
    fiber->tsan = wr_tsan_current();
    *out = fiber;
    return 0;
}

void wr_fiber_switch(wr_fiber *from, wr_fiber *to) {
    to->left = from;
    to->started = true;
    wr_asan_leave(&from->fake_stack, to->bottom, to->size);
    wr_tsan_switch(to->tsan);
    wr_assert(swapcontext(&from->context, &to->context) == 0);

    arrived(from);
    if (WR_HAS_ASAN && from->dying != NULL) {
        wr_fiber *last = from->dying;
        last->left = from;
        wr_asan_leave(NULL, last->bottom, last->size);
        setcontext(&last->context);
        wr_check(false, "a fiber that has left for ever came back");
    }
}

// Address sanitizer keeps a second stack for each fiber, which goes away only
// when the fiber itself leaves for the last time: so let it, once more.
static void drop_fake_stack(wr_fiber *fiber) {
    wr_fiber here = {.started = true};
    fiber->dying = &here;
    wr_fiber_switch(&here, fiber);
}

void wr_fiber_destroy(wr_fiber *fiber) {
    if (fiber->mapped != NULL) {
        if (WR_HAS_ASAN && fiber->started)
            drop_fake_stack(fiber);
        wr_tsan_destroy(fiber->tsan);
        wr_asan_forget((char *)fiber->mapped + page_bytes(), fiber->size);
        munmap(fiber->mapped, fiber->mapped_bytes);
    }
    wr_free(fiber);
}

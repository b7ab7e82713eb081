// SPDX-License-Identifier: MIT
// Where libc has no ucontext: there are no fibers.
#include "os/os.h"

#include "base/check.h"

#include <errno.h>

int wr_fiber_create(wr_fiber **out, size_t stack_size, void (*main)(void *),
                    void *arg) {
    (void)out;
    (void)stack_size;
    (void)main;
    (void)arg;
    return -ENOSYS;
}

int wr_fiber_adopt(wr_fiber **out) {
    (void)out;
    return -ENOSYS;
}

void wr_fiber_switch(wr_fiber *from, wr_fiber *to) {
    wr_assert(from == to); // nobody has two
}

void wr_fiber_destroy(wr_fiber *fiber) { wr_assert(fiber == NULL); }

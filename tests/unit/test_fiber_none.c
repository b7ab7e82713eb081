// SPDX-License-Identifier: MIT
// Against src/os/fiber_none.c, which takes the place of fiber.c where libc has
// no ucontext.
#include "os/os.h"
#include "support/check.h"

#include <errno.h>

static void never(void *arg) { CHECK(arg == NULL && arg != NULL); }

static void there_are_no_fibers_is_enosys(void) {
    wr_fiber *fiber = NULL;
    CHECK_EQ(wr_fiber_create(&fiber, 65536, never, NULL), -ENOSYS);
    CHECK_EQ(wr_fiber_adopt(&fiber), -ENOSYS);
    CHECK(fiber == NULL);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"there_are_no_fibers_is_enosys", there_are_no_fibers_is_enosys},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// Where the system lacks what processes take (here: the portable backend), that
// is said, and nothing is done.
#include "support/check.h"
#include "weir/procs.h"

#include <errno.h>

static int nothing(const weir_kernel_call *call) {
    (void)call;
    return 0;
}

static void a_zygote_is_refused(void) {
    static const weir_kernel kernels[] = {{"nothing", nothing}};
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    options.kernels = kernels;
    options.kernels_count = 1;
    weir_zygote *zygote = NULL;
    CHECK_EQ(weir_zygote_create(&zygote, &options), -ENOSYS);
    CHECK(zygote == NULL);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_zygote_is_refused", a_zygote_is_refused},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

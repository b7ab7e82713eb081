// SPDX-License-Identifier: MIT
// What a kernel may ask of its call, in any process.
#include "graph/endpoint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int wr_call_run(wr_call *call, int (*run)(const weir_kernel_call *call)) {
    call->reason[0] = '\0';
    call->call.weir_private = call;
    int status = run(&call->call);
    if (status == 0)
        call->reason[0] = '\0';
    return status > 0 ? -EINVAL : status;
}

// One line, and no half of a character at its end.
static void tidy(char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char first = (unsigned char)text[start - 1];
    size_t wants = first >= 0xf0   ? 4
                   : first >= 0xe0 ? 3
                   : first >= 0xc0 ? 2
                                   : 1;
    if (first >= 0x80 && length - (start - 1) < wants)
        text[start - 1] = '\0';
}

int weir_kernel_fail(const weir_kernel_call *call, int status,
                     const char *format, ...) {
    wr_call *mine = call->weir_private;
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(mine->reason, sizeof(mine->reason), format, arguments);
    va_end(arguments);
    if (length < 0)
        mine->reason[0] = '\0';
    tidy(mine->reason, strlen(mine->reason));
    return status;
}

int weir_kernel_cancelled(const weir_kernel_call *call) {
    const wr_call *mine = call->weir_private;
    return wr_load(mine->told, relaxed, ALONE,
                   "a hint to stop; nothing hangs on its order") != 0;
}

// SPDX-License-Identifier: MIT
#include "programs/delta/failure.h"

#include <stdarg.h>
#include <stdio.h>

wr_status wr_fail(wr_failure *failure, wr_status status, const char *format,
                  ...) {
    if (failure->status != WR_OK)
        return failure->status; // the first one is the cause
    failure->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof(failure->text), format, arguments);
    va_end(arguments);
    return status;
}

wr_status wr_fail_memory(wr_failure *failure, const char *what) {
    return wr_fail(failure, WR_MEMORY_ERROR, "out of memory for %s", what);
}

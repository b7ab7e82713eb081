// SPDX-License-Identifier: MIT
#include "programs/delta/line.h"

wr_status wr_line_run_serial(const wr_line *line, void *token,
                             wr_failure *failure) {
    while (line->fill(line->context, token)) {
        line->work(line->context, token);
        if (line->drain(line->context, token, failure) != WR_OK)
            break;
    }
    return failure->status;
}

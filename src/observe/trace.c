// SPDX-License-Identifier: MIT
// The public face of the recorder in pool/trace.c.
#include "weir/observe.h"

#include "base/options.h"
#include "pool/trace.h"

#include <errno.h>

enum {
    EVENTS_DEFAULT = 16384,
    EVENTS_MAX = 1 << 24 // 1 GiB a ring
};

int weir_trace_create(weir_trace **out, const weir_trace_options *options) {
    weir_trace_options own;
    int error = wr_options_copy(&own, sizeof(own), options);
    if (error != 0)
        return error;
    if (own.events_max > EVENTS_MAX)
        return -EINVAL;
    return wr_trace_create(out, own.events_max == 0 ? EVENTS_DEFAULT
                                                    : own.events_max);
}

void weir_trace_destroy(weir_trace *trace) { wr_trace_destroy(trace); }

void weir_trace_start(weir_trace *trace) { wr_trace_start(trace); }

void weir_trace_stop(weir_trace *trace) { wr_trace_stop(trace); }

void weir_trace_span(weir_trace *trace, weir_worker *self, const char *name,
                     int64_t begin_ns, int64_t end_ns) {
    if (wr_trace_on(trace))
        wr_trace_emit(trace, wr_trace_ring_of(trace, self), WR_TRACE_SPAN, name,
                      0, begin_ns, end_ns);
}

int weir_trace_count(weir_trace *trace, weir_trace_counts *counts) {
    if (counts->size < sizeof(size_t))
        return -EINVAL;
    weir_trace_counts now = {.size = sizeof(now)};
    int error = wr_trace_totals(trace, &now.recorded, &now.overwritten);
    if (error != 0)
        return error;
    return wr_out_copy(counts, &now, sizeof(now));
}

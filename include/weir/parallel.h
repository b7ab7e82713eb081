// SPDX-License-Identifier: MIT
// weir/parallel.h: loops over index ranges, on fork and join.
//
//   static int scale(weir_worker *self, void *context, size_t from, size_t to)
//   {
//       float *values = context;
//       for (size_t i = from; i < to; i++)
//           values[i] *= 2;
//       return 0;
//   }
//   ...
//   int status = weir_parallel_for(self, 0, count, scale, values);
//
// A range is split when somebody is there to take the other half, so there is
// no grain to guess: with nobody idle it is a plain loop over pieces.
//
// Rules that hold for every function here:
//   threads    a worker, inside a job; nested calls at any depth.
//   blocking   returns when all of the range is done or given up; meanwhile
//              this worker works on it, and only on it. Allocates nothing.
//   ownership  context and results are yours and may live on the stack.
//   errors     0, what a body returned, or what weir_cancelled says.
#ifndef WEIR_PARALLEL_H
#define WEIR_PARALLEL_H

#include "weir/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

// A body does the indices [from, to), in order, and returns 0, or a negative
// errno at the first index that fails.
typedef int weir_range_body(weir_worker *self, void *context, size_t from,
                            size_t to);

// weir_parallel_for calls body on pieces that together are [from, to), each
// index once. When a piece fails, pieces after it are skipped if they have not
// started; pieces before it all run, so the error returned is that of the
// lowest failing index, at any width and timing. Once the work around it is
// told to end (weir_cancelled) it starts no more pieces and returns why; a
// body's error goes before that. from >= to: nothing to do.
WEIR_API int weir_parallel_for(weir_worker *self, size_t from, size_t to,
                               weir_range_body *body, void *context);

enum { WEIR_PARTIAL_MAX = 256 };

// How to reduce a range to one value of `size` bytes, at most
// WEIR_PARTIAL_MAX, aligned as for any type.
typedef struct weir_reduction {
    size_t size;
    // Stores the value of [from, to), never empty, in *partial.
    void (*leaf)(weir_worker *self, void *context, size_t from, size_t to,
                 void *partial);
    // Makes *left the value of its range and *right's, which follows it.
    void (*combine)(void *context, void *left, const void *right);
    void *context;
} weir_reduction;

// weir_parallel_reduce stores in *result (size bytes) the value of [from, to).
// Where the range is cut and in which order partials are combined depends on
// to - from alone: floating-point results have the same bits at any width. An
// empty range leaves *result as it is.
// Errors: -EINVAL (size is 0 or too large); what weir_cancelled says (*result
// is as it was).
WEIR_API int weir_parallel_reduce(weir_worker *self, size_t from, size_t to,
                                  const weir_reduction *reduction,
                                  void *result);

#ifdef __cplusplus
}
#endif
#endif // WEIR_PARALLEL_H

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
// What you write are loops over a piece of the range, so the compiler sees a
// plain loop and can vectorise it. How large the pieces are and who runs them
// is decided while the loop runs: there is no grain to guess. A range is split
// when somebody is there to take the other half. A loop that takes less than
// about a microsecond is not split, unless it has so few indices (less than 16
// for each worker) that each may well be long.
//
// Rules that hold for every function here:
//   threads    a worker, inside a job; nested calls at any depth. Callbacks of
//              one call run on several workers at once, and each index is
//              given to one of them.
//   blocking   returns when all of the range is done or given up; meanwhile
//              this worker works on it, and only on it. Allocates nothing
//              (but see weir_parallel_histogram) and takes at most 24 KiB of
//              stack, more by a few hundred bytes for each time that a range
//              is halved.
//   ranges     [from, to), at least one index in each call of a callback;
//              from >= to: nothing to do, 0.
//   ownership  context, results and what the callbacks reach are yours and may
//              live on the stack.
//   order      the same input gives the same result, bit by bit, at any width
//              and timing, if the callbacks do. Where partial results are put
//              together (reduce, scan), the places of the cuts depend on
//              to - from alone, so this holds for floating point as well.
//   errors     a callback that returns int returns 0, or a negative errno at
//              the first index that fails. Then what comes after that index is
//              given up where it has not started, what comes before it is
//              done, and the call returns the error of the lowest failing
//              index, as a plain loop would. Scan, pack and partition call
//              two callbacks, and go by pieces there: see below.
//              Once the work around it is told to end (weir_cancelled: cancel,
//              deadline, abort), a call starts no more pieces and returns what
//              weir_cancelled says, unless a callback has failed.
//              A call that returns an error has left its results (through the
//              last pointer) as they were; what callbacks wrote stays.
#ifndef WEIR_PARALLEL_H
#define WEIR_PARALLEL_H

#include "weir/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- loops -----------------------------------------------------------------

// A body does the indices [from, to), in order.
typedef int weir_range_body(weir_worker *self, void *context, size_t from,
                            size_t to);

// weir_parallel_for calls body on pieces that together are [from, to), each
// index once.
// Source: lazy binary splitting, Tzannes, Caragea, Barua, Vishkin, 2010.
WEIR_API int weir_parallel_for(weir_worker *self, size_t from, size_t to,
                               weir_range_body *body, void *context);

// weir_parallel_chunks is weir_parallel_for in pieces of a size that you give:
// [from, from + chunk), [from + chunk, from + 2 * chunk) and so on, the last
// one up to `to`. For blocks of a format, or rows of a picture.
// Errors: -EINVAL (chunk is 0).
WEIR_API int weir_parallel_chunks(weir_worker *self, size_t from, size_t to,
                                  size_t chunk, weir_range_body *body,
                                  void *context);

// Rows [row_from, row_to) of the columns [column_from, column_to).
typedef struct weir_tile {
    size_t row_from, row_to, column_from, column_to;
} weir_tile;

typedef int weir_tile_body(weir_worker *self, void *context,
                           const weir_tile *tile);

// weir_parallel_tiles calls body on the tiles of `rows` times `columns` that
// cover all of *area, those at the lower and right edges being smaller. 0 for
// either: chosen from the size of the area, at most 64. Tiles are in order row
// by row: the error is that of the first tile in it that fails.
// Errors: -E2BIG (more tiles than a size_t counts).
WEIR_API int weir_parallel_tiles(weir_worker *self, const weir_tile *area,
                                 size_t rows, size_t columns,
                                 weir_tile_body *body, void *context);

// ---- one value of a range --------------------------------------------------

enum { WEIR_PARTIAL_MAX = 256 };

// How to reduce a range to one value of `size` bytes, at most
// WEIR_PARTIAL_MAX, aligned as for any type.
typedef struct weir_reduction {
    size_t size;
    // Stores the value of [from, to) in *partial.
    int (*leaf)(weir_worker *self, void *context, size_t from, size_t to,
                void *partial);
    // Makes *left the value of its range and *right's, which follows it. Of
    // values that hold something (memory, a reference) it takes over what
    // *right holds, or gives it back.
    void (*combine)(void *context, void *left, const void *right);
    void *context;
    // Gives back what a value holds; NULL if values hold nothing. Called once
    // for each value that was made and that nothing more becomes of, because
    // the call fails or is told to end, by any worker. A leaf that fails has
    // made none.
    void (*discard)(void *context, void *partial);
} weir_reduction;

// weir_parallel_reduce stores in *result (size bytes) the value of [from, to).
// Partials are combined in a binary tree. An empty range leaves *result as it
// is. There are at most 32 leaves of up to 8,191 indices, 64 from there on, and
// twice as many for each eight times the length, 1,024 at most: so many workers
// at most have something to do.
// Errors: -EINVAL (size is 0 or too large).
WEIR_API int weir_parallel_reduce(weir_worker *self, size_t from, size_t to,
                                  const weir_reduction *reduction,
                                  void *result);

// Which of a range's indices is the best: the least, the greatest, the nearest.
typedef struct weir_choice {
    // Stores in *index the best of [from, to), the first of those as good.
    int (*best)(weir_worker *self, void *context, size_t from, size_t to,
                size_t *index);
    // 1: `index` is better than `than`, a lower index; 0: worse, or as good.
    int (*better)(void *context, size_t index, size_t than);
    void *context;
} weir_choice;

// weir_parallel_best stores in *index the best index of [from, to), the lowest
// of those that are as good. An empty range leaves *index as it is.
WEIR_API int weir_parallel_best(weir_worker *self, size_t from, size_t to,
                                const weir_choice *choice, size_t *index);

// Counts [from, to): adds to counts[0] up to counts[bins - 1]. It is a memory
// of this call's own, zero at first, that is added up later.
typedef int weir_histogram_body(weir_worker *self, void *context, size_t from,
                                size_t to, uint64_t *counts);

// weir_parallel_histogram adds to counts[0 .. bins - 1] what body counts.
// Allocates bins counters for each worker that takes part.
// Errors: -EINVAL (bins is 0), -ENOMEM.
WEIR_API int weir_parallel_histogram(weir_worker *self, size_t from, size_t to,
                                     weir_histogram_body *body, void *context,
                                     size_t bins, uint64_t *counts);

// ---- finding ---------------------------------------------------------------

#define WEIR_NOT_FOUND SIZE_MAX

// Looks for the first index of [from, to) that is wanted, and stores it in
// *found. There is none: leaves *found as it is, WEIR_NOT_FOUND. Either way
// returns 0.
typedef int weir_find_body(weir_worker *self, void *context, size_t from,
                           size_t to, size_t *found);

// weir_parallel_find stores in *found the lowest index that body finds, or
// WEIR_NOT_FOUND. What comes after one that was found is given up. The lowest
// of what is found and what fails counts: as in a loop that ends there.
WEIR_API int weir_parallel_find(weir_worker *self, size_t from, size_t to,
                                weir_find_body *body, void *context,
                                size_t *found);

// Whether it holds, 1 or 0: for an index of [from, to) at least (any), for each
// of them (all).
typedef int weir_test_body(weir_worker *self, void *context, size_t from,
                           size_t to);

// weir_parallel_any returns 1 if the test holds for any part of [from, to),
// weir_parallel_all if it holds for every part; otherwise 0. The first part
// that decides ends the loop, wherever it is. Of no indices: any is 0, all 1.
// A test cannot fail: what can is for weir_parallel_find. The call can: told to
// end, it returns a negative errno, which is not 0 either. So compare with 1:
// not if (weir_parallel_any(...)).
WEIR_API int weir_parallel_any(weir_worker *self, size_t from, size_t to,
                               weir_test_body *test, void *context);
WEIR_API int weir_parallel_all(weir_worker *self, size_t from, size_t to,
                               weir_test_body *test, void *context);

// ---- one pass over, one pass out -------------------------------------------

// These look at each piece twice: first all say how much theirs is, then all
// write, each knowing what comes before it. So the same piece is given to one
// callback and then, soon after, to the other; the first must not depend on
// what the second writes for another piece, and must tell it truly. Of what a
// callback writes after an index that failed nothing can be said.
// The error is that of the first piece that fails. Where the first callback
// does, at whatever index of its piece, the second is not called for that piece
// or a later one; so what it would have failed at, lower in the piece, is not
// seen. The pieces before are done. (But see weir_parallel_partition.)
// Source: reduce-then-scan, Blelloch, "Prefix sums and their applications",
// 1990; over windows that stay in the cache between the two.

// Does what is to be done with [from, to). *value is that of all indices before
// `from`; it is a copy, to go on with.
typedef int weir_scan_body(weir_worker *self, void *context, size_t from,
                           size_t to, void *value);

// weir_parallel_scan gives body pieces of [from, to), each with the value of
// all that is before it: prefix sums. Values are those of a reduction; *value
// is the one before `from` (0 for a sum) and, at the end, that of everything.
// An inclusive scan is a body that adds element i before it writes output i, an
// exclusive one a body that adds it after. body gets the reduction's context.
// It may put output i where element i is, once it has read that. Values are
// copied byte by byte here: they hold nothing, and discard is not called.
// Errors: -EINVAL (size is 0 or too large).
WEIR_API int weir_parallel_scan(weir_worker *self, size_t from, size_t to,
                                const weir_reduction *reduction,
                                weir_scan_body *body, void *value);

typedef struct weir_packing {
    // Stores in *kept how many indices of [from, to) are kept.
    int (*count)(weir_worker *self, void *context, size_t from, size_t to,
                 size_t *kept);
    // Puts those of [from, to) that are kept, in order, to places `at`, at + 1,
    // ... of the output. In a partition the others go to places `rest`,
    // rest + 1, ...; otherwise rest is 0.
    int (*write)(weir_worker *self, void *context, size_t from, size_t to,
                 size_t at, size_t rest);
    void *context;
} weir_packing;

// weir_parallel_pack writes what is kept of [from, to) without gaps, in order,
// from place 0 on, and stores in *kept how much that is (0 of an empty range).
// The output is not where the input is.
WEIR_API int weir_parallel_pack(weir_worker *self, size_t from, size_t to,
                                const weir_packing *packing, size_t *kept);

// weir_parallel_partition is weir_parallel_pack where the others come after
// those that are kept, in order too. All is counted before anything is written:
// if a count fails, nothing is, and any error of count comes before those of
// write.
WEIR_API int weir_parallel_partition(weir_worker *self, size_t from, size_t to,
                                     const weir_packing *packing, size_t *kept);

#ifdef __cplusplus
}
#endif
#endif // WEIR_PARALLEL_H

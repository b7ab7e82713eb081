// SPDX-License-Identifier: MIT
// weir/base.h: what every weir header needs: linkage, version, errors, time.
//
// Rules that hold for every function here:
//   threads    any thread, any time.
//   blocking   nothing here blocks or allocates.
//   ownership  returned text is static; do not free it.
//   errors     none; see each function.
//
// The error vocabulary of the whole library (a negative errno each; the call
// that can give it says so):
//   -E2BIG       too big, or options newer than this library
//   -EACCES      not allowed to this caller
//   -EAGAIN      not now: full, or nothing there yet; try again later
//   -EALREADY    too late: it has ended, or was already taken
//   -EBUSY       it runs, or is in use
//   -ECANCELED   cancelled before it ran, or told to stop
//   -ECHILD      the object belongs to the parent of this forked process
//   -EDEADLK     would wait for itself
//   -EEXIST      is there already, or overlaps what is
//   -EINPROGRESS has not ended yet
//   -EINVAL      bad argument
//   -EIO         a file would not take what was written
//   -EMFILE      this process has too many files open
//   -ENFILE      the system has too many files open
//   -ENOBUFS     there is nothing to allocate from
//   -ENOENT      not found
//   -ENOMEM      out of memory
//   -ENOSPC      no place is left for more
//   -ENOSYS      this system cannot do it
//   -EOWNERDEAD  the process that did it, or was to, has died
//   -EPIPE       the other side is gone
//   -ESHUTDOWN   the object is being stopped
//   -ESTALE      what the handle named is gone
//   -ETIMEDOUT   the deadline passed
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <stddef.h>
#include <stdint.h>

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0

#define WEIR_API __attribute__((visibility("default")))

// A call whose result must be looked at.
#define WEIR_MUST_CHECK __attribute__((warn_unused_result))

// A deadline that never comes.
#define WEIR_FOREVER INT64_MAX

#ifdef __cplusplus
extern "C" {
#endif

// weir_strerror returns English text for a value returned by any weir
// function: 0, or one of the negative errno values above. Others: "unknown
// error".
WEIR_API const char *weir_strerror(int error);

// weir_version returns "MAJOR.MINOR.PATCH" of the library that is linked,
// which may be newer than the header.
WEIR_API const char *weir_version(void);

// weir_now_ns is the clock of every deadline in weir: monotonic nanoseconds
// since an arbitrary start.
WEIR_API int64_t weir_now_ns(void);

// Times of one kind, in nanoseconds. Bucket i counts values below
// weir_histogram_bound(i) and not below that of i - 1; eight buckets to each
// power of two, so a quantile is at most 12.5 % too high. The last bucket, from
// 18 minutes on, has no upper bound: UINT64_MAX.
enum { WEIR_HISTOGRAM_BUCKETS = 304 };

typedef struct weir_histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint64_t bucket[WEIR_HISTOGRAM_BUCKETS];
} weir_histogram;

WEIR_API uint64_t weir_histogram_bound(unsigned bucket);

// weir_histogram_quantile is the value that `q` (0 to 1) of all are not above,
// never more than max_ns; 0 if there are none.
WEIR_API uint64_t weir_histogram_quantile(const weir_histogram *histogram,
                                          double q);

#ifdef __cplusplus
}
#endif
#endif // WEIR_BASE_H

// SPDX-License-Identifier: MIT
// Copying a caller's sized options into this library's own struct.
#ifndef WR_OPTIONS_H
#define WR_OPTIONS_H

#include <stddef.h>

// wr_options_copy fills dst (known_size bytes) from a caller's options whose
// first member is `size_t size`; src NULL leaves dst all zero. Errors: -EINVAL
// (size is smaller than the size member itself), -E2BIG (a non-zero byte past
// known_size: the caller asks for something this library does not know).
int wr_options_copy(void *dst, size_t known_size, const void *src);

// wr_out_copy is the other direction: a struct that the library fills in for a
// caller whose header may be older or newer. The caller has set its own size
// in the first member; bytes the library does not know become zero. Errors:
// -EINVAL as above.
int wr_out_copy(void *dst, const void *src, size_t known_size);

#endif

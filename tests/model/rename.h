// SPDX-License-Identifier: MIT
// model/rename.h: included before everything else in sources that are checked
// (-include). libc's functions that touch the program's memory get the
// checker's names; libc's own headers come first, so that they are not changed.
#ifndef MC_RENAME_H
#define MC_RENAME_H

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/engine.h"
#include "model/heap.h"

#define malloc mh_malloc
#define calloc mh_calloc
#define realloc mh_realloc
#define aligned_alloc mh_aligned_alloc
#define posix_memalign mh_posix_memalign
#define free mh_free
#define strdup mh_strdup
#define strndup mh_strndup

#define memcpy mh_memcpy
#define memmove mh_memmove
#define memset mh_memset
#define memcmp mh_memcmp
#define memchr mh_memchr
#define strlen mh_strlen
#define strnlen mh_strnlen
#define strcmp mh_strcmp
#define strncmp mh_strncmp
#define strchr mh_strchr
#define strrchr mh_strrchr
#define strcpy mh_strcpy
#define strncpy mh_strncpy
#define snprintf mh_snprintf
#define vsnprintf mh_vsnprintf
#define qsort mh_qsort

#define abort mh_abort
#define exit mh_exit
#define _exit mh_exit
#define __assert_fail mh_assert_fail

// The one atomic load of a public header.
static inline void *mc_fork_load(const void *word) {
    static const mc_site here __attribute__((section("mc_sites"), used)) = {
        __FILE__, __LINE__,         MC_LOAD,       MC_RELAXED,
        "ALONE",  "weir_fork_ends", "weir/fork.h", MC_PLAIN};
    return (void *)(uintptr_t)mc_atomic_load(&here, word, sizeof(void *));
}
#define WEIR_FORK_LOAD(word) ((weir_fork **)mc_fork_load(word))

#endif

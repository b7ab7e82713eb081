// SPDX-License-Identifier: MIT
//
// The table behind config.h.
#ifndef WEIR_PROGRAMS_SERVE_CONFIG_KEYS_H
#define WEIR_PROGRAMS_SERVE_CONFIG_KEYS_H

#include "programs/serve/config.h"

typedef enum wr_config_kind {
    WR_CONFIG_COUNT,   // int
    WR_CONFIG_SIZE,    // size_t
    WR_CONFIG_TIME,    // int64_t, nanoseconds
    WR_CONFIG_CHOICE,  // int: index into words
    WR_CONFIG_ADDRESS, // char[WR_CONFIG_TEXT]
    WR_CONFIG_THREADS, // int: WEIR_THREADS_*, or a count
} wr_config_kind;

typedef struct wr_config_key {
    const char *section;
    const char *name;
    wr_config_kind kind;
    size_t offset;
    // The default of each profile, as it would be written in a file.
    const char *mixed, *many, *batch; // NULL: as mixed
    uint64_t min, max;
    const char *const *words; // ends with NULL
    const char *help;
} wr_config_key;

extern const wr_config_key wr_config_keys[];
extern const int wr_config_keys_count;

#endif

// SPDX-License-Identifier: MIT
//
// The configuration of `weir serve`: one table of keys, which may come from a
// file, from --set, or from the defaults of a profile.
//
//   wr_config_init ---> wr_config_bytes, wr_config_set ---> wr_config_finish
//
//   threads    one at a time (inih keeps its settings in globals).
//   blocking   wr_config_file reads a file; nothing else waits.
//   errors     0 or a negative errno with one line in *why that says where
//              (FILE:LINE), what, and what would be right.
#ifndef WEIR_PROGRAMS_SERVE_CONFIG_H
#define WEIR_PROGRAMS_SERVE_CONFIG_H

#include "programs/serve/service.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum wr_profile {
    WR_PROFILE_MIXED,
    WR_PROFILE_MANY_REQUESTS,
    WR_PROFILE_BATCH,
} wr_profile;

enum {
    WR_CONFIG_KEYS_MAX = 64,
    WR_CONFIG_TEXT = 64,          // bytes of a text value
    WR_CONFIG_FILE_MAX = 1 << 20, // bytes of a file
    WR_CONFIG_THREADS_ALL = WEIR_THREADS_DEFAULT,
    WR_CONFIG_THREADS_BESIDE = WEIR_THREADS_BESIDE_LOOP,
};

typedef struct wr_config_why {
    char text[1600]; // may list all keys of a section
} wr_config_why;

typedef struct wr_config {
    // [server]
    char address[WR_CONFIG_TEXT]; // a number, not a name
    int port;                     // 0: any
    int profile;                  // WR_PROFILE_*
    int trace;                    // 1: the timeline is recorded
    int trace_events;
    int64_t shutdown_ns; // a stop that drains gets hard after it
    int64_t retry_ns;    // what Retry-After says

    // [limits], those of the wire
    int connections;
    int connections_address; // of one address
    size_t header_bytes;
    size_t control_bytes; // of a JSON body that asks for a context's things
    size_t json_bytes;    // of a JSON body with numbers in it
    size_t input_bytes;   // of a binary body with numbers in it
    size_t bodies_bytes;  // of all bodies that are here now
    int64_t idle_ns;      // for a request's headers to come in
    int64_t receive_ns;   // then, for its body
    int64_t send_ns;      // for an answer to be taken

    // [pool]
    int threads; // WEIR_THREADS_*, or how many

    // Everything that the service itself keeps to. loop and pool are NULL.
    wr_service_options service;

    // Which keys somebody has set, and in which line.
    bool given[WR_CONFIG_KEYS_MAX];
    int line[WR_CONFIG_KEYS_MAX];
    const char *file; // of those lines; lent
} wr_config;

void wr_config_init(wr_config *config);

// wr_config_bytes reads a file's bytes; `name` is what the refusals call it.
// Errors: -EINVAL.
int wr_config_bytes(wr_config *config, const char *name, const void *bytes,
                    size_t size, wr_config_why *why);
// Errors: -EINVAL, and what opening and reading a file fails with.
int wr_config_file(wr_config *config, const char *path, wr_config_why *why);

// wr_config_set takes "section.key=value"; it wins over a file. Errors:
// -EINVAL.
int wr_config_set(wr_config *config, const char *text, wr_config_why *why);

// wr_config_finish fills in what the profile says for all keys that nobody set,
// and looks at keys that depend on each other. Errors: -EINVAL.
int wr_config_finish(wr_config *config, wr_config_why *why);

// wr_config_print writes all keys in the syntax of a file. It reads back as the
// same configuration.
void wr_config_print(const wr_config *config, FILE *out);

// wr_config_help writes a line for each key.
void wr_config_help(FILE *out);

// ---- config_value.c --------------------------------------------------------

// Numbers with units. Errors: -EINVAL (not one), -ERANGE (too large).
int wr_config_size(const char *text, uint64_t *out); // 0, 512KiB, 4MB, 2G
int wr_config_time(const char *text, int64_t *out);  // 0, 250ms, 30s, 5min
int wr_config_count(const char *text, int64_t *out); // digits alone
// The shortest text that reads back as the same.
enum { WR_CONFIG_NUMBER = 32 };
void wr_config_size_text(char text[WR_CONFIG_NUMBER], uint64_t size);
void wr_config_time_text(char text[WR_CONFIG_NUMBER], int64_t ns);

#endif

// SPDX-License-Identifier: MIT
//
// Files, pipes and terminals as `weir delta` needs them: whole reads, reads at
// a position where there is one, and outputs that appear only when complete.
//
// Threads:   wr_input_read_at may be called from any thread at once; the rest
//            belongs to one thread at a time.
// Blocking:  every read and write waits for the file or pipe.
// Errors:    a failure names the file; interrupted calls are repeated.
// Ownership: names are borrowed and must outlive the object.
#ifndef WR_DELTA_IO_H
#define WR_DELTA_IO_H

#include "programs/delta/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// ---------------------------------------------------------------------------
// Input

typedef struct wr_input {
    int fd;
    bool owned;       // close it when done
    const char *name; // for messages
    int64_t size;     // of a regular file; -1 otherwise
    int64_t base;     // file offset where reading starts (stdin: not always 0)
    bool positioned;  // a regular file with `size - base` bytes to read at will
} wr_input;

// NULL and "-" are standard input.
wr_status wr_input_open(wr_input *input, const char *path, wr_failure *failure);
void wr_input_close(wr_input *input);

// How many bytes there will be to read; 0 where that is not known.
uint64_t wr_input_expected(const wr_input *input);

// The next `size` bytes, fewer only at the end of the input.
wr_status wr_input_read(wr_input *input, void *buffer, size_t size, size_t *got,
                        wr_failure *failure);

// Bytes from `offset` on, counted from where reading would start. Only where
// `positioned`; fewer bytes than asked for only at the end of the file.
wr_status wr_input_read_at(const wr_input *input, uint64_t offset, void *buffer,
                           size_t size, size_t *got, wr_failure *failure);

// ---------------------------------------------------------------------------
// Output

// A regular file is written under no name, or a temporary one, beside its
// place, and takes the place when it is complete. Until then nothing is there:
// not after an error, not after a signal. Standard output, devices and pipes
// are written as we go.
typedef struct wr_output {
    int fd;           // -1: not open
    bool direct;      // written in place: no commit
    bool replace;     // may replace what is there
    const char *name; // for messages
    char *path;       // final place, links followed; NULL if direct
    char *temporary;  // NULL while the file has no name
    uint64_t written;
} wr_output;

typedef struct wr_output_options {
    bool force; // replace an existing file
    bool named; // always under a temporary name (where files without one fail)
} wr_output_options;

// NULL and "-" are standard output. Without `force` anything that exists is
// refused, as rdiff does.
wr_status wr_output_open(wr_output *output, const char *path,
                         wr_output_options options, wr_failure *failure);

// Writes all of it. Changes the vector. `count` may exceed IOV_MAX.
wr_status wr_output_writev(wr_output *output, struct iovec *vector,
                           size_t count, wr_failure *failure);

// Puts the file in its place and closes.
wr_status wr_output_commit(wr_output *output, wr_failure *failure);

// Closes and leaves nothing. Harmless after a commit or a failed open.
void wr_output_abandon(wr_output *output);

// ---------------------------------------------------------------------------
// A buffered writer over an output

// Collects small pieces, refers to large ones, and writes them together.
typedef struct wr_writer wr_writer;

wr_writer *wr_writer_create(wr_output *output); // NULL: no memory
void wr_writer_destroy(wr_writer *writer);

// Copies the bytes.
wr_status wr_writer_put(wr_writer *writer, const void *data, size_t size,
                        wr_failure *failure);

// Room for `size` bytes that will follow, to be written by the caller; NULL
// when what came before could not be written. size <= WR_WRITER_ROOM_MAX.
enum { WR_WRITER_ROOM_MAX = 128 * 1024 };
uint8_t *wr_writer_room(wr_writer *writer, size_t size, wr_failure *failure);

// That many bytes of the room were filled.
wr_status wr_writer_fill(wr_writer *writer, size_t size, wr_failure *failure);

// May keep a reference to the bytes until wr_writer_release.
wr_status wr_writer_refer(wr_writer *writer, const void *data, size_t size,
                          wr_failure *failure);

// After this no reference to the caller's bytes is left.
wr_status wr_writer_release(wr_writer *writer, wr_failure *failure);

wr_status wr_writer_flush(wr_writer *writer, wr_failure *failure);

#endif

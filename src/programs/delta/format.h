// SPDX-License-Identifier: MIT
//
// The bytes of librsync's signature and delta files: parse and make, no I/O.
//
//   signature  magic u32, block_len u32, strong_len u32, then per block of the
//              basis: weak u32, strong_len bytes. All big-endian.
//   delta      magic u32, then commands, the last of which is END (0x00):
//              0x01..0x40  literal of that many bytes, which follow
//              0x41..0x44  literal, its length in the next 1/2/4/8 bytes
//              0x45..0x54  copy: basis offset in 1/2/4/8 bytes, then length in
//                          1/2/4/8 bytes: 0x45 + 4*log2(offset) + log2(length)
//              0x55..0xff  reserved: corrupt
//
// Threads: everything is a pure function. No allocation.
#ifndef WR_DELTA_FORMAT_H
#define WR_DELTA_FORMAT_H

#include "programs/delta/failure.h"
#include "programs/delta/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WR_DELTA_MAGIC = 0x72730236,
    WR_SIGNATURE_MAGIC = 0x72730136, // rollsum and MD4
    WR_MAGIC_BLAKE2B = 0x01,         // added for BLAKE2b
    WR_MAGIC_RABINKARP = 0x10        // added for RabinKarp
};

enum {
    WR_SIGNATURE_HEADER_SIZE = 12,
    WR_DELTA_HEADER_SIZE = 4,
    WR_WEAK_SIZE = 4,
    WR_COMMAND_MAX = 17, // opcode, 8 bytes of offset, 8 bytes of length
    WR_LITERAL_MAX = 32768,
    WR_BLOCK_LEN_UNKNOWN = 2048 // the default where the size is not known
};

// ---------------------------------------------------------------------------
// Signatures

typedef struct wr_signature_header {
    wr_weak_kind weak;
    wr_strong_kind strong;
    uint32_t block_len;  // 1 .. 2^31 - 1
    uint32_t strong_len; // 1 .. wr_strong_size(strong)
} wr_signature_header;

// What the user asked for; 0 means "choose".
typedef struct wr_signature_choice {
    wr_weak_kind weak;
    wr_strong_kind strong;
    int64_t block_len;
    int64_t strong_len; // 0: the maximum, -1: rdiff's recommended minimum
} wr_signature_choice;

// Works out a header as rdiff does from the basis' size, < 0 when not known.
// *recommended is the least strong_len rdiff does not warn about (0: unknown).
wr_status wr_signature_choose(wr_signature_header *header,
                              const wr_signature_choice *choice, int64_t size,
                              uint32_t *recommended, wr_failure *failure);

void wr_signature_header_put(uint8_t out[WR_SIGNATURE_HEADER_SIZE],
                             const wr_signature_header *header);

// `size` bytes are there, possibly fewer than a header. The checks and their
// order are rdiff's, odd ones included: magic 0 means the default kind, and
// strong_len 0 the longest.
wr_status wr_signature_header_get(wr_signature_header *header,
                                  const uint8_t *in, size_t size,
                                  wr_failure *failure);

// ---------------------------------------------------------------------------
// Deltas

typedef enum wr_command_kind {
    WR_COMMAND_END,
    WR_COMMAND_LITERAL,
    WR_COMMAND_COPY
} wr_command_kind;

typedef struct wr_command {
    wr_command_kind kind;
    uint64_t offset; // of a copy, in the basis; < 2^63
    uint64_t length; // of a literal or copy; 1 .. 2^63 - 1
} wr_command;

// Bytes of the command that starts with this opcode, without a literal's data.
// A reserved opcode has 1.
size_t wr_command_size(uint8_t opcode);

// `in` holds the wr_command_size(in[0]) bytes of one command.
wr_status wr_command_get(wr_command *command, const uint8_t *in,
                         wr_failure *failure);

// Both return the number of bytes written, in the shortest form there is.
// length >= 1.
size_t wr_literal_put(uint8_t out[WR_COMMAND_MAX], uint64_t length);
size_t wr_copy_put(uint8_t out[WR_COMMAND_MAX], uint64_t offset,
                   uint64_t length);

void wr_put_be32(uint8_t *out, uint32_t value);
uint32_t wr_get_be32(const uint8_t *in);

#endif

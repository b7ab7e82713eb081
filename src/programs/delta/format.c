// SPDX-License-Identifier: MIT
#include "programs/delta/format.h"

#include <inttypes.h>

enum {
    OP_LITERAL_1 = 0x01,
    OP_LITERAL_64 = 0x40,
    OP_LITERAL_N1 = 0x41,
    OP_LITERAL_N8 = 0x44,
    OP_COPY_N1_N1 = 0x45,
    OP_COPY_N8_N8 = 0x54,
    BLOCK_LEN_MIN = 256,
    BLOCK_LEN_GRAIN = 128,
    STRONG_LEN_MIN_UNKNOWN = 12
};

// ---------------------------------------------------------------------------
// Integers

void wr_put_be32(uint8_t *out, uint32_t value) {
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

uint32_t wr_get_be32(const uint8_t *in) {
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 |
           (uint32_t)in[2] << 8 | (uint32_t)in[3];
}

// log2 of the bytes that hold the value: 0, 1, 2 or 3.
static unsigned width_log(uint64_t value) {
    return (unsigned)(value > UINT8_MAX) + (unsigned)(value > UINT16_MAX) +
           (unsigned)(value > UINT32_MAX);
}

static size_t put_be(uint8_t *out, uint64_t value, unsigned log) {
    size_t bytes = (size_t)1 << log;
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    return bytes;
}

static uint64_t get_be(const uint8_t *in, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

static int64_t log2_floor(int64_t value) {
    int64_t log = 0;
    while ((value >>= 1) > 0)
        log++;
    return log;
}

static int64_t sqrt_floor(int64_t value) {
    int64_t root = 0;
    for (int64_t bit = (int64_t)1 << 31; bit > 0; bit >>= 1) {
        int64_t next = root | bit;
        if (next <= value / next)
            root = next;
    }
    return root;
}

// ---------------------------------------------------------------------------
// Signatures

static uint32_t magic_of(wr_weak_kind weak, wr_strong_kind strong) {
    uint32_t magic = WR_SIGNATURE_MAGIC;
    if (weak == WR_WEAK_RABINKARP)
        magic += WR_MAGIC_RABINKARP;
    if (strong == WR_STRONG_BLAKE2B)
        magic += WR_MAGIC_BLAKE2B;
    return magic;
}

wr_status wr_signature_choose(wr_signature_header *header,
                              const wr_signature_choice *choice, int64_t size,
                              uint32_t *recommended, wr_failure *failure) {
    int64_t block_len = choice->block_len;
    if (block_len == 0 && size < 0)
        block_len = WR_BLOCK_LEN_UNKNOWN;
    else if (block_len == 0 && size <= BLOCK_LEN_MIN * BLOCK_LEN_MIN)
        block_len = BLOCK_LEN_MIN;
    else if (block_len == 0)
        block_len = sqrt_floor(size) & ~(int64_t)(BLOCK_LEN_GRAIN - 1);
    if (block_len < 1 || block_len > INT32_MAX)
        return wr_fail(failure, WR_PARAM_ERROR, "invalid block size %" PRId64,
                       block_len);

    int64_t longest = (int64_t)wr_strong_size(choice->strong);
    int64_t least = STRONG_LEN_MIN_UNKNOWN;
    if (size >= 0)
        least = 2 + (log2_floor(size + ((int64_t)1 << 24)) +
                     log2_floor(size / block_len + 1) + 7) /
                        8;
    *recommended = size >= 0 ? (uint32_t)least : 0;
    int64_t strong_len = choice->strong_len;
    if (strong_len == 0)
        strong_len = longest;
    else if (strong_len == -1)
        strong_len = least;
    if (strong_len < 1 || strong_len > longest)
        return wr_fail(failure, WR_PARAM_ERROR,
                       "invalid sum size %" PRId64 ": this hash has %" PRId64
                       " bytes",
                       strong_len, longest);

    *header = (wr_signature_header){choice->weak, choice->strong,
                                    (uint32_t)block_len, (uint32_t)strong_len};
    return WR_OK;
}

void wr_signature_header_put(uint8_t out[WR_SIGNATURE_HEADER_SIZE],
                             const wr_signature_header *header) {
    wr_put_be32(out, magic_of(header->weak, header->strong));
    wr_put_be32(out + 4, header->block_len);
    wr_put_be32(out + 8, header->strong_len);
}

wr_status wr_signature_header_get(wr_signature_header *header,
                                  const uint8_t *in, size_t size,
                                  wr_failure *failure) {
    const char *ended = "the signature ends inside its header";
    if (size < 8)
        return wr_fail(failure, WR_INPUT_ENDED, "%s", ended);
    uint32_t magic = wr_get_be32(in);
    uint32_t block_len = wr_get_be32(in + 4);
    if (block_len < 1 || block_len > INT32_MAX)
        return wr_fail(failure, WR_CORRUPT,
                       "not a signature: block length %" PRId32,
                       (int32_t)block_len);
    if (size < WR_SIGNATURE_HEADER_SIZE)
        return wr_fail(failure, WR_INPUT_ENDED, "%s", ended);
    uint32_t strong_len = wr_get_be32(in + 8);
    if (strong_len > WR_STRONG_MAX)
        return wr_fail(failure, WR_CORRUPT,
                       "not a signature: strong sum length %" PRId32,
                       (int32_t)strong_len);

    wr_weak_kind weak = WR_WEAK_RABINKARP;
    wr_strong_kind strong = WR_STRONG_BLAKE2B;
    if (magic != 0) {
        if ((magic & WR_MAGIC_BLAKE2B) == 0)
            strong = WR_STRONG_MD4;
        if (((magic - WR_SIGNATURE_MAGIC) & WR_MAGIC_RABINKARP) == 0)
            weak = WR_WEAK_ROLLSUM;
        if (magic_of(weak, strong) != magic)
            return wr_fail(failure, WR_BAD_MAGIC,
                           "not a signature: it starts with %#" PRIx32, magic);
    }
    uint32_t longest = (uint32_t)wr_strong_size(strong);
    if (strong_len > longest)
        return wr_fail(failure, WR_PARAM_ERROR,
                       "signature with a sum of %" PRIu32
                       " bytes: its hash has %" PRIu32,
                       strong_len, longest);
    if (strong_len == 0)
        strong_len = longest;
    *header = (wr_signature_header){weak, strong, block_len, strong_len};
    return WR_OK;
}

// ---------------------------------------------------------------------------
// Deltas

size_t wr_command_size(uint8_t opcode) {
    if (opcode < OP_LITERAL_N1 || opcode > OP_COPY_N8_N8)
        return 1;
    if (opcode <= OP_LITERAL_N8)
        return 1 + ((size_t)1 << (opcode - OP_LITERAL_N1));
    unsigned widths = (unsigned)opcode - OP_COPY_N1_N1;
    return 1 + ((size_t)1 << widths / 4) + ((size_t)1 << widths % 4);
}

static wr_status length_check(const wr_command *command, wr_failure *failure) {
    if (command->length >= 1 && command->length <= INT64_MAX)
        return WR_OK;
    return wr_fail(failure, WR_CORRUPT,
                   "corrupt delta: %s of %" PRId64 " bytes",
                   command->kind == WR_COMMAND_COPY ? "copy" : "literal",
                   (int64_t)command->length);
}

wr_status wr_command_get(wr_command *command, const uint8_t *in,
                         wr_failure *failure) {
    uint8_t opcode = in[0];
    *command = (wr_command){.kind = WR_COMMAND_END};
    if (opcode == 0)
        return WR_OK;
    if (opcode > OP_COPY_N8_N8)
        return wr_fail(failure, WR_CORRUPT,
                       "corrupt delta: unknown command %#04x", opcode);

    if (opcode < OP_COPY_N1_N1) {
        command->kind = WR_COMMAND_LITERAL;
        command->length = opcode <= OP_LITERAL_64
                              ? opcode
                              : get_be(in + 1, wr_command_size(opcode) - 1);
        return length_check(command, failure);
    }
    size_t offset_size = (size_t)1 << (opcode - OP_COPY_N1_N1) / 4;
    size_t length_size = (size_t)1 << (opcode - OP_COPY_N1_N1) % 4;
    command->kind = WR_COMMAND_COPY;
    command->offset = get_be(in + 1, offset_size);
    command->length = get_be(in + 1 + offset_size, length_size);
    if (length_check(command, failure) != WR_OK)
        return failure->status;
    if (command->offset > INT64_MAX)
        return wr_fail(failure, WR_CORRUPT,
                       "corrupt delta: copy from position %" PRId64,
                       (int64_t)command->offset);
    return WR_OK;
}

size_t wr_literal_put(uint8_t out[WR_COMMAND_MAX], uint64_t length) {
    if (length <= OP_LITERAL_64) {
        out[0] = (uint8_t)(OP_LITERAL_1 + length - 1);
        return 1;
    }
    unsigned log = width_log(length);
    out[0] = (uint8_t)(OP_LITERAL_N1 + log);
    return 1 + put_be(out + 1, length, log);
}

size_t wr_copy_put(uint8_t out[WR_COMMAND_MAX], uint64_t offset,
                   uint64_t length) {
    unsigned offset_log = width_log(offset);
    unsigned length_log = width_log(length);
    out[0] = (uint8_t)(OP_COPY_N1_N1 + 4 * offset_log + length_log);
    size_t size = 1 + put_be(out + 1, offset, offset_log);
    return size + put_be(out + size, length, length_log);
}

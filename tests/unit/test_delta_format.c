// SPDX-License-Identifier: MIT
// The bytes of signatures and deltas. Expected values come from rdiff 2.3.2.
#include "programs/delta/format.h"
#include "support/check.h"

#include <string.h>

static void big_endian_both_ways(void) {
    uint8_t bytes[4];
    wr_put_be32(bytes, 0x12345678);
    CHECK_EQ(bytes[0], 0x12);
    CHECK_EQ(bytes[3], 0x78);
    CHECK_EQ(wr_get_be32(bytes), 0x12345678);
}

// ---------------------------------------------------------------------------
// Signatures

static void header_has_rdiffs_four_magics(void) {
    static const uint32_t magics[2][2] = {{0x72730136, 0x72730137},
                                          {0x72730146, 0x72730147}};
    for (int weak = 0; weak < 2; weak++)
        for (int strong = 0; strong < 2; strong++) {
            wr_signature_header in = {(wr_weak_kind)weak,
                                      (wr_strong_kind)strong, 2048, 8};
            wr_signature_header out;
            wr_failure failure = {.status = WR_OK};
            uint8_t bytes[WR_SIGNATURE_HEADER_SIZE];
            wr_signature_header_put(bytes, &in);
            CHECK_EQ(wr_get_be32(bytes), magics[weak][strong]);
            CHECK_EQ(
                wr_signature_header_get(&out, bytes, sizeof(bytes), &failure),
                WR_OK);
            CHECK_EQ(out.weak, in.weak);
            CHECK_EQ(out.strong, in.strong);
            CHECK_EQ(out.block_len, 2048);
            CHECK_EQ(out.strong_len, 8);
        }
}

static wr_status header_status(uint32_t magic, uint32_t block_len,
                               uint32_t strong_len, size_t size,
                               wr_signature_header *header) {
    uint8_t bytes[WR_SIGNATURE_HEADER_SIZE];
    wr_put_be32(bytes, magic);
    wr_put_be32(bytes + 4, block_len);
    wr_put_be32(bytes + 8, strong_len);
    wr_failure failure = {.status = WR_OK};
    wr_status status = wr_signature_header_get(header, bytes, size, &failure);
    CHECK_EQ(status, failure.status);
    CHECK_EQ(status == WR_OK, failure.text[0] == '\0');
    return status;
}

static void bad_headers_have_rdiffs_status(void) {
    static const struct {
        uint32_t magic, block_len, strong_len;
        size_t size;
        wr_status status;
    } cases[] = {
        {0x72730147, 2048, 32, 12, WR_OK},
        {0x72730147, 2048, 32, 11, WR_INPUT_ENDED},
        {0x72730147, 2048, 32, 8, WR_INPUT_ENDED},
        {0x72730147, 2048, 32, 7, WR_INPUT_ENDED},
        {0x72730147, 2048, 32, 0, WR_INPUT_ENDED},
        {0x72730147, 0, 32, 12, WR_CORRUPT},
        {0x72730147, 0, 32, 8, WR_CORRUPT},
        {0x72730147, 0x80000000, 32, 12, WR_CORRUPT},
        {0x72730147, 0x7fffffff, 32, 12, WR_OK},
        {0x72730147, 2048, 33, 12, WR_CORRUPT},
        {0x72730147, 2048, 0xffffffff, 12, WR_CORRUPT},
        {0x72730146, 2048, 17, 12, WR_PARAM_ERROR},
        {0x72730136, 2048, 16, 12, WR_OK},
        {0x72730236, 2048, 16, 12, WR_BAD_MAGIC},
        {0x72730138, 2048, 16, 12, WR_BAD_MAGIC},
        {0x72730156, 2048, 16, 12, WR_BAD_MAGIC},
        {0x36017372, 2048, 16, 12, WR_BAD_MAGIC},
        {0x12345678, 0, 99, 12, WR_CORRUPT}, // before the magic is looked at
        {0x12345678, 1, 99, 12, WR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wr_signature_header header;
        CHECK_EQ(header_status(cases[i].magic, cases[i].block_len,
                               cases[i].strong_len, cases[i].size, &header),
                 cases[i].status);
    }
}

static void zeros_in_a_header_mean_the_default(void) {
    wr_signature_header header;
    CHECK_EQ(header_status(0, 2048, 0, 12, &header), WR_OK);
    CHECK_EQ(header.weak, WR_WEAK_RABINKARP);
    CHECK_EQ(header.strong, WR_STRONG_BLAKE2B);
    CHECK_EQ(header.strong_len, 32);
    CHECK_EQ(header_status(0x72730136, 2048, 0, 12, &header), WR_OK);
    CHECK_EQ(header.strong_len, 16);
}

static void sizes_are_chosen_as_rdiff_does(void) {
    static const struct {
        int64_t size;
        uint32_t block_len;                  // by default
        uint32_t least, least_1, least_4096; // -S -1 with this block length
    } cases[] = {
        {-1, 2048, 12, 12, 12},
        {0, 256, 5, 5, 5},
        {1, 256, 5, 6, 5},
        {65535, 256, 6, 7, 6},
        {65536, 256, 6, 7, 6},
        {65537, 256, 6, 7, 6},
        {70000, 256, 6, 7, 6},
        {1000000, 896, 7, 8, 6},
        {1073741824, 32768, 8, 10, 8},
        {1099511627776, 1048576, 10, 12, 11},
    };
    static const int64_t blocks[] = {0, 1, 4096};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int j = 0; j < 3; j++) {
            wr_signature_choice choice = {WR_WEAK_RABINKARP, WR_STRONG_MD4,
                                          blocks[j], -1};
            wr_signature_header header;
            wr_failure failure = {.status = WR_OK};
            uint32_t recommended;
            uint32_t least[] = {cases[i].least, cases[i].least_1,
                                cases[i].least_4096};
            CHECK_EQ(wr_signature_choose(&header, &choice, cases[i].size,
                                         &recommended, &failure),
                     WR_OK);
            CHECK_EQ(header.block_len,
                     blocks[j] == 0 ? cases[i].block_len : blocks[j]);
            CHECK_EQ(header.strong_len, least[j]);
            CHECK_EQ(recommended, cases[i].size < 0 ? 0 : least[j]);
        }
}

static wr_status choice_status(int64_t block_len, int64_t strong_len,
                               wr_strong_kind strong) {
    wr_signature_choice choice = {WR_WEAK_ROLLSUM, strong, block_len,
                                  strong_len};
    wr_signature_header header;
    wr_failure failure = {.status = WR_OK};
    uint32_t recommended;
    return wr_signature_choose(&header, &choice, 1000, &recommended, &failure);
}

static void unusable_choices_are_refused(void) {
    CHECK_EQ(choice_status(0, 32, WR_STRONG_BLAKE2B), WR_OK);
    CHECK_EQ(choice_status(0, 33, WR_STRONG_BLAKE2B), WR_PARAM_ERROR);
    CHECK_EQ(choice_status(0, 16, WR_STRONG_MD4), WR_OK);
    CHECK_EQ(choice_status(0, 17, WR_STRONG_MD4), WR_PARAM_ERROR);
    CHECK_EQ(choice_status(0, -2, WR_STRONG_MD4), WR_PARAM_ERROR);
    CHECK_EQ(choice_status(-1, 0, WR_STRONG_MD4), WR_PARAM_ERROR);
    CHECK_EQ(choice_status(INT32_MAX, 0, WR_STRONG_MD4), WR_OK);
    CHECK_EQ(choice_status((int64_t)INT32_MAX + 1, 0, WR_STRONG_MD4),
             WR_PARAM_ERROR);
}

// ---------------------------------------------------------------------------
// Deltas

static const uint64_t widths_values[] = {
    1, 64, 65, 255, 256, 65535, 65536, 4294967295, 4294967296, INT64_MAX,
};
enum { VALUES = sizeof(widths_values) / sizeof(widths_values[0]) };

static size_t width_of(uint64_t value) {
    if (value <= 0xff)
        return 1;
    if (value <= 0xffff)
        return 2;
    return value <= 0xffffffff ? 4 : 8;
}

static void literals_have_the_shortest_form(void) {
    for (size_t i = 0; i < VALUES; i++) {
        uint64_t length = widths_values[i];
        uint8_t bytes[WR_COMMAND_MAX];
        size_t size = wr_literal_put(bytes, length);
        CHECK_EQ(size, length <= 64 ? 1 : 1 + width_of(length));
        CHECK_EQ(wr_command_size(bytes[0]), size);
        wr_command command;
        wr_failure failure = {.status = WR_OK};
        CHECK_EQ(wr_command_get(&command, bytes, &failure), WR_OK);
        CHECK_EQ(command.kind, WR_COMMAND_LITERAL);
        CHECK_EQ(command.length, length);
    }
}

static void copies_have_the_shortest_form(void) {
    for (size_t i = 0; i < VALUES; i++)
        for (size_t j = 0; j < VALUES; j++) {
            uint64_t offset = widths_values[i] - 1, length = widths_values[j];
            uint8_t bytes[WR_COMMAND_MAX];
            size_t size = wr_copy_put(bytes, offset, length);
            CHECK_EQ(size, 1 + width_of(offset) + width_of(length));
            CHECK_EQ(wr_command_size(bytes[0]), size);
            wr_command command;
            wr_failure failure = {.status = WR_OK};
            CHECK_EQ(wr_command_get(&command, bytes, &failure), WR_OK);
            CHECK_EQ(command.kind, WR_COMMAND_COPY);
            CHECK_EQ(command.offset, offset);
            CHECK_EQ(command.length, length);
        }
}

static void commands_have_rdiffs_bytes(void) {
    uint8_t bytes[WR_COMMAND_MAX];
    CHECK_EQ(wr_literal_put(bytes, 32768), 3);
    CHECK_EQ(memcmp(bytes, "\x42\x80\x00", 3), 0);
    CHECK_EQ(wr_copy_put(bytes, 0, 49920), 4);
    CHECK_EQ(memcmp(bytes, "\x46\x00\xc3\x00", 4), 0);
    CHECK_EQ(wr_copy_put(bytes, 65536, 1), 6);
    CHECK_EQ(memcmp(bytes, "\x4d\x00\x01\x00\x00\x01", 6), 0);
}

static void every_opcode_has_its_kind_and_size(void) {
    for (int opcode = 0; opcode < 256; opcode++) {
        uint8_t bytes[WR_COMMAND_MAX] = {(uint8_t)opcode};
        size_t size = wr_command_size(bytes[0]);
        CHECK(size >= 1 && size <= WR_COMMAND_MAX);
        bytes[size - 1] |= opcode > 0x40 && opcode <= 0x54; // length 1
        wr_command command;
        wr_failure failure = {.status = WR_OK};
        wr_status status = wr_command_get(&command, bytes, &failure);
        CHECK_EQ(status, opcode > 0x54 ? WR_CORRUPT : WR_OK);
        if (opcode == 0)
            CHECK_EQ(command.kind, WR_COMMAND_END);
        else if (opcode <= 0x44)
            CHECK_EQ(command.kind, WR_COMMAND_LITERAL);
        else if (opcode <= 0x54)
            CHECK_EQ(command.kind, WR_COMMAND_COPY);
        if (opcode > 0 && opcode <= 0x40)
            CHECK_EQ(command.length, opcode);
    }
}

static wr_status command_status(const char *bytes) {
    uint8_t in[WR_COMMAND_MAX];
    memcpy(in, bytes, sizeof(in));
    wr_command command;
    wr_failure failure = {.status = WR_OK};
    return wr_command_get(&command, in, &failure);
}

static void impossible_lengths_are_corrupt(void) {
    CHECK_EQ(command_status("\x41\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), WR_CORRUPT);
    CHECK_EQ(command_status("\x44\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), WR_CORRUPT);
    CHECK_EQ(command_status("\x44\x80\0\0\0\0\0\0\1\0\0\0\0\0\0\0"),
             WR_CORRUPT);
    CHECK_EQ(command_status("\x45\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), WR_CORRUPT);
    CHECK_EQ(command_status("\x51\x80\0\0\0\0\0\0\0\1\0\0\0\0\0\0"),
             WR_CORRUPT); // a negative position
    CHECK_EQ(command_status("\x51\x7f\0\0\0\0\0\0\0\1\0\0\0\0\0\0"), WR_OK);
    CHECK_EQ(command_status("\x54\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0"),
             WR_CORRUPT); // a negative length
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"big_endian_both_ways", big_endian_both_ways},
        {"header_has_rdiffs_four_magics", header_has_rdiffs_four_magics},
        {"bad_headers_have_rdiffs_status", bad_headers_have_rdiffs_status},
        {"zeros_in_a_header_mean_the_default",
         zeros_in_a_header_mean_the_default},
        {"sizes_are_chosen_as_rdiff_does", sizes_are_chosen_as_rdiff_does},
        {"unusable_choices_are_refused", unusable_choices_are_refused},
        {"literals_have_the_shortest_form", literals_have_the_shortest_form},
        {"copies_have_the_shortest_form", copies_have_the_shortest_form},
        {"commands_have_rdiffs_bytes", commands_have_rdiffs_bytes},
        {"every_opcode_has_its_kind_and_size",
         every_opcode_has_its_kind_and_size},
        {"impossible_lengths_are_corrupt", impossible_lengths_are_corrupt},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
#include "programs/delta/command.h"
#include "programs/delta/line.h"

#include "weir/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char help_text[] =
    "Usage: weir delta [OPTIONS] signature [BASIS [SIGNATURE]]\n"
    "                  [OPTIONS] delta SIGNATURE [NEWFILE [DELTA]]\n"
    "                  [OPTIONS] patch BASIS [DELTA [NEWFILE]]\n"
    "\n"
    "Makes and applies binary differences. Options, files and exit codes are\n"
    "rdiff's, and so is every byte of a signature and a delta. A file that is\n"
    "left out or '-' is standard input or output.\n"
    "\n"
    "Options:\n"
    "  -s, --statistics          Show performance statistics\n"
    "  -f, --force               Force overwriting existing files\n"
    "  -v, --verbose             Accepted, as by rdiff\n"
    "  -V, --version             Show program version\n"
    "  -?, -h, --help            Show this help message\n"
    "Signature generation options:\n"
    "  -H, --hash=ALG            Hash algorithm: blake2 (default), md4\n"
    "  -R, --rollsum=ALG         Rollsum algorithm: rabinkarp (default), "
    "rollsum\n"
    "  -b, --block-size=BYTES    Signature block size, 0 (default) for "
    "recommended\n"
    "  -S, --sum-size=BYTES      Signature strength, 0 (default) for max, -1 "
    "for min\n"
    "IO options:\n"
    "  -I, --input-size=BYTES    Accepted; literals of a delta against an\n"
    "                            empty basis have this size\n"
    "  -O, --output-size=BYTES   Accepted\n"
    "Only here:\n"
    "      --threads=N           Threads to use, 0 (default) for all there "
    "are\n"
    "      --progress            Show progress even if this is no terminal\n"
    "      --no-progress         Show none\n"
    "      --kernel=NAME         Hash with portable, avx2 or avx512 code\n"
    "      --piece-size=BYTES    What a thread takes at once, 0 (default) to "
    "choose\n"
    "\n"
    "Examples:\n"
    "  weir delta signature old.img old.sig\n"
    "  weir delta delta old.sig new.img new.delta\n"
    "  weir delta patch old.img new.delta rebuilt.img\n"
    "  ssh host weir delta signature old.img | weir delta delta - new.img d\n";

int wr_delta_main(int argc, char **argv) {
    wr_delta_options options;
    wr_failure failure = {.status = WR_OK};
    wr_delta_options_parse(&options, argc, argv, &failure);
    if (failure.status == WR_OK) {
        switch (options.action) {
        case WR_ACTION_SIGNATURE: wr_delta_signature(&options, &failure); break;
        case WR_ACTION_DELTA: wr_delta_delta(&options, &failure); break;
        case WR_ACTION_PATCH: wr_delta_patch(&options, &failure); break;
        case WR_ACTION_HELP: fputs(help_text, stdout); break;
        case WR_ACTION_VERSION:
            printf("weir delta %s, compatible with rdiff 2.3.2\n",
                   weir_version());
            break;
        case WR_ACTION_NONE: break;
        }
    }
    if (failure.status != WR_OK)
        fprintf(stderr, "weir delta: %s%s\n", failure.text,
                failure.status == WR_SYNTAX_ERROR ? " (--help explains)" : "");
    return (int)failure.status;
}

// ---------------------------------------------------------------------------
// How the work is cut

wr_cut wr_cut_choose(const wr_delta_options *options, size_t block_len,
                     size_t batch, size_t bytes) {
    unsigned threads = wr_line_threads((unsigned)options->threads);
    if (threads <= 1)
        threads = 1;
    // One token is filled or drained while each thread has one and, where there
    // is room for it, finds the next one ready.
    size_t few = threads > 1 ? (size_t)threads + 1 : 1;
    size_t many = threads > 1 ? 2 * (size_t)threads + 1 : 1;
    size_t flight = (size_t)threads << 20;
    if (flight < WR_FLIGHT_BYTES)
        flight = WR_FLIGHT_BYTES;
    if (flight > WR_FLIGHT_BYTES_MAX)
        flight = WR_FLIGHT_BYTES_MAX;

    if (bytes > flight / many)
        bytes = flight / many;
    size_t blocks = bytes / block_len;
    if (blocks < batch) {
        // Registers that are not full cost more than memory.
        size_t most = WR_FLIGHT_BYTES_MAX / few / block_len;
        blocks = batch < most ? batch : most;
    }
    if (blocks > WR_PIECE_BLOCKS)
        blocks = WR_PIECE_BLOCKS;
    if (options->piece_size > 0)
        blocks = (size_t)options->piece_size / block_len;
    if (blocks < 1)
        blocks = 1;
    size_t piece = blocks * block_len;
    return (wr_cut){threads, many * piece <= flight ? many : few, piece};
}

wr_status wr_buffer_reserve(wr_buffer *buffer, size_t size,
                            wr_failure *failure) {
    if (size <= buffer->capacity)
        return WR_OK;
    uint8_t *data = realloc(buffer->data, size);
    if (data == NULL)
        return wr_fail_memory(failure, "a buffer");
    buffer->data = data;
    buffer->capacity = size;
    return WR_OK;
}

wr_status wr_buffer_read(wr_buffer *buffer, wr_input *input, size_t held,
                         size_t size, size_t *now_held, wr_failure *failure) {
    enum { FIRST = 4 * 1024 * 1024 };
    *now_held = held;
    while (*now_held < size) {
        size_t room = buffer->capacity > FIRST ? buffer->capacity : FIRST;
        if (*now_held == buffer->capacity && buffer->capacity > 0)
            room = 2 * buffer->capacity;
        if (room > size)
            room = size;
        size_t got;
        if (wr_buffer_reserve(buffer, room, failure) != WR_OK ||
            wr_input_read(input, buffer->data + *now_held, room - *now_held,
                          &got, failure) != WR_OK)
            return failure->status;
        *now_held += got;
        if (*now_held < room)
            break;
    }
    return WR_OK;
}

void wr_buffer_free(wr_buffer *buffer) {
    free(buffer->data);
    *buffer = (wr_buffer){.data = NULL};
}

// ---------------------------------------------------------------------------
// Statistics

wr_speed wr_speed_begin(void) { return (wr_speed){.start_ns = weir_now_ns()}; }

static void print_speed(const wr_speed *speed) {
    double seconds = (double)(weir_now_ns() - speed->start_ns) / 1e9;
    double in = (double)speed->bytes_in / 1e6;
    double out = (double)speed->bytes_out / 1e6;
    fprintf(stderr,
            " speed[%.1f MB (%.1f MB/s) in, %.1f MB (%.1f MB/s) out, "
            "%.3f sec]\n",
            in, in / seconds, out, out / seconds, seconds);
}

void wr_print_signature_stats(const char *what, uint64_t blocks,
                              uint64_t block_len, const wr_speed *speed) {
    fprintf(stderr, "weir delta: %s statistics: ", what);
    if (blocks > 0)
        fprintf(stderr,
                "signature[%" PRIu64 " blocks, %" PRIu64 " bytes per block]",
                blocks, block_len);
    print_speed(speed);
}

void wr_print_match_stats(uint64_t searches, uint64_t matches) {
    double percent =
        searches > 0 ? 100 * (double)matches / (double)searches : 0;
    fprintf(stderr,
            "weir delta: match statistics: signature[%" PRIu64
            " searches, %" PRIu64 " (%.3f%%) matches]\n",
            searches, matches, percent);
}

void wr_print_delta_stats(const char *what, const wr_emitter_stats *stats,
                          const wr_speed *speed) {
    fprintf(stderr, "weir delta: %s statistics: ", what);
    if (stats->literals > 0)
        fprintf(stderr,
                "literal[%" PRIu64 " cmds, %" PRIu64 " bytes, %" PRIu64
                " cmdbytes] ",
                stats->literals, stats->literal_bytes,
                stats->literal_command_bytes);
    if (stats->copies > 0)
        fprintf(stderr,
                "copy[%" PRIu64 " cmds, %" PRIu64 " bytes, %" PRIu64
                " cmdbytes, 0 false]",
                stats->copies, stats->copy_bytes, stats->copy_command_bytes);
    print_speed(speed);
}

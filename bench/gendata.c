// SPDX-License-Identifier: MIT
// Makes the files of bench/delta.sh, the same ones every time.
//
//   bench_gendata base FILE SIZE
//   bench_gendata edit BASE FILE COUNT LENGTH AT BYTES
//
// `base` is SIZE random bytes. `edit` is a copy of BASE with BYTES random bytes
// inserted at AT, and then COUNT runs of LENGTH random bytes written over it
// at random places.
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, SEED_BASE = 1, SEED_INSERTED, SEED_EDITS };

static union {
    uint64_t words[CHUNK / sizeof(uint64_t)];
    uint8_t bytes[CHUNK];
} chunk;

_Noreturn static void fail(const char *what) {
    fprintf(stderr, "bench_gendata: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t number(const char *text) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno == 0 && (end == text || *end != '\0' || text[0] == '-'))
        errno = EINVAL;
    if (errno != 0)
        fail(text);
    return value;
}

static int open_or_fail(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd < 0)
        fail(path);
    return fd;
}

static void write_all(int fd, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t put = write(fd, chunk.bytes + done, count - done);
        if (put < 0 && errno != EINTR)
            fail("write");
        done += put > 0 ? (size_t)put : 0;
    }
}

static void fill(uint64_t *state, size_t count) {
    for (size_t i = 0; i < (count + 7) / 8; i++)
        chunk.words[i] = wr_random_next(state);
}

static size_t at_most_chunk(uint64_t count) {
    return count < CHUNK ? (size_t)count : CHUNK;
}

static void write_random(int fd, uint64_t *state, uint64_t count) {
    while (count > 0) {
        size_t now = at_most_chunk(count);
        fill(state, now);
        write_all(fd, now);
        count -= now;
    }
}

static void copy(int to, int from, uint64_t count) {
    while (count > 0) {
        ssize_t got = read(from, chunk.bytes, at_most_chunk(count));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            fail("read");
        write_all(to, (size_t)got);
        count -= (uint64_t)got;
    }
}

static void edit(char **argv) {
    int from = open_or_fail(argv[2], O_RDONLY);
    int to = open_or_fail(argv[3], O_RDWR | O_CREAT | O_TRUNC);
    uint64_t edits = number(argv[4]), length = number(argv[5]);
    uint64_t at = number(argv[6]), inserted = number(argv[7]);
    struct stat status;
    if (fstat(from, &status) != 0)
        fail(argv[2]);
    uint64_t size = (uint64_t)status.st_size;
    if (at > size || length > CHUNK || length > size) {
        errno = EINVAL;
        fail("edit");
    }
    uint64_t state = SEED_INSERTED;
    copy(to, from, at);
    write_random(to, &state, inserted);
    copy(to, from, size - at);
    state = SEED_EDITS;
    for (uint64_t i = 0; i < edits; i++) {
        uint64_t place = wr_random_next(&state) % (size + inserted - length);
        if (lseek(to, (off_t)place, SEEK_SET) < 0)
            fail("lseek");
        fill(&state, (size_t)length);
        write_all(to, (size_t)length);
    }
    if (close(to) != 0)
        fail(argv[3]);
    close(from);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "base") == 0) {
        uint64_t state = SEED_BASE;
        int to = open_or_fail(argv[2], O_WRONLY | O_CREAT | O_TRUNC);
        write_random(to, &state, number(argv[3]));
        if (close(to) != 0)
            fail(argv[2]);
    } else if (argc == 8 && strcmp(argv[1], "edit") == 0) {
        edit(argv);
    } else {
        fprintf(stderr, "usage: bench_gendata base FILE SIZE\n"
                        "       bench_gendata edit BASE FILE COUNT LENGTH "
                        "AT BYTES\n");
        return 2;
    }
    return 0;
}

// SPDX-License-Identifier: MIT
//
// Whole files in and out.
#include "programs/nn/command.h"

#include "programs/delta/io.h"
#include "programs/nn/graph.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int refuse_file(wr_nn_why *why, int error, const char *path) {
    return wr_nn_refuse(why, -error, NULL, "%s: %s", path, strerror(error));
}

// Reads on until the end; `room` is a guess that is never too small twice.
static int read_all(int fd, const char *path, size_t most, size_t room,
                    void **bytes, size_t *size, wr_nn_why *why) {
    uint8_t *held = malloc(room);
    size_t got = 0;
    while (held != NULL) {
        ssize_t n = read(fd, held + got, room - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int error = errno;
            free(held);
            return refuse_file(why, error, path);
        }
        got += (size_t)n;
        if (n == 0 || got > most)
            break;
        if (got == room) {
            uint8_t *larger = realloc(held, 2 * room);
            if (larger == NULL)
                free(held);
            held = larger;
            room *= 2;
        }
    }
    if (held == NULL)
        return refuse_file(why, ENOMEM, path);
    if (got > most) {
        free(held);
        return wr_nn_refuse(why, -E2BIG, NULL, "%s: more than %zu MiB", path,
                            most >> 20);
    }
    *bytes = held;
    *size = got;
    return 0;
}

int wr_nn_file_read(const char *path, size_t most, void **bytes, size_t *size,
                    wr_nn_why *why) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return refuse_file(why, error, path);
    }
    size_t room = 65536;
    if (S_ISREG(about.st_mode) && about.st_size >= 65536)
        // One more, so that the end is seen without more room.
        room =
            (size_t)about.st_size < most ? (size_t)about.st_size + 1 : most + 1;
    int status = read_all(fd, path, most, room, bytes, size, why);
    close(fd);
    return status;
}

int wr_nn_file_write(const char *path, const wr_nn_piece_of_file *pieces,
                     size_t count, wr_nn_why *why) {
    wr_output output = {.fd = -1};
    wr_failure failure = {.status = WR_OK};
    wr_output_options options = {.force = true};
    wr_output_open(&output, path, options, &failure);
    for (size_t i = 0; i < count && failure.status == WR_OK; i++) {
        struct iovec vector = {(void *)(uintptr_t)pieces[i].bytes,
                               pieces[i].size};
        if (pieces[i].size > 0)
            wr_output_writev(&output, &vector, 1, &failure);
    }
    if (failure.status == WR_OK)
        wr_output_commit(&output, &failure);
    wr_output_abandon(&output);
    if (failure.status != WR_OK)
        return wr_nn_refuse(why, -EIO, NULL, "%s", failure.text);
    return 0;
}

// SPDX-License-Identifier: MIT
#include "programs/delta/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// One read never asks for more: the kernel would cut it to this anyway.
enum { READ_MAX = 1 << 30 };

wr_status wr_input_open(wr_input *input, const char *path,
                        wr_failure *failure) {
    *input = (wr_input){.fd = STDIN_FILENO, .name = "standard input"};
    if (path != NULL && strcmp(path, "-") != 0) {
        input->name = path;
        input->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (input->fd < 0)
            return wr_fail(failure, WR_IO_ERROR, "cannot open %s: %s", path,
                           strerror(errno));
        input->owned = true;
    }

    struct stat status;
    input->size = -1;
    if (fstat(input->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return WR_OK;
    input->size = status.st_size;
    input->base = lseek(input->fd, 0, SEEK_CUR);
    // A file of size 0 may still have bytes to read: some under /proc do.
    input->positioned = input->base >= 0 && input->base < input->size;
    if (input->positioned)
        posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return WR_OK;
}

void wr_input_close(wr_input *input) {
    if (input->owned)
        close(input->fd);
    input->owned = false;
    input->fd = -1;
}

uint64_t wr_input_expected(const wr_input *input) {
    return input->positioned ? (uint64_t)(input->size - input->base) : 0;
}

static wr_status read_failed(const wr_input *input, wr_failure *failure) {
    return wr_fail(failure, WR_IO_ERROR, "cannot read %s: %s", input->name,
                   strerror(errno));
}

wr_status wr_input_read(wr_input *input, void *buffer, size_t size, size_t *got,
                        wr_failure *failure) {
    *got = 0;
    while (*got < size) {
        size_t ask = size - *got < READ_MAX ? size - *got : READ_MAX;
        ssize_t count = read(input->fd, (char *)buffer + *got, ask);
        if (count == 0)
            break;
        if (count > 0)
            *got += (size_t)count;
        else if (errno != EINTR)
            return read_failed(input, failure);
    }
    return WR_OK;
}

wr_status wr_input_read_at(const wr_input *input, uint64_t offset, void *buffer,
                           size_t size, size_t *got, wr_failure *failure) {
    *got = 0;
    while (*got < size) {
        size_t ask = size - *got < READ_MAX ? size - *got : READ_MAX;
        off_t at = (off_t)((uint64_t)input->base + offset + *got);
        ssize_t count = pread(input->fd, (char *)buffer + *got, ask, at);
        if (count == 0)
            break;
        if (count > 0)
            *got += (size_t)count;
        else if (errno != EINTR)
            return read_failed(input, failure);
    }
    return WR_OK;
}

// SPDX-License-Identifier: MIT
#include "programs/tiles/file.h"
#include "programs/save.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char banner[] = "%%MatrixMarket";
enum { BANNER = sizeof(banner) - 1, CHUNK = 1 << 20 };

static int failed(wr_tiles_why *why, int status) {
    return wr_tiles_refuse(why, status, "%s", strerror(-status));
}

static bool ends_in_mtx(const char *path) {
    size_t size = strlen(path);
    return size >= 4 && strcmp(path + size - 4, ".mtx") == 0;
}

// ---- reading ---------------------------------------------------------------

// Up to `size` bytes; less is the end of the file.
static ssize_t read_all(int file, void *data, size_t size) {
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(file, (char *)data + have, size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static int read_text(int file, char **out, size_t *out_size) {
    size_t size = 0, room = CHUNK;
    char *text = malloc(room);
    ssize_t got = -ENOMEM;
    while (text != NULL &&
           (got = read_all(file, text + size, room - size)) >= 0) {
        size += (size_t)got;
        if (size < room) {
            *out = text;
            *out_size = size;
            return 0;
        }
        char *more = room < SIZE_MAX / 2 ? realloc(text, room * 2) : NULL;
        got = -ENOMEM;
        if (more == NULL)
            break;
        text = more;
        room *= 2;
    }
    free(text);
    return (int)got;
}

// A raw file is as long as a square matrix is.
static int find_order(wr_tiles_input *input, uint64_t bytes,
                      wr_tiles_why *why) {
    uint64_t size = wr_tiles_real_size(input->real), count = bytes / size;
    uint64_t order = (uint64_t)sqrt((double)count);
    while (order * order > count)
        order--;
    while ((order + 1) * (order + 1) <= count)
        order++;
    if (bytes == 0 || order * order * size != bytes)
        return wr_tiles_refuse(
            why, -EBADMSG,
            "%llu bytes are no square of numbers of %llu bytes (see --type)",
            (unsigned long long)bytes, (unsigned long long)size);
    if (order > WR_TILES_ORDER_MAX)
        return wr_tiles_refuse(why, -EBADMSG, "the order is %llu, not 1 to %d",
                               (unsigned long long)order, WR_TILES_ORDER_MAX);
    input->order = (size_t)order;
    return 0;
}

static int open_text(wr_tiles_input *input, wr_tiles_why *why) {
    size_t size = 0;
    int error = read_text(input->file, &input->text, &size);
    (void)close(input->file);
    input->file = -1;
    if (error != 0)
        return failed(why, error);
    error = wr_tiles_market_open(&input->market, input->text, size, why);
    input->order = input->market.order;
    return error;
}

static int look_at(wr_tiles_input *input, const char *path, wr_tiles_why *why) {
    struct stat about;
    char head[BANNER];
    if (fstat(input->file, &about) != 0)
        return failed(why, -errno);
    if (S_ISDIR(about.st_mode))
        return failed(why, -EISDIR);
    if (!S_ISREG(about.st_mode) || ends_in_mtx(path))
        return open_text(input, why);
    ssize_t got = read_all(input->file, head, BANNER);
    if (got < 0 || lseek(input->file, 0, SEEK_SET) != 0)
        return failed(why, got < 0 ? (int)got : -errno);
    if (got == BANNER && memcmp(head, banner, BANNER) == 0)
        return open_text(input, why);
    return find_order(input, (uint64_t)about.st_size, why);
}

int wr_tiles_input_open(wr_tiles_input *input, const char *path,
                        wr_tiles_real real, wr_tiles_why *why) {
    *input = (wr_tiles_input){.real = real};
    input->file = open(path, O_RDONLY | O_CLOEXEC);
    if (input->file < 0) {
        int error = -errno;
        *input = (wr_tiles_input){.file = -1};
        return failed(why, error);
    }
    int error = look_at(input, path, why);
    if (error != 0)
        wr_tiles_input_close(input);
    return error;
}

static int read_raw(wr_tiles_input *input, const wr_tiles_matrix *out,
                    wr_tiles_why *why) {
    size_t size = wr_tiles_real_size(out->real), bytes = out->order * size;
    for (size_t j = 0; j < out->order; j++) {
        ssize_t got = read_all(input->file,
                               (char *)out->data + j * out->lead * size, bytes);
        if (got < 0)
            return failed(why, (int)got);
        if ((size_t)got != bytes)
            return wr_tiles_refuse(why, -EBADMSG,
                                   "it became shorter while it was read");
        for (size_t i = 0; i < out->order; i++)
            if (!isfinite(wr_tiles_at(out, i, j)))
                return wr_tiles_refuse(
                    why, -EBADMSG, "row %zu, column %zu is no finite number",
                    i + 1, j + 1);
    }
    return 0;
}

int wr_tiles_input_read(wr_tiles_input *input, const wr_tiles_matrix *out,
                        wr_tiles_why *why) {
    if (input->text != NULL)
        return wr_tiles_market_read(&input->market, out, why);
    return read_raw(input, out, why);
}

void wr_tiles_input_close(wr_tiles_input *input) {
    if (input->order != 0 && input->text == NULL)
        (void)close(input->file);
    free(input->text);
    *input = (wr_tiles_input){.file = -1};
}

// ---- writing ---------------------------------------------------------------

int wr_tiles_save(const char *path, int (*write)(void *context, FILE *out),
                  void *context, wr_tiles_why *why) {
    int error = wr_save(path, write, context);
    return error == 0 ? 0 : failed(why, error);
}

static int write_raw(void *context, FILE *out) {
    const wr_tiles_matrix *m = context;
    size_t size = wr_tiles_real_size(m->real);
    for (size_t j = 0; j < m->order; j++)
        if (fwrite((const char *)m->data + j * m->lead * size, size, m->order,
                   out) != m->order)
            return errno != 0 ? -errno : -EIO;
    return 0;
}

static int write_market(void *context, FILE *out) {
    const wr_tiles_matrix *m = context;
    // So many digits that reading gives the same number.
    int digits = m->real == WR_TILES_DOUBLE ? 17 : 9;
    fprintf(out, "%%%%MatrixMarket matrix array real general\n%zu %zu\n",
            m->order, m->order);
    for (size_t j = 0; j < m->order; j++)
        for (size_t i = 0; i < m->order; i++)
            if (fprintf(out, "%.*g\n", digits, wr_tiles_at(m, i, j)) < 0)
                return errno != 0 ? -errno : -EIO;
    return 0;
}

int wr_tiles_save_matrix(const char *path, const wr_tiles_matrix *m,
                         wr_tiles_why *why) {
    wr_tiles_matrix copy = *m;
    return wr_tiles_save(path, ends_in_mtx(path) ? write_market : write_raw,
                         &copy, why);
}

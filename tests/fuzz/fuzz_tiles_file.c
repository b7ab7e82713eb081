// SPDX-License-Identifier: MIT
// Feeds files of any bytes to `weir tiles`, raw or Matrix Market as it finds:
// what is looked for is a crash, a sanitizer's complaint, a refusal that is not
// one line, a raw matrix that is not the file's bytes, one that is not finite,
// or one that is another when it is saved and read again, in either form.
//
// The first byte says: bit 0 the type, bit 1 the form that it is saved in. How
// to run it: engine.h.
#include "engine.h"

#include "programs/tiles/file.h"

#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>

enum { ORDER_MAX = 24, INPUT_MAX = 8192 };

static int file = -1;
static char path[64], folder[64], saved[2][96];

static void broken(const char *what, const char *more) {
    printf("fuzz_tiles_file: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static void remove_saved(void) {
    unlink(saved[0]);
    unlink(saved[1]);
    rmdir(folder);
}

static void prepare(void) {
    struct stat status;
    if (file >= 0)
        return;
    file = memfd_create("matrix", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    snprintf(folder, sizeof(folder), "%s/weir-fuzz-XXXXXX",
             stat("/dev/shm", &status) == 0 ? "/dev/shm" : "/tmp");
    if (file < 0 || mkdtemp(folder) == NULL)
        broken("no file", folder);
    snprintf(saved[0], sizeof(saved[0]), "%s/m", folder);
    snprintf(saved[1], sizeof(saved[1]), "%s/m.mtx", folder);
    atexit(remove_saved);
}

static void check_line(const wr_tiles_why *why) {
    if (why->text[0] == '\0' || strchr(why->text, '\n') != NULL)
        broken("not one line", why->text);
}

// True: *out has it, of at most ORDER_MAX. *raw: the file is no text.
static bool read_matrix(const char *name, wr_tiles_matrix *out, bool *raw) {
    wr_tiles_input input;
    wr_tiles_why why = {""};
    int error = wr_tiles_input_open(&input, name, out->real, &why);
    if (error != 0) {
        check_line(&why);
        if (input.file >= 0 || input.text != NULL)
            broken("refused, and something is open", why.text);
        return false;
    }
    if (input.order < 1 || input.order > WR_TILES_ORDER_MAX)
        broken("an odd order", "");
    *raw = input.text == NULL;
    out->order = input.order;
    bool fits = input.order <= ORDER_MAX;
    if (fits)
        error = wr_tiles_input_read(&input, out, &why);
    if (error != 0)
        check_line(&why);
    wr_tiles_input_close(&input);
    return fits && error == 0;
}

static bool same(const wr_tiles_matrix *a, const wr_tiles_matrix *b) {
    if (a->order != b->order)
        return false;
    for (size_t j = 0; j < a->order; j++)
        for (size_t i = 0; i < a->order; i++) {
            double x = wr_tiles_at(a, i, j), y = wr_tiles_at(b, i, j);
            if (!isfinite(x) || x < y || x > y)
                return false;
        }
    return true;
}

static void save_and_read(const wr_tiles_matrix *m, bool text) {
    static double data[ORDER_MAX * ORDER_MAX];
    wr_tiles_matrix again = {data, 0, ORDER_MAX, m->real};
    wr_tiles_why why = {""};
    bool raw = text;
    if (wr_tiles_save_matrix(saved[text], m, &why) != 0)
        broken("it cannot be saved", why.text);
    if (!read_matrix(saved[text], &again, &raw) || raw == text)
        broken("what was saved is none", saved[text]);
    if (!same(m, &again))
        broken("saved and read it is another", saved[text]);
}

static void check_raw(const wr_tiles_matrix *m, const uint8_t *data,
                      size_t size) {
    size_t element = wr_tiles_real_size(m->real), row = m->order * element;
    if (m->order * row != size)
        broken("a raw file of another size", "");
    for (size_t j = 0; j < m->order; j++)
        if (memcmp((char *)m->data + j * m->lead * element, data + j * row,
                   row) != 0)
            broken("not what is in the file", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static double one[ORDER_MAX * ORDER_MAX];
    prepare();
    if (size < 1)
        return 0;
    wr_tiles_matrix m = {one, 0, ORDER_MAX,
                         data[0] & 1 ? WR_TILES_SINGLE : WR_TILES_DOUBLE};
    bool raw = false;
    if (ftruncate(file, 0) != 0 ||
        (size > 1 &&
         pwrite(file, data + 1, size - 1, 0) != (ssize_t)(size - 1)))
        broken("cannot write", path);
    if (!read_matrix(path, &m, &raw))
        return 0;
    if (!same(&m, &m))
        broken("not finite", "");
    if (raw)
        check_raw(&m, data + 1, size - 1);
    if (size % 4 == 0)
        save_and_read(&m, data[0] & 2);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: squares of numbers, damaged a little

static size_t seed_raw(uint8_t *out, bool single) {
    size_t order = 1 + below(ORDER_MAX);
    for (size_t i = 0; i < order * order; i++) {
        double value = (double)below(1000) / 7 - 60;
        value = below(50) == 0 ? 1e300 : value;
        float half = value < 1e30 ? (float)value : 1e30F;
        if (single)
            memcpy(out + i * 4, &half, 4);
        else
            memcpy(out + i * 8, &value, 8);
    }
    return order * order * (single ? 4 : 8);
}

static size_t seed_text(char *out) {
    size_t order = 1 + below(4);
    int size = snprintf(out, INPUT_MAX,
                        "%%%%MatrixMarket matrix array real general\n%zu %zu\n",
                        order, order);
    for (size_t i = 0; i < order * order; i++)
        size += snprintf(out + size, INPUT_MAX - (size_t)size, "%.3g\n",
                         (double)below(1000) / 7);
    return (size_t)size;
}

static void one_round(void) {
    static const char odd[] = "\0\n%\x7f\x80\xf0\xff .0e";
    static uint8_t data[2 * INPUT_MAX];
    data[0] = (uint8_t)below(4);
    size_t size = below(3) == 0 ? seed_text((char *)data + 1)
                                : seed_raw(data + 1, data[0] & 1);
    if (below(2))
        size = fuzz_damage(data + 1, size, odd, sizeof(odd) - 1, 6, 0);
    else if (size > 1 && below(3) == 0) // a number that is none
        memset(data + 1 + below(size / 8 + 1) * 8, 0xff, 8);
    LLVMFuzzerTestOneInput(data, 1 + size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_tiles_file", one_round);
}

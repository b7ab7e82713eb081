// SPDX-License-Identifier: MIT
// Matrices in files: what is read, what is refused and in which words, and that
// a file is written whole or not at all.
#include "support/check.h"

#include "programs/tiles/file.h"
#include "programs/tiles/matrix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32];

static void enter(void) {
    strcpy(folder, "/tmp/weir-tiles-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    CHECK(chdir(folder) == 0);
}

// Whatever is left would be a mistake of its own.
static void leave(void) {
    CHECK(chdir("/") == 0);
    CHECK(rmdir(folder) == 0);
}

static void write_file(const char *path, const void *data, size_t size) {
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    CHECK(file >= 0);
    CHECK(write(file, data, size) == (ssize_t)size);
    CHECK(close(file) == 0);
}

static wr_tiles_matrix matrix(size_t order, wr_tiles_real real) {
    wr_tiles_matrix m = {NULL, order, wr_tiles_lead(order, real), real};
    m.data = calloc(1, wr_tiles_matrix_bytes(&m));
    CHECK(m.data != NULL);
    return m;
}

// ---- texts -----------------------------------------------------------------

// Reads a text; NULL in why: it is good, and the matrix is the caller's.
static wr_tiles_matrix read_text(const char *text, wr_tiles_real real,
                                 wr_tiles_why *why) {
    // Exactly as long as it is: a sanitizer sees each byte beyond.
    size_t size = strlen(text);
    char *copy = malloc(size + 1);
    CHECK(copy != NULL);
    memmove(copy, text, size);
    copy = realloc(copy, size != 0 ? size : 1);
    CHECK(copy != NULL);
    wr_tiles_market market;
    wr_tiles_matrix m = {.data = NULL};
    why->text[0] = '\0';
    int error = wr_tiles_market_open(&market, copy, size, why);
    if (error == 0) {
        m = matrix(market.order, real);
        error = wr_tiles_market_read(&market, &m, why);
    }
    free(copy);
    CHECK((error == 0) == (why->text[0] == '\0'));
    if (error == 0)
        return m;
    CHECK_EQ(error, -EBADMSG);
    free(m.data);
    return (wr_tiles_matrix){.data = NULL};
}

// elements: by rows.
static void is(const char *text, size_t order, const double *elements) {
    wr_tiles_why why;
    wr_tiles_matrix m = read_text(text, WR_TILES_DOUBLE, &why);
    CHECK_STR(why.text, "");
    CHECK_EQ(m.order, order);
    for (size_t i = 0; i < order; i++)
        for (size_t j = 0; j < order; j++)
            if (wr_tiles_at(&m, i, j) != elements[i * order + j])
                CHECK_FAIL("(%zu, %zu) is %g", i, j, wr_tiles_at(&m, i, j));
    free(m.data);
}

static void refused(const char *text, const char *expected) {
    wr_tiles_why why;
    wr_tiles_matrix m = read_text(text, WR_TILES_DOUBLE, &why);
    CHECK(m.data == NULL);
    CHECK_STR(why.text, expected);
}

#define HEAD(format, field, symmetry)                                          \
    "%%MatrixMarket matrix " format " " field " " symmetry "\n"

static void arrays_are_by_columns(void) {
    is(HEAD("array", "real", "general") "2 2\n1\n2\n3\n4\n", 2,
       (const double[]){1, 3, 2, 4});
    is(HEAD("array", "real", "symmetric") "2 2\n1\n2\n3\n", 2,
       (const double[]){1, 2, 2, 3});
    is(HEAD("array", "integer", "general") "1 1\n-7\n", 1,
       (const double[]){-7});
}

static void coordinates_are_placed_and_the_rest_is_zero(void) {
    is(HEAD("coordinate", "real", "general") "2 2 2\n1 2 5\n2 1 -1e1\n", 2,
       (const double[]){0, 5, -10, 0});
    is(HEAD("coordinate", "real", "symmetric") "2 2 2\n1 1 3\n2 1 4\n", 2,
       (const double[]){3, 4, 4, 0});
    is(HEAD("coordinate", "pattern", "general") "2 2 1\n2 2\n", 2,
       (const double[]){0, 0, 0, 1});
    is(HEAD("coordinate", "real", "general") "1 1 0\n", 1, (const double[]){0});
}

static void entries_of_one_place_add_up(void) {
    is(HEAD("coordinate", "real", "general") "1 1 2\n1 1 2\n1 1 3\n", 1,
       (const double[]){5});
    is(HEAD("coordinate", "integer", "symmetric") "2 2 2\n2 1 2\n2 1 3\n", 2,
       (const double[]){0, 5, 5, 0});
}

static void what_others_write_is_understood(void) {
    // Comments, empty lines, capitals, tabs, \r\n, no newline at the end,
    // Fortran's exponents.
    is("%%matrixmarket MATRIX Array REAL General\r\n% a comment\r\n\r\n"
       "\t2   2\r\n1\r\n%x\n+2.5\n\n-.5E-1\n1d2",
       2, (const double[]){1, -0.05, 2.5, 100});
}

static void what_is_wrong_is_named_with_its_line(void) {
    refused("", "line 1: not '%%MatrixMarket matrix FORMAT FIELD SYMMETRY'");
    refused("\n" HEAD("array", "real", "general") "1 1\n1\n",
            "line 1: not '%%MatrixMarket matrix FORMAT FIELD SYMMETRY'");
    refused("%%MatrixMarket matrix array real\n",
            "line 1: not '%%MatrixMarket matrix FORMAT FIELD SYMMETRY'");
    refused("%%MatrixMarket vector array real general\n",
            "line 1: a 'vector', not a 'matrix'");
    refused(HEAD("sparse", "real", "general"),
            "line 1: the format is 'sparse', not 'array' or 'coordinate'");
    refused(HEAD("array", "complex", "general"),
            "line 1: the field is 'complex', not 'real', 'integer' or "
            "'pattern'");
    refused(HEAD("array", "pattern", "general"),
            "line 1: an 'array' cannot be a 'pattern'");
    refused(HEAD("array", "real", "skew-symmetric"),
            "line 1: the symmetry is 'skew-symmetric', not 'general' or "
            "'symmetric'");
    refused(HEAD("array", "real", "general") "% no more\n",
            "line 3: the file ends before its size");
    refused(HEAD("array", "real", "general") "\n2 3\n",
            "line 3: 2 by 3 is not square");
    refused(HEAD("array", "real", "general") "2\n",
            "line 2: not 'ROWS COLUMNS'");
    refused(HEAD("coordinate", "real", "general") "2 2\n",
            "line 2: not 'ROWS COLUMNS ENTRIES'");
    refused(HEAD("array", "real", "general") "0 0\n",
            "line 2: the order is 0, not 1 to 1048576");
    refused(HEAD("array", "real", "general") "99999999 99999999\n",
            "line 2: the order is 99999999, not 1 to 1048576");
}

static void what_is_wrong_with_an_entry_is_named(void) {
    const char *const ends = HEAD("array", "real", "general") "2 2\n1\n2\n3\n";
    refused(ends, "line 5: the file ends after 3 of 4 entries");
    refused(HEAD("array", "real", "general") "1 1\n1\n2\n",
            "line 4: more than the 1 entries that there should be");
    refused(HEAD("array", "real", "general") "2 2\n1 2\n3 4\n",
            "line 3: not one number");
    refused(HEAD("array", "real", "general") "1 1\n0x10\n",
            "line 3: '0x10' is no finite number");
    refused(HEAD("array", "real", "general") "1 1\ninf\n",
            "line 3: 'inf' is no finite number");
    refused(HEAD("array", "real", "general") "1 1\n1e999\n",
            "line 3: '1e999' is too large");
    refused(HEAD("array", "real", "general") "1 1\n1.2.3\n",
            "line 3: '1.2.3' is no finite number");
    refused(HEAD("array", "integer", "general") "1 1\n1.5\n",
            "line 3: '1.5' is no integer");
    refused(HEAD("array", "real", "general") "1 1\n\x01\x7f\xff"
                                             "aaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
            "line 3: '\?\?\?aaaaaaaaaaaaaaaaaaaaa...' is no finite number");
    refused(HEAD("coordinate", "real", "general") "2 2 1\n3 1 1\n",
            "line 3: row and column are not 1 to 2");
    refused(HEAD("coordinate", "real", "general") "2 2 1\n1 0 1\n",
            "line 3: row and column are not 1 to 2");
    refused(HEAD("coordinate", "real", "general") "2 2 1\n1 1\n",
            "line 3: not 'ROW COLUMN VALUE'");
    refused(HEAD("coordinate", "pattern", "general") "2 2 1\n1 1 1\n",
            "line 3: not 'ROW COLUMN'");
    refused(HEAD("coordinate", "real", "symmetric") "2 2 1\n1 2 1\n",
            "line 3: above the diagonal of a symmetric matrix");
    refused(
        HEAD("coordinate", "real", "general") "1 1 2\n1 1 1e308\n1 1 1e308\n",
        "line 4: the sum of this element's entries is too large");
}

static void what_a_float_cannot_hold_is_refused_as_one(void) {
    wr_tiles_why why;
    const char *text = HEAD("array", "real", "general") "1 1\n1e39\n";
    wr_tiles_matrix m = read_text(text, WR_TILES_DOUBLE, &why);
    CHECK_STR(why.text, "");
    free(m.data);
    m = read_text(text, WR_TILES_SINGLE, &why);
    CHECK(m.data == NULL);
    CHECK_STR(why.text, "line 3: '1e39' is too large");
}

// ---- files -----------------------------------------------------------------

static int open_read(const char *path, wr_tiles_real real, wr_tiles_matrix *out,
                     wr_tiles_why *why) {
    wr_tiles_input input;
    int error = wr_tiles_input_open(&input, path, real, why);
    if (error != 0)
        return error;
    *out = matrix(input.order, real);
    error = wr_tiles_input_read(&input, out, why);
    wr_tiles_input_close(&input);
    if (error != 0)
        free(out->data);
    return error;
}

static void what_is_written_is_read_back_to_the_bit(void) {
    enter();
    for (int real = 0; real < 2; real++)
        for (size_t order = 1; order < 40; order += 6)
            for (int raw = 0; raw < 2; raw++) {
                const char *path = raw ? "m.raw" : "m.mtx";
                wr_tiles_matrix m = matrix(order, (wr_tiles_real)real), back;
                wr_tiles_why why;
                wr_tiles_generate(&m, order, raw == 0);
                CHECK_EQ(wr_tiles_save_matrix(path, &m, &why), 0);
                CHECK_EQ(open_read(path, (wr_tiles_real)real, &back, &why), 0);
                CHECK_EQ(back.order, order);
                CHECK(memcmp(m.data, back.data, wr_tiles_matrix_bytes(&m)) ==
                      0);
                free(m.data);
                free(back.data);
                CHECK(unlink(path) == 0);
            }
    leave();
}

static void raw_files_are_squares_of_numbers(void) {
    enter();
    wr_tiles_matrix m;
    wr_tiles_why why;
    const double four[] = {1, 2, 3, 4};
    write_file("m", four, sizeof(four));
    CHECK_EQ(open_read("m", WR_TILES_DOUBLE, &m, &why), 0);
    CHECK(wr_tiles_at(&m, 1, 0) == 2 && wr_tiles_at(&m, 0, 1) == 3);
    free(m.data);
    CHECK_EQ(open_read("m", WR_TILES_SINGLE, &m, &why), -EBADMSG);
    CHECK_STR(why.text,
              "32 bytes are no square of numbers of 4 bytes (see --type)");
    write_file("m", four, 0);
    CHECK_EQ(open_read("m", WR_TILES_DOUBLE, &m, &why), -EBADMSG);
    write_file("m", four, 9);
    CHECK_EQ(open_read("m", WR_TILES_DOUBLE, &m, &why), -EBADMSG);
    const double odd[] = {1, 2, NAN, 4};
    write_file("m", odd, sizeof(odd));
    CHECK_EQ(open_read("m", WR_TILES_DOUBLE, &m, &why), -EBADMSG);
    CHECK_STR(why.text, "row 1, column 2 is no finite number");
    CHECK(unlink("m") == 0);
    leave();
}

static void a_market_file_is_known_by_its_banner_too(void) {
    enter();
    wr_tiles_matrix m;
    wr_tiles_why why;
    const char text[] = HEAD("array", "real", "general") "1 1\n3\n";
    write_file("m", text, sizeof(text) - 1);
    CHECK_EQ(open_read("m", WR_TILES_DOUBLE, &m, &why), 0);
    CHECK(wr_tiles_at(&m, 0, 0) == 3);
    free(m.data);
    CHECK(unlink("m") == 0);
    leave();
}

static void what_cannot_be_opened_is_told(void) {
    enter();
    wr_tiles_matrix m;
    wr_tiles_why why;
    CHECK_EQ(open_read("none", WR_TILES_DOUBLE, &m, &why), -ENOENT);
    CHECK_STR(why.text, "No such file or directory");
    CHECK_EQ(open_read(".", WR_TILES_DOUBLE, &m, &why), -EISDIR);
    leave();
}

static unsigned files_here(void) {
    unsigned count = 0;
    DIR *here = opendir(".");
    CHECK(here != NULL);
    for (struct dirent *entry; (entry = readdir(here)) != NULL;)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(here);
    return count;
}

static int half(void *context, FILE *out) {
    fputs("half", out);
    (void)fflush(out);
    // While it is written, only what was there before is.
    CHECK_EQ(files_here(), *(unsigned *)context);
    return -EDOM;
}

static int whole(void *context, FILE *out) {
    fputs(context, out);
    return 0;
}

static void a_file_is_whole_or_as_it_was(void) {
    enter();
    wr_tiles_why why;
    unsigned count = 0;
    CHECK_EQ(wr_tiles_save("f", half, &count, &why), -EDOM);
    CHECK_EQ(files_here(), 0);
    write_file("f", "old", 3);
    count = 1;
    CHECK_EQ(wr_tiles_save("f", half, &count, &why), -EDOM);
    CHECK_EQ(files_here(), 1);
    CHECK(chmod("f", 0600) == 0);
    CHECK(symlink("f", "link") == 0);
    char text[] = "new";
    CHECK_EQ(wr_tiles_save("link", whole, text, &why), 0);
    struct stat about;
    CHECK(lstat("link", &about) == 0 && S_ISLNK(about.st_mode));
    CHECK(stat("f", &about) == 0 && (about.st_mode & 0777) == 0600);
    CHECK_EQ(about.st_size, 3);
    CHECK_EQ(files_here(), 2);
    CHECK_EQ(wr_tiles_save("no/where", whole, text, &why), -ENOENT);
    CHECK_EQ(wr_tiles_save(".", whole, text, &why), -EISDIR);
    CHECK(unlink("link") == 0 && unlink("f") == 0);
    leave();
}

static void a_full_device_is_told(void) {
    wr_tiles_why why;
    char text[] = "text";
    if (access("/dev/full", W_OK) != 0)
        SKIP("no /dev/full");
    CHECK_EQ(wr_tiles_save("/dev/full", whole, text, &why), -ENOSPC);
    CHECK_STR(why.text, "No space left on device");
}

static void asymmetry_is_named(void) {
    wr_tiles_why why;
    wr_tiles_matrix m = matrix(9, WR_TILES_DOUBLE);
    wr_tiles_generate(&m, 5, true);
    CHECK_EQ(wr_tiles_symmetric(&m, &why), 0);
    wr_tiles_put(&m, 7, 2, 0.5);
    wr_tiles_put(&m, 2, 7, 0.25);
    CHECK_EQ(wr_tiles_symmetric(&m, &why), -EDOM);
    CHECK_STR(why.text, "it is not symmetric: row 8, column 3 is 0.5, row 3, "
                        "column 8 is 0.25");
    free(m.data);
}

static const test_case cases[] = {
    {"arrays_are_by_columns", arrays_are_by_columns},
    {"coordinates_are_placed_and_the_rest_is_zero",
     coordinates_are_placed_and_the_rest_is_zero},
    {"entries_of_one_place_add_up", entries_of_one_place_add_up},
    {"what_others_write_is_understood", what_others_write_is_understood},
    {"what_is_wrong_is_named_with_its_line",
     what_is_wrong_is_named_with_its_line},
    {"what_is_wrong_with_an_entry_is_named",
     what_is_wrong_with_an_entry_is_named},
    {"what_a_float_cannot_hold_is_refused_as_one",
     what_a_float_cannot_hold_is_refused_as_one},
    {"what_is_written_is_read_back_to_the_bit",
     what_is_written_is_read_back_to_the_bit},
    {"raw_files_are_squares_of_numbers", raw_files_are_squares_of_numbers},
    {"a_market_file_is_known_by_its_banner_too",
     a_market_file_is_known_by_its_banner_too},
    {"what_cannot_be_opened_is_told", what_cannot_be_opened_is_told},
    {"a_file_is_whole_or_as_it_was", a_file_is_whole_or_as_it_was},
    {"a_full_device_is_told", a_full_device_is_told},
    {"asymmetry_is_named", asymmetry_is_named},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

// SPDX-License-Identifier: MIT
// Outputs appear only when complete; inputs are read to their end.
#include "programs/delta/io.h"
#include "programs/delta/line.h"
#include "support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

// An empty folder to work in, gone at the end.
static void enter_folder(void) {
    strcpy(folder, "/tmp/test_delta_io.XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    CHECK_EQ(chdir(folder), 0);
}

static int files_here(void) {
    DIR *here = opendir(".");
    CHECK(here != NULL);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(here)) != NULL;)
        count += entry->d_name[0] != '.' || entry->d_name[1] > '.';
    closedir(here);
    return count;
}

static void leave_folder(void) {
    DIR *here = opendir(".");
    for (struct dirent *entry; (entry = readdir(here)) != NULL;)
        unlink(entry->d_name);
    closedir(here);
    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(rmdir(folder), 0);
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    CHECK(file != NULL);
    fputs(text, file);
    CHECK_EQ(fclose(file), 0);
}

static void check_file(const char *name, const char *expected) {
    char text[64] = "";
    FILE *file = fopen(name, "r");
    CHECK(file != NULL);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    CHECK_STR(text, expected);
}

static void put_text(wr_output *output, const char *text) {
    wr_failure failure = {.status = WR_OK};
    char copy[64];
    strcpy(copy, text);
    struct iovec piece = {copy, strlen(copy)};
    CHECK_EQ(wr_output_writev(output, &piece, 1, &failure), WR_OK);
}

// ---------------------------------------------------------------------------
// Outputs

static void an_output_appears_when_it_is_complete(void) {
    enter_folder();
    for (int named = 0; named < 2; named++) {
        wr_output output;
        wr_failure failure = {.status = WR_OK};
        wr_output_options options = {.named = named};
        const char *name = named ? "named" : "nameless";
        CHECK_EQ(wr_output_open(&output, name, options, &failure), WR_OK);
        put_text(&output, "text");
        CHECK(access(name, F_OK) != 0);
        CHECK_EQ(wr_output_commit(&output, &failure), WR_OK);
        check_file(name, "text");
        CHECK_EQ(files_here(), named + 1);
        wr_output_abandon(&output);
        check_file(name, "text");
    }
    leave_folder();
}

static void an_abandoned_output_leaves_nothing(void) {
    enter_folder();
    for (int named = 0; named < 2; named++) {
        wr_output output;
        wr_failure failure = {.status = WR_OK};
        wr_output_options options = {.named = named};
        CHECK_EQ(wr_output_open(&output, "out", options, &failure), WR_OK);
        put_text(&output, "text");
        wr_output_abandon(&output);
        CHECK_EQ(files_here(), 0);
    }
    leave_folder();
}

static void what_exists_is_refused_without_force(void) {
    enter_folder();
    write_file("out", "old");
    wr_output output;
    wr_failure failure = {.status = WR_OK};
    wr_output_options options = {.force = false};
    CHECK_EQ(wr_output_open(&output, "out", options, &failure), WR_IO_ERROR);
    wr_output_abandon(&output);
    check_file("out", "old");
    failure.status = WR_OK;
    CHECK_EQ(wr_output_open(&output, "/dev/null", options, &failure),
             WR_IO_ERROR); // as rdiff
    wr_output_abandon(&output);
    leave_folder();
}

static void what_comes_meanwhile_is_not_replaced(void) {
    enter_folder();
    for (int named = 0; named < 2; named++) {
        wr_output output;
        wr_failure failure = {.status = WR_OK};
        wr_output_options options = {.named = named};
        CHECK_EQ(wr_output_open(&output, "out", options, &failure), WR_OK);
        put_text(&output, "ours");
        write_file("out", "theirs");
        CHECK_EQ(wr_output_commit(&output, &failure), WR_IO_ERROR);
        wr_output_abandon(&output);
        check_file("out", "theirs");
        CHECK_EQ(files_here(), 1);
        unlink("out");
    }
    leave_folder();
}

static void force_replaces_and_keeps_the_mode(void) {
    enter_folder();
    for (int named = 0; named < 2; named++) {
        write_file("out", "old");
        CHECK_EQ(chmod("out", 0640), 0);
        wr_output output;
        wr_failure failure = {.status = WR_OK};
        wr_output_options options = {.force = true, .named = named};
        CHECK_EQ(wr_output_open(&output, "out", options, &failure), WR_OK);
        put_text(&output, "new");
        check_file("out", "old");
        CHECK_EQ(wr_output_commit(&output, &failure), WR_OK);
        check_file("out", "new");
        struct stat status;
        CHECK_EQ(stat("out", &status), 0);
        CHECK_EQ(status.st_mode & 07777, 0640);
        CHECK_EQ(files_here(), 1);
    }
    leave_folder();
}

static void a_new_file_has_the_umasks_mode(void) {
    enter_folder();
    umask(027);
    wr_output output;
    wr_failure failure = {.status = WR_OK};
    wr_output_options options = {.force = false};
    CHECK_EQ(wr_output_open(&output, "out", options, &failure), WR_OK);
    CHECK_EQ(wr_output_commit(&output, &failure), WR_OK);
    struct stat status;
    CHECK_EQ(stat("out", &status), 0);
    CHECK_EQ(status.st_mode & 07777, 0640);
    leave_folder();
}

static void force_follows_a_link(void) {
    enter_folder();
    write_file("real", "old");
    CHECK_EQ(symlink("real", "link"), 0);
    wr_output output;
    wr_failure failure = {.status = WR_OK};
    wr_output_options options = {.force = true};
    CHECK_EQ(wr_output_open(&output, "link", options, &failure), WR_OK);
    put_text(&output, "new");
    CHECK_EQ(wr_output_commit(&output, &failure), WR_OK);
    check_file("real", "new");
    struct stat status;
    CHECK_EQ(lstat("link", &status), 0);
    CHECK(S_ISLNK(status.st_mode));
    leave_folder();
}

static void an_impossible_place_is_an_error(void) {
    enter_folder();
    wr_output output;
    wr_output_options options = {.force = true};
    static const char *const places[] = {"none/out", ".", ""};
    for (int i = 0; i < 3; i++) {
        wr_failure failure = {.status = WR_OK};
        CHECK_EQ(wr_output_open(&output, places[i], options, &failure),
                 WR_IO_ERROR);
        CHECK(failure.text[0] != '\0');
        wr_output_abandon(&output);
    }
    CHECK_EQ(files_here(), 0);
    leave_folder();
}

// A child opens an output, writes, and gets the signal.
static int ended_by(int signal_number, bool named, bool ignored) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(signal_number, ignored ? SIG_IGN : SIG_DFL);
        wr_output output;
        wr_failure failure = {.status = WR_OK};
        wr_output_options options = {.named = named};
        if (wr_output_open(&output, "out", options, &failure) != WR_OK)
            _exit(1);
        put_text(&output, "text");
        if (files_here() != named)
            _exit(2);
        raise(signal_number);
        wr_output_abandon(&output);
        _exit(3); // only if it was ignored
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void a_signal_leaves_nothing(void) {
    enter_folder();
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGKILL};
    for (int i = 0; i < 4; i++)
        for (int named = 0; named < 2; named++) {
            if (signals[i] == SIGKILL && named)
                continue; // nobody could clean up
            CHECK_EQ(ended_by(signals[i], named, false), signals[i]);
            CHECK_EQ(files_here(), 0);
        }
    CHECK_EQ(ended_by(SIGHUP, true, true), -3); // as nohup wants it
    CHECK_EQ(files_here(), 0);
    leave_folder();
}

// ---------------------------------------------------------------------------
// The writer

static void the_writer_keeps_order_and_bytes(void) {
    enter_folder();
    enum { ROUNDS = 3000 };
    static uint8_t data[300 * 1024];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    wr_output output;
    wr_failure failure = {.status = WR_OK};
    wr_output_options options = {.force = false};
    CHECK_EQ(wr_output_open(&output, "out", options, &failure), WR_OK);
    wr_writer *writer = wr_writer_create(&output);
    FILE *expected = tmpfile();
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t size = i % 100 == 0 ? sizeof(data) : i * i % 5000;
        size_t at = i * 13 % (sizeof(data) - size + 1);
        fwrite(data + at, 1, size, expected);
        if (i % 3 == 0 || size > WR_WRITER_ROOM_MAX) {
            CHECK_EQ(wr_writer_put(writer, data + at, size, &failure), WR_OK);
        } else if (i % 3 == 1) {
            CHECK_EQ(wr_writer_refer(writer, data + at, size, &failure), WR_OK);
        } else {
            uint8_t *room = wr_writer_room(writer, size, &failure);
            CHECK(room != NULL);
            memcpy(room, data + at, size);
            CHECK_EQ(wr_writer_fill(writer, size, &failure), WR_OK);
        }
        if (i % 97 == 0)
            CHECK_EQ(wr_writer_release(writer, &failure), WR_OK);
    }
    CHECK_EQ(wr_writer_flush(writer, &failure), WR_OK);
    CHECK_EQ(output.written, ftell(expected));
    CHECK_EQ(wr_output_commit(&output, &failure), WR_OK);
    wr_writer_destroy(writer);
    rewind(expected);
    FILE *got = fopen("out", "r");
    int byte;
    do {
        byte = getc(expected);
        CHECK_EQ(getc(got), byte);
    } while (byte != EOF);
    fclose(got);
    fclose(expected);
    leave_folder();
}

static void a_write_error_is_reported(void) {
    wr_output output;
    wr_failure failure = {.status = WR_OK};
    wr_output_options options = {.force = true};
    CHECK_EQ(wr_output_open(&output, "/dev/full", options, &failure), WR_OK);
    wr_writer *writer = wr_writer_create(&output);
    CHECK_EQ(wr_writer_put(writer, "x", 1, &failure), WR_OK);
    CHECK_EQ(wr_writer_flush(writer, &failure), WR_IO_ERROR);
    wr_writer_destroy(writer);
    wr_output_abandon(&output);
}

// ---------------------------------------------------------------------------
// Inputs

static void a_pipe_is_read_to_its_end(void) {
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(write(ends[1], "abc", 3), 3);
    CHECK_EQ(write(ends[1], "defgh", 5), 5);
    close(ends[1]);
    wr_input input = {.fd = ends[0], .name = "pipe", .size = -1};
    wr_failure failure = {.status = WR_OK};
    char text[16] = "";
    size_t got;
    CHECK_EQ(wr_input_read(&input, text, 6, &got, &failure), WR_OK);
    CHECK_EQ(got, 6);
    CHECK_STR(text, "abcdef");
    CHECK_EQ(wr_input_read(&input, text, 6, &got, &failure), WR_OK);
    CHECK_EQ(got, 2);
    CHECK_EQ(wr_input_expected(&input), 0);
    close(ends[0]);
}

static void standard_input_begins_where_it_stands(void) {
    enter_folder();
    write_file("in", "0123456789");
    int fd = open("in", O_RDONLY);
    CHECK_EQ(lseek(fd, 4, SEEK_SET), 4);
    CHECK(dup2(fd, STDIN_FILENO) >= 0);
    wr_input input;
    wr_failure failure = {.status = WR_OK};
    CHECK_EQ(wr_input_open(&input, "-", &failure), WR_OK);
    CHECK(input.positioned);
    CHECK_EQ(wr_input_expected(&input), 6);
    char text[16] = "";
    size_t got;
    CHECK_EQ(wr_input_read_at(&input, 1, text, 10, &got, &failure), WR_OK);
    CHECK_EQ(got, 5);
    CHECK_STR(text, "56789");
    wr_input_close(&input);
    close(fd);
    leave_folder();
}

static void a_missing_or_unreadable_input_is_an_error(void) {
    wr_input input;
    wr_failure failure = {.status = WR_OK};
    CHECK_EQ(wr_input_open(&input, "/none/at/all", &failure), WR_IO_ERROR);
    failure.status = WR_OK;
    CHECK_EQ(wr_input_open(&input, "/", &failure), WR_OK);
    char text[4];
    size_t got;
    CHECK_EQ(wr_input_read(&input, text, 4, &got, &failure), WR_IO_ERROR);
    wr_input_close(&input);
}

// ---------------------------------------------------------------------------
// The line

enum { LINE_TOKENS = 5, LINE_ITEMS = 500 };

typedef struct line_test {
    int filled, drained, fail_at;
    int value[LINE_TOKENS];
    bool in_use[LINE_TOKENS];
} line_test;

static bool line_fill(void *context, void *token) {
    line_test *test = context;
    bool *in_use = token;
    if (test->filled == LINE_ITEMS)
        return false;
    CHECK(!*in_use); // drained before it is filled again
    *in_use = true;
    test->value[in_use - test->in_use] = test->filled++;
    return true;
}

static void line_work(void *context, void *token) {
    line_test *test = context;
    int *value = &test->value[(bool *)token - test->in_use];
    *value = *value * 3 + 1;
}

static wr_status line_drain(void *context, void *token, wr_failure *failure) {
    line_test *test = context;
    bool *in_use = token;
    CHECK(*in_use);
    *in_use = false;
    CHECK_EQ(test->value[in_use - test->in_use], test->drained * 3 + 1);
    if (test->drained == test->fail_at)
        return wr_fail(failure, WR_CORRUPT, "at %d", test->drained);
    test->drained++;
    return WR_OK;
}

static wr_status line_test_run(line_test *test, unsigned threads,
                               wr_failure *failure) {
    void *tokens[LINE_TOKENS];
    for (int i = 0; i < LINE_TOKENS; i++)
        tokens[i] = &test->in_use[i];
    wr_line line = {test, line_fill, line_work, line_drain};
    return wr_line_run(&line, tokens, LINE_TOKENS, threads, failure);
}

static void the_line_drains_in_order(void) {
    for (unsigned threads = 1; threads < 5; threads++) {
        line_test test = {.fail_at = -1};
        wr_failure failure = {.status = WR_OK};
        CHECK_EQ(line_test_run(&test, threads, &failure), WR_OK);
        CHECK_EQ(test.drained, LINE_ITEMS);
    }
}

static void the_line_stops_at_an_error(void) {
    for (unsigned threads = 1; threads < 5; threads++) {
        line_test test = {.fail_at = 100};
        wr_failure failure = {.status = WR_OK};
        CHECK_EQ(line_test_run(&test, threads, &failure), WR_CORRUPT);
        CHECK_STR(failure.text, "at 100");
        CHECK_EQ(test.drained, 100);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"an_output_appears_when_it_is_complete",
         an_output_appears_when_it_is_complete},
        {"an_abandoned_output_leaves_nothing",
         an_abandoned_output_leaves_nothing},
        {"what_exists_is_refused_without_force",
         what_exists_is_refused_without_force},
        {"what_comes_meanwhile_is_not_replaced",
         what_comes_meanwhile_is_not_replaced},
        {"force_replaces_and_keeps_the_mode",
         force_replaces_and_keeps_the_mode},
        {"a_new_file_has_the_umasks_mode", a_new_file_has_the_umasks_mode},
        {"force_follows_a_link", force_follows_a_link},
        {"an_impossible_place_is_an_error", an_impossible_place_is_an_error},
        {"a_signal_leaves_nothing", a_signal_leaves_nothing},
        {"the_writer_keeps_order_and_bytes", the_writer_keeps_order_and_bytes},
        {"a_write_error_is_reported", a_write_error_is_reported},
        {"a_pipe_is_read_to_its_end", a_pipe_is_read_to_its_end},
        {"standard_input_begins_where_it_stands",
         standard_input_begins_where_it_stands},
        {"a_missing_or_unreadable_input_is_an_error",
         a_missing_or_unreadable_input_is_an_error},
        {"the_line_drains_in_order", the_line_drains_in_order},
        {"the_line_stops_at_an_error", the_line_stops_at_an_error},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

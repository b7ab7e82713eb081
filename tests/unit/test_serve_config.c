// SPDX-License-Identifier: MIT
// The configuration of `weir serve`, as bytes.
#include "support/check.h"

#include "programs/serve/config.h"

#include <errno.h>
#include <unistd.h>

static wr_config config;
static wr_config_why why;

static int read_text(const char *text) {
    wr_config_init(&config);
    why.text[0] = '\0';
    return wr_config_bytes(&config, "f.conf", text, strlen(text), &why);
}

static void refuses(const char *text, const char *line) {
    CHECK_EQ(read_text(text), -EINVAL);
    CHECK_STR(why.text, line);
}

static void good(const char *text) {
    if (read_text(text) != 0 || wr_config_finish(&config, &why) != 0)
        CHECK_FAIL("refused: %s", why.text);
}

// ---- what is taken ---------------------------------------------------------

static void every_kind_of_value_is_read(void) {
    good("# a comment\n; another\n[server]\naddress = ::1\nport=0\n"
         "trace = off\nshutdown = 250ms\n\n"
         "[limits]\njson_bytes = 512KiB\ninput_bytes: 2G ; with words behind\n"
         "bodies_bytes = 3GiB\nrequests = 7\nrequest = 5 min\n"
         "[pool]\nthreads = 3\n");
    CHECK_STR(config.address, "::1");
    CHECK_EQ(config.port, 0);
    CHECK_EQ(config.trace, 0);
    CHECK_EQ(config.shutdown_ns, 250000000);
    CHECK_EQ(config.json_bytes, 512 << 10);
    CHECK_EQ(config.input_bytes, (size_t)2 << 30);
    CHECK_EQ(config.service.requests, 7);
    CHECK_EQ(config.service.request_ns, INT64_C(300000000000));
    CHECK_EQ(config.threads, 3);
    good("[pool]\nthreads = beside-loop\n");
    CHECK_EQ(config.threads, WEIR_THREADS_BESIDE_LOOP);
    good("[server]\r\nport = 1\r\n"); // as some editors write
    CHECK_EQ(config.port, 1);
    good("  [server]\n    port = 2\n\tshutdown = 1s"); // the last one, too
    CHECK_EQ(config.port, 2);
    CHECK_EQ(config.shutdown_ns, 1000000000);
    good("");
}

static void sizes_and_times_have_units(void) {
    static const struct {
        const char *text;
        int error;
        uint64_t value;
    } sizes[] = {{"0", 0, 0},
                 {"17", 0, 17},
                 {"17B", 0, 17},
                 {"4MB", 0, 4000000},
                 {"4mb", 0, 4000000},
                 {"512KiB", 0, 524288},
                 {"2G", 0, UINT64_C(2) << 30},
                 {"1TiB", 0, UINT64_C(1) << 40},
                 {"18446744073709551615", 0, UINT64_MAX},
                 {"18446744073709551616", -ERANGE, 0},
                 {"18014398509481984K", -ERANGE, 0},
                 {"", -EINVAL, 0},
                 {"-1", -EINVAL, 0},
                 {"1.5G", -EINVAL, 0},
                 {"4 XB", -EINVAL, 0},
                 {"MB", -EINVAL, 0}};
    static const struct {
        const char *text;
        int error;
        int64_t value;
    } times[] = {{"0", 0, 0},
                 {"250ms", 0, 250000000},
                 {"30 s", 0, INT64_C(30000000000)},
                 {"7us", 0, 7000},
                 {"2h", 0, INT64_C(7200000000000)},
                 {"30", -EINVAL, 0}, // of what?
                 {"1d", -EINVAL, 0},
                 {"9223372036855s", -ERANGE, 0},
                 {"", -EINVAL, 0}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t value = 1;
        CHECK_EQ(wr_config_size(sizes[i].text, &value), sizes[i].error);
        if (sizes[i].error == 0)
            CHECK(value == sizes[i].value);
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int64_t value = 1;
        CHECK_EQ(wr_config_time(times[i].text, &value), times[i].error);
        if (times[i].error == 0)
            CHECK_EQ(value, times[i].value);
    }
}

static void profiles_set_what_nobody_has_set(void) {
    good("");
    CHECK_EQ(config.threads, WEIR_THREADS_DEFAULT);
    CHECK_EQ(config.service.batch, 8);
    CHECK_EQ(config.service.batch_ns, 0);
    good("[server]\nprofile = many-requests\n");
    CHECK_EQ(config.threads, WEIR_THREADS_BESIDE_LOOP);
    CHECK_EQ(config.service.batch, 1);
    CHECK_EQ(config.service.requests, 1024);
    good("[limits]\nrequests = 5\n[server]\nprofile = batch\n");
    CHECK_EQ(config.service.requests, 5); // whatever comes first
    CHECK_EQ(config.service.batch, 32);
    CHECK_EQ(config.service.batch_ns, 5000000);
}

static void an_option_wins_over_the_file(void) {
    CHECK_EQ(read_text("[server]\nport = 1\nprofile = batch\n"), 0);
    CHECK_EQ(wr_config_set(&config, "server.port=2", &why), 0);
    CHECK_EQ(wr_config_set(&config, "server.port=3", &why), 0); // the last
    CHECK_EQ(wr_config_set(&config, "server.profile=mixed", &why), 0);
    CHECK_EQ(wr_config_finish(&config, &why), 0);
    CHECK_EQ(config.port, 3);
    CHECK_EQ(config.service.batch, 8);
}

static void what_is_printed_reads_back(void) {
    static const char *const texts[] = {
        "", "[server]\nprofile = batch\n",
        "[server]\nprofile = many-requests\nport = 0\naddress = ::\n"
        "[limits]\njson_bytes = 1234567\nidle = 1500us\nfailure = 0\n"
        "[pool]\nthreads = 5\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *printed[2] = {NULL, NULL};
        size_t size;
        good(texts[i]);
        for (int round = 0; round < 2; round++) {
            FILE *out = open_memstream(&printed[round], &size);
            CHECK(out != NULL);
            wr_config_print(&config, out);
            CHECK_EQ(fclose(out), 0);
            good(printed[round]);
        }
        CHECK_STR(printed[0], printed[1]);
        CHECK(strstr(printed[0], "[batching]\nitems = ") != NULL);
        free(printed[0]);
        free(printed[1]);
    }
}

// ---- what is refused -------------------------------------------------------

static void an_unknown_key_or_section_is_refused(void) {
    refuses("[pool]\n\nthread = 3\n",
            "f.conf:3: [pool] has no key thread; it has threads parts");
    refuses("[sever]\nport = 3\n",
            "f.conf:2: no section [sever]; there are [server] [limits] "
            "[batching] [pool]");
    refuses("port = 3\n", "f.conf:1: port stands before any [section]");
    CHECK_EQ(read_text("[limits]\nfoo = 1\n"), -EINVAL);
    CHECK(strstr(why.text, " model_bytes ") != NULL); // all are listed,
    CHECK(strstr(why.text, " operations") != NULL);   // to the last
}

static void a_bad_value_is_refused_with_what_is_allowed(void) {
    refuses("[server]\nport = 65536\n",
            "f.conf:2: port = 65536: it is a whole number, from 0 to 65535");
    refuses("[server]\nport = 1x\n",
            "f.conf:2: port = 1x: it is a whole number, from 0 to 65535");
    refuses("[server]\nport =\n",
            "f.conf:2: port = : it is a whole number, from 0 to 65535");
    refuses("[server]\nprofile = fast\n",
            "f.conf:2: profile = fast: it is mixed or many-requests or batch");
    refuses("[server]\naddress = localhost\n",
            "f.conf:2: address = localhost: it is an address in numbers, of "
            "IPv4 or IPv6");
    refuses("[limits]\njson_bytes = 1.5MB\n",
            "f.conf:2: json_bytes = 1.5MB: it is a size (such as 512KiB, 4MB, "
            "2G), from 1KiB to 1GiB");
    refuses("[limits]\nidle = 30\n",
            "f.conf:2: idle = 30: it is a time with its unit (such as 250ms, "
            "30s, 5min), from 1ms to 24h");
    refuses("[pool]\nthreads = 0\n",
            "f.conf:2: threads = 0: it is all, beside-loop, or a number, from "
            "1 to 1024");
}

static void a_line_that_is_nothing_is_refused(void) {
    refuses("[server]\nport 3\n",
            "f.conf:2: neither a [section], nor key = value, nor a comment");
    refuses("[server\n",
            "f.conf:1: neither a [section], nor key = value, nor a comment");
    // The first line that is wrong is named, whoever sees it.
    refuses("[server]\nport 3\nport = x\n",
            "f.conf:2: neither a [section], nor key = value, nor a comment");
    refuses("[server]\nport = x\nport 3\n",
            "f.conf:2: port = x: it is a whole number, from 0 to 65535");
}

static void a_key_that_is_set_twice_is_refused(void) {
    refuses("[server]\nport = 1\n[pool]\nparts = 1\n[server]\nport = 2\n",
            "f.conf:6: port was set in line 2 already");
}

static void odd_bytes_are_refused(void) {
    static const char zero[] = "[server]\nport = 1\0 2\n";
    wr_config_init(&config);
    CHECK_EQ(wr_config_bytes(&config, "f.conf", zero, sizeof(zero) - 1, &why),
             -EINVAL);
    CHECK_STR(why.text, "f.conf:2: a zero byte");
    char line[400] = "[server]\n";
    memset(line + 9, 'x', 300);
    CHECK_EQ(read_text(line), -EINVAL);
    CHECK(strstr(why.text, "f.conf:2: a line of more than ") != NULL);
    refuses("[server]\nport = \x01\n",
            "f.conf:2: port = ?: it is a whole number, from 0 to 65535");
    char *large = malloc(WR_CONFIG_FILE_MAX + 1);
    CHECK(large != NULL);
    memset(large, '\n', WR_CONFIG_FILE_MAX + 1);
    CHECK_EQ(
        wr_config_bytes(&config, "f.conf", large, WR_CONFIG_FILE_MAX + 1, &why),
        -EINVAL);
    CHECK_EQ(
        wr_config_bytes(&config, "f.conf", large, WR_CONFIG_FILE_MAX, &why), 0);
    free(large);
}

static void keys_that_contradict_each_other_are_refused(void) {
    CHECK_EQ(read_text("[limits]\n\njson_bytes = 1GiB\n"), 0);
    CHECK_EQ(wr_config_finish(&config, &why), -EINVAL);
    CHECK_STR(why.text,
              "f.conf:3: bodies_bytes must be as large as the largest "
              "of control_bytes, json_bytes, input_bytes and "
              "model_bytes");
    CHECK_EQ(read_text("[batching]\nwait = 30s\n"), 0);
    CHECK_EQ(wr_config_finish(&config, &why), -EINVAL);
    CHECK_STR(why.text,
              "f.conf:2: [batching] wait must be less than [limits] request");
}

static void a_refused_file_changes_nothing(void) {
    CHECK_EQ(read_text("[server]\nport = 77\nnonsense = 1\n"), -EINVAL);
    CHECK_EQ(config.port, 8080);
    CHECK_EQ(wr_config_finish(&config, &why), 0);
}

static void a_bad_option_is_refused(void) {
    static const struct {
        const char *text, *line;
    } bad[] = {
        {"server.port=x",
         "--set: port = x: it is a whole number, from 0 to 65535"},
        {"port=1", "--set: port=1: it is section.key=value"},
        {"server.port", "--set: server.port: it is section.key=value"},
        {"a=b.c", "--set: a=b.c: it is section.key=value"},
        {"pool.x=1", "--set: [pool] has no key x; it has threads parts"},
    };
    wr_config_init(&config);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(wr_config_set(&config, bad[i].text, &why), -EINVAL);
        CHECK_STR(why.text, bad[i].line);
    }
}

static void a_file_that_is_not_there_is_an_error(void) {
    wr_config_init(&config);
    CHECK_EQ(wr_config_file(&config, "no/such/file", &why), -ENOENT);
    CHECK_STR(why.text, "no/such/file: No such file or directory");
    CHECK_EQ(wr_config_file(&config, ".", &why), -EISDIR);
    CHECK_STR(why.text, ".: Is a directory");
    char path[] = "serve_config_XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, "[pool]\nparts = 9\n", 17), 17);
    close(fd);
    CHECK_EQ(wr_config_file(&config, path, &why), 0);
    CHECK_EQ(config.service.parts_max, 9);
    unlink(path);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_kind_of_value_is_read", every_kind_of_value_is_read},
        {"sizes_and_times_have_units", sizes_and_times_have_units},
        {"profiles_set_what_nobody_has_set", profiles_set_what_nobody_has_set},
        {"an_option_wins_over_the_file", an_option_wins_over_the_file},
        {"what_is_printed_reads_back", what_is_printed_reads_back},
        {"an_unknown_key_or_section_is_refused",
         an_unknown_key_or_section_is_refused},
        {"a_bad_value_is_refused_with_what_is_allowed",
         a_bad_value_is_refused_with_what_is_allowed},
        {"a_line_that_is_nothing_is_refused",
         a_line_that_is_nothing_is_refused},
        {"a_key_that_is_set_twice_is_refused",
         a_key_that_is_set_twice_is_refused},
        {"odd_bytes_are_refused", odd_bytes_are_refused},
        {"keys_that_contradict_each_other_are_refused",
         keys_that_contradict_each_other_are_refused},
        {"a_refused_file_changes_nothing", a_refused_file_changes_nothing},
        {"a_bad_option_is_refused", a_bad_option_is_refused},
        {"a_file_that_is_not_there_is_an_error",
         a_file_that_is_not_there_is_an_error},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}

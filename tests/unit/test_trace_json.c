// SPDX-License-Identifier: MIT
// The timeline as JSON: every digit, every name.
#include "support/trace.h"

static void spans_come_out_with_exact_times(void) {
    static const struct {
        const char *name;
        int64_t begin_ns, end_ns;
    } spans[] = {
        {"zero", 0, 0},
        {"one", 1, 2},
        {"thousand", 999, 1000},
        {"round", 1000, 5000},
        {"long", 1234567, 9876543210},
        {"uptime", 86400000000000123, 86400000000001123},
        {"below zero", -1500, -499},
        {"end of time", INT64_MAX - 1, INT64_MAX},
    };
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    for (size_t i = 0; i < TEST_COUNT(spans); i++)
        emit(trace, rings[0], WR_TRACE_SPAN, spans[i].name, i,
             spans[i].begin_ns, spans[i].end_ns);
    json *file = events_of(trace);
    CHECK_EQ(events_named(file, "X", NULL), TEST_COUNT(spans));
    for (size_t i = 0; i < TEST_COUNT(spans); i++) {
        const json *e = event_named(file, "X", spans[i].name, 0);
        CHECK(e != NULL);
        CHECK_EQ(ns_of(e, "ts"), spans[i].begin_ns);
        CHECK_EQ(ns_of(e, "dur"), spans[i].end_ns - spans[i].begin_ns);
        CHECK_STR(json_text(e, "cat"), "span");
        CHECK_EQ(json_integer(e, "pid"), 1);
        CHECK_EQ(json_integer(e, "tid"), 1);
    }
    json_free(file);
    weir_trace_destroy(trace);
}

static void times_below_zero_keep_their_sign(void) {
    weir_trace *trace = trace_started(4);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    emit(trace, rings[0], WR_TRACE_SPAN, "x", 0, -5, INT64_MAX);
    emit(trace, rings[0], WR_TRACE_SPAN, "y", 0, INT64_MIN, INT64_MIN);
    json *file = events_of(trace);
    CHECK_STR(json_text(event_named(file, "X", "x", 0), "ts"), "-0.005");
    CHECK_STR(json_text(event_named(file, "X", "x", 0), "dur"),
              "9223372036854775.807"); // the longest there is
    CHECK_STR(json_text(event_named(file, "X", "y", 0), "ts"),
              "-9223372036854775.808");
    json_free(file);
    weir_trace_destroy(trace);
}

static void check_name(const char *given, const char *expected) {
    weir_trace *trace = trace_started(1);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    emit(trace, rings[0], WR_TRACE_SPAN, given, 0, 1, 2);
    json *file = events_of(trace);
    CHECK_STR(json_text(event_named(file, "X", NULL, 0), "name"), expected);
    json_free(file);
    weir_trace_destroy(trace);
}

#define REPLACED "\xEF\xBF\xBD"

static void names_may_hold_anything(void) {
    check_name("say \"hi\"", "say \"hi\"");
    check_name("C:\\path\\u0041", "C:\\path\\u0041");
    check_name("a\nb\tc\rd\be\ff", "a\nb\tc\rd\be\ff");
    check_name("\x01\x02\x1F\x7F", "\x01\x02\x1F\x7F");
    check_name("<a href='x'>&amp;</a>", "<a href='x'>&amp;</a>");
    check_name("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8C\x8A",
               "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8C\x8A");
    // Not UTF-8: each byte is replaced.
    check_name("a\xFF\x80z", "a" REPLACED REPLACED "z");
    check_name("cut \xE2\x82", "cut " REPLACED REPLACED);
    check_name("\xC3(", REPLACED "(");
    check_name("\xC0\xAF", REPLACED REPLACED);              // too long
    check_name("\xED\xA0\x80", REPLACED REPLACED REPLACED); // a surrogate
    check_name("\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED);
    check_name("\xF8\x88\x80\x80\x80",
               REPLACED REPLACED REPLACED REPLACED REPLACED);
    check_name("</script>]]>", "</script>]]>");
}

static void every_byte_may_be_in_a_name(void) {
    for (int first = 1; first < 256; first++)
        for (int second = 1; second < 256; second += 3) {
            char name[4] = {(char)first, (char)second, 'x', 0};
            weir_trace *trace = trace_started(1);
            weir_trace_span(trace, NULL, name, 1, 2);
            json_free(events_of(trace));
            weir_trace_destroy(trace);
        }
}

static void what_has_no_name_is_named_by_its_kind(void) {
    static const char *const names[] = {"job",  "fork",  "asleep",
                                        "lent", "token", "span"};
    static const enum wr_trace_kind kinds[] = {WR_TRACE_JOB,   WR_TRACE_FORK,
                                               WR_TRACE_PARK,  WR_TRACE_LOAN,
                                               WR_TRACE_TOKEN, WR_TRACE_SPAN};
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    for (size_t i = 0; i < TEST_COUNT(kinds); i++)
        emit(trace, rings[0], kinds[i], NULL, i, (int64_t)i, (int64_t)i + 1);
    json *file = events_of(trace);
    CHECK_EQ(events_named(file, "X", NULL), TEST_COUNT(kinds));
    for (size_t i = 0; i < TEST_COUNT(kinds); i++) {
        const json *e = event_named(file, "X", names[i], 0);
        CHECK(e != NULL);
        CHECK_STR(json_text(e, "cat"), names[i]);
        CHECK_EQ(ns_of(e, "ts"), i);
    }
    json_free(file);
    weir_trace_destroy(trace);
}

static const json *metadata(const json *file, const char *name, long long pid,
                            long long tid) {
    const json *e = NULL;
    for (unsigned n = 0; (e = event_named(file, "M", name, n)) != NULL; n++)
        if (json_integer(e, "pid") == pid &&
            (tid == 0 || json_integer(e, "tid") == tid))
            return json_get(e, "args");
    CHECK_FAIL("no %s of %lld, %lld", name, pid, tid);
}

static void pools_are_processes_and_workers_threads(void) {
    weir_trace *trace = trace_started(4);
    wr_trace_ring **first = rings_of(trace, "first", 2);
    wr_trace_ring **second = rings_of(trace, "sec\"ond", 3);
    emit(trace, first[0], WR_TRACE_JOB, "a", 0, 1, 2);
    emit(trace, first[1], WR_TRACE_JOB, "b", 0, 1, 2);
    emit(trace, second[2], WR_TRACE_JOB, "c", 0, 1, 2);
    weir_trace_span(trace, NULL, "d", 1, 2);
    json *file = events_of(trace);
    CHECK_STR(json_text(metadata(file, "process_name", 1, 0), "name"), "first");
    CHECK_STR(json_text(metadata(file, "process_name", 2, 0), "name"),
              "sec\"ond");
    CHECK_STR(json_text(metadata(file, "process_name", 3, 0), "name"),
              "other threads");
    CHECK_STR(json_text(metadata(file, "thread_name", 1, 1), "name"),
              "first/0");
    CHECK_STR(json_text(metadata(file, "thread_name", 1, 2), "name"),
              "first/1");
    CHECK_STR(json_text(metadata(file, "thread_name", 2, 3), "name"),
              "sec\"ond/2");
    CHECK_EQ(
        json_integer(metadata(file, "process_sort_index", 2, 0), "sort_index"),
        2);
    CHECK_EQ(
        json_integer(metadata(file, "thread_sort_index", 2, 3), "sort_index"),
        2);
    // Once each; workers that did nothing are left out.
    CHECK_EQ(events_named(file, "M", "process_name"), 3);
    CHECK_EQ(events_named(file, "M", "thread_name"), 4);
    const json *c = event_named(file, "X", "c", 0);
    CHECK_EQ(json_integer(c, "pid"), 2);
    CHECK_EQ(json_integer(c, "tid"), 3);
    json_free(file);
    weir_trace_destroy(trace);
}

// Checks the pair that begins with this name, and returns its id.
static long long check_pair(const json *file, const char *name,
                            const char *category, int64_t begin_ns,
                            int64_t end_ns) {
    const json *b = event_named(file, "b", name, 0);
    CHECK(b != NULL);
    CHECK_STR(json_text(b, "cat"), category);
    CHECK_EQ(ns_of(b, "ts"), begin_ns);
    long long id = json_integer(b, "id");
    const json *e = NULL;
    unsigned ends = 0;
    for (unsigned n = 0; (e = event_named(file, "e", NULL, n)) != NULL; n++) {
        if (json_integer(e, "id") != id)
            continue;
        ends++;
        CHECK_STR(json_text(e, "cat"), category);
        CHECK_STR(json_text(e, "name"), name);
        CHECK_EQ(json_integer(e, "pid"), json_integer(b, "pid"));
        CHECK_EQ(ns_of(e, "ts"), end_ns);
    }
    CHECK_EQ(ends, 1);
    return id;
}

static void what_may_overlap_comes_in_pairs(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    emit(trace, rings[0], WR_TRACE_QUEUED, "q", 7, 10, 50);
    emit(trace, NULL, WR_TRACE_CALL, "c", 8, 20, 60);
    emit(trace, NULL, WR_TRACE_DELIVERY, "c", 8, 55, 60);
    weir_trace_span(trace, NULL, "s", 15, 30); // overlaps the call
    json *file = events_of(trace);
    CHECK_EQ(events_named(file, "X", NULL), 0);
    CHECK_EQ(events_named(file, "b", NULL), 4);
    CHECK_EQ(events_named(file, "e", NULL), 4);
    long long ids[] = {
        check_pair(file, "q (queued)", "queued", 10, 50),
        check_pair(file, "c", "call", 20, 60),
        check_pair(file, "c (delivery)", "delivery", 55, 60),
        check_pair(file, "s", "span", 15, 30),
    };
    for (size_t i = 0; i < TEST_COUNT(ids); i++)
        for (size_t j = 0; j < i; j++)
            CHECK(ids[i] != ids[j]);
    json_free(file);
    weir_trace_destroy(trace);
}

static void jobs_say_how_long_they_were_queued(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 2);
    // Two jobs at the same time, told apart by their ids; one that was used
    // twice; one whose time in the queue is not known.
    emit(trace, rings[0], WR_TRACE_QUEUED, "a", 1, 1000, 5000);
    emit(trace, rings[0], WR_TRACE_QUEUED, "b", 2, 2000, 5000);
    emit(trace, rings[0], WR_TRACE_JOB, "a", 1, 5000, 6000);
    emit(trace, rings[0], WR_TRACE_JOB, "b", 2, 5000, 6000);
    emit(trace, rings[0], WR_TRACE_QUEUED, "a2", 1, 6500, 7000);
    emit(trace, rings[0], WR_TRACE_JOB, "a2", 1, 7000, 8000);
    emit(trace, rings[1], WR_TRACE_JOB, "c", 3, 5000, 6000);
    json *file = events_of(trace);
    static const struct {
        const char *name, *wait;
    } waits[] = {{"a", "4.000"}, {"b", "3.000"}, {"a2", "0.500"}};
    for (size_t i = 0; i < TEST_COUNT(waits); i++) {
        const json *e = event_named(file, "X", waits[i].name, 0);
        CHECK_STR(json_text(json_get(e, "args"), "queued_us"), waits[i].wait);
    }
    const json *c = json_get(event_named(file, "X", "c", 0), "args");
    CHECK(json_get(c, "queued_us") == NULL);
    CHECK_STR(json_text(c, "id"), "3");
    json_free(file);
    weir_trace_destroy(trace);
}

static void it_says_what_was_overwritten(void) {
    weir_trace *trace = trace_started(3);
    for (int i = 0; i < 8; i++)
        weir_trace_span(trace, NULL, "x", i, i + 1);
    json *file = events_of(trace);
    const json *other = json_get(file, "otherData");
    CHECK_STR(json_text(other, "events"), "3");
    CHECK_STR(json_text(other, "overwritten"), "5");
    CHECK_EQ(events_named(file, "b", "x"), 3);
    CHECK_EQ(ns_of(event_named(file, "b", "x", 0), "ts"), 5);
    json_free(file);
    weir_trace_destroy(trace);
}

static void nothing_recorded_is_a_file_too(void) {
    weir_trace *trace = trace_of(3);
    json *file = events_of(trace);
    CHECK_EQ(json_get(file, "traceEvents")->count, 0);
    json_free(file);
    weir_trace_destroy(trace);
}

static void a_file_that_takes_nothing_is_said(void) {
    weir_trace *trace = trace_started(20000);
    for (int i = 0; i < 20000; i++)
        weir_trace_span(trace, NULL, "x", i, i + 1);
    for (int how = 0; how < 2; how++) {
        FILE *full = fopen("/dev/full", "w");
        if (full == NULL)
            SKIP("no /dev/full");
        if (how == 1)
            setvbuf(full, NULL, _IONBF, 0);
        CHECK_EQ(weir_trace_json(trace, full), -EIO);
        fclose(full);
    }
    weir_trace_start(trace); // less than a buffer
    FILE *full = fopen("/dev/full", "w");
    CHECK(full != NULL);
    CHECK_EQ(weir_trace_json(trace, full), -EIO);
    fclose(full);
    weir_trace_destroy(trace);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"spans_come_out_with_exact_times", spans_come_out_with_exact_times},
        {"times_below_zero_keep_their_sign", times_below_zero_keep_their_sign},
        {"names_may_hold_anything", names_may_hold_anything},
        {"every_byte_may_be_in_a_name", every_byte_may_be_in_a_name},
        {"what_has_no_name_is_named_by_its_kind",
         what_has_no_name_is_named_by_its_kind},
        {"pools_are_processes_and_workers_threads",
         pools_are_processes_and_workers_threads},
        {"what_may_overlap_comes_in_pairs", what_may_overlap_comes_in_pairs},
        {"jobs_say_how_long_they_were_queued",
         jobs_say_how_long_they_were_queued},
        {"it_says_what_was_overwritten", it_says_what_was_overwritten},
        {"nothing_recorded_is_a_file_too", nothing_recorded_is_a_file_too},
        {"a_file_that_takes_nothing_is_said",
         a_file_that_takes_nothing_is_said},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// The timeline as a picture: well-formed whatever happens, and each box is
// where its time is. At a width of 1200 the axis is 1000 pixels long.
#include "observe/trace_text.h"
#include "support/trace.h"

enum { LEFT = 104 };

typedef struct box {
    char class[8];
    double x, y, w, h;
    char hover[256];
} box;

// The nth box whose hover text begins like this.
static box box_named(const char *svg, const char *hover, unsigned n) {
    char title[128];
    snprintf(title, sizeof(title), "><title>%s", hover);
    const char *at = svg - 1;
    do {
        at = strstr(at + 1, title);
        if (at == NULL)
            CHECK_FAIL("no box \"%s\"", hover);
    } while (n-- > 0);
    const char *start = at;
    while (*start != '<')
        start--;
    box b;
    double back;
    if (sscanf(start, "<path class=\"%7[a-z0-9 ]\" d=\"M%lf %lfh%lfv%lfh%lfz\"",
               b.class, &b.x, &b.y, &b.w, &b.h, &back) != 6)
        CHECK_FAIL("no rectangle: %.80s", start);
    CHECK(b.w + back < 0.001 && b.w + back > -0.001);
    at += strlen("><title>");
    size_t length = strcspn(at, "<");
    CHECK(length < sizeof(b.hover));
    memcpy(b.hover, at, length);
    b.hover[length] = '\0';
    return b;
}

static unsigned count_of(const char *svg, const char *text) {
    unsigned count = 0;
    for (const char *at = svg; *at != '\0'; at++)
        count += text_starts(at, text) != 0;
    return count;
}

static void check_near(double actual, double expected) {
    if (actual < expected - 0.011 || actual > expected + 0.011)
        CHECK_FAIL("%.3f, expected %.3f", actual, expected);
}

static void check_box(const char *svg, const char *hover, double x, double w) {
    box b = box_named(svg, hover, 0);
    check_near(b.x, LEFT + x);
    check_near(b.w, w);
}

// A box wider than 3 pixels leaves 0.7 free.
static void boxes_are_where_their_times_are(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 2);
    const int64_t t = 5000000; // the axis begins with the first event
    emit(trace, rings[0], WR_TRACE_JOB, "first", 1, t, t + 250);
    emit(trace, rings[0], WR_TRACE_JOB, "narrow", 2, t + 300, t + 302);
    emit(trace, rings[1], WR_TRACE_JOB, "last", 3, t + 500, t + 1000);
    emit(trace, rings[1], WR_TRACE_SPAN, "inside", 0, t + 600, t + 700);
    char *svg = svg_of(trace, 1200);
    check_box(svg, "first \u00b7 job", 0, 249.3);
    check_box(svg, "narrow \u00b7 job", 300, 2);
    check_box(svg, "last \u00b7 job", 500, 499.3);
    check_box(svg, "inside \u00b7 span", 600, 99.3);
    box first = box_named(svg, "first", 0);
    box last = box_named(svg, "last", 0);
    box inside = box_named(svg, "inside", 0);
    CHECK(last.y > first.y + first.h);      // the next worker
    CHECK(inside.y == last.y + last.h + 1); // below what it is inside of
    CHECK(box_named(svg, "narrow", 0).y == first.y);
    CHECK_STR(first.hover, "first \u00b7 job\n250 ns from 0.000 \u00b5s");
    CHECK_STR(inside.hover, "inside \u00b7 span\n100 ns from 0.600 \u00b5s");
    CHECK(strstr(svg, "width=\"1200\"") != NULL);
    CHECK(strstr(svg, ">4 events in 1.00 \u00b5s") != NULL);
    CHECK(strstr(svg, ">500 ns</text>") ==
          NULL); // the unit is that of the span
    CHECK(strstr(svg, ">0.5 \u00b5s</text>") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void hovers_tell_the_time_in_the_queue(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    emit(trace, rings[0], WR_TRACE_QUEUED, "a", 1, 0, 123456);
    emit(trace, rings[0], WR_TRACE_JOB, "a", 1, 123456, 1123456);
    char *svg = svg_of(trace, 0);
    CHECK_STR(box_named(svg, "a", 0).hover, "a \u00b7 job\n1.00 ms from 123.456"
                                            " \u00b5s\nqueued 123 \u00b5s");
    CHECK(strstr(svg, "jobs in the queue") != NULL);
    CHECK(strstr(svg, ">up to 1</text>") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void times_are_rounded_for_people(void) {
    static const struct {
        uint64_t ns;
        const char *text;
    } times[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1.00 \u00b5s"},
        {1234, "1.23 \u00b5s"},
        {1235, "1.24 \u00b5s"},
        {9994, "9.99 \u00b5s"},
        {9995, "10.0 \u00b5s"},
        {99949, "99.9 \u00b5s"},
        {99950, "100 \u00b5s"},
        {999499, "999 \u00b5s"},
        {999500, "1.00 ms"},
        {12345678, "12.3 ms"},
        {999500000, "1.00 s"},
        {3600000000000, "3600 s"},
        {INT64_MAX, "9223372037 s"},
    };
    for (size_t i = 0; i < TEST_COUNT(times); i++) {
        char said[64] = {0};
        static wr_text text;
        FILE *out = fmemopen(said, sizeof(said) - 1, "w");
        CHECK(out != NULL);
        wr_text_begin(&text, out);
        wr_text_time(&text, times[i].ns);
        CHECK_EQ(wr_text_end(&text), 0);
        fclose(out);
        CHECK_STR(said, times[i].text);
    }
}

static void of_two_that_begin_together_the_longer_is_the_parent(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    // Recorded as they end, the inner first.
    emit(trace, rings[0], WR_TRACE_JOB, "inner", 1, 0, 100);
    emit(trace, rings[0], WR_TRACE_JOB, "outer", 2, 0, 1000);
    // Of the same times, a loan is in a job.
    emit(trace, rings[0], WR_TRACE_LOAN, "both", 3, 1000, 2000);
    emit(trace, rings[0], WR_TRACE_JOB, "both", 3, 1000, 2000);
    char *svg = svg_of(trace, 1200);
    CHECK(box_named(svg, "inner", 0).y > box_named(svg, "outer", 0).y);
    CHECK(box_named(svg, "both \u00b7 lent", 0).y >
          box_named(svg, "both \u00b7 job", 0).y);
    CHECK(strstr(svg, ">50 %</text>") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void queues_are_drawn_as_long_as_they_are(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 2);
    // One from 0 to 400, another two from 200 to 400, on the axis 0 to 1000.
    emit(trace, rings[0], WR_TRACE_QUEUED, "a", 1, 0, 400);
    emit(trace, rings[1], WR_TRACE_QUEUED, "b", 2, 200, 400);
    emit(trace, rings[1], WR_TRACE_QUEUED, "c", 3, 200, 400);
    emit(trace, rings[0], WR_TRACE_JOB, "a", 1, 400, 1000);
    char *svg = svg_of(trace, 1200);
    CHECK(strstr(svg, ">up to 3</text>") != NULL);
    const char *area = strstr(svg, "class=\"q\" d=\"M104 ");
    CHECK(area != NULL);
    double base, low, high;
    CHECK_EQ(sscanf(area, "class=\"q\" d=\"M104 %lfH104V%lfH304V%lfH504V",
                    &base, &low, &high),
             3);
    check_near(base - high, 20);
    check_near(base - low, 20.0 / 3);
    free(svg);
    weir_trace_destroy(trace);
}

// Four nanoseconds a pixel: a quarter of a pixel, a whole one, a half.
static void a_pixel_of_a_queue_is_an_average(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    emit(trace, rings[0], WR_TRACE_SPAN, "s", 0, 0, 4000);
    emit(trace, rings[0], WR_TRACE_QUEUED, "a", 1, 3, 10);
    char *svg = svg_of(trace, 1200);
    const char *area = strstr(svg, "class=\"q\" d=\"M104 ");
    CHECK(area != NULL);
    double base, first, second, third;
    CHECK_EQ(sscanf(area,
                    "class=\"q\" d=\"M104 %lfH104V%lfH105V%lfH106V%lfH107V",
                    &base, &first, &second, &third),
             4);
    check_near(base - first, 5);
    check_near(base - second, 20);
    check_near(base - third, 10);
    free(svg);
    weir_trace_destroy(trace);
}

static void names_may_hold_anything(void) {
    static const char *const names[] = {"<script>alert(1)</script>",
                                        "a & b && c",
                                        "say \"hi\" 'there'",
                                        "]]>",
                                        "--><!--",
                                        "\x01\x02\x08\x0B\x1F\x7F",
                                        "a\nb\tc\r",
                                        "\xFF\xFE\x80",
                                        "cut \xE2\x82",
                                        "\xED\xA0\x80",
                                        "\xEF\xBF\xBE",
                                        "\xEF\xBF\xBF",
                                        "gr\xC3\xBC\xC3\x9F \xF0\x9F\x8C\x8A",
                                        "&lt;"};
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        weir_trace *trace = trace_started(16);
        wr_trace_ring **rings = rings_of(trace, names[i], 1);
        emit(trace, rings[0], WR_TRACE_JOB, names[i], 1, 0, 1000);
        emit(trace, rings[0], WR_TRACE_SPAN, names[i], 1, 0, 30);
        emit(trace, NULL, WR_TRACE_SPAN, names[i], 1, 0, 100);
        char *svg = svg_of(trace, 1200); // is well-formed
        CHECK(strstr(svg, "<script") == NULL);
        free(svg);
        weir_trace_destroy(trace);
    }
    weir_trace *trace = trace_started(16);
    weir_trace_span(trace, NULL, "<&>\"\n\x01\xFF", 0, 1000);
    char *svg = svg_of(trace, 1200);
    CHECK(strstr(svg, "<title>&lt;&amp;&gt;&quot;\xE2\x90\x8A\xE2\x90\x81"
                      "\xEF\xBF\xBD \u00b7 span") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void every_byte_may_be_in_a_name(void) {
    for (int first = 1; first < 256; first++) {
        weir_trace *trace = trace_started(256);
        for (int second = 1; second < 256; second++) {
            char name[4] = {(char)first, (char)second, 'x', 0};
            weir_trace_span(trace, NULL, name, second * 10, second * 10 + 9);
        }
        free(svg_of(trace, 0));
        weir_trace_destroy(trace);
    }
}

static void any_width_and_any_time_is_a_picture(void) {
    static const int64_t times[] = {
        INT64_MIN,      INT64_MIN + 1, -1,       0, 1, 999, 1000,
        86400000000000, INT64_MAX - 1, INT64_MAX};
    static const unsigned widths[] = {0, 1, 300, 439, 441, 1201, 20000};
    for (size_t i = 0; i < TEST_COUNT(times); i++)
        for (size_t j = i; j < TEST_COUNT(times); j++) {
            weir_trace *trace = trace_started(16);
            wr_trace_ring **rings = rings_of(trace, "p", 1);
            for (int kind = 0; kind < WR_TRACE_KINDS; kind++)
                emit(trace, rings[0], (enum wr_trace_kind)kind, "x", 1,
                     times[i], times[j]);
            emit(trace, NULL, WR_TRACE_CALL, "x", 1, times[i], times[j]);
            emit(trace, NULL, WR_TRACE_DELIVERY, "x", 1, times[j], times[j]);
            free(svg_of(trace, widths[(i + j) % TEST_COUNT(widths)]));
            weir_trace_destroy(trace);
        }
}

static void nothing_recorded_is_a_picture_too(void) {
    weir_trace *trace = trace_of(3);
    char *svg = svg_of(trace, 0);
    CHECK(strstr(svg, ">nothing was recorded</text>") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void utilisation_is_what_ran_less_what_was_lent(void) {
    weir_trace *trace = trace_started(16);
    wr_trace_ring **rings = rings_of(trace, "p", 3);
    // Worker 0 runs for 800 of 1000, and lends its place for 300 of them; in
    // 100 of those it helps.
    emit(trace, rings[0], WR_TRACE_LOAN, "a", 1, 100, 400);
    emit(trace, rings[0], WR_TRACE_JOB, "help", 2, 200, 300);
    emit(trace, rings[0], WR_TRACE_JOB, "a", 1, 0, 800);
    emit(trace, rings[0], WR_TRACE_PARK, NULL, 0, 800, 900);
    // Worker 1 sleeps, worker 2 runs all the time, as a fork.
    emit(trace, rings[1], WR_TRACE_PARK, NULL, 0, -5000, 5000);
    emit(trace, rings[2], WR_TRACE_FORK, "f", 3, 0, 1000);
    char *svg = svg_of(trace, 1200);
    CHECK(strstr(svg, ">60 %</text>") != NULL);
    CHECK(strstr(svg, ">0 %</text>") != NULL);
    CHECK(strstr(svg, ">100 %</text>") != NULL);
    CHECK(strstr(svg, "3 workers of 1 pool, busy 53 %") != NULL);
    CHECK(strstr(svg, "busy 600 ns, lent 300 ns, asleep 100 ns") != NULL);
    // The long sleep is cut to the span of the rest.
    check_near(box_named(svg, "asleep\n1.00 \u00b5s", 0).w, 999.3);
    CHECK_STR(box_named(svg, "a \u00b7 lent", 0).class, "l");
    CHECK_STR(box_named(svg, "f \u00b7 fork", 0).class + 2, " f");
    CHECK(strstr(svg, ">dashed: stolen fork</text>") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void what_was_overwritten_is_shown(void) {
    weir_trace *trace = trace_started(2);
    wr_trace_ring **rings = rings_of(trace, "p", 2);
    emit(trace, rings[1], WR_TRACE_JOB, "whole", 1, 0, 1000);
    for (int i = 0; i < 5; i++)
        emit(trace, rings[0], WR_TRACE_JOB, "x", 1, i * 200, i * 200 + 100);
    char *svg = svg_of(trace, 1200);
    CHECK(strstr(svg, "3 older overwritten") != NULL);
    box lost = box_named(svg, "3 events were overwritten here", 0);
    CHECK_STR(lost.class, "o");
    check_near(lost.x, LEFT);
    check_near(lost.w, 700); // the oldest that is left ended there
    free(svg);
    weir_trace_destroy(trace);
}

static void what_is_narrower_than_a_pixel_is_drawn_together(void) {
    weir_trace *trace = trace_started(4096);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    // 1000 a pixel. Four in the first pixel, busy half of it; two in the
    // third; one alone in the fifth.
    emit(trace, rings[0], WR_TRACE_JOB, "end", 1, 999000, 1000000);
    for (int i = 0; i < 3; i++)
        emit(trace, rings[0], WR_TRACE_JOB, "x", 1, i * 250, i * 250 + 100);
    emit(trace, rings[0], WR_TRACE_JOB, "longer", 1, 750, 950);
    emit(trace, rings[0], WR_TRACE_JOB, "x", 1, 2100, 2600);
    emit(trace, rings[0], WR_TRACE_JOB, "x", 1, 2600, 3000);
    emit(trace, rings[0], WR_TRACE_JOB, "alone", 1, 4100, 4200);
    // A wide one is drawn by itself, also if it begins beside a narrow one.
    emit(trace, rings[0], WR_TRACE_JOB, "beside", 1, 6100, 6200);
    emit(trace, rings[0], WR_TRACE_JOB, "wide", 1, 6300, 9300);
    char *svg = svg_of(trace, 1200);
    box first =
        box_named(svg, "4 events, the longest: longer \u00b7 job, 200 ns", 0);
    check_near(first.x, LEFT);
    check_near(first.w, 0.95);
    CHECK(strstr(first.hover, "950 ns from 0.000 \u00b5s, busy 500 ns"));
    box second = box_named(svg, "2 events, the longest: x \u00b7 job", 0);
    check_near(second.x, LEFT + 2.1);
    CHECK_STR(box_named(svg, "alone", 0).hover,
              "alone \u00b7 job\n100 ns from 4.100 \u00b5s");
    check_box(svg, "beside", 6.1, 0.7);
    check_box(svg, "wide", 6.3, 3);
    free(svg);
    weir_trace_destroy(trace);
}

// Two dozen workers with `each` events, and as many of other threads together.
static void check_size(int each, unsigned width) {
    enum { ROWS = 24 };
    unsigned calls = (unsigned)each * 8;
    weir_trace *trace = trace_started(calls);
    wr_trace_ring **rings = rings_of(trace, "p", ROWS);
    char name[32];
    for (unsigned row = 0; row < ROWS; row++)
        for (int i = 0; i < each; i++) {
            snprintf(name, sizeof(name), "<job & \"%d\">", i % 5000);
            emit(trace, rings[row], i % 4 == 3 ? WR_TRACE_PARK : WR_TRACE_JOB,
                 name, 1, i * 1000, i * 1000 + 50 * (1 + i % 20));
        }
    for (unsigned i = 0; i < calls; i++)
        emit(trace, NULL, WR_TRACE_CALL, "call", 1, i * 100, i * 100 + 5000);
    CHECK_EQ(trace_counts(trace).recorded, (uint64_t)each * 32);
    CHECK_EQ(trace_counts(trace).overwritten, 0);
    char *svg = svg_of(trace, width);
    printf("  %zu bytes, %u boxes\n", strlen(svg), count_of(svg, "<title>"));
    CHECK(strlen(svg) < 2000000);
    CHECK(count_of(svg, " events, the longest: ") > 500);
    free(svg);
    weir_trace_destroy(trace);
}

static void a_million_events_are_a_small_file(void) { check_size(1 << 15, 0); }

static void so_are_those_of_a_wide_picture(void) { check_size(1 << 12, 20000); }

static void names_that_took_the_most_time_have_colours_of_their_own(void) {
    weir_trace *trace = trace_started(64);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    for (int i = 0; i < 12; i++) {
        char name[16];
        snprintf(name, sizeof(name), "name %d", i);
        emit(trace, rings[0], WR_TRACE_JOB, name, 1, i * 1000,
             i * 1000 + 1000 - i * 50);
    }
    char *svg = svg_of(trace, 0);
    char seen[8] = {0};
    for (int i = 0; i < 12; i++) {
        char hover[32];
        snprintf(hover, sizeof(hover), "name %d \u00b7 job", i);
        box b = box_named(svg, hover, 0);
        CHECK(b.class[0] == 'n');
        int colour = b.class[1] - '0';
        CHECK(colour >= 0 && colour < 8);
        CHECK_EQ(colour == 7, i >= 7); // the rest share one
        CHECK(i >= 7 || seen[colour]++ == 0);
    }
    CHECK(strstr(svg, ">all other names <") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void what_other_threads_do_may_overlap(void) {
    weir_trace *trace = trace_started(64);
    weir_trace_span(trace, NULL, "a", 0, 1000);
    weir_trace_span(trace, NULL, "b", 100, 900);
    weir_trace_span(trace, NULL, "c", 900, 950);        // where b was
    emit(trace, NULL, WR_TRACE_CALL, "z", 6, 150, 800); // ends with d
    emit(trace, NULL, WR_TRACE_CALL, "d", 7, 200, 800);
    emit(trace, NULL, WR_TRACE_DELIVERY, "d", 7, 700, 800);
    char *svg = svg_of(trace, 1200);
    box a = box_named(svg, "a", 0);
    box b = box_named(svg, "b \u00b7", 0);
    box d = box_named(svg, "d \u00b7 call", 0);
    CHECK(b.y > a.y && d.y > b.y);
    CHECK(box_named(svg, "c \u00b7", 0).y == b.y);
    box delivery = box_named(svg, "d \u00b7 delivery", 0);
    CHECK_STR(delivery.class, "d");
    CHECK(delivery.y == d.y); // on its call, of which it is the end
    check_near(delivery.x, LEFT + 700);
    free(svg);
    weir_trace_destroy(trace);
}

static void what_is_nested_too_deep_is_counted(void) {
    weir_trace *trace = trace_started(256);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    for (int i = 0; i < 100; i++)
        emit(trace, rings[0], WR_TRACE_JOB, "x", 1, i, 1000 - i);
    char *svg = svg_of(trace, 1200);
    CHECK_EQ(count_of(svg, "<title>x \u00b7 job"), 8);
    CHECK(strstr(svg, "\n92 nested too deep to be drawn") != NULL);
    free(svg);
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
        CHECK_EQ(weir_trace_svg(trace, full, 0), -EIO);
        fclose(full);
    }
    weir_trace_destroy(trace);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"boxes_are_where_their_times_are", boxes_are_where_their_times_are},
        {"hovers_tell_the_time_in_the_queue",
         hovers_tell_the_time_in_the_queue},
        {"times_are_rounded_for_people", times_are_rounded_for_people},
        {"of_two_that_begin_together_the_longer_is_the_parent",
         of_two_that_begin_together_the_longer_is_the_parent},
        {"a_pixel_of_a_queue_is_an_average", a_pixel_of_a_queue_is_an_average},
        {"queues_are_drawn_as_long_as_they_are",
         queues_are_drawn_as_long_as_they_are},
        {"names_may_hold_anything", names_may_hold_anything},
        {"every_byte_may_be_in_a_name", every_byte_may_be_in_a_name},
        {"any_width_and_any_time_is_a_picture",
         any_width_and_any_time_is_a_picture},
        {"nothing_recorded_is_a_picture_too",
         nothing_recorded_is_a_picture_too},
        {"utilisation_is_what_ran_less_what_was_lent",
         utilisation_is_what_ran_less_what_was_lent},
        {"what_was_overwritten_is_shown", what_was_overwritten_is_shown},
        {"what_is_narrower_than_a_pixel_is_drawn_together",
         what_is_narrower_than_a_pixel_is_drawn_together},
        {"a_million_events_are_a_small_file",
         a_million_events_are_a_small_file},
        {"so_are_those_of_a_wide_picture", so_are_those_of_a_wide_picture},
        {"names_that_took_the_most_time_have_colours_of_their_own",
         names_that_took_the_most_time_have_colours_of_their_own},
        {"what_other_threads_do_may_overlap",
         what_other_threads_do_may_overlap},
        {"what_is_nested_too_deep_is_counted",
         what_is_nested_too_deep_is_counted},
        {"a_file_that_takes_nothing_is_said",
         a_file_that_takes_nothing_is_said},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

// SPDX-License-Identifier: MIT
// The recorder: what is kept, what is forgotten, and switching it at any time.
#include "support/trace.h"

static void off_it_records_nothing(void) {
    weir_trace *trace = trace_of(16);
    weir_trace_span(trace, NULL, "early", 1, 2);
    CHECK_EQ(trace_counts(trace).recorded, 0);
    weir_trace_start(trace);
    weir_trace_span(trace, NULL, "on", 1, 2);
    weir_trace_stop(trace);
    weir_trace_span(trace, NULL, "late", 1, 2);
    CHECK_EQ(trace_counts(trace).recorded, 1);
    kept k = keep(trace);
    CHECK_EQ(kept_others(&k)->count, 1);
    CHECK_STR(kept_others(&k)->events[0].name, "on");
    keep_end(&k);
    weir_trace_destroy(trace);
}

static void start_forgets_and_stop_keeps(void) {
    weir_trace *trace = trace_started(4);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    for (int i = 0; i < 6; i++)
        emit(trace, rings[0], WR_TRACE_JOB, "a", 0, i, i + 1);
    weir_trace_span(trace, NULL, "b", 1, 2);
    weir_trace_stop(trace);
    weir_trace_stop(trace);
    CHECK_EQ(trace_counts(trace).recorded, 7);
    CHECK_EQ(trace_counts(trace).overwritten, 2);
    weir_trace_start(trace);
    CHECK_EQ(trace_counts(trace).recorded, 0);
    CHECK_EQ(trace_counts(trace).overwritten, 0);
    emit(trace, rings[0], WR_TRACE_JOB, "c", 0, 1, 2);
    weir_trace_start(trace); // while it is on
    emit(trace, rings[0], WR_TRACE_JOB, "d", 0, 1, 2);
    kept k = keep(trace);
    CHECK_EQ(k.count, 2);
    CHECK_EQ(k.tracks[0].count, 1);
    CHECK_STR(k.tracks[0].events[0].name, "d");
    CHECK_EQ(kept_others(&k)->count, 0);
    keep_end(&k);
    weir_trace_destroy(trace);
}

static void the_oldest_are_overwritten_and_counted(void) {
    weir_trace *trace = trace_started(10);
    wr_trace_ring **rings = rings_of(trace, "p", 2);
    for (uint64_t i = 0; i < 25; i++)
        emit(trace, rings[0], WR_TRACE_JOB, "x", i, (int64_t)i, (int64_t)i);
    for (uint64_t i = 0; i < 10; i++)
        emit(trace, rings[1], WR_TRACE_JOB, "y", i, (int64_t)i, (int64_t)i);
    CHECK_EQ(trace_counts(trace).recorded, 35);
    CHECK_EQ(trace_counts(trace).overwritten, 15);
    kept k = keep(trace);
    CHECK_EQ(k.tracks[0].count, 10);
    CHECK_EQ(k.tracks[0].overwritten, 15);
    CHECK_EQ(k.tracks[1].count, 10);
    CHECK_EQ(k.tracks[1].overwritten, 0);
    for (size_t i = 0; i < 10; i++) {
        CHECK_EQ(k.tracks[0].events[i].id, 15 + i);
        CHECK_EQ(k.tracks[1].events[i].id, i);
    }
    keep_end(&k);
    weir_trace_destroy(trace);
}

static void the_default_keeps_16384(void) {
    weir_trace *trace = NULL;
    CHECK_EQ(weir_trace_create(&trace, NULL), 0);
    weir_trace_start(trace);
    for (int i = 0; i < 16385; i++)
        weir_trace_span(trace, NULL, "x", 1, 2);
    CHECK_EQ(trace_counts(trace).recorded, 16385);
    CHECK_EQ(trace_counts(trace).overwritten, 1);
    CHECK_EQ(sizeof(wr_trace_event), 64); // as the header says
    weir_trace_destroy(trace);
}

static void check_name(const char *given, const char *expected) {
    weir_trace *trace = trace_started(1);
    char *copy = given == NULL ? NULL : strdup(given);
    weir_trace_span(trace, NULL, copy, 5, 6);
    if (copy != NULL)
        memset(copy, 'z', strlen(copy));
    free(copy);
    kept k = keep(trace);
    CHECK_STR(kept_others(&k)->events[0].name, expected);
    keep_end(&k);
    weir_trace_destroy(trace);
}

static void names_are_copied_and_cut_between_characters(void) {
    check_name(NULL, "");
    check_name("", "");
    check_name("short", "short");
    check_name("1234567890123456789012345678901",
               "1234567890123456789012345678901");
    check_name("12345678901234567890123456789012",
               "1234567890123456789012345678901");
    // Two, three and four bytes of a character at the cut.
    check_name("123456789012345678901234567890\xC3\xA9!",
               "123456789012345678901234567890");
    check_name("12345678901234567890123456789\xC3\xA9!",
               "12345678901234567890123456789\xC3\xA9");
    check_name("12345678901234567890123456789\xE2\x82\xAC!",
               "12345678901234567890123456789");
    check_name("1234567890123456789012345678\xE2\x82\xAC!",
               "1234567890123456789012345678\xE2\x82\xAC");
    check_name("1234567890123456789012345678\xF0\x9F\x8C\x8A!",
               "1234567890123456789012345678");
    check_name("123456789012345678901234567\xF0\x9F\x8C\x8A!",
               "123456789012345678901234567\xF0\x9F\x8C\x8A");
    // What is not UTF-8 is cut as bytes.
    check_name("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
               "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
               "\x80\x80\x80",
               "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
               "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
               "\x80");
}

static void an_end_before_its_begin_is_its_begin(void) {
    weir_trace *trace = trace_started(2);
    weir_trace_span(trace, NULL, "x", 100, 50);
    kept k = keep(trace);
    CHECK_EQ(kept_others(&k)->events[0].begin_ns, 100);
    CHECK_EQ(kept_others(&k)->events[0].end_ns, 100);
    keep_end(&k);
    weir_trace_destroy(trace);
}

static void a_job_comes_with_its_time_in_the_queue(void) {
    weir_trace *trace = trace_started(4);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    wr_trace_emit_job(trace, rings[0], "known", 7, 10, 20, 30);
    wr_trace_emit_job(trace, rings[0], "unknown", 8, 0, 30, 40);
    wr_trace_emit_job(trace, rings[0], "twisted", 9, 60, 50, 45);
    CHECK_EQ(trace_counts(trace).recorded, 5);
    kept k = keep(trace);
    static const wr_trace_event expected[] = {
        {20, 30, 7, WR_TRACE_JOB, 0, "known"},
        {30, 40, 8, WR_TRACE_JOB, 0, "unknown"},
        {50, 50, 9, WR_TRACE_QUEUED, 0, "twisted"},
        {50, 50, 9, WR_TRACE_JOB, 0, "twisted"},
    };
    CHECK_EQ(k.tracks[0].overwritten, 1); // the first's time in the queue
    CHECK_EQ(memcmp(k.tracks[0].events, expected, sizeof(expected)), 0);
    keep_end(&k);
    weir_trace_stop(trace);
    wr_trace_emit_job(trace, rings[0], "late", 7, 10, 20, 30);
    CHECK_EQ(trace_counts(trace).recorded, 5);
    weir_trace_destroy(trace);
}

static void options_are_checked(void) {
    weir_trace *trace = NULL;
    weir_trace_options options = WEIR_TRACE_OPTIONS_INIT;
    options.size = 4;
    CHECK_EQ(weir_trace_create(&trace, &options), -EINVAL);
    options.size = sizeof(options);
    options.events_max = (1 << 24) + 1;
    CHECK_EQ(weir_trace_create(&trace, &options), -EINVAL);
    struct {
        weir_trace_options known;
        uint64_t more;
    } newer = {WEIR_TRACE_OPTIONS_INIT, 1};
    newer.known.size = sizeof(newer);
    CHECK_EQ(weir_trace_create(&trace, &newer.known), -E2BIG);
    CHECK(trace == NULL);
    newer.more = 0;
    CHECK_EQ(weir_trace_create(&trace, &newer.known), 0);
    weir_trace_counts counts = {.size = 4, .recorded = 77};
    CHECK_EQ(weir_trace_count(trace, &counts), -EINVAL);
    CHECK_EQ(counts.recorded, 77);
    CHECK_EQ(weir_trace_svg(trace, stdout, 20001), -EINVAL);
    weir_trace_destroy(trace);
    weir_trace_destroy(NULL);
}

static void no_memory_changes_nothing(void) {
    weir_trace *trace = NULL;
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without WEIR_FAULTS");
    uint64_t n = 0;
    int error = -ENOMEM;
    for (; error == -ENOMEM; n++) {
        wr_fault_arm(WR_FAULT_ALLOC, n, 1);
        error = weir_trace_create(&trace, NULL);
        CHECK(error == 0 || trace == NULL);
    }
    CHECK_EQ(error, 0);
    CHECK(n > 3);
    wr_trace_ring **rings = NULL;
    for (n = 0, error = -ENOMEM; error == -ENOMEM; n++) {
        wr_fault_arm(WR_FAULT_ALLOC, n, 1);
        error = wr_trace_join(trace, "p", 3, &rings);
        CHECK(error == 0 || rings == NULL);
    }
    CHECK_EQ(error, 0);
    CHECK(n > 3);
    wr_fault_arm(WR_FAULT_ALLOC, 0, UINT64_MAX);
    weir_trace_start(trace); // nothing here allocates
    weir_trace_span(trace, NULL, "x", 1, 2);
    emit(trace, rings[2], WR_TRACE_QUEUED, "y", 1, 1, 2);
    emit(trace, rings[2], WR_TRACE_JOB, "y", 1, 2, 4);
    weir_trace_stop(trace);
    CHECK_EQ(trace_counts(trace).recorded, 3);
    char text[65536];
    for (int svg = 0; svg < 2; svg++) {
        for (n = 0, error = -ENOMEM; error == -ENOMEM; n++) {
            FILE *out = fmemopen(text, sizeof(text), "w");
            CHECK(out != NULL);
            wr_fault_arm(WR_FAULT_ALLOC, n, 1);
            error = svg == 0 ? weir_trace_json(trace, out)
                             : weir_trace_svg(trace, out, 0);
            wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
            CHECK(error == 0 || ftell(out) == 0);
            fclose(out);
        }
        CHECK_EQ(error, 0);
        CHECK(n > 4);
    }
    CHECK_EQ(trace_counts(trace).recorded, 3);
    weir_trace_destroy(trace);
}

// ---- from many threads -----------------------------------------------------

typedef struct recorder {
    weir_trace *trace;
    wr_trace_ring *ring; // its own, or NULL
    uint64_t number;
    tally *stop;
    pthread_t thread;
} recorder;

// Each event says the same thing four times.
static void *record_main(void *argument) {
    recorder *r = argument;
    for (uint64_t i = 0; tally_get(r->stop) == 0; i++) {
        char name[32];
        uint64_t id = i * 8 + r->number;
        snprintf(name, sizeof(name), "%llu", (unsigned long long)id);
        emit(r->trace, r->ring, WR_TRACE_SPAN, name, id, (int64_t)id,
             (int64_t)id + 1);
    }
    return NULL;
}

static void check_whole(const wr_trace_event *event) {
    CHECK_EQ(event->begin_ns, event->id);
    CHECK_EQ(event->end_ns, event->id + 1);
    CHECK_EQ(strtoull(event->name, NULL, 10), event->id);
    CHECK_EQ(event->kind, WR_TRACE_SPAN);
}

// Events of one recorder come in its order; in a ring of its own, without gaps.
static size_t check_track(const wr_trace_track *track, bool own) {
    uint64_t last[8] = {0};
    for (size_t i = 0; i < track->count; i++) {
        const wr_trace_event *event = &track->events[i];
        check_whole(event);
        uint64_t *before = &last[event->id % 8];
        CHECK(i == 0 || event->id > *before || *before == 0);
        CHECK(!own || i == 0 || event->id == *before + 8);
        *before = event->id;
    }
    return track->count;
}

static void threads_record_while_it_is_switched_and_read(void) {
    enum { RECORDERS = 3, ROUNDS = 40 };
    weir_trace *trace = trace_of(1000);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    recorder r[RECORDERS];
    tally stop;
    tally_init(&stop);
    for (unsigned i = 0; i < RECORDERS; i++) {
        r[i] = (recorder){trace, i == 0 ? rings[0] : NULL, i, &stop, 0};
        r[i].thread = thread_start(record_main, &r[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        weir_trace_start(trace);
        while (trace_counts(trace).recorded < 4000)
            sched_yield();
        kept k = keep(trace);
        size_t own = check_track(&k.tracks[0], true);
        CHECK(own + check_track(kept_others(&k), false) > 0);
        keep_end(&k);
        weir_trace_stop(trace);
        // Nobody is recording any more.
        weir_trace_counts stopped = trace_counts(trace);
        k = keep(trace);
        CHECK_EQ(k.tracks[0].count + k.tracks[0].overwritten +
                     kept_others(&k)->count + kept_others(&k)->overwritten,
                 stopped.recorded);
        keep_end(&k);
        sched_yield();
        CHECK_EQ(trace_counts(trace).recorded, stopped.recorded);
    }
    tally_add(&stop);
    for (unsigned i = 0; i < RECORDERS; i++)
        thread_join(r[i].thread);
    weir_trace_destroy(trace);
}

static void *switch_main(void *argument) {
    recorder *r = argument;
    while (tally_get(r->stop) == 0) {
        weir_trace_start(r->trace);
        weir_trace_stop(r->trace);
    }
    return NULL;
}

static void it_is_written_while_it_records_and_is_switched(void) {
    weir_trace *trace = trace_of(500);
    wr_trace_ring **rings = rings_of(trace, "p", 2);
    tally stop;
    tally_init(&stop);
    recorder r[2] = {{trace, rings[1], 1, &stop, 0},
                     {trace, NULL, 2, &stop, 0}};
    r[0].thread = thread_start(record_main, &r[0]);
    r[1].thread = thread_start(switch_main, &r[1]);
    for (int i = 0; i < 20; i++) {
        weir_trace_start(trace);
        json_free(events_of(trace));
        free(svg_of(trace, 0));
        kept k = keep(trace);
        check_track(&k.tracks[1], true);
        keep_end(&k);
    }
    tally_add(&stop);
    for (int i = 0; i < 2; i++)
        thread_join(r[i].thread);
    weir_trace_destroy(trace);
}

// One event after the other, from 0; `stop` ends it.
static void *count_main(void *argument) {
    recorder *r = argument;
    for (uint64_t id = 0; tally_get(r->stop) == 0; id++)
        emit(r->trace, r->ring, WR_TRACE_SPAN, "x", id, (int64_t)id,
             (int64_t)id);
    return NULL;
}

static void what_is_overwritten_during_a_copy_is_counted(void) {
    enum { KEPT = 1 << 17, COPIES = 20 }; // a copy takes some time
    weir_trace *trace = trace_started(KEPT);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    tally stop;
    tally_init(&stop);
    recorder r = {trace, rings[0], 0, &stop, 0};
    r.thread = thread_start(count_main, &r);
    while (trace_counts(trace).recorded < KEPT)
        sched_yield();
    for (int i = 0; i < COPIES; i++) {
        kept k = keep(trace);
        const wr_trace_track *track = &k.tracks[0];
        CHECK(track->count > 0 && track->count <= KEPT);
        for (size_t n = 0; n < track->count; n++)
            CHECK_EQ(track->events[n].id, track->overwritten + n);
        keep_end(&k);
    }
    tally_add(&stop);
    thread_join(r.thread);
    weir_trace_destroy(trace);
}

// Starts again each time there is something to forget.
static void *restart_main(void *argument) {
    recorder *r = argument;
    while (tally_get(r->stop) == 0)
        if (trace_counts(r->trace).recorded > 60000)
            weir_trace_start(r->trace);
    return NULL;
}

static void a_copy_is_of_one_start(void) {
    enum { COPIES = 60 };
    weir_trace *trace = trace_started(1 << 17);
    wr_trace_ring **rings = rings_of(trace, "p", 1);
    tally stop;
    tally_init(&stop);
    recorder r[2] = {{trace, rings[0], 0, &stop, 0},
                     {trace, NULL, 0, &stop, 0}};
    r[0].thread = thread_start(count_main, &r[0]);
    r[1].thread = thread_start(restart_main, &r[1]);
    for (int i = 0; i < COPIES; i++) {
        kept k = keep(trace);
        const wr_trace_track *track = &k.tracks[0];
        for (size_t n = 1; n < track->count; n++)
            CHECK_EQ(track->events[n].id, track->events[n - 1].id + 1);
        keep_end(&k);
    }
    tally_add(&stop);
    for (int i = 0; i < 2; i++)
        thread_join(r[i].thread);
    weir_trace_destroy(trace);
}

static void *join_main(void *argument) {
    recorder *r = argument;
    for (unsigned i = 0; i < 50; i++) {
        wr_trace_ring **rings = rings_of(r->trace, "new", 2);
        emit(r->trace, rings[i % 2], WR_TRACE_SPAN, "0", 0, 0, 1);
    }
    return NULL;
}

static void pools_join_while_it_records_and_is_read(void) {
    weir_trace *trace = trace_started(4);
    recorder r[2] = {{.trace = trace}, {.trace = trace}};
    for (int i = 0; i < 2; i++)
        r[i].thread = thread_start(join_main, &r[i]);
    kept k = keep(trace);
    for (; k.count < 201; k = keep(trace)) {
        kept_others(&k);
        keep_end(&k);
        sched_yield();
    }
    keep_end(&k);
    for (int i = 0; i < 2; i++)
        thread_join(r[i].thread);
    k = keep(trace);
    size_t events = 0;
    for (size_t i = 0; i < 200; i++) {
        CHECK_EQ(k.tracks[i].pool, i / 2 + 1);
        CHECK_EQ(k.tracks[i].index, i % 2);
        CHECK_STR(k.tracks[i].name, i % 2 == 0 ? "new/0" : "new/1");
        events += k.tracks[i].count;
    }
    CHECK_EQ(events, 100);
    keep_end(&k);
    weir_trace_destroy(trace);
}

static void a_forked_child_is_refused(void) {
    weir_trace *trace = trace_started(4);
    weir_trace_span(trace, NULL, "x", 1, 2);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        weir_trace_counts counts = {.size = sizeof(counts)};
        wr_trace_ring **rings;
        weir_trace_span(trace, NULL, "y", 1, 2); // as if it were off
        weir_trace_start(trace);
        weir_trace_stop(trace);
        bool right = weir_trace_count(trace, &counts) == -ECHILD &&
                     weir_trace_json(trace, stdout) == -ECHILD &&
                     weir_trace_svg(trace, stdout, 0) == -ECHILD &&
                     wr_trace_join(trace, "p", 1, &rings) == -ECHILD;
        weir_trace_destroy(trace);
        _exit(right ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_EQ(trace_counts(trace).recorded, 1);
    weir_trace_destroy(trace);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"off_it_records_nothing", off_it_records_nothing},
        {"start_forgets_and_stop_keeps", start_forgets_and_stop_keeps},
        {"the_oldest_are_overwritten_and_counted",
         the_oldest_are_overwritten_and_counted},
        {"the_default_keeps_16384", the_default_keeps_16384},
        {"names_are_copied_and_cut_between_characters",
         names_are_copied_and_cut_between_characters},
        {"an_end_before_its_begin_is_its_begin",
         an_end_before_its_begin_is_its_begin},
        {"a_job_comes_with_its_time_in_the_queue",
         a_job_comes_with_its_time_in_the_queue},
        {"options_are_checked", options_are_checked},
        {"no_memory_changes_nothing", no_memory_changes_nothing},
        {"threads_record_while_it_is_switched_and_read",
         threads_record_while_it_is_switched_and_read},
        {"it_is_written_while_it_records_and_is_switched",
         it_is_written_while_it_records_and_is_switched},
        {"what_is_overwritten_during_a_copy_is_counted",
         what_is_overwritten_during_a_copy_is_counted},
        {"a_copy_is_of_one_start", a_copy_is_of_one_start},
        {"pools_join_while_it_records_and_is_read",
         pools_join_while_it_records_and_is_read},
        {"a_forked_child_is_refused", a_forked_child_is_refused},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

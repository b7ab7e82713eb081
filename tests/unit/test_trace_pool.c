// SPDX-License-Identifier: MIT
// What pools, pipelines and loops record: under which name, on which track,
// and that times fit into each other.
#include "base/check.h"
#include "support/line.h"
#include "support/loop.h"
#include "support/trace.h"

static const wr_trace_event *event_of(const wr_trace_track *track,
                                      enum wr_trace_kind kind,
                                      const char *name) {
    for (size_t i = 0; i < track->count; i++) {
        const wr_trace_event *e = &track->events[i];
        if (e->kind == kind && (name == NULL || strcmp(e->name, name) == 0))
            return e;
    }
    return NULL;
}

// The only one of this kind and name, wherever it is.
static const wr_trace_event *only_event(const kept *k, enum wr_trace_kind kind,
                                        const char *name, unsigned *index) {
    const wr_trace_event *found = NULL;
    for (size_t t = 0; t < k->count; t++)
        for (size_t i = 0; i < k->tracks[t].count; i++) {
            const wr_trace_event *e = &k->tracks[t].events[i];
            if (e->kind != kind || strcmp(e->name, name) != 0)
                continue;
            CHECK(found == NULL);
            found = e;
            if (index != NULL)
                *index = k->tracks[t].index;
        }
    CHECK(found != NULL);
    return found;
}

static size_t count_kind(const wr_trace_track *track, enum wr_trace_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < track->count; i++)
        count += track->events[i].kind == kind;
    return count;
}

static bool nests(const wr_trace_event *a, const wr_trace_event *b) {
    return a->end_ns <= b->begin_ns || b->end_ns <= a->begin_ns ||
           (a->begin_ns <= b->begin_ns && a->end_ns >= b->end_ns) ||
           (b->begin_ns <= a->begin_ns && b->end_ns >= a->end_ns);
}

// On a worker one thing is inside another, or they are apart; only the time in
// a queue is another matter. No event is from before the trace was.
static void check_tracks(const kept *k, int64_t since_ns) {
    for (size_t t = 0; t + 1 < k->count; t++)
        for (size_t i = 0; i < k->tracks[t].count; i++) {
            const wr_trace_event *a = &k->tracks[t].events[i];
            CHECK(a->begin_ns <= a->end_ns);
            CHECK(a->begin_ns >= since_ns && a->end_ns <= weir_now_ns());
            for (size_t j = 0; j < i && a->kind != WR_TRACE_QUEUED; j++) {
                const wr_trace_event *b = &k->tracks[t].events[j];
                CHECK(b->kind == WR_TRACE_QUEUED || nests(a, b));
            }
        }
}

// ---- jobs ------------------------------------------------------------------

static void jobs_are_on_the_track_of_their_worker(void) {
    enum { JOBS = 60 };
    static char names[JOBS][16];
    static work works[JOBS];
    int64_t since_ns = weir_now_ns();
    weir_trace *trace = trace_started(1024);
    weir_pool *pool = pool_traced(trace, 3, "three");
    for (int i = 0; i < JOBS; i++) {
        snprintf(names[i], sizeof(names[i]), "job %d", i);
        works[i] = work_of(i % 7 == 0 ? -EIO : 0);
        works[i].job.name = names[i];
        submit(pool, &works[i].job);
    }
    wait_idle(pool);
    kept k = keep(trace);
    check_tracks(&k, since_ns);
    for (int i = 0; i < JOBS; i++) {
        unsigned index, queued_index;
        const wr_trace_event *job =
            only_event(&k, WR_TRACE_JOB, names[i], &index);
        const wr_trace_event *queued =
            only_event(&k, WR_TRACE_QUEUED, names[i], &queued_index);
        CHECK_EQ(index, works[i].index);
        CHECK_EQ(queued_index, works[i].index);
        CHECK_EQ(job->id, (uintptr_t)&works[i].job);
        CHECK_EQ(queued->id, job->id);
        CHECK_EQ(queued->end_ns, job->begin_ns);
    }
    CHECK_STR(k.tracks[0].name, "three/0");
    CHECK_EQ(k.tracks[0].pool, 1);
    CHECK_EQ(kept_others(&k)->count, 0);
    keep_end(&k);
    pool_close(pool);
    weir_trace_destroy(trace); // its rings outlived the pool
}

typedef struct spanning {
    weir_job job;
    weir_trace *trace;
    unsigned index;
} spanning;

static int spanning_run(weir_worker *self, weir_job *job) {
    spanning *s = (spanning *)job;
    s->index = weir_worker_index(self);
    int64_t begin_ns = weir_now_ns();
    weir_trace_span(s->trace, self, "inside", begin_ns, weir_now_ns());
    return 0;
}

static void a_job_spans_what_it_did(void) {
    weir_trace *trace = trace_started(64);
    weir_trace *other = trace_started(64); // its pool has another one
    weir_pool *pool = pool_traced(trace, 2, "p");
    spanning s = {.job = WEIR_JOB_INIT(spanning_run, NULL), .trace = trace};
    s.job.name = "outside";
    submit(pool, &s.job);
    wait_idle(pool);
    spanning o = s;
    o.job = (weir_job)WEIR_JOB_INIT(spanning_run, NULL);
    o.trace = other;
    submit(pool, &o.job);
    wait_idle(pool);
    kept k = keep(trace);
    unsigned index;
    const wr_trace_event *span =
        only_event(&k, WR_TRACE_SPAN, "inside", &index);
    const wr_trace_event *job = only_event(&k, WR_TRACE_JOB, "outside", NULL);
    CHECK_EQ(index, s.index);
    CHECK(job->begin_ns <= span->begin_ns && span->end_ns <= job->end_ns);
    keep_end(&k);
    k = keep(other);
    CHECK_EQ(k.count, 1);
    CHECK_STR(kept_others(&k)->events[0].name, "inside");
    keep_end(&k);
    pool_close(pool);
    weir_trace_destroy(trace);
    weir_trace_destroy(other);
}

static void nothing_is_recorded_before_the_start(void) {
    weir_trace *trace = trace_of(64);
    weir_pool *pool = pool_traced(trace, 2, "p");
    work early = work_of(0);
    submit(pool, &early.job);
    wait_idle(pool);
    CHECK_EQ(trace_counts(trace).recorded, 0);
    weir_trace_start(trace);
    work now = work_of(0);
    now.job.name = "now";
    submit(pool, &now.job);
    wait_idle(pool);
    weir_trace_stop(trace);
    work late = work_of(0);
    late.job.name = "late";
    submit(pool, &late.job);
    wait_idle(pool);
    kept k = keep(trace);
    only_event(&k, WR_TRACE_JOB, "now", NULL);
    size_t jobs = 0;
    for (size_t t = 0; t < k.count; t++)
        jobs += count_kind(&k.tracks[t], WR_TRACE_JOB);
    CHECK_EQ(jobs, 1);
    keep_end(&k);
    pool_close(pool);
    weir_trace_destroy(trace);
}

// ---- forks, sleep, loans ---------------------------------------------------

typedef struct forker {
    weir_job job;
    weir_fork fork;
    tally taken;
    unsigned owner, thief;
} forker;

static void forked(weir_worker *self, weir_fork *fork) {
    forker *f = wr_container_of(fork, forker, fork);
    f->thief = weir_worker_index(self);
    mark_set(&f->taken);
}

static int forker_run(weir_worker *self, weir_job *job) {
    forker *f = (forker *)job;
    f->owner = weir_worker_index(self);
    weir_fork_begin(self, &f->fork, forked);
    mark_await(&f->taken, 1); // by the other worker: this one is busy
    weir_fork_join(self, &f->fork, forked);
    return 0;
}

static void stolen_forks_are_on_the_thiefs_track(void) {
    int64_t since_ns = weir_now_ns();
    weir_trace *trace = trace_started(64);
    weir_pool *pool = pool_traced(trace, 2, "p");
    forker f = {.job = WEIR_JOB_INIT(forker_run, NULL)};
    f.job.name = "forker";
    tally_init(&f.taken);
    submit(pool, &f.job);
    wait_idle(pool);
    kept k = keep(trace);
    check_tracks(&k, since_ns);
    unsigned thief, owner;
    const wr_trace_event *fork =
        only_event(&k, WR_TRACE_FORK, "forker", &thief);
    const wr_trace_event *job = only_event(&k, WR_TRACE_JOB, "forker", &owner);
    CHECK_EQ(thief, f.thief);
    CHECK_EQ(owner, f.owner);
    CHECK(thief != owner);
    CHECK(job->begin_ns <= fork->begin_ns);
    keep_end(&k);
    pool_close(pool);
    weir_trace_destroy(trace);
}

static void a_worker_with_nothing_to_do_is_asleep(void) {
    int64_t since_ns = weir_now_ns();
    weir_trace *trace = trace_started(64);
    weir_pool *pool = pool_traced(trace, 1, "p");
    while (counts_of(pool).parks == 0)
        sched_yield();
    work w = work_of(0);
    w.job.name = "wakes it";
    submit(pool, &w.job);
    wait_idle(pool);
    kept k = keep(trace);
    check_tracks(&k, since_ns);
    const wr_trace_event *job = only_event(&k, WR_TRACE_JOB, "wakes it", NULL);
    const wr_trace_event *park = event_of(&k.tracks[0], WR_TRACE_PARK, NULL);
    CHECK(park != NULL);
    CHECK_STR(park->name, "");
    CHECK(park->end_ns <= job->begin_ns);
    keep_end(&k);
    pool_close(pool);
    weir_trace_destroy(trace);
}

static weir_event awaited;

static int waiting_run(weir_worker *self, weir_job *job) {
    (void)job;
    CHECK_EQ(weir_event_wait(&awaited, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_blocking_begin(self), 0);
    weir_blocking_end(self);
    return 0;
}

static void a_wait_and_a_blocking_section_are_loans(void) {
    int64_t since_ns = weir_now_ns();
    weir_trace *trace = trace_started(256);
    weir_pool *pool = pool_traced(trace, 1, "p");
    weir_event_init(&awaited, pool, 1);
    weir_job job = WEIR_JOB_INIT(waiting_run, NULL);
    job.name = "lender";
    submit(pool, &job);
    while (counts_of(pool).loans == 0)
        sched_yield();
    CHECK_EQ(weir_event_fire(&awaited, 0), 0);
    wait_idle(pool);
    kept k = keep(trace);
    check_tracks(&k, since_ns);
    unsigned index;
    const wr_trace_event *lender =
        only_event(&k, WR_TRACE_JOB, "lender", &index);
    const wr_trace_track *track = &k.tracks[index];
    CHECK_EQ(count_kind(track, WR_TRACE_LOAN), 2);
    for (size_t i = 0; i < track->count; i++) {
        const wr_trace_event *e = &track->events[i];
        if (e->kind != WR_TRACE_LOAN)
            continue;
        CHECK_STR(e->name, "lender");
        CHECK_EQ(e->id, lender->id);
        CHECK(lender->begin_ns <= e->begin_ns && e->end_ns <= lender->end_ns);
    }
    keep_end(&k);
    pool_close(pool);
    weir_trace_destroy(trace);
}

// ---- rooms above -----------------------------------------------------------

static void tokens_are_there_by_stage(void) {
    enum { COUNT = 50 };
    static const char *const stages[] = {"read", "work", "write"};
    int64_t since_ns = weir_now_ns();
    weir_trace *trace = trace_started(4096);
    weir_pool *pool = pool_traced(trace, 2, "p");
    line *l = line_open(pool, COUNT);
    line_create(l);
    line_run(l);
    line_close(l);
    wait_idle(pool);
    kept k = keep(trace);
    check_tracks(&k, since_ns);
    for (size_t s = 0; s < TEST_COUNT(stages); s++) {
        int seen[COUNT] = {0};
        for (size_t t = 0; t + 1 < k.count; t++)
            for (size_t i = 0; i < k.tracks[t].count; i++) {
                const wr_trace_event *e = &k.tracks[t].events[i];
                if (e->kind != WR_TRACE_TOKEN ||
                    strcmp(e->name, stages[s]) != 0)
                    continue;
                CHECK(e->id < COUNT);
                seen[e->id]++;
            }
        for (int i = 0; i < COUNT; i++)
            CHECK_EQ(seen[i], 1);
    }
    keep_end(&k);
    pool_close(pool);
    weir_trace_destroy(trace);
}

static void calls_are_there_from_submit_to_delivery(void) {
    weir_trace *trace = trace_started(256);
    weir_pool *pool = pool_traced(trace, 2, "p");
    weir_loop_options options = loop_options();
    options.trace = trace;
    weir_loop *loop = loop_open_with(&options);
    int64_t before_ns = weir_now_ns();
    errand e = errand_of(0);
    call_on(loop, pool, &e);
    int64_t accepted_ns = weir_now_ns();
    settle(loop, pool);
    int64_t after_ns = weir_now_ns();
    kept k = keep(trace);
    const wr_trace_track *others = kept_others(&k);
    CHECK_EQ(count_kind(others, WR_TRACE_CALL), 1);
    CHECK_EQ(count_kind(others, WR_TRACE_DELIVERY), 1);
    const wr_trace_event *call = event_of(others, WR_TRACE_CALL, NULL);
    const wr_trace_event *late = event_of(others, WR_TRACE_DELIVERY, NULL);
    CHECK_EQ(call->id, late->id);
    CHECK(before_ns <= call->begin_ns && call->begin_ns <= accepted_ns);
    CHECK(accepted_ns <= call->end_ns && call->end_ns <= after_ns);
    CHECK(call->begin_ns <= late->begin_ns && late->end_ns <= call->end_ns);
    json *file = events_of(trace);
    CHECK_EQ(events_named(file, "b", call->name), 1);
    json_free(file);
    keep_end(&k);
    loop_close(loop);
    pool_close(pool);
    weir_trace_destroy(trace);
}

static void two_pools_share_a_trace(void) {
    weir_trace *trace = trace_started(64);
    weir_pool *first = pool_traced(trace, 1, "first");
    weir_pool *second = pool_traced(trace, 1, "second");
    work a = work_of(0), b = work_of(0);
    a.job.name = "a";
    b.job.name = "b";
    submit(first, &a.job);
    submit(second, &b.job);
    wait_idle(first);
    wait_idle(second);
    pool_close(first);
    kept k = keep(trace);
    for (size_t t = 0; t < k.count; t++) {
        const wr_trace_track *track = &k.tracks[t];
        CHECK(event_of(track, WR_TRACE_JOB, "a") == NULL || track->pool == 1);
        CHECK(event_of(track, WR_TRACE_JOB, "b") == NULL || track->pool == 2);
    }
    only_event(&k, WR_TRACE_JOB, "a", NULL);
    only_event(&k, WR_TRACE_JOB, "b", NULL);
    keep_end(&k);
    pool_close(second);
    char *svg = svg_of(trace, 0);
    CHECK(strstr(svg, ">first</text>") != NULL);
    CHECK(strstr(svg, ">second</text>") != NULL);
    free(svg);
    weir_trace_destroy(trace);
}

static void a_pool_works_while_it_is_switched(void) {
    enum { ROUNDS = 30, JOBS = 40 };
    static work works[JOBS];
    int64_t since_ns = weir_now_ns();
    weir_trace *trace = trace_of(128);
    weir_pool *pool = pool_traced(trace, 3, "p");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < JOBS; i++) {
            works[i] = work_of(0);
            works[i].job.name = "job";
            submit(pool, &works[i].job);
            if (i % 10 == 3)
                weir_trace_start(trace);
            if (i % 10 == 8)
                weir_trace_stop(trace);
        }
        kept k = keep(trace);
        check_tracks(&k, since_ns);
        keep_end(&k);
        json_free(events_of(trace));
        wait_idle(pool);
        for (int i = 0; i < JOBS; i++)
            check_ran(&works[i], 0);
    }
    pool_close(pool);
    weir_trace_destroy(trace);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"jobs_are_on_the_track_of_their_worker",
         jobs_are_on_the_track_of_their_worker},
        {"a_job_spans_what_it_did", a_job_spans_what_it_did},
        {"nothing_is_recorded_before_the_start",
         nothing_is_recorded_before_the_start},
        {"stolen_forks_are_on_the_thiefs_track",
         stolen_forks_are_on_the_thiefs_track},
        {"a_worker_with_nothing_to_do_is_asleep",
         a_worker_with_nothing_to_do_is_asleep},
        {"a_wait_and_a_blocking_section_are_loans",
         a_wait_and_a_blocking_section_are_loans},
        {"tokens_are_there_by_stage", tokens_are_there_by_stage},
        {"calls_are_there_from_submit_to_delivery",
         calls_are_there_from_submit_to_delivery},
        {"two_pools_share_a_trace", two_pools_share_a_trace},
        {"a_pool_works_while_it_is_switched",
         a_pool_works_while_it_is_switched},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}

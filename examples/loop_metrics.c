// SPDX-License-Identifier: MIT
// A program that knows where its time goes: figures with advice, a watchdog,
// and a timeline as a picture.
//
//   cc loop_metrics.c $(pkg-config --cflags --libs weir)
//   ./a.out timeline.svg
//
// Two sites are in the wrong place, on purpose: one sends next to nothing to
// the pool, the other computes for milliseconds on the loop's own thread. The
// loop has measured both and says so. A third one does not come back; the
// watchdog, which has a thread of its own, tells the loop.
//
// Prints:
//   as wide as it should be: the loop has a core, if there are two
//   add: run it inline
//   sort: offload it
//   import: it hangs
//   import: cancelled
#include <errno.h>
#include <stdio.h>
#include <weir/loop.h>
#include <weir/observe.h>

enum { CALLS = 40 }; // advice wants 32 runs

static weir_pool *pool;
static weir_loop *loop;

// ---- three sites -----------------------------------------------------------

static const weir_site adding = WEIR_SITE_INIT("add");
static const weir_site sorting = WEIR_SITE_INIT_MODE("sort", WEIR_SITE_INLINE);
static const weir_site importing = WEIR_SITE_INIT("import");

static int add(weir_worker *self, weir_call *call) {
    (void)self, (void)call;
    return 0;
}

static int sort(weir_worker *self, weir_call *call) {
    (void)self, (void)call;
    int64_t end_ns = weir_now_ns() + 2000000; // 2 ms of work
    while (weir_now_ns() < end_ns)
        continue;
    return 0;
}

static int import(weir_worker *self, weir_call *call) {
    (void)self;
    int why;
    while ((why = weir_call_cancelled(call)) == 0)
        continue; // what it waits for will not come
    return why;
}

// drive drains until nothing is pending: an event loop without other business.
static int drive(void) {
    while (weir_loop_pending(loop) > 0) {
        int error = weir_loop_wait(loop, WEIR_FOREVER);
        if (error == 0)
            error = weir_loop_drain(loop);
        if (error < 0)
            return error;
    }
    return 0;
}

static int make_calls(void) {
    weir_call calls[2 * CALLS]; // lent until drive returns
    int error = 0;
    for (int i = 0; i < 2 * CALLS && error == 0; i++) {
        calls[i] = (weir_call)WEIR_CALL_INIT(i % 2 == 0 ? add : sort, NULL);
        calls[i].site = i % 2 == 0 ? &adding : &sorting;
        error = weir_call_submit(loop, pool, &calls[i]);
    }
    int driven = drive();
    return error != 0 ? error : driven;
}

// ---- what the loop has measured --------------------------------------------

static void print_advice(void) {
    weir_site_stats stats = {.size = sizeof(stats)};
    for (unsigned i = 0; weir_loop_site(loop, i, &stats) == 0; i++) {
        if (stats.advice == WEIR_ADVICE_INLINE)
            printf("%s: run it inline\n", stats.site->name);
        else if (stats.advice == WEIR_ADVICE_OFFLOAD)
            printf("%s: offload it\n", stats.site->name);
    }
}

// All figures, the same advice among them, for a person.
static int print_metrics(FILE *out) {
    weir_metrics *metrics;
    int error = weir_metrics_create(&metrics);
    if (error != 0)
        return error;
    error = weir_metrics_add_pool(metrics, pool, "compute");
    if (error == 0)
        error = weir_metrics_add_loop(metrics, loop, "main");
    if (error == 0)
        error = weir_metrics_text(metrics, out);
    weir_metrics_destroy(metrics);
    return error;
}

// ---- the watchdog ----------------------------------------------------------

// An expected call carries the watchdog's report to the loop's thread.
struct report {
    weir_call call; // first
    weir_stall stall;
    weir_call *stuck;
    int made; // looked at by the watchdog's thread alone
};

static void on_stall(void *context, const weir_stall *stall) {
    struct report *report = context;
    if (report->made++ == 0) { // it comes again when the time has doubled
        report->stall = *stall;
        weir_call_complete(&report->call, 0);
    }
}

static void reported(weir_call *call, int status) {
    struct report *report = (struct report *)call;
    printf("%s: it hangs\n", status == 0 ? report->stall.name : "?");
    weir_call_cancel(report->stuck);
}

static void imported(weir_call *call, int status) {
    (void)call;
    printf("import: %s\n", status == -ECANCELED ? "cancelled" : "?");
}

static int hang(void) {
    weir_call stuck = WEIR_CALL_INIT(import, imported);
    struct report report = {.call = WEIR_CALL_INIT(NULL, reported),
                            .stuck = &stuck};
    stuck.site = &importing;
    weir_watchdog *watchdog;
    weir_watchdog_options options = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    options.over_ns = 50000000; // 50 ms
    options.report = on_stall;
    options.context = &report;
    int error = weir_watchdog_start(&watchdog, &options);
    if (error != 0)
        return error;
    error = weir_call_expect(loop, &report.call);
    if (error == 0) {
        error = weir_call_submit(loop, pool, &stuck);
        if (error != 0)
            weir_call_complete(&report.call, error); // nobody else will
        int driven = drive();
        error = error != 0 ? error : driven;
    }
    weir_watchdog_stop(watchdog);
    return error;
}

// ---- all of it -------------------------------------------------------------

// The pool leaves the loop its core.
static int make_pool(weir_trace *trace) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = WEIR_THREADS_BESIDE_LOOP;
    options.measure = 1;
    options.trace = trace;
    return weir_pool_create(&pool, &options);
}

static int check_width(void) {
    weir_pool *all;
    int error = weir_pool_create(&all, NULL); // as wide as this process may use
    if (error != 0)
        return error;
    unsigned cpus = weir_pool_width(all);
    printf("%s: the loop has a core, if there are two\n",
           weir_pool_width(pool) == (cpus > 1 ? cpus - 1 : 1)
               ? "as wide as it should be"
               : weir_pool_reason(pool));
    weir_pool_destroy(all);
    return 0;
}

// The file is a picture that any browser shows.
static int write_timeline(weir_trace *trace, const char *path) {
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return -errno;
    int error = weir_trace_svg(trace, out, 0);
    return fclose(out) != 0 && error == 0 ? -EIO : error;
}

int main(int argc, char **argv) {
    weir_trace *trace = NULL;
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    int error = weir_trace_create(&trace, NULL);
    if (error == 0)
        error = make_pool(trace);
    options.trace = trace;
    if (error == 0)
        error = weir_loop_create(&loop, &options);
    if (error == 0)
        error = check_width();
    if (error == 0) {
        weir_trace_start(trace);
        error = make_calls();
        weir_trace_stop(trace);
    }
    if (error == 0) {
        print_advice();
        error = print_metrics(stderr);
    }
    if (error == 0)
        error = hang();
    if (error == 0 && argc > 1)
        error = write_timeline(trace, argv[1]);
    if (error != 0)
        fprintf(stderr, "%s\n", weir_strerror(error));
    weir_pool_destroy(pool); // NULL is allowed, here and below
    weir_loop_destroy(loop);
    weir_trace_destroy(trace);
    return error != 0;
}

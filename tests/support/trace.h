// SPDX-License-Identifier: MIT
// Timelines for tests: made, written to memory, looked at.
#ifndef TEST_TRACE_H
#define TEST_TRACE_H

#include "base/fault.h"
#include "pool/trace.h"
#include "support/json.h"
#include "support/pool.h"
#include "support/xml.h"
#include "weir/observe.h"

// Switched off.
static inline weir_trace *trace_of(unsigned events_max) {
    weir_trace_options options = WEIR_TRACE_OPTIONS_INIT;
    options.events_max = events_max;
    weir_trace *trace = NULL;
    CHECK_EQ(weir_trace_create(&trace, &options), 0);
    CHECK(trace != NULL);
    return trace;
}

static inline weir_trace *trace_started(unsigned events_max) {
    weir_trace *trace = trace_of(events_max);
    weir_trace_start(trace);
    return trace;
}

static inline weir_trace_counts trace_counts(weir_trace *trace) {
    weir_trace_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_trace_count(trace, &counts), 0);
    return counts;
}

static inline weir_pool *pool_traced(weir_trace *trace, int threads,
                                     const char *name) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.name = name;
    options.trace = trace;
    return pool_open(&options);
}

// ---- rings of its own, without a pool --------------------------------------

static inline wr_trace_ring **rings_of(weir_trace *trace, const char *pool,
                                       unsigned count) {
    wr_trace_ring **rings = NULL;
    CHECK_EQ(wr_trace_join(trace, pool, count, &rings), 0);
    return rings;
}

static inline void emit(weir_trace *trace, wr_trace_ring *ring,
                        enum wr_trace_kind kind, const char *name, uint64_t id,
                        int64_t begin_ns, int64_t end_ns) {
    wr_trace_emit(trace, ring, kind, name, id, begin_ns, end_ns);
}

// ---- what is kept ----------------------------------------------------------

typedef struct kept {
    wr_trace_track *tracks;
    size_t count;
} kept;

static inline kept keep(weir_trace *trace) {
    kept k;
    CHECK_EQ(wr_trace_copy(trace, &k.tracks, &k.count), 0);
    return k;
}

static inline void keep_end(kept *k) {
    wr_trace_copy_free(k->tracks, k->count);
}

// The last track is that of all other threads.
static inline const wr_trace_track *kept_others(const kept *k) {
    const wr_trace_track *others = &k->tracks[k->count - 1];
    CHECK_STR(others->name, "other threads");
    CHECK_EQ(others->pool, 0);
    return others;
}

// ---- files in memory -------------------------------------------------------

// Free it.
static inline char *json_of(weir_trace *trace) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL);
    CHECK_EQ(weir_trace_json(trace, out), 0);
    CHECK_EQ(fclose(out), 0);
    return text;
}

// Free it. Well-formed.
static inline char *svg_of(weir_trace *trace, unsigned width) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL);
    CHECK_EQ(weir_trace_svg(trace, out, width), 0);
    CHECK_EQ(fclose(out), 0);
    CHECK(check_xml(text) > 0);
    return text;
}

// json_free it. Checks what every file of a timeline has.
static inline json *events_of(weir_trace *trace) {
    char *text = json_of(trace);
    json *file = json_read(text);
    free(text);
    CHECK_STR(json_text(file, "displayTimeUnit"), "ns");
    json *events = json_get(file, "traceEvents");
    CHECK(events != NULL);
    CHECK_EQ(events->kind, JSON_ARRAY);
    for (const json *e = events->first; e != NULL; e = e->next) {
        CHECK_EQ(strlen(json_text(e, "ph")), 1);
        CHECK(json_integer(e, "pid") > 0);
        CHECK(json_integer(e, "tid") > 0);
        CHECK(strlen(json_text(e, "name")) > 0);
    }
    return file;
}

// The nth event of this phase and name (NULL: any), or NULL.
static inline const json *event_named(const json *file, const char *phase,
                                      const char *name, unsigned n) {
    const json *e = json_get(file, "traceEvents")->first;
    for (; e != NULL; e = e->next)
        if (strcmp(json_text(e, "ph"), phase) == 0 &&
            (name == NULL || strcmp(json_text(e, "name"), name) == 0) &&
            n-- == 0)
            return e;
    return NULL;
}

static inline unsigned events_named(const json *file, const char *phase,
                                    const char *name) {
    unsigned count = 0;
    while (event_named(file, phase, name, count) != NULL)
        count++;
    return count;
}

// Microseconds with exactly three digits after the point, as nanoseconds.
static inline int64_t ns_of(const json *event, const char *key) {
    CHECK_EQ(json_get(event, key)->kind, JSON_NUMBER);
    const char *text = json_text(event, key);
    const char *point = strchr(text, '.');
    CHECK(point != NULL);
    CHECK_EQ(strlen(point), 4);
    int64_t whole = strtoll(text, NULL, 10) * 1000;
    int64_t part = strtoll(point + 1, NULL, 10);
    return text[0] == '-' ? whole - part : whole + part;
}

#endif // TEST_TRACE_H

// SPDX-License-Identifier: MIT
// All figures in the text exposition format of Prometheus, version 0.0.4: one
// family after the other, each with the samples of all objects.
// Source: prometheus.io, "Exposition formats".
#include "observe/types.h"

#include "base/fault.h"
#include "observe/trace_text.h"

#include <inttypes.h>
#include <string.h>

enum { LABELS_MAX = 4 };

// What the samples of one object have in common.
typedef struct series {
    const void *figures;
    const char *keys[LABELS_MAX];
    const char *values[LABELS_MAX];
    char number[16]; // the last value, where it is one
} series;

typedef struct all_series {
    series *list;
    size_t count;
} all_series;

// ---- samples ---------------------------------------------------------------

// Label values are UTF-8; what is not becomes U+FFFD.
static void write_value(FILE *out, const char *value) {
    const char *at = value;
    uint32_t character;
    for (const char *from = at; (character = wr_utf8_next(&at)) != 0;
         from = at) {
        if (character == '\n')
            fputs("\\n", out);
        else if (character == '"' || character == '\\')
            fprintf(out, "\\%c", (char)character);
        else if (character == 0xFFFD)
            fputs("\xEF\xBF\xBD", out);
        else
            fwrite(from, 1, (size_t)(at - from), out);
    }
}

static void write_labels(FILE *out, const series *one, const char *key,
                         const char *value) {
    fputc('{', out);
    for (int i = 0; i < LABELS_MAX && one->keys[i] != NULL; i++) {
        fprintf(out, "%s%s=\"", i > 0 ? "," : "", one->keys[i]);
        write_value(out, one->values[i]);
        fputc('"', out);
    }
    if (key != NULL)
        fprintf(out, ",%s=\"%s\"", key, value);
    fputs("} ", out);
}

static void write_header(FILE *out, const char *name, const char *type,
                         const char *help) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// Whole nanoseconds in seconds, whatever the locale.
static void write_seconds(FILE *out, uint64_t ns) {
    fprintf(out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

// ---- figures by table ------------------------------------------------------

enum form { COUNT, NUMBER, FLAG, SECONDS, RATIO };

// A row is a sample of each object; rows of one family follow each other.
typedef struct figure {
    const char *family;
    const char *help;  // of the family: with its first row
    const char *key;   // a label more, or NULL
    const char *value; // its value
    size_t offset;     // in the figures of the object
    enum form form;
} figure;

static void write_number(FILE *out, const void *figures, const figure *row) {
    const unsigned char *at = (const unsigned char *)figures + row->offset;
    uint64_t count = 0;
    unsigned number = 0;
    int flag = 0;
    int64_t ns = 0;
    double ratio = 0;
    switch (row->form) {
    case COUNT:
        memcpy(&count, at, sizeof(count));
        fprintf(out, "%" PRIu64, count);
        break;
    case NUMBER:
        memcpy(&number, at, sizeof(number));
        fprintf(out, "%u", number);
        break;
    case FLAG:
        memcpy(&flag, at, sizeof(flag));
        fprintf(out, "%d", flag);
        break;
    case SECONDS:
        memcpy(&ns, at, sizeof(ns));
        write_seconds(out, (uint64_t)ns);
        break;
    case RATIO:
        memcpy(&ratio, at, sizeof(ratio));
        write_seconds(out, (uint64_t)(ratio * 1e9));
        break;
    }
    fputc('\n', out);
}

static bool counts_up(const char *family) {
    size_t length = strlen(family);
    return length > 6 && strcmp(family + length - 6, "_total") == 0;
}

static void write_figures(FILE *out, const all_series *all, const figure *rows,
                          size_t rows_count) {
    for (size_t first = 0, end; first < rows_count && all->count > 0;
         first = end) {
        const char *family = rows[first].family;
        for (end = first + 1; end < rows_count && rows[end].help == NULL;)
            end++;
        write_header(out, family, counts_up(family) ? "counter" : "gauge",
                     rows[first].help);
        for (size_t i = 0; i < all->count; i++)
            for (size_t row = first; row < end; row++) {
                fputs(family, out);
                write_labels(out, &all->list[i], rows[row].key,
                             rows[row].value);
                write_number(out, all->list[i].figures, &rows[row]);
            }
    }
}

// ---- histograms ------------------------------------------------------------

// Buckets end at powers of two (nanoseconds), where weir_histogram has a bound,
// so that each count is exact. Times are whole, so "below 2^n" is "at most
// 2^n - 1". By fours, but by twos from 66 us to 268 ms.
static const uint8_t bounds_log2[] = {10, 12, 14, 16, 17, 18, 19, 20, 21, 22,
                                      23, 24, 25, 26, 27, 28, 30, 32, 34, 36};

static void write_histogram(FILE *out, const char *family, const series *one,
                            const weir_histogram *histogram) {
    uint64_t below = 0;
    unsigned bucket = 0;
    for (size_t i = 0; i < sizeof(bounds_log2); i++) {
        uint64_t bound = UINT64_C(1) << bounds_log2[i];
        while (weir_histogram_bound(bucket) <= bound)
            below += histogram->bucket[bucket++];
        char le[32];
        snprintf(le, sizeof(le), "%" PRIu64 ".%09" PRIu64,
                 (bound - 1) / 1000000000, (bound - 1) % 1000000000);
        fprintf(out, "%s_bucket", family);
        write_labels(out, one, "le", le);
        fprintf(out, "%" PRIu64 "\n", below);
    }
    fprintf(out, "%s_bucket", family);
    write_labels(out, one, "le", "+Inf");
    fprintf(out, "%" PRIu64 "\n%s_sum", histogram->count, family);
    write_labels(out, one, NULL, NULL);
    write_seconds(out, histogram->sum_ns);
    fprintf(out, "\n%s_count", family);
    write_labels(out, one, NULL, NULL);
    fprintf(out, "%" PRIu64 "\n", histogram->count);
}

static void write_histograms(FILE *out, const char *family, const char *help,
                             const all_series *all, size_t offset) {
    if (all->count == 0)
        return;
    write_header(out, family, "histogram", help);
    for (size_t i = 0; i < all->count; i++) {
        const char *figures = all->list[i].figures;
        write_histogram(out, family, &all->list[i],
                        (const void *)(figures + offset));
    }
}

// ---- pools -----------------------------------------------------------------

#define POOL(member) offsetof(weir_pool_stats, member)
#define JOBS(member) offsetof(weir_pool_stats, counts.member)

static const figure pool_figures[] = {
    {"weir_pool_width", "Places: how many jobs run at once.", NULL, NULL,
     POOL(width), NUMBER},
    {"weir_pool_threads", "Threads alive, stand-ins included.", NULL, NULL,
     POOL(threads), NUMBER},
    {"weir_pool_stand_ins", "Stand-in threads alive.", NULL, NULL,
     JOBS(stand_ins), COUNT},
    {"weir_pool_age_seconds", "Since the pool was created.", NULL, NULL,
     POOL(age_ns), SECONDS},
    {"weir_pool_busy_seconds_total",
     "Workers held a place and ran something, all together.", NULL, NULL,
     POOL(busy_ns), SECONDS},
    {"weir_pool_utilisation_ratio",
     "Busy time over age times width, since the pool was created.", NULL, NULL,
     POOL(utilisation), RATIO},
    {"weir_pool_jobs_submitted_total", "Jobs accepted in any way.", NULL, NULL,
     JOBS(submitted), COUNT},
    {"weir_pool_jobs_started_total", "Jobs that began to run.", NULL, NULL,
     JOBS(started), COUNT},
    {"weir_pool_jobs_ended_total", "Jobs that have ended, by outcome.",
     "outcome", "succeeded", JOBS(succeeded), COUNT},
    {"weir_pool_jobs_ended_total", NULL, "outcome", "failed", JOBS(failed),
     COUNT},
    {"weir_pool_jobs_ended_total", NULL, "outcome", "cancelled",
     JOBS(cancelled), COUNT},
    {"weir_pool_jobs_ended_total", NULL, "outcome", "timed_out",
     JOBS(timed_out), COUNT},
    {"weir_pool_jobs_ended_total", NULL, "outcome", "detached", JOBS(detached),
     COUNT},
    {"weir_pool_jobs", "Jobs in the pool now, by state.", "state", "queued",
     JOBS(queued), COUNT},
    {"weir_pool_jobs", NULL, "state", "attached", JOBS(attached), COUNT},
    {"weir_pool_jobs", NULL, "state", "running", JOBS(running), COUNT},
    {"weir_pool_jobs_queued_max", "Most jobs that were queued at once.", NULL,
     NULL, JOBS(queued_max), COUNT},
    {"weir_pool_places_max", "Most places that were held at once.", NULL, NULL,
     JOBS(place_highest), COUNT},
    {"weir_pool_steals_total", "Forks run by another worker than their own.",
     NULL, NULL, JOBS(steals), COUNT},
    {"weir_pool_parks_total", "A worker went to sleep.", NULL, NULL,
     JOBS(parks), COUNT},
    {"weir_pool_wakes_total", "A worker was woken on purpose.", NULL, NULL,
     JOBS(wakes), COUNT},
    {"weir_pool_loans_total", "A wait or blocking section lent its place.",
     NULL, NULL, JOBS(loans), COUNT},
    {"weir_pool_forks_inline_total", "Forks that ran at once: no room.", NULL,
     NULL, JOBS(forks_inline), COUNT},
};

static const figure slow_figure = {"weir_pool_jobs_slow_total",
                                   "Jobs that ran longer than 100 ms.",
                                   NULL,
                                   NULL,
                                   POOL(slow),
                                   COUNT};

#define WORKER(member) offsetof(weir_worker_stats, member)

static const figure worker_figures[] = {
    {"weir_worker_alive", "1: the worker has a thread.", NULL, NULL,
     WORKER(alive), FLAG},
    {"weir_worker_lent", "1: it waits, or is in a blocking section.", NULL,
     NULL, WORKER(lent), FLAG},
    {"weir_worker_jobs_total", "Jobs that it has run.", NULL, NULL,
     WORKER(jobs), COUNT},
    {"weir_worker_steals_total", "Forks of others that it has run.", NULL, NULL,
     WORKER(steals), COUNT},
    {"weir_worker_parks_total", "It went to sleep.", NULL, NULL, WORKER(parks),
     COUNT},
    {"weir_worker_wakes_total", "It was woken on purpose.", NULL, NULL,
     WORKER(wakes), COUNT},
    {"weir_worker_busy_seconds_total", "It held a place and ran something.",
     NULL, NULL, WORKER(busy_ns), SECONDS},
};

#define ROWS(figures) figures, sizeof(figures) / sizeof((figures)[0])

static void write_pools(FILE *out, const wr_shot *shot, series *room) {
    all_series all = {room, 0};
    for (size_t i = 0; i < shot->pools_count; i++)
        room[all.count++] = (series){.figures = &shot->pools[i].stats,
                                     .keys = {"pool"},
                                     .values = {shot->pools[i].name}};
    write_figures(out, &all, ROWS(pool_figures));

    all.count = 0;
    for (size_t i = 0; i < shot->pools_count; i++)
        if (shot->pools[i].measured)
            room[all.count++] = (series){.figures = &shot->pools[i].stats,
                                         .keys = {"pool"},
                                         .values = {shot->pools[i].name}};
    write_figures(out, &all, &slow_figure, 1);
    write_histograms(out, "weir_pool_queue_seconds",
                     "Jobs, from queued to started.", &all, POOL(queue));
    write_histograms(out, "weir_pool_run_seconds",
                     "Jobs, from started to ended.", &all, POOL(run));

    all.count = 0;
    for (size_t i = 0; i < shot->pools_count; i++)
        for (unsigned k = 0; k < shot->pools[i].workers_count; k++) {
            const weir_worker_stats *worker = &shot->pools[i].workers[k];
            if (!wr_worker_used(worker))
                continue;
            series *one = &room[all.count++];
            *one = (series){.figures = worker,
                            .keys = {"pool", "worker"},
                            .values = {shot->pools[i].name, one->number}};
            snprintf(one->number, sizeof(one->number), "%u", k);
        }
    write_figures(out, &all, ROWS(worker_figures));
}

// ---- lanes -----------------------------------------------------------------

#define LANE(member) offsetof(weir_lane_counts, member)

static const figure lane_figures[] = {
    {"weir_lane_calls_accepted_total", "Calls accepted.", NULL, NULL,
     LANE(accepted), COUNT},
    {"weir_lane_calls_ended_total", "Calls that have ended, by outcome.",
     "outcome", "succeeded", LANE(succeeded), COUNT},
    {"weir_lane_calls_ended_total", NULL, "outcome", "failed", LANE(failed),
     COUNT},
    {"weir_lane_calls_ended_total", NULL, "outcome", "cancelled",
     LANE(cancelled), COUNT},
    {"weir_lane_calls_ended_total", NULL, "outcome", "timed_out",
     LANE(timed_out), COUNT},
    {"weir_lane_calls", "Calls in the lane now, by state.", "state", "queued",
     LANE(queued), COUNT},
    {"weir_lane_calls", NULL, "state", "running", LANE(running), COUNT},
    {"weir_lane_calls_queued_max", "Most calls that were queued at once.", NULL,
     NULL, LANE(queued_max), COUNT},
    {"weir_lane_threads", "Threads alive.", NULL, NULL, LANE(threads), NUMBER},
    {"weir_lane_threads_highest", "Most threads there were at once.", NULL,
     NULL, LANE(threads_highest), NUMBER},
    {"weir_lane_longest_seconds", "How long the oldest running call runs.",
     NULL, NULL, LANE(longest_ns), SECONDS},
    {"weir_lane_threads_started_total", "Threads started.", NULL, NULL,
     LANE(started_threads), COUNT},
};

static void write_lanes(FILE *out, const wr_shot *shot, series *room) {
    all_series all = {room, 0};
    for (size_t i = 0; i < shot->lanes_count; i++)
        room[all.count++] = (series){.figures = &shot->lanes[i].counts,
                                     .keys = {"lane"},
                                     .values = {shot->lanes[i].name}};
    write_figures(out, &all, ROWS(lane_figures));
}

// ---- caches ----------------------------------------------------------------

#define CACHE(member) offsetof(weir_cache_counts, member)
#define REMOVED(why) (CACHE(removed) + (size_t)(why) * sizeof(uint64_t))

static const figure cache_figures[] = {
    {"weir_cache_gets_total", "Gets, by what they found.", "found", "hit",
     CACHE(hits), COUNT},
    {"weir_cache_gets_total", NULL, "found", "miss", CACHE(misses), COUNT},
    {"weir_cache_gets_total", NULL, "found", "coalesced", CACHE(coalesced),
     COUNT},
    {"weir_cache_gets_total", NULL, "found", "failed", CACHE(failed_hits),
     COUNT},
    {"weir_cache_gets_left_total", "Gets that left before the answer.", NULL,
     NULL, CACHE(left), COUNT},
    {"weir_cache_flights_total", "Loads that were started.", NULL, NULL,
     CACHE(flights), COUNT},
    {"weir_cache_flights_ended_total", "Loads that have landed, by outcome.",
     "outcome", "loaded", CACHE(loaded), COUNT},
    {"weir_cache_flights_ended_total", NULL, "outcome", "failed", CACHE(failed),
     COUNT},
    {"weir_cache_flights_ended_total", NULL, "outcome", "abandoned",
     CACHE(abandoned), COUNT},
    {"weir_cache_stale_total", "Loads whose result was not kept: superseded.",
     NULL, NULL, CACHE(stale), COUNT},
    {"weir_cache_puts_total", "Values put.", NULL, NULL, CACHE(puts), COUNT},
    {"weir_cache_removed_total", "Values removed, by cause.", "cause",
     "invalidated", REMOVED(WEIR_REMOVED_INVALIDATED), COUNT},
    {"weir_cache_removed_total", NULL, "cause", "replaced",
     REMOVED(WEIR_REMOVED_REPLACED), COUNT},
    {"weir_cache_removed_total", NULL, "cause", "size",
     REMOVED(WEIR_REMOVED_SIZE), COUNT},
    {"weir_cache_removed_total", NULL, "cause", "expired",
     REMOVED(WEIR_REMOVED_EXPIRED), COUNT},
    {"weir_cache_removed_total", NULL, "cause", "stopped",
     REMOVED(WEIR_REMOVED_STOPPED), COUNT},
    {"weir_cache_too_heavy_total", "Values never kept: too heavy.", NULL, NULL,
     CACHE(too_heavy), COUNT},
    {"weir_cache_entries", "Values and failures kept now.", NULL, NULL,
     CACHE(entries), COUNT},
    {"weir_cache_bytes", "Their weights.", NULL, NULL, CACHE(bytes), COUNT},
    {"weir_cache_bytes_max", "The most that ever were.", NULL, NULL,
     CACHE(bytes_max), COUNT},
    {"weir_cache_lent_bytes", "Weights of values not kept that are held.", NULL,
     NULL, CACHE(lent_bytes), COUNT},
    {"weir_cache_capacity_bytes", "Capacity.", NULL, NULL, CACHE(capacity),
     COUNT},
    {"weir_cache_loading", "Loads now.", NULL, NULL, CACHE(loading), COUNT},
    {"weir_cache_orphans", "Of those, for nobody.", NULL, NULL, CACHE(orphans),
     COUNT},
    {"weir_cache_waiting", "Gets that wait for a load now.", NULL, NULL,
     CACHE(waiting), COUNT},
    {"weir_cache_oldest_load_seconds", "How long the oldest load runs.", NULL,
     NULL, CACHE(oldest_ns), SECONDS},
    {"weir_cache_load_seconds_total", "Time of all loads, added up.", NULL,
     NULL, CACHE(load_total_ns), SECONDS},
    {"weir_cache_load_max_seconds", "The longest load.", NULL, NULL,
     CACHE(load_max_ns), SECONDS},
};

static void write_caches(FILE *out, const wr_shot *shot, series *room) {
    all_series all = {room, 0};
    for (size_t i = 0; i < shot->caches_count; i++)
        room[all.count++] = (series){.figures = &shot->caches[i].counts,
                                     .keys = {"cache"},
                                     .values = {shot->caches[i].name}};
    write_figures(out, &all, ROWS(cache_figures));
}

// ---- loops and their sites -------------------------------------------------

#define LOOP(member) offsetof(weir_loop_counts, member)

static const figure loop_figures[] = {
    {"weir_loop_calls_accepted_total", "Calls accepted.", NULL, NULL,
     LOOP(accepted), COUNT},
    {"weir_loop_calls_delivered_total", "Calls delivered, by outcome.",
     "outcome", "done", LOOP(done), COUNT},
    {"weir_loop_calls_delivered_total", NULL, "outcome", "failed", LOOP(failed),
     COUNT},
    {"weir_loop_calls_delivered_total", NULL, "outcome", "cancelled",
     LOOP(cancelled), COUNT},
    {"weir_loop_calls_delivered_total", NULL, "outcome", "timed_out",
     LOOP(timed_out), COUNT},
    {"weir_loop_calls_pending", "Calls accepted and not delivered, now.", NULL,
     NULL, LOOP(pending), COUNT},
    {"weir_loop_calls_pending_max", "Most calls that were pending at once.",
     NULL, NULL, LOOP(pending_max), COUNT},
    {"weir_loop_calls_waiting", "Of those, ended and waiting for the drain.",
     NULL, NULL, LOOP(ended), COUNT},
    {"weir_loop_calls_waiting_max", "Most calls that waited for the drain.",
     NULL, NULL, LOOP(ended_max), COUNT},
    {"weir_loop_calls_inlined_total", "Calls that ran inside submit.", NULL,
     NULL, LOOP(inlined), COUNT},
    {"weir_loop_calls_unmeasured_total", "Calls of sites beyond sites_max.",
     NULL, NULL, LOOP(unmeasured), COUNT},
    {"weir_loop_wakes_total", "Times that the descriptor was written.", NULL,
     NULL, LOOP(wakes), COUNT},
    {"weir_loop_drains_total", "Drains that delivered something.", NULL, NULL,
     LOOP(drains), COUNT},
    {"weir_loop_drains_limited_total",
     "Drains that stopped at a limit with calls left.", NULL, NULL,
     LOOP(limited), COUNT},
    {"weir_loop_spins_total", "Times it looked for a call before sleeping.",
     NULL, NULL, LOOP(spins), COUNT},
    {"weir_loop_spins_paid_total", "Of those, it found one.", NULL, NULL,
     LOOP(spins_paid), COUNT},
};

#define SITE(member) offsetof(weir_site_stats, member)

static const figure site_figures[] = {
    {"weir_site_calls_total", "Calls delivered, by outcome.", "outcome", "done",
     SITE(done), COUNT},
    {"weir_site_calls_total", NULL, "outcome", "failed", SITE(failed), COUNT},
    {"weir_site_calls_total", NULL, "outcome", "cancelled", SITE(cancelled),
     COUNT},
    {"weir_site_calls_total", NULL, "outcome", "timed_out", SITE(timed_out),
     COUNT},
    {"weir_site_calls_active", "Calls accepted and not delivered, now.", NULL,
     NULL, SITE(active), COUNT},
    {"weir_site_calls_active_max",
     "At most this many calls were active at once.", NULL, NULL,
     SITE(active_max), COUNT},
    {"weir_site_calls_inlined_total", "Calls that ran inside submit.", NULL,
     NULL, SITE(inlined), COUNT},
    {"weir_site_calls_slow_total", "Calls that ran longer than 100 ms.", NULL,
     NULL, SITE(slow), COUNT},
};

static void write_loops(FILE *out, const wr_shot *shot, series *room) {
    all_series all = {room, 0};
    for (size_t i = 0; i < shot->loops_count; i++)
        room[all.count++] = (series){.figures = &shot->loops[i].counts,
                                     .keys = {"loop"},
                                     .values = {shot->loops[i].name}};
    write_figures(out, &all, ROWS(loop_figures));

    all.count = 0;
    for (size_t i = 0; i < shot->loops_count; i++)
        for (size_t k = 0; k < shot->loops[i].sites_count; k++) {
            const weir_site_stats *stats = &shot->loops[i].sites[k];
            const weir_site *site = stats->site;
            series *one = &room[all.count++];
            *one =
                (series){.figures = stats,
                         .keys = {"loop", "site", "file", "line"},
                         .values = {shot->loops[i].name, wr_text_of(site->name),
                                    wr_text_of(site->file), one->number}};
            snprintf(one->number, sizeof(one->number), "%d", site->line);
        }
    write_figures(out, &all, ROWS(site_figures));
    write_histograms(out, "weir_site_queue_seconds",
                     "Offloaded calls, from accepted to started.", &all,
                     SITE(queue));
    write_histograms(out, "weir_site_run_seconds",
                     "Calls, from started to ended.", &all, SITE(run));
    write_histograms(out, "weir_site_delivery_seconds",
                     "Calls, from ended to done.", &all, SITE(delivery));
}

// As many series as any of the lists may have.
static size_t most_series(const wr_shot *shot) {
    size_t count = shot->pools_count + shot->lanes_count + shot->loops_count +
                   shot->caches_count;
    for (size_t i = 0; i < shot->pools_count; i++)
        count += shot->pools[i].workers_count;
    for (size_t i = 0; i < shot->loops_count; i++)
        count += shot->loops[i].sites_count;
    return count;
}

int weir_metrics_prometheus(weir_metrics *metrics, FILE *out) {
    wr_shot shot;
    int error = wr_shot_take(metrics, &shot);
    series *room = NULL;
    if (error == 0) {
        room = wr_calloc(most_series(&shot) + 1, sizeof(*room));
        error = room == NULL ? -ENOMEM : 0;
    }
    if (error == 0) {
        write_pools(out, &shot, room);
        write_lanes(out, &shot, room);
        write_caches(out, &shot, room);
        write_loops(out, &shot, room);
        error = wr_metrics_end(out);
    }
    wr_free(room);
    wr_shot_free(&shot);
    return error;
}

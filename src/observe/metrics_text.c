// SPDX-License-Identifier: MIT
// All figures for a person: a block per pool, lane and loop, then advice.
#include "observe/types.h"

#include <inttypes.h>
#include <string.h>

typedef char text[WR_CELL_MAX];

// "1 thread", "12 threads"
static const char *plural(uint64_t count) { return count == 1 ? "" : "s"; }

// ---- times -----------------------------------------------------------------

static void times_head(wr_table *table) {
    static const char *const heads[] = {"times", "count", "mean", "p50",
                                        "p90",   "p99",   "max"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        wr_table_cell(table, "%s", heads[i]);
}

static void times_row(wr_table *table, const char *what,
                      const weir_histogram *histogram) {
    wr_table_cell(table, "%s", what);
    wr_table_count(table, histogram->count);
    if (histogram->count == 0) {
        for (int i = 0; i < 5; i++)
            wr_table_cell(table, "-");
        return;
    }
    wr_table_ns(table, histogram->sum_ns / histogram->count);
    wr_table_ns(table, weir_histogram_quantile(histogram, 0.5));
    wr_table_ns(table, weir_histogram_quantile(histogram, 0.9));
    wr_table_ns(table, weir_histogram_quantile(histogram, 0.99));
    wr_table_ns(table, histogram->max_ns);
}

// ---- pools -----------------------------------------------------------------

static void percent(text to, double ratio) {
    unsigned tenths = (unsigned)(ratio * 1000 + 0.5);
    if (tenths < 100)
        snprintf(to, sizeof(text), "%u.%u %%", tenths / 10, tenths % 10);
    else
        snprintf(to, sizeof(text), "%u %%", (tenths + 5) / 10);
}

static void pool_head(const wr_pool_shot *pool, FILE *out) {
    const weir_pool_stats *stats = &pool->stats;
    const weir_pool_counts *counts = &stats->counts;
    text a, b, c, d, e, f;
    wr_format_name(a, sizeof(a), pool->name);
    percent(b, stats->utilisation);
    fprintf(out, "pool %s: %u place%s, %u thread%s, %s old, %s busy\n", a,
            stats->width, plural(stats->width), stats->threads,
            plural(stats->threads), wr_format_ns(c, (uint64_t)stats->age_ns),
            b);
    fprintf(out, "  width    %s\n", pool->reason);
    fprintf(out, "  now      %s running, %s queued (at most %s), %s attached\n",
            wr_format_count(a, counts->running),
            wr_format_count(b, counts->queued),
            wr_format_count(c, counts->queued_max),
            wr_format_count(d, counts->attached));
    fprintf(out,
            "  ended    %s succeeded, %s failed, %s cancelled, %s timed out, "
            "%s detached\n",
            wr_format_count(a, counts->succeeded),
            wr_format_count(b, counts->failed),
            wr_format_count(c, counts->cancelled),
            wr_format_count(d, counts->timed_out),
            wr_format_count(e, counts->detached));
    fprintf(out,
            "  workers  %s steal%s, %s park%s, %s wake%s, %s loan%s, "
            "%s stand-in%s\n",
            wr_format_count(a, counts->steals), plural(counts->steals),
            wr_format_count(b, counts->parks), plural(counts->parks),
            wr_format_count(c, counts->wakes), plural(counts->wakes),
            wr_format_count(d, counts->loans), plural(counts->loans),
            wr_format_count(f, counts->stand_ins), plural(counts->stand_ins));
}

static const char *state_of(const weir_worker_stats *worker) {
    if (!worker->alive)
        return "ended";
    if (worker->lent)
        return "waits";
    return worker->name[0] != 0 ? "runs" : "idle";
}

static void worker_row(wr_table *table, const wr_pool_shot *pool,
                       unsigned index) {
    const weir_worker_stats *worker = &pool->workers[index];
    wr_table_cell(table, "%u", index);
    wr_table_cell(table, "%s%s", state_of(worker),
                  index >= pool->stats.width ? ", stand-in" : "");
    wr_table_count(table, worker->jobs);
    wr_table_count(table, worker->steals);
    wr_table_count(table, worker->parks);
    wr_table_count(table, worker->wakes);
    wr_table_ns(table, (uint64_t)worker->busy_ns);
    text time;
    if (worker->name[0] == 0)
        wr_table_cell(table, "-");
    else
        wr_table_cell(table, "%s, for %s", worker->name,
                      wr_format_ns(time, (uint64_t)worker->for_ns));
}

static int write_pool(const wr_pool_shot *pool, FILE *out) {
    static const char *const heads[] = {"worker", "state", "jobs", "steals",
                                        "parks",  "wakes", "busy", "job"};
    pool_head(pool, out);
    int error = 0;
    if (pool->measured) {
        wr_table times = {.columns = 7, .left = 1};
        times_head(&times);
        times_row(&times, "queue", &pool->stats.queue);
        times_row(&times, "run", &pool->stats.run);
        fputc('\n', out);
        error = wr_table_write(&times, out, "  ");
    } else {
        fputs("  times    not measured: weir_pool_options.measure is 0\n", out);
    }
    wr_table workers = {.columns = 8, .left = 1U << 1 | 1U << 7};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        wr_table_cell(&workers, "%s", heads[i]);
    for (unsigned i = 0; i < pool->workers_count; i++)
        if (wr_worker_used(&pool->workers[i]))
            worker_row(&workers, pool, i);
    fputc('\n', out);
    int second = wr_table_write(&workers, out, "  ");
    return error != 0 ? error : second;
}

// ---- lanes -----------------------------------------------------------------

static void write_lane(const wr_lane_shot *lane, FILE *out) {
    const weir_lane_counts *counts = &lane->counts;
    text a, b, c, d;
    wr_format_name(a, sizeof(a), lane->name);
    fprintf(out, "lane %s: %u thread%s (at most %u, %s started so far)\n", a,
            counts->threads, plural(counts->threads), counts->threads_highest,
            wr_format_count(b, counts->started_threads));
    fprintf(out, "  now      %s running, %s queued (at most %s)\n",
            wr_format_count(a, counts->running),
            wr_format_count(b, counts->queued),
            wr_format_count(c, counts->queued_max));
    if (counts->running > 0)
        fprintf(out, "  longest  %s: the oldest call that runs\n",
                wr_format_ns(a, (uint64_t)counts->longest_ns));
    fprintf(out,
            "  ended    %s succeeded, %s failed, %s cancelled, %s timed out\n",
            wr_format_count(a, counts->succeeded),
            wr_format_count(b, counts->failed),
            wr_format_count(c, counts->cancelled),
            wr_format_count(d, counts->timed_out));
}

// ---- caches ----------------------------------------------------------------

static void write_cache(const wr_cache_shot *cache, FILE *out) {
    const weir_cache_counts *counts = &cache->counts;
    text a, b, c, d;
    wr_format_name(a, sizeof(a), cache->name);
    fprintf(
        out, "cache %s: %s entr%s, %s of %s bytes\n", a,
        wr_format_count(b, counts->entries), counts->entries == 1 ? "y" : "ies",
        wr_format_count(c, counts->bytes),
        counts->capacity == SIZE_MAX ? "any"
                                     : wr_format_count(d, counts->capacity));
    fprintf(out, "  gets     %s hit, %s missed, %s joined a load, %s left\n",
            wr_format_count(a, counts->hits),
            wr_format_count(b, counts->misses),
            wr_format_count(c, counts->coalesced),
            wr_format_count(d, counts->left));
    fprintf(out, "  loads    %s done, %s failed, %s abandoned; at most %s\n",
            wr_format_count(a, counts->loaded),
            wr_format_count(b, counts->failed),
            wr_format_count(c, counts->abandoned),
            wr_format_ns(d, counts->load_max_ns));
    fprintf(out, "  now      %s loading, %s waiting\n",
            wr_format_count(a, counts->loading),
            wr_format_count(b, counts->waiting));
}

// ---- loops and their sites -------------------------------------------------

static void loop_head(const wr_loop_shot *loop, FILE *out) {
    const weir_loop_counts *counts = &loop->counts;
    text a, b, c, d, e;
    wr_format_name(a, sizeof(a), loop->name);
    fprintf(out, "loop %s: %s call%s pending (at most %s)\n", a,
            wr_format_count(b, counts->pending), plural(counts->pending),
            wr_format_count(c, counts->pending_max));
    fprintf(out,
            "  ended    %s done, %s failed, %s cancelled, %s timed out; %s "
            "inline\n",
            wr_format_count(a, counts->done),
            wr_format_count(b, counts->failed),
            wr_format_count(c, counts->cancelled),
            wr_format_count(d, counts->timed_out),
            wr_format_count(e, counts->inlined));
    fprintf(out,
            "  drains   %s (%s stopped at a limit), %s wake%s, "
            "at most %s waited\n",
            wr_format_count(a, counts->drains),
            wr_format_count(b, counts->limited),
            wr_format_count(c, counts->wakes), plural(counts->wakes),
            wr_format_count(d, counts->ended_max));
    fprintf(out, "  spins    %s, of which %s paid\n",
            wr_format_count(a, counts->spins),
            wr_format_count(b, counts->spins_paid));
    if (counts->unmeasured > 0)
        fprintf(out, "  sites    %s calls of sites beyond sites_max\n",
                wr_format_count(a, counts->unmeasured));
}

// Where in the program: the file without its folders.
static void place_of(text to, const weir_site *site) {
    const char *file = site->file != NULL ? site->file : "?";
    const char *slash = strrchr(file, '/');
    char name[WR_CELL_MAX / 2];
    wr_format_name(name, sizeof(name), slash != NULL ? slash + 1 : file);
    snprintf(to, sizeof(text), "%s:%d", name, site->line);
}

static const char *mode_of(const weir_site *site) {
    switch (site->mode) {
    case WEIR_SITE_OFFLOAD: return "offload";
    case WEIR_SITE_INLINE: return "inline";
    case WEIR_SITE_ADAPTIVE: return "adaptive";
    }
    return "?";
}

static void quantiles(wr_table *table, const weir_histogram *histogram) {
    static const double q[] = {0.5, 0.99};
    for (size_t i = 0; i < 2; i++)
        if (histogram->count == 0)
            wr_table_cell(table, "-");
        else
            wr_table_ns(table, weir_histogram_quantile(histogram, q[i]));
}

static void site_row(wr_table *table, const weir_site_stats *stats) {
    const weir_site *site = stats->site;
    text place;
    place_of(place, site);
    wr_table_cell(table, "%.40s", site->name != NULL ? site->name : "?");
    wr_table_cell(table, "%s", place);
    wr_table_cell(table, "%s", mode_of(site));
    wr_table_count(table, stats->done + stats->failed);
    wr_table_count(table, stats->failed);
    wr_table_count(table, stats->cancelled + stats->timed_out);
    wr_table_count(table, stats->inlined);
    wr_table_count(table, stats->active);
    quantiles(table, &stats->queue);
    quantiles(table, &stats->run);
    quantiles(table, &stats->delivery);
}

static int write_loop(const wr_loop_shot *loop, FILE *out) {
    static const char *const heads[] = {
        "site",    "at",     "mode",         "ran",       "failed",
        "not run", "inline", "active",       "queue p50", "p99",
        "run p50", "p99",    "delivery p50", "p99"};
    loop_head(loop, out);
    if (loop->sites_count == 0)
        return 0;
    wr_table table = {.columns = 14, .left = 7};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        wr_table_cell(&table, "%s", heads[i]);
    for (size_t i = 0; i < loop->sites_count; i++)
        site_row(&table, &loop->sites[i]);
    fputc('\n', out);
    return wr_table_write(&table, out, "  ");
}

// ---- advice ----------------------------------------------------------------

static void advise_pool(const wr_pool_shot *pool, FILE *out, unsigned *lines) {
    const weir_pool_stats *stats = &pool->stats;
    const weir_pool_counts *counts = &stats->counts;
    text a, b, c;
    wr_format_name(a, sizeof(a), pool->name);
    if (stats->advice == WEIR_POOL_CROWDED) {
        fprintf(out,
                "  pool %s is crowded: %s jobs are queued or running at %u "
                "place%s.\n"
                "      Bound what comes in (weir_try_submit, jobs_max), or "
                "make it wider.\n",
                a, wr_format_count(b, counts->queued + counts->running),
                stats->width, plural(stats->width));
        ++*lines;
    }
    if (wr_mostly_slow(stats->slow, &stats->run)) {
        fprintf(out,
                "  pool %s: %s of %s jobs ran longer than 100 ms.\n"
                "      Split them; what blocks in the system belongs on a "
                "lane.\n",
                a, wr_format_count(b, stats->slow),
                wr_format_count(c, stats->run.count));
        ++*lines;
    }
}

static void advise_site(const weir_site_stats *stats, FILE *out,
                        unsigned *lines) {
    text place, name, time;
    place_of(place, stats->site);
    wr_format_name(name, sizeof(name),
                   stats->site->name != NULL ? stats->site->name : "?");
    wr_format_ns(time, weir_histogram_quantile(&stats->run, 0.9));
    if (stats->advice == WEIR_ADVICE_INLINE) {
        fprintf(out,
                "  %s, %s: 9 of 10 runs take at most %s: run it inline.\n"
                "      WEIR_SITE_INLINE, or WEIR_SITE_ADAPTIVE to have it "
                "watched.\n",
                place, name, time);
        ++*lines;
    } else if (stats->advice == WEIR_ADVICE_OFFLOAD) {
        fprintf(out,
                "  %s, %s: 1 of 10 runs takes %s or more: offload it.\n"
                "      The loop does nothing else meanwhile.\n",
                place, name, time);
        ++*lines;
    }
    if (wr_mostly_slow(stats->slow, &stats->run)) {
        text a, b;
        fprintf(out,
                "  %s, %s: %s of %s calls ran longer than 100 ms.\n"
                "      Split them; what blocks in the system belongs on a "
                "lane.\n",
                place, name, wr_format_count(a, stats->slow),
                wr_format_count(b, stats->run.count));
        ++*lines;
    }
}

static void write_advice(const wr_shot *shot, FILE *out) {
    unsigned lines = 0;
    fputs("advice\n", out);
    for (size_t i = 0; i < shot->pools_count; i++)
        advise_pool(&shot->pools[i], out, &lines);
    for (size_t i = 0; i < shot->loops_count; i++)
        for (size_t k = 0; k < shot->loops[i].sites_count; k++)
            advise_site(&shot->loops[i].sites[k], out, &lines);
    if (lines == 0)
        fputs("  none: nothing is crowded, slow or in the wrong place\n", out);
}

int weir_metrics_text(weir_metrics *metrics, FILE *out) {
    wr_shot shot;
    int error = wr_shot_take(metrics, &shot);
    for (size_t i = 0; i < shot.pools_count && error == 0; i++) {
        error = write_pool(&shot.pools[i], out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < shot.lanes_count && error == 0; i++) {
        write_lane(&shot.lanes[i], out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < shot.caches_count && error == 0; i++) {
        write_cache(&shot.caches[i], out);
        fputc('\n', out);
    }
    for (size_t i = 0; i < shot.loops_count && error == 0; i++) {
        error = write_loop(&shot.loops[i], out);
        fputc('\n', out);
    }
    if (error == 0) {
        if (shot.pools_count + shot.lanes_count + shot.loops_count +
                shot.caches_count ==
            0)
            fputs("nothing is observed\n\n", out);
        write_advice(&shot, out);
        error = wr_metrics_end(out);
    }
    wr_shot_free(&shot);
    return error;
}

// SPDX-License-Identifier: MIT
// What is observed, and a copy of all its figures for the writers.
#include "observe/types.h"

#include "base/fault.h"

#include <string.h>

int weir_metrics_create(weir_metrics **out) {
    weir_metrics *metrics = wr_calloc(1, sizeof(*metrics));
    if (metrics == NULL)
        return -ENOMEM;
    int error = wr_forkmark_init(&metrics->forkmark);
    if (error != 0) {
        wr_free(metrics);
        return error;
    }
    for (int i = 0; i < WR_OBSERVED_KINDS; i++)
        wr_list_init(&metrics->observed[i]);
    *out = metrics;
    return 0;
}

void weir_metrics_destroy(weir_metrics *metrics) {
    if (metrics == NULL || wr_forkmark_forked(&metrics->forkmark))
        return;
    for (int i = 0; i < WR_OBSERVED_KINDS; i++) {
        wr_link *link;
        while ((link = wr_list_pop_front(&metrics->observed[i])) != NULL)
            wr_free(wr_container_of(link, wr_observed, link));
    }
    wr_forkmark_fini(&metrics->forkmark);
    wr_free(metrics);
}

// ---- adding and removing ---------------------------------------------------

static wr_observed *find(const weir_metrics *metrics, const void *object) {
    for (int i = 0; i < WR_OBSERVED_KINDS; i++) {
        const wr_link *list = &metrics->observed[i];
        for (wr_link *link = list->next; link != list; link = link->next) {
            wr_observed *one = wr_container_of(link, wr_observed, link);
            if (one->object == object)
                return one;
        }
    }
    return NULL;
}

// Two of one kind with the same name would be one to a scraper.
static bool named(const wr_link *list, const char *name) {
    for (wr_link *link = list->next; link != list; link = link->next)
        if (strcmp(wr_container_of(link, wr_observed, link)->name, name) == 0)
            return true;
    return false;
}

static int add(weir_metrics *metrics, enum wr_observed_kind kind, void *object,
               const char *name) {
    if (wr_forkmark_forked(&metrics->forkmark))
        return -ECHILD;
    if (object == NULL || name == NULL || name[0] == 0)
        return -EINVAL;
    wr_link *list = &metrics->observed[kind];
    if (find(metrics, object) != NULL || named(list, name))
        return -EALREADY;
    size_t length = strlen(name);
    wr_observed *one = wr_calloc(1, sizeof(*one) + length + 1);
    if (one == NULL)
        return -ENOMEM;
    one->object = object;
    memcpy(one->name, name, length);
    wr_list_push_back(list, &one->link);
    return 0;
}

int weir_metrics_add_pool(weir_metrics *metrics, weir_pool *pool,
                          const char *name) {
    return add(metrics, WR_OBSERVED_POOL, pool, name);
}

int weir_metrics_add_lane(weir_metrics *metrics, weir_lane *lane,
                          const char *name) {
    return add(metrics, WR_OBSERVED_LANE, lane, name);
}

int weir_metrics_add_loop(weir_metrics *metrics, weir_loop *loop,
                          const char *name) {
    return add(metrics, WR_OBSERVED_LOOP, loop, name);
}

int weir_metrics_add_cache(weir_metrics *metrics, weir_cache *cache,
                           const char *name) {
    return add(metrics, WR_OBSERVED_CACHE, cache, name);
}

int weir_metrics_remove(weir_metrics *metrics, const void *object) {
    if (wr_forkmark_forked(&metrics->forkmark))
        return -ECHILD;
    wr_observed *one = find(metrics, object);
    if (one == NULL)
        return -ENOENT;
    wr_list_remove(&one->link);
    wr_free(one);
    return 0;
}

// ---- a copy of all figures -------------------------------------------------

static int take_pool(wr_pool_shot *shot, const wr_observed *one) {
    weir_pool *pool = one->object;
    shot->name = one->name;
    shot->reason = weir_pool_reason(pool);
    shot->measured = pool->times != NULL;
    shot->stats.size = sizeof(shot->stats);
    int error = weir_observe_pool(pool, &shot->stats);
    if (error != 0)
        return error;
    unsigned count = weir_pool_index_limit(pool);
    shot->workers = wr_calloc(count, sizeof(*shot->workers));
    if (shot->workers == NULL)
        return -ENOMEM;
    shot->workers_count = count;
    for (unsigned i = 0; i < count && error == 0; i++) {
        shot->workers[i].size = sizeof(shot->workers[i]);
        error = weir_observe_worker(pool, i, &shot->workers[i]);
    }
    return error;
}

static int take_lane(wr_lane_shot *shot, const wr_observed *one) {
    shot->name = one->name;
    shot->counts.size = sizeof(shot->counts);
    return weir_lane_count(one->object, &shot->counts);
}

static int take_cache(wr_cache_shot *shot, const wr_observed *one) {
    shot->name = one->name;
    shot->counts.size = sizeof(shot->counts);
    return weir_cache_count(one->object, &shot->counts);
}

static bool same_site(const weir_site *a, const weir_site *b) {
    return a->line == b->line &&
           strcmp(wr_text_of(a->file), wr_text_of(b->file)) == 0 &&
           strcmp(wr_text_of(a->name), wr_text_of(b->name)) == 0;
}

static void add_histogram(weir_histogram *to, const weir_histogram *from) {
    to->count += from->count;
    to->sum_ns += from->sum_ns;
    if (from->max_ns > to->max_ns)
        to->max_ns = from->max_ns;
    for (int i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++)
        to->bucket[i] += from->bucket[i];
}

// A static inline function in a header makes a site in each file that uses it.
static bool merge_site(wr_loop_shot *shot, const weir_site_stats *site) {
    for (size_t i = 0; i < shot->sites_count; i++) {
        weir_site_stats *to = &shot->sites[i];
        if (!same_site(to->site, site->site))
            continue;
        to->done += site->done;
        to->failed += site->failed;
        to->cancelled += site->cancelled;
        to->timed_out += site->timed_out;
        to->active += site->active;
        to->active_max += site->active_max;
        to->inlined += site->inlined;
        to->slow += site->slow;
        add_histogram(&to->queue, &site->queue);
        add_histogram(&to->run, &site->run);
        add_histogram(&to->delivery, &site->delivery);
        if (site->advice > to->advice)
            to->advice = site->advice;
        return true;
    }
    return false;
}

static int push_site(wr_loop_shot *shot, size_t *room,
                     const weir_site_stats *site) {
    if (merge_site(shot, site))
        return 0;
    if (shot->sites_count == *room) {
        size_t more = *room > 0 ? 2 * *room : 16;
        weir_site_stats *sites = wr_malloc(more * sizeof(*sites));
        if (sites == NULL)
            return -ENOMEM;
        if (shot->sites_count > 0)
            memcpy(sites, shot->sites, shot->sites_count * sizeof(*sites));
        wr_free(shot->sites);
        shot->sites = sites;
        *room = more;
    }
    shot->sites[shot->sites_count++] = *site;
    return 0;
}

static int take_loop(wr_loop_shot *shot, const wr_observed *one) {
    shot->name = one->name;
    shot->counts.size = sizeof(shot->counts);
    int error = weir_loop_count(one->object, &shot->counts);
    size_t room = 0;
    for (unsigned i = 0; error == 0; i++) {
        weir_site_stats site = {.size = sizeof(site)};
        error = weir_loop_site(one->object, i, &site);
        if (error == 0)
            error = push_site(shot, &room, &site);
    }
    return error == -ENOENT ? 0 : error;
}

static size_t count_of(const wr_link *list) {
    size_t count = 0;
    for (const wr_link *link = list->next; link != list; link = link->next)
        count++;
    return count;
}

// No object at all is not a failure of wr_calloc.
static void *room_for(size_t count, size_t bytes) {
    return wr_calloc(count > 0 ? count : 1, bytes);
}

int wr_shot_take(weir_metrics *metrics, wr_shot *shot) {
    memset(shot, 0, sizeof(*shot));
    if (wr_forkmark_forked(&metrics->forkmark))
        return -ECHILD;
    const wr_link *pools = &metrics->observed[WR_OBSERVED_POOL];
    const wr_link *lanes = &metrics->observed[WR_OBSERVED_LANE];
    const wr_link *loops = &metrics->observed[WR_OBSERVED_LOOP];
    const wr_link *caches = &metrics->observed[WR_OBSERVED_CACHE];
    shot->pools = room_for(count_of(pools), sizeof(*shot->pools));
    shot->lanes = room_for(count_of(lanes), sizeof(*shot->lanes));
    shot->loops = room_for(count_of(loops), sizeof(*shot->loops));
    shot->caches = room_for(count_of(caches), sizeof(*shot->caches));
    if (shot->pools == NULL || shot->lanes == NULL || shot->loops == NULL ||
        shot->caches == NULL)
        return -ENOMEM;
    int error = 0;
    wr_link *link;
    for (link = pools->next; link != pools && error == 0; link = link->next)
        error = take_pool(&shot->pools[shot->pools_count++],
                          wr_container_of(link, wr_observed, link));
    for (link = lanes->next; link != lanes && error == 0; link = link->next)
        error = take_lane(&shot->lanes[shot->lanes_count++],
                          wr_container_of(link, wr_observed, link));
    for (link = loops->next; link != loops && error == 0; link = link->next)
        error = take_loop(&shot->loops[shot->loops_count++],
                          wr_container_of(link, wr_observed, link));
    for (link = caches->next; link != caches && error == 0; link = link->next)
        error = take_cache(&shot->caches[shot->caches_count++],
                           wr_container_of(link, wr_observed, link));
    return error;
}

void wr_shot_free(wr_shot *shot) {
    for (size_t i = 0; i < shot->pools_count; i++)
        wr_free(shot->pools[i].workers);
    for (size_t i = 0; i < shot->loops_count; i++)
        wr_free(shot->loops[i].sites);
    wr_free(shot->pools);
    wr_free(shot->lanes);
    wr_free(shot->loops);
    wr_free(shot->caches);
}

bool wr_worker_used(const weir_worker_stats *worker) {
    return worker->alive || worker->jobs > 0 || worker->parks > 0;
}

int wr_metrics_end(FILE *out) {
    // What still lies in the buffer is not written yet.
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}

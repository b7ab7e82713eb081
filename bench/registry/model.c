// SPDX-License-Identifier: MIT
// The packages. Everything is a function of the seed and of what it is about,
// so that nothing depends on an order of generation.
//
// Packages stand in levels. Each one beyond level 0 is needed by one of the
// level before, in all of that one's versions: all can be reached, whichever
// versions are chosen. Further needs go mostly to later levels, to popular
// packages more often, and sometimes back, which makes cycles.
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 8, PEER_TARGETS = 12, NEEDS_MAX = 64 };

// What a chance is about.
enum {
    ABOUT_NAME = 1,
    ABOUT_COUNT,
    ABOUT_STEP,
    ABOUT_PARENT,
    ABOUT_EXTRA,
    ABOUT_KIND,
    ABOUT_RANGE,
    ABOUT_PLATFORM,
};

static uint64_t chance(const model *m, unsigned about, uint64_t what,
                       uint64_t which) {
    return registry_mix(registry_mix(m->seed * 16 + about, what), which);
}

// ---- the table by name -----------------------------------------------------

static uint64_t hash_name(const char *name, size_t size) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3u;
    return hash;
}

package *model_find(const model *m, const char *name, size_t size) {
    if (m->table_size == 0)
        return NULL;
    size_t at = hash_name(name, size) & (m->table_size - 1);
    for (; m->table[at] != NULL; at = (at + 1) & (m->table_size - 1)) {
        const char *its = m->table[at]->name;
        if (strlen(its) == size && memcmp(its, name, size) == 0)
            return m->table[at];
    }
    return NULL;
}

static void put(model *m, package *p) {
    size_t at = hash_name(p->name, strlen(p->name)) & (m->table_size - 1);
    while (m->table[at] != NULL)
        at = (at + 1) & (m->table_size - 1);
    m->table[at] = p;
}

package *model_add(model *m, const char *name) {
    if (m->table_used * 2 >= m->table_size) {
        package **old = m->table;
        size_t old_size = m->table_size;
        m->table_size = old_size == 0 ? 1024 : old_size * 2;
        m->table = registry_alloc(m->table_size * sizeof(*m->table));
        for (size_t i = 0; i < old_size; i++)
            if (old[i] != NULL)
                put(m, old[i]);
        free(old);
    }
    package *p = registry_alloc(sizeof(*p));
    p->name = strdup(name);
    if (p->name == NULL)
        registry_die("out of memory", NULL);
    put(m, p);
    m->table_used++;
    return p;
}

// ---- names -----------------------------------------------------------------

static void syllables(unsigned number, unsigned count, char *out) {
    static const char first[] = "bdfgklmnprstvzjh", second[] = "aeio";
    for (unsigned i = 0; i < count; i++, number /= 64) {
        *out++ = first[number % 64 / 4];
        *out++ = second[number % 4];
    }
    *out = 0;
}

static package *name_package(model *m, size_t index) {
    // Odd times anything is a permutation of 18 bits: no name comes twice.
    unsigned code = (unsigned)(index * 40503 + 12345) & 0x3ffff;
    uint64_t dice = chance(m, ABOUT_NAME, index, 0);
    char start[16], end[16], scope[16], name[64];
    syllables(code % 4096, 2, start);
    syllables(code / 4096, 1, end);
    syllables((unsigned)(dice >> 40) % 24 * 160 + 7, 2, scope);
    const char *between = (const char *[]){"-", "", "-", "."}[dice >> 32 & 3];
    if ((dice & 0xff) < 64)
        snprintf(name, sizeof(name), "@%s/%s%s%s", scope, start, between, end);
    else
        snprintf(name, sizeof(name), "%s%s%s%s", start, between, end,
                 (dice & 0xff) < 96 ? "-plugin" : "");
    size_t size = strlen(name);
    if (model_find(m, name, size) != NULL)
        snprintf(name + size, sizeof(name) - size, "-%zu", index);
    return model_add(m, name);
}

// ---- versions --------------------------------------------------------------

static void step(const model *m, const package *p, unsigned at, version *v) {
    uint64_t dice = chance(m, ABOUT_STEP, p->index, at);
    unsigned percent = (unsigned)(dice % 100);
    if (v->pre != 0) { // the next one of it, or the release
        if (percent < 50)
            v->pre_number++;
        else
            v->pre = 0;
    } else if (percent < 66) {
        v->patch += (dice >> 32 & 15) == 0 ? 2 : 1;
    } else if (percent < 92) {
        v->minor++;
        v->patch = 0;
    } else {
        v->major++;
        v->minor = v->patch = 0;
        v->pre = (uint8_t)(dice >> 36 & 1 ? 1 + (dice >> 40) % 3 : 0);
        v->pre_number = dice >> 44 & 1;
    }
    v->deprecated = (dice >> 48) % 100 < 3;
}

static void make_versions(const model *m, package *p) {
    uint64_t dice = chance(m, ABOUT_COUNT, p->index, 0);
    // Few have many: what 1/u gives, cut at 20 times the middle.
    p->count = 2 + m->size * 10 / (5 + (unsigned)(dice % 100));
    p->versions = registry_alloc(p->count * sizeof(*p->versions));
    version v = {.major = dice >> 32 & 1, .minor = dice >> 33 & 1};
    v.patch = v.major + v.minor == 0;
    for (unsigned i = 0; i < p->count; i++) {
        p->versions[i] = v;
        if (v.pre == 0)
            p->latest = i;
        step(m, p, i, &v);
    }
    p->versions[p->latest].deprecated = false;
    // Now and then what is called latest is not the highest.
    if ((dice >> 40) % 100 < 5 && p->latest > 0 &&
        p->versions[p->latest - 1].pre == 0) {
        p->latest--;
        p->versions[p->latest].deprecated = false;
    }
}

void version_write(const version *v, char *out, size_t size) {
    static const char *const names[] = {"", "alpha", "beta", "rc"};
    if (v->pre == 0)
        snprintf(out, size, "%u.%u.%u", v->major, v->minor, v->patch);
    else
        snprintf(out, size, "%u.%u.%u-%s.%u", v->major, v->minor, v->patch,
                 names[v->pre], v->pre_number);
}

// ---- ranges ----------------------------------------------------------------

static void range_of(uint64_t dice, const version *v, const version *latest,
                     char *out, size_t size) {
    char exact[48], last[48];
    unsigned percent = (unsigned)(dice % 100);
    version_write(v, exact, sizeof(exact));
    version_write(latest, last, sizeof(last));
    if (v->pre != 0 || percent < 68)
        snprintf(out, size, "^%s", exact);
    else if (percent < 78)
        snprintf(out, size, "~%s", exact);
    else if (percent < 84)
        snprintf(out, size, "%s", exact);
    else if (percent < 88)
        snprintf(out, size, "%u.x", v->major);
    else if (percent < 91)
        snprintf(out, size, ">=%s", exact);
    else if (percent < 93)
        snprintf(out, size, ">=%s <%u.0.0", exact, v->major + 1);
    else if (percent < 96)
        snprintf(out, size, "^%s || ^%s", exact, last);
    else if (percent < 97)
        snprintf(out, size, "%s - %u.999.0", exact, v->major);
    else if (percent < 99)
        snprintf(out, size, "*");
    else
        snprintf(out, size, "latest");
}

// model_range gives what a need asks for, of the versions of the target; which
// of them, the requirer's major version decides too.
void model_range(const model *m, const need *n, unsigned major, char *out,
                 size_t size) {
    const package *t = m->packages[n->target];
    const version *latest = &t->versions[t->latest];
    if (n->kind == NEED_PEER) { // many are content, as in real life
        char first[48];
        version_write(&t->versions[0], first, sizeof(first));
        snprintf(out, size, ">=%s", first);
        return;
    }
    unsigned choice = (n->choice + major) % m->choices;
    uint64_t dice = chance(m, ABOUT_RANGE, n->target, choice);
    unsigned from = 0;
    if ((dice >> 32) % 100 < 80) // of the last major
        while (t->versions[from].major != latest->major)
            from++;
    unsigned at = from + (unsigned)((dice >> 40) % (t->latest - from + 1));
    if (t->versions[at].pre != 0 && (dice >> 24) % 100 >= 5)
        at = t->latest;
    // Not everybody reads all that may stand behind npm:.
    range_of(n->alias ? 0 : dice, &t->versions[at], latest, out, size);
}

// ---- needs -----------------------------------------------------------------

static size_t level_start(size_t count, unsigned level) {
    static const unsigned share[LEVELS + 1] = {0,  2,  10, 27, 51,
                                               73, 88, 96, 100};
    size_t start = count * share[level] / 100;
    // Each level has a few while there are enough.
    size_t least = level * 4 < count ? level * 4 : count;
    return start > least ? start : least;
}

static void add_need(const model *m, package *p, need n) {
    if (p->needs_count == NEEDS_MAX || n.target == p->index)
        return;
    for (unsigned i = 0; i < p->needs_count; i++)
        if (p->needs[i].target == n.target)
            return;
    n.choice = (unsigned)chance(m, ABOUT_KIND, p->index, n.target) % m->choices;
    p->needs[p->needs_count++] = n;
}

static void need_parent(const model *m, package *p) {
    size_t start = level_start(m->count, p->level - 1);
    size_t end = level_start(m->count, p->level);
    uint64_t dice = chance(m, ABOUT_PARENT, p->index, 0);
    size_t tries = end - start;
    size_t at = start + dice % (end - start);
    // Those made for one system need nothing.
    while (tries-- > 0 && (m->packages[at]->platform ||
                           m->packages[at]->needs_count == NEEDS_MAX))
        at = at + 1 < end ? at + 1 : start;
    bool optional = p->platform || (dice >> 40) % 100 < 3;
    add_need(m, m->packages[at],
             (need){.target = p->index,
                    .kind = optional ? NEED_OPTIONAL : NEED_PROD,
                    .alias = !optional && (dice >> 48) % 100 < 1});
}

static void need_others(const model *m, package *p) {
    uint64_t dice = chance(m, ABOUT_EXTRA, p->index, 0);
    unsigned count = m->extra_percent / 100;
    if (dice % 100 < m->extra_percent % 100)
        count++;
    count = count > 0 ? (unsigned)((dice >> 32) % (2 * count + 1)) : 0;
    size_t next = level_start(m->count, p->level + 1);
    for (unsigned i = 0; i < count; i++) {
        dice = chance(m, ABOUT_EXTRA, p->index, i + 1);
        size_t from = dice % 100 < 8 ? 0 : next;
        if (from >= m->count)
            continue;
        uint64_t u = dice >> 44; // 20 bits; squared, for the popular
        size_t target = from + (size_t)((m->count - from) * (u * u) >> 40);
        if (m->packages[target]->platform)
            continue;
        unsigned kind = (unsigned)(dice >> 8) % 100;
        unsigned since =
            (dice >> 16) % 100 < 25 ? (unsigned)(dice >> 24) % p->count : 0;
        add_need(m, p,
                 (need){.target = target,
                        .since = since,
                        .kind = kind < 94 ? NEED_PROD : NEED_OPTIONAL,
                        .alias = kind < 1});
    }
    dice = chance(m, ABOUT_EXTRA, p->index, 99);
    if (p->level > 0 && dice % 100 < 4) {
        size_t most = level_start(m->count, 1);
        most = most < PEER_TARGETS ? most : PEER_TARGETS;
        add_need(m, p,
                 (need){.target = (dice >> 8) % most,
                        .kind = NEED_PEER,
                        .optional = (dice >> 32) % 100 < 30});
    }
}

void model_make(model *m) {
    m->packages = registry_alloc(m->count * sizeof(package *));
    unsigned level = 0;
    for (size_t i = 0; i < m->count; i++) {
        package *p = m->packages[i] = name_package(m, i);
        p->index = i;
        while (level + 1 < LEVELS && i >= level_start(m->count, level + 1))
            level++;
        p->level = level;
        p->platform = level > 1 && chance(m, ABOUT_PLATFORM, i, 0) % 1000 < 15;
        p->needs = registry_alloc(NEEDS_MAX * sizeof(*p->needs));
        make_versions(m, p);
    }
    for (size_t i = 0; i < m->count; i++)
        if (m->packages[i]->level > 0)
            need_parent(m, m->packages[i]);
    for (size_t i = 0; i < m->count; i++)
        if (!m->packages[i]->platform)
            need_others(m, m->packages[i]);
}

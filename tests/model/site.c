// SPDX-License-Identifier: MIT
// The places of atomic operations: how often each was visited, and in which
// cases; and which of them has another order in this run.
#include "model/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

// The linker's names for both ends of the section.
extern const char __start_mc_sites[];
extern const char __stop_mc_sites[];

// The section is there in a program without atomics too; this is a gap in it.
static const mc_site no_site __attribute__((section("mc_sites"), used)) = {0};

enum { UNIT = 8, ORDERS = MC_SEQ_CST + 1 };

// A place in a source, however often the compiler copied it.
typedef struct row {
    const mc_site *site;
    uint8_t order; // in this run
    uint64_t visits;
    uint64_t cases[MP_CASES_MAX / 64]; // one bit each
} row;

typedef struct table {
    row *rows;
    unsigned count;
    uint16_t *row_at; // for each 8 bytes of the section where a site begins
} table;

static table *sites;

// ---- words -----------------------------------------------------------------

static const char *const do_names[MC_DOS] = {
    [MC_LOAD] = "load",
    [MC_STORE] = "store",
    [MC_EXCHANGE] = "exchange",
    [MC_ADD] = "fetch_add",
    [MC_SUB] = "fetch_sub",
    [MC_OR] = "fetch_or",
    [MC_AND] = "fetch_and",
    [MC_CAS] = "compare_exchange",
    [MC_CAS_WEAK] = "compare_exchange_weak",
    [MC_FENCE] = "fence",
};

const char *mc_do_name(unsigned does) {
    return does < MC_DOS && do_names[does] != NULL ? do_names[does] : "?";
}

static const char *const order_names[ORDERS] = {
    [MC_PLAIN] = "plain",     [MC_RELAXED] = "relaxed",
    [MC_ACQUIRE] = "acquire", [MC_RELEASE] = "release",
    [MC_ACQ_REL] = "acq_rel", [MC_SEQ_CST] = "seq_cst",
};

const char *mc_order_name(unsigned order) {
    return order < ORDERS ? order_names[order] : "?";
}

// ---- the table -------------------------------------------------------------

// Which comes first in a list.
static int compare(const mc_site *a, const mc_site *b) {
    int file = strcmp(a->file, b->file);
    if (file != 0)
        return file;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->does != b->does)
        return (int)a->does - (int)b->does;
    if (a->order != b->order)
        return (int)a->order - (int)b->order;
    return strcmp(a->object, b->object);
}

static int compare_rows(const void *a, const void *b) {
    return compare(((const row *)a)->site, ((const row *)b)->site);
}

// The next site at or after `at`, or NULL. Compilers align each as they like,
// so that there are gaps, which are zero.
static const mc_site *next_site(const char *at) {
    for (; at + sizeof(mc_site) <= __stop_mc_sites; at += UNIT) {
        const char *word;
        memcpy(&word, at, sizeof(word));
        if (word != NULL)
            return (const mc_site *)(const void *)at;
    }
    return NULL;
}

static const mc_site *first_site(void) { return next_site(__start_mc_sites); }

static const mc_site *site_after(const mc_site *site) {
    return next_site((const char *)(site + 1));
}

static row *row_like(const mc_site *site) {
    row key = {.site = site};
    return bsearch(&key, sites->rows, sites->count, sizeof(row), compare_rows);
}

static size_t unit_of(const mc_site *site) {
    return (size_t)((const char *)site - __start_mc_sites) / UNIT;
}

void mc_sites_setup(void) {
    sites = mr_own(sizeof(*sites));
    size_t bytes = (size_t)(__stop_mc_sites - __start_mc_sites);
    sites->row_at = mr_own((bytes / UNIT + 1) * sizeof(*sites->row_at));
    sites->rows = mr_own((bytes / sizeof(mc_site) + 1) * sizeof(row));

    unsigned all = 0;
    for (const mc_site *s = first_site(); s != NULL; s = site_after(s))
        sites->rows[all++] = (row){.site = s, .order = s->order};
    qsort(sites->rows, all, sizeof(row), compare_rows);
    for (unsigned i = 0; i < all; i++)
        if (sites->count == 0 ||
            compare_rows(&sites->rows[sites->count - 1], &sites->rows[i]) != 0)
            sites->rows[sites->count++] = sites->rows[i];
    for (const mc_site *s = first_site(); s != NULL; s = site_after(s))
        sites->row_at[unit_of(s)] = (uint16_t)(row_like(s) - sites->rows);
}

mc_order mc_site_order(const mc_site *site) {
    row *own = &sites->rows[sites->row_at[unit_of(site)]];
    unsigned number = mp_now()->running;
    own->visits++;
    own->cases[number / 64] |= (uint64_t)1 << number % 64;
    return (mc_order)own->order;
}

// ---- mutants ---------------------------------------------------------------

static bool is_load(unsigned does) { return does == MC_LOAD; }
static bool is_store(unsigned does) { return does == MC_STORE; }

// Can an operation have this order?
static bool possible(unsigned does, unsigned order) {
    if (order == MC_RELAXED)
        return does != MC_FENCE;
    if (order == MC_SEQ_CST)
        return true;
    if (is_load(does))
        return order == MC_ACQUIRE;
    if (is_store(does))
        return order == MC_RELEASE;
    return order != MC_PLAIN;
}

// Is `to` weaker than `from` by one step, for this operation?
static bool one_step(unsigned does, unsigned from, unsigned to) {
    if (!possible(does, to))
        return false;
    switch (from) {
    case MC_SEQ_CST:
        if (is_load(does))
            return to == MC_ACQUIRE;
        return to == (is_store(does) ? MC_RELEASE : MC_ACQ_REL);
    case MC_ACQ_REL: return to == MC_ACQUIRE || to == MC_RELEASE;
    case MC_ACQUIRE:
    case MC_RELEASE: return to == MC_RELAXED;
    default: return false;
    }
}

static bool ends_with(const char *file, const char *suffix, size_t length) {
    size_t all = strlen(file);
    if (length == 0 || length > all ||
        memcmp(file + all - length, suffix, length) != 0)
        return false;
    return length == all || file[all - length - 1] == '/';
}

static unsigned named(const char *const *names, unsigned count,
                      const char *text, size_t length) {
    for (unsigned i = 0; i < count; i++)
        if (names[i] != NULL && strlen(names[i]) == length &&
            memcmp(names[i], text, length) == 0)
            return i;
    return count;
}

// FILE:LINE[:OPERATION]:ORDER taken apart.
typedef struct mutant {
    const char *file;
    size_t file_length;
    long line;
    unsigned does; // MC_DOS: any
    unsigned order;
} mutant;

// The part of text[0 .. *length) after its last colon; *length is what is left.
static const char *last_part(const char *text, size_t *length, size_t *part) {
    size_t end = *length;
    size_t at = end;
    while (at > 0 && text[at - 1] != ':')
        at--;
    *part = end - at;
    *length = at > 0 ? at - 1 : 0;
    return text + at;
}

static bool parse(const char *text, mutant *out) {
    *out = (mutant){.file = text, .does = MC_DOS};
    size_t left = strlen(text);
    size_t length;
    const char *part = last_part(text, &left, &length);
    out->order = named(order_names, ORDERS, part, length);
    part = last_part(text, &left, &length);
    unsigned does = named(do_names, MC_DOS, part, length);
    if (does != MC_DOS) {
        out->does = does;
        part = last_part(text, &left, &length);
    }
    out->file_length = left;
    char *end;
    out->line = strtol(part, &end, 10);
    return out->order != ORDERS && length > 0 && end == part + length &&
           out->line > 0 && out->line <= INT_MAX && left > 0;
}

const char *mc_sites_weaken(const char *text) {
    mutant want;
    if (!parse(text, &want))
        return "it is not FILE:LINE:ORDER or FILE:LINE:OPERATION:ORDER";
    row *found = NULL;
    for (unsigned i = 0; i < sites->count; i++) {
        const mc_site *site = sites->rows[i].site;
        if (site->line != want.line ||
            !ends_with(site->file, want.file, want.file_length) ||
            (want.does != MC_DOS && want.does != site->does))
            continue;
        if (found != NULL)
            return "several sites are so; name the operation, and more of the "
                   "path";
        found = &sites->rows[i];
    }
    if (found == NULL)
        return "no site is there";
    if (!possible(found->site->does, want.order))
        return "that operation cannot have that order";
    found->order = (uint8_t)want.order;
    return NULL;
}

// ---- the list --------------------------------------------------------------

// What finds something as it is cannot tell a mutant.
static void print_cases(FILE *out, const row *own) {
    const char *comma = "";
    for (unsigned i = 0; i < MP_CASES_MAX && mc_cases[i].name != NULL; i++)
        if ((own->cases[i / 64] >> i % 64 & 1) != 0 &&
            mc_cases[i].finds == MC_NOTHING) {
            fprintf(out, "%s%s", comma, mc_cases[i].name);
            comma = ",";
        }
    if (*comma == '\0')
        fputc('-', out);
}

void mc_sites_print(FILE *out) {
    for (unsigned i = 0; i < sites->count; i++) {
        const row *own = &sites->rows[i];
        const mc_site *site = own->site;
        fprintf(out, "site\t%s:%d\t%s\t%s\t%s\t%s\t%llu\t", site->file,
                site->line, mc_do_name(site->does), mc_order_name(site->order),
                site->label, site->object, (unsigned long long)own->visits);
        const char *comma = "";
        for (unsigned to = 0; to < ORDERS; to++)
            if (one_step(site->does, site->order, to)) {
                fprintf(out, "%s%s", comma, mc_order_name(to));
                comma = ",";
            }
        fputs(*comma == '\0' ? "-\t" : "\t", out);
        print_cases(out, own);
        fputc('\n', out);
    }
}

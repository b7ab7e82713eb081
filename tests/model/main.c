// SPDX-License-Identifier: MIT
// The command line of a model program.
#include "model/program.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: %s [CASE...] [OPTION...]\n"
    "Runs the cases, or all, in every way they can go; a line for each.\n"
    "Ends with 0: all as expected; 1: not; 2: it was called wrongly.\n"
    "\n"
    "  --list                 print the names of the cases\n"
    "  --expect CASE...       fail unless these are exactly the cases\n"
    "  --mode MODE            exhaustive or bounded, whatever a case says\n"
    "  --preemptions N        bounded, with at most N preemptions\n"
    "  --seconds S            stop a case after S seconds\n"
    "  --outcomes             print what the executions came to\n"
    "  --trace                run one execution of each case and print it\n"
    "  --show                 print what is found also where it should be\n"
    "  --replay SCHEDULE      run this one execution of CASE and print it\n"
    "  --weaken SITE:ORDER    run with another memory order in one place,\n"
    "                         FILE:LINE or FILE:LINE:OPERATION; stop at the\n"
    "                         first case that notices\n"
    "  --sites                print the places of atomic operations: place,\n"
    "                         operation, order, label, object, visits, the\n"
    "                         orders one step weaker, the cases that visit it\n"
    "                         and find nothing; with --list without running\n"
    "\n"
    "  %s --list\n"
    "  %s --trace a_case\n"
    "  %s --weaken pool/sleep.c:120:relaxed\n";

typedef struct wish {
    bool list, outcomes, sites, trace;
    int mode;         // mc_mode, or -1
    long preemptions; // or -1
    double seconds;
    const char *replay, *weaken;
    bool wanted[MP_CASES_MAX];
    unsigned wanted_count;
    unsigned cases;
} wish;

static mp_state *now; // set before mc_setup, which keeps it

void mp_setup(void) { now = mr_own(sizeof(*now)); }

mp_state *mp_now(void) { return now; }

// ---- one case --------------------------------------------------------------

static double seconds_now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static size_t count_outcomes(const uint64_t *list) {
    size_t count = 0;
    while (list[count] != MC_OUTCOMES_END)
        count++;
    return count;
}

static bool has(const uint64_t *list, size_t count, uint64_t value) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

// Prints those of `list` that are not in `other`; returns how many.
static size_t differ(const char *what, const uint64_t *list, size_t count,
                     const uint64_t *other, size_t other_count) {
    size_t differ = 0;
    for (size_t i = 0; i < count; i++)
        if (!has(other, other_count, list[i]))
            printf("%s%llu", differ++ == 0 ? what : ", ",
                   (unsigned long long)list[i]);
    return differ;
}

// Prints what is not as the case says. True: all is.
static bool judge(const mc_case *what, const mc_totals *totals) {
    if (totals->found != what->finds) {
        printf("  FAILED: found %s, not %s\n", mp_finding_name(totals->found),
               mp_finding_name(what->finds));
        return false;
    }
    bool good = true;
    if (what->executions != 0 && what->executions != totals->executions) {
        printf("  FAILED: not %llu executions\n",
               (unsigned long long)what->executions);
        good = false;
    }
    if (what->outcomes == NULL || totals->found != MC_NOTHING)
        return good;
    const uint64_t *found;
    size_t found_count = mc_outcomes(&found);
    size_t count = count_outcomes(what->outcomes);
    size_t wrong = differ("  FAILED: outcomes that must not be: ", found,
                          found_count, what->outcomes, count);
    fputs(wrong > 0 ? "\n" : "", stdout);
    size_t missing =
        differ("  FAILED: outcomes that are missing: ", what->outcomes, count,
               found, found_count);
    fputs(missing > 0 ? "\n" : "", stdout);
    return good && wrong + missing == 0;
}

static void print_bounds(const mc_case *what, const mc_totals *totals,
                         double limit) {
    bool bounded = totals->cut || totals->bounded_preemption ||
                   totals->bounded_spurious || totals->bounded_timeouts ||
                   totals->bounded_stale || now->bounds_count > 0;
    if (!bounded) {
        printf("exhaustive");
        return;
    }
    printf("bounds: ");
    const char *comma = "";
    if (totals->cut) {
        printf("CUT after %llu executions",
               (unsigned long long)(totals->executions + totals->pruned));
        if (limit > 0)
            printf(" or %g s", limit);
        comma = ", ";
    }
    if (totals->bounded_preemption) {
        printf("%spreemptions %u", comma, what->preemptions);
        comma = ", ";
    }
    if (totals->bounded_spurious) {
        printf("%sspurious wake-ups %u", comma, what->spurious);
        comma = ", ";
    }
    if (totals->bounded_timeouts) {
        printf("%searly time-outs %u", comma, what->timeouts);
        comma = ", ";
    }
    if (totals->bounded_stale) {
        printf("%sstale reads %u", comma, what->stale);
        comma = ", ";
    }
    for (unsigned i = 0; i < now->bounds_count; i++) {
        printf("%s%s", comma, now->bounds[i]);
        comma = ", ";
    }
}

static void print_line(const mc_case *what, const mc_totals *totals,
                       double limit, double took) {
    printf("%s: %u threads, %llu executions", what->name, totals->threads,
           (unsigned long long)totals->executions);
    if (totals->pruned > 0)
        printf(" and %llu pruned", (unsigned long long)totals->pruned);
    printf(", at most %u steps, %s, ", totals->longest,
           what->mode == MC_EXHAUSTIVE ? "graphs" : "schedules");
    print_bounds(what, totals, limit);
    if (what->finds != MC_NOTHING && totals->found == what->finds)
        printf(", finds %s", mp_finding_name(totals->found));
    printf(", %.2f s\n", took);
}

static void print_outcomes(void) {
    const uint64_t *found;
    size_t count = mc_outcomes(&found);
    printf("  outcomes:");
    for (size_t i = 0; i < count; i++)
        printf(" %llu", (unsigned long long)found[i]);
    putchar('\n');
}

// The case with what the command line says otherwise.
static mc_case as_wished(const wish *w, const mc_case *what) {
    mc_case own = *what;
    if (w->mode >= 0)
        own.mode = (mc_mode)w->mode;
    if (w->preemptions >= 0)
        own.preemptions = (unsigned)w->preemptions;
    if (w->mode >= 0 || w->preemptions >= 0)
        own.executions = 0; // so many are of the case as it is
    if (w->trace)
        own.executions_max = 1;
    return own;
}

static bool run_case(const wish *w, unsigned number) {
    mc_case what = as_wished(w, &mc_cases[number]);
    now->running = number;
    now->bounds_count = 0;
    mc_totals totals = {0};
    double began = seconds_now();
    if (w->replay != NULL)
        mc_replay(&what, w->replay, &totals);
    else
        mc_explore(&what, w->seconds, &totals);
    print_line(&what, &totals, w->seconds, seconds_now() - began);
    if (w->outcomes)
        print_outcomes();
    // One execution need not show what all do.
    bool one = w->trace || w->replay != NULL;
    if (one && (totals.found == MC_NOTHING || !now->show))
        mp_trace(stdout);
    bool ran = totals.executions > 0 || totals.found != MC_NOTHING;
    bool good =
        one ? ran && (totals.found == MC_NOTHING || totals.found == what.finds)
            : judge(&what, &totals);
    fflush(stdout);
    return good;
}

// ---- the command line ------------------------------------------------------

static unsigned case_named(const char *name) {
    unsigned at = 0;
    while (mc_cases[at].name != NULL && strcmp(mc_cases[at].name, name) != 0)
        at++;
    return at;
}

// A case that is written but not registered would never run.
static int expect(char **names, int count, unsigned cases) {
    int status = 0;
    for (unsigned i = 0; i < cases; i++) {
        int found = 0;
        for (int j = 0; j < count; j++)
            found += strcmp(names[j], mc_cases[i].name) == 0;
        if (found != 1 || case_named(mc_cases[i].name) != i) {
            printf("%s: in ctest %d times, not once\n", mc_cases[i].name,
                   found);
            status = 1;
        }
    }
    for (int j = 0; j < count; j++)
        if (case_named(names[j]) == cases) {
            printf("%s: in ctest, but no such case\n", names[j]);
            status = 1;
        }
    return status;
}

static int complain(const char *what, const char *word) {
    fprintf(stderr, "%s: %s; see --help\n", word, what);
    return 2;
}

static bool number(const char *word, double most, double *out) {
    char *end;
    *out = strtod(word, &end);
    return end != word && *end == '\0' && *out >= 0 && *out <= most;
}

// An option with a value. Returns 0 or 2.
static int take_value(wish *w, const char *option, const char *value) {
    double amount;
    if (strcmp(option, "--replay") == 0) {
        w->replay = value;
        now->show = true;
    } else if (strcmp(option, "--weaken") == 0) {
        w->weaken = value;
    } else if (strcmp(option, "--mode") == 0) {
        w->mode = strcmp(value, "bounded") == 0 ? MC_BOUNDED : MC_EXHAUSTIVE;
        if (w->mode == MC_EXHAUSTIVE && strcmp(value, "exhaustive") != 0)
            return complain("it is neither exhaustive nor bounded", value);
    } else if (strcmp(option, "--preemptions") == 0) {
        if (!number(value, MC_ALL_PREEMPTIONS, &amount))
            return complain("it is no number of preemptions", value);
        w->preemptions = (long)amount;
        w->mode = MC_BOUNDED;
    } else if (strcmp(option, "--seconds") == 0) {
        if (!number(value, 1e6, &w->seconds))
            return complain("it is no number of seconds", value);
    } else {
        return complain("no such option", option);
    }
    return 0;
}

static int take_case(wish *w, const char *word) {
    unsigned at = case_named(word);
    if (at == w->cases)
        return complain("no such case; --list has them", word);
    w->wanted_count += !w->wanted[at];
    w->wanted[at] = true;
    return 0;
}

static int parse(wish *w, int argc, char **argv) {
    int status = 0;
    for (int i = 1; i < argc && status == 0; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--list") == 0)
            w->list = true;
        else if (strcmp(word, "--outcomes") == 0)
            w->outcomes = true;
        else if (strcmp(word, "--sites") == 0)
            w->sites = true;
        else if (strcmp(word, "--trace") == 0)
            w->trace = true;
        else if (strcmp(word, "--show") == 0)
            now->show = true;
        else if (word[0] != '-')
            status = take_case(w, word);
        else if (i + 1 < argc)
            status = take_value(w, word, argv[++i]);
        else
            return complain("no such option, or its value is missing", word);
    }
    if (status == 0 && w->replay != NULL && w->wanted_count != 1)
        return complain("name the one case that it is of", "--replay");
    return status;
}

static int run(const wish *w) {
    int status = 0;
    for (unsigned i = 0; i < w->cases; i++) {
        if (w->wanted_count > 0 && !w->wanted[i])
            continue;
        if (run_case(w, i))
            continue;
        status = 1;
        if (w->weaken != NULL) {
            printf("killed by %s\n", mc_cases[i].name);
            break;
        }
    }
    if (w->sites)
        mc_sites_print(stdout);
    return status;
}

int main(int argc, char **argv) {
    mp_setup();
    now->program = argv[0];
    mc_sites_setup();
    // The wishes are on this stack, which is none of the model's.
    wish w = {.mode = -1, .preemptions = -1};
    while (mc_cases[w.cases].name != NULL)
        w.cases++;
    if (w.cases > MP_CASES_MAX)
        return complain("too many cases", argv[0]);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf(usage, argv[0], argv[0], argv[0], argv[0]);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--expect") == 0)
        return expect(argv + 2, argc - 2, w.cases);
    int status = parse(&w, argc, argv);
    if (status != 0)
        return status;
    if (w.list) {
        for (unsigned i = 0; i < w.cases; i++)
            puts(mc_cases[i].name);
        if (w.sites)
            mc_sites_print(stdout);
        return 0;
    }
    now->weaken = w.weaken;
    const char *wrong = w.weaken != NULL ? mc_sites_weaken(w.weaken) : NULL;
    if (wrong != NULL)
        return complain(wrong, w.weaken);
    mc_setup(); // last, because it keeps what statics are now
    return run(&w);
}

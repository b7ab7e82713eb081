// SPDX-License-Identifier: MIT
// What was found, and how it came to it, for a person.
#include "model/program.h"

#include <stdarg.h>
#include <string.h>

enum { WIDTH = 100, NAME_MAX = 80, TEXT_MAX = 512, SCHEDULE_MAX = 1 << 16 };

// Text with an end.
typedef struct text {
    char at[TEXT_MAX];
    size_t length;
} text;

static void add(text *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(text *out, const char *format, ...) {
    va_list values;
    va_start(values, format);
    size_t room = sizeof(out->at) - out->length;
    int length = vsnprintf(out->at + out->length, room, format, values);
    va_end(values);
    if (length > 0)
        out->length += (size_t)length < room ? (size_t)length : room - 1;
}

static const char *const finding_names[MC_FINDINGS] = {
    [MC_NOTHING] = "nothing",
    [MC_FAILED_CHECK] = "a failed check",
    [MC_RACE] = "a data race",
    [MC_DEADLOCK] = "a deadlock",
    [MC_USE_AFTER_FREE] = "a use of memory that is gone",
    [MC_LEAK] = "a leak",
    [MC_ENDLESS] = "no end",
    [MC_ABORT] = "an abort",
};

const char *mp_finding_name(mc_finding finding) {
    return (unsigned)finding < MC_FINDINGS ? finding_names[finding] : "?";
}

// ---- bounds of the model ---------------------------------------------------

void mc_bound(const char *words) {
    mp_state *state = mp_now();
    for (unsigned i = 0; i < state->bounds_count; i++)
        if (strcmp(state->bounds[i], words) == 0)
            return;
    if (state->bounds_count < MP_BOUNDS_MAX)
        state->bounds[state->bounds_count++] = words;
}

// ---- a step as words -------------------------------------------------------

// Small numbers as such; what may be an address in base 16.
static void add_value(text *out, uint64_t value) {
    if (value <= 0xffff)
        add(out, "%llu", (unsigned long long)value);
    else if ((int64_t)value < 0 && (int64_t)value >= -0xffff)
        add(out, "%lld", (long long)value);
    else
        add(out, "0x%llx", (unsigned long long)value);
}

// The object as the source has it; what else is known of where it is.
static void add_object(text *out, const mc_event *event) {
    char name[NAME_MAX];
    const char *where = "?";
    if (event->location != 0)
        where = ma_name(mc_location_address(event->location), name, NAME_MAX);
    const char *written = event->site != NULL ? event->site->object : "";
    if (*written == '&')
        written++;
    static const char fixed[] = "static ";
    bool is_static = strncmp(where, fixed, sizeof(fixed) - 1) == 0;
    if (*written == '\0')
        add(out, "%s", where);
    else if (is_static && strcmp(written, where + sizeof(fixed) - 1) == 0)
        add(out, "%s", written);
    else
        add(out, "%s (%s)", written, where);
}

// A read of anything but the newest write needs a word.
static void add_source(text *out, const mc_event *event) {
    if (!event->reads || event->newer == 0)
        return;
    if (event->from == 0)
        add(out, "  [older: the initial value, ");
    else
        add(out, "  [older: of step %u, ", mc_trace_at(event->from) + 1);
    add(out, "%u newer]", event->newer);
}

// A futex holds its sleepers, 4 bits each.
static bool sleeps(uint64_t sleepers, unsigned thread) {
    for (; sleepers != 0; sleepers >>= 4)
        if ((sleepers & 15) == thread + 1)
            return true;
    return false;
}

static void add_woken(text *out, const mc_event *event) {
    const char *comma = ": thread ";
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        if (sleeps(event->found, i) && !sleeps(event->value, i)) {
            add(out, "%s%u", comma, i);
            comma = ", ";
        }
    if (*comma == ':')
        add(out, ": nobody sleeps");
}

static void add_atomic(text *out, const mc_event *event) {
    if (event->site == NULL && event->does == MC_LOAD)
        add(out, "before it sleeps, ");
    add(out, "%s ", mc_do_name(event->does));
    if (event->does == MC_FENCE) {
        add(out, "%s", mc_order_name(event->order));
        return;
    }
    add_object(out, event);
    if (event->reads && event->writes) {
        add(out, ": ");
        add_value(out, event->found);
        add(out, " -> ");
        add_value(out, event->value);
    } else if (event->does == MC_CAS || event->does == MC_CAS_WEAK) {
        add(out, ": fails, found ");
        add_value(out, event->found);
    } else {
        add(out, event->reads ? " -> " : " = ");
        add_value(out, event->reads ? event->found : event->value);
    }
    add(out, ", %s", mc_order_name(event->order));
    add_source(out, event);
}

static void add_with_object(text *out, const char *what,
                            const mc_event *event) {
    add(out, "%s ", what);
    add_object(out, event);
}

static void add_step(text *out, const mc_event *event) {
    unsigned value = (unsigned)event->value;
    switch ((mc_do)event->does) {
    case MC_INIT:
        add_with_object(out, "set up", event);
        add(out, " = ");
        add_value(out, event->value);
        break;
    case MC_LOCK: add_with_object(out, "lock", event); break;
    case MC_TRYLOCK:
        add_with_object(out, "try to lock", event);
        add(out, event->writes ? ": it is free" : ": it is held");
        break;
    case MC_UNLOCK: add_with_object(out, "unlock", event); break;
    case MC_SLEEP_BEGIN:
        add_with_object(out, "about to sleep on", event);
        break;
    case MC_SLEEP_LEAVE:
        add_with_object(out, "sleeps no more on", event);
        break;
    case MC_SLEEP_END:
        add_with_object(out, "slept on", event);
        add(out, event->found == 0 ? ": was woken" : ": its time is over");
        break;
    case MC_WAKE:
        add_with_object(out, "wake who sleeps on", event);
        add_woken(out, event);
        break;
    case MC_CHOOSE: add(out, "choose %u", value); break;
    case MC_SPAWN: add(out, "start thread %u", value); break;
    case MC_START: add(out, "begin"); break;
    case MC_END: add(out, "end"); break;
    case MC_JOIN: add(out, "join thread %u", value); break;
    case MC_AWAIT: add(out, "wait for a change"); break;
    default: add_atomic(out, event); break;
    }
}

// ---- the table -------------------------------------------------------------

// Prints `words` from column `from` on, broken at spaces where they are too
// long; the first line has its beginning already.
static void print_wrapped(FILE *out, const char *words, unsigned from) {
    size_t room = WIDTH - from;
    while (strlen(words) > room) {
        size_t cut = room;
        while (cut > room / 2 && words[cut] != ' ')
            cut--;
        if (words[cut] != ' ')
            cut = room;
        fprintf(out, "%.*s\n%*s", (int)cut, words, (int)from, "");
        words += cut;
        while (*words == ' ')
            words++;
    }
    fprintf(out, "%s\n", words);
}

void mp_trace(FILE *out) {
    unsigned count = mc_trace_count();
    fprintf(out, "step  thread  what it does\n");
    for (unsigned at = 0; at < count; at++) {
        const mc_event *event = mc_trace_event(at);
        const char *note = mc_trace_note(at);
        if (note != NULL) {
            fprintf(out, "%14s-- ", "");
            print_wrapped(out, note, 17);
        }
        text line = {.length = 0};
        add_step(&line, event);
        fprintf(out, "%4u  %-6u  ", at + 1, event->thread);
        print_wrapped(out, line.at, 14);
        const mc_site *site = event->site;
        if (site == NULL)
            continue;
        line.length = 0;
        add(&line, "%s: %s%s%s:%d", site->label, site->why,
            *site->why != '\0' ? ", " : "", site->file, site->line);
        fprintf(out, "%16s", "");
        print_wrapped(out, line.at, 16);
    }
}

void mp_finding(const mc_case *what, mc_finding finding, const char *words) {
    mp_state *state = mp_now();
    if (finding == what->finds && !state->show)
        return;
    fflush(stdout);
    fprintf(stderr, "\n%s: %s\n  ", what->name, mp_finding_name(finding));
    print_wrapped(stderr, words, 2);
    fputc('\n', stderr);
    mp_trace(stderr);
    char *schedule = mr_own(SCHEDULE_MAX); // statics are copied too often
    fprintf(stderr, "\nAgain: %s %s --replay '%s'", state->program, what->name,
            mc_schedule(schedule, SCHEDULE_MAX));
    if (state->weaken != NULL)
        fprintf(stderr, " --weaken %s", state->weaken);
    fputs("\n\n", stderr);
}

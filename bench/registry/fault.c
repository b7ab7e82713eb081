// SPDX-License-Identifier: MIT
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FAULT_COUNT] = {
    [FAULT_NONE] = "none",
    [FAULT_STALL] = "stall",
    [FAULT_STALL_BODY] = "stall-body",
    [FAULT_LONGER] = "longer",
    [FAULT_SHORTER] = "shorter",
    [FAULT_RESET] = "reset",
    [FAULT_CLOSE] = "close",
    [FAULT_HANGUP] = "hangup",
    [FAULT_401] = "401",
    [FAULT_403] = "403",
    [FAULT_404] = "404",
    [FAULT_429] = "429",
    [FAULT_500] = "500",
    [FAULT_502] = "502",
    [FAULT_503] = "503",
    [FAULT_REDIRECT] = "redirect",
    [FAULT_REDIRECT_OTHER] = "redirect-other",
    [FAULT_REDIRECT_LOOP] = "redirect-loop",
    [FAULT_GARBAGE] = "garbage",
    [FAULT_CUT] = "cut",
    [FAULT_CUT_GZIP] = "cut-gzip",
    [FAULT_BAD_GZIP] = "bad-gzip",
    [FAULT_BOMB] = "bomb",
    [FAULT_GIANT] = "giant",
    [FAULT_HUGE] = "huge",
    [FAULT_DEEP] = "deep",
    [FAULT_WRONG] = "wrong",
    [FAULT_HTML] = "html",
    [FAULT_EMPTY] = "empty",
    [FAULT_DRIP] = "drip",
    [FAULT_HEADERS] = "headers",
    [FAULT_CHUNKED] = "chunked",
    [FAULT_NO_LENGTH] = "no-length",
    [FAULT_NO_GZIP] = "no-gzip",
    [FAULT_304] = "304",
};

typedef struct rule {
    struct rule *next;
    char name[216]; // "*": any
    fault kind;
    bool limited;
    unsigned left;
} rule;

static rule *rules, **rules_end = &rules;
static unsigned chaos; // of 1,000 first requests
static uint64_t counts[FAULT_COUNT];

const char *fault_name(fault kind) { return names[kind]; }

fault fault_of_name(const char *name, size_t size) {
    for (unsigned i = 1; i < FAULT_COUNT; i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return (fault)i;
    return FAULT_NONE;
}

void fault_rule(const char *what) {
    rule *made = registry_alloc(sizeof(*made));
    const char *is = strrchr(what, '=');
    if (is == NULL || is == what || (size_t)(is - what) >= sizeof(made->name))
        registry_die("a fault is NAME=KIND[:N]", what);
    memcpy(made->name, what, (size_t)(is - what));
    const char *colon = strchr(is, ':');
    size_t size = colon != NULL ? (size_t)(colon - is - 1) : strlen(is + 1);
    made->kind = fault_of_name(is + 1, size);
    if (made->kind == FAULT_NONE)
        registry_die("no such kind of fault", is + 1);
    if (colon != NULL) {
        made->limited = true;
        made->left = (unsigned)strtoul(colon + 1, NULL, 10);
    }
    *rules_end = made;
    rules_end = &made->next;
}

void fault_chaos(const char *per_mille) {
    chaos = (unsigned)strtoul(per_mille, NULL, 10);
}

// fault-KIND or fault-KIND-N.
static fault of_package(const char *name, unsigned *first) {
    if (strncmp(name, "fault-", 6) != 0)
        return FAULT_NONE;
    name += 6;
    size_t size = strlen(name);
    fault kind = fault_of_name(name, size);
    *first = 0;
    if (kind != FAULT_NONE)
        return kind;
    const char *dash = strrchr(name, '-');
    if (dash == NULL)
        return FAULT_NONE;
    *first = (unsigned)strtoul(dash + 1, NULL, 10);
    return fault_of_name(name, (size_t)(dash - name));
}

package *fault_package(model *m, const char *name) {
    unsigned first;
    if (of_package(name, &first) == FAULT_NONE)
        return NULL;
    package *p = model_add(m, name);
    p->handmade = true;
    text_format(&p->brief.raw,
                "{\"name\":\"%s\",\"dist-tags\":{\"latest\":\"1.0.0\"},"
                "\"versions\":{\"1.0.0\":{\"name\":\"%s\",\"version\":\"1.0.0"
                "\",\"dist\":{\"integrity\":\"sha512-AAAA\",\"tarball\":"
                "\"%s%s/-/%s-1.0.0.tgz\"}}}}",
                name, name, m->tarballs, name, name);
    render_body(&p->brief);
    return p;
}

static fault choose(const package *p) {
    static const fault passing[] = {FAULT_429, FAULT_503, FAULT_RESET,
                                    FAULT_CLOSE, FAULT_HANGUP};
    unsigned first;
    fault kind = of_package(p->name, &first);
    if (kind != FAULT_NONE)
        return first == 0 || p->requests <= first ? kind : FAULT_NONE;
    for (rule *r = rules; r != NULL; r = r->next)
        if ((strcmp(r->name, p->name) == 0 || strcmp(r->name, "*") == 0) &&
            (!r->limited || r->left > 0)) {
            if (r->limited)
                r->left--;
            return r->kind;
        }
    // Once or twice in a row; then it is served.
    uint64_t dice = registry_mix(chaos, p->index * 4 + p->requests);
    if (p->requests <= 2 && dice % 1000 < chaos)
        return passing[(dice >> 32) % 5];
    return FAULT_NONE;
}

fault fault_next(package *p) {
    p->requests++;
    fault kind = choose(p);
    counts[kind]++;
    return kind;
}

void fault_counts(text *to) {
    const char *before = "";
    for (unsigned i = 1; i < FAULT_COUNT; i++)
        if (counts[i] > 0) {
            text_format(to, "%s\"%s\": %llu", before, names[i],
                        (unsigned long long)counts[i]);
            before = ", ";
        }
}

// SPDX-License-Identifier: MIT
// model/program.h: what main.c, report.c and site.c of a model program share.
#ifndef MC_PROGRAM_H
#define MC_PROGRAM_H

#include "model/engine.h"

#include <stdio.h>

enum { MP_BOUNDS_MAX = 8, MP_CASES_MAX = 256 };

typedef struct mp_state {
    const char *program; // as it was called
    const char *weaken;  // the mutant, as written; NULL: none
    bool show;           // findings that are expected are printed too
    unsigned running;    // number of the case, among mc_cases
    const char *bounds[MP_BOUNDS_MAX]; // mc_bound, in this case
    unsigned bounds_count;
} mp_state;

// mp_setup, once, before mc_setup. mp_now: what changes.
void mp_setup(void);
mp_state *mp_now(void);

// mp_trace prints the execution that ran last, a step a line or two.
void mp_trace(FILE *out);

// ---- site.c ----------------------------------------------------------------

// mc_sites_setup, once, before mc_setup: finds the sites of the program.
void mc_sites_setup(void);

// mc_sites_weaken: FILE:LINE[:OPERATION]:ORDER. Returns NULL, or what is wrong.
const char *mc_sites_weaken(const char *text);

// mc_sites_print: a line each, with what was visited since then:
// place, operation, order, label, object, visits, one step weaker, cases.
void mc_sites_print(FILE *out);

// Words for a mc_do that a site can have ("fetch_add"), and for a mc_order.
const char *mc_do_name(unsigned does);
const char *mc_order_name(unsigned order);

#endif

// SPDX-License-Identifier: MIT
//
// The service's own figures, for /metrics: taken on the loop's thread, written
// on another.
#ifndef WEIR_PROGRAMS_SERVE_ROUTES_FIGURES_H
#define WEIR_PROGRAMS_SERVE_ROUTES_FIGURES_H

#include "programs/serve/server.h"

typedef struct wr_figures {
    wr_service_counts service;
    weir_cache_counts cache;
    wr_http_counts http;
    int connections, exchanges;
    size_t bodies;
    bool open;
} wr_figures;

void wr_figures_take(wr_figures *figures, wr_server *server);
void wr_figures_write(const wr_figures *figures, FILE *out);

#endif

// SPDX-License-Identifier: MIT
// scripted.h with TLS: certificates are made here, for each test.
#ifndef TEST_DEPS_SCRIPTED_TLS_H
#define TEST_DEPS_SCRIPTED_TLS_H

#include "deps/scripted.h"

typedef struct scripted_certificate {
    const char *name;         // subjectAltName: "IP:127.0.0.1", "DNS:..."
    long from_day, until_day; // of its life, as of now
    bool by_authority;        // signed by one that scripted_tls_authority has;
                              // else by itself
} scripted_certificate;

// Before scripted_start, and after scripted_stop.
void scripted_tls_start(scripted *server, const scripted_certificate *what);
void scripted_tls_stop(scripted *server);

// The authority's certificate, PEM; malloc'ed. of_another: of an authority that
// has signed nothing.
char *scripted_tls_authority(bool of_another);

#endif

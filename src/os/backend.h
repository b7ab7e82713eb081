// SPDX-License-Identifier: MIT
// What common.c asks of the backend that was picked. Nobody else includes
// this.
#ifndef WR_BACKEND_H
#define WR_BACKEND_H

#include <pthread.h>

// Makes threads started with `attr` run on `cpu` alone. Returns 0 or a
// positive errno: EINVAL (no such CPU, or the backend cannot), ENOMEM.
int wr_backend_pin(pthread_attr_t *attr, int cpu);

// Names the calling thread; at most 15 bytes. Does nothing where it cannot.
void wr_backend_name_self(const char *name);

#endif

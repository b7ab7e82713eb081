// SPDX-License-Identifier: MIT
// model/os.h: what a model may ask of the system that os.c plays, beyond
// os/os.h.
#ifndef MC_OS_H
#define MC_OS_H

#include "os/os.h"

// mo_wakefd_wait stands for poll(2): returns true once the descriptor is
// signalled, which it stays until wr_wakefd_clear. False: it is closed.
bool mo_wakefd_wait(const wr_wakefd *fd);

#endif

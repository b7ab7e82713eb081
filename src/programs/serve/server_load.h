// SPDX-License-Identifier: MIT
//
// The models of the command line: read and loaded before the first connection
// is taken. One that cannot be loaded stops the server.
#ifndef WEIR_PROGRAMS_SERVE_SERVER_LOAD_H
#define WEIR_PROGRAMS_SERVE_SERVER_LOAD_H

#include "programs/serve/server.h"

void wr_server_load(wr_server *server, const wr_server_model *models,
                    int count);

#endif

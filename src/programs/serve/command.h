// SPDX-License-Identifier: MIT
//
// `weir serve`.
#ifndef WEIR_PROGRAMS_SERVE_COMMAND_H
#define WEIR_PROGRAMS_SERVE_COMMAND_H

// wr_serve_main runs it; argv[0] is "serve". Returns the exit status: 0: all
// that was accepted was answered; 1: not, or it could not start; 2: the command
// line or the configuration is wrong.
int wr_serve_main(int argc, char **argv);

#endif

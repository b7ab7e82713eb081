// SPDX-License-Identifier: MIT
//
// `weir tiles`.
#ifndef WEIR_PROGRAMS_TILES_COMMAND_H
#define WEIR_PROGRAMS_TILES_COMMAND_H

// wr_tiles_main runs it; argv[0] is "tiles". Returns the exit status: 0; 1: it
// failed, or the result is wrong; 2: the command line is wrong; 3: an input
// file cannot be used; 4: the matrix is singular, or not positive definite. But
// for 0, one line says why.
int wr_tiles_main(int argc, char **argv);

#endif

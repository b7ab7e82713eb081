// SPDX-License-Identifier: MIT
//
// `weir deps`.
#ifndef WEIR_PROGRAMS_DEPS_COMMAND_H
#define WEIR_PROGRAMS_DEPS_COMMAND_H

// wr_deps_main runs it; argv[0] is "deps". Returns the exit status: 0; 1: it
// failed, and a line says why; 2: the command line is wrong; 128 and a signal's
// number: that signal ended it.
int wr_deps_main(int argc, char **argv);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** What a program of ours is, and says of itself with --help and --version. */
typedef struct {
    const char *name, *version;
    const char *purpose; /* "- does this and that" */
    const char *summary; /* more of it, in lines */
} Program;

/** How main() begins: sets locale and name, and takes the options. Returns -1, or the status to
 *  exit with: --help and --version are answered, a wrong command line is told of. */
int program_begin(const Program *program, int *argc, char ***argv);

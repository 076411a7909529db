/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shim/soft-limits.h"

/*
 * The command line, as shim-protocol.h fixes it. Strings belong to argv.
 */

typedef struct Setup {
    const char *directory;
    const char *command;
} Setup;

typedef enum StdinKind {
    STDIN_TTY,
    STDIN_FILE,
    STDIN_PIPE,
} StdinKind;

typedef struct Options {
    const char *cwd;
    const Setup *setups;
    unsigned n_setups;
    const char *setup_record; /* or NULL */
    const char *closing_type; /* or NULL */
    uint64_t stop_grace;      /* these four: µs */
    uint64_t result_grace;    /* 0: off, like the two below */
    uint64_t runtime_max;
    uint64_t idle_timeout;
    StdinKind stdin_kind;
    bool stdout_pipe;
    uint16_t rows, columns;
    bool sandbox; /* the agent is confined */
    SoftLimits limits;
    int umask;   /* -1: stays as it is */
    char **argv; /* the agent's */
} Options;

/** Fills @ret_options. False, with the reason on stderr, if the command line does not exactly
 * follow the protocol. */
bool options_parse(Options *ret_options, char **argv);

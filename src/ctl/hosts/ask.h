/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/hosts/call.h"
#include "ctl/table.h"

/*
 * One question to many hosts at a time: a command that prints one JSON document.
 */

typedef struct {
    const char *host;
    HostState state;
    int status;
    char *said;       /* the last line of its error output, or one that explains the state */
    JsonArray *array; /* what it printed, each object with `host` in front; empty where it failed */
} HostAnswer;

/** Asks the hosts of @ctl with the words of a command, ended by NULL, all at once, and waits for
 *  the last. Returns an array of HostAnswer in the order of the hosts. Caller:
 *  g_ptr_array_unref(). */
GPtrArray *hosts_ask(Ctl *ctl, const char *verb, ...) G_GNUC_NULL_TERMINATED;

/** Prints the elements of all answers as one JSON array; a host that gave none is an object with
 *  its `host`, `status` and `error`. */
void hosts_print_json(GPtrArray *answers);

/** The answers of `list` as an array of RunInfo. Caller: g_ptr_array_unref(). */
GPtrArray *hosts_runs(GPtrArray *answers);

/** The objects of all answers, for a table's rows. They belong to @answers. Caller:
 *  g_ptr_array_unref(). */
GPtrArray *hosts_objects(GPtrArray *answers);

/** Adds a row for each host that gave no answer: its name in the first column, its state in
 *  @state_column and the reason in @note_column of @n_columns. */
void hosts_add_problems(GPtrArray *answers, Table *table, guint n_columns, guint state_column,
                        guint note_column);

/** Says on standard error which hosts gave no answer, and why. */
void hosts_warn(GPtrArray *answers);

/** The exit status for all: CTL_EXIT_UNREACHABLE where a host was, else the first that failed. */
int hosts_status(GPtrArray *answers);

/** Whether a host gave no answer. */
gboolean hosts_have_problem(GPtrArray *answers);

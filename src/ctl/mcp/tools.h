/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/ctl.h"

/*
 * The tools that `storkitctl mcp` offers: each is a command of storkitctl, with its description for
 * a model.
 */

/** How an argument of a tool becomes a word of the command line. */
typedef enum {
    PARAMETER_WORD,   /* a word of its own; one that begins with '-' is refused */
    PARAMETER_WORDS,  /* an array of those */
    PARAMETER_TEXT,   /* free text, after "--" */
    PARAMETER_OPTION, /* --option=VALUE */
    PARAMETER_FLAG,   /* true: --option */
} ParameterKind;

typedef struct {
    const char *name;
    const char *description;
    ParameterKind kind;
    gboolean required;
    const char *option; /* of PARAMETER_OPTION and PARAMETER_FLAG */
} Parameter;

/** What happens to the command's output. */
typedef enum {
    OUTPUT_JSON,   /* one document */
    OUTPUT_RUNS,   /* one object a line, as a list */
    OUTPUT_EVENTS, /* events, of which the last are kept; each is progress */
    OUTPUT_TEXT,   /* shown as it is */
} OutputKind;

typedef struct {
    const char *name;
    const char *title;
    const char *description;
    const char *verb;
    const char *const *words; /* of the command line in any case, before those of the arguments */
    const char *const *after; /* and after them */
    const Parameter *parameters; /* ends in a nameless one */
    OutputKind output;
    const char *list_name; /* of a document that is an array: the member that holds it */
    gboolean read_only, destructive;
    guint timeout_seconds;      /* where it may take as long as a run does; 0: it does not */
    gboolean status_is_of_runs; /* exit statuses from 10 on tell how runs ended: no failure */
} Tool;

/** The tool of that name, or NULL. */
const Tool *tool_find(const char *name);

/** All tools as `tools/list` shows them. */
JsonArray *tools_list(void);

/** The command line for a call with @arguments (NULL: none), without the program's name. Sets
 *  CTL_ERROR_USAGE where an argument is missing, unknown or of another type. Caller:
 *  g_strfreev(). */
char **tool_command_line(const Tool *tool, const Ctl *ctl, JsonObject *arguments, GError **error);

/** How many seconds a call with @arguments may take; 0: no limit. */
guint tool_timeout(const Tool *tool, JsonObject *arguments);

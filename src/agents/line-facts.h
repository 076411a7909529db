/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/decoded-line.h"
#include "agents/line-json.h"

/*
 * From a line's JSON to what its kind says of it.
 */

/** Fills the texts and facts of @line, which is empty, from the object @json with the top-level
 *  @type, as the scan noted it on @tape. */
void line_facts_read(const AgentKind *kind, const char *type, const char *json,
                     const JsonTape *tape, DecodedLine *line);

/** The same for a line past DECODER_MAX_PARSED: only whether it closes the run, and how. */
void line_facts_read_long(const AgentKind *kind, const char *type, const char *json, gsize length,
                          DecodedLine *line);

/* --- For the kinds: what their lines have in common --- */

/** Adds the string at @path, if there is one, to the line's outputs. */
void line_read_text(LineJson json, const char *path, DecodedLine *line);

/** The session's id is the string at @path. */
void line_read_session(LineJson json, const char *path, DecodedLine *line);

/** Adds the member `text` of every element of the array at @path that has one. */
void line_read_texts(LineJson json, const char *path, DecodedLine *line);

/** Adds the cost, or one count, that is at @path to @usage. */
void line_read_cost(LineJson json, const char *path, Usage *usage);
void line_read_count(LineJson json, const char *path, UsageCount count, Usage *usage);

/** Where the tokens are; NULL: nowhere. */
typedef struct {
    const char *input;
    const char *cached;  /* read from a cache */
    const char *written; /* written to one */
    const char *output;
    gboolean input_is_rest; /* `input` leaves out what `cached` and `written` count */
} LineTokens;

/** Adds the tokens that are known to @usage, whose input is all input. */
void line_read_tokens(LineJson json, Usage *usage, LineTokens paths);

/** The line closes the run. Takes @error, NULL if the CLI gave no message; a JSON body in it is
 * replaced by the message it holds. */
void line_close_run(DecodedLine *line, gboolean success, char *error);

/** A copy of the string at @path, NULL where it is empty or absent. Caller frees. */
char *line_dup_string(LineJson json, const char *path);

/** A question of that name, or about that subject, is over. @name is taken; NULL: none. */
void line_settle(DecodedLine *line, char *name);

/** The line does no more than show that the model spoke or acted. */
void line_read_assistant(LineJson json, DecodedLine *line);

/** The line closes the run, with success unless its top-level `is_error` is true. For one that is
 *  past DECODER_MAX_PARSED. */
void line_read_long_result(const char *json, gsize length, DecodedLine *line);

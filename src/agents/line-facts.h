/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/decoded-line.h"
#include "agents/line-json.h"

/*
 * From a line's JSON to what its kind says of it.
 */

/** Fills the texts and facts of @line, which is empty, from the object @json (the scan took it)
 *  with the top-level @type. A line whose type means nothing to @kind is not even parsed. */
void line_facts_read(const AgentKind *kind, const char *type, const char *json, gsize length,
                     DecodedLine *line);

/** The same for a line that is too long to be parsed: only whether it closes the run, and how. */
void line_facts_read_long(const AgentKind *kind, const char *type, const char *json, gsize length,
                          DecodedLine *line);

/* --- For the kinds: what their lines have in common --- */

/** Adds @text (NULL: nothing) to the line's outputs. */
void line_add_text(DecodedLine *line, const char *text);

/** The session's id is the string at @path. */
void line_read_session(LineJson json, const char *path, DecodedLine *line);

/** Adds the member `text` of every element of the array at @path that has one. */
void line_read_texts(LineJson json, const char *path, DecodedLine *line);

void line_read_cost(LineJson json, const char *path, DecodedLine *line);
void line_read_tokens(LineJson json, const char *input_path, const char *output_path,
                      DecodedLine *line);

/** The line closes the run. @error is taken over, NULL where the CLI has no words. */
void line_close_run(DecodedLine *line, gboolean success, char *error);

/** A copy of the string at @path, NULL where it is empty or absent. Caller frees. */
char *line_dup_string(LineJson json, const char *path);

/** The line does no more than show that the model spoke or acted. */
void line_read_assistant(LineJson json, DecodedLine *line);

/** Whether @key, written with its quotes, is a top-level member of the object @json that begins as
 *  @value. For a line that is too long to be parsed. */
gboolean line_top_level_is(const char *json, gsize length, const char *key, const char *value);

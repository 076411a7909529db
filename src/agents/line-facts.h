/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/kind.h"
#include "transcript/decoder.h"

/*
 * What each kind of agent says in its JSON lines. All that is known of a kind's lines is in this
 * room, in one table.
 */

/** Fills the texts and facts of @line, which is empty, from the object @json (the scan took it)
 *  with the top-level @type. A line whose type means nothing to @kind is not even parsed. */
void line_facts_read(AgentKind kind, const char *type, const char *json, gsize length,
                     DecodedLine *line);

/** The same for a line that is too long to be parsed: only whether it closes the run, and how
 *  (claude's `result` holds all of the agent's last words). */
void line_facts_read_long(AgentKind kind, const char *type, const char *json, gsize length,
                          DecodedLine *line);

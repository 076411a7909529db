/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/decoded-line.h"

/*
 * The decoder: a pure function from one line of a transcript to its meaning, by the contract's line
 * rules. It keeps no state, does no I/O, and accepts any bytes.
 */

/** The longest line whose JSON is looked into; a longer one gives `agent_json` and no `output`. */
#define DECODER_MAX_PARSED (4u * 1024 * 1024)

/** Decodes one line, given without its newline. @line may hold any bytes and need not end in NUL;
 *  it is at most 16 MiB (the reader's business). The result belongs to the caller:
 *  decoded_line_clear(). */
void decode_line(const AgentKind *kind, const char *line, gsize length, DecodedLine *ret);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "agents/decoded-line.h"

/*
 * Some agents print their messages in pieces of a few words, each in a line of JSON of its own.
 * Their text becomes output in whole lines, where it can: with the line of JSON in which a line of
 * text ends, or before the first one that is no piece of the message.
 *
 * A reader can begin anywhere, so no text is carried over a place where a block of the transcript
 * begins: what is carried at one place depends on the lines since then, and on nothing else.
 */

#define TEXT_BLOCK (1024u * 1024)

/** The text that has not been put out yet, just before the line at `offset`. */
typedef struct {
    guint64 offset;
    GString *text; /* or NULL: none */
    char *message; /* the name of the message that it is of, or NULL */
} TextJoin;

/** Takes the pieces of @line, which ends at @end, and adds the text that is whole to its texts. */
void text_join_take(TextJoin *join, DecodedLine *line, guint64 end);

/** Nothing is carried at @offset. */
void text_join_begin(TextJoin *join, guint64 offset);

/** Where the block of @offset begins. */
guint64 text_join_block(guint64 offset);

void text_join_clear(TextJoin *join);

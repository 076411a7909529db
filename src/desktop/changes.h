/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * How much a story has changed.
 */

/** @text is a sentence part such as "3 files, +120 −8", or NULL if that is unknown. */
typedef void (*ChangesDone)(const char *text, gpointer data);

/** Asks `storkitctl diff` of the story of the run @info; @done is called later, once. */
void changes_count(GVariant *info, ChangesDone done, gpointer data);

/** The same text from what `storkitctl diff --json` printed; NULL where it is something else.
 *  Caller frees. */
char *changes_from_json(const char *text, gssize length);

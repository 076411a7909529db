/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Text for a terminal: its width, how to shorten it, and how to make an agent's output harmless.
 * All of it is UTF-8 in and out.
 */

/** Columns that @text takes on a terminal (wide characters two, combining ones none). */
int text_width(const char *text);

/** @text with everything a terminal would obey taken out: control characters become their visible
 *  pictures (ESC is ␛), C1 controls and characters that reorder text U+FFFD, tabs spaces, invalid
 * UTF-8 U+FFFD. These and our ellipsis are ASCII (ESC is ^[) if the locale has nothing else.
 * Newlines stay with @keep_newlines and become spaces without. Caller frees. */
char *text_clean(const char *text, gboolean keep_newlines);

/** @text cut to @width columns, the last of them an ellipsis where something was cut. Caller
 *  frees. */
char *text_ellipsize(const char *text, int width);

/** @text cut to @width columns: its widest word, the name in a sentence, is shortened, and only
 * where that does not do the end. Caller frees. */
char *text_shorten(const char *text, int width);

/** The first line of @text that is not blank, trimmed and cleaned; "" if there is none. Caller
 *  frees. */
char *text_first_line(const char *text);

/** Appends @text and as many spaces as fill @width columns, on the left with @right. */
void text_append_padded(GString *to, const char *text, int width, gboolean right);

/** The shortest end of @path, in whole components, that differs from @other; points into @path. */
const char *text_path_tail(const char *path, const char *other);

/** @utf8 where the locale shows it, else @ascii. */
const char *text_glyph(const char *utf8, const char *ascii);

/** How many letters have to be added, dropped, replaced or swapped with their neighbour to make @b
 *  of @a. */
guint text_distance(const char *a, const char *b);

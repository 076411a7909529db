/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * From the bytes of a terminal to a text: without escape sequences, without control characters, in
 * valid UTF-8.
 */

/** Moves @line and @length past the ASCII white space at both ends. */
void line_trim(const char **line, gsize *length);

/** Whether line_clean() would change nothing of @line, which is trimmed. */
gboolean line_is_clean(const char *line, gsize length);

/** A copy of @line without the sequences that ESC begins and without the control characters below
 *  U+0020 except tab; invalid UTF-8 and NUL become U+FFFD; then trimmed. A sequence without
 *  an end reaches to the first `{` or to the line's end. Linear in @length. Caller frees. */
char *line_clean(const char *line, gsize length, gsize *ret_length);

/** A line that its program overwrites with carriage returns, as a terminal shows it: the steps of a
 * progress bar on top of each other, not one after the other as in line_clean(). NULL if @line has
 * none except at its end; "" if all was erased. Caller frees. */
char *line_shown(const char *line, gsize length);

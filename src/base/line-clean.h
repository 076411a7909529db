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
 *  U+0020 except tab; what is no UTF-8, and NUL, became U+FFFD; then trimmed. A sequence without
 *  an end reaches to the first `{` or to the line's end. Linear in @length. Caller frees. */
char *line_clean(const char *line, gsize length, gsize *ret_length);

/** What a terminal shows of a line that its program draws over itself, with carriage returns: the
 *  steps of a progress bar one on the other, not one behind the other as in line_clean(). NULL
 * where
 *  @line has none but at its end; "" where all was wiped. Caller frees. */
char *line_shown(const char *line, gsize length);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The text after the last newline of a transcript, between the offsets @start and @end, as a
 *  terminal would show it: at most its last 4 KiB, and for a line overwritten after a carriage
 * return, its last state. NULL if there is no text. Caller frees. */
char *unfinished_line_read(int transcript_fd, guint64 start, guint64 end);

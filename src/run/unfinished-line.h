/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The text behind the last newline of a transcript, between the offsets @start and @end, as a
 *  terminal would show it: at most its last 4 KiB, and of a line that was drawn again after a
 *  carriage return, what was drawn last. NULL where there is no text. Caller frees. */
char *unfinished_line_read(int transcript_fd, guint64 start, guint64 end);

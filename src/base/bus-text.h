/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * What a string on the bus may hold. GLib takes any UTF-8; sd-bus refuses a message with one of
 * Unicode's noncharacters in it (U+FDD0 to U+FDEF, and the last two of every plane), and would so
 * lose whatever an agent has printed beside it.
 */

/** A copy of @text in which U+FFFD stands for all that sd-bus refuses, no longer than @text unless
 *  that is no UTF-8; NULL where @text may go out as it is. Caller frees. */
char *bus_text_clean(const char *text);

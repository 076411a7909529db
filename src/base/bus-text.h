/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Text for the bus. GLib takes any UTF-8; sd-bus refuses a message that holds one of Unicode's
 * noncharacters (U+FDD0 to U+FDEF, and the last two of every plane), and with it everything else
 * that the agent has printed.
 */

/** A copy of @text with U+FFFD for each character that sd-bus refuses, no longer than @text if that
 *  is valid UTF-8; NULL if @text may go out as it is. Caller frees. */
char *bus_text_clean(const char *text);

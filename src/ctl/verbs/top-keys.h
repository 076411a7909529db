/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The keys of top: a character is itself, the others have names.
 */

enum {
    TOP_KEY_ENTER = '\r',
    TOP_KEY_UP = 256,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_UNKNOWN,
};

/** The first key in the @n bytes that a terminal sent, at least one. Returns how many of them it
 * is. */
gsize top_key_read(const char *bytes, gsize n, int *ret_key);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Finds Ctrl-] in the bytes that a terminal sends, in each form it may have: the control character,
 * the kitty keyboard protocol's sequence (ESC [ 93 ; 5 u and its kin) and that of xterm's
 * modifyOtherKeys (ESC [ 27 ; 5 ; 93 ~), whatever lock keys are on. Ctrl-5 sends the same control
 * character, and is taken too: some keyboards have no other way to type it.
 */

typedef struct {
    char held[48]; /* the beginning of a sequence that may be the key */
    gsize n_held;
} DetachKey;

/** Reads @n bytes. Those that are not the key, up to it, are appended to @typed, but for a sequence
 *  that is not complete yet. Returns TRUE at the key. Zeros are the start. */
gboolean detach_key_feed(DetachKey *key, const char *bytes, gsize n, GByteArray *typed);

/** Appends the held bytes to @typed: the rest of a sequence comes at once, or it was the Escape
 * key.
 */
void detach_key_release(DetachKey *key, GByteArray *typed);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The @length bytes that a program wrote to its terminal earlier, without those that a terminal
 *  answers: device attributes, the cursor's place, modes, colours, sizes, names and versions. Shown
 *  again, they would have the answers typed into a program that has long stopped waiting for them.
 *  A sequence that is not complete stays. Caller: g_byte_array_unref(). */
GByteArray *replay_without_queries(const char *bytes, gsize length);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/** Allows @ruleset to list every folder and to read every file that is there now but those beneath
 *  the @n paths of @unreadable. Landlock can only allow: so each folder on the way to one of them
 * is allowed entry by entry, and a file that is made in one of those folders later is not readable.
 *  Returns 0 or -errno. */
int reading_allow_but(int ruleset, char *const *unreadable, size_t n);

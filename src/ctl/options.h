/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verb.h"

/*
 * Options as words of a command line, before GOption sees them.
 */

/** The options that every verb takes, ended by a zero entry. */
const GOptionEntry *global_options(Ctl *ctl);

/** Parses the options of @verb (NULL: none) and those of every verb. Caller:
 *  g_option_context_free(). */
GOptionContext *options_context(Ctl *ctl, const Verb *verb);

/** The N of --lines where none is given, and whether one that is given makes sense. */
#define LINES_ALL G_MAXINT
gboolean verb_check_lines(int lines, GError **error);

/** The option of every verb, or of @verb (NULL: none yet), in @word that takes a value; NULL: none
 *  does. @ret_value gets the value, or NULL where the next word is that. */
const GOptionEntry *options_find_valued(Ctl *ctl, const Verb *verb, const char *word,
                                        const char **ret_value);

/** @words with the value of a short option as a word of its own: GOption knows "-n 5" and not
 *  "-n5", which people write as well. Without @verb, up to the first word that is neither an option
 *  nor the value of one. Sets CTL_ERROR_USAGE for a flag with a value (--force=no). Caller:
 *  g_strfreev(). */
char **options_split(Ctl *ctl, const Verb *verb, char *const *words, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The storkitctl of this installation; of a build that is not installed, the one that STORKITCTL
 *  names, or that is on PATH. */
const char *program_storkitctl(void);

/** The beginning of a command line of storkitctl about the project of the run @info, on its host:
 *  the caller adds strings, which the array frees, and NULL. Caller: g_ptr_array_unref(). */
GPtrArray *program_storkitctl_words(GVariant *info);

/** Adds @word, and those after it up to NULL, to such a command line, which then is complete. */
char **program_add_words(GPtrArray *words, const char *word, ...) G_GNUC_NULL_TERMINATED;

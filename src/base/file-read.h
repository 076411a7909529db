/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Files that an agent, a repository or a person can replace: by a FIFO that nobody writes to, by a
 * device, by a file without end. Each reader says how much it takes, and waits for nobody.
 */

/** Reads the regular file @name of the folder @folder_fd (AT_FDCWD: a path), through links, whole
 *  and with a NUL after it. @ret_length may be NULL. FALSE and G_FILE_ERROR with "NAME: why" where
 *  it can't be read, is not a regular file (G_FILE_ERROR_ISDIR, G_FILE_ERROR_INVAL) or has more
 *  than @max bytes (G_FILE_ERROR_NOSPC). Caller frees. */
gboolean file_read(int folder_fd, const char *name, gsize max, char **ret_text, gsize *ret_length,
                   GError **error);

/** The same, but a link in the place of @name is refused. */
gboolean file_read_own(int folder_fd, const char *name, gsize max, char **ret_text,
                       gsize *ret_length, GError **error);

/** The file @path, without an error to tell: NULL. Caller frees. */
char *file_read_text(const char *path, gsize max);

/** Checks that @path, if it exists, is a regular file of at most @max bytes: for files that a
 * library reads itself. The same errors. */
gboolean file_check(const char *path, gsize max, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Files of a run's folder that are there whole or not at all, and never change: a service that dies
 * behind one has done what it says, and the next one finds it.
 */

/** Keeps @text as the file @name. FALSE and errno, EEXIST where there is one. */
gboolean kept_file_write(int folder_fd, const char *name, const char *text);

gboolean kept_file_exists(int folder_fd, const char *name);

/** Its text, or NULL. Caller frees. */
char *kept_file_read(int folder_fd, const char *name);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Where a project's roster is, below its root. */
#define PROJECT_FILE ".storkit/project.toml"

/** Reads the roster's file of the project @root; from HEAD if a sparse checkout leaves it out. TRUE
 * with *@ret_text NULL if there is none. Sets INVALID_CONFIG if it cannot be read, is not a regular
 * file or is too large, and if it is a dangling link: the default agent, which may do anything, was
 * not meant there. Blocks on the disk. Caller frees. */
gboolean project_file_read(const char *root, char **ret_text, gsize *ret_length, GError **error);

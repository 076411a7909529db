/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Where a project's roster is, below its root. */
#define PROJECT_FILE ".storkit/project.toml"

/** Reads the roster's file of the project @root; where a sparse checkout leaves it out, as HEAD has
 *  it. TRUE with *@ret_text NULL where there is none. Sets INVALID_CONFIG where it can't be read,
 *  is not a regular file or too large, and where it is a link that leads nowhere: the default
 *  agent, which may do anything, is not what was meant there. Blocks on the disk. Caller frees. */
gboolean project_file_read(const char *root, char **ret_text, gsize *ret_length, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** The project root that @path means: links resolved, a folder inside the work tree stands for its
 *  top. Sets INVALID_ARGUMENT (relative, no UTF-8, or what no bus
 *  carries), NO_SUCH_PROJECT (no such folder),
 *  NOT_A_GIT_REPOSITORY (none, or a bare one; a linked worktree or git's own folder, which are
 *  named with the path of the main tree). Blocks on the disk. Caller frees. */
char *project_resolve(const char *path, GError **error);

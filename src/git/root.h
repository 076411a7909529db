/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/kept.h"

/** The project root that @path means: links resolved, a folder inside the work tree stands for its
 *  top. Sets INVALID_ARGUMENT (relative, not UTF-8, or not for a bus), NO_SUCH_PROJECT (no such
 *  folder), NOT_A_GIT_REPOSITORY (none, or a bare one; git's own folder, or a linked worktree
 * unless its repository is bare: these are named with the path of the main tree). Blocks on the
 * disk. @kept may be NULL. Caller frees. */
char *project_resolve(Kept *kept, const char *path, GError **error);

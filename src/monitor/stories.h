/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <storkit/storkit.h>

/*
 * The stories of a project that are known: those of its runs and its worktrees.
 */

/** Their names in order, each once. @worktrees is what storkit_pool_list_worktrees() returns, or
 *  NULL. Caller: g_strfreev(). */
char **stories_list(StorkitPool *pool, const char *project_root, GVariant *worktrees);

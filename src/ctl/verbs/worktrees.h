/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/** The worktrees of the project, as `ListWorktrees` gives them: an array of objects. Caller:
 *  json_array_unref(). */
JsonArray *worktrees_list(Ctl *ctl, GError **error);

/** The worktree of the story that @typed means (it may be shortened; NULL: the one we are in). The
 *  result belongs to @worktrees. */
JsonObject *worktrees_find(Ctl *ctl, JsonArray *worktrees, const char *typed, GError **error);

/** Whether the folder of @worktree exists; sets CTL_ERROR_NOT_FOUND if it was removed. */
gboolean worktrees_check_there(JsonObject *worktree, GError **error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <git2.h>

#include "git/command.h"

/*
 * Git's rule for repositories of other users: it works in one only if the user's configuration
 * says so (safe.directory), since its config can have commands executed.
 */

/** Whether the work tree, its `.git` and the folder that this means are this user's, or git lets it
 *  work there: that is asked of the git at hand. Else sets the error @code, which says how to allow
 *  it. */
gboolean ownership_check(git_repository *repository, const GitSettings *settings, int code,
                         GError **error);

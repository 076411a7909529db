/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/found.h"

/** A quick look at the worktree of @found, which opens no repository: the branch ("main") that it
 *  is on, if every file in it is the one that HEAD's commit has, and git's folder of it has only
 *  what that of a new worktree has. NULL: there may be work in it, or not. Caller frees. */
char *untouched_branch(const Found *found);

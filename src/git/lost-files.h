/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/lost-work.h"

/** Adds the uncommitted files of the work tree at @path, changed ones that git was told to take for
 *  unchanged (assume-unchanged, skip-worktree) among them, and what is in repositories inside it
 *  (submodules and others, in ignored folders too): their files, and the commits that no
 *  remote-tracking branch and no tag of theirs has. Whatever can't be read counts as work. */
void work_add_tree(Work *work, const Repo *repo, const char *path);

/** Adds the commits of the submodules' repositories in git's folder @admin of a worktree whose own
 *  folders are no longer there. */
void work_add_modules(Work *work, const Repo *repo, const char *admin);

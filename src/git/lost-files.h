/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"
#include "git/lost-work.h"

/** Adds the uncommitted files of the work tree @tree, including changed ones that git was told
 * to ignore (assume-unchanged, skip-worktree), and the work in repositories inside it (submodules
 * and others, in ignored folders too): their files, and the commits on none of their
 * remote-tracking branches and tags. Anything unreadable counts as work. */
void work_add_tree(Work *work, const Repo *tree);

/** Adds the commits of the submodules' repositories in git's folder @admin of a worktree whose own
 *  folders are no longer there. */
void work_add_modules(Work *work, const Repo *repo, const char *admin);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "git/repo.h"

/** Whether all that @tip changes is in the base of @branch, however it came there: by a squash, a
 *  rebase or cherry-picks, too. The base is the one that git's config keeps, here or at a remote,
 *  or HEAD's branch: merging @tip would change nothing in it. A tip that changes nothing at all is
 *  in no base, and neither is one whose merge would conflict. */
gboolean worktree_is_merged(const Repo *repo, const char *branch, const git_oid *tip);

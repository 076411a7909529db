/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The claim of a worktree: a file in git's folder of it, which names the machine and the run that
 * work there. Locks do not cross from host to host on every file system; a file that can be made
 * once does. The runs of one machine share its claim: their service knows all of them.
 *
 * @admin is git's folder of the worktree, `.git/worktrees/STORY`. All of these block.
 */

/** Whether the worktree is free for this machine; else STORKIT_ERROR_ALREADY_RUNNING names the host
 *  and the run, and how to take the worktree over. */
gboolean worktree_claim_check(const char *admin, GError **error);

/** Claims it for this machine's run @run_id: see worktree_claim_check(). A claim of this machine is
 *  replaced: no other service of it has runs there. */
gboolean worktree_claim_take(const char *admin, const char *run_id, GError **error);

/** The run @run_id has ended: this machine's claim goes, or where another run works on in the
 *  worktree, it is made that of @next. One of another machine stays. */
void worktree_claim_release(const char *admin, const char *run_id, const char *next);

/** The host whose claim the worktree has, where that is another one; else NULL. Caller frees. */
char *worktree_claim_find_host(const char *admin);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/sandbox-config.h"
#include "store/sandbox-paths.h"

/*
 * The sandbox of one run: which paths its agent may change, which it may not read, and which parts
 * of that this kernel cannot enforce. The shim enforces it (shim-protocol.h); docs/sandbox.md
 * describes it.
 */

/** Sets SPAWN_FAILED where @config is SANDBOX_REQUIRED and something is @missing. */
gboolean sandbox_check_required(const SandboxConfig *config, char *const *missing, GError **error);

/** Writes the plan and its filter into the run's folder, and makes the agent's temporary folder and
 *  git's folders for its branch. Blocking. Sets SPAWN_FAILED or WORKTREE_FAILED. */
gboolean sandbox_write(const SandboxConfig *config, const SandboxPlaces *places, int folder_fd,
                       GError **error);

/** Takes back what sandbox_write() has made in git's folders for the branch of a worktree whose
 *  folder there is, or was, @admin: the branch is gone. Blocking. */
void sandbox_forget_branch(const char *admin, const char *branch);

/** Takes @environment and returns it for an agent in the sandbox: its own TMPDIR in @run_folder, no
 *  addresses of sockets that it can't reach, no garbage collection by git, which would need all of
 *  git's folder. */
char **sandbox_adapt_environment(const SandboxConfig *config, const char *run_folder,
                                 char **environment);

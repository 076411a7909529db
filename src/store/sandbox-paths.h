/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/sandbox-config.h"

/*
 * The paths of a sandbox.
 */

/** Where a run lives. Paths need not be there yet. */
typedef struct {
    const char *project_root;
    const char *worktree;
    const char *admin; /* git's folder of the worktree: COMMON/worktrees/NAME */
    const char *branch;
    const char *kind;    /* of the agent: "claude" */
    const char *program; /* its name or path */
    const char *run_folder;
    char *const *environment; /* the user's */
} SandboxPlaces;

/** All that an agent may change: char *, absolute; owned by the array. */
GPtrArray *sandbox_writable_paths(const SandboxConfig *config, const SandboxPlaces *places);

/** Makes the state of the agent's program, and the caches of the tools that are on PATH: it could
 * not do that itself. Blocking; a folder that cannot be made is left to the program. */
void sandbox_make_state(const SandboxPlaces *places);

/** The folder of the branch's reference in git's folder, or @below "logs/refs/heads" of its log:
 *  git makes the lock of a file beside it, so the whole folder must be writable, and with it the
 *  branches that are its neighbours. Caller frees. */
char *sandbox_branch_folder(const char *admin, const char *branch, const char *below);

/** All that it may not read, the same. */
GPtrArray *sandbox_unreadable_paths(const SandboxConfig *config, const SandboxPlaces *places);

/** What it may read of that all the same: exceptions beneath those, the same. */
GPtrArray *sandbox_readable_paths(const SandboxConfig *config, const SandboxPlaces *places);

/** Devices that every program may open; a constant list. */
const char *const *sandbox_devices(void);

/** Folders with sockets, and sockets, that are not to be seen, the same; what is unreadable is
 * hidden besides. */
GPtrArray *sandbox_hidden_paths(const SandboxConfig *config, const SandboxPlaces *places);

/** Of those, the sockets that it is to reach, the same. */
GPtrArray *sandbox_socket_paths(const SandboxConfig *config, const SandboxPlaces *places);

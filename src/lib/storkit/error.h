/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * StorkitError:
 * @STORKIT_ERROR_INVALID_ARGUMENT: an argument is not valid; the message says which
 * @STORKIT_ERROR_NO_SUCH_PROJECT: there is no folder of that name
 * @STORKIT_ERROR_NOT_A_GIT_REPOSITORY: the folder is in no git work tree
 * @STORKIT_ERROR_INVALID_CONFIG: project.toml is not valid; the message has file, line and column
 * @STORKIT_ERROR_NO_AGENTS_CONFIGURED: project.toml has no agent
 * @STORKIT_ERROR_NO_SUCH_AGENT: project.toml has no agent of that name
 * @STORKIT_ERROR_ALREADY_RUNNING: the agent works on that story already
 * @STORKIT_ERROR_NOT_RUNNING: the run has ended, or has not begun
 * @STORKIT_ERROR_NO_SUCH_RUN: there is no such run, or it was taken off the list
 * @STORKIT_ERROR_WORKTREE_FAILED: the worktree cannot be made, read or removed
 * @STORKIT_ERROR_WORKTREE_BUSY: a live run uses the worktree
 * @STORKIT_ERROR_WORKTREE_DIRTY: the worktree has work that would be lost
 * @STORKIT_ERROR_SETUP_FAILED: a setup command of the project failed
 * @STORKIT_ERROR_SPAWN_FAILED: the agent's program cannot be executed
 * @STORKIT_ERROR_SCOPE_FAILED: systemd did not make the run's scope
 * @STORKIT_ERROR_STOPPED: the run was stopped before it had begun
 * @STORKIT_ERROR_SHUTTING_DOWN: the service is about to exit
 * @STORKIT_ERROR_NOT_ALLOWED: the agent that asks may not start this run
 * @STORKIT_ERROR_BUDGET_EXCEEDED: the project's budget is used up
 * @STORKIT_ERROR_NO_SERVICE: the service is not on the bus and cannot be started
 * @STORKIT_ERROR_LOST: the service died while it was asked; whether it did it is not known
 * @STORKIT_ERROR_ON_OTHER_HOST: the run is of another machine, which alone can do that
 *
 * How a call can fail. But for %STORKIT_ERROR_NO_SERVICE and %STORKIT_ERROR_LOST, these are the
 * D-Bus errors `org.storkit.AgentPool.Error.*`. The message names the thing and says what to do.
 */
typedef enum {
    STORKIT_ERROR_INVALID_ARGUMENT,
    STORKIT_ERROR_NO_SUCH_PROJECT,
    STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
    STORKIT_ERROR_INVALID_CONFIG,
    STORKIT_ERROR_NO_AGENTS_CONFIGURED,
    STORKIT_ERROR_NO_SUCH_AGENT,
    STORKIT_ERROR_ALREADY_RUNNING,
    STORKIT_ERROR_NOT_RUNNING,
    STORKIT_ERROR_NO_SUCH_RUN,
    STORKIT_ERROR_WORKTREE_FAILED,
    STORKIT_ERROR_WORKTREE_BUSY,
    STORKIT_ERROR_WORKTREE_DIRTY,
    STORKIT_ERROR_SETUP_FAILED,
    STORKIT_ERROR_SPAWN_FAILED,
    STORKIT_ERROR_SCOPE_FAILED,
    STORKIT_ERROR_STOPPED,
    STORKIT_ERROR_SHUTTING_DOWN,
    STORKIT_ERROR_NOT_ALLOWED,
    STORKIT_ERROR_BUDGET_EXCEEDED,
    STORKIT_ERROR_NO_SERVICE,
    STORKIT_ERROR_LOST,
    STORKIT_ERROR_ON_OTHER_HOST,
} StorkitError;

/**
 * STORKIT_ERROR:
 *
 * The domain of [error@Error].
 */
#define STORKIT_ERROR (storkit_error_quark())

/**
 * storkit_error_quark:
 *
 * Gets the domain of [error@Error].
 *
 * Returns: a quark
 */
GQuark storkit_error_quark(void);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/**
 * StorkitError: every way in which a request to the pool can fail.
 *
 * The names are those of the contract's D-Bus errors, `org.storkit.AgentPool.Error.*`; only the
 * table in error.c maps one to the other. A message of this domain names the thing that is wrong
 * and says what to do about it.
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
    STORKIT_ERROR_ON_OTHER_HOST,
} StorkitError;

#define STORKIT_ERROR (storkit_error_quark())
GQuark storkit_error_quark(void);

/** The D-Bus name of @error (a static string): that of its code in this domain, or
 *  org.freedesktop.DBus.Error.Failed for an error of any other domain. */
const char *storkit_error_dbus_name(const GError *error);

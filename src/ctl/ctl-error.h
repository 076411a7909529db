/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Every way in which a command can fail, and its exit status for scripts. storkitctl(1) documents
 * the statuses: they are an interface.
 */

typedef enum {
    CTL_ERROR_FAILED,      /* anything without a code of its own */
    CTL_ERROR_USAGE,       /* wrong arguments */
    CTL_ERROR_NOT_FOUND,   /* no such project, story, agent or worktree */
    CTL_ERROR_NO_SUCH_RUN, /* also for a run after a Stop */
    CTL_ERROR_NO_SERVICE,  /* not installed, does not start, no session bus */
    CTL_ERROR_LOST,        /* the service went away before it answered: it may come back */
    CTL_ERROR_REFUSED,     /* not as things are now: already running, worktree dirty, ... */
    CTL_ERROR_STOPPED,     /* a queued Start whose run was stopped */
    CTL_ERROR_TIMEOUT,     /* of a wait with a limit */
    CTL_ERROR_UNREACHABLE, /* the host of -H */
} CtlError;

#define CTL_ERROR (ctl_error_quark())
GQuark ctl_error_quark(void);

/** Exit statuses beside those of errors. */
#define CTL_EXIT_UNREACHABLE 6 /* the host of -H */
#define CTL_EXIT_RUN_FAILED 10
#define CTL_EXIT_RUN_STOPPED 11
#define CTL_EXIT_TIMEOUT 124 /* as timeout(1) has it */

/** The exit status for @error. */
int ctl_error_exit_status(const GError *error);

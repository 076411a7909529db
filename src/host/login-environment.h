/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * The environment that the user's terminal would have. A user service's own is short (no nvm, no
 * ~/.local/bin), and agents are installed where only the profile of the user's shell finds them.
 */

/** To be called when the service starts: in a thread, notes the user manager's environment. That
 * part of the service's own environment is later replaced by its current value. */
void login_environment_begin(void);

/** Asks the user's shell for its environment: interactive and login shell first (at most 20 s),
 * then login shell alone (10 s). If it has answered before, also before a restart of the service, a
 * caller waits for at most 5 s and then gets that answer, and the shell continues in the
 * background; if it never has, the answer is the service's own environment. Callers at the same
 * time share one run of the shell, and an answer is good for 60 s; the user manager's environment
 * is read each time. Main thread only, on the default main context, which it never blocks. A
 * cancelled call ends with its error once there is an answer. */
void login_environment_get_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);

/** The environment as NAME=VALUE: the service's own, overridden by the user manager's and then by
 *  the shell's, without SHLVL, PWD, OLDPWD and _. Fails only when cancelled. Caller:
 *  g_strfreev(). */
char **login_environment_get_finish(GAsyncResult *result, GError **error);

/** The last known umask of the user's shell; -1: none yet. From any thread. */
int login_environment_umask(void);

/** The soft resource limits that the user's shell has set (`ulimit` in its profile), as last known:
 * RESOURCE=SOFT, with the numbers of setrlimit(2). From any thread. Caller: g_strfreev(). */
char **login_environment_limits(void);

/** Why the last answer was not the shell's, for a person: names the shell, the time and what to do.
 *  NULL where it was. From any thread. Caller frees. */
char *login_environment_problem(void);

/** For tests: the shell to ask (NULL: the user's), both time limits in ms, and no kept answer. */
void login_environment_configure(const char *shell, guint interactive_msec, guint login_msec);

/** For tests: the next caller asks the shell again, and waits @msec for it where an earlier answer
 * is at hand. */
void login_environment_expire(guint msec);

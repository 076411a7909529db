/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * What the user's terminal would have in its environment. A user service's own is short (no nvm, no
 * ~/.local/bin), and agents are installed where only the profile of the user's shell finds them.
 */

/** Asks the user's shell for its environment: interactive and login shell first (at most 5 s), then
 *  login shell alone (2 s), then the answer is the daemon's own. Callers at the same time share one
 *  run of the shell, and an answer is good for 60 s. Main thread only, on the default main context,
 *  which it never blocks. A cancelled call ends with its error once the shell has answered. */
void login_environment_get_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);

/** The environment as NAME=VALUE: the daemon's own, overridden by the shell's, without SHLVL, PWD,
 *  OLDPWD and _. Fails only when cancelled. Caller: g_strfreev(). */
char **login_environment_get_finish(GAsyncResult *result, GError **error);

/** For tests: the shell to ask (NULL: the user's), both time limits in ms, and no cached answer. */
void login_environment_configure(const char *shell, guint interactive_msec, guint login_msec);

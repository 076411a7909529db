/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Asking a shell for its environment, in the manner of each.
 */

#define LOGIN_SHELL_ATTEMPTS 2

typedef struct {
    const char *shell;
    const char *const *environment;           /* what it begins with */
    gboolean in_scope;                        /* the user manager is there to make one */
    guint timeout_msec[LOGIN_SHELL_ATTEMPTS]; /* as an interactive login shell, as a login shell */
} LoginShellQuery;

/** LoginAnswer: a shell's answer. */
typedef struct {
    char **environment; /* NAME=VALUE */
    guint mask;         /* its umask */
    char **limits;      /* RESOURCE=SOFT, as the shim takes them */
} LoginAnswer;

/** Reads "MASK[ RESOURCE=SOFT]…\n", NAME=VALUE entries, each of which ends in NUL, and instead of
 *  the limits above maybe, behind them, /proc/PID/limits; @text itself ends in NUL, too. */
LoginAnswer *login_answer_parse(const char *text, gsize length);
void login_answer_free(LoginAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoginAnswer, login_answer_free)

/** @answer is NULL where the shell did not tell; it is the caller's. */
typedef void (*LoginShellDone)(const LoginAnswer *answer, gpointer data);

/** Asks; @done is called once, on the default main context, maybe before this returns. Main thread
 *  only; never blocks. */
void login_shell_ask(const LoginShellQuery *query, LoginShellDone done, gpointer data);

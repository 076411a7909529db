/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verb.h"

/*
 * A command on another machine (-H HOST): the storkitctl there runs it, over ssh. The bus itself is
 * not reached through ssh: docs/decisions/ssh.md.
 */

/** Runs @words, a call of @verb: the whole command line without the program's name, on the only
 * host of @ctl: in the folder of -C, or in the project around the current folder, which is looked
 * for in the same place of the user's home there. Returns the command's exit status, or
 *  CTL_EXIT_UNREACHABLE where ssh failed and has said why. Sets CTL_ERROR_NOT_FOUND where the
 * folder is missing there, and CTL_ERROR_NO_SERVICE where storkitctl is. A story that is started
 * takes its code along: code_push(). */
int remote_run(Ctl *ctl, const Verb *verb, char **arguments, char *const *words, GError **error);

/** Prints what may stand for the last of @words, as the machine knows it; nothing where there is no
 *  connection that an earlier command has left open. */
void remote_complete(Ctl *ctl, char *const *words);

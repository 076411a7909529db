/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"

/*
 * A storkitctl on another machine, as a command line of ssh: docs/decisions/ssh.md.
 */

/** What the far shell exits with where the project's folder is missing, what it says of a program
 *  that is, and ssh's status for a failure of its own. */
#define SSH_STATUS_NO_FOLDER 125
#define SSH_STATUS_NO_PROGRAM 127
#define SSH_STATUS_FAILED 255

typedef enum {
    SSH_FOR_PERSON, /* with a terminal where there is one; ssh may ask for passwords */
    SSH_PLAIN,      /* without a terminal; ssh may ask */
    SSH_QUICK,      /* only over a connection that is there; asks nothing */
    SSH_UNATTENDED, /* one of many at a time: asks nothing, gives up soon */
} SshManner;

/** The project around the current folder, as a word for the far shell: the same place of the
 *  user's home there. NULL: there is none, or -C says where. @ret_shown gets it for people. Caller
 *  frees both. */
char *ssh_find_folder(const Ctl *ctl, char **ret_shown);

/** What the far shell runs: storkitctl with @words, each of which arrives as it is; in @folder,
 *  which it looks for first, unless it is NULL. Caller frees. */
char *ssh_command(const char *folder, const char *hidden_verb, char *const *words);

/** The command line that runs @command on @host. Caller: g_strfreev(). */
char **ssh_argv(const char *host, SshManner manner, const char *command);

/** The part of it before the host, as words of a shell: for git. Caller frees. */
char *ssh_command_line(SshManner manner);

/** For the child_setup of a spawn: the child ends with us, however we end. */
void ssh_die_with_parent(gpointer unused);

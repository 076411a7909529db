/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * A child process with a clean slate: it blocks and ignores no signal, its stdin is /dev/null, and
 * it has only the descriptors that it is given.
 */

typedef struct {
    char *const *argv; /* argv[0] is a path */
    char *const *environment;
    const char *folder;  /* NULL: this process's */
    const int (*fds)[2]; /* our descriptor and the child's number: all of ours are above all of the
                            child's */
    gsize n_fds;
    gboolean own_session;
} SpawnPlan;

/** Returns 0 with the child's pid, which the caller reaps, and a pidfd, which the caller closes; or
 * an errno, without a child. */
int spawn_process(const SpawnPlan *plan, pid_t *ret_pid, int *ret_pidfd);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/child-spawn.h"

/*
 * Cell: a cgroup below this process's own, for the processes that one piece of work starts. However
 * they hide (setsid, a double fork), they end with it, and it is known that they have.
 *
 * It needs a cgroup of the user's own manager. Elsewhere a cell has no cgroup, and ends only the
 * process groups of those that were started in it. It has limits where host/cell-home.h can set
 * them; one that goes over that of memory is killed as a whole.
 */

typedef struct Cell Cell;

/** Never NULL. */
Cell *cell_new(void);

/** Like spawn_process(), in the cell and as leader of a session. With @dies_with_thread the process
 *  is killed when the calling thread ends. Returns 0 or an errno. The caller reaps the child after
 *  cell_kill(). */
int cell_spawn(Cell *cell, const SpawnPlan *plan, gboolean dies_with_thread, pid_t *ret_pid,
               int *ret_pidfd);

/** Kills all that is in the cell, and waits until nothing is. FALSE where that takes longer than
 *  five seconds: a process is stuck in the kernel, and its cgroup stays. */
gboolean cell_kill(Cell *cell);

/** The limit that was reached in it, as a clause ("it exceeded its memory limit of 4096 MiB"), also
 *  after its end; NULL where none was. Caller frees. */
char *cell_describe_excess(const Cell *cell);

/** The same as cell_kill(), and forgets the cell. */
void cell_free(Cell *cell);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cell, cell_free)

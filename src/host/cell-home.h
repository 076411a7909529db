/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Where cells are made (host/cell.h), and what bounds each of them: the memory and the number of
 * processes, as far as the user's manager has handed those controllers down.
 */

/** Makes the cgroup of this process's unit the place of its cells. The process goes into a cgroup
 *  below it, since one that has processes of its own cannot hand controllers down: to be called at
 *  its begin. A process that is not alone in the cgroup leaves it alone; its cells have no limits,
 *  and neither have those of a process that has not called this. */
void cell_home_begin(void);

/** The folder of the cgroup in which cells are made; NULL outside of the user's own manager. Caller
 *  frees. */
char *cell_home_folder(void);

/** Bounds the new cell @folder. */
void cell_home_limit(const char *folder);

/** Hands no controller down any more: the cells that there are lose their limits. A unit whose
 *  cgroup does cannot be started again while a process is left in it. */
void cell_home_lift_limits(void);

/** The limit that the cell @folder has reached, as a clause: "it reached its limit of …". NULL
 * where it has reached none. Caller frees. */
char *cell_home_describe_excess(const char *folder);

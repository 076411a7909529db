/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The cgroup of a run's scope, as the daemon sees it: figures, freezer, kill, and which controllers
 * it has. Files of the kernel: reading one does not wait for a disk.
 */

/** The folder of the cgroup that process @pid is in, or NULL. Caller frees. */
char *cgroup_of_process(pid_t pid);

/** The folder of the cgroup that systemd calls @control_group ("/user.slice/…"). Caller frees. */
char *cgroup_folder(const char *control_group);

/** Whether the controller ("memory", "cpu", "pids", "io") is there for this cgroup. */
gboolean cgroup_has_controller(const char *folder, const char *controller);

/** A figure such as memory.current, or @fallback. */
guint64 cgroup_get_uint(const char *folder, const char *file, guint64 fallback);

/** The value of @key in a flat keyed file such as cpu.stat, or @fallback. */
guint64 cgroup_get_keyed(const char *folder, const char *file, const char *key, guint64 fallback);

/** What a run has used up to now: bytes, µs; 0 where the controller is missing. */
typedef struct {
    guint64 memory, memory_peak, cpu_usec;
    guint processes; /* in it and below, as cgroup_count_processes() has them */
} CgroupFigures;

/** Reads all of them at once; 0 for what cannot be read, as of a cgroup that is gone. */
void cgroup_read_figures(const char *folder, CgroupFigures *ret_figures);

/** Writes @text into one of its files; FALSE with errno set where that fails. */
gboolean cgroup_write(const char *folder, const char *file, const char *text);

/** How many processes are in the cgroup and those below it (64 of them at most). */
guint cgroup_count_processes(const char *folder);

/** Kills every process in it and below it. A cgroup that is gone is not an error. */
void cgroup_kill(const char *folder);

/** Whether all processes in it and below it are frozen, also from above. */
gboolean cgroup_is_frozen(const char *folder);

/** The name of the nearest cgroup above @folder that was frozen, and @folder with it; NULL where
 * none was. Caller frees. */
char *cgroup_find_frozen_above(const char *folder);

/** Freezes or thaws every process in the cgroup @folder. */
gboolean cgroup_set_frozen(const char *folder, gboolean frozen, GError **error);

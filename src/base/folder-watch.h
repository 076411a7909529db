/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * One inotify instance for the folders of all runs: a user has few instances.
 */

typedef struct FolderWatch FolderWatch;

/** Called when something in the folder was written or made, moved into it, or changed its mode. */
typedef void (*FolderChanged)(gpointer data);

/** Takes its inotify instance with the first folder: where the user has none left,
 *  folder_watch_add() fails, and may be tried again. */
FolderWatch *folder_watch_new(void);
void folder_watch_free(FolderWatch *watch);

/** Watches the folder that @folder_fd is open on. Returns an id for folder_watch_remove(), or -1
 *  and @error. */
int folder_watch_add(FolderWatch *watch, int folder_fd, FolderChanged changed, gpointer data,
                     GError **error);

/** Whether writes to files of the watched folder are reported; at first they are. A caller that
 *  looks often anyway need not be woken for each. Writes that came before they are wanted again
 *  are not reported. */
void folder_watch_set_writes(FolderWatch *watch, int folder_fd, gboolean wanted);

/** Undoes folder_watch_add(); an @id that is no longer watched is not an error. */
void folder_watch_remove(FolderWatch *watch, int id);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * One inotify instance for the folders of all runs (instances are few per user).
 */

typedef struct FolderWatch FolderWatch;

/** Something in the folder was written, made or moved in, or changed its mode. */
typedef void (*FolderChanged)(gpointer data);

FolderWatch *folder_watch_new(GError **error);
void folder_watch_free(FolderWatch *watch);

/** Watches the folder that @folder_fd is open on. Returns an id for folder_watch_remove(), or -1
 *  and @error. */
int folder_watch_add(FolderWatch *watch, int folder_fd, FolderChanged changed, gpointer data,
                     GError **error);

/** Whether writes to files of the watched folder are told, as they are at first: who looks often
 *  anyway is not to be woken for each. What was written before they are wanted again is not told.
 */
void folder_watch_set_writes(FolderWatch *watch, int folder_fd, gboolean wanted);

/** Ends what folder_watch_add() began; an @id that is watched no more is no error. */
void folder_watch_remove(FolderWatch *watch, int id);

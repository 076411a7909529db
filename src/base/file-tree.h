/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Folders with everything in them. Symbolic links are never followed, even those that appear
 * meanwhile. A tree may be of any depth: few descriptors are open at a time. Blocking. Errors are
 * of the G_FILE_ERROR domain and name the path.
 */

/** Removes @path, a folder or a file, and everything below it. Folders without write permission
 *  (Go's module cache has some) get it first. Something that is already gone is not an error. */
gboolean file_tree_remove(const char *path, GError **error);

/** The same, but anyone who looks sees @path whole or not at all: it is first renamed, to a hidden
 *  name in its folder. If the removal is cut short, file_tree_finish_removals() does the rest. */
gboolean file_tree_remove_at_once(const char *path, GError **error);

/** Removes the rest that file_tree_remove_at_once() has left in @folder; warns if it can't. Not to
 *  be called while a removal is under way there. */
void file_tree_finish_removals(const char *folder);

/** Whether file_tree_copy() is to leave out @path (relative to the root). */
typedef gboolean (*FileTreeSkip)(const char *path, gpointer data);

/** Copies @path (relative, a file, link or folder) from below the folder @from to the same place
 *  below the folder @to, with permissions; links as links. Both sides are resolved beneath their
 *  root and through no link. A missing @path, files that already exist, and anything but
 *  files, links and folders are left out silently; more than 128 nested folders are an error. */
gboolean file_tree_copy(const char *from, const char *to, const char *path, FileTreeSkip skip,
                        gpointer data, GError **error);

/** Adds to @folders (char *) every folder below @path, not itself, that has an entry called @name;
 *  it does not look inside such an entry. Folders that can't be read, or are more than 128 levels
 *  down, go to @unreadable. */
void file_tree_find(const char *path, const char *name, GPtrArray *folders, GPtrArray *unreadable);

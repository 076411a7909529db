/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Folders with all that is in them. Symbolic links are never followed, whoever puts them there
 * while we work. A tree may be of any depth: few descriptors are open at a time.
 * Blocking. Errors are of the G_FILE_ERROR domain and name the path.
 */

/** Removes @path, a folder or a file, and all below it. Folders that lack write permission (as Go's
 *  module cache does) are given it first. Something already gone is not an error. */
gboolean file_tree_remove(const char *path, GError **error);

/** The same, but @path is whole or gone for everyone who looks: it is renamed first, to a hidden
 * name in its folder. What is left where that is cut off is for file_tree_finish_removals(). */
gboolean file_tree_remove_at_once(const char *path, GError **error);

/** Removes what file_tree_remove_at_once() has left in @folder; says so where it can't. For a time
 *  when no removal is under way there. */
void file_tree_finish_removals(const char *folder);

/** Whether file_tree_copy() shall leave out @path (relative to the root). */
typedef gboolean (*FileTreeSkip)(const char *path, gpointer data);

/** Copies @path (relative, a file, link or folder) from below the folder @from to the same place
 *  below the folder @to, with permissions; links as links. Both sides are resolved beneath their
 *  root and through no link. A missing @path, files that are there already, and what is no file,
 *  link or folder are left out silently; more than 128 folders within each other are an error. */
gboolean file_tree_copy(const char *from, const char *to, const char *path, FileTreeSkip skip,
                        gpointer data, GError **error);

/** Adds to @folders (char *) every folder below @path, not itself, that has an entry called @name;
 *  what is inside such an entry is not looked at. Folders that can't be read, or are more than 128
 *  levels down, go to @unreadable. */
void file_tree_find(const char *path, const char *name, GPtrArray *folders, GPtrArray *unreadable);

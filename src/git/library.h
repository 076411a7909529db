/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <git2.h>
#include <glib.h>

/*
 * libgit2 as GLib code likes it: cleanups and errors. Any thread, after worktree_library_init().
 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_repository, git_repository_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_reference, git_reference_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_reference_iterator, git_reference_iterator_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_object, git_object_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_commit, git_commit_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_tree, git_tree_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_tree_entry, git_tree_entry_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_blob, git_blob_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_index, git_index_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_config, git_config_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_config_iterator, git_config_iterator_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_worktree, git_worktree_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_status_list, git_status_list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_revwalk, git_revwalk_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_reflog, git_reflog_free)

/** To be called once, before any other thread uses libgit2. */
void worktree_library_init(void);

/** Sets @error (domain STORKIT_ERROR, @code) to the text and libgit2's own words for the failure
 *  that has just happened in this thread. */
void git_library_error(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** Sets WORKTREE_FAILED with a text. */
void worktree_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Sets the error for a repository at @path that did not open: what libgit2 said or, for a form
 * that it cannot read, that and a remedy. */
void git_library_open_error(GError **error, int code, const char *path);

/** Opens the repository whose work tree is @path, whoever owns it (git/ownership.h). Sets
 *  WORKTREE_FAILED. */
git_repository *git_library_open(const char *path, GError **error);

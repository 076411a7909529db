/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "git/kept.h"
#include "git/library.h"
#include "git/references.h"

/*
 * A repository that is open for one operation, with the settings of git's program for it.
 */

typedef struct {
    git_repository *git;
    char *root;                /* its work tree, or where it was opened */
    char **environment;        /* of git's program; NULL: this process's */
    References *references;    /* read where they are first asked for: see repo_references() */
    git_config *config;        /* likewise */
    GCancellable *cancellable; /* ends git's program; NULL: nothing does */
    Kept *kept;                /* not owned; NULL: nothing is kept */
} Repo;

/** Opens the repository whose work tree is @root; copies @environment. Sets WORKTREE_FAILED. */
Repo *repo_open(const char *root, char *const *environment, GCancellable *cancellable,
                GError **error);

/** The same, by what @kept has of it; @kept gets it back at repo_free(). */
Repo *repo_open_kept(Kept *kept, const char *root, char *const *environment,
                     GCancellable *cancellable, GError **error);

/** Opens the repository at @path (a worktree, its folder in git's, a repository inside) for the
 *  same operation as @repo. Sets WORKTREE_FAILED. */
Repo *repo_open_other(const Repo *repo, const char *path, GError **error);

/** All references of @repo, as they were when this was first asked in the operation. */
const References *repo_references(const Repo *repo);

/** Git's settings for @repo, as they were when this was first asked in the operation; NULL where
 *  they can't be read. */
git_config *repo_config(const Repo *repo);

/** The work tree of @repo with a slash at its end; NULL for a bare one. */
const char *repo_work_tree(const Repo *repo);

/** The file @name of git's folder that all its worktrees share. Caller frees. */
char *repo_file(const Repo *repo, const char *name);

void repo_free(Repo *repo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Repo, repo_free)

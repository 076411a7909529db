/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/repo.h"

#include "base/error.h"
#include "git/files.h"
#include "git/ownership.h"

/* Takes @git_taken (or NULL). */
static Repo *repo_new(Kept *kept, git_repository *git_taken, const char *root,
                      char *const *environment, GCancellable *cancellable, GError **error)
{
    const GitSettings settings = {environment, cancellable};
    g_autoptr(git_repository) git = git_taken;
    if (!git || !ownership_check(git, &settings, STORKIT_ERROR_WORKTREE_FAILED, error))
        return NULL;
    Repo *repo = g_new0(Repo, 1);
    *repo = (Repo){
        .git = g_steal_pointer(&git),
        .root = g_strdup(root),
        .environment = g_strdupv((char **)environment),
        .cancellable = cancellable ? g_object_ref(cancellable) : NULL,
        .kept = kept,
    };
    return repo;
}

Repo *repo_open_kept(Kept *kept, const char *root, char *const *environment,
                     GCancellable *cancellable, GError **error)
{
    git_repository *git = kept_open(kept, root, error);
    g_autoptr(Repo) repo = repo_new(kept, git, root, environment, cancellable, error);
    if (!repo || !git_files_check_references(git_repository_commondir(repo->git), error))
        return NULL;
    return g_steal_pointer(&repo);
}

Repo *repo_open(const char *root, char *const *environment, GCancellable *cancellable,
                GError **error)
{
    return repo_open_kept(NULL, root, environment, cancellable, error);
}

/* Its references were looked at with the first one, or are not of interest. */
Repo *repo_open_other(const Repo *repo, const char *path, GError **error)
{
    git_repository *git = git_library_open(path, error);
    return repo_new(NULL, git, path, repo->environment, repo->cancellable, error);
}

const References *repo_references(const Repo *repo)
{
    Repo *reader = (Repo *)repo; /* what it keeps is no part of what it is */
    if (!reader->references)
        reader->references = references_read(repo->git);
    return reader->references;
}

git_config *repo_config(const Repo *repo)
{
    Repo *reader = (Repo *)repo;
    if (!reader->config)
        git_repository_config_snapshot(&reader->config, repo->git);
    return reader->config;
}

const char *repo_work_tree(const Repo *repo)
{
    return git_repository_workdir(repo->git);
}

char *repo_file(const Repo *repo, const char *name)
{
    return g_build_filename(git_repository_commondir(repo->git), name, NULL);
}

void repo_free(Repo *repo)
{
    references_free(repo->references);
    git_config_free(repo->config);
    kept_give_back(repo->kept, repo->git);
    g_free(repo->root);
    g_strfreev(repo->environment);
    g_clear_object(&repo->cancellable);
    g_free(repo);
}

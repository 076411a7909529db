/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/lost-files.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file-tree.h"
#include "git/fidelity.h"
#include "git/lost-commits.h"
#include "git/program.h"

/* Whether git was told to assume that the file is unchanged. */
static gboolean is_hidden(const git_index_entry *entry)
{
    return (entry->flags & GIT_INDEX_ENTRY_VALID) ||
           (entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE);
}

/* A file that is not there and need not be: libgit2 calls it deleted, git does not. */
static gboolean is_left_out(git_index *index, const git_status_entry *status)
{
    if (status->status != GIT_STATUS_WT_DELETED)
        return FALSE;
    const git_index_entry *entry =
        git_index_get_bypath(index, status->index_to_workdir->old_file.path, 0);
    return entry && is_hidden(entry);
}

static gboolean files_by_library(const Repo *repo, GPtrArray *files)
{
    git_status_options options = GIT_STATUS_OPTIONS_INIT;
    g_autoptr(git_status_list) list = NULL;
    g_autoptr(git_index) index = NULL;
    options.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED;
    if (git_status_list_new(&list, repo->git, &options) < 0 ||
        git_repository_index(&index, repo->git) < 0)
        return FALSE;
    for (gsize i = 0; i < git_status_list_entrycount(list); i++) {
        const git_status_entry *entry = git_status_byindex(list, i);
        const git_diff_delta *delta =
            entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
        if (!is_left_out(index, entry))
            g_ptr_array_add(files, g_strdup(delta->new_file.path));
    }
    return TRUE;
}

static gboolean files_by_git(const Repo *repo, GPtrArray *files)
{
    static const char *const arguments[] = {"status", "--porcelain", "--untracked-files=normal",
                                            "--ignore-submodules=none", NULL};
    g_autofree char *lines = NULL;
    if (!git_program_run(repo, repo_work_tree(repo), arguments, &lines, NULL))
        return FALSE;
    work_add_lines(files, lines, strlen("XY "));
    return TRUE;
}

/* --- Hidden files --- */

/* The id that the link at @path would have in git. */
static gboolean hash_link(git_oid *ret_id, const char *path)
{
    g_autofree char *target = g_file_read_link(path, NULL);
    return target && git_odb_hash(ret_id, target, strlen(target), GIT_OBJECT_BLOB) == 0;
}

/* Whether the file at the place of @entry differs from it. A missing file does not count. */
static gboolean is_different(const Repo *repo, const git_index_entry *entry, gboolean needs_git)
{
    const char *folder = repo_work_tree(repo);
    g_autofree char *path = g_build_filename(folder, entry->path, NULL);
    gboolean link = entry->mode == GIT_FILEMODE_LINK;
    struct stat info;
    git_oid id;
    /* A submodule is looked at as a repository inside. */
    if (entry->mode == GIT_FILEMODE_COMMIT || lstat(path, &info) < 0)
        return FALSE;
    if (link ? !S_ISLNK(info.st_mode) : !S_ISREG(info.st_mode))
        return TRUE;
    if ((link ? hash_link(&id, path)
              : git_repository_hashfile(&id, repo->git, path, GIT_OBJECT_BLOB, NULL) == 0) &&
        git_oid_equal(&id, &entry->id))
        return FALSE;
    return !needs_git || link || !worktree_has_id_by_git(repo, entry->path, &entry->id);
}

/* Adds the changed ones of the files that the index says to take for unchanged: `git status` has
 * none of them. */
static gboolean add_hidden_files(const Repo *repo, GPtrArray *files, gboolean needs_git)
{
    g_autoptr(git_index) index = NULL;
    /* libgit2 cannot read a sparse index; there, `git status` reports such files. */
    if (git_repository_index(&index, repo->git) < 0)
        return needs_git;
    for (gsize i = 0; i < git_index_entrycount(index); i++) {
        const git_index_entry *entry = git_index_get_byindex(index, i);
        if (is_hidden(entry) && is_different(repo, entry, needs_git) &&
            !work_is_listed(files, entry->path))
            g_ptr_array_add(files, g_strdup(entry->path));
    }
    return TRUE;
}

static gboolean add_files(const Repo *repo, GPtrArray *files)
{
    git_oid head;
    gboolean needs_git =
        git_reference_name_to_id(&head, repo->git, "HEAD") == 0 && worktree_needs_git(repo, &head);
    return (needs_git ? files_by_git(repo, files) : files_by_library(repo, files)) &&
           add_hidden_files(repo, files, needs_git);
}

/* --- Repositories inside --- */

static void add_nested(Work *work, const Repo *repo, const char *path)
{
    g_autoptr(Repo) inside = repo_open_other(repo, path, NULL);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    if (!inside || git_repository_is_bare(inside->git) || !add_files(inside, files) ||
        !work_add_own_commits(work, inside)) {
        work_add_unknown(work, path);
        return;
    }
    for (guint i = 0; i < files->len; i++)
        g_ptr_array_add(work->files, g_build_filename(path, files->pdata[i], NULL));
}

void work_add_tree(Work *work, const Repo *tree)
{
    const char *path = tree->root;
    g_autoptr(GPtrArray) nested = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) unreadable = g_ptr_array_new_with_free_func(g_free);
    if (!add_files(tree, work->files))
        work_add_unknown(work, path);
    file_tree_find(path, ".git", nested, unreadable);
    for (guint i = 0; i < nested->len; i++)
        add_nested(work, tree, nested->pdata[i]);
    for (guint i = 0; i < unreadable->len; i++)
        work_add_unknown(work, unreadable->pdata[i]);
}

static gboolean has_tree(const Repo *repo)
{
    g_autofree char *git_file = git_repository_is_bare(repo->git)
                                    ? NULL
                                    : g_build_filename(repo_work_tree(repo), ".git", NULL);
    return git_file && g_file_test(git_file, G_FILE_TEST_EXISTS);
}

void work_add_modules(Work *work, const Repo *repo, const char *admin)
{
    g_autofree char *modules = g_build_filename(admin, "modules", NULL);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    /* Every repository has a folder `objects`. Those with a tree were looked at there. */
    file_tree_find(modules, "objects", found, found);
    for (guint i = 0; i < found->len; i++) {
        g_autoptr(Repo) module = repo_open_other(repo, found->pdata[i], NULL);
        if (!module)
            work_add_unknown(work, found->pdata[i]);
        else if (!has_tree(module) && !work_add_own_commits(work, module))
            work_add_unknown(work, found->pdata[i]);
    }
}

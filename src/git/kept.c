/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/kept.h"

#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file-mark.h"
#include "git/files.h"

/* The settings that count for a repository, and where else it has objects. */
enum { MARK_CONFIG, MARK_ALTERNATES, MARK_HOME, MARK_USER, MARK_SYSTEM, N_MARKS };

struct Kept {
    char *root;
    git_repository *git; /* NULL: it is in use, or there is none */
    git_repository *own; /* the same, in use as well */
    struct stat folder;
    FileMark marks[N_MARKS];
    Heads *heads;
};

Kept *kept_new(void)
{
    Kept *kept = g_new0(Kept, 1);
    kept->heads = heads_new();
    return kept;
}

void kept_free(Kept *kept)
{
    git_repository_free(kept->git);
    g_free(kept->root);
    heads_free(kept->heads);
    g_free(kept);
}

/* --- The repository --- */

static void mark(FileMark *ret_mark, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat info = {0};
    (void)stat(path, &info);
    file_mark(ret_mark, &info);
}

static void mark_all(const char *root, FileMark marks[N_MARKS])
{
    mark(&marks[MARK_CONFIG], root, ".git/config");
    mark(&marks[MARK_ALTERNATES], root, ".git/objects/info/alternates");
    mark(&marks[MARK_HOME], g_get_home_dir(), ".gitconfig");
    mark(&marks[MARK_USER], g_get_user_config_dir(), "git/config");
    mark(&marks[MARK_SYSTEM], "/etc", "gitconfig");
}

/* FALSE where that is a file, which names another place. */
static gboolean find_folder(const char *root, struct stat *ret_info)
{
    g_autofree char *path = g_build_filename(root, ".git", NULL);
    return lstat(path, ret_info) == 0 && S_ISDIR(ret_info->st_mode);
}

static gboolean is_as_kept(const Kept *kept, const char *root)
{
    struct stat folder;
    FileMark marks[N_MARKS];
    if (g_strcmp0(kept->root, root) != 0 || !find_folder(root, &folder) ||
        folder.st_ino != kept->folder.st_ino || folder.st_dev != kept->folder.st_dev)
        return FALSE;
    mark_all(root, marks);
    for (guint i = 0; i < N_MARKS; i++)
        if (!file_mark_equal(&marks[i], &kept->marks[i]))
            return FALSE;
    return TRUE;
}

git_repository *kept_take(Kept *kept, const char *root)
{
    if (!kept || !kept->git || !is_as_kept(kept, root))
        return NULL;
    return g_steal_pointer(&kept->git);
}

git_repository *kept_open(Kept *kept, const char *root, GError **error)
{
    if (!git_files_check(root, STORKIT_ERROR_WORKTREE_FAILED, error))
        return NULL;
    git_repository *git = kept_take(kept, root);
    if (git || !kept)
        return git ? git : git_library_open(root, error);
    g_clear_pointer(&kept->git, git_repository_free);
    g_clear_pointer(&kept->root, g_free);
    kept->own = NULL;
    gboolean may_keep = find_folder(root, &kept->folder);
    mark_all(root, kept->marks);
    git = git_library_open(root, error);
    if (git && may_keep) {
        kept->root = g_strdup(root);
        kept->own = git;
    }
    return git;
}

void kept_give_back(Kept *kept, git_repository *git_taken)
{
    if (kept && git_taken && git_taken == kept->own && !kept->git)
        kept->git = git_taken;
    else
        git_repository_free(git_taken);
}

Heads *kept_heads(Kept *kept)
{
    return kept ? kept->heads : NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/link.h"

#include <errno.h>
#include <sys/stat.h>

#include "git/library.h"
#include "git/places.h"

/*
 * Not git_worktree_add(): to find out whether a branch is checked out, that opens the repository of
 * every other worktree, each with all of git's config. Beside a thousand worktrees it takes
 * seconds.
 */

static gboolean make_folder(const char *path, GError **error)
{
    if (mkdir(path, 0777) == 0)
        return TRUE;
    worktree_fail(error, "cannot create %s: %s", path, g_strerror(errno));
    return FALSE;
}

static gboolean write_line(const char *folder, const char *name, const char *start,
                           const char *rest, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *line = g_strconcat(start, rest, "\n", NULL);
    g_autoptr(GError) cause = NULL;
    if (g_file_set_contents_full(path, line, -1, G_FILE_SET_CONTENTS_NONE, 0666, &cause))
        return TRUE;
    worktree_fail(error, "cannot write %s: %s", path, cause->message);
    return FALSE;
}

static gboolean make_folders(const char *admin, const char *path, GError **error)
{
    g_autofree char *admins = g_path_get_dirname(admin);
    /* A failure shows, with its reason, with the folder below. */
    (void)mkdir(admins, 0777);
    return make_folder(admin, error) && make_folder(path, error);
}

/* HEAD comes last: without it, git takes neither for what it is. */
gboolean worktree_link(const Repo *repo, const Worktree *worktree, GError **error)
{
    g_autofree char *admin = worktree_admin_folder(repo, worktree->story);
    g_autofree char *git_file = g_build_filename(worktree->path, ".git", NULL);
    return make_folders(admin, worktree->path, error) &&
           write_line(admin, "commondir", "../..", "", error) &&
           write_line(admin, "gitdir", git_file, "", error) &&
           write_line(worktree->path, ".git", "gitdir: ", admin, error) &&
           write_line(admin, "HEAD", "ref: " HEADS, worktree->branch, error);
}

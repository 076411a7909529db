/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file-read.h"
#include "git/places.h"

#define OWNER_FILE "storkit-project"
#define PROJECT_WORD "{project}"

/* --- The folder --- */

static char *expand(const char *wanted, const char *root)
{
    g_autofree char *name = g_path_get_basename(root);
    g_auto(GStrv) parts = g_strsplit(wanted, PROJECT_WORD, -1);
    g_autofree char *text = g_strjoinv(name, parts);
    return g_canonicalize_filename(text, root);
}

/* Git keeps a worktree's path without links: so do we, of as much of it as is there. */
static char *real_path(const char *path)
{
    char *real = realpath(path, NULL);
    if (real)
        return real;
    if (g_str_equal(path, "/"))
        return g_strdup(path);
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *above = real_path(parent);
    return g_build_filename(above, name, NULL);
}

/* That nothing leads the usual place out of the project. */
static gboolean check_usual(const char *root, GError **error)
{
    static const char *const parents[] = {".storkit", WORKTREES_FOLDER};
    for (gsize i = 0; i < G_N_ELEMENTS(parents); i++) {
        g_autofree char *path = g_build_filename(root, parents[i], NULL);
        struct stat info;
        if (lstat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
            worktree_fail(error, "%s is in the way: it must be a folder, not a link or a file",
                          path);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean check_place(const Repo *repo, const char *place, GError **error)
{
    const char *advice = "choose a folder beside the project, such as '../{project}.worktrees'";
    if (path_is_at_or_below(place, git_repository_path(repo->git)) ||
        path_is_at_or_below(place, git_repository_commondir(repo->git)))
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG,
                    "worktrees cannot be in %s, which is inside git's own folder: %s", place,
                    advice);
    else if (g_str_equal(place, repo->root))
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG,
                    "worktrees cannot be right in the project's own folder %s: %s", place, advice);
    else if (g_file_test(place, G_FILE_TEST_EXISTS) && !g_file_test(place, G_FILE_TEST_IS_DIR))
        worktree_fail(error, "%s is in the way: it must be a folder for worktrees", place);
    else
        return TRUE;
    return FALSE;
}

char *worktree_place(const Repo *repo, const char *wanted, GError **error)
{
    g_autofree char *expanded = expand(wanted ?: WORKTREES_FOLDER, repo->root);
    g_autofree char *usual = g_build_filename(repo->root, WORKTREES_FOLDER, NULL);
    if (g_str_equal(expanded, usual))
        return check_usual(repo->root, error) ? g_steal_pointer(&usual) : NULL;
    g_autofree char *place = real_path(expanded);
    return check_place(repo, place, error) ? g_steal_pointer(&place) : NULL;
}

char *worktree_folder_inside(const char *root, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (!path_is_at_or_below(folder, root) || g_str_equal(folder, root))
        return NULL;
    return g_strdup(folder + strlen(root) + strlen("/"));
}

/* --- Whose a worktree is --- */

static gboolean is_usual(const char *root, const char *path)
{
    g_autofree char *folder = worktree_folder_inside(root, path);
    return g_strcmp0(folder, WORKTREES_FOLDER) == 0;
}

gboolean worktree_set_owner(const char *root, const char *path, const char *admin)
{
    g_autofree char *file = g_build_filename(admin, OWNER_FILE, NULL);
    return is_usual(root, path) || g_file_set_contents(file, root, -1, NULL);
}

/* One of a project that was moved is still its own. */
static gboolean has_owner(const char *admin, const char *root)
{
    g_autofree char *file = g_build_filename(admin, OWNER_FILE, NULL);
    g_autofree char *owner = file_read_text(file, 64 * 1024);
    return owner && (g_str_equal(owner, root) || !g_file_test(owner, G_FILE_TEST_EXISTS));
}

char *worktree_own_path(const Repo *repo, const char *story)
{
    g_autofree char *admin = worktree_admin_folder(repo, story);
    g_autofree char *registered = worktree_registered_path(admin);
    g_autofree char *usual = g_build_filename(repo->root, WORKTREES_FOLDER, story, NULL);
    if (!registered || (!g_str_equal(registered, usual) && !has_owner(admin, repo->root)))
        return NULL;
    return g_steal_pointer(&registered);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/project.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl-error.h"

#define WORKTREES "/.storkit/worktrees"
#define OWNER_FILE "storkit-project"

/* Of a story's worktree: the project's root, and the story. */
static gboolean split_worktree(const char *folder, char **ret_root, char **ret_story)
{
    g_autofree char *parent = g_path_get_dirname(folder);
    if (!g_str_has_suffix(parent, WORKTREES))
        return FALSE;
    *ret_root = g_strndup(parent, strlen(parent) - strlen(WORKTREES));
    *ret_story = g_path_get_basename(folder);
    return TRUE;
}

/* Git's folder of the worktree at @folder, from its `.git` file; NULL where that is none. */
static char *git_folder_of(const char *folder)
{
    g_autofree char *file = g_build_filename(folder, ".git", NULL);
    g_autofree char *text = NULL;
    if (!g_file_test(file, G_FILE_TEST_IS_REGULAR) ||
        !g_file_get_contents(file, &text, NULL, NULL) || !g_str_has_prefix(text, "gitdir: "))
        return NULL;
    return g_canonicalize_filename(g_strchomp(text + strlen("gitdir: ")), folder);
}

/* The same of one that lives elsewhere: the service has noted there whose it is. */
static gboolean read_owner(const char *folder, char **ret_root, char **ret_story)
{
    g_autofree char *git = git_folder_of(folder);
    g_autofree char *file = git ? g_build_filename(git, OWNER_FILE, NULL) : NULL;
    if (!file || !g_file_test(file, G_FILE_TEST_IS_REGULAR) ||
        !g_file_get_contents(file, ret_root, NULL, NULL))
        return FALSE;
    *ret_story = g_path_get_basename(git);
    return TRUE;
}

static gboolean has_git(const char *folder)
{
    g_autofree char *git = g_build_filename(folder, ".git", NULL);
    return g_file_test(git, G_FILE_TEST_EXISTS);
}

gboolean project_find(const char *start, char **ret_root, char **ret_story, GError **error)
{
    char *real = realpath(start, NULL);
    g_autofree char *folder = g_strdup(real);
    free(real);
    if (!folder || !g_file_test(folder, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND, "no folder %s: %s", start,
                    g_strerror(folder ? ENOTDIR : errno));
        return FALSE;
    }
    *ret_root = *ret_story = NULL;
    while (!has_git(folder)) {
        if (g_str_equal(folder, "/"))
            return TRUE;
        char *parent = g_path_get_dirname(folder);
        g_free(folder);
        folder = parent;
    }
    if (!split_worktree(folder, ret_root, ret_story) && !read_owner(folder, ret_root, ret_story))
        *ret_root = g_steal_pointer(&folder);
    return TRUE;
}

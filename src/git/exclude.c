/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/exclude.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file-read.h"
#include "git/place.h"
#include "git/places.h"

static char *exclude_file(const Repo *repo)
{
    return repo_file(repo, "info/exclude");
}

/* The line that hides the folder of the worktree at @path; NULL where that is not in the project:
 * there is nothing to hide. */
static char *line_for(const Repo *repo, const char *path)
{
    g_autofree char *folder = worktree_folder_inside(repo->root, path);
    return folder ? g_strconcat("/", folder, "/", NULL) : NULL;
}

gboolean worktree_is_excluded(const Repo *repo, const char *path)
{
    g_autofree char *line = line_for(repo, path);
    int ignored = 0;
    /* A failure means that some ignore file can't be read: one line more does no harm. */
    return !line ||
           (git_ignore_path_is_ignored(&ignored, repo->git, line + strlen("/")) == 0 && ignored);
}

/* The line goes last, and the file ends with a newline afterwards if it did before: that makes
 * without_line() its exact inverse. */
static char *with_line(const char *text, const char *line)
{
    if (!text[0] || g_str_has_suffix(text, "\n"))
        return g_strconcat(text, line, "\n", NULL);
    return g_strconcat(text, "\n", line, NULL);
}

static char *without_line(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GStrvBuilder) kept = g_strv_builder_new();
    for (char **other = lines; *other; other++) {
        if (!g_str_equal(*other, line))
            g_strv_builder_add(kept, *other);
    }
    g_auto(GStrv) result = g_strv_builder_end(kept);
    return g_strjoinv("\n", result);
}

/* Replaces the file, or the target of a link, atomically and with its permissions. */
static gboolean replace(const char *path, const char *text, GError **error)
{
    g_autofree char *real = realpath(path, NULL);
    g_autoptr(GError) cause = NULL;
    const char *target = real ? real : path;
    struct stat info = {.st_mode = 0644};
    (void)stat(target, &info);
    if (g_file_set_contents_full(target, text, -1, G_FILE_SET_CONTENTS_CONSISTENT,
                                 info.st_mode & 0777, &cause))
        return TRUE;
    worktree_fail(error, "cannot hide the worktrees from git status: %s", cause->message);
    return FALSE;
}

/* @ret_text is NULL if there is no such file. */
static gboolean read_patterns(const char *path, char **ret_text, GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (file_read(AT_FDCWD, path, GIT_CONFIG_MAX, ret_text, NULL, &cause) ||
        g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
    worktree_fail(error, "cannot hide the worktrees from git status: %s", cause->message);
    return FALSE;
}

gboolean worktree_exclude(const Repo *repo, const char *tree, GError **error)
{
    g_autofree char *path = exclude_file(repo);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *line = line_for(repo, tree);
    g_autofree char *text = NULL;
    if (worktree_is_excluded(repo, tree))
        return TRUE;
    /* A failure shows, with its reason, when the file is written. */
    (void)g_mkdir_with_parents(folder, 0777);
    if (!read_patterns(path, &text, error))
        return FALSE;
    g_autofree char *edited = with_line(text ? text : "", line);
    return replace(path, edited, error);
}

gboolean worktree_unexclude(const Repo *repo, const char *tree, GError **error)
{
    g_autofree char *path = exclude_file(repo);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *line = line_for(repo, tree);
    g_autofree char *text = NULL;
    if (!line || !read_patterns(path, &text, NULL) || !text)
        return TRUE;
    g_autofree char *edited = without_line(text, line);
    if (g_str_equal(edited, text))
        return TRUE;
    if (edited[0])
        return replace(path, edited, error);
    (void)unlink(path);
    (void)rmdir(folder);
    return TRUE;
}

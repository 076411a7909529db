/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/exclude.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file-read.h"
#include "git/places.h"

#define LINE "/" WORKTREES_FOLDER "/"

static char *exclude_file(const Repo *repo)
{
    return repo_file(repo, "info/exclude");
}

gboolean worktree_is_excluded(const Repo *repo)
{
    int ignored = 0;

    /* A failure means that some ignore file can't be read: one line more does no harm. */
    return git_ignore_path_is_ignored(&ignored, repo->git, WORKTREES_FOLDER "/") == 0 && ignored;
}

/* The line goes last, and the file ends with a newline afterwards if it did before: that makes
 * without_line() its exact inverse. */
static char *with_line(const char *text)
{
    if (!text[0] || g_str_has_suffix(text, "\n"))
        return g_strconcat(text, LINE "\n", NULL);
    return g_strconcat(text, "\n" LINE, NULL);
}

static char *without_line(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GStrvBuilder) kept = g_strv_builder_new();
    g_auto(GStrv) result = NULL;

    for (char **line = lines; *line; line++) {
        if (!g_str_equal(*line, LINE))
            g_strv_builder_add(kept, *line);
    }
    result = g_strv_builder_end(kept);
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

gboolean worktree_exclude(const Repo *repo, GError **error)
{
    g_autofree char *path = exclude_file(repo);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *text = NULL;
    g_autofree char *edited = NULL;

    if (worktree_is_excluded(repo))
        return TRUE;
    /* A failure shows, with its reason, when the file is written. */
    (void)g_mkdir_with_parents(folder, 0777);
    if (!read_patterns(path, &text, error))
        return FALSE;
    edited = with_line(text ? text : "");
    return replace(path, edited, error);
}

gboolean worktree_unexclude(const Repo *repo, GError **error)
{
    g_autofree char *path = exclude_file(repo);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *text = NULL;
    g_autofree char *edited = NULL;

    if (!read_patterns(path, &text, NULL) || !text)
        return TRUE;
    edited = without_line(text);
    if (g_str_equal(edited, text))
        return TRUE;
    if (edited[0])
        return replace(path, edited, error);
    (void)unlink(path);
    (void)rmdir(folder);
    return TRUE;
}

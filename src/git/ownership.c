/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/ownership.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* A path that does not exist has no owner. */
static gboolean is_own(const char *path)
{
    struct stat st;
    return !path || lstat(path, &st) < 0 || st.st_uid == geteuid();
}

/* The path as git compares it with the entries of safe.directory. */
static char *shown_path(git_repository *repository)
{
    const char *tree = git_repository_workdir(repository);
    return g_canonicalize_filename(tree ? tree : git_repository_path(repository), "/");
}

/* The same three as git. Root's SUDO_UID and what else may allow the rest is for git to know. */
static gboolean is_all_own(git_repository *repository)
{
    const char *tree = git_repository_workdir(repository);
    g_autofree char *link = tree ? g_build_filename(tree, ".git", NULL) : NULL;
    return is_own(tree) && is_own(link) && is_own(git_repository_path(repository));
}

gboolean ownership_check(git_repository *repository, const GitSettings *settings, int code,
                         GError **error)
{
    static const char *const ask[] = {"rev-parse", "--git-dir", NULL};
    g_autofree char *output = NULL;
    g_autoptr(GError) cause = NULL;
    if (is_all_own(repository))
        return TRUE;
    g_autofree char *path = shown_path(repository);
    if (git_command_run(settings, path, ask, &output, &cause))
        return TRUE;
    g_autofree char *quoted = g_shell_quote(path);
    g_set_error(
        error, STORKIT_ERROR, code,
        "the repository of %s belongs to another user, and git refuses to work in it; if you "
        "trust it, run `git config --global --add safe.directory %s`",
        path, quoted);
    return FALSE;
}

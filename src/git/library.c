/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/library.h"

#include "base/error.h"

static const char *last_words(void)
{
    const git_error *last = git_error_last();

    return last && last->message && last->message[0] ? last->message : "libgit2 gave no reason";
}

void git_library_error(GError **error, int code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, STORKIT_ERROR, code, "%s: %s", text, last_words());
}

gboolean git_library_is_foreign(int result, const char *path)
{
    git_buf found = {0};
    gboolean there;

    if (result != GIT_ENOTFOUND)
        return result == GIT_EOWNER;
    /* libgit2 1.5 says "not found" where the user has no git config that could list the path as
     * safe; looking for the repository without opening it tells. */
    there = git_repository_discover(&found, path, FALSE, NULL) == 0;
    git_buf_dispose(&found);
    return there;
}

void git_library_open_error(GError **error, int code, int result, const char *path)
{
    if (git_library_is_foreign(result, path))
        g_set_error(error, STORKIT_ERROR, code,
                    "the repository of %s belongs to another user; if you trust it, run "
                    "`git config --global --add safe.directory %s`",
                    path, path);
    else
        git_library_error(error, code, "the git repository %s can't be opened", path);
}

git_repository *git_library_open(const char *path, GError **error)
{
    git_repository *repository = NULL;
    int result = git_repository_open(&repository, path);

    if (result < 0)
        git_library_open_error(error, STORKIT_ERROR_WORKTREE_FAILED, result, path);
    return repository;
}

void worktree_library_init(void)
{
    /* libgit2 refuses repositories with extensions that it was not told of. These change nothing
     * for what we do ourselves; checkouts that they matter to go to the git program. */
    static const char *extensions[] = {"worktreeconfig", "partialclone", "preciousobjects"};

    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, G_N_ELEMENTS(extensions));
}

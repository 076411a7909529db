/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/library.h"

#include "base/error.h"
#include "git/files.h"

static const char *last_words(void)
{
    const git_error *last = git_error_last();
    return last && last->message && last->message[0] ? last->message : "libgit2 gave no reason";
}

void git_library_error(GError **error, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, STORKIT_ERROR, code, "%s: %s", text, last_words());
}

void worktree_fail(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED, text);
}

/* If libgit2 cannot read this form of repository: its form and a remedy; else NULL. */
static const char *unsupported_form(const char *path)
{
    g_autofree char *file = g_build_filename(path, ".git", "config", NULL);
    g_autofree char *bare_file = g_build_filename(path, "config", NULL);
    g_autoptr(git_config) config = NULL;
    g_autoptr(git_config) snapshot = NULL;
    const char *value;
    gboolean there = g_file_test(file, G_FILE_TEST_IS_REGULAR);
    if (git_config_open_ondisk(&config, there ? file : bare_file) < 0 ||
        git_config_snapshot(&snapshot, config) < 0)
        return NULL;
    if (git_config_get_string(&value, snapshot, "extensions.objectformat") == 0 &&
        g_ascii_strcasecmp(value, "sha1") != 0)
        return "uses SHA-256 object names, which storkit cannot read: use a clone with SHA-1 "
               "names (`git init --object-format=sha1`)";
    if (git_config_get_string(&value, snapshot, "extensions.refstorage") == 0 &&
        g_ascii_strcasecmp(value, "files") != 0)
        return "stores its references in a reftable, which storkit cannot read: run `git refs "
               "migrate --ref-format=files` in it";
    return NULL;
}

void git_library_open_error(GError **error, int code, const char *path)
{
    g_autoptr(GError) said = NULL;
    git_library_error(&said, code, "cannot open the git repository %s", path);
    const char *form = unsupported_form(path);
    if (form)
        g_set_error(error, STORKIT_ERROR, code, "the repository of %s %s", path, form);
    else
        g_propagate_error(error, g_steal_pointer(&said));
}

git_repository *git_library_open(const char *path, GError **error)
{
    if (!git_files_check(path, STORKIT_ERROR_WORKTREE_FAILED, error))
        return NULL;
    git_repository *repository = NULL;
    if (git_repository_open(&repository, path) < 0)
        git_library_open_error(error, STORKIT_ERROR_WORKTREE_FAILED, path);
    return repository;
}

void worktree_library_init(void)
{
    /* libgit2 refuses repositories with extensions that it does not know. These do not affect our
     * own operations; checkouts for which they matter go to the git program. */
    static const char *extensions[] = {"worktreeconfig", "partialclone", "preciousobjects",
                                       "relativeworktrees"};

    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, G_N_ELEMENTS(extensions));
    /* The rule is git's own, in git/ownership.h: libgit2's is another one in each version. */
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

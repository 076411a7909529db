/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/project-file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file-read.h"
#include "git/fidelity.h"
#include "git/repo.h"

#define SIZE_MAX_BYTES (1024 * 1024)

#define refuse(error, ...)                                                                         \
    g_set_error((error), STORKIT_ERROR, STORKIT_ERROR_INVALID_CONFIG, __VA_ARGS__)

static gboolean is_left_out(const char *root)
{
    g_autoptr(Repo) repo = repo_open(root, NULL, NULL, NULL);
    g_autoptr(git_object) blob = NULL;
    return repo && repo_is_sparse(repo) &&
           git_revparse_single(&blob, repo->git, "HEAD:" PROJECT_FILE) == 0;
}

static gboolean check_missing(const char *root, const char *path, GError **error)
{
    struct stat info;
    if (lstat(path, &info) == 0)
        refuse(error, "%s: a link to a file that is not there: make that file, or remove the link",
               path);
    else if (is_left_out(root))
        refuse(error,
               "%s is tracked, but left out by the sparse checkout: run `git -C %s "
               "sparse-checkout add .storkit`",
               path, root);
    else
        return TRUE;
    return FALSE;
}

gboolean project_file_read(const char *root, char **ret_text, gsize *ret_length, GError **error)
{
    g_autofree char *path = g_build_filename(root, PROJECT_FILE, NULL);
    g_autoptr(GError) cause = NULL;
    *ret_text = NULL;
    if (file_read(AT_FDCWD, path, SIZE_MAX_BYTES, ret_text, ret_length, &cause))
        return TRUE;
    if (g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return check_missing(root, path, error);
    if (g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
        refuse(error, "%s: larger than 1 MiB; keep long prompts in files that the agent reads",
               path);
    else
        refuse(error, "%s", cause->message);
    return FALSE;
}

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

/* What HEAD has of it, or NULL. */
static git_blob *tracked_blob(const Repo *repo)
{
    git_object *blob = NULL;
    if (git_revparse_single(&blob, repo->git, "HEAD:" PROJECT_FILE) < 0)
        return NULL;
    if (git_object_type(blob) == GIT_OBJECT_BLOB)
        return (git_blob *)blob;
    git_object_free(blob);
    return NULL;
}

static gboolean refuse_size(const char *path, GError **error)
{
    refuse(error, "%s: larger than 1 MiB; keep long prompts in files that the agent reads", path);
    return FALSE;
}

/* The file is not there: it may be one that the sparse checkout leaves out. */
static gboolean read_tracked(const char *root, const char *path, char **ret_text, gsize *ret_length,
                             GError **error)
{
    g_autoptr(Repo) repo = repo_open(root, NULL, NULL, NULL);
    g_autoptr(git_blob) blob = repo && repo_is_sparse(repo) ? tracked_blob(repo) : NULL;
    if (!blob)
        return TRUE;
    if (git_blob_rawsize(blob) > SIZE_MAX_BYTES)
        return refuse_size(path, error);
    *ret_length = (gsize)git_blob_rawsize(blob);
    *ret_text = g_strndup(git_blob_rawcontent(blob), *ret_length);
    return TRUE;
}

static gboolean is_link(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

gboolean project_file_read(const char *root, char **ret_text, gsize *ret_length, GError **error)
{
    g_autofree char *path = g_build_filename(root, PROJECT_FILE, NULL);
    g_autoptr(GError) cause = NULL;
    *ret_text = NULL;
    if (file_read(AT_FDCWD, path, SIZE_MAX_BYTES, ret_text, ret_length, &cause))
        return TRUE;
    if (g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
        return refuse_size(path, error);
    if (!g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        refuse(error, "%s", cause->message);
    else if (is_link(path))
        refuse(error, "%s: a broken symbolic link: create its target, or remove the link", path);
    else
        return read_tracked(root, path, ret_text, ret_length, error);
    return FALSE;
}

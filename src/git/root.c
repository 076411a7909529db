/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/root.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/bus-text.h"
#include "base/error.h"
#include "git/files.h"
#include "git/library.h"
#include "git/ownership.h"
#include "git/places.h"

static void set_no_folder_error(const char *path, int errsv, GError **error)
{
    if (errsv == EACCES)
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_PROJECT,
                    "cannot reach the project folder %s: %s; check that you may enter every folder "
                    "above it",
                    path, g_strerror(errsv));
    else
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_PROJECT,
                    "no project folder %s: %s; name one that exists", path, g_strerror(errsv));
}

/* @path without links, or NULL with the error set. realpath's memory is malloc's, which is what
 * g_free() frees. */
static char *real_folder(const char *path, GError **error)
{
    g_autofree char *real = realpath(path, NULL);
    if (!real) {
        set_no_folder_error(path, errno, error);
        return NULL;
    }
    if (!g_file_test(real, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NO_SUCH_PROJECT,
                    "%s is not a folder: name the project's folder", path);
        return NULL;
    }
    g_autofree char *shown = bus_text_clean(real);
    if (shown) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "the project folder %s has a name that is not UTF-8, or contains a Unicode "
                    "noncharacter, which D-Bus does not allow: rename it",
                    shown);
        return NULL;
    }
    return g_steal_pointer(&real);
}

static gboolean check_argument(const char *path, GError **error)
{
    /* First: an overlong path is not even quoted. */
    if (strlen(path) >= PATH_MAX) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "the project root has %" G_GSIZE_FORMAT " bytes: paths are shorter than %d",
                    strlen(path), PATH_MAX);
        return FALSE;
    }
    g_autofree char *shown = bus_text_clean(path);
    if (shown) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "the project root %s is not UTF-8, or contains a Unicode noncharacter", shown);
        return FALSE;
    }
    if (!g_path_is_absolute(path)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "the project root '%s' is not absolute: start it with /", path);
        return FALSE;
    }
    return TRUE;
}

/* Whether the repository that the linked worktree belongs to has no tree of its own: then each of
 * its worktrees is as good as any. */
static gboolean is_of_a_bare_one(git_repository *repository)
{
    g_autoptr(git_repository) common = NULL;
    return git_repository_open(&common, git_repository_commondir(repository)) == 0 &&
           git_repository_is_bare(common);
}

static void set_linked_error(git_repository *repository, GError **error)
{
    g_autofree char *common = g_canonicalize_filename(git_repository_commondir(repository), NULL);
    g_autofree char *linked = g_canonicalize_filename(git_repository_workdir(repository), NULL);
    g_autofree char *main_tree =
        g_str_has_suffix(common, "/.git") ? g_path_get_dirname(common) : g_strdup(common);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
                "%s is a linked worktree of %s: use that as the project root", linked, main_tree);
}

/* Git finds the work tree from its own folder too, but that is not inside of it. */
static gboolean check_inside(git_repository *repository, const char *real, GError **error)
{
    if (!path_is_at_or_below(real, git_repository_path(repository)))
        return TRUE;
    g_autofree char *top = g_canonicalize_filename(git_repository_workdir(repository), NULL);
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
                "%s is the git folder of %s: use that as the project root", real, top);
    return FALSE;
}

/* The folder at or above @real that has a `.git`; @real itself where none has. Caller frees. */
static char *nearest_repository(const char *real)
{
    g_autofree char *folder = g_strdup(real);
    for (;;) {
        g_autofree char *git = g_build_filename(folder, ".git", NULL);
        if (g_file_test(git, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&folder);
        if (g_str_equal(folder, "/"))
            return g_strdup(real);
        char *above = g_path_get_dirname(folder);
        g_free(folder);
        folder = above;
    }
}

/* The repository that holds the folder @real, as git finds it. */
static git_repository *open_above(const char *real, GError **error)
{
    git_repository *repository = NULL;
    int result = git_repository_open_ext(&repository, real, 0, NULL);
    if (result == GIT_ENOTFOUND)
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
                    "%s is not in a git repository: run `git init` there, or name another folder",
                    real);
    else if (result < 0)
        git_library_open_error(error, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, real);
    return repository;
}

/* Whether it can be a project. */
static gboolean check_kind(git_repository *repository, const char *real, GError **error)
{
    const GitSettings settings = {NULL, NULL};
    if (!ownership_check(repository, &settings, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, error))
        return FALSE;
    if (git_repository_is_worktree(repository) && !is_of_a_bare_one(repository)) {
        set_linked_error(repository, error);
        return FALSE;
    }
    if (git_repository_is_bare(repository)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_NOT_A_GIT_REPOSITORY,
                    "%s is a bare repository: use one of its worktrees (`git -C %s worktree add "
                    "FOLDER`), or a clone, as the project root",
                    real, real);
        return FALSE;
    }
    return check_inside(repository, real, error);
}

/* The work tree that holds the folder @real. */
static char *find_work_tree(Kept *kept, const char *real, GError **error)
{
    g_autofree char *top = nearest_repository(real);
    if (!git_files_check(top, STORKIT_ERROR_NOT_A_GIT_REPOSITORY, error))
        return NULL;
    git_repository *repository = kept ? kept_open(kept, top, NULL) : NULL;
    if (!repository)
        repository = open_above(real, error);
    char *found = repository && check_kind(repository, real, error)
                      ? g_strdup(git_repository_workdir(repository))
                      : NULL;
    kept_give_back(kept, repository);
    return found;
}

char *project_resolve(Kept *kept, const char *path, GError **error)
{
    if (!check_argument(path, error))
        return NULL;
    g_autofree char *real = real_folder(path, error);
    g_autofree char *work_tree = real ? find_work_tree(kept, real, error) : NULL;
    /* core.worktree may name the top through a link. */
    return work_tree ? real_folder(work_tree, error) : NULL;
}

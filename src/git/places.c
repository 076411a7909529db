/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/places.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file-read.h"
#include "base/file-tree.h"
#include "base/util.h"

/* A path, or the name of a reference, and what stands before it. */
#define PATH_FILE_MAX (64 * 1024)

char *worktree_admin_folder(const Repo *repo, const char *story)
{
    return g_build_filename(git_repository_commondir(repo->git), "worktrees", story, NULL);
}

/* The path in the file @file, after @prefix, made absolute from @folder: git writes relative ones
 * where worktree.useRelativePaths is set. */
static char *read_path(const char *folder, const char *file, const char *prefix)
{
    g_autofree char *name = g_build_filename(folder, file, NULL);
    g_autofree char *content = file_read_text(name, PATH_FILE_MAX);
    if (!content || !g_str_has_prefix(content, prefix))
        return NULL;
    g_strchomp(content);
    if (!content[strlen(prefix)])
        return NULL;
    return g_canonicalize_filename(content + strlen(prefix), folder);
}

char *worktree_registered_path(const char *admin)
{
    g_autofree char *git_file = read_path(admin, "gitdir", "");
    return git_file ? g_path_get_dirname(git_file) : NULL;
}

gboolean worktree_belongs_to(const char *path, const char *admin)
{
    g_autofree char *named = read_path(path, ".git", "gitdir: ");
    g_autofree char *real = named ? realpath(named, NULL) : NULL;
    g_autofree char *wanted = realpath(admin, NULL);
    return real && wanted && g_str_equal(real, wanted);
}

gboolean worktree_is_locked(const char *admin)
{
    g_autofree char *lock = g_build_filename(admin, "locked", NULL);
    return g_file_test(lock, G_FILE_TEST_EXISTS);
}

char *worktree_head(const Repo *repo)
{
    g_autoptr(git_reference) head = NULL;
    if (git_reference_lookup(&head, repo->git, "HEAD") < 0)
        return NULL;
    return g_strdup(git_reference_symbolic_target(head));
}

char *worktree_checked_out_at(const Repo *repo, const char *reference)
{
    g_autofree char *head = worktree_head(repo);
    g_autofree char *folder = worktree_admin_folder(repo, NULL);
    g_autofree char *wanted = g_strdup_printf("ref: %s", reference);
    if (g_strcmp0(head, reference) == 0)
        return g_canonicalize_filename(git_repository_workdir(repo->git), NULL);
    g_auto(GStrv) names = heads_find(kept_heads(repo->kept), folder, wanted);
    for (char **name = names; *name; name++) {
        g_autofree char *admin = g_build_filename(folder, *name, NULL);
        g_autofree char *path = worktree_registered_path(admin);
        if (path && g_file_test(path, G_FILE_TEST_EXISTS))
            return g_steal_pointer(&path);
    }
    return NULL;
}

char *worktree_kept_base(const Repo *repo, const char *branch)
{
    g_autofree char *key = g_strdup_printf("branch.%s.storkitBase", branch);
    git_config *config = repo_config(repo);
    const char *base;
    if (!config || git_config_get_string(&base, config, key) < 0)
        return NULL;
    return g_strdup(base);
}

char *worktree_kept_base_of(const Repo *repo, const char *own, const char *current)
{
    char *base = worktree_kept_base(repo, own);
    return base ? base : worktree_kept_base(repo, current);
}

/* @text without the sections that begin with the line @header. */
static char *drop_section(const char *text, const char *header)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GStrvBuilder) kept = g_strv_builder_new();
    gboolean inside = FALSE;
    for (char **line = lines; *line; line++) {
        gboolean last = !line[1];
        if ((*line)[0] == '[')
            inside = g_str_equal(*line, header);
        if (!inside || (last && !(*line)[0]))
            g_strv_builder_add(kept, *line);
    }
    g_auto(GStrv) result = g_strv_builder_end(kept);
    return g_strjoinv("\n", result);
}

static gboolean write_config(int fd, const char *text, mode_t mode)
{
    return fchmod(fd, mode) == 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
           fsync(fd) == 0;
}

/* Takes the section with the line @header out of git's config @path, of which the lock is open as
 * @fd. FALSE: it was not there, or can't be. */
static gboolean edit_config(const char *path, int fd, const char *header)
{
    g_autofree char *text = NULL;
    struct stat info;
    if (!file_read_own(AT_FDCWD, path, GIT_CONFIG_MAX, &text, NULL, NULL) || lstat(path, &info) < 0)
        return FALSE;
    g_autofree char *edited = drop_section(text, header);
    return !g_str_equal(text, edited) && write_config(fd, edited, info.st_mode & 0777);
}

/* Removes @branch from git's config, by its text: libgit2 leaves an empty section behind, and 1.5
 * leaks 20 kB for each of the config's variables it compares. Locks before it reads: a change by
 * another git in between would be lost. If another git holds the lock, we give up: the section of a
 * deleted branch does no harm. */
static void forget_section(const Repo *repo, const char *branch)
{
    g_autofree char *path = repo_file(repo, "config");
    g_autofree char *lock = g_strconcat(path, ".lock", NULL);
    g_autofree char *header = g_strdup_printf("[branch \"%s\"]", branch);
    autofd fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (!edit_config(path, fd, header) || rename(lock, path) < 0)
        unlink(lock);
}

gboolean worktree_delete_branch(const Repo *repo, const char *branch, GError **error)
{
    g_autofree char *name = g_strconcat(HEADS, branch, NULL);
    g_autofree char *place = worktree_checked_out_at(repo, name);
    g_autoptr(git_reference) reference = NULL;
    int result = git_reference_lookup(&reference, repo->git, name);
    if (result == GIT_ENOTFOUND)
        return TRUE;
    if (place) {
        worktree_fail(error, "the branch %s is checked out in %s and is kept", branch, place);
        return FALSE;
    }
    if (result < 0 || git_reference_delete(reference) < 0) {
        git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED, "cannot delete the branch %s",
                          branch);
        return FALSE;
    }
    forget_section(repo, branch);
    return TRUE;
}

gboolean path_is_at_or_below(const char *path, const char *folder)
{
    g_autofree char *top = g_canonicalize_filename(folder, NULL);
    gsize length = strlen(top);
    return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

void worktree_finish_removals(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    file_tree_finish_removals(folder);
}

gboolean worktree_remove_files(const char *root, const char *path, const char *admin,
                               GError **error)
{
    g_autofree char *admins = g_path_get_dirname(admin);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *storkit = g_build_filename(root, ".storkit", NULL);
    g_autoptr(GError) cause = NULL;
    if (!file_tree_remove_at_once(path, &cause) || !file_tree_remove(admin, &cause)) {
        worktree_fail(error, "cannot remove the worktree: %s", cause->message);
        return FALSE;
    }
    (void)rmdir(admins);
    (void)rmdir(folder);
    (void)rmdir(storkit);
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/file-read.h"

#define KIB 1024
#define MIB (1024u * KIB)

/* A loose reference has a line; the path of one has fewer parts than PATH_MAX allows. */
#define REFERENCE_MAX (64 * KIB)
#define MAX_DEPTH 64

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

typedef struct {
    const char *name;
    gsize max;
} GitFile;

/* In git's folder of a tree. The index of a million files has a hundred MiB. */
static const GitFile own_files[] = {
    {"HEAD", 64 * KIB},    {"commondir", 64 * KIB},
    {"gitdir", 64 * KIB},  {"config.worktree", 16 * MIB},
    {"index", 1024 * MIB},
};

/* In the one that all trees share. So have 300,000 references 30 MiB. */
static const GitFile shared_files[] = {
    {"HEAD", 64 * KIB},
    {"config", 16 * MIB},
    {"config.worktree", 16 * MIB},
    {"packed-refs", 512 * MIB},
    {"shallow", 64 * MIB},
    {"info/exclude", 16 * MIB},
    {"info/attributes", 16 * MIB},
    {"objects/info/alternates", 16 * MIB},
};

static const GitFile tree_files[] = {
    {".gitignore", 16 * MIB},
    {".gitattributes", 16 * MIB},
    {".gitmodules", 16 * MIB},
};

static const GitFile home_files[] = {{".gitconfig", 16 * MIB}};

static const GitFile user_files[] = {
    {"git/config", 16 * MIB},
    {"git/ignore", 16 * MIB},
    {"git/attributes", 16 * MIB},
};

static gboolean check_all(const char *folder, const GitFile *files, gsize n, GError **error)
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *path = g_build_filename(folder, files[i].name, NULL);
        if (!file_check(path, files[i].max, error))
            return FALSE;
    }
    return TRUE;
}

#define CHECK(folder, files, error) check_all((folder), (files), G_N_ELEMENTS(files), (error))

/* The git folder of the tree at @path: its `.git`, or the folder named in that if it is a file. For
 * a bare repository or a git folder, @path itself. NULL with an error. */
static char *find_git_folder(const char *path, GError **error)
{
    g_autofree char *git = g_build_filename(path, ".git", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) cause = NULL;
    if (g_file_test(git, G_FILE_TEST_IS_DIR))
        return g_steal_pointer(&git);
    if (!file_read(AT_FDCWD, git, 64 * KIB, &text, NULL, &cause)) {
        if (g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return g_strdup(path);
        g_propagate_error(error, g_steal_pointer(&cause));
        return NULL;
    }
    const char *named = g_str_has_prefix(text, "gitdir: ") ? text + strlen("gitdir: ") : "";
    return g_canonicalize_filename(g_strchomp((char *)named), path);
}

static char *find_shared_folder(const char *own, GError **error)
{
    g_autofree char *file = g_build_filename(own, "commondir", NULL);
    g_autofree char *text = NULL;
    if (!file_check(file, 64 * KIB, error))
        return NULL;
    text = file_read_text(file, 64 * KIB);
    return text ? g_canonicalize_filename(g_strchomp(text), own) : g_strdup(own);
}

static gboolean check(const char *path, GError **error)
{
    g_autofree char *own = find_git_folder(path, error);
    g_autofree char *shared = own ? find_shared_folder(own, error) : NULL;
    return shared && CHECK(own, own_files, error) && CHECK(shared, shared_files, error) &&
           CHECK(path, tree_files, error) && CHECK(g_get_home_dir(), home_files, error) &&
           CHECK(g_get_user_config_dir(), user_files, error);
}

/* Readdir tells what lies there: no reference is opened. */
static gboolean check_references(const char *folder, guint depth, GError **error)
{
    g_autoptr(DIR) dir = depth > 0 ? opendir(folder) : NULL;
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
            continue;
        g_autofree char *path = g_build_filename(folder, entry->d_name, NULL);
        gboolean fine = entry->d_type == DT_DIR ? check_references(path, depth - 1, error)
                                                : g_file_test(path, G_FILE_TEST_IS_DIR) ||
                                                      file_check(path, REFERENCE_MAX, error);
        if (!fine)
            return FALSE;
    }
    return TRUE;
}

gboolean git_files_check_references(const char *shared, GError **error)
{
    g_autofree char *folder = g_build_filename(shared, "refs", NULL);
    g_autoptr(GError) cause = NULL;
    if (check_references(folder, MAX_DEPTH, &cause))
        return TRUE;
    g_set_error_literal(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED, cause->message);
    return FALSE;
}

gboolean git_files_check(const char *path, int code, GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (check(path, &cause))
        return TRUE;
    g_set_error_literal(error, STORKIT_ERROR, code, cause->message);
    return FALSE;
}

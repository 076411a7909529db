/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/copies.h"

#include <glob.h>
#include <string.h>

#include "base/file-tree.h"
#include "git/place.h"
#include "git/places.h"
#include "git/program.h"

/* The tracked files of the tree: its index, or the names if libgit2 cannot read that. */
typedef struct {
    git_index *index;
    GHashTable *names; /* char * */
    char *worktrees;   /* the folder of worktrees, if that is in the project */
} Tracked;

static void tracked_clear(Tracked *tracked)
{
    g_clear_pointer(&tracked->index, git_index_free);
    g_clear_pointer(&tracked->names, g_hash_table_unref);
    g_clear_pointer(&tracked->worktrees, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tracked, tracked_clear)

static gboolean tracked_read(Tracked *tracked, const Repo *tree, GError **error)
{
    static const char *const arguments[] = {"ls-files", NULL};
    g_autofree char *lines = NULL;
    if (git_repository_index(&tracked->index, tree->git) == 0)
        return TRUE;
    if (!git_program_run(tree, tree->root, arguments, &lines, error))
        return FALSE;
    tracked->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) names = g_strsplit(lines, "\n", -1);
    for (char **name = names; *name; name++)
        g_hash_table_add(tracked->names, g_strdup(*name));
    return TRUE;
}

static gboolean is_left_out(const char *path, gpointer data)
{
    const Tracked *tracked = data;
    /* Worktrees inside a worktree would be copies of all others. */
    if (g_str_equal(path, WORKTREES_FOLDER) || g_strcmp0(path, tracked->worktrees) == 0)
        return TRUE;
    return tracked->names ? g_hash_table_contains(tracked->names, path)
                          : git_index_get_bypath(tracked->index, path, 0) != NULL;
}

static gboolean check_pattern(const char *pattern, GError **error)
{
    g_auto(GStrv) names = g_strsplit(pattern, "/", -1);
    gboolean valid = pattern[0] && !g_path_is_absolute(pattern) && !g_str_equal(names[0], ".git");
    for (char **name = names; *name && valid; name++)
        valid = !g_str_equal(*name, "..");
    if (!valid)
        worktree_fail(error, "`copy` cannot contain '%s': name files or folders inside the project",
                      pattern);
    return valid;
}

/* @folder with nothing in it that a pattern would make something of, and "/" and @pattern. */
static char *pattern_below(const char *folder, const char *pattern)
{
    g_autofree char *clean = g_canonicalize_filename(pattern, "/");
    GString *text = g_string_new(NULL);
    for (const char *c = folder; *c; c++) {
        if (strchr("\\*?[", *c))
            g_string_append_c(text, '\\');
        g_string_append_c(text, *c);
    }
    g_string_append(text, clean);
    return g_string_free(text, FALSE);
}

static gboolean copy_all(const Worktree *worktree, const char *pattern, const glob_t *found,
                         Tracked *tracked, GError **error)
{
    g_autoptr(GError) cause = NULL;
    for (gsize i = 0; i < found->gl_pathc; i++) {
        const char *name = found->gl_pathv[i] + strlen(worktree->root) + 1;
        if (file_tree_copy(worktree->root, worktree->path, name, is_left_out, tracked, &cause))
            continue;
        worktree_fail(error, "`copy` of %s failed: %s", pattern, cause->message);
        return FALSE;
    }
    return TRUE;
}

static gboolean copy_matches(const Worktree *worktree, const char *pattern, Tracked *tracked,
                             GError **error)
{
    g_autofree char *below = pattern_below(worktree->root, pattern);
    glob_t found = {0};
    gboolean copied = TRUE;
    if (glob(below, GLOB_NOSORT, NULL, &found) == 0)
        copied = copy_all(worktree, pattern, &found, tracked, error);
    else
        g_message("`copy` of %s: no such file or folder in %s, nothing copied", pattern,
                  worktree->root);
    globfree(&found);
    return copied;
}

gboolean worktree_copy_ignored(const Repo *repo, const Worktree *worktree, const char *const *copy,
                               GError **error)
{
    g_autoptr(Repo) tree = repo_open_other(repo, worktree->path, error);
    g_auto(Tracked) tracked = {
        .worktrees = worktree_folder_inside(worktree->root, worktree->path),
    };
    if (!tree || !tracked_read(&tracked, tree, error))
        return FALSE;
    for (; *copy; copy++)
        if (!check_pattern(*copy, error) || !copy_matches(worktree, *copy, &tracked, error))
            return FALSE;
    return TRUE;
}

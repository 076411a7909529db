/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/own-files.h"

#include <fcntl.h>
#include <string.h>

#include "base/file-read.h"
#include "base/file-tree.h"
#include "git/fidelity.h"
#include "git/program.h"

/*
 * Tells the files that worktree_create() has put into a tree from those that others have put there
 * since. It may have been cut off anywhere: files are missing, the index lists none of them or was
 * not written at all, and the last file may be incomplete.
 */

typedef struct {
    const Worktree *worktree;
    const Repo *tree;
    git_object *commit_tree; /* HEAD's */
    gboolean needs_git;
    GPtrArray *files; /* char *: written by others */
} Look;

/* --- One file --- */

/* A larger copied one counts as written by others. */
#define COPY_MAX (1u << 30)

static char *read_regular(const char *path, gsize max, gsize *ret_size)
{
    char *content = NULL;
    return file_read_own(AT_FDCWD, path, max, &content, ret_size, NULL) ? content : NULL;
}

/* Whether the file @path has the bytes @whole, or where @part may be had for it, their beginning.
 */
static gboolean has_bytes(const char *path, const char *whole, gsize size, gboolean part)
{
    gsize own_size = 0;
    g_autofree char *own = read_regular(path, size, &own_size);
    return own && (part ? own_size <= size : own_size == size) && memcmp(own, whole, own_size) == 0;
}

static gboolean is_same_link(const char *path, const char *target, gsize size)
{
    g_autofree char *own = g_file_read_link(path, NULL);
    return own && strlen(own) == size && memcmp(own, target, size) == 0;
}

static gboolean is_copy(const Look *look, const char *name)
{
    g_autofree char *path = g_build_filename(look->worktree->path, name, NULL);
    g_autofree char *origin = g_build_filename(look->worktree->root, name, NULL);
    g_autofree char *target = g_file_read_link(origin, NULL);
    gsize size = 0;
    g_autofree char *whole = target ? NULL : read_regular(origin, COPY_MAX, &size);
    return target ? is_same_link(path, target, strlen(target))
                  : whole && has_bytes(path, whole, size, TRUE);
}

static gboolean has_filtered_bytes(const char *path, git_blob *blob, const char *name,
                                   gboolean part)
{
    git_blob_filter_options options = GIT_BLOB_FILTER_OPTIONS_INIT;
    git_buf whole = GIT_BUF_INIT;
    gboolean same = git_blob_filter(&whole, blob, name, &options) == 0 &&
                    has_bytes(path, whole.ptr, whole.size, part);
    git_buf_dispose(&whole);
    return same;
}

/* Whether the file @name is HEAD's, or where @part may be had for it, the beginning of it. */
static gboolean is_checked_out(const Look *look, const char *name, gboolean part)
{
    g_autofree char *path = g_build_filename(look->worktree->path, name, NULL);
    g_autoptr(git_tree_entry) entry = NULL;
    g_autoptr(git_blob) blob = NULL;
    if (git_tree_entry_bypath(&entry, (git_tree *)look->commit_tree, name) < 0 ||
        git_blob_lookup(&blob, look->tree->git, git_tree_entry_id(entry)) < 0)
        return FALSE;
    if (git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK)
        return is_same_link(path, git_blob_rawcontent(blob), (gsize)git_blob_rawsize(blob));
    return has_filtered_bytes(path, blob, name, part) ||
           (look->needs_git && worktree_has_id_by_git(look->tree, name, git_tree_entry_id(entry)));
}

static void add(Look *look, const char *name)
{
    g_ptr_array_add(look->files, g_strdup(name));
}

static void look_at_untracked(Look *look, const char *name)
{
    if (!is_checked_out(look, name, TRUE) && !is_copy(look, name))
        add(look, name);
}

static void look_at_modified(Look *look, const char *name)
{
    /* Of some line ends git itself says that they were modified by the checkout. */
    if (!is_checked_out(look, name, FALSE))
        add(look, name);
}

/* --- All files: those that are missing are the checkout's affair --- */

static void look_at_entry(Look *look, const git_status_entry *entry)
{
    const git_diff_delta *delta =
        entry->index_to_workdir ? entry->index_to_workdir : entry->head_to_index;
    const char *name = delta->new_file.path;
    if (entry->status & GIT_STATUS_WT_NEW)
        look_at_untracked(look, name);
    else if (entry->status == GIT_STATUS_WT_MODIFIED)
        look_at_modified(look, name);
    else if (entry->status & ~(guint)(GIT_STATUS_WT_DELETED | GIT_STATUS_INDEX_DELETED))
        add(look, name);
}

static gboolean look_by_library(Look *look)
{
    git_status_options options = GIT_STATUS_OPTIONS_INIT;
    g_autoptr(git_status_list) list = NULL;
    options.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS;
    if (git_status_list_new(&list, look->tree->git, &options) < 0)
        return FALSE;
    for (gsize i = 0; i < git_status_list_entrycount(list); i++)
        look_at_entry(look, git_status_byindex(list, i));
    return TRUE;
}

/* A line of `git status --porcelain`: "XY name", or with the name in quotes and escaped. */
static void look_at_line(Look *look, const char *line)
{
    const char *shown = line + strlen("XY ");
    g_autofree char *name =
        *shown == '"' ? g_strndup(shown + 1, strlen(shown) - 2) : g_strdup(shown);
    g_autofree char *plain = *shown == '"' ? g_strcompress(name) : g_steal_pointer(&name);
    if (g_str_has_prefix(line, "??"))
        look_at_untracked(look, plain);
    else if (g_str_has_prefix(line, " M"))
        look_at_modified(look, plain);
    else if (strspn(line, " D") < 2)
        add(look, plain);
}

static gboolean look_by_git(Look *look)
{
    static const char *const arguments[] = {
        "status",       "--porcelain", "--untracked-files=all", "--ignore-submodules=none",
        "--no-renames", NULL};
    g_autofree char *output = NULL;
    if (!git_program_run(look->tree, look->worktree->path, arguments, &output, NULL))
        return FALSE;
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (strlen(*line) > strlen("XY "))
            look_at_line(look, *line);
    }
    return TRUE;
}

/* Adds the repositories inside, in ignored folders too, that were not copied there. */
static void look_at_nested(Look *look)
{
    const char *path = look->worktree->path;
    g_autoptr(GPtrArray) nested = g_ptr_array_new_with_free_func(g_free);
    file_tree_find(path, ".git", nested, nested);
    for (guint i = 0; i < nested->len; i++) {
        const char *name = (const char *)nested->pdata[i] + strlen(path) + 1;
        g_autofree char *origin = g_build_filename(look->worktree->root, name, ".git", NULL);
        if (!g_file_test(origin, G_FILE_TEST_EXISTS))
            add(look, name);
    }
}

gboolean worktree_add_others_files(const Worktree *worktree, const Repo *tree, GPtrArray *files)
{
    g_autoptr(git_object) commit = NULL;
    g_autoptr(git_object) commit_tree = NULL;
    Look look = {.worktree = worktree, .tree = tree, .files = files};
    if (git_revparse_single(&commit, tree->git, "HEAD") < 0 ||
        git_object_peel(&commit_tree, commit, GIT_OBJECT_TREE) < 0)
        return FALSE;
    look.commit_tree = commit_tree;
    look.needs_git = worktree_needs_git(tree, git_object_id(commit));
    look_at_nested(&look);
    return look.needs_git ? look_by_git(&look) : look_by_library(&look);
}

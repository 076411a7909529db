/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/fidelity.h"

#include <string.h>

#include "base/file-read.h"
#include "git/places.h"
#include "git/program.h"

static gboolean config_flag(const git_config *config, const char *name)
{
    int value = 0;
    return git_config_get_bool(&value, config, name) == 0 && value;
}

static gboolean is_sparse_in(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "config.worktree", NULL);
    g_autoptr(git_config) own = NULL;
    return git_config_open_ondisk(&own, path) == 0 && config_flag(own, "core.sparseCheckout");
}

/* `git sparse-checkout` writes to config.worktree, which libgit2 1.5 does not read: to that of the
 * tree in which it was run. */
gboolean repo_is_sparse(const Repo *repo)
{
    git_config *config = repo_config(repo);
    if (!config)
        return FALSE;
    return config_flag(config, "core.sparseCheckout") ||
           is_sparse_in(git_repository_commondir(repo->git)) ||
           is_sparse_in(git_repository_path(repo->git));
}

/* `git clone --filter` writes remote.NAME.promisor only; extensions.partialClone is older. */
static gboolean is_partial(const git_config *config)
{
    g_autoptr(git_config_iterator) iterator = NULL;
    git_config_entry *entry;
    const char *remote;
    if (git_config_get_string(&remote, config, "extensions.partialClone") == 0)
        return TRUE;
    if (git_config_iterator_new(&iterator, config) < 0)
        return FALSE;
    while (git_config_next(&entry, iterator) == 0) {
        int promisor = 0;
        if (g_str_has_prefix(entry->name, "remote.") &&
            g_str_has_suffix(entry->name, ".promisor") &&
            git_config_parse_bool(&promisor, entry->value) == 0 && promisor)
            return TRUE;
    }
    return FALSE;
}

static void append_file(GString *text, const char *path)
{
    g_autofree char *content = file_read_text(path, GIT_CONFIG_MAX);
    if (content)
        g_string_append_printf(text, "%s\n", content);
}

static int append_if_attributes(const char *folder, const git_tree_entry *entry, void *data)
{
    git_tree *tree = ((gpointer *)data)[0];
    GString *text = ((gpointer *)data)[1];
    g_autoptr(git_blob) blob = NULL;
    if (!g_str_equal(git_tree_entry_name(entry), ".gitattributes") ||
        git_blob_lookup(&blob, git_tree_owner(tree), git_tree_entry_id(entry)) < 0)
        return 0;
    g_string_append_len(text, git_blob_rawcontent(blob), (gssize)git_blob_rawsize(blob));
    g_string_append_c(text, '\n');
    return 0;
}

/* The user's and the system's attributes. */
static void append_shared_attributes(GString *text, const git_config *config)
{
    g_autofree char *standard =
        g_build_filename(g_get_user_config_dir(), "git", "attributes", NULL);
    git_buf configured = {0};
    append_file(text, "/etc/gitattributes");
    if (git_config_get_path(&configured, config, "core.attributesFile") == 0)
        append_file(text, configured.ptr);
    else
        append_file(text, standard);
    git_buf_dispose(&configured);
}

/* All attributes that may count for the files of @tree. Too many do no harm: git gets right what
 * libgit2 gets right. */
static char *all_attributes(const Repo *repo, const git_config *config, git_tree *tree)
{
    g_autofree char *own = repo_file(repo, "info/attributes");
    GString *text = g_string_new(NULL);
    gpointer data[] = {tree, text};
    append_shared_attributes(text, config);
    append_file(text, own);
    git_tree_walk(tree, GIT_TREEWALK_PRE, append_if_attributes, data);
    return g_string_free(text, FALSE);
}

/* Whether @key is one of a filter's ("filter.NAME.smudge") that @attributes name. */
static gboolean is_filter_in_use(const char *key, const char *attributes)
{
    const char *name = key + strlen("filter.");
    const char *end = strrchr(key, '.');
    if (!g_str_has_prefix(key, "filter.") || end <= name)
        return FALSE;
    g_autofree char *use = g_strdup_printf("filter=%.*s", (int)(end - name), name);
    return strstr(attributes, use) != NULL;
}

/* Whether @attributes name a filter that the config defines. */
static gboolean uses_filter(const git_config *config, const char *attributes)
{
    g_autoptr(git_config_iterator) iterator = NULL;
    git_config_entry *entry;
    /* Not the iterator with a pattern: libgit2 1.5 leaks 20 kB for each match. */
    if (git_config_iterator_new(&iterator, config) < 0)
        return FALSE;
    while (git_config_next(&entry, iterator) == 0) {
        if (is_filter_in_use(entry->name, attributes))
            return TRUE;
    }
    return FALSE;
}

gboolean worktree_needs_git(const Repo *repo, const git_oid *commit)
{
    git_config *config = repo_config(repo);
    g_autoptr(git_object) tree = NULL;
    g_autoptr(git_object) object = NULL;
    if (!config)
        return FALSE;
    if (repo_is_sparse(repo) || is_partial(config))
        return TRUE;
    if (git_object_lookup(&object, repo->git, commit, GIT_OBJECT_COMMIT) < 0 ||
        git_object_peel(&tree, object, GIT_OBJECT_TREE) < 0)
        return FALSE;
    if (git_tree_entry_byname((git_tree *)tree, ".gitmodules"))
        return TRUE;
    g_autofree char *attributes = all_attributes(repo, config, (git_tree *)tree);
    return strstr(attributes, "working-tree-encoding") || uses_filter(config, attributes);
}

gboolean worktree_has_id_by_git(const Repo *repo, const char *name, const git_oid *id)
{
    const char *const arguments[] = {"hash-object", "--", name, NULL};
    g_autofree char *own = NULL;
    return git_program_run(repo, repo_work_tree(repo), arguments, &own, NULL) &&
           g_str_equal(g_strchomp(own), git_oid_tostr_s(id));
}

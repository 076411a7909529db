/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/merged.h"

#include "git/places.h"

static git_tree *tree_of(const git_commit *commit)
{
    git_tree *tree = NULL;
    return git_commit_tree(&tree, commit) == 0 ? tree : NULL;
}

static gboolean is_empty(git_diff *diff_taken)
{
    gboolean empty = diff_taken && git_diff_num_deltas(diff_taken) == 0;
    git_diff_free(diff_taken);
    return empty;
}

/* Whether @tip changes something since it left @base. */
static gboolean changes_something(const Repo *repo, const git_commit *base, const git_commit *tip)
{
    g_autoptr(git_commit) fork = NULL;
    git_oid id;
    if (git_merge_base(&id, repo->git, git_commit_id(base), git_commit_id(tip)) < 0 ||
        git_commit_lookup(&fork, repo->git, &id) < 0)
        return FALSE;
    g_autoptr(git_tree) before = tree_of(fork);
    g_autoptr(git_tree) after = tree_of(tip);
    git_diff *diff = NULL;
    return before && after && git_diff_tree_to_tree(&diff, repo->git, before, after, NULL) == 0 &&
           !is_empty(diff);
}

static gboolean merge_changes_nothing(const Repo *repo, const git_commit *base,
                                      const git_commit *tip)
{
    g_autoptr(git_index) merged = NULL;
    g_autoptr(git_tree) tree = tree_of(base);
    git_diff *diff = NULL;
    return tree && git_merge_commits(&merged, repo->git, base, tip, NULL) == 0 &&
           !git_index_has_conflicts(merged) &&
           git_diff_tree_to_index(&diff, repo->git, tree, merged, NULL) == 0 && is_empty(diff);
}

static gboolean is_in(const Repo *repo, const char *reference, const git_commit *tip)
{
    g_autoptr(git_reference) found = NULL;
    g_autoptr(git_object) base = NULL;
    return git_reference_lookup(&found, repo->git, reference) == 0 &&
           git_reference_peel(&base, found, GIT_OBJECT_COMMIT) == 0 &&
           changes_something(repo, (git_commit *)base, tip) &&
           merge_changes_nothing(repo, (git_commit *)base, tip);
}

static gboolean is_in_a_remote(const Repo *repo, const char *base, const git_commit *tip)
{
    git_strarray remotes = {NULL, 0};
    gboolean found = FALSE;
    if (git_remote_list(&remotes, repo->git) < 0)
        return FALSE;
    for (gsize i = 0; i < remotes.count && !found; i++) {
        g_autofree char *reference = g_strconcat(REMOTES, remotes.strings[i], "/", base, NULL);
        found = is_in(repo, reference, tip);
    }
    git_strarray_dispose(&remotes);
    return found;
}

gboolean worktree_is_merged(const Repo *repo, const char *branch, const git_oid *tip)
{
    g_autofree char *base = worktree_kept_base(repo, branch);
    g_autofree char *local = g_strconcat(HEADS, base ? base : "", NULL);
    g_autofree char *own = g_strconcat(HEADS, branch, NULL);
    g_autofree char *head = worktree_head(repo);
    g_autoptr(git_commit) commit = NULL;
    if (git_commit_lookup(&commit, repo->git, tip) < 0)
        return FALSE;
    if (base && (is_in(repo, local, commit) || is_in_a_remote(repo, base, commit)))
        return TRUE;
    return head && !g_str_equal(head, own) && is_in(repo, head, commit);
}

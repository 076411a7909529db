/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/lost-commits.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file-read.h"
#include "git/merged.h"
#include "git/places.h"
#include "git/program.h"

#define REFERENCE_MAX (64 * 1024)

/* Some commits, and the references beside which nothing of theirs is lost. */
typedef struct {
    GArray *tips; /* git_oid */
    const References *references;
    ReferenceKinds safe;
    const git_oid *except; /* the commit of a branch that does not count; NULL: all do */
} Reach;

static Reach *reach_new(const Repo *repo, ReferenceKinds safe, const git_oid *except)
{
    Reach *reach = g_new0(Reach, 1);
    *reach = (Reach){
        .tips = g_array_new(FALSE, FALSE, sizeof(git_oid)),
        .references = repo_references(repo),
        .safe = safe,
        .except = except,
    };
    return reach;
}

static void reach_free(Reach *reach)
{
    g_array_unref(reach->tips);
    g_free(reach);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reach, reach_free)

static void add_reference(GArray *ids, const Repo *repo, const char *name)
{
    g_autoptr(git_reference) reference = NULL;
    g_autoptr(git_object) commit = NULL;
    if (git_reference_lookup(&reference, repo->git, name) == 0 &&
        git_reference_peel(&commit, reference, GIT_OBJECT_COMMIT) == 0)
        g_array_append_vals(ids, git_object_id(commit), 1);
}

static gboolean contains(const GArray *ids, const git_oid *id)
{
    for (guint i = 0; i < ids->len; i++) {
        if (git_oid_equal(&g_array_index(ids, git_oid, i), id))
            return TRUE;
    }
    return FALSE;
}

/* Drops the tips that are safe as they are: most are, and then there is nothing to walk. */
static void drop_safe_tips(Reach *reach)
{
    for (guint i = reach->tips->len; i-- > 0;) {
        if (references_have(reach->references, &g_array_index(reach->tips, git_oid, i), reach->safe,
                            reach->except))
            g_array_remove_index(reach->tips, i);
    }
}

static void add_commit(GPtrArray *commits, const Repo *repo, const git_oid *id)
{
    g_autoptr(git_commit) commit = NULL;
    const char *summary = NULL;
    if (git_commit_lookup(&commit, repo->git, id) == 0)
        summary = git_commit_summary(commit);
    g_ptr_array_add(commits,
                    g_strdup_printf("%.7s %s", git_oid_tostr_s(id), summary ? summary : ""));
}

static GArray *safe_commits(const Reach *reach)
{
    GArray *safe = g_array_new(FALSE, FALSE, sizeof(git_oid));
    references_add_all(reach->references, safe, reach->safe, reach->except);
    return safe;
}

static gboolean walk(const Repo *repo, const Reach *reach, GPtrArray *commits)
{
    g_autoptr(GArray) safe = safe_commits(reach);
    g_autoptr(git_revwalk) revwalk = NULL;
    git_oid id;
    int result = git_revwalk_new(&revwalk, repo->git);
    for (guint i = 0; i < reach->tips->len && result == 0; i++)
        result = git_revwalk_push(revwalk, &g_array_index(reach->tips, git_oid, i));
    for (guint i = 0; i < safe->len && result == 0; i++)
        result = git_revwalk_hide(revwalk, &g_array_index(safe, git_oid, i));
    while (result == 0) {
        result = git_revwalk_next(&id, revwalk);
        if (result == 0)
            add_commit(commits, repo, &id);
    }
    return result == GIT_ITEROVER;
}

/* The same by the git program: libgit2 before 1.7 fails at the end of a shallow clone's history.
 */
static gboolean walk_by_git(const Repo *repo, const Reach *reach, GPtrArray *commits,
                            GError **error)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) safe = safe_commits(reach);
    g_autofree char *lines = NULL;
    g_ptr_array_add(arguments, g_strdup("log"));
    g_ptr_array_add(arguments, g_strdup("--format=%h %s"));
    for (guint i = 0; i < reach->tips->len; i++)
        g_ptr_array_add(arguments,
                        g_strdup(git_oid_tostr_s(&g_array_index(reach->tips, git_oid, i))));
    g_ptr_array_add(arguments, g_strdup("--not"));
    for (guint i = 0; i < safe->len; i++)
        g_ptr_array_add(arguments, g_strdup(git_oid_tostr_s(&g_array_index(safe, git_oid, i))));
    g_ptr_array_add(arguments, NULL);
    if (!git_program_run(repo, git_repository_path(repo->git),
                         (const char *const *)arguments->pdata, &lines, error))
        return FALSE;
    work_add_lines(commits, lines, 0);
    return TRUE;
}

/* Adds to @commits those that only the tips reach, and nothing safe does. */
static gboolean add_lost(const Repo *repo, Reach *reach, GPtrArray *commits, GError **error)
{
    drop_safe_tips(reach);
    if (reach->tips->len == 0)
        return TRUE;
    if (git_repository_is_shallow(repo->git) == 1)
        return walk_by_git(repo, reach, commits, error);
    if (walk(repo, reach, commits))
        return TRUE;
    git_library_error(error, STORKIT_ERROR_WORKTREE_FAILED, "cannot read the history of %s",
                      git_repository_path(repo->git));
    return FALSE;
}

gboolean work_add_own_commits(Work *work, const Repo *repo)
{
    gboolean linked = git_repository_is_worktree(repo->git) == 1;
    ReferenceKinds safe = REFERENCES_REMOTES | REFERENCES_TAGS | (linked ? REFERENCES_HEADS : 0);
    g_autoptr(Reach) reach = reach_new(repo, safe, NULL);
    add_reference(reach->tips, repo, "HEAD");
    if (!linked) {
        references_add_all(reach->references, reach->tips, REFERENCES_HEADS, NULL);
        add_reference(reach->tips, repo, "refs/stash");
    }
    return add_lost(repo, reach, work->commits, NULL);
}

/* Drops the tips whose changes the branch's base has by another way. */
static void drop_merged_tips(Reach *reach, const Repo *repo, const char *branch)
{
    drop_safe_tips(reach);
    for (guint i = reach->tips->len; i-- > 0;)
        if (worktree_is_merged(repo, branch, &g_array_index(reach->tips, git_oid, i)))
            g_array_remove_index(reach->tips, i);
}

gboolean work_add_branch(Work *work, const Repo *repo, const char *branch, const Repo *tree,
                         GError **error)
{
    g_autofree char *reference = g_strconcat(HEADS, branch, NULL);
    git_oid own;
    gboolean there = git_reference_name_to_id(&own, repo->git, reference) == 0;
    g_autoptr(Reach) reach =
        reach_new(repo, REFERENCES_HEADS | REFERENCES_REMOTES, there ? &own : NULL);
    add_reference(reach->tips, repo, reference);
    if (tree && git_repository_head_detached(tree->git) == 1)
        add_reference(reach->tips, tree, "HEAD");
    drop_merged_tips(reach, repo, branch);
    return add_lost(repo, reach, work->commits, error);
}

/* Whether the reflog's @message is that of a checkout away from a detached HEAD: what stands there
 * is its full id. */
static gboolean leaves_detached_head(const char *message)
{
    static const char prefix[] = "checkout: moving from ";
    const char *from = message && g_str_has_prefix(message, prefix) ? message + strlen(prefix) : "";
    return strspn(from, "0123456789abcdef") == GIT_OID_HEXSZ && from[GIT_OID_HEXSZ] == ' ';
}

static void add_left_heads(GArray *tips, const Repo *tree)
{
    g_autoptr(git_reflog) log = NULL;
    /* Reading one that is not there makes it. */
    if (git_reference_has_log(tree->git, "HEAD") != 1 ||
        git_reflog_read(&log, tree->git, "HEAD") < 0)
        return;
    for (gsize i = 0; i < git_reflog_entrycount(log); i++) {
        const git_reflog_entry *entry = git_reflog_entry_byindex(log, i);
        const git_oid *id = git_reflog_entry_id_old(entry);
        g_autoptr(git_commit) commit = NULL;

        /* A commit that git has collected is lost already. */
        if (leaves_detached_head(git_reflog_entry_message(entry)) && !contains(tips, id) &&
            git_commit_lookup(&commit, tree->git, id) == 0)
            g_array_append_vals(tips, id, 1);
    }
}

/* Adds the commit that the loose reference @path has, if it is one. */
static void add_loose_reference(GArray *tips, const Repo *tree, const char *path)
{
    g_autofree char *content = file_read_text(path, REFERENCE_MAX);
    g_autoptr(git_object) object = NULL;
    g_autoptr(git_object) commit = NULL;
    git_oid id;
    if (content && git_oid_fromstr(&id, g_strchomp(content)) == 0 &&
        git_object_lookup(&object, tree->git, &id, GIT_OBJECT_ANY) == 0 &&
        git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0)
        g_array_append_vals(tips, git_object_id(commit), 1);
}

/* Adds the references that are this worktree's only (refs/worktree, refs/bisect, refs/rewritten):
 * libgit2 has no list of them. Git never packs them. */
static void add_own_references(GArray *tips, const Repo *tree, const char *folder)
{
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat info;
        if (lstat(path, &info) < 0)
            continue;
        if (S_ISDIR(info.st_mode))
            add_own_references(tips, tree, path);
        else if (S_ISREG(info.st_mode))
            add_loose_reference(tips, tree, path);
    }
}

/* Git keeps work of its own until a rebase or merge is finished: an autostash, resolved conflicts.
 * A bisect has none. */
static gboolean is_unfinished(const Repo *tree)
{
    int state = git_repository_state(tree->git);
    return state != GIT_REPOSITORY_STATE_NONE && state != GIT_REPOSITORY_STATE_BISECT;
}

void work_add_left(Work *work, const Repo *repo, const Repo *tree, const char *admin)
{
    g_autoptr(Reach) reach = reach_new(repo, REFERENCES_ALL, NULL);
    g_autoptr(GPtrArray) commits = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *references = g_build_filename(admin, "refs", NULL);
    if (is_unfinished(tree))
        g_ptr_array_add(work->files, g_strdup("an unfinished rebase or merge"));
    add_left_heads(reach->tips, tree);
    add_own_references(reach->tips, tree, references);
    if (git_repository_head_detached(tree->git) == 1)
        add_reference(reach->tips, tree, "HEAD");
    if (!add_lost(repo, reach, commits, NULL))
        work_add_unknown(work, admin);
    for (guint i = 0; i < commits->len; i++) {
        if (!work_is_listed(work->commits, commits->pdata[i]))
            g_ptr_array_add(work->commits, g_strdup(commits->pdata[i]));
    }
}

void work_add_left_in(Work *work, const Repo *repo, const char *admin)
{
    g_autoptr(Repo) tree = repo_open_other(repo, admin, NULL);
    if (tree)
        work_add_left(work, repo, tree, admin);
    else
        work_add_unknown(work, admin);
}

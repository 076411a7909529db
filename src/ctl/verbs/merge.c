/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ctl/git.h"
#include "ctl/info.h"
#include "ctl/json-path.h"
#include "ctl/verb.h"
#include "ctl/verbs/worktrees.h"

/*
 * Merges a story's branch into its base, with git's program in the folder that has the base checked
 * out, and removes the worktree and the branch. Every reason against it is found before anything is
 * changed.
 */

static gboolean arg_squash;
static char *arg_message;

typedef struct {
    const char *story;
    const char *path; /* of its worktree; NULL: only the branch is here */
    char *branch;     /* without a worktree */
    char *base;
    char *folder; /* the work tree that has the base checked out */
    char *commit; /* the branch's, as it is merged */
} Merge;

static void merge_clear(Merge *merge)
{
    g_free(merge->branch);
    g_free(merge->base);
    g_free(merge->folder);
    g_free(merge->commit);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Merge, merge_clear)

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean refuse(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_REFUSED, message);
    return FALSE;
}

static gboolean check_no_live_run(Ctl *ctl, const Merge *merge, GError **error)
{
    g_autoptr(GPtrArray) runs = run_info_list(ctl->bus, ctl->project, error);
    for (guint i = 0; runs && i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        if (run_info_is_live(info) && g_str_equal(info->story, merge->story))
            return refuse(error,
                          "%s/%s is still %s: wait for its end (`storkitctl wait %s`) or stop it",
                          info->story, info->agent, info->status, info->story);
    }
    return runs != NULL;
}

static gboolean check_committed(const Merge *merge, GError **error)
{
    if (!merge->path)
        return TRUE;
    g_autofree char *changes = git_output(merge->path, error, "status", "--porcelain", NULL);
    if (!changes)
        return FALSE;
    if (!*changes)
        return TRUE;
    return refuse(error,
                  "%s has uncommitted work: commit it (`storkitctl shell %s`), or let the agent do "
                  "it (`storkitctl resume %s \"Commit your work.\"`)",
                  merge->story, merge->story, merge->story);
}

static gboolean find_folder(Ctl *ctl, Merge *merge, GError **error)
{
    g_autofree char *ref = g_strconcat("refs/heads/", merge->base, NULL);
    g_autofree char *list =
        git_output(ctl->project, error, "worktree", "list", "--porcelain", NULL);
    if (!list)
        return FALSE;
    merge->folder = git_work_tree_of(list, ref);
    if (!merge->folder)
        return refuse(error,
                      "its base branch %s is not checked out: `git -C %s switch %s` checks it out",
                      merge->base, ctl->project, merge->base);
    if (git_succeeds(merge->folder, "diff", "--cached", "--quiet", NULL))
        return TRUE;
    return refuse(error, "%s has staged changes: commit them first", merge->folder);
}

/* A merge in memory; it touches no file. */
static gboolean check_conflicts(const Merge *merge, GError **error)
{
    if (git_succeeds(merge->folder, "merge-tree", "--write-tree", merge->base, merge->commit, NULL))
        return TRUE;
    return refuse(error,
                  "%s conflicts with %s: merge %s into it and resolve (`storkitctl shell %s -- git "
                  "merge %s`), then try again",
                  merge->story, merge->base, merge->base, merge->story, merge->base);
}

/* The commit that the story is at. */
static char *commit_of(Ctl *ctl, const Merge *merge, GError **error)
{
    return merge->path
               ? git_output(merge->path, error, "rev-parse", "--verify", "HEAD", NULL)
               : git_output(ctl->project, error, "rev-parse", "--verify", merge->branch, NULL);
}

static gboolean prepare(Ctl *ctl, Merge *merge, GError **error)
{
    if (!check_no_live_run(ctl, merge, error) || !check_committed(merge, error))
        return FALSE;
    merge->commit = commit_of(ctl, merge, error);
    return merge->commit && find_folder(ctl, merge, error) && check_conflicts(merge, error);
}

static gboolean take_worktree(JsonObject *worktree, Merge *merge, GError **error)
{
    merge->story = json_get_string(worktree, "story") ?: "";
    merge->path = json_get_string(worktree, "path") ?: "";
    merge->base = worktrees_check_there(worktree, error) ? git_base_of(worktree, error) : NULL;
    return merge->base != NULL;
}

/* A story whose branch fetch has brought, and which has no worktree here. */
static gboolean take_branch(Ctl *ctl, const char *story, Merge *merge)
{
    merge->story = story;
    merge->branch = g_strconcat("refs/heads/story/", story, NULL);
    g_autofree char *key = g_strdup_printf("branch.story/%s.storkitBase", story);
    if (git_succeeds(ctl->project, "show-ref", "--verify", "--quiet", merge->branch, NULL))
        merge->base = git_output(ctl->project, NULL, "config", key, NULL);
    return merge->base != NULL;
}

static gboolean find_story(Ctl *ctl, JsonArray *worktrees, const char *named, Merge *merge,
                           GError **error)
{
    g_autoptr(GError) problem = NULL;
    JsonObject *worktree = worktrees_find(ctl, worktrees, named, &problem);
    if (worktree)
        return take_worktree(worktree, merge, error);
    if (g_error_matches(problem, CTL_ERROR, CTL_ERROR_NO_SUCH_RUN) &&
        take_branch(ctl, named ?: ctl->story, merge))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean do_merge(const Merge *merge, GError **error)
{
    g_autofree char *message =
        g_strdup(arg_message) ?: g_strdup_printf("Merge story %s", merge->story);
    g_autofree char *output =
        git_output(merge->folder, error, "merge", "-m", message, merge->commit, NULL);
    return output != NULL;
}

static gboolean do_squash(const Merge *merge, GError **error)
{
    g_autofree char *merged =
        git_output(merge->folder, error, "merge", "--squash", merge->commit, NULL);
    if (!merged || git_succeeds(merge->folder, "diff", "--cached", "--quiet", NULL))
        return merged != NULL; /* the base has it all */
    g_autofree char *committed =
        arg_message ? git_output(merge->folder, error, "commit", "-m", arg_message, NULL)
                    : git_output(merge->folder, error, "commit", "--no-edit", NULL);
    if (committed)
        return TRUE;
    (void)git_succeeds(merge->folder, "reset", "--merge", NULL);
    return FALSE;
}

static gboolean remove_branch(Ctl *ctl, const Merge *merge, GError **error)
{
    g_autofree char *key = g_strdup_printf("branch.story/%s", merge->story);
    g_autofree char *removed =
        git_output(ctl->project, error, "update-ref", "-d", merge->branch, merge->commit, NULL);
    if (removed)
        (void)git_succeeds(ctl->project, "config", "--remove-section", key, NULL);
    return removed != NULL;
}

/* After a squash, no branch has the story's commits. Only merged work is removed by force. */
static gboolean remove_worktree(Ctl *ctl, const Merge *merge, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (!merge->path)
        return remove_branch(ctl, merge, error);
    if (bus_call(ctl->bus, "RemoveWorktree", NULL, &problem, "ssb", ctl->project, merge->story,
                 FALSE))
        return TRUE;
    g_autofree char *commit = git_output(merge->path, NULL, "rev-parse", "HEAD", NULL);
    if (arg_squash && g_strcmp0(commit, merge->commit) == 0 && check_committed(merge, NULL))
        return bus_call(ctl->bus, "RemoveWorktree", NULL, error, "ssb", ctl->project, merge->story,
                        TRUE);
    g_propagate_error(error, g_steal_pointer(&problem));
    g_prefix_error(error, "merged into %s, but the worktree stays: ", merge->base);
    return FALSE;
}

static void print_merged(Ctl *ctl, const Merge *merge)
{
    g_autofree char *commit = git_output(merge->folder, NULL, "rev-parse", "HEAD", NULL);
    if (!ctl->json) {
        ctl_note(ctl, "%s is merged into %s; its %sbranch %s removed", merge->story, merge->base,
                 merge->path ? "worktree and " : "", merge->path ? "are" : "is");
        return;
    }
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "story", merge->story);
    json_object_set_string_member(object, "base_branch", merge->base);
    json_object_set_string_member(object, "commit", commit ?: "");
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    ctl_print_json(node);
}

static int merge_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    g_autoptr(JsonArray) worktrees = worktrees_list(ctl, error);
    g_auto(Merge) merge = {0};
    git_forget_environment();
    if (!worktrees || !find_story(ctl, worktrees, arguments[0], &merge, error))
        return -1;
    if (!prepare(ctl, &merge, error))
        return -1;
    if (!(arg_squash ? do_squash(&merge, error) : do_merge(&merge, error)))
        return -1;
    if (!remove_worktree(ctl, &merge, error))
        return -1;
    print_merged(ctl, &merge);
    return 0;
}

static const GOptionEntry options[] = {
    {"squash", 0, 0, G_OPTION_ARG_NONE, &arg_squash, "Squash the story into one commit", NULL},
    {"message", 'm', 0, G_OPTION_ARG_FILENAME, &arg_message,
     "Message of the merge or squash commit", "TEXT"},
    {NULL},
};

const Verb merge_verb = {
    .name = "merge",
    .synopsis = "[STORY]",
    .summary = "Merge a story into its base and remove its worktree",
    .arguments = ARGUMENT_WORKTREE,
    .most = 1,
    .options = options,
    .run = merge_verb_run,
};

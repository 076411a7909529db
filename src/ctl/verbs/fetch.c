/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ctl/git.h"
#include "ctl/hosts/ask.h"
#include "ctl/hosts/code.h"
#include "ctl/hosts/names.h"
#include "ctl/json-path.h"
#include "ctl/verb.h"
#include "ctl/verbs/worktrees.h"

/*
 * fetch: a story's branch, from another machine into the branch of that name here. That one only
 * moves forward, and no file that was changed here is written over.
 */

typedef struct {
    Ctl *ctl;
    const char *story, *branch;
    char *ref;     /* the branch here */
    char *fetched; /* where git puts what comes */
    char *commit;  /* that is this one */
} Fetch;

static void fetch_clear(Fetch *fetch)
{
    g_free(fetch->ref);
    g_free(fetch->fetched);
    g_free(fetch->commit);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fetch, fetch_clear)

static gboolean git_does(const Fetch *fetch, GError **error, const char *verb, const char *first,
                         const char *second, const char *third)
{
    g_autofree char *output =
        git_output(fetch->ctl->project, error, verb, first, second, third, NULL);
    return output != NULL;
}

static gboolean is_ancestor(const Fetch *fetch, const char *of_both, const char *other)
{
    return git_succeeds(fetch->ctl->project, "merge-base", "--is-ancestor", of_both, other, NULL);
}

/* Moves the branch, with the files of a work tree that has it checked out. */
static gboolean move_forward(const Fetch *fetch, GError **error)
{
    g_autofree char *list =
        git_output(fetch->ctl->project, error, "worktree", "list", "--porcelain", NULL);
    g_autofree char *folder = list ? git_work_tree_of(list, fetch->ref) : NULL;
    if (!list)
        return FALSE;
    if (!folder) {
        g_autofree char *old =
            git_output(fetch->ctl->project, NULL, "rev-parse", "--verify", fetch->ref, NULL);
        return git_does(fetch, error, "update-ref", fetch->ref, fetch->commit, old);
    }
    g_autofree char *output =
        git_output(folder, error, "merge", "--quiet", "--ff-only", fetch->commit, NULL);
    return output != NULL;
}

static gboolean set_diverged(const Fetch *fetch, GError **error)
{
    g_set_error(error, CTL_ERROR, CTL_ERROR_REFUSED,
                "%s has gone another way here than on %s, whose commits are at %s: `git merge %s` "
                "into it",
                fetch->branch, fetch->ctl->hosts[0], fetch->fetched, fetch->fetched);
    return FALSE;
}

/* @ret_news: whether there was anything new. */
static gboolean take_over(const Fetch *fetch, gboolean *ret_news, GError **error)
{
    gboolean there =
        git_succeeds(fetch->ctl->project, "show-ref", "--verify", "--quiet", fetch->ref, NULL);
    *ret_news = !there || !is_ancestor(fetch, fetch->commit, fetch->ref);
    if (!there)
        return git_does(fetch, error, "update-ref", fetch->ref, fetch->commit, "");
    if (!*ret_news)
        return TRUE;
    if (!is_ancestor(fetch, fetch->ref, fetch->commit))
        return set_diverged(fetch, error);
    return move_forward(fetch, error);
}

/* So that diff and merge know it here. There it may be the branch that came from here. */
static void keep_base(const Fetch *fetch, JsonObject *worktree)
{
    const char *base = json_get_string(worktree, "base_branch");
    g_autofree char *key = g_strdup_printf("branch.%s.storkitBase", fetch->branch);
    if (!base || git_succeeds(fetch->ctl->project, "config", "--get", key, NULL))
        return;
    if (g_str_has_prefix(base, CODE_REMOTE))
        base += strlen(CODE_REMOTE);
    (void)git_succeeds(fetch->ctl->project, "config", key, base, NULL);
}

static void print_fetched(const Fetch *fetch, JsonObject *worktree, gboolean news)
{
    const char *host = fetch->ctl->hosts[0];
    if (json_get_boolean(worktree, "dirty"))
        ctl_warn("%s on %s has uncommitted work, which stays there", fetch->story, host);
    if (!fetch->ctl->json) {
        ctl_note(fetch->ctl, news ? "%s is here as on %s" : "%s is here already, as on %s",
                 fetch->branch, host);
        return;
    }
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "host", host);
    json_object_set_string_member(object, "story", fetch->story);
    json_object_set_string_member(object, "branch", fetch->branch);
    json_object_set_string_member(object, "commit", fetch->commit);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    ctl_print_json(node);
}

static int fetch_worktree(Ctl *ctl, JsonObject *worktree, GError **error)
{
    gboolean news;
    g_auto(Fetch) fetch = {
        .ctl = ctl,
        .story = json_get_string(worktree, "story") ?: "",
        .branch = json_get_string(worktree, "branch") ?: "",
    };
    fetch.ref = g_strconcat("refs/heads/", fetch.branch, NULL);
    fetch.fetched = g_strconcat("refs/storkit/fetched/", fetch.story, NULL);
    if (!code_fetch(ctl, fetch.branch, fetch.fetched, error))
        return -1;
    fetch.commit = git_output(ctl->project, error, "rev-parse", "--verify", fetch.fetched, NULL);
    if (!fetch.commit || !take_over(&fetch, &news, error))
        return -1;
    (void)git_succeeds(ctl->project, "update-ref", "-d", fetch.fetched, NULL);
    keep_base(&fetch, worktree);
    print_fetched(&fetch, worktree, news);
    return 0;
}

static gboolean check_host(Ctl *ctl, GError **error)
{
    if (ctl->hosts && !hosts_is_here(ctl->hosts[0]))
        return TRUE;
    if (ctl_find_project(ctl, error))
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "fetch takes the host to fetch from: storkitctl -H HOST fetch STORY");
    return FALSE;
}

static int fetch_verb_run(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    if (!check_host(ctl, error) || !code_find(ctl, error))
        return -1;
    g_autoptr(GPtrArray) answers = hosts_ask(ctl, "worktrees", NULL);
    const HostAnswer *answer = answers->pdata[0];
    if (answer->state != HOST_FINE) {
        hosts_warn(answers);
        return hosts_status(answers);
    }
    JsonObject *worktree = worktrees_find(ctl, answer->array, arguments[0], error);
    return worktree ? fetch_worktree(ctl, worktree, error) : -1;
}

const Verb fetch_verb = {
    .name = "fetch",
    .synopsis = "[STORY]",
    .summary = "With -H: bring a story's branch here",
    .arguments = ARGUMENT_WORKTREE,
    .most = 1,
    .offline = TRUE,
    .here = TRUE,
    .run = fetch_verb_run,
};

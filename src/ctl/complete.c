/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/git.h"
#include "ctl/info.h"
#include "ctl/json-path.h"
#include "ctl/options.h"
#include "ctl/questions.h"
#include "ctl/remote.h"
#include "ctl/select.h"
#include "ctl/verb.h"

/*
 * What may stand for the last word of a command line, one candidate a line. The scripts under
 * data/completions only ask and show; so they never know less than this program.
 *
 * The service is asked only if it runs already, and never long: a shell must not hang on Tab.
 */

typedef struct {
    Ctl *ctl;
    char **words;
    const char *word;           /* the last, which is being typed */
    const Verb *verb;           /* NULL: not named yet */
    const GOptionEntry *valued; /* whose value is being typed, or NULL */
    guint position;             /* arguments before the word */
    char *first, *last;         /* of these, or NULL */
    gboolean separated;         /* it is after "--" */
} Completion;

static void offer(const Completion *completion, const char *candidate)
{
    if (candidate && g_str_has_prefix(candidate, completion->word))
        puts(candidate);
}

static void offer_options(const Completion *completion, const GOptionEntry *options)
{
    for (; options && options->long_name; options++) {
        g_autofree char *option = g_strdup_printf("--%s%s", options->long_name,
                                                  options->arg == G_OPTION_ARG_NONE ? "" : "=");
        offer(completion, option);
    }
}

static void offer_verbs(const Completion *completion)
{
    for (const VerbGroup *group = verb_groups; group->verbs; group++)
        for (const Verb *const *verb = group->verbs; *verb; verb++)
            offer(completion, (*verb)->name);
}

static gboolean connect_quickly(Ctl *ctl)
{
    if (!ctl->bus)
        (void)ctl_open(ctl, NULL);
    return ctl->bus != NULL;
}

/* A run that waits for the end of a usage limit is started now. */
static gboolean can_resume(const RunInfo *info)
{
    return !run_info_is_live(info) ||
           (run_info_is_pending(info) && g_strcmp0(run_info_string(info, "waiting"), "limit") == 0);
}

static gboolean is_frozen(const RunInfo *info)
{
    return run_info_flag(info, "frozen");
}

static gboolean can_freeze(const RunInfo *info)
{
    return run_info_is_running(info) && !is_frozen(info);
}

static gboolean asks(const RunInfo *info)
{
    return json_array_length(json_get_array(info->json, "questions")) > 0;
}

/* Verbs that refuse some runs, and which they take. */
static const struct {
    const Verb *verb;
    gboolean (*takes)(const RunInfo *info);
} choosy_verbs[] = {
    {&resume_verb, can_resume},     {&freeze_verb, can_freeze},       {&thaw_verb, is_frozen},
    {&send_verb, run_info_is_live}, {&attach_verb, run_info_is_live}, {&answer_verb, asks},
    {&questions_verb, asks},
};

static gboolean is_taken(const Completion *completion, const RunInfo *info)
{
    const char *agent = completion->ctl->agent;
    if (agent && !g_str_equal(info->agent, agent))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(choosy_verbs); i++)
        if (choosy_verbs[i].verb == completion->verb)
            return choosy_verbs[i].takes(info);
    return TRUE;
}

/* The agents of the one story that begins with the part before the slash, appended to that as
 * typed: a shell only accepts candidates that begin with the word. */
static void offer_runs_of_story(const Completion *completion, GPtrArray *runs)
{
    const char *slash = strchr(completion->word, '/');
    g_autofree char *typed = g_strndup(completion->word, slash - completion->word);
    char *const arguments[] = {typed, NULL};
    g_autoptr(GPtrArray) found =
        select_listed(completion->ctl, runs, arguments, SELECT_ALL_AGENTS, NULL);
    for (guint i = 0; found && i < found->len; i++) {
        const RunInfo *info = found->pdata[i];
        g_autofree char *candidate = g_strdup_printf("%s/%s", typed, info->agent);
        if (is_taken(completion, info))
            offer(completion, candidate);
    }
}

static void offer_stories(const Completion *completion, GPtrArray *runs)
{
    const char *previous = "";
    for (guint i = 0; i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        if (!is_taken(completion, info) || g_str_equal(info->story, previous))
            continue;
        offer(completion, info->story);
        previous = info->story;
    }
}

static GPtrArray *list_runs(const Completion *completion)
{
    Ctl *ctl = completion->ctl;
    g_autoptr(JsonNode) list = bus_ask_quickly(ctl->bus, "List", NULL);
    return list ? run_info_list_from_json(list, ctl->project) : NULL;
}

static void offer_runs(const Completion *completion)
{
    g_autoptr(GPtrArray) runs = list_runs(completion);
    if (!runs)
        return;
    if (strchr(completion->word, '/'))
        offer_runs_of_story(completion, runs);
    else
        offer_stories(completion, runs);
}

static void offer_options_of(const Completion *completion, const OpenQuestion *question)
{
    const char *name, *option;
    for (guint i = 0; (option = open_question_option(question, i, &name)); i++)
        offer(completion, option);
}

/* After the run of `answer`: its questions, or what answers the first of them; after a question,
 * what answers that. */
static void offer_answers(const Completion *completion)
{
    char *const arguments[] = {completion->first, NULL};
    g_autoptr(GPtrArray) runs = list_runs(completion);
    g_autoptr(GPtrArray) found =
        runs && completion->first
            ? select_listed(completion->ctl, runs, arguments, SELECT_ALL_AGENTS, NULL)
            : NULL;
    g_autoptr(GPtrArray) questions = found ? open_questions(found) : NULL;
    for (guint i = 0; questions && i < questions->len; i++) {
        const OpenQuestion *question = questions->pdata[i];
        if (completion->position == 1)
            offer(completion, question->id);
        if (completion->position == 1 ? i == 0 : g_strcmp0(question->id, completion->last) == 0)
            offer_options_of(completion, question);
    }
}

static void offer_worktrees(const Completion *completion)
{
    Ctl *ctl = completion->ctl;
    g_autoptr(JsonNode) list = bus_ask_quickly(ctl->bus, "ListWorktrees", "s", ctl->project ?: "");
    JsonArray *worktrees = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;
    for (guint i = 0; i < json_array_length(worktrees); i++)
        offer(completion, json_get_string(json_array_get_object(worktrees, i), "story"));
}

/* The agents of the roster, each after @prefix. */
static void offer_agents(const Completion *completion, const char *prefix)
{
    Ctl *ctl = completion->ctl;
    g_autoptr(JsonNode) config = bus_ask_quickly(ctl->bus, "GetConfig", "s", ctl->project ?: "");
    JsonObject *object =
        config && JSON_NODE_HOLDS_OBJECT(config) ? json_node_get_object(config) : NULL;
    JsonArray *agents = json_get_array(object, "agents");
    for (guint i = 0; i < json_array_length(agents); i++) {
        const char *name = json_get_string(json_array_get_object(agents, i), "name");
        g_autofree char *candidate = g_strconcat(prefix, name ?: "", NULL);
        offer(completion, candidate);
    }
}

/* A story to start: one that has a worktree already, or with a slash after it an agent for it. */
static void offer_new_run(const Completion *completion)
{
    const char *slash = strchr(completion->word, '/');
    if (!slash) {
        offer_worktrees(completion);
        return;
    }
    g_autofree char *story = g_strndup(completion->word, slash - completion->word + 1);
    offer_agents(completion, story);
}

static void offer_arguments(const Completion *completion)
{
    guint position = completion->position;
    switch (completion->verb->arguments) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_RUN:
        if (position == 0)
            offer_runs(completion);
        break;
    case ARGUMENT_ANSWER:
        if (position == 0)
            offer_runs(completion);
        else if (position <= 2)
            offer_answers(completion);
        break;
    case ARGUMENT_RUNS:
        offer_runs(completion);
        break;
    case ARGUMENT_NEW_RUN:
        if (position == 0)
            offer_new_run(completion);
        break;
    case ARGUMENT_WORKTREE:
        if (position == 0)
            offer_worktrees(completion);
        break;
    case ARGUMENT_WORKTREES:
        offer_worktrees(completion);
        break;
    case ARGUMENT_VERB:
        break; /* needs no service: offer_word() */
    }
}

/* Of the options before the word three say what may stand for it. */
static void take_option(Ctl *ctl, const GOptionEntry *option, const char *value)
{
    char **to = option->short_name == 'C'   ? &ctl->directory
                : option->short_name == 'a' ? &ctl->agent
                : option->short_name == 'H' ? &ctl->host
                                            : NULL;
    if (!to)
        return;
    g_free(*to);
    *to = g_strdup(value);
}

static void read_argument(Completion *completion, const char *word)
{
    if (g_str_equal(word, "--"))
        completion->separated = TRUE;
    else if (word[0] == '-' && !completion->separated)
        return;
    else if (!completion->verb)
        completion->verb = verb_find(word);
    else {
        completion->position++;
        completion->last = (char *)word;
        if (!completion->first)
            completion->first = (char *)word;
    }
}

/* Finds out from the @n words before it what the word is. */
static void read_words(Completion *completion, char **words, guint n)
{
    for (guint i = 0; i < n; i++) {
        const char *value;
        const GOptionEntry *option =
            completion->separated
                ? NULL
                : options_find_valued(completion->ctl, completion->verb, words[i], &value);
        if (!option)
            read_argument(completion, words[i]);
        else if (value || i + 1 < n)
            take_option(completion->ctl, option, value ?: words[++i]);
        else
            completion->valued = option;
    }
}

/* With -H, what depends on the service is another machine's. */
static gboolean ask_host(const Completion *completion)
{
    if (!completion->ctl->host)
        return FALSE;
    remote_complete(completion->ctl, completion->words);
    return TRUE;
}

static gboolean is_agent(const GOptionEntry *option)
{
    return g_strcmp0(option->long_name, "agent") == 0;
}

/* Local branches and those of remotes. */
static void offer_branches(const Completion *completion, const char *prefix)
{
    Ctl *ctl = completion->ctl;
    if (!ctl_find_project(ctl, NULL) || !ctl->project)
        return;
    g_autofree char *output =
        git_output(ctl->project, NULL, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads",
                   "refs/remotes", NULL);
    g_auto(GStrv) branches = g_strsplit(output ?: "", "\n", -1);
    for (gsize i = 0; branches[i] && *branches[i]; i++) {
        g_autofree char *candidate = g_strconcat(prefix, branches[i], NULL);
        offer(completion, candidate);
    }
}

/* The shells know folders and files; of other values we know agents and branches. */
static void offer_values(const Completion *completion, const GOptionEntry *option,
                         const char *prefix)
{
    if (option->short_name == 'H' || ask_host(completion))
        return;
    if (g_strcmp0(option->long_name, "base") == 0)
        offer_branches(completion, prefix);
    else if (is_agent(option) && connect_quickly(completion->ctl))
        offer_agents(completion, prefix);
}

static void offer_for_dash(const Completion *completion)
{
    const char *value;
    const GOptionEntry *option =
        options_find_valued(completion->ctl, completion->verb, completion->word, &value);
    if (option && value) {
        g_autofree char *prefix = g_strndup(completion->word, value - completion->word);
        offer_values(completion, option, prefix);
        return;
    }
    offer_options(completion, completion->verb ? completion->verb->options : NULL);
    offer_options(completion, global_options(completion->ctl));
}

int complete(Ctl *ctl, char **words)
{
    guint n = g_strv_length(words);
    Completion completion = {.ctl = ctl, .words = words, .word = n > 0 ? words[n - 1] : ""};
    read_words(&completion, words, n > 0 ? n - 1 : 0);
    if (completion.valued)
        offer_values(&completion, completion.valued, "");
    else if (completion.separated && completion.verb && completion.verb->passes_on)
        return 0; /* they are the other program's */
    else if (completion.word[0] == '-' && !completion.separated)
        offer_for_dash(&completion);
    else if (!completion.verb || completion.verb->arguments == ARGUMENT_VERB)
        offer_verbs(&completion);
    else if (!ask_host(&completion) && connect_quickly(ctl))
        offer_arguments(&completion);
    return 0;
}

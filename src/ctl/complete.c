/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "info.h"
#include "json-path.h"
#include "project.h"
#include "verb.h"

/*
 * What may stand for the last word of a command line, one candidate a line. The scripts under
 * data/completions only ask and show; so they never know less than this program.
 *
 * The service is asked only if it runs already, and never long: a shell must not hang on Tab.
 */

typedef struct {
    Ctl *ctl;
    const char *word; /* the one being typed */
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

static void offer_runs(const Completion *completion)
{
    Ctl *ctl = completion->ctl;
    gboolean with_agent = strchr(completion->word, '/') != NULL;
    g_autoptr(JsonNode) list = bus_ask_quickly(ctl->bus, "List", NULL);
    g_autoptr(GPtrArray) runs = list ? run_info_list_from_json(list, ctl->project) : NULL;
    const char *previous = "";

    for (guint i = 0; runs && i < runs->len; i++) {
        const RunInfo *info = runs->pdata[i];
        g_autofree char *full = g_strdup_printf("%s/%s", info->story, info->agent);
        if (with_agent)
            offer(completion, full);
        else if (!g_str_equal(info->story, previous))
            offer(completion, info->story);
        previous = info->story;
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

static void offer_arguments(const Completion *completion, const Verb *verb, guint position)
{
    switch (verb->arguments) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_RUN:
        if (position == 0)
            offer_runs(completion);
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
    }
}

static gboolean is_option(const char *word, const char *letter, const char *name)
{
    return g_str_equal(word, letter) || g_str_equal(word, name);
}

static void set_directory(Ctl *ctl, const char *directory)
{
    g_free(ctl->directory);
    ctl->directory = g_strdup(directory);
}

/* Finds the verb, how many arguments it has so far, and the project of -C. */
static const Verb *read_words(Ctl *ctl, char **words, guint n, guint *ret_position)
{
    const Verb *verb = NULL;

    *ret_position = 0;
    for (guint i = 0; i < n; i++) {
        if (is_option(words[i], "-C", "--project") && i + 1 < n)
            set_directory(ctl, words[++i]);
        else if (g_str_has_prefix(words[i], "--project="))
            set_directory(ctl, strchr(words[i], '=') + 1);
        else if (is_option(words[i], "-a", "--agent"))
            i++;
        else if (words[i][0] == '-')
            continue;
        else if (!verb)
            verb = verb_find(words[i]);
        else
            ++*ret_position;
    }
    return verb;
}

int complete(Ctl *ctl, char **words)
{
    guint n = g_strv_length(words), position;
    Completion completion = {.ctl = ctl, .word = n > 0 ? words[n - 1] : ""};
    const char *before = n > 1 ? words[n - 2] : "";
    const Verb *verb = read_words(ctl, words, n > 0 ? n - 1 : 0, &position);

    if (is_option(before, "-a", "--agent")) {
        if (connect_quickly(ctl))
            offer_agents(&completion, "");
    } else if (completion.word[0] == '-') {
        offer_options(&completion, verb ? verb->options : NULL);
        offer_options(&completion, global_options(ctl));
        if (g_str_has_prefix(completion.word, "--agent=") && connect_quickly(ctl))
            offer_agents(&completion, "--agent=");
    } else if (!verb) {
        offer_verbs(&completion);
    } else if (connect_quickly(ctl)) {
        offer_arguments(&completion, verb, position);
    }
    return 0;
}

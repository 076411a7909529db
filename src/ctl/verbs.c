/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verb.h"

#include <string.h>

#include "ctl/text.h"

const Verb help_verb = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "Show this help, or that of a command",
    .stands_for = "--help",
    .arguments = ARGUMENT_VERB,
    .most = 1,
};

const Verb version_verb = {
    .name = "version",
    .synopsis = "",
    .summary = "Show the version",
    .stands_for = "--version",
};

const VerbGroup verb_groups[] = {
    {"Runs", (const Verb *const[]){&list_verb, &show_verb, &start_verb, &run_verb, &submit_verb,
                                   &resume_verb, &stop_verb, &freeze_verb, &thaw_verb,
                                   &max_agents_verb, NULL}},
    {"Following and steering",
     (const Verb *const[]){&top_verb, &watch_verb, &wait_verb, &log_verb, &status_verb,
                           &attach_verb, &sandbox_verb, &send_verb, &questions_verb, &answer_verb,
                           NULL}},
    {"Worktrees", (const Verb *const[]){&worktrees_verb, &path_verb, &shell_verb, &diff_verb,
                                        &fetch_verb, &merge_verb, &remove_verb, NULL}},
    {"The project", (const Verb *const[]){&config_verb, &mcp_verb, NULL}},
    {"Help", (const Verb *const[]){&help_verb, &version_verb, NULL}},
    {NULL, NULL},
};

const Verb *verb_find(const char *name)
{
    for (const VerbGroup *group = verb_groups; group->verbs; group++)
        for (const Verb *const *verb = group->verbs; *verb; verb++)
            if (g_str_equal((*verb)->name, name))
                return *verb;
    return NULL;
}

/* Two slips of the finger, or one in a short word. */
static gboolean is_near(const char *typed, const char *name, guint distance)
{
    return distance <= (strlen(typed) < 5 ? 1 : 2) && distance < strlen(name);
}

const char *verb_nearest(const char *typed)
{
    const char *nearest = NULL;
    guint least = G_MAXUINT;
    for (const VerbGroup *group = verb_groups; group->verbs; group++)
        for (const Verb *const *verb = group->verbs; *verb; verb++) {
            guint distance = text_distance(typed, (*verb)->name);
            if (!is_near(typed, (*verb)->name, distance) || distance >= least)
                continue;
            nearest = (*verb)->name;
            least = distance;
        }
    return nearest;
}

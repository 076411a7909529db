/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verb.h"

#include <string.h>

#include "ctl/text.h"

const VerbGroup verb_groups[] = {
    {"Runs", (const Verb *const[]){&list_verb, &show_verb, &start_verb, &resume_verb, &stop_verb,
                                   &freeze_verb, &thaw_verb, NULL}},
    {"Following and steering", (const Verb *const[]){&top_verb, &watch_verb, &wait_verb, &log_verb,
                                                     &attach_verb, &send_verb, NULL}},
    {"Worktrees", (const Verb *const[]){&worktrees_verb, &diff_verb, &remove_verb, NULL}},
    {"The project", (const Verb *const[]){&config_verb, &mcp_verb, NULL}},
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

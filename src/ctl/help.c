/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/help.h"

#include <stdio.h>

#include "ctl/options.h"
#include "ctl/text.h"

#define USAGE_WIDTH 26

static void append_verb(GString *text, const Verb *verb)
{
    g_autofree char *usage = g_strdup_printf("%s %s", verb->name, verb->synopsis);
    g_string_append(text, "  ");
    text_append_padded(text, usage, USAGE_WIDTH, FALSE);
    if (text_width(usage) > USAGE_WIDTH)
        g_string_append_printf(text, "\n%*s", USAGE_WIDTH + 2, "");
    g_string_append_printf(text, " %s\n", verb->summary);
}

static char *list_of_verbs(void)
{
    GString *text = g_string_new("Run coding agents on stories, many at a time.\n");
    for (const VerbGroup *group = verb_groups; group->verbs; group++) {
        g_string_append_printf(text, "\n%s:\n", group->title);
        for (const Verb *const *verb = group->verbs; *verb; verb++)
            append_verb(text, *verb);
    }
    g_string_append(text, "\nA RUN is STORY or STORY/AGENT; either may be abbreviated.");
    return g_string_free(text, FALSE);
}

void help_print(Ctl *ctl, const Verb *verb)
{
    g_autoptr(GOptionContext) context = options_context(ctl, verb);
    g_autofree char *name =
        g_strdup_printf("storkitctl%s%s", verb ? " " : "", verb ? verb->name : "");
    g_autofree char *summary = verb ? g_strconcat(verb->summary, ".", NULL) : list_of_verbs();
    g_set_prgname(name);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context,
                                     "See storkitctl(1) for more, exit statuses included.");
    g_autofree char *help = g_option_context_get_help(context, FALSE, NULL);
    fputs(help, stdout);
}

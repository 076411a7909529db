/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/journal.h"

#include <string.h>
#include <systemd/sd-journal.h>

#include "ctl/text.h"

#define OF_OUTPUT "STORKIT_EVENT=output"
#define MESSAGE_FIELD "MESSAGE="

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_journal, sd_journal_close)

static char *last_text_line(const char *message)
{
    g_autofree char *text = g_strchomp(g_strdup(message));
    const char *newline = strrchr(text, '\n');
    return text_clean(newline ? newline + 1 : text, FALSE);
}

char *last_line_from_journal(const char *run_id)
{
    g_autoptr(sd_journal) journal = NULL;
    g_autofree char *of_run = g_strconcat("STORKIT_RUN=", run_id, NULL);
    const void *field;
    size_t length;
    if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_CURRENT_USER) < 0 ||
        sd_journal_add_match(journal, of_run, 0) < 0 ||
        sd_journal_add_match(journal, OF_OUTPUT, 0) < 0 || sd_journal_seek_tail(journal) < 0 ||
        sd_journal_previous(journal) <= 0 ||
        sd_journal_get_data(journal, "MESSAGE", &field, &length) < 0 ||
        length < strlen(MESSAGE_FIELD))
        return NULL;
    g_autofree char *message =
        g_strndup((const char *)field + strlen(MESSAGE_FIELD), length - strlen(MESSAGE_FIELD));
    return last_text_line(message);
}

gboolean journal_knows_story(const char *project, const char *story)
{
    g_autoptr(sd_journal) journal = NULL;
    g_autofree char *of_story = g_strconcat("STORKIT_STORY=", story, NULL);
    g_autofree char *of_project = project ? g_strconcat("STORKIT_PROJECT=", project, NULL) : NULL;
    if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY) < 0 ||
        sd_journal_add_match(journal, of_story, 0) < 0 ||
        (of_project && sd_journal_add_match(journal, of_project, 0) < 0) ||
        sd_journal_seek_tail(journal) < 0)
        return TRUE;
    return sd_journal_previous(journal) != 0;
}

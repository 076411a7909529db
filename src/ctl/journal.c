/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/journal.h"

#include <string.h>
#include <systemd/sd-journal.h>

#include "ctl/text.h"

#define OF_OUTPUT "STORKIT_EVENT=output"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_journal, sd_journal_close)

static char *last_text_line(const char *message)
{
    g_autofree char *text = g_strchomp(g_strdup(message));
    const char *newline = strrchr(text, '\n');
    return text_clean(newline ? newline + 1 : text, FALSE);
}

/* The value of @field of the current entry. Caller frees. NULL: it has none. */
static char *get_field(sd_journal *journal, const char *field)
{
    const char *data;
    size_t length;
    if (sd_journal_get_data(journal, field, (const void **)&data, &length) < 0 ||
        length < strlen(field) + 1)
        return NULL;
    return g_strndup(data + strlen(field) + 1, length - strlen(field) - 1);
}

/* Goes to the newest entry that @journal has by now, and matches. */
static gboolean seek_newest(sd_journal *journal)
{
    return sd_journal_seek_tail(journal) >= 0 && sd_journal_previous(journal) > 0;
}

/* Entries that are no events, such as a freeze, have none. */
static guint64 find_newest_cursor(sd_journal *journal)
{
    g_autofree char *cursor = NULL;
    for (gboolean found = seek_newest(journal); found && !cursor;
         found = sd_journal_previous(journal) > 0)
        cursor = get_field(journal, "STORKIT_CURSOR");
    return cursor ? g_ascii_strtoull(cursor, NULL, 10) : 0;
}

char *last_line_from_journal(const char *run_id, guint64 *ret_cursor)
{
    g_autoptr(sd_journal) journal = NULL;
    g_autofree char *of_run = g_strconcat("STORKIT_RUN=", run_id, NULL);
    *ret_cursor = 0;
    if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_CURRENT_USER) < 0 ||
        sd_journal_add_match(journal, of_run, 0) < 0)
        return NULL;
    /* First, since more entries come. */
    *ret_cursor = find_newest_cursor(journal);
    if (sd_journal_add_match(journal, OF_OUTPUT, 0) < 0 || !seek_newest(journal))
        return NULL;
    g_autofree char *message = get_field(journal, "MESSAGE");
    return message ? last_text_line(message) : NULL;
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/actions-far.h"

#include <string.h>

#include "desktop/info.h"
#include "desktop/programs.h"

#define PREFIX "storkitctl: "

typedef struct {
    ActionDone done;
    gpointer data;
} Pending;

static void tell(Pending *pending, const char *problem)
{
    g_autoptr(GError) error =
        problem ? g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED, problem) : NULL;
    if (pending->done)
        pending->done(error, pending->data);
    g_free(pending);
}

/* Its last line: ssh may have said something before. */
static const char *last_line(char *said)
{
    const char *newline = strrchr(g_strchomp(said), '\n');
    const char *line = newline ? newline + 1 : said;
    return g_str_has_prefix(line, PREFIX) ? line + strlen(PREFIX) : line;
}

static void on_ended(GObject *process, GAsyncResult *result, gpointer data)
{
    g_autofree char *said = NULL;
    g_autoptr(GError) error = NULL;
    if (!g_subprocess_communicate_utf8_finish(G_SUBPROCESS(process), result, NULL, &said, &error))
        tell(data, error->message);
    else if (g_subprocess_get_successful(G_SUBPROCESS(process)))
        tell(data, NULL);
    else
        tell(data, said ? last_line(said) : "storkitctl has failed");
}

static char **add_action(GPtrArray *words, const char *action, GVariant *info)
{
    g_autofree char *run =
        g_strdup_printf("%s/%s", info_name(info, "story_id"), info_name(info, "agent_name"));
    g_autofree char *question = info_first_question(info);
    if (g_str_equal(action, "stop"))
        return program_add_words(words, "stop", info_name(info, "run_id"), NULL);
    if (g_str_equal(action, "resume"))
        return program_add_words(words, "resume", run, NULL);
    if (g_str_has_prefix(action, ACTION_ANSWER))
        return program_add_words(words, "answer", info_name(info, "run_id"), question,
                                 action + strlen(ACTION_ANSWER), NULL);
    return NULL;
}

gboolean action_run_far(const char *action, GVariant *info, ActionDone done, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) words = program_storkitctl_words(info);
    char **argv = add_action(words, action, info);
    if (!argv)
        return FALSE;
    Pending *pending = g_new(Pending, 1);
    *pending = (Pending){done, data};
    g_autoptr(GSubprocess) process = g_subprocess_newv(
        (const char *const *)argv,
        G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
    if (process)
        g_subprocess_communicate_utf8_async(process, NULL, NULL, on_ended, pending);
    else
        tell(pending, error->message);
    return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/conversations.h"

#include <sys/stat.h>

#include "base/error.h"
#include "base/test-hooks.h"
#include "run/read-line.h"
#include "store/answers.h"
#include "store/messages.h"

/* A session that is resumed has been shown again once nothing has come for so long: gemini says
 * that it is ready before that. */
#define QUIET_MSEC 700

/* After a full disk, say. */
#define RETRY_MSEC 1000

struct Conversations {
    Runs *runs;
    Steering *steering;
    GHashTable *pauses; /* Run * -> Pause *, of runs that are to be looked at again */
};

typedef struct {
    Conversations *owner;
    Run *run;
    guint source;
    gboolean is_over;
} Pause;

static void pause_free(gpointer data)
{
    Pause *pause = data;
    g_clear_handle_id(&pause->source, g_source_remove);
    run_unref(pause->run);
    g_free(pause);
}

static void look(Conversations *conversations, Run *run);

static gboolean on_pause_over(gpointer user_data)
{
    Pause *pause = user_data;
    g_autoptr(Run) run = run_ref(pause->run);
    pause->source = 0;
    pause->is_over = TRUE;
    look(pause->owner, run);
    return G_SOURCE_REMOVE;
}

static void pause_for(Conversations *conversations, Run *run, guint msec)
{
    Pause *pause = g_new0(Pause, 1);
    *pause = (Pause){.owner = conversations, .run = run_ref(run)};
    pause->source = g_timeout_add(msec, on_pause_over, pause);
    g_hash_table_insert(conversations->pauses, run, pause);
}

/* TRUE: the pause that this asks for is over. Each line starts it again. */
static gboolean has_paused(Conversations *conversations, Run *run)
{
    const Pause *pause = g_hash_table_lookup(conversations->pauses, run);
    if (pause && pause->is_over)
        return TRUE;
    if (!pause)
        pause_for(conversations, run, QUIET_MSEC);
    return FALSE;
}

/* --- What is owed --- */

static char *read_message(guint n, gpointer run)
{
    return message_read(run_get_folder_fd(run), n);
}

static AgentReply find_reply(Run *run, ReadLine *line)
{
    const RunRecord *record = run_get_record(run);
    const Permissions permissions = {
        .mode = record->permission, .allow = record->allow, .deny = record->deny};
    const ReplyContext context = {
        .session_id = run_get_session(run),
        .resume = record->options->resume,
        .folder = record->worktree ? record->worktree->path : record->project_root,
        .mode = record->mode,
        .model = record->model,
        .mcp_servers = record->mcp_servers,
        .permissions = &permissions,
        .read_message = read_message,
        .data = run,
    };
    return record->kind->reply(read_line_json(line), &context);
}

static void on_given(GVariant *value, const GError *error, gpointer data)
{
    g_autofree char *run_id = data;
    if (error)
        g_debug("run %s: %s", run_id, error->message);
}

static void give(Conversations *conversations, Run *run, const char *id)
{
    steering_send_answer(conversations->steering, run, id, on_given, g_strdup(run_get_id(run)));
}

/* Whatever comes from now on is new. */
static gboolean end_history(Run *run)
{
    RunLogState state;
    struct stat st;
    run_log_get_state(run_get_log(run), &state);
    return fstat(state.transcript_fd, &st) == 0 &&
           history_end_keep(run_get_folder_fd(run), (guint64)st.st_size);
}

/* FALSE: not now. */
static gboolean keep(Conversations *conversations, Run *run, const char *id,
                     const AgentReply *reply)
{
    g_autoptr(GError) error = NULL;
    gboolean resumes = reply->is_first && run_get_record(run)->options->resume;
    if (resumes && (!has_paused(conversations, run) || !end_history(run)))
        return FALSE;
    if (reply->is_prompt)
        cancel_keep(run_get_folder_fd(run), reply->cancel);
    if (answer_keep(run_get_folder_fd(run), id, reply->text, &error)) {
        fault_point("reply");
        give(conversations, run, id);
        return TRUE;
    }
    g_warning("run %s: %s; trying again", run_get_id(run), error->message);
    pause_for(conversations, run, RETRY_MSEC);
    return FALSE;
}

/* The agent has nothing to do, or leaves off as it was asked to: no reason to wait with its end. */
static gboolean stop_idle(Run *run)
{
    if (!run_is_stopping(run))
        return FALSE;
    run_stop(run);
    return TRUE;
}

static gboolean do_reply(Conversations *conversations, Run *run, const char *id,
                         const AgentReply *reply)
{
    gboolean idle = reply->kind == REPLY_WAIT || reply->kind == REPLY_END;
    if (idle)
        cancel_keep(run_get_folder_fd(run), NULL);
    if ((idle || reply->is_prompt) && stop_idle(run))
        return TRUE;
    if (reply->kind == REPLY_END)
        steering_end_input(conversations->steering, run);
    if (reply->kind == REPLY_TEXT)
        return keep(conversations, run, id, reply);
    return reply->kind != REPLY_WAIT;
}

/* FALSE: it stays owed. */
static gboolean settle(Conversations *conversations, Run *run, const LinePlace *place)
{
    g_autofree char *id = g_strdup_printf("%" G_GUINT64_FORMAT, place->id);
    if (answer_is_kept(run_get_folder_fd(run), id)) { /* the shim may not know of it */
        give(conversations, run, id);
        return TRUE;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(ReadLine) line = run_read_line(run, place, &error);
    if (!line) {
        g_warning("run %s: %s", run_get_id(run), error->message);
        return TRUE;
    }
    AgentReply reply = find_reply(run, line);
    gboolean settled = do_reply(conversations, run, id, &reply);
    g_free(reply.text);
    g_free(reply.cancel);
    return settled;
}

/* --- What runs tell --- */

static void look(Conversations *conversations, Run *run)
{
    GArray *due = run_get_facts(run)->due;
    for (guint i = 0; due && i < due->len;) {
        const LinePlace place = g_array_index(due, LinePlace, i);
        if (settle(conversations, run, &place))
            g_array_remove_index(due, i);
        else
            i++;
    }
}

static void heard(const RunNews *news, gpointer data)
{
    Conversations *conversations = data;
    if (!news->run || !run_get_record(news->run)->kind->reply ||
        (news->kind != NEWS_EVENTS && news->kind != NEWS_CHANGED))
        return;
    g_hash_table_remove(conversations->pauses, news->run);
    if (run_get_phase(news->run) == RUN_RUNNING)
        look(conversations, news->run);
}

/* --- Messages --- */

static void add(Conversations *conversations, Run *run, const char *text, Reply reply,
                gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!message_add(run_get_folder_fd(run), text, &error)) {
        reply(NULL, error, data);
        return;
    }
    fault_point("message");
    reply(NULL, NULL, data);
    look(conversations, run);
}

static gboolean check_message(const Run *run, const char *text, GError **error)
{
    if (!steering_check_message(run, text, error))
        return FALSE;
    if (*text)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                "the message to agent '%s' is empty", run_get_record(run)->agent);
    return FALSE;
}

void conversations_send_message(Conversations *conversations, Run *run, const char *text,
                                Reply reply, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!run_get_record(run)->kind->reply)
        steering_send_message(conversations->steering, run, text, reply, data);
    else if (check_message(run, text, &error))
        add(conversations, run, text, reply, data);
    else
        reply(NULL, error, data);
}

void conversations_close_input(Conversations *conversations, Run *run, Reply reply, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!run_get_record(run)->kind->reply)
        steering_close_input(conversations->steering, run, reply, data);
    else if (steering_check_takes_messages(run, &error))
        add(conversations, run, "", reply, data);
    else
        reply(NULL, error, data);
}

Conversations *conversations_new(Runs *runs, Steering *steering)
{
    Conversations *conversations = g_new0(Conversations, 1);
    conversations->runs = runs;
    conversations->steering = steering;
    conversations->pauses = g_hash_table_new_full(NULL, NULL, NULL, pause_free);
    runs_add_listener(runs, heard, conversations);
    return conversations;
}

void conversations_free(Conversations *conversations)
{
    if (!conversations)
        return;
    runs_remove_listener(conversations->runs, conversations);
    g_hash_table_unref(conversations->pauses);
    g_free(conversations);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/steering.h"

#include <string.h>

#include <glib-unix.h>

#include "base/error.h"
#include "store/shim-client.h"
#include "store/shim-protocol.h"
#include "base/util.h"

struct Steering {
    GHashTable *channels; /* Run * -> Channel *, of the runs that something waits for */
};

/* One call that is not in the FIFO as a whole. */
typedef struct {
    guint8 type;
    GBytes *bytes;
    gsize written;
    Reply reply;
    gpointer data;
} Input;

typedef struct {
    Steering *owner;
    Run *run;
    int fifo;
    GQueue inputs; /* Input *, first come, first served */
    gsize waiting; /* their size */
    guint source;  /* waits for room in the FIFO */
} Channel;

/* --- Calls --- */

static Input *input_new(guint8 type, GBytes *bytes_taken, Reply reply, gpointer data)
{
    Input *input = g_new0(Input, 1);
    *input = (Input){.type = type, .bytes = bytes_taken, .reply = reply, .data = data};
    return input;
}

/* Its weight: empty ones count, too. */
static gsize input_size(const Input *input)
{
    return sizeof(Input) + g_bytes_get_size(input->bytes);
}

static void input_answer(Input *input, const GError *error)
{
    input->reply(NULL, error, input->data);
    g_bytes_unref(input->bytes);
    g_free(input);
}

/* 0, or an errno: EAGAIN where the agent has to read first. An empty input is one empty record. */
static int input_write(Input *input, int fifo)
{
    gsize length;
    const char *bytes = g_bytes_get_data(input->bytes, &length);
    do {
        gssize n =
            shim_write_input(fifo, input->type, bytes + input->written, length - input->written);
        if (n < 0)
            return errno;
        input->written += (gsize)n;
    } while (input->written < length);
    return 0;
}

/* --- Channels --- */

static GError *gone_error(const Run *run)
{
    return g_error_new(STORKIT_ERROR, STORKIT_ERROR_NOT_RUNNING,
                       "agent '%s' on story '%s' ended before it read this",
                       run_get_record(run)->agent, run_get_record(run)->story);
}

static void answer_all(Channel *channel, const GError *error)
{
    Input *input;
    while ((input = g_queue_pop_head(&channel->inputs)))
        input_answer(input, error);
}

static void channel_free(Channel *channel)
{
    g_autoptr(GError) error =
        g_error_new_literal(STORKIT_ERROR, STORKIT_ERROR_SHUTTING_DOWN,
                            "the service is shutting down; part of this may have been sent");
    g_clear_handle_id(&channel->source, g_source_remove);
    answer_all(channel, error);
    fd_clear(&channel->fifo);
    run_unref(channel->run);
    g_free(channel);
}

/* FALSE if nothing is waiting. */
static gboolean advance(Channel *channel)
{
    Input *input;
    while ((input = g_queue_peek_head(&channel->inputs))) {
        int r = input_write(input, channel->fifo);
        if (r == EAGAIN)
            return TRUE;
        if (r != 0) { /* the shim is gone */
            g_autoptr(GError) error = gone_error(channel->run);
            answer_all(channel, error);
            return FALSE;
        }
        channel->waiting -= input_size(input);
        input_answer(g_queue_pop_head(&channel->inputs), NULL);
    }
    return FALSE;
}

static gboolean on_room(int fd, GIOCondition condition, gpointer user_data)
{
    Channel *channel = user_data;
    if (advance(channel))
        return G_SOURCE_CONTINUE;
    channel->source = 0;
    g_hash_table_remove(channel->owner->channels, channel->run);
    return G_SOURCE_REMOVE;
}

static Channel *open_channel(Steering *steering, Run *run, GError **error)
{
    Channel *channel = g_hash_table_lookup(steering->channels, run);
    if (channel)
        return channel;
    autofd fifo = shim_open_input(run_get_folder_fd(run), NULL);
    if (fifo < 0) {
        g_propagate_error(error, gone_error(run));
        return NULL;
    }
    channel = g_new0(Channel, 1);
    channel->owner = steering;
    channel->run = run_ref(run);
    channel->fifo = fd_steal(&fifo);
    g_hash_table_insert(steering->channels, run, channel);
    return channel;
}

static gboolean has_room(const Channel *channel, const Input *input, GError **error)
{
    if (channel->waiting + input_size(input) <= STEERING_QUEUE_MAX)
        return TRUE;
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                "too much input: agent '%s' has not read %" G_GSIZE_FORMAT " bytes yet, and at "
                "most %u may wait for it",
                run_get_record(channel->run)->agent, channel->waiting, STEERING_QUEUE_MAX);
    return FALSE;
}

/* Takes the input. FALSE where it is refused, and answered. */
static gboolean send(Steering *steering, Run *run, Input *input)
{
    g_autoptr(GError) error = NULL;
    Channel *channel = open_channel(steering, run, &error);
    if (!channel || !has_room(channel, input, &error)) {
        input_answer(input, error);
        if (channel && g_queue_is_empty(&channel->inputs))
            g_hash_table_remove(steering->channels, run);
        return FALSE;
    }
    g_queue_push_tail(&channel->inputs, input);
    channel->waiting += input_size(input);
    if (channel->source != 0)
        return TRUE;
    if (advance(channel))
        channel->source = g_unix_fd_add(channel->fifo, G_IO_OUT, on_room, channel);
    else
        g_hash_table_remove(steering->channels, run);
    return TRUE;
}

/* --- What may be sent --- */

void steering_send_input(Steering *steering, Run *run, const void *bytes, gsize length, Reply reply,
                         gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!run_check_running(run, &error)) {
        reply(NULL, error, data);
        return;
    }
    send(steering, run, input_new(SHIM_INPUT_TERMINAL, g_bytes_new(bytes, length), reply, data));
}

gboolean steering_check_takes_messages(const Run *run, GError **error)
{
    if (!run_check_running(run, error))
        return FALSE;
    if (!run_get_record(run)->interactive) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "agent '%s' takes no messages: set `interactive = true` for it in "
                    ".storkit/project.toml and start it again",
                    run_get_record(run)->agent);
        return FALSE;
    }
    return TRUE;
}

gboolean steering_check_message(const Run *run, const char *text, GError **error)
{
    if (!steering_check_takes_messages(run, error))
        return FALSE;
    if (run_is_input_closed(run)) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "the input of agent '%s' is closed: it takes no more messages",
                    run_get_record(run)->agent);
        return FALSE;
    }
    if (strlen(text) > STEERING_MESSAGE_MAX) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "the message is longer than %u bytes: put it into a file in the worktree and "
                    "send the file's name",
                    STEERING_MESSAGE_MAX);
        return FALSE;
    }
    return TRUE;
}

static char *build_message(const Run *run, const char *text, GError **error)
{
    if (!steering_check_message(run, text, error))
        return NULL;
    if (!run_get_record(run)->kind->build_message) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "agent '%s' is of a kind that takes no messages while it runs",
                    run_get_record(run)->agent);
        return NULL;
    }
    return run_get_record(run)->kind->build_message(text);
}

void steering_send_message(Steering *steering, Run *run, const char *text, Reply reply,
                           gpointer data)
{
    g_autoptr(GError) error = NULL;
    char *message = build_message(run, text, &error);
    if (!message) {
        reply(NULL, error, data);
        return;
    }
    send(steering, run,
         input_new(SHIM_INPUT_MESSAGE, g_bytes_new_take(message, strlen(message)), reply, data));
}

void steering_close_input(Steering *steering, Run *run, Reply reply, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!steering_check_takes_messages(run, &error)) {
        reply(NULL, error, data);
        return;
    }
    if (send(steering, run, input_new(SHIM_INPUT_CLOSE, g_bytes_new(NULL, 0), reply, data)))
        run_set_input_closed(run);
}

static void ignore(GVariant *value, const GError *error, gpointer data)
{
}

void steering_end_input(Steering *steering, Run *run)
{
    run_set_input_closed(run);
    send(steering, run, input_new(SHIM_INPUT_CLOSE, g_bytes_new(NULL, 0), ignore, NULL));
}

void steering_send_answer(Steering *steering, Run *run, const char *question, Reply reply,
                          gpointer data)
{
    send(steering, run,
         input_new(SHIM_INPUT_ANSWER, g_bytes_new(question, strlen(question)), reply, data));
}

gboolean steering_resize(Run *run, guint rows, guint columns, GError **error)
{
    if (!run_check_running(run, error))
        return FALSE;
    if (rows == 0 || columns == 0) {
        g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT,
                    "a terminal of %u rows and %u columns: both must be at least 1", rows, columns);
        return FALSE;
    }
    if (shim_send_resize(run_get_folder_fd(run), (guint16)rows, (guint16)columns, NULL))
        return TRUE;
    g_propagate_error(error, gone_error(run));
    return FALSE;
}

/* --- Life and end --- */

Steering *steering_new(void)
{
    Steering *steering = g_new0(Steering, 1);
    steering->channels = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)channel_free);
    return steering;
}

void steering_free(Steering *steering)
{
    if (!steering)
        return;
    g_hash_table_unref(steering->channels);
    g_free(steering);
}

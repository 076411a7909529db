/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/stream.h"

#define FIRST_DELAY_MSEC 500
#define LONGEST_DELAY_MSEC 15000

struct HostStream {
    const Ctl *ctl;
    const char *host;
    const HostStreamHandler *handler;
    gpointer data;

    HostCall *call;
    JsonArray *runs; /* what the host has listed, until the command begins */
    guint timer;
    guint delay_msec; /* before the last attempt; 0: it goes well */
    guint longest_msec;
    gint64 away_since;  /* µs since the epoch; 0: it is there */
    gboolean was_there; /* it has listed its runs before */
    gboolean paused;
};

static void ask_for_runs(HostStream *stream);

static gboolean on_retry(gpointer data)
{
    HostStream *stream = data;
    stream->timer = 0;
    ask_for_runs(stream);
    return G_SOURCE_REMOVE;
}

static void replace_call(HostStream *stream, HostCall *call)
{
    g_clear_pointer(&stream->call, host_call_free);
    stream->call = call;
}

/* A service that was there may be restarting, or its machine. */
static gboolean may_come_back(const HostStream *stream, const HostEnd *end)
{
    return end->state == HOST_UNREACHABLE || (end->state == HOST_FAILED && stream->was_there);
}

static void retry_later(HostStream *stream, const HostEnd *end)
{
    gboolean news = stream->away_since == 0;
    if (news)
        stream->away_since = g_get_real_time();
    stream->delay_msec = CLAMP(stream->delay_msec * 2, FIRST_DELAY_MSEC, stream->longest_msec);
    stream->timer = g_timeout_add(stream->delay_msec, on_retry, stream);
    g_autofree char *said = g_strdup(end->said);
    replace_call(stream, NULL);
    if (news)
        stream->handler->away(stream, said, stream->data);
}

static void on_line(const char *line, gsize length, gpointer data)
{
    HostStream *stream = data;
    stream->handler->line(stream, line, length, stream->data);
}

static void on_end(const HostEnd *end, gpointer data)
{
    HostStream *stream = data;
    if (may_come_back(stream, end))
        retry_later(stream, end);
    else
        stream->handler->end(stream, end, stream->data);
}

static void note_presence(HostStream *stream)
{
    gint64 since = stream->away_since;
    stream->was_there = TRUE;
    stream->delay_msec = 0;
    stream->away_since = 0;
    if (since > 0)
        stream->handler->back(stream, since, stream->data);
}

static void begin(HostStream *stream)
{
    static const HostHandler handler = {.line = on_line, .end = on_end};
    const HostEnd nothing_left = {.state = HOST_FINE, .said = ""};
    g_autofree char *input = NULL;
    g_auto(GStrv) words = stream->handler->begin(stream, stream->runs, &input, stream->data);
    g_clear_pointer(&stream->runs, json_array_unref);
    if (!words) {
        stream->handler->end(stream, &nothing_left, stream->data);
        return;
    }
    replace_call(stream, host_call_new(stream->ctl, stream->host, words, input, &handler, stream));
    host_call_pause(stream->call, stream->paused);
}

static void on_listed(const char *line, gsize length, gpointer data)
{
    HostStream *stream = data;
    g_autoptr(JsonParser) parser = json_parser_new();
    if (length > G_MAXSSIZE || !json_parser_load_from_data(parser, line, (gssize)length, NULL))
        return;
    JsonNode *root = json_parser_get_root(parser);
    if (root && JSON_NODE_HOLDS_ARRAY(root) && !stream->runs)
        stream->runs = json_node_dup_array(root);
}

static void on_list_end(const HostEnd *end, gpointer data)
{
    HostStream *stream = data;
    if (end->state == HOST_FINE && stream->runs) {
        note_presence(stream);
        begin(stream);
    } else {
        on_end(end, data);
    }
}

static void ask_for_runs(HostStream *stream)
{
    static const HostHandler handler = {.line = on_listed, .end = on_list_end};
    char *words[] = {(char *)"list", NULL};
    g_clear_pointer(&stream->runs, json_array_unref);
    replace_call(stream, host_call_new(stream->ctl, stream->host, words, NULL, &handler, stream));
}

HostStream *host_stream_new(const Ctl *ctl, const char *host, const HostStreamHandler *handler,
                            gpointer data)
{
    HostStream *stream = g_new(HostStream, 1);
    *stream = (HostStream){
        .ctl = ctl,
        .host = host,
        .handler = handler,
        .data = data,
        .longest_msec = LONGEST_DELAY_MSEC,
    };
    ask_for_runs(stream);
    return stream;
}

const char *host_stream_host(const HostStream *stream)
{
    return stream->host;
}

void host_stream_set_longest_pause(HostStream *stream, guint msec)
{
    stream->longest_msec = msec;
}

void host_stream_pause(HostStream *stream, gboolean paused)
{
    stream->paused = paused;
    if (stream->call && !stream->runs)
        host_call_pause(stream->call, paused);
}

void host_stream_free(HostStream *stream)
{
    g_clear_handle_id(&stream->timer, g_source_remove);
    g_clear_pointer(&stream->call, host_call_free);
    g_clear_pointer(&stream->runs, json_array_unref);
    g_free(stream);
}

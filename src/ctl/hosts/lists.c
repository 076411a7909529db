/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/lists.h"

struct HostLists {
    char **words;
    const HostListsHandler *handler;
    gpointer data;
    GPtrArray *streams; /* HostStream * */
};

static char **on_begin(HostStream *stream, JsonArray *runs, char **ret_input, gpointer data)
{
    const HostLists *lists = data;
    return g_strdupv((char **)lists->words);
}

static void on_line(HostStream *stream, const char *line, gsize length, gpointer data)
{
    HostLists *lists = data;
    g_autoptr(JsonParser) parser = json_parser_new();
    if (length > G_MAXSSIZE || !json_parser_load_from_data(parser, line, (gssize)length, NULL))
        return;
    JsonNode *root = json_parser_get_root(parser);
    if (root && JSON_NODE_HOLDS_ARRAY(root))
        lists->handler->runs(host_stream_host(stream), root, lists->data);
}

static void on_away(HostStream *stream, const char *said, gpointer data)
{
    HostLists *lists = data;
    lists->handler->lost(host_stream_host(stream), HOST_UNREACHABLE, said, lists->data);
}

/* Its first line comes at once. */
static void on_back(HostStream *stream, gint64 since, gpointer data)
{
}

static void on_end(HostStream *stream, const HostEnd *end, gpointer data)
{
    HostLists *lists = data;
    HostState state = end->state == HOST_FINE ? HOST_FAILED : end->state;
    lists->handler->lost(host_stream_host(stream), state, end->said, lists->data);
    if (lists->handler->over)
        lists->handler->over(end->status, lists->data);
}

static void free_stream(gpointer data)
{
    host_stream_free(data);
}

HostLists *host_lists_new(Ctl *ctl, const char *const *words, guint longest_msec,
                          const HostListsHandler *handler, gpointer data)
{
    static const HostStreamHandler each = {
        .begin = on_begin,
        .line = on_line,
        .away = on_away,
        .back = on_back,
        .end = on_end,
    };
    HostLists *lists = g_new(HostLists, 1);
    *lists = (HostLists){g_strdupv((char **)words), handler, data,
                         g_ptr_array_new_with_free_func(free_stream)};
    for (gsize i = 0; ctl->hosts[i]; i++) {
        HostStream *stream = host_stream_new(ctl, ctl->hosts[i], &each, lists);
        if (longest_msec > 0)
            host_stream_set_longest_pause(stream, longest_msec);
        g_ptr_array_add(lists->streams, stream);
    }
    return lists;
}

void host_lists_free(HostLists *lists)
{
    g_ptr_array_unref(lists->streams);
    g_strfreev(lists->words);
    g_free(lists);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl-error.h"
#include "ctl/json-path.h"

#define READ_SIZE (64 * 1024)

struct Wire {
    const WireHandler *handler;
    gpointer data;
    sd_event_source *readable;
    GString *buffer; /* read and not yet a whole line */
};

/* --- Writing --- */

static void send_object(JsonObject *message_taken)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    json_node_take_object(node, message_taken);
    g_autofree char *line = json_to_string(node, FALSE);
    puts(line);
    fflush(stdout);
}

static JsonObject *message_new(void)
{
    JsonObject *message = json_object_new();
    json_object_set_string_member(message, "jsonrpc", "2.0");
    return message;
}

void wire_send_result(JsonNode *id, JsonObject *result_taken)
{
    JsonObject *message = message_new();
    json_object_set_member(message, "id", json_node_copy(id));
    json_object_set_object_member(message, "result", result_taken);
    send_object(message);
}

void wire_send_error(JsonNode *id, int code, const char *text, JsonObject *data_taken)
{
    JsonObject *error = json_object_new();
    json_object_set_int_member(error, "code", code);
    json_object_set_string_member(error, "message", text);
    if (data_taken)
        json_object_set_object_member(error, "data", data_taken);

    JsonObject *message = message_new();
    json_object_set_member(message, "id", id ? json_node_copy(id) : json_node_new(JSON_NODE_NULL));
    json_object_set_object_member(message, "error", error);
    send_object(message);
}

void wire_send_notification(const char *method, JsonObject *params_taken)
{
    JsonObject *message = message_new();
    json_object_set_string_member(message, "method", method);
    json_object_set_object_member(message, "params", params_taken);
    send_object(message);
}

/* --- Reading --- */

static void take_line(Wire *wire, const char *line, gsize length)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return;
    g_autoptr(JsonObject) message = json_parse_object(line, length);
    if (message)
        wire->handler->message(message, wire->data);
    else
        wire_send_error(NULL, WIRE_PARSE_ERROR, "each line must be one JSON object", NULL);
}

static void take_lines(Wire *wire, gsize searched)
{
    GString *buffer = wire->buffer;
    gsize start = 0;
    const char *newline;
    while ((newline = memchr(buffer->str + searched, '\n', buffer->len - searched))) {
        gsize end = (gsize)(newline - buffer->str);
        take_line(wire, buffer->str + start, end - start);
        searched = start = end + 1;
    }
    g_string_erase(buffer, 0, (gssize)start);
}

static void finish(Wire *wire)
{
    wire->readable = sd_event_source_disable_unref(wire->readable);
    wire->handler->closed(wire->data);
}

static int on_readable(sd_event_source *source, int fd, guint32 events, void *userdata)
{
    Wire *wire = userdata;
    gsize had = wire->buffer->len;
    g_string_set_size(wire->buffer, had + READ_SIZE);
    ssize_t n = read(fd, wire->buffer->str + had, READ_SIZE);
    g_string_set_size(wire->buffer, had + (gsize)MAX(n, 0));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        finish(wire);
        return 0;
    }
    take_lines(wire, had);
    if (wire->buffer->len > WIRE_LINE_MAX) {
        wire_send_error(NULL, WIRE_PARSE_ERROR, "a line is longer than 16 MiB", NULL);
        finish(wire);
    }
    return 0;
}

Wire *wire_new(sd_event *event, const WireHandler *handler, gpointer data, GError **error)
{
    g_autoptr(Wire) wire = g_new0(Wire, 1);
    *wire = (Wire){.handler = handler, .data = data, .buffer = g_string_new(NULL)};
    int r = sd_event_add_io(event, &wire->readable, STDIN_FILENO, EPOLLIN, on_readable, wire);
    if (r >= 0)
        return g_steal_pointer(&wire);
    g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                "cannot wait for standard input (%s): an MCP client starts this command with a "
                "pipe",
                g_strerror(-r));
    return NULL;
}

void wire_free(Wire *wire)
{
    sd_event_source_disable_unref(wire->readable);
    g_string_free(wire->buffer, TRUE);
    g_free(wire);
}

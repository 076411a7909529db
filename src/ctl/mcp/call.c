/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/call.h"

#include "ctl/events.h"
#include "ctl/json-path.h"
#include "ctl/mcp/command.h"
#include "ctl/mcp/tools.h"
#include "ctl/mcp/wire.h"

/* What of a command's output a model is given. */
#define OUTPUT_MAX (256 * 1024)

/* In a flood of events only the newest is reported, four times a second. */
#define PROGRESS_USEC (250 * G_TIME_SPAN_MILLISECOND)

/* Clients give up on a request after a minute without an answer or progress. */
#define STILL_WAITING_USEC (5 * G_TIME_SPAN_SECOND)

/* An object of a line, and the line's length. */
typedef struct {
    JsonObject *object;
    gsize length;
} Kept;

struct Call {
    Ctl *ctl;
    Request *request;
    const Tool *tool;
    CallDone done;
    gpointer data;

    Command *command;
    sd_event_source *timer;
    gboolean timed_out;

    GString *text;      /* its output, as far as it is kept */
    gsize omitted;      /* bytes of it that are not kept */
    GQueue objects;     /* Kept: the runs or events that it printed */
    gsize objects_size; /* of their lines */

    gint64 progress;
    char *news; /* the newest event's line, to be sent when `progress_timer` fires */
    sd_event_source *progress_timer;
    sd_event_source *still_waiting_timer;
};

/* --- Output --- */

static void kept_free(Kept *kept)
{
    g_clear_pointer(&kept->object, json_object_unref);
    g_free(kept);
}

static void take_object(Call *call, JsonObject *object_taken, gsize length)
{
    Kept *kept = g_new(Kept, 1);
    *kept = (Kept){object_taken, length};
    g_queue_push_tail(&call->objects, kept);
    call->objects_size += length;
    while (call->objects_size > OUTPUT_MAX && call->objects.length > 1) {
        Kept *oldest = g_queue_pop_head(&call->objects);
        call->objects_size -= oldest->length;
        call->omitted += oldest->length;
        kept_free(oldest);
    }
}

static void tell_news(Call *call)
{
    g_autofree char *news = g_steal_pointer(&call->news);
    if (news)
        request_tell_progress(call->request, ++call->progress, news);
}

static int on_progress_timer(sd_event_source *source, guint64 usec, void *userdata)
{
    tell_news(userdata);
    return 0;
}

static int on_still_waiting(sd_event_source *source, guint64 usec, void *userdata)
{
    Call *call = userdata;
    request_tell_progress(call->request, ++call->progress, "still waiting");
    (void)sd_event_source_set_time_relative(source, STILL_WAITING_USEC);
    (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

/* Whatever is reported or not: the call is alive. */
static void watch_patience(Call *call)
{
    if (call->request->progress_token)
        (void)sd_event_add_time_relative(call->ctl->event, &call->still_waiting_timer,
                                         CLOCK_MONOTONIC, STILL_WAITING_USEC, 0, on_still_waiting,
                                         call);
}

static void note_news(Call *call, JsonObject *event)
{
    char *line = call->request->progress_token ? event_last_line(event) : NULL;
    int enabled = SD_EVENT_OFF;
    if (!line)
        return;
    g_free(call->news);
    call->news = line;
    if (call->progress_timer)
        (void)sd_event_source_get_enabled(call->progress_timer, &enabled);
    if (enabled != SD_EVENT_OFF)
        return;
    tell_news(call);
    if (call->progress_timer) {
        (void)sd_event_source_set_time_relative(call->progress_timer, PROGRESS_USEC);
        (void)sd_event_source_set_enabled(call->progress_timer, SD_EVENT_ONESHOT);
    } else {
        (void)sd_event_add_time_relative(call->ctl->event, &call->progress_timer, CLOCK_MONOTONIC,
                                         PROGRESS_USEC, 0, on_progress_timer, call);
    }
}

/* A model reads an agent's text; the raw lines are in the transcript. */
static void take_event(Call *call, JsonObject *event_taken, gsize length)
{
    note_news(call, event_taken);
    if (g_strcmp0(json_get_string(event_taken, "type"), "agent_json") == 0)
        json_object_unref(event_taken);
    else
        take_object(call, event_taken, length);
}

static void take_text(Call *call, const char *line, gsize length)
{
    if (call->text->len + length > OUTPUT_MAX) {
        call->omitted += length + 1;
        return;
    }
    g_string_append_len(call->text, line, (gssize)length);
    g_string_append_c(call->text, '\n');
}

static void on_line(Command *command, const char *line, gsize length, gpointer data)
{
    Call *call = data;
    OutputKind kind = call->tool->output;
    if (kind == OUTPUT_JSON || kind == OUTPUT_TEXT) {
        take_text(call, line, length);
        return;
    }
    JsonObject *object = json_parse_object(line, length);
    if (object && kind == OUTPUT_EVENTS)
        take_event(call, object, length);
    else if (object)
        take_object(call, object, length);
}

/* --- Answers --- */

static JsonArray *take_objects(Call *call)
{
    JsonArray *array = json_array_new();
    for (Kept *kept; (kept = g_queue_pop_head(&call->objects)); kept_free(kept))
        json_array_add_object_element(array, g_steal_pointer(&kept->object));
    return array;
}

/* The document that it printed; an array as a member of an object, as the protocol wants it. */
static JsonObject *parse_document(const Call *call)
{
    g_autoptr(JsonNode) node = json_from_string(call->text->str, NULL);
    if (node && JSON_NODE_HOLDS_OBJECT(node))
        return json_node_dup_object(node);
    JsonObject *object = json_object_new();
    if (node && JSON_NODE_HOLDS_ARRAY(node))
        json_object_set_array_member(object, call->tool->list_name ?: "items",
                                     json_node_dup_array(node));
    return object;
}

static JsonObject *structured_content(Call *call)
{
    JsonObject *object;
    switch (call->tool->output) {
    case OUTPUT_JSON:
        return parse_document(call);
    case OUTPUT_RUNS:
        object = json_object_new();
        json_object_set_array_member(object, call->tool->list_name, take_objects(call));
        json_object_set_boolean_member(object, "timed_out", call->timed_out);
        return object;
    case OUTPUT_EVENTS:
        object = json_object_new();
        json_object_set_array_member(object, "events", take_objects(call));
        json_object_set_boolean_member(object, "run_ended", !call->timed_out);
        if (call->omitted > 0)
            json_object_set_int_member(object, "omitted_bytes", (gint64)call->omitted);
        return object;
    case OUTPUT_TEXT:
    default:
        return NULL;
    }
}

static JsonArray *text_content(const char *text)
{
    JsonObject *block = json_object_new();
    json_object_set_string_member(block, "type", "text");
    json_object_set_string_member(block, "text", text);
    JsonArray *content = json_array_new();
    json_array_add_object_element(content, block);
    return content;
}

/* @notes: what the command said beside its output, such as that a diff lacks new files. */
static char *as_text(Call *call, JsonObject *structured, const char *notes)
{
    if (structured) {
        g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
        json_node_set_object(node, structured);
        return json_to_string(node, FALSE);
    }
    if (call->omitted > 0)
        g_string_append_printf(call->text, "… (%" G_GSIZE_FORMAT " more bytes)\n", call->omitted);
    g_string_append(call->text, notes);
    return g_utf8_make_valid(call->text->str, (gssize)call->text->len);
}

static void reply(Call *call, const char *notes)
{
    JsonObject *structured = structured_content(call);
    g_autofree char *text = as_text(call, structured, notes);
    JsonObject *result = json_object_new();
    json_object_set_array_member(result, "content",
                                 text_content(*text ? text : "Done, with no output."));
    if (structured)
        json_object_set_object_member(result, "structuredContent", structured);
    request_reply(call->request, result);
}

/* A failure that the model can read and do something about. */
static void reply_failure(const Request *request, const char *why)
{
    g_autofree char *valid = g_utf8_make_valid(why, -1);
    JsonObject *result = json_object_new();
    json_object_set_array_member(result, "content", text_content(g_strstrip(valid)));
    json_object_set_boolean_member(result, "isError", TRUE);
    request_reply(request, result);
}

static gboolean has_failed(const Call *call, int status)
{
    if (call->timed_out || status == 0)
        return FALSE;
    return !call->tool->status_is_of_runs || status < CTL_EXIT_RUN_FAILED;
}

static void on_ended(Command *command, int status, const char *err, gpointer data)
{
    Call *call = data;
    if (has_failed(call, status))
        reply_failure(call->request, *err ? err : "the command failed without a message");
    else
        reply(call, err);
    call->done(call, call->data);
}

/* --- A call --- */

static int on_timeout(sd_event_source *source, guint64 usec, void *userdata)
{
    Call *call = userdata;
    call->timed_out = TRUE;
    command_end(call->command);
    return 0;
}

static gboolean begin(Call *call, JsonObject *arguments, GError **error)
{
    static const CommandHandler handler = {.line = on_line, .ended = on_ended};
    guint seconds = tool_timeout(call->tool, arguments);
    g_auto(GStrv) words = tool_command_line(call->tool, call->ctl, arguments, error);
    if (!words)
        return FALSE;
    call->command =
        command_new(call->ctl->event, (const char *const *)words, &handler, call, error);
    if (!call->command)
        return FALSE;
    if (seconds > 0)
        (void)sd_event_add_time_relative(call->ctl->event, &call->timer, CLOCK_MONOTONIC,
                                         seconds * G_USEC_PER_SEC, 0, on_timeout, call);
    watch_patience(call);
    return TRUE;
}

Call *call_new(Ctl *ctl, Request *request_taken, CallDone done, gpointer data)
{
    g_autoptr(Request) request = request_taken;
    const char *name = json_get_string(request->params, "name");
    const Tool *tool = name ? tool_find(name) : NULL;
    g_autoptr(GError) error = NULL;
    if (!tool) {
        g_autofree char *why = g_strdup_printf("no tool “%s”: tools/list lists them", name ?: "");
        request_fail(request, WIRE_INVALID_PARAMS, why);
        return NULL;
    }
    Call *call = g_new0(Call, 1);
    *call = (Call){
        .ctl = ctl,
        .request = g_steal_pointer(&request),
        .tool = tool,
        .done = done,
        .data = data,
        .text = g_string_new(NULL),
        .objects = G_QUEUE_INIT,
    };
    if (begin(call, json_get_object(call->request->params, "arguments"), &error))
        return call;
    reply_failure(call->request, error->message);
    call_free(call);
    return NULL;
}

JsonNode *call_id(const Call *call)
{
    return call->request->id;
}

void call_free(Call *call)
{
    sd_event_source_disable_unref(call->timer);
    sd_event_source_disable_unref(call->progress_timer);
    sd_event_source_disable_unref(call->still_waiting_timer);
    g_free(call->news);
    g_clear_pointer(&call->command, command_free);
    g_queue_clear_full(&call->objects, (GDestroyNotify)kept_free);
    g_string_free(call->text, TRUE);
    request_free(call->request);
    g_free(call);
}

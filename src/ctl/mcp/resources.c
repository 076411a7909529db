/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/mcp/resources.h"

#include "ctl/follow.h"
#include "ctl/info.h"
#include "ctl/json-path.h"
#include "ctl/mcp/wire.h"
#include "ctl/message-json.h"

#define URI_PREFIX "storkit://run/"
#define MIME_TYPE "application/x-ndjson"

/* The last so many bytes of a run's events are given. */
#define TEXT_MAX (1024 * 1024)

struct Reading {
    Ctl *ctl;
    Request *request;
    ReadingDone done;
    gpointer data;
    sd_bus_slot *call;
    Follow *follow;
    guint64 end;   /* the cursor that the run had come to when it was asked for */
    GString *text; /* its events */
};

static void finish(Reading *reading)
{
    reading->done(reading, reading->data);
}

static void fail(Reading *reading, int code, const char *message)
{
    request_fail(reading->request, code, message);
    finish(reading);
}

/* --- Reading one --- */

static void reply_text(Reading *reading)
{
    JsonObject *contents = json_object_new();
    json_object_set_string_member(contents, "uri",
                                  json_get_string(reading->request->params, "uri"));
    json_object_set_string_member(contents, "mimeType", MIME_TYPE);
    json_object_set_string_member(contents, "text", reading->text->str);

    JsonArray *array = json_array_new();
    json_array_add_object_element(array, contents);
    JsonObject *result = json_object_new();
    json_object_set_array_member(result, "contents", array);
    request_reply_uncacheable(reading->request, result);
    finish(reading);
}

/* Whole lines go, the oldest first. */
static void bound_text(GString *text)
{
    if (text->len <= 2 * TEXT_MAX)
        return;
    const char *newline = strchr(text->str + text->len - TEXT_MAX, '\n');
    if (newline)
        g_string_erase(text, 0, newline + 1 - text->str);
}

static gboolean is_at_end(const Reading *reading, const char *line, gsize length)
{
    g_autoptr(JsonObject) event = json_parse_object(line, length);
    return event && (guint64)json_get_int(event, "cursor") >= reading->end;
}

static int on_read(sd_event_source *source, void *userdata)
{
    Reading *reading = userdata;
    sd_event_source_unref(source);
    reply_text(reading);
    return 0;
}

static void on_event(Follow *follow, const char *line, gsize length, gpointer data)
{
    Reading *reading = data;
    if (reading->end == 0)
        return;
    g_string_append_len(reading->text, line, (gssize)length);
    g_string_append_c(reading->text, '\n');
    bound_text(reading->text);
    if (!is_at_end(reading, line, length))
        return;
    /* Not from inside of the follower, which reads on. */
    reading->end = 0;
    sd_event_source *source = NULL;
    (void)sd_event_add_defer(reading->ctl->event, &source, on_read, reading);
}

static void on_follow_end(Follow *follow, const GError *error, gpointer data)
{
    Reading *reading = data;
    if (reading->end == 0)
        return; /* the answer is on its way */
    if (error)
        fail(reading, WIRE_INVALID_PARAMS, error->message);
    else
        reply_text(reading);
}

static void follow_to_now(Reading *reading, const RunInfo *info)
{
    static const FollowHandler handler = {.event = on_event, .end = on_follow_end};
    reading->end = run_info_uint(info, "cursor", 1);
    reading->follow = follow_new(reading->ctl, info->run_id, 0, &handler, reading);
}

/* --- The list --- */

static JsonObject *describe(const RunInfo *info)
{
    g_autofree char *uri = g_strconcat(URI_PREFIX, info->run_id, NULL);
    g_autofree char *name = g_strdup_printf("%s/%s", info->story, info->agent);
    g_autofree char *description =
        g_strdup_printf("The events of %s in %s, which is %s", name, info->project, info->status);
    JsonObject *object = json_object_new();
    json_object_set_string_member(object, "uri", uri);
    json_object_set_string_member(object, "name", name);
    json_object_set_string_member(object, "description", description);
    json_object_set_string_member(object, "mimeType", MIME_TYPE);
    return object;
}

static void reply_list(Reading *reading, GPtrArray *infos)
{
    JsonArray *array = json_array_new();
    for (guint i = 0; i < infos->len; i++)
        json_array_add_object_element(array, describe(infos->pdata[i]));
    JsonObject *result = json_object_new();
    json_object_set_array_member(result, "resources", array);
    request_reply_uncacheable(reading->request, result);
    finish(reading);
}

static const RunInfo *find_run(GPtrArray *infos, const char *uri)
{
    for (guint i = 0; i < infos->len; i++) {
        const RunInfo *info = infos->pdata[i];
        g_autofree char *own = g_strconcat(URI_PREFIX, info->run_id, NULL);
        if (g_str_equal(own, uri))
            return info;
    }
    return NULL;
}

static void on_listed(sd_bus_message *reply, const GError *error, gpointer data)
{
    Reading *reading = data;
    const char *uri = json_get_string(reading->request->params, "uri");
    reading->call = sd_bus_slot_unref(reading->call);
    if (error) {
        fail(reading, WIRE_INTERNAL_ERROR, error->message);
        return;
    }
    g_autoptr(JsonNode) node = message_read_json(reply);
    g_autoptr(GPtrArray) infos = run_info_list_from_json(node, NULL);
    if (!uri) {
        reply_list(reading, infos);
        return;
    }
    const RunInfo *info = find_run(infos, uri);
    if (info)
        follow_to_now(reading, info);
    else
        fail(reading, WIRE_INVALID_PARAMS, "no such resource: resources/list lists them");
}

/* --- A request --- */

Reading *reading_new(Ctl *ctl, Request *request_taken, ReadingDone done, gpointer data)
{
    g_autoptr(GError) error = NULL;
    Reading *reading = g_new0(Reading, 1);
    *reading = (Reading){
        .ctl = ctl,
        .request = request_taken,
        .done = done,
        .data = data,
        .text = g_string_new(NULL),
    };
    if (bus_call_async(ctl->bus, "List", on_listed, reading, &reading->call, &error, NULL))
        return reading;
    request_fail(reading->request, WIRE_INTERNAL_ERROR, error->message);
    reading_free(reading);
    return NULL;
}

JsonNode *reading_id(const Reading *reading)
{
    return reading->request->id;
}

void reading_free(Reading *reading)
{
    sd_bus_slot_unref(reading->call);
    g_clear_pointer(&reading->follow, follow_free);
    g_string_free(reading->text, TRUE);
    request_free(reading->request);
    g_free(reading);
}

void resources_reply_templates(const Request *request)
{
    JsonObject *template = json_object_new();
    json_object_set_string_member(template, "uriTemplate", URI_PREFIX "{run_id}");
    json_object_set_string_member(template, "name", "run");
    json_object_set_string_member(template, "description", "The events of a run, by its id");
    json_object_set_string_member(template, "mimeType", MIME_TYPE);

    JsonArray *array = json_array_new();
    json_array_add_object_element(array, template);
    JsonObject *result = json_object_new();
    json_object_set_array_member(result, "resourceTemplates", array);
    request_reply_uncacheable(request, result);
}

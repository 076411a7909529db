/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <storkit/event.h>

#include <string.h>

#include "base/json-scan.h"

struct _StorkitEvent {
    GObject parent;
    char *json;
    gsize length;
    char *text; /* decoded once it was asked for */
    StorkitEventKind kind;
    guint64 cursor;
    gint64 time;
    gboolean last;
};

G_DEFINE_FINAL_TYPE(StorkitEvent, storkit_event, G_TYPE_OBJECT)

G_DEFINE_ENUM_TYPE(StorkitEventKind, storkit_event_kind,
                   G_DEFINE_ENUM_VALUE(STORKIT_EVENT_KIND_UNKNOWN, "unknown"),
                   G_DEFINE_ENUM_VALUE(STORKIT_EVENT_KIND_STATUS, "status"),
                   G_DEFINE_ENUM_VALUE(STORKIT_EVENT_KIND_OUTPUT, "output"),
                   G_DEFINE_ENUM_VALUE(STORKIT_EVENT_KIND_AGENT_JSON, "agent-json"),
                   G_DEFINE_ENUM_VALUE(STORKIT_EVENT_KIND_DONE, "done"),
                   G_DEFINE_ENUM_VALUE(STORKIT_EVENT_KIND_ERROR, "error"))

enum { PROP_KIND = 1, PROP_CURSOR, PROP_TIME, PROP_LAST, PROP_TEXT, PROP_JSON, N_PROPS };

static const struct {
    const char *type, *text;
} kinds[] = {
    [STORKIT_EVENT_KIND_STATUS] = {"status", "status"},
    [STORKIT_EVENT_KIND_OUTPUT] = {"output", "text"},
    [STORKIT_EVENT_KIND_AGENT_JSON] = {"agent_json", NULL},
    [STORKIT_EVENT_KIND_DONE] = {"done", NULL},
    [STORKIT_EVENT_KIND_ERROR] = {"error", "message"},
};

static StorkitEventKind kind_of(const char *type)
{
    for (guint i = STORKIT_EVENT_KIND_STATUS; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].type, type))
            return i;
    return STORKIT_EVENT_KIND_UNKNOWN;
}

/* Notes on @tape, which the caller clears, where the values of the text are. */
static gboolean scan(const char *text, gsize length, JsonScan *scan, JsonTape *tape)
{
    json_tape_init(tape);
    json_scan_init(scan);
    json_scan_record(scan, tape);
    return json_scan_push(scan, text, length) && json_scan_finish(scan);
}

static const JsonToken *member(const JsonTape *tape, const char *text, const char *name)
{
    uint32_t index = json_tape_member(tape, text, 0, name, strlen(name));
    return index == 0 ? NULL : &tape->tokens[index];
}

static guint64 read_uint(const JsonTape *tape, const char *text, const char *name)
{
    const JsonToken *token = member(tape, text, name);
    if (!token || token->type != JSON_NUMBER)
        return 0;
    return g_ascii_strtoull(text + token->begin, NULL, 10);
}

static gboolean is_last(StorkitEvent *self, const JsonTape *tape)
{
    if (self->kind != STORKIT_EVENT_KIND_STATUS)
        return self->kind == STORKIT_EVENT_KIND_DONE || self->kind == STORKIT_EVENT_KIND_ERROR;
    const JsonToken *status = member(tape, self->json, "status");
    return status && status->type == JSON_STRING &&
           json_string_is(self->json, status, "stopped", strlen("stopped"));
}

StorkitEvent *storkit_event_new(const char *line, gsize length)
{
    JsonScan json;
    JsonTape tape;
    StorkitEvent *self = NULL;
    if (scan(line, length, &json, &tape)) {
        self = g_object_new(STORKIT_TYPE_EVENT, NULL);
        self->json = g_strndup(line, length);
        self->length = length;
        self->kind = kind_of(json_scan_type(&json));
        self->cursor = read_uint(&tape, line, "cursor");
        self->time = (gint64)read_uint(&tape, line, "time");
        self->last = is_last(self, &tape);
    }
    json_tape_clear(&tape);
    return self;
}

/* The end of the JSON value that begins at @text, of which it is known that it is valid. */
static const char *value_end(const char *text)
{
    guint depth = 0;
    gboolean in_string = FALSE;
    for (;; text++) {
        if (in_string) {
            if (*text == '\\')
                text++;
            else if (*text == '"')
                in_string = FALSE;
        } else if (*text == '"') {
            in_string = TRUE;
        } else if (*text == '{' || *text == '[') {
            depth++;
        } else if (depth == 0 && strchr(",}] \t", *text)) {
            return text;
        } else if (*text == '}' || *text == ']') {
            depth--;
        }
    }
}

static char *value_text(const char *text, const JsonToken *token)
{
    if (token->type == JSON_STRING)
        return g_strndup(text + token->begin - 1, token->end - token->begin + 2);
    const char *begin = text + token->begin;
    const char *end = value_end(begin);
    return g_strndup(begin, (gsize)(end - begin));
}

static char *value_string(const char *text, const JsonToken *token)
{
    if (token->type != JSON_STRING)
        return NULL;
    char *string = g_malloc(token->end - token->begin + 1);
    string[json_string_decode(text, token, string)] = '\0';
    return string;
}

typedef char *(*ValueReader)(const char *text, const JsonToken *token);

static char *read_member(StorkitEvent *self, const char *name, ValueReader reader)
{
    JsonScan json;
    JsonTape tape;
    char *value = NULL;
    if (scan(self->json, self->length, &json, &tape)) {
        const JsonToken *token = member(&tape, self->json, name);
        value = token ? reader(self->json, token) : NULL;
    }
    json_tape_clear(&tape);
    return value;
}

StorkitEventKind storkit_event_get_kind(StorkitEvent *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self), STORKIT_EVENT_KIND_UNKNOWN);
    return self->kind;
}

guint64 storkit_event_get_cursor(StorkitEvent *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self), 0);
    return self->cursor;
}

gint64 storkit_event_get_time(StorkitEvent *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self), 0);
    return self->time;
}

gboolean storkit_event_get_last(StorkitEvent *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self), FALSE);
    return self->last;
}

const char *storkit_event_get_text(StorkitEvent *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self), NULL);
    const char *name = kinds[self->kind].text;
    if (!self->text && name)
        self->text = read_member(self, name, value_string);
    return self->text;
}

const char *storkit_event_get_json(StorkitEvent *self)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self), NULL);
    return self->json;
}

char *storkit_event_dup_member(StorkitEvent *self, const char *name)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self) && name, NULL);
    return read_member(self, name, value_text);
}

char *storkit_event_dup_string(StorkitEvent *self, const char *name)
{
    g_return_val_if_fail(STORKIT_IS_EVENT(self) && name, NULL);
    return read_member(self, name, value_string);
}

double storkit_event_get_number(StorkitEvent *self, const char *name, double fallback)
{
    g_autofree char *value = storkit_event_dup_member(self, name);
    if (!value || !(g_ascii_isdigit(*value) || *value == '-'))
        return fallback;
    return g_ascii_strtod(value, NULL);
}

static void storkit_event_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    StorkitEvent *self = STORKIT_EVENT(object);
    switch (id) {
    case PROP_KIND:
        g_value_set_enum(value, self->kind);
        break;
    case PROP_CURSOR:
        g_value_set_uint64(value, self->cursor);
        break;
    case PROP_TIME:
        g_value_set_int64(value, self->time);
        break;
    case PROP_LAST:
        g_value_set_boolean(value, self->last);
        break;
    case PROP_TEXT:
        g_value_set_string(value, storkit_event_get_text(self));
        break;
    case PROP_JSON:
        g_value_set_string(value, self->json);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

static void storkit_event_finalize(GObject *object)
{
    StorkitEvent *self = STORKIT_EVENT(object);
    g_free(self->json);
    g_free(self->text);
    G_OBJECT_CLASS(storkit_event_parent_class)->finalize(object);
}

static void storkit_event_class_init(StorkitEventClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    object->finalize = storkit_event_finalize;
    object->get_property = storkit_event_get_property;
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
    GParamSpec *specs[N_PROPS] = {
        /**
         * StorkitEvent:kind:
         *
         * What the event tells of.
         */
        [PROP_KIND] = g_param_spec_enum("kind", NULL, NULL, STORKIT_TYPE_EVENT_KIND,
                                        STORKIT_EVENT_KIND_UNKNOWN, flags),
        /**
         * StorkitEvent:cursor:
         *
         * The place in the run's events just after this one.
         */
        [PROP_CURSOR] = g_param_spec_uint64("cursor", NULL, NULL, 0, G_MAXUINT64, 0, flags),
        /**
         * StorkitEvent:time:
         *
         * When it happened, in µs since the epoch.
         */
        [PROP_TIME] = g_param_spec_int64("time", NULL, NULL, 0, G_MAXINT64, 0, flags),
        /**
         * StorkitEvent:last:
         *
         * Whether no other event of its run follows.
         */
        [PROP_LAST] = g_param_spec_boolean("last", NULL, NULL, FALSE, flags),
        /**
         * StorkitEvent:text:
         *
         * What it says; %NULL for kinds that are no text.
         */
        [PROP_TEXT] = g_param_spec_string("text", NULL, NULL, NULL, flags),
        /**
         * StorkitEvent:json:
         *
         * The whole event, a JSON object.
         */
        [PROP_JSON] = g_param_spec_string("json", NULL, NULL, NULL, flags),
    };
    g_object_class_install_properties(object, N_PROPS, specs);
}

static void storkit_event_init(StorkitEvent *self)
{
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/entry.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "ctl/format.h"
#include "ctl/json-path.h"
#include "ctl/summary.h"
#include "ctl/text.h"

/* A label lays out all of its text at once. */
#define TEXT_MAX 1000
/* Where a text may not be broken, Pango tries each character for the end of a line. */
#define WORD_MAX 200
#define DETAILS_MAX 32768

/* What is not shown yet costs its event alone: most lines of a flood are never looked at. */
struct _MonitorEntry {
    GObject parent;
    StorkitEvent *event;
    EntryKind kind;
    char *text; /* of an `output`, once it was asked for */
    gboolean open;
};

G_DEFINE_FINAL_TYPE(MonitorEntry, monitor_entry, G_TYPE_OBJECT)

enum { PROP_TEXT = 1, PROP_OPEN, N_PROPS };

static GParamSpec *specs[N_PROPS];

static EntryKind kind_of_style(Style style)
{
    switch (style) {
    case STYLE_BAD:
        return ENTRY_BAD;
    case STYLE_WARN:
        return ENTRY_WARNING;
    case STYLE_GOOD:
        return ENTRY_GOOD;
    default:
        return ENTRY_TOOL;
    }
}

/* --- Events in words --- */

static char *text_of_json(StorkitEvent *event, EntryKind *ret_kind)
{
    Style style;
    g_autofree char *data = storkit_event_dup_member(event, "data");
    g_autoptr(JsonObject) line = data ? json_parse_object(data, strlen(data)) : NULL;
    char *text = line ? summarise_line(line, &style) : NULL;
    if (text)
        *ret_kind = kind_of_style(style);
    return text;
}

/* As the service names them. */
static const struct {
    const char *status, *text;
    EntryKind kind;
} statuses[] = {
    {"pending", N_("waits for its turn"), ENTRY_STATUS},
    {"running", N_("running"), ENTRY_STATUS},
    {"frozen", N_("frozen"), ENTRY_WARNING},
    {"stopped", N_("stopped"), ENTRY_WARNING},
    {"waiting", N_("waits for an answer"), ENTRY_WARNING},
    {"disk_full", N_("the disk is full: the agent waits for space"), ENTRY_BAD},
    {"budget_low", N_("80 per cent of the project's budget for the day are spent"), ENTRY_WARNING},
    {"budget_spent", N_("the project's budget for the day is spent"), ENTRY_BAD},
    {"oom_kill", N_("out of memory: the kernel killed one of its processes"), ENTRY_BAD},
};

static char *text_of_status(StorkitEvent *event, EntryKind *ret_kind)
{
    const char *status = storkit_event_get_text(event) ?: "?";
    *ret_kind = ENTRY_STATUS;
    for (gsize i = 0; i < G_N_ELEMENTS(statuses); i++) {
        if (!g_str_equal(statuses[i].status, status))
            continue;
        *ret_kind = statuses[i].kind;
        return g_strdup(_(statuses[i].text));
    }
    return g_strdup(status);
}

static char *text_of_done(StorkitEvent *event)
{
    double turns = storkit_event_get_number(event, "turns", 0);
    double cost = storkit_event_get_number(event, "cost_usd", 0);
    g_autofree char *sum = format_cost(cost);
    guint n = (guint)CLAMP(turns, 0, G_MAXINT);
    if (n == 0)
        return g_strdup(_("completed"));
    return g_strdup_printf(ngettext("completed: %u turn, %s", "completed: %u turns, %s", n), n,
                           sum);
}

static char *text_of_error(StorkitEvent *event)
{
    const char *message = storkit_event_get_text(event);
    return g_strdup_printf(_("failed: %s"), message ?: _("no reason given"));
}

/* @ret_kind is set where there is something to say. */
static char *text_of(StorkitEvent *event, EntryKind *ret_kind)
{
    switch (storkit_event_get_kind(event)) {
    case STORKIT_EVENT_KIND_AGENT_JSON:
        return text_of_json(event, ret_kind);
    case STORKIT_EVENT_KIND_STATUS:
        return text_of_status(event, ret_kind);
    case STORKIT_EVENT_KIND_DONE:
        *ret_kind = ENTRY_GOOD;
        return text_of_done(event);
    case STORKIT_EVENT_KIND_ERROR:
        *ret_kind = ENTRY_BAD;
        return text_of_error(event);
    default:
        return NULL;
    }
}

/* How many bytes of @text a row shows. Scripts without spaces may be broken anywhere. */
static gsize row_length(const char *text)
{
    gsize word = 0;
    for (gsize i = 0; i < TEXT_MAX && text[i]; i++) {
        gboolean breaks = g_ascii_isspace(text[i]) || (guchar)text[i] >= 0x80;
        word = breaks ? 0 : word + 1;
        if (word > WORD_MAX)
            return i;
    }
    return TEXT_MAX;
}

/* @text as a label can take it; @most bytes. */
static char *cut_and_clean(const char *text, gsize most)
{
    gsize length = strlen(text);
    if (length <= most)
        return g_strchomp(text_clean(text, TRUE));
    const char *end = g_utf8_find_prev_char(text, text + most);
    g_autofree char *cut = g_strndup(text, (gsize)((end ?: text) - text));
    g_autofree char *clean = text_clean(cut, TRUE);
    g_autofree char *size = format_bytes(length);
    return g_strdup_printf(_("%s… (%s in all)"), clean, size);
}

/* --- The object --- */

MonitorEntry *monitor_entry_new(StorkitEvent *event)
{
    EntryKind kind = ENTRY_TEXT;
    g_autofree char *text = text_of(event, &kind);
    if (!text && storkit_event_get_kind(event) != STORKIT_EVENT_KIND_OUTPUT)
        return NULL;
    MonitorEntry *self = g_object_new(MONITOR_TYPE_ENTRY, NULL);
    self->event = g_object_ref(event);
    self->kind = kind;
    self->text = text ? cut_and_clean(text, row_length(text)) : NULL;
    return self;
}

EntryKind monitor_entry_get_kind(MonitorEntry *self)
{
    return self->kind;
}

char *monitor_entry_dup_clock(MonitorEntry *self)
{
    return format_clock((guint64)storkit_event_get_time(self->event));
}

const char *monitor_entry_get_text(MonitorEntry *self)
{
    const char *whole = storkit_event_get_text(self->event) ?: "";
    if (!self->text)
        self->text = cut_and_clean(whole, row_length(whole));
    return self->text;
}

static gboolean is_json(MonitorEntry *self)
{
    return storkit_event_get_kind(self->event) == STORKIT_EVENT_KIND_AGENT_JSON;
}

gboolean monitor_entry_has_details(MonitorEntry *self)
{
    const char *text = storkit_event_get_text(self->event);
    return is_json(self) || (text && strlen(text) > row_length(text));
}

char *monitor_entry_dup_details(MonitorEntry *self)
{
    if (!is_json(self))
        return cut_and_clean(storkit_event_get_text(self->event) ?: "", DETAILS_MAX);
    g_autofree char *data = storkit_event_dup_member(self->event, "data");
    g_autoptr(JsonObject) line = data ? json_parse_object(data, strlen(data)) : NULL;
    if (!line)
        return g_strdup("");
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), line);
    g_autofree char *pretty = json_to_string(node, TRUE);
    return cut_and_clean(pretty, DETAILS_MAX);
}

gboolean monitor_entry_get_open(MonitorEntry *self)
{
    return self->open;
}

void monitor_entry_set_open(MonitorEntry *self, gboolean open)
{
    if (self->open == open || !monitor_entry_has_details(self))
        return;
    self->open = open;
    g_object_notify_by_pspec(G_OBJECT(self), specs[PROP_OPEN]);
}

gsize monitor_entry_get_size(MonitorEntry *self)
{
    return 400 + 2 * strlen(storkit_event_get_json(self->event));
}

static void monitor_entry_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    MonitorEntry *self = MONITOR_ENTRY(object);
    if (id == PROP_TEXT)
        g_value_set_string(value, monitor_entry_get_text(self));
    else if (id == PROP_OPEN)
        g_value_set_boolean(value, self->open);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void monitor_entry_finalize(GObject *object)
{
    MonitorEntry *self = MONITOR_ENTRY(object);
    g_clear_object(&self->event);
    g_free(self->text);
    G_OBJECT_CLASS(monitor_entry_parent_class)->finalize(object);
}

static void monitor_entry_class_init(MonitorEntryClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
    object->finalize = monitor_entry_finalize;
    object->get_property = monitor_entry_get_property;
    specs[PROP_TEXT] = g_param_spec_string("text", NULL, NULL, NULL, flags);
    specs[PROP_OPEN] = g_param_spec_boolean("open", NULL, NULL, FALSE, flags);
    g_object_class_install_properties(object, N_PROPS, specs);
}

static void monitor_entry_init(MonitorEntry *self)
{
}

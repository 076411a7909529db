/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/signal.h"

#include <string.h>

#include "base/bus-text.h"
#include "base/bus-names.h"
#include "bus/variant.h"

static int append_string(sd_bus_message *m, const char *key, const char *value)
{
    g_autofree char *clean = bus_text_clean(value);
    return sd_bus_message_append(m, "{sv}", key, "s", clean ? clean : value);
}

/* The text of an event is valid, and cleaned here: sd-bus, which looks at each character by a call,
 * need not do so again. */
static int append_event_text(sd_bus_message *m, const char *key, const char *text)
{
    g_autofree char *clean = bus_text_clean(text);
    const char *value = clean ? clean : text;
    gsize length = strlen(value);
    char *space;
    int r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append_basic(m, 's', key);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "s");
    if (r >= 0 && (r = sd_bus_message_append_string_space(m, length, &space)) >= 0)
        memcpy(space, value, length);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_text(sd_bus_message *m, const Event *event)
{
    gsize length = event_cut_length(event->text, event->length, EVENT_BUS_MAX);
    gboolean cut = length < event->length || event->full_length > 0;
    guint64 full = event->full_length ? event->full_length : event->length;
    int r = 0;
    if (!cut)
        r = append_event_text(m, event->type == EVENT_OUTPUT ? "text" : "data", event->text);
    else if (event->type == EVENT_OUTPUT) {
        g_autofree char *text = g_strndup(event->text, length);
        r = append_event_text(m, "text", text);
    }
    if (r >= 0 && event->shown && !cut)
        r = append_event_text(m, "shown", event->shown);
    if (r >= 0 && cut)
        r = sd_bus_message_append(m, "{sv}{sv}", "truncated", "b", 1, "length", "t", full);
    return r;
}

static int append_own_keys(sd_bus_message *m, const Event *event)
{
    if (event->details)
        return bus_append_children(m, event->details);
    if (event->type == EVENT_STATUS)
        return append_string(m, "status", event->text);
    return append_text(m, event);
}

static int append_event(sd_bus_message *m, const RunIdentity *identity, const Event *event)
{
    int r = sd_bus_message_append(m, "sss", identity->story, identity->agent,
                                  event_type_to_string(event->type));
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "{sv}");
    if (r >= 0)
        r = append_string(m, "project_root", identity->project_root);
    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}{sv}{sv}", "run_id", "s", identity->run_id, "cursor", "t",
                                  event->cursor, "time", "t", event->time);
    if (r >= 0)
        r = append_own_keys(m, event);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

int bus_send_event(sd_bus *bus, const RunIdentity *identity, const Event *event)
{
    sd_bus_message *m = NULL;
    int r =
        sd_bus_message_new_signal(bus, &m, STORKIT_OBJECT_PATH, STORKIT_INTERFACE, "AgentEvent");
    if (r >= 0)
        r = append_event(m, identity, event);
    if (r >= 0)
        r = sd_bus_send(bus, m, NULL);
    sd_bus_message_unref(m);
    return r;
}
